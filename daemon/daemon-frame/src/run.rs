//! Running handlers: items in, questions and results out.

use crate::RecordOperation;
use contract_model::collection::AUTOMATIC_FIELDS;
use contract_model::filter::{Filter, Query};
use contract_model::reservation::Reservation;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Work for a worker: items that are handled one after another, each a unit of work of its own that sees
/// the effects of those before it. The first failure ends the run; later items are not tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// In order.
    pub items: Vec<Item>,
}

/// One handler call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Which of the run's lanes it is in. Items of one lane stand together and may take from each other what they know
    /// of the store; none where it shares nothing.
    pub lane: Option<u32>,
    /// Who and when.
    pub context: Context,
    /// What.
    pub call: Call,
}

/// What every handler call is told by the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The tenant's name.
    pub tenant: String,
    /// The caller's id, or the actor of the event's story.
    pub actor: String,
    /// `$app.now()`, milliseconds since 1970.
    pub now_ms: u64,
    /// Seed of `$app.uuid()`, of record and event ids and of `Math.random` in this call.
    pub entropy: [u8; 16],
    /// Correlation id of the story.
    pub correlation: String,
}

/// Which handler, with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// A route's handler.
    Verb(VerbCall),
    /// A subscription's handler.
    Event(EventDelivery),
    /// A job's handler.
    Job(JobRun),
    /// A handler that goes on when the outcome of a request is known.
    Outcome(OutcomeRun),
    /// Changes that a client wants made of the plugin's records, for its hooks to look at first.
    Change(ChangeRun),
    /// A record that was changed, for the hooks that want to know.
    Changed(ChangedRun),
    /// A method of a capability that the plugin provides.
    Provided(ProvidedCall),
    /// A provider has come, or is about to leave.
    Link(LinkRun),
    /// A test, by its index in [`crate::Registered::tests`].
    Test(u32),
}

/// A request for a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerbCall {
    /// Index into [`crate::Registered::routes`].
    pub route: u32,
    /// Values of the path's parameters.
    pub params: Map<String, Value>,
    /// Query parameters; one given several times is a list.
    pub query: Map<String, Value>,
    /// Header lines, names in lower case.
    pub headers: Map<String, Value>,
    /// The body as JSON; null where there is none.
    pub body: Value,
    /// The request's id.
    pub request_id: String,
    /// The caller: id, email, roles.
    pub auth: Value,
}

/// An event for a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventDelivery {
    /// Index into [`crate::Registered::subscriptions`].
    pub subscription: u32,
    /// The event's id.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Value,
    /// Its position in the log.
    pub sequence: u64,
    /// Who published it, such as `plugin:ap`.
    pub publisher: String,
    /// The roles of the client that published it over HTTP; empty for what plugins publish.
    pub roles: Vec<String>,
    /// When it was published, milliseconds since 1970.
    pub time_ms: u64,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Whether it is delivered again on an operator's wish.
    pub replay: bool,
    /// Its headers.
    pub headers: Map<String, Value>,
}

/// One try of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRun {
    /// Index into [`crate::Registered::jobs`].
    pub job: u32,
    /// The job's id.
    pub id: String,
    /// What it was enqueued with; null for a run of a schedule.
    pub args: Value,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The time it was scheduled for, milliseconds since 1970.
    pub scheduled_ms: u64,
}

/// What became of a request, for whoever wanted to go on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRun {
    /// Index into [`crate::Registered::outcomes`].
    pub index: u32,
    /// The request's id.
    pub request: String,
    /// `ok`, `error`, `timeout` or `no_responder`.
    pub outcome: String,
    /// The reply's payload; null where there is none.
    pub payload: Value,
    /// What the request was published with.
    pub context: Value,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// Changes of the plugin's own records, which the host has found to be allowed and in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeRun {
    /// In order; at most one a record.
    pub changes: Vec<Proposed>,
}

/// A change of a record as it is proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// The collection.
    pub collection: String,
    /// The record.
    pub id: String,
    /// The whole record as it would be read; none where it is to be deleted.
    pub record: Option<Value>,
    /// The record as it is stored, if it is.
    pub previous: Option<Value>,
    /// Its stored revision, or 0.
    pub base_revision: u64,
}

/// A record that was changed, once that is decided for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedRun {
    /// What was done with it.
    pub operation: RecordOperation,
    /// The collection.
    pub collection: String,
    /// The record as it was stored; of a deletion, as it was before.
    pub record: Value,
    /// The record before it was updated; null otherwise.
    pub previous: Value,
    /// Id of the change.
    pub id: String,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// A call of a capability's method. It reads from its caller's snapshot and changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvidedCall {
    /// Index into [`crate::Registered::provides`].
    pub capability: u32,
    /// Index into its methods.
    pub method: u32,
    /// What it was called with.
    pub input: Value,
    /// The plugin that calls.
    pub caller: String,
}

