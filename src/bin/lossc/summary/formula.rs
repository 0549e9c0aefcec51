//! Expressions of a checked spec → formulas for people.
//!
//! Conversions that change nothing, and factors and summands that do nothing, are left out; what is
//! too long is cut down to an ellipsis.

use lossc::hir::{AxisDef, AxisId, Conversion, ExprId, ExprKind, Hir, WindowOf};
use lossc::ir::{MapOp, OrderOp, ReduceOp};

/// About as much as fits on a line behind a name.
const MAX_LENGTH: usize = 72;
/// Expressions share parts, so a formula is larger than what it is made from; this bounds the work.
const MAX_PARTS: usize = 200;
/// More numbers of a list than this are not shown.
const MAX_NUMBERS: usize = 8;

/// How tightly a formula binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binds {
    If,
    Or,
    And,
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

/// An expression as a formula.
pub fn formula(hir: &Hir, id: ExprId) -> String {
    let at_depth = |depth: usize| {
        let mut printer = Printer {
            hir,
            left: MAX_PARTS,
        };
        printer.show(id, depth).0
    };
    let depths = [8, 6, 5, 4, 3, 2].into_iter().map(at_depth);
    let mut short = depths.filter(|text| text.chars().count() <= MAX_LENGTH);
    short.next().unwrap_or_else(|| at_depth(1))
}

/// `N, C, S`: axes in a sentence.
pub fn axis_names(hir: &Hir, axes: &[AxisId]) -> String {
    let names: Vec<&str> = axes.iter().map(|&axis| axis_name(hir, axis)).collect();
    names.join(", ")
}

/// The number that an expression is known to be.
pub fn known(hir: &Hir, id: ExprId) -> Option<f64> {
    match &hir.expr(seen(hir, id)).kind {
        ExprKind::Const(bits) => Some(f64::from_bits(*bits)),
        // A weight of each class times one of each position, both left at 1.
        ExprKind::Map(MapOp::Mul, args) => Some(known(hir, args[0])? * known(hir, args[1])?),
        _ => None,
    }
}

/// What an expression is, below conversions that do not change its numbers and repetition along
/// axes.
pub fn seen(hir: &Hir, mut id: ExprId) -> ExprId {
    while let ExprKind::Convert(Conversion::Same | Conversion::Float, x) | ExprKind::Expand(x) =
        &hir.expr(id).kind
    {
        id = *x;
    }
    id
}

fn axis_name(hir: &Hir, axis: AxisId) -> &str {
    hir.axes.get(axis).name.trim_start_matches("...")
}

struct Printer<'h> {
    hir: &'h Hir,
    left: usize,
}

