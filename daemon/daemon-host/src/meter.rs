//! What is counted of plugins and of their units of work.

use crate::host::Host;
use crate::usage::{HandlerUsage, UsageMeter, Used};
use contract_model::reservation::State;
use daemon_bus::Gauges;
use daemon_store::{Distribution, Histogram};
use daemon_trace::Figures;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a unit of work was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Verb,
    Event,
    /// A job, whoever enqueued it.
    Job,
    /// Records that a client changes, with the hooks before it.
    Change,
    /// A method of a capability, in its caller's unit of work.
    Capability,
    /// News of a provider.
    Link,
}

/// How a unit of work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Decided; what it read and wrote stands.
    Settled,
    /// It met another one and runs again.
    Rerun,
    /// It threw or was refused.
    Failed,
    /// Its worker was lost on the way.
    Lost,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Verb, Self::Event, Self::Job, Self::Change, Self::Capability, Self::Link];

    fn name(self) -> &'static str {
        match self {
            Self::Verb => "verb",
            Self::Event => "event",
            Self::Job => "job",
            Self::Change => "change",
            Self::Capability => "capability",
            Self::Link => "link",
        }
    }
}

impl End {
    const ALL: [Self; 4] = [Self::Settled, Self::Rerun, Self::Failed, Self::Lost];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Rerun => "rerun",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }
}

/// The counters of one plugin.
#[derive(Debug)]
pub(crate) struct PluginMeter {
    /// By kind, then by end.
    units: [[Histogram; End::ALL.len()]; Kind::ALL.len()],
    starts: AtomicU64,
    faults: AtomicU64,
    dead: AtomicU64,
    /// Fetches that were answered, and those that were not.
    fetches: [AtomicU64; 2],
    pub(crate) usage: UsageMeter,
    /// By state.
    reservations: [AtomicU64; RESERVATIONS.len()],
}

const RESERVATIONS: [State; 4] = [State::Held, State::Confirmed, State::Released, State::Expired];

impl Default for PluginMeter {
    fn default() -> Self {
        let units = std::array::from_fn(|_| std::array::from_fn(|_| Histogram::of_times()));
        let reservations = std::array::from_fn(|_| AtomicU64::default());
        let (starts, faults, dead) = (AtomicU64::default(), AtomicU64::default(), AtomicU64::default());
        Self { units, starts, faults, dead, usage: UsageMeter::default(), fetches: Default::default(), reservations }
    }
}

impl PluginMeter {
    /// A unit of work has ended after so long in its worker and in the store's decision.
    pub(crate) fn unit(&self, kind: Kind, end: End, took: Duration) {
        self.units[kind as usize][end as usize].took(took);
    }

    /// A worker process was started.
    pub(crate) fn started(&self) {
        self.starts.fetch_add(1, Relaxed);
    }

    /// A worker was lost by the plugin's own fault.
    pub(crate) fn faulted(&self) {
        self.faults.fetch_add(1, Relaxed);
    }

    /// An event was given up.
    pub(crate) fn buried(&self) {
        self.dead.fetch_add(1, Relaxed);
    }

    /// A host outside was asked.
    pub(crate) fn fetched(&self, is_answered: bool) {
        self.fetches[usize::from(!is_answered)].fetch_add(1, Relaxed);
    }

    /// A reservation of its records has come to this state.
    pub(crate) fn reserved(&self, state: State) {
        if let Some(at) = RESERVATIONS.iter().position(|known| *known == state) {
            self.reservations[at].fetch_add(1, Relaxed);
        }
    }

    fn reservations(&self) -> Vec<(&'static str, u64)> {
        let counts = self.reservations.iter().map(|count| count.load(Relaxed));
        RESERVATIONS.iter().map(|state| state.as_str()).zip(counts).collect()
    }

    fn units(&self) -> Vec<UnitMetrics> {
        let all = Kind::ALL.iter().flat_map(|kind| End::ALL.iter().map(move |end| (*kind, *end)));
        let read = |(kind, end): (Kind, End)| UnitMetrics {
            kind: kind.name(),
            end: end.name(),
            seconds: self.units[kind as usize][end as usize].read(),
        };
        all.map(read).filter(|unit| unit.seconds.count > 0).collect()
    }
}

