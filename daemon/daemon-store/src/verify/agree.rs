//! What keyspaces say of each other: of events under their ids, topics, stories and keys, of deliveries, of answers.

use super::VerifyReport;
use crate::answer;
use crate::delivery::{DeadLetter, KnownKey};
use crate::error::StoreError;
use crate::eventlog::{self, event_id_key, idempotency_key, log_key, story_key, topic_prefix};
use crate::head::Head;
use crate::key::{Keyspace, closing_u64};
use crate::layers::Layers;
use crate::place::locate;
use crate::registry::Registry;
use crate::small::{decode_small, read_sequence};
use crate::stub::{self, Stub};
use contract_model::{Event, EventId, Sequence};

pub(super) struct Agreement<'a> {
    pub(super) layers: Layers<'a>,
    pub(super) registry: &'a Registry,
    pub(super) report: &'a mut VerifyReport,
    pub(super) seen: Seen,
}

/// Entries of the log by what there is of them.
#[derive(Default)]
pub(super) struct Seen {
    /// Whole events.
    whole: u64,
    /// Stubs that are known by their id.
    known: u64,
}

impl Agreement<'_> {
    pub(super) fn check(&mut self, head: Head) -> Result<(), StoreError> {
        self.each(Keyspace::Log, Self::event)?;
        let Seen { whole, known } = self.seen;
        let ways = [(Keyspace::EventId, whole + known), (Keyspace::TopicLog, whole), (Keyspace::Story, whole)];
        for (keyspace, events) in ways {
            // Each event has its entries, so one more than there are events is one that no event calls for.
            if self.count(keyspace)? != events {
                self.each(keyspace, Self::names_an_event)?;
            }
        }
        self.each(Keyspace::Idempotency, Self::known_key)?;
        for keyspace in [Keyspace::Inbox, Keyspace::Retries] {
            self.each(keyspace, Self::names_an_event)?;
        }
        self.each(Keyspace::DeadLetters, Self::dead_letter)?;
        self.each(Keyspace::Cursors, |this, keyspace, key, value| {
            if read_sequence(keyspace, key, value).is_ok_and(|cursor| cursor > head.sequence) {
                this.find(keyspace, key, "is ahead of the log");
            }
        })?;
        self.each(Keyspace::Answers, Self::answer)
    }

    /// Shows all entries of a keyspace that can be read.
    fn each(
        &mut self,
        keyspace: Keyspace,
        mut look: impl FnMut(&mut Self, Keyspace, &[u8], &[u8]),
    ) -> Result<(), StoreError> {
        // What does not match its checksum was told before.
        for (key, value) in self.layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)?.flatten() {
            look(self, keyspace, key, &value);
        }
        Ok(())
    }

    fn count(&self, keyspace: Keyspace) -> Result<u64, StoreError> {
        Ok(self.layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)?.count() as u64)
    }

    fn at(&self, sequence: Sequence) -> Option<Event> {
        self.layers.get(&log_key(sequence)).ok().flatten().and_then(|value| eventlog::decode(sequence, &value))
    }

    /// The id of an event, also of one that was compacted.
    fn id_at(&self, sequence: Sequence) -> Option<EventId> {
        let stored = self.layers.get(&log_key(sequence)).ok().flatten()?;
        let past = || stub::decode(sequence, &stored)?.known.map(|past| past.id);
        eventlog::decode(sequence, &stored).map(|event| event.id).or_else(past)
    }

    /// An event is found in every way in which it may be looked for.
    fn event(&mut self, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        let sequence = Sequence(closing_u64(key).unwrap_or_default());
        if let Some(Stub { tenant, known: Some(past), .. }) = stub::decode(sequence, value) {
            self.seen.known += 1;
            if matches!(self.layers.get(&event_id_key(tenant, &past.id)), Ok(None)) {
                self.find(keyspace, key, "is not found by its id");
            }
        }
        let Some(event) = eventlog::decode(sequence, value) else { return };
        self.seen.whole += 1;
        let Some(owner) = self.registry.owner(&event.tenant) else {
            self.find(keyspace, key, &format!("belongs to tenant `{}`, which is not there", event.tenant));
            return;
        };
        let tenant = owner.number();
        // Of a tenant that is being erased these are the first to go.
        let used = event.idempotency_key.as_ref().filter(|_| !owner.is_being_erased());
        let by_key = used.map(|used| idempotency_key(tenant, &event.topic, used));
        let ways = [
            ("id", Some(event_id_key(tenant, &event.id))),
            ("topic", Some(topic_prefix(event.topic.as_str()).u64(sequence.0).finish())),
            ("story", Some(story_key(tenant, &event.correlation, sequence))),
            ("idempotency key", by_key),
        ];
        for (way, entry) in ways {
            if entry.is_some_and(|entry| matches!(self.layers.get(&entry), Ok(None))) {
                self.find(keyspace, key, &format!("is not found by its {way}"));
            }
        }
        self.reply(keyspace, key, &story_key(tenant, &event.correlation, sequence));
    }

    /// A request's entry in its story names the reply, or nothing.
    fn reply(&mut self, keyspace: Keyspace, key: &[u8], entry: &[u8]) {
        let Ok(Some(noted)) = self.layers.get(entry) else { return };
        let reply =
            (!noted.is_empty()).then(|| read_sequence(Keyspace::Story, &entry[1..], &noted).unwrap_or_default());
        if let Some(reply) = reply.filter(|reply| matches!(self.layers.has(&log_key(*reply)), Ok(false))) {
            self.find(keyspace, key, &format!("names event {reply} as its reply, which is not there"));
        }
    }

    fn names_an_event(&mut self, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        let sequence = match keyspace {
            // One that cannot be read names none.
            Keyspace::EventId => read_sequence(keyspace, key, value).unwrap_or_default(),
            _ => Sequence(closing_u64(key).unwrap_or_default()),
        };
        if matches!(self.layers.has(&log_key(sequence)), Ok(false)) {
            self.find(keyspace, key, &format!("names event {sequence}, which is not there"));
        }
    }

    fn known_key(&mut self, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        let Ok(known) = decode_small::<KnownKey>(keyspace, key, value) else {
            self.find(keyspace, key, "cannot be read");
            return;
        };
        if self.id_at(known.sequence).is_none_or(|id| id != known.event) {
            let what = format!("names event `{}` at {}, which is not there", known.event, known.sequence);
            self.find(keyspace, key, &what);
        }
    }

    fn dead_letter(&mut self, keyspace: Keyspace, key: &[u8], value: &[u8]) {
        let Ok(letter) = decode_small::<DeadLetter>(keyspace, key, value) else {
            self.find(keyspace, key, "cannot be read");
            return;
        };
        if self.at(letter.sequence).is_none_or(|event| event.id != letter.event) {
            self.find(keyspace, key, &format!("names event `{}`, which is not there", letter.event));
        }
    }

    fn answer(&mut self, keyspace: Keyspace, key: &[u8], _: &[u8]) {
        if let Some(old) = answer::both_entries(key).filter(|_| answer::is_by_time(key))
            && matches!(self.layers.get(&old.by_key), Ok(None))
        {
            self.find(keyspace, key, "names an answer that is not there");
        }
    }

    fn find(&mut self, keyspace: Keyspace, key: &[u8], what: &str) {
        self.report.add(format!("{} {what}", locate(self.registry, keyspace, key)));
    }
}
