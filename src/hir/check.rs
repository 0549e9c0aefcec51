//! A file → [`Hir`]: items in order, then what is minimized, then what nothing used.

use super::cx::{Checked, Cx, Global, GlobalSource, Library, Reported, State, operands};
use super::tree::{Expr, ExprId, ExprKind, Hir, Ignore, InputSource, Report, Term};
use crate::ast::{self, Ast, ItemKind};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// How many axes a pack is taken to hold where that matters and nobody says.
pub const ASSUMED_RANK: usize = 2;

/// Checks a file. `ranks` says how many axes a pack holds, for the packs taken apart.
///
/// Returns a [`Hir`] unless there were errors; warnings go to `diags` too.
pub fn check(
    ast: &Ast,
    library: &dyn Library,
    ranks: &dyn Fn(&str) -> Option<usize>,
    diags: &mut Diagnostics,
) -> Option<Hir> {
    let mut first = Diagnostics::default();
    let flat = |_: &str| None;
    let mut cx = Cx::new(ast.span.file, library, &flat, &mut first);
    let hir = cx.file(ast);
    if !cx.ranks_matter {
        diags.append(first);
        return hir.ok();
    }
    // Something looks at the axes of a pack one by one: check again with packs taken apart.
    let known = |name: &str| Some(ranks(name).unwrap_or(ASSUMED_RANK));
    let mut cx = Cx::new(ast.span.file, library, &known, diags);
    cx.ranks_matter = true;
    cx.file(ast).ok()
}

/// What a file asks for, in the expressions of the checker.
struct Outputs {
    total: ExprId,
    terms: Vec<Term>,
    reports: Vec<Report>,
    ignore: Option<Ignore>,
}

impl<'a> Cx<'a> {
    fn file(&mut self, ast: &'a Ast) -> Checked<Hir> {
        let outputs = self.outputs(ast);
        self.probe_uncalled();
        let outputs = outputs?;
        if self.diags.has_errors() {
            return Err(Reported);
        }
        self.warn_unused(ast);
        Ok(self.finish(outputs))
    }

    /// What the file asks for.
    fn outputs(&mut self, ast: &'a Ast) -> Checked<Outputs> {
        let mut failed = self.declare(ast).is_err();
        let mut minimize: Option<&'a ast::Expr> = None;
        for item in &ast.items {
            if let ItemKind::Minimize(expr) = &item.kind {
                if let Some(first) = minimize {
                    self.report(
                        Diagnostic::error(Code::ManyLosses, "two expressions are to be minimized")
                            .at(expr.span, "the second one")
                            .also(first.span, "the first one")
                            .help("add them up in one `minimize`, or name them with `term`"),
                    );
                    failed = true;
                }
                minimize.get_or_insert(expr);
            }
        }
        let ignore = self.ignore(ast);
        // Everything is evaluated even after errors, so that all mistakes are told in one run.
        let total = minimize.map(|expr| self.eval_expr(expr));
        for i in 0..self.globals.len() {
            if !matches!(self.globals[i].source, GlobalSource::Input(_)) {
                let (span, used) = (self.globals[i].name.span, self.globals[i].used);
                failed |= self.global(i, span).is_err();
                self.globals[i].used = used;
            }
        }
        let reports = self.reports(ast);
        let (Some(expr), Some(total)) = (minimize, total) else {
            let whole = Span {
                start: ast.span.end,
                ..ast.span
            };
            return Err(self.report(
                Diagnostic::error(Code::NoLoss, "the spec does not say what to minimize")
                    .at(whole, "`minimize …` is missing")
                    .help("add a line such as `minimize 0.5*dice() + 0.5*ce()`"),
            ));
        };
        let (total, reports, ignore) = (total?, reports?, ignore?);
        let total = self.real_of(total);
        self.want_scalar(total, expr.span, "what is minimized")?;
        let terms = self.terms(expr)?;
        if let Some(rule) = &ignore {
            self.limit_readings(rule)?;
            self.refuse_moves(rule)?;
        }
        if failed {
            return Err(Reported);
        }
        Ok(Outputs {
            total,
            terms,
            reports,
            ignore,
        })
    }

