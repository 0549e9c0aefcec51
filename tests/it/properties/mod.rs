//! Properties that losses have whatever the numbers: one loss is another, classes have no order, scores
//! no origin, halves of a float are enough, options mean the same everywhere, and descent gets somewhere.
//!
//! What holds for all losses goes over the list of `catalogue.rs`.

mod classes;
mod halves;
mod identities;
mod options;
mod promised;
mod training;

use crate::catalogue::{Call, Operand, Random, Sizes, tensor};
use candle_core::{DType, Tensor};
use lossc::{Backend, Compiler, Inputs, Loss};

const SIZES: Sizes = Sizes {
    samples: 4,
    positions: 13,
};

fn compile(text: &str, backend: Backend) -> Loss {
    match Compiler::new().backend(backend).compile(text) {
        Ok(loss) => loss,
        Err(why) => panic!("{text}\n{why}"),
    }
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    wide.and_then(|t| t.to_vec1()).expect("a plain tensor")
}

/// The numbers that are bound to an input.
type Bound = (Operand, Vec<f64>);

fn bind(call: &Call, random: &mut Random) -> Vec<Bound> {
    let inputs = call.inputs.iter();
    inputs
        .map(|input| (input.clone(), input.values(&SIZES, random)))
        .collect()
}

/// The value and the gradient by each input.
fn run(loss: &Loss, bound: &[Bound], dtype: DType) -> (f64, Vec<(String, Vec<f64>)>) {
    let mut inputs = Inputs::new();
    for (input, data) in bound {
        let data = tensor(input, data, input.shape(&SIZES), dtype);
        inputs = inputs.tensor(&input.name, &data);
    }
    let (outcome, gradients) = loss.gradients(inputs).expect("a value");
    let gradients = gradients.iter().map(|(name, g)| (name.clone(), flat(g)));
    (flat(&outcome.total)[0], gradients.collect())
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// Whether two lists agree, relative to the largest entry.
fn agree(a: &[f64], b: &[f64], limit: f64) -> Result<(), String> {
    let scale = largest(b).max(1e-3);
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        let far = (x - y).abs();
        if far.is_nan() || far > limit * scale {
            return Err(format!("{x} and {y} at {i}"));
        }
    }
    Ok(())
}

/// The calls to which something applies that does not hold, each with what is wrong.
fn all_hold(calls: &[Call], least: usize, check: impl Fn(&Call) -> Option<Result<(), String>>) {
    let mut count = 0;
    let mut wrong = Vec::new();
    for call in calls {
        let Some(result) = check(call) else { continue };
        count += 1;
        if let Err(why) = result {
            wrong.push(format!("{}: {why}", call.text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= least, "only {count} calls");
}
