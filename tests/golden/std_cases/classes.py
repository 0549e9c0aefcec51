"""Losses over exclusive classes: ce, wce, nll, soft_ce, focal (softmax), poly1, gce, multi_margin, kl, js.

Weights, the smoothed target and the denominator of ce (t is one-hot, y the label):
    t' = (1 − ε)·t + ε/C
    Σ_i v_i Σ_c w_c t'_ic (−log p_ic) / Σ_i v_i Σ_c w_c t'_ic        v = pixel_weight
`reduce=sum` is the numerator alone.

Choices where the design is silent:
- `pixel_weight` and `weight` together: both multiply, both stand in the denominator.
- nll takes `weight` and `reduce` as ce does. soft_ce takes `weight`, `pixel_weight`, `reduce`;
  without weights its denominator is the number of positions. No gradient of soft_ce by its target is given:
  it would depend on whether the denominator is Σ t or a count, which agree in value only.
- focal: α multiplies and is not divided by; a scalar α multiplies every class.
- poly1, gce, multi_margin have no class weights. multi_margin has `p` 1 or 2.
- kl and js sum over classes and average over batch and space; t log t is 0 at t = 0. `kl(reduce=sum)` sums.
"""

import torch
import torch.nn.functional as F

from .common import KINDS, PIXEL_WEIGHT, call, spec_text
from .overlap import MULTICLASS_SETS, WEIGHTS


def logp(x):
    return F.log_softmax(x["pred"], dim=1)


def at_label(values, target):
    return values.gather(1, target.unsqueeze(1)).squeeze(1)


def along_class(weight, like):
    return torch.tensor(weight, dtype=torch.float64).reshape((1, -1) + (1,) * (like.dim() - 2))


def one_hot(target, classes):
    return torch.movedim(F.one_hot(target, classes), -1, 1).double()


def weighted_ce(log_p, t, weight=None, smoothing=0.0, pixel_weight=None, reduce="mean"):
    """The formula above, spelt out."""
    classes = log_p.shape[1]
    t = (1 - smoothing) * t + smoothing / classes
    w = t if weight is None else t * along_class(weight, log_p)
    if pixel_weight is not None:
        w = w * pixel_weight.unsqueeze(1)
    total = -(w * log_p).sum()
    return total if reduce == "sum" else total / w.sum()


def ce(x, **options):
    """torch's own function where its denominators are lossc's, else the formula."""
    options = dict(options)
    pixel = x.get("w")
    options.pop("pixel_weight", None)
    target = x["target"]
    if target.is_floating_point():
        return weighted_ce(logp(x), target, pixel_weight=pixel, **options)
    written = weighted_ce(logp(x), one_hot(target, x["pred"].shape[1]), pixel_weight=pixel, **options)
    weight, smoothing = options.get("weight"), options.get("smoothing", 0.0)
    if pixel is None and not (weight and smoothing):
        own = F.cross_entropy(x["pred"], target, label_smoothing=smoothing, reduction=options.get("reduce", "mean"),
                              weight=None if weight is None else torch.tensor(weight, dtype=torch.float64))
        assert torch.allclose(own, written, rtol=1e-12, atol=1e-300)
        return own
    return written


def ce_source(options):
    own = "pixel_weight" not in options and not ("weight" in options and "smoothing" in options)
    return "torch.nn.functional.cross_entropy" if own else "torch primitives"


def nll(x, weight=None, reduce="mean"):
    weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    return F.nll_loss(x["pred"], x["target"], weight=weight, reduction=reduce)


def soft_ce(x, weight=None, pixel_weight=None, reduce="mean"):
    if weight is None and pixel_weight is None:
        if reduce == "mean":
            return F.cross_entropy(x["pred"], x["target"])
        return F.cross_entropy(x["pred"], x["target"], reduction="sum")
    return weighted_ce(logp(x), x["target"], weight, 0.0, x.get("w"), reduce)


def log_not_p(log_p_all, pred, target):
    """log(1 − p_y) from the logits of the other classes."""
    own = F.one_hot(target, pred.shape[1]).bool().movedim(-1, 1)
    others = pred.masked_fill(own, -torch.inf)
    return torch.logsumexp(others, dim=1) - torch.logsumexp(pred, dim=1)


