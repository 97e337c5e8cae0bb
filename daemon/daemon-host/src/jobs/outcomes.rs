//! Going on with the outcome of a request. The continuation is a job that is due when the request times out; a reply
//! makes it due at once. So it survives restarts as any event does, and whichever comes first decides.

use super::unique;
use crate::api::HostError;
use crate::chance;
use crate::destination::{Destination, Handler, Route, deadline};
use crate::host::Inner;
use crate::outcome::Verdict;
use crate::plugin::Plugin;
use crate::pool::Pool;
use crate::reader::store_error;
use crate::stamp::{Cause, Wanted, stamp};
use crate::subscribe::put_in_force;
use contract_model::ids::ulid;
use contract_model::limits::OUTCOME_MS;
use contract_model::{ErrorCode, Event, EventHead, Sequence, SubscriptionId, TopicName, job};
use daemon_bus::{Input, Subscription};
use daemon_frame::Continuation;
use daemon_store::NewEvent;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What became of a request.
#[derive(Debug, Clone)]
pub(crate) struct Verdicted {
    /// `ok`, `error`, `timeout` or `no_responder`.
    pub(crate) outcome: &'static str,
    /// The reply's payload, if there is a reply.
    pub(crate) payload: Value,
}

impl Default for Verdicted {
    fn default() -> Self {
        Self { outcome: "timeout", payload: Value::Null }
    }
}

/// Puts a plugin's continuations in force.
pub(super) fn subscribe(inner: &Arc<Inner>, pool: &Pool) -> Result<(), HostError> {
    let slug = &pool.plugin.manifest.slug.value;
    for (index, declared) in (0_u32..).zip(&pool.registered().outcomes) {
        let topic = job::outcome_topic(slug, &declared.name)
            .map_err(|error| HostError::new(ErrorCode::PluginInvalid, error.to_string()).of_plugin(slug.as_str()))?;
        let Some(id) = job::subscription(&topic) else { continue };
        let subscription = Subscription::new(id, vec![topic.clone().into()]);
        let handler = Handler::Outcome(index);
        let routes = [Route { handler, pattern: topic.into(), when: None, deadline: deadline(None) }].into();
        put_in_force(inner, subscription, None, Destination { plugin: slug.clone(), routes, is_group: false })?;
    }
    Ok(())
}

/// A continuation as it is to be stored.
pub(crate) struct Continues {
    /// The job that goes on.
    pub(crate) event: NewEvent,
    /// Where in the log the request and its reply are, as far as they are there.
    pub(crate) there: Vec<Sequence>,
    /// The request, where it was published before and has no reply yet. One may come before the continuation is stored.
    pub(crate) open: Option<Event>,
}

/// The continuation of a request that a unit of work publishes, or found published already. None if one of this name
/// waits for it: one outcome is told once.
pub(crate) fn continuation(
    inner: &Inner,
    plugin: &Plugin,
    cause: &Cause,
    wanted: Continuation,
) -> Result<Option<Continues>, HostError> {
    let slug = &plugin.manifest.slug.value;
    let topic = job::outcome_topic(slug, &wanted.name)
        .map_err(|error| HostError::new(ErrorCode::OutcomeUnknown, error.to_string()).of_plugin(slug.as_str()))?;
    let view = inner.view()?;
    let tenant = inner.tenant(&cause.tenant)?;
    let failed = |error| store_error(&error);
    if let Some(known) = view.known(&tenant, &topic, &wanted.request).map_err(failed)?
        && let Some(subscription) = job::subscription(&topic)
        && !view.is_handled(&subscription, known.sequence).map_err(failed)?
    {
        return Ok(None);
    }
    let contracts = inner.contracts();
    let (asked, contract) = contracts.known_topic(&wanted.topic)?;
    let patience = wanted.timeout_ms.or(contract.timeout.map(|limit| limit.0)).unwrap_or(OUTCOME_MS);
    let request = inner.stored_event(tenant.id(), &wanted.request)?;
    let reply = request.as_ref().map_or(Ok(None), |request| found_reply(inner, request))?;
    let answered = contracts.responder(&asked).is_none() || reply.is_some();
    let there = request.iter().map(|request| request.sequence).chain(reply.iter().map(|(_, reply)| reply.sequence));
    let there = there.collect();
    let id = ulid(cause.now_ms, chance::number());
    let wanted = Wanted {
        topic: topic.as_str().to_owned(),
        payload: json!({"request": wanted.request, "context": wanted.context}),
        key: Some(id.clone()),
        id,
        idempotency_key: Some(wanted.request),
        delay_ms: if answered { 0 } else { patience },
        headers: Map::from_iter([(job::KIND.to_owned(), Value::from(format!("{}{}", job::OUTCOME_KIND, wanted.name)))]),
    };
    let event = stamp(&contracts, cause, wanted).map_err(|error| error.of_plugin(slug.as_str()))?;
    Ok(Some(Continues { event: unique(event), there, open: request.filter(|_| !answered) }))
}

