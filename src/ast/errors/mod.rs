//! Failures of the grammar, and what the conversion refuses, as diagnostics in our words.
//!
//! pest tells where it got stuck and which tokens it would have taken. The tokens around that
//! place say what the user probably meant: [`mistakes`] is a list of such guesses, tried in
//! order, and the last resort is a plain "expected … found …".

pub(super) mod foreign;
mod items;
mod mistakes;
mod refusals;

use pest::error::{Error, ErrorVariant, InputLocation};

use super::grammar::{INNER_WORDS, Rule, is_reserved};
use super::scan::{Token, TokenKind};
use crate::diag::{Code, Diagnostic, or_list};
use crate::source::{FileId, Span};

pub(super) use items::unknown_item;
pub(super) use mistakes::two_operands;
pub(super) use refusals::*;

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

/// Where the grammar got stuck.
pub(super) struct Trouble<'a> {
    file: FileId,
    text: &'a str,
    /// The tokens of the piece.
    tokens: &'a [Token],
    /// The first token that does not fit; at the end of the piece, the number of tokens.
    at: usize,
    /// What the grammar would have taken.
    expected: &'a [Rule],
}

/// What kind of bracket something stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// None.
    Top,
    /// `f(…)`
    Arguments,
    /// `loss f(…)`
    Options,
    /// `(…)`
    Group,
    /// `logits[…]`
    TypeAxes,
    /// `x[…]`
    Bracket,
    /// `[…]`
    List,
    /// `in [0, 1]`
    Range,
    /// `{…}`
    Block,
}

