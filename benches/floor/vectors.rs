//! Vectors of sixteen f32, and memory in lines.

use std::arch::x86_64::*;
use std::ops::{Deref, DerefMut};

/// Lanes of a vector.
pub const LANES: usize = 16;

/// Floats that begin with a line of memory.
pub struct Lines {
    all: Vec<f32>,
    first: usize,
}

impl Lines {
    pub fn of(values: &[f32]) -> Lines {
        let mut all = vec![0.0; values.len() + LANES];
        let first = all.as_ptr().align_offset(64);
        all[first..][..values.len()].copy_from_slice(values);
        all.truncate(first + values.len());
        Lines { all, first }
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.all[self.first..]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.all[self.first..]
    }
}

#[target_feature(enable = "avx512f")]
pub fn all(x: f32) -> __m512 {
    _mm512_set1_ps(x)
}

/// e^x as in `src/run/fused/math.rs`, with the instructions that scale by a power of two.
#[target_feature(enable = "avx512f")]
pub fn exp(x: __m512) -> __m512 {
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

/// # Safety
/// There are 16 labels.
#[target_feature(enable = "avx512f")]
pub unsafe fn load_labels(from: *const i64) -> __m512i {
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
