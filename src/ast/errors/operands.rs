//! Mistakes with operators and operands, `if`, `on` and `sum for`.

use super::super::grammar::Rule;
use super::super::pieces::closer_of;
use super::super::scan::TokenKind;
use super::refusals::capitalised;
use super::trouble::{Place, Trouble, is_infix};
use crate::diag::Diagnostic;
use crate::source::Span;

/// `a * not b`, `-not b`
pub(super) fn misplaced_not(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "not" || t.at == 0 || !t.is_infix(t.at - 1) {
        return None;
    }
    let diagnostic = t
        .error(format!("`not` cannot follow `{}`", t.before(1)))
        .at(t.here_span(), "not expected here")
        .also(t.before_span(), "this takes numbers")
        .help("put it in parentheses, `(not x)`");
    Some(diagnostic)
}

/// `a + `, `a + * b`, `* b`, `let x =`, `()`
pub(super) fn missing_operand(t: &Trouble) -> Option<Diagnostic> {
    if !(t.expects_value() || t.expects_name()) {
        return None;
    }
    let before = t.before(1);
    let here = t.here();
    if t.starts_operand(t.at) {
        return None;
    }
    let here_infix = is_infix(here);
    let ends = t.at_end() || matches!(here, ")" | "]" | "}" | "," | ";" | "then" | "else");
    if is_infix(before) || before == "not" {
        let diagnostic = if here_infix {
            let mut diagnostic = t
                .error(format!("`{before}` and `{here}` are next to each other"))
                .at(t.here_span(), "a value is missing before this")
                .also(t.before_span(), "and after this one");
            if here == "+" {
                diagnostic = diagnostic.help("a number carries no `+`");
            }
            diagnostic
        } else if ends {
            t.error(format!("`{before}` has nothing on its right"))
                .at(t.before_span(), "a value is missing after it")
        } else {
            return None;
        };
        return Some(diagnostic);
    }
    if here_infix {
        let diagnostic = t
            .error(format!("`{here}` has nothing on its left"))
            .at(t.here_span(), "a value is missing before it");
        if here == "+" && t.starts_operand(t.at + 1) {
            return Some(diagnostic.fix(t.here_and_blank(), "", "a number carries no `+`"));
        }
        return Some(diagnostic);
    }
    if !ends {
        return None;
    }
    let missing = match before {
        "=" if t.defines() && t.place() == Place::Top => "the body is",
        "=" | "minimize" | "then" | "else" | "if" | ":" => "a value is",
        "let" | "term" | "report" | "input" | "param" | "fn" | "loss" | "task" => "a name is",
        "(" if here == ")" => {
            let diagnostic = t
                .error("the parentheses are empty")
                .at(t.here_span(), "a value is missing before this");
            return Some(diagnostic);
        }
        "," if here == "," => {
            let diagnostic = t
                .error("there is nothing between two commas")
                .at(t.here_span(), "the second comma")
                .fix(t.here_span(), "", "remove it");
            return Some(diagnostic);
        }
        "(" | "[" if here == "," => {
            let diagnostic = t
                .error(format!("there is nothing between `{before}` and the comma"))
                .at(t.here_span(), "a value is missing before it");
            return Some(diagnostic);
        }
        ";" | "{" if here == "}" => {
            let diagnostic = t
                .error("the body has no value")
                .at(t.here_span(), "a value is missing before this")
                .help("the last line of a body is its value, without `let` and `;`");
            return Some(diagnostic);
        }
        _ => return None,
    };
    let diagnostic = t
        .error(format!("{missing} missing after `{before}`"))
        .at(t.before_span(), "nothing follows");
    Some(diagnostic)
}

/// `if` without `then` or `else`, `a if c else b`, `elif`.
pub(super) fn if_forms(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let ended = t.at > 0 && t.ends_operand(t.at - 1);
    if here == "elif" && ended {
        let diagnostic = t
            .error("`elif` is two words")
            .at(t.here_span(), "not expected here")
            .fix(t.here_span(), "else if", "write `else if`");
        return Some(diagnostic);
    }
    if here == "if" && ended && !t.first(t.at) {
        let diagnostic = t
            .error("the condition comes first")
            .at(t.here_span(), "not expected after a value")
            .help("write `if condition then a else b`");
        return Some(diagnostic);
    }
    if matches!(here, "then" | "else") && ended && t.open_if().is_none() {
        let diagnostic = t
            .error(format!("this `{here}` belongs to no `if`"))
            .at(t.here_span(), "not expected here")
            .help("write `if condition then a else b`");
        return Some(diagnostic);
    }
    let (at, needs) = t.open_if()?;
    if !ended {
        return None;
    }
    if needs == "then" && matches!(here, "is" | "in") {
        let diagnostic = t
            .error(format!("`{here}` does not compare"))
            .at(t.here_span(), "not expected here");
        return Some(match here {
            "is" => diagnostic.fix(t.here_span(), "==", "write `==` to compare"),
            _ => diagnostic.help("write a comparison for each value: `x == 1 or x == 2`"),
        });
    }
    if needs == "then" {
        let mut diagnostic = t
            .error("this `if` has no `then`")
            .at(t.span(at), "")
            .help("write `if condition then a else b`");
        if !t.at_end() {
            diagnostic = diagnostic.also(t.here_span(), "`then` is expected before this");
        }
        return Some(diagnostic);
    }
    let diagnostic = t
        .error("this `if` has no `else`")
        .at(
            t.span(at),
            "what is the value where the condition does not hold?",
        )
        .guess(t.behind_before(), " else 0", "write it, for example");
    Some(diagnostic)
}

