//! Hir → Graph: expressions become nodes, implicit broadcasting becomes explicit, means become
//! sums and quotients. The only code that knows both.

mod dims;
mod valid;
mod window;

use crate::hir::{AxisId, Conversion, Expr, ExprId, ExprKind, Hir, InputSource, Kind};
use crate::ir::{
    DimId, Dims, Elem, Graph, Input, MapOp, NodeId, Op, OrderOp, Origin, Output, Role, Ty,
};
use dims::DimMap;
pub use dims::signature;
use valid::Rule;

/// Lowers a spec: the total, every term and weight, every report.
pub fn lower(hir: &Hir) -> Graph {
    let mut cx = Lower::new(hir);
    if let Some(rule) = &hir.ignore {
        cx.rule(rule);
    }
    let mut outputs = vec![(Role::Total, hir.total)];
    for (i, term) in hir.terms.iter().enumerate() {
        outputs.push((Role::Term(i as u32), term.value));
        outputs.extend(term.weight.map(|weight| (Role::Weight(i as u32), weight)));
    }
    for (i, report) in hir.reports.iter().enumerate() {
        outputs.push((Role::Report(i as u32), report.value));
    }
    cx.outputs(&outputs);
    cx.graph
}

/// Lowers the scalars whose ranges are checked when inputs are bound: report i is check i. The
/// graph is empty where nothing is to be checked. Sizes are those of the tensors, whatever is
/// ignored.
pub fn lower_checks(hir: &Hir) -> Graph {
    let mut cx = Lower::new(hir);
    let checks = hir.checks.iter().enumerate();
    let outputs: Vec<(Role, ExprId)> = checks
        .map(|(i, check)| (Role::Report(i as u32), check.value))
        .collect();
    cx.outputs(&outputs);
    // Checked scalars do not depend on tensors, so these need not be bound to evaluate them.
    for (input, declared) in cx.graph.inputs.iter_mut().zip(&hir.inputs) {
        if let InputSource::Tensor(_) = declared.source {
            input.ty = Ty::scalar();
        }
    }
    cx.graph
}

/// The check of labels under an `ignore` rule.
pub struct LabelGraphs {
    /// Report i is how many valid labels of input i are no class.
    pub counts: Graph,
    /// For each input of labels the position of the first such label: report k along its k-th dim.
    pub places: Vec<(u32, Graph)>,
    /// For some inputs a label that the rule ignores wherever it stands.
    pub spared: Vec<(u32, i64)>,
}

/// Lowers the check of labels; `None` without a rule.
pub fn lower_labels(hir: &Hir) -> Option<LabelGraphs> {
    let mut cx = Lower::new(hir);
    cx.rule(hir.ignore.as_ref()?);
    let (mut counts, mut places) = (Vec::new(), Vec::new());
    for (i, input) in hir.inputs.iter().enumerate() {
        let Kind::Labels(axis) = input.ty.kind else {
            continue;
        };
        if let Some(classes) = cx.dims.find(axis) {
            let wrong = cx.no_class(i as u32, classes);
            let node = cx.how_many(wrong);
            let role = Role::Report(i as u32);
            counts.push(Output { role, node });
            places.push((i as u32, cx.first(wrong)));
        }
    }
    let with = |outputs: Vec<Output>| Graph {
        outputs,
        ..cx.graph.clone()
    };
    Some(LabelGraphs {
        spared: cx.spared(),
        places: places
            .into_iter()
            .map(|(i, list)| (i, with(list)))
            .collect(),
        counts: with(counts),
    })
}

struct Lower<'h> {
    hir: &'h Hir,
    dims: DimMap,
    graph: Graph,
    nodes: Vec<Option<NodeId>>,
    /// What is ignored, once its condition is lowered.
    rule: Option<Rule>,
}

