//! `lossc eval`.

use super::{Folder, given, golden, lossc, npy_f32, npy_i64, npz, read_npz};
use serde_json::{Value, json};

const RETINA: &str = "specs/examples/retina.loss";
const BATCH: &str = "specs/examples/retina.safetensors";

/// What PyTorch computes in f64 for the retina sample.
const TOTAL: f64 = 0.04738439964156656;
const DICE: f64 = 0.07576902484431303;
const WCE: f64 = 0.018999774438820092;
const NORM: f64 = 0.0011668423067912762;
const LARGEST: f64 = 9.762607578530378e-05;

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let error = ((found - expected) / expected).abs();
    assert!(
        error <= tolerance,
        "{found}, not {expected}: off by {error:e}"
    );
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn the_retina_sample_has_the_numbers_of_pytorch() {
    let plain: &[&str] = &[];
    for (flags, tolerance) in [
        (plain, 1e-6),
        (&["--backend", "fused"], 1e-6),
        (&["--backend", "candle"], 1e-6),
        (&["--backend", "reference"], 1e-12),
        (&["--backend", "candle", "--dtype", "f64"], 1e-12),
        (&["--backend", "fused", "--dtype", "f64"], 1e-12),
    ] {
        let folder = Folder::new();
        let grads = folder.at("grads.npz");
        let mut args = vec!["eval", RETINA, "--inputs", BATCH, "--format", "json"];
        args.extend(["--grads", &grads]);
        args.extend(flags);
        let value = lossc(&args).json();
        close(number(&value["total"]), TOTAL, tolerance);
        close(number(&value["terms"]["dice"]["raw"]), DICE, tolerance);
        close(number(&value["terms"]["wce"]["raw"]), WCE, tolerance);
        close(
            number(&value["terms"]["wce"]["weighted"]),
            0.5 * WCE,
            tolerance,
        );
        let arrays = read_npz(&folder.path("grads.npz"));
        let [(name, shape, gradient)] = &arrays[..] else {
            panic!("one gradient: labels have none");
        };
        assert_eq!((name.as_str(), &shape[..]), ("pred", &[4, 2, 128, 128][..]));
        let squares = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
        // Gradients are written in f32 whatever computed them.
        close(squares.sqrt(), NORM, 1e-6);
        let largest = gradient
            .iter()
            .fold(0.0, |m: f64, &g| m.max(f64::from(g).abs()));
        close(largest, LARGEST, 1e-6);
    }
}

#[test]
fn json_holds_what_it_says() {
    let ran = lossc(&["eval", RETINA, "--inputs", BATCH, "--format", "json"]);
    assert_eq!(
        ran.err,
        format!("note: the spec does not use `image` of `{BATCH}`\n")
    );
    let value = ran.json();
    let keys = |value: &Value| -> Vec<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(
        keys(&value),
        ["version", "total", "terms", "reports", "inputs"]
    );
    assert_eq!(keys(&value["terms"]), ["dice", "wce"]);
    assert_eq!(keys(&value["terms"]["dice"]), ["raw", "weight", "weighted"]);
    assert_eq!(value["terms"]["dice"]["weight"], 0.5);
    assert_eq!(value["reports"], json!({}));
    assert_eq!(
        value["inputs"],
        json!({
            "pred": { "shape": [4, 2, 128, 128], "dtype": "f32" },
            "target": { "shape": [4, 128, 128], "dtype": "i64" },
        })
    );
    // What was computed in f32 reads back as an f32 and loses nothing.
    let total = number(&value["total"]);
    assert_eq!(total, f64::from(total as f32));
}

