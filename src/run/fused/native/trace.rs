//! Instructions → a graph: registers of tiles become values, and stay in registers of the machine.

use super::graph::{
    Address, Effect, Graph, Id, Item, LESS, LESS_OR_SAME, Node, Op, SAME, Stream, Sum,
};
use super::traced::{Number, Traced, Truth};
use crate::ir::{MapOp, ReduceOp};
use crate::plan::{Array, Base, DType, Instr, Loc, Pass, Place, Segment, TileOp};
use crate::run::fused::exec::{ARRAYS, base_of};
use crate::run::fused::kernels::{joined, map};
use crate::run::fused::lanes::Int;
use crate::run::fused::real::{Real, Single, Word};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// A stretch of a program, ready for code.
pub(super) struct Stretch {
    pub nodes: Vec<Node>,
    pub items: Vec<Item>,
    pub streams: Vec<Stream>,
    pub sums: Vec<Sum>,
    /// Which streams are arrays, not scratch memory.
    pub arrays: Vec<bool>,
    /// What is asked for along the way, as later vectors need it.
    pub asks: Vec<Ask>,
    /// Whether it reads more planes than the first cache keeps lines of, if these share a set of it: what is asked for is then
    /// asked into the second.
    pub crowded: bool,
    /// Whether its steps leave a processor waiting for each other, so that it is to do those of several vectors in turns.
    pub waits: bool,
}

/// A vector of elements of so many bytes that is to be fetched.
#[derive(Clone, Copy)]
pub(super) struct Ask {
    pub at: Address,
    pub size: usize,
}

/// Which part of a program a stretch is.
pub(super) struct Part {
    /// The segments.
    pub segments: Range<usize>,
    pub turns: Turns,
    pub asks: Asks,
}

/// What a part asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// What it loads itself, some lanes ahead.
    Ahead,
    /// What a segment reads in the same turns of the next tile, or of the next row.
    Further(usize),
    Nothing,
}

/// What becomes of the turns of the inner loop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turns {
    /// All of them are written out.
    Written,
    /// So many from one on are written out; the code is run again for those that follow. There is
    /// one segment.
    Stepped { from: usize, count: usize },
}

/// How far ahead lanes are asked for where the code runs along them. Several hundred are slower where tensors leave the
/// caches.
const AHEAD: usize = 64;

/// The lines of a set of the first cache. In planes a power of two apart, the lines of one position share a set.
const WAYS: usize = 8;

/// From one gibibyte to the next the code is given a pointer each, as displacements have 32 bits.
const REACH: usize = 1 << 30;

/// Writes a part of a pass down. Nothing, if code is not generated for something in it.
pub(super) fn trace(pass: &Pass, part: &Part) -> Option<Stretch> {
    let graph = Graph::default();
    let mut writer = Writer {
        pass,
        graph: &graph,
        written: written_registers(pass, part),
        carried: HashSet::new(),
        streams: Vec::new(),
        sums: Vec::new(),
        registers: BTreeMap::new(),
        stepped: match part.turns {
            Turns::Stepped { count, .. } => Some(count),
            Turns::Written => None,
        },
        turn: 0,
    };
    for segment in &pass.segments[part.segments.clone()] {
        for turn in part.turns_of(pass, segment) {
            writer.turn = turn;
            for i in &segment.code {
                writer.instruction(i)?;
            }
        }
    }
    writer.keep(&read_elsewhere(pass, &part.segments));
    let mut asks = match part.asks {
        Asks::Further(n) => writer.further(part, &pass.segments[n]),
        Asks::Ahead | Asks::Nothing => Vec::new(),
    };
    let Writer { streams, sums, .. } = writer;
    let arrays = streams.iter().map(|s| array(pass, s.base).is_some());
    let arrays: Vec<bool> = arrays.collect();
    let (nodes, items) = graph.finish()?;
    if part.asks == Asks::Ahead {
        asks = ahead(&nodes, &items, &arrays);
    }
    Some(Stretch {
        nodes,
        items,
        streams,
        sums,
        arrays,
        crowded: asks.len() > WAYS || matches!(part.asks, Asks::Further(_)),
        asks,
        // Several turns of a loop wait for nothing of each other.
        waits: match part.turns {
            Turns::Stepped { count, .. } => count == 1,
            Turns::Written => true,
        },
    })
}

