//! Whole-tensor operations on buffers of f64, one index after the other.
//!
//! For most losses these are a few dozen operations on single numbers between two passes; for the
//! rest they are what keeps every graph running, correct before fast.

use super::exec::THREAD_WORK;
use super::windows::{self, Lines};
use super::{Data, InputView, Workspace};
use crate::ir::{self, Edge, ReduceOp};
use crate::plan::{Walk, Whole, WholeOp};
use crate::run::threads;
use std::borrow::Cow;

/// Runs one operation. The buffers of operands and result are distinct.
pub(super) fn run(whole: &Whole, space: &mut Workspace, inputs: &[InputView<'_>], threads: usize) {
    let buffers = &mut space.buffers;
    let mut into = std::mem::take(&mut buffers[whole.into]);
    let arg = |n: usize| Operand {
        data: &buffers[whole.args[n].of],
        walk: (&whole.args[n]).into(),
    };
    let kept = &whole.shape[..whole.kept];
    let over = &whole.shape[whole.kept..];
    match &whole.op {
        WholeOp::Import => {
            let (walk, view) = (Course::from(&whole.args[0]), &inputs[whole.args[0].of]);
            let step = walk.step();
            each_row(&mut into, kept, walk, threads, &|_, from, row| {
                view.data.copy(view.offset + from, step, row);
            });
        }
        WholeOp::Copy => {
            let a = arg(0);
            each(kept, [a.walk], |at, [i]| into[at] = a.data[i]);
        }
        WholeOp::Map(op) => match whole.args.len() {
            1 => {
                let a = arg(0);
                each(kept, [a.walk], |at, [i]| {
                    into[at] = op.eval(a.data[i], 0.0, 0.0)
                });
            }
            2 => {
                let (a, b) = (arg(0), arg(1));
                each(kept, [a.walk, b.walk], |at, [i, j]| {
                    into[at] = op.eval(a.data[i], b.data[j], 0.0)
                });
            }
            _ => {
                let (a, b, c) = (arg(0), arg(1), arg(2));
                each(kept, [a.walk, b.walk, c.walk], |at, [i, j, k]| {
                    into[at] = op.eval(a.data[i], b.data[j], c.data[k]);
                });
            }
        },
        WholeOp::Reduce(op) => {
            let a = arg(0);
            let rest = a.walk.inner(whole.kept);
            each(kept, [a.walk], |at, [i]| {
                let mut total = start(*op);
                each(over, [rest], |_, [j]| {
                    total = join(*op, total, a.data[i + j])
                });
                into[at] = total;
            });
        }
        WholeOp::Pick { stride, classes } => {
            let (a, label) = (arg(0), arg(1));
            each(kept, [a.walk, label.walk], |at, [i, j]| {
                let class = label.data[j];
                let known = class >= 0.0 && class < *classes as f64;
                into[at] = if known {
                    a.data[i + class as usize * stride]
                } else {
                    f64::NAN
                };
            });
        }
        WholeOp::ArgMax => {
            let a = arg(0);
            let stride = a.walk.strides[whole.kept];
            each(kept, [a.walk], |at, [i]| {
                let mut best = 0;
                for class in 1..over[0] {
                    if a.data[i + class * stride] > a.data[i + best * stride] {
                        best = class;
                    }
                }
                into[at] = best as f64;
            });
        }
        WholeOp::Shift { axis, by, edge } => {
            let a = arg(0);
            let stride = a.walk.strides[*axis];
            let (len, below) = (
                kept[*axis] as i64,
                kept[axis + 1..].iter().product::<usize>(),
            );
            each(kept, [a.walk], |at, [i]| {
                let here = (at / below.max(1)) as i64 % len;
                let from = here - by;
                let found = match edge {
                    Edge::Zero => (0..len).contains(&from).then_some(from),
                    Edge::Clamp => Some(from.clamp(0, len - 1)),
                    Edge::Wrap => Some(from.rem_euclid(len)),
                };
                let origin = i - here as usize * stride;
                into[at] = found.map_or(0.0, |f| a.data[origin + f as usize * stride]);
            });
        }
        WholeOp::Order(..) | WholeOp::Distance { .. } => unreachable!("run by `order.rs`"),
        WholeOp::WindowMax { axis, radius } => {
            let lines = Lines::along(kept, *axis);
            windows::max(&mut into, &arg(0).dense(kept), lines, *radius, threads);
        }
        WholeOp::WindowSum { axis, weights, rim } => {
            let lines = Lines::along(kept, *axis);
            let x = &arg(0).dense(kept);
            windows::sum(&mut into, x, lines, weights, *rim, threads);
        }
        WholeOp::WindowTies { axis, radius } => {
            let lines = Lines::along(kept, *axis);
            let [a, b, c] = [0, 1, 2].map(|n| arg(n).dense(kept));
            windows::ties(&mut into, [&a, &b, &c], lines, *radius, threads);
        }
        WholeOp::Stretches {
            axis,
            stride,
            ranges,
        } => {
            let a = arg(0);
            let (size, below) = match axis {
                Some(axis) => (kept[*axis], kept[axis + 1..].iter().product::<usize>()),
                None => (1, 1),
            };
            each(kept, [a.walk], |at, [i]| {
                let mut entries = ranges[at / below.max(1) % size.max(1)].clone();
                let first = entries.next().map_or(0.0, |p| a.data[i + p * stride]);
                into[at] = entries.fold(first, |sum, p| sum + a.data[i + p * stride]);
            });
        }
        WholeOp::Place { axis, start, len } => {
            let a = arg(0);
            let (stride, step) = (a.walk.strides[*axis], a.walk.step());
            let places = *start..start + len;
            // Rows between two positions along the axis; none where rows run along it.
            let below: usize = kept[axis + 1..].iter().rev().skip(1).product();
            let along = *axis + 1 == kept.len();
            each_row(&mut into, kept, a.walk, threads, &|number, from, row| {
                row.fill(0.0);
                // The walk went as far as the result is long; the operand may be shorter.
                if along {
                    copy(a.data, from, step, &mut row[places.clone()]);
                } else if places.contains(&(number / below % kept[*axis])) {
                    copy(a.data, from - start * stride, step, row);
                }
            });
        }
    }
    buffers[whole.into] = into;
}

struct Operand<'a> {
    data: &'a [f64],
    walk: Course<'a>,
}

