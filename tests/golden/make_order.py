"""Make the reference values of the losses that sort and of those that measure distances, in float64.

    python make_order.py    write order/inputs.safetensors, order/cases.json, order/grads.safetensors

Pinned: see VERSIONS. Install with
    pip install torch==2.15.0 numpy==2.4.6 scipy==1.17.1 safetensors==0.8.0
    pip install --no-deps monai==1.6.1 segmentation-models-pytorch==0.6.0

Form and conventions as in make_std.py and README.md. Where a library casts to float32, the cast is made one to float64.
"""

import json
import sys
from pathlib import Path

import monai
import numpy as np
import safetensors
import scipy
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from monai.losses import BarlowTwinsLoss, BoundaryLoss, ContrastiveLoss, HausdorffDTLoss
from safetensors.numpy import save_file
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.stats import wasserstein_distance
from segmentation_models_pytorch.losses import lovasz

sys.dont_write_bytecode = True

from std_cases.common import KINDS, Book, call, spec_text, wide

VERSIONS = {
    "torch": "2.15.0",
    "numpy": "2.4.6",
    "scipy": "1.17.1",
    "monai": "1.6.1",
    "segmentation_models_pytorch": "0.6.0",
    "safetensors": "0.8.0",
}
OUT = Path(__file__).resolve().parent / "order"


def check_versions():
    modules = (torch, np, scipy, monai, smp, safetensors)
    found = {m.__name__: m.__version__.split("+")[0] for m in modules}
    print("versions:", found)
    assert found == VERSIONS, f"this script is pinned to {VERSIONS}"


