//! `# allow(name)`: a comment that silences a lint in one item.
//!
//! A comment behind an item or inside it belongs to that item, one on a line of its own to the item
//! that follows. An `allow` that names no lint, or that has nothing to silence, is itself told of,
//! so that none outlives its reason. What a definition holds is looked at where it is called, on
//! the operands of that call, so that an `allow` in one is never called useless.

use crate::ast::{self, Ast, Item, ItemKind};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity, nearest};
use crate::source::Span;

/// One name in an `allow`.
struct Allow {
    name: String,
    /// Where the name stands.
    span: Span,
    /// The comment.
    comment: Span,
    /// The item that it belongs to.
    item: Option<Span>,
    /// Whether that is a definition.
    defines: bool,
}

/// Takes out the warnings that the comments of `text` allow. `checked` says whether every lint has
/// run; only then an `allow` can be called useless.
pub fn apply(ast: &Ast, text: &str, checked: bool, diags: &mut Diagnostics) {
    let allows = allows(ast, text);
    if allows.is_empty() {
        return;
    }
    let mut used = vec![false; allows.len()];
    diags.retain(|diagnostic| {
        let (Severity::Warning, Some(lint), Some(at)) = (
            diagnostic.severity,
            diagnostic.code.lint(),
            &diagnostic.primary,
        ) else {
            return true;
        };
        let allowed = allows.iter().position(|allow| {
            allow.name == lint && allow.item.is_some_and(|item| holds(item, at.span))
        });
        if let Some(i) = allowed {
            used[i] = true;
        }
        allowed.is_none()
    });
    if !checked {
        return;
    }
    for (allow, used) in allows.iter().zip(used) {
        let known = lints().any(|lint| lint == allow.name);
        let in_doubt = known && allow.defines;
        if !used && !in_doubt {
            diags.push(useless(allow, known));
        }
    }
}

fn holds(item: Span, at: Span) -> bool {
    item.file == at.file && item.start <= at.start && at.start <= item.end
}

/// The names of all lints.
fn lints() -> impl Iterator<Item = &'static str> {
    Code::ALL.iter().filter_map(|code| code.lint())
}

fn useless(allow: &Allow, known: bool) -> Diagnostic {
    if !known {
        let diagnostic = Diagnostic::warning(
            Code::UselessAllow,
            format!("there is no lint `{}`", allow.name),
        )
        .at(allow.span, "not the name of a lint");
        return match nearest(&allow.name, lints()) {
            Some(near) => diagnostic.guess(allow.span, near, "a similar name"),
            None => diagnostic.help("`lossc list lints` shows all there are"),
        };
    }
    let diagnostic = Diagnostic::warning(
        Code::UselessAllow,
        format!("nothing here needs `allow({})`", allow.name),
    )
    .at(allow.comment, "silences nothing");
    match allow.item {
        Some(_) => diagnostic.help("remove it"),
        None => diagnostic.help("it belongs to the item before it on its line, or to the next one"),
    }
}

/// The `allow` comments of a text, name by name.
fn allows(ast: &Ast, text: &str) -> Vec<Allow> {
    let file = ast.span.file;
    let mut list = Vec::new();
    if !text.contains("allow(") {
        return list;
    }
    for (start, end) in ast::comments(text) {
        let body = text[start..end].trim_start_matches('#').trim_start();
        let Some(inner) = body.strip_prefix("allow(") else {
            continue;
        };
        let Some(inner) = inner.split(')').next() else {
            continue;
        };
        let comment = Span::new(file, start, end);
        let item = item_of(ast, text, start);
        let defines =
            item.is_some_and(|item| matches!(item.kind, ItemKind::Fn(_) | ItemKind::Loss(_)));
        let mut at = end - text[start..end].trim_start_matches('#').trim_start().len();
        at += "allow(".len();
        for part in inner.split(',') {
            let name = part.trim();
            let from = at + (part.len() - part.trim_start().len());
            list.push(Allow {
                name: name.to_string(),
                span: Span::new(file, from, from + name.len()),
                comment,
                item: item.map(|item| item.span),
                defines,
            });
            at += part.len() + 1;
        }
    }
    list
}

/// The item that a comment which starts at `at` belongs to.
fn item_of<'a>(ast: &'a Ast, text: &str, at: usize) -> Option<&'a Item> {
    let start = |item: &Item| item.span.start as usize;
    let end = |item: &Item| item.span.end as usize;
    let items = || ast.items.iter();
    let inside = items().find(|item| start(item) < at && at < end(item));
    let behind = || items().find(|item| end(item) <= at && !text[end(item)..at].contains('\n'));
    let next = || items().find(|item| start(item) > at);
    inside.or_else(behind).or_else(next)
}
