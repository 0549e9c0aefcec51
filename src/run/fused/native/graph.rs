//! What a stretch of a program computes, as a graph: each value once, however often the program
//! computes it.
//!
//! A value is a vector of 32-bit lanes, or a mask. Values are numbered in the order in which they
//! are computed, which is the order of the code.

use crate::ir::ReduceOp;
use crate::plan::DType;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// A value, by its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Id(u32);

impl Id {
    pub fn of(index: usize) -> Id {
        Id(index as u32)
    }

    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where something lies: bytes from a pointer that the code is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Address {
    pub stream: usize,
    pub disp: i32,
}

/// How one value is computed from others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
    Floor,
    /// a where a > b, else b: what the instruction does with NaN and zeros.
    Larger,
    /// a where a < b, else b.
    Smaller,
    /// ±(a · b) ± c, rounded once.
    MulAdd {
        minus_product: bool,
        minus_addend: bool,
    },
    /// a · 2ᵇ for an integer b.
    Scale,
    And,
    Or,
    Xor,
    /// Sum of integers, wrapping.
    Plus,
    Minus,
    /// Shifts of integers; `Sar` keeps the sign.
    Shl(u8),
    Shr(u8),
    Sar(u8),
    /// The integer as a float.
    Float,
    /// A mask: a comparison of floats, by the number that the instruction has for it.
    Compare(u8),
    /// A mask: a comparison of signed integers, likewise.
    CompareInt(u8),
    MaskAnd,
    MaskOr,
    MaskNot,
    /// b where the mask a holds, else c.
    Select,
}

/// Comparisons, as the instructions number them. The opposite of each differs by 4.
pub(super) const SAME: u8 = 0;
pub(super) const LESS: u8 = 1;
pub(super) const LESS_OR_SAME: u8 = 2;
/// Neither is NaN.
const ORDERED: u8 = 7;
const OPPOSITE: u8 = 4;
pub(super) const NOT_LESS: u8 = LESS | OPPOSITE;
pub(super) const NOT_LESS_OR_SAME: u8 = LESS_OR_SAME | OPPOSITE;

/// A value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Node {
    /// These bits in all lanes.
    Const(u32),
    /// A lane of memory for each lane: 4 bytes as they are.
    Lanes { at: Address, fixed: bool },
    /// Elements of memory as floats.
    Floats { at: Address, dtype: DType },
    /// Elements of memory as integers.
    Ints { at: Address, dtype: DType },
    /// 4 bytes of memory for all lanes.
    All { at: Address },
    /// The entry of a table at an index, NaN outside.
    Entry {
        index: Id,
        at: Address,
        classes: u32,
        stride: u32,
    },
    /// Computed.
    Op(Op, [Id; 3]),
}

impl Node {
    pub fn operands(&self) -> &[Id] {
        match self {
            Node::Op(op, args) => &args[..op.arity()],
            Node::Entry { index, .. } => std::slice::from_ref(index),
            _ => &[],
        }
    }

    pub fn is_mask(&self) -> bool {
        matches!(
            self,
            Node::Op(
                Op::Compare(_) | Op::CompareInt(_) | Op::MaskAnd | Op::MaskOr | Op::MaskNot,
                _
            )
        )
    }
}

impl Op {
    fn arity(self) -> usize {
        match self {
            Op::Sqrt | Op::Floor | Op::Float | Op::MaskNot => 1,
            Op::Shl(_) | Op::Shr(_) | Op::Sar(_) => 1,
            Op::MulAdd { .. } | Op::Select => 3,
            _ => 2,
        }
    }

    /// Whether there is an instruction that computes it in the lanes of a mask, and makes the others
    /// zero or leaves them as they are.
    pub fn may_be_masked(self, zero: bool) -> bool {
        match self {
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Larger | Op::Smaller => true,
            // It overwrites an operand.
            Op::MulAdd { .. } => zero,
            _ => false,
        }
    }

