//! Documents that know where they may be broken (Wadler 2003), and how they are set in lines.
//!
//! Remarks are part of a document. One that stands behind a token ends its line, and one that
//! stands on lines of its own keeps them, so a group that has a remark inside is always broken.

use std::mem;

/// Lines are broken where they can be if they would be longer than this, remarks not counted.
pub(super) const WIDTH: usize = 100;

/// What stands between the longest line of a run and the remark behind it.
const BEFORE_REMARK: usize = 4;

/// How much deeper the inside of a bracket stands, and whatever goes on from the line above.
const STEP: usize = 2;

/// A remark on a line of its own.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    /// Whether a blank line comes before it.
    pub blank: bool,
    pub text: String,
}

/// Where a column begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Column {
    /// The types of inputs.
    Inputs,
    /// The values of terms.
    Terms,
}

/// A text that can be set in more ways than one.
#[derive(Debug)]
pub(super) struct Doc {
    kind: Kind,
    /// Whether something in it, other than a remark at its very beginning or end, needs a new line.
    breaks: bool,
    /// Whether it begins with a remark on a line of its own.
    leads: bool,
    /// Whether it ends with a remark.
    trails: bool,
}

#[derive(Debug)]
enum Kind {
    Nothing,
    Text(String),
    /// A new line, or this text where the group is not broken.
    Line(&'static str),
    /// A new line.
    Hard,
    /// An empty line above the line that begins.
    Blank,
    /// A text where the group is broken.
    IfBroken(&'static str),
    /// A blank that grows where the lines above and below have the same.
    Column(Column),
    Lead(Vec<Lead>),
    Trail(String),
    All(Vec<Doc>),
    Indent(Box<Doc>),
    Group(Box<Doc>),
    /// Behind what is there if it fits, or on a line of its own if it fits there; else it is broken
    /// behind what is there.
    Hug(Box<Doc>),
}

impl Doc {
    fn plain(kind: Kind) -> Doc {
        Doc {
            kind,
            breaks: false,
            leads: false,
            trails: false,
        }
    }

    pub fn nothing() -> Doc {
        Doc::plain(Kind::Nothing)
    }

    pub fn text(text: impl Into<String>) -> Doc {
        Doc::plain(Kind::Text(text.into()))
    }

    /// A new line, or a space where the group is not broken.
    pub fn line() -> Doc {
        Doc::plain(Kind::Line(" "))
    }

    /// A new line, or nothing where the group is not broken.
    pub fn soft() -> Doc {
        Doc::plain(Kind::Line(""))
    }

    pub fn hard() -> Doc {
        Doc {
            breaks: true,
            ..Doc::plain(Kind::Hard)
        }
    }

    pub fn blank() -> Doc {
        Doc::plain(Kind::Blank)
    }

    pub fn if_broken(text: &'static str) -> Doc {
        Doc::plain(Kind::IfBroken(text))
    }

    pub fn column(column: Column) -> Doc {
        Doc::plain(Kind::Column(column))
    }

    pub fn lead(remarks: Vec<Lead>) -> Doc {
        Doc {
            leads: !remarks.is_empty(),
            ..Doc::plain(Kind::Lead(remarks))
        }
    }

    pub fn trail(remark: impl Into<String>) -> Doc {
        Doc {
            trails: true,
            ..Doc::plain(Kind::Trail(remark.into()))
        }
    }

    /// One after the other.
    pub fn all(docs: impl IntoIterator<Item = Doc>) -> Doc {
        let (mut breaks, mut leads, mut trails) = (false, false, false);
        let mut empty = true;
        let mut parts = Vec::new();
        for doc in docs {
            if matches!(doc.kind, Kind::Nothing) {
                continue;
            }
            breaks |= doc.breaks || (!empty && (trails || doc.leads));
            leads |= empty && doc.leads;
            trails = doc.trails;
            empty = false;
            parts.push(doc);
        }
        Doc {
            kind: Kind::All(parts),
            breaks,
            leads,
            trails,
        }
    }

    /// Its new lines stand a step deeper.
    pub fn indent(self) -> Doc {
        Doc {
            breaks: self.breaks,
            leads: self.leads,
            trails: self.trails,
            kind: Kind::Indent(Box::new(self)),
        }
    }

    /// All its breaks are taken, or none.
    pub fn group(self) -> Doc {
        Doc {
            breaks: self.breaks,
            leads: self.leads,
            trails: self.trails,
            kind: Kind::Group(Box::new(self)),
        }
    }

    /// With a blank before it, or on a line of its own if it fits only there.
    pub fn hug(self) -> Doc {
        Doc {
            breaks: self.breaks || self.leads,
            leads: false,
            trails: self.trails,
            kind: Kind::Hug(Box::new(self)),
        }
    }

    /// The same, with its breaks taken.
    pub fn broken(mut self) -> Doc {
        self.breaks = true;
        self
    }

    /// Whether it begins with a remark on a line of its own.
    pub fn has_lead(&self) -> bool {
        self.leads
    }

    /// Whether it ends with a remark.
    pub fn has_trail(&self) -> bool {
        self.trails
    }

    /// The text, every line with its end.
    pub fn set(&self) -> String {
        let mut setter = Setter::default();
        setter.set(self);
        setter.finish()
    }
}

/// A line of the result.
#[derive(Default)]
struct Set {
    text: String,
    /// A column and the place, in characters, before which it grows.
    column: Option<(Column, usize)>,
    remark: Option<String>,
}

#[derive(Default)]
struct Setter {
    lines: Vec<Set>,
    current: Set,
    /// The indent of the line that begins with what comes next.
    pending: Option<usize>,
    /// Whether an empty line comes before it.
    blank: bool,
}

/// What is still to be set: a document, its indent, and whether its breaks are taken.
type Rest<'d> = (usize, bool, &'d Doc);

impl Setter {
    fn set(&mut self, doc: &Doc) {
        let mut rest: Vec<Rest> = vec![(0, true, doc)];
        while let Some((indent, broken, doc)) = rest.pop() {
            match &doc.kind {
                Kind::Nothing => {}
                Kind::Text(text) => self.text(text, indent),
                Kind::Line(flat) => {
                    if broken || self.current.remark.is_some() {
                        self.pending = Some(indent);
                    } else {
                        self.text(flat, indent);
                    }
                }
                Kind::Hard => self.pending = Some(indent),
                Kind::Blank => self.blank |= self.pending.is_some() && !self.is_start(),
                Kind::IfBroken(text) if broken => self.text(text, indent),
                Kind::IfBroken(_) => {}
                Kind::Column(column) => {
                    if self.pending.is_none() && self.current.remark.is_none() {
                        let width = self.current.text.chars().count();
                        self.current.column = Some((*column, width));
                    }
                    self.text(" ", indent);
                }
                Kind::Lead(remarks) => self.lead(remarks, indent),
                Kind::Trail(remark) => self.current.remark = Some(remark.clone()),
                Kind::All(docs) => rest.extend(docs.iter().rev().map(|d| (indent, broken, d))),
                Kind::Indent(doc) => rest.push((indent + STEP, broken, doc)),
                Kind::Group(inner) => {
                    let broken = doc.breaks || !self.fits(self.used(indent), inner, &rest);
                    rest.push((indent, broken, inner));
                }
                Kind::Hug(inner) => {
                    let fits = |used| !inner.breaks && self.fits(used, inner, &rest);
                    let here = !broken || fits(self.used(indent) + 1);
                    let below = indent + STEP;
                    let remark = inner.leads || self.current.remark.is_some();
                    if remark || (!here && fits(below)) {
                        let broken = !fits(below);
                        self.pending = Some(below);
                        rest.push((below, broken, inner));
                    } else {
                        self.text(" ", indent);
                        rest.push((indent, !here, inner));
                    }
                }
            }
        }
    }

