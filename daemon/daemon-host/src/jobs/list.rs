//! What an operator sees of jobs. A job's state is read off what delivery keeps of its event; there is no second account.

use super::ends::JobEnd;
use super::in_force;
use super::queues::{Queue, queues};
use crate::api::HostError;
use crate::clock;
use crate::host::{Host, Inner};
use crate::reader::store_error;
use contract_model::event::rfc3339;
use contract_model::schedule::Schedule;
use contract_model::{ErrorCode, Event, Sequence, SubscriptionId, TenantId};
use daemon_frame::CatchUp;
use daemon_store::{EventFilter, EventsPage, EventsWanted, Spent, StoreError, Tenant, Unsettled, View};
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
    /// Only of this kind, `kind` or `plugin.kind`. Then a page that is full says where the next one begins.
    pub name: Option<String>,
    /// Only what comes after this place, which another page ended with.
    pub after: Option<String>,
    /// At most so many of a kind, the newest of those that are over and the oldest of others.
    pub limit: usize,
}

/// A page of jobs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobsPage {
    /// By plugin and kind.
    pub jobs: Vec<JobView>,
    /// The last place that was looked at where there is more. A page that has one may be empty.
    pub next: Option<String>,
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

/// A job that was looked up by its id.
pub(super) struct Found {
    pub(super) event: Event,
    pub(super) tenant: Tenant,
    pub(super) subscription: SubscriptionId,
}

impl Host {
    /// A page of the jobs of all plugins, by plugin and kind. It looks at so much at most, whatever the query wants, and
    /// says where the next one begins.
    pub fn jobs(&self, query: &JobQuery) -> Result<JobsPage, HostError> {
        let inner = &self.0;
        let tenant = query.tenant.as_ref().map(|tenant| inner.tenant(tenant)).transpose()?;
        let view = inner.view()?;
        let queues = wanted(inner, &view, query.name.as_deref())?;
        let (first, mut place) = begin(&queues, query.after.as_deref())?;
        let (mut page, mut spent) = (JobsPage::default(), Spent::default());
        if query.limit == 0 {
            return Ok(page);
        }
        for queue in &queues[first..] {
            let walk = Walk { inner, view: &view, tenant: tenant.as_ref(), query, ends: queue.ends(&view)?, queue };
            let (jobs, end) = walk.from(place.take(), &mut spent).map_err(|error| store_error(&error))?;
            page.jobs.extend(jobs);
            page.next = match end {
                End::Met(last) => Some(last),
                // Of several kinds each is to have its part of the page.
                End::Full(last) if query.name.is_some() => Some(last),
                End::Full(_) | End::All => None,
            }
            .map(|last| format!("{}:{last}", queue.name));
            if page.next.is_some() {
                break;
            }
        }
        Ok(page)
    }

    /// One job.
    pub fn job(&self, id: &str, tenant: Option<&TenantId>) -> Result<JobView, HostError> {
        let inner = &self.0;
        let Found { event, subscription, .. } = find(inner, id, tenant)?;
        let (view, failed) = (inner.view()?, |error| store_error(&error));
        let queue = queues(inner, &view)?.into_iter().find(|queue| queue.subscription == subscription);
        let queue = queue.unwrap_or_else(|| Queue::of(&event, subscription));
        let ends = queue.ends(&view)?;
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
        if let Some(subscription) = in_force(&inner.view()?, &event.topic)? {
            return Ok(Found { event, tenant, subscription });
        }
    }
    Err(missing())
}

/// The kinds that are asked for.
fn wanted(inner: &Inner, view: &View, name: Option<&str>) -> Result<Vec<Queue>, HostError> {
    let mut queues = queues(inner, view)?;
    if let Some(name) = name {
        let there: Vec<String> = queues.iter().map(|queue| queue.name.clone()).collect();
        queues.retain(|queue| queue.name == name || queue.kind == name);
        if queues.is_empty() {
            let text = format!("there is no kind of jobs `{name}`; there are {}", there.join(", "));
            return Err(HostError::new(ErrorCode::NotFound, text));
        }
    }
    Ok(queues)
}

/// The kind that a page begins with, and the position in it.
fn begin(queues: &[Queue], after: Option<&str>) -> Result<(usize, Option<Sequence>), HostError> {
    let Some(after) = after else { return Ok((0, None)) };
    let place = after.rsplit_once(':').and_then(|(name, last)| {
        Some((queues.iter().position(|queue| queue.name == name)?, Some(Sequence(last.parse().ok()?))))
    });
    place.ok_or_else(|| {
        let text = format!(
            "`{after}` is no place in a list of these jobs, as `plugin.kind:sequence`; take the one that a page ended with"
        );
        HostError::new(ErrorCode::QueryInvalid, text)
    })
}

impl Queue {
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

/// A walk over the jobs of one kind.
struct Walk<'a> {
    inner: &'a Inner,
    view: &'a View,
    tenant: Option<&'a Tenant>,
    query: &'a JobQuery,
    queue: &'a Queue,
    ends: HashMap<Sequence, JobEnd>,
}

/// Where a walk ended.
enum End {
    /// All were looked at.
    All,
    /// As many were found as were wanted; the last that was looked at.
    Full(Sequence),
    /// The page has met a limit; the same.
    Met(Sequence),
}

