"""How a case of a compat module is written down, and the arrays that only these cases use."""

from contextlib import ExitStack, contextmanager, nullcontext
from unittest.mock import patch

import numpy as np
import torch

from std_cases import inputs
from std_cases.common import KINDS, call, spec_text

# Class weights and weights of positives; a case takes as many as there are classes.
W = [0.5, 2.0, 1.0, 3.0, 0.25, 1.5]
Q = [2.0, 0.5, 3.0, 1.0, 4.0, 0.75]

# One pixel; one pixel of which all is known but a scale; volumes.
MULTICLASS = {"one": (1, 3, 1, 1), "pair": (2, 3, 1, 2), "two_one": (1, 2, 1, 2), "vol": (1, 3, 2, 3, 4)}
MULTILABEL = {"ml_one": (1, 3, 1, 1), "ml_vol": (1, 2, 3, 2, 4)}
BINARY = {"bin_one": (1, 1, 1)}

MULTILABEL_PROBS = {"pred": "probs[N, C, ...S] per C", "target": "mask[N, C, ...S] per C"}
BINARY_PROBS = {"pred": "probs[N, ...S]", "target": "mask[N, ...S]"}
SOFT_PROBS = {"pred": "probs[N, C, ...S] over C", "target": "probs[N, C, ...S] over C"}


class Word(str):
    """A word of the language, which has no quotes."""


def make():
    """The arrays of std_cases/inputs.py, and more."""
    out = inputs.make()
    for key, shape in MULTICLASS.items():
        out[f"logits_{key}"] = inputs.normal(f"logits_{key}", shape)
        out[f"labels_{key}"] = inputs.rng(f"labels_{key}").integers(0, shape[1], shape[:1] + shape[2:])
        out[f"soft_{key}"] = inputs.probabilities(f"soft_{key}", shape)
    for key, shape in {**MULTILABEL, **BINARY}.items():
        out[f"logits_{key}"] = inputs.normal(f"logits_{key}", shape)
        out[f"mask_{key}"] = inputs.mask(f"mask_{key}", shape, 0.5)
    # Positions without a label, in each sample but not all of it.
    partly = inputs.labels("labels_partly", (2, 3, 4, 5), (), ())
    partly[inputs.rng("partly").random(partly.shape) < 0.3] = 255
    out["logits_partly"] = inputs.normal("logits_partly", (2, 3, 4, 5))
    out["labels_partly"] = partly
    for key in ("two", "f"):
        out[f"seen_{key}"] = inputs.mask(f"seen_{key}", out[f"labels_{key}"].shape, 0.7)
    # Probabilities of yes/no questions, and scores of them that are no multiples of anything.
    for key in ("bin_a", "bin_d", "ml_a", "ml_b", "ml_one"):
        shape = out[f"logits_{key}"].shape
        out[f"chance_{key}"] = inputs.f32(inputs.rng(f"chance_{key}").uniform(0.02, 0.98, size=shape))
    for key in ("a", "d", "one"):
        out[f"chances_{key}"] = inputs.probabilities(f"chances_{key}", out[f"logits_{key}"].shape)
        classes = out[f"logits_{key}"].shape[1]
        out[f"hot_{key}"] = np.moveaxis(np.eye(classes)[out[f"labels_{key}"]], -1, 1).copy()
    # Samples and labels without a positive, and with nothing else; a third view of some samples.
    out["logits_hard"] = inputs.normal("logits_hard", (4, 5), 4.0)
    out["mask_hard"] = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 1, 1], [0, 1, 0, 1, 0]], dtype=np.float64)
    out["second_d"] = inputs.normal("second_d", (7, 6))
    # Depths of an image; heatmaps, which add up to 1, the second with an empty entry; vectors of norm 1 and the group of each.
    out["depth"] = inputs.normal("depth", (2, 15, 13))
    for name in ("heat_pred", "heat_target"):
        out[name] = inputs.probabilities(name, (6, 20)).reshape(2, 3, 4, 5)
    heat = out["heat_target"].reshape(6, 20)
    heat[:, 1] += heat[:, 0]
    heat[:, 0] = 0.0
    units = inputs.normal("units", (7, 5))
    out["units"] = units / np.linalg.norm(units, axis=1, keepdims=True)
    out["groups"] = np.array([0, 1, 0, 2, 1, 0, 3])
    # −1 and 1.
    for key in ("reg_a", "reg_b", "vec_a", "vec_b"):
        shape = out[f"{key}_pred"].shape if key.startswith("reg") else out[f"{key}_pred"].shape[:1]
        out[f"side_{key}"] = np.where(inputs.mask(f"side_{key}", shape, 0.5) > 0, 1.0, -1.0)
    return {name: np.ascontiguousarray(array) for name, array in out.items()}


