//! One node → the value of it: an arm per operation, which turns dims into axes.

use super::{Cx, axes, classes, dot, elementwise, order, reduce, windows};
use crate::ir::{self, DimId, Dims, Elem, Node, Op, ReduceOp, Ty};
use candle_core::{Result, Tensor, bail};

/// The value of `node`, given those of its operands.
pub(super) fn eval(cx: &Cx<'_>, node: &Node, args: &[Tensor]) -> Result<Tensor> {
    let ty = &node.ty;
    if cx.sizes.count(&ty.dims) == 0 {
        return cx.constant(0.0, ty);
    }
    // The dims of the operand `i`.
    let dims = |i: usize| &cx.graph.ty(node.args[i]).dims;
    match &node.op {
        Op::Input(number) => cx.load(*number),
        Op::Const(value) => cx.constant(*value, ty),
        Op::Table(values) => cx.table(values, ty),
        Op::Index(dim) => Tensor::arange(0, cx.sizes.get(*dim) as i64, cx.device),
        Op::Size(over) => cx.constant(cx.sizes.count(over) as f64, ty),
        Op::Map(op) => {
            let exponent = node.args.get(1).and_then(|&b| match cx.graph.node(b).op {
                Op::Const(value) => Some(value),
                _ => None,
            });
            elementwise::apply(*op, args, exponent, cx.dtype)
        }
        Op::Broadcast(_) => axes::spread(&args[0], dims(0), &ty.dims),
        Op::Rename { from, to } => renamed(&args[0], dims(0), *from, &ty.dims, *to),
        Op::At { dim, index } => {
            let size = cx.sizes.get(*dim) as i64;
            let position = if *index < 0 { index + size } else { *index };
            if position < 0 || position >= size {
                return cx.constant(missing(ty), ty);
            }
            axes::at(&args[0], axis(dims(0), *dim)?, position as usize)
        }
        Op::Slice { from, to, start } => {
            let (start, end) = ir::resolve(cx.sizes.get(*from), *start, None);
            let length = cx.sizes.get(*to);
            if start + length > end {
                bail!("{length} entries from {start} on, of {end}");
            }
            let part = axes::slice(&args[0], axis(dims(0), *from)?, start, length)?;
            renamed(&part, dims(0), *from, &ty.dims, *to)
        }
        Op::Place { from, to, start } => {
            let (start, end) = ir::resolve(cx.sizes.get(*to), *start, None);
            let length = cx.sizes.get(*from);
            if start + length > end {
                bail!("{length} entries from {start} on, in {end}");
            }
            if length == 0 {
                return cx.constant(0.0, ty);
            }
            let at = axis(dims(0), *from)?;
            let whole = axes::padded(&args[0], at, length, start, end - start - length)?;
            renamed(&whole, dims(0), *from, &ty.dims, *to)
        }
        Op::Resize { from, to, grid } => {
            let (at, size) = (axis(dims(0), *from)?, cx.sizes.get(*from));
            let sources = grid.sources(cx.sizes.get(*to), size);
            let x = axes::full(&args[0], at, size)?;
            renamed(
                &axes::taken(&x, at, &sources)?,
                dims(0),
                *from,
                &ty.dims,
                *to,
            )
        }
        Op::Collect { from, to, grid } => {
            let (at, size) = (axis(dims(0), *from)?, cx.sizes.get(*from));
            let x = axes::full(&args[0], at, size)?;
            let sums = axes::collected(&x, at, cx.sizes.get(*to), *grid)?;
            renamed(&sums, dims(0), *from, &ty.dims, *to)
        }
        Op::Shift { dim, by, edge } => {
            let along = axis(dims(0), *dim)?;
            axes::shift(&args[0], along, cx.sizes.get(*dim), *by, *edge)
        }
        Op::WindowMax { dim, radius } => {
            let along = axis(dims(0), *dim)?;
            windows::max(&args[0], along, cx.sizes.get(*dim), *radius)
        }
        Op::WindowSum { dim, weights, rim } => {
            let along = axis(dims(0), *dim)?;
            windows::sum(&args[0], along, cx.sizes.get(*dim), weights, *rim)
        }
        Op::WindowTies { dim, radius } => {
            let along = axis(dims(0), *dim)?;
            let operands = [&args[0], &args[1], &args[2]];
            windows::ties(operands, along, cx.sizes.get(*dim), *radius)
        }
        Op::Softmax(dim) => {
            let along = axis(dims(0), *dim)?;
            classes::softmax(&args[0], along, repeats(cx, &args[0], dims(0), &[along]))
        }
        Op::LogSoftmax(dim) => {
            let along = axis(dims(0), *dim)?;
            classes::log_softmax(&args[0], along, repeats(cx, &args[0], dims(0), &[along]))
        }
        Op::Pick(dim) => {
            if cx.sizes.get(*dim) == 0 {
                return cx.constant(missing(ty), ty);
            }
            let all = ty.dims.with(*dim);
            let x = axes::spread(&args[0], dims(0), &all)?;
            classes::pick(&x, &args[1], axis(&all, *dim)?, cx.sizes.get(*dim))
        }
        Op::OneHot(dim) => {
            let along = axis(&ty.dims, *dim)?;
            classes::one_hot(&args[0], along, cx.sizes.get(*dim), cx.dtype)
        }
        Op::Reduce(op, over) => {
            if cx.sizes.count(over) == 0 {
                return cx.constant(reduce::of_nothing(*op), ty);
            }
            let along = positions(dims(0), over)?;
            let repeats = repeats(cx, &args[0], dims(0), &along);
            without(reduce::reduce(*op, &args[0], &along, repeats)?, &along)
        }
        Op::ArgMax(dim) => {
            if cx.sizes.get(*dim) == 0 {
                return cx.constant(0.0, ty);
            }
            classes::arg_max(&args[0], axis(dims(0), *dim)?)
        }
        Op::Dot(over) => {
            if cx.sizes.count(over) == 0 {
                return cx.constant(reduce::of_nothing(ReduceOp::Sum), ty);
            }
            let all = dims(0).union(dims(1));
            let a = axes::spread(&args[0], dims(0), &all)?;
            let b = axes::spread(&args[1], dims(1), &all)?;
            let along = positions(&all, over)?;
            without(dot::dot(&a, &b, &cx.sizes.shape(&all), &along)?, &along)
        }
        Op::Order(op, over) => {
            let along = positions(dims(0), over)?;
            let mut args = args.to_vec();
            for (i, arg) in args.iter_mut().enumerate() {
                *arg = axes::spread(arg, dims(i), &ty.dims)?;
            }
            let sizes = cx.sizes.shape(&ty.dims);
            order::order(*op, &args, &sizes, &along, cx.dtype(ty.elem))
        }
        Op::Distance(along) => {
            let axes = along
                .iter()
                .map(|&(dim, spacing)| Ok((axis(dims(0), dim)?, spacing)));
            let axes: Vec<(usize, f64)> = axes.collect::<Result<_>>()?;
            let sizes = cx.sizes.shape(&ty.dims);
            order::distance(&args[0], &sizes, &axes, cx.dtype)
        }
        Op::StopGrad => Ok(args[0].clone()),
    }
}

