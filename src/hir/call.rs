//! Calls of definitions: overloads, operands, options, and the body in place of the call.

use super::cx::{Checked, Cx, Frame, Reported, Scope, Value};
use super::functions::{FUNCTIONS, elementwise, is_builtin};
use super::tree::{Conversion, ExprId};
use super::ty::Kind;
use crate::ast;
use crate::ast::vocabulary;
use crate::diag::{Code, Diagnostic, nearest};
use crate::ir::MapOp;
use crate::source::{FileId, Span};

/// Calls may lie this deep in each other; a library needs a handful.
const MAX_CALLS: usize = 64;

/// What a call writes besides the name.
#[derive(Clone, Copy)]
pub(super) struct CallSite<'s> {
    pub callee: &'s ast::Ident,
    pub args: &'s [ast::Arg],
    pub on: Option<&'s [ast::Arg]>,
    pub span: Span,
}

/// An operand that fits: the value, the steps that convert it, what they cost.
pub(super) struct Fit {
    pub id: ExprId,
    pub steps: Vec<(Conversion, Kind)>,
    pub span: Span,
    pub cost: usize,
}

impl<'a> Cx<'a> {
    /// A call: of a function of the language, or of a definition.
    pub(super) fn call(
        &mut self,
        module: Option<&ast::Ident>,
        callee: &ast::Ident,
        axes: Option<&[ast::AxisRef]>,
        args: Option<&[ast::Arg]>,
        on: Option<&[ast::Arg]>,
        span: Span,
    ) -> Checked<Value> {
        let name = &callee.text;
        if let (Some(module), None, None) = (module, args, axes) {
            return Err(self.uncalled(module, callee));
        }
        let here = self.here();
        if module.is_none() && self.is_misdeclared(here, name) {
            return Err(Reported);
        }
        if module.is_none() && is_builtin(name) {
            if let Some(on) = on {
                let at = on.first().map_or(span, |arg| arg.value.span);
                return Err(self.report(
                    Diagnostic::error(
                        Code::TooManyArguments,
                        format!("`{name}` is a function and takes no operands after `on`"),
                    )
                    .at(at, "write them in the parentheses"),
                ));
            }
            return self.builtin(callee, axes, args, span);
        }
        let candidates = match module {
            Some(module) => self.of_module(module, callee)?,
            None => self.candidates(name),
        };
        let Some(first) = candidates.first() else {
            return Err(self.unknown_callee(callee));
        };
        if module.is_some() && self.is_misdeclared(first.head.file, name) {
            return Err(Reported);
        }
        if let Some(axis) = axes.and_then(<[_]>::first) {
            return Err(self.report(
                Diagnostic::error(
                    Code::UnknownAxis,
                    format!("`{name}` takes no axes in brackets"),
                )
                .at(axis.name.span, "axes are options of a definition")
                .help("pass them by name if it has such an option: `dice(over=[batch, space])`"),
            ));
        }
        let site = CallSite {
            callee,
            args: args.unwrap_or(&[]),
            on,
            span,
        };
        self.overload(&candidates, site)
    }

    /// Whether a file has a definition of this name whose head is wrong.
    fn is_misdeclared(&self, file: FileId, name: &str) -> bool {
        let mut wrong = self.misdeclared.iter();
        wrong.any(|d| d.head.file == file && d.answers_to(name))
    }