def classes(array):
    """The number of classes of an array of logits over classes, or per class."""
    shapes = {**{k: v[0] for k, v in inputs.MULTICLASS.items()}, **inputs.MULTILABEL, **MULTICLASS, **MULTILABEL}
    return shapes[array][1]


def binding(array):
    """The usual two inputs by the name of the arrays."""
    if array.startswith(("reg", "vec", "img", "boxes")):
        return {"pred": f"{array}_pred", "target": f"{array}_target"}
    if array.startswith(("bin", "ml")):
        return {"pred": f"logits_{array}", "target": f"mask_{array}"}
    return {"pred": f"logits_{array}", "target": f"labels_{array}"}


class Module:
    """The cases of one module: `torch`, `monai`."""

    def __init__(self, book, name):
        self.book = book
        self.name = name
        # What the library runs in: `wide`, if it computes in float32.
        self.around = nullcontext

    def add(self, loss, kind, at, options, value, within="{}", before="", diff=("pred",), tolerance=None):
        """`loss(options)` on the inputs `kind`, bound to the arrays `at`; `value(x)` is what the library says.

        `within` is what is minimised, around the call: a loss that returns an entry for every position is
        squared and added up, so that each of them counts. `tolerance` is that of a library which computes in float32.
        """
        kind = KINDS[kind] if isinstance(kind, str) else kind
        at = binding(at) if isinstance(at, str) else at
        text = within.format(call(f"{self.name}.{loss}", options))
        spec = f"use {self.name}\n" + spec_text(kind, text, before)
        name = " ".join([text, *at.values(), *([before] if before else []), *kind.values()])

        def here(x):
            with self.around():
                return value(x)
        self.book.add(name, f"{self.name}.{loss}", spec, at, here, diff, source=self.name, differences=False)
        if tolerance is not None:
            self.book.cases[-1]["tolerance"] = tolerance


# What is minimised where a loss returns an entry for every position or sample.
EACH = "sum({}^2)"


def each(value):
    return (value**2).sum()


def along(weights, like):
    """Weights of classes in the shape that broadcasts against N, C, ...: None stays None."""
    if weights is None:
        return None
    return torch.tensor(weights, dtype=torch.float64).reshape(-1, *[1] * (like.dim() - 2))


def double(weights):
    return None if weights is None else torch.tensor(weights, dtype=torch.float64)


def channel(x, kind):
    """Binary predictions and masks have a channel of size 1 in some libraries."""
    return x.unsqueeze(1) if kind == "binary" else x


@contextmanager
def wide(dtypes=True):
    """Float64 where a library asks for float32 whatever it is given, so that its formula is held to all digits. Without
    `dtypes` only calls of `.float()` and default types change, for a library whose formula has a limit of float32 in it."""
    with ExitStack() as stack:
        for name in ("float32", "float") if dtypes else ():
            stack.enter_context(patch.object(torch, name, torch.float64))
        stack.enter_context(patch.object(torch.Tensor, "float", torch.Tensor.double))
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float64)
        yield
