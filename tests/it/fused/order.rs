//! Operations along several dims seen as one: what the reference gives, however operands lie and
//! however many threads there are, on sequences long enough to be sorted by digits.

use super::bind::{Lie, distance, meaning, planned, run, tensors};
use lossc::ir::{self, DimSizes};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::Program;

/// Everything along `over` and the rest of N, C, S, with one output each.
pub fn graph(over: &str, rest: &str) -> ir::Graph {
    let text = format!(
        "dims N, C, S\ngraph(x: f[N, C, S], y: f[N, S], k: f[]) {{\n\
         %0: f[N, C, S] = input x\n%1: f[N, S] = input y\n%2: f[] = input k\n\
         %3: f[N, C, S] = broadcast[N, C, S] %1\n\
         %4: i[N, C, S] = argsort[{over}] %0\n%5: i[N, C, S] = argsort_down[{over}] %3\n\
         %6: f[N, C, S] = take[{over}] %3 %4\n%7: f[N, C, S] = scatter[{over}] %0 %5\n\
         %8: f[N, C, S] = cumsum[{over}] %3\n%9: f[N, C, S] = cumsum_back[{over}] %0\n\
         %10: f[N, C, S] = cumsum_by[{over}] %3 %4\n%11: f[N, C, S] = cumsum_by_back[{over}] %0 %5\n\
         %12: f[{rest}] = broadcast[{rest}] %2\n%13: b[N, C, S] = top_k[{over}] %0 %12\n\
         %14: f[N, C, S] = const 0\n%15: b[N, C, S] = lt %0 %14\n\
         %16: f[N, C, S] = distance[N by 2, S by 0.5] %15\n\
         %17: f[N, C, S] = float %4\n%18: f[N, C, S] = float %5\n%19: f[N, C, S] = float %13\n\
         }}"
    );
    let mut graph = ir::parse(&text).expect("a graph");
    for (i, node) in [6, 7, 8, 9, 10, 11, 16, 17, 18, 19].into_iter().enumerate() {
        // Not a term by type; the back ends do not look.
        let (role, node) = (ir::Role::Term(i as u32), ir::NodeId(node));
        graph.outputs.push(ir::Output { role, node });
    }
    graph
}

fn noise(count: usize, steps: f64) -> Vec<f64> {
    let mut state = 3u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let x = (state >> 33) as f64 / (1u64 << 31) as f64 * 2.0 - 1.0;
        // Steps make ties.
        f64::from(((x * steps).round() / steps) as f32)
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn as_the_reference() {
    for (over, rest) in [
        ("S", "N, C"),
        ("N, S", "C"),
        ("C", "N, S"),
        ("N, C, S", ""),
        ("", "N, C, S"),
    ] {
        let graph = graph(over, rest);
        for (n, c, s) in [(2, 3, 1931), (3, 5, 1), (1, 2, 70), (2, 1, 13)] {
            let sizes = DimSizes(vec![n, c, s]);
            let mut x = noise(n * c * s, 300.0);
            x[0] = f64::NAN;
            let inputs = [
                Array::new(vec![n, c, s], x),
                Array::new(vec![n, s], noise(n * s, 1e7)),
                Array::scalar(7.5),
            ];
            for (lie, dtype) in [
                (Lie::Dense, DType::F32),
                (Lie::Transposed, DType::F64),
                (Lie::Narrowed, DType::F32),
                (Lie::ClassesLast, DType::F16),
            ] {
                let bound = tensors(&graph, &inputs, dtype, DType::I64, lie);
                let expected = meaning(&graph, &sizes, &bound);
                let program = Program::new(planned(&graph, &sizes, &bound));
                let got = run(&program, &bound, 1);
                let again = run(&program, &bound, 3);
                for (one, two) in got.iter().zip(&again) {
                    let bits = |x: &f64| x.to_bits();
                    assert!(
                        one.to_f64()
                            .iter()
                            .map(bits)
                            .eq(two.to_f64().iter().map(bits)),
                        "threads"
                    );
                }
                for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    for (at, (a, b)) in got.to_f64().iter().zip(&expected.data).enumerate() {
                        // NaN in, NaN out; sums in another order of the same numbers do not occur.
                        let same = a == b || (a.is_nan() && b.is_nan());
                        assert!(
                            same,
                            "output {i} along [{over}] at {at}: {a} and not {b}, {lie:?}"
                        );
                    }
                }
            }
        }
    }
}

/// f64 that no f32 is: the wide way to sort.
#[test]
fn wide_numbers() {
    let graph = graph("N, S", "C");
    let sizes = DimSizes(vec![2, 3, 1201]);
    let fine = |x: &f64| x + 1e-12 * (x * 7919.0).fract();
    let x = noise(2 * 3 * 1201, 50.0).iter().map(fine).collect();
    let inputs = [
        Array::new(vec![2, 3, 1201], x),
        Array::new(vec![2, 1201], noise(2 * 1201, 30.0)),
        Array::scalar(1200.0),
    ];
    let bound = tensors(&graph, &inputs, DType::F64, DType::I64, Lie::Dense);
    let expected = meaning(&graph, &sizes, &bound);
    let program = Program::new(planned(&graph, &sizes, &bound));
    for (got, expected) in run(&program, &bound, 2).iter().zip(&expected) {
        assert!(got.to_f64() == expected.data);
    }
}

/// Where one class of a row is read: that of an array of integers is an integer.
#[test]
fn a_picked_index() {
    let text = "dims N, C, S\ngraph(x: f[N, C], y: f[N, C, S], t: i[N, S]) {\n\
                %0: f[N, C] = input x\n%1: i[N, C] = argsort[N] %0\n%2: f[N, C] = float %1\n\
                %3: i[N, S] = input t\n%4: f[N, S] = pick[C] %2 %3\n%5: f[N, S] = softmax[N] %4\n\
                %6: f[N, C, S] = input y\n%7: f[N, C, S] = sigmoid %6\n%8: f[N, S] = pick[C] %7 %3\n\
                %9: f[N, S] = add %5 %8\n%10: f[N, S] = add %4 %9\n%11: f[] = sum[N, S] %10\n\
                total = %11\n}";
    let graph = ir::parse(text).expect("a graph");
    let sizes = DimSizes(vec![2, 3, 3]);
    let labels = (0..6).map(|i| f64::from(i * 7 % 3)).collect();
    let inputs = [
        Array::new(vec![2, 3], noise(6, 1e6)),
        Array::new(vec![2, 3, 3], vec![0.0; 18]),
        Array::new(vec![2, 3], labels),
    ];
    for dtype in [DType::F32, DType::F64] {
        let bound = tensors(&graph, &inputs, dtype, DType::I64, Lie::ClassesLast);
        let program = Program::new(planned(&graph, &sizes, &bound));
        let plan = program.plan().text();
        assert!(plan.contains("fetchint"), "{plan}");
        let expected = meaning(&graph, &sizes, &bound);
        let got = run(&program, &bound, 1)[0].to_f64();
        assert!(distance(&got, &expected[0].data) < 1e-6, "{got:?}");
    }
}
