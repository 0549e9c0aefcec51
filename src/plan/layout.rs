//! How the tensors bound to the inputs lie in memory.

/// The type of an element of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DType {
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// IEEE half precision.
    F16,
    /// The upper half of a single.
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl DType {
    /// Every type.
    pub const ALL: &'static [DType] = &[
        DType::U8,
        DType::U32,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
    ];

    /// The name, as Candle writes it.
    pub fn name(self) -> &'static str {
        match self {
            DType::U8 => "u8",
            DType::U32 => "u32",
            DType::I16 => "i16",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
        }
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            DType::U8 => 1,
            DType::I16 | DType::F16 | DType::BF16 => 2,
            DType::U32 | DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 => 8,
        }
    }

    /// Whether it is a floating point type.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }
}

/// How the tensor bound to one input lies in memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InputLayout {
    /// The type of its elements.
    pub dtype: DType,
    /// The distance in elements from one index to the next, for each dim of the input in
    /// ascending order; 0 where it is broadcast.
    pub strides: Vec<usize>,
}

impl InputLayout {
    /// A tensor of this shape without gaps, the last dim innermost.
    pub fn dense(dtype: DType, shape: &[usize]) -> InputLayout {
        InputLayout {
            dtype,
            strides: dense(shape),
        }
    }
}

/// The strides of an array of this shape without gaps, the last dim innermost.
pub(crate) fn dense(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}
