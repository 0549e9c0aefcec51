//! Where the value of an expression can lie, and whether it is ever 0.
//!
//! A bound is *attained* if there surely are inputs for which the value is there. A real number is 0
//! by coincidence only, and that is not counted; a mask, a label, a count, a probability and what is
//! cut off at 0 are 0 as a matter of course. Whatever is in doubt counts as not attained, so that
//! the lints built on this stay silent.

use crate::hir::{
    AxisId, Classes, Conversion, Expr, ExprId, ExprKind, Hir, InputSource, Kind, WindowEdge,
    operands,
};
use crate::ir::{Edge, MapOp, OrderOp, ReduceOp};

/// The values that an expression can have.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Range {
    pub low: f64,
    /// Whether `low` is attained.
    pub low_in: bool,
    pub high: f64,
    /// Whether `high` is attained.
    pub high_in: bool,
    /// Whether 0 is attained.
    pub zero: bool,
}

impl Range {
    const ANY: Range = Range::open(f64::NEG_INFINITY, f64::INFINITY);
    /// What is 0 and 1 as a matter of course.
    const UNIT: Range = Range::closed(0.0, 1.0);

    const fn open(low: f64, high: f64) -> Range {
        Range {
            low,
            low_in: false,
            high,
            high_in: false,
            zero: false,
        }
    }

    const fn closed(low: f64, high: f64) -> Range {
        Range {
            low,
            low_in: true,
            high,
            high_in: true,
            zero: low == 0.0 || high == 0.0,
        }
    }

    /// With `zero` as far as the bounds tell it; bounds that are no numbers tell nothing.
    fn settled(mut self) -> Range {
        if self.low.is_nan() || self.high.is_nan() || self.low > self.high {
            return Range::ANY;
        }
        self.low_in |= self.zero && self.low == 0.0;
        self.high_in |= self.zero && self.high == 0.0;
        self.zero |= (self.low == 0.0 && self.low_in) || (self.high == 0.0 && self.high_in);
        self
    }

    fn or(self, other: Range) -> Range {
        let low_in =
            (self.low_in && self.low <= other.low) || (other.low_in && other.low <= self.low);
        let high_in =
            (self.high_in && self.high >= other.high) || (other.high_in && other.high >= self.high);
        Range {
            low: self.low.min(other.low),
            low_in,
            high: self.high.max(other.high),
            high_in,
            zero: self.zero || other.zero,
        }
    }

    fn negated(self) -> Range {
        Range {
            low: -self.high,
            low_in: self.high_in,
            high: -self.low,
            high_in: self.low_in,
            zero: self.zero,
        }
    }

    /// Under a function that grows; `zero` is left to the bounds.
    fn grown(self, f: impl Fn(f64) -> f64) -> Range {
        Range {
            low: f(self.low),
            low_in: self.low_in && f(self.low).is_finite(),
            high: f(self.high),
            high_in: self.high_in && f(self.high).is_finite(),
            zero: false,
        }
        .settled()
    }

    /// The larger of it and a number.
    fn at_least(self, bound: f64) -> Range {
        let cut = self.low < bound;
        Range {
            low: self.low.max(bound),
            low_in: self.low_in || cut,
            high: self.high.max(bound),
            high_in: self.high_in || self.high <= bound,
            zero: (self.zero && bound <= 0.0) || (cut && bound == 0.0),
        }
        .settled()
    }

    fn at_most(self, bound: f64) -> Range {
        self.negated().at_least(-bound).negated()
    }

    fn constant(self) -> Option<f64> {
        (self.low == self.high && self.low_in).then_some(self.low)
    }
}

/// What is known of an expression.
#[derive(Clone)]
struct Known {
    range: Range,
    /// The inputs that it depends on, a bit for each; all beyond the last bit share it.
    inputs: u128,
    /// Axes along which entries sum to 1 in something that it is made of, so that not all are 0.
    simplex: Vec<AxisId>,
}

/// The range of every expression of a spec.
pub(super) fn ranges(hir: &Hir) -> Vec<Range> {
    let mut known: Vec<Known> = Vec::with_capacity(hir.exprs.len());
    for expr in &hir.exprs {
        let one = know(hir, expr, &known);
        known.push(one);
    }
    known.into_iter().map(|one| one.range).collect()
}

