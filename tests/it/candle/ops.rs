//! Every operation on tensors of many shapes, against the reference.

use super::{Case, Rng};
use lossc::ir::{
    DimId, DimSize, Dims, Edge, Elem, Grid, MapOp, NodeId, Op, OrderOp, ReduceOp, Rim,
};

const ROUNDS: usize = 120;

/// A case with up to five dims, some of size 1, few of size 0.
fn case(rng: &mut Rng) -> Case {
    let rank = rng.below(6);
    let sizes: Vec<usize> = (0..rank)
        .map(|_| match rng.below(12) {
            0 => 0,
            1..3 => 1,
            _ => 2 + rng.below(5),
        })
        .collect();
    Case::new(&sizes)
}

fn subset(rng: &mut Rng, dims: &Dims) -> Dims {
    dims.iter().filter(|_| !rng.chance(3)).collect()
}

/// An input over some of `dims`, repeated along the others.
fn operand(case: &mut Case, rng: &mut Rng, elem: Elem, dims: &Dims) -> NodeId {
    let own = if rng.chance(2) {
        dims.clone()
    } else {
        subset(rng, dims)
    };
    let x = match elem {
        Elem::Float => case.input(elem, own.clone(), || number(rng)),
        Elem::Int => case.input(elem, own.clone(), || rng.below(6) as f64 - 1.0),
        Elem::Bool => case.input(elem, own.clone(), || rng.below(2) as f64),
    };
    match own == *dims {
        true => x,
        false => case.push(Op::Broadcast(dims.clone()), &[x]),
    }
}

fn number(rng: &mut Rng) -> f64 {
    match rng.below(8) {
        0 => rng.below(5) as f64 - 2.0,
        1 => rng.real() * 1e-6,
        2 => rng.real() * 40.0,
        _ => rng.real() * 3.0,
    }
}

/// Numbers that losses should not contain and sometimes do.
fn odd_number(rng: &mut Rng) -> f64 {
    match rng.below(6) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => 0.0,
        _ => number(rng),
    }
}

/// A dim of `dims`, if there is one.
fn some(rng: &mut Rng, dims: &Dims) -> Option<DimId> {
    match dims.len() {
        0 => None,
        n => Some(dims.as_slice()[rng.below(n)]),
    }
}

fn classes_of(op: MapOp, rng: &mut Rng) -> Vec<Elem> {
    let any = rng.pick(&[Elem::Float, Elem::Int, Elem::Bool]);
    match op {
        MapOp::Not => vec![Elem::Bool],
        MapOp::And | MapOp::Or => vec![Elem::Bool; 2],
        MapOp::Float => vec![rng.pick(&[Elem::Int, Elem::Bool])],
        MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge => vec![any; 2],
        MapOp::Select => vec![Elem::Bool, any, any],
        _ => vec![Elem::Float; op.arity()],
    }
}

#[test]
fn elementwise() {
    for (i, &op) in MapOp::ALL.iter().enumerate() {
        let mut rng = Rng::new(i as u64);
        for _ in 0..ROUNDS / 2 {
            let mut case = case(&mut rng);
            let dims = case.all();
            let args: Vec<NodeId> = classes_of(op, &mut rng)
                .into_iter()
                .map(|elem| operand(&mut case, &mut rng, elem, &dims))
                .collect();
            let y = case.push(Op::Map(op), &args);
            case.output(y);
            // Sine and cosine lose digits where the result is near 0.
            case.agree(&mut rng, 4.0);
        }
    }
}

#[test]
fn elementwise_with_nan_and_infinity() {
    for (i, &op) in MapOp::ALL.iter().enumerate() {
        let mut rng = Rng::new(i as u64);
        if !classes_of(op, &mut rng).contains(&Elem::Float) && op != MapOp::Select {
            continue;
        }
        for _ in 0..ROUNDS / 4 {
            let mut case = Case::new(&[7, 5]);
            let dims = case.all();
            let mut args: Vec<NodeId> = (0..op.arity())
                .map(|_| case.input(Elem::Float, dims.clone(), || odd_number(&mut rng)))
                .collect();
            if op == MapOp::Select {
                args[0] = case.input(Elem::Bool, dims.clone(), || rng.below(2) as f64);
            }
            let y = case.push(Op::Map(op), &args);
            case.output(y);
            case.agree(&mut rng, 4.0);
        }
    }
}

