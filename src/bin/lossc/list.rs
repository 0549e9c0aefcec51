//! `lossc list`: what there is, one line each.

use crate::answer::{Answer, Failure, Message};
use crate::args::{Catalogue, Format, List};
use crate::catalogue::{FIELDS, builtins, definitions, first_sentence, in_field};
use crate::table::columns;
use lossc::diag::{Code, nearest};
use lossc::ir::Op;
use lossc::passes;
use serde_json::{Map, Value, json};

/// The family of the functions that are not written in the language.
const LANGUAGE: &str = "language";

/// One line: the columns by name.
type Row = Vec<(&'static str, Value)>;

pub fn run(args: &List) -> Result<Answer, Failure> {
    let (kind, mut rows) = match args.what {
        Catalogue::Losses => ("losses", losses()),
        Catalogue::Functions => ("functions", functions()),
        Catalogue::Ops => ("ops", ops()),
        Catalogue::Passes => ("passes", all_passes()),
        Catalogue::Errors => ("errors", errors()),
        Catalogue::Lints => ("lints", lints()),
    };
    if let Some(family) = &args.family {
        rows = of_family(rows, family, kind)?;
    }
    if args.format == Format::Json {
        let items = rows.into_iter().map(|row| {
            let pairs = row.into_iter().map(|(key, value)| (key.to_string(), value));
            Value::Object(pairs.collect::<Map<_, _>>())
        });
        let items: Vec<Value> = items.collect();
        return Ok(Answer::json(
            &json!({ "version": 1, "kind": kind, "items": items }),
        ));
    }
    let cells = |row: &Row| {
        let shown = row
            .iter()
            .filter(|(key, _)| !matches!(*key, "doc" | "usage" | "module"));
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            // The number of forms is of interest where there are several.
            Value::Number(n) if n.as_u64() == Some(1) => String::new(),
            Value::Number(n) => format!("{n} forms"),
            Value::Array(names) if !names.is_empty() => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                format!("also {}", names.join(", "))
            }
            _ => String::new(),
        };
        shown.map(|(_, value)| text(value)).collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    Ok(Answer::fine(columns(&rows, 0)))
}

fn losses() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let entries = definitions();
    let public = entries.iter().filter(|e| e.loss && !e.private());
    let mut seen: Vec<&str> = Vec::new();
    for entry in public {
        if seen.contains(&entry.name.as_str()) {
            continue;
        }
        seen.push(&entry.name);
        let forms = entries.iter().filter(|e| e.loss && e.name == entry.name);
        rows.push(vec![
            ("name", json!(entry.name)),
            ("family", json!(entry.family)),
            ("module", json!(entry.module)),
            ("forms", json!(forms.count())),
            ("aliases", json!(entry.aliases().collect::<Vec<_>>())),
            ("about", json!(first_sentence(entry.doc))),
            ("doc", json!(entry.doc)),
        ]);
    }
    rows
}

fn functions() -> Vec<Row> {
    let own = builtins().into_iter().map(|function| {
        vec![
            ("name", json!(function.name)),
            ("family", json!(LANGUAGE)),
            ("module", Value::Null),
            ("usage", json!(function.usage)),
            ("about", json!(function.about)),
        ]
    });
    let entries = definitions();
    let written = entries.iter().filter(|e| !e.loss && !e.private());
    let written = written.map(|entry| {
        vec![
            ("name", json!(entry.name)),
            ("family", json!(entry.family)),
            ("module", json!(entry.module)),
            ("usage", json!(entry.part(entry.definition.head))),
            ("about", json!(first_sentence(entry.doc))),
            ("doc", json!(entry.doc)),
        ]
    });
    own.chain(written).collect()
}

fn ops() -> Vec<Row> {
    Op::catalogue()
        .map(|(name, about)| vec![("name", json!(name)), ("about", json!(about))])
        .collect()
}

fn all_passes() -> Vec<Row> {
    let rows = passes::ALL.iter();
    rows.map(|pass| vec![("name", json!(pass.name)), ("about", json!(pass.about))])
        .collect()
}

fn errors() -> Vec<Row> {
    let rows = Code::ALL.iter();
    rows.map(|code| {
        vec![
            ("code", json!(code.as_str())),
            ("about", json!(code.title())),
        ]
    })
    .collect()
}

fn lints() -> Vec<Row> {
    let named = |code: &Code| {
        Some(vec![
            ("name", json!(code.lint()?)),
            ("code", json!(code.as_str())),
            ("about", json!(code.title())),
        ])
    };
    Code::ALL.iter().filter_map(named).collect()
}

/// The rows of a family, which is a file of the library, or of a field.
fn of_family(rows: Vec<Row>, family: &str, kind: &str) -> Result<Vec<Row>, Failure> {
    let text = |row: &Row, column: &str| {
        let value = row.iter().find(|(key, _)| *key == column);
        value.and_then(|(_, value)| value.as_str().map(str::to_string))
    };
    let mut known: Vec<String> = rows.iter().filter_map(|row| text(row, "family")).collect();
    known.dedup();
    if known.is_empty() {
        return Err(Failure::Broken(
            Message::new(format!("{kind} have no families"))
                .help("`--family` chooses among losses and functions"),
        ));
    }
    let chosen: Vec<Row> = rows
        .into_iter()
        .filter(|row| {
            let of = text(row, "family").unwrap_or_default();
            let name = text(row, "name").unwrap_or_default();
            of == family || in_field(family, &of, &name)
        })
        .collect();
    if chosen.is_empty() {
        let message = Message::new(format!("there is no family `{family}` of {kind}"));
        known.extend(FIELDS.iter().map(|(field, _)| field.to_string()));
        let names = known.iter().map(String::as_str);
        return Err(Failure::Wrong(match nearest(family, names) {
            Some(near) => message.help(format!("a similar name is `{near}`")),
            None => message.help(format!("there are {}", known.join(", "))),
        }));
    }
    Ok(chosen)
}
