//! Schedules: for each tenant one run of each schedule waits as an event with a due time, and the end of a run brings
//! the next with it. So a schedule outlives restarts, never overlaps itself, and a run is as durable as any event.

use super::{in_force, topics, unique};
use crate::api::HostError;
use crate::chance;
use crate::clock;
use crate::host::Inner;
use crate::pool::Pool;
use crate::reader::{refused, store_error};
use contract_model::ids::{NameError, ulid};
use contract_model::schedule::Schedule;
use contract_model::{ErrorCode, Event, EventId, PluginSlug, Sequence, SubscriptionId, TenantId, TopicName, job};
use daemon_frame::{CatchUp, CronDeclared, JobDeclared};
use daemon_store::{NewEvent, ReadSet, Refused, Tenant, Unit, View};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Between a run that could not be stored and the next look at all schedules.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// When schedules are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// The plugin begins to run, and nothing is delivered to it yet: a run whose time went by was missed. One that is not
    /// to be made up for gives way to the next, before it can be handed out; all else is left for when it runs, for what a
    /// new subscription is to hear must come after its beginning.
    Start,
    /// It runs: a run whose time went by is on its way.
    Running,
}

/// Sees to it that of each schedule a run waits, for each of these tenants, as the code and its policy say now.
pub(crate) fn keep_schedules(inner: &Arc<Inner>, tenants: &[Tenant], since: Since) -> Result<(), HostError> {
    inner.pools().iter().try_for_each(|pool| keep_schedules_of(inner, pool, tenants, since))
}

/// The same for the schedules of one plugin.
pub(crate) fn keep_schedules_of(
    inner: &Arc<Inner>,
    pool: &Pool,
    tenants: &[Tenant],
    since: Since,
) -> Result<(), HostError> {
    let slug = &pool.plugin.manifest.slug.value;
    for declared in &pool.registered().jobs {
        let Some(cron) = &declared.cron else { continue };
        for tenant in tenants {
            keep(inner, slug, declared, cron, tenant, since)?;
        }
    }
    Ok(())
}

fn keep(
    inner: &Arc<Inner>,
    slug: &PluginSlug,
    declared: &JobDeclared,
    cron: &CronDeclared,
    tenant: &Tenant,
    since: Since,
) -> Result<(), HostError> {
    let now = clock::now_ms();
    let (topic, formerly) = topics(slug, declared)?;
    let view = inner.view()?;
    let waiting = |topic: &TopicName| waiting(&view, tenant, topic);
    let mut unit = Unit::new(tenant.clone(), now);
    if let Some(run) = waiting(&topic)? {
        let stays = match since {
            Since::Running => run.cron() == Some((&cron.expression, &cron.timezone)),
            Since::Start => {
                let went_by = run.due_ms.is_some_and(|due| due < now);
                !(went_by && cron.catch_up == CatchUp::None) || is_tried_again(&view, &run)?
            }
        };
        if stays {
            return Ok(());
        }
        unit.handled = subscription_of(&view, &run)?;
    } else if since == Since::Start {
        return Ok(());
    } else if let Some(old) = formerly.as_ref().map(waiting).transpose()?.flatten() {
        unit.handled = subscription_of(&view, &old)?;
    }
    unit.events.extend(run_after(tenant.id(), slug, declared, cron, now));
    let missed = unit.handled.clone().filter(|_| since == Since::Start);
    match inner.decide(unit, ReadSet::default()) {
        // Somebody was quicker: it ran, or was replaced already.
        Ok(_) | Err(Refused::AlreadyHandled | Refused::Conflict { .. }) => Ok(()),
        // A store without room is served all the same: it can be made smaller, and its schedules go on then.
        Err(error @ (Refused::Full { .. } | Refused::Overloaded { .. })) => {
            look_again(inner, &topic, &error);
            missed.map_or(Ok(()), |missed| strike_off(inner, tenant, missed))
        }
        Err(other) => Err(refused(&other)),
    }
}

/// A run that was missed and is not to be made up for goes also where the next finds no room.
fn strike_off(inner: &Arc<Inner>, tenant: &Tenant, missed: (SubscriptionId, Sequence)) -> Result<(), HostError> {
    let unit = Unit { handled: Some(missed), ..Unit::new(tenant.clone(), clock::now_ms()) };
    match inner.decide(unit, ReadSet::default()) {
        Ok(_) | Err(Refused::AlreadyHandled | Refused::Conflict { .. }) => Ok(()),
        Err(other) => Err(refused(&other)),
    }
}

/// Whether a run began before and waits for another try.
fn is_tried_again(view: &View, run: &Event) -> Result<bool, HostError> {
    let Some((subscription, sequence)) = subscription_of(view, run)? else { return Ok(false) };
    Ok(view.retry(&subscription, sequence).map_err(|error| store_error(&error))?.is_some())
}

/// The run that waits on a topic.
fn waiting(view: &View, tenant: &Tenant, topic: &TopicName) -> Result<Option<Event>, HostError> {
    let failed = |error| store_error(&error);
    let Some(known) = view.known(tenant, topic, job::CRON_KEY).map_err(failed)? else { return Ok(None) };
    let Some(subscription) = in_force(view, topic)? else { return Ok(None) };
    if view.is_handled(&subscription, known.sequence).map_err(failed)? {
        return Ok(None);
    }
    view.event(known.sequence).map_err(failed)
}

