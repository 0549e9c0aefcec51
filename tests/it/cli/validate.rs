//! `lossc validate`.

use super::{Folder, given, lossc};
use serde_json::json;

const FINE: &str = "dice() + ce()";
const WRONG: &str = "dise() + ce(weight=[1, 2], smoothing=2)";
const SUSPICIOUS: &str = "let unused = 1\ndice()";

#[test]
fn silent_on_success() {
    let folder = Folder::new();
    let (a, b) = (folder.put("a.loss", FINE), folder.put("b.loss", FINE));
    for command in ["validate", "check"] {
        let ran = lossc(&[command, &a, &b]);
        assert_eq!(
            (ran.status, ran.out.as_str(), ran.err.as_str()),
            (0, "", "")
        );
    }
}

#[test]
fn all_errors_of_all_files() {
    let folder = Folder::new();
    let fine = folder.put("fine.loss", FINE);
    let (a, b) = (folder.put("a.loss", WRONG), folder.put("b.loss", WRONG));
    let talk = lossc(&["validate", &a, &fine, &b]).failed(1);
    for place in ["a.loss:1:1", "a.loss:1:38", "b.loss:1:1", "b.loss:1:38"] {
        assert!(talk.contains(place), "{place}:\n{talk}");
    }
    assert!(
        talk.contains("a similar name is `dice`") || talk.contains("dice()"),
        "{talk}"
    );
    assert!(talk.ends_with("note: 2 of 3 files failed\n"), "{talk}");
}

#[test]
fn warnings_are_shown_and_pass() {
    let folder = Folder::new();
    let file = folder.put("a.loss", SUSPICIOUS);
    let ran = lossc(&["validate", &file]);
    assert_eq!((ran.status, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("warning[W0202 unused]"), "{}", ran.err);
}

#[test]
fn denied_warnings_are_errors() {
    let folder = Folder::new();
    let file = folder.put("a.loss", SUSPICIOUS);
    for deny in ["warnings", "unused"] {
        let ran = lossc(&["validate", "--deny", deny, &file]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{deny}");
        assert!(ran.err.contains("error[W0202 unused]"), "{}", ran.err);
    }
    assert_eq!(
        lossc(&["validate", "--deny", "equal_terms", &file]).status,
        0
    );
    let ran = lossc(&["validate", "--deny", "unusd", &file]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("there is no lint `unusd`") && ran.err.contains("`unused`"));
    let json = lossc(&["validate", "--format", "json", &file]).json();
    assert_eq!(json["diagnostics"][0]["lint"], "unused");
}

#[test]
fn what_cannot_be_read_is_2_and_the_rest_is_checked() {
    let folder = Folder::new();
    let (none, wrong) = (folder.at("none.loss"), folder.put("wrong.loss", WRONG));
    let talk = lossc(&["validate", &none, &wrong]).failed(2);
    assert!(talk.contains("none.loss`: there is no such file"), "{talk}");
    assert!(talk.contains("wrong.loss:1:1"), "{talk}");
    let talk = lossc(&["validate", "specs"]).failed(2);
    assert!(
        talk.contains("cannot read `specs`: it is a directory"),
        "{talk}"
    );
}

#[test]
fn files_that_are_no_specs() {
    let folder = Folder::new();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("binary.loss", vec![0x64, 0xff, 0xfe, 0x00], "E0104"),
        ("empty.loss", Vec::new(), "E0105"),
        ("large.loss", vec![b' '; (1 << 20) + 5], "E0102"),
        ("deep.loss", vec![b'('; 200_000], "E01"),
    ];
    for (name, bytes, code) in cases {
        let file = folder.put(name, bytes);
        let talk = lossc(&["validate", &file]).failed(1);
        assert!(talk.contains(&format!("error[{code}")), "{name}:\n{talk}");
    }
}

#[test]
fn json() {
    let folder = Folder::new();
    let none = folder.at("none.loss");
    let fine = folder.put("fine.loss", FINE);
    let odd = folder.put("odd.loss", SUSPICIOUS);
    let wrong = folder.put("wrong.loss", WRONG);
    let ran = lossc(&["validate", &fine, &odd, &wrong, &none, "--format", "json"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.starts_with("error: cannot read"), "{}", ran.err);
    let value: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(value["version"], 1);
    assert_eq!(
        value["files"],
        json!([
            { "file": fine, "state": "fine" },
            { "file": odd, "state": "warnings" },
            { "file": wrong, "state": "errors" },
            { "file": none, "state": "unreadable" },
        ])
    );
    let list = value["diagnostics"].as_array().expect("a list");
    assert_eq!(list[0]["severity"], "warning");
    assert_eq!(list[0]["file"], odd);
    assert_eq!(list[1]["code"], "E0201");
    assert_eq!(list[1]["file"], wrong);
    assert_eq!(
        (&list[1]["line"], &list[1]["column"]),
        (&json!(1), &json!(1))
    );
    for key in [
        "title", "message", "start", "end", "label", "labels", "notes", "help", "fixes",
    ] {
        assert!(list[1].get(key).is_some(), "{key}");
    }
    let value = lossc(&["validate", &fine, "--format", "json"]).json();
    assert_eq!(value["diagnostics"], json!([]));
    let ran = given(&["validate", "-", "--format", "json"], WRONG);
    let value: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(value["files"][0]["file"], "<stdin>");
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
}
