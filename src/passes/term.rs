//! The text of a rewrite rule → [`Term`]: a pattern of nodes with holes.
//!
//! ```text
//! log(moved(softmax[d](?x)))      sub(?x, broadcast(logsumexp[d..](?x)))      pow(?x, 0.5)
//! ```
//!
//! - `?x` is any node, the same wherever the name recurs.
//! - A number is a constant of that value (bit for bit) over any dims.
//! - `[d]` is one dim, `[d..]` any number of them, the same wherever the name recurs.
//! - `broadcast[d](…)` is a broadcast of something that lacks `d`, `broadcast(…)` any.
//! - `moved(…)` is a chain of none or more operations that only move entries: `broadcast`, `pick`,
//!   `at`, `slice`, `rename`, `shift` without zeros, `stop_grad`. In the result it is that chain.
//! - Everything else is an operation by its name in the text form of graphs. In the result,
//!   operands of elementwise operations are broadcast to each other.

use crate::ir::{MapOp, ReduceOp};

/// A pattern of nodes.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Term {
    /// `?x`, by its number in the rule.
    Hole(usize),
    /// A constant.
    Number(f64),
    /// `moved(…)`
    Moved(Box<Term>),
    /// An operation.
    Apply(Head, Vec<Term>),
}

/// An operation with its dims.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Head {
    Map(MapOp),
    Broadcast(Option<DimHole>),
    Softmax(DimHole),
    LogSoftmax(DimHole),
    Pick(DimHole),
    OneHot(DimHole),
    Reduce(ReduceOp, DimHole),
    Dot(DimHole),
    StopGrad,
}

/// A dim or a set of dims, by its number in the rule.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct DimHole {
    pub(super) number: usize,
    pub(super) many: bool,
}

/// The names of the holes of a rule, in order of appearance.
#[derive(Default)]
pub(super) struct Names<'t> {
    pub(super) holes: Vec<&'t str>,
    pub(super) dims: Vec<&'t str>,
}

/// Reads a term; holes that `names` has already are the same.
///
/// # Panics
/// If the text is no term: rules are part of the compiler.
pub(super) fn read<'t>(text: &'t str, names: &mut Names<'t>) -> Term {
    let mut reader = Reader { text, rest: text };
    let term = reader.term(names);
    reader.check(reader.rest.is_empty());
    term
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn check(&self, holds: bool) {
        assert!(
            holds,
            "rule `{}`: mistake before `{}`",
            self.text, self.rest
        );
    }

    fn skip(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest.trim_start();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        self.check(!word.is_empty());
        word
    }

    fn term(&mut self, names: &mut Names<'t>) -> Term {
        if self.skip("?") {
            let name = self.word();
            return Term::Hole(number(&mut names.holes, name));
        }
        let rest = self.rest.trim_start();
        if rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            let end = rest.find([',', ')']).unwrap_or(rest.len());
            let value = rest[..end].trim().parse();
            self.check(value.is_ok());
            self.rest = &rest[end..];
            return Term::Number(value.unwrap_or_default());
        }
        let name = self.word();
        let dim = self.dim(names);
        let mut args = Vec::new();
        self.check(self.rest.trim_start().starts_with('('));
        while self.skip("(") || self.skip(",") {
            args.push(self.term(names));
        }
        let closed = self.skip(")");
        self.check(closed);
        if name == "moved" {
            let inner = args.pop().map(Box::new);
            self.check(inner.is_some() && args.is_empty());
            return Term::Moved(inner.expect("checked"));
        }
        let head = head(name, dim);
        self.check(head.is_some());
        Term::Apply(head.expect("checked"), args)
    }

    fn dim(&mut self, names: &mut Names<'t>) -> Option<DimHole> {
        if !self.skip("[") {
            return None;
        }
        let name = self.word();
        let hole = DimHole {
            number: number(&mut names.dims, name),
            many: self.skip(".."),
        };
        let closed = self.skip("]");
        self.check(closed);
        Some(hole)
    }
}

fn number<'t>(names: &mut Vec<&'t str>, name: &'t str) -> usize {
    match names.iter().position(|other| *other == name) {
        Some(number) => number,
        None => {
            names.push(name);
            names.len() - 1
        }
    }
}

fn head(name: &str, dim: Option<DimHole>) -> Option<Head> {
    let Some(dim) = dim else {
        return match name {
            "broadcast" => Some(Head::Broadcast(None)),
            "stop_grad" => Some(Head::StopGrad),
            _ => MapOp::from_name(name).map(Head::Map),
        };
    };
    match name {
        "broadcast" => Some(Head::Broadcast(Some(dim))),
        "softmax" => Some(Head::Softmax(dim)),
        "log_softmax" => Some(Head::LogSoftmax(dim)),
        "pick" => Some(Head::Pick(dim)),
        "onehot" => Some(Head::OneHot(dim)),
        "dot" => Some(Head::Dot(dim)),
        _ => {
            let op = ReduceOp::ALL.iter().find(|op| op.name() == name)?;
            Some(Head::Reduce(*op, dim))
        }
    }
}
