//! The fused back end against the reference, and against its own promises.

mod bind;
mod losses;
mod random;
