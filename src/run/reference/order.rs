//! Operations along several dims seen as one, from their definitions: a stable sort, a loop, a
//! minimum over all positions of a line.

use super::{Operand, truth};
use crate::ir::{DimId, DimSizes, Dims, OrderOp};
use crate::run::value::Array;
use std::cmp::Ordering;

/// The operation on every sequence along `over`.
pub(super) fn order(op: OrderOp, over: &Dims, sizes: &DimSizes, args: &[Operand<'_>]) -> Array {
    let x = args[0];
    sequences(x, over, sizes, |row, at| {
        let entries: Vec<f64> = at.iter().map(|&i| x.array.data[i]).collect();
        let second = || -> Vec<f64> { at.iter().map(|&i| args[1].array.data[i]).collect() };
        match op {
            OrderOp::ArgSort => sorted(&entries, false),
            OrderOp::ArgSortDown => sorted(&entries, true),
            OrderOp::Take => {
                let entry = |p: &f64| position(*p, entries.len()).map_or(f64::NAN, |p| entries[p]);
                second().iter().map(entry).collect()
            }
            OrderOp::Scatter => {
                let mut sums = vec![0.0; entries.len()];
                for (x, p) in entries.iter().zip(second()) {
                    if let Some(p) = position(p, entries.len()) {
                        sums[p] += x;
                    }
                }
                sums
            }
            OrderOp::CumSum => running(&entries, 0..entries.len()),
            OrderOp::CumSumBack => running(&entries, (0..entries.len()).rev()),
            OrderOp::CumSumBy | OrderOp::CumSumByBack => {
                let listed = second().into_iter();
                let mut listed: Vec<usize> =
                    listed.filter_map(|p| position(p, entries.len())).collect();
                if op == OrderOp::CumSumByBack {
                    listed.reverse();
                }
                running(&entries, listed)
            }
            OrderOp::TopK => {
                // The second operand has one number for each sequence.
                let wanted = args[1].array.data[row];
                let mut chosen = vec![0.0; entries.len()];
                for (rank, p) in sorted(&entries, true).into_iter().enumerate() {
                    chosen[p as usize] = truth((rank as f64) < wanted);
                }
                chosen
            }
        }
    })
}

/// Calls `f` with the number of each sequence along `over` and where its entries lie, and puts
/// what it gives in their places.
fn sequences(
    x: Operand<'_>,
    over: &Dims,
    sizes: &DimSizes,
    mut f: impl FnMut(usize, &[usize]) -> Vec<f64>,
) -> Array {
    let mut out = Array::filled(x.array.shape.clone(), 0.0);
    let along = offsets(x, over, sizes);
    for (row, first) in offsets(x, &x.dims.minus(over), sizes).iter().enumerate() {
        let at: Vec<usize> = along.iter().map(|i| first + i).collect();
        for (&i, value) in at.iter().zip(f(row, &at)) {
            out.data[i] = value;
        }
    }
    out
}

/// How far from the first entry the others lie, over some of the dims in row-major order.
fn offsets(x: Operand<'_>, dims: &Dims, sizes: &DimSizes) -> Vec<usize> {
    let strides = x.strides(dims.as_slice());
    let mut all = vec![0];
    for (dim, stride) in dims.iter().zip(strides) {
        let along = |first: &usize| -> Vec<usize> {
            (0..sizes.get(dim)).map(|i| first + i * stride).collect()
        };
        all = all.iter().flat_map(along).collect();
    }
    all
}

/// A position, if it is one of so many.
fn position(p: f64, count: usize) -> Option<usize> {
    (p >= 0.0 && p < count as f64).then_some(p as usize)
}

/// The positions in order; equals keep theirs, NaN comes last either way.
fn sorted(entries: &[f64], down: bool) -> Vec<f64> {
    let mut positions: Vec<usize> = (0..entries.len()).collect();
    positions.sort_by(|&a, &b| {
        let (a, b) = (entries[a], entries[b]);
        match a.partial_cmp(&b) {
            Some(order) if down => order.reverse(),
            Some(order) => order,
            None if a.is_nan() && b.is_nan() => Ordering::Equal,
            None if a.is_nan() => Ordering::Greater,
            None => Ordering::Less,
        }
    });
    positions.into_iter().map(|p| p as f64).collect()
}

/// The sum so far at each position that is visited, 0 at the others.
fn running(entries: &[f64], visited: impl IntoIterator<Item = usize>) -> Vec<f64> {
    let mut sums = vec![0.0; entries.len()];
    let mut total = 0.0;
    for p in visited {
        total += entries[p];
        sums[p] = total;
    }
    sums
}

/// The distance to the nearest position where `mask` does not hold, one dim after the other: the
/// square of a distance is the least, over all positions of a line, of the square within the line
/// and the square that the dims before have found there.
pub(super) fn distance(mask: Operand<'_>, along: &[(DimId, f64)]) -> Array {
    let mut out = mask.array.clone();
    for x in &mut out.data {
        *x = if *x != 0.0 { f64::INFINITY } else { 0.0 };
    }
    for &(dim, spacing) in along {
        let squares = Operand {
            dims: mask.dims,
            array: &out,
        };
        out = super::lanes(squares, dim, |line| {
            let found = line.to_vec();
            for (i, x) in line.iter_mut().enumerate() {
                let from = |(j, rest): (usize, &f64)| {
                    let far = spacing * i.abs_diff(j) as f64;
                    rest + far * far
                };
                *x = found
                    .iter()
                    .enumerate()
                    .map(from)
                    .fold(f64::INFINITY, f64::min);
            }
        });
    }
    out.data.iter_mut().for_each(|x| *x = x.sqrt());
    out
}
