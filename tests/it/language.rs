//! Every example in `docs/language.md` and `docs/modules.md` is what the page says: right, or wrong with the code
//! behind its fence.

use lossc::{Backend, Compiler, Error};

const PAGE: &str = include_str!("../../docs/language.md");
const MODULES: &str = include_str!("../../docs/modules.md");

/// The examples: the code that a wrong one gives, where it stands, and its text.
fn examples() -> Vec<(Option<&'static str>, usize, String)> {
    [PAGE, MODULES].into_iter().flat_map(of_page).collect()
}

fn of_page(page: &'static str) -> Vec<(Option<&'static str>, usize, String)> {
    let mut examples = Vec::new();
    let mut open: Option<(Option<&str>, usize, String)> = None;
    for (line, text) in page.lines().enumerate() {
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(fence)) if fence.starts_with("loss") => {
                let code = fence["loss".len()..].trim();
                let code = (!code.is_empty()).then_some(code);
                open = Some((code, line + 1, String::new()));
            }
            (None, Some(fence)) => panic!("line {}: an example in `{fence}`", line + 1),
            (Some(_), Some(_)) => examples.extend(open.take()),
            (Some((.., example)), None) => {
                example.push_str(text);
                example.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last example does not end");
    examples
}

#[test]
fn examples_are_what_the_page_says() {
    let examples = examples();
    assert!(examples.len() > 15, "{}", examples.len());
    for (code, line, text) in examples {
        let found = match Compiler::new().compile(&text) {
            Ok(loss) => loss.warnings().codes(),
            Err(Error::Spec(report) | Error::Inputs(report)) => report.codes(),
            Err(other) => panic!("{other}"),
        };
        let found: Vec<&str> = found.iter().map(|code| code.as_str()).collect();
        assert_eq!(
            found,
            code.into_iter().collect::<Vec<_>>(),
            "line {line}:\n{text}"
        );
    }
}

#[test]
fn examples_are_in_style() {
    for (code, line, text) in examples() {
        if code.is_none() {
            let styled = Compiler::new().format(&text).expect("a right spec");
            assert_eq!(styled, text, "line {line}");
        }
    }
}

#[test]
fn tests_in_examples_hold() {
    let mut count = 0;
    for (_, line, text) in examples() {
        if text.contains("\ntest ") {
            for outcome in Compiler::new()
                .test(&text, Backend::ALL)
                .expect("a right spec")
            {
                assert!(outcome.failures.is_empty(), "line {line}: {outcome:?}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 2);
}

/// Links within the page lead to its headings.
#[test]
fn links_lead_somewhere() {
    let headings: Vec<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| title.to_lowercase().replace(' ', "-"))
        .collect();
    for part in PAGE.split("](#").skip(1) {
        let target = part.split(')').next().expect("a link ends");
        assert!(headings.iter().any(|h| h == target), "#{target}");
    }
}
