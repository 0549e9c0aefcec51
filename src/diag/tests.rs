//! Rendered diagnostics, made by hand.

use super::*;
use crate::source::{FileId, SourceFile, SourceMap};

fn sources(files: &[(&str, &str)]) -> SourceMap {
    let mut sources = SourceMap::default();
    for (name, text) in files {
        sources.add(SourceFile {
            name: (*name).to_owned().into(),
            text: (*text).to_owned().into(),
            library: name.starts_with("std/"),
        });
    }
    sources
}

fn span(file: u32, start: usize, end: usize) -> Span {
    Span::new(FileId(file), start, end)
}

fn plain(sources: &SourceMap, diagnostic: Diagnostic) -> String {
    render_text(sources, &[diagnostic], Style::Plain)
}

#[test]
fn all_parts_are_shown() {
    let sources = sources(&[
        (
            "spec.loss",
            "input pred: logits[N, C] over C\n\nminimize dice(smoth=1)\n",
        ),
        (
            "std/overlap.loss",
            "# Overlap losses.\nloss dice(smooth: real = 1) on pred: probs = 1\n",
        ),
    ]);
    let diagnostic = Diagnostic::error(Code::UnknownOption, "`dice` has no option `smoth`")
        .at(span(0, 47, 52), "no such option")
        .also(span(0, 6, 10), "the operand")
        .also(span(1, 18, 45), "`dice` is defined here")
        .note("the options are `smooth`")
        .help("options may be given by position")
        .fix(span(0, 47, 52), "smooth", "did you mean `smooth`?");
    insta::assert_snapshot!(plain(&sources, diagnostic), @r"
    error[E0301]: `dice` has no option `smoth`
     --> spec.loss:3:15
      |
    1 | input pred: logits[N, C] over C
      |       ---- the operand
    2 |
    3 | minimize dice(smoth=1)
      |               ^^^^^ no such option
      |
     ::: std/overlap.loss:2:1
      |
    2 | loss dice(smooth: real = 1) on pred: probs = 1
      | --------------------------- `dice` is defined here
      |
      = note: the options are `smooth`
      = help: options may be given by position
    help: did you mean `smooth`?
      |
    3 | minimize dice(smooth=1)
      |                  +
    ");
}

#[test]
fn what_has_no_place_is_a_bare_message() {
    let sources = sources(&[]);
    let diagnostic = Diagnostic::error(Code::MissingInput, "the input `pred` is not given")
        .note("it is `logits[N, C] over C`")
        .help("give it with `--input pred=FILE`");
    insta::assert_snapshot!(plain(&sources, diagnostic), @r"
    error[E0601]: the input `pred` is not given
     |
     = note: it is `logits[N, C] over C`
     = help: give it with `--input pred=FILE`
    ");
    let diagnostic = Diagnostic::warning(Code::Unused, "`edge` is never used");
    insta::assert_snapshot!(plain(&sources, diagnostic), @"warning[W0202 unused]: `edge` is never used");
}

#[test]
fn several_are_separated_and_ended() {
    let sources = sources(&[("a.loss", "let a = b\n")]);
    let one = Diagnostic::error(Code::UnknownName, "one").at(span(0, 8, 9), "");
    let two = Diagnostic::warning(Code::Unused, "two").at(span(0, 4, 5), "");
    let text = render_text(&sources, &[one, two], Style::Plain);
    insta::assert_snapshot!(text, @r"
    error[E0201]: one
     --> a.loss:1:9
      |
    1 | let a = b
      |         ^

    warning[W0202 unused]: two
     --> a.loss:1:5
      |
    1 | let a = b
      |     ^
    ");
    assert!(text.ends_with("^\n"));
    assert_eq!(render_text(&sources, &[], Style::Plain), "");
}

#[test]
fn wide_characters_and_tabs_keep_the_marks_in_place() {
    let sources = sources(&[("a.loss", "# 日本語 é\n\tlet é = 日本 + 日本語 # ok\n")]);
    let text = &sources.file(FileId(0)).text;
    let start = text.find("+ ").expect("there") + 2;
    let diagnostic = Diagnostic::error(Code::Syntax, "here").at(span(0, start, start + 9), "wide");
    insta::assert_snapshot!(plain(&sources, diagnostic), @r"
    error[E0101]: here
     --> a.loss:2:15
      |
    2 |     let é = 日本 + 日本語 # ok
      |                    ^^^^^^ wide
    ");
}

/// No span makes the renderer panic, not even one that no stage should make.
#[test]
fn odd_places_do_not_panic() {
    for text in [
        "",
        "\n",
        "ä",
        "a\nbé",
        "日本\r\n語\n",
        "\u{feff}x",
        "\t\t",
        "a\u{301}",
    ] {
        let sources = sources(&[("a.loss", text)]);
        let length = text.len();
        for start in 0..=length + 2 {
            for end in 0..=length + 2 {
                let place = Span {
                    file: FileId(0),
                    start: start as u32,
                    end: end as u32,
                };
                let diagnostic = Diagnostic::error(Code::Syntax, "odd")
                    .at(place, "here")
                    .also(span(0, 0, 0), "there")
                    .also(place, "")
                    .fix(place, "x\ny", "try this")
                    .fix(place, "", "or that");
                let text = plain(&sources, diagnostic.clone());
                assert!(text.starts_with("error[E0101]: odd\n"), "{text}");
                render_text(&sources, std::slice::from_ref(&diagnostic), Style::Colored);
                render_json(&sources, &[diagnostic]);
            }
        }
    }
}

#[test]
fn colours_are_the_only_difference() {
    let sources = sources(&[("a.loss", "let a = b\n")]);
    let diagnostic = Diagnostic::error(Code::UnknownName, "`b` is not in scope")
        .at(span(0, 8, 9), "not found")
        .note("a note")
        .fix(span(0, 8, 9), "a", "try `a`");
    let colored = render_text(&sources, std::slice::from_ref(&diagnostic), Style::Colored);
    let mut stripped = String::new();
    let mut parts = colored.split('\u{1b}');
    stripped.push_str(parts.next().unwrap_or(""));
    for part in parts {
        stripped.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    assert_ne!(colored, stripped);
    assert_eq!(stripped, plain(&sources, diagnostic));
}

/// A mistake on the last line of a large file costs no more than the lines that are shown.
#[test]
fn large_files_are_cut_to_what_is_shown() {
    let text = format!("{}let a = b", "let a = 1\n".repeat(50_000));
    let sources = sources(&[("a.loss", &text)]);
    let end = text.len();
    let diagnostic = Diagnostic::error(Code::UnknownName, "late").at(span(0, end - 1, end), "");
    insta::assert_snapshot!(plain(&sources, diagnostic), @r"
    error[E0201]: late
         --> a.loss:50001:9
          |
    50001 | let a = b
          |         ^
    ");
    let line = "a + ".repeat(50_000);
    let sources = self::sources(&[("a.loss", &line)]);
    for end in [100_001, 200_000] {
        let diagnostic = Diagnostic::error(Code::UnknownName, "far")
            .at(span(0, 100_000, end), "")
            .fix(span(0, 100_000, 100_001), "b", "write `b`");
        let text = plain(&sources, diagnostic);
        assert!(text.len() < 1000, "{text}");
        assert!(text.contains("= help: write `b`"), "{text}");
    }
}

#[test]
fn json_has_every_part() {
    let sources = sources(&[("spec.loss", "# é\nminimize dice(smoth=1)\n")]);
    let diagnostic = Diagnostic::error(Code::UnknownOption, "`dice` has no option `smoth`")
        .at(span(0, 19, 24), "no such option")
        .also(span(0, 14, 18), "the call")
        .note("a note")
        .help("a help")
        .fix(span(0, 19, 24), "smooth", "did you mean `smooth`?");
    let bare = Diagnostic::warning(Code::Execution, "no place");
    let value = render_json(&sources, &[diagnostic, bare]);
    let text = serde_json::to_string_pretty(&value).expect("JSON");
    insta::assert_snapshot!(text, @r#"
    {
      "version": 1,
      "diagnostics": [
        {
          "severity": "error",
          "code": "E0301",
          "lint": null,
          "title": "an option does not exist",
          "message": "`dice` has no option `smoth`",
          "file": "spec.loss",
          "line": 2,
          "column": 15,
          "start": 19,
          "end": 24,
          "label": "no such option",
          "labels": [
            {
              "file": "spec.loss",
              "line": 2,
              "column": 10,
              "start": 14,
              "end": 18,
              "label": "the call"
            }
          ],
          "notes": [
            "a note"
          ],
          "help": [
            "a help"
          ],
          "fixes": [
            {
              "text": "did you mean `smooth`?",
              "certain": true,
              "file": "spec.loss",
              "start": 19,
              "end": 24,
              "replacement": "smooth"
            }
          ]
        },
        {
          "severity": "warning",
          "code": "E0608",
          "lint": null,
          "title": "the back end failed",
          "message": "no place",
          "file": null,
          "line": null,
          "column": null,
          "start": null,
          "end": null,
          "label": null,
          "labels": [],
          "notes": [],
          "help": [],
          "fixes": []
        }
      ]
    }
    "#);
}
