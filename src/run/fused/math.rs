//! Transcendental functions on `f32`, written so that a plain loop over them vectorises.
//!
//! Every function is straight-line code: no branch, no table, no call, no conversion that
//! saturates. LLVM therefore turns a loop such as `for (o, x) in out.iter_mut().zip(inp) { *o =
//! exp::<FMA>(*x) }` into full-width vector code in any function that enables a vector feature, and
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
//! treats them, with the exceptions noted on [`exp_ftz`], [`sin`] and [`cos`]. The payload and the
//! sign of a NaN are arbitrary.
//!
//! # Where the polynomials come from
//!
//! All coefficients are minimax, computed for this file with the Remez exchange algorithm in
//! 40-digit arithmetic on the interval and in the form stated beside them, then rounded to `f32`
//! one at a time while the others were fitted again.

use core::hint::select_unpredictable;

/// `a * b + c`, fused where the hardware has the instruction.
#[inline(always)]
fn madd<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `if cond { a } else { b }`, guaranteed to be a select.
///
/// The optimiser may merge neighbouring `if`s into one branch and duplicate the code that follows;
/// it leaves this alone.
#[inline(always)]
fn select<T>(cond: bool, a: T, b: T) -> T {
    select_unpredictable(cond, a, b)
}

/// `max(x, low)` that passes NaN on, unlike `f32::max`, and is a single instruction for that very
/// reason.
#[inline(always)]
fn at_least(x: f32, low: f32) -> f32 {
    select(low > x, low, x)
}

/// `min(x, high)` that passes NaN on.
#[inline(always)]
fn at_most(x: f32, high: f32) -> f32 {
    select(high < x, high, x)
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

/// Writes e^x as 2^n e^r with |r| <= ln(2) / 2 and returns r and the bits of a float whose low bits
/// are n + `bias`.
///
/// Needs |x| to be far below 2^22, which every caller ensures by clamping.
#[inline(always)]
fn reduce_exp<const FMA: bool>(x: f32, bias: f32) -> (f32, u32) {
    let shifted = madd::<FMA>(x, core::f32::consts::LOG2_E, ROUND + bias);
    let n = shifted - (ROUND + bias);
    let r = madd::<FMA>(n, -LN2_HI, x);
    (madd::<FMA>(n, -LN2_LO, r), shifted.to_bits())
}

/// e^r - 1 on |r| <= ln(2) / 2, with a small relative error.
#[inline(always)]
fn expm1_reduced<const FMA: bool>(r: f32) -> f32 {
    // (e^r - 1 - r) / r^2, fitted for the error relative to e^r - 1, which is below 2^-26.
    let r2 = r * r;
    let low = madd::<FMA>(0.166_665_39, r, 0.499_999_97);
    let high = madd::<FMA>(0.001_383_564_2, r, 0.008_367_124);
    let high = madd::<FMA>(high, r, 0.041_667_756);
    madd::<FMA>(madd::<FMA>(high, r2, low), r2, r)
}

/// Two floats whose product is 2^n, where the low bits of `biased` are n + 254 and -252 <= n <=
/// 254.
///
/// Each is in range where 2^n is not. Multiplying by one and then by the other rounds a subnormal
/// result once, and gives infinity for one that is too large.
#[inline(always)]
fn power_of_two(biased: u32) -> (f32, f32) {
    let half = biased >> 1;
    (
        f32::from_bits(half << MANTISSA_BITS),
        f32::from_bits((biased - half) << MANTISSA_BITS),
    )
}

/// e^x. Largest error: 1.
///
/// Subnormal results are gradual: the result is 0 only where the exact value rounds to 0 (x <
/// -103.97).
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    let (r, biased) = reduce_exp::<FMA>(at_most(at_least(x, -104.0), 89.0), 254.0);
    let (a, b) = power_of_two(biased);
    madd::<FMA>(expm1_reduced::<FMA>(r), a, a) * b
}

