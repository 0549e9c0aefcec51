//! The tensor graph: its text form, its meaning, and the passes over it.

mod golden;
mod gradient;
pub mod random;
mod reference;
mod rules;
mod text;
mod values;
