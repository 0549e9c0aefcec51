//! A stretch → machine code: a loop over the vectors of a tile, values in registers.
//!
//! The code is a function of a table of pointers, where the whole vectors end, which lanes there are behind them,
//! and how often all of it is to be done, the pointers moving on. Some lanes may come before the first whole vector,
//! so that what is stored past the cache is stored in whole lines.

use super::encode::{Assembler, Condition, Gpr, K, Label, Lanes, Mem, Rm, Zmm, ops};
use super::graph::{Effect, Item, Node};
use super::group::{group, size};
use super::select::Body;
use super::trace::Stretch;
use crate::ir::ReduceOp;
use crate::run::fused::whole::start;

/// The table of pointers.
const TABLE: Gpr = Gpr::RDI;
/// Where the whole vectors end.
const WHOLE: Gpr = Gpr::RSI;
/// Which lanes the last vector has, as a mask; 0 if there is none.
const LAST: Gpr = Gpr::RDX;
/// Turns that are left.
const TURNS: Gpr = Gpr::RCX;
/// The lane at which the vector begins.
pub(super) const LANE: Gpr = Gpr::RAX;
/// For a pointer that has no register, and for numbers.
pub(super) const SPARE: Gpr = Gpr::R10;
/// Those for pointers.
const POINTERS: [Gpr; 8] = [
    Gpr::RBX,
    Gpr::R8,
    Gpr::R9,
    Gpr::R11,
    Gpr::R12,
    Gpr::R13,
    Gpr::R14,
    Gpr::R15,
];
/// What a called function must leave as it was.
const SAVED: [Gpr; 5] = [Gpr::RBX, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

/// The lanes of a vector that has not all of them.
pub(super) const PARTIAL: K = K(7);

/// What stands in the table behind the pointers, put there by `code.rs`: how many lanes come before the first whole
/// vector, and those lanes as a mask.
const HEAD: usize = 0;
const HEAD_LANES: usize = 1;

/// Lanes of a vector.
pub(in super::super) const VECTOR: usize = 16;

/// Up to so many accumulators have a register each; more live on the stack.
pub(super) const SUM_REGISTERS: usize = 14;

/// Bytes of a vector.
pub(super) const BYTES: usize = 64;

/// What all of the code shares.
pub(super) struct Frame {
    /// The registers of pointers.
    pointers: Vec<Option<Gpr>>,
    /// Accumulators, from the last register down; those behind them on the stack.
    sums: usize,
}

/// Where an accumulator is.
#[derive(Clone, Copy)]
pub(super) enum SumAt {
    Register(Zmm),
    Stack(Mem),
}

impl Frame {
    fn new(stretch: &Stretch) -> Frame {
        let mut count = vec![0usize; stretch.streams.len()];
        for item in &stretch.items {
            let at = match item {
                Item::Value(id) => match &stretch.nodes[id.index()] {
                    Node::Lanes { at, .. } | Node::Floats { at, .. } | Node::Ints { at, .. } => at,
                    Node::All { at } | Node::Entry { at, .. } => at,
                    Node::Const(_) | Node::Op(..) => continue,
                },
                Item::Effect(Effect::Keep { at, .. } | Effect::Store { at, .. }) => at,
                Item::Effect(Effect::Sum { .. }) => continue,
            };
            count[at.stream] += 1;
        }
        for ask in &stretch.asks {
            count[ask.at.stream] += 1;
        }
        let mut order: Vec<usize> = (0..count.len()).collect();
        order.sort_by_key(|&s| std::cmp::Reverse(count[s]));
        let mut pointers = vec![None; count.len()];
        for (&stream, register) in order.iter().zip(POINTERS) {
            pointers[stream] = Some(register);
        }
        Frame {
            pointers,
            sums: stretch.sums.len(),
        }
    }

    /// The registers that values may have.
    pub fn registers(&self) -> std::ops::Range<u8> {
        0..32 - self.in_registers() as u8
    }

    /// Where a stream begins; loads its pointer where it has no register.
    pub fn pointer(&self, asm: &mut Assembler, stream: usize) -> Gpr {
        self.pointers[stream].unwrap_or_else(|| {
            asm.load_gpr(SPARE, table(stream));
            SPARE
        })
    }

    pub fn sum(&self, n: usize) -> SumAt {
        match n.checked_sub(self.in_registers()) {
            None => SumAt::Register(Zmm(31 - n as u8)),
            Some(place) => SumAt::Stack(stack(place)),
        }
    }

    /// Vectors on the stack before those of values.
    pub fn stack_sums(&self) -> usize {
        self.sums - self.in_registers()
    }

    /// How many accumulators have a register.
    fn in_registers(&self) -> usize {
        match self.sums {
            0..=SUM_REGISTERS => self.sums,
            // They would leave too few to what is computed.
            _ => 0,
        }
    }
}

/// A vector on the stack.
pub(super) fn stack(n: usize) -> Mem {
    Mem {
        base: Gpr::RSP,
        index: None,
        disp: (n * BYTES) as i32,
    }
}

fn table(stream: usize) -> Mem {
    Mem {
        base: TABLE,
        index: None,
        disp: (stream * 8) as i32,
    }
}

/// The code of a stretch.
pub(super) fn emit(stretch: &Stretch) -> Vec<u8> {
    let size = size(stretch);
    let grouped = (size > 1).then(|| (group(stretch, size), size));
    // How much stack it takes is known when it has been written once.
    let (_, vectors) = written(stretch, grouped.as_ref(), 0);
    written(stretch, grouped.as_ref(), vectors).0
}

/// The code, and how many vectors it needs on the stack; `vectors` is what it gets.
fn written(
    stretch: &Stretch,
    grouped: Option<&(Stretch, usize)>,
    vectors: usize,
) -> (Vec<u8>, usize) {
    let mut asm = Assembler::new();
    let frame = Frame::new(stretch);
    asm.push(Gpr::RBP);
    for gpr in SAVED {
        asm.push(gpr);
    }
    asm.mov(Gpr::RBP, Gpr::RSP);
    asm.sub_imm(Gpr::RSP, ((vectors + 1) * BYTES) as i32);
    asm.and_imm(Gpr::RSP, -(BYTES as i32));
    for (stream, gpr) in frame.pointers.iter().enumerate() {
        if let Some(gpr) = gpr {
            asm.load_gpr(*gpr, table(stream));
        }
    }
    let mut body = Body::new(stretch, &frame);
    let mut several = grouped.map(|(stretch, size)| (Body::new(stretch, &frame), size * VECTOR));
    let [turn, whole, single, vector, some, last, done, end] = std::array::from_fn(|_| asm.label());
    asm.bind(turn);
    begin_sums(&mut asm, stretch, &frame);
    asm.load_imm(LANE, 0);
    // The lanes before the first whole vector, if there are any.
    asm.load_gpr(SPARE, table(stretch.streams.len() + HEAD_LANES));
    asm.test_imm(SPARE, -1);
    asm.mask_from_gpr(PARTIAL, SPARE);
    asm.jump(Condition::NotEqual, some);
    asm.bind(whole);
    if let Some((body, lanes)) = &mut several {
        let further = Mem {
            base: LANE,
            index: None,
            disp: *lanes as i32,
        };
        asm.lea(SPARE, further);
        asm.cmp(WHOLE, SPARE);
        asm.jump(Condition::Below, single);
        body.write(&mut asm, false);
        asm.add_imm(LANE, *lanes as i32);
        asm.jump(Condition::Always, whole);
    }
    asm.bind(single);
    asm.cmp(LANE, WHOLE);
    asm.jump(Condition::Equal, last);
    asm.bind(vector);
    body.write(&mut asm, false);
    asm.add_imm(LANE, VECTOR as i32);
    asm.cmp(LANE, WHOLE);
    asm.jump(Condition::Below, vector);
    asm.bind(last);
    asm.test_imm(LAST, -1);
    asm.jump(Condition::Equal, done);
    asm.mask_from_gpr(PARTIAL, LAST);
    asm.bind(some);
    body.write(&mut asm, true);
    // These were the last lanes, or whole vectors follow.
    asm.cmp(LANE, WHOLE);
    asm.jump(Condition::Equal, done);
    asm.load_gpr(LANE, table(stretch.streams.len() + HEAD));
    asm.jump(Condition::Always, whole);
    asm.bind(done);
    end_sums(&mut asm, stretch, &frame);
    next_turn(&mut asm, stretch, &frame, turn, end);
    asm.bind(end);
    asm.zero_upper();
    asm.mov(Gpr::RSP, Gpr::RBP);
    for gpr in SAVED.into_iter().rev() {
        asm.pop(gpr);
    }
    asm.pop(Gpr::RBP);
    asm.ret();
    let vectors = several.map_or(0, |(body, _)| body.vectors());
    (asm.finish(), vectors.max(body.vectors()))
}

/// Moves the pointers on, if another turn follows.
fn next_turn(asm: &mut Assembler, stretch: &Stretch, frame: &Frame, turn: Label, end: Label) {
    asm.add_imm(TURNS, -1);
    asm.jump(Condition::Equal, end);
    let streams = stretch.streams.iter().enumerate();
    for (stream, s) in streams.filter(|(_, s)| s.step != 0) {
        asm.load_imm(LANE, s.step as u64);
        match frame.pointers[stream] {
            Some(gpr) => asm.add(gpr, LANE),
            None => {
                asm.load_gpr(SPARE, table(stream));
                asm.add(SPARE, LANE);
                asm.store_gpr(table(stream), SPARE);
            }
        }
    }
    asm.jump(Condition::Always, turn);
}

/// Sets all accumulators to what leaves the others as they are.
fn begin_sums(asm: &mut Assembler, stretch: &Stretch, frame: &Frame) {
    for (n, sum) in stretch.sums.iter().enumerate() {
        let into = match frame.sum(n) {
            SumAt::Register(zmm) => zmm,
            SumAt::Stack(_) => Zmm(0),
        };
        let number = Rm::Const((start(sum.op) as f32).to_bits());
        asm.vector(ops::BROADCAST, into, None, number, Lanes::All);
        if let SumAt::Stack(mem) = frame.sum(n) {
            asm.store(ops::STORE, mem, into, Lanes::All);
        }
    }
}

/// Adds the accumulators to those in memory, which are eight f64 each.
fn end_sums(asm: &mut Assembler, stretch: &Stretch, frame: &Frame) {
    let [halves, low, high, all] = [Zmm(0), Zmm(1), Zmm(2), Zmm(3)];
    for (n, sum) in stretch.sums.iter().enumerate() {
        let from = match frame.sum(n) {
            SumAt::Register(zmm) => zmm,
            SumAt::Stack(mem) => {
                asm.load(halves, Rm::Mem(mem), Lanes::All);
                halves
            }
        };
        asm.vector(ops::WIDEN, low, None, Rm::Reg(from), Lanes::All);
        asm.extract_half(high, from);
        asm.vector(ops::WIDEN, high, None, Rm::Reg(high), Lanes::All);
        let into = Mem {
            base: frame.pointer(asm, sum.at.stream),
            index: None,
            disp: sum.at.disp,
        };
        asm.vector(ops::LOAD_F64, all, None, Rm::Mem(into), Lanes::All);
        for part in [low, high] {
            join(asm, sum.op, (all, Rm::Reg(part)), Lanes::All, K(1), true);
        }
        asm.store(ops::STORE_F64, into, all, Lanes::All);
    }
}

/// Whether joining values takes a mask besides.
pub(super) fn compares(op: ReduceOp) -> bool {
    matches!(op, ReduceOp::Max | ReduceOp::Min)
}

/// into = into ⊕ with in some lanes; NaN in either is NaN. `spare` is a mask if one is needed, `wide` says that they are
/// f64.
pub(super) fn join(
    asm: &mut Assembler,
    op: ReduceOp,
    (into, with): (Zmm, Rm),
    mut lanes: Lanes,
    spare: K,
    wide: bool,
) {
    let compares = compares(op);
    let op = match (op, wide) {
        (ReduceOp::Prod, true) => ops::MUL_F64,
        (ReduceOp::Max, true) => ops::MAX_F64,
        (ReduceOp::Min, true) => ops::MIN_F64,
        (_, true) => ops::ADD_F64,
        (ReduceOp::Prod, false) => ops::MUL,
        (ReduceOp::Max, false) => ops::MAX,
        (ReduceOp::Min, false) => ops::MIN,
        (_, false) => ops::ADD,
    };
    if compares {
        // The instruction gives its second operand if either is NaN, so one in the first is left alone.
        const ORDERED: u8 = 7;
        let compare = if wide { ops::COMPARE_F64 } else { ops::COMPARE };
        asm.compare(compare, spare, into, Rm::Reg(into), lanes, ORDERED);
        lanes = Lanes::Some(spare);
    }
    asm.vector(op, into, Some(into), with, lanes);
}
