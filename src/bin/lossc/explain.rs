//! `lossc explain`: a loss, a function, an error code, or a spec.

use crate::answer::{Answer, Failure, Message, Talk};
use crate::args::Explain;
use crate::catalogue::{Builtin, Entry, builtins, definitions, first_sentence};
use crate::files;
use crate::folder;
use crate::summary::{self, Summary, Term, Written};
use crate::table::columns;
use lossc::ast::{Ast, Expr, ExprKind, ItemKind};
use lossc::diag::{Code, nearest};
use lossc::library;
use lossc::module::Unit;
use lossc::source::Span;
use std::path::Path;

pub fn run(args: &Explain, talk: &mut Talk) -> Result<Answer, Failure> {
    let what = args.what.trim();
    if let Some(code) = Code::from_name(what) {
        return Ok(Answer::fine(page(code)));
    }
    let all = definitions();
    let entries: Vec<&Entry> = all.iter().filter(|e| e.answers_to(what)).collect();
    let builtins = builtins();
    let own = builtins.iter().find(|function| function.name == what);
    if own.is_some() || !entries.is_empty() {
        let mut parts: Vec<String> = own.map(builtin).into_iter().collect();
        let count = entries.len();
        let of = |(i, entry): (usize, &&Entry)| definition(entry, i + 1, count);
        parts.extend(entries.iter().enumerate().map(of));
        let others = others(&all, what);
        if !others.is_empty() {
            parts.push(format!("of other libraries: {}\n", others.join(", ")));
        }
        return Ok(Answer::fine(parts.join("\n")));
    }
    if library::embedded_names().any(|name| name == what) {
        return Ok(Answer::fine(module(&all, what)));
    }
    let path = Path::new(what);
    let looks_like_one = what == "-" || what.ends_with(".loss") || what.contains(['/', '\\']);
    if looks_like_one || path.is_file() {
        return spec(path, args, talk).map(Answer::fine);
    }
    Err(unknown(what))
}

/// The names of modules for what the standard library calls by this name.
pub fn others<'e>(entries: &'e [Entry], name: &str) -> Vec<&'e str> {
    let same = |entry: &&Entry| entry.module.is_some() && entry.definition.answers_to(name);
    let mut names: Vec<&str> = entries
        .iter()
        .filter(same)
        .map(|e| e.name.as_str())
        .collect();
    names.dedup();
    names
}

/// A module that comes with the compiler: what it says of itself, and what it defines.
fn module(entries: &[Entry], name: &str) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for entry in entries {
        let known = rows.last().is_some_and(|row| row[0] == entry.name);
        if entry.module == Some(name) && !entry.private() && !known {
            rows.push(vec![entry.name.clone(), first_sentence(entry.doc)]);
        }
    }
    let remarks = library::remarks(&format!("compat/{name}.loss"));
    format!(
        "module {name}\n\n{}\nwritten `use {name}`; it defines\n{}",
        indented(&remarks),
        columns(&rows, 2)
    )
}

