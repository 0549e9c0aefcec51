//! Text → canonical text: the same items, the same comments, one way of setting them.
//!
//! The layout follows the pairs of the grammar and not the tree, so what the tree forgets is kept:
//! how numbers are written, parentheses that help the reader, comments. [`super::print`] writes a
//! tree as plain text and has it set here, so there is one layout.

mod doc;
mod layout;
mod remarks;

use pest::Parser;

use super::grammar::{Grammar, Rule};
use super::parse::parse;
use super::pieces;
use super::print::plain;
use super::scan::{self, Scan};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Span};
use doc::Doc;
use layout::Layout;
use remarks::Remarks;

/// A spec in canonical style; `None` if it is wrong, with every mistake in `diags`.
///
/// The result is read again before it is returned: it has the same tree up to places, and the
/// same comments in the same order. Formatting it once more changes nothing.
pub fn format(file: FileId, text: &str, diags: &mut Diagnostics) -> Option<String> {
    let ast = parse(file, text, diags)?;
    let out = layout(text);
    let same = out.as_deref().is_some_and(|out| {
        let back = parse(file, out, &mut Diagnostics::default());
        back.is_some_and(|back| plain(&back) == plain(&ast)) && comments(out) == comments(text)
    });
    if !same {
        let message = "internal error: formatting would change what the spec says";
        let whole = Span::new(file, 0, text.len());
        let diagnostic = Diagnostic::error(Code::Syntax, message);
        diags.push(diagnostic.at(whole, "this spec").help("please report it"));
        return None;
    }
    out
}

/// The text of every comment.
fn comments(text: &str) -> Vec<&str> {
    let scan = scan::scan(FileId(0), text).unwrap_or_default();
    let comments = scan.comments.iter();
    comments.map(|c| text[c.start..c.end].trim_end()).collect()
}

/// Sets a text that parses.
pub(super) fn layout(text: &str) -> Option<String> {
    let scan = scan::scan(FileId(0), text).ok()?;
    let pieces = pieces::cut(FileId(0), text, &scan.tokens, &mut Vec::new()).ok()?;
    let ranges: Vec<_> = pieces.into_iter().map(|piece| piece.tokens).collect();
    let bounds = |scan: &Scan, range: &std::ops::Range<usize>| {
        let tokens = scan.tokens.get(range.clone())?;
        Some((tokens.first()?.start, tokens.last()?.end))
    };
    let mut layout = Layout::new(Remarks::new(text, scan));
    let mut items = Vec::new();
    for range in ranges {
        let (start, end) = bounds(layout.remarks().scan(), &range)?;
        let pairs = Grammar::parse(Rule::file, &text[start..end]).ok()?;
        for item in pairs.flat_map(|file| file.into_inner()) {
            if item.as_rule() != Rule::EOI {
                items.push(layout.item(start, item));
            }
        }
    }
    items.push(layout.end());
    Some(Doc::all(items).set())
}