impl<'a> Operand<'a> {
    /// The operand over these loops without gaps: as it lies, or a copy.
    fn dense(&self, shape: &[usize]) -> Cow<'a, [f64]> {
        let count: usize = shape.iter().product();
        let mut stride = 1;
        let lies_so = shape.iter().zip(self.walk.strides).rev().all(|(&n, &s)| {
            let fits = n == 1 || s == stride;
            stride *= n;
            fits
        });
        if lies_so && count > 0 {
            return Cow::Borrowed(&self.data[self.walk.offset..][..count]);
        }
        let mut copy = vec![0.0; count];
        each(shape, [self.walk], |at, [i]| copy[at] = self.data[i]);
        Cow::Owned(copy)
    }
}

/// A walk, or the part of one that belongs to some of its loops.
#[derive(Clone, Copy)]
pub(super) struct Course<'a> {
    offset: usize,
    strides: &'a [usize],
}

impl<'a> From<&'a Walk> for Course<'a> {
    fn from(walk: &'a Walk) -> Course<'a> {
        Course {
            offset: walk.offset,
            strides: &walk.strides,
        }
    }
}

impl<'a> Course<'a> {
    pub(super) fn new(offset: usize, strides: &'a [usize]) -> Course<'a> {
        Course { offset, strides }
    }

    /// Elements per step of the last loop.
    fn step(&self) -> usize {
        self.strides.last().copied().unwrap_or(0)
    }

    /// The walk over the loops behind the first `kept`, from where those are.
    fn inner(&self, kept: usize) -> Course<'a> {
        Course {
            offset: 0,
            strides: &self.strides[kept..],
        }
    }
}

pub(super) fn start(op: ReduceOp) -> f64 {
    match op {
        ReduceOp::Sum | ReduceOp::Any | ReduceOp::LogSumExp => 0.0,
        ReduceOp::Prod | ReduceOp::All => 1.0,
        ReduceOp::Max => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
    }
}

