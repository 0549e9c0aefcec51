//! Hir → Graph: expressions become nodes, implicit broadcasting becomes explicit, means become
//! sums and quotients. The only code that knows both.

mod dims;

use crate::hir::{AxisId, Conversion, Expr, ExprId, ExprKind, Hir, InputSource, Kind};
use crate::ir::{DimId, Elem, Graph, Input, MapOp, NodeId, Op, OrderOp, Origin, Output, Role, Ty};
use dims::DimMap;
pub use dims::signature;

/// Lowers a spec: the total, every term and weight, every report.
pub fn lower(hir: &Hir) -> Graph {
    let mut cx = Lower::new(hir);
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
/// graph is empty where nothing is to be checked.
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

struct Lower<'h> {
    hir: &'h Hir,
    dims: DimMap,
    graph: Graph,
    nodes: Vec<Option<NodeId>>,
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
            graph.inputs.push(Input {
                name: input.name.clone(),
                ty: Ty::new(elem, dims.set(&input.ty.axes)),
            });
        }
        Lower {
            hir,
            dims,
            graph,
            nodes: vec![None; hir.exprs.len()],
        }
    }

    fn outputs(&mut self, outputs: &[(Role, ExprId)]) {
        // Operands stand before users, so one sweep in order lowers everything without recursion.
        let mut needed = vec![false; self.hir.exprs.len()];
        for (_, id) in outputs {
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
        for &(role, id) in outputs {
            let node = self.at(id);
            self.graph.outputs.push(Output { role, node });
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
                self.graph.leaf(Op::Input(*i), ty, origin)
            }
            ExprKind::Map(op, args) => {
                let args: Vec<NodeId> = args.iter().map(|&a| self.at(a)).collect();
                self.graph.map(*op, &args, origin)
            }
            ExprKind::Reduce(op, axes, x) => {
                let dims = self.dims.set(axes);
                self.graph
                    .push(Op::Reduce(*op, dims), &[self.at(*x)], origin)
            }
            ExprKind::Mean(axes, x) => {
                let dims = self.dims.set(axes);
                let sum = self.graph.sum(self.at(*x), dims.clone(), origin);
                let size = self.graph.push(Op::Size(dims), &[], origin);
                self.quotient(sum, size, origin)
            }
            ExprKind::WeightedMean(axes, x, w) => self.weighted_mean(axes, *x, *w, origin),
            ExprKind::Softmax(axis, x) => {
                let dim = self.dims.one(*axis);
                self.graph.push(Op::Softmax(dim), &[self.at(*x)], origin)
            }
            ExprKind::LogSoftmax(axis, x) => {
                let dim = self.dims.one(*axis);
                self.graph.push(Op::LogSoftmax(dim), &[self.at(*x)], origin)
            }
            ExprKind::ArgMax(axis, x) => {
                let dim = self.dims.one(*axis);
                self.graph.push(Op::ArgMax(dim), &[self.at(*x)], origin)
            }
            ExprKind::Pick(axis, x, labels) => {
                let dim = self.dims.one(*axis);
                let labels = self.graph.broadcast(self.at(*labels), &ty.dims, origin);
                self.graph
                    .push(Op::Pick(dim), &[self.at(*x), labels], origin)
            }
            ExprKind::OneHot(axis, labels) => self.onehot(*axis, *labels, origin),
            ExprKind::Index(axis) => {
                let dim = self.dims.one(*axis);
                self.graph.push(Op::Index(dim), &[], origin)
            }
            ExprKind::Size(axes) => {
                let dims = self.dims.set(axes);
                self.graph.push(Op::Size(dims), &[], origin)
            }
            ExprKind::At(axis, index, x) => {
                let (dim, index) = (self.dims.one(*axis), *index);
                self.graph
                    .push(Op::At { dim, index }, &[self.at(*x)], origin)
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
            ExprKind::Shift(axis, by, edge, x) => {
                let (dim, by, edge) = (self.dims.one(*axis), *by, *edge);
                self.graph
                    .push(Op::Shift { dim, by, edge }, &[self.at(*x)], origin)
            }
            ExprKind::Dot(axes, a, b) => {
                let dims = self.dims.set(axes);
                self.graph
                    .push(Op::Dot(dims), &[self.at(*a), self.at(*b)], origin)
            }
            ExprKind::Order(op, axes, args) => {
                let over = self.dims.set(axes);
                let of = |i: usize| match (op, i) {
                    (OrderOp::TopK, 1) => ty.dims.minus(&over),
                    _ => ty.dims.clone(),
                };
                let args = args.iter().enumerate();
                let args: Vec<NodeId> = args
                    .map(|(i, &x)| self.graph.broadcast(self.at(x), &of(i), origin))
                    .collect();
                self.graph.push(Op::Order(*op, over), &args, origin)
            }
            ExprKind::Distance(along, x) => {
                let mut along: Vec<(DimId, f64)> = along
                    .iter()
                    .map(|&(axis, bits)| (self.dims.one(axis), f64::from_bits(bits)))
                    .collect();
                along.sort_by_key(|(dim, _)| *dim);
                self.graph.push(Op::Distance(along), &[self.at(*x)], origin)
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
        let total = self.graph.sum(product, dims.clone(), origin);
        let own = self.graph.ty(w).dims.intersect(&dims);
        let repeated = dims.minus(&own);
        let mut mass = self.graph.sum(w, own, origin);
        if !repeated.is_empty() {
            let count = self.graph.push(Op::Size(repeated), &[], origin);
            mass = self.graph.map(MapOp::Mul, &[mass, count], origin);
        }
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
