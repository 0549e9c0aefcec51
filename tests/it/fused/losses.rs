//! The main losses: accuracy in f32, the same bits for any number of threads, the number of passes,
//! no allocation on the second run.

use super::bind::{Lie, Tensor, distance, meaning, planned, run, tensors};
use lossc::ir::{DimSizes, Graph, Role, parse};
use lossc::passes::{self, Config};
use lossc::plan::{DType, Step};
use lossc::run::Array;
use lossc::run::fused::Program;

/// Dice of every sample and class, plus cross entropy weighted by class.
pub const DICE_WCE: &str = "\
dims N, C, S
graph(z: f[N, C, S], t: i[N, S]) {
  %0: f[N, C, S] = input z
  %1: i[N, S] = input t
  %2: f[N, C, S] = softmax[C] %0
  %3: f[N, C, S] = onehot[C] %1
  %4: f[N, C, S] = mul %2 %3
  %5: f[N, C] = sum[S] %4
  %6: f[N, C] = sum[S] %2
  %7: f[N, C] = sum[S] %3
  %8: f[N, C] = add %6 %7
  %9: f[N, C] = const 0.00001
  %10: f[N, C] = const 2
  %11: f[N, C] = mul %10 %5
  %12: f[N, C] = add %11 %9
  %13: f[N, C] = add %8 %9
  %14: f[N, C] = div %12 %13
  %15: f[N, C] = const 1
  %16: f[N, C] = sub %15 %14
  %17: f[] = sum[N, C] %16
  %18: f[] = size[N, C]
  %19: f[] = div %17 %18
  %20: f[N, C, S] = log_softmax[C] %0
  %21: f[N, S] = pick[C] %20 %1
  %22: i[C] = index[C]
  %23: f[C] = float %22
  %24: f[C] = const 0.5
  %25: f[C] = add %23 %24
  %26: f[N, C, S] = broadcast[N, C, S] %25
  %27: f[N, S] = pick[C] %26 %1
  %28: f[N, S] = mul %27 %21
  %29: f[] = sum[N, S] %28
  %30: f[] = sum[N, S] %27
  %31: f[] = div %29 %30
  %32: f[] = sub %19 %31
  total = %32
}
";

/// A graph over logits %0 and the number of each position's label, %3.
macro_rules! by_number {
    ($steps:literal) => {
        concat!(
            "dims N, C, S\n",
            "graph(z: f[N, C, S], t: i[N, S]) {\n",
            "  %0: f[N, C, S] = input z\n",
            "  %1: i[N, S] = input t\n",
            "  %2: f[N, S] = float %1\n",
            "  %3: f[N, C, S] = broadcast[N, C, S] %2\n",
            $steps
        )
    };
}

/// Squares of what logits are beyond the number of the label.
const SQUARES: &str = by_number!(
    "\
  %4: f[N, C, S] = sub %0 %3
  %5: f[N, C, S] = mul %4 %4
  %6: f[] = sum[N, C, S] %5
  total = %6
}
"
);

/// Squares of the binary cross entropy times the share of probability where the mask is, which takes a sweep of its own.
const BINARY: &str = by_number!(
    "\
  %4: f[N, C, S] = sigmoid %0
  %5: f[N, C, S] = softplus %0
  %6: f[N, C, S] = mul %0 %3
  %7: f[N, C, S] = sub %5 %6
  %8: f[N, C, S] = mul %4 %3
  %9: f[N, C] = sum[S] %8
  %10: f[N, C] = sum[S] %4
  %11: f[N, C] = div %9 %10
  %12: f[N, C, S] = mul %7 %7
  %13: f[N, C] = sum[S] %12
  %14: f[N, C] = mul %13 %11
  %15: f[] = sum[N, C] %14
  total = %15
}
"
);

/// Cross entropy of rows.
pub const CE: &str = "\
dims N, C
graph(z: f[N, C], t: i[N]) {
  %0: f[N, C] = input z
  %1: i[N] = input t
  %2: f[N, C] = log_softmax[C] %0
  %3: f[N] = pick[C] %2 %1
  %4: f[] = sum[N] %3
  %5: f[] = size[N]
  %6: f[] = div %4 %5
  %7: f[] = neg %6
  total = %7
}
";

pub fn gradient(text: &str) -> Graph {
    let graph = parse(text).expect("the text of a graph");
    passes::apply(graph, passes::GRADIENT, &Config { wanted: vec![0] })
}

fn noise(count: usize, scale: f64) -> Vec<f64> {
    let mut state = 7u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 33) as f64 / (1u64 << 31) as f64 * 2.0 - 1.0) * scale
    };
    (0..count).map(|_| next()).collect()
}

