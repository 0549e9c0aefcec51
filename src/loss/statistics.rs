//! [`Statistics`] and [`Pooled`]: the few numbers that shards of a batch exchange.

use crate::diag::{Code, Diagnostic};
use crate::shard::Merge;
use std::sync::Arc;

/// What a shard adds to what is pooled in one round: numbers, and how each is pooled.
///
/// The numbers are plain f64, so that they can be sent to other processes: see
/// [`Statistics::values`] and [`Statistics::with_values`].
#[derive(Clone, PartialEq, Debug)]
pub struct Statistics {
    pub(super) round: usize,
    pub(super) rounds: usize,
    pub(super) layout: Arc<Vec<Part>>,
    pub(super) values: Vec<f64>,
}

/// A run of numbers that are pooled in one way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Part {
    /// What they are, for messages.
    pub what: String,
    pub merge: Merge,
    pub len: usize,
}

impl Statistics {
    /// The numbers. Their meaning is that of the spec; how many there are depends on the sizes of
    /// the axes that are not sharded, never on the size of the shard.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How each number is pooled with those of other shards, for an all-reduce: the numbers of each kind
    /// may be reduced at once, those that are the same stay as they are, and the result of
    /// [`Statistics::with_values`] is pooled alone.
    pub fn merges(&self) -> Vec<Merge> {
        let parts = self.layout.iter();
        parts
            .flat_map(|part| std::iter::repeat_n(part.merge, part.len))
            .collect()
    }

    /// Statistics of the same kind with other numbers: those that another process has computed of its
    /// shard, or that an all-reduce has made of all.
    pub fn with_values(&self, values: Vec<f64>) -> Statistics {
        Statistics {
            values,
            ..self.clone()
        }
    }
}

/// What is known of the whole batch, after some rounds or all.
#[derive(Clone, PartialEq, Debug)]
pub struct Pooled {
    pub(super) rounds: usize,
    pub(super) known: Vec<Statistics>,
}

impl Pooled {
    /// Whether all rounds are done, so that the loss and its gradient can be computed.
    pub fn is_complete(&self) -> bool {
        self.known.len() == self.rounds
    }

    /// How many rounds there are: how often shards wait for each other.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// How many shards have been pooled.
    pub fn shards(&self) -> usize {
        self.known
            .first()
            .map_or(0, |first| first.values[0] as usize)
    }

    /// Pools the parts of all shards of the batch, in the order of the shards.
    pub(super) fn pool(&mut self, parts: &[Statistics]) -> Result<(), Box<Diagnostic>> {
        let wrong = |message: String| Diagnostic::error(Code::BadShard, message);
        let Some(first) = parts.first() else {
            return Err(Box::new(wrong("there are no shards to pool".into())));
        };
        let round = self.known.len();
        let expected: usize = first.layout.iter().map(|part| part.len).sum();
        for (i, part) in parts.iter().enumerate() {
            if part.round != round {
                return Err(Box::new(
                    wrong(format!(
                        "shard {i} has statistics of round {}, and round {round} is to be pooled",
                        part.round
                    ))
                    .help("every round takes statistics from every shard, one after the other"),
                ));
            }
            if part.values.len() != expected {
                return Err(Box::new(
                    wrong(format!(
                        "shard {i} has {} statistics, and {expected} are expected",
                        part.values.len()
                    ))
                    .help("shards differ in the size of one axis alone, and come from one spec"),
                ));
            }
        }
        let mut values = Vec::with_capacity(first.values.len());
        let numbers = first.layout.iter();
        let numbers = numbers.flat_map(|part| std::iter::repeat_n(part, part.len));
        for (i, part) in numbers.enumerate() {
            let all: Vec<f64> = parts.iter().map(|part| part.values[i]).collect();
            let Some(pooled) = part.merge.pool(&all) else {
                let other = all.iter().position(|x| x.to_bits() != all[0].to_bits());
                let other = other.unwrap_or(0);
                return Err(Box::new(
                    wrong(format!(
                        "{} is {} in shard 0 and {} in shard {other}",
                        part.what, all[0], all[other]
                    ))
                    .help("shards differ in the size of one axis alone, and come from one spec"),
                ));
            };
            values.push(pooled);
        }
        self.rounds = first.rounds;
        self.known.push(first.with_values(values));
        Ok(())
    }
}
