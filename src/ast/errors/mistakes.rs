//! The commonest mistakes, each with its own words and, where there is one, its correction.

use super::super::grammar::{ITEM_WORDS, Rule, is_reserved};
use super::super::pieces::closer_of;
use super::super::scan::TokenKind;
use super::refusals::{capitalised, lowered};
use super::{Place, Trouble, is_infix};
use crate::diag::Diagnostic;

/// A guess: the diagnostic if the tokens look like this mistake.
type Guess = fn(&Trouble) -> Option<Diagnostic>;

/// The guesses in the order in which they are tried: the more specific come first.
const GUESSES: &[Guess] = &[
    item_word,
    semicolon,
    colon,
    equals_sign,
    definition_head,
    missing_semicolon,
    misplaced_not,
    missing_operand,
    if_forms,
    on_operands,
    spelling_of_names,
    types,
    brackets,
    missing_equals,
    missing_end,
    commas,
    reserved_word,
    braces,
    adjacent_operands,
];

/// The first guess that fits.
pub(super) fn guess(t: &Trouble) -> Option<Diagnostic> {
    GUESSES.iter().find_map(|guess| guess(t))
}

/// `loss = dice()`, `minimize: dice()`, `let f(x) = x`, `let a, b = 1`
fn item_word(t: &Trouble) -> Option<Diagnostic> {
    let item = t.word(0);
    let here = t.here();
    let span = t.here_span();
    let binds = matches!(item, "let" | "term" | "report");
    let diagnostic = match here {
        "=" | ":" if t.at == 1 && item == "minimize" => t
            .error(format!("`minimize` takes its expression without `{here}`"))
            .at(span, "not expected here")
            .fix(t.behind_before().to(t.here_and_blank()), " ", "remove it"),
        "=" | ":" if t.at == 1 && item == "loss" => t
            .error("`loss` starts the definition of a loss")
            .at(t.before_span(), "no definition follows")
            .fix(
                t.before_span().to(span),
                "minimize",
                "what to train on is `minimize`",
            )
            .help("a definition is `loss name(...) on pred: probs, target: probs = ...`"),
        "=" | ":" if t.at == 1 && ITEM_WORDS.contains(&item) => t
            .error(format!("`{item}` is a reserved word and cannot be a name"))
            .at(t.before_span(), "reserved")
            .help(format!("choose another name, for example `{item}_`")),
        "(" if t.at == 2 && binds => t
            .error(format!("a `{item}` has no arguments"))
            .at(span, "not expected here")
            .help(format!("a function is `fn {}(x: real) = ...`", t.word(1))),
        "," if t.at == 2 && binds => t
            .error(format!("a `{item}` gives one name to one value"))
            .at(span, "a second name follows")
            .help("write an item for each name"),
        "," if t.place() == Place::Top && t.expects(Rule::EOI) && t.at + 1 == t.tokens.len() => t
            .error("items do not end with `,`")
            .at(span, "an item ends where the next one starts")
            .fix(span, "", "remove it"),
        _ => return None,
    };
    Some(diagnostic)
}

/// `let a = 1;`, and a `;` behind the value of a body.
fn semicolon(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != ";" {
        return None;
    }
    let span = t.here_span();
    let diagnostic = match t.place() {
        Place::Block if t.word(t.at + 1) == "}" => t
            .error("the last line of a body is its value")
            .at(span, "no `;` after the value"),
        Place::Block => t
            .error("only the `let` lines of a body end with `;`")
            .at(span, "this ends the value of the body")
            .help("give the values on the way to the result names with `let`"),
        Place::Top => t
            .error("items do not end with `;`")
            .at(span, "an item ends where the next one starts"),
        _ => {
            let diagnostic = t
                .error("entries are separated by `,`")
                .at(span, "not by `;`")
                .fix(span, ",", "write a comma");
            return Some(diagnostic);
        }
    };
    if !diagnostic.help.is_empty() {
        return Some(diagnostic);
    }
    Some(diagnostic.fix(span, "", "remove it"))
}

