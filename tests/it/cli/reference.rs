//! `lossc reference`: what is committed under `docs/reference` is what it writes.

use super::lossc;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The texts of all files below a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("a readable entry").path();
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let below = self::files(&path).into_iter();
            files.extend(below.map(|(file, text)| (format!("{name}/{file}"), text)));
        } else {
            files.insert(name, fs::read_to_string(&path).expect("UTF-8"));
        }
    }
    files
}

#[test]
fn the_reference_is_current() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("reference");
    let text = lossc(&["reference", made.to_str().expect("UTF-8")]).fine();
    assert_eq!(text, "");
    let (made, kept) = (files(&made), files(Path::new("docs/reference")));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&made),
        names(&kept),
        "run `cargo run -- reference docs/reference`"
    );
    for (name, text) in &made {
        assert!(
            kept[name] == *text,
            "docs/reference/{name} is not current: run `cargo run -- reference docs/reference`"
        );
    }
}

#[test]
fn every_link_leads_somewhere() {
    let kept = files(Path::new("docs/reference"));
    let mut count = 0;
    for (name, text) in kept.iter().filter(|(name, _)| name.ends_with(".md")) {
        for (at, _) in text.match_indices("](") {
            let target = &text[at + 2..];
            let target = target.split(')').next().expect("an end");
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = Path::new("docs/reference").join(file);
            assert!(path.exists(), "{name}: {target}");
            if !anchor.is_empty() {
                let heads = kept[file]
                    .lines()
                    .filter_map(|line| line.strip_prefix("## `"));
                let mut heads = heads.map(|line| line.trim_end_matches('`').replace('.', ""));
                assert!(heads.any(|head| head == anchor), "{name}: {target}");
            }
            count += 1;
        }
    }
    assert!(count > 300, "{count} links");
}
