//! The tests that stand in the specs that are shipped: all hold, on every back end.

use lossc::{Backend, Compiler};
use std::path::{Path, PathBuf};

fn specs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            specs(&path, found);
        } else if path.extension().is_some_and(|e| e == "loss") {
            found.push(path);
        }
    }
}

#[test]
fn all_hold() {
    let mut found = Vec::new();
    specs(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("specs"),
        &mut found,
    );
    found.sort();
    let (mut count, mut wrong) = (0, String::new());
    for path in found {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let compiler = Compiler::new().name(path.display().to_string());
        for test in compiler.test(&text, Backend::ALL).expect("a spec") {
            count += 1;
            for failure in test.failures {
                wrong += &format!("{failure}\n\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 30, "only {count} tests");
}
