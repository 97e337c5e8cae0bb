//! What calls of a plugin used: summed by tenant, at most by handler, and which limits they met.

use contract_model::{TenantId, plugin_limit};
use daemon_frame::{Done, Ended, Failure, HookDeclared, HookTime, Registered, SubscriptionDeclared};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one call used, or many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Calls that came to an end by themselves.
    pub calls: u64,
    /// Time in the worker, microseconds.
    pub wall_us: u64,
    /// Processor time, microseconds.
    pub cpu_us: u64,
    /// Heap of the worker after a call, bytes; of many calls the most.
    pub heap_bytes: u64,
    /// Events published.
    pub events: u64,
    /// Records changed.
    pub records: u64,
    /// Records read.
    pub records_read: u64,
    /// Questions asked of the daemon, such as for a record.
    pub questions: u64,
    /// Bytes of results.
    pub bytes_out: u64,
    /// Lines logged, those that were dropped among them.
    pub log_lines: u64,
}

impl Used {
    pub(crate) fn of(done: &Done) -> Self {
        let (events, records) = match &done.ended {
            Ended::Returned { draft, .. } => (draft.events.len() as u64, draft.writes.len() as u64),
            Ended::Threw(_) => (0, 0),
        };
        Self {
            calls: 1,
            wall_us: done.usage.wall_us,
            cpu_us: done.usage.cpu_us,
            heap_bytes: done.usage.heap_bytes,
            events,
            records,
            records_read: done.usage.records_read,
            questions: u64::from(done.usage.asks),
            bytes_out: done.usage.bytes_out,
            log_lines: done.logs.len() as u64 + done.logs_dropped,
        }
    }

    fn with(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            calls: self.calls + other.calls,
            wall_us: join(self.wall_us, other.wall_us),
            cpu_us: join(self.cpu_us, other.cpu_us),
            heap_bytes: self.heap_bytes.max(other.heap_bytes),
            events: join(self.events, other.events),
            records: join(self.records, other.records),
            records_read: join(self.records_read, other.records_read),
            questions: join(self.questions, other.questions),
            bytes_out: join(self.bytes_out, other.bytes_out),
            log_lines: join(self.log_lines, other.log_lines),
        }
    }

    /// The greater of each figure; calls are summed.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    /// The share of this that a limit is about; none for one that is met before a call ends.
    pub fn of_limit(&self, name: &str) -> Option<u64> {
        Some(match name {
            plugin_limit::WALL_MS => self.wall_us.div_ceil(1_000),
            plugin_limit::CPU_MS => self.cpu_us.div_ceil(1_000),
            plugin_limit::MEMORY_BYTES => self.heap_bytes,
            plugin_limit::EVENTS => self.events,
            plugin_limit::RECORDS => self.records,
            plugin_limit::RECORDS_READ => self.records_read,
            plugin_limit::BYTES_OUT => self.bytes_out,
            plugin_limit::LOG_LINES => self.log_lines,
            _ => return None,
        })
    }
}

/// What was called, by its place among what the plugin registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Callee {
    Verb(u32),
    Event(u32),
    Job(u32),
    Outcome(u32),
    Hooks,
    Attach,
    Detach,
    /// A method of a capability.
    Provided(u32, u32),
    Reservations,
}

impl Callee {
    fn name(self, registered: &Registered) -> String {
        let at = |index: u32| index as usize;
        match self {
            Self::Verb(index) => registered
                .routes
                .get(at(index))
                .map_or_else(String::new, |route| format!("{} {}", route.method, route.path)),
            Self::Event(index) => registered.subscriptions.get(at(index)).map_or_else(String::new, handler_name),
            Self::Job(index) => {
                registered.jobs.get(at(index)).map_or_else(String::new, |job| format!("job {}", job.kind))
            }
            Self::Outcome(index) => {
                registered.outcomes.get(at(index)).map_or_else(String::new, |one| format!("outcome {}", one.name))
            }
            Self::Hooks => "record hooks".to_owned(),
            Self::Attach => "attach hooks".to_owned(),
            Self::Detach => "detach hooks".to_owned(),
            Self::Provided(capability, method) => {
                let provided = registered.provides.get(at(capability));
                let method = provided.and_then(|one| Some((&one.name, one.methods.get(at(method))?)));
                method.map_or_else(String::new, |(name, method)| format!("method {}", method_name(name, method)))
            }
            Self::Reservations => "ends of reservations".to_owned(),
        }
    }
}

fn handler_name(declared: &SubscriptionDeclared) -> String {
    let SubscriptionDeclared { topic, name, .. } = declared;
    if topic == name { topic.clone() } else { format!("{topic} ({name})") }
}

pub(crate) fn method_name(capability: &str, method: &str) -> String {
    format!("{capability}.{method}")
}

fn hook_name(declared: &HookDeclared) -> String {
    format!("{} {} {}", when_name(declared.when), declared.operation.as_str(), declared.collection)
}

pub(crate) fn when_name(when: HookTime) -> &'static str {
    match when {
        HookTime::Before => "before",
        HookTime::After => "after",
    }
}

/// Something that a plugin registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What kind of thing.
    pub kind: RegistrationKind,
    /// `METHOD path`, `topic (name)`, the kind of a job, the name of an outcome, `before create collection`,
    /// `capability.method`, `attach`, `detach`.
    pub name: String,
    /// Whether a call of it has come to its end, or was ended.
    pub is_reached: bool,
}

