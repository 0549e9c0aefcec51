//! Tokens → pieces, one for each line that starts an item.
//!
//! Here brackets are paired and nesting is limited, so that neither the grammar nor the
//! conversion can run out of stack. A mistake in one piece leaves the others readable.

use super::grammar::{ITEM_WORDS, is_reserved};
use super::scan::{Token, TokenKind};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// How deep brackets, `if` and `sum for` may nest, counted together.
pub(super) const MAX_NESTING: usize = 64;

/// How many mistakes of one file are reported.
pub(super) const MAX_ERRORS: usize = 20;

/// The tokens of one item, and of expressions on the lines below it.
#[derive(Debug)]
pub(super) struct Piece {
    pub tokens: std::ops::Range<usize>,
    /// Whether its brackets do not pair, which has been reported.
    pub broken: bool,
}

/// Cuts the text; what is wrong with brackets goes into `found`. An error ends the reading.
pub(super) fn cut(
    file: FileId,
    text: &str,
    tokens: &[Token],
    found: &mut Vec<Diagnostic>,
) -> Result<Vec<Piece>, Box<Diagnostic>> {
    let mut cutter = Cutter {
        file,
        text,
        tokens,
        open: Vec::new(),
        forms: 0,
        nesting: 0,
        start: 0,
        broken: false,
        pieces: Vec::new(),
        found,
    };
    for at in 0..tokens.len() {
        if cutter.found.len() >= MAX_ERRORS {
            return Ok(Vec::new());
        }
        cutter.token(at)?;
    }
    cutter.unclosed(0, None);
    cutter.end_piece(tokens.len());
    Ok(cutter.pieces)
}

/// An open bracket.
struct Open {
    token: usize,
    /// Whether it opens a range, `in (0, 1]`, which either kind of bracket closes.
    range: bool,
    /// The `if` and `sum for` since the last comma of the surrounding bracket.
    outer_forms: usize,
}

struct Cutter<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    open: Vec<Open>,
    /// The `if` and `sum for` since the last comma of the innermost bracket.
    forms: usize,
    /// The open brackets and all `if` and `sum for` that may still be open.
    nesting: usize,
    start: usize,
    broken: bool,
    pieces: Vec<Piece>,
    found: &'a mut Vec<Diagnostic>,
}

