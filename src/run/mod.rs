//! `Graph` and tensors → tensors: binding inputs, and the back ends.
//!
//! [`reference`] is the meaning of a graph; the others agree with it.
//!
//! Must not know: `ast`, `hir`, passes.

mod backend;
mod bind;
mod value;

pub mod autograd;
pub mod candle;
pub mod reference;

pub use backend::{Backend, execute};
pub use bind::{Binding, Bound, BoundInputs, Inputs, bind, from_canonical, ranks, scalar_value};
pub use value::Array;

pub(crate) use crate::signature::one_class;
