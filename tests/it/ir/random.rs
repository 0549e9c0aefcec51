//! Numbers → graphs: any list of numbers is a well-formed graph, so that proptest can shrink it.

use lossc::ir::{
    self, Dim, DimId, DimSize, DimSizes, Dims, Edge, Elem, Graph, Grid, Input, MapOp, NodeId, Op,
    OrderOp, Origin, Output, ReduceOp, Rim, Role, Ty,
};
use lossc::run::{Array, reference};
use lossc::source::{FileId, Span};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

pub const N: DimId = DimId(0);
pub const C: DimId = DimId(1);
pub const S: DimId = DimId(2);
pub const F: DimId = DimId(3);
pub const M: DimId = DimId(4);

/// So many cases. Failures are not written to files: one that is worth keeping becomes a test.
pub fn config(cases: u32) -> ProptestConfig {
    let config = ProptestConfig::with_cases(cases);
    ProptestConfig {
        failure_persistence: None,
        // The same draw in every run; `PROPTEST_RNG_SEED=7 cargo test` makes another.
        rng_seed: match config.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            given => given,
        },
        ..config
    }
}

/// Nodes made by a test come from nowhere.
pub fn origin() -> Origin {
    Origin {
        span: Span::new(FileId(0), 0, 0),
        adjoint: false,
    }
}

/// Dims `N`, `C = 3`, `S`, `F = C[1..]`, `M = N`; an input of every class.
pub fn blank() -> Graph {
    let dim = |name: &str, size| Dim {
        name: name.into(),
        size,
    };
    let stretch = DimSize::Slice {
        of: C,
        start: 1,
        end: None,
    };
    let input = |name: &str, elem, dims: &[DimId]| {
        Input::new(name, Ty::new(elem, dims.iter().copied().collect()))
    };
    Graph {
        dims: vec![
            dim("N", DimSize::Bound),
            dim("C", DimSize::Fixed(3)),
            dim("S", DimSize::Bound),
            dim("F", stretch),
            dim("M", DimSize::Same(N)),
        ],
        inputs: vec![
            input("x", Elem::Float, &[N, C]),
            input("y", Elem::Float, &[N, C, S]),
            input("w", Elem::Float, &[]),
            input("t", Elem::Int, &[N, S]),
            input("m", Elem::Bool, &[N]),
        ],
        nodes: Vec::new(),
        outputs: Vec::new(),
    }
}

/// Sizes of the dims of [`blank`].
pub fn sizes(n: usize, s: usize) -> DimSizes {
    DimSizes(vec![n, 3, s, 2, n])
}

/// Arrays for the inputs of [`blank`], from numbers in −1 … 1.
pub fn arrays(sizes: &DimSizes, numbers: &[f64]) -> Vec<Array> {
    let mut numbers = numbers.iter().copied().cycle().enumerate();
    let graph = blank();
    let mut array = |input: &Input| {
        let shape = sizes.shape(&input.ty.dims);
        let count = shape.iter().product();
        let number = |(i, x): (usize, f64)| match input.ty.elem {
            // No two equal, nor any 0: ties are tested by hand.
            Elem::Float => 2.0 * x + 0.1 + 0.05 * (i as f64 * 0.618).fract(),
            Elem::Int => (x.abs() * 2.99).floor(),
            Elem::Bool => f64::from(u8::from(x > 0.0)),
        };
        Array::new(shape, numbers.by_ref().take(count).map(number).collect())
    };
    graph.inputs.iter().map(&mut array).collect()
}

/// What one operation makes of these operands.
pub fn step(graph: &Graph, sizes: &DimSizes, node: NodeId, args: &[&Array]) -> Array {
    let node = graph.node(node);
    let mut alone = Graph {
        dims: graph.dims.clone(),
        ..Graph::default()
    };
    let mut operands = Vec::with_capacity(node.args.len());
    for (i, &arg) in node.args.iter().enumerate() {
        let ty = graph.ty(arg).clone();
        alone.inputs.push(Input::new(format!("x{i}"), ty.clone()));
        operands.push(alone.leaf(Op::Input(i as u32), ty, origin()));
    }
    let id = if operands.is_empty() {
        alone.leaf(node.op.clone(), node.ty.clone(), origin())
    } else {
        alone.push(node.op.clone(), &operands, origin())
    };
    let role = Role::Total;
    alone.outputs = vec![Output { role, node: id }];
    let arrays: Vec<Array> = args.iter().map(|&array| array.clone()).collect();
    reference::run(&alone, sizes, &arrays).remove(0)
}