def single(x):
    """Numbers that an f32 holds exactly."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def make_inputs():
    rng = np.random.default_rng(2024)
    inputs = {}

    def blobs(shape, classes):
        """Labels in regions, as segmentations are."""
        fields = [gaussian_filter(rng.standard_normal(shape), [0] + [1.6] * (len(shape) - 1)) for _ in range(classes)]
        return np.argmax(fields, axis=0).astype(np.int64)

    for name, shape, classes in (("2d", (2, 13, 11), 4), ("3d", (2, 5, 6, 7), 3)):
        labels = blobs(shape, classes)
        # One class is missing in one sample.
        labels[1][labels[1] == classes - 1] = 0
        inputs[f"labels_{name}"] = labels
        logits = 2 * rng.standard_normal((shape[0], classes, *shape[1:]))
        hot = np.moveaxis(np.eye(classes)[labels], -1, 1)
        inputs[f"logits_{name}"] = single(logits + 2 * hot)
        inputs[f"maps_{name}"] = single(rng.standard_normal(logits.shape))
        inputs[f"mask_{name}"] = single(labels == 1)
        inputs[f"scores_{name}"] = single(2 * rng.standard_normal(shape) + 2 * (labels == 1) - 1)
        inputs[f"weights_{name}"] = single(rng.standard_normal(shape))
        inputs[f"holes_{name}"] = single(rng.random(shape) > 0.04)
    # No class 1 in the second sample, nothing but class 1 in the third.
    odd = np.concatenate([inputs["labels_2d"], np.ones((1, 13, 11), dtype=np.int64)])
    odd[1][odd[1] == 1] = 2
    inputs["labels_odd"] = odd
    inputs["logits_odd"] = single(2 * rng.standard_normal((3, 4, 13, 11)))
    inputs["mask_empty"] = np.zeros((2, 13, 11))
    inputs["mask_full"] = np.ones((2, 13, 11))
    cells = np.zeros((2, 13, 11), dtype=np.int64)
    cells[0, 2:6, 1:5], cells[0, 2:6, 6:10], cells[0, 8:12, 3:8] = 1, 2, 3
    cells[1, 1:4, 1:4] = 2
    inputs["instances"] = cells
    inputs["two"] = (cells > 0).astype(np.int64)
    inputs["logits_two"] = single(rng.standard_normal((2, 2, 13, 11)))
    for name in ("x", "y"):
        inputs[f"vectors_{name}"] = single(rng.standard_normal((7, 5)))
    inputs["vectors_y"] = single(inputs["vectors_x"] + 0.7 * inputs["vectors_y"])
    # A class with one sample, one with two, one with four.
    inputs["labels_v"] = np.array([0, 1, 2, 2, 1, 2, 2], dtype=np.int64)
    inputs["labels_alone"] = np.arange(7, dtype=np.int64)
    probs = rng.random((6, 9)) + 0.01
    inputs["probs_t"] = single(probs / probs.sum(1, keepdims=True))
    inputs["scores_t"] = single(rng.standard_normal((6, 9)))
    return inputs


def hot(labels, classes):
    return torch.movedim(F.one_hot(labels, classes), -1, 1).double()


def lovasz_cases(book):
    for name in ("2d", "3d", "odd"):
        x = {"pred": f"logits_{name}", "target": f"labels_{name}"}
        for classes in ("present", "all"):
            for per_image in (False, True):
                options = {"classes": classes, "per_image": per_image}

                def value(x, options=options):
                    # SMP flattens images; volumes are given as long images.
                    p = torch.softmax(x["pred"], 1).flatten(3) if x["pred"].dim() > 4 else torch.softmax(x["pred"], 1)
                    t = x["target"].flatten(2) if x["target"].dim() > 3 else x["target"]
                    with wide():
                        return lovasz._lovasz_softmax(p, t, **options)

                book.add(
                    f"lovasz_softmax_{name}_{classes}_{'image' if per_image else 'batch'}",
                    "lovasz_softmax",
                    spec_text(KINDS["multiclass"], call("lovasz_softmax", options)),
                    x,
                    value,
                    source="segmentation_models_pytorch 0.6.0",
                )
    for name, mask in (("2d", "2d"), ("3d", "3d"), ("2d", "empty"), ("2d", "full")):
        for per_image in (False, True):

            def value(x, per_image=per_image):
                with wide():
                    return lovasz._lovasz_hinge(x["pred"], x["target"], per_image=per_image)

            book.add(
                f"lovasz_hinge_{name}_{mask}_{'image' if per_image else 'batch'}",
                "lovasz_hinge",
                spec_text(KINDS["binary"], call("lovasz_hinge", {"per_image": per_image})),
                {"pred": f"scores_{name}", "target": f"mask_{mask}"},
                value,
                source="segmentation_models_pytorch 0.6.0",
            )


def hardest_cases(book):
    def ce(x):
        return F.cross_entropy(x["pred"], x["target"], reduction="none").flatten()

    for name in ("2d", "3d"):
        x = {"pred": f"logits_{name}", "target": f"labels_{name}"}
        for fraction in (0.1, 0.25, 0.999, 1.0, 1e-9):

            def value(x, fraction=fraction):
                losses = ce(x)
                k = int(np.ceil(np.round(fraction * len(losses), 9)))
                return losses.topk(max(k, 1)).values.mean()

            spec = spec_text(KINDS["multiclass"], call("topk_ce", {"fraction": fraction}))
            book.add(f"topk_ce_{name}_{fraction}", "topk_ce", spec, x, value)
        for threshold, kept in ((0.7, 0), (0.5, 7), (0.1, 100), (0.7, 100000)):

            def value(x, threshold=threshold, kept=kept):
                losses = ce(x)
                chosen = torch.exp(-losses) < threshold
                chosen[losses.topk(min(kept, len(losses))).indices] = True
                return losses[chosen].mean()

            spec = spec_text(KINDS["multiclass"], call("ohem_ce", {"threshold": threshold, "min_kept": kept}))
            book.add(f"ohem_ce_{name}_{threshold}_{kept}", "ohem_ce", spec, x, value)


def border(inside):
    return inside.any() and not inside.all()


def level(inside, **spacing):
    """The authors' one_hot2dist (LIVIAETS/boundary-loss)."""
    if not border(inside):
        return np.zeros(inside.shape)
    outside = distance_transform_edt(~inside, **spacing) * ~inside
    return outside - (distance_transform_edt(inside, **spacing) - 1) * inside


def each(mask, f):
    """f of every sample and class, as one array."""
    return torch.from_numpy(np.stack([np.stack([f(c) for c in sample]) for sample in mask]))


# Axes that have spacings of their own have names.
VOLUMES = {"pred": "logits[N, C, D, H, W] over C", "target": "labels[N, D, H, W] of C"}


