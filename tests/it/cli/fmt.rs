//! `lossc fmt`.

use super::{Folder, given, lossc};

const LOOSE: &str =
    "# Two terms.\nminimize   dice( smooth = 1e-6 )+ce( )   # both\n\n\n\nreport iou=mean_iou()\n";
const SET: &str =
    "# Two terms.\nminimize dice(smooth=1e-6) + ce()    # both\n\nreport iou = mean_iou()\n";

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("the file is there")
}

#[test]
fn from_stdin_or_a_file_to_stdout() {
    let folder = Folder::new();
    let file = folder.put("a.loss", LOOSE);
    assert_eq!(given(&["fmt"], LOOSE).fine(), SET);
    assert_eq!(given(&["fmt", "-"], LOOSE).fine(), SET);
    assert_eq!(lossc(&["fmt", &file]).fine(), SET);
    assert_eq!(lossc(&["fmt", &file, &file]).fine(), SET.repeat(2));
    assert_eq!(read(&file), LOOSE);
}

#[test]
fn write() {
    let folder = Folder::new();
    let (a, b) = (folder.put("a.loss", LOOSE), folder.put("b.loss", SET));
    let before = std::fs::metadata(&b).and_then(|m| m.modified());
    assert_eq!(lossc(&["fmt", "-w", &a, &b]).fine(), "");
    assert_eq!((read(&a), read(&b)), (SET.to_string(), SET.to_string()));
    // What is in style is not touched.
    let after = std::fs::metadata(&b).and_then(|m| m.modified());
    assert_eq!(before.expect("a time"), after.expect("a time"));
    assert_eq!(folder.list(), ["a.loss", "b.loss"]);
    let talk = given(&["fmt", "-w"], LOOSE).failed(2);
    assert!(talk.contains("stdin cannot be written to"), "{talk}");
    lossc(&["fmt", "-w", "--check", &a]).failed(2);
}

#[test]
fn check_names_the_files_that_are_not_in_style() {
    let folder = Folder::new();
    let (a, b) = (folder.put("a.loss", LOOSE), folder.put("b.loss", SET));
    let ran = lossc(&["fmt", "--check", &a, &b]);
    assert_eq!((ran.status, ran.out), (1, format!("{a}\n")));
    assert_eq!(lossc(&["fmt", "--check", &b]).fine(), "");
    assert_eq!(read(&a), LOOSE);
}

#[test]
fn diff_shows_what_would_change() {
    let folder = Folder::new();
    let (a, b) = (folder.put("a.loss", LOOSE), folder.put("b.loss", SET));
    let patch = format!(
        "--- {a}\n+++ {a}\n@@ -1,6 +1,4 @@\n # Two terms.\n-minimize   dice( smooth = 1e-6 )+ce( )   # both\n+minimize \
         dice(smooth=1e-6) + ce()    # both\n \n-\n-\n-report iou=mean_iou()\n+report iou = mean_iou()\n"
    );
    assert_eq!(lossc(&["fmt", "--diff", &a, &b]).fine(), patch);
    let ran = lossc(&["fmt", "--diff", "--check", &a, &b]);
    assert_eq!((ran.status, ran.out), (1, patch));
}

#[test]
fn a_wrong_spec_is_left_alone() {
    let folder = Folder::new();
    let (a, wrong) = (
        folder.put("a.loss", LOOSE),
        folder.put("wrong.loss", "minimize dice(\n"),
    );
    for flags in [&["-w"][..], &[]] {
        let args = [&["fmt"], flags, &[a.as_str(), &wrong]].concat();
        let talk = lossc(&args).failed(1);
        assert!(talk.contains("error[E0101]"), "{talk}");
        assert!(talk.ends_with("note: 1 of 2 files failed\n"), "{talk}");
    }
    assert_eq!(read(&a), LOOSE);
    assert_eq!(read(&wrong), "minimize dice(\n");
    let none = folder.at("none.loss");
    lossc(&["fmt", &none]).failed(2);
    // A spec need not make sense to be set in lines.
    assert_eq!(given(&["fmt"], "foo( bar )").fine(), "foo(bar)\n");
}
