//! `cancelled_weight`: a factor above and below a fraction line, which changes nothing.

use crate::ast::Ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{ExprId, ExprKind, Hir};
use crate::ir::{MapOp, ReduceOp};

/// No factors deeper than this are looked for.
const DEPTH: usize = 32;

/// `(w*a)/(w*b)`, `sum(w*x)/sum(w*y)` with a number `w`, `weighted_mean(x, w)` with a number `w`.
pub(super) fn cancelled_weight(_: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    for expr in hir.exprs.iter().filter(|expr| expr.written) {
        let (factor, how) = match &expr.kind {
            ExprKind::Map(MapOp::Div, args) => {
                let above = factors(hir, args[0], DEPTH);
                let below = factors(hir, args[1], DEPTH);
                match above.into_iter().find(|f| below.contains(f)) {
                    Some(factor) => (factor, "stands above and below the fraction line"),
                    None => continue,
                }
            }
            ExprKind::WeightedMean(_, _, w)
                if hir.expr(*w).ty.is_scalar() && !is_constant(hir, *w) =>
            {
                (*w, "weighs every entry of this mean alike")
            }
            _ => continue,
        };
        let what = match hir.expr(factor).kind {
            ExprKind::Input(i) => format!("`{}`", hir.inputs[i as usize].name),
            _ => "a factor".to_string(),
        };
        let mut diagnostic =
            Diagnostic::warning(Code::CancelledWeight, format!("{what} {how} and cancels"))
                .at(expr.span, "this does not depend on it")
                .help("leave it out, or put it in front");
        let declared = hir.expr(factor).span;
        if declared != expr.span {
            diagnostic = diagnostic.also(declared, "the factor");
        }
        diags.push(diagnostic);
    }
}

fn is_constant(hir: &Hir, id: ExprId) -> bool {
    matches!(hir.expr(id).kind, ExprKind::Const(_) | ExprKind::Table(_))
}

/// What an expression is a product of. Numbers pass through sums and means.
fn factors(hir: &Hir, id: ExprId, depth: usize) -> Vec<ExprId> {
    if depth == 0 || is_constant(hir, id) {
        return Vec::new();
    }
    let numbers = |x: ExprId| {
        let inner = factors(hir, x, depth - 1).into_iter();
        inner
            .filter(|&f| hir.expr(f).ty.is_scalar())
            .collect::<Vec<_>>()
    };
    let mut list = match &hir.expr(id).kind {
        ExprKind::Map(MapOp::Mul, args) => {
            let mut list = factors(hir, args[0], depth - 1);
            list.extend(factors(hir, args[1], depth - 1));
            return list;
        }
        ExprKind::Map(MapOp::Neg, args) => return factors(hir, args[0], depth - 1),
        ExprKind::Map(MapOp::Div, args) => factors(hir, args[0], depth - 1),
        ExprKind::Reduce(ReduceOp::Sum, _, x) | ExprKind::Mean(_, x) => numbers(*x),
        _ => Vec::new(),
    };
    list.push(id);
    list
}
