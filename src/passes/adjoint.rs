//! A node and its adjoint → what it adds to the adjoints of its operands: one arm per operation.
//!
//! In the formulas x (or a, b, c) are the operands, y is the node, g its adjoint, and x' what is
//! added to the adjoint of x. Slopes are written with forward nodes where they exist.
//!
//! Rules at kinks: extrema share among ties; |x| and max(x, 0) have slope 0 at 0; `clamp` has
//! slope 1 at its bounds; 0⁰ has slope 0. An adjoint of exactly 0 stays 0 whatever the slope:
//! products with slopes that are not surely finite are `gate`s (see `slope.rs`).

use super::differentiate::Cx;
use super::windows;
use crate::ir::{DimId, DimSize, Dims, Edge, Elem, MapOp, NodeId, Op, OrderOp, ReduceOp, Ty};
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// Adds to the adjoints of the operands of `id`, whose own adjoint is `g`.
pub(super) fn adjoint(cx: &mut Cx, id: NodeId, g: NodeId) {
    let node = cx.graph.node(id);
    let (op, args) = (node.op.clone(), node.args.clone());
    let x = args.first().copied().unwrap_or(id);
    match op {
        // Leaves, and functions that are constant almost everywhere or by decree.
        Op::Input(_)
        | Op::Const(_)
        | Op::Table(_)
        | Op::Index(_)
        | Op::Size(_)
        | Op::OneHot(_)
        | Op::ArgMax(_)
        | Op::Distance(_)
        | Op::StopGrad => {}
        Op::Map(op) => elementwise(cx, op, &args, id, g),
        // x' = Σ g over the dims that were added.
        Op::Broadcast(_) => cx.give(x, |cx| {
            let dims = cx.dims(x);
            cx.sum_to(g, &dims)
        }),
        Op::Rename { from, to } => cx.give(x, |cx| {
            let (from, to) = (to, from);
            cx.push(Op::Rename { from, to }, &[g])
        }),
        // x'ᵢ = g at the position, else 0.
        Op::At { dim, index } => cx.give(x, |cx| {
            let here = position_is(cx, dim, index);
            cx.only(here, g)
        }),
        Op::Slice { from, to, start } => cx.give(x, |cx| {
            let (from, to) = (to, from);
            cx.push(Op::Place { from, to, start }, &[g])
        }),
        Op::Place { from, to, start } => cx.give(x, |cx| {
            let (from, to) = (to, from);
            cx.push(Op::Slice { from, to, start }, &[g])
        }),
        Op::Resize { from, to, grid } => cx.give(x, |cx| {
            let (from, to) = (to, from);
            cx.push(Op::Collect { from, to, grid }, &[g])
        }),
        Op::Collect { from, to, grid } => cx.give(x, |cx| {
            let (from, to) = (to, from);
            cx.push(Op::Resize { from, to, grid }, &[g])
        }),
        Op::Shift { dim, by, edge } => cx.give(x, |cx| shift(cx, g, dim, by, edge)),
        Op::WindowMax { .. } => windows::max(cx, id, g),
        Op::WindowSum { dim, weights, rim } => {
            cx.give(x, |cx| windows::sum(cx, g, dim, &weights, rim));
        }
        // c' = Σ g over the positions around, where b there is a here.
        Op::WindowTies { dim, radius } => cx.give(args[2], |cx| {
            cx.push(Op::WindowTies { dim, radius }, &[args[1], args[0], g])
        }),
        // x' = y·(g − Σ g·y)
        Op::Softmax(dim) => cx.give(x, |cx| {
            let weighted = cx.times(g, id);
            let mean = cx.reduce(ReduceOp::Sum, weighted, &Dims::one(dim));
            let rest = cx.map(MapOp::Sub, &[g, mean]);
            cx.times(rest, id)
        }),
        // x' = g − softmax(x) · Σ g
        Op::LogSoftmax(dim) => cx.give(x, |cx| {
            let sum = cx.reduce(ReduceOp::Sum, g, &Dims::one(dim));
            let softmax = cx.push(Op::Softmax(dim), &[x]);
            let share = cx.times(sum, softmax);
            cx.map(MapOp::Sub, &[g, share])
        }),
        // x' = onehot(labels) · g, summed over the dims that x lacks.
        Op::Pick(dim) => cx.give(x, |cx| {
            let onehot = cx.push(Op::OneHot(dim), &[args[1]]);
            let spread = cx.map(MapOp::Mul, &[onehot, g]);
            let dims = cx.dims(x);
            cx.sum_to(spread, &dims)
        }),
        Op::Reduce(op, dims) => cx.give(x, |cx| reduction(cx, op, &dims, [x, id, g])),
        Op::Dot(_) => {
            cx.give(args[0], |cx| dot(cx, g, args[1], args[0]));
            cx.give(args[1], |cx| dot(cx, g, args[0], args[1]));
        }
        Op::Order(op, over) => order(cx, op, over, &args, g),
    }
}

