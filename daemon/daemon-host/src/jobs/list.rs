//! What an operator sees of jobs. A job's state is read off what delivery keeps of its event; there is no second account.

use super::ends::{self, JobEnd};
use crate::api::HostError;
use crate::clock;
use crate::host::{Host, Inner};
use crate::reader::store_error;
use contract_model::event::rfc3339;
use contract_model::ids::NameError;
use contract_model::schedule::Schedule;
use contract_model::{ErrorCode, Event, Sequence, SubscriptionId, TenantId, TopicName, TopicPattern, job};
use daemon_frame::CatchUp;
use daemon_store::{EventFilter, StoreError, Tenant, View};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Its time has not come.
    Scheduled,
    /// It waits for its turn.
    Pending,
    /// A worker has it in hand.
    Running,
    /// A try failed; another follows.
    Retrying,
    /// All tries failed; it is a dead letter, which can be taken up again.
    Failed,
    /// It has run.
    Done,
    /// An operator ended it.
    Cancelled,
}

impl JobState {
    const ALL: [(&'static str, Self); 7] = [
        ("scheduled", Self::Scheduled),
        ("pending", Self::Pending),
        ("running", Self::Running),
        ("retrying", Self::Retrying),
        ("failed", Self::Failed),
        ("done", Self::Done),
        ("cancelled", Self::Cancelled),
    ];

    /// The state of this name, or the names that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        known.map(|(_, state)| *state).ok_or_else(|| format!("`{name}` is no state of a job; there are {}", names()))
    }

    /// Whether nothing more happens by itself.
    fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Done | Self::Cancelled)
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only in this state. Without it, those that are not over, and those that failed.
    pub state: Option<JobState>,
    /// At most so many of a kind, the newest of those that are over and the oldest of others.
    pub limit: usize,
}

/// A job as an operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobView {
    /// Its id, which is that of its event.
    pub id: String,
    /// `plugin.kind`.
    pub name: String,
    /// The plugin.
    pub plugin: String,
    /// The kind, or the name of the schedule.
    pub kind: String,
    /// The tenant.
    pub tenant: String,
    /// Where it stands.
    pub state: JobState,
    /// Tries so far, those that failed and the one that runs.
    pub attempts: u32,
    /// When it was enqueued.
    pub enqueued: String,
    /// When it may run next, or might have first.
    pub due: String,
    /// When it ended: of those that ran or were cancelled the last `JOB_ENDS_MAX` of a kind are known.
    pub ended: Option<String>,
    /// Higher is served first.
    pub priority: i32,
    /// Its unique key, if it has one.
    pub unique_key: Option<String>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// The schedule that it is a run of.
    pub schedule: Option<String>,
    /// What it was enqueued with.
    pub args: Value,
}

/// A schedule as an operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScheduleView {
    /// `plugin.name`.
    pub name: String,
    /// The crontab expression.
    pub schedule: String,
    /// The name of its time zone.
    pub timezone: String,
    /// What becomes of missed runs: none, one or all.
    pub catch_up: CatchUp,
    /// Its next time by the clock. A tenant's run may be late, if an earlier one still goes on.
    pub next: Option<String>,
}

/// Events read at once.
const PAGE: usize = 256;
/// Of those that are over, so many of a kind are looked at, the newest.
const LOOKED_BACK_MAX: usize = 10_000;

/// The jobs of one kind.
struct Queue {
    name: String,
    plugin: String,
    kind: String,
    topic: TopicName,
    subscription: SubscriptionId,
}

/// A job that was looked up by its id.
pub(super) struct Found {
    pub(super) event: Event,
    pub(super) tenant: Tenant,
    pub(super) subscription: SubscriptionId,
}

impl Host {
    /// The jobs of all plugins, by plugin and kind.
    pub fn jobs(&self, query: &JobQuery) -> Result<Vec<JobView>, HostError> {
        let inner = &self.0;
        let tenant = query.tenant.as_ref().map(|tenant| inner.tenant(tenant)).transpose()?;
        let view = inner.view()?;
        let mut jobs = Vec::new();
        for queue in queues(inner)? {
            jobs.extend(queue.jobs(inner, &view, tenant.as_ref(), query).map_err(|error| store_error(&error))?);
        }
        Ok(jobs)
    }