/// What an operation finds outside its operand.
fn missing(ty: &Ty) -> f64 {
    match ty.elem {
        Elem::Float => f64::NAN,
        Elem::Int | Elem::Bool => 0.0,
    }
}

/// The value with `from` called `to`, which may stand elsewhere among the dims of the result.
fn renamed(x: &Tensor, dims: &Dims, from: DimId, result: &Dims, to: DimId) -> Result<Tensor> {
    axes::moved(x, axis(dims, from)?, axis(result, to)?)
}

/// Where a dim stands.
fn axis(dims: &Dims, dim: DimId) -> Result<usize> {
    match dims.position(dim) {
        Some(axis) => Ok(axis),
        None => bail!("an operand lacks {dim}"),
    }
}

/// Where each of `over` stands.
fn positions(dims: &Dims, over: &Dims) -> Result<Vec<usize>> {
    over.iter().map(|dim| axis(dims, dim)).collect()
}

/// For how many equal entries along `axes` an entry of `x` stands.
fn repeats(cx: &Cx<'_>, x: &Tensor, dims: &Dims, axes: &[usize]) -> usize {
    let sizes = cx.sizes.shape(dims);
    let once = axes.iter().filter(|&&axis| x.dims()[axis] == 1);
    once.map(|&axis| sizes[axis]).product()
}

/// The value without axes that are reduced to size 1.
fn without(x: Tensor, axes: &[usize]) -> Result<Tensor> {
    let last_first = axes.iter().rev();
    last_first.copied().try_fold(x, |x, axis| x.squeeze(axis))
}
