//! Operations along a class axis → Candle operations.

use super::axes;
use super::elementwise::{choose, is_nan, like, zip};
use super::reduce;
use candle_core::{DType, Result, Tensor};

/// exp(x) / Σ exp(x) along an axis. Every entry stands for `repeats` equal ones.
pub(super) fn softmax(x: &Tensor, axis: usize, repeats: usize) -> Result<Tensor> {
    let m = reduce::max(x, &[axis])?;
    let terms = zip([x, &m], |[x, m]| x.sub(&m)?.exp())?;
    let total = reduce::sum(&terms, &[axis], repeats)?;
    zip([&terms, &total], |[terms, total]| terms.div(&total))
}

/// log(softmax) along an axis. Every entry stands for `repeats` equal ones.
pub(super) fn log_softmax(x: &Tensor, axis: usize, repeats: usize) -> Result<Tensor> {
    let m = reduce::max(x, &[axis])?;
    // The difference first: where both are large it is exact, and their logarithm's is not.
    let below = zip([x, &m], |[x, m]| x.sub(&m))?;
    let terms = zip([&below], |[below]| below.exp())?;
    let norm = reduce::sum(&terms, &[axis], repeats)?.log()?;
    zip([&below, &norm], |[below, norm]| below.sub(&norm))
}

/// 1.0 where the position along a new axis is the label, else 0.0.
pub(super) fn one_hot(labels: &Tensor, axis: usize, size: usize, dtype: DType) -> Result<Tensor> {
    let labels = labels.unsqueeze(axis)?;
    let positions = positions(&labels, axis, size)?;
    zip([&labels, &positions], |[a, b]| a.eq(&b))?.to_dtype(dtype)
}

/// The position of the largest entry of an axis, the first of equals, the first NaN if there is
/// one. (Candle's `argmax` does not say which of equals it finds.)
pub(super) fn arg_max(x: &Tensor, axis: usize) -> Result<Tensor> {
    let size = x.dim(axis)?;
    let largest = reduce::with_nan(x, &[axis], reduce::max(x, &[axis])?)?;
    let best = zip([x, &largest], |[x, m]| x.eq(&m)?.maximum(&is_nan(&x)?))?;
    let positions = positions(x, axis, size)?;
    let candidates = zip([&best, &positions], |[best, positions]| {
        choose(&best, &positions, &like(&positions, size as f64)?)
    })?;
    reduce::min(&candidates, &[axis])?.squeeze(axis)
}

/// 0, 1, 2, … along an axis, and size 1 along the others.
fn positions(x: &Tensor, axis: usize, size: usize) -> Result<Tensor> {
    let mut shape = vec![1; x.rank()];
    shape[axis] = size;
    Tensor::arange(0, size as i64, x.device())?.reshape(shape)
}

/// The entry of `x` at the class that the label names; NaN (0 of integers and booleans) where it
/// names none of the `classes`.
///
/// `x` has the axes of `labels`, and `axis` for the classes.
pub(super) fn pick(x: &Tensor, labels: &Tensor, axis: usize, classes: usize) -> Result<Tensor> {
    let valid = zip([labels], |[labels]| {
        let not_negative = labels.ge(&like(&labels, 0.0)?)?;
        not_negative.mul(&labels.lt(&like(&labels, classes as f64)?)?)
    })?;
    let found = if x.dim(axis)? == 1 {
        x.squeeze(axis)?
    } else {
        let safe = zip([&valid, labels], |[valid, labels]| {
            choose(&valid, &labels, &like(&labels, 0.0)?)
        })?;
        gather(x, &safe, axis)?
    };
    let missing = if x.dtype().is_float() { f64::NAN } else { 0.0 };
    zip([&valid, &found], |[valid, found]| {
        choose(&valid, &found, &like(&found, missing)?)
    })
}

/// The entry of `x` at the label.
///
/// Axes along which only the labels vary are rolled into the class axis of the labels, so that
/// `x` is never repeated: weights of classes stay as many as there are classes.
fn gather(x: &Tensor, labels: &Tensor, axis: usize) -> Result<Tensor> {
    let rank = labels.rank();
    let mut own = x.dims().to_vec();
    own.remove(axis);
    let varies = |i: &usize| own[*i] != 1;
    let before: Vec<usize> = (0..axis).filter(varies).collect();
    let after: Vec<usize> = (axis..rank).filter(varies).collect();
    let only_labels: Vec<usize> = (0..rank).filter(|i| !varies(i)).collect();

    let mut spread = labels.dims().to_vec();
    for i in before.iter().chain(&after) {
        spread[*i] = own[*i];
    }
    let order = [&before[..], &only_labels[..], &after[..]].concat();
    let count = |axes: &[usize]| axes.iter().map(|&i| spread[i]).product::<usize>();
    let (left, middle, right) = (count(&before), count(&only_labels), count(&after));

    let x = x.contiguous()?.reshape((left, x.dim(axis)?, right))?;
    let labels = labels
        .broadcast_as(spread.as_slice())?
        .permute(order.as_slice())?
        .contiguous()?
        .reshape((left, middle, right))?;
    let found = x.gather(&labels, 1)?;
    let shape: Vec<usize> = order.iter().map(|&i| spread[i]).collect();
    let mut back = vec![0; rank];
    for (place, &i) in order.iter().enumerate() {
        back[i] = place;
    }
    axes::permuted(&found.reshape(shape)?, &back)
}
