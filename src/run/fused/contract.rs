//! Contractions, Σ a·b where each operand has dims that the other lacks: products of matrices.
//!
//! The loops are of four kinds: those of both operands that remain (the batch), those of `a` alone
//! (rows), those of `b` alone (columns), and those that are summed over (depth). A task is a rectangle
//! of rows and columns. It packs its columns side by side in panels, reads rows where they lie if they
//! lie well, and hands blocks of both to a kernel that keeps the result in registers.
//!
//! Every element is summed in one order, whoever computes it and in whichever block: [`STRETCH`] terms
//! in the type of the lanes, and those sums in f64. The bits do not depend on the number of threads.

use super::exec::{Aligned, LINE, Products, products};
use super::kernels::{Kernel, ROWS, STRETCH, prefetch};
use super::lanes::Lanes;
use crate::plan::{DType, Lane, Matrix, Product};
use crate::run::threads::{self, Tasks};
use std::ops::Range;

/// Terms that are summed in one go, whole stretches of them: their panels stay in the second cache.
const DEPTH: usize = 4 * STRETCH;

/// Lines of columns are asked for so many terms before they are copied: they may be far apart.
const AHEAD: usize = 16;

/// Columns of a task.
const TASK_COLUMNS: usize = 128;

/// Rows of a task. Where all terms are summed in one go, nothing of the result has to stay in the cache.
const TASK_ROWS: usize = 32 * ROWS;
/// See [`TASK_ROWS`].
const TASK_ROWS_AT_ONCE: usize = 128 * ROWS;

/// Tasks that a thread should have, so that the last one is not waited for.
const TASKS: usize = 4;

/// Terms of a row that lie so many bytes apart are read where they are; others are packed.
const NEAR: usize = 1024;

/// Below this many products a second thread costs more than it saves; for Miri as in `exec.rs`.
const THREAD_WORK: usize = if cfg!(miri) { 1 } else { 256 * 1024 };

/// Memory of a thread, kept from run to run.
#[derive(Default)]
pub(super) struct Memory {
    panels: Aligned,
    rows: Aligned,
    sums: Vec<f64>,
    /// Where rows and columns begin in their operand and in the result, in elements.
    row_at: Vec<[usize; 2]>,
    column_at: Vec<[usize; 2]>,
    /// Where the kernel finds the rows.
    starts: Vec<*const u8>,
}

// SAFETY: the pointers are set and used within one task.
unsafe impl Send for Memory {}

/// The loops of one kind: their sizes, and the strides of what is walked over them.
#[derive(Default)]
struct Loops {
    sizes: Vec<usize>,
    a: Vec<usize>,
    b: Vec<usize>,
    into: Vec<usize>,
}

impl Loops {
    fn count(&self) -> usize {
        self.sizes.iter().product()
    }

    /// How far one of the arrays is at an index, counted row-major through the loops.
    fn at(&self, strides: &[usize], mut index: usize) -> usize {
        // No division where there is one loop, as nearly always.
        if let [stride] = strides {
            return index * stride;
        }
        let mut offset = 0;
        for (&size, &stride) in self.sizes.iter().zip(strides).rev() {
            offset += index % size * stride;
            index /= size;
        }
        offset
    }

    /// The stride of one loop that does for all of them.
    fn even(&self, strides: &[usize]) -> Option<usize> {
        let mut even = None;
        let mut next = 0;
        for (&size, &stride) in self.sizes.iter().zip(strides).rev() {
            if even.is_some() && stride != next {
                return None;
            }
            even = even.or(Some(stride));
            next = stride * size;
        }
        Some(even.unwrap_or(0))
    }
}

/// What all threads share.
struct Shared<'a> {
    a: &'a Matrix,
    b: &'a Matrix,
    into: &'a Matrix,
    /// The first byte of each.
    first: [*mut u8; 3],
    lane: DType,
    batch: Loops,
    rows: Loops,
    columns: Loops,
    depth: Loops,
    kernels: Products,
    /// Rows and columns of a task.
    task: [usize; 2],
}

// SAFETY: every element of the result is written by the thread that took its task.
unsafe impl Sync for Shared<'_> {}

/// Runs a contraction.
///
/// # Safety
/// `first` are the arrays of the operands and of the result, valid for what their walks touch.
pub(super) unsafe fn run(
    product: &Product,
    first: [*mut u8; 3],
    memory: &mut Vec<Memory>,
    tasks: &mut Tasks,
    threads: usize,
) {
    if product.shape[..product.kept].contains(&0) {
        return;
    }
    // SAFETY: the same promise.
    unsafe {
        match product.lane {
            Lane::F32 => typed::<f32>(product, first, DType::F32, memory, tasks, threads),
            Lane::F64 => typed::<f64>(product, first, DType::F64, memory, tasks, threads),
        }
    }
}

