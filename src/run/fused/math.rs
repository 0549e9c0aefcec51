//! Transcendental functions on `f32`, written so that a plain loop over them vectorises.
//!
//! Every function is straight-line code: no branch, no table, no call, no conversion that
//! saturates. LLVM therefore turns a loop such as `for (o, x) in out.iter_mut().zip(inp) { *o =
//! exp::<FMA, X>(*x) }` into full-width vector code in any function that enables a vector feature, and
//! into SSE2 or NEON elsewhere. All are `#[inline(always)]`, as a function that was not inlined
//! would not get the features of its caller.
//!
//! `FMA` says whether the surrounding function is compiled with fused multiply-add. It must be
//! `false` where that is not so: `mul_add` without the instruction is a library call per element.
//! On aarch64 it is always there. The two variants round differently, so results depend on it in
//! the last bits.
//!
//! # Speed
//!
//! A processor overlaps the elements of such a loop only as far as its schedulers hold their
//! waiting instructions, so the time goes with the number of instructions times the length of the
//! longest dependent chain, as much as with the number alone. Polynomials are therefore summed in
//! pairs of terms (Estrin's scheme, the pairs in Horner's), which shortens the chain, wherever the
//! square of the variable is needed anyway or pays for itself.
//!
//! # Accuracy
//!
//! An error is the distance, in representable `f32` values, from the correctly rounded result. The
//! largest errors in the comments were measured over all 2^32 arguments, the references being the
//! `f64` functions of the C library, and hold with and without fused multiply-add. (`pow` has two
//! arguments; its comment says what was covered.)
//!
//! # Special values
//!
//! Infinities, NaN, signed zeros and subnormal numbers (arguments and results) are treated as `std`
//! treats them, with the exceptions noted on [`sin`] and [`cos`]. The payload and the
//! sign of a NaN are arbitrary.
//!
//! # Where the polynomials come from
//!
//! All coefficients are minimax, computed for this file with the Remez exchange algorithm in
//! 40-digit arithmetic on the interval and in the form stated beside them, then rounded to `f32`
//! one at a time while the others were fitted again.

use super::real::{Single, Word};

/// `a * b + c`, fused where the hardware has the instruction.
#[inline(always)]
fn madd<const FMA: bool, X: Single>(a: X, b: X, c: X) -> X {
    X::mul_add::<FMA>(a, b, c)
}

/// `a * b + c` for a constant c: a step of Horner's scheme.
#[inline(always)]
fn step<const FMA: bool, X: Single>(a: X, b: X, c: f32) -> X {
    madd::<FMA, X>(a, b, X::number(c))
}

/// `a * b + c` for constants a and c: a pair of terms of a polynomial.
#[inline(always)]
fn line<const FMA: bool, X: Single>(a: f32, b: X, c: f32) -> X {
    step::<FMA, X>(X::number(a), b, c)
}

/// `a * b + c` for a constant b.
#[inline(always)]
fn plus_part<const FMA: bool, X: Single>(a: X, b: f32, c: X) -> X {
    madd::<FMA, X>(a, X::number(b), c)
}

/// `max(x, low)` that passes NaN on, unlike `f32::max`, and is a single instruction for that very
/// reason.
#[inline(always)]
fn at_least<X: Single>(x: X, low: f32) -> X {
    let low = X::number(low);
    X::select(x.less(low), low, x)
}

/// `min(x, high)` that passes NaN on.
#[inline(always)]
fn at_most<X: Single>(x: X, high: f32) -> X {
    let high = X::number(high);
    X::select(high.less(x), high, x)
}

/// `x` with the sign of `of`; `x` is not negative.
#[inline(always)]
fn signed<X: Single>(x: X, of: X) -> X {
    X::from_word(x.word() | (of.word() & X::Word::of(SIGN)))
}

const SIGN: u32 = 0x8000_0000;
const MANTISSA_BITS: u32 = 23;

/// 1.5 * 2^23: adding it rounds to an integer, which the low bits of the sum then hold.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts (Cody and Waite; the split is that of Cephes' `expf`): the first has nine
/// significant bits, so its product with an exponent is exact even without fused multiply-add.
const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;

// -------------------------------------------------------------------------------------------------
// Exponentials
// -------------------------------------------------------------------------------------------------

