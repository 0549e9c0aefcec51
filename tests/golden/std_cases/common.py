"""The book of cases: it builds the spec text, runs torch, keeps value and gradients."""

from contextlib import contextmanager

import numpy as np
import torch

# What stands in a spec's `input` line, by the short name used in the modules.
KINDS = {
    "multiclass": {"pred": "logits[N, C, ...S] over C", "target": "labels[N, ...S] of C"},
    "named_2d": {"pred": "logits[N, C, H, W] over C", "target": "labels[N, H, W] of C"},
    "onehot": {"pred": "logits[N, C, ...S] over C", "target": "onehot[N, C, ...S] over C"},
    "soft": {"pred": "logits[N, C, ...S] over C", "target": "probs[N, C, ...S] over C"},
    "probs": {"pred": "probs[N, C, ...S] over C", "target": "labels[N, ...S] of C"},
    "log_probs": {"pred": "log_probs[N, C, ...S] over C", "target": "labels[N, ...S] of C"},
    "binary": {"pred": "logits[N, ...S]", "target": "mask[N, ...S]"},
    "multilabel": {"pred": "logits[N, C, ...S] per C", "target": "mask[N, C, ...S] per C"},
    "regression": {"pred": "real[N, ...S]", "target": "real[N, ...S]"},
    "boxes": {"pred": "real[N, K=4]", "target": "real[N, K=4]"},
    "boxes_nested": {"pred": "real[N, A, K=4]", "target": "real[N, A, K=4]"},
    "vectors": {"pred": "real[N, D]", "target": "real[N, D]"},
    "triplet": {"anchor": "real[N, D]", "positive": "real[N, D]", "negative": "real[N, D]"},
}
PIXEL_WEIGHT = {"w": "real[N, ...S]"}
VARIANCE = {"var": "real[N, ...S]"}
VALID = {"valid": "mask[N, ...S]"}


@contextmanager
def wide():
    """Casts to float32 are casts to float64."""
    narrow, narrow32 = torch.Tensor.float, torch.float32
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double
    torch.float32 = torch.float = torch.float64
    try:
        yield
    finally:
        torch.Tensor.float, torch.float32, torch.float = narrow, narrow32, narrow32
        torch.set_default_dtype(torch.float32)


def literal(value):
    """A Python value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, float):
        return repr(value).replace("e-0", "e-")
    return str(value)


def call(loss, options=None):
    """`call("dice", {"smooth": 1e-6})` is `dice(smooth=1e-6)`."""
    inside = ", ".join(f"{key}={literal(value)}" for key, value in (options or {}).items())
    return f"{loss}({inside})"


def spec_text(inputs, minimize, before="", after=""):
    lines = [f"input {name}: {kind}" for name, kind in inputs.items()]
    if before:
        lines.append(before)
    lines.append(f"minimize {minimize}")
    if after:
        lines.append(after)
    return "\n".join(lines) + "\n"


class Book:
    """All inputs, cases and gradients. Nothing is written before every case is in."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.cases = []
        self.grads = {}
        self.worst = 0.0
        self._names = set()

    def tensors(self, binding, diff=()):
        out = {}
        for name, array in binding.items():
            tensor = torch.from_numpy(self.inputs[array].copy())
            out[name] = tensor.requires_grad_(name in diff)
        return out

    def add(self, name, loss, spec, binding, value, diff=("pred",), source="torch primitives",
            reports=None, differences=True):
        """One case. `value(x)` gives the scalar loss from the dict of tensors `x`;
        `diff` names the inputs whose gradient is kept; `differences=False` leaves out
        the check of that gradient by finite differences (ties, saturation, stopped gradients)."""
        assert name not in self._names, name
        self._names.add(name)
        x = self.tensors(binding, diff)
        total = value(x)
        assert total.dtype == torch.float64 and total.dim() == 0, name
        found = torch.autograd.grad(total, [x[d] for d in diff], allow_unused=True) if diff else ()
        grads = {}
        for key, grad in zip(diff, found):
            grad = torch.zeros_like(x[key]) if grad is None else grad
            assert torch.isfinite(grad).all(), f"{name}: gradient of {key} is not finite"
            grads[key] = f"{name}.{key}"
            self.grads[grads[key]] = grad.numpy().copy()
        assert torch.isfinite(total), name
        if differences:
            self._check(name, binding, value, diff, found)
        case = {
            "name": name,
            "loss": loss,
            "spec": spec,
            "inputs": binding,
            "value": total.item(),
            "grads": grads,
            "source": source,
        }
        if reports is not None:
            case["reports"] = reports
        self.cases.append(case)

    def _check(self, name, binding, value, diff, grads):
        """Central differences along a random direction: torch's gradient is that of its value."""
        rng = np.random.default_rng(len(self.cases))
        x = self.tensors(binding)
        step = 1e-5
        for key, grad in zip(diff, grads):
            direction = torch.from_numpy(rng.standard_normal(x[key].shape))
            direction /= direction.norm()
            ends = []
            for sign in (1, -1):
                moved = dict(x)
                moved[key] = x[key] + sign * step * direction
                ends.append(value(moved).item())
            slope = (ends[0] - ends[1]) / (2 * step)
            expected = 0.0 if grad is None else (grad * direction).sum().item()
            scale = max(1e-3, abs(expected), 1e-2 * abs(ends[0]))
            error = abs(slope - expected) / scale
            self.worst = max(self.worst, error)
            assert error < 1e-5, f"{name}: d/d{key} {expected} but differences give {slope}"
