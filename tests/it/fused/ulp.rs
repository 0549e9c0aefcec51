//! Accuracy of the vector functions: the distance from the correctly rounded result, in
//! representable values.
//!
//! Every run takes a sample of all arguments. With `--features slow-tests` (and `--release`) there
//! is also one test per function over all 2^32 of them, about two minutes each; `-- --nocapture`
//! shows the largest error and where it is.

use core::f32::consts::{FRAC_PI_2, FRAC_PI_4, LN_2};
use core::fmt::Debug;
use core::ops::Range;

use lossc::run::fused::math;

/// A function of one or two arguments, as a loop over slices.
type Unary = fn(&[f32], &mut [f32]);
type Binary = fn(&[f32], &[f32], &mut [f32]);

/// Whether the variants with fused multiply-add can run here.
fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    let yes = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let yes = cfg!(target_arch = "aarch64");
    yes
}

/// Loops over the variants of `math::$name` that can run here, each compiled for the features that
/// it is meant for, so that the tests run the kind of code that the product does.
macro_rules! variants {
    ($name:ident, $kind:ty, $($x:ident),+) => {{
        fn plain($($x: &[f32]),+, out: &mut [f32]) {
            $(let $x = &$x[..out.len()];)+
            for (k, out) in out.iter_mut().enumerate() {
                *out = math::$name::<false, f32>($($x[k]),+);
            }
        }
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
        fn fused($($x: &[f32]),+, out: &mut [f32]) {
            $(let $x = &$x[..out.len()];)+
            for (k, out) in out.iter_mut().enumerate() {
                *out = math::$name::<true, f32>($($x[k]),+);
            }
        }
        let mut variants: Vec<$kind> = vec![plain];
        if has_fma() {
            #[allow(unused_unsafe, reason = "elsewhere the features are always there")]
            // SAFETY: the features are there.
            variants.push(|$($x),+, out| unsafe { fused($($x),+, out) });
        }
        variants
    }};
}

/// One function under test.
struct Function {
    variants: Vec<Unary>,
    reference: fn(f64) -> f64,
    /// The largest error allowed.
    bound: u32,
    /// The arguments for which the bound is claimed.
    domain: fn(f32) -> bool,
}

macro_rules! tests {
    ($($name:ident: $reference:expr, $bound:expr, $domain:expr;)*) => {
        mod function {
            use super::*;
            $(
                pub fn $name() -> Function {
                    let variants = variants!($name, Unary, x);
                    Function { variants, reference: $reference, bound: $bound, domain: $domain }
                }
            )*
        }
        mod over_a_sample_of_all_arguments {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let function = function::$name();
                    let worst = worst(&function, 0..1 << 32, 4099);
                    check(stringify!($name), function.bound, &worst);
                }
            )*
        }
        #[cfg(feature = "slow-tests")]
        mod over_all_arguments {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let function = function::$name();
                    let worst = worst(&function, 0..1 << 32, 1);
                    check(stringify!($name), function.bound, &worst);
                }
            )*
        }
    };
}

tests! {
    exp: f64::exp, 1, |_| true;
    expm1: f64::exp_m1, 2, |_| true;
    sigmoid: |x| 1.0 / (1.0 + (-x).exp()), 2, |_| true;
    tanh: f64::tanh, 2, |_| true;
    softplus: log_one_plus_exp, 2, |_| true;
    log_sigmoid: |x| -log_one_plus_exp(-x), 2, |_| true;
    erf: libm::erf, 2, |_| true;
    ln: f64::ln, 1, |_| true;
    log1p: f64::ln_1p, 2, |_| true;
    sin: f64::sin, 2, |x| x.abs() <= 1e4;
    cos: f64::cos, 2, |x| x.abs() <= 1e4;
    atan: f64::atan, 2, |_| true;
    recip: f64::recip, 0, |_| true;
    sqrt: f64::sqrt, 0, |_| true;
}