/// Writes e^x as 2^n e^r with |r| <= ln(2) / 2 and returns r, n, and the bits of a float whose low
/// bits are n + `bias`.
///
/// Needs |x| to be far below 2^22, which every caller ensures by clamping.
#[inline(always)]
fn reduce_exp<const FMA: bool, X: Single>(x: X, bias: f32) -> (X, X, X::Word) {
    let log2e = X::number(core::f32::consts::LOG2_E);
    let shifted = step::<FMA, X>(x, log2e, ROUND + bias);
    let n = shifted - X::number(ROUND + bias);
    let r = plus_part::<FMA, X>(n, -LN2_HI, x);
    (plus_part::<FMA, X>(n, -LN2_LO, r), n, shifted.word())
}

/// e^r - 1 on |r| <= ln(2) / 2, with a small relative error.
#[inline(always)]
fn expm1_reduced<const FMA: bool, X: Single>(r: X) -> X {
    // (e^r - 1 - r) / r^2, fitted for the error relative to e^r - 1, which is below 2^-26.
    let r2 = r * r;
    let low = line::<FMA, X>(0.166_665_39, r, 0.499_999_97);
    let high = line::<FMA, X>(0.001_383_564_2, r, 0.008_367_124);
    let high = step::<FMA, X>(high, r, 0.041_667_756);
    madd::<FMA, X>(madd::<FMA, X>(high, r2, low), r2, r)
}

/// e^r on |r| <= ln(2) / 2.
///
/// One product after the other: a loop does many lanes side by side, so that fewer operations count for more than
/// operations that wait less.
#[inline(always)]
fn exp_reduced<const FMA: bool, X: Single>(r: X) -> X {
    let p = line::<FMA, X>(0.001_383_564_2, r, 0.008_367_124);
    let p = step::<FMA, X>(p, r, 0.041_667_756);
    let p = step::<FMA, X>(p, r, 0.166_665_39);
    let p = step::<FMA, X>(p, r, 0.499_999_97);
    let p = step::<FMA, X>(p, r, 1.0);
    step::<FMA, X>(p, r, 1.0)
}

/// The float with this exponent field, of whose bits the low eight count.
#[inline(always)]
fn power<X: Single>(biased: X::Word) -> X {
    X::from_word(biased.shl(MANTISSA_BITS))
}

/// Two floats whose product is 2^n, where the low bits of `biased` are n + 254 and -252 <= n <=
/// 254.
///
/// Each is in range where 2^n is not. Multiplying by one and then by the other rounds a subnormal
/// result once, and gives infinity for one that is too large.
#[inline(always)]
fn power_of_two<X: Single>(biased: X::Word) -> (X, X) {
    let half = biased.shr(1);
    (power::<X>(half), power::<X>(biased.minus(half)))
}

/// e^x. Largest error: 1.
///
/// Subnormal results are gradual: the result is 0 only where the exact value rounds to 0 (x <
/// -103.97).
#[inline(always)]
pub fn exp<const FMA: bool, X: Single>(x: X) -> X {
    let (r, n, biased) = reduce_exp::<FMA, X>(at_most(at_least(x, -104.0), 89.0), 254.0);
    let e = exp_reduced::<FMA, X>(r);
    if let Some(y) = e.scaled(n) {
        return y;
    }
    let (a, b) = power_of_two::<X>(biased);
    e * a * b
}

/// e^x for x <= 0, with subnormal results; cheaper than [`exp`] as it cannot overflow.
#[inline(always)]
fn exp_nonpositive<const FMA: bool, X: Single>(x: X) -> X {
    let (r, n, biased) = reduce_exp::<FMA, X>(at_least(x, -104.0), 127.0 + 64.0);
    let e = exp_reduced::<FMA, X>(r);
    if let Some(y) = e.scaled(n) {
        return y;
    }
    let power = power::<X>(biased);
    const DOWN: f32 = f32::from_bits((127 - 64) << MANTISSA_BITS);
    e * power * X::number(DOWN)
}

/// e^x - 1 for -80 <= x <= 0, with a small relative error. The sign of zero is lost.
#[inline(always)]
fn expm1_nonpositive<const FMA: bool, X: Single>(x: X) -> X {
    let (r, _, biased) = reduce_exp::<FMA, X>(x, 127.0);
    let power = power::<X>(biased);
    madd::<FMA, X>(power, expm1_reduced::<FMA, X>(r), power - X::ONE)
}

