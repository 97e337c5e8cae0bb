//! The end of a handler call: its buffered effects become one decision of the store, or nothing.

use crate::api::{HostError, ReplyBody, Route, VerbReply, VerbRequest};
use crate::clock;
use crate::destination::Handler;
use crate::fetching::Fetched;
use crate::held::Relied;
use crate::hooks;
use crate::host::Inner;
use crate::jobs::{self, Continues};
use crate::lane::Waits;
use crate::outcome::Waiting;
use crate::plugin::Plugin;
use crate::reader::store_error;
use crate::repeat::{self, Keyed};
use crate::reply;
use crate::reservations;
use crate::spoken;
use crate::stamp::{Cause, Wanted, stamp};
use crate::task::{Task, Work};
use contract_model::canonical::canonical_sha256;
use contract_model::reservation::State;
use contract_model::{ErrorCode, Event, EventId, Permission, RecordId, Sequence, TenantId};
use daemon_frame::{Body, Done, Draft, Ended, Response, Write};
use daemon_store::{NewAnswer, NewEvent, ReadSet, Refused, Scope, Synced, Unit, View, Write as StoreWrite};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A task whose effects are decided; a verb's answer still waits for the flush.
pub(crate) struct Settled {
    pub(crate) answer: Option<PendingAnswer>,
    pub(crate) durable: Durable,
    /// The position at which its changes were decided, if it made any.
    pub(crate) decided: Option<u64>,
    /// The call, if it only read and may be run again should what it read be undone.
    pub(crate) again: Option<Box<ReadAgain>>,
}

/// A call that changed nothing.
pub(crate) struct ReadAgain {
    pub(crate) request: VerbRequest,
    pub(crate) fetched: Fetched,
}

/// What a task's effects stand on.
pub(crate) struct Basis {
    /// The snapshot that it asked, if it asked.
    pub(crate) view: Option<View>,
    /// What it took from items before it.
    pub(crate) relied: Relied,
    /// The `traceparent` of the unit of work.
    pub(crate) trace: Option<String>,
}

impl Basis {
    /// The position that what was read is of, as far as the disk is concerned.
    fn read(&self) -> Durable {
        let unsynced = self.view.as_ref().filter(|view| !view.is_synced());
        let of_view = unsynced.map(|view| (view.epoch(), view.position()));
        let relied = self.relied.newest().map(|position| (self.relied.epoch, position));
        of_view
            .into_iter()
            .chain(relied)
            .max()
            .map_or(Durable::Already, |(epoch, position)| Durable::Read { epoch, position })
    }

    fn into_reads(self, inner: &Inner, tenant: &TenantId) -> Result<ReadSet, HostError> {
        let reads = self.view.map_or_else(ReadSet::default, View::into_reads);
        if self.relied.is_empty() {
            return Ok(reads);
        }
        let scope = Scope::Tenant(inner.tenant(tenant)?);
        let records = self.relied.records.iter().map(|(collection, id, at)| (collection.as_str(), id.as_str(), *at));
        inner.store.rely(reads, self.relied.epoch, &scope, records).map_err(|error| store_error(&error))
    }

    /// Refuses what stands on records that an item before it left and that are not so any more.
    fn hold(self, inner: &Inner, plugin: &Plugin, tenant: &TenantId) -> Result<(), Refusal> {
        if self.relied.is_empty() {
            return Ok(());
        }
        let reads = self.into_reads(inner, tenant)?;
        inner.store.holds(&reads).map_err(|refused| refusal(plugin, refused))
    }
}

/// An answer that is kept for who repeats the call.
struct Kept {
    answer: NewAnswer,
    /// That it tells an outcome.
    mark: Option<(String, Option<Value>)>,
    /// What of that outcome is in the log already.
    needed: Vec<Sequence>,
}

impl Kept {
    fn of(keyed: &Keyed, answer: &PendingAnswer, cause: &Cause) -> Result<Self, HostError> {
        let mark = repeat::awaits(&cause.tenant, answer, cause.now_ms);
        let needed = match answer {
            PendingAnswer::Outcome(pending) => pending.known.clone(),
            PendingAnswer::Ready(_) => Vec::new(),
        };
        Ok(Self { answer: keyed.keep(answer)?, mark, needed })
    }
}

/// What an answer waits for before it may be given.
pub(crate) enum Durable {
    /// Nothing.
    Already,
    /// Its own unit of work.
    Unit(Synced),
    /// What it has read, as a view of this epoch and position saw it.
    Read { epoch: u64, position: u64 },
}

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

/// Why a task did not settle.
pub(crate) enum Refusal {
    /// It met another unit of work, named here, and must run again.
    Again(String),
    /// It failed.
    Failed(HostError),
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        Self::Failed(error)
    }
}

