//! Which nodes are sure to be finite, and so may multiply an adjoint plainly.
//!
//! An adjoint that is exactly 0 has to stay 0 whatever it meets: the branch that a `select` did
//! not take may be infinite or NaN. [`MapOp::Gate`] multiplies so, but costs back ends more than a
//! product; where the other factor cannot misbehave, a product does. Conservative: a node is
//! finite only if the table below says so.

use crate::ir::{DimId, DimSize, Graph, MapOp, Node, NodeId, Op, OrderOp, ReduceOp};

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
/// tensor as what they take.)
pub(super) fn discarded(graph: &Graph) -> Vec<bool> {
    let mut discarded = vec![false; graph.nodes.len()];
    for id in graph.ids().rev() {
        let node = graph.node(id);
        let may_discard = match node.op {
            Op::Map(MapOp::Select) => !is_mean_of_nothing(graph, node.args[0]),
            Op::Map(MapOp::Gate) => true,
            _ => false,
        };
        for (place, arg) in node.args.iter().enumerate() {
            let here = (may_discard && place > 0) || discarded[id.index()];
            discarded[arg.index()] |= here;
        }
    }
    discarded
}

/// Whether a condition says that a size is 0, as where a mean is guarded: nothing is discarded if
/// it holds, for there is nothing.
fn is_mean_of_nothing(graph: &Graph, condition: NodeId) -> bool {
    let node = graph.node(condition);
    match node.op {
        Op::Map(MapOp::Eq) => {
            let [a, b] = [node.args[0], node.args[1]].map(|arg| &graph.node(arg).op);
            matches!(
                (a, b),
                (Op::Size(_), Op::Const(0.0)) | (Op::Const(0.0), Op::Size(_))
            )
        }
        Op::Broadcast(_) => is_mean_of_nothing(graph, node.args[0]),
        _ => false,
    }
}