/// e^x - 1. Largest error: 2.
#[inline(always)]
pub fn expm1<const FMA: bool, X: Single>(x: X) -> X {
    // Halving everything keeps the power of two in range up to the largest finite result.
    let (r, _, biased) = reduce_exp::<FMA, X>(at_most(at_least(x, -30.0), 89.0), 126.0);
    let power = power::<X>(biased);
    let half = madd::<FMA, X>(power, expm1_reduced::<FMA, X>(r), power - X::number(0.5));
    // Below 2^-25 the result is x itself, which the halving would spoil for subnormal x and the sum
    // for -0.
    const TINY: f32 = f32::from_bits((127 - 25) << MANTISSA_BITS);
    X::select(x.abs().less(X::number(TINY)), x, half + half)
}

/// 1 / (1 + e^-x). Largest error: 2.
#[inline(always)]
pub fn sigmoid<const FMA: bool, X: Single>(x: X) -> X {
    // What is at most 1/2 first: 1 minus it is as good, and one division serves x and -x.
    let y = exp_nonpositive::<FMA, X>(-x.abs());
    let small = y / (X::ONE + y);
    X::select(X::ZERO.less_or_same(x), X::ONE - small, small)
}

/// tanh x. Largest error: 2.
#[inline(always)]
pub fn tanh<const FMA: bool, X: Single>(x: X) -> X {
    // With E = e^(-2|x|) - 1, tanh |x| is -E / (2 + E), which is accurate near 0 because E is. It
    // is 1 from 9.02 on.
    let e = expm1_nonpositive::<FMA, X>(X::number(-2.0) * at_most(x.abs(), 10.0));
    let tanh = e / (X::number(2.0) + e);
    signed(tanh.abs(), x)
}

/// ln(1 + e^x). Largest error: 2.
#[inline(always)]
pub fn softplus<const FMA: bool, X: Single>(x: X) -> X {
    at_least(x, 0.0) + log1p_unit::<FMA, X>(exp_nonpositive::<FMA, X>(-x.abs()))
}

/// ln(1 / (1 + e^-x)), that is `-softplus(-x)`. Largest error: 2.
#[inline(always)]
pub fn log_sigmoid<const FMA: bool, X: Single>(x: X) -> X {
    at_most(x, -0.0) - log1p_unit::<FMA, X>(exp_nonpositive::<FMA, X>(-x.abs()))
}

/// The error function. Largest error: 2.
#[inline(always)]
pub fn erf<const FMA: bool, X: Single>(x: X) -> X {
    // erf t = 1 - e^(-a) where a = -ln erfc t is a smooth function: a = t + t p(t), and e^(-a) - 1
    // keeps the relative accuracy near 0, so that one polynomial serves all t. It is fitted on [0,
    // 3.93], weighted by what remains of its error in erf; beyond that, erf rounds to 1.
    let t = at_most(x.abs(), 4.0);
    let t2 = t * t;
    let p = madd::<FMA, X>(
        X::number(-9.256_08e-6),
        t2,
        line::<FMA, X>(1.176_398_1e-4, t, -6.328_323e-4),
    );
    let p = madd::<FMA, X>(p, t2, line::<FMA, X>(0.001_667_020_3, t, -1.603_899_4e-4));
    let p = madd::<FMA, X>(p, t2, line::<FMA, X>(-0.019_153_066, t, 0.102_777_83));
    let p = madd::<FMA, X>(p, t2, line::<FMA, X>(0.636_619_4, t, 0.128_379_17));
    let e = expm1_nonpositive::<FMA, X>(-madd::<FMA, X>(p, t, t));
    signed(e.abs(), x)
}

// -------------------------------------------------------------------------------------------------
// Logarithms
// -------------------------------------------------------------------------------------------------

/// The float bits of 2/3 and of the square root of 1/2: lower ends of ranges of significands.
const TWO_THIRDS: u32 = 0x3f2a_aaab;
const SQRT_HALF: u32 = 0x3f35_04f3;

