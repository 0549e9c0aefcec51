//! Which node is computed where and when.
//!
//! A node is computed in the tiles of a space, or accumulated across them, or as a whole-tensor
//! operation between passes. Time is counted in stages: whole-tensor operations run at even
//! stages, passes at odd ones. The stage of a node is the depth of barriers below it, so the
//! number of passes is the depth of reductions and not the number of terms.
//!
//! Values in tiles have no fixed time: each pass computes those that its *sinks* (reductions and
//! stores) need, again if an earlier pass has had them, unless that is dear (`keep.rs`).

use super::dag::{Dag, Id, Op};
use super::space::{Reduction, Space, spaces, weight};
use crate::ir::Elem;

/// Where a node is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Where {
    /// In memory from the start, or a view of something stored.
    Memory,
    /// In the tiles of a space.
    Tile(usize),
    /// Across the tiles of a space.
    Across(usize),
    /// By a whole-tensor operation.
    Whole,
}

/// A pass: what it must produce.
#[derive(Clone, Debug)]
pub(crate) struct Trip {
    pub stage: usize,
    pub space: usize,
    /// Reductions to accumulate.
    pub across: Vec<Id>,
    /// Values to store as f64 for other spaces and whole-tensor operations.
    pub stored: Vec<Id>,
    /// Values to store as outputs: (output, node).
    pub outputs: Vec<(usize, Id)>,
    /// Values in the lane type to store for later passes and products, and those to find stored.
    pub keeps: Vec<Id>,
    pub finds: Vec<Id>,
}

/// The result; see the essay above.
pub(crate) struct Schedule {
    pub spaces: Vec<Space>,
    pub place: Vec<Where>,
    /// The stage of every node that is not in tiles.
    pub stage: Vec<usize>,
    pub live: Vec<bool>,
    /// What is stored in the lane type, as only passes and products read it.
    pub lanes: Vec<bool>,
    /// The output in whose memory a kept node waits for the pass that writes the output.
    pub in_output: Vec<Option<usize>>,
    pub trips: Vec<Trip>,
}

/// Schedules the nodes that `outputs` need. An output that a pass can write has `true`; `spare` says which
/// outputs are of the lane type.
pub(crate) fn schedule(dag: &Dag, outputs: &[(Id, bool)], spare: &[bool]) -> Schedule {
    let live = dag.live(outputs.iter().map(|o| o.0));
    let spaces = spaces(dag, &live);
    let place = places(dag, &live, &spaces);
    let lanes = in_lanes(dag, &live, &spaces, &place, outputs);
    let mut cx = Schedule {
        lanes,
        stage: vec![0; dag.nodes.len()],
        spaces,
        place,
        live,
        in_output: vec![None; dag.nodes.len()],
        trips: Vec::new(),
    };
    cx.time(dag);
    cx.sinks(dag, outputs);
    cx.time_wholes(dag);
    cx.keep(dag, spare);
    cx
}

fn places(dag: &Dag, live: &[bool], spaces: &[Space]) -> Vec<Where> {
    let mut place = vec![Where::Memory; dag.nodes.len()];
    for (id, node) in dag.nodes.iter().enumerate().filter(|(id, _)| live[*id]) {
        let inherited = node.args.iter().find_map(|&a| match place[a] {
            Where::Tile(s) if node.dims.is_subset(&spaces[s].dims) => Some(s),
            _ => None,
        });
        let fits = |s: &Space| {
            node.dims.is_subset(&s.dims)
                && node.args.iter().all(|&a| dag.dims(a).is_subset(&s.dims))
        };
        let space = inherited.or_else(|| spaces.iter().position(fits));
        place[id] = match &node.op {
            Op::Leaf(..) | Op::Const(_) | Op::View(_) => Where::Memory,
            Op::Dot(_)
            | Op::Shift { .. }
            | Op::WindowMax { .. }
            | Op::WindowSum { .. }
            | Op::WindowTies { .. }
            | Op::Order(..)
            | Op::Distance(_)
            | Op::Stretches { .. }
            | Op::Place { .. } => Where::Whole,
            Op::Map(_) | Op::Spread => match space {
                Some(s) if spaces[s].tiled(&node.dims) => Where::Tile(s),
                _ => Where::Whole,
            },
            Op::Reduce(_, over) => match space {
                Some(s) if fits(&spaces[s]) => {
                    match spaces[s].reduction(dag.dims(node.args[0]), over) {
                        Reduction::Tile => Where::Tile(s),
                        Reduction::Across => Where::Across(s),
                        Reduction::Whole => Where::Whole,
                    }
                }
                _ => Where::Whole,
            },
            Op::Pick(dim) => match space {
                Some(s)
                    if pickable(dag, &spaces[s], id, *dim)
                        && !matches!(place[node.args[0]], Where::Tile(_)) =>
                {
                    Where::Tile(s)
                }
                _ => Where::Whole,
            },
            Op::ArgMax(dim) => match space {
                Some(s)
                    if fits(&spaces[s])
                        && spaces[s].inner() == Some(*dim)
                        && spaces[s].tiled(&node.dims) =>
                {
                    Where::Tile(s)
                }
                _ => Where::Whole,
            },
        };
    }
    place
}

