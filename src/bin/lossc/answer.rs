//! What a command returns, and what it says meanwhile.

use lossc::diag::Style;
use lossc::{Error, Report};
use std::fmt::Write;
use std::process::ExitCode;

/// The exit status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// 0: fine.
    Fine,
    /// 1: the spec, or what was given to it, is wrong; or what was asked for does not exist.
    Wrong,
    /// 2: usage, files, a mistake of ours.
    Broken,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Fine => 0,
            Status::Wrong => 1,
            Status::Broken => 2,
        })
    }
}

/// What goes to stdout, and the exit status.
pub struct Answer {
    pub out: Vec<u8>,
    pub status: Status,
}

impl Answer {
    /// Data, and all is fine.
    pub fn fine(out: impl Into<Vec<u8>>) -> Answer {
        Answer {
            out: out.into(),
            status: Status::Fine,
        }
    }

    /// JSON, and all is fine.
    pub fn json(value: &serde_json::Value) -> Answer {
        Answer::fine(format!("{value:#}\n"))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The spec, or what was given to it, is wrong.
    Report(Report),
    /// What was asked for does not exist.
    Wrong(Message),
    /// Usage, files, a mistake of ours.
    Broken(Message),
}

/// An error without a place in a spec.
#[derive(Debug)]
pub struct Message {
    text: String,
    help: Vec<String>,
}

impl Message {
    pub fn new(text: impl Into<String>) -> Message {
        Message {
            text: text.into(),
            help: Vec::new(),
        }
    }

    /// Adds a way out.
    pub fn help(mut self, text: impl Into<String>) -> Message {
        self.help.push(text.into());
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Spec(report) | Error::Inputs(report) => Failure::Report(report),
            Error::Candle(error) => Failure::Broken(Message::new(format!("Candle: {error}"))),
        }
    }
}

/// What goes to stderr, in order.
pub struct Talk {
    style: Style,
    text: String,
}

impl Talk {
    pub fn new(style: Style) -> Talk {
        Talk {
            style,
            text: String::new(),
        }
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Something the user may want to know, and need not.
    pub fn note(&mut self, text: &str) {
        self.line("note", "\x1b[1m\x1b[92m", text);
    }

    /// Diagnostics, an empty line behind each.
    pub fn report(&mut self, report: &Report) {
        if !report.diagnostics.is_empty() {
            self.text.push_str(&report.render(self.style));
            self.text.push('\n');
        }
    }

    /// Why a command failed; returns its status.
    pub fn failure(&mut self, failure: &Failure) -> Status {
        match failure {
            Failure::Report(report) => {
                self.report(report);
                Status::Wrong
            }
            Failure::Wrong(message) => {
                self.message(message);
                Status::Wrong
            }
            Failure::Broken(message) => {
                self.message(message);
                Status::Broken
            }
        }
    }

    /// An error without a place.
    pub fn message(&mut self, message: &Message) {
        self.line("error", "\x1b[1m\x1b[91m", &message.text);
        for help in &message.help {
            self.line("help", "\x1b[1m\x1b[96m", help);
        }
    }

    fn line(&mut self, word: &str, colour: &str, text: &str) {
        // Names of files and arrays are in there, and must not be able to drive the terminal.
        let text: String = text
            .chars()
            .map(|c| {
                if c.is_control() && c != '\n' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = match self.style {
            Style::Plain => writeln!(self.text, "{word}: {text}"),
            Style::Colored => writeln!(self.text, "{colour}{word}\x1b[0m: {text}"),
        };
    }
}
