//! Windows along one dim of a dense array: a few times as fast as the general walk, on all threads.
//!
//! Seen as blocks of `length` rows of `inner` entries, the entry that stands j rows further is
//! j·`inner` away in memory, whatever the dim. So a window is a stencil over a flat stretch, and the
//! inner loops run over neighbours in memory, `WIDE` at a time while the whole window lies inside.
//! Every entry is computed alone, in one order, so that threads change no bits.

use super::exec::THREAD_WORK;
use crate::ir::Rim;
use crate::run::threads;

/// Entries that are computed together, in registers.
const WIDE: usize = 16;

/// How the entries lie along the dim of the window.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    /// Positions along the dim.
    pub length: usize,
    /// Entries from one position to the next.
    pub inner: usize,
}

/// The largest entry at most `radius` away.
pub(super) fn max(into: &mut [f64], x: &[f64], lines: Lines, radius: usize, threads: usize) {
    let radius = radius.min(lines.length.saturating_sub(1));
    each_wide(into, lines, radius, threads, &Largest { x, lines, radius });
}

struct Largest<'a> {
    x: &'a [f64],
    lines: Lines,
    radius: usize,
}

impl Window for Largest<'_> {
    #[inline(always)]
    fn inside(&self, at: usize) -> [f64; WIDE] {
        let first = at - self.radius * self.lines.inner;
        let mut largest = wide(self.x, first);
        for j in 1..=2 * self.radius {
            let next = wide::<WIDE>(self.x, first + j * self.lines.inner);
            for (a, b) in largest.iter_mut().zip(&next) {
                *a = larger(*a, *b);
            }
        }
        largest
    }

    #[inline(always)]
    fn edge<const N: usize>(&self, at: usize, here: usize) -> [f64; N] {
        let (first, end) = self.lines.window(here, self.radius);
        let mut largest = [f64::NEG_INFINITY; N];
        for p in first..end {
            let next = wide::<N>(self.x, self.lines.there(at, here, p));
            for (a, b) in largest.iter_mut().zip(&next) {
                *a = larger(*a, *b);
            }
        }
        largest
    }
}

/// Σ of the weighted entries around each one.
pub(super) fn sum(
    into: &mut [f64],
    x: &[f64],
    lines: Lines,
    weights: &[f64],
    rim: Rim,
    threads: usize,
) {
    let sums = Sums {
        x,
        lines,
        weights,
        rim,
    };
    each_wide(into, lines, weights.len() / 2, threads, &sums);
}

struct Sums<'a> {
    x: &'a [f64],
    lines: Lines,
    weights: &'a [f64],
    rim: Rim,
}

impl Window for Sums<'_> {
    #[inline(always)]
    fn inside(&self, at: usize) -> [f64; WIDE] {
        let first = at - self.weights.len() / 2 * self.lines.inner;
        let mut sum = [0.0; WIDE];
        for (j, &w) in self.weights.iter().enumerate() {
            let next = wide::<WIDE>(self.x, first + j * self.lines.inner);
            for (a, b) in sum.iter_mut().zip(&next) {
                *a += w * b;
            }
        }
        sum
    }

    #[inline(always)]
    fn edge<const N: usize>(&self, at: usize, here: usize) -> [f64; N] {
        let entries = |p| wide(self.x, self.lines.there(at, here, p));
        sum_at_edge(self.weights, self.rim, self.lines.length, here, entries)
    }
}

/// Σ w·x around neighbours at a place near the edge.
#[inline(always)]
fn sum_at_edge<const N: usize>(
    weights: &[f64],
    rim: Rim,
    length: usize,
    here: usize,
    entries: impl Fn(usize) -> [f64; N],
) -> [f64; N] {
    let (radius, last, here) = ((weights.len() / 2) as i64, length as i64 - 1, here as i64);
    let beyond = if rim == Rim::Pile { radius } else { 0 };
    let first = if here == 0 { -beyond } else { here };
    let end = if here == last { last + beyond } else { here };
    let mut total = [0.0; N];
    for centre in first..=end {
        let mut sum = [0.0; N];
        for (&w, p) in weights.iter().zip(centre - radius..) {
            // What may lie outside.
            let p = match rim {
                Rim::Zero | Rim::Pile if !(0..=last).contains(&p) => continue,
                Rim::Zero | Rim::Pile => p,
                Rim::Clamp => p.clamp(0, last),
                Rim::Wrap => p.rem_euclid(last + 1),
            };
            for (sum, x) in sum.iter_mut().zip(&entries(p as usize)) {
                *sum += w * x;
            }
        }
        for (total, sum) in total.iter_mut().zip(&sum) {
            *total += sum;
        }
    }
    total
}

/// Σ of c over the positions around each one where a is what b is there.
pub(super) fn ties(
    into: &mut [f64],
    [a, b, c]: [&[f64]; 3],
    lines: Lines,
    radius: usize,
    threads: usize,
) {
    let radius = radius.min(lines.length.saturating_sub(1));
    let ties = Ties {
        a,
        b,
        c,
        lines,
        radius,
    };
    each_wide(into, lines, radius, threads, &ties);
}

struct Ties<'a> {
    a: &'a [f64],
    b: &'a [f64],
    c: &'a [f64],
    lines: Lines,
    radius: usize,
}

