//! Which nodes are sure to be finite, and so may multiply an adjoint plainly.
//!
//! An adjoint that is exactly 0 has to stay 0 whatever it meets: the branch that a `select` did
//! not take may be infinite or NaN. [`MapOp::Gate`] multiplies so, but costs back ends more than a
//! product; where the other factor cannot misbehave, a product does. Conservative: a node is
//! finite only if the table below says so.

use crate::ir::{Graph, MapOp, Node, NodeId, Op, ReduceOp};

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
        | Op::Shift { .. }
        | Op::StopGrad => arg(0),
        // NaN outside the dim or the classes; binding refuses such labels.
        Op::At { .. } | Op::Pick(_) => arg(0),
        Op::Softmax(_) => squash(arg(0)),
        Op::LogSoftmax(_) => arg(0).max(Level::Tame),
        Op::Reduce(op, _) => match op {
            ReduceOp::Sum if arg(0) == Level::Finite => Level::Finite,
            ReduceOp::Sum | ReduceOp::LogSumExp => arg(0).max(Level::Tame),
            ReduceOp::Max | ReduceOp::Min | ReduceOp::Any | ReduceOp::All => arg(0),
            ReduceOp::Prod => Level::Wild,
        },
        Op::Dot(_) => match worst() {
            Some(Level::Finite) => Level::Finite,
            Some(Level::Bounded) => Level::Tame,
            _ => Level::Wild,
        },
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

/// The nodes that a result may discard: those under a branch of `select`, or under the second
/// operand of `gate`. Only there can an adjoint be 0 while the value is NaN without the total
/// being NaN as well. (What `pick` and `at` pass over is not counted: it comes from the same
/// tensor as what they take.)
pub(super) fn discarded(graph: &Graph) -> Vec<bool> {
    let mut discarded = vec![false; graph.nodes.len()];
    for id in graph.ids().rev() {
        let node = graph.node(id);
        for (place, arg) in node.args.iter().enumerate() {
            let here = match node.op {
                Op::Map(MapOp::Select | MapOp::Gate) => place > 0,
                _ => false,
            };
            discarded[arg.index()] |= here || discarded[id.index()];
        }
    }
    discarded
}
