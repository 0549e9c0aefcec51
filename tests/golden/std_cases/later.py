"""wasserstein_dice, nacl, circle, multi_similarity, ms_ssim: the libraries' own functions, run in float64.

    wasserstein_dice  MONAI's GeneralizedWassersteinDiceLoss (distances divided by their largest before, as MONAI does)
    nacl              MONAI's NACLLoss, kernel_ops="mean"
    circle            pytorch-metric-learning's CircleLoss, with the mean over the samples that have mates and strangers
    multi_similarity  pytorch-metric-learning's MultiSimilarityLoss, without a miner
"""

import numpy as np
from monai.losses import GeneralizedWassersteinDiceLoss, NACLLoss
from pytorch_metric_learning.losses import CircleLoss, MultiSimilarityLoss
from pytorch_metric_learning.reducers import MeanReducer

from .common import KINDS, call, spec_text, wide

LABELLED = {"pred": "real[N, D]", "target": "labels[N] of K"}


def matrix(classes):
    """Distances of classes that are no metric and not symmetric, so that a transposed matrix is seen."""
    i, j = np.indices((classes, classes))
    return np.where(i == j, 0.0, ((3 * i + 5 * j + 1) % 8 + 1) / 8).tolist()


def wasserstein_dice(x, distance, weighting="foreground", smooth_nr=1e-5, smooth_dr=1e-5):
    m = np.array(distance)
    assert m.max() == 1.0
    with wide():
        mode = {"foreground": "default", "simple": "GDL"}[weighting]
        return GeneralizedWassersteinDiceLoss(m, mode, smooth_nr=smooth_nr, smooth_dr=smooth_dr)(x["pred"], x["target"])


def nacl(x, window=3, power=1, **options):
    alpha = options.get("lambda", 0.1)
    shape = x["pred"].shape
    with wide():
        loss = NACLLoss(shape[1], len(shape) - 2, window, "mean", f"l{power}", alpha)
        return loss(x["pred"], x["target"])


def circle(x, margin=0.25, gamma=256):
    return CircleLoss(m=margin, gamma=gamma)(x["pred"], x["target"])


def multi_similarity(x, alpha=2, beta=50, base=0.5):
    return MultiSimilarityLoss(alpha, beta, base, reducer=MeanReducer())(x["pred"], x["target"])


def add(book):
    def one(loss, value, kinds, binding, tag, options, source, **more):
        data = binding["pred"].removeprefix("logits_").removesuffix("_pred")
        book.add(f"{loss}_{tag}_{data}", loss, spec_text(kinds, call(loss, options)), binding,
                 lambda x: value(x, **options), source=source, **more)

    for data in ("a", "b", "c", "d", "e", "sat"):
        binding = {"pred": f"logits_{data}", "target": f"labels_{data}"}
        distance = matrix(book.inputs[f"logits_{data}"].shape[1])
        for tag, options in {
            "default": {},
            "simple": {"weighting": "simple"},
            "smooth": {"smooth_nr": 0.5, "smooth_dr": 2.0},
        }.items():
            if data == "d":
                continue  # MONAI needs space
            one("wasserstein_dice", wasserstein_dice, KINDS["multiclass"], binding, tag, {"distance": distance, **options},
                "monai.losses.GeneralizedWassersteinDiceLoss", differences=data != "sat")
        if len(book.inputs[f"logits_{data}"].shape) in (4, 5):
            for tag, options in {"default": {}, "wide": {"window": 5, "lambda": 0.7}, "squares": {"power": 2}}.items():
                one("nacl", nacl, KINDS["multiclass"], binding, tag, options, "monai.losses.NACLLoss", differences=data != "sat")
    for data in ("met_a", "met_b"):
        binding = {"pred": f"{data}_pred", "target": f"{data}_labels"}
        for tag, options in {"default": {}, "paper": {"margin": 0.4, "gamma": 80}, "soft": {"margin": 0.1, "gamma": 2}}.items():
            # The factors of the similarities carry no gradient, which differences do not know.
            one("circle", circle, LABELLED, binding, tag, options, "pytorch_metric_learning.losses.CircleLoss", differences=False)
        for tag, options in {"default": {}, "other": {"alpha": 3, "beta": 7.5, "base": 0.25}}.items():
            one("multi_similarity", multi_similarity, LABELLED, binding, tag, options,
                "pytorch_metric_learning.losses.MultiSimilarityLoss")
