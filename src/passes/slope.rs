//! Which nodes are sure to be finite, and so may multiply an adjoint plainly.
//!
//! An adjoint that is exactly 0 has to stay 0 whatever it meets: the branch that a `select` did
//! not take may be infinite or NaN. [`MapOp::Gate`] multiplies so, but costs back ends more than a
//! product; where the other factor cannot misbehave, a product does. Conservative: a node is
//! finite only if the table below says so.

use crate::ir::{DimId, DimSize, Elem, Graph, MapOp, Node, NodeId, Op, OrderOp, ReduceOp};

/// How far a node can be trusted; later is worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    /// Finite whatever is bound.
    Finite,
    /// Of moderate size if the inputs are finite.
    Bounded,
    /// Not much larger than the inputs.
    Tame,
    /// May overflow, or be infinite or NaN at finite inputs.
    Wild,
}

/// The level of a node, given those of all nodes before it.
pub(super) fn level(graph: &Graph, node: &Node, levels: &[Level]) -> Level {
    let arg = |i: usize| levels[node.args[i].index()];
    let worst = || (0..node.args.len()).map(arg).max();
    match &node.op {
        Op::Input(n) if graph.inputs[*n as usize].unit => Level::Bounded,
        Op::Input(_) => Level::Tame,
        Op::Const(value) => finite(*value),
        Op::Table(values) => values
            .iter()
            .map(|&v| finite(v))
            .max()
            .unwrap_or(Level::Finite),
        Op::Index(_) | Op::Size(_) | Op::OneHot(_) | Op::ArgMax(_) => Level::Finite,
        Op::Map(op) => map(graph, *op, &node.args, &arg),
        Op::Broadcast(_)
        | Op::Rename { .. }
        | Op::Slice { .. }
        | Op::Place { .. }
        | Op::Resize { .. }
        | Op::Shift { .. }
        | Op::StopGrad => arg(0),
        // A window is never empty: it holds at least the position it is about.
        Op::WindowMax { .. } => arg(0),
        Op::WindowSum { .. } | Op::Collect { .. } => match arg(0) {
            Level::Finite => Level::Finite,
            x => x.max(Level::Tame),
        },
        Op::WindowTies { .. } => match arg(2) {
            Level::Finite => Level::Finite,
            c => c.max(Level::Tame),
        },
        // NaN outside the dim or the classes; binding refuses such labels.
        Op::At { .. } | Op::Pick(_) => arg(0),
        Op::Softmax(_) => squash(arg(0)),
        Op::LogSoftmax(_) => arg(0).max(Level::Tame),
        Op::Reduce(op, dims) => match op {
            ReduceOp::Sum if arg(0) == Level::Finite => Level::Finite,
            ReduceOp::Sum => arg(0).max(Level::Tame),
            ReduceOp::Any | ReduceOp::All => Level::Finite,
            ReduceOp::Prod => Level::Wild,
            // Infinite if there is nothing to reduce.
            _ if dims.iter().any(|dim| may_be_empty(graph, dim)) => Level::Wild,
            ReduceOp::Max | ReduceOp::Min => arg(0),
            ReduceOp::LogSumExp => arg(0).max(Level::Tame),
        },
        Op::Dot(_) => match worst() {
            Some(Level::Finite) => Level::Finite,
            Some(Level::Bounded) => Level::Tame,
            _ => Level::Wild,
        },
        Op::Order(op, _) => match op {
            OrderOp::ArgSort | OrderOp::ArgSortDown | OrderOp::TopK => Level::Finite,
            // NaN where a position is none; orders have no such positions.
            OrderOp::Take => arg(0),
            OrderOp::Scatter
            | OrderOp::CumSum
            | OrderOp::CumSumBack
            | OrderOp::CumSumBy
            | OrderOp::CumSumByBack => match arg(0) {
                Level::Finite => Level::Finite,
                level => level.max(Level::Tame),
            },
        },
        // Infinite where there is nothing to measure to.
        Op::Distance(_) => Level::Wild,
    }
}

fn may_be_empty(graph: &Graph, dim: DimId) -> bool {
    match graph.dims[dim.index()].size {
        DimSize::Fixed(size) => size == 0,
        DimSize::Same(of) => may_be_empty(graph, of),
        DimSize::Bound | DimSize::Slice { .. } | DimSize::Blocks { .. } => true,
    }
}

fn finite(value: f64) -> Level {
    if value.is_finite() {
        Level::Finite
    } else {
        Level::Wild
    }
}