    fn reports(&mut self, ast: &'a Ast) -> Checked<Vec<Report>> {
        let mut reports: Vec<(Report, Span)> = Vec::new();
        let mut failed = false;
        for item in &ast.items {
            let ItemKind::Report(binding) = &item.kind else {
                continue;
            };
            let (name, span) = (&binding.name.text, binding.name.span);
            if let Some((_, first)) = reports.iter().find(|(r, _)| r.name == *name) {
                let first = *first;
                self.report(duplicate(name, span, first));
                failed = true;
            }
            let value = self.eval_expr(&binding.value).and_then(|id| {
                let value = self.real_of(id);
                self.want_scalar(value, binding.value.span, &format!("report `{name}`"))?;
                Ok(value)
            });
            match value {
                Ok(value) => reports.push((
                    Report {
                        name: name.clone(),
                        value,
                    },
                    span,
                )),
                Err(Reported) => failed = true,
            }
        }
        if failed {
            return Err(Reported);
        }
        Ok(reports.into_iter().map(|(report, _)| report).collect())
    }

    /// Makes every top-level name known.
    fn declare(&mut self, ast: &'a Ast) -> Checked<()> {
        let mut failed = false;
        let mut task: Option<&'a ast::Ident> = None;
        for item in &ast.items {
            let result = match &item.kind {
                ItemKind::Language { version, span } => self.version(*version, *span),
                ItemKind::Task(name) => match task {
                    Some(first) => Err(self.report(
                        Diagnostic::error(Code::Duplicate, "a file has one task")
                            .at(name.span, "the second one")
                            .also(first.span, "the first one"),
                    )),
                    None => {
                        task = Some(name);
                        Ok(())
                    }
                },
                // Followed where the files are read.
                ItemKind::Use(_) => Ok(()),
                ItemKind::Axis { name, role, size } => self.axis_item(name, role.as_ref(), *size),
                ItemKind::Input { .. }
                | ItemKind::Param { .. }
                | ItemKind::Ignore { .. }
                | ItemKind::Let(_)
                | ItemKind::Term(_)
                | ItemKind::Report(_)
                | ItemKind::Minimize(_)
                | ItemKind::Fn(_)
                | ItemKind::Loss(_)
                | ItemKind::Test(_) => Ok(()),
            };
            failed |= result.is_err();
        }
        for item in &ast.items {
            let doc = item.doc.clone();
            let result = match &item.kind {
                ItemKind::Input { name, ty } => {
                    let result = self.input_item(name, ty, doc);
                    if result.is_err() {
                        self.poison(name);
                    }
                    result
                }
                ItemKind::Fn(definition) | ItemKind::Loss(definition) => {
                    self.definition(definition)
                }
                _ => Ok(()),
            };
            failed |= result.is_err();
        }
        failed |= self.modules().is_err();
        let tensors = self
            .inputs
            .iter()
            .any(|i| matches!(i.source, InputSource::Tensor(_)));
        let failed_input = failed
            && ast
                .items
                .iter()
                .any(|i| matches!(i.kind, ItemKind::Input { .. }));
        let needs_task = task.is_some() || (!tensors && !failed_input);
        if needs_task && self.task(task, ast.span).is_err() {
            failed = true;
            // What the task would have declared is not missed a second time.
            for name in ["pred", "target"] {
                self.poison(&ast::Ident {
                    text: name.to_string(),
                    span: ast.span,
                });
            }
        }
        for item in &ast.items {
            let result = match &item.kind {
                ItemKind::Param { name, ty, default } => {
                    let result = self.param_item(name, ty, default, item.doc.clone());
                    if result.is_err() {
                        self.poison(name);
                    }
                    result
                }
                ItemKind::Let(binding) => {
                    self.declare_global(&binding.name, GlobalSource::Let(binding))
                }
                ItemKind::Term(binding) => {
                    self.declare_global(&binding.name, GlobalSource::Term(binding))
                }
                _ => Ok(()),
            };
            failed |= result.is_err();
        }
        if failed { Err(Reported) } else { Ok(()) }
    }

