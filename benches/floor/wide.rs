//! Cross entropy of so many classes that their exponentials have no room in registers: class by class for some vectors at
//! a time. Exponentials wait in scratch memory; lines of the next vectors are asked for while there is arithmetic to do.

use super::by_hand::{Program, Tensors};
use super::vectors::{LANES, all, ask, exp, is, ln, load_labels, total};
use rayon::prelude::*;
use std::arch::x86_64::*;

/// Vectors at a time.
const V: usize = 8;
/// Positions at a time.
const GROUP: usize = V * LANES;

/// The program.
pub struct Work;

impl Program for Work {
    unsafe fn run(&mut self, tensors: &mut Tensors) -> f64 {
        let (classes, positions) = (tensors.classes(), tensors.labels.len() as f64);
        let terms = tensors.samples().map(|(z, t, g)| {
            // SAFETY: the caller's promise.
            unsafe { sample(classes, z, t, g, (1.0 / positions) as f32) }
        });
        -terms.sum::<f64>() / positions
    }
}

/// Writes the gradient of a sample, and returns the sum of log probabilities of its labels.
///
/// # Safety
/// The slices are those of one sample, floats begin with a line of memory.
#[target_feature(enable = "avx512f")]
unsafe fn sample(classes: usize, z: &[f32], t: &[i64], g: &mut [f32], scale: f32) -> f64 {
    let (plane, scale) = (t.len(), all(scale));
    let mut e = vec![[all(0.0); V]; classes];
    let mut terms = 0.0;
    for i in (0..plane).step_by(GROUP) {
        let mut labels = [_mm512_setzero_si512(); V];
        for (j, labels) in labels.iter_mut().enumerate() {
            // SAFETY: a group of positions of the plane, here and below.
            *labels = unsafe { load_labels(t.as_ptr().add(i + j * LANES)) };
        }
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
            for j in 0..V {
                ask(z.wrapping_add(GROUP + j * LANES));
                let z = unsafe { _mm512_load_ps(z.add(j * LANES)) };
                let z = _mm512_sub_ps(z, most[j]);
                own[j] = _mm512_mask_mov_ps(own[j], is(labels[j], k), z);
                e[j] = exp(z);
                sum[j] = _mm512_add_ps(sum[j], e[j]);
            }
        }
        let mut partial = all(0.0);
        for j in 0..V {
            partial = _mm512_add_ps(partial, _mm512_sub_ps(own[j], ln(sum[j])));
            sum[j] = _mm512_div_ps(scale, sum[j]);
        }
        terms += total(partial);
        for (k, e) in e.iter().enumerate() {
            let g = g.as_mut_ptr().wrapping_add(k * plane + i);
            let z = z.as_ptr().wrapping_add(k * plane + i + GROUP);
            for j in 0..V {
                ask(z.wrapping_add(j * LANES));
                let p = _mm512_mul_ps(e[j], sum[j]);
                let p = _mm512_mask_sub_ps(p, is(labels[j], k), p, scale);
                unsafe { _mm512_stream_ps(g.add(j * LANES), p) };
            }
        }
    }
    terms
}
