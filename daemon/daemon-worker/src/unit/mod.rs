//! The unit of work of one handler call: what it read, and what it wants to happen.
//!
//! Reads see the unit's own pending writes. What earlier items of the same run did the host shows, which decides each
//! item before it answers a question of the next; within a lane the worker remembers it too (`memory`).
//! Every read that is not of this unit's own making is asked or told, so that the host can validate it.

mod find;
mod memory;
mod publish;
mod reserve;
mod save;
mod savepoint;

pub(crate) use memory::Memory;
pub(crate) use publish::{Outgoing, Published, contract_key};
pub(crate) use reserve::Held;
pub(crate) use save::{Proposal, not_found};

use crate::refusal::{Halt, met};
use contract_model::collection::Collection;
use contract_model::{ErrorCode, plugin_limit};
use daemon_frame::{Ask, Asked, Budget, Continuation, Draft, DraftEvent, Reserved, Write};
use find::Mark;
use indexmap::map::Entry;
use indexmap::{Equivalent, IndexMap};
use savepoint::{Savepoints, Undo};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Collection and record id.
type Key = (String, String);

/// A [`Key`] to look up by, without owning it. It hashes like one.
#[derive(Hash)]
struct KeyRef<'a>(&'a str, &'a str);

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

/// A record that is shared with who reads it.
pub(crate) type Shared = Arc<Value>;

/// Answers the questions of a unit.
pub(crate) trait Answers {
    /// Waits for the host's answer.
    fn ask(&mut self, ask: Ask) -> Result<Asked, Halt>;
    /// Ends the worker: the answer does not fit the question.
    fn unfit(&mut self) -> Halt;
    /// A new id of the call's entropy.
    fn new_id(&mut self) -> String;
    /// The call's time, milliseconds since 1970.
    fn now_ms(&self) -> u64;
}

/// A record that will be stored or, where there is none, deleted.
#[derive(Debug, Clone)]
struct Pending {
    record: Option<Shared>,
    base_revision: u64,
}

/// The unit of work of one handler call.
#[derive(Debug)]
pub(crate) struct Unit {
    budget: Budget,
    writes: IndexMap<Key, Pending>,
    read: IndexMap<Key, Option<Shared>>,
    /// What the records of pages among them take, as reckoned.
    cached_bytes: u64,
    marks: HashMap<String, Mark>,
    events: Vec<DraftEvent>,
    continuations: Vec<Continuation>,
    /// By id.
    reservations: IndexMap<String, Reserved>,
    /// How many of them are new: each makes an event, the end of its time.
    ends: u64,
    /// Topic and idempotency key to event id and payload hash.
    published: HashMap<Key, (String, String)>,
    /// How changes are taken back.
    savepoints: Savepoints,
    /// What the lane knows, where the call is in one.
    memory: Option<Memory>,
    /// What was taken from there, by collection.
    relied: Vec<(String, Vec<String>)>,
}

impl Unit {
    pub(crate) fn new(budget: Budget, memory: Option<Memory>) -> Self {
        Self {
            budget,
            writes: IndexMap::new(),
            read: IndexMap::new(),
            cached_bytes: 0,
            marks: HashMap::new(),
            events: Vec::new(),
            continuations: Vec::new(),
            reservations: IndexMap::new(),
            ends: 0,
            published: HashMap::new(),
            savepoints: Savepoints::default(),
            memory,
            relied: Vec::new(),
        }
    }

    /// One record, or none.
    pub(crate) fn get(&mut self, collection: &str, id: &str, host: &mut impl Answers) -> Result<Option<Shared>, Halt> {
        if let Some(known) = self.known(collection, id) {
            return Ok(known.cloned());
        }
        if self.take_from_memory(collection, id) {
            return Ok(self.known(collection, id).flatten().cloned());
        }
        let key = (collection.to_owned(), id.to_owned());
        match host.ask(Ask::Get { collection: key.0.clone(), id: key.1.clone() })? {
            Asked::Record(record) => {
                let record = record.map(Arc::new);
                self.take_from_host(key, record.clone());
                Ok(record)
            }
            _ => Err(host.unfit()),
        }
    }

    /// Records that were read before, in the order of the ids; none where there is none, or where nobody looked.
    pub(crate) fn known_many(&self, collection: &str, ids: &[String]) -> Vec<Option<Shared>> {
        ids.iter().map(|id| self.known(collection, id).flatten().cloned()).collect()
    }

