//! Files that lie about themselves: an error each, no panic, and no memory for what is not there.

use super::{Folder, Ran, finish, npy, npy_f32, npz, program};

const SPEC: &str = "input x: real[...A]\nminimize sum(x*x)";

/// Runs `eval` with little memory, where the system can be told so.
fn eval(file: &str) -> Ran {
    let input = format!("x={file}");
    let source = match file.ends_with(".npy") {
        true => ["--input", &input],
        false => ["--inputs", file],
    };
    if cfg!(target_os = "linux") {
        let mut command = std::process::Command::new("sh");
        let script = "ulimit -v 1500000; exec \"$0\" \"$@\"";
        command.args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_lossc"),
            "eval",
            "-e",
            SPEC,
        ]);
        command.args(source);
        return finish(command, b"");
    }
    let mut command = program();
    command.args(["eval", "-e", SPEC]).args(source);
    finish(command, b"")
}

fn header(shape: &str) -> String {
    format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}")
}

#[test]
fn npy_files() {
    let folder = Folder::new();
    let long = "1, ".repeat(1000);
    let deep = "(".repeat(60_000);
    let mut cut = npy_f32("(2, 3)", &[1.0; 6]);
    cut.truncate(cut.len() - 1);
    let mut more = npy_f32("(2, 3)", &[1.0; 6]);
    more.push(0);
    let mut claim = b"\x93NUMPY\x02\x00".to_vec();
    claim.extend(u32::MAX.to_le_bytes());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("half a magic", b"\x93NUM".to_vec()),
        ("text", b"1 2 3 4 5 6 7 8 9".to_vec()),
        ("magic alone", b"\x93NUMPY".to_vec()),
        ("no header", b"\x93NUMPY\x01\x00".to_vec()),
        (
            "a header that ends early",
            b"\x93NUMPY\x01\x00\xff\xff{'descr'".to_vec(),
        ),
        ("a header of 4 GiB", claim),
        ("version 9", b"\x93NUMPY\x09\x00\x10\x00{}".to_vec()),
        ("an empty header", npy("", &[])),
        ("an empty dict", npy("{}", &[])),
        (
            "no shape",
            npy("{'descr': '<f4', 'fortran_order': False}", &[]),
        ),
        (
            "another key",
            npy(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
                &[0; 4],
            ),
        ),
        ("no dict", npy("[1, 2, 3]", &[])),
        (
            "code",
            npy(
                "{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}",
                &[],
            ),
        ),
        (
            "no UTF-8",
            npy(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (\u{fffd},)}",
                &[],
            ),
        ),
        ("a quote that is not closed", npy("{'descr", &[])),
        ("a shape that is nested", npy(&header(&deep), &[])),
        ("a negative size", npy(&header("(-1,)"), &[])),
        ("a size that is no number", npy(&header("(1.5,)"), &[])),
        (
            "a size of 2^64",
            npy(&header("(18446744073709551616,)"), &[]),
        ),
        ("a terabyte", npy(&header("(1099511627776,)"), &[0; 64])),
        (
            "sizes that overflow",
            npy(&header("(4294967296, 4294967296, 4294967296)"), &[0; 64]),
        ),
        (
            "overflow behind a 0",
            npy(
                &header("(0, 9223372036854775807, 9223372036854775807)"),
                &[],
            ),
        ),
        (
            "a thousand axes",
            npy(&header(&format!("({long})")), &[0; 4]),
        ),
        ("numbers that end early", cut),
        ("numbers that go on", more),
        (
            "an unknown type",
            npy(
                "{'descr': '<x9', 'fortran_order': False, 'shape': (1,), }",
                &[0; 9],
            ),
        ),
        (
            "a type of Greek letters",
            npy(
                "{'descr': 'αβ', 'fortran_order': False, 'shape': (1,), }",
                &[0; 9],
            ),
        ),
    ];
    for (what, bytes) in cases {
        let file = folder.put("x.npy", bytes);
        let talk = eval(&file).failed(2);
        assert!(
            talk.starts_with(&format!("error: cannot read `{file}`: ")),
            "{what}: {talk}"
        );
        assert!(talk.len() < 600, "{what}: {talk}");
    }
}