impl Cutter<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens
            .get(at)
            .map_or("", |t| &self.text[t.start..t.end])
    }

    fn span(&self, at: usize) -> Span {
        let token = self.tokens[at];
        Span::new(self.file, token.start, token.end)
    }

    fn token(&mut self, at: usize) -> Result<(), Box<Diagnostic>> {
        if self.tokens[at].first && at > self.start {
            self.line(at);
        }
        match self.text(at) {
            "(" | "[" | "{" => {
                let range = at > 0 && self.text(at - 1) == "in";
                self.nest(at)?;
                self.open.push(Open {
                    token: at,
                    range,
                    outer_forms: self.forms,
                });
                self.forms = 0;
            }
            ")" | "]" | "}" => self.close(at),
            "," => self.end_forms(),
            ";" => {
                self.close_to_block(at);
                self.end_forms();
            }
            // A chain of `else if` does not nest.
            "if" if at == 0 || self.text(at - 1) != "else" => {
                self.nest(at)?;
                self.forms += 1;
            }
            "for" if at > 0 && self.text(at - 1) == "sum" => {
                self.nest(at)?;
                self.forms += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn nest(&mut self, at: usize) -> Result<(), Box<Diagnostic>> {
        self.nesting += 1;
        if self.nesting <= MAX_NESTING {
            return Ok(());
        }
        let diagnostic = Diagnostic::error(
            Code::TooDeep,
            format!("brackets, `if` and `sum for` are nested more than {MAX_NESTING} deep"),
        )
        .at(self.span(at), "one too many")
        .help("split it with `let`");
        Err(Box::new(diagnostic))
    }

    fn end_forms(&mut self) {
        self.nesting -= self.forms;
        self.forms = 0;
    }

    fn pop(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.end_forms();
        self.nesting -= 1;
        self.forms = open.outer_forms;
        Some(open)
    }

    /// The first token of a line: perhaps a new item, perhaps proof that a bracket is not closed.
    fn line(&mut self, at: usize) {
        if self.open.is_empty() {
            if self.starts_item(at) {
                self.end_piece(at);
            }
        } else if self.starts_item_for_sure(at) {
            let block = self.open.iter().rposition(|o| self.text(o.token) == "{");
            match block {
                Some(block) if self.text(at) == "let" => self.unclosed(block + 1, Some(at)),
                _ => {
                    self.unclosed(0, Some(at));
                    self.end_piece(at);
                }
            }
        }
    }

    /// Whether a line outside brackets starts an item: a word of the language does, and so do two
    /// words in a row, which is no expression.
    fn starts_item(&self, at: usize) -> bool {
        let word = self.text(at);
        if ITEM_WORDS.contains(&word) {
            return true;
        }
        // A `use` ends with its line: the points of what stands below are not those of its name.
        let goes_on = word == "as" || matches!(self.text(at - 1), "use" | "as");
        if self.text(self.start) == "use" && !goes_on {
            return true;
        }
        let operand_before = match self.tokens[at - 1].kind {
            TokenKind::Word => !is_reserved(self.text(at - 1)),
            TokenKind::Symbol => matches!(self.text(at - 1), ")" | "]" | "}" | ";"),
            _ => true,
        };
        // What is indented below an unknown item, such as a function of Python, is part of it.
        let indented = !self.text[..self.tokens[at].start].ends_with('\n');
        let part = indented && is_unknown_item(self.text, &self.tokens[self.start..]);
        operand_before && !part && is_unknown_item(self.text, &self.tokens[at..])
    }

    /// Whether a line inside brackets can be nothing but an item: an item word may also be the
    /// name of an argument.
    fn starts_item_for_sure(&self, at: usize) -> bool {
        let Some(next) = self.tokens.get(at + 1) else {
            return false;
        };
        // Inputs, and what is minimized, may be said in a test.
        let in_test = self.open.len() == 1 && self.text(self.start) == "test";
        if in_test && matches!(self.text(at), "task" | "input" | "minimize") {
            return false;
        }
        match self.text(at) {
            "minimize" => !matches!(self.text(at + 1), "=" | "," | ":" | ")" | "]"),
            word => ITEM_WORDS.contains(&word) && next.kind != TokenKind::Symbol,
        }
    }

    fn close(&mut self, at: usize) {
        let closer = self.text(at).to_owned();
        let closes = |open: &Open| {
            let opener = self.text(open.token);
            closer == closer_of(opener) || (open.range && matches!(closer.as_str(), ")" | "]"))
        };
        match self.open.iter().rposition(closes) {
            // `([a)]`: this one and the next have changed places.
            Some(depth)
                if depth + 2 == self.open.len()
                    && self.tokens.get(at + 1).is_some_and(|_| {
                        self.text(at + 1) == closer_of(self.text(self.open[depth + 1].token))
                    }) =>
            {
                let inner = self.open[depth + 1].token;
                let (first, second) = (self.span(at), self.span(at + 1));
                let both = Span::new(self.file, first.start as usize, second.end as usize);
                let turned = format!("{}{closer}", closer_of(self.text(inner)));
                let diagnostic = Diagnostic::error(
                    Code::Syntax,
                    format!("`{closer}` comes before the end of `{}`", self.text(inner)),
                )
                .at(first, "closed too early")
                .also(self.span(inner), "this one is still open")
                .fix(both, turned, "close the inner one first");
                self.found.push(diagnostic);
                self.broken = true;
                // Both are taken as closed: the next closer closes what is left.
                self.open.swap(depth, depth + 1);
                self.pop();
            }
            Some(depth) => {
                self.unclosed(depth + 1, Some(at));
                self.pop();
            }
            None => {
                let span = self.span(at);
                // If the right bracket follows, this one is superfluous.
                let stray = self
                    .open
                    .last()
                    .is_some_and(|open| self.text(at + 1) == closer_of(self.text(open.token)));
                let popped = if stray { None } else { self.pop() };
                let diagnostic = match popped {
                    Some(open) => {
                        let opener = self.text(open.token);
                        Diagnostic::error(
                            Code::Syntax,
                            format!("`{opener}` is closed by `{closer}`"),
                        )
                        .at(span, format!("expected `{}`", closer_of(opener)))
                        .also(self.span(open.token), "opened here")
                        .fix(
                            span,
                            closer_of(opener),
                            "close it with its own kind",
                        )
                    }
                    None => Diagnostic::error(Code::Syntax, format!("`{closer}` closes nothing"))
                        .at(span, "no such bracket is open here")
                        .fix(span, "", "remove it"),
                };
                self.broken = true;
                self.found.push(diagnostic);
            }
        }
    }

    /// At a `;`: only braces can be open.
    fn close_to_block(&mut self, at: usize) {
        if let Some(block) = self.open.iter().rposition(|o| self.text(o.token) == "{") {
            self.unclosed(block + 1, Some(at));
        }
    }

    /// Reports the open brackets from `depth` on, and closes them.
    fn unclosed(&mut self, depth: usize, at: Option<usize>) {
        let open: Vec<usize> = self.open[depth..].iter().map(|o| o.token).collect();
        let [outer @ .., last] = open.as_slice() else {
            return;
        };
        let opener = self.text(*last);
        let mut diagnostic = Diagnostic::error(Code::Syntax, format!("`{opener}` is never closed"))
            .at(self.span(*last), "");
        for token in outer.iter().rev().take(4) {
            diagnostic = diagnostic.also(self.span(*token), "this one is not closed either");
        }
        let end = at.unwrap_or(self.tokens.len());
        let last_span = self.span(end - 1);
        let place = Span::new(self.file, last_span.end as usize, last_span.end as usize);
        diagnostic = match at {
            Some(at) => diagnostic.also(self.span(at), "the text goes on here"),
            None => diagnostic.also(place, "the text ends here"),
        };
        let closers: String = open
            .iter()
            .rev()
            .take(5)
            .map(|token| closer_of(self.text(*token)))
            .collect();
        let text = format!("add the missing `{closers}`, perhaps here");
        diagnostic = diagnostic.guess(place, closers, text);
        // A quote without its end swallows the bracket, and is reported by itself.
        if !self.text(end - 1).starts_with(['"', '\'']) {
            self.found.push(diagnostic);
        }
        self.broken = true;
        while self.open.len() > depth {
            self.pop();
        }
    }

    fn end_piece(&mut self, end: usize) {
        if end > self.start {
            self.pieces.push(Piece {
                tokens: self.start..end,
                broken: std::mem::take(&mut self.broken),
            });
        }
        self.start = end;
        self.end_forms();
    }
}

/// Whether the tokens start with two words that can be neither an item nor an expression.
pub(super) fn is_unknown_item(text: &str, tokens: &[Token]) -> bool {
    let [first, second, ..] = tokens else {
        return false;
    };
    let word = |t: &Token| &text[t.start..t.end];
    let upper =
        first.kind == TokenKind::Axis && ITEM_WORDS.contains(&word(first).to_lowercase().as_str());
    if !(first.kind == TokenKind::Word || upper) || second.first {
        return false;
    }
    // A type may go on with its class axis on the next line; `elif` has a message of its own.
    let goes_on = matches!(word(first), "over" | "per" | "of" | "elif");
    if is_reserved(word(first)) || goes_on || (word(first), word(second)) == ("sum", "for") {
        return false;
    }
    match second.kind {
        TokenKind::Word => {
            // Words that go on with an expression. `not` cannot, and has its own message too.
            !is_reserved(word(second))
        }
        TokenKind::Axis | TokenKind::Number => true,
        TokenKind::Symbol | TokenKind::Foreign => false,
    }
}

/// The bracket that closes `opener`.
pub(super) fn closer_of(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}