/// The exponent n, in place (n * 2^23), of a positive normal float m * 2^n with m in [LOWEST, 2
/// LOWEST).
#[inline(always)]
fn exponent_in_place<const LOWEST: u32, X: Single>(bits: X::Word) -> X::Word {
    bits.minus(X::Word::of(LOWEST)) & X::Word::of(0xff80_0000)
}

/// (ln(1 + f) - f) / f^2 on [-1/3, 1/3], with f^2 given.
///
/// It is fitted for the error relative to ln(1 + f), which is below 2^-24.6. One more coefficient
/// would take that to 2^-27 and yet leave the largest error of `ln` at 1.
#[inline(always)]
fn log_tail<const FMA: bool, X: Single>(f: X, f2: X) -> X {
    let p = line::<FMA, X>(0.138_203_68, f, -0.151_221_6);
    let p = madd::<FMA, X>(p, f2, line::<FMA, X>(0.140_422_85, f, -0.164_723_29));
    let p = madd::<FMA, X>(p, f2, line::<FMA, X>(0.200_079_2, f, -0.250_042_38));
    madd::<FMA, X>(p, f2, line::<FMA, X>(0.333_332_66, f, -0.5))
}

/// n ln 2 + ln(1 + f), where `n` comes in place.
#[inline(always)]
fn log_sum<const FMA: bool, X: Single>(n: X::Word, f: X) -> X {
    const UNIT: f32 = 1.0 / (1_u32 << MANTISSA_BITS) as f32;
    let n = n.float();
    let f2 = f * f;
    let log = madd::<FMA, X>(f2, log_tail::<FMA, X>(f, f2), f);
    if FMA {
        // The float nearest to ln 2 happens to be good to 28 bits: one product is enough where it
        // is not rounded.
        plus_part::<FMA, X>(n, core::f32::consts::LN_2 * UNIT, log)
    } else {
        plus_part::<FMA, X>(n, LN2_HI * UNIT, plus_part::<FMA, X>(n, LN2_LO * UNIT, log))
    }
}

/// `log`, if `x` is positive and finite, and otherwise what a logarithm has there.
#[inline(always)]
fn log_special<X: Single>(x: X, log: X) -> X {
    // 0 gives -inf, from the first operand; inf gives inf and NaN gives NaN, from the second; a
    // negative number gives NaN, from the third, but -0 does not as it is made 0 there. (These are
    // integer operations as they are cheaper here than comparisons and selects.)
    let bits = x.word();
    let negative = (x + X::ZERO).word().sar(31);
    let special = bits.minus(X::Word::of(0x0080_0000)) | bits | negative;
    // 1 <= bits < inf as an unsigned comparison, shifted so as to be a signed one, which SSE2 and
    // AVX2 have.
    let shifted = bits.plus(X::Word::of(0x7fff_ffff));
    let regular = shifted.less(X::Word::of(0xff7f_ffff));
    X::select(regular, log, X::from_word(special))
}

/// The exponent, in place, and the significand in [LOWEST, 2 LOWEST) of a positive float, which may
/// be subnormal.
#[inline(always)]
fn split<const LOWEST: u32, X: Single>(bits: X::Word) -> (X::Word, X) {
    // The bits of a subnormal number, read as an integer, are the number times 2^149.
    let subnormal = bits.less(X::Word::of(0x0080_0000));
    let normal = X::Word::select(subnormal, bits.float().word(), bits);
    let n = exponent_in_place::<LOWEST, X>(normal);
    let significand = X::from_word(normal.minus(n));
    let scaled = X::Word::of(149 << MANTISSA_BITS);
    let scaled = X::Word::select(subnormal, scaled, X::Word::of(0));
    (n.minus(scaled), significand)
}

/// ln x. Largest error: 1.
#[inline(always)]
pub fn ln<const FMA: bool, X: Single>(x: X) -> X {
    let (n, m) = split::<TWO_THIRDS, X>(x.word());
    log_special(x, log_sum::<FMA, X>(n, m - X::ONE))
}

