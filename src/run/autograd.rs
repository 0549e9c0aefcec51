//! A total and the function that computes its gradients → a node of Candle's autograd.
//!
//! Candle's graph takes operations of others in with at most three operands, so a total with more
//! tracked tensors is a chain of such operations: each passes the total on, and in the backward
//! pass each gives its own tensors their gradients and the link before it the upstream factor.
//! The gradients are computed once per backward pass, by the link that it reaches first.
//!
//! Must not know: the IR, back ends.

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::backprop::GradStore;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, DType, Layout, MetalStorage, Result,
    Shape, Storage, Tensor, bail,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// Computes the gradients of a total.
///
/// Takes the upstream factor, a scalar of the dtype of the total (the gradient of whatever is
/// minimized with respect to the total), and the numbers of the tracked tensors whose gradients
/// are wanted. Returns those, in that order, in the shapes of their tensors; a gradient of another
/// dtype than its tensor is converted.
pub type Gradients = Arc<dyn Fn(&Tensor, &[usize]) -> Result<Vec<Tensor>> + Send + Sync>;

/// A scalar equal to `total` whose backward pass gives `tracked` their gradients.
///
/// `total` has one element, f32 or f64. `tracked` are the tensors that the total was computed
/// from, in any float dtype, on the device of the total; those outside Candle's autograd are
/// passed over, and if all are, `total` comes back as it is. A tensor may occur more than once.
///
/// The result may be part of a larger expression, and `backward` may run more than once and on
/// several threads at a time. Every run calls `gradients` once.
///
/// # Errors
/// If `total` has more than one element or lies on another device than the tensors. The backward
/// pass fails if `gradients` does, or gives another number of tensors, or other shapes.
pub fn attach(total: &Tensor, tracked: &[Tensor], gradients: Gradients) -> Result<Tensor> {
    let wanted: Vec<usize> = (0..tracked.len())
        .filter(|&i| tracked[i].track_op())
        .collect();
    if wanted.is_empty() {
        return Ok(total.clone());
    }
    // A copy, because the memory of the total is read whenever a link is made.
    let total = total.detach().reshape(())?.force_contiguous()?;
    if let Some(&other) = wanted
        .iter()
        .find(|&&i| !tracked[i].device().same_device(total.device()))
    {
        let (is, wanted) = (
            tracked[other].device().location(),
            total.device().location(),
        );
        bail!("tensor {other} lies on {is:?}, its total on {wanted:?}");
    }
    let tensors: Vec<&Tensor> = wanted.iter().map(|&i| &tracked[i]).collect();
    let pass = Arc::new(Pass {
        total,
        gradients,
        wanted,
        waiting: Mutex::default(),
    });
    let link = |slots: Range<usize>| Link {
        pass: pass.clone(),
        slots,
    };
    let (mut result, mut done) = match tensors[..] {
        [a] => (a.apply_op1(link(0..1))?, 1),
        [a, b] => (a.apply_op2(b, link(0..2))?, 2),
        [a, b, c, ..] => (a.apply_op3(b, c, link(0..3))?, 3),
        [] => bail!("no tensor is tracked"),
    };
    while done < tensors.len() {
        result = match tensors[done..] {
            [a] => result.apply_op2(a, link(done..done + 1))?,
            [a, b, ..] => result.apply_op3(a, b, link(done..done + 2))?,
            [] => bail!("no tensor is left"),
        };
        done = tensors.len().min(done + 2);
    }
    Ok(result)
}

/// What the links of a chain share.
struct Pass {
    total: Tensor,
    gradients: Gradients,
    /// The numbers of the tracked tensors, by slot.
    wanted: Vec<usize>,
    /// Gradients that a backward pass has computed and the links have not fetched yet, by slot.
    /// A backward pass runs on one thread from end to end, so the thread tells it from others.
    waiting: Mutex<HashMap<ThreadId, Vec<Tensor>>>,
}

impl Pass {
    /// The gradients of the last slots, those from `slots.start` on; links ask from last to first.
    fn fetch(&self, upstream: &Tensor, slots: &Range<usize>) -> Result<Vec<Tensor>> {
        let last = slots.end == self.wanted.len();
        let here = thread::current().id();
        // Whatever an earlier pass of this thread left when it failed is dropped here.
        let waiting = self.lock().remove(&here).filter(|_| !last);
        let mut gradients = match waiting {
            Some(gradients) if gradients.len() == slots.end => gradients,
            // The last link computes for all. For another to find nothing takes a backward pass
            // that began inside the chain, which nobody but this file can reach.
            _ => self.compute(upstream, slots.end)?,
        };
        let own = gradients.split_off(slots.start);
        if slots.start > 0 {
            self.lock().insert(here, gradients);
        }
        Ok(own)
    }

