//! Runs a pass: a fixed partition into tasks, each of which runs the program tile by tile.
//!
//! Tasks are numbered; their partial sums are stored by number and combined in order, so that the
//! result has the same bits however many threads there are and whoever takes which task.
//!
//! This file, `kernels/`, `native/` (where generated code is run) and `contract.rs` are where the `unsafe` is. What makes it sound: a plan knows the
//! extent of every array, [`super::Program::run_into`] checks the inputs against their layouts,
//! every task writes to elements that no other task touches.

use super::Workspace;
use super::kernels::{Block, Isa, Kernel, WIDE, block, fence, kernel, prefetch};
use super::lanes::{Int, Lanes};
use super::memory::prefer_huge_pages;
use super::native::{self, Native, Piece, VECTOR};
use super::outputs::placed;
use super::whole::{join, start};
use crate::plan::{Base, DType, Instr, Lane, Loc, Pass, Place, Plan, TileOp};
use crate::run::threads;
use std::ops::Range;

/// Below this many elements a second thread costs more than it saves. Miri, which is slow, is to see threads
/// at work on few.
pub(super) const THREAD_WORK: usize = if cfg!(miri) { 1 } else { 48 * 1024 };

/// Bytes of a line of memory.
pub(super) const LINE: usize = 64;

/// Bytes of the first cache.
const CACHE: usize = 32 * 1024;

/// Where an operand begins: a base of the tile, and bytes from there.
#[derive(Clone, Copy)]
struct Pointer {
    base: u32,
    offset: usize,
}

/// The result and the operands of an instruction.
const OPERANDS: usize = 5;

struct Code {
    kernel: Kernel,
    /// The result first.
    operands: [Pointer; OPERANDS],
    /// Bytes that each of them moves in a turn of the inner loop.
    steps: [usize; OPERANDS],
    aux: usize,
    guard: u32,
    single: bool,
    /// Bytes per lane of what a load finds right behind, where it is to be fetched along.
    along: usize,
}

/// An operand in an array: its address is another one in each tile.
struct Moving {
    /// The instruction, counted through all segments.
    code: usize,
    operand: usize,
    base: u32,
    offset: usize,
}

/// A pass with its kernels.
pub(super) struct Loaded {
    code: Vec<Code>,
    units: Vec<Unit>,
    moving: Vec<Moving>,
    /// The constants in the lane type.
    consts: Aligned,
    /// Bytes per element of each array, with offset and strides.
    arrays: Vec<Stride>,
    streams: bool,
    /// What the next tile reads: a line of memory each, as a base of this tile and bytes from there.
    ahead: Vec<(u32, usize)>,
    /// How many of these are fetched with each instruction.
    pace: usize,
    /// How many tiles of a row are done at once.
    span: usize,
    /// An array whose lines of memory tiles begin with, but for the first of a row.
    lines: Option<usize>,
}

/// A part of a program.
enum Unit {
    /// A stretch of kernels, and whether it runs in every turn.
    Kernels { looped: bool, range: Range<usize> },
    /// The same as machine code.
    Native(Native),
}

struct Stride {
    offset: usize,
    outer: Vec<usize>,
    /// Per lane.
    lane: usize,
}

/// Lanes that generated code does at once where it needs no scratch memory, which a tile bounds otherwise. The
/// partial sums of so many are f32.
const AT_ONCE: usize = 1024;

/// Bases that come before those of arrays.
const REG: u32 = 0;
const CONST: u32 = 1;
const SLOT: u32 = 2;
pub(super) const ARRAYS: u32 = 3;

/// The base of an operand, and the bytes of what its offset counts; `size` is that of a lane.
pub(super) fn base_of(pass: &Pass, loc: &Loc, size: usize) -> (u32, usize) {
    match loc.base {
        Base::None | Base::Reg => (REG, size),
        Base::Const => (CONST, size),
        Base::Slot => (SLOT, WIDE * size_of::<f64>()),
        Base::Array(n) => (ARRAYS + u32::from(n), pass.arrays[n as usize].dtype.size()),
    }
}

/// Memory in cache lines.
#[derive(Default)]
pub(super) struct Aligned(Vec<Line>);

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

