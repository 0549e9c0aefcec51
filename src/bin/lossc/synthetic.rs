//! Inputs made for the purpose: tensors of the right shapes, kinds and types, the same every time.

use crate::answer::{Failure, Message};
use lossc::candle_core::{self, DType, Device, Tensor};
use lossc::signature::{InputDim, Numbers, What};
use lossc::{Error, Inputs, Loss};

/// More numbers than this are not made up: a size with a digit too many should not take all memory.
const MAX_NUMBERS: usize = 1 << 31;

/// Inputs for a spec at sizes that [`Loss::at_shapes`] found; scalars are 1, params keep their
/// defaults.
pub fn inputs(loss: &Loss, sizes: &lossc::run::Sizes, dtype: DType) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::new();
    let mut random = Random(1);
    for slot in &loss.signature().slots {
        match &slot.what {
            What::Tensor { axes, numbers, .. } => {
                let shape = shape(loss, sizes, axes)?;
                let classes = match numbers {
                    Numbers::Integers { classes: Some(dim) } => {
                        size(sizes, *dim).map_or(2, |s| s.iter().product())
                    }
                    _ => 2,
                };
                let tensor = match numbers {
                    Numbers::Integers { .. } => labels(&shape, classes, &mut random),
                    Numbers::Floats | Numbers::Any => {
                        floats(&slot.ty, &shape, &mut random).and_then(|t| t.to_dtype(dtype))
                    }
                };
                inputs = inputs.tensor(&slot.name, &tensor.map_err(Error::from)?);
            }
            What::Scalar => inputs = inputs.scalar(&slot.name, 1.0),
            What::Param { .. } => {}
        }
    }
    Ok(inputs)
}

/// What to say where a size is needed that nothing tells.
pub fn unknown_size(loss: &Loss, sizes: &lossc::run::Sizes) -> Message {
    let dims = loss.signature().dims.iter().zip(sizes);
    let name = dims
        .filter(|(_, size)| size.is_none())
        .map(|(dim, _)| format!(" of `{}`", dim.name))
        .next();
    let Some(name) = name else {
        return Message::new("tensors of these shapes are larger than any memory");
    };
    Message::new(format!("no `--shape` tells the size{name}"))
        .help("give the shapes of the inputs: `--shape pred=5,2,64,64`")
}

fn size(sizes: &lossc::run::Sizes, dim: lossc::ir::DimId) -> Option<&[usize]> {
    sizes.get(dim.index()).and_then(|s| s.as_deref())
}

fn shape(loss: &Loss, sizes: &lossc::run::Sizes, axes: &[InputDim]) -> Result<Vec<usize>, Failure> {
    let known = |dim: lossc::ir::DimId| {
        let size = size(sizes, dim).map(<[usize]>::to_vec);
        size.ok_or_else(|| Failure::Broken(unknown_size(loss, sizes)))
    };
    let mut shape = Vec::new();
    for axis in axes {
        match axis {
            InputDim::One(dim) | InputDim::Flat(_, dim) => shape.extend(known(*dim)?),
            InputDim::Pack(_, dims) => {
                for dim in dims {
                    shape.extend(known(*dim)?);
                }
            }
            InputDim::Dropped => shape.push(1),
        }
    }
    let count = shape
        .iter()
        .try_fold(1usize, |n, &size| n.checked_mul(size));
    match count {
        Some(count) if count <= MAX_NUMBERS => Ok(shape),
        _ => Err(Failure::Broken(
            Message::new(format!(
                "shape {shape:?} is too large to make up numbers for"
            ))
            .help("fewer samples or a smaller image will do"),
        )),
    }
}

fn labels(shape: &[usize], classes: usize, random: &mut Random) -> candle_core::Result<Tensor> {
    let count = shape.iter().product();
    let labels: Vec<i64> = (0..count)
        .map(|_| (random.next() * classes as f64) as i64)
        .collect();
    Tensor::from_vec(labels, shape, &Device::Cpu)
}

fn floats(ty: &str, shape: &[usize], random: &mut Random) -> candle_core::Result<Tensor> {
    let count = shape.iter().product();
    let one = |random: &mut Random| match ty.split('[').next().unwrap_or("") {
        "mask" => f32::from(u8::from(random.next() < 0.3)),
        "probs" | "onehot" => random.next() as f32,
        "log_probs" => -4.0 * random.next() as f32,
        // Sums of three are near enough to a normal distribution.
        _ => (2.0 * (random.next() + random.next() + random.next()) - 3.0) as f32,
    };
    let numbers: Vec<f32> = (0..count).map(|_| one(random)).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu)
}

/// A linear congruential generator (Knuth 1997): the same numbers on every machine.
struct Random(u64);

impl Random {
    /// A number from 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