/// Whether a word looks like a code: a letter and digits.
fn like_a_code(word: &str) -> bool {
    let digits = word.strip_prefix(['E', 'e', 'W', 'w']).unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The page of a code, under its title.
fn page(code: Code) -> String {
    format!(
        "{}: {}\n\n{}\n",
        code.as_str(),
        code.title(),
        code.page().trim()
    )
}

fn builtin(function: &Builtin) -> String {
    format!(
        "function {}    of the language\n\n  {}\n\n  written {}\n",
        function.name, function.about, function.usage
    )
}

/// A definition of the library, form `i` of `count` of its name.
fn definition(entry: &Entry, i: usize, count: usize) -> String {
    let word = if entry.loss { "loss" } else { "function" };
    let form = match count {
        1 => String::new(),
        _ => format!(", form {i} of {count}"),
    };
    let mut out = format!(
        "{word} {}{form}    {}:{}\n\n",
        entry.name, entry.file, entry.line
    );
    out.push_str(&indented(entry.doc));
    let aliases: Vec<&str> = entry.aliases().collect();
    if !aliases.is_empty() {
        out.push_str(&format!("  also called {}\n", aliases.join(", ")));
    }
    let options = entry.definition.options.iter().map(|option| {
        let default = option.default.as_ref();
        vec![
            option.name.text.clone(),
            entry.part(option.ty.span).to_string(),
            default.map_or("must be given".to_string(), |default| {
                format!("= {}", entry.part(default.span))
            }),
        ]
    });
    let operands = entry.definition.operands.iter();
    let operands = operands.map(|operand| {
        let ty = entry.part(operand.ty.span).to_string();
        vec![operand.name.text.clone(), ty]
    });
    let title = if entry.loss { "options" } else { "arguments" };
    let sections: [(&str, Vec<Vec<String>>); 2] =
        [(title, options.collect()), ("operands", operands.collect())];
    for (title, rows) in sections {
        if !rows.is_empty() {
            out.push_str(&format!("\n{title}\n{}", columns(&rows, 2)));
        }
    }
    out.push_str(&format!("\ndefinition\n{}", indented(entry.text)));
    out
}

fn indented(text: &str) -> String {
    let line = |line: &str| format!("  {line}").trim_end().to_string() + "\n";
    text.trim().lines().map(line).collect()
}

/// Each term of a spec: what it is, what it is divided by, which conversions serve it.
fn spec(path: &Path, args: &Explain, talk: &mut Talk) -> Result<String, Failure> {
    let spec = files::read_spec(path)?;
    let compiler = folder::compiler(&spec, args.root.root.as_deref())?;
    let loss = compiler.compile(&spec.text)?;
    let (unit, _) = compiler.check(&spec.text)?;
    talk.report(loss.warnings());
    let summary = Summary::new(&spec.name, &loss, &[]);
    let sources = &loss.warnings().sources;
    let written = |term: &Term| {
        let expr = expression(&unit.main, term);
        let span = expr.map_or(term.span, |expr| expr.span);
        Written {
            text: sources.text(span).to_string(),
            line: sources.line_column(span.file, span.start).0,
            about: expr.map_or(Vec::new(), |expr| about(&unit, expr)),
        }
    };
    Ok(summary::terms_text(&summary, &written))
}

/// What is known of the losses that an expression calls: a sentence for each.
fn about(unit: &Unit, expr: &Expr) -> Vec<String> {
    let mut lines = Vec::new();
    for (module, name) in called(expr) {
        let forms = unit.called(module, name);
        let written = module.map_or(name.to_string(), |module| format!("{module}.{name}"));
        let text = match &forms[..] {
            [] => continue,
            [one] => first_sentence(one.doc.as_deref().unwrap_or("")),
            forms => format!("`lossc explain {written}` shows its {} forms", forms.len()),
        };
        if !text.is_empty() {
            lines.push(format!("{written}: {text}"));
        }
    }
    lines
}

/// What a term is, as it is written.
fn expression<'a>(ast: &'a Ast, term: &Term) -> Option<&'a Expr> {
    // A declared term stands where it is declared, any other where it is minimized.
    let declared = ast.items.iter().find_map(|item| match &item.kind {
        ItemKind::Term(binding) if binding.name.text == term.scalar.name => Some(&binding.value),
        _ => None,
    });
    let minimized = ast.items.iter().find_map(|item| match &item.kind {
        ItemKind::Minimize(expr) => find(expr, term.span),
        _ => None,
    });
    declared.or(minimized)
}

/// The names that an expression calls, each once, with their modules.
fn called(expr: &Expr) -> Vec<(Option<&str>, &str)> {
    let mut names: Vec<(Option<&str>, &str)> = Vec::new();
    let mut open: Vec<&Expr> = vec![expr];
    while let Some(expr) = open.pop() {
        if let ExprKind::Call { module, callee, .. } = &expr.kind {
            let name = (
                module.as_ref().map(|m| m.text.as_str()),
                callee.text.as_str(),
            );
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut parts = expr.parts();
        parts.reverse();
        open.extend(parts);
    }
    names
}

fn find(root: &Expr, span: Span) -> Option<&Expr> {
    let mut open = vec![root];
    while let Some(expr) = open.pop() {
        if expr.span == span {
            return Some(expr);
        }
        open.extend(expr.parts());
    }
    None
}

fn unknown(what: &str) -> Failure {
    if like_a_code(what) {
        let message = Message::new(format!("there is no error code `{what}`"));
        return Failure::Wrong(message.help("`lossc list errors` shows them all"));
    }
    let entries = definitions();
    let public = entries.iter().filter(|entry| !entry.private());
    let mut names: Vec<&str> = public.map(|entry| entry.name.as_str()).collect();
    for name in library::embedded_names() {
        names.push(name);
    }
    let builtins = builtins();
    names.extend(builtins.iter().map(|function| function.name));
    names.extend(Code::ALL.iter().map(|code| code.as_str()));
    let message = Message::new(format!(
        "`{what}` is no loss, no function, no error code and no file"
    ));
    Failure::Wrong(match nearest(what, names) {
        Some(near) => message.help(format!("a similar name is `{near}`")),
        None => message.help("`lossc list losses`, `functions` and `errors` show what there is"),
    })
}
