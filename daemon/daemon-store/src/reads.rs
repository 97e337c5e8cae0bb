//! What a view has read, and whether anything written since touches it.

use crate::key::{Key, Keyspace};
use std::collections::{HashMap, HashSet, VecDeque};

/// The most units and keys that validation looks back on; an older view is a conflict.
const WINDOW_UNITS_MAX: usize = 16_384;
const WINDOW_KEYS_MAX: usize = 200_000;

/// What a unit of work relied on. Made by [`View::take_reads`](crate::View::take_reads).
#[derive(Debug, Clone, Default)]
pub struct ReadSet {
    /// Epoch and position of the view; none if nothing was read.
    pub(crate) seen: Option<(u64, u64)>,
    pub(crate) keys: HashSet<Key>,
    pub(crate) ranges: Vec<(Vec<u8>, Vec<u8>)>,
    /// Records that were not read from the view, each as it was at a position of its own.
    pub(crate) earlier: HashMap<Key, u64>,
}

impl ReadSet {
    /// For units that rely on nothing they read.
    pub fn none() -> Self {
        Self::default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty() && self.earlier.is_empty()
    }

    /// Sorts the ranges and joins those that overlap, so that looking one up is a binary search.
    pub(crate) fn settle(&mut self) {
        self.ranges.sort();
        let mut joined: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(self.ranges.len());
        for (low, high) in self.ranges.drain(..) {
            match joined.last_mut() {
                Some(last) if low <= last.1 => last.1 = std::mem::take(&mut last.1).max(high),
                _ => joined.push((low, high)),
            }
        }
        self.ranges = joined;
    }

    fn touches(&self, key: &Key) -> bool {
        if self.keys.contains(key) {
            return true;
        }
        let after = self.ranges.partition_point(|(low, _)| low.as_slice() <= key.as_ref());
        after > 0 && key.as_ref() < self.ranges[after - 1].1.as_slice()
    }

    /// The oldest position that it speaks of, `seen` being that of its view.
    fn oldest(&self, seen: u64) -> u64 {
        let of_view = (!self.keys.is_empty() || !self.ranges.is_empty()).then_some(seen);
        of_view.into_iter().chain(self.earlier.values().copied()).min().unwrap_or(seen)
    }

    /// Whether a unit at `position` that wrote `key` came after what was read at `seen`, or earlier.
    fn is_broken_by(&self, position: u64, key: &Key, seen: u64) -> bool {
        (position > seen && self.touches(key)) || self.earlier.get(key).is_some_and(|at| position > *at)
    }
}

/// The keys of recent units, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Every unit after this position is in the window.
    floor: u64,
    units: VecDeque<(u64, Vec<Key>)>,
    keys: usize,
}

/// Why a read set does not hold any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// The view is older than the window.
    TooOld,
    /// This key was written since.
    Written(Key),
}

impl Window {
    /// Adds what a unit wrote, as far as a view may have relied on it.
    pub(crate) fn add<'a>(&mut self, position: u64, keys: impl Iterator<Item = &'a Key>) {
        let readable = |key: &&Key| {
            matches!(
                Keyspace::of(key),
                Keyspace::Documents
                    | Keyspace::Index
                    | Keyspace::Unique
                    | Keyspace::Idempotency
                    | Keyspace::Inbox
                    | Keyspace::Retries
                    | Keyspace::Meta
            )
        };
        let keys: Vec<Key> = keys.filter(readable).cloned().collect();
        self.keys += keys.len();
        self.units.push_back((position, keys));
        while self.units.len() > WINDOW_UNITS_MAX || (self.keys > WINDOW_KEYS_MAX && self.units.len() > 1) {
            if let Some((position, keys)) = self.units.pop_front() {
                self.floor = position;
                self.keys -= keys.len();
            }
        }
    }

    /// Forgets everything: views up to this position are too old.
    pub(crate) fn restart(&mut self, position: u64) {
        *self = Self { floor: position, units: VecDeque::new(), keys: 0 };
    }

    /// Whether what was read at a position still holds.
    pub(crate) fn check(&self, position: u64, reads: &ReadSet) -> Result<(), Stale> {
        if reads.is_empty() {
            return Ok(());
        }
        let oldest = reads.oldest(position);
        if oldest < self.floor {
            return Err(Stale::TooOld);
        }
        let since = self.units.partition_point(|(written, _)| *written <= oldest);
        for (written, keys) in self.units.range(since..) {
            if let Some(key) = keys.iter().find(|key| reads.is_broken_by(*written, key, position)) {
                return Err(Stale::Written(key.clone()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        [&[Keyspace::Documents as u8], text.as_bytes()].concat().into()
    }

    fn reads(keys: &[&str], ranges: &[(&str, &str)]) -> ReadSet {
        let ranges = ranges.iter().map(|(low, high)| (key(low).to_vec(), key(high).to_vec())).collect();
        let mut reads = ReadSet {
            seen: Some((0, 0)),
            keys: keys.iter().map(|text| key(text)).collect(),
            ranges,
            ..ReadSet::default()
        };
        reads.settle();
        reads
    }

    #[test]
    fn only_later_writes_to_what_was_read_count() {
        let mut window = Window::default();
        window.add(1, [key("a")].iter());
        window.add(2, [key("m"), key("z")].iter());
        assert_eq!(window.check(1, &reads(&["a"], &[])), Ok(()));
        assert_eq!(window.check(0, &reads(&["a"], &[])), Err(Stale::Written(key("a"))));
        assert_eq!(window.check(1, &reads(&[], &[("l", "n"), ("b", "c")])), Err(Stale::Written(key("m"))));
        assert_eq!(window.check(1, &reads(&[], &[("b", "m"), ("c", "d"), ("n", "z")])), Ok(()));
    }

    #[test]
    fn what_was_read_earlier_is_held_to_its_own_position() {
        let mut window = Window::default();
        for position in 1..=4 {
            window.add(position, [key("hot"), key(&position.to_string())].iter());
        }
        let earlier = |of: &[(&str, u64)]| {
            let earlier = of.iter().map(|(name, at)| (key(name), *at)).collect();
            ReadSet { earlier, ..reads(&["view"], &[]) }
        };
        assert_eq!(window.check(4, &earlier(&[("hot", 4), ("2", 2)])), Ok(()));
        assert_eq!(window.check(4, &earlier(&[("hot", 3), ("2", 2)])), Err(Stale::Written(key("hot"))));
        assert_eq!(window.check(4, &earlier(&[("hot", 4), ("2", 1)])), Err(Stale::Written(key("2"))));
        window.restart(4);
        assert_eq!(window.check(4, &earlier(&[("2", 3)])), Err(Stale::TooOld));
    }

    #[test]
    fn a_view_older_than_the_window_is_stale() {
        let mut window = Window::default();
        window.restart(5);
        assert_eq!(window.check(4, &reads(&["a"], &[])), Err(Stale::TooOld));
        assert_eq!(window.check(4, &reads(&[], &[])), Ok(()));
        assert_eq!(window.check(5, &reads(&["a"], &[])), Ok(()));
        (6..20_000).for_each(|position| window.add(position, [key("b")].iter()));
        assert_eq!(window.check(5, &reads(&["a"], &[])), Err(Stale::TooOld));
    }
}
