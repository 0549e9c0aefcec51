//! Expressions: what a form of the syntax means, and the type of its value.

use super::axes::{AxisId, Role};
use super::build::Placed;
use super::cx::{AxisChoice, Checked, Cx, GlobalSource, Reported, State, Value};
use super::tree::{ExprId, ExprKind};
use super::ty::{Classes, Kind, Ty};
use crate::ast::vocabulary;
use crate::ast::{self, BinaryOp, UnaryOp};
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::ir::MapOp;
use crate::source::Span;

impl<'a> Cx<'a> {
    /// The value of an expression, on a stack that grows as needed.
    pub fn eval(&mut self, expr: &ast::Expr) -> Checked<Value> {
        self.step(expr.span)?;
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.eval_here(expr))
    }

    /// The value of an expression that must be numbers.
    pub fn eval_expr(&mut self, expr: &ast::Expr) -> Checked<ExprId> {
        let value = self.eval(expr)?;
        self.expr_of(value, expr.span)
    }

    /// The value of an expression, with its place.
    pub fn placed(&mut self, expr: &ast::Expr) -> Checked<Placed> {
        Ok(Placed {
            id: self.eval_expr(expr)?,
            span: expr.span,
        })
    }

    /// Numbers, or a message that says what stands there instead.
    pub fn expr_of(&mut self, value: Value, span: Span) -> Checked<ExprId> {
        let (message, help) = match value {
            Value::Expr(id) => return Ok(id),
            Value::Axes(_) => (
                "axes stand where a number is needed".to_string(),
                "the number of elements along axes is `size[N]`, positions are `index[N]`",
            ),
            Value::Choice { word, .. } => (
                format!("the word `{word}` stands where a number is needed"),
                "compare it: `if reduce == sum then … else …`",
            ),
            Value::List(_) => (
                "a list has no axis here".to_string(),
                "say along which axis it lies: `[0.2, 0.8] as real[C]`",
            ),
        };
        Err(self.report(
            Diagnostic::error(Code::KindMismatch, message)
                .at(span, "not a number")
                .help(help),
        ))
    }

    fn eval_here(&mut self, expr: &ast::Expr) -> Checked<Value> {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Number { value, integer } => {
                let kind = if *integer { Kind::Int } else { Kind::Real };
                Ok(Value::Expr(self.constant(*value, kind, span)))
            }
            ast::ExprKind::Bool(value) => {
                let value = f64::from(u8::from(*value));
                Ok(Value::Expr(self.constant(value, Kind::Bool, span)))
            }
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Axis(name) => {
                let axes = self.axis_name(name, span)?;
                Ok(Value::Axes(vec![AxisChoice::Named(name.clone(), axes)]))
            }
            ast::ExprKind::List(items) => {
                let values: Vec<Checked<Value>> =
                    items.iter().map(|item| self.eval(item)).collect();
                let values: Vec<Value> = values.into_iter().collect::<Result<_, _>>()?;
                // A list of axes and roles is one value of type `axes`.
                if !values.is_empty() && values.iter().all(|v| matches!(v, Value::Axes(_))) {
                    let all = values.into_iter().flat_map(|value| match value {
                        Value::Axes(axes) => axes,
                        _ => Vec::new(),
                    });
                    return Ok(Value::Axes(all.collect()));
                }
                Ok(Value::List(values))
            }
            ast::ExprKind::Unary { op, operand } => {
                let operand = self.placed(operand)?;
                let op = match op {
                    UnaryOp::Neg => MapOp::Neg,
                    UnaryOp::Not => MapOp::Not,
                };
                let integer = self.ty(operand.id).kind == Kind::Int;
                if let (Some(value), MapOp::Neg, true) = (self.known(operand.id), op, integer) {
                    return Ok(Value::Expr(self.constant(-value, Kind::Int, span)));
                }
                Ok(Value::Expr(self.map(op, &[operand], span)?))
            }
            ast::ExprKind::Binary { op, lhs, rhs, .. } => self.binary(*op, lhs, rhs, span),
            ast::ExprKind::If {
                cond,
                then,
                otherwise,
            } => self.conditional(cond, then, otherwise, span),
            ast::ExprKind::Call {
                module,
                callee,
                axes,
                args,
                on,
            } => self.call(
                module.as_ref(),
                callee,
                axes.as_deref(),
                args.as_deref(),
                on.as_deref(),
                span,
            ),
            ast::ExprKind::Select { base, selectors } => self.select(base, selectors, span),
            ast::ExprKind::As { base, ty } => self.reinterpret(base, ty),
            ast::ExprKind::SumFor { axis, axes, body } => self.sum_for(axis, axes, body, span),
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        lhs: &ast::Expr,
        rhs: &ast::Expr,
        span: Span,
    ) -> Checked<Value> {
        if let Some(value) = self.compare_words(op, lhs, rhs, span)? {
            return Ok(value);
        }
        let (a, b) = (self.placed(lhs), self.placed(rhs));
        let (a, b) = (a?, b?);
        let op = match op {
            BinaryOp::Add => MapOp::Add,
            BinaryOp::Sub => MapOp::Sub,
            BinaryOp::Mul => MapOp::Mul,
            BinaryOp::Div => MapOp::Div,
            BinaryOp::Pow => MapOp::Pow,
            BinaryOp::Eq => MapOp::Eq,
            BinaryOp::Ne => MapOp::Ne,
            BinaryOp::Lt => MapOp::Lt,
            BinaryOp::Le => MapOp::Le,
            BinaryOp::Gt => MapOp::Gt,
            BinaryOp::Ge => MapOp::Ge,
            BinaryOp::And => MapOp::And,
            BinaryOp::Or => MapOp::Or,
        };
        Ok(Value::Expr(self.map(op, &[a, b], span)?))
    }

    /// `reduce == sum`: an option of type `one of` against one of its words; `A == B`: two axes.
    fn compare_words(
        &mut self,
        op: BinaryOp,
        lhs: &ast::Expr,
        rhs: &ast::Expr,
        span: Span,
    ) -> Checked<Option<Value>> {
        if !matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
            return Ok(None);
        }
        if let (ast::ExprKind::Axis(left), ast::ExprKind::Axis(right)) = (&lhs.kind, &rhs.kind) {
            let same = self.same_axes([(left, lhs.span), (right, rhs.span)])?;
            let holds = same == (op == BinaryOp::Eq);
            let id = self.constant(f64::from(u8::from(holds)), Kind::Bool, span);
            return Ok(Some(Value::Expr(id)));
        }
        let (ast::ExprKind::Name(left), ast::ExprKind::Name(right)) = (&lhs.kind, &rhs.kind) else {
            return Ok(None);
        };
        let Some(Ok(Value::Choice { word, among })) = self.local(left) else {
            return Ok(None);
        };
        if !among.contains(right) {
            let mut diagnostic =
                Diagnostic::error(Code::BadOption, format!("`{left}` is never `{right}`"))
                    .at(rhs.span, "not one of its words")
                    .help(format!("it is one of {}", or_list(&quoted(&among))));
            if let Some(near) = nearest(right, among.iter().map(String::as_str)) {
                diagnostic = diagnostic.guess(rhs.span, near, "a similar word");
            }
            return Err(self.report(diagnostic));
        }
        let holds = (word == *right) == (op == BinaryOp::Eq);
        let id = self.constant(f64::from(u8::from(holds)), Kind::Bool, span);
        Ok(Some(Value::Expr(id)))
    }

    fn conditional(
        &mut self,
        cond: &ast::Expr,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        span: Span,
    ) -> Checked<Value> {
        let cond = self.placed(cond)?;
        if self.ty(cond.id).kind == Kind::Bool
            && let Some(known) = self.known(cond.id)
        {
            // A branch that is not taken need not even make sense for these operands.
            return self.eval(if known != 0.0 { then } else { otherwise });
        }
        let (then, otherwise) = (self.placed(then), self.placed(otherwise));
        Ok(Value::Expr(self.map(
            MapOp::Select,
            &[cond, then?, otherwise?],
            span,
        )?))
    }

    /// A name of the innermost scope.
    pub fn local(&self, name: &str) -> Option<Checked<Value>> {
        let scope = self.scopes.last()?;
        let (_, value) = scope.names.iter().rev().find(|(n, _)| n == name)?;
        Some(value.clone())
    }

    /// A name in sight: local, of the file, or a role.
    pub fn name(&mut self, name: &str, span: Span) -> Checked<Value> {
        if let Some(value) = self.local(name) {
            return self.own_name(name, value?, span);
        }
        if self.sees_file()
            && let Some(i) = self.globals.iter().position(|g| g.name.text == name)
        {
            let value = self.global(i, span)?;
            return self.at_level(name, value, span);
        }
        if let Some(role) = Role::from_name(name) {
            return Ok(Value::Axes(vec![AxisChoice::Role(role)]));
        }
        Err(self.unknown_name(name, span))
    }

    /// The value of a name of the scope itself, at the resolution of `deep` if it stands in one.
    pub(super) fn own_name(&mut self, name: &str, value: Value, span: Span) -> Checked<Value> {
        match self.scopes.last().is_some_and(|scope| scope.own_level) {
            true => self.at_level(name, value, span),
            false => Ok(value),
        }
    }

    /// The value of a top-level name, found when it is first asked for.
    pub fn global(&mut self, i: usize, span: Span) -> Checked<Value> {
        self.globals[i].used = true;
        let value = self.found(i, span)?;
        if let Value::Expr(id) = value {
            self.reads_file |= !self.ty(id).axes.is_empty();
        }
        Ok(value)
    }

    fn found(&mut self, i: usize, span: Span) -> Checked<Value> {
        match self.globals[i].state.clone() {
            State::Done(value) => value,
            State::Running => {
                let name = self.globals[i].name.clone();
                self.globals[i].state = State::Done(Err(Reported));
                Err(self.report(
                    Diagnostic::error(Code::Cycle, format!("`{}` is defined by itself", name.text))
                        .at(span, "its value is needed here to find its value")
                        .also(name.span, "defined here"),
                ))
            }
            State::Waiting => {
                self.globals[i].state = State::Running;
                let value = match self.globals[i].source {
                    GlobalSource::Input(input) => Ok(Value::Expr(self.input(input))),
                    GlobalSource::Let(binding) | GlobalSource::Term(binding) => {
                        // A top-level value sees the file, whatever asks for it.
                        let scopes = std::mem::take(&mut self.scopes);
                        let frames = std::mem::take(&mut self.frames);
                        let value = self.eval(&binding.value);
                        self.scopes = scopes;
                        self.frames = frames;
                        value
                    }
                };
                self.globals[i].state = State::Done(value.clone());
                value
            }
        }
    }

    pub(super) fn input(&mut self, input: u32) -> ExprId {
        let declared = &self.inputs[input as usize];
        let (ty, span) = (declared.ty.clone(), declared.span);
        self.intern(ExprKind::Input(input), ty, span)
    }

    /// The axes that an upper-case name stands for.
    pub fn axis_name(&mut self, name: &str, span: Span) -> Checked<Vec<AxisId>> {
        let local = self.scopes.last().and_then(|scope| {
            let found = scope.axes.iter().rev().find(|(n, _)| n == name);
            found.map(|(_, axes)| axes.clone())
        });
        if let Some(axes) = local {
            return Ok(axes);
        }
        let found = self.axes.lookup(name).map(<[AxisId]>::to_vec);
        match found {
            Some(axes) if self.sees_file() => {
                self.reads_file = true;
                Ok(self.axes_at_level(axes))
            }
            _ => {
                let elsewhere = match name {
                    "True" => Some("true"),
                    "False" => Some("false"),
                    "Inf" | "INF" => Some("inf"),
                    _ => None,
                };
                if let Some(here) = elsewhere {
                    return Err(self.report(
                        Diagnostic::error(
                            Code::UnknownName,
                            format!("`{name}` is written `{here}`"),
                        )
                        .at(span, "in upper case this is an axis")
                        .fix(span, here, "write it in lower case"),
                    ));
                }
                if matches!(name, "None" | "NULL") {
                    return Err(self.report(
                        Diagnostic::error(Code::UnknownName, format!("there is no `{name}`"))
                            .at(span, "in upper case this is an axis")
                            .help("leave the option out: then its default holds"),
                    ));
                }
                let names: Vec<String> = self.axes.names().map(String::from).collect();
                let mut diagnostic =
                    Diagnostic::error(Code::UnknownAxis, format!("there is no axis `{name}`"))
                        .at(span, "not an axis of any input");
                diagnostic = match nearest(name, names.iter().map(String::as_str)) {
                    Some(near) => diagnostic.guess(span, near, "a similar axis"),
                    None => diagnostic.help(format!(
                        "the axes are {}, the roles are `batch`, `class` and `space`",
                        crate::diag::and_list(&quoted(&names))
                    )),
                };
                Err(self.report(diagnostic))
            }
        }
    }

    /// What stands in brackets, as axes of `operand`: roles give those axes of the operand that
    /// have them, names must be there.
    pub fn axes_of(
        &mut self,
        refs: &[ast::AxisRef],
        operand: &[AxisId],
        what: &str,
    ) -> Checked<Vec<AxisId>> {
        let mut list = Vec::new();
        for reference in refs {
            let (name, span) = (&reference.name.text, reference.name.span);
            let choices = if name.starts_with(|c: char| c.is_uppercase()) {
                vec![AxisChoice::Named(name.clone(), self.axis_name(name, span)?)]
            } else {
                match self.name(name, span)? {
                    Value::Axes(choices) => choices,
                    _ if Role::from_name(name).is_some() => {
                        return Err(self.hidden_role(name, span));
                    }
                    _ => {
                        return Err(self.report(
                            Diagnostic::error(
                                Code::UnknownAxis,
                                format!("`{name}` is not an axis"),
                            )
                            .at(span, "axes or a role are needed here")
                            .help("names of axes are in upper case; the roles are `batch`, `class` and `space`"),
                        ));
                    }
                }
            };
            list.extend(self.choose(&choices, operand, span, what)?);
        }
        list.sort_unstable();
        list.dedup();
        Ok(list)
    }

    /// The axes of `operand` that a value of type `axes` means.
    pub fn choose(
        &mut self,
        choices: &[AxisChoice],
        operand: &[AxisId],
        span: Span,
        what: &str,
    ) -> Checked<Vec<AxisId>> {
        let mut list = Vec::new();
        for choice in choices {
            match choice {
                AxisChoice::Role(role) => list.extend(
                    operand
                        .iter()
                        .copied()
                        .filter(|&axis| self.axes.get(axis).role == *role),
                ),
                AxisChoice::Named(name, axes) => {
                    let found: Vec<AxisId> = operand
                        .iter()
                        .copied()
                        .filter(|&axis| axes.iter().any(|&of| self.axes.is_part_of(axis, of)))
                        .collect();
                    if found.is_empty() && !axes.is_empty() {
                        let has = super::ty::show_axes(operand, &self.axes);
                        return Err(self.report(
                            Diagnostic::error(
                                Code::UnknownAxis,
                                format!("{what} has no axis `{name}`"),
                            )
                            .at(
                                span,
                                match operand {
                                    [] => "it is a single number".to_string(),
                                    _ => format!("its axes are `{has}`"),
                                },
                            ),
                        ));
                    }
                    list.extend(found);
                }
            }
        }
        Ok(list)
    }

    fn reinterpret(&mut self, base: &ast::Expr, ty: &ast::TypeExpr) -> Checked<Value> {
        let ast::TypeKind::Tensor {
            kind, axes, class, ..
        } = &ty.kind
        else {
            return Err(self.report(
                Diagnostic::error(Code::BadType, "a value cannot be one of some words")
                    .at(ty.span, "a kind is needed here"),
            ));
        };
        let value = self.eval(base)?;
        if let Value::List(items) = &value {
            // A list gets its axes from the brackets.
            let refs: Vec<ast::AxisRef> = axes
                .iter()
                .flatten()
                .filter_map(|axis| match axis {
                    ast::AxisDecl::Axis { name, .. } => Some(ast::AxisRef { name: name.clone() }),
                    ast::AxisDecl::Pack { .. } | ast::AxisDecl::Size(..) => None,
                })
                .collect();
            let mut along = Vec::new();
            for reference in &refs {
                along.extend(self.axis_name(&reference.name.text, reference.name.span)?);
            }
            let id = self.table(items, &along, base.span, "because of this list")?;
            return Ok(Value::Expr(id));
        }
        let id = self.expr_of(value, base.span)?;
        let found = self.ty(id).clone();
        let kind = self.kind_from(kind, class.as_ref(), Some(&found.axes), ty.span)?;
        // What an activation makes of scores is not made by a word, nor undone by one.
        let other = matches!(
            (found.kind, kind),
            (
                Kind::Logits(_),
                Kind::Probs(_) | Kind::LogProbs(_) | Kind::OneHot(_) | Kind::Mask(_)
            ) | (
                Kind::Probs(_) | Kind::OneHot(_) | Kind::Mask(_),
                Kind::Logits(_) | Kind::LogProbs(_)
            ) | (Kind::LogProbs(_), Kind::Logits(_) | Kind::Probs(_))
        );
        if other {
            let text = found.show(&self.axes);
            let diagnostic = Diagnostic::error(
                Code::KindMismatch,
                format!("`{text}` cannot be seen as `{}`", kind.word()),
            )
            .at(
                base.span,
                "`as` changes what numbers mean, never the numbers",
            );
            return Err(self.report(match found.kind {
                Kind::Logits(_) => diagnostic
                    .help("leave out `as …`: where probabilities are needed, the softmax or the sigmoid is put in"),
                _ => diagnostic.help("declare the input as what it is"),
            }));
        }
        let integral = matches!(kind, Kind::Labels(_) | Kind::Int);
        let was_integral = matches!(found.kind, Kind::Labels(_) | Kind::Int);
        if kind.is_float() != found.kind.is_float() || integral != was_integral {
            let text = found.show(&self.axes);
            return Err(self.report(
                Diagnostic::error(
                    Code::KindMismatch,
                    format!("`{text}` cannot be seen as `{}`", kind.word()),
                )
                .at(base.span, "whole numbers and fractions do not mix")
                .help("`as` changes what numbers mean, never the numbers; compare or compute to get others"),
            ));
        }
        Ok(Value::Expr(self.convert(
            super::tree::Conversion::Same,
            id,
            kind,
        )))
    }

    /// Makes sure that these axes are single ones. A pack that was seen as one flat axis makes the
    /// spec be checked again with the pack taken apart.
    pub fn split_packs(&mut self, axes: &[AxisId], _span: Span) -> Checked<()> {
        let flat = axes
            .iter()
            .any(|&axis| self.axes.get(self.axes.base(axis)).name.starts_with("..."));
        if flat {
            self.ranks_matter = true;
            return Err(Reported);
        }
        Ok(())
    }

    /// Numbers of a list along axes, whose sizes they fix.
    pub fn table(
        &mut self,
        items: &[Value],
        along: &[AxisId],
        span: Span,
        why: &str,
    ) -> Checked<ExprId> {
        let mut numbers = Vec::new();
        let mut lengths: Vec<usize> = Vec::new();
        self.flatten(items, 0, along.len(), &mut lengths, &mut numbers, span)?;
        for (&axis, &len) in along.iter().zip(&lengths) {
            let at = self.place(span);
            if let Err(diagnostic) = self.axes.set_size(axis, len, at, why) {
                return Err(self.report(*diagnostic));
            }
        }
        let bits = numbers.iter().map(|x| x.to_bits()).collect();
        Ok(self.intern(
            ExprKind::Table(bits),
            Ty::new(Kind::Real, along.to_vec()),
            span,
        ))
    }

    fn flatten(
        &mut self,
        items: &[Value],
        level: usize,
        depth: usize,
        lengths: &mut Vec<usize>,
        numbers: &mut Vec<f64>,
        span: Span,
    ) -> Checked<()> {
        let ragged = |cx: &mut Self, text: &str| {
            Err(cx.report(
                Diagnostic::error(Code::AxisMismatch, text.to_string())
                    .at(span, "this list")
                    .help(
                        "one pair of brackets for each axis, all lists on one level equally long",
                    ),
            ))
        };
        if level >= depth {
            return ragged(self, "the list is nested deeper than there are axes");
        }
        match lengths.get(level) {
            None => lengths.push(items.len()),
            Some(&n) if n != items.len() => return ragged(self, "the list is ragged"),
            Some(_) => {}
        }
        for item in items {
            match item {
                Value::List(inner) => {
                    self.flatten(inner, level + 1, depth, lengths, numbers, span)?;
                }
                Value::Expr(id) => match self.known(*id) {
                    Some(_) if level + 1 != depth => {
                        return ragged(self, "the list has fewer levels than there are axes");
                    }
                    Some(x) => numbers.push(x),
                    None => {
                        return Err(self.report(
                            Diagnostic::error(
                                Code::NotStatic,
                                "the entries of a list must be known when the spec is checked",
                            )
                            .at(span, "an entry depends on what is bound later")
                            .help("bind the weights as an input: `input w: real[C]`"),
                        ));
                    }
                },
                Value::Axes(_) | Value::Choice { .. } => {
                    return ragged(self, "the list holds something that is not a number");
                }
            }
        }
        Ok(())
    }

    /// The kind that a type names. `operand` are the axes among which `class` finds its axis.
    pub fn kind_from(
        &mut self,
        word: &ast::Ident,
        class: Option<&ast::ClassClause>,
        operand: Option<&[AxisId]>,
        span: Span,
    ) -> Checked<Kind> {
        let axis = match class {
            None => None,
            Some(clause) => Some((clause.word, self.class_axis(clause, operand)?)),
        };
        let clause_error = |cx: &mut Self, text: &str, help: &str| {
            Err(cx.report(
                Diagnostic::error(Code::BadType, format!("`{}` {text}", word.text))
                    .at(span, "this type")
                    .help(help),
            ))
        };
        use ast::ClassWord::{Of, Over, Per};
        let classes = match axis {
            None => Classes::None,
            Some((Over, axis)) => Classes::Over(axis),
            Some((Per | Of, axis)) => Classes::Per(axis),
        };
        let of = matches!(axis, Some((Of, _)));
        match (word.text.as_str(), axis) {
            ("logits" | "probs" | "log_probs", _) if of => clause_error(
                self,
                "has classes `over` or `per` an axis, not `of` one",
                "`over C` for mutually exclusive classes, `per C` for independent ones",
            ),
            ("logits", _) => Ok(Kind::Logits(classes)),
            ("probs", _) => Ok(Kind::Probs(classes)),
            ("log_probs", _) => Ok(Kind::LogProbs(classes)),
            ("labels", Some((Of, axis))) => Ok(Kind::Labels(axis)),
            ("labels", _) => clause_error(
                self,
                "are numbers of classes, and the axis of these classes is not said",
                "write `labels[N, ...S] of C`",
            ),
            ("onehot", Some((Over, axis))) => Ok(Kind::OneHot(axis)),
            ("onehot", _) => clause_error(
                self,
                "lies over the axis of its classes, which is not said",
                "write `onehot[N, C, ...S] over C`",
            ),
            ("mask", None) => Ok(Kind::Mask(None)),
            ("mask", Some((Per, axis))) => Ok(Kind::Mask(Some(axis))),
            ("mask", _) => clause_error(
                self,
                "answers independent questions",
                "write `mask[N, C, ...S] per C`, or `onehot … over C` for exclusive classes",
            ),
            ("real" | "scalar" | "bool" | "int", Some(_)) => clause_error(
                self,
                "has no classes",
                "`logits`, `probs`, `log_probs`, `labels`, `onehot` and `mask` have",
            ),
            ("real" | "scalar", None) => Ok(Kind::Real),
            ("bool", None) => Ok(Kind::Bool),
            ("int", None) => Ok(Kind::Int),
            (other, _) => {
                let known = [
                    "logits",
                    "probs",
                    "log_probs",
                    "labels",
                    "onehot",
                    "mask",
                    "real",
                    "scalar",
                    "bool",
                    "int",
                ];
                let mut diagnostic =
                    Diagnostic::error(Code::BadType, format!("there is no kind `{other}`"))
                        .at(word.span, "not a kind");
                diagnostic = match (nearest(other, known), vocabulary::kind(other)) {
                    (Some(near), _) => diagnostic.guess(word.span, near, "a similar kind"),
                    (None, Some(here)) => diagnostic.guess(word.span, here, "here it is called"),
                    (None, None) => {
                        diagnostic.help(format!("a kind is one of {}", or_list(&quoted(&known))))
                    }
                };
                Err(self.report(diagnostic))
            }
        }
    }

    fn class_axis(
        &mut self,
        clause: &ast::ClassClause,
        operand: Option<&[AxisId]>,
    ) -> Checked<AxisId> {
        let (name, span) = (&clause.axis.text, clause.axis.span);
        let axes = if name == "class" {
            operand
                .unwrap_or(&[])
                .iter()
                .copied()
                .filter(|&axis| self.axes.get(axis).role == Role::Class)
                .collect()
        } else {
            let named = self.axis_name(name, span)?;
            match operand {
                Some(operand) => {
                    let found: Vec<AxisId> = operand
                        .iter()
                        .copied()
                        .filter(|&axis| named.iter().any(|&of| self.axes.is_part_of(axis, of)))
                        .collect();
                    if found.is_empty() { named } else { found }
                }
                None => named,
            }
        };
        match axes[..] {
            [axis] => Ok(axis),
            _ => Err(self.report(
                Diagnostic::error(
                    Code::UnknownAxis,
                    format!("`{name}` does not name one class axis"),
                )
                .at(span, "one axis is needed here"),
            )),
        }
    }
}

/// Each item in backticks.
pub(super) fn quoted<T: std::fmt::Display>(items: &[T]) -> Vec<String> {
    items.iter().map(|item| format!("`{item}`")).collect()
}
