//! `Graph` → the same and the gradient of its total, in reverse mode.
//!
//! The forward nodes stay as they are. After them come the input `upstream` and, walking from the
//! total backwards, the adjoints of those nodes that the total depends on and that depend on a
//! wanted input in turn; what each operation contributes is said in `adjoint.rs`. Every wanted
//! input of floats gets an output `grad.i` of its type: zeros if the total does not depend on it.
//!
//! Adjoint nodes point to the spec where the forward node does. They are not shared with forward
//! nodes that compute the same; that is left to `cse`.

use super::adjoint::adjoint;
use super::slope::{self, Level};
use super::{Config, Pass, UPSTREAM};
use crate::ir::{Dims, Elem, Graph, Input, MapOp, NodeId, Op, Origin, Output, ReduceOp, Role, Ty};

/// The pass.
pub const PASS: Pass = Pass {
    name: "differentiate",
    about: "adds the gradient of the total with respect to the inputs that want one",
    run,
};

fn run(mut graph: Graph, config: &Config) -> Graph {
    let total = graph.outputs.iter().find(|o| o.role == Role::Total);
    let Some(total) = total.map(|o| o.node) else {
        return graph;
    };
    let wanted = wanted(&graph, config);
    let needs = needs(&graph, &wanted);
    let forward = graph.nodes.len();
    let origin = Origin {
        adjoint: true,
        ..graph.node(total).origin
    };
    graph.inputs.push(Input::new(UPSTREAM, Ty::scalar()));
    let upstream = Op::Input(graph.inputs.len() as u32 - 1);
    let upstream = graph.leaf(upstream, Ty::scalar(), origin);

    let mut cx = Cx::new(graph, needs, origin);
    cx.add(total, upstream);
    for id in (0..forward as u32).rev().map(NodeId) {
        if let Some(g) = cx.of(id) {
            cx.at(id);
            adjoint(&mut cx, id, g);
        }
    }
    for input in wanted {
        let node = cx.of_input(input, forward, origin);
        let role = Role::Grad(input);
        cx.graph.outputs.push(Output { role, node });
    }
    cx.graph
}

/// The inputs of floats among the wanted ones, each once.
fn wanted(graph: &Graph, config: &Config) -> Vec<u32> {
    let mut wanted: Vec<u32> = config.wanted.clone();
    let is_float =
        |i: &u32| matches!(graph.inputs.get(*i as usize), Some(x) if x.ty.elem == Elem::Float);
    wanted.retain(is_float);
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// Which nodes are floats that depend on a wanted input.
fn needs(graph: &Graph, wanted: &[u32]) -> Vec<bool> {
    let mut needs = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let depends = match &node.op {
            Op::Input(input) => wanted.contains(input),
            _ => node.args.iter().any(|arg| needs[arg.index()]),
        };
        needs.push(depends && node.ty.elem == Elem::Float);
    }
    needs
}

/// A graph whose adjoint grows at its end.
pub(super) struct Cx {
    pub(super) graph: Graph,
    /// Which forward nodes have an adjoint worth computing.
    needs: Vec<bool>,
    /// Which forward nodes may be discarded by a `select`.
    discarded: Vec<bool>,
    levels: Vec<Level>,
    adjoints: Vec<Option<NodeId>>,
    /// Where new nodes come from, and the forward node that they are about.
    pub(super) origin: Origin,
    here: usize,
}

impl Cx {
    pub(super) fn new(graph: Graph, needs: Vec<bool>, origin: Origin) -> Cx {
        Cx {
            discarded: slope::discarded(&graph),
            levels: Vec::new(),
            adjoints: vec![None; graph.nodes.len()],
            here: 0,
            graph,
            needs,
            origin,
        }
    }

    /// The adjoint of a forward node, if anything depends on it.
    pub(super) fn of(&self, id: NodeId) -> Option<NodeId> {
        self.adjoints[id.index()].filter(|_| self.needs[id.index()])
    }

    /// The gradient of an input: the sum over the nodes that read it.
    pub(super) fn of_input(&mut self, input: u32, forward: usize, origin: Origin) -> NodeId {
        let reads = |i: &usize| self.graph.nodes[*i].op == Op::Input(input);
        let parts: Vec<NodeId> = (0..forward)
            .filter(reads)
            .filter_map(|i| self.adjoints[i])
            .collect();
        let dims = self.graph.inputs[input as usize].ty.dims.clone();
        match parts.split_first() {
            None => self.graph.constant(0.0, dims, origin),
            Some((first, rest)) => rest.iter().fold(*first, |sum, &part| {
                self.graph.map(MapOp::Add, &[sum, part], origin)
            }),
        }
    }

