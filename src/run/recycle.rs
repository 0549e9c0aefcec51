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
    if !tensor.device().is_cpu() || !tensor.is_contiguous() {
        return None;
    }
    let exchange = Exchange(RefCell::new(None));
    tensor.inplace_op1(&exchange).ok()?;
    exchange.0.into_inner()
}

/// Gives a tensor from which elements were taken others, as many of the same type in the same memory; returns them in
/// this shape.
pub(super) fn put(owner: &Tensor, elements: Elements, shape: Vec<usize>) -> Result<Tensor> {
    owner.inplace_op1(&Exchange(RefCell::new(Some(elements))))?;
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

/// Gives what it holds to the memory of a tensor, and otherwise holds what was there.
struct Exchange(RefCell<Option<Elements>>);

impl InplaceOp1 for Exchange {
    fn name(&self) -> &'static str {
        "lossc-exchange"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (first, count) = (layout.start_offset(), layout.shape().elem_count());
        let new = self.0.take().map(|elements| elements.into_parts().0);
        macro_rules! exchange {
            ($($kind:ident),*) => {
                match (storage, new) {
                    $(
                        // A part of a larger tensor is not for others to take.
                        (CpuStorage::$kind(x), None)
                            if x.len() == first + count && Elements::may_be(x, first) =>
                        {
                            let old = Values::$kind(std::mem::take(x));
                            self.0.replace(Some(Elements::of(old, first)));
                        }
                        (CpuStorage::$kind(x), Some(Values::$kind(new))) => *x = new,
                    )*
                    (_, None) => {}
                    (_, Some(_)) => bail!("elements of another type than the tensor's"),
                }
            };
        }
        exchange!(F16, BF16, F32, F64);
        Ok(())
    }
}