    /// Whether a and b may change places.
    fn symmetric(self) -> bool {
        matches!(
            self,
            Op::Add | Op::Mul | Op::MulAdd { .. } | Op::And | Op::Or | Op::Xor | Op::Plus
        ) || matches!(self, Op::Compare(p) if p & 3 == SAME)
            || matches!(self, Op::CompareInt(p) if p & 3 == SAME)
    }
}

/// What a stretch leaves behind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// 4 bytes per lane to scratch memory.
    Keep { at: Address, value: Id },
    /// Floats to an array; past the cache if so.
    Store { at: Address, past: bool, value: Id },
    /// Into the accumulator with this number.
    Sum { sum: usize, value: Id },
}

impl Effect {
    pub fn value(&self) -> Id {
        match self {
            Effect::Keep { value, .. }
            | Effect::Store { value, .. }
            | Effect::Sum { value, .. } => *value,
        }
    }
}

/// An accumulator: the eight f64 at an address, and how values go into them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sum {
    pub at: Address,
    pub op: ReduceOp,
}

/// One step of the code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Value(Id),
    Effect(Effect),
}

/// A pointer that the code is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Stream {
    /// A base of the tile, as in `exec.rs`.
    pub base: u32,
    /// Bytes from there.
    pub offset: usize,
    /// Bytes that it moves in a turn of the inner loop.
    pub step: usize,
}

/// A stretch while it is being written down.
#[derive(Default)]
pub(super) struct Graph {
    nodes: RefCell<Vec<Node>>,
    known: RefCell<HashMap<Node, Id>>,
    items: RefCell<Vec<Item>>,
    /// Extremes of several values: whether all of these are numbers, and the extreme if they are.
    extremes: RefCell<HashMap<Id, (Id, Id)>>,
    /// Whether something was asked for that code is not generated for.
    refused: Cell<bool>,
}

impl Graph {
    /// The values, and the steps in their order.
    ///
    /// Values that nothing needs are left out. Nothing, if the stretch cannot be said.
    pub fn finish(self) -> Option<(Vec<Node>, Vec<Item>)> {
        let (nodes, mut items) = (self.nodes.into_inner(), self.items.into_inner());
        let mut needed = vec![false; nodes.len()];
        for item in items.iter().rev() {
            match item {
                Item::Effect(effect) => needed[effect.value().index()] = true,
                Item::Value(id) if needed[id.index()] => {
                    for operand in nodes[id.index()].operands() {
                        needed[operand.index()] = true;
                    }
                }
                Item::Value(_) => {}
            }
        }
        items.retain(|item| match item {
            Item::Value(id) => needed[id.index()],
            Item::Effect(_) => true,
        });
        (!self.refused.get()).then_some((nodes, items))
    }

    /// No code can be generated.
    pub fn refuse(&self) {
        self.refused.set(true);
    }

    pub fn effect(&self, effect: Effect) {
        self.items.borrow_mut().push(Item::Effect(effect));
    }

    pub fn get(&self, id: Id) -> Node {
        self.nodes.borrow()[id.index()]
    }

    /// The value of a node, which may have been computed before.
    pub fn add(&self, node: Node) -> Id {
        if let Some(id) = self.known.borrow().get(&node) {
            return *id;
        }
        let mut nodes = self.nodes.borrow_mut();
        let id = Id(nodes.len() as u32);
        nodes.push(node);
        self.known.borrow_mut().insert(node, id);
        self.items.borrow_mut().push(Item::Value(id));
        id
    }

    /// What an array held is to be read again: a store may have changed it.
    pub fn forget_loads(&self, stream: impl Fn(usize) -> bool) {
        self.known.borrow_mut().retain(|node, _| match node {
            Node::Lanes { at, .. }
            | Node::Floats { at, .. }
            | Node::Ints { at, .. }
            | Node::All { at }
            | Node::Entry { at, .. } => !stream(at.stream),
            _ => true,
        });
    }

    pub fn constant(&self, bits: u32) -> Id {
        self.add(Node::Const(bits))
    }

