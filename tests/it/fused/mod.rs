//! The fused back end against the reference, and against its own promises.

mod alloc;
mod bind;
mod call;
mod contract;
mod losses;
mod memory;
mod native;
mod order;
mod random;
mod ulp;