/// Whether an operation rounds, so that two right ways to compute it may differ.
fn rounds(op: &Op) -> bool {
    match op {
        Op::Map(op) => !matches!(
            op,
            MapOp::Neg
                | MapOp::Abs
                | MapOp::Relu
                | MapOp::Floor
                | MapOp::Sign
                | MapOp::Not
                | MapOp::Float
                | MapOp::Max
                | MapOp::Min
                | MapOp::Eq
                | MapOp::Ne
                | MapOp::Lt
                | MapOp::Le
                | MapOp::Gt
                | MapOp::Ge
                | MapOp::And
                | MapOp::Or
                | MapOp::Select
                | MapOp::Clamp
        ),
        Op::Reduce(op, _) => matches!(op, ReduceOp::Sum | ReduceOp::Prod | ReduceOp::LogSumExp),
        Op::Softmax(_) | Op::LogSoftmax(_) | Op::Dot(_) => true,
        Op::Order(op, _) => matches!(
            op,
            OrderOp::CumSum
                | OrderOp::CumSumBack
                | OrderOp::CumSumBy
                | OrderOp::CumSumByBack
                | OrderOp::Scatter
        ),
        _ => false,
    }
}

/// How far rounding may move each number of the outputs: what comes of results that are off by up
/// to 10⁻¹² of their size wherever an operation rounds, a thousand times what f64 does.
///
/// This is large where digits cancel, beside a pole, and where a comparison hangs on a rounding
/// error; two ways to compute such a graph may differ that much and both be right. Every change is
/// tried with its opposite, so that of two numbers that are nearly equal each is once the larger.
pub fn doubt(graph: &Graph, sizes: &DimSizes, inputs: &[Array]) -> Vec<Array> {
    let exact = reference::run(graph, sizes, inputs);
    let mut most: Vec<Array> = exact
        .iter()
        .map(|array| Array::filled(array.shape.clone(), 0.0))
        .collect();
    for (seed, sign) in [
        (1u64, 1.0),
        (1, -1.0),
        (2, 1.0),
        (2, -1.0),
        (3, 1.0),
        (3, -1.0),
    ] {
        let mut state = seed;
        let mut off = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            1.0 + sign * 1e-12 * ((state >> 32) as f64 / (1u64 << 31) as f64 - 1.0)
        };
        let mut values: Vec<Array> = Vec::with_capacity(graph.nodes.len());
        for id in graph.ids() {
            let node = graph.node(id);
            let mut value = match node.op {
                Op::Input(number) => inputs[number as usize].clone(),
                _ => {
                    let args: Vec<&Array> = node.args.iter().map(|a| &values[a.index()]).collect();
                    step(graph, sizes, id, &args)
                }
            };
            if rounds(&node.op) {
                value.data.iter_mut().for_each(|x| *x *= off());
            }
            values.push(value);
        }
        for ((output, exact), most) in graph.outputs.iter().zip(&exact).zip(&mut most) {
            let moved = values[output.node.index()].data.iter().zip(&exact.data);
            for ((&new, &old), most) in moved.zip(&mut most.data) {
                let same = new == old || (new.is_nan() && old.is_nan());
                let apart = if same { 0.0 } else { (new - old).abs() };
                *most = if apart.is_nan() {
                    f64::INFINITY
                } else {
                    most.max(apart)
                };
            }
        }
    }
    most
}

/// How wild a graph may be.
#[derive(Clone, Copy, PartialEq)]
pub enum Style {
    /// Any operation on anything: values may be infinite or NaN.
    Any,
    /// Only operations on arguments where they have a moderate slope almost everywhere.
    Smooth,
}

/// A graph whose operations are chosen by `choices`, five numbers each; the total is the sum of
/// everything computed last.
pub fn graph(choices: &[u32], style: Style) -> Graph {
    let mut maker = Maker {
        graph: blank(),
        style,
    };
    for (i, input) in blank().inputs.into_iter().enumerate() {
        maker.graph.leaf(Op::Input(i as u32), input.ty, origin());
    }
    for choice in choices.chunks_exact(5) {
        maker.step([choice[0], choice[1], choice[2], choice[3], choice[4]]);
    }
    maker.finish()
}