/// The request that a continuation waits for, and what it was published with.
pub(crate) fn continued(event: &Event) -> (String, Value) {
    let request = event.payload["request"].as_str().unwrap_or_default().to_owned();
    (request, event.payload["context"].clone())
}

/// What became of the request of a continuation that is delivered now.
pub(crate) fn verdict_of(inner: &Inner, continuation: &Event) -> Result<Verdicted, HostError> {
    let (request, _) = continued(continuation);
    let Some(request) = inner.stored_event(&continuation.tenant, &request)? else { return Ok(Verdicted::default()) };
    match found_reply(inner, &request)? {
        Some((Verdict::Ok, reply)) => Ok(Verdicted { outcome: "ok", payload: reply.payload.clone() }),
        Some((Verdict::Error, reply)) => Ok(Verdicted { outcome: "error", payload: reply.payload.clone() }),
        None if inner.contracts().responder(&request.topic).is_none() => {
            Ok(Verdicted { outcome: "no_responder", payload: Value::Null })
        }
        None => Ok(Verdicted::default()),
    }
}

fn found_reply(inner: &Inner, request: &Event) -> Result<Option<crate::outcome::Reply>, HostError> {
    let contracts = inner.contracts();
    let (_, contract) = contracts.known_topic(request.topic.as_str())?;
    contract.replies.as_ref().map_or(Ok(None), |replies| inner.find_reply(request, replies))
}

/// The topics of all continuations that plugins in force have.
pub(crate) fn outcome_topics(pools: &[Arc<Pool>]) -> Arc<[TopicName]> {
    let of = |pool: &Arc<Pool>| {
        let slug = pool.plugin.manifest.slug.value.clone();
        let topics = pool.registered().outcomes.iter().map(|declared| job::outcome_topic(&slug, &declared.name));
        topics.filter_map(Result::ok).collect::<Vec<TopicName>>()
    };
    pools.iter().flat_map(of).collect()
}

/// An event was handled. If it is a request that has its reply now, those who wait for its outcome wait no longer: who
/// published it, and who came upon it later, as a request that was asked before.
pub(crate) fn answered(inner: &Arc<Inner>, request: &Event) {
    let topics = inner.outcomes();
    if topics.is_empty() || !is_request(inner, request) {
        return;
    }
    let wait = |topic| waiting(inner, request, topic).ok().flatten();
    let waiting: Vec<(SubscriptionId, EventHead)> = topics.iter().filter_map(wait).collect();
    if waiting.is_empty() || !matches!(found_reply(inner, request), Ok(Some(_))) {
        return;
    }
    for (subscription, head) in waiting {
        inner.input(Input::Due { subscription, head });
    }
}

fn is_request(inner: &Inner, event: &Event) -> bool {
    inner.contracts().known_topic(event.topic.as_str()).is_ok_and(|(_, contract)| contract.replies.is_some())
}

/// The continuation on a topic that waits for a request.
fn waiting(
    inner: &Inner,
    request: &Event,
    topic: &TopicName,
) -> Result<Option<(SubscriptionId, EventHead)>, HostError> {
    let failed = |error| store_error(&error);
    let tenant = inner.tenant(&request.tenant)?;
    let view = inner.view()?;
    let Some(known) = view.known(&tenant, topic, request.id.as_str()).map_err(failed)? else { return Ok(None) };
    let Some(subscription) = job::subscription(topic) else { return Ok(None) };
    if view.is_handled(&subscription, known.sequence).map_err(failed)? {
        return Ok(None);
    }
    Ok(view.event(known.sequence).map_err(failed)?.map(|event| (subscription, event.head())))
}

/// The head of an event that is read back from the log: a continuation whose request was answered meanwhile is due.
pub(crate) fn head_of(inner: &Inner, event: &Event) -> EventHead {
    let head = event.head();
    if !job::is_outcome(&event.topic) || head.due_ms.is_none() {
        return head;
    }
    let is_answered = verdict_of(inner, event).is_ok_and(|verdict| verdict.outcome != "timeout");
    EventHead { due_ms: head.due_ms.filter(|_| !is_answered), ..head }
}
