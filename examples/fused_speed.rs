//! Times of the fused back end against a plain copy of the same bytes.
//!
//!     cargo run --release --example fused_speed [PART OF A NAME]
#![allow(missing_docs)]

use lossc::ir::{DimSizes, Elem, Graph, Role, parse};
use lossc::passes::{self, Config};
use lossc::plan::{DType, InputLayout, plan};
use lossc::run::fused::{Data, InputView, Program};
use std::time::Instant;

const DICE_WCE: &str = "\
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

const DICE_CE: &str = "\
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
  %22: f[] = sum[N, S] %21
  %23: f[] = size[N, S]
  %24: f[] = div %22 %23
  %25: f[] = sub %19 %24
  total = %25
}
";

const DICE_CE_FOCAL: &str = "\
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
  %22: f[] = sum[N, S] %21
  %23: f[] = size[N, S]
  %24: f[] = div %22 %23
  %25: f[] = sub %19 %24
  %26: f[N, S] = exp %21
  %27: f[N, S] = const 1
  %28: f[N, S] = sub %27 %26
  %29: f[N, S] = mul %28 %28
  %30: f[N, S] = mul %29 %21
  %31: f[] = sum[N, S] %30
  %32: f[] = div %31 %23
  %33: f[] = sub %25 %32
  total = %33
}
";

const CE: &str = "\
dims N, C, S
graph(z: f[N, C, S], t: i[N, S]) {
  %0: f[N, C, S] = input z
  %1: i[N, S] = input t
  %2: f[N, C, S] = log_softmax[C] %0
  %3: f[N, S] = pick[C] %2 %1
  %4: f[] = sum[N, S] %3
  %5: f[] = size[N, S]
  %6: f[] = div %4 %5
  %7: f[] = neg %6
  total = %7
}
";

const CE_ROWS: &str = "\
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

const HUBER: &str = "\
dims N
graph(z: f[N], t: f[N]) {
  %0: f[N] = input z
  %1: f[N] = input t
  %2: f[N] = sub %0 %1
  %3: f[N] = abs %2
  %4: f[N] = const 1
  %5: b[N] = le %3 %4
  %6: f[N] = const 0.5
  %7: f[N] = mul %2 %2
  %8: f[N] = mul %6 %7
  %9: f[N] = sub %3 %6
  %10: f[N] = select %5 %8 %9
  %11: f[] = sum[N] %10
  %12: f[] = size[N]
  %13: f[] = div %11 %12
  total = %13
}
";

const CASES: &[(&str, &str, &[usize])] = &[
    ("5x2x64x64 dice+wce", DICE_WCE, &[5, 2, 64 * 64]),
    ("8x4x256x256 dice+wce", DICE_WCE, &[8, 4, 256 * 256]),
    ("2x4x96x96x96 dice+ce", DICE_CE, &[2, 4, 96 * 96 * 96]),
    ("2x19x512x512 dice+ce", DICE_CE, &[2, 19, 512 * 512]),
    (
        "2x19x512x512 dice+ce+focal",
        DICE_CE_FOCAL,
        &[2, 19, 512 * 512],
    ),
    ("4x150x128x128 ce", CE, &[4, 150, 128 * 128]),
    ("1024x32000 ce", CE_ROWS, &[1024, 32000]),
    ("65536x10 ce", CE_ROWS, &[65536, 10]),
    ("1e7 huber", HUBER, &[10_000_000]),
];

fn noise(n: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 33) as f32 / (1u64 << 31) as f32 - 0.5) * 6.0
    };
    (0..n).map(|_| next()).collect()
}

/// The least of some times, in milliseconds.
fn least(f: impl FnMut()) -> f64 {
    timed(f, Instant::now, |at| at.elapsed().as_secs_f64() * 1e3)
}

/// The same for the time that this thread has been running, whatever else the machine does.
fn least_alone(f: impl FnMut()) -> f64 {
    let running = || -> f64 {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        stat.split(' ')
            .next()
            .and_then(|x| x.parse().ok())
            .unwrap_or(0.0)
    };
    // The kernel counts in steps of some milliseconds.
    let mut f = f;
    let at = Instant::now();
    f();
    let batch = (0.02 / at.elapsed().as_secs_f64()).clamp(1.0, 1000.0) as usize;
    let many = || (0..batch).for_each(|_| f());
    timed(many, running, |at| (running() - at) / 1e6) / batch as f64
}

