//! What a worker can be given: a verb call or an event, and how its end reaches whoever waits for it.

use crate::api::{HostError, VerbRequest};
use crate::chance;
use crate::destination::{Handler, deadline};
use crate::fetching::Fetched;
use crate::hooks;
use crate::host::Inner;
use crate::jobs::{self, Verdicted};
use crate::lane::Waits;
use crate::meter::Kind;
use crate::repeat::Keyed;
use crate::settle::{Durable, PendingAnswer, ReadAgain, Settled};
use crate::stamp::Cause;
use crate::usage::Callee;
use contract_model::memory;
use contract_model::{Event, SubscriptionId, TenantId};
use daemon_frame::{
    Auth, Call, ChangeRun, Context, EventDelivery, Item, JobRun, LinkRun, OutcomeRun, Proposed, VerbCall,
};
use daemon_store::View;
use daemon_trace::Span;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// One handler call that waits for a worker, or runs in one.
pub(crate) struct Task {
    pub(crate) work: Work,
    /// How often it was run again because it met others.
    pub(crate) reruns: u64,
    /// How often its worker was killed from outside.
    pub(crate) kills: u32,
    /// What its body or payload takes in memory.
    weight: u64,
    /// Its worker ran out of memory with others on board, which may have been theirs: now it runs alone.
    pub(crate) alone: bool,
    /// What it has asked of hosts outside.
    pub(crate) fetched: Fetched,
}

/// The kinds of work.
pub(crate) enum Work {
    /// A client waits for the answer.
    Verb(Box<VerbTask>),
    /// The bus waits for the acknowledgement.
    Event(EventTask),
    /// A client waits for changes of records, which hooks look at first.
    Change(Box<ChangeTask>),
    /// The host waits until a plugin has heard of a provider.
    Link(Box<LinkTask>),
}

/// News of a provider for a plugin that uses its capability.
pub(crate) struct LinkTask {
    pub(crate) cause: Cause,
    pub(crate) run: LinkRun,
    /// What is remembered from now on, in the same commit.
    pub(crate) mark: (String, Option<Value>),
    pub(crate) answer: oneshot::Sender<Result<Settled, HostError>>,
}

/// Changes of records that a client wants.
pub(crate) struct ChangeTask {
    pub(crate) cause: Cause,
    pub(crate) changes: Vec<Proposed>,
    /// The snapshot that the changes were found in order in; the hooks read from the same.
    pub(crate) view: Option<View>,
    /// The caller's key, if there is one.
    pub(crate) keyed: Option<Keyed>,
    pub(crate) answer: oneshot::Sender<Result<Settled, HostError>>,
}

/// A verb call.
pub(crate) struct VerbTask {
    pub(crate) request: VerbRequest,
    /// Its caller's key, where the route asks for one.
    pub(crate) keyed: Option<Keyed>,
    /// The snapshot that it stands on, where what it saw before was undone.
    pub(crate) view: Option<View>,
    pub(crate) answer: oneshot::Sender<Result<Settled, HostError>>,
}

/// An event for one subscription.
pub(crate) struct EventTask {
    pub(crate) subscription: SubscriptionId,
    pub(crate) handler: Handler,
    /// Where it is a continuation: what became of its request.
    pub(crate) outcome: Option<Box<Verdicted>>,
    pub(crate) event: Arc<Event>,
    pub(crate) attempt: u32,
    pub(crate) replay: bool,
    pub(crate) deadline: Duration,
    /// The epoch of the store in which the event was seen.
    pub(crate) epoch: u64,
    /// Set when an event of the same delivery has failed: those behind it must not overtake it.
    pub(crate) cancelled: Arc<AtomicBool>,
    /// Of this delivery.
    pub(crate) span: Span,
}

impl Work {
    /// Bytes that what it brings along takes in memory.
    fn weight(&self) -> u64 {
        match self {
            Self::Verb(verb) => memory::of(&verb.request.body),
            Self::Event(event) => memory::of(&event.event.payload),
            Self::Change(change) => {
                let values = change.changes.iter().flat_map(|one| one.record.iter().chain(&one.previous));
                values.map(memory::of).sum()
            }
            Self::Link(_) => 0,
        }
    }
}

/// How a task ended that did not settle.
pub(crate) enum Ended {
    /// With an error; for an event it counts as an attempt.
    Failed(HostError),
    /// It never ran; an event goes back to the bus as it was.
    NotRun(HostError),
}

