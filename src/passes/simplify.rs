//! `Graph` → the same numbers by fewer operations on smaller tensors.
//!
//! Rules say what they do to the sign of zero: x + 0 is not x for x = −0, and so is `Steadier`
//! and not `Exact`. x · 0 is not 0 for NaN and stays. What depends on dims is below the rules.

use super::rewrite::Effect::{Exact, Steadier};
use super::rewrite::{self, Rewriter, Rule, Rules};
use super::{Config, Pass};
use crate::ir::{Dims, Graph, MapOp, Node, NodeId, Op, ReduceOp, Role, Ty};
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
        false => rewrite::run(graph, ready, structure),
    }
}

const ANY: &[f64] = &[-3.0, -0.5, 0.25, 1.0, 4.0];
const TRUTH: &[f64] = &[0.0, 1.0, 1.0];

/// The rules, the first that matches wins.
pub const RULES: &[Rule] = &[
    Rule {
        name: "times 1",
        effect: Exact,
        lhs: "mul(?x, 1)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "times -1",
        effect: Exact,
        lhs: "mul(?x, -1)",
        rhs: "neg(?x)",
        on: ANY,
    },
    Rule {
        name: "over 1",
        effect: Exact,
        lhs: "div(?x, 1)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "over -1",
        effect: Exact,
        lhs: "div(?x, -1)",
        rhs: "neg(?x)",
        on: ANY,
    },
    Rule {
        name: "minus 0",
        effect: Exact,
        lhs: "sub(?x, 0)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "plus -0",
        effect: Exact,
        lhs: "add(?x, -0)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "plus 0",
        effect: Steadier,
        lhs: "add(?x, 0)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "0 minus",
        effect: Steadier,
        lhs: "sub(0, ?x)",
        rhs: "neg(?x)",
        on: ANY,
    },
    Rule {
        name: "minus minus",
        effect: Exact,
        lhs: "neg(neg(?x))",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "plus minus",
        effect: Exact,
        lhs: "add(?x, neg(?y))",
        rhs: "sub(?x, ?y)",
        on: ANY,
    },
    Rule {
        name: "less minus",
        effect: Exact,
        lhs: "sub(?x, neg(?y))",
        rhs: "add(?x, ?y)",
        on: ANY,
    },
    Rule {
        name: "minus difference",
        effect: Steadier,
        lhs: "neg(sub(?x, ?y))",
        rhs: "sub(?y, ?x)",
        on: ANY,
    },
    Rule {
        name: "minus times minus",
        effect: Exact,
        lhs: "mul(neg(?x), neg(?y))",
        rhs: "mul(?x, ?y)",
        on: ANY,
    },
    Rule {
        name: "minus over minus",
        effect: Exact,
        lhs: "div(neg(?x), neg(?y))",
        rhs: "div(?x, ?y)",
        on: ANY,
    },
    Rule {
        name: "twice",
        effect: Exact,
        lhs: "add(?x, ?x)",
        rhs: "mul(2, ?x)",
        on: ANY,
    },
    Rule {
        name: "size of size",
        effect: Exact,
        lhs: "abs(abs(?x))",
        rhs: "abs(?x)",
        on: ANY,
    },
    Rule {
        name: "size of minus",
        effect: Exact,
        lhs: "abs(neg(?x))",
        rhs: "abs(?x)",
        on: ANY,
    },
    Rule {
        name: "size of a square",
        effect: Exact,
        lhs: "abs(mul(?x, ?x))",
        rhs: "mul(?x, ?x)",
        on: ANY,
    },
    Rule {
        name: "square of a size",
        effect: Exact,
        lhs: "mul(abs(?x), abs(?x))",
        rhs: "mul(?x, ?x)",
        on: ANY,
    },
    Rule {
        name: "relu of relu",
        effect: Exact,
        lhs: "relu(relu(?x))",
        rhs: "relu(?x)",
        on: ANY,
    },
    Rule {
        name: "larger of one",
        effect: Exact,
        lhs: "max(?x, ?x)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "smaller of one",
        effect: Exact,
        lhs: "min(?x, ?x)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "select always",
        effect: Exact,
        lhs: "select(1, ?x, ?y)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "select never",
        effect: Exact,
        lhs: "select(0, ?x, ?y)",
        rhs: "?y",
        on: ANY,
    },
    Rule {
        name: "select the same",
        effect: Exact,
        lhs: "select(?c, ?x, ?x)",
        rhs: "?x",
        on: ANY,
    },
    Rule {
        name: "select unless",
        effect: Exact,
        lhs: "select(not(?c), ?x, ?y)",
        rhs: "select(?c, ?y, ?x)",
        on: ANY,
    },
    Rule {
        name: "select and select",
        effect: Exact,
        lhs: "select(?c, select(?c, ?x, ?y), ?z)",
        rhs: "select(?c, ?x, ?z)",
        on: ANY,
    },
    Rule {
        name: "select or select",
        effect: Exact,
        lhs: "select(?c, ?x, select(?c, ?y, ?z))",
        rhs: "select(?c, ?x, ?z)",
        on: ANY,
    },
    Rule {
        name: "a condition as a number",
        effect: Exact,
        lhs: "select(?c, 1, 0)",
        rhs: "float(?c)",
        on: TRUTH,
    },
    Rule {
        name: "not not",
        effect: Exact,
        lhs: "not(not(?c))",
        rhs: "?c",
        on: TRUTH,
    },
    Rule {
        name: "and true",
        effect: Exact,
        lhs: "and(?c, 1)",
        rhs: "?c",
        on: TRUTH,
    },
    Rule {
        name: "and false",
        effect: Exact,
        lhs: "and(?c, 0)",
        rhs: "0",
        on: TRUTH,
    },
    Rule {
        name: "or true",
        effect: Exact,
        lhs: "or(?c, 1)",
        rhs: "1",
        on: TRUTH,
    },
    Rule {
        name: "or false",
        effect: Exact,
        lhs: "or(?c, 0)",
        rhs: "?c",
        on: TRUTH,
    },
    // Labels are in range, which is checked when they are bound. The first makes cross entropy
    // with one-hot targets that with labels; in gradients it removes a sum over classes.
    Rule {
        name: "sum at the label",
        effect: Steadier,
        lhs: "sum[d](mul(onehot[d](?l), ?x))",
        rhs: "pick[d](?x, ?l)",
        on: ANY,
    },
    Rule {
        name: "contraction with a label",
        effect: Steadier,
        lhs: "dot[d](onehot[d](?l), ?x)",
        rhs: "pick[d](?x, ?l)",
        on: ANY,
    },
    Rule {
        name: "contraction with a label, turned",
        effect: Steadier,
        lhs: "dot[d](?x, onehot[d](?l))",
        rhs: "pick[d](?x, ?l)",
        on: ANY,
    },
    Rule {
        name: "stopped twice",
        effect: Exact,
        lhs: "stop_grad(stop_grad(?x))",
        rhs: "stop_grad(?x)",
        on: ANY,
    },
];

fn after_gradient(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    let node = cx.graph().node(id);
    match node.op {
        Op::StopGrad => Some(node.args[0]),
        _ => structure(cx, id),
    }
}

/// What depends on dims. All of it is exact but the sum over a repeated dim, which multiplies.
pub(super) fn structure(cx: &mut Rewriter<'_>, id: NodeId) -> Option<NodeId> {
    let node = cx.graph().node(id);
    let x = *node.args.first()?;
    match node.op {
        Op::Broadcast(_) => widen(cx, id, x),
        Op::Map(MapOp::Float) if rewrite::is_float(cx.graph(), x) => Some(x),
        Op::Map(MapOp::Gate) => plain_gate(cx, id).or_else(|| narrow(cx, id)),
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
    let sum = cx.push(Op::Reduce(op, rest), &[inner], origin)?;
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
