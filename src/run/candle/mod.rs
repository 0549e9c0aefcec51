//! `Graph` and tensors → tensors: one Candle operation after the other, on any device.
//!
//! **Values.** The value of a node is a tensor with one axis per dim of the node, in ascending
//! order. Along each axis it has either all entries of the dim, or one that stands for all of
//! them. So nothing is repeated before it has to be: a class weight stays `[1, C, 1, 1]` through
//! every operation that does not mix it with something larger. Only outputs are spread out.
//!
//! **Nothing.** A node without elements is never computed; its value is a single zero that
//! nobody looks at. So Candle, which treats empty tensors in many ways, never sees one.
//!
//! **Classes.** Floats have the dtype of the computation, integers are i64, booleans are u8.
//!
//! Gradients are part of the graph, so Candle's own are not asked for: inputs are detached.
//!
//! Must not know: `ast`, `hir`, passes, other back ends.

mod axes;
mod classes;
mod dot;
mod elementwise;
mod functions;
mod node;
mod order;
mod reduce;
mod windows;

use crate::ir::{DimSizes, Elem, Graph, NodeId, Op, Ty};
use candle_core::{DType, Device, Result, Tensor, bail};

/// The outputs of `graph`, in order: contiguous tensors of `dtype` on `device`, shaped by their
/// dims in ascending order. Integers and booleans come as floats too.
///
/// `inputs[i]` has the shape that `sizes` gives for the dims of input `i`, in ascending order. It
/// may be a view of any strides. Where the graph wants floats or booleans, any dtype will do and
/// is converted; where it wants integers, any integer dtype. `dtype` is f32 or f64.
///
/// # Errors
/// If an input has another shape, device or class than the graph says, or `dtype` is another one,
/// or a Candle operation fails (out of memory, say), with the node that it belongs to.
pub fn run(
    graph: &Graph,
    sizes: &DimSizes,
    inputs: &[Tensor],
    dtype: DType,
    device: &Device,
) -> Result<Vec<Tensor>> {
    if !matches!(dtype, DType::F32 | DType::F64) {
        bail!("losses are computed in f32 or f64, not {dtype:?}");
    }
    check(graph, sizes, inputs, device)?;
    let cx = Cx {
        graph,
        sizes,
        inputs,
        dtype,
        device,
    };
    let mut uses = uses(graph);
    let mut values: Vec<Option<Tensor>> = vec![None; graph.nodes.len()];
    for id in graph.ids() {
        if uses[id.index()] == 0 {
            continue;
        }
        let node = graph.node(id);
        let args: Vec<Tensor> = node
            .args
            .iter()
            .map(|&arg| kept(&values, arg))
            .collect::<Result<_>>()?;
        let value = node::eval(&cx, node, &args)
            .map_err(|why| why.context(format!("in `{}` ({id})", node.op.name())))?;
        values[id.index()] = Some(value);
        for arg in &node.args {
            uses[arg.index()] -= 1;
            if uses[arg.index()] == 0 {
                values[arg.index()] = None;
            }
        }
    }
    let outputs = graph.outputs.iter();
    outputs
        .map(|output| cx.finish(output.node, &kept(&values, output.node)?))
        .collect()
}

/// How often each node is used by outputs and by nodes that are used themselves.
fn uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.nodes.len()];
    for output in &graph.outputs {
        uses[output.node.index()] += 1;
    }
    for id in graph.ids().rev() {
        if uses[id.index()] > 0 {
            for arg in &graph.node(id).args {
                uses[arg.index()] += 1;
            }
        }
    }
    uses
}

fn kept(values: &[Option<Tensor>], id: NodeId) -> Result<Tensor> {
    match &values[id.index()] {
        Some(value) => Ok(value.clone()),
        None => bail!("{id} is used before it is computed"),
    }
}

/// Whether the tensors are what the graph says.
fn check(graph: &Graph, sizes: &DimSizes, inputs: &[Tensor], device: &Device) -> Result<()> {
    if inputs.len() != graph.inputs.len() {
        bail!("{} tensors for {} inputs", inputs.len(), graph.inputs.len());
    }
    for (input, tensor) in graph.inputs.iter().zip(inputs) {
        let (name, shape) = (&input.name, sizes.shape(&input.ty.dims));
        if tensor.dims() != shape {
            bail!("`{name}` has shape {:?}, not {shape:?}", tensor.dims());
        }
        if !tensor.device().same_device(device) {
            let (is, wanted) = (tensor.device().location(), device.location());
            bail!("`{name}` lies on {is:?}, not on {wanted:?}");
        }
        if input.ty.elem == Elem::Int && tensor.dtype().is_float() {
            bail!("`{name}` is {:?}, not integer", tensor.dtype());
        }
    }
    Ok(())
}

