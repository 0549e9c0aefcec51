//! Which entry of one dim an entry of another stands for: how tensors of two resolutions meet.

use std::ops::Range;

/// A rule that gives entries of one dim to those of another, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grid {
    /// Of n entries spread evenly over m, that in which the stretch of each begins: ⌊i·n/m⌋.
    /// PyTorch's `nearest`, in exact arithmetic.
    First,
    /// That in which the middle of the stretch lies: ⌊(2i + 1)·n/2m⌋. PyTorch's `nearest-exact`.
    Middle,
    /// Blocks of so many: ⌊i/k⌋. What is left at the end has none.
    Blocks(usize),
}

impl Grid {
    /// The entry among `of` that entry `i` of `among` stands for.
    pub fn source(self, i: usize, among: usize, of: usize) -> Option<usize> {
        let (wide, n, m) = (i as u128, of as u128, among as u128);
        let at = match self {
            Grid::First => wide * n / m,
            Grid::Middle => (2 * wide + 1) * n / (2 * m),
            Grid::Blocks(size) => wide / size as u128,
        };
        (at < n).then_some(at as usize)
    }

    /// For each of `among` entries the one of `of` that it stands for, as a range: of one, or empty.
    pub fn sources(self, among: usize, of: usize) -> Vec<Range<usize>> {
        let range = |i| match self.source(i, among, of) {
            Some(at) => at..at + 1,
            None => 0..0,
        };
        (0..among).map(range).collect()
    }

    /// For each of `of` entries those of `among` that stand for it: a stretch, since order is kept.
    pub fn takers(self, among: usize, of: usize) -> Vec<Range<usize>> {
        let mut takers = vec![0..0; of];
        for i in 0..among {
            if let Some(at) = self.source(i, among, of) {
                let taker: &mut Range<usize> = &mut takers[at];
                let start = if taker.end == 0 { i } else { taker.start };
                *taker = start..i + 1;
            }
        }
        takers
    }

    /// The name in the text form; blocks go by their size.
    pub fn name(self) -> String {
        match self {
            Grid::First => "first".into(),
            Grid::Middle => "middle".into(),
            Grid::Blocks(size) => size.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_two_resolutions() {
        let plain = |ranges: Vec<Range<usize>>| -> Vec<usize> {
            ranges.into_iter().map(|r| r.start).collect()
        };
        // torch.nn.functional.interpolate of 0, 1, … to that size.
        assert_eq!(plain(Grid::First.sources(3, 7)), [0, 2, 4]);
        assert_eq!(plain(Grid::Middle.sources(3, 7)), [1, 3, 5]);
        assert_eq!(plain(Grid::First.sources(5, 2)), [0, 0, 0, 1, 1]);
        assert_eq!(plain(Grid::Middle.sources(5, 2)), [0, 0, 1, 1, 1]);
        assert_eq!(Grid::First.takers(5, 2), [0..3, 3..5]);
        assert_eq!(Grid::Blocks(2).takers(7, 3), [0..2, 2..4, 4..6]);
        assert_eq!(Grid::Blocks(3).source(6, 7, 2), None);
    }

    #[test]
    fn nothing_stands_for_nothing() {
        for grid in [Grid::First, Grid::Middle, Grid::Blocks(2)] {
            assert_eq!(grid.sources(2, 0), [0..0, 0..0]);
            assert!(grid.sources(0, 2).is_empty());
            assert_eq!(grid.takers(0, 2), [0..0, 0..0]);
        }
    }
}