/// `dice(smooth: 1)`, `x[0:1]`, `else:`, `let x: real = 1`.
fn colon(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != ":" {
        return None;
    }
    let span = t.here_span();
    let start_of_entry = matches!(t.before(2), "(" | ",");
    let diagnostic = match t.place() {
        Place::Arguments if start_of_entry => t
            .error("options are given with `=`")
            .at(span, "not a `:`")
            .fix(t.here_and_blank(), "=", format!("write `{}=`", t.before(1))),
        Place::Bracket | Place::List | Place::TypeAxes => t
            .error("a slice names its axis and is written with `..`")
            .at(span, "not a `:`")
            .help("`x[C=0..2]` takes the first two, `x[C=1..]` all but the first"),
        _ if t.open_if().is_some_and(|(_, needs)| needs == "then") => t
            .error("the condition of an `if` ends with `then`")
            .at(span, "not a `:`")
            .fix(span, " then", "write `then`"),
        _ if t.before(1) == "else" => t
            .error("`else` is followed by its value")
            .at(span, "no `:` here")
            .fix(span, "", "remove it"),
        Place::Top if t.at == 2 && matches!(t.word(0), "let" | "term" | "report") => typed_let(t),
        Place::Block if t.before(2) == "let" => typed_let(t),
        Place::Top if t.at == 1 && !is_reserved(t.word(0)) => t
            .error("a declaration starts with a word")
            .at(t.span(0), "of which sort?")
            .help(format!("a tensor is `input {}: ...`", t.word(0)))
            .help(format!(
                "a number that can be set is `param {}: ... = ...`",
                t.word(0)
            )),
        Place::Top if t.defines() && t.expects(Rule::assign) => t
            .error("the body of a definition comes after `=`")
            .at(span, "not a `:`")
            .fix(span, " =", "write `=`"),
        _ => return None,
    };
    Some(diagnostic)
}

/// `let a: real = 1`
fn typed_let(t: &Trouble) -> Diagnostic {
    let diagnostic = t
        .error(format!("a `{}` has no type", t.before(2)))
        .at(t.here_span(), "a type starts here");
    let remark = "remove it: the type is that of the value";
    match (t.at..t.tokens.len()).find(|at| matches!(t.word(*at), "=" | ";")) {
        Some(end) if t.word(end) == "=" => {
            diagnostic.fix(t.here_span().to(t.span(end - 1)), "", remark)
        }
        _ => diagnostic.help(remark),
    }
}

/// `=` where it cannot be: for `==`, in `minimize = …`, without `let`.
fn equals_sign(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "=" || t.at == 0 {
        return None;
    }
    let span = t.here_span();
    let place = t.place();
    let item = t.word(0);
    let name = t.before(1);
    let start_of_entry = matches!(t.before(2), "(" | ",");
    let is_name = t.kind(t.at - 1) == Some(TokenKind::Word) && !is_reserved(name);

    let diagnostic = match place {
        // A definition without parentheses has a message of its own.
        Place::Top if t.at == 2 && t.defines() => return None,
        Place::Top if t.first(t.at - 1) && is_name => t
            .error(format!("`{name} = ...` is not an item"))
            .at(t.before_span(), "what is it?")
            .fix(start(t, t.at - 1), "let ", "a value is a `let`")
            .help(format!(
                "a number that can be set is `param {name}: real = ...`"
            )),
        Place::Top if t.at == 2 && item == "input" => t
            .error("an input has a type, not a value")
            .at(span, "a type is expected")
            .help(format!(
                "a tensor is `input {name}: logits[N, C, ...S] over C`, for example"
            ))
            .help(format!(
                "a number that can be set is `param {name}: real = ...`"
            )),
        Place::Top if t.at > 2 && item == "input" => t
            .error("an input has no default")
            .at(span, "not expected here")
            .help("a number with a default is a `param`"),
        Place::Top if t.at == 2 && item == "param" => missing_type(t),
        Place::Options if start_of_entry => missing_type(t),
        Place::Arguments if start_of_entry && t.kind(t.at - 1) == Some(TokenKind::Axis) => t
            .error("the names of options are written in lower case")
            .at(t.before_span(), "an axis is no option")
            .fix(
                t.before_span(),
                name.to_lowercase(),
                "write it in lower case",
            ),
        Place::Block if matches!(t.before(2), "{" | ";") && is_name => t
            .error(format!("`{name} = ...` is not part of a body"))
            .at(t.before_span(), "what is it?")
            .fix(start(t, t.at - 1), "let ", "a local value is a `let`"),
        _ if t.ends_operand(t.at - 1) => t
            .error("`=` names a value and does not compare")
            .at(span, "not expected here")
            .fix(span, "==", "write `==` to compare"),
        _ => return None,
    };
    Some(diagnostic)
}

