//! A trip → a [`Pass`]: phases of the inner loop, instructions, arrays.
//!
//! A reduction over the inner loop ends a *phase*: what uses its result waits for the next turn
//! around the loop. The program is therefore `once, loop 0, once, loop 1, …`; a node's depth says
//! in which of them it is computed. A value that a later loop needs again is kept as a slab, one
//! register per turn, if it was dear; else it is computed again.

use super::dag::{Id, Op, Source};
use super::layout::DType;
use super::program::{Across, Array, Pass, Place, TileOp};
use super::registers::{Draft, Extent, Kind, Val, allocate};
use super::schedule::{Trip, Where};
use super::space::Space;
use super::stores::Stores;
use crate::ir::{Dims, Elem, ReduceOp};
use std::collections::{BTreeMap, HashMap};

/// What lowering a pass needs to know and builds.
pub(super) struct Lower<'a> {
    pub stores: &'a mut Stores,
    pub space: Space,
    pub trip: &'a Trip,
    /// The space's number.
    pub number: usize,
    /// Everything computed or read, in order.
    pub closure: Vec<Id>,
    /// How often each node is used.
    pub uses: Vec<usize>,
    /// Which nodes must have the same bits wherever they are computed.
    pub compared: Vec<bool>,
    /// The loop of an elementwise value; the loop after which any other is ready, or −1.
    pub depth: Vec<i32>,
    /// Values kept as slabs, and their registers once they have one.
    pub slabs: BTreeMap<Id, usize>,
    /// Registers of values without the inner dim.
    ready: HashMap<Id, Val>,
    /// Registers of values in the current turn.
    here: HashMap<Id, Val>,
    pub kinds: Vec<Kind>,
    drafts: Vec<(bool, Vec<Draft>)>,
    /// The segment that is being written.
    pub segment: usize,
    arrays: Vec<Array>,
    consts: Vec<(f64, bool)>,
    slots: usize,
    row_slots: Vec<(usize, f64)>,
    pub sums: Vec<Across>,
}

/// Lowers a trip.
pub(super) fn lower(stores: &mut Stores, trip: &Trip) -> Pass {
    let space = stores.schedule.spaces[trip.space].clone();
    let closure = stores
        .schedule
        .closure(&stores.dag, trip.space, trip.roots(), &trip.finds);
    let count = stores.dag.nodes.len();
    let mut cx = Lower {
        compared: stores.dag.compared(),
        stores,
        space,
        trip,
        number: trip.space,
        closure,
        uses: vec![0; count],
        depth: vec![-1; count],
        slabs: BTreeMap::new(),
        ready: HashMap::new(),
        here: HashMap::new(),
        kinds: Vec::new(),
        drafts: Vec::new(),
        segment: 0,
        arrays: Vec::new(),
        consts: Vec::new(),
        slots: 0,
        row_slots: Vec::new(),
        sums: Vec::new(),
    };
    cx.count_uses();
    cx.set_depths();
    cx.sink();
    cx.choose_slabs();
    cx.run();
    cx.finish()
}

/// The number that a reduction starts from.
pub(crate) fn identity(op: ReduceOp) -> f64 {
    match op {
        ReduceOp::Sum | ReduceOp::LogSumExp | ReduceOp::Any => 0.0,
        ReduceOp::Prod | ReduceOp::All => 1.0,
        ReduceOp::Max => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
    }
}

