//! Reading specs and writing results.

use crate::answer::{Failure, Message};
use crate::args::Source;
use lossc::ast;
use lossc::diag::Diagnostics;
use lossc::source::{SourceFile, SourceMap};
use lossc::{Error, Report};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A spec as text, with the name that messages call it by.
pub struct Spec {
    pub name: String,
    /// Its file, from which the files that it uses are found.
    pub path: Option<PathBuf>,
    pub text: String,
}

/// How messages call a file.
pub fn name(path: &Path) -> String {
    match is_stdin(path) {
        true => "<stdin>".to_string(),
        false => path.display().to_string(),
    }
}

/// Whether a path means stdin.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The spec that the command line gives: a file, or text.
pub fn spec_of(source: &Source) -> Result<Spec, Failure> {
    match &source.file {
        Some(file) => read_spec(file),
        None => Ok(Spec {
            name: "<expression>".to_string(),
            path: None,
            text: source.expression.clone().unwrap_or_default(),
        }),
    }
}

/// Reads a spec; `-` is stdin.
pub fn read_spec(path: &Path) -> Result<Spec, Failure> {
    let stdin = is_stdin(path);
    let name = name(path);
    // A spec is small. Of what is not one, no more is read than is needed to say so.
    let limit = ast::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = match stdin {
        true => io::stdin().lock().take(limit).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    if let Err(error) = read {
        return Err(Failure::Broken(unreadable(&name, &error)));
    }
    match ast::decode(&bytes) {
        Ok(text) => Ok(Spec {
            name,
            path: (!stdin).then(|| path.to_path_buf()),
            text: text.to_string(),
        }),
        Err(diagnostic) => {
            let mut sources = SourceMap::default();
            sources.add(SourceFile {
                name: name.into(),
                text: String::new().into(),
                library: false,
            });
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(*diagnostic);
            Err(Failure::from(Error::Spec(Report {
                diagnostics: diagnostics.into_sorted(),
                sources: Arc::new(sources),
            })))
        }
    }
}

/// What to say of a file that cannot be read.
pub fn unreadable(name: &str, error: &io::Error) -> Message {
    let message = Message::new(format!("cannot read `{name}`: {}", reason(error)));
    match error.kind() {
        io::ErrorKind::IsADirectory => message.help("name the files in it: `*.loss`"),
        _ => message,
    }
}

/// The error in words, without the number that the system gives it.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        io::ErrorKind::IsADirectory => "it is a directory".to_string(),
        _ => error.to_string(),
    }
}

/// Writes a file whole or not at all: what was there before stays until everything is written.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        let text = format!("cannot write `{}`: {}", path.display(), reason(error));
        Failure::Broken(match error.kind() {
            io::ErrorKind::NotFound => Message::new(text).help("its directory must exist"),
            _ => Message::new(text),
        })
    };
    replace(path, write).map_err(|error| failed(&error))
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let target = match std::fs::metadata(path) {
        // A pipe or a device is written to; a file in its place would be another thing.
        Ok(known) if !known.is_file() && !known.is_dir() => {
            let mut file = File::options().write(true).open(path)?;
            write(&mut file)?;
            return file.flush();
        }
        Ok(known) if known.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // Behind a link, the file that it leads to is replaced.
        Ok(_) => std::fs::canonicalize(path)?,
        Err(_) => path.to_path_buf(),
    };
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lossc-");
    #[cfg(unix)]
    {
        // As any new file: the temporary one would be for its owner alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent).map_err(plain)?;
    write(file.as_file_mut())?;
    file.as_file_mut().flush()?;
    file.persist(&target).map_err(|error| plain(error.error))?;
    Ok(())
}

/// The error of the system alone: the name of a temporary file tells nobody anything.
fn plain(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}