/// The level of a function into a small range that is NaN only of NaN (or of infinity).
fn squash(x: Level) -> Level {
    if x == Level::Tame { Level::Bounded } else { x }
}

fn map(graph: &Graph, op: MapOp, args: &[NodeId], arg: &dyn Fn(usize) -> Level) -> Level {
    match op {
        MapOp::Neg | MapOp::Abs | MapOp::Relu | MapOp::Floor => arg(0),
        MapOp::Sign
        | MapOp::Sigmoid
        | MapOp::Tanh
        | MapOp::Sin
        | MapOp::Cos
        | MapOp::Atan
        | MapOp::Erf => squash(arg(0)),
        MapOp::Softplus => arg(0),
        MapOp::Exp | MapOp::Expm1 if is_nonpositive(graph, args[0]) => squash(arg(0)),
        MapOp::Exp
        | MapOp::Log
        | MapOp::Log1p
        | MapOp::Expm1
        | MapOp::Sqrt
        | MapOp::Lgamma
        | MapOp::Digamma
        | MapOp::Pow => Level::Wild,
        MapOp::Add | MapOp::Sub | MapOp::Max | MapOp::Min => arg(0).max(arg(1)),
        MapOp::Mul | MapOp::Gate => match (arg(0).min(arg(1)), arg(0).max(arg(1))) {
            (Level::Finite | Level::Bounded, worst) => worst,
            _ => Level::Wild,
        },
        MapOp::Div => match graph.node(args[1]).op {
            Op::Const(value) if value != 0.0 => arg(0),
            _ => Level::Wild,
        },
        MapOp::Select => arg(1).max(arg(2)),
        MapOp::Clamp if arg(1).max(arg(2)) == Level::Finite => squash(arg(0)),
        MapOp::Clamp => arg(0).max(arg(1)).max(arg(2)),
        // Integers and booleans are what they are.
        MapOp::Not
        | MapOp::Float
        | MapOp::Eq
        | MapOp::Ne
        | MapOp::Lt
        | MapOp::Le
        | MapOp::Gt
        | MapOp::Ge
        | MapOp::And
        | MapOp::Or => Level::Finite,
    }
}

/// Whether a node is never above 0: a log of probabilities, or part of one.
fn is_nonpositive(graph: &Graph, mut id: NodeId) -> bool {
    loop {
        let node = graph.node(id);
        id = match node.op {
            Op::LogSoftmax(_) => return true,
            Op::Const(value) => return value <= 0.0,
            Op::Map(MapOp::Neg) => {
                let positive = |op: &Op| {
                    matches!(
                        op,
                        Op::Map(MapOp::Softplus | MapOp::Abs | MapOp::Relu | MapOp::Exp)
                    )
                };
                let inner = graph.node(node.args[0]);
                let square = inner.op == Op::Map(MapOp::Mul) && inner.args[0] == inner.args[1];
                return positive(&inner.op) || square;
            }
            Op::Pick(_)
            | Op::At { .. }
            | Op::Slice { .. }
            | Op::Resize { .. }
            | Op::Rename { .. }
            | Op::Broadcast(_)
            | Op::StopGrad => node.args[0],
            _ => return false,
        };
    }
}

/// The nodes that a result may discard: those under a branch of `select`, or under the second
/// operand of `gate`. Only there can an adjoint be 0 while the value is NaN without the total
/// being NaN as well. (What `pick` and `at` pass over is not counted: it comes from the same
/// tensor as what they take. Nor is what an `ignore` rule passes over, which is made of the
/// zeros that the rule has put into the inputs there.)
pub(super) fn discarded(graph: &Graph) -> Vec<bool> {
    let shelters = shelters(graph);
    let mut discarded = vec![false; graph.nodes.len()];
    for id in graph.ids().rev() {
        let node = graph.node(id);
        for (place, arg) in node.args.iter().enumerate() {
            let here = match node.op {
                Op::Map(MapOp::Select) if place > 0 => {
                    let passed = passed_over(graph, node, place);
                    let shelter = shelters.iter().find(|shelter| shelter.place == passed);
                    let bare = shelter.is_none_or(|shelter| shelter.bare[arg.index()]);
                    bare && !is_mean_of_nothing(graph, node.args[0])
                }
                Op::Map(MapOp::Gate) => place > 0,
                _ => false,
            };
            discarded[arg.index()] |= here || discarded[id.index()];
        }
    }
    discarded
}

/// A condition with one of its two values: the positions at which it has it.
type Place = (NodeId, bool);