fn elementwise(cx: &mut Cx, op: MapOp, args: &[NodeId], y: NodeId, g: NodeId) {
    let operand = |i: usize| args.get(i).copied().unwrap_or(y);
    let [a, b, c] = [operand(0), operand(1), operand(2)];
    let x = a;
    match op {
        // x' = −g
        MapOp::Neg => cx.give(x, |cx| cx.map(MapOp::Neg, &[g])),
        // x' = g · sign(x)
        MapOp::Abs => cx.give(x, |cx| {
            let slope = cx.map(MapOp::Sign, &[x]);
            cx.times(g, slope)
        }),
        // x' = g · y
        MapOp::Exp => cx.give(x, |cx| cx.times(g, y)),
        // x' = g / x
        MapOp::Log => cx.give(x, |cx| {
            let slope = cx.inverse(x);
            cx.times(g, slope)
        }),
        // x' = g / (1 + x)
        MapOp::Log1p => cx.give(x, |cx| {
            let one = cx.number(1.0);
            let shifted = cx.map(MapOp::Add, &[one, x]);
            let slope = cx.inverse(shifted);
            cx.times(g, slope)
        }),
        // x' = g · eˣ; y + 1 would lose the digits of large negative x.
        MapOp::Expm1 => cx.give(x, |cx| {
            let slope = cx.map(MapOp::Exp, &[x]);
            cx.times(g, slope)
        }),
        // x' = g / (2·y). The slope of a norm, the root of a sum of squares, is taken to be 0 where
        // the norm is 0, as that of |x|; the slopes of the squares are 0 there.
        MapOp::Sqrt => cx.give(x, |cx| {
            let double = cx.scaled(2.0, y);
            let mut slope = cx.inverse(double);
            if is_sum_of_squares(cx, x, &mut 64) {
                let nonzero = cx.compare(MapOp::Ne, y, 0.0);
                slope = cx.only(nonzero, slope);
            }
            cx.times(g, slope)
        }),
        // x' = g · y·(1 − y)
        MapOp::Sigmoid => cx.give(x, |cx| {
            let rest = cx.less(1.0, y);
            let slope = cx.map(MapOp::Mul, &[y, rest]);
            cx.times(g, slope)
        }),
        // x' = g · σ(x)
        MapOp::Softplus => cx.give(x, |cx| {
            let slope = cx.map(MapOp::Sigmoid, &[x]);
            cx.times(g, slope)
        }),
        // x' = g where x > 0
        MapOp::Relu => cx.give(x, |cx| {
            let positive = cx.compare(MapOp::Gt, x, 0.0);
            cx.only(positive, g)
        }),
        // x' = g · (1 − y²)
        MapOp::Tanh => cx.give(x, |cx| {
            let square = cx.map(MapOp::Mul, &[y, y]);
            let slope = cx.less(1.0, square);
            cx.times(g, slope)
        }),
        // x' = g · cos x
        MapOp::Sin => cx.give(x, |cx| {
            let slope = cx.map(MapOp::Cos, &[x]);
            cx.times(g, slope)
        }),
        // x' = −g · sin x
        MapOp::Cos => cx.give(x, |cx| {
            let sine = cx.map(MapOp::Sin, &[x]);
            let slope = cx.map(MapOp::Neg, &[sine]);
            cx.times(g, slope)
        }),
        // x' = g / (1 + x²)
        MapOp::Atan => cx.give(x, |cx| {
            let (one, square) = (cx.number(1.0), cx.map(MapOp::Mul, &[x, x]));
            let sum = cx.map(MapOp::Add, &[one, square]);
            let slope = cx.inverse(sum);
            cx.times_bounded(g, slope, x)
        }),
        // x' = g · 2/√π · exp(−x²)
        MapOp::Erf => cx.give(x, |cx| {
            let square = cx.map(MapOp::Mul, &[x, x]);
            let negative = cx.map(MapOp::Neg, &[square]);
            let bell = cx.map(MapOp::Exp, &[negative]);
            let slope = cx.scaled(FRAC_2_SQRT_PI, bell);
            cx.times_bounded(g, slope, x)
        }),
        // x' = g · ψ(x)
        MapOp::Lgamma => cx.give(x, |cx| {
            let slope = cx.map(MapOp::Digamma, &[x]);
            cx.times(g, slope)
        }),
        // x' = g · ψ₁(x)
        MapOp::Digamma => cx.give(x, |cx| {
            let slope = trigamma(cx, x);
            cx.times(g, slope)
        }),
        MapOp::Add => {
            cx.give(a, |_| g);
            cx.give(b, |_| g);
        }
        // b' = −g
        MapOp::Sub => {
            cx.give(a, |_| g);
            cx.give(b, |cx| cx.map(MapOp::Neg, &[g]));
        }
        // a' = g·b, b' = g·a
        MapOp::Mul => {
            cx.give(a, |cx| cx.times(g, b));
            cx.give(b, |cx| cx.times(g, a));
        }
        // a' = g / b, b' = −g · y/b; not −g · a/b², since b² overflows long before y/b.
        MapOp::Div => {
            cx.give(a, |cx| {
                let slope = cx.inverse(b);
                cx.times(g, slope)
            });
            cx.give(b, |cx| {
                let slope = cx.map(MapOp::Div, &[y, b]);
                let part = cx.times(g, slope);
                cx.map(MapOp::Neg, &[part])
            });
        }
        // a' = g · b·aᵇ⁻¹, which is 0 for b = 0 even at a = 0.
        // b' = g · y·log a, which is taken to be 0 at a = 0.
        MapOp::Pow => {
            cx.give(a, |cx| {
                let one = cx.number(1.0);
                let lower = cx.map(MapOp::Sub, &[b, one]);
                let power = cx.map(MapOp::Pow, &[a, lower]);
                let slope = cx.map(MapOp::Gate, &[b, power]);
                cx.times(g, slope)
            });
            cx.give(b, |cx| {
                let nonzero = cx.compare(MapOp::Ne, a, 0.0);
                let log = cx.map(MapOp::Log, &[a]);
                let log = cx.only(nonzero, log);
                let slope = cx.map(MapOp::Gate, &[log, y]);
                cx.times(g, slope)
            });
        }
        // The larger takes all; equals take half each.
        MapOp::Max => extremum(cx, [a, b], [MapOp::Gt, MapOp::Lt], g),
        MapOp::Min => extremum(cx, [a, b], [MapOp::Lt, MapOp::Gt], g),
        // As for a product.
        MapOp::Gate => {
            cx.give(a, |cx| cx.times(g, b));
            cx.give(b, |cx| cx.times(g, a));
        }
        // b' = g where the condition a holds, c' = g elsewhere.
        MapOp::Select => {
            cx.give(b, |cx| cx.only(a, g));
            cx.give(c, |cx| {
                let zero = cx.number(0.0);
                cx.map(MapOp::Select, &[a, zero, g])
            });
        }
        // x' = g where b ≤ x ≤ c; a bound takes g where it cuts.
        MapOp::Clamp => {
            cx.give(x, |cx| {
                let above = cx.map(MapOp::Ge, &[x, b]);
                let below = cx.map(MapOp::Le, &[x, c]);
                let inside = cx.map(MapOp::And, &[above, below]);
                cx.only(inside, g)
            });
            cx.give(b, |cx| {
                let cut = cx.map(MapOp::Lt, &[x, b]);
                cx.only(cut, g)
            });
            cx.give(c, |cx| {
                let above = cx.map(MapOp::Ge, &[x, b]);
                let cut = cx.map(MapOp::Gt, &[x, c]);
                let cut = cx.map(MapOp::And, &[above, cut]);
                cx.only(cut, g)
            });
        }
        // Flat almost everywhere, or without floats to vary.
        MapOp::Floor
        | MapOp::Sign
        | MapOp::Not
        | MapOp::Float
        | MapOp::Eq
        | MapOp::Ne
        | MapOp::Lt
        | MapOp::Le
        | MapOp::Gt
        | MapOp::Ge
        | MapOp::And
        | MapOp::Or => {}
    }
}

