//! What the checker knows while it works: the draft of a [`Hir`](super::Hir), scopes, the stack of
//! calls, and where complaints go.

use super::axes::{Axes, AxisId, Role};
use super::deep::Level;
use super::tree::{Expr, ExprId, ExprKind, Input, RangeCheck};
use super::ty::{Kind, Ty};
use crate::ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Span};
use std::collections::{HashMap, HashSet};

/// A diagnostic has been pushed; there is no value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Reported;

/// A value, or the knowledge that its absence has been reported.
pub(super) type Checked<T> = Result<T, Reported>;

/// Where definitions outside the spec itself come from.
pub trait Library {
    /// All definitions of this name in the standard library: overloads of one loss, or one function.
    fn find(&self, name: &str) -> Vec<&ast::Definition>;
    /// Every name of the standard library, for suggestions.
    fn names(&self) -> Vec<&str>;
    /// The inputs that `task NAME` declares.
    fn task(&self, name: &str) -> Option<&ast::Ast>;
    /// Every task.
    fn tasks(&self) -> Vec<&str>;
    /// Whether a file comes with the compiler.
    fn holds(&self, span: Span) -> bool;
    /// The modules that a file uses.
    fn uses(&self, file: FileId) -> &[Used];
    /// What a module defines.
    fn module(&self, file: FileId) -> Option<&ast::Ast>;
    /// The modules that are files of the user's own.
    fn own_modules(&self) -> Vec<&ast::Ast>;
    /// Where a module is used first.
    fn used_at(&self, file: FileId) -> Option<Span>;
    /// The names of the modules that come with the compiler.
    fn embedded(&self) -> Vec<&str>;
    /// The names that such a module has for others.
    fn names_of(&self, module: &str) -> Vec<&str>;
}

/// A module in the file that uses it.
#[derive(Clone, Debug)]
pub struct Used {
    /// What it is called there.
    pub name: String,
    /// Its file; `None` if it cannot be used, which has been reported.
    pub file: Option<FileId>,
    /// The `use` item.
    pub span: Span,
}

/// What a name can stand for while a spec is checked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Value {
    /// An expression.
    Expr(ExprId),
    /// Axes, as the value of an option of type `axes`.
    Axes(Vec<AxisChoice>),
    /// One of some words.
    Choice { word: String, among: Vec<String> },
    /// A list that has no axis yet.
    List(Vec<Value>),
}

/// An entry of a list of axes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum AxisChoice {
    /// All axes with a role, as far as an operand has them.
    Role(Role),
    /// The axes of a name.
    Named(String, Vec<AxisId>),
}

/// The names in sight inside a definition, or inside a `sum for`.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// With their values; a name whose value is wrong says nothing more.
    pub names: Vec<(String, Checked<Value>)>,
    pub axes: Vec<(String, Vec<AxisId>)>,
    /// Whether the file's own names are in sight too.
    pub sees_file: bool,
    /// Whether operands that a call does not name are looked up in the file.
    pub file_operands: bool,
    /// The resolution at which the file's names are seen, inside `deep`.
    pub level: Option<Level>,
    /// Whether its own names are seen at that resolution too; operands and options are already.
    pub own_level: bool,
}

/// A call under way.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub name: String,
    pub definition: *const ast::Definition,
    pub call: Span,
    pub head: Span,
}

/// A definition with the values and axes that it is expanded for.
pub(super) type Expansion = (
    *const ast::Definition,
    Vec<Checked<Value>>,
    Vec<Vec<AxisId>>,
    Option<Level>,
);

/// How far the evaluation of a top-level name has come.
#[derive(Clone, Debug)]
pub(super) enum State {
    Waiting,
    Running,
    Done(Checked<Value>),
}

/// A top-level name with a value.
#[derive(Clone, Debug)]
pub(super) struct Global<'a> {
    pub name: ast::Ident,
    pub source: GlobalSource<'a>,
    pub state: State,
    pub used: bool,
}

