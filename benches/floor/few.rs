//! Dice + weighted cross entropy of a few classes, everything in registers.

use super::by_hand::{Program, Tensors};
use super::vectors::{LANES, all, exp, load_labels};
use rayon::prelude::*;
use std::arch::x86_64::*;

const SMOOTH: f64 = 1e-6;
/// Positions whose sums are f32.
const TILE: usize = 1024;
/// Positions that are fetched ahead.
const AHEAD: usize = 512;

/// The weights; the gradient holds the exponentials between the two passes.
pub struct Work<const C: usize>(pub [f32; C]);

/// What a sample adds up to: per class the probability where the label is, all probability, and
/// the labels; the weights, and the weighted logarithms.
struct Sums<const C: usize> {
    inter: [f64; C],
    probs: [f64; C],
    count: [f64; C],
    weight: f64,
    log: f64,
}

impl<const C: usize> Program for Work<C> {
    unsafe fn run(&mut self, tensors: &mut Tensors) -> f64 {
        let Work(weights) = &*self;
        let totals = tensors.samples().map(|(z, t, g)| {
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
        let samples = tensors.samples().zip(&factors);
        samples.for_each(|((_, t, g), f)| {
            // SAFETY: as above.
            unsafe { differentiate(t, g, weights, f, (0.5 / weight) as f32) }
        });
        0.5 * dice - 0.5 * log / weight
    }
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
        let there: [__mmask16; C] =
            std::array::from_fn(|k| _mm512_cmpeq_epi32_mask(label, _mm512_set1_epi32(k as i32)));
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
