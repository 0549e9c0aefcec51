//! `ignore`: which positions count, at any dims, and what stands where none does.
//!
//! The condition is computed of the tensors as they are bound; everything else sees them with
//! zeros where their own index is ignored. A coarser index, such as a sample, is valid if any
//! position under it is. Along a renamed axis validity is renamed, along a slice it is sliced, along a
//! resized one it is resized; a difference of neighbours is valid if both are, a block if any of its
//! entries is; an index with several such axes of one origin is valid if it is in each of its readings.

use super::Lower;
use crate::hir::{AxisId, ExprId, Ignore, Step};
use crate::ir::{DimId, Dims, Graph, MapOp, NodeId, Op, Origin, Output, ReduceOp, Role, Ty};
use std::collections::HashMap;

/// From a dim of the rule to one that comes from it, step by step.
type Path = Vec<(DimId, DimId, Step)>;

/// The rule of a spec while it is lowered.
pub(super) struct Rule {
    /// Where positions count: a boolean over the dims of the condition.
    valid: NodeId,
    origin: Origin,
    /// Whether NaN comes out where nothing counts.
    strict: bool,
    /// What has been made for dims before.
    known: HashMap<Dims, Vec<NodeId>>,
}

impl Lower<'_> {
    /// Computes the condition of the rule; from here on it applies.
    pub(super) fn rule(&mut self, rule: &Ignore) {
        let origin = Origin {
            span: rule.span,
            adjoint: false,
        };
        self.sweep(&[rule.condition]);
        let ignored = self.at(rule.condition);
        // The rest of the spec does not see what the condition has seen.
        self.nodes.fill(None);
        self.rule = Some(Rule {
            valid: self.graph.map(MapOp::Not, &[ignored], origin),
            origin,
            strict: rule.strict,
            known: HashMap::new(),
        });
    }

    /// `x` with `neutral` wherever its index is ignored, if a reduction over `over` meets ignored
    /// positions at all: what every primitive that looks along a dim does with its operand.
    pub(super) fn masked(&mut self, x: NodeId, over: &Dims, neutral: f64) -> NodeId {
        if self.concerned(over).is_empty() {
            return x;
        }
        self.safe(x, neutral)
    }

    /// `x` with `neutral` wherever its index is ignored.
    pub(super) fn safe(&mut self, x: NodeId, neutral: f64) -> NodeId {
        let dims = self.graph.ty(x).dims.clone();
        match self.valid(&dims) {
            Some(valid) => self.where_valid(valid, x, neutral),
            None => x,
        }
    }

    /// Where an index over `dims` is valid, if looking along `over` meets ignored positions at all.
    pub(super) fn met(&mut self, over: &Dims, dims: &Dims) -> Option<NodeId> {
        match self.concerned(over).is_empty() {
            true => None,
            false => self.valid(dims),
        }
    }

    /// The number of valid indices over `over`, for each of the rest of `dims`.
    pub(super) fn count(&mut self, over: &Dims, dims: &Dims, origin: Origin) -> NodeId {
        let Some(valid) = self.met(over, dims) else {
            return self.graph.push(Op::Size(over.clone()), &[], origin);
        };
        let own = self.graph.ty(valid).dims.intersect(over);
        let ones = self.graph.map(MapOp::Float, &[valid], origin);
        let count = self.graph.sum(ones, own.clone(), origin);
        self.repeated(count, &over.minus(&own), origin)
    }

    /// Σ of a weight over `over`, where it is repeated along the dims of `dims` that it lacks.
    pub(super) fn mass(&mut self, w: NodeId, over: &Dims, dims: &Dims, origin: Origin) -> NodeId {
        let valid = self.met(over, dims);
        let own = self.graph.ty(w).dims.clone();
        let (w, own) = match valid {
            None => (w, own),
            // What does not vary where validity does is added up by itself.
            Some(valid) if self.graph.ty(valid).dims.intersect(&own).is_empty() => {
                let rest = over.minus(&own);
                let count = self.count(&rest, dims, origin);
                let sum = self.graph.sum(w, own.intersect(over), origin);
                return match self.graph.node(sum).op {
                    Op::Const(1.0) => count,
                    _ => self.graph.map(MapOp::Mul, &[sum, count], origin),
                };
            }
            Some(valid) => {
                let w = self.where_valid(valid, w, 0.0);
                (w, self.graph.ty(w).dims.clone())
            }
        };
        let sum = self.graph.sum(w, own.intersect(over), origin);
        self.repeated(sum, &over.minus(&own), origin)
    }

    /// Σ a·b over dims that both have.
    pub(super) fn contraction(
        &mut self,
        over: Dims,
        a: NodeId,
        b: NodeId,
        origin: Origin,
    ) -> NodeId {
        let (own, other) = (self.graph.ty(a).dims.clone(), self.graph.ty(b).dims.clone());
        let (masked, factor) = (self.masked(a, &over, 0.0), self.masked(b, &over, 0.0));
        if !self.concerned(&over).is_empty() {
            // Whether a pair is valid may be more than that each of the two is.
            let each = [self.readings(&own), self.readings(&other)].concat();
            let both = own.union(&other);
            if self.readings(&both).iter().any(|one| !each.contains(one)) {
                let product = self.graph.map(MapOp::Mul, &[masked, factor], origin);
                let product = self.safe(product, 0.0);
                return self.graph.sum(product, over, origin);
            }
        }
        self.graph.push(Op::Dot(over), &[masked, factor], origin)
    }

    /// A scalar result, which under a strict rule is NaN if nothing is valid.
    pub(super) fn result(&mut self, id: ExprId) -> NodeId {
        let node = self.at(id);
        let Some(rule) = self.rule.as_ref().filter(|rule| rule.strict) else {
            return node;
        };
        if !self.hir.expr(id).tensor {
            return node;
        }
        let (valid, origin) = (rule.valid, rule.origin);
        let dims = self.graph.ty(valid).dims.clone();
        let any = Op::Reduce(ReduceOp::Any, dims);
        let some = self.graph.push(any, &[valid], origin);
        let nan = self.graph.constant(f64::NAN, Dims::none(), origin);
        self.graph.map(MapOp::Select, &[some, node, nan], origin)
    }

    /// Where a valid label of an input is none of the classes.
    pub(super) fn no_class(&mut self, input: u32, classes: DimId) -> NodeId {
        let origin = Origin {
            span: self.hir.inputs[input as usize].span,
            adjoint: false,
        };
        let ty = self.graph.inputs[input as usize].ty.clone();
        let dims = ty.dims.clone();
        let label = self.graph.leaf(Op::Input(input), ty, origin);
        let label = self.graph.map(MapOp::Float, &[label], origin);
        let zero = self.graph.constant(0.0, Dims::none(), origin);
        let size = self.graph.push(Op::Size(Dims::one(classes)), &[], origin);
        let below = self.graph.map(MapOp::Lt, &[label, zero], origin);
        let above = self.graph.map(MapOp::Ge, &[label, size], origin);
        let mut found = self.graph.map(MapOp::Or, &[below, above], origin);
        if let Some(valid) = self.valid(&dims) {
            found = self.graph.map(MapOp::And, &[valid, found], origin);
        }
        found
    }

    /// The labels of inputs that the rule ignores wherever they stand: those of `target == 255`, alone
    /// or joined to other conditions by `or`.
    pub(super) fn spared(&self) -> Vec<(u32, i64)> {
        let rule = self.rule.iter();
        let mut rest: Vec<NodeId> = rule
            .flat_map(|r| self.graph.node(r.valid).args.clone())
            .collect();
        let mut found = Vec::new();
        while let Some(id) = rest.pop() {
            let node = self.graph.node(id);
            match (&node.op, node.args.as_slice()) {
                (Op::Map(MapOp::Or), args) | (Op::Broadcast(_), args) => rest.extend(args),
                (Op::Map(MapOp::Eq), &[a, b]) => {
                    let [a, b] = [a, b].map(|arg| &self.graph.node(arg).op);
                    if let (&Op::Input(input), &Op::Const(label))
                    | (&Op::Const(label), &Op::Input(input)) = (a, b)
                        && label.fract() == 0.0
                    {
                        found.push((input, label as i64));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// At how many indices a condition holds.
    pub(super) fn how_many(&mut self, condition: NodeId) -> NodeId {
        let origin = self.graph.node(condition).origin;
        let dims = self.graph.ty(condition).dims.clone();
        let ones = self.graph.map(MapOp::Float, &[condition], origin);
        self.graph.sum(ones, dims, origin)
    }

    /// The first index at which a condition holds: a report for each of its dims.
    pub(super) fn first(&mut self, mut condition: NodeId) -> Vec<Output> {
        let origin = self.graph.node(condition).origin;
        let dims = self.graph.ty(condition).dims.clone();
        let mut outputs = Vec::with_capacity(dims.len());
        for (k, dim) in dims.iter().enumerate() {
            let index = self.graph.push(Op::Index(dim), &[], origin);
            let index = self.graph.map(MapOp::Float, &[index], origin);
            let none = self.graph.constant(f64::INFINITY, Dims::none(), origin);
            let found = self
                .graph
                .map(MapOp::Select, &[condition, index, none], origin);
            let min = Op::Reduce(ReduceOp::Min, dims.clone());
            let node = self.graph.push(min, &[found], origin);
            let role = Role::Report(k as u32);
            outputs.push(Output { role, node });
            let here = self.graph.map(MapOp::Eq, &[index, node], origin);
            condition = self.graph.map(MapOp::And, &[condition, here], origin);
        }
        outputs
    }

    /// Where an index over `dims` is valid, over those of them that matter; `None` if all are.
    pub(super) fn valid(&mut self, dims: &Dims) -> Option<NodeId> {
        let origin = self.rule.as_ref()?.origin;
        let readings = self.readings(dims);
        let (first, rest) = readings.split_first()?;
        let both = |all, &one| self.graph.map(MapOp::And, &[all, one], origin);
        Some(rest.iter().fold(*first, both))
    }

    /// The readings of an index over `dims`, all of which must be valid: for every dim of the
    /// rule, one of those in `dims` that come from it.
    fn readings(&mut self, dims: &Dims) -> Vec<NodeId> {
        let Some(rule) = &self.rule else {
            return Vec::new();
        };
        let all = self.graph.ty(rule.valid).dims.clone();
        let (valid, origin) = (rule.valid, rule.origin);
        let concerned = self.concerned(dims);
        if concerned.is_empty() {
            return Vec::new();
        }
        if let Some(known) = rule.known.get(&concerned) {
            return known.clone();
        }
        let choices: Vec<(DimId, Vec<Path>)> = all
            .iter()
            .map(|of| {
                let own = concerned.iter();
                (of, own.flat_map(|dim| self.paths(dim, of)).collect())
            })
            .collect();
        let missing = choices.iter().filter(|(_, paths)| paths.is_empty());
        let missing: Dims = missing.map(|(of, _)| *of).collect();
        let coarse = match missing.is_empty() {
            true => valid,
            false => {
                let any = Op::Reduce(ReduceOp::Any, missing);
                self.graph.push(any, &[valid], origin)
            }
        };
        let mut readings = vec![coarse];
        for (_, paths) in choices {
            if paths.is_empty() {
                continue;
            }
            let mut next = Vec::with_capacity(readings.len() * paths.len());
            for &reading in &readings {
                for path in &paths {
                    next.push(self.along(reading, path, origin));
                }
            }
            readings = next;
        }
        if let Some(rule) = &mut self.rule {
            rule.known.insert(concerned, readings.clone());
        }
        readings
    }

    /// Validity, seen along a dim that comes from one of its own.
    fn along(&mut self, valid: NodeId, path: &Path, origin: Origin) -> NodeId {
        path.iter().fold(valid, |valid, &(from, to, step)| {
            let slice = |graph: &mut Graph, start: i64| {
                graph.push(Op::Slice { from, to, start }, &[valid], origin)
            };
            match step {
                Step::Rename => self.graph.push(Op::Rename { from, to }, &[valid], origin),
                Step::Slice(start) => slice(&mut self.graph, start),
                Step::Diff => {
                    let ends = [slice(&mut self.graph, 0), slice(&mut self.graph, 1)];
                    self.graph.map(MapOp::And, &ends, origin)
                }
                Step::Resize(grid) => {
                    let op = Op::Resize { from, to, grid };
                    self.graph.push(op, &[valid], origin)
                }
                // A block is there if any of its entries is.
                Step::Blocks(grid) => {
                    let ones = self.graph.map(MapOp::Float, &[valid], origin);
                    let op = Op::Collect { from, to, grid };
                    let count = self.graph.push(op, &[ones], origin);
                    let zero = self.graph.constant(0.0, Dims::none(), origin);
                    self.graph.map(MapOp::Gt, &[count, zero], origin)
                }
            }
        })
    }

    /// The ways from a dim of the rule to this one.
    fn paths(&self, dim: DimId, of: DimId) -> Vec<Path> {
        let ways = self
            .hir
            .axes
            .ways(self.dims.axis(dim), &[self.dims.axis(of)]);
        let found = |axis: AxisId| self.dims.find(axis);
        ways.iter()
            .filter_map(|way| {
                way.iter()
                    .map(|&(from, to, step)| Some((found(from)?, found(to)?, step)))
                    .collect()
            })
            .collect()
    }

    /// Those of `dims` that are dims of the rule or come from one.
    fn concerned(&self, dims: &Dims) -> Dims {
        let Some(rule) = &self.rule else {
            return Dims::none();
        };
        let all = &self.graph.ty(rule.valid).dims;
        dims.iter()
            .filter(|&dim| all.iter().any(|of| !self.paths(dim, of).is_empty()))
            .collect()
    }

    fn where_valid(&mut self, valid: NodeId, x: NodeId, neutral: f64) -> NodeId {
        let origin = self.graph.node(x).origin;
        let elem = self.graph.ty(x).elem;
        let ty = Ty::new(elem, Dims::none());
        let neutral = self.graph.leaf(Op::Const(neutral), ty, origin);
        self.graph.map(MapOp::Select, &[valid, x, neutral], origin)
    }

    /// `x` as often as there are indices over `over`.
    fn repeated(&mut self, x: NodeId, over: &Dims, origin: Origin) -> NodeId {
        if over.is_empty() {
            return x;
        }
        let size = self.graph.push(Op::Size(over.clone()), &[], origin);
        self.graph.map(MapOp::Mul, &[x, size], origin)
    }
}

/// What a reduction takes for an entry that does not count: it changes nothing.
pub(super) fn neutral(op: ReduceOp) -> f64 {
    match op {
        ReduceOp::Sum | ReduceOp::Any => 0.0,
        ReduceOp::Prod | ReduceOp::All => 1.0,
        ReduceOp::Max | ReduceOp::LogSumExp => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
    }
}
