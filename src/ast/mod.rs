//! Text → [`Ast`]: what was written, with a place for everything and a meaning for nothing.
//!
//! **Invariant**: an `Ast` holds no meaning; names are text, nothing has a type. Parsing what
//! `print` prints gives the same tree up to spans. Only this folder sees pest.
//!
//! A text goes through `scan` (tokens, comments), `pieces` (one for each item; brackets and
//! nesting), the grammar (`grammar/loss.pest`), and `parse` (pairs → tree). Failures of the
//! grammar become messages in `errors`.

mod errors;
mod format;
mod grammar;
mod parse;
mod pieces;
mod print;
mod scan;
mod tree;
pub mod vocabulary;

pub use format::format;
pub use grammar::is_name;
pub use parse::{parse, parse_without_tests};
pub use print::print;
pub use scan::{MAX_BYTES, comments, decode};
pub use tree::*;

#[cfg(test)]
mod tests;
