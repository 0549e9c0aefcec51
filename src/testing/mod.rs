//! Tests that stand in specs: `test "name" { pred = [[…]] expect minimize ≈ 0.25 }`.
//!
//! For each thing that is expected, a spec is made of the file and the test: everything else is
//! blanked out, so that what is left stands at its place and messages point into the file. It is
//! compiled and run like any other spec, on every back end that is asked for, in f64.

mod given;
pub mod gradcheck;
mod mask;

use crate::ast::{Expectation, Expected, Expr, Item, ItemKind, Statement, StatementKind, Test};
use crate::diag::{Code, Diagnostic, nearest};
use crate::error::{Error, Report};
use crate::library::USER;
use crate::loss::{Compiler, Loss, Outcome};
use crate::run::Backend;
use crate::source::{SourceMap, Span};
use candle_core::DType;
use mask::Mask;
use std::sync::Arc;

/// How far off a value may be where the test does not say: this, times the larger of 1 and what is
/// expected.
pub const TOLERANCE: f64 = 1e-6;

/// What became of a test.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The name of the test.
    pub name: String,
    /// The line on which it begins.
    pub line: usize,
    /// How many things it expects.
    pub expectations: usize,
    /// What is wrong, each with its place; nothing if all holds.
    pub failures: Vec<Report>,
}

impl Compiler {
    /// Runs the tests of a spec on these back ends, in the order of the text.
    ///
    /// A file without `minimize` is a library: its tests say what they minimize, or expect something
    /// of an expression. The inputs are those of the file; where it has none, those that the test
    /// declares with `task` or `input`, else those of `multiclass`.
    ///
    /// A text whose [name](Compiler::name) ends as the path of a file of the standard library does,
    /// `specs/std/overlap.loss`, stands for that file: its definitions see, and are seen by, the rest of the
    /// library, as they are when the compiler is built with it.
    ///
    /// # Errors
    /// [`Error::Spec`] if the text does not parse, [`Error::Candle`] if Candle fails. What else is
    /// wrong is in the result.
    pub fn test(&self, text: &str, backends: &[Backend]) -> Result<Vec<Tested>, Error> {
        let (ast, sources) = self.parse(text)?;
        let drafting = self.drafting(text);
        // The definitions of a draft are those of the library.
        let own = drafting.is_none();
        let compiler = drafting.as_ref().unwrap_or(self);
        let mut results = Vec::new();
        for item in &ast.items {
            let ItemKind::Test(test) = &item.kind else {
                continue;
            };
            let run = Run {
                compiler,
                text,
                items: &ast.items,
                own,
                sources: &sources,
                backends,
                test,
            };
            results.push(Tested {
                name: test.name.clone(),
                line: sources.line_column(USER, item.span.start).0,
                expectations: run.expected().count(),
                failures: run.failures()?,
            });
        }
        Ok(results)
    }
}

/// A test while it runs.
struct Run<'a> {
    compiler: &'a Compiler,
    text: &'a str,
    items: &'a [Item],
    /// Whether the definitions of the file belong to the spec.
    own: bool,
    sources: &'a Arc<SourceMap>,
    backends: &'a [Backend],
    test: &'a Test,
}

/// A diagnostic, or several from a compilation.
enum Wrong {
    Here(Box<Diagnostic>),
    Report(Report),
    Broken(Error),
}

impl From<Diagnostic> for Wrong {
    fn from(diagnostic: Diagnostic) -> Wrong {
        Wrong::Here(Box::new(diagnostic))
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Wrong {
        match error {
            Error::Spec(report) | Error::Inputs(report) => Wrong::Report(report),
            Error::Candle(_) => Wrong::Broken(error),
        }
    }
}

impl Run<'_> {
    /// The lines that expect something.
    fn expected(&self) -> impl Iterator<Item = &Statement> {
        let statements = self.test.statements.iter();
        statements.filter(|s| matches!(s.kind, StatementKind::Expect(_) | StatementKind::Fails(_)))
    }