    /// One job.
    pub fn job(&self, id: &str, tenant: Option<&TenantId>) -> Result<JobView, HostError> {
        let inner = &self.0;
        let Found { event, subscription, .. } = find(inner, id, tenant)?;
        let queue = queues(inner)?.into_iter().find(|queue| queue.subscription == subscription);
        let queue = queue.unwrap_or_else(|| Queue::of(&event, subscription));
        let (view, failed) = (inner.view()?, |error| store_error(&error));
        let ends = queue.ends(&view).map_err(failed)?;
        queue.job(inner, &view, &event, &ends).map_err(failed)
    }

    /// The schedules of all plugins.
    pub fn schedules(&self) -> Vec<ScheduleView> {
        let now = clock::now_ms();
        let pools = self.0.pools();
        let schedules = pools.iter().flat_map(|pool| {
            pool.registered().jobs.iter().filter_map(|declared| {
                let cron = declared.cron.as_ref()?;
                let schedule = Schedule::parse(&cron.expression, &cron.timezone).ok();
                Some(ScheduleView {
                    name: format!("{}.{}", pool.plugin.slug(), declared.kind),
                    schedule: cron.expression.clone(),
                    timezone: cron.timezone.clone(),
                    catch_up: cron.catch_up,
                    next: schedule.and_then(|schedule| schedule.after(now)).map(rfc3339),
                })
            })
        });
        schedules.collect()
    }
}

/// The job of this id, of one tenant or of the only one that has it.
pub(super) fn find(inner: &Arc<Inner>, id: &str, tenant: Option<&TenantId>) -> Result<Found, HostError> {
    let missing = || HostError::new(ErrorCode::NotFound, format!("there is no job `{id}`"));
    let tenants = match tenant {
        Some(tenant) => vec![inner.tenant(tenant)?],
        None => inner.store.tenants(),
    };
    for tenant in tenants {
        let Some(event) = inner.stored_event(tenant.id(), id)? else { continue };
        if let Some(subscription) = job::subscription(&event.topic) {
            return Ok(Found { event, tenant, subscription });
        }
    }
    Err(missing())
}

fn queues(inner: &Inner) -> Result<Vec<Queue>, HostError> {
    let mut queues = Vec::new();
    for pool in inner.pools() {
        let slug = &pool.plugin.manifest.slug.value;
        let jobs = pool.registered().jobs.iter().map(|declared| declared.kind.clone());
        let outcomes = pool.registered().outcomes.iter().map(|name| format!("{}{name}", job::OUTCOME_KIND));
        let ends = crate::reservations::applies(&pool.plugin).then(|| job::RESERVATION_KIND.to_owned());
        for kind in jobs.chain(outcomes).chain(ends) {
            let wrong = |error: NameError| HostError::new(ErrorCode::PluginInvalid, error.to_string());
            let topic = job::topic(slug, &kind).map_err(wrong)?;
            let Some(subscription) = job::subscription(&topic) else { continue };
            let name = format!("{slug}.{kind}");
            queues.push(Queue { name, plugin: slug.as_str().to_owned(), kind, topic, subscription });
        }
    }
    Ok(queues)
}

impl Queue {
    /// That of a job whose kind no plugin has any more.
    fn of(event: &Event, subscription: SubscriptionId) -> Self {
        let (plugin, kind) = (subscription.plugin().to_owned(), event.job_kind().to_owned());
        Self { name: format!("{plugin}.{kind}"), plugin, kind, topic: event.topic.clone(), subscription }
    }

