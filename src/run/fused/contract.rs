//! Contractions, Σ a·b where each operand has dims that the other lacks: products of matrices.
//!
//! The dims are of four kinds: those of both operands that remain (the batch), those of `a` alone
//! (rows), those of `b` alone (columns), and those that are summed over. Panels of a few rows and
//! of a few columns are packed side by side, so that a kernel reads both from one end to the
//! other and keeps a small block of the result in registers.
//!
//! Every element of the result is summed in one order, in f64, whoever computes it: the bits do
//! not depend on the number of threads.

use super::exec::product_kernel;
use super::kernels::{COLUMNS, ROWS};
use crate::plan::{Walk, Whole};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Terms that are summed in one go: their panels stay in the first two caches.
const DEPTH: usize = 256;

/// Rows that a thread takes at a time.
const TASK: usize = 8 * ROWS;

/// Below this many products a second thread costs more than it saves; for Miri as in `exec.rs`.
const THREAD_PRODUCTS: usize = if cfg!(miri) { 1 } else { 256 * 1024 };

/// Memory of contractions, kept from run to run.
#[derive(Default)]
pub(super) struct Packed {
    columns: Vec<f64>,
    /// Of each thread.
    rows: Vec<Vec<f64>>,
}

/// The loops of one kind: their sizes, and the strides of what is walked over them.
#[derive(Default)]
struct Loops {
    sizes: Vec<usize>,
    a: Vec<usize>,
    b: Vec<usize>,
    into: Vec<usize>,
}

impl Loops {
    fn push(&mut self, size: usize, a: usize, b: usize, into: usize) {
        self.sizes.push(size);
        self.a.push(a);
        self.b.push(b);
        self.into.push(into);
    }

    fn count(&self) -> usize {
        self.sizes.iter().product()
    }

    /// How far one of the arrays is at an index, counted row-major through the loops.
    fn at(&self, strides: &[usize], mut index: usize) -> usize {
        let mut offset = 0;
        for (&size, &stride) in self.sizes.iter().zip(strides).rev() {
            offset += index % size * stride;
            index /= size;
        }
        offset
    }
}

/// The result, of which threads write different elements.
struct Target(*mut f64);

impl Target {
    /// # Safety
    /// The element is in the result, and no other thread writes it.
    unsafe fn add(&self, at: usize, value: f64) {
        // SAFETY: see above.
        unsafe { *self.0.add(at) += value };
    }
}

// SAFETY: every element is written by the thread that took its row.
unsafe impl Sync for Target {}

