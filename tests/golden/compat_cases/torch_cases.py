"""torch.nn.functional."""

from itertools import product

import torch
import torch.nn.functional as F

from std_cases import inputs

from .common import EACH, Q, W, Word, along, classes, double, each

REGRESSION = ("reg_a", "reg_b", "reg_c", "reg_d", "reg_tie")
CLASSES = ("a", "c", "d", "e", "two", "f", "one")
LABELS = ("ml_a", "ml_b", "ml_c", "ml_one")
TWO = {"pred": "real[N, ...S]", "other": "real[N, ...S]", "target": "real[N, ...S]"}
PAIRS = {"pred": "real[N, D]", "other": "real[N, D]", "target": "real[N]"}
RATES = {"pred": "real[N, ...S]", "target": "real[N, ...S]"}
VARIANCES = {**RATES, "var": "real[N, ...S]"}


def cases(module):
    regression(module)
    likelihoods(module)
    exclusive(module)
    labels(module)
    metric(module)


def regression(module):
    for array, reduction in product(REGRESSION, ("mean", "sum", "none")):
        def add(loss, function, **options):
            value = lambda x: function(x["pred"], x["target"], **options, reduction=reduction)
            scalar = (lambda x: each(value(x))) if reduction == "none" else value
            module.add(loss, "regression", array, {**options, "reduction": Word(reduction)}, scalar,
                       within=EACH if reduction == "none" else "{}")
        add("mse", F.mse_loss)
        add("l1", F.l1_loss)
        add("smooth_l1", F.smooth_l1_loss, beta=0.5)
        add("huber", F.huber_loss, delta=1.5)
    for array, reduction in product(("reg_a", "reg_b"), ("mean", "sum")):
        at = {"pred": f"{array}_pred", "target": f"side_{array}"}
        options = {"reduction": Word(reduction)}
        module.add("soft_margin", "regression", at, options,
                   lambda x: F.soft_margin_loss(x["pred"], x["target"], reduction=reduction))
        module.add("hinge_embedding", "regression", at, {"margin": 0.75, **options},
                   lambda x: F.hinge_embedding_loss(x["pred"], x["target"], margin=0.75, reduction=reduction))


def likelihoods(module):
    for array, full, reduction in product(("reg_a", "reg_b", "reg_d"), (False, True), ("mean", "sum")):
        counts = {"pred": f"{array}_pred", "target": f"{array}_count"}
        rates = {"pred": f"{array}_rate", "target": f"{array}_count"}
        options = {"full": full, "reduction": Word(reduction)}
        given = {"full": full, "reduction": reduction}
        module.add("poisson_nll", RATES, counts, options, lambda x: F.poisson_nll_loss(x["pred"], x["target"], **given))
        module.add("poisson_nll", RATES, rates, {"log_input": False, "eps": 1e-3, **options},
                   lambda x: F.poisson_nll_loss(x["pred"], x["target"], log_input=False, eps=1e-3, **given))
        spread = {"pred": f"{array}_pred", "target": f"{array}_target", "var": f"{array}_var"}
        for eps in (1e-6, 0.5):
            module.add("gaussian_nll", VARIANCES, spread, {"eps": eps, **options},
                       lambda x: F.gaussian_nll_loss(x["pred"], x["target"], x["var"], eps=eps, **given), diff=("pred", "var"))


