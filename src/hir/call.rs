//! Calls of definitions: overloads, operands, options, and the body in place of the call.

use super::build::Placed;
use super::cx::{Checked, Cx, Frame, Reported, Scope, Value};
use super::expr::quoted;
use super::functions::{FUNCTIONS, elementwise, is_builtin};
use super::tree::{Conversion, ExprId};
use super::ty::Kind;
use crate::ast;
use crate::diag::{Code, Diagnostic, nearest};
use crate::ir::MapOp;
use crate::source::Span;

/// Calls may lie this deep in each other; a library needs a handful.
const MAX_CALLS: usize = 64;

/// What a call writes besides the name.
#[derive(Clone, Copy)]
pub(super) struct CallSite<'s> {
    pub callee: &'s ast::Ident,
    pub args: &'s [ast::Arg],
    pub on: Option<&'s [ast::Arg]>,
    pub span: Span,
}

/// An operand that fits: the value, the steps that convert it, what they cost.
pub(super) struct Fit {
    pub id: ExprId,
    pub steps: Vec<(Conversion, Kind)>,
    pub span: Span,
    pub cost: usize,
}

/// Why a definition does not fit a call; the larger `rank`, the closer it came.
struct Misfit {
    rank: usize,
    diagnostic: Box<Diagnostic>,
}

fn misfit(rank: usize, diagnostic: Diagnostic) -> Misfit {
    Misfit {
        rank,
        diagnostic: Box::new(diagnostic),
    }
}

impl<'a> Cx<'a> {
    /// A call: of a function of the language, or of a definition.
    pub(super) fn call(
        &mut self,
        callee: &ast::Ident,
        axes: Option<&[ast::AxisRef]>,
        args: Option<&[ast::Arg]>,
        on: Option<&[ast::Arg]>,
        span: Span,
    ) -> Checked<Value> {
        let name = &callee.text;
        if is_builtin(name) {
            if let Some(on) = on {
                let at = on.first().map_or(span, |arg| arg.value.span);
                return Err(self.report(
                    Diagnostic::error(
                        Code::TooManyArguments,
                        format!("`{name}` is a function and takes no operands after `on`"),
                    )
                    .at(at, "write them in the parentheses"),
                ));
            }
            return self.builtin(callee, axes, args, span);
        }
        let candidates = self.candidates(name);
        if candidates.is_empty() {
            return Err(self.unknown_callee(callee));
        }
        if let Some(axis) = axes.and_then(<[_]>::first) {
            return Err(self.report(
                Diagnostic::error(
                    Code::UnknownAxis,
                    format!("`{name}` takes no axes in brackets"),
                )
                .at(axis.name.span, "axes are options of a definition")
                .help("pass them by name if it has such an option: `dice(over=[batch, space])`"),
            ));
        }
        let site = CallSite {
            callee,
            args: args.unwrap_or(&[]),
            on,
            span,
        };
        self.overload(&candidates, site)
    }