impl Waits for Task {
    fn has_client(&self) -> bool {
        !matches!(self.work, Work::Event(_))
    }

    fn weight(&self) -> u64 {
        if self.alone { u64::MAX } else { self.weight }
    }

    fn is_long(&self) -> bool {
        let is_job = matches!(&self.work, Work::Event(event) if matches!(event.handler, Handler::Job(_)));
        (is_job || self.is_read_only()) && self.deadline() > deadline(None)
    }
}

impl Task {
    fn of(work: Work) -> Self {
        let weight = work.weight();
        Self { work, reruns: 0, kills: 0, weight, alone: false, fetched: Fetched::default() }
    }

    pub(crate) fn verb(
        request: VerbRequest,
        keyed: Option<Keyed>,
        answer: oneshot::Sender<Result<Settled, HostError>>,
    ) -> Self {
        Self::of(Work::Verb(Box::new(VerbTask { request, keyed, view: None, answer })))
    }

    /// A verb call that changed nothing, on a snapshot of what is on disk.
    pub(crate) fn read_again(
        again: ReadAgain,
        view: View,
        answer: oneshot::Sender<Result<Settled, HostError>>,
    ) -> Self {
        let ReadAgain { request, fetched } = again;
        let work = Work::Verb(Box::new(VerbTask { request, keyed: None, view: Some(view), answer }));
        Self { fetched, ..Self::of(work) }
    }

    pub(crate) fn event(event: EventTask) -> Self {
        Self::of(Work::Event(event))
    }

    pub(crate) fn link(link: LinkTask) -> Self {
        Self::of(Work::Link(Box::new(link)))
    }

    pub(crate) fn change(change: ChangeTask) -> Self {
        Self::of(Work::Change(Box::new(change)))
    }

    /// Whether it stands on a snapshot of its own, which it cannot run again on.
    pub(crate) fn runs_once(&self) -> bool {
        matches!(self.work, Work::Change(_))
    }

    /// The snapshot that it came with, the first time that it is asked for.
    pub(crate) fn take_view(&mut self) -> Option<View> {
        match &mut self.work {
            Work::Change(change) => change.view.take(),
            Work::Verb(verb) => verb.view.take(),
            Work::Event(_) | Work::Link(_) => None,
        }
    }

    /// Whether it stands on a snapshot of its own, and not on what a worker knows from others.
    pub(crate) fn stands_alone(&self) -> bool {
        self.runs_once() || matches!(&self.work, Work::Verb(verb) if verb.view.is_some())
    }

    /// What is to be remembered in the same commit.
    pub(crate) fn mark(&self) -> Option<&(String, Option<Value>)> {
        match &self.work {
            Work::Link(link) => Some(&link.mark),
            Work::Verb(_) | Work::Event(_) | Work::Change(_) => None,
        }
    }

    /// What names it however often it is run or delivered.
    pub(crate) fn origin(&self) -> String {
        match &self.work {
            Work::Event(event) => format!("{} {}", event.event.id.as_str(), event.subscription),
            Work::Verb(verb) => match verb.request.headers.get("idempotency-key") {
                Some(key) => format!("{} {}", verb.request.identity.user, Value::from(key)),
                None => verb.request.request_id.clone(),
            },
            Work::Change(change) => change.cause.correlation.clone(),
            Work::Link(link) => link.cause.correlation.clone(),
        }
    }

    /// What of the plugin it calls.
    pub(crate) fn callee(&self) -> Callee {
        match &self.work {
            Work::Verb(verb) => Callee::Verb(verb.request.route.index),
            Work::Event(event) => match event.handler {
                Handler::Subscription(index) => Callee::Event(index),
                Handler::Job(index) => Callee::Job(index),
                Handler::Outcome(index) => Callee::Outcome(index),
                Handler::Reservation => Callee::Reservations,
                Handler::Hooks => Callee::Hooks,
            },
            Work::Change(_) => Callee::Hooks,
            Work::Link(link) if link.run.attaches => Callee::Attach,
            Work::Link(_) => Callee::Detach,
        }
    }

