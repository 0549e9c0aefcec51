//! Nodes → a graph in which no two nodes compute the same thing.

use crate::ir::{Graph, MapOp, Node, NodeId, Op, Output};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A graph that grows by nodes that it does not have yet.
///
/// Two nodes are the same if op, operands and type are; numbers are compared by their bits, so
/// that NaN is itself and 0 is not −0. The operands of a commutative operation may stand either
/// way. The first of equal nodes stays, with its origin.
pub(super) struct Interner {
    pub(super) graph: Graph,
    /// The last node with a hash; those before it with the same hash are linked by `previous`.
    heads: HashMap<u64, NodeId, BuildHasherDefault<Mixer>>,
    previous: Vec<Option<NodeId>>,
}

impl Interner {
    /// Begins with `graph`, which has no nodes, and expects so many.
    pub(super) fn new(graph: Graph, count: usize) -> Interner {
        Interner {
            heads: HashMap::with_capacity_and_hasher(count, Default::default()),
            previous: Vec::with_capacity(count),
            graph,
        }
    }

    /// The node of the graph that is the same as this one, which is added if there is none.
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        let hash = hash(&node);
        let head = self.heads.get(&hash).copied();
        let mut other = head;
        while let Some(id) = other {
            if same(self.graph.node(id), &node) {
                return id;
            }
            other = self.previous[id.index()];
        }
        let id = NodeId(self.graph.nodes.len() as u32);
        self.graph.nodes.push(node);
        self.previous.push(head);
        self.heads.insert(hash, id);
        id
    }
}

/// Rebuilds a graph of so many nodes: `start` gets it without them, `make` gets each node, its
/// operands already new, and says which new node stands for it.
pub(super) fn rebuild<B>(
    mut graph: Graph,
    start: impl FnOnce(Graph, usize) -> B,
    mut make: impl FnMut(&mut B, Node) -> NodeId,
    finish: impl FnOnce(B) -> Graph,
) -> Graph {
    let nodes = std::mem::take(&mut graph.nodes);
    let outputs = std::mem::take(&mut graph.outputs);
    let mut builder = start(graph, nodes.len());
    let mut new: Vec<NodeId> = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        for arg in &mut node.args {
            *arg = new[arg.index()];
        }
        new.push(make(&mut builder, node));
    }
    let mut graph = finish(builder);
    let moved = |o: &Output| Output {
        node: new[o.node.index()],
        ..*o
    };
    graph.outputs = outputs.iter().map(moved).collect();
    graph
}

/// Whether the operands may stand either way.
pub(super) fn commutes(op: &Op) -> bool {
    matches!(
        op,
        Op::Map(
            MapOp::Add
                | MapOp::Mul
                | MapOp::Max
                | MapOp::Min
                | MapOp::Eq
                | MapOp::Ne
                | MapOp::And
                | MapOp::Or
        )
    )
}

fn same(a: &Node, b: &Node) -> bool {
    let args =
        a.args == b.args || (commutes(&a.op) && a.args[0] == b.args[1] && a.args[1] == b.args[0]);
    let bits = |a: &f64, b: &f64| a.to_bits() == b.to_bits();
    args && match (&a.op, &b.op) {
        (Op::Const(x), Op::Const(y)) => bits(x, y) && a.ty == b.ty,
        (Op::Table(x), Op::Table(y)) => {
            a.ty == b.ty && x.len() == y.len() && x.iter().zip(y).all(|(x, y)| bits(x, y))
        }
        // The type of any other node follows from its op and operands.
        (a, b) => a == b,
    }
}

fn hash(node: &Node) -> u64 {
    let mut h = Mixer::default();
    std::mem::discriminant(&node.op).hash(&mut h);
    match &node.op {
        Op::Input(number) => number.hash(&mut h),
        Op::Const(value) => {
            value.to_bits().hash(&mut h);
            node.ty.hash(&mut h);
        }
        Op::Table(values) => values.iter().for_each(|v| v.to_bits().hash(&mut h)),
        Op::Map(op) => op.hash(&mut h),
        Op::Size(dims) | Op::Broadcast(dims) | Op::Dot(dims) => dims.hash(&mut h),
        Op::Reduce(op, dims) => (op, dims).hash(&mut h),
        Op::Order(op, dims) => (op, dims).hash(&mut h),
        Op::Distance(along) => along
            .iter()
            .for_each(|(dim, spacing)| (dim, spacing.to_bits()).hash(&mut h)),
        Op::Rename { from, to } => (from, to).hash(&mut h),
        Op::At { dim, index } => (dim, index).hash(&mut h),
        Op::Slice { from, to, start } | Op::Place { from, to, start } => {
            (from, to, start).hash(&mut h);
        }
        Op::Resize { from, to, grid } | Op::Collect { from, to, grid } => {
            (from, to, grid).hash(&mut h);
        }
        Op::Shift { dim, by, edge } => (dim, by, edge).hash(&mut h),
        Op::WindowMax { dim, radius } | Op::WindowTies { dim, radius } => {
            (dim, radius).hash(&mut h);
        }
        Op::WindowSum { dim, weights, rim } => {
            (dim, rim).hash(&mut h);
            weights.iter().for_each(|w| w.to_bits().hash(&mut h));
        }
        Op::Index(dim)
        | Op::Softmax(dim)
        | Op::LogSoftmax(dim)
        | Op::Pick(dim)
        | Op::OneHot(dim)
        | Op::ArgMax(dim) => dim.hash(&mut h),
        Op::StopGrad => {}
    }
    match *node.args.as_slice() {
        [a, b] if commutes(&node.op) => (a.min(b), a.max(b)).hash(&mut h),
        _ => node.args.hash(&mut h),
    }
    h.finish()
}

/// A hasher for a few small numbers: multiply and rotate, as in Firefox. The table is never
/// iterated over, and nobody chooses its keys to do harm.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
