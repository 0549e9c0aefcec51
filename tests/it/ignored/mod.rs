//! `ignore`: every loss of the standard library with an ignored mask against the same loss of
//! tensors that are cut down to the valid positions; then each reduction by itself, and labels.

mod labels;
mod losses;
mod rules;

use candle_core::{DType, Tensor};
use lossc::{Backend, Compiler, Error, Inputs, Loss};

fn flat(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    wide.and_then(|t| t.to_vec1()).expect("a plain tensor")
}

fn compile(text: &str, backend: Backend) -> Loss {
    match Compiler::new().backend(backend).compile(text) {
        Ok(loss) => loss,
        Err(why) => panic!("{text}\n{why}"),
    }
}

type Gradients = Vec<(String, Tensor)>;

fn run(loss: &Loss, inputs: Inputs) -> Result<(f64, Gradients), Error> {
    let (outcome, gradients) = loss.gradients(inputs)?;
    Ok((flat(&outcome.total)[0], gradients))
}

/// What stands at ignored positions: anything.
const RUBBISH: [f64; 5] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30, -3.0];
const NO_LABELS: [f64; 4] = [255.0, -100.0, -9223372036854775808.0, 9223372036854774784.0];
