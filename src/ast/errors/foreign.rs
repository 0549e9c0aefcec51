//! Operators, numbers and quotes of other languages, found by the scan.

use super::super::grammar::is_reserved;
use super::super::pieces::MAX_ERRORS;
use super::super::scan::{Token, TokenKind};
use super::super::vocabulary;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// What is written elsewhere, what it is, what to write here, and whether that is a replacement.
struct Other {
    text: &'static str,
    message: &'static str,
    instead: &'static str,
    help: &'static str,
}

macro_rules! others {
    ($($text:literal $message:literal, $instead:literal, $help:literal;)*) => {
        &[$(Other { text: $text, message: $message, instead: $instead, help: $help }),*]
    };
}

/// An empty replacement means that there is only advice.
const OTHERS: &[Other] = others! {
    "**" "powers are written with `^`", "^", "write `^`";
    "&&" "`&&` is not an operator", "and", "write `and`";
    "&" "`&` is not an operator", "and", "write `and`";
    "||" "`||` is not an operator", "or", "write `or`";
    "|" "`|` is not an operator", "or", "write `or`";
    "!" "`!` is not an operator", "not ", "write `not`";
    "~" "`~` is not an operator", "not ", "write `not`";
    "===" "`===` is not an operator", "==", "write `==`";
    "!==" "`!==` is not an operator", "!=", "write `!=`";
    "<>" "`<>` is not an operator", "!=", "write `!=`";
    "=>" "`=>` is not an operator", ">=", "write `>=` to compare";
    ":=" "`:=` is not an operator", "", "a value is `let name = ...`";
    "//" "`//` does not start a comment", "#", "comments start with `#`; a division is `/`";
    "/*" "`/*` does not start a comment", "", "comments start with `#` and end with the line";
    "->" "the type of a result is not written", "", "remove `->` and the type: the value of the body decides";
    "+=" "nothing changes its value", "", "give the new value a name of its own with `let`";
    "-=" "nothing changes its value", "", "give the new value a name of its own with `let`";
    "*=" "nothing changes its value", "", "give the new value a name of its own with `let`";
    "/=" "nothing changes its value", "", "give the new value a name of its own with `let`";
    "%" "there is no remainder operator", "", "`x - n*floor(x/n)` is the remainder of `x` by `n`";
    "@" "there is no matrix product", "", "`dot[D](a, b)` sums a product along the axis `D`";
    "?" "`?` is not an operator", "", "a choice is `if condition then a else b`";
    "\\" "a line needs no mark to go on", "", "remove it: an expression goes on while it is not complete";
    "$" "names have no mark", "", "remove it";
    "`" "names have no quotes", "", "remove it";
    "−" "this is not the minus sign of a keyboard", "-", "write `-`";
    "–" "this is a dash, not a minus sign", "-", "write `-`";
    "—" "this is a dash, not a minus sign", "-", "write `-`";
    "±" "`±` is not an operator", "within", "how far off a value may be is said by `within`";
    "×" "`×` is not an operator", "*", "write `*`";
    "·" "`·` is not an operator", "*", "write `*`";
    "⋅" "`⋅` is not an operator", "*", "write `*`";
    "∗" "`∗` is not an operator", "*", "write `*`";
    "÷" "`÷` is not an operator", "/", "write `/`";
    "∕" "`∕` is not an operator", "/", "write `/`";
    "≤" "`≤` is not an operator", "<=", "write `<=`";
    "≥" "`≥` is not an operator", ">=", "write `>=`";
    "≠" "`≠` is not an operator", "!=", "write `!=`";
    "²" "powers are written with `^`", "^2", "write `^2`";
    "³" "powers are written with `^`", "^3", "write `^3`";
    "∞" "infinity is a word", "inf", "write `inf`";
    "…" "this is one character, not three dots", "...", "write `...`";
    "√" "a root is a function", "", "write `sqrt(x)`";
    "∑" "a sum is a function", "", "write `sum[N](x)`";
    "α" "names are made of ASCII letters", "alpha", "spell it out";
    "β" "names are made of ASCII letters", "beta", "spell it out";
    "γ" "names are made of ASCII letters", "gamma", "spell it out";
    "δ" "names are made of ASCII letters", "delta", "spell it out";
    "ε" "names are made of ASCII letters", "epsilon", "spell it out";
    "λ" "names are made of ASCII letters", "lambda", "spell it out";
    "μ" "names are made of ASCII letters", "mu", "spell it out";
    "σ" "names are made of ASCII letters", "sigma", "spell it out";
    "τ" "names are made of ASCII letters", "tau", "spell it out";
    "\u{a0}" "this space is a special one", " ", "write an ordinary space";
    "\u{2009}" "this space is a special one", " ", "write an ordinary space";
    "\u{202f}" "this space is a special one", " ", "write an ordinary space";
    "\u{3000}" "this space is a special one", " ", "write an ordinary space";
    "\u{200b}" "here is an invisible character", "", "remove it";
    "\u{feff}" "here is an invisible character", "", "remove it";
};

