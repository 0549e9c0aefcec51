"""The rest of the catalogue that needs elementwise functions and reductions only, each written out in torch in a way of its own
(counts instead of rates, masked_fill instead of selects), or taken from torch where torch has it.

Choices where the design is silent:
- mcc is smoothed as 1 − (cov + s) / (√(var var) + s) of rates, so that s does not depend on the number of positions.
- log_dice has no power; unified_focal with more than two classes takes all but class 0 for foreground.
- mape counts in percent (keras); msle clips at 0; silog is one root per sample, then the mean.
- cauchy, geman_mcclure, welsch, barron are in Barron's scale (kornia's functions at c = 1).
- contrastive has Hadsell's halves; cosine_embedding takes a 0/1 mask where torch has ±1.
"""

import math

import torch
import torch.nn.functional as F

from .common import KINDS, PIXEL_WEIGHT, call, spec_text
from .overlap import MULTICLASS_SETS, OPTIONS, WEIGHTS, class_mean, operands, sums

PAIR = {"pred": "real[N, D]", "other": "real[N, D]", "target": "mask[N]"}
TEACHER = {"pred": "logits[N, C, ...S] over C", "teacher": "logits[N, C, ...S] over C"}


def means(x, weight=None, reduce="mean"):
    if reduce == "sum":
        return (x if weight is None else weight * x).sum()
    return x.mean() if weight is None else (weight * x).sum() / weight.expand_as(x).sum()


def logp(x, key="pred"):
    return torch.log_softmax(x[key], dim=1)


def one_hot(target, classes):
    return torch.movedim(F.one_hot(target, classes), -1, 1).double()


def own_class(values, target):
    return values.gather(1, target.unsqueeze(1)).squeeze(1)


# --------------------------------------------------------------------------------------------
# Regions


def log_dice(kind, x, smooth=1e-5, squared=False, over=("space",), background=True, weight=None, empty="smooth",
             smooth_nr=None, smooth_dr=None):
    p, t = operands(kind, x)
    classes = p.shape[1]
    if not background:
        p, t = p[:, 1:], t[:, 1:]
    overlap, big_p, big_t = sums(p, t, over)
    mass = sums(p * p, p, over)[1] + sums(t * t, t, over)[1] if squared else big_p + big_t
    nr, dr = (smooth if smooth_nr is None else smooth_nr), (smooth if smooth_dr is None else smooth_dr)
    loss = torch.log(mass + dr) - torch.log(2 * overlap + nr)
    return class_mean(loss, big_t, weight, empty, background, classes)


def mcc(kind, x, smooth=1e-5, over=("space",), background=True, weight=None):
    p, t = operands(kind, x)
    classes = p.shape[1]
    if not background:
        p, t = p[:, 1:], t[:, 1:]
    tp, fp, fn, tn = (sums(a, b, over)[0] for a, b in ((p, t), (p, 1 - t), (1 - p, t), (1 - p, 1 - t)))
    n = tp + fp + fn + tn
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    root = torch.where(product > 0, torch.sqrt(torch.where(product > 0, product, 1.0)), 0.0)
    loss = 1 - ((tp * tn - fp * fn) / n**2 + smooth) / (root / n**2 + smooth)
    return class_mean(loss, tp + fn, weight, "smooth", background, classes)


def sensitivity_specificity(kind, x, r=0.05, smooth=1e-5, over=("space",), background=True, weight=None):
    p, t = operands(kind, x)
    classes = p.shape[1]
    if not background:
        p, t = p[:, 1:], t[:, 1:]
    error = (p - t) ** 2
    missed, _, shown = sums(error, t, over)
    invented, _, absent = sums(error, 1 - t, over)
    loss = r * missed / (shown + smooth) + (1 - r) * invented / (absent + smooth)
    return class_mean(loss, shown, weight, "smooth", background, classes)


