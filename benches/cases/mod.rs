//! The cases of `cases.json`, and what is timed of each.
//!
//! `benches/peers/peers.py` reads the same file and makes the same numbers, so both sides work on the
//! same tensors, and a value that differs shows that they do not compute the same loss.

mod plain;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use lossc::{Backend, Compiler, Inputs, Loss};
use serde_json::Value;
use std::mem::MaybeUninit;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What computes a loss with its gradient.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Way {
    /// The fused back end, gradients in new memory each time.
    Fused,
    /// The fused back end, gradients in the memory of those before.
    Into,
    /// The back end of Candle's operations, one for each node of the graph.
    Candle,
    /// The loss written by hand in Candle's operations, with Candle's `backward`.
    Plain,
    /// No loss: a copy that reads and writes as many bytes as the inputs and gradients have.
    Copy,
    /// No loss: a copy of the tensors that get a gradient, into memory that is new each time, in large
    /// pages, as gradients are. What it takes longer is the system's clearing of pages.
    Fresh,
}

impl Way {
    /// All, with their names.
    pub const ALL: [(&'static str, Way); 6] = [
        ("fused", Way::Fused),
        ("into", Way::Into),
        ("candle", Way::Candle),
        ("plain", Way::Plain),
        ("copy", Way::Copy),
        ("fresh", Way::Fresh),
    ];
}

/// A case: a spec, and tensors for its inputs.
pub struct Case {
    pub name: String,
    tensors: Vec<(String, Tensor)>,
    fused: Loss,
    candle: Loss,
    store: GradStore,
    from: Vec<u8>,
    to: Vec<u8>,
    /// Bytes of all gradients.
    gradients: usize,
}

/// The entries of `cases.json`.
pub fn list() -> Result<Vec<Value>> {
    Ok(serde_json::from_str(include_str!("../cases.json"))?)
}

impl Case {
    /// Makes a case. Checks that all ways come to the same value.
    pub fn new(name: &str) -> Result<Case> {
        let list = list()?;
        let case = list.iter().find(|case| case["name"] == name);
        let case = case.ok_or_else(|| format!("no case `{name}`"))?;
        let inputs = case["inputs"].as_array().ok_or("a case without inputs")?;
        let gradients = case["gradients"].as_array().ok_or("no gradients")?;
        let mut tensors = Vec::new();
        let (mut bytes, mut fresh) = (0, 0);
        for (number, input) in inputs.iter().enumerate() {
            let (name, tensor) = tensor(input, number)?;
            let size = tensor.elem_count() * tensor.dtype().size_in_bytes();
            let tracked = gradients.iter().any(|wanted| *wanted == *name);
            bytes += if tracked { 2 * size } else { size };
            fresh += if tracked { size } else { 0 };
            let tensor = if tracked {
                Var::from_tensor(&tensor)?.into_inner()
            } else {
                tensor
            };
            tensors.push((name, tensor));
        }
        let path = format!("{}/benches/specs/{name}.loss", env!("CARGO_MANIFEST_DIR"));
        let spec = std::fs::read_to_string(path)?;
        let compile = |backend| Compiler::new().name(name).backend(backend).compile(&spec);
        let mut case = Case {
            name: name.to_string(),
            tensors,
            fused: compile(Backend::Fused)?,
            candle: compile(Backend::Candle)?,
            store: GradStore::default(),
            from: vec![1; (bytes / 2).max(fresh)],
            to: vec![0; bytes / 2],
            gradients: fresh,
        };
        let expected = case.run(Way::Fused)?;
        for way in [Way::Into, Way::Candle, Way::Plain] {
            let value = case.run(way)?;
            let agrees = (value - expected).abs() <= 1e-3 * expected.abs();
            if !agrees {
                return Err(format!("{name}: {way:?} gives {value}, fused {expected}").into());
            }
        }
        Ok(case)
    }

    /// Computes value and gradient once; returns the value, 0 for a copy.
    pub fn run(&mut self, way: Way) -> Result<f64> {
        let (value, gradients) = match way {
            Way::Fused => self.fused()?,
            Way::Into => {
                let outcome = self
                    .fused
                    .value_and_grad_into(self.inputs(), &mut self.store)?;
                std::hint::black_box(&self.store);
                return Ok(f64::from(outcome.total.to_scalar::<f32>()?));
            }
            Way::Candle => self.compute(&self.candle)?,
            Way::Plain => {
                let total = plain::loss(&self.name, &self.tensors)?;
                let gradients = total.backward()?;
                std::hint::black_box(&gradients);
                return Ok(f64::from(total.to_scalar::<f32>()?));
            }
            Way::Copy => {
                copy(&mut self.to, &self.from);
                return Ok(0.0);
            }
            Way::Fresh => {
                self.copy_fresh();
                return Ok(0.0);
            }
        };
        std::hint::black_box(&gradients);
        Ok(value)
    }

