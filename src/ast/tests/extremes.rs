//! Inputs that are too large, too deep or too many: each is refused with a message, in time that
//! grows with the text, on the small stack of a test thread.

use super::*;
use crate::diag::{Code, Diagnostic};
use crate::source::FileId;

fn parsed(text: &str) -> Result<Ast, Vec<Diagnostic>> {
    let mut diags = Diagnostics::default();
    let ast = parse(FileId(0), text, &mut diags);
    ast.ok_or_else(|| diags.into_sorted())
}

/// The codes of the diagnostics; nothing if the text parses.
#[track_caller]
fn codes(text: &str) -> Vec<Code> {
    let list = parsed(text).err().unwrap_or_default();
    list.iter().map(|d| d.code).collect()
}

fn nested(prefix: &str, core: &str, suffix: &str, count: usize) -> String {
    format!(
        "minimize {}{core}{}",
        prefix.repeat(count),
        suffix.repeat(count)
    )
}

#[test]
fn brackets_nest_64_deep() {
    for (prefix, suffix) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("f(x=1, y=[1, ", "])"),
        ("x[C=", "]"),
    ] {
        let brackets = prefix.matches(['(', '[']).count();
        let limit = 64 / brackets;
        assert_eq!(codes(&nested(prefix, "a", suffix, limit)), [], "{prefix}");
        assert_eq!(
            codes(&nested(prefix, "a", suffix, limit + 1)),
            [Code::TooDeep],
            "{prefix}"
        );
        assert_eq!(
            codes(&nested(prefix, "a", suffix, 10_000)),
            [Code::TooDeep],
            "{prefix}"
        );
    }
    assert_eq!(codes(&"[".repeat(100_000)), [Code::TooDeep]);
    assert_eq!(codes(&"(".repeat(100_000)), [Code::TooDeep]);
    assert_eq!(codes(&"{".repeat(100_000)), [Code::TooDeep]);
    assert_eq!(
        codes(&format!("loss f({}", "{".repeat(100_000))),
        [Code::TooDeep]
    );
}

#[test]
fn conditions_and_loops_nest_64_deep() {
    let forms = [
        ("if a then ", "b", " else c"),
        ("if ", "a", " then b else c"),
        ("1 + if a then b else ", "c", ""),
        ("sum for A in space: ", "x", ""),
        ("-sum for A in space: 2*", "x", ""),
        ("f(if a then [", "b", "] else c)"),
    ];
    for (prefix, core, suffix) in forms {
        let limit = if prefix.starts_with('f') { 21 } else { 64 };
        assert_eq!(codes(&nested(prefix, core, suffix, limit)), [], "{prefix}");
        assert_eq!(
            codes(&nested(prefix, core, suffix, limit + 1)),
            [Code::TooDeep],
            "{prefix}"
        );
        assert_eq!(
            codes(&nested(prefix, core, suffix, 20_000)),
            [Code::TooDeep],
            "{prefix}"
        );
    }
    // Side by side they do not nest.
    let row = "if a then b else c, ".repeat(1000);
    assert_eq!(codes(&format!("minimize [{row}]")), []);
    assert_eq!(codes(&"let a = if b then c else d\n".repeat(1000)), []);
}

#[test]
fn chains_are_200_levels_long() {
    // The start, what is repeated, the end, and the levels that one repetition adds.
    let chains = [
        ("", "a+", "a", 1),
        ("", "a*b - ", "a", 1),
        ("", "-", "a", 1),
        ("", "- ", "a", 1),
        ("", "not ", "a", 1),
        ("", "a^", "a", 1),
        ("", "a^-", "a", 2),
        ("", "a and not ", "a", 1),
        ("", "a or ", "a", 1),
        ("x", "[0]", "", 1),
        ("x", " as real", "", 1),
        ("x", " as real as probs over C", "", 2),
        ("", "if a then b else ", "c", 1),
    ];
    for (start, link, end, levels) in chains {
        let chain = |count: usize| format!("minimize {start}{}{end}", link.repeat(count));
        let limit = 199 / levels;
        // The last links of a mixed chain may add a level less.
        assert_eq!(codes(&chain(limit - 1)), [], "{link}");
        assert_eq!(codes(&chain(limit + 1)), [Code::TooDeep], "{link}");
        let huge = MAX_BYTES / link.len() - 100;
        assert_eq!(codes(&chain(huge.min(100_000))), [Code::TooDeep], "{link}");
    }
    assert_eq!(
        codes(&format!(
            "minimize {}c",
            "if a then b else ".repeat(100_000)
        )),
        [Code::TooLarge]
    );
}

