//! Declarations: axes, inputs, params, tasks, definitions.

use super::axes::{AxisId, Role};
use super::check::duplicate;
use super::cx::{Checked, Cx, GlobalSource, Reported, State};
use super::expr::quoted;
use super::tree::{Input, InputAxis, InputSource};
use super::ty::{Kind, Ty};
use crate::ast::vocabulary;
use crate::ast::{self, AxisDecl, ClassWord, ItemKind, TypeKind};
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::signature::Bounds;
use crate::source::Span;

impl<'a> Cx<'a> {
    /// `language 1`.
    pub(super) fn version(&mut self, version: u32, span: Span) -> Checked<()> {
        if version == 1 {
            return Ok(());
        }
        Err(self.report(
            Diagnostic::error(
                Code::BadVersion,
                format!("there is no version {version} of the language"),
            )
            .at(span, "not known")
            .help("this compiler knows `language 1`"),
        ))
    }

    /// `axis B: batch`, `axis K = 4`.
    pub(super) fn axis_item(
        &mut self,
        name: &ast::Ident,
        role: Option<&ast::Ident>,
        size: Option<(usize, Span)>,
    ) -> Checked<()> {
        if self.axes.lookup(&name.text).is_some() {
            let known = self.axes.iter().find(|(_, axis)| axis.name == name.text);
            let first = known.map_or(name.span, |(_, axis)| axis.span);
            return Err(self.report(duplicate(&name.text, name.span, first)));
        }
        let open = role.is_none();
        let role = match role {
            None => Role::Space,
            Some(word) => match Role::from_name(&word.text) {
                Some(role) => role,
                None => {
                    let roles = ["batch", "class", "space"];
                    let mut diagnostic = Diagnostic::error(
                        Code::BadType,
                        format!("there is no role `{}`", word.text),
                    )
                    .at(word.span, "not a role");
                    diagnostic = match nearest(&word.text, roles) {
                        Some(near) => diagnostic.guess(word.span, near, "a similar role"),
                        None => diagnostic
                            .help(format!("a role is one of {}", or_list(&quoted(&roles)))),
                    };
                    return Err(self.report(diagnostic));
                }
            },
        };
        let id = self.axes.declare(&name.text, role, name.span);
        if open {
            self.axes.set_open(id);
        }
        self.fix_size(id, size)
    }

    fn fix_size(&mut self, axis: AxisId, size: Option<(usize, Span)>) -> Checked<()> {
        let Some((size, span)) = size else {
            return Ok(());
        };
        match self
            .axes
            .set_size(axis, size, span, "because of this declaration")
        {
            Ok(()) => Ok(()),
            Err(diagnostic) => Err(self.report(*diagnostic)),
        }
    }

    /// `input NAME: TYPE`.
    pub(super) fn input_item(
        &mut self,
        name: &ast::Ident,
        ty: &ast::TypeExpr,
        doc: Option<String>,
    ) -> Checked<()> {
        let bad = |text: &str, span: Span, label: &str| {
            Diagnostic::error(Code::BadType, text.to_string()).at(span, label)
        };
        let TypeKind::Tensor {
            kind,
            axes,
            class,
            range,
        } = &ty.kind
        else {
            return Err(self.report(bad(
                "an input is a tensor or a scalar",
                ty.span,
                "words cannot be bound",
            )));
        };
        if let Some(range) = range {
            return Err(self.report(
                bad(
                    "an input has no range",
                    range.span,
                    "this belongs to a `param` or an option",
                )
                .help("numbers with a range and a default are declared with `param`"),
            ));
        }
        if kind.text == "axes" || kind.text == "int" && axes.is_none() {
            return Err(self.report(bad(
                "an input is a tensor or a scalar",
                kind.span,
                "this is a type of options",
            )));
        }
        let scalar =
            axes.is_none() && matches!(kind.text.as_str(), "scalar" | "real") && class.is_none();
        if scalar {
            self.inputs.push(Input {
                name: name.text.clone(),
                span: name.span,
                doc,
                ty: Ty::scalar(),
                source: InputSource::Scalar,
            });
            return self.declare_input(name);
        }
        let Some(decls) = axes else {
            // The kind may be misspelt, which is then the better complaint.
            self.kind_from(kind, None, None, ty.span)
                .ok()
                .filter(|k| *k != Kind::Real);
            return Err(self.report(
                bad(
                    &format!("the axes of `{}` are not said", name.text),
                    ty.span,
                    "brackets with axes are missing",
                )
                .help(format!(
                    "write `{}[N, ...S]`; a single number is a `scalar`",
                    kind.text
                )),
            ));
        };
        let class_name = class.as_ref().map(|c| c.axis.text.as_str());
        let mut layout = Vec::new();
        let mut ids: Vec<AxisId> = Vec::new();
        for (i, decl) in decls.iter().enumerate() {
            let entry = self.input_axis(decl, i == 0, class_name)?;
            let new: Vec<AxisId> = match &entry {
                InputAxis::Axis(id) => vec![*id],
                InputAxis::Pack { axes, .. } => axes.clone(),
                InputAxis::One => Vec::new(),
            };
            if new.iter().any(|id| ids.contains(id)) {
                let span = match decl {
                    AxisDecl::Axis { name, .. } => name.span,
                    AxisDecl::Pack { span, .. } | AxisDecl::Size(_, span) => *span,
                };
                return Err(self.report(
                    Diagnostic::error(
                        Code::Duplicate,
                        format!("`{}` names an axis twice", name.text),
                    )
                    .at(span, "named before in the same tensor")
                    .help("axes of one tensor have different names, even where their sizes agree"),
                ));
            }
            ids.extend(new);
            layout.push(entry);
        }
        if let Some(clause) = class {
            self.declare_class(clause, &ids, ty.span)?;
        }
        let kind = self.kind_from(kind, class.as_ref(), Some(&ids), ty.span)?;
        self.inputs.push(Input {
            name: name.text.clone(),
            span: ty.span,
            doc,
            ty: Ty::new(kind, ids),
            source: InputSource::Tensor(layout),
        });
        self.declare_input(name)
    }

