"""monai.losses."""

from itertools import product

import torch.nn.functional as F
from monai import losses

from .common import EACH, W, Word, classes, double, each, wide

EXCLUSIVE = ("a", "c", "e", "f", "two", "one", "vol")
LABELS = ("ml_a", "ml_vol", "ml_one")


def hot(x):
    """Its own one-hot encoding is in float32, and squares of norms of it are rounded to that."""
    return F.one_hot(x["target"], x["pred"].shape[1]).movedim(-1, 1).double()


def call(made, given, x):
    if x["target"].dim() == x["pred"].dim():
        return made(sigmoid=True, **given)(x["pred"], x["target"])
    return made(softmax=True, **given)(x["pred"], hot(x))


def cases(module):
    module.around = wide

    def add(loss, made, array, options, given=None, kind=None):
        given = options if given is None else given
        kind = kind or ("multilabel" if array.startswith("ml") else "multiclass")
        module.add(loss, kind, array, {k: Word(v) if isinstance(v, str) else v for k, v in options.items()},
                   lambda x: call(made, given, x))

    for array in EXCLUSIVE + LABELS:
        w = W[: classes(array)]
        dice(add, array, w)
        for background, w_type, batch in product((True, False), ("square", "simple", "uniform"), (True, False)):
            options = {"include_background": background, "w_type": w_type, "batch": batch}
            add("generalized_dice", losses.GeneralizedDiceLoss, array, options)
        for background, batch in product((True, False), repeat=2):
            options = {"include_background": background, "batch": batch, "smooth_nr": 0.5, "smooth_dr": 0.25}
            add("mcc", losses.MCCLoss, array, options)
        focal(module, array)
        compound(add, module, array, w)
    wasserstein(module)
    distances(add)
    images(module)


def dice(add, array, w):
    for background, squared, jaccard, batch in product((True, False), repeat=4):
        options = {"include_background": background, "squared_pred": squared, "jaccard": jaccard, "batch": batch}
        add("dice", losses.DiceLoss, array, options)
    add("dice", losses.DiceLoss, array, {"weight": w, "smooth_nr": 0.0, "smooth_dr": 1.0},
        {"weight": double(w), "smooth_nr": 0.0, "smooth_dr": 1.0})
    add("dice", losses.DiceLoss, array, {"weight": w, "include_background": False},
        {"weight": double(w[1:]), "include_background": False})
    for alpha, batch in product((0.3, 0.5), (True, False)):
        add("tversky", losses.TverskyLoss, array, {"alpha": alpha, "beta": 0.7, "batch": batch})
    add("tversky", losses.TverskyLoss, array, {"beta": 0.3, "include_background": False, "reduction": "sum"})


def focal(module, array):
    c = classes(array)
    labels = array.startswith("ml")
    # A softmax over what is left of two classes without the background would be one over a single class.
    softmaxes = (False,) if labels else (False, True)
    for background, softmax, alpha, gamma, reduction in product((True, False), softmaxes, (None, 0.25), (2.0, 1.5), ("mean", "sum")):
        if softmax and not background and c == 2 or (alpha is None) == (gamma == 1.5):
            continue
        options = {"include_background": background, "gamma": gamma} | ({"use_softmax": True} if softmax else {})
        options |= {"alpha": alpha} if alpha else {}
        for w in (None, W[:c]):
            def value(x):
                weight = w if background or w is None else w[1:]
                if w and not background and c == 2:
                    weight = w[1]
                made = losses.FocalLoss(**options, weight=weight if weight is None else double(weight), reduction=reduction)
                return made(x["pred"], x["target"] if labels else hot(x))
            module.add("focal", "multilabel" if labels else "multiclass", array,
                       {**options, **({"weight": w} if w else {}), "reduction": Word(reduction)}, value)


def compound(add, module, array, w):
    more = {"lambda_dice": 0.25, "lambda_focal": 2.0, "gamma": 1.5, "alpha": 0.75}
    add("dice_focal", losses.DiceFocalLoss, array, {})
    add("dice_focal", losses.DiceFocalLoss, array, {**more, "weight": w, "squared_pred": True, "batch": True},
        {**more, "weight": double(w), "squared_pred": True, "batch": True})
    if array.startswith("ml"):
        return
    add("generalized_dice_focal", losses.GeneralizedDiceFocalLoss, array, {})
    more = {"lambda_gdl": 0.25, "lambda_focal": 2.0, "gamma": 3.0, "w_type": "simple"}
    add("generalized_dice_focal", losses.GeneralizedDiceFocalLoss, array, {**more, "weight": w}, {**more, "weight": double(w)})
    smoothed = {"lambda_dice": 0.25, "lambda_ce": 2.0, "label_smoothing": 0.1}
    for options, given in (({}, {}), ({**smoothed, "weight": w}, {**smoothed, "weight": double(w)}),
                           ({"weight": w, "include_background": False}, {"weight": double(w), "include_background": False})):
        if "include_background" in given and len(w) == 2:
            continue
        module.add("dice_ce", "multiclass", array, options,
                   lambda x: losses.DiceCELoss(softmax=True, to_onehot_y=True, **given)(x["pred"], x["target"].unsqueeze(1)))


