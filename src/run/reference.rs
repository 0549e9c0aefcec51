//! `Graph` and arrays → arrays, one operation after the other in f64: what a graph means.
//!
//! Every node becomes an array over its dims in ascending order and is dropped after its last
//! use. Speed comes second; when another back end disagrees, this one is right.
//!
//! Where an operation looks for something that is not there, it finds NaN: `pick` with a label
//! outside the classes, `at` with a position outside the dim. (Labels are checked when tensors
//! are bound; `onehot` of such a label is all zeros.)

mod order;

use super::value::Array;
use crate::ir::{self, DimId, DimSizes, Dims, Edge, Graph, MapOp, Node, Op, ReduceOp, Rim};
use std::ops::Range;

/// The outputs of `graph`, in order.
///
/// # Panics
/// If `inputs` do not have the shapes that `sizes` say, which binding has checked.
pub fn run(graph: &Graph, sizes: &DimSizes, inputs: &[Array]) -> Vec<Array> {
    for (input, array) in graph.inputs.iter().zip(inputs) {
        let shape = sizes.shape(&input.ty.dims);
        assert_eq!(array.shape, shape, "shape of the input `{}`", input.name);
    }
    let mut last_use = vec![0; graph.nodes.len()];
    for id in graph.ids() {
        for arg in &graph.node(id).args {
            last_use[arg.index()] = id.index();
        }
    }
    for output in &graph.outputs {
        last_use[output.node.index()] = usize::MAX;
    }
    let mut values: Vec<Option<Array>> = Vec::with_capacity(graph.nodes.len());
    for (i, node) in graph.nodes.iter().enumerate() {
        let args: Vec<Operand<'_>> = node
            .args
            .iter()
            .map(|&arg| Operand {
                dims: &graph.ty(arg).dims,
                array: values[arg.index()]
                    .as_ref()
                    .expect("a value in use is kept"),
            })
            .collect();
        let value = match node.op {
            Op::Input(number) => inputs[number as usize].clone(),
            _ => eval(node, sizes, &args),
        };
        values.push((last_use[i] > i).then_some(value));
        for arg in &node.args {
            if last_use[arg.index()] == i {
                values[arg.index()] = None;
            }
        }
    }
    let output = |o: &ir::Output| values[o.node.index()].clone();
    let outputs = graph.outputs.iter().map(output);
    outputs.map(|v| v.expect("outputs are kept")).collect()
}

/// The value of an operand and the dims that it is indexed by.
#[derive(Clone, Copy)]
struct Operand<'a> {
    dims: &'a Dims,
    array: &'a Array,
}

impl Operand<'_> {
    /// The stride along each of `dims`; 0 along those that the operand lacks.
    fn strides(&self, dims: &[DimId]) -> Vec<usize> {
        let own = self.array.strides();
        let along = |dim: &DimId| self.dims.position(*dim).map_or(0, |at| own[at]);
        dims.iter().map(along).collect()
    }
}

