//! The pest parser and the table of precedences; `grammar/loss.pest` is the grammar itself.

// The derive makes public items without documentation.
#![allow(missing_docs)]

use pest::pratt_parser::{Assoc, ConstPrattParser, Op, pratt_precedence};
use pest_derive::Parser;

/// The parser that pest makes of `grammar/loss.pest`.
#[derive(Parser)]
#[grammar = "grammar/loss.pest"]
pub(super) struct Grammar;

/// The operators from the loosest to the tightest.
///
/// The minus sign stands below `^`, so that `-2^2` is `-(2^2)`. Comparisons are left associative
/// here and refused in chains before the table is asked.
pub(super) static PRECEDENCE: ConstPrattParser<Rule, 15> =
    ConstPrattParser::new_const(pratt_precedence![
        Op::infix(Rule::or_op, Assoc::Left),
        Op::infix(Rule::and_op, Assoc::Left),
        Op::prefix(Rule::not_op),
        Op::infix(Rule::eq, Assoc::Left)
            | Op::infix(Rule::ne, Assoc::Left)
            | Op::infix(Rule::lt, Assoc::Left)
            | Op::infix(Rule::le, Assoc::Left)
            | Op::infix(Rule::gt, Assoc::Left)
            | Op::infix(Rule::ge, Assoc::Left),
        Op::infix(Rule::add_op, Assoc::Left) | Op::infix(Rule::sub_op, Assoc::Left),
        Op::infix(Rule::mul_op, Assoc::Left) | Op::infix(Rule::div_op, Assoc::Left),
        Op::prefix(Rule::neg_op),
        Op::infix(Rule::pow_op, Assoc::Right),
    ]);

/// The words that start an item.
pub(super) const ITEM_WORDS: &[&str] = &[
    "language", "use", "task", "axis", "input", "param", "ignore", "let", "term", "report",
    "minimize", "fn", "loss", "test",
];

/// The reserved words inside expressions and definitions.
pub(super) const INNER_WORDS: &[&str] = &[
    "if", "then", "else", "and", "or", "not", "on", "as", "in", "true", "false", "inf",
];

/// Whether a word cannot be a name.
pub(super) fn is_reserved(word: &str) -> bool {
    ITEM_WORDS.contains(&word) || INNER_WORDS.contains(&word)
}

/// Whether a text is the name of a value, a function or a module.
pub fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let word = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    starts && word && !is_reserved(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pest::Parser;

    #[test]
    fn the_grammar_reserves_exactly_the_listed_words() {
        for word in [ITEM_WORDS, INNER_WORDS].concat() {
            assert!(Grammar::parse(Rule::ident, word).is_err(), "{word}");
            // A reserved word may be the beginning of a name.
            let longer = format!("{word}x");
            assert!(Grammar::parse(Rule::ident, &longer).is_ok(), "{longer}");
        }
        assert!(Grammar::parse(Rule::ident, "for").is_ok());
    }
}
