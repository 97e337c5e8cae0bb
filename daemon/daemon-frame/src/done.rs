//! How the run of an item ended, and what it wants to happen.

use contract_model::collection::AUTOMATIC_FIELDS;
use contract_model::reservation::Reservation;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::sync::Arc;

/// One item of a run is finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Index into [`Run::items`](crate::Run::items).
    pub item: u32,
    /// How it ended.
    pub ended: Ended,
    /// Collections with the records that it took from what its lane knew, without asking for them itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relied: Vec<(String, Vec<String>)>,
    /// Record hooks that ran in it, by their places among those that the plugin registered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<u16>,
    /// What it logged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// Log lines over the limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub logs_dropped: u64,
    /// What it used.
    pub usage: Usage,
}

/// How a handler call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ended {
    /// It returned: what it wants to happen, and for a verb the answer.
    Returned {
        /// The buffered effects.
        draft: Draft,
        /// The verb's answer.
        response: Option<Response>,
    },
    /// It threw; nothing of it remains.
    Threw(Failure),
}

/// The buffered effects of one unit of work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Record writes; at most one a record, in the order of their first touch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Write>,
    /// Events, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<DraftEvent>,
    /// Requests whose outcome is to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continuations: Vec<Continuation>,
    /// Reservations that were made or ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<Reserved>,
}

/// A reservation as it is to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// Its id.
    pub id: String,
    /// What is reserved, and where it stands.
    pub reservation: Reservation,
    /// Its stored revision, or 0 where it is new.
    pub base_revision: u64,
}

/// A request whose outcome its publisher wants to go on with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Continuation {
    /// The request's id; one of the draft's events, or one that was published before.
    pub request: String,
    /// The request's topic.
    pub topic: String,
    /// The name given to `$app.onOutcome`.
    pub name: String,
    /// To be given back with the outcome.
    pub context: Value,
    /// The longest wait, where it is not that of the topic's contract.
    pub timeout_ms: Option<u64>,
}

/// Writes the declared fields of a record, so that who shares it need not copy it to leave the others out.
fn declared<S: Serializer>(record: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    let Value::Object(fields) = record else { return record.serialize(serializer) };
    let declared = || fields.iter().filter(|(name, _)| !AUTOMATIC_FIELDS.contains(&name.as_str()));
    let mut map = serializer.serialize_map(Some(declared().count()))?;
    for (name, value) in declared() {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// A record write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Write {
    /// Stores a record.
    Put {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
        /// Its fields. The automatic ones do not travel: they are the host's to set.
        #[serde(serialize_with = "declared")]
        record: Arc<Value>,
        /// Revision that the handler read, or 0 where the record is new.
        base_revision: u64,
    },
    /// Deletes a record.
    Delete {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
        /// Revision that the handler read.
        base_revision: u64,
    },
}

/// An event to publish at commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftEvent {
    /// Its id, made by the worker of the call's entropy.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Value,
    /// Overrides the contract's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The idempotency key given or made by the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Not delivered before so many milliseconds after the commit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// Headers.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// Published through `e.reply` or `e.reject`.
    pub reply: bool,
}

/// A verb's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status; 0 leaves it to the host.
    pub status: u16,
    /// The body.
    pub body: Body,
}

/// The body of a verb's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// A returned value, to be put in the envelope as `data`.
    Data(Value),
    /// `e.json`: as it is.
    Json(Value),
    /// `e.text`: as it is.
    Text(String),
    /// `e.outcome`: answered when the request's outcome is known.
    Outcome {
        /// Id of the request event, one of the draft's events.
        event: String,
        /// Status for an ok reply.
        ok: u16,
        /// Status for an error reply.
        error: u16,
        /// The longest wait.
        timeout_ms: u64,
    },
}

/// Why a handler call or a load failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FaultKind,
    /// The code, message, status and details.
    pub error: AppError,
    /// The function of the API that refused, where one did, as plugin code writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Where in the author's source, if known.
    pub position: Option<Position>,
    /// The JavaScript stack, innermost first, each line `at name (file:line:column)`.
    pub stack: Vec<String>,
}

/// Whether a failure was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// A thrown `AppError`: an answer, not a fault.
    App,
    /// Any other exception.
    Exception,
    /// A limit of the budget.
    Limit,
}

/// An error as plugins throw and clients see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppError {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// HTTP status.
    pub status: u16,
    /// Anything more.
    pub details: Value,
}

/// A place in the author's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Path relative to the plugin's folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// One call of `$app.log`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// debug, info, warn or error.
    pub level: String,
    /// The message.
    pub message: String,
    /// Fields.
    pub fields: Value,
}

/// What a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Wall time in the worker, microseconds.
    pub wall_us: u64,
    /// Heap after the call, bytes.
    pub heap_bytes: u64,
    /// Processor time of the call, microseconds; of the first in a lane with what was read ahead for all of it.
    pub cpu_us: u64,
    /// Processor time of the process since its start, microseconds.
    pub cpu_total_us: u64,
    /// Records that it was given to read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records_read: u64,
    /// Bytes of its result, as the parent has counted them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes_out: u64,
    /// Questions asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub asks: u32,
    /// Calls of bindings that were refused for want of a permission.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub denied: u32,
}

/// Most counts of most calls are zero, and a name in a frame costs more than its number.
fn is_zero<T: Copy + Into<u64>>(count: &T) -> bool {
    (*count).into() == 0
}