/// Reports what a piece holds that the language does not have, at most once a line, and returns whether
/// there is anything. A point behind one of `misnamed` only follows from what is wrong with a `use`.
pub(in crate::ast) fn report(
    file: FileId,
    text: &str,
    tokens: &[Token],
    misnamed: &[&str],
    found: &mut Vec<Diagnostic>,
) -> bool {
    let (mut in_line, mut any) = (0, false);
    for (at, token) in tokens.iter().enumerate() {
        if token.first {
            in_line = 0;
        }
        if token.kind != TokenKind::Foreign || belongs(text, tokens, at) {
            continue;
        }
        any = true;
        let word = |at: usize| &text[tokens[at].start..tokens[at].end];
        let follows =
            at > 0 && word(0) != "use" && word(at) == "." && misnamed.contains(&word(at - 1));
        if found.len() < MAX_ERRORS {
            in_line += 1;
            if in_line == 1 && !follows {
                found.push(explain(file, text, tokens, at));
            }
        }
    }
    any
}

/// Whether a token that most of the language does not have is at its place here: the path of a
/// `use`, the name of a test, the point in `monai.dice()`.
fn belongs(text: &str, tokens: &[Token], at: usize) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |t| &text[t.start..t.end]);
    if word(0) == "use" || word(at) != "." {
        let quoted = word(at);
        let whole = quoted.len() > 1 && quoted.starts_with('"') && quoted.ends_with('"');
        let named = at == 1 && matches!(word(0), "use" | "test");
        return named && whole && !quoted.starts_with("\"\"\"");
    }
    // More points in a row are the path of another language.
    let ends = |at: Option<usize>| at.is_none_or(|at| word(at) != ".");
    glued(text, tokens, at).is_some() && ends(at.checked_sub(2)) && ends(Some(at + 2))
}

/// The two names that a point joins without blank space.
fn glued<'t>(text: &'t str, tokens: &[Token], at: usize) -> Option<(&'t str, &'t str)> {
    let name = |token: &Token| {
        let word = &text[token.start..token.end];
        (token.kind == TokenKind::Word && !is_reserved(word)).then_some(word)
    };
    let (before, point, behind) = (
        tokens.get(at.checked_sub(1)?)?,
        tokens[at],
        tokens.get(at + 1)?,
    );
    let close = before.end == point.start && point.end == behind.start;
    close.then_some((name(before)?, name(behind)?))
}

