//! Tensors → an .npz file, whole or not at all.

use crate::answer::{Failure, Message};
use crate::files::write_whole;
use lossc::candle_core::{self, DType, Tensor};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Writes tensors as f32 arrays.
pub fn write_npz(path: &Path, arrays: &[(String, Tensor)]) -> Result<(), Failure> {
    let numbers = |tensor: &Tensor| -> candle_core::Result<Vec<f32>> {
        tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    };
    let mut members = Vec::with_capacity(arrays.len());
    for (name, tensor) in arrays {
        let numbers = numbers(tensor).map_err(|error| {
            Failure::Broken(Message::new(format!("the gradient of `{name}`: {error}")))
        })?;
        members.push((format!("{name}.npy"), npy(tensor.dims(), &numbers)));
    }
    write_whole(path, |file| {
        archive(BufWriter::new(file), &members).map_err(io::Error::other)
    })
}

fn archive(to: impl Write + Seek, members: &[(String, Vec<u8>)]) -> zip::result::ZipResult<()> {
    let mut zip = ZipWriter::new(to);
    // Stored, as `np.savez` does, and with the same bytes each time.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, bytes) in members {
        let large = bytes.len() >= u32::MAX as usize;
        zip.start_file(name.as_str(), options.large_file(large))?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

/// An array in version 1 of NumPy's format.
fn npy(shape: &[usize], numbers: &[f32]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    // The numbers begin at a multiple of 64.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = Vec::with_capacity(10 + header.len() + 4 * numbers.len());
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    // A tensor has few axes, so the header stays far below the 64 KiB that fit.
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}
