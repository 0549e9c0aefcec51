//! Text → [`Ast`]: what was written, with a place for everything and a meaning for nothing.
//!
//! **Invariant**: an `Ast` holds no meaning; names are text, nothing has a type. Parsing what
//! [`print`] prints gives the same tree up to spans. Only this folder sees pest.

mod errors;
mod grammar;
mod parse;
mod print;
mod scan;
mod tree;

pub use parse::{MAX_BYTES, parse};
pub use print::print;
pub use tree::*;