/// Whether a node is made of squares only: their sums, means, and parts. Looks at so many nodes
/// and then gives up.
fn is_sum_of_squares(cx: &Cx, id: NodeId, budget: &mut u32) -> bool {
    let Some(rest) = budget.checked_sub(1) else {
        return false;
    };
    *budget = rest;
    let node = cx.graph.node(id);
    let mut number = |place: usize| is_number(cx, node.args[place], budget);
    let factor = match node.op {
        Op::Map(MapOp::Mul) if node.args[0] == node.args[1] => return true,
        Op::Map(MapOp::Mul) if number(0) => Some(1),
        Op::Map(MapOp::Mul | MapOp::Div) if number(1) => Some(0),
        _ => None,
    };
    let mut squares = |place: usize| is_sum_of_squares(cx, node.args[place], budget);
    match node.op {
        Op::Map(MapOp::Mul | MapOp::Div) => factor.is_some_and(squares),
        Op::Map(MapOp::Add) => squares(0) && squares(1),
        Op::Dot(_) => node.args[0] == node.args[1],
        Op::Reduce(ReduceOp::Sum, _)
        | Op::Broadcast(_)
        | Op::Rename { .. }
        | Op::At { .. }
        | Op::Slice { .. }
        | Op::Resize { .. }
        | Op::Collect { .. }
        | Op::Shift { .. } => squares(0),
        Op::WindowSum { ref weights, .. } => weights.iter().all(|&w| w >= 0.0) && squares(0),
        _ => false,
    }
}