    /// The value and the gradients by the fused back end.
    pub fn fused(&self) -> Result<(f64, GradStore)> {
        self.compute(&self.fused)
    }

    fn inputs(&self) -> Inputs {
        let inputs = self.tensors.iter();
        inputs.fold(Inputs::new(), |all, (name, t)| all.tensor(name, t))
    }

    fn compute(&self, loss: &Loss) -> Result<(f64, GradStore)> {
        let (outcome, gradients) = loss.value_and_grad(self.inputs())?;
        Ok((f64::from(outcome.total.to_scalar::<f32>()?), gradients))
    }

    /// The tensor bound to an input.
    #[allow(dead_code, reason = "not every benchmark looks at tensors")]
    pub fn tensor(&self, name: &str) -> &Tensor {
        let named = self.tensors.iter().find(|(own, _)| own == name);
        &named.expect("a case has what its spec reads").1
    }

    /// A copy into new memory. No input is larger than all of them together, so `from` is long enough.
    fn copy_fresh(&self) {
        let mut to = Vec::with_capacity(self.gradients);
        #[cfg(target_os = "linux")]
        {
            const PAGE: usize = 1 << 21;
            let start: *mut u8 = to.as_mut_ptr();
            let skipped = start.align_offset(PAGE);
            if skipped + PAGE <= self.gradients {
                let bytes = (self.gradients - skipped) & !(PAGE - 1);
                // SAFETY: the range lies within the allocation, and the advice changes none of it.
                unsafe { libc::madvise(start.add(skipped).cast(), bytes, libc::MADV_HUGEPAGE) };
            }
        }
        let spare: &mut [MaybeUninit<u8>] = &mut to.spare_capacity_mut()[..self.gradients];
        // SAFETY: bytes that are initialised are bytes that need not be.
        let from: &[MaybeUninit<u8>] = unsafe { std::mem::transmute(&self.from[..self.gradients]) };
        copy(spare, from);
        std::hint::black_box(&mut to);
    }
}

/// A copy on as many threads as the fused back end takes.
fn copy<T: Copy + Send + Sync>(to: &mut [T], from: &[T]) {
    use rayon::prelude::*;
    const CHUNK: usize = 1 << 18;
    if from.len() <= CHUNK {
        to.copy_from_slice(from);
    } else {
        let to = to.par_chunks_mut(CHUNK);
        to.zip(from.par_chunks(CHUNK))
            .for_each(|(to, from)| to.copy_from_slice(from));
    }
    std::hint::black_box(to);
}

/// An input of a case, filled with numbers that follow from their positions alone.
fn tensor(input: &Value, number: usize) -> Result<(String, Tensor)> {
    let name = input["name"].as_str().ok_or("an input without a name")?;
    let shape = input["shape"]
        .as_array()
        .ok_or("an input without a shape")?;
    let shape: Vec<usize> = shape
        .iter()
        .filter_map(|n| n.as_u64().map(|n| n as usize))
        .collect();
    let count = shape.iter().product::<usize>() as u64;
    // Multiples of the golden ratio: spread evenly, and the same in any language.
    let bits = (0..count)
        .map(|i| (i + number as u64 * 1_000_003) as u32)
        .map(|i| i.wrapping_mul(2_654_435_761));
    let tensor = match input["holds"].as_str() {
        Some("floats") => {
            let numbers = bits.map(|b| (f64::from(b) / (1u64 << 32) as f64 * 6.0 - 3.0) as f32);
            Tensor::from_vec(numbers.collect(), shape, &Device::Cpu)?
        }
        Some("mask") => {
            let numbers: Vec<u32> = bits.map(|b| (b >> 8) % 2).collect();
            Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(DType::F32)?
        }
        Some("labels") => {
            let classes = input["classes"].as_u64().ok_or("labels of no classes")?;
            let numbers: Vec<i64> = bits.map(|b| (u64::from(b >> 8) % classes) as i64).collect();
            Tensor::from_vec(numbers, shape, &Device::Cpu)?
        }
        _ => return Err(format!("`{name}` holds nothing that is known").into()),
    };
    Ok((name.to_string(), tensor))
}