#[test]
fn tables_for_people() {
    let run = |args: &[&str]| lossc(&[&["eval", "--inputs", BATCH][..], args].concat()).fine();
    let reference = ["--backend", "reference"];
    golden("retina.eval", &run(&[&[RETINA][..], &reference].concat()));
    let spec = "term a = dice()\nterm b = ce()\nminimize a*b + 2*b\nreport iou = mean_iou()\nreport right = accuracy()";
    golden(
        "reports.eval",
        &run(&[&["-e", spec][..], &reference].concat()),
    );
    // In f32 no digits are shown that f32 does not have.
    let single = run(&["-e", "0.1*ce()", "--backend", "candle"]);
    assert!(single.contains(" 0.1 "), "{single}");
}

/// Two samples, two classes, three positions.
fn small(folder: &Folder) -> (String, String) {
    let pred: Vec<f32> = (0..12).map(|i| (i as f32 - 6.0) / 4.0).collect();
    let target = [0, 1, 1, 0, 0, 1];
    (
        folder.put("pred.npy", npy_f32("(2, 2, 3)", &pred)),
        folder.put("target.npy", npy_i64("(2, 3)", &target)),
    )
}

fn small_batch(folder: &Folder) -> String {
    let (pred, target) = small(folder);
    let read = |path: &str| std::fs::read(path).expect("it is there");
    let members = [("pred.npy", read(&pred)), ("target.npy", read(&target))];
    folder.put("batch.npz", npz(&members, true))
}

#[test]
fn single_arrays_and_batches_agree() {
    let folder = Folder::new();
    let (pred, target) = small(&folder);
    let batch = small_batch(&folder);
    let (p, t) = (format!("pred={pred}"), format!("target={target}"));
    let spec = ["eval", "-e", "dice() + ce()", "--format", "json"];
    let single = lossc(&[&spec[..], &["--input", &p, "--input", &t]].concat()).json();
    let whole = lossc(&[&spec[..], &["--inputs", &batch]].concat()).json();
    let file = folder.put("a.loss", "dice() + ce()");
    let of_file = lossc(&["eval", &file, "--inputs", &batch, "--format", "json"]).json();
    let stdin = ["eval", "-", "--inputs", &batch, "--format", "json"];
    for other in [whole, of_file, given(&stdin, "dice() + ce()").json()] {
        assert_eq!(single["total"], other["total"]);
        assert_eq!(single["terms"], other["terms"]);
    }
    // A single array counts before the one of the batch, and nothing is noted of that.
    let zeros = folder.put("zeros.npy", npy_f32("(2, 2, 3)", &[0.0; 12]));
    let zeros = format!("pred={zeros}");
    let ran = lossc(&[&spec[..], &["--inputs", &batch, "--input", &zeros]].concat());
    assert_eq!(ran.err, "");
    close(number(&ran.json()["terms"]["ce"]["raw"]), 2f64.ln(), 1e-6);
}

#[test]
fn numbers_are_set() {
    let folder = Folder::new();
    let batch = small_batch(&folder);
    let spec = "param alpha: real in [0, 1] = 0.5\ninput epoch: scalar\ninput pred: logits[N, C, ...S] over C\n\
                input target: labels[N, ...S] of C\nminimize alpha*dice() + epoch*ce()";
    let spec = folder.put("a.loss", spec);
    let run = |flags: &[&str]| {
        let args = ["eval", &spec, "--inputs", &batch, "--format", "json"];
        lossc(&[&args[..], flags].concat())
    };
    let value = run(&["--set", "epoch=3"]).json();
    assert_eq!(value["terms"]["dice"]["weight"], 0.5);
    assert_eq!(value["terms"]["ce"]["weight"], 3.0);
    let value = run(&["--set", "epoch=-1e-3", "--set", "alpha=0.25"]).json();
    assert_eq!(value["terms"]["dice"]["weight"], 0.25);
    close(number(&value["terms"]["ce"]["weight"]), -1e-3, 1e-6);
    let talk = run(&[]).failed(1);
    assert!(
        talk.contains("error[E0601]: input `epoch` is not given"),
        "{talk}"
    );
    assert!(talk.contains("--set name=0.5"), "{talk}");
    let talk = run(&["--set", "epoch=1", "--set", "alpha=2"]).failed(1);
    assert!(
        talk.contains("error[E0607]: `alpha` is in [0, 1], and 2 is given"),
        "{talk}"
    );
    let talk = run(&["--set", "epoch=1", "--set", "alpa=2"]).failed(1);
    assert!(
        talk.contains("error[E0602]") && talk.contains("`alpha`"),
        "{talk}"
    );
    let talk = run(&["--set", "epoch=1", "--set", "epoch=2"]).failed(2);
    assert!(talk.contains("`epoch` is given twice"), "{talk}");
    // Numbers may be in the batch too.
    let one = folder.put("epoch.npy", npy_f32("()", &[3.0]));
    let value = run(&["--input", &format!("epoch={one}")]).json();
    assert_eq!(value["terms"]["ce"]["weight"], 3.0);
}

