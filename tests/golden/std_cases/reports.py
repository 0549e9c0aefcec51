"""Reports: accuracy, mean_iou, dice_score, f1, precision, recall, specificity, without gradient, each beside a loss.

Hard predictions: argmax, or probability ≥ 0.5. Counts are pooled over batch and space.
    accuracy    correct / all, over every element (with labels per C: over every label)
    mean_iou    per class I / (P + T − I), mean over the classes with P + T > 0
    dice_score  per class 2I / (P + T), likewise; f1 is another name of it
    precision   per class I / P, recall I / T, specificity TN / (TN + FP), likewise, 0 where there is nothing to divide by

Choices where the design is silent: masks without a class axis are one class, the positives (the negatives
are not a class of their own); masks per C are C classes. Where no class is present, mean_iou and
dice_score are 0, as every mean over nothing.
"""

import torch
import torch.nn.functional as F

from . import classes, sigmoid
from .common import KINDS, spec_text
from .ignored import RULE, ignored_ce, kept
from .overlap import MULTICLASS_SETS


def hard(kind, x):
    """Predictions and target as 0/1 of [rows, classes]."""
    pred, target = x["pred"], x["target"]
    if kind == "multiclass":
        size = pred.shape[1]
        return F.one_hot(pred.argmax(dim=1), size).reshape(-1, size), F.one_hot(target, size).reshape(-1, size)
    p, t = (pred >= 0).long(), (target >= 0.5).long()
    if kind == "binary":
        return p.reshape(-1, 1), t.reshape(-1, 1)
    return torch.movedim(p, 1, -1).flatten(0, -2), torch.movedim(t, 1, -1).flatten(0, -2)


def accuracy(kind, x):
    p, t = hard(kind, x)
    same = (p == t).all(dim=1) if kind == "multiclass" else p == t
    return same.double().mean().item()


def over_present(ratio):
    def report(kind, x):
        p, t = hard(kind, x)
        i, big_p, big_t = (p * t).sum(0), p.sum(0), t.sum(0)
        present = (big_p + big_t) > 0
        if not present.any():
            return 0.0
        return ratio(i, big_p, big_t)[present].double().mean().item()

    return report


def share(right, mass):
    """right / mass, and 0 for a class of which there is nothing."""
    return torch.where(mass > 0, right.double() / mass.clamp(min=1), 0.0)


def specificity(kind, x):
    p, t = hard(kind, x)
    present = (p.sum(0) + t.sum(0)) > 0
    ratio = share(((1 - p) * (1 - t)).sum(0), (1 - t).sum(0))
    return ratio[present].mean().item() if present.any() else 0.0


REPORTS = {
    "accuracy": accuracy,
    "mean_iou": over_present(lambda i, p, t: i.double() / (p + t - i).double()),
    "dice_score": over_present(lambda i, p, t: 2 * i.double() / (p + t).double()),
    "f1": over_present(lambda i, p, t: 2 * i.double() / (p + t).double()),
    "precision": over_present(lambda i, p, t: share(i, p)),
    "recall": over_present(lambda i, p, t: share(i, t)),
    "specificity": specificity,
}


def add(book):
    def one(report, kind, data, loss, value, before="", target=None, select=lambda x: x, tag=None):
        binding = {"pred": f"logits_{data}", "target": target or (f"labels_{data}" if kind == "multiclass" else f"mask_{data}")}
        x = select(book.tensors(binding))
        book.add(f"{report}_{tag or data}", report,
                 spec_text(KINDS[kind], f"{loss}()", before=before, after=f"report r = {report}()"),
                 binding, value, diff=(), source="torch primitives", reports={"r": REPORTS[report](kind, x)})

    for report in REPORTS:
        for data in MULTICLASS_SETS:
            one(report, "multiclass", data, "ce", classes.ce)
        for data in ("bin_a", "bin_b", "bin_d"):
            one(report, "binary", data, "bce", sigmoid.bce)
        for data in ("ml_a", "ml_b", "ml_c"):
            one(report, "multilabel", data, "bce", sigmoid.bce)
        one(report, "multiclass", "ign", "ce", ignored_ce, before=RULE, select=kept, tag="ignore")
