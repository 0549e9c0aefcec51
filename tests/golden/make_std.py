"""Make the reference values of the standard library with PyTorch, in float64.

    python make_std.py                 write std/inputs.safetensors, std/cases.json, std/grads.safetensors
    python make_std.py --sample FILE   also hold the formulas to the known numbers of the retina sample
    python make_std.py --cross-check   also hold them to MONAI's own losses 

Pinned, since other versions may differ in the last digits: see VERSIONS. Install with
    pip install torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 safetensors==0.8.0 kornia==0.9.0
    pip install --no-deps monai==1.6.1 pytorch-metric-learning==2.9.0 pytorch-msssim==1.0.0

Each case is a complete .loss text, the names of its input arrays, the value, the names of its
gradient arrays, and where the value comes from. The conventions of each loss stand in README.md and, with
the formulas, in std_cases/*.py. The gradients are torch's, each held to central differences of the value.
"""

import argparse
import json
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import kornia
import monai
import numpy
import pytorch_metric_learning
import safetensors
import torch
import torchvision
from safetensors.numpy import load_file, save_file

sys.dont_write_bytecode = True

from std_cases import FAMILIES, inputs
from std_cases.common import Book

VERSIONS = {
    "torch": "2.15.0",
    "torchvision": "0.29.2",
    "numpy": "2.4.6",
    "safetensors": "0.8.0",
    "monai": "1.6.1",
    "kornia": "0.9.0",
    "pytorch_metric_learning": "2.9.0",
    "pytorch_msssim": "1.0.0",
}
OUT = Path(__file__).resolve().parent / "std"


def check_versions():
    modules = (torch, torchvision, numpy, safetensors, monai, kornia, pytorch_metric_learning)
    found = {m.__name__: m.__version__.split("+")[0] for m in modules}
    found["pytorch_msssim"] = version("pytorch-msssim")
    print("versions:", ", ".join(f"{name} {version}" for name, version in found.items()))
    assert found == VERSIONS, f"this script is pinned to {VERSIONS}"


def write(book):
    OUT.mkdir(exist_ok=True)
    used = {array for case in book.cases for array in case["inputs"].values()}
    save_file({name: book.inputs[name] for name in sorted(used)}, OUT / "inputs.safetensors")
    save_file(dict(sorted(book.grads.items())), OUT / "grads.safetensors")
    for name in ("inputs", "grads"):
        (OUT / f"{name}.safetensors").chmod(0o644)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in book.cases)
    (OUT / "cases.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    back = load_file(OUT / "grads.safetensors")
    cases = json.loads((OUT / "cases.json").read_text(encoding="utf-8"))
    assert all(name in back for case in cases for name in case["grads"].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sample", metavar="FILE", help="the retina sample, a safetensors file")
    parser.add_argument("--cross-check", action="store_true", help="compare with MONAI")
    args = parser.parse_args()
    check_versions()
    torch.manual_seed(0)
    torch.set_num_threads(1)

    book = Book(inputs.make())
    for family in FAMILIES:
        family.add(book)
    write(book)
    counts = Counter(case["loss"] for case in book.cases)
    for loss, count in counts.items():
        print(f"{loss:18}{count:4}")
    print(f"{len(book.cases)} cases, {len(book.grads)} gradients, worst difference check {book.worst:.1e}")

    if args.sample:
        from std_cases.checks import sample
        sample(load_file(args.sample))
    if args.cross_check:
        from std_cases.checks import monai_agrees
        monai_agrees(book)


if __name__ == "__main__":
    main()
