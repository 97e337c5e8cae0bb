//! Events whose time has not come. They hold back nobody: such an event joins its lane when it is due.

use contract_model::{EventHead, Sequence};
use std::collections::BTreeMap;

/// At most a window's worth of events by due time; the latest ones are left in the log and read again in time.
#[derive(Debug, Default)]
pub(crate) struct Delayed {
    by_due: BTreeMap<(u64, Sequence), (EventHead, bool)>,
    due_of: BTreeMap<Sequence, u64>,
    /// The first event left in the log, and when the earliest of those is due.
    pub(crate) left: Option<(Sequence, u64)>,
}

impl Delayed {
    pub(crate) fn len(&self) -> usize {
        self.by_due.len()
    }

    pub(crate) fn contains(&self, sequence: Sequence) -> bool {
        self.due_of.contains_key(&sequence)
    }

    /// The first event that the cursor may not pass.
    pub(crate) fn first(&self) -> Option<Sequence> {
        let held =
            self.due_of.iter().find(|(sequence, due)| !self.is_again(**due, **sequence)).map(|(sequence, _)| *sequence);
        held.into_iter().chain(self.left.map(|(sequence, _)| sequence)).min()
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let held = self.by_due.first_key_value().map(|((due, _), _)| *due);
        held.into_iter().chain(self.left.map(|(_, due)| due)).min()
    }

    /// Keeps an event until `due_ms`. Gives whether a redelivered one found room; others always do, if need be
    /// by leaving the latest in the log.
    pub(crate) fn keep(&mut self, head: EventHead, due_ms: u64, again: bool, room: usize) -> bool {
        let sequence = head.sequence;
        if again && self.len() >= room && !self.leave_latest() {
            return false;
        }
        self.by_due.insert((due_ms, sequence), (head, again));
        self.due_of.insert(sequence, due_ms);
        if self.len() > room {
            self.leave_latest();
        }
        true
    }

    /// Takes the first event that is due.
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<(EventHead, bool)> {
        let (&place, _) = self.by_due.first_key_value().filter(|((due, _), _)| *due <= now_ms)?;
        self.due_of.remove(&place.1);
        self.by_due.remove(&place)
    }

    /// Forgets an event, if it is held: it is handled before its time, or needs to wait no longer. Gives
    /// whether it was.
    pub(crate) fn remove(&mut self, sequence: Sequence) -> bool {
        let due_ms = self.due_of.remove(&sequence);
        due_ms.is_some_and(|due_ms| self.by_due.remove(&(due_ms, sequence)).is_some())
    }

    fn is_again(&self, due_ms: u64, sequence: Sequence) -> bool {
        self.by_due.get(&(due_ms, sequence)).is_some_and(|(_, again)| *again)
    }

    fn leave_latest(&mut self) -> bool {
        let latest = self.by_due.iter().rev().find(|(_, (_, again))| !again).map(|(place, _)| *place);
        let Some((due_ms, sequence)) = latest else { return false };
        self.by_due.remove(&(due_ms, sequence));
        self.due_of.remove(&sequence);
        let (first, earliest) = self.left.unwrap_or((sequence, due_ms));
        self.left = Some((first.min(sequence), earliest.min(due_ms)));
        true
    }
}
