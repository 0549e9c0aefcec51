//! Which nodes are split along a dim, which are whole, and after which round they are known.

use super::Merge;
use crate::ir::{DimId, DimSize, Graph, Node, NodeId, Op, ReduceOp, Role};
use crate::source::Span;

/// What a shard knows of a node, after so many rounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// The stretch of it that is the shard's.
    Split(usize),
    /// All of it.
    Whole(usize),
}

/// A node that shards cannot compute from their own entries and pooled statistics.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// The node, in the graph that was to be cut.
    pub node: NodeId,
    /// Its place in the spec.
    pub span: Span,
    /// What it looks at along the dim.
    pub looks_at: LooksAt,
    /// The outputs that depend on it.
    pub outputs: Vec<Role>,
}

/// What an operation looks at besides an entry itself; the most telling first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LooksAt {
    /// All pairs of entries.
    Pairs,
    /// The order of the entries.
    Order,
    /// Where an entry stands, or its neighbours.
    Places,
}

/// The states of all nodes of a graph.
#[derive(Debug)]
pub(super) struct Flow {
    states: Vec<State>,
    /// The round that pools a node, if it is a statistic.
    pooled: Vec<Option<usize>>,
}

impl Flow {
    /// Follows the dim through a graph without nodes that nothing needs.
    pub fn new(graph: &Graph, dim: DimId) -> Result<Flow, Vec<Obstacle>> {
        let derived = derived(graph, dim);
        let mut flow = Flow {
            states: Vec::with_capacity(graph.nodes.len()),
            pooled: Vec::with_capacity(graph.nodes.len()),
        };
        let mut obstacles = Vec::new();
        for id in graph.ids() {
            let node = graph.node(id);
            if let Some(looks_at) = obstacle(graph, node, dim, &derived) {
                obstacles.push(Obstacle {
                    node: id,
                    span: node.origin.span,
                    looks_at,
                    outputs: dependents(graph, id),
                });
            }
            let after = node.args.iter().map(|arg| match flow.states[arg.index()] {
                State::Split(round) | State::Whole(round) => round,
            });
            let after = after.max().unwrap_or(0);
            let pooled = reduces(&node.op, dim);
            flow.pooled.push(pooled.then_some(after));
            flow.states.push(if node.ty.dims.contains(dim) {
                State::Split(after)
            } else {
                State::Whole(after + usize::from(pooled))
            });
        }
        if obstacles.is_empty() {
            Ok(flow)
        } else {
            Err(obstacles)
        }
    }

    pub fn state(&self, id: NodeId) -> State {
        self.states[id.index()]
    }

    /// The round that pools a node, if it is a statistic.
    pub fn pooled_after(&self, id: NodeId) -> Option<usize> {
        self.pooled[id.index()]
    }
}

/// The outputs that depend on a node.
fn dependents(graph: &Graph, id: NodeId) -> Vec<Role> {
    let mut depends = vec![false; graph.nodes.len()];
    depends[id.index()] = true;
    for later in graph.ids().skip(id.index() + 1) {
        let args = &graph.node(later).args;
        depends[later.index()] = args.iter().any(|arg| depends[arg.index()]);
    }
    let outputs = graph.outputs.iter();
    outputs
        .filter(|output| depends[output.node.index()])
        .map(|output| output.role)
        .collect()
}

/// How the parts of a statistic are pooled.
pub(super) fn merge(op: &Op) -> Merge {
    match op {
        Op::Reduce(ReduceOp::Prod, _) => Merge::Product,
        Op::Reduce(ReduceOp::Max | ReduceOp::Any, _) => Merge::Max,
        Op::Reduce(ReduceOp::Min | ReduceOp::All, _) => Merge::Min,
        Op::Reduce(ReduceOp::LogSumExp, _) => Merge::LogSumExp,
        // Sums, dot products and counts.
        _ => Merge::Sum,
    }
}

/// Whether an operation reduces the dim, so that its result is pooled.
fn reduces(op: &Op, dim: DimId) -> bool {
    match op {
        Op::Reduce(_, dims) | Op::Dot(dims) | Op::Size(dims) => dims.contains(dim),
        _ => false,
    }
}

/// The dims that come of a dim by another name or as a stretch of it; indexed by dim.
fn derived(graph: &Graph, dim: DimId) -> Vec<bool> {
    let mut derived: Vec<bool> = Vec::with_capacity(graph.dims.len());
    for known in &graph.dims {
        derived.push(match known.size {
            DimSize::Bound | DimSize::Fixed(_) => false,
            DimSize::Slice { of, .. } | DimSize::Same(of) | DimSize::Blocks { of, .. } => {
                of == dim || derived[of.index()]
            }
        });
    }
    derived
}

/// What keeps a node from being computed in shards.
fn obstacle(graph: &Graph, node: &Node, dim: DimId, derived: &[bool]) -> Option<LooksAt> {
    let of_it = |d: DimId| d == dim || derived[d.index()];
    match &node.op {
        Op::Rename { from, to } => (of_it(*from) || of_it(*to)).then_some(LooksAt::Pairs),
        Op::Order(_, dims) => dims.iter().any(of_it).then_some(LooksAt::Order),
        Op::ArgMax(d)
        | Op::Index(d)
        | Op::Pick(d)
        | Op::OneHot(d)
        | Op::Softmax(d)
        | Op::LogSoftmax(d)
        | Op::At { dim: d, .. }
        | Op::Shift { dim: d, .. }
        | Op::WindowMax { dim: d, .. }
        | Op::WindowSum { dim: d, .. }
        | Op::WindowTies { dim: d, .. } => of_it(*d).then_some(LooksAt::Places),
        Op::Slice { from, to, .. }
        | Op::Place { from, to, .. }
        | Op::Resize { from, to, .. }
        | Op::Collect { from, to, .. } => (of_it(*from) || of_it(*to)).then_some(LooksAt::Places),
        Op::Distance(along) => along
            .iter()
            .any(|(d, _)| of_it(*d))
            .then_some(LooksAt::Places),
        Op::Size(dims) => dims
            .iter()
            .any(|d| derived[d.index()])
            .then_some(LooksAt::Pairs),
        // An operand with a derived dim has told already; a leaf with one has not.
        Op::Input(_) | Op::Const(_) | Op::Table(_) => node
            .ty
            .dims
            .iter()
            .any(|d| derived[d.index()])
            .then_some(LooksAt::Pairs),
        Op::Broadcast(dims) => {
            let operand = &graph.ty(node.args[0]).dims;
            let added = dims.minus(operand);
            added
                .iter()
                .any(|d| derived[d.index()])
                .then_some(LooksAt::Pairs)
        }
        Op::Map(_) | Op::Reduce(..) | Op::Dot(_) | Op::StopGrad => None,
    }
}
