//! What lies in memory: buffers, arrays of passes, and the whole-tensor operations that fill them.

use super::dag::{Dag, Id, Op, Source, Strided};
use super::layout::{DType, dense};
use super::program::{Array, Buffer, Lane, Matrix, Param, Place, Product, Walk, Whole, WholeOp};
use super::schedule::{LARGE, Schedule, Where};
use super::space::{Shape, Space};
use crate::ir::{DimId, Dims, Elem, OrderOp};

/// Everything known about a plan while it is made.
pub(super) struct Stores {
    pub dag: Dag,
    pub schedule: Schedule,
    pub lane: Lane,
    pub input_dtypes: Vec<DType>,
    pub input_names: Vec<String>,
    pub output_dtypes: Vec<DType>,
    pub dim_names: Vec<String>,
    pub buffers: Vec<Buffer>,
    pub params: Vec<Param>,
    /// Lengths of arrays that passes and products hand on.
    pub kept: Vec<usize>,
    /// Inputs that are copied to buffers before anything else.
    pub imports: Vec<Whole>,
    /// The buffer of each node that has one.
    of_node: Vec<Option<usize>>,
    of_table: Vec<Option<usize>>,
    kept_of_node: Vec<Option<usize>>,
}

impl Stores {
    pub fn new(
        dag: Dag,
        schedule: Schedule,
        lane: Lane,
        inputs: Vec<(String, DType)>,
        output_dtypes: Vec<DType>,
        dim_names: Vec<String>,
    ) -> Stores {
        let (input_names, input_dtypes) = inputs.into_iter().unzip();
        Stores {
            of_node: vec![None; dag.nodes.len()],
            of_table: vec![None; dag.tables.len() + dag.sizes.0.len()],
            kept_of_node: vec![None; dag.nodes.len()],
            dag,
            schedule,
            lane,
            input_dtypes,
            input_names,
            output_dtypes,
            dim_names,
            buffers: Vec::new(),
            params: Vec::new(),
            kept: Vec::new(),
            imports: Vec::new(),
        }
    }

    pub fn lane_dtype(&self) -> DType {
        self.lane.dtype()
    }

    pub fn int_dtype(&self) -> DType {
        match self.lane {
            Lane::F32 => DType::I32,
            Lane::F64 => DType::I64,
        }
    }

    /// A space in words: `N / C / H·W`, lanes last.
    pub fn title(&self, space: &Space) -> String {
        let name = |d: DimId| format!("{}={}", self.dim_names[d.index()], self.dag.sizes.get(d));
        let outer: Vec<String> = space.outer().iter().map(name).collect();
        let mut parts = vec![format!("outer [{}]", outer.join(", "))];
        match space.shape {
            Shape::Planes { inner } => parts.extend(inner.map(|d| format!("inner {}", name(d)))),
            Shape::Rows => parts.push("rows".into()),
        }
        parts.push(format!("lanes {}", name(space.lane)));
        parts.join(", ")
    }

    fn add_buffer(&mut self, len: usize, values: Option<Vec<f64>>, name: String) -> usize {
        self.buffers.push(Buffer { len, values, name });
        self.buffers.len() - 1
    }

    fn table_buffer(&mut self, table: usize) -> usize {
        if let Some(buffer) = self.of_table[table] {
            return buffer;
        }
        let values = self.dag.tables[table].clone();
        let buffer = self.add_buffer(values.len(), Some(values), format!("table{table}"));
        self.of_table[table] = Some(buffer);
        buffer
    }

