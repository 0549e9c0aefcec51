//! Every hand-written message, as it is printed.

mod brackets;
mod definitions;
mod exprs;
mod foreign;
mod items;
mod names;
mod others;