    fn failures(&self) -> Result<Vec<Report>, Error> {
        let mut failures = Vec::new();
        if self.expected().next().is_none() {
            let diagnostic = Diagnostic::error(Code::TestValue, "the test expects nothing")
                .at(self.test.span, "no `expect` in it")
                .help("add what should hold, for example `expect minimize ≈ 0.25`");
            failures.push(self.report(vec![diagnostic]));
        }
        for statement in self.expected() {
            let held = match &statement.kind {
                StatementKind::Expect(expectation) => self.value(statement, expectation),
                StatementKind::Fails(code) => self.fails(statement, &code.text, code.span),
                _ => Ok(()),
            };
            match held {
                Ok(()) => {}
                Err(Wrong::Here(diagnostic)) => failures.push(self.report(vec![*diagnostic])),
                Err(Wrong::Report(report)) => failures.push(self.in_test(report)),
                Err(Wrong::Broken(error)) => return Err(error),
            }
        }
        Ok(failures)
    }

    fn report(&self, diagnostics: Vec<Diagnostic>) -> Report {
        Report {
            diagnostics,
            sources: self.sources.clone(),
        }
    }

    /// A report of a spec that was made for the test, in the words of the file.
    fn in_test(&self, mut report: Report) -> Report {
        for diagnostic in &mut report.diagnostics {
            let span = self.test.span;
            *diagnostic = match &diagnostic.primary {
                Some(label) if label.span.file == USER && self.holds(label.span) => continue,
                Some(label) if label.span.file == USER => {
                    diagnostic.clone().also(span, "in this test")
                }
                // The inputs of a task stand in the library; what is to be mended is the test.
                Some(label) => {
                    let (there, text) = (label.span, label.text.clone());
                    diagnostic
                        .clone()
                        .at(span, "in this test")
                        .also(there, text)
                }
                None => diagnostic.clone().at(span, "in this test"),
            };
        }
        report.sources = Arc::new(report.sources.with_text(USER, self.text));
        report
    }

    /// Whether a place is in the test.
    fn holds(&self, span: Span) -> bool {
        let statements = self.test.statements.iter();
        let mut spans = statements.map(|statement| statement.span);
        spans.any(|whole| whole.start <= span.start && span.end <= whole.end)
    }

    /// The spec that a value is expected of: the file, what the test minimizes, or an expression.
    fn spec(&self, of: Option<&Expr>) -> String {
        let mut mask = Mask::new(self.text);
        let minimizes = |s: &&Statement| matches!(s.kind, StatementKind::Minimize(_));
        let own = self.test.statements.iter().find(minimizes);
        for item in self.items.iter().filter(|_| self.own) {
            match item.kind {
                ItemKind::Test(_) => {}
                ItemKind::Minimize(_) if of.is_some() || own.is_some() => {}
                _ => mask.show(item.span),
            }
        }
        for statement in &self.test.statements {
            match statement.kind {
                StatementKind::Task(_) | StatementKind::Input { .. } => mask.show(statement.span),
                StatementKind::Minimize(_) if of.is_none() => mask.show(statement.span),
                _ => {}
            }
        }
        if let Some(of) = of {
            mask.show(of.span);
        }
        mask.text()
    }

    fn compile(&self, spec: &str, backend: Backend) -> Result<Loss, Wrong> {
        Ok(self.compiler.clone().backend(backend).compile(spec)?)
    }

    /// Binds what is given, and runs.
    fn run(&self, loss: &Loss) -> Result<Outcome, Wrong> {
        Ok(loss.run(given::inputs(self, loss)?)?)
    }