    fn is_start(&self) -> bool {
        self.lines.is_empty() && self.current.text.is_empty()
    }

    /// Ends the line if one is to begin, or if a remark has ended it.
    fn begin(&mut self, indent: usize) {
        if self.current.remark.is_some() && self.pending.is_none() {
            self.pending = Some(indent + STEP);
        }
        let Some(indent) = self.pending.take() else {
            return;
        };
        let blank = mem::take(&mut self.blank);
        if !self.is_start() {
            self.lines.push(mem::take(&mut self.current));
        }
        if blank {
            self.lines.push(Set::default());
        }
        self.current.text = " ".repeat(indent);
    }

    fn text(&mut self, text: &str, indent: usize) {
        // A blank at the beginning of a line is none.
        let begins = self.pending.is_some() || self.current.remark.is_some();
        if !(text.is_empty() || begins && text == " ") {
            self.begin(indent);
            self.current.text.push_str(text);
        }
    }

    fn lead(&mut self, remarks: &[Lead], indent: usize) {
        if self.pending.is_none() && !self.is_start() {
            self.pending = Some(indent + STEP);
        }
        let indent = self.pending.unwrap_or(indent);
        for remark in remarks {
            self.blank |= remark.blank && self.pending.is_some() && !self.is_start();
            self.text(&remark.text, indent);
            self.pending = Some(indent);
        }
    }

