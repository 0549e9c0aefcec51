"""nnunetv2.training.loss."""

from itertools import product

import torch
from nnunetv2.training.loss.compound_losses import DC_and_BCE_loss, DC_and_CE_loss, DC_and_topk_loss
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss, SoftDiceLoss
from nnunetv2.training.loss.robust_ce_loss import RobustCrossEntropyLoss, TopKLoss
from nnunetv2.utilities.helpers import softmax_helper_dim1

from .common import Q, W, along, classes, double, wide

EXCLUSIVE = ("a", "c", "f", "e", "two", "one", "vol")
LABELS = ("ml_a", "ml_b", "ml_vol", "ml_one")
DICE = [(pooled, background, smooth) for pooled, background, smooth in product((False, True), (False, True), (1.0, 1e-5))]


def run(made, x):
    target = x["target"]
    return made(x["pred"], target if target.dim() == x["pred"].dim() else target.unsqueeze(1))


def cases(module):
    module.around = wide
    for array, (pooled, background, smooth) in product(EXCLUSIVE + LABELS, DICE):
        labels = array.startswith("ml")
        activation = torch.sigmoid if labels else softmax_helper_dim1
        options = {"batch_dice": pooled, "do_bg": background, "smooth": smooth}

        def dice(x):
            given = {**options, "apply_nonlin": activation, "ddp": False}
            value = run(SoftDiceLoss(**given), x)
            other = run(MemoryEfficientSoftDiceLoss(**given), x)
            assert abs(value - other) < 1e-12, "the two classes have the same numbers"
            return value
        module.add("dice", "multilabel" if labels else "multiclass", array, options, dice)
    for array in ("a", "ml_a"):
        module.add("dice", "multilabel" if array == "ml_a" else "multiclass", array, {"clip_tp": 4.0},
                   lambda x: run(SoftDiceLoss(torch.sigmoid if array == "ml_a" else softmax_helper_dim1, clip_tp=4.0), x))
    for array in EXCLUSIVE:
        w = W[: classes(array)]
        for weight, smoothing in product((None, w), (0.0, 0.2)):
            ce = ({"weight": weight} if weight else {}) | {"label_smoothing": smoothing}
            given = {"weight": double(weight), "label_smoothing": smoothing}
            module.add("robust_cross_entropy", "multiclass", array, ce, lambda x: run(RobustCrossEntropyLoss(**given), x))
            for pooled, background, smooth in ((False, True, 1.0), (True, False, 1e-5)):
                options = {"batch_dice": pooled, "do_bg": background, "smooth": smooth}
                scales = {"weight_ce": 0.5, "weight_dice": 2.0} if pooled else {}
                module.add("dc_ce", "multiclass", array, {**options, **ce, **scales},
                           lambda x: run(DC_and_CE_loss({**options, "ddp": False}, given, **scales), x))
    for array, weight, k in product(("a", "c", "d", "f", "vol"), (None, W), (10.0, 35.0, 100.0)):
        w = weight and weight[: classes(array)]
        ce = ({"weight": w} if w else {}) | {"k": k, "label_smoothing": 0.1}
        given = {"weight": double(w), "k": k, "label_smoothing": 0.1}
        if array == "d" and k == 10.0:  # none of seven
            continue
        module.add("topk", "multiclass", array, ce, lambda x: run(TopKLoss(**given), x))
        if array != "d":
            options = {"batch_dice": True, "do_bg": False}
            module.add("dc_topk", "multiclass", array, {**options, **ce, "weight_ce": 0.5},
                       lambda x: run(DC_and_topk_loss({**options, "ddp": False}, given, weight_ce=0.5), x))
    for array, weight in product(LABELS, (False, True)):
        w, q = W[: classes(array)], Q[: classes(array)]
        bce = {"weight": w, "pos_weight": q} if weight else {}
        options = {"batch_dice": weight, "smooth": 1e-5 if weight else 1.0}

        def value(x):
            given = {name: along(values, x["pred"]) for name, values in bce.items()}
            return run(DC_and_BCE_loss(given, {**options, "ddp": False}), x)
        module.add("dc_bce", "multilabel", array, {**options, **bce}, value)
    # The ignored positions are out of both terms.
    for pooled, background in product((False, True), (False, True)):
        options = {"batch_dice": pooled, "do_bg": background, "smooth": 0.5}
        module.add("dc_ce", "multiclass", "partly", options,
                   lambda x: run(DC_and_CE_loss({**options, "ddp": False}, {}, ignore_label=255), x), before="ignore target == 255")
