//! `Graph` → the same numbers by fewer operations on smaller tensors.
//!
//! Rules say what they do to the sign of zero: x + 0 is not x for x = −0, and so is `Steadier`
//! and not `Exact`. x · 0 is not 0 for NaN and stays. What depends on dims is below the rules.

use super::rewrite::{self, Rewriter, Rules, rules};
use super::{Config, Pass};
use crate::ir::{Dims, Elem, Graph, MapOp, Node, NodeId, Op, ReduceOp, Role, Ty};
use std::sync::OnceLock;

/// The pass.
pub const PASS: Pass = Pass {
    name: "simplify",
    about: "drops operations that do nothing and moves others to smaller tensors",
    run,
};

fn run(graph: Graph, _: &Config) -> Graph {
    static READY: OnceLock<Rules> = OnceLock::new();
    let ready = READY.get_or_init(|| Rules::new(RULES.iter()));
    // Once the gradient is there, `stop_grad` has said what it had to say.
    let is_grad = |role: Role| matches!(role, Role::Grad(_));
    match graph.outputs.iter().any(|o| is_grad(o.role)) {
        true => rewrite::run(graph, ready, after_gradient),
        false => rewrite::run(graph, ready, ungated),
    }
}

const ANY: &[f64] = &[-3.0, -0.5, 0.25, 1.0, 4.0];
const TRUTH: &[f64] = &[0.0, 1.0, 1.0];

rules! {
    /// The rules, the first that matches wins.
    RULES

    "times 1", Exact, on ANY:
        "mul(?x, 1)" => "?x";
    "times -1", Exact, on ANY:
        "mul(?x, -1)" => "neg(?x)";
    "over 1", Exact, on ANY:
        "div(?x, 1)" => "?x";
    "over -1", Exact, on ANY:
        "div(?x, -1)" => "neg(?x)";
    "minus 0", Exact, on ANY:
        "sub(?x, 0)" => "?x";
    "plus -0", Exact, on ANY:
        "add(?x, -0)" => "?x";
    "plus 0", Steadier, on ANY:
        "add(?x, 0)" => "?x";
    "0 minus", Steadier, on ANY:
        "sub(0, ?x)" => "neg(?x)";
    "minus minus", Exact, on ANY:
        "neg(neg(?x))" => "?x";
    "plus minus", Exact, on ANY:
        "add(?x, neg(?y))" => "sub(?x, ?y)";
    "less minus", Exact, on ANY:
        "sub(?x, neg(?y))" => "add(?x, ?y)";
    "minus difference", Steadier, on ANY:
        "neg(sub(?x, ?y))" => "sub(?y, ?x)";
    "minus times minus", Exact, on ANY:
        "mul(neg(?x), neg(?y))" => "mul(?x, ?y)";
    "minus over minus", Exact, on ANY:
        "div(neg(?x), neg(?y))" => "div(?x, ?y)";
    "twice", Exact, on ANY:
        "add(?x, ?x)" => "mul(2, ?x)";
    "size of size", Exact, on ANY:
        "abs(abs(?x))" => "abs(?x)";
    "size of minus", Exact, on ANY:
        "abs(neg(?x))" => "abs(?x)";
    "size of a square", Exact, on ANY:
        "abs(mul(?x, ?x))" => "mul(?x, ?x)";
    "square of a size", Exact, on ANY:
        "mul(abs(?x), abs(?x))" => "mul(?x, ?x)";
    "relu of relu", Exact, on ANY:
        "relu(relu(?x))" => "relu(?x)";
    "larger of one", Exact, on ANY:
        "max(?x, ?x)" => "?x";
    "smaller of one", Exact, on ANY:
        "min(?x, ?x)" => "?x";
    "select always", Exact, on ANY:
        "select(1, ?x, ?y)" => "?x";
    "select never", Exact, on ANY:
        "select(0, ?x, ?y)" => "?y";
    "select the same", Exact, on ANY:
        "select(?c, ?x, ?x)" => "?x";
    "select unless", Exact, on ANY:
        "select(not(?c), ?x, ?y)" => "select(?c, ?y, ?x)";
    "select and select", Exact, on ANY:
        "select(?c, select(?c, ?x, ?y), ?z)" => "select(?c, ?x, ?z)";
    "select or select", Exact, on ANY:
        "select(?c, ?x, select(?c, ?y, ?z))" => "select(?c, ?x, ?z)";
    "a condition as a number", Exact, on TRUTH:
        "select(?c, 1, 0)" => "float(?c)";
    "not not", Exact, on TRUTH:
        "not(not(?c))" => "?c";
    "and true", Exact, on TRUTH:
        "and(?c, 1)" => "?c";
    "and false", Exact, on TRUTH:
        "and(?c, 0)" => "0";
    "or true", Exact, on TRUTH:
        "or(?c, 1)" => "1";
    "or false", Exact, on TRUTH:
        "or(?c, 0)" => "?c";

    // Labels are in range, which is checked when they are bound. The first makes cross entropy
    // with one-hot targets that with labels; in gradients it removes a sum over classes.
    "sum at the label", Steadier, on ANY:
        "sum[d](mul(onehot[d](?l), ?x))" => "pick[d](?x, ?l)";
    "contraction with a label", Steadier, on ANY:
        "dot[d](onehot[d](?l), ?x)" => "pick[d](?x, ?l)";
    "contraction with a label, turned", Steadier, on ANY:
        "dot[d](?x, onehot[d](?l))" => "pick[d](?x, ?l)";
    "sum of something more at the label", Steadier, on ANY:
        "sum[d](add(?x, mul(onehot[d](?l), ?y)))" => "add(sum[d](?x), pick[d](?y, ?l))";
    "stopped twice", Exact, on ANY:
        "stop_grad(stop_grad(?x))" => "stop_grad(?x)";
}