#[test]
fn levels_add_up_over_brackets() {
    // 64 brackets with a long run of signs in each would be 12,000 levels.
    let text = nested(&format!("{}(", "-".repeat(190)), "a", ")", 64);
    assert_eq!(codes(&text), [Code::TooDeep]);
    let text = nested(&format!("f({}", "a^".repeat(100)), "a", ")", 60);
    assert_eq!(codes(&text), [Code::TooDeep]);
    let text = nested(&format!("{}[", "not ".repeat(2)), "a", "]", 64);
    assert_eq!(codes(&text), []);
}

#[test]
fn long_texts_without_depth_parse() {
    let list = format!("minimize f([{}])", "0.5, ".repeat(100_000));
    assert_eq!(codes(&list), []);
    assert_eq!(codes(&"let a = f(x=1)\n".repeat(50_000)), []);
    assert_eq!(
        codes(&format!("{}minimize a", "## doc\n".repeat(100_000))),
        []
    );
    assert_eq!(codes(&format!("minimize a{}", " ".repeat(1_000_000))), []);
}

#[test]
fn many_mistakes_are_cut_off() {
    for mistake in [
        "let a = \n",
        "minimize !a\n",
        ")\n",
        "minimize (a]\n",
        "foo bar\n",
        "'",
        "/*\n",
        "minimize (\n",
    ] {
        let count = codes(&mistake.repeat(50_000)).len();
        assert!((1..=20).contains(&count), "{mistake}: {count}");
    }
}

#[test]
fn files_that_are_no_specs_are_refused() {
    assert_eq!(codes(""), [Code::Empty]);
    assert_eq!(codes(" \n\t\r\n"), [Code::Empty]);
    assert_eq!(codes("# nothing\n## at all"), [Code::Empty]);
    assert_eq!(codes("\u{feff}"), [Code::Empty]);
    assert_eq!(codes("minimize \0"), [Code::NotText]);
    assert_eq!(codes("minimize a\u{b}"), [Code::NotText]);
    assert_eq!(codes("\u{1b}[31mminimize"), [Code::NotText]);
    assert_eq!(codes(&" ".repeat(MAX_BYTES + 1)), [Code::TooLarge]);
    assert_eq!(codes("\u{feff}minimize dice()"), []);
    assert_eq!(codes("minimize dice()\r\n  + ce()\r\n"), []);
}

/// Every prefix of a spec, and every spec with one byte removed or doubled, gives a tree or a
/// message.
#[test]
fn damaged_specs_do_not_panic() {
    let spec = "## Doc −\nloss f(a: real >= 0 = 1, b: one of c, d = c,) on p: probs over class = {\n\
        let x = if a == 1 then -p[C=1..]^2 else sum[N, ...S](p, where=not b);\nx as real\n}\n\
        axis K: space = 4 input p: logits[N, K=4, ...] over C\nparam q: real in (0, inf) = 1e-5\n\
        minimize f(0.5, b=d) on (p=q) + sum for A in [H, W]: index[A]";
    assert_eq!(codes(spec), []);
    let borders: Vec<usize> = spec.char_indices().map(|(at, _)| at).collect();
    for pair in borders.windows(2) {
        let [start, end] = [pair[0], pair[1]];
        messages(&spec[..start]);
        messages(&spec[start..]);
        messages(&format!("{}{}", &spec[..start], &spec[end..]));
        messages(&format!("{}{}", &spec[..end], &spec[start..]));
        for other in ["(", "]", "=", ";", "..", "if ", "ä", "\n"] {
            messages(&format!("{}{other}{}", &spec[..start], &spec[end..]));
        }
    }
}
