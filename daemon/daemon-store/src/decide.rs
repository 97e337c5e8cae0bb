//! Deciding a unit of work: all checks against the newest decided state, then all changes at once.

use crate::chain::{Link, chain_key};
use crate::delivery::KnownKey;
use crate::error::{Refused, StoreError};
use crate::eventlog::{self, event_id_key, idempotency_key, log_key, story_key, topic_prefix};
use crate::key::{KEY_BYTES_MAX, Key, KeyBuilder, Keyspace, after, closing_u64};
use crate::layers::Layers;
use crate::overlay::Changes;
use crate::prepare::{Prepared, PreparedEvent, PreparedWrite};
use crate::record::{self, Header, add_automatic, document_key};
use crate::registry::{Declared, FieldSet, Registry};
use crate::rename::rename;
use crate::seal::{damaged, seal, seal_in_place};
use crate::small::{cursor_key, decode_small, delivery_key, encode_small};
use crate::stub;
use crate::touched::Touched;
use contract_model::{Event, Sequence, SubscriptionId};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a decided unit changes.
pub(crate) struct Outcome {
    pub(crate) changes: Changes,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) revisions: Vec<u64>,
    /// The last event's link, if there are events.
    pub(crate) link: Option<Link>,
    /// How many events were compacted.
    pub(crate) compacted: u64,
}

/// Decides against the newest state; the caller holds the lock.
pub(crate) fn stage(
    layers: Layers<'_>,
    registry: &Registry,
    head: crate::head::Head,
    prepared: &mut Prepared,
) -> Result<Outcome, Refused> {
    let tenant = prepared.scope.number();
    if let Some(erased) = registry.tenant_of(tenant).filter(|tenant| tenant.row().erasure.is_some()) {
        return Err(StoreError::TenantUnknown { tenant: erased.id().to_string() }.into());
    }
    // What is noted of an event that was undone would be taken for a word on the one that comes in its place.
    if prepared.last_known > head.sequence {
        return Err(Refused::conflict("the log, which ends before an event that it has delivered"));
    }
    let mut stage = Stage {
        layers,
        registry,
        tenant,
        time_ms: prepared.time_ms,
        changes: std::mem::take(&mut prepared.small),
        entries: Vec::new(),
        references: Touched::default(),
        position: head.position,
        link: None,
    };
    stage.drop_what_stubs_wait_for()?;
    if let Some(gone) = stage.first_stub(&prepared.needed)? {
        return Err(Refused::conflict(format!("event {gone}, which was compacted")));
    }
    if let Some((subscription, sequence)) = &prepared.handled {
        stage.handle(subscription, *sequence)?;
    }
    let mut revisions = Vec::with_capacity(prepared.writes.len());
    for write in std::mem::take(&mut prepared.writes) {
        revisions.push(stage.write(write)?);
    }
    stage.settle_references()?;
    // After all removals, so that values may move from one record to another within a unit.
    for entry in std::mem::take(&mut stage.entries) {
        stage.add_entry(entry)?;
    }
    let mut events = Vec::with_capacity(prepared.events.len());
    let mut sequence = head.sequence;
    for event in &mut prepared.events {
        sequence = sequence.next();
        events.push(stage.publish(event, sequence)?);
    }
    if let Some((reply, (_, request))) = prepared.replied.and_then(|at| events.get(at)).zip(prepared.handled.as_ref()) {
        stage.note_reply(*request, reply)?;
    }
    if let Some(link) = stage.link {
        stage.put(chain_key(tenant), &link.0);
    }
    if let Some((by_key, by_time, value)) = prepared.answer.take() {
        if stage.has(&by_key)? {
            return Err(Refused::conflict("an answer under the same `Idempotency-Key`"));
        }
        stage.put(by_key, &value);
        stage.put(by_time, &[]);
    }
    let mut compacted = 0;
    for sequence in &prepared.compacted {
        compacted += u64::from(stage.compact(*sequence)?);
    }
    for (subscription, sequence) in &prepared.cursors {
        stage.move_cursor(subscription, *sequence)?;
    }
    for (old, new) in &prepared.renamed {
        rename(&layers, old, new, &mut stage.changes)?;
    }
    Ok(Outcome { changes: stage.changes, events, revisions, link: stage.link, compacted })
}