/// ln(1 + x). Largest error: 2.
#[inline(always)]
pub fn log1p<const FMA: bool, X: Single>(x: X) -> X {
    // 1 + x = u + c exactly as long as that matters (it stops at 2^24, where c is below the last
    // bit of u).
    let u = X::ONE + x;
    let c = x - (u - X::ONE);
    let bits = u.word();
    let n = exponent_in_place::<TWO_THIRDS, X>(bits);
    // 2^-n; 0 for n > 126.
    let (power, zero) = (X::Word::of(0x3f80_0000).minus(n), X::Word::of(0));
    let power = X::from_word(X::Word::select(power.less(zero), zero, power));
    let f = madd::<FMA, X>(c, power, X::from_word(bits.minus(n)) - X::ONE);
    let log = log_special(u, log_sum::<FMA, X>(n, f));
    // The result has the sign of x already, unless x is -0.
    X::from_word(log.word() | (x.word() & X::Word::of(SIGN)))
}

/// ln(1 + y) for 0 <= y <= 1, with an error below 2^-27 relative to the result, before rounding.
#[inline(always)]
fn log1p_unit<const FMA: bool, X: Single>(y: X) -> X {
    // (ln(1 + y) - y) / y^2 on [0, 1]: the interval needs no more coefficients than one reduced by
    // exponent would.
    let y2 = y * y;
    let p = madd::<FMA, X>(
        X::number(-0.003_290_468_6),
        y2,
        line::<FMA, X>(0.020_086_242, y, -0.057_457_23),
    );
    let p = madd::<FMA, X>(p, y2, line::<FMA, X>(0.106_611_28, y, -0.153_448_8));
    let p = madd::<FMA, X>(p, y2, line::<FMA, X>(0.196_921_02, y, -0.249_580_19));
    let p = madd::<FMA, X>(p, y2, line::<FMA, X>(0.333_304_64, y, -0.499_999_3));
    madd::<FMA, X>(y2, p, y)
}

// -------------------------------------------------------------------------------------------------
// Trigonometry
// -------------------------------------------------------------------------------------------------

/// x - h pi for an integer or half-integer h.
///
/// Cody and Waite: the parts of pi are such that every product but the last is exact, as is every
/// difference but the last two. With fused multiply-add three full floats do; without, the leading
/// three have eleven bits each.
#[inline(always)]
fn minus_multiple_of_pi<const FMA: bool, X: Single>(x: X, h: X) -> X {
    if FMA {
        let r = plus_part::<FMA, X>(h, -3.141_592_5, x);
        let r = plus_part::<FMA, X>(h, -1.509_957_9e-7, r);
        plus_part::<FMA, X>(h, -1.078_060_5e-14, r)
    } else {
        let r = plus_part::<FMA, X>(h, -3.140_625, x);
        let r = plus_part::<FMA, X>(h, -9.675_026e-4, r);
        let r = plus_part::<FMA, X>(h, -1.509_906_7e-7, r);
        plus_part::<FMA, X>(h, -5.126_688e-12, r)
    }
}

/// sin r on |r| <= pi / 2, with its sign flipped if the lowest bit of `flip` is set.
#[inline(always)]
fn sin_reduced<const FMA: bool, X: Single>(r: X, flip: X::Word) -> X {
    let sign = (r.word() ^ flip.shl(31)) & X::Word::of(SIGN);
    let r = r.abs();
    let r2 = r * r;
    // (sin r - r) / r^3 in powers of r^2; of several roundings of the coefficients, one that makes
    // cos 0 exactly 1.
    let p = line::<FMA, X>(2.605_714e-6, r2, -1.980_956_4e-4);
    let p = step::<FMA, X>(p, r2, 0.008_333_066_5);
    let p = step::<FMA, X>(p, r2, -0.166_666_6);
    let sin = at_most(madd::<FMA, X>(r * r2, p, r), 1.0);
    X::from_word(sin.word() ^ sign)
}

/// sin x. Largest error for |x| <= 10^4: 2.
///
/// Beyond that the error grows with |x|. With fused multiply-add it stays below 2e-7 up to 10^6 and
/// below 2e-4 up to 1.3e7; without, it is below 1e-6 up to 10^5 and reaches 0.03 at 10^6. Past
/// these ranges a finite x gives some number in [-1, 1].
#[inline(always)]
pub fn sin<const FMA: bool, X: Single>(x: X) -> X {
    let inverse = X::number(core::f32::consts::FRAC_1_PI);
    let shifted = step::<FMA, X>(x, inverse, ROUND);
    let r = minus_multiple_of_pi::<FMA, X>(x, shifted - X::number(ROUND));
    sin_reduced::<FMA, X>(r, shifted.word())
}

