//! `zero_weights`: weights that add up to 0, so that nothing is left of what they weigh.

use super::range::ranges;
use crate::ast::Ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{ExprId, ExprKind, Hir, operands};
use crate::source::Span;

/// `0*ce()` alone, `wce([0, 0])`.
pub(super) fn zero_weights(_: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    let ranges = ranges(hir);
    for expr in &hir.exprs {
        let ExprKind::WeightedMean(_, _, w) = expr.kind else {
            continue;
        };
        let range = ranges[w.index()];
        if range.low != 0.0 || range.high != 0.0 {
            continue;
        }
        let span = written(hir, w, 8).unwrap_or(expr.span);
        diags.push(
            Diagnostic::warning(Code::ZeroWeights, "these weights add up to 0")
                .at(span, "nothing is left of what they weigh")
                .note("a weighted mean whose weights add up to 0 is 0, with zero gradient")
                .help("give at least one of them another value"),
        );
    }
    let zero = ExprKind::Const(0f64.to_bits());
    let vanishes = |weight| matches!(weight, Some(w) if hir.expr(w).kind == zero);
    if !hir.terms.is_empty() && hir.terms.iter().all(|term| vanishes(term.weight)) {
        let span = hir.expr(hir.total).span;
        diags.push(
            Diagnostic::warning(Code::ZeroWeights, "every term has the weight 0")
                .at(span, "this is always 0")
                .help("give at least one term another weight"),
        );
    }
}

/// Where the user wrote the numbers that make a weight 0.
fn written(hir: &Hir, weight: ExprId, depth: usize) -> Option<Span> {
    let expr = hir.expr(weight);
    match expr.kind {
        ExprKind::Table(_) | ExprKind::Const(_) => expr.written.then_some(expr.span),
        _ if depth == 0 => None,
        _ => operands(&expr.kind)
            .into_iter()
            .find_map(|arg| written(hir, arg, depth - 1)),
    }
}
