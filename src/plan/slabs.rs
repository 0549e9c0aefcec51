//! Which values of earlier loops a loop finds in slabs, and which it computes again.

use super::cut::{self, Value};
use super::dag::{Id, Op};
use super::space::weight;
use super::tile::Lower;
use crate::ir::MapOp;
use std::collections::HashMap;

/// Rows up to this size are kept from loop to loop; larger ones leave the second cache.
const ROW_BYTES: usize = 256 * 1024;

/// Rows up to this size are still in the last cache.
const LARGE_ROW_BYTES: usize = 2 * 1024 * 1024;

/// So many of those at most are kept for each loop.
const LARGE_ROWS: usize = 3;

// Prices are in halves of an addition for each element.

/// What it costs to keep a value: one addition is done again, two are not.
const KEPT: u32 = 3;

/// What it costs to keep a large row: less than an exponential.
const LARGE_ROW_KEPT: u32 = 8;

/// What it costs to read an array.
const READ: u32 = 2;

impl Lower<'_> {
    /// What a value of a whole row takes, in bytes; nothing, where lanes run along planes.
    fn row_bytes(&self) -> usize {
        match self.space.rows() {
            true => self.stores.dag.sizes.get(self.space.lane) * self.stores.lane.size(),
            false => 0,
        }
    }

    /// What it costs to keep a value of an earlier loop.
    fn keeping(&self) -> Option<u32> {
        match self.row_bytes() {
            bytes if bytes <= ROW_BYTES => Some(KEPT),
            bytes if bytes <= LARGE_ROW_BYTES => Some(LARGE_ROW_KEPT),
            _ => None,
        }
    }

    /// Whether what an earlier loop has read is kept for others.
    fn kept_when_read(&self, id: Id) -> bool {
        self.row_bytes() <= ROW_BYTES && (!self.space.rows() || !self.in_place(id))
    }

    /// What it costs to compute or read a value whose operands are there.
    fn price(&self, id: Id) -> u32 {
        match self.op(id) {
            Op::Const(_) => 0,
            _ if !self.internal(id) => READ,
            // A division takes as long as several other instructions.
            Op::Map(MapOp::Div) => 6,
            Op::Map(op) => (2.0 * weight(*op)) as u32,
            _ => 2,
        }
    }

    /// Chooses what is kept between loops, the last loop first, which wants the most.
    pub fn choose_slabs(&mut self) {
        for depth in (0..self.loops()).rev() {
            let mut roots = self.roots_of_loop(depth);
            roots.extend(self.slabs.keys().filter(|&&id| self.depth[id] == depth));
            // Where there is no room for all large rows, those that cost the least are computed again.
            let mut again = Vec::new();
            let kept = loop {
                let kept = self.kept_for(depth, &roots, &again);
                let new = kept.iter().filter(|id| !self.slabs.contains_key(id));
                if self.row_bytes() <= ROW_BYTES || new.clone().count() <= LARGE_ROWS {
                    break kept;
                }
                again.extend(new.min_by_key(|&&id| self.price(id)));
            };
            self.slabs
                .extend(kept.into_iter().map(|id| (id, usize::MAX)));
        }
    }

    /// What a loop that has to compute some values finds kept, but for some that are not to be.
    fn kept_for(&self, depth: i32, roots: &[Id], again: &[Id]) -> Vec<Id> {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        let mut numbers: HashMap<Id, usize> = HashMap::new();
        let mut number = |id: Id, ids: &mut Vec<Id>| {
            let inside = self.elementwise(id) && self.tiled(id);
            inside.then(|| {
                *numbers.entry(id).or_insert_with(|| {
                    ids.push(id);
                    ids.len() - 1
                })
            })
        };
        let mut wanted = |all: &[Id], ids: &mut Vec<Id>| -> Vec<usize> {
            all.iter().filter_map(|&id| number(id, ids)).collect()
        };
        let roots = wanted(roots, &mut ids);
        // Values are numbered as they come up.
        while let Some(&id) = ids.get(values.len()) {
            let computed = self.internal(id);
            let operands = match computed {
                true => wanted(&self.stores.dag.node(id).args, &mut ids),
                false => Vec::new(),
            };
            let keep = match self.depth[id] < depth {
                true if self.slabs.contains_key(&id) => Some(0),
                true if again.contains(&id) => None,
                true if computed => self.keeping(),
                true => self.kept_when_read(id).then_some(0),
                false => None,
            };
            values.push(Value {
                keep,
                again: self.price(id),
                operands,
            });
        }
        let kept = cut::kept(&values, roots);
        let kept = ids.into_iter().zip(kept);
        kept.filter_map(|(id, kept)| kept.then_some(id)).collect()
    }
}
