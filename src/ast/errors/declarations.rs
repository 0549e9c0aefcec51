//! Mistakes in declarations: items, heads of definitions, bodies.

use super::super::grammar::{ITEM_WORDS, Rule, is_reserved};
use super::super::scan::TokenKind;
use super::trouble::{Place, Trouble};
use crate::diag::Diagnostic;
use crate::source::Span;

/// `loss = dice()`, `minimize: dice()`, `let f(x) = x`, `let a, b = 1`
pub(super) fn item_word(t: &Trouble) -> Option<Diagnostic> {
    let item = t.word(0);
    let here = t.here();
    let span = t.here_span();
    let binds = matches!(item, "let" | "term" | "report");
    let diagnostic = match here {
        "=" | ":" if t.at == 1 && item == "minimize" => t
            .error(format!("`minimize` takes its expression without `{here}`"))
            .at(span, "not expected here")
            .fix(t.behind_before().to(t.here_and_blank()), " ", "remove it"),
        ":" if t.at == 1 && item == "loss" => t
            .error("`loss` starts the definition of a loss")
            .at(t.before_span(), "no definition follows")
            .help("what to train on is one expression: `minimize 0.5*dice() + 0.5*ce()`")
            .help("a definition is `loss name(...) on pred: probs, target: probs = ...`"),
        "=" if t.at == 1 && item == "loss" => t
            .error("`loss` starts the definition of a loss")
            .at(t.before_span(), "no definition follows")
            .fix(
                t.before_span().to(span),
                "minimize",
                "what to train on is `minimize`",
            )
            .help("a definition is `loss name(...) on pred: probs, target: probs = ...`"),
        "=" | ":" if t.at == 1 && ITEM_WORDS.contains(&item) => t
            .error(format!("`{item}` is a reserved word and cannot be a name"))
            .at(t.before_span(), "reserved")
            .help(format!("choose another name, for example `{item}_`")),
        "(" if t.at == 2 && binds => t
            .error(format!("a `{item}` has no arguments"))
            .at(span, "not expected here")
            .help(format!("a function is `fn {}(x: real) = ...`", t.word(1))),
        "," if t.at == 2 && binds => t
            .error(format!("a `{item}` gives one name to one value"))
            .at(span, "a second name follows")
            .help("write an item for each name"),
        "," if t.place() == Place::Top && t.expects(Rule::EOI) && t.at + 1 == t.tokens.len() => t
            .error("items do not end with `,`")
            .at(span, "an item ends where the next one starts")
            .fix(span, "", "remove it"),
        _ => return None,
    };
    Some(diagnostic)
}

/// `let a = 1;`, and a `;` behind the value of a body.
pub(super) fn semicolon(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != ";" {
        return None;
    }
    let span = t.here_span();
    let diagnostic = match t.place() {
        Place::Block if t.word(t.at + 1) == "}" => t
            .error("the last line of a body is its value")
            .at(span, "no `;` after the value"),
        Place::Block => t
            .error("only the `let` lines of a body end with `;`")
            .at(span, "this ends the value of the body")
            .help("give the values on the way to the result names with `let`"),
        Place::Top => t
            .error("items do not end with `;`")
            .at(span, "an item ends where the next one starts"),
        _ => {
            let diagnostic = t
                .error("entries are separated by `,`")
                .at(span, "not by `;`")
                .fix(span, ",", "write a comma");
            return Some(diagnostic);
        }
    };
    if !diagnostic.help.is_empty() {
        return Some(diagnostic);
    }
    Some(diagnostic.fix(span, "", "remove it"))
}

/// `let a: real = 1`
pub(super) fn typed_let(t: &Trouble) -> Diagnostic {
    let diagnostic = t
        .error(format!("a `{}` has no type", t.before(2)))
        .at(t.here_span(), "a type starts here");
    let remark = "remove it: the type is that of the value";
    match (t.at..t.tokens.len()).find(|at| matches!(t.word(*at), "=" | ";")) {
        Some(end) if t.word(end) == "=" => {
            diagnostic.fix(t.here_span().to(t.span(end - 1)), "", remark)
        }
        _ => diagnostic.help(remark),
    }
}