#[test]
fn dtypes_are_obeyed() {
    let run = |dtype: &str| {
        let args = [
            "eval", RETINA, "--inputs", BATCH, "--format", "json", "--dtype", dtype,
        ];
        lossc(&args).json()
    };
    let mut totals = Vec::new();
    for dtype in ["f64", "f32", "f16", "bf16"] {
        let value = run(dtype);
        assert_eq!(value["inputs"]["pred"]["dtype"], dtype);
        assert_eq!(value["inputs"]["target"]["dtype"], "i64");
        close(number(&value["total"]), TOTAL, 1e-2);
        totals.push(value["total"].to_string());
    }
    totals.dedup();
    assert_eq!(
        totals.len(),
        4,
        "rounded inputs give other numbers: {totals:?}"
    );
    // The reference computes in f64 with the rounded inputs.
    let exact = [
        "eval",
        RETINA,
        "--inputs",
        BATCH,
        "--format",
        "json",
        "--backend",
        "reference",
    ];
    let rounded = lossc(&[&exact[..], &["--dtype", "bf16"]].concat()).json();
    assert_ne!(rounded["total"], lossc(&exact).json()["total"]);
    close(
        number(&rounded["total"]),
        totals[3].parse().expect("a number"),
        1e-5,
    );
}

#[test]
fn what_is_not_finite_is_a_string() {
    let folder = Folder::new();
    let x = folder.put("x.npy", npy_f32("(3,)", &[f32::NAN, 1.0, f32::INFINITY]));
    let x = format!("x={x}");
    let spec = "input x: real[N]\nterm nan = sum(x)\nterm big = max(x[N=1..])\nminimize nan + big\nreport low = -inf";
    for backend in ["candle", "reference"] {
        let args = [
            "eval",
            "-e",
            spec,
            "--input",
            &x,
            "--format",
            "json",
            "--backend",
            backend,
        ];
        let value = lossc(&args).json();
        assert_eq!(value["total"], "NaN");
        assert_eq!(value["terms"]["nan"]["raw"], "NaN");
        assert_eq!(value["terms"]["big"]["raw"], "inf");
        assert_eq!(value["reports"]["low"], "-inf");
    }
}

#[test]
fn terms_that_are_not_factors() {
    let folder = Folder::new();
    let batch = small_batch(&folder);
    let spec = "term a = dice()\nterm idle = ce(smoothing=0.1)\nminimize a^2 + 2*a*a";
    let value = lossc(&["eval", "-e", spec, "--inputs", &batch, "--format", "json"]).json();
    let idle = &value["terms"]["idle"];
    assert_eq!(
        (&idle["weight"], &idle["weighted"]),
        (&json!(0.0), &json!(0.0))
    );
    let a = value["terms"].get("a").expect("it is used");
    assert_eq!((&a["weight"], &a["weighted"]), (&json!(null), &json!(null)));
    let (raw, square) = (number(&a["raw"]), number(&value["terms"]["term"]["raw"]));
    close(square, raw * raw, 1e-6);
    close(number(&value["total"]), 3.0 * square, 1e-6);
}

