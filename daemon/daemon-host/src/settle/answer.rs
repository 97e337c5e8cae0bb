//! What a verb answers: its value, or the outcome of a request that it still waits for.

use crate::api::{HostError, ReplyBody, Route, VerbReply, VerbRequest};
use crate::host::Inner;
use crate::outcome::Waiting;
use contract_model::{ErrorCode, EventId, Sequence, TenantId};
use daemon_frame::{Body, Draft, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A verb's answer, or what it still waits for.
pub(crate) enum PendingAnswer {
    /// Ready.
    Ready(VerbReply),
    /// It answers with the outcome of a request that it published.
    Outcome(PendingOutcome),
}

/// A verb that waits for the reply of a request.
pub(crate) struct PendingOutcome {
    pub(crate) request: String,
    /// Statuses for an ok and for an error reply.
    pub(crate) statuses: (u16, u16),
    pub(crate) wait: Duration,
    pub(crate) reply: Waiting,
    /// The request and the reply, as far as they were in the log before.
    pub(crate) known: Vec<Sequence>,
    /// The store's epoch when the wait began.
    pub(crate) epoch: u64,
}

/// The records that a client's changes led to, as they are stored.
pub(super) fn changed(response: Option<Response>) -> PendingAnswer {
    let records = match response {
        Some(Response { body: Body::Data(records), .. }) => records,
        _ => Value::Null,
    };
    PendingAnswer::Ready(VerbReply::new(200, ReplyBody::Json(records)))
}

pub(super) fn pending(
    inner: &Arc<Inner>,
    request: &VerbRequest,
    draft: &Draft,
    response: Option<Response>,
) -> Result<PendingAnswer, HostError> {
    // A line of a stream is answered by the value itself; everything else goes into the envelope.
    let plain =
        |value| if request.route.options.stream.is_some() { ReplyBody::Json(value) } else { ReplyBody::Data(value) };
    let Some(response) = response else {
        return Ok(PendingAnswer::Ready(VerbReply::new(200, plain(Value::Null))));
    };
    let status = if response.status == 0 { 200 } else { response.status };
    let body = match response.body {
        Body::Data(value) => {
            hold_to_schema(&request.route, status, &value)?;
            plain(value)
        }
        Body::Json(value) => ReplyBody::Json(value),
        Body::Text(text) => ReplyBody::Text(text),
        Body::Outcome { event, ok, error, timeout_ms } => {
            let wait = Duration::from_millis(timeout_ms);
            refuse_foreign(inner, request, draft, &event)?;
            return pending_outcome(inner, &request.tenant, draft, event, (ok, error), wait);
        }
    };
    Ok(PendingAnswer::Ready(VerbReply::new(status, body)))
}

/// Refuses the data of an answer that breaks the schema which its route promises. Nothing of the call is kept then: who
/// relies on the promise could not use the answer, and would call again.
fn hold_to_schema(route: &Route, status: u16, data: &Value) -> Result<(), HostError> {
    let Some(schema) = route.response.as_ref().filter(|_| (200..300).contains(&status)) else { return Ok(()) };
    let Err(violations) = schema.validate(data) else { return Ok(()) };
    let Route { plugin, method, path, .. } = route;
    let first = violations.first().map_or_else(String::new, ToString::to_string);
    let text =
        format!("the answer of {method} {path} breaks the response schema that plugin `{plugin}` declares: {first}");
    let places: Vec<_> = violations.iter().map(|one| json!({"pointer": one.pointer, "message": one.message})).collect();
    Err(HostError::new(ErrorCode::PluginError, text)
        .with_details(json!({"violations": places}))
        .of_plugin(plugin.as_str()))
}

/// Refuses a request of somebody else's: its reply is told to whoever published it, and to those who may hear it. One that
/// a plugin met by the key that its contract makes is as good as its own, if it may publish such a request.
fn refuse_foreign(inner: &Arc<Inner>, call: &VerbRequest, draft: &Draft, id: &str) -> Result<(), HostError> {
    if draft.events.iter().any(|event| event.id == id) {
        return Ok(());
    }
    let Some(event) = inner.stored_event(&call.tenant, id)? else { return Ok(()) };
    let slug = &call.route.plugin;
    let publishes = |topic| inner.pool(slug).is_some_and(|pool| pool.plugin.publishes(topic));
    if event.publisher == format!("plugin:{slug}") || (event.idempotency_key.is_some() && publishes(&event.topic)) {
        return Ok(());
    }
    Err(not_published(id))
}

fn not_published(id: &str) -> HostError {
    let text = format!("e.outcome() was given `{id}`, which is no request that this handler published");
    HostError::new(ErrorCode::PluginError, text)
}

/// What a verb waits for that answers with the outcome of a request: one it publishes now, or one that it
/// published before and met again by its idempotency key.
fn pending_outcome(
    inner: &Arc<Inner>,
    tenant: &TenantId,
    draft: &Draft,
    request: String,
    statuses: (u16, u16),
    wait: Duration,
) -> Result<PendingAnswer, HostError> {
    let missing = || not_published(&request);
    let fresh = draft.events.iter().find(|event| event.id == request).map(|event| event.topic.clone());
    let stored = match fresh {
        Some(_) => None,
        None => Some(inner.stored_event(tenant, &request)?.ok_or_else(|| gone(inner, tenant, &request, missing()))?),
    };
    let topic = fresh.or_else(|| stored.as_ref().map(|event| event.topic.as_str().to_owned())).ok_or_else(missing)?;
    let contracts = inner.contracts();
    let (name, contract) = contracts.known_topic(&topic)?;
    let replies = contract.replies.as_ref().ok_or_else(missing)?;
    // Registered before looking, so that a reply between the two is not missed.
    let mut reply = inner.waiters.register(tenant, &request, replies);
    let known = stored.as_ref().map_or(Ok(None), |event| inner.find_reply(event, replies))?;
    let is_known = known.is_some();
    let mut there: Vec<Sequence> = stored.iter().map(|event| event.sequence).collect();
    if let Some(known) = known {
        there.push(known.1.sequence);
        reply.find(known);
    }
    if !is_known && contracts.responder(&name).is_none() {
        return Ok(PendingAnswer::Ready(nobody_answers(&topic, statuses.1)));
    }
    let wait = contract.timeout.map_or(wait, |limit| limit.to_std().min(wait));
    let epoch = inner.store.epoch();
    Ok(PendingAnswer::Outcome(PendingOutcome { request, statuses, wait, reply, known: there, epoch }))
}

/// What a verb is told that asks for the outcome of a request that is not in the log.
fn gone(inner: &Inner, tenant: &TenantId, request: &str, missing: HostError) -> HostError {
    let known = || {
        let (tenant, id) = (inner.tenant(tenant).ok()?, EventId::new(request).ok()?);
        inner.view().ok()?.past_event(&tenant, &id).ok()?
    };
    known().map_or(missing, |past| {
        let text = format!("the events of request `{request}` on `{}` were kept long enough and are gone", past.topic);
        HostError::new(ErrorCode::NotFound, text)
    })
}

/// The same for a verb that is repeated: its request was published by the first run.
pub(crate) fn outcome_of_stored(
    inner: &Arc<Inner>,
    tenant: &TenantId,
    request: String,
    statuses: (u16, u16),
    wait: Duration,
) -> Result<PendingAnswer, HostError> {
    pending_outcome(inner, tenant, &Draft::default(), request, statuses, wait)
}

fn nobody_answers(topic: &str, status: u16) -> VerbReply {
    let error = serde_json::json!({
        "code": ErrorCode::NoResponder, "message": format!("no plugin answers `{topic}`"), "details": null,
    });
    let fields = [("success", Value::Bool(false)), ("data", Value::Null), ("error", error)];
    let body = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    VerbReply::new(status, ReplyBody::Json(body))
}
