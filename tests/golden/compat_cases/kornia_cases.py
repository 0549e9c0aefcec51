"""kornia.losses."""

from itertools import product

from kornia import losses

from .common import EACH, Q, W, Word, classes, double, each

IMAGES = ("a", "f", "two", "one", "pair")
IMAGE = {"pred": "real[N, C, H, W]", "target": "real[N, C, H, W]"}
VOLUME = {"pred": "real[N, C, D, H, W]", "target": "real[N, C, D, H, W]"}


def cases(module):
    focal(module)
    overlap(module)
    images(module)
    for array, (name, made) in product(("reg_a", "reg_c", "reg_tie"), robust().items()):
        for reduction in ("mean", "sum"):
            module.add(name, "regression", array, {"reduction": Word(reduction)}, lambda x: made(x["pred"], x["target"], reduction))
        module.add(name, "regression", array, {}, lambda x: each(made(x["pred"], x["target"])), within=EACH)


def robust():
    return {"charbonnier": losses.charbonnier_loss, "cauchy": losses.cauchy_loss, "geman_mcclure": losses.geman_mcclure_loss,
            "welsch": losses.welsch_loss}


def focal(module):
    for array, alpha, gamma, weighted in product(("a", "e", "f", "one", "vol"), (None, 0.25), (2.0, 1.5), (False, True)):
        w = W[: classes(array)] if weighted else None
        options = {"alpha": -1 if alpha is None else alpha, "gamma": gamma} | ({"weight": w} if w else {})
        given = {"alpha": alpha, "gamma": gamma, "weight": double(w)}
        for reduction in ("mean", "sum"):
            module.add("focal", "multiclass", array, {**options, "reduction": Word(reduction)},
                       lambda x: losses.focal_loss(x["pred"], x["target"], **given, reduction=reduction))
        if gamma == 2.0:
            module.add("focal", "multiclass", array, options,
                       lambda x: each(losses.focal_loss(x["pred"], x["target"], **given)), within=EACH)
    module.add("focal", "multiclass", "partly", {"alpha": 0.25, "reduction": Word("sum")},
               lambda x: losses.focal_loss(x["pred"], x["target"], 0.25, reduction="sum", ignore_index=255),
               before="ignore target == 255")
    for array, alpha, gamma, weighted in product(("ml_a", "ml_b", "ml_one", "ml_vol"), (None, 0.25), (2.0, 0.5), (False, True)):
        c = classes(array)
        options = {"gamma": gamma} | ({"weight": W[:c], "pos_weight": Q[:c]} if weighted else {})
        given = {k: double(v) if isinstance(v, list) else v for k, v in options.items()} | {"alpha": alpha}
        options["alpha"] = -1 if alpha is None else alpha
        made = losses.binary_focal_loss_with_logits
        for reduction in ("mean", "sum"):
            module.add("binary_focal_with_logits", "multilabel", array, {**options, "reduction": Word(reduction)},
                       lambda x: made(x["pred"], x["target"], **given, reduction=reduction))
        if gamma == 2.0:
            module.add("binary_focal", "multilabel", array, options, lambda x: each(made(x["pred"], x["target"], **given)), within=EACH)


def overlap(module):
    for array in IMAGES:
        w = W[: classes(array)]
        for average, eps, weighted in product(("micro", "macro"), (1e-8, 0.5), (False, True)):
            options = {"average": Word(average), "eps": eps} | ({"weight": w} if weighted else {})
            module.add("dice", "multiclass", array, options,
                       lambda x: losses.dice_loss(x["pred"], x["target"], average, eps, double(w) if weighted else None))
        for alpha, beta, eps in ((0.5, 0.5, 1e-8), (0.3, 0.9, 0.5)):
            module.add("tversky", "multiclass", array, {"alpha": alpha, "beta": beta, "eps": eps},
                       lambda x: losses.tversky_loss(x["pred"], x["target"], alpha, beta, eps))
        for weighted in (False, True):
            module.add("lovasz_softmax", "multiclass", array, {"weight": w} if weighted else {},
                       lambda x: losses.lovasz_softmax_loss(x["pred"], x["target"], double(w) if weighted else None))
    for array in ("bin_a", "bin_one"):
        module.add("lovasz_hinge", "binary", array, {}, lambda x: losses.lovasz_hinge_loss(x["pred"].unsqueeze(1), x["target"]))
    # Positions that are ignored are in no sum.
    for average in ("micro", "macro"):
        module.add("dice", "multiclass", "partly", {"average": Word(average)},
                   lambda x: losses.dice_loss(x["pred"], x["target"], average, ignore_index=255), before="ignore target == 255")
    module.add("tversky", "multiclass", "partly", {"alpha": 0.3, "beta": 0.9},
               lambda x: losses.tversky_loss(x["pred"], x["target"], 0.3, 0.9, ignore_index=255), before="ignore target == 255")


def images(module):
    for (kind, array, name, made), (window, top, eps), reduction in product(
            ((IMAGE, "img_2d", "ssim", losses.ssim_loss), (VOLUME, "img_3d", "ssim3d", losses.ssim3d_loss)),
            ((11, 1.0, 1e-12), (3, 2.0, 0.01)), ("mean", "sum", "none")):
        options = {"window_size": window, "max_val": top, "eps": eps}
        value = lambda x: made(x["pred"], x["target"], **options, reduction=reduction, padding="valid")
        scalar = (lambda x: each(value(x))) if reduction == "none" else value
        module.add(name, kind, array, {**options, "reduction": Word(reduction)}, scalar,
                   within=EACH if reduction == "none" else "{}", diff=("pred", "target"))
    module.add("psnr", "regression", "reg_c", {"max_val": 2.0}, lambda x: losses.psnr_loss(x["pred"], x["target"], 2.0),
               diff=("pred", "target"))
    for array, reduction in product(("field_2d", "img_2d_pred"), ("sum", "mean")):
        kind = {"pred": "real[N, H, W]" if array == "field_2d" else "real[N, C, H, W]"}
        module.add("total_variation", kind, {"pred": array}, {"reduction": Word(reduction)},
                   lambda x: each(losses.total_variation(x["pred"], reduction)), within=EACH)
    module.add("inverse_depth_smoothness", {"idepth": "real[N, H, W]", "image": "real[N, C, H, W]"},
               {"idepth": "depth", "image": "img_2d_pred"}, {},
               lambda x: losses.inverse_depth_smoothness_loss(x["idepth"].unsqueeze(1), x["image"]), diff=("idepth", "image"))
    for (name, made), reduction in product(
            (("kl_div_2d", losses.kl_div_loss_2d), ("js_div_2d", losses.js_div_loss_2d)), ("mean", "sum", "none")):
        value = lambda x: made(x["pred"], x["target"], reduction=reduction)
        module.add(name, IMAGE, {"pred": "heat_pred", "target": "heat_target"}, {"reduction": Word(reduction)},
                   (lambda x: each(value(x))) if reduction == "none" else value, within=EACH if reduction == "none" else "{}")
