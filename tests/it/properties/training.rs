//! Every loss, minimized over a free prediction by Adam, comes near 0 or to where it has no slope.

use super::{SIZES, all_hold, bind, compile, largest, run};
use crate::catalogue::{Random, calls};
use candle_core::DType;
use lossc::Backend;

/// Losses that have no minimum. Reports are not minimized.
const ENDLESS: &[(&str, &str)] = &[
    ("wgan", "a difference of scores"),
    ("hinge_gan", "a score, of the generator"),
    ("psnr", "a logarithm of the error"),
    ("boundary", "with a map that is given, the mean of p·φ"),
];

/// The share of its start that a loss comes to, if not a tenth.
const SHARE: &[(&str, f64)] = &[
    // Skeletons of noise have ridges on which descent ends.
    ("cldice", 0.7),
];

const STEPS: usize = 600;
const RATE: f64 = 0.2;

#[test]
fn every_loss_comes_to_its_minimum() {
    let (mut calls, _) = calls();
    // Free scores instead of probabilities, which descent would leave.
    for call in &mut calls {
        for input in &mut call.inputs {
            if matches!(input.kind, "probs" | "log_probs") && input.name == "pred" {
                input.kind = "logits";
            }
        }
    }
    let (_, _, reports) = lossc::library::modules()
        .find(|(file, ..)| *file == "std/reports.loss")
        .expect("the reports");
    let reports = reports.items.iter().filter_map(|item| item.definition());
    let reports: Vec<String> = reports.map(|d| d.name.text.clone()).collect();
    all_hold(&calls, 60, |call| {
        let report = reports.contains(&call.name);
        let endless = ENDLESS.iter().any(|(name, _)| *name == call.name);
        let plain = call.text.ends_with("()") || call.text.contains("()");
        if report || endless || !plain {
            return None;
        }
        let loss = compile(&call.spec(""), Backend::Fused);
        let mut bound = bind(call, &mut Random(10));
        let (start, gradients) = run(&loss, &bound, DType::F64);
        let free = gradients.first()?.0.clone();
        let at = bound.iter().position(|(input, _)| input.name == free)?;
        let steepest = largest(&gradients[0].1);
        let count: usize = bound[at].0.shape(&SIZES).iter().product();
        let (mut mean, mut square) = (vec![0.0; count], vec![0.0; count]);
        let (mut value, mut slope) = (start, steepest);
        for step in 1..=STEPS {
            let (now, gradients) = run(&loss, &bound, DType::F64);
            let g = &gradients[0].1;
            (value, slope) = (now, largest(g));
            // Smaller steps at the end, to come to rest.
            let rate = RATE * (1.0 - step as f64 / STEPS as f64);
            let (a, b) = (
                1.0 - 0.9f64.powi(step as i32),
                1.0 - 0.99f64.powi(step as i32),
            );
            for i in 0..count {
                mean[i] = 0.9 * mean[i] + 0.1 * g[i];
                square[i] = 0.99 * square[i] + 0.01 * g[i] * g[i];
                bound[at].1[i] -= rate * (mean[i] / a) / ((square[i] / b).sqrt() + 1e-12);
            }
        }
        let share = SHARE.iter().find(|(name, _)| *name == call.name);
        let arrived = start > 0.0 && value <= share.map_or(0.1, |(_, share)| *share) * start;
        let level = slope <= 0.05 * steepest && value < start;
        Some(match arrived || level {
            true => Ok(()),
            false => Err(format!(
                "from {start} to {value}, slope {steepest} to {slope}"
            )),
        })
    });
}
