"""mmseg.models.losses, without the rest of mmseg, which wants mmcv: stand-ins for the modules that the losses import."""

import importlib
import importlib.metadata
import sys
import types
from functools import partial
from itertools import product

import torch.nn.functional as F

from .common import EACH, W, Word, classes, each, wide


def load():
    root = importlib.metadata.distribution("mmsegmentation").locate_file("mmseg")
    registry = types.SimpleNamespace(register_module=lambda *_, **__: lambda made: made)
    found = {"mmseg": {"__path__": [str(root)]}, "mmseg.models": {"__path__": [str(root / "models")]},
             "mmseg.registry": {"MODELS": registry}, "mmseg.models.builder": {"LOSSES": registry},
             "mmengine": {"__path__": []}, "mmengine.fileio": {"load": None},
             "mmengine.utils": {"is_list_of": lambda x, kind: isinstance(x, list) and all(isinstance(i, kind) for i in x)},
             "mmcv": {"__path__": []}, "mmcv.ops": {"sigmoid_focal_loss": None}}
    for name, members in found.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
    return importlib.import_module("mmseg.models.losses"), importlib.import_module("mmseg.models.losses.kldiv_loss").KLDivLoss


losses, KLDivLoss = load()
ARRAYS = ("a", "f", "two", "one", "pair")
IGNORE = "ignore target == 255"


def cases(module):
    # Means have the spacing of float32 in their denominators.
    module.around = partial(wide, dtypes=False)
    cross_entropy(module)
    overlap(module)
    rest(module)


def cross_entropy(module):
    for array, weighted, reduction in product((*ARRAYS, "partly"), (False, True), ("mean", "sum")):
        w = W[: 3 if array == "partly" else classes(array)] if weighted else None
        # A class weight of an ignored label is looked up there.
        if array == "partly" and weighted and reduction == "mean":
            continue
        options = ({"class_weight": w} if w else {}) | {"reduction": Word(reduction)}
        given = {"class_weight": w, "reduction": reduction, "avg_non_ignore": True}
        before = IGNORE if array == "partly" else ""
        for name, sigmoid in (("cross_entropy", False), ("binary_cross_entropy", True)):
            # The weights of positive parts broadcast along the last axis there, which is not that of the classes.
            if sigmoid and weighted:
                continue
            module.add(name, "multiclass", array, options,
                       lambda x: losses.CrossEntropyLoss(use_sigmoid=sigmoid, **given)(x["pred"], x["target"], ignore_index=255),
                       before=before)
    for weighted, reduction in product((False, True), ("mean", "sum")):
        w = W[:6] if weighted else None
        options = ({"class_weight": w} if w else {}) | {"reduction": Word(reduction)}
        made = losses.CrossEntropyLoss(use_sigmoid=True, class_weight=w, reduction=reduction, avg_non_ignore=True)
        module.add("binary_cross_entropy", "multiclass", "d", options, lambda x: made(x["pred"], x["target"]))
        w = W[:5] if weighted else None
        options = ({"class_weight": w} if w else {}) | {"reduction": Word(reduction)}
        other = losses.CrossEntropyLoss(use_sigmoid=True, class_weight=w, reduction=reduction, avg_non_ignore=True)
        module.add("binary_cross_entropy", "multilabel", "ml_c", options, lambda x: other(x["pred"], x["target"]))


def overlap(module):
    for array, sigmoid, naive, eps in product(ARRAYS, (True, False), (False, True), (1e-3, 1.0)):
        options = {"use_sigmoid": sigmoid, "naive_dice": naive, "eps": eps}
        module.add("dice", "multiclass", array, options, lambda x: losses.DiceLoss(**options)(x["pred"], x["target"]))
    for array, naive, reduction in product(("ml_a", "ml_one"), (False, True), ("mean", "sum", "none")):
        options = {"naive_dice": naive, "reduction": reduction}
        value = lambda x: losses.DiceLoss(**options)(x["pred"], x["target"])
        module.add("dice", "multilabel", array, {**options, "reduction": Word(reduction)},
                   (lambda x: each(value(x))) if reduction == "none" else value, within=EACH if reduction == "none" else "{}")
    for array, alpha, weighted in product(ARRAYS, (0.3, 0.5), (False, True)):
        w = W[: classes(array)] if weighted else None
        options = {"alpha": alpha, "beta": 1 - alpha, "smooth": 1.0 if weighted else 1e-3}
        module.add("tversky", "multiclass", array, {**options, **({"class_weight": w} if w else {})},
                   lambda x: losses.TverskyLoss(**options, class_weight=w)(x["pred"], x["target"]))
    module.add("tversky", "multiclass", "partly", {}, lambda x: losses.TverskyLoss()(x["pred"], x["target"]), before=IGNORE)


