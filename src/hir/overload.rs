//! Overloads: which definition of a name a call means, and if none, which comes closest.
//!
//! Why a definition does not fit is data, a [`Misfit`]; one function turns the closest into a
//! message and mentions the others, closest first.

use super::build::Placed;
use super::call::{CallSite, Fit};
use super::cx::{Checked, Cx, Reported, Value};
use super::expr::quoted;
use crate::ast;
use crate::ast::vocabulary::{self, Advice};
use crate::diag::{Code, Diagnostic, and_list, nearest};
use crate::source::Span;

/// As many definitions that do not fit are told of besides the closest.
const SHOWN: usize = 3;

/// A definition that does not fit a call.
struct Misfit<'a, 's> {
    definition: &'a ast::Definition,
    reason: Reason<'a, 's>,
}

/// Why a definition does not fit a call.
#[derive(Clone, Copy)]
enum Reason<'a, 's> {
    /// It has no such option.
    UnknownOption(&'s ast::Ident),
    /// An argument by position stands behind one by name.
    PositionBehindName(&'s ast::Arg),
    /// An operand stands among the options.
    OperandAmongOptions(&'s ast::Arg),
    /// More arguments than options: so many, and this is the first that is too many.
    TooManyOptions { given: usize, extra: Span },
    /// A function lacks an argument that it must have.
    MissingOption(&'a ast::OptionDecl),
    /// This operand is neither named nor in scope.
    MissingOperand(usize),
    /// After `on` stands what is no operand of it.
    StrayOperand(&'s ast::Arg),
    /// The value of this operand is of another kind; `related` if only its classes lie otherwise.
    WrongKind {
        operand: usize,
        value: Placed,
        related: bool,
    },
}

impl Reason<'_, '_> {
    /// The larger, the closer the definition came: what is checked later, a later operand.
    fn rank(self) -> usize {
        match self {
            Reason::UnknownOption(_) => 1,
            Reason::OperandAmongOptions(_)
            | Reason::TooManyOptions { .. }
            | Reason::PositionBehindName(_) => 2,
            Reason::MissingOption(_) => 3,
            Reason::MissingOperand(operand) => 10 + operand,
            Reason::StrayOperand(_) => 5,
            Reason::WrongKind {
                operand, related, ..
            } => 20 + 2 * operand + usize::from(related),
        }
    }
}

impl<'a> Cx<'a> {
    /// Takes the definition that fits best; if none does, explains the one that comes closest.
    pub(super) fn overload(
        &mut self,
        candidates: &[&'a ast::Definition],
        site: CallSite,
    ) -> Checked<Value> {
        let operands = self.given_operands(candidates, site)?;
        let mut best: Option<((usize, usize), &'a ast::Definition, Vec<Fit>)> = None;
        let mut tied: Option<&'a ast::Definition> = None;
        let mut misfits: Vec<Misfit> = Vec::new();
        for &definition in candidates {
            match self.fit(definition, site, &operands) {
                Ok(fits) => {
                    // Of those that convert as little, the one that uses most of what is there.
                    let unused = usize::MAX - fits.len();
                    let cost = (fits.iter().map(|fit| fit.cost).sum(), unused);
                    match &best {
                        Some((known, ..)) if cost > *known => {}
                        Some((known, ..)) if cost == *known => tied = Some(definition),
                        _ => (best, tied) = (Some((cost, definition, fits)), None),
                    }
                }
                Err(reason) => misfits.push(Misfit { definition, reason }),
            }
        }
        if let (Some((_, first, _)), Some(second)) = (&best, tied) {
            return Err(self.report(ambiguous(first, second, site)));
        }
        if let Some((_, definition, fits)) = best {
            return self.expand(definition, site, fits);
        }
        // Of equals the one that is defined first.
        misfits.sort_by_key(|misfit| std::cmp::Reverse(misfit.reason.rank()));
        let Some((closest, others)) = misfits.split_first() else {
            return Err(Reported);
        };
        let of_file = self.scopes.last().is_none_or(|scope| scope.file_operands);
        if let (Reason::MissingOperand(operand), None, true) = (closest.reason, site.on, of_file)
            && self.fitting(closest.definition, site).is_none()
        {
            let name = &closest.definition.operands[operand].name.text;
            if self.missed.contains(name) {
                return Err(Reported);
            }
            self.missed.push(name.clone());
        }
        let mut diagnostic = self.explain(closest, site);
        for other in others.iter().take(SHOWN) {
            // What is wrong with all of them in the same way is said once.
            if let Some(why) = self.in_a_note(other, closest) {
                diagnostic = diagnostic.note(why);
            }
        }
        Err(self.report(diagnostic))
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
                        Some(value) => Some(self.own_name(name, value?, site.span)?),
                        None if self.scopes.last().is_none_or(|s| s.file_operands) => {
                            let found = self.globals.iter().position(|g| g.name.text == name);
                            match found {
                                Some(i) => {
                                    let value = self.global(i, site.span)?;
                                    Some(self.at_level(name, value, site.span)?)
                                }
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
    fn fit<'s>(
        &mut self,
        definition: &'a ast::Definition,
        site: CallSite<'s>,
        given: &[(Option<String>, Placed)],
    ) -> Result<Vec<Fit>, Reason<'a, 's>> {
        fit_options(definition, site)?;
        let known = |arg: &ast::Arg| match &arg.name {
            Some(key) => is_operand(definition, &key.text),
            None => true,
        };
        let named = site.on.unwrap_or(&[]);
        let stray = named
            .iter()
            .find(|arg| !known(arg))
            .or_else(|| named.get(definition.operands.len()));
        if let Some(arg) = stray {
            return Err(Reason::StrayOperand(arg));
        }
        let mut fits = Vec::new();
        for (i, operand) in definition.operands.iter().enumerate() {
            let found = given
                .iter()
                .find(|(key, _)| key.as_ref() == Some(&operand.name.text))
                .or_else(|| given.get(i).filter(|(key, _)| key.is_none()));
            let Some((_, value)) = found else {
                return Err(Reason::MissingOperand(i));
            };
            match self.fit_operand(operand, *value) {
                Some(fit) => fits.push(fit),
                None => {
                    return Err(Reason::WrongKind {
                        operand: i,
                        value: *value,
                        related: self.converts(operand, *value),
                    });
                }
            }
        }
        Ok(fits)
    }

    /// The message for the definition that comes closest.
    fn explain(&mut self, misfit: &Misfit, site: CallSite) -> Diagnostic {
        let definition = misfit.definition;
        let name = &definition.name.text;
        let defined = definition.name.span;
        let operands = operand_names(definition);
        match misfit.reason {
            Reason::UnknownOption(key) => unknown_option(definition, key),
            Reason::OperandAmongOptions(arg) => Diagnostic::error(
                Code::TooManyArguments,
                format!("operands of `{name}` do not stand among its options"),
            )
            .at(arg.value.span, "an operand")
            .also(defined, "defined here")
            .help(format!(
                "operands stand after `on`: `{name}() on ({})`; inputs of these names are taken without it: `{name}()`",
                operands.join(", ")
            )),
            Reason::TooManyOptions { given, extra } => {
                let diagnostic = Diagnostic::error(
                    Code::TooManyArguments,
                    format!(
                        "`{name}` has {}, and {} given",
                        counted(definition.options.len(), "option"),
                        if given == 1 { "one argument is".to_string() } else { format!("{given} arguments are") },
                    ),
                )
                .at(extra, "one too many")
                .also(defined, "defined here");
                if operands.is_empty() {
                    return diagnostic;
                }
                diagnostic.help(format!(
                    "operands stand after `on`: `{name}() on ({})`; without it they are taken from the scope",
                    operands.join(", ")
                ))
            }
            Reason::PositionBehindName(arg) => Diagnostic::error(
                Code::TooManyArguments,
                "an argument by position stands behind one by name",
            )
            .at(arg.value.span, "which option is this?")
            .help("give it by name too, or write it first"),
            Reason::MissingOption(option) => super::options::missing(definition, option, site.span),
            Reason::MissingOperand(_) if self.names_tensors(definition, site) => {
                let values: Vec<&str> = site.args.iter().filter_map(name_of).collect();
                Diagnostic::error(
                    Code::TooManyArguments,
                    format!("operands of `{name}` do not stand among its options"),
                )
                .at(site.span, "these are tensors")
                .also(defined, "defined here")
                .fix(
                    site.span,
                    format!("{name}() on ({})", values.join(", ")),
                    "operands stand after `on`",
                )
            }
            Reason::MissingOperand(operand) => {
                let operand = &definition.operands[operand];
                let assigned: Vec<String> = operands.iter().map(|o| format!("{o}=…")).collect();
                let fitting = self.fitting(definition, site);
                let diagnostic = Diagnostic::error(
                    Code::MissingOperand,
                    format!("`{name}` needs `{}`, which is not in scope", operand.name.text),
                )
                .at(site.span, "in this call")
                .also(operand.span, "the operand is declared here");
                match fitting {
                    Some(names) => diagnostic.fix(
                        Span {
                            start: site.span.end,
                            ..site.span
                        },
                        format!(" on ({})", names.join(", ")),
                        "name the operands",
                    ),
                    None => {
                        let diagnostic = diagnostic.help(format!(
                            "name the operands: `{name}(…) on ({})`, or declare an input `{}`",
                            assigned.join(", "),
                            operand.name.text
                        ));
                        match self.inputs.iter().any(|i| !i.ty.is_scalar()) {
                            true if site.on.is_none() && operands.contains(&"pred") => diagnostic.help(
                                "a file that declares tensors itself gets the usual ones by `task multiclass`",
                            ),
                            _ => diagnostic,
                        }
                    }
                }
            }
            Reason::StrayOperand(arg) => {
                let diagnostic =
                    Diagnostic::error(Code::TooManyArguments, format!("`{name}` has no such operand"));
                let near = arg.name.as_ref().and_then(|key| {
                    let elsewhere = vocabulary::input(&key.text);
                    let known = operands.iter().copied();
                    let near = nearest(&key.text, known.clone());
                    let near = near.or_else(|| known.into_iter().find(|o| Some(*o) == elsewhere))?;
                    Some((key.span, near))
                });
                let at = arg.name.as_ref().map_or(arg.value.span, |key| key.span);
                let diagnostic = diagnostic.at(at, "not an operand");
                match (near, &operands[..]) {
                    (Some((span, near)), _) => diagnostic.fix(span, near, "here it is called"),
                    (None, []) => diagnostic
                        .help(format!("`{name}` is a function and takes no operands")),
                    (None, [one]) => diagnostic.help(format!("its one operand is `{one}`")),
                    (None, _) => diagnostic
                        .help(format!("its operands are {}", and_list(&quoted(&operands)))),
                }
            }
            Reason::WrongKind { operand, value, .. } => {
                let wanted = &definition.operands[operand];
                let diagnostic = self.operand_misfit(name, wanted, value, site);
                let by_position = site.on.is_some_and(|on| on.iter().all(|a| a.name.is_none()));
                if by_position && operands.len() > 1 && diagnostic.help.is_empty() {
                    return diagnostic.help(format!(
                        "operands without names stand in the order {}",
                        and_list(&quoted(&operands))
                    ));
                }
                diagnostic
            }
        }
    }

    /// Whether the arguments of a call are as many tensors of the file as there are operands.
    fn names_tensors(&self, definition: &ast::Definition, site: CallSite) -> bool {
        let tensor = |arg: &ast::Arg| {
            let named = name_of(arg);
            self.inputs
                .iter()
                .any(|i| named == Some(i.name.as_str()) && !i.ty.is_scalar())
        };
        site.on.is_none()
            && site.args.len() == definition.operands.len()
            && site.args.iter().all(tensor)
    }

    /// The inputs to name after `on`, if only one choice of them has the kinds that are needed.
    fn fitting(&mut self, definition: &ast::Definition, site: CallSite) -> Option<Vec<String>> {
        if site.on.is_some() || !self.frames.is_empty() {
            return None;
        }
        let mut names = Vec::new();
        for operand in &definition.operands {
            let own = self.inputs.iter().position(|i| i.name == operand.name.text);
            let mut fits = Vec::new();
            for i in 0..self.inputs.len() {
                if own.is_some_and(|own| own != i) || self.inputs[i].ty.is_scalar() {
                    continue;
                }
                let (id, span) = (self.input(i as u32), site.span);
                if self.fit_operand(operand, Placed { id, span }).is_some() {
                    fits.push(i);
                }
            }
            match fits[..] {
                [one] => names.push(self.inputs[one].name.clone()),
                _ => return None,
            }
        }
        names.dedup();
        (names.len() == definition.operands.len()).then_some(names)
    }

    /// What another definition of the name would have needed; `None` if it fails as the closest
    /// one does.
    fn in_a_note(&self, misfit: &Misfit, closest: &Misfit) -> Option<String> {
        let definition = misfit.definition;
        let form = match definition.operands.is_empty() {
            true => format!("the function `{}`", usage(definition)),
            false => format!("`{}`", usage(definition)),
        };
        let why = match (misfit.reason, closest.reason) {
            (Reason::UnknownOption(_), Reason::UnknownOption(_))
            | (Reason::OperandAmongOptions(_), Reason::OperandAmongOptions(_))
            | (Reason::StrayOperand(_), Reason::StrayOperand(_))
            | (Reason::PositionBehindName(_), Reason::PositionBehindName(_))
            | (Reason::MissingOperand(_), Reason::MissingOperand(_))
            | (Reason::TooManyOptions { .. }, Reason::TooManyOptions { .. }) => return None,
            (Reason::UnknownOption(key), _) => format!("has no option `{}`", key.text),
            (Reason::OperandAmongOptions(_), _) => "takes its operands after `on`".to_string(),
            (Reason::PositionBehindName(_), _) => "takes arguments by position first".to_string(),
            (Reason::TooManyOptions { .. }, _) => {
                format!("has {}", counted(definition.options.len(), "option"))
            }
            (Reason::MissingOption(option), _) => format!("needs `{}`", option.name.text),
            (Reason::MissingOperand(operand), _) => {
                format!("needs `{}`", definition.operands[operand].name.text)
            }
            (Reason::StrayOperand(_), _) => "has fewer operands".to_string(),
            (Reason::WrongKind { operand, value, .. }, _) => format!(
                "does not take `{}` as `{}`",
                self.show(value.id),
                definition.operands[operand].name.text
            ),
        };
        Some(format!("{form} {why}"))
    }
}

/// Whether a definition has the options that a call names.
fn fit_options<'a, 's>(
    definition: &'a ast::Definition,
    site: CallSite<'s>,
) -> Result<(), Reason<'a, 's>> {
    let has = |text: &str| definition.options.iter().any(|o| o.name.text == text);
    let keys = site.args.iter().filter_map(|arg| arg.name.as_ref());
    if let Some(key) = keys.into_iter().find(|key| !has(&key.text)) {
        return Err(Reason::UnknownOption(key));
    }
    let named = site.args.iter().position(|arg| arg.name.is_some());
    let behind = site.args.iter().skip(named.unwrap_or(site.args.len()));
    if let Some(arg) = behind.into_iter().find(|arg| arg.name.is_none()) {
        return Err(Reason::PositionBehindName(arg));
    }
    let operand = |arg: &&ast::Arg| match (&arg.name, &arg.value.kind) {
        (None, ast::ExprKind::Name(text)) => is_operand(definition, text) && !has(text),
        _ => false,
    };
    if let Some(arg) = site.args.iter().find(operand) {
        return Err(Reason::OperandAmongOptions(arg));
    }
    let positional = || site.args.iter().filter(|arg| arg.name.is_none());
    let given = positional().count();
    // A function is told from a loss of its name by the arguments that it must have.
    let needed = definition.options.iter().enumerate().find(|(i, option)| {
        let keyed = |arg: &ast::Arg| {
            let key = arg.name.as_ref();
            key.is_some_and(|key| key.text == option.name.text)
        };
        option.default.is_none() && *i >= given && !site.args.iter().any(keyed)
    });
    if let (Some((_, option)), true) = (needed, definition.operands.is_empty()) {
        return Err(Reason::MissingOption(option));
    }
    match positional().nth(definition.options.len()) {
        Some(extra) => Err(Reason::TooManyOptions {
            given,
            extra: extra.value.span,
        }),
        None => Ok(()),
    }
}

fn ambiguous(first: &ast::Definition, second: &ast::Definition, site: CallSite) -> Diagnostic {
    let name = &first.name.text;
    Diagnostic::error(
        Code::Ambiguous,
        format!("this call fits two definitions of `{name}` equally well"),
    )
    .at(site.span, "which one is meant?")
    .also(first.name.span, format!("`{}`", usage(first)))
    .also(second.name.span, format!("`{}`", usage(second)))
    .help(
        "give one of them another name, or declare its operands more narrowly: `probs over class`",
    )
}

fn unknown_option(definition: &ast::Definition, key: &ast::Ident) -> Diagnostic {
    let name = &definition.name.text;
    let options: Vec<&str> = definition
        .options
        .iter()
        .map(|o| o.name.text.as_str())
        .collect();
    let diagnostic = Diagnostic::error(
        Code::UnknownOption,
        format!("`{name}` has no option `{}`", key.text),
    )
    .at(key.span, "not an option")
    .also(definition.name.span, "defined here");
    if is_operand(definition, &key.text) {
        return diagnostic.help(format!(
            "`{}` is an operand; operands stand after `on`: `{name}(…) on ({}=…)`",
            key.text, key.text
        ));
    }
    let listed = match options[..] {
        [] => "it has no options".to_string(),
        [one] => format!("its one option is `{one}`"),
        _ => format!("its options are {}", and_list(&quoted(&options))),
    };
    match vocabulary::option(&key.text, &options) {
        Some(Advice::Rename(here)) => diagnostic.fix(key.span, here, "here it is called"),
        Some(Advice::Say(help)) => diagnostic.help(help),
        None => match nearest(&key.text, options.iter().copied()) {
            Some(near) => diagnostic.guess(key.span, near, "a similar option"),
            None => diagnostic.help(listed),
        },
    }
}

/// The name that an argument is, if it is nothing else.
fn name_of(arg: &ast::Arg) -> Option<&str> {
    match (&arg.name, &arg.value.kind) {
        (None, ast::ExprKind::Name(text)) => Some(text),
        _ => None,
    }
}

fn is_operand(definition: &ast::Definition, name: &str) -> bool {
    definition.operands.iter().any(|o| o.name.text == name)
}

fn operand_names(definition: &ast::Definition) -> Vec<&str> {
    let operands = definition.operands.iter();
    operands.map(|o| o.name.text.as_str()).collect()
}

/// How a definition is called: `focal() on (pred: logits per class, target: mask per class)`.
fn usage(definition: &ast::Definition) -> String {
    let name = &definition.name.text;
    let typed: Vec<String> = definition
        .operands
        .iter()
        .map(|o| format!("{}: {}", o.name.text, super::operands::show_type(&o.ty)))
        .collect();
    if typed.is_empty() {
        let options: Vec<&str> = definition
            .options
            .iter()
            .map(|o| o.name.text.as_str())
            .collect();
        return format!("{name}({})", options.join(", "));
    }
    format!("{name}() on ({})", typed.join(", "))
}

/// `no options`, `one option`, `3 options`.
fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("one {what}"),
        _ => format!("{number} {what}s"),
    }
}