    pub(super) fn declare_global(
        &mut self,
        name: &ast::Ident,
        source: GlobalSource<'a>,
    ) -> Checked<()> {
        if let Some(first) = self.globals.iter().find(|g| g.name.text == name.text) {
            let first = first.name.span;
            return Err(self.report(duplicate(&name.text, name.span, first)));
        }
        self.globals.push(Global {
            name: name.clone(),
            source,
            state: State::Waiting,
            used: false,
        });
        Ok(())
    }

    /// Makes a name known whose declaration is wrong, so that its uses say nothing more.
    fn poison(&mut self, name: &ast::Ident) {
        if self.globals.iter().all(|g| g.name.text != name.text) {
            self.globals.push(Global {
                name: name.clone(),
                source: GlobalSource::Input(u32::MAX),
                state: State::Done(Err(Reported)),
                used: true,
            });
        }
    }

    fn warn_unused(&mut self, ast: &Ast) {
        let written = |span: Span| {
            ast.items.iter().any(|item| match &item.kind {
                ItemKind::Input { name, .. } | ItemKind::Param { name, .. } => name.span == span,
                ItemKind::Let(binding) => binding.name.span == span,
                _ => false,
            })
        };
        let unused: Vec<(String, Span)> = self
            .globals
            .iter()
            .filter(|g| !g.used && !g.name.text.starts_with('_') && written(g.name.span))
            .map(|g| (g.name.text.clone(), g.name.span))
            .collect();
        for (name, span) in unused {
            self.diags.push(
                Diagnostic::warning(Code::Unused, format!("`{name}` is never used"))
                    .at(span, "declared here")
                    .help(format!(
                        "remove it, or call it `_{name}` if it is meant to stay"
                    )),
            );
        }
    }

    /// Keeps what the outputs need: expressions are renumbered, inputs that nothing uses go.
    fn finish(&mut self, outputs: Outputs) -> Hir {
        let Outputs {
            total,
            mut terms,
            mut reports,
            mut ignore,
        } = outputs;
        let mut checks = std::mem::take(&mut self.checks);
        let mut needed = vec![false; self.exprs.len()];
        let roots = [total]
            .into_iter()
            .chain(
                terms
                    .iter()
                    .flat_map(|t| [Some(t.value), t.weight])
                    .flatten(),
            )
            .chain(reports.iter().map(|r| r.value))
            .chain(checks.iter().map(|c| c.value))
            .chain(ignore.iter().map(|rule| rule.condition));
        for root in roots {
            needed[root.index()] = true;
        }
        for i in (0..self.exprs.len()).rev() {
            if needed[i] {
                for arg in operands(&self.exprs[i].kind) {
                    needed[arg.index()] = true;
                }
            }
        }
        let used = |input: u32, cx: &Self| {
            cx.exprs
                .iter()
                .zip(&needed)
                .any(|(e, &n)| n && e.kind == ExprKind::Input(input))
        };
        let unused = (0..self.inputs.len())
            .filter(|&i| !used(i as u32, self) && !self.inputs[i].name.is_empty())
            .map(|i| self.inputs[i].name.clone())
            .collect();
        let mut input_map = vec![0u32; self.inputs.len()];
        let mut inputs = Vec::new();
        for (i, new) in input_map.iter_mut().enumerate() {
            if used(i as u32, self) {
                *new = inputs.len() as u32;
                inputs.push(self.inputs[i].clone());
            }
        }
        let mut map = vec![ExprId(0); self.exprs.len()];
        let mut exprs: Vec<Expr> = Vec::new();
        for (i, expr) in self.exprs.iter().enumerate() {
            if !needed[i] {
                continue;
            }
            let mut expr = expr.clone();
            expr.kind = match expr.kind {
                ExprKind::Input(input) => ExprKind::Input(input_map[input as usize]),
                kind => renumber(kind, &map),
            };
            map[i] = ExprId(exprs.len() as u32);
            exprs.push(expr);
        }
        for term in &mut terms {
            term.value = map[term.value.index()];
            term.weight = term.weight.map(|w| map[w.index()]);
        }
        for report in &mut reports {
            report.value = map[report.value.index()];
        }
        for check in &mut checks {
            check.value = map[check.value.index()];
        }
        if let Some(rule) = &mut ignore {
            rule.condition = map[rule.condition.index()];
        }
        Hir {
            axes: std::mem::take(&mut self.axes),
            inputs,
            exprs,
            terms,
            reports,
            total: map[total.index()],
            ignore,
            unused,
            checks,
            ranks_matter: self.ranks_matter,
        }
    }
}

