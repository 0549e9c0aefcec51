//! What the library and the language define, for `explain` and `list`.

use lossc::ast::{Definition, ItemKind};
use lossc::hir::{FUNCTIONS, is_function};
use lossc::ir::MapOp;
use lossc::library;
use lossc::source::Span;

/// A definition of the library.
pub struct Entry {
    /// As a spec calls it: `dice`, `monai.dice`.
    pub name: String,
    /// The module that a spec must use to call it.
    pub module: Option<&'static str>,
    /// `std/overlap.loss`
    pub file: &'static str,
    /// `overlap`; of a module its name.
    pub family: &'static str,
    /// Whether it is a loss, and not a function.
    pub loss: bool,
    pub doc: &'static str,
    pub definition: &'static Definition,
    /// All of it, as it is written.
    pub text: &'static str,
    /// The line on which it begins.
    pub line: usize,
    source: &'static str,
}

impl Entry {
    /// Whether it is for its own file alone.
    pub fn private(&self) -> bool {
        self.definition.name.text.starts_with('_')
    }

    /// Whether a spec calls it so: by its name or another name of it, behind that of its module.
    pub fn answers_to(&self, name: &str) -> bool {
        let bare = match self.module {
            None => Some(name),
            Some(module) => name
                .strip_prefix(module)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        bare.is_some_and(|bare| self.definition.answers_to(bare))
    }

    /// Its other names.
    pub fn aliases(&self) -> impl Iterator<Item = &'static str> {
        self.definition.aliases.iter().map(|a| a.text.as_str())
    }

    /// The text of a part of it.
    pub fn part(&self, span: Span) -> &'static str {
        self.source.get(span.range()).unwrap_or("")
    }
}

/// Every definition of the library and of its modules, in the order of the files.
pub fn definitions() -> Vec<Entry> {
    let mut entries = Vec::new();
    for (file, source, ast) in library::modules().chain(library::embedded_modules()) {
        let (folder, family) = file.split_once('/').unwrap_or(("", file));
        let family = family.strip_suffix(".loss").unwrap_or(family);
        let module = (folder != "std").then_some(family);
        for item in &ast.items {
            let (definition, loss) = match &item.kind {
                ItemKind::Loss(definition) => (definition, true),
                ItemKind::Fn(definition) => (definition, false),
                _ => continue,
            };
            let before = source.get(..item.span.start as usize).unwrap_or("");
            let name = &definition.name.text;
            entries.push(Entry {
                name: module.map_or(name.clone(), |module| format!("{module}.{name}")),
                module,
                file,
                family,
                loss,
                doc: item.doc.as_deref().unwrap_or(""),
                definition,
                text: source.get(item.span.range()).unwrap_or(""),
                line: before.matches('\n').count() + 1,
                source,
            });
        }
    }
    entries
}

/// Fields that losses are for: whole families, and single losses of others.
pub const FIELDS: &[(&str, &[&str])] = &[
    (
        "segmentation",
        &[
            "overlap",
            "compound",
            "order",
            "distance",
            "boundary_ce",
            "cldice",
        ],
    ),
    ("classification", &["cross_entropy", "binary"]),
    ("detection", &["box", "quality_focal", "varifocal"]),
    ("embeddings", &["metric"]),
    ("distributions", &["divergence"]),
    ("images", &["image", "field"]),
];

/// Whether a field of this name has this family, or this loss of it.
pub fn in_field(field: &str, family: &str, name: &str) -> bool {
    let known = FIELDS.iter().find(|(known, _)| *known == field);
    known.is_some_and(|(_, parts)| parts.contains(&family) || parts.contains(&name))
}

/// A function of the language itself.
pub struct Builtin {
    pub name: &'static str,
    /// How it is written.
    pub usage: String,
    pub about: &'static str,
}

/// Every function of the language itself.
pub fn builtins() -> Vec<Builtin> {
    let mut all: Vec<Builtin> = FUNCTIONS
        .iter()
        .map(|function| Builtin {
            name: function.name,
            usage: function.usage.to_string(),
            about: function.about,
        })
        .collect();
    for op in MapOp::ALL.iter().copied().filter(|&op| is_function(op)) {
        if all.iter().any(|known| known.name == op.name()) {
            continue;
        }
        let arguments = match op.arity() {
            1 => "x",
            2 => "a, b",
            _ => "x, a, b",
        };
        all.push(Builtin {
            name: op.name(),
            usage: format!("{}({arguments})", op.name()),
            about: op.about(),
        });
    }
    all
}

/// The first sentence of a doc comment, on one line, without its full stop.
pub fn first_sentence(doc: &str) -> String {
    let words: Vec<&str> = doc.split_whitespace().collect();
    let mut end = words.len();
    for (i, word) in words.iter().enumerate() {
        // `et al. 2017` is no end of a sentence; a sentence may begin with a Greek letter.
        let next = words.get(i + 1).and_then(|next| next.chars().next());
        let begins = |c: char| c.is_uppercase() || !c.is_ascii() || matches!(c, '`' | '(');
        if word.ends_with('.') && next.is_none_or(begins) {
            end = i + 1;
            break;
        }
    }
    let sentence = words[..end].join(" ");
    sentence.strip_suffix('.').unwrap_or(&sentence).to_string()
}