    /// The definitions of a name: the file's own, else the library's.
    fn candidates(&self, name: &str) -> Vec<&'a ast::Definition> {
        let own: Vec<&'a ast::Definition> = self
            .definitions
            .iter()
            .copied()
            .filter(|d| d.answers_to(name))
            .collect();
        let in_library = self
            .frames
            .last()
            .is_some_and(|frame| self.library.holds(frame.head));
        if own.is_empty() || in_library {
            self.library.find(name)
        } else {
            own
        }
    }

    pub(super) fn is_callable(&self, name: &str) -> bool {
        is_builtin(name) || !self.candidates(name).is_empty()
    }

    /// The function or definition whose name is most like `name`.
    pub(super) fn nearest_callable(&self, name: &str) -> Option<String> {
        // Names that other libraries use, for losses that have another name here.
        const ALIASES: &[(&str, &str)] = &[
            ("crossentropy", "ce"),
            ("cross_entropy", "ce"),
            ("categorical_crossentropy", "ce"),
            ("sparse_categorical_crossentropy", "ce"),
            ("cross_entropy_loss", "ce"),
            ("xent", "ce"),
            ("bce_with_logits", "bce"),
            ("binary_crossentropy", "bce"),
            ("binary_cross_entropy", "bce"),
            ("dice_loss", "dice"),
            ("iou_loss", "jaccard"),
            ("jaccard_loss", "jaccard"),
            ("focal_loss", "focal"),
            ("tversky_loss", "tversky"),
            ("mse_loss", "mse"),
            ("l1_loss", "mae"),
            ("huber_loss", "huber"),
            ("smooth_l1_loss", "smooth_l1"),
            ("kl_div", "kl"),
            ("kl_divergence", "kl"),
            ("power", "pow"),
            ("ln", "log"),
            ("average", "mean"),
            ("gather", "pick"),
            ("one_hot", "onehot"),
            ("detach", "stop_grad"),
            ("stop_gradient", "stop_grad"),
            ("lse", "logsumexp"),
        ];
        let lower = name.to_lowercase();
        if let Some((_, here)) = ALIASES.iter().find(|(there, _)| *there == lower) {
            return Some((*here).to_string());
        }
        let own = self.definitions.iter().flat_map(|d| d.names());
        let own = own.map(|name| name.text.as_str());
        let library = self.library.names();
        let names = own
            .chain(library.iter().copied().filter(|n| !n.starts_with('_')))
            .chain(FUNCTIONS.iter().map(|f| f.name))
            .chain(
                MapOp::ALL
                    .iter()
                    .map(|op| op.name())
                    .filter(|n| elementwise(n).is_some()),
            );
        nearest(&lower, names).map(String::from)
    }

    fn unknown_callee(&mut self, callee: &ast::Ident) -> Reported {
        let name = &callee.text;
        let mut diagnostic = Diagnostic::error(
            Code::UnknownName,
            format!("there is no loss or function `{name}`"),
        )
        .at(callee.span, "not known");
        diagnostic = match self.nearest_callable(name) {
            Some(near) => diagnostic.fix(callee.span, near, "a similar name"),
            None => {
                diagnostic.help("`lossc list losses` and `lossc list functions` show all there are")
            }
        };
        self.report(diagnostic)
    }

    /// Takes the definition that fits best; if none does, explains the one that comes closest.
    fn overload(&mut self, candidates: &[&'a ast::Definition], site: CallSite) -> Checked<Value> {
        let operands = self.given_operands(candidates, site)?;
        let mut best: Option<(usize, &'a ast::Definition, Vec<Fit>)> = None;
        let mut closest: Option<Misfit> = None;
        for &definition in candidates {
            match self.fit(definition, site, &operands) {
                Ok(fits) => {
                    let cost = fits.iter().map(|fit| fit.cost).sum();
                    if best.as_ref().is_none_or(|(known, ..)| cost < *known) {
                        best = Some((cost, definition, fits));
                    }
                }
                Err(misfit) => {
                    if closest
                        .as_ref()
                        .is_none_or(|known| misfit.rank > known.rank)
                    {
                        closest = Some(misfit);
                    }
                }
            }
        }
        match (best, closest) {
            (Some((_, definition, fits)), _) => self.expand(definition, site, fits),
            (None, Some(misfit)) => Err(self.report(*misfit.diagnostic)),
            (None, None) => Err(Reported),
        }
    }

    /// The operands that a call names after `on`, or finds in scope, by name.
    fn given_operands(
        &mut self,
        candidates: &[&'a ast::Definition],
        site: CallSite,
    ) -> Checked<Vec<(Option<String>, Placed)>> {
        let mut list = Vec::new();
        match site.on {
            Some(args) => {
                let mut failed = false;
                for arg in args {
                    match self.placed(&arg.value) {
                        Ok(value) => list.push((arg.name.as_ref().map(|n| n.text.clone()), value)),
                        Err(Reported) => failed = true,
                    }
                }
                if failed {
                    return Err(Reported);
                }
            }
            None => {
                let mut names: Vec<&str> = Vec::new();
                for definition in candidates {
                    for operand in &definition.operands {
                        if !names.contains(&operand.name.text.as_str()) {
                            names.push(&operand.name.text);
                        }
                    }
                }
                for name in names {
                    let value = match self.local(name) {
                        Some(value) => Some(value),
                        None if self.scopes.last().is_none_or(|s| s.file_operands) => {
                            let found = self.globals.iter().position(|g| g.name.text == name);
                            match found {
                                Some(i) => Some(self.global(i, site.span)?),
                                None => None,
                            }
                        }
                        None => None,
                    };
                    if let Some(Value::Expr(id)) = value {
                        let span = site.callee.span;
                        list.push((Some(name.to_string()), Placed { id, span }));
                    }
                }
            }
        }
        Ok(list)
    }

    /// Whether a definition takes these operands and options, and at what cost.
    fn fit(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        given: &[(Option<String>, Placed)],
    ) -> Result<Vec<Fit>, Misfit> {
        let name = &definition.name.text;
        self.fit_options(definition, site)?;
        let mut fits = Vec::new();
        for (i, operand) in definition.operands.iter().enumerate() {
            let found = given
                .iter()
                .find(|(key, _)| key.as_ref() == Some(&operand.name.text))
                .or_else(|| given.get(i).filter(|(key, _)| key.is_none()));
            let Some((_, value)) = found else {
                let list: Vec<&str> = definition
                    .operands
                    .iter()
                    .map(|o| o.name.text.as_str())
                    .collect();
                return Err(misfit(
                    10 + i,
                    Diagnostic::error(
                        Code::MissingOperand,
                        format!(
                            "`{name}` needs `{}`, which is not in scope",
                            operand.name.text
                        ),
                    )
                    .at(site.span, "in this call")
                    .also(operand.span, "the operand is declared here")
                    .help(format!(
                        "name the operands: `{name}(…) on ({})`, or declare an input `{}`",
                        list.iter()
                            .map(|o| format!("{o}=…"))
                            .collect::<Vec<_>>()
                            .join(", "),
                        operand.name.text
                    )),
                ));
            };
            match self.fit_operand(operand, *value) {
                Some(fit) => fits.push(fit),
                None => {
                    return Err(misfit(
                        20 + i,
                        self.operand_misfit(name, operand, *value, site),
                    ));
                }
            }
        }
        if let Some(args) = site.on {
            let known = |arg: &ast::Arg| match &arg.name {
                Some(key) => definition.operands.iter().any(|o| o.name.text == key.text),
                None => true,
            };
            let stray = args
                .iter()
                .find(|arg| !known(arg))
                .or_else(|| args.get(definition.operands.len()));
            if let Some(arg) = stray {
                let list: Vec<&str> = definition
                    .operands
                    .iter()
                    .map(|o| o.name.text.as_str())
                    .collect();
                return Err(misfit(
                    15,
                    Diagnostic::error(
                        Code::TooManyArguments,
                        format!("`{name}` has no such operand"),
                    )
                    .at(
                        arg.name.as_ref().map_or(arg.value.span, |key| key.span),
                        "not an operand",
                    )
                    .help(if list.is_empty() {
                        format!("`{name}` is a function and takes no operands")
                    } else {
                        format!("its operands are {}", crate::diag::and_list(&quoted(&list)))
                    }),
                ));
            }
        }
        Ok(fits)
    }

    /// Whether a definition has the options that a call names.
    fn fit_options(&mut self, definition: &ast::Definition, site: CallSite) -> Result<(), Misfit> {
        let name = &definition.name.text;
        let options: Vec<&str> = definition
            .options
            .iter()
            .map(|o| o.name.text.as_str())
            .collect();
        for arg in site.args {
            let Some(key) = &arg.name else { continue };
            if options.contains(&key.text.as_str()) {
                continue;
            }
            let mut diagnostic = Diagnostic::error(
                Code::UnknownOption,
                format!("`{name}` has no option `{}`", key.text),
            )
            .at(key.span, "not an option")
            .also(definition.name.span, "defined here");
            diagnostic = match nearest(&key.text, options.iter().copied()) {
                Some(near) => diagnostic.fix(key.span, near, "a similar option"),
                None if options.is_empty() => diagnostic.help("it has no options"),
                None => diagnostic.help(format!(
                    "its options are {}",
                    crate::diag::and_list(&quoted(&options))
                )),
            };
            if definition.operands.iter().any(|o| o.name.text == key.text) {
                diagnostic.fixes.clear();
                diagnostic.help = vec![format!(
                    "`{}` is an operand; operands stand after `on`: `{name}(…) on ({}=…)`",
                    key.text, key.text
                )];
            }
            return Err(misfit(1, diagnostic));
        }
        let operand = |arg: &&ast::Arg| match (&arg.name, &arg.value.kind) {
            (None, ast::ExprKind::Name(text)) => {
                definition.operands.iter().any(|o| o.name.text == *text)
                    && !options.contains(&text.as_str())
            }
            _ => false,
        };
        if let Some(arg) = site.args.iter().find(operand) {
            let list: Vec<&str> = definition
                .operands
                .iter()
                .map(|o| o.name.text.as_str())
                .collect();
            let list = list.join(", ");
            return Err(misfit(2, Diagnostic::error(
                    Code::TooManyArguments,
                    format!("operands of `{name}` do not stand among its options"),
                )
                .at(arg.value.span, "an operand")
                .also(definition.name.span, "defined here")
                .help(format!(
                    "operands stand after `on`: `{name}() on ({list})`; inputs of these names are taken without it: `{name}()`"
                ))));
        }
        let positional = site.args.iter().filter(|arg| arg.name.is_none()).count();
        // A function is told from a loss of its name by the arguments that it must have.
        let needed = definition.options.iter().enumerate().find(|(i, option)| {
            let keyed = |arg: &ast::Arg| {
                let key = arg.name.as_ref();
                key.is_some_and(|key| key.text == option.name.text)
            };
            option.default.is_none() && *i >= positional && !site.args.iter().any(keyed)
        });
        if let (Some((_, option)), true) = (needed, definition.operands.is_empty()) {
            return Err(misfit(
                3,
                super::options::missing(definition, option, site.span),
            ));
        }
        if positional > options.len() {
            let extra = site
                .args
                .iter()
                .filter(|arg| arg.name.is_none())
                .nth(options.len())
                .map_or(site.span, |arg| arg.value.span);
            let mut diagnostic = Diagnostic::error(
                Code::TooManyArguments,
                format!(
                    "`{name}` has {} options, and {positional} arguments are given",
                    options.len()
                ),
            )
            .at(extra, "one too many")
            .also(definition.name.span, "defined here");
            if !definition.operands.is_empty() {
                diagnostic = diagnostic.help(format!(
                    "operands stand after `on`: `{name}() on (pred, target)`; without it they are taken from the scope"
                ));
            }
            return Err(misfit(2, diagnostic));
        }
        Ok(())
    }

    /// The value of a call: options evaluated, operands converted, the body checked in their scope.
    fn expand(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        fits: Vec<Fit>,
    ) -> Checked<Value> {
        let name = &definition.name.text;
        let key: *const ast::Definition = definition;
        if !self.called.contains(&key) {
            self.called.push(key);
        }
        if let Some(frame) = self.frames.iter().find(|f| f.definition == key) {
            let head = frame.head;
            let path: Vec<String> = self
                .frames
                .iter()
                .map(|f| f.name.clone())
                .chain([name.clone()])
                .collect();
            return Err(self.report(
                Diagnostic::error(
                    Code::Cycle,
                    format!("`{name}` calls itself: {}", path.join(" → ")),
                )
                .at(site.span, "called again here")
                .also(head, "while this is being expanded")
                .note("the language has no recursion, so that every spec ends"),
            ));
        }
        if self.frames.len() >= MAX_CALLS {
            return Err(self.report(
                Diagnostic::error(Code::TooDeep, "calls are nested too deeply").at(
                    site.span,
                    format!("this is call number {} in a row", MAX_CALLS + 1),
                ),
            ));
        }
        let mut scope = Scope {
            sees_file: !self.library.holds(definition.head),
            file_operands: false,
            ..Scope::default()
        };
        let operands = self.bind_operands(definition, site, fits, &mut scope)?;
        self.bind_options(definition, site, &operands, &mut scope)?;
        let memo = (
            key,
            scope
                .names
                .iter()
                .map(|(_, value)| value.clone())
                .collect::<Vec<_>>(),
            scope
                .axes
                .iter()
                .map(|(_, axes)| axes.clone())
                .collect::<Vec<_>>(),
        );
        if let Some(value) = self.memo.get(&memo) {
            return value.clone();
        }
        self.frames.push(Frame {
            name: name.clone(),
            definition: key,
            call: site.span,
            head: definition.head,
        });
        self.scopes.push(scope);
        let value = self.body(&definition.body);
        self.scopes.pop();
        self.frames.pop();
        self.memo.insert(memo, value.clone());
        value
    }

    fn body(&mut self, body: &ast::Body) -> Checked<Value> {
        let mut failed = false;
        for binding in &body.lets {
            match self.eval(&binding.value) {
                Ok(value) => {
                    if let Some(scope) = self.scopes.last_mut() {
                        scope.names.push((binding.name.text.clone(), value));
                    }
                }
                Err(Reported) => failed = true,
            }
        }
        if failed {
            return Err(Reported);
        }
        self.eval(&body.value)
    }

    /// Checks definitions of the file that nothing calls, on operands made for the purpose, so that
    /// a mistake in them does not wait for the first call.
    pub(super) fn probe_uncalled(&mut self) {
        let uncalled: Vec<&'a ast::Definition> = self
            .definitions
            .iter()
            .copied()
            .filter(|d| !self.called.contains(&(*d as *const _)))
            .collect();
        for definition in uncalled {
            if definition.options.iter().any(|o| o.default.is_none()) {
                // What is required of a call cannot be guessed.
                continue;
            }
            let mut fits = Vec::new();
            for operand in &definition.operands {
                let Some(id) = self.probe_operand(operand) else {
                    break;
                };
                fits.push(Fit {
                    id,
                    steps: Vec::new(),
                    span: operand.span,
                    cost: 0,
                });
            }
            if fits.len() == definition.operands.len() {
                let site = CallSite {
                    callee: &definition.name,
                    args: &[],
                    on: None,
                    span: definition.name.span,
                };
                // What is wrong has been reported; the value is of no use.
                let _ = self.expand(definition, site, fits);
            }
        }
    }
}
