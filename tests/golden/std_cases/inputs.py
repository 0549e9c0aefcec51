"""The input arrays, shared by the cases.

Every float is exactly representable in f32, so the same cases can be run in f32. Each array
has its own random stream, seeded by its name: adding an array does not change the others.
"""

import zlib

import numpy as np

# logits: shape; classes left out of the target everywhere; (sample, class) left out.
MULTICLASS = {
    "a": ((2, 3, 5, 7), (), ()),
    "b": ((3, 4, 13, 11), (3,), ((1, 0),)),  # class 3 never in the target, class 0 not in sample 1
    "c": ((2, 5, 3, 4, 5), (), ((0, 1),)),
    "d": ((7, 6), (), ()),
    "e": ((1, 3, 9), (1,), ()),
    "two": ((2, 2, 6, 5), (), ()),
    "f": ((3, 4, 5, 3), (3,), ((1, 0),)),  # as b, smaller
    "sat": ((2, 3, 4, 5), (), ()),
}
BINARY = {"bin_a": (3, 5, 7), "bin_b": (2, 11), "bin_c": (2, 3, 4, 5), "bin_d": (9,), "bin_sat": (2, 4, 6)}
MULTILABEL = {"ml_a": (2, 3, 5, 7), "ml_b": (3, 4, 9), "ml_c": (6, 5), "ml_sat": (2, 3, 4)}
REGRESSION = {"reg_a": (7,), "reg_b": (2, 9, 4), "reg_c": (3, 5, 7), "reg_d": (1, 2, 3, 4, 5)}