fn explain(file: FileId, text: &str, tokens: &[Token], at: usize) -> Diagnostic {
    let token = tokens[at];
    let word = &text[token.start..token.end];
    let span = Span::new(file, token.start, token.end);
    let error = |message: String| Diagnostic::error(Code::Syntax, message);

    let quote = word.starts_with(['"', '\'', '“', '”', '‘', '’', '«', '»']);
    if quote && at == 1 && &text[tokens[0].start..tokens[0].end] == "use" {
        let path = word.trim_matches(['"', '\'', '“', '”', '‘', '’', '«', '»']);
        return error("the path of a module stands in double quotes".to_owned())
            .at(span, "")
            .fix(
                span,
                format!("\"{path}\""),
                "write double quotes, on one line",
            );
    }
    if quote {
        let diagnostic = error("there are no strings".to_owned()).at(span, "");
        let bare = word.trim_matches(['"', '\'', '“', '”', '‘', '’']);
        let name = |c: char| c.is_ascii_lowercase() || c == '_';
        let before = at.checked_sub(1).map(|at| &tokens[at]);
        let word = before.map_or("", |t| &text[t.start..t.end]);
        let value = word == "=";
        if text.trim_start().starts_with('{') {
            return diagnostic
                .help("a spec is not JSON but a formula: `minimize 0.5*dice() + 0.5*ce()`");
        }
        if matches!(word, "as" | "error") && !token.first && !bare.is_empty() {
            return diagnostic.fix(span, bare, "names and codes are written without quotes");
        }
        return match token.first {
            true => diagnostic.help("a remark starts with `#`, a doc comment with `##`"),
            false if value && !bare.is_empty() && bare.chars().all(name) => {
                diagnostic.fix(span, bare, "words of an option are written without quotes")
            }
            false => diagnostic.help("names are written without quotes, as in `reduce=mean`"),
        };
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) || (word.starts_with('.') && word.len() > 1) {
        return number(word, span);
    }
    if word == "." {
        return dot(text, tokens, at, span);
    }
    let opens = match at.checked_sub(1).map(|at| &tokens[at]) {
        Some(before) => matches!(
            &text[before.start..before.end],
            "(" | "," | "=" | "+" | "-" | "*" | "/"
        ),
        None => true,
    };
    if word == "|" && opens {
        return error("bars are not brackets".to_owned())
            .at(span, "")
            .help("an absolute value is `abs(x)`");
    }
    match OTHERS.iter().find(|other| other.text == word) {
        Some(other) => {
            let diagnostic = error(other.message.to_owned()).at(span, "");
            if other.instead.is_empty() {
                diagnostic.help(other.help)
            } else {
                diagnostic.fix(span, other.instead, other.help)
            }
        }
        None => {
            let letter = word.starts_with(char::is_alphabetic);
            let diagnostic = error(format!("`{word}` does not belong to the language"));
            if letter {
                diagnostic
                    .at(span, "")
                    .help("names are made of ASCII letters, digits and `_`")
            } else {
                diagnostic.at(span, "unknown character")
            }
        }
    }
}

/// Numbers that are written differently here, and letters glued to numbers.
fn number(word: &str, span: Span) -> Diagnostic {
    let error = |message: String| Diagnostic::error(Code::Syntax, message);
    if let Some(digits) = word.strip_prefix('.')
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        return error(format!("`{word}` is not a number"))
            .at(span, "a digit is missing before the point")
            .fix(span, format!("0{word}"), "write the zero");
    }
    if let Some(digits) = word.strip_suffix('.')
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        return error(format!("`{word}` is not a number"))
            .at(span, "a digit is missing after the point")
            .fix(span, format!("{word}0"), "write the zero");
    }
    let plain: String = word.chars().filter(|c| *c != '_').collect();
    if plain.bytes().all(|b| b.is_ascii_digit()) {
        return error(format!("`{word}` is not a number"))
            .at(span, "digits cannot be grouped")
            .fix(span, plain, "write the digits without `_`");
    }
    let end = word
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(word.len());
    let (digits, letters) = word.split_at(end);
    if letters.is_empty() || digits.starts_with('.') || digits.matches('.').count() > 1 {
        return error(format!("`{word}` is not a number")).at(span, "");
    }
    if letters.starts_with(['x', 'X', 'b', 'o']) && digits == "0" && letters.len() > 1 {
        return error(format!("`{word}` is not a number"))
            .at(span, "only decimal numbers are known");
    }
    if matches!(letters, "f" | "f32" | "f64" | "F" | "L" | "d") {
        return error(format!("`{word}` is not a number"))
            .at(span, "numbers carry no type")
            .fix(span, digits, "write the number alone");
    }
    if matches!(letters, "e" | "E") {
        return error(format!("`{word}` is not a number"))
            .at(span, "the digits of the exponent are missing")
            .help("write it in full, `1e-6`");
    }
    error(format!("`{word}` is neither a number nor a name"))
        .at(span, "")
        .fix(
            span,
            format!("{digits}*{letters}"),
            "write the `*` of a product",
        )
}

/// What often stands before a point and is no value.
const MODULES: &[&str] = &[
    "torch",
    "nn",
    "F",
    "K",
    "optim",
    "np",
    "numpy",
    "jnp",
    "jax",
    "tf",
    "math",
    "monai",
    "smp",
    "nnunet",
    "kornia",
    "mmseg",
    "keras",
    "optax",
    "timm",
    "torchvision",
    "losses",
    "loss",
    "std",
    "self",
];