    /// The buffer that holds, or will hold, a node without gaps over its dims.
    pub fn buffer_of(&mut self, id: Id) -> usize {
        if let Some(buffer) = self.of_node[id] {
            return buffer;
        }
        let len = self.dag.count(id);
        let node = self.dag.node(id).clone();
        let buffer = match &node.op {
            Op::Const(bits) => self.add_buffer(
                1,
                Some(vec![f64::from_bits(*bits)]),
                f64::from_bits(*bits).to_string(),
            ),
            Op::Leaf(Source::Input(input), at) => {
                let name = self.input_names[*input as usize].clone();
                let into = self.add_buffer(len, None, name);
                let walk = Walk {
                    of: *input as usize,
                    offset: at.offset,
                    strides: at.strides.clone(),
                };
                let shape = self.dag.sizes.shape(&node.dims);
                self.imports.push(Whole {
                    op: WholeOp::Import,
                    kept: shape.len(),
                    shape,
                    into,
                    args: vec![walk],
                });
                into
            }
            _ => self.add_buffer(len, None, format!("%{id}")),
        };
        self.of_node[id] = Some(buffer);
        buffer
    }

    /// The buffer that a node is found in, and how it lies there.
    fn found(&mut self, id: Id) -> (usize, Strided) {
        let node = self.dag.node(id).clone();
        match node.op {
            Op::View(at) => (self.buffer_of(node.args[0]), at),
            Op::Leaf(Source::Table(table), at) => (self.table_buffer(table), at),
            _ => {
                let strides = dense(&self.dag.sizes.shape(&node.dims));
                (self.buffer_of(id), Strided { offset: 0, strides })
            }
        }
    }

    /// A walk through a node over these dims.
    pub fn walk(&mut self, id: Id, over: &[DimId]) -> Walk {
        let (of, at) = self.found(id);
        let dims = self.dag.dims(id);
        let stride = |d: &DimId| dims.position(*d).map_or(0, |i| at.strides[i]);
        Walk {
            of,
            offset: at.offset,
            strides: over.iter().map(stride).collect(),
        }
    }

    /// The array in the lane type that a kept node is handed on in.
    pub fn kept_of(&mut self, id: Id) -> usize {
        if let Some(kept) = self.kept_of_node[id] {
            return kept;
        }
        self.kept.push(self.dag.count(id));
        self.kept_of_node[id] = Some(self.kept.len() - 1);
        self.kept.len() - 1
    }

    /// Where a node in the lane type waits for the passes that find it.
    pub fn handed_on(&mut self, id: Id) -> Place {
        match self.schedule.in_output[id] {
            Some(output) => Place::Output(output),
            None => Place::Kept(self.kept_of(id)),
        }
    }

    fn param(&mut self, buffer: usize, int: bool) -> usize {
        let param = Param { buffer, int };
        self.params
            .iter()
            .position(|p| *p == param)
            .unwrap_or_else(|| {
                self.params.push(param);
                self.params.len() - 1
            })
    }

    /// A node as an array that a pass reads; `found` says that an earlier pass has kept it.
    pub fn array(&mut self, id: Id, space: &Space, found: bool) -> Array {
        let node = self.dag.node(id).clone();
        let int = node.elem == Elem::Int;
        let tiled = space.tiled(&node.dims);
        let (place, dtype, at) = match &node.op {
            Op::Leaf(Source::Input(input), at) if tiled => {
                let input = *input as usize;
                (Place::Input(input), self.input_dtypes[input], at.clone())
            }
            _ if found || self.schedule.lanes[id] => {
                let at = self.kept_at(id);
                (self.handed_on(id), self.lane_dtype(), at)
            }
            _ => {
                let (buffer, at) = self.found(id);
                if tiled && self.dag.count(id) > LARGE && !matches!(node.op, Op::Leaf(..)) {
                    (Place::Buffer(buffer), DType::F64, at)
                } else {
                    self.param_array(buffer, int, at)
                }
            }
        };
        self.laid_out(place, dtype, int, &node.dims, &at, space, self.name(id))
    }

    fn param_array(&mut self, buffer: usize, int: bool, at: Strided) -> (Place, DType, Strided) {
        let dtype = if int {
            self.int_dtype()
        } else {
            self.lane_dtype()
        };
        (Place::Param(self.param(buffer, int)), dtype, at)
    }