impl Walk<'_> {
    fn from(&self, place: Option<Sequence>, spent: &mut Spent) -> Result<(Vec<JobView>, End), StoreError> {
        let mut found = Vec::new();
        let everywhere = (place.unwrap_or(Sequence(0)), Sequence(u64::MAX));
        let end = match self.query.state {
            Some(JobState::Done | JobState::Cancelled) => self.over(place, spent, &mut found)?,
            Some(JobState::Failed) => self.listed(&[Unsettled::DeadLetter], everywhere, spent, &mut found)?,
            Some(JobState::Retrying) => self.listed(&[Unsettled::Retry], everywhere, spent, &mut found)?,
            None | Some(JobState::Scheduled | JobState::Pending | JobState::Running) => {
                let (after, cursor) = (everywhere.0, self.view.cursor(&self.queue.subscription)?);
                // Before the cursor those that are tried again and those that failed are not over for good.
                let taken_up = [Unsettled::Retry, Unsettled::DeadLetter];
                match self.listed(&taken_up, (after, cursor), spent, &mut found)? {
                    End::All => self.waiting(after.max(cursor), spent, &mut found)?,
                    end => end,
                }
            }
        };
        Ok((found, end))
    }

    /// Notes a job that is wanted; gives whether there is room for more.
    fn take(&self, event: &Event, found: &mut Vec<JobView>) -> Result<bool, StoreError> {
        if self.tenant.is_some_and(|tenant| *tenant.id() != event.tenant) {
            return Ok(true);
        }
        let job = self.queue.job(self.inner, self.view, event, &self.ends)?;
        let is_wanted = match self.query.state {
            Some(state) => job.state == state,
            None => !job.state.is_over() || job.state == JobState::Failed,
        };
        found.extend(is_wanted.then_some(job));
        Ok(found.len() < self.query.limit)
    }

    /// Those after one position and up to another of whose delivery something is unsettled.
    fn listed(
        &self,
        what: &[Unsettled],
        (mut after, through): (Sequence, Sequence),
        spent: &mut Spent,
        found: &mut Vec<JobView>,
    ) -> Result<End, StoreError> {
        loop {
            let some = self.view.unsettled(&self.queue.subscription, what, (after, through), PAGE)?;
            for sequence in &some {
                let Some(event) = self.view.event_within(*sequence, spent)? else { return Ok(End::Met(after)) };
                after = *sequence;
                if !event.map_or(Ok(true), |event| self.take(&event, found))? {
                    return Ok(End::Full(after));
                }
            }
            if some.len() < PAGE {
                return Ok(End::All);
            }
        }
    }

    /// Those after a position of the log.
    fn waiting(&self, after: Sequence, spent: &mut Spent, found: &mut Vec<JobView>) -> Result<End, StoreError> {
        self.walk(EventsWanted { after, limit: PAGE, ..EventsWanted::default() }, spent, found)
    }

    /// The newest of all, before a position of the log.
    fn over(&self, before: Option<Sequence>, spent: &mut Spent, found: &mut Vec<JobView>) -> Result<End, StoreError> {
        self.walk(EventsWanted { before, newest_first: true, limit: PAGE, ..EventsWanted::default() }, spent, found)
    }

    /// A page of all topics of the kind together, in the order of the log, and whether it has met a limit. It goes as far as
    /// the part that ended first.
    fn page(&self, wanted: &mut EventsWanted, spent: &mut Spent) -> Result<(EventsPage, bool), StoreError> {
        // Each topic may look at as much as is left, so that each gets on.
        let before = *spent;
        let (mut events, mut next, mut is_met) = (Vec::new(), None, false);
        let is_newest_first = wanted.newest_first;
        let comes_first = |one: Sequence, other: Sequence| if is_newest_first { one > other } else { one < other };
        for topic in &self.queue.topics {
            wanted.filter = EventFilter { tenant: self.tenant.cloned(), topic: Some(topic.clone().into()) };
            *spent = before;
            let part = self.view.events_within(wanted, spent)?;
            is_met |= part.next.is_some() && part.events.len() < PAGE;
            next = match (next, part.next) {
                (Some(one), Some(other)) => Some(if comes_first(one, other) { one } else { other }),
                (one, other) => one.or(other),
            };
            events.extend(part.events);
        }
        events.sort_by_key(|event| event.sequence);
        if is_newest_first {
            events.reverse();
        }
        events.retain(|event| next.is_none_or(|next| !comes_first(next, event.sequence)));
        Ok((EventsPage { events, next }, is_met))
    }

    fn walk(&self, mut wanted: EventsWanted, spent: &mut Spent, found: &mut Vec<JobView>) -> Result<End, StoreError> {
        loop {
            let (EventsPage { events, next }, is_met) = self.page(&mut wanted, spent)?;
            for event in events {
                if !self.take(&event, found)? {
                    return Ok(End::Full(event.sequence));
                }
            }
            let Some(next) = next else { return Ok(End::All) };
            if is_met {
                return Ok(End::Met(next));
            }
            if wanted.newest_first {
                wanted.before = Some(next);
            } else {
                wanted.after = next;
            }
        }
    }
}
