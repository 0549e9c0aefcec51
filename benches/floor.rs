//! What a program written by hand for one loss takes: dice + wce in AVX-512 instructions, everything
//! in registers, exponentials waiting in the memory of the gradient, which is there already. No code
//! that a compiler of losses makes comes below it by much, so it says how much of the time belongs to
//! the loss and how much to lossc.
//!
//! `cargo bench --bench floor` prints the least of many runs of both, in turns, on as many threads as
//! there are processors. It checks first that value and gradient are those of the fused back end.

#[allow(dead_code, reason = "this one needs one way and one case")]
mod cases;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo tells a benchmark that it is one; `cargo test --benches` does not.
    if std::env::args().all(|arg| arg != "--bench") {
        return Ok(());
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        by_hand::compare("small", [0.2, 0.8])?;
        return by_hand::compare("slices", [0.1, 0.2, 0.3, 0.4]);
    }
    println!("this machine has no AVX-512");
    Ok(())
}

#[cfg(target_arch = "x86_64")]
mod by_hand {
    use super::cases::{Case, Way};
    use std::arch::x86_64::*;
    use std::time::Instant;

    const SMOOTH: f64 = 1e-6;
    /// Lanes of a vector.
    const LANES: usize = 16;
    /// Positions whose sums are f32.
    const TILE: usize = 1024;
    /// Positions that are fetched ahead.
    const AHEAD: usize = 512;

    /// Takes both in turns. A tile divides the planes of the case.
    pub fn compare<const C: usize>(
        name: &str,
        weights: [f32; C],
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut case = Case::new(name)?;
        let plane = case.tensor("pred").dims()[2..].iter().product();
        let logits = case.tensor("pred").flatten_all()?.to_vec1::<f32>()?;
        let labels = case.tensor("target").flatten_all()?.to_vec1::<i64>()?;
        let (value, gradients) = case.fused()?;
        let gradient = gradients.get(case.tensor("pred")).ok_or("no gradient")?;
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let mut work = Work::new(logits, labels, weights, plane);
        // SAFETY: the caller has seen that the instructions are there.
        let by_hand = unsafe { work.run() };
        assert!(
            (by_hand - value).abs() < 2e-6 * value,
            "{by_hand} is not {value}"
        );
        let largest = gradient.iter().fold(0f32, |m, g| m.max(g.abs()));
        for (ours, theirs) in work.gradient.iter().zip(&gradient) {
            assert!(
                (ours - theirs).abs() < 4e-6 * largest,
                "{ours} is not {theirs}"
            );
        }
        let (mut hand, mut fused) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..500 {
            let start = Instant::now();
            // SAFETY: as above.
            std::hint::black_box(unsafe { work.run() });
            hand = hand.min(start.elapsed().as_secs_f64() * 1e3);
            let start = Instant::now();
            case.run(Way::Into)?;
            fused = fused.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!(
            "{name}: by hand {hand:.3} ms, fused {fused:.3} ms: {:.2} times as long",
            fused / hand
        );
        Ok(())
    }

    /// The tensors; the gradient holds the exponentials between the two passes.
    struct Work<const C: usize> {
        plane: usize,
        weights: [f32; C],
        logits: Vec<f32>,
        labels: Vec<i64>,
        gradient: Vec<f32>,
    }

    /// What a sample adds up to: per class the probability where the label is, all probability, and
    /// the labels; the weights, and the weighted logarithms.
    struct Sums<const C: usize> {
        inter: [f64; C],
        probs: [f64; C],
        count: [f64; C],
        weight: f64,
        log: f64,
    }

    impl<const C: usize> Work<C> {
        fn new(logits: Vec<f32>, labels: Vec<i64>, weights: [f32; C], plane: usize) -> Work<C> {
            Work {
                plane,
                weights,
                gradient: vec![0.0; logits.len()],
                logits,
                labels,
            }
        }

        /// The value; leaves the gradient.
        ///
        /// # Safety
        /// There is AVX-512.
        unsafe fn run(&mut self) -> f64 {
            use rayon::prelude::*;
            let (plane, weights) = (self.plane, &self.weights);
            let samples = self.logits.par_chunks(C * plane);
            let samples = samples.zip(self.labels.par_chunks(plane));
            let gradients = self.gradient.par_chunks_mut(C * plane);
            let totals = samples.clone().zip(gradients).map(|((z, t), g)| {
                // SAFETY: the caller's promise.
                unsafe { statistics(z, t, g, weights) }
            });
            let totals: Vec<Sums<C>> = totals.collect();
            let weight: f64 = totals.iter().map(|s| s.weight).sum();
            let log: f64 = totals.iter().map(|s| s.log).sum();
            let count = (C * totals.len()) as f64;
            let mut dice = 0.0;
            let mut factors: Vec<[[f32; 2]; C]> = Vec::new();
            for s in &totals {
                factors.push(std::array::from_fn(|k| {
                    let below = s.probs[k] + s.count[k] + SMOOTH;
                    let score = (2.0 * s.inter[k] + SMOOTH) / below;
                    dice += (1.0 - score) / count;
                    let upstream = -0.5 / count / below;
                    [(-upstream * score) as f32, (2.0 * upstream) as f32]
                }));
            }
            let gradients = self.gradient.par_chunks_mut(C * plane);
            let labels = self.labels.par_chunks(plane);
            labels.zip(gradients).zip(&factors).for_each(|((t, g), f)| {
                // SAFETY: as above.
                unsafe { differentiate(t, g, weights, f, (0.5 / weight) as f32) }
            });
            0.5 * dice - 0.5 * log / weight
        }
    }

    #[target_feature(enable = "avx512f")]
    fn all(x: f32) -> __m512 {
        _mm512_set1_ps(x)
    }

    /// e^x as in `src/run/fused/math.rs`, with the instructions that scale by a power of two.
    #[target_feature(enable = "avx512f")]
    fn exp(x: __m512) -> __m512 {
        let x = _mm512_max_ps(x, all(-104.0));
        let n = _mm512_roundscale_ps::<0>(_mm512_mul_ps(x, all(std::f32::consts::LOG2_E)));
        let r = _mm512_fmadd_ps(n, all(-0.693_359_4), x);
        let r = _mm512_fmadd_ps(n, all(2.121_944_4e-4), r);
        let square = _mm512_mul_ps(r, r);
        let low = _mm512_fmadd_ps(all(0.166_665_39), r, all(0.499_999_97));
        let high = _mm512_fmadd_ps(all(0.001_383_564_2), r, all(0.008_367_124));
        let high = _mm512_fmadd_ps(high, r, all(0.041_667_756));
        let p = _mm512_fmadd_ps(_mm512_fmadd_ps(high, square, low), square, r);
        _mm512_scalef_ps(_mm512_add_ps(p, all(1.0)), n)
    }

    /// ln x for x from 1 to 4, which a sum of up to four exponentials is: 2 artanh((x − 2)/(x + 2)) + ln 2.
    #[target_feature(enable = "avx512f")]
    fn ln(x: __m512) -> __m512 {
        let t = _mm512_div_ps(_mm512_sub_ps(x, all(2.0)), _mm512_add_ps(x, all(2.0)));
        let square = _mm512_mul_ps(t, t);
        let mut p = all(2.0 / 15.0);
        for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
            p = _mm512_fmadd_ps(p, square, all(2.0 / odd));
        }
        let p = _mm512_mul_ps(_mm512_mul_ps(p, square), t);
        _mm512_add_ps(_mm512_fmadd_ps(all(2.0), t, p), all(std::f32::consts::LN_2))
    }

