//! What clients ask of the log: publish, outcome, listing.

use crate::api::{ExternalEvent, HostError, Outcome, Published, ReplyBody, VerbReply};
use crate::chance;
use crate::clock;
use crate::contracts::Contracts;
use crate::host::{Host, Inner, is_undone};
use crate::outcome::{Reply, Verdict, Waiting};
use crate::reader::{refused, store_error};
use crate::reply;
use crate::settle::new_event;
use crate::stamp::{Cause, Wanted, stamp};
use crate::traces;
use contract_model::canonical::canonical_sha256;
use contract_model::ids::ulid;
use contract_model::limits::OUTCOME_WAIT_MS_MAX;
use contract_model::manifest::Replies;
use contract_model::{ErrorCode, Event, EventId, Sequence, TenantId, TopicPattern};
use daemon_store::{EventFilter, EventsPage, EventsWanted, ReadSet, Refused, Tenant, Unit};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only under this pattern.
    pub topic: Option<TopicPattern>,
    /// Only of this story.
    pub correlation: Option<String>,
    /// Only after this position.
    pub after: Sequence,
    /// Only before this position.
    pub before: Option<Sequence>,
    /// At most so many.
    pub limit: usize,
    /// Where this is set the page ends, too, when its events take so much in memory.
    pub bytes: Option<u64>,
    /// From the end of the log backwards.
    pub newest_first: bool,
}

/// How often publishing meets another unit of work before it is given up.
const PUBLISH_TRIES: usize = 16;
/// How often an outcome is looked up whose flush fails.
const LOOKS_MAX: usize = 16;

impl Host {
    /// Publishes an event of a client. It is put into the log at once, so that events published one after another lie
    /// there in that order; when what this gives is through, it is on disk.
    pub fn publish(&self, external: ExternalEvent) -> impl Future<Output = Result<Published, HostError>> + use<> {
        let inner = Arc::clone(&self.0);
        let epoch = inner.store.epoch();
        let put = self.stamped(external).and_then(|event| self.put(event, true));
        async move {
            let published = put?;
            inner.synced_through(epoch, published.sequence).await?;
            Ok(published)
        }
    }

    /// Publishes a request of a client, which is put into the log at once, and waits for its outcome, at most `wait`.
    /// When what this gives is through, all that it tells is on disk; the request alone is not waited for, so that it
    /// and its reply may go there together. What is no request is published, and has no outcome.
    pub fn request(
        &self,
        external: ExternalEvent,
        wait: Duration,
    ) -> impl Future<Output = Result<(Published, Option<Outcome>), HostError>> + use<> {
        let host = self.clone();
        let epoch = host.0.store.epoch();
        let until = Instant::now() + wait;
        let asked = self.stamped(external).and_then(|event| {
            // Registered before it is there, so that no reply is missed and a request that is new need not be looked for.
            let awaited = Awaited::of(&self.0, &self.0.contracts(), &event).ok();
            let tenant = event.tenant.clone();
            Ok((self.put(event, awaited.is_none())?, awaited, tenant))
        });
        async move {
            let (published, awaited, tenant) = asked?;
            let outcome = match awaited {
                None => {
                    host.0.synced_through(epoch, published.sequence).await?;
                    return Ok((published, None));
                }
                Some(awaited) if !published.duplicate => Ok(awaited.outcome(published.sequence, until).await),
                Some(_) => host.outcome_unsynced(&tenant, &published.id, until).await,
            };
            // First of all, for if the request itself was undone its outcome says nothing.
            let last = outcome.as_ref().map_or(published.sequence, |(_, last)| *last);
            host.0.synced_through(epoch, last).await?;
            Ok((published, Some(outcome?.0)))
        }
    }

