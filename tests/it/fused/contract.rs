//! Contractions where each operand has dims that the other lacks.

use super::bind::{Lie, distance, meaning, planned, run, tensors};
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

#[test]
fn products_of_matrices_agree_with_the_reference() {
    let graph = gradient();
    // Around blocks of 6 by 8, tasks of 48 rows and stretches of 256 terms.
    for sizes in [
        [1, 5, 7, 3],
        [1, 6, 8, 255],
        [2, 7, 9, 256],
        [3, 49, 17, 257],
        [2, 1, 33, 513],
        [2, 97, 5, 2],
        [1, 0, 4, 3],
        [2, 3, 4, 0],
    ] {
        for lie in Lie::ALL {
            let dims = DimSizes(sizes.to_vec());
            let bound = tensors(&graph, &arrays(&sizes), DType::F32, DType::I64, lie);
            let program = Program::new(planned(&graph, &dims, &bound));
            let expected = meaning(&graph, &dims, &bound);
            for (got, expected) in run(&program, &bound, 2).iter().zip(&expected) {
                let largest = expected.data.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
                let scaled = |x: &[f64]| x.iter().map(|x| x / largest).collect::<Vec<f64>>();
                let far = distance(&scaled(&got.to_f64()), &scaled(&expected.data));
                assert!(far < 2e-6, "off by {far} at {sizes:?} {lie:?}");
            }
        }
    }
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
    // Operands, products and gradients as f64, not one number for each pair and term.
    assert!(
        plan.extra_bytes() < 200 * 100 * 64 * 8 / 4,
        "{}",
        plan.text()
    );
}
