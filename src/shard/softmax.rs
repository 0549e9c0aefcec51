//! `Graph` → the same with softmaxes along a dim as their reductions, which can be pooled, and without the
//! upstream factor.

use crate::ir::{DimId, Dims, Graph, MapOp, NodeId, Op, Output, ReduceOp};

/// Writes out what runs along `dim`; inputs after the first `inputs` are 1.
pub(super) fn expand(graph: &Graph, dim: DimId, inputs: usize) -> Graph {
    let mut new = graph.empty_like();
    new.inputs.truncate(inputs);
    let mut at: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<NodeId> = node.args.iter().map(|a| at[a.index()]).collect();
        let origin = node.origin;
        let over = Dims::one(dim);
        at.push(match node.op {
            Op::Input(number) if number as usize >= inputs => {
                new.constant(1.0, node.ty.dims.clone(), origin)
            }
            // exp(x − max) / Σ exp(x − max)
            Op::Softmax(d) if d == dim => {
                let largest = new.push(Op::Reduce(ReduceOp::Max, over.clone()), &args, origin);
                let rest = new.map(MapOp::Sub, &[args[0], largest], origin);
                let exp = new.map(MapOp::Exp, &[rest], origin);
                let sum = new.sum(exp, over, origin);
                new.map(MapOp::Div, &[exp, sum], origin)
            }
            // x − log Σ exp x
            Op::LogSoftmax(d) if d == dim => {
                let all = new.push(Op::Reduce(ReduceOp::LogSumExp, over), &args, origin);
                new.map(MapOp::Sub, &[args[0], all], origin)
            }
            _ => new.copy(node, &args),
        });
    }
    let moved = |o: &Output| Output {
        node: at[o.node.index()],
        ..*o
    };
    new.outputs = graph.outputs.iter().map(moved).collect();
    new
}
