"""Make the reference values of the modules under specs/compat with the libraries themselves, in float64.

    python make_compat.py [NAME ...]    write compat/NAME.json and compat/NAME.safetensors, of all modules or of some

Pinned, since other versions may differ: see VERSIONS. Install with
    pip install -r compat_cases/requirements.txt
    pip install --no-deps monai==1.6.1 nnunetv2==2.8.1 mmsegmentation==1.2.2

Each case is a complete .loss text, the names of its input arrays, the value, the names of its gradient
arrays, and the call that gave them. The arrays are those of std_cases/inputs.py and compat_cases/common.py.
"""

import importlib
import importlib.metadata
import json
import os
import sys
import warnings
from pathlib import Path

sys.dont_write_bytecode = True
os.environ["KERAS_BACKEND"] = "torch"

import torch
from safetensors.numpy import save_file

from compat_cases import common
from std_cases.common import Book

VERSIONS = {
    "torch": "2.15.0",
    "torchvision": "0.29.2",
    "monai": "1.6.1",
    "segmentation-models-pytorch": "0.6.0",
    "kornia": "0.9.0",
    "nnunetv2": "2.8.1",
    "mmsegmentation": "1.2.2",
    "keras": "3.15.1",
    "optax": "0.2.8",
    "jax": "0.10.2",
    "timm": "1.0.31",
    "scipy": "1.17.1",
    "numpy": "2.4.6",
    "safetensors": "0.8.0",
}
MODULES = ["torch", "monai", "smp", "nnunet", "timm", "torchvision", "kornia", "mmseg", "keras", "optax"]
OUT = Path(__file__).resolve().parent / "compat"


def write(name):
    book = Book(common.make())
    importlib.import_module(f"compat_cases.{name}_cases").cases(common.Module(book, name))
    used = {array for one in book.cases for array in one["inputs"].values()}
    arrays = {array: book.inputs[array] for array in used} | book.grads
    path = OUT / f"{name}.safetensors"
    save_file(dict(sorted(arrays.items())), path)
    path.chmod(0o644)
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in book.cases)
    (OUT / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{name}: {len(book.cases)} cases of {len({one['loss'] for one in book.cases})} losses")


def main():
    found = {name: importlib.metadata.version(name).split("+")[0] for name in VERSIONS}
    assert found == VERSIONS, f"this script is pinned to {VERSIONS}, and here are {found}"
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    OUT.mkdir(exist_ok=True)
    for name in sys.argv[1:] or MODULES:
        write(name)


if __name__ == "__main__":
    main()
