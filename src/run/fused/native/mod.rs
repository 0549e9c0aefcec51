//! Machine code for programs whose lanes are f32, on machines with AVX-512: what kernels do one after
//! the other over a tile is done for a vector at once, its values in registers.
//!
//! The kernels remain what an instruction means, and what runs elsewhere. A stretch is written down
//! as a graph by running the functions that kernels are made of on symbolic numbers (`trace.rs`, `traced.rs`,
//! `graph.rs`), so that each is defined once; equal values are computed once. Instructions are chosen
//! and registers given out along the way (`select.rs`, `memory.rs`, `registers.rs`); the code is put into a loop
//! (`emit.rs`), for several vectors at a time where steps wait for each other (`group.rs`), encoded (`encode.rs`) and run (`code.rs`).
//!
//! Results are those of the kernels bit by bit, but for sums across lanes, whose partial sums are
//! other ones.

mod code;
mod emit;
mod encode;
mod graph;
mod group;
mod memory;
mod registers;
mod select;
mod trace;
mod traced;

use crate::plan::{Base, Pass, Segment, TileOp};
use code::Code;
pub(super) use emit::VECTOR;
use graph::Stream;
use std::ops::Range;
use trace::{Asks, Part, Turns};

/// Up to so many turns of an inner loop are written out as one part. 64 planes gain by it; of 100 and more some losses
/// gain a fifth and others lose as much, as each vector is then read from more pages than a processor keeps at hand.
const TURNS: usize = 64;

/// Up to so many instructions are written out in one part, so that what runs most of its code, the steps for several vectors,
/// is not much larger than the first cache.
const WRITTEN_OUT: usize = 800;

/// Up to so many sums across lanes in one part: all of them lie on the stack then.
const SUMS: usize = 128;

/// Rows of up to so many bytes are fetched while the row before is worked at: both, and what is computed of it, have room
/// in the second cache.
const NEXT_ROW: usize = 256 * 1024;

/// So many instructions of a loop are written out, if turns are that short.
const UNROLLED: usize = 24;

/// A part of a program as code.
pub(super) struct Native {
    code: Code,
    /// The pointers that the code is given.
    streams: Vec<Stream>,
    /// How often it is run over a tile.
    runs: usize,
}

impl Native {
    /// Whether it reads or writes behind a base of the tile.
    pub fn touches(&self, base: u32) -> bool {
        self.streams.iter().any(|s| s.base == base)
    }

    /// Runs it over the lanes of a tile, of which so many come before a line of memory begins.
    ///
    /// # Safety
    /// The bases are those of the tile, valid for what the part reads and writes.
    pub unsafe fn run(
        &self,
        bases: &[*mut u8],
        pointers: &mut Vec<*mut u8>,
        (head, lanes): (usize, usize),
    ) {
        let first = |s: &Stream| s.offset;
        // SAFETY: the caller's promise.
        unsafe { self.run_turns(bases, pointers, first, (head, lanes), self.runs) };
    }

    /// Runs it over a row of so many lanes, where a turn is a tile of the row. The lanes that come before a line of
    /// memory begins are a turn of their own.
    ///
    /// # Safety
    /// As for [`Native::run`].
    pub unsafe fn run_row(
        &self,
        bases: &[*mut u8],
        pointers: &mut Vec<*mut u8>,
        (head, lanes): (usize, usize),
        width: usize,
    ) {
        let head = if head < lanes { head } else { 0 };
        let turns = (lanes - head) / width;
        let last = head + turns * width;
        for (from, lanes, turns) in [(0, head, 1), (head, width, turns), (last, lanes - last, 1)] {
            let first = |s: &Stream| {
                debug_assert_eq!(s.step % width, 0, "what moves moves along the lanes");
                s.offset + s.step / width * from
            };
            // SAFETY: the caller's promise.
            unsafe { self.run_turns(bases, pointers, first, (0, lanes), turns) };
        }
    }

    /// # Safety
    /// As for [`Native::run`].
    unsafe fn run_turns(
        &self,
        bases: &[*mut u8],
        pointers: &mut Vec<*mut u8>,
        first: impl Fn(&Stream) -> usize,
        (head, lanes): (usize, usize),
        turns: usize,
    ) {
        if lanes == 0 || turns == 0 {
            return;
        }
        pointers.clear();
        let address = |s: &Stream| bases[s.base as usize].wrapping_add(first(s));
        pointers.extend(self.streams.iter().map(address));
        // SAFETY: the caller's promise; code is generated for machines that run it.
        unsafe { self.code.run(pointers, (head, lanes), turns) };
    }
}

