//! The order of the passes.

use super::{Pass, cse, dce, differentiate, fold, simplify, stabilise, unseen};

/// For a graph that is only evaluated.
pub const VALUE: &[&Pass] = &[
    &stabilise::PASS,
    &fold::PASS,
    // A folded 0.5·2 is the 1 of x·1.
    &simplify::PASS,
    // Simplifying moves constants together.
    &fold::PASS,
    &cse::PASS,
    &unseen::PASS,
    &dce::PASS,
];

/// For a graph whose gradient is wanted too.
pub const GRADIENT: &[&Pass] = &[
    &stabilise::PASS,
    &fold::PASS,
    &simplify::PASS,
    // Every node that is there is differentiated.
    &cse::PASS,
    &dce::PASS,
    &differentiate::PASS,
    &fold::PASS,
    &simplify::PASS,
    &fold::PASS,
    // The gradient shares what it has in common with the value.
    &cse::PASS,
    // The gradient has its own choices for those of the value, so these are looked at together.
    &unseen::PASS,
    &dce::PASS,
];

/// Every pass, once, in the order in which they make sense.
pub const ALL: &[&Pass] = &[
    &stabilise::PASS,
    &simplify::PASS,
    &fold::PASS,
    &cse::PASS,
    &unseen::PASS,
    &dce::PASS,
    &differentiate::PASS,
];
