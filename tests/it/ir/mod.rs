//! The tensor graph: its text form, its meaning, and the passes over it.

pub mod random;
mod reference;
mod text;