/// Marks of handled events that go in one unit with the cursor that passes them.
const MARKS_PER_UNIT_MAX: usize = 4_096;

pub(crate) struct Stage<'a> {
    pub(crate) layers: Layers<'a>,
    pub(crate) registry: &'a Registry,
    pub(crate) tenant: u32,
    time_ms: u64,
    pub(crate) changes: Changes,
    /// Entries of written records, to be added when all removals are known.
    entries: Vec<NewEntry>,
    pub(crate) references: Touched,
    position: u64,
    /// The tenant's last link, once the unit has published something.
    link: Option<Link>,
}

/// An index or unique entry of a written record.
struct NewEntry {
    key: Key,
    value: Vec<u8>,
    /// For the error, if the entry must be new.
    unique: Option<(String, Vec<String>)>,
}

impl Stage<'_> {
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.is_some()),
            None => self.layers.has(key),
        }
    }

    fn put(&mut self, key: Key, value: &[u8]) {
        debug_assert!(key.len() <= KEY_BYTES_MAX + 1, "a key is too long for LMDB");
        let sealed = seal(&key, value);
        self.changes.insert(key, Some(sealed));
    }

    fn handle(&mut self, subscription: &SubscriptionId, sequence: Sequence) -> Result<(), Refused> {
        let key = delivery_key(Keyspace::Inbox, subscription, sequence);
        let retry = delivery_key(Keyspace::Retries, subscription, sequence);
        if self.layers.has(&retry)? {
            // Still to be tried, be it a dead letter that was taken up again: the retry ends with this mark.
            self.changes.insert(retry, None);
        } else if sequence <= crate::small::read_cursor(&self.layers, subscription)? || self.has(&key)? {
            return Err(Refused::AlreadyHandled);
        }
        self.put(key, &[]);
        Ok(())
    }

    pub(crate) fn write(&mut self, write: PreparedWrite) -> Result<u64, Refused> {
        let declared = Arc::clone(self.registry.collection(&write.collection)?);
        let key = document_key(self.tenant, declared.number, write.id.as_str());
        let id = write.id.as_str();
        let describe = || format!("record `{id}` of `{}`", write.collection);
        if self.changes.contains_key(&key) {
            return Err(Refused::conflict(format!("{}, which it writes twice", describe())));
        }
        let stored = self.layers.get(&key).map_err(|_| StoreError::damaged(describe()))?;
        let header = stored
            .as_deref()
            .map(|value| record::header(value).ok_or_else(|| StoreError::damaged(describe())))
            .transpose()?;
        if declared.definition.append_only && (header.is_some() || write.put.is_none()) {
            return Err(Refused::AppendOnly { collection: write.collection });
        }
        if header.map_or(0, |header| header.revision) != write.base_revision {
            return Err(Refused::conflict(describe()));
        }
        let indexed = !declared.indexes.is_empty() || !declared.uniques.is_empty();
        let old = match stored.filter(|_| indexed) {
            Some(value) => {
                let old = record::decode(id, &value).ok_or_else(|| StoreError::damaged(describe()))?;
                entries_of(&declared, self.tenant, &old.fields, id)
            }
            None => Vec::new(),
        };
        let Some((bytes, mut fields)) = write.put else {
            if header.is_some() {
                self.changes.insert(key, None);
                self.references.deleted(self.registry, &write.collection, id);
            }
            self.remove_entries(&old, &[]);
            return Ok(0);
        };
        let header = Header {
            revision: write.base_revision + 1,
            born: header.map_or(self.position, |header| header.born),
            created_ms: header.map_or(self.time_ms, |header| header.created_ms),
            updated_ms: self.time_ms,
        };
        if declared.indexes_automatic_fields() {
            add_automatic(&mut fields, id, header);
        }
        let new = entries_of(&declared, self.tenant, &fields, id);
        self.remove_entries(&old, &new);
        self.references.saved(&declared.definition, &key, id, &fields);
        self.entries.extend(new.into_iter().filter(|entry| !old.iter().any(|old| old.key == entry.key)));
        let sealed = record::complete(&key, bytes, header);
        self.changes.insert(key, Some(sealed));
        Ok(header.revision)
    }

    fn remove_entries(&mut self, old: &[NewEntry], new: &[NewEntry]) {
        for entry in old.iter().filter(|entry| !new.iter().any(|new| new.key == entry.key)) {
            self.changes.insert(Arc::clone(&entry.key), None);
        }
    }

    fn add_entry(&mut self, entry: NewEntry) -> Result<(), Refused> {
        if let Some((collection, fields)) = entry.unique
            && self.has(&entry.key)?
        {
            let id = String::from_utf8_lossy(&entry.value).into_owned();
            return Err(Refused::NotUnique { collection, fields, id });
        }
        self.put(entry.key, &entry.value);
        Ok(())
    }

    fn publish(&mut self, prepared: &mut PreparedEvent, sequence: Sequence) -> Result<Arc<Event>, Refused> {
        let event = &prepared.event;
        let id_key = event_id_key(self.tenant, &event.id);
        if self.has(&id_key)? {
            return Err(Refused::EventExists { id: event.id.clone() });
        }
        if let Some(used) = &event.idempotency_key {
            let key = idempotency_key(self.tenant, &event.topic, used);
            if self.has(&key)? && !self.is_free_again(&key, prepared.unique_until.as_ref())? {
                return Err(Refused::conflict(format!("idempotency key `{used}` of topic `{}`", event.topic)));
            }
            let payload_hash = std::mem::take(&mut prepared.payload_hash);
            let known = KnownKey { event: event.id.clone(), sequence, payload_hash };
            self.put(key, &encode_small(&known)?);
        }
        self.put(id_key, &sequence.0.to_le_bytes());
        let topic_key = topic_prefix(event.topic.as_str()).u64(sequence.0).finish();
        self.put(topic_key, &self.tenant.to_le_bytes());
        self.put(story_key(self.tenant, &event.correlation, sequence), &[]);
        let mut bytes = std::mem::take(&mut prepared.bytes);
        self.link = Some(self.last_link()?.close(&mut bytes));
        let log_key = log_key(sequence);
        let sealed = seal_in_place(&log_key, bytes);
        self.changes.insert(log_key, Some(sealed));
        Arc::make_mut(&mut prepared.event).sequence = sequence;
        Ok(Arc::clone(&prepared.event))
    }

    /// Notes a reply with its request, if it is the first one.
    fn note_reply(&mut self, request: Sequence, reply: &Event) -> Result<(), StoreError> {
        let entry = story_key(self.tenant, &reply.correlation, request);
        if self.layers.get(&entry)?.is_some_and(|noted| noted.is_empty()) {
            self.put(entry, &reply.sequence.0.to_le_bytes());
        }
        Ok(())
    }

    /// Whether the event under a key that is taken for a time only has been handled.
    fn is_free_again(&self, key: &Key, until: Option<&SubscriptionId>) -> Result<bool, Refused> {
        let Some(subscription) = until else { return Ok(false) };
        // One of this very unit waits to be handled.
        if self.changes.contains_key(key) {
            return Ok(false);
        }
        let Some(value) = self.layers.get(key)? else { return Ok(true) };
        let KnownKey { sequence, .. } = decode_small(Keyspace::Idempotency, &key[1..], &value)?;
        if self.has(&delivery_key(Keyspace::Retries, subscription, sequence))? {
            return Ok(false);
        }
        let marked = self.has(&delivery_key(Keyspace::Inbox, subscription, sequence))?;
        Ok(marked || sequence <= crate::small::read_cursor(&self.layers, subscription)?)
    }

    /// An event of which a stub remains is tried no more, and is no dead letter.
    fn drop_what_stubs_wait_for(&mut self) -> Result<(), Refused> {
        let waits = |key: &&Key| matches!(Keyspace::of(key), Keyspace::Retries | Keyspace::DeadLetters);
        let waiting: Vec<Key> = self.changes.keys().filter(waits).cloned().collect();
        for key in waiting {
            let Some(sequence) = closing_u64(&key) else { continue };
            if self.first_stub(&[Sequence(sequence)])?.is_some() {
                self.changes.insert(key, None);
            }
        }
        Ok(())
    }

    /// The first of these events of which only a stub remains.
    fn first_stub(&self, events: &[Sequence]) -> Result<Option<Sequence>, StoreError> {
        for event in events {
            if self.layers.get(&log_key(*event))?.is_some_and(|stored| stub::is_stub(&stored)) {
                return Ok(Some(*event));
            }
        }
        Ok(None)
    }

    /// Leaves a stub of an event, unless there is one already.
    fn compact(&mut self, sequence: Sequence) -> Result<bool, Refused> {
        let key = log_key(sequence);
        let Some(value) = self.layers.get(&key)? else { return Ok(false) };
        if stub::is_stub(&value) {
            return Ok(false);
        }
        let event = eventlog::decode(sequence, &value).ok_or_else(|| damaged(Keyspace::Log, &key[1..]))?;
        let Some(tenant) = self.registry.tenant(&event.tenant).map(crate::tenant::Tenant::number) else {
            return Ok(false);
        };
        self.changes.insert(topic_prefix(event.topic.as_str()).u64(sequence.0).finish(), None);
        self.changes.insert(story_key(tenant, &event.correlation, sequence), None);
        self.put(key, &stub::compacted(tenant, &event, &value));
        Ok(true)
    }

    fn last_link(&self) -> Result<Link, StoreError> {
        if let Some(link) = self.link {
            return Ok(link);
        }
        let key = chain_key(self.tenant);
        let stored = self.layers.get(&key)?;
        stored.map_or(Ok(Link::default()), |link| Link::read(&link).ok_or_else(|| damaged(Keyspace::Meta, &key[1..])))
    }

    /// A cursor only goes forward: the marks below it are gone, so one that was put back would let all be handled again.
    /// Where something kept it back for long there are many marks: it stops at the last one that goes, and the marks above
    /// say the rest until it goes on.
    fn move_cursor(&mut self, subscription: &SubscriptionId, sequence: Sequence) -> Result<(), Refused> {
        if sequence < crate::small::read_cursor(&self.layers, subscription)? {
            return Ok(());
        }
        let low = KeyBuilder::new(Keyspace::Inbox).text(subscription.as_str()).into_bytes();
        let end = |through: Sequence| after(&delivery_key(Keyspace::Inbox, subscription, through));
        let mut marks = Vec::new();
        for entry in self.layers.scan(&low, &end(sequence), false)?.take(MARKS_PER_UNIT_MAX) {
            let (key, _) = entry?;
            marks.push(Key::from([&[Keyspace::Inbox as u8], key].concat()));
        }
        let last = marks.last().filter(|_| marks.len() == MARKS_PER_UNIT_MAX).and_then(|mark| closing_u64(mark));
        let through = last.map_or(sequence, Sequence);
        // The mark that this very unit may have set may be covered by the cursor as well.
        let high = end(through);
        self.changes.retain(|key, _| key[..] < low[..] || key[..] >= high[..]);
        self.changes.extend(marks.into_iter().map(|mark| (mark, None)));
        self.put(cursor_key(subscription), &through.0.to_le_bytes());
        Ok(())
    }
}

fn entries_of(declared: &Declared, tenant: u32, fields: &Map<String, Value>, id: &str) -> Vec<NewEntry> {
    let index = |set: &FieldSet| {
        let keys = set.index_keys(tenant, fields, id).into_iter();
        keys.map(|key| NewEntry { key, value: Vec::new(), unique: None })
    };
    let unique = |set: &FieldSet| {
        let unique = Some((declared.definition.name.clone(), set.fields.clone()));
        set.unique_key(tenant, fields).map(|key| NewEntry { key, value: id.as_bytes().to_vec(), unique })
    };
    declared.indexes.iter().flat_map(index).chain(declared.uniques.iter().filter_map(unique)).collect()
}