/// The empty place in front of a token.
fn start(t: &Trouble, at: usize) -> crate::source::Span {
    let span = t.span(at);
    crate::source::Span {
        end: span.start,
        ..span
    }
}

/// A param, an option or an operand whose type is missing in front of the token here.
fn missing_type(t: &Trouble) -> Diagnostic {
    let name = t.before(1);
    let operand = t.place() == Place::Top && t.word(0) == "loss";
    let ty = if operand { "probs" } else { "real" };
    t.error(format!("`{name}` has no type"))
        .at(t.before_span(), "a type is missing after it")
        .fix(
            t.behind_before(),
            format!(": {ty}"),
            "write its type, for example",
        )
}

/// The head of a `fn` or a `loss`, and the name and colon of an `input` or a `param`.
fn definition_head(t: &Trouble) -> Option<Diagnostic> {
    let item = t.word(0);
    let is_name =
        t.at > 0 && matches!(t.kind(t.at - 1), Some(TokenKind::Word)) && !is_reserved(t.before(1));
    let colon_missing = t.expects(Rule::colon) && is_name;
    match t.place() {
        Place::Top if t.at == 2 && t.defines() && t.here() != "(" && is_name => {
            let diagnostic = t
                .error(format!("a `{item}` has parentheses after its name"))
                .at(t.before_span(), "even if there are no options")
                .fix(t.behind_before(), "()", "write them");
            Some(diagnostic)
        }
        Place::Top if t.at == 2 && matches!(item, "input" | "param") && colon_missing => {
            Some(nameless(t).unwrap_or_else(|| match t.kind(2) {
                Some(TokenKind::Word | TokenKind::Axis) => missing_colon(t),
                _ => missing_type(t),
            }))
        }
        Place::Options if colon_missing && matches!(t.before(2), "(" | ",") => {
            let diagnostic = match t.here() {
                "," | ")" => missing_type(t),
                _ => missing_colon(t),
            };
            Some(diagnostic)
        }
        Place::Top if t.defines() && colon_missing && matches!(t.before(2), "on" | ",") => {
            let diagnostic = match t.here() {
                "," | "=" | "" => missing_type(t),
                _ => missing_colon(t),
            };
            Some(diagnostic)
        }
        Place::Top if item == "loss" && t.before(1) == "on" && t.here() == "(" => {
            let diagnostic = t
                .error("the operands of a definition have no parentheses")
                .at(t.here_span(), "not expected here")
                .help("write `on pred: probs, target: probs`");
            Some(diagnostic)
        }
        _ => None,
    }
}

/// `input logits[N, C]`, `input real`
fn nameless(t: &Trouble) -> Option<Diagnostic> {
    let kind = t.word(1);
    let kinds = [
        "logits",
        "probs",
        "log_probs",
        "labels",
        "onehot",
        "mask",
        "real",
        "scalar",
    ];
    let followed = t.at_end() || matches!(t.here(), "[" | "over" | "per" | "of" | "=");
    (kinds.contains(&kind) && followed).then(|| {
        t.error(format!("the {} has no name", t.word(0)))
            .at(t.span(1), "this is its kind")
            .fix(start(t, 1), "name: ", "name it")
    })
}

