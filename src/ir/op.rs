//! The primitives, and the type that each gives.
//!
//! Elementwise operations are one row each in the table below: name, arity, classes of operands
//! and result, meaning on numbers. Everything else about them that must be said per operation is
//! one exhaustive match in each of `passes/adjoint.rs` and the back ends.

use super::grid::Grid;
use super::order::OrderOp;
use super::scalar;
use super::ty::{DimId, Dims, Elem, Ty};

/// How an elementwise operation treats element classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Classes {
    /// Floats to a float.
    Floats,
    /// Two of one class to a boolean.
    Compare,
    /// Booleans to a boolean.
    Bools,
    /// An integer or a boolean to a float.
    ToFloat,
    /// A boolean and two of one class to that class.
    Select,
}

macro_rules! map_ops {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $arity:literal, $classes:ident, $meaning:expr;)*) => {
        /// An elementwise operation. All operands have the same dims.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum MapOp {
            $($(#[doc = $doc])+ $name,)*
        }

        impl MapOp {
            /// Every elementwise operation, in the order of the table.
            pub const ALL: &'static [MapOp] = &[$(MapOp::$name),*];

            /// The name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(MapOp::$name => $text,)* }
            }

            /// How many operands it takes.
            pub fn arity(self) -> usize {
                match self { $(MapOp::$name => $arity,)* }
            }

            /// What it does, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(MapOp::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            pub(crate) fn classes(self) -> Classes {
                match self { $(MapOp::$name => Classes::$classes,)* }
            }

            /// The meaning on numbers; booleans are 0 and 1. Unused operands are ignored.
            pub fn eval(self, a: f64, b: f64, c: f64) -> f64 {
                let meaning: fn(f64, f64, f64) -> f64 = match self { $(MapOp::$name => $meaning,)* };
                meaning(a, b, c)
            }
        }
    };
}

fn truth(b: bool) -> f64 {
    f64::from(u8::from(b))
}

