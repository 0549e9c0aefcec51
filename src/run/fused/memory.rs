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