/// Positions at which inputs are replaced by a constant.
struct Shelter {
    place: Place,
    /// For each node, whether it is made of an input that is not replaced there.
    bare: Vec<bool>,
}

/// More rules than a spec has.
const MAX_SHELTERS: usize = 4;

fn shelters(graph: &Graph) -> Vec<Shelter> {
    let mut places: Vec<Place> = Vec::new();
    for node in &graph.nodes {
        let replaces = |x: usize, by: usize| {
            let is = |k: usize| &graph.node(node.args[k]).op;
            matches!((is(x), is(by)), (Op::Input(_), Op::Const(c)) if c.is_finite())
        };
        if node.op != Op::Map(MapOp::Select) {
            continue;
        }
        for (x, by) in [(1, 2), (2, 1)] {
            let place = passed_over(graph, node, x);
            if replaces(x, by) && !places.contains(&place) && places.len() < MAX_SHELTERS {
                places.push(place);
            }
        }
    }
    let shelter = |place: Place| Shelter {
        place,
        bare: bare(graph, place),
    };
    places.into_iter().map(shelter).collect()
}

fn bare(graph: &Graph, place: Place) -> Vec<bool> {
    let dims = &graph.ty(place.0).dims;
    let mut bare: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let passed = |k: usize| {
            node.op == Op::Map(MapOp::Select) && k > 0 && passed_over(graph, node, k) == place
        };
        let from = |(k, arg): (usize, &NodeId)| !passed(k) && bare[arg.index()];
        let own = match node.op {
            Op::Input(_) => !node.ty.dims.intersect(dims).is_empty(),
            _ => node.args.iter().enumerate().any(from),
        };
        // Integers and booleans are finite.
        bare.push(own && node.ty.elem == Elem::Float);
    }
    bare
}

/// Where a `select` passes over one of its branches. If a coarser position or a mean is passed over since
/// no position under it counts, that is where those do not.
fn passed_over(graph: &Graph, select: &Node, branch: usize) -> Place {
    let (mut id, mut holds) = (select.args[0], branch == 2);
    loop {
        let node = graph.node(id);
        match node.op {
            Op::Map(MapOp::Not) => holds = !holds,
            Op::Broadcast(_) => {}
            Op::Reduce(ReduceOp::Any, _) if !holds => {}
            Op::Reduce(ReduceOp::All, _) if holds => {}
            Op::Map(MapOp::Eq) if holds => match counted(graph, node) {
                Some(condition) => {
                    (id, holds) = (condition, false);
                    continue;
                }
                None => return (id, holds),
            },
            _ => return (id, holds),
        }
        id = node.args[0];
    }
}

/// The condition whose number of positions is compared with 0, perhaps times a size.
fn counted(graph: &Graph, compare: &Node) -> Option<NodeId> {
    let op = |id: NodeId| &graph.node(id).op;
    let other = |args: &[NodeId], is: &dyn Fn(&Op) -> bool| match *args {
        [a, b] if is(op(b)) => Some(a),
        [a, b] if is(op(a)) => Some(b),
        _ => None,
    };
    let mut id = other(&compare.args, &|op| *op == Op::Const(0.0))?;
    loop {
        let node = graph.node(id);
        id = match node.op {
            Op::Map(MapOp::Mul) => other(&node.args, &|op| match op {
                Op::Const(factor) => *factor != 0.0,
                op => matches!(op, Op::Size(_)),
            })?,
            Op::Reduce(ReduceOp::Sum, _) | Op::Broadcast(_) => node.args[0],
            Op::Map(MapOp::Float) => return Some(node.args[0]),
            _ => return None,
        };
    }
}

/// Whether a condition says that a size is 0, as where a mean is guarded: nothing is discarded if
/// it holds, for there is nothing.
fn is_mean_of_nothing(graph: &Graph, condition: NodeId) -> bool {
    let node = graph.node(condition);
    let zero = |id: NodeId| graph.node(id).op == Op::Const(0.0);
    match node.op {
        Op::Map(MapOp::Eq) => {
            let [a, b] = [node.args[0], node.args[1]];
            zero(b) && is_size(graph, a) || zero(a) && is_size(graph, b)
        }
        Op::Broadcast(_) => is_mean_of_nothing(graph, node.args[0]),
        _ => false,
    }
}

/// Whether a number is 0 only where there is nothing: a size, or a sum of a constant.
fn is_size(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    match node.op {
        Op::Size(_) => true,
        Op::Reduce(ReduceOp::Sum, _) => {
            matches!(graph.node(node.args[0]).op, Op::Const(each) if each != 0.0)
        }
        _ => false,
    }
}