/// Logits of this size, labels of the first `used` classes, upstream 0.7.
pub fn inputs(sizes: &DimSizes, scale: f64, used: usize) -> Vec<Array> {
    let shape = sizes.0.clone();
    let count: usize = shape.iter().product();
    let mut labels = shape.clone();
    labels.remove(1);
    let positions = labels.iter().product();
    let label = |x: &f64| {
        ((x + 1.0) / 2.0 * used as f64)
            .floor()
            .clamp(0.0, used as f64 - 1.0)
    };
    let t = noise(positions, 1.0).iter().map(label).collect();
    vec![
        Array::new(shape, noise(count, scale)),
        Array::new(labels, t),
        Array::scalar(0.7),
    ]
}

/// Compares with the reference; f16 and bf16 are as exact as they can be written.
pub fn check(
    graph: &Graph,
    sizes: &[usize],
    dtypes: (DType, DType),
    lie: Lie,
    scale: f64,
    used: usize,
) {
    let sizes = DimSizes(sizes.to_vec());
    let tensors = tensors(graph, &inputs(&sizes, scale, used), dtypes.0, dtypes.1, lie);
    let expected = meaning(graph, &sizes, &tensors);
    let plan = planned(graph, &sizes, &tensors);
    for program in [Program::new(plan.clone()), Program::of_kernels(plan)] {
        let got = run(&program, &tensors, 2);
        for ((got, expected), output) in got.iter().zip(&expected).zip(&graph.outputs) {
            let got = got.to_f64();
            let narrow = matches!(output.role, Role::Grad(_)) && dtypes.0.size() == 2;
            let allowed = if narrow { 5e-3 } else { 2e-6 };
            let largest = expected.data.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            // `distance` takes 1 for the scale of what is smaller.
            let unit = if largest > 0.0 { largest } else { 1.0 };
            let by = |data: &[f64]| -> Vec<f64> { data.iter().map(|x| x / unit).collect() };
            let far = distance(&by(&got), &by(&expected.data));
            assert!(
                far <= allowed,
                "{:?} is off by {far} at {sizes:?} {dtypes:?} {lie:?} {scale}\n{}",
                output.role,
                program.plan().text()
            );
        }
    }
}

pub const F32: (DType, DType) = (DType::F32, DType::I64);

#[test]
fn sizes_around_tiles() {
    let (dice, ce) = (gradient(DICE_WCE), gradient(CE));
    for s in [
        1, 2, 15, 16, 17, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1025,
    ] {
        check(&dice, &[2, 3, s], F32, Lie::Dense, 3.0, 3);
        check(&ce, &[s, 5], F32, Lie::Dense, 3.0, 5);
        check(&ce, &[3, s + 1], F32, Lie::Dense, 3.0, s + 1);
    }
}

/// More classes than there are registers for values, for sums, and for masks.
#[test]
fn more_classes_than_registers() {
    let dice = gradient(DICE_WCE);
    for classes in [6, 7, 14, 15, 19, 31, 32, 33, 50] {
        check(&dice, &[2, classes, 67], F32, Lie::Dense, 3.0, classes);
    }
}

/// Outputs that are written past the cache: planes that begin at lines of memory, or anywhere.
#[test]
fn large_outputs() {
    let dice = gradient(DICE_WCE);
    for sizes in [[1, 4, 1_048_592], [1, 3, 1_398_113]] {
        let sizes_of = DimSizes(sizes.to_vec());
        let bound = tensors(&dice, &inputs(&sizes_of, 3.0, 3), F32.0, F32.1, Lie::Dense);
        let text = planned(&dice, &sizes_of, &bound).text();
        assert!(text.contains("stream(f32)"), "{text}");
        check(&dice, &sizes, F32, Lie::Dense, 3.0, 3);
    }
    // A gradient in whose memory nothing has waited, and one that is not past the cache for what has.
    let squares = gradient(SQUARES);
    for (graph, streams) in [(&squares, true), (&dice, false)] {
        for sizes in [[1, 4, 262_160], [1, 3, 349_531]] {
            let sizes_of = DimSizes(sizes.to_vec());
            let bound = tensors(graph, &inputs(&sizes_of, 3.0, 3), F32.0, F32.1, Lie::Dense);
            let text = planned(graph, &sizes_of, &bound).text();
            assert_eq!(text.contains("stream(f32)"), streams, "{text}");
            check(graph, &sizes, F32, Lie::Dense, 3.0, 3);
        }
    }
}

