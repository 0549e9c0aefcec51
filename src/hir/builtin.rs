//! Calls of the functions that the language has of itself: their arguments, and the types they give.

use super::axes::AxisId;
use super::build::Placed;
use super::cx::{Checked, Cx, Reported, Value};
use super::expr::quoted;
use super::functions::{FUNCTIONS, elementwise};
use super::order::is_order;
use super::tree::{Conversion, ExprId, ExprKind};
use super::ty::{Classes, Kind, Ty};
use crate::ast;
use crate::ast::vocabulary::{self, Advice};
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::ir::{Edge, MapOp, ReduceOp};
use crate::source::Span;

/// The evaluated arguments of a built-in function.
struct Args {
    positional: Vec<Placed>,
    mask: Option<Placed>,
}

impl<'a> Cx<'a> {
    /// A call of a function of the language.
    pub(super) fn builtin(
        &mut self,
        callee: &ast::Ident,
        axes: Option<&[ast::AxisRef]>,
        args: Option<&[ast::Arg]>,
        span: Span,
    ) -> Checked<Value> {
        let name = callee.text.as_str();
        match name {
            "index" | "size" => return self.index_or_size(name, axes, args, span),
            "shift" => return self.shift(axes, args.unwrap_or(&[]), span),
            "resize" => return self.resize(axes, args.unwrap_or(&[]), span),
            "deep" => return self.deep(args.unwrap_or(&[]), span),
            "coarsen" => return self.coarsen(axes, args.unwrap_or(&[]), span),
            "max_pool" | "min_pool" | "avg_pool" | "gaussian" => {
                return self.window(name, axes, args.unwrap_or(&[]), span);
            }
            _ => {}
        }
        let Some(args) = args else {
            return Err(self.report(
                Diagnostic::error(Code::Syntax, format!("`{name}` is not called"))
                    .at(span, "parentheses are missing")
                    .help(usage(name)),
            ));
        };
        let reduction = reduction(name);
        let masked = reduction.is_some() || name == "mean";
        if is_order(name) {
            return self.order_call(name, axes, args, span);
        }
        let args = self.arguments(name, args, masked, span)?;
        let x = args.positional[0];
        let several = args.positional.len();
        if let Some(op) = elementwise(name)
            && (reduction.is_none() || several > 1)
        {
            if let Some(axes) = axes {
                return Err(self.no_brackets(name, axes, span));
            }
            return self.elementwise_call(op, &args.positional, span);
        }
        let id = match (name, reduction) {
            (_, Some(op)) => {
                let axes = self.brackets(axes, x)?;
                self.reduce(op, axes, x, args.mask, span)?
            }
            ("mean", _) => {
                let axes = self.brackets(axes, x)?;
                match args.mask {
                    None => {
                        let real = self.real_of(x.id);
                        self.reduced(axes, real, span, ExprKind::Mean)
                    }
                    Some(mask) => self.masked_mean(axes, x, mask, span)?,
                }
            }
            ("weighted_mean", _) => {
                let w = args.positional[1];
                let all = self.broadcast(&[x, w], span, "`weighted_mean`")?;
                let x = self.spread(x, &all, span);
                let axes = self.brackets(axes, x)?;
                let (a, b) = (self.real_of(x.id), self.real_of(w.id));
                self.reduced(axes, a, span, |axes, a| ExprKind::WeightedMean(axes, a, b))
            }
            ("count" | "any" | "all", _) => {
                let axes = self.brackets(axes, x)?;
                if self.ty(x.id).kind != Kind::Bool {
                    let found = self.show(x.id);
                    return Err(self.report(
                        Diagnostic::error(
                            Code::KindMismatch,
                            format!("`{name}` takes conditions, and this is `{found}`"),
                        )
                        .at(x.span, "not true or false")
                        .help(
                            "compare it first: `count(x > 0)`; elements are counted by `size[N]`",
                        ),
                    ));
                }
                match name {
                    "count" => {
                        let ones = self.real_of(x.id);
                        self.reduced(axes, ones, span, |axes, x| {
                            ExprKind::Reduce(ReduceOp::Sum, axes, x)
                        })
                    }
                    "any" => self.reduced(axes, x.id, span, |axes, x| {
                        ExprKind::Reduce(ReduceOp::Any, axes, x)
                    }),
                    _ => self.reduced(axes, x.id, span, |axes, x| {
                        ExprKind::Reduce(ReduceOp::All, axes, x)
                    }),
                }
            }
            ("argmax", _) => {
                let axis = self.one_axis(name, axes, x, span)?;
                let real = self.real_of(x.id);
                let rest = without(&self.ty(real).axes, &[axis]);
                let class = self.axes.get(axis).role == super::axes::Role::Class;
                let kind = if class { Kind::Labels(axis) } else { Kind::Int };
                self.intern(ExprKind::ArgMax(axis, real), Ty::new(kind, rest), span)
            }
            ("softmax" | "log_softmax", _) => {
                let axis = self.one_axis(name, axes, x, span)?;
                self.refuse_twice(name, x)?;
                let at = self.place(span);
                self.check_softmax(axis, at);
                let real = self.real_of(x.id);
                let over = self.ty(real).axes.clone();
                let classes = Classes::Over(axis);
                if name == "softmax" {
                    let ty = Ty::new(Kind::Probs(classes), over);
                    self.intern(ExprKind::Softmax(axis, real), ty, span)
                } else {
                    let ty = Ty::new(Kind::LogProbs(classes), over);
                    self.intern(ExprKind::LogSoftmax(axis, real), ty, span)
                }
            }
            ("pick", _) => self.pick(axes, x, args.positional[1], span)?,
            ("onehot", _) => match self.ty(x.id).kind {
                Kind::Labels(axis) => {
                    self.convert(Conversion::OneHot(axis), x.id, Kind::OneHot(axis))
                }
                _ => {
                    let found = self.show(x.id);
                    return Err(self.report(
                        Diagnostic::error(
                            Code::KindMismatch,
                            format!("`onehot` takes labels, and this is `{found}`"),
                        )
                        .at(x.span, "not labels")
                        .help("declare it as `labels[…] of C`, or write `x as labels of C`"),
                    ));
                }
            },
            ("diff", _) => self.diff(axes, x, span)?,
            ("dot", _) => {
                let y = args.positional[1];
                let (a, b) = (self.real_of(x.id), self.real_of(y.id));
                let first = Placed {
                    id: a,
                    span: x.span,
                };
                let list = self.brackets(axes, first)?;
                if axes.is_none() || list.iter().any(|axis| !self.ty(b).axes.contains(axis)) {
                    let found = self.show(b);
                    return Err(self.report(
                        Diagnostic::error(
                            Code::UnknownAxis,
                            "`dot` runs along axes that both operands have",
                        )
                        .at(span, format!("the second operand is `{found}`"))
                        .help("name them: `dot[D](a, b)`"),
                    ));
                }
                let mut rest = without(&self.ty(a).axes, &list);
                for axis in without(&self.ty(b).axes, &list) {
                    if !rest.contains(&axis) {
                        rest.push(axis);
                    }
                }
                let ty = Ty::new(Kind::Real, rest);
                self.intern(ExprKind::Dot(list, a, b), ty, span)
            }
            ("where", _) => return self.elementwise_call(MapOp::Select, &args.positional, span),
            ("expand_as", _) => {
                let like = self.ty(args.positional[1].id).axes.clone();
                self.expanded(x, &like, span).id
            }
            ("stop_grad", _) => {
                let ty = self.ty(x.id).clone();
                self.intern(ExprKind::StopGrad(x.id), ty, span)
            }
            _ => return Err(self.report(unknown_builtin(name, span))),
        };
        Ok(Value::Expr(id))
    }

