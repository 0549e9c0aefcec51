//! Plan and tensors → tensors, on the CPU: fast, threaded, and the same bits for any number of
//! threads.
//!
//! - `exec.rs` runs passes, `whole.rs` and `order.rs` what lies between them, `contract.rs` products of
//!   matrices;
//! - `kernels/` has the instructions, compiled for several instruction sets and chosen when a
//!   plan is loaded; `lanes.rs` says what a lane computes in, `memory.rs` how it is loaded and
//!   stored, `math.rs` has the transcendental functions, `real.rs` what they are written in;
//! - `outputs.rs` has the memory of outputs;
//! - `native/` generates machine code for whole programs, on machines with AVX-512.
//!
//! A [`Program`] keeps the memory of its runs: a second run allocates its outputs and no more.
//!
//! Must not know: passes over graphs, spec languages, Candle.

// The second half of `aux` of a table is its stride; see `kernels/body.rs`.
#[cfg(not(target_pointer_width = "64"))]
compile_error!("lossc runs where addresses have 64 bits");

mod contract;
mod exec;
mod kernels;
mod lanes;
pub mod math;
mod memory;
mod native;
mod order;
mod outputs;
mod real;
mod whole;
mod windows;

use crate::plan::{DType, Place, Plan, PlanOutput, Product, Step, Whole, WholeOp};
use crate::run::threads::Tasks;
use exec::{Aligned, Loaded, Worker};
use half::{bf16, f16};
pub use outputs::{Elements, Values};
use std::sync::{Arc, Mutex};

