"""Overlap losses: dice, jaccard, tversky, focal_tversky, log_cosh_dice, generalized_dice.

One ratio per (batch, class), sums over `over`, then the weighted mean over what is left:
Σ w·loss / Σ w, pooled over batch and class. With masks and no class axis there is one class.

Choices where the design is silent:
- `weight` has an entry for every class, also with `background=false` (the first is then unused).
- `empty=skip` takes a (batch, class) with T = 0 out of the mean and out of Σ w. Where nothing
  is left, the loss is 0 with zero gradient.
- `smooth_nr` and `smooth_dr` default to `smooth` in every overlap loss.
- generalized_dice: weights are constants (they depend on the target only); a class absent from
  a sample gets the largest weight of that sample's other classes, and 0 where all are absent.
  One ratio per sample, one for all with `over=[batch, space]`.
- log_cosh_dice is log cosh of the mean dice loss, as Jadon 2020; it has `smooth` only.
"""

import math

import torch

from .common import KINDS, call, spec_text

WEIGHTS = {
    2: [0.2, 0.8],
    3: [0.5, 1.0, 2.5],
    4: [1.0, 0.5, 2.0, 0.25],
    5: [1.0, 2.0, 0.5, 0.25, 4.0],
    6: [0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
}
MULTICLASS_SETS = ("a", "b", "c", "d", "e", "two", "sat")


def flat(x, classes):
    """[N, C, …] or [N, …] as [N, C, space]."""
    return x.reshape(x.shape[0], x.shape[1] if classes else 1, -1)


def operands(kind, x):
    """Probabilities and target as [N, C, space] from what the spec binds."""
    pred, target = x["pred"], x["target"]
    classes = kind not in ("binary",)
    if kind in ("binary", "multilabel"):
        p = torch.sigmoid(pred)
    elif kind == "probs":
        p = pred
    else:
        p = torch.softmax(pred, dim=1)
    if target.dtype == torch.int64:
        target = torch.movedim(torch.nn.functional.one_hot(target, pred.shape[1]), -1, 1).double()
    return flat(p, classes), flat(target, classes)


def sums(p, t, over):
    dims = [{"batch": 0, "class": 1, "space": 2}[role] for role in over]
    return [v.sum(dim=dims, keepdim=True) for v in (p * t, p, t)]


def class_mean(loss, total, weight, empty, background, classes):
    """The weighted mean over batch and class; `total` is T."""
    if weight is None:
        w = torch.ones_like(loss)
    else:
        w = torch.tensor(weight, dtype=torch.float64)
        assert len(w) == classes
        w = (w if background else w[1:]).reshape(1, -1, 1).expand_as(loss)
    absent = total == 0
    if empty == "skip":
        w = torch.where(absent, torch.zeros_like(w), w)
    elif empty in ("zero", "one"):
        loss = torch.where(absent, torch.full_like(loss, {"zero": 0.0, "one": 1.0}[empty]), loss)
    if w.sum() == 0:
        return (loss * 0).sum()
    return (w * loss).sum() / w.sum()


def overlap(kind, ratio, after=lambda loss, **_: loss):
    """A loss 1 − ratio(I, P, T, p, t, nr, dr) over the shared options."""

    def loss(x, smooth=1e-5, smooth_nr=None, smooth_dr=None, over=("space",), weight=None,
             background=True, empty="smooth", **own):
        nr = smooth if smooth_nr is None else smooth_nr
        dr = smooth if smooth_dr is None else smooth_dr
        p, t = operands(kind, x)
        classes = p.shape[1]
        if not background:
            p, t = p[:, 1:], t[:, 1:]
        value = after(1 - ratio(p, t, over, nr, dr, **own), **own)
        return class_mean(value, sums(p, t, over)[2], weight, empty, background, classes)

    return loss


def dice_ratio(p, t, over, nr, dr, squared=False):
    i, big_p, big_t = sums(p, t, over)
    if squared:
        _, big_p, big_t = sums(p.square(), t.square(), over)
    return (2 * i + nr) / (big_p + big_t + dr)


def jaccard_ratio(p, t, over, nr, dr):
    i, big_p, big_t = sums(p, t, over)
    return (i + nr) / (big_p + big_t - i + dr)


def tversky_ratio(p, t, over, nr, dr, alpha=0.5, beta=0.5):
    i, _, _ = sums(p, t, over)
    fp = sums(p, 1 - t, over)[0]
    fn = sums(1 - p, t, over)[0]
    return (i + nr) / (i + alpha * fp + beta * fn + dr)


def focal_tversky_ratio(p, t, over, nr, dr, alpha=0.7, beta=0.3, gamma=0.75):
    return tversky_ratio(p, t, over, nr, dr, alpha, beta)


def dice(kind):
    return overlap(kind, dice_ratio)


def jaccard(kind):
    return overlap(kind, jaccard_ratio)


def tversky(kind):
    return overlap(kind, tversky_ratio)


def focal_tversky(kind):
    return overlap(kind, focal_tversky_ratio, lambda loss, gamma=0.75, **_: loss**gamma)


def log_cosh(x):
    return x.abs() + torch.log1p(torch.exp(-2 * x.abs())) - math.log(2)


def log_cosh_dice(kind):
    inner = dice(kind)
    return lambda x, smooth=1e-5: log_cosh(inner(x, smooth=smooth))


def generalized_dice(kind):
    def loss(x, weighting="square", smooth=1e-5, smooth_nr=None, smooth_dr=None, over=("space",),
             background=True):
        nr = smooth if smooth_nr is None else smooth_nr
        dr = smooth if smooth_dr is None else smooth_dr
        p, t = operands(kind, x)
        if not background:
            p, t = p[:, 1:], t[:, 1:]
        i, big_p, big_t = sums(p, t, over)
        count = big_t.detach()
        present = count > 0
        safe = torch.where(present, count, torch.ones_like(count))
        w = {"square": safe**-2, "simple": 1 / safe, "uniform": torch.ones_like(safe)}[weighting]
        if weighting != "uniform":
            w = torch.where(present, w, torch.zeros_like(w))
            w = torch.where(present, w, w.amax(dim=1, keepdim=True))
        ratio = (2 * (w * i).sum(1) + nr) / ((w * (big_p + big_t)).sum(1) + dr)
        return (1 - ratio).mean()

    return loss


def add_case(book, loss, make, tag, options, kind, data, target=None, diff=("pred",), pred=None):
    binding = {"pred": pred or f"logits_{data}", "target": target}
    value = make(kind)
    book.add(
        f"{loss}_{tag}_{data}", loss, spec_text(KINDS[kind], call(loss, options)), binding,
        lambda x: value(x, **options), diff,
        differences="sat" not in data,
    )


def add(book):
    for loss, make in LOSSES.items():
        def one(tag, options, kind, data, **more):
            add_case(book, loss, make, tag, options, kind, data, **more)

        for data in MULTICLASS_SETS:
            one("default", {}, "multiclass", data, target=f"labels_{data}")
        for data in ("bin_a", "bin_b", "bin_c", "bin_d", "bin_sat"):
            one("default_binary", {}, "binary", data, target=f"mask_{data}")
        for data in ("ml_a", "ml_b", "ml_c"):
            one("default_multilabel", {}, "multilabel", data, target=f"mask_{data}")
        for data in ("a", "e"):
            one("default_probs", {}, "probs", data, target=f"labels_{data}", pred=f"probs_{data}")
            if loss != "generalized_dice":
                one("default_soft_target", {}, "soft", data, target=f"soft_{data}", diff=("pred", "target"))
        one("default_onehot", {}, "onehot", "a", target="onehot_a")

        for tag, options in OPTIONS[loss].items():
            for data in ("a", "d", "e", "two"):
                one(tag, options, "multiclass", data, target=f"labels_{data}")
            if "background" not in options and "class" not in options.get("over", ()):
                one(tag + "_binary", options, "binary", "bin_a", target="mask_bin_a")
                one(tag + "_multilabel", options, "multilabel", "ml_b", target="mask_ml_b")
        if loss in ("log_cosh_dice",):
            continue
        one("smooth1_3d", {"smooth": 1.0}, "multiclass", "c", target="labels_c")
        if loss == "generalized_dice":
            continue
        for data in ("a", "e", "f", "two"):
            labels = f"labels_{data}"
            weight = WEIGHTS[book.inputs[f"logits_{data}"].shape[1]]
            one("weight", {"weight": weight}, "multiclass", data, target=labels)
        for empty in ("skip", "zero", "one"):
            for data in ("d", "e", "f"):
                one(f"empty_{empty}", {"empty": empty}, "multiclass", data, target=f"labels_{data}")
            one(f"empty_{empty}_binary", {"empty": empty}, "binary", "bin_a", target="mask_bin_a")
            one(f"empty_{empty}_multilabel", {"empty": empty}, "multilabel", "ml_b", target="mask_ml_b")
        for data in ("e", "f"):
            weight = WEIGHTS[book.inputs[f"logits_{data}"].shape[1]]
            one("weight_skip", {"weight": weight, "empty": "skip"}, "multiclass", data, target=f"labels_{data}")
        one("weight_background", {"weight": WEIGHTS[3], "background": False}, "multiclass", "a", target="labels_a")
        one("weight_zero", {"weight": [0.0, 1.0, 2.0]}, "multiclass", "a", target="labels_a")
        one("weight_multilabel", {"weight": WEIGHTS[3]}, "multilabel", "ml_a", target="mask_ml_a")
        one("skip_background", {"empty": "skip", "background": False}, "multiclass", "e", target="labels_e")
        for empty in ("skip", "zero", "one"):
            one(f"all_empty_{empty}", {"empty": empty}, "binary", "bin_a", target="mask_bin_empty")
        one("all_empty_smooth", {}, "binary", "bin_a", target="mask_bin_empty")

    add_named_axes(book)


def add_named_axes(book):
    """`over` may name axes instead of roles."""
    for loss, make in LOSSES.items():
        if loss == "log_cosh_dice":
            continue
        value = make("multiclass")
        for tag, over, roles in (("hw", ["H", "W"], ["space"]), ("nhw", ["N", "H", "W"], ["batch", "space"])):
            book.add(
                f"{loss}_over_{tag}_a", loss,
                spec_text(KINDS["named_2d"], call(loss, {"over": over})),
                {"pred": "logits_a", "target": "labels_a"},
                lambda x, roles=roles: value(x, over=roles),
            )


SHARED = {
    "smooth1": {"smooth": 1.0},
    "smooth_nr0": {"smooth_nr": 0.0},
    "nr_dr": {"smooth_nr": 0.5, "smooth_dr": 2.0},
    "over_batch": {"over": ["batch", "space"]},
    "no_background": {"background": False},
}
OPTIONS = {
    "dice": {
        **SHARED,
        "smooth0": {"smooth": 0.0},
        "squared": {"squared": True},
        "squared_smooth1_batch": {"squared": True, "smooth": 1.0, "over": ["batch", "space"]},
        "over_class": {"over": ["space", "class"]},
        "over_all": {"over": ["batch", "space", "class"]},
    },
    "jaccard": SHARED,
    "tversky": {
        **SHARED,
        "alpha_beta": {"alpha": 0.3, "beta": 0.7},
        "jaccard": {"alpha": 1.0, "beta": 1.0, "smooth": 1.0},
        "fn_only": {"alpha": 0.0, "beta": 1.0},
    },
    "focal_tversky": {
        **SHARED,
        "alpha_beta": {"alpha": 0.2, "beta": 0.9},
        "gamma": {"gamma": 1.5},
        "gamma1": {"alpha": 0.5, "beta": 0.5, "gamma": 1.0, "smooth": 1.0},
    },
    "log_cosh_dice": {"smooth1": {"smooth": 1.0}, "smooth1em6": {"smooth": 1e-6}},
    "generalized_dice": {
        **SHARED,
        "simple": {"weighting": "simple"},
        "uniform": {"weighting": "uniform"},
        "square_smooth1": {"weighting": "square", "smooth": 1.0},
        "simple_batch": {"weighting": "simple", "over": ["batch", "space"]},
    },
}
LOSSES = {
    "dice": dice,
    "jaccard": jaccard,
    "tversky": tversky,
    "focal_tversky": focal_tversky,
    "log_cosh_dice": log_cosh_dice,
    "generalized_dice": generalized_dice,
}
