//! [`Hir`] → warnings: what is not wrong, and probably not meant.
//!
//! A lint is a row of `LINTS`, a file here, and a row of the table of codes, which has its name.
//! Two are found where alone they can be seen, in the checker: `log_of_probs`, where a conversion
//! is inserted, and `unused`, which knows what names were asked for. Lints are few and quiet: one
//! that fires on a spec that is fine is worse than one that stays silent on a spec that is not.
//! They look at what the user wrote; the library is held to account by its tests.
//!
//! `# allow(name)` before an item, in it or behind it silences a lint there; see `allow`.

mod allow;
mod cancel;
mod constant;
mod equal;
mod locals;
mod range;
mod weights;
mod zero;

use crate::ast::Ast;
use crate::diag::Diagnostics;
use crate::hir::Hir;

/// A lint: looks at a spec and pushes what it finds.
type Lint = fn(&Ast, &Hir, &mut Diagnostics);

const LINTS: &[Lint] = &[
    locals::unused,
    zero::may_be_zero,
    constant::constant_term,
    cancel::cancelled_weight,
    equal::equal_terms,
    weights::zero_weights,
];

/// Runs every lint on a checked spec.
pub fn lint(ast: &Ast, hir: &Hir, diags: &mut Diagnostics) {
    for lint in LINTS {
        lint(ast, hir, diags);
    }
}

pub use allow::apply;