/// The elements of a tensor: the whole storage, of which a layout sees a part.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the variants are the element types")]
pub enum Data<'a> {
    U8(&'a [u8]),
    U32(&'a [u32]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    F16(&'a [f16]),
    BF16(&'a [bf16]),
    F32(&'a [f32]),
    F64(&'a [f64]),
}

impl Data<'_> {
    fn raw(&self) -> (DType, *const u8, usize) {
        match self {
            Data::U8(x) => (DType::U8, x.as_ptr().cast(), x.len()),
            Data::U32(x) => (DType::U32, x.as_ptr().cast(), x.len()),
            Data::I16(x) => (DType::I16, x.as_ptr().cast(), x.len()),
            Data::I32(x) => (DType::I32, x.as_ptr().cast(), x.len()),
            Data::I64(x) => (DType::I64, x.as_ptr().cast(), x.len()),
            Data::F16(x) => (DType::F16, x.as_ptr().cast(), x.len()),
            Data::BF16(x) => (DType::BF16, x.as_ptr().cast(), x.len()),
            Data::F32(x) => (DType::F32, x.as_ptr().cast(), x.len()),
            Data::F64(x) => (DType::F64, x.as_ptr().cast(), x.len()),
        }
    }
}

/// A tensor as it is bound: its strides are those that the plan was made for.
#[derive(Clone, Copy, Debug)]
pub struct InputView<'a> {
    /// The storage.
    pub data: Data<'a>,
    /// The element at index 0.
    pub offset: usize,
}

/// A plan with the kernels of this machine and the memory of its runs.
pub struct Program {
    plan: Arc<Plan>,
    loaded: Vec<Option<Loaded>>,
    /// Memory of runs that have ended, one per caller at a time.
    idle: Mutex<Vec<Workspace>>,
}

#[derive(Default)]
struct Workspace {
    buffers: Vec<Vec<f64>>,
    params: Vec<Aligned>,
    kept: Vec<Aligned>,
    partials: Vec<f64>,
    along: order::Memory,
    products: Vec<contract::Memory>,
    tasks: Tasks,
    workers: Vec<Worker>,
    pointers: Vec<*mut u8>,
}

// SAFETY: the pointers are set and used within one run.
unsafe impl Send for Workspace {}

impl Program {
    /// Generates code for the plan where this machine runs it, and chooses kernels elsewhere.
    pub fn new(plan: Plan) -> Program {
        Program::load(plan, true)
    }

    /// The same without generated code: what it is held to.
    pub fn of_kernels(plan: Plan) -> Program {
        Program::load(plan, false)
    }

    fn load(plan: Plan, generate: bool) -> Program {
        let loaded = plan.steps.iter().map(|step| match step {
            Step::Pass(pass) => Some(exec::load(&plan, pass, generate)),
            Step::Whole(_) | Step::Product(_) => None,
        });
        Program {
            loaded: loaded.collect(),
            plan: Arc::new(plan),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs it on up to `threads` threads and returns the outputs in order.
    ///
    /// # Panics
    /// If an input is not of the type that the plan was made for, or too short for its layout.
    pub fn run(&self, inputs: &[InputView<'_>], threads: usize) -> Vec<Elements> {
        self.run_into(inputs, threads, Vec::new())
    }

    /// The same in the memory of former outputs, one for each output or none, where it is of the type and large
    /// enough.
    ///
    /// # Panics
    /// As [`Program::run`].
    pub fn run_into(
        &self,
        inputs: &[InputView<'_>],
        threads: usize,
        former: Vec<Option<Elements>>,
    ) -> Vec<Elements> {
        self.check(inputs);
        let plan = &*self.plan;
        let former = former.into_iter().chain(std::iter::repeat_with(|| None));
        let room = |(output, former): (&PlanOutput, Option<Elements>)| {
            let len = output.shape.iter().product();
            former
                .and_then(|former| former.emptied(output.dtype, len))
                .unwrap_or_else(|| Elements::room(output.dtype, len))
        };
        let mut outputs: Vec<Elements> = plan.outputs.iter().zip(former).map(room).collect();
        let idle = self
            .idle
            .lock()
            .map(|mut idle| idle.pop())
            .unwrap_or_default();
        let mut space = idle.unwrap_or_else(|| self.workspace());
        for (step, loaded) in plan.steps.iter().zip(&self.loaded) {
            match (step, loaded) {
                (Step::Whole(wholes), _) => {
                    for whole in wholes {
                        self.whole(whole, &mut space, inputs, threads);
                    }
                }
                (Step::Product(product), _) => {
                    self.product(product, &mut space, inputs, &mut outputs, threads);
                }
                (Step::Pass(pass), Some(loaded)) => {
                    self.pass(pass, loaded, &mut space, inputs, &mut outputs, threads)
                }
                (Step::Pass(_), None) => unreachable!("every pass is loaded"),
            }
        }
        for (output, values) in plan.outputs.iter().zip(&mut outputs) {
            match &output.from {
                Some((walk, shape)) => {
                    let from = &space.buffers[walk.of];
                    whole::each(shape, [walk.into()], |_, [i]| values.push(from[i]));
                }
                // SAFETY: a pass or a product has written every element.
                None => unsafe { values.set_len(output.shape.iter().product()) },
            }
        }
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(space);
        }
        outputs
    }

    fn workspace(&self) -> Workspace {
        let plan = &*self.plan;
        let buffers = plan
            .buffers
            .iter()
            .map(|b| b.values.clone().unwrap_or_else(|| vec![0.0; b.len]));
        let buffers: Vec<Vec<f64>> = buffers.collect();
        let param = |p: &crate::plan::Param| {
            let mut param = Aligned::default();
            exec::convert(plan.lane, &buffers[p.buffer], p.int, &mut param);
            param
        };
        Workspace {
            params: plan.params.iter().map(param).collect(),
            kept: plan
                .kept
                .iter()
                .map(|n| Aligned::zeroed(n * plan.lane.size()))
                .collect(),
            buffers,
            ..Workspace::default()
        }
    }

    fn whole(
        &self,
        whole: &Whole,
        space: &mut Workspace,
        inputs: &[InputView<'_>],
        threads: usize,
    ) {
        match &whole.op {
            WholeOp::Order(_, strides) | WholeOp::Distance { strides, .. } => {
                order::run(
                    whole,
                    strides,
                    &mut space.buffers,
                    &mut space.along,
                    threads,
                );
            }
            _ => whole::run(whole, space, inputs, threads),
        }
    }

    fn pass(
        &self,
        pass: &crate::plan::Pass,
        loaded: &Loaded,
        space: &mut Workspace,
        inputs: &[InputView<'_>],
        outputs: &mut [Elements],
        threads: usize,
    ) {
        let mut pointers = std::mem::take(&mut space.pointers);
        pointers.clear();
        for array in &pass.arrays {
            pointers.push(self.first(array.place, space, inputs, outputs));
        }
        // SAFETY: inputs have been checked against the layouts that the plan was made for; all
        // other arrays were made as long as the plan says.
        unsafe {
            exec::run(pass, loaded, self.plan.lane, &pointers, space, threads);
        }
        space.pointers = pointers;
    }

    fn product(
        &self,
        product: &Product,
        space: &mut Workspace,
        inputs: &[InputView<'_>],
        outputs: &mut [Elements],
        threads: usize,
    ) {
        let [a, b] = &product.args;
        let places = [a.place, b.place, product.into.place];
        let first = places.map(|place| self.first(place, space, inputs, outputs));
        let (memory, tasks) = (&mut space.products, &mut space.tasks);
        // SAFETY: as for a pass.
        unsafe { contract::run(product, first, memory, tasks, threads) };
    }

    /// The first byte of an array.
    fn first(
        &self,
        place: Place,
        space: &mut Workspace,
        inputs: &[InputView<'_>],
        outputs: &mut [Elements],
    ) -> *mut u8 {
        match place {
            Place::Input(n) => {
                let (dtype, first, _) = inputs[n].data.raw();
                let first = first.wrapping_add(inputs[n].offset * dtype.size());
                first.cast_mut()
            }
            Place::Buffer(n) => space.buffers[n].as_mut_ptr().cast(),
            Place::Param(n) => {
                let (param, into) = (&self.plan.params[n], &mut space.params[n]);
                if self.plan.buffers[param.buffer].values.is_none() {
                    let from = &space.buffers[param.buffer];
                    exec::convert(self.plan.lane, from, param.int, into);
                }
                into.pointer()
            }
            Place::Kept(n) => space.kept[n].pointer(),
            Place::Output(n) => outputs[n].pointer(),
        }
    }

    /// # Panics
    /// If an input is not as the plan expects it.
    fn check(&self, inputs: &[InputView<'_>]) {
        assert_eq!(inputs.len(), self.plan.inputs.len(), "number of inputs");
        for (n, (input, (layout, shape))) in inputs.iter().zip(&self.plan.inputs).enumerate() {
            let (dtype, _, len) = input.data.raw();
            assert_eq!(dtype, layout.dtype, "type of input {n}");
            if shape.contains(&0) {
                continue;
            }
            let last: usize = shape
                .iter()
                .zip(&layout.strides)
                .map(|(n, s)| (n - 1) * s)
                .sum();
            assert!(
                input.offset + last < len,
                "input {n} is too short for its layout"
            );
        }
    }
}

/// Runs a plan once. To run it again, make a [`Program`].
pub fn execute(plan: &Plan, inputs: &[InputView<'_>], threads: usize) -> Vec<Elements> {
    Program::new(plan.clone()).run(inputs, threads)
}

/// How far the vector instructions of this machine go: 0 what every machine has, 1 AVX2 with
/// fused multiply-add, 2 AVX-512.
#[cfg(target_arch = "x86_64")]
fn level() -> u8 {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c");
    let avx2 = avx2 && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
    let avx2 = avx2 && is_x86_feature_detected!("lzcnt") && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    let avx512 =
        avx512 && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw");
    let avx512 = avx512 && is_x86_feature_detected!("avx512cd");
    u8::from(avx2) + u8::from(avx2 && avx512)
}
