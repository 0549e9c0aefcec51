//! Element types in memory: how they become lanes and lanes become them.

use super::lanes::{Int, Lanes};
use half::{bf16, f16};

/// An element type in memory.
pub(super) trait Element: Copy + 'static {
    fn load<T: Lanes>(self) -> T;
    fn load_int<T: Lanes>(self) -> T::Int;
    fn store<T: Lanes>(x: T) -> Self;
}

macro_rules! integers {
    ($($ty:ident),*) => {$(
        impl Element for $ty {
            #[inline(always)]
            fn load<T: Lanes>(self) -> T {
                T::of(self as f64)
            }
            #[inline(always)]
            fn load_int<T: Lanes>(self) -> T::Int {
                T::Int::of(self as i64)
            }
            #[inline(always)]
            fn store<T: Lanes>(x: T) -> $ty {
                x.wide() as $ty
            }
        }
    )*};
}

integers!(u8, u32, i16, i32, i64);

impl Element for f32 {
    #[inline(always)]
    fn load<T: Lanes>(self) -> T {
        T::of_f32(self)
    }
    #[inline(always)]
    fn load_int<T: Lanes>(self) -> T::Int {
        T::Int::of(self as i64)
    }
    #[inline(always)]
    fn store<T: Lanes>(x: T) -> f32 {
        x.narrow()
    }
}

impl Element for f64 {
    #[inline(always)]
    fn load<T: Lanes>(self) -> T {
        T::of(self)
    }
    #[inline(always)]
    fn load_int<T: Lanes>(self) -> T::Int {
        T::Int::of(self as i64)
    }
    #[inline(always)]
    fn store<T: Lanes>(x: T) -> f64 {
        x.wide()
    }
}

impl Element for f16 {
    /// Shifts the fields into place and lets a multiplication move the exponent, subnormals
    /// included; written without branches, unlike the conversion of `half`, to be vectorised.
    #[inline(always)]
    fn load<T: Lanes>(self) -> T {
        let bits = u32::from(self.to_bits());
        let sign = (bits & 0x8000) << 16;
        let moved = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
        let special = if bits & 0x7c00 == 0x7c00 {
            0x7f80_0000
        } else {
            0
        };
        T::of_f32(f32::from_bits(moved.to_bits() | sign | special))
    }
    #[inline(always)]
    fn load_int<T: Lanes>(self) -> T::Int {
        T::Int::of(self.to_f32() as i64)
    }
    #[inline(always)]
    fn store<T: Lanes>(x: T) -> f16 {
        f16::from_f64(x.wide())
    }
}

impl Element for bf16 {
    #[inline(always)]
    fn load<T: Lanes>(self) -> T {
        T::of_f32(f32::from_bits(u32::from(self.to_bits()) << 16))
    }
    #[inline(always)]
    fn load_int<T: Lanes>(self) -> T::Int {
        T::Int::of(self.to_f32() as i64)
    }
    /// Rounds to nearest, ties to even.
    #[inline(always)]
    fn store<T: Lanes>(x: T) -> bf16 {
        let x = x.narrow();
        let bits = x.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        let nan = bits >> 16 | 0x40;
        bf16::from_bits(if x.is_nan() { nan } else { rounded } as u16)
    }
}

/// From this size on, new memory is asked for in huge pages.
const HUGE: usize = 4 << 20;

/// Asks the system to back memory that nobody has touched yet with huge pages.
///
/// A new output is written once from end to end. In pages of 4 KiB the system is entered for each of
/// them, which took 100 of the 160 ms of a gradient of 131 MB; in pages of 2 MiB it hardly shows. It is a hint: nothing depends on it, and where there is no such thing nothing is done.
pub fn prefer_huge_pages(start: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    if bytes >= HUGE {
        const PAGE: usize = 1 << 21;
        let first = (start as usize).next_multiple_of(PAGE);
        let end = (start as usize + bytes) & !(PAGE - 1);
        if first < end {
            // SAFETY: the range lies within one allocation of the caller, and the advice changes
            // neither its contents nor what may be done with it. A refusal does no harm.
            unsafe {
                libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes, HUGE);
}
