//! `Graph` → the same without the nodes that no output depends on. Inputs and dims stay, read or
//! not: they are what the caller binds.

use super::{Config, Pass};
use crate::ir::{Graph, NodeId};

/// The pass.
pub const PASS: Pass = Pass {
    name: "dce",
    about: "drops what no output depends on",
    run,
};

fn run(mut graph: Graph, _: &Config) -> Graph {
    let mut live = vec![false; graph.nodes.len()];
    for output in &graph.outputs {
        live[output.node.index()] = true;
    }
    for id in graph.ids().rev() {
        if live[id.index()] {
            for arg in &graph.node(id).args {
                live[arg.index()] = true;
            }
        }
    }
    let mut new = Vec::with_capacity(live.len());
    let mut count = 0;
    for &live in &live {
        new.push(NodeId(count));
        count += u32::from(live);
    }
    let mut place = live.iter();
    graph
        .nodes
        .retain(|_| *place.next().expect("as many marks as nodes"));
    for arg in graph.nodes.iter_mut().flat_map(|node| &mut node.args) {
        *arg = new[arg.index()];
    }
    for output in &mut graph.outputs {
        output.node = new[output.node.index()];
    }
    graph
}
