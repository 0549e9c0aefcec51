"""`ignore`: the valid positions alone count, in sums, counts and denominators.

For overlap losses p and t are 0 at ignored positions, and a sample without a valid position is out
of the mean over the batch. Where nothing is valid the loss is 0 with zero gradient.
"""

import torch
import torch.nn.functional as F

from . import classes, overlap, regression, sigmoid
from .common import KINDS, VALID, call, spec_text

RULE = "ignore target == 255"


def kept(x):
    """One row per valid position, [rows, C] and [rows]; the class losses do not see space."""
    valid = x["target"] != 255
    rows = torch.movedim(x["pred"], 1, -1)[valid]
    out = {"pred": rows, "target": x["target"][valid]}
    if "w" in x:
        out["w"] = x["w"][valid]
    return out


def ignored_ce(x, weight=None, smoothing=0.0, reduce="mean"):
    weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    return F.cross_entropy(x["pred"], x["target"], weight=weight, label_smoothing=smoothing,
                           ignore_index=255, reduction=reduce)


def of_rows(value):
    return lambda x, **options: value(kept(x), **options)


def of_samples(make):
    """An overlap loss: each sample with its valid positions only, brought to one length by
    positions where p and t are both 0."""

    def loss(x, **options):
        valid = x["target"] != 255
        alive = valid.flatten(1).any(dim=1)
        p = torch.softmax(torch.where(valid.unsqueeze(1), x["pred"], 0.0), dim=1) * valid.unsqueeze(1)
        t = torch.movedim(F.one_hot(torch.where(valid, x["target"], 0), p.shape[1]), -1, 1) * valid.unsqueeze(1)
        return make("probs")({"pred": p[alive], "target": t[alive].double()}, **options)

    return loss


def all_ignored(x, **_):
    return torch.nan_to_num(x["pred"]).sum() * 0


def add(book):
    weight = overlap.WEIGHTS[3]

    def one(name, loss, options, value, pred="logits_ign", target="labels_ign", source="torch primitives"):
        book.add(name, loss, spec_text(KINDS["multiclass"], call(loss, options), before=RULE),
                 {"pred": pred, "target": target}, lambda x: value(x, **options), source=source,
                 differences="nan" not in pred)

    own = "torch.nn.functional.cross_entropy"
    one("ce_ignore", "ce", {}, ignored_ce, source=own)
    one("ce_ignore_weight", "ce", {"weight": weight}, ignored_ce, source=own)
    one("ce_ignore_smoothing", "ce", {"smoothing": 0.1}, ignored_ce, source=own)
    one("ce_ignore_weight_smoothing", "ce", {"weight": weight, "smoothing": 0.1}, of_rows(classes.ce))
    one("ce_ignore_sum", "ce", {"reduce": "sum"}, ignored_ce, source=own)
    one("wce_ignore", "wce", {"weight": weight}, ignored_ce, source=own)
    for loss, value in (("focal", classes.focal), ("poly1", classes.poly1), ("gce", classes.gce),
                        ("multi_margin", classes.multi_margin)):
        one(f"{loss}_ignore", loss, {}, of_rows(value))
    for loss, make in overlap.LOSSES.items():
        one(f"{loss}_ignore", loss, {}, of_samples(make))
        if loss == "log_cosh_dice":
            continue
        one(f"{loss}_ignore_batch", loss, {"over": ["batch", "space"]}, of_samples(make))
        if loss != "generalized_dice":
            one(f"{loss}_ignore_weight", loss, {"weight": weight, "empty": "skip"}, of_samples(make))
    one("dice_ignore_squared", "dice", {"squared": True, "smooth": 1.0}, of_samples(overlap.dice))
    # NaN at ignored positions of pred reaches neither value nor gradient.
    one("ce_ignore_nan", "ce", {}, of_rows(classes.ce), pred="logits_ign_nan")
    one("dice_ignore_nan", "dice", {}, of_samples(overlap.dice), pred="logits_ign_nan")
    one("focal_ignore_nan", "focal", {}, of_rows(classes.focal), pred="logits_ign_nan")
    # Nothing valid: 0, zero gradient.
    for loss in ("ce", "dice", "focal"):
        one(f"{loss}_ignore_all", loss, {}, all_ignored, target="labels_ign_all", source="rule of the language")

    # A mask of valid positions as an input of its own.
    def masked(name, loss, options, kind, data, value, pred, target, diff=("pred",)):
        def only_valid(x):
            keep = x["valid"] == 1
            return value({key: tensor[keep] for key, tensor in x.items()}, **options)

        book.add(name, loss, spec_text(KINDS[kind] | VALID, call(loss, options), before="ignore valid == 0"),
                 {"pred": pred, "target": target, "valid": f"valid_{data}"}, only_valid, diff)

    for loss in ("mse", "mae", "huber"):
        masked(f"{loss}_ignore_mask", loss, {}, "regression", "reg_c", regression.PLAIN[loss][0],
               "reg_c_pred", "reg_c_target", ("pred", "target"))
    for data in ("bin_a", "bin_c"):
        masked(f"bce_ignore_mask_{data}", "bce", {"pos_weight": 3.0}, "binary", data, sigmoid.bce,
               f"logits_{data}", f"mask_{data}")
        masked(f"focal_ignore_mask_{data}", "focal", {"alpha": 0.25}, "binary", data, sigmoid.focal,
               f"logits_{data}", f"mask_{data}")
