//! **lossc** compiles a loss function written as text into its value and its gradient.

mod arena;
pub mod source;

pub mod diag;

pub mod ast;

pub mod hir;

pub mod ir;

pub mod lower;

pub mod signature;

pub mod run;

pub mod library;

mod stdlib;
