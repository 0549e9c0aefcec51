//! The cases of `cases.json`, and what is timed of each.
//!
//! `benches/peers/peers.py` reads the same file and makes the same numbers, so both sides work on the
//! same tensors, and a value that differs shows that they do not compute the same loss.

mod plain;

use candle_core::{DType, Device, Tensor, Var};
use lossc::{Backend, Compiler, Inputs, Loss};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What computes a loss with its gradient.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Way {
    /// The fused back end.
    Fused,
    /// The back end of Candle's operations, one for each node of the graph.
    Candle,
    /// The loss written by hand in Candle's operations, with Candle's `backward`.
    Plain,
    /// No loss: a copy that reads and writes as many bytes as the inputs and gradients have.
    Copy,
}

impl Way {
    /// All, with their names.
    pub const ALL: [(&'static str, Way); 4] = [
        ("fused", Way::Fused),
        ("candle", Way::Candle),
        ("plain", Way::Plain),
        ("copy", Way::Copy),
    ];
}

/// A case: a spec, and tensors for its inputs.
pub struct Case {
    pub name: String,
    tensors: Vec<(String, Tensor)>,
    fused: Loss,
    candle: Loss,
    from: Vec<u8>,
    to: Vec<u8>,
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
        let mut bytes = 0;
        for (number, input) in inputs.iter().enumerate() {
            let (name, tensor) = tensor(input, number)?;
            let size = tensor.elem_count() * tensor.dtype().size_in_bytes();
            let tracked = gradients.iter().any(|wanted| *wanted == *name);
            bytes += if tracked { 2 * size } else { size };
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
            from: vec![1; bytes / 2],
            to: vec![0; bytes / 2],
        };
        let expected = case.run(Way::Fused)?;
        for way in [Way::Candle, Way::Plain] {
            let value = case.run(way)?;
            if (value - expected).abs() > 1e-3 * expected.abs() {
                return Err(format!("{name}: {way:?} gives {value}, fused {expected}").into());
            }
        }
        Ok(case)
    }

    /// Computes value and gradient once; returns the value, 0 for a copy.
    pub fn run(&mut self, way: Way) -> Result<f64> {
        let loss = match way {
            Way::Fused => &self.fused,
            Way::Candle => &self.candle,
            Way::Plain => {
                let total = plain::loss(&self.name, &self.tensors)?;
                let gradients = total.backward()?;
                std::hint::black_box(&gradients);
                return Ok(f64::from(total.to_scalar::<f32>()?));
            }
            Way::Copy => {
                self.copy();
                return Ok(0.0);
            }
        };
        let inputs = self.tensors.iter();
        let inputs = inputs.fold(Inputs::new(), |all, (name, t)| all.tensor(name, t));
        let (outcome, gradients) = loss.value_and_grad(inputs)?;
        std::hint::black_box(&gradients);
        Ok(f64::from(outcome.total.to_scalar::<f32>()?))
    }

    /// A copy on as many threads as the fused back end takes.
    fn copy(&mut self) {
        use rayon::prelude::*;
        const CHUNK: usize = 1 << 18;
        if self.from.len() <= CHUNK {
            self.to.copy_from_slice(&self.from);
        } else {
            let to = self.to.par_chunks_mut(CHUNK);
            to.zip(self.from.par_chunks(CHUNK))
                .for_each(|(to, from)| to.copy_from_slice(from));
        }
        std::hint::black_box(&mut self.to);
    }
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