def unified_focal(x, balance=0.5, delta=0.6, gamma=0.5, asymmetric=True, smooth=1e-5, over=("space",)):
    classes = x["pred"].shape[1]
    t = one_hot(x["target"], classes)
    log_p = logp(x)
    others = x["pred"].masked_fill(t == 1, -torch.inf)
    log_rest = torch.logsumexp(others, dim=1) - torch.logsumexp(x["pred"], dim=1)
    easy = torch.exp(gamma * log_rest)
    background = x["target"] == 0
    hardness = torch.where(background, easy, torch.ones_like(easy)) if asymmetric else easy
    side = torch.where(background, torch.tensor(1 - delta, dtype=torch.float64), torch.tensor(delta, dtype=torch.float64))
    pixels = (-side * hardness * own_class(log_p, x["target"])).mean()
    p, flat_t = operands("multiclass", x)
    tp, fp, fn = (sums(a, b, over)[0] for a, b in ((p, flat_t), (p, 1 - flat_t), (1 - p, flat_t)))
    loss = 1 - (tp + smooth) / (tp + delta * fn + (1 - delta) * fp + smooth)
    sharp = loss.clamp(min=1e-300) ** (1 - gamma)
    sharp = torch.where(loss > 0, sharp, 0.0)
    if asymmetric:
        sharp = torch.cat([loss[:, :1], sharp[:, 1:]], dim=1)
    return balance * pixels + (1 - balance) * sharp.mean()


def regions(book):
    both = {"mean": ("log_dice", log_dice), "mcc": ("mcc", mcc), "ss": ("sensitivity_specificity", sensitivity_specificity)}
    own = {
        "log_dice": {"default": {}, "smooth1": {"smooth": 1.0}, "squared": {"squared": True}, "skip": {"empty": "skip"},
                     "pooled": {"over": ["batch", "space"]}, "no_background": {"background": False}},
        "mcc": {"default": {}, "smooth": {"smooth": 0.1}, "pooled": {"over": ["batch", "space"]},
                "no_background": {"background": False}},
        "sensitivity_specificity": {"default": {}, "r": {"r": 0.4}, "smooth1": {"smooth": 1.0},
                                    "no_background": {"background": False}},
    }
    for loss, value in both.values():
        for data in MULTICLASS_SETS:
            if data in ("d", "sat"):
                continue
            weight = WEIGHTS[book.inputs[f"logits_{data}"].shape[1]]
            for tag, options in {**own[loss], "weight": {"weight": weight}}.items():
                book.add(f"{loss}_{tag}_{data}", loss, spec_text(KINDS["multiclass"], words(loss, options)),
                         {"pred": f"logits_{data}", "target": f"labels_{data}"},
                         lambda x: value("multiclass", x, **options))
        for kind, data in (("binary", "bin_a"), ("binary", "bin_c"), ("multilabel", "ml_a"), ("multilabel", "ml_b")):
            book.add(f"{loss}_{kind}_{data}", loss, spec_text(KINDS[kind], f"{loss}()"),
                     {"pred": f"logits_{data}", "target": f"mask_{data}"}, lambda x: value(kind, x))
    for data in ("a", "b", "c", "e", "two"):
        for tag, options in {
            "default": {}, "symmetric": {"asymmetric": False}, "gamma": {"gamma": 0.25, "delta": 0.7},
            "balance": {"lambda": 0.2}, "gamma0": {"gamma": 0.0}, "pooled": {"over": ["batch", "space"]},
        }.items():
            mine = {("balance" if key == "lambda" else key): value for key, value in options.items()}
            book.add(f"unified_focal_{tag}_{data}", "unified_focal",
                     spec_text(KINDS["multiclass"], words("unified_focal", options)),
                     {"pred": f"logits_{data}", "target": f"labels_{data}"}, lambda x: unified_focal(x, **mine))


def words(loss, options):
    """A call whose options may be words or lists of words, which the language writes bare."""
    def literal(key, value):
        if isinstance(value, str):
            return f"{key}={value}"
        if isinstance(value, list) and isinstance(value[0], str):
            return f"{key}=[" + ", ".join(value) + "]"
        return call("", {key: value})[1:-1]
    return f"{loss}(" + ", ".join(literal(key, value) for key, value in options.items()) + ")"


