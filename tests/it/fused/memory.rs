//! Small programs that reach every way in which the back end touches memory: types and layouts of operands, tiles that
//! are cut off, sorting, windows, products of matrices, threads, Candle's tensors.
//!
//! They are short enough for Miri; ARCHITECTURE.md has the command.

use super::bind::{Lie, distance, meaning, planned, run, tensors};
use super::losses::{CE, DICE_WCE, F32, check, gradient, inputs};
use super::{contract, order};
use candle_core::{DType as Type, Device, Tensor, Var};
use lossc::ir::{DimSizes, Graph};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::Program;
use lossc::{Backend, Compiler};
use rayon::{ThreadBuilder, ThreadPoolBuilder};

/// Runs `work` where two threads are, and ends them: Miri finds those of the global pool still there.
fn on_two_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new()
        .num_threads(2)
        .build_scoped(ThreadBuilder::run, |pool| pool.install(work))
        .expect("threads")
}

/// That one thread and two give the same bits, which are near the reference.
fn both(graph: &Graph, sizes: &[usize], arrays: &[Array], dtype: DType, lie: Lie) {
    let sizes = DimSizes(sizes.to_vec());
    let bound = tensors(graph, arrays, dtype, DType::I64, lie);
    let program = Program::new(planned(graph, &sizes, &bound));
    let alone = run(&program, &bound, 1);
    assert!(on_two_threads(|| run(&program, &bound, 2)) == alone);
    let expected = meaning(graph, &sizes, &bound);
    for (found, expected) in alone.iter().zip(expected) {
        let far = distance(&found.to_f64(), &expected.data);
        assert!(far < 2e-6, "off by {far} at {sizes:?} {dtype:?} {lie:?}");
    }
}

/// A size at which threads share the work; under Miri they always do.
const fn shared(size: usize) -> usize {
    if cfg!(miri) { 13 } else { size }
}

fn numbers(shape: &[usize]) -> Array {
    let count = shape.iter().product();
    let number = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
    Array::new(shape.to_vec(), (0..count).map(number).collect())
}

#[test]
fn rows_of_each_type() {
    let graph = gradient(CE);
    for (dtypes, lie) in [
        ((DType::F16, DType::U8), Lie::Dense),
        ((DType::BF16, DType::U32), Lie::Narrowed),
        ((DType::F64, DType::I16), Lie::Transposed),
        ((DType::F32, DType::I32), Lie::Narrowed),
        ((DType::F16, DType::I64), Lie::Transposed),
    ] {
        check(&graph, &[3, 5], dtypes, lie, 3.0, 5);
    }
    // More than a tile, along the rows and along the classes.
    check(&graph, &[1041, 3], F32, Lie::Dense, 3.0, 3);
    check(&graph, &[2, 1041], F32, Lie::Dense, 3.0, 1041);
}

#[test]
fn planes_and_their_statistics() {
    let graph = gradient(DICE_WCE);
    for (sizes, dtype) in [([2, 3, shared(9_001)], DType::F32), ([2, 4, 5], DType::F64)] {
        let arrays = inputs(&DimSizes(sizes.to_vec()), 3.0, sizes[1]);
        both(&graph, &sizes, &arrays, dtype, Lie::ClassesLast);
    }
    check(&graph, &[1, 3, 0], F32, Lie::Dense, 3.0, 3);
}

#[test]
fn sequences() {
    let graph = order::graph("N, S", "C");
    for (size, lie) in [(shared(8_209), Lie::Dense), (7, Lie::Transposed)] {
        let sizes = [2, 3, size];
        let arrays = [numbers(&sizes), numbers(&[2, size]), Array::scalar(7.0)];
        both(&graph, &sizes, &arrays, DType::F32, lie);
    }
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
    for (sizes, lie) in [
        ([3, shared(127), 131], Lie::Dense),
        ([2, 3, 2], Lie::Narrowed),
    ] {
        let arrays = [numbers(&sizes), Array::scalar(0.7)];
        both(&graph, &sizes, &arrays, DType::F32, lie);
    }
}

#[test]
fn products() {
    let graph = contract::gradient();
    for (sizes, lie) in [
        ([2, 7, 9, 11], Lie::Dense),
        ([1, 49, shared(1_801), 3], Lie::Transposed),
    ] {
        both(&graph, &sizes, &contract::arrays(&sizes), DType::F64, lie);
    }
}

/// Views of Candle's tensors, the total as a node of its autograd, and the memory of the first call used again.
#[test]
fn tensors_of_candle() -> candle_core::Result<()> {
    let loss = Compiler::new().backend(Backend::Fused);
    let loss =
        loss.compile("input x: real[N, C]\ninput y: real[N, C]\nminimize mean((x - y) * (x - y))");
    let loss = loss.expect("a spec");
    let x = Var::from_vec(numbers(&[13, 5]).data, (13, 5), &Device::Cpu)?;
    let y = Tensor::ones((7, 13), Type::F32, &Device::Cpu)?;
    // Rows 2 … 9 of the one, columns 1 … 8 of the other.
    let part = x.to_dtype(Type::F32)?.narrow(0, 2, 7)?;
    let other = y.t()?.narrow(0, 1, 7)?.narrow(1, 1, 5)?;
    let call = || {
        loss.run([("x", &part), ("y", &other)])
            .expect("a value")
            .total
    };
    let first = call().to_scalar::<f32>()?;
    let total = call();
    let gradients = total.backward()?;
    let gradient = gradients
        .get(&x)
        .expect("a gradient")
        .flatten_all()?
        .to_vec1::<f64>()?;
    let mut sum = 0.0;
    for (i, (slope, x)) in gradient.iter().zip(&numbers(&[13, 5]).data).enumerate() {
        let seen = (2..9).contains(&(i / 5));
        let expected = if seen { 2.0 * (x - 1.0) / 35.0 } else { 0.0 };
        assert!((slope - expected).abs() < 1e-7, "{slope} at {i}");
        sum += if seen { (x - 1.0) * (x - 1.0) } else { 0.0 };
    }
    assert_eq!(first, total.to_scalar::<f32>()?);
    assert!((f64::from(first) - sum / 35.0).abs() < 1e-6);
    Ok(())
}

/// Classes that lie 4 GiB apart; Linux gives memory only to the few pages of it that are touched.
#[test]
#[cfg(all(target_os = "linux", not(miri)))]
fn planes_far_apart() {
    use super::bind::Tensor;
    use lossc::run::fused::{Data, InputView};
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
    bound[0].layout.strides = vec![2 * far, far, 1];
    let program = Program::new(planned(&graph, &sizes, &bound));
    let mut views: Vec<InputView<'_>> = bound.iter().map(Tensor::view).collect();
    views[0] = InputView {
        data: Data::F32(&storage),
        offset: 0,
    };
    for (found, expected) in program.run(&views, 1).iter().zip(expected) {
        assert!(distance(&found.to_f64(), &expected.data) < 2e-6);
    }
}