fn missing_colon(t: &Trouble) -> Diagnostic {
    let name = t.before(1);
    t.error(format!("a `:` is missing after `{name}`"))
        .at(t.here_span(), "its type starts here")
        .fix(t.behind_before(), ":", "write the `:`")
}

/// `{ let a = 1 let b = 2; a }`
fn missing_semicolon(t: &Trouble) -> Option<Diagnostic> {
    let in_let = || {
        let lines = (0..t.at).rev().map(|at| t.word(at));
        lines
            .take_while(|w| !matches!(*w, ";" | "{"))
            .any(|w| w == "let")
    };
    let goes_on = t.here() == "let" || (t.starts_operand(t.at) && t.first(t.at)) || t.here() == "}";
    let ended = t.at > 0 && t.ends_operand(t.at - 1);
    if t.place() != Place::Block || !goes_on || !ended || !in_let() {
        return None;
    }
    let end = t.behind_before();
    if t.here() == "}" {
        let diagnostic = t
            .error("the body has no value")
            .at(t.here_span(), "it ends with a `let`")
            .help("the last line of a body is its value, without `let`");
        return Some(diagnostic);
    }
    let diagnostic = t
        .error("a `let` in a body ends with `;`")
        .at(end, "missing here")
        .fix(end, ";", "write it");
    Some(diagnostic)
}

/// `a * not b`, `-not b`
fn misplaced_not(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "not" || t.at == 0 || !t.is_infix(t.at - 1) {
        return None;
    }
    let diagnostic = t
        .error(format!("`not` cannot follow `{}`", t.before(1)))
        .at(t.here_span(), "not expected here")
        .also(t.before_span(), "this takes numbers")
        .help("put it in parentheses, `(not x)`");
    Some(diagnostic)
}

/// `a + `, `a + * b`, `* b`, `let x =`, `()`
fn missing_operand(t: &Trouble) -> Option<Diagnostic> {
    if !(t.expects_value() || t.expects_name()) {
        return None;
    }
    let before = t.before(1);
    let here = t.here();
    if t.starts_operand(t.at) {
        return None;
    }
    let here_infix = is_infix(here);
    let ends = t.at_end() || matches!(here, ")" | "]" | "}" | "," | ";" | "then" | "else");
    if is_infix(before) || before == "not" {
        let diagnostic = if here_infix {
            let mut diagnostic = t
                .error(format!("`{before}` and `{here}` are next to each other"))
                .at(t.here_span(), "a value is missing before this")
                .also(t.before_span(), "and after this one");
            if here == "+" {
                diagnostic = diagnostic.help("a number carries no `+`");
            }
            diagnostic
        } else if ends {
            t.error(format!("`{before}` has nothing on its right"))
                .at(t.before_span(), "a value is missing after it")
        } else {
            return None;
        };
        return Some(diagnostic);
    }
    if here_infix {
        let diagnostic = t
            .error(format!("`{here}` has nothing on its left"))
            .at(t.here_span(), "a value is missing before it");
        if here == "+" && t.starts_operand(t.at + 1) {
            return Some(diagnostic.fix(t.here_and_blank(), "", "a number carries no `+`"));
        }
        return Some(diagnostic);
    }
    if !ends {
        return None;
    }
    let missing = match before {
        "=" if t.defines() && t.place() == Place::Top => "the body is",
        "=" | "minimize" | "then" | "else" | "if" | ":" => "a value is",
        "let" | "term" | "report" | "input" | "param" | "fn" | "loss" | "task" => "a name is",
        "(" if here == ")" => {
            let diagnostic = t
                .error("the parentheses are empty")
                .at(t.here_span(), "a value is missing before this");
            return Some(diagnostic);
        }
        "," if here == "," => {
            let diagnostic = t
                .error("there is nothing between two commas")
                .at(t.here_span(), "the second comma")
                .fix(t.here_span(), "", "remove it");
            return Some(diagnostic);
        }
        "(" | "[" if here == "," => {
            let diagnostic = t
                .error(format!("there is nothing between `{before}` and the comma"))
                .at(t.here_span(), "a value is missing before it");
            return Some(diagnostic);
        }
        ";" | "{" if here == "}" => {
            let diagnostic = t
                .error("the body has no value")
                .at(t.here_span(), "a value is missing before this")
                .help("the last line of a body is its value, without `let` and `;`");
            return Some(diagnostic);
        }
        _ => return None,
    };
    let diagnostic = t
        .error(format!("{missing} missing after `{before}`"))
        .at(t.before_span(), "nothing follows");
    Some(diagnostic)
}

