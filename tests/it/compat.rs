//! The modules of other libraries against those libraries: every case of `tests/golden/compat`, value
//! and gradients, on every back end.

use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Inputs, library};
use serde_json::Value;
use std::collections::HashMap;

/// The largest error in f64, relative to the value and to the largest entry of the gradient. A case of
/// a library that computes in f32 says its own.
const LIMIT: f64 = 1e-9;

/// The cases of a module, and its arrays: inputs and gradients.
fn book(module: &str) -> (Vec<Value>, HashMap<String, Tensor>) {
    let path = format!(
        "{}/tests/golden/compat/{module}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(format!("{path}.json")).expect("the file is committed");
    let cases = serde_json::from_str(&text).expect("a list of cases");
    let arrays = candle_core::safetensors::load(format!("{path}.safetensors"), &Device::Cpu);
    (cases, arrays.expect("the file is committed"))
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    wide.and_then(|t| t.to_vec1()).expect("a plain tensor")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The largest error, relative to the largest entry or to `floor`; infinite where something is NaN.
fn error(found: &[f64], wanted: &[f64], floor: f64) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let scale = wanted.iter().fold(floor, |m, x| m.max(x.abs()));
    let errors = found.iter().zip(wanted).map(|(a, b)| (a - b).abs() / scale);
    let plain = errors.map(|e| if e.is_nan() { f64::INFINITY } else { e });
    plain.fold(0.0, f64::max)
}

/// What is wrong with one case, if anything.
fn check(case: &Value, arrays: &HashMap<String, Tensor>, backend: Backend) -> Result<(), String> {
    let limit = case.get("tolerance").and_then(Value::as_f64);
    let limit = limit.unwrap_or(LIMIT);
    let loss = Compiler::new()
        .backend(backend)
        .compile(text(&case["spec"]));
    let loss = loss.map_err(|e| e.to_string())?;
    let mut given = Inputs::new();
    for (name, array) in case["inputs"].as_object().expect("an object") {
        given = given.tensor(name, &arrays[text(array)]);
    }
    let (outcome, found) = loss.gradients(given).map_err(|e| e.to_string())?;
    let (total, wanted) = (
        flat(&outcome.total),
        case["value"].as_f64().expect("a number"),
    );
    let off = error(&total, &[wanted], 1e-3);
    if off > limit {
        return Err(format!("value {total:?}, there {wanted}: off by {off:e}"));
    }
    for (name, array) in case["grads"].as_object().expect("an object") {
        let found = found.iter().find(|(n, _)| n == name);
        let found = flat(&found.ok_or(format!("no gradient of {name}"))?.1);
        let wanted = flat(&arrays[text(array)]);
        let off = error(&found, &wanted, 1e-6);
        if off > limit {
            let head = |x: &[f64]| format!("{:?}", &x[..x.len().min(6)]);
            return Err(format!(
                "gradient of {name} begins {}, there {}: off by {off:e}",
                head(&found),
                head(&wanted)
            ));
        }
    }
    Ok(())
}

fn all(backend: Backend) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for module in library::embedded_names() {
        let (cases, arrays) = book(module);
        count += cases.len();
        for case in &cases {
            if let Err(why) = check(case, &arrays, backend) {
                wrong.push(format!("{}: {why}", text(&case["name"])));
            }
        }
    }
    let first: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} of {count} cases differ:\n{}",
        wrong.len(),
        first.join("\n")
    );
    assert!(count > 3000, "{count}");
}

#[test]
fn the_reference_agrees_with_the_libraries() {
    all(Backend::Reference);
}

#[test]
fn candle_agrees_with_the_libraries() {
    all(Backend::Candle);
}

#[test]
fn fused_agrees_with_the_libraries() {
    all(Backend::Fused);
}

#[test]
fn every_loss_of_a_module_has_a_case() {
    for module in library::embedded_names() {
        let (cases, _) = book(module);
        for name in library::names_of(module) {
            let loss = format!("{module}.{name}");
            let here = |case: &Value| text(&case["loss"]) == loss;
            assert!(cases.iter().any(here), "{loss}");
        }
    }
}
