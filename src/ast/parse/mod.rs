//! Text → [`Ast`]: scans, cuts into pieces, parses each piece and converts what pest made of it.
//!
//! Only this folder walks pest's pairs. It never panics: where a pair is missing that the grammar
//! promises, the result is a diagnostic that says so.

mod exprs;
mod items;
mod types;

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use super::errors::{self, foreign};
use super::grammar::{Grammar, Rule};
use super::pieces::{self, MAX_ERRORS, Piece};
use super::scan::{self, Comment, Scan, Token};
use super::tree::{Ast, Ident, Item, ItemKind, Test};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// Reads a spec. Every mistake goes into `diags`; there is a tree only if there is none.
pub fn parse(file: FileId, text: &str, diags: &mut Diagnostics) -> Option<Ast> {
    parse_items(file, text, true, diags)
}

/// Reads a spec without its tests, which take as long to read as all else and are of no use to who calls
/// its definitions.
pub fn parse_without_tests(file: FileId, text: &str, diags: &mut Diagnostics) -> Option<Ast> {
    parse_items(file, text, false, diags)
}

fn parse_items(file: FileId, text: &str, tests: bool, diags: &mut Diagnostics) -> Option<Ast> {
    let mut found = Vec::new();
    let items = read(file, text, tests, &mut found).unwrap_or_else(|fatal| {
        found.push(*fatal);
        Vec::new()
    });
    let fine = found.is_empty();
    for diagnostic in found.into_iter().take(MAX_ERRORS) {
        diags.push(diagnostic);
    }
    fine.then(|| Ast {
        items,
        span: Span::new(file, 0, text.len()),
    })
}

fn read(file: FileId, text: &str, tests: bool, found: &mut Vec<Diagnostic>) -> Parsed<Vec<Item>> {
    let Scan { tokens, comments } = scan::scan(file, text)?;
    if tokens.is_empty() {
        return Err(Box::new(errors::empty(file, text)));
    }
    let mut items = Vec::new();
    let pieces = pieces::cut(file, text, &tokens, found)?;
    let misnamed = errors::misnamed(text, &tokens, &pieces);
    let source = Source {
        file,
        text,
        tokens: &tokens,
        misnamed: &misnamed,
    };
    for piece in pieces {
        if found.len() >= MAX_ERRORS {
            break;
        }
        match unread_test(file, text, &tokens[piece.tokens.clone()]) {
            Some(test) if !tests => items.push(test),
            _ => read_piece(&source, &piece, &mut items, found),
        }
    }
    attach_docs(text, &comments, &mut items);
    if !tests {
        items.retain(|item| !matches!(item.kind, ItemKind::Test(_)));
    }
    Ok(items)
}

/// An empty test in the place of one that is not read, so that comments still belong to what they stand by.
fn unread_test(file: FileId, text: &str, tokens: &[Token]) -> Option<Item> {
    let [first, name, .., last] = tokens else {
        return None;
    };
    let is_test = &text[first.start..first.end] == "test" && text[name.start..].starts_with('"');
    let span = Span::new(file, first.start, last.end);
    let test = Test {
        name: String::new(),
        span,
        statements: Vec::new(),
    };
    is_test.then_some(Item {
        doc: None,
        kind: ItemKind::Test(test),
        span,
    })
}

/// The text while its pieces are read.
struct Source<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    /// What `use` items with mistakes name.
    misnamed: &'a [&'a str],
}

fn read_piece(source: &Source, piece: &Piece, items: &mut Vec<Item>, found: &mut Vec<Diagnostic>) {
    let Source { file, text, .. } = *source;
    let tokens = &source.tokens[piece.tokens.clone()];
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return;
    };
    if let Some(diagnostic) = errors::unknown_item(file, text, tokens) {
        found.push(diagnostic);
        return;
    }
    let foreign = foreign::report(file, text, tokens, source.misnamed, found);
    if piece.broken || foreign {
        return;
    }

    let base = first.start;
    let pairs = match Grammar::parse(Rule::file, &text[base..last.end]) {
        Ok(pairs) => pairs,
        Err(error) => {
            found.push(errors::syntax(file, text, tokens, base, &error));
            return;
        }
    };
    let cx = Cx {
        file,
        text,
        tokens,
        base,
    };
    let pairs = pairs.flat_map(Pair::into_inner);
    for pair in pairs.filter(|p| p.as_rule() != Rule::EOI) {
        match items::item(&cx, pair) {
            Ok(item) => items.push(item),
            Err(diagnostic) => found.push(*diagnostic),
        }
    }
}

