//! The loop nests that fused passes run in.
//!
//! A space is a set of dims that some value has and no value exceeds. One of its dims is the
//! *lane*: a stretch of it, a tile, is what one instruction works on. Two shapes:
//!
//! - [`Shape::Planes`]: lanes along space; the class dim, if any, is the *inner* loop within a
//!   tile. A value with the inner dim is one register per turn; one without, one register.
//! - [`Shape::Rows`]: lanes along the class dim, one row after the other. Tiles of the row are
//!   the inner loop; a value without the lane dim is one number per row.
//!
//! Everything else is *outer*. Which shape a space takes is decided by estimating costs.

use super::dag::{Dag, Id, Op, Source};
use crate::ir::{DimId, Dims, MapOp};

/// How the dims of a space are looped over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Planes { inner: Option<DimId> },
    Rows,
}

/// A loop nest.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub dims: Dims,
    pub lane: DimId,
    pub shape: Shape,
}

impl Space {
    pub fn inner(&self) -> Option<DimId> {
        match self.shape {
            Shape::Planes { inner } => inner,
            Shape::Rows => None,
        }
    }

    pub fn rows(&self) -> bool {
        self.shape == Shape::Rows
    }

    /// The dims that are neither lane nor inner.
    pub fn outer(&self) -> Dims {
        self.dims
            .iter()
            .filter(|&d| d != self.lane && Some(d) != self.inner())
            .collect()
    }

    /// Whether a value over these dims is computed in the tiles of this space, rather than once.
    pub fn tiled(&self, dims: &Dims) -> bool {
        dims.is_subset(&self.dims)
            && (dims.contains(self.lane)
                || (self.rows() && !dims.is_empty() && *dims == self.outer()))
    }

    /// Whether a value over these dims takes a register per turn of the inner loop.
    pub fn elementwise(&self, dims: &Dims) -> bool {
        match self.shape {
            Shape::Planes { inner } => inner.is_some_and(|d| dims.contains(d)),
            Shape::Rows => dims.contains(self.lane),
        }
    }

    /// The dim that the inner loop runs over.
    pub fn looped(&self) -> Option<DimId> {
        match self.shape {
            Shape::Planes { inner } => inner,
            Shape::Rows => Some(self.lane),
        }
    }

    /// How a reduction fits in.
    pub fn reduction(&self, from: &Dims, over: &Dims) -> Reduction {
        if !self.tiled(from) {
            return Reduction::Whole;
        }
        if self.looped().is_some_and(|d| *over == Dims::one(d)) && self.tiled(&from.minus(over)) {
            return Reduction::Tile;
        }
        let kept_lane = from.minus(over).contains(self.lane);
        if kept_lane {
            Reduction::Whole
        } else {
            Reduction::Across
        }
    }
}

/// How a reduction fits into a space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reduction {
    /// Within a tile, by the inner loop.
    Tile,
    /// Across tiles: accumulated, complete when the pass ends.
    Across,
    /// Not at all.
    Whole,
}

/// The spaces of a graph: maximal sets of dims, each with its cheapest shape.
pub(crate) fn spaces(dag: &Dag, live: &[bool]) -> Vec<Space> {
    let mut sets: Vec<&Dims> = Vec::new();
    for (id, node) in dag.nodes.iter().enumerate() {
        // Tiny values are left to scalar code.
        if live[id] && dag.count(id) > 16 && !sets.contains(&&node.dims) {
            sets.push(&node.dims);
        }
    }
    let maximal = |set: &&Dims| {
        !sets
            .iter()
            .any(|other| other != set && set.is_subset(other))
    };
    let sets: Vec<&Dims> = sets.iter().copied().filter(|s| maximal(s)).collect();
    sets.into_iter().map(|dims| best(dag, live, dims)).collect()
}

fn best(dag: &Dag, live: &[bool], dims: &Dims) -> Space {
    let mut candidates = Vec::new();
    for lane in dims.iter().rev() {
        let inners = dims.iter().filter(|&d| d != lane).map(Some).chain([None]);
        let planes = inners.map(|inner| Shape::Planes { inner });
        for shape in planes.chain([Shape::Rows]) {
            let space = Space {
                dims: dims.clone(),
                lane,
                shape,
            };
            candidates.push((cost(dag, live, &space), space));
        }
    }
    let cheapest = candidates.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    cheapest.expect("a space has a dim").1
}

