//! What a compiled spec takes: its inputs, and the facts about dims that binding must respect.
//!
//! Made by `lower`, used by `run`; knows the graph's dims, places in the text and diagnostics, nothing else.

use crate::diag::{Code, Diagnostic};
use crate::ir::{DimId, Elem};
use crate::source::Span;

/// The inputs and dims of a spec.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// One for each input of the graph, in its order.
    pub slots: Vec<Slot>,
    /// One for each dim of the graph, in its order.
    pub dims: Vec<DimFact>,
    /// Inputs that the spec declares and does not use: binding them is no mistake.
    pub unused: Vec<String>,
}

/// An input.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Its type as written.
    pub ty: String,
    /// The doc comment.
    pub doc: Option<String>,
    /// What is bound.
    pub what: What,
}

/// What is bound to an input.
#[derive(Clone, Debug)]
pub enum What {
    /// A tensor.
    Tensor {
        /// Its axes in the order of its memory.
        axes: Vec<InputDim>,
        /// The class of its elements.
        elem: Elem,
        /// Which element types make sense.
        numbers: Numbers,
    },
    /// A number that must be given.
    Scalar,
    /// A number with a default.
    Param {
        /// The value when none is given.
        default: f64,
        /// What it may be.
        range: Option<Bounds>,
        /// Whether it must be whole.
        integer: bool,
    },
}

/// Which element types a tensor may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Numbers {
    /// Floats only: scores, probabilities.
    Floats,
    /// Integers only: labels of the classes along a dim, counts.
    Integers {
        /// The dim whose size bounds the labels.
        classes: Option<DimId>,
    },
    /// Floats, integers or booleans: masks, weights.
    Any,
}

/// A range of numbers; a missing bound is infinite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bounds {
    /// Lower bound and whether it belongs to the range.
    pub low: Option<(f64, bool)>,
    /// Upper bound and whether it belongs to the range.
    pub high: Option<(f64, bool)>,
}

impl Bounds {
    /// Whether `x` is in the range; NaN is in none.
    pub fn contains(&self, x: f64) -> bool {
        let above = self
            .low
            .is_none_or(|(b, closed)| if closed { x >= b } else { x > b });
        let below = self
            .high
            .is_none_or(|(b, closed)| if closed { x <= b } else { x < b });
        above && below && !x.is_nan()
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.low, self.high) {
            (Some((a, true)), None) => write!(f, ">= {a}"),
            (Some((a, false)), None) => write!(f, "> {a}"),
            (None, Some((b, true))) => write!(f, "<= {b}"),
            (None, Some((b, false))) => write!(f, "< {b}"),
            (Some((a, closed_a)), Some((b, closed_b))) => {
                let open = if closed_a { '[' } else { '(' };
                let close = if closed_b { ']' } else { ')' };
                write!(f, "in {open}{a}, {b}{close}")
            }
            (None, None) => write!(f, "any"),
        }
    }
}

/// An axis, or several, of a tensor that is bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InputDim {
    /// One axis, one dim.
    One(DimId),
    /// Any number of axes, seen as one dim; the name of the pack.
    Flat(String, DimId),
    /// Several axes, each its own dim; the name of the pack.
    Pack(String, Vec<DimId>),
    /// An axis of size 1 that the graph does not have.
    Dropped,
}

/// What is known of a dim besides its size.
#[derive(Clone, Debug)]
pub struct DimFact {
    /// The name in the spec.
    pub name: String,
    /// The size that the spec fixes, the place that does, and the reason.
    pub fixed: Option<(usize, Span, String)>,
    /// Where a softmax runs along it, which needs more than one entry.
    pub softmax: Option<Span>,
    /// The least size with which every position in the spec exists, and the place of one.
    pub least: Option<(usize, Span)>,
}

/// A scalar whose range is checked when inputs are bound.
#[derive(Clone, Debug)]
pub struct Check {
    /// Where it must lie.
    pub range: Bounds,
    /// Whose range it is.
    pub what: String,
    /// Where the value is written.
    pub span: Span,
}

/// The message for a softmax along an axis of size 1.
pub fn one_class(axis: &str) -> Diagnostic {
    Diagnostic::error(
        Code::OneClass,
        format!("a softmax over the single class of `{axis}` is always 1"),
    )
    .note("the loss would not depend on the network's output")
    .help("for one yes/no question declare `logits[N, ...S]` and a `mask[N, ...S]`: `task binary`")
}
