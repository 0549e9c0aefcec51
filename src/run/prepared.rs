//! A graph with the plans that have been made for it.
//!
//! A plan is made once for each combination of sizes, element types and strides; a run with a
//! known combination looks it up and makes nothing but its outputs.

use super::bind::merged_dims;
use super::fused::{Data, InputView, Program};
use super::recycle;
use crate::ir::{DimId, DimSizes, Graph, Role, bind_sizes};
use crate::plan::{DType as Element, InputLayout, Plan, PlanOutput, plan};
use crate::signature::{Numbers, Signature, What};
use candle_core::{CpuStorage, DType, Result, Storage, Tensor};
use std::sync::{Arc, Mutex, PoisonError};

/// More combinations than this are not remembered: the oldest goes.
const REMEMBERED: usize = 32;

/// What a plan was made for.
#[derive(Clone, PartialEq, Debug)]
struct Key {
    sizes: DimSizes,
    layouts: Vec<InputLayout>,
}

/// A graph, ready to run.
pub struct Prepared {
    graph: Graph,
    programs: Mutex<Vec<(Key, Arc<Program>)>>,
}

impl Prepared {
    /// A graph without plans yet.
    pub fn new(graph: Graph) -> Prepared {
        Prepared {
            graph,
            programs: Mutex::new(Vec::new()),
        }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The fused program for tensors of these sizes and layouts, over the dims of the graph's inputs.
    pub(super) fn program(&self, sizes: &DimSizes, inputs: &[Tensor]) -> Result<Arc<Program>> {
        let mut layouts = Vec::with_capacity(inputs.len());
        for (tensor, input) in inputs.iter().zip(&self.graph.inputs) {
            let Some(element) = element(tensor.dtype()) else {
                candle_core::bail!("`{}` has an element type that is not supported", input.name)
            };
            layouts.push(InputLayout {
                dtype: element,
                strides: tensor.stride().to_vec(),
            });
        }
        let known = |list: &[(Key, Arc<Program>)]| {
            let found = list
                .iter()
                .find(|(key, _)| key.sizes == *sizes && key.layouts == layouts);
            found.map(|(_, program)| program.clone())
        };
        let lock = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = known(&lock()) {
            return Ok(program);
        }
        let program = Arc::new(Program::new(plan(&self.graph, sizes, &layouts)));
        let mut list = lock();
        if list.len() == REMEMBERED {
            list.remove(0);
        }
        let key = Key {
            sizes: sizes.clone(),
            layouts,
        };
        list.push((key, program.clone()));
        Ok(program)
    }

    /// Runs the fused program; inputs are over the dims of the graph's inputs, on the CPU.
    ///
    /// Scalars come back in `dtype`, gradients in the element types of their inputs, statistics in f64.
    /// `room` gives tensors that gradients may overwrite, by the number of the input.
    pub(super) fn run_fused(
        &self,
        sizes: &DimSizes,
        inputs: &[Tensor],
        dtype: DType,
        room: &[(u32, Tensor)],
    ) -> Result<Vec<Tensor>> {
        let program = self.program(sizes, inputs)?;
        let owner = |output: &PlanOutput| {
            let mut room = room.iter();
            let (_, tensor) = room.find(|(input, _)| Role::Grad(*input) == output.role)?;
            let fits = tensor.elem_count() == output.shape.iter().product::<usize>()
                && element(tensor.dtype()) == Some(output.dtype)
                && !inputs.iter().any(|input| recycle::shared(input, tensor));
            fits.then_some(tensor)
        };
        let owners: Vec<Option<&Tensor>> = program.plan().outputs.iter().map(owner).collect();
        let guards: Vec<_> = inputs.iter().map(|t| t.storage_and_layout()).collect();
        let mut views = Vec::with_capacity(inputs.len());
        for (storage, layout) in &guards {
            let Storage::Cpu(storage) = &**storage else {
                candle_core::bail!(
                    "the fused back end runs on the CPU, and a tensor lies elsewhere"
                )
            };
            views.push(InputView {
                data: data(storage)?,
                offset: layout.start_offset(),
            });
        }
        // Nothing fails from here on until they have elements again.
        let taken = owners.into_iter().map(|owner| {
            let owner = owner?;
            Some((owner, recycle::take(owner)?))
        });
        let (owners, former): (Vec<_>, Vec<_>) = taken.map(Option::unzip).unzip();
        let values = program.run_into(&views, rayon::current_num_threads(), former);
        let outputs = program.plan().outputs.iter().zip(owners).zip(values);
        outputs
            .map(|((output, owner), values)| {
                let shape = output.shape.clone();
                let tensor = match owner {
                    Some(owner) => recycle::put(owner, values, shape)?,
                    None => recycle::tensor(values, shape)?,
                };
                match output.role {
                    Role::Grad(_) | Role::Statistic(_) => Ok(tensor),
                    _ => tensor.to_dtype(dtype),
                }
            })
            .collect()
    }
}

/// The plan of a graph for dense tensors of these sizes: floats in f32, labels in i64. `None` unless
/// every size is known, and where the tensors would be larger than any memory.
pub fn plan_at(graph: &Graph, signature: &Signature, sizes: &[Option<Vec<usize>>]) -> Option<Plan> {
    let known: Vec<Option<usize>> = sizes
        .iter()
        .map(|size| size.as_ref().map(|size| size.iter().product()))
        .collect();
    let sizes = bind_sizes(graph, &known).ok()?;
    // Addresses within any tensor of the graph must be numbers.
    let all = sizes
        .0
        .iter()
        .try_fold(1usize, |all, &n| all.checked_mul(n.max(1)))?;
    if all > 1 << 56 {
        return None;
    }
    let mut layouts = Vec::with_capacity(graph.inputs.len());
    for slot in &signature.slots {
        layouts.push(match &slot.what {
            What::Tensor { axes, numbers, .. } => {
                let dims = merged_dims(axes);
                let mut stride = 1;
                let mut strides: Vec<(DimId, usize)> = Vec::with_capacity(dims.len());
                for &dim in dims.iter().rev() {
                    strides.push((dim, stride));
                    stride *= sizes.get(dim);
                }
                strides.sort_unstable();
                InputLayout {
                    dtype: match numbers {
                        Numbers::Integers { .. } => Element::I64,
                        Numbers::Floats | Numbers::Any => Element::F32,
                    },
                    strides: strides.into_iter().map(|(_, stride)| stride).collect(),
                }
            }
            What::Scalar | What::Param { .. } => number(),
        });
    }
    // The upstream factor.
    layouts.resize_with(graph.inputs.len(), number);
    Some(plan(graph, &sizes, &layouts))
}

/// How a single number lies in memory.
fn number() -> InputLayout {
    InputLayout {
        dtype: Element::F64,
        strides: Vec::new(),
    }
}

/// The element type of a tensor, as plans call it.
fn element(dtype: DType) -> Option<Element> {
    Some(match dtype {
        DType::U8 => Element::U8,
        DType::U32 => Element::U32,
        DType::I16 => Element::I16,
        DType::I32 => Element::I32,
        DType::I64 => Element::I64,
        DType::F16 => Element::F16,
        DType::BF16 => Element::BF16,
        DType::F32 => Element::F32,
        DType::F64 => Element::F64,
        _ => return None,
    })
}

fn data(storage: &CpuStorage) -> Result<Data<'_>> {
    Ok(match storage {
        CpuStorage::U8(x) => Data::U8(x),
        CpuStorage::U32(x) => Data::U32(x),
        CpuStorage::I16(x) => Data::I16(x),
        CpuStorage::I32(x) => Data::I32(x),
        CpuStorage::I64(x) => Data::I64(x),
        CpuStorage::F16(x) => Data::F16(x),
        CpuStorage::BF16(x) => Data::BF16(x),
        CpuStorage::F32(x) => Data::F32(x),
        CpuStorage::F64(x) => Data::F64(x),
        _ => candle_core::bail!("an element type that is not supported"),
    })
}
