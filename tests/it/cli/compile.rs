//! `lossc compile`.

use super::{Folder, given, golden, lossc};
use serde_json::json;

const RETINA: &str = "specs/examples/retina.loss";
const COMPOSITE: &str = "specs/examples/composite.loss";

#[test]
fn summaries() {
    golden("retina.summary", &lossc(&["compile", RETINA]).fine());
    golden("composite.summary", &lossc(&["compile", COMPOSITE]).fine());
    golden(
        "depth.summary",
        &lossc(&["compile", "specs/examples/depth.loss"]).fine(),
    );
    golden(
        "boxes.summary",
        &lossc(&["compile", "specs/examples/boxes.loss"]).fine(),
    );
    let args = ["compile", "-", "--shape", "pred=5,2,64,64"];
    golden(
        "shape.summary",
        &given(&args, "dice() + 0.5*wce([1, 3])").fine(),
    );
}

/// What a term is divided by, for terms of many forms.
#[test]
fn denominators() {
    for (spec, expected) in [
        ("ce()", "mean over N, S"),
        ("wce([1, 3])", "Σ [1, 3][target] over N, S"),
        ("dice()", "mean over N, C"),
        ("dice(over=[batch, space])", "mean over C"),
        ("dice(weight=[1, 3])", "Σ [1, 3] over N, C"),
        ("sum(exp(pred))/10", "sum over N, C, S"),
        (
            "mean[batch](sum[space](mean[class](exp(pred))))",
            "mean over N of mean over C",
        ),
        (
            "mean(exp(pred), where=pred > 0)",
            "mean over N, C, S where pred > 0",
        ),
        (
            "sum(exp(pred)*pred)/sum(exp(pred))",
            "Σ exp(pred) over N, C, S",
        ),
        ("max(exp(pred))", "largest over N, C, S"),
        (
            "ce() on (pred, onehot(target))",
            "Σ sum[C](onehot(target)) over N, S",
        ),
        (
            "sum(exp(pred))/(1 + sum(exp(pred)^2))",
            "divided by 1 + sum[N, C, S](exp(pred)^2), sum over N, C, S",
        ),
    ] {
        let out = given(&["compile", "-"], spec).fine();
        let line = out.lines().skip_while(|line| *line != "terms").nth(1);
        let line = line.expect("a term");
        assert!(line.ends_with(&format!("  {expected}")), "{spec}: {line}");
    }
}

#[test]
fn every_stage() {
    let ast = lossc(&["compile", COMPOSITE, "--emit", "ast"]).fine();
    assert!(ast.starts_with("language 1\n"), "{ast}");
    let typed = lossc(&["compile", COMPOSITE, "--emit", "typed"]).fine();
    assert!(typed.contains("# softmax over C"), "{typed}");
    // Canonical text means the same.
    assert_eq!(
        given(&["compile", "-", "--emit", "typed"], &ast).fine(),
        typed
    );
    let ir = lossc(&["compile", COMPOSITE, "--emit", "ir"]).fine();
    lossc::ir::parse(&ir).expect("it reads back");
    assert!(ir.contains("grad.0 = "), "{ir}");
    let dot = lossc(&["compile", COMPOSITE, "--emit", "dot"]).fine();
    assert!(dot.starts_with("digraph {"), "{dot}");
}

#[test]
fn plans_need_sizes() {
    let plan = ["compile", RETINA, "--emit", "plan"];
    let whole = lossc(&[&plan[..], &["--shape", "pred=5,2,64,64"]].concat()).fine();
    assert!(whole.starts_with("plan: "), "{whole}");
    assert!(
        lossc(&plan)
            .failed(2)
            .contains("no `--shape` tells the size of")
    );
    for shape in [
        "pred=1000000,2,1000000,1000000",
        "pred=18446744073709551615,2,9,9",
    ] {
        let talk = lossc(&[&plan[..], &["--shape", shape]].concat()).failed(2);
        assert!(talk.contains("larger than any memory"), "{talk}");
    }
}

