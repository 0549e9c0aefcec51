//! The integration tests: one binary, one module for each stage.

mod candle;
mod catalogue;
#[cfg(feature = "cli")]
mod cli;
mod compat;
mod fused;
mod golden;
mod ignored;
mod ir;
mod language;
mod lints;
mod modules;
mod pages;
mod properties;
mod readme;
mod resolutions;
mod run;
mod sharded;
mod slopes;
mod spec_tests;
mod tidy;
mod ui;
mod windows;