def distance_cases(book):
    spacings = {"2d": [0.5, 2.25], "3d": [2.5, 1.0, 0.75]}
    for name in ("2d", "3d", "odd"):
        x = {"pred": f"logits_{name}", "target": f"labels_{name}"}
        axes = spacings.get(name, [1.0, 1.5])
        kinds = VOLUMES if name == "3d" else KINDS["multiclass"]
        for background in (True, False):
            for spacing in (None, axes):
                options = {"background": background} | ({"spacing": spacing} if spacing else {})
                scale = {"sampling": spacing} if spacing else {}

                def parts(x, background=background):
                    p = torch.softmax(x["pred"], 1)
                    t = hot(x["target"], p.shape[1])
                    return (p, t) if background else (p[:, 1:], t[:, 1:])

                def value(x, parts=parts, scale=scale):
                    p, t = parts(x)
                    return (p * each(t.numpy() > 0.5, lambda m: level(m, **scale))).mean()

                at = f"{name}_{'all' if background else 'foreground'}_{'by' if spacing else 'unit'}"
                spec = spec_text(kinds, call("boundary", options))
                book.add(f"boundary_{at}", "boundary", spec, x, value, source="LIVIAETS/boundary-loss, one_hot2dist")
                if not spacing:
                    found = BoundaryLoss(softmax=True, to_onehot_y=True, include_background=background)(
                        torch.from_numpy(book.inputs[x["pred"]]), torch.from_numpy(book.inputs[x["target"]])[:, None]
                    )
                    assert abs(found.item() - book.cases[-1]["value"]) < 1e-6, "MONAI's maps are float32"

                def field(inside, scale=scale):
                    if not border(inside):
                        return np.zeros(inside.shape)
                    return distance_transform_edt(inside, **scale) + distance_transform_edt(~inside, **scale)

                for alpha in (2.0, 1.5):

                    def value(x, parts=parts, field=field, alpha=alpha):
                        p, t = parts(x)
                        far = [each(v.detach().numpy() > 0.5, field) ** alpha for v in (p, t)]
                        return ((p - t) ** 2 * (far[0] + far[1])).mean()

                    # A step may not carry a probability across 0.5: those are not.
                    spec = spec_text(kinds, call("hausdorff_dt", options | {"alpha": alpha}))
                    book.add(f"hausdorff_dt_{at}_{alpha}", "hausdorff_dt", spec, x, value, source="as MONAI 1.6.1 HausdorffDTLoss")
                    if not spacing and name != "odd":
                        theirs = HausdorffDTLoss(softmax=True, to_onehot_y=True, include_background=background, alpha=alpha)
                        with wide():
                            found = theirs(
                                torch.from_numpy(book.inputs[x["pred"]]),
                                torch.from_numpy(book.inputs[x["target"]])[:, None],
                            )
                        assert abs(found.item() - book.cases[-1]["value"]) < 1e-6 * abs(found.item()), (at, found.item())

        book.add(
            f"boundary_{name}_given",
            "boundary",
            spec_text({"pred": KINDS["multiclass"]["pred"], "distance": "real[N, C, ...S]"}, call("boundary")),
            {"pred": x["pred"], "distance": x["pred"]},
            lambda x: (torch.softmax(x["pred"], 1) * x["distance"]).mean(),
            diff=("pred", "distance"),
        )

    # The map itself: it is the gradient by what multiplies it.
    for name, axes in (("2d", "H, W"), ("3d", "D, H, W")):
        count = len(axes.split(","))
        for mask in ("holes", "mask"):
            for spacing in (None, 0.5, spacings[name], [0.7, 1.3, 0.9][:count]):
                scale = {} if spacing is None else {"sampling": spacing}
                option = "" if spacing is None else f", spacing={spacing}"
                spec = spec_text(
                    {"x": f"real[N, {axes}]", "m": f"mask[N, {axes}]"},
                    f"sum(x*distance[{axes}](m > 0.5{option}))",
                )
                far = lambda m, scale=scale: distance_transform_edt(m, **scale)
                exact = "exact" if spacing is None or 0.7 not in np.atleast_1d(spacing) else "rounded"
                book.add(
                    f"distance_{exact}_{name}_{mask}_{spacing}",
                    "distance",
                    spec,
                    {"x": f"weights_{name}", "m": f"{mask}_{name}"},
                    lambda x, far=far: (
                        x["x"] * torch.from_numpy(np.stack([far(m) for m in x["m"].detach().numpy() > 0.5]))
                    ).sum(),
                    diff=("x",),
                    source="scipy 1.17.1 distance_transform_edt",
                )


