//! The choice of instructions: one value after the other, each into a register.

use super::emit::{Frame, LANE, LANES, SumAt, join, stack};
use super::encode::{self, Assembler, K, Mem, Rm, Zmm, ops};
use super::graph::{Address, Effect, Id, Item, Node, Op, SAME};
use super::registers::{Bank, Room, Uses};
use super::trace::Stretch;
use crate::ir::ReduceOp;

/// Masks that values may have; 0 means no mask, the last is that of the last vector.
const MASKS: std::ops::Range<u8> = 1..7;

/// The steps for one vector.
pub(super) struct Body<'a> {
    pub(super) stretch: &'a Stretch,
    frame: &'a Frame,
    uses: Uses,
    /// Values that are part of the instruction of the one that uses them.
    inside: Vec<bool>,
    vectors: Bank,
    masks: Bank,
    /// Where a value lies on the stack.
    spilled: Vec<Option<usize>>,
    /// Places on the stack that are free, and how many there are in all.
    open: Vec<usize>,
    places: usize,
    /// Whether the vector has only the lanes of the mask.
    pub(super) some: bool,
}

impl<'a> Body<'a> {
    pub fn new(stretch: &'a Stretch, frame: &'a Frame) -> Body<'a> {
        let count = stretch.nodes.len();
        let mut body = Body {
            stretch,
            frame,
            uses: Uses::new(count),
            inside: vec![false; count],
            vectors: Bank::new(count, 32),
            masks: Bank::new(count, 8),
            spilled: vec![None; count],
            open: Vec::new(),
            places: 0,
            some: false,
        };
        body.find_inside();
        for (step, item) in stretch.items.iter().enumerate() {
            for id in body.operands(item) {
                body.uses.add(id, step);
            }
        }
        body
    }

    /// Vectors on the stack.
    pub fn vectors(&self) -> usize {
        self.frame.stack_sums() + self.places
    }

    fn node(&self, id: Id) -> Node {
        self.stretch.nodes[id.index()]
    }

    fn is_zero(&self, id: Id) -> bool {
        self.node(id) == Node::Const(0)
    }

    /// Finds values that the only instruction which uses them computes along the way.
    fn find_inside(&mut self) {
        let mut count = vec![0usize; self.stretch.nodes.len()];
        for item in &self.stretch.items {
            match item {
                Item::Value(id) => {
                    for operand in self.node(*id).operands() {
                        count[operand.index()] += 1;
                    }
                }
                Item::Effect(effect) => count[effect.value().index()] += 1,
            }
        }
        for item in &self.stretch.items {
            match item {
                // What is left out of a sum is a lane that a masked addition leaves alone.
                Item::Effect(Effect::Sum { sum, value })
                    if self.stretch.sums[*sum].op == ReduceOp::Sum && count[value.index()] == 1 =>
                {
                    if let Node::Op(Op::Select, [_, _, zero]) = self.node(*value)
                        && self.is_zero(zero)
                    {
                        self.inside[value.index()] = true;
                    } else if let Node::Op(Op::Mul, _) = self.node(*value) {
                        self.inside[value.index()] = true;
                    }
                }
                // An instruction can leave the lanes outside a mask as they were, or make them zero.
                Item::Value(id) => {
                    if let Node::Op(Op::Select, [_, value, other]) = self.node(*id)
                        && count[value.index()] == 1
                        && let Node::Op(op, _) = self.node(value)
                        && op.may_be_masked(self.is_zero(other))
                        && !self.inside[id.index()]
                    {
                        self.inside[value.index()] = true;
                    }
                }
                Item::Effect(_) => {}
            }
        }
        // A choice inside a sum comes after it in the loop above only if the sum came first.
        for item in &self.stretch.items {
            if let Item::Value(id) = item
                && self.inside[id.index()]
                && let Node::Op(Op::Select, [_, value, _]) = self.node(*id)
            {
                self.inside[value.index()] = false;
            }
        }
    }

    /// What a step reads, with what is inside it spelled out.
    fn operands(&self, item: &Item) -> Vec<Id> {
        let direct = match item {
            Item::Value(id) if self.inside[id.index()] => return Vec::new(),
            Item::Value(id) => self.node(*id).operands().to_vec(),
            Item::Effect(effect) => vec![effect.value()],
        };
        let spell = |id: Id| match self.inside[id.index()] {
            true => self.node(id).operands().to_vec(),
            false => vec![id],
        };
        direct.into_iter().flat_map(spell).collect()
    }

    /// Writes the steps once.
    pub fn write(&mut self, asm: &mut Assembler, some: bool) {
        self.some = some;
        self.uses.rewind();
        let count = self.stretch.nodes.len();
        self.vectors = Bank::new(count, 32);
        self.masks = Bank::new(count, 8);
        self.spilled = vec![None; count];
        self.open = (self.frame.stack_sums()..self.vectors()).rev().collect();
        for item in &self.stretch.items {
            match item {
                Item::Value(id) if self.inside[id.index()] => continue,
                Item::Value(id) => self.value(asm, *id),
                Item::Effect(effect) => self.effect(asm, effect),
            }
            self.vectors.unlock_all();
            self.masks.unlock_all();
        }
    }

    /// The operands of a step have been read: those that nothing else needs give up their places.
    fn pass(&mut self, operands: &[Id]) {
        for &id in operands {
            self.uses.pass(id);
            if self.uses.left(id) == 0 {
                self.vectors.drop(id);
                self.masks.drop(id);
                if let Some(place) = self.spilled[id.index()].take() {
                    self.open.push(place);
                }
            }
        }
    }

    /// Whether a value can be had again from where it came.
    fn renewable(&self, id: Id) -> bool {
        matches!(
            self.node(id),
            Node::Const(_) | Node::All { .. } | Node::Lanes { fixed: true, .. }
        )
    }

    fn spill_place(&mut self) -> usize {
        self.open.pop().unwrap_or_else(|| {
            self.places += 1;
            self.vectors() - 1
        })
    }

    /// A vector register to write to; what was there is saved.
    pub(super) fn room(&mut self, asm: &mut Assembler) -> Zmm {
        match self.vectors.room(self.frame.registers(), &self.uses) {
            Room::Free(r) => Zmm(r),
            Room::Taken(r, id) => {
                if !self.renewable(id) && self.spilled[id.index()].is_none() {
                    let place = self.spill_place();
                    self.spilled[id.index()] = Some(place);
                    asm.store(ops::STORE, stack(place), Zmm(r), None);
                }
                Zmm(r)
            }
        }
    }

    pub(super) fn mask_room(&mut self, asm: &mut Assembler) -> K {
        match self.masks.room(MASKS, &self.uses) {
            Room::Free(r) => K(r),
            Room::Taken(r, id) => {
                if self.spilled[id.index()].is_none() {
                    let place = self.spill_place();
                    self.spilled[id.index()] = Some(place);
                    asm.store_mask(stack(place), K(r));
                }
                K(r)
            }
        }
    }

    fn define(&mut self, id: Id, r: Zmm) {
        self.vectors.give(r.0, id);
    }

    /// The address of the lane at which the vector begins, for elements of so many bytes.
    pub(super) fn lanes(&self, asm: &mut Assembler, at: Address, size: u8) -> Mem {
        Mem {
            base: self.frame.pointer(asm, at.stream),
            index: Some((LANE, size)),
            disp: at.disp,
        }
    }

    pub(super) fn number(&self, asm: &mut Assembler, at: Address) -> Mem {
        Mem {
            base: self.frame.pointer(asm, at.stream),
            index: None,
            disp: at.disp,
        }
    }

    /// The lanes that a load of an array may read.
    pub(super) fn limit(&self) -> Option<K> {
        self.some.then_some(LANES)
    }

    /// Loads a value into a register that is written to.
    fn fetch(&mut self, asm: &mut Assembler, id: Id, into: Zmm) {
        if let Some(place) = self.spilled[id.index()] {
            asm.vector(
                ops::LOAD,
                into,
                None,
                Rm::Mem(stack(place)),
                None,
                false,
                None,
            );
            return;
        }
        match self.node(id) {
            Node::Const(0) => {
                asm.vector(ops::XOR, into, Some(into), Rm::Reg(into), None, false, None);
            }
            Node::Const(bits) => {
                asm.vector(
                    ops::BROADCAST,
                    into,
                    None,
                    Rm::Const(bits),
                    None,
                    false,
                    None,
                );
            }
            Node::All { at } => {
                let mem = self.number(asm, at);
                asm.vector(ops::BROADCAST, into, None, Rm::Mem(mem), None, false, None);
            }
            Node::Lanes { at, .. } => {
                let (mem, limit) = (self.lanes(asm, at, 4), self.limit());
                let zero = limit.is_some();
                asm.vector(ops::LOAD, into, None, Rm::Mem(mem), limit, zero, None);
            }
            node => unreachable!("{node:?} is in a register or on the stack"),
        }
    }

    /// A value in a register, which stays locked.
    pub(super) fn register(&mut self, asm: &mut Assembler, id: Id) -> Zmm {
        if let Some(r) = self.vectors.of(id) {
            self.vectors.lock(r);
            return Zmm(r);
        }
        let into = self.room(asm);
        self.fetch(asm, id, into);
        self.define(id, into);
        into
    }

    /// A mask in a register, which stays locked.
    fn mask(&mut self, asm: &mut Assembler, id: Id) -> K {
        if let Some(r) = self.masks.of(id) {
            self.masks.lock(r);
            return K(r);
        }
        let into = self.mask_room(asm);
        let place = self.spilled[id.index()].expect("a mask is in a register or on the stack");
        asm.load_mask(into, stack(place));
        self.masks.give(into.0, id);
        into
    }

    /// Whether a value is in no register, and an instruction can take it from memory.
    fn in_memory(&self, id: Id) -> bool {
        let node = self.node(id);
        self.vectors.of(id).is_none()
            && !node.is_mask()
            && (self.spilled[id.index()].is_some()
                || matches!(node, Node::Const(_) | Node::All { .. })
                || matches!(node, Node::Lanes { .. }) && !self.some && self.uses.left(id) == 1)
    }

    /// A value as the last operand of an instruction.
    fn operand(&mut self, asm: &mut Assembler, id: Id) -> Rm {
        if !self.in_memory(id) {
            return Rm::Reg(self.register(asm, id));
        }
        match (self.spilled[id.index()], self.node(id)) {
            (Some(place), _) => Rm::Mem(stack(place)),
            (_, Node::Const(bits)) => Rm::Const(bits),
            (_, Node::All { at }) => Rm::All(self.number(asm, at)),
            (_, Node::Lanes { at, .. }) => Rm::Mem(self.lanes(asm, at, 4)),
            (_, node) => unreachable!("{node:?} is not in memory"),
        }
    }

    fn value(&mut self, asm: &mut Assembler, id: Id) {
        let node = self.node(id);
        match node {
            Node::Const(_) | Node::All { .. } => {}
            Node::Lanes { at, fixed } => {
                self.ask(asm, at, 4);
                if !fixed {
                    self.register(asm, id);
                }
            }
            Node::Floats { at, dtype } => {
                self.ask(asm, at, dtype.size());
                let into = self.floats(asm, at, dtype);
                self.define(id, into);
            }
            Node::Ints { at, dtype } => {
                self.ask(asm, at, dtype.size());
                let into = self.ints(asm, at, dtype);
                self.define(id, into);
            }
            Node::Entry {
                index,
                at,
                classes,
                stride,
            } => {
                let into = self.entry(asm, index, at, classes, stride);
                self.pass(&[index]);
                self.define(id, into);
            }
            Node::Op(op, args) => self.op(asm, id, op, args),
        }
    }

    fn op(&mut self, asm: &mut Assembler, id: Id, op: Op, args: [Id; 3]) {
        let item = Item::Value(id);
        let operands = self.operands(&item);
        match op {
            Op::Compare(predicate) => self.compare(asm, id, (ops::COMPARE, predicate, false), args),
            Op::CompareInt(predicate) => {
                self.compare(asm, id, (ops::COMPARE_INT, predicate, true), args);
            }
            Op::MaskAnd | Op::MaskOr => {
                let (a, b) = (self.mask(asm, args[0]), self.mask(asm, args[1]));
                self.pass(&operands);
                let into = self.mask_room(asm);
                let op = if op == Op::MaskAnd {
                    ops::MASK_AND
                } else {
                    ops::MASK_OR
                };
                asm.mask(op, into, a, b);
                self.masks.give(into.0, id);
            }
            Op::MaskNot => {
                let a = self.mask(asm, args[0]);
                self.pass(&operands);
                let into = self.mask_room(asm);
                asm.mask_not(into, a);
                self.masks.give(into.0, id);
            }
            Op::Select => self.select(asm, id, args, &operands),
            _ => {
                let into = self.arithmetic(asm, op, args, Lanes::All, &operands);
                self.define(id, into);
            }
        }
    }

    fn compare(&mut self, asm: &mut Assembler, id: Id, how: (encode::Op, u8, bool), args: [Id; 3]) {
        let (op, mut predicate, ints) = how;
        let [mut a, mut b, _] = args;
        if self.in_memory(a) && !self.in_memory(b) {
            (a, b) = (b, a);
            predicate = mirrored(predicate, ints);
        }
        let src = self.register(asm, a);
        let rm = self.operand(asm, b);
        self.pass(&[a, b]);
        let into = self.mask_room(asm);
        asm.compare(op, into, src, rm, None, predicate);
        self.masks.give(into.0, id);
    }

    fn select(&mut self, asm: &mut Assembler, id: Id, [mask, b, c]: [Id; 3], operands: &[Id]) {
        let k = self.mask(asm, mask);
        if self.inside[b.index()] {
            let Node::Op(op, args) = self.node(b) else {
                unreachable!("only operations are inside others");
            };
            let lanes = match self.is_zero(c) {
                true => Lanes::OrZero(k),
                false => Lanes::Or(k, c),
            };
            let into = self.arithmetic(asm, op, args, lanes, operands);
            self.define(id, into);
            return;
        }
        if self.is_zero(c) {
            let rm = self.operand(asm, b);
            self.pass(operands);
            let into = self.room(asm);
            match rm {
                Rm::All(mem) => {
                    asm.vector(
                        ops::BROADCAST,
                        into,
                        None,
                        Rm::Mem(mem),
                        Some(k),
                        true,
                        None,
                    );
                }
                Rm::Const(_) => asm.vector(ops::BROADCAST, into, None, rm, Some(k), true, None),
                _ => asm.vector(ops::LOAD, into, None, rm, Some(k), true, None),
            }
            self.define(id, into);
            return;
        }
        let src = self.register(asm, c);
        let rm = self.operand(asm, b);
        self.pass(operands);
        let into = self.room(asm);
        asm.vector(ops::BLEND, into, Some(src), rm, Some(k), false, None);
        self.define(id, into);
    }

    /// Computes an operation, and passes the operands.
    fn arithmetic(
        &mut self,
        asm: &mut Assembler,
        op: Op,
        args: [Id; 3],
        lanes: Lanes,
        operands: &[Id],
    ) -> Zmm {
        let (mask, zero) = lanes.mask();
        let [mut a, mut b, _] = args;
        if let Op::MulAdd {
            minus_product,
            minus_addend,
        } = op
        {
            let variant = usize::from(minus_product) * 2 + usize::from(minus_addend);
            return self.multiply_add(asm, variant, args, lanes, operands);
        }
        let unary = match op {
            Op::Sqrt => Some((ops::SQRT, None)),
            // Down, and without an exception where it is not exact.
            Op::Floor => Some((ops::ROUND, Some(9))),
            Op::Float => Some((ops::FLOAT, None)),
            _ => None,
        };
        if let Some((op, imm)) = unary {
            let rm = self.operand(asm, a);
            self.pass(operands);
            let into = self.room(asm);
            asm.vector(op, into, None, rm, mask, zero, imm);
            return into;
        }
        let shift = match op {
            Op::Shl(by) => Some((ops::SHL, by)),
            Op::Shr(by) => Some((ops::SHR, by)),
            Op::Sar(by) => Some((ops::SAR, by)),
            _ => None,
        };
        if let Some((op, by)) = shift {
            let src = self.register(asm, a);
            self.pass(operands);
            let into = self.room(asm);
            asm.shift(op, into, src, by);
            return into;
        }
        let (op, symmetric) = match op {
            Op::Add => (ops::ADD, true),
            Op::Sub => (ops::SUB, false),
            Op::Mul => (ops::MUL, true),
            Op::Div => (ops::DIV, false),
            Op::Larger => (ops::MAX, false),
            Op::Smaller => (ops::MIN, false),
            Op::Scale => (ops::SCALE, false),
            Op::And => (ops::AND, true),
            Op::Or => (ops::OR, true),
            Op::Xor => (ops::XOR, true),
            Op::Plus => (ops::PLUS, true),
            Op::Minus => (ops::MINUS, false),
            _ => unreachable!("{op:?} has an instruction of its own"),
        };
        if symmetric && self.in_memory(a) && !self.in_memory(b) {
            (a, b) = (b, a);
        }
        let src = self.register(asm, a);
        let other = match lanes {
            Lanes::Or(_, c) => Some(self.overwritten(asm, c, operands)),
            _ => None,
        };
        let rm = self.operand(asm, b);
        self.pass(operands);
        let into = match other {
            Some(r) => r,
            None => self.room(asm),
        };
        asm.vector(op, into, Some(src), rm, mask, zero, None);
        into
    }

    /// A value in a register that this step may write to: its own, if nothing else needs it.
    fn overwritten(&mut self, asm: &mut Assembler, id: Id, operands: &[Id]) -> Zmm {
        let own = operands.iter().filter(|x| **x == id).count();
        match self.uses.left(id) == own {
            true => self.register(asm, id),
            false => self.copy(asm, id),
        }
    }

    /// A copy of a value in a register.
    fn copy(&mut self, asm: &mut Assembler, id: Id) -> Zmm {
        let from = self.vectors.of(id);
        if let Some(r) = from {
            self.vectors.lock(r);
        }
        let into = self.room(asm);
        match from {
            Some(r) => {
                let rm = Rm::Reg(Zmm(r));
                asm.vector(ops::LOAD, into, None, rm, None, false, None);
            }
            None => self.fetch(asm, id, into),
        }
        into
    }

    /// The instruction overwrites one of its operands: one that is needed no more, one that must be
    /// loaded anyway, or a copy.
    fn multiply_add(
        &mut self,
        asm: &mut Assembler,
        variant: usize,
        args: [Id; 3],
        lanes: Lanes,
        operands: &[Id],
    ) -> Zmm {
        let memory = args.map(|id| self.in_memory(id));
        let once = |id: Id| args.iter().filter(|x| **x == id).count() == 1;
        let ends = args.map(|id| {
            let own = operands.iter().filter(|x| **x == id).count();
            once(id) && self.uses.left(id) == own
        });
        let find = |want: &dyn Fn(usize) -> bool| [2, 0, 1].into_iter().find(|&n| want(n));
        let loaded = find(&|n| memory[n] && once(args[n]));
        let dying = find(&|n| !memory[n] && ends[n]);
        let over = match memory.iter().filter(|m| **m).count() {
            0 | 1 if dying.is_some() => dying,
            0 => None,
            _ => loaded,
        };
        // The others, the one in memory last.
        let n = over.unwrap_or(2);
        let mut rest: Vec<usize> = (0..3).filter(|&m| m != n).collect();
        if memory[rest[0]] {
            rest.swap(0, 1);
        }
        let held = match over {
            Some(n) if !memory[n] => Some(self.register(asm, args[n])),
            _ => None,
        };
        let src = self.register(asm, args[rest[0]]);
        let into = match held {
            Some(r) => r,
            None => self.copy(asm, args[n]),
        };
        let rm = self.operand(asm, args[rest[1]]);
        self.pass(operands);
        // Which operand is overwritten, and which comes last.
        let form = match (n, rest[1]) {
            (2, _) => 2,
            (_, 2) => 1,
            _ => 0,
        };
        let (mask, zero) = lanes.mask();
        let op = ops::MULTIPLY_ADD[form][variant];
        asm.vector(op, into, Some(src), rm, mask, zero, None);
        into
    }

    fn effect(&mut self, asm: &mut Assembler, effect: &Effect) {
        let operands = self.operands(&Item::Effect(*effect));
        match *effect {
            Effect::Keep { at, value } => {
                let from = self.register(asm, value);
                let mem = self.lanes(asm, at, 4);
                asm.store(ops::STORE, mem, from, None);
            }
            Effect::Store {
                at, past, value, ..
            } => {
                let from = self.register(asm, value);
                let mem = self.lanes(asm, at, 4);
                match (past, self.some) {
                    (_, true) => asm.store(ops::STORE, mem, from, Some(LANES)),
                    (false, _) => asm.store(ops::STORE, mem, from, None),
                    (true, _) => self.past(asm, mem, from),
                }
            }
            Effect::Sum { sum, value } => self.sum(asm, sum, value),
        }
        self.pass(&operands);
    }

    fn sum(&mut self, asm: &mut Assembler, n: usize, value: Id) {
        let op = self.stretch.sums[n].op;
        let (mut mask, mut added, mut factors) = (self.limit(), value, None);
        if self.inside[value.index()] {
            match self.node(value) {
                Node::Op(Op::Select, [holds, x, _]) => {
                    let holds = self.mask(asm, holds);
                    mask = Some(holds);
                    if self.some {
                        let both = self.mask_room(asm);
                        asm.mask(ops::MASK_AND, both, holds, LANES);
                        mask = Some(both);
                    }
                    added = x;
                }
                Node::Op(Op::Mul, [a, b, _]) => {
                    factors = Some(if self.in_memory(a) { (b, a) } else { (a, b) });
                }
                _ => unreachable!("only choices and products are inside sums"),
            }
        }
        let (src, rm) = match factors {
            Some((a, b)) => (Some(self.register(asm, a)), self.operand(asm, b)),
            None => (None, self.operand(asm, added)),
        };
        let (into, place) = match self.frame.sum(n) {
            SumAt::Register(r) => (r, None),
            SumAt::Stack(mem) => {
                let r = self.room(asm);
                asm.vector(ops::LOAD, r, None, Rm::Mem(mem), None, false, None);
                (r, Some(mem))
            }
        };
        match src {
            Some(_) => asm.vector(ops::MULTIPLY_ADD[2][0], into, src, rm, mask, false, None),
            None => {
                let spare = self.mask_room(asm);
                join(asm, op, into, rm, mask, spare, false);
            }
        }
        if let Some(mem) = place {
            asm.store(ops::STORE, mem, into, None);
        }
    }
}

/// Which lanes an operation computes.
#[derive(Clone, Copy)]
enum Lanes {
    All,
    /// Those of the mask; the others are zero.
    OrZero(K),
    /// Those of the mask; the others are those of a value.
    Or(K, Id),
}

impl Lanes {
    /// The mask, and whether the other lanes become zero.
    fn mask(self) -> (Option<K>, bool) {
        match self {
            Lanes::All => (None, false),
            Lanes::OrZero(k) => (Some(k), true),
            Lanes::Or(k, _) => (Some(k), false),
        }
    }
}

/// The comparison with its operands the other way round, as the instruction numbers it.
fn mirrored(predicate: u8, ints: bool) -> u8 {
    match (predicate & 3, ints) {
        (SAME, _) => predicate,
        // `<` and `<=` as `>` and `>=`, which integers have as the opposites of `<=` and `<`.
        (1, true) => (predicate ^ 4) + 1,
        (_, true) => (predicate ^ 4) - 1,
        (1, false) => {
            if predicate < 4 {
                14
            } else {
                10
            }
        }
        (_, false) => {
            if predicate < 4 {
                13
            } else {
                9
            }
        }
    }
}
