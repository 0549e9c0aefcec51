//! What to keep and what to compute again, at the least cost: a minimal cut.
//!
//! A value that is wanted is either found where it was kept, or computed again, and then its operands are wanted too. Each
//! value is two nodes of a network through which as much flows as possible, from what is wanted in any case to what has been
//! paid: one from which a keeper's price can flow on to the other, and one from which the price of computing it can be paid.
//! Where the flow leaves no way on, the prices that hold it up are the cheapest choice (Ford and Fulkerson, "Maximal flow
//! through a network", 1956; with operands that follow, Picard, "Maximal closure of a graph", 1976).

use std::collections::VecDeque;

/// A value that a loop may want.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// What it costs to keep and find it; nothing, if it cannot be kept.
    pub keep: Option<u32>,
    /// What it costs to compute it, its operands being there.
    pub again: u32,
    /// Its operands among the values.
    pub operands: Vec<usize>,
}

/// Which values to keep if some are wanted; of choices that cost the same, the one that computes least.
pub(super) fn kept(values: &[Value], wanted: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let mut network = Network {
        from: vec![Vec::new(); 2 * values.len() + 2],
        edges: Vec::new(),
    };
    let (source, sink) = (2 * values.len(), 2 * values.len() + 1);
    let (want, compute) = (|v: usize| 2 * v, |v: usize| 2 * v + 1);
    for v in wanted {
        network.edge(source, want(v), Network::ALL);
    }
    for (v, value) in values.iter().enumerate() {
        network.edge(want(v), compute(v), value.keep.unwrap_or(Network::ALL));
        network.edge(compute(v), sink, value.again);
        for &operand in &value.operands {
            network.edge(compute(v), want(operand), Network::ALL);
        }
    }
    let reached = network.fill(source, sink);
    let kept = |v| reached[want(v)].is_some() && reached[compute(v)].is_none();
    (0..values.len()).map(kept).collect()
}

/// Nodes, and edges through which so much more can flow. Each edge is followed by its opposite.
struct Network {
    /// The edges that leave a node.
    from: Vec<Vec<usize>>,
    /// Where an edge leads, and what it has room for.
    edges: Vec<(usize, u32)>,
}

impl Network {
    /// More than all prices together.
    const ALL: u32 = u32::MAX / 4;

    fn edge(&mut self, from: usize, to: usize, room: u32) {
        for (from, to, room) in [(from, to, room), (to, from, 0)] {
            self.from[from].push(self.edges.len());
            self.edges.push((to, room));
        }
    }

    /// Lets flow what can; returns the nodes that the source still reaches, with the edges that led there.
    fn fill(&mut self, source: usize, sink: usize) -> Vec<Option<usize>> {
        loop {
            let reached = self.reached(source);
            let mut way = Vec::new();
            let mut node = sink;
            while let (true, Some(edge)) = (node != source, reached[node]) {
                way.push(edge);
                node = self.edges[edge ^ 1].0;
            }
            let Some(room) = way.iter().map(|&edge| self.edges[edge].1).min() else {
                return reached;
            };
            for edge in way {
                self.edges[edge].1 -= room;
                self.edges[edge ^ 1].1 += room;
            }
        }
    }

    /// The nodes that a flow from the source reaches by the fewest edges, and the last of these.
    fn reached(&self, source: usize) -> Vec<Option<usize>> {
        let mut reached = vec![None; self.from.len()];
        let mut open = VecDeque::from([source]);
        while let Some(node) = open.pop_front() {
            for &edge in &self.from[node] {
                let (to, room) = self.edges[edge];
                if room > 0 && to != source && reached[to].is_none() {
                    reached[to] = Some(edge);
                    open.push_back(to);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, kept};
    use proptest::prelude::*;

    /// What a choice costs, and how many values it computes.
    fn cost(values: &[Value], wanted: &[usize], kept: &[bool]) -> (u32, usize) {
        let (mut price, mut computed) = (0, 0);
        let (mut open, mut seen) = (wanted.to_vec(), vec![false; values.len()]);
        while let Some(v) = open.pop() {
            if std::mem::replace(&mut seen[v], true) {
                continue;
            }
            match values[v].keep {
                Some(keep) if kept[v] => price += keep,
                _ => {
                    price += values[v].again;
                    computed += 1;
                    open.extend(&values[v].operands);
                }
            }
        }
        (price, computed)
    }

    /// Up to eight values, each with operands before it.
    fn values() -> impl Strategy<Value = Vec<Value>> {
        let value = (prop::option::weighted(0.8, 0..9u32), 0..9u32, any::<u8>());
        prop::collection::vec(value, 1..9).prop_map(|all| {
            let value = |(v, (keep, again, operands)): (usize, (Option<u32>, u32, u8))| Value {
                keep,
                again,
                operands: (0..v).filter(|a| operands >> a & 1 == 1).collect(),
            };
            all.into_iter().enumerate().map(value).collect()
        })
    }

    proptest! {
        #[test]
        fn no_other_choice_is_cheaper(values in values(), wanted in any::<u8>()) {
            let count = values.len();
            let wanted: Vec<usize> = (0..count).filter(|v| wanted >> v & 1 == 1).collect();
            let chosen = kept(&values, wanted.iter().copied());
            prop_assert!((0..count).all(|v| !chosen[v] || values[v].keep.is_some()));
            let all = (0..1 << count).map(|set: u32| (0..count).map(|v| set >> v & 1 == 1).collect());
            let least = all.map(|kept: Vec<bool>| cost(&values, &wanted, &kept)).min();
            prop_assert_eq!(Some(cost(&values, &wanted, &chosen)), least);
        }
    }

    /// Two functions of an input, and their sum, of which a loop wants the product with something else.
    #[test]
    fn one_sum_is_kept_rather_than_two_dear_terms() {
        let value = |keep, again, operands: &[usize]| Value {
            keep,
            again,
            operands: operands.to_vec(),
        };
        let values = [
            value(None, 2, &[]),
            value(Some(8), 10, &[0]),
            value(Some(8), 10, &[0]),
            value(Some(8), 2, &[1, 2]),
            value(None, 2, &[3]),
        ];
        assert_eq!(kept(&values, [4]), [false, false, false, true, false]);
        // One of the terms is kept besides where it is wanted too.
        assert_eq!(kept(&values, [4, 1]), [false, true, false, true, false]);
    }
}
