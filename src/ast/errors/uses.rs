//! Mistakes in `use` items.

use super::super::scan::TokenKind;
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
            .fix(t.here_span(), lowered(here), "write it in lower case");
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