/// News of a provider, for the plugin that uses its capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRun {
    /// Whether it has come; else it is about to leave.
    pub attaches: bool,
    /// The capability.
    pub capability: String,
    /// The provider's slug.
    pub provider: String,
    /// The version of the capability that it provides.
    pub version: String,
    /// Why it leaves: `removed`, `disabled` or `replaced`; empty where it comes.
    pub reason: String,
}

/// A question that only the host can answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// One record by id.
    Get {
        /// The collection.
        collection: String,
        /// The record.
        id: String,
    },
    /// Records of several collections by id, in the order asked, null where there is none.
    GetAcross {
        /// Collections with the records wanted of each.
        wanted: Vec<(String, Vec<String>)>,
    },
    /// Like `GetAcross`, for all items of the lane that is about to begin.
    Ahead {
        /// Collections with the records wanted of each.
        wanted: Vec<(String, Vec<String>)>,
    },
    /// Records by filter, as the store has them; the worker lays its own pending writes over them.
    Find {
        /// The collection.
        collection: String,
        /// Which.
        query: Query,
    },
    /// How many records match.
    Count {
        /// The collection.
        collection: String,
        /// Which.
        filter: Filter,
    },
    /// A reservation of the plugin.
    Reservation {
        /// Its id.
        id: String,
    },
    /// Whether this idempotency key was used on this topic.
    Known {
        /// The topic.
        topic: String,
        /// The key.
        key: String,
        /// SHA-256 of the payload's canonical JSON, hexadecimal.
        hash: String,
    },
    /// A method of a capability that another plugin provides.
    Call {
        /// The capability.
        capability: String,
        /// The method.
        method: String,
        /// What it is called with.
        input: Value,
        /// The provider that is wanted, where it is not the first.
        provider: Option<String>,
    },
    /// What a host outside answers.
    Fetch(Box<FetchAsked>),
    /// Who provides a capability.
    Providers {
        /// The capability.
        capability: String,
    },
    /// What a test wants done in its rehearsal.
    Rehearse {
        /// What.
        what: String,
        /// With what.
        args: Value,
    },
}

/// The reply to an [`Ask`]: the value, or a refusal that the handler sees as an exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer(pub Result<Asked, AppError>);

/// The value of an [`Answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// For `Get`.
    Record(Option<Value>),
    /// For `GetAcross` and `Ahead`.
    Records(Vec<Option<Value>>),
    /// For `Find`.
    Page {
        /// The records.
        items: Vec<Value>,
        /// Where the next page starts.
        cursor: Option<String>,
    },
    /// For `Count`.
    Count(u64),
    /// For `Reservation`.
    Reservation(Option<Box<Reserved>>),
    /// For `Known`.
    Known(Known),
    /// For `Fetch`.
    Fetched(Box<FetchAnswer>),
    /// For `Call`: what the method gave.
    Called(Value),
    /// For `Providers`: slugs and versions, in the order in which they are chosen.
    Providers(Vec<(String, String)>),
    /// For `Rehearse`.
    Rehearsed(Value),
}

/// A question to a host outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchAsked {
    /// Upper-case method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
    /// The longest wait, where it is shorter than the call may take.
    pub timeout_ms: Option<u64>,
    /// How often it is tried at most.
    pub attempts: u32,
    /// The plugin's own idempotency key.
    pub idempotency_key: Option<String>,
}

/// What a host outside has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchAnswer {
    /// HTTP status.
    pub status: u16,
    /// Header lines by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; none where it is no text in UTF-8.
    pub body: Option<String>,
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Known {
    /// Nothing.
    New,
    /// The same payload was published as this event.
    Same(String),
    /// Another payload was published as this event.
    Other(String),
}

/// One item of a run is finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Index into [`Run::items`].
    pub item: u32,
    /// How it ended.
    pub ended: Ended,
    /// Collections with the records that it took from what its lane knew, without asking for them itself.
    pub relied: Vec<(String, Vec<String>)>,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// Log lines over the limit.
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
    pub writes: Vec<Write>,
    /// Events, in order.
    pub events: Vec<DraftEvent>,
    /// Requests whose outcome is to be told.
    pub continuations: Vec<Continuation>,
    /// Reservations that were made or ended.
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
    pub key: Option<String>,
    /// The idempotency key given or made by the contract.
    pub idempotency_key: Option<String>,
    /// Not delivered before so many milliseconds after the commit.
    pub delay_ms: u64,
    /// Headers.
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
    /// Processor time of the call, microseconds.
    pub cpu_us: u64,
    /// Processor time of the process since its start, microseconds.
    pub cpu_total_us: u64,
    /// Records that it was given to read.
    pub records_read: u64,
    /// Bytes of its result, as the parent has counted them.
    pub bytes_out: u64,
    /// Questions asked.
    pub asks: u32,
    /// Calls of bindings that were refused for want of a permission.
    pub denied: u32,
}