/// `sum(x).exp()`, `torch.nn.mean(x)`, `use common.loss`: points that do not stand between a module
/// and its name.
fn dot(text: &str, tokens: &[Token], at: usize, span: Span) -> Diagnostic {
    let any = |at: usize| {
        let token = tokens.get(at)?;
        matches!(token.kind, TokenKind::Word | TokenKind::Axis)
            .then(|| &text[token.start..token.end])
    };
    let word = |at: usize| any(at).filter(|word| word.starts_with(|c: char| c.is_lowercase()));
    let point = |at: usize| tokens.get(at).is_some_and(|t| &text[t.start..t.end] == ".");
    if tokens[..1].iter().any(|t| &text[t.start..t.end] == "use") {
        return bare_path(text, tokens, span);
    }
    let message = "a point stands only between a module and a name of it";
    let diagnostic = Diagnostic::error(Code::Syntax, message).at(span, "not expected here");
    let first = at.checked_sub(1).and_then(any);
    if matches!((first, any(at + 1)), (_, Some("T" | "t" | "mT"))) {
        return diagnostic.help("axes are matched by name, so nothing is transposed");
    }
    if first.is_some_and(|module| MODULES.contains(&module)) {
        // `torch.nn.functional.relu`: only the last name counts.
        let mut last = at + 1;
        while point(last + 1) && any(last + 2).is_some() {
            last += 2;
        }
        let name = any(last).unwrap_or("f");
        let here = match vocabulary::callable(name) {
            Some(here) => here.to_owned(),
            None => vocabulary::without_suffix(name).unwrap_or_else(|| name.to_lowercase()),
        };
        return diagnostic.help(format!(
            "functions are written without a module: `{here}(...)`"
        ));
    }
    let before = at.checked_sub(1).map(|at| tokens[at]);
    if let (Some(axis), Some(name)) = (before.filter(|t| t.kind == TokenKind::Axis), word(at + 1)) {
        let upper = &text[axis.start..axis.end];
        return Diagnostic::error(
            Code::Syntax,
            format!("`{upper}` is not the name of a module"),
        )
        .at(
            Span::new(span.file, axis.start, axis.end),
            "modules start in lower case, axes in upper case",
        )
        .help(format!(
            "a module is named with `use monai`, or `use monai as m`, and called as `m.{name}()`"
        ));
    }
    match (first, word(at + 1)) {
        (None, Some(name)) => diagnostic.help(format!("there are no methods: write `{name}(...)`")),
        (Some(value), Some(name)) => {
            diagnostic.help(format!("there are no methods: write `{name}({value})`"))
        }
        _ => diagnostic.help("there are no methods, only functions: `sum(x)`"),
    }
}

/// A path without quotes, or the part of a module, behind `use`.
fn bare_path(text: &str, tokens: &[Token], span: Span) -> Diagnostic {
    let line = 1 + tokens.iter().skip(1).take_while(|t| !t.first).count();
    let rest = &tokens[1..line];
    let alias = rest.iter().position(|t| &text[t.start..t.end] == "as");
    let path = &rest[..alias.filter(|&at| at > 0).unwrap_or(rest.len())];
    let (Some(first), Some(last)) = (path.first(), path.last()) else {
        return Diagnostic::error(Code::Syntax, "the name of a module is missing").at(span, "");
    };
    let whole = Span::new(span.file, first.start, last.end);
    let path = &text[first.start..last.end];
    if path.ends_with(".loss") {
        return Diagnostic::error(Code::Syntax, "the path of a module stands in double quotes")
            .at(whole, "")
            .fix(whole, format!("\"{path}\""), "write the quotes");
    }
    Diagnostic::error(Code::Syntax, "a module has no parts")
        .at(span, "not expected here")
        .help(match path.split('.').collect::<Vec<_>>()[..] {
            [module, name] if !name.is_empty() => {
                format!("write `use {module}`, and call `{module}.{name}()`; a file is `use \"common.loss\"`")
            }
            _ => "`use torch` names the whole module, `use \"common.loss\"` a file".to_owned(),
        })
}