/// e^x, flushed to zero for x < -86.99 (results below 1.41 * 2^-126). Largest error elsewhere: 1.
///
/// It is 15 % faster than [`exp`] and meant for sums of exponentials, where such terms do not
/// count.
#[inline(always)]
pub fn exp_ftz<const FMA: bool>(x: f32) -> f32 {
    // Half of 2^n is in range for the largest n. For the smallest its exponent field is 0, which
    // makes it 0.
    let (r, biased) = reduce_exp::<FMA>(at_most(at_least(x, -87.6), 89.0), 126.0);
    let power = f32::from_bits(biased << MANTISSA_BITS);
    let half = madd::<FMA>(expm1_reduced::<FMA>(r), power, power);
    half + half
}

/// e^x for x <= 0, with subnormal results; cheaper than [`exp`] as it cannot overflow.
#[inline(always)]
fn exp_nonpositive<const FMA: bool>(x: f32) -> f32 {
    let (r, biased) = reduce_exp::<FMA>(at_least(x, -104.0), 127.0 + 64.0);
    let power = f32::from_bits(biased << MANTISSA_BITS);
    const DOWN: f32 = f32::from_bits((127 - 64) << MANTISSA_BITS);
    madd::<FMA>(expm1_reduced::<FMA>(r), power, power) * DOWN
}

/// e^x - 1 for -80 <= x <= 0, with a small relative error. The sign of zero is lost.
#[inline(always)]
fn expm1_nonpositive<const FMA: bool>(x: f32) -> f32 {
    let (r, biased) = reduce_exp::<FMA>(x, 127.0);
    let power = f32::from_bits(biased << MANTISSA_BITS);
    madd::<FMA>(power, expm1_reduced::<FMA>(r), power - 1.0)
}

/// e^x - 1. Largest error: 2.
#[inline(always)]
pub fn expm1<const FMA: bool>(x: f32) -> f32 {
    // Halving everything keeps the power of two in range up to the largest finite result.
    let (r, biased) = reduce_exp::<FMA>(at_most(at_least(x, -30.0), 89.0), 126.0);
    let power = f32::from_bits(biased << MANTISSA_BITS);
    let half = madd::<FMA>(power, expm1_reduced::<FMA>(r), power - 0.5);
    // Below 2^-25 the result is x itself, which the halving would spoil for subnormal x and the sum
    // for -0.
    const TINY: f32 = f32::from_bits((127 - 25) << MANTISSA_BITS);
    select(x.abs() < TINY, x, half + half)
}

/// 1 / (1 + e^-x). Largest error: 2.
#[inline(always)]
pub fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    let y = exp_nonpositive::<FMA>(-x.abs());
    select(x >= 0.0, 1.0, y) / (1.0 + y)
}

/// tanh x. Largest error: 2.
#[inline(always)]
pub fn tanh<const FMA: bool>(x: f32) -> f32 {
    // With E = e^(-2|x|) - 1, tanh |x| is -E / (2 + E), which is accurate near 0 because E is. It
    // is 1 from 9.02 on.
    let e = expm1_nonpositive::<FMA>(-2.0 * at_most(x.abs(), 10.0));
    (e / (2.0 + e)).copysign(x)
}

/// ln(1 + e^x). Largest error: 2.
#[inline(always)]
pub fn softplus<const FMA: bool>(x: f32) -> f32 {
    at_least(x, 0.0) + log1p_unit::<FMA>(exp_nonpositive::<FMA>(-x.abs()))
}

/// ln(1 / (1 + e^-x)), that is `-softplus(-x)`. Largest error: 2.
#[inline(always)]
pub fn log_sigmoid<const FMA: bool>(x: f32) -> f32 {
    at_most(x, -0.0) - log1p_unit::<FMA>(exp_nonpositive::<FMA>(-x.abs()))
}

