//! What a lane computes in: [`f32`] with i32 for integers, or [`f64`] with i64.

use super::math;
use crate::ir::{self, MapOp};
use std::ops::{Add, Div, Mul, Neg, Sub};

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
    Copy
    + PartialEq
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Send
    + Sync
    + 'static
{
    type Int: Int;
    const ZERO: Self;
    const ONE: Self;
    const NAN: Self;
    fn of(x: f64) -> Self;
    fn of_f32(x: f32) -> Self;
    fn of_int(x: Self::Int) -> Self;
    fn wide(self) -> f64;
    fn narrow(self) -> f32;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn floor(self) -> Self;
    /// a · b + c, rounded once where `FMA` says that this is one instruction.
    fn mul_add<const FMA: bool>(a: Self, b: Self, c: Self) -> Self;
    fn exp<const FMA: bool>(self) -> Self;
    fn ln<const FMA: bool>(self) -> Self;
    fn log1p<const FMA: bool>(self) -> Self;
    fn expm1<const FMA: bool>(self) -> Self;
    fn sigmoid<const FMA: bool>(self) -> Self;
    fn softplus<const FMA: bool>(self) -> Self;
    fn tanh<const FMA: bool>(self) -> Self;
    fn sin<const FMA: bool>(self) -> Self;
    fn cos<const FMA: bool>(self) -> Self;
    fn atan<const FMA: bool>(self) -> Self;
    fn erf<const FMA: bool>(self) -> Self;
    fn pow<const FMA: bool>(a: Self, b: Self) -> Self;
    /// An operation that is too rare for a kernel of its own.
    #[inline(always)]
    fn rare(op: MapOp, x: Self) -> Self {
        Self::of(ir::map(op, &[x.wide()]))
    }
}

impl Lanes for f32 {
    type Int = i32;
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NAN: f32 = f32::NAN;
    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }
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
    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn floor(self) -> f32 {
        f32::floor(self)
    }
    #[inline(always)]
    fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
        if FMA {
            f32::mul_add(a, b, c)
        } else {
            a * b + c
        }
    }
    #[inline(always)]
    fn exp<const FMA: bool>(self) -> f32 {
        math::exp::<FMA>(self)
    }
    #[inline(always)]
    fn ln<const FMA: bool>(self) -> f32 {
        math::ln::<FMA>(self)
    }
    #[inline(always)]
    fn log1p<const FMA: bool>(self) -> f32 {
        math::log1p::<FMA>(self)
    }
    #[inline(always)]
    fn expm1<const FMA: bool>(self) -> f32 {
        math::expm1::<FMA>(self)
    }
    #[inline(always)]
    fn sigmoid<const FMA: bool>(self) -> f32 {
        math::sigmoid::<FMA>(self)
    }
    #[inline(always)]
    fn softplus<const FMA: bool>(self) -> f32 {
        math::softplus::<FMA>(self)
    }
    #[inline(always)]
    fn tanh<const FMA: bool>(self) -> f32 {
        math::tanh::<FMA>(self)
    }
    #[inline(always)]
    fn sin<const FMA: bool>(self) -> f32 {
        math::sin::<FMA>(self)
    }
    #[inline(always)]
    fn cos<const FMA: bool>(self) -> f32 {
        math::cos::<FMA>(self)
    }
    #[inline(always)]
    fn atan<const FMA: bool>(self) -> f32 {
        math::atan::<FMA>(self)
    }
    #[inline(always)]
    fn erf<const FMA: bool>(self) -> f32 {
        math::erf::<FMA>(self)
    }
    #[inline(always)]
    fn pow<const FMA: bool>(a: f32, b: f32) -> f32 {
        math::pow::<FMA>(a, b)
    }
}

macro_rules! by_scalar {
    ($($name:ident = $op:ident),*) => {
        $(#[inline(always)]
        fn $name<const FMA: bool>(self) -> f64 {
            MapOp::$op.eval(self, 0.0, 0.0)
        })*
    };
}

impl Lanes for f64 {
    type Int = i64;
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NAN: f64 = f64::NAN;
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }
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
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn floor(self) -> f64 {
        f64::floor(self)
    }
    #[inline(always)]
    fn mul_add<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
        if FMA {
            f64::mul_add(a, b, c)
        } else {
            a * b + c
        }
    }
    by_scalar!(
        exp = Exp,
        ln = Log,
        log1p = Log1p,
        expm1 = Expm1,
        sigmoid = Sigmoid,
        softplus = Softplus,
        tanh = Tanh,
        sin = Sin,
        cos = Cos,
        atan = Atan,
        erf = Erf
    );
    #[inline(always)]
    fn pow<const FMA: bool>(a: f64, b: f64) -> f64 {
        MapOp::Pow.eval(a, b, 0.0)
    }
}
