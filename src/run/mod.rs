//! `Graph` and arrays → arrays: the back ends.
//!
//! [`reference`] is the meaning of a graph; the others agree with it.
//!
//! Must not know: `ast`, `hir`, passes.

mod value;

pub mod fused;
pub mod reference;

pub use value::Array;
