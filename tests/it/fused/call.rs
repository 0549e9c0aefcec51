//! The whole call, from named tensors to a store of gradients: what it allocates the second time.

use super::alloc;
use candle_core::backprop::GradStore;
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

fn inputs(logits: &Var, labels: &Tensor) -> Inputs {
    let inputs = Inputs::new().tensor("pred", logits.as_tensor());
    inputs.tensor("target", labels)
}

/// The allocations of all threads of a pool in one call, and the bytes of them; `into` says whether it has the
/// gradients of the call before.
fn second_call(pool: &ThreadPool, loss: &Loss, size: usize, into: bool) -> (usize, usize) {
    let (logits, labels) = batch(size);
    let mut store = GradStore::default();
    let mut call = || {
        if !into {
            store = GradStore::default();
        }
        let inputs = inputs(&logits, &labels);
        pool.install(|| {
            loss.value_and_grad_into(inputs, &mut store)
                .expect("a value")
        });
        store.get(&logits).is_some()
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
    assert!(call());
    let after = made();
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn a_second_call_allocates_outputs_and_small_things() {
    let loss = loss();
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads");
        let (few, _) = second_call(&pool, &loss, 8, false);
        let (many, bytes) = second_call(&pool, &loss, 160, false);
        let gradient = 4 * 3 * 160 * 159 * 4;
        // About a hundred small ones whatever the size, most of them shapes, layouts and handles of Candle's
        // tensors: a tensor is made for each view of an input, for each scalar and for each gradient.
        // A small batch is one thread's; each further thread takes one for the check of labels and one for each pass.
        assert!(
            many <= few + 3 * (threads - 1),
            "{many} allocations, {few} for a small batch"
        );
        assert!(
            bytes - gradient < 16 * 1024,
            "{} bytes besides",
            bytes - gradient
        );
    }
}

#[test]
fn a_second_call_into_former_gradients_allocates_small_things() {
    let pool = ThreadPoolBuilder::new().num_threads(2).build();
    let (_, bytes) = second_call(&pool.expect("threads"), &loss(), 160, true);
    assert!(bytes < 16 * 1024, "{bytes} bytes");
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    let wide = tensor.to_dtype(DType::F32).expect("floats");
    let flat = wide.flatten_all().expect("elements");
    flat.to_vec1().expect("numbers")
}

/// The address of the first element.
fn address(tensor: &Tensor) -> usize {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(candle_core::CpuStorage::F32(x)) => {
            x[layout.start_offset()..].as_ptr().addr()
        }
        _ => panic!("f32 in host memory"),
    }
}

fn gradient<'a>(store: &'a GradStore, of: &Var) -> &'a Tensor {
    store.get(of).expect("a gradient")
}

#[test]
fn gradients_take_the_memory_of_former_ones() {
    let loss = loss();
    let (logits, labels) = batch(13);
    let mut store = GradStore::default();
    let call = |labels: &Tensor, store: &mut GradStore| {
        let given = inputs(&logits, labels);
        let outcome = loss.value_and_grad_into(given, store).expect("a value");
        let fresh = loss.value_and_grad(inputs(&logits, labels));
        let (expected, fresh) = fresh.expect("a value");
        assert_eq!(numbers(&outcome.total), numbers(&expected.total));
        let fresh = numbers(gradient(&fresh, &logits));
        assert_eq!(numbers(gradient(store, &logits)), fresh);
    };
    call(&labels, &mut store);
    let (first, at) = (
        gradient(&store, &logits).clone(),
        address(gradient(&store, &logits)),
    );
    let before = numbers(&first);
    call(&labels.zeros_like().expect("labels"), &mut store);
    assert_eq!(address(gradient(&store, &logits)), at);
    // What was taken from the store shows what stands there now.
    assert_eq!(numbers(&first), numbers(gradient(&store, &logits)));
    assert_ne!(numbers(&first), before);
}

#[test]
fn large_gradients_lie_alike() {
    let loss = loss();
    let (logits, labels) = batch(420);
    let mut held = Vec::new();
    for round in 0..9 {
        let fresh = loss.value_and_grad(inputs(&logits, &labels));
        let (expected, mut store) = fresh.expect("a value");
        let before = numbers(gradient(&store, &logits));
        let at = address(gradient(&store, &logits));
        // Sums begin where the first line does, so that their bits would change.
        assert_eq!(at % 64, 16, "{round}");
        let outcome = loss.value_and_grad_into(inputs(&logits, &labels), &mut store);
        assert_eq!(
            numbers(&outcome.expect("a value").total),
            numbers(&expected.total)
        );
        assert_eq!(address(gradient(&store, &logits)), at);
        assert!(numbers(gradient(&store, &logits)) == before);
        // The allocator gives other memory the next time.
        held.push((vec![1u8; (5 << 20) + 16 * round], store));
        if round % 3 == 2 {
            held.clear();
        }
    }
}

#[test]
fn what_cannot_be_overwritten_is_left_alone() {
    let loss = loss();
    let (logits, labels) = batch(13);
    let shape = logits.dims().to_vec();
    let larger = Tensor::ones((5, 3, 13, 12), DType::F32, &Device::Cpu).expect("ones");
    let wide = Tensor::ones(shape.clone(), DType::F64, &Device::Cpu).expect("ones");
    let turned = Tensor::ones((4, 3, 12, 13), DType::F32, &Device::Cpu).expect("ones");
    let (_, expected) = loss
        .value_and_grad(inputs(&logits, &labels))
        .expect("a value");
    let expected = numbers(gradient(&expected, &logits));
    for former in [
        larger.narrow(0, 0, 4).expect("a part"),
        larger.narrow(0, 1, 4).expect("a part"),
        larger.clone(),
        turned.transpose(2, 3).expect("a view"),
        wide,
        // The logits themselves, which are read.
        logits.as_detached_tensor(),
    ] {
        let before = numbers(&former);
        let mut store = GradStore::default();
        store.insert(&logits, former.clone());
        // Entries of others go.
        store.insert(&labels, larger.clone());
        let given = inputs(&logits, &labels);
        loss.value_and_grad_into(given, &mut store)
            .expect("a value");
        assert_eq!(numbers(gradient(&store, &logits)), expected);
        assert_eq!(numbers(&former), before);
        assert!(store.get(&labels).is_none());
    }
}

#[test]
fn a_failed_call_leaves_the_store_as_it_was() {
    let loss = loss();
    let (logits, labels) = batch(13);
    let mut store = GradStore::default();
    loss.value_and_grad_into(inputs(&logits, &labels), &mut store)
        .expect("a value");
    let before = numbers(gradient(&store, &logits));
    let outside = (labels.ones_like().expect("labels") * 7.0).expect("labels");
    let failed = loss.value_and_grad_into(inputs(&logits, &outside), &mut store);
    assert!(failed.is_err());
    assert_eq!(numbers(gradient(&store, &logits)), before);
}
