"""triplet, cosine and tv.

    triplet  mean relu(d(a, p) − d(a, n) + margin), d(x, y) = ‖x − y + 1e-6‖₂ along the last axis (torch)
    cosine   mean (1 − x·y / (max(‖x‖, 1e-8)·max(‖y‖, 1e-8))) along the last axis (torch)
    tv       Σ over the space axes of the mean |x[i+1] − x[i]| along that axis (batch and other axes in the mean)

Choices where the design is silent: both eps are torch's and no options; triplet and cosine take `reduce`.
"""

import torch
import torch.nn.functional as F

from .common import KINDS, call, spec_text


def triplet(x, margin=1.0, reduce="mean"):
    return F.triplet_margin_loss(x["anchor"], x["positive"], x["negative"], margin=margin, reduction=reduce)


def cosine(x, reduce="mean"):
    loss = 1 - F.cosine_similarity(x["pred"], x["target"], dim=-1, eps=1e-8)
    return loss.mean() if reduce == "mean" else loss.sum()


def tv(x):
    pred = x["pred"]
    return sum(torch.diff(pred, dim=axis).abs().mean() for axis in range(1, pred.dim()))


def add(book):
    for data in ("vec_a", "vec_b", "vec_c"):
        three = {"anchor": f"{data}_pred", "positive": f"{data}_target", "negative": f"{data}_negative"}
        for tag, options in {
            "default": {},
            "margin_small": {"margin": 0.2},
            "margin_large": {"margin": 5.0},
            "sum": {"reduce": "sum"},
        }.items():
            book.add(f"triplet_{tag}_{data}", "triplet", spec_text(KINDS["triplet"], call("triplet", options)), three,
                     lambda x: triplet(x, **options), tuple(three), "torch.nn.functional.triplet_margin_loss")
        for tag, options in {"default": {}, "sum": {"reduce": "sum"}}.items():
            book.add(f"cosine_{tag}_{data}", "cosine", spec_text(KINDS["vectors"], call("cosine", options)),
                     {"pred": f"{data}_pred", "target": f"{data}_target"},
                     lambda x: cosine(x, **options), ("pred", "target"), "torch.nn.functional.cosine_similarity")
    axes = {"field_1d": "N, W", "field_2d": "N, H, W", "field_3d": "N, D, H, W", "field_one": "N, H, W", "field_tie": "N, H, W"}
    for data, names in axes.items():
        book.add(f"tv_default_{data}", "tv", spec_text({"pred": f"real[{names}]"}, "tv()"), {"pred": data}, tv,
                 differences=data != "field_tie")