fn know(hir: &Hir, expr: &Expr, known: &[Known]) -> Known {
    let mut inputs = 0u128;
    let mut simplex: Vec<AxisId> = Vec::new();
    for arg in operands(&expr.kind) {
        inputs |= known[arg.index()].inputs;
        simplex.extend(&known[arg.index()].simplex);
    }
    match (&expr.kind, expr.ty.kind) {
        (ExprKind::Input(i), _) => inputs |= 1 << (*i).min(127),
        (ExprKind::Index(_), _) => inputs |= 1 << 127,
        _ => {}
    }
    if let Kind::Probs(Classes::Over(axis)) | Kind::OneHot(axis) = expr.ty.kind {
        simplex.push(axis);
    }
    if let ExprKind::Softmax(axis, _) | ExprKind::OneHot(axis, _) = expr.kind {
        simplex.push(axis);
    }
    simplex.sort_unstable();
    simplex.dedup();
    Known {
        range: range(hir, expr, known).settled(),
        inputs,
        simplex,
    }
}

fn of_kind(kind: Kind) -> Range {
    match kind {
        Kind::Bool => Range::UNIT,
        kind if kind.is_unit() => Range::UNIT,
        Kind::LogProbs(_) => Range {
            zero: true,
            high_in: true,
            ..Range::open(f64::NEG_INFINITY, 0.0)
        },
        Kind::Labels(_) => Range {
            low_in: true,
            ..Range::open(0.0, f64::INFINITY)
        },
        _ => Range::ANY,
    }
}

fn range(hir: &Hir, expr: &Expr, known: &[Known]) -> Range {
    let at = |id: ExprId| known[id.index()].range;
    // Over an axis along which entries sum to 1, not all of them are 0.
    let spread = |axes: &[AxisId], x: ExprId| {
        let simplex = &known[x.index()].simplex;
        let mut of = at(x);
        if axes.iter().any(|axis| simplex.contains(axis)) {
            (of.low_in, of.high_in, of.zero) = (false, false, false);
        }
        of
    };
    match &expr.kind {
        ExprKind::Const(bits) => Range::closed(f64::from_bits(*bits), f64::from_bits(*bits)),
        ExprKind::Table(bits) => {
            let each = bits.iter().map(|bits| f64::from_bits(*bits));
            let each = each.map(|x| Range::closed(x, x));
            each.reduce(Range::or).unwrap_or(Range::ANY)
        }
        ExprKind::Input(i) => match &hir.inputs[*i as usize].source {
            InputSource::Tensor(_) => of_kind(expr.ty.kind),
            InputSource::Scalar => Range::ANY,
            // A param stands where its author put it, which is rarely the end of its range.
            InputSource::Param { default, range, .. } => {
                let bound = |b: Option<(f64, bool)>, none| b.map_or(none, |(x, _)| x);
                let low = range.and_then(|r| r.low);
                let high = range.and_then(|r| r.high);
                Range {
                    zero: *default == 0.0,
                    ..Range::open(bound(low, f64::NEG_INFINITY), bound(high, f64::INFINITY))
                }
            }
        },
        ExprKind::Map(op, args) => map(hir, *op, args, known),
        ExprKind::Reduce(op, axes, x) => {
            let of = spread(axes, *x);
            match op {
                ReduceOp::Sum => Range {
                    low: if of.low >= 0.0 {
                        of.low
                    } else {
                        f64::NEG_INFINITY
                    },
                    low_in: of.zero && of.low == 0.0,
                    high: if of.high <= 0.0 {
                        of.high
                    } else {
                        f64::INFINITY
                    },
                    high_in: of.zero && of.high == 0.0,
                    zero: of.zero && (of.low >= 0.0 || of.high <= 0.0),
                },
                ReduceOp::Prod if of.low >= 0.0 => Range {
                    zero: of.zero,
                    ..Range::open(if of.low >= 1.0 { 1.0 } else { 0.0 }, f64::INFINITY)
                },
                ReduceOp::Max | ReduceOp::Min => of,
                ReduceOp::Any | ReduceOp::All => Range::UNIT,
                ReduceOp::Prod | ReduceOp::LogSumExp => Range::ANY,
            }
        }
        ExprKind::Mean(axes, x) => spread(axes, *x),
        // 0 where the weights add up to 0.
        ExprKind::WeightedMean(_, x, _) => at(*x).or(Range::open(0.0, 0.0)),
        ExprKind::Softmax(..) => Range::open(0.0, 1.0),
        ExprKind::LogSoftmax(..) => Range::open(f64::NEG_INFINITY, 0.0),
        ExprKind::ArgMax(..) | ExprKind::Index(_) => Range {
            low_in: true,
            ..Range::open(0.0, f64::INFINITY)
        },
        ExprKind::OneHot(..) => Range::UNIT,
        ExprKind::Size(_) => Range::open(1.0, f64::INFINITY),
        ExprKind::Pick(_, x, _)
        | ExprKind::At(_, _, x)
        | ExprKind::Slice { arg: x, .. }
        | ExprKind::Rename { arg: x, .. }
        | ExprKind::Resize { arg: x, .. }
        | ExprKind::Coarsen(_, _, x)
        | ExprKind::Expand(x)
        | ExprKind::StopGrad(x) => at(*x),
        ExprKind::Shift(_, _, edge, x) => match edge {
            Edge::Zero => at(*x).or(Range::closed(0.0, 0.0)),
            Edge::Clamp | Edge::Wrap => at(*x),
        },
        // Means lie between the entries, and between those and 0 near an edge of zeros.
        ExprKind::Window(window, _, x) => match window.edge {
            WindowEdge::Zero => at(*x).or(Range::open(0.0, 0.0)),
            WindowEdge::Absent | WindowEdge::Clamp | WindowEdge::Wrap => at(*x),
        },
        ExprKind::Dot(axes, a, b) => {
            let (a, b) = (spread(axes, *a), spread(axes, *b));
            match a.low >= 0.0 && b.low >= 0.0 {
                true => Range {
                    zero: a.zero || b.zero,
                    ..Range::open(0.0, f64::INFINITY)
                },
                false => Range::ANY,
            }
        }
        ExprKind::Order(op, _, args) => {
            let of = at(args[0]);
            match op {
                OrderOp::ArgSort | OrderOp::ArgSortDown => Range {
                    low_in: true,
                    ..Range::open(0.0, f64::INFINITY)
                },
                OrderOp::Take => of,
                OrderOp::TopK => Range::UNIT,
                OrderOp::CumSum | OrderOp::CumSumBy if of.low >= 0.0 => Range {
                    zero: of.zero,
                    ..Range::open(0.0, f64::INFINITY)
                },
                // The rest is made by differentiation only.
                OrderOp::CumSum
                | OrderOp::CumSumBy
                | OrderOp::CumSumBack
                | OrderOp::CumSumByBack
                | OrderOp::Scatter => Range::ANY,
            }
        }
        // 0 wherever the condition does not hold.
        ExprKind::Distance(..) => Range {
            zero: true,
            ..Range::open(0.0, f64::INFINITY)
        },
        ExprKind::Convert(conversion, x) => match conversion {
            Conversion::Softmax(_) | Conversion::Sigmoid => Range::open(0.0, 1.0),
            Conversion::LogSoftmax(_) | Conversion::LogSigmoid => {
                Range::open(f64::NEG_INFINITY, 0.0)
            }
            Conversion::OneHot(_) => Range::UNIT,
            Conversion::Log => at(*x).grown(f64::ln),
            Conversion::Exp => at(*x).grown(f64::exp),
            Conversion::Float => at(*x),
            // What a value is called bounds it: `x as probs` promises that.
            Conversion::Same => match of_kind(expr.ty.kind) {
                named if named.low.is_finite() && at(*x) == Range::ANY => {
                    Range::open(named.low, named.high)
                }
                _ => at(*x),
            },
        },
    }
}