    /// The event that a client wants to publish, if it may.
    fn stamped(&self, external: ExternalEvent) -> Result<Event, HostError> {
        let inner = &self.0;
        let contracts = inner.contracts();
        let (topic, contract) = contracts.known_topic(&external.topic)?;
        if !contracts.is_open_to_clients(&topic, contract) {
            let text = format!(
                "topic `{topic}` may not be published from outside: make it `visibility: public` or name it under `external` in suite.yaml"
            );
            return Err(HostError::new(ErrorCode::TopicNotPublic, text));
        }
        let now_ms = clock::now_ms();
        let id = external.id.clone().unwrap_or_else(|| ulid(now_ms, chance::number()));
        let cause = Cause {
            tenant: external.tenant.clone(),
            publisher: format!("rest:{}", external.identity.user),
            actor: external.identity.user.clone(),
            roles: external.identity.roles.clone(),
            correlation: id.clone(),
            causation: None,
            hops: 0,
            trace: external.trace.clone(),
            now_ms,
        };
        let wanted = Wanted {
            id,
            topic: external.topic,
            payload: external.payload,
            key: None,
            idempotency_key: external.idempotency_key,
            delay_ms: 0,
            headers: Map::new(),
        };
        stamp(&contracts, &cause, wanted)
    }

    /// Puts a client's event into the log, and tells of it where it is new.
    fn put(&self, mut event: Event, awaited: bool) -> Result<Published, HostError> {
        let tenant = self.0.tenant(&event.tenant)?;
        let span = traces::publication(&self.0.tracer, &mut event);
        let published = append(&self.0, &tenant, event, awaited);
        if !published.as_ref().is_ok_and(|published| !published.duplicate) {
            span.discard();
        }
        published
    }

    /// What became of a request, waiting for it at most `wait`.
    pub async fn outcome(&self, tenant: &TenantId, event_id: &str, wait: Duration) -> Result<Outcome, HostError> {
        let until = Instant::now() + wait;
        for _ in 0..LOOKS_MAX {
            let epoch = self.0.store.epoch();
            let (outcome, last) = self.outcome_unsynced(tenant, event_id, until).await?;
            match self.0.synced_through(epoch, last).await {
                // Somebody else's flush failed meanwhile; what became of this request is looked up again.
                Err(error) if is_undone(&error) => {}
                synced => return synced.map(|()| outcome),
            }
        }
        let text = format!("what became of event `{event_id}` was undone {LOOKS_MAX} times before it was on disk");
        Err(HostError::new(ErrorCode::Conflict, text).retry_after(Duration::from_secs(1)))
    }

    /// The outcome and the last event that it tells of, which may not be synced yet.
    async fn outcome_unsynced(
        &self,
        tenant: &TenantId,
        event_id: &str,
        until: Instant,
    ) -> Result<(Outcome, Sequence), HostError> {
        let inner = &self.0;
        let request = self.event(tenant, event_id)?.ok_or_else(|| no_event(event_id))?;
        let contracts = inner.contracts();
        // Registered before looking, so that a reply between the two is not missed.
        let awaited = Awaited::of(inner, &contracts, &request)?;
        if let Some((verdict, reply)) = inner.find_reply(&request, replies_to(&contracts, &request)?)? {
            return Ok(outcome_of(verdict, reply));
        }
        Ok(awaited.outcome(request.sequence, until).await)
    }

    /// An event by its id.
    pub fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<Arc<Event>>, HostError> {
        Ok(self.0.stored_event(tenant, id)?.map(Arc::new))
    }

    /// A page of the log.
    pub fn events(&self, query: &EventQuery) -> Result<EventsPage<Arc<Event>>, HostError> {
        let tenant = query.tenant.as_ref().map(|tenant| self.0.tenant(tenant)).transpose()?;
        let wanted = EventsWanted {
            filter: EventFilter { tenant, topic: query.topic.clone() },
            correlation: query.correlation.clone(),
            after: query.after,
            before: query.before,
            newest_first: query.newest_first,
            limit: query.limit,
            bytes: query.bytes,
        };
        let EventsPage { events, next } = self.0.view()?.events_page(&wanted).map_err(|error| store_error(&error))?;
        Ok(EventsPage { events: events.into_iter().map(Arc::new).collect(), next })
    }