    /// The constant that a value is.
    pub fn as_constant(&self, id: Id) -> Option<u32> {
        match self.get(id) {
            Node::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// The operand of a negation.
    fn negated(&self, id: Id) -> Option<Id> {
        match self.get(id) {
            Node::Op(Op::Xor, [a, b, _]) if self.as_constant(b) == Some(SIGN) => Some(a),
            _ => None,
        }
    }

    /// The value of an operation, simplified where the bits of the result stay the same.
    pub fn op(&self, op: Op, args: &[Id]) -> Id {
        let a = args[0];
        let b = args.get(1).copied().unwrap_or(a);
        let c = args.get(2).copied().unwrap_or(a);
        // Constants last, where an instruction takes them from memory.
        if op.symmetric() {
            let constant = |id| self.as_constant(id).is_some();
            if (constant(a), a) > (constant(b), b) {
                return self.plain(op, [b, a, c]);
            }
        }
        self.plain(op, [a, b, c])
    }

    fn plain(&self, op: Op, [a, b, c]: [Id; 3]) -> Id {
        match op {
            Op::Xor if self.as_constant(b) == Some(SIGN) => {
                if let Some(x) = self.negated(a) {
                    return x;
                }
            }
            Op::And if self.as_constant(b) == Some(!SIGN) => {
                if let Some(x) = self.negated(a) {
                    return self.op(Op::And, &[x, b]);
                }
            }
            Op::Add => {
                if let Some(x) = self.negated(b) {
                    return self.op(Op::Sub, &[a, x]);
                }
                if let Some(x) = self.negated(a) {
                    return self.op(Op::Sub, &[b, x]);
                }
            }
            Op::Sub => {
                if let Some(x) = self.negated(b) {
                    return self.op(Op::Add, &[a, x]);
                }
            }
            Op::MulAdd {
                minus_product,
                minus_addend,
            } => {
                for (at, x) in [self.negated(a), self.negated(b)].into_iter().enumerate() {
                    if let Some(x) = x {
                        let op = Op::MulAdd {
                            minus_product: !minus_product,
                            minus_addend,
                        };
                        return self.op(op, &if at == 0 { [x, b, c] } else { [a, x, c] });
                    }
                }
                if let Some(x) = self.negated(c) {
                    let op = Op::MulAdd {
                        minus_product,
                        minus_addend: !minus_addend,
                    };
                    return self.op(op, &[a, b, x]);
                }
            }
            Op::MaskNot => match self.get(a) {
                Node::Op(Op::Compare(p), [x, y, _]) => {
                    return self.op(Op::Compare(p ^ OPPOSITE), &[x, y]);
                }
                Node::Op(Op::CompareInt(p), [x, y, _]) => {
                    return self.op(Op::CompareInt(p ^ OPPOSITE), &[x, y]);
                }
                Node::Op(Op::MaskNot, [x, ..]) => return x,
                _ => {}
            },
            // The least and the largest number are no bound.
            Op::Larger if self.as_constant(a) == Some(f32::NEG_INFINITY.to_bits()) => return b,
            Op::Smaller if self.as_constant(a) == Some(f32::INFINITY.to_bits()) => return b,
            // A choice between two constants, compared with a constant, is the choice or its opposite.
            Op::Compare(SAME) => {
                let (chosen, with) = (self.get(a), self.as_constant(b));
                if let (Node::Op(Op::Select, [mask, x, y]), Some(with)) = (chosen, with) {
                    let (x, y) = (self.as_constant(x), self.as_constant(y));
                    if let (Some(x), Some(y)) = (x, y) {
                        let same = |x: u32| f32::from_bits(x) == f32::from_bits(with);
                        match (same(x), same(y)) {
                            (true, false) => return mask,
                            (false, true) => return self.op(Op::MaskNot, &[mask]),
                            _ => {}
                        }
                    }
                }
            }
            Op::Compare(p) if p == SAME | OPPOSITE => {
                let same = self.op(Op::Compare(SAME), &[a, b]);
                if !matches!(self.get(same), Node::Op(Op::Compare(_), _)) {
                    return self.op(Op::MaskNot, &[same]);
                }
            }
            // A sum takes another pipe than a product.
            Op::Mul if self.as_constant(b) == Some(2f32.to_bits()) => {
                return self.op(Op::Add, &[a, a]);
            }
            Op::Select => return self.select(a, b, c),
            _ => {}
        }
        // Unused operands are the first again, so that equal nodes are the same.
        self.add(Node::Op(op, [a, b, c]))
    }

    fn select(&self, mask: Id, b: Id, c: Id) -> Id {
        if b == c {
            return b;
        }
        if let Some(extreme) = self.extreme(mask, b, c) {
            return extreme;
        }
        // Within bounds: the lower one where it is above all that the upper one leaves.
        if let Node::Op(Op::Compare(LESS), [x, low, _]) = self.get(mask)
            && let Node::Op(Op::Smaller, [high, y, _]) = self.get(c)
            && (low, x) == (b, y)
            && let (Some(low), Some(high)) = (self.as_constant(low), self.as_constant(high))
            && f32::from_bits(low) <= f32::from_bits(high)
        {
            return self.op(Op::Larger, &[b, c]);
        }
        match self.get(mask) {
            Node::Op(Op::Compare(LESS), [x, y, _]) if (b, c) == (y, x) => {
                return self.op(Op::Larger, &[y, x]);
            }
            Node::Op(Op::Compare(LESS), [x, y, _]) if (b, c) == (x, y) => {
                return self.op(Op::Smaller, &[x, y]);
            }
            _ => {}
        }
        // Zeros come last: lanes that a mask leaves out can be made zero by any instruction.
        if self.as_constant(b) == Some(0) && self.as_constant(c) != Some(0) {
            let mask = self.op(Op::MaskNot, &[mask]);
            return self.add(Node::Op(Op::Select, [mask, c, b]));
        }
        self.add(Node::Op(Op::Select, [mask, b, c]))
    }

    /// The a and b of which a choice is the larger or the smaller, NaN if either is.
    fn extreme_of_two(&self, choice: [Id; 3]) -> Option<(Op, Id, Id)> {
        let [mask, chosen, a] = choice;
        match (self.get(mask), self.get(chosen)) {
            (Node::Op(Op::Compare(SAME), [y, z, _]), Node::Op(op, [w, b, _]))
                if matches!(op, Op::Larger | Op::Smaller) && [y, z, w] == [a; 3] =>
            {
                Some((op, a, b))
            }
            _ => None,
        }
    }

    /// The largest or least of three or more, NaN if one is: their extreme as the instruction has it, and whether none is
    /// NaN, which two of them tell in one comparison, and none waits for another.
    fn extreme(&self, mask: Id, b: Id, c: Id) -> Option<Id> {
        let (op, before, x) = self.extreme_of_two([mask, b, c])?;
        let known = self.extremes.borrow().get(&before).copied();
        let (numbers, of) = known.or_else(|| {
            let Node::Op(Op::Select, choice) = self.get(before) else {
                return None;
            };
            let (_, y, z) = self.extreme_of_two(choice)?;
            Some((self.op(Op::Compare(ORDERED), &[y, z]), choice[1]))
        })?;
        let numbers = self.numbers(numbers, x);
        let of = self.op(op, &[of, x]);
        let nan = self.constant(f32::NAN.to_bits());
        let extreme = self.add(Node::Op(Op::Select, [numbers, of, nan]));
        self.extremes.borrow_mut().insert(extreme, (numbers, of));
        Some(extreme)
    }

    /// Whether what a mask says holds and x is a number.
    fn numbers(&self, mask: Id, x: Id) -> Id {
        let alone = |id: Id| match self.get(id) {
            Node::Op(Op::Compare(SAME), [y, z, _]) if y == z => Some(y),
            _ => None,
        };
        if let Node::Op(Op::MaskAnd, [before, last, _]) = self.get(mask)
            && let Some(y) = alone(last)
        {
            let both = self.op(Op::Compare(ORDERED), &[y, x]);
            return self.op(Op::MaskAnd, &[before, both]);
        }
        let alone = self.op(Op::Compare(SAME), &[x, x]);
        self.op(Op::MaskAnd, &[mask, alone])
    }
}

/// The bit that is the sign of a float.
pub(super) const SIGN: u32 = 0x8000_0000;