/// Whether a node depends on nothing but sizes.
fn is_number(cx: &Cx, id: NodeId, budget: &mut u32) -> bool {
    let Some(rest) = budget.checked_sub(1) else {
        return false;
    };
    *budget = rest;
    let node = cx.graph.node(id);
    match node.op {
        Op::Const(_) | Op::Size(_) => true,
        Op::Broadcast(_) | Op::Map(_) => node.args.iter().all(|&arg| is_number(cx, arg, budget)),
        _ => false,
    }
}

/// The adjoints of a binary extremum: `wins[0]` says that a is it, `wins[1]` that b is.
fn extremum(cx: &mut Cx, [a, b]: [NodeId; 2], wins: [MapOp; 2], g: NodeId) {
    for (arg, wins) in [a, b].into_iter().zip(wins) {
        cx.give(arg, |cx| {
            let (wins, ties) = (cx.map(wins, &[a, b]), cx.map(MapOp::Eq, &[a, b]));
            let half = cx.scaled(0.5, g);
            let shared = cx.only(ties, half);
            cx.map(MapOp::Select, &[wins, g, shared])
        });
    }
}

/// What a reduction of x to y adds to the adjoint of x.
fn reduction(cx: &mut Cx, op: ReduceOp, over: &Dims, [x, y, g]: [NodeId; 3]) -> NodeId {
    match op {
        // x' = g
        ReduceOp::Sum => {
            let dims = cx.dims(x);
            cx.graph.broadcast(g, &dims, cx.origin)
        }
        // x' = g · Π of the others: y/x, except that the only zero gets the product of the rest.
        ReduceOp::Prod => {
            let zero = cx.compare(MapOp::Eq, x, 0.0);
            let zeros = cx.map(MapOp::Float, &[zero]);
            let zeros = cx.reduce(ReduceOp::Sum, zeros, over);
            let one = cx.number(1.0);
            let rest = cx.map(MapOp::Select, &[zero, one, x]);
            let rest = cx.reduce(ReduceOp::Prod, rest, over);
            let single = cx.compare(MapOp::Eq, zeros, 1.0);
            let rest = cx.only(single, rest);
            let quotient = cx.map(MapOp::Div, &[y, x]);
            let slope = cx.map(MapOp::Select, &[zero, rest, quotient]);
            cx.times(g, slope)
        }
        // x' = g / number of ties, where x is the extremum.
        ReduceOp::Max | ReduceOp::Min => {
            let ties = cx.map(MapOp::Eq, &[x, y]);
            let count = cx.map(MapOp::Float, &[ties]);
            let count = cx.reduce(ReduceOp::Sum, count, over);
            let share = cx.map(MapOp::Div, &[g, count]);
            cx.only(ties, share)
        }
        // x' = g · softmax(x), and 0 where all x are −∞; not exp(x − y), which has lost the digits
        // of large scores.
        ReduceOp::LogSumExp => {
            let some = cx.compare(MapOp::Ne, y, f64::NEG_INFINITY);
            let g = cx.only(some, g);
            let slope = match *over.as_slice() {
                [dim] => cx.push(Op::Softmax(dim), &[x]),
                _ => softmax_over(cx, x, over),
            };
            cx.map(MapOp::Gate, &[g, slope])
        }
        ReduceOp::Any | ReduceOp::All => unreachable!("booleans have no adjoint"),
    }
}

