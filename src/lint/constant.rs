//! `constant_term`: a summand of what is minimized that no training can change.

use crate::ast::Ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{Conversion, Expr, ExprKind, Hir, InputSource, Kind, operands};
use crate::ir::{MapOp, OrderOp, ReduceOp};

/// `ce() + accuracy()`: the position of the largest has no slope.
pub(super) fn constant_term(_: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    let mut varies: Vec<bool> = Vec::with_capacity(hir.exprs.len());
    for expr in &hir.exprs {
        let varied = slope(hir, expr, &varies);
        varies.push(varied);
    }
    for term in &hir.terms {
        let weight = term.weight.map(|w| &hir.expr(w).kind);
        if varies[term.value.index()] || weight == Some(&ExprKind::Const(0f64.to_bits())) {
            continue;
        }
        diags.push(
            Diagnostic::warning(
                Code::ConstantTerm,
                format!("the term `{}` has no gradient", term.name),
            )
            .at(term.span, "this changes the number and not the training")
            .note("positions, comparisons, counts, targets and what `stop_grad` holds have no slope")
            .help("to watch it, make it a `report`; to train on it, compute it from the prediction without them"),
        );
    }
}

/// Whether an expression has a slope in something that may be trained.
fn slope(hir: &Hir, expr: &Expr, varies: &[bool]) -> bool {
    let any = || operands(&expr.kind).iter().any(|arg| varies[arg.index()]);
    match &expr.kind {
        ExprKind::Input(i) => match hir.inputs[*i as usize].source {
            // A number may be a weight that is learned along.
            InputSource::Scalar => true,
            InputSource::Tensor(_) => !matches!(
                expr.ty.kind,
                Kind::Labels(_) | Kind::OneHot(_) | Kind::Mask(_) | Kind::Bool | Kind::Int
            ),
            InputSource::Param { .. } => false,
        },
        ExprKind::StopGrad(_)
        | ExprKind::ArgMax(..)
        | ExprKind::OneHot(..)
        | ExprKind::Index(_)
        | ExprKind::Size(_)
        | ExprKind::Distance(..)
        | ExprKind::Order(OrderOp::ArgSort | OrderOp::ArgSortDown | OrderOp::TopK, ..)
        | ExprKind::Reduce(ReduceOp::Any | ReduceOp::All, ..)
        | ExprKind::Convert(Conversion::OneHot(_), _) => false,
        ExprKind::Map(op, args) => match op {
            MapOp::Floor
            | MapOp::Sign
            | MapOp::Not
            | MapOp::And
            | MapOp::Or
            | MapOp::Eq
            | MapOp::Ne
            | MapOp::Lt
            | MapOp::Le
            | MapOp::Gt
            | MapOp::Ge => false,
            MapOp::Select => args[1..].iter().any(|arg| varies[arg.index()]),
            _ => any(),
        },
        _ => any(),
    }
}
