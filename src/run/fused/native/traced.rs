//! Symbolic numbers: what the functions of `math.rs` and `kernels/function.rs` compute with when
//! they are written down as a graph rather than run.
//!
//! Generated code thus does what the kernels do, operation by operation, and gives the same bits.

use super::graph::{Graph, Id, LESS, LESS_OR_SAME, Op, SAME, SIGN};
use crate::ir::MapOp;
use crate::run::fused::math;
use crate::run::fused::real::{self, Real, Single};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// A constant, or a value of a graph.
#[derive(Clone, Copy)]
pub(super) enum Traced<'a, C> {
    Const(C),
    Value(Id, &'a Graph),
}

/// What stands for an f32.
pub(super) type Number<'a> = Traced<'a, f32>;
/// What stands for its bits, or an integer.
pub(super) type Word<'a> = Traced<'a, u32>;
/// What stands for a `bool`.
pub(super) type Truth<'a> = Traced<'a, bool>;

/// A constant as 32 bits.
pub(super) trait Constant: Copy {
    fn bits(self) -> u32;
}

impl Constant for f32 {
    fn bits(self) -> u32 {
        self.to_bits()
    }
}

impl Constant for u32 {
    fn bits(self) -> u32 {
        self
    }
}

impl<'a, C: Constant> Traced<'a, C> {
    /// Its number in the graph.
    pub fn id(self, graph: &Graph) -> Id {
        match self {
            Traced::Const(x) => graph.constant(x.bits()),
            Traced::Value(id, _) => id,
        }
    }
}

impl<'a, C> Traced<'a, C> {
    fn graph(&self) -> Option<&'a Graph> {
        match self {
            Traced::Const(_) => None,
            Traced::Value(_, graph) => Some(graph),
        }
    }
}

fn unary<'a, A: Constant, R>(op: Op, a: Traced<'a, A>, of: impl Fn(A) -> R) -> Traced<'a, R> {
    match a {
        Traced::Const(a) => Traced::Const(of(a)),
        Traced::Value(id, graph) => Traced::Value(graph.op(op, &[id]), graph),
    }
}

fn binary<'a, A: Constant, R>(
    op: Op,
    a: Traced<'a, A>,
    b: Traced<'a, A>,
    of: impl Fn(A, A) -> R,
) -> Traced<'a, R> {
    match (a, b, a.graph().or(b.graph())) {
        (Traced::Const(a), Traced::Const(b), _) => Traced::Const(of(a, b)),
        (_, _, Some(graph)) => Traced::Value(graph.op(op, &[a.id(graph), b.id(graph)]), graph),
        (_, _, None) => unreachable!("a value has a graph"),
    }
}

fn select<'a, C: Constant>(holds: Truth<'a>, a: Traced<'a, C>, b: Traced<'a, C>) -> Traced<'a, C> {
    match holds {
        Traced::Const(holds) => {
            if holds {
                a
            } else {
                b
            }
        }
        Traced::Value(mask, graph) => {
            let args = [mask, a.id(graph), b.id(graph)];
            Traced::Value(graph.op(Op::Select, &args), graph)
        }
    }
}

macro_rules! arithmetic {
    ($($trait:ident::$method:ident = $op:ident;)*) => {$(
        impl<'a> $trait for Number<'a> {
            type Output = Number<'a>;
            fn $method(self, other: Number<'a>) -> Number<'a> {
                binary(Op::$op, self, other, |a, b| a.$method(b))
            }
        }
    )*};
}

arithmetic! {
    Add::add = Add;
    Sub::sub = Sub;
    Mul::mul = Mul;
    Div::div = Div;
}

impl<'a> Neg for Number<'a> {
    type Output = Number<'a>;
    fn neg(self) -> Number<'a> {
        Single::from_word(Single::word(self) ^ Traced::Const(SIGN))
    }
}

macro_rules! bitwise {
    ($($trait:ident::$method:ident = $word:ident;)*) => {$(
        impl<'a> $trait for Word<'a> {
            type Output = Word<'a>;
            fn $method(self, other: Word<'a>) -> Word<'a> {
                binary(Op::$word, self, other, |a, b| a.$method(b))
            }
        }
    )*};
}

bitwise! {
    BitAnd::bitand = And;
    BitOr::bitor = Or;
    BitXor::bitxor = Xor;
}

impl<'a> Not for Word<'a> {
    type Output = Word<'a>;
    fn not(self) -> Word<'a> {
        self ^ Traced::Const(u32::MAX)
    }
}