def rest(module):
    for array, gamma, alpha, weighted in product(("ml_a", "ml_b", "ml_one", "a", "f", "one"), (2.0, 1.5), (0.5, None), (False, True)):
        labels = array.startswith("ml")
        c = classes(array)
        scale = [0.3, 0.6, 0.9, 0.1][:c] if alpha is None else alpha
        options = {"gamma": gamma, "alpha": scale} | ({"class_weight": W[:c]} if weighted else {})
        for reduction in ("mean", "sum"):
            def value(x):
                # Class numbers are made one-hot here: on a CPU it cannot do so itself.
                target = x["target"] if labels else F.one_hot(x["target"], c).movedim(-1, 1).double()
                return losses.FocalLoss(**options, reduction=reduction)(x["pred"], target)
            module.add("focal", "multilabel" if labels else "multiclass", array, {**options, "reduction": Word(reduction)}, value)
    # An image of one pixel fails there.
    for array, kept, weighted, per_image in product(("a", "f", "two", "pair", "partly"), ("present", "all"), (False, True), (False, True)):
        w = W[: 3 if array == "partly" else classes(array)] if weighted else None
        given = {"classes": kept, "per_image": per_image, "class_weight": w, "reduction": "mean" if per_image else "none"}
        options = {"classes": Word(kept), "per_image": per_image} | ({"class_weight": w} if w else {})
        module.add("lovasz", "multiclass", array, options, lambda x: losses.LovaszLoss(**given)(x["pred"], x["target"]),
                   before=IGNORE if array == "partly" else "")
    for array, per_image in product(("bin_a", "bin_one"), (False, True)):
        given = {"loss_type": "binary", "per_image": per_image, "reduction": "mean" if per_image else "none"}
        module.add("lovasz", "binary", array, {"per_image": per_image}, lambda x: losses.LovaszLoss(**given)(x["pred"], x["target"]))
    for array, (thres, kept), weighted in product(("a", "f", "two", "partly"), ((0.7, 100000), (0.3, 5), (0.05, 12), (0.6, 1)), (False, True)):
        w = W[: 3 if array == "partly" else classes(array)] if weighted else None
        options = {"thres": thres, "min_kept": kept}
        module.add("ohem_cross_entropy", "multiclass", array, {**options, **({"class_weight": w} if w else {})},
                   lambda x: losses.OhemCrossEntropy(**options, class_weight=w)(x["pred"], x["target"]),
                   before=IGNORE if array == "partly" else "")
    for array, eps, reduction in product(("reg_b", "reg_c"), (1e-6, 1.0), ("mean", "sum")):
        at = {"pred": f"{array}_rate", "target": f"{array}_count"}
        module.add("silog", "regression", at, {"eps": eps, "reduction": Word(reduction)},
                   lambda x: losses.SiLogLoss(reduction, eps=eps)(x["pred"], x["target"]))
    two = {"pred": "logits[N, C, ...S] over C", "target": "logits[N, C, ...S] over C"}
    for array, temperature, reduction in product(("a", "d"), (1.0, 3.0), ("mean", "sum", "none")):
        module.add("kl_div", two, {"pred": f"logits_{array}", "target": f"teacher_{array}"},
                   {"temperature": temperature, "reduction": Word(reduction)},
                   lambda x: each(KLDivLoss(temperature, reduction)(x["pred"], x["target"])), within=EACH, diff=("pred", "target"))
    for array in ("bin_a", "bin_one"):
        module.add("boundary", "binary", array, {}, lambda x: losses.BoundaryLoss()(x["pred"].unsqueeze(1), x["target"]))
