//! The pages that explain the codes: their form, and the specs in them as far as syntax goes.

use super::*;
use crate::diag::Code;
use crate::source::FileId;

/// The fenced blocks of a page with the language after the fence.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fences = page.split("```").skip(1).step_by(2);
    fences.filter_map(|block| block.split_once('\n')).collect()
}

fn syntax_codes(text: &str) -> Vec<Code> {
    let mut diags = Diagnostics::default();
    parse(FileId(0), text, &mut diags);
    diags.into_sorted().iter().map(|d| d.code).collect()
}

#[test]
fn every_page_has_a_wrong_and_a_right_example() {
    for code in Code::ALL {
        let page = code.page();
        let (before, rest) = page.split_once("\n\nWrong:\n\n```").unwrap_or_default();
        assert!(before.len() > 200, "{code:?} has a paragraph");
        assert!(rest.contains("```\n\nRight:\n\n```"), "{code:?}");
        assert_eq!(blocks(page).len(), 2, "{code:?}");
        let bound = code.as_str().starts_with("E05") || code.as_str().starts_with("E06");
        let words = bound || matches!(code, Code::TooLarge | Code::NotText);
        for (language, _) in blocks(page) {
            let expected = match code {
                // What takes several files.
                Code::BadPath | Code::ModuleCycle | Code::NotInModule | Code::TooManyModules => {
                    "text"
                }
                // What only a program does.
                Code::CannotPool | Code::BadShard => "rust",
                _ if words => "sh",
                _ => "loss",
            };
            assert_eq!(language, expected, "{code:?}");
        }
        let long = page
            .lines()
            .filter(|l| l.len() > 100 && !l.contains("(((("))
            .count();
        assert_eq!(long, 0, "{code:?} is wider than a terminal");
    }
}

#[test]
fn the_specs_on_the_pages_parse_unless_syntax_is_the_point() {
    for code in Code::ALL {
        let specs = blocks(code.page());
        let specs: Vec<&str> = specs
            .iter()
            .filter(|b| b.0 == "loss")
            .map(|b| b.1)
            .collect();
        let [wrong, right] = specs.as_slice() else {
            continue;
        };
        assert_eq!(syntax_codes(right), [], "{code:?}");
        let expected: &[Code] = match code {
            Code::Syntax | Code::TooDeep | Code::Empty => &[*code],
            _ => &[],
        };
        assert_eq!(syntax_codes(wrong), expected, "{code:?}");
        // The examples are also examples of how specs look.
        let mut diags = Diagnostics::default();
        let ast = parse(FileId(0), right, &mut diags);
        let printed = ast.map(|ast| print(&ast)).unwrap_or_default();
        let words = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|l| !l.starts_with('#'));
            let words = lines.flat_map(str::split_whitespace);
            words.map(str::to_owned).collect()
        };
        assert_eq!(words(&printed), words(right), "{code:?}");
    }
}
