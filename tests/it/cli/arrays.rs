//! Files of arrays: every element type, byte order, layout and version of the format.

use super::{Folder, lossc, npy, npz};
use npyz::WriterBuilder;
use serde_json::{Value, json};

/// Tells apart every order of two axes: Σ x·(100·i + j).
const ORDER: &str = "input x: real[N, M]\nminimize sum(x*(100*index[N])) + sum(x*index[M])";

/// 1, 2, … 6 over two rows: Σ (100·i + j)·x.
const EXPECTED: f64 = 100.0 * (4.0 + 5.0 + 6.0) + (2.0 + 2.0 * 3.0 + 5.0 + 2.0 * 6.0);

#[track_caller]
fn eval(spec: &str, file: &str) -> Value {
    let input = format!("x={file}");
    let args = [
        "eval",
        "-e",
        spec,
        "--format",
        "json",
        "--backend",
        "reference",
    ];
    let source: [&str; 2] = match file.ends_with(".npy") {
        true => ["--input", &input],
        false => ["--inputs", file],
    };
    lossc(&[&args[..], &source].concat()).json()
}

/// The bytes of 1, 2, … 6 in a type, least byte first.
fn six(name: &str) -> Vec<u8> {
    let bytes = |f: &dyn Fn(u8) -> Vec<u8>| (1..=6).flat_map(f).collect();
    match name {
        "i1" | "u1" => (1..=6).collect(),
        "i2" | "u2" => bytes(&|i| u16::from(i).to_le_bytes().to_vec()),
        "i4" | "u4" => bytes(&|i| u32::from(i).to_le_bytes().to_vec()),
        "i8" | "u8" => bytes(&|i| u64::from(i).to_le_bytes().to_vec()),
        "f2" => bytes(&|i| half::f16::from_f32(i.into()).to_le_bytes().to_vec()),
        "f4" => bytes(&|i| f32::from(i).to_le_bytes().to_vec()),
        _ => bytes(&|i| f64::from(i).to_le_bytes().to_vec()),
    }
}

#[test]
fn every_number_type_in_both_byte_orders() {
    let folder = Folder::new();
    for (name, dtype) in [
        ("i1", "i64"),
        ("i2", "i16"),
        ("i4", "i32"),
        ("i8", "i64"),
        ("u1", "u8"),
        ("u2", "u32"),
        ("u4", "u32"),
        ("u8", "i64"),
        ("f2", "f16"),
        ("f4", "f32"),
        ("f8", "f64"),
    ] {
        let little = six(name);
        let size = little.len() / 6;
        let big: Vec<u8> = little
            .chunks(size)
            .flat_map(|c| c.iter().rev().copied())
            .collect();
        let (bar, equals) = (if size == 1 { "|" } else { "<" }, "=");
        for (order, bytes) in [
            ("<", &little),
            (">", &big),
            (bar, &little),
            (equals, &little),
        ] {
            let header =
                format!("{{'descr': '{order}{name}', 'fortran_order': False, 'shape': (2, 3), }}");
            let array = npy(&header, bytes);
            let file = folder.put("x.npy", &array);
            let value = eval(ORDER, &file);
            assert_eq!(value["total"], EXPECTED, "{order}{name}");
            assert_eq!(
                value["inputs"]["x"],
                json!({ "shape": [2, 3], "dtype": dtype })
            );
            for compressed in [false, true] {
                let file = folder.put("x.npz", npz(&[("x.npy", array.clone())], compressed));
                assert_eq!(eval(ORDER, &file)["total"], EXPECTED);
            }
        }
    }
}

#[test]
fn booleans() {
    let folder = Folder::new();
    let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }";
    let file = folder.put("x.npy", npy(header, &[0, 1, 1, 0]));
    let value = eval("input x: mask[N]\nminimize sum(x)", &file);
    assert_eq!(value["total"], 2.0);
}