impl Aligned {
    pub fn zeroed(bytes: usize) -> Aligned {
        let lines = bytes.div_ceil(LINE);
        let mut memory: Vec<Line> = Vec::with_capacity(lines);
        prefer_huge_pages(memory.as_mut_ptr().cast(), bytes);
        memory.resize(lines, Line([0; LINE]));
        Aligned(memory)
    }

    /// Makes it at least this large; what was there is lost.
    pub fn reserve(&mut self, bytes: usize) {
        if self.0.len() * LINE < bytes {
            *self = Aligned::zeroed(bytes);
        }
    }

    pub fn pointer(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    fn shared(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().cast()
    }
}

/// What a thread works with.
#[derive(Default)]
pub(super) struct Worker {
    scratch: Aligned,
    /// The accumulators of the task, each of [`WIDE`] lanes.
    slots: Aligned,
    bases: Vec<*mut u8>,
    /// Where the operands of every instruction are now.
    operands: Vec<[*mut u8; OPERANDS]>,
    /// The pointers that generated code is given.
    pointers: Vec<*mut u8>,
}

// SAFETY: the pointers are set and used within one task.
unsafe impl Send for Worker {}

/// Generates code for this machine if so, and chooses kernels for what has none.
pub(super) fn load(plan: &Plan, pass: &Pass, generate: bool) -> Loaded {
    let mut loaded = match plan.lane {
        Lane::F32 => by_isa::<f32>(pass, generate),
        Lane::F64 => by_isa::<f64>(pass, generate),
    };
    let native = loaded.units.iter().any(|u| matches!(u, Unit::Native(_)));
    loaded.lines = pass.arrays.iter().position(|array| {
        let placed = match array.place {
            Place::Output(n) => {
                let shape = &plan.outputs[n].shape;
                placed(shape.iter().product::<usize>() * array.dtype.size())
            }
            _ => false,
        };
        native && placed && array.written && array.dtype == DType::F32 && array.lane == 1
    });
    loaded
}

fn by_isa<T: Lanes>(pass: &Pass, generate: bool) -> Loaded {
    #[cfg(target_arch = "x86_64")]
    {
        use super::kernels::{Avx2, Avx512};
        let level = super::level();
        if level >= 2 {
            return loaded::<T, Avx512>(pass, generate);
        }
        if level == 1 {
            return loaded::<T, Avx2>(pass, generate);
        }
    }
    loaded::<T, super::kernels::Baseline>(pass, generate)
}

/// The kernels of a product of matrices.
pub(super) struct Products {
    pub block: Block,
    /// Loads numbers of either operand.
    pub load: [Kernel; 2],
    /// Stores numbers of f64 in the result.
    pub store: Kernel,
}

/// The kernels for this machine of products of matrices of these types, the last that of the result.
pub(super) fn products<T: Lanes>(dtypes: [DType; 3]) -> Products {
    fn of<T: Lanes, I: Isa>([a, b, into]: [DType; 3]) -> Products {
        Products {
            block: block::<T, I>(),
            load: [a, b].map(|dtype| kernel::<T, I>(TileOp::Load(dtype), [false; 4])),
            store: kernel::<f64, I>(TileOp::Store(into), [false; 4]),
        }
    }
    #[cfg(target_arch = "x86_64")]
    {
        use super::kernels::{Avx2, Avx512};
        let level = super::level();
        if level >= 2 {
            return of::<T, Avx512>(dtypes);
        }
        if level == 1 {
            return of::<T, Avx2>(dtypes);
        }
    }
    of::<T, super::kernels::Baseline>(dtypes)
}

fn loaded<T: Lanes, I: Isa>(pass: &Pass, generate: bool) -> Loaded {
    let size = size_of::<T>();
    let base_of = |loc: &Loc| base_of(pass, loc, size);
    let pieces = match generate && size == size_of::<f32>() {
        true => native::generate(pass),
        false => native::kernels(pass),
    };
    // What no kernel reads need not be fetched for one.
    let ahead = match pieces.iter().any(|p| matches!(p, Piece::Kernels(_))) {
        true => lines_ahead(pass),
        false => Vec::new(),
    };
    let code = |i: &Instr| {
        // Functions of one operand read the others too; those are the first again.
        let arg = |n: usize| {
            if i.args[n].base == Base::None {
                &i.args[0]
            } else {
                &i.args[n]
            }
        };
        let locs = [&i.dst, arg(0), arg(1), arg(2), arg(3)];
        Code {
            kernel: kernel::<T, I>(i.op, i.args.map(|a| a.scalar)),
            operands: locs.map(|loc| {
                let (base, unit) = base_of(loc);
                let offset = loc.offset * unit;
                Pointer { base, offset }
            }),
            steps: locs.map(|loc| loc.step * base_of(loc).1),
            aux: i.aux,
            guard: i.guard,
            single: i.single,
            along: match i.op {
                TileOp::Load(dtype) | TileOp::LoadInt(dtype) if i.aux == 1 && ahead.is_empty() => {
                    dtype.size()
                }
                TileOp::LoadAcc(_) if ahead.is_empty() => size,
                _ => 0,
            },
        }
    };
    let mut all = Vec::new();
    let mut units = Vec::new();
    for piece in pieces {
        units.push(match piece {
            Piece::Native(native) => Unit::Native(native),
            Piece::Kernels(n) => {
                let (segment, first) = (&pass.segments[n], all.len());
                all.extend(segment.code.iter().map(code));
                Unit::Kernels {
                    looped: segment.looped,
                    range: first..all.len(),
                }
            }
        });
    }
    let mut moving = Vec::new();
    for (code, instr) in all.iter().enumerate() {
        for (operand, p) in instr.operands.iter().enumerate() {
            if p.base >= ARRAYS {
                moving.push(Moving {
                    code,
                    operand,
                    base: p.base,
                    offset: p.offset,
                });
            }
        }
    }
    let instructions = pass.segments.iter().map(|s| {
        let turns = if s.looped { pass.turns() } else { 1 };
        s.code.len() * turns
    });
    let instructions: usize = instructions.sum();
    let mut every = pass.segments.iter().flat_map(|s| &s.code);
    let at_once = units.iter().all(|unit| match unit {
        Unit::Native(native) => !native.touches(REG),
        Unit::Kernels { .. } => false,
    });
    let mut consts = Aligned::zeroed(pass.consts.len() * size);
    for (i, &(value, int)) in pass.consts.iter().enumerate() {
        // SAFETY: there is room for all constants.
        unsafe { put::<T>(consts.pointer(), i, value, int) };
    }
    let stride = |a: &crate::plan::Array| {
        let size = a.dtype.size();
        Stride {
            offset: a.offset * size,
            outer: a.outer.iter().map(|s| s * size).collect(),
            lane: if pass.rows { 0 } else { a.lane * size },
        }
    };
    Loaded {
        code: all,
        units,
        moving,
        consts,
        arrays: pass.arrays.iter().map(stride).collect(),
        streams: every.any(|i| matches!(i.op, TileOp::Stream(_))),
        pace: ahead.len().div_ceil(instructions.max(1)),
        span: match at_once && !pass.rows {
            true => (AT_ONCE / pass.width.max(1)).max(1),
            false => 1,
        },
        ahead,
        lines: None,
    }
}

/// The lines that a tile finds behind those of the tile before, if the first cache holds them till
/// then. Otherwise, and in rows, each load fetches what lies behind it.
fn lines_ahead(pass: &Pass) -> Vec<(u32, usize)> {
    let mut lines = Vec::new();
    for (n, array) in pass.arrays.iter().enumerate() {
        let large = !matches!(array.place, Place::Buffer(_) | Place::Param(_));
        if !large || array.written || pass.rows || array.lane != 1 {
            continue;
        }
        let bytes = pass.width * array.dtype.size();
        let planes = if array.inner == 0 { 1 } else { pass.inner };
        for plane in 0..planes {
            let first = plane * array.inner * array.dtype.size() + bytes;
            let line = |at| (ARRAYS + n as u32, first + at);
            lines.extend((0..bytes).step_by(LINE).map(line));
        }
    }
    if lines.len() * LINE > CACHE {
        lines.clear();
    }
    lines
}

/// # Safety
/// There is an element `i` behind `into`.
unsafe fn put<T: Lanes>(into: *mut u8, i: usize, value: f64, int: bool) {
    // SAFETY: see above; integers and floats of a lane have one size.
    unsafe {
        if int {
            *into.cast::<T::Int>().add(i) = T::Int::of(value as i64);
        } else {
            *into.cast::<T>().add(i) = T::of(value);
        }
    }
}

/// Copies a buffer to the lane type.
pub(super) fn convert(lane: Lane, values: &[f64], int: bool, into: &mut Aligned) {
    into.reserve(values.len() * lane.size());
    for (i, &value) in values.iter().enumerate() {
        // SAFETY: there is room for all values.
        unsafe {
            match lane {
                Lane::F32 => put::<f32>(into.pointer(), i, value, int),
                Lane::F64 => put::<f64>(into.pointer(), i, value, int),
            }
        }
    }
}

/// What all threads of a pass share.
struct Shared<'a> {
    pass: &'a Pass,
    loaded: &'a Loaded,
    /// The first byte of every array.
    arrays: &'a [*mut u8],
    /// A row of sums per task.
    partials: *mut f64,
    scratch: usize,
}

