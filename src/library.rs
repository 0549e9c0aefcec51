//! The standard library as parsed definitions, each file parsed when a name of it is first asked
//! for, once in the life of the process.

use crate::ast::{self, Ast, Definition, ItemKind};
use crate::diag::Diagnostics;
use crate::hir;
use crate::source::{FileId, SourceFile, SourceMap, Span};
use crate::stdlib::{MODULES, Module, TASKS};
use std::sync::OnceLock;

/// The id of the user's file; those of the library follow.
pub const USER: FileId = FileId(0);

/// A name of the library and where it is defined, found without parsing.
struct Entry {
    name: &'static str,
    module: usize,
}

static PARSED: [OnceLock<Ast>; MODULES.len()] = [const { OnceLock::new() }; MODULES.len()];
static PARSED_TASKS: [OnceLock<Ast>; TASKS.len()] = [const { OnceLock::new() }; TASKS.len()];
static INDEX: OnceLock<Vec<Entry>> = OnceLock::new();

/// The names that the lines of a file begin to define: `loss mae, l1(`, `fn linear(`.
fn index() -> &'static [Entry] {
    INDEX.get_or_init(|| {
        let defined = |line: &'static str| {
            let rest = line
                .strip_prefix("loss ")
                .or_else(|| line.strip_prefix("fn "))?;
            rest.split('(').next().map(|names| names.split(", "))
        };
        let entries = MODULES.iter().enumerate().flat_map(|(module, m)| {
            let names = m.text.lines().filter_map(defined).flatten();
            names.map(move |name| Entry { name, module })
        });
        entries.collect()
    })
}

fn parse(module: &Module, file: FileId) -> Ast {
    let mut diags = Diagnostics::default();
    match ast::parse(file, module.text, &mut diags) {
        Some(ast) => ast,
        None => panic!("{} does not parse: {:?}", module.name, diags.into_sorted()),
    }
}

/// A file of the library.
pub fn module(i: usize) -> &'static Ast {
    PARSED[i].get_or_init(|| parse(&MODULES[i], FileId(1 + i as u32)))
}

/// Every file of the library but those of tasks: its name in messages, its text, and what it
/// defines.
pub fn modules() -> impl Iterator<Item = (&'static str, &'static str, &'static Ast)> {
    let parsed = |(i, m): (usize, &'static Module)| (m.name, m.text, module(i));
    MODULES.iter().enumerate().map(parsed)
}

fn task(i: usize) -> &'static Ast {
    let file = FileId((1 + MODULES.len() + i) as u32);
    PARSED_TASKS[i].get_or_init(|| parse(&TASKS[i], file))
}

/// The source files of a compilation: the user's, then the library's.
pub fn sources(name: &str, text: &str) -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add(SourceFile {
        name: name.to_string().into(),
        text: text.to_string().into(),
        library: false,
    });
    for module in MODULES.iter().chain(TASKS) {
        sources.add(SourceFile {
            name: module.name.into(),
            text: module.text.into(),
            library: true,
        });
    }
    sources
}

/// The standard library, as the checker asks for it.
pub struct Std;

impl hir::Library for Std {
    fn find(&self, name: &str) -> Vec<&'static Definition> {
        let mut modules: Vec<usize> = index()
            .iter()
            .filter(|entry| entry.name == name)
            .map(|entry| entry.module)
            .collect();
        modules.dedup();
        let definitions = modules
            .into_iter()
            .flat_map(|i| module(i).items.iter())
            .filter_map(|item| match &item.kind {
                ItemKind::Fn(definition) | ItemKind::Loss(definition) => Some(definition),
                _ => None,
            });
        definitions.filter(|d| d.answers_to(name)).collect()
    }

    fn names(&self) -> Vec<&'static str> {
        index().iter().map(|entry| entry.name).collect()
    }

    fn task(&self, name: &str) -> Option<&'static Ast> {
        let file = format!("std/task/{name}.loss");
        let i = TASKS.iter().position(|task| task.name == file)?;
        Some(task(i))
    }

    fn tasks(&self) -> Vec<&'static str> {
        let bare = |name: &'static str| {
            let name = name.strip_prefix("std/task/").unwrap_or(name);
            name.strip_suffix(".loss").unwrap_or(name)
        };
        TASKS.iter().map(|task| bare(task.name)).collect()
    }

    fn holds(&self, span: Span) -> bool {
        span.file != USER
    }
}