fn eval(node: &Node, sizes: &DimSizes, args: &[Operand<'_>]) -> Array {
    let dims = &node.ty.dims;
    let shape = sizes.shape(dims);
    match &node.op {
        Op::Input(_) => unreachable!("inputs are not computed"),
        Op::Const(value) => Array::filled(shape, *value),
        Op::Table(values) => Array::new(shape, values.clone()),
        Op::Index(dim) => Array::new(shape, (0..sizes.get(*dim)).map(|i| i as f64).collect()),
        Op::Size(over) => Array::scalar(sizes.count(over) as f64),
        Op::Map(op) => Array::new(shape, map(*op, args)),
        Op::Broadcast(_) => view(shape, dims.as_slice(), args[0], 0),
        // The new name may stand elsewhere among the dims: a transposition.
        Op::Rename { from, to } => {
            let named: Vec<DimId> = dims
                .iter()
                .map(|d| if d == *to { *from } else { d })
                .collect();
            view(shape, &named, args[0], 0)
        }
        Op::At { dim, index } => at(shape, dims, args[0], *dim, *index, sizes),
        Op::Slice { from, to, start } => {
            let named: Vec<DimId> = dims
                .iter()
                .map(|d| if d == *to { *from } else { d })
                .collect();
            let start = ir::resolve(sizes.get(*from), *start, None).0;
            let length = sizes.get(*to);
            assert!(
                start + length <= sizes.get(*from),
                "a slice outside its operand"
            );
            let offset = start * args[0].strides(&[*from])[0];
            view(shape, &named, args[0], offset)
        }
        Op::Place { from, to, start } => {
            let start = ir::resolve(sizes.get(*to), *start, None).0;
            let length = sizes.get(*from);
            assert!(
                start + length <= sizes.get(*to),
                "a place outside its result"
            );
            place(shape, dims, args[0], *from, *to, start)
        }
        Op::Resize { from, to, grid } => {
            let ranges = grid.sources(sizes.get(*to), sizes.get(*from));
            stretches(shape, dims, args[0], *from, *to, &ranges)
        }
        Op::Collect { from, to, grid } => {
            let ranges = grid.takers(sizes.get(*from), sizes.get(*to));
            stretches(shape, dims, args[0], *from, *to, &ranges)
        }
        Op::Shift { dim, by, edge } => shift(args[0], *dim, *by, *edge),
        Op::WindowMax { dim, radius } => windows(args[0], *dim, |lane, here, x| {
            let inside = window(here, *radius, lane.length);
            let entries: Vec<f64> = inside.map(|p| x.array.data[lane.at(p)]).collect();
            reduce(ReduceOp::Max, &entries)
        }),
        Op::WindowSum { dim, weights, rim } => windows(args[0], *dim, |lane, here, x| {
            let entry = |p| x.array.data[lane.at(p)];
            window_sum(weights, *rim, here, lane.length, entry)
        }),
        Op::WindowTies { dim, radius } => windows(args[0], *dim, |lane, here, a| {
            let (b, c) = (&args[1].array.data, &args[2].array.data);
            let inside = window(here, *radius, lane.length).map(|p| lane.at(p));
            let tied = inside.filter(|&at| a.array.data[at] == b[lane.at(here)]);
            ir::pairwise_sum(&tied.map(|at| c[at]).collect::<Vec<f64>>())
        }),
        // Subtracting the largest first, and not log Σ exp, keeps the digits of large scores.
        Op::Softmax(dim) => lanes(args[0], *dim, |lane| {
            let largest = reduce(ReduceOp::Max, lane);
            lane.iter_mut().for_each(|x| *x = exp(*x - largest));
            let norm = ir::pairwise_sum(lane);
            lane.iter_mut().for_each(|x| *x /= norm);
        }),
        Op::LogSoftmax(dim) => lanes(args[0], *dim, |lane| {
            let largest = reduce(ReduceOp::Max, lane);
            lane.iter_mut().for_each(|x| *x -= largest);
            let norm = log_sum_exp(lane);
            lane.iter_mut().for_each(|x| *x -= norm);
        }),
        Op::Pick(dim) => pick(shape, dims, args[0], args[1], *dim),
        Op::OneHot(dim) => {
            // Labels repeated along the new dim, compared with the position along it.
            let labels = view(shape, dims.as_slice(), args[0], 0);
            let labels = Operand {
                dims,
                array: &labels,
            };
            lanes(labels, *dim, |lane| {
                for (i, x) in lane.iter_mut().enumerate() {
                    *x = truth(*x == i as f64);
                }
            })
        }
        Op::Reduce(op, over) => {
            contract(shape, dims, over, args, sizes, |values| reduce(*op, values))
        }
        Op::ArgMax(dim) => contract(shape, dims, &Dims::one(*dim), args, sizes, arg_max),
        Op::Dot(over) => contract(shape, dims, over, args, sizes, |values| {
            reduce(ReduceOp::Sum, values)
        }),
        Op::Order(op, over) => order::order(*op, over, sizes, args),
        Op::Distance(along) => order::distance(args[0], along),
        Op::StopGrad => args[0].array.clone(),
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn exp(x: f64) -> f64 {
    MapOp::Exp.eval(x, 0.0, 0.0)
}

fn map(op: MapOp, args: &[Operand<'_>]) -> Vec<f64> {
    let data = |i: usize| args[i].array.data.iter().copied();
    match args.len() {
        1 => data(0).map(|a| op.eval(a, 0.0, 0.0)).collect(),
        2 => data(0)
            .zip(data(1))
            .map(|(a, b)| op.eval(a, b, 0.0))
            .collect(),
        _ => data(0)
            .zip(data(1))
            .zip(data(2))
            .map(|((a, b), c)| op.eval(a, b, c))
            .collect(),
    }
}

/// Calls `f` with the offsets of two operands at every index of `shape`, the last dim fastest.
fn walk(
    shape: &[usize],
    strides: [&[usize]; 2],
    offsets: [usize; 2],
    f: &mut impl FnMut(usize, usize),
) {
    let [mut a, mut b] = offsets;
    match shape {
        [] => f(a, b),
        [n] => {
            for _ in 0..*n {
                f(a, b);
                a += strides[0][0];
                b += strides[1][0];
            }
        }
        [n, rest @ ..] => {
            for _ in 0..*n {
                walk(rest, [&strides[0][1..], &strides[1][1..]], [a, b], f);
                a += strides[0][0];
                b += strides[1][0];
            }
        }
    }
}

/// The operand seen through `named`, one of its dims (or none) per dim of the result.
fn view(shape: Vec<usize>, named: &[DimId], x: Operand<'_>, offset: usize) -> Array {
    let strides = x.strides(named);
    let mut data = Vec::with_capacity(shape.iter().product());
    walk(&shape, [&strides, &strides], [offset, 0], &mut |a, _| {
        data.push(x.array.data[a]);
    });
    Array::new(shape, data)
}

fn at(
    shape: Vec<usize>,
    dims: &Dims,
    x: Operand<'_>,
    dim: DimId,
    index: i64,
    sizes: &DimSizes,
) -> Array {
    let size = sizes.get(dim) as i64;
    let position = if index < 0 { index + size } else { index };
    if position < 0 || position >= size {
        return Array::filled(shape, f64::NAN);
    }
    let offset = position as usize * x.strides(&[dim])[0];
    view(shape, dims.as_slice(), x, offset)
}

fn place(
    shape: Vec<usize>,
    dims: &Dims,
    x: Operand<'_>,
    from: DimId,
    to: DimId,
    start: usize,
) -> Array {
    let mut out = Array::filled(shape, 0.0);
    let named: Vec<DimId> = dims
        .iter()
        .map(|d| if d == to { from } else { d })
        .collect();
    let (source, target) = (x.strides(&named), out.strides());
    let along = dims.position(to).expect("the result has the dim");
    let mut shape = out.shape.clone();
    shape[along] = x.array.shape[x.dims.position(from).expect("the operand has the dim")];
    let offset = start * target[along];
    walk(&shape, [&source, &target], [0, offset], &mut |a, b| {
        out.data[b] = x.array.data[a];
    });
    out
}

/// For every position along `to` the sum of a stretch of `x` along `from`.
fn stretches(
    shape: Vec<usize>,
    dims: &Dims,
    x: Operand<'_>,
    from: DimId,
    to: DimId,
    ranges: &[Range<usize>],
) -> Array {
    let (own, along) = (x.strides(dims.as_slice()), x.strides(&[from])[0]);
    let position: Vec<usize> = dims.iter().map(|d| usize::from(d == to)).collect();
    let mut data = Vec::with_capacity(shape.iter().product());
    walk(&shape, [&own, &position], [0, 0], &mut |at, i| {
        let entries = ranges[i].clone().map(|p| x.array.data[at + p * along]);
        data.push(ir::pairwise_sum(&entries.collect::<Vec<f64>>()));
    });
    Array::new(shape, data)
}

/// Applies `f` to every lane of `x` along `dim`.
fn lanes(x: Operand<'_>, dim: DimId, mut f: impl FnMut(&mut [f64])) -> Array {
    let mut out = x.array.clone();
    let axis = x.dims.position(dim).expect("the operand has the dim");
    let (length, stride) = (out.shape[axis], out.strides()[axis]);
    let block = length * stride;
    if out.data.is_empty() {
        return out;
    }
    let mut lane = vec![0.0; length];
    for block in out.data.chunks_exact_mut(block) {
        for start in 0..stride {
            let along = || (start..).step_by(stride);
            lane.iter_mut()
                .zip(along())
                .for_each(|(x, i)| *x = block[i]);
            f(&mut lane);
            lane.iter().zip(along()).for_each(|(x, i)| block[i] = *x);
        }
    }
    out
}

fn shift(x: Operand<'_>, dim: DimId, by: i64, edge: Edge) -> Array {
    let mut source = Vec::new();
    lanes(x, dim, |lane| {
        source.clear();
        source.extend_from_slice(lane);
        let last = lane.len() as i64 - 1;
        for (i, x) in lane.iter_mut().enumerate() {
            let from = (i as i64).saturating_sub(by);
            *x = match edge {
                Edge::Zero if from < 0 || from > last => 0.0,
                Edge::Zero => source[from as usize],
                Edge::Clamp => source[from.clamp(0, last) as usize],
                Edge::Wrap => source[from.rem_euclid(last + 1) as usize],
            };
        }
    })
}

/// The entries of an array that differ in their position along one dim.
struct Line {
    start: usize,
    stride: usize,
    length: usize,
}

impl Line {
    /// Where the entry at a position lies.
    fn at(&self, position: usize) -> usize {
        self.start + position * self.stride
    }
}

/// The value of `f` at every position: given its line along `dim`, where it is, and `x`.
fn windows<'a>(x: Operand<'a>, dim: DimId, f: impl Fn(&Line, usize, Operand<'a>) -> f64) -> Array {
    let axis = x.dims.position(dim).expect("the operand has the dim");
    let (length, stride) = (x.array.shape[axis], x.array.strides()[axis]);
    let entry = |at: usize| {
        let here = at / stride % length;
        let start = at - here * stride;
        let line = Line {
            start,
            stride,
            length,
        };
        f(&line, here, x)
    };
    let data = (0..x.array.data.len()).map(entry).collect();
    Array::new(x.array.shape.clone(), data)
}

/// The positions at most `radius` away that exist.
fn window(here: usize, radius: usize, length: usize) -> std::ops::Range<usize> {
    here.saturating_sub(radius)..here.saturating_add(radius).saturating_add(1).min(length)
}

/// Σ w·x around `here`, one of `length` entries.
fn window_sum(
    weights: &[f64],
    rim: Rim,
    here: usize,
    length: usize,
    entry: impl Fn(usize) -> f64,
) -> f64 {
    let (radius, last) = ((weights.len() / 2) as i64, length as i64 - 1);
    // Σ w·x around a place that may lie outside.
    let around = |centre: i64| {
        let term = |(w, p): (&f64, i64)| {
            let from = match rim {
                Rim::Zero | Rim::Pile => Some(p).filter(|p| (0..=last).contains(p))?,
                Rim::Clamp => p.clamp(0, last),
                Rim::Wrap => p.rem_euclid(last + 1),
            };
            Some(w * entry(from as usize))
        };
        let terms: Vec<f64> = weights
            .iter()
            .zip(centre - radius..)
            .filter_map(term)
            .collect();
        ir::pairwise_sum(&terms)
    };
    let here = here as i64;
    let beyond = match rim {
        Rim::Pile => radius,
        Rim::Zero | Rim::Clamp | Rim::Wrap => 0,
    };
    let first = if here == 0 { -beyond } else { here };
    let end = if here == last { last + beyond } else { here };
    ir::pairwise_sum(&(first..=end).map(around).collect::<Vec<f64>>())
}

fn pick(
    shape: Vec<usize>,
    dims: &Dims,
    x: Operand<'_>,
    labels: Operand<'_>,
    class: DimId,
) -> Array {
    let strides = [x.strides(dims.as_slice()), labels.strides(dims.as_slice())];
    let stride = x.strides(&[class])[0];
    let classes = x.array.shape[x.dims.position(class).expect("the operand has the dim")];
    let mut data = Vec::with_capacity(shape.iter().product());
    walk(&shape, [&strides[0], &strides[1]], [0, 0], &mut |a, b| {
        let label = labels.array.data[b];
        let inside = label >= 0.0 && label < classes as f64;
        data.push(match inside {
            true => x.array.data[a + label as usize * stride],
            false => f64::NAN,
        });
    });
    Array::new(shape, data)
}

/// For every index of the result, gathers what lies under it over the dims `over` (products, if
/// there are two operands) and applies `f` to that.
fn contract(
    shape: Vec<usize>,
    dims: &Dims,
    over: &Dims,
    args: &[Operand<'_>],
    sizes: &DimSizes,
    f: impl Fn(&[f64]) -> f64,
) -> Array {
    let (a, b) = (args[0], args.get(1));
    // A missing second operand is not looked at; it walks along with the first.
    let strides = |over: &Dims| {
        [
            a.strides(over.as_slice()),
            b.unwrap_or(&a).strides(over.as_slice()),
        ]
    };
    let (outer, inner) = (strides(dims), strides(over));
    let group = sizes.shape(over);
    let mut values = Vec::with_capacity(sizes.count(over));
    let mut data = Vec::with_capacity(shape.iter().product());
    walk(&shape, [&outer[0], &outer[1]], [0, 0], &mut |i, j| {
        values.clear();
        walk(&group, [&inner[0], &inner[1]], [i, j], &mut |i, j| {
            values.push(match b {
                Some(b) => a.array.data[i] * b.array.data[j],
                None => a.array.data[i],
            });
        });
        data.push(f(&values));
    });
    Array::new(shape, data)
}

fn reduce(op: ReduceOp, values: &[f64]) -> f64 {
    let largest = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(f64::NEG_INFINITY, |a, b| MapOp::Max.eval(a, b, 0.0))
    };
    match op {
        ReduceOp::Sum => ir::pairwise_sum(values),
        ReduceOp::Prod => values.iter().product(),
        ReduceOp::Max => largest(&mut values.iter().copied()),
        ReduceOp::Min => -largest(&mut values.iter().map(|x| -x)),
        ReduceOp::LogSumExp => log_sum_exp(values),
        ReduceOp::Any => truth(values.iter().any(|&x| x != 0.0)),
        ReduceOp::All => truth(values.iter().all(|&x| x != 0.0)),
    }
}

/// log Σ exp(x) = m + log Σ exp(x − m) with m the largest; −∞ of nothing and of nothing but −∞.
fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = reduce(ReduceOp::Max, values);
    if !largest.is_finite() {
        return largest;
    }
    let terms: Vec<f64> = values.iter().map(|x| exp(x - largest)).collect();
    largest + MapOp::Log.eval(ir::pairwise_sum(&terms), 0.0, 0.0)
}

/// The position of the largest, the first of equals; NaN counts as largest. 0 of nothing.
fn arg_max(values: &[f64]) -> f64 {
    let mut best = 0;
    for (i, x) in values.iter().enumerate() {
        let champion = values[best];
        if *x > champion || (x.is_nan() && !champion.is_nan()) {
            best = i;
        }
    }
    best as f64
}
