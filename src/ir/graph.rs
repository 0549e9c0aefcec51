//! [`Graph`] and its parts, and the builder that computes types and refuses ill-typed nodes.

use super::op::{MapOp, Op, ReduceOp};
use super::ty::{DimId, Dims, Elem, Ty};
use crate::arena::id;
use crate::source::Span;

id! {
    /// A node of a graph.
    NodeId, "%"
}

/// Where the size of a dim comes from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum DimSize {
    /// From the tensors that are bound.
    Bound,
    /// From the spec, to which the tensors must conform.
    Fixed(usize),
    /// As long as `start..end` of another dim; negative bounds count from its end.
    Slice {
        /// The dim it is a stretch of.
        of: DimId,
        /// First position.
        start: i64,
        /// One past the last position; `None` is the end.
        end: Option<i64>,
    },
    /// As long as another dim.
    Same(DimId),
    /// As many as there are whole blocks of `size` entries in another dim.
    Blocks {
        /// The dim that is cut into blocks.
        of: DimId,
        /// How many entries a block holds, at least 1.
        size: usize,
    },
}

/// A dim of a graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dim {
    /// How the text form calls it: a name of the spec, or one derived from it. Unique in a graph.
    pub name: String,
    /// Its size.
    pub size: DimSize,
}

/// An input of a graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The name in the spec.
    pub name: String,
    /// Its type, dims in canonical order.
    pub ty: Ty,
    /// Whether its kind says that its numbers lie between 0 and 1. They are not held to it: only how large and how small
    /// numbers may become is judged by it.
    pub unit: bool,
}

impl Input {
    /// An input of any numbers.
    pub fn new(name: impl Into<String>, ty: Ty) -> Input {
        let name = name.into();
        let unit = false;
        Input { name, ty, unit }
    }

    /// The name of an input that stands for a pooled statistic: that of the output that gave it. No
    /// input of a spec is called so.
    pub fn statistic(number: usize) -> String {
        format!("statistic.{number}")
    }

    /// Whether it is a pooled statistic: numbers in f64, whatever the precision of the run.
    pub fn is_statistic(&self) -> bool {
        self.name.starts_with("statistic.")
    }
}

/// Where a node comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The expression of the spec that it computes.
    pub span: Span,
    /// Whether it belongs to the gradient of that expression.
    pub adjoint: bool,
}

/// One operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// To which nodes.
    pub args: Vec<NodeId>,
    /// What it gives.
    pub ty: Ty,
    /// Where it comes from.
    pub origin: Origin,
}

/// What an output means; the number counts inputs, terms or reports of the spec, or statistics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// The value that is minimized.
    Total,
    /// A term, before it is weighted.
    Term(u32),
    /// The factor of a term in the total.
    Weight(u32),
    /// A report.
    Report(u32),
    /// The gradient of the total with respect to an input, times the upstream factor.
    Grad(u32),
    /// A part of a statistic that shards of a batch pool (`src/shard`).
    Statistic(u32),
}

/// An output of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
    /// What it means.
    pub role: Role,
    /// The node that computes it.
    pub node: NodeId,
}

/// A tensor program; see the module's essay.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    /// The dims, indexed by [`DimId`].
    pub dims: Vec<Dim>,
    /// What is bound when it runs.
    pub inputs: Vec<Input>,
    /// The operations, indexed by [`NodeId`], operands before users.
    pub nodes: Vec<Node>,
    /// What it returns.
    pub outputs: Vec<Output>,
}

impl Graph {
    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The type of a node.
    pub fn ty(&self, id: NodeId) -> &Ty {
        &self.node(id).ty
    }

    /// All node ids, operands before users.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// A graph with the same dims and inputs, and no nodes.
    pub fn empty_like(&self) -> Graph {
        Graph {
            dims: self.dims.clone(),
            inputs: self.inputs.clone(),
            nodes: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Adds a leaf whose type its op does not tell: `Input`, `Const`, `Table`.
    pub fn leaf(&mut self, op: Op, ty: Ty, origin: Origin) -> NodeId {
        self.nodes.push(Node {
            op,
            args: Vec::new(),
            ty,
            origin,
        });
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Adds an operation and computes its type.
    ///
    /// # Panics
    /// If the operands do not fit, which is a mistake of the compiler.
    pub fn push(&mut self, op: Op, args: &[NodeId], origin: Origin) -> NodeId {
        let types: Vec<&Ty> = args.iter().map(|&a| self.ty(a)).collect();
        let ty = match op.result(&types) {
            Ok(ty) => ty,
            Err(why) => panic!("ill-typed node {op:?} {args:?} : {types:?}: {why}"),
        };
        self.nodes.push(Node {
            op,
            args: args.to_vec(),
            ty,
            origin,
        });
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Adds a node as it stands in another graph, with new operands.
    pub fn copy(&mut self, node: &Node, args: &[NodeId]) -> NodeId {
        match node.op {
            Op::Input(_) | Op::Const(_) | Op::Table(_) => {
                self.leaf(node.op.clone(), node.ty.clone(), node.origin)
            }
            _ => self.push(node.op.clone(), args, node.origin),
        }
    }

    /// Adds a float constant over `dims`.
    pub fn constant(&mut self, value: f64, dims: Dims, origin: Origin) -> NodeId {
        self.leaf(Op::Const(value), Ty::new(Elem::Float, dims), origin)
    }

    /// Adds an elementwise operation; operands are broadcast to the union of their dims first.
    pub fn map(&mut self, op: MapOp, args: &[NodeId], origin: Origin) -> NodeId {
        let dims = args
            .iter()
            .fold(Dims::none(), |all, &a| all.union(&self.ty(a).dims));
        let args: Vec<NodeId> = args
            .iter()
            .map(|&a| self.broadcast(a, &dims, origin))
            .collect();
        self.push(Op::Map(op), &args, origin)
    }

    /// `x` repeated along those of `dims` that it lacks; a constant is made larger instead.
    pub fn broadcast(&mut self, x: NodeId, dims: &Dims, origin: Origin) -> NodeId {
        let node = self.node(x);
        if node.ty.dims == *dims {
            return x;
        }
        if let Op::Const(value) = node.op {
            let ty = Ty::new(node.ty.elem, dims.clone());
            return self.leaf(Op::Const(value), ty, origin);
        }
        self.push(Op::Broadcast(dims.clone()), &[x], origin)
    }

    /// Σ over `dims`; `x` itself where there are none.
    pub fn sum(&mut self, x: NodeId, dims: Dims, origin: Origin) -> NodeId {
        if dims.is_empty() {
            return x;
        }
        self.push(Op::Reduce(ReduceOp::Sum, dims), &[x], origin)
    }

    /// The name of a dim.
    pub fn dim_name(&self, dim: DimId) -> &str {
        &self.dims[dim.index()].name
    }
}
