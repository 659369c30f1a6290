//! Who may run now. Pure: no clock, no process; whoever asks acts on the answers.

use std::collections::{BTreeSet, VecDeque};

/// Reads that run at the same time.
pub const READS_AT_ONCE: usize = 3;

/// Changes that run at the same time: each sees what the one before it left.
pub const CHANGES_AT_ONCE: usize = 1;

/// Entries that may wait in each lane; one more is refused at once.
pub const DEPTH: usize = 64;

/// What kind of command it is. The lanes know nothing of each other: a change never waits for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Looks at something; several run at once.
    Read,
    /// Changes something; strictly one after the other.
    Change,
}

/// An entry of the queue; they count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(pub(crate) u64);

/// What becomes of a new entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It runs.
    Runs,
    /// It waits until another's end lets it run.
    Waits,
    /// Too many wait already.
    Refused,
}

/// Both lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    entries: u64,
    reads: Row,
    changes: Row,
}

/// One lane: a few that run, and those that wait in the order they came.
#[derive(Debug)]
struct Row {
    at_once: usize,
    running: BTreeSet<Id>,
    waiting: VecDeque<Id>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            entries: 0,
            reads: Row::new(READS_AT_ONCE),
            changes: Row::new(CHANGES_AT_ONCE),
        }
    }
}

impl Lanes {
    /// A new entry; a refused one has an id too, but no place.
    pub(crate) fn submit(&mut self, lane: Lane) -> (Id, Admission) {
        self.entries += 1;
        let id = Id(self.entries);
        let row = match lane {
            Lane::Read => &mut self.reads,
            Lane::Change => &mut self.changes,
        };
        (id, row.admit(id))
    }

    /// An entry has ended, or does not want its turn any more: gives the one that runs in its place. One that
    /// is not here, or left before, changes nothing.
    pub(crate) fn leave(&mut self, id: Id) -> Option<Id> {
        self.reads.leave(id).or_else(|| self.changes.leave(id))
    }
}

impl Row {
    fn new(at_once: usize) -> Self {
        Self {
            at_once,
            running: BTreeSet::new(),
            waiting: VecDeque::new(),
        }
    }

    fn admit(&mut self, id: Id) -> Admission {
        if self.running.len() < self.at_once {
            self.running.insert(id);
            return Admission::Runs;
        }
        if self.waiting.len() >= DEPTH {
            return Admission::Refused;
        }
        self.waiting.push_back(id);
        Admission::Waits
    }

    fn leave(&mut self, id: Id) -> Option<Id> {
        if !self.running.remove(&id) {
            self.waiting.retain(|waiting| *waiting != id);
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.running.insert(next);
        Some(next)
    }
}

#[cfg(test)]
mod tests;
