//! What comes with the compiler as parsed definitions: the standard library and the modules that a spec
//! may `use`. A file is parsed, without its tests, when a name of it is first asked for, once in the life
//! of the process.

use crate::ast::{self, Ast, Item};
use crate::diag::Diagnostics;
use crate::source::{FileId, SourceFile, SourceMap};
use crate::stdlib::{COMPAT, MODULES, Module, TASKS};
use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The id of the user's spec; the files of the library follow, then those that the spec uses.
pub const USER: FileId = FileId(0);

/// A name of the library and where it is defined, found without parsing.
struct Entry {
    name: &'static str,
    module: usize,
}

/// The names that the lines of a file begin to define: `loss mae, l1(`, `fn linear(`.
fn defined(text: &'static str) -> impl Iterator<Item = &'static str> {
    let names = text.lines().filter_map(|line| {
        let rest = line
            .strip_prefix("loss ")
            .or_else(|| line.strip_prefix("fn "))?;
        rest.split('(').next().map(|names| names.split(", "))
    });
    names.flatten()
}

fn index() -> &'static [Entry] {
    static INDEX: OnceLock<Vec<Entry>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let entries = MODULES.iter().enumerate().flat_map(|(module, m)| {
            let names = defined(m.text);
            names.map(move |name| Entry { name, module })
        });
        entries.collect()
    })
}

fn parse(module: &Module, file: FileId) -> Ast {
    let mut diags = Diagnostics::default();
    match ast::parse_without_tests(file, module.text, &mut diags) {
        Some(ast) => ast,
        None => panic!("{} does not parse: {:?}", module.name, diags.into_sorted()),
    }
}

/// All files that come with the compiler, in the order of their ids: the first is 1.
fn files() -> impl Iterator<Item = &'static Module> {
    MODULES.iter().chain(COMPAT).chain(TASKS)
}

/// The number of files before those that a user's spec uses.
const COUNT: usize = MODULES.len() + COMPAT.len() + TASKS.len();

/// File `i` of [`files`].
fn file(i: usize) -> &'static Ast {
    static PARSED: [OnceLock<Ast>; COUNT] = [const { OnceLock::new() }; COUNT];
    PARSED[i].get_or_init(|| match files().nth(i) {
        Some(module) => parse(module, FileId(1 + i as u32)),
        None => unreachable!("there are {COUNT} files"),
    })
}

/// Another text of a file of the standard library: what whoever edits the file wants to see tested, before the
/// compiler is built with it.
#[derive(Debug)]
pub struct Draft {
    /// Which of [`files`].
    module: usize,
    text: String,
    ast: Ast,
}

impl Draft {
    /// The draft that a text is if its path ends as that of a file of the standard library does,
    /// `specs/std/overlap.loss`; `None` for other paths, and for what does not parse.
    pub fn of(path: &str, text: &str) -> Option<Draft> {
        let is = |m: &Module| Path::new(path).ends_with(Path::new("specs").join(m.name));
        let module = MODULES.iter().position(is)?;
        let file = FileId(1 + module as u32);
        let ast = ast::parse_without_tests(file, text, &mut Diagnostics::default())?;
        Some(Draft {
            module,
            text: text.to_string(),
            ast,
        })
    }
}

/// Does `meanwhile` and reads the files that define a word of the text, on as many threads as there are
/// processors; each would otherwise be read at the first call of it that is checked.
pub fn read_ahead<T>(text: &str, meanwhile: impl FnOnce() -> T) -> T {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: HashSet<&str> = text.split(|c| !word(c)).collect();
    let called = index().iter().filter(|entry| words.contains(entry.name));
    let mut wanted: Vec<usize> = called.map(|entry| entry.module).collect();
    wanted.dedup();
    // The longest first, so that no thread is left with it at the end.
    wanted.sort_by_key(|&i| std::cmp::Reverse(MODULES[i].text.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(&i) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            file(i);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..threads.min(wanted.len()) {
            // Without a thread this one does the work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        let done = meanwhile();
        work();
        done
    })
}

/// Every file of the standard library but those of tasks: its name in messages, its text, and what
/// it defines.
pub fn modules() -> impl Iterator<Item = (&'static str, &'static str, &'static Ast)> {
    let modules = MODULES.iter().enumerate();
    modules.map(|(i, m)| (m.name, m.text, file(i)))
}

/// The same for every module that a spec may `use`.
pub fn embedded_modules() -> impl Iterator<Item = (&'static str, &'static str, &'static Ast)> {
    let modules = COMPAT.iter().enumerate();
    modules.map(|(i, m)| (m.name, m.text, file(MODULES.len() + i)))
}

/// Whether a file comes with the compiler.
pub fn holds(file: FileId) -> bool {
    (1..=COUNT as u32).contains(&file.0)
}

/// The name of a module, `monai`, of its file, `compat/monai.loss`.
fn bare(file: &'static str) -> &'static str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".loss").unwrap_or(name)
}