    fn elementwise_call(&mut self, op: MapOp, args: &[Placed], span: Span) -> Checked<Value> {
        let x = args[0];
        let kind = match (op, self.ty(x.id).kind) {
            (MapOp::Sigmoid, _) => {
                self.refuse_twice("sigmoid", x)?;
                match self.ty(x.id).kind {
                    Kind::Logits(Classes::Over(axis) | Classes::Per(axis)) => {
                        Some(Kind::Probs(Classes::Per(axis)))
                    }
                    _ => Some(Kind::Probs(Classes::None)),
                }
            }
            (MapOp::Log, Kind::Probs(classes)) => Some(Kind::LogProbs(classes)),
            (MapOp::Exp, Kind::LogProbs(classes)) => Some(Kind::Probs(classes)),
            _ => None,
        };
        let id = if matches!(op, MapOp::Max | MapOp::Min) && args.len() > 2 {
            let mut all = x;
            for &next in &args[1..] {
                let id = self.map(op, &[all, next], span)?;
                all = Placed { id, span };
            }
            all.id
        } else {
            self.map(op, args, span)?
        };
        Ok(Value::Expr(match kind {
            Some(kind) if self.known(id).is_none() => self.convert(Conversion::Same, id, kind),
            _ => id,
        }))
    }

    /// Positional arguments and `where=`, with their number checked.
    fn arguments(
        &mut self,
        name: &str,
        args: &[ast::Arg],
        masked: bool,
        span: Span,
    ) -> Checked<Args> {
        let (least, most) = match name {
            "weighted_mean" | "pick" | "dot" | "expand_as" => (2, 2),
            "where" | "clamp" => (3, 3),
            "max" | "min" => (1, usize::MAX),
            _ => (1, 1),
        };
        let mut positional = Vec::new();
        let mut mask = None;
        let mut failed = false;
        for arg in args {
            match &arg.name {
                None => match self.placed(&arg.value) {
                    Ok(value) => positional.push(value),
                    Err(Reported) => failed = true,
                },
                Some(key) if key.text == "where" && masked => match self.placed(&arg.value) {
                    Ok(value) => mask = Some(value),
                    Err(Reported) => failed = true,
                },
                Some(key) => {
                    failed = true;
                    let mut diagnostic = Diagnostic::error(
                        Code::UnknownOption,
                        format!("`{name}` has no option `{}`", key.text),
                    )
                    .at(key.span, "not an option");
                    let axes = vocabulary::is_axes(&key.text);
                    diagnostic = match vocabulary::option(&key.text, &[]) {
                        _ if axes => diagnostic.help(format!(
                            "axes have names and stand in brackets: `{name}[C](x)`, `{name}[space](x)`"
                        )),
                        Some(Advice::Say(help)) if key.text.starts_with("keep") => {
                            diagnostic.help(help)
                        }
                        _ => diagnostic.help(usage(name)),
                    };
                    self.report(diagnostic);
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        if positional.len() < least || positional.len() > most {
            let takes = if least == 1 {
                "one argument".to_string()
            } else {
                format!("{least} arguments")
            };
            return Err(self.report(
                Diagnostic::error(
                    Code::TooManyArguments,
                    format!("`{name}` takes {takes}, and {} are given", positional.len()),
                )
                .at(span, "this call")
                .help(usage(name)),
            ));
        }
        if mask.is_some() && positional.len() > 1 {
            return Err(self.report(
                Diagnostic::error(
                    Code::TooManyArguments,
                    format!(
                        "`where=` goes with a reduction, and `{name}` of several arguments is none"
                    ),
                )
                .at(span, "this call")
                .help(usage(name)),
            ));
        }
        Ok(Args { positional, mask })
    }

    /// The axes in the brackets, all of the operand's without brackets.
    pub(super) fn brackets(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
    ) -> Checked<Vec<AxisId>> {
        let operand = self.ty(x.id).axes.clone();
        match axes {
            Some(refs) => self.axes_of(refs, &operand, "the operand"),
            None => {
                let mut all = operand;
                all.sort_unstable();
                Ok(all)
            }
        }
    }

    pub(super) fn one_axis(
        &mut self,
        name: &str,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
        span: Span,
    ) -> Checked<AxisId> {
        let list = match axes {
            Some(_) => self.brackets(axes, x)?,
            None => Vec::new(),
        };
        match list[..] {
            [axis] => Ok(axis),
            _ => {
                let found = self.show(x.id);
                Err(self.report(
                    Diagnostic::error(
                        Code::UnknownAxis,
                        match list.len() {
                            0 => format!("`{name}` runs along one axis, and none is given"),
                            n => format!("`{name}` runs along one axis, and {n} are given"),
                        },
                    )
                    .at(span, format!("the operand is `{found}`"))
                    .help(match self.ty(x.id).axes.last() {
                        Some(&axis) => format!(
                            "name it in brackets, for example `{name}[{}](…)`",
                            self.axes
                                .get(self.ty(x.id).kind.class_axis().unwrap_or(axis))
                                .name
                        ),
                        None => "a single number has no axes".to_string(),
                    }),
                ))
            }
        }
    }

    fn reduced(
        &mut self,
        axes: Vec<AxisId>,
        x: ExprId,
        span: Span,
        kind: impl FnOnce(Vec<AxisId>, ExprId) -> ExprKind,
    ) -> ExprId {
        // Reducing over nothing does nothing: the operand has no axis of that role.
        if axes.is_empty() {
            return x;
        }
        let ty = self.ty(x);
        let ty = Ty::new(ty.kind, without(&ty.axes, &axes));
        self.intern(kind(axes, x), ty, span)
    }

    fn reduce(
        &mut self,
        op: ReduceOp,
        axes: Vec<AxisId>,
        x: Placed,
        mask: Option<Placed>,
        span: Span,
    ) -> Checked<ExprId> {
        let mut real = self.real_of(x.id);
        if let Some(mask) = mask {
            let neutral = match op {
                ReduceOp::Prod => 1.0,
                ReduceOp::Max | ReduceOp::LogSumExp => f64::NEG_INFINITY,
                ReduceOp::Min => f64::INFINITY,
                ReduceOp::Sum | ReduceOp::Any | ReduceOp::All => 0.0,
            };
            let neutral = self.constant(neutral, Kind::Real, span);
            let x = Placed {
                id: real,
                span: x.span,
            };
            let neutral = Placed { id: neutral, span };
            real = self.map(MapOp::Select, &[mask, x, neutral], span)?;
        }
        Ok(self.reduced(axes, real, span, |axes, x| ExprKind::Reduce(op, axes, x)))
    }

    /// Σ over where `mask` holds / how often it holds; what does not count may be NaN.
    fn masked_mean(
        &mut self,
        axes: Vec<AxisId>,
        x: Placed,
        mask: Placed,
        span: Span,
    ) -> Checked<ExprId> {
        let real = self.real_of(x.id);
        let x = Placed {
            id: real,
            span: x.span,
        };
        let zero = self.constant(0.0, Kind::Real, span);
        let zero = Placed { id: zero, span };
        let kept = self.map(MapOp::Select, &[mask, x, zero], span)?;
        let weight = self.real_of(mask.id);
        Ok(self.reduced(axes, kept, span, |axes, x| {
            ExprKind::WeightedMean(axes, x, weight)
        }))
    }

    /// `x` repeated along those of `all` that it lacks; a single number fits everything as it is.
    fn spread(&mut self, x: Placed, all: &[AxisId], span: Span) -> Placed {
        match self.ty(x.id).is_scalar() {
            true => x,
            false => self.expanded(x, all, span),
        }
    }

    /// `x` repeated along those of `all` that it lacks.
    fn expanded(&mut self, x: Placed, all: &[AxisId], span: Span) -> Placed {
        let ty = self.ty(x.id).clone();
        if all.iter().all(|axis| ty.axes.contains(axis)) {
            return x;
        }
        let mut axes = all.to_vec();
        axes.extend(without(&ty.axes, all));
        let id = self.intern(ExprKind::Expand(x.id), Ty::new(ty.kind, axes), span);
        Placed { id, span: x.span }
    }

    fn diff(&mut self, axes: Option<&[ast::AxisRef]>, x: Placed, span: Span) -> Checked<ExprId> {
        let axis = self.one_axis("diff", axes, x, span)?;
        self.split_packs(&[axis], span)?;
        let real = self.real_of(x.id);
        let at = self.place(span);
        let to = self.axes.diff(axis, at);
        let slice = |cx: &mut Self, start: i64| {
            let ty = cx.ty(real);
            let axes = ty
                .axes
                .iter()
                .map(|&a| if a == axis { to } else { a })
                .collect();
            let kind = ExprKind::Slice {
                from: axis,
                to,
                start,
                arg: real,
            };
            let id = cx.intern(kind, Ty::new(Kind::Real, axes), span);
            Placed { id, span }
        };
        let (next, this) = (slice(self, 1), slice(self, 0));
        self.map(MapOp::Sub, &[next, this], span)
    }

    fn shift(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        args: &[ast::Arg],
        span: Span,
    ) -> Checked<Value> {
        let mut edge = Edge::Zero;
        let mut values = Vec::new();
        for arg in args {
            match &arg.name {
                None => values.push(self.placed(&arg.value)?),
                Some(key) if key.text == "edge" => {
                    let word = match &arg.value.kind {
                        ast::ExprKind::Name(word) => word.as_str(),
                        _ => "",
                    };
                    let Some(&known) = Edge::ALL.iter().find(|e| e.name() == word) else {
                        return Err(self.report(
                            Diagnostic::error(
                                Code::BadOption,
                                "`edge` is `zero`, `clamp` or `wrap`",
                            )
                            .at(arg.value.span, "none of these"),
                        ));
                    };
                    edge = known;
                }
                Some(key) => {
                    return Err(self.report(
                        Diagnostic::error(
                            Code::UnknownOption,
                            format!("`shift` has no option `{}`", key.text),
                        )
                        .at(key.span, "not an option")
                        .help(usage("shift")),
                    ));
                }
            }
        }
        let [x, by] = values[..] else {
            return Err(self.report(
                Diagnostic::error(
                    Code::TooManyArguments,
                    format!("`shift` takes 2 arguments, and {} are given", values.len()),
                )
                .at(span, "this call")
                .help(usage("shift")),
            ));
        };
        let axis = self.one_axis("shift", axes, x, span)?;
        self.split_packs(&[axis], span)?;
        let by = self.whole(by, "how far to shift")?;
        let ty = self.ty(x.id).clone();
        Ok(Value::Expr(self.intern(
            ExprKind::Shift(axis, by, edge, x.id),
            ty,
            span,
        )))
    }

    /// A whole number that is known now.
    pub(super) fn whole(&mut self, value: Placed, what: &str) -> Checked<i64> {
        match self.known(value.id) {
            Some(x) if x == x.trunc() && x.abs() < 1e9 => Ok(x as i64),
            Some(x) => Err(self.report(
                Diagnostic::error(Code::BadIndex, format!("{what} is a whole number, not {x}"))
                    .at(value.span, "not a whole number"),
            )),
            None => Err(self.not_static(what, value.span, "depends on what is bound later")),
        }
    }

    fn index_or_size(
        &mut self,
        name: &str,
        axes: Option<&[ast::AxisRef]>,
        args: Option<&[ast::Arg]>,
        span: Span,
    ) -> Checked<Value> {
        let (Some(refs), None) = (axes, args) else {
            return Err(self.report(
                Diagnostic::error(
                    Code::Syntax,
                    format!("`{name}` takes axes in brackets and nothing else"),
                )
                .at(span, "this")
                .help(usage(name)),
            ));
        };
        let all = self.axes_in_scope();
        let list = self.axes_of(refs, &all, "the spec")?;
        if name == "size" {
            return Ok(Value::Expr(if list.is_empty() {
                self.constant(1.0, Kind::Real, span)
            } else {
                self.intern(ExprKind::Size(list), Ty::scalar(), span)
            }));
        }
        let [axis] = list[..] else {
            // A name that a rename gave to several axes is looked up among all of them.
            return Err(self.report(
                Diagnostic::error(Code::UnknownAxis, "`index` runs along one axis")
                    .at(span, format!("these are {}", list.len())),
            ));
        };
        self.split_packs(&[axis], span)?;
        let ty = Ty::new(Kind::Int, vec![axis]);
        Ok(Value::Expr(self.intern(ExprKind::Index(axis), ty, span)))
    }

    /// The axes of everything in sight, for roles that stand without an operand.
    pub(super) fn axes_in_scope(&self) -> Vec<AxisId> {
        let mut axes: Vec<AxisId> = match self.scopes.last() {
            Some(scope) if !scope.file_operands => scope
                .names
                .iter()
                .filter_map(|(_, value)| match value {
                    Ok(Value::Expr(id)) => Some(self.ty(*id).axes.clone()),
                    _ => None,
                })
                .flatten()
                .chain(scope.axes.iter().flat_map(|(_, axes)| axes.clone()))
                .collect(),
            _ => self
                .axes
                .iter()
                .map(|(id, _)| id)
                .filter(|&id| {
                    matches!(
                        self.axes.get(id).def,
                        super::axes::AxisDef::Declared | super::axes::AxisDef::Renamed(_)
                    )
                })
                .collect(),
        };
        axes.sort_unstable();
        axes.dedup();
        axes
    }

    /// Refuses an activation on what is activated already.
    fn refuse_twice(&mut self, name: &str, x: Placed) -> Checked<()> {
        if !matches!(self.ty(x.id).kind, Kind::Probs(_) | Kind::LogProbs(_)) {
            return Ok(());
        }
        let found = self.show(x.id);
        Err(self.report(
            Diagnostic::error(
                Code::KindMismatch,
                format!("`{name}` of `{found}` would be an activation applied twice"),
            )
            .at(x.span, "already probabilities")
            .help(format!(
                "leave `{name}` out; if these are raw scores after all, declare them as `logits`"
            )),
        ))
    }

    fn no_brackets(&mut self, name: &str, axes: &[ast::AxisRef], span: Span) -> Reported {
        let at = axes.first().map_or(span, |axis| axis.name.span);
        self.report(
            Diagnostic::error(
                Code::UnknownAxis,
                format!("`{name}` works element by element and takes no axes"),
            )
            .at(at, "these axes have no meaning"),
        )
    }
}

fn reduction(name: &str) -> Option<ReduceOp> {
    match name {
        "sum" => Some(ReduceOp::Sum),
        "prod" => Some(ReduceOp::Prod),
        "max" => Some(ReduceOp::Max),
        "min" => Some(ReduceOp::Min),
        "logsumexp" => Some(ReduceOp::LogSumExp),
        _ => None,
    }
}

/// How a function of the language is written, as a help.
pub(super) fn usage(name: &str) -> String {
    match FUNCTIONS.iter().find(|f| f.name == name) {
        Some(f) => format!("it is written {}", or_list(&quoted(&forms(f.usage)))),
        None => format!("it is written `{name}(x)`"),
    }
}

/// The ways to write a function, which stand in its usage with commas between them.
fn forms(usage: &str) -> Vec<&str> {
    let mut depth = 0;
    let between = |c: char| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    usage.split(between).map(str::trim).collect()
}

fn unknown_builtin(name: &str, span: Span) -> Diagnostic {
    let names = FUNCTIONS.iter().map(|f| f.name);
    let diagnostic = Diagnostic::error(Code::UnknownName, format!("there is no function `{name}`"))
        .at(span, "not known");
    match nearest(name, names) {
        Some(near) => diagnostic.help(format!("a similar name is `{near}`")),
        None => diagnostic,
    }
}

/// `axes` without those of `gone`.
pub(super) fn without(axes: &[AxisId], gone: &[AxisId]) -> Vec<AxisId> {
    axes.iter().copied().filter(|a| !gone.contains(a)).collect()
}
