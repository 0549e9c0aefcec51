//! Machine code of x86-64: the few dozen instructions of AVX-512 that generated code consists of.
//!
//! Formats and operation codes: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2,
//! 2.6 (VEX), 2.7 (EVEX) and chapters 3 to 5.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

/// A vector register; also names its lower half.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Zmm(pub u8);

/// A mask register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct K(pub u8);

/// A general register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Gpr(u8);

impl Gpr {
    pub const RAX: Gpr = Gpr(0);
    pub const RCX: Gpr = Gpr(1);
    pub const RDX: Gpr = Gpr(2);
    pub const RBX: Gpr = Gpr(3);
    pub const RSP: Gpr = Gpr(4);
    pub const RBP: Gpr = Gpr(5);
    pub const RSI: Gpr = Gpr(6);
    pub const RDI: Gpr = Gpr(7);
    pub const R8: Gpr = Gpr(8);
    pub const R9: Gpr = Gpr(9);
    pub const R10: Gpr = Gpr(10);
    pub const R11: Gpr = Gpr(11);
    pub const R12: Gpr = Gpr(12);
    pub const R13: Gpr = Gpr(13);
    pub const R14: Gpr = Gpr(14);
    pub const R15: Gpr = Gpr(15);
}

/// An address: base + index · scale + disp. The index is not RSP, the scale 1, 2, 4 or 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mem {
    pub base: Gpr,
    pub index: Option<(Gpr, u8)>,
    pub disp: i32,
}

/// The last operand of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rm {
    Reg(Zmm),
    /// As many bytes of memory as the instruction takes.
    Mem(Mem),
    /// One number of memory for all lanes.
    All(Mem),
    /// These 32 bits for all lanes.
    Const(u32),
}

/// Which lanes an instruction writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lanes {
    All,
    /// Those of the mask; the others stay as they are.
    Some(K),
    /// Those of the mask; the others become zero.
    OrZero(K),
}

impl Lanes {
    fn mask(self) -> u8 {
        match self {
            Lanes::All => 0,
            Lanes::Some(k) | Lanes::OrZero(k) => k.0,
        }
    }
}

/// An instruction on vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Op {
    /// The table of operation codes, and the prefix that is part of the code.
    map: u8,
    prefix: u8,
    /// Whether elements have 64 bits, as far as the code says so.
    wide: bool,
    code: u8,
    /// Bytes of the operand in memory.
    bytes: u8,
    /// What stands in place of a register operand, with shifts by a number.
    digit: u8,
    /// A number that is part of the instruction.
    number: Option<u8>,
}

impl Op {
    const fn with(self, number: u8) -> Op {
        Op {
            number: Some(number),
            ..self
        }
    }
}

/// When to jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    Always,
    Equal,
    NotEqual,
    /// Unsigned.
    Below,
}

/// A place in the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(usize);

/// The instructions.
pub(super) mod ops {
    use super::Op;

    const fn op(map: u8, prefix: u8, wide: bool, code: u8, bytes: u8) -> Op {
        Op {
            map,
            prefix,
            wide,
            code,
            bytes,
            digit: 0,
            number: None,
        }
    }

    const fn single(code: u8) -> Op {
        op(1, 0, false, code, 64)
    }

    const fn double(code: u8) -> Op {
        op(1, 1, true, code, 64)
    }

    const fn int(code: u8) -> Op {
        op(1, 1, false, code, 64)
    }

    const fn shift(digit: u8) -> Op {
        Op { digit, ..int(0x72) }
    }

    const fn second(code: u8, bytes: u8) -> Op {
        op(2, 1, false, code, bytes)
    }

    const fn fused(first: u8) -> [Op; 4] {
        [
            second(first, 64),
            second(first + 2, 64),
            second(first + 4, 64),
            second(first + 6, 64),
        ]
    }