/// # Safety
/// As for [`run`]; `lane` is `T`.
unsafe fn typed<T: Lanes>(
    product: &Product,
    [a, b, into]: [*mut u8; 3],
    lane: DType,
    memory: &mut Vec<Memory>,
    tasks: &mut Tasks,
    threads: usize,
) {
    let [left, right] = &product.args;
    // Columns are written side by side.
    let last = product.kept - 1;
    let swapped = left.strides[last] > 0 && right.strides[last] == 0;
    let (left, right, a, b) = if swapped {
        (right, left, b, a)
    } else {
        (left, right, a, b)
    };
    let [batch, rows, columns, depth] = kinds(product, left, right);
    let (m, n) = (rows.count(), columns.count());
    let work: usize = product.shape.iter().product();
    let threads = if work < THREAD_WORK {
        1
    } else {
        threads.max(1)
    };
    let kernels = products::<T>([left.dtype, right.dtype, product.into.dtype]);
    let size = task(
        [m, n],
        depth.count(),
        batch.count(),
        kernels.block.columns,
        threads,
    );
    let count = batch.count() * m.div_ceil(size[0]) * n.div_ceil(size[1]);
    let threads = threads.min(count);
    tasks.share(count, threads);
    memory.resize_with(memory.len().max(threads), Memory::default);
    let shared = Shared {
        a: left,
        b: right,
        into: &product.into,
        first: [a, b, into],
        lane,
        batch,
        rows,
        columns,
        depth,
        kernels,
        task: size,
    };
    let work = |(n, memory): (usize, &mut Memory)| {
        while let Some(task) = tasks.take(n, false) {
            // SAFETY: every task is taken once.
            unsafe { rectangle::<T>(&shared, task, memory) };
        }
    };
    threads::each(memory[..threads].iter_mut().enumerate(), work);
}

/// The rows and columns of a task: smaller where there would not be enough of them.
fn task(
    [m, n]: [usize; 2],
    depth: usize,
    batch: usize,
    columns: usize,
    threads: usize,
) -> [usize; 2] {
    let most = if depth <= DEPTH {
        TASK_ROWS_AT_ONCE
    } else {
        TASK_ROWS
    };
    let [mut rows, mut wide] = [most.min(m.next_multiple_of(ROWS)), TASK_COLUMNS];
    while threads > 1 && batch * m.div_ceil(rows) * n.div_ceil(wide) < TASKS * threads {
        if wide > columns && n > columns {
            wide /= 2;
        } else if rows > 4 * ROWS {
            rows = (rows / 2).next_multiple_of(ROWS);
        } else {
            break;
        }
    }
    [rows, wide]
}

/// The loops by kind: batch, rows, columns, depth.
fn kinds(product: &Product, a: &Matrix, b: &Matrix) -> [Loops; 4] {
    let mut kinds: [Loops; 4] = Default::default();
    for (i, &size) in product.shape.iter().enumerate() {
        let (a, b) = (a.strides[i], b.strides[i]);
        let kind = match (i < product.kept, a > 0, b > 0) {
            (false, ..) => 3,
            (true, true, false) => 1,
            (true, false, true) => 2,
            (true, ..) => 0,
        };
        let kind = &mut kinds[kind];
        kind.sizes.push(size);
        kind.a.push(a);
        kind.b.push(b);
        kind.into.push(product.into.strides[i]);
    }
    kinds
}