/// Rows beyond the second cache keep what is dear to compute again, unless they are beyond the last one too.
#[test]
fn large_rows() {
    let graph = gradient(BINARY);
    for (lanes, times) in [(60_000, 1), (70_001, 1), (600_011, 2)] {
        let sizes = [3, 1, lanes];
        let sizes_of = DimSizes(sizes.to_vec());
        let bound = tensors(&graph, &inputs(&sizes_of, 3.0, 2), F32.0, F32.1, Lie::Dense);
        let text = planned(&graph, &sizes_of, &bound).text();
        assert!(text.contains("each tile of the row"), "{text}");
        for dear in ["= softplus", "= sigmoid"] {
            assert_eq!(text.matches(dear).count(), times, "{text}");
        }
        check(&graph, &sizes, F32, Lie::Dense, 3.0, 2);
    }
}

/// However much is dear, a thread keeps no more than three large rows, and the tiles at hand.
#[test]
fn large_rows_are_few() {
    let graph = gradient(by_number!(
        "\
  %4: f[N, C, S] = mul %0 %0
  %5: f[N, C, S] = exp %0
  %6: f[N, C, S] = tanh %0
  %7: f[N, C, S] = sigmoid %0
  %8: f[N, C, S] = exp %4
  %9: f[N, C, S] = tanh %4
  %10: f[N, C] = sum[S] %5
  %11: f[N, C] = sum[S] %6
  %12: f[N, C] = sum[S] %7
  %13: f[N, C] = sum[S] %8
  %14: f[N, C] = sum[S] %9
  %15: f[N, C] = mul %10 %11
  %16: f[N, C] = mul %12 %13
  %17: f[N, C] = mul %15 %16
  %18: f[N, C] = mul %17 %14
  %19: f[] = sum[N, C] %18
  total = %19
}
"
    ));
    let lanes = 70_001;
    let sizes = DimSizes(vec![3, 1, lanes]);
    let bound = tensors(&graph, &inputs(&sizes, 1.0, 2), F32.0, F32.1, Lie::Dense);
    let plan = planned(&graph, &sizes, &bound);
    let passes = plan.steps.iter().filter_map(|step| match step {
        Step::Pass(pass) => Some(pass),
        _ => None,
    });
    let rows: Vec<usize> = passes
        .filter(|p| p.rows)
        .map(|p| p.scratch / lanes)
        .collect();
    assert_eq!(rows, [3], "{}", plan.text());
}

#[test]
fn sizes_of_nothing() {
    for (text, sizes) in [
        (DICE_WCE, vec![2, 3, 0]),
        (DICE_WCE, vec![0, 3, 5]),
        (CE, vec![0, 5]),
    ] {
        let graph = gradient(text);
        let sizes = DimSizes(sizes);
        let tensors = tensors(
            &graph,
            &inputs(&sizes, 1.0, 3),
            DType::F32,
            DType::I64,
            Lie::Dense,
        );
        let program = Program::new(planned(&graph, &sizes, &tensors));
        let got = run(&program, &tensors, 2);
        assert_eq!(got[1].to_f64().len(), 0);
    }
}