    fn value(&self, statement: &Statement, expectation: &Expectation) -> Result<(), Wrong> {
        let Expectation { of, about, within } = expectation;
        let wanted = self.constant(about)?;
        let within = match within {
            Some(within) => self.constant(within)?,
            None => TOLERANCE * wanted.abs().max(1.0),
        };
        let spec = self.spec(match of {
            Expected::Value(value) => Some(value),
            Expected::Minimize | Expected::Report(_) => None,
        });
        let mut off = Vec::new();
        for &backend in self.backends {
            let outcome = self.run(&self.compile(&spec, backend)?)?;
            let got = match of {
                Expected::Report(name) => self.report_of(&outcome, &name.text, name.span)?,
                Expected::Minimize | Expected::Value(_) => total(&outcome)?,
            };
            let close = (got - wanted).abs() <= within || got == wanted;
            if !(close || got.is_nan() && wanted.is_nan()) {
                off.push((backend.name(), got));
            }
        }
        let Some((_, first)) = off.first() else {
            return Ok(());
        };
        let what = match of {
            Expected::Minimize => "what is minimized".to_owned(),
            Expected::Report(name) => format!("the report `{}`", name.text),
            Expected::Value(value) => {
                let text = self.sources.text(value.span);
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("`{text}`")
            }
        };
        let message = format!("{what} is {first:?}, and {wanted:?} is expected");
        let mut diagnostic = Diagnostic::error(Code::Expectation, message)
            .at(about.span, format!("off by {:.3e}", (first - wanted).abs()))
            .also(statement.span, format!("expected within {within:?}"))
            .also(self.test.span, "in this test");
        // Where all back ends agree, which they are does not matter.
        let agree = off.len() == self.backends.len() && off.iter().all(|(_, got)| got == first);
        if !agree {
            for (backend, got) in &off {
                diagnostic = diagnostic.note(format!("on `{backend}` it is {got:?}"));
            }
        }
        Err(diagnostic.into())
    }

    fn report_of(&self, outcome: &Outcome, name: &str, span: Span) -> Result<f64, Wrong> {
        if let Some((_, value)) = outcome.reports.iter().find(|(n, _)| n == name) {
            return Ok(*value);
        }
        let names = outcome.reports.iter().map(|(name, _)| name.as_str());
        let near = nearest(name, names.clone());
        let known: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let diagnostic =
            Diagnostic::error(Code::TestValue, format!("the spec has no report `{name}`"))
                .at(span, "not a report");
        Err(match (near, known.as_slice()) {
            (Some(near), _) => diagnostic.fix(span, near, "a similar name"),
            (None, []) => diagnostic.help("write `report name = …` above the test"),
            (None, known) => diagnostic.help(format!("reports are {}", known.join(", "))),
        }
        .into())
    }

    /// Holds what is wrong with the spec of the test to the code that is expected.
    fn fails(&self, statement: &Statement, code: &str, span: Span) -> Result<(), Wrong> {
        let Some(code) = Code::from_name(code) else {
            let message = format!("there is no error code `{code}`");
            return Err(Diagnostic::error(Code::TestValue, message)
                .at(span, "not a code")
                .help("`lossc list errors` shows them all")
                .into());
        };
        let spec = self.spec(None);
        for &backend in self.backends {
            let done = self
                .compile(&spec, backend)
                .and_then(|loss| self.run(&loss));
            let found = match done {
                Ok(_) => Vec::new(),
                Err(Wrong::Report(report)) => report.diagnostics,
                Err(other) => return Err(other),
            };
            if found.iter().any(|diagnostic| diagnostic.code == code) {
                continue;
            }
            let message = match found.is_empty() {
                true => format!(
                    "the error {} is expected, and nothing is wrong",
                    code.as_str()
                ),
                false => format!(
                    "the error {} is expected, and another is found",
                    code.as_str()
                ),
            };
            let mut diagnostic = Diagnostic::error(Code::Expectation, message)
                .at(statement.span, code.title())
                .also(self.test.span, "in this test");
            for other in found {
                let line = format!("found {}: {}", other.code.as_str(), other.message);
                diagnostic = diagnostic.note(line);
            }
            return Err(diagnostic.into());
        }
        Ok(())
    }

    /// The value of an expression without inputs.
    fn constant(&self, expr: &Expr) -> Result<f64, Wrong> {
        if let Some(value) = given::literal(expr) {
            return Ok(value);
        }
        let mut mask = Mask::new(self.text);
        mask.show(expr.span);
        let loss = self.compile(&mask.text(), Backend::Reference)?;
        if let Some(slot) = loss.signature().slots.first() {
            let message = format!("`{}` is no number", self.sources.text(expr.span));
            return Err(Diagnostic::error(Code::TestValue, message)
                .at(expr.span, format!("it depends on `{}`", slot.name))
                .help("a test gives and expects numbers, and formulas of numbers")
                .into());
        }
        Ok(total(&loss.run(crate::run::Inputs::new())?)?)
    }
}

fn total(outcome: &Outcome) -> Result<f64, Error> {
    let total = outcome.total.to_dtype(DType::F64)?;
    Ok(total.reshape(())?.to_scalar::<f64>()?)
}
