//! `lossc reference`: the library as pages for readers, made of what its files say.

use crate::answer::{Answer, Failure, Message};
use crate::args::Reference;
use crate::catalogue::{Entry, FIELDS, definitions, first_sentence, in_field};
use crate::explain::others;
use crate::files;
use crate::plot;
use lossc::ast::{AxisDecl, ClassWord, OptionDecl, TypeKind};
use lossc::library;
use std::io::Write;

/// A file of the reference: its name, and its text.
pub type Page = (String, String);

/// What nobody will find, and why.
const LEFT_OUT: &str = "\
- **CTC and RNN-T**: sums over all alignments are recursions along time, and the language has no loops.
- **Perceptual losses** (LPIPS, VGG features): they need a trained network. Given its features as inputs, they are `mse()` of them.
- **Learned proxies and centres** (proxy-NCA, centre loss): they have weights of their own, which belong to a model. Given as an input, they can be said.
";

/// The family of scores that nobody minimises, so that their slopes tell nothing.
const SCORES: &str = "reports";

/// The folder of pictures.
const PLOTS: &str = "plots";

pub fn run(args: &Reference) -> Result<Answer, Failure> {
    let folder = &args.folder;
    std::fs::create_dir_all(folder.join(PLOTS)).map_err(|error| {
        let why = files::reason(&error);
        Failure::Broken(Message::new(format!(
            "cannot make `{}`: {why}",
            folder.display()
        )))
    })?;
    for (name, text) in pages() {
        let path = folder.join(name);
        files::write_whole(&path, |file| file.write_all(text.as_bytes()))?;
    }
    Ok(Answer::fine(""))
}

/// All pages: the index, and one for each file of the library that has something to call.
fn pages() -> Vec<Page> {
    let all = definitions();
    let public: Vec<&Entry> = all.iter().filter(|entry| !entry.private()).collect();
    let mut families: Vec<&str> = public.iter().map(|entry| entry.file).collect();
    families.dedup();
    let mut pages = vec![("README.md".to_string(), index(&public, &families))];
    for file in families {
        let own: Vec<&Entry> = public.iter().filter(|e| e.file == file).copied().collect();
        for entry in own.iter().filter(|entry| entry.module.is_none()) {
            pages.extend(picture(entry));
        }
        let text = family(&all, &own, &pages);
        pages.push((page_name(own[0]), text));
    }
    pages
}

fn page_name(entry: &Entry) -> String {
    format!("{}.md", entry.family)
}

/// The names of a family, each once, with its forms.
fn names<'e>(entries: &[&'e Entry]) -> Vec<(&'e str, Vec<&'e Entry>)> {
    let mut names: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for &entry in entries {
        match names.iter_mut().find(|(name, _)| *name == entry.name) {
            Some((_, forms)) => forms.push(entry),
            None => names.push((&entry.name, vec![entry])),
        }
    }
    names
}

/// How a page is linked to at the heading of a name.
fn link(entry: &Entry) -> String {
    let anchor: String = entry.name.chars().filter(|c| *c != '.').collect();
    format!("[`{}`]({}#{anchor})", entry.name, page_name(entry))
}

fn index(public: &[&Entry], families: &[&str]) -> String {
    let losses = public.iter().filter(|entry| entry.loss).copied();
    let count = names(&losses.collect::<Vec<_>>()).len();
    let mut out = format!(
        "# The losses\n\n{count} losses, each written in the language under `specs/`. `lossc explain dice` shows one with its definition, `lossc list \
         losses --family segmentation` those of a field. These pages are made by `lossc reference`, from the same files.\n\n"
    );
    out.push_str("| field | losses |\n| --- | --- |\n");
    for (field, _) in FIELDS {
        let of =
            |entry: &&&Entry| entry.module.is_none() && in_field(field, entry.family, &entry.name);
        let entries: Vec<&Entry> = public.iter().filter(of).copied().collect();
        out.push_str(&format!("| {field} | {} |\n", linked(&entries)));
    }
    for (title, modules) in [("Families", false), ("Other libraries", true)] {
        out.push_str(&format!("\n## {title}\n\n"));
        for file in families {
            let own: Vec<&Entry> = public.iter().filter(|e| e.file == *file).copied().collect();
            if own[0].module.is_some() == modules {
                let page = page_name(own[0]);
                let about = first_sentence(&library::remarks(file));
                let about = if about.is_empty() {
                    String::new()
                } else {
                    format!(": {}", plain(&about))
                };
                out.push_str(&format!(
                    "- [{}]({page}){about}. {}\n",
                    own[0].family,
                    linked(&own)
                ));
            }
        }
    }
    out.push_str(&format!("\n## What is not here\n\n{LEFT_OUT}"));
    out
}

fn linked(entries: &[&Entry]) -> String {
    let links = names(entries).into_iter().map(|(_, forms)| link(forms[0]));
    links.collect::<Vec<_>>().join(", ")
}

/// The file of a picture; two forms of a name in one family have one.
fn picture_name(entry: &Entry) -> String {
    format!("{PLOTS}/{}_{}.svg", entry.family, entry.name)
}

/// The picture of a loss over one number, where that makes sense: of a loss of scores or numbers, entry by entry, that
/// needs no options.
fn picture(entry: &Entry) -> Option<Page> {
    let task = task(entry).filter(|_| entry.family != SCORES)?;
    let call = format!("{}()", entry.name);
    let text = plot::of_loss(&format!("task {task}\nminimize {call}\n"), &call)?;
    Some((picture_name(entry), text))
}

