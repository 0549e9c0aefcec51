//! Tests of the whole front end, text in and text out.

mod extremes;
mod forms;
mod messages;
mod pages;
mod roundtrip;

use super::*;
use crate::diag::{Diagnostics, Style, render_text};
use crate::source::{SourceFile, SourceMap};

/// The messages for a text, as they are printed; nothing if it parses.
fn messages(text: &str) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add(SourceFile {
        name: "spec.loss".into(),
        text: text.to_owned().into(),
        library: false,
    });
    let mut diags = Diagnostics::default();
    let ast = parse(file, text, &mut diags);
    assert_eq!(ast.is_some(), !diags.has_errors());
    render_text(&sources, &diags.into_sorted(), Style::Plain)
}
