//! Virtual registers → scratch memory, and the choice of the tile width.
//!
//! A program is a list of segments; a looped segment runs once per turn of the inner loop, so
//! what is defined before it and used in it lives until it ends. Registers of one kind have one
//! size, so linear scan with a free list per kind finds an optimal packing.

use super::program::{Base, Instr, Loc, Segment, TileOp};

/// What a virtual register holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One tile.
    Tile,
    /// One tile per turn of the inner loop.
    Slab,
    /// One number.
    Single,
}

/// An operand before registers are assigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Val {
    None,
    Reg(usize),
    Array(usize),
    Const(usize),
    /// An accumulator, one per turn if so.
    Slot(usize, bool),
}

/// An instruction before registers are assigned.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub op: TileOp,
    pub dst: Val,
    pub args: [Val; 4],
    pub scalar: [bool; 4],
    pub aux: usize,
    pub guard: u32,
    pub single: bool,
}

/// Alignment of registers in elements: a cache line of f32.
const ALIGN: usize = 16;

/// What a program needs besides arrays.
pub(crate) struct Allocated {
    pub segments: Vec<Segment>,
    pub scratch: usize,
    pub width: usize,
}

/// The sizes on which the width depends.
pub(crate) struct Extent {
    pub rows: bool,
    pub lane: usize,
    /// Turns of the inner loop where tiles are not rows.
    pub inner: usize,
    /// Bytes per lane.
    pub size: usize,
}

/// Assigns registers. `step` gives the elements per turn and lane stride of an array.
pub(crate) fn allocate(
    drafts: &[(bool, Vec<Draft>)],
    kinds: &[Kind],
    extent: &Extent,
    steps: &dyn Fn(usize, bool, usize) -> usize,
) -> Allocated {
    let (slots, peak) = scan(drafts, kinds);
    let width = width(&peak, extent);
    let turns = if extent.rows {
        extent.lane.div_ceil(width)
    } else {
        extent.inner
    };
    let slab = turns.max(1) * width;
    let [tiles, slabs, singles] = peak;
    let place = |reg: usize| match kinds[reg] {
        Kind::Tile => slots[reg] * width,
        Kind::Slab => tiles * width + slots[reg] * slab,
        Kind::Single => tiles * width + slabs * slab + slots[reg] * ALIGN,
    };
    let scratch = tiles * width + slabs * slab + singles * ALIGN;
    let loc = |val: Val, scalar: bool| match val {
        Val::None => Loc::NONE,
        Val::Reg(reg) => Loc {
            base: Base::Reg,
            offset: place(reg),
            step: if kinds[reg] == Kind::Slab { width } else { 0 },
            scalar,
        },
        Val::Array(array) => Loc {
            base: Base::Array(array as u16),
            offset: 0,
            step: steps(array, scalar, width),
            scalar,
        },
        Val::Const(at) => Loc {
            base: Base::Const,
            offset: at,
            step: 0,
            scalar,
        },
        Val::Slot(at, each) => Loc {
            base: Base::Slot,
            offset: at,
            step: usize::from(each),
            scalar,
        },
    };
    let instr = |d: &Draft| Instr {
        op: d.op,
        dst: loc(d.dst, false),
        args: std::array::from_fn(|i| loc(d.args[i], d.scalar[i])),
        aux: d.aux,
        guard: d.guard,
        single: d.single,
    };
    let segments = drafts
        .iter()
        .filter(|(_, code)| !code.is_empty())
        .map(|(looped, code)| Segment {
            looped: *looped,
            code: code.iter().map(instr).collect(),
        })
        .collect();
    Allocated {
        segments,
        scratch,
        width,
    }
}

/// The place of every register among those of its kind, and how many of each kind there are.
fn scan(drafts: &[(bool, Vec<Draft>)], kinds: &[Kind]) -> (Vec<usize>, [usize; 3]) {
    // First and last position of each register.
    let mut life: Vec<Option<(usize, usize)>> = vec![None; kinds.len()];
    let mut at = 0;
    for (looped, code) in drafts {
        let (start, end) = (at, at + code.len());
        for draft in code {
            for val in draft.args.iter().chain([&draft.dst]) {
                let Val::Reg(reg) = *val else { continue };
                let crosses =
                    *looped && (kinds[reg] != Kind::Tile || life[reg].is_some_and(|l| l.0 < start));
                let (from, to) = if crosses && kinds[reg] == Kind::Slab {
                    (start, end)
                } else if crosses {
                    (at, end)
                } else {
                    (at, at)
                };
                let old = life[reg].unwrap_or((from, to));
                life[reg] = Some((old.0.min(from), old.1.max(to)));
            }
            at += 1;
        }
        at = end + 1;
    }
    let mut order: Vec<usize> = (0..kinds.len()).filter(|&r| life[r].is_some()).collect();
    order.sort_by_key(|&r| life[r]);
    let mut slots = vec![0; kinds.len()];
    // Per kind: when each place becomes free.
    let mut busy: [Vec<usize>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for reg in order {
        let Some((from, to)) = life[reg] else {
            continue;
        };
        let places = &mut busy[kinds[reg] as usize];
        // An operand and the result of one instruction must not share a place.
        let slot = places
            .iter()
            .position(|&until| until < from)
            .unwrap_or(places.len());
        if slot == places.len() {
            places.push(to);
        } else {
            places[slot] = to;
        }
        slots[reg] = slot;
    }
    (slots, busy.map(|places| places.len()))
}

/// The widest tile whose registers stay in the first cache with room for what streams through.
fn width(peak: &[usize; 3], extent: &Extent) -> usize {
    let needed = extent.lane.next_multiple_of(ALIGN).max(ALIGN);
    let registers = if extent.rows {
        peak[0]
    } else {
        peak[0] + peak[1] * extent.inner
    };
    let bytes = |width: usize| registers * width * extent.size;
    let widest = [1024, 512, 256]
        .into_iter()
        .find(|&w| bytes(w) <= 24 * 1024);
    widest.unwrap_or(128).min(needed)
}