/// What the steps load from arrays, some lanes ahead.
fn ahead(nodes: &[Node], items: &[Item], arrays: &[bool]) -> Vec<Ask> {
    let load = |item: &Item| {
        let Item::Value(id) = item else { return None };
        let (at, size) = match nodes[id.index()] {
            Node::Lanes { at, .. } => (at, size_of::<f32>()),
            Node::Floats { at, dtype } | Node::Ints { at, dtype } => (at, dtype.size()),
            _ => return None,
        };
        let disp = at.disp.wrapping_add((AHEAD * size) as i32);
        let at = Address { disp, ..at };
        arrays[at.stream].then_some(Ask { at, size })
    };
    items.iter().filter_map(load).collect()
}

impl Part {
    /// The turns of a segment that are written out.
    fn turns_of(&self, pass: &Pass, segment: &Segment) -> Range<usize> {
        match self.turns {
            Turns::Stepped { from, count } => from..from + count,
            Turns::Written if segment.looped => 0..pass.turns(),
            Turns::Written => 0..1,
        }
    }
}

/// The array that a base stands for.
fn array(pass: &Pass, base: u32) -> Option<Place> {
    let n = base.checked_sub(ARRAYS)?;
    Some(pass.arrays[n as usize].place)
}

fn written(pass: &Pass, place: Place) -> bool {
    pass.arrays.iter().any(|a| a.written && a.place == place)
}

/// Nothing, unless the elements of an array are lanes as they stand.
fn lanes(pass: &Pass, array: u16) -> Option<()> {
    let dtype = pass.arrays[array as usize].dtype;
    matches!(dtype, DType::F32 | DType::I32).then_some(())
}

/// What an instruction reads of arrays that are not written and whose lanes lie side by side.
pub(super) fn loaded<'a>(
    pass: &'a Pass,
    i: &'a Instr,
) -> impl Iterator<Item = (&'a Loc, &'a Array)> {
    let tables = matches!(
        i.op,
        TileOp::Lookup | TileOp::Fetch(_) | TileOp::FetchInt(_)
    );
    let lanes = if tables { &i.args[..1] } else { &i.args[..] };
    lanes.iter().filter_map(|loc| {
        let Base::Array(n) = loc.base else {
            return None;
        };
        let array = &pass.arrays[n as usize];
        let asked = array.lane == 1 && !loc.scalar && !written(pass, array.place);
        asked.then_some((loc, array))
    })
}

/// What an instruction writes.
fn results(i: &Instr) -> impl Iterator<Item = &Loc> {
    let second = match i.op {
        TileOp::LoadAcc(_) | TileOp::SubExpAcc => Some(&i.args[2]),
        TileOp::ArgMaxAcc => Some(&i.args[1]),
        _ => None,
    };
    std::iter::once(&i.dst).chain(second)
}

/// Where the registers begin that a part writes.
fn written_registers(pass: &Pass, part: &Part) -> HashSet<usize> {
    let segments = pass.segments[part.segments.clone()].iter();
    let all = segments.flat_map(|segment| {
        let turns = part.turns_of(pass, segment);
        turns.flat_map(move |turn| {
            let results = segment.code.iter().flat_map(results);
            let registers = results.filter(|loc| loc.base == Base::Reg);
            registers.map(move |loc| loc.offset + turn * loc.step)
        })
    });
    all.collect()
}

/// What an instruction reads of registers.
fn operands(i: &Instr) -> impl Iterator<Item = &Loc> {
    let adds = matches!(
        i.op,
        TileOp::Acc(_) | TileOp::AccMul | TileOp::PickAcc | TileOp::ArgMaxAcc
    );
    let all = i.args.iter().chain(adds.then_some(&i.dst));
    all.filter(|loc| loc.base == Base::Reg)
}