fn after_gradient(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    let node = cx.graph().node(id);
    match node.op {
        Op::StopGrad => Some(node.args[0]),
        _ => ungated(cx, id),
    }
}

/// Gates that do not gate become products. Not for `stabilise`, whose rules make c·log c a gate: the two
/// would go on for ever.
fn ungated(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    match cx.graph().node(id).op {
        Op::Map(MapOp::Gate) => plain_gate(cx, id).or_else(|| structure(cx, id)),
        _ => structure(cx, id),
    }
}

/// What depends on dims. All of it is exact but the sum over a repeated dim, which multiplies.
pub(super) fn structure(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    let node = cx.graph().node(id);
    let x = *node.args.first()?;
    match node.op {
        Op::Broadcast(_) => widen(cx, id, x),
        Op::Map(MapOp::Float) if cx.graph().ty(x).elem == Elem::Float => Some(x),
        Op::Map(_) => narrow(cx, id),
        Op::Reduce(_, ref over) if over.is_empty() => Some(x),
        Op::Reduce(ReduceOp::Sum, _) => sum_of_repeated(cx, id, x),
        Op::Rename { .. } => rename_once(cx, id, x),
        Op::Pick(_) => pick_of_repeated(cx, id, x),
        _ => None,
    }
}

/// A constant over more dims is a constant; a broadcast of a broadcast is one; none is none.
fn widen(cx: &mut Rewriter<'_>, id: NodeId, x: NodeId) -> Option<NodeId> {
    let (node, operand) = (cx.graph().node(id), cx.graph().node(x));
    let (ty, origin) = (node.ty.clone(), node.origin);
    match operand.op {
        _ if operand.ty.dims == ty.dims => Some(x),
        Op::Const(value) => Some(cx.constant(value, ty, origin)),
        Op::Broadcast(_) => cx.push(Op::Broadcast(ty.dims), &[operand.args[0]], origin),
        _ => None,
    }
}

/// A gate with a constant does not gate: the constant is not 0, or it cannot make NaN of 0.
fn plain_gate(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    let Node { args, origin, .. } = cx.graph().node(id);
    let (args, origin) = (args.clone(), *origin);
    match [args[0], args[1]].map(|arg| &cx.graph().node(arg).op) {
        [Op::Const(value), _] if *value != 0.0 => cx.push(Op::Map(MapOp::Mul), &args, origin),
        [_, Op::Const(value)] if value.is_finite() => cx.push(Op::Map(MapOp::Mul), &args, origin),
        _ => None,
    }
}

