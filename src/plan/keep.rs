//! What passes hand on to later ones, where that is cheaper than to compute it again.
//!
//! A value that has the size of a gradient waits in the memory of the gradient, until the pass that
//! writes the gradient has read it; besides, a pass finds at most one number for each position.

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
        let nodes = self.common(dag, earlier, later, &[]);
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
        let alone = self.cost(dag, earlier, &[], &[]) + self.cost(dag, later, &[], &[]);
        let mut best = Choice::default();
        for large in large {
            let found: Vec<Id> = large.into_iter().map(|(id, _)| id).collect();
            let small = self.common(dag, earlier, later, &found);
            let small = small.into_iter().filter(|&id| self.small(dag, id));
            for small in small.map(Some).chain([None]) {
                let mut choice = Choice {
                    saved: 0.0,
                    earlier,
                    large,
                    small,
                };
                let kept: Vec<Id> = choice.nodes().collect();
                let moved = kept.iter().map(|&id| 2.0 * MOVED * dag.count(id) as f64);
                choice.saved = alone
                    - self.cost(dag, earlier, &kept, &[])
                    - self.cost(dag, later, &[], &kept)
                    - moved.sum::<f64>();
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

    /// What a later pass computes that an earlier one could.
    fn common(&self, dag: &Dag, earlier: usize, later: usize, found: &[Id]) -> Vec<Id> {
        let stage = self.trips[earlier].stage;
        let space = self.trips[later].space;
        let fits = |id: &Id| {
            self.place[*id] == Where::Tile(space)
                && self.stage[*id] <= stage
                && dag.node(*id).elem == Elem::Float
                // What waits in an output is overwritten by then.
                && self.in_output[*id].is_none()
        };
        let mut common = self.computed(dag, later, &[], found);
        common.retain(fits);
        common
    }

    /// What a pass costs that keeps some more nodes and finds some.
    fn cost(&self, dag: &Dag, trip: usize, kept: &[Id], found: &[Id]) -> f64 {
        let computed = self.computed(dag, trip, kept, found);
        computed.iter().map(|&id| self.price(dag, id)).sum()
    }

    /// What such a pass computes or reads, but for what it finds.
    fn computed(&self, dag: &Dag, trip: usize, kept: &[Id], found: &[Id]) -> Vec<Id> {
        let trip = &self.trips[trip];
        let finds: Vec<Id> = trip.finds.iter().chain(found).copied().collect();
        let roots = trip.roots().chain(kept.iter().copied());
        let mut all = self.closure(dag, trip.space, roots, &finds);
        all.retain(|id| !finds.contains(id));
        all
    }

    /// Keeps what is one number for a whole row.
    fn keep_numbers_of_rows(&mut self, dag: &Dag, earlier: usize, later: usize) {
        let space = self.trips[later].space;
        let again = self.computed(dag, later, &[], &[]);
        for id in self.computed(dag, earlier, &[], &[]) {
            let reduced = matches!(dag.node(id).op, Op::Reduce(..));
            if reduced && self.place[id] == Where::Tile(space) && again.contains(&id) {
                self.hand_on(id, earlier, later);
            }
        }
    }
}