    /// The last position of the log.
    pub fn last_sequence(&self) -> Result<Sequence, HostError> {
        Ok(self.0.view()?.sequence())
    }
}

/// A request whose reply is waited for.
struct Awaited {
    waiting: Waiting,
    is_answered: bool,
    /// When the contract gives it up, milliseconds since 1970.
    ends_ms: Option<u64>,
}

impl Awaited {
    /// An error for an event that is no request.
    fn of(inner: &Inner, contracts: &Contracts, request: &Event) -> Result<Self, HostError> {
        let (topic, contract) = contracts.known_topic(request.topic.as_str())?;
        let replies = replies_to(contracts, request)?;
        Ok(Self {
            waiting: inner.waiters.register(&request.tenant, request.id.as_str(), replies),
            is_answered: contracts.responder(&topic).is_some(),
            ends_ms: contract.timeout.map(|limit| request.time_ms.saturating_add(limit.0)),
        })
    }

    /// The outcome of a request that nobody has replied to yet, waiting for it until then at most, and the last event
    /// that it tells of.
    async fn outcome(mut self, request: Sequence, until: Instant) -> (Outcome, Sequence) {
        if !self.is_answered {
            return (Outcome::NoResponder, request);
        }
        let left = self.ends_ms.map(|ends| ends.saturating_sub(clock::now_ms()));
        let wait = until.saturating_duration_since(Instant::now());
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(OUTCOME_WAIT_MS_MAX);
        let patience = Duration::from_millis(left.map_or(wait_ms, |left| left.min(wait_ms)));
        if let Ok(Some((verdict, reply))) = tokio::time::timeout(patience, self.waiting.reply()).await {
            return outcome_of(verdict, reply);
        }
        let expired = left.is_some_and(|left| left <= wait_ms);
        (if expired { Outcome::Timeout } else { Outcome::Pending }, request)
    }
}

/// The topics that a request is answered on.
fn replies_to<'a>(contracts: &'a Contracts, request: &Event) -> Result<&'a Replies, HostError> {
    let (topic, contract) = contracts.known_topic(request.topic.as_str())?;
    contract.replies.as_ref().ok_or_else(|| {
        let text = format!("event `{}` is on `{topic}`, which is no request and has no outcome", request.id);
        HostError::new(ErrorCode::NotFound, text)
    })
}

impl Inner {
    /// An event by its id.
    pub(crate) fn stored_event(&self, tenant: &TenantId, id: &str) -> Result<Option<Event>, HostError> {
        let tenant = self.tenant(tenant)?;
        let Ok(id) = EventId::new(id) else { return Ok(None) };
        self.view()?.event_by_id(&tenant, &id).map_err(|error| store_error(&error))
    }

    /// The reply to a request, if it is in the log.
    pub(crate) fn find_reply(&self, request: &Event, replies: &Replies) -> Result<Option<Reply>, HostError> {
        let tenant = self.tenant(&request.tenant)?;
        reply::find(&self.view()?, tenant, request, replies)
    }
}

