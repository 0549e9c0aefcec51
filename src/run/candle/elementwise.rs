//! Elementwise operations → Candle operations, one arm each.
//!
//! Candle's `maximum`, `minimum`, `clamp` and `relu` treat NaN by argument order or by device, so
//! comparisons and `where_cond` stand in for them.

use super::functions;
use super::scalar;
use crate::ir::MapOp;
use candle_core::{DType, Result, Tensor};

/// Candle walks tensors of at most this rank elementwise.
const MAX_RANK: usize = 8;

/// Calls `f` with the operands spread out to a common shape (as views).
pub(super) fn zip<const N: usize>(
    args: [&Tensor; N],
    f: impl FnOnce([Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut shape = args[0].dims().to_vec();
    for arg in &args[1..] {
        for (n, &m) in shape.iter_mut().zip(arg.dims()) {
            *n = m.max(*n);
        }
    }
    let flat = shape.len() > MAX_RANK;
    let mut spread = args.map(|x| x.clone());
    for x in &mut spread {
        if x.dims() != shape {
            *x = x.broadcast_as(shape.as_slice())?;
        }
        if flat {
            *x = x.contiguous()?.flatten_all()?;
        }
    }
    let result = f(spread)?;
    if flat {
        result.reshape(shape)
    } else {
        Ok(result)
    }
}

/// `value` in the shape (as a view) and dtype of `x`.
pub(super) fn like(x: &Tensor, value: f64) -> Result<Tensor> {
    scalar(value, x.dtype(), x.device())?.broadcast_as(x.shape())
}

/// `a` where `condition` holds, else `b`; all of one shape.
pub(super) fn choose(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    condition.where_cond(a, b)
}

/// Where `x` is NaN.
pub(super) fn is_nan(x: &Tensor) -> Result<Tensor> {
    x.ne(x)
}

/// The operation on its operands, whose shapes agree but for axes of size 1.
///
/// `exponent` is the second operand where that is one number written in the spec. `dtype` is that
/// of floats.
pub(super) fn apply(
    op: MapOp,
    args: &[Tensor],
    exponent: Option<f64>,
    dtype: DType,
) -> Result<Tensor> {
    let one = |f: fn(&Tensor) -> Result<Tensor>| zip([&args[0]], |[x]| f(&x));
    let two =
        |f: fn(&Tensor, &Tensor) -> Result<Tensor>| zip([&args[0], &args[1]], |[a, b]| f(&a, &b));
    let three = |f: fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>| {
        zip([&args[0], &args[1], &args[2]], |[a, b, c]| f(&a, &b, &c))
    };
    match op {
        MapOp::Neg => one(|x| x.neg()),
        MapOp::Abs => one(|x| x.abs()),
        MapOp::Exp => one(|x| x.exp()),
        MapOp::Log => one(|x| x.log()),
        MapOp::Log1p => one(functions::log1p),
        MapOp::Expm1 => one(functions::expm1),
        MapOp::Sqrt => one(|x| x.sqrt()),
        MapOp::Sigmoid => one(functions::sigmoid),
        MapOp::Softplus => one(functions::softplus),
        MapOp::Relu => one(functions::relu),
        MapOp::Tanh => one(|x| x.tanh()),
        MapOp::Sin => one(|x| x.sin()),
        MapOp::Cos => one(|x| x.cos()),
        MapOp::Atan => one(functions::atan),
        MapOp::Erf => one(|x| x.erf()),
        MapOp::Lgamma | MapOp::Digamma => functions::on_host(op, &args[0]),
        MapOp::Floor => one(|x| x.floor()),
        // Candle gives 0 for NaN.
        MapOp::Sign => one(|x| choose(&is_nan(x)?, x, &x.sign()?)),
        MapOp::Not => one(|x| x.eq(&like(x, 0.0)?)),
        MapOp::Float => args[0].to_dtype(dtype),
        MapOp::Add => two(|a, b| a.add(b)),
        MapOp::Sub => two(|a, b| a.sub(b)),
        MapOp::Mul => two(|a, b| a.mul(b)),
        MapOp::Div => two(|a, b| a.div(b)),
        MapOp::Pow => match exponent {
            Some(exponent) => zip([&args[0]], |[x]| x.powf(exponent)),
            None => two(functions::pow),
        },
        MapOp::Max => two(|a, b| larger(a, b, |a, b| a.le(b))),
        MapOp::Min => two(|a, b| larger(a, b, |a, b| a.ge(b))),
        MapOp::Gate => two(|a, b| {
            let nothing = like(a, 0.0)?;
            choose(&a.eq(&nothing)?, &nothing, &a.mul(b)?)
        }),
        MapOp::Eq => two(|a, b| a.eq(b)),
        MapOp::Ne => two(|a, b| a.ne(b)),
        MapOp::Lt => two(|a, b| a.lt(b)),
        MapOp::Le => two(|a, b| a.le(b)),
        MapOp::Gt => two(|a, b| a.gt(b)),
        MapOp::Ge => two(|a, b| a.ge(b)),
        // Booleans are 0 or 1.
        MapOp::And => two(|a, b| a.mul(b)),
        MapOp::Or => two(|a, b| a.maximum(b)),
        MapOp::Select => three(choose),
        MapOp::Clamp => three(|x, low, high| {
            let below_high = choose(&x.gt(high)?, high, x)?;
            choose(&x.lt(low)?, low, &below_high)
        }),
    }
}

/// The larger of two, NaN if either is; the smaller if `yields` is ≥ instead of ≤.
fn larger(
    a: &Tensor,
    b: &Tensor,
    yields: fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    // Comparing with NaN gives false, which keeps `a`: so a NaN in `b` has to move there first.
    let a = choose(&is_nan(b)?, b, a)?;
    choose(&yields(&a, b)?, b, &a)
}
