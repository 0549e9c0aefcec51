//! `Graph` → the same with equal nodes computed once. Adjoint nodes that equal forward nodes are
//! those: the gradient of exp(x) is the exp(x) that is there.

use super::intern::{Interner, rebuild};
use super::{Config, Pass};
use crate::ir::Graph;

/// The pass.
pub const PASS: Pass = Pass {
    name: "cse",
    about: "computes equal things once",
    run,
};

fn run(graph: Graph, _: &Config) -> Graph {
    rebuild(graph, Interner::new, Interner::add, |interner| {
        interner.graph
    })
}
