//! Contractions where each operand has dims that the other lacks.

use super::bind::{Lie, Tensor, distance, meaning, planned, run, tensors};
use lossc::ir::{DimSizes, Graph, parse};
use lossc::passes::{self, Config};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::Program;

/// Rows of `a` against rows of `b` within each batch, the products squared so that gradients differ.
const PAIRS: &str = "\
dims B, N, M, D
graph(a: f[B, N, D], b: f[B, M, D]) {
  %0: f[B, N, D] = input a
  %1: f[B, M, D] = input b
  %2: f[B, N, M, D] = broadcast[B, N, M, D] %0
  %3: f[B, N, M, D] = broadcast[B, N, M, D] %1
  %4: f[B, N, M, D] = mul %2 %3
  %5: f[B, N, M] = sum[D] %4
  %6: f[B, N, M] = mul %5 %5
  %7: f[] = sum[B, N, M] %6
  total = %7
}
";

pub fn gradient() -> Graph {
    let config = Config { wanted: vec![0, 1] };
    passes::apply(
        parse(PAIRS).expect("the text of a graph"),
        passes::GRADIENT,
        &config,
    )
}

/// Numbers of mixed signs, without a pattern that a transposed axis would share.
fn numbers(shape: &[usize], seed: usize) -> Array {
    let count = shape.iter().product();
    let number = |i: usize| ((i * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0;
    Array::new(shape.to_vec(), (0..count).map(number).collect())
}

pub fn arrays(sizes: &[usize]) -> Vec<Array> {
    let [b, n, m, d] = *sizes else {
        panic!("four sizes")
    };
    vec![
        numbers(&[b, n, d], 1),
        numbers(&[b, m, d], 2),
        Array::scalar(0.7),
    ]
}

/// The distance from the reference as a part of the largest magnitude of each output.
fn off(graph: &Graph, sizes: &[usize], bound: &[Tensor]) -> f64 {
    let dims = DimSizes(sizes.to_vec());
    let program = Program::new(planned(graph, &dims, bound));
    let (got, expected) = (run(&program, bound, 2), meaning(graph, &dims, bound));
    let outputs = got.iter().zip(&expected).map(|(got, expected)| {
        let largest = expected.data.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let scaled = |x: &[f64]| x.iter().map(|x| x / unit).collect::<Vec<f64>>();
        distance(&scaled(&got.to_f64()), &scaled(&expected.data))
    });
    outputs.fold(0.0, f64::max)
}

#[test]
fn products_of_matrices_agree_with_the_reference() {
    let graph = gradient();
    // Around blocks of 6 by 8, 16 or 32, tasks of 192 or 768 rows and 128 columns, chains of 16 and stretches of
    // 64 and 256 terms; products of up to 4096 elements are of f64, larger ones of f32.
    for sizes in [
        [1, 5, 7, 3],
        [1, 6, 8, 255],
        [2, 7, 9, 256],
        [3, 49, 17, 257],
        [2, 1, 33, 513],
        [2, 97, 5, 2],
        [1, 770, 31, 15],
        [1, 12, 390, 17],
        [2, 65, 33, 300],
        [1, 193, 129, 64],
        [1, 70, 66, 65],
        [1, 0, 4, 3],
        [2, 3, 4, 0],
    ] {
        for lie in Lie::ALL {
            let bound = tensors(&graph, &arrays(&sizes), DType::F32, DType::I64, lie);
            let far = off(&graph, &sizes, &bound);
            assert!(far < 2e-6, "off by {far} at {sizes:?} {lie:?}");
        }
    }
}

#[test]
fn products_of_any_types_agree_with_the_reference() {
    let graph = gradient();
    let sizes = [2, 61, 70, 40];
    let types = [DType::F16, DType::BF16, DType::F32, DType::F64];
    for (a, b) in types.iter().flat_map(|a| types.map(|b| (*a, b))) {
        for lie in Lie::ALL {
            let mut bound = tensors(&graph, &arrays(&sizes), a, DType::I64, lie);
            bound[1] = Tensor::new(&arrays(&sizes)[1], b, lie);
            let far = off(&graph, &sizes, &bound);
            let allowed = match (a, b) {
                (DType::F64, DType::F64) => 1e-14,
                // As exact as it can be written.
                _ if a.size() == 2 || b.size() == 2 => 5e-3,
                _ => 2e-6,
            };
            assert!(far < allowed, "off by {far} for {a:?} {b:?} {lie:?}");
        }
    }
}

#[test]
fn one_number_for_all_rows_or_terms() {
    let graph = gradient();
    let sizes = [1, 80, 70, 20];
    for at in 0..2 {
        let mut bound = tensors(&graph, &arrays(&sizes), DType::F32, DType::I64, Lie::Dense);
        bound[at] = Tensor::broadcast(&arrays(&sizes)[at], DType::F32);
        let far = off(&graph, &sizes, &bound);
        assert!(far < 2e-6, "off by {far}");
    }
}

/// Rows of `a` against rows of `b`, of which one is the right one.
const INFO_NCE: &str = "\
dims N, M, D
graph(a: f[N, D], b: f[M, D], t: i[N]) {
  %0: f[N, D] = input a
  %1: f[M, D] = input b
  %2: i[N] = input t
  %3: f[N, M] = dot[D] %0 %1
  %4: f[N, M] = const 0.07
  %5: f[N, M] = div %3 %4
  %6: f[N, M] = log_softmax[M] %5
  %7: f[N] = pick[M] %6 %2
  %8: f[] = sum[N] %7
  %9: f[] = size[N]
  %10: f[] = div %8 %9
  %11: f[] = neg %10
  total = %11
}
";

/// Rows of length 1 around `center`, which has length `pull`, and the labels of the first.
fn embeddings([n, m, d]: [usize; 3], seed: u64, pull: f64) -> Vec<Array> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0
    };
    let center: Vec<f64> = (0..d).map(|_| next() * pull).collect();
    let mut rows = |count: usize| {
        let mut all = Vec::new();
        for _ in 0..count {
            let row: Vec<f64> = center.iter().map(|c| c + next()).collect();
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            all.extend(row.iter().map(|x| x / length));
        }
        all
    };
    let (a, b) = (rows(n), rows(m));
    let labels = (0..n).map(|i| ((i * 31 + 7) % m) as f64).collect();
    vec![
        Array::new(vec![n, d], a),
        Array::new(vec![m, d], b),
        Array::new(vec![n], labels),
        Array::scalar(1.0),
    ]
}

