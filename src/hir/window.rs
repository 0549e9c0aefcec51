//! Windows: `max_pool`, `min_pool`, `avg_pool` and `gaussian` along named axes.

use super::axes::AxisId;
use super::build::Placed;
use super::builtin::usage;
use super::cx::{Checked, Cx, Reported, Value};
use super::expr::quoted;
use super::tree::{ExprKind, Window, WindowEdge, WindowOf, WindowShape};
use super::ty::{Classes, Kind, Ty};
use crate::ast;
use crate::diag::{Code, Diagnostic, nearest, or_list};
use crate::source::Span;

/// More entries along an axis than this are no neighbourhood; a window costs time for each.
const MAX_SIZE: i64 = 1023;

/// How far a Gaussian reaches to each side without `window=`, in σ, as in SciPy.
const REACH: f64 = 4.0;

/// What stands in a call.
#[derive(Default)]
struct Options {
    x: Option<Placed>,
    size: Option<Placed>,
    sigma: Option<Placed>,
    shape: Option<WindowShape>,
    edge: Option<(EdgeWord, Span)>,
}

/// What `edge=` says.
#[derive(Clone, Copy, PartialEq)]
enum EdgeWord {
    /// What lies outside is seen so.
    Seen(WindowEdge),
    /// Only positions whose window lies inside.
    Crop,
}

impl EdgeWord {
    const ALL: [(&'static str, EdgeWord); 5] = [
        ("absent", EdgeWord::Seen(WindowEdge::Absent)),
        ("zero", EdgeWord::Seen(WindowEdge::Zero)),
        ("clamp", EdgeWord::Seen(WindowEdge::Clamp)),
        ("wrap", EdgeWord::Seen(WindowEdge::Wrap)),
        ("crop", EdgeWord::Crop),
    ];
}

impl Cx<'_> {
    /// A call of one of the windows.
    pub(super) fn window(
        &mut self,
        name: &str,
        axes: Option<&[ast::AxisRef]>,
        args: &[ast::Arg],
        span: Span,
    ) -> Checked<Value> {
        let options = self.window_options(name, args, span)?;
        let Some(x) = options.x else {
            return Err(self.window_lacks(name, "the tensor", span));
        };
        let Some(refs) = axes else {
            let found = self.show(x.id);
            return Err(self.report(
                Diagnostic::error(
                    Code::UnknownAxis,
                    format!("`{name}` needs the axes that its window lies along"),
                )
                .at(span, format!("the operand is `{found}`"))
                .help(usage(name)),
            ));
        };
        let operand = self.ty(x.id).axes.clone();
        let list = self.axes_of(refs, &operand, "the operand")?;
        let (of, size) = match name {
            "gaussian" => self.gaussian(name, &options, span)?,
            _ => {
                let Some(size) = options.size else {
                    return Err(self.window_lacks(name, "the size of the window", span));
                };
                let of = match name {
                    "max_pool" => WindowOf::Max,
                    "min_pool" => WindowOf::Min,
                    _ => WindowOf::Average,
                };
                (of, self.window_size(size)?)
            }
        };
        // Along a role that the operand does not have there is nothing around an entry.
        if list.is_empty() {
            return Ok(Value::Expr(x.id));
        }
        self.split_packs(&list, span)?;
        let edge = match options.edge {
            Some((EdgeWord::Seen(edge), at)) => {
                if of.is_extremum() && edge != WindowEdge::Absent {
                    return Err(self.no_such_edge(name, at));
                }
                edge
            }
            Some((EdgeWord::Crop, _)) => WindowEdge::Zero,
            None => WindowEdge::Absent,
        };
        let kind = pooled(self.ty(x.id).kind, of, &list);
        let arg = if kind == Kind::Real {
            self.real_of(x.id)
        } else {
            x.id
        };
        let shape = options.shape.unwrap_or(WindowShape::Box);
        let window = Window {
            of,
            size,
            shape,
            edge,
        };
        let mut id = self.intern(
            ExprKind::Window(window, list.clone(), arg),
            Ty::new(kind, operand),
            span,
        );
        if let Some((EdgeWord::Crop, at)) = options.edge
            && size > 1
        {
            let margin = (size / 2) as i64;
            for axis in list {
                self.least(axis, size, at)?;
                id = self.slice(id, axis, (margin, Some(-margin)), at, span)?;
            }
        }
        Ok(Value::Expr(id))
    }

