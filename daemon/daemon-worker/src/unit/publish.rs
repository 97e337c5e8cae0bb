//! Events of a unit.

use super::{Answers, Unit};
use crate::refusal::{Halt, refusal};
use contract_model::ErrorCode;
use contract_model::canonical::canonical_sha256;
use daemon_frame::{Ask, Asked, DraftEvent, Known};
use serde_json::{Map, Value, json};

/// An event as a handler wants it.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) topic: String,
    pub(crate) payload: Value,
    pub(crate) key: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) delay_ms: u64,
    pub(crate) headers: Map<String, Value>,
    pub(crate) reply: bool,
    /// Under one key it is the same whatever its payload: a job is unique by its key alone.
    pub(crate) same_by_key: bool,
}

/// What became of a publish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) id: String,
    /// The same event was published before; nothing new will happen.
    pub(crate) duplicate: bool,
}

impl Unit {
    /// Whether the request that is handled has its reply.
    pub(crate) fn is_answered(&self) -> bool {
        self.events.iter().any(|event| event.reply)
    }

    /// Buffers an event, unless the same was published before under its idempotency key.
    pub(crate) fn publish(&mut self, event: Outgoing, host: &mut impl Answers) -> Result<Published, Halt> {
        self.check_room_for_event()?;
        let hash = |payload| if event.same_by_key { String::new() } else { canonical_sha256(payload) };
        let hash = event.idempotency_key.as_ref().map(|_| hash(&event.payload));
        if let (Some(key), Some(hash)) = (&event.idempotency_key, &hash) {
            match self.known_event(&event.topic, key, hash, host)? {
                Known::New => {}
                Known::Same(id) => return Ok(Published { id, duplicate: true }),
                Known::Other(id) => return Err(conflict(&event.topic, key, &id)),
            }
        }
        let id = host.new_id();
        if let (Some(key), Some(hash)) = (&event.idempotency_key, hash) {
            self.published.insert((event.topic.clone(), key.clone()), (id.clone(), hash));
        }
        self.events.push(DraftEvent {
            id: id.clone(),
            topic: event.topic,
            payload: event.payload,
            key: event.key,
            idempotency_key: event.idempotency_key,
            delay_ms: event.delay_ms,
            headers: event.headers,
            reply: event.reply,
        });
        Ok(Published { id, duplicate: false })
    }

    fn known_event(&self, topic: &str, key: &str, hash: &str, host: &mut impl Answers) -> Result<Known, Halt> {
        let own = (topic.to_owned(), key.to_owned());
        if let Some((id, known)) = self.published.get(&own) {
            return Ok(if known == hash { Known::Same(id.clone()) } else { Known::Other(id.clone()) });
        }
        match host.ask(Ask::Known { topic: own.0, key: own.1, hash: hash.to_owned() })? {
            Asked::Known(known) => Ok(known),
            _ => Err(host.unfit()),
        }
    }
}

fn conflict(topic: &str, key: &str, id: &str) -> Halt {
    let message = format!("{topic} with the key {key} was published before as {id}, with another payload");
    let mut error = refusal(ErrorCode::IdempotencyConflict, message);
    error.details = json!({"topic": topic, "key": key, "event": id});
    error.into()
}

/// The idempotency key that a topic's contract makes of a payload: the values at its pointers, joined with `/`.
pub(crate) fn contract_key(topic: &str, pointers: &[String], payload: &Value) -> Result<Option<String>, Halt> {
    if pointers.is_empty() {
        return Ok(None);
    }
    let parts: Result<Vec<String>, Halt> = pointers
        .iter()
        .map(|pointer| match payload.pointer(pointer) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(scalar.to_string()),
            _ => {
                let message = format!("{topic}: the payload has no text or number at {pointer}, which makes its key");
                Err(Halt::new(ErrorCode::PayloadInvalid, message))
            }
        })
        .collect();
    parts.map(|parts| Some(parts.join("/")))
}