#[test]
fn a_temperature_does_not_show_what_rounding_does() {
    let config = Config { wanted: vec![0, 1] };
    let graph = parse(INFO_NCE).expect("the text of a graph");
    let graph = passes::apply(graph, passes::GRADIENT, &config);
    let mut worst: f64 = 0.0;
    for (seed, sizes) in [
        [120, 75, 64],
        [101, 83, 128],
        [67, 150, 257],
        [90, 61, 1000],
    ]
    .iter()
    .cycle()
    .take(24)
    .enumerate()
    {
        // From rows that have nothing in common to rows that have most in common.
        let arrays = embeddings(*sizes, seed as u64, [0.0, 1.0, 2.0][seed % 3]);
        let bound = tensors(&graph, &arrays, DType::F32, DType::I64, Lie::Dense);
        let far = off(&graph, sizes, &bound);
        worst = worst.max(far);
    }
    assert!(worst < 2e-6, "off by {worst}");
}

#[test]
fn products_of_matrices_have_the_same_bits_on_any_number_of_threads() {
    let graph = gradient();
    let sizes = [2, 130, 70, 300];
    let bound = tensors(&graph, &arrays(&sizes), DType::F32, DType::I64, Lie::Dense);
    let program = Program::new(planned(&graph, &DimSizes(sizes.to_vec()), &bound));
    let alone = run(&program, &bound, 1);
    for threads in [2, 3, 8] {
        assert!(run(&program, &bound, threads) == alone, "{threads} threads");
    }
}

#[test]
fn the_product_of_all_pairs_is_never_stored() {
    let graph = gradient();
    let sizes = [1, 200, 100, 64];
    let bound = tensors(&graph, &arrays(&sizes), DType::F32, DType::I64, Lie::Dense);
    let plan = planned(&graph, &DimSizes(sizes.to_vec()), &bound);
    // The product, its gradient and those of the operands in f32, not one number for each pair and term.
    assert!(
        plan.extra_bytes() < 2 * 200 * 100 * 4 + (200 + 100) * 64 * 4 + 4096,
        "{}",
        plan.text()
    );
}