    /// What follows is about this forward node.
    pub(super) fn at(&mut self, id: NodeId) {
        self.here = id.index();
        self.origin = Origin {
            adjoint: true,
            ..self.graph.node(id).origin
        };
    }

    /// Adds to the adjoint of a forward node.
    pub(super) fn add(&mut self, id: NodeId, part: NodeId) {
        let sum = match self.adjoints[id.index()] {
            Some(others) => self.map(MapOp::Add, &[others, part]),
            None => part,
        };
        self.adjoints[id.index()] = Some(sum);
    }

    /// Adds to the adjoint of an operand what `part` makes, if that operand needs one.
    pub(super) fn give(&mut self, arg: NodeId, part: impl FnOnce(&mut Cx) -> NodeId) {
        if self.needs[arg.index()] {
            let part = part(self);
            self.add(arg, part);
        }
    }

    pub(super) fn push(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.graph.push(op, args, self.origin)
    }

    pub(super) fn map(&mut self, op: MapOp, args: &[NodeId]) -> NodeId {
        self.graph.map(op, args, self.origin)
    }

    pub(super) fn number(&mut self, value: f64) -> NodeId {
        self.graph.constant(value, Dims::none(), self.origin)
    }

    pub(super) fn reduce(&mut self, op: ReduceOp, x: NodeId, dims: &Dims) -> NodeId {
        self.push(Op::Reduce(op, dims.clone()), &[x])
    }

    /// Σ over those dims of `x` that are not in `dims`.
    pub(super) fn sum_to(&mut self, x: NodeId, dims: &Dims) -> NodeId {
        let over = self.graph.ty(x).dims.minus(dims);
        self.graph.sum(x, over, self.origin)
    }

    pub(super) fn dims(&self, id: NodeId) -> Dims {
        self.graph.ty(id).dims.clone()
    }

    fn level(&mut self, id: NodeId) -> Level {
        for i in self.levels.len()..=id.index() {
            let level = slope::level(&self.graph, &self.graph.nodes[i], &self.levels);
            self.levels.push(level);
        }
        self.levels[id.index()]
    }

    /// g · slope, and 0 where g is 0 even if the slope is not finite there.
    pub(super) fn times(&mut self, g: NodeId, slope: NodeId) -> NodeId {
        let level = self.level(slope);
        self.times_at(level, g, slope)
    }

    /// As `times`, for a slope that is small wherever `x` is finite, although its operations
    /// would let one expect worse.
    pub(super) fn times_bounded(&mut self, g: NodeId, slope: NodeId, x: NodeId) -> NodeId {
        let level = match self.level(x) {
            Level::Wild => Level::Wild,
            _ => Level::Bounded,
        };
        self.times_at(level, g, slope)
    }

    /// Whether an adjoint of 0 stays 0 in a plain product with this node.
    pub(super) fn is_plain(&mut self, slope: NodeId) -> bool {
        let level = self.level(slope);
        self.plain_at(level)
    }

    fn plain_at(&self, level: Level) -> bool {
        match level {
            Level::Finite => true,
            Level::Bounded | Level::Tame => !self.discarded[self.here],
            Level::Wild => false,
        }
    }

    fn times_at(&mut self, level: Level, g: NodeId, slope: NodeId) -> NodeId {
        let plain = self.plain_at(level);
        self.map(if plain { MapOp::Mul } else { MapOp::Gate }, &[g, slope])
    }

    /// g where the condition holds, else 0.
    pub(super) fn only(&mut self, cond: NodeId, g: NodeId) -> NodeId {
        let zero = self.number(0.0);
        self.map(MapOp::Select, &[cond, g, zero])
    }

    pub(super) fn compare(&mut self, op: MapOp, x: NodeId, value: f64) -> NodeId {
        let value = self.number(value);
        self.map(op, &[x, value])
    }

    /// 1 / x.
    pub(super) fn inverse(&mut self, x: NodeId) -> NodeId {
        let one = self.number(1.0);
        self.map(MapOp::Div, &[one, x])
    }

    /// value − x.
    pub(super) fn less(&mut self, value: f64, x: NodeId) -> NodeId {
        let value = self.number(value);
        self.map(MapOp::Sub, &[value, x])
    }

    /// value · x.
    pub(super) fn scaled(&mut self, value: f64, x: NodeId) -> NodeId {
        let value = self.number(value);
        self.map(MapOp::Mul, &[value, x])
    }
}
