//! What the rest of the daemon says to the host, and hears from it.

use contract_model::{ErrorCode, Event, PluginSlug, Sequence, TenantId};
use contract_schema::Schema;
use daemon_frame::{AppError, HeaderLines, Position, RouteOptions};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Who calls, as the daemon itself verified it.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The user's id.
    pub user: String,
    /// The user's mail address, if known.
    pub email: Option<String>,
    /// The roles held in the tenant.
    pub roles: Vec<String>,
}

/// A mounted route.
#[derive(Debug)]
pub struct Route {
    /// The plugin that serves it.
    pub plugin: PluginSlug,
    /// Its position among the plugin's routes.
    pub index: u32,
    /// Upper-case method.
    pub method: String,
    /// Path with `{param}` segments.
    pub path: String,
    /// The author's options.
    pub options: RouteOptions,
    /// Checks the body, where the route declares a schema.
    pub request: Option<Schema>,
    /// Checks the data of an answer that says all went well, where the route declares a schema.
    pub response: Option<Schema>,
    /// The declared schemas as JSON, for the API's description: request and response.
    pub described: (Option<Value>, Option<Value>),
    /// Wall time for one call.
    pub deadline: Duration,
    /// Where the author registers it.
    pub at: Option<Position>,
}

/// A verb call that HTTP has authenticated and checked.
#[derive(Debug, Clone)]
pub struct VerbRequest {
    /// The tenant of the caller's token.
    pub tenant: TenantId,
    /// The caller.
    pub identity: Identity,
    /// The route.
    pub route: Arc<Route>,
    /// Path parameters.
    pub params: Map<String, Value>,
    /// Query parameters; one given several times is a list.
    pub query: Map<String, Value>,
    /// Header lines, lower-case names.
    pub headers: HeaderLines,
    /// The body; null where there is none.
    pub body: Value,
    /// The request's id; also the correlation id of the story that starts here.
    pub request_id: String,
    /// W3C `traceparent`, if the client sent one.
    pub trace: Option<String>,
}

/// What a verb answered, durable by the time it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct VerbReply {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: ReplyBody,
    /// Whether it was given before, under the same `Idempotency-Key`.
    pub replayed: bool,
}

impl VerbReply {
    /// An answer given for the first time.
    pub fn new(status: u16, body: ReplyBody) -> Self {
        Self { status, body, replayed: false }
    }
}

/// The body of a verb's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyBody {
    /// What is answered in the envelope of all that went well.
    Data(Value),
    /// JSON, already in its final form (with or without the envelope).
    Json(Value),
    /// Plain text.
    Text(String),
}

impl Serialize for ReplyBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Data(data) => Enveloped { data, error: (), success: true }.serialize(serializer),
            Self::Json(value) => value.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Enveloped<'a> {
    data: &'a Value,
    error: (),
    success: bool,
}

/// An event that a client publishes.
#[derive(Debug, Clone)]
pub struct ExternalEvent {
    /// The tenant of the caller's token.
    pub tenant: TenantId,
    /// The caller.
    pub identity: Identity,
    /// The caller's identity of the event; made up where absent.
    pub id: Option<String>,
    /// The topic.
    pub topic: String,
    /// The payload.
    pub payload: Value,
    /// Extension `idempotencykey`.
    pub idempotency_key: Option<String>,
    /// W3C `traceparent`.
    pub trace: Option<String>,
}

/// An event has been stored, or was there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Its id.
    pub id: String,
    /// Its position in the log.
    pub sequence: Sequence,
    /// Whether the same event was there before.
    pub duplicate: bool,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The ok reply.
    Ok(Arc<Event>),
    /// The error reply.
    Error(Arc<Event>),
    /// Not answered yet.
    Pending,
    /// The request's own timeout has passed without an answer.
    Timeout,
    /// Nobody answers this topic.
    NoResponder,
}

/// A step of a story and what it caused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoryNode {
    /// The event as CloudEvent.
    pub event: Value,
    /// Deliveries: one a subscription, `{subscription, state: done | pending | retrying | dead, attempts, error}`.
    pub deliveries: Vec<Value>,
    /// What it caused.
    pub children: Vec<StoryNode>,
}

