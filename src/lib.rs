//! **lossc** compiles a loss function written as text into its value and its gradient.

mod arena;
pub mod source;

pub mod diag;

pub mod ast;

pub mod ir;

pub mod passes;

pub mod plan;

pub mod run;
