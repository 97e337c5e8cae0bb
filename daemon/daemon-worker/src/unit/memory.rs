//! What the items of a lane know of the store.
//!
//! A record that one item of a run has read or changed need not be asked for again by the next. The worker takes it
//! from here and tells the host so; the host knows as of when it holds, and decides whether that is still so. It
//! may not be: what changed it was refused, or somebody else has changed it since. The item then runs again.

use super::{Key, KeyRef, Shared, Unit};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::rc::Rc;

/// Records as the last item that met them saw or left them; none where there is no such record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Rc<RefCell<IndexMap<Key, Option<Shared>>>>);

impl Memory {
    /// Takes a record in, in place of what was known of it.
    pub(crate) fn learn(&self, key: Key, record: Option<Shared>) {
        self.0.borrow_mut().insert(key, record);
    }

    #[expect(clippy::option_option, reason = "not known and known not to be there are two things")]
    fn of(&self, key: &KeyRef<'_>) -> Option<Option<Shared>> {
        self.0.borrow().get(key).cloned()
    }
}

impl Unit {
    /// Takes a record from the lane's memory into the unit, if it is there. The unit must not know it yet.
    pub(super) fn take_from_memory(&mut self, collection: &str, id: &str) -> bool {
        let Some(record) = self.memory.as_ref().and_then(|memory| memory.of(&KeyRef(collection, id))) else {
            return false;
        };
        match self.relied.iter_mut().find(|(name, _)| name == collection) {
            Some((_, ids)) => ids.push(id.to_owned()),
            None => self.relied.push((collection.to_owned(), vec![id.to_owned()])),
        }
        self.read.insert((collection.to_owned(), id.to_owned()), record);
        true
    }

    /// Takes a record that the host has given.
    pub(super) fn take_from_host(&mut self, key: Key, record: Option<Shared>) {
        if let Some(memory) = &self.memory {
            memory.learn(key.clone(), record.clone());
        }
        self.read.insert(key, record);
    }

    /// Leaves what the unit will have changed to the items behind it.
    pub(crate) fn teach(&self) {
        let Some(memory) = &self.memory else { return };
        for (key, pending) in &self.writes {
            memory.learn(key.clone(), pending.record.clone());
        }
    }

    /// What was taken from the memory, by collection.
    pub(crate) fn take_relied(&mut self) -> Vec<(String, Vec<String>)> {
        std::mem::take(&mut self.relied)
    }
}
