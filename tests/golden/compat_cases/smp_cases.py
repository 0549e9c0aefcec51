"""segmentation_models_pytorch.losses."""

from itertools import product

from segmentation_models_pytorch import losses

from .common import BINARY_PROBS, Q, W, Word, along, channel, classes, wide

KINDS = [("multiclass", "a"), ("multiclass", "f"), ("multiclass", "e"), ("multiclass", "one"), ("multiclass", "vol"),
         ("multilabel", "ml_a"), ("multilabel", "ml_b"), ("multilabel", "ml_one"),
         ("binary", "bin_a"), ("binary", "bin_d"), ("binary", "bin_empty"), ("binary", "bin_one")]


def cases(module):
    module.around = wide
    for (kind, array), smooth, log_loss in product(KINDS, (0.0, 1.0), (False, True)):
        at = {"pred": "logits_bin_a", "target": "mask_bin_empty"} if array == "bin_empty" else array
        options = {"smooth": smooth, "log_loss": log_loss}

        def add(name, made, options):
            module.add(name, kind, at, options, lambda x: made(kind, **options)(channel(x["pred"], kind), x["target"]))
        add("dice", losses.DiceLoss, options)
        add("jaccard", losses.JaccardLoss, options)
        # Its power has an infinite slope at 0, which is where absent classes leave the mean.
        gamma = 1.0 if array in ("bin_empty", "bin_one", "one", "ml_one") else 1.5
        add("tversky", losses.TverskyLoss, {**options, "alpha": 0.3, "beta": 0.7, "gamma": gamma})
    for array in ("a", "f", "e"):
        w = W[: classes(array)]
        for name, made in (("dice", losses.DiceLoss), ("jaccard", losses.JaccardLoss)):
            module.add(name, "multiclass", array, {"class_weights": w},
                       lambda x: made("multiclass", class_weights=w)(x["pred"], x["target"]))
    focal(module)
    rest(module)


def focal(module):
    for (kind, array), gamma, alpha, threshold, normalized in product(
            KINDS, (2.0, 1.5), (None, 0.25), (None, 0.5), (False, True)):
        if array in ("bin_empty", "vol", "ml_b") or (gamma == 1.5 and alpha is None):
            continue
        options = {"gamma": gamma, "normalized": normalized}
        options |= ({"alpha": alpha} if alpha else {}) | ({"reduced_threshold": threshold} if threshold else {})
        module.add("focal", kind, array, options,
                   lambda x: losses.FocalLoss(kind, **options)(channel(x["pred"], kind), x["target"]))
    for kind, array in (("multiclass", "a"), ("multilabel", "ml_a"), ("binary", "bin_a")):
        weights = {} if kind == "binary" else {"class_weights": W[: classes(array)]}
        module.add("focal", kind, array, {"reduction": Word("sum"), **weights},
                   lambda x: losses.FocalLoss(kind, reduction="sum", **weights)(channel(x["pred"], kind), x["target"]))


def rest(module):
    for (kind, array), per_image in product(KINDS, (False, True)):
        if array in ("bin_empty", "e"):  # three axes are read as an image without classes
            continue
        module.add("lovasz", kind, array, {"per_image": per_image},
                   lambda x: losses.LovaszLoss(kind, per_image=per_image)(x["pred"], x["target"]))
    for array, eps in product(("bin_a", "bin_d"), (1e-5, 0.5)):
        at = {"pred": f"chance_{array}", "target": f"mask_{array}"}
        module.add("mcc", BINARY_PROBS, at, {"eps": eps}, lambda x: losses.MCCLoss(eps=eps)(x["pred"], x["target"]))
    for array, w, q, smooth in product(("ml_a", "ml_b", "ml_one"), (None, W), (None, Q), (None, 0.1)):
        c = classes(array)
        options = {"weight": w[:c]} if w else {}
        options |= ({"pos_weight": q[:c]} if q else {}) | ({"smooth_factor": smooth} if smooth else {})
        module.add("soft_bce", "multilabel", array, options,
                   lambda x: losses.SoftBCEWithLogitsLoss(weight=along(w and w[:c], x["pred"]), smooth_factor=smooth,
                                                          pos_weight=along(q and q[:c], x["pred"]))(x["pred"], x["target"]))
    for array, smooth, reduction in product(("a", "d", "e", "one", "vol"), (0.0, 0.2), ("mean", "sum")):
        module.add("soft_ce", "multiclass", array, {"smooth_factor": smooth, "reduction": Word(reduction)},
                   lambda x: losses.SoftCrossEntropyLoss(reduction=reduction, smooth_factor=smooth)(x["pred"], x["target"]))
    # A position that is ignored is out of the set that the Lovász losses order, and out of the sum of `soft_ce`.
    module.add("soft_ce", "multiclass", "partly", {"smooth_factor": 0.1, "reduction": Word("sum")},
               lambda x: losses.SoftCrossEntropyLoss(reduction="sum", smooth_factor=0.1, ignore_index=255)(x["pred"], x["target"]),
               before="ignore target == 255")
    for per_image in (False, True):
        module.add("lovasz", "multiclass", "partly", {"per_image": per_image},
                   lambda x: losses.LovaszLoss("multiclass", per_image=per_image, ignore_index=255)(x["pred"], x["target"]),
                   before="ignore target == 255")