    /// The arguments by name; `size` and `sigma` may follow the tensor without theirs.
    fn window_options(&mut self, name: &str, args: &[ast::Arg], span: Span) -> Checked<Options> {
        let gaussian = name == "gaussian";
        let known: &[&str] = match name {
            "gaussian" => &["sigma", "window", "edge"],
            "avg_pool" => &["size", "edge"],
            _ => &["size", "shape", "edge"],
        };
        let mut options = Options::default();
        let mut positional = 0;
        for arg in args {
            let key = match &arg.name {
                Some(key) => key.text.as_str(),
                None => {
                    positional += 1;
                    match positional {
                        1 => "",
                        2 if gaussian => "sigma",
                        2 => "size",
                        _ => return Err(self.window_surplus(name, positional, span)),
                    }
                }
            };
            let slot = match key {
                "edge" => {
                    let edge = self.word("edge", &arg.value, EdgeWord::ALL.to_vec())?;
                    options.edge = Some((edge, arg.value.span));
                    continue;
                }
                "shape" if known.contains(&"shape") => {
                    let shapes = WindowShape::ALL.iter().map(|s| (s.name(), *s));
                    options.shape = Some(self.word("shape", &arg.value, shapes.collect())?);
                    continue;
                }
                "" => &mut options.x,
                "sigma" if gaussian => &mut options.sigma,
                "size" if !gaussian => &mut options.size,
                "window" if gaussian => &mut options.size,
                _ => {
                    let at = arg.name.as_ref().map_or(arg.value.span, |key| key.span);
                    let diagnostic = Diagnostic::error(
                        Code::UnknownOption,
                        format!("`{name}` has no option `{key}`"),
                    )
                    .at(at, "not an option");
                    return Err(self.report(match nearest(key, known.iter().copied()) {
                        Some(near) => diagnostic.help(format!("a similar name is `{near}`")),
                        None => diagnostic.help(usage(name)),
                    }));
                }
            };
            if slot.is_some() {
                let at = arg.name.as_ref().map_or(arg.value.span, |key| key.span);
                return Err(self.report(
                    Diagnostic::error(
                        Code::TooManyArguments,
                        format!("`{key}` of `{name}` is given twice"),
                    )
                    .at(at, "the second time"),
                ));
            }
            *slot = Some(self.placed(&arg.value)?);
        }
        Ok(options)
    }

    /// One of the words that an option may be.
    pub(super) fn word<T: Copy>(
        &mut self,
        option: &str,
        value: &ast::Expr,
        words: Vec<(&'static str, T)>,
    ) -> Checked<T> {
        let word = match &value.kind {
            ast::ExprKind::Name(word) => word.as_str(),
            _ => "",
        };
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == word) {
            return Ok(*meaning);
        }
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let diagnostic = Diagnostic::error(
            Code::BadOption,
            format!("`{option}` is {}", or_list(&quoted(&names))),
        )
        .at(value.span, "none of these");
        Err(self.report(match nearest(word, names.iter().copied()) {
            Some(near) => diagnostic.help(format!("a similar word is `{near}`")),
            None => diagnostic,
        }))
    }

    /// σ, and the size of the window: what is given, or as far as the bell is worth it.
    fn gaussian(
        &mut self,
        name: &str,
        options: &Options,
        span: Span,
    ) -> Checked<(WindowOf, usize)> {
        let Some(sigma) = options.sigma else {
            return Err(self.window_lacks(name, "`sigma`", span));
        };
        let value = match self.known(sigma.id) {
            Some(value) if value > 0.0 && value.is_finite() => value,
            Some(value) => {
                return Err(self.report(
                    Diagnostic::error(
                        Code::BadOption,
                        format!("`sigma` is a positive number, not {value}"),
                    )
                    .at(sigma.span, "the width of the bell, in entries"),
                ));
            }
            None => {
                let later = "depends on what is bound later";
                return Err(self.not_static("`sigma`", sigma.span, later));
            }
        };
        let size = match options.size {
            Some(size) => self.window_size(size)?,
            None => {
                let radius = (REACH * value).round();
                if 2.0 * radius + 1.0 > MAX_SIZE as f64 {
                    return Err(self.window_too_large(2.0 * radius + 1.0, sigma.span));
                }
                2 * radius as usize + 1
            }
        };
        Ok((WindowOf::Gaussian(value.to_bits()), size))
    }

