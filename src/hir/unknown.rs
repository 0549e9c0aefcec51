//! Names that stand for nothing, and what was perhaps meant.

use super::axes::Role;
use super::cx::{Cx, Reported, Value};
use super::expr::quoted;
use crate::ast::{self, vocabulary};
use crate::diag::{Code, Diagnostic, and_list, nearest};
use crate::source::Span;

impl Cx<'_> {
    /// Reports a name that is neither a value nor a role.
    pub(super) fn unknown_name(&mut self, name: &str, span: Span) -> Reported {
        let mut diagnostic =
            Diagnostic::error(Code::UnknownName, format!("there is no `{name}` in scope"))
                .at(span, "not known here");
        let visible = self.visible();
        if super::functions::is_builtin(name) {
            diagnostic = diagnostic
                .note(format!("`{name}` is a function of the language"))
                .help(super::builtin::usage(name));
        } else if self.is_callable(name) {
            diagnostic = diagnostic
                .note(format!("`{name}` is a function or a loss"))
                .fix(span, format!("{name}()"), "to call it, add parentheses");
        } else if let Some(first) = visible.iter().find(|known| is_numbered(name, known)) {
            diagnostic = diagnostic
                .note(format!("`{first}` is in scope, and another value"))
                .help(format!("declare it too: `input {name}: …`"));
        } else if let Some(near) = nearest(name, visible.iter().map(String::as_str)) {
            diagnostic = diagnostic.guess(span, near, "a similar name");
        } else if let Some(near) = nearest(name, ["batch", "class", "space"]) {
            diagnostic = diagnostic.guess(span, near, "a similar role");
        } else if let Some(here) = vocabulary::input(name)
            && visible.iter().any(|v| v == here)
        {
            diagnostic = diagnostic.fix(span, here, "here it is called");
        } else if let Some(near) = self.nearest_callable(name) {
            diagnostic = diagnostic.guess(span, format!("{near}()"), "a similar name");
        } else if name.chars().count() == 1
            && self
                .axes
                .lookup(&name.to_uppercase())
                .is_some_and(|axes| !axes.is_empty())
        {
            diagnostic =
                diagnostic.fix(span, name.to_uppercase(), "names of axes are in upper case");
        }
        if diagnostic.fixes.is_empty() && diagnostic.help.is_empty() && !visible.is_empty() {
            let mut names = visible;
            names.truncate(8);
            let are = if names.len() == 1 { "is" } else { "are" };
            diagnostic = diagnostic.help(format!("in scope {are} {}", and_list(&quoted(&names))));
        }
        self.report(diagnostic)
    }

    /// The role in a list of axes, or that it is itself, of which a value has the name.
    pub(super) fn hidden_in(&mut self, list: &ast::Expr) -> Option<(String, Span)> {
        let items = match &list.kind {
            ast::ExprKind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(list),
        };
        items.iter().find_map(|item| match &item.kind {
            ast::ExprKind::Name(name) if Role::from_name(name).is_some() => {
                let value = self.name(name, item.span);
                let hidden = !matches!(value, Ok(Value::Axes(_)));
                hidden.then(|| (name.clone(), item.span))
            }
            _ => None,
        })
    }

    /// Reports a role that cannot be named because a value has its name.
    pub(super) fn hidden_role(&mut self, name: &str, span: Span) -> Reported {
        let mut diagnostic = Diagnostic::error(
            Code::UnknownAxis,
            format!("`{name}` is a value here, which hides the role `{name}`"),
        )
        .at(span, "axes or a role are needed here");
        let global = self.globals.iter().find(|g| g.name.text == name);
        let local = self.local(name).is_some();
        diagnostic = match (global, self.frames.last()) {
            (Some(global), _) if !local => diagnostic.also(global.name.span, "the value"),
            (_, Some(frame)) => {
                diagnostic.also(frame.head, format!("`{name}` is a name of this definition"))
            }
            _ => diagnostic,
        };
        self.report(diagnostic.help("give the value another name"))
    }
}

/// Whether a name is another with a number behind it: `pred_2` is not a misspelt `pred`.
fn is_numbered(name: &str, known: &str) -> bool {
    let number = name.strip_prefix(known).unwrap_or("");
    let digits = number.strip_prefix('_').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}
