//! Every loss of the standard library with an ignored mask, against the same loss of what is left; and
//! with nothing left.

use super::{NO_LABELS, RUBBISH, compile, flat, run};
use crate::catalogue::{Call, NEIGHBOURS, Operand, Random, Sizes, calls, tensor};
use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Inputs};

/// What a test binds: samples, of which one is ignored as a whole, with positions, of which as many
/// are valid in each of the others, classes, corners of a box, and entries of a vector.
const SAMPLES: usize = 4;
const LOST: usize = 2;
const POSITIONS: usize = 13;
const VALID: usize = 5;
const SIZES: Sizes = Sizes {
    samples: SAMPLES,
    positions: POSITIONS,
};
const LEFT: Sizes = Sizes {
    samples: SAMPLES - 1,
    positions: VALID,
};

/// The calls that do not look at neighbours.
fn alone() -> (Vec<Call>, Vec<String>) {
    let (mut calls, missed) = calls();
    calls.retain(|call| !NEIGHBOURS.iter().any(|(name, _)| *name == call.name));
    (calls, missed)
}

/// Which positions are valid: as many in each sample that is, in other places.
fn keep(random: &mut Random, wide: bool) -> Vec<bool> {
    if !wide {
        return (0..SAMPLES).map(|n| n != LOST).collect();
    }
    let mut keep = vec![false; SAMPLES * POSITIONS];
    for n in (0..SAMPLES).filter(|&n| n != LOST) {
        let mut left = VALID;
        while left > 0 {
            let p = (random.next() * POSITIONS as f64) as usize;
            if !keep[n * POSITIONS + p] {
                keep[n * POSITIONS + p] = true;
                left -= 1;
            }
        }
    }
    keep
}

/// Whether an entry of an input is valid; a coarser one is if anything under it is.
fn valid(input: &Operand, at: usize, keep: &[bool]) -> bool {
    match (input.place(at, &SIZES), keep.len() > SAMPLES) {
        ((Some(n), Some(p)), true) => keep[n * POSITIONS + p],
        ((Some(n), _), _) => n != LOST,
        ((None, _), _) => true,
    }
}

/// The loss under the rule against the loss of what is left.
fn compare(call: &Call, backend: Backend, dtype: DType, limit: f64) -> Result<(), String> {
    let random = &mut Random(11);
    let wide = call.inputs.iter().any(|input| input.axes.contains(&"P"));
    let keep = keep(random, wide);
    let rule = format!(
        "input keep: mask[{}]\nignore keep == 0\n",
        if wide { "N, P" } else { "N" }
    );
    let whole = compile(&call.spec(&rule), backend);
    let cut = compile(&call.spec(""), backend);
    let (mut all, mut rest) = (Inputs::new(), Inputs::new());
    for input in &call.inputs {
        let mut data = input.values(&SIZES, random);
        let left: Vec<f64> = (0..data.len())
            .filter(|&at| valid(input, at, &keep))
            .map(|at| data[at])
            .collect();
        for (at, x) in data.iter_mut().enumerate() {
            if !valid(input, at, &keep) {
                *x = match input.kind {
                    "labels" => NO_LABELS[at % NO_LABELS.len()],
                    _ => RUBBISH[at % RUBBISH.len()],
                };
            }
        }
        all = all.tensor(
            &input.name,
            &tensor(input, &data, input.shape(&SIZES), dtype),
        );
        rest = rest.tensor(
            &input.name,
            &tensor(input, &left, input.shape(&LEFT), dtype),
        );
    }
    let shape = if wide {
        vec![SAMPLES, POSITIONS]
    } else {
        vec![SAMPLES]
    };
    let mask: Vec<u8> = keep.iter().map(|&keep| u8::from(keep)).collect();
    let mask = Tensor::from_vec(mask, shape, &Device::Cpu).expect("a tensor");
    let (value, gradients) = run(&whole, all.tensor("keep", &mask)).map_err(|e| e.to_string())?;
    let (want, slopes) = run(&cut, rest).map_err(|e| e.to_string())?;
    let far = |a: f64, b: f64, scale: f64| (a - b).abs() > limit * scale || a.is_nan();
    if far(value, want, want.abs().max(0.1)) {
        return Err(format!("value {value}, of what is left {want}"));
    }
    for (name, slopes) in slopes {
        let input = call.inputs.iter().find(|input| input.name == name);
        let input = input.expect("a bound input");
        let found = gradients.iter().find(|(n, _)| *n == name);
        let found = flat(&found.expect("a gradient").1);
        let mut slopes = flat(&slopes).into_iter();
        let scale = slopes.clone().fold(1e-3f64, |m, x| m.max(x.abs()));
        for (at, &slope) in found.iter().enumerate() {
            if !valid(input, at, &keep) {
                if slope != 0.0 {
                    return Err(format!("gradient of {name} at ignored {at}: {slope}"));
                }
                continue;
            }
            let want = slopes.next().expect("as many as are valid");
            if far(slope, want, scale) {
                return Err(format!("gradient of {name} at {at}: {slope}, not {want}"));
            }
        }
    }
    Ok(())
}

