//! Work: what handlers are to be run with.

use crate::{HeaderLines, RecordOperation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// Query parameters; one given several times is a list.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub query: Map<String, Value>,
    /// Header lines, names in lower case.
    #[serde(default, skip_serializing_if = "HeaderLines::is_empty")]
    pub headers: HeaderLines,
    /// The body as JSON; null where there is none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// The request's id.
    pub request_id: String,
    /// The caller.
    pub auth: Auth,
    /// The record that it is expected to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreseen: Option<Foreseen>,
}

/// Who calls a route, as the daemon itself verified it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// The user's id.
    pub id: String,
    /// The user's mail address, if known.
    pub email: Option<String>,
    /// The roles held in the tenant.
    pub roles: Vec<String>,
}

/// A record that came with the call, read in its snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The collection.
    pub collection: String,
    /// The record's id.
    pub id: String,
    /// The record; none where there is none.
    pub record: Option<Value>,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// When it was published, milliseconds since 1970.
    pub time_ms: u64,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Whether it is delivered again on an operator's wish.
    pub replay: bool,
    /// Its headers.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
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

impl Proposed {
    /// What is to be done with the record.
    pub fn operation(&self) -> RecordOperation {
        match (&self.record, &self.previous) {
            (None, _) => RecordOperation::Delete,
            (Some(_), None) => RecordOperation::Create,
            (Some(_), Some(_)) => RecordOperation::Update,
        }
    }
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