/// Where all operands are repeated along a dim, so is the result: compute it before.
fn narrow(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    let node = cx.graph().node(id);
    let mut needed = Dims::none();
    for &arg in &node.args {
        let operand = cx.graph().node(arg);
        match operand.op {
            Op::Const(_) => {}
            Op::Broadcast(_) => needed = needed.union(&cx.graph().ty(operand.args[0]).dims),
            _ => return None,
        }
    }
    // All constants are left to `fold`.
    if needed == node.ty.dims || node.args.iter().all(|&arg| is_const(cx, arg)) {
        return None;
    }
    let (op, dims, origin) = (node.op.clone(), node.ty.dims.clone(), node.origin);
    let mut args = node.args.clone();
    for arg in &mut args {
        let operand = cx.graph().node(*arg);
        *arg = match operand.op {
            Op::Const(value) => {
                let ty = Ty::new(operand.ty.elem, needed.clone());
                cx.constant(value, ty, origin)
            }
            _ => cx.broadcast(operand.args[0], &needed, origin)?,
        };
    }
    let small = cx.push(op, &args, origin)?;
    cx.broadcast(small, &dims, origin)
}

fn is_const(cx: &Rewriter<'_>, id: NodeId) -> bool {
    matches!(cx.graph().node(id).op, Op::Const(_))
}

/// Σ over a dim along which x is repeated is x times its size; 0 times if it is empty, even for
/// infinite x.
fn sum_of_repeated(cx: &mut Rewriter<'_>, id: NodeId, x: NodeId) -> Option<NodeId> {
    let (node, operand) = (cx.graph().node(id), cx.graph().node(x));
    let Op::Reduce(op, over) = &node.op else {
        return None;
    };
    let inner = match operand.op {
        Op::Broadcast(_) => operand.args[0],
        _ => return None,
    };
    let repeated = over.minus(&cx.graph().ty(inner).dims);
    if repeated.is_empty() {
        return None;
    }
    let (op, origin) = (*op, node.origin);
    let (rest, dims) = (over.minus(&repeated), node.ty.dims.clone());
    let size = cx.push(Op::Size(repeated), &[], origin)?;
    let sum = match rest.is_empty() {
        true => inner,
        false => cx.push(Op::Reduce(op, rest), &[inner], origin)?,
    };
    let product = cx.map(MapOp::Gate, &[size, sum], origin)?;
    cx.broadcast(product, &dims, origin)
}

fn rename_once(cx: &mut Rewriter<'_>, id: NodeId, x: NodeId) -> Option<NodeId> {
    let (node, operand) = (cx.graph().node(id), cx.graph().node(x));
    let (Op::Rename { from, to }, origin) = (node.op.clone(), node.origin) else {
        return None;
    };
    match operand.op {
        Op::Rename {
            from: first,
            to: middle,
        } if middle == from => {
            let inner = operand.args[0];
            if first == to {
                return Some(inner);
            }
            cx.push(Op::Rename { from: first, to }, &[inner], origin)
        }
        _ => None,
    }
}

/// Picking from what is the same for every class takes that; labels are in range.
fn pick_of_repeated(cx: &mut Rewriter<'_>, id: NodeId, x: NodeId) -> Option<NodeId> {
    let (node, operand) = (cx.graph().node(id), cx.graph().node(x));
    let (ty, origin) = (node.ty.clone(), node.origin);
    let Op::Pick(class) = node.op else {
        return None;
    };
    match operand.op {
        Op::Const(value) => Some(cx.constant(value, ty, origin)),
        Op::Broadcast(_) => {
            let inner = operand.args[0];
            let missing = !cx.graph().ty(inner).dims.contains(class);
            missing.then(|| cx.broadcast(inner, &ty.dims, origin))?
        }
        _ => None,
    }
}
