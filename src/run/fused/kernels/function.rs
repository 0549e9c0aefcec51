//! What is computed lane by lane, of one, two or three operands.

use super::Body;
use crate::ir::MapOp;
use crate::run::fused::lanes::{Int, Lanes};
use std::hint::select_unpredictable;
use std::marker::PhantomData;

/// A function of up to three lanes.
pub(super) trait Function {
    fn of<T: Lanes, const FMA: bool>(a: T, b: T, c: T) -> T;
}

macro_rules! functions {
    ($($name:ident: |$a:pat_param, $b:pat_param, $c:pat_param| $body:expr;)*) => {$(
        pub(super) struct $name;
        impl Function for $name {
            #[inline(always)]
            fn of<T: Lanes, const FMA: bool>($a: T, $b: T, $c: T) -> T {
                $body
            }
        }
    )*};
}

#[inline(always)]
pub(super) fn truth<T: Lanes>(holds: bool) -> T {
    if holds { T::ONE } else { T::ZERO }
}

/// The larger; NaN if either is. Written as what the vector instruction does, which drops a NaN
/// in `a`, and a correction.
#[inline(always)]
#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
pub(super) fn max<T: Lanes>(a: T, b: T) -> T {
    let larger = select_unpredictable(a > b, a, b);
    select_unpredictable(a != a, a, larger)
}

#[inline(always)]
#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
pub(super) fn min<T: Lanes>(a: T, b: T) -> T {
    let smaller = select_unpredictable(a < b, a, b);
    select_unpredictable(a != a, a, smaller)
}

/// a · b, but 0 where a is 0, whatever b is.
#[inline(always)]
fn gate<T: Lanes>(a: T, b: T) -> T {
    let product = a * b;
    if a == T::ZERO { T::ZERO } else { product }
}

functions! {
    Neg: |a, _, _| -a;
    Abs: |a, _, _| a.abs();
    Exp: |a, _, _| a.exp::<FMA>();
    Log: |a, _, _| a.ln::<FMA>();
    Log1p: |a, _, _| a.log1p::<FMA>();
    Expm1: |a, _, _| a.expm1::<FMA>();
    Sqrt: |a, _, _| a.sqrt();
    Sigmoid: |a, _, _| a.sigmoid::<FMA>();
    Softplus: |a, _, _| a.softplus::<FMA>();
    Relu: |a, _, _| if a < T::ZERO { T::ZERO } else { a };
    Tanh: |a, _, _| a.tanh::<FMA>();
    Sin: |a, _, _| a.sin::<FMA>();
    Cos: |a, _, _| a.cos::<FMA>();
    Atan: |a, _, _| a.atan::<FMA>();
    Erf: |a, _, _| a.erf::<FMA>();
    Lgamma: |a, _, _| T::rare(MapOp::Lgamma, a);
    Digamma: |a, _, _| T::rare(MapOp::Digamma, a);
    Floor: |a, _, _| a.floor();
    Sign: |a, _, _| { let low = if a < T::ZERO { -T::ONE } else { a * T::ZERO }; if a > T::ZERO { T::ONE } else { low } };
    Not: |a, _, _| truth(a == T::ZERO);
    Identity: |a, _, _| a;
    Add: |a, b, _| a + b;
    Sub: |a, b, _| a - b;
    Mul: |a, b, _| a * b;
    Div: |a, b, _| a / b;
    Pow: |a, b, _| T::pow::<FMA>(a, b);
    Max: |a, b, _| max(a, b);
    Min: |a, b, _| min(a, b);
    Gate: |a, b, _| gate(a, b);
    Eq: |a, b, _| truth(a == b);
    Ne: |a, b, _| truth(a != b);
    Lt: |a, b, _| truth(a < b);
    Le: |a, b, _| truth(a <= b);
    Gt: |a, b, _| truth(a > b);
    Ge: |a, b, _| truth(a >= b);
    And: |a, b, _| a * b;
    Or: |a, b, _| truth(a != T::ZERO || b != T::ZERO);
    Select: |a, b, c| if a != T::ZERO { b } else { c };
    Clamp: |a, b, c| { let below = if a > c { c } else { a }; if a < b { b } else { below } };
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
