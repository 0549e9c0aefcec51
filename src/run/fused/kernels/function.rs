//! What is computed lane by lane, of one, two or three operands.

use super::Body;
use crate::ir::MapOp;
use crate::plan::TileOp;
use crate::run::fused::lanes::{Int, Lanes};
use crate::run::fused::real::Real;
use std::marker::PhantomData;

/// A function of up to three lanes.
pub(super) trait Function {
    fn of<T: Real, const FMA: bool>(a: T, b: T, c: T) -> T;
}

macro_rules! functions {
    ($(#[$doc:meta])* $apply:ident($op:ident);
        $($name:ident: |$a:pat_param, $b:pat_param, $c:pat_param| $body:expr;)*) => {
        $(
            pub(super) struct $name;
            impl Function for $name {
                #[inline(always)]
                fn of<T: Real, const FMA: bool>($a: T, $b: T, $c: T) -> T {
                    $body
                }
            }
        )*

        $(#[$doc])*
        pub(in super::super) fn $apply<T: Real, const FMA: bool>(op: $op, a: T, b: T, c: T) -> T {
            match op {
                $($op::$name => $name::of::<T, FMA>(a, b, c),)*
                #[allow(unreachable_patterns, reason = "one table has all there are")]
                op => unreachable!("{op:?} is no function of lanes"),
            }
        }
    };
}

#[inline(always)]
pub(super) fn truth<T: Real>(holds: T::Truth) -> T {
    T::select(holds, T::ONE, T::ZERO)
}

/// The larger; NaN if either is. Written as what the vector instruction does, which drops a NaN
/// in `a`, and a correction.
#[inline(always)]
pub(super) fn max<T: Real>(a: T, b: T) -> T {
    let larger = T::select(b.less(a), a, b);
    T::select(a.same(a), larger, a)
}

#[inline(always)]
pub(super) fn min<T: Real>(a: T, b: T) -> T {
    let smaller = T::select(a.less(b), a, b);
    T::select(a.same(a), smaller, a)
}

/// a · b, but 0 where a is 0, whatever b is.
#[inline(always)]
fn gate<T: Real>(a: T, b: T) -> T {
    let product = a * b;
    T::select(a.same(T::ZERO), T::ZERO, product)
}

functions! {
    /// A function of the language; operands that it lacks are ignored.
    map(MapOp);
    Neg: |a, _, _| -a;
    Abs: |a, _, _| a.abs();
    Exp: |a, _, _| a.exp::<FMA>();
    Log: |a, _, _| a.ln::<FMA>();
    Log1p: |a, _, _| a.log1p::<FMA>();
    Expm1: |a, _, _| a.expm1::<FMA>();
    Sqrt: |a, _, _| a.sqrt();
    Sigmoid: |a, _, _| a.sigmoid::<FMA>();
    Softplus: |a, _, _| a.softplus::<FMA>();
    Relu: |a, _, _| T::select(a.less(T::ZERO), T::ZERO, a);
    Tanh: |a, _, _| a.tanh::<FMA>();
    Sin: |a, _, _| a.sin::<FMA>();
    Cos: |a, _, _| a.cos::<FMA>();
    Atan: |a, _, _| a.atan::<FMA>();
    Erf: |a, _, _| a.erf::<FMA>();
    Lgamma: |a, _, _| T::rare(MapOp::Lgamma, a);
    Digamma: |a, _, _| T::rare(MapOp::Digamma, a);
    Floor: |a, _, _| a.floor();
    Sign: |a, _, _| {
        let low = T::select(a.less(T::ZERO), -T::ONE, a * T::ZERO);
        T::select(T::ZERO.less(a), T::ONE, low)
    };
    Not: |a, _, _| truth(a.same(T::ZERO));
    Float: |a, _, _| a;
    Add: |a, b, _| a + b;
    Sub: |a, b, _| a - b;
    Mul: |a, b, _| a * b;
    Div: |a, b, _| a / b;
    Pow: |a, b, _| T::pow::<FMA>(a, b);
    Max: |a, b, _| max(a, b);
    Min: |a, b, _| min(a, b);
    Gate: |a, b, _| gate(a, b);
    Eq: |a, b, _| truth(a.same(b));
    Ne: |a, b, _| truth(!a.same(b));
    Lt: |a, b, _| truth(a.less(b));
    Le: |a, b, _| truth(a.less_or_same(b));
    Gt: |a, b, _| truth(b.less(a));
    Ge: |a, b, _| truth(b.less_or_same(a));
    And: |a, b, _| a * b;
    Or: |a, b, _| truth(!(a.same(T::ZERO) & b.same(T::ZERO)));
    Select: |a, b, c| T::select(a.same(T::ZERO), c, b);
    Clamp: |a, b, c| {
        let below = T::select(c.less(a), c, a);
        T::select(a.less(b), b, below)
    };
}

functions! {
    /// An instruction that joins functions of lanes.
    joined(TileOp);
    SubExp: |a, b, _| (a - b).exp::<FMA>();
    MulAdd: |a, b, c| T::mul_add::<FMA>(a, b, c);
    MulSub: |a, b, c| T::mul_add::<FMA>(a, b, -c);
    NegMulAdd: |a, b, c| T::mul_add::<FMA>(-a, b, c);
    GateAdd: |a, b, c| c + gate(a, b);
    GateSub: |a, b, c| c - gate(a, b);
}

/// d = F(a, b, c); the constants say which operands are one number for all lanes.
pub(super) struct Each<F, const A: bool, const B: bool, const C: bool>(PhantomData<F>);

impl<F: Function, const A: bool, const B: bool, const C: bool> Body for Each<F, A, B, C> {
    #[inline(always)]
    unsafe fn run<T: Lanes, const FMA: bool>(
        d: *mut u8,
        a: *const u8,
        b: *const u8,
        c: *const u8,
        _: *const u8,
        n: usize,
        _: usize,
    ) {
        let (d, a, b, c) = (d.cast::<T>(), a.cast::<T>(), b.cast::<T>(), c.cast::<T>());
        for i in 0..n {
            // SAFETY: see the trait. A function that does not use an operand gets another one,
            // and reading that twice is reading it once.
            unsafe {
                let a = *a.add(if A { 0 } else { i });
                let b = *b.add(if B { 0 } else { i });
                let c = *c.add(if C { 0 } else { i });
                *d.add(i) = F::of::<T, FMA>(a, b, c);
            }
        }
    }
}

/// A comparison of integers.
pub(super) trait Comparison {
    fn holds<I: Int>(a: I, b: I) -> bool;
}

macro_rules! comparisons {
    ($($name:ident: $op:tt;)*) => {$(
        impl Comparison for $name {
            #[inline(always)]
            fn holds<I: Int>(a: I, b: I) -> bool {
                a $op b
            }
        }
    )*};
}

comparisons! {
    Eq: ==;
    Ne: !=;
    Lt: <;
    Le: <=;
    Gt: >;
    Ge: >=;
}

/// d = 1 where the comparison holds of the integers a and b, else 0.
pub(super) struct Compare<F, const A: bool, const B: bool>(PhantomData<F>);

impl<F: Comparison, const A: bool, const B: bool> Body for Compare<F, A, B> {
    #[inline(always)]
    unsafe fn run<T: Lanes, const FMA: bool>(
        d: *mut u8,
        a: *const u8,
        b: *const u8,
        _: *const u8,
        _: *const u8,
        n: usize,
        _: usize,
    ) {
        let (d, a, b) = (d.cast::<T>(), a.cast::<T::Int>(), b.cast::<T::Int>());
        for i in 0..n {
            // SAFETY: see the trait.
            unsafe {
                let a = *a.add(if A { 0 } else { i });
                let b = *b.add(if B { 0 } else { i });
                *d.add(i) = truth(F::holds(a, b));
            }
        }
    }
}
