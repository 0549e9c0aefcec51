//! Windows along an axis → sums and maxima of shifted copies.

use super::{axes, elementwise};
use crate::ir::{Edge, MapOp, Rim};
use candle_core::{Result, Tensor};

/// The largest entry at most `radius` away.
pub(super) fn max(x: &Tensor, axis: usize, size: usize, radius: usize) -> Result<Tensor> {
    // Repeating the entry at the end, which the window holds already, changes no maximum. Past the
    // whole length nothing new comes.
    reach(radius, size).try_fold(x.clone(), |largest, by| {
        let other = axes::shift(x, axis, size, by, Edge::Clamp)?;
        map(MapOp::Max, [&largest, &other])
    })
}

/// Σ of the weighted entries around each one.
pub(super) fn sum(
    x: &Tensor,
    axis: usize,
    size: usize,
    weights: &[f64],
    rim: Rim,
) -> Result<Tensor> {
    let x = &axes::full(x, axis, size)?.contiguous()?;
    let edge = match rim {
        Rim::Zero | Rim::Pile => Edge::Zero,
        Rim::Clamp => Edge::Clamp,
        Rim::Wrap => Edge::Wrap,
    };
    let radius = (weights.len() / 2) as i64;
    let mut sum = x.zeros_like()?;
    for (&weight, by) in weights.iter().zip(-radius..) {
        let entry = axes::shift(x, axis, size, -by, edge)?;
        sum = map(MapOp::Add, [&sum, &weighted(&entry, weight)?])?;
    }
    if rim != Rim::Pile {
        return Ok(sum);
    }
    // Windows around the places before the first entry see the entry p with the weights that stand
    // more than p after the middle; likewise at the other end.
    let radius = radius as usize;
    let (before, after) = (&weights[..radius], &weights[radius + 1..]);
    for p in 0..size.min(radius) {
        let first = x.narrow(axis, p, 1)?;
        let first = weighted(&first, after[p..].iter().sum())?;
        let first = axes::padded(&first, axis, 1, 0, size - 1)?;
        let last = x.narrow(axis, size - 1 - p, 1)?;
        let last = weighted(&last, before[..radius - p].iter().sum())?;
        let last = axes::padded(&last, axis, 1, size - 1, 0)?;
        sum = map(MapOp::Add, [&sum, &map(MapOp::Add, [&first, &last])?])?;
    }
    Ok(sum)
}

/// Σ of c over the positions around each one where a is what b is there.
pub(super) fn ties(
    [a, b, c]: [&Tensor; 3],
    axis: usize,
    size: usize,
    radius: usize,
) -> Result<Tensor> {
    let c = axes::full(c, axis, size)?.contiguous()?;
    let zero = c.zeros_like()?;
    let mut sum = zero.clone();
    for by in reach(radius, size).chain([0]) {
        // Outside, c is 0.
        let there = axes::shift(a, axis, size, by, Edge::Clamp)?;
        let share = axes::shift(&c, axis, size, by, Edge::Zero)?;
        let tied = map(MapOp::Eq, [&there, b])?;
        let share = map(MapOp::Select, [&tied, &share, &zero])?;
        sum = map(MapOp::Add, [&sum, &share])?;
    }
    Ok(sum)
}

fn map<const N: usize>(op: MapOp, args: [&Tensor; N]) -> Result<Tensor> {
    let dtype = args[N - 1].dtype();
    elementwise::apply(op, &args.map(Clone::clone), None, dtype)
}

fn weighted(x: &Tensor, weight: f64) -> Result<Tensor> {
    let weight = elementwise::like(x, weight)?;
    map(MapOp::Mul, [x, &weight])
}

/// The distances to the other places of a window.
fn reach(radius: usize, size: usize) -> impl Iterator<Item = i64> {
    let radius = radius.min(size.saturating_sub(1)) as i64;
    (-radius..=radius).filter(|&by| by != 0)
}