/// `if` without `then` or `else`, `a if c else b`, `elif`.
fn if_forms(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let ended = t.at > 0 && t.ends_operand(t.at - 1);
    if here == "elif" && ended {
        let diagnostic = t
            .error("`elif` is two words")
            .at(t.here_span(), "not expected here")
            .fix(t.here_span(), "else if", "write `else if`");
        return Some(diagnostic);
    }
    if here == "if" && ended && !t.first(t.at) {
        let diagnostic = t
            .error("the condition comes first")
            .at(t.here_span(), "not expected after a value")
            .help("write `if condition then a else b`");
        return Some(diagnostic);
    }
    if matches!(here, "then" | "else") && ended && t.open_if().is_none() {
        let diagnostic = t
            .error(format!("this `{here}` belongs to no `if`"))
            .at(t.here_span(), "not expected here")
            .help("write `if condition then a else b`");
        return Some(diagnostic);
    }
    let (at, needs) = t.open_if()?;
    if !ended {
        return None;
    }
    if needs == "then" {
        let mut diagnostic = t
            .error("this `if` has no `then`")
            .at(t.span(at), "")
            .help("write `if condition then a else b`");
        if !t.at_end() {
            diagnostic = diagnostic.also(t.here_span(), "`then` is expected before this");
        }
        return Some(diagnostic);
    }
    let diagnostic = t
        .error("this `if` has no `else`")
        .at(
            t.span(at),
            "what is the value where the condition does not hold?",
        )
        .fix(t.behind_before(), " else 0", "write it, for example");
    Some(diagnostic)
}

/// `dice() on aux`
fn on_operands(t: &Trouble) -> Option<Diagnostic> {
    if t.before(1) != "on" || t.here() == "(" || t.expects(Rule::declared) || t.at < 2 {
        return None;
    }
    if t.before(2) != ")" {
        return None;
    }
    let diagnostic = t
        .error("the operands after `on` go in parentheses")
        .at(t.before_span(), "`(` is expected after this");
    let single = t.kind(t.at) == Some(TokenKind::Word) && !t.is_attached(t.at + 1);
    Some(if single {
        diagnostic.fix(t.here_span(), format!("({})", t.here()), "write them")
    } else {
        diagnostic.help("write `dice() on (a, b)`")
    })
}

impl Trouble<'_> {
    /// Whether a token goes on with the operand before it.
    fn is_attached(&self, at: usize) -> bool {
        matches!(self.word(at), "(" | "[" | "," | "=" | ":")
    }
}

