//! Operations on the axes of a value → views where Candle has them, copies where not.
//!
//! Axes are numbers here; which dim an axis is, `node.rs` knows. An axis of size 1 stands for any
//! number of equal entries.

use crate::ir::{Dims, Edge, Grid};
use candle_core::{Result, Tensor};
use std::ops::Range;

/// The value over `to`, with an axis of size 1 for every dim that `from` lacks.
pub(super) fn spread(x: &Tensor, from: &Dims, to: &Dims) -> Result<Tensor> {
    let mut x = x.clone();
    for (axis, dim) in to.iter().enumerate() {
        if !from.contains(dim) {
            x = x.unsqueeze(axis)?;
        }
    }
    Ok(x)
}

/// The value with one axis moved to another place.
pub(super) fn moved(x: &Tensor, from: usize, to: usize) -> Result<Tensor> {
    let mut order: Vec<usize> = (0..x.rank()).collect();
    let axis = order.remove(from);
    order.insert(to, axis);
    permuted(x, &order)
}

/// The value with axis `order[i]` in place `i`.
pub(super) fn permuted(x: &Tensor, order: &[usize]) -> Result<Tensor> {
    match order.is_sorted() {
        true => Ok(x.clone()),
        false => x.permute(order),
    }
}

/// The entry at `position` of an axis, which goes.
pub(super) fn at(x: &Tensor, axis: usize, position: usize) -> Result<Tensor> {
    match x.dim(axis)? {
        1 => x.squeeze(axis),
        _ => x.narrow(axis, position, 1)?.squeeze(axis),
    }
}

/// `length` entries of an axis.
pub(super) fn slice(x: &Tensor, axis: usize, start: usize, length: usize) -> Result<Tensor> {
    match x.dim(axis)? {
        1 => Ok(x.clone()),
        _ => x.narrow(axis, start, length),
    }
}

/// The value with all `size` entries along an axis.
pub(super) fn full(x: &Tensor, axis: usize, size: usize) -> Result<Tensor> {
    let mut shape = x.dims().to_vec();
    if shape[axis] == size {
        return Ok(x.clone());
    }
    shape[axis] = size;
    x.broadcast_as(shape)
}

/// `before` zeros, the `length` entries along an axis, and `after` zeros.
pub(super) fn padded(
    x: &Tensor,
    axis: usize,
    length: usize,
    before: usize,
    after: usize,
) -> Result<Tensor> {
    if before == 0 && after == 0 {
        return Ok(x.clone());
    }
    let zeros = |count: usize| {
        let mut shape = x.dims().to_vec();
        shape[axis] = count;
        Tensor::zeros(shape, x.dtype(), x.device())
    };
    let mut parts = Vec::new();
    if before > 0 {
        parts.push(zeros(before)?);
    }
    parts.push(full(x, axis, length)?.contiguous()?);
    if after > 0 {
        parts.push(zeros(after)?);
    }
    Tensor::cat(&parts, axis)
}

/// The entries of an axis that these ranges name, one or none each; zeros where none.
pub(super) fn taken(x: &Tensor, axis: usize, sources: &[Range<usize>]) -> Result<Tensor> {
    let positions = sources
        .iter()
        .map_while(|r| (!r.is_empty()).then_some(r.start as u32));
    let positions: Vec<u32> = positions.collect();
    let (found, beyond) = (positions.len(), sources.len() - positions.len());
    let positions = Tensor::new(positions, x.device())?;
    // Those without an entry come last.
    let entries = x.contiguous()?.index_select(&positions, axis)?;
    padded(&entries, axis, found, 0, beyond)
}

/// Σ of the entries of an axis that stand for each of `of` entries.
pub(super) fn collected(x: &Tensor, axis: usize, of: usize, grid: Grid) -> Result<Tensor> {
    let size = x.dim(axis)?;
    let targets = (0..size).map_while(|i| grid.source(i, size, of));
    let targets: Vec<u32> = targets.map(|at| at as u32).collect();
    let x = x.narrow(axis, 0, targets.len())?.contiguous()?;
    let mut shape = x.dims().to_vec();
    shape[axis] = of;
    let targets = Tensor::new(targets, x.device())?;
    Tensor::zeros(shape, x.dtype(), x.device())?.index_add(&targets, &x, axis)
}

/// Entry i is entry i − `by` of the `size` entries along an axis.
pub(super) fn shift(x: &Tensor, axis: usize, size: usize, by: i64, edge: Edge) -> Result<Tensor> {
    let far = usize::try_from(by.unsigned_abs()).map_or(size, |far| far.min(size));
    let stays = size - far;
    if far == 0 {
        return Ok(x.clone());
    }
    match edge {
        Edge::Zero if stays == 0 => x.zeros_like(),
        Edge::Zero if by > 0 => padded(&slice(x, axis, 0, stays)?, axis, stays, far, 0),
        Edge::Zero => padded(&slice(x, axis, far, stays)?, axis, stays, 0, far),
        // From here on equal entries are equal again.
        Edge::Clamp | Edge::Wrap if x.dim(axis)? == 1 => Ok(x.clone()),
        Edge::Clamp => {
            let (first, count) = if by > 0 { (0, far) } else { (size - 1, far) };
            let edge = full(&x.narrow(axis, first, 1)?, axis, count)?;
            match (stays, by > 0) {
                (0, _) => Ok(edge),
                (_, true) => join(&edge, &x.narrow(axis, 0, stays)?, axis),
                (_, false) => join(&x.narrow(axis, far, stays)?, &edge, axis),
            }
        }
        Edge::Wrap => {
            let far = by.rem_euclid(size as i64) as usize;
            match far {
                0 => Ok(x.clone()),
                _ => join(
                    &x.narrow(axis, size - far, far)?,
                    &x.narrow(axis, 0, size - far)?,
                    axis,
                ),
            }
        }
    }
}

fn join(a: &Tensor, b: &Tensor, axis: usize) -> Result<Tensor> {
    Tensor::cat(&[a.contiguous()?, b.contiguous()?], axis)
}