/// Settles one item that has come back from a worker; `now_ms` is the time its handler was told.
pub(crate) fn settle(
    inner: &Arc<Inner>,
    plugin: &Plugin,
    task: &Task,
    done: Done,
    basis: Basis,
    now_ms: u64,
) -> Result<Settled, Refusal> {
    spoken::log(plugin, &done);
    plugin.count_denied(done.usage.denied);
    let (draft, response) = match done.ended {
        Ended::Returned { draft, response } => (draft, response),
        Ended::Threw(failure) => {
            basis.hold(inner, plugin, task.tenant_id())?;
            return Err(of_the_call(HostError::from_failure(plugin.slug(), failure), task).into());
        }
    };
    let cause = Cause { trace: basis.trace.clone(), ..task.cause(plugin.slug(), now_ms) };
    // Registered before the request can be answered, so that no reply is missed.
    let answer = match &task.work {
        Work::Verb(verb) => match pending(inner, &verb.request, &draft, response) {
            Ok(answer) => Some(answer),
            // As with an exception: what stands on records that are not so any more tells nothing, and runs again.
            Err(error) => {
                basis.hold(inner, plugin, task.tenant_id())?;
                return Err(of_the_call(error, task).into());
            }
        },
        Work::Change(_) => Some(changed(response)),
        Work::Event(_) | Work::Link(_) => None,
    };
    let kept = match (task.keyed(), &answer) {
        (Some(keyed), Some(answer)) => Some(Kept::of(keyed, answer, &cause)?),
        _ => None,
    };
    let (durable, decided) = commit(inner, plugin, task, &cause, draft, kept, basis)?;
    Ok(Settled { answer, durable, decided, again: None })
}

/// What is wrong with a call or its answer as a whole has no line but that of its verb. What the store refuses for its
/// own sake, as when its queue is full, has none.
fn of_the_call(error: HostError, task: &Task) -> HostError {
    match &task.work {
        Work::Verb(verb) => error.at(verb.request.route.at.as_ref()),
        _ => error,
    }
}

fn commit(
    inner: &Arc<Inner>,
    plugin: &Plugin,
    task: &Task,
    cause: &Cause,
    draft: Draft,
    kept: Option<Kept>,
    basis: Basis,
) -> Result<(Durable, Option<u64>), Refusal> {
    let changes_nothing = draft.writes.is_empty()
        && draft.events.is_empty()
        && draft.continuations.is_empty()
        && draft.reservations.is_empty();
    if task.is_read_only() && !changes_nothing {
        let text = "the route is declared readOnly, but its handler wrote records or published events";
        let denied = HostError::new(ErrorCode::PermissionDenied, text).of_plugin(plugin.slug());
        return Err(of_the_call(denied, task).into());
    }
    if task.has_client() && changes_nothing && kept.is_none() && task.mark().is_none() {
        // What was read may not be synced yet; the answer must not be ahead of the disk.
        let durable = basis.read();
        basis.hold(inner, plugin, &cause.tenant)?;
        return Ok((durable, None));
    }
    let mut unit = Unit::new(inner.tenant(&cause.tenant)?, cause.now_ms);
    let published = draft.events.len();
    unit.meta.extend(task.mark().cloned());
    if let Some(Kept { answer, mark, needed }) = kept {
        unit.answer = Some(answer);
        unit.meta.extend(mark);
        unit.needed.extend(needed);
    }
    unit.awaited = task.has_client();
    for write in draft.writes {
        unit.writes.push(record_write(plugin, write)?);
    }
    unit.events.extend(hooks::after(inner, cause, &unit.writes).map_err(|error| error.of_plugin(plugin.slug()))?);
    for event in draft.events {
        if jobs::is_job(&event) {
            unit.events.push(jobs::enqueued(inner, plugin, cause, event)?);
            continue;
        }
        check_may_publish(inner, plugin, &event.topic)?;
        if !event.reply {
            plugin.keep_promise(&event.topic)?;
        }
        let event =
            stamp(&inner.contracts(), cause, Wanted::from(event)).map_err(|error| error.of_plugin(plugin.slug()))?;
        unit.events.push(new_event(event));
    }
    let ends: Vec<State> = draft.reservations.iter().map(|one| one.reservation.state).collect();
    reservations::keep(inner, plugin, cause, &mut unit, draft.reservations)?;
    let mut open = Vec::new();
    for continuation in draft.continuations {
        if let Some(Continues { event, there, open: request }) = jobs::continuation(inner, plugin, cause, continuation)?
        {
            unit.events.push(event);
            unit.needed.extend(there);
            open.extend(request);
        }
    }
    if let Work::Event(event) = &task.work {
        unit.handled = Some((event.subscription.clone(), event.event.sequence));
        unit.epoch = Some(event.epoch);
        let contracts = inner.contracts();
        let replies = contracts.topic(&event.event.topic).and_then(|contract| contract.replies.as_ref());
        unit.replied = replies.and_then(|replies| reply::among(&unit.events, &event.event, replies));
        unit.events.extend(jobs::next_run(inner, &event.event, clock::now_ms()));
        if let Handler::Job(_) = event.handler {
            let (subscription, sequence) = (&event.subscription, event.event.sequence);
            unit.meta.push(inner.job_ends.note(inner, subscription, sequence, clock::now_ms(), false)?);
        }
    }
    let reads = basis.into_reads(inner, &cause.tenant)?;
    inner.quotas.admit_events(&inner.store, &cause.tenant, Some(plugin.slug()), published)?;
    let decided = inner.decide_traced(cause.trace.as_deref(), unit, reads);
    if decided.is_err() {
        inner.quotas.give_back(&cause.tenant, Some(plugin.slug()), published);
    }
    match decided {
        Ok(decided) => {
            for end in ends {
                plugin.meter.reserved(end);
            }
            if let Work::Event(event) = &task.work {
                jobs::answered(inner, &event.event);
            }
            for request in open {
                jobs::answered(inner, &request);
            }
            Ok((Durable::Unit(decided.synced), Some(decided.position)))
        }
        // Another delivery of the same event was quicker; its effects stand, and ours must not.
        Err(Refused::AlreadyHandled) => Ok((Durable::Already, None)),
        Err(refused) => Err(refusal(plugin, refused)),
    }
}

