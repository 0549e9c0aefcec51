//! Dims that always occur together, side by side, become one dim: `H` and `W` of an image are
//! one stretch of memory, and loops over it are long.

use super::dag::{Dag, Id, Op, Strided};
use crate::ir::{DimId, Dims};

/// Merges what can be merged. The dim that remains is the innermost; its size is the product.
/// Returns the names of the dims, those of merged ones joined.
pub(crate) fn merge(dag: &mut Dag, roots: &[Id], names: &[String]) -> Vec<String> {
    let live = dag.live(roots.iter().copied());
    let mut names = names.to_vec();
    let count = dag.sizes.0.len() as u32;
    // The inner of each pair that may merge, by the outer.
    let mut inner: Vec<Option<DimId>> = (0..count)
        .map(DimId)
        .map(|d| partner(dag, &live, d))
        .collect();
    // Ascending, so that the sizes of a chain arrive at its end.
    for d in 0..count as usize {
        let Some(e) = inner[d] else { continue };
        dag.sizes.0[e.index()] *= dag.sizes.0[d];
        names[e.index()] = format!("{}·{}", names[d], names[e.index()]);
    }
    for i in 0..inner.len() {
        // Chains end at the innermost.
        while let Some(next) = inner[i].and_then(|e| inner[e.index()]) {
            inner[i] = Some(next);
        }
    }
    fix_sizes(dag, &inner);
    let gone = |d: DimId| inner[d.index()].is_some();
    let kept = |dims: &Dims| -> Dims { dims.iter().filter(|&d| !gone(d)).collect() };
    for node in dag.nodes.iter_mut() {
        if let Op::Leaf(_, at) | Op::View(at) = &mut node.op {
            let strides = node.dims.iter().zip(&at.strides).filter(|(d, _)| !gone(*d));
            *at = Strided {
                offset: at.offset,
                strides: strides.map(|(_, &s)| s).collect(),
            };
        }
        if let Op::Reduce(_, over) | Op::Dot(over) | Op::Order(_, over) = &mut node.op {
            *over = kept(over);
        }
        node.dims = kept(&node.dims);
    }
    dag.forget();
    names
}

/// Sizes of dims in the middle of a chain were multiplied on the way; only the last one counts.
fn fix_sizes(dag: &mut Dag, inner: &[Option<DimId>]) {
    for (d, gone) in inner.iter().enumerate() {
        if gone.is_some() {
            dag.sizes.0[d] = 1;
        }
    }
}

/// The dim that follows `d` wherever `d` occurs, if the two can be one.
fn partner(dag: &Dag, live: &[bool], d: DimId) -> Option<DimId> {
    let nodes = || {
        dag.nodes
            .iter()
            .zip(live)
            .filter(|(_, live)| **live)
            .map(|(n, _)| n)
    };
    let follower = |dims: &Dims| {
        dims.position(d)
            .map(|at| dims.as_slice().get(at + 1).copied())
    };
    let e = nodes().find_map(|n| follower(&n.dims)).flatten()?;
    let together = nodes().all(|n| {
        let both = match follower(&n.dims) {
            None => !n.dims.contains(e),
            Some(next) => next == Some(e),
        };
        both && match &n.op {
            Op::Leaf(_, at) | Op::View(at) => n
                .dims
                .position(d)
                .is_none_or(|i| at.strides[i] == at.strides[i + 1] * dag.sizes.get(e)),
            Op::Reduce(_, over) | Op::Dot(over) | Op::Order(_, over) => {
                over.contains(d) == over.contains(e)
            }
            Op::Distance(along) => !along.iter().any(|(dim, _)| *dim == d || *dim == e),
            Op::Pick(dim)
            | Op::ArgMax(dim)
            | Op::Shift { dim, .. }
            | Op::WindowMax { dim, .. }
            | Op::WindowSum { dim, .. }
            | Op::WindowTies { dim, .. } => *dim != d && *dim != e,
            Op::Place { from, to, .. } | Op::Stretches { from, to, .. } => {
                ![from, to].iter().any(|x| **x == d || **x == e)
            }
            Op::Const(_) | Op::Map(_) | Op::Spread => true,
        }
    });
    together.then_some(e)
}
