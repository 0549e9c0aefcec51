//! What a lane computes in: [`f32`] with i32 for integers, or [`f64`] with i64.

use super::real::Real;

/// An integer in a lane.
pub(super) trait Int: Copy + PartialEq + PartialOrd + Send + Sync + 'static {
    fn of(x: i64) -> Self;
    fn get(self) -> i64;
}

impl Int for i32 {
    #[inline(always)]
    fn of(x: i64) -> i32 {
        // A label that is no class stays none.
        x.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }
    #[inline(always)]
    fn get(self) -> i64 {
        i64::from(self)
    }
}

impl Int for i64 {
    #[inline(always)]
    fn of(x: i64) -> i64 {
        x
    }
    #[inline(always)]
    fn get(self) -> i64 {
        self
    }
}

/// A number in a lane. Integers take as many bytes, so that they share registers with floats.
pub(super) trait Lanes:
    Real<Truth = bool> + PartialEq + PartialOrd + Send + Sync + 'static
{
    type Int: Int;
    fn of_f32(x: f32) -> Self;
    fn of_int(x: Self::Int) -> Self;
    fn wide(self) -> f64;
    fn narrow(self) -> f32;
}

impl Lanes for f32 {
    type Int = i32;
    #[inline(always)]
    fn of_f32(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn of_int(x: i32) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn narrow(self) -> f32 {
        self
    }
}

impl Lanes for f64 {
    type Int = i64;
    #[inline(always)]
    fn of_f32(x: f32) -> f64 {
        f64::from(x)
    }
    #[inline(always)]
    fn of_int(x: i64) -> f64 {
        x as f64
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn narrow(self) -> f32 {
        self as f32
    }
}
