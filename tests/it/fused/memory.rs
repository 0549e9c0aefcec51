//! Small programs that reach every way in which the back end touches memory: types and layouts of operands, tiles that
//! are cut off, sorting, windows, products of matrices, threads, Candle's tensors.
//!
//! They are short enough for Miri, which also takes a few of the random programs; ARCHITECTURE.md has the command.

use super::bind::{Lie, distance, meaning, planned, run, tensors};
use super::losses::{CE, DICE_WCE, F32, check, gradient, inputs};
use super::{bind, contract, order};
use candle_core::{DType as Type, Device, Tensor, Var};
use lossc::ir::{DimSizes, Graph, parse};
use lossc::passes::{self, Config};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::{Data, InputView, Program};
use lossc::{Backend, Compiler, Inputs};
use rayon::{ThreadBuilder, ThreadPoolBuilder};

/// Runs `work` where two threads are, and ends them: Miri finds those of the global pool still there.
fn on_two_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new()
        .num_threads(2)
        .build_scoped(ThreadBuilder::run, |pool| pool.install(work))
        .expect("threads")
}

/// That two threads give what one gives.
fn shared(graph: &Graph, sizes: &[usize], arrays: &[Array]) {
    let bound = tensors(graph, arrays, DType::F32, DType::I64, Lie::Dense);
    let program = Program::new(planned(graph, &DimSizes(sizes.to_vec()), &bound));
    let alone = run(&program, &bound, 1);
    assert!(on_two_threads(|| run(&program, &bound, 2)) == alone);
}

fn numbers(shape: &[usize]) -> Array {
    let count = shape.iter().product();
    let number = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
    Array::new(shape.to_vec(), (0..count).map(number).collect())
}

#[test]
fn operands() {
    let (planes, rows) = (gradient(DICE_WCE), gradient(CE));
    let ints = [DType::U8, DType::U32, DType::I16, DType::I32, DType::I64];
    for float in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        for (int, lie) in ints.iter().zip(Lie::ALL.iter().cycle()) {
            check(&planes, &[2, 4, 13], (float, *int), *lie, 3.0, 4);
            check(&rows, &[5, 7], (float, *int), *lie, 3.0, 7);
        }
    }
}

#[test]
fn tiles() {
    let (planes, rows) = (gradient(DICE_WCE), gradient(CE));
    check(&planes, &[1, 3, 1041], F32, Lie::Narrowed, 3.0, 3);
    check(&rows, &[1041, 3], F32, Lie::Dense, 3.0, 3);
    check(&rows, &[2, 2083], F32, Lie::Dense, 3.0, 2083);
    check(&planes, &[2, 3, 1], F32, Lie::Dense, 3.0, 3);
    check(&planes, &[2, 3, 0], F32, Lie::Dense, 3.0, 3);
}

#[test]
fn sequences() {
    let text = "\
dims N, S
graph(x: f[N, S]) {
  %0: f[N, S] = input x
  %1: i[N, S] = argsort_down[S] %0
  %2: f[N, S] = take[S] %0 %1
  %3: f[N, S] = cumsum[S] %2
  %4: f[N, S] = tanh %3
  %5: f[] = sum[N, S] %4
  total = %5
}
";
    let along_two = order::graph("N, S", "C");
    let sizes = DimSizes(vec![2, 3, 71]);
    let arrays = [numbers(&[2, 3, 71]), numbers(&[2, 71]), Array::scalar(7.0)];
    for (lie, dtype) in [(Lie::Dense, DType::F32), (Lie::Transposed, DType::F64)] {
        let bound = tensors(&along_two, &arrays, dtype, DType::I64, lie);
        let program = Program::new(planned(&along_two, &sizes, &bound));
        let expected = meaning(&along_two, &sizes, &bound);
        for (found, expected) in run(&program, &bound, 1).iter().zip(expected) {
            assert!(found.to_f64() == expected.data);
        }
    }
    let sizes = [3, 16_411];
    shared(
        &gradient(text),
        &sizes,
        &[numbers(&sizes), Array::scalar(1.0)],
    );
}

#[test]
fn windows() {
    let text = "\
dims N, H, W
graph(x: f[N, H, W]) {
  %0: f[N, H, W] = input x
  %1: f[N, H, W] = window_sum[H, clamp, 0.2, 0.6, 0.1] %0
  %2: f[N, H, W] = window_sum[W, wrap, 0.1, 0.2, 0.4, 0.2, 0.1] %1
  %3: f[N, H, W] = window_max[W, 1] %0
  %4: f[N, H, W] = mul %2 %3
  %5: f[] = sum[N, H, W] %4
  total = %5
}
";
    let graph = gradient(text);
    for (sizes, lie) in [([2, 13, 11], Lie::Dense), ([1, 3, 2], Lie::Narrowed)] {
        let arrays = [numbers(&sizes), Array::scalar(0.7)];
        let sizes = DimSizes(sizes.to_vec());
        let bound = tensors(&graph, &arrays, DType::F32, DType::I64, lie);
        let program = Program::new(planned(&graph, &sizes, &bound));
        let expected = meaning(&graph, &sizes, &bound);
        for (found, expected) in run(&program, &bound, 1).iter().zip(expected) {
            assert!(distance(&found.to_f64(), &expected.data) < 2e-6);
        }
    }
    let sizes = [3, 127, 131];
    shared(&graph, &sizes, &[numbers(&sizes), Array::scalar(0.7)]);
}

