//! The choice of instructions: one value after the other, each into a register.

use super::emit::{Frame, LANE, PARTIAL, SumAt, compares, join, stack};
use super::encode::{self, Assembler, K, Lanes, Mem, Rm, Zmm, ops};
use super::graph::{
    Address, Effect, Id, Item, LESS, LESS_OR_SAME, NOT_LESS, NOT_LESS_OR_SAME, Node, Op,
};
use super::registers::{Bank, Room, Uses};
use super::trace::Stretch;
use crate::ir::ReduceOp;

/// Masks that values may have; 0 means no mask, the last is that of the last vector.
const MASKS: std::ops::Range<u8> = 1..7;

/// The part of the steps, one in so many, that come before lines are asked for.
const LOADING: usize = 5;

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
    /// Places that are free from the next step on: the one at hand may still read them.
    left: Vec<usize>,
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
            left: Vec::new(),
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
        // Sums first: what is inside something else has nothing inside.
        for item in &self.stretch.items {
            if let Item::Effect(Effect::Sum { sum, value }) = item
                && self.stretch.sums[*sum].op == ReduceOp::Sum
                && count[value.index()] == 1
            {
                // What is left out of a sum is a lane that a masked addition leaves alone.
                self.inside[value.index()] = match self.node(*value) {
                    Node::Op(Op::Select, [_, _, other]) => self.is_zero(other),
                    Node::Op(Op::Mul, _) => true,
                    _ => false,
                };
            }
        }
        for item in &self.stretch.items {
            // An instruction can leave the lanes outside a mask as they were, or make them zero.
            if let Item::Value(id) = item
                && !self.inside[id.index()]
                && let Node::Op(Op::Select, [_, value, other]) = self.node(*id)
                && count[value.index()] == 1
                && let Node::Op(op, _) = self.node(value)
                && op.may_be_masked(self.is_zero(other))
            {
                self.inside[value.index()] = true;
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
        // What is asked for is spread over the steps, but for the first ones, which wait for memory themselves.
        let steps = self.stretch.items.len();
        let first = steps / LOADING;
        let asks = if some { &[][..] } else { &self.stretch.asks };
        let mut asked = 0;
        let mut items = self.stretch.items.iter().peekable();
        while let Some(item) = items.next() {
            let done = steps - items.len();
            let due = asks.len() * done.saturating_sub(first) / (steps - first);
            for ask in &asks[asked..due] {
                self.ask(asm, ask);
            }
            asked = due;
            match item {
                Item::Value(id) if self.inside[id.index()] => continue,
                Item::Value(id) => self.value(asm, *id),
                Item::Effect(Effect::Keep { at, value }) => self.store(asm, *at, false, *value),
                Item::Effect(Effect::Store { at, past, value }) => {
                    self.store(asm, *at, *past, *value);
                }
                Item::Effect(Effect::Sum { sum, value }) => {
                    // Those that follow for the same accumulator find it in a register.
                    let next = |item: &&Item| match item {
                        Item::Effect(Effect::Sum { sum: n, value }) if n == sum => Some(*value),
                        _ => None,
                    };
                    let mut values = vec![*value];
                    while let Some(value) = items.peek().and_then(next) {
                        values.push(value);
                        items.next();
                    }
                    self.sum(asm, *sum, &values);
                }
            }
            self.vectors.unlock_all();
            self.masks.unlock_all();
            self.open.append(&mut self.left);
        }
        // The last steps may have been several sums in one.
        for ask in &asks[asked..] {
            self.ask(asm, ask);
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
                    self.left.push(place);
                }
            }
        }
    }

    /// Whether a value can be had again from where it came.
    fn renewable(&self, id: Id) -> bool {
        match self.node(id) {
            Node::Const(_) | Node::All { .. } => true,
            // Where lines drive each other out of the caches, the stack is nearer.
            Node::Lanes { at, fixed } => {
                fixed && !(self.stretch.crowded && self.stretch.arrays[at.stream])
            }
            _ => false,
        }
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
                    asm.store(ops::STORE, stack(place), Zmm(r), Lanes::All);
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
    pub(super) fn limit(&self) -> Lanes {
        match self.some {
            true => Lanes::OrZero(PARTIAL),
            false => Lanes::All,
        }
    }

    /// Loads a value into a register that is written to.
    fn fetch(&mut self, asm: &mut Assembler, id: Id, into: Zmm) {
        let all = Lanes::All;
        if let Some(place) = self.spilled[id.index()] {
            return asm.load(into, Rm::Mem(stack(place)), all);
        }
        match self.node(id) {
            Node::Const(0) => asm.vector(ops::XOR, into, Some(into), Rm::Reg(into), all),
            Node::Const(bits) => asm.vector(ops::BROADCAST, into, None, Rm::Const(bits), all),
            Node::All { at } => {
                let mem = self.number(asm, at);
                asm.vector(ops::BROADCAST, into, None, Rm::Mem(mem), all);
            }
            Node::Lanes { at, .. } => {
                let mem = self.lanes(asm, at, 4);
                asm.load(into, Rm::Mem(mem), self.limit());
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
            Node::Lanes { fixed, .. } => {
                if !fixed {
                    self.register(asm, id);
                }
            }
            Node::Floats { at, dtype } => {
                let into = self.floats(asm, at, dtype);
                self.define(id, into);
            }
            Node::Ints { at, dtype } => {
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
                let into = self.arithmetic(asm, op, args, (Lanes::All, None), &operands);
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
        asm.compare(op, into, src, rm, Lanes::All, predicate);
        self.masks.give(into.0, id);
    }

    fn select(&mut self, asm: &mut Assembler, id: Id, [mask, b, c]: [Id; 3], operands: &[Id]) {
        let k = self.mask(asm, mask);
        let (lanes, other) = match self.is_zero(c) {
            true => (Lanes::OrZero(k), None),
            false => (Lanes::Some(k), Some(c)),
        };
        if self.inside[b.index()] {
            let Node::Op(op, args) = self.node(b) else {
                unreachable!("only operations are inside others");
            };
            let into = self.arithmetic(asm, op, args, (lanes, other), operands);
            return self.define(id, into);
        }
        let src = other.map(|c| self.register(asm, c));
        let rm = self.operand(asm, b);
        self.pass(operands);
        let into = self.room(asm);
        match (src, rm) {
            (Some(_), _) => asm.vector(ops::BLEND, into, src, rm, lanes),
            (None, Rm::All(mem)) => asm.vector(ops::BROADCAST, into, None, Rm::Mem(mem), lanes),
            (None, Rm::Const(_)) => asm.vector(ops::BROADCAST, into, None, rm, lanes),
            (None, _) => asm.load(into, rm, lanes),
        }
        self.define(id, into);
    }

    /// Computes an operation in some lanes; the others are those of the other value, if there is one. Passes
    /// the operands.
    fn arithmetic(
        &mut self,
        asm: &mut Assembler,
        op: Op,
        args: [Id; 3],
        (lanes, other): (Lanes, Option<Id>),
        operands: &[Id],
    ) -> Zmm {
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
            Op::Sqrt => Some(ops::SQRT),
            Op::Floor => Some(ops::FLOOR),
            Op::Float => Some(ops::FLOAT),
            _ => None,
        };
        if let Some(op) = unary {
            let rm = self.operand(asm, a);
            self.pass(operands);
            let into = self.room(asm);
            asm.vector(op, into, None, rm, lanes);
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
        let other = other.map(|c| self.overwritten(asm, c, operands));
        let rm = self.operand(asm, b);
        self.pass(operands);
        let into = other.unwrap_or_else(|| self.room(asm));
        asm.vector(op, into, Some(src), rm, lanes);
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
            Some(r) => asm.load(into, Rm::Reg(Zmm(r)), Lanes::All),
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
        let dying = find(&|n| !memory[n] && ends[n]);
        let in_memory = memory.iter().filter(|m| **m).count();
        let copied = || find(&|n| !memory[n] && once(args[n]));
        // Copies cost nothing, loads of a number do: a factor that is loaded may serve others too, and what is
        // added is read along the way.
        let n = match in_memory {
            0 => dying,
            1 | 2 => dying.or_else(copied),
            _ => find(&|n| memory[n] && once(args[n])),
        };
        let n = n.unwrap_or(2);
        // The others, the one in memory last.
        let mut rest: Vec<usize> = (0..3).filter(|&m| m != n).collect();
        if memory[rest[0]] && !memory[rest[1]] {
            rest.swap(0, 1);
        }
        let held = match dying {
            Some(d) if d == n => Some(self.register(asm, args[n])),
            _ => None,
        };
        let src = self.register(asm, args[rest[0]]);
        let into = held.unwrap_or_else(|| self.copy(asm, args[n]));
        let rm = self.operand(asm, args[rest[1]]);
        self.pass(operands);
        // Which operand is overwritten, and which comes last.
        let form = match (n, rest[1]) {
            (2, _) => 2,
            (_, 2) => 1,
            _ => 0,
        };
        asm.vector(ops::MULTIPLY_ADD[form][variant], into, Some(src), rm, lanes);
        into
    }

    /// Stores a value; past the cache if so.
    fn store(&mut self, asm: &mut Assembler, at: Address, past: bool, value: Id) {
        let from = self.register(asm, value);
        let mem = self.lanes(asm, at, 4);
        match (past, self.some) {
            // Lanes before the first whole line leave no room for a vector behind the last.
            (_, true) => asm.store(ops::STORE, mem, from, Lanes::Some(PARTIAL)),
            (false, _) => asm.store(ops::STORE, mem, from, Lanes::All),
            (true, _) => self.past(asm, mem, from),
        }
        self.pass(&[value]);
    }

    /// Adds values to an accumulator.
    fn sum(&mut self, asm: &mut Assembler, n: usize, values: &[Id]) {
        let (into, place) = match self.frame.sum(n) {
            SumAt::Register(r) => (r, None),
            SumAt::Stack(mem) => {
                let r = self.room(asm);
                asm.load(r, Rm::Mem(mem), Lanes::All);
                (r, Some(mem))
            }
        };
        for &value in values {
            self.add_to(asm, into, self.stretch.sums[n].op, value);
            let operands = self.operands(&Item::Effect(Effect::Sum { sum: n, value }));
            self.pass(&operands);
            self.vectors.unlock_all();
            self.masks.unlock_all();
            if place.is_some() {
                self.vectors.lock(into.0);
            }
        }
        if let Some(mem) = place {
            asm.store(ops::STORE, mem, into, Lanes::All);
        }
    }

    fn add_to(&mut self, asm: &mut Assembler, into: Zmm, op: ReduceOp, value: Id) {
        let mut lanes = match self.some {
            true => Lanes::Some(PARTIAL),
            false => Lanes::All,
        };
        let (mut added, mut factor) = (value, None);
        if self.inside[value.index()] {
            match self.node(value) {
                Node::Op(Op::Select, [holds, x, _]) => {
                    let mut holds = self.mask(asm, holds);
                    if self.some {
                        let both = self.mask_room(asm);
                        asm.mask(ops::MASK_AND, both, holds, PARTIAL);
                        holds = both;
                    }
                    (lanes, added) = (Lanes::Some(holds), x);
                }
                Node::Op(Op::Mul, [a, b, _]) => {
                    let (a, b) = if self.in_memory(a) { (b, a) } else { (a, b) };
                    (added, factor) = (b, Some(self.register(asm, a)));
                }
                _ => unreachable!("only choices and products are inside sums"),
            }
        }
        let rm = self.operand(asm, added);
        match factor {
            Some(_) => asm.vector(ops::MULTIPLY_ADD[2][0], into, factor, rm, lanes),
            None => {
                let spare = match compares(op) {
                    true => self.mask_room(asm),
                    false => K(0),
                };
                join(asm, op, (into, rm), lanes, spare, false);
            }
        }
    }
}

/// The comparison with its operands the other way round, as the instruction numbers it.
fn mirrored(predicate: u8, ints: bool) -> u8 {
    // Integers have > and ≥ as the opposites of ≤ and <; floats have numbers for them.
    match (predicate, ints) {
        (LESS, true) => NOT_LESS_OR_SAME,
        (LESS_OR_SAME, true) => NOT_LESS,
        (NOT_LESS, true) => LESS_OR_SAME,
        (NOT_LESS_OR_SAME, true) => LESS,
        (LESS, false) => 14,
        (LESS_OR_SAME, false) => 13,
        (NOT_LESS, false) => 10,
        (NOT_LESS_OR_SAME, false) => 9,
        (symmetric, _) => symmetric,
    }
}