    /// What it is counted as.
    pub(crate) fn kind(&self) -> Kind {
        match self.work {
            Work::Verb(_) => Kind::Verb,
            Work::Event(EventTask { handler: Handler::Job(_), .. }) => Kind::Job,
            Work::Event(_) => Kind::Event,
            Work::Change(_) => Kind::Change,
            Work::Link(_) => Kind::Link,
        }
    }

    pub(crate) fn tenant_id(&self) -> &TenantId {
        match &self.work {
            Work::Verb(verb) => &verb.request.tenant,
            Work::Event(event) => &event.event.tenant,
            Work::Change(change) => &change.cause.tenant,
            Work::Link(link) => &link.cause.tenant,
        }
    }

    /// Whether an event before it, of the same lane, has failed.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(&self.work, Work::Event(event) if event.cancelled.load(Ordering::Acquire))
    }

    /// Whether it handles an event that a failed flush has undone; the bus knows and expects nothing of it.
    pub(crate) fn is_void(&self, epoch: u64) -> bool {
        matches!(&self.work, Work::Event(event) if event.epoch != epoch)
    }

    /// Wall time the handler may take.
    pub(crate) fn deadline(&self) -> Duration {
        match &self.work {
            Work::Verb(verb) => verb.request.route.deadline,
            Work::Event(event) => event.deadline,
            Work::Change(_) | Work::Link(_) => deadline(None),
        }
    }

    /// Tells whoever waits that the task did not settle.
    pub(crate) fn end(self, inner: &Arc<Inner>, ended: Ended) {
        match (self.work, ended) {
            (Work::Verb(verb), Ended::Failed(error) | Ended::NotRun(error)) => {
                // A client that has gone away no longer listens.
                let _ = verb.answer.send(Err(error));
            }
            (Work::Change(change), Ended::Failed(error) | Ended::NotRun(error)) => {
                let _ = change.answer.send(Err(error));
            }
            (Work::Link(link), Ended::Failed(error) | Ended::NotRun(error)) => {
                let _ = link.answer.send(Err(error));
            }
            (Work::Event(mut event), Ended::Failed(error)) => {
                event.span.fail(|| error.line());
                event.cancelled.store(true, Ordering::Release);
                inner.event_failed(&event, &error);
            }
            (Work::Event(event), Ended::NotRun(_)) => inner.event_not_run(&event),
        }
    }

    /// The caller's key under which the answer is kept.
    pub(crate) fn keyed(&self) -> Option<&Keyed> {
        match &self.work {
            Work::Verb(verb) => verb.keyed.as_ref(),
            Work::Change(change) => change.keyed.as_ref(),
            Work::Event(_) | Work::Link(_) => None,
        }
    }

    /// Whether the handler was declared to only read.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(&self.work, Work::Verb(verb) if verb.request.route.options.read_only == Some(true))
    }

    /// The `traceparent` that it goes under.
    pub(crate) fn trace(&self) -> Option<String> {
        match &self.work {
            Work::Event(event) => event.span.context().or_else(|| event.event.trace.clone()),
            Work::Verb(verb) => verb.request.trace.clone(),
            Work::Change(change) => change.cause.trace.clone(),
            Work::Link(link) => link.cause.trace.clone(),
        }
    }

    /// What everything that this task publishes carries on.
    pub(crate) fn cause(&self, plugin: &str, now_ms: u64) -> Cause {
        match &self.work {
            Work::Event(event) => Cause::of_event(&event.event, plugin, now_ms),
            Work::Change(change) => change.cause.clone(),
            Work::Link(link) => Cause { now_ms, ..link.cause.clone() },
            Work::Verb(verb) => Cause {
                tenant: verb.request.tenant.clone(),
                publisher: format!("plugin:{plugin}"),
                actor: verb.request.identity.user.clone(),
                roles: Vec::new(),
                correlation: verb.request.request_id.clone(),
                causation: None,
                hops: 0,
                trace: verb.request.trace.clone(),
                now_ms,
            },
        }
    }

    /// Tells whoever waits that the effects are decided.
    pub(crate) fn settled(self, settled: Settled) {
        // A client that has gone away no longer listens; its effects stand.
        match self.work {
            Work::Verb(verb) => {
                let VerbTask { request, keyed, answer, .. } = *verb;
                let again = may_run_again(&settled, keyed.as_ref())
                    .then(|| Box::new(ReadAgain { request, fetched: self.fetched }));
                drop(answer.send(Ok(Settled { again, ..settled })));
            }
            Work::Change(change) => drop(change.answer.send(Ok(settled))),
            Work::Link(link) => drop(link.answer.send(Ok(settled))),
            Work::Event(_) => {}
        }
    }

    /// The frame's item for this task, as of now.
    pub(crate) fn item(&self, lane: Option<u32>, now_ms: u64) -> Item {
        let entropy = chance::bytes();
        let (context, call) = match &self.work {
            Work::Verb(verb) => verb_call(&verb.request, now_ms, entropy),
            Work::Event(event) => event_call(event, now_ms, entropy),
            Work::Change(change) => change_call(change, entropy),
            Work::Link(link) => link_call(link, now_ms, entropy),
        };
        Item { lane, context, call }
    }
}

