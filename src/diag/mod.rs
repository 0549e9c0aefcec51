//! What is wrong with a spec or with the tensors given to it: a code, a place, a sentence and a
//! way out.
//!
//! A [`Diagnostic`] is data. Stages make them and push them into a [`Diagnostics`] sink;
//! `render` turns them into text or JSON. Nothing here knows any stage.

mod code;
mod render;

pub use code::Code;
pub use render::{Style, render_json, render_text};

use crate::source::Span;

/// How serious a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The spec cannot be used.
    Error,
    /// The spec works and probably does not do what was meant.
    Warning,
}

/// A place with a remark.
#[derive(Clone, PartialEq, Debug)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What about it; may be empty for the primary label.
    pub text: String,
}

/// Text to put in place of a span.
#[derive(Clone, PartialEq, Debug)]
pub struct Fix {
    /// What the fix does, as a sentence fragment.
    pub text: String,
    /// What to replace.
    pub span: Span,
    /// What to put there.
    pub replacement: String,
    /// Whether it mends the mistake as it is; else it is a guess or an example to look at first.
    pub certain: bool,
}

/// One thing that is wrong.
///
/// The message is lower case, in the user's words, with names in backticks and no full stop; the
/// primary label says what is at fault at its place; `help` names the fix.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Which kind of mistake this is.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where it is wrong; `None` where there is no text to point at.
    pub primary: Option<Label>,
    /// The other parties.
    pub secondary: Vec<Label>,
    /// Facts that explain, in the order they should be read.
    pub notes: Vec<String>,
    /// Ways out, in words.
    pub help: Vec<String>,
    /// Ways out, as edits.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message)
        }
    }

    /// Points at what is wrong.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.primary = Some(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Points at another party.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Points at the `use` items that led to the file at fault, the nearest first; of many only some.
    pub fn used_at(mut self, used: &[Span]) -> Diagnostic {
        const SHOWN: usize = 4;
        for (i, &span) in used.iter().enumerate() {
            if i < SHOWN || i + 1 == used.len() {
                self = self.also(span, "used here");
            }
        }
        match used.len().saturating_sub(SHOWN + 1) {
            0 => self,
            more => self.note(format!(
                "{more} more files use each other between the last two"
            )),
        }
    }

    /// Adds a fact.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Adds a way out.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }

    /// Adds a way out that can be applied as it is.
    pub fn fix(
        self,
        span: Span,
        replacement: impl Into<String>,
        text: impl Into<String>,
    ) -> Diagnostic {
        self.edit(span, replacement.into(), text.into(), true)
    }

    /// Adds what was perhaps meant: a similar name, an example.
    pub fn guess(
        self,
        span: Span,
        replacement: impl Into<String>,
        text: impl Into<String>,
    ) -> Diagnostic {
        self.edit(span, replacement.into(), text.into(), false)
    }

    fn edit(mut self, span: Span, replacement: String, text: String, certain: bool) -> Diagnostic {
        self.fixes.push(Fix {
            text,
            span,
            replacement,
            certain,
        });
        self
    }
}

/// Where stages put what they find; keeps order and drops exact repetitions.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a diagnostic unless the same one is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Keeps those for which `keep` holds.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// Adds all of another sink.
    pub fn append(&mut self, other: Diagnostics) {
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them, ordered by file and place.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list
            .sort_by_key(|d| d.primary.as_ref().map(|l| (l.span.file, l.span.start)));
        self.list
    }
}

/// `a`, `a and b`, `a, b and c`: a list in a sentence.
pub fn and_list<T: std::fmt::Display>(items: &[T]) -> String {
    joined(items, "and")
}

/// `a`, `a or b`, `a, b or c`: alternatives in a sentence.
pub fn or_list<T: std::fmt::Display>(items: &[T]) -> String {
    joined(items, "or")
}

fn joined<T: std::fmt::Display>(items: &[T], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(ToString::to_string).collect();
            format!("{} {word} {last}", most.join(", "))
        }
    }
}

/// The candidate closest to `name`, if one is close enough to be what was meant.
///
/// The limit grows with the length of the name, so that `dise` finds `dice` and `x` finds nothing.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = match name.chars().count() {
        0..=1 => 0,
        2..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(name, c), c))
        .filter(|(d, c)| *d <= limit && *d < c.chars().count())
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests;