/// An estimate of the time a space takes, in cycles or so.
fn cost(dag: &Dag, live: &[bool], space: &Space) -> f64 {
    let lane = dag.sizes.get(space.lane).max(1) as f64;
    let tile = lane.min(512.0);
    // What an instruction takes per element: arithmetic, and a call per tile.
    let per_element = 0.12 + 12.0 / tile;
    let mut total = 0.0;
    for (id, node) in dag.nodes.iter().enumerate() {
        let within = |&a: &Id| dag.dims(a).is_subset(&space.dims);
        if live[id] && matches!(node.op, Op::Dot(_)) && within(&id) {
            // It lies without gaps, the last dim innermost, and is read like an input.
            let strided =
                node.dims.contains(space.lane) && node.dims.iter().last() != Some(space.lane);
            let each = if space.rows() { 4.0 } else { 1.2 };
            total += if strided {
                dag.count(id) as f64 * each
            } else {
                0.0
            };
            continue;
        }
        if !live[id] || !within(&id) || !node.args.iter().all(within) {
            continue;
        }
        let count = dag.count(id) as f64;
        let read = node.args.iter().map(|&a| dag.count(a)).max().unwrap_or(0) as f64;
        total += match &node.op {
            Op::Const(_) | Op::Leaf(Source::Table(_), _) => 0.0,
            Op::Leaf(Source::Input(_), at) => match node.dims.position(space.lane) {
                Some(i) if at.strides[i] > 1 => count * if space.rows() { 4.0 } else { 1.2 },
                Some(_) => count * per_element,
                None => count,
            },
            Op::Map(op) if node.dims.contains(space.lane) => count * per_element * weight(*op),
            // One number per row: all call and no work.
            Op::Map(_) if space.tiled(&node.dims) => count * 12.0,
            Op::Map(_) => count * 8.0,
            Op::Reduce(_, over) => {
                let from = dag.dims(node.args[0]);
                match space.reduction(from, over) {
                    Reduction::Tile => read * per_element,
                    Reduction::Across if node.dims.is_empty() => read * per_element,
                    // Another pass is likely.
                    Reduction::Across => read * (per_element + 1.0),
                    Reduction::Whole => read * if from.contains(space.lane) { 60.0 } else { 8.0 },
                }
            }
            Op::Pick(dim) if space.looped() == Some(*dim) => read * per_element,
            Op::Pick(dim)
                if space.inner().is_none()
                    && !space.rows()
                    && !dag.dims(node.args[0]).contains(space.lane) =>
            {
                // A table in memory.
                let _ = dim;
                count * per_element
            }
            Op::ArgMax(dim) if space.inner() == Some(*dim) => read * per_element,
            Op::Pick(_) | Op::ArgMax(_) => (count + read) * 30.0,
            // Whole-tensor operations take the same time in any shape.
            Op::View(_)
            | Op::Shift { .. }
            | Op::WindowMax { .. }
            | Op::WindowSum { .. }
            | Op::WindowTies { .. }
            | Op::Order(..)
            | Op::Distance(_)
            | Op::Stretches { .. }
            | Op::Place { .. }
            | Op::Dot(_)
            | Op::Spread => 0.0,
        };
    }
    total
}

/// How many simple instructions one is worth.
pub(crate) fn weight(op: MapOp) -> f64 {
    match op {
        MapOp::Exp
        | MapOp::Log
        | MapOp::Log1p
        | MapOp::Expm1
        | MapOp::Sigmoid
        | MapOp::Softplus => 5.0,
        MapOp::Tanh | MapOp::Sin | MapOp::Cos | MapOp::Atan | MapOp::Erf => 6.0,
        MapOp::Pow => 12.0,
        MapOp::Lgamma | MapOp::Digamma => 100.0,
        _ => 1.0,
    }
}
