//! [`Graph`] → [`Dag`]: sizes put in, broadcasts dropped, composite operations spelled out.
//!
//! What is rewritten here is what a fused schedule wants and a graph need not know:
//! - softmax, log-softmax and log-sum-exp share max, exp and sum: `e = exp(x − m)`, `s = Σ e`,
//!   `p = e · (1/s)`, `log p = (x − m) − log s`;
//! - picks, views and renames move through elementwise operations to the leaves, where they cost
//!   an address: the focal factor of the true class is computed once, not once per class;
//! - factors that do not depend on the dims of a sum leave it, and Σ onehot(l)·y is `pick`.

use super::dag::{Dag, Id, Op, Source, Strided};
use super::layout::InputLayout;
use crate::ir::{self, DimId, DimSizes, Dims, Elem, Graph, MapOp, ReduceOp};
use std::collections::HashMap;
use std::ops::Range;

/// The expanded graph, and the node of every output in order.
pub(crate) fn expand(graph: &Graph, sizes: &DimSizes, layouts: &[InputLayout]) -> (Dag, Vec<Id>) {
    let mut cx = Ctx {
        graph,
        layouts,
        dag: Dag::new(sizes.clone()),
        moved: HashMap::new(),
        picked: HashMap::new(),
    };
    let mut ids: Vec<Id> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Id> = node.args.iter().map(|a| ids[a.index()]).collect();
        ids.push(cx.expand(node, &args));
    }
    let outputs = graph.outputs.iter().map(|o| ids[o.node.index()]).collect();
    (cx.dag, outputs)
}

struct Ctx<'a> {
    graph: &'a Graph,
    layouts: &'a [InputLayout],
    dag: Dag,
    moved: HashMap<(Id, DimId, Move), Id>,
    picked: HashMap<(Id, DimId, Id), Id>,
}

/// What becomes of a dim in a view.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Move {
    /// One position of it remains.
    At(usize),
    /// It is read from a position on, under another name.
    To(DimId, usize),
}

