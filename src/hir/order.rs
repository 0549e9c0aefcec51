//! Calls of functions along several axes seen as one: order, running sums, selection, distance.

use super::axes::AxisId;
use super::build::Placed;
use super::builtin::{usage, without};
use super::cx::{Checked, Cx, Reported, Value};
use super::tree::{ExprId, ExprKind};
use super::ty::{Kind, Ty};
use crate::ast::{self, vocabulary};
use crate::diag::{Code, Diagnostic};
use crate::ir::{MapOp, OrderOp};
use crate::source::Span;

/// The options of each of these functions.
const OPTIONS: &[(&str, &[&str])] = &[
    ("sort", &["descending"]),
    ("argsort", &["descending"]),
    ("take", &[]),
    ("cumsum", &["by", "descending"]),
    ("top_k", &[]),
    ("distance", &["spacing", "signed"]),
];

/// Whether a function of the language is one of these.
pub(super) fn is_order(name: &str) -> bool {
    OPTIONS.iter().any(|(function, _)| *function == name)
}

/// What stands between the parentheses: values, and options by name.
struct Given<'a> {
    values: Vec<Placed>,
    options: Vec<(&'a str, &'a ast::Expr)>,
}

impl<'a> Given<'a> {
    fn option(&self, name: &str) -> Option<&'a ast::Expr> {
        let found = self.options.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| *value)
    }
}

