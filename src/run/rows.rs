//! Operations along sequences of f64 that lie without gaps: order, running sums, selection,
//! distance. The back ends that are not the reference gather their operands and share these.
//!
//! Results do not depend on how sequences are spread over threads: each is computed alone.

use crate::ir::OrderOp;

/// Memory that calls leave to the next.
#[derive(Default)]
pub(super) struct Scratch {
    keys: Vec<u64>,
    other: Vec<u64>,
    wide: Vec<(u64, u64)>,
    counts: Vec<u32>,
    line: Vec<f64>,
    envelope: Vec<(usize, f64)>,
}

/// Shorter sequences are sorted by comparison.
const RADIX_FROM: usize = 768;

/// Runs an operation along one sequence. `second` is the second operand: as long as `x`, or a
/// single number for `TopK`.
pub(super) fn order(
    op: OrderOp,
    x: &[f64],
    second: &[f64],
    out: &mut [f64],
    scratch: &mut Scratch,
) {
    match op {
        OrderOp::ArgSort => argsort(x, false, out, scratch),
        OrderOp::ArgSortDown => argsort(x, true, out, scratch),
        OrderOp::Take => {
            for (out, &p) in out.iter_mut().zip(second) {
                *out = position(p, x.len()).map_or(f64::NAN, |p| x[p]);
            }
        }
        OrderOp::Scatter => {
            out.fill(0.0);
            for (x, &p) in x.iter().zip(second) {
                if let Some(p) = position(p, out.len()) {
                    out[p] += x;
                }
            }
        }
        OrderOp::CumSum => running(x, 0..x.len(), out),
        OrderOp::CumSumBack => running(x, (0..x.len()).rev(), out),
        OrderOp::CumSumBy | OrderOp::CumSumByBack => {
            // Positions that the order does not list have no sum.
            out.fill(0.0);
            let listed = second.iter().filter_map(|&p| position(p, x.len()));
            if op == OrderOp::CumSumBy {
                running(x, listed, out);
            } else {
                running(x, listed.rev(), out);
            }
        }
        OrderOp::TopK => top_k(x, second[0], out, scratch),
    }
}

fn position(p: f64, count: usize) -> Option<usize> {
    (p >= 0.0 && p < count as f64).then_some(p as usize)
}

fn running(x: &[f64], visited: impl Iterator<Item = usize>, out: &mut [f64]) {
    let mut total = 0.0;
    for p in visited {
        total += x[p];
        out[p] = total;
    }
}

/// A number whose order among unsigned integers is that of `x`, or its reverse, with NaN last.
fn key64(x: f64, down: bool) -> u64 {
    if x.is_nan() {
        return u64::MAX;
    }
    // −0 equals 0.
    let bits = (x + 0.0).to_bits();
    let rising = if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    };
    if down { !rising } else { rising }
}

/// The same in half the bits.
fn key32(x: f32, down: bool) -> u32 {
    if x.is_nan() {
        return u32::MAX;
    }
    let bits = (x + 0.0).to_bits();
    let rising = if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    };
    if down { !rising } else { rising }
}

/// Whether every entry is an f32, and every position a u32: then both fit in one u64.
fn is_narrow(x: &[f64]) -> bool {
    u32::try_from(x.len()).is_ok() && x.iter().all(|&x| f64::from(x as f32) == x || x.is_nan())
}

/// Fills `keys` with entry and position in one, so that all differ and equals keep their places.
fn packed(x: &[f64], down: bool, keys: &mut Vec<u64>) {
    keys.clear();
    let key = |(i, &x): (usize, &f64)| u64::from(key32(x as f32, down)) << 32 | i as u64;
    keys.extend(x.iter().enumerate().map(key));
}

/// Fills `keys` with entry and position side by side.
fn paired(x: &[f64], down: bool, keys: &mut Vec<(u64, u64)>) {
    keys.clear();
    let key = |(i, &x): (usize, &f64)| (key64(x, down), i as u64);
    keys.extend(x.iter().enumerate().map(key));
}

fn argsort(x: &[f64], down: bool, out: &mut [f64], scratch: &mut Scratch) {
    if is_narrow(x) {
        packed(x, down, &mut scratch.keys);
        if x.len() < RADIX_FROM {
            scratch.keys.sort_unstable();
        } else {
            radix(scratch);
        }
        for (out, key) in out.iter_mut().zip(&scratch.keys) {
            *out = f64::from(*key as u32);
        }
    } else {
        paired(x, down, &mut scratch.wide);
        scratch.wide.sort_unstable();
        for (out, (_, i)) in out.iter_mut().zip(&scratch.wide) {
            *out = *i as f64;
        }
    }
}

