//! Loading a plugin into a fresh worker.

use crate::Position;
use contract_model::collection::Collection;
use contract_model::topic::pattern_matches;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Everything a worker needs to become a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The plugin's slug.
    pub slug: String,
    /// The plugin's version, for `$app.plugin`.
    pub version: String,
    /// Path of the entry module, as in `modules`.
    pub entry: String,
    /// All modules of the plugin as JavaScript; types are already blanked out, so positions are the author's.
    pub modules: Vec<Module>,
    /// The plugin's own collections by name; others are not to be written.
    pub collections: Vec<Collection>,
    /// Topics and patterns that may be subscribed to.
    pub consumes: Vec<String>,
    /// Topics that may be published, with what the binding must know of each.
    pub publishes: BTreeMap<String, TopicFacts>,
    /// Patterns that may be published.
    pub publishes_patterns: Vec<String>,
    /// What the code promised to publish; none where there is nothing to be held to.
    pub promised_publishes: Option<Promised>,
    /// What the code promised to subscribe to; none where there is nothing to be held to.
    pub promised_consumes: Option<Promised>,
    /// Requests this plugin answers: request topic to (ok, error) topics.
    pub replies: BTreeMap<String, (String, Option<String>)>,
    /// Capabilities that it may provide.
    pub provides: Vec<String>,
    /// Capabilities that it may use.
    pub uses: Vec<String>,
    /// The permissions that it has, as a manifest writes them. The host asks for them again.
    pub granted: Vec<String>,
    /// The operator's settings.
    pub config: Value,
    /// What its licence allows.
    pub license: License,
    /// Limits.
    pub budget: Budget,
    /// Whether it is a file of tests, which may register tests and drive a rehearsal.
    pub rehearses: bool,
}

/// What a plugin's licence allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// The plan; `free` until a licence is bound.
    pub plan: String,
    /// Billable seats that are paid for.
    pub seats: u32,
    /// Amounts by name.
    pub quotas: BTreeMap<String, u64>,
    /// What is included beyond the free plan.
    pub features: BTreeSet<String>,
}

impl Default for License {
    fn default() -> Self {
        Self { plan: "free".to_owned(), seats: 0, quotas: BTreeMap::new(), features: BTreeSet::new() }
    }
}

/// One module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Path relative to the plugin's folder, with forward slashes.
    pub path: String,
    /// Its text. A path that ends in `.json` is a JSON module.
    pub source: String,
}

/// The topics that a plugin's code promised to stay within, because the checker took its word for some calls: an
/// annotation `@topics`, or the values of a declared pattern. The manifest may allow more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promised {
    /// The calls of the code, those that promised and those whose topics are known anyway.
    pub calls: Vec<PromisedCall>,
    /// Whether there are calls of which nothing is known. They are held to the manifest alone.
    pub open: bool,
}

/// A call and the topics it stays within.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromisedCall {
    /// The module, relative to the plugin's folder, as in stacks.
    pub file: String,
    /// Line and column of its first character.
    pub from: (u32, u32),
    /// Line and column after its topic.
    pub to: (u32, u32),
    /// Topics, and patterns over topics.
    pub topics: Vec<String>,
    /// Whether its word was taken.
    pub trusted: bool,
    /// `file:line` as the suite names it, for the message.
    pub place: String,
}

impl PromisedCall {
    fn allows(&self, topic: &str) -> bool {
        self.topics.iter().any(|one| one == topic || pattern_matches(one, topic))
    }

    fn covers(&self, at: &Position) -> bool {
        (self.from..=self.to).contains(&(at.line, at.column)) && self.file == at.file
    }
}

impl Promised {
    /// Refuses a topic, or a pattern that is subscribed to, that the call did not promise. `stack` is where the call
    /// comes from, innermost first; empty where that is not known, and then all calls are asked together. `what` is
    /// what cannot be done with the topic, such as `published`.
    ///
    /// # Errors
    /// What to say.
    pub fn keep(&self, topic: &str, what: &str, stack: &[Position]) -> Result<(), String> {
        let on_way = |call: &&PromisedCall| stack.iter().any(|at| call.covers(at));
        let here: Vec<&PromisedCall> = self.calls.iter().filter(on_way).collect();
        let is_named = here.iter().any(|call| call.trusted);
        let asked = if is_named { here } else { self.calls.iter().collect() };
        if asked.iter().any(|call| call.allows(topic)) || (self.open && !is_named) {
            return Ok(());
        }
        Err(refusal(topic, what, &asked))
    }
}