#[test]
fn what_does_not_fit_says_what_was_expected() {
    let folder = Folder::new();
    let (pred, target) = small(&folder);
    let (p, t) = (format!("pred={pred}"), format!("target={target}"));
    let run = |spec: &str, p: &str, t: &str| {
        lossc(&["eval", "-e", spec, "--input", p, "--input", t]).failed(1)
    };
    let swapped = run("ce()", &format!("pred={target}"), &format!("target={pred}"));
    assert!(swapped.contains("error[E0604]: `pred` needs floats, and the tensor holds i64"));
    assert!(
        swapped.contains("error[E0604]: `target` needs integers"),
        "{swapped}"
    );
    let three = run("wce([1, 2, 3])", &p, &t);
    assert!(
        three.contains("error[E0605]: `C` is 3 in the spec and 2 in the tensor `pred`"),
        "{three}"
    );
    assert!(three.contains("because this list has 3 entries"), "{three}");
    let label = folder.put("label.npy", npy_i64("(2, 3)", &[0, 1, 1, 0, 7, 1]));
    let label = run("ce()", &p, &format!("target={label}"));
    assert!(
        label.contains("`target` has the label 7 at N=1, S=1, and there are 2 classes"),
        "{label}"
    );
    let flat = folder.put("flat.npy", npy_i64("(6,)", &[0; 6]));
    let flat = run("ce()", &p, &format!("target={flat}"));
    assert!(flat.contains("error[E0605]"), "{flat}");
    let rank = folder.put("rank.npy", npy_f32("(4,)", &[0.0; 4]));
    assert!(run("ce()", &format!("pred={rank}"), &t).contains("error[E0603]"));
    // A named array that the spec does not use is a mistake, one of a batch is not.
    let other = lossc(&[
        "eval",
        "-e",
        "ce()",
        "--input",
        &p,
        "--input",
        &t,
        "--input",
        &format!("image={pred}"),
    ]);
    let other = other.failed(1);
    assert!(
        other.contains("error[E0602]: the spec has no input `image`"),
        "{other}"
    );
    let twice = lossc(&["eval", "-e", "ce()", "--input", &p, "--input", &p]).failed(2);
    assert!(twice.contains("`pred` is given twice"), "{twice}");
    let missing = lossc(&["eval", "-e", "ce()", "--input", &p]).failed(1);
    assert!(
        missing.contains("error[E0601]: input `target` is not given"),
        "{missing}"
    );
    assert!(missing.contains("--input name=file.npy"), "{missing}");
}

#[test]
fn files_of_unknown_kinds() {
    let folder = Folder::new();
    let csv = folder.put("batch.csv", "1,2,3");
    let talk = lossc(&["eval", "-e", "dice()", "--inputs", &csv]).failed(2);
    assert!(
        talk.contains("batch.csv` is not a file of a known kind"),
        "{talk}"
    );
    assert!(talk.contains(".npz and .safetensors"), "{talk}");
    let talk = lossc(&["eval", "-e", "dice()", "--inputs", "-"]).failed(2);
    assert!(talk.contains(".npz and .safetensors"), "{talk}");
    let talk = lossc(&["eval", "-e", "dice()", "--input", &format!("pred={csv}")]).failed(2);
    assert!(talk.contains("takes .npy files"), "{talk}");
    let talk = lossc(&["eval", "-e", "dice()", "--input", &format!("pred={BATCH}")]).failed(2);
    assert!(talk.contains("goes to `--inputs`"), "{talk}");
    let one = folder.put("one.npy", npy_f32("(1,)", &[1.0]));
    let talk = lossc(&["eval", "-e", "dice()", "--inputs", &one]).failed(2);
    assert!(talk.contains("--input pred=FILE.npy"), "{talk}");
    let talk = lossc(&["eval", "-e", "dice()", "--inputs", "none.npz"]).failed(2);
    assert!(talk.contains("there is no such file"), "{talk}");
    std::fs::create_dir(folder.path("dir.npz")).expect("a folder");
    let talk = lossc(&["eval", "-e", "dice()", "--inputs", &folder.at("dir.npz")]).failed(2);
    assert!(talk.contains("it is a directory"), "{talk}");
}

