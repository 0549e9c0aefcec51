//! What the grammar takes and the conversion refuses.

use super::super::tree::{ExprKind, Ident};
use super::super::vocabulary;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

fn error(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Syntax, message)
}

/// The name as an axis, or as a value: only the first letter differs.
pub(super) fn capitalised(name: &str) -> String {
    recased(name, char::to_ascii_uppercase)
}

/// The name in lower case.
pub(super) fn lowered(name: &str) -> String {
    recased(name, char::to_ascii_lowercase)
}

fn recased(name: &str, case: fn(&char) -> char) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| case(&c));
    first.into_iter().chain(chars).collect()
}

pub(in crate::ast) fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error(Code::TooDeep, "the expression is too deep or too long")
        .at(at, "one level too many")
        .note("an operator adds a level to what stands on its left or right")
        .help("split it with `let`")
}

pub(in crate::ast) fn number_too_large(at: Span) -> Diagnostic {
    error("the number is too large").at(at, "it cannot be represented")
}

pub(in crate::ast) fn chained_comparison(text: &str, first: Span, second: Span) -> Diagnostic {
    let middle = text
        .get(first.end as usize..second.start as usize)
        .unwrap_or("")
        .trim();
    let diagnostic = error("comparisons cannot be chained")
        .at(second, "a second comparison")
        .also(first, "the first one");
    if middle.is_empty() || middle.contains(['\n', '#']) {
        return diagnostic.help("join two comparisons with `and`");
    }
    let place = Span::new(second.file, second.start as usize, second.start as usize);
    diagnostic.fix(
        place,
        format!("and {middle} "),
        "join two comparisons with `and`",
    )
}

pub(in crate::ast) fn lower_case_axis(name: &Ident) -> Diagnostic {
    error(format!("`{}` is not the name of an axis", name.text))
        .at(name.span, "axes start in upper case")
        .fix(
            name.span,
            capitalised(&name.text),
            "write the axis in upper case",
        )
        .note("in lower case only the roles `batch`, `class` and `space` fit here")
}

pub(in crate::ast) fn pack_without_name(at: Span) -> Diagnostic {
    error("`...` needs a name here")
        .at(at, "which axes?")
        .help("name the axes where they are declared, `logits[N, C, ...S]`, and write `...S` here")
}

/// Arguments behind something that is no name of a function.
pub(in crate::ast) fn not_a_function(kind: &ExprKind, base: Span, arguments: Span) -> Diagnostic {
    let opener = Span::new(
        arguments.file,
        arguments.start as usize,
        arguments.start as usize,
    );
    match kind {
        ExprKind::Axis(name) => {
            let diagnostic = error(format!("`{name}` is not the name of a function"))
                .at(base, "functions start in lower case");
            let elsewhere = vocabulary::callable(name).map(str::to_owned);
            match elsewhere.or_else(|| vocabulary::without_suffix(name)) {
                Some(here) => diagnostic.fix(base, here, "here it is called"),
                None => diagnostic.fix(base, lowered(name), "write the function in lower case"),
            }
        }
        ExprKind::Call { .. } => error("the result of a call cannot be called")
            .at(arguments, "second arguments")
            .also(base, "this is a value already")
            .help("all arguments stand in one pair of parentheses"),
        _ => error("a value cannot be called")
            .at(base, "this is not the name of a function")
            .fix(opener, "*", "write the `*` of a product"),
    }
}

/// `on` behind something that is no call.
pub(in crate::ast) fn on_without_call(kind: &ExprKind, base: Span, on: Span) -> Diagnostic {
    let diagnostic = error("`on` goes only after a call").at(on, "these are the operands");
    match kind {
        ExprKind::Name(name) => {
            let end = Span::new(base.file, base.end as usize, base.end as usize);
            diagnostic
                .also(base, "not a call yet")
                .fix(end, "()", format!("call `{name}`"))
        }
        _ => diagnostic.also(base, "not a call"),
    }
}

pub(in crate::ast) fn mixed_bracket(axis: Span, selector: Span) -> Diagnostic {
    error("the brackets mix axes with selectors")
        .at(axis, "an axis alone belongs to a call, as in `sum[N](x)`")
        .also(selector, "this selects from a value")
        .help("use one pair of brackets for each: `sum[N](x)[C=1]`")
}

pub(in crate::ast) fn bracket_on_axis(name: &str, base: Span) -> Diagnostic {
    error(format!("`{name}` is the name of an axis, not of a value"))
        .at(base, "names of values and functions start in lower case")
        .fix(base, lowered(name), "write the name in lower case")
}

pub(in crate::ast) fn axes_without_function(bracket: Span) -> Diagnostic {
    error("axes go only after the name of a function")
        .at(bracket, "these are axes")
        .help("an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`")
}
