//! What a worker holds of the store while it handles a lane: which records, and as of when. Pure.
//!
//! The worker takes records from earlier items of the lane without asking, and tells which. They hold where nothing
//! but those items has changed them, and where what those changed was decided; this side knows both.

use daemon_frame::{Done, Ended, Write};
use std::collections::HashMap;

/// Collections with ids.
type Named = [(String, Vec<String>)];

/// Records by collection and id, each with the position of the store at which it is as the worker holds it.
#[derive(Debug, Default)]
pub(crate) struct Held {
    lane: Option<u32>,
    epoch: u64,
    records: HashMap<String, HashMap<String, u64>>,
}

/// Records that an item took from what its worker held.
#[derive(Debug, Default)]
pub(crate) struct Relied {
    /// The epoch in which they were met.
    pub(crate) epoch: u64,
    /// Collection, id and the position at which it is so.
    pub(crate) records: Vec<(String, String, u64)>,
}

impl Held {
    /// Goes on with a lane; another one than before knows nothing yet, and neither does one after a flush failed.
    pub(crate) fn enter(&mut self, lane: Option<u32>, epoch: u64) {
        if self.lane != lane || self.epoch != epoch {
            *self = Self { lane, epoch, records: HashMap::new() };
        }
    }

    /// The worker was told these records as they are at a position. What a snapshot of an epoch that is over has told
    /// is not held: a position of it means something else now.
    pub(crate) fn told(&mut self, wanted: &Named, epoch: u64, position: u64) {
        if self.lane.is_none() || epoch != self.epoch {
            return;
        }
        for (collection, ids) in wanted {
            let known = self.records.entry(collection.clone()).or_default();
            known.extend(ids.iter().map(|id| (id.clone(), position)));
        }
    }

    /// An item's changes were decided at a position, or came to nothing.
    pub(crate) fn changed(&mut self, written: &[(String, String)], decided: Option<u64>) {
        if self.lane.is_none() {
            return;
        }
        for (collection, id) in written {
            let known = self.records.entry(collection.clone()).or_default();
            match decided {
                Some(position) => drop(known.insert(id.clone(), position)),
                None => drop(known.remove(id)),
            }
        }
    }

    /// What an item relied on, or the record that the worker took from an item that came to nothing.
    pub(crate) fn relied(&self, taken: &Named) -> Result<Relied, String> {
        let mut records = Vec::with_capacity(taken.iter().map(|(_, ids)| ids.len()).sum());
        for (collection, ids) in taken {
            let known = self.records.get(collection);
            for id in ids {
                let position = known.and_then(|known| known.get(id)).ok_or_else(|| {
                    format!("record `{id}` of `{collection}`, which an earlier unit of work meant to change")
                })?;
                records.push((collection.clone(), id.clone(), *position));
            }
        }
        Ok(Relied { epoch: self.epoch, records })
    }
}

impl Relied {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The newest position that it speaks of.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.records.iter().map(|(_, _, position)| *position).max()
    }
}

/// The records that an item means to change.
pub(crate) fn written(done: &Done) -> Vec<(String, String)> {
    let Ended::Returned { draft, .. } = &done.ended else { return Vec::new() };
    let key = |write: &Write| match write {
        Write::Put { collection, id, .. } | Write::Delete { collection, id, .. } => (collection.clone(), id.clone()),
    };
    draft.writes.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str) -> Vec<(String, Vec<String>)> {
        vec![("books".to_owned(), vec![id.to_owned()])]
    }

    fn position(held: &Held, id: &str) -> Option<u64> {
        held.relied(&named(id)).ok().and_then(|relied| relied.newest())
    }

    #[test]
    fn a_record_is_held_as_of_when_it_was_told_or_decided() {
        let mut held = Held::default();
        held.enter(Some(1), 0);
        held.told(&named("a"), 0, 5);
        assert_eq!(position(&held, "a"), Some(5));
        assert_eq!(position(&held, "b"), None);
        held.changed(&[("books".to_owned(), "a".to_owned())], Some(7));
        assert_eq!(position(&held, "a"), Some(7));
        held.enter(Some(1), 0);
        assert_eq!(position(&held, "a"), Some(7));
    }

    #[test]
    fn what_came_to_nothing_is_not_held_any_more() {
        let mut held = Held::default();
        held.enter(Some(1), 0);
        held.told(&named("a"), 0, 5);
        held.changed(&[("books".to_owned(), "a".to_owned())], None);
        assert!(held.relied(&named("a")).expect_err("gone").contains("record `a` of `books`"));
    }

    #[test]
    fn another_lane_and_another_epoch_know_nothing() {
        for (lane, epoch) in [(Some(2), 0), (Some(1), 1), (None, 0)] {
            let mut held = Held::default();
            held.enter(Some(1), 0);
            held.told(&named("a"), 0, 5);
            held.enter(lane, epoch);
            assert_eq!(position(&held, "a"), None, "{lane:?} {epoch}");
        }
        let mut late = Held::default();
        late.enter(Some(1), 1);
        late.told(&named("a"), 0, 5);
        assert_eq!(position(&late, "a"), None, "told by a snapshot of the epoch before");
        let mut alone = Held::default();
        alone.told(&named("a"), 0, 5);
        assert_eq!(position(&alone, "a"), None, "an item alone shares nothing");
    }
}
