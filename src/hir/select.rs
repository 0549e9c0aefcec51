//! What stands in brackets behind a value: a position, a stretch, a new name of an axis.

use super::axes::{AxisId, Role};
use super::cx::{Checked, Cx, Value};
use super::tree::{ExprId, ExprKind};
use super::ty::{Classes, Kind, Ty};
use crate::ast;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

impl Cx<'_> {
    pub(super) fn select(
        &mut self,
        base: &ast::Expr,
        selectors: &[ast::Selector],
        span: Span,
    ) -> Checked<Value> {
        if let (ast::ExprKind::Name(name), Some(ast::Selector::At { axis, .. })) =
            (&base.kind, selectors.first())
            && name != "index"
            && self.local(name).is_none()
            && !self.visible().contains(name)
            && self.is_callable(name)
        {
            let option = &axis.name;
            return Err(self.report(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("the options of `{name}` stand in parentheses"),
                )
                .at(option.span, "these brackets hold axes")
                .also(base.span, "a function or a loss")
                .help(format!("write `{name}({}=…)`", option.text)),
            ));
        }
        let (mut value, rest) = match (&base.kind, selectors) {
            (ast::ExprKind::Name(name), [ast::Selector::At { axis, index }, rest @ ..])
                if name == "index"
                    && self.local(name).is_none()
                    && !self.visible().contains(name) =>
            {
                (self.new_axis(&axis.name, index, span)?, rest)
            }
            _ => (self.eval(base)?, selectors),
        };
        for selector in rest {
            value = self.select_one(value, base.span, selector, span)?;
        }
        Ok(value)
    }

    /// `index[B=15]`: 0, 1, … 14 along an axis that is made with it.
    fn new_axis(&mut self, name: &ast::Ident, size: &ast::Expr, span: Span) -> Checked<Value> {
        let size = self.placed(size)?;
        let count = self.whole(size, "the size of an axis")?;
        let count = match usize::try_from(count) {
            Ok(count) if count > 0 => count,
            _ => {
                return Err(self.report(
                    Diagnostic::error(
                        Code::BadIndex,
                        format!("an axis has at least one entry, not {count}"),
                    )
                    .at(size.span, "the size of the axis"),
                ));
            }
        };
        let at = self.place(name.span);
        // What a definition makes is its own; on the level of the file, one name is one axis.
        let known = match self.scopes.last() {
            None => self.axes.lookup(&name.text).map(<[AxisId]>::to_vec),
            Some(_) => None,
        };
        let axis = match known.as_deref() {
            None => self.axes.introduce(&name.text, self.scopes.is_empty(), at),
            Some(&[axis]) if self.axes.get(axis).role == Role::Introduced => axis,
            Some(_) => {
                return Err(self.report(
                    Diagnostic::error(
                        Code::Duplicate,
                        format!("there is an axis `{}` already", name.text),
                    )
                    .at(name.span, "`index[…=…]` makes a new one")
                    .help(format!(
                        "take another name, or write `index[{}]`",
                        name.text
                    )),
                ));
            }
        };
        if let Err(diagnostic) = self
            .axes
            .set_size(axis, count, at, "because it is made here")
        {
            return Err(self.report(*diagnostic));
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.axes.push((name.text.clone(), vec![axis]));
        }
        let ty = Ty::new(Kind::Int, vec![axis]);
        Ok(Value::Expr(self.intern(ExprKind::Index(axis), ty, span)))
    }

    fn select_one(
        &mut self,
        value: Value,
        base: Span,
        selector: &ast::Selector,
        span: Span,
    ) -> Checked<Value> {
        if let ast::Selector::Entry(i, at) = selector {
            let Value::List(items) = &value else {
                return Err(self.report(
                    Diagnostic::error(Code::BadIndex, "only a list has entries by number")
                        .at(*at, "which axis?")
                        .help("axes have names: `x[C=1]`"),
                ));
            };
            return match items.get(*i) {
                Some(item) => Ok(item.clone()),
                None => Err(self.report(
                    Diagnostic::error(
                        Code::BadIndex,
                        format!("the list has {} entries, counted from 0", items.len()),
                    )
                    .at(*at, "outside the list"),
                )),
            };
        }
        let id = self.expr_of(value, base)?;
        let ty = self.ty(id).clone();
        let reference = match selector {
            ast::Selector::At { axis, .. }
            | ast::Selector::Slice { axis, .. }
            | ast::Selector::Rename { axis, .. } => axis,
            ast::Selector::Entry(..) => return Ok(Value::Expr(id)),
        };
        let list = self.axes_of(std::slice::from_ref(reference), &ty.axes, "the operand")?;
        // A stretch of several axes is the same stretch of each.
        if let ast::Selector::Slice {
            start,
            end,
            span: at,
            ..
        } = selector
        {
            self.split_packs(&list, span)?;
            let range = (start.map_or(0, |(i, _)| i), end.map(|(i, _)| i));
            let slice = |id, &axis| self.slice(id, axis, range, *at, span);
            return list.iter().try_fold(id, slice).map(Value::Expr);
        }
        let axis = match list[..] {
            [axis] => axis,
            // A role that the operand does not have: nothing to select from, nothing to do.
            [] => return Ok(Value::Expr(id)),
            _ => {
                let found = super::ty::show_axes(&list, &self.axes);
                return Err(self.report(
                    Diagnostic::error(
                        Code::UnknownAxis,
                        format!("`{}` is several axes here: `{found}`", reference.name.text),
                    )
                    .at(reference.name.span, "one axis is needed")
                    .help("name it"),
                ));
            }
        };
        self.split_packs(&[axis], span)?;
        let id = match selector {
            ast::Selector::At { index, .. } => {
                let at = self.placed(index)?;
                let index = self.whole(at, "a position")?;
                self.check_position(axis, index, at.span)?;
                let rest = super::builtin::without(&ty.axes, &[axis]);
                let kind = kind_at(ty.kind, axis);
                let id = if kind == Kind::Real {
                    self.real_of(id)
                } else {
                    id
                };
                self.intern(ExprKind::At(axis, index, id), Ty::new(kind, rest), span)
            }
            ast::Selector::Rename { to, .. } => {
                if let Some(known) = self.axes.lookup(&to.text)
                    && known.iter().any(|&a| ty.axes.contains(&a))
                {
                    return Err(self.report(
                        Diagnostic::error(
                            Code::Duplicate,
                            format!("the operand has an axis `{}` already", to.text),
                        )
                        .at(to.span, "take another name"),
                    ));
                }
                let place = self.place(to.span);
                let new = self.axes.rename(axis, &to.text, place);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.axes.push((to.text.clone(), vec![new]));
                }
                let kind = kind_renamed(ty.kind, axis, new);
                let ty = Ty::new(kind, replaced(&ty.axes, axis, new));
                let kind = ExprKind::Rename {
                    from: axis,
                    to: new,
                    arg: id,
                };
                self.intern(kind, ty, span)
            }
            ast::Selector::Slice { .. } | ast::Selector::Entry(..) => id,
        };
        Ok(Value::Expr(id))
    }

    /// The entries of a value from `start` to before `end` along an axis.
    pub(super) fn slice(
        &mut self,
        id: ExprId,
        axis: AxisId,
        (start, end): (i64, Option<i64>),
        at: Span,
        span: Span,
    ) -> Checked<ExprId> {
        let ty = self.ty(id).clone();
        let place = self.place(at);
        let to = self.axes.slice(axis, start, end, place);
        let known = self.axes.get(axis).size.clone();
        if let (Some((size, declared, why)), Some((0, ..))) = (known, &self.axes.get(to).size)
            && size > 0
        {
            let name = self.axes.get(axis).name.clone();
            return Err(self.report(
                Diagnostic::error(
                    Code::BadIndex,
                    format!("`{name}` has {size} entries, and this takes none of them"),
                )
                .at(at, "an empty stretch")
                .also(declared, format!("`{name}` is {size} {why}")),
            ));
        }
        let kind = kind_sliced(ty.kind, axis, to);
        let arg = match kind {
            Kind::Real => self.real_of(id),
            _ => id,
        };
        let ty = Ty::new(kind, replaced(&ty.axes, axis, to));
        let kind = ExprKind::Slice {
            from: axis,
            to,
            start,
            arg,
        };
        Ok(self.intern(kind, ty, span))
    }

    /// Refuses a position that the axis certainly lacks; else notes that it is needed.
    fn check_position(&mut self, axis: AxisId, index: i64, span: Span) -> Checked<()> {
        let least = if index < 0 {
            index.unsigned_abs()
        } else {
            index as u64 + 1
        } as usize;
        let known = self.axes.get(axis).size.clone();
        match known {
            Some((size, at, why)) if size < least => {
                let name = self.axes.get(axis).name.clone();
                Err(self.report(
                    Diagnostic::error(
                        Code::BadIndex,
                        format!("`{name}` has {size} entries, counted from 0"),
                    )
                    .at(span, "outside the axis")
                    .also(at, format!("`{name}` is {size} {why}")),
                ))
            }
            _ => {
                let place = self.place(span);
                self.axes.set_least(axis, least, place);
                Ok(())
            }
        }
    }
}

