//! What passes hand on to later ones, where that is cheaper than to compute it again.
//!
//! A value that has the size of a gradient waits in the memory of the gradient, until the pass that
//! writes it there has read it; besides, one number for each position is kept.

use super::dag::{Dag, Id, Op};
use super::schedule::{MOVED, Schedule, Where};
use crate::ir::Elem;

/// What one pass could keep for a later one.
#[derive(Clone, Debug, Default)]
struct Choice {
    /// Additions that it saves.
    saved: f64,
    earlier: usize,
    /// A node, and the output in whose memory it waits.
    large: Option<(Id, usize)>,
    small: Option<Id>,
}

impl Choice {
    fn nodes(&self) -> impl Iterator<Item = Id> {
        self.large.map(|(id, _)| id).into_iter().chain(self.small)
    }
}

impl Schedule {
    /// Chooses what is kept. `spare` says which outputs are of the lane type.
    pub fn keep(&mut self, dag: &Dag, spare: &[bool]) {
        for later in 0..self.trips.len() {
            let space = self.trips[later].space;
            let mut best = Choice::default();
            for earlier in 0..later {
                if self.trips[earlier].space != space {
                    continue;
                }
                if self.spaces[space].rows() {
                    self.keep_numbers_of_rows(dag, earlier, later);
                    continue;
                }
                let choice = self.best(dag, earlier, later, spare);
                if choice.saved > best.saved {
                    best = choice;
                }
            }
            for id in best.nodes() {
                self.hand_on(id, best.earlier, later);
            }
            if let Some((id, output)) = best.large {
                self.in_output[id] = Some(output);
            }
        }
    }

    fn hand_on(&mut self, id: Id, earlier: usize, later: usize) {
        self.trips[later].finds.push(id);
        if !self.trips[earlier].keeps.contains(&id) {
            self.trips[earlier].keeps.push(id);
        }
    }

    fn best(&self, dag: &Dag, earlier: usize, later: usize, spare: &[bool]) -> Choice {
        let lane = self.spaces[self.trips[later].space].lane;
        let nodes = self.wanted(dag, earlier, later, &[]);
        let mut large = vec![None];
        for &(output, written) in &self.trips[later].outputs {
            let dims = dag.dims(written);
            // Lanes that lie side by side.
            if spare[output] && dims.iter().last() == Some(lane) {
                // What the output is computed from has been read when it is written.
                let from = self.closure(dag, self.trips[later].space, [written], &[]);
                // What others wait for is stored elsewhere.
                let stored = |id: &Id| self.trips.iter().any(|t| t.keeps.contains(id));
                let same = nodes
                    .iter()
                    .filter(|id| dag.dims(**id) == dims && from.contains(id) && !stored(id));
                large.extend(same.map(|&id| Some((id, output))));
            }
        }
        let mut best = Choice::default();
        for large in large {
            let alone = Choice {
                earlier,
                large,
                ..Choice::default()
            };
            let found: Vec<Id> = alone.nodes().collect();
            let small = self.wanted(dag, earlier, later, &found);
            let small = small.into_iter().filter(|&id| self.small(dag, id));
            for small in small.map(Some).chain([None]) {
                let choice = self.rated(
                    dag,
                    later,
                    Choice {
                        small,
                        ..alone.clone()
                    },
                );
                if choice.saved > best.saved {
                    best = choice;
                }
            }
        }
        best
    }

    /// Whether a node is one number for each position.
    fn small(&self, dag: &Dag, id: Id) -> bool {
        match self.place[id] {
            Where::Tile(space) => !self.spaces[space].elementwise(dag.dims(id)),
            _ => false,
        }
    }

    /// What a later pass computes that an earlier one could, and what it uses for more than that.
    fn wanted(&self, dag: &Dag, earlier: usize, later: usize, found: &[Id]) -> Vec<Id> {
        let stage = self.trips[earlier].stage;
        let space = self.trips[later].space;
        let computed = self.computed(dag, later, found);
        let early = |id: Id| self.place[id] == Where::Tile(space) && self.stage[id] <= stage;
        // What waits in an output is overwritten by then.
        let free = |id: Id| self.in_output[id].is_none();
        let mut wanted = vec![false; dag.nodes.len()];
        for &id in &computed {
            if !early(id) {
                dag.node(id).args.iter().for_each(|&a| wanted[a] = true);
            }
        }
        self.trips[later].roots().for_each(|id| wanted[id] = true);
        let fits = |id: Id| early(id) && free(id) && dag.node(id).elem == Elem::Float;
        let chosen = computed.into_iter().filter(|&id| wanted[id] && fits(id));
        chosen.collect()
    }

    /// A choice with what it saves.
    fn rated(&self, dag: &Dag, later: usize, choice: Choice) -> Choice {
        let found: Vec<Id> = choice.nodes().collect();
        let cost = |nodes: Vec<Id>| nodes.iter().map(|&id| self.price(dag, id)).sum::<f64>();
        let saved = cost(self.computed(dag, later, &[])) - cost(self.computed(dag, later, &found));
        let trip = &self.trips[choice.earlier];
        let roots = trip.roots().chain(found.iter().copied());
        let more = cost(self.closure(dag, trip.space, roots, &trip.finds))
            - cost(self.closure(dag, trip.space, trip.roots(), &trip.finds));
        let moved = found.iter().map(|&id| 2.0 * MOVED * dag.count(id) as f64);
        Choice {
            saved: saved - more - moved.sum::<f64>(),
            ..choice
        }
    }

    /// What a pass computes or reads if it finds some more nodes stored, without those.
    fn computed(&self, dag: &Dag, trip: usize, found: &[Id]) -> Vec<Id> {
        let trip = &self.trips[trip];
        let finds: Vec<Id> = trip.finds.iter().chain(found).copied().collect();
        let mut all = self.closure(dag, trip.space, trip.roots(), &finds);
        all.retain(|id| !finds.contains(id));
        all
    }

    /// Keeps what is one number for a whole row.
    fn keep_numbers_of_rows(&mut self, dag: &Dag, earlier: usize, later: usize) {
        let space = self.trips[later].space;
        let again = self.computed(dag, later, &[]);
        for id in self.computed(dag, earlier, &[]) {
            let reduced = matches!(dag.node(id).op, Op::Reduce(..));
            if reduced && self.place[id] == Where::Tile(space) && again.contains(&id) {
                self.hand_on(id, earlier, later);
            }
        }
    }
}