#[test]
fn gradients_of_every_floating_input() {
    let folder = Folder::new();
    let x = folder.put("x.npy", npy_f32("(2, 3)", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let w = folder.put("w.npy", npy_f32("(3,)", &[1.0, 10.0, 100.0]));
    let i = folder.put("i.npy", npy_i64("(2,)", &[7, 8]));
    let spec =
        "input x: real[N, D]\ninput w: real[D]\ninput i: real[N]\nminimize sum(x*w) + sum(x*i)";
    let inputs = [("x", &x), ("w", &w), ("i", &i)].map(|(n, p)| format!("{n}={p}"));
    let grads = folder.at("g.npz");
    let mut args = vec!["eval", "-e", spec, "--grads", &grads, "--dtype", "bf16"];
    inputs
        .iter()
        .for_each(|input| args.extend(["--input", input]));
    lossc(&args).fine();
    let mut arrays = read_npz(&folder.path("g.npz"));
    arrays.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(arrays.len(), 2, "integers have no gradient");
    assert_eq!(arrays[0], ("w".into(), vec![3], vec![5.0, 7.0, 9.0]));
    // 107 and 108 round to the same bf16, as the gradient that a bf16 tensor would get.
    let expected = vec![8.0, 17.0, 107.0, 9.0, 18.0, 108.0];
    assert_eq!(arrays[1], ("x".into(), vec![2, 3], expected));
    // The same bytes each time.
    let bytes = std::fs::read(&grads).expect("it is there");
    lossc(&args).fine();
    assert_eq!(std::fs::read(&grads).expect("it is there"), bytes);
    // Nothing to write is no failure.
    let spec = "input i: real[N]\nminimize sum(i*i)";
    let none = folder.at("none.npz");
    let ran = lossc(&[
        "eval",
        "-e",
        spec,
        "--input",
        &format!("i={i}"),
        "--grads",
        &none,
    ]);
    assert!(
        ran.err.contains("note: no input is a floating tensor"),
        "{}",
        ran.err
    );
    ran.fine();
    assert_eq!(read_npz(&folder.path("none.npz")), []);
}

#[test]
fn gradients_are_written_whole_or_not_at_all() {
    let folder = Folder::new();
    let batch = small_batch(&folder);
    let before = folder.list();
    let grads = folder.put("g.npz", "what was there before");
    let bad = |spec: &str, grads: &str, status: i32| {
        lossc(&["eval", "-e", spec, "--inputs", &batch, "--grads", grads]).failed(status)
    };
    bad("dise()", &grads, 1);
    bad("wce([1, 2, 3])", &grads, 1);
    assert_eq!(
        std::fs::read(&grads).expect("it is there"),
        b"what was there before"
    );
    bad("dise()", &folder.at("new.npz"), 1);
    let talk = bad("dice()", &folder.at("grads.safetensors"), 2);
    assert!(talk.contains("gradients are written as .npz"), "{talk}");
    bad("dice()", &folder.at("no/where.npz"), 2);
    bad("dice()", "-", 2);
    let mut after = before.clone();
    after.push("g.npz".into());
    after.sort();
    assert_eq!(folder.list(), after, "nothing is left behind");
    lossc(&[
        "eval", "-e", "dice()", "--inputs", &batch, "--grads", &grads,
    ])
    .fine();
    assert_eq!(read_npz(&folder.path("g.npz")).len(), 1);
}

#[test]
fn warnings_go_to_stderr() {
    let folder = Folder::new();
    let batch = small_batch(&folder);
    let ran = lossc(&["eval", "-e", "let x = 1\ndice()", "--inputs", &batch]);
    assert!(ran.err.contains("warning[W0202 unused]"), "{}", ran.err);
    assert!(ran.fine().contains("total"));
}
