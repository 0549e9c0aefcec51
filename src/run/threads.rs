//! Work on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does the work for every part: for the first one here, for each other one on a thread of rayon's pool. Who
/// does what must not show in the results.
pub(in crate::run) fn each<P: Send>(mut parts: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    let Some(first) = parts.next() else {
        return;
    };
    // One part needs no pool.
    let Some(second) = parts.next() else {
        return work(first);
    };
    let work = &work;
    rayon::in_place_scope(|scope| {
        for part in std::iter::once(second).chain(parts) {
            scope.spawn(move |_| work(part));
        }
        work(first);
    });
}

/// Tasks, numbered in the order in which they lie in memory. Each worker has a share of neighbours, so that what is fetched
/// for the next task is fetched for the same processor; when its share is done it takes what others have left.
#[derive(Default)]
pub(in crate::run) struct Tasks {
    count: usize,
    /// How many of each share have been asked for.
    taken: Vec<AtomicUsize>,
}

impl Tasks {
    /// Shares tasks out anew.
    pub fn share(&mut self, count: usize, workers: usize) {
        self.count = count;
        self.taken.clear();
        self.taken.resize_with(workers, AtomicUsize::default);
    }

    /// The next task of a worker; from the end of a share if `backwards`.
    pub fn take(&self, worker: usize, backwards: bool) -> Option<usize> {
        let shares = self.taken.len();
        (worker..shares).chain(0..worker).find_map(|share| {
            let [first, end] = [share, share + 1].map(|share| self.count * share / shares);
            let n = self.taken[share].fetch_add(1, Ordering::Relaxed);
            (n < end - first).then(|| if backwards { end - 1 - n } else { first + n })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_taken_once_and_shares_are_neighbours() {
        let mut tasks = Tasks::default();
        for (count, workers) in [(0, 2), (1, 3), (7, 1), (7, 2), (10, 3), (5, 8)] {
            for backwards in [false, true] {
                tasks.share(count, workers);
                // The last worker is done with its share before another begins.
                let own = count - count * (workers - 1) / workers;
                let mut all: Vec<usize> = (0..own)
                    .filter_map(|_| tasks.take(workers - 1, backwards))
                    .collect();
                let mut share: Vec<usize> = (count - own..count).collect();
                if backwards {
                    share.reverse();
                }
                assert_eq!(all, share, "{count} tasks of {workers}");
                let mut turn = (0..workers).cycle();
                while let Some(task) = turn.next().and_then(|n| tasks.take(n, backwards)) {
                    all.push(task);
                }
                all.sort();
                assert_eq!(all, (0..count).collect::<Vec<_>>(), "{workers} workers");
            }
        }
    }
}
