//! The adjoints of windows.

use super::differentiate::Cx;
use crate::ir::{DimId, MapOp, NodeId, Op, Rim};

/// What Σ w·x around each entry adds to the adjoint of x: the same with the weights reversed,
/// since x stands at −j in the window of the entry that stands at j in its own.
pub(super) fn sum(cx: &mut Cx, g: NodeId, dim: DimId, weights: &[f64], rim: Rim) -> NodeId {
    let rim = match rim {
        Rim::Zero => Rim::Zero,
        Rim::Wrap => Rim::Wrap,
        Rim::Clamp => Rim::Pile,
        Rim::Pile => Rim::Clamp,
    };
    let weights = weights.iter().rev().copied().collect();
    cx.push(Op::WindowSum { dim, weights, rim }, &[g])
}

/// Adds to the adjoint of what the maximum `y` over a window was taken of.
///
/// Maxima along one dim after the other are one maximum over a box: its ties share evenly,
/// whichever dim came first. So the steps are taken together. In the box around each y, n entries
/// are equal to it, counted step by step; the way back gives each of them g/n.
pub(super) fn max(cx: &mut Cx, y: NodeId, g: NodeId) {
    let steps = steps(cx, y);
    let x = cx.graph.node(steps[0].y).args[0];
    cx.give(x, |cx| {
        let ties = |cx: &mut Cx, step: &Step, [a, b, c]: [NodeId; 3]| {
            let (dim, radius) = (step.dim, step.radius);
            let dims = cx.dims(a);
            let c = cx.graph.broadcast(c, &dims, cx.origin);
            cx.push(Op::WindowTies { dim, radius }, &[a, b, c])
        };
        let operand = |cx: &Cx, step: &Step| cx.graph.node(step.y).args[0];
        let mut count = cx.number(1.0);
        for step in &steps {
            let from = operand(cx, step);
            count = ties(cx, step, [from, step.y, count]);
        }
        let mut share = cx.map(MapOp::Div, &[g, count]);
        for step in steps.iter().rev() {
            let from = operand(cx, step);
            share = ties(cx, step, [step.y, from, share]);
        }
        share
    });
}

/// A maximum along one dim.
struct Step {
    y: NodeId,
    dim: DimId,
    radius: usize,
}

/// The maxima along different dims that end in `y`, the first of them first.
fn steps(cx: &Cx, y: NodeId) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut y = y;
    while let Op::WindowMax { dim, radius } = cx.graph.node(y).op
        && steps.iter().all(|step| step.dim != dim)
    {
        steps.push(Step { y, dim, radius });
        y = cx.graph.node(y).args[0];
    }
    steps.reverse();
    steps
}
