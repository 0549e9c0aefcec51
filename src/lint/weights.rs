//! `zero_weights`: weights that add up to 0, so that nothing is left of what they weigh.

use crate::ast::Ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{ExprKind, Hir};

/// `0*ce()` alone, `wce([0, 0])`.
pub(super) fn zero_weights(_: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    for expr in &hir.exprs {
        let ExprKind::WeightedMean(_, _, w) = expr.kind else {
            continue;
        };
        let weight = hir.expr(w);
        let sum: f64 = match &weight.kind {
            ExprKind::Table(bits) => bits.iter().map(|b| f64::from_bits(*b)).sum(),
            ExprKind::Const(bits) => f64::from_bits(*bits),
            _ => continue,
        };
        if sum == 0.0 && weight.written {
            diags.push(
                Diagnostic::warning(Code::ZeroWeights, "these weights add up to 0")
                    .at(weight.span, "nothing is left of what they weigh")
                    .note("a weighted mean whose weights add up to 0 is 0, with zero gradient")
                    .help("give at least one of them another value"),
            );
        }
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
