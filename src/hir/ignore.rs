//! `ignore`: which positions count for nothing.

use super::axes::{AxisDef, AxisId, Role};
use super::cx::{Checked, Cx, Reported, operands};
use super::expr::quoted;
use super::tree::{ExprKind, Ignore, InputSource};
use super::ty::Kind;
use crate::ast::{self, Ast, ItemKind};
use crate::diag::{Code, Diagnostic, and_list};
use crate::ir::OrderOp;
use crate::source::Span;

/// An index with several axes that come from one must be valid in each of its readings; this many
/// are more than any sensible spec has.
const MAX_READINGS: usize = 64;

impl<'a> Cx<'a> {
    /// The rule of a file, if it has one: a condition over batch and space axes of its inputs.
    pub(super) fn ignore(&mut self, ast: &'a Ast) -> Checked<Option<Ignore>> {
        let mut rules = ast.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Ignore { condition, strict } => Some((item.span, condition, *strict)),
            _ => None,
        });
        let Some((span, condition, strict)) = rules.next() else {
            return Ok(None);
        };
        let mut failed = false;
        for (second, ..) in rules {
            failed = true;
            self.report(
                Diagnostic::error(Code::Duplicate, "a file has one `ignore`")
                    .at(second, "the second one")
                    .also(span, "the first one")
                    .help("join the conditions: `ignore a or b`"),
            );
        }
        let rule = self.rule(span, condition, strict);
        if failed {
            Err(Reported)
        } else {
            rule.map(Some)
        }
    }

    fn rule(&mut self, span: Span, expr: &ast::Expr, strict: bool) -> Checked<Ignore> {
        let condition = self.eval_expr(expr)?;
        let ty = self.ty(condition).clone();
        let found = ty.show(&self.axes);
        if ty.kind != Kind::Bool {
            let help = match ty.kind {
                Kind::Labels(_) => {
                    "compare it with the label that stands for nothing: `target == 255`"
                }
                Kind::Mask(_) => "compare it: `mask == 0` ignores what the mask leaves out",
                _ => "compare it with a number: `x == 0`",
            };
            return Err(self.report(
                Diagnostic::error(
                    Code::KindMismatch,
                    format!("`ignore` takes a condition, and this is `{found}`"),
                )
                .at(expr.span, "neither true nor false")
                .help(help),
            ));
        }
        if ty.axes.is_empty() {
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    "`ignore` says which positions do not count, and this condition is no matter of position",
                )
                .at(expr.span, "one answer for all of them")
                .help("compare an input entry by entry: `target == 255`, `mask == 0`")
                .note("a term is switched off by its weight: `(if epoch < 5 then 0 else 1)*ce()`"),
            ));
        }
        let named = |cx: &Self, axes: &[AxisId]| {
            let names = axes.iter().map(|&axis| cx.axes.get(axis).name.as_str());
            names.map(str::to_string).collect::<Vec<_>>()
        };
        let among = |choose: &dyn Fn(AxisId) -> bool| {
            let axes = ty.axes.iter().copied();
            axes.filter(|&axis| choose(axis)).collect::<Vec<_>>()
        };
        let classes = among(&|axis| self.axes.get(axis).role == Role::Class);
        if let [first, ..] = classes[..] {
            let names = named(self, &classes);
            let first = &self.axes.get(first).name;
            let diagnostic = Diagnostic::error(
                Code::AxisMismatch,
                format!(
                    "`ignore` runs over batch and space, and this condition differs along {}",
                    and_list(&quoted(&names.iter().map(String::as_str).collect::<Vec<_>>()))
                ),
            )
            .at(expr.span, format!("this is `{found}`"))
            .help(format!(
                "say whether any class decides or all must: `any[{first}](...)`, `all[{first}](...)`"
            ));
            return Err(self.report(diagnostic));
        }
        let of_inputs = |axis: AxisId| {
            self.axes.get(axis).def == AxisDef::Declared
                && self.inputs.iter().any(|input| {
                    matches!(input.source, InputSource::Tensor(_)) && input.ty.axes.contains(&axis)
                })
        };
        let others = among(&|axis| !of_inputs(axis));
        if let [first, ..] = others[..] {
            let name = self.axes.get(first).name.clone();
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    format!("`ignore` runs over axes of inputs, and `{name}` is none"),
                )
                .at(expr.span, format!("this is `{found}`"))
                .help(format!(
                    "reduce the condition along it: `any[{name}](...)`, `all[{name}](...)`"
                )),
            ));
        }
        Ok(Ignore {
            condition,
            strict,
            span,
        })
    }

    /// Refuses expressions with so many axes that come from those of the rule that their readings
    /// are too many.
    pub(super) fn limit_readings(&mut self, rule: &Ignore) -> Checked<()> {
        let ruled = &self.ty(rule.condition).axes;
        let readings = |axes: &[AxisId]| {
            ruled.iter().fold(1usize, |all, &of| {
                let ways = axes.iter().map(|&axis| self.axes.ways(axis, &[of]).len());
                all.saturating_mul(ways.sum::<usize>().max(1))
            })
        };
        let too_many = self.exprs.iter().find(|expr| match &expr.kind {
            ExprKind::Size(axes) => readings(axes) > MAX_READINGS,
            _ => readings(&expr.ty.axes) > MAX_READINGS,
        });
        let Some(expr) = too_many else {
            return Ok(());
        };
        let (span, found) = (expr.span, expr.ty.show(&self.axes));
        Err(self.report(
            Diagnostic::error(
                Code::TooBig,
                "too many axes come from those that `ignore` runs over",
            )
            .at(span, format!("this is `{found}`"))
            .also(rule.span, "the rule")
            .note(format!(
                "whether an entry counts depends on each of its readings; at most {MAX_READINGS} are looked at"
            ))
            .help("rename fewer axes at once"),
        ))
    }

    /// Refuses what moves entries along axes of the rule: it goes by position, and would take the
    /// entry that has come there for the one that was.
    pub(super) fn refuse_moves(&mut self, rule: &Ignore) -> Checked<()> {
        let ruled = &self.ty(rule.condition).axes;
        let moves = |kind: &ExprKind| match kind {
            ExprKind::Order(op, axes, _) => {
                let along = axes
                    .iter()
                    .any(|&axis| !self.axes.ways(axis, ruled).is_empty());
                along && matches!(op, OrderOp::Take | OrderOp::ArgSort | OrderOp::ArgSortDown)
            }
            _ => false,
        };
        let mut found = None;
        for expr in &self.exprs {
            let kept = match &expr.kind {
                // An order that only says in which order to add moves nothing.
                ExprKind::Order(OrderOp::CumSumBy, ..) => continue,
                ExprKind::Order(OrderOp::Take, ..) => moves(&expr.kind).then_some(expr.span),
                kind => operands(kind)
                    .into_iter()
                    .find(|&arg| moves(&self.expr(arg).kind))
                    .map(|arg| self.expr(arg).span),
            };
            found = found.or(kept);
        }
        let Some(span) = found else {
            return Ok(());
        };
        Err(self.report(
            Diagnostic::error(
                Code::AxisMismatch,
                "entries move along axes that `ignore` runs over",
            )
            .at(span, "puts entries in other positions")
            .also(rule.span, "which positions count is said here")
            .help("`cumsum[axes](x, by=y)` adds up in order, and `top_k[axes](x, k)` chooses, where entries are"),
        ))
    }
}
