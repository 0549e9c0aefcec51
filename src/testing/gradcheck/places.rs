//! Inputs made for the purpose: where gradients are easy, and where they go wrong.

use crate::error::Error;
use crate::ir::DimId;
use crate::loss::Loss;
use crate::run::{Inputs, Sizes};
use crate::signature::{InputDim, Numbers, Slot, What};
use candle_core::{Device, Tensor};

/// Where the inputs lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Scores between −2 and 2, labels of all classes.
    Ordinary,
    /// Scores of ±1e4, where sigmoids are 0 or 1.
    Saturated,
    /// Scores of 0.
    Zero,
    /// All scores alike.
    Tied,
    /// Labels of the first class alone, masks full.
    OneClass,
    /// Masks that hold nothing.
    Empty,
    /// Labels that the spec ignores, and no others.
    Ignored,
}

impl Place {
    /// Every place.
    pub const ALL: &'static [Place] = &[
        Place::Ordinary,
        Place::Saturated,
        Place::Zero,
        Place::Tied,
        Place::OneClass,
        Place::Empty,
        Place::Ignored,
    ];

    /// Whether there are such inputs for a spec: not every one ignores labels.
    pub fn fits(self, loss: &Loss) -> bool {
        self != Place::Ignored || !loss.spared().is_empty()
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Place::Ordinary => "ordinary",
            Place::Saturated => "saturated",
            Place::Zero => "zero",
            Place::Tied => "tied",
            Place::OneClass => "one class",
            Place::Empty => "empty",
            Place::Ignored => "all ignored",
        }
    }
}

/// A linear congruential generator (Knuth 1997): the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    /// A number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number between two others.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

/// The sizes of all dims: those that are known, and small ones for the others. Batches have 2
/// samples, there are 3 classes, and any other axis has 5 entries or, of a pack, 3.
pub fn sizes(loss: &Loss, known: &Sizes) -> Sizes {
    let signature = loss.signature();
    let mut sizes = known.clone();
    sizes.resize(signature.dims.len(), None);
    let set = |sizes: &mut Sizes, dim: DimId, size: &[usize]| {
        let fixed = signature.dims[dim.index()].fixed.as_ref();
        let size = fixed.map_or(size.to_vec(), |(size, ..)| vec![*size]);
        sizes[dim.index()].get_or_insert(size);
    };
    for slot in &signature.slots {
        let What::Tensor { axes, numbers, .. } = &slot.what else {
            continue;
        };
        if let Numbers::Integers {
            classes: Some(classes),
        } = numbers
        {
            set(&mut sizes, *classes, &[3]);
        }
        for (i, axis) in axes.iter().enumerate() {
            match axis {
                InputDim::One(dim) => {
                    let class = signature.dims[dim.index()].name == "C";
                    let size = if i == 0 {
                        2
                    } else if class {
                        3
                    } else {
                        5
                    };
                    set(&mut sizes, *dim, &[size]);
                }
                InputDim::Flat(_, dim) => set(&mut sizes, *dim, &[3, 5]),
                InputDim::Pack(_, dims) => {
                    for (dim, size) in dims.iter().zip([3, 5].into_iter().cycle()) {
                        set(&mut sizes, *dim, &[size]);
                    }
                }
                InputDim::Dropped => {}
            }
        }
    }
    sizes
}

/// Inputs at a place, floats in f64, for sizes as [`sizes`] gives them. Scalars are 0.5, params keep
/// their defaults.
///
/// # Errors
/// [`Error::Candle`] if there is no memory for them.
pub fn inputs(
    loss: &Loss,
    sizes: &Sizes,
    place: Place,
    random: &mut Random,
) -> Result<Inputs, Error> {
    let mut inputs = Inputs::new();
    for (i, slot) in loss.signature().slots.iter().enumerate() {
        let mut spared = loss.spared().iter().filter(|(of, _)| *of as usize == i);
        match &slot.what {
            What::Scalar => inputs = inputs.scalar(&slot.name, 0.5),
            What::Param { .. } => {}
            What::Tensor { axes, numbers, .. } => {
                let shape = shape(axes, sizes);
                let tensor = match (numbers, spared.next()) {
                    (_, Some(&(_, label))) if place == Place::Ignored => {
                        Tensor::full(label, shape, &Device::Cpu)?
                    }
                    (Numbers::Integers { classes }, _) => {
                        let classes = classes.and_then(|dim| sizes[dim.index()].as_ref());
                        let classes = classes.map_or(2, |sizes| sizes.iter().product());
                        labels(&shape, classes, place, random)?
                    }
                    (Numbers::Floats | Numbers::Any, _) => {
                        let numbers = floats(slot, &shape, place, random);
                        Tensor::from_vec(numbers, shape, &Device::Cpu)?
                    }
                };
                inputs = inputs.tensor(&slot.name, &tensor);
            }
        }
    }
    Ok(inputs)
}