/// The task that has a loss's operands.
fn task(entry: &Entry) -> Option<&'static str> {
    let operands = &entry.definition.operands;
    let mut task = None;
    for operand in operands.iter().filter(|_| entry.loss) {
        let TypeKind::Tensor {
            kind, axes, class, ..
        } = &operand.ty.kind
        else {
            return None;
        };
        // An axis with a name is one of boxes or vectors, of which one number tells nothing.
        let named = |axis: &AxisDecl| !matches!(axis, AxisDecl::Pack { .. });
        if axes.iter().flatten().any(named) {
            return None;
        }
        let found = match (kind.text.as_str(), class) {
            (_, Some(class)) if class.word == ClassWord::Per => "binary",
            ("real", _) => "regression",
            _ => "multiclass",
        };
        task = task.or(Some(found));
    }
    task
}

/// The page of a file of the library, with the pictures that are among `pages`.
fn family(all: &[Entry], own: &[&Entry], pages: &[Page]) -> String {
    let (file, name) = (own[0].file, own[0].family);
    let mut out = format!("# {name}\n\n");
    let remarks = library::remarks(file);
    if !remarks.is_empty() {
        out.push_str(&format!("{}\n\n", plain(&remarks)));
    }
    if let Some(module) = own[0].module {
        out.push_str(&format!("A spec writes `use {module}`.\n\n"));
    }
    out.push_str(&format!(
        "Defined in [`specs/{file}`](../../specs/{file}).\n"
    ));
    for (name, forms) in names(own) {
        out.push_str(&format!("\n## `{name}`\n"));
        for (i, form) in forms.iter().enumerate() {
            if forms.len() > 1 {
                out.push_str(&format!("\n**Form {} of {}**\n", i + 1, forms.len()));
            }
            out.push_str(&definition(form));
        }
        let file = picture_name(forms[0]);
        if pages.iter().any(|(name, _)| *name == file) {
            out.push_str(&format!(
                "\n![`{name}` and its gradient over one number]({file})\n"
            ));
        }
        // What a module calls by the same name says in which way it differs.
        let others = if own[0].module.is_none() {
            others(all, name)
        } else {
            Vec::new()
        };
        if !others.is_empty() {
            out.push_str("\nOther libraries:\n\n");
        }
        for other in others {
            let Some(entry) = all.iter().find(|entry| entry.name == other) else {
                continue;
            };
            out.push_str(&format!(
                "- {}: {}.\n",
                link(entry),
                plain(&first_sentence(entry.doc))
            ));
        }
    }
    out
}

/// One form of a loss or a function.
fn definition(entry: &Entry) -> String {
    let mut out = format!("\n{}\n", plain(entry.doc.trim()));
    let aliases: Vec<String> = entry.aliases().map(|name| format!("`{name}`")).collect();
    if !aliases.is_empty() {
        out.push_str(&format!("\nAlso called {}.\n", aliases.join(", ")));
    }
    let operands = entry.definition.operands.iter();
    let operands: Vec<String> = operands
        .map(|operand| format!("`{}`", entry.part(operand.span)))
        .collect();
    if !operands.is_empty() {
        out.push_str(&format!("\nOn {}.\n", operands.join(", ")));
    }
    let options = &entry.definition.options;
    if !options.is_empty() {
        let title = if entry.loss { "option" } else { "argument" };
        out.push_str(&format!(
            "\n| {title} | type | range | default |\n| --- | --- | --- | --- |\n"
        ));
        for option in options {
            out.push_str(&row(entry, option));
        }
    }
    out
}

/// The line of an option in its table.
fn row(entry: &Entry, option: &OptionDecl) -> String {
    let (ty, range) = match &option.ty.kind {
        TypeKind::Tensor {
            range: Some(range), ..
        } => {
            let all = entry.part(option.ty.span);
            let range = entry.part(range.span);
            (
                all.strip_suffix(range).unwrap_or(all).trim_end(),
                range.to_string(),
            )
        }
        TypeKind::Tensor { .. } => (entry.part(option.ty.span), String::new()),
        TypeKind::OneOf(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            ("one of", words.join(", "))
        }
    };
    let default = match &option.default {
        Some(default) => code(entry.part(default.span)),
        None => "must be given".to_string(),
    };
    format!(
        "| `{}` | {} | {} | {default} |\n",
        option.name.text,
        code(ty),
        code(&range)
    )
}

/// Text of the language in a cell of a table.
fn code(text: &str) -> String {
    match text {
        "" => String::new(),
        _ => format!("`{}`", text.replace('|', "\\|")),
    }
}

/// Prose as Markdown takes it: signs that would be marks, outside of code.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        if i % 2 == 1 {
            out.push_str(&format!("`{part}`"));
            continue;
        }
        let mut before = ' ';
        for (at, c) in part.char_indices() {
            // Within a word an underscore is no mark.
            let inside = c == '_'
                && before.is_alphanumeric()
                && part[at + 1..]
                    .chars()
                    .next()
                    .is_some_and(char::is_alphanumeric);
            if matches!(c, '*' | '_' | '<' | '[' | ']') && !inside {
                out.push('\\');
            }
            out.push(c);
            before = c;
        }
    }
    out
}
