"""wasserstein_dice, nacl, circle, multi_similarity, ms_ssim, resize, coarsen and deep: the libraries' own functions, run in float64.

    wasserstein_dice  MONAI's GeneralizedWassersteinDiceLoss (distances divided by their largest before, as MONAI does)
    nacl              MONAI's NACLLoss, kernel_ops="mean"
    circle            pytorch-metric-learning's CircleLoss, with the mean over the samples that have mates and strangers
    multi_similarity  pytorch-metric-learning's MultiSimilarityLoss, without a miner
    ms_ssim           1 − pytorch-msssim's ms_ssim, its window in float64
    resize            torch.nn.functional.interpolate, mode "nearest" (`entry=first`) and "nearest-exact" (`entry=middle`), at
                      sizes where its float32 arithmetic finds the entries that exact arithmetic finds
    deep              MONAI's DeepSupervisionLoss (`entry=middle`) and, with targets resized by torch, nnU-Net's
                      DeepSupervisionWrapper as it stands in nnU-Net 2.8.1, both of MONAI's DiceCELoss
    coarsen           torch.nn.functional.avg_pool2d and avg_pool3d, as many entries as steps
"""

import numpy as np
import torch
import torch.nn.functional as F
from monai.losses import DeepSupervisionLoss, DiceCELoss, GeneralizedWassersteinDiceLoss, NACLLoss
from pytorch_metric_learning.losses import CircleLoss, MultiSimilarityLoss
from pytorch_metric_learning.reducers import MeanReducer
from pytorch_msssim import ms_ssim as theirs

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


def ms_ssim(x, window=11, sigma=1.5, range=1.0, levels=5, weights=None):
    at = torch.arange(window, dtype=torch.float64) - window // 2
    bell = torch.exp(-(at**2) / (2 * sigma**2))
    bell = (bell / bell.sum()).repeat(x["pred"].shape[1], 1, 1, 1)
    return 1 - theirs(x["pred"], x["target"], data_range=range, win=bell, weights=weights)


MODES = {"first": "nearest", "middle": "nearest-exact"}


def source(i, n, m, entry):
    return i * n // m if entry == "first" else (2 * i + 1) * n // (2 * m)


def resized(x, size, entry):
    """`x` without a channel, at another size; torch's entries are those of exact arithmetic."""
    for n, m in zip(x.shape[1:], size):
        places = F.interpolate(torch.arange(n, dtype=torch.float64)[None, None], size=m, mode=MODES[entry])
        assert places.flatten().tolist() == [source(i, n, m, entry) for i in range(m)], (n, m)
    return F.interpolate(x.unsqueeze(1), size=tuple(size), mode=MODES[entry]).squeeze(1)


