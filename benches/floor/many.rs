//! Dice + cross entropy + focal loss of many classes: class by class for a few vectors at a time, which wait for nothing of
//! each other, as registers do not hold all classes of a vector. Lines of the next vectors are asked for while there is
//! arithmetic to do.

use super::by_hand::{Program, Tensors};
use super::vectors::{LANES, Lines, all, ask, exp, is, ln, load_labels, total};
use rayon::prelude::*;
use std::arch::x86_64::*;

const SMOOTH: f64 = 1e-5;
/// Vectors at a time.
const V: usize = 4;
/// Positions at a time.
const GROUP: usize = V * LANES;
/// Positions whose sums are f32.
const TILE: usize = 1024;
/// Positions that are fetched ahead.
const AHEAD: usize = 64;

/// The logit of the label less the largest, of each position; the gradient holds the exponentials between the two passes.
pub struct Work {
    picked: Lines,
}

/// What a sample adds up to, per class: the probability where the label is, all probability, and the labels.
type Sums = Vec<[f64; 3]>;

impl Work {
    pub fn new(tensors: &Tensors) -> Work {
        Work {
            picked: Lines::of(&vec![0.0; tensors.labels.len()]),
        }
    }
}

impl Program for Work {
    unsafe fn run(&mut self, tensors: &mut Tensors) -> f64 {
        let (plane, classes) = (tensors.plane, tensors.classes());
        let positions = tensors.labels.len() as f64;
        let samples = tensors.samples().zip(self.picked.par_chunks_mut(plane));
        let totals = samples.map(|((z, t, g), picked)| {
            // SAFETY: the caller's promise.
            unsafe { statistics(classes, z, t, g, picked) }
        });
        let totals: Vec<Sums> = totals.collect();
        let count = (classes * totals.len()) as f64;
        let mut dice = 0.0;
        let mut factors: Vec<Vec<[f32; 2]>> = Vec::new();
        for sums in &totals {
            factors.push(
                sums.iter()
                    .map(|[inter, probs, labels]| {
                        let below = probs + labels + SMOOTH;
                        let score = (2.0 * inter + SMOOTH) / below;
                        dice += (1.0 - score) / count;
                        let upstream = -1.0 / count / below;
                        let always = -upstream * score;
                        [always as f32, (always + 2.0 * upstream) as f32]
                    })
                    .collect(),
            );
        }
        let samples = tensors.samples().zip(self.picked.par_chunks(plane));
        let rest = samples.zip(&factors).map(|(((_, t, g), picked), factors)| {
            // SAFETY: as above.
            unsafe { differentiate(t, g, picked, factors, (1.0 / positions) as f32) }
        });
        dice - rest.sum::<f64>() / positions
    }
}

/// The labels of a group; asks for those of the next.
///
/// # Safety
/// There is a group of them.
#[target_feature(enable = "avx512f")]
unsafe fn group(t: *const i64) -> [__m512i; V] {
    let mut labels = [_mm512_setzero_si512(); V];
    for (j, labels) in labels.iter_mut().enumerate() {
        let t = t.wrapping_add(j * LANES);
        _mm_prefetch::<_MM_HINT_T0>(t.wrapping_add(AHEAD).cast());
        _mm_prefetch::<_MM_HINT_T0>(t.wrapping_add(AHEAD + 8).cast());
        // SAFETY: the caller's promise.
        *labels = unsafe { load_labels(t) };
    }
    labels
}