/// Upper and lower case, and reserved words, where a name is declared.
fn spelling_of_names(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let span = t.here_span();
    match t.kind(t.at)? {
        TokenKind::Axis if t.expects_kind() => {
            let lower = here.to_lowercase();
            let diagnostic = t
                .error(format!("`{here}` is not a kind"))
                .at(span, "kinds are written in lower case")
                .fix(span, lower, "write it in lower case");
            Some(diagnostic)
        }
        TokenKind::Axis if t.expects_name() && !t.expects_axis() && !t.expects_value() => {
            let diagnostic = t
                .error(format!("`{here}` cannot be the name of a value"))
                .at(span, "only axes start in upper case")
                .fix(span, lowered(here), "write the name in lower case");
            Some(diagnostic)
        }
        TokenKind::Word if t.expects_axis() && !t.expects_name() => {
            if is_reserved(here) {
                return None;
            }
            let diagnostic = t
                .error(format!("`{here}` is not the name of an axis"))
                .at(span, "axes start in upper case")
                .fix(span, capitalised(here), "write the axis in upper case");
            Some(diagnostic)
        }
        TokenKind::Word if t.before(1) == "..." && t.here_span().start == t.before_span().end => {
            let diagnostic = t
                .error(format!("`...{here}` is not the name of a pack of axes"))
                .at(span, "axes start in upper case")
                .fix(span, capitalised(here), "write the axes in upper case");
            Some(diagnostic)
        }
        _ => None,
    }
}

/// Types and ranges.
fn types(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let before = t.before(1);
    let span = t.here_span();
    let ends = t.at_end() || matches!(here, "=" | "," | ")");
    if t.expects_kind() && matches!(before, ":" | "as") && ends {
        let diagnostic = t
            .error(format!("a type is missing after `{before}`"))
            .at(t.before_span(), "nothing follows")
            .help("for example `logits[N, C, ...S] over C`, `labels[N, ...S] of C`, `real`");
        return Some(diagnostic);
    }
    if here == "(" && t.at > 1 && t.is_kind(t.at - 1) {
        let diagnostic = t
            .error("the axes of a type go in square brackets")
            .at(span, "not in parentheses")
            .help(format!("write `{before}[N, C]`"));
        return Some(diagnostic);
    }
    if before == "in" && t.kind(t.at) == Some(TokenKind::Number) && t.expects(Rule::open) {
        let diagnostic = t
            .error("a range goes in brackets")
            .at(span, "a bracket is expected before this")
            .help("`in [0, 1]` holds both ends, `in (0, 1)` neither");
        return Some(diagnostic);
    }
    let compares = matches!(before, ">=" | ">" | "<=" | "<");
    let bounds = t
        .expected
        .iter()
        .any(|r| matches!(r, Rule::number | Rule::bound))
        && !t.expects_name();
    if bounds && (t.place() == Place::Range || compares) && t.starts_operand(t.at) {
        let diagnostic = t
            .error("the bounds of a range are numbers")
            .at(span, "not a number")
            .help("for no bound write `inf` or leave the range open, `>= 0`");
        return Some(diagnostic);
    }
    if t.place() == Place::Range && t.expects(Rule::comma) && here == ".." {
        let diagnostic = t
            .error("the ends of a range are separated by a comma")
            .at(span, "not by `..`")
            .fix(span, ",", "write `,`");
        return Some(diagnostic);
    }
    None
}

/// What stands in the brackets behind a value.
fn brackets(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let before = t.before(1);
    let span = t.here_span();
    let place = t.place();
    let entries = |diagnostic: Diagnostic| {
        diagnostic.help(
            "an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, \
             an entry of a list `x[0]`",
        )
    };
    if here == ".." {
        let diagnostic = match place {
            Place::Bracket if matches!(before, "[" | ",") => {
                t.error("a slice names its axis").at(span, "of which axis?")
            }
            Place::Bracket if t.kind(t.at - 1) == Some(TokenKind::Number) => {
                t.error("a slice names its axis").at(span, "of which axis?")
            }
            Place::Bracket => t
                .error("the bounds of a slice are whole numbers")
                .at(t.before_span(), "not a whole number"),
            _ => t
                .error("`..` goes only in a slice")
                .at(span, "not expected here"),
        };
        return Some(entries(diagnostic));
    }
    if place != Place::Bracket {
        return None;
    }
    if before == "[" && here == "]" {
        let diagnostic = t
            .error("the brackets are empty")
            .at(span, "an axis is missing");
        return Some(diagnostic.help("without brackets a reduction goes over all axes"));
    }
    if before == "[" && here == "-" {
        let diagnostic = t.error("the entries of a list count from 0").at(span, "");
        return Some(entries(diagnostic));
    }
    if is_infix(here) || matches!(here, "(" | "[") || t.kind(t.at) == Some(TokenKind::Number) {
        if t.expects_axis() || t.expects(Rule::close_bracket) {
            let diagnostic = t
                .error("this cannot go in brackets after a value")
                .at(span, "not expected here");
            return Some(entries(diagnostic));
        }
    }
    None
}