/// Computes the rows and columns of a task.
///
/// # Safety
/// As for [`run`]; no other thread runs this task.
unsafe fn rectangle<T: Lanes>(shared: &Shared<'_>, task: usize, memory: &mut Memory) {
    shared.take(task, memory);
    let k = shared.depth.count();
    let wide = shared.kernels.block.columns;
    let (rows, columns) = (memory.row_at.len(), memory.column_at.len());
    // The rows of a block in the result are so far apart if the kernel may write it.
    let put = shared.even().filter(|_| k <= STRETCH);
    // Where the sums of a block wait for the next terms; alone if there are none.
    let (down, across) = if k <= DEPTH {
        (0, 0)
    } else {
        (1, rows.div_ceil(ROWS))
    };
    let size = ROWS * wide;
    let waiting = 1 + (rows.div_ceil(ROWS) * columns.div_ceil(wide) - 1) * down;
    memory
        .sums
        .resize(memory.sums.len().max(waiting * size), 0.0);
    for first in (0..k.max(1)).step_by(DEPTH) {
        let terms = first..k.min(first + DEPTH);
        // SAFETY: rows, columns and terms are those of the operands.
        let apart = unsafe {
            pack_columns::<T>(shared, &terms, memory);
            pack_rows::<T>(shared, &terms, memory)
        };
        let panels = memory.panels.pointer().cast::<T>();
        for (j, column_at) in memory.column_at.chunks(wide).enumerate() {
            let b = panels
                .wrapping_add(j * wide * terms.len())
                .cast_const()
                .cast();
            for (i, row_at) in memory.row_at.chunks(ROWS).enumerate() {
                let a = memory.starts[i * ROWS..].as_ptr().cast();
                if j == 0 && apart == 1 {
                    // Rows of the next block are far from these.
                    for start in memory.starts.iter().skip((i + 1) * ROWS).take(ROWS) {
                        for line in (0..terms.len() * size_of::<T>()).step_by(LINE) {
                            prefetch(start.wrapping_add(line));
                        }
                    }
                }
                let run = |kernel: Kernel, d: *mut u8, rows_apart: usize| {
                    // SAFETY: rows and panel have as many terms, and there is room for the block.
                    unsafe { kernel(d, a, b, b, b, terms.len(), apart | rows_apart << 32) };
                };
                let whole = row_at.len() == ROWS && column_at.len() == wide;
                if let (Some(rows_apart), true) = (put, whole) {
                    let at = row_at[0][1] + column_at[0][1];
                    let d = shared.first[2].cast::<T>().wrapping_add(at);
                    run(shared.kernels.block.put, d.cast(), rows_apart);
                    continue;
                }
                let sums = &mut memory.sums[(i * down + j * across) * size..][..size];
                if first == 0 {
                    sums.fill(0.0);
                }
                run(shared.kernels.block.add, sums.as_mut_ptr().cast(), wide);
                if terms.end == k {
                    // SAFETY: the rows and columns are in the result, and belong to this task.
                    unsafe { write(shared, sums, row_at, column_at) };
                }
            }
        }
    }
}

impl Shared<'_> {
    /// Finds where the rows and columns of a task begin.
    fn take(&self, task: usize, memory: &mut Memory) {
        let Shared {
            batch,
            rows,
            columns,
            ..
        } = self;
        let (m, n) = (rows.count(), columns.count());
        let across = n.div_ceil(self.task[1]);
        let per_batch = m.div_ceil(self.task[0]) * across;
        let (outer, inner) = (task / per_batch, task % per_batch);
        let taken =
            |index: usize, size: usize, all: usize| index * size..all.min((index + 1) * size);
        let from_a = self.a.offset + batch.at(&batch.a, outer);
        let from_b = self.b.offset + batch.at(&batch.b, outer);
        let to = self.into.offset + batch.at(&batch.into, outer);
        memory.row_at.clear();
        for r in taken(inner / across, self.task[0], m) {
            let (from, to) = (from_a + rows.at(&rows.a, r), to + rows.at(&rows.into, r));
            memory.row_at.push([from, to]);
        }
        memory.column_at.clear();
        for c in taken(inner % across, self.task[1], n) {
            let (from, to) = (
                from_b + columns.at(&columns.b, c),
                columns.at(&columns.into, c),
            );
            memory.column_at.push([from, to]);
        }
    }

    /// How far rows of the result are apart, if columns lie side by side in the lane type.
    fn even(&self) -> Option<usize> {
        let side_by_side = self.columns.even(&self.columns.into) == Some(1);
        let fits = side_by_side && self.into.dtype == self.lane;
        self.rows.even(&self.rows.into).filter(|_| fits)
    }
}

/// Copies the columns of a task to panels, side by side, term after term; what is missing is 0.
///
/// # Safety
/// The columns and terms are those of the operand, and there are as many numbers behind each.
unsafe fn pack_columns<T: Lanes>(shared: &Shared<'_>, terms: &Range<usize>, memory: &mut Memory) {
    let Memory {
        panels, column_at, ..
    } = memory;
    let wide = shared.kernels.block.columns;
    let len = terms.len();
    panels.reserve(column_at.len().div_ceil(wide) * wide * len * size_of::<T>());
    let panels = panels.pointer().cast::<T>();
    let depth = &shared.depth;
    let apart = shared.columns.even(&shared.columns.b);
    let size = shared.b.dtype.size();
    let load = |d: *mut T, at: usize, n: usize, apart: usize| {
        let a = shared.first[1].wrapping_add(at * size).cast_const();
        // SAFETY: the numbers are those of the operand, and there is room for them.
        unsafe { (shared.kernels.load[1])(d.cast(), a, a, a, a, n, apart) };
    };
    for (t, term) in terms.clone().enumerate() {
        let at = depth.at(&depth.b, term);
        if apart == Some(1) {
            let ahead = (column_at[0][0] + depth.at(&depth.b, term + AHEAD)) * size;
            for line in (0..column_at.len() * size).step_by(LINE) {
                prefetch(shared.first[1].wrapping_add(ahead + line));
            }
        }
        for (j, columns) in column_at.chunks(wide).enumerate() {
            let d = panels.wrapping_add((j * len + t) * wide);
            match apart {
                Some(apart) => load(d, columns[0][0] + at, columns.len(), apart),
                None => {
                    for (c, column) in columns.iter().enumerate() {
                        load(d.wrapping_add(c), column[0] + at, 1, 1);
                    }
                }
            }
            for c in columns.len()..wide {
                // SAFETY: there is room for the whole panel.
                unsafe { *d.add(c) = T::ZERO };
            }
        }
    }
}

