//! The kernel of products of matrices: a block of the result that stays in registers.

use super::{Body, Isa, Kernel};
use crate::run::fused::lanes::Lanes;

/// Rows of a block. With two vectors of columns it is 12 vectors, which hides the latency of an
/// addition, and leaves room for the columns where there are 16 registers.
pub(in super::super) const ROWS: usize = 6;

/// Terms that are added up one after the other before their sum joins those of the terms before them.
const CHAIN: usize = 16;

/// Terms whose chains are added up in the lane type. A sum of so many products is off by little more than
/// what rounding it to the lane type takes, and all longer ones are sums of such sums in f64.
pub(in super::super) const STRETCH: usize = 4 * CHAIN;

/// d = the sums, over `n` terms, of the products of [`ROWS`] numbers of a with `COLUMNS` of b; a holds a
/// pointer for each row. The lower half of `aux` is how far terms of a row lie apart, the upper half
/// how far rows of d do. `WIDE`: d is of f64, and d = d + the sums; otherwise there are at most
/// [`STRETCH`] terms.
struct Product<const COLUMNS: usize, const WIDE: bool>;

impl<const COLUMNS: usize, const WIDE: bool> Body for Product<COLUMNS, WIDE> {
    #[inline(always)]
    unsafe fn run<T: Lanes, const FMA: bool>(
        d: *mut u8,
        a: *const u8,
        b: *const u8,
        _: *const u8,
        _: *const u8,
        n: usize,
        aux: usize,
    ) {
        let (apart, rows_apart) = (aux & 0xffff_ffff, aux >> 32);
        // SAFETY: see the trait; there is a pointer for each row.
        let mut a = unsafe { *a.cast::<[*const T; ROWS]>() };
        let mut b = b.cast::<T>();
        if !WIDE {
            // SAFETY: as for the kernel.
            let sums = unsafe { stretch::<T, FMA, COLUMNS>(&mut a, &mut b, n, apart) };
            for (row, sums) in sums.into_iter().enumerate() {
                // SAFETY: d has as many rows and columns.
                unsafe { *d.cast::<T>().add(row * rows_apart).cast() = sums };
            }
            return;
        }
        let mut left = n;
        while left > 0 {
            let terms = left.min(STRETCH);
            // SAFETY: as for the kernel.
            let sums = unsafe { stretch::<T, FMA, COLUMNS>(&mut a, &mut b, terms, apart) };
            for (row, sums) in sums.into_iter().enumerate() {
                for (column, sum) in sums.into_iter().enumerate() {
                    // SAFETY: d has as many rows and columns.
                    unsafe { *d.cast::<f64>().add(row * rows_apart + column) += sum.wide() };
                }
            }
            left -= terms;
        }
    }
}

/// The sums of some terms, behind which a and b are left.
///
/// # Safety
/// Rows and panel have as many terms.
#[inline(always)]
unsafe fn stretch<T: Lanes, const FMA: bool, const COLUMNS: usize>(
    a: &mut [*const T; ROWS],
    b: &mut *const T,
    n: usize,
    apart: usize,
) -> [[T; COLUMNS]; ROWS] {
    let mut sums = [[T::ZERO; COLUMNS]; ROWS];
    let mut left = n;
    while left > 0 {
        let terms = left.min(CHAIN);
        let mut chain = [[T::ZERO; COLUMNS]; ROWS];
        for _ in 0..terms {
            // SAFETY: a panel has `COLUMNS` numbers for each term.
            let b_row: [T; COLUMNS] = unsafe { *b.cast() };
            for (chain, a) in chain.iter_mut().zip(&*a) {
                // SAFETY: a row has a number for each term.
                let a = unsafe { **a };
                for (sum, b) in chain.iter_mut().zip(b_row) {
                    *sum = T::mul_add::<FMA>(a, b, *sum);
                }
            }
            *a = a.map(|a| a.wrapping_add(apart));
            *b = b.wrapping_add(COLUMNS);
        }
        for (sums, chain) in sums.iter_mut().zip(chain) {
            for (sum, chain) in sums.iter_mut().zip(chain) {
                *sum = *sum + chain;
            }
        }
        left -= terms;
    }
    sums
}

/// The kernels of a block.
pub(in super::super) struct Block {
    /// How many columns it has.
    pub columns: usize,
    /// Writes the sums of up to [`STRETCH`] terms.
    pub put: Kernel,
    /// Adds the sums to numbers of f64.
    pub add: Kernel,
}

/// The block of an instruction set: two vectors of columns.
pub(in super::super) fn block<T: Lanes, I: Isa>() -> Block {
    fn of<T: Lanes, I: Isa, const COLUMNS: usize>() -> Block {
        Block {
            columns: COLUMNS,
            put: I::entry::<Product<COLUMNS, false>, T>(),
            add: I::entry::<Product<COLUMNS, true>, T>(),
        }
    }
    match 2 * I::VECTOR / size_of::<T>() {
        32 => of::<T, I, 32>(),
        16 => of::<T, I, 16>(),
        8 => of::<T, I, 8>(),
        _ => of::<T, I, 4>(),
    }
}