pub(super) fn replaced(axes: &[AxisId], from: AxisId, to: AxisId) -> Vec<AxisId> {
    axes.iter()
        .map(|&a| if a == from { to } else { a })
        .collect()
}

/// One entry along the class axis is about one question; along another axis the kind stays.
fn kind_at(kind: Kind, axis: AxisId) -> Kind {
    if kind.class_axis() != Some(axis) {
        return kind;
    }
    match kind {
        Kind::Probs(_) => Kind::Probs(Classes::None),
        Kind::LogProbs(_) => Kind::LogProbs(Classes::None),
        Kind::Logits(Classes::Per(_)) => Kind::Logits(Classes::None),
        Kind::OneHot(_) | Kind::Mask(_) => Kind::Mask(None),
        // A score among others says nothing alone.
        Kind::Logits(_) => Kind::Real,
        Kind::Labels(_) | Kind::Real | Kind::Bool | Kind::Int => kind,
    }
}

/// Some of the classes no longer exclude each other exhaustively.
fn kind_sliced(kind: Kind, axis: AxisId, to: AxisId) -> Kind {
    if kind.class_axis() != Some(axis) || matches!(kind, Kind::Labels(_)) {
        return kind;
    }
    match kind {
        Kind::Probs(_) => Kind::Probs(Classes::Per(to)),
        Kind::LogProbs(_) => Kind::LogProbs(Classes::Per(to)),
        Kind::Logits(Classes::Per(_)) => Kind::Logits(Classes::Per(to)),
        Kind::OneHot(_) | Kind::Mask(_) => Kind::Mask(Some(to)),
        Kind::Logits(_) => Kind::Real,
        Kind::Labels(_) | Kind::Real | Kind::Bool | Kind::Int => kind,
    }
}

fn kind_renamed(kind: Kind, axis: AxisId, to: AxisId) -> Kind {
    let classes = |classes: Classes| match classes {
        Classes::Over(a) if a == axis => Classes::Over(to),
        Classes::Per(a) if a == axis => Classes::Per(to),
        other => other,
    };
    match kind {
        Kind::Logits(c) => Kind::Logits(classes(c)),
        Kind::Probs(c) => Kind::Probs(classes(c)),
        Kind::LogProbs(c) => Kind::LogProbs(classes(c)),
        Kind::OneHot(a) if a == axis => Kind::OneHot(to),
        Kind::Mask(Some(a)) if a == axis => Kind::Mask(Some(to)),
        other => other,
    }
}
