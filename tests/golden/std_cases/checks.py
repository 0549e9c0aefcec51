"""Checks of the formulas from outside: the retina sample and MONAI."""

import warnings

import torch

from . import classes, overlap


def sample(arrays):
    """0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.8]) on the retina sample."""
    x = {"pred": torch.from_numpy(arrays["pred"]).double().requires_grad_(),
         "target": torch.from_numpy(arrays["target"])}
    dice = overlap.dice("multiclass")(x, smooth=1e-6)
    wce = classes.ce(x, weight=[0.2, 0.8])
    total = 0.5 * dice + 0.5 * wce
    (grad,) = torch.autograd.grad(total, x["pred"])
    for found, known in (
        (dice, 0.07576902484431303),
        (wce, 0.018999774438820092),
        (total, 0.04738439964156656),
        (grad.norm(), 0.0011668423067912762),
        (grad.abs().max(), 9.762607578530378e-05),
    ):
        assert abs(found.item() - known) <= 1e-13 * known, (found.item(), known)
    print(f"sample: total {total.item()!r}, as known")


def monai_agrees(book):
    """dice, tversky and generalized_dice against MONAI's own (its generalised weights are f32)."""
    import monai
    from monai.losses import DiceLoss, GeneralizedDiceLoss, TverskyLoss

    count = 0
    for data in ("a", "b", "c", "e", "two"):
        x = book.tensors({"pred": f"logits_{data}", "target": f"labels_{data}"})
        shape = dict(softmax=True)
        y = classes.one_hot(x["target"], x["pred"].shape[1])
        for batch in (False, True):
            for background in (False, True):
                common = dict(shape, batch=batch, include_background=background)
                own = {"over": ["batch", "space"] if batch else ["space"], "background": background}
                pairs = []
                for smooth in (1e-5, 1.0):
                    for squared in (False, True):
                        pairs.append((DiceLoss(squared_pred=squared, smooth_nr=smooth, smooth_dr=2 * smooth, **common),
                                      overlap.dice("multiclass"),
                                      {"smooth_nr": smooth, "smooth_dr": 2 * smooth, "squared": squared}, 1e-12))
                    pairs.append((TverskyLoss(alpha=0.3, beta=0.7, smooth_nr=smooth, smooth_dr=smooth, **common),
                                  overlap.tversky("multiclass"), {"alpha": 0.3, "beta": 0.7, "smooth": smooth}, 1e-12))
                    for kind in ("square", "simple", "uniform"):
                        pairs.append((GeneralizedDiceLoss(w_type=kind, smooth_nr=smooth, smooth_dr=smooth, **common),
                                      overlap.generalized_dice("multiclass"), {"weighting": kind, "smooth": smooth}, 1e-6))
                for theirs, ours, options, tolerance in pairs:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        expected = theirs(x["pred"], y).item()
                    found = ours(x, **options, **own).item()
                    assert abs(found - expected) <= tolerance * max(1, abs(expected)), (data, options, own, found, expected)
                    count += 1
    print(f"monai {monai.__version__}: {count} settings agree")
