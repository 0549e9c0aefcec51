"""Regression losses on real tensors, averaged over everything. r = pred − target.

    mse r² · mae |r| · huber ½r² or δ(|r| − δ/2) · smooth_l1 ½r²/β or |r| − β/2 · log_cosh log cosh r
    charbonnier √(r² + ε²) · quantile max(q·s, (q − 1)·s) with s = target − pred
    poisson_nll e^x − t·x, or x − t·log(x + 1e-8) with log_input=false; full adds, where t > 1,
                t·log t − t + ½·log(2πt)
    gaussian_nll ½(log v + r²/v), v = max(var, eps); full adds ½·log 2π

Choices where the design is silent: poisson_nll's eps is torch's 1e-8; `reduce` and `pixel_weight`
(Σ w·l / Σ w) are shown for some losses and are meant for all. With full=true no gradient by the
target is given (the Stirling term has a jump at t = 1). torch lets the gradient of `var` pass
below eps; lossc's clamp does not, so there no gradient by `var` is given.
"""

import math

import torch
import torch.nn.functional as F

from .common import KINDS, PIXEL_WEIGHT, VARIANCE, call, spec_text

SETS = ("reg_a", "reg_b", "reg_c", "reg_d")


def reduced(loss, x, reduce="mean", pixel_weight=None):
    if pixel_weight is not None:
        total = (x["w"] * loss).sum()
        return total if reduce == "sum" else total / x["w"].sum()
    return loss.mean() if reduce == "mean" else loss.sum()


def of_torch(function, **renamed):
    """A loss of torch.nn.functional; `renamed` maps lossc's option names to torch's."""

    def loss(x, reduce="mean", pixel_weight=None, **options):
        options = {renamed.get(key, key): value for key, value in options.items()}
        if pixel_weight is None:
            return function(x["pred"], x["target"], reduction=reduce, **options)
        return reduced(function(x["pred"], x["target"], reduction="none", **options), x, reduce, pixel_weight)

    return loss


def of_residual(function):
    def loss(x, reduce="mean", pixel_weight=None, **options):
        return reduced(function(x["pred"] - x["target"], **options), x, reduce, pixel_weight)

    return loss


def log_cosh(r):
    return r.abs() + torch.log1p(torch.exp(-2 * r.abs())) - math.log(2)


def charbonnier(r, eps=1e-3):
    return torch.sqrt(r**2 + eps**2)


def quantile(r, q=0.5):
    s = -r
    return torch.maximum(q * s, (q - 1) * s)


def poisson_nll(x, log_input=True, full=False, reduce="mean"):
    return F.poisson_nll_loss(x["pred"], x["target"], log_input=log_input, full=full, reduction=reduce)


def gaussian_nll(x, full=False, eps=1e-6, reduce="mean"):
    return F.gaussian_nll_loss(x["pred"], x["target"], x["var"], full=full, eps=eps, reduction=reduce)


TORCH = "torch.nn.functional."
PLAIN = {  # loss: (function, source, {tag: options})
    "mse": (of_torch(F.mse_loss), TORCH + "mse_loss", {}),
    "mae": (of_torch(F.l1_loss), TORCH + "l1_loss", {}),
    "huber": (of_torch(F.huber_loss), TORCH + "huber_loss",
              {"delta_half": {"delta": 0.5}, "delta2": {"delta": 2.0}}),
    "smooth_l1": (of_torch(F.smooth_l1_loss), TORCH + "smooth_l1_loss",
                  {"beta_half": {"beta": 0.5}, "beta2": {"beta": 2.0}, "beta_ninth": {"beta": 0.111}}),
    "log_cosh": (of_residual(log_cosh), "torch primitives", {}),
    "charbonnier": (of_residual(charbonnier), "torch primitives",
                    {"eps_half": {"eps": 0.5}, "eps1em6": {"eps": 1e-6}}),
    "quantile": (of_residual(quantile), "torch primitives",
                 {"q90": {"q": 0.9}, "q05": {"q": 0.05}, "q0": {"q": 0.0}}),
}


def add(book):
    both = ("pred", "target")

    def one(loss, tag, options, data, value, source, pred="pred", target="target", diff=both, differences=True,
            var=None):
        binding = {"pred": f"{data}_{pred}", "target": f"{data}_{target}"}
        inputs = dict(KINDS["regression"])
        if loss == "gaussian_nll":
            inputs |= VARIANCE
            binding["var"] = f"{data}_{var or 'var'}"
        if "pixel_weight" in options:
            inputs |= PIXEL_WEIGHT
            binding["w"] = f"{data}_w"
            diff = diff + ("w",)
        book.add(f"{loss}_{tag}_{data}", loss, spec_text(inputs, call(loss, options)), binding,
                 lambda x: value(x, **options), diff, source, differences=differences)

    for loss, (value, source, settings) in PLAIN.items():
        for data in SETS:
            one(loss, "default", {}, data, value, source)
            for tag, options in settings.items():
                one(loss, tag, options, data, value, source)
        for data in ("reg_b", "reg_c"):
            one(loss, "sum", {"reduce": "sum"}, data, value, source)
            one(loss, "pixel_weight", {"pixel_weight": "w"}, data, value, "torch primitives")
            one(loss, "pixel_weight_sum", {"pixel_weight": "w", "reduce": "sum"}, data, value, "torch primitives")
        one(loss, "default", {}, "reg_far", value, source, differences=False)
    # Residuals of exactly 0, where torch's derivative is 0 (for quantile: at q = 0.5).
    for loss, (value, source, _) in PLAIN.items():
        one(loss, "default", {}, "reg_tie", value, source, differences=False)

    source = TORCH + "poisson_nll_loss"
    for data in SETS:
        one("poisson_nll", "default", {}, data, poisson_nll, source, target="count")
        one("poisson_nll", "rate", {"log_input": False}, data, poisson_nll, source, "rate", "count")
        one("poisson_nll", "full", {"full": True}, data, poisson_nll, source, target="count", diff=("pred",))
        one("poisson_nll", "rate_full", {"log_input": False, "full": True}, data, poisson_nll, source,
            "rate", "count", diff=("pred",))
    one("poisson_nll", "sum", {"reduce": "sum"}, "reg_c", poisson_nll, source, target="count")

    source = TORCH + "gaussian_nll_loss"
    every = ("pred", "target", "var")
    for data in SETS:
        one("gaussian_nll", "default", {}, data, gaussian_nll, source, diff=every)
        one("gaussian_nll", "full", {"full": True}, data, gaussian_nll, source, diff=every)
        one("gaussian_nll", "eps", {"eps": 0.5}, data, gaussian_nll, source)  # some var are below it
    one("gaussian_nll", "sum", {"reduce": "sum"}, "reg_c", gaussian_nll, source, diff=every)
    one("gaussian_nll", "small_var", {}, "reg_b", gaussian_nll, source, var="var_small", differences=False)
