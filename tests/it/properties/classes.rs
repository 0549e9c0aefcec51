//! Classes have no order: renumbering them, with their weights, changes nothing. Scores of exclusive classes
//! have no origin: what is added to all of them at a position changes nothing.

use super::{SIZES, agree, all_hold, bind, compile, largest, run};
use crate::catalogue::{Random, calls};
use candle_core::DType;
use lossc::Backend;

/// Losses to which classes are in order, or class 0 is the background.
const ORDERED: &[(&str, &str)] = &[
    ("wasserstein_1d", "neighbours are at distance 1"),
    ("dfl", "classes are positions"),
    ("unified_focal", "class 0 is the background"),
    ("unet_weighted_ce", "class 0 is the background"),
    ("wasserstein_dice", "class 0 is the background"),
];

/// What class each becomes.
const NEW: [usize; 3] = [2, 0, 1];

/// The text of a call with its lists of three numbers in the new order.
fn renumbered(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, list)) = rest.split_once('[') {
        let (list, after) = list.split_once(']').expect("the list ends");
        let entries: Vec<&str> = list.split(", ").collect();
        let mut new = entries.clone();
        if entries.len() == NEW.len() && entries[0].parse::<f64>().is_ok() {
            for (class, entry) in entries.iter().enumerate() {
                new[NEW[class]] = entry;
            }
        }
        out += &format!("{before}[{}]", new.join(", "));
        rest = after;
    }
    out + rest
}

#[test]
fn a_list_of_weights_is_renumbered() {
    let text = "ce(weight=[0.1, 0.2, 0.3], over=[batch, space])";
    let want = "ce(weight=[0.2, 0.3, 0.1], over=[batch, space])";
    assert_eq!(renumbered(text), want);
}

#[test]
fn classes_have_no_order() {
    let (calls, _) = calls();
    all_hold(&calls, 100, |call| {
        let ordered = ORDERED.iter().any(|(name, _)| *name == call.name);
        let classes = |kind: &str, axes: &[&str]| kind == "labels" || axes.contains(&"C");
        let concerned = call.inputs.iter().any(|i| classes(i.kind, i.axes));
        if ordered || !concerned || call.text.contains("background=false") {
            return None;
        }
        let bound = bind(call, &mut Random(3));
        let renumber = |(input, data): &(crate::catalogue::Operand, Vec<f64>)| {
            let mut new = data.clone();
            let shape = input.shape(&SIZES);
            if input.kind == "labels" {
                new = data.iter().map(|&x| NEW[x as usize] as f64).collect();
            } else if let Some(axis) = input.axes.iter().position(|a| *a == "C") {
                let below: usize = shape[axis + 1..].iter().product();
                for (at, x) in data.iter().enumerate() {
                    let class = at / below % 3;
                    new[at + NEW[class] * below - class * below] = *x;
                }
            }
            (input.clone(), new)
        };
        let moved: Vec<_> = bound.iter().map(renumber).collect();
        let loss = compile(&call.spec(""), Backend::Fused);
        let text = call.spec("").replace(&call.text, &renumbered(&call.text));
        let new = compile(&text, Backend::Fused);
        let (value, gradients) = run(&loss, &bound, DType::F64);
        let (again, slopes) = run(&new, &moved, DType::F64);
        let compare = || {
            agree(&[again], &[value], 1e-11).map_err(|why| format!("values {why}"))?;
            for ((name, g), (_, slope)) in gradients.iter().zip(&slopes) {
                let (input, _) = bound.iter().find(|(i, _)| i.name == *name).expect("bound");
                let (_, wanted) = renumber(&(input.clone(), g.clone()));
                agree(slope, &wanted, 1e-10).map_err(|why| format!("gradients by {name} {why}"))?;
            }
            Ok(())
        };
        Some(compare())
    });
}

#[test]
fn scores_have_no_origin() {
    let (mut calls, _) = calls();
    // Where a loss takes probabilities of exclusive classes or their logarithms, scores do.
    for call in &mut calls {
        for input in &mut call.inputs {
            let softmax = matches!(input.kind, "probs" | "log_probs") && input.class == " over C";
            if softmax && input.name == "pred" {
                input.kind = "logits";
            }
        }
    }
    all_hold(&calls, 80, |call| {
        let softmax = |i: &crate::catalogue::Operand| i.kind == "logits" && i.class == " over C";
        let pred = call
            .inputs
            .iter()
            .position(|i| i.name == "pred" && softmax(i))?;
        let margins = ["multi_margin", "arc_margin", "nacl"];
        if margins.contains(&call.name.as_str()) {
            return None;
        }
        let mut bound = bind(call, &mut Random(4));
        let loss = compile(&call.spec(""), Backend::Fused);
        let (value, gradients) = run(&loss, &bound, DType::F64);
        let mut random = Random(5);
        for n in 0..SIZES.samples {
            for p in 0..SIZES.positions {
                let more = random.between(-20.0, 20.0);
                for c in 0..3 {
                    bound[pred].1[(n * 3 + c) * SIZES.positions + p] += more;
                }
            }
        }
        let (again, _) = run(&loss, &bound, DType::F64);
        let compare = || {
            agree(&[again], &[value], 1e-11).map_err(|why| format!("values {why}"))?;
            // So the slopes along the classes cancel.
            let (_, g) = gradients
                .iter()
                .find(|(name, _)| name == "pred")
                .expect("one");
            for n in 0..SIZES.samples {
                for p in 0..SIZES.positions {
                    let at = |c: usize| g[(n * 3 + c) * SIZES.positions + p];
                    let sum = at(0) + at(1) + at(2);
                    if sum.abs() > 1e-11 * largest(g).max(1e-3) {
                        return Err(format!("slopes of sample {n}, position {p} sum to {sum}"));
                    }
                }
            }
            Ok(())
        };
        Some(compare())
    });
}
