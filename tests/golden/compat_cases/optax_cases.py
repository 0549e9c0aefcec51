"""optax.losses, in float64. Its gradients are JAX's."""

from itertools import product

import jax
import jax.numpy as jnp
import torch
from optax import losses

from .common import EACH, W, Word, classes

jax.config.update("jax_enable_x64", True)
TRIPLET = ("anchor", "positive", "negative")


class Jax(torch.autograd.Function):
    """A function of arrays, with the gradient that JAX gives."""

    @staticmethod
    def forward(ctx, function, *tensors):
        arrays = [jnp.asarray(tensor.detach().numpy()) for tensor in tensors]
        floating = [i for i, array in enumerate(arrays) if jnp.issubdtype(array.dtype, jnp.floating)]
        value, grads = jax.value_and_grad(function, argnums=floating)(*arrays)
        ctx.grads = [None] * len(arrays)
        for i, grad in zip(floating, grads):
            ctx.grads[i] = torch.tensor(jax.device_get(grad))
        return torch.tensor(float(value), dtype=torch.float64)

    @staticmethod
    def backward(ctx, grad):
        return None, *(g if g is None else grad * g for g in ctx.grads)


def cases(module):
    def add(loss, kind, at, options, function, within=EACH, diff=("pred",), names=("pred", "target")):
        """`function` gives an entry for each sample or position, or with within="{}" the loss."""
        scalar = (lambda *a: (function(*a) ** 2).sum()) if within == EACH else function
        module.add(loss, kind, at, {k: Word(v) if isinstance(v, str) else v for k, v in options.items()},
                   lambda x: Jax.apply(scalar, *(x[name] for name in names)), within=within, diff=diff)

    regression(add)
    exclusive(add)
    for array in ("ml_a", "ml_b", "ml_one"):
        add("sigmoid_binary_cross_entropy", "multilabel", array, {}, losses.sigmoid_binary_cross_entropy)
        for alpha, gamma in product((None, 0.25), (2.0, 0.5)):
            options = {"gamma": gamma} | ({"alpha": alpha} if alpha else {})
            add("sigmoid_focal", "multilabel", array, options, lambda z, t: losses.sigmoid_focal_loss(z, t, **options))
    overlap(add)
    metric(add)


def regression(add):
    for array in ("reg_a", "reg_b", "reg_d"):
        add("squared_error", "regression", array, {}, losses.squared_error, diff=("pred", "target"))
        add("l2", "regression", array, {}, losses.l2_loss)
        add("log_cosh", "regression", array, {}, losses.log_cosh)
        for delta in (1.0, 0.5):
            add("huber", "regression", array, {"delta": delta}, lambda x, t: losses.huber_loss(x, t, delta=delta))
    for array in ("reg_a", "reg_b"):
        at = {"pred": f"{array}_pred", "target": f"side_{array}"}
        add("hinge", "regression", at, {}, losses.hinge_loss)
        add("perceptron", "regression", at, {}, losses.perceptron_loss)


def last(z):
    return jnp.moveaxis(z, 1, -1)


