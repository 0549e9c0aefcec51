//! Mistakes with brackets, colons, commas and braces.

use super::super::grammar::{Rule, is_reserved};
use super::super::scan::TokenKind;
use super::declarations::typed_let;
use super::trouble::{Place, Trouble, is_infix};
use crate::diag::Diagnostic;

/// `dice(smooth: 1)`, `x[0:1]`, `else:`, `let x: real = 1`.
pub(super) fn colon(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != ":" {
        return None;
    }
    let span = t.here_span();
    let start_of_entry = matches!(t.before(2), "(" | ",");
    let diagnostic = match t.place() {
        Place::Arguments if start_of_entry => t
            .error("options are given with `=`")
            .at(span, "not a `:`")
            .fix(t.here_and_blank(), "=", format!("write `{}=`", t.before(1))),
        Place::Bracket | Place::List | Place::TypeAxes => t
            .error("a slice names its axis and is written with `..`")
            .at(span, "not a `:`")
            .help("`x[C=0..2]` takes the first two, `x[C=1..]` all but the first"),
        _ if t.open_if().is_some_and(|(_, needs)| needs == "then") => t
            .error("the condition of an `if` ends with `then`")
            .at(span, "not a `:`")
            .fix(span, " then", "write `then`"),
        _ if t.before(1) == "else" => t
            .error("`else` is followed by its value")
            .at(span, "no `:` here")
            .fix(span, "", "remove it"),
        Place::Top if t.at == 2 && matches!(t.word(0), "let" | "term" | "report") => typed_let(t),
        Place::Block if t.before(2) == "let" => typed_let(t),
        Place::Top if t.at == 1 && !is_reserved(t.word(0)) => t
            .error("a declaration starts with a word")
            .at(t.span(0), "of which sort?")
            .help(format!("a tensor is `input {}: ...`", t.word(0)))
            .help(format!(
                "a number that can be set is `param {}: ... = ...`",
                t.word(0)
            )),
        Place::Top if t.defines() && t.expects(Rule::assign) => t
            .error("the body of a definition comes after `=`")
            .at(span, "not a `:`")
            .fix(span, " =", "write `=`"),
        _ => return None,
    };
    Some(diagnostic)
}

/// What stands in the brackets behind a value.
pub(super) fn brackets(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let before = t.before(1);
    let span = t.here_span();
    let place = t.place();
    let entries = |diagnostic: Diagnostic| {
        diagnostic.help(
            "an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, \
             an entry of a list `x[0]`",
        )
    };
    if here == ".." {
        let diagnostic = match place {
            Place::Bracket if matches!(before, "[" | ",") => {
                t.error("a slice names its axis").at(span, "of which axis?")
            }
            Place::Bracket if t.kind(t.at - 1) == Some(TokenKind::Number) => {
                t.error("a slice names its axis").at(span, "of which axis?")
            }
            Place::Bracket => t
                .error("the bounds of a slice are whole numbers")
                .at(t.before_span(), "not a whole number"),
            _ => t
                .error("`..` goes only in a slice")
                .at(span, "not expected here"),
        };
        return Some(entries(diagnostic));
    }
    if place == Place::TypeAxes && here == "*" {
        let diagnostic = t
            .error("any number of axes is written with `...`")
            .at(span, "not with `*`")
            .fix(span, "...", "write `...`");
        return Some(diagnostic);
    }
    if place != Place::Bracket {
        return None;
    }
    if before == "[" && here == "]" {
        let diagnostic = t
            .error("the brackets are empty")
            .at(span, "an axis is missing");
        return Some(diagnostic.help("without brackets a reduction goes over all axes"));
    }
    if before == "[" && here == "-" {
        let diagnostic = t.error("the entries of a list count from 0").at(span, "");
        return Some(entries(diagnostic));
    }
    if (is_infix(here) || matches!(here, "(" | "[") || t.kind(t.at) == Some(TokenKind::Number))
        && (t.expects_axis() || t.expects(Rule::close_bracket))
    {
        let diagnostic = t
            .error("this cannot go in brackets after a value")
            .at(span, "not expected here");
        return Some(entries(diagnostic));
    }
    None
}

/// `(a, b)` and `minimize a, b`
pub(super) fn commas(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "," {
        return None;
    }
    let span = t.here_span();
    let digits = |at: usize| {
        t.kind(at) == Some(TokenKind::Number) && t.word(at).bytes().all(|b| b.is_ascii_digit())
    };
    let touching = t.before_span().end == span.start && t.span(t.at + 1).start == span.end;
    if touching && t.at > 0 && digits(t.at - 1) && digits(t.at + 1) && t.place() != Place::Bracket {
        let diagnostic = t
            .error("a number is written with a point")
            .at(span, "not with a comma")
            .fix(span, ".", "write the point");
        return Some(diagnostic);
    }
    match t.place() {
        Place::Group => {
            let diagnostic = t
                .error("parentheses hold one value")
                .at(span, "a second one follows")
                .help("a list is `[a, b]`");
            Some(diagnostic)
        }
        Place::Top | Place::Block => {
            let diagnostic = t
                .error("one value is expected")
                .at(span, "a second one follows")
                .help("a list is `[a, b]`");
            Some(diagnostic)
        }
        _ => None,
    }
}

/// `{` where no body is.
pub(super) fn braces(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "{" {
        return None;
    }
    let diagnostic = t
        .error("braces hold only the body of a `fn` or a `loss`")
        .at(t.here_span(), "not expected here");
    let called = t.at > 0
        && t.kind(t.at - 1) == Some(TokenKind::Word)
        && t.before_span().end == t.here_span().start;
    if called {
        let name = t.before(1);
        return Some(diagnostic.help(format!("options stand in parentheses: `{name}(…)`")));
    }
    Some(if t.open_if().is_some() {
        diagnostic.help("write `if condition then a else b`, without braces")
    } else {
        diagnostic.help("a list is `[a, b]`")
    })
}