fn pick_op(arity: usize, which: u32) -> MapOp {
    let ops = MapOp::ALL.iter().filter(|op| op.arity() == arity);
    let ops: Vec<MapOp> = ops.copied().collect();
    ops[which as usize % ops.len()]
}

struct Maker {
    graph: Graph,
    style: Style,
}

impl Maker {
    /// The last-but-`which` node of a class (counting modulo), preferring late ones.
    fn any(&self, elem: Elem, which: u32) -> NodeId {
        let of_class = |id: &NodeId| self.graph.ty(*id).elem == elem;
        let nodes: Vec<NodeId> = self.graph.ids().rev().filter(of_class).collect();
        let which = which as usize;
        // Half of the choices go to the last four, so that graphs become deep.
        let among = if which.is_multiple_of(2) {
            nodes.len().min(4)
        } else {
            nodes.len()
        };
        nodes[which / 2 % among]
    }

    fn with_dim(&self, elem: Elem, dim: DimId, which: u32) -> Option<NodeId> {
        let fits = |id: &NodeId| {
            let ty = self.graph.ty(*id);
            ty.elem == elem && ty.dims.contains(dim)
        };
        let nodes: Vec<NodeId> = self.graph.ids().rev().filter(fits).collect();
        (!nodes.is_empty()).then(|| nodes[which as usize % nodes.len()])
    }

    fn map(&mut self, op: MapOp, args: &[NodeId]) -> NodeId {
        self.graph.map(op, args, origin())
    }

    fn number(&mut self, value: f64) -> NodeId {
        self.graph.constant(value, Dims::none(), origin())
    }

    /// x² + 0.5, where a positive operand is needed.
    fn positive(&mut self, x: NodeId) -> NodeId {
        let (square, half) = (self.map(MapOp::Mul, &[x, x]), self.number(0.5));
        self.map(MapOp::Add, &[square, half])
    }

    fn some_dims(&self, x: NodeId, which: u32) -> Dims {
        let dims = self.graph.ty(x).dims.clone();
        let kept = dims.iter().enumerate().filter(|(i, _)| which >> i & 1 == 1);
        kept.map(|(_, d)| d).collect()
    }

    fn step(&mut self, [kind, a, b, c, p]: [u32; 5]) {
        let smooth = self.style == Style::Smooth;
        let x = self.any(Elem::Float, a);
        let y = self.any(Elem::Float, b);
        let dim = [N, C, S, F, M][p as usize % 5];
        match kind % 29 {
            0..=3 => self.unary(pick_op(1, p), x),
            4..=6 => self.binary(pick_op(2, p), x, y),
            7 => {
                let value = [0.0, 1.0, -1.0, 0.5, 2.0, -0.3][p as usize % 6];
                self.number(value);
            }
            8 => {
                let dims = self.some_dims(x, c);
                // The other order of choices gives products and extrema their share.
                let op = ReduceOp::ALL[p as usize % 5];
                let x = if smooth && op == ReduceOp::Prod {
                    self.map(MapOp::Tanh, &[x])
                } else {
                    x
                };
                self.graph.push(Op::Reduce(op, dims), &[x], origin());
            }
            9 => {
                let mean = self.some_dims(x, c);
                self.graph.sum(x, mean, origin());
            }
            10 => {
                let dims = self.graph.ty(x).dims.union(&self.graph.ty(y).dims);
                self.graph.broadcast(x, &dims, origin());
            }
            11 => {
                if let Some(x) = self.with_dim(Elem::Float, N, a)
                    && !self.graph.ty(x).dims.contains(M)
                {
                    self.graph
                        .push(Op::Rename { from: N, to: M }, &[x], origin());
                }
            }
            12 => {
                // An entry of a dim that may be empty is NaN.
                let dim = if smooth { C } else { dim };
                if let Some(x) = self.with_dim(Elem::Float, dim, a) {
                    let index = if p.is_multiple_of(2) { 0 } else { -1 };
                    self.graph.push(Op::At { dim, index }, &[x], origin());
                }
            }
            13 => self.stretch(a, p),
            14 => {
                if let Some(x) = self.with_dim(Elem::Float, dim, a) {
                    let (by, edge) = (i64::from(c % 7) - 3, Edge::ALL[b as usize % 3]);
                    self.graph.push(Op::Shift { dim, by, edge }, &[x], origin());
                }
            }
            15 | 16 => {
                if let Some(x) = self.with_dim(Elem::Float, dim, a) {
                    let op = if c.is_multiple_of(2) {
                        Op::Softmax(dim)
                    } else {
                        Op::LogSoftmax(dim)
                    };
                    self.graph.push(op, &[x], origin());
                }
            }
            17 => self.pick(a),
            18 => {
                let labels = self.any(Elem::Int, a);
                if !self.graph.ty(labels).dims.contains(C) {
                    self.graph.push(Op::OneHot(C), &[labels], origin());
                }
            }
            19 => {
                if let Some(x) = self.with_dim(Elem::Float, dim, a) {
                    self.graph.push(Op::ArgMax(dim), &[x], origin());
                }
            }
            20 => {
                let dims = self.graph.ty(x).dims.intersect(&self.graph.ty(y).dims);
                let over = dims.iter().enumerate().filter(|(i, _)| c >> i & 1 == 1);
                let over = over.map(|(_, d)| d).collect();
                self.graph.push(Op::Dot(over), &[x, y], origin());
            }
            21 => {
                let (cond, z) = (self.any(Elem::Bool, c), self.any(Elem::Float, p));
                self.map(MapOp::Select, &[cond, x, z]);
            }
            22 => {
                if let Some(x) = self.with_dim(Elem::Float, dim, a) {
                    let weights = [0.5, -1.0, 0.25, 2.0, 0.125, -0.5, 1.0];
                    let weights = weights[..1 + 2 * (c as usize % 4)].to_vec();
                    let rim = Rim::ALL[b as usize % 4];
                    let op = Op::WindowSum { dim, weights, rim };
                    self.graph.push(op, &[x], origin());
                }
            }
            23 => self.largest_around(a, b, c),
            28 => self.other_resolution(a, b, c, dim),
            24 => {
                let (low, high) = (self.number(-0.7), self.number(0.9));
                self.map(MapOp::Clamp, &[x, low, high]);
            }
            25 | 26 => self.order([a, b, c, p]),
            _ => self.leaf(x, dim, p),
        }
    }

