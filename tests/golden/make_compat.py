"""Make the reference values of the modules under specs/compat with the libraries themselves, in float64.

    python make_compat.py       write compat/inputs.safetensors, compat/cases.json, compat/grads.safetensors

Pinned, since other versions may differ: see VERSIONS. Install with
    pip install torch==2.15.0 monai==1.6.1 segmentation-models-pytorch==0.6.0 numpy==2.4.6 safetensors==0.8.0

Each case is a complete .loss text, the names of its input arrays, the value, the names of its gradient
arrays, and the call that gave them. The arrays are those of std_cases/inputs.py.
"""

import json
import sys
from itertools import product
from pathlib import Path

import monai
import numpy
import safetensors
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from monai.losses import DiceCELoss, DiceLoss, TverskyLoss
from safetensors.numpy import save_file

sys.dont_write_bytecode = True

from std_cases import inputs
from std_cases.common import KINDS, Book, call, spec_text

VERSIONS = {
    "torch": "2.15.0",
    "monai": "1.6.1",
    "segmentation_models_pytorch": "0.6.0",
    "numpy": "2.4.6",
    "safetensors": "0.8.0",
}
OUT = Path(__file__).resolve().parent / "compat"


def binding(array):
    """Inputs by their names in std_cases/inputs.py."""
    if array.startswith("reg"):
        return {"pred": f"{array}_pred", "target": f"{array}_target"}
    if array.startswith(("bin", "ml")):
        return {"pred": f"logits_{array}", "target": f"mask_{array}"}
    return {"pred": f"logits_{array}", "target": f"labels_{array}"}


def case(book, module, loss, kind, array, options, value, at=None, diff=("pred",)):
    """`module.loss(options)` on some arrays; `value(x)` is what the library says."""
    text = call(f"{module}.{loss}", options)
    at = at or binding(array)
    spec = f"use {module}\n" + spec_text(KINDS[kind], text)
    name = f"{text} {kind} {array}"
    book.add(name, f"{module}.{loss}", spec, at, value, diff, source=module, differences=False)


def torch_cases(book):
    for array in ("reg_a", "reg_b", "reg_c", "reg_d", "reg_tie"):
        for reduction in ("mean", "sum"):
            def add(loss, function, **options):
                case(book, "torch", loss, "regression", array, {**options, "reduction": Word(reduction)},
                     lambda x: function(x["pred"], x["target"], **options, reduction=reduction))
            add("mse", F.mse_loss)
            add("l1", F.l1_loss)
            add("smooth_l1", F.smooth_l1_loss, beta=0.5)
            add("huber", F.huber_loss, delta=1.5)
    for array in ("a", "b", "c", "d", "e", "two"):
        c = inputs.MULTICLASS[array][0][1]
        for w, smoothing, reduction in product((None, W[:c]), (0.0, 0.25), ("mean", "sum")):
            options = {"weight": w} if w else {}
            options |= {"label_smoothing": smoothing, "reduction": Word(reduction)}
            tensor = torch.tensor(w, dtype=torch.float64) if w else None
            given = {"weight": tensor, "label_smoothing": smoothing, "reduction": reduction}
            case(book, "torch", "cross_entropy", "multiclass", array, options,
                 lambda x: F.cross_entropy(x["pred"], x["target"], **given))
            soft = {"pred": f"logits_{array}", "target": f"soft_{array}"}
            case(book, "torch", "cross_entropy", "soft", array, options,
                 lambda x: F.cross_entropy(x["pred"], x["target"], **given), soft)
        for reduction in ("mean", "batchmean", "sum"):
            soft = {"pred": f"logits_{array}", "target": f"soft_{array}"}
            case(book, "torch", "kl_div", "soft", array, {"reduction": Word(reduction)},
                 lambda x: F.kl_div(x["pred"].log_softmax(1), x["target"], reduction=reduction), soft)
    for array in ("ml_a", "ml_b", "ml_c"):
        shape = inputs.MULTILABEL[array]
        c = shape[1]
        for w, q in product((None, W[:c]), (None, [2.0, 0.5, 3.0, 1.0, 4.0][:c])):
            def along(v):
                return torch.tensor(v, dtype=torch.float64).reshape(-1, *[1] * (len(shape) - 2)) if v else None
            options = ({"weight": w} if w else {}) | ({"pos_weight": q} if q else {})
            case(book, "torch", "bce_with_logits", "multilabel", array, options,
                 lambda x: F.binary_cross_entropy_with_logits(x["pred"], x["target"], along(w), pos_weight=along(q)))


