//! Encoding a unit of work, before the lock is taken.

use crate::answer::{KeptAnswer, NewAnswer, answer_key, answer_time_key};
use crate::error::{Refused, StoreError};
use crate::eventlog;
use crate::key::{Key, Keyspace};
use crate::overlay::Changes;
use crate::record;
use crate::registry::Registry;
use crate::seal::seal;
use crate::small::{delivery_key, encode_small, meta_key};
use crate::state::Admitted;
use crate::tenant::Scope;
use crate::unit::{DeadLetterChange, NewEvent, RetryChange, Unit, Write};
use contract_model::collection::{Collection, FieldError};
use contract_model::filter::words;
use contract_model::limits::{FULL_TEXT_WORDS_MAX, RECORD_BYTES_MAX};
use contract_model::{Event, RecordId, Sequence, SubscriptionId};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A unit with everything encoded that does not depend on the state, so that little is left for the lock. Deciding uses
/// it up, but for its events where it is refused.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) admitted: Admitted,
    pub(crate) awaited: bool,
    pub(crate) scope: Scope,
    pub(crate) time_ms: u64,
    pub(crate) writes: Vec<PreparedWrite>,
    pub(crate) events: Vec<PreparedEvent>,
    pub(crate) replied: Option<usize>,
    pub(crate) handled: Option<(SubscriptionId, Sequence)>,
    pub(crate) cursors: Vec<(SubscriptionId, Sequence)>,
    pub(crate) renamed: Vec<(SubscriptionId, SubscriptionId)>,
    /// Its key, under which there must be none yet, and the entry by time.
    pub(crate) answer: Option<(Key, Key, Vec<u8>)>,
    pub(crate) compacted: Vec<Sequence>,
    pub(crate) last_known: Sequence,
    pub(crate) needed: Vec<Sequence>,
    pub(crate) small: Changes,
}

impl Prepared {
    /// The delivery that it completes.
    pub fn handled(&self) -> Option<&(SubscriptionId, Sequence)> {
        self.handled.as_ref()
    }

    /// Payloads of its events, in their order.
    pub fn payloads(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().map(|prepared| &prepared.event.payload)
    }

    /// The events of a unit that was refused. What stands in them as their sequence means nothing.
    pub fn into_events(self) -> impl Iterator<Item = Event> {
        self.events.into_iter().map(|prepared| Arc::unwrap_or_clone(prepared.event))
    }
}

#[derive(Debug)]
pub(crate) struct PreparedWrite {
    pub(crate) collection: String,
    pub(crate) id: RecordId,
    pub(crate) base_revision: u64,
    /// The encoded record and its fields, or none for a deletion.
    pub(crate) put: Option<(Vec<u8>, Map<String, Value>)>,
}

#[derive(Debug)]
pub(crate) struct PreparedEvent {
    pub(crate) event: Arc<Event>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) payload_hash: String,
    pub(crate) unique_until: Option<SubscriptionId>,
}

