//! Every hand-written message, as it is printed.

mod brackets;
mod definitions;
mod exprs;
mod foreign;
mod items;
mod names;
mod others;

use super::diagnostics;

/// The messages for a text. Every correction that they offer must do away with the mistake that
/// it belongs to.
#[track_caller]
fn messages(text: &str) -> String {
    let list = diagnostics(text);
    for diagnostic in &list {
        for fix in &diagnostic.fixes {
            let mut fixed = text.to_owned();
            fixed.replace_range(fix.span.range(), &fix.replacement);
            let same = |other: &crate::diag::Diagnostic| {
                other.message == diagnostic.message && other.primary == diagnostic.primary
            };
            assert!(!diagnostics(&fixed).iter().any(same), "{fixed}");
        }
    }
    super::messages(text)
}
