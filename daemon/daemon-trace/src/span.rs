//! Spans: what took how long, under what.

use crate::config::Config;
use crate::context::TraceContext;
use crate::export::{Exporter, Figures};
use crate::record::{Kind, Record};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Begins spans. Clones are the same one; the default one is off.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<Exporter>>);

/// Something that goes on. It ends when this is dropped.
#[derive(Default)]
pub struct Span(Option<Box<Open>>);

struct Open {
    tracer: Arc<Exporter>,
    /// None where the trace is not recorded; its context is passed on all the same.
    record: Option<Record>,
    context: TraceContext,
}

impl Tracer {
    /// Exports as the configuration says; off without one.
    pub fn start(config: Option<Config>) -> std::io::Result<Self> {
        Ok(Self(config.map(Exporter::start).transpose()?))
    }

    /// Begins a span under a `traceparent`, or one that begins a trace. The name is made only if it is recorded.
    pub fn begin(&self, kind: Kind, parent: Option<&str>, name: impl FnOnce() -> String) -> Span {
        let Some(tracer) = &self.0 else { return Span(None) };
        let parent = parent.and_then(TraceContext::parse);
        let trace = parent.map_or_else(|| rand::random::<u128>().max(1), |parent| parent.trace);
        if !tracer.sampler.takes(trace, parent.as_ref()) {
            let context =
                parent.unwrap_or_else(|| TraceContext { trace, span: rand::random::<u64>().max(1), is_sampled: false });
            let context = TraceContext { is_sampled: false, ..context };
            return Span(Some(Box::new(Open { tracer: tracer.clone(), record: None, context })));
        }
        let context = TraceContext { trace, span: rand::random::<u64>().max(1), is_sampled: true };
        let now = SystemTime::now();
        let record = Record {
            context,
            parent: parent.map(|parent| parent.span),
            name: name(),
            kind,
            began: now,
            ended: now,
            attributes: Vec::new(),
            error: None,
        };
        Span(Some(Box::new(Open { tracer: tracer.clone(), record: Some(record), context })))
    }

    /// What became of spans; all zero where traces are off.
    pub fn figures(&self) -> Figures {
        self.0.as_ref().map_or_else(Figures::default, |exporter| exporter.figures())
    }

    /// Exports what waits, and waits for that as long at most.
    pub fn flush(&self, patience: Duration) {
        if let Some(exporter) = &self.0 {
            exporter.flush(patience);
        }
    }
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").field("is_on", &self.0.is_some()).finish()
    }
}

impl Span {
    /// Its `traceparent`, for what happens under it; none where traces are off.
    pub fn context(&self) -> Option<String> {
        self.0.as_ref().map(|open| open.context.to_string())
    }

    /// Whether it will be exported.
    pub fn is_recorded(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.record.is_some())
    }

    /// It began earlier than it was known.
    #[must_use]
    pub fn since(mut self, ago: Duration) -> Self {
        if let Some(record) = self.record() {
            record.began = record.began.checked_sub(ago).unwrap_or(record.began);
        }
        self
    }

    /// Says something of it.
    pub fn set(&mut self, name: &'static str, value: impl FnOnce() -> String) {
        if let Some(record) = self.record() {
            record.attributes.push((name, value()));
        }
    }

    /// It came to nothing.
    pub fn fail(&mut self, error: impl FnOnce() -> String) {
        if let Some(record) = self.record() {
            record.error = Some(error());
        }
    }

    /// It never happened.
    pub fn discard(mut self) {
        self.0 = None;
    }

    fn record(&mut self) -> Option<&mut Record> {
        self.0.as_mut()?.record.as_mut()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.0.take()
            && let Some(mut record) = open.record
        {
            record.ended = SystemTime::now();
            open.tracer.take(record);
        }
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Span").field("context", &self.context()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_a_tracer_that_is_off_is_nothing() {
        let tracer = Tracer::default();
        let mut span = tracer.begin(Kind::Server, None, || panic!("it needs no name"));
        span.set("a", || panic!("it needs no value"));
        assert_eq!((span.context(), span.is_recorded(), tracer.figures()), (None, false, Figures::default()));
        assert_eq!(size_of::<Span>(), size_of::<usize>());
    }
}