fn log_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The largest error and an argument that has it.
#[derive(Clone, Copy)]
struct Worst<T> {
    error: u32,
    at: T,
}

impl<T> Worst<T> {
    fn update(&mut self, got: f32, expected: f64, at: T) {
        let error = distance(got, expected as f32);
        if error > self.error {
            *self = Self { error, at };
        }
    }
}

fn check<T: Debug>(name: &str, bound: u32, worst: &[Worst<T>]) {
    for (variant, Worst { error, at }) in ["plain", "fused"].into_iter().zip(worst) {
        println!("{name}, {variant}: {error} at {at:?}");
        assert!(
            *error <= bound,
            "{name}, {variant}: off by {error} at {at:?}"
        );
    }
}

/// The number of representable values between two floats; -0 and 0 are the same, and NaN equals
/// only NaN.
fn distance(a: f32, b: f32) -> u32 {
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() {
            0
        } else {
            u32::MAX
        };
    }
    let order = |x: f32| {
        let bits = x.to_bits() as i32;
        if bits < 0 {
            i32::MIN.wrapping_sub(bits)
        } else {
            bits
        }
    };
    order(a).abs_diff(order(b))
}

const BLOCK: usize = 4096;

/// The worst cases of each variant over every `stride`-th bit pattern.
fn worst(function: &Function, patterns: Range<u64>, stride: usize) -> Vec<Worst<f32>> {
    let mut worst = vec![Worst { error: 0, at: 0.0 }; function.variants.len()];
    let mut out = [0.0; BLOCK];
    let mut patterns = patterns
        .step_by(stride)
        .map(|bits| f32::from_bits(bits as u32));
    loop {
        let x: Vec<f32> = patterns.by_ref().take(BLOCK).collect();
        if x.is_empty() {
            return worst;
        }
        let expected: Vec<f64> = x
            .iter()
            .map(|x| (function.reference)(f64::from(*x)))
            .collect();
        for (variant, worst) in function.variants.iter().zip(&mut worst) {
            variant(&x, &mut out[..x.len()]);
            for ((x, expected), out) in x.iter().zip(&expected).zip(&out) {
                if (function.domain)(*x) {
                    worst.update(*out, *expected, *x);
                }
            }
        }
    }
}

/// The worst cases of `pow` over the pairs that `next` yields, in blocks.
fn worst_pow(blocks: usize, mut next: impl FnMut() -> (f32, f32)) -> Vec<Worst<(f32, f32)>> {
    let variants = variants!(pow, Binary, x, y);
    let mut worst = vec![
        Worst {
            error: 0,
            at: (0.0, 0.0)
        };
        variants.len()
    ];
    let mut out = [0.0; BLOCK];
    for _ in 0..blocks {
        let (x, y): (Vec<f32>, Vec<f32>) = (0..BLOCK).map(|_| next()).unzip();
        let pairs = || x.iter().copied().zip(y.iter().copied());
        let expected: Vec<f64> = pairs()
            .map(|(x, y)| f64::from(x).powf(f64::from(y)))
            .collect();
        for (variant, worst) in variants.iter().zip(&mut worst) {
            variant(&x, &y, &mut out);
            for ((pair, expected), out) in pairs().zip(&expected).zip(&out) {
                worst.update(*out, *expected, pair);
            }
        }
    }
    worst
}

/// Pseudo-random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Arguments of `pow`, of four kinds: any two floats; a positive x with a y that makes the
    /// result anything from 2^-151 to 2^129, as the error grows with the exponent; the same with x
    /// near 1; and any x with an integer or half-integer y.
    fn pair(&mut self) -> (f32, f32) {
        let bits = self.bits();
        let x = f32::from_bits(bits as u32);
        let exponent = self.unit() * 280.0 - 151.0;
        match (bits >> 32) % 4 {
            0 => (x, f32::from_bits(self.bits() as u32)),
            1 => (x.abs(), (exponent / f64::from(x.abs()).log2()) as f32),
            2 => {
                let x = (0.6 + self.unit()) as f32;
                (x, (exponent / f64::from(x).log2()) as f32)
            }
            _ => (x, (self.bits() % 81) as f32 * 0.5 - 20.0),
        }
    }
}

