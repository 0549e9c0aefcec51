//! The commonest mistakes, each with its own words and, where there is one, its correction.

use super::brackets::{braces, brackets, colon, commas};
use super::declarations::{
    definition_head, equals_sign, item_word, missing_equals, missing_semicolon, semicolon,
};
use super::operands::{
    adjacent_operands, if_forms, misplaced_not, missing_end, missing_operand, on_operands,
};
use super::spelling::{reserved_word, spelling_of_names, types};
use super::tests::test_item;
use super::trouble::Trouble;
use super::uses::use_item;
use crate::diag::Diagnostic;

/// A guess: the diagnostic if the tokens look like this mistake.
type Guess = fn(&Trouble) -> Option<Diagnostic>;

/// The guesses in the order in which they are tried: the more specific come first.
const GUESSES: &[Guess] = &[
    use_item,
    test_item,
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
