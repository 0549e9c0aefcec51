//! The graph that a plan is made from: sizes known, broadcasts and composite operations gone.
//!
//! A [`Node`] is indexed by the dims that it depends on, no more: an operand that lacks dims of
//! its user is repeated along them without a word. Equal nodes are one node.
//!
//! **Invariants**: operands come before their users; no `Broadcast`, `StopGrad`, `Softmax`,
//! `LogSoftmax`, `OneHot`, `Index` or `Reduce(LogSumExp)` remain; `At`, `Slice` and `Rename`
//! survive only as [`Op::View`] of a value that is stored.

use crate::ir::{DimId, DimSizes, Dims, Edge, Elem, MapOp, OrderOp, ReduceOp, Rim};
use std::collections::HashMap;
use std::ops::Range;

/// A node of a [`Dag`].
pub(crate) type Id = usize;

/// Where the elements of a leaf are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Source {
    /// The tensor bound to the input with this number.
    Input(u32),
    /// A table of constants.
    Table(usize),
}

/// How a leaf or a view finds its elements: a first one and a stride per dim.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Strided {
    /// The element at index 0.
    pub offset: usize,
    /// Elements from one index to the next, per dim of the node.
    pub strides: Vec<usize>,
}

/// What a node computes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Op {
    /// Elements that lie in memory before the plan runs.
    Leaf(Source, Strided),
    /// One number, as bits.
    Const(u64),
    /// An elementwise operation.
    Map(MapOp),
    /// A reduction, never `LogSumExp`.
    Reduce(ReduceOp, Dims),
    /// The first operand at the class that the second names.
    Pick(DimId),
    /// The position of the largest.
    ArgMax(DimId),
    /// The operand repeated over dims that it lacks: only for an output, which must be dense.
    Spread,
    /// Some elements of the operand, which is stored, seen through other strides.
    View(Strided),
    /// Σ a·b where each operand has dims that the other lacks.
    Dot(Dims),
    /// Entry i is the operand's entry i − by.
    Shift { dim: DimId, by: i64, edge: Edge },
    /// An operation along dims seen as one; operands may lack some of them.
    Order(OrderOp, Dims),
    /// Distances along dims, each with the bits of its spacing.
    Distance(Vec<(DimId, u64)>),
    /// The largest around each entry.
    WindowMax { dim: DimId, radius: usize },
    /// Σ around each entry; the bits of the weights.
    WindowSum {
        dim: DimId,
        weights: Vec<u64>,
        rim: Rim,
    },
    /// Σ of the third operand around each entry, where the first there is the second here.
    WindowTies { dim: DimId, radius: usize },
    /// For each position along `to`, of more than one entry, or for all, the sum of a stretch of the
    /// operand along `from`.
    Stretches {
        from: DimId,
        to: DimId,
        ranges: Vec<Range<usize>>,
    },
    /// Zeros along `to`, except for the operand from `start` on.
    Place {
        from: DimId,
        to: DimId,
        start: usize,
    },
}

/// A node: what it computes, from what, over which dims.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub op: Op,
    pub args: Vec<Id>,
    pub dims: Dims,
    pub elem: Elem,
}

/// The graph; see the essay above.
pub(crate) struct Dag {
    pub nodes: Vec<Node>,
    pub sizes: DimSizes,
    /// Constants written in the spec, and positions along dims.
    pub tables: Vec<Vec<f64>>,
    memo: HashMap<Node, Id>,
}

impl Dag {
    pub fn new(sizes: DimSizes) -> Dag {
        Dag {
            nodes: Vec::new(),
            sizes,
            tables: Vec::new(),
            memo: HashMap::new(),
        }
    }

    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    pub fn dims(&self, id: Id) -> &Dims {
        &self.nodes[id].dims
    }

    /// The number of elements of a node.
    pub fn count(&self, id: Id) -> usize {
        self.sizes.count(&self.nodes[id].dims)
    }

