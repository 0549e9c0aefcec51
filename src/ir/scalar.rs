//! What each elementwise operation does to a number: the only file of the compiler that calls a
//! transcendental function on f64.

use super::op::MapOp;

pub(crate) fn exp(x: f64) -> f64 {
    x.exp()
}

pub(crate) fn ln(x: f64) -> f64 {
    x.ln()
}

pub(crate) fn ln_1p(x: f64) -> f64 {
    x.ln_1p()
}

pub(crate) fn exp_m1(x: f64) -> f64 {
    x.exp_m1()
}

pub(crate) fn tanh(x: f64) -> f64 {
    x.tanh()
}

pub(crate) fn sin(x: f64) -> f64 {
    x.sin()
}

pub(crate) fn cos(x: f64) -> f64 {
    x.cos()
}

pub(crate) fn atan(x: f64) -> f64 {
    x.atan()
}

pub(crate) fn erf(x: f64) -> f64 {
    libm::erf(x)
}

pub(crate) fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// 1 / (1 + e⁻ˣ), computed from the side on which the exponential does not overflow.
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

/// log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|).
pub(crate) fn softplus(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The derivative of log Γ: the recurrence up to 10, then the asymptotic series (Abramowitz and
/// Stegun 1964, 6.3.18); the reflection 6.3.7 for negative arguments.
pub(crate) fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        let pi = std::f64::consts::PI;
        return digamma(1.0 - x) - pi / (pi * x).tan();
    }
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift -= 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    // Bernoulli numbers B₂ₖ / 2k for k = 1 … 7.
    let series = r
        * (1.0 / 12.0
            - r * (1.0 / 120.0
                - r * (1.0 / 252.0
                    - r * (1.0 / 240.0 - r * (1.0 / 132.0 - r * (691.0 / 32760.0 - r / 12.0))))));
    shift + x.ln() - 0.5 / x - series
}

/// −1, 0 or 1; NaN of NaN. (`f64::signum` gives 1 at 0.)
pub(crate) fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x * 0.0
    }
}

/// aᵇ. The standard function already has 0⁰ = 1.
pub(crate) fn pow(a: f64, b: f64) -> f64 {
    a.powf(b)
}

/// The larger; NaN if either is. (`f64::max` drops NaN.)
pub(crate) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// Applies an operation to numbers.
pub fn map(op: MapOp, args: &[f64]) -> f64 {
    let at = |i: usize| args.get(i).copied().unwrap_or(0.0);
    op.eval(at(0), at(1), at(2))
}

/// Σ by halving, so that the error grows with the logarithm of the length.
pub fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() <= 32 {
        return values.iter().sum();
    }
    let (a, b) = values.split_at(values.len() / 2);
    pairwise_sum(a) + pairwise_sum(b)
}