/// cos x. Largest error for |x| <= 10^4: 2. Beyond that, what is said of [`sin`] holds.
#[inline(always)]
pub fn cos<const FMA: bool, X: Single>(x: X) -> X {
    // cos x = -sin(x - pi / 2 - k pi) for an even integer k, and the opposite for an odd one.
    let (inverse, round) = (X::number(core::f32::consts::FRAC_1_PI), X::number(ROUND));
    let shifted = step::<FMA, X>(x, inverse, -0.5) + round;
    let r = minus_multiple_of_pi::<FMA, X>(x, (shifted - round) + X::number(0.5));
    sin_reduced::<FMA, X>(r, !shifted.word())
}

/// atan x. Largest error: 2.
#[inline(always)]
pub fn atan<const FMA: bool, X: Single>(x: X) -> X {
    let a = x.abs();
    let t = at_most(a, 1.0) / at_least(a, 1.0);
    let s = t * t;
    // (atan t - t) / t^3 on [0, 1].
    let s2 = s * s;
    let p = line::<FMA, X>(0.002_919_422_7, s, -0.016_363_192);
    let p = madd::<FMA, X>(p, s2, line::<FMA, X>(0.043_204_732, s, -0.075_516_604));
    let p = madd::<FMA, X>(p, s2, line::<FMA, X>(0.106_657_69, s, -0.142_110_02));
    let p = madd::<FMA, X>(p, s2, line::<FMA, X>(0.199_937_67, s, -0.333_331_53));
    let y = madd::<FMA, X>(p, s * t, t);
    // pi / 2 in two parts.
    let reflected = (X::number(core::f32::consts::FRAC_PI_2) - y) - X::number(4.371_139e-8);
    signed(X::select(X::ONE.less(a), reflected, y).abs(), x)
}

// -------------------------------------------------------------------------------------------------
// Powers
// -------------------------------------------------------------------------------------------------

/// a * b as an unevaluated sum of the rounded product and its rounding error.
#[inline(always)]
fn exact_product<const FMA: bool, X: Single>(a: X, b: X) -> (X, X) {
    let product = a * b;
    if FMA {
        (product, madd::<FMA, X>(a, b, -product))
    } else {
        // Dekker's product, the halves cut by masking, as in fdlibm's `e_powf.c`.
        let high = |v: X| X::from_word(v.word() & X::Word::of(0xffff_f000));
        let (a1, b1) = (high(a), high(b));
        let (a0, b0) = (a - a1, b - b1);
        (product, ((a1 * b1 - product) + a1 * b0 + a0 * b1) + a0 * b0)
    }
}

/// log2 m for m in [0.707, 1.415) as a sum of two floats, good to 2^-30 relative to the result.
#[inline(always)]
fn log2_pair<const FMA: bool, X: Single>(m: X) -> (X, X) {
    // log2 m = 2 / ln 2 artanh s, where s = (m - 1) / (m + 1) is computed to twice the precision,
    // as are all terms that matter; the others begin with s^3.
    let numerator = m - X::ONE;
    let denominator = m + X::ONE;
    let rest = m - (denominator - X::ONE);
    let inverse = X::ONE / denominator;
    let s = numerator * inverse;
    let (p, p_low) = exact_product::<FMA, X>(s, denominator);
    let s_low = madd::<FMA, X>(s, -rest, (numerator - p) - p_low) * inverse;
    let s2 = s * s;
    // (log2 m - 2 / ln 2 s) / s^3 in powers of s^2.
    let tail = line::<FMA, X>(0.336_489_53, s2, 0.411_927_28);
    let tail = step::<FMA, X>(tail, s2, 0.577_078_8);
    let tail = step::<FMA, X>(tail, s2, 0.961_796_7);
    const TWO_LOG2E: f32 = 2.885_39;
    const TWO_LOG2E_LOW: f32 = 3.851_926e-8;
    let (high, low) = exact_product::<FMA, X>(s, X::number(TWO_LOG2E));
    let low = plus_part::<FMA, X>(s, TWO_LOG2E_LOW, low);
    // The derivative of log2 m with respect to s is 2 / ln 2 (1 + s^2 + ...).
    let low = madd::<FMA, X>(s_low, line::<FMA, X>(TWO_LOG2E, s2, TWO_LOG2E), low);
    (high, madd::<FMA, X>(s2 * s, tail, low))
}