/// Kinds of what a plugin registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegistrationKind {
    /// `routerAdd`.
    Verb,
    /// `onEvent`.
    Handler,
    /// `$jobs.register` and `$jobs.cron`.
    Job,
    /// `onOutcome`.
    Outcome,
    /// `onRecord`.
    Hook,
    /// A method given to `provide`.
    Method,
    /// `onAttach` and `onDetach`: all functions of either are one, since they run one after another in one call.
    Link,
}

/// The figures of one plugin.
#[derive(Debug, Default)]
pub(crate) struct UsageMeter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    tenants: BTreeMap<TenantId, Used>,
    callees: BTreeMap<Callee, Used>,
    /// What was running when a worker ended.
    ended: BTreeSet<Callee>,
    /// Record hooks that ran, by their places.
    hooks: BTreeSet<u16>,
    met: BTreeMap<&'static str, u64>,
}

impl UsageMeter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call has come to its end. A tenant of which nothing is counted yet may have been erased while it ran; that is
    /// asked while nobody can be forgotten, or it would be counted for ever.
    pub(crate) fn note(&self, tenant: &TenantId, is_there: impl FnOnce() -> bool, callee: Callee, done: &Done) {
        let used = Used::of(done);
        let mut state = self.state();
        match state.tenants.get_mut(tenant) {
            Some(sum) => *sum = sum.with(used, u64::saturating_add),
            None if is_there() => drop(state.tenants.insert(tenant.clone(), used)),
            None => {}
        }
        let most = state.callees.entry(callee).or_default();
        *most = most.at_most(used);
        state.hooks.extend(&done.hooks);
        let thrown = match &done.ended {
            Ended::Threw(failure) => limit_of(failure),
            Ended::Returned { .. } => None,
        };
        let dropped = (done.logs_dropped > 0).then_some(plugin_limit::LOG_LINES);
        for limit in thrown.into_iter().chain(dropped) {
            *state.met.entry(limit).or_default() += 1;
        }
    }

    /// A tenant was erased.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.state().tenants.remove(tenant);
    }

    /// A call has ended its worker, perhaps by meeting a limit.
    pub(crate) fn ended(&self, callee: Callee, limit: Option<&'static str>) {
        let mut state = self.state();
        state.ended.insert(callee);
        if let Some(limit) = limit {
            *state.met.entry(limit).or_default() += 1;
        }
    }

    /// Sums by tenant.
    pub(crate) fn tenants(&self) -> Vec<(String, Used)> {
        self.state().tenants.iter().map(|(tenant, used)| (tenant.as_str().to_owned(), *used)).collect()
    }

    /// The most that a call used, by handler.
    pub(crate) fn handlers(&self, registered: &Registered) -> Vec<HandlerUsage> {
        let state = self.state();
        state
            .callees
            .iter()
            .map(|(callee, most)| HandlerUsage { handler: callee.name(registered), most: *most })
            .collect()
    }

    /// Everything that the plugin registered, and whether it was reached.
    pub(crate) fn registrations(&self, registered: &Registered) -> Vec<Registration> {
        use RegistrationKind::{Handler, Hook, Job, Link, Method, Outcome, Verb};
        let state = self.state();
        let is_reached = |callee| state.callees.contains_key(&callee) || state.ended.contains(&callee);
        let called = |kind, name, callee| Registration { kind, name, is_reached: is_reached(callee) };
        let verbs = (0..).zip(&registered.routes);
        let verbs = verbs.map(|(at, one)| called(Verb, format!("{} {}", one.method, one.path), Callee::Verb(at)));
        let handlers = (0..).zip(&registered.subscriptions);
        let handlers = handlers.map(|(at, one)| called(Handler, handler_name(one), Callee::Event(at)));
        let jobs = (0..).zip(&registered.jobs).map(|(at, one)| called(Job, one.kind.clone(), Callee::Job(at)));
        let outcomes = (0..).zip(&registered.outcomes);
        let outcomes = outcomes.map(|(at, one)| called(Outcome, one.name.clone(), Callee::Outcome(at)));
        let hooks = (0..).zip(&registered.hooks).map(|(at, one)| Registration {
            kind: Hook,
            name: hook_name(one),
            is_reached: state.hooks.contains(&at),
        });
        let methods = (0..).zip(&registered.provides).flat_map(|(at, provided)| {
            let named = move |(index, name): (u32, &String)| {
                called(Method, method_name(&provided.name, name), Callee::Provided(at, index))
            };
            (0..).zip(&provided.methods).map(named)
        });
        let links =
            [("attach", &registered.attaches, Callee::Attach), ("detach", &registered.detaches, Callee::Detach)];
        let links = links.into_iter().filter(|(_, places, _)| !places.is_empty());
        let links = links.map(|(name, _, callee)| called(Link, name.to_owned(), callee));
        verbs.chain(handlers).chain(jobs).chain(outcomes).chain(hooks).chain(methods).chain(links).collect()
    }

    /// How often each limit was met.
    pub(crate) fn limits_met(&self) -> Vec<(&'static str, u64)> {
        self.state().met.iter().map(|(limit, count)| (*limit, *count)).collect()
    }
}

/// The limit that an exception tells of. What plugin code throws itself is not believed: it has a kind of its own only
/// where the worker made it.
fn limit_of(failure: &Failure) -> Option<&'static str> {
    let named = failure.error.details.get("limit")?.as_str()?;
    let limit = plugin_limit::find(named)?;
    (limit.code.as_str() == failure.error.code).then_some(limit.name)
}

/// The most that one call of a handler used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerUsage {
    /// `METHOD path`, `topic (name)`, `job kind`, or what else was called.
    pub handler: String,
    /// Calls, and the most of everything else.
    #[serde(flatten)]
    pub most: Used,
}
