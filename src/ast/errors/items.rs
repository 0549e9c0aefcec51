//! Lines that start with a word that is no item.

use super::super::grammar::ITEM_WORDS;
use super::super::pieces::is_unknown_item;
use super::super::scan::{Token, TokenKind};
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::source::{FileId, Span};

const USE: &str = "the standard library is there already; a module is named with `use monai` or `use \"common.loss\"`";

/// Words of other languages at the start of a line, and what to do instead.
const OTHERS: &[(&str, &str)] = &[
    (
        "def",
        "a function is `fn name(x: real) = ...`, a loss `loss name(...) on pred: probs, target: probs = ...`",
    ),
    ("function", "a function is `fn name(x: real) = ...`"),
    ("func", "a function is `fn name(x: real) = ...`"),
    (
        "class",
        "a loss is `loss name(...) on pred: probs, target: probs = ...`",
    ),
    ("import", USE),
    ("from", USE),
    ("include", USE),
    (
        "return",
        "the value of a body is its last line, without a word before it",
    ),
    ("lambda", "functions have names: `fn name(x: real) = ...`"),
    (
        "for",
        "there are no loops: reductions such as `sum[N](x)` go through axes, and `sum for A in space: ...` through the axes themselves",
    ),
    (
        "while",
        "there are no loops: reductions such as `sum[N](x)` go through axes",
    ),
    ("var", "a value is `let name = ...`"),
    ("const", "a value is `let name = ...`"),
    ("auto", "a value is `let name = ...`"),
    (
        "float",
        "a value is `let name = ...`, a number that can be set `param name: real = ...`",
    ),
    (
        "maximize",
        "there is only `minimize`: minimize the negative, `minimize -x`",
    ),
    (
        "maximise",
        "there is only `minimize`: minimize the negative, `minimize -x`",
    ),
    ("output", "a value to watch is `report name = ...`"),
    ("metric", "a value to watch is `report name = ...`"),
    ("print", "a value to watch is `report name = ...`"),
];

/// The diagnostic for a piece that is no item: it starts with two words in a row.
pub(in crate::ast) fn unknown_item(
    file: FileId,
    text: &str,
    tokens: &[Token],
) -> Option<Diagnostic> {
    let first = tokens.first()?;
    let word = &text[first.start..first.end];
    let span = Span::new(file, first.start, first.end);
    let error = |message: String| Diagnostic::error(Code::Syntax, message);

    // `minimise(x)` and `maximize(x)` look like calls and are not meant as such.
    let called = tokens.get(1).is_some_and(|t| is_open(text, t));
    let meant = matches!(
        word,
        "minimise" | "minimze" | "minimizes" | "optimize" | "optimise" | "maximize" | "maximise"
    );
    let unknown = (called && meant) || is_unknown_item(text, tokens);
    if !unknown {
        return None;
    }
    if first.kind == TokenKind::Axis {
        let diagnostic = error("the words of the language are written in lower case".to_owned())
            .at(span, "")
            .fix(span, word.to_lowercase(), "write it in lower case");
        return Some(diagnostic);
    }
    let diagnostic = error(format!("`{word}` does not start an item")).at(span, "no such item");
    if let Some((_, instead)) = OTHERS.iter().find(|(other, _)| *other == word) {
        return Some(diagnostic.help(*instead));
    }
    let diagnostic = match nearest(word, ITEM_WORDS.iter().copied()) {
        Some(item) => diagnostic.fix(span, item, format!("did you mean `{item}`?")),
        None => diagnostic.help("if this is an expression, an operator is missing after it"),
    };
    Some(diagnostic.note(all_items()))
}

fn all_items() -> String {
    let words: Vec<String> = ITEM_WORDS.iter().map(|w| format!("`{w}`")).collect();
    format!("an item starts with {}", or_list(&words))
}

fn is_open(text: &str, token: &Token) -> bool {
    !token.first && &text[token.start..token.end] == "("
}
