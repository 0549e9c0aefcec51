//! The words of other libraries, and what the same is called here: names of losses and functions,
//! and names of options. Messages alone use them; no such word means anything in a spec.

use crate::diag::nearest;

/// What losses and functions are called elsewhere: without underscores, in lower case, and without
/// the word `loss` at the end.
const CALLABLES: &[(&str, &str)] = &[
    ("crossentropy", "ce"),
    ("categoricalcrossentropy", "ce"),
    ("sparsecategoricalcrossentropy", "ce"),
    ("softmaxcrossentropy", "ce"),
    ("softmaxcrossentropywithlogits", "ce"),
    ("xent", "ce"),
    ("logloss", "ce"),
    ("weightedcrossentropy", "wce"),
    ("softcrossentropy", "soft_ce"),
    ("negativeloglikelihood", "nll"),
    ("bcewithlogits", "bce"),
    ("binarycrossentropy", "bce"),
    ("binarycrossentropywithlogits", "bce"),
    ("sigmoidcrossentropy", "bce"),
    ("sigmoidbinarycrossentropy", "bce"),
    ("softdice", "dice"),
    ("dicecoefficient", "dice_score"),
    ("dicecoef", "dice_score"),
    ("f1", "dice_score"),
    ("iou", "jaccard"),
    ("softiou", "jaccard"),
    ("miou", "mean_iou"),
    ("meaniou", "mean_iou"),
    ("gdl", "generalized_dice"),
    ("generaliseddice", "generalized_dice"),
    ("focalce", "focal"),
    ("sigmoidfocal", "focal"),
    ("softmaxfocal", "focal"),
    ("binaryfocal", "focal"),
    ("meansquarederror", "mse"),
    ("l2", "mse"),
    ("squarederror", "mse"),
    ("l1", "mae"),
    ("meanabsoluteerror", "mae"),
    ("absoluteerror", "mae"),
    ("smoothl1", "smooth_l1"),
    ("pinball", "quantile"),
    ("kldiv", "kl"),
    ("kldivergence", "kl"),
    ("kullbackleibler", "kl"),
    ("jensenshannon", "js"),
    ("totalvariation", "tv"),
    ("cosinesimilarity", "cosine"),
    ("cosineembedding", "cosine"),
    ("tripletmargin", "triplet"),
    ("generalizedboxiou", "giou"),
    ("completeboxiou", "ciou"),
    ("distanceboxiou", "diou"),
    ("power", "pow"),
    ("ln", "log"),
    ("average", "mean"),
    ("reducesum", "sum"),
    ("reducemean", "mean"),
    ("reducemax", "max"),
    ("amax", "max"),
    ("amin", "min"),
    ("maximum", "max"),
    ("minimum", "min"),
    ("clip", "clamp"),
    ("gather", "pick"),
    ("takealong", "pick"),
    ("detach", "stop_grad"),
    ("stopgradient", "stop_grad"),
    ("nograd", "stop_grad"),
    ("lse", "logsumexp"),
    ("logsoftmax", "log_softmax"),
    ("roll", "shift"),
    ("einsum", "dot"),
    ("matmul", "dot"),
    ("fabs", "abs"),
    ("numel", "size"),
    ("shape", "size"),
    ("len", "size"),
];

/// What is called `name` elsewhere, as it is called here.
pub fn callable(name: &str) -> Option<&'static str> {
    let bare = name.to_lowercase().replace('_', "");
    let here = |bare: &str| {
        let row = CALLABLES.iter().find(|(there, _)| *there == bare);
        row.map(|(_, here)| *here)
    };
    here(&bare).or_else(|| here(bare.strip_suffix("loss")?))
}

/// A name without what other libraries put at its end: `dice` of `dice_loss`, `DiceLoss`.
pub fn without_suffix(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let bare = lower.strip_suffix("loss")?.trim_end_matches('_');
    (!bare.is_empty()).then(|| bare.to_string())
}

/// A group of words for one thing.
struct Words {
    /// What others write.
    there: &'static [&'static str],
    /// The options that mean it, the likeliest first.
    here: &'static [&'static str],
    /// What to do where there is no such option.
    help: &'static str,
}