fn map(hir: &Hir, op: MapOp, args: &[ExprId], known: &[Known]) -> Range {
    let at = |i: usize| known[args[i].index()].range;
    let a = at(0);
    let keeps_zero = |range: Range| Range {
        zero: a.zero,
        ..range
    };
    match op {
        MapOp::Neg => a.negated(),
        MapOp::Abs => keeps_zero(Range::open(
            if a.low > 0.0 { a.low } else { 0.0 },
            a.high.max(-a.low),
        )),
        MapOp::Exp => a.grown(f64::exp),
        MapOp::Log if a.low >= 0.0 => a.grown(f64::ln),
        MapOp::Log1p if a.low >= -1.0 => a.grown(f64::ln_1p),
        MapOp::Expm1 => a.grown(f64::exp_m1),
        MapOp::Sqrt if a.low >= 0.0 => a.grown(f64::sqrt),
        MapOp::Sigmoid => Range::open(0.0, 1.0),
        MapOp::Softplus => Range::open(0.0, f64::INFINITY),
        MapOp::Relu => a.at_least(0.0),
        MapOp::Tanh => a.grown(f64::tanh),
        MapOp::Atan => a.grown(f64::atan),
        MapOp::Sin | MapOp::Erf | MapOp::Sign => keeps_zero(Range::open(-1.0, 1.0)),
        MapOp::Cos => Range::open(-1.0, 1.0),
        MapOp::Floor => Range {
            low: a.low.floor(),
            low_in: false,
            high: a.high.floor(),
            high_in: false,
            // From 0 to below 1 is more than a coincidence.
            zero: a.low < 1.0 && a.high > 0.0,
        },
        MapOp::Float => a,
        MapOp::Not
        | MapOp::Eq
        | MapOp::Ne
        | MapOp::Lt
        | MapOp::Le
        | MapOp::Gt
        | MapOp::Ge
        | MapOp::And
        | MapOp::Or => Range::UNIT,
        MapOp::Add => sum(a, at(1), apart(args, known)),
        MapOp::Sub => sum(a, at(1).negated(), apart(args, known)),
        MapOp::Mul if args[0] == args[1] => power(a, 2.0),
        MapOp::Mul => product(a, at(1), apart(args, known)),
        MapOp::Div => quotient(a, at(1)),
        MapOp::Pow => match at(1).constant() {
            Some(k) => power(a, k),
            None if a.low >= 0.0 => keeps_zero(Range::open(0.0, f64::INFINITY)),
            None => Range::ANY,
        },
        MapOp::Max => match (a.constant(), at(1).constant()) {
            (_, Some(bound)) => a.at_least(bound),
            (Some(bound), _) => at(1).at_least(bound),
            _ => Range::open(a.low.max(at(1).low), a.high.max(at(1).high)),
        },
        MapOp::Min => match (a.constant(), at(1).constant()) {
            (_, Some(bound)) => a.at_most(bound),
            (Some(bound), _) => at(1).at_most(bound),
            _ => Range::open(a.low.min(at(1).low), a.high.min(at(1).high)),
        },
        MapOp::Clamp => match (at(1).constant(), at(2).constant()) {
            (Some(low), Some(high)) => a.at_least(low).at_most(high),
            _ => Range::ANY,
        },
        // A branch that the condition speaks of is chosen where it is safe.
        MapOp::Select => {
            let branch = |i: usize| {
                let mut of = at(i);
                if speaks_of(hir, args[0], args[i], 8) {
                    (of.low_in, of.high_in, of.zero) = (false, false, false);
                }
                of
            };
            branch(1).or(branch(2))
        }
        MapOp::Log | MapOp::Log1p | MapOp::Sqrt | MapOp::Lgamma | MapOp::Digamma | MapOp::Gate => {
            Range::ANY
        }
    }
}