    pub const ADD: Op = single(0x58);
    pub const MUL: Op = single(0x59);
    pub const SUB: Op = single(0x5c);
    pub const MIN: Op = single(0x5d);
    pub const DIV: Op = single(0x5e);
    pub const MAX: Op = single(0x5f);
    pub const SQRT: Op = single(0x51);
    pub const FLOAT: Op = single(0x5b);
    /// Down, without an exception where it is not exact.
    pub const FLOOR: Op = op(3, 1, false, 0x08, 64).with(9);
    /// dst · rm ± src, src · dst ± rm, src · rm ± dst; each as +(a·b)+c, +(a·b)−c, −(a·b)+c, −(a·b)−c.
    pub const MULTIPLY_ADD: [[Op; 4]; 3] = [fused(0x98), fused(0xa8), fused(0xb8)];
    /// src · 2^rm, the integer part of rm.
    pub const SCALE: Op = second(0x2c, 64);
    pub const AND: Op = int(0xdb);
    pub const OR: Op = int(0xeb);
    pub const XOR: Op = int(0xef);
    pub const PLUS: Op = int(0xfe);
    pub const MINUS: Op = int(0xfa);
    pub const TIMES: Op = second(0x40, 64);
    pub const MIN_UINT: Op = second(0x3b, 64);
    pub const SHL: Op = shift(6);
    pub const SHR: Op = shift(2);
    pub const SAR: Op = shift(4);
    pub const COMPARE: Op = single(0xc2);
    pub const COMPARE_F64: Op = double(0xc2);
    pub const COMPARE_INT: Op = op(3, 1, false, 0x1f, 64);
    pub const COMPARE_UINT: Op = op(3, 1, false, 0x1e, 64);
    /// rm where the mask holds, else src.
    pub const BLEND: Op = second(0x65, 64);
    pub const LOAD: Op = single(0x10);
    pub const STORE: Op = single(0x11);
    pub const STREAM: Op = single(0x2b);
    pub const BROADCAST: Op = second(0x18, 4);
    /// rm at the lanes that src says.
    pub const PERMUTE: Op = second(0x16, 64);
    /// Eight f32 to f64.
    pub const WIDEN: Op = op(1, 0, false, 0x5a, 32);
    pub const LOAD_F64: Op = double(0x10);
    pub const STORE_F64: Op = double(0x11);
    pub const ADD_F64: Op = double(0x58);
    pub const MUL_F64: Op = double(0x59);
    pub const MIN_F64: Op = double(0x5d);
    pub const MAX_F64: Op = double(0x5f);
    /// src with the lower half of rm as its upper half.
    pub const INSERT_HALF: Op = op(3, 1, true, 0x1a, 32).with(1);
    pub(super) const EXTRACT_HALF: Op = op(3, 1, true, 0x1b, 32).with(1);
    /// Eight integers of 64 bits to 32, the nearest where one does not fit.
    pub(super) const NARROW_INTS: Op = op(2, 2, false, 0x25, 32);
    pub const LOAD_U8: Op = second(0x31, 16);
    pub const LOAD_U16: Op = second(0x33, 32);
    pub const LOAD_I16: Op = second(0x23, 32);
    pub const LOAD_F16: Op = second(0x13, 32);
    pub(super) const GATHER: Op = second(0x92, 4);

    /// Instructions on masks.
    pub const MASK_AND: u8 = 0x41;
    pub const MASK_OR: u8 = 0x45;
}

/// Code that is being written.
#[derive(Default)]
pub(super) struct Assembler {
    code: Vec<u8>,
    /// Where each label stands.
    labels: Vec<Option<usize>>,
    /// Distances that are still to be filled in: where, and to which label.
    jumps: Vec<(usize, Label)>,
    consts: Vec<u32>,
    known: HashMap<u32, usize>,
    /// Distances to constants: where, from where they count, and which constant.
    uses: Vec<(usize, usize, usize)>,
}

impl Assembler {
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// dst = op(src, rm).
    pub fn vector(&mut self, op: Op, dst: Zmm, src: Option<Zmm>, rm: Rm, lanes: Lanes) {
        self.evex(op, dst.0, src.map_or(0, |r| r.0), rm, lanes);
    }

    /// dst = rm.
    pub fn load(&mut self, dst: Zmm, rm: Rm, lanes: Lanes) {
        self.vector(ops::LOAD, dst, None, rm, lanes);
    }

    /// The mask dst = which lanes of src and rm compare as the number says; none outside `lanes`.
    pub fn compare(&mut self, op: Op, dst: K, src: Zmm, rm: Rm, lanes: Lanes, how: u8) {
        // A mask is zero outside in either case; the instruction must not say so.
        let lanes = match lanes {
            Lanes::OrZero(k) => Lanes::Some(k),
            lanes => lanes,
        };
        self.evex(op.with(how), dst.0, src.0, rm, lanes);
    }

