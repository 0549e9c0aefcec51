//! The instructions: each a loop over the lanes of a tile, compiled for several instruction sets.
//!
//! A [`Body`] is a loop that the compiler vectorises when it is put into a function that may use
//! vector instructions; [`Isa::entry`] is that function. Nothing here is inlined into anything
//! larger, so a kernel is a handful of instructions that run over one tile.
//!
//! **Invariant**: the result of a kernel overlaps none of its operands, but for accumulators,
//! which are read and written through one pointer.

use super::lanes::{Int, Lanes};
use super::memory::Element;
use crate::ir::{MapOp, ReduceOp};
use crate::plan::{DType, TileOp};
use half::{bf16, f16};
use std::hint::select_unpredictable;
use std::marker::PhantomData;

/// A kernel: result, three operands, lanes, and a number. Which pointers it uses, and how many
/// elements behind each, depends on the instruction; see [`TileOp`].
pub(super) type Kernel = unsafe fn(*mut u8, *const u8, *const u8, *const u8, usize, usize);

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
        n: usize,
        aux: usize,
    );
}

/// An instruction set.
pub(super) trait Isa {
    fn entry<B: Body, T: Lanes>() -> Kernel;
}

macro_rules! isa {
    ($(#[$doc:meta])* $name:ident, $fma:literal $(, $features:literal)?) => {
        $(#[$doc])*
        pub(super) struct $name;
        impl Isa for $name {
            fn entry<B: Body, T: Lanes>() -> Kernel {
                $(#[target_feature(enable = $features)])?
                unsafe fn entry<B: Body, T: Lanes>(
                    d: *mut u8,
                    a: *const u8,
                    b: *const u8,
                    c: *const u8,
                    n: usize,
                    aux: usize,
                ) {
                    // SAFETY: the caller's promise is the same.
                    unsafe { B::run::<T, $fma>(d, a, b, c, n, aux) }
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
    false
);
#[cfg(target_arch = "aarch64")]
isa!(
    /// What every machine of the target has: NEON, with fused multiply-add.
    Baseline,
    true
);
#[cfg(target_arch = "x86_64")]
isa!(
    /// 256 bits and fused multiply-add.
    Avx2,
    true,
    "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
);
#[cfg(target_arch = "x86_64")]
isa!(
    /// 512 bits.
    Avx512,
    true,
    "avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
);

/// A function of up to three lanes.
trait Function {
    fn of<T: Lanes, const FMA: bool>(a: T, b: T, c: T) -> T;
}

macro_rules! functions {
    ($($name:ident: |$a:pat_param, $b:pat_param, $c:pat_param| $body:expr;)*) => {$(
        struct $name;
        impl Function for $name {
            #[inline(always)]
            fn of<T: Lanes, const FMA: bool>($a: T, $b: T, $c: T) -> T {
                $body
            }
        }
    )*};
}

#[inline(always)]
fn truth<T: Lanes>(holds: bool) -> T {
    if holds { T::ONE } else { T::ZERO }
}

/// The larger; NaN if either is. Written as what the vector instruction does, which drops a NaN
/// in `a`, and a correction.
#[inline(always)]
#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
fn max<T: Lanes>(a: T, b: T) -> T {
    let larger = select_unpredictable(a > b, a, b);
    select_unpredictable(a != a, a, larger)
}

#[inline(always)]
#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
fn min<T: Lanes>(a: T, b: T) -> T {
    let smaller = select_unpredictable(a < b, a, b);
    select_unpredictable(a != a, a, smaller)
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
    Gate: |a, b, _| { let x = a * b; if a == T::ZERO { T::ZERO } else { x } };
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
}

/// d = F(a, b, c); the constants say which operands are one number for all lanes.
struct Each<F, const A: bool, const B: bool, const C: bool>(PhantomData<F>);

impl<F: Function, const A: bool, const B: bool, const C: bool> Body for Each<F, A, B, C> {
    #[inline(always)]
    unsafe fn run<T: Lanes, const FMA: bool>(
        d: *mut u8,
        a: *const u8,
        b: *const u8,
        c: *const u8,
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
trait Comparison {
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
struct Compare<F, const A: bool, const B: bool>(PhantomData<F>);

impl<F: Comparison, const A: bool, const B: bool> Body for Compare<F, A, B> {
    #[inline(always)]
    unsafe fn run<T: Lanes, const FMA: bool>(
        d: *mut u8,
        a: *const u8,
        b: *const u8,
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

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident $(<$($g:ident: $bound:path),*>)? $(, const $k:ident)?:
        <$t:ident, $fma:ident>($d:pat_param, $a:pat_param, $b:pat_param, $c:pat_param, $n:pat_param, $aux:pat_param) $body:block)*) => {$(
        $(#[$doc])*
        #[allow(unused_parens, reason = "some have no parameters")]
        struct $name<$($($g,)*)? $(const $k: bool)?>(PhantomData<($($($g,)*)?)>);
        impl<$($($g: $bound,)*)? $(const $k: bool)?> Body for $name<$($($g,)*)? $($k)?> {
            #[inline(always)]
            unsafe fn run<$t: Lanes, const $fma: bool>(
                $d: *mut u8,
                $a: *const u8,
                $b: *const u8,
                $c: *const u8,
                $n: usize,
                $aux: usize,
            ) {
                // SAFETY: see the trait; what `aux` means is said with each.
                unsafe { $body }
            }
        }
    )*};
}

/// Partial results of a reduction along lanes: enough to hide the latency of an addition.
const PARTS: usize = 64;

/// Lanes of an accumulator: a vector of f64, so that a tile need not be reduced to one number.
pub(super) const WIDE: usize = 8;

/// Reduces `n` values to as many as an accumulator has lanes, in a fixed order, whatever the width
/// of vectors.
#[inline(always)]
fn along<T: Copy>(
    n: usize,
    start: T,
    at: impl Fn(usize) -> T,
    join: impl Fn(T, T) -> T,
) -> [T; WIDE] {
    let mut parts = [start; PARTS];
    let mut i = 0;
    while i + PARTS <= n {
        for (j, part) in parts.iter_mut().enumerate() {
            *part = join(*part, at(i + j));
        }
        i += PARTS;
    }
    if i < n {
        // Apart, as parts that a variable indexes would not stay in registers.
        let mut rest = [start; PARTS];
        for (j, x) in rest.iter_mut().enumerate().take(n - i) {
            *x = at(i + j);
        }
        for (part, x) in parts.iter_mut().zip(rest) {
            *part = join(*part, x);
        }
    }
    let parts: [T; 32] = std::array::from_fn(|j| join(parts[j], parts[j + 32]));
    let parts: [T; 16] = std::array::from_fn(|j| join(parts[j], parts[j + 16]));
    std::array::from_fn(|j| join(parts[j], parts[j + 8]))
}

/// The accumulator `d` = `d` ⊕ the partial results.
///
/// # Safety
/// There is an accumulator at `d`.
#[inline(always)]
unsafe fn gather<J: Joining, T: Lanes>(d: *mut f64, parts: [T; WIDE]) {
    for (j, part) in parts.into_iter().enumerate() {
        // SAFETY: an accumulator has as many lanes.
        unsafe { *d.add(j) = J::join(*d.add(j), part.wide()) };
    }
}

/// How accumulators combine.
trait Joining {
    const START: f64;
    fn join<T: Lanes>(a: T, b: T) -> T;
}

macro_rules! joinings {
    ($($name:ident: $start:expr, |$a:ident, $b:ident| $body:expr;)*) => {$(
        impl Joining for $name {
            const START: f64 = $start;
            #[inline(always)]
            fn join<T: Lanes>($a: T, $b: T) -> T {
                $body
            }
        }
    )*};
}

joinings! {
    Add: 0.0, |a, b| a + b;
    Mul: 1.0, |a, b| a * b;
    Max: f64::NEG_INFINITY, |a, b| max(a, b);
    Min: f64::INFINITY, |a, b| min(a, b);
}

bodies! {
    /// d = a for all lanes; integers as well.
    Fill: <T, FMA>(d, a, _, _, n, _) {
        let (d, a) = (d.cast::<T>(), *a.cast::<T>());
        for i in 0..n {
            *d.add(i) = a;
        }
    }

    /// d = the integers a, as floats.
    Float: <T, FMA>(d, a, _, _, n, _) {
        let (d, a) = (d.cast::<T>(), a.cast::<T::Int>());
        for i in 0..n {
            *d.add(i) = T::of_int(*a.add(i));
        }
    }

    /// d = elements of memory, `aux` apart.
    Load<E: Element>: <T, FMA>(d, a, _, _, n, aux) {
        let (d, a) = (d.cast::<T>(), a.cast::<E>());
        if aux == 1 {
            for i in 0..n {
                *d.add(i) = (*a.add(i)).load::<T>();
            }
        } else {
            for i in 0..n {
                *d.add(i) = (*a.add(i * aux)).load::<T>();
            }
        }
    }

    /// The same for integers.
    LoadInt<E: Element>: <T, FMA>(d, a, _, _, n, aux) {
        let (d, a) = (d.cast::<T::Int>(), a.cast::<E>());
        if aux == 1 {
            for i in 0..n {
                *d.add(i) = (*a.add(i)).load_int::<T>();
            }
        } else {
            for i in 0..n {
                *d.add(i) = (*a.add(i * aux)).load_int::<T>();
            }
        }
    }

    /// Elements of memory, `aux` apart = a.
    Store<E: Element>: <T, FMA>(d, a, _, _, n, aux) {
        let (d, a) = (d.cast::<E>(), a.cast::<T>());
        if aux == 1 {
            for i in 0..n {
                *d.add(i) = E::store(*a.add(i));
            }
        } else {
            for i in 0..n {
                *d.add(i * aux) = E::store(*a.add(i));
            }
        }
    }

    /// The same for contiguous f32, past the cache.
    Stream: <T, FMA>(d, a, _, _, n, _) {
        stream(d.cast::<f32>(), a.cast::<T>(), n);
    }

    /// d = c where the integers a and b are equal, else 0; C says whether c is one number.
    WhereEq, const C: <T, FMA>(d, a, b, c, n, _) {
        let (d, a, b, c) = (d.cast::<T>(), a.cast::<T::Int>(), *b.cast::<T::Int>(), c.cast::<T>());
        for i in 0..n {
            let x = *c.add(if C { 0 } else { i });
            *d.add(i) = if *a.add(i) == b { x } else { T::ZERO };
        }
    }

    /// d = d ⊕ a.
    Acc<J: Joining>: <T, FMA>(d, a, _, _, n, _) {
        let (d, a) = (d.cast::<T>(), a.cast::<T>());
        for i in 0..n {
            *d.add(i) = J::join(*d.add(i), *a.add(i));
        }
    }

    /// d = d + a · b; B says whether b is one number.
    AccMul, const B: <T, FMA>(d, a, b, _, n, _) {
        let (d, a, b) = (d.cast::<T>(), a.cast::<T>(), b.cast::<T>());
        for i in 0..n {
            let b = *b.add(if B { 0 } else { i });
            *d.add(i) = T::mul_add::<FMA>(*a.add(i), b, *d.add(i));
        }
    }

    /// d = exp(a − b), c = c + d.
    SubExpAcc: <T, FMA>(d, a, b, c, n, _) {
        let (d, a, b, c) = (d.cast::<T>(), a.cast::<T>(), b.cast::<T>(), c.cast_mut().cast::<T>());
        for i in 0..n {
            let e = (*a.add(i) - *b.add(i)).exp::<FMA>();
            *d.add(i) = e;
            *c.add(i) = *c.add(i) + e;
        }
    }

    /// The accumulator d = d ⊕ the lanes of a.
    Across<J: Joining>: <T, FMA>(d, a, _, _, n, _) {
        let (d, a) = (d.cast::<f64>(), a.cast::<T>());
        gather::<J, T>(d, along(n, T::of(J::START), |i| *a.add(i), J::join::<T>));
    }

    /// The accumulator d = d + Σ a · b.
    AcrossMul: <T, FMA>(d, a, b, _, n, _) {
        let (d, a, b) = (d.cast::<f64>(), a.cast::<T>(), b.cast::<T>());
        gather::<Add, T>(d, along(n, T::ZERO, |i| *a.add(i) * *b.add(i), |x, y| x + y));
    }

    /// The accumulator d = d + Σ c where the integers a and b are equal; C says whether c is one
    /// number.
    AcrossWhereEq, const C: <T, FMA>(d, a, b, c, n, _) {
        let (d, a, b, c) = (d.cast::<f64>(), a.cast::<T::Int>(), *b.cast::<T::Int>(), c.cast::<T>());
        let at = |i: usize| {
            let x = *c.add(if C { 0 } else { i });
            if *a.add(i) == b { x } else { T::ZERO }
        };
        gather::<Add, T>(d, along(n, T::ZERO, at, |x, y| x + y));
    }

    /// The same, and the accumulator `aux` behind: + Σ c.
    AcrossBoth: <T, FMA>(d, a, b, c, n, aux) {
        let (d, a, b, c) = (d.cast::<f64>(), a.cast::<T::Int>(), *b.cast::<T::Int>(), c.cast::<T>());
        // Two sums at once; a pair per part would not be vectorised.
        const HALF: usize = PARTS / 2;
        let (mut there, mut all) = ([T::ZERO; HALF], [T::ZERO; HALF]);
        let mut i = 0;
        while i + HALF <= n {
            for j in 0..HALF {
                let x = *c.add(i + j);
                all[j] = all[j] + x;
                there[j] = there[j] + if *a.add(i + j) == b { x } else { T::ZERO };
            }
            i += HALF;
        }
        // Accumulators may lie in either order; the distance wraps.
        let behind = d.wrapping_add(aux.wrapping_mul(WIDE));
        gather::<Add, T>(d, along(HALF, T::ZERO, |j| there[j], |x, y| x + y));
        gather::<Add, T>(behind, along(HALF, T::ZERO, |j| all[j], |x, y| x + y));
        if i < n {
            let at = |j: usize| if *a.add(i + j) == b { *c.add(i + j) } else { T::ZERO };
            gather::<Add, T>(d, along(n - i, T::ZERO, at, |x, y| x + y));
            gather::<Add, T>(behind, along(n - i, T::ZERO, |j| *c.add(i + j), |x, y| x + y));
        }
    }

    /// d = b where the integers a and c are equal, else d. Both are read before the choice, which
    /// is then no branch.
    PickAcc: <T, FMA>(d, a, b, c, n, _) {
        let (d, a, b, c) = (d.cast::<T>(), a.cast::<T::Int>(), b.cast::<T>(), *c.cast::<T::Int>());
        for i in 0..n {
            let (new, old) = (*b.add(i), *d.add(i));
            *d.add(i) = if *a.add(i) == c { new } else { old };
        }
    }

    /// d = the table b at a, NaN outside; the lower half of `aux` is the number of entries, the
    /// upper half their distance. Small tables are compared through.
    Lookup: <T, FMA>(d, a, b, _, n, aux) {
        let (d, a, b) = (d.cast::<T>(), a.cast::<T::Int>(), b.cast::<T>());
        let (classes, stride) = (aux & 0xffff_ffff, aux >> 32);
        if classes <= 12 {
            for i in 0..n {
                *d.add(i) = T::NAN;
            }
            for class in 0..classes {
                let (entry, class) = (*b.add(class * stride), T::Int::of(class as i64));
                for i in 0..n {
                    let old = *d.add(i);
                    *d.add(i) = if *a.add(i) == class { entry } else { old };
                }
            }
        } else {
            for i in 0..n {
                let class = (*a.add(i)).get() as usize;
                *d.add(i) = if class < classes { *b.add(class * stride) } else { T::NAN };
            }
        }
    }

    /// The same for one element in memory, the label being the second operand.
    Fetch<E: Element>: <T, FMA>(d, a, b, _, _, aux) {
        let (classes, stride) = (aux & 0xffff_ffff, aux >> 32);
        let class = (*b.cast::<T::Int>()).get() as usize;
        *d.cast::<T>() = if class < classes {
            (*a.cast::<E>().add(class * stride)).load::<T>()
        } else {
            T::NAN
        };
    }

    /// The same for an integer, -1 outside.
    FetchInt<E: Element>: <T, FMA>(d, a, b, _, _, aux) {
        let (classes, stride) = (aux & 0xffff_ffff, aux >> 32);
        let class = (*b.cast::<T::Int>()).get() as usize;
        *d.cast::<T::Int>() = if class < classes {
            (*a.cast::<E>().add(class * stride)).load_int::<T>()
        } else {
            T::Int::of(-1)
        };
    }

    /// Where a > b: b = a and d = the integer c.
    ArgMaxAcc: <T, FMA>(d, a, b, c, n, _) {
        let (d, a, b, c) = (d.cast::<T::Int>(), a.cast::<T>(), b.cast_mut().cast::<T>(), *c.cast::<T::Int>());
        for i in 0..n {
            let (new, best, old) = (*a.add(i), *b.add(i), *d.add(i));
            *d.add(i) = if new > best { c } else { old };
            *b.add(i) = if new > best { new } else { best };
        }
    }

    /// d = the sums, over `n` terms, of the products of [`ROWS`] numbers of a with [`COLUMNS`] of b.
    Product: <T, FMA>(d, a, b, _, n, _) {
        let (d, mut a, mut b) = (d.cast::<T>(), a.cast::<T>(), b.cast::<T>());
        let mut sums = [[T::ZERO; COLUMNS]; ROWS];
        for _ in 0..n {
            let b_row: [T; COLUMNS] = *b.cast();
            for (i, sums) in sums.iter_mut().enumerate() {
                let a = *a.add(i);
                for (sum, b) in sums.iter_mut().zip(b_row) {
                    *sum = T::mul_add::<FMA>(a, b, *sum);
                }
            }
            (a, b) = (a.add(ROWS), b.add(COLUMNS));
        }
        *d.cast() = sums;
    }

    /// d = the accumulator a as one number.
    Total<J: Joining>: <T, FMA>(d, a, _, _, _, _) {
        let lanes = *a.cast::<[f64; WIDE]>();
        *d.cast::<T>() = T::of(lanes.into_iter().fold(J::START, J::join::<f64>));
    }
}

/// The block of a product of matrices that is kept in registers: with 8 columns of f64 it is 6
/// vectors of 512 bits or 12 of 256, which hides the latency of an addition.
pub(super) const ROWS: usize = 6;
/// See [`ROWS`].
pub(super) const COLUMNS: usize = 8;

/// The kernel of a block of a product of matrices, in f64.
pub(super) fn product<I: Isa>() -> Kernel {
    I::entry::<Product, f64>()
}

/// Asks for a line of memory that will be read soon.
#[inline(always)]
pub(super) fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch may be of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// # Safety
/// `d` and `a` are valid for `n` elements.
#[inline(always)]
unsafe fn stream<T: Lanes>(d: *mut f32, a: *const T, n: usize) {
    let mut i = 0;
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_set_ps, _mm_stream_ps};
        // SAFETY: within `n`, and aligned to 16 bytes where it streams.
        unsafe {
            while i < n && !(d.add(i) as usize).is_multiple_of(16) {
                *d.add(i) = (*a.add(i)).narrow();
                i += 1;
            }
            while i + 4 <= n {
                let x = |k: usize| (*a.add(i + k)).narrow();
                _mm_stream_ps(d.add(i), _mm_set_ps(x(3), x(2), x(1), x(0)));
                i += 4;
            }
        }
    }
    while i < n {
        // SAFETY: within `n`.
        unsafe { *d.add(i) = (*a.add(i)).narrow() };
        i += 1;
    }
}

/// The kernel of an instruction whose operands are numbers or vectors as `scalar` says.
///
/// # Panics
/// If there is no such kernel, which the plan takes care of.
pub(super) fn kernel<T: Lanes, I: Isa>(op: TileOp, scalar: [bool; 3]) -> Kernel {
    macro_rules! unary {
        ($f:ident) => {
            I::entry::<Each<$f, false, false, false>, T>()
        };
    }
    macro_rules! binary {
        ($f:ident) => {
            match (scalar[0], scalar[1]) {
                (false, false) => I::entry::<Each<$f, false, false, false>, T>(),
                (false, true) => I::entry::<Each<$f, false, true, false>, T>(),
                (true, false) => I::entry::<Each<$f, true, false, true>, T>(),
                (true, true) => unreachable!("{op:?} of numbers"),
            }
        };
    }
    macro_rules! ternary {
        ($f:ident) => {
            match scalar {
                [false, false, false] => I::entry::<Each<$f, false, false, false>, T>(),
                [false, true, false] => I::entry::<Each<$f, false, true, false>, T>(),
                [false, false, true] => I::entry::<Each<$f, false, false, true>, T>(),
                [false, true, true] => I::entry::<Each<$f, false, true, true>, T>(),
                _ => unreachable!("{op:?} of a number first"),
            }
        };
    }
    macro_rules! compare {
        ($f:ident) => {
            match (scalar[0], scalar[1]) {
                (false, false) => I::entry::<Compare<$f, false, false>, T>(),
                (false, true) => I::entry::<Compare<$f, false, true>, T>(),
                (true, false) => I::entry::<Compare<$f, true, false>, T>(),
                (true, true) => unreachable!("{op:?} of numbers"),
            }
        };
    }
    macro_rules! by_type {
        ($body:ident, $dtype:expr) => {
            match $dtype {
                DType::U8 => I::entry::<$body<u8>, T>(),
                DType::U32 => I::entry::<$body<u32>, T>(),
                DType::I16 => I::entry::<$body<i16>, T>(),
                DType::I32 => I::entry::<$body<i32>, T>(),
                DType::I64 => I::entry::<$body<i64>, T>(),
                DType::F16 => I::entry::<$body<f16>, T>(),
                DType::BF16 => I::entry::<$body<bf16>, T>(),
                DType::F32 => I::entry::<$body<f32>, T>(),
                DType::F64 => I::entry::<$body<f64>, T>(),
            }
        };
    }
    macro_rules! joining {
        ($body:ident, $op:expr) => {
            match $op {
                ReduceOp::Sum => I::entry::<$body<Add>, T>(),
                ReduceOp::Prod => I::entry::<$body<Mul>, T>(),
                ReduceOp::Max => I::entry::<$body<Max>, T>(),
                ReduceOp::Min => I::entry::<$body<Min>, T>(),
                op => unreachable!("{op:?} is a maximum, a minimum or spelled out"),
            }
        };
    }
    match op {
        TileOp::Map(map) => match map {
            MapOp::Neg => unary!(Neg),
            MapOp::Abs => unary!(Abs),
            MapOp::Exp => unary!(Exp),
            MapOp::Log => unary!(Log),
            MapOp::Log1p => unary!(Log1p),
            MapOp::Expm1 => unary!(Expm1),
            MapOp::Sqrt => unary!(Sqrt),
            MapOp::Sigmoid => unary!(Sigmoid),
            MapOp::Softplus => unary!(Softplus),
            MapOp::Relu => unary!(Relu),
            MapOp::Tanh => unary!(Tanh),
            MapOp::Sin => unary!(Sin),
            MapOp::Cos => unary!(Cos),
            MapOp::Atan => unary!(Atan),
            MapOp::Erf => unary!(Erf),
            MapOp::Lgamma => unary!(Lgamma),
            MapOp::Digamma => unary!(Digamma),
            MapOp::Floor => unary!(Floor),
            MapOp::Sign => unary!(Sign),
            MapOp::Not => unary!(Not),
            MapOp::Float => unary!(Identity),
            MapOp::Add => binary!(Add),
            MapOp::Sub => binary!(Sub),
            MapOp::Mul => binary!(Mul),
            MapOp::Div => binary!(Div),
            MapOp::Pow => binary!(Pow),
            MapOp::Max => binary!(Max),
            MapOp::Min => binary!(Min),
            MapOp::Gate => binary!(Gate),
            MapOp::Eq => binary!(Eq),
            MapOp::Ne => binary!(Ne),
            MapOp::Lt => binary!(Lt),
            MapOp::Le => binary!(Le),
            MapOp::Gt => binary!(Gt),
            MapOp::Ge => binary!(Ge),
            MapOp::And => binary!(And),
            MapOp::Or => binary!(Or),
            MapOp::Select => ternary!(Select),
            MapOp::Clamp => ternary!(Clamp),
        },
        TileOp::Compare(map) => match map {
            MapOp::Ne => compare!(Ne),
            MapOp::Lt => compare!(Lt),
            MapOp::Le => compare!(Le),
            MapOp::Gt => compare!(Gt),
            MapOp::Ge => compare!(Ge),
            _ => compare!(Eq),
        },
        TileOp::Float => I::entry::<Float, T>(),
        TileOp::Fill => I::entry::<Fill, T>(),
        TileOp::Copy => unary!(Identity),
        TileOp::Load(dtype) => by_type!(Load, dtype),
        TileOp::LoadInt(dtype) => by_type!(LoadInt, dtype),
        TileOp::Store(dtype) => by_type!(Store, dtype),
        TileOp::Stream(_) => I::entry::<Stream, T>(),
        TileOp::SubExp => binary!(SubExp),
        TileOp::MulAdd => ternary!(MulAdd),
        TileOp::MulSub => ternary!(MulSub),
        TileOp::NegMulAdd => ternary!(NegMulAdd),
        TileOp::WhereEq if scalar[2] => I::entry::<WhereEq<true>, T>(),
        TileOp::WhereEq => I::entry::<WhereEq<false>, T>(),
        TileOp::Acc(op) => joining!(Acc, op),
        TileOp::AccMul if scalar[1] => I::entry::<AccMul<true>, T>(),
        TileOp::AccMul => I::entry::<AccMul<false>, T>(),
        TileOp::SubExpAcc => I::entry::<SubExpAcc, T>(),
        TileOp::Across(op) => joining!(Across, op),
        TileOp::AcrossMul => I::entry::<AcrossMul, T>(),
        TileOp::AcrossWhereEq if scalar[2] => I::entry::<AcrossWhereEq<true>, T>(),
        TileOp::AcrossWhereEq => I::entry::<AcrossWhereEq<false>, T>(),
        TileOp::AcrossBoth => I::entry::<AcrossBoth, T>(),
        TileOp::PickAcc => I::entry::<PickAcc, T>(),
        TileOp::Lookup => I::entry::<Lookup, T>(),
        TileOp::Fetch(dtype) => by_type!(Fetch, dtype),
        TileOp::FetchInt(dtype) => by_type!(FetchInt, dtype),
        TileOp::ArgMaxAcc => I::entry::<ArgMaxAcc, T>(),
        TileOp::Total(op) => joining!(Total, op),
    }
}