#[test]
fn json() {
    let value = lossc(&[
        "compile",
        COMPOSITE,
        "--emit",
        "json",
        "--shape",
        "pred=5,2,64,64",
    ])
    .json();
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "version",
            "file",
            "modules",
            "inputs",
            "params",
            "dims",
            "ignore",
            "terms",
            "reports",
            "conversions",
            "unused",
            "operations",
            "memory",
            "ir"
        ]
    );
    assert_eq!(value["version"], 1);
    assert_eq!(value["file"], COMPOSITE);
    assert_eq!(
        value["inputs"][3],
        json!({ "name": "epoch", "kind": "scalar", "type": "scalar", "doc": "" })
    );
    assert_eq!(value["inputs"][0]["type"], "logits[N, C, H, W] over C");
    assert_eq!(value["inputs"][0]["doc"], "what the network puts out");
    let one = |at: f64| json!({ "value": at, "closed": true });
    assert_eq!(
        value["params"],
        json!([{
            "name": "alpha", "default": 0.5, "range": { "low": one(0.0), "high": one(1.0) },
            "integer": false, "doc": "share of the region term",
        }])
    );
    assert_eq!(
        value["dims"][1],
        json!({
            "name": "C", "role": "class", "pack": false, "size": [2],
            "fixed": { "why": "because this list has 2 entries", "line": 14 },
        })
    );
    assert_eq!(value["dims"][3]["size"], json!([64]));
    let term = &value["terms"][0];
    assert_eq!(
        (&term["name"], &term["weight"]),
        (&json!("region"), &json!(null))
    );
    assert_eq!(term["weight_formula"], "alpha");
    assert_eq!(term["averages"], json!(["mean over N, C"]));
    assert_eq!(value["reports"][0]["name"], "iou");
    assert_eq!(value["conversions"][0]["how"], "softmax over C");
    assert_eq!(value["conversions"][0]["terms"], json!(["region"]));
    let operations = &value["operations"];
    assert!(operations["value"].as_u64() < operations["value_and_gradient"].as_u64());
    let ir = value["ir"].as_str().expect("text");
    assert_eq!(ir, lossc(&["compile", COMPOSITE, "--emit", "ir"]).fine());
}

#[test]
fn weights_of_all_forms() {
    let spec = "let a = ce()\nterm idle = dice()\nminimize 2*a + dice(smooth=1)*ce(smoothing=0.1)";
    let value = given(&["compile", "-", "--emit", "json"], spec).json();
    let terms = value["terms"].as_array().expect("a list");
    let weight = |i: usize| (&terms[i]["weight"], &terms[i]["weight_formula"]);
    assert_eq!(weight(0), (&json!(2.0), &json!("2")));
    let idle = terms
        .iter()
        .find(|term| term["name"] == "idle")
        .expect("it is there");
    assert_eq!(idle["weight"], 0.0);
    let summary = given(&["compile", "-"], spec).fine();
    assert!(summary.contains("weight 0: not minimized"), "{summary}");
}

#[test]
fn what_is_ignored_is_said() {
    let spec =
        "ignore target == 255 strict\nminimize dice() + wce([0.2, 0.8])\nreport acc = accuracy()";
    let summary = given(&["compile", "-"], spec).fine();
    insta::assert_snapshot!(summary);
    let value = given(&["compile", "-", "--emit", "json"], spec).json();
    let rule = json!({ "condition": "target == 255", "strict": true, "line": 1 });
    assert_eq!(value["ignore"], rule);
    let scores = "ignore max[C](softmax[C](pred)) < 0.4\nminimize ce()";
    let sure =
        "loss sure() on pred: probs = max[class](pred)\nignore sure() < 0.4\nminimize mean(pred)";
    assert!(
        given(&["compile", "-"], scores)
            .fine()
            .contains("max[C](softmax[C](pred)) < 0.4")
    );
    let summary = given(&["compile", "-"], sure).fine();
    assert!(
        summary.contains("logits → probs  softmax over C  for ignore\n"),
        "{summary}"
    );
    let value = given(&["compile", "-", "--emit", "json"], sure).json();
    assert_eq!(value["conversions"][0]["ignore"], true);
    let ast = given(&["compile", "-", "--emit", "ast"], spec).fine();
    assert!(ast.contains("ignore target == 255 strict\n"), "{ast}");
    let typed = given(&["compile", "-", "--emit", "typed"], spec).fine();
    let typed: Vec<&str> = typed
        .lines()
        .filter(|line| line.starts_with("ignore"))
        .collect();
    assert!(
        matches!(typed[..], [line] if line.ends_with(" strict")),
        "{typed:?}"
    );
}

#[test]
fn ignored_positions_cost_no_pass() {
    let passes = |rule: &str| {
        let spec = format!("{rule}minimize 0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.8])");
        let shape = "pred=2,2,64,64";
        let value = given(&["compile", "-", "--emit", "json", "--shape", shape], &spec).json();
        value["memory"]["passes"].as_u64().expect("a number")
    };
    assert_eq!(passes(""), 2);
    assert_eq!(passes("ignore target == 255\n"), 2);
}

