//! Lints: silent on every spec that is shipped, silenced by a comment, and loud where they should
//! be, which `tests/ui/lint_*.loss` shows.

use lossc::diag::Code;
use lossc::{Compiler, Error, library};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

/// The warnings of a spec, as they are shown; `None` if it has errors.
fn warnings(text: &str) -> Option<String> {
    match Compiler::new().compile(text) {
        Ok(loss) => Some(loss.warnings().to_string()),
        Err(Error::Spec(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

fn lints(text: &str) -> Vec<Option<&'static str>> {
    let loss = Compiler::new().compile(text).expect("a right spec");
    let codes = loss.warnings().codes();
    codes.into_iter().map(Code::lint).collect()
}

#[test]
fn examples_are_free_of_warnings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/examples");
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("the folder is committed") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_some_and(|e| e == "loss") {
            let text = fs::read_to_string(&path).expect("a readable spec");
            assert_eq!(warnings(&text).as_deref(), Some(""), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 5);
}

/// Modules are lint-free where their losses are called, which is where lints look at them.
#[test]
fn modules_are_free_of_warnings() {
    let mut called = 0;
    for (file, text, ast) in library::embedded_modules() {
        let module = file.trim_start_matches("compat/").trim_end_matches(".loss");
        for definition in ast.items.iter().filter_map(|item| item.definition()) {
            let name = &definition.name.text;
            for task in ["multiclass", "multilabel", "binary", "regression"] {
                // As the user's own text, and as a module.
                for spec in [
                    format!("{text}\ntask {task}\nminimize {name}() + 2*mean(pred)\n"),
                    format!(
                        "use {module}\ntask {task}\nminimize {module}.{name}() + 2*mean(pred)\n"
                    ),
                ] {
                    if let Some(found) = warnings(&spec) {
                        called += 1;
                        assert_eq!(found, "", "{module}.{name} of {task}");
                    }
                }
            }
        }
    }
    assert!(called > 100, "{called}");
}

#[test]
fn the_library_is_free_of_warnings() {
    // As the user's own text, since lints look at nothing else.
    let mut called = 0;
    let hidden = library::modules().flat_map(|(file, text, ast)| {
        let items = ast.items.iter();
        let hidden = items.filter(|i| i.definition().is_some_and(|d| d.name.text.starts_with('_')));
        hidden.map(move |item| (file, &text[item.span.range()]))
    });
    let hidden: Vec<(&str, &str)> = hidden.collect();
    for (file, text, _) in library::modules() {
        // Files of the library call each other's private names, which no file of a user can.
        let others = hidden.iter().filter(|(of, _)| *of != file);
        let others: Vec<&str> = others.map(|(_, text)| *text).collect();
        let text = format!("{text}\n{}", others.join("\n"));
        let own = format!("{}\nminimize ce()\n", text);
        assert_eq!(warnings(&own).as_deref(), Some(""), "{}", file);
        let names = text.lines().filter_map(|line| {
            let name = line.strip_prefix("loss ")?;
            name.split('(').next()
        });
        for name in names {
            for task in ["multiclass", "multilabel", "binary", "regression"] {
                let own = format!("{}\ntask {task}\nminimize {name}() + 2*mean(pred)\n", text);
                let Some(found) = warnings(&own) else {
                    continue;
                };
                called += 1;
                // An accuracy is no loss, and is told of.
                if file != "std/reports.loss" {
                    assert_eq!(found, "", "{name} of {task}");
                }
            }
        }
    }
    assert!(called > 30, "{called}");
}

#[test]
fn allow_silences_one_lint_in_one_item() {
    let idle = "let beta = 2\nminimize dice()\n";
    assert_eq!(lints(idle), [Some("unused")]);
    let silent: [&str; 0] = [];
    for text in [
        "# allow(unused)\nlet beta = 2\nminimize dice()\n",
        "let beta = 2 # allow(unused)\nminimize dice()\n",
        "let beta = # allow(unused): kept for later\n  2\nminimize dice()\n",
        "minimize dice()\n# allow(unused)\n\n## What it is.\nlet beta = 2\n",
        "# allow(unused, equal_terms)\nminimize dice() + dice()\nlet beta = 2 # allow(unused)\n",
    ] {
        let found = lints(text);
        let found: Vec<&str> = found.into_iter().flatten().collect();
        // The `unused` of the last spec's first comment has nothing to silence.
        let expected: &[&str] = if text.contains("equal") {
            &["useless_allow"]
        } else {
            &silent
        };
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(
        lints("# allow(equal_terms)\nlet beta = 2\nminimize dice()\n"),
        [Some("useless_allow"), Some("unused")]
    );
}

#[test]
fn guards_and_small_numbers_are_seen() {
    let head = "input x: real[N, H]\ninput m: mask[N, H]\ninput p: probs[N, H]\nparam eps: real >= 0 = 1e-6\n";
    for fine in [
        "mean(sum[H](m*x)/(sum[H](m) + 1e-6))",
        "mean(sum[H](m*x)/(sum[H](m) + eps))",
        "mean(sum[H](m*x)/max(sum[H](m), 1))",
        "mean(if sum[H](m) > 0 then sum[H](m*x)/sum[H](m) else 0)",
        "mean(where(p > 0, log(p + 0*x), 0))",
        "mean(log(clamp(p, 1e-7, 1)) + x)",
        "mean(mean[H](x, where=m > 0))",
        "mean(x/size[H])",
        "mean(weighted_mean[H](x, m))",
        "mean(x/(1 + m))",
        "mean(log(x))",
        "sqrt(mean(x^2)) + sqrt(sum((x*m)^2))",
        "mean(x/abs(x))",
        "mean(log(1 + relu(x)))",
        "mean(m*x)/mean(2 - p)",
    ] {
        let text = format!("{head}let _used = eps*mean(p)*mean(m)*mean(x)\nminimize {fine}\n");
        assert!(
            !lints(&text).contains(&Some("may_be_zero")),
            "{fine} is fine: {:?}",
            warnings(&text)
        );
    }
    for wrong in [
        "mean(sum[H](m*x)/sum[H](m))",
        "mean(x/m)",
        "mean(x/(1 - m))",
        "mean(x/relu(x))",
        "mean(x/count(m > 0))",
        "mean(log(mean[H](m)) + x)",
        "mean(x*(m*p)^-0.5)",
        "mean(x/max(x, 0))",
        "mean(x/index[H])",
    ] {
        let text = format!("{head}let _used = eps*mean(p)*mean(m)*mean(x)\nminimize {wrong}\n");
        assert!(
            lints(&text).contains(&Some("may_be_zero")),
            "{wrong} is not warned of"
        );
    }
}

proptest! {
    /// Whatever stands in a comment, a spec stays right, and is at most warned of.
    #[test]
    fn comments_never_break_a_spec(comment in "[ -~]{0,30}") {
        let text = format!("minimize dice() # allow({comment}\n# {comment}\n");
        prop_assert!(warnings(&text).is_some());
    }
}