#[test]
fn products() {
    let graph = contract::gradient();
    for (sizes, lie) in [
        ([2, 7, 9, 11], Lie::Dense),
        ([1, 5, 3, 260], Lie::Transposed),
    ] {
        let dims = DimSizes(sizes.to_vec());
        let bound = tensors(
            &graph,
            &contract::arrays(&sizes),
            DType::F64,
            DType::I64,
            lie,
        );
        let program = Program::new(planned(&graph, &dims, &bound));
        let expected = meaning(&graph, &dims, &bound);
        for (found, expected) in run(&program, &bound, 1).iter().zip(expected) {
            assert!(distance(&found.to_f64(), &expected.data) < 1e-12);
        }
    }
    let sizes = [1, 97, 53, 52];
    shared(&graph, &sizes, &contract::arrays(&sizes));
}

#[test]
fn tasks_of_passes() {
    let sizes = [8_300, 4];
    let arrays = inputs(&DimSizes(sizes.to_vec()), 3.0, 4);
    shared(&gradient(CE), &sizes, &arrays);
    // Each row of a reduction that keeps its rows is a task of its own.
    let sizes = [2, 3, 9_001];
    let arrays = inputs(&DimSizes(sizes.to_vec()), 3.0, 3);
    shared(&gradient(DICE_WCE), &sizes, &arrays);
    let value = passes::apply(
        parse(CE).expect("a graph"),
        passes::VALUE,
        &Config::default(),
    );
    shared(
        &value,
        &[7, 9_001],
        &inputs(&DimSizes(vec![7, 9_001]), 3.0, 9_001)[..2],
    );
}

/// Views of Candle's tensors, the total as a node of its autograd, and the memory of the first call used again.
#[test]
fn tensors_of_candle() -> candle_core::Result<()> {
    let run = |backend| -> candle_core::Result<(f32, Vec<f32>)> {
        let loss = Compiler::new().backend(backend);
        let loss = loss.compile("0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.3, 0.5])");
        let loss = loss.expect("a spec");
        let logits = numbers(&[2, 13, 11, 3]).data;
        let logits = Var::from_vec(logits, (2, 13, 11, 3), &Device::Cpu)?;
        let pred = logits
            .to_dtype(Type::F32)?
            .permute((0, 3, 1, 2))?
            .narrow(2, 1, 5)?;
        let labels: Vec<u8> = (0..2 * 5 * 11).map(|i| (i * 7 % 3) as u8).collect();
        let target = Tensor::from_vec(labels, (2, 5, 11), &Device::Cpu)?;
        let call = || {
            let inputs = Inputs::new()
                .tensor("pred", &pred)
                .tensor("target", &target);
            loss.run(inputs).expect("a value").total
        };
        call();
        let total = call();
        let gradients = total.backward()?;
        let gradient = gradients.get(&logits).expect("a gradient");
        let gradient = gradient.to_dtype(Type::F32)?.flatten_all()?.to_vec1()?;
        Ok((total.to_dtype(Type::F32)?.to_scalar()?, gradient))
    };
    let (found, expected) = (run(Backend::Fused)?, run(Backend::Reference)?);
    assert!((found.0 - expected.0).abs() < 2e-6);
    for (x, y) in found.1.iter().zip(expected.1) {
        assert!((x - y).abs() < 1e-7, "{x} and not {y}");
    }
    Ok(())
}

/// Classes that lie 4 GiB apart; Linux gives memory only to the few pages of it that are touched.
#[test]
#[cfg(all(target_os = "linux", not(miri)))]
fn planes_far_apart() {
    let graph = gradient(DICE_WCE);
    let sizes = DimSizes(vec![1, 2, 13]);
    let far = 1 << 30;
    let arrays = inputs(&sizes, 3.0, 2);
    let mut bound = tensors(&graph, &arrays, DType::F32, DType::I64, Lie::Dense);
    let expected = meaning(&graph, &sizes, &bound);
    let mut storage = vec![0f32; far + 13];
    for (i, &x) in arrays[0].data.iter().enumerate() {
        storage[i / 13 * far + i % 13] = x as f32;
    }
    let logits = InputView {
        data: Data::F32(&storage),
        offset: 0,
    };
    bound[0].layout.strides = vec![2 * far, far, 1];
    let program = Program::new(planned(&graph, &sizes, &bound));
    let mut views: Vec<InputView<'_>> = bound.iter().map(bind::Tensor::view).collect();
    views[0] = logits;
    for (found, expected) in program.run(&views, 1).iter().zip(expected) {
        assert!(distance(&found.to_f64(), &expected.data) < 2e-6);
    }
}