impl Ctx<'_> {
    fn size(&self, dim: DimId) -> usize {
        self.dag.sizes.get(dim)
    }

    /// The dims with more than one position, or none.
    fn several(&self, dims: &Dims) -> Dims {
        dims.iter().filter(|&d| self.size(d) != 1).collect()
    }

    /// A dim with one position is no dim.
    fn without_units(&self, dims: &Dims, at: Strided) -> (Dims, Strided) {
        let kept = |d: DimId| self.size(d) != 1;
        let strides = dims
            .iter()
            .zip(&at.strides)
            .filter(|(d, _)| kept(*d))
            .map(|(_, &s)| s);
        let strides = strides.collect();
        let offset = at.offset;
        (
            dims.iter().filter(|&d| kept(d)).collect(),
            Strided { offset, strides },
        )
    }

    fn expand(&mut self, node: &ir::Node, args: &[Id]) -> Id {
        match &node.op {
            ir::Op::Input(number) => {
                let at = Strided {
                    offset: 0,
                    strides: self.layouts[*number as usize].strides.clone(),
                };
                let dims = self.graph.inputs[*number as usize].ty.dims.clone();
                let (dims, at) = self.without_units(&dims, at);
                self.dag.add(
                    Op::Leaf(Source::Input(*number), at),
                    Vec::new(),
                    dims,
                    node.ty.elem,
                )
            }
            ir::Op::Const(value) => match node.ty.elem {
                Elem::Int => self.dag.integer(*value),
                elem => self
                    .dag
                    .add(Op::Const(value.to_bits()), Vec::new(), Dims::none(), elem),
            },
            ir::Op::Table(values) => {
                let dims = node.ty.dims.iter().filter(|&d| self.size(d) != 1).collect();
                self.dag.table(values.clone(), dims, node.ty.elem)
            }
            ir::Op::Index(dim) => self.dag.positions(*dim),
            ir::Op::Size(over) => {
                let count = self.dag.sizes.count(over);
                self.dag.number(count as f64)
            }
            ir::Op::Map(op) => self.dag.map(*op, args),
            ir::Op::Broadcast(_) | ir::Op::StopGrad => args[0],
            ir::Op::Rename { from, to } => self.reindex(args[0], *from, Move::To(*to, 0)),
            ir::Op::At { dim, index } => {
                let size = self.size(*dim);
                let at = if *index < 0 {
                    size as i64 + index
                } else {
                    *index
                };
                if at < 0 || at >= size as i64 {
                    // Nothing lies there; see the reference interpreter.
                    return self.dag.number(f64::NAN);
                }
                self.reindex(args[0], *dim, Move::At(at as usize))
            }
            ir::Op::Slice { from, to, start } => {
                let start = first(self.size(*from), *start);
                self.reindex(args[0], *from, Move::To(*to, start))
            }
            ir::Op::Place { from, to, start } => self.place(args[0], *from, *to, *start),
            ir::Op::Resize { from, to, grid } => {
                let ranges = grid.sources(self.size(*to), self.size(*from));
                self.stretches(args[0], *from, *to, ranges)
            }
            ir::Op::Collect { from, to, grid } => {
                let ranges = grid.takers(self.size(*from), self.size(*to));
                self.stretches(args[0], *from, *to, ranges)
            }
            ir::Op::Shift { dim, by, edge } => {
                let x = &self.dag.nodes[args[0]];
                if *by == 0 || (!x.dims.contains(*dim) && *edge != ir::Edge::Zero) {
                    return args[0];
                }
                let (dims, elem) = (x.dims.with(*dim), x.elem);
                let op = Op::Shift {
                    dim: *dim,
                    by: *by,
                    edge: *edge,
                };
                self.dag.add(op, args.to_vec(), dims, elem)
            }
            ir::Op::WindowMax { dim, radius } => {
                let (dim, radius) = (*dim, *radius);
                let x = &self.dag.nodes[args[0]];
                if radius == 0 || !x.dims.contains(dim) {
                    return args[0];
                }
                let op = Op::WindowMax { dim, radius };
                self.window(op, dim, args)
            }
            ir::Op::WindowSum { dim, weights, rim } => {
                let op = Op::WindowSum {
                    dim: *dim,
                    weights: weights.iter().map(|w| w.to_bits()).collect(),
                    rim: *rim,
                };
                self.window(op, *dim, args)
            }
            ir::Op::WindowTies { dim, radius } => {
                let (dim, radius) = (*dim, *radius);
                self.window(Op::WindowTies { dim, radius }, dim, args)
            }
            ir::Op::Softmax(dim) => {
                let over = Dims::one(*dim);
                if !self.dag.dims(args[0]).contains(*dim) {
                    let n = self.size(*dim) as f64;
                    return self.dag.number(1.0 / n);
                }
                let (_, e, sum) = self.shifted(args[0], &over);
                let one = self.dag.number(1.0);
                let inverse = self.dag.map(MapOp::Div, &[one, sum]);
                self.dag.map(MapOp::Mul, &[e, inverse])
            }
            ir::Op::LogSoftmax(dim) => {
                let over = Dims::one(*dim);
                if !self.dag.dims(args[0]).contains(*dim) {
                    let n = self.size(*dim) as f64;
                    return self.dag.number(-n.ln());
                }
                let (max, _, sum) = self.shifted(args[0], &over);
                let log = self.dag.map(MapOp::Log, &[sum]);
                let shifted = self.dag.map(MapOp::Sub, &[args[0], max]);
                self.dag.map(MapOp::Sub, &[shifted, log])
            }
            ir::Op::Pick(dim) => self.pick(args[0], *dim, args[1]),
            ir::Op::OneHot(dim) => {
                let positions = self.dag.positions(*dim);
                self.dag.map(MapOp::Eq, &[positions, args[0]])
            }
            ir::Op::Reduce(op, over) => self.reduce(*op, over, args[0]),
            ir::Op::ArgMax(dim) => {
                let dims = self.dag.dims(args[0]).clone();
                if !dims.contains(*dim) {
                    return self.dag.integer(0.0);
                }
                self.dag.add(
                    Op::ArgMax(*dim),
                    args.to_vec(),
                    dims.without(*dim),
                    Elem::Int,
                )
            }
            ir::Op::Dot(over) => self.dot(over, args[0], args[1]),
            ir::Op::Order(op, over) => {
                let over = self.several(over);
                let dims = self.several(&node.ty.dims);
                self.dag
                    .add(Op::Order(*op, over), args.to_vec(), dims, node.ty.elem)
            }
            ir::Op::Distance(along) => {
                // Along a dim with one position there is nothing to measure.
                let along = along.iter().filter(|(dim, _)| self.size(*dim) != 1);
                let along = along.map(|&(dim, spacing)| (dim, spacing.to_bits()));
                let op = Op::Distance(along.collect());
                let dims = self.several(&node.ty.dims);
                self.dag.add(op, args.to_vec(), dims, node.ty.elem)
            }
        }
    }

    /// A window has its dim even where all of its operands are the same along it.
    fn window(&mut self, op: Op, dim: DimId, args: &[Id]) -> Id {
        let dims = args
            .iter()
            .fold(Dims::one(dim), |all, &arg| all.union(self.dag.dims(arg)));
        self.dag.add(op, args.to_vec(), dims, Elem::Float)
    }

    /// The guarded maximum m, exp(x − m) and its sum. The guard keeps infinities from meeting:
    /// where all are −∞ the sum is 0 and its logarithm −∞, as it should be.
    fn shifted(&mut self, x: Id, over: &Dims) -> (Id, Id, Id) {
        let max = self.reduce(ReduceOp::Max, over, x);
        let bound = f64::from(f32::MAX);
        let (low, high) = (self.dag.number(-bound), self.dag.number(bound));
        let max = self.dag.map(MapOp::Clamp, &[max, low, high]);
        let shifted = self.dag.map(MapOp::Sub, &[x, max]);
        let e = self.dag.map(MapOp::Exp, &[shifted]);
        let dims = self.dag.dims(e).minus(over);
        let sum = self.dag.add(
            Op::Reduce(ReduceOp::Sum, over.clone()),
            vec![e],
            dims,
            Elem::Float,
        );
        (max, e, sum)
    }

    fn reduce(&mut self, op: ReduceOp, over: &Dims, x: Id) -> Id {
        let elem = op.elem();
        if self.dag.sizes.count(over) == 0 {
            let nothing = match op {
                ReduceOp::Sum | ReduceOp::Any => 0.0,
                ReduceOp::Prod | ReduceOp::All => 1.0,
                ReduceOp::Max | ReduceOp::LogSumExp => f64::NEG_INFINITY,
                ReduceOp::Min => f64::INFINITY,
            };
            return self
                .dag
                .add(Op::Const(nothing.to_bits()), Vec::new(), Dims::none(), elem);
        }
        let own = over.intersect(self.dag.dims(x));
        let repeats = self.dag.sizes.count(&over.minus(&own)) as f64;
        match op {
            ReduceOp::Sum => {
                let sum = self.sum(&own, x);
                let times = self.dag.number(repeats);
                self.dag.map(MapOp::Mul, &[sum, times])
            }
            ReduceOp::Prod if repeats != 1.0 => {
                let product = self.reduce(op, &own, x);
                let times = self.dag.number(repeats);
                self.dag.map(MapOp::Pow, &[product, times])
            }
            ReduceOp::LogSumExp => {
                let log = if own.is_empty() {
                    x
                } else {
                    let (max, _, sum) = self.shifted(x, &own);
                    let log = self.dag.map(MapOp::Log, &[sum]);
                    self.dag.map(MapOp::Add, &[max, log])
                };
                let times = self.dag.number(repeats.ln());
                if repeats == 1.0 {
                    log
                } else {
                    self.dag.map(MapOp::Add, &[log, times])
                }
            }
            _ if own.is_empty() => x,
            _ => {
                let dims = self.dag.dims(x).minus(&own);
                self.dag.add(Op::Reduce(op, own), vec![x], dims, elem)
            }
        }
    }

    /// Σ over dims that `x` has. Factors without them leave the sum, signs too.
    fn sum(&mut self, over: &Dims, x: Id) -> Id {
        if over.is_empty() {
            return x;
        }
        let (mut inside, mut outside, mut below) = (Vec::new(), Vec::new(), Vec::new());
        let negative = self.factors(x, over, &mut inside, &mut outside, &mut below);
        let mut sum = self.sum_of_product(over, inside);
        for factor in outside {
            sum = self.dag.map(MapOp::Mul, &[sum, factor]);
        }
        for divisor in below {
            sum = self.dag.map(MapOp::Div, &[sum, divisor]);
        }
        if negative {
            self.dag.map(MapOp::Neg, &[sum])
        } else {
            sum
        }
    }

    /// Splits a product into factors that depend on `over`, factors that do not, and divisors that
    /// do not. Says whether a sign is left over.
    fn factors(
        &self,
        x: Id,
        over: &Dims,
        inside: &mut Vec<Id>,
        outside: &mut Vec<Id>,
        below: &mut Vec<Id>,
    ) -> bool {
        let free = |id: Id| over.intersect(self.dag.dims(id)).is_empty();
        if free(x) {
            outside.push(x);
            return false;
        }
        let node = self.dag.node(x);
        match node.op {
            Op::Map(MapOp::Mul) => {
                self.factors(node.args[0], over, inside, outside, below)
                    ^ self.factors(node.args[1], over, inside, outside, below)
            }
            Op::Map(MapOp::Neg) => !self.factors(node.args[0], over, inside, outside, below),
            Op::Map(MapOp::Div) if free(node.args[1]) => {
                below.push(node.args[1]);
                self.factors(node.args[0], over, inside, outside, below)
            }
            _ => {
                inside.push(x);
                false
            }
        }
    }

    fn sum_of_product(&mut self, over: &Dims, mut inside: Vec<Id>) -> Id {
        let label = |cx: &Self, id: Id| -> Option<(DimId, Id)> {
            let node = cx.dag.node(id);
            let dim = over.iter().next().filter(|_| over.len() == 1)?;
            let label = match node.op {
                Op::Map(MapOp::Eq) if cx.dag.is_positions(node.args[0], dim) => node.args[1],
                Op::Map(MapOp::Eq) if cx.dag.is_positions(node.args[1], dim) => node.args[0],
                _ => return None,
            };
            (!cx.dag.dims(label).contains(dim)).then_some((dim, label))
        };
        if inside.len() > 1
            && let Some(at) = inside.iter().position(|&id| label(self, id).is_some())
            && let Some((dim, l)) = label(self, inside[at])
            && inside.iter().all(|&id| {
                // `pick` wants labels over every dim but the class.
                self.dag.dims(id).without(dim).is_subset(self.dag.dims(l))
            })
        {
            inside.remove(at);
            let picked: Vec<Id> = inside.iter().map(|&id| self.pick(id, dim, l)).collect();
            let product = self.product(&picked);
            // A label outside the classes has no entry: its sum is 0.
            let n = self.size(dim) as f64;
            let (zero, end) = (self.dag.integer(0.0), self.dag.integer(n));
            let low = self.dag.map(MapOp::Ge, &[l, zero]);
            let high = self.dag.map(MapOp::Lt, &[l, end]);
            let known = self.dag.map(MapOp::And, &[low, high]);
            let nothing = self.dag.number(0.0);
            return self.dag.map(MapOp::Select, &[known, product, nothing]);
        }
        if let Some((a, b)) = self.sides(over, &inside) {
            let (a, b) = (self.product(&a), self.product(&b));
            let dims = self.dag.dims(a).union(self.dag.dims(b)).minus(over);
            return self
                .dag
                .add(Op::Dot(over.clone()), vec![a, b], dims, Elem::Float);
        }
        let product = self.product(&inside);
        let dims = self.dag.dims(product).minus(over);
        self.dag.add(
            Op::Reduce(ReduceOp::Sum, over.clone()),
            vec![product],
            dims,
            Elem::Float,
        )
    }

    /// The factors on either side of a contraction: where no factor has all dims, the product would
    /// be larger than anything that there is. Each side has all dims of the sum.
    fn sides(&self, over: &Dims, factors: &[Id]) -> Option<(Vec<Id>, Vec<Id>)> {
        let dims = |id: &Id| self.dag.dims(*id);
        let largest = factors.iter().max_by_key(|&&id| self.dag.count(id))?;
        let (a, b): (Vec<Id>, Vec<Id>) = factors
            .iter()
            .partition(|&id| dims(id).is_subset(dims(largest)));
        let all = |side: &[Id]| {
            side.iter()
                .fold(Dims::none(), |all, id| all.union(dims(id)))
        };
        let (da, db) = (all(&a), all(&b));
        let shared = da.intersect(&db);
        (!b.is_empty() && !da.is_subset(&db) && over.is_subset(&shared)).then_some((a, b))
    }

    fn product(&mut self, factors: &[Id]) -> Id {
        let mut product = factors[0];
        for &factor in &factors[1..] {
            product = self.dag.map(MapOp::Mul, &[product, factor]);
        }
        product
    }

    /// The entry of `x` at the class `label`, looked up in the leaves.
    fn pick(&mut self, x: Id, dim: DimId, label: Id) -> Id {
        if !self.dag.dims(x).contains(dim) {
            return x;
        }
        if self.dag.is_positions(x, dim) {
            return label;
        }
        if let Some(&done) = self.picked.get(&(x, dim, label)) {
            return done;
        }
        let node = self.dag.node(x).clone();
        let done = match node.op {
            Op::Map(op) => {
                let args: Vec<Id> = node
                    .args
                    .iter()
                    .map(|&a| self.pick(a, dim, label))
                    .collect();
                self.dag.map(op, &args)
            }
            _ => {
                let dims = node.dims.union(self.dag.dims(label)).without(dim);
                self.dag.add(Op::Pick(dim), vec![x, label], dims, node.elem)
            }
        };
        self.picked.insert((x, dim, label), done);
        done
    }

    /// `x` with one dim fixed, cut or renamed, as a view of the leaves.
    fn reindex(&mut self, x: Id, from: DimId, how: Move) -> Id {
        if !self.dag.dims(x).contains(from) {
            return x;
        }
        if let Some(&done) = self.moved.get(&(x, from, how)) {
            return done;
        }
        let node = self.dag.node(x).clone();
        // A view under a name that is already used inside is taken of the stored value.
        let done = match &node.op {
            Op::Leaf(source, at) => {
                let (dims, at) = moved(&node.dims, at, from, how);
                let (dims, at) = self.without_units(&dims, at);
                self.dag
                    .add(Op::Leaf(*source, at), Vec::new(), dims, node.elem)
            }
            Op::Map(op) => {
                let args: Vec<Id> = node
                    .args
                    .iter()
                    .map(|&a| self.reindex(a, from, how))
                    .collect();
                self.dag.map(*op, &args)
            }
            Op::Pick(dim) if !matches!(how, Move::To(to, _) if to == *dim) => {
                let a = self.reindex(node.args[0], from, how);
                let label = self.reindex(node.args[1], from, how);
                self.pick(a, *dim, label)
            }
            Op::View(at) => {
                let (dims, at) = moved(&node.dims, at, from, how);
                let (dims, at) = self.without_units(&dims, at);
                self.dag
                    .add(Op::View(at), node.args.clone(), dims, node.elem)
            }
            _ => {
                let strides = super::layout::dense(&self.dag.sizes.shape(&node.dims));
                let at = Strided { offset: 0, strides };
                let (dims, at) = moved(&node.dims, &at, from, how);
                let (dims, at) = self.without_units(&dims, at);
                self.dag.add(Op::View(at), vec![x], dims, node.elem)
            }
        };
        self.moved.insert((x, from, how), done);
        done
    }

    fn place(&mut self, x: Id, from: DimId, to: DimId, start: i64) -> Id {
        let start = first(self.size(to), start);
        let (n, all) = (self.size(from), self.size(to));
        if !self.dag.dims(x).contains(from) {
            // The same everywhere, but for the edges.
            let positions = self.dag.positions(to);
            let (low, high) = (
                self.dag.integer(start as f64),
                self.dag.integer((start + n) as f64),
            );
            let after = self.dag.map(MapOp::Ge, &[positions, low]);
            let before = self.dag.map(MapOp::Lt, &[positions, high]);
            let within = self.dag.map(MapOp::And, &[after, before]);
            let zero = self.dag.number(0.0);
            return self.dag.map(MapOp::Select, &[within, x, zero]);
        }
        if start == 0 && n == all {
            return self.reindex(x, from, Move::To(to, 0));
        }
        let node = self.dag.node(x);
        let (dims, elem) = (node.dims.without(from).with(to), node.elem);
        self.dag
            .add(Op::Place { from, to, start }, vec![x], dims, elem)
    }

    /// Sums of stretches of `x` along `from`, one for each position along `to`.
    fn stretches(&mut self, x: Id, from: DimId, to: DimId, ranges: Vec<Range<usize>>) -> Id {
        if !self.dag.dims(x).contains(from) {
            // The same everywhere: so often as a stretch is long.
            if ranges.iter().all(|range| range.len() == 1) {
                return x;
            }
            let lengths = ranges.iter().map(|range| range.len() as f64).collect();
            let to = self.several(&Dims::one(to));
            let lengths = self.dag.table(lengths, to, Elem::Float);
            return self.dag.map(MapOp::Mul, &[x, lengths]);
        }
        let plain = ranges.len() == self.size(from);
        if plain && ranges.iter().enumerate().all(|(i, r)| *r == (i..i + 1)) {
            return self.reindex(x, from, Move::To(to, 0));
        }
        let node = self.dag.node(x);
        let dims = node.dims.without(from).union(&self.several(&Dims::one(to)));
        let elem = node.elem;
        self.dag
            .add(Op::Stretches { from, to, ranges }, vec![x], dims, elem)
    }

    /// A product and a sum where one operand has all dims; a contraction where neither has.
    fn dot(&mut self, over: &Dims, a: Id, b: Id) -> Id {
        let (da, db) = (self.dag.dims(a).clone(), self.dag.dims(b).clone());
        if da.is_subset(&db) || db.is_subset(&da) || !over.is_subset(&da.intersect(&db)) {
            let product = self.dag.map(MapOp::Mul, &[a, b]);
            return self.reduce(ReduceOp::Sum, over, product);
        }
        let dims = da.union(&db).minus(over);
        self.dag
            .add(Op::Dot(over.clone()), vec![a, b], dims, Elem::Float)
    }
}

/// The first position of a stretch of a dim; negative counts from the end.
fn first(size: usize, start: i64) -> usize {
    let at = if start < 0 {
        size as i64 + start
    } else {
        start
    };
    at.clamp(0, size as i64) as usize
}

fn moved(dims: &Dims, at: &Strided, from: DimId, how: Move) -> (Dims, Strided) {
    let old = |dim: DimId| dims.position(dim).map_or(0, |i| at.strides[i]);
    let (result, offset) = match how {
        Move::At(index) => (dims.without(from), at.offset + index * old(from)),
        Move::To(to, start) => (dims.without(from).with(to), at.offset + start * old(from)),
    };
    let stride = |dim: DimId| match how {
        Move::To(to, _) if to == dim => old(from),
        _ => old(dim),
    };
    let strides = result.iter().map(stride).collect();
    (result, Strided { offset, strides })
}