    /// A table to look a class up in, walked like an array, and how far apart classes are.
    pub fn table(&mut self, id: Id, dim: DimId, space: &Space, found: bool) -> (Array, usize) {
        let node = self.dag.node(id).clone();
        let int = node.elem == Elem::Int;
        let rest = node.dims.without(dim);
        let in_rows = space.rows() && space.tiled(&node.dims);
        let (place, dtype, at) = match &node.op {
            Op::Leaf(Source::Input(input), at) if in_rows => {
                let input = *input as usize;
                (Place::Input(input), self.input_dtypes[input], at.clone())
            }
            _ if self.schedule.lanes[id] => {
                let at = self.kept_at(id);
                (Place::Kept(self.kept_of(id)), self.lane_dtype(), at)
            }
            _ if found => unreachable!("what is found has no class dim"),
            _ => {
                let (buffer, at) = self.found(id);
                self.param_array(buffer, int, at)
            }
        };
        let position = node
            .dims
            .position(dim)
            .expect("a table has the dim that is picked from");
        let stride = at.strides[position];
        let mut strides = at.strides.clone();
        strides.remove(position);
        let at = Strided {
            offset: at.offset,
            strides,
        };
        (
            self.laid_out(place, dtype, int, &rest, &at, space, self.name(id)),
            stride,
        )
    }

    /// The positions along the inner dim, as numbers of classes.
    pub fn positions(&mut self, dim: DimId, space: &Space) -> Array {
        let values = (0..self.dag.sizes.get(dim)).map(|i| i as f64).collect();
        let table = self.dag.table_of(values);
        self.of_table
            .resize(self.dag.tables.len().max(self.of_table.len()), None);
        let buffer = self.table_buffer(table);
        let at = Strided {
            offset: 0,
            strides: vec![1],
        };
        let (place, dtype, at) = self.param_array(buffer, true, at);
        let dims = Dims::one(dim);
        self.laid_out(place, dtype, true, &dims, &at, space, "class".into())
    }

    /// How a value in the lane type lies: as the passes walk that compute it, or without gaps.
    pub fn kept_at(&self, id: Id) -> Strided {
        let dims = self.dag.dims(id);
        match self.schedule.place[id] {
            Where::Tile(space) if self.schedule.in_output[id].is_none() => {
                self.lanes_innermost(dims, &self.schedule.spaces[space])
            }
            _ => Strided {
                offset: 0,
                strides: dense(&self.dag.sizes.shape(dims)),
            },
        }
    }

    fn lanes_innermost(&self, dims: &Dims, space: &Space) -> Strided {
        let mut order: Vec<DimId> = dims.iter().filter(|&d| d != space.lane).collect();
        order.extend(dims.iter().filter(|&d| d == space.lane));
        let shape: Vec<usize> = order.iter().map(|&d| self.dag.sizes.get(d)).collect();
        let strides = dense(&shape);
        let place = |d: DimId| order.iter().position(|&o| o == d).map_or(0, |i| strides[i]);
        Strided {
            offset: 0,
            strides: dims.iter().map(place).collect(),
        }
    }