pub(super) fn duplicate(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(Code::Duplicate, format!("`{name}` is defined twice"))
        .at(span, "the second time")
        .also(first, "the first time")
        .help("give one of them another name")
}

/// An expression over renumbered operands.
fn renumber(kind: ExprKind, map: &[ExprId]) -> ExprKind {
    let at = |id: ExprId| map[id.index()];
    match kind {
        ExprKind::Const(_)
        | ExprKind::Table(_)
        | ExprKind::Input(_)
        | ExprKind::Index(_)
        | ExprKind::Size(_) => kind,
        ExprKind::Map(op, args) => ExprKind::Map(op, args.into_iter().map(at).collect()),
        ExprKind::Reduce(op, axes, x) => ExprKind::Reduce(op, axes, at(x)),
        ExprKind::Mean(axes, x) => ExprKind::Mean(axes, at(x)),
        ExprKind::WeightedMean(axes, x, w) => ExprKind::WeightedMean(axes, at(x), at(w)),
        ExprKind::Softmax(axis, x) => ExprKind::Softmax(axis, at(x)),
        ExprKind::LogSoftmax(axis, x) => ExprKind::LogSoftmax(axis, at(x)),
        ExprKind::ArgMax(axis, x) => ExprKind::ArgMax(axis, at(x)),
        ExprKind::Pick(axis, x, l) => ExprKind::Pick(axis, at(x), at(l)),
        ExprKind::OneHot(axis, x) => ExprKind::OneHot(axis, at(x)),
        ExprKind::At(axis, i, x) => ExprKind::At(axis, i, at(x)),
        ExprKind::Slice {
            from,
            to,
            start,
            arg,
        } => {
            let arg = at(arg);
            ExprKind::Slice {
                from,
                to,
                start,
                arg,
            }
        }
        ExprKind::Rename { from, to, arg } => {
            let arg = at(arg);
            ExprKind::Rename { from, to, arg }
        }
        ExprKind::Resize {
            from,
            to,
            grid,
            arg,
        } => {
            let arg = at(arg);
            ExprKind::Resize {
                from,
                to,
                grid,
                arg,
            }
        }
        ExprKind::Coarsen(along, size, x) => ExprKind::Coarsen(along, size, at(x)),
        ExprKind::Shift(axis, by, edge, x) => ExprKind::Shift(axis, by, edge, at(x)),
        ExprKind::Window(window, axes, x) => ExprKind::Window(window, axes, at(x)),
        ExprKind::Dot(axes, a, b) => ExprKind::Dot(axes, at(a), at(b)),
        ExprKind::Order(op, axes, args) => {
            ExprKind::Order(op, axes, args.into_iter().map(at).collect())
        }
        ExprKind::Distance(along, x) => ExprKind::Distance(along, at(x)),
        ExprKind::Expand(x) => ExprKind::Expand(at(x)),
        ExprKind::StopGrad(x) => ExprKind::StopGrad(at(x)),
        ExprKind::Convert(conversion, x) => ExprKind::Convert(conversion, at(x)),
    }
}
