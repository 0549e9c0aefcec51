//! What a program written by hand for one loss takes: AVX-512 instructions, exponentials waiting in the memory of the
//! gradient, which is there already. No code that a compiler of losses makes comes below it by much, so it says how much
//! of the time belongs to the loss and how much to lossc.
//!
//! `cargo bench --bench floor` prints the least of many runs of both and of a copy of the same bytes, one after the
//! other, so that none finds its tensors in a cache that holds fewer, on as many threads as there are processors. It checks
//! first that value and gradient are those of the fused back end.

#[cfg(target_arch = "x86_64")]
mod binary;
#[allow(dead_code, reason = "this one needs one way and some cases")]
#[path = "../cases/mod.rs"]
mod cases;
#[cfg(target_arch = "x86_64")]
mod few;
#[cfg(target_arch = "x86_64")]
mod many;
#[cfg(target_arch = "x86_64")]
mod vectors;
#[cfg(target_arch = "x86_64")]
mod wide;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo tells a benchmark that it is one; `cargo test --benches` does not.
    if std::env::args().all(|arg| arg != "--bench") {
        return Ok(());
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        by_hand::compare("small", 500, |_| few::Work([0.2, 0.8]))?;
        by_hand::compare("slices", 500, |_| few::Work([0.1, 0.2, 0.3, 0.4]))?;
        by_hand::compare("street", 100, many::Work::new)?;
        by_hand::compare("scenes", 100, |_| wide::Work)?;
        return by_hand::compare("binary", 300, binary::Work::new);
    }
    println!("this machine has no AVX-512");
    Ok(())
}

#[cfg(target_arch = "x86_64")]
mod by_hand {
    use super::cases::{Case, Way};
    use super::vectors::Lines;
    use candle_core::DType;
    use rayon::prelude::*;
    use std::time::Instant;

    /// What a program is given, and the gradient by the logits that it leaves.
    pub struct Tensors {
        pub logits: Lines,
        pub labels: Vec<i64>,
        pub gradient: Lines,
        /// Positions of a sample, which groups and tiles of the programs divide.
        pub plane: usize,
    }

    impl Tensors {
        /// The planes of logits in a sample.
        pub fn classes(&self) -> usize {
            self.logits.len() / self.labels.len()
        }

        /// Logits, labels and gradient of every sample.
        pub fn samples(
            &mut self,
        ) -> impl IndexedParallelIterator<Item = (&[f32], &[i64], &mut [f32])> {
            let all = self.classes() * self.plane;
            let labels = self.labels.par_chunks(self.plane);
            let samples = self.logits.par_chunks(all).zip(labels);
            let samples = samples.zip(self.gradient.par_chunks_mut(all));
            samples.map(|((z, t), g)| (z, t, g))
        }
    }

    /// A loss written by hand.
    pub trait Program {
        /// The value; leaves the gradient.
        ///
        /// # Safety
        /// There is AVX-512.
        unsafe fn run(&mut self, tensors: &mut Tensors) -> f64;
    }

    /// Takes both in turns.
    pub fn compare<P: Program>(
        name: &str,
        runs: usize,
        program: impl FnOnce(&Tensors) -> P,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut case = Case::new(name)?;
        let target = case.tensor("target").clone();
        let plane = target.dims()[1..].iter().product();
        let logits = case.tensor("pred").flatten_all()?.to_vec1::<f32>()?;
        // A mask is of floats.
        let labels = target.to_dtype(DType::I64)?.flatten_all()?.to_vec1()?;
        let (value, gradients) = case.fused()?;
        let gradient = gradients.get(case.tensor("pred")).ok_or("no gradient")?;
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let mut tensors = Tensors {
            logits: Lines::of(&logits),
            labels,
            gradient: Lines::of(&logits),
            plane,
        };
        let mut work = program(&tensors);
        // SAFETY: the caller has seen that the instructions are there.
        let by_hand = unsafe { work.run(&mut tensors) };
        assert!(
            (by_hand - value).abs() < 2e-6 * value,
            "{by_hand} is not {value}"
        );
        let largest = gradient.iter().fold(0f32, |m, g| m.max(g.abs()));
        for (ours, theirs) in tensors.gradient.iter().zip(&gradient) {
            assert!(
                (ours - theirs).abs() < 4e-6 * largest,
                "{ours} is not {theirs}"
            );
        }
        let (mut hand, mut fused, mut copy) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
        for _ in 0..runs {
            let start = Instant::now();
            // SAFETY: as above.
            std::hint::black_box(unsafe { work.run(&mut tensors) });
            hand = hand.min(start.elapsed().as_secs_f64() * 1e3);
            for (way, least) in [(Way::Into, &mut fused), (Way::Copy, &mut copy)] {
                let start = Instant::now();
                case.run(way)?;
                *least = least.min(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        println!(
            "{name}: by hand {hand:.3} ms, fused {fused:.3} ms ({:.2} times as long), a copy {copy:.3} ms",
            fused / hand
        );
        Ok(())
    }
}
