//! What a spec means: every name resolved, every call expanded, a type on every expression.
//!
//! **Invariant**: a [`Hir`] exists only if there were no errors. Expressions form a graph without
//! repetition: equal expressions have one id. Axes are names; nothing is broadcast explicitly.

use super::axes::{Axes, AxisId};
use super::ty::Ty;
use crate::arena::id;
use crate::ir::{Edge, Grid, MapOp, OrderOp, ReduceOp};
use crate::signature::Bounds;
use crate::source::Span;

id! {
    /// An expression of a [`Hir`].
    ExprId, "e"
}

/// A checked spec.
#[derive(Clone, Debug)]
pub struct Hir {
    /// All axes.
    pub axes: Axes,
    /// What is bound when the spec runs, in the order of the text.
    pub inputs: Vec<Input>,
    /// The expressions, operands before users.
    pub exprs: Vec<Expr>,
    /// The summands of what is minimized, and the declared terms.
    pub terms: Vec<Term>,
    /// What is reported besides.
    pub reports: Vec<Report>,
    /// What is minimized: a real scalar.
    pub total: ExprId,
    /// Which positions count for nothing.
    pub ignore: Option<Ignore>,
    /// Inputs that are declared and not used.
    pub unused: Vec<String>,
    /// Scalars whose range is known only when they are bound.
    pub checks: Vec<RangeCheck>,
    /// Whether the meaning depends on how many axes the packs hold; then the spec was checked for
    /// the numbers that [`Axes`] tells.
    pub ranks_matter: bool,
}

impl Hir {
    /// The expression with this id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }
}

/// Something that is bound when the spec runs.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// The doc comment.
    pub doc: Option<String>,
    /// Its type.
    pub ty: Ty,
    /// What is bound.
    pub source: InputSource,
}

/// What is bound to an input.
#[derive(Clone, Debug)]
pub enum InputSource {
    /// A tensor with these axes, in the order of its memory.
    Tensor(Vec<InputAxis>),
    /// A number that must be given.
    Scalar,
    /// A number with a default.
    Param {
        /// The value when none is given.
        default: f64,
        /// What it may be.
        range: Option<Bounds>,
        /// Whether it must be a whole number.
        integer: bool,
    },
}

/// An axis of the tensor that is bound to an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InputAxis {
    /// One axis.
    Axis(AxisId),
    /// Any number of axes. They are one flat axis, unless the number matters.
    Pack {
        /// The name without dots.
        name: String,
        /// The axes: one if `flat`, else as many as the tensor has.
        axes: Vec<AxisId>,
        /// Whether all are seen as one.
        flat: bool,
    },
    /// An axis without a name, of size 1.
    One,
}

/// The rule of a spec for positions that count for nothing.
#[derive(Clone, Debug)]
pub struct Ignore {
    /// Where it holds, nothing counts: a condition over batch and space axes of inputs, computed of
    /// the tensors as they are bound.
    pub condition: ExprId,
    /// Whether NaN comes out where nothing is left, and not 0.
    pub strict: bool,
    /// The item in the text.
    pub span: Span,
}

/// A scalar that must lie in a range, which can be told only when inputs are bound.
#[derive(Clone, Debug)]
pub struct RangeCheck {
    /// The scalar.
    pub value: ExprId,
    /// Where it must lie.
    pub range: Bounds,
    /// Whose range it is: ``option `smooth` of `dice` ``.
    pub what: String,
    /// Where the value is given.
    pub span: Span,
}

/// A part of the loss that is reported by name.
#[derive(Clone, Debug)]
pub struct Term {
    /// Its name, unique in the spec.
    pub name: String,
    /// Its value before weighting, a scalar.
    pub value: ExprId,
    /// Its factor in the total, a scalar; `None` where it enters otherwise than by a factor.
    pub weight: Option<ExprId>,
    /// Where it stands.
    pub span: Span,
}

/// A number that is reported and not minimized.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its name, unique in the spec.
    pub name: String,
    /// Its value, a scalar.
    pub value: ExprId,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it does.
    pub kind: ExprKind,
    /// What it gives.
    pub ty: Ty,
    /// Which text of the user's file it stands for.
    pub span: Span,
    /// Whether it depends on a tensor input, and not on scalars alone.
    pub tensor: bool,
    /// Whether the user wrote it, in the spec or in a definition of it, and not only the library.
    pub written: bool,
}

/// A conversion that the checker inserts; it loses nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Conversion {
    /// Logits over classes to probabilities.
    Softmax(AxisId),
    /// Logits over classes to log-probabilities.
    LogSoftmax(AxisId),
    /// Logits of independent questions to probabilities.
    Sigmoid,
    /// Logits of independent questions to log-probabilities.
    LogSigmoid,
    /// Labels to one-hot.
    OneHot(AxisId),
    /// Probabilities to their logs.
    Log,
    /// Log-probabilities to probabilities.
    Exp,
    /// Integers and booleans to numbers.
    Float,
    /// The same numbers as another kind.
    Same,
}

