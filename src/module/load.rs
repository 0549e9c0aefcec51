//! Follows the `use` items of a spec.

use super::loader::{LoadError, Loader};
use super::path::{self, Wrong};
use super::{File, MAX_DEPTH, MAX_FILES, MAX_TOTAL, Tree, Unit};
use crate::ast::{self, Ast, Expr, ExprKind, ItemKind, ModuleName, Use};
use crate::diag::{Code, Diagnostic, Diagnostics, nearest, or_list};
use crate::hir::Used;
use crate::library::{self, Draft, USER};
use crate::source::{FileId, SourceFile, SourceMap, Span};
use std::sync::Arc;

/// Reads a spec and everything that it uses; a draft stands for its file of the standard library. What is wrong goes into `diags`; there is a unit if the
/// spec itself is one, so that the rest of it can be checked too.
pub fn load(
    name: &str,
    text: &str,
    loader: Option<&dyn Loader>,
    draft: Option<Arc<Draft>>,
    diags: &mut Diagnostics,
) -> (Option<Unit>, SourceMap) {
    let sources = library::sources(name, text, draft.as_deref());
    let Some(main) = ast::parse(USER, text, diags) else {
        return (None, sources);
    };
    let mut loading = Loading {
        loader,
        sources,
        files: Vec::new(),
        known: Vec::new(),
        open: vec![Open {
            path: loader.map_or("", |loader| loader.main()).to_string(),
            at: main.span,
        }],
        bytes: 0,
        diags,
    };
    let uses = loading.uses(&main);
    let Loading { files, sources, .. } = loading;
    let unit = Unit {
        main,
        uses,
        files,
        draft,
    };
    (Some(unit), sources)
}

/// A file whose uses are being followed.
struct Open {
    path: String,
    /// Where it is used.
    at: Span,
}

struct Loading<'a> {
    loader: Option<&'a dyn Loader>,
    sources: SourceMap,
    files: Vec<File>,
    /// The paths that have been asked for, and the file that came of each.
    known: Vec<(String, Option<FileId>)>,
    /// From the spec to the file whose uses are being followed.
    open: Vec<Open>,
    bytes: usize,
    diags: &'a mut Diagnostics,
}