fn subscription_of(view: &View, run: &Event) -> Result<Option<(SubscriptionId, Sequence)>, HostError> {
    Ok(in_force(view, &run.topic)?.map(|subscription| (subscription, run.sequence)))
}

/// The run that follows on this event, if it is one of a schedule that the code still has. It goes into the unit of
/// work that ends this one.
pub(crate) fn next_run(inner: &Inner, ended: &Event, now_ms: u64) -> Option<NewEvent> {
    ended.cron()?;
    let slug = job::owner(&ended.topic)?;
    let pool = inner.pool(&slug)?;
    let (declared, cron) = scheduled(&pool, &ended.topic)?;
    let from = match cron.catch_up {
        CatchUp::All => ended.scheduled_ms(),
        CatchUp::None | CatchUp::One => ended.scheduled_ms().max(now_ms),
    };
    // One that was given up and is tried again on an operator's wish has been followed by another long since.
    let tenant = inner.tenant(&ended.tenant).ok()?;
    let known = inner.view().ok()?.known(&tenant, &ended.topic, job::CRON_KEY).ok()??;
    if known.sequence != ended.sequence {
        return None;
    }
    run_after(tenant.id(), &slug, declared, cron, from)
}

/// After a run was given up the schedule goes on. It was buried in a unit of its own, so this may be cut off by a crash;
/// the next start makes up for it.
pub(crate) fn go_on(inner: &Arc<Inner>, buried: Sequence) {
    let Some(event) = inner.event_at(buried) else { return };
    let now = clock::now_ms();
    let Some(next) = next_run(inner, &event, now) else { return };
    let Ok(tenant) = inner.tenant(&event.tenant) else { return };
    let mut unit = Unit::new(tenant, now);
    unit.awaited = false;
    unit.events.push(next);
    if let Err(error) = inner.decide(unit, ReadSet::default()) {
        look_again(inner, &event.topic, &error);
    }
}

/// A run could not be stored. All schedules are looked after again in a while, until each has its run.
fn look_again(inner: &Arc<Inner>, topic: &TopicName, why: &Refused) {
    tracing::warn!(topic = topic.as_str(), why = why.to_string(), "the next run cannot be scheduled yet");
    if inner.looks_again.swap(true, Ordering::AcqRel) {
        return;
    }
    let inner = Arc::downgrade(inner);
    tokio::spawn(async move {
        tokio::time::sleep(AGAIN_AFTER).await;
        let Some(inner) = inner.upgrade() else { return };
        // Not while a plugin changes: a run must not be stored before whoever is to do it listens.
        let _one = inner.reloading.lock().await;
        inner.looks_again.store(false, Ordering::Release);
        if let Err(error) = keep_schedules(&inner, &inner.store.tenants(), Since::Running) {
            tracing::error!(error = error.line(), "schedules cannot be looked after");
        }
    });
}

/// The schedule whose runs travel on a topic.
fn scheduled<'p>(pool: &'p Pool, topic: &TopicName) -> Option<(&'p JobDeclared, &'p CronDeclared)> {
    let slug = &pool.plugin.manifest.slug.value;
    let own = |declared: &&JobDeclared| job::topic(slug, &declared.kind).is_ok_and(|own| own == *topic);
    let declared = pool.registered().jobs.iter().find(own)?;
    declared.cron.as_ref().map(|cron| (declared, cron))
}

fn run_after(
    tenant: &TenantId,
    slug: &PluginSlug,
    declared: &JobDeclared,
    cron: &CronDeclared,
    from_ms: u64,
) -> Option<NewEvent> {
    let due_ms = Schedule::parse(&cron.expression, &cron.timezone).ok()?.after(from_ms)?;
    let mut run = daemon_event(tenant, slug, &declared.kind, Value::Null).ok()?;
    run.headers.extend([
        (job::CRON.to_owned(), Value::from(cron.expression.as_str())),
        (job::TIMEZONE.to_owned(), Value::from(cron.timezone.as_str())),
        (job::SCHEDULED.to_owned(), Value::from(due_ms)),
    ]);
    run.idempotency_key = Some(job::CRON_KEY.to_owned());
    run.due_ms = Some(due_ms);
    Some(unique(run))
}

/// A job that the daemon itself enqueues: the first event of a story of its own.
pub(super) fn daemon_event(tenant: &TenantId, slug: &PluginSlug, kind: &str, args: Value) -> Result<Event, HostError> {
    let invalid = |error: NameError| HostError::new(ErrorCode::JobUnknown, error.to_string());
    let time_ms = clock::now_ms();
    let id = ulid(time_ms, chance::number());
    Ok(Event {
        id: EventId::new(&id).map_err(invalid)?,
        sequence: Sequence(0),
        topic: job::topic(slug, kind).map_err(invalid)?,
        tenant: tenant.clone(),
        publisher: "daemon".to_owned(),
        actor: "daemon".to_owned(),
        roles: Vec::new(),
        time_ms,
        correlation: id.clone(),
        causation: None,
        hops: 0,
        key: id,
        idempotency_key: None,
        trace: None,
        due_ms: None,
        expires_ms: None,
        headers: Map::from_iter([(job::KIND.to_owned(), Value::from(kind))]),
        payload: args,
    })
}
