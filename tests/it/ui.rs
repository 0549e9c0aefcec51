//! Wrong specs: every `tests/ui/*.loss` is refused, or warned of, with exactly the message in the
//! file `.stderr` beside it. `BLESS=1 cargo test ui` rewrites the messages; read them.

use lossc::{Compiler, Error};
use std::fs;
use std::path::{Path, PathBuf};

fn specs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is committed")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "loss"))
        .collect();
    files.sort();
    files
}

fn message(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a readable spec");
    let name = path.file_name().expect("a file").to_string_lossy();
    let report = match Compiler::new().name(name).compile(&text) {
        Ok(loss) => loss.warnings().clone(),
        Err(Error::Spec(report) | Error::Inputs(report)) => report,
        Err(other) => panic!("{other}"),
    };
    format!("{report}\n")
}

#[test]
fn every_wrong_spec_gets_its_message() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let specs = specs();
    for path in &specs {
        let found = message(path);
        let kept = path.with_extension("stderr");
        if bless {
            fs::write(&kept, &found).expect("a writable message");
        } else if fs::read_to_string(&kept).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
        assert!(!found.trim().is_empty(), "{} is fine", path.display());
    }
    assert!(wrong.is_empty(), "messages differ:\n{}", wrong.join("\n"));
    assert!(specs.len() > 20);
}