fn record_write(plugin: &Plugin, write: Write) -> Result<StoreWrite, HostError> {
    let (Write::Put { collection, id, .. } | Write::Delete { collection, id, .. }) = &write;
    if !plugin.owns(collection) {
        let text = format!("plugin `{}` may not write to `{collection}`, which it does not own", plugin.slug());
        return Err(plugin.denied(text));
    }
    plugin.demand(&Permission::OwnRecords, "write its records")?;
    let id = RecordId::new(id).map_err(|error| HostError::new(ErrorCode::RecordInvalid, error.to_string()))?;
    Ok(match write {
        Write::Put { collection, record, base_revision, .. } => {
            let Value::Object(record) = Arc::unwrap_or_clone(record) else {
                let text = format!("the record `{id}` for `{collection}` is no object");
                return Err(HostError::new(ErrorCode::RecordInvalid, text).of_plugin(plugin.slug()));
            };
            StoreWrite::Put { collection, id, record, base_revision }
        }
        Write::Delete { collection, base_revision, .. } => StoreWrite::Delete { collection, id, base_revision },
    })
}

/// With the hash of its payload where it has a key to be recognised by.
pub(crate) fn new_event(event: Event) -> NewEvent {
    let payload_hash = event.idempotency_key.as_ref().map_or_else(String::new, |_| canonical_sha256(&event.payload));
    NewEvent { event, payload_hash, unique_until: None }
}

/// The worker refuses this too; here it holds even if the worker was subverted.
fn check_may_publish(inner: &Inner, plugin: &Plugin, topic: &str) -> Result<(), HostError> {
    let contracts = inner.contracts();
    let (name, contract) = contracts.known_topic(topic)?;
    let slug = plugin.slug();
    plugin.demand(&Permission::Publish, "publish")?;
    if !plugin.manifest.may_publish(&name) {
        plugin.count_denied(1);
        let text = format!("plugin `{slug}` publishes `{name}`, which its plugin.yaml does not list under `publishes`");
        return Err(HostError::new(ErrorCode::TopicUndeclared, text).of_plugin(slug));
    }
    if !contract.may_be_published_by(slug) {
        let text = format!(
            "plugin `{slug}` may not publish `{name}`: only its owner may, and those under `publishers` in its contract"
        );
        return Err(plugin.denied(text));
    }
    Ok(())
}

fn refusal(plugin: &Plugin, refused: Refused) -> Refusal {
    match refused {
        Refused::Conflict { on } => Refusal::Again(on),
        other => Refusal::Failed(crate::reader::refused(&other).of_plugin(plugin.slug())),
    }
}

/// The records that a client's changes led to, as they are stored.
fn changed(response: Option<Response>) -> PendingAnswer {
    let records = match response {
        Some(Response { body: Body::Data(records), .. }) => records,
        _ => Value::Null,
    };
    PendingAnswer::Ready(VerbReply::new(200, ReplyBody::Json(records)))
}

fn pending(
    inner: &Arc<Inner>,
    request: &VerbRequest,
    draft: &Draft,
    response: Option<Response>,
) -> Result<PendingAnswer, HostError> {
    // A line of a stream is answered by the value itself; everything else goes into the envelope.
    let plain = |value| if request.route.options.stream.is_some() { ReplyBody::Json(value) } else { envelope(value) };
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
    let missing = || {
        let text = format!("e.outcome() was given `{request}`, which is no request that this handler published");
        HostError::new(ErrorCode::PluginError, text)
    };
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

/// The envelope of a verb's plain return value.
pub(crate) fn envelope(data: Value) -> ReplyBody {
    let fields = [("success", Value::Bool(true)), ("data", data), ("error", Value::Null)];
    ReplyBody::Json(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