/// Whether a call did nothing but read, without a key under which its answer would be kept.
fn may_run_again(settled: &Settled, keyed: Option<&Keyed>) -> bool {
    let is_read = matches!(settled.durable, Durable::Read { .. });
    is_read && keyed.is_none() && matches!(settled.answer, Some(PendingAnswer::Ready(_)))
}

fn verb_call(request: &VerbRequest, now_ms: u64, entropy: [u8; 16]) -> (Context, Call) {
    let identity = &request.identity;
    let auth = Auth { id: identity.user.clone(), email: identity.email.clone(), roles: identity.roles.clone() };
    let context = Context {
        tenant: request.tenant.as_str().to_owned(),
        actor: identity.user.clone(),
        now_ms,
        entropy,
        correlation: request.request_id.clone(),
    };
    let call = VerbCall {
        route: request.route.index,
        params: request.params.clone(),
        query: request.query.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        request_id: request.request_id.clone(),
        auth,
        foreseen: None,
    };
    (context, Call::Verb(call))
}

fn link_call(link: &LinkTask, now_ms: u64, entropy: [u8; 16]) -> (Context, Call) {
    let cause = &link.cause;
    let context = Context {
        tenant: cause.tenant.as_str().to_owned(),
        actor: cause.actor.clone(),
        now_ms,
        entropy,
        correlation: cause.correlation.clone(),
    };
    (context, Call::Link(link.run.clone()))
}

/// The time is that in which the changes were found in order.
fn change_call(change: &ChangeTask, entropy: [u8; 16]) -> (Context, Call) {
    let cause = &change.cause;
    let context = Context {
        tenant: cause.tenant.as_str().to_owned(),
        actor: cause.actor.clone(),
        now_ms: cause.now_ms,
        entropy,
        correlation: cause.correlation.clone(),
    };
    (context, Call::Change(ChangeRun { changes: change.changes.clone() }))
}

fn event_call(task: &EventTask, now_ms: u64, entropy: [u8; 16]) -> (Context, Call) {
    let event = &task.event;
    let context = Context {
        tenant: event.tenant.as_str().to_owned(),
        actor: event.actor.clone(),
        now_ms,
        entropy,
        correlation: event.correlation.clone(),
    };
    let call = match task.handler {
        Handler::Subscription(index) => Call::Event(delivery(task, index)),
        Handler::Outcome(index) => Call::Outcome(outcome(task, index)),
        Handler::Hooks | Handler::Reservation => Call::Changed(hooks::told(event, task.attempt)),
        Handler::Job(index) => Call::Job(JobRun {
            job: index,
            id: event.id.as_str().to_owned(),
            args: event.payload.clone(),
            attempt: task.attempt,
            scheduled_ms: event.scheduled_ms(),
        }),
    };
    (context, call)
}

fn outcome(task: &EventTask, index: u32) -> OutcomeRun {
    let Verdicted { outcome, payload } = task.outcome.as_deref().cloned().unwrap_or_default();
    let (request, context) = jobs::continued(&task.event);
    OutcomeRun { index, request, outcome: outcome.to_owned(), payload, context, attempt: task.attempt }
}

fn delivery(task: &EventTask, index: u32) -> EventDelivery {
    let event = &task.event;
    EventDelivery {
        subscription: index,
        id: event.id.as_str().to_owned(),
        topic: event.topic.as_str().to_owned(),
        payload: event.payload.clone(),
        sequence: event.sequence.0,
        publisher: event.publisher.clone(),
        roles: event.roles.clone(),
        time_ms: event.time_ms,
        attempt: task.attempt,
        replay: task.replay,
        headers: event.headers.clone(),
    }
}