    /// The definitions of a name: the file's own, else the library's, whose private names are for
    /// files of the library.
    fn candidates(&self, name: &str) -> Vec<&'a ast::Definition> {
        let own = self.defined(self.here(), name);
        let hidden = name.starts_with('_') && !self.in_library();
        if own.is_empty() && !hidden {
            self.library.find(name)
        } else {
            own
        }
    }

    fn in_library(&self) -> bool {
        let frame = self.frames.last();
        frame.is_some_and(|frame| self.library.holds(frame.head))
    }

    pub(super) fn is_callable(&self, name: &str) -> bool {
        is_builtin(name) || !self.candidates(name).is_empty()
    }

    /// The function or definition whose name is most like `name`.
    pub(super) fn nearest_callable(&self, name: &str) -> Option<String> {
        if let Some(here) = vocabulary::callable(name)
            && self.is_callable(here)
        {
            return Some(here.to_string());
        }
        if let Some(bare) = vocabulary::without_suffix(name)
            && self.is_callable(&bare)
        {
            return Some(bare);
        }
        let lower = name.to_lowercase();
        let file = self.here();
        let own = self.definitions.iter().filter(|d| d.head.file == file);
        let own = own.flat_map(|d| d.names()).map(|name| name.text.as_str());
        let library = self.library.names();
        let names = own
            .chain(library.iter().copied().filter(|n| !n.starts_with('_')))
            .chain(FUNCTIONS.iter().map(|f| f.name))
            .chain(
                MapOp::ALL
                    .iter()
                    .map(|op| op.name())
                    .filter(|n| elementwise(n).is_some()),
            );
        nearest(&lower, names).map(String::from)
    }

    fn unknown_callee(&mut self, callee: &ast::Ident) -> Reported {
        let name = &callee.text;
        if let Some(hidden) = self.library.find(name).first() {
            let at = hidden.name.span;
            return self.private("the standard library", callee, at);
        }
        let mut diagnostic = Diagnostic::error(
            Code::UnknownName,
            format!("there is no loss or function `{name}`"),
        )
        .at(callee.span, "not known");
        diagnostic = match self.nearest_callable(name) {
            Some(near) => diagnostic.guess(callee.span, near, "a similar name"),
            None => {
                diagnostic.help("`lossc list losses` and `lossc list functions` show all there are")
            }
        };
        self.report(diagnostic)
    }

    /// The value of a call: options evaluated, operands converted, the body checked in their scope.
    pub(super) fn expand(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        fits: Vec<Fit>,
    ) -> Checked<Value> {
        let name = &definition.name.text;
        let key: *const ast::Definition = definition;
        if !self.called.contains(&key) {
            self.called.push(key);
        }
        if let Some(frame) = self.frames.iter().find(|f| f.definition == key) {
            let head = frame.head;
            let path: Vec<String> = self
                .frames
                .iter()
                .map(|f| f.name.clone())
                .chain([name.clone()])
                .collect();
            return Err(self.report(
                Diagnostic::error(
                    Code::Cycle,
                    format!("`{name}` calls itself: {}", path.join(" → ")),
                )
                .at(site.span, "called again here")
                .also(head, "while this is being expanded")
                .note("the language has no recursion, so that every spec ends"),
            ));
        }
        if self.frames.len() >= MAX_CALLS {
            return Err(self.report(
                Diagnostic::error(Code::TooDeep, "calls are nested too deeply").at(
                    site.span,
                    format!("this is call number {} in a row", MAX_CALLS + 1),
                ),
            ));
        }
        let sees_file = definition.head.file == self.main;
        let level = self.scopes.last().and_then(|scope| scope.level.clone());
        let mut scope = Scope {
            sees_file,
            file_operands: false,
            level: level.filter(|_| sees_file),
            ..Scope::default()
        };
        let operands = self.bind_operands(definition, site, fits, &mut scope)?;
        self.bind_options(definition, site, &operands, &mut scope)?;
        let memo = (
            key,
            scope
                .names
                .iter()
                .map(|(_, value)| value.clone())
                .collect::<Vec<_>>(),
            scope
                .axes
                .iter()
                .map(|(_, axes)| axes.clone())
                .collect::<Vec<_>>(),
            scope.level.clone(),
        );
        if let Some(value) = self.memo.get(&memo) {
            return value.clone();
        }
        self.frames.push(Frame {
            name: name.clone(),
            definition: key,
            call: site.span,
            head: definition.head,
        });
        self.scopes.push(scope);
        let value = self.body(&definition.body);
        self.scopes.pop();
        self.frames.pop();
        self.memo.insert(memo, value.clone());
        value
    }

    fn body(&mut self, body: &ast::Body) -> Checked<Value> {
        let mut failed = false;
        for binding in &body.lets {
            let value = self.eval(&binding.value);
            // The library is right, so what follows only says the same mistake of its caller again.
            if value.is_err() && self.library.holds(binding.name.span) {
                return Err(Reported);
            }
            failed |= value.is_err();
            if let Some(scope) = self.scopes.last_mut() {
                scope.names.push((binding.name.text.clone(), value));
            }
        }
        let value = self.eval(&body.value)?;
        if failed { Err(Reported) } else { Ok(value) }
    }
}