/// exp(x − max) / Σ exp(x − max) over several dims.
fn softmax_over(cx: &mut Cx, x: NodeId, over: &Dims) -> NodeId {
    let largest = cx.reduce(ReduceOp::Max, x, over);
    let rest = cx.map(MapOp::Sub, &[x, largest]);
    let exp = cx.map(MapOp::Exp, &[rest]);
    let sum = cx.reduce(ReduceOp::Sum, exp, over);
    cx.map(MapOp::Div, &[exp, sum])
}

/// x' = Σ g · other over the dims that x lacks.
fn dot(cx: &mut Cx, g: NodeId, other: NodeId, x: NodeId) -> NodeId {
    let dims = cx.dims(x);
    let over = cx.dims(other).minus(&dims);
    if cx.is_plain(other) && !over.is_empty() {
        return cx.push(Op::Dot(over), &[g, other]);
    }
    let product = cx.times(g, other);
    cx.sum_to(product, &dims)
}

/// x' = the transposed operation on g: each is linear in x, at a fixed order.
fn order(cx: &mut Cx, op: OrderOp, over: Dims, args: &[NodeId], g: NodeId) {
    let back = match op {
        OrderOp::ArgSort | OrderOp::ArgSortDown | OrderOp::TopK => return,
        OrderOp::Take => OrderOp::Scatter,
        OrderOp::Scatter => OrderOp::Take,
        OrderOp::CumSum => OrderOp::CumSumBack,
        OrderOp::CumSumBack => OrderOp::CumSum,
        OrderOp::CumSumBy => OrderOp::CumSumByBack,
        OrderOp::CumSumByBack => OrderOp::CumSumBy,
    };
    cx.give(args[0], |cx| {
        let operands: Vec<NodeId> = [g].into_iter().chain(args[1..].iter().copied()).collect();
        cx.push(Op::Order(back, over), &operands)
    });
}

/// Back by as much; with clamped edges, the first or last entry also gets what was read beyond it.
fn shift(cx: &mut Cx, g: NodeId, dim: DimId, by: i64, edge: Edge) -> NodeId {
    let back = |edge: Edge| Op::Shift {
        dim,
        by: by.saturating_neg(),
        edge,
    };
    match edge {
        Edge::Zero | Edge::Wrap => cx.push(back(edge), &[g]),
        Edge::Clamp if by == 0 => g,
        Edge::Clamp => {
            let direct = cx.push(back(Edge::Zero), &[g]);
            let beyond = outside(cx, dim, by);
            let beyond = cx.only(beyond, g);
            let beyond = cx.reduce(ReduceOp::Sum, beyond, &Dims::one(dim));
            let at_edge = outside(cx, dim, by.signum());
            let beyond = cx.only(at_edge, beyond);
            cx.map(MapOp::Add, &[direct, beyond])
        }
    }
}