    /// Memory = the register.
    pub fn store(&mut self, op: Op, into: Mem, from: Zmm, lanes: Lanes) {
        assert!(!matches!(lanes, Lanes::OrZero(_)), "memory stays as it is");
        self.evex(op, from.0, 0, Rm::Mem(into), lanes);
    }

    /// dst = src shifted.
    pub fn shift(&mut self, op: Op, dst: Zmm, src: Zmm, by: u8) {
        self.evex(op.with(by), op.digit, dst.0, Rm::Reg(src), Lanes::All);
    }

    /// The upper half of a register.
    pub fn extract_half(&mut self, dst: Zmm, src: Zmm) {
        self.evex(ops::EXTRACT_HALF, src.0, 0, Rm::Reg(dst), Lanes::All);
    }

    pub fn narrow_ints(&mut self, dst: Zmm, src: Zmm) {
        self.evex(ops::NARROW_INTS, src.0, 0, Rm::Reg(dst), Lanes::All);
    }

    /// dst = 4 bytes at base + index · 4 + disp, in the lanes of the mask, which is lost.
    pub fn gather(&mut self, dst: Zmm, base: Gpr, index: Zmm, disp: i32, mask: K) {
        assert_ne!(dst, index, "the instruction has no meaning then");
        let (op, lanes) = (ops::GATHER, Lanes::Some(mask));
        self.prefix(
            op,
            [dst.0, index.0 & 16],
            [base.0 >> 3, index.0 >> 3],
            lanes,
            false,
        );
        self.code.push(op.code);
        let (mode, short) = displacement(base, disp, 4);
        self.code.push(mode << 6 | (dst.0 & 7) << 3 | 4);
        self.code.push(2 << 6 | (index.0 & 7) << 3 | base.0 & 7);
        self.displace(mode, short, disp);
    }

    fn evex(&mut self, op: Op, reg: u8, src: u8, rm: Rm, lanes: Lanes) {
        let (b, x, broadcast) = match rm {
            // A register has five bits, of which the field for an index holds the last.
            Rm::Reg(r) => (r.0 >> 3 & 1, r.0 >> 4, false),
            Rm::Mem(m) => (m.base.0 >> 3, m.index.map_or(0, |(r, _)| r.0 >> 3), false),
            Rm::All(m) => (m.base.0 >> 3, m.index.map_or(0, |(r, _)| r.0 >> 3), true),
            Rm::Const(_) => (0, 0, op.bytes != 4),
        };
        assert!(
            !matches!(rm, Rm::All(_) | Rm::Const(_)) || !op.wide,
            "numbers of 32 bits are meant"
        );
        self.prefix(op, [reg, src], [b, x], lanes, broadcast);
        self.code.push(op.code);
        let reg = (reg & 7) << 3;
        match rm {
            Rm::Reg(r) => self.code.push(0xc0 | reg | r.0 & 7),
            Rm::Mem(m) => self.address(reg, m, i32::from(op.bytes)),
            Rm::All(m) => self.address(reg, m, 4),
            Rm::Const(bits) => {
                self.code.push(reg | 5);
                let constant = self.constant(bits);
                let (at, behind) = (self.code.len(), 4 + usize::from(op.number.is_some()));
                self.uses.push((at, at + behind, constant));
                self.code.extend([0; 4]);
            }
        }
        self.code.extend(op.number);
    }

    /// The prefix. Of the index of a gather, the last bit stands where that of `src` does.
    fn prefix(
        &mut self,
        op: Op,
        [reg, src]: [u8; 2],
        [b, x]: [u8; 2],
        lanes: Lanes,
        broadcast: bool,
    ) {
        let flip = |bit: u8| !bit & 1;
        let first =
            flip(reg >> 3) << 7 | flip(x) << 6 | flip(b) << 5 | flip(reg >> 4) << 4 | op.map;
        let second = u8::from(op.wide) << 7 | (!src & 15) << 3 | 1 << 2 | op.prefix;
        const WHOLE_VECTORS: u8 = 2 << 5;
        let third = u8::from(matches!(lanes, Lanes::OrZero(_))) << 7
            | WHOLE_VECTORS
            | u8::from(broadcast) << 4
            | flip(src >> 4) << 3
            | lanes.mask();
        self.code.extend([0x62, first, second, third]);
    }

