//! Other resolutions: `resize` to that of another value, `coarsen` to blocks of entries.

use super::axes::{AxisId, Role};
use super::build::Placed;
use super::builtin::usage;
use super::cx::{Checked, Cx, Reported, Value};
use super::select::replaced;
use super::tree::{ExprId, ExprKind};
use super::ty::{Kind, Ty, show_axes};
use crate::ast;
use crate::diag::{Code, Diagnostic};
use crate::ir::Grid;
use crate::source::Span;

/// Blocks of more entries than this are no change of resolution.
const MAX_BLOCK: i64 = 1023;

impl Cx<'_> {
    /// `resize[space](x, like=y)`: x along the axes of y that play the same part.
    pub(super) fn resize(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        args: &[ast::Arg],
        span: Span,
    ) -> Checked<Value> {
        let (mut x, mut like, mut grid) = (None, None, Grid::First);
        for arg in args {
            let slot = match arg.name.as_ref().map(|key| key.text.as_str()) {
                None if x.is_none() => &mut x,
                Some("like") if like.is_none() => &mut like,
                Some("entry") => {
                    grid = self.entry(&arg.value)?;
                    continue;
                }
                _ => return Err(self.not_taken("resize", arg)),
            };
            *slot = Some(self.placed(&arg.value)?);
        }
        let (Some(x), Some(like)) = (x, like) else {
            return Err(self.report(
                Diagnostic::error(
                    Code::MissingOption,
                    "`resize` needs a tensor and, with `like=`, one that has the size wanted",
                )
                .at(span, "this call")
                .help(usage("resize")),
            ));
        };
        self.resized(axes, x, like, grid, span).map(Value::Expr)
    }

    /// `x` along the axes of `like` that play the part of those in the brackets.
    pub(super) fn resized(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
        like: Placed,
        grid: Grid,
        span: Span,
    ) -> Checked<ExprId> {
        let from = self.resized_axes("resize", axes, x, span)?;
        let own = self.ty(x.id).axes.clone();
        let role = |cx: &Self, axis: AxisId| cx.axes.get(axis).role;
        let roles: Vec<Role> = from.iter().map(|&axis| role(self, axis)).collect();
        let of_like = self.ty(like.id).axes.clone();
        let to: Vec<AxisId> = of_like
            .into_iter()
            .filter(|&axis| roles.contains(&role(self, axis)))
            .filter(|axis| from.contains(axis) || !own.contains(axis))
            .collect();
        self.split_packs(&to, span)?;
        if to.len() != from.len() {
            let (from, to) = (show_axes(&from, &self.axes), show_axes(&to, &self.axes));
            let found = self.show(like.id);
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    format!("`resize` has axes `{from}`, and `like` has `{to}` for them"),
                )
                .at(like.span, format!("this is `{found}`"))
                .note("axes are paired in their order, those of space with those of space"),
            ));
        }
        let pairs: Vec<(AxisId, AxisId)> = from.into_iter().zip(to).collect();
        for &(from, to) in &pairs {
            if from != to {
                self.axes.set_resized(to, from, grid);
            }
        }
        Ok(self.moved_to(x.id, pairs, grid, span))
    }

    /// A value along other axes, each in place of one that it has.
    pub(super) fn moved_to(
        &mut self,
        mut id: ExprId,
        pairs: Vec<(AxisId, AxisId)>,
        grid: Grid,
        span: Span,
    ) -> ExprId {
        for (from, to) in pairs.into_iter().filter(|(from, to)| from != to) {
            let ty = self.ty(id);
            let ty = Ty::new(ty.kind, replaced(&ty.axes, from, to));
            let kind = ExprKind::Resize {
                from,
                to,
                grid,
                arg: id,
            };
            id = self.intern(kind, ty, span);
        }
        id
    }

    /// `coarsen[space](x, 2)`: the means of blocks.
    pub(super) fn coarsen(
        &mut self,
        axes: Option<&[ast::AxisRef]>,
        args: &[ast::Arg],
        span: Span,
    ) -> Checked<Value> {
        let (mut x, mut size) = (None, None);
        for arg in args {
            let slot = match arg.name.as_ref().map(|key| key.text.as_str()) {
                None if x.is_none() => &mut x,
                None | Some("size") if size.is_none() => &mut size,
                _ => return Err(self.not_taken("coarsen", arg)),
            };
            *slot = Some(self.placed(&arg.value)?);
        }
        let (Some(x), Some(size)) = (x, size) else {
            return Err(self.report(
                Diagnostic::error(
                    Code::MissingOption,
                    "`coarsen` needs a tensor and the size of a block",
                )
                .at(span, "this call")
                .help(usage("coarsen")),
            ));
        };
        let count = self.whole(size, "the size of a block")?;
        if !(1..=MAX_BLOCK).contains(&count) {
            return Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!(
                        "a block has between 1 and {MAX_BLOCK} entries along an axis, not {count}"
                    ),
                )
                .at(size.span, "the size of a block"),
            ));
        }
        let list = self.resized_axes("coarsen", axes, x, span)?;
        if list.is_empty() || count == 1 {
            return Ok(Value::Expr(x.id));
        }
        let real = self.real_of(x.id);
        let at = self.place(span);
        let count = count as usize;
        let mut all = self.ty(real).axes.clone();
        let mut along = Vec::new();
        for axis in list {
            self.least(axis, count, size.span)?;
            let to = self.axes.blocks(axis, count, at);
            all = replaced(&all, axis, to);
            along.push((axis, to));
        }
        let kind = ExprKind::Coarsen(along, count, real);
        let id = self.intern(kind, Ty::new(Kind::Real, all), span);
        Ok(Value::Expr(id))
    }

    /// The axes in the brackets, in the order of the operand, one by one.
    fn resized_axes(
        &mut self,
        name: &str,
        axes: Option<&[ast::AxisRef]>,
        x: Placed,
        span: Span,
    ) -> Checked<Vec<AxisId>> {
        let Some(refs) = axes else {
            let found = self.show(x.id);
            return Err(self.report(
                Diagnostic::error(
                    Code::UnknownAxis,
                    format!("`{name}` needs the axes whose size it changes"),
                )
                .at(span, format!("the operand is `{found}`"))
                .help(usage(name)),
            ));
        };
        let ty = self.ty(x.id).clone();
        let listed = self.axes_of(refs, &ty.axes, "the operand")?;
        let classes = |axis: AxisId| {
            self.axes.get(axis).role == Role::Class || ty.kind.class_axis() == Some(axis)
        };
        if let Some(&class) = listed.iter().find(|&&axis| classes(axis)) {
            let class = self.axes.get(class).name.clone();
            return Err(self.report(
                Diagnostic::error(
                    Code::AxisMismatch,
                    format!("`{name}` runs along positions, and `{class}` holds classes"),
                )
                .at(refs[0].name.span, "classes lie in no order")
                .help(format!("name the others: `{name}[space](…)`")),
            ));
        }
        self.split_packs(&listed, span)?;
        let in_order = ty.axes.iter().copied();
        Ok(in_order.filter(|axis| listed.contains(axis)).collect())
    }

    /// Which of the entries that one stands for it is.
    pub(super) fn entry(&mut self, value: &ast::Expr) -> Checked<Grid> {
        let words = vec![("first", Grid::First), ("middle", Grid::Middle)];
        self.word("entry", value, words)
    }

    /// An argument that a function does not take, or takes once.
    pub(super) fn not_taken(&mut self, name: &str, arg: &ast::Arg) -> Reported {
        let diagnostic = match &arg.name {
            Some(key) => Diagnostic::error(
                Code::UnknownOption,
                format!("`{name}` does not take `{}`, or not twice", key.text),
            )
            .at(key.span, "not an option"),
            None => Diagnostic::error(
                Code::TooManyArguments,
                format!("`{name}` takes fewer arguments without names"),
            )
            .at(arg.value.span, "one too many"),
        };
        self.report(diagnostic.help(usage(name)))
    }
}
