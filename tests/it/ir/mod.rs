//! The tensor graph: its text form, its meaning, and the passes over it.

mod gradient;
pub mod random;
mod reference;
mod text;
