//! `lossc list`.

use super::lossc;
use lossc::diag::Code;
use lossc::ir::Op;
use lossc::passes;
use serde_json::Value;

fn names(what: &str, flags: &[&str]) -> Vec<String> {
    let text = lossc(&[&["list", what][..], flags].concat()).fine();
    let first = |line: &str| line.split_whitespace().next().expect("a name").to_string();
    text.lines().map(first).collect()
}

fn items(what: &str, flags: &[&str]) -> Vec<Value> {
    let value = lossc(&[&["list", what, "--format", "json"][..], flags].concat()).json();
    assert_eq!(value["version"], 1);
    assert_eq!(value["kind"], what);
    value["items"].as_array().expect("a list").clone()
}

#[test]
fn losses_with_family_and_first_sentence() {
    let text = lossc(&["list", "losses"]).fine();
    let dice = text
        .lines()
        .find(|line| line.starts_with("dice "))
        .expect("dice");
    assert!(
        dice.contains(" overlap ") && dice.contains("Soft Dice loss (Milletari et al. 2016): "),
        "{dice}"
    );
    let all = names("losses", &[]);
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len(), "overloads are one line");
    assert!(all.contains(&"mean_iou".to_string()), "reports are losses");
    assert!(!all.iter().any(|name| name.starts_with('_')));
    let mae = text
        .lines()
        .find(|line| line.starts_with("mae "))
        .expect("mae");
    assert!(mae.contains(" also l1 "), "{mae}");
    assert!(!all.contains(&"l1".to_string()), "one loss is one line");
    let overlap = names("losses", &["--family", "overlap"]);
    assert!(overlap.contains(&"tversky".to_string()) && !overlap.contains(&"ce".to_string()));
    let focal = items("losses", &["--family", "cross_entropy"]);
    let focal = focal
        .iter()
        .find(|item| item["name"] == "focal")
        .expect("focal");
    assert_eq!(
        (&focal["family"], &focal["forms"]),
        (&"cross_entropy".into(), &2.into())
    );
    let about = focal["about"].as_str().expect("text");
    assert!(
        !about.contains("does not enter") && !about.ends_with('.'),
        "{about}"
    );
}

#[test]
fn fields_are_families_and_single_losses() {
    let of = |field: &str| names("losses", &["--family", field]);
    let segmentation = of("segmentation");
    for name in [
        "dice",
        "dice_ce",
        "lovasz_softmax",
        "hausdorff_dt",
        "cldice",
    ] {
        assert!(segmentation.contains(&name.to_string()), "{name}");
    }
    assert!(!segmentation.contains(&"ssim".to_string()));
    for field in [
        "classification",
        "detection",
        "embeddings",
        "distributions",
        "images",
    ] {
        assert!(!of(field).is_empty(), "{field}");
    }
    assert!(of("detection").contains(&"varifocal".to_string()));
    assert!(names("losses", &[]).len() > 100);
}

#[test]
fn families_that_are_not_there() {
    let talk = lossc(&["list", "losses", "--family", "overlaps"]).failed(1);
    assert!(talk.contains("a similar name is `overlap`"), "{talk}");
    let talk = lossc(&["list", "losses", "--family", "segmentations"]).failed(1);
    assert!(talk.contains("a similar name is `segmentation`"), "{talk}");
    let talk = lossc(&["list", "losses", "--family", "quux"]).failed(1);
    assert!(talk.contains("regression"), "{talk}");
    let talk = lossc(&["list", "ops", "--family", "overlap"]).failed(2);
    assert!(talk.contains("ops have no families"), "{talk}");
}

#[test]
fn functions() {
    let all = names("functions", &[]);
    for name in ["sum", "logsumexp", "abs", "clamp", "linear", "square"] {
        assert!(all.contains(&name.to_string()), "{name}");
    }
    assert!(
        !all.contains(&"gate".to_string()),
        "not a function of the language"
    );
    assert_eq!(names("functions", &["--family", "schedules"])[0], "linear");
    assert!(
        items("functions", &[])
            .iter()
            .all(|item| item["usage"].is_string())
    );
}

#[test]
fn ops_are_all_there() {
    let all = names("ops", &[]);
    assert_eq!(all.len(), Op::catalogue().count());
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len());
    // Every operation that a graph of the examples has.
    for entry in std::fs::read_dir("specs/examples").expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "loss") {
            let text = std::fs::read_to_string(&path).expect("a spec");
            let loss = lossc::Loss::compile(&text).expect("it compiles");
            for node in &loss.gradient_graph().nodes {
                assert!(
                    all.contains(&node.op.name().to_string()),
                    "{}",
                    node.op.name()
                );
            }
        }
    }
}

#[test]
fn passes_and_errors() {
    assert_eq!(
        names("passes", &[]),
        passes::ALL.iter().map(|p| p.name).collect::<Vec<_>>()
    );
    let errors = items("errors", &[]);
    assert_eq!(errors.len(), Code::ALL.len());
    assert_eq!(errors[0]["code"], Code::ALL[0].as_str());
    assert_eq!(errors[0]["about"], Code::ALL[0].title());
}

#[test]
fn lints_have_names_and_pages() {
    let listed = names("lints", &[]);
    let known: Vec<&str> = Code::ALL.iter().filter_map(|code| code.lint()).collect();
    assert_eq!(listed, known);
    assert_eq!(items("lints", &[]).len(), known.len());
    let page = lossc(&["explain", "may_be_zero"]).fine();
    assert!(page.contains("W0203"), "{page}");
}
