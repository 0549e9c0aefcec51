//! `lossc explain`: a loss, a function, an error code, or a spec.

use crate::answer::{Answer, Failure, Message, Talk};
use crate::args::Explain;
use crate::catalogue::{Builtin, Entry, builtins, first_sentence, library};
use crate::files;
use crate::summary::{self, Summary, Term, Written};
use crate::table::columns;
use lossc::Compiler;
use lossc::ast::{Ast, Expr, ExprKind, ItemKind, Selector};
use lossc::diag::{Code, nearest};
use lossc::source::Span;
use std::path::Path;

pub fn run(args: &Explain, talk: &mut Talk) -> Result<Answer, Failure> {
    let what = args.what.trim();
    if let Some(code) = Code::from_name(what) {
        return Ok(Answer::fine(page(code)));
    }
    let entries = library();
    let entries: Vec<&Entry> = entries.iter().filter(|e| e.answers_to(what)).collect();
    let builtins = builtins();
    let own = builtins.iter().find(|function| function.name == what);
    if own.is_some() || !entries.is_empty() {
        let mut parts: Vec<String> = own.map(builtin).into_iter().collect();
        let count = entries.len();
        let of = |(i, entry): (usize, &&Entry)| definition(entry, i + 1, count);
        parts.extend(entries.iter().enumerate().map(of));
        return Ok(Answer::fine(parts.join("\n")));
    }
    let path = Path::new(what);
    let looks_like_one = what == "-" || what.ends_with(".loss") || what.contains(['/', '\\']);
    if looks_like_one || path.is_file() {
        return spec(path, talk).map(Answer::fine);
    }
    Err(unknown(what))
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
fn spec(path: &Path, talk: &mut Talk) -> Result<String, Failure> {
    let spec = files::read_spec(path)?;
    let compiler = Compiler::new().name(&spec.name);
    let loss = compiler.compile(&spec.text)?;
    let (ast, _) = compiler.check(&spec.text)?;
    talk.report(loss.warnings());
    let summary = Summary::new(&spec.name, &loss, &[]);
    let entries = library();
    let sources = &loss.warnings().sources;
    let written = |term: &Term| {
        let expr = expression(&ast, term);
        let span = expr.map_or(term.span, |expr| expr.span);
        Written {
            text: sources.text(span).to_string(),
            line: sources.line_column(span.file, span.start).0,
            about: expr.map_or(Vec::new(), |expr| about(&ast, &entries, expr)),
        }
    };
    Ok(summary::terms_text(&summary, &written))
}

/// What is known of the losses that an expression calls: a sentence for each.
fn about(ast: &Ast, entries: &[Entry], expr: &Expr) -> Vec<String> {
    let mut lines = Vec::new();
    for name in called(expr) {
        let own = ast.items.iter().find(|item| match &item.kind {
            ItemKind::Loss(d) | ItemKind::Fn(d) => d.answers_to(name),
            _ => false,
        });
        let forms: Vec<&Entry> = entries.iter().filter(|e| e.answers_to(name)).collect();
        let text = match (own, &forms[..]) {
            (Some(item), _) => first_sentence(item.doc.as_deref().unwrap_or("")),
            (None, [one]) => first_sentence(one.doc),
            (None, []) => continue,
            (None, _) => format!("`lossc explain {name}` shows its {} forms", forms.len()),
        };
        if !text.is_empty() {
            lines.push(format!("{name}: {text}"));
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

/// The names that an expression calls, each once.
fn called(expr: &Expr) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut open: Vec<&Expr> = vec![expr];
    while let Some(expr) = open.pop() {
        if let ExprKind::Call { callee, .. } = &expr.kind
            && !names.contains(&callee.text.as_str())
        {
            names.push(&callee.text);
        }
        let mut parts = parts(expr);
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
        open.extend(parts(expr));
    }
    None
}

/// The expressions that an expression is made of, in the order of the text.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Name(_) | ExprKind::Axis(_) => {
            Vec::new()
        }
        ExprKind::List(items) => items.iter().collect(),
        ExprKind::Unary { operand, .. } => vec![operand],
        ExprKind::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => vec![cond, then, otherwise],
        ExprKind::Call { args, on, .. } => {
            let args = args.iter().flatten().chain(on.iter().flatten());
            args.map(|arg| &arg.value).collect()
        }
        ExprKind::Select { base, selectors } => {
            let indices = selectors.iter().filter_map(|selector| match selector {
                Selector::At { index, .. } => Some(index),
                _ => None,
            });
            std::iter::once(&**base).chain(indices).collect()
        }
        ExprKind::As { base, .. } => vec![base],
        ExprKind::SumFor { body, .. } => vec![body],
    }
}

fn unknown(what: &str) -> Failure {
    if like_a_code(what) {
        let message = Message::new(format!("there is no error code `{what}`"));
        return Failure::Wrong(message.help("`lossc list errors` shows them all"));
    }
    let mut names: Vec<&str> = library().iter().map(|entry| entry.name).collect();
    names.extend(builtins().iter().map(|function| function.name));
    names.retain(|name| !name.starts_with('_'));
    names.extend(Code::ALL.iter().map(|code| code.as_str()));
    let message = Message::new(format!(
        "`{what}` is no loss, no function, no error code and no file"
    ));
    Failure::Wrong(match nearest(what, names) {
        Some(near) => message.help(format!("a similar name is `{near}`")),
        None => message.help("`lossc list losses`, `functions` and `errors` show what there is"),
    })
}