def unet_cases(book):
    def weight(numbers, w0, sigma):
        result = []
        for sample in numbers.numpy():
            far = np.sort([
                distance_transform_edt(sample != i) if (sample == i).any() else np.full(sample.shape, np.inf)
                for i in range(1, int(numbers.max()) + 1)
            ], axis=0)
            result.append(1 + w0 * np.exp(-((far[0] + far[1]) ** 2) / (2 * sigma**2)) * (sample == 0))
        return torch.from_numpy(np.stack(result))

    def mean(x, w):
        return (w * F.cross_entropy(x["pred"], x["target"], reduction="none")).sum() / w.sum()

    for w0, sigma in ((10.0, 5.0), (3.0, 1.5)):
        options = {"w0": w0, "sigma": sigma}
        book.add(
            f"unet_{w0}",
            "unet_weighted_ce",
            spec_text(KINDS["multiclass"], call("unet_weighted_ce", options)),
            {"pred": "logits_2d", "target": "labels_2d"},
            lambda x, w0=w0, sigma=sigma: mean(x, weight(x["target"], w0, sigma)),
            source="scipy 1.17.1 and torch",
        )
        inputs = KINDS["multiclass"] | {"instances": "labels[N, ...S] of K"}
        inputs["instances"] = "labels[N, ...S] of K"
        book.add(
            f"unet_instances_{w0}",
            "unet_weighted_ce",
            spec_text(inputs, call("unet_weighted_ce", options), before="axis K = 4"),
            {"pred": "logits_two", "target": "two", "instances": "instances"},
            lambda x, w0=w0, sigma=sigma: mean(x, weight(x["instances"], w0, sigma)),
            source="scipy 1.17.1 and torch",
        )


def widely(loss, x):
    with wide():
        return loss(x["pred"], x["target"])


def vector_cases(book):
    views = {"pred": "vectors_x", "target": "vectors_y"}
    unit = lambda v: F.normalize(v, dim=1, eps=1e-8)

    def both(x, temperature):
        s = unit(x["pred"]) @ unit(x["target"]).T / temperature
        own = torch.arange(len(s))
        return F.cross_entropy(s, own), F.cross_entropy(s.T, own)

    for temperature in (0.07, 0.5):
        options = {"temperature": temperature}
        for name, value in (
            ("info_nce", lambda x, t=temperature: both(x, t)[0]),
            ("info_nce_symmetric", lambda x, t=temperature: sum(both(x, t)) / 2),
            ("ntxent", lambda x, t=temperature: widely(ContrastiveLoss(temperature=t), x)),
        ):
            loss = name.removesuffix("_symmetric")
            more = {"symmetric": True} if name != loss else {}
            book.add(
                f"{name}_{temperature}",
                loss,
                spec_text(KINDS["vectors"], call(loss, options | more)),
                views,
                value,
                diff=("pred", "target"),
                source="MONAI 1.6.1 ContrastiveLoss" if loss == "ntxent" else "torch cross_entropy",
            )
        for labels in ("labels_v", "labels_alone"):

            def value(x, temperature=temperature):
                z = unit(x["pred"])
                s = z @ z.T / temperature
                eye = torch.eye(len(z), dtype=torch.bool)
                log = s - torch.logsumexp(s.masked_fill(eye, -torch.inf), 1, keepdim=True)
                mates = (x["target"][:, None] == x["target"][None]) & ~eye
                number = mates.sum(1)
                some = number > 0
                if not some.any():
                    return (s * 0).sum()
                return (-(log * mates).sum(1) / number.clamp(min=1))[some].mean()

            book.add(
                f"supcon_{labels}_{temperature}",
                "supcon",
                spec_text({"pred": "real[N, D]", "target": "labels[N] of K"}, call("supcon", options)),
                {"pred": "vectors_x", "target": labels},
                value,
            )
    for rate in (5e-3, 0.5):
        book.add(
            f"barlow_twins_{rate}",
            "barlow_twins",
            spec_text(KINDS["vectors"], call("barlow_twins", {"lambda": rate})),
            views,
            lambda x, rate=rate: widely(BarlowTwinsLoss(lambd=rate), x),
            diff=("pred", "target"),
            source="MONAI 1.6.1",
        )
    for sim, var, cov in ((25.0, 25.0, 1.0), (1.0, 2.0, 3.0)):

        def value(x, sim=sim, var=var, cov=cov):
            # The authors' main_vicreg.py (facebookresearch/vicreg).
            a, b = x["pred"], x["target"]
            a, b = a - a.mean(0), b - b.mean(0)
            std = [torch.sqrt(v.var(0) + 1e-4) for v in (a, b)]
            spread = sum(torch.mean(F.relu(1 - s)) / 2 for s in std)
            off = lambda m: m.flatten()[:-1].view(len(m) - 1, len(m) + 1)[:, 1:].flatten()
            covariance = sum(off(v.T @ v / (len(v) - 1)).pow(2).sum() / v.shape[1] for v in (a, b))
            return sim * F.mse_loss(x["pred"], x["target"]) + var * spread + cov * covariance

        book.add(
            f"vicreg_{sim}",
            "vicreg",
            spec_text(KINDS["vectors"], call("vicreg", {"sim": sim, "var": var, "cov": cov})),
            views,
            value,
            diff=("pred", "target"),
            source="facebookresearch/vicreg, main_vicreg.py",
        )


