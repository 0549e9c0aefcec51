//! The command line, run as a program.

mod arrays;
mod bench;
mod compile;
mod eval;
mod examples;
mod explain;
mod fmt;
mod general;
mod gradcheck;
mod hostile;
mod list;
mod modules;
mod plot;
mod reference;
mod startup;
mod test;
mod validate;

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run left behind.
struct Ran {
    out: String,
    err: String,
    status: i32,
}

impl Ran {
    /// The data, of a run that went well.
    #[track_caller]
    fn fine(self) -> String {
        assert_eq!(self.status, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// The data as JSON, of a run that went well.
    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.fine()).expect("JSON")
    }

    /// The talk of a run that failed with this status, and wrote no data.
    #[track_caller]
    fn failed(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}{}", self.out, self.err);
        assert_eq!(self.out, "", "a command that fails prints no data");
        assert!(!self.err.contains("mistake in lossc"), "{}", self.err);
        self.err
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lossc"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR");
    command
}

/// Runs `lossc` in the root of the package.
fn lossc(args: &[&str]) -> Ran {
    given(args, "")
}

/// Runs `lossc` with a text on its stdin.
fn given(args: &[&str], stdin: &str) -> Ran {
    let mut command = program();
    command.args(args);
    finish(command, stdin.as_bytes())
}

fn finish(mut command: Command, stdin: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that reads no stdin may be gone already.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        out: text(output.stdout),
        err: text(output.stderr),
        status: output.status.code().expect("no signal ends it"),
    }
}

/// A folder that goes away.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path as an argument.
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).expect("a writable folder");
        self.at(name)
    }

    /// The path of a file as an argument.
    fn at(&self, name: &str) -> String {
        text(&self.path(name))
    }

    /// The names of what is in it.
    fn list(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_string()
}

/// Holds a text to the file `tests/cli/NAME`; `BLESS=1 cargo test cli` rewrites it.
#[track_caller]
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli")
        .join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).expect("a writable folder");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, found, "{name} differs");
}

/// A version-1 .npy file of any header.
fn npy(header: &str, numbers: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(numbers);
    bytes
}

/// An f32 .npy file.
fn npy_f32(shape: &str, numbers: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy(
        &format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"),
        &bytes,
    )
}

/// An i64 .npy file.
fn npy_i64(shape: &str, numbers: &[i64]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy(
        &format!("{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}"),
        &bytes,
    )
}

/// An .npz file, compressed or not.
fn npz(members: &[(&str, Vec<u8>)], compressed: bool) -> Vec<u8> {
    use zip::write::SimpleFileOptions;
    let method = match compressed {
        true => zip::CompressionMethod::Deflated,
        false => zip::CompressionMethod::Stored,
    };
    let options = SimpleFileOptions::default().compression_method(method);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, options).expect("a member");
        zip.write_all(bytes).expect("a member");
    }
    zip.finish().expect("an archive").into_inner()
}

/// The arrays of an .npz file, read by another reader than ours.
fn read_npz(path: &Path) -> Vec<(String, Vec<u64>, Vec<f32>)> {
    let file = std::fs::File::open(path).expect("the file is there");
    let mut zip = zip::ZipArchive::new(file).expect("an archive");
    (0..zip.len())
        .map(|i| {
            let entry = zip.by_index(i).expect("a member");
            let name = entry.name().expect("a name").into_owned();
            let name = name.strip_suffix(".npy").expect("an array").to_string();
            let file = npyz::NpyFile::new(entry).expect("an array");
            assert_eq!(file.dtype().descr(), "'<f4'");
            let shape = file.shape().to_vec();
            (name, shape, file.into_vec().expect("numbers"))
        })
        .collect()
}
