//! Where the text of files comes from.

use std::collections::{BTreeMap, HashMap};

/// Why a file is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// There is no such file.
    NotFound,
    /// The file lies outside of the root, as behind a link that leads there.
    Outside,
    /// Anything else, in words: `permission denied`.
    Failed(String),
}

/// Reads the files that a spec uses: from disk, from memory, from wherever a program keeps them.
///
/// The compiler reads no file by itself. A path is relative to a root that the loader knows, has `/`
/// between its names and no `.` or `..`, and ends in `.loss`; the same path is asked for once in a
/// compilation.
///
/// A map from paths to texts is a loader:
///
/// ```
/// use lossc::Compiler;
/// use std::collections::HashMap;
///
/// let files = HashMap::from([("common.loss", "fn twice(x: real) = 2*x")]);
/// let compiler = Compiler::new().loader(files);
/// compiler.compile("use \"common.loss\"\nminimize common.twice(dice())").unwrap();
/// ```
pub trait Loader: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// Why it cannot be read; the message says so at the `use`.
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError>;

    /// The path of the spec itself, from which its own uses start: `sub/main.loss`. Empty where it
    /// is no file; its uses then start at the root.
    fn main(&self) -> &str {
        ""
    }

    /// How messages call a file.
    fn shown(&self, path: &str) -> String {
        path.to_string()
    }
}

fn bytes<T: AsRef<str>>(text: Option<&T>) -> Result<Vec<u8>, LoadError> {
    let text = text.ok_or(LoadError::NotFound)?;
    Ok(text.as_ref().as_bytes().to_vec())
}

impl<K, T> Loader for HashMap<K, T>
where
    K: std::borrow::Borrow<str> + Eq + std::hash::Hash + Send + Sync,
    T: AsRef<str> + Send + Sync,
{
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        bytes(self.get(path))
    }
}

impl<K, T> Loader for BTreeMap<K, T>
where
    K: std::borrow::Borrow<str> + Ord + Send + Sync,
    T: AsRef<str> + Send + Sync,
{
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        bytes(self.get(path))
    }
}