/// The registers that other segments read before they write them.
fn read_elsewhere(pass: &Pass, segments: &Range<usize>) -> Vec<Range<usize>> {
    let mut read = Vec::new();
    for (n, segment) in pass.segments.iter().enumerate() {
        if segments.contains(&n) {
            continue;
        }
        let turns = if segment.looped {
            pass.turns().max(1)
        } else {
            1
        };
        // Temporary values share registers, so that most are written first, in every turn.
        let mut fresh = HashSet::new();
        for i in &segment.code {
            let before = operands(i).filter(|loc| !fresh.contains(&(loc.offset, loc.step)));
            read.extend(before.map(|loc| {
                let last = loc.offset + loc.step * (turns - 1);
                loc.offset..last + if loc.scalar { 1 } else { pass.width }
            }));
            if i.guard == 0 && !i.single {
                let all = results(i).filter(|loc| loc.base == Base::Reg);
                fresh.extend(all.map(|loc| (loc.offset, loc.step)));
            }
        }
    }
    read
}

struct Writer<'a> {
    pass: &'a Pass,
    graph: &'a Graph,
    /// The registers of tiles that the part writes.
    written: HashSet<usize>,
    /// Those of them that it reads before, from scratch memory.
    carried: HashSet<usize>,
    streams: Vec<Stream>,
    sums: Vec<Sum>,
    /// What the registers of tiles hold that the part has written, and the operand that wrote it.
    registers: BTreeMap<usize, (Loc, Id)>,
    /// How many turns are written out, if operands move when these have passed.
    stepped: Option<usize>,
    turn: usize,
}

impl<'a> Writer<'a> {
    /// The element where an operand begins.
    fn first(&self, loc: &Loc) -> usize {
        loc.offset + self.turn * loc.step
    }

    fn address(&mut self, loc: &Loc, behind: usize) -> Address {
        let (base, unit) = base_of(self.pass, loc, size_of::<f32>());
        let offset = self.first(loc).wrapping_add(behind) * unit;
        let stream = Stream {
            base,
            offset: offset / REACH * REACH,
            step: self.stepped.map_or(0, |turns| turns * loc.step * unit),
        };
        let known = self.streams.iter().position(|s| *s == stream);
        let at = known.unwrap_or_else(|| {
            self.streams.push(stream);
            self.streams.len() - 1
        });
        Address {
            stream: at,
            disp: (offset % REACH) as i32,
        }
    }

    /// An operand of lanes of four bytes, floats or integers.
    fn operand(&mut self, loc: &Loc) -> Option<Id> {
        match loc.base {
            Base::Const if loc.step == 0 || self.stepped.is_none() => {
                let (value, int) = self.pass.consts[self.first(loc)];
                let bits = match int {
                    true => <i32 as Int>::of(value as i64) as u32,
                    false => (value as f32).to_bits(),
                };
                return Some(self.graph.constant(bits));
            }
            Base::Const => {}
            Base::Reg => {
                let first = self.first(loc);
                if let Some((_, id)) = self.registers.get(&first) {
                    return (!loc.scalar).then_some(*id);
                }
                if self.written.contains(&first) {
                    self.carried.insert(first);
                }
            }
            Base::Array(n) => lanes(self.pass, n)?,
            Base::None | Base::Slot => return None,
        }
        let fixed = self.fixed(loc);
        let at = self.address(loc, 0);
        if loc.scalar {
            // It is read where it is used, which may be after a store.
            return fixed.then(|| self.graph.add(Node::All { at }));
        }
        Some(self.graph.add(Node::Lanes { at, fixed }))
    }

    /// Whether nothing in the part writes where an operand lies.
    fn fixed(&self, loc: &Loc) -> bool {
        match loc.base {
            Base::Array(n) => !written(self.pass, self.pass.arrays[n as usize].place),
            Base::Reg => !self.written.contains(&self.first(loc)),
            _ => true,
        }
    }

    /// What another segment reads in the turns of this part, a tile further on, or a row.
    fn further(&mut self, part: &Part, segment: &Segment) -> Vec<Ask> {
        let mut asks = Vec::new();
        for turn in part.turns_of(self.pass, segment) {
            self.turn = turn;
            let all = segment.code.iter().flat_map(|i| loaded(self.pass, i));
            for (loc, array) in all {
                let behind = match self.pass.rows {
                    true => array.outer.last().copied().unwrap_or(0),
                    false => self.pass.width,
                };
                // All rows may share one.
                if behind > 0 {
                    let (at, size) = (self.address(loc, behind), array.dtype.size());
                    asks.push(Ask { at, size });
                }
            }
        }
        asks
    }

