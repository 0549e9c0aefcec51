//! [`Diagnostic`] → text for people, JSON for programs.
//!
//! The text goes through `annotate-snippets`. It never touches a terminal: whether there are
//! colours is the caller's decision, and nothing depends on them.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{
    Annotation, AnnotationKind, Element, Group, Level, Patch, Renderer, Snippet,
    normalize_untrusted_str,
};
use serde_json::{Value, json};

use super::{Diagnostic, Fix, Label, Severity};
use crate::source::{FileId, SourceMap, Span};

/// The most bytes of a line that are underlined.
const LONGEST_MARK: usize = 100;

/// The most bytes of lines that are shown to show a fix.
const LONGEST_CHANGE: usize = 500;

/// Whether the text carries the colours of a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// ASCII alone, the same bytes everywhere.
    Plain,
    /// With escape sequences.
    Colored,
}

/// The diagnostics as text, one after the other, an empty line between them and a line feed at
/// the end.
pub fn render_text(sources: &SourceMap, list: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let texts: Vec<String> = list.iter().map(|d| one(sources, d, &renderer)).collect();
    let mut text = texts.join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn one(sources: &SourceMap, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let id = match diagnostic.code.lint() {
        Some(lint) => format!("{} {lint}", diagnostic.code.as_str()),
        None => diagnostic.code.as_str().to_string(),
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(id);
    let mut group = Group::with_title(title);
    for element in causes(sources, diagnostic) {
        group = group.element(element);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let mut corrections = Vec::new();
    for fix in &diagnostic.fixes {
        match correction(sources, fix) {
            Some(correction) => corrections.push(correction),
            None => group = group.element(Level::HELP.message(normalize_untrusted_str(&fix.text))),
        }
    }
    let mut groups = vec![group];
    groups.append(&mut corrections);
    renderer.render(&groups)
}

/// The labels, one snippet for each file: the file of the primary label first.
fn causes<'a>(sources: &'a SourceMap, diagnostic: &'a Diagnostic) -> Vec<Element<'a>> {
    let labels = || diagnostic.primary.iter().chain(&diagnostic.secondary);
    let mut files: Vec<FileId> = Vec::new();
    for label in labels() {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    let snippet = |file: FileId| {
        let source = sources.file(file);
        let primary = diagnostic
            .primary
            .iter()
            .map(|l| (l, AnnotationKind::Primary));
        let secondary = diagnostic
            .secondary
            .iter()
            .map(|l| (l, AnnotationKind::Context));
        let here: Vec<_> = primary
            .chain(secondary)
            .filter(|(label, _)| label.span.file == file)
            .collect();
        let window = Window::of(&source.text, here.iter().map(|(label, _)| label.span));
        let annotations = here.into_iter().map(|(label, kind)| {
            let annotation: Annotation = kind.span(window.mark(label.span));
            match label.text.as_str() {
                "" => annotation,
                text => annotation.label(text),
            }
        });
        Snippet::source(window.text)
            .line_start(window.line)
            .path(&*source.name)
            .annotations(annotations)
    };
    files.into_iter().map(|file| snippet(file).into()).collect()
}

/// A fix as the lines that it changes, unless those fill a screen.
fn correction<'a>(sources: &'a SourceMap, fix: &'a Fix) -> Option<Group<'a>> {
    let source = sources.file(fix.span.file);
    let window = Window::of(&source.text, std::iter::once(fix.span));
    if window.text.len() > LONGEST_CHANGE {
        return None;
    }
    let patch = Patch::new(window.range(fix.span), fix.replacement.as_str());
    let snippet = Snippet::source(window.text)
        .line_start(window.line)
        .path(&*source.name)
        .patch(patch);
    let title = Level::HELP.secondary_title(normalize_untrusted_str(&fix.text));
    Some(title.element(snippet))
}

/// The lines of a text that some spans touch: the renderer need not see a whole large file.
struct Window<'a> {
    text: &'a str,
    /// The number of the first line.
    line: usize,
    /// The offset of the first line.
    start: usize,
}

impl<'a> Window<'a> {
    fn of(text: &'a str, spans: impl Iterator<Item = Span>) -> Window<'a> {
        let (mut first, mut last) = (text.len(), 0);
        for span in spans {
            first = first.min(floor(text, span.start as usize));
            last = last.max(ceil(text, span.end.max(span.start) as usize));
        }
        let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
        Window {
            text: &text[start..end.max(start)],
            line: text[..start].matches('\n').count() + 1,
            start,
        }
    }

    /// What to underline for a span: of a long line only the beginning.
    fn mark(&self, span: Span) -> std::ops::Range<usize> {
        let range = self.range(span);
        let text = self.text.get(range.clone()).unwrap_or("");
        let line = text.find('\n').unwrap_or(text.len());
        match line > LONGEST_MARK {
            true => range.start..ceil(self.text, range.start + LONGEST_MARK),
            false => range,
        }
    }

    /// A span within the window, on the borders of characters.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let within = |at: u32| (at as usize).saturating_sub(self.start);
        let start = floor(self.text, within(span.start));
        let end = ceil(self.text, within(span.end.max(span.start)));
        start..end
    }
}

/// The border of a character at or before an offset.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The border of a character at or behind an offset.
fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// The diagnostics as one JSON object; `start` and `end` are byte offsets, `line` and `column`
/// count from one, columns in characters. What has no place has nulls there.
pub fn render_json(sources: &SourceMap, list: &[Diagnostic]) -> Value {
    let diagnostics: Vec<Value> = list.iter().map(|d| object(sources, d)).collect();
    json!({ "version": 1, "diagnostics": diagnostics })
}

fn object(sources: &SourceMap, diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut object = json!({
        "severity": severity,
        "code": diagnostic.code.as_str(),
        "lint": diagnostic.code.lint(),
        "title": diagnostic.code.title(),
        "message": diagnostic.message,
    });
    let place = match &diagnostic.primary {
        Some(label) => place(sources, label),
        None => json!({
            "file": null, "line": null, "column": null, "start": null, "end": null, "label": null,
        }),
    };
    let labels: Vec<Value> = diagnostic
        .secondary
        .iter()
        .map(|l| self::place(sources, l))
        .collect();
    let fixes: Vec<Value> = diagnostic.fixes.iter().map(|f| fix(sources, f)).collect();
    let rest = json!({
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "fixes": fixes,
    });
    for part in [place, rest] {
        if let (Some(object), Value::Object(part)) = (object.as_object_mut(), part) {
            object.extend(part);
        }
    }
    object
}

fn place(sources: &SourceMap, label: &Label) -> Value {
    let span = label.span;
    let (line, column) = sources.line_column(span.file, span.start);
    json!({
        "file": sources.file(span.file).name,
        "line": line,
        "column": column,
        "start": span.start,
        "end": span.end,
        "label": label.text,
    })
}

fn fix(sources: &SourceMap, fix: &Fix) -> Value {
    json!({
        "text": fix.text,
        "certain": fix.certain,
        "file": sources.file(fix.span.file).name,
        "start": fix.span.start,
        "end": fix.span.end,
        "replacement": fix.replacement,
    })
}
