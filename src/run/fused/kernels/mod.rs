//! The instructions: each a loop over the lanes of a tile, compiled for several instruction sets.
//!
//! A [`Body`] is a loop that the compiler vectorises when it is put into a function that may use
//! vector instructions; [`Isa::entry`] is that function. Nothing here is inlined into anything
//! larger, so a kernel is a handful of instructions that run over one tile.
//!
//! - `function.rs` has what is computed lane by lane, `product.rs` products of matrices, `body.rs` all
//!   other loops, and `choose.rs` finds the kernel of an instruction.
//!
//! **Invariant**: the result of a kernel overlaps none of its operands, but for accumulators,
//! which are read and written through one pointer.

mod body;
mod choose;
mod function;
mod product;
#[cfg(test)]
mod tests;

use super::lanes::Lanes;
pub(super) use choose::kernel;
pub(super) use function::{joined, map};
pub(super) use product::{Block, ROWS, STRETCH, block};

/// A kernel: the result, four operands, lanes, and a number that some kernels want. Which pointers it
/// uses, and how many elements behind each, depends on the instruction; see
/// [`crate::plan::TileOp`].
///
/// They are arguments, rather than fields of something in memory, as the compiler knows of an
/// argument that no array of the kernel's own lies there, and keeps such arrays in registers.
pub(super) type Kernel =
    unsafe fn(*mut u8, *const u8, *const u8, *const u8, *const u8, usize, usize);

/// The loop of a kernel.
pub(super) trait Body {
    /// # Safety
    /// The pointers that the loop uses are aligned, and valid for what it reads and writes: `n`
    /// lanes for vectors, one for numbers.
    unsafe fn run<T: Lanes, const FMA: bool>(
        d: *mut u8,
        a: *const u8,
        b: *const u8,
        c: *const u8,
        e: *const u8,
        n: usize,
        aux: usize,
    );
}

/// Lanes of an accumulator: a vector of f64, so that a tile need not be reduced to one number.
pub(super) const WIDE: usize = 8;

/// An instruction set.
pub(super) trait Isa {
    /// Bytes of a vector.
    const VECTOR: usize;
    fn entry<B: Body, T: Lanes>() -> Kernel;
}

macro_rules! isa {
    ($(#[$doc:meta])* $name:ident, $vector:literal, $fma:literal $(, $features:literal)?) => {
        $(#[$doc])*
        pub(super) struct $name;
        impl Isa for $name {
            const VECTOR: usize = $vector;
            fn entry<B: Body, T: Lanes>() -> Kernel {
                $(#[target_feature(enable = $features)])?
                unsafe fn entry<B: Body, T: Lanes>(
                    d: *mut u8,
                    a: *const u8,
                    b: *const u8,
                    c: *const u8,
                    e: *const u8,
                    n: usize,
                    aux: usize,
                ) {
                    // SAFETY: the caller's promise is the same.
                    unsafe { B::run::<T, $fma>(d, a, b, c, e, n, aux) }
                }
                entry::<B, T>
            }
        }
    };
}

#[cfg(not(target_arch = "aarch64"))]
isa!(
    /// What every machine of the target has.
    Baseline,
    16,
    false
);
#[cfg(target_arch = "aarch64")]
isa!(
    /// What every machine of the target has: NEON, with fused multiply-add.
    Baseline,
    16,
    true
);
#[cfg(target_arch = "x86_64")]
isa!(
    /// 256 bits and fused multiply-add.
    Avx2,
    32,
    true,
    "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
);
#[cfg(target_arch = "x86_64")]
isa!(
    /// 512 bits.
    Avx512,
    64,
    true,
    "avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
);
/// Asks for a line of memory that will be read soon.
#[inline(always)]
pub(super) fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch may be of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    // The intrinsic is not stable yet.
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch may be of any address, and changes nothing that a program sees.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{}]",
            in(reg) at,
            options(readonly, nostack, preserves_flags)
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}

/// Waits until stores past the cache are seen by all threads.
pub(super) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: part of SSE, which every x86-64 has.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}
