//! Deep supervision: `deep(dice() + ce(), [pred, pred_2, pred_4])`, a loss at several resolutions.
//!
//! The loss is evaluated once for each prediction. Its first name stands for each in turn, and whatever
//! lies along the space of the first is seen at the resolution of the one whose turn it is.

use super::axes::{AxisId, Role};
use super::build::Placed;
use super::builtin::usage;
use super::cx::{Checked, Cx, Reported, Scope, Value, operands};
use super::tree::ExprId;
use super::ty::{Kind, show_axes};
use crate::ast;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Grid, MapOp};
use crate::source::Span;

/// The resolution at which names are seen.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Level {
    /// The name of the first prediction.
    name: String,
    /// Its value.
    full: ExprId,
    /// The prediction that it stands for.
    here: ExprId,
    /// The axes of the first one's space, each with that of this one's.
    axes: Vec<(AxisId, AxisId)>,
    grid: Grid,
}

/// What stands in a call.
struct Given<'e> {
    loss: &'e ast::Expr,
    list: &'e ast::Expr,
    weights: Option<&'e ast::Expr>,
    grid: Grid,
}

impl Cx<'_> {
    /// A call of `deep`: Σ w·loss / Σ w.
    pub(super) fn deep(&mut self, args: &[ast::Arg], span: Span) -> Checked<Value> {
        let given = self.deep_arguments(args, span)?;
        let ast::ExprKind::List(items) = &given.list.kind else {
            return Err(self.no_predictions(given.list.span));
        };
        let Some(ast::Expr {
            kind: ast::ExprKind::Name(name),
            ..
        }) = items.first()
        else {
            return Err(self.no_predictions(given.list.span));
        };
        let predictions: Vec<Checked<Placed>> = items.iter().map(|x| self.placed(x)).collect();
        let predictions: Vec<Placed> = predictions.into_iter().collect::<Result<_, _>>()?;
        let weights = match given.weights {
            Some(list) => self.deep_weights(list, items.len())?,
            None => (0..items.len()).map(|i| 0.5f64.powi(i as i32)).collect(),
        };
        let all: f64 = weights.iter().sum();
        let levels: Vec<Checked<Level>> = predictions
            .iter()
            .map(|&here| self.level(name, predictions[0], here, given.grid))
            .collect();
        let levels: Vec<Level> = levels.into_iter().collect::<Result<_, _>>()?;
        let mut total: Option<Placed> = None;
        for (level, weight) in levels.into_iter().zip(weights) {
            let mut scope = self.scopes.last().cloned().unwrap_or(Scope {
                sees_file: true,
                file_operands: true,
                ..Scope::default()
            });
            (scope.level, scope.own_level) = (Some(level), true);
            self.scopes.push(scope);
            let value = self.placed(given.loss);
            self.scopes.pop();
            let value = value?;
            if !self.ty(value.id).is_scalar() {
                let found = self.show(value.id);
                return Err(self.report(
                    Diagnostic::error(
                        Code::NotScalar,
                        format!("`deep` adds up numbers, and this is `{found}`"),
                    )
                    .at(given.loss.span, "not one number")
                    .help("reduce it: `mean(…)`, or without `reduce=none`"),
                ));
            }
            let share = self.constant(weight / all, Kind::Real, span);
            let share = Placed { id: share, span };
            let id = match weight == all {
                true => self.real_of(value.id),
                false => self.map(MapOp::Mul, &[share, value], span)?,
            };
            let part = Placed { id, span };
            total = Some(match total {
                None => part,
                Some(sum) => Placed {
                    id: self.map(MapOp::Add, &[sum, part], span)?,
                    span,
                },
            });
        }
        match total {
            Some(total) => Ok(Value::Expr(total.id)),
            None => Err(self.no_predictions(given.list.span)),
        }
    }

    fn deep_arguments<'e>(&mut self, args: &'e [ast::Arg], span: Span) -> Checked<Given<'e>> {
        let (mut loss, mut list, mut weights, mut grid) = (None, None, None, Grid::First);
        for arg in args {
            match arg.name.as_ref().map(|key| key.text.as_str()) {
                None if loss.is_none() => loss = Some(&arg.value),
                None if list.is_none() => list = Some(&arg.value),
                Some("weights") if weights.is_none() => weights = Some(&arg.value),
                Some("entry") => grid = self.entry(&arg.value)?,
                _ => return Err(self.not_taken("deep", arg)),
            }
        }
        let (Some(loss), Some(list)) = (loss, list) else {
            return Err(self.report(
                Diagnostic::error(
                    Code::MissingOption,
                    "`deep` needs a loss and the predictions that it is taken of",
                )
                .at(span, "this call")
                .help(usage("deep")),
            ));
        };
        Ok(Given {
            loss,
            list,
            weights,
            grid,
        })
    }

    fn no_predictions(&mut self, span: Span) -> Reported {
        self.report(
            Diagnostic::error(
                Code::BadOption,
                "`deep` takes a list of predictions, the first of them by its name",
            )
            .at(span, "not such a list")
            .help("write `deep(dice() + ce(), [pred, pred_2, pred_4])`")
            .note("in the loss, the name of the first stands for each in turn"),
        )
    }

    /// Numbers that are known, not negative, not all 0, one for each prediction.
    fn deep_weights(&mut self, list: &ast::Expr, count: usize) -> Checked<Vec<f64>> {
        let wrong = |text: String| {
            Diagnostic::error(Code::BadOption, text)
                .help("one number for each prediction, 0 or more; they are divided by their sum")
        };
        let Value::List(items) = self.eval(list)? else {
            let text = "`weights` of `deep` is a list".to_string();
            return Err(self.report(wrong(text).at(list.span, "not a list")));
        };
        if items.len() != count {
            return Err(self.report(
                wrong(format!(
                    "`deep` has {count} predictions and {} weights",
                    items.len()
                ))
                .at(list.span, "these weights"),
            ));
        }
        let mut numbers = Vec::with_capacity(count);
        for item in items {
            let id = self.expr_of(item, list.span)?;
            match self.known(id) {
                Some(x) if x >= 0.0 && x.is_finite() => numbers.push(x),
                Some(x) => {
                    let text = format!("`weights` of `deep` are 0 or more, and this is {x}");
                    return Err(self.report(wrong(text).at(list.span, "outside the range")));
                }
                None => {
                    let later = "an entry depends on what is bound later";
                    return Err(self.not_static("`weights` of `deep`", list.span, later));
                }
            }
        }
        if numbers.iter().sum::<f64>() == 0.0 {
            let text = "`weights` of `deep` add up to 0".to_string();
            return Err(self.report(wrong(text).at(list.span, "all of them 0")));
        }
        Ok(numbers)
    }

    /// How names are seen when it is the turn of `here`.
    fn level(&mut self, name: &str, full: Placed, here: Placed, grid: Grid) -> Checked<Level> {
        let space = |cx: &Self, id: ExprId| -> (Vec<AxisId>, Vec<AxisId>) {
            let axes = cx.ty(id).axes.iter().copied();
            axes.partition(|&axis| cx.axes.get(axis).role == Role::Space)
        };
        let ((from, others), (to, same)) = (space(self, full.id), space(self, here.id));
        self.split_packs(&from, full.span)?;
        self.split_packs(&to, here.span)?;
        let alike = others.len() == same.len() && others.iter().all(|axis| same.contains(axis));
        let kinds = self.ty(full.id).kind == self.ty(here.id).kind;
        if !alike || !kinds || from.len() != to.len() {
            let (first, found) = (self.show(full.id), self.show(here.id));
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    "predictions of `deep` differ in more than the sizes of their space",
                )
                .at(here.span, format!("this is `{found}`"))
                .also(full.span, format!("the first is `{first}`")),
            ));
        }
        let axes: Vec<(AxisId, AxisId)> = from.into_iter().zip(to).collect();
        for &(from, to) in &axes {
            if from != to {
                self.axes.set_resized(to, from, grid);
            }
        }
        Ok(Level {
            name: name.to_string(),
            full: full.id,
            here: here.id,
            axes,
            grid,
        })
    }

    /// The value of a name at the resolution of the scope.
    pub(super) fn at_level(&mut self, name: &str, value: Value, span: Span) -> Checked<Value> {
        let level = self.scopes.last().and_then(|scope| scope.level.clone());
        let (Some(level), Value::Expr(id)) = (level, &value) else {
            return Ok(value);
        };
        if name == level.name && *id == level.full {
            return Ok(Value::Expr(level.here));
        }
        let moved = |&(from, to): &(AxisId, AxisId)| from != to;
        if !level.axes.iter().any(moved) {
            return Ok(value);
        }
        if self.depends(*id, level.full) {
            let first = &level.name;
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    format!("`{name}` is computed of `{first}` at its own resolution"),
                )
                .at(span, "wanted at another resolution here")
                .help(format!(
                    "write what it stands for inside `deep(…)`, where `{first}` stands for each prediction"
                )),
            ));
        }
        let own = self.ty(*id).axes.clone();
        let pairs = level.axes.iter().copied();
        let pairs: Vec<_> = pairs.filter(|(from, _)| own.contains(from)).collect();
        if let Some((_, to)) = pairs.iter().find(|(_, to)| own.contains(to))
            && pairs.iter().any(moved)
            && !pairs.contains(&(*to, *to))
        {
            let (found, to) = (self.show(*id), show_axes(&[*to], &self.axes));
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    format!("`{name}` has the axes of two predictions of `deep`"),
                )
                .at(span, format!("this is `{found}`, and has `{to}` already")),
            ));
        }
        Ok(Value::Expr(self.moved_to(*id, pairs, level.grid, span)))
    }

    /// The axes that stand for these at the resolution of the scope.
    pub(super) fn axes_at_level(&self, axes: Vec<AxisId>) -> Vec<AxisId> {
        let Some(level) = self.scopes.last().and_then(|scope| scope.level.as_ref()) else {
            return axes;
        };
        let pair = |axis: AxisId| level.axes.iter().find(|(from, _)| *from == axis);
        axes.into_iter()
            .map(|axis| pair(axis).map_or(axis, |(_, to)| *to))
            .collect()
    }

    /// Whether an expression is made of another.
    fn depends(&self, id: ExprId, on: ExprId) -> bool {
        let mut open = vec![id];
        let mut seen = vec![false; id.index() + 1];
        while let Some(id) = open.pop() {
            if id == on {
                return true;
            }
            // Operands stand before their users.
            if id > on && !std::mem::replace(&mut seen[id.index()], true) {
                open.extend(operands(&self.expr(id).kind));
            }
        }
        false
    }
}
