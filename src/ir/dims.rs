//! Sizes of dims once tensors are bound.

use super::graph::{DimSize, Graph};
use super::ty::{DimId, Dims};

/// The size of every dim of a graph, indexed by [`DimId`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DimSizes(pub Vec<usize>);

impl DimSizes {
    /// The size of one dim.
    pub fn get(&self, dim: DimId) -> usize {
        self.0[dim.index()]
    }

    /// The sizes of `dims`, in their order.
    pub fn shape(&self, dims: &Dims) -> Vec<usize> {
        dims.iter().map(|d| self.get(d)).collect()
    }

    /// The number of elements over `dims`.
    pub fn count(&self, dims: &Dims) -> usize {
        dims.iter().map(|d| self.get(d)).product()
    }
}

/// `start..end` of something `len` long, where negative numbers count from the end; clipped.
pub fn resolve(len: usize, start: i64, end: Option<i64>) -> (usize, usize) {
    let at = |i: i64| {
        let from_end = if i < 0 { len as i64 + i } else { i };
        from_end.clamp(0, len as i64) as usize
    };
    let (start, end) = (at(start), end.map_or(len, at));
    (start, end.max(start))
}

/// All sizes, given those of the dims that the tensors bind (what is given elsewhere is ignored), or
/// the first that nobody tells.
pub fn bind_sizes(graph: &Graph, bound: &[Option<usize>]) -> Result<DimSizes, DimId> {
    let sizes = known_sizes(graph, bound);
    match sizes.iter().position(Option::is_none) {
        Some(i) => Err(DimId(i as u32)),
        None => Ok(DimSizes(sizes.into_iter().flatten().collect())),
    }
}

/// The sizes that are known, given some of those that the tensors bind.
pub fn known_sizes(graph: &Graph, bound: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut sizes: Vec<Option<usize>> = Vec::with_capacity(graph.dims.len());
    for (i, dim) in graph.dims.iter().enumerate() {
        let size = match &dim.size {
            DimSize::Bound => bound.get(i).copied().flatten(),
            DimSize::Fixed(n) => Some(*n),
            // A derived dim may stand before the one it derives from only through a bug of the
            // compiler: `verify` refuses it.
            DimSize::Slice { of, start, end } => sizes[of.index()].map(|n| {
                let (start, end) = resolve(n, *start, *end);
                end - start
            }),
            DimSize::Same(of) => sizes[of.index()],
            DimSize::Blocks { of, size } => sizes[of.index()].map(|n| n / size),
        };
        sizes.push(size);
    }
    sizes
}
