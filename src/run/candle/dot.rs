//! Contractions → a matrix product, or a product and a sum where there is no matrix.

use super::axes::{self, permuted};
use super::elementwise::zip;
use super::reduce;
use candle_core::{DType, Result, Tensor};

/// A matrix product adds up to this many f32 numbers (or twice as many) one after the other.
const CHUNK: usize = 4096;

/// Σ a·b over `over`. Both have the same axes, of size `sizes` or 1; those summed stay, with
/// size 1. With infinite factors the result is inf or NaN, not always that of the two which adding the
/// products one by one would give.
pub(super) fn dot(a: &Tensor, b: &Tensor, sizes: &[usize], over: &[usize]) -> Result<Tensor> {
    // Where one factor is constant along a summed axis, the other is summed first; where both are,
    // the product counts as often as the axis is long.
    let constant = |x: &Tensor, y: &Tensor| -> Vec<usize> {
        let along = |&axis: &usize| x.dims()[axis] == 1 && y.dims()[axis] != 1;
        over.iter().copied().filter(along).collect()
    };
    let repeats: usize = over
        .iter()
        .filter(|&&axis| a.dims()[axis] == 1 && b.dims()[axis] == 1)
        .map(|&axis| sizes[axis])
        .product();
    let (only_b, only_a) = (constant(a, b), constant(b, a));
    let a = reduce::sum(a, &only_a, 1)?;
    let b = reduce::sum(b, &only_b, repeats)?;

    let all = 0..a.rank();
    let which = |in_a: bool, in_b: bool, summed: bool| -> Vec<usize> {
        let fits = |&axis: &usize| {
            (a.dims()[axis] != 1) == in_a
                && (b.dims()[axis] != 1) == in_b
                && over.contains(&axis) == summed
        };
        all.clone().filter(fits).collect()
    };
    let (rows, columns) = (which(true, false, false), which(false, true, false));
    let inner = which(true, true, true);
    if rows.is_empty() || columns.is_empty() || inner.is_empty() {
        let product = zip([&a, &b], |[a, b]| a.mul(&b))?;
        return reduce::sum(&product, &inner, 1);
    }

    let batch = which(true, true, false);
    let single: Vec<usize> = all
        .clone()
        .filter(|&axis| a.dims()[axis] == 1 && b.dims()[axis] == 1)
        .collect();
    let count = |x: &Tensor, axes: &[usize]| axes.iter().map(|&i| x.dims()[i]).product::<usize>();
    let matrix = |x: &Tensor, first: &[usize], second: &[usize]| {
        let rest = all.clone().filter(|axis| x.dims()[*axis] == 1);
        let order: Vec<usize> = [&batch, first, second]
            .concat()
            .into_iter()
            .chain(rest)
            .collect();
        let shape = (count(x, &batch), count(x, first), count(x, second));
        permuted(x, &order)?.contiguous()?.reshape(shape)
    };
    let product = product(&matrix(&a, &rows, &inner)?, &matrix(&b, &inner, &columns)?)?;

    let order = [&batch[..], &rows, &columns, &inner, &single].concat();
    let size = |&axis: &usize| match inner.contains(&axis) {
        true => 1,
        false => a.dims()[axis].max(b.dims()[axis]),
    };
    let shape: Vec<usize> = order.iter().map(size).collect();
    let mut back = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    permuted(&product.reshape(shape)?, &back)
}

/// The product of two batches of matrices; long rows are multiplied in chunks.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (batch, rows, inner) = a.dims3()?;
    let columns = b.dim(2)?;
    if inner <= 2 * CHUNK || a.dtype() == DType::F64 {
        return a.matmul(b);
    }
    let chunks = inner.div_ceil(CHUNK);
    let missing = chunks * CHUNK - inner;
    let a = axes::padded(a, 2, inner, 0, missing)?
        .reshape((batch, rows, chunks, CHUNK))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((batch * chunks, rows, CHUNK))?;
    let b = axes::padded(b, 1, inner, 0, missing)?.reshape((batch * chunks, CHUNK, columns))?;
    let parts = a.matmul(&b)?.reshape((batch, chunks, rows, columns))?;
    reduce::sum(&parts, &[1], 1)?.squeeze(1)
}