// SAFETY: tasks write to disjoint parts of the arrays and to their own accumulators.
unsafe impl Sync for Shared<'_> {}

/// Runs a pass and leaves the sums in `buffers`.
///
/// # Safety
/// `arrays` are the arrays of the pass, valid for what its walks touch.
pub(super) unsafe fn run(
    pass: &Pass,
    loaded: &Loaded,
    lane: Lane,
    arrays: &[*mut u8],
    space: &mut Workspace,
    threads: usize,
) {
    let Workspace {
        buffers,
        partials,
        workers,
        tasks,
        ..
    } = space;
    let blocks = pass.blocks();
    partials.clear();
    partials.resize(blocks * pass.slots, 0.0);
    let threads = if pass.work < THREAD_WORK {
        1
    } else {
        threads.clamp(1, blocks.max(1))
    };
    workers.resize_with(workers.len().max(threads), Worker::default);
    // One line more than is needed: registers of rows may begin behind the first.
    let scratch = pass.scratch * lane.size() + LINE;
    for worker in &mut workers[..threads] {
        worker.scratch.reserve(scratch);
        worker.slots.reserve(pass.slots * WIDE * size_of::<f64>());
        worker.bases.resize(
            worker.bases.len().max(arrays.len() + ARRAYS as usize),
            std::ptr::null_mut(),
        );
    }
    let shared = Shared {
        pass,
        loaded,
        arrays,
        partials: partials.as_mut_ptr(),
        scratch,
    };
    tasks.share(blocks, threads);
    let work = |(n, worker): (usize, &mut Worker)| {
        while let Some(block) = tasks.take(n, pass.backwards) {
            // SAFETY: every task is taken once.
            unsafe { task(&shared, block, worker) };
        }
    };
    threads::each(workers[..threads].iter_mut().enumerate(), work);
    combine(pass, partials, buffers);
}

