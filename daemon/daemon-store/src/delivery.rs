//! What is kept of deliveries: inbox marks, retries, dead letters, cursors.

use contract_model::{EventId, Sequence, SubscriptionId, TenantId, TopicName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A subscription's place in the log, and what is known of its deliveries in a stretch of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The subscription; none if its name is too long to be read back.
    pub subscription: Option<SubscriptionId>,
    /// It has handled everything up to here.
    pub cursor: Sequence,
    /// What its deliveries' keys begin with, after the keyspace.
    pub(crate) name: Vec<u8>,
    /// Whether some event of the stretch is to be tried again.
    pub(crate) has_retries: bool,
    /// Whether some event of the stretch is a dead letter.
    pub(crate) has_dead: bool,
}

/// Why a subscription may still need an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// It has not handled it.
    Unhandled,
    /// It is to be delivered once more.
    Retry,
    /// It was given up, and an operator may take it up again.
    DeadLetter,
}

/// A delivery that failed and will be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The event.
    pub sequence: Sequence,
    /// Tries so far.
    pub attempts: u32,
    /// When to try again, milliseconds since 1970.
    pub due_ms: u64,
    /// Why the last try failed.
    pub error: String,
    /// Whether it was handled before and is delivered again on an operator's wish.
    #[serde(default)]
    pub replay: bool,
    /// What is delivered in place of the event's payload, which stays in the log as it is.
    #[serde(default)]
    pub payload: Option<Value>,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The subscription that could not handle it.
    pub subscription: SubscriptionId,
    /// The event's position in the log.
    pub sequence: Sequence,
    /// The event's tenant.
    pub tenant: TenantId,
    /// The event.
    pub event: EventId,
    /// Its topic.
    pub topic: TopicName,
    /// All tries.
    pub attempts: u32,
    /// Error code of the last try.
    pub code: String,
    /// Its message.
    pub reason: String,
    /// Its stack, innermost first.
    pub stack: Vec<String>,
    /// The version of the plugin whose handler failed; empty where an older daemon did not note it.
    #[serde(default)]
    pub version: String,
    /// When it was given up, milliseconds since 1970.
    pub time_ms: u64,
    /// Whether it was delivered as a replay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
    /// What was delivered in place of the event's payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// What is known of a used idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownKey {
    /// The event first published under it.
    pub event: EventId,
    /// That event's position in the log.
    pub sequence: Sequence,
    /// SHA-256 of that event's payload.
    pub payload_hash: String,
}