    /// How much of the line is taken where the next token goes.
    fn used(&self, indent: usize) -> usize {
        match self.pending {
            Some(pending) => pending,
            // Behind a remark a new line begins.
            None if self.current.remark.is_some() => indent + STEP,
            None => self.current.text.chars().count(),
        }
    }

    /// Whether a document fits on the line, with what follows it up to the next break.
    fn fits(&self, used: usize, doc: &Doc, rest: &[Rest]) -> bool {
        let Some(mut room) = WIDTH.checked_sub(used) else {
            return false;
        };
        let mut open: Vec<(bool, &Doc)> = vec![(false, doc)];
        let mut rest = rest.iter().rev();
        loop {
            let (broken, doc) = match open.pop() {
                Some(next) => next,
                None => match rest.next() {
                    Some((_, broken, doc)) => (*broken, *doc),
                    None => return true,
                },
            };
            let width = match &doc.kind {
                Kind::Nothing | Kind::Blank => 0,
                Kind::Text(text) => text.chars().count(),
                Kind::Line(_) if broken => return true,
                Kind::Line(flat) => flat.len(),
                Kind::Hard | Kind::Trail(_) => return true,
                Kind::IfBroken(text) => usize::from(broken) * text.len(),
                Kind::Column(_) => 1,
                Kind::Lead(_) => 0,
                Kind::All(docs) => {
                    open.extend(docs.iter().rev().map(|d| (broken, d)));
                    0
                }
                Kind::Indent(doc) => {
                    open.push((broken, doc));
                    0
                }
                Kind::Hug(_) if broken || doc.breaks => return true,
                Kind::Hug(inner) => {
                    open.push((broken, inner));
                    1
                }
                // A group of what follows may be broken where this one is not.
                Kind::Group(inner) => {
                    open.push((broken || doc.breaks, inner));
                    0
                }
            };
            match room.checked_sub(width) {
                Some(left) => room = left,
                None => return false,
            }
        }
    }

    fn finish(mut self) -> String {
        if !self.is_start() {
            let last = mem::take(&mut self.current);
            self.lines.push(last);
        }
        self.pad_columns();
        let mut out = String::new();
        let remarks = self.remark_columns();
        for (line, column) in self.lines.iter().zip(remarks) {
            let text = line.text.trim_end();
            out.push_str(text);
            if let Some(remark) = &line.remark {
                let width = text.chars().count();
                out.push_str(&" ".repeat(column.saturating_sub(width)));
                out.push_str(remark);
            }
            out.push('\n');
        }
        out
    }

    /// Lines next to each other that have the same column have it in the same place.
    fn pad_columns(&mut self) {
        let alike = |a: &Set, b: &Set| a.column.map(|c| c.0) == b.column.map(|c| c.0);
        for run in self.lines.chunk_by_mut(alike) {
            let places = run.iter().filter_map(|line| line.column);
            let place = places.map(|(_, place)| place).max().unwrap_or(0);
            for line in run {
                let Some((_, own)) = line.column else {
                    continue;
                };
                let at = line.text.char_indices().nth(own);
                let at = at.map_or(line.text.len(), |(at, _)| at);
                line.text.insert_str(at, &" ".repeat(place - own));
            }
        }
    }

    /// Where the remark of each line begins: in one column for lines next to each other.
    fn remark_columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        for run in self
            .lines
            .chunk_by(|a, b| a.remark.is_some() == b.remark.is_some())
        {
            let width = |line: &Set| line.text.trim_end().chars().count();
            let longest = run.iter().map(width).max().unwrap_or(0);
            columns.extend(run.iter().map(|_| longest + BEFORE_REMARK));
        }
        columns
    }
}