/// 2^(a + b), where b is small.
#[inline(always)]
fn exp2_pair<const FMA: bool, X: Single>(a: X, b: X) -> X {
    const BIASED: f32 = ROUND + 254.0;
    let a = at_most(at_least(a, -152.0), 129.0);
    let shifted = a + X::number(BIASED);
    let r = (a - (shifted - X::number(BIASED))) + b;
    // (2^r - 1) / r on [-1/2, 1/2].
    let p = line::<FMA, X>(1.575_370_3e-4, r, 0.001_341_410_7);
    let p = step::<FMA, X>(p, r, 0.009_617_063);
    let p = step::<FMA, X>(p, r, 0.055_502_728);
    let p = step::<FMA, X>(p, r, 0.240_226_55);
    let p = step::<FMA, X>(p, r, 0.693_147_24);
    let (scale, rest) = power_of_two::<X>(shifted.word());
    madd::<FMA, X>(p, r * scale, scale) * rest
}

/// x^y, with all the special values of `f32::powf`. Largest error: 3.
///
/// That was measured over 2^30 pairs, most of them with a result between 2^-151 and 2^129, where
/// the error is largest. For the exponents -1, 1/2, 2 and 5/2 it is 1 (every 16th positive x).
///
/// The method is that of fdlibm's `e_powf.c`: y log2 x to about 2^-30 of its value as a sum of two
/// floats, then 2^ that. What depends on y alone leaves a loop in which y is constant.
#[inline(always)]
pub fn pow<const FMA: bool, X: Single>(x: X, y: X) -> X {
    let a = x.abs();
    let (n, m) = split::<SQRT_HALF, X>(a.word());
    let n = n.sar(MANTISSA_BITS).float();
    let (high, low) = log2_pair::<FMA, X>(m);
    let sum = n + high;
    let low = ((n - sum) + high) + low;
    // `low` holds all but the first term of a series; now make it less than half a unit of the
    // sum's last place.
    let log = sum + low;
    let log_low = (sum - log) + low;
    let finite = a.less(X::number(f32::INFINITY));
    let log = X::select(finite, log, a);
    let log = X::select(a.same(X::ZERO), X::number(f32::NEG_INFINITY), log);
    // An infinite y acts as a huge one, but times log2 1 = 0 it does not give NaN.
    const HUGE: f32 = f32::from_bits((127 + 100) << MANTISSA_BITS);
    let y_finite = at_most(at_least(y, -HUGE), HUGE);
    let (product, product_low) = exact_product::<FMA, X>(y_finite, log);
    let product_low = madd::<FMA, X>(y_finite, log_low, product_low);
    // Out of range the low part does not matter, and may be NaN.
    let in_range = product.abs().less(X::number(256.0));
    let product_low = X::select(in_range, product_low, X::ZERO);
    let power = exp2_pair::<FMA, X>(product, product_low);
    // Whether y is an integer and whether it is odd: below 2^23 adding 2^23 moves the fraction out
    // and the parity into the lowest bit; above, the parity is there already; from 2^24 on all is
    // even.
    let b = at_most(y.abs(), 16_777_216.0);
    let bound = X::number(8_388_608.0);
    let fractional = b.less(bound);
    let shifted = X::select(fractional, b + bound, b);
    let integer = X::select(fractional, shifted - bound, b).same(b);
    let odd = X::Word::select(integer, shifted.word().shl(31), X::Word::of(0));
    let power = X::from_word(power.word() | (odd & x.word()));
    let root_of_negative = x.less(X::ZERO) & finite & !integer;
    let power = X::select(root_of_negative, X::NAN, power);
    X::select(x.same(X::ONE) | y.same(X::ZERO), X::ONE, power)
}

// -------------------------------------------------------------------------------------------------
// IEEE operations, for completeness
// -------------------------------------------------------------------------------------------------

/// 1 / x, correctly rounded.
#[inline(always)]
pub fn recip<const FMA: bool, X: Single>(x: X) -> X {
    X::ONE / x
}

/// The square root of x, correctly rounded.
#[inline(always)]
pub fn sqrt<const FMA: bool, X: Single>(x: X) -> X {
    x.sqrt()
}