fn every_loss(backend: Backend, dtype: DType, limit: f64) {
    let (calls, missed) = alone();
    assert!(missed.is_empty(), "not covered: {missed:?}");
    assert!(calls.len() > 100, "only {} calls", calls.len());
    let wrong = calls.iter().filter_map(|call| {
        let why = compare(call, backend, dtype, limit).err()?;
        let inputs: String = call.inputs.iter().map(Operand::declared).collect();
        Some(format!("{} on\n{inputs}{why}", call.text))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_loss_is_that_of_what_is_left_in_the_reference() {
    every_loss(Backend::Reference, DType::F64, 1e-11);
}

#[test]
fn every_loss_is_that_of_what_is_left_in_candle() {
    every_loss(Backend::Candle, DType::F64, 1e-11);
}

#[test]
fn every_loss_is_that_of_what_is_left_fused() {
    every_loss(Backend::Fused, DType::F64, 1e-11);
    every_loss(Backend::Fused, DType::F32, 2e-4);
}

#[test]
fn nothing_left_is_0_with_zero_gradient_or_nan_under_a_strict_rule() {
    let (calls, _) = alone();
    for backend in Backend::ALL.iter().copied() {
        for call in &calls {
            for strict in [false, true] {
                let word = if strict { " strict" } else { "" };
                let rule = format!("input keep: mask[N]\nignore keep == 0{word}\n");
                let loss = compile(&call.spec(&rule), backend);
                let mut random = Random(5);
                let mut inputs = Inputs::new();
                for input in &call.inputs {
                    let mut data = input.values(&SIZES, &mut random);
                    if input.axes.contains(&"N") {
                        let rubbish = |at: usize| match input.kind {
                            "labels" => NO_LABELS[at % NO_LABELS.len()],
                            _ => RUBBISH[at % RUBBISH.len()],
                        };
                        data = (0..data.len()).map(rubbish).collect();
                    }
                    let bound = tensor(input, &data, input.shape(&SIZES), DType::F64);
                    inputs = inputs.tensor(&input.name, &bound);
                }
                let none = Tensor::zeros(SAMPLES, DType::U8, &Device::Cpu).expect("a tensor");
                let (value, gradients) = run(&loss, inputs.tensor("keep", &none))
                    .unwrap_or_else(|why| panic!("{}: {why}", call.text));
                let fine = if strict { value.is_nan() } else { value == 0.0 };
                assert!(fine, "{backend:?} {}{word}: {value}", call.text);
                for (name, gradient) in gradients {
                    let zero = flat(&gradient).iter().all(|&g| g == 0.0);
                    assert!(zero, "{backend:?} {}{word}: {name} {gradient}", call.text);
                }
            }
        }
    }
}