/// More axes than Candle's own elementwise loops take.
#[test]
fn elementwise_over_ten_axes() {
    let mut rng = Rng::new(1);
    for op in [
        MapOp::Add,
        MapOp::Max,
        MapOp::Softplus,
        MapOp::Le,
        MapOp::Select,
    ] {
        let mut case = Case::new(&[2, 1, 2, 3, 1, 2, 1, 2, 2, 2]);
        let dims = case.all();
        let args: Vec<NodeId> = classes_of(op, &mut rng)
            .into_iter()
            .map(|elem| operand(&mut case, &mut rng, elem, &dims))
            .collect();
        let y = case.push(Op::Map(op), &args);
        case.output(y);
        if case.graph.ty(y).elem == Elem::Float {
            let over = subset(&mut rng, &dims);
            let total = case.push(Op::Reduce(ReduceOp::Sum, over), &[y]);
            case.output(total);
        }
        case.agree(&mut rng, 1e4);
    }
}

#[test]
fn constant_exponents() {
    let mut rng = Rng::new(1);
    for exponent in [-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0] {
        let mut case = Case::new(&[3, 40]);
        let dims = case.all();
        let x = case.input(Elem::Float, dims.clone(), || odd_number(&mut rng));
        let e = case.graph.constant(exponent, dims, super::ORIGIN);
        let y = case.push(Op::Map(MapOp::Pow), &[x, e]);
        case.output(y);
        case.agree(&mut rng, 1.0);
    }
}

