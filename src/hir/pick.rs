//! `pick`: the entry at the label.

use super::axes::Role;
use super::build::Placed;
use super::builtin::without;
use super::cx::{Checked, Cx, Reported};
use super::tree::{ExprId, ExprKind};
use super::ty::{Kind, Ty};
use crate::ast;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

impl Cx<'_> {
    pub(super) fn pick(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
        labels: Placed,
        span: Span,
    ) -> Checked<ExprId> {
        let axis = match (axes, self.ty(labels.id).kind) {
            (Some(_), Kind::Int | Kind::Labels(_)) => Some(self.one_axis("pick", axes, x, span)?),
            (None, Kind::Labels(axis)) => {
                let x_axes = &self.ty(x.id).axes;
                x_axes.iter().copied().find(|&a| a == axis)
            }
            _ => {
                let found = self.show(labels.id);
                return Err(self.report(
                    Diagnostic::error(
                        Code::KindMismatch,
                        format!(
                            "`pick` takes labels as its second argument, and this is `{found}`"
                        ),
                    )
                    .at(labels.span, "not labels")
                    .help("declare it as `labels[…] of C`"),
                ));
            }
        };
        let ty = self.ty(x.id).clone();
        let other = self.ty(x.id).axes.iter().copied();
        let other = other
            .into_iter()
            .find(|&a| self.axes.get(a).role == Role::Class);
        if let (None, Some(other), Kind::Labels(of)) = (axis, other, self.ty(labels.id).kind) {
            return Err(self.classes_differ(other, of, labels.span));
        }
        let axis = match (axis, self.ty(labels.id).kind) {
            (Some(axis), _) => axis,
            // One number is the same for every class.
            _ if ty.axes.is_empty() => return Ok(x.id),
            (None, kind) => return Err(self.nothing_to_pick(x, kind, labels)),
        };
        let rest = without(&ty.axes, &[axis]);
        let probe = self.intern(
            ExprKind::Const(0f64.to_bits()),
            Ty::new(Kind::Real, rest),
            span,
        );
        let probe = Placed {
            id: probe,
            span: x.span,
        };
        let axes = self.broadcast(&[labels, probe], span, "`pick`")?;
        let kind = match ty.kind {
            Kind::Labels(_) | Kind::Int | Kind::Bool => ty.kind,
            _ => Kind::Real,
        };
        let x = if kind == Kind::Real {
            self.real_of(x.id)
        } else {
            x.id
        };
        Ok(self.intern(
            ExprKind::Pick(axis, x, labels.id),
            Ty::new(kind, axes),
            span,
        ))
    }

    /// The first operand of `pick` has axes, and not that of the classes.
    fn nothing_to_pick(&mut self, x: Placed, labels: Kind, at: Placed) -> Reported {
        let found = self.show(x.id);
        let of = match labels {
            Kind::Labels(axis) => self.axes.get(axis).name.clone(),
            _ => "C".to_string(),
        };
        self.report(
            Diagnostic::error(
                Code::AxisMismatch,
                format!("`pick` takes the entry at the label along `{of}`, and this is `{found}`"),
            )
            .at(x.span, format!("no axis `{of}`"))
            .also(at.span, format!("labels of `{of}`"))
            .help(format!(
                "name the axis to look along: `pick[{of}](x, labels)`"
            )),
        )
    }
}
