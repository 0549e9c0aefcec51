//! The tensor graph, as data.
//!
//! A [`Graph`] says what to compute and nothing else: a list of [`Node`]s, each an [`Op`] over
//! earlier nodes, with a type and an origin in the spec. It has no names except those of inputs
//! and outputs, no calls, no implicit broadcasting and no kinds.
//!
//! **Dims.** A tensor is indexed by a *set* of dims ([`DimId`]), written in ascending order. The
//! order of ids is the order in memory of every intermediate value, so there is no transposition
//! anywhere; how an input lies in memory is a matter of binding. A dim occurs at most once in a
//! type. An outer product of a dim with itself goes through [`Op::Rename`]. Sizes are symbolic:
//! a dim is bound by an input, fixed, or derived from another ([`DimSize`]).
//!
//! **Elements** are floats, integers (labels, indices) or booleans. Only `float` converts.
//!
//! **Invariants** (checked by [`verify`]): operands come before their users; elementwise operands
//! agree exactly in dims; every node has the type that its op gives; outputs exist.
//!
//! Must not know: `ast`, `hir`, passes, back ends.

mod dims;
mod dot;
mod graph;
mod grid;
mod op;
mod order;
mod scalar;
mod text;
mod ty;
mod verify;

pub use dims::{DimSizes, bind_sizes, known_sizes, resolve};
pub use dot::dot;
pub use graph::{Dim, DimSize, Graph, Input, Node, NodeId, Origin, Output, Role};
pub use grid::Grid;
pub use op::{Edge, MapOp, Op, ReduceOp, Rim};
pub use order::OrderOp;
pub use scalar::{map, pairwise_sum};
pub use text::{parse, print};
pub use ty::{DimId, Dims, Elem, Ty};
pub use verify::verify;
