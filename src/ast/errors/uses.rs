//! Mistakes in `use` items.

use super::super::grammar::is_reserved;
use super::super::pieces::Piece;
use super::super::scan::{Token, TokenKind};
use super::refusals::lowered;
use super::trouble::Trouble;
use crate::diag::Diagnostic;

/// `use`, `use Monai`, `use monai, torch`, `use monai { dice }`
pub(super) fn use_item(t: &Trouble) -> Option<Diagnostic> {
    if t.word(0) != "use" || t.at == 0 {
        return None;
    }
    let here = t.here();
    if t.at == 1 && (t.at_end() || t.first(1)) {
        let diagnostic = t
            .error("the name of a module is missing after `use`")
            .at(t.before_span(), "nothing follows")
            .help("for example `use monai`, or `use \"common.loss\"` for a file");
        return Some(diagnostic);
    }
    if t.kind(t.at) == Some(TokenKind::Axis) && (t.at == 1 || t.before(1) == "as") {
        let diagnostic = t
            .error(format!("`{here}` is not the name of a module"))
            .at(t.here_span(), "modules start in lower case")
            .guess(
                t.here_span(),
                lowered(here),
                "write it in lower case, here and where it is called",
            );
        return Some(diagnostic);
    }
    if matches!(here, "{" | "(" | "[" | "import") {
        let diagnostic = t
            .error("names of a module are not imported one by one")
            .at(t.here_span(), "not expected here")
            .help("call them through the module, `monai.dice()`; `use monai as m` makes that `m.dice()`");
        return Some(diagnostic);
    }
    if matches!(here, "," | "and") {
        let diagnostic = t
            .error("a `use` names one module")
            .at(t.here_span(), "a second one follows")
            .help("write a line for each module");
        return Some(diagnostic);
    }
    None
}

/// The words of all `use` items whose names cannot be those of modules: what stands before a point
/// elsewhere is such a name again, and is told of where the module is named.
pub(in crate::ast) fn misnamed<'t>(text: &'t str, all: &[Token], pieces: &[Piece]) -> Vec<&'t str> {
    let word = |token: &Token| &text[token.start..token.end];
    let mut names = Vec::new();
    for piece in pieces {
        let [first, rest @ ..] = &all[piece.tokens.clone()] else {
            continue;
        };
        let wrong = |token: &Token| {
            let reserved = is_reserved(word(token)) && word(token) != "as";
            reserved || token.kind == TokenKind::Axis || word(token) == "."
        };
        if word(first) == "use" && rest.iter().any(wrong) {
            let named = rest.iter().filter(|token| word(token) != ".");
            names.extend(named.map(word));
        }
    }
    names
}
