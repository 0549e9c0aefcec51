//! `Graph` → the same without the choices that nobody sees. Where one condition decides several
//! times along the way to an output, the last decision is enough: what was put into the other
//! positions before is thrown away there. So a rule of `ignore`, which lowering applies to every
//! operand by itself, costs one choice for each number that is added up, and one for the gradient.
//!
//! Labels stay as they are chosen, since memory is read by them.

use super::intern::{Interner, rebuild};
use super::{Config, Pass, dce};
use crate::ir::{Dims, Elem, Graph, MapOp, Node, NodeId, Op};

/// The pass.
pub const PASS: Pass = Pass {
    name: "unseen",
    about: "drops choices between numbers of which nobody sees but one",
    run,
};

/// As many conditions are followed; a graph with more has each of them only a few times.
const MAX_CONDITIONS: usize = 16;

fn run(mut graph: Graph, _: &Config) -> Graph {
    // A choice that is dropped sees no more of what it chose from, and conditions may turn out to be one.
    loop {
        let changed;
        (graph, changed) = once(graph);
        if !changed {
            return graph;
        }
    }
}

/// Drops what nobody sees, and says whether nodes have gone.
fn once(graph: Graph) -> (Graph, bool) {
    let mut kept: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for condition in conditions(&graph) {
        for holds in [false, true] {
            let here = Place { condition, holds };
            let unseen = here.unseen(&graph);
            for id in graph.ids() {
                if unseen[id.index()]
                    && let Some(chosen) = here.chosen(&graph, graph.node(id))
                    && graph.ty(id).elem == Elem::Float
                {
                    kept[id.index()] = Some(3 - chosen);
                }
            }
        }
    }
    let count = graph.nodes.len();
    let mut next = kept.into_iter();
    let make = |interner: &mut Interner, node: Node| match next.next().flatten() {
        Some(branch) => node.args[branch],
        None => no_class(interner, &node).unwrap_or_else(|| interner.add(node)),
    };
    let graph = rebuild(graph, Interner::new, make, |interner| interner.graph);
    let graph = dce::sweep(graph);
    let changed = graph.nodes.len() != count;
    (graph, changed)
}

/// A label of −1 is no class, so that one choice of labels serves for the choices of all classes:
/// `select(c, onehot(select(c, l, 0)), 0)` is `onehot(select(c, l, −1))`, and of x·onehot the factors are
/// chosen, since x is often chosen for itself too.
fn no_class(interner: &mut Interner, node: &Node) -> Option<NodeId> {
    let graph = &interner.graph;
    if node.op != Op::Map(MapOp::Select) {
        return None;
    }
    let is_zero = |&k: &usize| graph.node(node.args[k]).op == Op::Const(0.0);
    let zero = [1, 2].into_iter().find(is_zero)?;
    let x = graph.node(node.args[3 - zero]);
    let is_onehot = |id: NodeId| matches!(graph.node(id).op, Op::OneHot(_));
    let (onehot, factor) = match (&x.op, x.args.as_slice()) {
        (Op::OneHot(_), _) => (x.clone(), None),
        (Op::Map(MapOp::Mul), &[a, b]) if is_onehot(a) => (graph.node(a).clone(), Some(b)),
        (Op::Map(MapOp::Mul), &[a, b]) if is_onehot(b) => (graph.node(b).clone(), Some(a)),
        _ => return None,
    };
    let labels = graph.node(onehot.args[0]).clone();
    let (condition, negated) = plain(graph, node.args[0]);
    let here = Place {
        condition,
        holds: (zero == 1) != negated,
    };
    let replaced = here.chosen(graph, &labels)?;
    if !matches!(graph.node(labels.args[replaced]).op, Op::Const(_)) {
        return None;
    }
    let none = interner.add(Node {
        op: Op::Const(-1.0),
        args: Vec::new(),
        ty: labels.ty.clone(),
        origin: node.origin,
    });
    let mut args = labels.args.clone();
    args[replaced] = none;
    let labels = interner.add(Node { args, ..labels });
    let onehot = interner.add(Node {
        args: vec![labels],
        ..onehot
    });
    let Some(factor) = factor else {
        return Some(onehot);
    };
    let mut args = node.args.clone();
    args[3 - zero] = factor;
    let factor = interner.add(Node {
        args,
        ..node.clone()
    });
    Some(interner.add(Node {
        op: Op::Map(MapOp::Mul),
        args: vec![factor, onehot],
        ..node.clone()
    }))
}