/// # Safety
/// As for [`run`]; no other thread runs this task.
unsafe fn task(shared: &Shared<'_>, block: usize, worker: &mut Worker) {
    let (pass, loaded) = (shared.pass, shared.loaded);
    debug_assert!(worker.scratch.0.len() * LINE >= shared.scratch);
    let slots = worker.slots.pointer().cast::<[f64; WIDE]>();
    for sum in &pass.sums {
        for slot in sum.slot..sum.slot + sum.width {
            // SAFETY: there is room for all accumulators.
            unsafe { *slots.add(slot) = [start(sum.op); WIDE] };
        }
    }
    let (tiles, rows) = (pass.tiles_per_row(), pass.row_count());
    let range = tiles_of(pass, block, tiles, rows);
    // What is kept of a row begins a line where the row does.
    let behind = match pass.rows {
        true => (LINE - before_line(shared, range.start / tiles) * size_of::<f32>()) % LINE,
        false => 0,
    };
    worker.bases[REG as usize] = worker.scratch.pointer().wrapping_add(behind);
    worker.bases[CONST as usize] = loaded.consts.shared();
    worker.bases[SLOT as usize] = slots.cast();
    let bases = &worker.bases;
    worker.operands.clear();
    worker.operands.extend(loaded.code.iter().map(|code| {
        code.operands.map(|p| match p.base {
            ARRAYS.. => std::ptr::null_mut(),
            fixed => bases[fixed as usize].wrapping_add(p.offset),
        })
    }));
    let at_once = if pass.rows {
        pass.lane
    } else {
        loaded.span * pass.width
    };
    let mut next = range.start;
    while next < range.end {
        let row = next / tiles;
        let end = range.end.min((row + 1) * tiles);
        let head = before_line(shared, row);
        // Tiles are so many lanes earlier than they would be, all but the first, so that they begin with a line.
        let earlier = match head {
            1.. if pass.width >= VECTOR => VECTOR - head,
            _ => 0,
        };
        let first = |tile: usize| match tile {
            0 => 0,
            _ if tile == tiles => pass.lane,
            _ => tile * pass.width - earlier,
        };
        let [mut lane, end_lane] = [next, end].map(|tile| first(tile - row * tiles));
        while lane < end_lane {
            let (head, full) = match lane {
                0 if !pass.rows => (head, at_once - earlier),
                0 => (head, at_once),
                _ => (0, at_once),
            };
            let lanes = full.min(end_lane - lane);
            // SAFETY: the caller's promise; the lanes are those of this task.
            unsafe { tile(shared, worker, (row, lane), (head, lanes)) };
            lane += lanes;
        }
        next = end;
    }
    for sum in &pass.sums {
        for slot in sum.slot..sum.slot + sum.width {
            // SAFETY: as above; there is a row of partial sums for each task.
            unsafe {
                let lanes = *slots.add(slot);
                let total = lanes
                    .into_iter()
                    .fold(start(sum.op), |a, b| join(sum.op, a, b));
                *shared.partials.add(block * pass.slots + slot) = total;
            }
        }
    }
    if loaded.streams {
        fence();
    }
}