    fn declare_input(&mut self, name: &ast::Ident) -> Checked<()> {
        let input = self.inputs.len() as u32 - 1;
        self.declare_global(name, GlobalSource::Input(input))
    }

    fn input_axis(
        &mut self,
        decl: &AxisDecl,
        first: bool,
        class: Option<&str>,
    ) -> Checked<InputAxis> {
        let role = |name: &str| match class {
            Some(class) if class == name => Role::Class,
            _ if first => Role::Batch,
            _ => Role::Space,
        };
        match decl {
            AxisDecl::Axis { name, size } => {
                if !name.text.starts_with(char::is_uppercase) {
                    let mut upper = name.text.clone();
                    upper[..1].make_ascii_uppercase();
                    return Err(self.report(
                        Diagnostic::error(
                            Code::BadType,
                            format!("`{}` is not the name of an axis", name.text),
                        )
                        .at(name.span, "names of axes start in upper case")
                        .fix(name.span, upper, "as an axis"),
                    ));
                }
                let id = match self.axes.lookup(&name.text) {
                    Some(&[id]) => {
                        if self.axes.take_open(id) {
                            self.axes.set_role(id, role(&name.text));
                        }
                        id
                    }
                    Some(_) => {
                        return Err(self.report(
                            Diagnostic::error(
                                Code::AxisMismatch,
                                format!("`{}` is a pack of axes", name.text),
                            )
                            .at(name.span, "a single axis is named here")
                            .fix(
                                name.span,
                                format!("...{}", name.text),
                                "as the pack",
                            ),
                        ));
                    }
                    None => self.axes.declare(&name.text, role(&name.text), name.span),
                };
                if self.axes.get(id).name.starts_with("...") {
                    return Err(self.report(
                        Diagnostic::error(
                            Code::AxisMismatch,
                            format!("`{}` is a pack of axes", name.text),
                        )
                        .at(name.span, "a single axis is named here")
                        .fix(
                            name.span,
                            format!("...{}", name.text),
                            "as the pack",
                        ),
                    ));
                }
                self.fix_size(id, *size)?;
                Ok(InputAxis::Axis(id))
            }
            AxisDecl::Pack { name: None, span } => Err(self.report(
                Diagnostic::error(Code::BadType, "the axes of an input have names")
                    .at(*span, "a pack without a name")
                    .guess(*span, "...S", "with a name"),
            )),
            AxisDecl::Pack {
                name: Some(name),
                span,
            } => {
                let known = self
                    .axes
                    .packs()
                    .iter()
                    .find(|(n, _)| *n == name.text)
                    .cloned();
                let (axes, rank) = match known {
                    Some((_, rank)) => (self.axes.lookup(&name.text).unwrap_or(&[]).to_vec(), rank),
                    None if self.axes.lookup(&name.text).is_some() => {
                        return Err(self.report(
                            Diagnostic::error(
                                Code::AxisMismatch,
                                format!("`{}` is a single axis", name.text),
                            )
                            .at(*span, "a pack of axes is named here"),
                        ));
                    }
                    None => {
                        let rank = (self.ranks)(&name.text);
                        let axes = self.axes.declare_pack(&name.text, rank, Role::Space, *span);
                        (axes, rank)
                    }
                };
                Ok(InputAxis::Pack {
                    name: name.text.clone(),
                    axes,
                    flat: rank.is_none(),
                })
            }
            AxisDecl::Size(1, _) => Ok(InputAxis::One),
            AxisDecl::Size(size, span) => {
                let id = self.axes.probe(&size.to_string(), role(""), *span);
                self.fix_size(id, Some((*size, *span)))?;
                Ok(InputAxis::Axis(id))
            }
        }
    }