impl Printer<'_> {
    fn show(&mut self, id: ExprId, depth: usize) -> (String, Binds) {
        if let Some(number) = known(self.hir, id) {
            let binds = if number < 0.0 {
                Binds::Sign
            } else {
                Binds::Atom
            };
            return (number.to_string(), binds);
        }
        if self.left == 0 {
            return ("…".to_string(), Binds::Atom);
        }
        self.left -= 1;
        let hir = self.hir;
        let kind = &hir.expr(seen(hir, id)).kind;
        if let ExprKind::Input(i) = kind {
            return (hir.inputs[*i as usize].name.clone(), Binds::Atom);
        }
        if depth == 0 {
            return ("…".to_string(), Binds::Atom);
        }
        if let ExprKind::Map(op, args) = kind {
            return self.map(*op, args, depth);
        }
        (self.call(kind, depth - 1), Binds::Atom)
    }

    /// An operand, in parentheses where it binds less tightly than it must.
    fn within(&mut self, id: ExprId, depth: usize, least: Binds) -> String {
        match self.show(id, depth) {
            (text, binds) if binds < least => format!("({text})"),
            (text, _) => text,
        }
    }

    fn map(&mut self, op: MapOp, args: &[ExprId], depth: usize) -> (String, Binds) {
        let number = |i: usize| args.get(i).and_then(|&arg| known(self.hir, arg));
        match (op, number(0), number(1)) {
            (MapOp::Add, Some(0.0), _) | (MapOp::Mul, Some(1.0), _) => {
                return self.show(args[1], depth);
            }
            (MapOp::Add | MapOp::Sub, _, Some(0.0)) | (MapOp::Mul | MapOp::Div, _, Some(1.0)) => {
                return self.show(args[0], depth);
            }
            (MapOp::Float, ..) => return self.show(args[0], depth),
            _ => {}
        }
        let inner = depth - 1;
        let binds = match op {
            MapOp::Add | MapOp::Sub => Binds::Sum,
            MapOp::Mul | MapOp::Div => Binds::Product,
            MapOp::Pow => Binds::Power,
            MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge => {
                Binds::Comparison
            }
            MapOp::And => Binds::And,
            MapOp::Or => Binds::Or,
            MapOp::Neg | MapOp::Not => Binds::Sign,
            MapOp::Select => Binds::If,
            _ => {
                let args: Vec<String> = args.iter().map(|&arg| self.show(arg, inner).0).collect();
                return (format!("{}({})", op.name(), args.join(", ")), Binds::Atom);
            }
        };
        let text = match (op, args) {
            (MapOp::Select, [c, a, b]) => {
                let [c, a, b] = [c, a, b].map(|&part| self.show(part, inner).0);
                format!("if {c} then {a} else {b}")
            }
            (MapOp::Neg, [x]) => format!("-{}", self.within(*x, inner, Binds::Power)),
            (MapOp::Not, [x]) => format!("not {}", self.within(*x, inner, Binds::Sign)),
            (_, [a, b]) => {
                // What stands on the right of `-`, `/` and `^` must bind more tightly.
                let (left, right) = match op {
                    MapOp::Sub => (Binds::Sum, Binds::Product),
                    MapOp::Div => (Binds::Product, Binds::Sign),
                    MapOp::Pow => (Binds::Atom, Binds::Power),
                    MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge => {
                        (Binds::Sum, Binds::Sum)
                    }
                    _ => (binds, binds),
                };
                let (a, b) = (self.within(*a, inner, left), self.within(*b, inner, right));
                match op {
                    MapOp::Mul | MapOp::Div | MapOp::Pow => format!("{a}{}{b}", symbol(op)),
                    _ => format!("{a} {} {b}", symbol(op)),
                }
            }
            _ => "…".to_string(),
        };
        (text, binds)
    }

    fn call(&mut self, kind: &ExprKind, depth: usize) -> String {
        let hir = self.hir;
        let one = |axis: &AxisId| axis_name(hir, *axis);
        let list = |axes: &[AxisId]| axis_names(hir, axes);
        match kind {
            ExprKind::Const(_) | ExprKind::Input(_) | ExprKind::Map(..) | ExprKind::Expand(_) => {
                "…".to_string()
            }
            ExprKind::Table(bits) => {
                let numbers = bits.iter().take(MAX_NUMBERS);
                let mut shown: Vec<String> =
                    numbers.map(|b| f64::from_bits(*b).to_string()).collect();
                if bits.len() > MAX_NUMBERS {
                    shown.push("…".to_string());
                }
                format!("[{}]", shown.join(", "))
            }
            ExprKind::Reduce(op, axes, x) => {
                let name = match op {
                    ReduceOp::Max => "max",
                    ReduceOp::Min => "min",
                    op => op.name(),
                };
                self.over(name, &list(axes), &[*x], depth)
            }
            ExprKind::Mean(axes, x) => self.over("mean", &list(axes), &[*x], depth),
            ExprKind::WeightedMean(axes, x, w) => match known(hir, *w) {
                Some(_) => self.over("mean", &list(axes), &[*x], depth),
                None => self.over("weighted_mean", &list(axes), &[*x, *w], depth),
            },
            ExprKind::Softmax(axis, x) => self.over("softmax", one(axis), &[*x], depth),
            ExprKind::LogSoftmax(axis, x) => self.over("log_softmax", one(axis), &[*x], depth),
            ExprKind::ArgMax(axis, x) => self.over("argmax", one(axis), &[*x], depth),
            ExprKind::Order(op, axes, args) => {
                let shown = self.order(*op, args, depth);
                format!("{}[{}]({shown})", op.function(), list(axes))
            }
            ExprKind::Distance(along, x) => {
                let axes: Vec<AxisId> = along.iter().map(|(axis, _)| *axis).collect();
                self.over("distance", &list(&axes), &[*x], depth)
            }
            ExprKind::Dot(axes, a, b) => self.over("dot", &list(axes), &[*a, *b], depth),
            // A weight for each class, looked up by label.
            ExprKind::Pick(_, x, labels) => {
                let base = self.within(*x, depth, Binds::Atom);
                format!("{base}[{}]", self.show(*labels, depth).0)
            }
            ExprKind::OneHot(_, x) => format!("onehot({})", self.show(*x, depth).0),
            ExprKind::Index(axis) => format!("index[{}]", one(axis)),
            ExprKind::Size(axes) => format!("size[{}]", list(axes)),
            ExprKind::At(axis, at, x) => {
                format!(
                    "{}[{}={at}]",
                    self.within(*x, depth, Binds::Atom),
                    one(axis)
                )
            }
            ExprKind::Slice { from, to, arg, .. } => {
                let base = self.within(*arg, depth, Binds::Atom);
                match hir.axes.get(*to).def {
                    AxisDef::Slice { start, end, .. } => {
                        let part = |at: i64| {
                            if at == 0 {
                                String::new()
                            } else {
                                at.to_string()
                            }
                        };
                        let end = end.map_or(String::new(), |end| end.to_string());
                        format!("{base}[{}={}..{end}]", one(from), part(start))
                    }
                    _ => base,
                }
            }
            ExprKind::Rename { from, to, arg } => {
                let base = self.within(*arg, depth, Binds::Atom);
                format!("{base}[{} as {}]", one(from), one(to))
            }
            ExprKind::Resize { from, to, arg, .. } => {
                let base = self.within(*arg, depth, Binds::Atom);
                format!("{base}[{} resized to {}]", one(from), one(to))
            }
            ExprKind::Coarsen(along, size, x) => {
                let axes: Vec<AxisId> = along.iter().map(|(from, _)| *from).collect();
                let shown = self.show(*x, depth).0;
                format!("coarsen[{}]({shown}, {size})", list(&axes))
            }
            ExprKind::Shift(axis, by, _, x) => {
                format!("shift[{}]({}, {by})", one(axis), self.show(*x, depth).0)
            }
            ExprKind::Window(window, axes, x) => {
                let axes = list(axes);
                let what = match window.of {
                    WindowOf::Gaussian(sigma) => format!("sigma={}", f64::from_bits(sigma)),
                    _ => window.size.to_string(),
                };
                let name = window.of.name();
                format!("{name}[{axes}]({}, {what})", self.show(*x, depth).0)
            }
            ExprKind::StopGrad(x) => format!("stop_grad({})", self.show(*x, depth).0),
            ExprKind::Convert(conversion, x) => {
                let name = match conversion {
                    Conversion::Softmax(axis) => {
                        return self.over("softmax", one(axis), &[*x], depth);
                    }
                    Conversion::LogSoftmax(axis) => {
                        return self.over("log_softmax", one(axis), &[*x], depth);
                    }
                    Conversion::Sigmoid => "sigmoid",
                    Conversion::LogSigmoid => "log_sigmoid",
                    Conversion::OneHot(_) => "onehot",
                    Conversion::Log => "log",
                    Conversion::Exp => "exp",
                    Conversion::Float | Conversion::Same => return self.show(*x, depth).0,
                };
                format!("{name}({})", self.show(*x, depth).0)
            }
        }
    }

    /// The arguments of an operation along axes seen as one, as they are written.
    fn order(&mut self, op: OrderOp, args: &[ExprId], depth: usize) -> String {
        let hir = self.hir;
        let mut shown: Vec<String> = args.iter().map(|&arg| self.show(arg, depth).0).collect();
        match op {
            OrderOp::ArgSortDown => shown.push("descending=true".into()),
            OrderOp::CumSumBy => {
                // By the numbers that the order is that of.
                if let ExprKind::Order(order, _, by) = &hir.expr(args[1]).kind {
                    shown[1] = format!("by={}", self.order(*order, by, depth));
                }
            }
            _ => {}
        }
        shown.join(", ")
    }

    fn over(&mut self, name: &str, axes: &str, args: &[ExprId], depth: usize) -> String {
        let args: Vec<String> = args.iter().map(|&arg| self.show(arg, depth).0).collect();
        format!("{name}[{axes}]({})", args.join(", "))
    }
}

fn symbol(op: MapOp) -> &'static str {
    match op {
        MapOp::Add => "+",
        MapOp::Sub => "-",
        MapOp::Mul => "*",
        MapOp::Div => "/",
        MapOp::Pow => "^",
        MapOp::Eq => "==",
        MapOp::Ne => "!=",
        MapOp::Lt => "<",
        MapOp::Le => "<=",
        MapOp::Gt => ">",
        MapOp::Ge => ">=",
        MapOp::And => "and",
        MapOp::Or => "or",
        op => op.name(),
    }
}
