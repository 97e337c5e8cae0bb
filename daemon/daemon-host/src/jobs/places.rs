//! Which subscription does the jobs of a topic. A kind that got another name goes on under it, and takes over what waits
//! under the old one; what is asked of such a job is asked of the subscription that is to do it.

use super::topics;
use crate::api::HostError;
use crate::clock;
use crate::host::Inner;
use crate::plugin::Plugin;
use crate::reader::{refused, store_error};
use contract_model::{SubscriptionId, TopicName, job};
use daemon_store::{ReadSet, Scope, Unit, View};
use serde_json::{Value, json};

/// The most names that one kind is followed through.
const NAMES_MAX: usize = 64;

/// The subscription that does the jobs of a topic: the one of its own kind, or of the kind that took its place, also while
/// the plugin does not run. None where no jobs travel on it.
pub(crate) fn in_force(view: &View, topic: &TopicName) -> Result<Option<SubscriptionId>, HostError> {
    let Some(mut id) = job::subscription(topic) else { return Ok(None) };
    for _ in 0..NAMES_MAX {
        let Some(Value::String(next)) = view.meta(&key(&id)).map_err(|error| store_error(&error))? else { break };
        id = SubscriptionId::from(next);
    }
    Ok(Some(id))
}

/// Notes that the jobs of one kind, and of the one that it was formerly, are done by this subscription.
pub(super) fn note(inner: &Inner, id: &SubscriptionId, formerly: Option<&SubscriptionId>) -> Result<(), HostError> {
    let view = inner.view()?;
    let mut unit = Unit::new(Scope::System, clock::now_ms());
    for (key, now) in std::iter::once((key(id), None)).chain(formerly.map(|old| (key(old), Some(json!(id.as_str()))))) {
        if view.meta(&key).map_err(|error| store_error(&error))? != now {
            unit.meta.push((key, now));
        }
    }
    if unit.meta.is_empty() {
        return Ok(());
    }
    inner.store.decide(unit, ReadSet::default()).map(drop).map_err(|error| refused(&error))
}

/// The topic that the jobs of a topic travelled on before their kind got its name.
pub(crate) fn former_topic(inner: &Inner, plugin: &Plugin, topic: &TopicName) -> Option<TopicName> {
    if !job::is_job(topic) {
        return None;
    }
    let slug = &plugin.manifest.slug.value;
    let pool = inner.pool(slug)?;
    let both =
        pool.registered().jobs.iter().filter_map(|declared| topics(slug, declared).ok()).find(|(own, _)| own == topic);
    both?.1
}

fn key(id: &SubscriptionId) -> String {
    format!("job-place/{}", id.as_str())
}