    /// # Safety
    /// There are 16 labels.
    #[target_feature(enable = "avx512f")]
    unsafe fn load_labels(from: *const i64) -> __m512i {
        // SAFETY: the caller's promise.
        let halves = unsafe {
            [
                _mm512_loadu_si512(from.cast()),
                _mm512_loadu_si512(from.add(8).cast()),
            ]
        };
        let [low, high] = halves.map(|half| _mm512_cvtepi64_epi32(half));
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }

    /// The logits of sixteen positions less their maximum; asks for those that come later.
    ///
    /// # Safety
    /// `z` and `t` are the planes of a sample from a position on that has 15 behind it.
    #[target_feature(enable = "avx512f")]
    unsafe fn shifted<const C: usize>(z: *const f32, t: *const i64, plane: usize) -> [__m512; C] {
        _mm_prefetch::<_MM_HINT_T0>(t.wrapping_add(AHEAD).cast());
        _mm_prefetch::<_MM_HINT_T0>(t.wrapping_add(AHEAD + 8).cast());
        let mut all = [_mm512_setzero_ps(); C];
        let mut most = _mm512_set1_ps(f32::NEG_INFINITY);
        for (k, into) in all.iter_mut().enumerate() {
            let from = z.wrapping_add(k * plane);
            _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(AHEAD).cast());
            // SAFETY: the caller's promise.
            *into = unsafe { _mm512_loadu_ps(from) };
            most = _mm512_max_ps(most, *into);
        }
        all.map(|z| _mm512_sub_ps(z, most))
    }

    #[target_feature(enable = "avx512f")]
    fn table(weights: &[f32]) -> __m512 {
        let mut table = [0.0; LANES];
        table[..weights.len()].copy_from_slice(weights);
        // SAFETY: a vector of 16 numbers.
        unsafe { _mm512_loadu_ps(table.as_ptr()) }
    }

    /// # Safety
    /// The slices are those of one sample.
    #[target_feature(enable = "avx512f")]
    unsafe fn statistics<const C: usize>(
        z: &[f32],
        t: &[i64],
        kept: &mut [f32],
        weights: &[f32; C],
    ) -> Sums<C> {
        let (table, plane) = (table(weights), t.len());
        let wide = |x: __m512| f64::from(_mm512_reduce_add_ps(x));
        let mut sums = Sums {
            inter: [0.0; C],
            probs: [0.0; C],
            count: [0.0; C],
            weight: 0.0,
            log: 0.0,
        };
        for tile in (0..plane).step_by(TILE) {
            let zero = all(0.0);
            let (mut inter, mut probs, mut count) = ([zero; C], [zero; C], [zero; C]);
            let (mut weight, mut log) = (zero, zero);
            for i in (tile..tile + TILE).step_by(LANES) {
                // SAFETY: sixteen positions of the plane.
                let (label, z) = unsafe {
                    (
                        load_labels(t.as_ptr().add(i)),
                        shifted(z.as_ptr().add(i), t.as_ptr().add(i), plane),
                    )
                };
                let there: [__mmask16; C] = std::array::from_fn(|k| {
                    _mm512_cmpeq_epi32_mask(label, _mm512_set1_epi32(k as i32))
                });
                let (mut picked, mut sum) = (zero, zero);
                let mut e: [__m512; C] = z;
                for k in 0..C {
                    picked = _mm512_mask_mov_ps(picked, there[k], z[k]);
                    e[k] = exp(z[k]);
                    sum = _mm512_add_ps(sum, e[k]);
                    // SAFETY: as above.
                    unsafe { _mm512_storeu_ps(kept.as_mut_ptr().add(k * plane + i), e[k]) };
                }
                let w = _mm512_permutexvar_ps(label, table);
                weight = _mm512_add_ps(weight, w);
                log = _mm512_fmadd_ps(w, _mm512_sub_ps(picked, ln(sum)), log);
                let inverse = _mm512_div_ps(all(1.0), sum);
                for k in 0..C {
                    let p = _mm512_mul_ps(e[k], inverse);
                    probs[k] = _mm512_add_ps(probs[k], p);
                    inter[k] = _mm512_mask_add_ps(inter[k], there[k], inter[k], p);
                    count[k] = _mm512_mask_add_ps(count[k], there[k], count[k], all(1.0));
                }
            }
            for k in 0..C {
                sums.inter[k] += wide(inter[k]);
                sums.probs[k] += wide(probs[k]);
                sums.count[k] += wide(count[k]);
            }
            sums.weight += wide(weight);
            sums.log += wide(log);
        }
        sums
    }

    /// The gradient: p (q − Σ p q) + w (p − 1 where the label is), q being that of dice.
    ///
    /// # Safety
    /// The slices are those of one sample.
    #[target_feature(enable = "avx512f")]
    unsafe fn differentiate<const C: usize>(
        t: &[i64],
        gradient: &mut [f32],
        weights: &[f32; C],
        factors: &[[f32; 2]; C],
        scale: f32,
    ) {
        let (table, plane) = (_mm512_mul_ps(table(weights), all(scale)), t.len());
        for i in (0..plane).step_by(LANES) {
            let mut e = [all(0.0); C];
            let mut sum = all(0.0);
            for (k, e) in e.iter_mut().enumerate() {
                // SAFETY: sixteen positions of the plane.
                *e = unsafe { _mm512_loadu_ps(gradient.as_ptr().add(k * plane + i)) };
                sum = _mm512_add_ps(sum, *e);
            }
            // SAFETY: as above.
            let label = unsafe { load_labels(t.as_ptr().add(i)) };
            let inverse = _mm512_div_ps(all(1.0), sum);
            let w = _mm512_permutexvar_ps(label, table);
            let there: [__mmask16; C] = std::array::from_fn(|k| {
                _mm512_cmpeq_epi32_mask(label, _mm512_set1_epi32(k as i32))
            });
            let (mut p, mut q, mut dot): ([__m512; C], [__m512; C], __m512) = (e, e, all(0.0));
            for k in 0..C {
                let [always, more] = factors[k];
                p[k] = _mm512_mul_ps(e[k], inverse);
                q[k] = _mm512_mask_mov_ps(all(always), there[k], all(always + more));
                dot = _mm512_fmadd_ps(p[k], q[k], dot);
            }
            let rest = _mm512_sub_ps(w, dot);
            for k in 0..C {
                let g = _mm512_mul_ps(p[k], _mm512_add_ps(q[k], rest));
                let g = _mm512_mask_sub_ps(g, there[k], g, w);
                // SAFETY: as above.
                unsafe { _mm512_storeu_ps(gradient.as_mut_ptr().add(k * plane + i), g) };
            }
        }
    }
}