#[test]
fn leaves() {
    let mut rng = Rng::new(1);
    for elem in [Elem::Float, Elem::Int, Elem::Bool] {
        let mut case = Case::new(&[]);
        let a = case.dim(2, DimSize::Fixed(2));
        let b = case.dim(3, DimSize::Fixed(3));
        let dims: Dims = [a, b].into_iter().collect();
        let numbers = match elem {
            Elem::Bool => vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
            _ => vec![1.0, 2.0, -3.0, 4.0, 5.0, 6.0],
        };
        let ty = lossc::ir::Ty::new(elem, dims.clone());
        let table = case
            .graph
            .leaf(Op::Table(numbers), ty.clone(), super::ORIGIN);
        let constant = case.graph.leaf(Op::Const(1.0), ty, super::ORIGIN);
        let index = case.push(Op::Index(b), &[]);
        let size = case.push(Op::Size(dims), &[]);
        for node in [table, constant, index, size] {
            case.output(node);
        }
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn reductions() {
    for (i, &op) in ReduceOp::ALL.iter().enumerate() {
        let mut rng = Rng::new(i as u64);
        for round in 0..ROUNDS {
            let mut case = case(&mut rng);
            let dims = case.all();
            let x = match round % 3 {
                0 if op.elem() == Elem::Float => {
                    case.input(op.elem(), dims.clone(), || odd_number(&mut rng))
                }
                _ => operand(&mut case, &mut rng, op.elem(), &dims),
            };
            let over = subset(&mut rng, &dims);
            let y = case.push(Op::Reduce(op, over), &[x]);
            case.output(y);
            case.agree(&mut rng, 1e3);
        }
    }
}

#[test]
fn softmaxes() {
    let mut rng = Rng::new(1);
    for round in 0..2 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(dim) = some(&mut rng, &dims) else {
            continue;
        };
        let x = match round % 3 {
            0 => case.input(Elem::Float, dims, || 1e4 * number(&mut rng)),
            _ => operand(&mut case, &mut rng, Elem::Float, &dims),
        };
        let softmax = case.push(Op::Softmax(dim), &[x]);
        let log_softmax = case.push(Op::LogSoftmax(dim), &[x]);
        case.output(softmax);
        case.output(log_softmax);
        case.agree(&mut rng, 20.0);
    }
}

#[test]
fn one_hot_and_arg_max() {
    let mut rng = Rng::new(1);
    for round in 0..2 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(dim) = some(&mut rng, &dims) else {
            continue;
        };
        let labels = operand(&mut case, &mut rng, Elem::Int, &dims.without(dim));
        let one_hot = case.push(Op::OneHot(dim), &[labels]);
        let x = match round % 3 {
            // Equal entries, so that the first matters.
            0 => case.input(Elem::Float, dims.clone(), || rng.below(2) as f64),
            1 => case.input(Elem::Float, dims.clone(), || odd_number(&mut rng)),
            _ => operand(&mut case, &mut rng, Elem::Float, &dims),
        };
        let arg_max = case.push(Op::ArgMax(dim), &[x]);
        case.output(one_hot);
        case.output(arg_max);
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn picks() {
    let mut rng = Rng::new(1);
    for _ in 0..4 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(class) = some(&mut rng, &dims) else {
            continue;
        };
        let index = dims.without(class);
        // Entries may vary along fewer dims than labels do: along none, for weights of classes.
        let own = subset(&mut rng, &index).with(class);
        let x = operand(&mut case, &mut rng, Elem::Float, &own);
        let labels = operand(&mut case, &mut rng, Elem::Int, &index);
        let y = case.push(Op::Pick(class), &[x, labels]);
        case.output(y);
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn entries_and_new_names() {
    let mut rng = Rng::new(1);
    for _ in 0..2 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(dim) = some(&mut rng, &dims) else {
            continue;
        };
        // The new name comes before or after the other dims.
        let size = case.sizes[dim.index()];
        let other = case.dim(size, DimSize::Same(dim));
        let elem = rng.pick(&[Elem::Float, Elem::Int, Elem::Bool]);
        let x = operand(&mut case, &mut rng, elem, &dims);
        let renamed = case.push(
            Op::Rename {
                from: dim,
                to: other,
            },
            &[x],
        );
        let from = other;
        let back = case.push(Op::Rename { from, to: dim }, &[renamed]);
        case.output(renamed);
        case.output(back);
        if elem == Elem::Float {
            let index = rng.below(8) as i64 - 4;
            let at = case.push(Op::At { dim, index }, &[x]);
            case.output(at);
            let at = case.push(Op::At { dim: other, index }, &[renamed]);
            case.output(at);
        }
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn slices_and_places() {
    let mut rng = Rng::new(1);
    for _ in 0..3 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(whole) = some(&mut rng, &dims) else {
            continue;
        };
        let size = case.sizes[whole.index()];
        let first = rng.below(size + 1);
        let length = rng.below(size - first + 1);
        // A negative start counts from the end; there is none for the end itself.
        let start = match rng.chance(2) && first < size {
            true => first as i64 - size as i64,
            false => first as i64,
        };
        let part = case.dim(
            length,
            DimSize::Slice {
                of: whole,
                start,
                end: Some((first + length) as i64),
            },
        );
        let elem = rng.pick(&[Elem::Float, Elem::Int, Elem::Bool]);
        let x = operand(&mut case, &mut rng, elem, &dims);
        let (from, to) = (whole, part);
        let slice = case.push(Op::Slice { from, to, start }, &[x]);
        let (from, to) = (part, whole);
        let place = case.push(Op::Place { from, to, start }, &[slice]);
        let loose = operand(&mut case, &mut rng, elem, &dims.without(whole).with(part));
        let other = case.push(Op::Place { from, to, start }, &[loose]);
        for node in [slice, place, other] {
            case.output(node);
        }
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn resolutions() {
    let mut rng = Rng::new(1);
    for _ in 0..3 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(from) = some(&mut rng, &dims) else {
            continue;
        };
        let size = rng.below(9);
        let to = case.dim(size, DimSize::Bound);
        let elem = rng.pick(&[Elem::Float, Elem::Int, Elem::Bool]);
        let x = operand(&mut case, &mut rng, elem, &dims);
        let y = operand(&mut case, &mut rng, Elem::Float, &dims);
        for grid in [Grid::First, Grid::Middle, Grid::Blocks(1 + rng.below(4))] {
            let taken = case.push(Op::Resize { from, to, grid }, &[x]);
            let summed = case.push(Op::Collect { from, to, grid }, &[y]);
            case.output(taken);
            case.output(summed);
        }
        case.agree(&mut rng, 1e4);
    }
}

#[test]
fn shifts() {
    let mut rng = Rng::new(1);
    for _ in 0..3 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(dim) = some(&mut rng, &dims) else {
            continue;
        };
        let elem = rng.pick(&[Elem::Float, Elem::Int, Elem::Bool]);
        let x = operand(&mut case, &mut rng, elem, &dims);
        for &edge in Edge::ALL {
            let by = match rng.below(10) {
                0 => 1 << 40,
                1 => -(1 << 40),
                _ => rng.below(17) as i64 - 8,
            };
            let y = case.push(Op::Shift { dim, by, edge }, &[x]);
            case.output(y);
        }
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn windows() {
    let mut rng = Rng::new(1);
    for _ in 0..3 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let Some(dim) = some(&mut rng, &dims) else {
            continue;
        };
        // Few different numbers, so that there are ties.
        let [a, b, c] = [0; 3].map(|_| {
            let own = if rng.chance(3) {
                subset(&mut rng, &dims)
            } else {
                dims.clone()
            };
            let x = case.input(Elem::Float, own.clone(), || rng.below(4) as f64 - 1.0);
            match own == dims {
                true => x,
                false => case.push(Op::Broadcast(dims.clone()), &[x]),
            }
        });
        let radius = rng.below(8);
        let weights: Vec<f64> = (0..2 * radius + 1).map(|_| rng.real()).collect();
        for &rim in Rim::ALL {
            let weights = weights.clone();
            let y = case.push(Op::WindowSum { dim, weights, rim }, &[a]);
            case.output(y);
        }
        let y = case.push(Op::WindowMax { dim, radius }, &[a]);
        let ties = case.push(Op::WindowTies { dim, radius }, &[a, y, c]);
        let others = case.push(Op::WindowTies { dim, radius }, &[a, b, c]);
        for node in [y, ties, others] {
            case.output(node);
        }
        case.agree(&mut rng, 1e4);
    }
}

#[test]
fn contractions() {
    let mut rng = Rng::new(1);
    for _ in 0..4 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let over: Dims = dims.iter().filter(|_| rng.chance(3)).collect();
        let rest = dims.minus(&over);
        let (a, b) = (subset(&mut rng, &rest), subset(&mut rng, &rest));
        let a = operand(&mut case, &mut rng, Elem::Float, &a.union(&over));
        let b = operand(&mut case, &mut rng, Elem::Float, &b.union(&over));
        let y = case.push(Op::Dot(over), &[a, b]);
        case.output(y);
        case.agree(&mut rng, 1e4);
    }
}

#[test]
fn order() {
    let mut rng = Rng::new(1);
    for _ in 0..3 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let over: Dims = dims.iter().filter(|_| rng.chance(2)).collect();
        let mut orders = Vec::new();
        for op in [OrderOp::ArgSort, OrderOp::ArgSortDown] {
            // Few different numbers, so that there are ties, and NaN.
            let own = subset(&mut rng, &dims);
            let x = case.input(Elem::Float, own, || match rng.below(8) {
                0 => f64::NAN,
                1 => f64::NEG_INFINITY,
                2 => -0.0,
                n => n as f64 - 5.0,
            });
            let x = case.push(Op::Broadcast(dims.clone()), &[x]);
            orders.push(case.push(Op::Order(op, over.clone()), &[x]));
            let k = subset(&mut rng, &dims.minus(&over));
            let k = case.input(Elem::Float, k, || rng.real() * 6.0);
            let k = case.push(Op::Broadcast(dims.minus(&over)), &[k]);
            orders.push(case.push(Op::Order(OrderOp::TopK, over.clone()), &[x, k]));
        }
        for &node in &orders {
            case.output(node);
        }
        for &op in OrderOp::ALL {
            let elem = match op {
                OrderOp::ArgSort | OrderOp::ArgSortDown | OrderOp::TopK => continue,
                OrderOp::Take => rng.pick(&[Elem::Float, Elem::Int, Elem::Bool]),
                _ => Elem::Float,
            };
            let x = operand(&mut case, &mut rng, elem, &dims);
            let second = &orders[rng.below(2) * 2..][..op.arity() - 1];
            let args: Vec<NodeId> = [x].into_iter().chain(second.iter().copied()).collect();
            let y = case.push(Op::Order(op, over.clone()), &args);
            case.output(y);
        }
        // Positions that are none, and positions twice.
        let x = operand(&mut case, &mut rng, Elem::Float, &dims);
        let p = operand(&mut case, &mut rng, Elem::Int, &dims);
        for op in [OrderOp::Take, OrderOp::Scatter] {
            let y = case.push(Op::Order(op, over.clone()), &[x, p]);
            case.output(y);
        }
        case.agree(&mut rng, 1e3);
    }
}

#[test]
fn distances() {
    let mut rng = Rng::new(1);
    for round in 0..3 * ROUNDS {
        let mut case = case(&mut rng);
        let dims = case.all();
        let along = subset(&mut rng, &dims);
        let along: Vec<(DimId, f64)> = along
            .iter()
            .map(|dim| (dim, rng.pick(&[1.0, 0.5, 2.25, 0.7])))
            .collect();
        let own = subset(&mut rng, &dims);
        let most = [2, 5, 40][round % 3];
        let mask = case.input(Elem::Bool, own, || f64::from(u8::from(rng.below(most) > 0)));
        let mask = case.push(Op::Broadcast(dims.clone()), &[mask]);
        let y = case.push(Op::Distance(along), &[mask]);
        case.output(y);
        case.agree(&mut rng, 0.0);
    }
}

/// Values that stay small for several operations, views of views, dead nodes.
#[test]
fn chains() {
    let mut rng = Rng::new(1);
    for _ in 0..ROUNDS {
        let mut case = Case::new(&[2, 3, 4, 5]);
        let all = case.all();
        let weights = Dims::one(DimId(1));
        let x = operand(&mut case, &mut rng, Elem::Float, &all);
        let w = case.input(Elem::Float, weights, || number(&mut rng));
        let softplus = case.push(Op::Map(MapOp::Softplus), &[w]);
        let spread = case.push(Op::Broadcast(all.clone()), &[softplus]);
        let square = case.push(Op::Map(MapOp::Mul), &[spread, spread]);
        let unused = case.push(Op::Map(MapOp::Exp), &[x]);
        let product = case.push(Op::Map(MapOp::Mul), &[x, square]);
        let over: Dims = subset(&mut rng, &all);
        let kept = all.minus(&over);
        let sum = case.push(Op::Reduce(ReduceOp::Sum, over.clone()), &[product]);
        let weight = case.push(Op::Reduce(ReduceOp::Sum, over), &[square]);
        let mean = case.push(Op::Map(MapOp::Div), &[sum, weight]);
        let back = case.push(Op::Broadcast(all), &[mean]);
        let centred = case.push(Op::Map(MapOp::Sub), &[x, back]);
        let total = case.push(Op::Reduce(ReduceOp::Max, kept), &[mean]);
        let _ = unused;
        for node in [mean, centred, total, mean] {
            case.output(node);
        }
        case.agree(&mut rng, 1e3);
    }
}