/// Units of work of one kind that ended in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitMetrics {
    /// `verb`, `event`, `job`, `change`, `capability` or `link`.
    pub kind: &'static str,
    /// `settled`, `rerun`, `failed` or `lost`.
    pub end: &'static str,
    /// By their time in the worker and in the store's decision.
    pub seconds: Distribution,
}

/// The figures of one plugin since the daemon started.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginMetrics {
    /// The slug.
    pub slug: String,
    /// Its units of work.
    pub units: Vec<UnitMetrics>,
    /// Calls and events that wait for a worker now.
    pub queue: u64,
    /// Worker processes now.
    pub workers: u64,
    /// Worker processes started.
    pub worker_starts: u64,
    /// Workers lost by the plugin's own fault.
    pub worker_faults: u64,
    /// Whether its breaker is open.
    pub is_paused: bool,
    /// Events that its subscriptions gave up.
    pub dead_letters: u64,
    /// Calls refused for want of a permission.
    pub permission_denied: u64,
    /// Fetches by what became of them: answered, failed.
    pub fetches: [(&'static str, u64); 2],
    /// Reservations of its records by what became of them: held, confirmed, released, expired.
    pub reservations: Vec<(&'static str, u64)>,
    /// What its calls used, by tenant.
    pub used: Vec<(String, Used)>,
    /// The most that a call of each handler used.
    pub handlers: Vec<HandlerUsage>,
    /// How often its calls have met each limit.
    pub limits_met: Vec<(&'static str, u64)>,
}

/// The figures of the host since the daemon started.
#[derive(Debug, Clone, PartialEq)]
pub struct HostMetrics {
    /// By plugin.
    pub plugins: Vec<PluginMetrics>,
    /// Events that plugins published, as plugin, topic and count.
    pub published: Vec<(String, String, u64)>,
    /// Events that plugins have handled.
    pub handled: Vec<(String, String, u64)>,
    /// Units of work that ran again because they met others.
    pub reruns: u64,
    /// How each subscription stands, by its name.
    pub subscriptions: Vec<(String, Gauges)>,
    /// What quotas refused, by limit.
    pub quota_refusals: Vec<(&'static str, u64)>,
    /// How often limits of subscriptions were met, by limit.
    pub subscription_limits_met: Vec<(&'static str, u64)>,
    /// Changes of records over REST, by their time until they were on disk.
    pub record_changes: Distribution,
    /// Events that retention has looked at, and how often one was still owed, by what for.
    pub retention: (u64, Vec<(&'static str, u64)>),
    /// What became of spans of traces.
    pub traces: Figures,
}

impl Host {
    /// The figures of the host.
    pub fn metrics(&self) -> HostMetrics {
        let (published, handled) = self.0.conductor.observed();
        let flat = |counts: crate::observed::Counts| {
            let rows = counts.into_iter().flat_map(|(plugin, topics)| {
                topics.into_iter().map(move |(topic, count)| (plugin.clone(), topic, count))
            });
            rows.collect()
        };
        let plugin = |pool: &std::sync::Arc<crate::pool::Pool>| {
            let (workers, paused) = pool.status();
            let meter = &pool.plugin.meter;
            PluginMetrics {
                slug: pool.plugin.slug().to_owned(),
                units: meter.units(),
                queue: pool.waiting() as u64,
                workers: workers.len() as u64,
                worker_starts: meter.starts.load(Relaxed),
                worker_faults: meter.faults.load(Relaxed),
                is_paused: paused.is_some(),
                dead_letters: meter.dead.load(Relaxed),
                permission_denied: pool.plugin.denials(),
                fetches: std::array::from_fn(|at| (["answered", "failed"][at], meter.fetches[at].load(Relaxed))),
                reservations: meter.reservations(),
                used: meter.usage.tenants(),
                handlers: meter.usage.handlers(pool.registered()),
                limits_met: meter.usage.limits_met(),
            }
        };
        HostMetrics {
            plugins: self.0.pools().iter().map(plugin).collect(),
            published: flat(published),
            handled: flat(handled),
            reruns: self.reruns(),
            subscriptions: self.0.conductor.standing(),
            quota_refusals: self.0.quotas.refusals(),
            subscription_limits_met: self.0.conductor.limits_met(),
            record_changes: self.0.record_changes.read(),
            retention: self.0.retention.read(),
            traces: self.0.tracer.figures(),
        }
    }
}
