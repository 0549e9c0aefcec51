//! The pages that explain codes: what they call wrong gives the code, what they call right is right.

use lossc::diag::Code;
use lossc::{Compiler, Error};
use std::fs;

/// The specs of a page, and whether each is said to be right.
fn specs(page: &str) -> Vec<(bool, String)> {
    let mut specs = Vec::new();
    let mut right = false;
    let mut block: Option<String> = None;
    for line in page.lines() {
        match (&mut block, line.trim()) {
            (None, "```loss") => block = Some(String::new()),
            (None, text) if text.starts_with("Wrong") => right = false,
            (None, text) if text.starts_with("Right") => right = true,
            (None, _) => {}
            (Some(text), "```") => {
                specs.push((right, std::mem::take(text)));
                block = None;
            }
            (Some(text), _) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    assert!(block.is_none(), "a block does not end");
    specs
}

fn codes(text: &str) -> Vec<Code> {
    match Compiler::new().compile(text) {
        Ok(loss) => loss.warnings().codes(),
        Err(Error::Spec(report) | Error::Inputs(report)) => report.codes(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn pages_show_what_they_say() {
    for &code in Code::ALL {
        let page = code.page();
        assert!(page.lines().count() > 5, "the page of {code:?} is short");
        for (right, text) in specs(page) {
            let found = codes(&text);
            if right {
                assert!(
                    found.is_empty(),
                    "{}: called right, gives {found:?}:\n{text}",
                    code.as_str()
                );
            } else {
                assert!(
                    found.contains(&code),
                    "{}: called wrong, gives {found:?}:\n{text}",
                    code.as_str()
                );
            }
        }
    }
}

#[test]
fn every_code_of_a_spec_has_a_wrong_spec() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ui");
    let entries = |folder: &str| {
        let entries = fs::read_dir(folder).expect("the folder is committed");
        let paths = entries.map(|entry| entry.expect("a readable entry").path());
        paths.collect::<Vec<_>>()
    };
    let mut shown = String::new();
    let several = entries(&format!("{folder}/modules")).into_iter();
    let several = several.map(|folder| folder.join("main.stderr"));
    for path in entries(folder).into_iter().chain(several) {
        if path.extension().is_some_and(|e| e == "stderr") {
            shown += &fs::read_to_string(path).expect("UTF-8");
        }
    }
    shown += include_str!("snapshots/it__run__wrong_bindings_get_their_messages.snap");
    shown += include_str!("snapshots/it__sharded__what_does_not_fit_is_refused.snap");
    shown += include_str!("../cli/test.stderr");
    for &code in Code::ALL {
        // What no text file can show: sizes, bytes that are not text, a failing device.
        let elsewhere = matches!(code, Code::TooLarge | Code::NotText | Code::Execution);
        assert!(
            elsewhere || shown.contains(code.as_str()),
            "no message shows {}",
            code.as_str()
        );
    }
}
