//! What is minimized, taken apart into terms with their weights.
//!
//! The total is a sum of summands; a summand is a product of factors. The one factor that depends
//! on tensors is the term, the others are its weight. A product with several such factors is a
//! term as a whole.

use super::build::Placed;
use super::cx::{Checked, Cx, GlobalSource, Reported, Value};
use super::tree::{ExprId, Term};
use super::ty::Kind;
use crate::ast::{self, BinaryOp, UnaryOp};
use crate::ir::MapOp;
use crate::source::Span;

/// A factor of a summand, and whether it divides.
#[derive(Clone, Copy)]
struct Factor {
    value: Placed,
    divides: bool,
}

impl Cx<'_> {
    /// The terms of what is minimized, and the declared terms that it does not use.
    pub(super) fn terms(&mut self, total: &ast::Expr) -> Checked<Vec<Term>> {
        let used: Vec<bool> = self.globals.iter().map(|g| g.used).collect();
        let mut terms = Vec::new();
        self.summand(total, 1.0, &[], &mut terms)?;
        for (i, used) in used.into_iter().enumerate() {
            let GlobalSource::Term(binding) = self.globals[i].source else {
                continue;
            };
            if terms.iter().any(|t| t.name == binding.name.text) {
                continue;
            }
            let span = binding.name.span;
            let Value::Expr(value) = self.global(i, span)? else {
                continue;
            };
            // Used by other means than a factor, or not at all.
            let weight = (!used).then(|| self.constant(0.0, Kind::Real, span));
            let name = binding.name.text.clone();
            terms.push(Term {
                name,
                value,
                weight,
                span,
            });
        }
        for term in &mut terms {
            term.value = self.real_of(term.value);
            let term = term.clone();
            self.want_scalar(term.value, term.span, &format!("term `{}`", term.name))?;
        }
        Ok(terms)
    }

    fn summand(
        &mut self,
        expr: &ast::Expr,
        sign: f64,
        factors: &[Factor],
        terms: &mut Vec<Term>,
    ) -> Checked<()> {
        match &expr.kind {
            ast::ExprKind::Binary {
                op: op @ (BinaryOp::Add | BinaryOp::Sub),
                lhs,
                rhs,
                ..
            } => {
                self.summand(lhs, sign, factors, terms)?;
                let sign = if *op == BinaryOp::Sub { -sign } else { sign };
                self.summand(rhs, sign, factors, terms)
            }
            ast::ExprKind::Unary {
                op: UnaryOp::Neg,
                operand,
            } => self.summand(operand, -sign, factors, terms),
            ast::ExprKind::Binary {
                op: BinaryOp::Mul | BinaryOp::Div,
                ..
            } => {
                let mut parts = Vec::new();
                product(expr, false, &mut parts);
                let mut values = Vec::new();
                for (part, divides) in &parts {
                    values.push(Factor {
                        value: self.placed(part)?,
                        divides: *divides,
                    });
                }
                let tensors: Vec<usize> = (0..values.len())
                    .filter(|&i| self.expr(values[i].value.id).tensor)
                    .collect();
                match tensors[..] {
                    [one] if !values[one].divides => {
                        let others = values.iter().enumerate().filter(|(i, _)| *i != one);
                        let all: Vec<Factor> = factors
                            .iter()
                            .copied()
                            .chain(others.map(|(_, f)| *f))
                            .collect();
                        self.summand(parts[one].0, sign, &all, terms)
                    }
                    _ => self.term(expr, sign, factors, terms),
                }
            }
            _ => self.term(expr, sign, factors, terms),
        }
    }

    fn term(
        &mut self,
        expr: &ast::Expr,
        sign: f64,
        factors: &[Factor],
        terms: &mut Vec<Term>,
    ) -> Checked<()> {
        let value = self.eval_expr(expr)?;
        if !self.expr(value).tensor {
            return Ok(());
        }
        let weight = self.weight(sign, factors, expr.span)?;
        let is_term = |name: &str| {
            let mut globals = self.globals.iter();
            globals.any(|g| g.name.text == name && matches!(g.source, GlobalSource::Term(_)))
        };
        // What is made of a declared term, as `region^2` is, is not that term.
        let declared = matches!(&expr.kind, ast::ExprKind::Name(name) if is_term(name));
        let base = match name_of(expr) {
            Some(name) if declared || !is_term(&name) => name,
            _ => "term".to_string(),
        };
        if let Some(known) = terms.iter_mut().find(|t| declared && t.name == base) {
            // The same term again: its weights add up.
            let first = known.weight;
            let sum = match first {
                Some(first) => {
                    let span = expr.span;
                    let (a, b) = (Placed { id: first, span }, Placed { id: weight, span });
                    Some(self.map(MapOp::Add, &[a, b], span)?)
                }
                None => None,
            };
            if let Some(known) = terms.iter_mut().find(|t| t.name == base) {
                known.weight = sum;
            }
            return Ok(());
        }
        let taken = |name: &str, cx: &Self| {
            terms.iter().any(|t| t.name == name)
                || (name != base && cx.globals.iter().any(|g| g.name.text == name))
        };
        let mut name = base.clone();
        let mut count = 1;
        while taken(&name, self) {
            count += 1;
            name = format!("{base}_{count}");
        }
        terms.push(Term {
            name,
            value,
            weight: Some(weight),
            span: expr.span,
        });
        Ok(())
    }

    fn weight(&mut self, sign: f64, factors: &[Factor], span: Span) -> Checked<ExprId> {
        let mut weight = self.constant(sign, Kind::Real, span);
        for factor in factors {
            let op = if factor.divides {
                MapOp::Div
            } else {
                MapOp::Mul
            };
            let so_far = Placed { id: weight, span };
            weight = match (self.known(weight), factor.divides) {
                // A product that begins with 1 begins with its first factor.
                (Some(1.0), false) => self.real_of(factor.value.id),
                _ => self.map(op, &[so_far, factor.value], span)?,
            };
        }
        Ok(weight)
    }

    /// Refuses a value that is not one number.
    pub(super) fn want_scalar(&mut self, id: ExprId, span: Span, what: &str) -> Checked<()> {
        use crate::diag::{Code, Diagnostic};
        let ty = self.ty(id).clone();
        if ty.is_scalar() {
            return Ok(());
        }
        let found = ty.show(&self.axes);
        let _: Reported = self.report(
            Diagnostic::error(
                Code::NotScalar,
                format!("{what} is not one number but `{found}`"),
            )
            .at(
                span,
                format!(
                    "one number for each entry of `{}`",
                    super::ty::show_axes(&ty.axes, &self.axes)
                ),
            )
            .help("average or add up: `mean(…)`, `sum(…)`, `mean[batch](…)`"),
        );
        Err(Reported)
    }
}