/// Where the value of a top-level name comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum GlobalSource<'a> {
    Input(u32),
    Let(&'a ast::Binding),
    Term(&'a ast::Binding),
}

/// More expressions than any sensible spec expands to.
const MAX_EXPRS: usize = 50_000;
/// More steps than any sensible spec takes to check.
const MAX_STEPS: usize = 1_000_000;

/// The checker's state.
pub(super) struct Cx<'a> {
    /// The spec itself.
    pub main: FileId,
    pub axes: Axes,
    pub inputs: Vec<Input>,
    pub exprs: Vec<Expr>,
    interned: HashMap<(ExprKind, Ty), ExprId>,
    pub checks: Vec<RangeCheck>,
    pub globals: Vec<Global<'a>>,
    pub definitions: Vec<&'a ast::Definition>,
    pub called: Vec<*const ast::Definition>,
    pub scopes: Vec<Scope>,
    pub frames: Vec<Frame>,
    pub memo: HashMap<Expansion, Checked<Value>>,
    pub library: &'a dyn Library,
    pub diags: &'a mut Diagnostics,
    /// How many axes the packs hold, where that has turned out to matter.
    pub ranks: &'a dyn Fn(&str) -> Option<usize>,
    pub ranks_matter: bool,
    /// Whether a tensor or an axis of the file has been asked for since this was last made false.
    pub reads_file: bool,
    /// Definitions whose head is wrong, so that calls of them say nothing more.
    pub misdeclared: Vec<&'a ast::Definition>,
    /// Operands that calls have missed, which is said once of each.
    pub missed: Vec<String>,
    /// Axes of classes that should have been the same, which is said once of each pair.
    pub told_apart: Vec<(AxisId, AxisId)>,
    steps: usize,
}

