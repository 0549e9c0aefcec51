//! Failures of the grammar, and what the conversion refuses, as diagnostics in our words.
//!
//! pest tells where it got stuck and which tokens it would have taken. The tokens around that
//! place say what the user probably meant: [`mistakes`] is a list of such guesses, tried in
//! order, and the last resort is a plain "expected … found …".

mod trouble;

mod mistakes;

mod brackets;
mod declarations;
mod operands;
mod spelling;
mod tests;
mod uses;

mod items;
mod refusals;

pub(super) mod foreign;

use pest::error::{Error, ErrorVariant, InputLocation};

use super::grammar::{INNER_WORDS, Rule, is_reserved};
use super::scan::Token;
use crate::diag::{Code, Diagnostic, or_list};
use crate::source::{FileId, Span};

pub(super) use items::unknown_item;
pub(super) use operands::two_operands;
pub(super) use refusals::*;
pub(super) use trouble::Trouble;
pub(super) use uses::misnamed;

/// The diagnostic for a piece that the grammar refuses.
pub(super) fn syntax(
    file: FileId,
    text: &str,
    tokens: &[Token],
    base: usize,
    error: &Error<Rule>,
) -> Diagnostic {
    let offset = base
        + match error.location {
            InputLocation::Pos(at) => at,
            InputLocation::Span((at, _)) => at,
        };
    // The first token that ends behind the place, or none at the end of the piece.
    let at = tokens.partition_point(|t| t.end <= offset);
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        // pest has only one message of its own: the stack is nearly used up.
        ErrorVariant::CustomError { .. } => {
            let trouble = Trouble::new(file, text, tokens, at, &[]);
            return too_deep(trouble.here_span());
        }
    };
    let mut trouble = Trouble::new(file, text, tokens, at, expected);
    // The grammar takes an expression behind an item for the next item, and gets stuck later.
    if let Some(early) = (1..at.min(tokens.len())).find(|at| trouble.is_adjacent(*at)) {
        trouble = Trouble::new(file, text, tokens, early, &[]);
    }
    mistakes::guess(&trouble).unwrap_or_else(|| plain(&trouble))
}

/// The diagnostic for a text without a single token.
pub(super) fn empty(file: FileId, text: &str) -> Diagnostic {
    let only = if text.contains('#') {
        "the spec holds only comments"
    } else {
        "the spec is empty"
    };
    Diagnostic::error(Code::Empty, only)
        .at(Span::new(file, 0, 0), "")
        .help("write what to minimize, for example `minimize dice()`")
}

/// How a message calls a token.
fn named(word: &str) -> String {
    match word {
        "" => "the end".to_owned(),
        _ if INNER_WORDS.contains(&word) || is_reserved(word) => format!("the word `{word}`"),
        _ => format!("`{word}`"),
    }
}

/// What is said when no guess fits.
fn plain(trouble: &Trouble) -> Diagnostic {
    let found = named(trouble.here());
    let mut expected: Vec<&str> = Vec::new();
    for rule in trouble.expected {
        let words = describe(*rule);
        if !words.is_empty() && !expected.contains(&words) {
            expected.push(words);
        }
    }
    expected.sort_by_key(|words| ORDER.iter().position(|o| o == words));
    let span = match trouble.at_end() {
        true => trouble.before_span(),
        false => trouble.here_span(),
    };
    let label = match trouble.at_end() {
        true => "the text ends here",
        false => "not expected here",
    };
    if expected.is_empty() || expected.len() > 5 {
        return trouble
            .error(format!("{found} is not expected here"))
            .at(span, "");
    }
    let expected = or_list(&expected);
    trouble
        .error(format!("expected {expected}, found {found}"))
        .at(span, label)
}

/// The descriptions in the order in which a sentence gives them.
const ORDER: &[&str] = &[ITEM, VALUE, NAME, KIND, NUMBER, INTEGER, AXIS, OPERATOR];

const ITEM: &str = "an item";
const VALUE: &str = "an expression";
const NAME: &str = "a name";
const KIND: &str = "a kind";
const NUMBER: &str = "a number";
const INTEGER: &str = "a whole number";
const AXIS: &str = "an axis";
const OPERATOR: &str = "an operator";

/// What a rule stands for; nothing for rules that go without saying.
fn describe(rule: Rule) -> &'static str {
    match rule {
        Rule::ident | Rule::keyword | Rule::binding | Rule::option | Rule::declared => NAME,
        Rule::kind
        | Rule::tensor
        | Rule::type_expr
        | Rule::cast_type
        | Rule::one_of
        | Rule::one_of_words => KIND,
        Rule::axis_name
        | Rule::axis_or_role
        | Rule::axis_ref
        | Rule::axis_set
        | Rule::sized_axis
        | Rule::type_axis
        | Rule::entry
        | Rule::pack
        | Rule::ellipsis => AXIS,
        Rule::number | Rule::bound => NUMBER,
        Rule::integer | Rule::signed => INTEGER,
        Rule::expr
        | Rule::postfix
        | Rule::if_expr
        | Rule::sum_for
        | Rule::sum_for_words
        | Rule::paren
        | Rule::list
        | Rule::boolean
        | Rule::bare_item
        | Rule::argument
        | Rule::body
        | Rule::block
        | Rule::kw_if
        | Rule::kw_true
        | Rule::kw_false
        | Rule::kw_inf
        | Rule::neg_op
        | Rule::not_op => VALUE,
        Rule::add_op
        | Rule::sub_op
        | Rule::mul_op
        | Rule::div_op
        | Rule::pow_op
        | Rule::and_op
        | Rule::or_op
        | Rule::eq
        | Rule::ne
        | Rule::lt
        | Rule::le
        | Rule::gt
        | Rule::ge => OPERATOR,
        Rule::kw_language
        | Rule::kw_use
        | Rule::kw_task
        | Rule::kw_axis
        | Rule::kw_input
        | Rule::kw_param
        | Rule::kw_ignore
        | Rule::kw_let
        | Rule::kw_term
        | Rule::kw_report
        | Rule::kw_minimize
        | Rule::kw_fn
        | Rule::kw_loss
        | Rule::language_item
        | Rule::use_item
        | Rule::task_item
        | Rule::axis_item
        | Rule::input_item
        | Rule::param_item
        | Rule::ignore_item
        | Rule::let_item
        | Rule::term_item
        | Rule::report_item
        | Rule::minimize_item
        | Rule::fn_item
        | Rule::loss_item
        | Rule::kw_test
        | Rule::test_item => ITEM,
        Rule::kw_expect | Rule::expect_value | Rule::expect_error => "`expect`",
        Rule::about => "`≈`",
        Rule::kw_within => "`within`",
        Rule::string => "a name in double quotes",
        Rule::kw_on => "`on`",
        Rule::kw_as => "`as`",
        Rule::kw_in => "`in`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::assign => "`=`",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::semicolon => "`;`",
        Rule::open | Rule::options | Rule::arguments => "`(`",
        Rule::close => "`)`",
        Rule::open_bracket => "`[`",
        Rule::close_bracket => "`]`",
        Rule::open_brace => "`{`",
        Rule::close_brace => "`}`",
        _ => "",
    }
}