fn timed<T>(mut f: impl FnMut(), now: impl Fn() -> T, since: impl Fn(T) -> f64) -> f64 {
    let start = Instant::now();
    let mut best = f64::INFINITY;
    let mut runs = 0;
    while runs < 5 || (start.elapsed().as_secs_f64() < 1.0 && runs < 3000) {
        let at = now();
        f();
        best = best.min(since(at));
        runs += 1;
    }
    best
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let wanted = args
        .iter()
        .find(|a| !a.starts_with('-'))
        .cloned()
        .unwrap_or_default();
    let text = args.iter().any(|a| a == "--plan");
    println!(
        "{:<28}{:>9}{:>9}{:>9}{:>8}{:>9}{:>8}{:>9}{:>9}  passes",
        "", "copy 1", "copy 2", "1 thr", "ratio", "2 thr", "ratio", "value", "fresh"
    );
    for (name, spec, sizes) in CASES.iter().filter(|c| c.0.contains(&wanted)) {
        let graph = parse(spec).expect("the text of a graph");
        let value = passes::apply(graph.clone(), passes::VALUE, &Config::default());
        let gradient = passes::apply(graph, passes::GRADIENT, &Config { wanted: vec![0] });
        let sizes = DimSizes(sizes.to_vec());
        let count = sizes.count(&gradient.inputs[0].ty.dims);
        let z = noise(count);
        let classes = sizes.0.get(1).copied().unwrap_or(1);
        let labels: Vec<i64> = noise(count / classes)
            .iter()
            .map(|x| ((x / 6.0 + 0.5) * classes as f32 * 0.999) as i64)
            .collect();
        let real = noise(count);
        let one = [1.0f32];
        let views = |graph: &Graph| -> (Vec<InputLayout>, Vec<InputView<'_>>) {
            let mut layouts = Vec::new();
            let mut views = Vec::new();
            for input in &graph.inputs {
                let shape = sizes.shape(&input.ty.dims);
                let (dtype, data) = match (input.name.as_str(), input.ty.elem) {
                    ("z", _) => (DType::F32, Data::F32(&z)),
                    (_, Elem::Int) => (DType::I64, Data::I64(&labels)),
                    ("upstream", _) => (DType::F32, Data::F32(&one)),
                    _ => (DType::F32, Data::F32(&real)),
                };
                layouts.push(InputLayout::dense(dtype, &shape));
                views.push(InputView { data, offset: 0 });
            }
            (layouts, views)
        };
        // The bytes of the inputs and of the gradient.
        let label_bytes = if gradient.inputs[1].ty.elem == Elem::Int {
            labels.len() * 8
        } else {
            real.len() * 4
        };
        let from = vec![1u8; count * 4 + label_bytes];
        let mut to = vec![0u8; from.len() / 2 + count * 2];
        let copied = (from.len() + count * 4) / 2;
        let from = &from[..copied.min(from.len())];
        let half = from.len() / 2;
        let copy = least(|| {
            let (a, b) = to.split_at_mut(half);
            if from.len() < 100_000 {
                a.copy_from_slice(&from[..half]);
                b[..from.len() - half].copy_from_slice(&from[half..]);
            } else {
                rayon::join(
                    || a.copy_from_slice(&from[..half]),
                    || b[..from.len() - half].copy_from_slice(&from[half..]),
                );
            }
            std::hint::black_box(&mut to);
        });
        let alone = least_alone(|| {
            to[..from.len()].copy_from_slice(from);
            std::hint::black_box(&mut to);
        });
        let (layouts, inputs) = views(&gradient);
        let program = Program::new(plan(&gradient, &sizes, &layouts));
        if text {
            println!("{}", program.plan().text());
        }
        let mut outputs = Vec::new();
        let one = least_alone(|| program.run_into(&inputs, 1, &mut outputs));
        let two = least(|| program.run_into(&inputs, 2, &mut outputs));
        let fresh = least(|| drop(program.run(&inputs, 2)));
        let (layouts, inputs) = views(&value);
        let only = Program::new(plan(&value, &sizes, &layouts));
        let value = least(|| drop(only.run(&inputs, 2)));
        println!(
            "{name:<28}{alone:>9.3}{copy:>9.3}{one:>9.3}{:>8.2}{two:>9.3}{:>8.2}{value:>9.3}{fresh:>9.3}  {}",
            one / alone,
            two / copy,
            program.plan().passes()
        );
        let _ = Role::Total;
    }
}
