//! Calls of definitions: overloads, operands, options, and the body in place of the call.

use super::axes::{AxisId, Role};
use super::build::Placed;
use super::builtin::{FUNCTIONS, elementwise, is_builtin};
use super::cx::{Checked, Cx, Frame, Reported, Scope, Value};
use super::expr::quoted;
use super::tree::{Conversion, ExprId, RangeCheck};
use super::ty::{Classes, Kind, show_axes};
use crate::ast::{self, ClassWord, TypeKind};
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::ir::MapOp;
use crate::signature::Bounds;
use crate::source::Span;

/// Calls may lie this deep in each other; a library needs a handful.
const MAX_CALLS: usize = 64;

/// What a call writes besides the name.
#[derive(Clone, Copy)]
struct CallSite<'s> {
    callee: &'s ast::Ident,
    args: &'s [ast::Arg],
    on: Option<&'s [ast::Arg]>,
    span: Span,
}

/// An operand that fits: the value, the steps that convert it, what they cost.
struct Fit {
    id: ExprId,
    steps: Vec<(Conversion, Kind)>,
    span: Span,
    cost: usize,
}

/// Why a definition does not fit a call; the larger `rank`, the closer it came.
struct Misfit {
    rank: usize,
    diagnostic: Diagnostic,
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
            .filter(|d| d.name.text == name)
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
        let own = self.definitions.iter().map(|d| d.name.text.as_str());
        let library = self.library.names();
        let names = own
            .chain(library.iter().copied().filter(|n| !n.starts_with('_')))
            .chain(FUNCTIONS.iter().map(|f| f.name))
            .chain(MapOp::ALL.iter().map(|op| op.name()).filter(|n| elementwise(n).is_some()));
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
            None => diagnostic.help("`lossc list losses` and `lossc list functions` show all there are"),
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
                    if closest.as_ref().is_none_or(|known| misfit.rank > known.rank) {
                        closest = Some(misfit);
                    }
                }
            }
        }
        match (best, closest) {
            (Some((_, definition, fits)), _) => self.expand(definition, site, fits),
            (None, Some(misfit)) => Err(self.report(misfit.diagnostic)),
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
                let list: Vec<&str> = definition.operands.iter().map(|o| o.name.text.as_str()).collect();
                return Err(Misfit {
                    rank: 10 + i,
                    diagnostic: Diagnostic::error(
                        Code::MissingOperand,
                        format!("`{name}` needs `{}`, which is not in scope", operand.name.text),
                    )
                    .at(site.span, "in this call")
                    .also(operand.span, "the operand is declared here")
                    .help(format!(
                        "name the operands: `{name}(…) on ({})`, or declare an input `{}`",
                        list.iter().map(|o| format!("{o}=…")).collect::<Vec<_>>().join(", "),
                        operand.name.text
                    )),
                });
            };
            match self.fit_operand(operand, *value) {
                Some(fit) => fits.push(fit),
                None => {
                    return Err(Misfit {
                        rank: 20 + i,
                        diagnostic: self.operand_misfit(name, operand, *value, site),
                    });
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
                let list: Vec<&str> = definition.operands.iter().map(|o| o.name.text.as_str()).collect();
                return Err(Misfit {
                    rank: 15,
                    diagnostic: Diagnostic::error(
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
                });
            }
        }
        Ok(fits)
    }

    /// Whether a definition has the options that a call names.
    fn fit_options(&mut self, definition: &ast::Definition, site: CallSite) -> Result<(), Misfit> {
        let name = &definition.name.text;
        let options: Vec<&str> = definition.options.iter().map(|o| o.name.text.as_str()).collect();
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
            .also(definition.head, "defined here");
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
            return Err(Misfit { rank: 1, diagnostic });
        }
        let positional = site.args.iter().filter(|arg| arg.name.is_none()).count();
        if positional > options.len() {
            let extra = site
                .args
                .iter()
                .filter(|arg| arg.name.is_none())
                .nth(options.len())
                .map_or(site.span, |arg| arg.value.span);
            let mut diagnostic = Diagnostic::error(
                Code::TooManyArguments,
                format!("`{name}` has {} options, and {positional} arguments are given", options.len()),
            )
            .at(extra, "one too many")
            .also(definition.head, "defined here");
            if !definition.operands.is_empty() {
                diagnostic = diagnostic.help(format!(
                    "operands stand after `on`: `{name}() on (pred, target)`; without it they are taken from the scope"
                ));
            }
            return Err(Misfit { rank: 2, diagnostic });
        }
        Ok(())
    }

    fn fit_operand(&self, operand: &ast::OperandDecl, value: Placed) -> Option<Fit> {
        let TypeKind::Tensor { kind, class, .. } = &operand.ty.kind else {
            return None;
        };
        let from = self.ty(value.id).kind;
        let steps = self.conversion(from, &kind.text)?;
        let result = steps.last().map_or(from, |(_, kind)| *kind);
        let generic = usize::from(class.is_none());
        let fits = match class.as_ref().map(|c| c.word) {
            None => true,
            Some(ClassWord::Over) => matches!(
                result,
                Kind::Logits(Classes::Over(_))
                    | Kind::Probs(Classes::Over(_))
                    | Kind::LogProbs(Classes::Over(_))
                    | Kind::OneHot(_)
            ),
            // Independent questions: one per class, or a single one without a class axis.
            Some(ClassWord::Per) => matches!(
                result,
                Kind::Logits(Classes::Per(_) | Classes::None)
                    | Kind::Probs(Classes::Per(_) | Classes::None)
                    | Kind::LogProbs(Classes::Per(_) | Classes::None)
                    | Kind::Mask(_)
            ),
            Some(ClassWord::Of) => matches!(result, Kind::Labels(_)),
        };
        fits.then_some(Fit {
            id: value.id,
            cost: 10 * steps.len() + generic,
            steps,
            span: value.span,
        })
    }

    fn operand_misfit(
        &self,
        name: &str,
        operand: &ast::OperandDecl,
        value: Placed,
        site: CallSite,
    ) -> Diagnostic {
        let ty = self.ty(value.id);
        let found = ty.show(&self.axes);
        let wanted = show_type(&operand.ty);
        let mut diagnostic = Diagnostic::error(
            Code::KindMismatch,
            format!(
                "`{name}` needs `{wanted}` as `{}`, and this is `{found}`",
                operand.name.text
            ),
        )
        .at(
            if value.span == site.callee.span { site.span } else { value.span },
            "in this call",
        )
        .also(operand.span, "the operand is declared here");
        if let Some(input) = self.inputs.iter().find(|i| i.name == operand.name.text)
            && input.ty == *ty
        {
            diagnostic = diagnostic.also(input.span, format!("it is `{found}` because of this"));
        }
        let TypeKind::Tensor { kind, class, .. } = &operand.ty.kind else {
            return diagnostic;
        };
        let over = matches!(class.as_ref().map(|c| c.word), Some(ClassWord::Over));
        let input = &operand.name.text;
        let help = match (kind.text.as_str(), ty.kind) {
            ("probs" | "log_probs" | "logits", Kind::Real) => format!(
                "if these are unnormalised scores, declare `{input}` as `logits[N, C, ...S] over C`; if they are probabilities, say so: `… as probs over C`"
            ),
            ("logits", Kind::Probs(_) | Kind::LogProbs(_)) => {
                "probabilities do not become logits again; give the scores before the activation".to_string()
            }
            (_, Kind::Logits(Classes::None | Classes::Per(_)) | Kind::Mask(_)) if over => format!(
                "these are independent yes/no questions; `bce()` and `focal()` take them. For exclusive classes declare `{}`",
                if matches!(ty.kind, Kind::Mask(_)) { "labels[N, ...S] of C" } else { "logits[N, C, ...S] over C" }
            ),
            ("labels", Kind::Mask(_)) => "declare the target as `labels[N, ...S] of C`; for a mask take `bce()`".to_string(),
            ("labels", Kind::Real) => format!(
                "labels are whole numbers: declare `{input}` as `labels[N, ...S] of C`; soft targets are `probs[N, C, ...S] over C`, for `soft_ce()`"
            ),
            ("mask" | "logits" | "probs", _) if !over && class.is_some() => {
                "this is for independent yes/no questions; for exclusive classes take `ce()`".to_string()
            }
            ("probs", Kind::Int) => format!("declare `{input}` as `labels[N, ...S] of C`"),
            _ => return diagnostic,
        };
        diagnostic.help(help)
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
            let path: Vec<String> = self.frames.iter().map(|f| f.name.clone()).chain([name.clone()]).collect();
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
                Diagnostic::error(Code::TooDeep, "calls are nested too deeply")
                    .at(site.span, format!("this is call number {} in a row", MAX_CALLS + 1)),
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
            scope.names.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>(),
            scope.axes.iter().map(|(_, axes)| axes.clone()).collect::<Vec<_>>(),
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

    /// Converts the operands, binds axis names of their declared types, and returns their axes.
    fn bind_operands(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        fits: Vec<Fit>,
        scope: &mut Scope,
    ) -> Checked<Vec<ExprId>> {
        let mut ids = Vec::new();
        for (operand, fit) in definition.operands.iter().zip(fits) {
            let at = if fit.span == site.callee.span { site.span } else { fit.span };
            let id = self.apply(fit.id, &fit.steps, at);
            if let TypeKind::Tensor { axes: Some(axes), .. } = &operand.ty.kind {
                self.bind_axes(definition, operand, axes, id, at, scope)?;
            }
            scope.names.push((operand.name.text.clone(), Value::Expr(id)));
            ids.push(id);
        }
        Ok(ids)
    }

    /// Matches the axes of an operand against `[...A, K=4]`: names before the pack from the front,
    /// names behind it from the back. A name that is bound already must be the same axes again.
    fn bind_axes(
        &mut self,
        definition: &ast::Definition,
        operand: &ast::OperandDecl,
        pattern: &[ast::AxisDecl],
        id: ExprId,
        at: Span,
        scope: &mut Scope,
    ) -> Checked<()> {
        let axes = self.ty(id).axes.clone();
        let found = show_axes(&axes, &self.axes);
        let name = &definition.name.text;
        let mismatch = |text: String| {
            Diagnostic::error(Code::AxisMismatch, text)
                .at(at, format!("`{}` is over `{found}`", operand.name.text))
                .also(operand.span, "the operand is declared here")
        };
        let pack = pattern
            .iter()
            .position(|p| matches!(p, ast::AxisDecl::Pack { .. }));
        let named = pattern.len() - usize::from(pack.is_some());
        if axes.len() < named || (pack.is_none() && axes.len() != named) {
            return Err(self.report(mismatch(format!(
                "`{name}` needs {}{named} {} in `{}`",
                if pack.is_some() { "at least " } else { "" },
                if named == 1 { "axis" } else { "axes" },
                operand.name.text
            ))));
        }
        let mut next = 0;
        for entry in pattern {
            let (key, these) = match entry {
                ast::AxisDecl::Pack { name, .. } => {
                    let these = axes[next..next + axes.len() - named].to_vec();
                    next += these.len();
                    (name.as_ref(), these)
                }
                ast::AxisDecl::Axis { name, size } => {
                    let axis = axes[next];
                    next += 1;
                    if let Some((size, _)) = size {
                        let place = self.place(at);
                        let why = format!("because `{}` needs it here", definition.name.text);
                        if let Err(diagnostic) = self.axes.set_size(axis, *size, place, &why) {
                            return Err(self.report(diagnostic));
                        }
                    }
                    (Some(name), vec![axis])
                }
                ast::AxisDecl::Size(..) => {
                    next += 1;
                    continue;
                }
            };
            let Some(key) = key else { continue };
            match scope.axes.iter().find(|(n, _)| *n == key.text) {
                Some((_, known)) => {
                    let same = known.len() == these.len() && known.iter().all(|a| these.contains(a));
                    if !same {
                        let known = show_axes(known, &self.axes);
                        let these = show_axes(&these, &self.axes);
                        return Err(self.report(mismatch(format!(
                            "the operands of `{name}` differ in axes: `{known}` and `{these}`"
                        )).help("this loss compares entry by entry and does not repeat one operand along axes of the other")));
                    }
                }
                None => scope.axes.push((key.text.clone(), these)),
            }
        }
        Ok(())
    }

    fn bind_options(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite,
        operands: &[ExprId],
        scope: &mut Scope,
    ) -> Checked<()> {
        let mut positional = site.args.iter().filter(|arg| arg.name.is_none());
        let mut failed = false;
        let mut given: Vec<Option<&ast::Arg>> = Vec::new();
        for option in &definition.options {
            let keyed = site
                .args
                .iter()
                .filter(|arg| arg.name.as_ref().is_some_and(|key| key.text == option.name.text));
            let keyed: Vec<&ast::Arg> = keyed.collect();
            if let [first, second, ..] = keyed[..] {
                self.report(
                    Diagnostic::error(
                        Code::TooManyArguments,
                        format!("option `{}` is given twice", option.name.text),
                    )
                    .at(second.value.span, "given again")
                    .also(first.value.span, "given here first"),
                );
                return Err(Reported);
            }
            given.push(keyed.first().copied().or_else(|| positional.next()));
        }
        if let Some(extra) = positional.next() {
            return Err(self.report(
                Diagnostic::error(
                    Code::TooManyArguments,
                    format!("an option of `{}` is given by position and by name", definition.name.text),
                )
                .at(extra.value.span, "no option is left for this"),
            ));
        }
        for (option, arg) in definition.options.iter().zip(given) {
            let value = match (arg, &option.default) {
                (Some(arg), _) => self.option_value(definition, option, &arg.value, operands),
                (None, Some(default)) => {
                    // A default sees the options before it and the operands.
                    self.scopes.push(scope.clone());
                    self.frames.push(Frame {
                        name: definition.name.text.clone(),
                        definition: definition as *const _,
                        call: site.span,
                        head: definition.head,
                    });
                    let value = self.option_value(definition, option, default, operands);
                    self.frames.pop();
                    self.scopes.pop();
                    value
                }
                (None, None) => Err(self.report(
                    Diagnostic::error(
                        Code::MissingOption,
                        format!("`{}` needs `{}`", definition.name.text, option.name.text),
                    )
                    .at(site.span, "not given in this call")
                    .also(option.span, "it has no default")
                    .help(format!("give it: `{}({}=…)`", definition.name.text, option.name.text)),
                )),
            };
            match value {
                Ok(value) => scope.names.push((option.name.text.clone(), value)),
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(()) }
    }

    /// The value of an option, checked against its declared type.
    fn option_value(
        &mut self,
        definition: &ast::Definition,
        option: &ast::OptionDecl,
        arg: &ast::Expr,
        operands: &[ExprId],
    ) -> Checked<Value> {
        let name = &option.name.text;
        let of = &definition.name.text;
        let wrong = |text: String| {
            Diagnostic::error(Code::BadOption, text).also(option.span, "the option is declared here")
        };
        match &option.ty.kind {
            TypeKind::OneOf(words) => {
                let among: Vec<String> = words.iter().map(|w| w.text.clone()).collect();
                let word = match &arg.kind {
                    ast::ExprKind::Name(word) => match self.local(word) {
                        Some(Value::Choice { word, .. }) => Some(word),
                        _ => Some(word.clone()),
                    },
                    _ => None,
                };
                match word {
                    Some(word) if among.contains(&word) => Ok(Value::Choice { word, among }),
                    other => {
                        let mut diagnostic = wrong(format!("`{name}` of `{of}` is one of {}", or_list(&quoted(&among))))
                            .at(arg.span, "none of these");
                        if let Some(near) = other.and_then(|o| nearest(&o, among.iter().map(String::as_str)).map(String::from)) {
                            diagnostic = diagnostic.fix(arg.span, near, "a similar word");
                        }
                        Err(self.report(diagnostic))
                    }
                }
            }
            TypeKind::Tensor { kind, axes, range, .. } if kind.text == "axes" => {
                debug_assert!(axes.is_none() && range.is_none());
                match self.eval(arg)? {
                    Value::Axes(axes) => Ok(Value::Axes(axes)),
                    Value::List(items) if items.is_empty() => Ok(Value::Axes(Vec::new())),
                    _ => Err(self.report(
                        wrong(format!("`{name}` of `{of}` is a list of axes"))
                            .at(arg.span, "not axes")
                            .help("write `[batch, space]`, `[H, W]` or a single one of them"),
                    )),
                }
            }
            TypeKind::Tensor { kind, axes, range, .. } => {
                let value = self.eval(arg)?;
                match (axes, value) {
                    (Some(axes), value) => {
                        self.tensor_option(definition, option, axes, value, operands, arg.span)
                    }
                    (None, Value::List(items)) if kind.text == "real" => {
                        // A list of numbers without an axis, such as a pair of bounds.
                        Ok(Value::List(items))
                    }
                    (None, value) => {
                        let id = self.as_expr(value, arg.span)?;
                        let id = self.number_option(definition, option, id, arg.span)?;
                        if let Some(range) = range {
                            self.check_range(id, range, name, of, option.span, arg.span)?;
                        }
                        Ok(Value::Expr(id))
                    }
                }
            }
        }
    }

    /// A single number, a truth value or a whole number, as the option's type asks; a `fn` takes
    /// tensors too.
    fn number_option(
        &mut self,
        definition: &ast::Definition,
        option: &ast::OptionDecl,
        id: ExprId,
        span: Span,
    ) -> Checked<ExprId> {
        let TypeKind::Tensor { kind, .. } = &option.ty.kind else {
            return Ok(id);
        };
        let found = self.show(id);
        let wrong = |need: &str| {
            Diagnostic::error(
                Code::BadOption,
                format!("`{}` of `{}` is {need}", option.name.text, definition.name.text),
            )
            .at(span, format!("this is `{found}`"))
            .also(option.span, "the option is declared here")
        };
        let loss = !definition.operands.is_empty();
        if loss && !self.ty(id).is_scalar() {
            return Err(self.report(wrong("a single number")));
        }
        match kind.text.as_str() {
            "bool" if self.ty(id).kind == Kind::Bool => Ok(id),
            "bool" => Err(self.report(wrong("`true` or `false`"))),
            "int" => match self.known(id) {
                Some(x) if self.ty(id).kind != Kind::Bool && x == x.trunc() => {
                    Ok(self.constant(x, Kind::Int, span))
                }
                _ => Err(self.report(wrong("a whole number, known when the spec is checked"))),
            },
            "real" | "scalar" if loss && self.ty(id).kind == Kind::Bool => {
                Err(self.report(wrong("a number")))
            }
            "real" | "scalar" => Ok(self.to_real(id)),
            word => {
                let word = word.to_string();
                match self.conversion(self.ty(id).kind, &word) {
                    Some(steps) => Ok(self.apply(id, &steps, span)),
                    None => Err(self.report(wrong(&format!("`{word}`")))),
                }
            }
        }
    }

    /// A value along axes of the operands: a list, a tensor over some of them, or one number.
    fn tensor_option(
        &mut self,
        definition: &ast::Definition,
        option: &ast::OptionDecl,
        axes: &[ast::AxisDecl],
        value: Value,
        operands: &[ExprId],
        span: Span,
    ) -> Checked<Value> {
        let (name, of) = (&option.name.text, &definition.name.text);
        let mut allowed: Vec<AxisId> = Vec::new();
        let mut anything = false;
        for axis in axes {
            match axis {
                ast::AxisDecl::Axis { name, .. } => {
                    if let Some(role) = Role::from_name(&name.text) {
                        for &operand in operands {
                            let ty = self.ty(operand);
                            let class = ty.kind.class_axis().filter(|_| role == Role::Class);
                            let with_role = ty.axes.iter().copied().filter(|&a| self.axes.get(a).role == role);
                            let found: Vec<AxisId> = class.into_iter().chain(with_role).collect();
                            for axis in found {
                                if !allowed.contains(&axis) {
                                    allowed.push(axis);
                                }
                            }
                        }
                    }
                }
                ast::AxisDecl::Pack { .. } => anything = true,
                ast::AxisDecl::Size(..) => {}
            }
        }
        let id = match value {
            Value::List(items) => {
                let depth = nesting(&items);
                if allowed.len() < depth || allowed.is_empty() {
                    let roles: Vec<String> = axes.iter().filter_map(|a| match a {
                        ast::AxisDecl::Axis { name, .. } => Some(format!("`{}`", name.text)),
                        ast::AxisDecl::Pack { .. } | ast::AxisDecl::Size(..) => None,
                    }).collect();
                    return Err(self.report(
                        Diagnostic::error(
                            Code::AxisMismatch,
                            format!("`{name}` of `{of}` lies along the {} axis, and the operands have none", or_list(&roles)),
                        )
                        .at(span, "nothing for these numbers to lie along")
                        .help("give a single number, or declare the operands with classes"),
                    ));
                }
                let why = if items.len() == 1 { "because this list has one entry".to_string() } else { format!("because this list has {} entries", items.len()) };
                self.table(&items, &allowed[..depth], span, &why)?
            }
            value => {
                let id = self.as_expr(value, span)?;
                let id = self.to_real(id);
                let stray: Vec<AxisId> = self.ty(id).axes.iter().copied().filter(|a| !anything && !allowed.contains(a)).collect();
                if !stray.is_empty() {
                    let (stray, has) = (show_axes(&stray, &self.axes), show_axes(&allowed, &self.axes));
                    let found = self.show(id);
                    return Err(self.report(
                        Diagnostic::error(
                            Code::AxisMismatch,
                            format!("`{name}` of `{of}` cannot lie along `{stray}`"),
                        )
                        .at(span, format!("this is `{found}`"))
                        .also(option.span, format!("here it lies along axes among `{has}`")),
                    ));
                }
                id
            }
        };
        if let TypeKind::Tensor { range: Some(range), .. } = &option.ty.kind {
            self.check_range(id, range, name, of, option.span, span)?;
        }
        Ok(Value::Expr(id))
    }

    fn check_range(
        &mut self,
        id: ExprId,
        range: &ast::Range,
        name: &str,
        of: &str,
        declared: Span,
        span: Span,
    ) -> Checked<()> {
        let range = Bounds { low: range.low, high: range.high };
        let values: Vec<f64> = match &self.expr(id).kind {
            super::tree::ExprKind::Const(bits) => vec![f64::from_bits(*bits)],
            super::tree::ExprKind::Table(bits) => bits.iter().map(|b| f64::from_bits(*b)).collect(),
            _ => {
                if self.ty(id).is_scalar() && !self.expr(id).tensor {
                    let span = self.place(span);
                    let check = RangeCheck {
                        value: id,
                        range,
                        what: format!("`{name}` of `{of}`"),
                        span,
                    };
                    self.checks.push(check);
                }
                return Ok(());
            }
        };
        match values.into_iter().find(|x| !range.contains(*x)) {
            None => Ok(()),
            Some(x) => Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!("`{name}` of `{of}` is {range}, and this is {x}"),
                )
                .at(span, "outside the range")
                .also(declared, "the option is declared here"),
            )),
        }
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
                let Some(id) = self.probe_operand(operand) else { break };
                fits.push(Fit { id, steps: Vec::new(), span: operand.span, cost: 0 });
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

/// How deep lists are nested, a plain list being 1.
fn nesting(items: &[Value]) -> usize {
    match items.first() {
        Some(Value::List(inner)) => 1 + nesting(inner),
        _ => 1,
    }
}

/// A declared type as it is written, without its range.
pub(super) fn show_type(ty: &ast::TypeExpr) -> String {
    match &ty.kind {
        TypeKind::OneOf(words) => {
            let words: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
            format!("one of {}", words.join(", "))
        }
        TypeKind::Tensor { kind, class, .. } => match class {
            Some(clause) => {
                let word = match clause.word {
                    ClassWord::Over => "over",
                    ClassWord::Per => "per",
                    ClassWord::Of => "of",
                };
                format!("{} {word} {}", kind.text, clause.axis.text)
            }
            None => kind.text.clone(),
        },
    }
}