/// Gives each item the doc comments on the lines before it and behind it on its last line.
fn attach_docs(text: &str, comments: &[Comment], items: &mut [Item]) {
    let mut comments = comments.iter().filter(|c| c.doc).peekable();
    for item in items {
        let (start, end) = (item.span.start as usize, item.span.end as usize);
        let mut lines = Vec::new();
        while let Some(comment) = comments.next_if(|c| c.start < start) {
            if comment.alone {
                lines.push(doc_line(text, comment));
            }
        }
        // Remarks inside the item belong to its parts.
        while comments.next_if(|c| c.start < end).is_some() {}
        let behind = |c: &&Comment| {
            let between = text.get(end..c.start).unwrap_or("");
            !c.alone && between.trim_matches([' ', '\t']).is_empty()
        };
        if let Some(comment) = comments.next_if(|c| behind(c)) {
            lines.push(doc_line(text, comment));
        }
        if !lines.is_empty() {
            item.doc = Some(lines.join("\n"));
        }
    }
}

fn doc_line<'t>(text: &'t str, comment: &Comment) -> &'t str {
    let line = text[comment.start..comment.end].trim_end();
    let line = line.strip_prefix("##").unwrap_or(line);
    line.strip_prefix(' ').unwrap_or(line)
}

/// A part of the tree, or why there is none.
type Parsed<T> = Result<T, Box<Diagnostic>>;

/// What the conversion of one piece needs to know.
struct Cx<'a> {
    file: FileId,
    /// The whole text.
    text: &'a str,
    /// The tokens of the piece.
    tokens: &'a [Token],
    /// Where the piece starts in the text.
    base: usize,
}

impl Cx<'_> {
    /// The place of a token, or of a rule that ends with one.
    fn span(&self, pair: &Pair<Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.file, self.base + span.start(), self.base + span.end())
    }

    /// The place of a rule that may have blank space at its end.
    fn trimmed(&self, pair: &Pair<Rule>) -> Span {
        let span = self.span(pair);
        let before = self.tokens.partition_point(|t| t.start < span.end as usize);
        match self.tokens[..before].last() {
            Some(last) if last.end < span.end as usize => Span {
                end: last.end as u32,
                ..span
            },
            _ => span,
        }
    }

    fn ident(&self, pair: &Pair<Rule>) -> Ident {
        Ident {
            text: pair.as_str().to_owned(),
            span: self.span(pair),
        }
    }

    /// The error for a tree of pairs that the grammar cannot produce.
    fn disagreement(&self, span: Span) -> Box<Diagnostic> {
        let message = "internal error: the grammar and its reader disagree";
        let diagnostic = Diagnostic::error(Code::Syntax, message);
        Box::new(diagnostic.at(span, "about this").help("please report it"))
    }

    /// The parts of a pair, without keywords and punctuation.
    fn parts<'i>(&self, pair: Pair<'i, Rule>) -> Parts<'i> {
        Parts {
            whole: self.span(&pair),
            pairs: pair.into_inner(),
        }
    }
}

/// The parts of a pair, taken one after the other.
struct Parts<'i> {
    whole: Span,
    pairs: Pairs<'i, Rule>,
}

impl<'i> Parts<'i> {
    /// The next part, which the grammar promises.
    fn one(&mut self, cx: &Cx) -> Parsed<Pair<'i, Rule>> {
        self.next().ok_or_else(|| cx.disagreement(self.whole))
    }

    /// The next part if it is made by `rule`.
    fn one_if(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.skip();
        let pair = self.pairs.peek().filter(|p| p.as_rule() == rule)?;
        self.pairs.next();
        Some(pair)
    }

    fn skip(&mut self) {
        while self.pairs.peek().is_some_and(|p| is_mark(p.as_rule())) {
            self.pairs.next();
        }
    }
}

impl<'i> Iterator for Parts<'i> {
    type Item = Pair<'i, Rule>;

    fn next(&mut self) -> Option<Pair<'i, Rule>> {
        self.skip();
        self.pairs.next()
    }
}

/// Whether a rule is a word or a sign that carries nothing.
fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
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
            | Rule::kw_test
            | Rule::kw_expect
            | Rule::kw_error
            | Rule::kw_within
            | Rule::about
            | Rule::kw_on
            | Rule::kw_as
            | Rule::kw_in
            | Rule::kw_then
            | Rule::kw_else
            | Rule::one_of_words
            | Rule::sum_for_words
            | Rule::assign
            | Rule::point
            | Rule::comma
            | Rule::colon
            | Rule::semicolon
            | Rule::open_brace
            | Rule::close_brace
    ) || is_bracket(rule)
}

fn is_bracket(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::open | Rule::close | Rule::open_bracket | Rule::close_bracket
    )
}
