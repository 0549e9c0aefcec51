//! `equal_terms`: two summands of what is minimized are the same value.

use crate::ast::Ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::Hir;

/// `dice() + dice()`: equal expressions have one id, whatever they are called.
pub(super) fn equal_terms(_: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    for (i, term) in hir.terms.iter().enumerate() {
        let Some(first) = hir.terms[..i].iter().find(|t| t.value == term.value) else {
            continue;
        };
        // A declared term may stand for another one with the weight of neither.
        if term.span == first.span {
            continue;
        }
        diags.push(
            Diagnostic::warning(
                Code::EqualTerms,
                format!("`{}` and `{}` are the same value", first.name, term.name),
            )
            .at(term.span, "the second time")
            .also(first.span, "the first time")
            .help("give one term the sum of both weights, or another option to one of them"),
        );
    }
}