/// # Safety
/// The slices are those of one sample, floats begin with a line of memory.
#[target_feature(enable = "avx512f")]
unsafe fn statistics(
    classes: usize,
    z: &[f32],
    t: &[i64],
    kept: &mut [f32],
    picked: &mut [f32],
) -> Sums {
    let plane = t.len();
    let mut sums = vec![[0.0; 3]; classes];
    let mut partial = vec![[all(0.0); 3]; classes];
    let mut e = vec![[all(0.0); V]; classes];
    for i in (0..plane).step_by(GROUP) {
        // SAFETY: a group of positions of the plane, here and below.
        let labels = unsafe { group(t.as_ptr().add(i)) };
        let mut most = [all(f32::NEG_INFINITY); V];
        for k in 0..classes {
            let z = z.as_ptr().wrapping_add(k * plane + i);
            for (j, most) in most.iter_mut().enumerate() {
                *most = _mm512_max_ps(*most, unsafe { _mm512_load_ps(z.add(j * LANES)) });
            }
        }
        let (mut sum, mut own) = ([all(0.0); V], [all(0.0); V]);
        for (k, e) in e.iter_mut().enumerate() {
            let z = z.as_ptr().wrapping_add(k * plane + i);
            let into = kept.as_mut_ptr().wrapping_add(k * plane + i);
            for j in 0..V {
                ask(z.wrapping_add(j * LANES + AHEAD));
                let z = unsafe { _mm512_load_ps(z.add(j * LANES)) };
                let z = _mm512_sub_ps(z, most[j]);
                own[j] = _mm512_mask_mov_ps(own[j], is(labels[j], k), z);
                e[j] = exp(z);
                sum[j] = _mm512_add_ps(sum[j], e[j]);
                unsafe { _mm512_stream_ps(into.add(j * LANES), e[j]) };
            }
        }
        for j in 0..V {
            sum[j] = _mm512_div_ps(all(1.0), sum[j]);
            unsafe { _mm512_store_ps(picked.as_mut_ptr().add(i + j * LANES), own[j]) };
        }
        for (k, ([inter, probs, count], e)) in partial.iter_mut().zip(&e).enumerate() {
            for j in 0..V {
                let (there, p) = (is(labels[j], k), _mm512_mul_ps(e[j], sum[j]));
                *probs = _mm512_add_ps(*probs, p);
                *inter = _mm512_mask_add_ps(*inter, there, *inter, p);
                *count = _mm512_mask_add_ps(*count, there, *count, all(1.0));
            }
        }
        if (i + GROUP).is_multiple_of(TILE) {
            for (sums, partial) in sums.iter_mut().zip(&mut partial) {
                for (sum, partial) in sums.iter_mut().zip(partial) {
                    *sum += total(std::mem::replace(partial, all(0.0)));
                }
            }
        }
    }
    sums
}

/// The gradient: p (q − Σ p q − w) + w where the label is, q being that of dice and w that of the terms of the
/// label's probability. Returns the sum of these terms, negated.
///
/// # Safety
/// As for [`statistics`].
#[target_feature(enable = "avx512f")]
unsafe fn differentiate(
    t: &[i64],
    gradient: &mut [f32],
    picked: &[f32],
    factors: &[[f32; 2]],
    scale: f32,
) -> f64 {
    let (plane, scale) = (t.len(), all(scale));
    let (mut terms, mut partial) = (0.0, all(0.0));
    for i in (0..plane).step_by(GROUP) {
        // SAFETY: a group of positions of the plane, here and below.
        let labels = unsafe { group(t.as_ptr().add(i)) };
        let (mut sum, mut dot) = ([all(0.0); V], [all(0.0); V]);
        for (k, [always, own]) in factors.iter().enumerate() {
            let e = gradient.as_ptr().wrapping_add(k * plane + i);
            for j in 0..V {
                let e = unsafe { _mm512_load_ps(e.add(j * LANES)) };
                let q = _mm512_mask_mov_ps(all(*always), is(labels[j], k), all(*own));
                sum[j] = _mm512_add_ps(sum[j], e);
                dot[j] = _mm512_fmadd_ps(e, q, dot[j]);
            }
        }
        let (mut inverse, mut w, mut rest) = (sum, sum, dot);
        for j in 0..V {
            inverse[j] = _mm512_div_ps(all(1.0), sum[j]);
            let own = unsafe { _mm512_load_ps(picked.as_ptr().add(i + j * LANES)) };
            let log = _mm512_sub_ps(own, ln(sum[j]));
            let p = exp(log);
            let miss = _mm512_sub_ps(all(1.0), p);
            let square = _mm512_mul_ps(miss, miss);
            // log p + (1 − p)² log p, and the slope of its negative by log p.
            partial = _mm512_add_ps(partial, _mm512_fmadd_ps(square, log, log));
            let slope = _mm512_mul_ps(_mm512_mul_ps(all(2.0), miss), _mm512_mul_ps(p, log));
            let slope = _mm512_sub_ps(slope, _mm512_add_ps(all(1.0), square));
            w[j] = _mm512_mul_ps(scale, slope);
            rest[j] = _mm512_fmadd_ps(rest[j], inverse[j], w[j]);
        }
        for (k, [always, own]) in factors.iter().enumerate() {
            let g = gradient.as_mut_ptr().wrapping_add(k * plane + i);
            for j in 0..V {
                let (g, there) = (g.wrapping_add(j * LANES), is(labels[j], k));
                ask(g.wrapping_add(AHEAD));
                let p = _mm512_mul_ps(unsafe { _mm512_load_ps(g) }, inverse[j]);
                let q = _mm512_mask_mov_ps(all(*always), there, all(*own));
                let x = _mm512_mul_ps(p, _mm512_sub_ps(q, rest[j]));
                unsafe { _mm512_store_ps(g, _mm512_mask_add_ps(x, there, x, w[j])) };
            }
        }
        if (i + GROUP).is_multiple_of(TILE) {
            terms += total(std::mem::replace(&mut partial, all(0.0)));
        }
    }
    terms
}
