//! Graph → Graph: the same numbers, computed better; and one pass that adds the gradient.
//!
//! **Invariant**: a pass does not change the numbers beyond its declared effect, nor the dims and
//! inputs of the graph, except that `differentiate` adds the input `upstream` and the gradients.

mod adjoint;
mod cse;
mod dce;
mod differentiate;
mod example;
mod fold;
mod intern;
mod pipeline;
mod rewrite;
mod simplify;
mod slope;
mod stabilise;
mod term;
mod unseen;
mod windows;

pub use pipeline::{ALL, GRADIENT, VALUE};
pub use rewrite::{Effect, Rule, rewrite};
pub use simplify::RULES as SIMPLIFY_RULES;
pub use stabilise::RULES as STABILISE_RULES;

use crate::ir::{self, Graph};

/// The name of the scalar input that `differentiate` adds: the gradient of whatever is minimized
/// with respect to the total. 1 unless the total is part of a larger loss.
pub const UPSTREAM: &str = "upstream";

/// What passes need to know besides the graph.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The inputs, by number, whose gradients `differentiate` adds.
    pub wanted: Vec<u32>,
}

/// A pass is a value: its name, what it does, and the function.
pub struct Pass {
    /// The name, as `lossc list passes` shows it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Does it.
    pub run: fn(Graph, &Config) -> Graph,
}

/// Runs passes in order, verifying after each in debug builds and tests.
///
/// # Panics
/// If a pass leaves a malformed graph behind, which is a mistake of the compiler.
pub fn apply(graph: Graph, passes: &[&Pass], config: &Config) -> Graph {
    passes.iter().fold(graph, |graph, pass| {
        let graph = (pass.run)(graph, config);
        if cfg!(debug_assertions)
            && let Err(why) = ir::verify(&graph)
        {
            panic!("malformed graph after `{}`:\n{why}", pass.name);
        }
        graph
    })
}
