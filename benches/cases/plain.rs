//! The losses as one writes them by hand in Candle's operations: stable, and without a detour.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::{log_softmax, sigmoid, softmax};

/// The loss of a case over its tensors, a scalar to call `backward` on.
pub fn loss(name: &str, tensors: &[(String, Tensor)]) -> Result<Tensor> {
    let t = |i: usize| &tensors[i].1;
    match name {
        "small" => weighted(t(0), t(1), 1e-6, &[0.2, 0.8]),
        "slices" => weighted(t(0), t(1), 1e-5, &[0.1, 0.2, 0.3, 0.4]),
        "volumes" => {
            let (z, y) = flat(t(0), t(1))?;
            dice(&softmax(&z, 1)?, &one_hot(&y, z.dim(1)?)?, 1e-5)? + nll(&z, &y)?.mean_all()?
        }
        "street" => {
            let (z, y) = flat(t(0), t(1))?;
            let nll = nll(&z, &y)?;
            // 1 − p of the right class, squared.
            let hard = (1.0 - nll.neg()?.exp()?)?.sqr()?;
            let region = dice(&softmax(&z, 1)?, &one_hot(&y, z.dim(1)?)?, 1e-5)?;
            (region + nll.mean_all()?)? + (hard * nll)?.mean_all()?
        }
        "scenes" | "vocabulary" | "digits" => {
            let (z, y) = flat(t(0), t(1))?;
            nll(&z, &y)?.mean_all()
        }
        "binary" => binary(t(0), t(1)),
        "contrast" => {
            let scores = (t(0).matmul(&t(1).t()?)? / 0.07)?;
            nll(&scores, t(2))?.mean_all()
        }
        "residuals" => {
            let r = (t(0) - t(1))?;
            let a = r.abs()?;
            let near = a.lt(1f32)?;
            near.where_cond(&(r.sqr()? * 0.5)?, &(a - 0.5)?)?.mean_all()
        }
        "images" => ssim(t(0), t(1))? + (t(0) - t(1))?.abs()?.mean_all()?,
        "order" => lovasz(t(0), t(1)),
        _ => candle_core::bail!("no loss for the case `{name}`"),
    }
}

/// Logits as `[N, C, S]` and labels as `[N, S]`, or `[N, C]` and `[N]`.
fn flat(z: &Tensor, y: &Tensor) -> Result<(Tensor, Tensor)> {
    if z.rank() == 2 {
        return Ok((z.clone(), y.clone()));
    }
    Ok((z.flatten_from(2)?, y.flatten_from(1)?))
}

/// Half Dice, half cross entropy weighted by class.
fn weighted(z: &Tensor, y: &Tensor, smooth: f64, weights: &[f32]) -> Result<Tensor> {
    let (z, y) = flat(z, y)?;
    let region = dice(&softmax(&z, 1)?, &one_hot(&y, z.dim(1)?)?, smooth)?;
    let weights = Tensor::new(weights, &Device::Cpu)?;
    let own = weights
        .index_select(&y.flatten_all()?, 0)?
        .reshape(y.shape())?;
    let pixel = ((nll(&z, &y)? * &own)?.sum_all()? / own.sum_all()?)?;
    (region * 0.5)? + (pixel * 0.5)?
}

/// −log p of the right class.
fn nll(z: &Tensor, y: &Tensor) -> Result<Tensor> {
    let log_p = log_softmax(z, 1)?;
    log_p.gather(&y.unsqueeze(1)?, 1)?.squeeze(1)?.neg()
}

/// 1 where the class is the label.
fn one_hot(y: &Tensor, classes: usize) -> Result<Tensor> {
    let class = Tensor::arange(0, classes as i64, &Device::Cpu)?.reshape((1, classes, 1))?;
    y.unsqueeze(1)?.broadcast_eq(&class)?.to_dtype(DType::F32)
}

/// 1 − Dice over the last axis, averaged over all others.
fn dice(p: &Tensor, t: &Tensor, smooth: f64) -> Result<Tensor> {
    let overlap = (p * t)?.sum(D::Minus1)?;
    let mass = (p.sum(D::Minus1)? + t.sum(D::Minus1)?)?;
    let score = (((overlap * 2.0)? + smooth)? / (mass + smooth)?)?;
    1.0 - score.mean_all()?
}