# --------------------------------------------------------------------------------------------
# Exclusive classes


def symmetric_ce(x, alpha=0.1, beta=1.0, log_zero=-4.0, pixel_weight=None, reduce="mean"):
    p = torch.softmax(x["pred"], dim=1)
    t = one_hot(x["target"], p.shape[1])
    log_t = torch.where(t > 0, torch.zeros_like(t), torch.full_like(t, log_zero))
    loss = alpha * F.cross_entropy(x["pred"], x["target"], reduction="none") - beta * (p * log_t).sum(dim=1)
    return means(loss, x.get("w"), reduce)


def along_classes(values, like):
    return torch.tensor(values, dtype=torch.float64).reshape((1, -1) + (1,) * (like.dim() - 2))


def logit_adjusted_ce(x, prior, tau=1.0):
    return F.cross_entropy(x["pred"] + tau * along_classes(prior, x["pred"]).log(), x["target"])


def ldam(x, margins, s=30.0, weight=None):
    margin = along_classes(margins, x["pred"]) * one_hot(x["target"], x["pred"].shape[1])
    weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    return F.cross_entropy(s * (x["pred"] - margin), x["target"], weight=weight)


def arc_margin(x, margin=0.5, s=64.0):
    cosine = x["pred"]
    angle = torch.acos(cosine)
    turned = torch.where(angle + margin < math.pi, torch.cos(angle + margin), cosine - margin * math.sin(margin))
    return F.cross_entropy(s * torch.where(one_hot(x["target"], cosine.shape[1]) == 1, turned, cosine), x["target"])


def entropy(x, reduce="mean"):
    return means(torch.distributions.Categorical(logits=torch.movedim(x["pred"], 1, -1)).entropy(), None, reduce)


def kd(x, temperature=4.0):
    own, wanted = x["pred"] / temperature, x["teacher"].detach() / temperature
    rows = own.numel() // own.shape[1]
    loss = F.kl_div(torch.log_softmax(own, dim=1), torch.log_softmax(wanted, dim=1), reduction="sum", log_target=True)
    return temperature**2 * loss / rows


def dkd(x, alpha=1.0, beta=8.0, temperature=4.0):
    """As the authors' code: KL of two classes, and of the others by taking the true one out of the softmax."""
    own, wanted = x["pred"] / temperature, x["teacher"].detach() / temperature
    true = one_hot(x["target"], own.shape[1])
    p, q = torch.softmax(own, dim=1), torch.softmax(wanted, dim=1)
    two = [torch.stack([(v * true).sum(1), (v * (1 - true)).sum(1)], dim=1) for v in (p, q)]
    binary = F.kl_div(two[0].log(), two[1], reduction="none").sum(dim=1)
    rest = [torch.log_softmax(v - 1000.0 * true, dim=1) for v in (own, wanted)]
    among = F.kl_div(rest[0], rest[1], reduction="none", log_target=True).sum(dim=1)
    return temperature**2 * (alpha * binary + beta * among).mean()


def dfl(x, reduce="mean"):
    """As the authors' code: the two bins beside the target."""
    bins = x["pred"].shape[1]
    at = x["target"].clamp(0, bins - 1)
    left = at.floor().long().clamp(max=bins - 2)
    right = left + 1
    ce = [F.cross_entropy(x["pred"], side, reduction="none") for side in (left, right)]
    return means(ce[0] * (right - at) + ce[1] * (at - left), None, reduce)


