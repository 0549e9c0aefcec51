//! Wrong specs: every `tests/ui/*.loss` is refused, or warned of, with exactly the message in the
//! file `.stderr` beside it, and so is every `tests/ui/modules/*/main.loss`, which uses the other files of
//! its folder. What is wrong with the tests of `tests/ui/tests/*.loss` when they are run, which is also what is
//! wrong with tensors that do not fit, is beside them likewise. `BLESS=1 cargo test ui` rewrites the messages; read them.

use lossc::library;
use lossc::{Backend, Compiler, Error, LoadError, Loader, Report};
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

fn report(path: &Path) -> Report {
    let text = fs::read_to_string(path).expect("a readable spec");
    let name = path.file_name().expect("a file").to_string_lossy();
    let mut compiler = Compiler::new().name(name);
    if path.ends_with("main.loss") {
        compiler = compiler.loader(Folder(path.with_file_name("")));
    }
    match compiler.compile(&text) {
        Ok(loss) => loss.warnings().clone(),
        Err(Error::Spec(report) | Error::Inputs(report)) => report,
        Err(other) => panic!("{other}"),
    }
}

fn message(path: &Path) -> String {
    format!("{}\n", report(path))
}

#[test]
fn every_wrong_spec_gets_its_message() {
    let specs = specs();
    assert!(specs.len() >= 150);
    hold(specs, message);
}

#[test]
fn every_wrong_test_gets_its_message() {
    let specs = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/tests"));
    let specs: Vec<PathBuf> = specs
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "loss"))
        .collect();
    assert!(specs.len() >= 8);
    hold(specs, |path| {
        let text = fs::read_to_string(path).expect("a readable spec");
        let name = path.file_name().expect("a file").to_string_lossy();
        let tests = Compiler::new().name(name).test(&text, Backend::ALL);
        let failures = tests.expect("a spec").into_iter().flat_map(|t| t.failures);
        let failures: Vec<String> = failures.map(|failure| format!("{failure}\n")).collect();
        failures.join("\n")
    });
}

/// Compares the message of each spec with the file beside it.
fn hold(specs: Vec<PathBuf>, message: impl Fn(&Path) -> String) {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in &specs {
        let found = message(path);
        let kept = path.with_extension("stderr");
        if bless {
            fs::write(&kept, &found).expect("a writable message");
        } else if fs::read_to_string(&kept).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
        if found.trim().is_empty() {
            wrong.push(format!("{} is fine", path.display()));
        }
    }
    assert!(wrong.is_empty(), "messages differ:\n{}", wrong.join("\n"));
}

#[test]
fn messages_point_into_the_users_file() {
    for path in &specs() {
        for diagnostic in &report(path).diagnostics {
            let primary = diagnostic.primary.as_ref();
            let primary = primary.unwrap_or_else(|| panic!("{} has no place", path.display()));
            assert!(!library::holds(primary.span.file), "{}", path.display());
        }
    }
}

/// Where every mistake has a certain fix, the fixes together make the spec right.
#[test]
fn certain_fixes_mend() {
    let mut mended = 0;
    let mut wrong = Vec::new();
    // A fix may lie in another file of a spec that has several.
    let single = |path: &&PathBuf| !path.ends_with("main.loss");
    for path in specs().iter().filter(single) {
        let mut text = fs::read_to_string(path).expect("a readable spec");
        let mut report = report(path);
        // A line that holds several mistakes of the same sort shows the first of them.
        for round in 0..4 {
            let Some(fixed) = fixed(&text, &report) else {
                assert!(
                    round == 0,
                    "{}: not mended\n{text}\n{report}",
                    path.display()
                );
                break;
            };
            text = fixed;
            report = match Compiler::new().compile(&text) {
                Ok(_) => {
                    mended += 1;
                    break;
                }
                Err(Error::Spec(report)) => report,
                Err(other) => panic!("{other}"),
            };
            if round == 3 {
                wrong.push(format!("{}:\n{text}\n{report}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "still wrong:\n{}", wrong.join("\n\n"));
    assert!(mended > 40, "{mended}");
}

/// The text with the certain fix of every mistake; `None` if one has none, or nothing is wrong.
fn fixed(text: &str, report: &Report) -> Option<String> {
    let mut edits = Vec::new();
    for diagnostic in &report.diagnostics {
        let fix = diagnostic.fixes.iter().find(|fix| fix.certain)?;
        edits.push((fix.span.range(), fix.replacement.as_str()));
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_string();
    for (range, replacement) in edits {
        text.replace_range(range, replacement);
    }
    Some(text)
}
