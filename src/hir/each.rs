//! One expression for each of several axes: `sum for A in space: …`, and `A == B` in it.

use super::axes::AxisId;
use super::build::Placed;
use super::cx::{Checked, Cx, Scope, Value};
use super::tree::ExprId;
use super::ty::Kind;
use crate::ast;
use crate::ir::MapOp;
use crate::source::Span;

impl Cx<'_> {
    /// `sum for A in space: body`: the body once for each axis.
    pub(super) fn sum_for(
        &mut self,
        axis: &ast::Ident,
        refs: &[ast::AxisRef],
        body: &ast::Expr,
        span: Span,
    ) -> Checked<Value> {
        // Roles are those of the operands in scope, or of the file's inputs.
        let all: Vec<AxisId> = match self.scopes.last() {
            Some(scope) if !scope.sees_file || !scope.names.is_empty() => {
                let mut axes: Vec<AxisId> = Vec::new();
                for (_, value) in &scope.names {
                    if let Ok(Value::Expr(id)) = value {
                        axes.extend(&self.ty(*id).axes);
                    }
                }
                axes
            }
            _ => self.inputs.iter().flat_map(|i| i.ty.axes.clone()).collect(),
        };
        let axes = self.axes_of(refs, &all, "this")?;
        self.split_packs(&axes, span)?;
        let mut total: Option<ExprId> = None;
        for one in axes {
            let mut scope = self.scopes.last().cloned().unwrap_or(Scope {
                sees_file: true,
                file_operands: true,
                ..Scope::default()
            });
            scope.axes.push((axis.text.clone(), vec![one]));
            self.scopes.push(scope);
            let value = self.placed(body);
            self.scopes.pop();
            total = Some(match total {
                // The first summand stands alone, so that its axes and its bits are kept.
                None => {
                    let value = value?.id;
                    self.real_of(value)
                }
                Some(id) => self.map(MapOp::Add, &[Placed { id, span }, value?], span)?,
            });
        }
        Ok(Value::Expr(match total {
            Some(total) => total,
            None => self.constant(0.0, Kind::Real, span),
        }))
    }

    /// Whether two names stand for the same axes, which is known when the spec is checked.
    pub(super) fn same_axes(&mut self, names: [(&str, Span); 2]) -> Checked<bool> {
        let [left, right] = names.map(|(name, span)| self.axis_name(name, span));
        Ok(left? == right?)
    }
}