impl Cx<'_> {
    /// A call of one of these functions.
    pub(super) fn order_call(
        &mut self,
        name: &str,
        axes: Option<&[ast::AxisRef]>,
        args: &[ast::Arg],
        span: Span,
    ) -> Checked<Value> {
        let given = self.given(name, args, span)?;
        let x = given.values[0];
        let id = match name {
            "sort" | "argsort" => {
                let down = self.flag(name, &given, "descending")?;
                let axes = self.brackets(axes, x)?;
                let order = self.argsort(axes.clone(), x, down, span);
                if name == "argsort" {
                    order
                } else {
                    let real = self.real_of(x.id);
                    let ty = Ty::new(Kind::Real, self.ty(real).axes.clone());
                    let args = vec![real, order];
                    self.intern(ExprKind::Order(OrderOp::Take, axes, args), ty, span)
                }
            }
            "take" => {
                let order = given.values[1];
                if !matches!(self.ty(order.id).kind, Kind::Int | Kind::Labels(_)) {
                    let found = self.show(order.id);
                    return Err(self.report(
                        Diagnostic::error(
                            Code::KindMismatch,
                            format!("`take` takes positions as its second argument, and this is `{found}`"),
                        )
                        .at(order.span, "not positions")
                        .help("positions come from `argsort`, `argmax` or `index`"),
                    ));
                }
                let (axes, all) = self.both(name, axes, x, order, span)?;
                let kind = match self.ty(x.id).kind {
                    kind @ (Kind::Labels(_) | Kind::Int | Kind::Bool) => kind,
                    _ => Kind::Real,
                };
                let from = if kind == Kind::Real {
                    self.real_of(x.id)
                } else {
                    x.id
                };
                let args = vec![from, order.id];
                self.intern(
                    ExprKind::Order(OrderOp::Take, axes, args),
                    Ty::new(kind, all),
                    span,
                )
            }
            "cumsum" => {
                let down = self.flag(name, &given, "descending")?;
                let real = self.real_of(x.id);
                let x = Placed {
                    id: real,
                    span: x.span,
                };
                let Some(by) = given.option("by") else {
                    if let Some(option) = given.option("descending") {
                        return Err(self.report(
                            Diagnostic::error(
                                Code::BadOption,
                                "`descending` says in which order of `by`, which is not given",
                            )
                            .at(option.span, "of what?")
                            .help(usage(name)),
                        ));
                    }
                    let axes = self.brackets(axes, x)?;
                    let ty = Ty::new(Kind::Real, self.ty(real).axes.clone());
                    let kind = ExprKind::Order(OrderOp::CumSum, axes, vec![real]);
                    return Ok(Value::Expr(self.intern(kind, ty, span)));
                };
                let by = self.placed(by)?;
                let (axes, all) = self.both(name, axes, x, by, span)?;
                let order = self.argsort(axes.clone(), by, down, span);
                let ty = Ty::new(Kind::Real, all);
                let kind = ExprKind::Order(OrderOp::CumSumBy, axes, vec![real, order]);
                self.intern(kind, ty, span)
            }
            "top_k" => self.top_k(axes, x, given.values[1], span)?,
            _ => self.distance(axes, x, &given, span)?,
        };
        Ok(Value::Expr(id))
    }

    /// The arguments, with their number and the names of options checked.
    fn given<'e>(&mut self, name: &str, args: &'e [ast::Arg], span: Span) -> Checked<Given<'e>> {
        let known = OPTIONS.iter().find(|(function, _)| *function == name);
        let known = known.map_or(&[] as &[&str], |(_, options)| options);
        let mut given = Given {
            values: Vec::new(),
            options: Vec::new(),
        };
        let mut failed = false;
        for arg in args {
            match &arg.name {
                None => match self.placed(&arg.value) {
                    Ok(value) => given.values.push(value),
                    Err(Reported) => failed = true,
                },
                Some(key) if known.contains(&key.text.as_str()) => {
                    given.options.push((&key.text, &arg.value));
                }
                Some(key) => {
                    failed = true;
                    self.no_option(name, key, arg, given.values.len());
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        let needs = if matches!(name, "take" | "top_k") {
            2
        } else {
            1
        };
        if given.values.len() != needs {
            let takes = if needs == 1 {
                "one argument".to_string()
            } else {
                format!("{needs} arguments")
            };
            return Err(self.report(
                Diagnostic::error(
                    Code::TooManyArguments,
                    format!(
                        "`{name}` takes {takes}, and {} are given",
                        given.values.len()
                    ),
                )
                .at(span, "this call")
                .help(usage(name)),
            ));
        }
        Ok(given)
    }

    /// Reports an option that a function does not have; so many values stand before it.
    fn no_option(&mut self, name: &str, key: &ast::Ident, arg: &ast::Arg, before: usize) {
        let values: &[&str] = match name {
            "take" => &["x", "positions"],
            "top_k" => &["x", "k"],
            "distance" => &["m"],
            _ => &["x"],
        };
        let diagnostic = Diagnostic::error(
            Code::UnknownOption,
            format!("`{name}` has no option `{}`", key.text),
        )
        .at(key.span, "not an option");
        let descends = matches!(key.text.as_str(), "reverse" | "largest" | "desc");
        self.report(if values.get(before) == Some(&key.text.as_str()) {
            let start = arg.value.span.start as usize;
            let written = Span::new(key.span.file, key.span.start as usize, start);
            diagnostic.fix(written, "", "it is told by its place")
        } else if vocabulary::is_axes(&key.text) {
            diagnostic.help(format!(
                "axes have names and stand in brackets: `{name}[C](…)`, `{name}[space](…)`"
            ))
        } else if descends && matches!(name, "sort" | "argsort") {
            diagnostic.fix(key.span, "descending", "here it is called")
        } else {
            diagnostic.help(usage(name))
        });
    }

    /// An option that is `true` or `false`, false if it is not given.
    fn flag(&mut self, name: &str, given: &Given<'_>, option: &str) -> Checked<bool> {
        let Some(value) = given.option(option) else {
            return Ok(false);
        };
        let id = self.eval_expr(value)?;
        match (self.ty(id).kind, self.known(id)) {
            (Kind::Bool, Some(holds)) => Ok(holds != 0.0),
            _ => Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!("`{option}` of `{name}` is `true` or `false`"),
                )
                .at(value.span, "not known to be one of these"),
            )),
        }
    }

    fn argsort(&mut self, axes: Vec<AxisId>, x: Placed, down: bool, span: Span) -> ExprId {
        let real = self.real_of(x.id);
        let op = if down {
            OrderOp::ArgSortDown
        } else {
            OrderOp::ArgSort
        };
        let ty = Ty::new(Kind::Int, self.ty(real).axes.clone());
        self.intern(ExprKind::Order(op, axes, vec![real]), ty, span)
    }

    /// The axes in the brackets, which both operands must have, and all axes of both.
    fn both(
        &mut self,
        name: &str,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
        y: Placed,
        span: Span,
    ) -> Checked<(Vec<AxisId>, Vec<AxisId>)> {
        let all = self.broadcast(&[x, y], span, &format!("`{name}`"))?;
        let axes = self.brackets(axes, x)?;
        if let Some(&lacks) = axes.iter().find(|a| !self.ty(y.id).axes.contains(a)) {
            let (found, lacks) = (self.show(y.id), self.axes.get(lacks).name.clone());
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    format!("`{name}` runs along axes that both operands have"),
                )
                .at(y.span, format!("`{found}` has no `{lacks}`")),
            ));
        }
        Ok((axes, all))
    }

    fn top_k(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
        k: Placed,
        span: Span,
    ) -> Checked<ExprId> {
        let axes = self.brackets(axes, x)?;
        let (real, count) = (self.real_of(x.id), self.real_of(k.id));
        if let Some(value) = self.known(k.id)
            && (value < 0.0 || value.fract() != 0.0)
        {
            return Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!("`top_k` takes how many are chosen, and {value} is no such number"),
                )
                .at(k.span, "not 0, 1, 2, …")
                .help("the mean of a share of all is `topk(x, fraction=0.1)`"),
            ));
        }
        let rest = without(&self.ty(real).axes, &axes);
        if self.ty(count).axes.iter().any(|axis| !rest.contains(axis)) {
            let (found, of) = (self.show(k.id), self.show(x.id));
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    "`top_k` takes one number for everything along its axes",
                )
                .at(k.span, format!("this is `{found}`"))
                .also(x.span, format!("chosen from `{of}`")),
            ));
        }
        let ty = Ty::new(Kind::Bool, self.ty(real).axes.clone());
        let args = vec![real, count];
        Ok(self.intern(ExprKind::Order(OrderOp::TopK, axes, args), ty, span))
    }

    fn distance(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        mask: Placed,
        given: &Given<'_>,
        span: Span,
    ) -> Checked<ExprId> {
        if self.ty(mask.id).kind != Kind::Bool {
            let found = self.show(mask.id);
            return Err(self.report(
                Diagnostic::error(
                    Code::KindMismatch,
                    format!("`distance` takes a condition, and this is `{found}`"),
                )
                .at(mask.span, "not true or false")
                .help("compare it first: `distance[space](mask > 0.5)`"),
            ));
        }
        let Some(refs) = axes else {
            return Err(self.report(
                Diagnostic::error(
                    Code::UnknownAxis,
                    "`distance` needs the axes along which it measures",
                )
                .at(span, "axes are missing")
                .help(usage("distance")),
            ));
        };
        let operand = self.ty(mask.id).axes.clone();
        // In the order of the brackets, as spacings are listed.
        let mut listed: Vec<AxisId> = Vec::new();
        for one in refs {
            let found = self.axes_of(std::slice::from_ref(one), &operand, "the operand")?;
            listed.extend(without(&found, &listed));
        }
        self.split_packs(&listed, span)?;
        let signed = self.flag("distance", given, "signed")?;
        let spacing = match given.option("spacing") {
            Some(value) => self.spacing(value, listed.len())?,
            None => vec![1.0; listed.len()],
        };
        let mut along: Vec<(AxisId, u64)> = listed
            .into_iter()
            .zip(spacing.iter().map(|x| x.to_bits()))
            .collect();
        along.sort_unstable();
        let ty = Ty::new(Kind::Real, operand);
        let measured = |cx: &mut Self, mask: ExprId| {
            cx.intern(ExprKind::Distance(along.clone(), mask), ty.clone(), span)
        };
        let inside = measured(self, mask.id);
        if !signed {
            return Ok(inside);
        }
        let outside = self.map(MapOp::Not, &[mask], span)?;
        let outside = measured(self, outside);
        let placed = |id: ExprId| Placed { id, span };
        self.map(MapOp::Sub, &[placed(outside), placed(inside)], span)
    }

    /// How far neighbours are apart: one number for all axes, or a list with one for each.
    fn spacing(&mut self, value: &ast::Expr, count: usize) -> Checked<Vec<f64>> {
        let items = match self.eval(value)? {
            Value::List(items) => items,
            single => vec![single; count],
        };
        if items.len() != count {
            let mut diagnostic = Diagnostic::error(
                Code::SizeMismatch,
                format!("`spacing` has {} entries for {count} axes", items.len()),
            )
            .at(value.span, "this list")
            .help("one number for each axis in the brackets, in their order, or one for all");
            if self.ranks_matter {
                diagnostic = diagnostic.help(
                    "axes with spacings of their own need names in the input: `[N, H, W]`, not `[N, ...S]`",
                );
            }
            return Err(self.report(diagnostic));
        }
        let mut numbers = Vec::new();
        for item in items {
            let id = self.expr_of(item, value.span)?;
            match self.known(id) {
                Some(x) if x > 0.0 && x.is_finite() => numbers.push(x),
                Some(x) => {
                    return Err(self.report(
                        Diagnostic::error(
                            Code::BadOption,
                            format!("`spacing` of `distance` is above 0, and this is {x}"),
                        )
                        .at(value.span, "outside the range"),
                    ));
                }
                None => {
                    let later = "depends on what is bound later";
                    return Err(self.not_static("`spacing`", value.span, later));
                }
            }
        }
        Ok(numbers)
    }
}