def classes(book):
    def one(loss, tag, data, options, value, inputs=None, extra=None, diff=("pred",), target="labels", differences=True):
        kinds = dict(KINDS["multiclass"]) if inputs is None else dict(inputs)
        binding = {"pred": f"logits_{data}", "target": f"{target}_{data}", **(extra or {})}
        binding = {key: array for key, array in binding.items() if key in kinds}
        mine = dict(options)
        if "pixel_weight" in options:
            kinds |= PIXEL_WEIGHT
            binding["w"] = f"w_{data}"
            diff = diff + ("w",)
        book.add(f"{loss}_{tag}_{data}", loss, spec_text(kinds, call(loss, mine)), binding,
                 lambda x: value(x, **mine), diff, differences=differences and data != "sat")

    for data in ("a", "b", "c", "d", "e", "two", "sat"):
        weight = WEIGHTS[book.inputs[f"logits_{data}"].shape[1]]
        one("symmetric_ce", "default", data, {}, symmetric_ce)
        one("symmetric_ce", "options", data, {"alpha": 2.0, "beta": 0.5, "log_zero": -6.0}, symmetric_ce)
        one("symmetric_ce", "pixel", data, {"pixel_weight": "w"}, symmetric_ce)
        one("symmetric_ce", "sum", data, {"reduce": "sum"}, symmetric_ce)
        one("logit_adjusted_ce", "default", data, {"prior": weight}, logit_adjusted_ce)
        one("logit_adjusted_ce", "tau", data, {"prior": weight, "tau": 0.5}, logit_adjusted_ce)
        one("entropy", "default", data, {}, entropy, inputs={"pred": KINDS["multiclass"]["pred"]})
        one("entropy", "sum", data, {"reduce": "sum"}, entropy, inputs={"pred": KINDS["multiclass"]["pred"]})
        if data != "sat":
            one("ldam", "default", data, {"margins": weight}, ldam)
            one("ldam", "weight", data, {"margins": weight, "s": 2.0, "weight": weight}, ldam)
            teacher = {"teacher": f"teacher_{data}"}
            one("kd", "default", data, {}, kd, TEACHER, teacher, ("pred",))
            one("kd", "temperature", data, {"temperature": 1.5}, kd, TEACHER, teacher, ("pred",))
            three = {**TEACHER, "target": KINDS["multiclass"]["target"]}
            if data != "two":
                one("dkd", "default", data, {}, dkd, three, teacher)
                one("dkd", "options", data, {"alpha": 2.0, "beta": 0.5, "temperature": 1.0}, dkd, three, teacher)
            bins = {"pred": "logits[N, C, ...S] over C", "target": "real[N, ...S]"}
            one("dfl", "default", data, {}, dfl, bins, diff=("pred",), target="bins")
            one("dfl", "sum", data, {"reduce": "sum"}, dfl, bins, diff=("pred",), target="bins")
    for data in ("a", "d"):
        cosines = {"pred": f"cosines_{data}"}
        one("arc_margin", "default", data, {}, arc_margin, extra=cosines)
        one("arc_margin", "options", data, {"margin": 1.2, "s": 8.0}, arc_margin, extra=cosines)


# --------------------------------------------------------------------------------------------
# Yes/no questions


def asl(x, gamma_pos=0.0, gamma_neg=4.0, clip=0.05, reduce="mean"):
    z, t = x["pred"], x["target"]
    p = torch.sigmoid(z)
    shifted = (1 - p + clip).clamp(max=1)
    if clip == 0:
        log_not = F.logsigmoid(-z)
    else:
        log_not = shifted.log()
    positive = torch.exp(gamma_pos * F.logsigmoid(-z)) * F.logsigmoid(z)
    excess = 1 - shifted
    power = torch.where(excess > 0, excess.clamp(min=1e-300) ** gamma_neg, 0.0 if gamma_neg else 1.0)
    return means(-(t * positive + (1 - t) * power * log_not), None, reduce)


def zlpr(x, reduce="mean"):
    z, t = x["pred"], x["target"]
    zero = torch.zeros_like(z[:, :1])
    absent = torch.cat([zero, z.masked_fill(t >= 0.5, -1e300)], dim=1)
    present = torch.cat([zero, (-z).masked_fill(t < 0.5, -1e300)], dim=1)
    return means(torch.logsumexp(absent, dim=1) + torch.logsumexp(present, dim=1), None, reduce)


def bce(x):
    return F.binary_cross_entropy_with_logits(x["pred"], x["target"], reduction="none")


