//! The specs that are shipped: their tests hold on every back end, and they are in style.

use lossc::ast::{Expr, ExprKind, ItemKind};
use lossc::diag::{Code, Diagnostics};
use lossc::testing::Tested;
use lossc::{Backend, Compiler};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Every spec, with its name and its text.
fn shipped() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    specs(&root.join("specs"), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let name = path.strip_prefix(root).expect("below the root");
        (name.display().to_string(), text)
    };
    found.into_iter().map(read).collect()
}

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
fn all_tests_hold() {
    let (mut count, mut wrong) = (0, String::new());
    for (name, text) in shipped() {
        let compiler = Compiler::new().name(name);
        for test in compiler.test(&text, Backend::ALL).expect("a spec") {
            count += 1;
            for failure in test.failures {
                wrong += &format!("{failure}\n\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 20, "only {count} tests");
}

/// The file of the library that is given is what is tested, and not the one that the compiler was built with.
#[test]
fn an_edited_file_of_the_library_is_tested() {
    let path = "specs/std/overlap.loss";
    let text = include_str!("../../specs/std/overlap.loss");
    let failing = |path: &str, text: &str| -> Vec<(String, Vec<Code>)> {
        let tests = Compiler::new().name(path).test(text, &[Backend::Reference]);
        let tests = tests.expect("a spec").into_iter();
        let codes = |t: &Tested| t.failures.iter().flat_map(|f| f.codes()).collect();
        let failing = tests.filter(|t| !t.failures.is_empty());
        failing.map(|t| (t.name.clone(), codes(&t))).collect()
    };
    // A remark changes nothing, wherever the checkout lies.
    assert_eq!(failing(path, &format!("# Edited.\n{text}")), []);
    assert_eq!(
        failing(&format!("../lossc/{path}"), &format!("{text}\n# Edited.")),
        []
    );
    // Another formula is seen where it is called, in the file itself and in the rest of the library.
    let mass = "let mass = if squared";
    let at = text.find(mass).expect("the Dice index");
    let (before, behind) = (&text[..at], &text[at + mass.len()..]);
    let test = "test \"in compound.loss\" {\n  pred = [[[0], [0]]]\n  target = [[0]]\n  \
                expect dice_ce() - ce() ≈ 1 - 0.4/2 within 1e-4\n}\n";
    let other = format!("{before}let mass = 1 + if squared{behind}\n{test}");
    let found = failing(path, &other);
    assert!(
        found
            .iter()
            .any(|(name, _)| name.starts_with("two positions"))
    );
    for (name, codes) in found {
        assert!(
            codes.iter().all(|code| *code == Code::Expectation),
            "{name}: {codes:?}"
        );
        assert_ne!(name, "in compound.loss");
    }
    // A loss may be added, and call what the files of the library keep to themselves.
    let added = "loss twice() on pred: probs, target: probs = 2*_reduced(dice())\n\
                 test \"twice\" {\n  pred = [[[0], [0]]]\n  target = [[0]]\n  \
                 expect twice() - 2*dice() ≈ 0\n}\n";
    assert_eq!(failing(path, &format!("{text}\n{added}")), []);
    // One that is gone is gone.
    let gone = text.replace("loss log_dice(", "loss log_of_dice(");
    let found = failing(path, &gone);
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|(_, codes)| codes == &[Code::UnknownName]),
        "{found:?}"
    );
    // A file of one's own is one's own, whatever it is called.
    let found = failing("overlap.loss", added);
    assert_eq!(found, [("twice".to_string(), vec![Code::Private])]);
}

/// Every definition of the standard library that users can call has a test that calls it where it
/// stands; one with several names, by any of them.
#[test]
fn every_definition_has_a_test() {
    let mut without = Vec::new();
    for (name, text) in shipped() {
        if !name.starts_with("specs/std/") {
            continue;
        }
        let file = lossc::library::USER;
        let ast = lossc::ast::parse(file, &text, &mut Diagnostics::default()).expect("a spec");
        let mut called = HashSet::new();
        for item in &ast.items {
            if let ItemKind::Test(test) = &item.kind {
                for expr in test.statements.iter().flat_map(|s| s.kind.exprs()) {
                    calls(expr, &mut called);
                }
            }
        }
        for definition in ast.items.iter().filter_map(|item| item.definition()) {
            let mut names = definition.names().map(|name| name.text.as_str());
            if !definition.name.text.starts_with('_') && !names.any(|name| called.contains(name)) {
                without.push(format!("{name}: {}", definition.name.text));
            }
        }
    }
    assert!(without.is_empty(), "no test calls\n{}", without.join("\n"));
}

/// Definitions of one name are told apart by the kinds of their operands, and each has a test: with another body
/// a test of its file fails.
#[test]
fn every_overload_has_a_test() {
    let mut without = Vec::new();
    for (path, text) in shipped() {
        if !path.starts_with("specs/std/") {
            continue;
        }
        let file = lossc::library::USER;
        let ast = lossc::ast::parse(file, &text, &mut Diagnostics::default()).expect("a spec");
        let definitions = ast.items.iter().filter_map(|item| item.definition());
        for definition in definitions.clone() {
            let name = &definition.name.text;
            let overloads = definitions.clone().filter(|d| d.answers_to(name)).count();
            if name.starts_with('_') || overloads < 2 {
                continue;
            }
            let mut other = text.clone();
            other.replace_range(definition.body.value.span.range(), "123456.5");
            let tests = Compiler::new()
                .name(&path)
                .test(&other, &[Backend::Reference]);
            if tests.expect("a spec").iter().all(|t| t.failures.is_empty()) {
                let line = 1 + text[..definition.head.range().start].matches('\n').count();
                without.push(format!("{path}:{line}: {name}"));
            }
        }
    }
    assert!(without.is_empty(), "no test calls\n{}", without.join("\n"));
}

/// The library is read without its tests, which changes nothing else.
#[test]
fn tests_may_stay_unread() {
    for (name, text) in shipped() {
        let file = lossc::library::USER;
        let mut diags = Diagnostics::default();
        let mut all = lossc::ast::parse(file, &text, &mut diags).expect("a spec");
        all.items
            .retain(|item| !matches!(item.kind, ItemKind::Test(_)));
        let read = lossc::ast::parse_without_tests(file, &text, &mut diags);
        assert_eq!(read.as_ref(), Some(&all), "{name}");
    }
    // A remark above a test is not that of what follows.
    let text = "## Of the test.\ntest \"a\" { expect 1 ≈ 1 }\nfn f(x: real) = x\n";
    let read =
        lossc::ast::parse_without_tests(lossc::library::USER, text, &mut Diagnostics::default());
    let items = read.expect("a spec").items;
    assert_eq!((items.len(), items[0].doc.as_deref()), (1, None));
}

fn calls<'a>(expr: &'a Expr, called: &mut HashSet<&'a str>) {
    if let ExprKind::Call { callee, .. } = &expr.kind {
        called.insert(&callee.text);
    }
    for part in expr.parts() {
        calls(part, called);
    }
}

#[test]
fn all_are_in_style() {
    for (name, text) in shipped() {
        let formatted = Compiler::new().name(&name).format(&text).expect("a spec");
        assert!(formatted == text, "`lossc fmt -w {name}` sets it");
    }
}
