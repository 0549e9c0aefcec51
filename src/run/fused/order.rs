//! Whole-tensor operations along sequences, spread over threads: operands are gathered one
//! sequence after the other; a thread takes the next that nobody has; results go to their places.

use super::exec::THREAD_WORK;
use super::whole::{Course, each};
use crate::plan::{Walk, Whole, WholeOp};
use crate::run::rows::{self, Scratch};
use crate::run::threads;
use std::sync::Mutex;

/// Memory that a run leaves to the next.
#[derive(Default)]
pub(super) struct Memory {
    x: Vec<f64>,
    second: Vec<f64>,
    out: Vec<f64>,
    scratch: Vec<Scratch>,
}

/// Runs an operation whose result lies by `strides`.
pub(super) fn run(
    whole: &Whole,
    strides: &[usize],
    buffers: &mut [Vec<f64>],
    memory: &mut Memory,
    threads: usize,
) {
    let (shape, kept) = (&whole.shape, whole.kept);
    let length: usize = shape[kept..].iter().product();
    let count: usize = shape.iter().product();
    if count == 0 {
        return;
    }
    let Memory {
        x,
        second,
        out,
        scratch,
    } = memory;
    gather(&whole.args[0], buffers, shape, x);
    second.clear();
    if let Some(walk) = whole.args.get(1) {
        // The number of entries that are wanted is one for each sequence.
        let single = walk.strides.len() == kept;
        gather(
            walk,
            buffers,
            if single { &shape[..kept] } else { shape },
            second,
        );
    }
    let share = second.len() / (count / length);
    let mut into = std::mem::take(&mut buffers[whole.into]);
    let dense = is_dense(shape, strides);
    let target = if dense {
        &mut into[..]
    } else {
        out.resize(count, 0.0);
        &mut out[..]
    };
    let one = |i: usize, out: &mut [f64], scratch: &mut Scratch| {
        let x = &x[i * length..(i + 1) * length];
        match &whole.op {
            WholeOp::Order(op, _) => {
                let second = &second[i * share..(i + 1) * share];
                rows::order(*op, x, second, out, scratch);
            }
            WholeOp::Distance { spacing, .. } => {
                rows::distance(x, &shape[kept..], spacing, out, scratch);
            }
            _ => unreachable!("not along sequences"),
        }
    };
    let threads = if count < THREAD_WORK {
        1
    } else {
        threads.clamp(1, count / length)
    };
    scratch.resize_with(scratch.len().max(threads), Scratch::default);
    let open = Mutex::new(target.chunks_exact_mut(length).enumerate());
    let next = || open.lock().ok().and_then(|mut open| open.next());
    let work = |scratch: &mut Scratch| {
        while let Some((i, out)) = next() {
            one(i, out, scratch);
        }
    };
    threads::each(scratch[..threads].iter_mut(), work);
    if !dense {
        let place = Course::new(0, strides);
        each(shape, [place], |at, [i]| into[i] = out[at]);
    }
    buffers[whole.into] = into;
}

/// The entries over these loops, without gaps.
fn gather(walk: &Walk, buffers: &[Vec<f64>], shape: &[usize], entries: &mut Vec<f64>) {
    let from = &buffers[walk.of];
    let walk = Course::new(walk.offset, &walk.strides);
    entries.clear();
    each(shape, [walk], |_, [i]| entries.push(from[i]));
}

fn is_dense(shape: &[usize], strides: &[usize]) -> bool {
    let mut below = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let dense = stride == below;
        below *= size;
        dense
    })
}