/// Stores one event, or finds that it is there already. Either may not be synced yet. Most events are new, so that one
/// is looked for only when it is refused; whatever it was refused for, one that is there was let in before, and whoever
/// asks again is told so.
pub(crate) fn append(
    inner: &Arc<Inner>,
    tenant: &Tenant,
    mut event: Event,
    awaited: bool,
) -> Result<Published, HostError> {
    let id = event.id.as_str().to_owned();
    for _ in 0..PUBLISH_TRIES {
        if let Err(exceeded) = inner.quotas.admit_events(&inner.store, tenant.id(), None, 1) {
            return already_there(inner, tenant, &event)?.ok_or(exceeded);
        }
        let mut unit = Unit::new(tenant.clone(), event.time_ms);
        unit.awaited = awaited;
        unit.events.push(new_event(event));
        let mut prepared = inner.store.prepare(unit).map_err(|refusal| refused(&refusal))?;
        let refusal = match inner.decide_prepared(&mut prepared, ReadSet::default()) {
            Ok(decided) => {
                let sequence = decided.events.first().map_or(Sequence(0), |stored| stored.sequence);
                return Ok(Published { id, sequence, duplicate: false });
            }
            Err(refusal) => refusal,
        };
        inner.quotas.give_back(tenant.id(), None, 1);
        let Some(kept) = prepared.into_events().next() else { return Err(refused(&refusal)) };
        event = kept;
        if let Some(published) = already_there(inner, tenant, &event)? {
            return Ok(published);
        }
        if !matches!(refusal, Refused::EventExists { .. } | Refused::Conflict { .. }) {
            return Err(refused(&refusal));
        }
    }
    let text = format!("publishing event `{id}` met others {PUBLISH_TRIES} times; try again");
    Err(HostError::new(ErrorCode::Conflict, text).retry_after(Duration::from_millis(100)))
}

fn already_there(inner: &Inner, tenant: &Tenant, event: &Event) -> Result<Option<Published>, HostError> {
    let view = inner.view()?;
    let duplicate = |id: &EventId, sequence| Some(Published { id: id.as_str().to_owned(), sequence, duplicate: true });
    let conflict = |what: String| {
        let text = format!("{what} was used before with another payload; the stored event stays as it is");
        Err(HostError::new(ErrorCode::IdempotencyConflict, text))
    };
    if let Some(stored) = view.event_by_id(tenant, &event.id).map_err(|error| store_error(&error))? {
        if stored.topic == event.topic && canonical_sha256(&stored.payload) == canonical_sha256(&event.payload) {
            return Ok(duplicate(&stored.id, stored.sequence));
        }
        return conflict(format!("event id `{}`", event.id));
    }
    if let Some(past) = view.past_event(tenant, &event.id).map_err(|error| store_error(&error))? {
        if past.topic == event.topic && past.payload_hash == canonical_sha256(&event.payload) {
            return Ok(duplicate(&past.id, past.sequence));
        }
        return conflict(format!("event id `{}`", event.id));
    }
    let Some(key) = &event.idempotency_key else { return Ok(None) };
    match view.known(tenant, &event.topic, key).map_err(|error| store_error(&error))? {
        None => Ok(None),
        Some(known) if known.payload_hash == canonical_sha256(&event.payload) => {
            Ok(duplicate(&known.event, known.sequence))
        }
        Some(known) => conflict(format!("idempotency key `{key}` of event `{}`", known.event)),
    }
}

fn outcome_of(verdict: Verdict, reply: Arc<Event>) -> (Outcome, Sequence) {
    let sequence = reply.sequence;
    match verdict {
        Verdict::Ok => (Outcome::Ok(reply), sequence),
        Verdict::Error => (Outcome::Error(reply), sequence),
    }
}

/// A verb's answer made of a reply's payload.
pub(crate) fn reply_envelope(verdict: Verdict, reply: &Event, ok: u16, error: u16) -> VerbReply {
    match verdict {
        Verdict::Ok => VerbReply::new(ok, ReplyBody::Data(reply.payload.clone())),
        Verdict::Error => {
            let text = |name: &str| reply.payload.get(name).cloned().unwrap_or(Value::Null);
            let body = json!({
                "success": false, "data": null,
                "error": {"code": text("code"), "message": text("message"), "details": reply.payload},
            });
            VerbReply::new(error, ReplyBody::Json(body))
        }
    }
}

fn no_event(id: &str) -> HostError {
    HostError::new(ErrorCode::NotFound, format!("there is no event `{id}`"))
}