/// Whether a pick can be done in tiles: among classes of the inner loop, or in a table that does
/// not depend on the lane.
fn pickable(dag: &Dag, space: &Space, id: Id, dim: crate::ir::DimId) -> bool {
    let node = dag.node(id);
    let (x, label) = (dag.dims(node.args[0]), dag.dims(node.args[1]));
    let rest = x.without(dim);
    if !space.tiled(&node.dims) || !space.tiled(label) || !rest.is_subset(&space.dims) {
        return false;
    }
    let table = !x.contains(space.lane) && !space.elementwise(&rest);
    table || (space.looped() == Some(dim) && !space.elementwise(label))
}

/// Nodes from this size on are read where they are stored; smaller ones are copied for each pass.
pub(super) const LARGE: usize = 4096;

/// What is stored in the lane type: large values of passes and products that nothing else reads.
fn in_lanes(
    dag: &Dag,
    live: &[bool],
    spaces: &[Space],
    place: &[Where],
    outputs: &[(Id, bool)],
) -> Vec<bool> {
    let large = |id: Id| {
        let node = dag.node(id);
        let made = matches!(node.op, Op::Dot(_)) || matches!(place[id], Where::Tile(_));
        live[id] && made && node.elem == Elem::Float && dag.count(id) > LARGE
    };
    let mut lanes: Vec<bool> = (0..dag.nodes.len()).map(large).collect();
    for (id, node) in dag.nodes.iter().enumerate().filter(|(id, _)| live[*id]) {
        for (at, &a) in node.args.iter().enumerate() {
            lanes[a] &= match (&node.op, place[id]) {
                (Op::Dot(_), _) => true,
                (op, Where::Tile(s) | Where::Across(s)) => {
                    // What is looked up is copied, unless lanes run along it.
                    let table = matches!(op, Op::Pick(_)) && at == 0;
                    spaces[s].tiled(dag.dims(a)) && (!table || spaces[s].elementwise(dag.dims(a)))
                }
                _ => false,
            };
        }
    }
    for &(id, direct) in outputs {
        lanes[id] &= direct;
    }
    lanes
}

/// What reading or writing a number costs, in additions.
pub(super) const MOVED: f64 = 3.0;

impl Schedule {
    /// The stage from which on the stored value of a node can be used.
    pub fn available(&self, dag: &Dag, id: Id) -> usize {
        match (self.place[id], &dag.node(id).op) {
            (_, Op::View(_)) => self.available(dag, dag.node(id).args[0]),
            (Where::Memory, _) => 0,
            (Where::Whole, _) => self.stage[id],
            (Where::Across(_) | Where::Tile(_), _) => self.stage[id] + 1,
        }
    }

    /// The earliest stage of every node.
    fn time(&mut self, dag: &Dag) {
        for id in 0..dag.nodes.len() {
            if self.live[id] {
                self.stage[id] = self.earliest(dag, id);
            }
        }
    }

    fn earliest(&self, dag: &Dag, id: Id) -> usize {
        let args = &dag.node(id).args;
        match self.place[id] {
            Where::Memory => 0,
            Where::Whole => args
                .iter()
                .map(|&a| self.available(dag, a))
                .max()
                .unwrap_or(0),
            Where::Tile(s) | Where::Across(s) => {
                let after = |&a: &Id| match self.place[a] {
                    Where::Tile(t) if t == s => self.stage[a],
                    _ => self.available(dag, a) + 1,
                };
                args.iter().map(after).max().unwrap_or(1).max(1)
            }
        }
    }

    /// Whole-tensor operations again, after reductions have been moved to later passes.
    fn time_wholes(&mut self, dag: &Dag) {
        for id in 0..dag.nodes.len() {
            if self.live[id] && self.place[id] == Where::Whole {
                self.stage[id] = self.earliest(dag, id);
            }
        }
    }

    /// The pass of a space at a stage.
    fn trip(&mut self, stage: usize, space: usize) -> &mut Trip {
        let key = (stage, space);
        let at = match self
            .trips
            .binary_search_by_key(&key, |t| (t.stage, t.space))
        {
            Ok(at) => at,
            Err(at) => {
                let trip = Trip {
                    stage,
                    space,
                    across: Vec::new(),
                    stored: Vec::new(),
                    outputs: Vec::new(),
                    keeps: Vec::new(),
                    finds: Vec::new(),
                };
                self.trips.insert(at, trip);
                at
            }
        };
        &mut self.trips[at]
    }