const OPTIONS: &[Words] = &[
    Words {
        there: &[
            "weights",
            "class_weight",
            "class_weights",
            "cls_weight",
            "ce_weight",
            "w",
        ],
        here: &["weight"],
        help: "it has no weights for classes; a weight for the whole loss stands before it: `0.5*dice()`",
    },
    Words {
        there: &[
            "weight",
            "loss_weight",
            "loss_weights",
            "coef",
            "coefficient",
            "lambda",
            "scale",
        ],
        here: &[],
        help: "a weight for the whole loss stands before it: `0.5*dice()`",
    },
    Words {
        there: &[
            "eps",
            "epsilon",
            "smoothing",
            "smooth_factor",
            "smooth_value",
            "laplace",
        ],
        here: &["smooth", "eps"],
        help: "it has nothing to smooth: it is computed without such a number",
    },
    Words {
        there: &["label_smoothing", "label_smooth", "ls"],
        here: &["smoothing"],
        help: "it does not smooth labels; `ce(smoothing=0.1)` does",
    },
    Words {
        there: &["reduction", "reduce", "size_average"],
        here: &["reduce"],
        help: "its value is the mean over samples and classes",
    },
    Words {
        there: &[
            "sample_weight",
            "sample_weights",
            "weight_map",
            "pixel_weights",
            "mask",
            "weight_mask",
        ],
        here: &["pixel_weight"],
        help: "it has no weights for positions",
    },
    Words {
        there: &["positive_weight", "pos_weights"],
        here: &["pos_weight"],
        help: "`bce(pos_weight=…)` weighs what is positive",
    },
    Words {
        there: &[
            "include_background",
            "ignore_background",
            "exclude_background",
            "skip_background",
        ],
        here: &["background"],
        help: "select the classes that count: `on (pred[C=1..], …)`",
    },
    Words {
        there: &[
            "squared_pred",
            "denominator_squared",
            "squared_denominator",
            "square",
        ],
        here: &["squared"],
        help: "",
    },
    Words {
        there: &[
            "per_image",
            "per_sample",
            "per_channel",
            "batch_dice",
            "batch",
            "batchwise",
            "reduce_axis",
        ],
        here: &[],
        help: "`over` says what one value goes over: `over=space` each sample for itself, `over=[batch, space]` the batch as one",
    },
    Words {
        there: &["dim", "dims", "axis", "axes", "reduce_dims", "class_dim"],
        here: &[],
        help: "which axis holds what is said by the types of the inputs: `logits[N, C, H, W] over C`",
    },
    Words {
        there: &["keepdim", "keepdims", "keep_dims"],
        here: &[],
        help: "axes are matched by name, so none has to be kept",
    },
    Words {
        there: &["q", "tau", "quantile", "level"],
        here: &["q"],
        help: "",
    },
    Words {
        there: &["beta", "delta", "threshold"],
        here: &["delta", "beta"],
        help: "",
    },
    Words {
        there: &[
            "from_logits",
            "logits",
            "with_logits",
            "use_sigmoid",
            "sigmoid",
            "softmax",
            "apply_softmax",
            "apply_sigmoid",
            "activation",
            "act",
            "other_act",
            "apply_nonlin",
            "normalize",
            "multiclass",
            "multilabel",
            "mode",
        ],
        here: &[],
        help: "the type of an input says what its numbers are: declare `logits … over C` (softmax), `logits … per C` (sigmoid) or `probs …`",
    },
    Words {
        there: &["to_onehot_y", "onehot", "one_hot"],
        here: &[],
        help: "labels become one-hot where that is needed",
    },
    Words {
        there: &["num_classes", "n_classes", "nclass", "classes", "n_class"],
        here: &[],
        help: "the number of classes is the size of their axis; `axis C = 4` fixes it",
    },
    Words {
        there: &[
            "ignore_index",
            "ignore_label",
            "ignore_value",
            "ignore_class",
            "ignore",
            "void_index",
            "valid_mask",
        ],
        here: &[],
        help: "what does not count is said once, for every term, as an item: `ignore target == 255`",
    },
    Words {
        there: &["device", "dtype", "requires_grad"],
        here: &[],
        help: "precision and device are those of the tensors that are bound",
    },
    Words {
        there: &["name"],
        here: &[],
        help: "a loss gets a name as a term: `term region = dice()`",
    },
];

/// What the usual inputs are called elsewhere.
const INPUTS: &[(&str, &[&str])] = &[
    (
        "pred",
        &[
            "y_pred",
            "y_hat",
            "yhat",
            "preds",
            "prediction",
            "predictions",
            "predicted",
            "logits",
            "logit",
            "output",
            "outputs",
            "scores",
            "probs",
            "x",
        ],
    ),
    (
        "target",
        &[
            "y_true",
            "y",
            "targets",
            "label",
            "labels",
            "gt",
            "ground_truth",
            "truth",
            "mask",
            "true",
        ],
    ),
];

/// The usual input that `name` is elsewhere.
pub fn input(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let row = INPUTS
        .iter()
        .find(|(_, there)| there.contains(&name.as_str()));
    row.map(|(here, _)| *here)
}

/// What kinds are called elsewhere.
const KINDS: &[(&str, &[&str])] = &[
    (
        "real",
        &[
            "tensor", "float", "float32", "float64", "double", "number", "image", "array",
        ],
    ),
    ("int", &["integer", "long", "int64", "int32", "uint8"]),
    (
        "labels",
        &["label", "classes", "segmentation", "indices", "categorical"],
    ),
    (
        "probs",
        &["prob", "probabilities", "probability", "softmax", "sigmoid"],
    ),
    ("log_probs", &["logprobs", "log_softmax", "logsoftmax"]),
    ("logits", &["scores", "score", "output"]),
    ("mask", &["binary", "multilabel"]),
    ("onehot", &["one_hot"]),
    ("bool", &["boolean"]),
];

/// The kind that `name` is elsewhere.
pub fn kind(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let row = KINDS
        .iter()
        .find(|(_, there)| there.contains(&name.as_str()));
    row.map(|(here, _)| *here)
}

/// What to do about an option that is called otherwise elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// It is this option.
    Rename(&'static str),
    /// In words.
    Say(&'static str),
}

/// What `key` of another library is, where there are these options.
pub fn option(key: &str, options: &[&str]) -> Option<Advice> {
    let key = key.to_lowercase();
    let words = || OPTIONS.iter().flat_map(|words| words.there.iter().copied());
    // A word of another library may be misspelt too.
    let near = nearest(&key, options.iter().copied().chain(words()));
    let key = match near {
        Some(word) if !options.contains(&word) => word.to_string(),
        _ => key,
    };
    let groups = || {
        OPTIONS
            .iter()
            .filter(|words| words.there.contains(&key.as_str()))
    };
    let renamed = groups().find_map(|words| words.here.iter().find(|o| options.contains(o)));
    match renamed {
        Some(here) => Some(Advice::Rename(here)),
        None => {
            let help = groups()
                .map(|words| words.help)
                .find(|help| !help.is_empty());
            help.map(Advice::Say)
        }
    }
}

/// Whether an option elsewhere says along which axes.
pub fn is_axes(option: &str) -> bool {
    ["dim", "dims", "axis", "axes"].contains(&option)
}