    /// The value of a node that is a constant.
    pub fn constant(&self, id: Id) -> Option<f64> {
        match self.nodes[id].op {
            Op::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    pub fn add(&mut self, op: Op, args: Vec<Id>, dims: Dims, elem: Elem) -> Id {
        let node = Node {
            op,
            args,
            dims,
            elem,
        };
        if let Some(&id) = self.memo.get(&node) {
            return id;
        }
        self.nodes.push(node.clone());
        self.memo.insert(node, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    pub fn number(&mut self, value: f64) -> Id {
        self.add(
            Op::Const(value.to_bits()),
            Vec::new(),
            Dims::none(),
            Elem::Float,
        )
    }

    pub fn integer(&mut self, value: f64) -> Id {
        self.add(
            Op::Const(value.to_bits()),
            Vec::new(),
            Dims::none(),
            Elem::Int,
        )
    }

    /// The number of the table with these constants.
    pub fn table_of(&mut self, values: Vec<f64>) -> usize {
        let bits = |t: &[f64]| t.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let wanted = bits(&values);
        self.tables
            .iter()
            .position(|t| bits(t) == wanted)
            .unwrap_or_else(|| {
                self.tables.push(values);
                self.tables.len() - 1
            })
    }

    /// A leaf over `dims` with these constants in row-major order.
    pub fn table(&mut self, values: Vec<f64>, dims: Dims, elem: Elem) -> Id {
        let table = self.table_of(values);
        let strides = super::layout::dense(&self.sizes.shape(&dims));
        let at = Strided { offset: 0, strides };
        self.add(Op::Leaf(Source::Table(table), at), Vec::new(), dims, elem)
    }

    /// The positions 0, 1, 2, … along a dim.
    pub fn positions(&mut self, dim: DimId) -> Id {
        if self.sizes.get(dim) == 1 {
            return self.integer(0.0);
        }
        let values = (0..self.sizes.get(dim)).map(|i| i as f64).collect();
        self.table(values, Dims::one(dim), Elem::Int)
    }

    /// Whether a node is the positions along `dim`.
    pub fn is_positions(&self, id: Id, dim: DimId) -> bool {
        let node = &self.nodes[id];
        node.dims == Dims::one(dim)
            && node.elem == Elem::Int
            && matches!(&node.op, Op::Leaf(Source::Table(t), at)
                if at.offset == 0
                    && at.strides == [1]
                    && self.tables[*t].iter().enumerate().all(|(i, x)| *x == i as f64))
    }

    /// An elementwise operation, folded where it is known beforehand.
    pub fn map(&mut self, op: MapOp, args: &[Id]) -> Id {
        let values: Option<Vec<f64>> = args.iter().map(|&a| self.constant(a)).collect();
        let elem = match op {
            MapOp::Select => self.nodes[args[1]].elem,
            MapOp::Not | MapOp::And | MapOp::Or => Elem::Bool,
            MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge => Elem::Bool,
            _ => Elem::Float,
        };
        if let Some(values) = values {
            let value = crate::ir::map(op, &values);
            let bits = Op::Const(value.to_bits());
            return self.add(bits, Vec::new(), Dims::none(), elem);
        }
        match (
            op,
            self.constant(args[0]),
            args.get(1).and_then(|&b| self.constant(b)),
        ) {
            // Booleans are 0 and 1 already.
            (MapOp::Float, ..) if self.nodes[args[0]].elem != Elem::Int => return args[0],
            (MapOp::Mul, Some(1.0), _) => return args[1],
            (MapOp::Mul | MapOp::Div, _, Some(1.0)) => return args[0],
            _ => {}
        }
        let mut args = args.to_vec();
        // One order for operands that commute, so that equal nodes are found; constants last.
        let commutes = matches!(
            op,
            MapOp::Add | MapOp::Mul | MapOp::Eq | MapOp::And | MapOp::Or
        );
        if commutes
            && (self.constant(args[0]).is_some(), args[0])
                > (self.constant(args[1]).is_some(), args[1])
        {
            args.swap(0, 1);
        }
        let dims = args
            .iter()
            .fold(Dims::none(), |all, &a| all.union(self.dims(a)));
        self.add(Op::Map(op), args, dims, elem)
    }

    /// The floats that a comparison may find equal to themselves, computed elsewhere: what is compared,
    /// and all that they are made of. They must have the same bits in every pass that computes them, or
    /// the largest of some numbers is none of them.
    pub fn compared(&self) -> Vec<bool> {
        let mut compared = vec![false; self.nodes.len()];
        for id in (0..self.nodes.len()).rev() {
            let node = &self.nodes[id];
            let compares = match &node.op {
                Op::Map(MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge)
                | Op::ArgMax(_) => true,
                _ => compared[id],
            };
            if compares {
                node.args.iter().for_each(|&a| compared[a] = true);
            }
        }
        compared
    }

    /// Forgets which nodes are there already, after their dims have changed.
    pub fn forget(&mut self) {
        self.memo.clear();
    }

    /// Which nodes the given ones depend on, themselves included.
    pub fn live(&self, roots: impl IntoIterator<Item = Id>) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        roots.into_iter().for_each(|id| live[id] = true);
        for id in (0..self.nodes.len()).rev() {
            if live[id] {
                self.nodes[id].args.iter().for_each(|&a| live[a] = true);
            }
        }
        live
    }
}