map_ops! {
    /// −x
    Neg = "neg", 1, Floats, |x, _, _| -x;
    /// |x|, with derivative 0 at 0
    Abs = "abs", 1, Floats, |x, _, _| x.abs();
    /// eˣ
    Exp = "exp", 1, Floats, |x, _, _| scalar::exp(x);
    /// Natural logarithm
    Log = "log", 1, Floats, |x, _, _| scalar::ln(x);
    /// log(1 + x), accurate near 0
    Log1p = "log1p", 1, Floats, |x, _, _| scalar::ln_1p(x);
    /// eˣ − 1, accurate near 0
    Expm1 = "expm1", 1, Floats, |x, _, _| scalar::exp_m1(x);
    /// Square root
    Sqrt = "sqrt", 1, Floats, |x, _, _| x.sqrt();
    /// 1 / (1 + e⁻ˣ)
    Sigmoid = "sigmoid", 1, Floats, |x, _, _| scalar::sigmoid(x);
    /// log(1 + eˣ) without overflow
    Softplus = "softplus", 1, Floats, |x, _, _| scalar::softplus(x);
    /// max(x, 0), with derivative 0 at 0
    Relu = "relu", 1, Floats, |x, _, _| if x.is_nan() { x } else { x.max(0.0) };
    /// Hyperbolic tangent
    Tanh = "tanh", 1, Floats, |x, _, _| scalar::tanh(x);
    /// Sine, in radians
    Sin = "sin", 1, Floats, |x, _, _| scalar::sin(x);
    /// Cosine, in radians
    Cos = "cos", 1, Floats, |x, _, _| scalar::cos(x);
    /// Arc tangent, in radians
    Atan = "atan", 1, Floats, |x, _, _| scalar::atan(x);
    /// Error function
    Erf = "erf", 1, Floats, |x, _, _| scalar::erf(x);
    /// Logarithm of the absolute value of the gamma function
    Lgamma = "lgamma", 1, Floats, |x, _, _| scalar::lgamma(x);
    /// Derivative of lgamma
    Digamma = "digamma", 1, Floats, |x, _, _| scalar::digamma(x);
    /// Largest integer not above x, with derivative 0
    Floor = "floor", 1, Floats, |x, _, _| x.floor();
    /// −1, 0 or 1, with derivative 0
    Sign = "sign", 1, Floats, |x, _, _| scalar::sign(x);
    /// Logical negation
    Not = "not", 1, Bools, |x, _, _| truth(x == 0.0);
    /// An integer or a boolean as a float
    Float = "float", 1, ToFloat, |x, _, _| x;
    /// a + b
    Add = "add", 2, Floats, |a, b, _| a + b;
    /// a − b
    Sub = "sub", 2, Floats, |a, b, _| a - b;
    /// a · b
    Mul = "mul", 2, Floats, |a, b, _| a * b;
    /// a / b
    Div = "div", 2, Floats, |a, b, _| a / b;
    /// aᵇ, with 0⁰ = 1
    Pow = "pow", 2, Floats, |a, b, _| scalar::pow(a, b);
    /// The larger of two, NaN if either is; ties share the gradient
    Max = "max", 2, Floats, |a, b, _| scalar::max(a, b);
    /// The smaller of two, NaN if either is; ties share the gradient
    Min = "min", 2, Floats, |a, b, _| -scalar::max(-a, -b);
    /// a · b, and 0 wherever a is 0 whatever b is; carries adjoints through points of infinite slope
    Gate = "gate", 2, Floats, |a, b, _| if a == 0.0 { 0.0 } else { a * b };
    /// a = b
    Eq = "eq", 2, Compare, |a, b, _| truth(a == b);
    /// a ≠ b
    Ne = "ne", 2, Compare, |a, b, _| truth(a != b);
    /// a < b
    Lt = "lt", 2, Compare, |a, b, _| truth(a < b);
    /// a ≤ b
    Le = "le", 2, Compare, |a, b, _| truth(a <= b);
    /// a > b
    Gt = "gt", 2, Compare, |a, b, _| truth(a > b);
    /// a ≥ b
    Ge = "ge", 2, Compare, |a, b, _| truth(a >= b);
    /// Both
    And = "and", 2, Bools, |a, b, _| truth(a != 0.0 && b != 0.0);
    /// Either or both
    Or = "or", 2, Bools, |a, b, _| truth(a != 0.0 || b != 0.0);
    /// b where a holds, else c
    Select = "select", 3, Select, |a, b, c| if a != 0.0 { b } else { c };
    /// a limited to the range from b to c; passes gradient inside and at the bounds
    Clamp = "clamp", 3, Floats, |a, b, c| if a < b { b } else if a > c { c } else { a };
}

impl MapOp {
    /// The operation with this name in the text form.
    pub fn from_name(name: &str) -> Option<MapOp> {
        MapOp::ALL.iter().copied().find(|op| op.name() == name)
    }
}

/// A reduction over a set of dims.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReduceOp {
    /// Σ; 0 of nothing. Accumulated in at least f32, f64 across blocks.
    Sum,
    /// Π; 1 of nothing.
    Prod,
    /// The largest; −∞ of nothing. Ties share the gradient evenly.
    Max,
    /// The smallest; ∞ of nothing. Ties share the gradient evenly.
    Min,
    /// log Σ exp without overflow; −∞ of nothing.
    LogSumExp,
    /// Whether any holds (booleans).
    Any,
    /// Whether all hold (booleans).
    All,
}

impl ReduceOp {
    /// Every reduction.
    pub const ALL: &'static [ReduceOp] = &[
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Max,
        ReduceOp::Min,
        ReduceOp::LogSumExp,
        ReduceOp::Any,
        ReduceOp::All,
    ];

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "sum",
            ReduceOp::Prod => "prod",
            ReduceOp::Max => "reduce_max",
            ReduceOp::Min => "reduce_min",
            ReduceOp::LogSumExp => "logsumexp",
            ReduceOp::Any => "any",
            ReduceOp::All => "all",
        }
    }

    /// What it does, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            ReduceOp::Sum => "Σ over dims; 0 of nothing",
            ReduceOp::Prod => "Π over dims; 1 of nothing",
            ReduceOp::Max => "The largest over dims; −∞ of nothing; ties share the gradient",
            ReduceOp::Min => "The smallest over dims; ∞ of nothing; ties share the gradient",
            ReduceOp::LogSumExp => "log Σ exp over dims without overflow; −∞ of nothing",
            ReduceOp::Any => "Whether any holds",
            ReduceOp::All => "Whether all hold",
        }
    }

    /// The class of its operand and of its result.
    pub fn elem(self) -> Elem {
        match self {
            ReduceOp::Any | ReduceOp::All => Elem::Bool,
            ReduceOp::Sum
            | ReduceOp::Prod
            | ReduceOp::Max
            | ReduceOp::Min
            | ReduceOp::LogSumExp => Elem::Float,
        }
    }
}

