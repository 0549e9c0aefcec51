//! The modules of other libraries against those libraries: every case of `tests/golden/compat`, value
//! and gradients, on every back end.

use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Inputs, library};
use serde_json::Value;
use std::collections::HashMap;

/// The largest errors, relative to the value and to the largest entry of the gradient. A case of a
/// library that computes in f32 says its own for f64.
const LIMIT: f64 = 1e-9;
const F32_LIMIT: f64 = 1e-5;

/// 1 − x cannot be known better than to an f32 digit of 1, so smaller values count as this in f32.
const F32_FLOOR: f64 = 1e-2;

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
fn check(
    case: &Value,
    arrays: &HashMap<String, Tensor>,
    backend: Backend,
    dtype: DType,
) -> Result<(), String> {
    let own = case.get("tolerance").and_then(Value::as_f64);
    let (limit, floors) = match dtype {
        DType::F32 => (F32_LIMIT, (F32_FLOOR, F32_FLOOR)),
        _ => (own.unwrap_or(LIMIT), (1e-3, 1e-6)),
    };
    let loss = Compiler::new()
        .backend(backend)
        .compile(text(&case["spec"]));
    let loss = loss.map_err(|e| e.to_string())?;
    let mut given = Inputs::new();
    for (name, array) in case["inputs"].as_object().expect("an object") {
        let array = &arrays[text(array)];
        let array = match array.dtype() {
            DType::F64 => array.to_dtype(dtype).expect("floating numbers"),
            _ => array.clone(),
        };
        given = given.tensor(name, &array);
    }
    let (outcome, found) = loss.gradients(given).map_err(|e| e.to_string())?;
    let (total, wanted) = (
        flat(&outcome.total),
        case["value"].as_f64().expect("a number"),
    );
    let off = error(&total, &[wanted], floors.0);
    if off > limit {
        return Err(format!("value {total:?}, there {wanted}: off by {off:e}"));
    }
    for (name, array) in case["grads"].as_object().expect("an object") {
        let found = found.iter().find(|(n, _)| n == name);
        let found = flat(&found.ok_or(format!("no gradient of {name}"))?.1);
        let wanted = flat(&arrays[text(array)]);
        let off = error(&found, &wanted, floors.1);
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

fn all(backend: Backend, dtype: DType) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for module in library::embedded_names() {
        let (cases, arrays) = book(module);
        count += cases.len();
        for case in &cases {
            if let Err(why) = check(case, &arrays, backend, dtype) {
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
    all(Backend::Reference, DType::F64);
}

#[test]
fn candle_agrees_with_the_libraries() {
    all(Backend::Candle, DType::F64);
}

#[test]
fn fused_agrees_with_the_libraries() {
    all(Backend::Fused, DType::F64);
}

#[test]
fn candle_agrees_with_the_libraries_in_f32() {
    all(Backend::Candle, DType::F32);
}

#[test]
fn fused_agrees_with_the_libraries_in_f32() {
    all(Backend::Fused, DType::F32);
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

/// The claims of a module that one of its losses is another of the standard library: the name of the
/// loss, and the call that says the same.
fn claims(text: &str) -> Vec<(&str, String)> {
    let mut claims = Vec::new();
    let mut comment = String::new();
    for line in text.lines() {
        if let Some(more) = line.strip_prefix("##") {
            comment += more;
        } else if let Some(rest) = line.strip_prefix("loss ") {
            let name = rest.split(['(', ',']).next().expect("a name");
            let call = comment.split("he same as `").nth(1);
            if let Some((call, after)) = call.and_then(|rest| rest.split_once('`'))
                && after.starts_with('.')
                && !call.contains('…')
            {
                let call = if call.ends_with(')') {
                    call.to_string()
                } else {
                    format!("{call}()")
                };
                claims.push((name, call));
            }
            comment.clear();
        } else {
            comment.clear();
        }
    }
    claims
}

/// The value of a spec on the arrays of a case, unless it is no spec.
fn value(spec: &str, case: &Value, arrays: &HashMap<String, Tensor>) -> Result<f64, lossc::Error> {
    let loss = Compiler::new().compile(spec)?;
    let mut given = Inputs::new();
    for (name, array) in case["inputs"].as_object().expect("an object") {
        given = given.tensor(name, &arrays[text(array)]);
    }
    Ok(flat(&loss.run(given)?.total)[0])
}

#[test]
fn what_is_called_the_same_is_the_same() {
    let mut count = 0;
    for (file, module_text, _) in library::embedded_modules() {
        let module = file.trim_start_matches("compat/").trim_end_matches(".loss");
        let (cases, arrays) = book(module);
        for (name, call) in claims(module_text) {
            let own = format!("{module}.{name}");
            let cases = cases.iter().filter(|case| text(&case["loss"]) == own);
            // The first case whose inputs are those of the form that the claim is about.
            let values = cases.filter_map(|case| {
                let (before, _) = text(&case["spec"]).split_once("minimize")?;
                let of =
                    |call: &str| value(&format!("{before}minimize sum({call})\n"), case, &arrays);
                Some((of(&call).ok()?, of(&format!("{own}()"))))
            });
            let (ours, theirs) = values.into_iter().next().expect("a case of this form");
            let theirs = theirs.unwrap_or_else(|e| panic!("{own}: {e}"));
            let off = error(&[theirs], &[ours], 1e-3);
            assert!(off < 1e-12, "{own} is {theirs}, and {call} is {ours}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn where_all_is_ignored_nothing_is_learned() {
    let (mut count, mut wrong) = (0, Vec::new());
    for module in library::embedded_names() {
        let (cases, arrays) = book(module);
        let plain = |case: &&Value| {
            let spec = text(&case["spec"]);
            spec.contains("...S]") && !spec.contains("real[N, C") && !spec.contains("real[N, K")
        };
        // One that has such an input already is about what is ignored itself.
        let open = |case: &&Value| case["inputs"].get("seen").is_none();
        for case in cases.iter().filter(plain).filter(open) {
            let own = text(&case["name"]);
            let spec = text(&case["spec"]);
            let (before, minimized) = spec.split_once("minimize").expect("a spec");
            let before = before.replace("ignore target == 255\n", "");
            let spec =
                format!("{before}input seen: mask[N, ...S]\nignore seen == 0\nminimize{minimized}");
            let dims = arrays[text(&case["inputs"]["target"])].dims();
            // A target that has no class axis has the axes of the positions.
            let dims = match spec.contains("target: ") && spec.contains("[N, C, ...S] ") {
                true if !spec.contains("target: labels") => [&dims[..1], &dims[2..]].concat(),
                _ => dims.to_vec(),
            };
            let seen = Tensor::zeros(dims, DType::F64, &Device::Cpu).expect("a tensor");
            let loss = Compiler::new().backend(Backend::Reference).compile(&spec);
            let loss = loss.unwrap_or_else(|e| panic!("{spec}{e}"));
            let mut given = Inputs::new().tensor("seen", &seen);
            for (name, array) in case["inputs"].as_object().expect("an object") {
                given = given.tensor(name, &arrays[text(array)]);
            }
            let (outcome, found) = loss.gradients(given).expect("runs");
            let total = flat(&outcome.total)[0];
            let still = found.iter().all(|(_, g)| flat(g).iter().all(|x| *x == 0.0));
            if !total.is_finite() || !still {
                wrong.push(format!("{own} is {total}, its gradients are 0: {still}"));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 2500, "{count}");
}
