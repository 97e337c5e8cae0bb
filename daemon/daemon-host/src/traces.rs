//! Spans of what the host does. Every event carries the context of the span that published it, so whoever handles it goes
//! on with the same trace, however much later that is.

use crate::api::VerbRequest;
use crate::capability::Wanted;
use crate::host::{Inner, Submitted};
use crate::records::RecordCaller;
use crate::task::{EventTask, Task, Work};
use contract_model::Event;
use daemon_store::{Decided, NewEvent, ReadSet, Refused, Unit};
use daemon_trace::{Kind, Span, Tracer};
use std::sync::Arc;
use std::time::Duration;

/// A call of a verb, from its arrival to its answer. What it does goes under this span.
pub(crate) fn verb(tracer: &Tracer, request: &mut VerbRequest) -> Span {
    let route = &request.route;
    let mut span = tracer.begin(Kind::Server, request.trace.as_deref(), || format!("{} {}", route.method, route.path));
    span.set("http.request.method", || route.method.clone());
    span.set("http.route", || route.path.clone());
    span.set("trunkline.plugin", || route.plugin.to_string());
    span.set("trunkline.tenant", || request.tenant.to_string());
    request.trace = span.context().or(request.trace.take());
    span
}

/// Ends a verb's span with its answer.
pub(crate) fn answered(mut span: Span, answer: Submitted) -> Submitted {
    if !span.is_recorded() {
        return answer;
    }
    Box::pin(async move {
        let answer = answer.await;
        match &answer {
            Ok(reply) => span.set("http.response.status_code", || reply.status.to_string()),
            Err(error) => span.fail(|| error.line()),
        }
        answer
    })
}

/// The delivery of an event to a handler, until it was handled or has failed.
pub(crate) fn delivery(tracer: &Tracer, event: &Event, subscription: &str, attempt: u32) -> Span {
    let mut span = tracer.begin(Kind::Consumer, event.trace.as_deref(), || format!("deliver {}", event.topic));
    of_event(&mut span, event);
    span.set("trunkline.subscription", || subscription.to_owned());
    span.set("trunkline.attempt", || attempt.to_string());
    span
}

fn of_event(span: &mut Span, event: &Event) {
    span.set("messaging.system", || "trunkline".to_owned());
    span.set("messaging.destination.name", || event.topic.to_string());
    span.set("messaging.message.id", || event.id.to_string());
    span.set("trunkline.tenant", || event.tenant.to_string());
}

/// A unit of work that began so long ago, whose handler has just ended: under its call or delivery.
pub(crate) fn unit(tracer: &Tracer, task: &Task, plugin: &str, took: Duration) -> Span {
    let cause = task.trace();
    let mut unit = tracer.begin(Kind::Internal, cause.as_deref(), || "unit of work".to_owned()).since(took);
    unit.set("trunkline.plugin", || plugin.to_owned());
    let handler = || match &task.work {
        Work::Event(EventTask { subscription, .. }) => format!("handle {subscription}"),
        Work::Verb(_) | Work::Change(_) | Work::Link(_) => format!("run {plugin}"),
    };
    drop(tracer.begin(Kind::Internal, unit.context().as_deref(), handler).since(took));
    unit
}

/// Something that a client does with records: `change` them, `reserve` of one. What it does goes under this span.
pub(crate) fn change(tracer: &Tracer, caller: &mut RecordCaller, what: &str, of: &str) -> Span {
    let mut span = tracer.begin(Kind::Server, caller.trace.as_deref(), || format!("{what} {of}"));
    span.set("trunkline.tenant", || caller.tenant.to_string());
    caller.trace = span.context().or(caller.trace.take());
    span
}

/// A call of a capability's method, from its caller's question to its answer.
pub(crate) fn capability(tracer: &Tracer, trace: Option<&str>, wanted: &Wanted, provider: &str) -> Span {
    let name = || format!("call {}.{}", wanted.capability, wanted.method);
    let mut span = tracer.begin(Kind::Internal, trace, name);
    span.set("trunkline.plugin", || provider.to_owned());
    span
}

/// A fetch from a host outside. Its path and its query may hold what is nobody else's business.
pub(crate) fn fetch(tracer: &Tracer, trace: Option<&str>, method: &str, host: Option<&str>) -> Span {
    let host = host.unwrap_or_default();
    let mut span = tracer.begin(Kind::Client, trace, || format!("{method} {host}"));
    span.set("http.request.method", || method.to_owned());
    span.set("server.address", || host.to_owned());
    span
}

/// The spans of events that are about to be published, which the events then carry the contexts of.
fn publications(tracer: &Tracer, events: &mut [NewEvent]) -> Vec<Span> {
    let each = events.iter_mut().map(|new| publication(tracer, &mut new.event));
    each.filter(Span::is_recorded).collect()
}

pub(crate) fn publication(tracer: &Tracer, event: &mut Event) -> Span {
    let mut span = tracer.begin(Kind::Producer, event.trace.as_deref(), || format!("publish {}", event.topic));
    of_event(&mut span, event);
    event.trace = span.context().or(event.trace.take());
    span
}

impl Inner {
    /// Decides a unit of work, whose events are published under this trace.
    pub(crate) fn decide_traced(
        self: &Arc<Self>,
        trace: Option<&str>,
        mut unit: Unit,
        reads: ReadSet,
    ) -> Result<Decided, Refused> {
        let publications = publications(&self.tracer, &mut unit.events);
        let decided = self.decide(unit, reads);
        match &decided {
            Ok(decided) => self.trace_commit(trace, decided),
            Err(_) => publications.into_iter().for_each(Span::discard),
        }
        decided
    }

    /// Traces how long a decided unit takes to the disk. Nothing is flushed earlier for it.
    fn trace_commit(&self, trace: Option<&str>, decided: &Decided) {
        let mut span = self.tracer.begin(Kind::Internal, trace, || "commit".to_owned());
        if !span.is_recorded() {
            return;
        }
        let (mut flushes, epoch, position) = (self.flushes.clone(), decided.epoch, decided.position);
        tokio::spawn(async move {
            let end = flushes.wait_for(|now| now.epoch != epoch || now.position >= position).await;
            if !end.is_ok_and(|now| now.epoch == epoch) {
                span.fail(|| "the flush failed".to_owned());
            }
        });
    }
}