def exclusive(add):
    for array in ("a", "d", "f", "one"):
        soft = {"pred": f"logits_{array}", "target": f"soft_{array}"}
        for name, made in (("softmax_cross_entropy", losses.softmax_cross_entropy),
                           ("safe_softmax_cross_entropy", losses.safe_softmax_cross_entropy)):
            add(name, "soft", soft, {}, lambda z, t: made(last(z), last(t)))
        add("softmax_cross_entropy_with_integer_labels", "multiclass", array, {},
            lambda z, y: losses.softmax_cross_entropy_with_integer_labels(last(z), y))
        add("multiclass_hinge", "multiclass", array, {}, lambda z, y: losses.multiclass_hinge_loss(last(z), y))
        add("multiclass_perceptron", "multiclass", array, {}, lambda z, y: losses.multiclass_perceptron_loss(last(z), y))
        for epsilon in (2.0, -0.5):
            add("poly_loss_cross_entropy", "soft", soft, {"epsilon": epsilon},
                lambda z, t: losses.poly_loss_cross_entropy(last(z), last(t), epsilon=epsilon))
        log_p = lambda z: jax.nn.log_softmax(last(z))
        add("kl_divergence", "soft", soft, {}, lambda z, t: losses.kl_divergence(log_p(z), last(t)))
        two = {"pred": "logits[N, C, ...S] over C", "target": "logits[N, C, ...S] over C"}
        add("kl_divergence_with_log_targets", two, {"pred": f"logits_{array}", "target": f"teacher_{array}"} if array in ("a", "d", "f")
            else {"pred": "logits_one", "target": "soft_one"}, {},
            lambda z, u: losses.kl_divergence_with_log_targets(log_p(z), log_p(u)), diff=("pred", "target"))
    real = {"pred": "real[N, D]", "target": "real[N, D]"}
    add("generalized_kl_divergence", real, {"pred": "logits_d", "target": "soft_d"}, {}, losses.generalized_kl_divergence)
    add("ranking_softmax", {"pred": "logits[N, C] over C", "target": "real[N, C]"}, {"pred": "logits_d", "target": "teacher_d"}, {},
        losses.ranking_softmax_loss, within="{}")


def overlap(add):
    hot = lambda z, y: (last(z), jax.nn.one_hot(y, z.shape[1], dtype=z.dtype))
    for array in ("a", "f", "e", "one", "vol"):
        w = W[: classes(array)]
        for background, smooth in product((False, True), (1.0, 1e-3)):
            options = {"ignore_background": background, "smooth": smooth}
            add("dice", "multiclass", array, options, lambda z, y: losses.dice_loss(*hot(z, y), **options))
            add("multiclass_generalized_dice", "multiclass", array, options,
                lambda z, y: losses.multiclass_generalized_dice_loss(*hot(z, y), **options), within="{}")
            more = {**options, "alpha": 0.3, "beta": 0.9}
            add("dice", "multiclass", array, {**more, "class_weights": w, "reduction": "sum"},
                lambda z, y: losses.dice_loss(*hot(z, y), **more, class_weights=jnp.array(w), reduction="sum"))
            add("dice", "multiclass", array, {**more, "class_weights": w, "reduction": "none"},
                lambda z, y: losses.dice_loss(*hot(z, y), **more, class_weights=jnp.array(w), reduction="none"))
    for array, smooth in product(("bin_a", "bin_d", "bin_one"), (1.0, 0.1)):
        add("binary_dice", "binary", array, {"smooth": smooth},
            lambda z, t: losses.binary_dice_loss(z[..., None], t[..., None], smooth=smooth))


def metric(add):
    for array, epsilon in product(("vec_a", "vec_b"), (0.0, 4.0)):
        for name, made in (("cosine_similarity", losses.cosine_similarity), ("cosine_distance", losses.cosine_distance)):
            add(name, "vectors", array, {"epsilon": epsilon}, lambda x, y: made(x, y, epsilon=epsilon), diff=("pred", "target"))
    for array, eps in product(("vec_a", "vec_b", "vec_c"), (1e-6, 0.5)):
        at = {"anchor": f"{array}_pred", "positive": f"{array}_target", "negative": f"{array}_negative"}
        add("triplet_margin", "triplet", at, {"margin": 1.5, "eps": eps},
            lambda a, p, n: losses.triplet_margin_loss(a, p, n, margin=1.5, eps=eps), diff=TRIPLET, names=TRIPLET)
    for temperature in (0.07, 0.5):
        add("ntxent", {"pred": "real[N, D]", "target": "labels[N] of C"}, {"pred": "vec_a_pred", "target": "groups"},
            {"temperature": temperature}, lambda x, y: losses.ntxent(x, y, temperature), within="{}")