    /// Orders come from the inputs, in which no two numbers are equal: of what is computed, rounding
    /// could decide.
    fn order(&mut self, [a, b, c, p]: [u32; 4]) {
        let number = OrderOp::ALL[p as usize % OrderOp::ALL.len()];
        let x = self.any(Elem::Float, a);
        if matches!(number, OrderOp::CumSum | OrderOp::CumSumBack) {
            let over = self.some_dims(x, c);
            self.graph.push(Op::Order(number, over), &[x], origin());
            return;
        }
        let input = NodeId(b % 2);
        let dims = self.graph.ty(input).dims.clone();
        let over = self.some_dims(input, c);
        match number {
            OrderOp::TopK => {
                let k = self.number(f64::from(a % 4));
                let k = self.graph.broadcast(k, &dims.minus(&over), origin());
                self.graph
                    .push(Op::Order(number, over), &[input, k], origin());
            }
            OrderOp::ArgSort | OrderOp::ArgSortDown => {
                self.graph.push(Op::Order(number, over), &[input], origin());
            }
            _ if self.graph.ty(x).dims.is_subset(&dims) => {
                let x = self.graph.broadcast(x, &dims, origin());
                let sort = [OrderOp::ArgSort, OrderOp::ArgSortDown][a as usize % 2];
                let order = Op::Order(sort, over.clone());
                let order = self.graph.push(order, &[input], origin());
                self.graph
                    .push(Op::Order(number, over), &[x, order], origin());
            }
            _ => {}
        }
    }

    /// Maxima over windows of an input, along one or two dims. Of an input, because whether computed
    /// numbers tie depends on who computes them, and the gradient on whether they tie.
    fn largest_around(&mut self, a: u32, b: u32, c: u32) {
        let x = NodeId([0, 1][a as usize % 2]);
        let mut y = x;
        for (i, dim) in self.graph.ty(x).dims.clone().iter().enumerate() {
            if b >> i & 1 == 1 {
                let radius = c as usize % 3;
                y = self
                    .graph
                    .push(Op::WindowMax { dim, radius }, &[y], origin());
            }
        }
    }