/// `=` where it cannot be: for `==`, in `minimize = …`, without `let`.
pub(super) fn equals_sign(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "=" || t.at == 0 {
        return None;
    }
    let span = t.here_span();
    let place = t.place();
    let item = t.word(0);
    let name = t.before(1);
    let start_of_entry = matches!(t.before(2), "(" | ",");
    let is_name = t.kind(t.at - 1) == Some(TokenKind::Word) && !is_reserved(name);

    let diagnostic = match place {
        // A definition without parentheses has a message of its own.
        Place::Top if t.at == 2 && t.defines() => return None,
        Place::Top if t.first(t.at - 1) && is_name => t
            .error(format!("`{name} = ...` is not an item"))
            .at(t.before_span(), "what is it?")
            .fix(start(t, t.at - 1), "let ", "a value is a `let`")
            .help(format!(
                "a number that can be set is `param {name}: real = ...`"
            )),
        Place::Top if t.at == 2 && item == "input" => t
            .error("an input has a type, not a value")
            .at(span, "a type is expected")
            .help(format!(
                "a tensor is `input {name}: logits[N, C, ...S] over C`, for example"
            ))
            .help(format!(
                "a number that can be set is `param {name}: real = ...`"
            )),
        Place::Top if t.at > 2 && item == "input" => t
            .error("an input has no default")
            .at(span, "not expected here")
            .help("a number with a default is a `param`"),
        Place::Top if t.at == 2 && item == "param" => missing_type(t),
        Place::Options if start_of_entry => missing_type(t),
        Place::Arguments if start_of_entry && t.kind(t.at - 1) == Some(TokenKind::Axis) => t
            .error("the names of options are written in lower case")
            .at(t.before_span(), "an axis is no option")
            .fix(
                t.before_span(),
                name.to_lowercase(),
                "write it in lower case",
            ),
        Place::Block if matches!(t.before(2), "{" | ";") && is_name => t
            .error(format!("`{name} = ...` is not part of a body"))
            .at(t.before_span(), "what is it?")
            .fix(start(t, t.at - 1), "let ", "a local value is a `let`"),
        _ if t.ends_operand(t.at - 1) => t
            .error("`=` names a value and does not compare")
            .at(span, "not expected here")
            .fix(span, "==", "write `==` to compare"),
        _ => return None,
    };
    Some(diagnostic)
}

/// The empty place in front of a token.
fn start(t: &Trouble, at: usize) -> Span {
    let span = t.span(at);
    Span {
        end: span.start,
        ..span
    }
}

/// A param, an option or an operand whose type is missing in front of the token here.
fn missing_type(t: &Trouble) -> Diagnostic {
    let name = t.before(1);
    let operand = t.place() == Place::Top && t.word(0) == "loss";
    let ty = if operand { "probs" } else { "real" };
    t.error(format!("`{name}` has no type"))
        .at(t.before_span(), "a type is missing after it")
        .guess(
            t.behind_before(),
            format!(": {ty}"),
            "write its type, for example",
        )
}

/// The head of a `fn` or a `loss`, and the name and colon of an `input` or a `param`.
pub(super) fn definition_head(t: &Trouble) -> Option<Diagnostic> {
    let item = t.word(0);
    let is_name =
        t.at > 0 && matches!(t.kind(t.at - 1), Some(TokenKind::Word)) && !is_reserved(t.before(1));
    let colon_missing = t.expects(Rule::colon) && is_name;
    match t.place() {
        Place::Top if t.at == 2 && t.defines() && t.here() != "(" && is_name => {
            let diagnostic = t
                .error(format!("a `{item}` has parentheses after its name"))
                .at(t.before_span(), "even if there are no options")
                .fix(t.behind_before(), "()", "write them");
            Some(diagnostic)
        }
        Place::Top if t.at == 2 && matches!(item, "input" | "param") && colon_missing => {
            Some(nameless(t).unwrap_or_else(|| match t.kind(2) {
                Some(TokenKind::Word | TokenKind::Axis) => missing_colon(t),
                _ => missing_type(t),
            }))
        }
        Place::Options if colon_missing && matches!(t.before(2), "(" | ",") => {
            let diagnostic = match t.here() {
                "," | ")" => missing_type(t),
                _ => missing_colon(t),
            };
            Some(diagnostic)
        }
        Place::Top if t.defines() && colon_missing && matches!(t.before(2), "on" | ",") => {
            let diagnostic = match t.here() {
                "," | "=" | "" => missing_type(t),
                _ => missing_colon(t),
            };
            Some(diagnostic)
        }
        Place::Top if item == "loss" && t.before(1) == "on" && t.here() == "(" => {
            let diagnostic = t
                .error("the operands of a definition have no parentheses")
                .at(t.here_span(), "not expected here")
                .help("write `on pred: probs, target: probs`");
            Some(diagnostic)
        }
        _ => None,
    }
}

