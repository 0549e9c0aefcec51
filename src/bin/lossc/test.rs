//! `lossc test`: the tests that stand in specs.

use crate::answer::{Answer, Failure, Status, Talk};
use crate::args::{Format, Test};
use crate::files;
use crate::folder;
use crate::table::columns;
use lossc::testing::Tested;
use lossc::{Backend, Report};
use serde_json::{Value, json};
use std::path::Path;

pub fn run(args: &Test, talk: &mut Talk) -> Result<Answer, Failure> {
    let asked = args.backend.as_deref().and_then(Backend::from_name);
    let backends = asked.map_or(Backend::ALL.to_vec(), |backend| vec![backend]);
    let mut status = Status::Fine;
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    let mut reports: Vec<Report> = Vec::new();
    for path in &args.files {
        let tests = match tests(path, args.root.root.as_deref(), &backends) {
            Ok(tests) => tests,
            Err(Failure::Report(report)) => {
                status = status.max(Status::Wrong);
                reports.push(report);
                continue;
            }
            Err(failure) => {
                status = status.max(talk.failure(&failure));
                continue;
            }
        };
        let file = files::name(path);
        if tests.is_empty() {
            talk.note(&format!("`{file}` has no tests"));
        }
        for test in tests {
            let holds = test.failures.is_empty();
            if !holds {
                status = status.max(Status::Wrong);
            }
            let word = if holds { "holds" } else { "fails" };
            let place = format!("{file}:{}", test.line);
            rows.push(vec![word.to_string(), place, test.name.clone()]);
            objects.push(json!({
                "file": file,
                "line": test.line,
                "name": test.name,
                "expectations": test.expectations,
                "holds": holds,
            }));
            reports.extend(test.failures);
        }
    }
    let out = match args.format {
        Format::Human => {
            for report in &reports {
                talk.report(report);
            }
            columns(&rows, 0).into_bytes()
        }
        Format::Json => {
            let diagnostics: Vec<Value> = reports
                .iter()
                .flat_map(|report| match report.json()["diagnostics"].take() {
                    Value::Array(list) => list,
                    _ => Vec::new(),
                })
                .collect();
            let value = json!({ "version": 1, "tests": objects, "diagnostics": diagnostics });
            Answer::json(&value).out
        }
    };
    Ok(Answer { out, status })
}

fn tests(path: &Path, root: Option<&Path>, backends: &[Backend]) -> Result<Vec<Tested>, Failure> {
    let spec = files::read_spec(path)?;
    Ok(folder::compiler(&spec, root)?.test(&spec.text, backends)?)
}
