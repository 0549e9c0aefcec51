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

/// ln x for x from 1 on: 2 artanh((m − 1)/(m + 1)) + e ln 2, where x = m 2^e and m lies around 1.
#[target_feature(enable = "avx512f")]
pub fn ln(x: __m512) -> __m512 {
    let m = _mm512_getmant_ps::<{ _MM_MANT_NORM_1_2 }, { _MM_MANT_SIGN_SRC }>(x);
    let e = _mm512_getexp_ps(x);
    let upper = _mm512_cmp_ps_mask::<{ _CMP_GE_OQ }>(m, all(1.4));
    let m = _mm512_mask_mul_ps(m, upper, m, all(0.5));
    let e = _mm512_mask_add_ps(e, upper, e, all(1.0));
    let t = _mm512_div_ps(_mm512_sub_ps(m, all(1.0)), _mm512_add_ps(m, all(1.0)));
    let square = _mm512_mul_ps(t, t);
    let mut p = all(2.0 / 11.0);
    for odd in [9.0, 7.0, 5.0, 3.0] {
        p = _mm512_fmadd_ps(p, square, all(2.0 / odd));
    }
    let p = _mm512_mul_ps(_mm512_mul_ps(p, square), t);
    let low = _mm512_fmadd_ps(all(2.0), t, p);
    _mm512_fmadd_ps(e, all(std::f32::consts::LN_2), low)
}

/// Where a label is this class.
#[target_feature(enable = "avx512f")]
pub fn is(label: __m512i, class: usize) -> __mmask16 {
    _mm512_cmpeq_epi32_mask(label, _mm512_set1_epi32(class as i32))
}

/// Σ of the lanes.
pub fn total(x: __m512) -> f64 {
    // SAFETY: a vector is sixteen numbers.
    let lanes: [f32; LANES] = unsafe { std::mem::transmute(x) };
    lanes.iter().map(|&x| f64::from(x)).sum()
}

/// Asks for a line as far as the second cache: in the first, planes a power of two apart drive each other out.
#[target_feature(enable = "avx512f")]
pub fn ask(line: *const f32) {
    _mm_prefetch::<_MM_HINT_T1>(line.cast());
}