def squared_hinge(x, reduce="mean"):
    return means((1 - x["pred"] * (2 * x["target"] - 1)).clamp(min=0) ** 2, None, reduce)


def quality_focal(x, beta=2.0, reduce="mean"):
    return means((x["target"] - torch.sigmoid(x["pred"])).abs() ** beta * bce(x), None, reduce)


def varifocal(x, alpha=0.75, gamma=2.0, reduce="mean"):
    """As mmdetection writes it."""
    t, p = x["target"], torch.sigmoid(x["pred"])
    weight = t * (t > 0) + alpha * (p - t).abs() ** gamma * (t <= 0)
    return means(weight * bce(x), None, reduce)


def binary_entropy(x, reduce="mean"):
    z = x["pred"]
    return means(F.softplus(z) - z * torch.sigmoid(z), None, reduce)


def questions(book):
    every = {"sum": {"reduce": "sum"}}
    table = {
        "asl": (asl, {"default": {}, "gammas": {"gamma_pos": 1.0, "gamma_neg": 2.0}, "clip0": {"clip": 0.0},
                      "half": {"gamma_neg": 0.5, "clip": 0.2}, "plain": {"gamma_neg": 0.0, "clip": 0.1}, **every}),
        "zlpr": (zlpr, {"default": {}, **every}),
        "squared_hinge": (squared_hinge, {"default": {}, **every}),
        "quality_focal": (quality_focal, {"default": {}, "beta": {"beta": 1.5}, **every}),
        "varifocal": (varifocal, {"default": {}, "options": {"alpha": 0.25, "gamma": 1.0}, **every}),
        "entropy_binary": (binary_entropy, {"default": {}, **every}),
    }
    for loss, (value, settings) in table.items():
        name = loss.removesuffix("_binary")
        for kind, data in (("binary", "bin_a"), ("binary", "bin_b"), ("multilabel", "ml_a"), ("multilabel", "ml_b"),
                           ("multilabel", "ml_c"), ("multilabel", "ml_sat")):
            if (name == "zlpr") and kind == "binary":
                continue
            if name == "quality_focal" and data == "ml_sat":
                continue  # the root of |t − p| at 0 is no number to hold on to
            for tag, options in settings.items():
                kinds = dict(KINDS[kind])
                if name == "entropy":
                    del kinds["target"]
                target = f"soft_mask_{data}" if name in ("quality_focal",) and data != "ml_sat" else f"mask_{data}"
                binding = {"pred": f"logits_{data}", "target": target}
                book.add(f"{loss}_{tag}_{data}", name, spec_text(kinds, call(name, options)),
                         {key: array for key, array in binding.items() if key in kinds},
                         lambda x: value(x, **options), differences=data != "ml_sat")


# --------------------------------------------------------------------------------------------
# Regression


def barron(x, alpha=1.0, c=1.0, reduce="mean", pixel_weight=None):
    s = ((x["pred"] - x["target"]) / c) ** 2
    if alpha == 2:
        loss = s / 2
    elif alpha == 0:
        loss = torch.log(s / 2 + 1)
    elif alpha == -math.inf:
        loss = 1 - torch.exp(-s / 2)
    else:
        b = abs(alpha - 2)
        loss = b / alpha * ((s / b + 1) ** (alpha / 2) - 1)
    return means(loss, x.get("w"), reduce)


def rmse(x, pixel_weight=None):
    return means((x["pred"] - x["target"]) ** 2, x.get("w")).sqrt()


def mape(x, eps=1e-7, reduce="mean"):
    return means(100 * ((x["pred"] - x["target"]) / x["target"].abs().clamp(min=eps)).abs(), None, reduce)


def msle(x, reduce="mean"):
    return means((torch.log(x["pred"].clamp(min=0) + 1) - torch.log(x["target"].clamp(min=0) + 1)) ** 2, None, reduce)


def laplace_nll(x, full=False, eps=1e-6, reduce="mean"):
    scale = x["scale"].clamp(min=eps)
    loss = -torch.distributions.Laplace(x["target"], scale).log_prob(x["pred"])
    return means(loss if full else loss - math.log(2), None, reduce)


