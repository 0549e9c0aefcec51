//! Wrong specs: every `tests/ui/*.loss` is refused, or warned of, with exactly the message in the
//! file `.stderr` beside it, and so is every `tests/ui/modules/*/main.loss`, which uses the other files of
//! its folder. `BLESS=1 cargo test ui` rewrites the messages; read them.

use lossc::{Compiler, Error, LoadError, Loader};
use std::fs;
use std::path::{Path, PathBuf};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is committed");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    paths.sort();
    paths
}

fn specs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let several = entries(&folder.join("modules")).into_iter();
    let single = entries(&folder).into_iter();
    let single = single.filter(|path| path.extension().is_some_and(|e| e == "loss"));
    single
        .chain(several.map(|folder| folder.join("main.loss")))
        .collect()
}

/// The other files of a spec's folder.
struct Folder(PathBuf);

impl Loader for Folder {
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        fs::read(self.0.join(path)).map_err(|_| LoadError::NotFound)
    }

    fn main(&self) -> &str {
        "main.loss"
    }
}

fn message(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a readable spec");
    let name = path.file_name().expect("a file").to_string_lossy();
    let mut compiler = Compiler::new().name(name);
    if path.ends_with("main.loss") {
        compiler = compiler.loader(Folder(path.with_file_name("")));
    }
    let report = match compiler.compile(&text) {
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
