"""timm.loss. Most of it is computed in float32."""

from itertools import product

import torch
from timm import loss as losses

from .common import EACH, Q, W, Word, classes, double, each, wide

LABELS = {"pred": "logits[N, C] per C", "target": "mask[N, C] per C"}
EXCLUSIVE = {"pred": "logits[N, C] over C", "target": "labels[N] of C"}
SOFT = {"pred": "logits[N, C] over C", "target": "probs[N, C] over C"}
SPLIT = {"pred": "logits[N, C] over C", "second": "logits[N, C] over C", "third": "logits[N, C] over C", "target": "labels[N] of C"}


def run(made, given, *tensors):
    return made(**{k: double(v) if isinstance(v, list) else v for k, v in given.items()})(*tensors)


def cases(module):
    module.around = wide

    def add(loss, made, kind, at, given):
        options = {k: Word(v) if isinstance(v, str) else v for k, v in given.items()}
        value = lambda x: run(made, given, x["pred"], x["target"])
        if given.get("reduction") == "none":
            module.add(loss, kind, at, options, lambda x: each(value(x)), within=EACH)
        else:
            module.add(loss, kind, at, options, value)

    soft = {"pred": "logits_d", "target": "soft_d"}
    masks = {"ml_c": "ml_c", "ml_hard": {"pred": "logits_hard", "target": "mask_hard"}}
    w, q = W[: classes("d")], Q[: classes("d")]
    for smoothing in (0.1, 0.0):
        add("label_smoothing_cross_entropy", losses.LabelSmoothingCrossEntropy, EXCLUSIVE, "d", {"smoothing": smoothing})
    add("soft_target_cross_entropy", losses.SoftTargetCrossEntropy, SOFT, soft, {})
    binary(add, w, q)
    for array, at in masks.items():
        asymmetric(add, at)
        for gamma, alpha, smoothing, reduction in product((0.0, 2.0), (None, 0.25), (0.0, 0.1), ("mean", "batchmean", "sum", "none")):
            given = {"gamma": gamma, "smoothing": smoothing, "reduction": reduction} | ({"alpha": alpha} if alpha else {})
            add("poly_binary_cross_entropy", losses.PolyBinaryCrossEntropy, LABELS, at, given)
        for given in ({}, {"tp": 1.0, "tn": 2.0}):
            add("two_way", losses.TwoWayLoss, LABELS, at, given)
        add("zlpr", losses.ZlprLoss, LABELS, at, {})
    for gammas, eps, reduction in product(((1.0, 4.0), (0.0, 0.0), (2.0, 1.0)), (0.1, 0.0), ("mean", "none")):
        given = {"gamma_pos": gammas[0], "gamma_neg": gammas[1], "eps": eps, "reduction": reduction}
        add("asymmetric_loss_single_label", losses.AsymmetricLossSingleLabel, EXCLUSIVE, "d", given)
    for epsilon, smoothing, reduction in product((2.0, -0.5), (0.0, 0.1), ("mean", "sum", "none")):
        given = {"epsilon": epsilon, "smoothing": smoothing, "reduction": reduction}
        add("poly_cross_entropy", losses.PolyCrossEntropy, EXCLUSIVE, "d", given)
        if smoothing == 0.0:
            del given["smoothing"]
            add("poly_cross_entropy", losses.PolyCrossEntropy, SOFT, soft, given)
    counts = [3.0, 40.0, 0.0, 99.0, 17.0]
    for given in ({}, {"focal_gamma": 0.0, "smoothing": 0.1, "reduction": "batchmean"},
                  {"map_alpha": 0.3, "map_beta": 5.0, "map_mu": 0.4, "neg_scale": 3.0, "init_bias": 0.1, "focal_gamma": 1.5,
                   "focal_balance": 1.0, "reduction": "sum"}):
        add("distribution_balanced", losses.DistributionBalancedLoss, LABELS, "ml_c",
            {"class_counts": counts, "num_samples": 100, **given})
    consistency(module)


def binary(add, w, q):
    for smoothing, threshold, weighted, summed in product((0.1, 0.0), (None, 0.1), (False, True), (False, True)):
        given = {"smoothing": smoothing} | ({"target_threshold": threshold} if threshold else {})
        given |= ({"weight": w, "pos_weight": q} if weighted else {}) | ({"sum_classes": True} if summed else {})
        add("binary_cross_entropy", losses.BinaryCrossEntropy, EXCLUSIVE, "d", given)
        given |= {name: values[:5] for name, values in (("weight", W), ("pos_weight", Q)) if weighted}
        add("binary_cross_entropy", losses.BinaryCrossEntropy, LABELS, "ml_c", {**given, "smooth_dense": True})
        add("binary_cross_entropy", losses.BinaryCrossEntropy, LABELS, "ml_c", given)
    for reduction in ("sum", "none"):
        add("binary_cross_entropy", losses.BinaryCrossEntropy, EXCLUSIVE, "d", {"reduction": reduction})


def asymmetric(add, at):
    made = losses.AsymmetricLossMultiLabel
    for clip, smoothing, reduction in product((0.05, 0.0, 0.4), (0.0, 0.1), ("batchmean", "sum", "mean", "none")):
        add("asymmetric_loss_multi_label", made, LABELS, at, {"clip": clip, "smoothing": smoothing, "reduction": reduction})
    for given in ({"gamma_neg": 0.0, "gamma_pos": 0.0}, {"gamma_neg": 2.0, "gamma_pos": 3.0, "disable_torch_grad_focal_loss": True},
                  {"weight": W[:5], "pos_weight": Q[:5], "eps": 0.2}):
        add("asymmetric_loss_multi_label", made, LABELS, at, given)
    add("asl", made, LABELS, at, {})


def consistency(module):
    at = {"pred": "logits_d", "second": "teacher_d", "third": "second_d", "target": "labels_d"}
    for alpha, smoothing in product((12.0, 0.5), (0.1, 0.0)):
        def value(x):
            parts = torch.cat([x["pred"], x["second"], x["third"]])
            return losses.JsdCrossEntropy(3, alpha, smoothing)(parts, x["target"].repeat(3))
        module.add("jsd", SPLIT, at, {"alpha": alpha, "smoothing": smoothing}, value, diff=("pred", "second", "third"))