/// What [`Op::Shift`] finds outside the tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Edge {
    /// Zeros.
    Zero,
    /// The nearest element.
    Clamp,
    /// The other end.
    Wrap,
}

impl Edge {
    /// Every policy.
    pub const ALL: &'static [Edge] = &[Edge::Zero, Edge::Clamp, Edge::Wrap];

    /// The name in the language and in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Edge::Zero => "zero",
            Edge::Clamp => "clamp",
            Edge::Wrap => "wrap",
        }
    }
}

/// What [`Op::WindowSum`] finds outside the tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rim {
    /// Zeros.
    Zero,
    /// The nearest element.
    Clamp,
    /// The other end.
    Wrap,
    /// Zeros; and what the window would put beyond an end is added to the entry at that end: the
    /// adjoint of `Clamp`.
    Pile,
}

impl Rim {
    /// Every policy.
    pub const ALL: &'static [Rim] = &[Rim::Zero, Rim::Clamp, Rim::Wrap, Rim::Pile];

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Rim::Zero => "zero",
            Rim::Clamp => "clamp",
            Rim::Wrap => "wrap",
            Rim::Pile => "pile",
        }
    }
}

/// A primitive.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// The tensor bound to the input with this number, over the dims of that input.
    Input(u32),
    /// One number at every index of the node's dims; the node's type says which class.
    Const(f64),
    /// Constants written in the spec, in row-major order over the node's dims, which are fixed.
    Table(Vec<f64>),
    /// The position along the only dim: 0, 1, 2, … (integers).
    Index(DimId),
    /// The number of elements over these dims, a float scalar.
    Size(Dims),
    /// An elementwise operation.
    Map(MapOp),
    /// The operand repeated along the node's further dims.
    Broadcast(Dims),
    /// The operand with one dim under another name of the same size.
    Rename {
        /// The dim of the operand.
        from: DimId,
        /// The dim of the result.
        to: DimId,
    },
    /// The entry at a fixed position of a dim; negative counts from the end.
    At {
        /// The dim that goes.
        dim: DimId,
        /// The position.
        index: i64,
    },
    /// A stretch of `from`, as long as `to`.
    Slice {
        /// The dim of the operand.
        from: DimId,
        /// The dim of the result, derived from `from`.
        to: DimId,
        /// Where it begins; negative counts from the end.
        start: i64,
    },
    /// Zeros along `to`, except for the operand from `start` on: the adjoint of `Slice`.
    Place {
        /// The dim of the operand, derived from `to`.
        from: DimId,
        /// The dim of the result.
        to: DimId,
        /// Where the operand begins; negative counts from the end.
        start: i64,
    },
    /// Entry i is the operand's entry that it stands for by the grid, 0 where there is none.
    Resize {
        /// The dim of the operand.
        from: DimId,
        /// The dim of the result.
        to: DimId,
        /// Which entries stand for which.
        grid: Grid,
    },
    /// Entry i is Σ of the operand's entries that stand for it by the grid: the adjoint of `Resize`.
    Collect {
        /// The dim of the operand.
        from: DimId,
        /// The dim of the result.
        to: DimId,
        /// Which entries stand for which.
        grid: Grid,
    },
    /// Entry i is the operand's entry i − by.
    Shift {
        /// Along which dim.
        dim: DimId,
        /// How far.
        by: i64,
        /// What lies outside.
        edge: Edge,
    },
    /// The largest entry at most `radius` away along a dim; NaN if one of them is.
    WindowMax {
        /// Along which dim.
        dim: DimId,
        /// How far the window reaches to each side.
        radius: usize,
    },
    /// Σ of the entries around each one along a dim, weighted.
    WindowSum {
        /// Along which dim.
        dim: DimId,
        /// An odd number of finite weights; that in the middle is of the entry itself.
        weights: Vec<f64>,
        /// What lies outside.
        rim: Rim,
    },
    /// Σ of the third operand over those positions, at most `radius` away along a dim, at which the
    /// first operand is what the second is here. Counts and shares the ties of `WindowMax`.
    WindowTies {
        /// Along which dim.
        dim: DimId,
        /// How far the window reaches to each side.
        radius: usize,
    },
    /// exp(x) / Σ exp(x) along a dim.
    Softmax(DimId),
    /// log(softmax) along a dim.
    LogSoftmax(DimId),
    /// The entry of the first operand at the class that the second (integers) names; dims of the
    /// result are those of the labels, which hold all of the first operand's but the class.
    Pick(DimId),
    /// 1.0 where the position along the dim is the label, else 0.0.
    OneHot(DimId),
    /// A reduction over these dims.
    Reduce(ReduceOp, Dims),
    /// The position of the largest entry, the first of equals (integers).
    ArgMax(DimId),
    /// Σ a·b over these dims; either operand may lack dims of the other.
    Dot(Dims),
    /// An operation along these dims seen as one.
    Order(OrderOp, Dims),
    /// The Euclidean distance from each position where the operand (booleans) holds to the nearest
    /// where it does not, 0 elsewhere, ∞ where it holds everywhere; along these dims, ascending,
    /// with the distance of neighbours along each.
    Distance(Vec<(DimId, f64)>),
    /// The operand; no gradient flows through it.
    StopGrad,
}

