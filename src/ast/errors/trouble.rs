//! Where the grammar got stuck, and what the tokens around that place tell.

use super::super::grammar::{Rule, is_reserved};
use super::super::scan::{Token, TokenKind};
use super::{AXIS, KIND, NAME, VALUE, describe};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Where the grammar got stuck.
pub(in crate::ast) struct Trouble<'a> {
    file: FileId,
    text: &'a str,
    /// The tokens of the piece.
    pub(super) tokens: &'a [Token],
    /// The first token that does not fit; at the end of the piece, the number of tokens.
    pub(super) at: usize,
    /// What the grammar would have taken.
    pub(super) expected: &'a [Rule],
}

/// What kind of bracket something stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
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
    pub(in crate::ast) fn new(
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

    pub(super) fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::Syntax, message)
    }

    /// The text of a token; nothing where there is none.
    pub(super) fn word(&self, at: usize) -> &'a str {
        let token = self.tokens.get(at);
        token.map_or("", |t| &self.text[t.start..t.end])
    }

    /// The text of the token that does not fit.
    pub(super) fn here(&self) -> &'a str {
        self.word(self.at)
    }

    /// The text of the token `n` before the one that does not fit.
    pub(super) fn before(&self, n: usize) -> &'a str {
        self.at.checked_sub(n).map_or("", |at| self.word(at))
    }

    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|t| t.kind)
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Whether a token starts its line.
    pub(super) fn first(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|t| t.first)
    }

    pub(super) fn span(&self, at: usize) -> Span {
        match self.tokens.get(at) {
            Some(token) => Span::new(self.file, token.start, token.end),
            None => self.end_span(),
        }
    }

    /// The token that does not fit, or the place behind the last one.
    pub(super) fn here_span(&self) -> Span {
        self.span(self.at)
    }

    /// The token before the one that does not fit.
    pub(super) fn before_span(&self) -> Span {
        self.span(self.at.saturating_sub(1))
    }

    /// The place right behind the token before.
    pub(super) fn behind_before(&self) -> Span {
        let end = self.before_span().end as usize;
        Span::new(self.file, end, end)
    }

    pub(super) fn end_span(&self) -> Span {
        let end = self.tokens.last().map_or(0, |t| t.end);
        Span::new(self.file, end, end)
    }

    pub(super) fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    /// Whether an expression could start at the place. Where several rules fail at the same
    /// place pest names the one around them, so this is any of a family, as are the next three.
    pub(super) fn expects_value(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == VALUE)
    }

    pub(super) fn expects_name(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == NAME)
    }

    pub(super) fn expects_kind(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == KIND)
    }

    pub(super) fn expects_axis(&self) -> bool {
        self.expected.iter().any(|rule| describe(*rule) == AXIS)
    }

    /// From the token here up to the next one.
    pub(super) fn here_and_blank(&self) -> Span {
        match self.tokens.get(self.at + 1) {
            Some(next) => Span {
                end: next.start as u32,
                ..self.here_span()
            },
            None => self.here_span(),
        }
    }

    /// Whether a token can be the last of an operand.
    pub(super) fn ends_operand(&self, at: usize) -> bool {
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
    pub(super) fn starts_operand(&self, at: usize) -> bool {
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
    pub(super) fn is_adjacent(&self, at: usize) -> bool {
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
    pub(super) fn is_infix(&self, at: usize) -> bool {
        is_infix(self.word(at))
    }

    /// The innermost bracket that is open where the grammar got stuck.
    pub(super) fn opener(&self) -> Option<usize> {
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

    pub(super) fn place(&self) -> Place {
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
    pub(super) fn defines(&self) -> bool {
        matches!(self.word(0), "fn" | "loss")
    }

    /// Whether a word is the kind of a type: it follows a colon, but not that of `sum for`.
    pub(super) fn is_kind(&self, at: usize) -> bool {
        let Some(colon) = at.checked_sub(1).filter(|at| self.word(*at) == ":") else {
            return at > 0 && self.word(at - 1) == "as";
        };
        colon >= 1
            && self.kind(colon - 1) == Some(TokenKind::Word)
            && (colon < 2 || self.word(colon - 2) != "in")
    }

    /// The last `if` before the place, in the same bracket, that still needs a `then` or an
    /// `else`.
    pub(super) fn open_if(&self) -> Option<(usize, &'static str)> {
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

pub(super) fn is_infix(word: &str) -> bool {
    matches!(
        word,
        "+" | "-" | "*" | "/" | "^" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or"
    )
}
