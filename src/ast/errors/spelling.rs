//! Mistakes in the spelling of names and types: case, reserved words, ranges.

use super::super::grammar::{Rule, is_reserved};
use super::super::scan::TokenKind;
use super::refusals::{capitalised, lowered};
use super::trouble::{Place, Trouble};
use crate::diag::Diagnostic;

/// Upper and lower case, and reserved words, where a name is declared.
pub(super) fn spelling_of_names(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let span = t.here_span();
    match t.kind(t.at)? {
        TokenKind::Axis if t.expects_kind() => {
            let lower = here.to_lowercase();
            let diagnostic = t
                .error(format!("`{here}` is not a kind"))
                .at(span, "kinds are written in lower case")
                .fix(span, lower, "write it in lower case");
            Some(diagnostic)
        }
        TokenKind::Axis if t.expects_name() && !t.expects_axis() && !t.expects_value() => {
            let diagnostic = t
                .error(format!("`{here}` cannot be the name of a value"))
                .at(span, "only axes start in upper case")
                .fix(span, lowered(here), "write the name in lower case");
            Some(diagnostic)
        }
        TokenKind::Word if t.expects_axis() && !t.expects_name() => {
            if is_reserved(here) {
                return None;
            }
            let diagnostic = t
                .error(format!("`{here}` is not the name of an axis"))
                .at(span, "axes start in upper case")
                .fix(span, capitalised(here), "write the axis in upper case");
            Some(diagnostic)
        }
        TokenKind::Word if t.before(1) == "..." && t.here_span().start == t.before_span().end => {
            let diagnostic = t
                .error(format!("`...{here}` is not the name of a pack of axes"))
                .at(span, "axes start in upper case")
                .fix(span, capitalised(here), "write the axes in upper case");
            Some(diagnostic)
        }
        _ => None,
    }
}

/// Types and ranges.
pub(super) fn types(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let before = t.before(1);
    let span = t.here_span();
    let ends = t.at_end() || matches!(here, "=" | "," | ")");
    if t.expects_kind() && matches!(before, ":" | "as") && ends {
        let diagnostic = t
            .error(format!("a type is missing after `{before}`"))
            .at(t.before_span(), "nothing follows")
            .help("for example `logits[N, C, ...S] over C`, `labels[N, ...S] of C`, `real`");
        return Some(diagnostic);
    }
    if here == "(" && t.at > 1 && t.is_kind(t.at - 1) {
        let diagnostic = t
            .error("the axes of a type go in square brackets")
            .at(span, "not in parentheses")
            .help(format!("write `{before}[N, C]`"));
        return Some(diagnostic);
    }
    if before == "in" && t.kind(t.at) == Some(TokenKind::Number) && t.expects(Rule::open) {
        let diagnostic = t
            .error("a range goes in brackets")
            .at(span, "a bracket is expected before this")
            .help("`in [0, 1]` holds both ends, `in (0, 1)` neither");
        return Some(diagnostic);
    }
    let compares = matches!(before, ">=" | ">" | "<=" | "<");
    let bounds = t
        .expected
        .iter()
        .any(|r| matches!(r, Rule::number | Rule::bound))
        && !t.expects_name();
    if bounds && (t.place() == Place::Range || compares) && t.starts_operand(t.at) {
        let diagnostic = t
            .error("the bounds of a range are numbers")
            .at(span, "not a number")
            .help("for no bound write `inf` or leave the range open, `>= 0`");
        return Some(diagnostic);
    }
    if t.place() == Place::Range && t.expects(Rule::comma) && here == ".." {
        let diagnostic = t
            .error("the ends of a range are separated by a comma")
            .at(span, "not by `..`")
            .fix(span, ",", "write `,`");
        return Some(diagnostic);
    }
    None
}

/// `let in = 1`
pub(super) fn reserved_word(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let expected = t.expects_value() || t.expects_name() || t.expects_kind();
    // The name of an argument may be reserved, so the grammar gets stuck behind the word.
    let argument = t.place() == Place::Arguments
        && is_reserved(t.before(1))
        && matches!(t.before(2), "(" | ",");
    let (word, span) = match () {
        () if argument => (t.before(1), t.before_span()),
        () if is_reserved(here) && expected => (here, t.here_span()),
        () => return None,
    };
    let diagnostic = t
        .error(format!("`{word}` is a reserved word and cannot be a name"))
        .at(span, "reserved")
        .help(format!("choose another name, for example `{word}_`"));
    Some(diagnostic)
}
