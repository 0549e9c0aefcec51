//! `lossc test`.

use super::{Folder, given, golden, lossc};
use serde_json::json;

/// The cross entropy of scores 0 and 0 is log 2.
const RIGHT: &str = "\
param weight: real >= 0 = 1
term pixel = ce()
minimize weight*pixel + 0.5*dice(smooth=1)
report iou = mean_iou()

test \"what is minimized, a term, a report, an expression\" {
  pred = [[[[0, log(3)]], [[0, 0]]]]
  target = [[[1, 0]]]
  weight = 2
  expect minimize ≈ 2*pixel_value + 0.5*dice_value within 1e-9
  expect pixel ~= (log(2) + log(4/3))/2
  expect report iou ≈ 0.25
  expect dice(smooth=1) ≈ dice_value
  expect mse() on (pred as real, pred as real) ≈ 0
}

test \"an option that does not exist\" {
  minimize dice(smoth=1)
  expect error E0301
}

test \"a label that is no class\" {
  pred = [[0, 0]]
  target = [2]
  expect error E0606
}
";

fn right() -> String {
    // p is 1/2 and 3/4 of class 0 at the two positions; class 0 is at the second.
    let dice = "(1 - (2*0.75 + 1)/(1.25 + 1 + 1) + 1 - (2*0.5 + 1)/(0.75 + 1 + 1))/2";
    RIGHT
        .replace("pixel_value", "(log(2) + log(4/3))/2")
        .replace("dice_value", &format!("({dice})"))
}

#[test]
fn tests_that_hold() {
    let folder = Folder::new();
    let file = folder.put("right.loss", right());
    let out = lossc(&["test", &file]).fine();
    let lines: Vec<String> = [
        (6, "what is minimized, a term, a report, an expression"),
        (17, "an option that does not exist"),
        (22, "a label that is no class"),
    ]
    .iter()
    .map(|(line, name)| {
        format!(
            "{:<width$}{name}\n",
            format!("holds  {file}:{line}"),
            width = file.len() + 12
        )
    })
    .collect();
    assert_eq!(out, lines.concat());
    for backend in ["reference", "candle", "fused"] {
        assert_eq!(lossc(&["test", &file, "--backend", backend]).fine(), out);
    }
    let value = lossc(&["test", &file, "--format", "json"]).json();
    assert_eq!(value["version"], 1);
    assert_eq!(value["diagnostics"], json!([]));
    assert_eq!(
        value["tests"][0],
        json!({
            "file": file, "line": 6, "name": "what is minimized, a term, a report, an expression",
            "expectations": 5, "holds": true,
        })
    );
    // The spec itself is as it would be without tests.
    lossc(&["validate", &file]).fine();
    let batch = ["--input", "pred=p.npy"];
    let talk = lossc(&["eval", &file, batch[0], batch[1]]).failed(2);
    assert!(talk.contains("p.npy"), "{talk}");
}

#[test]
fn every_mistake_in_a_test() {
    let spec = "\
minimize ce()
report right = accuracy()
test \"wrong number\" { pred = [[0, 0]] target = [1] expect minimize ≈ 0.5 within 1e-3 }
test \"wrong error\" { minimize dice(smoth=1) expect error E0204 }
test \"no error\" { pred = [[0, 0]] target = [1] expect error E0204 }
test \"no such code\" { expect error E9999 }
test \"no such input\" { pred = [[0, 0]] tarket = [1] expect minimize ≈ 0.5 }
test \"no such report\" { pred = [[0, 0]] target = [1] expect report rihgt ≈ 1 }
test \"ragged\" { pred = [[0, 0], [1]] target = [1] expect minimize ≈ 0.5 }
test \"mixed\" { pred = [[0, 0], 1] target = [1] expect minimize ≈ 0.5 }
test \"wrong size\" { pred = [[0, 0]] target = [1, 0] expect minimize ≈ 0.5 }
test \"wrong rank\" { pred = [0, 0] target = [[1]] expect minimize ≈ 0.5 }
test \"missing\" { pred = [[0, 0]] expect minimize ≈ 0.5 }
test \"no label\" { pred = [[0, 0]] target = [0.5] expect minimize ≈ 0.5 }
test \"twice\" { pred = [[0, 0]] pred = [[0, 0]] target = [0] expect minimize ≈ 0.5 }
test \"no number\" { pred = [[0, 0]] target = [0] expect minimize ≈ mean(pred) }
test \"nothing\" { pred = [[0, 0]] }
test \"wrong expression\" { pred = [[0, 0]] target = [0] expect dise() ≈ 1 }
";
    let ran = given(&["test", "-"], spec);
    assert_eq!(ran.status, 1);
    assert!(
        ran.out
            .lines()
            .all(|line| line.starts_with("fails  <stdin>:"))
    );
    assert_eq!(ran.out.lines().count(), 16);
    golden("test.stderr", &ran.err);
    let value = given(&["test", "-", "--format", "json"], spec);
    assert_eq!((value.status, value.err.as_str()), (1, ""));
    let value: serde_json::Value = serde_json::from_str(&value.out).expect("JSON");
    assert_eq!(value["diagnostics"][0]["code"], "E0502");
    assert_eq!(value["diagnostics"][0]["line"], 3);
    assert_eq!(value["tests"][0]["holds"], false);
}

#[test]
fn files_without_tests_and_wrong_files() {
    let ran = given(&["test", "-"], "dice()");
    assert_eq!((ran.status, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("`<stdin>` has no tests"), "{}", ran.err);
    let talk = given(
        &["test", "-"],
        "test \"a\" {\n  expect minimize 1\n}\ndice()",
    )
    .failed(1);
    assert!(talk.contains("expected"), "{talk}");
    lossc(&["test", "none.loss"]).failed(2);
    // A library says in its tests what they are about.
    let library = "\
## Half of it.
loss half() on pred: logits per class, target: mask per class = 0.5*bce()
test \"of yes and no\" { task binary pred = [[0]] target = [[1]] expect half() ≈ log(2)/2 }
";
    let ran = given(&["test", "-"], library).fine();
    assert_eq!(ran, "holds  <stdin>:3  of yes and no\n");
}
