//! The modules of other libraries against those libraries: every case of `tests/golden/compat`, value
//! and gradients, on every back end.

use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Inputs, library};
use serde_json::Value;
use std::collections::HashMap;

/// The largest error in f64, relative to the value and to the largest entry of the gradient.
const LIMIT: f64 = 1e-9;

fn arrays(file: &str) -> HashMap<String, Tensor> {
    let path = format!("{}/tests/golden/compat/{file}", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).expect("the file is committed")
}

fn cases() -> Vec<Value> {
    let text = include_str!("../golden/compat/cases.json");
    serde_json::from_str(text).expect("a list of cases")
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    wide.and_then(|t| t.to_vec1()).expect("a plain tensor")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn close(found: &[f64], wanted: &[f64], floor: f64) -> bool {
    let scale = wanted.iter().fold(floor, |m, x| m.max(x.abs()));
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= LIMIT * scale;
    found.len() == wanted.len() && found.iter().zip(wanted).all(near)
}

/// What is wrong with one case, if anything.
fn check(
    case: &Value,
    inputs: &HashMap<String, Tensor>,
    gradients: &HashMap<String, Tensor>,
    backend: Backend,
) -> Result<(), String> {
    let loss = Compiler::new()
        .backend(backend)
        .compile(text(&case["spec"]));
    let loss = loss.map_err(|e| e.to_string())?;
    let mut given = Inputs::new();
    for (name, array) in case["inputs"].as_object().expect("an object") {
        given = given.tensor(name, &inputs[text(array)]);
    }
    let (outcome, found) = loss.gradients(given).map_err(|e| e.to_string())?;
    let (total, wanted) = (
        flat(&outcome.total),
        case["value"].as_f64().expect("a number"),
    );
    if !close(&total, &[wanted], 1e-3) {
        return Err(format!("value {total:?}, there {wanted}"));
    }
    for (name, array) in case["grads"].as_object().expect("an object") {
        let found = found.iter().find(|(n, _)| n == name);
        let found = flat(&found.ok_or(format!("no gradient of {name}"))?.1);
        let wanted = flat(&gradients[text(array)]);
        if !close(&found, &wanted, 1e-6) {
            return Err(format!("gradient of {name} {found:?}, there {wanted:?}"));
        }
    }
    Ok(())
}

fn all(backend: Backend) {
    let (inputs, gradients) = (arrays("inputs.safetensors"), arrays("grads.safetensors"));
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        if let Err(why) = check(case, &inputs, &gradients, backend) {
            wrong.push(format!("{}: {why}", text(&case["name"])));
        }
    }
    let (count, first) = (wrong.len(), wrong.iter().take(20));
    let first: Vec<&str> = first.map(String::as_str).collect();
    assert!(
        count == 0,
        "{count} of {} cases differ:\n{}",
        cases.len(),
        first.join("\n")
    );
    assert!(cases.len() > 250);
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
    let cases = cases();
    for module in library::embedded_names() {
        for name in library::names_of(module) {
            let loss = format!("{module}.{name}");
            assert!(
                cases.iter().any(|case| text(&case["loss"]) == loss),
                "{loss}"
            );
        }
    }
}
