//! A summary for people.

use super::{Scalar, Summary, Term};
use crate::numbers::show;
use crate::table::columns;
use lossc::diag::and_list;

/// All of it.
pub fn text(summary: &Summary) -> String {
    let mut out = format!("{}\n", summary.file);
    let mut section = |title: &str, rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            out.push_str(&format!("\n{title}\n{}", columns(&rows, 2)));
        }
    };
    let inputs = summary.inputs.iter();
    section(
        "inputs",
        inputs
            .map(|input| vec![input.name.clone(), input.ty.clone(), input.doc.clone()])
            .collect(),
    );
    section("params", params(summary));
    section("axes", axes(summary));
    section("ignored", summary.ignore.iter().map(ignored).collect());
    section("terms", terms(summary));
    let reports = summary.reports.iter();
    section(
        "reports",
        reports
            .map(|report| vec![report.name.clone(), averages(report)])
            .collect(),
    );
    section("conversions", conversions(summary));
    let (value, both) = summary.operations;
    section(
        "operations",
        vec![vec![format!(
            "{value} for the value, {both} with the gradient"
        )]],
    );
    let memory = match &summary.memory {
        Some(memory) => {
            let mb = |bytes: usize| format!("{:.2} MB", bytes as f64 / 1e6);
            let passes = if memory.passes == 1 { "pass" } else { "passes" };
            format!(
                "{} {passes} for value and gradient, {} read, {} written, {} besides",
                memory.passes,
                mb(memory.read),
                mb(memory.written),
                mb(memory.extra)
            )
        }
        None => "passes and bytes follow from sizes: `--shape pred=5,2,64,64`".to_string(),
    };
    section("memory", vec![vec![memory]]);
    out
}

/// What a spec says of a term.
pub struct Written {
    /// Its text.
    pub text: String,
    /// The line on which it stands.
    pub line: usize,
    /// What is known of the losses that it calls.
    pub about: Vec<String>,
}

/// What each term is: its text, its weight, what it is divided by, and the conversions that serve
/// it.
pub fn terms_text(summary: &Summary, written: &dyn Fn(&Term) -> Written) -> String {
    let mut out = format!("{}\n", summary.file);
    for (i, term) in summary.terms.iter().enumerate() {
        let written = written(term);
        out.push_str(&format!("\n{}, {}\n", term.scalar.name, weight(term)));
        let mut line = |text: &str| out.push_str(&format!("  {text}\n"));
        line(&format!(
            "{}    (line {})",
            one_line(&written.text),
            written.line
        ));
        written.about.iter().for_each(|text| line(text));
        line(&averages(&term.scalar));
        let rows = summary.conversions.iter();
        for row in rows.filter(|row| row.terms.contains(&i)) {
            line(&format!("{}: {} → {}", row.value, row.from, by(row)));
        }
    }
    for report in &summary.reports {
        out.push_str(&format!(
            "\n{} (report)\n  {}\n",
            report.name,
            averages(report)
        ));
    }
    out
}

fn params(summary: &Summary) -> Vec<Vec<String>> {
    let row = |param: &super::Param| {
        let mut range = param.range.map_or(String::new(), |range| range.to_string());
        if param.integer {
            range = format!("whole {range}");
        }
        let default = format!("= {}", show(param.default, false));
        let range = range.trim().to_string();
        vec![param.name.clone(), default, range, param.doc.clone()]
    };
    summary.params.iter().map(row).collect()
}

fn axes(summary: &Summary) -> Vec<Vec<String>> {
    let row = |axis: &super::Axis| {
        let size = match &axis.size {
            Some(size) if size.is_empty() => "no axis".to_string(),
            Some(size) => size
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" × "),
            None if axis.pack => "any number of axes".to_string(),
            None => "any size".to_string(),
        };
        let why = axis.fixed.as_ref();
        let why = why.map_or(String::new(), |(why, line)| format!("{why} (line {line})"));
        vec![axis.name.clone(), axis.role.to_string(), size, why]
    };
    let mut rows: Vec<Vec<String>> = summary.axes.iter().map(row).collect();
    for (name, rank) in &summary.packs {
        let text = format!("taken apart into {rank}: what is bound decides how many");
        rows.push(vec![format!("...{name}"), String::new(), text]);
    }
    rows
}

fn ignored(rule: &super::Ignore) -> Vec<String> {
    let left = if rule.strict { "NaN" } else { "means are 0" };
    let text = format!("{left} where nothing is left (line {})", rule.line);
    vec![rule.condition.clone(), text]
}

fn terms(summary: &Summary) -> Vec<Vec<String>> {
    let row = |term: &Term| {
        vec![
            term.scalar.name.clone(),
            weight(term),
            averages(&term.scalar),
        ]
    };
    summary.terms.iter().map(row).collect()
}

fn conversions(summary: &Summary) -> Vec<Vec<String>> {
    let row = |row: &super::conversions::Row| {
        let terms = row.terms.iter().map(|&i| {
            let term = &summary.terms[i];
            format!("{} ({}:{})", term.scalar.name, term.line, term.column)
        });
        let reports = row.reports.iter().map(|&i| summary.reports[i].name.clone());
        let rule = row.ignore.then(|| "ignore".to_string());
        let served: Vec<String> = terms.chain(reports).chain(rule).collect();
        vec![
            row.value.clone(),
            format!("{} → {}", row.from, row.to),
            row.how.clone(),
            format!("for {}", and_list(&served)),
        ]
    };
    summary.conversions.iter().map(row).collect()
}

/// `probs by softmax over C`, `onehot over C`: a kind may be called as what makes it.
fn by(row: &super::conversions::Row) -> String {
    match row.how.starts_with(row.to) {
        true => row.how.clone(),
        false => format!("{} by {}", row.to, row.how),
    }
}

fn weight(term: &Term) -> String {
    match (&term.weight, term.factor) {
        (Some(_), Some(0.0)) => "weight 0: not minimized".to_string(),
        (Some(weight), _) => format!("weight {weight}"),
        (None, _) => "not a factor of the total".to_string(),
    }
}

fn averages(scalar: &Scalar) -> String {
    let mut text = String::new();
    for part in &scalar.averages {
        let between = if part.starts_with("of ") { " " } else { ", " };
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(part);
    }
    if text.is_empty() {
        text.push_str("no mean");
    }
    text
}

/// A text without its line breaks, and not endless.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
