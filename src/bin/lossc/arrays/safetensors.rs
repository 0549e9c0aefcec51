//! .safetensors files.

use super::element::{Element, byte_count, tensor};
use super::{Batch, Read, read_bytes};
use safetensors::{Dtype, SafeTensors};
use std::fs::File;

/// Reads the wanted arrays.
pub fn read((file, size): (File, u64), wanted: &dyn Fn(&str) -> bool) -> Read<Batch> {
    let size = usize::try_from(size).map_err(|error| error.to_string())?;
    let bytes = read_bytes(file, size)?;
    let arrays = SafeTensors::deserialize(&bytes)
        .map_err(|error| format!("it is not a whole .safetensors file: {error}"))?;
    let mut batch = Batch {
        arrays: Vec::new(),
        others: Vec::new(),
    };
    let mut names = arrays.names();
    names.sort_unstable();
    for name in names {
        if !wanted(name) {
            batch.others.push(name.to_string());
            continue;
        }
        let of_array = |why: String| format!("array `{name}`: {why}");
        let view = arrays
            .tensor(name)
            .map_err(|error| of_array(error.to_string()))?;
        let element = element(view.dtype()).map_err(of_array)?;
        let promised = byte_count(element, view.shape()).map_err(of_array)?;
        if promised != view.data().len() {
            return Err(of_array("its size is not that of its numbers".to_string()));
        }
        let tensor = tensor(element, view.shape(), view.data(), false).map_err(of_array)?;
        batch.arrays.push((name.to_string(), tensor));
    }
    Ok(batch)
}

fn element(dtype: Dtype) -> Read<Element> {
    Ok(match dtype {
        Dtype::BOOL => Element::Bool,
        Dtype::I8 => Element::I8,
        Dtype::I16 => Element::I16,
        Dtype::I32 => Element::I32,
        Dtype::I64 => Element::I64,
        Dtype::U8 => Element::U8,
        Dtype::U16 => Element::U16,
        Dtype::U32 => Element::U32,
        Dtype::U64 => Element::U64,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        other => return Err(format!("it holds {other} numbers; convert it to F32")),
    })
}