    /// The bytes that say an address; a displacement of one byte counts in units.
    fn address(&mut self, reg: u8, m: Mem, unit: i32) {
        let (mode, short) = displacement(m.base, m.disp, unit);
        let low = m.base.0 & 7;
        match m.index {
            Some((index, scale)) => {
                assert!(index != Gpr::RSP, "RSP is no index");
                self.code.push(mode << 6 | reg | 4);
                let scale = scale.trailing_zeros() as u8;
                self.code.push(scale << 6 | (index.0 & 7) << 3 | low);
            }
            None if low == 4 => self.code.extend([mode << 6 | reg | 4, 0x24]),
            None => self.code.push(mode << 6 | reg | low),
        }
        self.displace(mode, short, m.disp);
    }

    fn displace(&mut self, mode: u8, short: i8, disp: i32) {
        match mode {
            0 => {}
            1 => self.code.push(short as u8),
            _ => self.code.extend(disp.to_le_bytes()),
        }
    }

    fn constant(&mut self, bits: u32) -> usize {
        let next = self.consts.len();
        let at = *self.known.entry(bits).or_insert(next);
        if at == next {
            self.consts.push(bits);
        }
        at
    }

    /// An instruction on masks: a table of codes, a prefix, bit W, bit L, the code, the operands.
    fn vex(&mut self, [map, prefix, wide, long]: [u8; 4], code: u8, reg: u8, src: u8, b: u8) {
        let first = (!reg >> 3 & 1) << 7 | 1 << 6 | (!b >> 3 & 1) << 5 | map;
        let second = wide << 7 | (!src & 15) << 3 | long << 2 | prefix;
        self.code.extend([0xc4, first, second, code]);
    }

    /// dst = a op b.
    pub fn mask(&mut self, op: u8, dst: K, a: K, b: K) {
        self.vex([1, 0, 0, 1], op, dst.0, a.0, 0);
        self.code.push(0xc0 | dst.0 << 3 | b.0);
    }

    pub fn mask_not(&mut self, dst: K, a: K) {
        self.vex([1, 0, 0, 0], 0x44, dst.0, 0, 0);
        self.code.push(0xc0 | dst.0 << 3 | a.0);
    }

    pub fn mask_shift_right(&mut self, dst: K, a: K, by: u8) {
        self.vex([3, 1, 1, 0], 0x30, dst.0, 0, 0);
        self.code.extend([0xc0 | dst.0 << 3 | a.0, by]);
    }

    pub fn mask_from_gpr(&mut self, dst: K, src: Gpr) {
        self.vex([1, 0, 0, 0], 0x92, dst.0, 0, src.0);
        self.code.push(0xc0 | dst.0 << 3 | src.0 & 7);
    }

    /// Two bytes of memory without an index.
    pub fn load_mask(&mut self, dst: K, from: Mem) {
        assert!(from.index.is_none(), "masks are loaded without an index");
        self.vex([1, 0, 0, 0], 0x90, dst.0, 0, from.base.0);
        self.address(dst.0 << 3, from, 1);
    }

    pub fn store_mask(&mut self, into: Mem, src: K) {
        assert!(into.index.is_none(), "masks are stored without an index");
        self.vex([1, 0, 0, 0], 0x91, src.0, 0, into.base.0);
        self.address(src.0 << 3, into, 1);
    }

    /// The prefix of an instruction on general registers of 64 bits.
    fn rex(&mut self, reg: u8, index: u8, base: u8) {
        self.code
            .push(0x48 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3);
    }

    fn general(&mut self, code: u8, reg: Gpr, m: Mem) {
        self.rex(reg.0, m.index.map_or(0, |(r, _)| r.0), m.base.0);
        self.code.push(code);
        self.address((reg.0 & 7) << 3, m, 1);
    }

    fn between(&mut self, code: u8, reg: Gpr, rm: Gpr) {
        self.rex(reg.0, 0, rm.0);
        self.code.extend([code, 0xc0 | (reg.0 & 7) << 3 | rm.0 & 7]);
    }

    fn immediate(&mut self, code: u8, digit: u8, rm: Gpr, imm: i32) {
        self.rex(0, 0, rm.0);
        self.code.extend([code, 0xc0 | digit << 3 | rm.0 & 7]);
        self.code.extend(imm.to_le_bytes());
    }