/// `input logits[N, C]`, `input real`
pub(super) fn nameless(t: &Trouble) -> Option<Diagnostic> {
    let kind = t.word(1);
    let kinds = [
        "logits",
        "probs",
        "log_probs",
        "labels",
        "onehot",
        "mask",
        "real",
        "scalar",
    ];
    let followed = t.at_end() || matches!(t.here(), "[" | "over" | "per" | "of" | "=");
    (kinds.contains(&kind) && followed).then(|| {
        t.error(format!("the {} has no name", t.word(0)))
            .at(t.span(1), "this is its kind")
            .fix(start(t, 1), "name: ", "name it")
    })
}

fn missing_colon(t: &Trouble) -> Diagnostic {
    let name = t.before(1);
    t.error(format!("a `:` is missing after `{name}`"))
        .at(t.here_span(), "its type starts here")
        .fix(t.behind_before(), ":", "write the `:`")
}

/// `{ let a = 1 let b = 2; a }`
pub(super) fn missing_semicolon(t: &Trouble) -> Option<Diagnostic> {
    let in_let = || {
        let lines = (0..t.at).rev().map(|at| t.word(at));
        lines
            .take_while(|w| !matches!(*w, ";" | "{"))
            .any(|w| w == "let")
    };
    let goes_on = t.here() == "let" || (t.starts_operand(t.at) && t.first(t.at)) || t.here() == "}";
    let ended = t.at > 0 && t.ends_operand(t.at - 1);
    if t.place() != Place::Block || !goes_on || !ended || !in_let() {
        return None;
    }
    let end = t.behind_before();
    if t.here() == "}" {
        let diagnostic = t
            .error("the body has no value")
            .at(t.here_span(), "it ends with a `let`")
            .help("the last line of a body is its value, without `let`");
        return Some(diagnostic);
    }
    let diagnostic = t
        .error("a `let` in a body ends with `;`")
        .at(end, "missing here")
        .fix(end, ";", "write it");
    Some(diagnostic)
}

/// `let x 1`, `term region dice()`, `param x: real 1`, `loss f() on a: probs { … }`
pub(super) fn missing_equals(t: &Trouble) -> Option<Diagnostic> {
    let item = t.word(0);
    if !t.expects(Rule::assign) || t.place() != Place::Top || t.at < 2 {
        return None;
    }
    let end = t.behind_before();
    let bound = matches!(item, "let" | "term" | "report") && t.at == 2;
    let valued = bound || t.defines() || item == "param";
    if !valued {
        return None;
    }
    if t.at_end() {
        let missing = match item {
            "fn" | "loss" => format!("this `{item}` has no body"),
            "param" => "a `param` has a default".to_owned(),
            _ => format!("`{}` has no value", t.word(1)),
        };
        let diagnostic = t
            .error(missing)
            .at(t.before_span(), "`=` is missing after this");
        return Some(match item {
            "param" => diagnostic
                .guess(end, " = 1", "write it, for example")
                .help("what must be given anew for each run is an `input`"),
            _ => diagnostic,
        });
    }
    if t.starts_operand(t.at) || t.here() == "{" || t.here() == "-" || t.here() == "if" {
        let diagnostic = t
            .error("a `=` is missing")
            .at(t.here_span(), "the value starts here")
            .fix(end, " =", "write it");
        return Some(diagnostic);
    }
    None
}
