//! `Graph` → rounds: what each shard of a batch computes, what of it is pooled, and what follows.
//!
//! A batch is split along one dim into shards that nothing but small numbers passes between: micro-batches of gradient
//! accumulation, tiles of a volume, ranks of a data-parallel run. Of every node it is known whether
//! it is **split** (it has the dim; a shard holds its own stretch) or **whole** (the same in
//! every shard). What reduces the dim makes a whole of something split, by way of a **statistic**:
//! each shard reduces what it has, and the parts are pooled by a [`Merge`]. A statistic that needs
//! another one first is pooled in a later round.
//!
//! So nothing about a loss is approximated, and nothing is known of losses here: Dice needs its
//! three sums over the batch because its graph divides after it has summed, a mean of the Dice of each
//! sample needs one number. The same goes for gradients, since a gradient is a graph too.
//!
//! **Invariant**: the graph of a round has the inputs of the spec, then every statistic of the
//! rounds before, in order, as inputs named like the outputs that gave them: `statistic.0`, ….
//!
//! Must not know: how graphs run, specs.

mod flow;
mod merge;
mod softmax;

pub use flow::{LooksAt, Obstacle};
pub use merge::Merge;

use crate::ir::{DimId, Dims, Elem, Graph, Input, MapOp, Node, NodeId, Op, Output, Role, Ty};
use flow::{Flow, State};

/// A graph, cut where shards must wait for each other.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// What each round pools, and the graph that computes a shard's part of it.
    pub rounds: Vec<Round>,
    /// The total, terms and reports, once everything is pooled.
    pub value: Graph,
    /// The same and the gradients.
    pub gradient: Graph,
    /// The inputs whose gradient is whole, and not that of a shard's stretch.
    pub whole: Vec<u32>,
}

/// What shards compute before they wait for each other.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its outputs are the statistics.
    pub graph: Graph,
    /// How each is pooled.
    pub statistics: Vec<Statistic>,
}

/// Numbers of which every shard has a part.
#[derive(Clone, Debug)]
pub struct Statistic {
    /// How parts become one.
    pub merge: Merge,
    /// What the numbers are indexed by; the dim of the shards is not among it.
    pub dims: Dims,
}

/// Cuts a graph of value and gradient whose first `inputs` inputs are those of a spec. The upstream factor of
/// the gradient, if the graph has one, is taken to be 1.
///
/// # Errors
/// Every node that looks along the dim otherwise than by reducing it.
pub fn split(graph: &Graph, dim: DimId, inputs: usize) -> Result<Rounds, Vec<Obstacle>> {
    let graph = softmax::expand(graph, dim, inputs);
    let flow = Flow::new(&graph, dim)?;
    let cut = Cut::new(&graph, &flow);
    let is_grad = |o: &&Output| matches!(o.role, Role::Grad(_));
    let values: Vec<Output> = graph
        .outputs
        .iter()
        .filter(|o| !is_grad(o))
        .copied()
        .collect();
    let whole = graph.outputs.iter().filter_map(|output| match output.role {
        Role::Grad(input) => match flow.state(output.node) {
            State::Whole(_) => Some(input),
            State::Split(_) => None,
        },
        _ => None,
    });
    let all = cut.rounds.len();
    let rounds = (0..all).map(|round| Round {
        graph: cut.round(round),
        statistics: cut.rounds[round]
            .iter()
            .map(|&id| cut.statistic(id))
            .collect(),
    });
    Ok(Rounds {
        rounds: rounds.collect(),
        value: cut.graph(all, &values),
        gradient: cut.graph(all, &graph.outputs),
        whole: whole.collect(),
    })
}

/// A graph and the statistics of its rounds.
struct Cut<'g> {
    graph: &'g Graph,
    rounds: Vec<Vec<NodeId>>,
}

impl<'g> Cut<'g> {
    fn new(graph: &'g Graph, flow: &Flow) -> Cut<'g> {
        let mut rounds: Vec<Vec<NodeId>> = Vec::new();
        for id in graph.ids() {
            if let Some(round) = flow.pooled_after(id) {
                rounds.resize_with(rounds.len().max(round + 1), Vec::new);
                rounds[round].push(id);
            }
        }
        Cut { graph, rounds }
    }

    fn statistic(&self, id: NodeId) -> Statistic {
        let node = self.graph.node(id);
        Statistic {
            merge: flow::merge(&node.op),
            dims: node.ty.dims.clone(),
        }
    }

    /// The graph of a round: its outputs are the statistics that it pools.
    fn round(&self, round: usize) -> Graph {
        let before: usize = self.rounds[..round].iter().map(Vec::len).sum();
        let roots: Vec<Output> = self.rounds[round]
            .iter()
            .enumerate()
            .map(|(i, &node)| Output {
                role: Role::Statistic((before + i) as u32),
                node,
            })
            .collect();
        self.graph(round, &roots)
    }

    /// What `outputs` need, with the statistics of the first `known` rounds as inputs.
    fn graph(&self, known: usize, outputs: &[Output]) -> Graph {
        let mut new = self.graph.empty_like();
        let pooled: Vec<NodeId> = self.rounds[..known].iter().flatten().copied().collect();
        let inputs = new.inputs.len();
        for (i, &id) in pooled.iter().enumerate() {
            let ty = Ty::new(Elem::Float, self.graph.ty(id).dims.clone());
            new.inputs.push(Input::new(Input::statistic(i), ty));
        }
        let number = |id: NodeId| pooled.iter().position(|&p| p == id);
        let mut needed = vec![false; self.graph.nodes.len()];
        for output in outputs {
            needed[output.node.index()] = true;
        }
        for id in self.graph.ids().rev() {
            if needed[id.index()] && number(id).is_none() {
                for arg in &self.graph.node(id).args {
                    needed[arg.index()] = true;
                }
            }
        }
        let mut at: Vec<Option<NodeId>> = vec![None; self.graph.nodes.len()];
        for id in self.graph.ids().filter(|id| needed[id.index()]) {
            let node = self.graph.node(id);
            at[id.index()] = Some(match number(id) {
                Some(i) => read(&mut new, inputs + i, node),
                None => {
                    let arg = |a: &NodeId| at[a.index()].expect("operands are needed too");
                    let args: Vec<NodeId> = node.args.iter().map(arg).collect();
                    new.copy(node, &args)
                }
            });
        }
        for output in outputs {
            let node = at[output.node.index()].expect("outputs are needed");
            let node = match output.role {
                // Statistics are numbers, whatever they stand for.
                Role::Statistic(_) if self.graph.ty(output.node).elem == Elem::Bool => {
                    new.map(MapOp::Float, &[node], new.node(node).origin)
                }
                _ => node,
            };
            new.outputs.push(Output { node, ..*output });
        }
        new
    }
}

/// A pooled statistic in place of the node that it is.
fn read(graph: &mut Graph, input: usize, node: &Node) -> NodeId {
    let ty = graph.inputs[input].ty.clone();
    let read = graph.leaf(Op::Input(input as u32), ty, node.origin);
    if node.ty.elem != Elem::Bool {
        return read;
    }
    let zero = graph.constant(0.0, node.ty.dims.clone(), node.origin);
    graph.map(MapOp::Ne, &[read, zero], node.origin)
}
