//! .npz files: a zip of .npy files.

use super::npy::Header;
use super::{Batch, Read};
use std::fs::File;
use std::io::{BufReader, Read as _};
use zip::ZipArchive;
use zip::result::ZipError;

/// An array that is packed smaller than this many times is always read.
const MAX_RATIO: u64 = 100;
/// An array of this many bytes is read however small it is packed.
const MAX_BYTES: u64 = 1 << 28;

/// Reads the wanted arrays.
pub fn read((file, _): (File, u64), wanted: &dyn Fn(&str) -> bool) -> Read<Batch> {
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| words(&error))?;
    let mut batch = Batch {
        arrays: Vec::new(),
        others: Vec::new(),
    };
    for i in 0..zip.len() {
        let member = match zip.name_for_index(i) {
            Some(name) => name.map_err(|error| words(&error))?.into_owned(),
            None => continue,
        };
        let name = match member.strip_suffix(".npy") {
            Some(name) if wanted(name) => name,
            Some(other) => {
                batch.others.push(other.to_string());
                continue;
            }
            None => {
                batch.others.push(member);
                continue;
            }
        };
        let of_array = |why: String| format!("array `{name}`: {why}");
        let mut entry = zip.by_index(i).map_err(|error| of_array(words(&error)))?;
        let packed = entry.compressed_size();
        let header = Header::read(&mut entry).map_err(of_array)?;
        // A few bytes can claim to unpack to all of memory.
        if header.bytes as u64 > packed.saturating_mul(MAX_RATIO).max(MAX_BYTES) {
            return Err(of_array(format!(
                "{packed} bytes claim to unpack to {}; save it without compression if that is true",
                header.bytes
            )));
        }
        let tensor = header.numbers(&mut entry).map_err(of_array)?;
        // Reading to the end also checks the sum that the archive keeps.
        match entry.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(of_array("it goes on behind the last number".to_string())),
            Err(error) => return Err(of_array(error.to_string())),
        }
        batch.arrays.push((name.to_string(), tensor));
    }
    Ok(batch)
}

fn words(error: &ZipError) -> String {
    match error {
        ZipError::InvalidArchive(why) => format!("it is not a whole zip archive: {why}"),
        ZipError::Io(error) => crate::files::reason(error),
        _ => error.to_string(),
    }
}