const POW_BOUND: u32 = 3;

#[test]
fn pow_over_a_sample() {
    let mut random = Random(1);
    check("pow", POW_BOUND, &worst_pow(128, || random.pair()));
}

#[test]
#[cfg(feature = "slow-tests")]
fn pow_over_2_to_the_32_pairs() {
    let mut random = Random(2);
    check("pow", POW_BOUND, &worst_pow(1 << 20, || random.pair()));
}

#[test]
#[cfg(feature = "slow-tests")]
fn pow_over_all_positive_arguments_for_common_exponents() {
    const THIRD: f32 = 1.0 / 3.0;
    for y in [
        -2.0, -1.0, -0.5, 0.25, THIRD, 0.5, 0.75, 1.5, 2.0, 2.5, 3.0, 4.0,
    ] {
        let mut bits = 0..1 << 31;
        let next = || {
            (
                f32::from_bits(bits.next().expect("as many as the blocks hold")),
                y,
            )
        };
        check("pow", POW_BOUND, &worst_pow((1 << 31) / BLOCK, next));
    }
}

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;
/// The smallest positive float.
const TINY: f32 = f32::from_bits(1);

/// Asserts that every variant gives exactly these results, signs of zeros included.
macro_rules! assert_values {
    ($name:ident: $($x:expr => $expected:expr),+ $(,)?) => {{
        let (x, expected) = ([$($x),+], [$($expected),+]);
        for variant in variants!($name, Unary, x) {
            let mut out = x;
            variant(&x, &mut out);
            for k in 0..x.len() {
                assert_same(&format!("{}({:e})", stringify!($name), x[k]), out[k], expected[k]);
            }
        }
    }};
}

fn assert_same(what: &str, got: f32, expected: f32) {
    let same = got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan();
    assert!(same, "{what} is {got:e}, not {expected:e}");
}

#[test]
fn special_values_of_the_exponentials() {
    assert_values!(exp: 0.0 => 1.0, -0.0 => 1.0, TINY => 1.0, INF => INF, -INF => 0.0, NAN => NAN,
        88.8 => INF, f32::MAX => INF, -103.9 => TINY, -104.0 => 0.0, -1e4 => 0.0, f32::MIN => 0.0);
    assert_values!(expm1: 0.0 => 0.0, -0.0 => -0.0, TINY => TINY, -TINY => -TINY, INF => INF,
        -INF => -1.0, NAN => NAN, 88.8 => INF, f32::MAX => INF, -20.0 => -1.0, f32::MIN => -1.0);
    assert_values!(sigmoid: 0.0 => 0.5, -0.0 => 0.5, INF => 1.0, -INF => 0.0, NAN => NAN,
        1e4 => 1.0, -1e4 => 0.0, -103.9 => TINY);
    assert_values!(tanh: 0.0 => 0.0, -0.0 => -0.0, TINY => TINY, -TINY => -TINY, INF => 1.0,
        -INF => -1.0, NAN => NAN, 9.1 => 1.0, -9.1 => -1.0, f32::MAX => 1.0);
    assert_values!(erf: 0.0 => 0.0, -0.0 => -0.0, TINY => TINY, -TINY => -TINY, INF => 1.0,
        -INF => -1.0, NAN => NAN, 4.0 => 1.0, -4.0 => -1.0, f32::MAX => 1.0);
}