#[test]
fn output_files_are_written_whole_or_not_at_all() {
    let folder = Folder::new();
    let out = folder.at("out.json");
    assert_eq!(
        lossc(&["compile", RETINA, "--emit", "json", "-o", &out]).fine(),
        ""
    );
    let written = std::fs::read_to_string(&out).expect("it is there");
    assert_eq!(
        written,
        lossc(&["compile", RETINA, "--emit", "json"]).fine()
    );
    // A spec that fails leaves what was there.
    given(&["compile", "-", "--emit", "json", "-o", &out], "dise()").failed(1);
    assert_eq!(std::fs::read_to_string(&out).expect("it is there"), written);
    given(&["compile", "-", "-o", &folder.at("new")], "dise()").failed(1);
    assert_eq!(folder.list(), ["out.json"]);
    assert!(
        lossc(&["compile", RETINA, "-o", "-"])
            .fine()
            .starts_with(RETINA)
    );
    let talk = lossc(&["compile", RETINA, "-o", &folder.at("no/where")]).failed(2);
    assert!(
        talk.contains("there is no such file") && talk.contains("its directory"),
        "{talk}"
    );
    let talk = lossc(&["compile", RETINA, "-o", "specs"]).failed(2);
    assert!(
        talk.contains("cannot write `specs`: it is a directory"),
        "{talk}"
    );
}

#[test]
#[cfg(unix)]
fn output_files_are_ordinary_files() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let (file, link) = (folder.put("file", "old"), folder.at("link"));
    symlink(&file, &link).expect("a link");
    lossc(&["compile", RETINA, "-o", &link]).fine();
    let kind = std::fs::symlink_metadata(&link)
        .expect("it is there")
        .file_type();
    assert!(
        kind.is_symlink(),
        "the link stays, and what it leads to is written"
    );
    assert!(
        std::fs::read_to_string(&file)
            .expect("text")
            .starts_with(RETINA)
    );
    let new = folder.at("new");
    lossc(&["compile", RETINA, "-o", &new]).fine();
    let mode = |path: &str| {
        std::fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
    };
    assert_eq!(mode(&new) & 0o777, mode(&folder.put("plain", "")) & 0o777);
    assert_eq!(lossc(&["compile", RETINA, "-o", "/dev/null"]).fine(), "");
}

#[test]
fn shapes_are_held_against_the_spec() {
    let wrong = |shapes: &[&str], status: i32| {
        let mut args = vec!["compile", RETINA];
        for shape in shapes {
            args.extend(["--shape", shape]);
        }
        lossc(&args).failed(status)
    };
    let talk = wrong(&["pred=5,3,64,64"], 1);
    assert!(
        talk.contains("error[E0605]: `C` is 2 in the spec and 3 in the tensor `pred`"),
        "{talk}"
    );
    let talk = wrong(&["pred=5,2,64,64", "target=4,64,64"], 1);
    assert!(
        talk.contains("error[E0605]: `N` is 5 in `pred` and 4 in `target`"),
        "{talk}"
    );
    assert!(wrong(&["pred=5"], 1).contains("error[E0603]"));
    assert!(wrong(&["prod=5,2"], 1).contains("a similar name is `pred`"));
    assert!(wrong(&["pred=5,2", "pred=5,2"], 2).contains("given twice"));
    // Sizes that no memory holds are sizes.
    let huge = "target=18446744073709551615,18446744073709551615";
    given(&["compile", "-", "--shape", huge], "ce()").fine();
    let shape = ["--shape", "epoch=3"];
    let talk = lossc(&[&["compile", COMPOSITE][..], &shape].concat()).failed(1);
    assert!(talk.contains("`epoch` is a single number"), "{talk}");
}

#[test]
fn shapes_decide_how_many_axes_a_pack_has() {
    let spec = "task regression\nminimize mse() + 0.1*tv()";
    let assumed = given(&["compile", "-"], spec).fine();
    assert!(
        assumed.contains("...S         taken apart into 2"),
        "{assumed}"
    );
    let shape = ["--shape", "pred=2,8,16,4"];
    let told = given(&[&["compile", "-"][..], &shape].concat(), spec).fine();
    assert!(told.contains("real[N, S1, S2, S3]"), "{told}");
    assert!(told.contains("\n  S2    space  16\n"), "{told}");
    let ir = given(
        &[&["compile", "-", "--emit", "ir"][..], &shape].concat(),
        spec,
    )
    .fine();
    assert!(ir.contains("S3"), "{ir}");
}
