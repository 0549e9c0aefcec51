//! The specs under `specs/examples`: what users copy must work.

use super::{Folder, lossc, npy_f32, npy_i64, npz};

fn examples() -> Vec<String> {
    let entries = std::fs::read_dir("specs/examples").expect("the folder");
    let mut files: Vec<String> = entries
        .map(|entry| super::text(&entry.expect("an entry").path()))
        .filter(|path| path.ends_with(".loss"))
        .collect();
    files.sort();
    files
}

#[test]
fn all_are_fine_without_a_warning() {
    let files = examples();
    assert!(files.len() >= 7);
    let mut args = vec!["validate"];
    args.extend(files.iter().map(String::as_str));
    let ran = lossc(&args);
    assert_eq!(ran.err, "");
    ran.fine();
    for file in &files {
        assert!(
            lossc(&["compile", file]).fine().contains("\nterms\n"),
            "{file}"
        );
        assert!(
            lossc(&["explain", file]).fine().contains("weight"),
            "{file}"
        );
        let text = std::fs::read_to_string(file).expect("a spec");
        assert!(
            text.starts_with('#') || text.starts_with("language"),
            "{file} says what it is"
        );
    }
}

/// `count` numbers between −1 and 1, the same in every run.
fn numbers(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 37 + 11) % 64) as f32 / 32.0 - 1.0)
        .collect()
}

fn labels(count: usize) -> Vec<i64> {
    (0..count as i64).map(|i| (i * i + i / 3) % 2).collect()
}

#[test]
fn all_run_and_agree_between_back_ends() {
    let f = |shape: &str, count: usize| npy_f32(shape, &numbers(count));
    let weights: Vec<f32> = numbers(32).into_iter().map(f32::abs).collect();
    let i = |shape: &str, count: usize| npy_i64(shape, &labels(count));
    // Corners in order, so that every box has an area.
    let boxes = |shift: f32| {
        let one = |n: usize| [n as f32, shift, n as f32 + 2.0, 3.0 + shift];
        npy_f32("(2, 5, 4)", &(0..10).flat_map(one).collect::<Vec<f32>>())
    };
    type Members = Vec<(&'static str, Vec<u8>)>;
    let batches: [(&str, Members, &[&str]); 7] = [
        (
            "composite",
            vec![
                ("pred.npy", f("(2, 2, 4, 4)", 64)),
                ("target.npy", i("(2, 4, 4)", 32)),
                ("edge.npy", npy_f32("(2, 4, 4)", &weights)),
            ],
            &["--set", "epoch=5"],
        ),
        (
            "own_loss",
            vec![
                ("pred.npy", f("(2, 3, 4)", 24)),
                ("target.npy", i("(2, 4)", 8)),
            ],
            &[],
        ),
        (
            "findings",
            vec![
                ("pred.npy", f("(4, 6)", 24)),
                ("target.npy", i("(4, 6)", 24)),
            ],
            &["--set", "gamma=1.5"],
        ),
        (
            "depth",
            vec![
                ("pred.npy", f("(2, 4, 4)", 32)),
                ("target.npy", f("(2, 4, 4)", 32)),
            ],
            &["--set", "step=8000"],
        ),
        (
            "faces",
            vec![
                ("anchor.npy", f("(4, 8)", 32)),
                ("positive.npy", npy_f32("(4, 8)", &numbers(40)[8..])),
                ("negative.npy", npy_f32("(4, 8)", &numbers(48)[16..])),
            ],
            &[],
        ),
        (
            "deep_supervision",
            vec![
                ("pred.npy", f("(2, 3, 9, 8)", 432)),
                ("pred_2.npy", f("(2, 3, 5, 4)", 120)),
                ("pred_4.npy", f("(2, 3, 3, 2)", 36)),
                ("target.npy", i("(2, 9, 8)", 144)),
            ],
            &[],
        ),
        (
            "boxes",
            vec![
                ("boxes.npy", boxes(0.25)),
                ("truth.npy", boxes(0.0)),
                ("score.npy", f("(2, 5)", 10)),
                ("object.npy", i("(2, 5)", 10)),
            ],
            &[],
        ),
    ];
    let folder = Folder::new();
    for (name, members, flags) in batches {
        let batch = folder.put("batch.npz", npz(&members, true));
        let spec = format!("specs/examples/{name}.loss");
        let totals: Vec<f64> = ["reference", "candle", "fused"]
            .map(|backend| {
                let args = [
                    "eval",
                    &spec,
                    "--inputs",
                    &batch,
                    "--format",
                    "json",
                    "--backend",
                    backend,
                ];
                let value = lossc(&[&args[..], flags].concat()).json();
                value["total"]
                    .as_f64()
                    .unwrap_or_else(|| panic!("{name}: {value}"))
            })
            .to_vec();
        for total in &totals {
            let error = (total - totals[0]).abs();
            assert!(error <= 1e-5 * totals[0].abs(), "{name}: {totals:?}");
        }
    }
}