def focal(x, gamma=2.0, alpha=None, reduce="mean"):
    log_p = logp(x)
    log_py = at_label(log_p, x["target"])
    loss = -torch.exp(gamma * log_not_p(log_p, x["pred"], x["target"])) * log_py
    if alpha is not None:
        if isinstance(alpha, (int, float)):
            alpha = [alpha] * log_p.shape[1]
        loss = loss * torch.tensor(alpha, dtype=torch.float64)[x["target"]]
    return loss.mean() if reduce == "mean" else loss.sum()


def poly1(x, epsilon=1.0):
    p_y = at_label(torch.softmax(x["pred"], dim=1), x["target"])
    return F.cross_entropy(x["pred"], x["target"]) + epsilon * (1 - p_y).mean()


def gce(x, q=0.7):
    return ((1 - torch.exp(q * at_label(logp(x), x["target"]))) / q).mean()


def multi_margin(x, p=1, margin=1.0):
    classes = x["pred"].shape[1]
    rows = torch.movedim(x["pred"], 1, -1).reshape(-1, classes)
    return F.multi_margin_loss(rows, x["target"].reshape(-1), p=p, margin=float(margin))


def kl(x, reduce="mean"):
    log_p = logp(x)
    total = F.kl_div(log_p, x["target"], reduction="sum")
    return total if reduce == "sum" else total / (log_p.numel() // log_p.shape[1])


def js(x):
    log_p, t = logp(x), x["target"]
    log_t = t.log()
    log_m = torch.logaddexp(log_p, log_t) - torch.log(torch.tensor(2.0, dtype=torch.float64))
    both = 0.5 * t * (log_t - log_m) + 0.5 * log_p.exp() * (log_p - log_m)
    return both.sum(dim=1).mean()


def add(book):
    def one(loss, tag, options, data, value, kind="multiclass", target=None, pred=None, diff=("pred",),
            source="torch primitives", text=None):
        binding = {"pred": pred or f"logits_{data}", "target": target or f"labels_{data}"}
        inputs = dict(KINDS[kind])
        if "pixel_weight" in options:
            inputs |= PIXEL_WEIGHT
            binding["w"] = f"w_{data}"
            diff = diff + ("w",)
        book.add(f"{loss}_{tag}_{data}", loss, spec_text(inputs, text or call(loss, options)), binding,
                 lambda x: value(x, **options), diff, source, differences="sat" not in data)

    def classes(data):
        return book.inputs[f"logits_{data}"].shape[1]

    # ce and wce
    for data in MULTICLASS_SETS:
        one("ce", "default", {}, data, ce, source="torch.nn.functional.cross_entropy")
        weight = WEIGHTS[classes(data)]
        one("wce", "default", {"weight": weight}, data, ce, source="torch.nn.functional.cross_entropy")
        one("wce", "positional", {"weight": weight}, data, ce, source="torch.nn.functional.cross_entropy",
            text=f"wce({weight})") if data in ("a", "two") else None
    for data in ("a", "d", "e", "f", "two", "sat"):
        weight = WEIGHTS[classes(data)]
        for tag, options in {
            "weight": {"weight": weight},
            "smoothing": {"smoothing": 0.1},
            "weight_smoothing": {"weight": weight, "smoothing": 0.2},
            "pixel_weight": {"pixel_weight": "w"},
            "weight_pixel": {"weight": weight, "pixel_weight": "w"},
            "all": {"weight": weight, "smoothing": 0.1, "pixel_weight": "w"},
            "sum": {"reduce": "sum"},
            "weight_sum": {"weight": weight, "reduce": "sum"},
            "smoothing_sum": {"smoothing": 0.3, "reduce": "sum"},
            "pixel_weight_sum": {"pixel_weight": "w", "reduce": "sum"},
        }.items():
            if data == "f" and tag not in ("weight", "smoothing", "all"):
                continue
            one("ce", tag, options, data, ce, source=ce_source(options))
    one("ce", "smoothing1", {"smoothing": 1.0}, "a", ce, source="torch.nn.functional.cross_entropy")
    one("ce", "weight_zero", {"weight": [0.0, 1.0, 2.0]}, "a", ce, source="torch.nn.functional.cross_entropy")
    for data in ("a", "d"):
        weight = WEIGHTS[classes(data)]
        for tag, options in {
            "onehot": {},
            "onehot_weight": {"weight": weight},
            "onehot_weight_smoothing": {"weight": weight, "smoothing": 0.1},
        }.items():
            one("ce", tag, options, data, ce, kind="onehot", target=f"onehot_{data}")
    for data in ("a", "c", "two"):
        one("wce", "sum", {"weight": WEIGHTS[classes(data)], "reduce": "sum"}, data, ce,
            source="torch.nn.functional.cross_entropy")

    # nll on log-probabilities
    for data in ("a", "d", "e", "f"):
        for tag, options in {
            "default": {},
            "weight": {"weight": WEIGHTS[classes(data)]},
            "sum": {"reduce": "sum"},
        }.items():
            one("nll", tag, options, data, nll, kind="log_probs", pred=f"log_probs_{data}",
                source="torch.nn.functional.nll_loss")

    # soft_ce, kl, js on probability targets
    for data in MULTICLASS_SETS:
        soft = f"soft_{data}"
        one("soft_ce", "default", {}, data, soft_ce, "soft", soft, source="torch.nn.functional.cross_entropy")
        both = ("pred",) if data == "sat" else ("pred", "target")
        one("kl", "default", {}, data, kl, "soft", soft, diff=both, source="torch.nn.functional.kl_div")
        one("js", "default", {}, data, js, "soft", soft, diff=both)
    for data in ("a", "d", "e"):
        soft = f"soft_{data}"
        one("soft_ce", "weight", {"weight": WEIGHTS[classes(data)]}, data, soft_ce, "soft", soft)
        one("soft_ce", "pixel_weight", {"pixel_weight": "w"}, data, soft_ce, "soft", soft)
        one("soft_ce", "sum", {"reduce": "sum"}, data, soft_ce, "soft", soft, source="torch.nn.functional.cross_entropy")
        one("kl", "sum", {"reduce": "sum"}, data, kl, "soft", soft, diff=("pred", "target"),
            source="torch.nn.functional.kl_div")
    one("soft_ce", "zeros", {}, "a", soft_ce, "soft", "soft_zeros_a", source="torch.nn.functional.cross_entropy")
    one("kl", "zeros", {}, "a", kl, "soft", "soft_zeros_a", source="torch.nn.functional.kl_div")

    # focal, poly1, gce, multi_margin
    for data in MULTICLASS_SETS:
        for loss, value in (("focal", focal), ("poly1", poly1), ("gce", gce)):
            one(loss, "default", {}, data, value)
        one("multi_margin", "default", {}, data, multi_margin, source="torch.nn.functional.multi_margin_loss")
    for data in ("a", "d", "e", "two", "sat"):
        weight = WEIGHTS[classes(data)]
        for tag, options in {
            "gamma0": {"gamma": 0.0},
            "gamma_half": {"gamma": 0.5},
            "gamma3": {"gamma": 3.0},
            "alpha": {"alpha": weight},
            "alpha_scalar": {"alpha": 0.25},
            "gamma_alpha": {"gamma": 1.5, "alpha": weight},
            "sum": {"reduce": "sum"},
        }.items():
            one("focal", tag, options, data, focal)
        for epsilon in (2.0, -0.5, 0.0):
            one("poly1", f"epsilon{epsilon:g}".replace("-", "m").replace(".", "p"), {"epsilon": epsilon}, data, poly1)
        for q in (0.5, 1.0, 0.1):
            one("gce", f"q{q:g}".replace(".", "p"), {"q": q}, data, gce)
        for tag, options in {
            "p2": {"p": 2},
            "margin": {"margin": 0.5},
            "p2_margin": {"p": 2, "margin": 2.0},
        }.items():
            if data == "sat" and "p" in options:
                continue
            one("multi_margin", tag, options, data, multi_margin, source="torch.nn.functional.multi_margin_loss")
