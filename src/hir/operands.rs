//! The operands of a call: whether a value is of the kind that a definition declares, how it is
//! converted, and how its axes match the declared ones.

use super::build::Placed;
use super::call::{CallSite, Fit};
use super::cx::{Checked, Cx, Scope, Value};
use super::tree::ExprId;
use super::ty::{Classes, Kind, show_axes};
use crate::ast::{self, ClassWord, TypeKind};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

impl<'a> Cx<'a> {
    pub(super) fn fit_operand(&self, operand: &ast::OperandDecl, value: Placed) -> Option<Fit> {
        let TypeKind::Tensor { kind, class, .. } = &operand.ty.kind else {
            return None;
        };
        let from = self.ty(value.id).kind;
        let steps = self.conversion(from, &kind.text)?;
        let result = steps.last().map_or(from, |(_, kind)| *kind);
        let generic = usize::from(class.is_none());
        // To be plain numbers is to lose what they mean: a kind that keeps it fits better.
        let forgets = usize::from(result == Kind::Real && from != Kind::Real);
        let fits = match class.as_ref().map(|c| c.word) {
            None => true,
            Some(ClassWord::Over) => matches!(
                result,
                Kind::Logits(Classes::Over(_))
                    | Kind::Probs(Classes::Over(_))
                    | Kind::LogProbs(Classes::Over(_))
                    | Kind::OneHot(_)
            ),
            // Independent questions: one per class, or a single one without a class axis.
            Some(ClassWord::Per) => matches!(
                result,
                Kind::Logits(Classes::Per(_) | Classes::None)
                    | Kind::Probs(Classes::Per(_) | Classes::None)
                    | Kind::LogProbs(Classes::Per(_) | Classes::None)
                    | Kind::Mask(_)
            ),
            Some(ClassWord::Of) => matches!(result, Kind::Labels(_)),
        };
        fits.then_some(Fit {
            id: value.id,
            cost: 10 * steps.len() + 5 * forgets + generic,
            steps,
            span: value.span,
        })
    }

    /// Whether the value could be converted to the kind of the operand if its classes lay so.
    pub(super) fn converts(&self, operand: &ast::OperandDecl, value: Placed) -> bool {
        match &operand.ty.kind {
            TypeKind::Tensor { kind, .. } => self
                .conversion(self.ty(value.id).kind, &kind.text)
                .is_some(),
            TypeKind::OneOf(_) => false,
        }
    }

    pub(super) fn operand_misfit(
        &self,
        name: &str,
        operand: &ast::OperandDecl,
        value: Placed,
        site: CallSite,
    ) -> Diagnostic {
        let ty = self.ty(value.id);
        let found = ty.show(&self.axes);
        let wanted = show_type(&operand.ty);
        let mut diagnostic = Diagnostic::error(
            Code::KindMismatch,
            format!(
                "`{name}` needs `{wanted}` as `{}`, and this is `{found}`",
                operand.name.text
            ),
        )
        .at(
            if value.span == site.callee.span {
                site.span
            } else {
                value.span
            },
            "in this call",
        )
        .also(operand.span, "the operand is declared here");
        if let Some(input) = self.inputs.iter().find(|i| i.name == operand.name.text)
            && input.ty == *ty
        {
            diagnostic = diagnostic.also(input.span, format!("it is `{found}` because of this"));
        }
        let TypeKind::Tensor { kind, class, .. } = &operand.ty.kind else {
            return diagnostic;
        };
        let over = matches!(class.as_ref().map(|c| c.word), Some(ClassWord::Over));
        let input = &operand.name.text;
        let help = match (kind.text.as_str(), ty.kind) {
            ("probs" | "log_probs" | "logits", Kind::Real) => format!(
                "if these are unnormalised scores, declare `{input}` as `logits[N, C, ...S] over C`; if they are probabilities, say so: `… as probs over C`"
            ),
            ("logits", Kind::Probs(_) | Kind::LogProbs(_)) => {
                "probabilities do not become logits again; give the scores before the activation"
                    .to_string()
            }
            (_, Kind::Logits(Classes::None)) if over => format!(
                "without `over` these are scores of one yes/no question, which `bce()` and `focal()` take; for exclusive classes declare `{input}` as `logits[N, C, ...S] over C`"
            ),
            (_, Kind::Logits(Classes::Per(_)) | Kind::Mask(_)) if over => format!(
                "these are independent yes/no questions; `bce()` and `focal()` take them. For exclusive classes declare `{}`",
                if matches!(ty.kind, Kind::Mask(_)) {
                    "labels[N, ...S] of C"
                } else {
                    "logits[N, C, ...S] over C"
                }
            ),
            ("labels", Kind::Mask(_)) => {
                "declare the target as `labels[N, ...S] of C`; for a mask declare the prediction as `logits …` without `over`, and take `bce()` or `focal()`".to_string()
            }
            ("labels", Kind::Real) => format!(
                "labels are whole numbers: declare `{input}` as `labels[N, ...S] of C`; soft targets are `probs[N, C, ...S] over C`, for `soft_ce()`"
            ),
            ("mask" | "logits" | "probs", _) if !over && class.is_some() => {
                "this is for independent yes/no questions; for exclusive classes take `ce()`"
                    .to_string()
            }
            ("probs", Kind::Int) => format!("declare `{input}` as `labels[N, ...S] of C`"),
            _ => return diagnostic,
        };
        diagnostic.help(help)
    }

