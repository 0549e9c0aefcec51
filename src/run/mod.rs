//! `Graph` and tensors → tensors: binding inputs, and the back ends.
//!
//! [`mod@reference`] is the meaning of a graph; the others agree with it.
//!
//! Must not know: `ast`, `hir`, passes.

mod backend;
mod bind;
mod labels;
mod prepared;
mod range;
mod recycle;
mod rows;
mod threads;
mod value;

pub mod autograd;
pub mod candle;
pub mod fused;
pub mod reference;

pub use backend::{Backend, backend_for, execute, execute_into, program};
pub use bind::{
    Binding, Bound, BoundInputs, Inputs, Shapes, Sizes, bind, from_canonical, ranks, scalar_value,
    sizes,
};
pub use labels::LabelRule;
pub use prepared::{Prepared, plan_at};
pub use value::Array;

pub(crate) use crate::signature::one_class;
pub(crate) use bind::merged_dims;
