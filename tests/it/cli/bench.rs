//! `lossc bench`, and the plan that it measures.

use super::{Ran, given};
use serde_json::Value;

const SPEC: &str = "dice() + ce()";
const SHAPES: [&str; 2] = ["--shape", "pred=3,4,13,11"];

fn bench(extra: &[&str]) -> Ran {
    let args: Vec<&str> = ["bench", "-"]
        .iter()
        .chain(&SHAPES)
        .chain(extra)
        .copied()
        .collect();
    given(&args, SPEC)
}

#[test]
fn the_json_has_every_number() {
    let answer = bench(&["--format", "json"]).json();
    let positive = |value: &Value| value.as_f64().is_some_and(|x| x > 0.0);
    assert!(positive(&answer["compile_us"]));
    assert!(positive(&answer["copy_ms"]["median"]) && positive(&answer["copy_ms"]["min"]));
    for backend in ["fused", "candle", "reference"] {
        let row = &answer["backends"][backend];
        for key in ["value_ms", "value_and_grad_ms"] {
            assert!(positive(&row[key]["median"]), "{backend} {key}");
            let (median, min) = (row[key]["median"].as_f64(), row[key]["min"].as_f64());
            assert!(min <= median);
        }
        for key in ["bytes_read", "bytes_written", "passes", "peak_extra_bytes"] {
            assert!(row[key].as_u64().is_some_and(|n| n > 0), "{backend} {key}");
        }
    }
    // Two trips over memory, where one operation after another takes many.
    assert_eq!(answer["backends"]["fused"]["passes"], 2);
    assert!(answer["backends"]["candle"]["passes"].as_u64() > Some(8));
}

#[test]
fn one_back_end_alone() {
    let text = bench(&["--backend", "fused"]).fine();
    assert!(
        text.contains("fused") && !text.contains("reference"),
        "{text}"
    );
    assert!(text.contains("copy of the same"), "{text}");
}

#[test]
fn a_size_that_nothing_tells_is_asked_for() {
    let talk = given(&["bench", "-"], SPEC).failed(2);
    assert!(
        talk.contains("no `--shape` tells the size of `N`"),
        "{talk}"
    );
    let talk = given(&["compile", "-", "--emit", "plan"], SPEC).failed(2);
    assert!(talk.contains("--shape pred="), "{talk}");
}

#[test]
fn the_plan_shows_its_passes() {
    let args: Vec<&str> = ["compile", "-", "--emit", "plan"]
        .iter()
        .chain(&SHAPES)
        .copied()
        .collect();
    let plan = given(&args, SPEC).fine();
    assert!(plan.starts_with("plan: 2 passes in f32"), "{plan}");
    assert_eq!(plan.matches("pass over").count(), 2, "{plan}");
    assert!(plan.contains("accumulates"), "{plan}");
}

/// What the second pass would compute again waits for it: exponentials where the gradient will be, and
/// one number for each position.
#[test]
fn the_plan_says_what_is_handed_on() {
    let args = [
        "compile",
        "-",
        "--emit",
        "plan",
        "--shape",
        "pred=2,5,13,11",
    ];
    let line = |pass: &str, verb: &str| {
        let found = pass.lines().find(|line| line.starts_with(verb));
        found.unwrap_or_default().to_string()
    };
    for spec in [
        "dice() + focal()",
        "dice() + ce() + focal()",
        "dice() + wce([0.1, 1, 1, 1, 2]) + focal()",
    ] {
        let plan = given(&args, spec).fine();
        let passes: Vec<&str> = plan.split("\npass over ").skip(1).collect();
        let [first, second] = passes[..] else {
            panic!("two passes: {plan}");
        };
        let gradient = line(second, "  writes ").replace("  writes ", "");
        assert!(gradient.starts_with("out"), "{plan}");
        let written = line(first, "  writes ");
        assert!(written.contains(&gradient), "{plan}");
        assert_eq!(written.matches("kept ").count(), 1, "{plan}");
        let read = line(second, "  reads ");
        assert!(!read.contains("pred"), "{plan}");
        assert!(read.contains(&gradient), "{plan}");
        assert_eq!(read.matches("kept ").count(), 1, "{plan}");
        assert!(second.contains("the last one first"), "{plan}");
    }
}