#[test]
fn special_values_of_the_logarithms() {
    assert_values!(ln: 1.0 => 0.0, 2.0 => LN_2, 0.0 => -INF, -0.0 => -INF, INF => INF,
        -INF => NAN, NAN => NAN, -NAN => NAN, -1.0 => NAN, -TINY => NAN, f32::MIN => NAN,
        TINY => -103.278_93, f32::MAX => 88.722_84);
    assert_values!(log1p: 0.0 => 0.0, -0.0 => -0.0, TINY => TINY, -TINY => -TINY, 1.0 => LN_2,
        -1.0 => -INF, INF => INF, -INF => NAN, NAN => NAN, -1.5 => NAN, -1.000_000_1 => NAN,
        f32::MIN => NAN, f32::MAX => 88.722_84);
    assert_values!(softplus: 0.0 => LN_2, -0.0 => LN_2, INF => INF, -INF => 0.0, NAN => NAN,
        1e4 => 1e4, -1e4 => 0.0, -103.9 => TINY, f32::MAX => f32::MAX);
    assert_values!(log_sigmoid: 0.0 => -LN_2, -0.0 => -LN_2, INF => -0.0, -INF => -INF, NAN => NAN,
        -1e4 => -1e4, 1e4 => -0.0, 103.9 => -TINY, f32::MIN => f32::MIN);
}

#[test]
fn special_values_of_the_trigonometric_functions() {
    assert_values!(sin: 0.0 => 0.0, -0.0 => -0.0, TINY => TINY, -TINY => -TINY, FRAC_PI_2 => 1.0,
        INF => NAN, -INF => NAN, NAN => NAN);
    assert_values!(cos: 0.0 => 1.0, -0.0 => 1.0, TINY => 1.0, INF => NAN, -INF => NAN, NAN => NAN);
    assert_values!(atan: 0.0 => 0.0, -0.0 => -0.0, TINY => TINY, -TINY => -TINY, 1.0 => FRAC_PI_4,
        INF => FRAC_PI_2, -INF => -FRAC_PI_2, NAN => NAN, f32::MAX => FRAC_PI_2);
}

#[test]
fn sin_and_cos_of_any_finite_number_are_between_minus_one_and_one() {
    let x: Vec<f32> = (0..u32::MAX).step_by(4099).map(f32::from_bits).collect();
    let mut out = x.clone();
    for variant in [variants!(sin, Unary, x), variants!(cos, Unary, x)].concat() {
        variant(&x, &mut out);
        for (x, y) in x.iter().zip(&out) {
            assert!(y.abs() <= 1.0 || !x.is_finite(), "{y:e} at {x:e}");
        }
    }
}

#[test]
fn special_values_of_pow_are_those_of_std() {
    let positive = [
        0.0,
        TINY,
        1e-40,
        0.5,
        0.999_999_94,
        1.0,
        1.000_000_1,
        1.5,
        2.0,
        3.0,
        8_388_607.5,
        8_388_608.0,
        8_388_609.0,
        16_777_215.0,
        16_777_216.0,
        1e10,
        f32::MAX,
        INF,
        NAN,
    ];
    let values: Vec<f32> = positive.iter().flat_map(|v| [*v, -*v]).collect();
    let pairs = values
        .iter()
        .flat_map(|x| values.iter().map(move |y| (*x, *y)));
    let (x, y): (Vec<f32>, Vec<f32>) = pairs.unzip();
    for variant in variants!(pow, Binary, x, y) {
        let mut out = x.clone();
        variant(&x, &y, &mut out);
        for ((x, y), out) in x.iter().zip(&y).zip(&out) {
            let expected = f64::from(*x).powf(f64::from(*y)) as f32;
            // Ordinary results are within the bound; the special ones are exact.
            let special = !expected.is_finite() || [expected, *y].contains(&0.0) || x.abs() == 1.0;
            let sign = out.is_sign_negative() == expected.is_sign_negative();
            if special || !(sign && distance(*out, expected) <= POW_BOUND) {
                assert_same(&format!("pow({x:e}, {y:e})"), *out, expected);
            }
        }
    }
}