pub(crate) fn prepare(registry: &Registry, unit: Unit) -> Result<Prepared, Refused> {
    let tenant = unit.scope.tenant().map(|tenant| tenant.id().clone());
    let last_known = unit.last_known();
    let admitted = Admitted { epoch: unit.epoch, grows: unit.grows(), must_pass: unit.must_pass };
    let mut events = Vec::with_capacity(unit.events.len());
    for NewEvent { mut event, payload_hash, unique_until } in unit.events {
        event.tenant = tenant.clone().ok_or_else(|| Refused::EventWithoutTenant { id: event.id.clone() })?;
        let bytes = eventlog::encode(&event);
        events.push(PreparedEvent { event: Arc::new(event), bytes, payload_hash, unique_until });
    }
    let writes = unit.writes.into_iter().map(|write| prepare_write(registry, write)).collect::<Result<_, _>>()?;
    let mut small = Changes::new();
    for change in unit.retries {
        let (key, value) = match change {
            RetryChange::Put(subscription, retry) => {
                (delivery_key(Keyspace::Retries, &subscription, retry.sequence), Some(encode_small(&retry)?))
            }
            RetryChange::Clear(subscription, at) => (delivery_key(Keyspace::Retries, &subscription, at), None),
        };
        small.insert(Arc::clone(&key), value.map(|value| seal(&key, &value)));
    }
    for change in unit.dead_letters {
        let (key, value) = match change {
            DeadLetterChange::Put(letter) => {
                let key = delivery_key(Keyspace::DeadLetters, &letter.subscription, letter.sequence);
                (key, Some(encode_small(&*letter)?))
            }
            DeadLetterChange::Remove(subscription, at) => {
                (delivery_key(Keyspace::DeadLetters, &subscription, at), None)
            }
        };
        small.insert(Arc::clone(&key), value.map(|value| seal(&key, &value)));
    }
    for (name, value) in unit.meta {
        let key = meta_key(&name);
        let value = value.map(|value| encode_small(&value)).transpose()?;
        small.insert(Arc::clone(&key), value.map(|value| seal(&key, &value)));
    }
    for old in unit.forgotten {
        small.insert(old.by_key, None);
        small.insert(old.by_time, None);
    }
    let (scope, time_ms) = (unit.scope, unit.time_ms);
    let answer = unit.answer.map(|new| prepare_answer(&scope, time_ms, new)).transpose()?;
    let Unit { awaited, replied, handled, cursors, renamed, compacted, needed, .. } = unit;
    Ok(Prepared {
        admitted,
        awaited,
        scope,
        time_ms,
        writes,
        events,
        replied,
        handled,
        cursors,
        renamed,
        answer,
        compacted,
        last_known,
        needed,
        small,
    })
}

fn prepare_answer(scope: &Scope, time_ms: u64, new: NewAnswer) -> Result<(Key, Key, Vec<u8>), StoreError> {
    let (by_key, by_time) = (answer_key(scope.number(), &new.key), answer_time_key(scope, time_ms, &new.key));
    let value = encode_small(&KeptAnswer { request: new.request.to_vec(), answer: new.answer })?;
    Ok((by_key, by_time, value))
}

fn prepare_write(registry: &Registry, write: Write) -> Result<PreparedWrite, Refused> {
    let (collection, id, base_revision, mut fields) = match write {
        Write::Delete { collection, id, base_revision } => {
            return Ok(PreparedWrite { collection, id, base_revision, put: None });
        }
        Write::Put { collection, id, record, base_revision } => (collection, id, base_revision, record),
    };
    let declared = registry.collection(&collection)?;
    record::remove_automatic(&mut fields);
    let invalid = |errors| Refused::Invalid { collection: collection.clone(), id: id.to_string(), errors };
    declared.definition.validate(&mut fields).map_err(invalid)?;
    let too_many = too_many_words(&declared.definition, &fields);
    if !too_many.is_empty() {
        return Err(invalid(too_many));
    }
    let bytes = record::encode(&fields);
    if bytes.len() as u64 > RECORD_BYTES_MAX {
        let message = format!("is {} bytes; a record may have {RECORD_BYTES_MAX} (RECORD_BYTES_MAX)", bytes.len());
        return Err(invalid(vec![FieldError { field: "(record)".to_owned(), message }]));
    }
    Ok(PreparedWrite { collection, id, base_revision, put: Some((bytes, fields)) })
}

/// A record has an entry for each word, so there is a limit to them.
fn too_many_words(definition: &Collection, fields: &Map<String, Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in &definition.full_text {
        let text = fields.get(field).and_then(Value::as_str).unwrap_or_default();
        // A word and what parts it from the next one take two bytes.
        if (text.len() as u64) < 2 * FULL_TEXT_WORDS_MAX {
            continue;
        }
        let count = words(text).len() as u64;
        if count > FULL_TEXT_WORDS_MAX {
            let message = format!(
                "has {count} different words; a text that is searched may have {FULL_TEXT_WORDS_MAX} (FULL_TEXT_WORDS_MAX)"
            );
            errors.push(FieldError { field: field.clone(), message });
        }
    }
    errors
}