impl<'a> Trouble<'a> {
    pub(super) fn new(
        file: FileId,
        text: &'a str,
        tokens: &'a [Token],
        at: usize,
        expected: &'a [Rule],
    ) -> Trouble<'a> {
        Trouble {
            file,
            text,
            tokens,
            at,
            expected,
        }
    }

    fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::Syntax, message)
    }

    /// The text of a token; nothing where there is none.
    fn word(&self, at: usize) -> &'a str {
        let token = self.tokens.get(at);
        token.map_or("", |t| &self.text[t.start..t.end])
    }

    /// The text of the token that does not fit.
    fn here(&self) -> &'a str {
        self.word(self.at)
    }

    /// The text of the token `n` before the one that does not fit.
    fn before(&self, n: usize) -> &'a str {
        self.at.checked_sub(n).map_or("", |at| self.word(at))
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|t| t.kind)
    }

    fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Whether a token starts its line.
    fn first(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.first)
    }

    fn span(&self, at: usize) -> Span {
        match self.tokens.get(at) {
            Some(token) => Span::new(self.file, token.start, token.end),
            None => self.end_span(),
        }
    }

    /// The token that does not fit, or the place behind the last one.
    fn here_span(&self) -> Span {
        self.span(self.at)
    }

    /// The token before the one that does not fit.
    fn before_span(&self) -> Span {
        self.span(self.at.saturating_sub(1))
    }

    /// The place right behind the token before.
    fn behind_before(&self) -> Span {
        let end = self.before_span().end as usize;
        Span::new(self.file, end, end)
    }

    fn end_span(&self) -> Span {
        let end = self.tokens.last().map_or(0, |t| t.end);
        Span::new(self.file, end, end)
    }

    fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    /// Whether an expression could start at the place. Where several rules fail at the same
    /// place pest names the one around them, so this is any of a family, as are the next three.
    fn expects_value(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == VALUE)
    }

    fn expects_name(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == NAME)
    }

    fn expects_kind(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == KIND)
    }

    fn expects_axis(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == AXIS)
    }

    /// From the token here up to the next one.
    fn here_and_blank(&self) -> Span {
        match self.tokens.get(self.at + 1) {
            Some(next) => Span {
                end: next.start as u32,
                ..self.here_span()
            },
            None => self.here_span(),
        }
    }

    /// Whether a token can be the last of an operand.
    fn ends_operand(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(TokenKind::Axis | TokenKind::Number) => true,
            Some(TokenKind::Word) => {
                let word = self.word(at);
                !is_reserved(word) || matches!(word, "true" | "false" | "inf")
            }
            _ => matches!(self.word(at), ")" | "]"),
        }
    }

    /// Whether a token can be the first of an operand and nothing else.
    fn starts_operand(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(TokenKind::Axis | TokenKind::Number) => true,
            Some(TokenKind::Word) => {
                let word = self.word(at);
                !is_reserved(word) || matches!(word, "true" | "false" | "inf")
            }
            _ => matches!(self.word(at), "(" | "["),
        }
    }

    /// Whether a token starts an operand on the line on which another one has just ended.
    fn is_adjacent(&self, at: usize) -> bool {
        let starts = match self.kind(at) {
            Some(TokenKind::Axis | TokenKind::Number) => true,
            Some(TokenKind::Word) => !is_reserved(self.word(at)) || self.word(at) == "if",
            _ => false,
        };
        let (before, here) = (self.word(at - 1), self.word(at));
        // Words that are not reserved and have a meaning between two others.
        let clause = |word| matches!(word, "over" | "per" | "of" | "one" | "for");
        starts
            && !self.first(at)
            && self.ends_operand(at - 1)
            && !clause(here)
            && (!clause(before) || (before == "for" && self.kind(at) == Some(TokenKind::Word)))
    }

    /// Whether a token stands between two operands.
    fn is_infix(&self, at: usize) -> bool {
        is_infix(self.word(at))
    }

    /// The innermost bracket that is open where the grammar got stuck.
    fn opener(&self) -> Option<usize> {
        let mut closed = 0;
        for at in (0..self.at.min(self.tokens.len())).rev() {
            match self.word(at) {
                ")" | "]" | "}" => closed += 1,
                "(" | "[" | "{" if closed == 0 => return Some(at),
                "(" | "[" | "{" => closed -= 1,
                _ => {}
            }
        }
        None
    }

    fn place(&self) -> Place {
        let Some(at) = self.opener() else {
            return Place::Top;
        };
        let before = at.checked_sub(1).map_or("", |at| self.word(at));
        if before == "in" {
            return Place::Range;
        }
        let attached = at > 0 && self.ends_operand(at - 1) && !self.first(at);
        match self.word(at) {
            "{" => Place::Block,
            "(" if at == 2 && self.defines() => Place::Options,
            "(" if attached || before == "on" => Place::Arguments,
            "(" => Place::Group,
            _ if attached && self.is_kind(at - 1) => Place::TypeAxes,
            _ if attached => Place::Bracket,
            _ => Place::List,
        }
    }

    /// Whether the piece is a `fn` or a `loss`.
    fn defines(&self) -> bool {
        matches!(self.word(0), "fn" | "loss")
    }

    /// Whether a word is the kind of a type: it follows a colon, but not that of `sum for`.
    fn is_kind(&self, at: usize) -> bool {
        let Some(colon) = at.checked_sub(1).filter(|at| self.word(*at) == ":") else {
            return at > 0 && self.word(at - 1) == "as";
        };
        colon >= 1
            && self.kind(colon - 1) == Some(TokenKind::Word)
            && (colon < 2 || self.word(colon - 2) != "in")
    }

    /// The last `if` before the place, in the same bracket, that still needs a `then` or an
    /// `else`.
    fn open_if(&self) -> Option<(usize, &'static str)> {
        let start = self.opener().map_or(0, |at| at + 1);
        let mut depth = 0usize;
        let mut open: Vec<(usize, &'static str)> = Vec::new();
        for at in start..self.at.min(self.tokens.len()) {
            match self.word(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                "if" => open.push((at, "then")),
                "then" => {
                    if let Some(last) = open.last_mut() {
                        last.1 = "else";
                    }
                }
                "else" => {
                    open.pop();
                }
                "," | ";" => open.clear(),
                _ => {}
            }
        }
        open.pop()
    }
}

fn is_infix(word: &str) -> bool {
    matches!(
        word,
        "+" | "-" | "*" | "/" | "^" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or"
    )
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
        | Rule::kw_task
        | Rule::kw_axis
        | Rule::kw_input
        | Rule::kw_param
        | Rule::kw_let
        | Rule::kw_term
        | Rule::kw_report
        | Rule::kw_minimize
        | Rule::kw_fn
        | Rule::kw_loss
        | Rule::language_item
        | Rule::task_item
        | Rule::axis_item
        | Rule::input_item
        | Rule::param_item
        | Rule::let_item
        | Rule::term_item
        | Rule::report_item
        | Rule::minimize_item
        | Rule::fn_item
        | Rule::loss_item => ITEM,
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
        Rule::close_brace => "`}`",
        _ => "",
    }
}