impl<'h> Lower<'h> {
    fn new(hir: &'h Hir) -> Lower<'h> {
        let (dims, list) = DimMap::new(hir);
        let mut graph = Graph {
            dims: list,
            ..Graph::default()
        };
        for input in &hir.inputs {
            let elem = match (&input.source, input.ty.kind) {
                (InputSource::Tensor(_), Kind::Labels(_) | Kind::Int) => Elem::Int,
                (InputSource::Tensor(_), Kind::Bool) => Elem::Bool,
                _ => Elem::Float,
            };
            let ty = Ty::new(elem, dims.set(&input.ty.axes));
            graph.inputs.push(Input {
                unit: elem == Elem::Float && input.ty.kind.is_unit(),
                ..Input::new(&input.name, ty)
            });
        }
        Lower {
            hir,
            dims,
            graph,
            nodes: vec![None; hir.exprs.len()],
            rule: None,
        }
    }

    fn outputs(&mut self, outputs: &[(Role, ExprId)]) {
        let roots: Vec<ExprId> = outputs.iter().map(|&(_, id)| id).collect();
        self.sweep(&roots);
        for &(role, id) in outputs {
            let node = self.result(id);
            self.graph.outputs.push(Output { role, node });
        }
    }

    /// Lowers expressions and what they need. Operands stand before users, so one sweep in order does
    /// it without recursion.
    fn sweep(&mut self, roots: &[ExprId]) {
        let mut needed = vec![false; self.hir.exprs.len()];
        for id in roots {
            needed[id.index()] = true;
        }
        for i in (0..needed.len()).rev() {
            if needed[i] {
                for arg in crate::hir::operands(&self.hir.exprs[i].kind) {
                    needed[arg.index()] = true;
                }
            }
        }
        for (i, expr) in self.hir.exprs.iter().enumerate() {
            if needed[i] {
                let node = self.expr(expr);
                self.nodes[i] = Some(node);
            }
        }
    }

    fn at(&self, id: ExprId) -> NodeId {
        self.nodes[id.index()].expect("operands are lowered before their users")
    }

    fn expr(&mut self, expr: &Expr) -> NodeId {
        let origin = Origin {
            span: expr.span,
            adjoint: false,
        };
        let ty = Ty::new(elem(expr.ty.kind), self.dims.set(&expr.ty.axes));
        match &expr.kind {
            ExprKind::Const(bits) => {
                let value = f64::from_bits(*bits);
                self.graph.leaf(Op::Const(value), ty, origin)
            }
            ExprKind::Table(bits) => {
                let values = bits.iter().map(|b| f64::from_bits(*b)).collect();
                let values = self.table(values, &expr.ty.axes);
                self.graph.leaf(Op::Table(values), ty, origin)
            }
            ExprKind::Input(i) => {
                let ty = self.graph.inputs[*i as usize].ty.clone();
                let input = self.graph.leaf(Op::Input(*i), ty, origin);
                // Labels at ignored positions may be no class, and floats may be NaN.
                self.safe(input, 0.0)
            }
            ExprKind::Map(op, args) => {
                let args: Vec<NodeId> = args.iter().map(|&a| self.at(a)).collect();
                self.graph.map(*op, &args, origin)
            }
            ExprKind::Reduce(op, axes, x) => {
                let dims = self.dims.set(axes);
                let x = self.masked(self.at(*x), &dims, valid::neutral(*op));
                self.graph.push(Op::Reduce(*op, dims), &[x], origin)
            }
            ExprKind::Mean(axes, x) => {
                let dims = self.dims.set(axes);
                let x = self.at(*x);
                let all = self.graph.ty(x).dims.clone();
                let kept = self.masked(x, &dims, 0.0);
                let sum = self.graph.sum(kept, dims.clone(), origin);
                let count = self.count(&dims, &all, origin);
                self.quotient(sum, count, origin)
            }
            ExprKind::WeightedMean(axes, x, w) => self.weighted_mean(axes, *x, *w, origin),
            ExprKind::Softmax(axis, x) => {
                let dim = self.dims.one(*axis);
                let x = self.masked(self.at(*x), &Dims::one(dim), f64::NEG_INFINITY);
                self.graph.push(Op::Softmax(dim), &[x], origin)
            }
            ExprKind::LogSoftmax(axis, x) => {
                let dim = self.dims.one(*axis);
                let x = self.masked(self.at(*x), &Dims::one(dim), f64::NEG_INFINITY);
                self.graph.push(Op::LogSoftmax(dim), &[x], origin)
            }
            ExprKind::ArgMax(axis, x) => {
                let dim = self.dims.one(*axis);
                let x = self.masked(self.at(*x), &Dims::one(dim), f64::NEG_INFINITY);
                self.graph.push(Op::ArgMax(dim), &[x], origin)
            }
            ExprKind::Pick(axis, x, labels) => {
                let dim = self.dims.one(*axis);
                let labels = self.graph.broadcast(self.at(*labels), &ty.dims, origin);
                let x = self.masked(self.at(*x), &Dims::one(dim), 0.0);
                self.graph.push(Op::Pick(dim), &[x, labels], origin)
            }
            ExprKind::OneHot(axis, labels) => self.onehot(*axis, *labels, origin),
            ExprKind::Index(axis) => {
                let dim = self.dims.one(*axis);
                self.graph.push(Op::Index(dim), &[], origin)
            }
            ExprKind::Size(axes) => {
                let dims = self.dims.set(axes);
                self.count(&dims, &dims, origin)
            }
            ExprKind::At(axis, index, x) => {
                let (dim, index) = (self.dims.one(*axis), *index);
                let x = self.masked(self.at(*x), &Dims::one(dim), 0.0);
                self.graph.push(Op::At { dim, index }, &[x], origin)
            }
            ExprKind::Slice {
                from,
                to,
                start,
                arg,
            } => {
                let (from, to, start) = (self.dims.one(*from), self.dims.one(*to), *start);
                self.graph
                    .push(Op::Slice { from, to, start }, &[self.at(*arg)], origin)
            }
            ExprKind::Rename { from, to, arg } => {
                let (from, to) = (self.dims.one(*from), self.dims.one(*to));
                self.graph
                    .push(Op::Rename { from, to }, &[self.at(*arg)], origin)
            }
            ExprKind::Resize {
                from,
                to,
                grid,
                arg,
            } => {
                let (from, to, grid) = (self.dims.one(*from), self.dims.one(*to), *grid);
                let op = Op::Resize { from, to, grid };
                self.graph.push(op, &[self.at(*arg)], origin)
            }
            ExprKind::Coarsen(along, size, x) => self.coarsen(along, *size, self.at(*x), origin),
            ExprKind::Shift(axis, by, edge, x) => {
                let (dim, by, edge) = (self.dims.one(*axis), *by, *edge);
                let x = self.masked(self.at(*x), &Dims::one(dim), 0.0);
                self.graph.push(Op::Shift { dim, by, edge }, &[x], origin)
            }
            ExprKind::Window(window, axes, x) => self.window(window, axes, self.at(*x), origin),
            ExprKind::Dot(axes, a, b) => {
                let dims = self.dims.set(axes);
                self.contraction(dims, self.at(*a), self.at(*b), origin)
            }
            ExprKind::Order(op, axes, args) => {
                let over = self.dims.set(axes);
                // What is ignored comes last, adds nothing, and is never chosen.
                let neutral = match op {
                    OrderOp::ArgSort | OrderOp::ArgSortDown | OrderOp::TopK => f64::NAN,
                    _ => 0.0,
                };
                let x = self.graph.broadcast(self.at(args[0]), &ty.dims, origin);
                let mut operands = vec![self.masked(x, &over, neutral)];
                for &second in &args[1..] {
                    let dims = match op {
                        OrderOp::TopK => ty.dims.minus(&over),
                        _ => ty.dims.clone(),
                    };
                    let second = self.graph.broadcast(self.at(second), &dims, origin);
                    operands.push(second);
                }
                let node = self
                    .graph
                    .push(Op::Order(*op, over.clone()), &operands, origin);
                match op {
                    OrderOp::TopK => self.masked(node, &over, 0.0),
                    _ => node,
                }
            }
            ExprKind::Distance(along, x) => {
                let mut along: Vec<(DimId, f64)> = along
                    .iter()
                    .map(|&(axis, bits)| (self.dims.one(axis), f64::from_bits(bits)))
                    .collect();
                along.sort_by_key(|(dim, _)| *dim);
                // Nothing is measured to what is ignored.
                let over = along.iter().map(|(dim, _)| *dim).collect();
                let mask = self.masked(self.at(*x), &over, 1.0);
                self.graph.push(Op::Distance(along), &[mask], origin)
            }
            ExprKind::Expand(x) => self.graph.broadcast(self.at(*x), &ty.dims, origin),
            ExprKind::StopGrad(x) => self.graph.push(Op::StopGrad, &[self.at(*x)], origin),
            ExprKind::Convert(conversion, x) => self.convert(*conversion, *x, origin),
        }
    }

    fn convert(&mut self, conversion: Conversion, x: ExprId, origin: Origin) -> NodeId {
        let arg = self.at(x);
        match conversion {
            Conversion::Softmax(axis) => {
                let dim = self.dims.one(axis);
                self.graph.push(Op::Softmax(dim), &[arg], origin)
            }
            Conversion::LogSoftmax(axis) => {
                let dim = self.dims.one(axis);
                self.graph.push(Op::LogSoftmax(dim), &[arg], origin)
            }
            Conversion::Sigmoid => self.graph.map(MapOp::Sigmoid, &[arg], origin),
            Conversion::LogSigmoid => {
                // log σ(x) = −log(1 + e⁻ˣ).
                let negative = self.graph.map(MapOp::Neg, &[arg], origin);
                let softplus = self.graph.map(MapOp::Softplus, &[negative], origin);
                self.graph.map(MapOp::Neg, &[softplus], origin)
            }
            Conversion::OneHot(axis) => self.onehot(axis, x, origin),
            Conversion::Log => self.graph.map(MapOp::Log, &[arg], origin),
            Conversion::Exp => self.graph.map(MapOp::Exp, &[arg], origin),
            Conversion::Float => self.graph.map(MapOp::Float, &[arg], origin),
            Conversion::Same => arg,
        }
    }

    fn onehot(&mut self, axis: AxisId, labels: ExprId, origin: Origin) -> NodeId {
        let dim = self.dims.one(axis);
        self.graph.push(Op::OneHot(dim), &[self.at(labels)], origin)
    }

    /// Σ w·x / Σ w, where w is repeated along the axes of x that it lacks.
    fn weighted_mean(&mut self, axes: &[AxisId], x: ExprId, w: ExprId, origin: Origin) -> NodeId {
        let dims = self.dims.set(axes);
        let (x, w) = (self.at(x), self.at(w));
        let product = match self.graph.node(w).op {
            // A weight of 1 everywhere is no weight.
            Op::Const(1.0) => x,
            _ => self.graph.map(MapOp::Mul, &[w, x], origin),
        };
        let all = self.graph.ty(product).dims.clone();
        let kept = self.masked(product, &dims, 0.0);
        let total = self.graph.sum(kept, dims.clone(), origin);
        let mass = self.mass(w, &dims, &all, origin);
        self.quotient(total, mass, origin)
    }

    /// a / b, and 0 where b is 0: a mean of nothing.
    fn quotient(&mut self, a: NodeId, b: NodeId, origin: Origin) -> NodeId {
        let dims = self.graph.ty(b).dims.clone();
        let zero = self.graph.constant(0.0, dims.clone(), origin);
        let one = self.graph.constant(1.0, dims, origin);
        let empty = self.graph.map(MapOp::Eq, &[b, zero], origin);
        let safe = self.graph.map(MapOp::Select, &[empty, one, b], origin);
        let quotient = self.graph.map(MapOp::Div, &[a, safe], origin);
        let dims = self.graph.ty(quotient).dims.clone();
        let zero = self.graph.constant(0.0, dims, origin);
        self.graph
            .map(MapOp::Select, &[empty, zero, quotient], origin)
    }

    /// Numbers in row-major order over `axes`, brought to the order of the dims.
    fn table(&self, values: Vec<f64>, axes: &[AxisId]) -> Vec<f64> {
        let dims: Vec<_> = axes.iter().map(|&a| self.dims.one(a)).collect();
        if dims.is_sorted() {
            return values;
        }
        let size = |axis: AxisId| self.hir.axes.get(axis).size.as_ref().map_or(1, |s| s.0);
        let sizes: Vec<usize> = axes.iter().map(|&a| size(a)).collect();
        let mut order: Vec<usize> = (0..dims.len()).collect();
        order.sort_by_key(|&i| dims[i]);
        (0..values.len())
            .map(|mut flat| {
                let mut position = vec![0; sizes.len()];
                for &i in order.iter().rev() {
                    position[i] = flat % sizes[i];
                    flat /= sizes[i];
                }
                let index = position.iter().zip(&sizes).fold(0, |at, (p, n)| at * n + p);
                values[index]
            })
            .collect()
    }
}

fn elem(kind: Kind) -> Elem {
    match kind {
        Kind::Labels(_) | Kind::Int => Elem::Int,
        Kind::Bool => Elem::Bool,
        Kind::Logits(_)
        | Kind::Probs(_)
        | Kind::LogProbs(_)
        | Kind::OneHot(_)
        | Kind::Mask(_)
        | Kind::Real => Elem::Float,
    }
}
