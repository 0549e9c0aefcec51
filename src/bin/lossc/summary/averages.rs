//! What the means of a term divide by: the question that most often explains why two
//! implementations of one loss differ.

use super::formula::{self, formula, known, seen};
use lossc::hir::{AxisId, ExprId, ExprKind, Hir, Kind, operands};
use lossc::ir::{MapOp, ReduceOp};

/// Where an expression stands.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Outside of every reduction.
    outer: bool,
    /// Inside a mean or a sum of the term.
    inner: bool,
}

/// How a scalar is averaged or added up, outermost first: `mean over N, C`,
/// `Σ [0.2, 0.8][target] over N, S`.
pub fn averages(hir: &Hir, root: ExprId) -> Vec<String> {
    // Operands stand before their users, so one sweep backwards meets every expression after all
    // that use it.
    let mut places = vec![Place::default(); hir.exprs.len()];
    places[root.index()].outer = true;
    let (mut outer, mut inner) = (Vec::new(), Vec::new());
    for i in (0..=root.index()).rev() {
        let place = places[i];
        if !place.outer && !place.inner {
            continue;
        }
        let kind = &hir.exprs[i].kind;
        let mut mark = |id: ExprId, as_outer: bool, as_inner: bool| {
            let place = &mut places[id.index()];
            place.outer |= as_outer;
            place.inner |= as_inner;
        };
        let found = match kind {
            ExprKind::Mean(axes, x) => {
                mark(*x, false, true);
                Some(format!("mean over {}", axis_names(hir, axes)))
            }
            ExprKind::WeightedMean(axes, x, w) => {
                mark(*x, false, true);
                Some(weighted(hir, axes, *w))
            }
            _ => None,
        };
        if let Some(text) = found {
            let list = if place.outer { &mut outer } else { &mut inner };
            list.push(text);
            continue;
        }
        if !place.outer {
            for arg in operands(kind) {
                mark(arg, false, true);
            }
            continue;
        }
        match kind {
            ExprKind::Reduce(op, axes, x) => {
                mark(*x, false, true);
                outer.push(format!("{} over {}", reduced(*op), axis_names(hir, axes)));
            }
            ExprKind::Dot(axes, a, b) => {
                mark(*a, false, true);
                mark(*b, false, true);
                outer.push(format!("sum over {}", axis_names(hir, axes)));
            }
            ExprKind::Map(MapOp::Div, args) => match ratio(hir, args[0], args[1]) {
                Some((text, x)) => {
                    mark(x, false, true);
                    outer.push(text);
                }
                None => {
                    mark(args[0], true, false);
                    if hir.expr(args[1]).tensor {
                        outer.push(format!("divided by {}", formula(hir, args[1])));
                    }
                }
            },
            // A condition chooses, and averages nothing.
            ExprKind::Map(MapOp::Select, args) => {
                args[1..].iter().for_each(|&arg| mark(arg, true, false));
            }
            kind => operands(kind)
                .into_iter()
                .for_each(|arg| mark(arg, true, false)),
        }
    }
    outer.dedup();
    inner.dedup();
    outer.extend(inner.into_iter().map(|text| format!("of {text}")));
    outer
}

/// `N, C, S`, of which only the valid positions are meant where an `ignore` rule runs over any.
fn axis_names(hir: &Hir, axes: &[AxisId]) -> String {
    let names = formula::axis_names(hir, axes);
    let rule = hir.ignore.as_ref();
    let ruled = rule.map_or(&[][..], |rule| &hir.expr(rule.condition).ty.axes);
    let concerned = |axis: &AxisId| !hir.axes.ways(*axis, ruled).is_empty();
    match axes.iter().any(concerned) {
        true => format!("the valid positions of {names}"),
        false => names,
    }
}

/// Σ w·x / Σ w, where a weight that is the same everywhere is none.
fn weighted(hir: &Hir, axes: &[AxisId], w: ExprId) -> String {
    let names = axis_names(hir, axes);
    let varies = hir.expr(w).ty.axes.iter().any(|axis| axes.contains(axis));
    match (known(hir, w), condition(hir, w)) {
        (None, Some(holds)) if varies => {
            format!("mean over {names} where {}", formula(hir, holds))
        }
        (None, None) if varies => format!("Σ {} over {names}", formula(hir, w)),
        _ => format!("mean over {names}"),
    }
}

/// The condition that a weight is: 1 where it holds, else 0.
fn condition(hir: &Hir, w: ExprId) -> Option<ExprId> {
    let w = seen(hir, w);
    match &hir.expr(w).kind {
        _ if hir.expr(w).ty.kind == Kind::Bool => Some(w),
        ExprKind::Map(MapOp::Select, args) => {
            let numbers = (known(hir, args[1]), known(hir, args[2]));
            (numbers == (Some(1.0), Some(0.0))).then_some(args[0])
        }
        _ => None,
    }
}

/// A quotient of two means or two sums over the same axes is a mean weighted by what stands below.
fn ratio(hir: &Hir, a: ExprId, b: ExprId) -> Option<(String, ExprId)> {
    let (x, axes, below) = match (&hir.expr(a).kind, &hir.expr(b).kind) {
        (ExprKind::Mean(axes, x), ExprKind::Mean(same, below)) if axes == same => (x, axes, below),
        (
            ExprKind::Reduce(ReduceOp::Sum, axes, x),
            ExprKind::Reduce(ReduceOp::Sum, same, below),
        ) if axes == same => (x, axes, below),
        _ => return None,
    };
    let (below, names) = (formula(hir, *below), axis_names(hir, axes));
    Some((format!("Σ {below} over {names}"), *x))
}

fn reduced(op: ReduceOp) -> &'static str {
    match op {
        ReduceOp::Sum => "sum",
        ReduceOp::Prod => "product",
        ReduceOp::Max => "largest",
        ReduceOp::Min => "smallest",
        ReduceOp::LogSumExp => "logsumexp",
        ReduceOp::Any => "any",
        ReduceOp::All => "all",
    }
}
