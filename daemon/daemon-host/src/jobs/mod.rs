//! Jobs: events on the daemon's own topics with a due time. What delivers, retries and buries events does it for jobs;
//! here is only what they have beside that: kinds, unique keys, schedules, and what an operator may ask of them.

mod ends;
mod list;
mod operate;
mod outcomes;
mod places;
mod queues;
mod schedules;

pub(crate) use ends::Ends;
pub use list::{JobQuery, JobState, JobView, JobsPage, ScheduleView};
pub(crate) use outcomes::{
    Continues, Verdicted, answered, continuation, continued, head_of, outcome_topics, verdict_of,
};
pub(crate) use places::{former_topic, in_force};
pub(crate) use schedules::{Since, go_on, keep_schedules, keep_schedules_of, next_run};

use crate::api::HostError;
use crate::destination::{Destination, Handler, Route, deadline};
use crate::host::Inner;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::stamp::{Cause, Wanted, stamp};
use crate::subscribe::put_in_force;
use contract_model::limits::JOB_CONCURRENCY;
use contract_model::manifest::RetryPolicy;
use contract_model::topic::JOBS_NAMESPACE;
use contract_model::{ErrorCode, Event, Millis, Permission, PluginSlug, TopicName, TopicPattern, job};
use daemon_bus::{RetryRules, Subscription};
use daemon_frame::{DraftEvent, JobDeclared};
use daemon_store::NewEvent;
use std::sync::Arc;

/// A job that waits so long before it runs starts a chain of its own: it cannot be part of a loop that turns at once.
const FRESH_CHAIN_MS: u64 = 1_000;

/// Puts the kinds of a plugin in force, each from where it stood.
pub(crate) fn subscribe(inner: &Arc<Inner>, pool: &Pool) -> Result<(), HostError> {
    let plugin = &pool.plugin;
    let slug = &plugin.manifest.slug.value;
    for (index, declared) in (0_u32..).zip(&pool.registered().jobs) {
        plugin.demand(&Permission::Jobs, "have jobs")?;
        let route = |topic: TopicName| Route {
            handler: Handler::Job(index),
            pattern: topic.into(),
            when: None,
            deadline: deadline(declared.options.deadline.as_deref()),
        };
        let (topic, formerly) = topics(slug, declared)?;
        let Some(id) = job::subscription(&topic) else { continue };
        let old = formerly.as_ref().and_then(job::subscription);
        let routes: Arc<[Route]> = std::iter::once(topic).chain(formerly).map(route).collect();
        let patterns: Vec<TopicPattern> = routes.iter().map(|route| route.pattern.clone()).collect();
        let mut subscription = Subscription::new(id, patterns);
        subscription.concurrency =
            Some(declared.options.concurrency.unwrap_or(u32::try_from(JOB_CONCURRENCY).unwrap_or(1)));
        subscription.retry = RetryRules { rules: Vec::new(), otherwise: retry_policy(declared) };
        let destination = Destination { plugin: slug.clone(), routes, is_group: false };
        places::note(inner, &subscription.id, old.as_ref())?;
        put_in_force(inner, subscription, old.as_ref(), destination)?;
    }
    outcomes::subscribe(inner, pool)
}

/// Where the jobs of a kind travel: its own topic, and the one that it had under its former name.
fn topics(slug: &PluginSlug, declared: &JobDeclared) -> Result<(TopicName, Option<TopicName>), HostError> {
    let topic = |kind: &String| {
        job::topic(slug, kind)
            .map_err(|error| HostError::new(ErrorCode::PluginInvalid, error.to_string()).of_plugin(slug.as_str()))
    };
    Ok((topic(&declared.kind)?, declared.options.formerly.as_ref().map(topic).transpose()?))
}

/// Whether the kinds of a plugin may be put in force side by side: one that takes the place of another that is still
/// there would do its jobs a second time.
pub(crate) fn check(pool: &Pool) -> Result<(), HostError> {
    let (slug, all) = (&pool.plugin.manifest.slug.value, &pool.registered().jobs);
    for declared in all {
        let (_, Some(old)) = topics(slug, declared)? else { continue };
        for other in all {
            if topics(slug, other)?.0 == old {
                let text = format!(
                    "the job `{}` says `formerly: {:?}`, but there still is a job of that name, whose place it would take",
                    declared.kind, other.kind
                );
                return Err(HostError::new(ErrorCode::PluginInvalid, text).of_plugin(slug.as_str()));
            }
        }
    }
    Ok(())
}

fn retry_policy(declared: &JobDeclared) -> RetryPolicy {
    let usual = RetryPolicy::default();
    let wait = |text: &Option<String>| text.as_deref().and_then(|text| Millis::parse(text).ok());
    RetryPolicy {
        attempts: declared.options.attempts.unwrap_or(usual.attempts),
        backoff: wait(&declared.options.backoff).unwrap_or(usual.backoff),
        cap: wait(&declared.options.cap).unwrap_or(usual.cap),
        then: usual.then,
    }
}

/// Whether what a handler wants published is a job.
pub(crate) fn is_job(draft: &DraftEvent) -> bool {
    draft.topic.strip_prefix(JOBS_NAMESPACE).is_some_and(|rest| rest.starts_with('.'))
}

/// A job that a handler enqueues. The worker refuses what may not be, too; here it holds even if it was subverted.
pub(crate) fn enqueued(
    inner: &Inner,
    plugin: &Plugin,
    cause: &Cause,
    draft: DraftEvent,
) -> Result<NewEvent, HostError> {
    plugin.demand(&Permission::Jobs, "have jobs")?;
    let slug = &plugin.manifest.slug.value;
    let kind = draft.headers.get(job::KIND).and_then(|kind| kind.as_str()).unwrap_or_default();
    let own = job::topic(slug, kind).is_ok_and(|topic| topic.as_str() == draft.topic);
    if !own {
        let text =
            format!("plugin `{slug}` may not enqueue on `{}`: it is not the topic of a job of its own", draft.topic);
        return Err(plugin.denied(text));
    }
    let hops = if draft.delay_ms >= FRESH_CHAIN_MS { 0 } else { cause.hops };
    // Each is a lane of its own: jobs of a kind have no order among them.
    let wanted = Wanted { key: Some(draft.id.clone()), ..Wanted::from(draft) };
    let event = stamp(&inner.contracts(), &Cause { hops, ..cause.clone() }, wanted);
    let event = event.map_err(|error| error.of_plugin(slug.as_str()))?;
    Ok(unique(event))
}

/// A job's unique key is taken until the job was handled, whatever it was enqueued with.
fn unique(event: Event) -> NewEvent {
    let unique_until = job::subscription(&event.topic);
    NewEvent { event, payload_hash: String::new(), unique_until }
}