/// Whether two operands depend on different inputs, so that each is free of the other.
fn apart(args: &[ExprId], known: &[Known]) -> bool {
    known[args[0].index()].inputs & known[args[1].index()].inputs == 0
}

fn sum(a: Range, b: Range, apart: bool) -> Range {
    let zero = (a.zero && b.constant() == Some(0.0)) || (b.zero && a.constant() == Some(0.0));
    Range {
        low: a.low + b.low,
        low_in: a.low_in && b.low_in && apart,
        high: a.high + b.high,
        high_in: a.high_in && b.high_in && apart,
        zero,
    }
}

fn product(a: Range, b: Range, apart: bool) -> Range {
    // 0·∞ is 0 here: nothing is infinite, only without bound.
    let times = |x: f64, y: f64| if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
    let corners = [
        (times(a.low, b.low), a.low_in && b.low_in),
        (times(a.low, b.high), a.low_in && b.high_in),
        (times(a.high, b.low), a.high_in && b.low_in),
        (times(a.high, b.high), a.high_in && b.high_in),
    ];
    let low = corners.iter().fold(f64::INFINITY, |m, (x, _)| m.min(*x));
    let high = corners
        .iter()
        .fold(f64::NEG_INFINITY, |m, (x, _)| m.max(*x));
    let attained = |bound: f64| apart && corners.iter().any(|(x, is)| *is && *x == bound);
    Range {
        low,
        low_in: low != 0.0 && attained(low),
        high,
        high_in: high != 0.0 && attained(high),
        zero: a.zero || b.zero,
    }
}

fn quotient(a: Range, b: Range) -> Range {
    let zero = a.zero && !b.zero;
    if a.low >= 0.0 && b.low >= 0.0 {
        let high = if b.low > 0.0 {
            a.high / b.low
        } else {
            f64::INFINITY
        };
        return Range {
            zero,
            ..Range::open(0.0, high)
        };
    }
    Range { zero, ..Range::ANY }
}

fn power(a: Range, k: f64) -> Range {
    let even = k == 2.0 * (k / 2.0).trunc();
    if k > 0.0 && a.low >= 0.0 {
        return Range {
            zero: a.zero,
            ..a.grown(|x| x.powf(k))
        };
    }
    if even && k > 0.0 {
        return Range {
            zero: a.zero,
            ..Range::open(0.0, a.low.powf(k).max(a.high.powf(k)))
        };
    }
    match even || a.low >= 0.0 {
        true => Range::open(0.0, f64::INFINITY),
        false => Range::ANY,
    }
}

/// Whether a condition compares `value`, or something that it is made of directly.
pub(super) fn speaks_of(hir: &Hir, condition: ExprId, value: ExprId, depth: usize) -> bool {
    if condition == value {
        return true;
    }
    depth > 0
        && operands(&hir.expr(condition).kind)
            .into_iter()
            .any(|arg| speaks_of(hir, arg, value, depth - 1))
}
