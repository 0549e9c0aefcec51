"""keras.losses, on its torch backend in float64. Classes are along the last axis there."""

from itertools import product

import keras
import torch.nn.functional as F
from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

from .common import MULTILABEL_PROBS, SOFT_PROBS, W, Word, classes, wide

keras.config.set_floatx("float64")
# Results of float64 are float32 there, except on TensorFlow.
BIT64_TO_BIT32_DTYPE["float64"] = "float64"
losses = keras.losses
LABEL_PROBS = {"pred": "probs[N, C, ...S] over C", "target": "labels[N, ...S] of C"}


def last(x):
    return x.movedim(1, -1)


def hot(x):
    return F.one_hot(x["target"], x["pred"].shape[1]).double()


def cases(module):
    module.around = wide
    regression(module)
    exclusive(module)
    labels(module)
    overlap(module)
    circle(module)


def regression(module):
    plain = {"mean_squared_error": losses.MeanSquaredError, "mean_absolute_error": losses.MeanAbsoluteError,
             "mean_absolute_percentage_error": losses.MeanAbsolutePercentageError, "log_cosh": losses.LogCosh,
             "mse": losses.MeanSquaredError, "mae": losses.MeanAbsoluteError, "mape": losses.MeanAbsolutePercentageError}
    for (name, made), array in product(plain.items(), ("reg_a", "reg_b", "reg_c", "reg_tie")):
        module.add(name, "regression", array, {}, lambda x: made()(x["target"], x["pred"]))
    for array, delta in product(("reg_a", "reg_b", "reg_tie"), (1.0, 0.5)):
        module.add("huber", "regression", array, {"delta": delta}, lambda x: losses.Huber(delta)(x["target"], x["pred"]))
    for array in ("reg_a", "reg_b"):
        at = {"pred": f"{array}_rate", "target": f"{array}_count"}
        module.add("poisson", "regression", at, {}, lambda x: losses.Poisson()(x["target"], x["pred"]))
        for name in ("mean_squared_logarithmic_error", "msle"):
            module.add(name, "regression", at, {}, lambda x: losses.MeanSquaredLogarithmicError()(x["target"], x["pred"]))
            signed = {"pred": f"{array}_pred", "target": f"{array}_count"}
            module.add(name, "regression", signed, {}, lambda x: losses.MeanSquaredLogarithmicError()(x["target"], x["pred"]))
    for array in ("vec_a", "vec_b", "vec_c"):
        module.add("cosine_similarity", "vectors", array, {}, lambda x: losses.CosineSimilarity()(x["target"], x["pred"]),
                   diff=("pred", "target"))


def exclusive(module):
    for array in ("a", "d", "one"):
        at = {"logits": {"pred": f"logits_{array}", "target": f"soft_{array}"}, "probs": {"pred": f"chances_{array}", "target": f"soft_{array}"}}
        kinds = {"logits": "soft", "probs": SOFT_PROBS}
        for form, smoothing in product(("logits", "probs"), (0.0, 0.2)):
            given = {"from_logits": form == "logits", "label_smoothing": smoothing}
            module.add("categorical_crossentropy", kinds[form], at[form], {"label_smoothing": smoothing},
                       lambda x: losses.CategoricalCrossentropy(**given)(last(x["target"]), last(x["pred"])))
            for alpha, gamma in ((0.25, 2.0), (W[: classes(array)], 1.5)):
                options = {"alpha": alpha, "gamma": gamma, "label_smoothing": smoothing}
                module.add("categorical_focal_crossentropy", kinds[form], at[form], options,
                           lambda x: losses.CategoricalFocalCrossentropy(**options, from_logits=form == "logits")(
                               last(x["target"]), last(x["pred"])))
        for form in ("logits", "probs"):
            kind = "multiclass" if form == "logits" else LABEL_PROBS
            labels = {**at[form], "target": f"labels_{array}"}
            module.add("sparse_categorical_crossentropy", kind, labels, {},
                       lambda x: losses.SparseCategoricalCrossentropy(from_logits=form == "logits")(x["target"], last(x["pred"])))
        for q in (0.5, 0.9):
            module.add("categorical_generalized_cross_entropy", LABEL_PROBS, {**at["probs"], "target": f"labels_{array}"}, {"q": q},
                       lambda x: losses.CategoricalGeneralizedCrossEntropy(q)(x["target"], last(x["pred"])))
        module.add("kl_divergence", SOFT_PROBS, at["probs"], {}, lambda x: losses.KLDivergence()(last(x["target"]), last(x["pred"])))
        module.add("kl_divergence", "soft", at["logits"], {},
                   lambda x: losses.KLDivergence()(last(x["target"]), last(x["pred"].softmax(1))))
        module.add("categorical_hinge", "multiclass", array, {}, lambda x: losses.CategoricalHinge()(hot(x), last(x["pred"])))
        module.add("categorical_hinge", "soft", at["logits"], {},
                   lambda x: losses.CategoricalHinge()(last(x["target"]), last(x["pred"])))


def labels(module):
    for array in ("ml_a", "ml_b", "ml_one"):
        at = {"logits": {"pred": f"logits_{array}", "target": f"mask_{array}"}, "probs": {"pred": f"chance_{array}", "target": f"mask_{array}"}}
        kinds = {"logits": "multilabel", "probs": MULTILABEL_PROBS}
        for form, smoothing in product(("logits", "probs"), (0.0, 0.2)):
            logits = form == "logits"
            module.add("binary_crossentropy", kinds[form], at[form], {"label_smoothing": smoothing},
                       lambda x: losses.BinaryCrossentropy(from_logits=logits, label_smoothing=smoothing)(x["target"], x["pred"]))
            for balanced, gamma in product((False, True), (2.0, 1.5)):
                options = {"apply_class_balancing": balanced, "gamma": gamma, "label_smoothing": smoothing}
                module.add("binary_focal_crossentropy", kinds[form], at[form], options,
                           lambda x: losses.BinaryFocalCrossentropy(from_logits=logits, **options)(x["target"], x["pred"]))
        for name, made in (("hinge", losses.Hinge), ("squared_hinge", losses.SquaredHinge)):
            module.add(name, "multilabel", array, {}, lambda x: made()(x["target"], x["pred"]))


def overlap(module):
    for array in ("a", "f", "e", "one", "ml_a"):
        labels = array.startswith("ml")
        kind = "multilabel" if labels else "multiclass"

        def operands(x):
            return (last(x["target"]), last(x["pred"].sigmoid())) if labels else (hot(x), last(x["pred"].softmax(1)))
        axes = tuple(range(1, 2 if array == "e" else 3))
        for axis, words in ((None, None), (axes, Word("space")), ((0, *axes), Word("[batch, space]"))):
            option = {"over": words} if words else {}
            module.add("dice", kind, array, option, lambda x: losses.Dice(axis=axis)(*operands(x)))
            for alpha, beta in ((0.5, 0.5), (0.3, 0.9)):
                module.add("tversky", kind, array, {"alpha": alpha, "beta": beta, **option},
                           lambda x: losses.Tversky(alpha, beta, axis=axis)(*operands(x)))


def circle(module):
    kind = {"pred": "real[N, D]", "target": "labels[N] of C"}
    for diagonal, gamma in product((True, False), (80.0, 4.0)):
        options = {"gamma": gamma, "margin": 0.25, "remove_diagonal": diagonal}
        module.add("circle", kind, {"pred": "units", "target": "groups"}, options,
                   lambda x: losses.Circle(**options)(x["target"], x["pred"]))