    /// An odd number of entries.
    fn window_size(&mut self, size: Placed) -> Checked<usize> {
        let value = self.whole(size, "the size of a window")?;
        if value > MAX_SIZE {
            return Err(self.window_too_large(value as f64, size.span));
        }
        if value >= 1 && value % 2 == 1 {
            return Ok(value as usize);
        }
        let diagnostic = Diagnostic::error(
            Code::BadOption,
            format!("the size of a window is an odd number, and this is {value}"),
        );
        Err(self.report(if value > 0 {
            diagnostic
                .at(size.span, "no entry is in the middle of it")
                .help(format!("take {} or {}", value - 1, value + 1))
        } else {
            diagnostic.at(size.span, "it holds at least the entry that it lies around")
        }))
    }

    fn window_too_large(&mut self, size: f64, span: Span) -> Reported {
        self.report(
            Diagnostic::error(
                Code::BadOption,
                format!("a window has at most {MAX_SIZE} entries along an axis, not {size}"),
            )
            .at(span, "this is too large")
            .help("for statistics of a whole axis, reduce over it: `mean[H](x)`"),
        )
    }

    fn window_lacks(&mut self, name: &str, what: &str, span: Span) -> Reported {
        self.report(
            Diagnostic::error(
                Code::MissingOption,
                format!("`{name}` needs {what}, which is not given"),
            )
            .at(span, "this call")
            .help(usage(name)),
        )
    }

    fn window_surplus(&mut self, name: &str, given: usize, span: Span) -> Reported {
        self.report(
            Diagnostic::error(
                Code::TooManyArguments,
                format!("`{name}` takes 2 arguments without names, and {given} or more are given"),
            )
            .at(span, "this call")
            .help(usage(name)),
        )
    }

    fn no_such_edge(&mut self, name: &str, span: Span) -> Reported {
        self.report(
            Diagnostic::error(
                Code::BadOption,
                format!("`edge` of `{name}` is `absent` or `crop`"),
            )
            .at(span, "not of an extremum")
            .note("what lies outside the tensor is neither the largest nor the smallest: it is not there"),
        )
    }

    /// Refuses an axis that is certainly shorter than `size`; else notes that it must not be.
    pub(super) fn least(&mut self, axis: AxisId, size: usize, span: Span) -> Checked<()> {
        let known = self.axes.get(axis).size.clone();
        if let Some((length, at, why)) = known
            && length < size
        {
            let name = self.axes.get(axis).name.clone();
            return Err(self.report(
                Diagnostic::error(
                    Code::BadIndex,
                    format!("no window of {size} entries lies inside `{name}`, which has {length}"),
                )
                .at(span, "nothing would be left")
                .also(at, format!("`{name}` is {length} {why}")),
            ));
        }
        let place = self.place(span);
        self.axes.set_least(axis, size, place);
        Ok(())
    }
}

/// What the result of a window is: extrema and averages of numbers between 0 and 1 are such
/// numbers, but the largest over the classes no longer sum to 1.
fn pooled(kind: Kind, of: WindowOf, along: &[AxisId]) -> Kind {
    if kind.class_axis().is_some_and(|axis| along.contains(&axis)) {
        return Kind::Real;
    }
    match kind {
        Kind::Probs(Classes::Over(axis)) if of.is_extremum() => Kind::Probs(Classes::Per(axis)),
        Kind::OneHot(axis) if of.is_extremum() => Kind::Mask(Some(axis)),
        // Near an end the zeros outside count too, so the classes need not sum to 1.
        Kind::Probs(Classes::Over(axis)) | Kind::OneHot(axis) => Kind::Probs(Classes::Per(axis)),
        Kind::Probs(_) | Kind::Mask(_) => kind,
        _ => Kind::Real,
    }
}