/// Some segments of a program.
pub(super) enum Piece {
    /// Without code: a segment that kernels do.
    Kernels(usize),
    /// With code.
    Native(Native),
}

/// A pass without code.
pub(super) fn kernels(pass: &Pass) -> Vec<Piece> {
    (0..pass.segments.len()).map(Piece::Kernels).collect()
}

/// Whether this machine runs the code.
fn available() -> bool {
    // Miri runs no code but Rust's.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    return super::level() >= 2;
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    return false;
}

/// Generates code for a pass whose lanes are f32, where this machine runs it.
pub(super) fn generate(pass: &Pass) -> Vec<Piece> {
    if !available() {
        return kernels(pass);
    }
    let mut pieces = Vec::new();
    let mut first = 0;
    while first < pass.segments.len() {
        let end = together(pass, first);
        let whole = match end - first {
            1 => None,
            _ => written(pass, first..end),
        };
        match whole {
            Some(native) => pieces.push(Piece::Native(native)),
            None => (first..end).for_each(|n| match alone(pass, n) {
                Some(natives) => pieces.extend(natives.into_iter().map(Piece::Native)),
                None => pieces.push(Piece::Kernels(n)),
            }),
        }
        first = end;
    }
    pieces
}

/// The end of the segments from one on that are written out together; at least that one.
fn together(pass: &Pass, first: usize) -> usize {
    let (mut instructions, mut sums) = (0, 0);
    for n in first..pass.segments.len() {
        let segment = &pass.segments[n];
        let turns = if segment.looped { pass.turns() } else { 1 };
        instructions += segment.code.len() * turns;
        sums += sums_of(segment) * turns;
        if pass.rows || turns > TURNS || instructions > WRITTEN_OUT || sums > SUMS {
            return n.max(first + 1);
        }
    }
    pass.segments.len()
}

/// The sums across lanes in a turn of a segment.
fn sums_of(segment: &Segment) -> usize {
    let sums = segment.code.iter().map(|i| match i.op {
        TileOp::AcrossBoth | TileOp::AcrossBothMul => 2,
        _ => usize::from(i.dst.base == Base::Slot),
    });
    sums.sum()
}

/// One segment: written out, or run turn by turn.
fn alone(pass: &Pass, n: usize) -> Option<Vec<Native>> {
    let segment = &pass.segments[n];
    if !segment.looped {
        // What is done once in a row is done to single numbers.
        let native = (!pass.rows).then(|| written(pass, n..n + 1)).flatten()?;
        return Some(vec![native]);
    }
    let turns = pass.turns();
    let registers = emit::SUM_REGISTERS.checked_div(sums_of(segment));
    let sums = registers.unwrap_or(usize::MAX);
    let count = match pass.rows {
        true => 1,
        false => (UNROLLED / segment.code.len().max(1))
            .min(sums)
            .clamp(1, turns.max(1)),
    };
    let mut natives = Vec::new();
    for (from, count, runs) in [
        (0, count, turns / count),
        (turns - turns % count, turns % count, 1),
    ] {
        if count * runs > 0 {
            let part = Part {
                segments: n..n + 1,
                turns: Turns::Stepped { from, count },
                asks: asks(pass, n),
            };
            natives.push(native(pass, &part, runs)?);
        }
    }
    Some(natives)
}

/// What a segment that runs turn by turn asks for. The first that reads arrays waits for memory as it is; those that follow
/// have arithmetic to do while what it reads next arrives.
fn asks(pass: &Pass, n: usize) -> Asks {
    let reads = |s: &Segment| s.code.iter().any(|i| trace::loaded(pass, i).count() > 0);
    let first = pass.segments.iter().position(|s| s.looped && reads(s));
    let last = pass.segments.iter().rposition(|s| s.looped);
    match first {
        _ if pass.rows && (first == last || pass.lane * size_of::<f32>() > NEXT_ROW) => Asks::Ahead,
        Some(first) if n > first || last == Some(n) => Asks::Further(first),
        _ => Asks::Nothing,
    }
}

/// Some segments, all turns written out.
fn written(pass: &Pass, segments: Range<usize>) -> Option<Native> {
    let part = Part {
        segments,
        turns: Turns::Written,
        asks: Asks::Ahead,
    };
    native(pass, &part, 1)
}

fn native(pass: &Pass, part: &Part, runs: usize) -> Option<Native> {
    let stretch = trace::trace(pass, part)?;
    let code = Code::new(&emit::emit(&stretch))?;
    Some(Native {
        code,
        streams: stretch.streams,
        runs,
    })
}
