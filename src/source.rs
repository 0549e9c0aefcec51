//! Source files, and places in them.
//!
//! A [`Span`] is a file and two byte offsets; lines and columns are computed only when
//! something is printed. Nothing here knows what the text means.

use std::borrow::Cow;
use std::fmt;

/// A file of a [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// A range of bytes in one file, end exclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        // A source file is at most a megabyte (`ast::MAX_BYTES`), so offsets fit.
        Span {
            file,
            start: start as u32,
            end: end as u32,
        }
    }

    /// The smallest span that holds both; `other` must be of the same file.
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The bytes as a range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// A named text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// How messages call the file.
    pub name: Cow<'static, str>,
    /// Its whole text; that of the standard library lies in the binary.
    pub text: Cow<'static, str>,
    /// Whether it belongs to the standard library, whose insides a message shows only as a note.
    pub library: bool,
}

/// All files that one compilation has read; a [`FileId`] is an index into it.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file and returns its id.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(file);
        FileId(self.files.len() as u32 - 1)
    }

    /// The same files, with another text for one of them.
    pub fn with_text(&self, id: FileId, text: &str) -> SourceMap {
        let mut files = self.files.clone();
        files[id.0 as usize].text = text.to_owned().into();
        SourceMap { files }
    }

    /// The file with this id.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The text under a span.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.range()).unwrap_or("")
    }

    /// One-based line and column (in characters) of a byte offset.
    pub fn line_column(&self, file: FileId, offset: u32) -> (usize, usize) {
        let text = &self.file(file).text;
        let before = text.get(..offset as usize).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}
