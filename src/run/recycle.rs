//! Gradients in the memory of former gradients.
//!
//! New memory costs more than a loss: the system clears each page of it when it is first written.
//! Who owns the gradients of an earlier call has room for those of the next.

use super::fused::{Elements, Values};
use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Result, Storage, Tensor, bail};
use std::cell::RefCell;

/// Whether two tensors lie in the same memory.
pub(super) fn shared(a: &Tensor, b: &Tensor) -> bool {
    let memory = |tensor: &Tensor| {
        let (storage, _) = tensor.storage_and_layout();
        match &*storage {
            Storage::Cpu(CpuStorage::F16(x)) => Some(x.as_ptr().addr()),
            Storage::Cpu(CpuStorage::BF16(x)) => Some(x.as_ptr().addr()),
            Storage::Cpu(CpuStorage::F32(x)) => Some(x.as_ptr().addr()),
            Storage::Cpu(CpuStorage::F64(x)) => Some(x.as_ptr().addr()),
            _ => None,
        }
    };
    memory(a).is_some_and(|a| memory(b) == Some(a))
}

/// The elements of a tensor that is to be overwritten, if they are all that its memory holds and lie as those of an
/// output do. The tensor must be given others by [`put`].
pub(super) fn take(tensor: &Tensor) -> Option<Elements> {
    let (first, end) = tensor.layout().contiguous_offsets()?;
    if !tensor.device().is_cpu() || end - first != tensor.elem_count() {
        return None;
    }
    let exchange = Exchange(RefCell::new(Held::Place { first }));
    tensor.inplace_op1(&exchange).ok()?;
    match exchange.0.into_inner() {
        Held::Elements(elements) => Some(elements),
        _ => None,
    }
}

/// Gives a tensor from which elements were taken others, as many of the same type in the same memory; returns them in
/// this shape.
pub(super) fn put(owner: &Tensor, elements: Elements, shape: Vec<usize>) -> Result<Tensor> {
    owner.inplace_op1(&Exchange(RefCell::new(Held::Elements(elements))))?;
    owner.reshape(shape)
}

/// A tensor of these elements.
pub(super) fn tensor(elements: Elements, shape: Vec<usize>) -> Result<Tensor> {
    let (all, first) = elements.into_parts();
    let len = first + shape.iter().product::<usize>();
    let all = match all {
        Values::F16(x) => Tensor::from_vec(x, len, &Device::Cpu),
        Values::BF16(x) => Tensor::from_vec(x, len, &Device::Cpu),
        Values::F32(x) => Tensor::from_vec(x, len, &Device::Cpu),
        Values::F64(x) => Tensor::from_vec(x, len, &Device::Cpu),
    };
    all?.narrow(0, first, len - first)?.reshape(shape)
}

/// Takes the elements from the memory of a tensor, or gives it others.
struct Exchange(RefCell<Held>);

enum Held {
    /// Nothing yet: the tensor's elements begin here.
    Place { first: usize },
    /// Elements that were taken, or are to be given.
    Elements(Elements),
    /// They have been given.
    Nothing,
}

impl InplaceOp1 for Exchange {
    fn name(&self) -> &'static str {
        "lossc-exchange"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let count = layout.shape().elem_count();
        match self.0.replace(Held::Nothing) {
            Held::Place { first } => {
                macro_rules! taken {
                    ($($kind:ident),*) => {
                        match storage {
                            // A part of a larger tensor is not for others to take.
                            $(CpuStorage::$kind(x)
                                if x.len() == first + count && Elements::may_be(x, first) =>
                            {
                                Some(Elements::of(Values::$kind(std::mem::take(x)), first))
                            })*
                            _ => None,
                        }
                    };
                }
                if let Some(elements) = taken!(F16, BF16, F32, F64) {
                    self.0.replace(Held::Elements(elements));
                }
                Ok(())
            }
            Held::Elements(elements) => {
                macro_rules! given {
                    ($($kind:ident),*) => {
                        match (storage, elements.into_parts().0) {
                            $((CpuStorage::$kind(x), Values::$kind(new)) => *x = new,)*
                            _ => bail!("elements of another type than the tensor's"),
                        }
                    };
                }
                given!(F16, BF16, F32, F64);
                Ok(())
            }
            Held::Nothing => Ok(()),
        }
    }
}
