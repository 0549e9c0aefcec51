//! What the README shows is what happens.

use lossc::{Compiler, Error};
use std::process::Command;

const README: &str = include_str!("../../README.md");

/// The text between the fence that follows `start` and its end.
fn block(start: &str) -> &'static str {
    let at = README.find(start).expect("the README has this");
    let text = &README[at + start.len()..];
    &text[..text.find("```").expect("a fence")]
}

#[test]
fn the_main_job_prints_what_it_says() {
    let start = "retina.safetensors\n";
    let shown = block(start);
    let output = Command::new(env!("CARGO_BIN_EXE_lossc"))
        .args([
            "eval",
            "specs/examples/retina.loss",
            "--inputs",
            "specs/examples/retina.safetensors",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the binary runs");
    let note = String::from_utf8(output.stderr).expect("UTF-8");
    let data = String::from_utf8(output.stdout).expect("UTF-8");
    // The last digit of an f32 depends on the instruction set.
    let printed = format!("{note}{data}");
    let (printed, shown) = (printed.split_whitespace(), shown.split_whitespace());
    assert_eq!(printed.clone().count(), shown.clone().count());
    for (printed, shown) in printed.zip(shown) {
        match (printed.parse::<f64>(), shown.parse::<f64>()) {
            (Ok(a), Ok(b)) => assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} is not {b}"),
            _ => assert_eq!(printed, shown),
        }
    }
}

#[test]
fn the_spec_is_the_one_of_the_sample() {
    let shown = block("tensors.**\n\n```text\n");
    assert_eq!(shown, include_str!("../../specs/examples/retina.loss"));
}

#[test]
fn the_wrong_spec_is_refused_in_these_words() {
    let wrong = "input pred: logits[N, C, H, W] over C
input target: labels[N, H, W] of C
minimize 0.5*dice(smoth=1e-6) + 0.5*wce([0.2, 0.3, 0.5]) + ce(weight=[1, 2])
";
    let Err(Error::Spec(report)) = Compiler::new().name("wrong.loss").compile(wrong) else {
        panic!("it is wrong");
    };
    let shown = block("lossc validate wrong.loss\n");
    assert_eq!(format!("{report}\n"), shown);
}
