"""Box losses: giou, diou, ciou, mean over the boxes. Boxes are x1, y1, x2, y2 along the last axis.

The oracle is torchvision.ops, eps = 1e-7 (added to the union, to the enclosing area, to the squared
diagonal; and in ciou's α = v / (1 − IoU + v + eps), which has no gradient). Each is also written
out here from its paper, and the two must agree.

Choices where the design is silent: an `eps` option with that default. torchvision's ciou takes eps for
α only and leaves 1e-7 in IoU and diagonal, so no case sets eps for ciou.
"""

import torch
from torchvision import ops

from .common import KINDS, call, spec_text

TORCHVISION = {
    "giou": ops.generalized_box_iou_loss,
    "diou": ops.distance_box_iou_loss,
    "ciou": ops.complete_box_iou_loss,
}


def written(loss, a, b, eps):
    """The formulas of the papers, per box."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clamp(min=0).prod(dim=-1)
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    union = size_a.prod(dim=-1) + size_b.prod(dim=-1) - inter
    iou = inter / (union + eps)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    if loss == "giou":
        area = hull.prod(dim=-1)
        return 1 - iou + (area - union) / (area + eps)
    centres = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    diou = 1 - iou + centres.square().sum(-1) / (hull.square().sum(-1) + eps)
    if loss == "diou":
        return diou
    angle = torch.atan(size_b[..., 0] / size_b[..., 1]) - torch.atan(size_a[..., 0] / size_a[..., 1])
    v = 4 / torch.pi**2 * angle**2
    return diou + (v / (1 - iou + v + eps)).detach() * v


def add(book):
    for loss, oracle in TORCHVISION.items():
        def value(x, reduce="mean", eps=1e-7):
            theirs = oracle(x["pred"], x["target"], reduction=reduce, eps=eps)
            ours = written(loss, x["pred"], x["target"], eps)
            ours = ours.mean() if reduce == "mean" else ours.sum()
            assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-14), loss
            return theirs

        def one(tag, options, data, target=None):
            kind = "boxes_nested" if book.inputs[f"{data}_pred"].ndim == 3 else "boxes"
            book.add(f"{loss}_{tag}_{data}", loss, spec_text(KINDS[kind], call(loss, options)),
                     {"pred": f"{data}_pred", "target": target or f"{data}_target"},
                     lambda x: value(x, **options), ("pred", "target"),
                     source=f"torchvision.ops.{oracle.__name__}",
                     differences=loss != "ciou" and target is None)

        for data in ("boxes_a", "boxes_b", "boxes_c", "boxes_d"):
            one("default", {}, data)
            one("sum", {"reduce": "sum"}, data)
            if loss != "ciou":
                one("eps", {"eps": 0.01}, data)
        one("same_tie", {}, "boxes_a", target="boxes_a_pred")
