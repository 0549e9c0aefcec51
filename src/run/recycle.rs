//! Gradients in the memory of former gradients.
//!
//! New memory costs more than a loss: the system clears each page of it when it is first written.
//! Who owns the gradients of an earlier call has room for those of the next.

use super::fused::Values;
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

/// The elements of a tensor that is to be overwritten, if they are all that its memory holds. The
/// tensor must be given others by [`put`].
pub(super) fn take(tensor: &Tensor) -> Option<Values> {
    let all = Some((0, tensor.elem_count()));
    if !tensor.device().is_cpu() || tensor.layout().contiguous_offsets() != all {
        return None;
    }
    let exchange = Exchange(RefCell::new(None));
    tensor.inplace_op1(&exchange).ok()?;
    exchange.0.into_inner()
}

/// Gives a tensor from which elements were taken others, as many of the same type; returns them in
/// this shape.
pub(super) fn put(owner: &Tensor, values: Values, shape: Vec<usize>) -> Result<Tensor> {
    owner.inplace_op1(&Exchange(RefCell::new(Some(values))))?;
    owner.reshape(shape)
}

/// A tensor of these elements.
pub(super) fn tensor(values: Values, shape: Vec<usize>) -> Result<Tensor> {
    match values {
        Values::F16(x) => Tensor::from_vec(x, shape, &Device::Cpu),
        Values::BF16(x) => Tensor::from_vec(x, shape, &Device::Cpu),
        Values::F32(x) => Tensor::from_vec(x, shape, &Device::Cpu),
        Values::F64(x) => Tensor::from_vec(x, shape, &Device::Cpu),
    }
}

/// Gives what it holds to the memory of a tensor, and holds what was there.
struct Exchange(RefCell<Option<Values>>);

impl InplaceOp1 for Exchange {
    fn name(&self) -> &'static str {
        "lossc-exchange"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        macro_rules! exchange {
            ($($kind:ident),*) => {
                match (storage, self.0.take()) {
                    $(
                        // A part of a larger tensor is not for others to take.
                        (CpuStorage::$kind(x), None) if x.len() == layout.shape().elem_count() => {
                            self.0.replace(Some(Values::$kind(std::mem::take(x))));
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