#[test]
fn fortran_order() {
    let folder = Folder::new();
    // 1, 2, … 6 over two rows, column by column.
    let numbers: Vec<u8> = [1f32, 4.0, 2.0, 5.0, 3.0, 6.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    let file = folder.put("x.npy", npy(header, &numbers));
    assert_eq!(eval(ORDER, &file)["total"], EXPECTED);
}

/// The files of another writer.
#[test]
fn what_npyz_writes() {
    let folder = Folder::new();
    for order in [npyz::Order::C, npyz::Order::Fortran] {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[2, 3])
            .order(order)
            .writer(std::io::Cursor::new(&mut bytes))
            .begin_nd()
            .expect("a header");
        let numbers: [f64; 6] = match order {
            npyz::Order::C => [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            npyz::Order::Fortran => [1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
        };
        writer.extend(numbers).expect("numbers");
        writer.finish().expect("a file");
        let file = folder.put("x.npy", bytes);
        assert_eq!(eval(ORDER, &file)["total"], EXPECTED);
    }
}

#[test]
fn all_versions_and_ways_to_write_a_header() {
    let folder = Folder::new();
    let numbers = six("f4");
    for header in [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }        \n",
        "{\"shape\": (2, 3), \"fortran_order\": False, \"descr\": \"<f4\"}",
        "{'descr':'f4','fortran_order':False,'shape':(2L,3L)}",
    ] {
        for version in [1u8, 2, 3] {
            let mut bytes = b"\x93NUMPY".to_vec();
            bytes.extend([version, 0]);
            match version {
                1 => bytes.extend((header.len() as u16).to_le_bytes()),
                _ => bytes.extend((header.len() as u32).to_le_bytes()),
            }
            bytes.extend(header.as_bytes());
            bytes.extend(&numbers);
            let file = folder.put("x.npy", bytes);
            assert_eq!(eval(ORDER, &file)["total"], EXPECTED, "{version}: {header}");
        }
    }
}

#[test]
fn arrays_without_axes_and_without_elements() {
    let folder = Folder::new();
    let scalar = npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
        &2.5f32.to_le_bytes(),
    );
    let file = folder.put("x.npy", scalar);
    let value = eval("input x: scalar\ninput y: real[N]\nminimize x", &file);
    assert_eq!(value["total"], 2.5);
    assert_eq!(value["inputs"]["x"]["shape"], json!([]));
    for (shape, fortran) in [("(0, 3)", "False"), ("(2, 0)", "True"), ("(0, 0)", "False")] {
        let header = format!("{{'descr': '<f4', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        let file = folder.put("x.npy", npy(&header, &[]));
        assert_eq!(eval(ORDER, &file)["total"], 0.0, "{shape}");
        let mean = eval("input x: real[N, M]\nminimize mean(x)", &file);
        assert_eq!(mean["total"], 0.0, "a mean of nothing is 0");
    }
}

#[test]
fn unsigned_integers_that_no_signed_one_holds() {
    let folder = Folder::new();
    let header = "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }";
    let file = folder.put("x.npy", npy(header, &u64::MAX.to_le_bytes()));
    let spec = "input x: real[N]\nminimize sum(x)";
    let talk = lossc(&["eval", "-e", spec, "--input", &format!("x={file}")]).failed(2);
    assert!(
        talk.contains("18446744073709551615 is more than the largest integer"),
        "{talk}"
    );
}

#[test]
fn safetensors_of_every_type() {
    use safetensors::{Dtype, tensor::TensorView};
    let folder = Folder::new();
    let bf16: Vec<u8> = (1..=6u8)
        .flat_map(|i| half::bf16::from_f32(i.into()).to_le_bytes())
        .collect();
    for (dtype, bytes, seen) in [
        (Dtype::F64, six("f8"), "f64"),
        (Dtype::F32, six("f4"), "f32"),
        (Dtype::F16, six("f2"), "f16"),
        (Dtype::BF16, bf16, "bf16"),
        (Dtype::I64, six("i8"), "i64"),
        (Dtype::I32, six("i4"), "i32"),
        (Dtype::I16, six("i2"), "i16"),
        (Dtype::I8, six("i1"), "i64"),
        (Dtype::U64, six("u8"), "i64"),
        (Dtype::U32, six("u4"), "u32"),
        (Dtype::U16, six("u2"), "u32"),
        (Dtype::U8, six("u1"), "u8"),
    ] {
        let view = TensorView::new(dtype, vec![2, 3], &bytes).expect("a tensor");
        let bytes = safetensors::serialize([("x", &view)], None).expect("a file");
        let file = folder.put("x.safetensors", bytes);
        let value = eval(ORDER, &file);
        assert_eq!(value["total"], EXPECTED, "{dtype:?}");
        assert_eq!(value["inputs"]["x"]["dtype"], seen);
    }
    let mask = [0u8, 1, 1];
    let view = TensorView::new(Dtype::BOOL, vec![3], &mask).expect("a tensor");
    let bytes = safetensors::serialize([("x", &view)], None).expect("a file");
    let file = folder.put("x.safetensors", bytes);
    assert_eq!(
        eval("input x: mask[N]\nminimize sum(x)", &file)["total"],
        2.0
    );
    let view = TensorView::new(Dtype::F8_E4M3, vec![3], &mask).expect("a tensor");
    let bytes = safetensors::serialize([("x", &view)], None).expect("a file");
    let file = folder.put("x.safetensors", bytes);
    let spec = "input x: real[N]\nminimize sum(x)";
    let talk = lossc(&["eval", "-e", spec, "--inputs", &file]).failed(2);
    assert!(
        talk.contains("array `x`: it holds F8_E4M3 numbers"),
        "{talk}"
    );
}

#[test]
fn what_a_spec_does_not_use_is_passed_over() {
    let folder = Folder::new();
    let x = npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        &six("f4"),
    );
    let objects = npy(
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        b"pickle",
    );
    let members = [
        ("meta.npy", objects),
        ("x.npy", x),
        ("readme.txt", b"hello".to_vec()),
    ];
    let file = folder.put("x.npz", npz(&members, false));
    let ran = lossc(&["eval", "-e", ORDER, "--inputs", &file]);
    let note = format!("note: the spec does not use `meta` and `readme.txt` of `{file}`\n");
    assert_eq!(ran.err, note, "and does not open them");
    ran.fine();
}

#[test]
fn types_that_are_no_numbers() {
    let folder = Folder::new();
    for (descr, why) in [
        ("'|O'", "Python objects, which are never loaded"),
        ("'<c8'", "complex numbers"),
        ("'<U5'", "text"),
        ("'|S5'", "text"),
        ("'<M8[ns]'", "dates"),
        ("'|V2'", "bf16 is read from .safetensors"),
        ("'<f16'", "floats of a size that only some machines have"),
        ("[('a', '<f4'), ('b', '<i8')]", "records"),
    ] {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
        let file = folder.put("x.npy", npy(&header, &[0; 64]));
        let args = ["eval", "-e", "input x: real[N]\nminimize sum(x)", "--input"];
        let talk = lossc(&[&args[..], &[&format!("x={file}")]].concat()).failed(2);
        assert!(talk.contains(why), "{descr}: {talk}");
    }
}