    /// An operand along one of its dims at the size of another.
    fn other_resolution(&mut self, a: u32, b: u32, c: u32, from: DimId) {
        let to = [N, C, S, F, M][b as usize % 5];
        let grid =
            [Grid::First, Grid::Middle, Grid::Blocks(1 + c as usize % 3)][c as usize / 3 % 3];
        if let Some(x) = self.with_dim(Elem::Float, from, a)
            && !self.graph.ty(x).dims.contains(to)
        {
            let op = match c % 2 {
                0 => Op::Resize { from, to, grid },
                _ => Op::Collect { from, to, grid },
            };
            self.graph.push(op, &[x], origin());
        }
    }

    fn leaf(&mut self, x: NodeId, dim: DimId, p: u32) {
        match p % 4 {
            0 => self.graph.push(Op::Index(dim), &[], origin()),
            1 => self.graph.push(Op::Size(Dims::one(dim)), &[], origin()),
            2 => {
                let ty = Ty::new(Elem::Float, Dims::one(C));
                self.graph
                    .leaf(Op::Table(vec![0.2, -0.5, 0.8]), ty, origin())
            }
            // Differences see through it.
            _ if self.style == Style::Smooth => x,
            _ => self.graph.push(Op::StopGrad, &[x], origin()),
        };
    }

    fn stretch(&mut self, a: u32, p: u32) {
        let (from, to, start) = (C, F, [1, 0, -2][p as usize % 3]);
        if let Some(x) = self.with_dim(Elem::Float, C, a)
            && !self.graph.ty(x).dims.contains(F)
            && p.is_multiple_of(2)
        {
            self.graph
                .push(Op::Slice { from, to, start }, &[x], origin());
        } else if let Some(x) = self.with_dim(Elem::Float, F, a)
            && !self.graph.ty(x).dims.contains(C)
        {
            let (from, to) = (F, C);
            self.graph
                .push(Op::Place { from, to, start }, &[x], origin());
        }
    }

    fn pick(&mut self, a: u32) {
        let Some(x) = self.with_dim(Elem::Float, C, a) else {
            return;
        };
        // Only the input holds labels that are surely in range.
        let labels = NodeId(3);
        let rest = self.graph.ty(x).dims.without(C);
        let dims = rest.union(&self.graph.ty(labels).dims);
        let labels = self.graph.broadcast(labels, &dims, origin());
        self.graph.push(Op::Pick(C), &[x, labels], origin());
    }

    fn unary(&mut self, op: MapOp, x: NodeId) {
        let x = match op {
            MapOp::Not => self.any(Elem::Bool, x.0),
            MapOp::Float => self.any([Elem::Bool, Elem::Int][x.index() % 2], x.0),
            _ if self.style == Style::Any => x,
            MapOp::Log | MapOp::Sqrt | MapOp::Log1p | MapOp::Lgamma | MapOp::Digamma => {
                self.positive(x)
            }
            MapOp::Exp | MapOp::Expm1 => self.map(MapOp::Tanh, &[x]),
            _ => x,
        };
        self.map(op, &[x]);
    }

    fn binary(&mut self, op: MapOp, x: NodeId, y: NodeId) {
        let (x, y) = match op {
            MapOp::And | MapOp::Or => (self.any(Elem::Bool, x.0), self.any(Elem::Bool, y.0)),
            _ if self.style == Style::Any => (x, y),
            MapOp::Div => (x, self.positive(y)),
            MapOp::Pow => (self.positive(x), self.map(MapOp::Tanh, &[y])),
            MapOp::Mul => (x, self.map(MapOp::Tanh, &[y])),
            _ => (x, y),
        };
        self.map(op, &[x, y]);
    }

    /// The sum of the last few floats, so that most nodes matter.
    fn finish(mut self) -> Graph {
        let floats: Vec<NodeId> = (0..6).map(|i| self.any(Elem::Float, 2 * i)).collect();
        let mut sums = Vec::new();
        for x in floats {
            let dims = self.graph.ty(x).dims.clone();
            sums.push(self.graph.sum(x, dims, origin()));
        }
        let mut total = sums[0];
        for &sum in &sums[1..] {
            total = self.map(MapOp::Add, &[total, sum]);
        }
        let output = |role, node| Output { role, node };
        self.graph.outputs = vec![output(Role::Total, total), output(Role::Term(0), sums[0])];
        ir::verify(&self.graph).expect("random graphs are well-formed");
        self.graph
    }
}