    fn number(&self, id: Id) -> Number<'a> {
        match self.graph.as_constant(id) {
            Some(bits) => Traced::Const(f32::from_bits(bits)),
            None => Traced::Value(id, self.graph),
        }
    }

    fn set(&mut self, loc: &Loc, id: Id) -> Option<()> {
        match loc.base {
            Base::Reg => {
                let first = self.first(loc);
                self.registers.insert(first, (*loc, id));
            }
            Base::Array(n) => {
                lanes(self.pass, n)?;
                self.store(loc, false, id);
            }
            _ => return None,
        }
        Some(())
    }

    fn store(&mut self, loc: &Loc, past: bool, value: Id) {
        let at = self.address(loc, 0);
        self.graph.effect(Effect::Store { at, past, value });
        let place = array(self.pass, self.streams[at.stream].base);
        let same = |stream: usize| array(self.pass, self.streams[stream].base) == place;
        self.graph.forget_loads(same);
    }

    /// Leaves in scratch memory what others read, and the next run of the same code.
    fn keep(&mut self, elsewhere: &[Range<usize>]) {
        for (first, (mut loc, value)) in std::mem::take(&mut self.registers) {
            let own = first..first + self.pass.width;
            let read = elsewhere
                .iter()
                .any(|r| r.start < own.end && own.start < r.end);
            if read || self.stepped.is_some() && self.carried.contains(&first) {
                loc.offset = first;
                self.turn = 0;
                let at = self.address(&loc, 0);
                self.graph.effect(Effect::Keep { at, value });
            }
        }
    }

    fn sum(&mut self, loc: &Loc, behind: usize, op: ReduceOp, value: Number<'a>) -> Option<()> {
        (loc.base == Base::Slot).then_some(())?;
        let at = self.address(loc, behind);
        let sum = Sum { at, op };
        let known = self.sums.iter().position(|s| *s == sum);
        let sum = known.unwrap_or_else(|| {
            self.sums.push(sum);
            self.sums.len() - 1
        });
        let value = value.id(self.graph);
        self.graph.effect(Effect::Sum { sum, value });
        Some(())
    }

    fn equal(&self, a: Id, b: Id) -> Truth<'a> {
        Traced::Value(self.graph.op(Op::CompareInt(SAME), &[a, b]), self.graph)
    }

    /// Writes an instruction down; nothing, if that cannot be.
    fn instruction(&mut self, i: &Instr) -> Option<()> {
        if i.single || i.guard != 0 {
            return None;
        }
        let float = |writer: &mut Self, n: usize| {
            let id = writer.operand(&i.args[n])?;
            Some(writer.number(id))
        };
        let value = match i.op {
            TileOp::Map(op) => {
                let a = float(self, 0)?;
                let mut rest = [a, a];
                for (n, into) in rest.iter_mut().enumerate().take(op.arity() - 1) {
                    *into = float(self, n + 1)?;
                }
                map::<Number, true>(op, a, rest[0], rest[1])
            }
            TileOp::Compare(op) => {
                let [a, b] = [self.operand(&i.args[0])?, self.operand(&i.args[1])?];
                let (predicate, a, b) = match op {
                    MapOp::Lt => (LESS, a, b),
                    MapOp::Le => (LESS_OR_SAME, a, b),
                    MapOp::Gt => (LESS, b, a),
                    MapOp::Ge => (LESS_OR_SAME, b, a),
                    _ => (SAME, a, b),
                };
                let holds = self.graph.op(Op::CompareInt(predicate), &[a, b]);
                let holds: Truth = Traced::Value(holds, self.graph);
                let holds = if op == MapOp::Ne { !holds } else { holds };
                Number::select(holds, Number::ONE, Number::ZERO)
            }
            TileOp::Float => float(self, 0)?.word().float(),
            TileOp::Fill | TileOp::Copy => float(self, 0)?,
            TileOp::Load(_) | TileOp::LoadInt(_) => return self.load(i),
            TileOp::LoadAcc(op) => {
                let (x, old) = (float(self, 0)?, float(self, 2)?);
                self.set(&i.args[2], join(op, old, x)?.id(self.graph))?;
                x
            }
            TileOp::Store(dtype) | TileOp::Stream(dtype) => {
                let past = matches!(i.op, TileOp::Stream(_));
                if i.aux != 1 && !past || dtype != DType::F32 {
                    return None;
                }
                let value = self.operand(&i.args[0])?;
                self.store(&i.dst, past, value);
                return Some(());
            }
            TileOp::SubExp
            | TileOp::MulAdd
            | TileOp::MulSub
            | TileOp::NegMulAdd
            | TileOp::GateAdd
            | TileOp::GateSub => {
                let (a, b) = (float(self, 0)?, float(self, 1)?);
                let c = if i.op == TileOp::SubExp {
                    a
                } else {
                    float(self, 2)?
                };
                joined::<Number, true>(i.op, a, b, c)
            }
            TileOp::WhereEq => self.where_equal(i)?,
            TileOp::AddWhereEq => float(self, 3)? + self.where_equal(i)?,
            TileOp::Acc(op) => {
                let (old, x) = (self.operand(&i.dst)?, float(self, 0)?);
                join(op, self.number(old), x)?
            }
            TileOp::AccMul => {
                let (a, b, old) = (float(self, 0)?, float(self, 1)?, self.operand(&i.dst)?);
                Number::mul_add::<true>(a, b, self.number(old))
            }
            TileOp::SubExpAcc => {
                let (a, b, old) = (float(self, 0)?, float(self, 1)?, float(self, 2)?);
                let e = joined::<Number, true>(TileOp::SubExp, a, b, a);
                self.set(&i.args[2], (old + e).id(self.graph))?;
                e
            }
            TileOp::Across(op) => {
                let x = float(self, 0)?;
                join(op, x, x)?;
                return self.sum(&i.dst, 0, op, x);
            }
            TileOp::AcrossMul => {
                let product = float(self, 0)? * float(self, 1)?;
                return self.sum(&i.dst, 0, ReduceOp::Sum, product);
            }
            TileOp::AcrossWhereEq => {
                let x = self.where_equal(i)?;
                return self.sum(&i.dst, 0, ReduceOp::Sum, x);
            }
            TileOp::AcrossBoth | TileOp::AcrossBothMul => {
                let mut x = float(self, 2)?;
                if i.op == TileOp::AcrossBothMul {
                    x = x * float(self, 3)?;
                }
                let [a, b] = [self.operand(&i.args[0])?, self.operand(&i.args[1])?];
                let there = Number::select(self.equal(a, b), x, Number::ZERO);
                self.sum(&i.dst, 0, ReduceOp::Sum, there)?;
                return self.sum(&i.dst, i.aux, ReduceOp::Sum, x);
            }
            TileOp::PickAcc => {
                let [a, c] = [self.operand(&i.args[0])?, self.operand(&i.args[2])?];
                let (b, old) = (float(self, 1)?, self.operand(&i.dst)?);
                Number::select(self.equal(a, c), b, self.number(old))
            }
            TileOp::ArgMaxAcc => {
                let (a, best) = (float(self, 0)?, float(self, 1)?);
                let (class, old) = (float(self, 2)?, self.operand(&i.dst)?);
                let larger = best.less(a);
                let most = Number::select(larger, a, best);
                self.set(&i.args[1], most.id(self.graph))?;
                Number::select(larger, class, self.number(old))
            }
            TileOp::Lookup => {
                let index = self.operand(&i.args[0])?;
                let b = &i.args[1];
                match b.base {
                    Base::Array(n) => lanes(self.pass, n)?,
                    Base::Const => {}
                    _ => return None,
                }
                let (classes, stride) = (i.aux & 0xffff_ffff, i.aux >> 32);
                // Distances within a table have 32 bits.
                if !self.fixed(b) || classes.checked_mul(stride)? > i32::MAX as usize {
                    return None;
                }
                let node = Node::Entry {
                    index,
                    at: self.address(b, 0),
                    classes: classes as u32,
                    stride: stride as u32,
                };
                let id = self.graph.add(node);
                self.number(id)
            }
            TileOp::Fetch(_) | TileOp::FetchInt(_) | TileOp::Total(_) => return None,
        };
        let value = value.id(self.graph);
        self.set(&i.dst, value)
    }

    /// c where the integers a and b are equal, else 0.
    fn where_equal(&mut self, i: &Instr) -> Option<Number<'a>> {
        let [a, b, c] = [0, 1, 2].map(|n| self.operand(&i.args[n]));
        let (holds, c) = (self.equal(a?, b?), self.number(c?));
        Some(Number::select(holds, c, Number::ZERO))
    }

    fn load(&mut self, i: &Instr) -> Option<()> {
        let (dtype, int) = match i.op {
            TileOp::LoadInt(dtype) => (dtype, true),
            TileOp::Load(dtype) => (dtype, false),
            _ => return None,
        };
        if i.aux != 1 || i.args[0].scalar {
            return None;
        }
        let at = self.address(&i.args[0], 0);
        let fixed = self.fixed(&i.args[0]);
        let node = match (dtype, int) {
            (DType::F32, false) | (DType::I32, true) => Node::Lanes { at, fixed },
            (DType::U8 | DType::I16 | DType::I32 | DType::F16 | DType::BF16, false) => {
                Node::Floats { at, dtype }
            }
            (DType::U8 | DType::I16 | DType::U32 | DType::I64, true) => Node::Ints { at, dtype },
            _ => return None,
        };
        let id = self.graph.add(node);
        self.set(&i.dst, id)
    }
}

