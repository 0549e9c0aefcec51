//! The whole call, from named tensors to a store of gradients: what it allocates the second time.

use super::alloc;
use candle_core::{DType, Device, Tensor, Var};
use lossc::{Backend, Compiler, Inputs, Loss};
use rayon::{ThreadPool, ThreadPoolBuilder};

fn loss() -> Loss {
    let compiler = Compiler::new().backend(Backend::Fused);
    compiler
        .compile("0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.3, 0.5])")
        .expect("a spec")
}

fn batch(size: usize) -> (Var, Tensor) {
    let shape = (4, 3, size, size - 1);
    let logits = Var::rand(-2f32, 2f32, shape, &Device::Cpu).expect("logits");
    let labels = Tensor::rand(0f32, 2.99f32, (4, size, size - 1), &Device::Cpu);
    let labels = labels.and_then(|t| t.to_dtype(DType::I64));
    (logits, labels.expect("labels"))
}

/// The allocations of all threads of a pool in one call, and the bytes of them.
fn second_call(pool: &ThreadPool, loss: &Loss, size: usize) -> (usize, usize) {
    let (logits, labels) = batch(size);
    let call = || {
        let inputs = Inputs::new()
            .tensor("pred", logits.as_tensor())
            .tensor("target", &labels);
        pool.install(|| loss.value_and_grad(inputs).expect("a value"))
    };
    let made = || {
        let of_each = pool.broadcast(|_| (alloc::count(), alloc::bytes()));
        let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
        of_each.into_iter().fold((0, 0), add)
    };
    // Threads have their scratch after a few calls, whichever of them came first.
    for _ in 0..20 {
        call();
    }
    let before = made();
    let (_, gradients) = call();
    let after = made();
    assert!(gradients.get(&logits).is_some());
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn a_second_call_allocates_outputs_and_small_things() {
    let loss = loss();
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads");
        let (few, _) = second_call(&pool, &loss, 8);
        let (many, bytes) = second_call(&pool, &loss, 160);
        let gradient = 4 * 3 * 160 * 159 * 4;
        // About a hundred small ones whatever the size, most of them shapes, layouts and handles of Candle's
        // tensors: a tensor is made for each view of an input, for each scalar and for each gradient.
        assert!(
            many <= few + threads,
            "{many} allocations, {few} for a small batch"
        );
        assert!(
            bytes - gradient < 16 * 1024,
            "{} bytes besides",
            bytes - gradient
        );
    }
}