/// Binary cross entropy, Dice and focal loss.
fn binary(z: &Tensor, t: &Tensor) -> Result<Tensor> {
    let (z, t) = (z.flatten_from(1)?, t.flatten_from(1)?);
    let p = sigmoid(&z)?;
    let rest = (z.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let bce = ((z.relu()? - (&z * &t)?)? + rest)?;
    // 1 − p of the right answer: t + p − 2·t·p.
    let wrong = ((&t + &p)? - ((&t * &p)? * 2.0)?)?;
    let focal = (wrong.sqr()? * &bce)?.mean_all()?;
    (bce.mean_all()? + dice(&p, &t, 1e-5)?)? + focal
}

/// 1 − SSIM with a Gaussian window of 11 by 11, σ 1.5, that lies inside the image.
fn ssim(p: &Tensor, t: &Tensor) -> Result<Tensor> {
    let weights: Vec<f32> = (-5..=5)
        .map(|i| (-(i * i) as f32 / (2.0 * 1.5 * 1.5)).exp())
        .collect();
    let total: f32 = weights.iter().sum();
    let weights = (Tensor::new(weights, &Device::Cpu)? / f64::from(total))?;
    let down = weights.reshape((1, 1, 11, 1))?;
    let along = weights.reshape((1, 1, 1, 11))?;
    let blur = |x: &Tensor| {
        let x = x.unsqueeze(1)?.conv2d(&down, 0, 1, 1, 1)?;
        x.conv2d(&along, 0, 1, 1, 1)
    };
    let (mean_p, mean_t) = (blur(p)?, blur(t)?);
    let (square_p, square_t, product) = (mean_p.sqr()?, mean_t.sqr()?, (&mean_p * &mean_t)?);
    let var_p = (blur(&p.sqr()?)? - &square_p)?;
    let var_t = (blur(&t.sqr()?)? - &square_t)?;
    let both = (blur(&(p * t)?)? - &product)?;
    let above = (((product * 2.0)? + 1e-4)? * ((both * 2.0)? + 9e-4)?)?;
    let below = (((square_p + square_t)? + 1e-4)? * ((var_p + var_t)? + 9e-4)?)?;
    1.0 - (above / below)?.mean_all()?
}

/// The Lovász softmax loss of all classes, the batch pooled.
fn lovasz(z: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (z, y) = flat(z, y)?;
    let (p, t) = (softmax(&z, 1)?, one_hot(&y, z.dim(1)?)?);
    // A row for each class.
    let rows = |x: &Tensor| x.transpose(0, 1)?.contiguous()?.flatten_from(1);
    let (p, t) = (rows(&p)?, rows(&t)?);
    let errors = (&t - p)?.abs()?;
    let order = errors.detach().arg_sort_last_dim(false)?;
    let (errors, t) = (errors.gather(&order, 1)?, t.gather(&order, 1)?);
    let all = t.sum_keepdim(1)?;
    let inside = all.broadcast_sub(&sums(&t)?)?;
    let union = all.broadcast_add(&sums(&(1.0 - &t)?)?)?;
    let jaccard = (1.0 - (inside / union)?)?;
    let rest = jaccard.narrow(1, 0, jaccard.dim(1)? - 1)?;
    let before = rest.pad_with_zeros(1, 1, 0)?;
    (errors * (jaccard - before)?)?.sum(1)?.mean_all()
}

/// Running sums along rows. Candle multiplies with a triangle of ones, which is quadratic in the
/// length, so first within blocks and then over blocks.
fn sums(x: &Tensor) -> Result<Tensor> {
    const BLOCK: usize = 512;
    let (rows, count) = x.dims2()?;
    let within = x.reshape((rows, count / BLOCK, BLOCK))?.cumsum(2)?;
    let totals = within.narrow(2, BLOCK - 1, 1)?;
    let before = (totals.squeeze(2)?.cumsum(1)?.unsqueeze(2)? - totals)?;
    within.broadcast_add(&before)?.reshape((rows, count))
}