/// `dice() on aux`
pub(super) fn on_operands(t: &Trouble) -> Option<Diagnostic> {
    if t.before(1) != "on" || t.here() == "(" || t.expects(Rule::declared) || t.at < 2 {
        return None;
    }
    if t.before(2) != ")" {
        return None;
    }
    let diagnostic = t
        .error("the operands after `on` go in parentheses")
        .at(t.before_span(), "`(` is expected after this");
    let goes_on = matches!(t.word(t.at + 1), "(" | "[" | "," | "=" | ":");
    let single = t.kind(t.at) == Some(TokenKind::Word) && !goes_on;
    Some(if single {
        diagnostic.fix(t.here_span(), format!("({})", t.here()), "write them")
    } else {
        diagnostic.help("write `dice() on (a, b)`")
    })
}

/// `language`, `sum for A in space x`
pub(super) fn missing_end(t: &Trouble) -> Option<Diagnostic> {
    let before = t.before(1);
    if t.at == 1 && before == "language" {
        let diagnostic = t
            .error("`language` is followed by a number")
            .at(t.before_span(), "which version?");
        let remark = "this is version 1";
        return Some(match t.at_end() || t.first(t.at) {
            true => diagnostic.fix(t.behind_before(), " 1", remark),
            false => diagnostic.fix(t.here_span(), "1", remark),
        });
    }
    if before == "for" && t.before(2) == "sum" && t.kind(t.at) == Some(TokenKind::Word) {
        let diagnostic = t
            .error("`sum for` goes through axes")
            .at(t.here_span(), "axes start in upper case")
            .fix(
                t.here_span(),
                capitalised(t.here()),
                "write the axis in upper case",
            );
        return Some(diagnostic);
    }
    if t.before(2) == "for" && t.before(3) == "sum" && t.ends_operand(t.at - 1) {
        let diagnostic = t
            .error(format!("`in` is missing after `{before}`"))
            .at(t.here_span(), "the axes to go through start here")
            .fix(t.behind_before(), " in", "write it");
        return Some(diagnostic);
    }
    let sum_for = (0..t.at).rev().take(12).any(|at| t.word(at) == "for");
    if sum_for && t.expects(Rule::colon) && !t.expects(Rule::assign) && t.at > 0 {
        let diagnostic = t
            .error("a `:` is missing after the axes of `sum for`")
            .at(t.behind_before(), "here")
            .fix(t.behind_before(), ":", "write it");
        return Some(diagnostic);
    }
    None
}

/// `f(a b)`, `2 x`
pub(super) fn adjacent_operands(t: &Trouble) -> Option<Diagnostic> {
    let adjacent = t.at > 0 && t.ends_operand(t.at - 1) && t.starts_operand(t.at);
    adjacent.then(|| two_operands(t))
}

/// Two values side by side: a comma or an operator is missing.
pub(in crate::ast) fn two_operands(t: &Trouble) -> Diagnostic {
    let (before, here) = (t.before(1), t.here());
    let end = t.behind_before();
    if before == "return" {
        let span = t.before_span();
        let word_and_blank = Span {
            end: t.here_span().start,
            ..span
        };
        return t
            .error("there is no `return`")
            .at(span, "not expected here")
            .help("the last line of a body is its value")
            .fix(word_and_blank, "", "remove it");
    }
    if before == "lambda" {
        return t
            .error("there are no functions without a name")
            .at(t.before_span(), "not expected here")
            .help("define it as an item, `fn name(x: real) = ...`");
    }
    if here == "for" {
        return t
            .error("there are no loops")
            .at(t.here_span(), "not expected here")
            .help("reductions such as `sum[N](x)` and `mean[space](x)` go through axes");
    }
    let clause = matches!(here, "over" | "per" | "of") && t.place() != Place::Arguments;
    if clause && !t.starts_operand(t.at + 1) {
        return t
            .error(format!("an axis is missing after `{here}`"))
            .at(t.here_span(), "of which axis are the classes?")
            .help(format!("for example `{here} C`"));
    }
    let listed = matches!(
        t.place(),
        Place::Arguments
            | Place::Options
            | Place::List
            | Place::Bracket
            | Place::TypeAxes
            | Place::Range
    );
    let place = t.opener();
    if listed {
        let mut diagnostic = t
            .error(format!("a comma is missing before `{here}`"))
            .at(t.here_span(), "a new entry, or the rest of the one before?");
        if let Some(opener) = place {
            let closer = closer_of(t.word(opener));
            diagnostic =
                diagnostic.note(format!("entries are separated by `,` up to the `{closer}`"));
        }
        return diagnostic.fix(end, ",", "write the comma");
    }
    // What stands behind the word is the same mistake, and the same message is shown once.
    if here == "where" || before == "where" {
        let word = if here == "where" {
            t.here_span()
        } else {
            t.before_span()
        };
        return t
            .error("a value is not restricted with `where`")
            .at(word, "not expected here")
            .help("a reduction is: `mean(x, where=target > 0)`");
    }
    let diagnostic = t
        .error(format!("an operator is missing before `{here}`"))
        .at(t.here_span(), "not expected here")
        .also(t.before_span(), "the value ends here");
    let factor = t.kind(t.at - 1) == Some(TokenKind::Number);
    if factor && t.kind(t.at) == Some(TokenKind::Word) && t.word(t.at + 1) == "(" {
        let between = Span {
            end: t.here_span().start,
            ..end
        };
        return diagnostic.fix(between, "*", "write the `*` of a product");
    }
    diagnostic.help("a new expression starts on a new line")
}
