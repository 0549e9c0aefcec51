//! Several vectors at once: the steps for each of them in turns.
//!
//! A step waits for those before it that it needs, some four cycles each, and a processor looks only so far ahead
//! for others: less than the steps of one vector. Next to each other it finds those of several.

use super::emit::VECTOR;
use super::graph::{Address, Effect, Id, Item, Node};
use super::trace::{Ask, Stretch};
use std::collections::HashSet;

/// Registers that values may have, sums left aside.
const REGISTERS: usize = 32;

/// Vectors of fewer steps need not be more than two: a processor looks as far ahead as the next ones.
const LONG: usize = 64;

/// How many vectors to do at once: four, if they are long and the registers hold what all of them hold at once.
pub(super) fn size(stretch: &Stretch) -> usize {
    match stretch.waits {
        true if stretch.items.len() >= LONG && 4 * live(stretch) <= REGISTERS => 4,
        true => 2,
        false => 1,
    }
}

/// How many vectors a stretch holds at once at most, numbers that are read where they lie left out.
fn live(stretch: &Stretch) -> usize {
    let held = |id: &Id| {
        let node = &stretch.nodes[id.index()];
        let number = matches!(node, Node::Const(_) | Node::All { .. });
        !number && !node.is_mask()
    };
    let (mut live, mut most) = (HashSet::new(), 0);
    for item in stretch.items.iter().rev() {
        match item {
            Item::Value(id) => {
                live.remove(id);
                let operands = stretch.nodes[id.index()].operands().iter();
                live.extend(operands.copied().filter(held));
            }
            Item::Effect(effect) => {
                live.insert(effect.value());
            }
        }
        most = most.max(live.len());
    }
    most
}

/// The steps of a stretch for so many vectors, one behind the other, in turns. What is the same in all lanes is done once.
pub(super) fn group(stretch: &Stretch, count: usize) -> Stretch {
    let mut nodes = stretch.nodes.clone();
    // The values of each vector for each of the first.
    let mut own: Vec<Vec<Id>> = vec![(0..nodes.len()).map(Id::of).collect()];
    for n in 1..count {
        let mut values: Vec<Id> = Vec::with_capacity(stretch.nodes.len());
        for (first, node) in stretch.nodes.iter().enumerate() {
            let next = behind(node, &values, n);
            values.push(if next == *node {
                Id::of(first)
            } else {
                nodes.push(next);
                Id::of(nodes.len() - 1)
            });
        }
        own.push(values);
    }
    let mut items = Vec::with_capacity(count * stretch.items.len());
    for item in &stretch.items {
        for (n, values) in own.iter().enumerate() {
            match item {
                Item::Value(id) if n > 0 && values[id.index()] == *id => {}
                Item::Value(id) => items.push(Item::Value(values[id.index()])),
                Item::Effect(effect) => items.push(Item::Effect(effect_behind(effect, values, n))),
            }
        }
    }
    let asks = stretch.asks.iter().flat_map(|ask| {
        (0..count).map(|n| Ask {
            at: further(ask.at, ask.size, n),
            ..*ask
        })
    });
    Stretch {
        nodes,
        items,
        streams: stretch.streams.clone(),
        sums: stretch.sums.clone(),
        arrays: stretch.arrays.clone(),
        asks: asks.collect(),
        crowded: stretch.crowded,
        waits: false,
    }
}

/// Where a vector of elements of so many bytes begins that is so many vectors behind.
fn further(at: Address, size: usize, vectors: usize) -> Address {
    Address {
        disp: at.disp + (vectors * VECTOR * size) as i32,
        ..at
    }
}

fn behind(node: &Node, values: &[Id], vectors: usize) -> Node {
    let of = |id: Id| values[id.index()];
    let further = |at: Address, size: usize| further(at, size, vectors);
    match *node {
        Node::Const(_) | Node::All { .. } => *node,
        Node::Lanes { at, fixed } => Node::Lanes {
            at: further(at, size_of::<f32>()),
            fixed,
        },
        Node::Floats { at, dtype } => Node::Floats {
            at: further(at, dtype.size()),
            dtype,
        },
        Node::Ints { at, dtype } => Node::Ints {
            at: further(at, dtype.size()),
            dtype,
        },
        Node::Entry {
            index,
            at,
            classes,
            stride,
        } => Node::Entry {
            index: of(index),
            at,
            classes,
            stride,
        },
        Node::Op(op, args) => Node::Op(op, args.map(of)),
    }
}

fn effect_behind(effect: &Effect, values: &[Id], vectors: usize) -> Effect {
    let of = |id: Id| values[id.index()];
    let further = |at: Address| further(at, size_of::<f32>(), vectors);
    match *effect {
        Effect::Keep { at, value } => Effect::Keep {
            at: further(at),
            value: of(value),
        },
        Effect::Store { at, past, value } => Effect::Store {
            at: further(at),
            past,
            value: of(value),
        },
        Effect::Sum { sum, value } => Effect::Sum {
            sum,
            value: of(value),
        },
    }
}
