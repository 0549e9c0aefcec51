//! Nodes → instructions, the common pairs as one.

use super::dag::{Id, Op};
use super::layout::DType;
use super::program::{Across, Place, TileOp};
use super::registers::{Kind, Val};
use super::tile::{Lower, identity};
use crate::ir::{MapOp, ReduceOp};

/// Outputs from this size on are written past the cache: they would evict what is still needed,
/// and reading the lines before overwriting them costs as much as writing them.
const STREAM_BYTES: usize = 4 << 20;

/// The same for what a later pass reads again: smaller ones are still in the last cache then. 8 MB gained by lying there,
/// 28 MB by not.
const STREAM_AGAIN: usize = 16 << 20;

/// No operand.
const NONE: Val = Val::None;

impl Lower<'_> {
    /// Whether a node is computed by the instruction of its only user.
    pub fn fuses(&self, id: Id) -> bool {
        self.uses[id] == 1
            && self
                .closure
                .iter()
                .any(|&user| self.fused_arg(user) == Some(id))
    }

    /// The operand that `id` computes along with itself.
    fn fused_arg(&self, id: Id) -> Option<Id> {
        let node = self.stores.dag.node(id);
        let sink = self.trip.across.contains(&id);
        let alone = |a: Id, op: MapOp| {
            self.op(a) == &Op::Map(op)
                && self.uses[a] == 1
                && self.internal(a)
                && !self.kept(a)
                && (sink || self.elementwise(a) == self.elementwise(id))
        };
        let internal = self.internal(id);
        match node.op {
            Op::Map(MapOp::Exp) if internal => Some(node.args[0]).filter(|&a| alone(a, MapOp::Sub)),
            // The product is not rounded on the way to the sum, which changes its last bit.
            Op::Map(MapOp::Add | MapOp::Sub) if internal && !self.compared[id] => node
                .args
                .iter()
                .copied()
                .rev()
                .find(|&a| alone(a, MapOp::Mul) && self.label_of(a).is_none()),
            Op::Reduce(ReduceOp::Sum, _) if sink => {
                Some(node.args[0]).filter(|&a| alone(a, MapOp::Mul))
            }
            _ => None,
        }
    }

    /// For a product with `label = class`: the two integers, and the other factor.
    fn label_of(&self, id: Id) -> Option<(Id, Id, Id)> {
        let node = self.stores.dag.node(id);
        let equality = |a: Id| {
            let eq = self.stores.dag.node(a);
            (self.internal(a) && eq.op == Op::Map(MapOp::Eq) && self.is_int(eq.args[0]))
                .then(|| (eq.args[0], eq.args[1]))
        };
        if node.op != Op::Map(MapOp::Mul) {
            return None;
        }
        let (a, b) = (node.args[0], node.args[1]);
        equality(a)
            .map(|(l, c)| (l, c, b))
            .or_else(|| equality(b).map(|(l, c)| (l, c, a)))
    }

    /// The operands of such a product, the one with lanes first; none if both or neither have.
    fn where_equal(&mut self, id: Id) -> Option<[Val; 3]> {
        let (a, b, x) = self.label_of(id)?;
        let [a, b] = self.lanes_first(a, b)?;
        Some([a, b, self.value(x)])
    }

    /// The operands of `label = class`, the one with lanes first.
    fn equality(&mut self, id: Id) -> Option<[Val; 2]> {
        let eq = self.stores.dag.node(id);
        let (a, b) = match eq.op {
            Op::Map(MapOp::Eq) if self.internal(id) && self.is_int(eq.args[0]) => {
                (eq.args[0], eq.args[1])
            }
            _ => return None,
        };
        self.lanes_first(a, b)
    }

    fn lanes_first(&mut self, a: Id, b: Id) -> Option<[Val; 2]> {
        let (a, b) = (self.value(a), self.value(b));
        let (a, b) = if self.scalar(a) { (b, a) } else { (a, b) };
        (!self.scalar(a) && self.scalar(b)).then_some([a, b])
    }

    /// Sums x, and x where a label stands, by one instruction, if the other sum is what was done last:
    /// `slot` is that of the sum to add, and `labels` says where if it is the one of labels.
    fn join_sums(&mut self, x: Val, slot: Val, labels: Option<[Val; 3]>, guard: u32) -> bool {
        let (op, at) = match labels {
            Some(_) => (TileOp::Across(ReduceOp::Sum), 0),
            None => (TileOp::AcrossWhereEq, 2),
        };
        let scalar = labels.map(|args| args.map(|a| self.scalar(a)));
        let Some(last) = self.last() else {
            return false;
        };
        let (Val::Slot(first, each), Val::Slot(second, also)) = (last.dst, slot) else {
            return false;
        };
        let joins = last.op == op && last.args[at] == x && !last.scalar[at];
        if !joins || each != also || last.guard != guard {
            return false;
        }
        last.op = TileOp::AcrossBoth;
        // The result is the sum of labels, and the other lies `aux` behind.
        last.aux = second.wrapping_sub(first);
        if let (Some(args), Some(scalar)) = (labels, scalar) {
            last.dst = slot;
            last.aux = first.wrapping_sub(second);
            last.args[..3].copy_from_slice(&args);
            last.scalar[..3].copy_from_slice(&scalar);
        }
        true
    }

    /// Computes a node of the current segment into a register of this kind.
    pub fn compute(&mut self, id: Id, kind: Option<Kind>) -> Val {
        let node = self.stores.dag.node(id).clone();
        let (op, args, aux) = match node.op {
            Op::Spread => return self.value(node.args[0]),
            Op::Map(op) => {
                let (op, args) = self.map(id, op, &node.args);
                (op, args, 0)
            }
            Op::Pick(dim) => self.look_up(id, dim),
            ref op => unreachable!("{op:?} is not computed in tiles"),
        };
        let (op, args) = self.shaped(op, args);
        let dst = match kind {
            Some(kind) => self.register(kind),
            None if self.elementwise(id) => self.register(Kind::Tile),
            None => self.plain_register(),
        };
        self.push(op, dst, args, aux);
        dst
    }

    fn map(&mut self, id: Id, op: MapOp, args: &[Id]) -> (TileOp, [Val; 3]) {
        let int = self.is_int(args[0]);
        match op {
            MapOp::Float => return (TileOp::Float, [self.value(args[0]), NONE, NONE]),
            MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge if int => {
                return (
                    TileOp::Compare(op),
                    [self.value(args[0]), self.value(args[1]), NONE],
                );
            }
            MapOp::Mul => {
                if let Some(args) = self.where_equal(id) {
                    return (TileOp::WhereEq, args);
                }
            }
            _ => {}
        }
        if let Some(inner) = self.fused_arg(id) {
            let (x, y) = (self.arg(inner, 0), self.arg(inner, 1));
            let (x, y) = (self.value(x), self.value(y));
            return match op {
                MapOp::Exp => (TileOp::SubExp, [x, y, NONE]),
                MapOp::Add => {
                    let other = if args[1] == inner { args[0] } else { args[1] };
                    (TileOp::MulAdd, [x, y, self.value(other)])
                }
                _ if args[1] == inner => (TileOp::NegMulAdd, [x, y, self.value(args[0])]),
                _ => (TileOp::MulSub, [x, y, self.value(args[1])]),
            };
        }
        let mut vals = [NONE; 3];
        for (val, &arg) in vals.iter_mut().zip(args) {
            *val = self.value(arg);
        }
        (TileOp::Map(op), vals)
    }

    /// Makes numbers of all lanes where there is no kernel that takes one number.
    fn shaped(&mut self, op: TileOp, mut args: [Val; 3]) -> (TileOp, [Val; 3]) {
        let is = args.map(|a| self.scalar(a));
        let fill = match op {
            TileOp::MulAdd | TileOp::MulSub | TileOp::NegMulAdd => {
                if is[0] {
                    args.swap(0, 1);
                }
                [is[0] && is[1], false, false]
            }
            TileOp::WhereEq | TileOp::Lookup => [false; 3],
            TileOp::Map(MapOp::Select) => [is[0], false, false],
            TileOp::Map(MapOp::Clamp) => match is {
                [false, true, true] => [false; 3],
                _ => is,
            },
            _ if args[1] == NONE => [is[0], false, false],
            _ => [is[0] && is[1], false, false],
        };
        for i in 0..3 {
            if fill[i] {
                args[i] = self.filled(args[i]);
            }
        }
        (op, args)
    }

    /// A register with the same number in all lanes.
    fn filled(&mut self, val: Val) -> Val {
        let reg = self.register(Kind::Tile);
        self.push(TileOp::Fill, reg, [val, NONE, NONE], 0);
        reg
    }

    /// A pick that is a look-up in memory. `aux` holds the number of classes, and how far apart
    /// they lie in the upper half.
    fn look_up(&mut self, id: Id, dim: crate::ir::DimId) -> (TileOp, [Val; 3], usize) {
        let (x, label) = (self.arg(id, 0), self.arg(id, 1));
        let label = self.value(label);
        let (array, stride) = self
            .stores
            .table(x, dim, &self.space, self.trip.finds.contains(&x));
        let dtype = array.dtype;
        let table = Val::Array(self.add_array(array));
        let aux = self.stores.dag.sizes.get(dim) | stride << 32;
        if self.space.rows() && !self.elementwise(id) {
            let op = if self.is_int(x) {
                TileOp::FetchInt(dtype)
            } else {
                TileOp::Fetch(dtype)
            };
            (op, [table, label, NONE], aux)
        } else {
            (TileOp::Lookup, [label, table, NONE], aux)
        }
    }

    /// A reduction by the inner loop.
    pub fn fold(&mut self, id: Id) -> Val {
        let node = self.stores.dag.node(id).clone();
        match node.op {
            Op::Reduce(op, _) => {
                let start = identity(op);
                let op = plain(op);
                if self.space.rows() {
                    let x = self.value(node.args[0]);
                    let slot = Val::Slot(self.row_slot(start), false);
                    self.push(TileOp::Across(op), slot, [x, NONE, NONE], 0);
                    let total = self.plain_register();
                    self.push_after(TileOp::Total(op), total, [slot, NONE, NONE]);
                    return total;
                }
                let acc = self.accumulator(start, false);
                let x = self.value(node.args[0]);
                if let (ReduceOp::Sum, Some(last)) = (op, self.last_result(x))
                    && last.op == TileOp::SubExp
                {
                    last.op = TileOp::SubExpAcc;
                    last.args[2] = acc;
                    return acc;
                }
                if let (ReduceOp::Sum, Some(last)) = (op, self.last_result(x))
                    && last.op == TileOp::Map(MapOp::Mul)
                    && self.uses[node.args[0]] == 1
                    && !self.compared[id]
                {
                    let last = self.last_result(x).expect("just seen");
                    (last.op, last.dst) = (TileOp::AccMul, acc);
                    if last.scalar[0] {
                        // The kernel takes a number second.
                        last.args.swap(0, 1);
                        last.scalar.swap(0, 1);
                    }
                    return acc;
                }
                self.push(TileOp::Acc(op), acc, [x, NONE, NONE], 0);
                acc
            }
            Op::Pick(dim) => {
                let acc = self.accumulator(f64::NAN, false);
                let x = self.value(node.args[0]);
                let label = self.value(node.args[1]);
                let class = self.class(dim);
                self.push(TileOp::PickAcc, acc, [label, x, class], 0);
                acc
            }
            Op::ArgMax(dim) => {
                let best = self.accumulator(f64::NEG_INFINITY, false);
                let at = self.accumulator(0.0, true);
                let x = self.value(node.args[0]);
                let class = self.class(dim);
                self.push(TileOp::ArgMaxAcc, at, [x, best, class], 0);
                at
            }
            ref op => unreachable!("{op:?} does not reduce"),
        }
    }

    fn accumulator(&mut self, start: f64, int: bool) -> Val {
        let acc = self.plain_register();
        let start = self.constant(start, int);
        self.push_before(TileOp::Fill, acc, [start, NONE, NONE]);
        acc
    }

    /// The number of the class in this turn.
    fn class(&mut self, dim: crate::ir::DimId) -> Val {
        let array = self.stores.positions(dim, &self.space);
        Val::Array(self.add_array(array))
    }

    /// A reduction across tiles.
    pub fn across(&mut self, id: Id) {
        let x = self.arg(id, 0);
        let Op::Reduce(op, _) = *self.op(id) else {
            unreachable!("only reductions go across tiles")
        };
        let inner = self.space.inner().filter(|&d| self.dims(id).contains(d));
        let width = inner.map_or(1, |d| self.stores.dag.sizes.get(d));
        let into = self.stores.buffer_of(id);
        let strides = super::layout::dense(&self.stores.dag.sizes.shape(self.dims(id)));
        let stride = |d| self.dims(id).position(d).map_or(0, |i| strides[i]);
        let outer = self.space.outer().iter().map(stride).collect();
        let inner_stride = inner.map_or(0, stride);
        let slot = self.slot(width);
        self.sums.push(Across {
            op,
            slot,
            width,
            into,
            outer,
            inner: inner_stride,
        });
        let guard = self.guard(x);
        let slot = Val::Slot(slot, inner.is_some() && self.elementwise(x));
        if self.fused_arg(id).is_some() {
            if let Some(args) = self.where_equal(x) {
                if self.join_sums(args[2], slot, Some(args), guard) {
                    return;
                }
                return self.push_guarded(TileOp::AcrossWhereEq, slot, args, 0, guard);
            }
            let (a, b) = (self.arg(x, 0), self.arg(x, 1));
            let (a, b) = (self.value(a), self.value(b));
            if !self.scalar(a) && !self.scalar(b) {
                return self.push_guarded(TileOp::AcrossMul, slot, [a, b, NONE], 0, guard);
            }
        }
        if op == ReduceOp::Sum
            && let Some([labels, class]) = self.equality(x)
        {
            // A histogram: Σ 1 where label = class.
            let one = self.constant(1.0, false);
            return self.push_guarded(TileOp::AcrossWhereEq, slot, [labels, class, one], 0, guard);
        }
        let x = self.value(x);
        let x = if self.scalar(x) { self.filled(x) } else { x };
        if op == ReduceOp::Sum && self.join_sums(x, slot, None, guard) {
            return;
        }
        self.push_guarded(TileOp::Across(plain(op)), slot, [x, NONE, NONE], 0, guard);
    }

    /// Stores a value, by the instruction that computes it if that is the last one.
    pub fn store(&mut self, id: Id, place: Place, dtype: DType) {
        let val = self.value(id);
        let array = self.stores.target(id, place, dtype, &self.space);
        let (lane, count) = (array.lane, array.count);
        let guard = self.guard(id);
        let array = Val::Array(self.add_array(array));
        let val = if self.scalar(val) {
            self.filled(val)
        } else {
            val
        };
        let val = if self.is_int(id) {
            let float = self.register(Kind::Tile);
            self.push(TileOp::Float, float, [val, NONE, NONE], 0);
            float
        } else {
            val
        };
        let least = match self.trip.keeps.contains(&id) {
            true => STREAM_AGAIN,
            false => STREAM_BYTES,
        };
        // What was read from there has brought its lines into the cache.
        let waited = &self.stores.schedule.in_output;
        let mut finds = self.trip.finds.iter();
        let there = finds.any(|&f| waited[f].is_some_and(|n| place == Place::Output(n)));
        let stream = dtype == DType::F32
            && lane == 1
            && count * dtype.size() >= least
            && !there
            && self.looped_or_planes();
        let whole = |op: TileOp| {
            !matches!(
                op,
                TileOp::Load(_) | TileOp::LoadInt(_) | TileOp::SubExpAcc | TileOp::ArgMaxAcc
            )
        };
        let plain = dtype == self.stores.lane_dtype() && lane <= 1 && !self.is_int(id);
        let movable = plain && !stream && guard == 0 && self.uses[id] == 1 && !self.kept(id);
        if movable
            && let Some(last) = self.last_result(val)
            && whole(last.op)
        {
            last.dst = array;
            return;
        }
        let op = if stream {
            TileOp::Stream(dtype)
        } else {
            TileOp::Store(dtype)
        };
        self.push_guarded(op, array, [val, NONE, NONE], lane, guard);
    }

    fn looped_or_planes(&self) -> bool {
        self.looped() || !self.space.rows()
    }
}

/// On booleans as 0 and 1, `any` is the maximum and `all` the minimum.
fn plain(op: ReduceOp) -> ReduceOp {
    match op {
        ReduceOp::Any => ReduceOp::Max,
        ReduceOp::All => ReduceOp::Min,
        op => op,
    }
}