impl Op {
    /// The operations that are neither elementwise nor reductions: name and what it does, in a
    /// sentence.
    pub const OTHERS: &'static [(&'static str, &'static str)] = &[
        ("input", "The tensor bound to an input"),
        ("const", "One number everywhere"),
        ("table", "Numbers written in the spec"),
        ("index", "The position along a dim: 0, 1, 2, …"),
        ("size", "The number of elements over dims"),
        ("broadcast", "The operand repeated along further dims"),
        ("rename", "The operand with one dim under another name"),
        ("at", "The entry at a fixed position of a dim"),
        ("slice", "A stretch of a dim"),
        (
            "place",
            "Zeros, except for the operand from a position on: the adjoint of `slice`",
        ),
        (
            "resize",
            "The entries of a dim of another size that those of a dim stand for",
        ),
        (
            "collect",
            "Σ of the entries that stand for each one of another dim: the adjoint of `resize`",
        ),
        ("shift", "Entry i is the operand's entry i − by"),
        (
            "window_max",
            "The largest entry around each one along a dim",
        ),
        (
            "window_sum",
            "Σ of the entries around each one along a dim, weighted",
        ),
        (
            "window_ties",
            "Σ of c around each position along a dim, where a there is b here",
        ),
        ("softmax", "exp(x) / Σ exp(x) along a dim"),
        ("log_softmax", "log(softmax) along a dim"),
        ("pick", "The entry at the class that a label names"),
        (
            "onehot",
            "1 where the position along a dim is the label, else 0",
        ),
        (
            "argmax",
            "The position of the largest entry along a dim, the first of equals",
        ),
        ("dot", "Σ a·b over dims"),
        (
            "distance",
            "The Euclidean distance to the nearest position where the operand does not hold",
        ),
        ("stop_grad", "The operand; no gradient flows through it"),
    ];

    /// Every operation, each with what it does in a sentence, as `lossc list ops` shows them.
    pub fn catalogue() -> impl Iterator<Item = (&'static str, &'static str)> {
        let others = Op::OTHERS.iter().copied();
        let maps = MapOp::ALL.iter().map(|op| (op.name(), op.about()));
        let reductions = ReduceOp::ALL.iter().map(|op| (op.name(), op.about()));
        let orders = OrderOp::ALL.iter().map(|op| (op.name(), op.about()));
        others.chain(maps).chain(reductions).chain(orders)
    }

    /// The name in the text form.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input(_) => "input",
            Op::Const(_) => "const",
            Op::Table(_) => "table",
            Op::Index(_) => "index",
            Op::Size(_) => "size",
            Op::Map(op) => op.name(),
            Op::Broadcast(_) => "broadcast",
            Op::Rename { .. } => "rename",
            Op::At { .. } => "at",
            Op::Slice { .. } => "slice",
            Op::Place { .. } => "place",
            Op::Resize { .. } => "resize",
            Op::Collect { .. } => "collect",
            Op::Shift { .. } => "shift",
            Op::WindowMax { .. } => "window_max",
            Op::WindowSum { .. } => "window_sum",
            Op::WindowTies { .. } => "window_ties",
            Op::Softmax(_) => "softmax",
            Op::LogSoftmax(_) => "log_softmax",
            Op::Pick(_) => "pick",
            Op::OneHot(_) => "onehot",
            Op::Reduce(op, _) => op.name(),
            Op::ArgMax(_) => "argmax",
            Op::Dot(_) => "dot",
            Op::Order(op, _) => op.name(),
            Op::Distance(_) => "distance",
            Op::StopGrad => "stop_grad",
        }
    }

    /// The type of the result, given those of the operands, or what is wrong with them.
    ///
    /// Leaves other than `Index` and `Size` have no operands to tell; their type is given when
    /// they are made ([`super::Graph::leaf`]).
    pub fn result(&self, args: &[&Ty]) -> Result<Ty, String> {
        let arity = |n: usize| {
            if args.len() == n {
                Ok(())
            } else {
                Err(format!(
                    "`{}` takes {n} operands, not {}",
                    self.name(),
                    args.len()
                ))
            }
        };
        let float = |ty: &Ty| expect(ty, Elem::Float, self);
        let has = |ty: &Ty, dim: DimId| {
            if ty.dims.contains(dim) {
                Ok(())
            } else {
                Err(format!("`{}` needs {dim} in its operand", self.name()))
            }
        };
        match self {
            Op::Input(_) | Op::Const(_) | Op::Table(_) => {
                Err(format!("`{}` is made with its type", self.name()))
            }
            Op::Index(dim) => arity(0).map(|()| Ty::new(Elem::Int, Dims::one(*dim))),
            Op::Size(_) => arity(0).map(|()| Ty::scalar()),
            Op::Map(op) => {
                arity(op.arity())?;
                if args.iter().any(|ty| ty.dims != args[0].dims) {
                    return Err(format!("operands of `{}` differ in dims", self.name()));
                }
                let elem = match op.classes() {
                    Classes::Floats => args
                        .iter()
                        .try_for_each(|ty| float(ty))
                        .map(|()| Elem::Float)?,
                    Classes::Bools => args
                        .iter()
                        .try_for_each(|ty| expect(ty, Elem::Bool, self))
                        .map(|()| Elem::Bool)?,
                    Classes::Compare if args[0].elem == args[1].elem => Elem::Bool,
                    Classes::Compare => return Err("a comparison of two classes".into()),
                    Classes::ToFloat => Elem::Float,
                    Classes::Select => {
                        expect(args[0], Elem::Bool, self)?;
                        if args[1].elem != args[2].elem {
                            return Err("the branches of `select` differ in class".into());
                        }
                        args[1].elem
                    }
                };
                Ok(Ty::new(elem, args[0].dims.clone()))
            }
            Op::Broadcast(dims) => {
                arity(1)?;
                if !args[0].dims.is_subset(dims) {
                    return Err("`broadcast` loses dims".into());
                }
                Ok(Ty::new(args[0].elem, dims.clone()))
            }
            Op::Rename { from, to }
            | Op::Slice { from, to, .. }
            | Op::Place { from, to, .. }
            | Op::Resize { from, to, .. }
            | Op::Collect { from, to, .. } => {
                arity(1)?;
                if let Op::Collect { .. } = self {
                    float(args[0])?;
                }
                has(args[0], *from)?;
                let rest = args[0].dims.without(*from);
                if rest.contains(*to) {
                    return Err(format!("`{}` repeats {to}", self.name()));
                }
                Ok(Ty::new(args[0].elem, rest.with(*to)))
            }
            Op::At { dim, .. } => {
                arity(1)?;
                has(args[0], *dim)?;
                Ok(Ty::new(args[0].elem, args[0].dims.without(*dim)))
            }
            Op::Shift { dim, .. } => {
                arity(1)?;
                has(args[0], *dim)?;
                Ok(args[0].clone())
            }
            Op::Softmax(dim) | Op::LogSoftmax(dim) | Op::WindowMax { dim, .. } => {
                arity(1)?;
                float(args[0])?;
                has(args[0], *dim)?;
                Ok(args[0].clone())
            }
            Op::WindowSum { dim, weights, .. } => {
                arity(1)?;
                float(args[0])?;
                has(args[0], *dim)?;
                if weights.len() % 2 == 0 || !weights.iter().all(|w| w.is_finite()) {
                    return Err("`window_sum` has an odd number of finite weights".into());
                }
                Ok(args[0].clone())
            }
            Op::WindowTies { dim, .. } => {
                arity(3)?;
                args.iter().try_for_each(|ty| float(ty))?;
                has(args[0], *dim)?;
                if args.iter().any(|ty| ty.dims != args[0].dims) {
                    return Err("operands of `window_ties` differ in dims".into());
                }
                Ok(args[0].clone())
            }
            Op::Pick(dim) => {
                arity(2)?;
                has(args[0], *dim)?;
                expect(args[1], Elem::Int, self)?;
                if args[1].dims.contains(*dim)
                    || !args[0].dims.without(*dim).is_subset(&args[1].dims)
                {
                    return Err("the labels of `pick` do not index its operand".into());
                }
                Ok(Ty::new(args[0].elem, args[1].dims.clone()))
            }
            Op::OneHot(dim) => {
                arity(1)?;
                expect(args[0], Elem::Int, self)?;
                if args[0].dims.contains(*dim) {
                    return Err("`onehot` repeats a dim".into());
                }
                Ok(Ty::new(Elem::Float, args[0].dims.with(*dim)))
            }
            Op::Reduce(op, dims) => {
                arity(1)?;
                expect(args[0], op.elem(), self)?;
                if !dims.is_subset(&args[0].dims) {
                    return Err(format!("`{}` over dims that are not there", self.name()));
                }
                Ok(Ty::new(args[0].elem, args[0].dims.minus(dims)))
            }
            Op::ArgMax(dim) => {
                arity(1)?;
                float(args[0])?;
                has(args[0], *dim)?;
                Ok(Ty::new(Elem::Int, args[0].dims.without(*dim)))
            }
            Op::Dot(dims) => {
                arity(2)?;
                float(args[0])?;
                float(args[1])?;
                if !dims.is_subset(&args[0].dims) || !dims.is_subset(&args[1].dims) {
                    return Err("`dot` over dims that an operand lacks".into());
                }
                let all = args[0].dims.union(&args[1].dims);
                Ok(Ty::new(Elem::Float, all.minus(dims)))
            }
            Op::Order(op, over) => op.result(over, args),
            Op::Distance(along) => {
                arity(1)?;
                expect(args[0], Elem::Bool, self)?;
                along.iter().try_for_each(|(dim, _)| has(args[0], *dim))?;
                if !along.is_sorted_by(|a, b| a.0 < b.0) {
                    return Err("the dims of `distance` are not ascending".into());
                }
                Ok(Ty::new(Elem::Float, args[0].dims.clone()))
            }
            Op::StopGrad => arity(1).map(|()| args[0].clone()),
        }
    }
}

pub(super) fn expect(ty: &Ty, elem: Elem, op: &Op) -> Result<(), String> {
    if ty.elem == elem {
        Ok(())
    } else {
        Err(format!(
            "`{}` takes `{}`, not `{}`",
            op.name(),
            elem.letter(),
            ty.elem.letter()
        ))
    }
}