/// The error function. Largest error: 2.
#[inline(always)]
pub fn erf<const FMA: bool>(x: f32) -> f32 {
    // erf t = 1 - e^(-a) where a = -ln erfc t is a smooth function: a = t + t p(t), and e^(-a) - 1
    // keeps the relative accuracy near 0, so that one polynomial serves all t. It is fitted on [0,
    // 3.93], weighted by what remains of its error in erf; beyond that, erf rounds to 1.
    let t = at_most(x.abs(), 4.0);
    let t2 = t * t;
    let p = madd::<FMA>(
        -9.256_08e-6,
        t2,
        madd::<FMA>(1.176_398_1e-4, t, -6.328_323e-4),
    );
    let p = madd::<FMA>(p, t2, madd::<FMA>(0.001_667_020_3, t, -1.603_899_4e-4));
    let p = madd::<FMA>(p, t2, madd::<FMA>(-0.019_153_066, t, 0.102_777_83));
    let p = madd::<FMA>(p, t2, madd::<FMA>(0.636_619_4, t, 0.128_379_17));
    let e = expm1_nonpositive::<FMA>(-madd::<FMA>(p, t, t));
    e.copysign(x)
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
fn exponent_in_place<const LOWEST: u32>(bits: u32) -> u32 {
    bits.wrapping_sub(LOWEST) & 0xff80_0000
}

/// (ln(1 + f) - f) / f^2 on [-1/3, 1/3], with f^2 given.
///
/// It is fitted for the error relative to ln(1 + f), which is below 2^-24.6. One more coefficient
/// would take that to 2^-27 and yet leave the largest error of `ln` at 1.
#[inline(always)]
fn log_tail<const FMA: bool>(f: f32, f2: f32) -> f32 {
    let p = madd::<FMA>(0.138_203_68, f, -0.151_221_6);
    let p = madd::<FMA>(p, f2, madd::<FMA>(0.140_422_85, f, -0.164_723_29));
    let p = madd::<FMA>(p, f2, madd::<FMA>(0.200_079_2, f, -0.250_042_38));
    madd::<FMA>(p, f2, madd::<FMA>(0.333_332_66, f, -0.5))
}

/// n ln 2 + ln(1 + f), where `n` comes in place.
#[inline(always)]
fn log_sum<const FMA: bool>(n: u32, f: f32) -> f32 {
    const UNIT: f32 = 1.0 / (1_u32 << MANTISSA_BITS) as f32;
    let n = n as i32 as f32;
    let f2 = f * f;
    let log = madd::<FMA>(f2, log_tail::<FMA>(f, f2), f);
    if FMA {
        // The float nearest to ln 2 happens to be good to 28 bits: one product is enough where it
        // is not rounded.
        madd::<FMA>(n, core::f32::consts::LN_2 * UNIT, log)
    } else {
        madd::<FMA>(n, LN2_HI * UNIT, madd::<FMA>(n, LN2_LO * UNIT, log))
    }
}

/// `log`, if `x` is positive and finite, and otherwise what a logarithm has there.
#[inline(always)]
fn log_special(x: f32, log: f32) -> f32 {
    // 0 gives -inf, from the first operand; inf gives inf and NaN gives NaN, from the second; a
    // negative number gives NaN, from the third, but -0 does not as it is made 0 there. (These are
    // integer operations as they are cheaper here than comparisons and selects.)
    let bits = x.to_bits();
    let negative = ((x + 0.0).to_bits() as i32) >> 31;
    let special = bits.wrapping_sub(0x0080_0000) | bits | negative as u32;
    // 1 <= bits < inf as an unsigned comparison, shifted so as to be a signed one, which SSE2 and
    // AVX2 have.
    let regular = (bits.wrapping_add(0x7fff_ffff) as i32) < 0xff7f_ffff_u32 as i32;
    select(regular, log, f32::from_bits(special))
}

/// The exponent, in place, and the significand in [LOWEST, 2 LOWEST) of a positive float, which may
/// be subnormal.
#[inline(always)]
fn split<const LOWEST: u32>(bits: u32) -> (u32, f32) {
    // The bits of a subnormal number, read as an integer, are the number times 2^149.
    let subnormal = (bits as i32) < 0x0080_0000;
    let normal = select(subnormal, (bits as i32 as f32).to_bits(), bits);
    let n = exponent_in_place::<LOWEST>(normal);
    let significand = f32::from_bits(normal.wrapping_sub(n));
    (
        n.wrapping_sub(select(subnormal, 149 << MANTISSA_BITS, 0)),
        significand,
    )
}

/// ln x. Largest error: 1.
#[inline(always)]
pub fn ln<const FMA: bool>(x: f32) -> f32 {
    let (n, m) = split::<TWO_THIRDS>(x.to_bits());
    log_special(x, log_sum::<FMA>(n, m - 1.0))
}

/// ln(1 + x). Largest error: 2.
#[inline(always)]
pub fn log1p<const FMA: bool>(x: f32) -> f32 {
    // 1 + x = u + c exactly as long as that matters (it stops at 2^24, where c is below the last
    // bit of u).
    let u = 1.0 + x;
    let c = x - (u - 1.0);
    let bits = u.to_bits();
    let n = exponent_in_place::<TWO_THIRDS>(bits);
    // 2^-n; 0 for n > 126.
    let power = f32::from_bits((0x3f80_0000_u32.wrapping_sub(n) as i32).max(0) as u32);
    let f = madd::<FMA>(c, power, f32::from_bits(bits.wrapping_sub(n)) - 1.0);
    let log = log_special(u, log_sum::<FMA>(n, f));
    // The result has the sign of x already, unless x is -0.
    f32::from_bits(log.to_bits() | (x.to_bits() & SIGN))
}

/// ln(1 + y) for 0 <= y <= 1, with an error below 2^-27 relative to the result, before rounding.
#[inline(always)]
fn log1p_unit<const FMA: bool>(y: f32) -> f32 {
    // (ln(1 + y) - y) / y^2 on [0, 1]: the interval needs no more coefficients than one reduced by
    // exponent would.
    let y2 = y * y;
    let p = madd::<FMA>(
        -0.003_290_468_6,
        y2,
        madd::<FMA>(0.020_086_242, y, -0.057_457_23),
    );
    let p = madd::<FMA>(p, y2, madd::<FMA>(0.106_611_28, y, -0.153_448_8));
    let p = madd::<FMA>(p, y2, madd::<FMA>(0.196_921_02, y, -0.249_580_19));
    let p = madd::<FMA>(p, y2, madd::<FMA>(0.333_304_64, y, -0.499_999_3));
    madd::<FMA>(y2, p, y)
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
fn minus_multiple_of_pi<const FMA: bool>(x: f32, h: f32) -> f32 {
    if FMA {
        let r = madd::<FMA>(h, -3.141_592_5, x);
        let r = madd::<FMA>(h, -1.509_957_9e-7, r);
        madd::<FMA>(h, -1.078_060_5e-14, r)
    } else {
        let r = madd::<FMA>(h, -3.140_625, x);
        let r = madd::<FMA>(h, -9.675_026e-4, r);
        let r = madd::<FMA>(h, -1.509_906_7e-7, r);
        madd::<FMA>(h, -5.126_688e-12, r)
    }
}

/// sin r on |r| <= pi / 2, with its sign flipped if the lowest bit of `flip` is set.
#[inline(always)]
fn sin_reduced<const FMA: bool>(r: f32, flip: u32) -> f32 {
    let sign = (r.to_bits() ^ (flip << 31)) & SIGN;
    let r = r.abs();
    let r2 = r * r;
    // (sin r - r) / r^3 in powers of r^2; of several roundings of the coefficients, one that makes
    // cos 0 exactly 1.
    let p = madd::<FMA>(2.605_714e-6, r2, -1.980_956_4e-4);
    let p = madd::<FMA>(p, r2, 0.008_333_066_5);
    let p = madd::<FMA>(p, r2, -0.166_666_6);
    let sin = at_most(madd::<FMA>(r * r2, p, r), 1.0);
    f32::from_bits(sin.to_bits() ^ sign)
}

/// sin x. Largest error for |x| <= 10^4: 2.
///
/// Beyond that the error grows with |x|. With fused multiply-add it stays below 2e-7 up to 10^6 and
/// below 2e-4 up to 1.3e7; without, it is below 1e-6 up to 10^5 and reaches 0.03 at 10^6. Past
/// these ranges a finite x gives some number in [-1, 1].
#[inline(always)]
pub fn sin<const FMA: bool>(x: f32) -> f32 {
    let shifted = madd::<FMA>(x, core::f32::consts::FRAC_1_PI, ROUND);
    let r = minus_multiple_of_pi::<FMA>(x, shifted - ROUND);
    sin_reduced::<FMA>(r, shifted.to_bits())
}

/// cos x. Largest error for |x| <= 10^4: 2. Beyond that, what is said of [`sin`] holds.
#[inline(always)]
pub fn cos<const FMA: bool>(x: f32) -> f32 {
    // cos x = -sin(x - pi / 2 - k pi) for an even integer k, and the opposite for an odd one.
    let shifted = madd::<FMA>(x, core::f32::consts::FRAC_1_PI, -0.5) + ROUND;
    let r = minus_multiple_of_pi::<FMA>(x, (shifted - ROUND) + 0.5);
    sin_reduced::<FMA>(r, !shifted.to_bits())
}

/// atan x. Largest error: 2.
#[inline(always)]
pub fn atan<const FMA: bool>(x: f32) -> f32 {
    let a = x.abs();
    let t = at_most(a, 1.0) / at_least(a, 1.0);
    let s = t * t;
    // (atan t - t) / t^3 on [0, 1].
    let s2 = s * s;
    let p = madd::<FMA>(0.002_919_422_7, s, -0.016_363_192);
    let p = madd::<FMA>(p, s2, madd::<FMA>(0.043_204_732, s, -0.075_516_604));
    let p = madd::<FMA>(p, s2, madd::<FMA>(0.106_657_69, s, -0.142_110_02));
    let p = madd::<FMA>(p, s2, madd::<FMA>(0.199_937_67, s, -0.333_331_53));
    let y = madd::<FMA>(p, s * t, t);
    // pi / 2 in two parts.
    let reflected = (core::f32::consts::FRAC_PI_2 - y) - 4.371_139e-8;
    select(a > 1.0, reflected, y).copysign(x)
}

// -------------------------------------------------------------------------------------------------
// Powers
// -------------------------------------------------------------------------------------------------

/// a * b as an unevaluated sum of the rounded product and its rounding error.
#[inline(always)]
fn exact_product<const FMA: bool>(a: f32, b: f32) -> (f32, f32) {
    let product = a * b;
    if FMA {
        (product, a.mul_add(b, -product))
    } else {
        // Dekker's product, the halves cut by masking, as in fdlibm's `e_powf.c`.
        let high = |v: f32| f32::from_bits(v.to_bits() & 0xffff_f000);
        let (a1, b1) = (high(a), high(b));
        let (a0, b0) = (a - a1, b - b1);
        (product, ((a1 * b1 - product) + a1 * b0 + a0 * b1) + a0 * b0)
    }
}

/// log2 m for m in [0.707, 1.415) as a sum of two floats, good to 2^-30 relative to the result.
#[inline(always)]
fn log2_pair<const FMA: bool>(m: f32) -> (f32, f32) {
    // log2 m = 2 / ln 2 artanh s, where s = (m - 1) / (m + 1) is computed to twice the precision,
    // as are all terms that matter; the others begin with s^3.
    let numerator = m - 1.0;
    let denominator = m + 1.0;
    let rest = m - (denominator - 1.0);
    let inverse = 1.0 / denominator;
    let s = numerator * inverse;
    let (p, p_low) = exact_product::<FMA>(s, denominator);
    let s_low = madd::<FMA>(s, -rest, (numerator - p) - p_low) * inverse;
    let s2 = s * s;
    // (log2 m - 2 / ln 2 s) / s^3 in powers of s^2.
    let tail = madd::<FMA>(0.336_489_53, s2, 0.411_927_28);
    let tail = madd::<FMA>(tail, s2, 0.577_078_8);
    let tail = madd::<FMA>(tail, s2, 0.961_796_7);
    const TWO_LOG2E: f32 = 2.885_39;
    const TWO_LOG2E_LOW: f32 = 3.851_926e-8;
    let (high, low) = exact_product::<FMA>(s, TWO_LOG2E);
    let low = madd::<FMA>(s, TWO_LOG2E_LOW, low);
    // The derivative of log2 m with respect to s is 2 / ln 2 (1 + s^2 + ...).
    let low = madd::<FMA>(s_low, madd::<FMA>(s2, TWO_LOG2E, TWO_LOG2E), low);
    (high, madd::<FMA>(s2 * s, tail, low))
}

/// 2^(a + b), where b is small.
#[inline(always)]
fn exp2_pair<const FMA: bool>(a: f32, b: f32) -> f32 {
    const BIASED: f32 = ROUND + 254.0;
    let a = at_most(at_least(a, -152.0), 129.0);
    let shifted = a + BIASED;
    let r = (a - (shifted - BIASED)) + b;
    // (2^r - 1) / r on [-1/2, 1/2].
    let p = madd::<FMA>(1.575_370_3e-4, r, 0.001_341_410_7);
    let p = madd::<FMA>(p, r, 0.009_617_063);
    let p = madd::<FMA>(p, r, 0.055_502_728);
    let p = madd::<FMA>(p, r, 0.240_226_55);
    let p = madd::<FMA>(p, r, 0.693_147_24);
    let (scale, rest) = power_of_two(shifted.to_bits());
    madd::<FMA>(p, r * scale, scale) * rest
}

/// x^y, with all the special values of `f32::powf`. Largest error: 3.
///
/// That was measured over 2^30 pairs, most of them with a result between 2^-151 and 2^129, where
/// the error is largest. For the exponents -1, 1/2, 2 and 5/2 it is 1 (every 16th positive x).
///
/// The method is that of fdlibm's `e_powf.c`: y log2 x to about 2^-30 of its value as a sum of two
/// floats, then 2^ that. What depends on y alone leaves a loop in which y is constant.
#[inline(always)]
pub fn pow<const FMA: bool>(x: f32, y: f32) -> f32 {
    let a = x.abs();
    let (n, m) = split::<SQRT_HALF>(a.to_bits());
    let n = (n as i32 >> MANTISSA_BITS) as f32;
    let (high, low) = log2_pair::<FMA>(m);
    let sum = n + high;
    let low = ((n - sum) + high) + low;
    // `low` holds all but the first term of a series; now make it less than half a unit of the
    // sum's last place.
    let log = sum + low;
    let log_low = (sum - log) + low;
    let log = select(a < f32::INFINITY, log, a);
    let log = select(a == 0.0, f32::NEG_INFINITY, log);
    // An infinite y acts as a huge one, but times log2 1 = 0 it does not give NaN.
    const HUGE: f32 = f32::from_bits((127 + 100) << MANTISSA_BITS);
    let y_finite = at_most(at_least(y, -HUGE), HUGE);
    let (product, product_low) = exact_product::<FMA>(y_finite, log);
    let product_low = madd::<FMA>(y_finite, log_low, product_low);
    // Out of range the low part does not matter, and may be NaN.
    let product_low = select(product.abs() < 256.0, product_low, 0.0);
    let power = exp2_pair::<FMA>(product, product_low);
    // Whether y is an integer and whether it is odd: below 2^23 adding 2^23 moves the fraction out
    // and the parity into the lowest bit; above, the parity is there already; from 2^24 on all is
    // even.
    let b = at_most(y.abs(), 16_777_216.0);
    let fractional = b < 8_388_608.0;
    let shifted = select(fractional, b + 8_388_608.0, b);
    let integer = select(fractional, shifted - 8_388_608.0, b) == b;
    let odd = select(integer, shifted.to_bits() << 31, 0);
    let power = f32::from_bits(power.to_bits() | (odd & x.to_bits()));
    let power = select((x < 0.0) & (a < f32::INFINITY) & !integer, f32::NAN, power);
    select((x == 1.0) | (y == 0.0), 1.0, power)
}

// -------------------------------------------------------------------------------------------------
// IEEE operations, for completeness
// -------------------------------------------------------------------------------------------------

/// 1 / x, correctly rounded.
#[inline(always)]
pub fn recip<const FMA: bool>(x: f32) -> f32 {
    1.0 / x
}

/// The square root of x, correctly rounded.
#[inline(always)]
pub fn sqrt<const FMA: bool>(x: f32) -> f32 {
    x.sqrt()
}