/// Large outputs, whose rows begin at other places of a line each: lanes before the first line are added up apart,
/// wherever memory lies.
#[test]
fn large_outputs_are_those_of_kernels_with_the_same_bits_each_time() {
    for (text, sizes) in [
        (SQUARES, vec![2, 3, 200_003]),
        (DICE_WCE, vec![2, 3, 800_003]),
        (DICE_WCE, vec![2, 19, 30_011]),
        (DICE_WCE, vec![7, 150, 1009]),
        (CE, vec![41, 33_001]),
        (CE, vec![150_001, 7]),
    ] {
        let graph = gradient(text);
        let sizes = DimSizes(sizes);
        let arrays = inputs(&sizes, 1.0, 3);
        let tensors = tensors(&graph, &arrays, DType::F32, DType::I64, Lie::Dense);
        let plan = planned(&graph, &sizes, &tensors);
        let kernels = run(&Program::of_kernels(plan.clone()), &tensors, 1);
        let program = Program::new(plan);
        let first = run(&program, &tensors, 2);
        for (found, expected) in first.iter().zip(&kernels) {
            let (found, expected) = (found.to_f64(), expected.to_f64());
            // A part of the largest magnitude, which may be far below one.
            let largest = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
            let far = found.iter().zip(&expected);
            let far = far.fold(0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(
                far <= 2e-6 * largest,
                "off by {far} of {largest} at {sizes:?}"
            );
        }
        let mut held = Vec::new();
        for round in 0..9 {
            held.push((
                vec![1u8; (5 << 20) + 16 * round],
                run(&program, &tensors, 2),
            ));
            let same = held.iter().all(|(_, outputs)| *outputs == first);
            assert!(same, "{round} at {sizes:?}");
            if round % 3 == 2 {
                held.clear();
            }
        }
    }
}

#[test]
fn many_classes() {
    check(
        &gradient(DICE_WCE),
        &[2, 150, 300],
        F32,
        Lie::Dense,
        3.0,
        150,
    );
    check(
        &gradient(DICE_WCE),
        &[2, 19, 300],
        F32,
        Lie::ClassesLast,
        3.0,
        19,
    );
    check(&gradient(CE), &[7, 33_001], F32, Lie::Dense, 3.0, 33_001);
    check(&gradient(CE), &[2, 100_000], F32, Lie::Dense, 3.0, 100_000);
}

#[test]
fn large_logits_and_empty_masks() {
    for scale in [1.0, 100.0, 1e4] {
        for used in [1, 4] {
            check(
                &gradient(DICE_WCE),
                &[2, 4, 700],
                F32,
                Lie::Dense,
                scale,
                used,
            );
            check(&gradient(CE), &[300, 4], F32, Lie::Dense, scale, used);
            check(&gradient(CE), &[3, 3000], F32, Lie::Dense, scale, used);
        }
    }
}

#[test]
fn types_and_layouts() {
    let graph = gradient(DICE_WCE);
    let ints = [DType::U8, DType::U32, DType::I16, DType::I32, DType::I64];
    for float in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        for (int, lie) in ints.iter().zip(Lie::ALL.iter().cycle()) {
            check(&graph, &[2, 4, 333], (float, *int), *lie, 3.0, 4);
            check(&gradient(CE), &[40, 70], (float, *int), *lie, 3.0, 70);
        }
    }
}

#[test]
fn broadcast_inputs() {
    let graph = gradient(DICE_WCE);
    let sizes = DimSizes(vec![2, 3, 100]);
    let arrays = inputs(&sizes, 1.0, 3);
    let mut bound = tensors(&graph, &arrays, DType::F32, DType::I64, Lie::Dense);
    bound[0] = Tensor::broadcast(&arrays[0], DType::F32);
    bound[1] = Tensor::broadcast(&arrays[1], DType::U8);
    let expected = meaning(&graph, &sizes, &bound);
    let got = run(&Program::new(planned(&graph, &sizes, &bound)), &bound, 1);
    assert!(distance(&got[0].to_f64(), &expected[0].data) < 2e-6);
    assert!(distance(&got[1].to_f64(), &expected[1].data) < 2e-6);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for (text, sizes) in [
        (DICE_WCE, vec![3, 4, 40_000]),
        (CE, vec![50_000, 7]),
        (CE, vec![40, 9000]),
    ] {
        let graph = gradient(text);
        let sizes = DimSizes(sizes);
        let classes = sizes.0[1];
        let tensors = tensors(
            &graph,
            &inputs(&sizes, 3.0, classes),
            DType::F32,
            DType::U8,
            Lie::Dense,
        );
        let program = Program::new(planned(&graph, &sizes, &tensors));
        let alone = run(&program, &tensors, 1);
        for threads in [2, 3, 8] {
            assert!(
                run(&program, &tensors, threads) == alone,
                "{threads} threads"
            );
        }
    }
}

/// Windows along both dims of an image, large enough for several threads.
#[test]
fn windows_on_threads_give_the_same_bits() {
    let text = "\
dims N, H, W
graph(x: f[N, H, W]) {
  %0: f[N, H, W] = input x
  %1: f[N, H, W] = window_sum[H, clamp, 0.1, 0.2, 0.4, 0.2, 0.1] %0
  %2: f[N, H, W] = window_sum[W, wrap, 0.1, 0.2, 0.4, 0.2, 0.1] %1
  %3: f[N, H, W] = window_max[W, 3] %0
  %4: f[N, H, W] = window_max[H, 2] %3
  %5: f[N, H, W] = mul %2 %4
  %6: f[N, H, W] = tanh %5
  %7: f[] = sum[N, H, W] %6
  total = %7
}
";
    let graph = gradient(text);
    let sizes = DimSizes(vec![3, 160, 171]);
    let numbers = vec![
        Array::new(vec![3, 160, 171], noise(3 * 160 * 171, 1.0)),
        Array::scalar(1.0),
    ];
    let bound = tensors(&graph, &numbers, DType::F32, DType::U8, Lie::Dense);
    let program = Program::new(planned(&graph, &sizes, &bound));
    let alone = run(&program, &bound, 1);
    for threads in [2, 3, 8] {
        assert!(run(&program, &bound, threads) == alone, "{threads} threads");
    }
    for (found, expected) in alone.iter().zip(meaning(&graph, &sizes, &bound)) {
        let far = distance(&found.to_f64(), &expected.data);
        assert!(far < 1e-5, "off by {far}");
    }
}

