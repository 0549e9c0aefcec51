//! `lossc validate`: all errors of all files, and silence where there are none.

use crate::answer::{Answer, Failure, Message, Status, Talk};
use crate::args::{Format, Validate};
use crate::files;
use crate::folder;
use lossc::diag::{Code, Severity, nearest};
use lossc::{Error, Report};
use serde_json::{Value, json};
use std::path::Path;

/// What became of one file.
enum Checked {
    Report(Report),
    Unreadable,
}

pub fn run(args: &Validate, talk: &mut Talk) -> Result<Answer, Failure> {
    let mut status = Status::Fine;
    let mut rows: Vec<Value> = Vec::new();
    let mut diagnostics: Vec<Value> = Vec::new();
    let mut wrong = 0;
    if let Some(name) = args.deny.iter().find(|name| !is_lint(name)) {
        return Err(Failure::Broken(unknown_lint(name)));
    }
    for path in &args.files {
        let (state, of_file) = match check(path, args.root.root.as_deref(), talk)? {
            Checked::Unreadable => ("unreadable", Status::Broken),
            Checked::Report(mut report) => {
                deny(&mut report, &args.deny);
                let errors = report.diagnostics.iter();
                let errors = errors.filter(|d| d.severity == Severity::Error).count();
                if args.format == Format::Human {
                    talk.report(&report);
                } else if let Value::Array(list) = &mut report.json()["diagnostics"] {
                    diagnostics.append(list);
                }
                match (errors, report.diagnostics.len()) {
                    (0, 0) => ("fine", Status::Fine),
                    (0, _) => ("warnings", Status::Fine),
                    _ => ("errors", Status::Wrong),
                }
            }
        };
        wrong += usize::from(of_file != Status::Fine);
        status = status.max(of_file);
        rows.push(json!({ "file": files::name(path), "state": state }));
    }
    if args.format == Format::Json {
        let value = json!({ "version": 1, "files": rows, "diagnostics": diagnostics });
        return Ok(Answer {
            status,
            ..Answer::json(&value)
        });
    }
    if wrong > 0 && args.files.len() > 1 {
        talk.note(&format!("{wrong} of {} files failed", args.files.len()));
    }
    Ok(Answer {
        out: Vec::new(),
        status,
    })
}

/// Makes errors of the warnings that are denied.
fn deny(report: &mut Report, names: &[String]) {
    for diagnostic in &mut report.diagnostics {
        let lint = diagnostic.code.lint();
        let denied = |name: &String| name == ALL || lint == Some(name);
        if diagnostic.severity == Severity::Warning && names.iter().any(denied) {
            diagnostic.severity = Severity::Error;
        }
    }
}

/// What denies every lint.
const ALL: &str = "warnings";

fn is_lint(name: &str) -> bool {
    name == ALL || Code::ALL.iter().any(|code| code.lint() == Some(name))
}

fn unknown_lint(name: &str) -> Message {
    let message = Message::new(format!("there is no lint `{name}`"));
    let lints = Code::ALL.iter().filter_map(|code| code.lint());
    match nearest(name, lints.chain([ALL])) {
        Some(near) => message.help(format!("a similar name is `{near}`")),
        None => message.help("`lossc list lints` shows all there are; `warnings` is all of them"),
    }
}

/// Checks one file. One that cannot be read does not keep the others from being checked.
fn check(path: &Path, root: Option<&Path>, talk: &mut Talk) -> Result<Checked, Failure> {
    let spec = match files::read_spec(path) {
        Ok(spec) => spec,
        Err(Failure::Report(report)) => return Ok(Checked::Report(report)),
        Err(Failure::Broken(message) | Failure::Wrong(message)) => {
            talk.message(&message);
            return Ok(Checked::Unreadable);
        }
    };
    let compiler = folder::compiler(&spec, root)?;
    match compiler.check(&spec.text) {
        Ok((_, warnings)) => Ok(Checked::Report(warnings)),
        Err(Error::Spec(report) | Error::Inputs(report)) => Ok(Checked::Report(report)),
        Err(error @ Error::Candle(_)) => Err(error.into()),
    }
}
