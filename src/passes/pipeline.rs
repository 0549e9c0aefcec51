//! The order of the passes.

use super::{Pass, cse, dce, differentiate, fold, simplify, stabilise};

/// For a graph that is only evaluated.
pub const VALUE: &[&Pass] = &[
    &stabilise::PASS,
    // What stabilising leaves behind is not worth folding.
    &dce::PASS,
    &fold::PASS,
    // A folded 0.5·2 is the 1 of x·1.
    &simplify::PASS,
    // Simplifying moves constants together.
    &fold::PASS,
    &cse::PASS,
    &dce::PASS,
];

/// For a graph whose gradient is wanted too.
pub const GRADIENT: &[&Pass] = &[
    &stabilise::PASS,
    &dce::PASS,
    &fold::PASS,
    &simplify::PASS,
    &cse::PASS,
    // Every node left is differentiated.
    &dce::PASS,
    &differentiate::PASS,
    &fold::PASS,
    &simplify::PASS,
    &fold::PASS,
    // The gradient shares what it has in common with the value.
    &cse::PASS,
    &dce::PASS,
];

/// Every pass, once, in the order in which they make sense.
pub const ALL: &[&Pass] = &[
    &stabilise::PASS,
    &simplify::PASS,
    &fold::PASS,
    &cse::PASS,
    &dce::PASS,
    &differentiate::PASS,
];
