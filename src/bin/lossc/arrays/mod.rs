//! Files of arrays → Candle tensors on the CPU, and gradients → a file.
//!
//! A file may say anything of itself. Sizes are held against what is really there before memory is
//! taken for them, and nothing in a file is ever executed.

mod element;
mod npy;
mod npz;
mod safetensors;
mod write;

use crate::answer::{Failure, Message};
use crate::files;
use candle_core::Tensor;
use lossc::candle_core;
use std::fs::File;
use std::io;
use std::path::Path;

pub use write::write_npz;

/// What is wrong with a file, as the second half of a sentence.
type Read<T> = Result<T, String>;

/// Arrays of a batch file.
pub struct Batch {
    /// Those that were wanted.
    pub arrays: Vec<(String, Tensor)>,
    /// The names of the others.
    pub others: Vec<String>,
}

/// Reads those arrays of a batch file that are wanted.
pub fn read_batch(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Batch, Failure> {
    let read = match extension(path).as_str() {
        "npz" => npz::read,
        "safetensors" => safetensors::read,
        "npy" => {
            return Err(Failure::Broken(
                Message::new(format!(
                    "`{}` holds one array, which has no name",
                    path.display()
                ))
                .help("say which input it is: `--input pred=FILE.npy`"),
            ));
        }
        _ => {
            return Err(unknown(
                path,
                "`--inputs` takes .npz and .safetensors files",
            ));
        }
    };
    read(open(path)?, wanted).map_err(|why| broken(path, &why))
}

/// Reads a file of one array.
pub fn read_array(path: &Path) -> Result<Tensor, Failure> {
    match extension(path).as_str() {
        "npy" => {}
        "npz" | "safetensors" => {
            return Err(unknown(
                path,
                "`--input` takes .npy files; a batch of named arrays goes to `--inputs`",
            ));
        }
        _ => return Err(unknown(path, "`--input` takes .npy files")),
    }
    npy::read_file(open(path)?).map_err(|why| broken(path, &why))
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

fn unknown(path: &Path, help: &str) -> Failure {
    let text = format!("`{}` is not a file of a known kind", path.display());
    Failure::Broken(Message::new(text).help(help))
}

fn broken(path: &Path, why: &str) -> Failure {
    Failure::Broken(Message::new(format!(
        "cannot read `{}`: {why}",
        path.display()
    )))
}

/// Opens a file whose size is known: not a pipe or a device, which may never end.
fn open(path: &Path) -> Result<(File, u64), Failure> {
    let failed =
        |error: &io::Error| Failure::Broken(files::unreadable(&path.display().to_string(), error));
    let file = File::open(path).map_err(|error| failed(&error))?;
    let known = file.metadata().map_err(|error| failed(&error))?;
    if known.is_dir() {
        return Err(broken(path, "it is a directory"));
    }
    if !known.is_file() {
        return Err(broken(path, "it is not a regular file"));
    }
    Ok((file, known.len()))
}

/// `count` bytes, or how many there are. Memory grows with what arrives.
fn read_bytes(from: impl io::Read, count: usize) -> Read<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::with_capacity(count.min(1 << 24));
    match from.take(count as u64).read_to_end(&mut bytes) {
        Err(error) => Err(files::reason(&error)),
        Ok(_) if bytes.len() < count => Err(format!(
            "it ends too early: {count} bytes of numbers are promised, and {} are there",
            bytes.len()
        )),
        Ok(_) => Ok(bytes),
    }
}
