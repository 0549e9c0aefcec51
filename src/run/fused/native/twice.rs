//! Two vectors at once: the steps for one and for the next in turns.
//!
//! A step waits for those before it that it needs, some four cycles each, and a processor looks only so far ahead
//! for others: less than the steps of one vector. Next to each other it finds those of two.

use super::emit::VECTOR;
use super::graph::{Address, Effect, Id, Item, Node};
use super::trace::{Ask, Stretch};

/// The steps of a stretch for a vector and the one behind it, in turns. What is the same in all lanes is done once.
pub(super) fn twice(stretch: &Stretch) -> Stretch {
    let mut nodes = stretch.nodes.clone();
    // The value of the second vector for each of the first.
    let mut second: Vec<Id> = Vec::with_capacity(nodes.len());
    for (n, node) in stretch.nodes.iter().enumerate() {
        let next = behind(node, &second);
        second.push(if next == *node {
            Id::of(n)
        } else {
            nodes.push(next);
            Id::of(nodes.len() - 1)
        });
    }
    let mut items = Vec::with_capacity(2 * stretch.items.len());
    for item in &stretch.items {
        items.push(*item);
        match item {
            Item::Value(id) if second[id.index()] == *id => {}
            Item::Value(id) => items.push(Item::Value(second[id.index()])),
            Item::Effect(effect) => items.push(Item::Effect(effect_behind(effect, &second))),
        }
    }
    let asks = stretch.asks.iter().flat_map(|ask| {
        let at = next(ask.at, ask.size);
        [*ask, Ask { at, ..*ask }]
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

/// Where the next vector of elements of so many bytes begins.
fn next(at: Address, size: usize) -> Address {
    Address {
        disp: at.disp + (VECTOR * size) as i32,
        ..at
    }
}

fn behind(node: &Node, second: &[Id]) -> Node {
    let of = |id: Id| second[id.index()];
    match *node {
        Node::Const(_) | Node::All { .. } => *node,
        Node::Lanes { at, fixed } => Node::Lanes {
            at: next(at, size_of::<f32>()),
            fixed,
        },
        Node::Floats { at, dtype } => Node::Floats {
            at: next(at, dtype.size()),
            dtype,
        },
        Node::Ints { at, dtype } => Node::Ints {
            at: next(at, dtype.size()),
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

fn effect_behind(effect: &Effect, second: &[Id]) -> Effect {
    let of = |id: Id| second[id.index()];
    match *effect {
        Effect::Keep { at, value } => Effect::Keep {
            at: next(at, size_of::<f32>()),
            value: of(value),
        },
        Effect::Store { at, past, value } => Effect::Store {
            at: next(at, size_of::<f32>()),
            past,
            value: of(value),
        },
        Effect::Sum { sum, value } => Effect::Sum {
            sum,
            value: of(value),
        },
    }
}
