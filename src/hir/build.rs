//! Typed expressions from typed operands: broadcasting by name, conversions, constant folding.

use super::axes::{AxisId, Role};
use super::cx::{Checked, Cx};
use super::tree::{Conversion, ExprId, ExprKind};
use super::ty::{Classes, Kind, Ty, show_axes};
use crate::diag::{Code, Diagnostic};
use crate::ir::MapOp;
use crate::signature::one_class;
use crate::source::Span;

/// An operand with the place where it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub id: ExprId,
    pub span: Span,
}

impl Cx<'_> {
    /// The axes of an elementwise operation over these operands: those of the largest, which must
    /// hold all others', or an outer product with axes that the spec introduced.
    pub fn broadcast(&mut self, args: &[Placed], span: Span, what: &str) -> Checked<Vec<AxisId>> {
        let mut axes: Vec<AxisId> = Vec::new();
        let mut from: Option<Placed> = None;
        for &arg in args {
            let more = self.ty(arg.id).axes.clone();
            match self.join(&axes, &more) {
                Some(joined) => {
                    if joined.len() > axes.len() {
                        from = Some(arg);
                    }
                    axes = joined;
                }
                None => {
                    let first = from.unwrap_or(arg);
                    return Err(self.axis_mismatch(first, arg, span, what));
                }
            }
        }
        Ok(axes)
    }

    /// The union of two lists of axes if broadcasting by name allows it.
    fn join(&self, a: &[AxisId], b: &[AxisId]) -> Option<Vec<AxisId>> {
        let only_a: Vec<AxisId> = a.iter().copied().filter(|x| !b.contains(x)).collect();
        let only_b: Vec<AxisId> = b.iter().copied().filter(|x| !a.contains(x)).collect();
        let introduced = |list: &[AxisId]| {
            list.iter()
                .all(|&x| self.axes.get(x).role == Role::Introduced)
        };
        if only_b.is_empty() {
            Some(a.to_vec())
        } else if only_a.is_empty() {
            Some(b.to_vec())
        } else if introduced(&only_a) || introduced(&only_b) {
            Some(a.iter().chain(&only_b).copied().collect())
        } else {
            None
        }
    }

    fn axis_mismatch(
        &mut self,
        a: Placed,
        b: Placed,
        span: Span,
        what: &str,
    ) -> super::cx::Reported {
        let (a_axes, b_axes) = (self.ty(a.id).axes.clone(), self.ty(b.id).axes.clone());
        let (a_text, b_text) = (
            show_axes(&a_axes, &self.axes),
            show_axes(&b_axes, &self.axes),
        );
        let names = |list: &[AxisId], other: &[AxisId]| {
            let missing: Vec<String> = list
                .iter()
                .filter(|x| !other.contains(x))
                .map(|&x| format!("`{}`", self.axes.get(x).name))
                .collect();
            crate::diag::and_list(&missing)
        };
        let (only_a, only_b) = (names(&a_axes, &b_axes), names(&b_axes, &a_axes));
        let lone = |list: &[AxisId], other: &[AxisId]| {
            let mut alone = list.iter().filter(|x| !other.contains(x));
            match (alone.next(), alone.next()) {
                (Some(&axis), None) if self.axes.get(axis).role == Role::Class => Some(axis),
                _ => None,
            }
        };
        if let (Some(a), Some(b)) = (lone(&a_axes, &b_axes), lone(&b_axes, &a_axes)) {
            return self.classes_differ(a, b, span);
        }
        let mut diagnostic = Diagnostic::error(
            Code::AxisMismatch,
            format!(
                "{what} has operands over `{a_text}` and `{b_text}`, and neither holds the other"
            ),
        )
        .at(span, "these do not fit together")
        .note(format!(
            "axes are matched by name: only one side has {only_a}, only the other {only_b}"
        ));
        if a.span != span && b.span != span {
            diagnostic = diagnostic
                .also(a.span, format!("this is over `{a_text}`"))
                .also(b.span, format!("this is over `{b_text}`"));
        }
        self.report(diagnostic.help(format!(
            "reduce the one over {only_a} or the other over {only_b} first, or give both the same axes where they are declared"
        )))
    }

    /// Reports classes of two names where they must be the same; of two names once, whatever needs it.
    pub fn classes_differ(&mut self, a: AxisId, b: AxisId, span: Span) -> super::cx::Reported {
        let (first, second) = (a.min(b), a.max(b));
        if self.told_apart.contains(&(first, second)) {
            return super::cx::Reported;
        }
        self.told_apart.push((first, second));
        let name = |axis: AxisId| self.axes.get(axis).name.clone();
        let (one, other) = (name(first), name(second));
        let message = format!("classes along `{one}` meet classes along `{other}`");
        let mut diagnostic =
            Diagnostic::error(Code::AxisMismatch, message).at(span, "these must be the same");
        for (axis, name) in [(first, &one), (second, &other)] {
            let declared = self.axes.get(axis).span;
            if !self.library.holds(declared) {
                diagnostic = diagnostic.also(declared, format!("the classes `{name}`"));
            }
        }
        self.report(diagnostic.help(format!(
            "axes are matched by name: if they are the same classes, write `{one}` in both declarations"
        )))
    }

    /// An elementwise operation on numbers, folded if all operands are constants.
    pub fn map(&mut self, op: MapOp, args: &[Placed], span: Span) -> Checked<ExprId> {
        let what = format!("`{}`", symbol(op));
        let axes = self.broadcast(args, span, &what)?;
        let ids: Vec<ExprId> = match op {
            MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge => {
                self.comparable(args)
            }
            MapOp::And | MapOp::Or | MapOp::Not => {
                for arg in args {
                    self.want_bool(*arg)?;
                }
                args.iter().map(|arg| arg.id).collect()
            }
            MapOp::Select => {
                self.want_bool(args[0])?;
                let (then, other) = (args[1].id, args[2].id);
                if self.ty(then).kind == self.ty(other).kind {
                    vec![args[0].id, then, other]
                } else {
                    vec![args[0].id, self.real_of(then), self.real_of(other)]
                }
            }
            _ => args.iter().map(|arg| self.real_of(arg.id)).collect(),
        };
        let kind = match op {
            MapOp::Eq
            | MapOp::Ne
            | MapOp::Lt
            | MapOp::Le
            | MapOp::Gt
            | MapOp::Ge
            | MapOp::And
            | MapOp::Or
            | MapOp::Not => Kind::Bool,
            MapOp::Select => self.ty(ids[1]).kind,
            _ => Kind::Real,
        };
        let constants: Option<Vec<f64>> = ids.iter().map(|&id| self.known(id)).collect();
        if let Some(values) = constants {
            let at = |i: usize| values.get(i).copied().unwrap_or(0.0);
            return Ok(self.constant(op.eval(at(0), at(1), at(2)), kind, span));
        }
        Ok(self.intern(ExprKind::Map(op, ids), Ty::new(kind, axes), span))
    }

    /// Operands of a comparison, brought to one class: integers stay integers among themselves.
    fn comparable(&mut self, args: &[Placed]) -> Vec<ExprId> {
        let whole = |cx: &Self, id: ExprId| {
            matches!(cx.ty(id).kind, Kind::Int | Kind::Labels(_))
                || cx
                    .known(id)
                    .is_some_and(|x| x == x.trunc() && x.abs() < 2e9)
        };
        let (a, b) = (args[0].id, args[1].id);
        let integral =
            |cx: &Self, id: ExprId| matches!(cx.ty(id).kind, Kind::Int | Kind::Labels(_));
        let boolean = |cx: &Self, id: ExprId| cx.ty(id).kind == Kind::Bool;
        if boolean(self, a) && boolean(self, b) {
            return vec![a, b];
        }
        if (integral(self, a) || integral(self, b)) && whole(self, a) && whole(self, b) {
            let as_int = |cx: &mut Self, id: ExprId| match cx.known(id) {
                Some(value) => {
                    let span = cx.expr(id).span;
                    cx.constant(value, Kind::Int, span)
                }
                None => id,
            };
            return vec![as_int(self, a), as_int(self, b)];
        }
        vec![self.real_of(a), self.real_of(b)]
    }

    fn want_bool(&mut self, arg: Placed) -> Checked<()> {
        if self.ty(arg.id).kind == Kind::Bool {
            return Ok(());
        }
        let found = self.show(arg.id);
        Err(self.report(
            Diagnostic::error(
                Code::KindMismatch,
                format!("a condition is needed, and this is `{found}`"),
            )
            .at(arg.span, "not true or false")
            .help("compare it: `x > 0`, `x == 1`"),
        ))
    }

    /// Any value as plain numbers.
    pub fn real_of(&mut self, id: ExprId) -> ExprId {
        let ty = self.ty(id).clone();
        let span = self.expr(id).span;
        if let Some(value) = self.known(id) {
            return self.constant(value, Kind::Real, span);
        }
        match ty.kind {
            Kind::Real => id,
            Kind::Labels(_) | Kind::Bool | Kind::Int => {
                self.convert(Conversion::Float, id, Kind::Real)
            }
            _ => self.convert(Conversion::Same, id, Kind::Real),
        }
    }

    /// A conversion to `kind`; its text is that of the operand.
    pub fn convert(&mut self, conversion: Conversion, id: ExprId, kind: Kind) -> ExprId {
        let ty = self.ty(id).clone();
        let span = self.expr(id).span;
        let axes = match conversion {
            Conversion::OneHot(axis) => {
                // The class axis stands behind the first axis, as in `[N, C, H, W]`.
                let mut axes = ty.axes;
                axes.insert(axes.len().min(1), axis);
                axes
            }
            _ => ty.axes,
        };
        self.intern(ExprKind::Convert(conversion, id), Ty::new(kind, axes), span)
    }

    /// How a value of one kind becomes another without loss: the steps, or `None`.
    ///
    /// `want` is the word of the kind that is needed; which classes the result has follows from
    /// the value.
    pub fn conversion(&self, from: Kind, want: &str) -> Option<Vec<(Conversion, Kind)>> {
        use Conversion as C;
        let over = |axis| Classes::Over(axis);
        let questions = |axis: Option<AxisId>| axis.map_or(Classes::None, Classes::Per);
        let steps = match (want, from) {
            ("real", Kind::Real)
            | ("logits", Kind::Logits(_))
            | ("probs", Kind::Probs(_))
            | ("log_probs", Kind::LogProbs(_))
            | ("labels", Kind::Labels(_))
            | ("onehot", Kind::OneHot(_))
            | ("mask", Kind::Mask(_))
            | ("bool", Kind::Bool)
            | ("int", Kind::Int) => vec![],
            ("real", Kind::Labels(_) | Kind::Bool | Kind::Int) => vec![(C::Float, Kind::Real)],
            ("real", _) => vec![(C::Same, Kind::Real)],
            ("int", Kind::Labels(_)) => vec![(C::Same, Kind::Int)],
            ("probs", Kind::Logits(Classes::Over(axis))) => {
                vec![(C::Softmax(axis), Kind::Probs(over(axis)))]
            }
            ("probs", Kind::Logits(classes)) => vec![(C::Sigmoid, Kind::Probs(classes))],
            ("probs", Kind::LogProbs(classes)) => vec![(C::Exp, Kind::Probs(classes))],
            ("probs", Kind::OneHot(axis)) => vec![(C::Same, Kind::Probs(over(axis)))],
            ("probs", Kind::Mask(axis)) => vec![(C::Same, Kind::Probs(questions(axis)))],
            ("probs", Kind::Labels(axis)) => vec![
                (C::OneHot(axis), Kind::OneHot(axis)),
                (C::Same, Kind::Probs(over(axis))),
            ],
            ("probs", Kind::Bool) => vec![
                (C::Float, Kind::Mask(None)),
                (C::Same, Kind::Probs(Classes::None)),
            ],
            ("log_probs", Kind::Logits(Classes::Over(axis))) => {
                vec![(C::LogSoftmax(axis), Kind::LogProbs(over(axis)))]
            }
            ("log_probs", Kind::Logits(classes)) => {
                vec![(C::LogSigmoid, Kind::LogProbs(classes))]
            }
            ("log_probs", Kind::Probs(classes)) => vec![(C::Log, Kind::LogProbs(classes))],
            ("onehot", Kind::Labels(axis)) => vec![(C::OneHot(axis), Kind::OneHot(axis))],
            ("mask", Kind::Bool) => vec![(C::Float, Kind::Mask(None))],
            ("mask", Kind::Probs(Classes::None)) => vec![(C::Same, Kind::Mask(None))],
            ("mask", Kind::Probs(Classes::Per(axis))) => {
                vec![(C::Same, Kind::Mask(Some(axis)))]
            }
            _ => return None,
        };
        Some(steps)
    }

    /// Applies the steps that [`Cx::conversion`] found; `span` is where the value is asked for.
    pub fn apply(&mut self, id: ExprId, steps: &[(Conversion, Kind)], span: Span) -> ExprId {
        steps.iter().fold(id, |id, &(step, kind)| {
            match step {
                Conversion::Softmax(axis) | Conversion::LogSoftmax(axis) => {
                    let at = self.place(span);
                    self.check_softmax(axis, at);
                }
                Conversion::Log => self.warn_log(id, span),
                _ => {}
            }
            self.convert(step, id, kind)
        })
    }

    fn warn_log(&mut self, id: ExprId, span: Span) {
        let found = self.show(id);
        let at = self.place(span);
        self.diags.push(
            Diagnostic::warning(
                Code::LogOfProbs,
                format!("the logarithm of `{found}` is taken, which is -inf where a probability has rounded to 0"),
            )
            .at(at, "log-probabilities are needed here")
            .help("declare the network's output as `logits`, before its softmax or sigmoid"),
        );
    }

    /// Notes a softmax along an axis, and refuses it where there is only one class.
    pub fn check_softmax(&mut self, axis: AxisId, span: Span) {
        self.axes.set_softmax(axis, span);
        if let Some((1, at, why)) = self.axes.get(axis).size.clone() {
            let name = self.axes.get(axis).name.clone();
            let diagnostic = one_class(&name).at(span, "the softmax runs here");
            self.report(diagnostic.also(at, format!("`{name}` has size 1 {why}")));
        }
    }
}

/// An elementwise operation as it is written in the language.
fn symbol(op: MapOp) -> &'static str {
    match op {
        MapOp::Neg | MapOp::Sub => "-",
        MapOp::Add => "+",
        MapOp::Mul => "*",
        MapOp::Div => "/",
        MapOp::Pow => "^",
        MapOp::Eq => "==",
        MapOp::Ne => "!=",
        MapOp::Lt => "<",
        MapOp::Le => "<=",
        MapOp::Gt => ">",
        MapOp::Ge => ">=",
        MapOp::Select => "if",
        other => other.name(),
    }
}
