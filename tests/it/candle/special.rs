//! Functions at the ends of their ranges: near 0, at ±1e4, at ±infinity.

use super::{Case, Rng, close};
use lossc::ir::{DimId, Dims, Elem, MapOp, NodeId, Op, ReduceOp};

/// Small, middling and huge numbers of both signs.
fn grid() -> Vec<f64> {
    let mut grid = vec![
        0.0, -0.0, 0.5, 1.0, 1.5, 2.0, 0.999_999, 1.000_001, 1e4, 3e4,
    ];
    for exponent in -30..=4 {
        grid.extend([1.0, 1.7, 3.3, 7.9].map(|m| m * 10f64.powi(exponent)));
    }
    let negative: Vec<f64> = grid.iter().map(|x| -x).collect();
    grid.extend(negative);
    grid
}

fn unary(op: MapOp, numbers: &[f64], slack: f64) {
    let mut rng = Rng::new(0);
    let mut case = Case::new(&[numbers.len()]);
    let mut next = numbers.iter().copied();
    let dims = Dims::one(DimId(0));
    let x = case.input(Elem::Float, dims, || next.next().unwrap());
    let y = case.push(Op::Map(op), &[x]);
    case.output(y);
    case.agree(&mut rng, slack);
}

#[test]
fn relative_accuracy_everywhere() {
    for op in [
        MapOp::Log1p,
        MapOp::Expm1,
        MapOp::Sigmoid,
        MapOp::Softplus,
        MapOp::Relu,
        MapOp::Tanh,
        MapOp::Atan,
        MapOp::Erf,
        MapOp::Digamma,
        MapOp::Lgamma,
        MapOp::Sign,
        MapOp::Floor,
    ] {
        // Below 1e-38 an f32 has fewer digits, and e⁻ˣ of the tails lies there.
        unary(op, &grid(), 1e-32);
    }
}

#[test]
fn arc_tangent_of_infinity() {
    unary(
        MapOp::Atan,
        &[f64::INFINITY, f64::NEG_INFINITY, f64::NAN],
        0.0,
    );
}

#[test]
fn finite_arguments_never_give_nan() {
    for op in [
        MapOp::Softplus,
        MapOp::Sigmoid,
        MapOp::Expm1,
        MapOp::Atan,
        MapOp::Tanh,
    ] {
        let numbers: Vec<f64> = grid().iter().flat_map(|x| [*x, x * 1e30]).collect();
        unary(op, &numbers, 1e-32);
    }
}

#[test]
fn powers() {
    let mut rng = Rng::new(3);
    let bases = [
        0.0,
        -0.0,
        1e-30,
        0.3,
        1.0,
        -1.0,
        2.0,
        -2.0,
        -0.5,
        1e4,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let exponents = [
        0.0,
        0.5,
        -0.5,
        1.0,
        2.0,
        3.0,
        -1.0,
        -2.0,
        7.0,
        1e4,
        -1e4,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let mut case = Case::new(&[bases.len(), exponents.len()]);
    let all = case.all();
    let (mut a, mut b) = (bases.into_iter(), exponents.into_iter());
    let a = case.input(Elem::Float, Dims::one(DimId(0)), || a.next().unwrap());
    let b = case.input(Elem::Float, Dims::one(DimId(1)), || b.next().unwrap());
    let a = case.push(Op::Broadcast(all.clone()), &[a]);
    let b = case.push(Op::Broadcast(all), &[b]);
    let y = case.push(Op::Map(MapOp::Pow), &[a, b]);
    case.output(y);
    case.agree(&mut rng, 1e-30);
}

fn vector(case: &mut Case, numbers: &[f64]) -> NodeId {
    let mut next = numbers.iter().copied();
    let dims = Dims::one(DimId(0));
    case.input(Elem::Float, dims, || next.next().unwrap())
}

#[test]
fn gates_and_dead_branches() {
    let mut case = Case::new(&[4]);
    let zero = vector(&mut case, &[0.0, -0.0, 2.0, f64::NAN]);
    let wild = vector(&mut case, &[f64::INFINITY, f64::NAN, f64::INFINITY, 1.0]);
    let gate = case.push(Op::Map(MapOp::Gate), &[zero, wild]);
    let mut bits = [1.0, 1.0, 0.0, 0.0].into_iter();
    let dims = Dims::one(DimId(0));
    let condition = case.input(Elem::Bool, dims, || bits.next().unwrap());
    let select = case.push(Op::Map(MapOp::Select), &[condition, zero, wild]);
    case.output(gate);
    case.output(select);
    let tensors: Vec<_> = case
        .graph
        .inputs
        .iter()
        .zip(&case.inputs)
        .map(|(i, a)| super::tensor(a, i.ty.elem, candle_core::DType::F32, &mut Rng::new(0)))
        .collect();
    let outputs = case.candle(&tensors, candle_core::DType::F32);
    assert_eq!(outputs[0].data[..3], [0.0, 0.0, f64::INFINITY]);
    assert!(outputs[0].data[3].is_nan());
    assert_eq!(outputs[1].data[..2], [0.0, 0.0]);
    assert_eq!(outputs[1].data[2..], [f64::INFINITY, 1.0]);
}

#[test]
fn log_sum_exp_of_infinities() {
    let low = f64::NEG_INFINITY;
    let high = f64::INFINITY;
    for (numbers, expected) in [
        ([low, low, low], low),
        ([high, 1.0, low], high),
        ([low, 2.0, low], 2.0),
        ([1e4, 1e4, -1e4], 1e4 + 2f64.ln()),
        ([1.0, f64::NAN, high], f64::NAN),
        ([f64::NAN, low, low], f64::NAN),
    ] {
        let mut rng = Rng::new(0);
        let mut case = Case::new(&[3]);
        let x = vector(&mut case, &numbers);
        let all = case.all();
        let y = case.push(Op::Reduce(ReduceOp::LogSumExp, all), &[x]);
        case.output(y);
        assert!(close(case.reference()[0].data[0], expected, 1e-12, 0.0));
        case.agree(&mut rng, 0.0);
    }
}

#[test]
fn softmax_of_infinities() {
    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
    for numbers in [
        [low, low, low],
        [low, 2.0, 3.0],
        [high, 1.0, 2.0],
        [1.0, f64::NAN, 2.0],
    ] {
        let mut rng = Rng::new(0);
        let mut case = Case::new(&[3]);
        let x = vector(&mut case, &numbers);
        for op in [Op::Softmax(DimId(0)), Op::LogSoftmax(DimId(0))] {
            let y = case.push(op, &[x]);
            case.output(y);
        }
        case.agree(&mut rng, 0.0);
    }
}
