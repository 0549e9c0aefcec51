//! Windows: one primitive for each axis, with the weights spelled out. Ignored positions are absent.

use super::Lower;
use crate::hir::{AxisId, Window, WindowEdge, WindowOf, WindowShape};
use crate::ir::{DimId, Dims, Graph, Grid, MapOp, NodeId, Op, Origin, Rim};

impl Lower<'_> {
    /// A window along some axes. The largest in a box is that of the largest along its sides, and the
    /// weights of the others are products of weights along each side.
    pub(super) fn window(
        &mut self,
        window: &Window,
        axes: &[AxisId],
        x: NodeId,
        origin: Origin,
    ) -> NodeId {
        let dims: Vec<DimId> = axes.iter().map(|&axis| self.dims.one(axis)).collect();
        let radius = window.size / 2;
        match window.of {
            WindowOf::Max => self.largest(&dims, window.shape, radius, x, origin),
            WindowOf::Min => {
                let negative = self.graph.map(MapOp::Neg, &[x], origin);
                let largest = self.largest(&dims, window.shape, radius, negative, origin);
                self.graph.map(MapOp::Neg, &[largest], origin)
            }
            WindowOf::Average => {
                let weights = vec![1.0 / window.size as f64; window.size];
                self.average(&dims, &weights, window.edge, x, origin)
            }
            WindowOf::Gaussian(sigma) => {
                let weights = bell(f64::from_bits(sigma), radius);
                self.average(&dims, &weights, window.edge, x, origin)
            }
        }
    }

    fn largest(
        &mut self,
        dims: &[DimId],
        shape: WindowShape,
        radius: usize,
        x: NodeId,
        origin: Origin,
    ) -> NodeId {
        let over: Dims = dims.iter().copied().collect();
        let x = self.masked(x, &over, f64::NEG_INFINITY);
        let along = |graph: &mut Graph, x: NodeId, dim: DimId| {
            graph.push(Op::WindowMax { dim, radius }, &[x], origin)
        };
        match shape {
            WindowShape::Box => dims
                .iter()
                .fold(x, |x, &dim| along(&mut self.graph, x, dim)),
            WindowShape::Cross => {
                let lines: Vec<NodeId> = dims
                    .iter()
                    .map(|&dim| along(&mut self.graph, x, dim))
                    .collect();
                let larger = |a, b| self.graph.map(MapOp::Max, &[a, b], origin);
                lines.into_iter().reduce(larger).unwrap_or(x)
            }
        }
    }

    fn average(
        &mut self,
        dims: &[DimId],
        weights: &[f64],
        edge: WindowEdge,
        x: NodeId,
        origin: Origin,
    ) -> NodeId {
        let rim = match edge {
            WindowEdge::Absent | WindowEdge::Zero => Rim::Zero,
            WindowEdge::Clamp => Rim::Clamp,
            WindowEdge::Wrap => Rim::Wrap,
        };
        let over: Dims = dims.iter().copied().collect();
        let all = self.graph.ty(x).dims.clone();
        if let Some(valid) = self.met(&over, &all) {
            let x = self.safe(x, 0.0);
            let sum = self.weighted(dims, weights, rim, x, origin);
            let there = self.weight_there(dims, weights, edge, rim, valid, origin);
            return self.quotient(sum, there, origin);
        }
        let mut sum = x;
        for &dim in dims {
            sum = self.weighted(&[dim], weights, rim, sum, origin);
            if edge == WindowEdge::Absent {
                // Divided by the weights of what is there: those of a window along this dim alone.
                let ones = self.graph.constant(1.0, Dims::one(dim), origin);
                let there = self.weighted(&[dim], weights, rim, ones, origin);
                sum = self.graph.map(MapOp::Div, &[sum, there], origin);
            }
        }
        sum
    }

    /// The means of the blocks along some axes, of what is not ignored.
    pub(super) fn coarsen(
        &mut self,
        along: &[(AxisId, AxisId)],
        size: usize,
        x: NodeId,
        origin: Origin,
    ) -> NodeId {
        let along: Vec<(DimId, DimId)> = along
            .iter()
            .map(|&(from, to)| (self.dims.one(from), self.dims.one(to)))
            .collect();
        let over: Dims = along.iter().map(|(from, _)| *from).collect();
        let all = self.graph.ty(x).dims.clone();
        let blocks = |graph: &mut Graph, x: NodeId| {
            along.iter().fold(x, |x, &(from, to)| {
                let grid = Grid::Blocks(size);
                graph.push(Op::Collect { from, to, grid }, &[x], origin)
            })
        };
        let Some(valid) = self.met(&over, &all) else {
            let sum = blocks(&mut self.graph, x);
            let share = (size as f64).powi(along.len() as i32).recip();
            let share = self.graph.constant(share, Dims::none(), origin);
            return self.graph.map(MapOp::Mul, &[share, sum], origin);
        };
        let x = self.safe(x, 0.0);
        let sum = blocks(&mut self.graph, x);
        let there = self.graph.map(MapOp::Float, &[valid], origin);
        let dims = self.graph.ty(there).dims.union(&over);
        let there = self.graph.broadcast(there, &dims, origin);
        let there = blocks(&mut self.graph, there);
        self.quotient(sum, there, origin)
    }

    /// Σ w·x in a box.
    fn weighted(
        &mut self,
        dims: &[DimId],
        weights: &[f64],
        rim: Rim,
        x: NodeId,
        origin: Origin,
    ) -> NodeId {
        dims.iter().fold(x, |x, &dim| {
            let weights = weights.to_vec();
            let op = Op::WindowSum { dim, weights, rim };
            self.graph.push(op, &[x], origin)
        })
    }

    /// The weights of all that is in a window and not ignored. What lies outside counts unless it is
    /// absent, so there it is 1 less those of what is ignored.
    fn weight_there(
        &mut self,
        dims: &[DimId],
        weights: &[f64],
        edge: WindowEdge,
        rim: Rim,
        valid: NodeId,
        origin: Origin,
    ) -> NodeId {
        let absent = edge == WindowEdge::Absent;
        let counted = match absent {
            true => valid,
            false => self.graph.map(MapOp::Not, &[valid], origin),
        };
        let counted = self.graph.map(MapOp::Float, &[counted], origin);
        let all = dims
            .iter()
            .fold(self.graph.ty(counted).dims.clone(), |all, &dim| {
                all.with(dim)
            });
        let counted = self.graph.broadcast(counted, &all, origin);
        let weight = self.weighted(dims, weights, rim, counted, origin);
        if absent {
            return weight;
        }
        let one = self.graph.constant(1.0, Dims::none(), origin);
        self.graph.map(MapOp::Sub, &[one, weight], origin)
    }
}

/// exp(−x²/2σ²) at the whole numbers up to `radius`, divided by their sum.
fn bell(sigma: f64, radius: usize) -> Vec<f64> {
    let radius = radius as i64;
    let at = |i: i64| (-0.5 * (i as f64 / sigma).powi(2)).exp();
    let sum: f64 = (-radius..=radius).map(at).sum();
    (-radius..=radius).map(|i| at(i) / sum).collect()
}
