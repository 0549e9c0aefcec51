//! Arrays of f64 → tensors of any type that lie in memory in any way.

use half::{bf16, f16};
use lossc::ir::{DimSizes, Elem, Graph};
use lossc::plan::{DType, InputLayout, Plan, plan};
use lossc::run::Array;
use lossc::run::fused::{Data, Elements, InputView, Program};

/// How a tensor lies in memory.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Lie {
    /// Without gaps, the last dim innermost.
    Dense,
    /// Without gaps, the first dim innermost.
    Transposed,
    /// Part of a larger tensor.
    Narrowed,
    /// Without gaps, the second dim innermost (`[N, C, S]` as `[N, S, C]`).
    ClassesLast,
}

impl Lie {
    pub const ALL: [Lie; 4] = [Lie::Dense, Lie::Transposed, Lie::Narrowed, Lie::ClassesLast];
}

/// A tensor: storage, layout, first element.
pub struct Tensor {
    values: Vec<f64>,
    storage: Storage,
    pub layout: InputLayout,
    offset: usize,
}

enum Storage {
    U8(Vec<u8>),
    U32(Vec<u32>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Tensor {
    pub fn new(array: &Array, dtype: DType, lie: Lie) -> Tensor {
        let rank = array.shape.len();
        let mut order: Vec<usize> = (0..rank).collect();
        match lie {
            Lie::Transposed => order.reverse(),
            Lie::ClassesLast if rank > 2 => {
                let class = order.remove(1);
                order.push(class);
            }
            _ => {}
        }
        let gap = usize::from(lie == Lie::Narrowed) * 3;
        let mut strides = vec![0; rank];
        let mut step = 1;
        for &axis in order.iter().rev() {
            strides[axis] = step;
            step *= array.shape[axis] + gap;
        }
        let offset = if lie == Lie::Narrowed { 2 } else { 0 };
        let mut storage = vec![7.0; step + offset];
        let dense = array.strides();
        for (i, &x) in array.data.iter().enumerate() {
            let index = |axis: usize| i / dense[axis] % array.shape[axis];
            let at: usize = (0..rank).map(|a| index(a) * strides[a]).sum();
            storage[offset + at] = x;
        }
        Tensor::raw(storage, dtype, strides, offset)
    }

    /// The first number, everywhere.
    pub fn broadcast(array: &Array, dtype: DType) -> Tensor {
        let first = array.data.first().copied().unwrap_or(1.0);
        Tensor::raw(vec![first], dtype, vec![0; array.shape.len()], 0)
    }

    fn raw(values: Vec<f64>, dtype: DType, strides: Vec<usize>, offset: usize) -> Tensor {
        macro_rules! each {
            ($x:ident => $e:expr) => {
                values.iter().map(|&$x| $e).collect()
            };
        }
        let storage = match dtype {
            DType::U8 => Storage::U8(each!(x => x as u8)),
            DType::U32 => Storage::U32(each!(x => x as u32)),
            DType::I16 => Storage::I16(each!(x => x as i16)),
            DType::I32 => Storage::I32(each!(x => x as i32)),
            DType::I64 => Storage::I64(each!(x => x as i64)),
            DType::F16 => Storage::F16(each!(x => f16::from_f64(x))),
            DType::BF16 => Storage::BF16(each!(x => bf16::from_f64(x))),
            DType::F32 => Storage::F32(each!(x => x as f32)),
            DType::F64 => Storage::F64(values.clone()),
        };
        let layout = InputLayout { dtype, strides };
        let mut tensor = Tensor {
            values,
            storage,
            layout,
            offset,
        };
        tensor.values = tensor.rounded();
        tensor
    }

    /// The storage as f64, after rounding to the element type.
    fn rounded(&self) -> Vec<f64> {
        match &self.storage {
            Storage::U8(x) => x.iter().map(|&x| x.into()).collect(),
            Storage::U32(x) => x.iter().map(|&x| x.into()).collect(),
            Storage::I16(x) => x.iter().map(|&x| x.into()).collect(),
            Storage::I32(x) => x.iter().map(|&x| x.into()).collect(),
            Storage::I64(x) => x.iter().map(|&x| x as f64).collect(),
            Storage::F16(x) => x.iter().map(|x| x.to_f64()).collect(),
            Storage::BF16(x) => x.iter().map(|x| x.to_f64()).collect(),
            Storage::F32(x) => x.iter().map(|&x| x.into()).collect(),
            Storage::F64(x) => x.clone(),
        }
    }

    /// What the reference is to be given.
    pub fn array(&self, shape: &[usize]) -> Array {
        let count: usize = shape.iter().product();
        let dense = Array::filled(shape.to_vec(), 0.0).strides();
        let at = |i: usize| {
            let index = |axis: usize| i / dense[axis] % shape[axis];
            let at: usize = (0..shape.len())
                .map(|a| index(a) * self.layout.strides[a])
                .sum();
            self.values[self.offset + at]
        };
        Array::new(shape.to_vec(), (0..count).map(at).collect())
    }

    pub fn view(&self) -> InputView<'_> {
        let data = match &self.storage {
            Storage::U8(x) => Data::U8(x),
            Storage::U32(x) => Data::U32(x),
            Storage::I16(x) => Data::I16(x),
            Storage::I32(x) => Data::I32(x),
            Storage::I64(x) => Data::I64(x),
            Storage::F16(x) => Data::F16(x),
            Storage::BF16(x) => Data::BF16(x),
            Storage::F32(x) => Data::F32(x),
            Storage::F64(x) => Data::F64(x),
        };
        InputView {
            data,
            offset: self.offset,
        }
    }
}

/// Tensors for all inputs: floats of one type, integers and booleans of one type.
pub fn tensors(graph: &Graph, arrays: &[Array], float: DType, int: DType, lie: Lie) -> Vec<Tensor> {
    let tensor = |(input, array): (&lossc::ir::Input, &Array)| {
        let dtype = match input.ty.elem {
            Elem::Float => float,
            Elem::Int => int,
            Elem::Bool => DType::U8,
        };
        Tensor::new(array, dtype, lie)
    };
    graph.inputs.iter().zip(arrays).map(tensor).collect()
}

/// The plan for tensors.
pub fn planned(graph: &Graph, sizes: &DimSizes, tensors: &[Tensor]) -> Plan {
    let layouts: Vec<InputLayout> = tensors.iter().map(|t| t.layout.clone()).collect();
    plan(graph, sizes, &layouts)
}

/// What the reference makes of tensors.
pub fn meaning(graph: &Graph, sizes: &DimSizes, tensors: &[Tensor]) -> Vec<Array> {
    let arrays = graph.inputs.iter().zip(tensors);
    let arrays: Vec<Array> = arrays
        .map(|(i, t)| t.array(&sizes.shape(&i.ty.dims)))
        .collect();
    lossc::run::reference::run(graph, sizes, &arrays)
}

/// What a program makes of tensors.
pub fn run(program: &Program, tensors: &[Tensor], threads: usize) -> Vec<Elements> {
    let views: Vec<InputView<'_>> = tensors.iter().map(Tensor::view).collect();
    program.run(&views, threads)
}

/// The largest difference as a part of the largest magnitude; infinite where only one is NaN or
/// infinite.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths");
    let scale = b
        .iter()
        .filter(|x| x.is_finite())
        .fold(1.0, |m: f64, x| m.max(x.abs()));
    let apart = |(x, y): (&f64, &f64)| {
        if x == y || (x.is_nan() && y.is_nan()) {
            0.0
        } else if x.is_finite() && y.is_finite() {
            (x - y).abs() / scale
        } else {
            f64::INFINITY
        }
    };
    a.iter().zip(b).map(apart).fold(0.0, f64::max)
}
