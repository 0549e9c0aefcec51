//! `lossc gradcheck`.

use super::{Folder, given, lossc, npy_f32};

#[test]
fn total_and_terms_agree_at_every_place() {
    let out = lossc(&["gradcheck", "specs/examples/composite.loss"]).fine();
    for place in [
        "ordinary",
        "saturated",
        "zero",
        "tied",
        "one class",
        "empty",
    ] {
        for part in ["total", "region", "pixel", "border"] {
            for input in ["pred", "edge"] {
                let row = |line: &&str| {
                    let rest = line.strip_prefix(place).unwrap_or("");
                    let words: Vec<&str> = rest.split_whitespace().collect();
                    words.len() > 6 && words[0] == part && words[1] == input && words[5] == "0"
                };
                assert_eq!(
                    out.lines().filter(row).count(),
                    1,
                    "{place} {part} {input}\n{out}"
                );
            }
        }
    }
    assert!(out.contains("\nlargest error "), "{out}");
}

/// Where nothing counts, all is 0 and stays 0; a spec that ignores no label has no such inputs.
#[test]
fn all_may_be_ignored() {
    let rows = |spec: &str| {
        let value = given(&["gradcheck", "-", "--format", "json"], spec).json();
        assert_eq!(value["agrees"], true, "{value}");
        let rows = value["rows"].as_array().expect("a list");
        let rows = rows.iter().filter(|row| row["place"] == "all ignored");
        rows.cloned().collect::<Vec<_>>()
    };
    let found = rows("ignore target == 255\nminimize dice() + ce(smoothing=0.1)");
    assert_eq!(found.len(), 3, "{found:?}");
    for row in found {
        assert_eq!(
            (&row["gradient"], &row["difference"]),
            (&0.0.into(), &0.0.into()),
            "{row}"
        );
        assert!(row["compared"].as_u64() > Some(10), "{row}");
    }
    assert!(rows("minimize dice() + ce()").is_empty());
}

#[test]
fn kinks_and_stopped_gradients_are_counted_apart() {
    let spec = "task regression\nminimize mean(relu(pred))";
    let value = given(&["gradcheck", "-", "--format", "json"], spec).json();
    assert_eq!(
        (&value["version"], &value["agrees"]),
        (&1.into(), &true.into())
    );
    for row in value["rows"].as_array().expect("a list") {
        let kinks = row["kinks"].as_u64().expect("a number");
        // At 0 every entry stands on the kink.
        assert_eq!(kinks > 0, row["place"] == "zero", "{row}");
        assert_eq!((&row["wrong"], &row["stopped"]), (&0.into(), &0.into()));
        assert!(
            row["error"].is_null() || row["error"].as_f64() < Some(1e-5),
            "{row}"
        );
    }
    let spec = "task regression\nminimize mean(stop_grad(square(pred))*pred)";
    let value = given(&["gradcheck", "-", "--format", "json"], spec).json();
    assert!(value["rows"][0]["stopped"].as_u64() > Some(0), "{value}");
    let spec = "task regression\nminimize mean(exp(pred))";
    let value = given(&["gradcheck", "-", "--format", "json"], spec).json();
    assert_eq!(value["infinite"][0]["place"], "saturated");
}

#[test]
fn shapes_and_arrays() {
    let args = [
        "gradcheck",
        "-",
        "--shape",
        "pred=1,2,3",
        "--shape",
        "target=1,3",
    ];
    let out = given(&args, "ce()").fine();
    // Six entries and four directions.
    assert!(out.contains("ordinary   total  pred  10 "), "{out}");
    let folder = Folder::new();
    let pred = folder.put("p.npy", npy_f32("(2, 1)", &[1.0, -2.0]));
    let target = folder.put("t.npy", npy_f32("(2, 1)", &[1.0, 0.0]));
    let (pred, target) = (format!("pred={pred}"), format!("target={target}"));
    let args = ["gradcheck", "-", "--input", &pred, "--input", &target];
    let out = given(&args, "task binary\nminimize bce() + 2*hinge()").fine();
    for part in ["total", "bce", "hinge"] {
        assert!(
            out.contains(&format!("given   {part:<5}  pred  6 ")),
            "{out}"
        );
    }
    let args = ["gradcheck", "-", "--input", &pred];
    let talk = given(&args, "task binary\nminimize bce()").failed(1);
    assert!(talk.contains("input `target` is not given"), "{talk}");
    given(&["gradcheck", "-"], "dise()").failed(1);
}