def wasserstein(module):
    far = [[0.0, 1.0, 0.75, 0.9], [1.0, 0.0, 0.5, 0.25], [0.75, 0.5, 0.0, 0.6], [0.9, 0.25, 0.6, 0.0]]
    # One that is not symmetric, and whose largest entry is not 1.
    odd = [[0.0, 3.0, 1.0, 2.0], [2.0, 0.0, 0.5, 1.5], [1.0, 4.0, 0.0, 0.25], [2.5, 1.0, 3.5, 0.0]]
    for array, matrix, mode, reduction in product(("a", "f", "e", "one", "vol"), (far, odd), ("default", "GDL"), ("mean", "sum")):
        m = [row[: classes(array)] for row in matrix[: classes(array)]]
        smooth = {} if reduction == "mean" else {"smooth_nr": 0.5, "smooth_dr": 0.25}
        module.add("generalized_wasserstein_dice", "multiclass", array,
                   {"dist_matrix": m, "weighting_mode": Word(mode.lower()), "reduction": Word(reduction), **smooth},
                   lambda x: losses.GeneralizedWassersteinDiceLoss(double(m), mode, reduction, **smooth)(x["pred"], x["target"]))


def distances(add):
    for array in ("a", "f", "two", "vol", "ml_a", "one"):
        for background, batch, reduction in product((True, False), (True, False), ("mean", "sum")):
            options = {"include_background": background, "batch": batch, "reduction": reduction}
            add("hausdorff_dt", losses.HausdorffDTLoss, array, {**options, "alpha": 1.5})
            add("boundary", losses.BoundaryLoss, array, options)
        add("hausdorff_dt", losses.HausdorffDTLoss, array, {})
        add("log_hausdorff_dt", losses.LogHausdorffDTLoss, array, {})
    for array in ("a", "two", "vol", "ml_a"):
        for options in ({}, {"iter_": 1, "smooth_nr": 0.5, "smooth": 0.1, "include_background": False, "reduction": "sum"}):
            add("soft_cldice", losses.SoftclDiceLoss, array, options)
            add("soft_dice_cldice", losses.SoftDiceclDiceLoss, array, {**options, "alpha": 0.25})


def images(module):
    image = {"pred": "real[N, C, H, W]", "target": "real[N, C, H, W]"}
    for options in ({}, {"win_size": 5, "kernel_sigma": 0.75, "data_range": 2.0, "k1": 0.02, "k2": 0.05}):
        module.add("ssim", image, "img_2d", options, lambda x: losses.SSIMLoss(spatial_dims=2, **options)(x["pred"], x["target"]))
    grey = {"pred": "real[N, C, ...S]", "target": "real[N, C, ...S]"}
    for array, dims in (("img_2d", 2), ("img_3d", 3)):
        for options in ({}, {"smooth_dr": 0.1}, {"kernel_size": 5, "smooth_dr": 2.0}):
            module.add("local_normalized_cross_correlation", grey, array, options,
                       lambda x: losses.LocalNormalizedCrossCorrelationLoss(dims, **options)(x["pred"], x["target"]), diff=("pred", "target"))
    for array, (name, made), reduction in product(
            ("ddf_2d", "ddf_3d"), (("diffusion", losses.DiffusionLoss), ("bending_energy", losses.BendingEnergyLoss)), ("mean", "sum", "none")):
        value = lambda x: made(reduction=reduction)(x["pred"])
        module.add(name, {"pred": "real[N, K, ...S]"}, {"pred": array}, {"reduction": Word(reduction)},
                   (lambda x: each(value(x))) if reduction == "none" else value, within=EACH if reduction == "none" else "{}")
    for array, lambd in product(("vec_a", "vec_c"), (5e-3, 0.5)):
        module.add("barlow_twins", "vectors", array, {"lambd": lambd},
                   lambda x: losses.BarlowTwinsLoss(lambd)(x["pred"], x["target"]), diff=("pred", "target"))
    for array, (weight, gamma, delta) in product(("two", "two_one"), ((0.5, 0.5, 0.7), (0.25, 0.75, 0.6), (1.0, 0.0, 0.7))):
        module.add("asymmetric_unified_focal", "multiclass", array, {"weight": weight, "gamma": gamma, "delta": delta},
                   lambda x: losses.AsymmetricUnifiedFocalLoss(weight=weight, gamma=gamma, delta=delta)(x["pred"].softmax(1), hot(x)))
    # What is masked is ignored.
    for array, options in product(("two", "f"), ({}, {"include_background": False, "batch": True})):
        kind = {"pred": "logits[N, C, ...S] over C", "target": "labels[N, ...S] of C", "seen": "mask[N, ...S]"}
        at = {"pred": f"logits_{array}", "target": f"labels_{array}", "seen": f"seen_{array}"}
        module.add("dice", kind, at, options,
                   lambda x: losses.MaskedDiceLoss(softmax=True, **options)(x["pred"], hot(x), x["seen"].unsqueeze(1)),
                   before="ignore seen == 0")
    for array, temperature in product(("vec_a", "vec_c"), (0.5, 0.125)):  # it is made a float32 there
        module.add("contrastive", "vectors", array, {"temperature": temperature},
                   lambda x: losses.ContrastiveLoss(temperature)(x["pred"], x["target"]), diff=("pred", "target"))
    for array, reduction in product(("boxes_a", "boxes_d"), ("mean", "sum")):
        module.add("giou", "boxes", array, {"reduction": Word(reduction)},
                   lambda x: losses.BoxGIoULoss(reduction)(x["pred"], x["target"]), tolerance=3e-6)