/// Runs the program for some lanes of a row, of which so many come before a line of memory begins.
///
/// # Safety
/// As for [`task`]: the lanes are some of the task.
unsafe fn tile(
    shared: &Shared<'_>,
    worker: &mut Worker,
    (row, lane): (usize, usize),
    (head, lanes): (usize, usize),
) {
    let (pass, loaded) = (shared.pass, shared.loaded);
    let turns = pass.turns();
    // SAFETY: the addresses are those of elements in the arrays, or one past.
    let not_first = unsafe { place(shared, worker, row, lane) };
    let slots = worker.slots.pointer().cast::<[f64; WIDE]>();
    for &(slot, start) in &pass.row_slots {
        // SAFETY: as above.
        unsafe { *slots.add(slot) = [start; WIDE] };
    }
    for m in &loaded.moving {
        let address = worker.bases[m.base as usize].wrapping_add(m.offset);
        worker.operands[m.code][m.operand] = address;
    }
    let mut ahead = loaded.ahead.chunks(loaded.pace.max(1));
    let bases = &worker.bases;
    let mut fetch = || {
        for &(base, offset) in ahead.next().unwrap_or_default() {
            prefetch(bases[base as usize].wrapping_add(offset));
        }
    };
    for unit in &loaded.units {
        let (looped, range) = match unit {
            Unit::Kernels { looped, range } => (looped, range),
            Unit::Native(native) => {
                let pointers = &mut worker.pointers;
                // SAFETY: the plan's operands lie within their arrays and registers.
                unsafe {
                    if pass.rows {
                        native.run_row(bases, pointers, (head, lanes), pass.width);
                    } else {
                        native.run(bases, pointers, (head, lanes));
                    }
                }
                continue;
            }
        };
        let code = &loaded.code[range.clone()];
        let operands = &mut worker.operands[range.clone()];
        if !*looped {
            let n = if pass.rows { 1 } else { lanes };
            for (instr, at) in code.iter().zip(operands) {
                fetch();
                if instr.guard & not_first == 0 {
                    // SAFETY: the plan's operands lie within their arrays and registers.
                    unsafe { step(instr, at, if instr.single { 1 } else { n }) };
                }
            }
            continue;
        }
        for turn in 0..turns {
            let n = if pass.rows {
                pass.width.min(lanes - turn * pass.width)
            } else {
                lanes
            };
            for (instr, at) in code.iter().zip(operands.iter_mut()) {
                fetch();
                if instr.guard & not_first == 0 {
                    // SAFETY: as above.
                    unsafe { step(instr, at, n) };
                }
                for (at, step) in at.iter_mut().zip(&instr.steps) {
                    *at = at.wrapping_add(*step);
                }
            }
        }
        // Back to where the next tile begins.
        for (instr, at) in code.iter().zip(operands) {
            for (at, step) in at.iter_mut().zip(&instr.steps) {
                *at = at.wrapping_sub(turns * step);
            }
        }
    }
}