    /// The array that a pass writes a node to.
    pub fn target(&mut self, id: Id, place: Place, dtype: DType, space: &Space) -> Array {
        let dims = self.dag.dims(id).clone();
        let at = match place {
            Place::Kept(_) => self.kept_at(id),
            _ => Strided {
                offset: 0,
                strides: dense(&self.dag.sizes.shape(&dims)),
            },
        };
        let int = self.dag.node(id).elem == Elem::Int;
        let mut array = self.laid_out(place, dtype, int, &dims, &at, space, self.name(id));
        array.written = true;
        array
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "it puts an array together from its parts"
    )]
    fn laid_out(
        &self,
        place: Place,
        dtype: DType,
        int: bool,
        dims: &Dims,
        at: &Strided,
        space: &Space,
        name: String,
    ) -> Array {
        let stride = |d: DimId| dims.position(d).map_or(0, |i| at.strides[i]);
        let name = match place {
            Place::Output(n) => format!("out{n}"),
            _ => name,
        };
        Array {
            place,
            dtype,
            int,
            offset: at.offset,
            outer: space.outer().iter().map(stride).collect(),
            inner: space.inner().map_or(0, stride),
            lane: stride(space.lane),
            count: self.dag.sizes.count(dims),
            written: false,
            name,
        }
    }

    fn name(&self, id: Id) -> String {
        match &self.dag.node(id).op {
            Op::Leaf(Source::Input(input), _) => self.input_names[*input as usize].clone(),
            Op::Leaf(Source::Table(table), _) => format!("table{table}"),
            _ => format!("%{id}"),
        }
    }

    /// The whole-tensor operation that computes a node.
    pub fn whole(&mut self, id: Id) -> Whole {
        debug_assert_eq!(self.schedule.place[id], Where::Whole);
        let node = self.dag.node(id).clone();
        let dims: Vec<DimId> = node.dims.iter().collect();
        let axis = |d: DimId| {
            node.dims
                .position(d)
                .expect("an operation is along a dim of its result")
        };
        let (op, over, own) = match &node.op {
            Op::Map(op) => (WholeOp::Map(*op), Vec::new(), None),
            Op::Spread => (WholeOp::Copy, Vec::new(), None),
            Op::Reduce(op, over) => (WholeOp::Reduce(*op), over.iter().collect(), None),
            Op::ArgMax(dim) => (WholeOp::ArgMax, vec![*dim], None),
            Op::Pick(dim) => {
                let stride = self.walk(node.args[0], &[*dim]).strides[0];
                let classes = self.dag.sizes.get(*dim);
                (WholeOp::Pick { stride, classes }, Vec::new(), None)
            }
            Op::Shift { dim, by, edge } => {
                let axis = axis(*dim);
                let (by, edge) = (*by, *edge);
                (WholeOp::Shift { axis, by, edge }, Vec::new(), None)
            }
            Op::Order(op, over) => {
                let strides = Vec::new();
                return self.along(id, over.clone(), WholeOp::Order(*op, strides));
            }
            Op::Distance(along) => {
                let over = along.iter().map(|a| a.0).collect();
                let spacing = along.iter().map(|a| f64::from_bits(a.1)).collect();
                let strides = Vec::new();
                return self.along(id, over, WholeOp::Distance { strides, spacing });
            }
            Op::WindowMax { dim, radius } => {
                let (axis, radius) = (axis(*dim), *radius);
                (WholeOp::WindowMax { axis, radius }, Vec::new(), None)
            }
            Op::WindowSum { dim, weights, rim } => {
                let (axis, rim) = (axis(*dim), *rim);
                let weights = weights.iter().map(|&w| f64::from_bits(w)).collect();
                (WholeOp::WindowSum { axis, weights, rim }, Vec::new(), None)
            }
            Op::WindowTies { dim, radius } => {
                let (axis, radius) = (axis(*dim), *radius);
                (WholeOp::WindowTies { axis, radius }, Vec::new(), None)
            }
            Op::Stretches { from, to, ranges } => {
                let stride = self.walk(node.args[0], &[*from]).strides[0];
                let (axis, ranges) = (node.dims.position(*to), ranges.clone());
                let op = WholeOp::Stretches {
                    axis,
                    stride,
                    ranges,
                };
                (op, Vec::new(), None)
            }
            Op::Place { from, to, start } => {
                let (axis, start) = (axis(*to), *start);
                let len = self.dag.sizes.get(*from);
                // The operand is walked along its own name for the dim.
                let own: Vec<DimId> = dims
                    .iter()
                    .map(|&d| if d == *to { *from } else { d })
                    .collect();
                (WholeOp::Place { axis, start, len }, Vec::new(), Some(own))
            }
            Op::Dot(_) => unreachable!("a step of its own"),
            Op::Leaf(..) | Op::Const(_) | Op::View(_) => unreachable!("lies in memory"),
        };
        let loops: Vec<DimId> = dims.iter().copied().chain(over).collect();
        let walked = own.as_ref().unwrap_or(&loops);
        let args = node.args.iter().map(|&a| self.walk(a, walked)).collect();
        Whole {
            op,
            shape: loops.iter().map(|&d| self.dag.sizes.get(d)).collect(),
            kept: dims.len(),
            into: self.buffer_of(id),
            args,
        }
    }

    /// The product of matrices that computes a node; `output` is the one that it is, if any.
    pub fn product(&mut self, id: Id, output: Option<usize>) -> Product {
        let node = self.dag.node(id).clone();
        let Op::Dot(over) = &node.op else {
            unreachable!("the node is a contraction")
        };
        let loops: Vec<DimId> = node.dims.iter().chain(over.iter()).collect();
        let result = self.kept_at(id);
        let (place, dtype, lane) = match output {
            Some(n) => (Place::Output(n), self.output_dtypes[n], self.lane),
            None if self.schedule.lanes[id] => {
                (Place::Kept(self.kept_of(id)), self.lane_dtype(), self.lane)
            }
            None => (Place::Buffer(self.buffer_of(id)), DType::F64, Lane::F64),
        };
        Product {
            shape: loops.iter().map(|&d| self.dag.sizes.get(d)).collect(),
            kept: node.dims.iter().count(),
            args: [0, 1].map(|n| self.factor(node.args[n], &loops)),
            into: self.matrix(id, place, dtype, &result, &loops),
            lane,
        }
    }

    /// An operand of a product, where it lies.
    fn factor(&mut self, id: Id, loops: &[DimId]) -> Matrix {
        let (place, dtype, at) = match &self.dag.node(id).op {
            Op::Leaf(Source::Input(input), at) => {
                let (input, at) = (*input as usize, at.clone());
                (Place::Input(input), self.input_dtypes[input], at)
            }
            _ if self.schedule.lanes[id] => {
                let at = self.kept_at(id);
                (Place::Kept(self.kept_of(id)), self.lane_dtype(), at)
            }
            _ => {
                let (buffer, at) = self.found(id);
                (Place::Buffer(buffer), DType::F64, at)
            }
        };
        self.matrix(id, place, dtype, &at, loops)
    }

    fn matrix(&self, id: Id, place: Place, dtype: DType, at: &Strided, loops: &[DimId]) -> Matrix {
        let dims = self.dag.dims(id);
        let stride = |d: &DimId| dims.position(*d).map_or(0, |i| at.strides[i]);
        Matrix {
            place,
            dtype,
            offset: at.offset,
            strides: loops.iter().map(stride).collect(),
            count: self.dag.count(id),
            name: match place {
                Place::Output(n) => format!("out{n}"),
                _ => self.name(id),
            },
        }
    }

    /// An operation along dims: those are its last loops.
    fn along(&mut self, id: Id, over: Dims, mut op: WholeOp) -> Whole {
        let node = self.dag.node(id).clone();
        let rest: Vec<DimId> = node.dims.minus(&over).iter().collect();
        let kept = rest.len();
        let loops: Vec<DimId> = rest.into_iter().chain(over.iter()).collect();
        let result = self.walk(id, &loops);
        if let WholeOp::Order(_, strides) | WholeOp::Distance { strides, .. } = &mut op {
            *strides = result.strides;
        }
        let single = matches!(op, WholeOp::Order(OrderOp::TopK, _));
        let walked = |at: usize| {
            if single && at == 1 {
                &loops[..kept]
            } else {
                &loops[..]
            }
        };
        let args = node.args.iter().enumerate();
        let args = args.map(|(at, &a)| self.walk(a, walked(at))).collect();
        Whole {
            op,
            shape: loops.iter().map(|&d| self.dag.sizes.get(d)).collect(),
            kept,
            into: result.of,
            args,
        }
    }
}
