//! Loads and stores: elements of all types, tables, and what goes past the cache.

use super::emit::{BYTES, PARTIAL, SPARE, VECTOR};
use super::encode::{Assembler, Condition, Lanes, Mem, Rm, Zmm, ops};
use super::graph::{Address, Id};
use super::select::Body;
use super::trace::Ask;
use crate::plan::DType;

impl Body<'_> {
    /// Asks for a vector of elements that comes later.
    pub(super) fn ask(&self, asm: &mut Assembler, ask: &Ask) {
        for line in (0..VECTOR * ask.size).step_by(BYTES) {
            let mut mem = self.lanes(asm, ask.at, ask.size as u8);
            mem.disp = mem.disp.wrapping_add(line as i32);
            asm.prefetch(mem, self.stretch.crowded);
        }
    }

    /// Stores past the cache, which takes whole lines.
    pub(super) fn past(&self, asm: &mut Assembler, mem: Mem, from: Zmm) {
        let [apart, done] = std::array::from_fn(|_| asm.label());
        asm.lea(SPARE, mem);
        asm.test_imm(SPARE, BYTES as i32 - 1);
        asm.jump(Condition::NotEqual, apart);
        let mem = Mem {
            base: SPARE,
            index: None,
            disp: 0,
        };
        asm.store(ops::STREAM, mem, from, Lanes::All);
        asm.jump(Condition::Always, done);
        asm.bind(apart);
        asm.store(ops::STORE, mem, from, Lanes::All);
        asm.bind(done);
    }

    /// Elements of memory as integers of 32 bits.
    pub(super) fn ints(&mut self, asm: &mut Assembler, at: Address, dtype: DType) -> Zmm {
        let (into, limit) = (self.room(asm), self.limit());
        let mem = self.lanes(asm, at, dtype.size() as u8);
        match dtype {
            DType::U8 => asm.vector(ops::LOAD_U8, into, None, Rm::Mem(mem), limit),
            DType::I16 => asm.vector(ops::LOAD_I16, into, None, Rm::Mem(mem), limit),
            DType::U32 => {
                asm.load(into, Rm::Mem(mem), limit);
                let most = Rm::Const(i32::MAX as u32);
                asm.vector(ops::MIN_UINT, into, Some(into), most, Lanes::All);
            }
            _ => {
                // Eight at a time, those that 32 bits cannot hold becoming the nearest that they can.
                let high = self.room(asm);
                let next = Mem {
                    disp: mem.disp + BYTES as i32,
                    ..mem
                };
                let upper = match self.some {
                    true => {
                        let upper = self.mask_room(asm);
                        asm.mask_shift_right(upper, PARTIAL, 8);
                        Lanes::OrZero(upper)
                    }
                    false => Lanes::All,
                };
                asm.vector(ops::LOAD_F64, into, None, Rm::Mem(mem), limit);
                asm.vector(ops::LOAD_F64, high, None, Rm::Mem(next), upper);
                asm.narrow_ints(into, into);
                asm.narrow_ints(high, high);
                let rm = Rm::Reg(high);
                asm.vector(ops::INSERT_HALF, into, Some(into), rm, Lanes::All);
            }
        }
        into
    }

    /// Elements of memory as floats.
    pub(super) fn floats(&mut self, asm: &mut Assembler, at: Address, dtype: DType) -> Zmm {
        if matches!(dtype, DType::U8 | DType::I16) {
            let into = self.ints(asm, at, dtype);
            asm.vector(ops::FLOAT, into, None, Rm::Reg(into), Lanes::All);
            return into;
        }
        let (into, limit) = (self.room(asm), self.limit());
        let mem = Rm::Mem(self.lanes(asm, at, dtype.size() as u8));
        match dtype {
            DType::F16 => asm.vector(ops::LOAD_F16, into, None, mem, limit),
            DType::BF16 => {
                asm.vector(ops::LOAD_U16, into, None, mem, limit);
                asm.shift(ops::SHL, into, into, 16);
            }
            _ => asm.vector(ops::FLOAT, into, None, mem, limit),
        }
        into
    }

    /// The entries of a table, `stride` apart.
    pub(super) fn entry(
        &mut self,
        asm: &mut Assembler,
        index: Id,
        at: Address,
        classes: u32,
        stride: u32,
    ) -> Zmm {
        const NAN: Rm = Rm::Const(f32::NAN.to_bits());
        // As unsigned numbers, those below 0 are above all others.
        const BELOW: u8 = 1;
        let index = self.register(asm, index);
        let there = self.mask_room(asm);
        let (limit, into, spare) = (self.limit(), self.room(asm), self.room(asm));
        let count = Rm::Const(classes);
        asm.compare(ops::COMPARE_UINT, there, index, count, limit, BELOW);
        asm.vector(ops::BROADCAST, into, None, NAN, Lanes::All);
        if classes as usize <= VECTOR && stride == 1 {
            let entries = self.mask_room(asm);
            asm.load_imm(SPARE, (1 << classes) - 1);
            asm.mask_from_gpr(entries, SPARE);
            let mem = Rm::Mem(self.number(asm, at));
            asm.load(spare, mem, Lanes::OrZero(entries));
            let (rm, there) = (Rm::Reg(spare), Lanes::Some(there));
            asm.vector(ops::PERMUTE, into, Some(index), rm, there);
        } else {
            let apart = Rm::Const(stride);
            asm.vector(ops::TIMES, spare, Some(index), apart, Lanes::All);
            let mem = self.number(asm, at);
            asm.gather(into, mem.base, spare, mem.disp, there);
        }
        into
    }
}