/// The names of the modules that a spec may `use`.
pub fn embedded_names() -> impl Iterator<Item = &'static str> {
    COMPAT.iter().map(|module| bare(module.name))
}

/// The module of a name.
pub fn embedded(name: &str) -> Option<&'static Ast> {
    let i = embedded_names().position(|known| known == name)?;
    Some(file(MODULES.len() + i))
}

/// What a file of the library says of itself, `compat/monai.loss`: the remarks at its beginning, without the marks.
pub fn remarks(file: &str) -> String {
    let found = files().find(|m| m.name == file);
    let lines = found.into_iter().flat_map(|m| m.text.lines());
    let lines =
        lines.map_while(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with('#')));
    let lines: Vec<&str> = lines.map(str::trim).collect();
    lines.join("\n")
}

/// What a module defines for others, found without parsing it.
pub fn names_of(module: &str) -> Vec<&'static str> {
    let found = COMPAT.iter().find(|m| bare(m.name) == module);
    let names = found.into_iter().flat_map(|m| defined(m.text));
    names.filter(|name| !name.starts_with('_')).collect()
}

/// The source files of a compilation: the user's, then the library's, one of them perhaps as its draft is.
pub fn sources(name: &str, text: &str, draft: Option<&Draft>) -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add(SourceFile {
        name: name.to_string().into(),
        text: text.to_string().into(),
        library: false,
    });
    for (i, module) in files().enumerate() {
        sources.add(SourceFile {
            name: module.name.into(),
            text: match draft {
                Some(draft) if draft.module == i => draft.text.clone().into(),
                _ => module.text.into(),
            },
            library: true,
        });
    }
    sources
}

/// The items that define a name in the standard library.
pub fn find<'d>(name: &str, draft: Option<&'d Draft>) -> Vec<&'d Item> {
    let drafted = draft.map(|draft| draft.module);
    let mut modules: Vec<usize> = index()
        .iter()
        .filter(|entry| entry.name == name)
        .map(|entry| entry.module)
        .chain(drafted)
        .collect();
    modules.sort_unstable();
    modules.dedup();
    let items = modules.into_iter().flat_map(|i| match draft {
        Some(draft) if draft.module == i => draft.ast.items.iter(),
        _ => file(i).items.iter(),
    });
    items
        .filter(|item| item.definition().is_some_and(|d| d.answers_to(name)))
        .collect()
}

/// Every name of the standard library.
pub fn names(draft: Option<&Draft>) -> Vec<&str> {
    let kept = |entry: &&Entry| draft.is_none_or(|draft| draft.module != entry.module);
    let names = index().iter().filter(kept).map(|entry| entry.name);
    let items = draft.into_iter().flat_map(|draft| &draft.ast.items);
    let drafted = items.filter_map(Item::definition).flat_map(|d| d.names());
    names
        .chain(drafted.map(|name| name.text.as_str()))
        .collect()
}

/// The inputs that `task NAME` declares.
pub fn task(name: &str) -> Option<&'static Ast> {
    let i = tasks().iter().position(|task| *task == name)?;
    Some(file(MODULES.len() + COMPAT.len() + i))
}

/// Every task.
pub fn tasks() -> Vec<&'static str> {
    TASKS.iter().map(|task| bare(task.name)).collect()
}