    pub fn load_gpr(&mut self, dst: Gpr, from: Mem) {
        self.general(0x8b, dst, from);
    }

    pub fn store_gpr(&mut self, into: Mem, src: Gpr) {
        self.general(0x89, src, into);
    }

    pub fn lea(&mut self, dst: Gpr, address: Mem) {
        self.general(0x8d, dst, address);
    }

    pub fn mov(&mut self, dst: Gpr, src: Gpr) {
        self.between(0x89, src, dst);
    }

    pub fn add(&mut self, dst: Gpr, src: Gpr) {
        self.between(0x01, src, dst);
    }

    pub fn cmp(&mut self, a: Gpr, b: Gpr) {
        self.between(0x39, b, a);
    }

    pub fn add_imm(&mut self, dst: Gpr, imm: i32) {
        self.immediate(0x81, 0, dst, imm);
    }

    pub fn sub_imm(&mut self, dst: Gpr, imm: i32) {
        self.immediate(0x81, 5, dst, imm);
    }

    pub fn and_imm(&mut self, dst: Gpr, imm: i32) {
        self.immediate(0x81, 4, dst, imm);
    }

    pub fn test_imm(&mut self, a: Gpr, imm: i32) {
        self.immediate(0xf7, 0, a, imm);
    }

    pub fn load_imm(&mut self, dst: Gpr, imm: u64) {
        self.rex(0, 0, dst.0);
        self.code.push(0xb8 | dst.0 & 7);
        self.code.extend(imm.to_le_bytes());
    }

    pub fn push(&mut self, gpr: Gpr) {
        self.code.extend([0x40 | gpr.0 >> 3, 0x50 | gpr.0 & 7]);
    }

    pub fn pop(&mut self, gpr: Gpr) {
        self.code.extend([0x40 | gpr.0 >> 3, 0x58 | gpr.0 & 7]);
    }

    pub fn ret(&mut self) {
        self.code.push(0xc3);
    }

    /// Leaves the upper parts of registers as code without AVX expects them.
    pub fn zero_upper(&mut self) {
        self.code.extend([0xc5, 0xf8, 0x77]);
    }

    /// Asks for a line of memory, for the first cache or only as far as the second.
    pub fn prefetch(&mut self, m: Mem, second: bool) {
        let index = m.index.map_or(0, |(r, _)| r.0);
        self.code.push(0x40 | (index >> 3) << 1 | m.base.0 >> 3);
        self.code.extend([0x0f, 0x18]);
        let hint = if second { 2 } else { 1 };
        self.address(hint << 3, m, 1);
    }

    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label stands here.
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.code.len());
    }

    pub fn jump(&mut self, condition: Condition, to: Label) {
        match condition {
            Condition::Always => self.code.push(0xe9),
            Condition::Below => self.code.extend([0x0f, 0x82]),
            Condition::Equal => self.code.extend([0x0f, 0x84]),
            Condition::NotEqual => self.code.extend([0x0f, 0x85]),
        }
        self.jumps.push((self.code.len(), to));
        self.code.extend([0; 4]);
    }

    /// The code with its constants behind it; it runs wherever it lies.
    ///
    /// # Panics
    /// If a label that is jumped to stands nowhere.
    pub fn finish(mut self) -> Vec<u8> {
        let consts = self.code.len().next_multiple_of(64);
        let mut distances = Vec::new();
        for &(at, label) in &self.jumps {
            let to = self.labels[label.0].expect("every label stands somewhere");
            distances.push((at, at + 4, to));
        }
        for &(at, from, constant) in &self.uses {
            distances.push((at, from, consts + 4 * constant));
        }
        for (at, from, to) in distances {
            let distance = to as i64 - from as i64;
            self.code[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        // What is never run traps if it is.
        self.code.resize(consts, 0xcc);
        self.code
            .extend(self.consts.iter().flat_map(|c| c.to_le_bytes()));
        self.code
    }
}

/// How a displacement is said: not at all, in one byte that counts in units, or in four bytes.
fn displacement(base: Gpr, disp: i32, unit: i32) -> (u8, i8) {
    // Without a displacement, RBP and R13 would mean something else.
    if disp == 0 && base.0 & 7 != 5 {
        return (0, 0);
    }
    match i8::try_from(disp / unit) {
        Ok(short) if disp % unit == 0 => (1, short),
        _ => (2, 0),
    }
}
