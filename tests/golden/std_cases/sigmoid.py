"""Yes/no losses on logits with a mask: bce, focal (sigmoid), hinge; `binary` and `multilabel`.

    bce     (1 − t)·z + (1 + (q − 1)·t)·softplus(−z), q = pos_weight; t → t(1 − ε) + ε/2 first
            mean over everything; with `weight` per label Σ w·l / Σ w over the elements, so
            Σ w_c l_ncs / (N·S·Σ w_c); `pixel_weight` likewise, Σ over the labels too
    focal   torchvision.ops.sigmoid_focal_loss: α_t (1 − p_t)^γ · bce; no α by default; mean
    hinge   mean relu(1 − z·(2t − 1))

Choices where the design is silent:
- pos_weight is a number or a list with an entry per label; weight is per label only.
- focal's α on masks is a number: α for positives, 1 − α for negatives.
- A soft mask enters focal as in torchvision: p_t = p·t + (1 − p)(1 − t).
"""

import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from .common import KINDS, PIXEL_WEIGHT, call, spec_text

SETS = {"binary": ("bin_a", "bin_b", "bin_c", "bin_d", "bin_sat"), "multilabel": ("ml_a", "ml_b", "ml_c", "ml_sat")}
PER_LABEL = {3: [0.5, 1.0, 2.5], 4: [1.0, 0.5, 2.0, 0.25], 5: [1.0, 2.0, 0.5, 0.25, 4.0]}


def per_label(values, like):
    return torch.tensor(values, dtype=torch.float64).reshape((1, -1) + (1,) * (like.dim() - 2))


def bce(x, pos_weight=None, weight=None, smoothing=0.0, pixel_weight=None, reduce="mean"):
    z, t = x["pred"], x["target"]
    t = t * (1 - smoothing) + smoothing / 2
    if pos_weight is not None:
        pos_weight = per_label(pos_weight, z) if isinstance(pos_weight, list) else torch.tensor(pos_weight, dtype=torch.float64)
    loss = F.binary_cross_entropy_with_logits(z, t, pos_weight=pos_weight, reduction="none")
    w = torch.ones_like(z)
    if weight is not None:
        w = w * per_label(weight, z)
    if pixel_weight is not None:
        w = w * (x["w"].unsqueeze(1) if x["w"].dim() < z.dim() else x["w"])
    total = (w * loss).sum()
    return total if reduce == "sum" else total / w.sum()


def focal(x, gamma=2.0, alpha=None, reduce="mean"):
    """With log(1 − p_t) from the logits, so that saturated ones stay finite; where torchvision's
    function is finite, it must say the same."""
    z, t = x["pred"], x["target"]
    hard = bool(((t == 0) | (t == 1)).all())
    own = sigmoid_focal_loss(z, t, alpha=-1 if alpha is None else alpha, gamma=gamma, reduction=reduce)
    if not hard:
        return own
    log_not = F.logsigmoid(torch.where(t == 1, -z, z))
    loss = torch.exp(gamma * log_not) * F.binary_cross_entropy_with_logits(z, t, reduction="none")
    if alpha is not None:
        loss = loss * torch.where(t == 1, alpha, 1 - alpha)
    loss = loss.mean() if reduce == "mean" else loss.sum()
    assert torch.allclose(loss, own, rtol=1e-10)
    return loss


def hinge(x, reduce="mean"):
    loss = torch.relu(1 - x["pred"] * (2 * x["target"] - 1))
    return loss.mean() if reduce == "mean" else loss.sum()


def add(book):
    def one(loss, tag, options, kind, data, value, target=None, diff=("pred",), source="torch primitives",
            differences=True):
        binding = {"pred": f"logits_{data}", "target": target or f"mask_{data}"}
        inputs = dict(KINDS[kind])
        if "pixel_weight" in options:
            inputs |= PIXEL_WEIGHT
            binding["w"] = f"w_{data}"
            diff = diff + ("w",)
        book.add(f"{loss}_{tag}_{data}", loss, spec_text(inputs, call(loss, options)), binding,
                 lambda x: value(x, **options), diff, source, differences=differences and "sat" not in data)

    bce_source = "torch.nn.functional.binary_cross_entropy_with_logits"
    focal_source = "torchvision.ops.sigmoid_focal_loss"
    for kind, sets in SETS.items():
        for data in sets:
            one("bce", "default", {}, kind, data, bce, source=bce_source)
            one("focal", f"default_{kind}", {}, kind, data, focal, source=focal_source)
            one("hinge", "default", {}, kind, data, hinge)
            for tag, options in {
                "pos_weight": {"pos_weight": 3.0},
                "smoothing": {"smoothing": 0.1},
                "pos_weight_smoothing": {"pos_weight": 0.25, "smoothing": 0.2},
                "sum": {"reduce": "sum"},
                "pixel_weight": {"pixel_weight": "w"},
            }.items():
                one("bce", tag, options, kind, data, bce,
                    source="torch primitives" if tag == "pixel_weight" else bce_source)
            for tag, options in {
                "gamma0": {"gamma": 0.0},
                "gamma_half": {"gamma": 0.5},
                "gamma3_alpha": {"gamma": 3.0, "alpha": 0.25},
                "alpha": {"alpha": 0.75},
                "sum": {"reduce": "sum"},
            }.items():
                one("focal", f"{tag}_{kind}", options, kind, data, focal, source=focal_source)
            one("hinge", "sum", {"reduce": "sum"}, kind, data, hinge)
    for data in ("ml_a", "ml_b", "ml_c", "ml_sat"):
        weight = PER_LABEL[book.inputs[f"logits_{data}"].shape[1]]
        for tag, options in {
            "weight": {"weight": weight},
            "pos_weight_list": {"pos_weight": weight},
            "weight_all": {"pos_weight": weight[::-1], "weight": weight, "smoothing": 0.1},
            "weight_pixel": {"weight": weight, "pixel_weight": "w"},
            "weight_sum": {"weight": weight, "reduce": "sum"},
        }.items():
            one("bce", tag, options, "multilabel", data, bce,
                source=bce_source if tag == "pos_weight_list" else "torch primitives")
    both = ("pred", "target")
    for kind, data in (("binary", "bin_a"), ("multilabel", "ml_b")):
        soft = f"soft_mask_{data}"
        one("bce", "soft_mask", {}, kind, data, bce, soft, both, bce_source)
        one("bce", "soft_mask_all", {"pos_weight": 2.0, "smoothing": 0.1}, kind, data, bce, soft, both, bce_source)
        one("focal", f"soft_mask_{kind}", {}, kind, data, focal, soft, both, focal_source)
        one("focal", f"soft_mask_alpha_{kind}", {"alpha": 0.25, "gamma": 1.5}, kind, data, focal, soft, both, focal_source)
    one("bce", "all_empty", {}, "binary", "bin_a", bce, "mask_bin_empty", source=bce_source)
    one("focal", "all_empty_binary", {}, "binary", "bin_a", focal, "mask_bin_empty", source=focal_source)
    one("hinge", "default", {}, "binary", "bin_tie", hinge, differences=False)
