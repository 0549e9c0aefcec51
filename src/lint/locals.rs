//! `unused`, inside definitions: a `let` of a body, or an option, that nothing there uses.

use crate::ast::{Arg, Ast, Definition, Expr, ExprKind, Ident, ItemKind, Selector};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{Hir, is_builtin};

/// `loss mine(k: real = 1) on … = …` without a `k`: the option would be accepted and ignored.
pub(super) fn unused(ast: &Ast, _: &Hir, diags: &mut Diagnostics) {
    for item in &ast.items {
        if let ItemKind::Fn(definition) | ItemKind::Loss(definition) = &item.kind {
            in_definition(definition, diags);
        }
    }
}

fn in_definition(definition: &Definition, diags: &mut Diagnostics) {
    let mut uses = Uses::default();
    for option in &definition.options {
        option.default.iter().for_each(|default| uses.walk(default));
    }
    for binding in &definition.body.lets {
        uses.walk(&binding.value);
    }
    uses.walk(&definition.body.value);
    let options = definition.options.iter().map(|o| (&o.name, "option"));
    let lets = definition
        .body
        .lets
        .iter()
        .map(|l| (&l.name, "local value"));
    for (name, what) in options.chain(lets) {
        // A call without `on` takes what bears the name of its operand.
        let operand = definition.operands.iter().any(|o| o.name.text == name.text);
        let taken = uses.takes_operands && (operand || matches!(&*name.text, "pred" | "target"));
        if !uses.names.contains(&name.text.as_str()) && !taken && !name.text.starts_with('_') {
            diags.push(warning(name, what, &definition.name.text));
        }
    }
}

fn warning(name: &Ident, what: &str, of: &str) -> Diagnostic {
    let text = &name.text;
    Diagnostic::warning(
        Code::Unused,
        format!("the {what} `{text}` of `{of}` is never used"),
    )
    .at(name.span, "declared here")
    .help(format!(
        "remove it, or call it `_{text}` if it is meant to stay"
    ))
}

/// The names that a definition uses.
#[derive(Default)]
struct Uses<'a> {
    names: Vec<&'a str>,
    /// Whether a loss is called without naming its operands.
    takes_operands: bool,
}

impl<'a> Uses<'a> {
    fn args(&mut self, args: &'a [Arg]) {
        args.iter().for_each(|arg| self.walk(&arg.value));
    }

    fn walk(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Axis(_) => {}
            ExprKind::Name(name) => self.names.push(name),
            ExprKind::List(items) => items.iter().for_each(|item| self.walk(item)),
            ExprKind::Unary { operand, .. } => self.walk(operand),
            ExprKind::Binary { lhs, rhs, .. } => {
                self.walk(lhs);
                self.walk(rhs);
            }
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.walk(cond);
                self.walk(then);
                self.walk(otherwise);
            }
            ExprKind::Call {
                module,
                callee,
                axes,
                args,
                on,
            } => {
                let axes = axes.iter().flatten();
                self.names.extend(axes.map(|axis| axis.name.text.as_str()));
                self.args(args.as_deref().unwrap_or(&[]));
                self.args(on.as_deref().unwrap_or(&[]));
                self.takes_operands |=
                    on.is_none() && (module.is_some() || !is_builtin(&callee.text));
            }
            ExprKind::Select { base, selectors } => {
                self.walk(base);
                for selector in selectors {
                    match selector {
                        Selector::At { axis, index } => {
                            self.names.push(&axis.name.text);
                            self.walk(index);
                        }
                        Selector::Slice { axis, .. } | Selector::Rename { axis, .. } => {
                            self.names.push(&axis.name.text);
                        }
                        Selector::Entry(..) => {}
                    }
                }
            }
            ExprKind::As { base, .. } => self.walk(base),
            ExprKind::SumFor { axes, body, .. } => {
                self.names
                    .extend(axes.iter().map(|axis| axis.name.text.as_str()));
                self.walk(body);
            }
        }
    }
}
