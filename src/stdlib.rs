//! The text of the standard library, embedded: one row for each file under `specs/std`, and for each
//! of the modules under `specs/compat`.

/// A file of the library: its name in messages, and its text.
pub struct Module {
    /// `std/overlap.loss`
    pub name: &'static str,
    /// The whole text.
    pub text: &'static str,
}

macro_rules! modules {
    ($name:ident, $folder:literal: $($file:literal)*) => {
        /// Files of the library.
        pub const $name: &[Module] = &[
            $(Module {
                name: concat!($folder, "/", $file, ".loss"),
                text: include_str!(concat!("../specs/", $folder, "/", $file, ".loss")),
            }),*
        ];
    };
}

modules! { MODULES, "std":
    "reduce" "overlap" "compound" "cross_entropy" "binary" "order" "distance" "regression" "divergence"
    "box" "metric" "field" "image" "adversarial" "reports" "schedules"
}

modules! { TASKS, "std/task":
    "multiclass" "multilabel" "binary" "regression"
}

modules! { COMPAT, "compat":
    "torch" "torchvision" "monai" "smp" "nnunet" "mmseg" "kornia" "timm" "keras" "optax"
}