/// What operations need to know besides their operands.
struct Cx<'a> {
    graph: &'a Graph,
    sizes: &'a DimSizes,
    inputs: &'a [Tensor],
    dtype: DType,
    device: &'a Device,
}

impl Cx<'_> {
    /// The dtype of a class of elements.
    fn dtype(&self, elem: Elem) -> DType {
        match elem {
            Elem::Float => self.dtype,
            Elem::Int => DType::I64,
            Elem::Bool => DType::U8,
        }
    }

    /// One number at every index, kept once: an axis of size 1 per dim.
    fn constant(&self, value: f64, ty: &Ty) -> Result<Tensor> {
        scalar(value, self.dtype(ty.elem), self.device)?.reshape(vec![1; ty.dims.len()])
    }

    /// Numbers in row-major order over the dims of `ty`.
    fn table(&self, values: &[f64], ty: &Ty) -> Result<Tensor> {
        let shape = self.sizes.shape(&ty.dims);
        match ty.elem {
            Elem::Float if self.dtype == DType::F32 => {
                let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
                Tensor::from_vec(values, shape, self.device)
            }
            Elem::Float => Tensor::from_slice(values, shape, self.device),
            Elem::Int => {
                let values: Vec<i64> = values.iter().map(|&v| v as i64).collect();
                Tensor::from_vec(values, shape, self.device)
            }
            Elem::Bool => {
                let values: Vec<u8> = values.iter().map(|&v| u8::from(v != 0.0)).collect();
                Tensor::from_vec(values, shape, self.device)
            }
        }
    }

    /// An input in the dtype that its class is computed in, and out of Candle's autograd.
    fn load(&self, number: u32) -> Result<Tensor> {
        let tensor = self.inputs[number as usize].detach();
        match self.graph.inputs[number as usize].ty.elem {
            Elem::Float => tensor.to_dtype(self.dtype),
            Elem::Int => tensor.to_dtype(DType::I64),
            // Whatever is not 0 holds; from here on booleans are 0 or 1.
            Elem::Bool => elementwise::zip([&tensor], |[x]| x.ne(&elementwise::like(&x, 0.0)?)),
        }
    }

    /// The value of a node as it leaves: spread out, contiguous, of the dtype of the computation,
    /// and with memory of its own, because the memory of an input may change.
    fn finish(&self, id: NodeId, value: &Tensor) -> Result<Tensor> {
        let ty = self.graph.ty(id);
        let shape = self.sizes.shape(&ty.dims);
        if self.sizes.count(&ty.dims) == 0 {
            return Tensor::zeros(shape, self.dtype, self.device);
        }
        let value = value.to_dtype(self.dtype)?;
        if shape != value.dims() {
            value.broadcast_as(shape)?.force_contiguous()
        } else if self.shows_input(id) {
            value.force_contiguous()
        } else {
            value.contiguous()
        }
    }

    /// Whether the value of a node may be a view of an input.
    fn shows_input(&self, mut id: NodeId) -> bool {
        loop {
            let node = self.graph.node(id);
            id = match node.op {
                Op::Input(_) => return true,
                Op::Broadcast(_)
                | Op::Rename { .. }
                | Op::At { .. }
                | Op::Slice { .. }
                | Op::Place { .. }
                | Op::Resize { .. }
                | Op::Shift { .. }
                | Op::Reduce(..)
                | Op::StopGrad => node.args[0],
                Op::Const(_)
                | Op::Table(_)
                | Op::Index(_)
                | Op::Size(_)
                | Op::Map(_)
                | Op::Softmax(_)
                | Op::LogSoftmax(_)
                | Op::Pick(_)
                | Op::OneHot(_)
                | Op::ArgMax(_)
                | Op::Collect { .. }
                | Op::WindowMax { .. }
                | Op::WindowSum { .. }
                | Op::WindowTies { .. }
                | Op::Order(..)
                | Op::Distance(_)
                | Op::Dot(_) => return false,
            };
        }
    }
}

/// A tensor without axes.
fn scalar(value: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    match dtype {
        DType::F32 => Tensor::full(value as f32, (), device),
        DType::I64 => Tensor::full(value as i64, (), device),
        DType::U8 => Tensor::full(value as u8, (), device),
        _ => Tensor::full(value, (), device)?.to_dtype(dtype),
    }
}

/// The dtype that statistics are gathered in: f64 where the device has it.
fn wide(x: &Tensor) -> DType {
    if x.device().is_metal() {
        x.dtype()
    } else {
        DType::F64
    }
}