/// Combines partial results; `LogSumExp` has been spelled out before.
pub(super) fn join(op: ReduceOp, a: f64, b: f64) -> f64 {
    let max = |a, b| ir::map(ir::MapOp::Max, &[a, b]);
    match op {
        ReduceOp::Sum | ReduceOp::LogSumExp => a + b,
        ReduceOp::Prod => a * b,
        ReduceOp::Max | ReduceOp::Any => max(a, b),
        ReduceOp::Min | ReduceOp::All => -max(-a, -b),
    }
}

/// Calls `f` with the number of each index and where the walks stand at it.
pub(super) fn each<const N: usize>(
    shape: &[usize],
    walks: [Course<'_>; N],
    mut f: impl FnMut(usize, [usize; N]),
) {
    let count: usize = shape.iter().product();
    let start = walks.map(|w| w.offset);
    if shape.is_empty() {
        return f(0, start);
    }
    if count == 0 {
        return;
    }
    // Tensors of more dims than this are not made of named dims by anyone.
    let mut index = [0usize; 16];
    let index = &mut index[..shape.len()];
    let last = shape.len() - 1;
    let steps: [usize; N] = std::array::from_fn(|w| walks[w].strides[last]);
    let mut at = 0;
    loop {
        let mut here: [usize; N] = std::array::from_fn(|w| {
            let outer = index.iter().zip(walks[w].strides).take(last);
            start[w] + outer.map(|(i, s)| i * s).sum::<usize>()
        });
        for _ in 0..shape[last] {
            f(at, here);
            at += 1;
            for w in 0..N {
                here[w] += steps[w];
            }
        }
        let mut axis = last;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// Calls `f` for every row of a result: with its number, where the walk stands at its beginning, and the
/// row. Each thread takes one stretch of rows, whose entries depend on no others.
fn each_row(
    into: &mut [f64],
    shape: &[usize],
    walk: Course<'_>,
    threads: usize,
    f: &(impl Fn(usize, usize, &mut [f64]) + Sync),
) {
    if into.is_empty() {
        return;
    }
    let length = shape.last().copied().unwrap_or(1);
    let outer = &shape[..shape.len().saturating_sub(1)];
    let threads = if into.len() < THREAD_WORK {
        1
    } else {
        threads.max(1)
    };
    let stretch = (into.len() / length).div_ceil(threads);
    let run = |(number, part): (usize, &mut [f64])| {
        for (row, out) in part.chunks_exact_mut(length).enumerate() {
            let number = number * stretch + row;
            let (mut rest, mut at) = (number, walk.offset);
            for (&size, &stride) in outer.iter().zip(walk.strides).rev() {
                at += rest % size * stride;
                rest /= size;
            }
            f(number, at, out);
        }
    };
    threads::each(into.chunks_mut(stretch * length).enumerate(), run);
}

/// Copies elements that lie `step` apart.
fn copy(from: &[f64], first: usize, step: usize, into: &mut [f64]) {
    if step == 1 && !into.is_empty() {
        into.copy_from_slice(&from[first..][..into.len()]);
    } else {
        for (i, x) in into.iter_mut().enumerate() {
            *x = from[first + i * step];
        }
    }
}

impl Data<'_> {
    /// Copies elements that lie `step` apart, as f64.
    fn copy(&self, first: usize, step: usize, into: &mut [f64]) {
        macro_rules! each {
            ($from:expr, $wide:expr) => {
                for (i, x) in into.iter_mut().enumerate() {
                    *x = $wide($from[first + i * step]);
                }
            };
        }
        match self {
            Data::U8(x) => each!(x, f64::from),
            Data::U32(x) => each!(x, f64::from),
            Data::I16(x) => each!(x, f64::from),
            Data::I32(x) => each!(x, f64::from),
            Data::I64(x) => each!(x, |x| x as f64),
            Data::F16(x) => each!(x, f64::from),
            Data::BF16(x) => each!(x, f64::from),
            Data::F32(x) => each!(x, f64::from),
            Data::F64(x) => copy(x, first, step, into),
        }
    }
}