/// A part of a story: trees of the events on this page. What an event of an earlier page caused stands here as a root and
/// says so by its causation.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryPage {
    /// What nothing on this page caused.
    pub roots: Vec<StoryNode>,
    /// The next page begins after this position; none where the story ends.
    pub next: Option<Sequence>,
}

/// A dead letter as listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetterView {
    /// Its id, for `dead retry`.
    pub id: String,
    /// The topic.
    pub topic: String,
    /// The plugin whose handler failed.
    pub plugin: String,
    /// The subscription.
    pub subscription: String,
    /// All tries.
    pub attempts: u32,
    /// The last error.
    pub reason: String,
    /// Its code.
    pub code: String,
    /// Its JavaScript stack, innermost first.
    pub stack: Vec<String>,
    /// The version of the plugin whose handler failed.
    pub version: String,
    /// When it was given up, RFC 3339.
    pub time: String,
    /// The event's id.
    pub event: String,
    /// The tenant.
    pub tenant: String,
    /// Whether it was delivered as a replay; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
    /// What was delivered in place of the event's payload; absent where that was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// How a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginState {
    /// It runs.
    Active,
    /// It runs, but its breaker is open.
    Paused,
    /// Its first worker is still loading its code; it joins when that is up.
    Starting,
    /// It waits for settings.
    PendingConfig,
    /// An operator has disabled it.
    Disabled,
    /// It was to run and cannot be started.
    Error,
}

impl PluginState {
    /// The state's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Starting => "starting",
            Self::PendingConfig => "pending_config",
            Self::Disabled => "disabled",
            Self::Error => "error",
        }
    }

    /// What who calls the plugin is refused with. None where it runs: then there is no such route.
    pub fn refusal(self) -> Option<ErrorCode> {
        match self {
            Self::Active | Self::Paused => None,
            Self::Starting => Some(ErrorCode::PluginStarting),
            Self::PendingConfig => Some(ErrorCode::PluginPendingConfig),
            Self::Disabled => Some(ErrorCode::PluginDisabled),
            Self::Error => Some(ErrorCode::PluginUnavailable),
        }
    }
}

/// A plugin as the admin API lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginStatus {
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The version.
    pub version: String,
    /// How it is.
    pub state: PluginState,
    /// Why it is not active.
    pub reason: Option<String>,
    /// Process ids of its workers.
    pub workers: Vec<u32>,
    /// Method and path of its routes.
    pub routes: Vec<String>,
    /// Its subscriptions.
    pub subscriptions: Vec<String>,
    /// How often it was refused something for want of a permission, since the daemon started.
    pub permission_denied: u64,
}

impl PluginStatus {
    /// What who wants something of the plugin is refused with; none where it runs. Why it does not run may tell of its code
    /// and its settings, and is left out.
    pub fn refusal(&self) -> Option<HostError> {
        self.refused("; `trunkline plugin list` tells an administrator why")
    }

    /// The same for an administrator, who is told why.
    pub fn refusal_of_admin(&self) -> Option<HostError> {
        self.refused(&format!(": {}", self.reason.as_deref().unwrap_or_default()))
    }

    fn refused(&self, more: &str) -> Option<HostError> {
        let (slug, state) = (&self.slug, self.state.name());
        Some(HostError::new(self.state.refusal()?, format!("plugin `{slug}` does not run ({state}){more}")))
    }
}

/// Why the host could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
#[error("{}", .error.message)]
pub struct HostError {
    /// Code, message, HTTP status as the plugin or catalogue gives it, and details.
    pub error: AppError,
    /// The plugin at fault, if one is.
    pub plugin: Option<String>,
    /// The function of the API that refused, where one did, as plugin code writes it.
    pub function: Option<Box<str>>,
    /// Where in the plugin's source.
    pub position: Option<Position>,
    /// The JavaScript stack.
    pub stack: Vec<String>,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
    /// Plugin code threw it, and nobody of the daemon: its code says what the plugin means by it.
    pub thrown: bool,
}
