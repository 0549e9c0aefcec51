//! The back ends behind one function.

use super::bind::BoundInputs;
use super::fused::Program;
use super::prepared::Prepared;
use super::value::Array;
use super::{candle, reference};
use candle_core::{DType, Device, Result, Tensor};
use std::sync::Arc;

/// What runs a graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Backend {
    /// Few passes over memory on the CPU, fused for the spec at hand: the default there.
    Fused,
    /// Operations on Candle tensors, on any device.
    Candle,
    /// A plain interpreter in f64 on the CPU: the meaning of the language.
    Reference,
}

impl Backend {
    /// Every back end.
    pub const ALL: &'static [Backend] = &[Backend::Fused, Backend::Candle, Backend::Reference];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Fused => "fused",
            Backend::Candle => "candle",
            Backend::Reference => "reference",
        }
    }

    /// The back end with this name.
    pub fn from_name(name: &str) -> Option<Backend> {
        Backend::ALL.iter().copied().find(|b| b.name() == name)
    }
}

/// The precision in which floats are computed: f64 if any input is f64 or the back end is the
/// reference, else f32.
pub fn precision(backend: Backend, bound: &BoundInputs) -> DType {
    let wide = bound.inputs.iter().any(|one| {
        one.given
            .as_ref()
            .is_some_and(|given| given.dtype() == DType::F64)
    });
    if wide || backend == Backend::Reference {
        DType::F64
    } else {
        DType::F32
    }
}

/// The device of the inputs: the first that is not the CPU, else the CPU.
pub fn device(bound: &BoundInputs) -> Device {
    bound
        .inputs
        .iter()
        .filter_map(|one| one.given.as_ref())
        .map(|given| given.device().clone())
        .find(|device| !device.is_cpu())
        .unwrap_or(Device::Cpu)
}

/// The back end for these inputs if none was asked for: fused where they lie in the memory of the
/// CPU, else Candle's own operations on their device.
pub fn backend_for(asked: Option<Backend>, bound: &BoundInputs) -> Backend {
    match asked {
        Some(backend) => backend,
        None if device(bound).is_cpu() => Backend::Fused,
        None => Backend::Candle,
    }
}

/// Runs a graph. The outputs are over the dims of their nodes, in canonical order and in the
/// precision of the run. `further` are bound to the inputs of the graph beyond those of the spec: the upstream
/// factor, which is 1 if it is not given, or pooled statistics.
pub fn execute(
    backend: Backend,
    prepared: &Prepared,
    bound: &BoundInputs,
    further: &[Tensor],
) -> Result<Vec<Tensor>> {
    execute_into(backend, prepared, bound, further, &[])
}

/// The same, where gradients may overwrite tensors, given by the numbers of the inputs. The fused back end
/// makes use of those that have the size and the type of a gradient; a gradient then shares the memory.
pub fn execute_into(
    backend: Backend,
    prepared: &Prepared,
    bound: &BoundInputs,
    further: &[Tensor],
    room: &[(u32, Tensor)],
) -> Result<Vec<Tensor>> {
    let graph = prepared.graph();
    let device = device(bound);
    let inputs = graph_inputs(prepared, bound, further, &device)?;
    let dtype = precision(backend, bound);
    match backend {
        Backend::Fused => prepared.run_fused(&bound.sizes, &inputs, dtype, room),
        Backend::Candle => candle::run(graph, &bound.sizes, &inputs, dtype, &device),
        Backend::Reference => {
            let arrays = inputs.iter().map(to_array).collect::<Result<Vec<_>>>()?;
            let outputs = reference::run(graph, &bound.sizes, &arrays);
            outputs
                .into_iter()
                .map(|array| Tensor::from_vec(array.data, array.shape, &device))
                .collect()
        }
    }
}

/// The fused program for these inputs, as [`execute`] runs it.
pub fn program(prepared: &Prepared, bound: &BoundInputs) -> Result<Arc<Program>> {
    let inputs = graph_inputs(prepared, bound, &[], &Device::Cpu)?;
    prepared.program(&bound.sizes, &inputs)
}

/// The tensors of a graph's inputs: those of the spec, and those beyond.
fn graph_inputs(
    prepared: &Prepared,
    bound: &BoundInputs,
    further: &[Tensor],
    device: &Device,
) -> Result<Vec<Tensor>> {
    let count = prepared.graph().inputs.len();
    let mut inputs: Vec<Tensor> = Vec::with_capacity(count);
    for one in &bound.inputs {
        inputs.push(one.canonical.to_device(device)?);
    }
    for i in 0..count.saturating_sub(bound.inputs.len()) {
        inputs.push(match further.get(i) {
            Some(given) => given.detach().to_device(device)?,
            None => Tensor::new(1f64, device)?,
        });
    }
    Ok(inputs)
}

fn to_array(tensor: &Tensor) -> Result<Array> {
    let wide = tensor.to_dtype(DType::F64)?;
    let data = wide.flatten_all()?.to_vec1::<f64>()?;
    Ok(Array::new(tensor.dims().to_vec(), data))
}