fn refusal(topic: &str, what: &str, asked: &[&PromisedCall]) -> String {
    let names: BTreeSet<&str> = asked.iter().flat_map(|call| &call.topics).map(String::as_str).collect();
    let places: BTreeSet<&str> = asked.iter().filter(|call| call.trusted).map(|call| call.place.as_str()).collect();
    format!(
        "{topic} cannot be {what}: the code promises {} at {}; name the topic there, in `@topics` or in the pattern's \
         `values` in plugin.yaml",
        listed(&names),
        listed(&places)
    )
}

/// The first of these names, for a message.
pub fn listed(all: &BTreeSet<&str>) -> String {
    let first: Vec<&str> = all.iter().copied().take(8).collect();
    let more = if all.len() > first.len() { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// What a publish must know of a topic without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicFacts {
    /// JSON pointers that make the idempotency key; empty where the topic has none.
    pub idempotency: Vec<String>,
    /// The JSON Schema of its payload, if its contract has one.
    pub schema: Option<Value>,
}

/// Limits of a worker, and of each call in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Heap, in bytes; over it the worker ends with its own exit code.
    pub memory_bytes_max: u64,
    /// Nested JavaScript calls.
    pub recursion_max: u64,
    /// Events of one unit of work.
    pub events_max: u64,
    /// Changed records of one unit of work.
    pub records_max: u64,
    /// Records that one call is given to read.
    pub records_read_max: u64,
    /// Bytes of one call's result.
    pub bytes_out_max: u64,
    /// Log lines kept of one call.
    pub log_lines_max: u64,
    /// Wall time of a call, milliseconds; the parent's business.
    pub wall_ms_max: u64,
    /// Processor time of a call, milliseconds; the parent's business.
    pub cpu_ms_max: u64,
}

/// What the entry module registered, in order; the position is the handler's index in [`crate::Item`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Calls of `routerAdd`.
    pub routes: Vec<RouteDeclared>,
    /// Calls of `onEvent`.
    pub subscriptions: Vec<SubscriptionDeclared>,
    /// Calls of `onOutcome`.
    pub outcomes: Vec<OutcomeDeclared>,
    /// Calls of `$jobs.register` and `$jobs.cron`.
    pub jobs: Vec<JobDeclared>,
    /// Calls of `test`, in a file of tests.
    pub tests: Vec<TestDeclared>,
    /// Calls of `onRecord`.
    pub hooks: Vec<HookDeclared>,
    /// Calls of `provide`.
    pub provides: Vec<ProvideDeclared>,
    /// Where the module stood at each call of `onAttach`.
    pub attaches: Vec<Option<Position>>,
    /// Where the module stood at each call of `onDetach`.
    pub detaches: Vec<Option<Position>>,
}

/// One call of `provide`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvideDeclared {
    /// The capability.
    pub name: String,
    /// Its methods.
    pub methods: Vec<String>,
    /// Where the module stood that called it.
    pub at: Option<Position>,
}

/// One call of `onOutcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeDeclared {
    /// The name of the continuation.
    pub name: String,
    /// Where the module stood that called it.
    pub at: Option<Position>,
}

/// One call of `onRecord`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookDeclared {
    /// Whether it looks before or after.
    pub when: HookTime,
    /// At what.
    pub operation: RecordOperation,
    /// The collection.
    pub collection: String,
    /// Where the module stood that called it.
    pub at: Option<Position>,
}

/// When a record hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookTime {
    /// Within the unit of work that changes the record.
    Before,
    /// In a unit of work of its own, once the change is decided.
    After,
}

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordOperation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl RecordOperation {
    /// As plugins write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One call of `test`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestDeclared {
    /// What it shows.
    pub name: String,
    /// Other plugins of the suite that take part with their code.
    pub with: Vec<String>,
    /// Settings of the plugin, over the defaults.
    pub config: Map<String, Value>,
}

/// One call of `routerAdd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteDeclared {
    /// Upper-case method.
    pub method: String,
    /// Path with `{param}` segments, such as `/api/ap/bills/{id}/approve`.
    pub path: String,
    /// The options object.
    pub options: RouteOptions,
    /// Where the module stood that called it.
    pub at: Option<Position>,
}

