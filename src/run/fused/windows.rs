//! Windows along one dim of a dense array: a few times as fast as the general walk, on all threads.
//!
//! Seen as blocks of `length` rows of `inner` entries, the entry that stands j rows further is
//! j·`inner` away in memory, whatever the dim. So a window is a stencil over a flat stretch, and the
//! inner loops run over neighbours in memory, `WIDE` at a time while the whole window lies inside.
//! Every entry is computed alone, in one order, so that threads change no bits.

use super::exec::THREAD_WORK;
use crate::ir::Rim;

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
    each_wide(into, lines, radius, threads, &|place| match place {
        Place::Inside(at, out) => {
            let first = at - radius * lines.inner;
            let mut largest = wide(x, first);
            for j in 1..=2 * radius {
                let next = wide(x, first + j * lines.inner);
                for (a, b) in largest.iter_mut().zip(next) {
                    *a = larger(*a, b);
                }
            }
            *out = largest;
        }
        Place::Edge(at, here, out) => {
            let (first, end) = lines.window(here, radius);
            let entry = |p: usize| x[at + p * lines.inner - here * lines.inner];
            *out = (first..end).map(entry).fold(f64::NEG_INFINITY, larger);
        }
    });
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
    let radius = weights.len() / 2;
    each_wide(into, lines, radius, threads, &|place| match place {
        Place::Inside(at, out) => {
            let first = at - radius * lines.inner;
            let mut sum = [0.0; WIDE];
            for (j, &w) in weights.iter().enumerate() {
                let next = wide(x, first + j * lines.inner);
                for (a, b) in sum.iter_mut().zip(next) {
                    *a += w * b;
                }
            }
            *out = sum;
        }
        Place::Edge(at, here, out) => {
            let entry = |p: usize| x[at + p * lines.inner - here * lines.inner];
            *out = sum_at_edge(weights, rim, lines.length, here, entry);
        }
    });
}

fn sum_at_edge(
    weights: &[f64],
    rim: Rim,
    length: usize,
    here: usize,
    entry: impl Fn(usize) -> f64,
) -> f64 {
    let (radius, last, here) = ((weights.len() / 2) as i64, length as i64 - 1, here as i64);
    // Σ w·x around a place that may lie outside.
    let around = |centre: i64| {
        let term = |(&w, p): (&f64, i64)| match rim {
            Rim::Zero | Rim::Pile if !(0..=last).contains(&p) => 0.0,
            Rim::Zero | Rim::Pile => w * entry(p as usize),
            Rim::Clamp => w * entry(p.clamp(0, last) as usize),
            Rim::Wrap => w * entry(p.rem_euclid(last + 1) as usize),
        };
        weights.iter().zip(centre - radius..).map(term).sum::<f64>()
    };
    let beyond = if rim == Rim::Pile { radius } else { 0 };
    let first = if here == 0 { -beyond } else { here };
    let end = if here == last { last + beyond } else { here };
    (first..=end).map(around).sum()
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
    let share = |a: f64, b: f64, c: f64| if a == b { c } else { 0.0 };
    each_wide(into, lines, radius, threads, &|place| match place {
        Place::Inside(at, out) => {
            let first = at - radius * lines.inner;
            let here = wide(b, at);
            let mut sum = [0.0; WIDE];
            for j in 0..=2 * radius {
                let (a, c) = (
                    wide(a, first + j * lines.inner),
                    wide(c, first + j * lines.inner),
                );
                for i in 0..WIDE {
                    sum[i] += share(a[i], here[i], c[i]);
                }
            }
            *out = sum;
        }
        Place::Edge(at, here, out) => {
            let (first, end) = lines.window(here, radius);
            let there = |p: usize| at + p * lines.inner - here * lines.inner;
            *out = (first..end)
                .map(|p| share(a[there(p)], b[at], c[there(p)]))
                .sum();
        }
    });
}

impl Lines {
    /// Those along one of the loops.
    pub fn along(shape: &[usize], axis: usize) -> Lines {
        Lines {
            length: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }

    /// The positions at most `radius` away that exist.
    fn window(&self, here: usize, radius: usize) -> (usize, usize) {
        (
            here.saturating_sub(radius),
            (here + radius + 1).min(self.length),
        )
    }
}

/// What is to be computed.
enum Place<'a> {
    /// `WIDE` entries from this one on, whose windows lie inside.
    Inside(usize, &'a mut [f64; WIDE]),
    /// The entry at this place in memory and this position along the dim.
    Edge(usize, usize, &'a mut f64),
}

/// Calls `f` for all entries. Each thread takes one stretch of them.
fn each_wide(
    into: &mut [f64],
    lines: Lines,
    radius: usize,
    threads: usize,
    f: &(impl Fn(Place<'_>) + Sync),
) {
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
    let mut parts = into.chunks_mut(stretch).enumerate();
    let first = parts.next();
    let run = |(number, part): (usize, &mut [f64])| {
        stretch_of(part, number * stretch, lines, radius, f);
    };
    rayon::in_place_scope(|scope| {
        for part in parts {
            scope.spawn(move |_| run(part));
        }
        first.map(run);
    });
}

/// Calls `f` for the entries that lie in memory from `start` on.
fn stretch_of(out: &mut [f64], start: usize, lines: Lines, radius: usize, f: &impl Fn(Place<'_>)) {
    let block = lines.length * lines.inner;
    let margin = radius * lines.inner;
    let mut done = 0;
    while done < out.len() {
        let at = start + done;
        let within = at % block;
        let inside = within >= margin && within + WIDE + margin <= block;
        match out[done..].first_chunk_mut::<WIDE>() {
            Some(wide) if inside => {
                f(Place::Inside(at, wide));
                done += WIDE;
            }
            _ => {
                f(Place::Edge(at, within / lines.inner, &mut out[done]));
                done += 1;
            }
        }
    }
}

fn wide(x: &[f64], at: usize) -> [f64; WIDE] {
    let mut wide = [0.0; WIDE];
    wide.copy_from_slice(&x[at..at + WIDE]);
    wide
}

/// The larger of two, NaN if either is.
fn larger(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}
