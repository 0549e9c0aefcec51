//! Text → [`Unit`]: a spec with the modules that it uses.
//!
//! `use` items are followed: an embedded module is parsed, a file is read through a [`Loader`], once
//! however often it is used. What is wrong in a file is told in that file. Nothing here knows what a
//! definition means.

mod load;
mod loader;
mod path;

pub use load::load;
pub use loader::{LoadError, Loader};

use crate::ast::{self, Ast, Definition, Item};
use crate::hir::{self, Used};
use crate::library::{self, Draft, USER};
use crate::source::{FileId, Span};
use std::sync::Arc;

/// The most files that a spec may use.
pub const MAX_FILES: usize = 100;

/// The most uses from a spec to a file through other files.
pub const MAX_DEPTH: usize = 16;

/// The most bytes of all files together.
pub const MAX_TOTAL: usize = 4 * ast::MAX_BYTES;

/// A file that is used.
#[derive(Debug)]
struct File {
    id: FileId,
    tree: Tree,
    uses: Vec<Used>,
    /// Where it is used first.
    at: Span,
}

#[derive(Debug)]
enum Tree {
    Own(Ast),
    Embedded(&'static Ast),
}

impl File {
    fn ast(&self) -> &Ast {
        match &self.tree {
            Tree::Own(ast) => ast,
            Tree::Embedded(ast) => ast,
        }
    }
}

/// A spec with its modules: the library of the checker.
#[derive(Debug)]
pub struct Unit {
    /// The spec itself.
    pub main: Ast,
    uses: Vec<Used>,
    /// Every file that is used, before those that use it.
    files: Vec<File>,
    /// What stands for a file of the standard library.
    draft: Option<Arc<Draft>>,
}

impl Unit {
    fn file(&self, id: FileId) -> Option<&File> {
        self.files.iter().find(|file| file.id == id)
    }

    /// The items that define what a call in the spec calls, `dice` or `monai.dice`; none if that is a
    /// function of the language.
    pub fn called(&self, module: Option<&str>, name: &str) -> Vec<&Item> {
        match module {
            None => {
                let own = defining(&self.main, name);
                if own.is_empty() {
                    library::find(name, self.draft.as_deref())
                } else {
                    own
                }
            }
            Some(module) => {
                let used = self.uses.iter().find(|used| used.name == module);
                let file = used.and_then(|used| self.file(used.file?));
                file.map_or(Vec::new(), |file| defining(file.ast(), name))
            }
        }
    }

    /// What the user wrote: the spec, and the files of the user's own that it uses.
    pub fn own(&self) -> impl Iterator<Item = &Ast> {
        let used = self.files.iter().filter_map(|file| match &file.tree {
            Tree::Own(ast) => Some(ast),
            Tree::Embedded(_) => None,
        });
        std::iter::once(&self.main).chain(used)
    }

    /// The files that the spec uses, directly or not, each after those that it uses itself.
    pub fn modules(&self) -> impl Iterator<Item = FileId> {
        self.files.iter().map(|file| file.id)
    }
}

fn defining<'a>(ast: &'a Ast, name: &str) -> Vec<&'a Item> {
    let defines = |item: &&Item| item.definition().is_some_and(|d| d.name.text == name);
    ast.items.iter().filter(defines).collect()
}

impl hir::Library for Unit {
    fn find(&self, name: &str) -> Vec<&Definition> {
        let items = library::find(name, self.draft.as_deref()).into_iter();
        items.filter_map(Item::definition).collect()
    }

    fn names(&self) -> Vec<&str> {
        library::names(self.draft.as_deref())
    }

    fn task(&self, name: &str) -> Option<&Ast> {
        library::task(name)
    }

    fn tasks(&self) -> Vec<&str> {
        library::tasks()
    }

    fn holds(&self, span: Span) -> bool {
        library::holds(span.file)
    }

    fn uses(&self, file: FileId) -> &[Used] {
        match file {
            USER => &self.uses,
            file => self.file(file).map_or(&[], |file| &file.uses),
        }
    }

    fn module(&self, file: FileId) -> Option<&Ast> {
        self.file(file).map(File::ast)
    }

    fn own_modules(&self) -> Vec<&Ast> {
        self.own().skip(1).collect()
    }

    fn used_at(&self, file: FileId) -> Option<Span> {
        self.file(file).map(|file| file.at)
    }

    fn embedded(&self) -> Vec<&str> {
        library::embedded_names().collect()
    }

    fn names_of(&self, module: &str) -> Vec<&str> {
        library::names_of(module)
    }
}
