//! The shape of the source tree: who may name whom, how long a file may be, what a file says first.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may name whom. A layer sees itself, what is listed, and nothing else of the crate.
/// The same table stands in ARCHITECTURE.md.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("arena", &[]),
    ("stdlib", &[]),
    ("diag", &["source"]),
    ("ast", &["source", "diag"]),
    ("ir", &["source", "arena"]),
    ("signature", &["source", "diag", "ir"]),
    (
        "hir",
        &["source", "arena", "diag", "ast", "ir", "signature"],
    ),
    ("lint", &["source", "diag", "ast", "hir", "ir"]),
    ("lower", &["hir", "ir", "signature"]),
    ("passes", &["source", "ir", "run"]),
    ("plan", &["source", "arena", "ir"]),
    ("shard", &["source", "ir"]),
    (
        "run",
        &["source", "arena", "diag", "ir", "signature", "plan"],
    ),
    ("library", &["source", "diag", "ast", "stdlib"]),
    ("module", &["source", "diag", "ast", "hir", "library"]),
    ("error", &["source", "diag"]),
    (
        "testing",
        &[
            "source",
            "diag",
            "ast",
            "hir",
            "ir",
            "signature",
            "library",
            "run",
            "error",
            "loss",
        ],
    ),
];

/// The files that may see a crate that only one layer should see.
const OUTSIDE: &[(&str, &[&str])] = &[
    (
        "candle_core",
        &[
            "src/run/",
            "src/loss.rs",
            "src/loss/",
            "src/testing/",
            "src/error.rs",
            "src/lib.rs",
            "src/bin/",
        ],
    ),
    ("pest", &["src/ast/", "src/ir/text.rs"]),
    ("clap", &["src/bin/"]),
    ("annotate_snippets", &["src/diag/"]),
    ("tiny_skia", &["src/bin/lossc/plot/"]),
    ("ttf_parser", &["src/bin/lossc/plot/"]),
];

const LONGEST: usize = 800;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder that end in `.rs`, with their path from the root and their text.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, list: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                walk(&path, list);
            } else if path.extension().is_some_and(|e| e == "rs") {
                list.push(path);
            }
        }
    }
    let mut list = Vec::new();
    walk(&root().join(folder), &mut list);
    list.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root");
        let name = name.to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(&path).expect("UTF-8"))
    };
    list.into_iter().map(read).collect()
}

#[test]
fn layers_point_one_way() {
    let mut wrong = Vec::new();
    for (file, text) in files("src") {
        let layer = file
            .trim_start_matches("src/")
            .split('/')
            .next()
            .unwrap_or("");
        let layer = layer.trim_end_matches(".rs");
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            assert!(
                ["lib", "loss", "bin"].contains(&layer),
                "`{layer}` is in no layer"
            );
            continue;
        };
        // Unit tests may look further: they compare a layer with what stands above it.
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for found in code.split("crate::").skip(1) {
                let name: String = found
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let known = LAYERS.iter().any(|(layer, _)| *layer == name) || name == "loss";
                if known && name != layer && !allowed.contains(&name.as_str()) {
                    wrong.push(format!(
                        "{file}:{}: `{layer}` must not know about `{name}`",
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_one_layer_sees_each_foreign_crate() {
    let mut wrong = Vec::new();
    for (file, text) in files("src") {
        for (name, places) in OUTSIDE {
            let used = text.lines().any(|line| {
                let code = line.split("//").next().unwrap_or("");
                code.contains(&format!("{name}::")) || code.contains(&format!("use {name}"))
            });
            if used && !places.iter().any(|place| file.starts_with(place)) {
                wrong.push(format!("{file} must not know about `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for (file, text) in files(folder) {
            let lines = text.lines().count();
            if lines > LONGEST {
                wrong.push(format!("{file} has {lines} lines"));
            }
            if !text.starts_with("//!") {
                wrong.push(format!(
                    "{file} does not begin with a line that says what it is"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_library_neither_prints_nor_reads_files() {
    let forbidden = [
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "std::fs",
        "std::env",
        "dbg!",
    ];
    let mut wrong = Vec::new();
    for (file, text) in files("src") {
        if file.starts_with("src/bin/") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for word in forbidden.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{file}:{}: `{word}`", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_place_of_one_machine_and_nothing_unfinished() {
    let unfinished = [
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    for folder in ["src", "tests", "examples", "benches"] {
        for (file, text) in files(folder) {
            for word in unfinished {
                assert!(!text.contains(word), "{file} has `{word}`");
            }
        }
    }
}

#[test]
fn the_layers_are_those_of_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the file is committed");
    for (layer, allowed) in LAYERS {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{layer}` |")));
        let row = row.unwrap_or_else(|| panic!("`{layer}` is not in ARCHITECTURE.md"));
        let told: Vec<&str> = row
            .split('|')
            .nth(2)
            .unwrap_or("")
            .split_whitespace()
            .collect();
        let told: Vec<&str> = told.into_iter().filter(|w| *w != "–").collect();
        assert_eq!(told, *allowed, "ARCHITECTURE.md on `{layer}`");
    }
}