def class_cases(book):
    inputs = {"pred": "logits[N, C] over C", "target": "probs[N, C] over C"}
    x = {"pred": "scores_t", "target": "probs_t"}

    def ahead(x):
        return torch.cumsum(torch.softmax(x["pred"], 1) - x["target"], 1)

    for squared in (False, True):
        book.add(
            f"wasserstein_1d_{squared}",
            "wasserstein_1d",
            spec_text(inputs, call("wasserstein_1d", {"squared": squared})),
            x,
            lambda x, squared=squared: (ahead(x).pow(2) if squared else ahead(x).abs()).sum(1).mean(),
        )
        if not squared:
            p, t = torch.softmax(torch.from_numpy(book.inputs["scores_t"]), 1).numpy(), book.inputs["probs_t"]
            at = np.arange(9)
            mean = np.mean([wasserstein_distance(at, at, a, b) for a, b in zip(p, t)])
            assert abs(mean - book.cases[-1]["value"]) < 1e-6, "SciPy normalises the weights"
    for k in (1, 2, 3, 4):
        x = {"pred": "logits_2d", "target": "labels_2d"}
        best = torch.from_numpy(book.inputs["logits_2d"]).topk(k, dim=1).indices
        right = (best == torch.from_numpy(book.inputs["labels_2d"])[:, None]).any(1).double().mean().item()
        book.add(
            f"top_k_accuracy_{k}",
            "top_k_accuracy",
            spec_text(KINDS["multiclass"], "ce()", after=f"report score = top_k_accuracy(k={k})"),
            x,
            lambda x: F.cross_entropy(x["pred"], x["target"]),
            reports={"score": right},
        )


def calibration_cases(book):
    """As torchmetrics' calibration error with norm l1; its bins are open below, these above."""

    def error(sure, right, bins):
        at = np.clip(np.floor(sure * bins), 0, bins - 1)
        return sum(abs((right - sure)[at == b].sum()) for b in range(bins)) / sure.size

    for bins in (15, 4):
        p = torch.softmax(torch.from_numpy(book.inputs["logits_2d"]), 1).numpy()
        score = error(p.max(1), (p.argmax(1) == book.inputs["labels_2d"]).astype(float), bins)
        book.add(
            f"calibration_error_{bins}",
            "calibration_error",
            spec_text(KINDS["multiclass"], "ce()", after=f"report score = calibration_error(bins={bins})"),
            {"pred": "logits_2d", "target": "labels_2d"},
            lambda x: F.cross_entropy(x["pred"], x["target"]),
            reports={"score": float(score)},
        )
        p = torch.sigmoid(torch.from_numpy(book.inputs["scores_2d"])).numpy()
        t = book.inputs["mask_2d"]
        score = error(np.maximum(p, 1 - p), ((p >= 0.5) == (t >= 0.5)).astype(float), bins)
        book.add(
            f"calibration_error_binary_{bins}",
            "calibration_error",
            spec_text(KINDS["binary"], "bce()", after=f"report score = calibration_error(bins={bins})"),
            {"pred": "scores_2d", "target": "mask_2d"},
            lambda x: F.binary_cross_entropy_with_logits(x["pred"], x["target"]),
            reports={"score": float(score)},
        )


def write(book):
    OUT.mkdir(exist_ok=True)
    used = {array for case in book.cases for array in case["inputs"].values()}
    save_file({name: np.ascontiguousarray(book.inputs[name]) for name in sorted(used)}, OUT / "inputs.safetensors")
    save_file(dict(sorted(book.grads.items())), OUT / "grads.safetensors")
    for name in ("inputs", "grads"):
        (OUT / f"{name}.safetensors").chmod(0o644)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in book.cases)
    (OUT / "cases.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main():
    check_versions()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    book = Book(make_inputs())
    for family in (lovasz_cases, hardest_cases, distance_cases, unet_cases, vector_cases, class_cases, calibration_cases):
        family(book)
    write(book)
    print(f"{len(book.cases)} cases, {len(book.grads)} gradients, worst difference check {book.worst:.1e}")


if __name__ == "__main__":
    main()