def silog(x, **options):
    balance = options.get("lambda", 0.5)
    d = (x["pred"].log() - x["target"].log()).reshape(x["pred"].shape[0], -1)
    return ((d**2).mean(dim=1) - balance * d.mean(dim=1) ** 2).clamp(min=0).sqrt().mean()


def wing(x, width=10.0, curvature=2.0, reduce="mean"):
    a = (x["pred"] - x["target"]).abs()
    c = width - width * math.log(1 + width / curvature)
    return means(torch.where(a < width, width * torch.log(1 + a / curvature), a - c), None, reduce)


def tweedie(x, p=1.5, log_input=True, reduce="mean"):
    mean = x["pred"].exp() if log_input else x["pred"]
    return means(-x["target"] * mean ** (1 - p) / (1 - p) + mean ** (2 - p) / (2 - p), None, reduce)


def regression(book):
    def one(loss, tag, options, data, value, pred="pred", target="target", scale=False, diff=("pred", "target"), **kw):
        kinds = dict(KINDS["regression"])
        binding = {"pred": f"{data}_{pred}", "target": f"{data}_{target}"}
        if scale:
            kinds["scale"] = "real[N, ...S]"
            binding["scale"] = f"{data}_var"
            diff = diff + ("scale",)
        if "pixel_weight" in options:
            kinds |= PIXEL_WEIGHT
            binding["w"] = f"{data}_w"
            diff = diff + ("w",)
        book.add(f"{loss}_{tag}_{data}", loss, spec_text(kinds, call(loss, options).replace("Infinity", "inf")), binding,
                 lambda x: value(x, **options), diff, **kw)

    robust = {
        "cauchy": lambda x, **o: barron(x, alpha=0, **o),
        "geman_mcclure": lambda x, **o: barron(x, alpha=-2, **o),
        "welsch": lambda x, **o: barron(x, alpha=-math.inf, **o),
    }
    for data in ("reg_a", "reg_b", "reg_c", "reg_d"):
        for loss, value in robust.items():
            for tag, options in {"default": {}, "c": {"c": 0.3}, "pixel": {"pixel_weight": "w"}, "sum": {"reduce": "sum"}}.items():
                one(loss, tag, options, data, lambda x, pixel_weight=None, **o: value(x, **o))
        for alpha in (1.0, 2.0, 0.0, -2.0, 0.5, 1.7, -8.0):
            tag = f"{alpha:g}".replace("-", "m").replace(".", "p")
            one("barron", tag, {"alpha": alpha, "c": 0.7}, data, barron)
        one("rmse", "default", {}, data, rmse)
        one("rmse", "pixel", {"pixel_weight": "w"}, data, rmse)
        one("mape", "default", {}, data, mape, diff=("pred",))
        one("mape", "eps", {"eps": 0.5}, data, mape)
        one("msle", "default", {}, data, msle, "rate", "count", diff=("pred",))
        one("laplace_nll", "default", {}, data, laplace_nll, scale=True)
        one("laplace_nll", "full", {"full": True, "eps": 0.5}, data, laplace_nll, scale=True)
        if data != "reg_a":  # one element a sample: |d| has a corner where d changes its sign
            one("silog", "default", {}, data, silog, "rate", "var")
            one("silog", "lambda", {"lambda": 0.85}, data, silog, "rate", "var")
        one("wing", "default", {}, data, wing)
        one("wing", "options", {"width": 1.0, "curvature": 0.5}, data, wing)
        one("tweedie", "default", {}, data, tweedie, "pred", "count", diff=("pred",))
        one("tweedie", "rate", {"log_input": False, "p": 1.2}, data, tweedie, "rate", "count", diff=("pred",))


# --------------------------------------------------------------------------------------------
# Pairs, latent Gaussians, games


def contrastive(x, margin=1.0, reduce="mean"):
    d = torch.linalg.vector_norm(x["pred"] - x["other"], dim=-1)
    return means(0.5 * (x["target"] * d**2 + (1 - x["target"]) * (margin - d).clamp(min=0) ** 2), None, reduce)


