//! **lossc** compiles a loss function written as text into its value and its gradient.

mod arena;

pub mod source;

pub mod diag;

pub mod ast;

pub mod hir;

pub mod ir;

pub mod signature;

pub mod lower;

pub mod passes;

pub mod plan;

pub mod run;

mod stdlib;

pub mod library;

mod error;

mod loss;

pub use candle_core;
pub use error::{Error, Report};
pub use loss::{Compiler, Loss, Outcome, Stage, TermValue};
pub use run::{Backend, Inputs};