fn product<'e>(expr: &'e ast::Expr, divides: bool, parts: &mut Vec<(&'e ast::Expr, bool)>) {
    match &expr.kind {
        ast::ExprKind::Binary {
            op: BinaryOp::Mul,
            lhs,
            rhs,
            ..
        } => {
            product(lhs, divides, parts);
            product(rhs, divides, parts);
        }
        ast::ExprKind::Binary {
            op: BinaryOp::Div,
            lhs,
            rhs,
            ..
        } => {
            product(lhs, divides, parts);
            product(rhs, !divides, parts);
        }
        _ => parts.push((expr, divides)),
    }
}

/// What a term is called: the name it has, or that of the first call in it.
fn name_of(expr: &ast::Expr) -> Option<String> {
    match &expr.kind {
        ast::ExprKind::Name(name) => Some(name.clone()),
        ast::ExprKind::Call { module, callee, .. } => Some(match module {
            Some(module) => format!("{}.{}", module.text, callee.text),
            None => callee.text.clone(),
        }),
        ast::ExprKind::Unary { operand, .. } => name_of(operand),
        ast::ExprKind::Binary { lhs, rhs, .. } => call_in(lhs).or_else(|| call_in(rhs)),
        ast::ExprKind::If {
            then, otherwise, ..
        } => call_in(then).or_else(|| call_in(otherwise)),
        ast::ExprKind::Select { base, .. } | ast::ExprKind::As { base, .. } => name_of(base),
        ast::ExprKind::SumFor { body, .. } => name_of(body),
        ast::ExprKind::Number { .. }
        | ast::ExprKind::Bool(_)
        | ast::ExprKind::Axis(_)
        | ast::ExprKind::List(_) => None,
    }
}

fn call_in(expr: &ast::Expr) -> Option<String> {
    match expr.kind {
        ast::ExprKind::Number { .. } => None,
        _ => name_of(expr),
    }
}