/// Options of a route.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RouteOptions {
    /// JSON Schema of the body, or the path of a file with it.
    pub request: Option<Value>,
    /// JSON Schema of the answer's data, or the path of a file with it.
    pub response: Option<Value>,
    /// Roles of which the caller needs one.
    pub roles: Vec<String>,
    /// Grants of which the caller needs one.
    pub grants: Vec<String>,
    /// One line for the API's page.
    pub summary: Option<String>,
    /// Tags for the API's page.
    pub tags: Vec<String>,
    /// Whether an `Idempotency-Key` is required; the first answer under it is kept and given again.
    pub idempotent: Option<bool>,
    /// Deadline, such as `2s`.
    pub timeout: Option<String>,
    /// Whether it serves callers without a token.
    pub public: Option<bool>,
    /// Whether the handler only reads; it then runs without a commit.
    pub read_only: Option<bool>,
    /// JSON pointer into the body; calls with equal values run one after another, in one lane with the
    /// events of that key.
    pub key: Option<String>,
    /// Whether it says which records the handler will read.
    pub prefetch: Option<bool>,
    /// `ndjson`: the body is newline-delimited JSON, the handler is called for each line and answers a line.
    pub stream: Option<String>,
    /// Body limit in bytes, where it differs from the default.
    pub body_bytes_max: Option<u64>,
}

/// One call of `onEvent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionDeclared {
    /// The topic or pattern.
    pub topic: String,
    /// The handler's identity: `options.name`, else the function's name, else the topic.
    pub name: String,
    /// The options object.
    pub options: SubscriptionOptions,
    /// Where the module stood that called it.
    pub at: Option<Position>,
}

/// Options of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct SubscriptionOptions {
    /// The handler's identity.
    pub name: Option<String>,
    /// Handlers of one group share the events among them: each goes to one that wants it. The group is then what the
    /// cursor goes by.
    pub group: Option<String>,
    /// Every instance gets every event. An instance is a daemon, so in one daemon it changes nothing.
    pub broadcast: Option<bool>,
    /// The identity this handler had before.
    pub formerly: Option<String>,
    /// Wall time for one event, such as `2s`.
    pub deadline: Option<String>,
    /// Higher is served first.
    pub priority: Option<i32>,
    /// Keys handled at the same time.
    pub concurrency: Option<u32>,
    /// A filter expression over the payload, with paths such as `source.plugin`; other events are passed over and
    /// count as handled.
    pub when: Option<String>,
    /// Whether it says which records the handler will read.
    pub prefetch: Option<bool>,
}

/// One call of `$jobs.register` or `$jobs.cron`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobDeclared {
    /// The kind, or the name of the recurring job.
    pub kind: String,
    /// When it recurs, for `$jobs.cron`.
    pub cron: Option<CronDeclared>,
    /// The options object.
    pub options: JobOptions,
    /// Where the module stood that called it.
    pub at: Option<Position>,
}

/// When a job recurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronDeclared {
    /// The crontab expression.
    pub expression: String,
    /// The name of the time zone.
    pub timezone: String,
    /// What becomes of runs that were missed.
    pub catch_up: CatchUp,
}

/// What becomes of the runs whose time went by while the daemon did not run, or while an earlier one ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// They are left out.
    None,
    /// One run stands for all of them.
    #[default]
    One,
    /// Each is made up for, one after another.
    All,
}

/// Options of a kind of job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct JobOptions {
    /// All tries together.
    pub attempts: Option<u32>,
    /// Wait before the second try, such as `200ms`; doubles each time.
    pub backoff: Option<String>,
    /// The longest wait between two tries.
    pub cap: Option<String>,
    /// Wall time of one try, such as `2s`.
    pub deadline: Option<String>,
    /// How many of them run at the same time.
    pub concurrency: Option<u32>,
    /// The kind that it was before.
    pub formerly: Option<String>,
    /// For `$jobs.cron`: the name of the time zone, `UTC` without it.
    pub timezone: Option<String>,
    /// For `$jobs.cron`: `none`, `one` (without it) or `all`.
    pub catch_up: Option<CatchUp>,
}
