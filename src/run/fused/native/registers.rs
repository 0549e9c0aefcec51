//! Which value is in which register, along straight-line code.
//!
//! A value that finds no register takes that of the one whose next use lies farthest ahead (Belady
//! 1966), which goes to the stack, once, unless it can be read again from where it came.

use super::graph::Id;

/// Where the next use of a value is that has none.
const NEVER: u32 = u32::MAX;

/// A set of registers of one kind.
pub(super) struct Bank {
    /// What each register holds.
    holds: Vec<Option<Id>>,
    /// Registers that are not given away: reserved ones, and those of the instruction at hand.
    locked: Vec<bool>,
    /// The register of each value.
    of: Vec<Option<u8>>,
}

/// What must happen to make room.
pub(super) enum Room {
    /// The register is free.
    Free(u8),
    /// It holds a value that is still needed.
    Taken(u8, Id),
}

impl Bank {
    pub fn new(values: usize, size: usize) -> Bank {
        Bank {
            holds: vec![None; size],
            locked: vec![false; size],
            of: vec![None; values],
        }
    }

    pub fn of(&self, id: Id) -> Option<u8> {
        self.of[id.index()]
    }

    /// A register to write to, which stays locked.
    pub fn room(&mut self, usable: std::ops::Range<u8>, uses: &Uses) -> Room {
        let open = |bank: &Bank, r: u8| !bank.locked[r as usize];
        let free = usable
            .clone()
            .find(|&r| open(self, r) && self.holds[r as usize].is_none());
        if let Some(r) = free {
            self.locked[r as usize] = true;
            return Room::Free(r);
        }
        let taken = usable.filter(|&r| open(self, r));
        let next = |r: &u8| self.holds[*r as usize].map_or(NEVER, |id| uses.next(id));
        let r = taken
            .max_by_key(next)
            .expect("an instruction has few operands");
        self.locked[r as usize] = true;
        match self.holds[r as usize].take() {
            Some(id) => {
                self.of[id.index()] = None;
                Room::Taken(r, id)
            }
            None => Room::Free(r),
        }
    }

    /// Gives a register to a value.
    pub fn give(&mut self, r: u8, id: Id) {
        if let Some(old) = self.holds[r as usize].replace(id) {
            self.of[old.index()] = None;
        }
        self.of[id.index()] = Some(r);
    }

    pub fn lock(&mut self, r: u8) {
        self.locked[r as usize] = true;
    }

    pub fn unlock_all(&mut self) {
        self.locked.fill(false);
    }

    /// The register is no longer needed for its value.
    pub fn drop(&mut self, id: Id) {
        if let Some(r) = self.of[id.index()].take() {
            self.holds[r as usize] = None;
        }
    }
}

/// Where values are used.
pub(super) struct Uses {
    /// The steps that use each value, in order.
    at: Vec<Vec<u32>>,
    /// How many of these have passed.
    passed: Vec<usize>,
}

impl Uses {
    pub fn new(values: usize) -> Uses {
        Uses {
            at: vec![Vec::new(); values],
            passed: vec![0; values],
        }
    }

    /// A step uses a value. Steps come in order.
    pub fn add(&mut self, id: Id, step: usize) {
        self.at[id.index()].push(step as u32);
    }

    /// How often it is still used.
    pub fn left(&self, id: Id) -> usize {
        self.at[id.index()].len() - self.passed[id.index()]
    }

    fn next(&self, id: Id) -> u32 {
        let passed = self.passed[id.index()];
        self.at[id.index()].get(passed).copied().unwrap_or(NEVER)
    }

    /// One use has passed.
    pub fn pass(&mut self, id: Id) {
        self.passed[id.index()] += 1;
    }

    /// Begins anew.
    pub fn rewind(&mut self) {
        self.passed.fill(0);
    }
}