    fn jobs(
        &self,
        inner: &Inner,
        view: &View,
        tenant: Option<&Tenant>,
        query: &JobQuery,
    ) -> Result<Vec<JobView>, StoreError> {
        let wanted = |job: &JobView| match query.state {
            Some(state) => job.state == state,
            None => !job.state.is_over() || job.state == JobState::Failed,
        };
        let (mut jobs, ends) = (Vec::new(), self.ends(view)?);
        let mut take = |events: Vec<Event>| -> Result<bool, StoreError> {
            for event in events {
                if jobs.len() >= query.limit {
                    break;
                }
                let job = self.job(inner, view, &event, &ends)?;
                if wanted(&job) {
                    jobs.push(job);
                }
            }
            Ok(jobs.len() >= query.limit)
        };
        if matches!(query.state, Some(JobState::Done | JobState::Cancelled)) {
            let topic = Some(TopicPattern::from(self.topic.clone()));
            let mut events = view.last_events(&EventFilter { tenant: tenant.cloned(), topic }, LOOKED_BACK_MAX)?;
            events.reverse();
            take(events)?;
            return Ok(jobs);
        }
        let mut after = view.cursor(&self.subscription)?;
        let mut is_full = take(self.taken_up(view, tenant, after)?)?;
        while !is_full {
            let events = view.events_of_topic(tenant, &self.topic, after, PAGE)?;
            let Some(last) = events.last() else { break };
            after = last.sequence;
            is_full = take(events)?;
        }
        Ok(jobs)
    }

    /// The jobs before the cursor that are not over for good: those that are tried again, and the dead.
    fn taken_up(&self, view: &View, tenant: Option<&Tenant>, cursor: Sequence) -> Result<Vec<Event>, StoreError> {
        let retries = view.retries(&self.subscription)?.into_iter().map(|retry| retry.sequence);
        let dead = view.dead_letters(Some(&self.subscription), usize::MAX)?.into_iter().map(|letter| letter.sequence);
        let mut sequences: Vec<Sequence> = retries.chain(dead).filter(|sequence| *sequence <= cursor).collect();
        sequences.sort_unstable();
        let mut events = Vec::new();
        for sequence in sequences {
            let event = view.event(sequence)?;
            events.extend(event.filter(|event| tenant.is_none_or(|tenant| *tenant.id() == event.tenant)));
        }
        Ok(events)
    }

    /// The ends that are known, by job.
    fn ends(&self, view: &View) -> Result<HashMap<Sequence, JobEnd>, StoreError> {
        Ok(ends::all(view, &self.subscription)?.into_iter().map(|end| (end.sequence, end)).collect())
    }

    fn job(
        &self,
        inner: &Inner,
        view: &View,
        event: &Event,
        ends: &HashMap<Sequence, JobEnd>,
    ) -> Result<JobView, StoreError> {
        let head = event.head();
        let retry = view.retry(&self.subscription, event.sequence)?;
        let letter = view.dead_letter(&self.subscription, event.sequence)?;
        let runs = inner.conductor.is_in_flight(&self.subscription, event.sequence);
        let due_ms = retry.as_ref().map_or_else(|| event.scheduled_ms(), |retry| retry.due_ms);
        let end = ends.get(&event.sequence);
        let state = if letter.is_some() {
            JobState::Failed
        } else if end.is_some_and(|end| end.cancelled) {
            JobState::Cancelled
        } else if view.is_handled(&self.subscription, event.sequence)? {
            JobState::Done
        } else if runs {
            JobState::Running
        } else if retry.is_some() {
            JobState::Retrying
        } else if event.due_ms.is_some_and(|due| due > clock::now_ms()) {
            JobState::Scheduled
        } else {
            JobState::Pending
        };
        // A retry says which try comes next.
        let failed = retry.as_ref().map_or(0, |retry| retry.attempts.saturating_sub(1));
        let attempts = letter.as_ref().map_or(failed + u32::from(runs), |letter| letter.attempts);
        let ended_ms = letter.as_ref().map(|letter| letter.time_ms).or(end.map(|end| end.at_ms));
        let error = letter.map(|letter| letter.reason).or(retry.map(|retry| retry.error));
        Ok(JobView {
            id: event.id.as_str().to_owned(),
            name: self.name.clone(),
            plugin: self.plugin.clone(),
            kind: self.kind.clone(),
            tenant: event.tenant.as_str().to_owned(),
            state,
            attempts: attempts.max(u32::from(state == JobState::Done)),
            enqueued: rfc3339(event.time_ms),
            due: rfc3339(due_ms),
            ended: ended_ms.filter(|_| state.is_over()).map(rfc3339),
            priority: head.priority,
            unique_key: event.idempotency_key.clone().filter(|_| event.cron().is_none()),
            error: error.and_then(|error| error.lines().next().map(str::to_owned)),
            schedule: event.cron().map(|(expression, zone)| format!("{expression} {zone}")),
            args: event.payload.clone(),
        })
    }
}
