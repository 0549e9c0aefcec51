//! What can go wrong, for callers.

use crate::diag::{Code, Diagnostic, Style, render_json, render_text};
use crate::source::SourceMap;
use std::fmt;
use std::sync::Arc;

/// Why a spec did not compile or did not run.
#[derive(Clone, thiserror::Error)]
pub enum Error {
    /// The text is not a spec that makes sense.
    #[error("{0}")]
    Spec(Report),
    /// The tensors or numbers that were given do not fit the spec.
    #[error("{0}")]
    Inputs(Report),
    /// Candle failed: out of memory, a device error, an operation that a device lacks.
    #[error("{0}")]
    Candle(Arc<candle_core::Error>),
}

impl Error {
    /// The diagnostics, if the spec or the inputs are at fault.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Error::Spec(report) | Error::Inputs(report) => Some(report),
            Error::Candle(_) => None,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `unwrap` in a test or an example should show the message as it is meant to be read.
        write!(f, "{self}")
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Error {
        Error::Candle(Arc::new(error))
    }
}

impl From<Error> for candle_core::Error {
    fn from(error: Error) -> candle_core::Error {
        candle_core::Error::wrap(error)
    }
}

/// Diagnostics with the texts that they point into.
#[derive(Clone)]
pub struct Report {
    /// The diagnostics, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts.
    pub sources: Arc<SourceMap>,
}

impl Report {
    /// The codes, in order.
    pub fn codes(&self) -> Vec<Code> {
        self.diagnostics.iter().map(|d| d.code).collect()
    }

    /// The diagnostics as text, as the command line shows them.
    pub fn render(&self, style: Style) -> String {
        render_text(&self.sources, &self.diagnostics, style)
    }

    /// The diagnostics as JSON (`version`, `diagnostics`).
    pub fn json(&self) -> serde_json::Value {
        render_json(&self.sources, &self.diagnostics)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Style::Plain).trim_end())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
