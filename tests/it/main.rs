//! The one integration binary: a module per part of the compiler.

mod fused;
mod ir;
