//! Kinds and types, and how they are written in messages.

use super::axes::{Axes, AxisId};

/// How classes lie along an operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Classes {
    /// One yes/no question, no class axis.
    None,
    /// Mutually exclusive classes.
    Over(AxisId),
    /// Independent yes/no questions.
    Per(AxisId),
}

/// What the numbers of a value mean.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Unnormalised scores.
    Logits(Classes),
    /// Probabilities.
    Probs(Classes),
    /// Logarithms of probabilities.
    LogProbs(Classes),
    /// Class numbers.
    Labels(AxisId),
    /// 0/1 along an axis, summing to 1.
    OneHot(AxisId),
    /// 0/1, or soft values between.
    Mask(Option<AxisId>),
    /// Any numbers.
    Real,
    /// True or false.
    Bool,
    /// Counts, positions.
    Int,
}

impl Kind {
    /// The word in the language.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Logits(_) => "logits",
            Kind::Probs(_) => "probs",
            Kind::LogProbs(_) => "log_probs",
            Kind::Labels(_) => "labels",
            Kind::OneHot(_) => "onehot",
            Kind::Mask(_) => "mask",
            Kind::Real => "real",
            Kind::Bool => "bool",
            Kind::Int => "int",
        }
    }

    /// The axis that its classes lie along, or are numbers of.
    pub fn class_axis(self) -> Option<AxisId> {
        match self {
            Kind::Logits(classes) | Kind::Probs(classes) | Kind::LogProbs(classes) => match classes
            {
                Classes::None => None,
                Classes::Over(axis) | Classes::Per(axis) => Some(axis),
            },
            Kind::Labels(axis) | Kind::OneHot(axis) => Some(axis),
            Kind::Mask(axis) => axis,
            Kind::Real | Kind::Bool | Kind::Int => None,
        }
    }

    /// Whether the elements are floating point numbers between 0 and 1.
    pub fn is_unit(self) -> bool {
        matches!(self, Kind::Probs(_) | Kind::OneHot(_) | Kind::Mask(_))
    }

    /// Whether the elements are floating point numbers.
    pub fn is_float(self) -> bool {
        !matches!(self, Kind::Labels(_) | Kind::Bool | Kind::Int)
    }
}

/// The type of an expression: a kind and the axes, in the order in which they are written.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ty {
    /// What the numbers mean.
    pub kind: Kind,
    /// What they are indexed by.
    pub axes: Vec<AxisId>,
}

impl Ty {
    /// A kind over axes.
    pub fn new(kind: Kind, axes: Vec<AxisId>) -> Ty {
        Ty { kind, axes }
    }

    /// A single number.
    pub fn scalar() -> Ty {
        Ty::new(Kind::Real, Vec::new())
    }

    /// Whether it is a single value.
    pub fn is_scalar(&self) -> bool {
        self.axes.is_empty()
    }

    /// The type as written in a spec: `logits[N, C, ...S] over C`.
    pub fn show(&self, axes: &Axes) -> String {
        if *self == Ty::scalar() {
            return "scalar".to_string();
        }
        let mut text = format!("{}{}", self.kind.word(), show_axes(&self.axes, axes));
        let name = |axis: AxisId| axes.get(axis).name.clone();
        match self.kind {
            Kind::Logits(classes) | Kind::Probs(classes) | Kind::LogProbs(classes) => match classes
            {
                Classes::None => {}
                Classes::Over(axis) => text += &format!(" over {}", name(axis)),
                Classes::Per(axis) => text += &format!(" per {}", name(axis)),
            },
            Kind::Labels(axis) => text += &format!(" of {}", name(axis)),
            Kind::OneHot(axis) => text += &format!(" over {}", name(axis)),
            Kind::Mask(Some(axis)) => text += &format!(" per {}", name(axis)),
            Kind::Mask(None) | Kind::Real | Kind::Bool | Kind::Int => {}
        }
        text
    }
}

/// `[N, C, ...S]`.
pub fn show_axes(list: &[AxisId], axes: &Axes) -> String {
    let names: Vec<&str> = list.iter().map(|&a| axes.get(a).name.as_str()).collect();
    format!("[{}]", names.join(", "))
}
