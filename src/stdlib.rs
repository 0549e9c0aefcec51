//! The text of the standard library, embedded: one row for each file under `specs/std`.

/// A file of the library: its name in messages, and its text.
pub struct Module {
    /// `std/overlap.loss`
    pub name: &'static str,
    /// The whole text.
    pub text: &'static str,
}

macro_rules! modules {
    ($name:ident: $($file:literal)*) => {
        /// Files of the library.
        pub const $name: &[Module] = &[
            $(Module {
                name: concat!("std/", $file, ".loss"),
                text: include_str!(concat!("../specs/std/", $file, ".loss")),
            }),*
        ];
    };
}

modules! { MODULES:
    "reduce" "overlap" "compound" "cross_entropy" "binary" "order" "distance" "regression" "divergence"
    "box" "metric" "field" "image" "adversarial" "reports" "schedules"
}

modules! { TASKS:
    "task/multiclass" "task/multilabel" "task/binary" "task/regression"
}