/// The tiles of a task, numbered through all rows.
fn tiles_of(pass: &Pass, block: usize, tiles: usize, rows: usize) -> std::ops::Range<usize> {
    if pass.split {
        let per_row = tiles.div_ceil(pass.block);
        let (row, part) = (block / per_row, block % per_row);
        let first = row * tiles + part * pass.block;
        first..(first + pass.block).min((row + 1) * tiles)
    } else {
        let first = block * pass.block;
        first..(first + pass.block).min(rows * tiles)
    }
}

/// Lanes of a row before the first that begins a line of memory in the array that tiles are laid out by.
fn before_line(shared: &Shared<'_>, row: usize) -> usize {
    let Some(n) = shared.loaded.lines else {
        return 0;
    };
    let (array, index) = (&shared.loaded.arrays[n], index(&shared.pass.outer, row));
    let address = shared.arrays[n].addr() + array.offset + array.along(&index);
    (LINE - address % LINE) % LINE / size_of::<f32>()
}

/// The indices of a row, one for each outer axis.
#[inline(always)]
fn index(outer: &[usize], row: usize) -> [usize; 16] {
    let (mut index, mut rest) = ([0; 16], row);
    for (axis, &size) in outer.iter().enumerate().rev() {
        index[axis] = rest % size;
        rest /= size;
    }
    index
}

impl Stride {
    /// Bytes to a row.
    #[inline(always)]
    fn along(&self, index: &[usize; 16]) -> usize {
        self.outer
            .iter()
            .zip(index)
            .map(|(stride, i)| stride * i)
            .sum()
    }
}

/// Sets the bases of arrays for a tile that begins with this lane. Returns which outer loops are past their first step.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn place(shared: &Shared<'_>, worker: &mut Worker, row: usize, lane: usize) -> u32 {
    let index = index(&shared.pass.outer, row);
    let not_first = index
        .iter()
        .enumerate()
        .map(|(axis, &i)| u32::from(i > 0) << axis);
    let bases = worker.bases[ARRAYS as usize..].iter_mut();
    for ((base, array), &first) in bases.zip(&shared.loaded.arrays).zip(shared.arrays) {
        // SAFETY: the element at this index is in the array.
        *base = unsafe { first.add(array.offset + array.along(&index) + lane * array.lane) };
    }
    not_first.sum()
}

/// # Safety
/// The operands are valid for `n` lanes.
#[inline(always)]
unsafe fn step(code: &Code, at: &[*mut u8; OPERANDS], n: usize) {
    let [d, a, b, c, e] = *at;
    for line in (0..n * code.along).step_by(LINE) {
        prefetch(a.wrapping_add(n * code.along + line));
    }
    // SAFETY: the operands are those of the kernel.
    unsafe { (code.kernel)(d, a, b, c, e, n, code.aux) };
}

/// Combines the sums of tasks in their order.
fn combine(pass: &Pass, partials: &[f64], buffers: &mut [Vec<f64>]) {
    let per_row = if pass.split {
        pass.tiles_per_row().div_ceil(pass.block).max(1)
    } else {
        1
    };
    for sum in &pass.sums {
        let into = &mut buffers[sum.into];
        into.fill(start(sum.op));
        for (block, slots) in partials.chunks_exact(pass.slots).enumerate() {
            let mut at = 0;
            if pass.split {
                let mut rest = block / per_row;
                for (axis, &size) in pass.outer.iter().enumerate().rev() {
                    at += rest % size * sum.outer[axis];
                    rest /= size;
                }
            }
            for class in 0..sum.width {
                let total = &mut into[at + class * sum.inner];
                *total = join(sum.op, *total, slots[sum.slot + class]);
            }
        }
    }
}