#[test]
fn passes_are_few() {
    let plan = |graph: &Graph, sizes: &[usize]| {
        let sizes = DimSizes(sizes.to_vec());
        let tensors = tensors(
            graph,
            &inputs(&sizes, 1.0, 2),
            DType::F32,
            DType::U8,
            Lie::Dense,
        );
        planned(graph, &sizes, &tensors)
    };
    let both = plan(&gradient(DICE_WCE), &[2, 4, 10_000]);
    assert_eq!(both.passes(), 2);
    // Exponentials wait where the gradient will be: besides there are buffers for statistics.
    let text = both.text();
    assert_eq!(text.matches("  writes out1 f32\n").count(), 2, "{text}");
    assert_eq!(text.matches("z f32").count(), 1, "{text}");
    assert!(both.extra_bytes() < 4096, "{text}");
    let value = passes::apply(parse(DICE_WCE).unwrap(), passes::VALUE, &Config::default());
    assert_eq!(plan(&value, &[2, 4, 10_000]).passes(), 1);
    assert_eq!(plan(&gradient(CE), &[100, 5000]).passes(), 1);
    assert_eq!(plan(&gradient(CE), &[5000, 10]).passes(), 1);
}

#[test]
fn pairs_of_instructions_are_one() {
    // The same with the sum of probabilities before that of those at labels.
    let (first, second) = (
        "%4: f[N, C, S] = mul %2 %3\n  %5: f[N, C] = sum[S] %4\n  %6: f[N, C] = sum[S] %2\n",
        "%4: f[N, C] = sum[S] %2\n  %5: f[N, C, S] = mul %2 %3\n  %6: f[N, C] = sum[S] %5\n",
    );
    assert!(DICE_WCE.contains(first));
    let turned = DICE_WCE
        .replace(first, second)
        .replace("add %6 %7", "add %4 %7")
        .replace("mul %10 %5", "mul %10 %6");
    for text in [DICE_WCE, &turned] {
        let graph = gradient(text);
        let sizes = DimSizes(vec![2, 4, 1000]);
        let given = inputs(&sizes, 1.0, 2);
        let bound = tensors(&graph, &given, DType::F32, DType::U8, Lie::Dense);
        let text = planned(&graph, &sizes, &bound).text();
        for op in ["loadacc(max)", "acrossbothmul", "addwhereeq"] {
            assert!(text.contains(op), "no {op} in {text}");
        }
        for dtype in [DType::F32, DType::F64] {
            check(
                &graph,
                &[3, 4, 13 * 11],
                (dtype, DType::I64),
                Lie::Dense,
                3.0,
                4,
            );
        }
    }
}

#[test]
fn a_second_run_allocates_outputs_only() {
    let graph = gradient(DICE_WCE);
    let sizes = DimSizes(vec![2, 4, 1000]);
    let tensors = tensors(
        &graph,
        &inputs(&sizes, 1.0, 4),
        DType::F32,
        DType::U8,
        Lie::Dense,
    );
    let program = Program::new(planned(&graph, &sizes, &tensors));
    let views: Vec<_> = tensors.iter().map(Tensor::view).collect();
    program.run(&views, 1);
    let before = super::alloc::count();
    let outputs = program.run(&views, 1);
    let made = super::alloc::count() - before;
    // The list, the total, the gradient.
    assert_eq!(made, 1 + outputs.len());
}

/// The largest of numbers that one pass finds, and another computes again to see which it was.
const LARGEST: &str = "\
dims N, C, S
graph(z: f[N, C, S], t: i[N, S]) {
  %0: f[N, C, S] = input z
  %1: f[N, C, S] = mul %0 %0
  %2: f[N, C, S] = const 0.3
  %3: f[N, C, S] = add %1 %2
  %4: f[] = reduce_max[N, C, S] %3
  %5: f[] = sum[N, C, S] %1
  %6: f[] = add %4 %5
  total = %6
}
";

#[test]
fn what_is_compared_has_the_same_bits_in_every_pass() {
    for dtype in [DType::F32, DType::F64] {
        let sizes = [3, 4, 13 * 11];
        check(
            &gradient(LARGEST),
            &sizes,
            (dtype, DType::I64),
            Lie::Dense,
            3.0,
            4,
        );
    }
}
