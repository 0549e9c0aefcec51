//! The Candle back end against the reference, and the bridge into Candle's autograd.

mod autograd;
mod graphs;
mod loading;
mod ops;
mod special;
mod sums;

use candle_core::{DType, Device, Tensor};
use lossc::ir::{
    Dim, DimId, DimSize, DimSizes, Dims, Elem, Graph, Input, NodeId, Op, Origin, Output, Role, Ty,
};
use lossc::run::{Array, candle, reference};
use lossc::source::{FileId, Span};

/// Numbers that look random and are the same in every run (SplitMix64).
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// Between −1 and 1.
    pub fn real(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A graph under construction, the sizes of its dims, and the numbers for its inputs.
pub struct Case {
    pub graph: Graph,
    pub sizes: Vec<usize>,
    pub inputs: Vec<Array>,
}

pub const ORIGIN: Origin = Origin {
    span: Span {
        file: FileId(0),
        start: 0,
        end: 0,
    },
    adjoint: false,
};

impl Case {
    /// Dims of these sizes.
    pub fn new(sizes: &[usize]) -> Case {
        let mut case = Case {
            graph: Graph::default(),
            sizes: Vec::new(),
            inputs: Vec::new(),
        };
        for &size in sizes {
            case.dim(size, DimSize::Bound);
        }
        case
    }

    pub fn dim(&mut self, size: usize, how: DimSize) -> DimId {
        let id = DimId(self.sizes.len() as u32);
        self.graph.dims.push(Dim {
            name: format!("D{}", id.0),
            size: how,
        });
        self.sizes.push(size);
        id
    }

    pub fn all(&self) -> Dims {
        (0..self.sizes.len() as u32).map(DimId).collect()
    }

    pub fn shape(&self, dims: &Dims) -> Vec<usize> {
        dims.iter().map(|d| self.sizes[d.index()]).collect()
    }

    /// An input with numbers from `value`.
    pub fn input(&mut self, elem: Elem, dims: Dims, mut value: impl FnMut() -> f64) -> NodeId {
        let shape = self.shape(&dims);
        let count = shape.iter().product();
        let data = (0..count).map(|_| value()).collect();
        let number = self.inputs.len() as u32;
        let ty = Ty::new(elem, dims);
        let input = Input::new(format!("x{number}"), ty.clone());
        self.graph.inputs.push(input);
        self.inputs.push(Array::new(shape, data));
        self.graph.leaf(Op::Input(number), ty, ORIGIN)
    }

    pub fn push(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.graph.push(op, args, ORIGIN)
    }

    pub fn output(&mut self, node: NodeId) {
        // Roles only have to differ; the back end does not look at them.
        let role = Role::Term(self.graph.outputs.len() as u32);
        self.graph.outputs.push(Output { role, node });
    }

    pub fn reference(&self) -> Vec<Array> {
        let sizes = DimSizes(self.sizes.clone());
        reference::run(&self.graph, &sizes, &self.inputs)
    }

    pub fn candle(&self, inputs: &[Tensor], dtype: DType) -> Vec<Array> {
        let sizes = DimSizes(self.sizes.clone());
        let outputs = candle::run(&self.graph, &sizes, inputs, dtype, &Device::Cpu);
        let outputs = outputs.unwrap_or_else(|why| panic!("{why}\n{}", self.show()));
        for tensor in &outputs {
            assert_eq!(tensor.dtype(), dtype);
            assert!(tensor.is_contiguous());
            assert!(!tensor.track_op());
        }
        outputs.iter().map(array).collect()
    }

    pub fn show(&self) -> String {
        let mut text = format!("sizes {:?}\n", self.sizes);
        for id in self.graph.ids() {
            let node = self.graph.node(id);
            let (op, args, dims) = (&node.op, &node.args, node.ty.dims.as_slice());
            text += &format!("{id}: {dims:?} = {op:?} {args:?}\n");
        }
        for input in &self.inputs {
            let few = &input.data[..input.data.len().min(60)];
            text += &format!("{:?} {few:?}\n", input.shape);
        }
        text
    }

    /// Both back ends in both precisions; `slack` is the absolute error per unit of `epsilon`.
    pub fn agree(&mut self, rng: &mut Rng, slack: f64) {
        for dtype in [DType::F32, DType::F64] {
            if dtype == DType::F32 {
                for input in &mut self.inputs {
                    input
                        .data
                        .iter_mut()
                        .for_each(|x| *x = f64::from(*x as f32));
                }
            }
            let tensors: Vec<Tensor> = self
                .graph
                .inputs
                .iter()
                .zip(&self.inputs)
                .map(|(input, array)| tensor(array, input.ty.elem, dtype, rng))
                .collect();
            let expected = self.reference();
            let actual = self.candle(&tensors, dtype);
            let epsilon = if dtype == DType::F32 { 1e-6 } else { 1e-12 };
            assert_eq!(actual.len(), expected.len());
            for (actual, expected) in actual.iter().zip(&expected) {
                assert_eq!(actual.shape, expected.shape, "{}", self.show());
                for (i, (&a, &e)) in actual.data.iter().zip(&expected.data).enumerate() {
                    // What f32 cannot hold is infinite.
                    let e = match dtype {
                        DType::F32 => f64::from(e as f32),
                        _ => e,
                    };
                    assert!(
                        close(a, e, epsilon, epsilon * slack),
                        "{dtype:?} at {i}: {a:e}, not {e:e}\n{}",
                        self.show()
                    );
                }
            }
        }
    }
}

pub fn close(a: f64, e: f64, relative: f64, absolute: f64) -> bool {
    a == e || (a.is_nan() && e.is_nan()) || (a - e).abs() <= relative * e.abs() + absolute
}

/// The numbers of a tensor.
pub fn array(tensor: &Tensor) -> Array {
    let data = tensor.to_dtype(DType::F64).unwrap();
    let data = data.flatten_all().unwrap().to_vec1().unwrap();
    Array::new(tensor.dims().to_vec(), data)
}

/// The array as a tensor that lies in memory in one way or another.
pub fn tensor(array: &Array, elem: Elem, dtype: DType, rng: &mut Rng) -> Tensor {
    let dtype = match elem {
        Elem::Float => dtype,
        Elem::Int => rng.pick(&[DType::I64, DType::I64, DType::I32]),
        Elem::Bool => rng.pick(&[DType::U8, DType::U32, DType::F32]),
    };
    let shape = array.shape.as_slice();
    let dense = Tensor::from_slice(&array.data, shape, &Device::Cpu).unwrap();
    let dense = dense.to_dtype(dtype).unwrap();
    if array.data.is_empty() || shape.is_empty() {
        return dense;
    }
    match rng.below(3) {
        0 => dense,
        // The axes in another order in memory.
        1 => {
            let mut order: Vec<usize> = (0..shape.len()).collect();
            for i in (1..order.len()).rev() {
                order.swap(i, rng.below(i + 1));
            }
            let mut back = vec![0; order.len()];
            for (place, &axis) in order.iter().enumerate() {
                back[axis] = place;
            }
            let stored = dense.permute(order).unwrap().contiguous().unwrap();
            stored.permute(back).unwrap()
        }
        // A stretch of something larger.
        _ => {
            let axis = rng.below(shape.len());
            let larger = dense.pad_with_same(axis, 1, 2).unwrap();
            larger.narrow(axis, 1, shape[axis]).unwrap()
        }
    }
}