/// The conditions that decide more than once, over dims.
fn conditions(graph: &Graph) -> Vec<NodeId> {
    let mut found: Vec<(NodeId, usize)> = Vec::new();
    for node in &graph.nodes {
        if node.op != Op::Map(MapOp::Select) || node.ty.dims.is_empty() {
            continue;
        }
        let (condition, _) = plain(graph, node.args[0]);
        match found.iter_mut().find(|(known, _)| *known == condition) {
            Some((_, times)) => *times += 1,
            None => found.push((condition, 1)),
        }
    }
    found.retain(|&(_, times)| times > 1);
    found.truncate(MAX_CONDITIONS);
    found.into_iter().map(|(condition, _)| condition).collect()
}

/// What a condition repeats or negates, and whether it negates it.
fn plain(graph: &Graph, mut id: NodeId) -> (NodeId, bool) {
    let mut negated = false;
    loop {
        let node = graph.node(id);
        match node.op {
            Op::Map(MapOp::Not) => negated = !negated,
            Op::Broadcast(_) => {}
            _ => return (id, negated),
        }
        id = node.args[0];
    }
}

/// The positions at which a condition holds, or at which it does not.
#[derive(Clone, Copy)]
struct Place {
    condition: NodeId,
    holds: bool,
}

impl Place {
    /// For each node, whether no output depends on what it is at these positions.
    fn unseen(self, graph: &Graph) -> Vec<bool> {
        let dims = &graph.ty(self.condition).dims;
        let has_positions = |node: &Node| dims.minus(&node.ty.dims).is_empty();
        let mut unseen: Vec<bool> = graph.nodes.iter().map(has_positions).collect();
        for output in &graph.outputs {
            unseen[output.node.index()] = false;
        }
        for id in graph.ids().rev() {
            let node = graph.node(id);
            let apart = apart(&node.op).is_some_and(|along| along.intersect(dims).is_empty());
            let own = apart && unseen[id.index()];
            let chosen = self.chosen(graph, node);
            for (k, arg) in node.args.iter().enumerate() {
                let passed_over = k > 0 && chosen.is_some_and(|chosen| chosen != k);
                unseen[arg.index()] &= own || passed_over;
            }
        }
        unseen
    }

    /// Which operand a choice takes here, if this condition decides it.
    fn chosen(self, graph: &Graph, node: &Node) -> Option<usize> {
        if node.op != Op::Map(MapOp::Select) {
            return None;
        }
        let (condition, negated) = plain(graph, node.args[0]);
        (condition == self.condition).then_some(if self.holds != negated { 1 } else { 2 })
    }
}

/// The dims along which an operation looks from one position to others; `None` if it moves them.
fn apart(op: &Op) -> Option<Dims> {
    match op {
        Op::Map(_) | Op::Broadcast(_) | Op::StopGrad => Some(Dims::none()),
        Op::Reduce(_, over) | Op::Dot(over) | Op::Order(_, over) => Some(over.clone()),
        Op::Softmax(dim) | Op::LogSoftmax(dim) | Op::Pick(dim) | Op::OneHot(dim) => {
            Some(Dims::one(*dim))
        }
        Op::ArgMax(dim) | Op::At { dim, .. } | Op::Shift { dim, .. } => Some(Dims::one(*dim)),
        Op::WindowMax { dim, .. } | Op::WindowSum { dim, .. } | Op::WindowTies { dim, .. } => {
            Some(Dims::one(*dim))
        }
        Op::Distance(along) => Some(along.iter().map(|(dim, _)| *dim).collect()),
        Op::Input(_)
        | Op::Const(_)
        | Op::Table(_)
        | Op::Index(_)
        | Op::Size(_)
        | Op::Rename { .. }
        | Op::Slice { .. }
        | Op::Place { .. }
        | Op::Resize { .. }
        | Op::Collect { .. } => None,
    }
}
