//! Files that specs use, read from disk below one folder.

use crate::answer::{Failure, Message};
use crate::files::{Spec, reason};
use lossc::ast::MAX_BYTES;
use lossc::{Compiler, LoadError, Loader};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The compiler of a spec: files that it uses lie below `root`, or below the folder of the spec.
pub fn compiler(spec: &Spec, root: Option<&Path>) -> Result<Compiler, Failure> {
    let folder = Folder::new(spec.path.as_deref(), root)?;
    Ok(Compiler::new().name(&spec.name).loader(folder))
}

struct Folder {
    /// As messages show it.
    shown: PathBuf,
    /// The same without links; none if there is no such folder, and then there are no files in it.
    real: Option<PathBuf>,
    main: String,
}

impl Folder {
    /// A spec without a file stands in the current folder.
    fn new(spec: Option<&Path>, root: Option<&Path>) -> Result<Folder, Failure> {
        let parent = spec.and_then(Path::parent).unwrap_or(Path::new(""));
        let shown = root.unwrap_or(parent);
        let real = std::fs::canonicalize(or_here(shown));
        if let (Some(root), Err(error)) = (root, &real) {
            let text = format!(
                "cannot use `{}` as a root: {}",
                root.display(),
                reason(error)
            );
            return Err(Failure::Broken(Message::new(text)));
        }
        let real = real.ok();
        let main = match (spec, &real) {
            (Some(spec), Some(real)) => main_path(spec, parent, real)?,
            _ => String::new(),
        };
        Ok(Folder {
            shown: shown.to_path_buf(),
            real,
            main,
        })
    }
}

fn or_here(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}

/// Where the spec lies below the root, with `/` between names.
fn main_path(spec: &Path, parent: &Path, root: &Path) -> Result<String, Failure> {
    let folder = std::fs::canonicalize(or_here(parent)).unwrap_or_default();
    let Ok(below) = folder.strip_prefix(root) else {
        let text = format!("`{}` does not lie below the root", spec.display());
        return Err(Failure::Broken(Message::new(text).help(
            "`--root` names a folder above the spec and everything that it uses",
        )));
    };
    let names = below.components().map(|name| name.as_os_str());
    let names = names.chain(spec.file_name());
    let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
    Ok(names.join("/"))
}

impl Loader for Folder {
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound,
            _ => LoadError::Failed(reason(&error)),
        };
        let root = self.real.as_ref().ok_or(LoadError::NotFound)?;
        let real = std::fs::canonicalize(root.join(path)).map_err(failed)?;
        if !real.starts_with(root) {
            return Err(LoadError::Outside);
        }
        // A pipe would be waited for.
        if !std::fs::metadata(&real).map_err(failed)?.is_file() {
            return Err(LoadError::Failed("it is no file".to_string()));
        }
        let mut bytes = Vec::new();
        let file = File::open(&real).map_err(failed)?;
        let limit = MAX_BYTES as u64 + 1;
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn main(&self) -> &str {
        &self.main
    }

    fn shown(&self, path: &str) -> String {
        self.shown.join(path).display().to_string()
    }
}