impl<'a> Cx<'a> {
    pub fn new(
        main: FileId,
        library: &'a dyn Library,
        ranks: &'a dyn Fn(&str) -> Option<usize>,
        diags: &'a mut Diagnostics,
    ) -> Cx<'a> {
        Cx {
            main,
            axes: Axes::default(),
            inputs: Vec::new(),
            exprs: Vec::new(),
            interned: HashMap::new(),
            checks: Vec::new(),
            globals: Vec::new(),
            definitions: Vec::new(),
            called: Vec::new(),
            scopes: Vec::new(),
            frames: Vec::new(),
            memo: HashMap::new(),
            library,
            diags,
            ranks,
            ranks_matter: false,
            reads_file: false,
            misdeclared: Vec::new(),
            missed: Vec::new(),
            told_apart: Vec::new(),
            steps: 0,
        }
    }

    /// Counts a step, and refuses specs that would never end.
    pub fn step(&mut self, span: Span) -> Checked<()> {
        if self.steps > MAX_STEPS {
            return Err(Reported);
        }
        self.steps += 1;
        if self.steps == MAX_STEPS || self.exprs.len() >= MAX_EXPRS {
            // Said once; everything that follows is refused in silence.
            self.steps = MAX_STEPS + 1;
            let span = self.frames.first().map_or(span, |frame| frame.call);
            return Err(self.report(
                Diagnostic::error(
                    Code::TooBig,
                    "this spec expands to too many operations",
                )
                .at(span, "expanding this")
                .note(format!(
                    "definitions are expanded where they are called; at most {MAX_EXPRS} operations may come of it"
                ))
                .help("give a value that is used several times a name with `let`"),
            ));
        }
        Ok(())
    }

    /// The file whose text is being checked.
    pub fn here(&self) -> FileId {
        let frame = self.frames.last();
        frame.map_or(self.main, |frame| frame.head.file)
    }

    /// The place in the user's own files that a span stands for: itself, or the call that led into
    /// the library.
    pub fn place(&self, span: Span) -> Span {
        if !self.library.holds(span) {
            return span;
        }
        self.frames
            .iter()
            .rev()
            .map(|frame| frame.call)
            .find(|call| !self.library.holds(*call))
            .unwrap_or(span)
    }

    /// What must be known now depends on what is bound later: `label` says which part of `span`.
    pub fn not_static(&mut self, what: &str, span: Span, label: &str) -> Reported {
        let message = format!("{what} must be known when the spec is checked");
        self.report(Diagnostic::error(Code::NotStatic, message).at(span, label))
    }

    /// Pushes a diagnostic. One that points into the library is made to point at the user's call,
    /// with the library's text as the second place; one that points into a module says where that
    /// is used.
    pub fn report(&mut self, mut diagnostic: Diagnostic) -> Reported {
        if let Some(primary) = diagnostic.primary.clone()
            && self.library.holds(primary.span)
        {
            let call = self.place(primary.span);
            if call != primary.span {
                let name = self
                    .frames
                    .iter()
                    .rev()
                    .find(|frame| frame.call == call)
                    .map_or(String::new(), |frame| frame.name.clone());
                diagnostic.secondary.insert(0, primary);
                diagnostic = diagnostic.at(call, format!("in this call of `{name}`"));
            }
        }
        let mut used = Vec::new();
        let mut file = diagnostic.primary.as_ref().map(|label| label.span.file);
        while let Some(at) = file.and_then(|file| self.library.used_at(file)) {
            used.push(at);
            file = Some(at.file);
        }
        self.diags.push(diagnostic.used_at(&used));
        Reported
    }

    /// The expression with this id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// The type of an expression.
    pub fn ty(&self, id: ExprId) -> &Ty {
        &self.expr(id).ty
    }

    /// How the type of an expression is written.
    pub fn show(&self, id: ExprId) -> String {
        self.ty(id).show(&self.axes)
    }

    /// The expression of this kind and type; the same one if there is one already.
    pub fn intern(&mut self, kind: ExprKind, ty: Ty, span: Span) -> ExprId {
        let key = (kind, ty);
        let written = !self.library.holds(span);
        if let Some(&id) = self.interned.get(&key) {
            let known = &mut self.exprs[id.index()];
            if written && !known.written {
                // The user's own text says more than the call of the library that came first.
                (known.written, known.span) = (true, span);
            }
            return id;
        }
        let id = ExprId(self.exprs.len() as u32);
        let tensor = match &key.0 {
            ExprKind::Input(i) => matches!(
                self.inputs[*i as usize].source,
                super::tree::InputSource::Tensor(_)
            ),
            kind => operands(kind).iter().any(|&arg| self.expr(arg).tensor),
        };
        self.exprs.push(Expr {
            kind: key.0.clone(),
            ty: key.1.clone(),
            span: self.place(span),
            tensor,
            written,
        });
        self.interned.insert(key, id);
        id
    }

    /// A constant of a kind.
    pub fn constant(&mut self, value: f64, kind: Kind, span: Span) -> ExprId {
        let bits = (value + 0.0).to_bits();
        self.intern(ExprKind::Const(bits), Ty::new(kind, Vec::new()), span)
    }

    /// The value of a constant expression.
    pub fn known(&self, id: ExprId) -> Option<f64> {
        match self.expr(id).kind {
            ExprKind::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// The names in sight here, innermost first, for suggestions.
    pub fn visible(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        if let Some(scope) = self.scopes.last() {
            names.extend(scope.names.iter().map(|(name, _)| name.clone()));
        }
        if self.sees_file() {
            names.extend(self.globals.iter().map(|g| g.name.text.clone()));
        }
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// Whether the names of the user's file are in sight.
    pub fn sees_file(&self) -> bool {
        self.scopes.last().is_none_or(|scope| scope.sees_file)
    }
}

/// The expressions that an expression is made of.
pub fn operands(kind: &ExprKind) -> Vec<ExprId> {
    match kind {
        ExprKind::Const(_)
        | ExprKind::Table(_)
        | ExprKind::Input(_)
        | ExprKind::Index(_)
        | ExprKind::Size(_) => Vec::new(),
        ExprKind::Map(_, args) | ExprKind::Order(_, _, args) => args.clone(),
        ExprKind::WeightedMean(_, a, b) | ExprKind::Pick(_, a, b) | ExprKind::Dot(_, a, b) => {
            vec![*a, *b]
        }
        ExprKind::Reduce(_, _, arg)
        | ExprKind::Mean(_, arg)
        | ExprKind::Softmax(_, arg)
        | ExprKind::LogSoftmax(_, arg)
        | ExprKind::ArgMax(_, arg)
        | ExprKind::OneHot(_, arg)
        | ExprKind::At(_, _, arg)
        | ExprKind::Slice { arg, .. }
        | ExprKind::Rename { arg, .. }
        | ExprKind::Resize { arg, .. }
        | ExprKind::Coarsen(_, _, arg)
        | ExprKind::Shift(_, _, _, arg)
        | ExprKind::Distance(_, arg)
        | ExprKind::Window(_, _, arg)
        | ExprKind::Expand(arg)
        | ExprKind::StopGrad(arg)
        | ExprKind::Convert(_, arg) => vec![*arg],
    }
}
