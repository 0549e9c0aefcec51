//! The loops that are more than a function of each lane: memory, labels, and reductions.

use super::function::{Add, Max, Min, Mul, max, min};
use super::{Body, WIDE};
use crate::run::fused::lanes::{Int, Lanes};
use crate::run::fused::memory::Element;
use std::marker::PhantomData;

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident $(<$($g:ident: $bound:path),*>)? $(, const $k:ident)*:
        <$t:ident, $fma:ident>($($arg:pat_param),*) $body:block)*) => {$(
        $(#[$doc])*
        #[allow(unused_parens, reason = "some have no parameters")]
        pub(super) struct $name<$($($g,)*)? $(const $k: bool,)*>(PhantomData<($($($g,)*)?)>);
        impl<$($($g: $bound,)*)? $(const $k: bool,)*> Body for $name<$($($g,)*)? $($k,)*> {
            bodies!(@run <$t, $fma>($($arg),*) $body);
        }
    )*};
    // Most have three operands.
    (@run <$t:ident, $fma:ident>($d:pat_param, $a:pat_param, $b:pat_param, $c:pat_param, $n:pat_param, $aux:pat_param) $body:block) => {
        bodies!(@run <$t, $fma>($d, $a, $b, $c, _, $n, $aux) $body);
    };
    (@run <$t:ident, $fma:ident>($d:pat_param, $a:pat_param, $b:pat_param, $c:pat_param, $e:pat_param, $n:pat_param, $aux:pat_param) $body:block) => {
        #[inline(always)]
        unsafe fn run<$t: Lanes, const $fma: bool>(
            $d: *mut u8,
            $a: *const u8,
            $b: *const u8,
            $c: *const u8,
            $e: *const u8,
            $n: usize,
            $aux: usize,
        ) {
            // SAFETY: see the trait; what `aux` means is said with each.
            unsafe { $body }
        }
    };
}

/// Partial results of a reduction along lanes: enough to hide the latency of an addition.
const PARTS: usize = 64;

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
pub(super) trait Joining {
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
    FromInt: <T, FMA>(d, a, _, _, n, _) {
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

    /// d = e + c where the integers a and b are equal, else e; C and E say which are one number.
    AddWhereEq, const C, const E: <T, FMA>(d, a, b, c, e, n, _) {
        let (d, a, b, c) = (d.cast::<T>(), a.cast::<T::Int>(), *b.cast::<T::Int>(), c.cast::<T>());
        let e = e.cast::<T>();
        for i in 0..n {
            let x = *c.add(if C { 0 } else { i });
            let y = *e.add(if E { 0 } else { i });
            *d.add(i) = y + if *a.add(i) == b { x } else { T::ZERO };
        }
    }

    /// d = elements of memory, c = c ⊕ d.
    LoadAcc<J: Joining>: <T, FMA>(d, a, _, c, n, _) {
        let (d, a, c) = (d.cast::<T>(), a.cast::<T>(), c.cast_mut().cast::<T>());
        for i in 0..n {
            let x = *a.add(i);
            *d.add(i) = x;
            *c.add(i) = J::join(*c.add(i), x);
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

    /// The same, and the accumulator `aux` behind: + Σ c. P: of c · e instead of c.
    AcrossBoth, const P: <T, FMA>(d, a, b, c, e, n, aux) {
        let (d, a, b, c) = (d.cast::<f64>(), a.cast::<T::Int>(), *b.cast::<T::Int>(), c.cast::<T>());
        let e = e.cast::<T>();
        let term = |i: usize| if P { *c.add(i) * *e.add(i) } else { *c.add(i) };
        // Two sums at once; a pair per part would not be vectorised.
        const HALF: usize = PARTS / 2;
        let (mut there, mut all) = ([T::ZERO; HALF], [T::ZERO; HALF]);
        let mut i = 0;
        while i + HALF <= n {
            for j in 0..HALF {
                let x = term(i + j);
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
            let at = |j: usize| if *a.add(i + j) == b { term(i + j) } else { T::ZERO };
            gather::<Add, T>(d, along(n - i, T::ZERO, at, |x, y| x + y));
            gather::<Add, T>(behind, along(n - i, T::ZERO, |j| term(i + j), |x, y| x + y));
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
            // As many lanes at once as stay in registers while the entries pass by.
            const BLOCK: usize = 64;
            let mut i = 0;
            while i + BLOCK <= n {
                let mut block = [T::NAN; BLOCK];
                for class in 0..classes {
                    let (entry, class) = (*b.add(class * stride), T::Int::of(class as i64));
                    for (j, x) in block.iter_mut().enumerate() {
                        *x = if *a.add(i + j) == class { entry } else { *x };
                    }
                }
                *d.add(i).cast::<[T; BLOCK]>() = block;
                i += BLOCK;
            }
            for i in i..n {
                let mut x = T::NAN;
                for class in 0..classes {
                    let (entry, class) = (*b.add(class * stride), T::Int::of(class as i64));
                    x = if *a.add(i) == class { entry } else { x };
                }
                *d.add(i) = x;
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

    /// d = the accumulator a as one number.
    Total<J: Joining>: <T, FMA>(d, a, _, _, _, _) {
        let lanes = *a.cast::<[f64; WIDE]>();
        *d.cast::<T>() = T::of(lanes.into_iter().fold(J::START, J::join::<f64>));
    }
}

/// # Safety
/// `d` and `a` are valid for `n` elements.
#[inline(always)]
unsafe fn stream<T: Lanes>(d: *mut f32, a: *const T, n: usize) {
    let mut i = 0;
    // Miri has no assembler, of which the intrinsic is made.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
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
