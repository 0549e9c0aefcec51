//! **lossc** compiles a loss function written as text into its value and its gradient.
//!
//! A [`Loss`] is compiled once and run often. It takes tensors by name and returns an [`Outcome`]:
//! the total, a Candle scalar that takes part in `backward()`, every term raw and weighted, and
//! the reports.
//!
//! ```
//! use lossc::candle_core::{Device, Tensor};
//! use lossc::{Inputs, Loss};
//!
//! # fn main() -> Result<(), lossc::Error> {
//! let loss = Loss::compile(
//!     "input pred: logits[N, C] over C
//!      input target: labels[N] of C
//!      param alpha: real in [0, 1] = 0.5
//!      minimize alpha*ce() + (1 - alpha)*focal(gamma=2)
//!      report right = accuracy()",
//! )?;
//! let pred = Tensor::new(&[[2f32, 0., -1.], [0., 3., 0.]], &Device::Cpu)?;
//! let target = Tensor::new(&[0i64, 1], &Device::Cpu)?;
//! // A param changes without compiling anything again.
//! let inputs = Inputs::from([("pred", &pred), ("target", &target)]).scalar("alpha", 1.0);
//! let outcome = loss.run(inputs)?;
//! assert_eq!(outcome.terms[0].name, "ce");
//! assert_eq!(outcome.reports[0], ("right".to_string(), 1.0));
//! # Ok(())
//! # }
//! ```
//!
//! The stages, each one function on one data type:
//!
//! ```text
//! text → module::load (ast::parse) → hir::check → lower::lower → passes::apply → run::execute → numbers
//! ```
//!
//! The library prints nothing, reads no file and does not panic on what a user writes or binds;
//! mistakes are [`Error`]s with codes, places and fixes.

mod arena;

pub mod source;

pub mod diag;

pub mod ast;

pub mod hir;

pub mod ir;

pub mod signature;

pub mod lint;
pub mod lower;

pub mod passes;

pub mod plan;

pub mod shard;

pub mod run;

mod stdlib;

pub mod library;

pub mod module;

mod error;

mod loss;

pub mod testing;

pub use candle_core;
pub use error::{Error, Report};
pub use loss::{Compiler, Loss, Outcome, Pooled, Sharded, Sharding, Stage, Statistics, TermValue};
pub use module::{LoadError, Loader};
pub use run::{Backend, Inputs};

/// The snippets of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/shards.md")]
struct Shards;