#[test]
fn npz_files() {
    let folder = Folder::new();
    let whole = npz(&[("x.npy", npy_f32("(64,)", &[1.0; 64]))], true);
    let mut cut = whole.clone();
    cut.truncate(whole.len() / 2);
    let mut flipped = whole.clone();
    // A byte of the compressed numbers: the sum of the archive tells.
    flipped[75] ^= 0x55;
    let bomb = npy(&header("(100000000,)"), &[0; 1000]);
    let claim = npy(&header("(1099511627776,)"), &[0; 1000]);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("text", b"PK and then nothing".to_vec()),
        ("half of it", cut),
        ("a flipped byte", flipped),
        ("400 MB of a kilobyte", npz(&[("x.npy", bomb)], true)),
        (
            "a terabyte, compressed",
            npz(&[("x.npy", claim.clone())], true),
        ),
        ("a terabyte, stored", npz(&[("x.npy", claim)], false)),
        ("no array", npz(&[("x.npy", b"hello".to_vec())], false)),
        (
            "an array that goes on",
            npz(&[("x.npy", npy(&header("(1,)"), &[0; 999]))], true),
        ),
        (
            "an array that ends early",
            npz(&[("x.npy", npy(&header("(999,)"), &[0; 4]))], true),
        ),
    ];
    for (what, bytes) in cases {
        let file = folder.put("x.npz", bytes);
        let talk = eval(&file).failed(2);
        assert!(
            talk.starts_with(&format!("error: cannot read `{file}`: ")),
            "{what}: {talk}"
        );
    }
}

#[test]
fn safetensors_files() {
    let folder = Folder::new();
    let file = |json: &str, numbers: usize| {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        bytes.extend(vec![0; numbers]);
        bytes
    };
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("seven bytes", vec![0; 7]),
        (
            "a header of 2^63 bytes",
            (1u64 << 63).to_le_bytes().to_vec(),
        ),
        ("a header of 4 GiB", (1u64 << 32).to_le_bytes().to_vec()),
        ("no JSON", file("hello", 0)),
        ("nested", file(&deep, 0)),
        (
            "a hole",
            file(
                r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                8,
            ),
        ),
        (
            "too short",
            file(
                r#"{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
                8,
            ),
        ),
        (
            "too long",
            file(
                r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
                8,
            ),
        ),
        (
            "backwards",
            file(
                r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
                4,
            ),
        ),
        (
            "another size",
            file(
                r#"{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}"#,
                4,
            ),
        ),
        (
            "overflow",
            file(
                r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
                4,
            ),
        ),
        (
            "overflow behind a 0",
            file(
                r#"{"x":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}"#,
                0,
            ),
        ),
        (
            "an unknown type",
            file(
                r#"{"x":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#,
                4,
            ),
        ),
        (
            "a negative size",
            file(
                r#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
                4,
            ),
        ),
    ];
    for (what, bytes) in cases {
        let file = folder.put("x.safetensors", bytes);
        let talk = eval(&file).failed(2);
        assert!(
            talk.starts_with(&format!("error: cannot read `{file}`: ")),
            "{what}: {talk}"
        );
    }
}

/// Damaged files of every kind: an answer or an error, never a panic.
#[test]
fn damage_at_random() {
    let folder = Folder::new();
    let array = npy_f32("(2, 3)", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let numbers: Vec<u8> = (0..24).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![6], &numbers);
    let view = view.expect("a tensor");
    let files = [
        ("x.npy", array.clone()),
        ("x.npz", npz(&[("x.npy", array)], true)),
        (
            "x.safetensors",
            safetensors::serialize([("x", &view)], None).expect("a file"),
        ),
    ];
    // A generator of our own: the same damage in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for (name, whole) in files {
        for _ in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            if random(4) == 0 {
                bytes.truncate(random(bytes.len()));
            }
            let ran = eval(&folder.put(name, bytes));
            assert!(matches!(ran.status, 0..=2), "{}", ran.err);
            assert!(!ran.err.contains("mistake in lossc"), "{}", ran.err);
        }
    }
}

#[test]
#[cfg(unix)]
fn what_never_ends() {
    let folder = Folder::new();
    for name in ["x.npy", "x.npz", "x.safetensors"] {
        let link = folder.path(name);
        std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
        let talk = eval(&folder.at(name)).failed(2);
        assert!(talk.contains("it is not a regular file"), "{talk}");
    }
    let talk = super::lossc(&["validate", "/dev/zero"]).failed(1);
    assert!(talk.contains("error[E0102]"), "{talk}");
}

/// Names out of a file must not drive the terminal.
#[test]
fn names_with_control_characters() {
    let folder = Folder::new();
    let members = [
        ("x.npy", npy_f32("(1,)", &[1.0])),
        ("\x1b[2Jgone.npy", npy_f32("(1,)", &[1.0])),
    ];
    let ran = eval(&folder.put("x.npz", npz(&members, false)));
    assert!(!ran.err.contains('\x1b'), "{:?}", ran.err);
    assert!(ran.err.contains("gone"), "{}", ran.err);
}