def rng(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def f32(array):
    """float64 whose values are f32's."""
    return np.asarray(array, dtype=np.float64).astype(np.float32).astype(np.float64)


def normal(name, shape, scale=1.5):
    return f32(scale * rng(name).standard_normal(shape))


def labels(name, shape, absent, absent_in):
    """Class numbers: every class but those left out occurs in the array as a whole."""
    n, classes = shape[0], shape[1]
    r = rng(name)
    out = np.empty((n,) + shape[2:], dtype=np.int64)
    for i in range(n):
        here = [c for c in range(classes) if c not in absent and (i, c) not in absent_in]
        out[i] = r.choice(here, size=shape[2:])
    expected = [c for c in range(classes) if c not in absent]
    flat = out.reshape(-1)
    if len(shape) == 2:  # no space: few positions, so name each class once
        flat[: len(expected)] = expected
    assert sorted(set(flat.tolist())) == expected, name
    return out


def saturate(name, logits):
    """±1e4 in about half of the entries."""
    r = rng(name)
    big = r.choice([-1e4, 1e4], size=logits.shape)
    return np.where(r.random(logits.shape) < 0.5, big, logits)


def mask(name, shape, share=0.4):
    return (rng(name).random(shape) < share).astype(np.float64)


def probabilities(name, shape):
    """Rows along axis 1 that sum to exactly 1, of multiples of 1/4096, none of them 0."""
    raw = np.exp(1.2 * rng(name).standard_normal(shape))
    share = raw / raw.sum(axis=1, keepdims=True)
    units = np.maximum(1, np.floor(share * 4096))
    top = np.expand_dims(units.argmax(axis=1), 1)
    rest = 4096 - units.sum(axis=1, keepdims=True)
    np.put_along_axis(units, top, np.take_along_axis(units, top, 1) + rest, axis=1)
    assert (units > 0).all()
    return units / 4096


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def boxes(name, shape):
    """x1, y1, x2, y2 with x1 < x2 and y1 < y2."""
    r = rng(name)
    low = r.uniform(0, 6, size=shape + (2,))
    size = r.uniform(0.5, 5, size=shape + (2,))
    return f32(np.concatenate([low, low + size], axis=-1))


def make():
    out = {}
    for key, (shape, absent, absent_in) in MULTICLASS.items():
        z = normal(f"logits_{key}", shape)
        out[f"logits_{key}"] = saturate("saturate", z) if key == "sat" else z
        out[f"labels_{key}"] = labels(f"labels_{key}", shape, absent, absent_in)
        out[f"soft_{key}"] = probabilities(f"soft_{key}", shape)
        out[f"w_{key}"] = f32(rng(f"w_{key}").uniform(0.1, 3, size=shape[:1] + shape[2:]))
        out[f"teacher_{key}"] = normal(f"teacher_{key}", shape)
        at = rng(f"bins_{key}").uniform(-0.5, shape[1] - 0.5, size=shape[:1] + shape[2:])
        out[f"bins_{key}"] = f32(at)  # some before the first bin, some behind the last
    for key in ("a", "d"):
        out[f"cosines_{key}"] = f32(rng(f"cosines_{key}").uniform(-0.97, 0.97, size=MULTICLASS[key][0]))
    for key in ("a", "d", "e"):
        out[f"probs_{key}"] = probabilities(f"probs_{key}", out[f"logits_{key}"].shape)
    for key in ("a", "d", "e", "f"):
        out[f"log_probs_{key}"] = f32(log_softmax(normal(f"log_probs_{key}", MULTICLASS[key][0])))
    for key in ("a", "d"):
        classes = MULTICLASS[key][0][1]
        out[f"onehot_{key}"] = np.moveaxis(np.eye(classes)[out[f"labels_{key}"]], -1, 1).copy()
    out["soft_zeros_a"] = np.where(rng("soft_zeros").random((2, 1, 5, 7)) < 0.5,
                                   out["onehot_a"], out["soft_a"])

    for key, shape in {**BINARY, **MULTILABEL}.items():
        z = normal(f"logits_{key}", shape)
        out[f"logits_{key}"] = saturate(f"saturate_{key}", z) if key.endswith("sat") else z
        out[f"mask_{key}"] = mask(f"mask_{key}", shape)
        out[f"soft_mask_{key}"] = f32(rng(f"soft_mask_{key}").uniform(0.02, 0.98, size=shape))
        space = shape[1:] if key.startswith("bin") else shape[2:]
        out[f"w_{key}"] = f32(rng(f"w_{key}").uniform(0.1, 3, size=shape[:1] + space))
    out["mask_bin_a"][1] = 0.0  # a sample with an empty mask
    out["mask_ml_a"][0, 1] = 0.0  # a label that one sample lacks
    out["mask_ml_b"][:, 2] = 0.0  # a label that no sample has
    out["mask_bin_empty"] = np.zeros((3, 5, 7))
    # Logits at the hinge's corner, z·(2t − 1) = 1 exactly, and on both sides of it.
    out["logits_bin_tie"] = np.array([[1.0, -1.0, 0.25, 2.0], [1.0, -1.0, -3.0, 0.0]])
    out["mask_bin_tie"] = np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])

    for key, shape in REGRESSION.items():
        out[f"{key}_pred"] = normal(f"{key}_pred", shape)
        out[f"{key}_target"] = normal(f"{key}_target", shape)
        out[f"{key}_rate"] = f32(rng(f"{key}_rate").uniform(0.2, 6, size=shape))
        out[f"{key}_count"] = rng(f"{key}_count").poisson(2.5, size=shape).astype(np.float64)
        out[f"{key}_var"] = f32(rng(f"{key}_var").uniform(0.05, 3, size=shape))
        out[f"{key}_w"] = f32(rng(f"{key}_w").uniform(0.1, 3, size=shape))
    tie = normal("reg_tie_target", (3, 4))
    out["reg_tie_target"] = tie
    out["reg_tie_pred"] = f32(tie + np.where(mask("reg_tie", (3, 4), 0.5) > 0, 0.0, normal("tie", (3, 4))))
    out["reg_far_target"] = normal("reg_far_target", (2, 6))
    out["reg_far_pred"] = f32(out["reg_far_target"] + np.tile([1e4, -1e4, 30.0, -30.0, 1e-3, -800.0], (2, 1)))
    small = out["reg_b_var"].copy()
    small[0, :4] = f32(np.full((4, 4), 1e-9))
    out["reg_b_var_small"] = small

    for key, shape in {"boxes_a": (7,), "boxes_b": (5, 3), "boxes_c": (1,)}.items():
        out[f"{key}_pred"] = boxes(f"{key}_pred", shape)
        out[f"{key}_target"] = boxes(f"{key}_target", shape)
    # near overlaps, one inside the other, far apart, thin
    out["boxes_d_target"] = f32([[1, 1, 4, 5], [0, 0, 9, 9], [0, 0, 1, 1], [2, 2, 2.25, 9], [1, 2, 3, 4]])
    out["boxes_d_pred"] = f32([[1.1, 0.8, 4.3, 4.9], [3, 2, 5, 7], [8, 6, 9.5, 8], [1, 3, 6, 3.5], [1.5, 2.5, 2.5, 3.75]])

    for key, shape in {"vec_a": (7, 5), "vec_b": (1, 3), "vec_c": (4, 16)}.items():
        for part in ("pred", "target", "negative"):
            out[f"{key}_{part}"] = normal(f"{key}_{part}", shape, 1.0)
        out[f"{key}_same"] = mask(f"{key}_same", shape[:1], 0.5)
        out[f"{key}_sign"] = np.where(mask(f"{key}_sign", shape, 0.5) > 0, 1.0, -1.0)

    # Classes of one, two and more samples.
    for key, shape, classes in (("met_a", (9, 5), 4), ("met_b", (6, 3), 2)):
        out[f"{key}_pred"] = normal(f"{key}_pred", shape, 1.0)
        out[f"{key}_labels"] = labels(f"{key}_labels", (shape[0], classes), (), ())
        out[f"{key}_labels"][(out[f"{key}_labels"] == classes - 1).nonzero()[0][1:]] = 0

    # Two resolutions, and images large enough for several scales.
    for key, shape in {"2d": (2, 13, 11), "3d": (2, 5, 6, 7)}.items():
        out[f"fine_labels_{key}"] = labels(f"fine_labels_{key}", (shape[0], 4, *shape[1:]), (), ())
        out[f"fine_x_{key}"] = normal(f"fine_x_{key}", shape)
    for size in ((7, 6), (3, 11), (26, 5), (1, 1), (20, 31), (3, 3, 4), (10, 1, 6)):
        key = "small_" + "x".join(map(str, size))
        out[f"{key}_logits"] = normal(f"{key}_logits", (2, 4, *size))
        out[f"{key}_w"] = normal(f"{key}_w", (2, *size))
    for key in ("2d", "3d"):
        holes = out[f"fine_labels_{key}"].copy()
        holes[rng(f"holes_{key}").random(holes.shape) < 0.4] = 255
        holes[0, :3] = 255
        holes[(0, *[0] * (holes.ndim - 1))] = 1  # so that one position is left even at a size of 1
        out[f"holes_{key}"] = holes
    for size in ((7, 6), (3, 11), (26, 5), (1, 1), (20, 31), (3, 3, 4), (10, 1, 6)):
        key = "small_" + "x".join(map(str, size))
        full = out["holes_2d" if len(size) == 2 else "holes_3d"]
        at = np.ix_(*[np.arange(2)], *[np.arange(m) * n // m for n, m in zip(full.shape[1:], size)])
        nan = out[f"{key}_logits"].copy()
        nan[np.broadcast_to((full[at] == 255)[:, None], nan.shape)] = np.nan
        out[f"{key}_nan"] = nan
    for size in ((20, 31), (10, 1, 6)):
        key = "deep_labels_" + "x".join(map(str, size))
        out[key] = labels(key, (2, 4, *size), (), ())
    scales = (2, 2, 36, 40)
    wave = sum(np.sin((2 + a) * g / 5.0 + a) for a, g in enumerate(np.indices(scales)))
    out["scales_target"] = f32(0.5 + 0.15 * wave + 0.1 * normal("scales_target", scales, 1.0))
    out["scales_pred"] = f32(0.8 * out["scales_target"] + 0.1 + 0.05 * normal("scales_pred", scales, 1.0))

    for key, shape in {"field_1d": (3, 11), "field_2d": (2, 6, 7), "field_3d": (2, 3, 4, 5), "field_one": (1, 4, 3)}.items():
        out[key] = normal(key, shape)
    out["field_tie"] = f32(np.round(normal("field_tie", (2, 5, 6), 1.0)))

    # Images with structure: smooth, and a noisy copy; thin structures: probabilities, some of them equal nowhere.
    for key, shape in {"img_2d": (2, 3, 15, 13), "img_3d": (1, 2, 12, 11, 13)}.items():
        wave = sum(np.sin((2 + a) * g / 3.0 + a) for a, g in enumerate(np.indices(shape)))
        target = 0.5 + 0.15 * wave + 0.1 * normal(f"{key}_target", shape, 1.0)
        out[f"{key}_target"] = f32(target)
        out[f"{key}_pred"] = f32(0.8 * target + 0.1 + 0.1 * normal(f"{key}_pred", shape, 1.0))
    for key, shape in {"thin_2d": (2, 3, 13, 11), "thin_3d": (2, 2, 7, 6, 9)}.items():
        out[f"{key}_pred"] = f32(rng(f"{key}_pred").uniform(0.02, 0.98, size=shape))
        out[f"{key}_target"] = mask(f"{key}_target", shape, 0.7)
    for key, shape in {"ddf_2d": (2, 2, 6, 7), "ddf_3d": (1, 3, 5, 4, 6)}.items():
        out[key] = normal(key, shape)

    # For `ignore`: 255 is "no label"; sample 2 has no label at all.
    ignored = labels("labels_ign", (3, 3, 6, 7), (), ())
    ignored[rng("ign").random(ignored.shape) < 0.3] = 255
    ignored[2] = 255
    out["logits_ign"] = normal("logits_ign", (3, 3, 6, 7))
    out["labels_ign"] = ignored
    out["labels_ign_all"] = np.full((3, 6, 7), 255, dtype=np.int64)
    nan = out["logits_ign"].copy()
    nan[np.broadcast_to((ignored == 255)[:, None], nan.shape) & (rng("nan").random(nan.shape) < 0.5)] = np.nan
    out["logits_ign_nan"] = nan
    for key in ("bin_a", "bin_c", "reg_c"):
        out[f"valid_{key}"] = mask(f"valid_{key}", {**BINARY, **REGRESSION}[key], 0.7)
    return {name: np.ascontiguousarray(array) for name, array in out.items()}
