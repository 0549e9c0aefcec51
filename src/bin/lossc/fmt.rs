//! `lossc fmt`: specs in canonical style.

use crate::answer::{Answer, Failure, Message, Status, Talk};
use crate::args::Fmt;
use crate::files::{self, Spec};
use lossc::Compiler;
use similar::TextDiff;
use std::io::Write;
use std::path::{Path, PathBuf};

pub fn run(args: &Fmt, talk: &mut Talk) -> Result<Answer, Failure> {
    let stdin = [PathBuf::from("-")];
    let files = match args.files.is_empty() {
        true => &stdin[..],
        false => &args.files[..],
    };
    if args.write && files.iter().any(|path| files::is_stdin(path)) {
        let message = Message::new("stdin cannot be written to: `-w` needs the names of files");
        return Err(Failure::Broken(message));
    }
    let mut status = Status::Fine;
    let mut done = Vec::new();
    for path in files {
        match format(path) {
            Ok((spec, text)) => done.push((path, spec, text)),
            Err(failure) => status = status.max(talk.failure(&failure)),
        }
    }
    if status != Status::Fine && files.len() > 1 {
        let wrong = files.len() - done.len();
        talk.note(&format!("{wrong} of {} files failed", files.len()));
    }
    let changed = done.iter().filter(|(_, spec, text)| spec.text != *text);
    let mut out = String::new();
    if args.check || args.diff {
        for (_, spec, text) in changed {
            if args.check {
                status = status.max(Status::Wrong);
            }
            out.push_str(&match args.diff {
                true => diff(spec, text),
                false => format!("{}\n", spec.name),
            });
        }
    } else if status == Status::Fine && args.write {
        for (path, _, text) in changed {
            files::write_whole(path, |file| file.write_all(text.as_bytes()))?;
        }
    } else if status == Status::Fine {
        out.extend(done.iter().map(|(_, _, text)| text.as_str()));
    }
    Ok(Answer {
        out: out.into_bytes(),
        status,
    })
}

fn format(path: &Path) -> Result<(Spec, String), Failure> {
    let spec = files::read_spec(path)?;
    let text = Compiler::new().name(&spec.name).format(&spec.text)?;
    Ok((spec, text))
}

/// What changes, as a patch with three lines around each change.
fn diff(spec: &Spec, text: &str) -> String {
    TextDiff::from_lines(spec.text.as_str(), text)
        .unified_diff()
        .header(&spec.name, &spec.name)
        .to_string()
}
