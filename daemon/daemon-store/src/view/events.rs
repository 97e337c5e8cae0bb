//! The log: events by sequence, id, topic and story, and used idempotency keys.

use super::View;
use crate::delivery::KnownKey;
use crate::error::StoreError;
use crate::eventlog::{decode, event_id_key, idempotency_key, log_key, topic_prefix};
use crate::key::{Keyspace, after, closing_u64, prefix_end, whole_text};
use crate::seal::damaged;
use crate::small::{decode_small, read_sequence};
use crate::stub::{self, PastEvent};
use crate::tenant::Tenant;
use contract_model::{Event, EventId, Sequence, TopicName, TopicPattern};

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only this tenant's. Without one, those of all tenants: for the operator only.
    pub tenant: Option<Tenant>,
    /// Only topics under this pattern.
    pub topic: Option<TopicPattern>,
}

impl EventFilter {
    pub(super) fn matches(&self, event: &Event) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| tenant.id() == &event.tenant)
            && self.topic.as_ref().is_none_or(|topic| topic.matches(event.topic.as_str()))
    }
}

impl View {
    /// The event at a position of the log; none if it was compacted.
    pub fn event(&self, sequence: Sequence) -> Result<Option<Event>, StoreError> {
        let key = log_key(sequence);
        self.layers().get(&key)?.map_or(Ok(None), |value| event_of(sequence, &key[1..], &value))
    }

    /// A tenant's event of this id.
    pub fn event_by_id(&self, tenant: &Tenant, id: &EventId) -> Result<Option<Event>, StoreError> {
        let key = event_id_key(tenant.number(), id);
        match self.layers().get(&key)? {
            None => Ok(None),
            Some(value) => self.event(read_sequence(Keyspace::EventId, &key[1..], &value)?),
        }
    }

    /// What is known of a tenant's event of this id that was compacted.
    pub fn past_event(&self, tenant: &Tenant, id: &EventId) -> Result<Option<PastEvent>, StoreError> {
        let key = event_id_key(tenant.number(), id);
        let Some(value) = self.layers().get(&key)? else { return Ok(None) };
        let sequence = read_sequence(Keyspace::EventId, &key[1..], &value)?;
        let stored = self.layers().get(&log_key(sequence))?;
        Ok(stored.and_then(|stored| stub::decode(sequence, &stored)).and_then(|stub| stub.known))
    }

    /// Whether the event at a position of the log was compacted.
    pub fn is_compacted(&self, sequence: Sequence) -> Result<bool, StoreError> {
        Ok(self.layers().get(&log_key(sequence))?.is_some_and(|stored| stub::is_stub(&stored)))
    }

    /// The topics of events that were not compacted, by name.
    pub fn topics(&self) -> Result<Vec<TopicName>, StoreError> {
        let mut topics = Vec::new();
        let (mut low, high) = (vec![Keyspace::TopicLog as u8], [Keyspace::TopicLog as u8 + 1]);
        // From the first event of one to the first event of the next.
        while let Some(entry) = self.layers().scan(&low, &high, false)?.next() {
            let (key, _) = entry?;
            let unreadable = || damaged(Keyspace::TopicLog, key);
            let name = key.len().checked_sub(size_of::<u64>()).ok_or_else(unreadable)?;
            let topic = whole_text(&key[..name]).and_then(|topic| TopicName::new(&topic).ok());
            topics.push(topic.ok_or_else(unreadable)?);
            low = prefix_end(&[&[Keyspace::TopicLog as u8], &key[..name]].concat());
        }
        Ok(topics)
    }

    /// The first event of any of these topics after a position that was not compacted. Only those that were not are
    /// listed by topic, so it costs a look-up a topic, however many were compacted in between.
    pub fn next_event(&self, topics: &[TopicName], after: Sequence) -> Result<Option<Event>, StoreError> {
        let mut first = None;
        for topic in topics {
            let prefix = topic_prefix(topic.as_str());
            let high = prefix_end(&prefix.clone().into_bytes());
            let Some(entry) = self.layers().scan(&prefix.u64(after.next().0).into_bytes(), &high, false)?.next() else {
                continue;
            };
            let key = entry?.0;
            let sequence = closing_u64(key).ok_or_else(|| damaged(Keyspace::TopicLog, key))?;
            first = Some(first.map_or(sequence, |first: u64| first.min(sequence)));
        }
        first.map_or(Ok(None), |first| self.event(Sequence(first)))
    }

    /// At most `limit` events of one topic from `first` to `last` that were not compacted, in order, until one is not
    /// wanted.
    pub fn events_of_topic_while(
        &self,
        topic: &TopicName,
        (first, last): (Sequence, Sequence),
        limit: usize,
        mut wanted: impl FnMut(&Event) -> bool,
    ) -> Result<Vec<Event>, StoreError> {
        let at = |sequence: Sequence| topic_prefix(topic.as_str()).u64(sequence.0).into_bytes();
        let mut events = Vec::new();
        for entry in self.layers().scan(&at(first), &after(&at(last)), false)?.take(limit) {
            let event = self.event_behind(Keyspace::TopicLog, entry?.0)?;
            if !wanted(&event) {
                break;
            }
            events.push(event);
        }
        Ok(events)
    }

    /// What is known of an idempotency key on a topic of a tenant.
    pub fn known(&self, tenant: &Tenant, topic: &TopicName, key: &str) -> Result<Option<KnownKey>, StoreError> {
        let stored = idempotency_key(tenant.number(), topic, key);
        let value = self.layers().get(&stored)?;
        let known = value.map(|value| decode_small(Keyspace::Idempotency, &stored[1..], &value)).transpose()?;
        self.note_key(stored);
        Ok(known)
    }

    /// The event whose sequence ends a key of another keyspace.
    fn event_behind(&self, keyspace: Keyspace, key: &[u8]) -> Result<Event, StoreError> {
        let sequence = closing_u64(key).ok_or_else(|| damaged(keyspace, key))?;
        self.event(Sequence(sequence))?.ok_or_else(|| damaged(keyspace, key))
    }
}

/// None of one that was compacted.
pub(super) fn event_of(sequence: Sequence, key: &[u8], value: &[u8]) -> Result<Option<Event>, StoreError> {
    match decode(sequence, value) {
        None if !stub::is_stub(value) => Err(damaged(Keyspace::Log, key)),
        event => Ok(event),
    }
}
