//! Ast → [`Hir`]: what a spec means.
//!
//! Names are resolved, calls expanded in place, overloads chosen, conversions inserted, axes and
//! kinds checked, sizes unified. There is no recursion in the language, so this always ends; the
//! number of expressions is bounded.
//!
//! **Packs.** `...S` is seen as one flat axis as long as nothing looks at its axes one by one. Where
//! something does (`diff`, `shift`, `sum for`), the spec is checked with the pack taken apart into
//! as many axes as `ranks` says, two if it does not say.

mod axes;
mod build;
mod builtin;
mod call;
mod check;
mod cx;
mod deep;
mod each;
mod expr;
mod functions;
mod ignore;
mod items;
mod minimize;
mod modules;
mod operands;
mod options;
mod order;
mod overload;
mod pick;
mod print;
mod probe;
mod resize;
mod select;
mod tree;
mod ty;
mod unknown;
mod window;

pub use axes::{Axes, Axis, AxisDef, AxisId, Role, Step};
pub use check::{ASSUMED_RANK, check};
pub use cx::{Library, Used, operands};
pub use functions::{FUNCTIONS, Function, is_builtin, is_function};
pub use print::print;
pub use tree::*;
pub use ty::{Classes, Kind, Ty, show_axes};
