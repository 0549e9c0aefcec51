"""Images and fields: ssim, psnr, lncc, cldice, boundary_ce, gradient_l1, diffusion, bending_energy.

The first four are MONAI's and kornia's own functions, run in float64:

    ssim      1 − kornia's ssim (2-D) and ssim3d, eps = 0, padding "valid"
    psnr      kornia's psnr_loss; lossc adds 1e-15 to mse/range²
    lncc      1 + MONAI's LocalNormalizedCrossCorrelationLoss
    cldice    MONAI's SoftclDiceLoss on probabilities, without its constant in the last denominator (as the paper)
    diffusion MONAI's DiffusionLoss, bending_energy its BendingEnergyLoss

boundary_ce is written out: a position weighs 1 + weight where a loop over its neighbours meets another class.
gradient_l1 is Σ over the space axes of the mean |difference of pred − target| along that axis.
"""

import itertools

import kornia
import torch
import torch.nn.functional as F
from monai.losses import BendingEnergyLoss, DiffusionLoss, LocalNormalizedCrossCorrelationLoss, SoftclDiceLoss

from .common import KINDS, call, spec_text

IMAGES = {
    "img_2d": {"pred": "real[N, C, H, W]", "target": "real[N, C, H, W]"},
    "img_3d": {"pred": "real[N, C, D, H, W]", "target": "real[N, C, D, H, W]"},
}
CHANNELS = "axis C: class"
THIN = {"thin_2d": "N, C, H, W", "thin_3d": "N, C, D, H, W"}


def ssim(x, window=11, range=1.0):
    pred, target = x["pred"], x["target"]
    function = kornia.metrics.ssim if pred.dim() == 4 else kornia.metrics.ssim3d
    return 1 - function(pred, target, window, max_val=float(range), eps=0.0, padding="valid").mean()


def psnr(x, range=1.0):
    return kornia.losses.psnr_loss(x["pred"], x["target"], float(range))


def lncc(x, window=9, eps=1e-5):
    dims = x["pred"].dim() - 2
    return 1 + LocalNormalizedCrossCorrelationLoss(dims, window, smooth_dr=eps)(x["pred"], x["target"])


def cldice(x, iterations=3, smooth=1.0, background=True):
    loss = SoftclDiceLoss(iterations, smooth, smooth, 1e-300, include_background=background)
    return loss(x["pred"], x["target"])


def boundary_ce(x, width=3, weight=5.0):
    labels = x["target"]
    near = torch.zeros(labels.shape, dtype=torch.bool)
    shape = labels.shape[1:]
    for step in itertools.product(range(-width, width + 1), repeat=len(shape)):
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, shape))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, shape))
        if all(abs(s) < n for s, n in zip(step, shape)):
            near[(slice(None), *here)] |= labels[(slice(None), *here)] != labels[(slice(None), *there)]
    weights = 1 + weight * near.double()
    loss = F.cross_entropy(x["pred"], labels, reduction="none")
    return (weights * loss).sum() / weights.sum()


def gradient_l1(x):
    r = x["pred"] - x["target"]
    return sum(torch.diff(r, dim=axis).abs().mean() for axis in range(2, r.dim()))


def diffusion(x):
    return DiffusionLoss()(x["pred"])


def bending_energy(x):
    return BendingEnergyLoss()(x["pred"])


def add(book):
    for data, kinds in IMAGES.items():
        binding = {"pred": f"{data}_pred", "target": f"{data}_target"}
        for loss, value, source, cases in (
            ("ssim", ssim, "kornia.metrics", {"default": {}, "small": {"window": 5}, "bytes": {"range": 255.0}}),
            ("psnr", psnr, "kornia.losses.psnr_loss", {"default": {}, "range": {"range": 4.0}}),
            ("lncc", lncc, "monai.losses.LocalNormalizedCrossCorrelationLoss", {"default": {}, "small": {"window": 3}}),
            ("gradient_l1", gradient_l1, "torch primitives", {"default": {}}),
        ):
            for tag, options in cases.items():
                book.add(f"{loss}_{tag}_{data}", loss, spec_text(kinds, call(loss, options), CHANNELS), binding,
                         lambda x: value(x, **options), ("pred", "target"), source)
    for data, axes in THIN.items():
        kinds = {"pred": f"probs[{axes}] per C", "target": f"mask[{axes}] per C"}
        binding = {"pred": f"{data}_pred", "target": f"{data}_target"}
        for tag, options in {
            "default": {},
            "none": {"iterations": 0},
            "one": {"iterations": 1, "smooth": 0.5},
            "many": {"iterations": 9},
            "foreground": {"background": False},
        }.items():
            # Skeletons kink wherever two entries are equal, which differences cannot see through.
            book.add(f"cldice_{tag}_{data}", "cldice", spec_text(kinds, call("cldice", options)), binding,
                     lambda x: cldice(x, **options), ("pred",), "monai.losses.SoftclDiceLoss", differences=False)
    for data in ("a", "b", "c", "e", "sat"):
        for tag, options in {"default": {}, "narrow": {"width": 1, "weight": 2.5}, "none": {"width": 0}}.items():
            book.add(f"boundary_ce_{tag}_{data}", "boundary_ce", spec_text(KINDS["multiclass"], call("boundary_ce", options)),
                     {"pred": f"logits_{data}", "target": f"labels_{data}"}, lambda x: boundary_ce(x, **options),
                     differences=data != "sat")
    for data, axes in {"ddf_2d": "N, C, H, W", "ddf_3d": "N, C, D, H, W"}.items():
        for loss, value in (("diffusion", diffusion), ("bending_energy", bending_energy)):
            book.add(f"{loss}_default_{data}", loss, spec_text({"pred": f"real[{axes}]"}, call(loss), CHANNELS),
                     {"pred": data}, value, source="monai.losses")