def smp_cases(book):
    from segmentation_models_pytorch.losses import DiceLoss as Dice, JaccardLoss as Jaccard, TverskyLoss as Tversky
    kinds = [("multiclass", "a"), ("multiclass", "b"), ("multiclass", "e"), ("multilabel", "ml_a"), ("multilabel", "ml_b"),
             ("binary", "bin_a"), ("binary", "bin_d"), ("binary", "bin_empty")]
    for (kind, array), smooth, log_loss in product(kinds, (0.0, 1.0), (False, True)):
        at = {"pred": "logits_bin_a", "target": "mask_bin_empty"} if array == "bin_empty" else binding(array)
        options = {"smooth": smooth, "log_loss": log_loss}
        for name, made in (("dice", Dice), ("jaccard", Jaccard)):
            case(book, "smp", name, kind, array, options, lambda x: made(kind, **options)(channel(x, kind), x["target"]), at)
        more = {**options, "alpha": 0.3, "beta": 0.7, "gamma": 1.5 if array != "bin_empty" else 1.0}
        case(book, "smp", "tversky", kind, array, more, lambda x: Tversky(kind, **more)(channel(x, kind), x["target"]), at)
    for array in ("a", "b", "e"):
        w = W[: inputs.MULTICLASS[array][0][1]]
        for name, made in (("dice", Dice), ("jaccard", Jaccard)):
            case(book, "smp", name, "multiclass", array, {"class_weights": w},
                 lambda x: made("multiclass", class_weights=w)(x["pred"], x["target"]))


def channel(x, kind):
    """Binary predictions have a channel of size 1 there."""
    return x["pred"].unsqueeze(1) if kind == "binary" else x["pred"]


def monai_cases(book):
    for array in ("a", "b", "c", "e", "two"):
        w = W[: inputs.MULTICLASS[array][0][1]]

        def add(loss, made, options, given):
            def value(x):
                if made is DiceCELoss:
                    return made(softmax=True, to_onehot_y=True, **given)(x["pred"], x["target"].unsqueeze(1))
                # Its own one-hot encoding is in float32, and squares of norms of it are rounded to that.
                classes = F.one_hot(x["target"], x["pred"].shape[1]).movedim(-1, 1).double()
                return made(softmax=True, **given)(x["pred"], classes)
            case(book, "monai", loss, "multiclass", array, options, value)

        for background, squared, jaccard, batch in product((True, False), repeat=4):
            options = {"include_background": background, "squared_pred": squared, "jaccard": jaccard, "batch": batch}
            add("dice", DiceLoss, options, options)
        tensor = torch.tensor(w, dtype=torch.float64)
        add("dice", DiceLoss, {"weight": w, "smooth_nr": 0.0, "smooth_dr": 1.0}, {"weight": tensor, "smooth_nr": 0.0, "smooth_dr": 1.0})
        add("dice", DiceLoss, {"weight": w, "include_background": False}, {"weight": tensor[1:], "include_background": False})
        for alpha, batch in product((0.3, 0.5), (True, False)):
            options = {"alpha": alpha, "beta": 0.7, "batch": batch}
            add("tversky", TverskyLoss, options, options)
        add("dice_ce", DiceCELoss, {}, {})
        more = {"lambda_dice": 0.25, "lambda_ce": 2.0, "label_smoothing": 0.1}
        add("dice_ce", DiceCELoss, {**more, "weight": w}, {**more, "weight": tensor})


class Word(str):
    """A word of the language, which has no quotes."""


W = [0.5, 2.0, 1.0, 3.0, 0.25, 1.5]


def main():
    modules = {"torch": torch, "monai": monai, "segmentation_models_pytorch": smp, "numpy": numpy, "safetensors": safetensors}
    found = {name: module.__version__.split("+")[0] for name, module in modules.items()}
    assert found == VERSIONS, f"this script is pinned to {VERSIONS}, and here are {found}"
    torch.set_num_threads(1)
    book = Book(inputs.make())
    for add in (torch_cases, smp_cases, monai_cases):
        add(book)
    OUT.mkdir(exist_ok=True)
    used = {array for one in book.cases for array in one["inputs"].values()}
    save_file({name: book.inputs[name] for name in sorted(used)}, OUT / "inputs.safetensors")
    save_file(dict(sorted(book.grads.items())), OUT / "grads.safetensors")
    for name in ("inputs", "grads"):
        (OUT / f"{name}.safetensors").chmod(0o644)
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in book.cases)
    (OUT / "cases.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(book.cases)} cases")


if __name__ == "__main__":
    main()