impl Loading<'_> {
    /// What the modules are called that a file uses.
    fn uses(&mut self, ast: &Ast) -> Vec<Used> {
        let mut uses: Vec<Used> = Vec::new();
        for item in &ast.items {
            let ItemKind::Use(used) = &item.kind else {
                continue;
            };
            let file = self.module(used);
            let Some(name) = self.name(used, file.is_some()) else {
                continue;
            };
            if let Some(first) = uses.iter().find(|u| u.name == name) {
                self.push(
                    Diagnostic::error(Code::Duplicate, format!("two modules are called `{name}`"))
                        .at(item.span, "the second one")
                        .also(first.span, "the first one")
                        .help("name one of them with `as`, or use it once"),
                );
                continue;
            }
            uses.push(Used {
                name,
                file,
                span: item.span,
            });
        }
        if !library::holds(ast.span.file) {
            self.warn_unused(ast, &uses);
        }
        uses
    }

    /// What a module is called in the file that uses it.
    fn name(&mut self, used: &Use, found: bool) -> Option<String> {
        if let Some(alias) = &used.alias {
            return Some(alias.text.clone());
        }
        let name = match &used.module {
            ModuleName::Embedded(name) => name,
            ModuleName::File(path) => path::stem(path),
        };
        if !ast::is_name(name) {
            if found {
                let end = Span {
                    start: used.span.end,
                    ..used.span
                };
                let like: String = name
                    .chars()
                    .map(|c| {
                        if c.is_ascii_alphanumeric() {
                            c.to_ascii_lowercase()
                        } else {
                            '_'
                        }
                    })
                    .collect();
                let like = if ast::is_name(&like) {
                    like
                } else {
                    format!("m_{like}")
                };
                self.push(
                    Diagnostic::error(
                        Code::BadPath,
                        format!("`{name}` cannot be the name of a module"),
                    )
                    .at(used.span, "the module is called after its file")
                    .fix(
                        end,
                        format!(" as {like}"),
                        "give it a name with `as`",
                    ),
                );
            }
            return None;
        }
        Some(name.to_string())
    }

    /// The file of a module, read if it is used for the first time.
    fn module(&mut self, used: &Use) -> Option<FileId> {
        let from = self.open.last().map_or("", |open| open.path.as_str());
        let path = match &used.module {
            ModuleName::Embedded(name) => return self.embedded(name, used.span),
            ModuleName::File(written) => match path::resolve(from, written) {
                Ok(path) => path,
                Err(wrong) => {
                    self.push(bad_path(wrong, written, used.span));
                    return None;
                }
            },
        };
        if let Some(start) = self.open.iter().position(|open| open.path == path) {
            self.cycle(start, &path, used.span);
            return None;
        }
        if let Some((_, file)) = self.known.iter().find(|(known, _)| *known == path) {
            return *file;
        }
        let file = self.read(&path, used.span);
        self.known.push((path, file));
        file
    }

    fn embedded(&mut self, name: &str, span: Span) -> Option<FileId> {
        let Some(ast) = library::embedded(name) else {
            let mut diagnostic =
                Diagnostic::error(Code::UnknownModule, format!("there is no module `{name}`"))
                    .at(span, "not known");
            diagnostic = match nearest(name, library::embedded_names()) {
                Some(near) => diagnostic.fix(span, near, "a similar name"),
                None => {
                    let names: Vec<String> = library::embedded_names()
                        .map(|n| format!("`{n}`"))
                        .collect();
                    diagnostic
                        .help(format!(
                            "modules that come with the compiler are {}",
                            or_list(&names)
                        ))
                        .help(format!(
                            "a file of your own is named by its path: `use \"{name}.loss\"`"
                        ))
                }
            };
            self.push(diagnostic);
            return None;
        };
        let id = ast.span.file;
        if self.files.iter().all(|file| file.id != id) {
            let uses = self.uses(ast);
            self.files.push(File {
                id,
                tree: Tree::Embedded(ast),
                uses,
                at: span,
            });
        }
        Some(id)
    }

    /// Reads a file and what it uses.
    fn read(&mut self, path: &str, span: Span) -> Option<FileId> {
        let error =
            |code, message: String, label: &str| Diagnostic::error(code, message).at(span, label);
        let Some(loader) = self.loader else {
            self.push(
                error(Code::UnknownModule, "no files can be read here".to_string(), "this is a file")
                    .help("the program that compiles the spec gives no loader: `Compiler::loader` takes one"),
            );
            return None;
        };
        let limit = if self.known.len() >= MAX_FILES {
            Some(format!("a spec uses at most {MAX_FILES} files"))
        } else if self.open.len() > MAX_DEPTH {
            Some(format!("files use each other at most {MAX_DEPTH} deep"))
        } else {
            None
        };
        if let Some(limit) = limit {
            self.push(error(Code::TooManyModules, limit, "one too many"));
            return None;
        }
        let shown = loader.shown(path);
        let bytes = match loader.load(path) {
            Ok(bytes) => bytes,
            Err(LoadError::NotFound) => {
                self.push(
                    error(
                        Code::UnknownModule,
                        format!("there is no file `{shown}`"),
                        "not found",
                    )
                    .help("a path starts at the folder of the file that it stands in"),
                );
                return None;
            }
            Err(LoadError::Outside) => {
                self.push(outside(span, "the file is a link that leads outside of it"));
                return None;
            }
            Err(LoadError::Failed(why)) => {
                let message = format!("cannot read `{shown}`: {why}");
                self.push(error(Code::UnknownModule, message, "this file"));
                return None;
            }
        };
        self.bytes += bytes.len();
        if self.bytes > MAX_TOTAL {
            let limit = format!("the files of a spec have at most {MAX_TOTAL} bytes together");
            self.push(error(
                Code::TooManyModules,
                limit,
                "with this one they have more",
            ));
            return None;
        }
        let text = match ast::decode(&bytes) {
            Ok(text) => text,
            Err(diagnostic) => {
                self.push(diagnostic.at(span, format!("reading `{shown}`")));
                return None;
            }
        };
        let id = self.sources.add(SourceFile {
            name: shown.into(),
            text: text.to_string().into(),
            library: false,
        });
        self.open.push(Open {
            path: path.to_string(),
            at: span,
        });
        let file = self.parse(id, text, span);
        self.open.pop();
        let file = file?;
        self.files.push(file);
        Some(id)
    }

    fn parse(&mut self, id: FileId, text: &str, at: Span) -> Option<File> {
        let mut found = Diagnostics::default();
        let ast = ast::parse(id, text, &mut found);
        if let Some(ast) = &ast {
            only_definitions(ast, &mut found);
        }
        let fine = !found.has_errors();
        let uses = ast.as_ref().map(|ast| self.uses(ast));
        for mut diagnostic in found.into_sorted() {
            if diagnostic.code == Code::Empty {
                diagnostic.message = "the file defines nothing".to_string();
                diagnostic.help = vec!["write a `fn` or a `loss`, or remove the `use`".to_string()];
            }
            self.push(diagnostic);
        }
        let (ast, uses) = (ast.filter(|_| fine)?, uses?);
        Some(File {
            id,
            tree: Tree::Own(ast),
            uses,
            at,
        })
    }

    /// Reports a mistake in the file that is open, and says how the spec came to it.
    fn push(&mut self, diagnostic: Diagnostic) {
        let used: Vec<Span> = self.open.iter().skip(1).rev().map(|open| open.at).collect();
        self.diags.push(diagnostic.used_at(&used));
    }

    fn cycle(&mut self, start: usize, path: &str, span: Span) {
        let shown = |path: &str| {
            self.loader
                .map_or(String::new(), |loader| loader.shown(path))
        };
        let names = self.open[start..].iter().map(|open| shown(&open.path));
        let names: Vec<String> = names.chain([shown(path)]).collect();
        let diagnostic = Diagnostic::error(
            Code::ModuleCycle,
            format!("files use each other in a circle: {}", names.join(" → ")),
        )
        .at(span, "this closes the circle");
        self.push(diagnostic.help("move what both need to a file of its own"));
    }

    fn warn_unused(&mut self, ast: &Ast, uses: &[Used]) {
        let mut called: Vec<&str> = Vec::new();
        let mut open: Vec<&Expr> = ast.exprs();
        while let Some(expr) = open.pop() {
            if let ExprKind::Call {
                module: Some(module),
                ..
            } = &expr.kind
            {
                called.push(&module.text);
            }
            open.extend(expr.parts());
        }
        for used in uses {
            if used.file.is_some() && !called.contains(&used.name.as_str()) {
                let warning = Diagnostic::warning(
                    Code::Unused,
                    format!("the module `{}` is never used", used.name),
                )
                .at(used.span, "no name of it is called")
                .help(format!(
                    "its names are called as `{}.name(…)`; remove the line if none is needed",
                    used.name
                ));
                self.push(warning);
            }
        }
    }
}

