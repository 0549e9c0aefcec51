//! Names of modules: `monai.dice_ce()`.

use super::cx::{Checked, Cx, Reported};
use super::expr::quoted;
use crate::ast::{self, ItemKind};
use crate::diag::{Code, Diagnostic, and_list, nearest};
use crate::source::{FileId, Span};

/// A list of names that a message may show whole.
const SHORT: usize = 10;

impl<'a> Cx<'a> {
    /// Makes the definitions of the user's own modules known, and checks what can be checked of them
    /// before they are called.
    pub(super) fn modules(&mut self) -> Checked<()> {
        let mut failed = false;
        for ast in self.library.own_modules() {
            for item in &ast.items {
                let result = match &item.kind {
                    ItemKind::Language { version, span } => self.version(*version, *span),
                    ItemKind::Fn(definition) | ItemKind::Loss(definition) => {
                        self.definition(definition)
                    }
                    _ => Ok(()),
                };
                failed |= result.is_err();
            }
        }
        if failed { Err(Reported) } else { Ok(()) }
    }

    /// The definitions of a name in one file.
    pub(super) fn defined(&self, file: FileId, name: &str) -> Vec<&'a ast::Definition> {
        let all = self.definitions_of(file).into_iter();
        all.filter(|d| d.answers_to(name)).collect()
    }

    fn definitions_of(&self, file: FileId) -> Vec<&'a ast::Definition> {
        if file == self.main {
            let own = self.definitions.iter().copied();
            return own.filter(|d| d.head.file == file).collect();
        }
        let items = self
            .library
            .module(file)
            .into_iter()
            .flat_map(|ast| &ast.items);
        items.filter_map(ast::Item::definition).collect()
    }

    /// The names that a module has for others, in its order.
    fn public(&self, file: FileId) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = Vec::new();
        for definition in self.definitions_of(file) {
            let name = definition.name.text.as_str();
            if !name.starts_with('_') && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The definitions that a name of a module stands for.
    pub(super) fn of_module(
        &mut self,
        module: &ast::Ident,
        callee: &ast::Ident,
    ) -> Checked<Vec<&'a ast::Definition>> {
        let uses = self.library.uses(self.here());
        let Some(used) = uses.iter().find(|used| used.name == module.text) else {
            return Err(self.unknown_module(module, callee));
        };
        let file = used.file.ok_or(Reported)?;
        let found = self.defined(file, &callee.text);
        if found.is_empty() {
            return Err(self.not_in_module(file, module, callee));
        }
        if callee.text.starts_with('_') {
            return Err(self.private(&format!("`{}`", module.text), callee, found[0].name.span));
        }
        Ok(found)
    }

    /// A name that starts with an underscore, outside the file that defines it.
    pub(super) fn private(&mut self, of: &str, callee: &ast::Ident, at: Span) -> Reported {
        self.report(
            Diagnostic::error(
                Code::Private,
                format!("`{}` is private to {of}", callee.text),
            )
            .at(callee.span, "cannot be called from here")
            .also(at, "defined here")
            .note("a name that starts with `_` is for the file that defines it, which may change it at any time"),
        )
    }

    fn not_in_module(
        &mut self,
        file: FileId,
        module: &ast::Ident,
        callee: &ast::Ident,
    ) -> Reported {
        let names = self.public(file);
        let diagnostic = Diagnostic::error(
            Code::UnknownName,
            format!("there is no `{}` in `{}`", callee.text, module.text),
        )
        .at(callee.span, "not a name of this module");
        let near = nearest(&callee.text, names.iter().copied());
        let diagnostic = match near.or_else(|| same_but_loss(&callee.text, &names)) {
            Some(near) => diagnostic.fix(callee.span, near, "a similar name"),
            None if names.is_empty() => diagnostic.help("the module defines nothing for others"),
            None if names.len() <= SHORT => {
                diagnostic.help(format!("it defines {}", and_list(&quoted(&names))))
            }
            None => diagnostic.help(format!(
                "`lossc list losses --family {}` shows what it defines",
                module.text
            )),
        };
        self.report(diagnostic)
    }

    /// A point behind what is no module of this file: one that comes with the compiler and is not
    /// used, a value whose method is meant, a word of another language.
    fn unknown_module(&mut self, module: &ast::Ident, callee: &ast::Ident) -> Reported {
        let (name, function) = (&module.text, &callee.text);
        let whole = module.span.to(callee.span);
        let error = |message: String| Diagnostic::error(Code::UnknownModule, message);
        let value = self.local(name).is_some()
            || self.sees_file() && self.globals.iter().any(|g| g.name.text == *name);
        if value {
            let diagnostic = error(format!("`{name}` is a value, and values have no methods"))
                .at(callee.span, "this is not a name of a module");
            return self.report(if self.is_callable(function) {
                diagnostic.help(format!("write `{function}({name})`"))
            } else {
                diagnostic.help("functions are called by their names: `sum(x)`")
            });
        }
        let embedded = self.library.embedded();
        if embedded.contains(&name.as_str()) {
            let there = self.library.names_of(name);
            if !there.contains(&function.as_str()) && self.is_callable(function) {
                let diagnostic = error(format!("`{function}` is not a name of `{name}`"))
                    .at(
                        whole,
                        "a function of the language is called without a module",
                    )
                    .fix(whole, function.as_str(), "write its name alone");
                return self.report(diagnostic);
            }
            let start = Span::new(self.here(), 0, 0);
            let diagnostic = error(format!("the module `{name}` is not in use"))
                .at(module.span, "known only after `use`")
                .fix(start, format!("use {name}\n"), "add this line to the file");
            return self.report(diagnostic);
        }
        let diagnostic =
            error(format!("there is no module `{name}` here")).at(module.span, "not known");
        let used = self.library.uses(self.here());
        let names = used.iter().map(|used| used.name.as_str());
        let diagnostic = match nearest(name, names.chain(embedded)) {
            Some(near) => diagnostic.fix(module.span, near, "a similar name"),
            None if let Some(here) = self.nearest_callable(function) => {
                diagnostic.fix(whole, here, "names of the library are written alone")
            }
            None => diagnostic.help(format!(
                "a module is named with `use {name}`, or `use \"{name}.loss\"` for a file of your own"
            )),
        };
        self.report(diagnostic)
    }

    /// The name of a module without a call, where a value is needed.
    pub(super) fn uncalled(&mut self, module: &ast::Ident, callee: &ast::Ident) -> Reported {
        if let Err(reported) = self.of_module(module, callee) {
            return reported;
        }
        let end = Span {
            start: callee.span.end,
            ..callee.span
        };
        let name = format!("`{}.{}`", module.text, callee.text);
        self.report(
            Diagnostic::error(Code::UnknownName, format!("{name} is not called"))
                .at(module.span.to(callee.span), "a function or a loss")
                .fix(end, "()", "to call it, add parentheses"),
        )
    }
}

/// `dice_loss` and `diceloss` for `dice`.
fn same_but_loss<'n>(name: &str, names: &[&'n str]) -> Option<&'n str> {
    let short = name.strip_suffix("loss")?.trim_end_matches('_');
    names.iter().copied().find(|known| *known == short)
}