/// a ⊕ b, where code is generated for it.
fn join<'a>(op: ReduceOp, a: Number<'a>, b: Number<'a>) -> Option<Number<'a>> {
    let op = match op {
        ReduceOp::Sum => MapOp::Add,
        ReduceOp::Prod => MapOp::Mul,
        ReduceOp::Max => MapOp::Max,
        ReduceOp::Min => MapOp::Min,
        _ => return None,
    };
    Some(map::<Number, true>(op, a, b, a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{DimSizes, parse};
    use crate::plan::{InputLayout, Step, plan};

    /// The second sweep over a row finds exponentials of the first, and nothing else that the first has computed, although its
    /// registers lie where those of the first did.
    #[test]
    fn only_what_another_segment_reads_goes_to_memory() {
        let graph = "\
dims N, S
graph(x: f[N, S], y: f[N, S]) {
  %0: f[N, S] = input x
  %1: f[N, S] = input y
  %2: f[N, S] = exp %0
  %3: f[N, S] = sub %0 %1
  %4: f[N, S] = mul %3 %3
  %5: f[N, S] = mul %4 %2
  %6: f[N] = sum[S] %5
  %7: f[N, S] = broadcast[N, S] %6
  %8: f[N, S] = sub %1 %7
  %9: f[N, S] = mul %8 %8
  %10: f[N, S] = mul %9 %2
  grad.0 = %10
}
";
        let graph = parse(graph).expect("a graph");
        let layouts = [(); 2].map(|()| InputLayout::dense(DType::F32, &[3, 5000]));
        let plan = plan(&graph, &DimSizes(vec![3, 5000]), &layouts);
        let mut passes = plan.steps.iter().filter_map(|step| match step {
            Step::Pass(pass) => Some(pass),
            _ => None,
        });
        let pass = passes.next_back().expect("a pass");
        let first = pass.segments.iter().position(|s| s.looped);
        let first = first.expect("a sweep");
        let part = Part {
            segments: first..first + 1,
            turns: Turns::Stepped { from: 0, count: 1 },
            asks: Asks::Nothing,
        };
        let stretch = trace(pass, &part).expect("code");
        let kept = |item: &&Item| matches!(item, Item::Effect(Effect::Keep { .. }));
        assert!(pass.rows, "{}", plan.text());
        assert_eq!(
            stretch.items.iter().filter(kept).count(),
            1,
            "{}",
            plan.text()
        );
    }
}
