//! Operations along several axes seen as one → the CPU: Candle sorts along one axis, unstably, and
//! adds up by a matrix of n² entries. Values come to the host, are worked on in f64, and go back.

use crate::ir::OrderOp;
use crate::run::rows::{self, Scratch};
use candle_core::{DType, Device, Result, Tensor};

/// The operation along `over`. All operands have the same axes, of size `sizes` or 1.
pub(super) fn order(
    op: OrderOp,
    args: &[Tensor],
    sizes: &[usize],
    over: &[usize],
    dtype: DType,
) -> Result<Tensor> {
    let split = Split::new(sizes, over);
    let x = split.gathered(&args[0], sizes)?;
    // One number for each sequence, or one for each entry.
    let mut shape = sizes.to_vec();
    if op == OrderOp::TopK {
        over.iter().for_each(|&axis| shape[axis] = 1);
    }
    let second = match args.get(1) {
        None => Vec::new(),
        Some(second) => split.gathered(second, &shape)?,
    };
    let each = second.len() * split.length / x.len();
    let (mut scratch, mut out) = (Scratch::default(), vec![0.0; x.len()]);
    let sequences = out
        .chunks_exact_mut(split.length)
        .zip(x.chunks_exact(split.length));
    for (i, (out, x)) in sequences.enumerate() {
        rows::order(op, x, &second[i * each..(i + 1) * each], out, &mut scratch);
    }
    split.spread(out, args[0].device(), dtype)
}

/// The distance to the nearest position where `mask` does not hold, along axes with their spacings.
pub(super) fn distance(
    mask: &Tensor,
    sizes: &[usize],
    along: &[(usize, f64)],
    dtype: DType,
) -> Result<Tensor> {
    let (axes, spacing): (Vec<usize>, Vec<f64>) = along.iter().copied().unzip();
    let split = Split::new(sizes, &axes);
    let extent: Vec<usize> = axes.iter().map(|&axis| sizes[axis]).collect();
    let holds = split.gathered(mask, sizes)?;
    let (mut scratch, mut out) = (Scratch::default(), vec![0.0; holds.len()]);
    let boxes = out
        .chunks_exact_mut(split.length)
        .zip(holds.chunks_exact(split.length));
    for (out, holds) in boxes {
        rows::distance(holds, &extent, &spacing, out, &mut scratch);
    }
    split.spread(out, mask.device(), dtype)
}

/// Which axes are worked along, the others before them.
struct Split {
    order: Vec<usize>,
    shape: Vec<usize>,
    length: usize,
}

impl Split {
    fn new(sizes: &[usize], over: &[usize]) -> Split {
        let rest = (0..sizes.len()).filter(|axis| !over.contains(axis));
        let order: Vec<usize> = rest.chain(over.iter().copied()).collect();
        Split {
            shape: order.iter().map(|&axis| sizes[axis]).collect(),
            length: over.iter().map(|&axis| sizes[axis]).product(),
            order,
        }
    }

    /// The entries of `x`, spread out to `shape`, one sequence after the other.
    fn gathered(&self, x: &Tensor, shape: &[usize]) -> Result<Vec<f64>> {
        x.broadcast_as(shape)?
            .permute(self.order.as_slice())?
            .contiguous()?
            .flatten_all()?
            .to_device(&Device::Cpu)?
            .to_dtype(DType::F64)?
            .to_vec1()
    }

    /// The tensor whose sequences these are.
    fn spread(&self, entries: Vec<f64>, device: &Device, dtype: DType) -> Result<Tensor> {
        let mut back = vec![0; self.order.len()];
        for (place, &axis) in self.order.iter().enumerate() {
            back[axis] = place;
        }
        Tensor::from_vec(entries, self.shape.as_slice(), &Device::Cpu)?
            .to_dtype(dtype)?
            .to_device(device)?
            .permute(back)
    }
}