    /// The gradients of the first `count` slots.
    fn compute(&self, upstream: &Tensor, count: usize) -> Result<Vec<Tensor>> {
        let upstream = upstream.detach().reshape(())?;
        let gradients = (self.gradients)(&upstream, &self.wanted[..count])?;
        if gradients.len() != count {
            bail!("{} gradients for {count} tensors", gradients.len());
        }
        Ok(gradients)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ThreadId, Vec<Tensor>>> {
        // A panic elsewhere cannot leave half a map behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One operation of the chain; in front of it, except for the first, stands the link before.
struct Link {
    pass: Arc<Pass>,
    slots: Range<usize>,
}

impl Link {
    const NAME: &'static str = "lossc";

    fn is_first(&self) -> bool {
        self.slots.start == 0
    }

    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = self.pass.total.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.try_clone(layout)?, Shape::from(()))),
            _ => bail!("the total does not lie in host memory"),
        }
    }

    fn on_cuda(&self) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = self.pass.total.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, Shape::from(()))),
            _ => bail!("the total does not lie on the CUDA device"),
        }
    }

    fn on_metal(&self) -> Result<(MetalStorage, Shape)> {
        let (storage, layout) = self.pass.total.storage_and_layout();
        match &*storage {
            Storage::Metal(storage) => Ok((storage.try_clone(layout)?, Shape::from(()))),
            _ => bail!("the total does not lie on the Metal device"),
        }
    }

    /// The gradients of all operands; that of the link before is the upstream factor itself.
    fn gradients<const N: usize>(
        &self,
        operands: [&Tensor; N],
        upstream: &Tensor,
    ) -> Result<[Option<Tensor>; N]> {
        let mut own = self.pass.fetch(upstream, &self.slots)?.into_iter();
        let mut gradients = [const { None }; N];
        for (i, operand) in operands.into_iter().enumerate() {
            gradients[i] = if i == 0 && !self.is_first() {
                Some(upstream.clone())
            } else {
                own.next().map(|g| fitting(&g, operand)).transpose()?
            };
        }
        Ok(gradients)
    }
}

/// The gradient as Candle adds it up: detached, of the shape and dtype of its tensor.
fn fitting(gradient: &Tensor, tensor: &Tensor) -> Result<Tensor> {
    if gradient.dims() != tensor.dims() {
        let (is, wanted) = (gradient.dims(), tensor.dims());
        bail!("a gradient of shape {is:?} for a tensor of shape {wanted:?}");
    }
    gradient.detach().to_dtype(tensor.dtype())
}

impl CustomOp1 for Link {
    fn name(&self) -> &'static str {
        Link::NAME
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        self.on_metal()
    }

    fn bwd(&self, a: &Tensor, _: &Tensor, upstream: &Tensor) -> Result<Option<Tensor>> {
        let [a] = self.gradients([a], upstream)?;
        Ok(a)
    }
}

impl CustomOp2 for Link {
    fn name(&self) -> &'static str {
        Link::NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        self.on_metal()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        upstream: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [a, b] = self.gradients([a, b], upstream)?;
        Ok((a, b))
    }
}

impl CustomOp3 for Link {
    fn name(&self) -> &'static str {
        Link::NAME
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.on_cuda()
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        self.on_metal()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _: &Tensor,
        upstream: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [a, b, c] = self.gradients([a, b, c], upstream)?;
        Ok((a, b, c))
    }
}

/// The store that `backward` would return for a loss with these gradients.
///
/// Each pair is a tensor and the gradient of the loss with respect to it, of the same shape; a
/// gradient of another dtype is converted. The gradient of a variable is its entry. That of a
/// computed tensor goes on to the variables it was computed from, so an optimizer can step on the
/// store whether the tensors are variables or the output of a model. Tensors outside Candle's
/// autograd have no entry.
///
/// # Errors
/// If shapes differ, or the backward pass of the model fails.
pub fn grad_store(pairs: &[(Tensor, Tensor)]) -> Result<GradStore> {
    // A loss of 0 that is linear in all computed tensors, with the gradients as coefficients.
    let mut loss: Option<Tensor> = None;
    for (tensor, gradient) in pairs {
        if tensor.track_op() && !tensor.is_variable() {
            let gradient = fitting(gradient, tensor)?;
            let part = tensor.apply_op1(Inject { gradient })?;
            loss = Some(match loss {
                Some(loss) => loss.add(&part)?,
                None => part,
            });
        }
    }
    let mut store = match loss {
        Some(loss) => loss.backward()?,
        None => GradStore::default(),
    };
    for (tensor, gradient) in pairs {
        if tensor.is_variable() {
            let mut gradient = fitting(gradient, tensor)?;
            // The variable may also lie behind a computed tensor, or occur twice.
            if let Some(other) = store.get(tensor) {
                gradient = other.add(&gradient)?;
            }
            store.insert(tensor, gradient);
        }
    }
    Ok(store)
}

/// Gives 0, and in the backward pass a gradient that is ready.
struct Inject {
    gradient: Tensor,
}

fn zero<S: BackendStorage>(storage: &S) -> Result<(S, Shape)>
where
    S::Device: BackendDevice<Storage = S>,
{
    let shape = Shape::from(());
    Ok((storage.device().zeros_impl(&shape, DType::F32)?, shape))
}

impl CustomOp1 for Inject {
    fn name(&self) -> &'static str {
        "lossc-gradient"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        zero(storage)
    }

    fn cuda_fwd(&self, storage: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        zero(storage)
    }

    fn metal_fwd(&self, storage: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        zero(storage)
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        // The sum of these parts is the root of the backward pass, so the upstream factor is 1.
        Ok(Some(self.gradient.clone()))
    }
}
