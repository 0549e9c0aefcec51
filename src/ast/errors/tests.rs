//! Mistakes in `test` items.

use super::super::grammar::Rule;
use super::trouble::Trouble;
use crate::diag::Diagnostic;

/// `test { … }`, `expect minimize == 0.25`, `expect minimize`, `let pred = …`, `assert minimize ≈ 0.25`
pub(super) fn test_item(t: &Trouble) -> Option<Diagnostic> {
    if t.word(0) != "test" || t.at == 0 {
        return None;
    }
    let (here, span) = (t.here(), t.here_span());
    if t.at == 1 && here == "{" {
        let diagnostic = t
            .error("a test has a name")
            .at(span, "it stands before the brace, in double quotes")
            .help("for example `test \"all right\" { … }`");
        return Some(diagnostic);
    }
    if t.expects(Rule::about) && matches!(here, "=" | "==") {
        let diagnostic = t
            .error(format!("a value is expected with `≈`, not with `{here}`"))
            .at(span, "")
            .fix(span, "≈", "equal up to a tolerance; `~=` is the same");
        return Some(diagnostic);
    }
    if t.expects(Rule::about) && (here == "}" || t.first(t.at)) {
        let diagnostic = t
            .error("what is expected is not said")
            .at(t.before_span(), "`≈` and a value are missing after this")
            .help("`expect minimize ≈ 0.25`, `expect ce() ≈ log(2) within 1e-9`");
        return Some(diagnostic);
    }
    if matches!(here, "let" | "const" | "var") {
        let diagnostic = t
            .error("a test gives an input by its name alone")
            .at(span, "")
            .fix(t.here_and_blank(), "", "write the name and the value");
        return Some(diagnostic);
    }
    if matches!(t.before(1), "assert" | "check" | "require") {
        let span = t.before_span();
        let diagnostic = t
            .error(format!("`{}` does not belong to the language", t.before(1)))
            .at(span, "")
            .fix(span, "expect", "what must hold is expected");
        return Some(diagnostic);
    }
    None
}