/// `let x 1`, `term region dice()`, `param x: real 1`, `loss f() on a: probs { … }`
fn missing_equals(t: &Trouble) -> Option<Diagnostic> {
    let item = t.word(0);
    if !t.expects(Rule::assign) || t.place() != Place::Top || t.at < 2 {
        return None;
    }
    let end = t.behind_before();
    let bound = matches!(item, "let" | "term" | "report") && t.at == 2;
    let valued = bound || t.defines() || item == "param";
    if !valued {
        return None;
    }
    if t.at_end() {
        let missing = match item {
            "fn" | "loss" => format!("this `{item}` has no body"),
            "param" => "a `param` has a default".to_owned(),
            _ => format!("`{}` has no value", t.word(1)),
        };
        let diagnostic = t
            .error(missing)
            .at(t.before_span(), "`=` is missing after this");
        return Some(match item {
            "param" => diagnostic
                .fix(end, " = 1", "write it, for example")
                .help("what must be given anew for each run is an `input`"),
            _ => diagnostic,
        });
    }
    if t.starts_operand(t.at) || t.here() == "{" || t.here() == "-" || t.here() == "if" {
        let diagnostic = t
            .error("a `=` is missing")
            .at(t.here_span(), "the value starts here")
            .fix(end, " =", "write it");
        return Some(diagnostic);
    }
    None
}

/// `language`, `sum for A in space x`
fn missing_end(t: &Trouble) -> Option<Diagnostic> {
    let before = t.before(1);
    if t.at == 1 && before == "language" {
        let diagnostic = t
            .error("`language` is followed by a number")
            .at(t.before_span(), "which version?");
        let remark = "this is version 1";
        return Some(match t.at_end() || t.first(t.at) {
            true => diagnostic.fix(t.behind_before(), " 1", remark),
            false => diagnostic.fix(t.here_span(), "1", remark),
        });
    }
    if before == "for" && t.before(2) == "sum" && t.kind(t.at) == Some(TokenKind::Word) {
        let diagnostic = t
            .error("`sum for` goes through axes")
            .at(t.here_span(), "axes start in upper case")
            .fix(
                t.here_span(),
                capitalised(t.here()),
                "write the axis in upper case",
            );
        return Some(diagnostic);
    }
    if t.before(2) == "for" && t.before(3) == "sum" && t.ends_operand(t.at - 1) {
        let diagnostic = t
            .error(format!("`in` is missing after `{before}`"))
            .at(t.here_span(), "the axes to go through start here")
            .fix(t.behind_before(), " in", "write it");
        return Some(diagnostic);
    }
    let sum_for = (0..t.at).rev().take(12).any(|at| t.word(at) == "for");
    if sum_for && t.expects(Rule::colon) && !t.expects(Rule::assign) && t.at > 0 {
        let diagnostic = t
            .error("a `:` is missing after the axes of `sum for`")
            .at(t.behind_before(), "here")
            .fix(t.behind_before(), ":", "write it");
        return Some(diagnostic);
    }
    None
}