fn shape(axes: &[InputDim], sizes: &Sizes) -> Vec<usize> {
    let of = |dim: &DimId| sizes[dim.index()].clone().unwrap_or_default();
    let axis = |axis: &InputDim| match axis {
        InputDim::One(dim) | InputDim::Flat(_, dim) => of(dim),
        InputDim::Pack(_, dims) => dims.iter().flat_map(of).collect(),
        InputDim::Dropped => vec![1],
    };
    axes.iter().flat_map(axis).collect()
}

fn labels(
    shape: &[usize],
    classes: usize,
    place: Place,
    random: &mut Random,
) -> Result<Tensor, Error> {
    let label = |random: &mut Random| match place {
        Place::OneClass | Place::Empty => 0,
        _ => (random.unit() * classes as f64) as i64,
    };
    let count = shape.iter().product();
    let labels: Vec<i64> = (0..count).map(|_| label(random)).collect();
    Ok(Tensor::from_vec(labels, shape, &Device::Cpu)?)
}

/// The kind of an input, the first word of its type.
pub(super) fn kind(slot: &Slot) -> &str {
    let end = slot
        .ty
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &slot.ty[..end.unwrap_or(slot.ty.len())]
}

fn floats(slot: &Slot, shape: &[usize], place: Place, random: &mut Random) -> Vec<f64> {
    let count: usize = shape.iter().product();
    let kind = kind(slot);
    if kind == "real" && shape.last() == Some(&4) {
        return boxes(count / 4, random);
    }
    if matches!(kind, "probs" | "onehot") && slot.ty.contains(" over ") && shape.len() > 1 {
        return distributions(kind, shape, place, random);
    }
    let target = slot.name == "target";
    let sign = |random: &mut Random| if random.unit() < 0.5 { -1.0 } else { 1.0 };
    let one = |random: &mut Random| match (kind, place) {
        ("mask" | "onehot", Place::Empty) => 0.0,
        ("mask" | "onehot", Place::OneClass) => 1.0,
        ("mask" | "onehot", _) => f64::from(u8::from(random.unit() < 0.4)),
        ("probs", Place::Tied) => 0.7,
        ("probs", _) => random.between(0.1, 0.9),
        ("log_probs", Place::Saturated) => -1e4 * random.unit(),
        ("log_probs", Place::Tied) => -0.7,
        ("log_probs", _) => random.between(-3.0, -0.1),
        (_, Place::Saturated) => 1e4 * sign(random),
        (_, Place::Zero) if !target => 0.0,
        (_, Place::Tied) => 0.7,
        _ => random.between(-2.0, 2.0),
    };
    (0..count).map(|_| one(random)).collect()
}

/// Boxes x1, y1, x2, y2 with some width and height, most of which overlap.
fn boxes(count: usize, random: &mut Random) -> Vec<f64> {
    let one = |_| {
        let (x, y) = (random.between(0.0, 2.0), random.between(0.0, 2.0));
        [
            x,
            y,
            x + random.between(1.0, 3.0),
            y + random.between(1.0, 3.0),
        ]
    };
    (0..count).flat_map(one).collect()
}

/// Probabilities over the second axis, or 0 and 1.
fn distributions(kind: &str, shape: &[usize], place: Place, random: &mut Random) -> Vec<f64> {
    let (samples, classes) = (shape[0], shape[1]);
    let inner: usize = shape[2..].iter().product();
    let mut values = vec![0.0; samples * classes * inner];
    for sample in 0..samples {
        for at in 0..inner {
            let hot = match place {
                Place::OneClass | Place::Empty => 0,
                _ => (random.unit() * classes as f64) as usize,
            };
            let hard = kind == "onehot" || place == Place::OneClass;
            let raw: Vec<f64> = (0..classes)
                .map(|class| match hard {
                    true => f64::from(u8::from(class == hot)),
                    false => random.between(0.1, 1.0),
                })
                .collect();
            let sum: f64 = raw.iter().sum();
            for (class, x) in raw.into_iter().enumerate() {
                values[(sample * classes + class) * inner + at] = x / sum;
            }
        }
    }
    values
}