/// c where a is b, else 0.
#[inline(always)]
fn share(a: f64, b: f64, c: f64) -> f64 {
    if a == b { c } else { 0.0 }
}

impl Window for Ties<'_> {
    #[inline(always)]
    fn inside(&self, at: usize) -> [f64; WIDE] {
        let first = at - self.radius * self.lines.inner;
        let here = wide::<WIDE>(self.b, at);
        let mut sum = [0.0; WIDE];
        for j in 0..=2 * self.radius {
            let there = first + j * self.lines.inner;
            let (a, c) = (wide::<WIDE>(self.a, there), wide::<WIDE>(self.c, there));
            for i in 0..WIDE {
                sum[i] += share(a[i], here[i], c[i]);
            }
        }
        sum
    }

    #[inline(always)]
    fn edge<const N: usize>(&self, at: usize, here: usize) -> [f64; N] {
        let (first, end) = self.lines.window(here, self.radius);
        let b = wide::<N>(self.b, at);
        let mut sum = [0.0; N];
        for p in first..end {
            let there = self.lines.there(at, here, p);
            let (a, c) = (wide::<N>(self.a, there), wide::<N>(self.c, there));
            for i in 0..N {
                sum[i] += share(a[i], b[i], c[i]);
            }
        }
        sum
    }
}

impl Lines {
    /// Those along one of the loops.
    pub fn along(shape: &[usize], axis: usize) -> Lines {
        Lines {
            length: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }

    /// Where the entry at position `p` is, for the one at `at` and position `here`.
    #[inline(always)]
    fn there(&self, at: usize, here: usize, p: usize) -> usize {
        at + p * self.inner - here * self.inner
    }

    /// The positions at most `radius` away that exist.
    fn window(&self, here: usize, radius: usize) -> (usize, usize) {
        (
            here.saturating_sub(radius),
            (here + radius + 1).min(self.length),
        )
    }
}

/// What is computed of a window.
trait Window: Sync {
    /// The results at `WIDE` entries from this one on, whose windows lie inside.
    fn inside(&self, at: usize) -> [f64; WIDE];
    /// The results at `N` entries from this place in memory on, all at this position along the dim.
    fn edge<const N: usize>(&self, at: usize, here: usize) -> [f64; N];
}

/// Computes all entries. Each thread takes one stretch of them.
fn each_wide(into: &mut [f64], lines: Lines, radius: usize, threads: usize, window: &impl Window) {
    let count = into.len();
    if count == 0 {
        return;
    }
    let threads = if count < THREAD_WORK {
        1
    } else {
        threads.max(1)
    };
    let stretch = count.div_ceil(threads).next_multiple_of(WIDE);
    let run = |(number, part): (usize, &mut [f64])| {
        stretch_of(part, number * stretch, lines, radius, window);
    };
    threads::each(into.chunks_mut(stretch).enumerate(), run);
}

/// Computes the entries that lie in memory from `start` on, with the vectors of this machine; the bits are
/// those of any other, as products are rounded before they are added.
fn stretch_of(out: &mut [f64], start: usize, lines: Lines, radius: usize, window: &impl Window) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2(out: &mut [f64], start: usize, lines: Lines, radius: usize, window: &impl Window) {
            entries(out, start, lines, radius, window);
        }
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
        fn avx512(
            out: &mut [f64],
            start: usize,
            lines: Lines,
            radius: usize,
            window: &impl Window,
        ) {
            entries(out, start, lines, radius, window);
        }
        let level = super::level();
        if level >= 2 {
            // SAFETY: the machine has these instructions.
            return unsafe { avx512(out, start, lines, radius, window) };
        }
        if level == 1 {
            // SAFETY: as above.
            return unsafe { avx2(out, start, lines, radius, window) };
        }
    }
    entries(out, start, lines, radius, window);
}

#[inline(always)]
fn entries(out: &mut [f64], start: usize, lines: Lines, radius: usize, window: &impl Window) {
    let block = lines.length * lines.inner;
    let margin = radius * lines.inner;
    let mut done = 0;
    while done < out.len() {
        let at = start + done;
        let within = at % block;
        let (here, beside) = (within / lines.inner, within % lines.inner);
        let inside = margin..block - margin.min(block);
        // The last windows inside begin before those that are done, which are computed again.
        let back = (within + WIDE).saturating_sub(inside.end);
        if inside.contains(&within)
            && within >= inside.start + back
            && done >= back
            && let Some(wide) = out[done - back..].first_chunk_mut::<WIDE>()
        {
            *wide = window.inside(at - back);
            done += WIDE - back;
            continue;
        }
        match out[done..].first_chunk_mut::<WIDE>() {
            Some(wide) if beside + WIDE <= lines.inner => {
                *wide = window.edge(at, here);
                done += WIDE;
            }
            _ => {
                [out[done]] = window.edge(at, here);
                done += 1;
            }
        }
    }
}

#[inline(always)]
fn wide<const N: usize>(x: &[f64], at: usize) -> [f64; N] {
    let mut wide = [0.0; N];
    wide.copy_from_slice(&x[at..at + N]);
    wide
}

/// The larger of two, NaN if either is.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}
