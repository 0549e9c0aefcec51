//! The type of a node: an element class and a set of dims.

use crate::arena::id;

id! {
    /// A dim of a graph.
    DimId, "d"
}

/// The class of an element. The precision of floats is chosen when the graph runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Elem {
    /// A real number.
    Float,
    /// An integer: a label, an index.
    Int,
    /// True or false.
    Bool,
}

impl Elem {
    /// The letter in the text form.
    pub fn letter(self) -> &'static str {
        match self {
            Elem::Float => "f",
            Elem::Int => "i",
            Elem::Bool => "b",
        }
    }
}

/// A set of dims in ascending order.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Dims(Vec<DimId>);

impl Dims {
    /// No dims: a scalar.
    pub fn none() -> Dims {
        Dims(Vec::new())
    }

    /// One dim.
    pub fn one(dim: DimId) -> Dims {
        Dims(vec![dim])
    }

    /// The dims in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = DimId> + ExactSizeIterator + '_ {
        self.0.iter().copied()
    }

    /// The dims in ascending order, as a slice.
    pub fn as_slice(&self) -> &[DimId] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is the type of a scalar.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `dim` is one of them.
    pub fn contains(&self, dim: DimId) -> bool {
        self.0.binary_search(&dim).is_ok()
    }

    /// Where `dim` stands among them.
    pub fn position(&self, dim: DimId) -> Option<usize> {
        self.0.binary_search(&dim).ok()
    }

    /// Whether all of them are in `other`.
    pub fn is_subset(&self, other: &Dims) -> bool {
        self.iter().all(|d| other.contains(d))
    }

    /// Those in either.
    pub fn union(&self, other: &Dims) -> Dims {
        self.iter().chain(other.iter()).collect()
    }

    /// Those in both.
    pub fn intersect(&self, other: &Dims) -> Dims {
        self.iter().filter(|&d| other.contains(d)).collect()
    }

    /// Those not in `other`.
    pub fn minus(&self, other: &Dims) -> Dims {
        self.iter().filter(|&d| !other.contains(d)).collect()
    }

    /// These and `dim`.
    pub fn with(&self, dim: DimId) -> Dims {
        self.iter().chain([dim]).collect()
    }

    /// These without `dim`.
    pub fn without(&self, dim: DimId) -> Dims {
        self.iter().filter(|&d| d != dim).collect()
    }
}

impl FromIterator<DimId> for Dims {
    fn from_iter<I: IntoIterator<Item = DimId>>(iter: I) -> Dims {
        let mut dims: Vec<DimId> = iter.into_iter().collect();
        dims.sort_unstable();
        dims.dedup();
        Dims(dims)
    }
}

/// The type of a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ty {
    /// What each element is.
    pub elem: Elem,
    /// What the tensor is indexed by.
    pub dims: Dims,
}

impl Ty {
    /// A tensor of `elem` over `dims`.
    pub fn new(elem: Elem, dims: Dims) -> Ty {
        Ty { elem, dims }
    }

    /// A single float.
    pub fn scalar() -> Ty {
        Ty::new(Elem::Float, Dims::none())
    }
}
