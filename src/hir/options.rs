//! The options of a call: which argument belongs to which, and whether its value is what the
//! option's type asks for.

use super::axes::{AxisId, Role};
use super::call::CallSite;
use super::cx::{Checked, Cx, Frame, Reported, Scope, Value};
use super::expr::quoted;
use super::tree::{ExprId, RangeCheck};
use super::ty::{Kind, show_axes};
use crate::ast::{self, TypeKind};
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::signature::Bounds;
use crate::source::Span;

impl<'a> Cx<'a> {
    pub(super) fn bind_options(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        operands: &[ExprId],
        scope: &mut Scope,
    ) -> Checked<()> {
        let mut positional = site.args.iter().filter(|arg| arg.name.is_none());
        let mut failed = false;
        let mut given: Vec<Option<&ast::Arg>> = Vec::new();
        // By position the first option comes first, whatever else is given by name.
        for option in &definition.options {
            let keyed = site.args.iter().filter(|arg| {
                arg.name
                    .as_ref()
                    .is_some_and(|key| key.text == option.name.text)
            });
            let all: Vec<&ast::Arg> = positional.next().into_iter().chain(keyed).collect();
            if let [first, second, ..] = all[..] {
                let how = match first.name {
                    None => "given by position and by name",
                    Some(_) => "given twice",
                };
                return Err(self.report(
                    Diagnostic::error(
                        Code::TooManyArguments,
                        format!("option `{}` is {how}", option.name.text),
                    )
                    .at(second.value.span, "given again")
                    .also(first.value.span, "given here first"),
                ));
            }
            given.push(all.first().copied());
        }
        for (option, arg) in definition.options.iter().zip(given) {
            let value = match (arg, &option.default) {
                (Some(arg), _) => self.option_value(definition, option, &arg.value, operands),
                // A default may need an option that has failed.
                (None, Some(_)) if failed => continue,
                (None, Some(default)) => {
                    // A default sees the options before it and the operands.
                    self.scopes.push(scope.clone());
                    self.frames.push(Frame {
                        name: definition.name.text.clone(),
                        definition: definition as *const _,
                        call: site.span,
                        head: definition.head,
                    });
                    let value = self.option_value(definition, option, default, operands);
                    self.frames.pop();
                    self.scopes.pop();
                    value
                }
                (None, None) => Err(self.report(missing(definition, option, site.span))),
            };
            match value {
                Ok(value) => scope.names.push((option.name.text.clone(), Ok(value))),
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(()) }
    }

    /// The value of an option, checked against its declared type.
    fn option_value(
        &mut self,
        definition: &ast::Definition,
        option: &ast::OptionDecl,
        arg: &ast::Expr,
        operands: &[ExprId],
    ) -> Checked<Value> {
        let name = &option.name.text;
        let of = &definition.name.text;
        let wrong = |text: String| {
            Diagnostic::error(Code::BadOption, text)
                .also(option.span, "the option is declared here")
        };
        match &option.ty.kind {
            TypeKind::OneOf(words) => {
                let among: Vec<String> = words.iter().map(|w| w.text.clone()).collect();
                let word = match &arg.kind {
                    ast::ExprKind::Name(word) => match self.local(word) {
                        Some(Ok(Value::Choice { word, .. })) => Some(word),
                        _ => Some(word.clone()),
                    },
                    _ => None,
                };
                match word {
                    Some(word) if among.contains(&word) => Ok(Value::Choice { word, among }),
                    other => {
                        let mut diagnostic = wrong(format!(
                            "`{name}` of `{of}` is one of {}",
                            or_list(&quoted(&among))
                        ))
                        .at(arg.span, "none of these");
                        if let Some(near) = other.and_then(|o| {
                            nearest(&o, among.iter().map(String::as_str)).map(String::from)
                        }) {
                            diagnostic = diagnostic.guess(arg.span, near, "a similar word");
                        }
                        Err(self.report(diagnostic))
                    }
                }
            }
            TypeKind::Tensor {
                kind, axes, range, ..
            } if kind.text == "axes" => {
                debug_assert!(axes.is_none() && range.is_none());
                match self.eval(arg)? {
                    Value::Axes(axes) => Ok(Value::Axes(axes)),
                    Value::List(items) if items.is_empty() => Ok(Value::Axes(Vec::new())),
                    _ if let Some((role, span)) = self.hidden_in(arg) => {
                        Err(self.hidden_role(&role, span))
                    }
                    _ => Err(self.report(
                        wrong(format!("`{name}` of `{of}` is a list of axes"))
                            .at(arg.span, "not axes")
                            .help("write `[batch, space]`, `[H, W]` or a single one of them"),
                    )),
                }
            }
            TypeKind::Tensor {
                kind, axes, range, ..
            } => {
                let value = self.eval(arg)?;
                match (axes, value) {
                    (Some(axes), value) => {
                        self.tensor_option(definition, option, axes, value, operands, arg.span)
                    }
                    (None, Value::List(items)) if kind.text == "real" => {
                        // Numbers without an axis, such as a pair of bounds or a matrix.
                        if let Some(range) = range {
                            self.check_list(&items, range, (name, of), option.span, arg.span)?;
                        }
                        Ok(Value::List(items))
                    }
                    (None, value) => {
                        let id = self.expr_of(value, arg.span)?;
                        let id = self.number_option(definition, option, id, arg.span)?;
                        if let Some(range) = range {
                            self.check_range(id, range, name, of, option.span, arg.span)?;
                        }
                        Ok(Value::Expr(id))
                    }
                }
            }
        }
    }

    /// A single number, a truth value or a whole number, as the option's type asks; a `fn` takes
    /// tensors too.
    fn number_option(
        &mut self,
        definition: &ast::Definition,
        option: &ast::OptionDecl,
        id: ExprId,
        span: Span,
    ) -> Checked<ExprId> {
        let TypeKind::Tensor { kind, .. } = &option.ty.kind else {
            return Ok(id);
        };
        let found = match (self.known(id), self.ty(id).kind) {
            (Some(0.0), Kind::Bool) => "false".to_string(),
            (Some(_), Kind::Bool) => "true".to_string(),
            (Some(value), _) => value.to_string(),
            (None, _) => self.show(id),
        };
        let known = self.known(id);
        let wrong = |need: &str| {
            Diagnostic::error(
                Code::BadOption,
                format!(
                    "`{}` of `{}` is {need}",
                    option.name.text, definition.name.text
                ),
            )
            .at(span, format!("this is `{found}`"))
            .also(option.span, "the option is declared here")
        };
        let loss = !definition.operands.is_empty();
        if loss && !self.ty(id).is_scalar() {
            return Err(self.report(wrong("a single number")));
        }
        match kind.text.as_str() {
            "bool" if self.ty(id).kind == Kind::Bool => Ok(id),
            "bool" => {
                let diagnostic = wrong("`true` or `false`");
                Err(self.report(match known {
                    Some(0.0) => diagnostic.fix(span, "false", "write"),
                    Some(1.0) => diagnostic.fix(span, "true", "write"),
                    _ => diagnostic,
                }))
            }
            "int" => match self.known(id) {
                Some(x) if self.ty(id).kind != Kind::Bool && x == x.trunc() => {
                    Ok(self.constant(x, Kind::Int, span))
                }
                _ => Err(self.report(wrong("a whole number, known when the spec is checked"))),
            },
            "real" | "scalar" if loss && self.ty(id).kind == Kind::Bool => {
                Err(self.report(wrong("a number")))
            }
            "real" | "scalar" => Ok(self.real_of(id)),
            word => {
                let word = word.to_string();
                match self.conversion(self.ty(id).kind, &word) {
                    Some(steps) => Ok(self.apply(id, &steps, span)),
                    None => Err(self.report(wrong(&format!("`{word}`")))),
                }
            }
        }
    }

    /// A value along axes of the operands: a list, a tensor over some of them, or one number.
    fn tensor_option(
        &mut self,
        definition: &ast::Definition,
        option: &ast::OptionDecl,
        axes: &[ast::AxisDecl],
        value: Value,
        operands: &[ExprId],
        span: Span,
    ) -> Checked<Value> {
        let (name, of) = (&option.name.text, &definition.name.text);
        let mut allowed: Vec<AxisId> = Vec::new();
        let mut anything = false;
        for axis in axes {
            match axis {
                ast::AxisDecl::Axis { name, .. } => {
                    if let Some(role) = Role::from_name(&name.text) {
                        for &operand in operands {
                            let ty = self.ty(operand);
                            let class = ty.kind.class_axis().filter(|_| role == Role::Class);
                            let with_role = ty
                                .axes
                                .iter()
                                .copied()
                                .filter(|&a| self.axes.get(a).role == role);
                            let found: Vec<AxisId> = class.into_iter().chain(with_role).collect();
                            for axis in found {
                                if !allowed.contains(&axis) {
                                    allowed.push(axis);
                                }
                            }
                        }
                    }
                }
                ast::AxisDecl::Pack { .. } => anything = true,
                ast::AxisDecl::Size(..) => {}
            }
        }
        let id = match value {
            Value::List(items) => {
                let depth = nesting(&items);
                if allowed.len() < depth || allowed.is_empty() {
                    let roles: Vec<String> = axes
                        .iter()
                        .filter_map(|a| match a {
                            ast::AxisDecl::Axis { name, .. } => Some(format!("`{}`", name.text)),
                            ast::AxisDecl::Pack { .. } | ast::AxisDecl::Size(..) => None,
                        })
                        .collect();
                    return Err(self.report(
                        Diagnostic::error(
                            Code::AxisMismatch,
                            format!("`{name}` of `{of}` lies along the {} axis, and the operands have none", or_list(&roles)),
                        )
                        .at(span, "nothing for these numbers to lie along")
                        .help("give a single number, or declare the operands with classes"),
                    ));
                }
                let why = if items.len() == 1 {
                    "because this list has one entry".to_string()
                } else {
                    format!("because this list has {} entries", items.len())
                };
                self.table(&items, &allowed[..depth], span, &why)?
            }
            value => {
                let id = self.expr_of(value, span)?;
                let id = self.real_of(id);
                let stray: Vec<AxisId> = self
                    .ty(id)
                    .axes
                    .iter()
                    .copied()
                    .filter(|a| !anything && !allowed.contains(a))
                    .collect();
                if !stray.is_empty() {
                    let (stray, has) = (
                        show_axes(&stray, &self.axes),
                        show_axes(&allowed, &self.axes),
                    );
                    let found = self.show(id);
                    return Err(self.report(
                        Diagnostic::error(
                            Code::AxisMismatch,
                            format!("`{name}` of `{of}` cannot lie along `{stray}`"),
                        )
                        .at(span, format!("this is `{found}`"))
                        .also(
                            option.span,
                            format!("here it lies along axes among `{has}`"),
                        ),
                    ));
                }
                id
            }
        };
        if let TypeKind::Tensor {
            range: Some(range), ..
        } = &option.ty.kind
        {
            self.check_range(id, range, name, of, option.span, span)?;
        }
        Ok(Value::Expr(id))
    }

    /// Holds every entry of a list, at any depth, to a range.
    fn check_list(
        &mut self,
        items: &[Value],
        range: &ast::Range,
        (name, of): (&str, &str),
        declared: Span,
        span: Span,
    ) -> Checked<()> {
        for item in items {
            match item {
                Value::List(items) => self.check_list(items, range, (name, of), declared, span)?,
                Value::Expr(id) => self.check_range(*id, range, name, of, declared, span)?,
                Value::Axes(_) | Value::Choice { .. } => {}
            }
        }
        Ok(())
    }

    fn check_range(
        &mut self,
        id: ExprId,
        range: &ast::Range,
        name: &str,
        of: &str,
        declared: Span,
        span: Span,
    ) -> Checked<()> {
        let range = Bounds {
            low: range.low,
            high: range.high,
        };
        let values: Vec<f64> = match &self.expr(id).kind {
            super::tree::ExprKind::Const(bits) => vec![f64::from_bits(*bits)],
            super::tree::ExprKind::Table(bits) => bits.iter().map(|b| f64::from_bits(*b)).collect(),
            _ => {
                // A default that hands an option on is checked once.
                let known = |check: &RangeCheck| check.value == id && check.range == range;
                let scalar = self.ty(id).is_scalar() && !self.expr(id).tensor;
                if scalar && !self.checks.iter().any(known) {
                    let span = self.place(span);
                    let check = RangeCheck {
                        value: id,
                        range,
                        what: format!("`{name}` of `{of}`"),
                        span,
                    };
                    self.checks.push(check);
                }
                return Ok(());
            }
        };
        match values.into_iter().find(|x| !range.contains(*x)) {
            None => Ok(()),
            Some(x) => Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!("`{name}` of `{of}` is {range}, and this is {x}"),
                )
                .at(span, "outside the range")
                .also(declared, "the option is declared here"),
            )),
        }
    }
}

/// The message for an option without a default that a call does not give.
pub(super) fn missing(
    definition: &ast::Definition,
    option: &ast::OptionDecl,
    call: Span,
) -> Diagnostic {
    let (of, name) = (&definition.name.text, &option.name.text);
    Diagnostic::error(Code::MissingOption, format!("`{of}` needs `{name}`"))
        .at(call, "not given in this call")
        .also(option.span, "it has no default")
        .help(format!("give it: `{of}({name}=…)`"))
}

/// How deep lists are nested, a plain list being 1.
fn nesting(items: &[Value]) -> usize {
    match items.first() {
        Some(Value::List(inner)) => 1 + nesting(inner),
        _ => 1,
    }
}
