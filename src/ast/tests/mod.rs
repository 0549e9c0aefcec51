//! Tests of the whole front end, text in and text out.

mod extremes;
mod format;
mod forms;
mod messages;
mod pages;
mod roundtrip;

use super::*;
use crate::diag::{Diagnostic, Diagnostics, Style, render_text};
use crate::source::{FileId, SourceFile, SourceMap};

/// What is wrong with a text.
fn diagnostics(text: &str) -> Vec<Diagnostic> {
    let mut diags = Diagnostics::default();
    let ast = parse(FileId(0), text, &mut diags);
    assert_eq!(ast.is_some(), !diags.has_errors());
    diags.into_sorted()
}

/// The messages for a text, as they are printed; nothing if it parses.
fn messages(text: &str) -> String {
    let mut sources = SourceMap::default();
    sources.add(SourceFile {
        name: "spec.loss".into(),
        text: text.to_owned().into(),
        library: false,
    });
    render_text(&sources, &diagnostics(text), Style::Plain)
}
