//! The standard library against PyTorch, SciPy and others: every case of `tests/golden`, value,
//! gradients and reports, on every back end.

use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Inputs};
use serde_json::Value;
use std::collections::HashMap;

/// What a back end is held to: the largest error of values and of gradients, relative to the
/// value (or to `floor`, where it is smaller) and to the largest entry of the gradient.
struct Tolerance {
    value: f64,
    gradient: f64,
    floor: f64,
    /// The factor for logits of ±1e4, whose last f32 digit is worth 1e-3.
    saturated: f64,
}

/// The folders of cases, and how many each holds at least.
const FOLDERS: &[(&str, usize)] = &[("std", 1000), ("order", 100)];

fn path(folder: &str, file: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    format!("{root}/tests/golden/{folder}/{file}")
}

fn arrays(folder: &str, file: &str) -> HashMap<String, Tensor> {
    let path = path(folder, file);
    candle_core::safetensors::load(path, &Device::Cpu).expect("the file is committed")
}

fn cases(folder: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path(folder, "cases.json")).expect("the file is committed");
    let Value::Array(cases) = serde_json::from_str(&text).expect("the file is JSON") else {
        panic!("the file is a list of cases");
    };
    cases
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    wide.and_then(|t| t.to_vec1()).expect("a plain tensor")
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().expect("a string")
}

/// What is wrong with one case, if anything.
fn check(
    case: &Value,
    inputs: &HashMap<String, Tensor>,
    gradients: &HashMap<String, Tensor>,
    backend: Backend,
    dtype: DType,
    tolerance: &Tolerance,
) -> Result<(), String> {
    let loss = Compiler::new().backend(backend).compile(text(case, "spec"));
    let loss = loss.map_err(|e| e.to_string())?;
    let mut given = Inputs::new();
    for (name, array) in case["inputs"].as_object().expect("an object") {
        let tensor = &inputs[array.as_str().expect("a string")];
        let tensor = match tensor.dtype() {
            DType::F64 => tensor.to_dtype(dtype).expect("a cast"),
            _ => tensor.clone(),
        };
        given = given.tensor(name, &tensor);
    }
    let (outcome, found) = loss.gradients(given).map_err(|e| e.to_string())?;
    let factor = if text(case, "name").contains("sat") {
        tolerance.saturated
    } else {
        1.0
    };
    let close = |a: f64, b: f64, scale: f64, limit: f64| {
        (a - b).abs() <= factor * limit * scale.max(1e-300) || a == b || (a.is_nan() && b.is_nan())
    };
    if let Some(want) = case["value"].as_f64() {
        let got = flat(&outcome.total)[0];
        if !close(got, want, want.abs().max(tolerance.floor), tolerance.value) {
            return Err(format!("value {got}, PyTorch {want}"));
        }
    }
    if let Some(reports) = case["reports"].as_object() {
        for (name, want) in reports {
            let want = want.as_f64().expect("a number");
            let got = outcome.reports.iter().find(|(n, _)| n == name);
            let got = got.map_or(f64::NAN, |(_, value)| *value);
            if !close(got, want, 1.0, tolerance.value) {
                return Err(format!("report {name} {got}, PyTorch {want}"));
            }
        }
    }
    if let Some(wanted) = case["grads"].as_object() {
        for (name, array) in wanted {
            let want = flat(&gradients[array.as_str().expect("a string")]);
            let got = found.iter().find(|(n, _)| n == name);
            let got = flat(&got.ok_or(format!("no gradient of {name}"))?.1);
            // The gradient of equal boxes is what is left of slopes of the size of 1.
            let floor = if text(case, "name").contains("same_tie") {
                0.2
            } else {
                1e-2
            };
            let scale = want
                .iter()
                .fold(tolerance.floor * floor, |m, x| m.max(x.abs()));
            for (i, (a, b)) in got.iter().zip(&want).enumerate() {
                if !close(*a, *b, scale, tolerance.gradient) {
                    return Err(format!(
                        "gradient of {name} at {i}: {a}, PyTorch {b}, scale {scale}"
                    ));
                }
            }
            if got.len() != want.len() {
                return Err(format!("gradient of {name} has {} entries", got.len()));
            }
        }
    }
    Ok(())
}

fn all(backend: Backend, dtype: DType, tolerance: &Tolerance) {
    for (folder, least) in FOLDERS {
        every(folder, *least, backend, dtype, tolerance);
    }
}

fn every(folder: &str, least: usize, backend: Backend, dtype: DType, tolerance: &Tolerance) {
    let inputs = arrays(folder, "inputs.safetensors");
    let gradients = arrays(folder, "grads.safetensors");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases(folder) {
        count += 1;
        if let Err(why) = check(&case, &inputs, &gradients, backend, dtype, tolerance) {
            wrong.push(format!("{}: {why}", text(&case, "name")));
        }
    }
    assert!(count >= least, "only {count} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn reference_agrees_with_pytorch() {
    let tolerance = Tolerance {
        value: 1e-10,
        gradient: 1e-9,
        floor: 1e-6,
        saturated: 1.0,
    };
    all(Backend::Reference, DType::F64, &tolerance);
}

#[test]
fn candle_f64_agrees_with_pytorch() {
    let tolerance = Tolerance {
        value: 1e-10,
        gradient: 1e-9,
        floor: 1e-6,
        saturated: 1.0,
    };
    all(Backend::Candle, DType::F64, &tolerance);
}

#[test]
fn candle_f32_agrees_with_pytorch() {
    let tolerance = Tolerance {
        value: 2e-5,
        gradient: 2e-5,
        // 1 − x cannot be known better than to an f32 digit of 1.
        floor: 1e-2,
        saturated: 20.0,
    };
    all(Backend::Candle, DType::F32, &tolerance);
}

#[test]
fn fused_f64_agrees_with_pytorch() {
    let tolerance = Tolerance {
        value: 1e-10,
        gradient: 1e-9,
        floor: 1e-6,
        saturated: 1.0,
    };
    all(Backend::Fused, DType::F64, &tolerance);
}

#[test]
fn fused_f32_agrees_with_pytorch() {
    let tolerance = Tolerance {
        value: 2e-5,
        gradient: 2e-5,
        floor: 1e-2,
        saturated: 20.0,
    };
    all(Backend::Fused, DType::F32, &tolerance);
}

/// Where every sum is exact, distances are those of SciPy to the last bit.
#[test]
fn distances_are_those_of_scipy() {
    let inputs = arrays("order", "inputs.safetensors");
    let maps = arrays("order", "grads.safetensors");
    let mut count = 0;
    for case in cases("order") {
        if !text(&case, "name").starts_with("distance_exact") {
            continue;
        }
        for &backend in Backend::ALL {
            let loss = Compiler::new().backend(backend);
            let loss = loss.compile(text(&case, "spec")).expect("a right spec");
            let named = |key: &str| &inputs[text(&case["inputs"], key)];
            let given = Inputs::new()
                .tensor("x", named("x"))
                .tensor("m", named("m"));
            let (_, gradients) = loss.gradients(given).expect("a value");
            let (_, map) = gradients
                .iter()
                .find(|(name, _)| name == "x")
                .expect("of x");
            let want = &maps[text(&case["grads"], "x")];
            assert_eq!(flat(map), flat(want), "{} on {backend:?}", case["name"]);
            count += 1;
        }
    }
    assert!(count >= 30, "only {count}");
}
