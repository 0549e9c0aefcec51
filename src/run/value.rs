//! [`Array`]: numbers in a box, the values of the reference back end.

/// A dense array, row-major over its dims in ascending order. Integers and booleans (0 and 1)
/// are stored as f64 too.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// The size along each dim; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements, the last dim running fastest.
    pub data: Vec<f64>,
}

impl Array {
    /// An array of this shape.
    ///
    /// # Panics
    /// If the number of elements does not fit the shape.
    pub fn new(shape: Vec<usize>, data: Vec<f64>) -> Array {
        let count: usize = shape.iter().product();
        assert_eq!(data.len(), count, "{} elements in {shape:?}", data.len());
        Array { shape, data }
    }

    /// A single number.
    pub fn scalar(value: f64) -> Array {
        Array {
            shape: Vec::new(),
            data: vec![value],
        }
    }

    /// The same number everywhere.
    pub fn filled(shape: Vec<usize>, value: f64) -> Array {
        let data = vec![value; shape.iter().product()];
        Array { shape, data }
    }

    /// How far apart neighbours along each dim lie in `data`.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.shape.len()];
        for i in (1..self.shape.len()).rev() {
            strides[i - 1] = strides[i] * self.shape[i];
        }
        strides
    }
}