    /// Converts the operands, binds axis names of their declared types, and returns their axes.
    pub(super) fn bind_operands(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        fits: Vec<Fit>,
        scope: &mut Scope,
    ) -> Checked<Vec<ExprId>> {
        let mut ids = Vec::new();
        for (operand, fit) in definition.operands.iter().zip(fits) {
            let at = if fit.span == site.callee.span {
                site.span
            } else {
                fit.span
            };
            let id = self.apply(fit.id, &fit.steps, at);
            if let TypeKind::Tensor {
                axes: Some(axes), ..
            } = &operand.ty.kind
            {
                self.bind_axes(definition, operand, axes, id, at, scope)?;
            }
            scope
                .names
                .push((operand.name.text.clone(), Ok(Value::Expr(id))));
            ids.push(id);
        }
        Ok(ids)
    }

    /// Matches the axes of an operand against `[...A, K=4]`: names before the pack from the front,
    /// names behind it from the back. A name that is bound already must be the same axes again.
    fn bind_axes(
        &mut self,
        definition: &ast::Definition,
        operand: &ast::OperandDecl,
        pattern: &[ast::AxisDecl],
        id: ExprId,
        at: Span,
        scope: &mut Scope,
    ) -> Checked<()> {
        let axes = self.ty(id).axes.clone();
        let found = show_axes(&axes, &self.axes);
        let name = &definition.name.text;
        let mismatch = |text: String| {
            Diagnostic::error(Code::AxisMismatch, text)
                .at(at, format!("`{}` is over `{found}`", operand.name.text))
                .also(operand.span, "the operand is declared here")
        };
        let pack = pattern
            .iter()
            .position(|p| matches!(p, ast::AxisDecl::Pack { .. }));
        let named = pattern.len() - usize::from(pack.is_some());
        if axes.len() < named || (pack.is_none() && axes.len() != named) {
            return Err(self.report(mismatch(format!(
                "`{name}` needs {}{named} {} in `{}`",
                if pack.is_some() { "at least " } else { "" },
                if named == 1 { "axis" } else { "axes" },
                operand.name.text
            ))));
        }
        let mut next = 0;
        for entry in pattern {
            let (key, these) = match entry {
                ast::AxisDecl::Pack { name, .. } => {
                    let these = axes[next..next + axes.len() - named].to_vec();
                    next += these.len();
                    (name.as_ref(), these)
                }
                ast::AxisDecl::Axis { name, size } => {
                    let axis = axes[next];
                    next += 1;
                    if let Some((size, _)) = size {
                        let place = self.place(at);
                        let why = format!("because `{}` needs it here", definition.name.text);
                        if let Err(diagnostic) = self.axes.set_size(axis, *size, place, &why) {
                            return Err(self.report(*diagnostic));
                        }
                    }
                    (Some(name), vec![axis])
                }
                ast::AxisDecl::Size(..) => {
                    next += 1;
                    continue;
                }
            };
            let Some(key) = key else { continue };
            match scope.axes.iter().find(|(n, _)| *n == key.text) {
                Some((_, known)) => {
                    let same =
                        known.len() == these.len() && known.iter().all(|a| these.contains(a));
                    if !same {
                        let known = show_axes(known, &self.axes);
                        let these = show_axes(&these, &self.axes);
                        return Err(self.report(mismatch(format!(
                            "the operands of `{name}` differ in axes: `{known}` and `{these}`"
                        )).help("this loss compares entry by entry and does not repeat one operand along axes of the other")));
                    }
                }
                None => scope.axes.push((key.text.clone(), these)),
            }
        }
        Ok(())
    }
}

/// A declared type as it is written, without its range.
pub(super) fn show_type(ty: &ast::TypeExpr) -> String {
    match &ty.kind {
        TypeKind::OneOf(words) => {
            let words: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
            format!("one of {}", words.join(", "))
        }
        TypeKind::Tensor { kind, class, .. } => match class {
            Some(clause) => {
                let word = match clause.word {
                    ClassWord::Over => "over",
                    ClassWord::Per => "per",
                    ClassWord::Of => "of",
                };
                format!("{} {word} {}", kind.text, clause.axis.text)
            }
            None => kind.text.clone(),
        },
    }
}