impl<'a> BitAnd for Truth<'a> {
    type Output = Truth<'a>;
    fn bitand(self, other: Truth<'a>) -> Truth<'a> {
        match (self, other) {
            (Traced::Const(a), b) => {
                if a {
                    b
                } else {
                    self
                }
            }
            (a, Traced::Const(b)) => {
                if b {
                    a
                } else {
                    other
                }
            }
            (Traced::Value(a, graph), Traced::Value(b, _)) => {
                Traced::Value(graph.op(Op::MaskAnd, &[a, b]), graph)
            }
        }
    }
}

impl<'a> BitOr for Truth<'a> {
    type Output = Truth<'a>;
    fn bitor(self, other: Truth<'a>) -> Truth<'a> {
        match (self, other) {
            (Traced::Const(a), b) => {
                if a {
                    self
                } else {
                    b
                }
            }
            (a, Traced::Const(b)) => {
                if b {
                    other
                } else {
                    a
                }
            }
            (Traced::Value(a, graph), Traced::Value(b, _)) => {
                Traced::Value(graph.op(Op::MaskOr, &[a, b]), graph)
            }
        }
    }
}

impl<'a> Not for Truth<'a> {
    type Output = Truth<'a>;
    fn not(self) -> Truth<'a> {
        match self {
            Traced::Const(a) => Traced::Const(!a),
            Traced::Value(a, graph) => Traced::Value(graph.op(Op::MaskNot, &[a]), graph),
        }
    }
}

macro_rules! functions {
    ($($name:ident),*) => {$(
        fn $name<const FMA: bool>(self) -> Self {
            math::$name::<FMA, Self>(self)
        }
    )*};
}

impl<'a> Real for Number<'a> {
    type Truth = Truth<'a>;
    const ZERO: Self = Traced::Const(0.0);
    const ONE: Self = Traced::Const(1.0);
    const NAN: Self = Traced::Const(f32::NAN);

    fn of(x: f64) -> Self {
        Traced::Const(x as f32)
    }

    fn abs(self) -> Self {
        Single::from_word(Single::word(self) & Traced::Const(!SIGN))
    }

    fn sqrt(self) -> Self {
        unary(Op::Sqrt, self, f32::sqrt)
    }

    fn floor(self) -> Self {
        unary(Op::Floor, self, f32::floor)
    }

    /// Always rounded once, as code is generated for machines that can.
    fn mul_add<const FMA: bool>(a: Self, b: Self, c: Self) -> Self {
        let graph = a.graph().or(b.graph()).or(c.graph());
        match (a, b, c, graph) {
            (Traced::Const(a), Traced::Const(b), Traced::Const(c), _) => {
                Traced::Const(a.mul_add(b, c))
            }
            (a, b, c, Some(graph)) => {
                let op = Op::MulAdd {
                    minus_product: false,
                    minus_addend: false,
                };
                let args = [a.id(graph), b.id(graph), c.id(graph)];
                Traced::Value(graph.op(op, &args), graph)
            }
            (_, _, _, None) => unreachable!("a value has a graph"),
        }
    }

    fn less(self, other: Self) -> Truth<'a> {
        binary(Op::Compare(LESS), self, other, |a, b| a < b)
    }

    fn less_or_same(self, other: Self) -> Truth<'a> {
        binary(Op::Compare(LESS_OR_SAME), self, other, |a, b| a <= b)
    }

    fn same(self, other: Self) -> Truth<'a> {
        binary(Op::Compare(SAME), self, other, |a, b| a == b)
    }

    fn select(holds: Truth<'a>, a: Self, b: Self) -> Self {
        select(holds, a, b)
    }

    functions!(
        exp, ln, log1p, expm1, sigmoid, softplus, tanh, sin, cos, atan, erf
    );

    fn pow<const FMA: bool>(a: Self, b: Self) -> Self {
        math::pow::<FMA, Self>(a, b)
    }

    fn rare(_: MapOp, x: Self) -> Self {
        if let Some(graph) = x.graph() {
            graph.refuse();
        }
        x
    }
}

impl<'a> Single for Number<'a> {
    type Word = Word<'a>;

    fn number(x: f32) -> Self {
        Traced::Const(x)
    }

    fn scaled(self, n: Self) -> Option<Self> {
        match (self, n) {
            (Traced::Value(x, graph), Traced::Value(n, _)) => {
                Some(Traced::Value(graph.op(Op::Scale, &[x, n]), graph))
            }
            _ => None,
        }
    }

    fn word(self) -> Word<'a> {
        match self {
            Traced::Const(x) => Traced::Const(x.to_bits()),
            Traced::Value(id, graph) => Traced::Value(id, graph),
        }
    }

    fn from_word(word: Word<'a>) -> Self {
        match word {
            Traced::Const(x) => Traced::Const(f32::from_bits(x)),
            Traced::Value(id, graph) => Traced::Value(id, graph),
        }
    }
}

impl<'a> real::Word for Word<'a> {
    type Truth = Truth<'a>;
    type Single = Number<'a>;

    fn of(bits: u32) -> Self {
        Traced::Const(bits)
    }

    fn plus(self, other: Self) -> Self {
        binary(Op::Plus, self, other, u32::wrapping_add)
    }

    fn minus(self, other: Self) -> Self {
        binary(Op::Minus, self, other, u32::wrapping_sub)
    }

    fn shl(self, by: u32) -> Self {
        unary(Op::Shl(by as u8), self, |a| a << by)
    }

    fn shr(self, by: u32) -> Self {
        unary(Op::Shr(by as u8), self, |a| a >> by)
    }

    fn sar(self, by: u32) -> Self {
        unary(Op::Sar(by as u8), self, |a| ((a as i32) >> by) as u32)
    }

    fn less(self, other: Self) -> Truth<'a> {
        let less = |a: u32, b: u32| (a as i32) < (b as i32);
        binary(Op::CompareInt(LESS), self, other, less)
    }

    fn select(holds: Truth<'a>, a: Self, b: Self) -> Self {
        select(holds, a, b)
    }

    fn float(self) -> Number<'a> {
        unary(Op::Float, self, |a| a as i32 as f32)
    }
}