    /// Gives the class axis its role, and makes it known if the input does not hold it.
    fn declare_class(
        &mut self,
        clause: &ast::ClassClause,
        ids: &[AxisId],
        _span: Span,
    ) -> Checked<()> {
        let (name, span) = (&clause.axis.text, clause.axis.span);
        if !name.starts_with(char::is_uppercase) {
            return Err(self.report(
                Diagnostic::error(
                    Code::BadType,
                    "the classes of an input lie along a named axis",
                )
                .at(span, "not the name of an axis")
                .help("`logits[N, C, ...S] over C`"),
            ));
        }
        let known = match self.axes.lookup(name) {
            Some(&[id]) => Some(id),
            Some(_) => None,
            None if clause.word == ClassWord::Of => {
                Some(self.axes.declare(name, Role::Class, span))
            }
            None => None,
        };
        let inside = known.is_some_and(|id| ids.contains(&id));
        let wrong = match (clause.word, known) {
            (ClassWord::Of, Some(id)) if !inside => {
                self.axes.set_role(id, Role::Class);
                return Ok(());
            }
            (ClassWord::Over | ClassWord::Per, Some(id)) if inside => {
                self.axes.set_role(id, Role::Class);
                return Ok(());
            }
            (ClassWord::Of, _) => Diagnostic::error(
                Code::BadType,
                format!("labels are numbers of classes and have no axis `{name}` themselves"),
            )
            .at(span, "this axis is in the brackets")
            .help(format!(
                "leave `{name}` out of the brackets, or declare `onehot … over {name}`"
            )),
            (ClassWord::Over | ClassWord::Per, _) => Diagnostic::error(
                Code::UnknownAxis,
                format!("the class axis `{name}` is not among the axes"),
            )
            .at(span, "not in the brackets")
            .help(format!("write it in the brackets: `[N, {name}, ...S]`")),
        };
        Err(self.report(wrong))
    }

