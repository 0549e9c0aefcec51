//! `may_be_zero`: a quotient, logarithm, root or power of something that is 0 as a matter of course.

use super::range::{Range, ranges};
use crate::ast::Ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{ExprId, ExprKind, Hir, operands};
use crate::ir::{MapOp, ReduceOp};

/// `x/sum(mask)`, `log(relu(x))`: infinite or NaN for an empty mask, a dead unit.
pub(super) fn may_be_zero(_: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    let ranges = ranges(hir);
    let guarded = guarded(hir);
    for (i, expr) in hir.exprs.iter().enumerate() {
        let ExprKind::Map(op, args) = &expr.kind else {
            continue;
        };
        if !expr.written || guarded[i] {
            continue;
        }
        let Some((base, what, remedy)) = trouble(hir, *op, args, &ranges) else {
            continue;
        };
        let at = hir.expr(base).span;
        let mut diagnostic = Diagnostic::warning(Code::MayBeZero, what).at(expr.span, "");
        if at.file == expr.span.file && at != expr.span {
            diagnostic = diagnostic.also(at, "this can be 0");
        }
        diags.push(diagnostic.help(remedy));
    }
}

/// What goes wrong at 0: the operand that may be 0, the message, the way out.
fn trouble(
    hir: &Hir,
    op: MapOp,
    args: &[ExprId],
    ranges: &[Range],
) -> Option<(ExprId, &'static str, &'static str)> {
    let zero = |id: ExprId| ranges[id.index()].zero;
    let first = args[0];
    match op {
        MapOp::Div if zero(args[1]) => Some((
            args[1],
            "this divides by something that can be 0",
            "add a small number below the line, `a/(b + 1e-6)`, or choose, `if b > 0 then a/b else 0`",
        )),
        MapOp::Log if zero(first) => Some((
            first,
            "the logarithm of something that can be 0 is -inf there",
            "add a small number, `log(x + 1e-6)`, or choose, `if x > 0 then log(x) else 0`",
        )),
        MapOp::Sqrt if zero(first) && !squares(hir, first, 64) => Some((
            first,
            "the root of something that can be 0 has an infinite slope there",
            "add a small number, `sqrt(x + 1e-6)`",
        )),
        MapOp::Pow if zero(first) => {
            let ExprKind::Const(bits) = hir.expr(args[1]).kind else {
                return None;
            };
            let exponent = f64::from_bits(bits);
            if exponent < 0.0 {
                Some((
                    first,
                    "a negative power of something that can be 0 is infinite there",
                    "add a small number, `(x + 1e-6)^-1`",
                ))
            } else if exponent > 0.0 && exponent < 1.0 {
                Some((
                    first,
                    "this power of something that can be 0 has an infinite slope there",
                    "add a small number, `(x + 1e-6)^0.5`",
                ))
            } else {
                None
            }
        }
        _ => None,
    }
}

/// Whether an expression is a sum of squares: the slope of its root at 0 is taken as 0.
fn squares(hir: &Hir, id: ExprId, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    match &hir.expr(id).kind {
        ExprKind::Map(MapOp::Mul, args) if args[0] == args[1] => true,
        ExprKind::Map(MapOp::Pow, args) => {
            hir.expr(args[1]).kind == ExprKind::Const(2f64.to_bits())
        }
        ExprKind::Map(MapOp::Add, args) => {
            let [a, b] = args[..] else { return false };
            squares(hir, a, depth - 1) && squares(hir, b, depth - 1)
        }
        ExprKind::Reduce(ReduceOp::Sum, _, x) | ExprKind::Mean(_, x) => squares(hir, *x, depth - 1),
        _ => false,
    }
}

/// Which expressions are used only in branches of a choice, where what is not taken does no harm.
fn guarded(hir: &Hir) -> Vec<bool> {
    let mut guarded = vec![true; hir.exprs.len()];
    let roots = [hir.total]
        .into_iter()
        .chain(hir.terms.iter().map(|term| term.value))
        .chain(hir.reports.iter().map(|report| report.value))
        .chain(hir.ignore.iter().map(|rule| rule.condition));
    for root in roots {
        guarded[root.index()] = false;
    }
    for i in (0..hir.exprs.len()).rev() {
        let kind = &hir.exprs[i].kind;
        if matches!(kind, ExprKind::Map(MapOp::Select, _)) {
            guarded[operands(kind)[0].index()] &= guarded[i];
            continue;
        }
        for arg in operands(kind) {
            guarded[arg.index()] &= guarded[i];
        }
    }
    guarded
}