def exclusive(module):
    for array in CLASSES:
        c = classes(array)
        soft = {"pred": f"logits_{array}", "target": f"soft_{array}"}
        for w, smoothing, reduction in product((None, W[:c]), (0.0, 0.25), ("mean", "sum")):
            options = {"weight": w} if w else {}
            options |= {"label_smoothing": smoothing, "reduction": Word(reduction)}
            given = {"weight": double(w), "label_smoothing": smoothing, "reduction": reduction}
            module.add("cross_entropy", "multiclass", array, options, lambda x: F.cross_entropy(x["pred"], x["target"], **given))
            module.add("cross_entropy", "soft", soft, options, lambda x: F.cross_entropy(x["pred"], x["target"], **given))
        for w, reduction in product((None, W[:c]), ("mean", "sum")):
            options = {**({"weight": w} if w else {}), "reduction": Word(reduction)}
            module.add("nll", "multiclass", array, options,
                       lambda x: F.nll_loss(x["pred"].log_softmax(1), x["target"], weight=double(w), reduction=reduction))
        for reduction in ("mean", "batchmean", "sum"):
            module.add("kl_div", "soft", soft, {"reduction": Word(reduction)},
                       lambda x: F.kl_div(x["pred"].log_softmax(1), x["target"], reduction=reduction))
    for p, margin, w, reduction in product((1, 2), (1.0, 0.5), (None, W), ("mean", "sum")):
        c = classes("d")
        options = {"p": p, "margin": margin, **({"weight": w[:c]} if w else {}), "reduction": Word(reduction)}
        module.add("multi_margin", "multiclass", "d", options,
                   lambda x: F.multi_margin_loss(x["pred"], x["target"], p=p, margin=margin, weight=double(w and w[:c]),
                                                 reduction=reduction))
    # Every target of the weightiest class ignored or not: the weights of what is ignored do not count.
    for array, w, smoothing in product(("ign", "partly"), (None, W[:3]), (0.0, 0.25)):
        options = {**({"weight": w} if w else {}), "label_smoothing": smoothing}
        module.add("cross_entropy", "multiclass", array, options,
                   lambda x: F.cross_entropy(x["pred"], x["target"], weight=double(w), label_smoothing=smoothing, ignore_index=255),
                   before="ignore target == 255")


def labels(module):
    for array in LABELS:
        shape = inputs.MULTILABEL.get(array, (1, 3, 1, 1))
        c = shape[1]
        for w, q in product((None, W[:c]), (None, Q[:c])):
            options = ({"weight": w} if w else {}) | ({"pos_weight": q} if q else {})
            module.add("bce_with_logits", "multilabel", array, options,
                       lambda x: F.binary_cross_entropy_with_logits(
                           x["pred"], x["target"], along(w, x["pred"]), pos_weight=along(q, x["pred"])))
    for array, w, reduction in product(("ml_c",), (None, W[:5]), ("mean", "sum")):
        options = {**({"weight": w} if w else {}), "reduction": Word(reduction)}
        module.add("multilabel_soft_margin", "multilabel", array, options,
                   lambda x: F.multilabel_soft_margin_loss(x["pred"], x["target"], weight=double(w), reduction=reduction))
    for array, w, reduction in product(("ml_a", "ml_b", "ml_one"), (None, W[:4]), ("mean", "sum")):
        c = classes(array)
        at = {"pred": f"chance_{array}", "target": f"mask_{array}"}
        options = {**({"weight": w[:c]} if w else {}), "reduction": Word(reduction)}
        kind = {"pred": "probs[N, C, ...S] per C", "target": "mask[N, C, ...S] per C"}
        module.add("bce", kind, at, options,
                   lambda x: F.binary_cross_entropy(x["pred"], x["target"], weight=along(w and w[:c], x["pred"]), reduction=reduction))


def metric(module):
    for array, margin, reduction in product(("vec_a", "vec_b"), (0.0, 0.25, -0.5), ("mean", "sum")):
        at = {"pred": f"{array}_pred", "other": f"{array}_target", "target": f"side_{array}"}
        module.add("cosine_embedding", PAIRS, at, {"margin": margin, "reduction": Word(reduction)},
                   lambda x: F.cosine_embedding_loss(x["pred"], x["other"], x["target"], margin=margin, reduction=reduction),
                   diff=("pred", "other"))
    for array, margin, reduction in product(("reg_a", "reg_b"), (0.0, 0.5), ("mean", "sum")):
        at = {"pred": f"{array}_pred", "other": f"{array}_target", "target": f"side_{array}"}
        module.add("margin_ranking", TWO, at, {"margin": margin, "reduction": Word(reduction)},
                   lambda x: F.margin_ranking_loss(x["pred"], x["other"], x["target"], margin=margin, reduction=reduction),
                   diff=("pred", "other"))
    for array, p, swap, reduction in product(("vec_a", "vec_b", "vec_c"), (2.0, 1.0, 3.5), (False, True), ("mean", "sum")):
        at = {"anchor": f"{array}_pred", "positive": f"{array}_target", "negative": f"{array}_negative"}
        options = {"p": p, "swap": swap, "margin": 1.5, "reduction": Word(reduction)}
        module.add("triplet_margin", "triplet", at, options,
                   lambda x: F.triplet_margin_loss(x["anchor"], x["positive"], x["negative"], margin=1.5, p=p, swap=swap,
                                                   reduction=reduction),
                   diff=("anchor", "positive", "negative"))
