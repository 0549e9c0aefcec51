//! Which token each comment belongs to.

use super::doc::Lead;
use crate::ast::scan::Scan;

/// The tokens of a text, each with the comments before it and behind it.
pub(super) struct Remarks<'t> {
    text: &'t str,
    scan: Scan,
    /// For each token, and for the end of the text, the comments on lines of their own before it.
    lead: Vec<Vec<Lead>>,
    /// For each token the comment behind it on its line.
    trail: Vec<Option<&'t str>>,
    /// For each token whether an empty line comes right before it.
    blank: Vec<bool>,
}

impl<'t> Remarks<'t> {
    pub fn new(text: &'t str, scan: Scan) -> Remarks<'t> {
        let count = scan.tokens.len();
        let mut remarks = Remarks {
            text,
            lead: vec![Vec::new(); count + 1],
            trail: vec![None; count],
            blank: vec![false; count + 1],
            scan,
        };
        let mut comments = remarks.scan.comments.iter().peekable();
        let mut end = 0;
        for next in 0..=count {
            let start = remarks
                .scan
                .tokens
                .get(next)
                .map_or(text.len(), |t| t.start);
            while let Some(comment) = comments.next_if(|c| c.start < start) {
                let words = text[comment.start..comment.end].trim_end();
                match next.checked_sub(1) {
                    Some(before) if !comment.alone => remarks.trail[before] = Some(words),
                    _ => remarks.lead[next].push(Lead {
                        blank: has_empty_line(&text[end..comment.start]),
                        text: words.to_owned(),
                    }),
                }
                end = comment.end;
            }
            remarks.blank[next] = has_empty_line(&text[end..start]);
            end = remarks.scan.tokens.get(next).map_or(end, |t| t.end);
        }
        remarks
    }

    /// How many tokens there are.
    pub fn count(&self) -> usize {
        self.scan.tokens.len()
    }

    /// The text of a token.
    pub fn token(&self, at: usize) -> &'t str {
        let token = self.scan.tokens.get(at);
        token.map_or("", |token| &self.text[token.start..token.end])
    }

    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// Whether a token is the first of its line.
    pub fn is_first(&self, at: usize) -> bool {
        self.scan.tokens.get(at).is_some_and(|token| token.first)
    }

    /// The number of the first token at or behind an offset.
    pub fn at(&self, offset: usize) -> usize {
        self.scan.tokens.partition_point(|t| t.start < offset)
    }

    pub fn has_blank(&self, at: usize) -> bool {
        self.blank[at]
    }

    pub fn has_lead(&self, at: usize) -> bool {
        !self.lead[at].is_empty()
    }

    pub fn has_trail(&self, at: usize) -> bool {
        self.trail.get(at).is_some_and(Option::is_some)
    }

    pub fn take_lead(&mut self, at: usize) -> Vec<Lead> {
        std::mem::take(&mut self.lead[at])
    }

    pub fn take_trail(&mut self, at: usize) -> Option<&'t str> {
        self.trail.get_mut(at)?.take()
    }

    /// Whether there is any comment behind the token `from` and before the token `to`.
    pub fn any_between(&self, from: usize, to: usize) -> bool {
        (from..to).any(|at| self.has_trail(at)) || (from + 1..=to).any(|at| self.has_lead(at))
    }

    /// Lets the comment behind token `from` stand behind its neighbour `to`, if no other is in
    /// the way.
    pub fn move_trail(&mut self, from: usize, to: usize) {
        let between = from.max(to);
        if self.has_trail(from) && !self.has_trail(to) && !self.has_lead(between) {
            self.trail[to] = self.trail[from].take();
        }
    }
}

fn has_empty_line(blank: &str) -> bool {
    blank.replace("\r\n", "\n").matches(['\n', '\r']).count() > 1
}