def cosine_embedding(x, margin=0.0, reduce="mean"):
    return F.cosine_embedding_loss(x["pred"], x["other"], 2 * x["target"] - 1, margin=margin, reduction=reduce)


def margin_ranking(x, margin=0.0, reduce="mean"):
    return F.margin_ranking_loss(x["pred"], x["other"], x["target"], margin=margin, reduction=reduce)


def vae_kl(x):
    scale = (0.5 * x["log_var"]).exp()
    own, unit = torch.distributions.Normal(x["mu"], scale), torch.distributions.Normal(0.0, 1.0)
    return torch.distributions.kl_divergence(own, unit).sum(dim=-1).mean()


GAMES = {
    "gan_bce": (lambda z: F.binary_cross_entropy_with_logits(z, torch.ones_like(z)),
                lambda f, g: F.binary_cross_entropy_with_logits(f, torch.zeros_like(f))
                + F.binary_cross_entropy_with_logits(g, torch.ones_like(g))),
    "lsgan": (lambda z: 0.5 * F.mse_loss(z, torch.ones_like(z)),
              lambda f, g: 0.5 * F.mse_loss(f, torch.zeros_like(f)) + 0.5 * F.mse_loss(g, torch.ones_like(g))),
    "hinge_gan": (lambda z: -z.mean(), lambda f, g: F.relu(1 + f).mean() + F.relu(1 - g).mean()),
    "wgan": (lambda z: -z.mean(), lambda f, g: f.mean() - g.mean()),
}


def pairs(book):
    for data in ("vec_a", "vec_c"):
        binding = {"pred": f"{data}_pred", "other": f"{data}_target", "target": f"{data}_same"}
        for tag, options in {"default": {}, "margin": {"margin": 4.0}, "sum": {"reduce": "sum"}}.items():
            book.add(f"contrastive_{tag}_{data}", "contrastive", spec_text(PAIR, call("contrastive", options)), binding,
                     lambda x: contrastive(x, **options), ("pred", "other"))
        for tag, options in {"default": {}, "margin": {"margin": 0.3}, "sum": {"reduce": "sum"}}.items():
            book.add(f"cosine_embedding_{tag}_{data}", "cosine_embedding", spec_text(PAIR, call("cosine_embedding", options)),
                     binding, lambda x: cosine_embedding(x, **options), ("pred", "other"),
                     "torch.nn.functional.cosine_embedding_loss")
            ranks = {"pred": "real[N, D]", "other": "real[N, D]", "target": "real[N, D]"}
            book.add(f"margin_ranking_{tag}_{data}", "margin_ranking", spec_text(ranks, call("margin_ranking", options)),
                     {**binding, "target": f"{data}_sign"}, lambda x: margin_ranking(x, **options), ("pred", "other"),
                     "torch.nn.functional.margin_ranking_loss")
        book.add(f"vae_kl_default_{data}", "vae_kl", spec_text({"mu": "real[N, D]", "log_var": "real[N, D]"}, "vae_kl()"),
                 {"mu": f"{data}_pred", "log_var": f"{data}_target"}, vae_kl, ("mu", "log_var"), "torch.distributions")
    for loss, (generator, discriminator) in GAMES.items():
        for data in ("bin_a", "bin_d"):
            kind = "logits[N, ...S]"
            book.add(f"{loss}_generator_{data}", loss, spec_text({"pred": kind}, f"{loss}()"), {"pred": f"logits_{data}"},
                     lambda x: generator(x["pred"]))
            book.add(f"{loss}_discriminator_{data}", loss, spec_text({"fake": kind, "genuine": kind}, f"{loss}()"),
                     {"fake": f"logits_{data}", "genuine": f"soft_mask_{data}"},
                     lambda x: discriminator(x["fake"], x["genuine"]), ("fake", "genuine"))


def add(book):
    regions(book)
    classes(book)
    questions(book)
    regression(book)
    pairs(book)