    /// `param NAME: real in [0, 1] = 0.5`.
    pub(super) fn param_item(
        &mut self,
        name: &'a ast::Ident,
        ty: &ast::TypeExpr,
        default: &ast::Expr,
        doc: Option<String>,
    ) -> Checked<()> {
        let (integer, range) = match &ty.kind {
            TypeKind::Tensor {
                kind,
                axes: None,
                class: None,
                range,
            } if matches!(kind.text.as_str(), "real" | "int" | "scalar") => {
                (kind.text == "int", range.as_ref())
            }
            _ => {
                return Err(self.report(
                    Diagnostic::error(Code::BadType, "a param is a number")
                        .at(ty.span, "not `real` or `int`")
                        .help("tensors are declared with `input`"),
                ));
            }
        };
        let range = range.map(|r| Bounds {
            low: r.low,
            high: r.high,
        });
        let value = self.eval_expr(default)?;
        let Some(value) = self.known(value) else {
            return Err(self.report(
                Diagnostic::error(Code::NotStatic, "the default of a param must be known")
                    .at(default.span, "depends on what is bound later"),
            ));
        };
        if let Some(range) = range.filter(|r| !r.contains(value)) {
            return Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!("`{}` is {range}, and its default is {value}", name.text),
                )
                .at(default.span, "outside the range")
                .also(ty.span, "the range is declared here"),
            ));
        }
        if integer && value != value.trunc() {
            return Err(self.report(
                Diagnostic::error(
                    Code::BadOption,
                    format!(
                        "`{}` is a whole number, and its default is {value}",
                        name.text
                    ),
                )
                .at(default.span, "not a whole number"),
            ));
        }
        self.inputs.push(Input {
            name: name.text.clone(),
            span: name.span,
            doc,
            ty: Ty::scalar(),
            source: InputSource::Param {
                default: value,
                range,
                integer,
            },
        });
        self.declare_input(name)
    }

    /// The inputs of a task: the one named, or the usual one of a file that declares no tensor.
    pub(super) fn task(&mut self, name: Option<&ast::Ident>, _file: Span) -> Checked<()> {
        let word = name.map_or("multiclass", |n| n.text.as_str());
        let Some(task) = self.library.task(word) else {
            let tasks = self.library.tasks();
            let span = name.map_or(_file, |n| n.span);
            let mut diagnostic =
                Diagnostic::error(Code::UnknownName, format!("there is no task `{word}`"))
                    .at(span, "not known");
            diagnostic = match nearest(word, tasks.iter().copied()) {
                Some(near) => diagnostic.guess(span, near, "a similar task"),
                None => diagnostic.help(format!("a task is one of {}", or_list(&quoted(&tasks)))),
            };
            return Err(self.report(diagnostic));
        };
        let mut failed = false;
        for item in &task.items {
            if let ItemKind::Input { name: input, .. } = &item.kind
                && let Some(known) = self.globals.iter_mut().find(|g| g.name.text == input.text)
            {
                let (own, task) = (known.name.span, name.map_or(_file, |n| n.span));
                // Which of the two is meant is open, so its uses say nothing more.
                known.state = State::Done(Err(Reported));
                self.report(
                    Diagnostic::error(
                        Code::Duplicate,
                        format!("`{}` is declared by `task {word}` already", input.text),
                    )
                    .at(own, "the second time")
                    .also(task, format!("the task declares `{}` too", input.text))
                    .help("leave out the task, or the inputs of your own"),
                );
                failed = true;
                continue;
            }
            if let ItemKind::Input { name, ty } = &item.kind {
                failed |= self.input_item(name, ty, item.doc.clone()).is_err();
            }
        }
        if failed { Err(Reported) } else { Ok(()) }
    }

    /// `fn` and `loss`.
    pub(super) fn definition(&mut self, definition: &'a ast::Definition) -> Checked<()> {
        let builtin = |name: &&ast::Ident| super::functions::is_builtin(&name.text);
        if let Some(name) = definition.names().find(builtin) {
            self.misdeclared.push(definition);
            return Err(self.report(
                Diagnostic::error(
                    Code::Duplicate,
                    format!("`{}` is a function of the language", name.text),
                )
                .at(name.span, "take another name"),
            ));
        }
        let signature = |d: &ast::Definition| -> Vec<String> {
            d.operands
                .iter()
                .map(|o| super::operands::show_type(&o.ty))
                .collect()
        };
        let others = self.definitions.iter();
        let others = others.filter(|d| {
            d.head.file == definition.head.file && signature(d) == signature(definition)
        });
        let mut taken: Vec<&ast::Ident> = others.flat_map(|d| d.names()).collect();
        for name in definition.names() {
            let Some(first) = taken.iter().find(|other| other.text == name.text) else {
                taken.push(name);
                continue;
            };
            let first = first.span;
            return Err(self.report(duplicate(&name.text, name.span, first).note(
                "two definitions of one name are told apart by the kinds of their operands",
            )));
        }
        let mut failed = false;
        let mut names: Vec<&ast::Ident> = Vec::new();
        let options = definition.options.iter().map(|o| &o.name);
        for ident in definition.operands.iter().map(|o| &o.name).chain(options) {
            if let Some(first) = names.iter().find(|n| n.text == ident.text) {
                let first = first.span;
                self.report(duplicate(&ident.text, ident.span, first));
                failed = true;
            }
            names.push(ident);
        }
        const KINDS: [&str; 11] = [
            "logits",
            "probs",
            "log_probs",
            "labels",
            "onehot",
            "mask",
            "real",
            "scalar",
            "bool",
            "int",
            "axes",
        ];
        let types = definition
            .options
            .iter()
            .map(|o| (&o.ty, true))
            .chain(definition.operands.iter().map(|o| (&o.ty, false)));
        for (ty, option) in types {
            let kind = match &ty.kind {
                TypeKind::OneOf(_) if option => continue,
                TypeKind::OneOf(words) => words.first(),
                TypeKind::Tensor { kind, .. } => Some(kind),
            };
            let Some(kind) = kind else { continue };
            let known = KINDS.contains(&kind.text.as_str()) && (option || kind.text != "axes");
            if !known {
                let mut diagnostic =
                    Diagnostic::error(Code::BadType, format!("there is no kind `{}`", kind.text))
                        .at(kind.span, "not a kind");
                diagnostic = match (nearest(&kind.text, KINDS), vocabulary::kind(&kind.text)) {
                    (Some(near), _) => diagnostic.guess(kind.span, near, "a similar kind"),
                    (None, Some(here)) => diagnostic.guess(kind.span, here, "here it is called"),
                    (None, None) => {
                        diagnostic.help(format!("a kind is one of {}", or_list(&quoted(&KINDS))))
                    }
                };
                self.report(diagnostic);
                failed = true;
            }
        }
        self.definitions.push(definition);
        if failed {
            self.misdeclared.push(definition);
            return Err(Reported);
        }
        Ok(())
    }
}