/// Where along `dim` a shift by so much reads beyond the end: found by shifting ones, since sizes
/// are not known, nor exact as floats.
fn outside(cx: &mut Cx, dim: DimId, by: i64) -> NodeId {
    let ones = cx.graph.constant(1.0, Dims::one(dim), cx.origin);
    let edge = Edge::Zero;
    let shifted = cx.push(Op::Shift { dim, by, edge }, &[ones]);
    cx.compare(MapOp::Eq, shifted, 0.0)
}

/// Where along `dim` the position is `index`, which if negative counts from the end.
fn position_is(cx: &mut Cx, dim: DimId, index: i64) -> NodeId {
    let index = match cx.graph.dims[dim.index()].size {
        DimSize::Fixed(size) if index < 0 => index + size as i64,
        _ if index >= 0 => index,
        // The last k but not the last k − 1.
        _ => {
            let last = outside(cx, dim, index);
            if index == -1 {
                return last;
            }
            let later = outside(cx, dim, index + 1);
            let earlier = cx.map(MapOp::Not, &[later]);
            return cx.map(MapOp::And, &[last, earlier]);
        }
    };
    let positions = cx.push(Op::Index(dim), &[]);
    let ty = Ty::new(Elem::Int, Dims::none());
    let index = cx.graph.leaf(Op::Const(index as f64), ty, cx.origin);
    cx.map(MapOp::Eq, &[positions, index])
}

/// ψ₁, the derivative of digamma: Σ 1/(z + k)² for k < 8, then the asymptotic series at z + 8
/// (Abramowitz and Stegun 1964, 6.4.12), with z = x or, by the reflection 6.4.7, 1 − x.
fn trigamma(cx: &mut Cx, x: NodeId) -> NodeId {
    let (positive, mirror) = (cx.compare(MapOp::Gt, x, 0.0), cx.less(1.0, x));
    let z = cx.map(MapOp::Select, &[positive, x, mirror]);
    let plus = |cx: &mut Cx, value: f64, x: NodeId| {
        let value = cx.number(value);
        cx.map(MapOp::Add, &[value, x])
    };
    let mut sum = cx.number(0.0);
    for k in 0..8 {
        let inverse = plus(cx, f64::from(k), z);
        let inverse = cx.inverse(inverse);
        let square = cx.map(MapOp::Mul, &[inverse, inverse]);
        sum = cx.map(MapOp::Add, &[sum, square]);
    }
    let w = plus(cx, 8.0, z);
    let w = cx.inverse(w);
    let square = cx.map(MapOp::Mul, &[w, w]);
    // 1/w + 1/2w² + 1/6w³ − 1/30w⁵ + 1/42w⁷ − 1/30w⁹, from the inside out.
    let mut series = cx.number(-1.0 / 30.0);
    for factor in [1.0 / 42.0, -1.0 / 30.0, 1.0 / 6.0] {
        let higher = cx.map(MapOp::Mul, &[series, square]);
        series = plus(cx, factor, higher);
    }
    let third = cx.map(MapOp::Mul, &[series, square]);
    let bracket = plus(cx, 1.0, third);
    let odd = cx.map(MapOp::Mul, &[bracket, w]);
    let half = cx.scaled(0.5, square);
    let tail = cx.map(MapOp::Add, &[odd, half]);
    let direct = cx.map(MapOp::Add, &[sum, tail]);
    // ψ₁(x) = π² / sin²(πx) − ψ₁(1 − x)
    let sine = cx.scaled(PI, x);
    let sine = cx.map(MapOp::Sin, &[sine]);
    let ratio = cx.inverse(sine);
    let ratio = cx.scaled(PI, ratio);
    let ratio = cx.map(MapOp::Mul, &[ratio, ratio]);
    let reflected = cx.map(MapOp::Sub, &[ratio, direct]);
    cx.map(MapOp::Select, &[positive, direct, reflected])
}