/// The forms of typed expressions. Axis lists are sorted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ExprKind {
    /// A number, a boolean (0 or 1) or an integer: the bits of an f64.
    Const(u64),
    /// Numbers written in the spec, in row-major order over the axes of the type.
    Table(Vec<u64>),
    /// An input, by its number.
    Input(u32),
    /// An elementwise operation; operands are broadcast by name.
    Map(MapOp, Vec<ExprId>),
    /// A reduction.
    Reduce(ReduceOp, Vec<AxisId>, ExprId),
    /// Σ x / number of elements; 0 of nothing.
    Mean(Vec<AxisId>, ExprId),
    /// Σ w·x / Σ w over the axes, where w is repeated along the axes of x; 0 where Σ w = 0.
    WeightedMean(Vec<AxisId>, ExprId, ExprId),
    /// exp(x) / Σ exp(x).
    Softmax(AxisId, ExprId),
    /// log(softmax).
    LogSoftmax(AxisId, ExprId),
    /// The position of the largest.
    ArgMax(AxisId, ExprId),
    /// The entry at the label.
    Pick(AxisId, ExprId, ExprId),
    /// 1 at the label, else 0.
    OneHot(AxisId, ExprId),
    /// 0, 1, 2, … along an axis.
    Index(AxisId),
    /// The number of elements over the axes.
    Size(Vec<AxisId>),
    /// The entry at a fixed position.
    At(AxisId, i64, ExprId),
    /// A stretch of an axis.
    Slice {
        /// The axis of the operand.
        from: AxisId,
        /// The axis of the result.
        to: AxisId,
        /// Where it begins.
        start: i64,
        /// The operand.
        arg: ExprId,
    },
    /// An axis under another name.
    Rename {
        /// The axis of the operand.
        from: AxisId,
        /// The axis of the result.
        to: AxisId,
        /// The operand.
        arg: ExprId,
    },
    /// The entries of another axis that those of an axis stand for.
    Resize {
        /// The axis of the operand.
        from: AxisId,
        /// The axis of the result.
        to: AxisId,
        /// Which entries stand for which.
        grid: Grid,
        /// The operand.
        arg: ExprId,
    },
    /// The means of blocks of so many entries along axes, each with that of the result.
    Coarsen(Vec<(AxisId, AxisId)>, usize, ExprId),
    /// Entry i is entry i − by of the operand.
    Shift(AxisId, i64, ShiftEdge, ExprId),
    /// What a window makes of the entries around each one, along the axes.
    Window(Window, Vec<AxisId>, ExprId),
    /// Σ a·b over the axes.
    Dot(Vec<AxisId>, ExprId, ExprId),
    /// An operation along axes seen as one, with its operands.
    Order(OrderOp, Vec<AxisId>, Vec<ExprId>),
    /// The distance to the nearest position where the operand does not hold, along axes, each with
    /// the bits of its spacing.
    Distance(Vec<(AxisId, u64)>, ExprId),
    /// The operand repeated along the axes of the type that it lacks.
    Expand(ExprId),
    /// The operand without gradient.
    StopGrad(ExprId),
    /// A conversion.
    Convert(Conversion, ExprId),
}

/// A window that lies around each entry in turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Window {
    /// What it makes of the entries in it.
    pub of: WindowOf,
    /// How many entries it holds along each axis: an odd number.
    pub size: usize,
    /// Which entries those are.
    pub shape: WindowShape,
    /// What it finds outside the tensor.
    pub edge: WindowEdge,
}

/// What a window makes of its entries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WindowOf {
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The mean.
    Average,
    /// The mean, weighted by exp(−d²/2σ²) at distance d; the bits of σ.
    Gaussian(u64),
}

impl WindowOf {
    /// The function of the language.
    pub fn name(self) -> &'static str {
        match self {
            WindowOf::Max => "max_pool",
            WindowOf::Min => "min_pool",
            WindowOf::Average => "avg_pool",
            WindowOf::Gaussian(_) => "gaussian",
        }
    }

    /// Whether it is the largest or the smallest.
    pub fn is_extremum(self) -> bool {
        matches!(self, WindowOf::Max | WindowOf::Min)
    }
}

/// Which entries a window along several axes holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WindowShape {
    /// All that are near along every axis.
    Box,
    /// Those that are near along one axis and at the same place along the others.
    Cross,
}

impl WindowShape {
    /// Every shape.
    pub const ALL: &'static [WindowShape] = &[WindowShape::Box, WindowShape::Cross];

    /// The word in the language.
    pub fn name(self) -> &'static str {
        match self {
            WindowShape::Box => "box",
            WindowShape::Cross => "cross",
        }
    }
}

/// What a window finds outside the tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WindowEdge {
    /// Nothing: averages are over what is there.
    Absent,
    /// Zeros.
    Zero,
    /// The nearest entry.
    Clamp,
    /// The other end.
    Wrap,
}

impl WindowEdge {
    /// The word in the language.
    pub fn name(self) -> &'static str {
        match self {
            WindowEdge::Absent => "absent",
            WindowEdge::Zero => "zero",
            WindowEdge::Clamp => "clamp",
            WindowEdge::Wrap => "wrap",
        }
    }
}

/// [`Edge`], so that this module's users need not name `ir`.
pub type ShiftEdge = Edge;
