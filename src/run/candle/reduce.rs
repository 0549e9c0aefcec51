//! Reductions → Candle's, over one run of neighbouring axes at a time, the last first.
//!
//! Reduced axes stay, with size 1. Candle adds one number after the other: f32 sums along a
//! strided axis stop growing at 2²⁴. So sums are taken of chunks, and sums of the chunks' sums in
//! f64 where the device has it.

use super::elementwise::{choose, is_nan, like, zip};
use super::wide;
use crate::ir::ReduceOp;
use candle_core::{DType, Result, Tensor};

/// Axes of at most this many f32 entries are summed as they are, with errors around 1e-7.
const SHORT: usize = 32;

/// The same for f64.
const SHORT_WIDE: usize = 4096;

/// The longest chunk.
const CHUNK: usize = 256;

/// What a reduction of nothing gives.
pub(super) fn of_nothing(op: ReduceOp) -> f64 {
    match op {
        ReduceOp::Sum | ReduceOp::Any => 0.0,
        ReduceOp::Prod | ReduceOp::All => 1.0,
        ReduceOp::Max | ReduceOp::LogSumExp => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
    }
}

/// The reduction over `axes`. Every entry stands for `repeats` equal ones: the entries of the dims
/// that are kept as axes of size 1.
pub(super) fn reduce(op: ReduceOp, x: &Tensor, axes: &[usize], repeats: usize) -> Result<Tensor> {
    match op {
        ReduceOp::Sum => sum(x, axes, repeats),
        ReduceOp::Prod => {
            let y = by_runs(x, axes, product)?;
            match repeats {
                1 => Ok(y),
                _ => zip([&y], |[y]| y.powf(repeats as f64)),
            }
        }
        ReduceOp::Max => with_nan(x, axes, max(x, axes)?),
        ReduceOp::Min => with_nan(x, axes, min(x, axes)?),
        ReduceOp::LogSumExp => log_sum_exp(x, axes, repeats),
        ReduceOp::Any => max(x, axes),
        ReduceOp::All => min(x, axes),
    }
}

/// Σ over `axes`, times `repeats`.
pub(super) fn sum(x: &Tensor, axes: &[usize], repeats: usize) -> Result<Tensor> {
    let y = by_runs(x, axes, sum_run)?;
    match repeats {
        1 => Ok(y),
        _ => y.affine(repeats as f64, 0.0),
    }
}

/// The largest over `axes`; whether NaN is seen depends on the device.
pub(super) fn max(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    by_runs(x, axes, |x| x.max_keepdim(1))
}

/// The smallest over `axes`; whether NaN is seen depends on the device.
pub(super) fn min(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    by_runs(x, axes, |x| x.min_keepdim(1))
}

/// `y`, or NaN where `x` has one under it.
pub(super) fn with_nan(x: &Tensor, axes: &[usize], y: Tensor) -> Result<Tensor> {
    let nan = zip([x], |[x]| is_nan(&x))?;
    let nan = max(&nan, axes)?;
    zip([&nan, &y], |[nan, y]| {
        choose(&nan, &like(&y, f64::NAN)?, &y)
    })
}

/// m + log Σ exp(x − m), where m is the largest, or 0 if that is not finite.
fn log_sum_exp(x: &Tensor, axes: &[usize], repeats: usize) -> Result<Tensor> {
    let m = zip([&max(x, axes)?], |[m]| {
        let finite = m.abs()?.lt(&like(&m, f64::INFINITY)?)?;
        choose(&finite, &m, &like(&m, 0.0)?)
    })?;
    let terms = zip([x, &m], |[x, m]| x.sub(&m)?.exp())?;
    let total = sum(&terms, axes, repeats)?;
    zip([&total, &m], |[total, m]| total.log()?.add(&m))
}

/// Applies `f` to each run of neighbouring axes, as the middle axis of three, from the last to
/// the first. `f` leaves that axis with size 1.
fn by_runs(x: &Tensor, axes: &[usize], f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let mut y = x.clone();
    // An axis of size 1 may be in any run.
    let in_run = |y: &Tensor, axis: usize| y.dims()[axis] == 1 || axes.contains(&axis);
    let mut end = x.rank();
    while end > 0 {
        let mut start = end;
        while start > 0 && in_run(&y, start - 1) {
            start -= 1;
        }
        let count = |y: &Tensor, axes: std::ops::Range<usize>| y.dims()[axes].iter().product();
        let length: usize = count(&y, start..end);
        if length > 1 {
            let (before, after): (usize, usize) = (count(&y, 0..start), count(&y, end..y.rank()));
            let mut shape = y.dims().to_vec();
            shape[start..end].fill(1);
            y = f(&y.reshape((before, length, after))?)?.reshape(shape)?;
        }
        // The axis before the run, if there is one, is kept.
        end = start.saturating_sub(1);
    }
    Ok(y)
}

/// Sums along the middle axis, in chunks.
fn sum_run(x: &Tensor) -> Result<Tensor> {
    let dtype = x.dtype();
    let mut x = x.clone();
    loop {
        let (before, length, after) = x.dims3()?;
        let short = match x.dtype() {
            DType::F64 => SHORT_WIDE,
            _ => SHORT,
        };
        if length <= short {
            return plain_sum(&x)?.to_dtype(dtype);
        }
        let chunk = chunk(length);
        let (chunks, rest) = (length / chunk, length % chunk);
        let head = slice(&x, 0, chunks * chunk)?.reshape((before * chunks, chunk, after))?;
        let mut sums = plain_sum(&head)?.reshape((before, chunks, after))?;
        if rest > 0 {
            let tail = slice(&x, chunks * chunk, rest)?;
            sums = Tensor::cat(&[sums, plain_sum(&tail)?], 1)?;
        }
        x = sums.to_dtype(wide(&x))?;
    }
}

/// A contiguous stretch of the middle axis.
fn slice(x: &Tensor, start: usize, length: usize) -> Result<Tensor> {
    x.narrow(1, start, length)?.contiguous()
}

/// How many entries to add in one go: about a sixteenth of all, and a divisor if there is one, so
/// that nothing is copied.
fn chunk(length: usize) -> usize {
    let most = (length / 16).clamp(16, CHUNK);
    let divides = |chunk: &usize| length.is_multiple_of(*chunk);
    (most / 2..=most).rev().find(divides).unwrap_or(most)
}

/// Candle's sum along the middle of three axes.
fn plain_sum(x: &Tensor) -> Result<Tensor> {
    let (before, length, after) = x.dims3()?;
    if after == 1 {
        // Candle is faster, and on CPU more accurate, along the very last axis.
        let y = x.reshape((before, length))?.sum_keepdim(1)?;
        y.reshape((before, 1, 1))
    } else {
        x.sum_keepdim(1)
    }
}

/// Multiplies along the middle axis, one half with the other until one entry is left.
fn product(x: &Tensor) -> Result<Tensor> {
    let dtype = x.dtype();
    let mut x = x.to_dtype(wide(x))?;
    loop {
        let length = x.dim(1)?;
        if length == 1 {
            return x.to_dtype(dtype);
        }
        let half = length / 2;
        let pairs = x.narrow(1, 0, half)?.mul(&x.narrow(1, half, half)?)?;
        x = match length % 2 {
            0 => pairs,
            _ => Tensor::cat(&[pairs, slice(&x, length - 1, 1)?], 1)?,
        };
    }
}
