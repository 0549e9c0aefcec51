//! The memory of outputs.

use super::exec::LINE;
use super::memory::prefer_huge_pages;
use crate::plan::DType;
use half::{bf16, f16};

/// Outputs from this size on begin at a fixed place of a cache line.
const LARGE: usize = 4 << 20;

/// Bytes of a line before the first element of a large output.
///
/// That is where a large allocation begins in glibc and in musl, so that nothing is left out there, and the
/// tensors that a loss is given lie likewise: what is read and what is written has its lines in the same places. It
/// is fixed because the lanes before the first line are a vector of their own: sums would have other bits with each place.
const BEFORE: usize = 16;

/// A vector of an element type.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are the element types")]
pub enum Values {
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Does the same with a vector of any type.
macro_rules! each {
    ($values:expr, $x:ident => $body:expr) => {
        match $values {
            Values::F16($x) => $body,
            Values::BF16($x) => $body,
            Values::F32($x) => $body,
            Values::F64($x) => $body,
        }
    };
}

/// The elements of an output: all that a vector holds behind its first few.
#[derive(Clone, Debug)]
pub struct Elements {
    all: Values,
    first: usize,
}

impl Elements {
    /// Whether an output could lie where the elements of a vector behind the first few do.
    pub fn may_be<T>(all: &[T], first: usize) -> bool {
        let output = all.get(first..).map(size_of_val);
        output.is_some_and(|bytes| first == left_out(all.as_ptr().addr(), bytes, size_of::<T>()))
    }

    /// The elements of a vector behind the first few, where an output could lie.
    pub fn of(all: Values, first: usize) -> Elements {
        Elements { all, first }
    }

    /// The vector, and the number of its elements that do not belong to the output.
    pub fn into_parts(self) -> (Values, usize) {
        (self.all, self.first)
    }

    /// Room for `len` elements, whatever they are.
    pub(super) fn room(dtype: DType, len: usize) -> Elements {
        let (bytes, size) = (len * dtype.size(), dtype.size());
        let capacity = match placed(bytes) {
            true => len + LINE / size,
            false => len,
        };
        let all = match dtype {
            DType::F16 => Values::F16(Vec::with_capacity(capacity)),
            DType::BF16 => Values::BF16(Vec::with_capacity(capacity)),
            DType::F32 => Values::F32(Vec::with_capacity(capacity)),
            _ => Values::F64(Vec::with_capacity(capacity)),
        };
        let mut elements = Elements { all, first: 0 };
        prefer_huge_pages(elements.pointer(), bytes);
        elements.begin(bytes, size);
        elements
    }

    /// The same memory without elements, if it has room for so many of this type.
    pub(super) fn emptied(mut self, dtype: DType, len: usize) -> Option<Elements> {
        let same = match &self.all {
            Values::F16(_) => dtype == DType::F16,
            Values::BF16(_) => dtype == DType::BF16,
            Values::F32(_) => dtype == DType::F32,
            Values::F64(_) => dtype == DType::F64,
        };
        let size = dtype.size();
        let fits = |start: usize, capacity| left_out(start, len * size, size) + len <= capacity;
        if !same || !each!(&self.all, x => fits(x.as_ptr().addr(), x.capacity())) {
            return None;
        }
        self.begin(len * size, size);
        Some(self)
    }

    /// Leaves no elements but those before an output of so many bytes.
    fn begin(&mut self, bytes: usize, size: usize) {
        each!(&mut self.all, x => {
            self.first = left_out(x.as_ptr().addr(), bytes, size);
            x.truncate(self.first);
            x.resize(self.first, Default::default());
        });
    }

    /// The first element.
    pub(super) fn pointer(&mut self) -> *mut u8 {
        each!(&mut self.all, x => x.as_mut_ptr().wrapping_add(self.first).cast())
    }

    /// # Safety
    /// The first `len` elements have been written, and there is room for them.
    pub(super) unsafe fn set_len(&mut self, len: usize) {
        // SAFETY: see above; those before them have been written when the memory was made.
        unsafe { each!(&mut self.all, x => x.set_len(self.first + len)) }
    }

    pub(super) fn push(&mut self, value: f64) {
        match &mut self.all {
            Values::F16(x) => x.push(f16::from_f64(value)),
            Values::BF16(x) => x.push(bf16::from_f64(value)),
            Values::F32(x) => x.push(value as f32),
            Values::F64(x) => x.push(value),
        }
    }

    /// The elements as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.all {
            Values::F16(x) => x[self.first..].iter().map(|x| x.to_f64()).collect(),
            Values::BF16(x) => x[self.first..].iter().map(|x| x.to_f64()).collect(),
            Values::F32(x) => x[self.first..].iter().map(|&x| f64::from(x)).collect(),
            Values::F64(x) => x[self.first..].to_vec(),
        }
    }
}

/// The same elements, wherever they lie.
impl PartialEq for Elements {
    fn eq(&self, other: &Elements) -> bool {
        let (a, b) = (self.first, other.first);
        match (&self.all, &other.all) {
            (Values::F16(x), Values::F16(y)) => x[a..] == y[b..],
            (Values::BF16(x), Values::BF16(y)) => x[a..] == y[b..],
            (Values::F32(x), Values::F32(y)) => x[a..] == y[b..],
            (Values::F64(x), Values::F64(y)) => x[a..] == y[b..],
            _ => false,
        }
    }
}

/// How many elements of this size memory that starts at an address has before an output of so many bytes.
fn left_out(start: usize, bytes: usize, size: usize) -> usize {
    match placed(bytes) {
        true => (BEFORE + LINE - start % LINE) % LINE / size,
        false => 0,
    }
}

/// Whether an output of so many bytes begins at a fixed place of a cache line.
pub(super) fn placed(bytes: usize) -> bool {
    bytes >= LARGE
}