/// A module defines functions and losses; everything else belongs to the spec.
fn only_definitions(ast: &Ast, found: &mut Diagnostics) {
    let stray = ast.items.iter().filter_map(|item| {
        let what = match &item.kind {
            ItemKind::Language { .. }
            | ItemKind::Use(_)
            | ItemKind::Fn(_)
            | ItemKind::Loss(_)
            | ItemKind::Test(_) => {
                return None;
            }
            ItemKind::Task(_) => "a task",
            ItemKind::Axis { .. } => "an axis",
            ItemKind::Input { .. } => "an input",
            ItemKind::Param { .. } => "a param",
            ItemKind::Ignore { .. } => "what to ignore",
            ItemKind::Let(_) => "a `let`",
            ItemKind::Term(_) => "a term",
            ItemKind::Report(_) => "a report",
            ItemKind::Minimize(_) => "what to minimize",
        };
        Some((what, item.span))
    });
    let stray: Vec<(&str, Span)> = stray.collect();
    let Some(((what, span), rest)) = stray.split_first() else {
        return;
    };
    let mut diagnostic = Diagnostic::error(
        Code::NotInModule,
        format!("a file that is used cannot declare {what}"),
    )
    .at(*span, "belongs to a spec");
    for (_, span) in rest.iter().take(3) {
        diagnostic = diagnostic.also(*span, "and so does this");
    }
    found.push(
        diagnostic
            .note("a module holds `fn`, `loss`, `use` and tests; which tensors there are is said by the spec that uses it")
            .help("make it an option or an operand of the definition, or move it to the spec"),
    );
}

fn outside(span: Span, label: &str) -> Diagnostic {
    Diagnostic::error(Code::BadPath, "the path leads outside of the root")
        .at(span, label)
        .note("a spec uses files below one folder only: that of the spec itself, or the one given with `--root`")
}

fn bad_path(wrong: Wrong, written: &str, span: Span) -> Diagnostic {
    let error =
        |message: &str, label: &str| Diagnostic::error(Code::BadPath, message).at(span, label);
    let quoted = |path: &str| format!("\"{path}\"");
    match wrong {
        Wrong::Empty => error("the path of the module has an empty name in it", "a name is missing")
            .help("for example `use \"losses/common.loss\"`"),
        Wrong::Backslash => error("names in a path are separated by `/`", "not by `\\`").fix(
            span,
            quoted(&written.replace("\\\\", "/").replace('\\', "/")),
            "the same on every system",
        ),
        Wrong::Absolute => error("the path of a module is relative", "starts elsewhere")
            .help("a path starts at the folder of the file that it stands in: `use \"common.loss\"`, `use \"../common.loss\"`"),
        Wrong::Outside => outside(span, "`..` leads above it"),
        Wrong::Extension => {
            let diagnostic = error("a module is a `.loss` file", "does not end in `.loss`");
            match written.rsplit('/').next() {
                Some(name) if !name.contains('.') => {
                    diagnostic.fix(span, quoted(&format!("{written}.loss")), "the name of the file in full")
                }
                _ => diagnostic,
            }
        }
    }
}