/// Runs a contraction of two buffers into a third.
pub(super) fn run(
    whole: &Whole,
    a: &[f64],
    b: &[f64],
    into: &mut [f64],
    packed: &mut Packed,
    threads: usize,
) {
    into.fill(0.0);
    if whole.shape.contains(&0) {
        return;
    }
    let (walk_a, walk_b) = (&whole.args[0], &whole.args[1]);
    let [batch, rows, columns, depth] = &kinds(whole, walk_a, walk_b);
    let (m, n, k) = (rows.count(), columns.count(), depth.count());
    let threads = if m * n * k < THREAD_PRODUCTS {
        1
    } else {
        threads.clamp(1, m.div_ceil(TASK))
    };
    let Packed {
        columns: packed_columns,
        rows: packed_rows,
    } = packed;
    packed_rows.resize_with(packed_rows.len().max(threads), Vec::new);
    assert_eq!(into.len(), batch.count() * m * n, "a result is dense");
    let target = Target(into.as_mut_ptr());
    let kernel = product_kernel();
    for outer in 0..batch.count() {
        let from_a = walk_a.offset + batch.at(&batch.a, outer);
        let from_b = walk_b.offset + batch.at(&batch.b, outer);
        let to = batch.at(&batch.into, outer);
        for first in (0..k).step_by(DEPTH) {
            let terms = first..k.min(first + DEPTH);
            let len = terms.len();
            pack::<COLUMNS>(
                packed_columns,
                b,
                from_b,
                (&columns.b, &depth.b),
                columns,
                depth,
                0..n,
                &terms,
            );
            let next = AtomicUsize::new(0);
            let work = |own: &mut Vec<f64>| {
                loop {
                    let task = next.fetch_add(1, Ordering::Relaxed) * TASK;
                    if task >= m {
                        break;
                    }
                    let taken = task..m.min(task + TASK);
                    pack::<ROWS>(
                        own,
                        a,
                        from_a,
                        (&rows.a, &depth.a),
                        rows,
                        depth,
                        taken.clone(),
                        &terms,
                    );
                    // Where the rows of the task begin in the result.
                    let to_rows: [usize; TASK] =
                        std::array::from_fn(|r| to + rows.at(&rows.into, task + r));
                    let to_rows = &to_rows[..taken.len()];
                    let first_columns = (0..n).step_by(COLUMNS);
                    for (b, column) in packed_columns
                        .chunks_exact(COLUMNS * len)
                        .zip(first_columns)
                    {
                        let to_columns: [usize; COLUMNS] =
                            std::array::from_fn(|c| columns.at(&columns.into, column + c));
                        let to_columns = &to_columns[..COLUMNS.min(n - column)];
                        for (a, to_rows) in own.chunks_exact(ROWS * len).zip(to_rows.chunks(ROWS)) {
                            let mut sums = [0.0; ROWS * COLUMNS];
                            // SAFETY: both panels have `len` terms, and there is room for the
                            // sums.
                            unsafe {
                                let (a, b) = (a.as_ptr().cast(), b.as_ptr().cast());
                                kernel(sums.as_mut_ptr().cast(), a, b, b, b, len, 0);
                            }
                            for (sums, row) in sums.chunks_exact(COLUMNS).zip(to_rows) {
                                for (sum, column) in sums.iter().zip(to_columns) {
                                    // SAFETY: the element is in the result, which is dense, and
                                    // its row belongs to this task.
                                    unsafe { target.add(row + column, *sum) };
                                }
                            }
                        }
                    }
                }
            };
            match &mut packed_rows[..threads] {
                [only] => work(only),
                [own, rest @ ..] => rayon::in_place_scope(|scope| {
                    let work = &work;
                    for own in rest {
                        scope.spawn(move |_| work(own));
                    }
                    work(own);
                }),
                [] => {}
            }
        }
    }
}

/// The loops by kind: batch, rows, columns, terms.
fn kinds(whole: &Whole, a: &Walk, b: &Walk) -> [Loops; 4] {
    let mut kinds: [Loops; 4] = Default::default();
    let mut into: Vec<usize> = vec![1; whole.kept];
    for i in (1..whole.kept).rev() {
        into[i - 1] = into[i] * whole.shape[i];
    }
    for (i, &size) in whole.shape.iter().enumerate() {
        let (a, b) = (a.strides[i], b.strides[i]);
        let kind = match (i < whole.kept, a > 0, b > 0) {
            (false, ..) => 3,
            (true, true, false) => 1,
            (true, false, true) => 2,
            (true, ..) => 0,
        };
        kinds[kind].push(size, a, b, into.get(i).copied().unwrap_or(0));
    }
    kinds
}

#[expect(
    clippy::too_many_arguments,
    reason = "two walks and what is taken of them"
)]
/// Copies panels of `WIDTH` rows (or columns), term after term; what is missing is 0.
fn pack<const WIDTH: usize>(
    packed: &mut Vec<f64>,
    from: &[f64],
    first: usize,
    (along_strides, depth_strides): (&[usize], &[usize]),
    along: &Loops,
    depth: &Loops,
    taken: std::ops::Range<usize>,
    terms: &std::ops::Range<usize>,
) {
    packed.clear();
    packed.resize(taken.len().div_ceil(WIDTH) * WIDTH * terms.len(), 0.0);
    let panels = packed.chunks_exact_mut(WIDTH * terms.len());
    for (panel, start) in panels.zip(taken.clone().step_by(WIDTH)) {
        let here: [Option<usize>; WIDTH] = std::array::from_fn(|i| {
            let index = start + i;
            (index < taken.end).then(|| first + along.at(along_strides, index))
        });
        for (values, term) in panel.chunks_exact_mut(WIDTH).zip(terms.clone()) {
            let offset = depth.at(depth_strides, term);
            for (value, at) in values.iter_mut().zip(here) {
                if let Some(at) = at {
                    *value = from[at + offset];
                }
            }
        }
    }
}
