//! The kinds of jobs that there are, and where the jobs of each travel.

use super::ends::{self, JobEnd};
use super::{in_force, topics};
use crate::api::HostError;
use crate::host::Inner;
use crate::reader::store_error;
use contract_model::ids::NameError;
use contract_model::{ErrorCode, Event, PluginSlug, Sequence, SubscriptionId, TopicName, job};
use daemon_store::View;
use std::collections::HashMap;

/// The jobs of one kind.
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) plugin: String,
    pub(super) kind: String,
    /// Where they travel: the kind's own topic, and the one of the name that it had before.
    pub(super) topics: Vec<TopicName>,
    pub(super) subscription: SubscriptionId,
}

/// Those of the plugins that run, as their code says, and those of which a plugin has jobs that does not run.
pub(super) fn queues(inner: &Inner, view: &View) -> Result<Vec<Queue>, HostError> {
    let mut queues = Vec::new();
    for pool in inner.pools() {
        let slug = &pool.plugin.manifest.slug.value;
        for declared in &pool.registered().jobs {
            let (topic, formerly) = topics(slug, declared)?;
            queues.extend(Queue::new(slug, declared.kind.clone(), topic, formerly));
        }
        let outcomes =
            pool.registered().outcomes.iter().map(|declared| format!("{}{}", job::OUTCOME_KIND, declared.name));
        let ends = crate::reservations::applies(&pool.plugin).then(|| job::RESERVATION_KIND.to_owned());
        for kind in outcomes.chain(ends) {
            let wrong = |error: NameError| HostError::new(ErrorCode::PluginInvalid, error.to_string());
            let topic = job::topic(slug, &kind).map_err(wrong)?;
            queues.extend(Queue::new(slug, kind, topic, None));
        }
    }
    let idle = inner.left_out();
    if !idle.is_empty() {
        queues.extend(idle_queues(view, |slug| idle.iter().any(|one| one.slug == slug))?);
    }
    Ok(queues)
}

/// The kinds of which plugins have jobs in the log whose code nobody can ask now.
fn idle_queues(view: &View, is_idle: impl Fn(&str) -> bool) -> Result<Vec<Queue>, HostError> {
    let failed = |error| store_error(&error);
    let mut queues: Vec<Queue> = Vec::new();
    for topic in view.topics().map_err(failed)? {
        let Some(slug) = job::owner(&topic).filter(|slug| is_idle(slug.as_str()) && !job::is_hook(&topic)) else {
            continue;
        };
        let Some(subscription) = in_force(view, &topic)? else { continue };
        if let Some(queue) = queues.iter_mut().find(|queue| queue.subscription == subscription) {
            queue.topics.push(topic);
            continue;
        }
        let own = job::topic_of(&subscription).unwrap_or_else(|| topic.clone());
        let first = view.next_event(std::slice::from_ref(&own), Sequence(0)).map_err(failed)?;
        let handler = subscription.handler();
        let named = || handler.strip_prefix(job::HANDLER_PREFIX).unwrap_or(handler).to_owned();
        let kind = first.map_or_else(named, |event| event.job_kind().to_owned());
        let name = format!("{slug}.{kind}");
        queues.push(Queue { name, plugin: slug.as_str().to_owned(), kind, topics: vec![topic], subscription });
    }
    Ok(queues)
}

impl Queue {
    fn new(slug: &PluginSlug, kind: String, topic: TopicName, formerly: Option<TopicName>) -> Option<Self> {
        let subscription = job::subscription(&topic)?;
        let topics = std::iter::once(topic).chain(formerly).collect();
        Some(Self { name: format!("{slug}.{kind}"), plugin: slug.as_str().to_owned(), kind, topics, subscription })
    }

    /// That of a job whose kind no plugin has any more.
    pub(super) fn of(event: &Event, subscription: SubscriptionId) -> Self {
        let (plugin, kind) = (subscription.plugin().to_owned(), event.job_kind().to_owned());
        Self { name: format!("{plugin}.{kind}"), plugin, kind, topics: vec![event.topic.clone()], subscription }
    }

    /// The ends that are known, by job, those under a former name too.
    pub(super) fn ends(&self, view: &View) -> Result<HashMap<Sequence, JobEnd>, HostError> {
        let mut known = HashMap::new();
        let former = self.topics.iter().filter_map(job::subscription).filter(|former| *former != self.subscription);
        for subscription in former.chain([self.subscription.clone()]) {
            let ends = ends::all(view, &subscription).map_err(|error| store_error(&error))?;
            known.extend(ends.into_iter().map(|end| (end.sequence, end)));
        }
        Ok(known)
    }
}
