//! What a call buffered, as one unit of work for the store.

use super::answer::PendingAnswer;
use crate::api::HostError;
use crate::clock;
use crate::destination::Handler;
use crate::hooks;
use crate::host::Inner;
use crate::jobs::{self, Continues};
use crate::lane::Waits;
use crate::plugin::Plugin;
use crate::repeat::{self, Keyed};
use crate::reply;
use crate::reservations;
use crate::stamp::{Cause, Wanted, stamp};
use crate::task::{Task, Work};
use contract_model::canonical::canonical_sha256;
use contract_model::reservation::State;
use contract_model::{ErrorCode, Event, Permission, RecordId, Sequence};
use daemon_frame::{Continuation, Draft, DraftEvent, Write};
use daemon_store::{NewAnswer, NewEvent, Unit, Write as StoreWrite};
use serde_json::Value;
use std::sync::Arc;

/// A call whose effects are settled.
pub(super) struct Call<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) plugin: &'a Plugin,
    pub(super) task: &'a Task,
    pub(super) cause: &'a Cause,
}

/// A unit of work that is still to be decided.
pub(super) struct Drafted {
    pub(super) unit: Unit,
    /// How many events its handler published, and how many ends of reservations.
    pub(super) published: usize,
    pub(super) news: News,
}

/// What is told of a unit of work once it is decided.
pub(super) struct News {
    /// The states that it brought reservations to.
    reservations: Vec<State>,
    /// Requests of before that it goes on from, and that had no reply when it was drafted.
    open: Vec<Event>,
}

/// An answer that is kept for who repeats the call.
pub(super) struct Kept {
    answer: NewAnswer,
    /// That it tells an outcome.
    mark: Option<(String, Option<Value>)>,
    /// What of that outcome is in the log already.
    needed: Vec<Sequence>,
}

impl Kept {
    pub(super) fn of(keyed: &Keyed, answer: &PendingAnswer, cause: &Cause) -> Result<Self, HostError> {
        let mark = repeat::awaits(&cause.tenant, answer, cause.now_ms);
        let needed = match answer {
            PendingAnswer::Outcome(pending) => pending.known.clone(),
            PendingAnswer::Ready(_) => Vec::new(),
        };
        Ok(Self { answer: keyed.keep(answer)?, mark, needed })
    }
}

impl Call<'_> {
    /// All that the call buffered, with what comes of it by itself: hooks, the next run of a schedule, the mark of what
    /// was handled.
    pub(super) fn draft(&self, draft: Draft, kept: Option<Kept>) -> Result<Drafted, HostError> {
        let Self { inner, plugin, task, cause } = *self;
        let mut unit = Unit::new(inner.tenant(&cause.tenant)?, cause.now_ms);
        // A reservation makes an event, too: the end of its time.
        let reserved = draft.reservations.iter().filter(|one| one.base_revision == 0);
        let published = draft.events.len() + reserved.count();
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
            unit.events.push(self.published(event)?);
        }
        let states = draft.reservations.iter().map(|one| one.reservation.state).collect();
        reservations::keep(inner, plugin, cause, &mut unit, draft.reservations)?;
        let open = self.go_on(&mut unit, draft.continuations)?;
        self.handled(&mut unit)?;
        Ok(Drafted { unit, published, news: News { reservations: states, open } })
    }

    /// Counts what was decided, and has replies looked for that came meanwhile.
    pub(super) fn tell(&self, news: News) {
        news.reservations.into_iter().for_each(|state| self.plugin.meter.reserved(state));
        if let Work::Event(event) = &self.task.work {
            jobs::answered(self.inner, &event.event);
        }
        news.open.iter().for_each(|request| jobs::answered(self.inner, request));
    }

    fn published(&self, event: DraftEvent) -> Result<NewEvent, HostError> {
        let Self { inner, plugin, cause, .. } = *self;
        if jobs::is_job(&event) {
            return jobs::enqueued(inner, plugin, cause, event);
        }
        check_may_publish(inner, plugin, &event.topic)?;
        if !event.reply {
            plugin.keep_promise(&event.topic)?;
        }
        let event =
            stamp(&inner.contracts(), cause, Wanted::from(event)).map_err(|error| error.of_plugin(plugin.slug()))?;
        Ok(new_event(event))
    }

    /// Adds what goes on when requests are answered; gives those of before that are not yet.
    fn go_on(&self, unit: &mut Unit, continuations: Vec<Continuation>) -> Result<Vec<Event>, HostError> {
        let mut open = Vec::new();
        for wanted in continuations {
            let Some(continues) = jobs::continuation(self.inner, self.plugin, self.cause, wanted)? else { continue };
            let Continues { event, there, open: request } = continues;
            unit.events.push(event);
            unit.needed.extend(there);
            open.extend(request);
        }
        Ok(open)
    }

    /// Marks the event that the call handled, in the same unit of work.
    fn handled(&self, unit: &mut Unit) -> Result<(), HostError> {
        let Self { inner, task, .. } = *self;
        let Work::Event(event) = &task.work else { return Ok(()) };
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
        Ok(())
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
