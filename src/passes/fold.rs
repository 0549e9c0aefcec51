//! `Graph` → the same with what is known computed: elementwise operations, reductions and
//! selections of constants and tables, sizes of fixed dims.
//!
//! By [`MapOp::eval`], in f64, as the reference back end would.

use super::intern::{Interner, rebuild};
use super::{Config, Pass};
use crate::ir::{self, Dim, DimSize, Dims, Edge, Graph, Node, Op, ReduceOp};

/// The pass.
pub const PASS: Pass = Pass {
    name: "fold",
    about: "computes what is known before anything is bound",
    run,
};

/// Larger sums of constants are left to run time.
const MAX_COUNT: usize = 1 << 16;

fn run(graph: Graph, _: &Config) -> Graph {
    rebuild(graph, Interner::new, add, |interner| interner.graph)
}

fn add(interner: &mut Interner, mut node: Node) -> ir::NodeId {
    if let Some(op) = fold(&interner.graph, &node) {
        node.op = op;
        node.args.clear();
    }
    interner.add(node)
}

/// What a node always is, if that is known.
fn fold(graph: &Graph, node: &Node) -> Option<Op> {
    let operand = |i: usize| Known::of(&graph.node(node.args[i]).op);
    match &node.op {
        Op::Size(dims) => Some(Op::Const(fixed(graph, dims)? as f64)),
        Op::Map(op) => {
            let mut args = Vec::with_capacity(node.args.len());
            for i in 0..node.args.len() {
                args.push(operand(i)?);
            }
            let at = |i: usize| -> Vec<f64> { args.iter().map(|arg| arg.at(i)).collect() };
            let length = args.iter().find_map(Known::length);
            Some(match length {
                None => Op::Const(ir::map(*op, &at(0))),
                Some(length) => Op::Table((0..length).map(|i| ir::map(*op, &at(i))).collect()),
            })
        }
        Op::Broadcast(_) | Op::Rename { .. } | Op::Slice { .. } | Op::StopGrad => {
            match operand(0)? {
                Known::Everywhere(value) => Some(Op::Const(value)),
                Known::Listed(values) if node.op == Op::StopGrad => {
                    Some(Op::Table(values.to_vec()))
                }
                Known::Listed(_) => None,
            }
        }
        Op::Shift { edge, .. } if *edge != Edge::Zero => match operand(0)? {
            Known::Everywhere(value) => Some(Op::Const(value)),
            Known::Listed(_) => None,
        },
        Op::WindowMax { .. } => match operand(0)? {
            Known::Everywhere(value) => Some(Op::Const(value)),
            Known::Listed(_) => None,
        },
        // Only of a whole table with one dim; the general case has not come up.
        Op::At { dim, index } => {
            let dims = &graph.ty(node.args[0]).dims;
            let size = fixed(graph, &Dims::one(*dim))?;
            let position = if *index < 0 {
                index + size as i64
            } else {
                *index
            };
            let position = usize::try_from(position).ok().filter(|&p| p < size)?;
            match operand(0)? {
                Known::Everywhere(value) => Some(Op::Const(value)),
                Known::Listed(values) if dims.len() == 1 => Some(Op::Const(values[position])),
                Known::Listed(_) => None,
            }
        }
        Op::Reduce(op, over) => {
            let values = match operand(0)? {
                Known::Everywhere(value) => {
                    let count = fixed(graph, over).filter(|&n| n <= MAX_COUNT)?;
                    &vec![value; count]
                }
                Known::Listed(values) if node.ty.dims.is_empty() => values,
                Known::Listed(_) => return None,
            };
            reduce(*op, values).map(Op::Const)
        }
        _ => None,
    }
}

/// A node whose value is written in the graph.
enum Known<'g> {
    Everywhere(f64),
    Listed(&'g [f64]),
}

impl Known<'_> {
    fn of(op: &Op) -> Option<Known<'_>> {
        match op {
            Op::Const(value) => Some(Known::Everywhere(*value)),
            Op::Table(values) => Some(Known::Listed(values)),
            _ => None,
        }
    }

    fn at(&self, i: usize) -> f64 {
        match self {
            Known::Everywhere(value) => *value,
            Known::Listed(values) => values[i],
        }
    }

    fn length(&self) -> Option<usize> {
        match self {
            Known::Everywhere(_) => None,
            Known::Listed(values) => Some(values.len()),
        }
    }
}

/// The number of elements over dims that are all fixed.
fn fixed(graph: &Graph, dims: &Dims) -> Option<usize> {
    let size = |dim: &Dim| match dim.size {
        DimSize::Fixed(n) => Some(n),
        DimSize::Bound | DimSize::Slice { .. } | DimSize::Same(_) | DimSize::Blocks { .. } => None,
    };
    dims.iter().map(|d| size(&graph.dims[d.index()])).product()
}

fn reduce(op: ReduceOp, values: &[f64]) -> Option<f64> {
    use ir::MapOp;
    let fold = |op: MapOp, start: f64| values.iter().fold(start, |a, &b| op.eval(a, b, 0.0));
    match op {
        ReduceOp::Sum => Some(ir::pairwise_sum(values)),
        ReduceOp::Prod => Some(values.iter().product()),
        ReduceOp::Max => Some(fold(MapOp::Max, f64::NEG_INFINITY)),
        ReduceOp::Min => Some(fold(MapOp::Min, f64::INFINITY)),
        ReduceOp::Any => Some(fold(MapOp::Or, 0.0)),
        ReduceOp::All => Some(fold(MapOp::And, 1.0)),
        ReduceOp::LogSumExp => None,
    }
}