    /// Reads records of several collections with at most one question, so that later reads of them ask nothing.
    pub(crate) fn prefetch(&mut self, wanted: Vec<(String, Vec<String>)>, host: &mut impl Answers) -> Result<(), Halt> {
        let mut unknown: Vec<(String, Vec<String>)> = Vec::with_capacity(wanted.len());
        for (collection, mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            ids.retain(|id| self.known(&collection, id).is_none() && !self.take_from_memory(&collection, id));
            if !ids.is_empty() {
                unknown.push((collection, ids));
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let asked = host.ask(Ask::GetAcross { wanted: unknown.clone() })?;
        let Some(records) = by_key(unknown, asked) else { return Err(host.unfit()) };
        for (key, record) in records {
            self.take_from_host(key, record);
        }
        Ok(())
    }

    /// What is known of a record without asking: nothing, that there is none, or the record.
    #[expect(clippy::option_option, reason = "not known and known not to be there are two things")]
    fn known(&self, collection: &str, id: &str) -> Option<Option<&Shared>> {
        let key = KeyRef(collection, id);
        match self.writes.get(&key) {
            Some(pending) => Some(pending.record.as_ref()),
            None => self.read.get(&key).map(Option::as_ref),
        }
    }

    /// The unit as the host takes it.
    pub(crate) fn into_draft(self) -> Draft {
        let write = |((collection, id), pending): (Key, Pending)| match pending.record {
            Some(record) => Write::Put { collection, id, record, base_revision: pending.base_revision },
            None => Write::Delete { collection, id, base_revision: pending.base_revision },
        };
        drop(self.read);
        Draft {
            writes: self.writes.into_iter().map(write).collect(),
            events: self.events,
            continuations: self.continuations,
            reservations: self.reservations.into_values().collect(),
        }
    }

    /// Whether nothing is to happen so far.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.writes.is_empty()
            && self.events.is_empty()
            && self.continuations.is_empty()
            && self.reservations.is_empty()
    }

    /// Has the outcome of a request told to its publisher.
    pub(crate) fn go_on_with(&mut self, continuation: Continuation) {
        self.continuations.push(continuation);
    }

    /// Refuses one event more than the call may publish.
    fn check_room_for_event(&self) -> Result<(), Halt> {
        let room = self.budget.events_max;
        if self.events.len() as u64 + self.ends < room {
            return Ok(());
        }
        let message = match self.ends {
            0 => format!("one call may publish at most {room} events"),
            _ => format!("one call may publish at most {room} events, and each reservation counts as one"),
        };
        Err(met(plugin_limit::EVENTS, message))
    }

    /// Refuses one record more than the call may change.
    fn check_room_for_record(&self) -> Result<(), Halt> {
        let room = self.budget.records_max;
        if ((self.writes.len() + self.reservations.len()) as u64) < room {
            return Ok(());
        }
        let message = match self.reservations.len() {
            0 => format!("one call may change at most {room} records"),
            _ => format!("one call may change at most {room} records, and each reservation counts as one"),
        };
        Err(met(plugin_limit::RECORDS, message))
    }

    fn put(&mut self, key: Key, pending: Pending) -> Result<(), Halt> {
        let room = if self.writes.contains_key(&key) { Ok(()) } else { self.check_room_for_record() };
        match self.writes.entry(key) {
            Entry::Occupied(mut known) => {
                let (place, before) = (known.index(), known.insert(pending));
                self.savepoints.note(|| Undo::Replaced(place, before));
            }
            Entry::Vacant(new) => {
                room?;
                new.insert(pending);
                self.savepoints.note(|| Undo::Added);
            }
        }
        Ok(())
    }

    /// The store never hears of what was made and deleted in one unit.
    fn forget(&mut self, key: Key) {
        if let Some((place, _, pending)) = self.writes.shift_remove_full(&key) {
            self.savepoints.note(|| Undo::Removed(place, Box::new((key.clone(), pending))));
        }
        self.read.insert(key, None);
    }

    fn put_reservation(&mut self, id: String, reserved: Reserved) -> Result<(), Halt> {
        let makes_event = is_new(&reserved);
        if !self.reservations.contains_key(&id) {
            self.check_room_for_record()?;
            if makes_event {
                self.check_room_for_event()?;
            }
        }
        match self.reservations.insert_full(id, reserved) {
            (_, None) => {
                self.ends += u64::from(makes_event);
                self.savepoints.note(|| Undo::Reserved);
            }
            (place, Some(before)) => self.savepoints.note(|| Undo::Ended(place, Box::new(before))),
        }
        Ok(())
    }
}

/// The records of an answer by what was asked for; none if they do not fit.
pub(crate) fn by_key(wanted: Vec<(String, Vec<String>)>, asked: Asked) -> Option<Vec<(Key, Option<Shared>)>> {
    let Asked::Records(records) = asked else { return None };
    let keys = wanted.into_iter().flat_map(|(collection, ids)| ids.into_iter().map(move |id| (collection.clone(), id)));
    let keys: Vec<Key> = keys.collect();
    let fits = records.len() == keys.len();
    fits.then(|| keys.into_iter().zip(records.into_iter().map(|record| record.map(Arc::new))).collect())
}

/// Whether it was made in this unit.
fn is_new(reserved: &Reserved) -> bool {
    reserved.base_revision == 0
}

/// Refuses a change of a collection whose records stay as they are.
fn refuse_if_append_only(collection: &Collection, id: &str) -> Result<(), Halt> {
    if !collection.append_only {
        return Ok(());
    }
    let message = format!("{} only takes new records; {id} is stored already and stays as it is", collection.name);
    Err(Halt::new(ErrorCode::RecordAppendOnly, message))
}
