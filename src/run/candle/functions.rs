//! Functions that Candle lacks → Candle operations, accurate near 0 and far from it.
//!
//! None of them makes NaN of a finite argument; NaN gives NaN.

use super::elementwise::{choose, like};
use super::wide;
use crate::ir::{self, MapOp};
use candle_core::{DType, Device, Result, Tensor};
use std::f64::consts::FRAC_PI_2;

/// log(1 + x).
pub(super) fn log1p(x: &Tensor) -> Result<Tensor> {
    let y = log1p_finite(x)?;
    let infinite = x.eq(&like(x, f64::INFINITY)?)?;
    choose(&infinite, x, &y)
}

/// log(1 + x) for x below infinity: log(u)·x/(u − 1) with u the rounded 1 + x, whose rounding
/// error cancels (Kahan; Hewlett-Packard 1982).
fn log1p_finite(x: &Tensor) -> Result<Tensor> {
    let u = x.affine(1.0, 1.0)?;
    let rounded = u.affine(1.0, -1.0)?;
    let y = u.log()?.mul(&x.div(&rounded)?)?;
    choose(&rounded.eq(&like(x, 0.0)?)?, x, &y)
}

/// eˣ − 1 = tanh(x/2)·(eˣ + 1), in which nothing cancels.
pub(super) fn expm1(x: &Tensor) -> Result<Tensor> {
    let slope = x.affine(0.5, 0.0)?.tanh()?;
    slope.mul(&x.exp()?.affine(1.0, 1.0)?)
}

/// max(x, 0).
pub(super) fn relu(x: &Tensor) -> Result<Tensor> {
    let nothing = like(x, 0.0)?;
    choose(&x.le(&nothing)?, &nothing, x)
}

/// 1 / (1 + e⁻ˣ), computed from the side on which the exponential does not overflow.
pub(super) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    let e = x.abs()?.neg()?.exp()?;
    let above = choose(&x.lt(&like(x, 0.0)?)?, &e, &like(x, 1.0)?)?;
    above.div(&e.affine(1.0, 1.0)?)
}

/// log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|).
pub(super) fn softplus(x: &Tensor) -> Result<Tensor> {
    let e = x.abs()?.neg()?.exp()?;
    relu(x)?.add(&log1p_finite(&e)?)
}

/// The arc tangent: of 1/x beyond 1, then with the angle halved twice, by Taylor's series.
pub(super) fn atan(x: &Tensor) -> Result<Tensor> {
    let size = x.abs()?;
    let beyond = size.gt(&like(x, 1.0)?)?;
    let mut t = choose(&beyond, &size.recip()?, &size)?;
    for _ in 0..2 {
        // tan(θ/2) = tan θ / (1 + √(1 + tan² θ))
        t = t.div(&t.sqr()?.affine(1.0, 1.0)?.sqrt()?.affine(1.0, 1.0)?)?;
    }
    // Now t < 0.2, and the first term left out is below the precision of the dtype.
    let terms = if x.dtype() == DType::F64 { 11 } else { 5 };
    let square = t.sqr()?;
    let mut series = like(x, 0.0)?;
    for k in (0..terms).rev() {
        let coefficient = 1.0 / f64::from(2 * k + 1);
        let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
        series = series.mul(&square)?.affine(1.0, sign * coefficient)?;
    }
    let angle = series.mul(&t)?.affine(4.0, 0.0)?;
    let angle = choose(&beyond, &angle.affine(-1.0, FRAC_PI_2)?, &angle)?;
    choose(&x.lt(&like(x, 0.0)?)?, &angle.neg()?, &angle)
}

/// aᵇ as e^(b·log|a|), with the sign and the exceptions of the standard function.
pub(super) fn pow(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    // The exponent may be large, and its error is that of the result: so it is computed in f64.
    let dtype = a.dtype();
    let (a, b) = (a.to_dtype(wide(a))?, b.to_dtype(wide(b))?);
    let (nothing, one) = (like(&a, 0.0)?, like(&a, 1.0)?);
    let size = b.mul(&a.abs()?.log()?)?.exp()?;
    // A negative base, −0 included: −size for odd exponents; for those that are not whole NaN, if
    // the base is a finite number.
    let half = b.affine(0.5, 0.0)?;
    let whole = b.floor()?.eq(&b)?;
    let odd = whole.mul(&half.floor()?.ne(&half)?)?;
    let negative = a.lt(&nothing)?;
    let signed = negative.maximum(&a.recip()?.lt(&nothing)?)?;
    let y = choose(&odd.mul(&signed)?, &size.neg()?, &size)?;
    let finite = negative.mul(&a.gt(&like(&a, f64::NEG_INFINITY)?)?)?;
    let wrong = finite.mul(&whole.eq(&like(&whole, 0.0)?)?)?;
    let y = choose(&wrong, &like(&a, f64::NAN)?, &y)?;
    // 1 whatever the other is, NaN and infinity included; and −1 to an infinite power.
    let infinite = b.abs()?.eq(&like(&b, f64::INFINITY)?)?;
    let turning = a.eq(&like(&a, -1.0)?)?.mul(&infinite)?;
    let trivial = a.eq(&one)?.maximum(&b.eq(&nothing)?)?.maximum(&turning)?;
    choose(&trivial, &one, &y)?.to_dtype(dtype)
}

/// The operation as the reference computes it, on the host. For functions that losses seldom
/// need and that no device has: they are the same everywhere.
pub(super) fn on_host(op: MapOp, x: &Tensor) -> Result<Tensor> {
    let host = x.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    let values: Vec<f64> = host.flatten_all()?.to_vec1()?;
    let values: Vec<f64> = values.iter().map(|&v| ir::map(op, &[v])).collect();
    Tensor::from_vec(values, x.shape(), &Device::Cpu)?
        .to_dtype(x.dtype())?
        .to_device(x.device())
}