def add_resize(book):
    sizes = {"2d": ((13, 11), [(7, 6), (3, 11), (26, 5), (1, 1), (20, 31)]), "3d": ((5, 6, 7), [(3, 3, 4), (10, 1, 6)])}
    for dims, (full, others) in sizes.items():
        for other in others:
            tag = "x".join(map(str, other))
            small = f"small_{tag}"
            for entry in MODES:
                option = "" if entry == "first" else ", entry=middle"
                kinds = {"pred": "logits[N, C, ...R] over C", "target": "labels[N, ...S] of C"}
                book.add(f"resize_labels_{entry}_{tag}", "resize",
                         spec_text(kinds, f"ce() on (pred, resize[space](target, like=pred{option}))"),
                         {"pred": f"{small}_logits", "target": f"fine_labels_{dims}"},
                         lambda x: F.cross_entropy(x["pred"], resized(x["target"].double(), other, entry).long()),
                         source="torch.nn.functional.interpolate")
                kinds = {"x": "real[N, ...S]", "w": "real[N, ...R]"}
                book.add(f"resize_reals_{entry}_{tag}", "resize",
                         spec_text(kinds, f"mean(resize[space](x, like=w{option})^2*w)"),
                         {"x": f"fine_x_{dims}", "w": f"{small}_w"},
                         lambda x: (resized(x["x"], other, entry) ** 2 * x["w"]).mean(), ("x", "w"),
                         source="torch.nn.functional.interpolate")
            # Where nobody has looked, at either resolution.
            kinds = {"pred": "logits[N, C, ...R] over C", "target": "labels[N, ...S] of C"}
            call_ = "ce() on (pred, resize[space](target, like=pred))"
            for nan in (False, True):
                book.add(f"resize_ignored_{'nan_' if nan else ''}{tag}", "resize",
                         spec_text(kinds, call_, "ignore target == 255"),
                         {"pred": f"{small}_{'nan' if nan else 'logits'}", "target": f"holes_{dims}"},
                         lambda x: F.cross_entropy(torch.nan_to_num(x["pred"]), resized(x["target"].double(), other, "first").long(),
                                                   ignore_index=255),
                         source="torch.nn.functional", differences=not nan)
        for size in (1, 2, 3, 5):
            pool = {"2d": F.avg_pool2d, "3d": F.avg_pool3d}[dims]
            book.add(f"coarsen_{size}_{dims}", "coarsen",
                     spec_text({"x": "real[N, ...S]"}, f"sum(coarsen[space](x^2, {size})^2)"), {"x": f"fine_x_{dims}"},
                     lambda x: (pool(x["x"].unsqueeze(1) ** 2, size) ** 2).sum(), ("x",), "torch.nn.functional.avg_pool")
    axes = {"pred": "real[N, C, H, W]", "target": "real[N, C, H, W]"}
    for tag, options in {
        "three": {"window": 3, "levels": 3, "weights": [0.2, 0.3, 0.5]},
        "two": {"window": 3, "sigma": 0.8, "range": 4.0, "levels": 2, "weights": [0.7, 0.4]},
    }.items():
        book.add(f"ms_ssim_{tag}", "ms_ssim", spec_text(axes, call("ms_ssim", options), "axis C: class"),
                 {"pred": "scales_pred", "target": "scales_target"}, lambda x: ms_ssim(x, **options), ("pred", "target"),
                 "pytorch_msssim.ms_ssim")


def nnunet(loss, predictions, targets, weights):
    """DeepSupervisionWrapper.forward of nnU-Net."""
    pairs = enumerate(zip(predictions, targets))
    return sum([weights[i] * loss(*pair) for i, pair in pairs if weights[i] != 0.0])


def add_deep(book):
    loss = DiceCELoss(to_onehot_y=True, softmax=True, smooth_nr=1e-5, smooth_dr=1e-5)
    for dims, sizes in {"2d": ("20x31", "7x6", "3x11"), "3d": ("10x1x6", "3x3x4")}.items():
        names = ["pred", "pred_2", "pred_4"][: len(sizes)]
        packs = {"pred": "S", "pred_2": "R", "pred_4": "Q"}
        kinds = {name: f"logits[N, C, ...{packs[name]}] over C" for name in names}
        arrays = {name: f"small_{size}_logits" for name, size in zip(names, sizes)}
        shape = tuple(int(n) for n in sizes[0].split("x"))
        kinds["target"], arrays["target"] = "labels[N, ...S] of C", f"deep_labels_{sizes[0]}"
        half = [0.5**i for i in range(len(names))]

        def of_torch(x, weights, entry):
            targets = [resized(x["target"].double(), x[name].shape[2:], entry).long().unsqueeze(1) for name in names]
            return nnunet(loss, [x[name] for name in names], targets, [w / sum(weights) for w in weights])

        def of_monai(x, weights):
            deep = DeepSupervisionLoss(loss, weights=[w / sum(weights) for w in weights])
            with wide():
                return deep([x[name] for name in names], x["target"].double().unsqueeze(1))

        listed = ", ".join(names)
        for tag, options, value, source in (
            ("default", "", lambda x: of_torch(x, half, "first"), "nnU-Net's DeepSupervisionWrapper"),
            ("last_0", f", weights={[*half[:-1], 0]}", lambda x: of_torch(x, [*half[:-1], 0.0], "first"),
             "nnU-Net's DeepSupervisionWrapper"),
            ("middle", f", weights={[3, 2, 1][: len(names)]}, entry=middle", lambda x: of_monai(x, [3, 2, 1][: len(names)]),
             "monai.losses.DeepSupervisionLoss"),
        ):
            book.add(f"deep_{tag}_{dims}", "deep", spec_text(kinds, f"deep(dice() + ce(), [{listed}]{options})"), arrays,
                     value, tuple(names), source)


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
    add_resize(book)
    add_deep(book)