/// Finds or makes rows that the kernel can read: where they start, and how far their terms are
/// apart. Rows are filled up to whole blocks with the last one, whose sums nobody looks at.
///
/// # Safety
/// The rows and terms are those of the operand.
unsafe fn pack_rows<T: Lanes>(
    shared: &Shared<'_>,
    terms: &Range<usize>,
    memory: &mut Memory,
) -> usize {
    let Memory {
        rows,
        row_at,
        starts,
        ..
    } = memory;
    let size = size_of::<T>();
    let (depth, len) = (&shared.depth, terms.len());
    let first = shared.first[0].cast_const();
    starts.clear();
    let term_apart = depth.even(&depth.a);
    let lies = term_apart.filter(|&apart| shared.a.dtype == shared.lane && apart * size <= NEAR);
    let apart = if let Some(apart) = lies {
        let start = |row: &[usize; 2]| first.wrapping_add((row[0] + terms.start * apart) * size);
        starts.extend(row_at.iter().map(start));
        apart
    } else {
        rows.reserve(row_at.len().next_multiple_of(ROWS) * len * size);
        let rows = rows.pointer();
        let load = |d: usize, at: usize, n: usize, apart: usize| {
            let a = first.wrapping_add(at * shared.a.dtype.size());
            let d = rows.wrapping_add(d * size);
            // SAFETY: the numbers are those of the operand, and there is room for them.
            unsafe { (shared.kernels.load[0])(d, a, a, a, a, n, apart) };
        };
        if shared.rows.even(&shared.rows.a) == Some(1) {
            // Side by side, term after term.
            for (i, block) in row_at.chunks(ROWS).enumerate() {
                for (t, term) in terms.clone().enumerate() {
                    let at = block[0][0] + depth.at(&depth.a, term);
                    load((i * len + t) * ROWS, at, block.len(), 1);
                }
            }
            let start = |r: usize| rows.wrapping_add((r / ROWS * ROWS * len + r % ROWS) * size);
            starts.extend((0..row_at.len()).map(|r| start(r).cast_const()));
            ROWS
        } else {
            for (r, row) in row_at.iter().enumerate() {
                match term_apart {
                    Some(apart) => load(r * len, row[0] + terms.start * apart, len, apart),
                    None => {
                        for (t, term) in terms.clone().enumerate() {
                            load(r * len + t, row[0] + depth.at(&depth.a, term), 1, 1);
                        }
                    }
                }
            }
            let start = |r: usize| rows.wrapping_add(r * len * size).cast_const();
            starts.extend((0..row_at.len()).map(start));
            1
        }
    };
    let last = starts.last().copied().unwrap_or(first);
    starts.resize(starts.len().next_multiple_of(ROWS), last);
    apart
}

/// Writes the sums of a block to the rows and columns that it is for.
///
/// # Safety
/// The rows and columns are in the result.
unsafe fn write(shared: &Shared<'_>, sums: &[f64], rows: &[[usize; 2]], columns: &[[usize; 2]]) {
    let (wide, size) = (shared.kernels.block.columns, shared.into.dtype.size());
    let apart = shared.columns.even(&shared.columns.into);
    for (sums, row) in sums.chunks_exact(wide).zip(rows) {
        let store = |first: usize, n: usize, apart: usize| {
            let a = sums[first..].as_ptr().cast();
            let d = shared.first[2].wrapping_add((row[1] + columns[first][1]) * size);
            // SAFETY: the elements are in the result.
            unsafe { (shared.kernels.store)(d, a, a, a, a, n, apart) };
        };
        match apart {
            Some(apart) => store(0, columns.len(), apart),
            None => (0..columns.len()).for_each(|c| store(c, 1, 1)),
        }
    }
}