    fn sinks(&mut self, dag: &Dag, outputs: &[(Id, bool)]) {
        // Stores: what is used outside of its tiles.
        let mut stored = vec![false; dag.nodes.len()];
        for (id, node) in dag
            .nodes
            .iter()
            .enumerate()
            .filter(|(id, _)| self.live[*id])
        {
            for &a in &node.args {
                let Where::Tile(s) = self.place[a] else {
                    continue;
                };
                let inside = matches!(self.place[id], Where::Tile(t) | Where::Across(t) if t == s);
                stored[a] |= !inside;
            }
        }
        for &(id, direct) in outputs {
            stored[id] |= !direct && matches!(self.place[id], Where::Tile(_));
        }
        for (id, stored) in stored.iter().enumerate() {
            if let (true, Where::Tile(s)) = (stored, self.place[id]) {
                let lanes = self.lanes[id];
                let trip = self.trip(self.stage[id], s);
                if lanes {
                    &mut trip.keeps
                } else {
                    &mut trip.stored
                }
                .push(id);
            }
        }
        for (at, &(id, direct)) in outputs.iter().enumerate() {
            if let (true, Where::Tile(s)) = (direct, self.place[id]) {
                self.trip(self.stage[id], s).outputs.push((at, id));
            }
        }
        // Reductions that passes wait for keep their time; the others go where the least has to
        // be computed for them.
        let awaited = self.awaited(dag);
        let across: Vec<(Id, usize)> = (0..dag.nodes.len())
            .filter(|&id| self.live[id])
            .filter_map(|id| match self.place[id] {
                Where::Across(s) => Some((id, s)),
                _ => None,
            })
            .collect();
        for &(id, s) in across.iter().filter(|(id, _)| awaited[*id]) {
            self.trip(self.stage[id], s).across.push(id);
        }
        for &(id, s) in across.iter().filter(|(id, _)| !awaited[*id]) {
            let stage = self.cheapest(dag, id, s);
            self.stage[id] = stage;
            self.trip(stage, s).across.push(id);
        }
    }

    /// Nodes on which what passes compute depends.
    fn awaited(&self, dag: &Dag) -> Vec<bool> {
        let mut awaited = vec![false; dag.nodes.len()];
        for id in (0..dag.nodes.len()).rev().filter(|&id| self.live[id]) {
            if awaited[id] || matches!(self.place[id], Where::Tile(_) | Where::Across(_)) {
                dag.node(id).args.iter().for_each(|&a| awaited[a] = true);
            }
        }
        awaited
    }

    /// The stage at which a reduction costs least, given what the passes compute already.
    fn cheapest(&self, dag: &Dag, id: Id, space: usize) -> usize {
        let mut best = (f64::INFINITY, self.stage[id]);
        let own = self.closure(dag, space, [id], &[]);
        for trip in self
            .trips
            .iter()
            .filter(|t| t.space == space && t.stage >= self.stage[id])
        {
            let has = self.closure(dag, space, trip.roots(), &[]);
            let missing = own.iter().filter(|n| !has.contains(n));
            let cost: f64 = missing.map(|&n| self.price(dag, n)).sum();
            if cost < best.0 {
                best = (cost, trip.stage);
            }
        }
        best.1
    }

    pub fn price(&self, dag: &Dag, id: Id) -> f64 {
        let node = dag.node(id);
        let count = dag.count(id) as f64;
        match node.op {
            Op::Map(op) => count * weight(op),
            Op::Reduce(..) | Op::Pick(_) | Op::ArgMax(_) => dag.count(node.args[0]) as f64,
            Op::Leaf(..) | Op::View(_) => MOVED * count,
            _ => count,
        }
    }

    /// Everything that a pass computes or reads for these roots, in order; it does not look
    /// behind what it finds stored.
    pub fn closure(
        &self,
        dag: &Dag,
        space: usize,
        roots: impl IntoIterator<Item = Id>,
        finds: &[Id],
    ) -> Vec<Id> {
        let mut needed = vec![false; dag.nodes.len()];
        let roots: Vec<Id> = roots.into_iter().collect();
        roots.iter().for_each(|&id| needed[id] = true);
        for id in (0..dag.nodes.len()).rev() {
            let opened = roots.contains(&id) || self.place[id] == Where::Tile(space);
            if needed[id] && opened && !finds.contains(&id) {
                dag.node(id).args.iter().for_each(|&a| needed[a] = true);
            }
        }
        (0..dag.nodes.len()).filter(|&id| needed[id]).collect()
    }
}

impl Trip {
    /// The nodes that the pass is for.
    pub fn roots(&self) -> impl Iterator<Item = Id> + '_ {
        let outputs = self.outputs.iter().map(|o| o.1);
        self.across
            .iter()
            .chain(&self.stored)
            .chain(&self.keeps)
            .copied()
            .chain(outputs)
    }
}