impl Lower<'_> {
    pub fn dims(&self, id: Id) -> &Dims {
        self.stores.dag.dims(id)
    }

    pub fn op(&self, id: Id) -> &Op {
        &self.stores.dag.node(id).op
    }

    pub fn arg(&self, id: Id, n: usize) -> Id {
        self.stores.dag.node(id).args[n]
    }

    pub fn is_int(&self, id: Id) -> bool {
        self.stores.dag.node(id).elem == Elem::Int
    }

    /// Whether the pass computes the node, rather than finding it in memory.
    pub fn internal(&self, id: Id) -> bool {
        self.stores.schedule.place[id] == Where::Tile(self.number) && !self.trip.finds.contains(&id)
    }

    pub fn elementwise(&self, id: Id) -> bool {
        self.space.elementwise(self.dims(id))
    }

    pub fn tiled(&self, id: Id) -> bool {
        self.space.tiled(self.dims(id))
    }

    /// Whether a node is reduced by the inner loop.
    fn folds(&self, id: Id) -> bool {
        self.internal(id)
            && match self.op(id) {
                Op::Reduce(..) | Op::ArgMax(_) => true,
                // Within rows a pick is a fetch from memory.
                Op::Pick(_) => {
                    !self.space.rows()
                        && self.elementwise(self.arg(id, 0))
                        && self.tiled(self.arg(id, 0))
                }
                _ => false,
            }
    }

    fn count_uses(&mut self) {
        let roots: Vec<Id> = self.trip.roots().collect();
        for &id in &roots {
            self.uses[id] += 1;
        }
        for &id in &self.closure {
            if self.internal(id) || roots.contains(&id) {
                for &a in &self.stores.dag.node(id).args {
                    self.uses[a] += 1;
                }
            }
        }
    }

    fn set_depths(&mut self) {
        for &id in &self.closure {
            let node = self.stores.dag.node(id);
            let each = self.elementwise(id) && self.tiled(id);
            if !self.internal(id) {
                self.depth[id] = if each { 0 } else { -1 };
                continue;
            }
            let after = |&a: &Id| {
                let inside = self.elementwise(a) && self.tiled(a);
                match (each || self.folds(id), inside) {
                    (true, true) | (false, _) => self.depth[a],
                    // What a loop reads must be ready before it.
                    (true, false) => self.depth[a] + 1,
                }
            };
            let depth = node.args.iter().map(after).max().unwrap_or(-1);
            self.depth[id] = if each || self.folds(id) {
                depth.max(0)
            } else {
                depth
            };
        }
    }

    /// The sinks and folds of each loop, and what their operands are.
    pub fn roots_of_loop(&self, depth: i32) -> Vec<Id> {
        let mut roots = Vec::new();
        let stores = self.trip.stored.iter().chain(&self.trip.keeps).copied();
        let stores = stores.chain(self.trip.outputs.iter().map(|o| o.1));
        roots.extend(stores.filter(|&id| self.elementwise(id) && self.depth[id] == depth));
        for &id in &self.trip.across {
            let x = self.arg(id, 0);
            if self.elementwise(x) && self.depth[x] == depth {
                roots.push(x);
            }
        }
        for &id in &self.closure {
            if self.folds(id) && self.depth[id] == depth {
                roots.extend(
                    self.stores
                        .dag
                        .node(id)
                        .args
                        .iter()
                        .filter(|&&a| self.elementwise(a)),
                );
            }
        }
        roots
    }

    /// How many loops there are.
    pub fn loops(&self) -> i32 {
        let looped = self
            .closure
            .iter()
            .filter(|&&id| (self.elementwise(id) && self.tiled(id)) || self.folds(id));
        looped.map(|&id| self.depth[id] + 1).max().unwrap_or(0)
    }

    /// Moves every elementwise value to the first loop that uses it.
    fn sink(&mut self) {
        let mut first: Vec<Option<i32>> = vec![None; self.uses.len()];
        for depth in 0..self.loops() {
            let mut open = self.roots_of_loop(depth);
            while let Some(id) = open.pop() {
                if first[id].is_some() || !self.elementwise(id) || !self.tiled(id) {
                    continue;
                }
                first[id] = Some(depth);
                if self.internal(id) {
                    open.extend(&self.stores.dag.node(id).args);
                }
            }
        }
        for (depth, first) in self.depth.iter_mut().zip(first) {
            *depth = first.unwrap_or(*depth);
        }
    }

    /// Writes all segments.
    fn run(&mut self) {
        let loops = self.loops();
        self.drafts = (0..2 * loops + 1)
            .map(|s| (s % 2 == 1, Vec::new()))
            .collect();
        self.once(-1);
        for depth in 0..loops {
            self.segment = 2 * depth as usize + 1;
            self.here.clear();
            let kept: Vec<Id> = self
                .slabs
                .keys()
                .copied()
                .filter(|&id| self.depth[id] == depth)
                .collect();
            for id in kept {
                self.value(id);
            }
            for id in self.closure.clone() {
                if self.folds(id) && self.depth[id] == depth {
                    let val = self.fold(id);
                    self.ready.insert(id, val);
                }
            }
            self.sinks(depth, true);
            self.segment += 1;
            self.here.clear();
            self.once(depth);
        }
    }

    /// Values without the inner dim that are ready after loop `depth`.
    fn once(&mut self, depth: i32) {
        for id in self.closure.clone() {
            let plain = self.internal(id) && !self.elementwise(id) && !self.folds(id);
            if plain && self.depth[id] == depth && !self.fuses(id) {
                self.value(id);
            }
        }
        self.sinks(depth, false);
    }

    fn sinks(&mut self, depth: i32, looped: bool) {
        for &id in &self.trip.across {
            let x = self.arg(id, 0);
            if self.elementwise(x) == looped && self.depth[x] == depth {
                self.across(id);
            }
        }
        let due = |cx: &Self, id: Id| cx.elementwise(id) == looped && cx.depth[id] == depth;
        for &id in &self.trip.stored {
            if due(self, id) {
                let buffer = self.stores.buffer_of(id);
                self.store(id, Place::Buffer(buffer), DType::F64);
            }
        }
        for &id in &self.trip.keeps {
            if due(self, id) {
                let place = self.stores.handed_on(id);
                let dtype = self.stores.lane_dtype();
                self.store(id, place, dtype);
            }
        }
        for &(output, id) in &self.trip.outputs {
            if due(self, id) {
                let dtype = self.stores.output_dtypes[output];
                self.store(id, Place::Output(output), dtype);
            }
        }
    }

    /// The operand that holds a node at this point of the program.
    pub fn value(&mut self, id: Id) -> Val {
        if let Op::Const(bits) = *self.op(id) {
            let int = self.is_int(id);
            return self.constant(f64::from_bits(bits), int);
        }
        if let Some(&val) = self.ready.get(&id).or_else(|| self.here.get(&id)) {
            return val;
        }
        let each = self.elementwise(id) && self.tiled(id);
        if each
            && let Some(&reg) = self.slabs.get(&id)
            && reg != usize::MAX
        {
            return Val::Reg(reg);
        }
        let keeps = each && self.slabs.contains_key(&id);
        let val = if self.internal(id) {
            let into = keeps.then_some(Kind::Slab);
            self.compute(id, into)
        } else {
            self.find(id, keeps)
        };
        match val {
            Val::Reg(reg) if keeps => {
                self.slabs.insert(id, reg);
            }
            _ if each => {
                self.here.insert(id, val);
            }
            _ => {
                self.ready.insert(id, val);
            }
        }
        val
    }

    /// A value that lies in memory: itself where it can be an operand, else a register.
    fn find(&mut self, id: Id, slab: bool) -> Val {
        let array = self.array(id);
        if !self.tiled(id) || (self.in_place(id) && !slab) {
            return Val::Array(array);
        }
        let each = self.elementwise(id);
        // What does not change from turn to turn is loaded before the loop.
        let segment = self.segment;
        if !each && self.drafts[segment].0 {
            self.segment -= 1;
        }
        let kind = match (slab, each || !self.space.rows()) {
            (true, _) => Kind::Slab,
            (false, true) => Kind::Tile,
            (false, false) => Kind::Single,
        };
        let reg = self.register(kind);
        let Array {
            dtype, int, lane, ..
        } = self.arrays[array];
        let op = if int {
            TileOp::LoadInt(dtype)
        } else {
            TileOp::Load(dtype)
        };
        self.push(op, reg, [Val::Array(array), Val::None, Val::None], lane);
        self.segment = segment;
        reg
    }

    /// Whether a value in memory can be an operand as it lies there.
    pub fn in_place(&self, id: Id) -> bool {
        let (dtype, strides) = match self.op(id) {
            Op::Leaf(Source::Input(n), at) => {
                (self.stores.input_dtypes[*n as usize], at.strides.clone())
            }
            // The memory of an output is about to be written.
            _ if self.trip.finds.contains(&id) => {
                return !self.space.rows() && self.stores.schedule.in_output[id].is_none();
            }
            _ if self.stores.schedule.lanes[id] => {
                (self.stores.lane_dtype(), self.stores.kept_at(id).strides)
            }
            _ => return false,
        };
        let lane = self.dims(id).position(self.space.lane).map(|i| strides[i]);
        let same = match self.is_int(id) {
            false => dtype == self.stores.lane_dtype(),
            true => dtype == self.stores.int_dtype(),
        };
        // Planes of a tile far apart in memory compete for the same cache lines: those are copied.
        same && lane == Some(1) && (self.space.rows() || !self.elementwise(id))
    }

    pub fn register(&mut self, kind: Kind) -> Val {
        self.kinds.push(kind);
        Val::Reg(self.kinds.len() - 1)
    }

    /// A register for a value without the inner dim.
    pub fn plain_register(&mut self) -> Val {
        let kind = if self.space.rows() {
            Kind::Single
        } else {
            Kind::Tile
        };
        self.register(kind)
    }

    pub fn constant(&mut self, value: f64, int: bool) -> Val {
        let same = |c: &(f64, bool)| c.0.to_bits() == value.to_bits() && c.1 == int;
        let at = self.consts.iter().position(same).unwrap_or_else(|| {
            self.consts.push((value, int));
            self.consts.len() - 1
        });
        Val::Const(at)
    }

    /// Whether an operand is one number for all lanes of the current segment.
    pub fn scalar(&self, val: Val) -> bool {
        if self.space.rows() && !self.looped() {
            // One lane: a vector of one and a number are the same.
            return false;
        }
        match val {
            Val::None | Val::Slot(..) => false,
            Val::Const(_) => true,
            Val::Reg(reg) => self.kinds[reg] == Kind::Single,
            Val::Array(array) => self.arrays[array].lane == 0,
        }
    }

    pub fn looped(&self) -> bool {
        self.drafts[self.segment].0
    }

    pub fn push(&mut self, op: TileOp, dst: Val, args: [Val; 3], aux: usize) {
        self.push_guarded(op, dst, args, aux, 0);
    }

    pub fn push_guarded(&mut self, op: TileOp, dst: Val, args: [Val; 3], aux: usize, guard: u32) {
        let single = self.space.rows() && !self.looped();
        let [a, b, c] = args;
        let args = [a, b, c, Val::None];
        let scalar = args.map(|a| self.scalar(a));
        self.drafts[self.segment].1.push(Draft {
            op,
            dst,
            args,
            scalar,
            aux,
            guard,
            single,
        });
    }

    /// Where the last instruction of this segment puts its result, if it is `val`.
    pub fn last_result(&mut self, val: Val) -> Option<&mut Draft> {
        self.drafts[self.segment]
            .1
            .last_mut()
            .filter(|d| d.dst == val)
    }

    /// The last instruction of this segment.
    pub fn last(&mut self) -> Option<&mut Draft> {
        self.drafts[self.segment].1.last_mut()
    }

    /// Whether a value is kept from loop to loop.
    pub fn kept(&self, id: Id) -> bool {
        self.slabs.contains_key(&id)
    }

    /// An instruction after the current loop.
    pub fn push_after(&mut self, op: TileOp, dst: Val, args: [Val; 3]) {
        self.segment += 1;
        self.push(op, dst, args, 0);
        self.segment -= 1;
    }

    /// An instruction before the current loop.
    pub fn push_before(&mut self, op: TileOp, dst: Val, args: [Val; 3]) {
        self.segment -= 1;
        self.push(op, dst, args, 0);
        self.segment += 1;
    }

    /// The first of `count` accumulators.
    pub fn slot(&mut self, count: usize) -> usize {
        self.slots += count;
        self.slots - count
    }

    /// An accumulator that starts afresh in every row.
    pub fn row_slot(&mut self, start: f64) -> usize {
        let slot = self.slot(1);
        self.row_slots.push((slot, start));
        slot
    }

    /// The array that a value in memory is.
    pub fn array(&mut self, id: Id) -> usize {
        let array = self
            .stores
            .array(id, &self.space, self.trip.finds.contains(&id));
        self.add_array(array)
    }

    pub fn add_array(&mut self, array: Array) -> usize {
        let same = |a: &Array| {
            a.place == array.place
                && (a.int, a.written) == (array.int, array.written)
                && (a.offset, &a.outer, a.inner, a.lane)
                    == (array.offset, &array.outer, array.inner, array.lane)
        };
        self.arrays.iter().position(same).unwrap_or_else(|| {
            self.arrays.push(array);
            self.arrays.len() - 1
        })
    }

    /// Outer loops, one bit each, that a value does not have.
    pub fn guard(&self, id: Id) -> u32 {
        let outer = self.space.outer();
        let lacks = outer
            .iter()
            .enumerate()
            .filter(|(_, d)| !self.dims(id).contains(*d));
        lacks.map(|(i, _)| 1 << i).sum()
    }

    fn finish(mut self) -> Pass {
        let sizes = &self.stores.dag.sizes;
        let outer: Vec<usize> = sizes.shape(&self.space.outer());
        let lane = sizes.get(self.space.lane);
        let inner = self.space.inner().map_or(1, |d| sizes.get(d));
        let rows = self.space.rows();
        let arrays = &self.arrays;
        let steps = |array: usize, scalar: bool, width: usize| {
            let a = &arrays[array];
            if !rows {
                a.inner
            } else if scalar {
                0
            } else {
                a.lane * width
            }
        };
        let extent = Extent {
            rows,
            lane,
            inner,
            size: self.stores.lane.size(),
        };
        super::pairs::join(&mut self.drafts, &self.kinds, self.stores.lane_dtype());
        let allocated = allocate(&self.drafts, &self.kinds, &extent, &steps);
        let split = self
            .sums
            .iter()
            .any(|s| s.outer.iter().zip(&outer).any(|(&s, &n)| s > 0 && n > 1));
        let mut pass = Pass {
            title: self.stores.title(&self.space),
            outer,
            lane,
            rows,
            inner,
            width: allocated.width,
            work: arrays.iter().map(|a| a.count).sum(),
            arrays: self.arrays,
            consts: self.consts,
            segments: allocated.segments,
            scratch: allocated.scratch,
            sums: self.sums,
            slots: self.slots,
            row_slots: self.row_slots,
            block: 1,
            split,
            backwards: false,
        };
        pass.block = block(&pass);
        pass
    }
}

/// Tiles per task: enough work to be worth handing over, few enough tasks to combine quickly, and in small passes enough
/// tasks that threads end at the same time.
fn block(pass: &Pass) -> usize {
    let tile = if pass.rows {
        pass.lane
    } else {
        pass.width * pass.inner
    };
    let of_elements = |count: usize| count / tile.max(1);
    let all = pass.row_count() * pass.tiles_per_row();
    let tiles = if pass.split {
        pass.tiles_per_row()
    } else {
        all
    };
    all.div_ceil(8)
        .clamp(of_elements(4 * 1024), of_elements(16 * 1024))
        .max(tiles.div_ceil(256))
        .clamp(1, tiles.max(1))
}
