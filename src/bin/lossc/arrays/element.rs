//! The element types of array files, and bytes → tensors.

use super::Read;
use half::{bf16, f16};
use lossc::candle_core::{Device, Result, Shape, Tensor, WithDType};

/// How an element is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    /// Its bytes.
    pub fn size(self) -> usize {
        match self {
            Element::Bool | Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 | Element::F16 | Element::Bf16 => 2,
            Element::I32 | Element::U32 | Element::F32 => 4,
            Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }
}

/// More axes than any array has.
const MAX_AXES: usize = 64;

/// The number of bytes of an array; wrong where no memory could hold it.
pub fn byte_count(element: Element, shape: &[usize]) -> Read<usize> {
    if shape.len() > MAX_AXES {
        return Err(format!("it claims to have {} axes", shape.len()));
    }
    // Strides are products too, so a size of 0 must not hide what the others multiply to.
    let whole = shape
        .iter()
        .try_fold(element.size(), |n, &size| n.checked_mul(size.max(1)));
    match whole {
        Some(whole) if whole <= isize::MAX as usize => {
            Ok(if shape.contains(&0) { 0 } else { whole })
        }
        _ => Err(format!("no memory holds an array of shape {shape:?}")),
    }
}

/// A tensor from the bytes of its elements, the last axis running fastest. Types that Candle lacks
/// become wider ones.
pub fn tensor(element: Element, shape: &[usize], bytes: &[u8], big: bool) -> Read<Tensor> {
    let made = match element {
        Element::Bool => make(shape, numbers(bytes, big, |[b]: [u8; 1]| u8::from(b != 0))),
        Element::U8 => make(shape, bytes.to_vec()),
        Element::I8 => make(
            shape,
            numbers(bytes, big, |b| i64::from(i8::from_le_bytes(b))),
        ),
        Element::I16 => make(shape, numbers(bytes, big, i16::from_le_bytes)),
        Element::I32 => make(shape, numbers(bytes, big, i32::from_le_bytes)),
        Element::I64 => make(shape, numbers(bytes, big, i64::from_le_bytes)),
        Element::U16 => make(
            shape,
            numbers(bytes, big, |b| u32::from(u16::from_le_bytes(b))),
        ),
        Element::U32 => make(shape, numbers(bytes, big, u32::from_le_bytes)),
        Element::U64 => {
            let wide = numbers(bytes, big, u64::from_le_bytes);
            if let Some(large) = wide.iter().find(|&&x| i64::try_from(x).is_err()) {
                return Err(format!(
                    "{large} is more than the largest integer, 2^63 − 1"
                ));
            }
            make(shape, wide.into_iter().map(|x| x as i64).collect())
        }
        Element::F16 => make(shape, numbers(bytes, big, f16::from_le_bytes)),
        Element::Bf16 => make(shape, numbers(bytes, big, bf16::from_le_bytes)),
        Element::F32 => make(shape, numbers(bytes, big, f32::from_le_bytes)),
        Element::F64 => make(shape, numbers(bytes, big, f64::from_le_bytes)),
    };
    made.map_err(|error| error.to_string())
}

fn make<T: WithDType>(shape: &[usize], numbers: Vec<T>) -> Result<Tensor> {
    Tensor::from_vec(numbers, Shape::from(shape), &Device::Cpu)
}

fn numbers<const N: usize, T>(bytes: &[u8], big: bool, from: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    let order = |chunk: &[u8; N]| {
        let mut chunk = *chunk;
        if big {
            chunk.reverse();
        }
        chunk
    };
    chunks.iter().map(|chunk| from(order(chunk))).collect()
}