/// `(a, b)` and `minimize a, b`
fn commas(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "," {
        return None;
    }
    let span = t.here_span();
    match t.place() {
        Place::Group => {
            let diagnostic = t
                .error("parentheses hold one value")
                .at(span, "a second one follows")
                .help("a list is `[a, b]`");
            Some(diagnostic)
        }
        Place::Top | Place::Block => {
            let diagnostic = t
                .error("one value is expected")
                .at(span, "a second one follows")
                .help("a list is `[a, b]`");
            Some(diagnostic)
        }
        _ => None,
    }
}

/// `let in = 1`
fn reserved_word(t: &Trouble) -> Option<Diagnostic> {
    let here = t.here();
    let expected = t.expects_value() || t.expects_name() || t.expects_kind();
    // The name of an argument may be reserved, so the grammar gets stuck behind the word.
    let argument = t.place() == Place::Arguments
        && is_reserved(t.before(1))
        && matches!(t.before(2), "(" | ",");
    let (word, span) = match () {
        () if argument => (t.before(1), t.before_span()),
        () if is_reserved(here) && expected => (here, t.here_span()),
        () => return None,
    };
    let diagnostic = t
        .error(format!("`{word}` is a reserved word and cannot be a name"))
        .at(span, "reserved")
        .help(format!("choose another name, for example `{word}_`"));
    Some(diagnostic)
}

/// `{` where no body is.
fn braces(t: &Trouble) -> Option<Diagnostic> {
    if t.here() != "{" {
        return None;
    }
    let diagnostic = t
        .error("braces hold only the body of a `fn` or a `loss`")
        .at(t.here_span(), "not expected here");
    Some(if t.open_if().is_some() {
        diagnostic.help("write `if condition then a else b`, without braces")
    } else {
        diagnostic.help("a list is `[a, b]`")
    })
}

/// `f(a b)`, `2 x`
fn adjacent_operands(t: &Trouble) -> Option<Diagnostic> {
    let adjacent = t.at > 0 && t.ends_operand(t.at - 1) && t.starts_operand(t.at);
    adjacent.then(|| two_operands(t))
}

/// Two values side by side: a comma or an operator is missing.
pub(in crate::ast) fn two_operands(t: &Trouble) -> Diagnostic {
    let (before, here) = (t.before(1), t.here());
    let end = t.behind_before();
    if before == "return" {
        let span = t.before_span();
        let word_and_blank = crate::source::Span {
            end: t.here_span().start,
            ..span
        };
        return t
            .error("there is no `return`")
            .at(span, "not expected here")
            .help("the last line of a body is its value")
            .fix(word_and_blank, "", "remove it");
    }
    if before == "lambda" {
        return t
            .error("there are no functions without a name")
            .at(t.before_span(), "not expected here")
            .help("define it as an item, `fn name(x: real) = ...`");
    }
    if here == "for" {
        return t
            .error("there are no loops")
            .at(t.here_span(), "not expected here")
            .help("reductions such as `sum[N](x)` and `mean[space](x)` go through axes");
    }
    let clause = matches!(here, "over" | "per" | "of") && t.place() != Place::Arguments;
    if clause && !t.starts_operand(t.at + 1) {
        return t
            .error(format!("an axis is missing after `{here}`"))
            .at(t.here_span(), "of which axis are the classes?")
            .help(format!("for example `{here} C`"));
    }
    let listed = matches!(
        t.place(),
        Place::Arguments
            | Place::Options
            | Place::List
            | Place::Bracket
            | Place::TypeAxes
            | Place::Range
    );
    let place = t.opener();
    if listed {
        let mut diagnostic = t
            .error(format!("a comma is missing before `{here}`"))
            .at(t.here_span(), "a new entry, or the rest of the one before?");
        if let Some(opener) = place {
            let closer = closer_of(t.word(opener));
            diagnostic =
                diagnostic.note(format!("entries are separated by `,` up to the `{closer}`"));
        }
        return diagnostic.fix(end, ",", "write the comma");
    }
    t.error(format!("an operator is missing before `{here}`"))
        .at(t.here_span(), "not expected here")
        .also(t.before_span(), "the value ends here")
        .help("a new expression starts on a new line")
}