/// Sorts the keys by their upper halves, equals as they stand: three passes over digits of 11 bits,
/// the lowest first.
fn radix(scratch: &mut Scratch) {
    const DIGIT: usize = 11;
    const DIGITS: usize = 1 << DIGIT;
    const SHIFTS: [usize; 3] = [32, 32 + DIGIT, 32 + 2 * DIGIT];
    let Scratch {
        keys,
        other,
        counts,
        ..
    } = scratch;
    let digit = |key: u64, shift: usize| (key >> shift) as usize % DIGITS;
    counts.clear();
    counts.resize(SHIFTS.len() * DIGITS, 0);
    for &key in keys.iter() {
        for (pass, &shift) in SHIFTS.iter().enumerate() {
            counts[pass * DIGITS + digit(key, shift)] += 1;
        }
    }
    other.clear();
    other.resize(keys.len(), 0);
    for (pass, &shift) in SHIFTS.iter().enumerate() {
        let counts = &mut counts[pass * DIGITS..(pass + 1) * DIGITS];
        // All keys share this digit.
        if counts.iter().any(|&n| n as usize == keys.len()) {
            continue;
        }
        let mut next = 0;
        for count in counts.iter_mut() {
            next += std::mem::replace(count, next);
        }
        for &key in keys.iter() {
            let place = &mut counts[digit(key, shift)];
            other[*place as usize] = key;
            *place += 1;
        }
        std::mem::swap(keys, other);
    }
}

/// 1 where fewer than `k` entries come before in descending order, else 0.
fn top_k(x: &[f64], k: f64, out: &mut [f64], scratch: &mut Scratch) {
    // Ranks are whole numbers: a part of one counts as one. Of NaN there are none.
    let count = k.ceil().max(0.0).min(x.len() as f64) as usize;
    if count == 0 || count == x.len() {
        out.fill(if count == 0 { 0.0 } else { 1.0 });
        return;
    }
    let truth = |holds: bool| f64::from(u8::from(holds));
    if is_narrow(x) {
        packed(x, true, &mut scratch.keys);
        scratch.other.clone_from(&scratch.keys);
        let last = *scratch.other.select_nth_unstable(count - 1).1;
        for (out, key) in out.iter_mut().zip(&scratch.keys) {
            *out = truth(*key <= last);
        }
    } else {
        paired(x, true, &mut scratch.wide);
        let last = *scratch.wide.select_nth_unstable(count - 1).1;
        for (i, (out, &x)) in out.iter_mut().zip(x).enumerate() {
            *out = truth((key64(x, true), i as u64) <= last);
        }
    }
}

/// The distance from each position where the mask holds to the nearest where it does not, in a box
/// of these sizes and spacings: one axis after the other, each in linear time, by the lower envelope
/// of parabolas (Felzenszwalb and Huttenlocher 2012).
pub(super) fn distance(
    mask: &[f64],
    sizes: &[usize],
    spacing: &[f64],
    out: &mut [f64],
    scratch: &mut Scratch,
) {
    for (out, &holds) in out.iter_mut().zip(mask) {
        *out = if holds != 0.0 { f64::INFINITY } else { 0.0 };
    }
    for (axis, (&length, &step)) in sizes.iter().zip(spacing).enumerate() {
        let stride: usize = sizes[axis + 1..].iter().product();
        for block in out.chunks_exact_mut(length * stride) {
            for first in 0..stride {
                let along = (first..).step_by(stride);
                scratch.line.clear();
                scratch
                    .line
                    .extend(along.clone().take(length).map(|i| block[i]));
                envelope(&scratch.line, step, &mut scratch.envelope);
                if scratch.envelope.is_empty() {
                    continue;
                }
                let mut nearest = 0;
                for (q, at) in along.take(length).enumerate() {
                    // A parabola is the lowest up to where the next begins.
                    while scratch
                        .envelope
                        .get(nearest + 1)
                        .is_some_and(|(_, begins)| *begins < q as f64)
                    {
                        nearest += 1;
                    }
                    let p = scratch.envelope[nearest].0;
                    let far = step * q.abs_diff(p) as f64;
                    block[at] = scratch.line[p] + far * far;
                }
            }
        }
    }
    out.iter_mut().for_each(|x| *x = x.sqrt());
}

/// The parabolas line[p] + (step·(q − p))² that are the lowest somewhere, each with where it begins.
fn envelope(line: &[f64], step: f64, envelope: &mut Vec<(usize, f64)>) {
    envelope.clear();
    let square = step * step;
    for (q, &height) in line.iter().enumerate() {
        if height == f64::INFINITY {
            continue;
        }
        let mut begins = f64::NEG_INFINITY;
        while let Some(&(p, since)) = envelope.last() {
            // Where this one goes below the last.
            let between = (q - p) as f64;
            begins = ((height - line[p]) / (square * between) + (q + p) as f64) / 2.0;
            if begins > since {
                break;
            }
            envelope.pop();
            begins = f64::NEG_INFINITY;
        }
        envelope.push((q, begins));
    }
}
