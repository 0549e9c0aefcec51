//! What functions of lanes are written in.
//!
//! A kernel computes them on numbers; the generator of code (`native/`) computes them on what stands for numbers,
//! and so writes down what a kernel does.

use super::math;
use crate::ir::{self, MapOp};
use std::hint::select_unpredictable;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// A number, or what stands for one.
pub trait Real:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// `bool`, or what stands for it.
    type Truth: Copy
        + BitAnd<Output = Self::Truth>
        + BitOr<Output = Self::Truth>
        + Not<Output = Self::Truth>;
    const ZERO: Self;
    const ONE: Self;
    const NAN: Self;
    /// A constant.
    fn of(x: f64) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn floor(self) -> Self;
    /// a · b + c, rounded once where `FMA` says that this is one instruction.
    fn mul_add<const FMA: bool>(a: Self, b: Self, c: Self) -> Self;
    /// self < other
    fn less(self, other: Self) -> Self::Truth;
    /// self ≤ other
    fn less_or_same(self, other: Self) -> Self::Truth;
    /// self = other
    fn same(self, other: Self) -> Self::Truth;
    /// `if holds { a } else { b }`, guaranteed to be a select.
    ///
    /// The optimiser may merge neighbouring `if`s into one branch and duplicate the code that
    /// follows; it leaves this alone.
    fn select(holds: Self::Truth, a: Self, b: Self) -> Self;
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
    /// An operation that is too rare for a function of its own.
    fn rare(op: MapOp, x: Self) -> Self;
}

/// A [`Real`] that is represented as an f32 is.
pub trait Single: Real {
    /// Its bits.
    type Word: Word<Truth = Self::Truth, Single = Self>;
    /// A constant.
    fn number(x: f32) -> Self;
    /// The bits.
    fn word(self) -> Self::Word;
    /// The float with these bits.
    fn from_word(word: Self::Word) -> Self;
    /// self · 2ⁿ for an integer n, rounded once, if there is an instruction for it.
    #[inline(always)]
    fn scaled(self, _n: Self) -> Option<Self> {
        None
    }
}

/// The bits of a [`Single`], which are also an integer.
pub trait Word:
    Copy + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
    /// See [`Real::Truth`].
    type Truth;
    /// What they are the bits of.
    type Single;
    /// A constant.
    fn of(bits: u32) -> Self;
    /// The sum, wrapping.
    fn plus(self, other: Self) -> Self;
    /// The difference, wrapping.
    fn minus(self, other: Self) -> Self;
    /// To the left.
    fn shl(self, by: u32) -> Self;
    /// To the right, zeros coming in.
    fn shr(self, by: u32) -> Self;
    /// To the right, copies of the sign coming in.
    fn sar(self, by: u32) -> Self;
    /// self < other, as signed integers.
    fn less(self, other: Self) -> Self::Truth;
    /// See [`Real::select`].
    fn select(holds: Self::Truth, a: Self, b: Self) -> Self;
    /// The float nearest to the signed integer.
    fn float(self) -> Self::Single;
}

macro_rules! numbers {
    ($ty:ident) => {
        type Truth = bool;
        const ZERO: $ty = 0.0;
        const ONE: $ty = 1.0;
        const NAN: $ty = $ty::NAN;
        #[inline(always)]
        fn of(x: f64) -> $ty {
            x as $ty
        }
        #[inline(always)]
        fn abs(self) -> $ty {
            $ty::abs(self)
        }
        #[inline(always)]
        fn sqrt(self) -> $ty {
            $ty::sqrt(self)
        }
        #[inline(always)]
        fn floor(self) -> $ty {
            $ty::floor(self)
        }
        #[inline(always)]
        fn mul_add<const FMA: bool>(a: $ty, b: $ty, c: $ty) -> $ty {
            if FMA {
                $ty::mul_add(a, b, c)
            } else {
                a * b + c
            }
        }
        #[inline(always)]
        fn less(self, other: $ty) -> bool {
            self < other
        }
        #[inline(always)]
        fn less_or_same(self, other: $ty) -> bool {
            self <= other
        }
        #[inline(always)]
        fn same(self, other: $ty) -> bool {
            self == other
        }
        #[inline(always)]
        fn select(holds: bool, a: $ty, b: $ty) -> $ty {
            select_unpredictable(holds, a, b)
        }
        #[inline(always)]
        fn rare(op: MapOp, x: $ty) -> $ty {
            ir::map(op, &[f64::from(x)]) as $ty
        }
    };
}

macro_rules! by_math {
    ($($name:ident),*) => {
        $(#[inline(always)]
        fn $name<const FMA: bool>(self) -> f32 {
            math::$name::<FMA, f32>(self)
        })*
    };
}

impl Real for f32 {
    numbers!(f32);
    by_math!(
        exp, ln, log1p, expm1, sigmoid, softplus, tanh, sin, cos, atan, erf
    );
    #[inline(always)]
    fn pow<const FMA: bool>(a: f32, b: f32) -> f32 {
        math::pow::<FMA, f32>(a, b)
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

impl Real for f64 {
    numbers!(f64);
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

impl Single for f32 {
    type Word = u32;
    #[inline(always)]
    fn number(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn word(self) -> u32 {
        self.to_bits()
    }
    #[inline(always)]
    fn from_word(word: u32) -> f32 {
        f32::from_bits(word)
    }
}

impl Word for u32 {
    type Truth = bool;
    type Single = f32;
    #[inline(always)]
    fn of(bits: u32) -> u32 {
        bits
    }
    #[inline(always)]
    fn plus(self, other: u32) -> u32 {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: u32) -> u32 {
        self.wrapping_sub(other)
    }
    #[inline(always)]
    fn shl(self, by: u32) -> u32 {
        self << by
    }
    #[inline(always)]
    fn shr(self, by: u32) -> u32 {
        self >> by
    }
    #[inline(always)]
    fn sar(self, by: u32) -> u32 {
        (self as i32 >> by) as u32
    }
    #[inline(always)]
    fn less(self, other: u32) -> bool {
        (self as i32) < other as i32
    }
    #[inline(always)]
    fn select(holds: bool, a: u32, b: u32) -> u32 {
        select_unpredictable(holds, a, b)
    }
    #[inline(always)]
    fn float(self) -> f32 {
        self as i32 as f32
    }
}
