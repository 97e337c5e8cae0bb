//! From the queue to the collector, on a thread of its own.

use crate::answer::PartialSuccess;
use crate::config::{Config, Protocol, Sampler};
use crate::json;
use crate::proto;
use crate::record::Record;
use contract_model::limits::TRACE_SPANS_WAITING_MAX;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// Spans of one export.
const BATCH_SPANS: usize = 512;
/// How long a span waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// How often it is said that spans do not arrive, or that they are rejected.
const WARN_EVERY: Duration = Duration::from_mins(1);
/// What is read of an answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What became of spans since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Taken by the collector.
    pub exported: u64,
    /// Sent, and refused or lost.
    pub failed: u64,
    /// Thrown away by a collector that has taken others of the same export.
    pub rejected: u64,
    /// Gone because the queue was full.
    pub dropped: u64,
    /// In the queue now.
    pub waiting: u64,
}

#[derive(Default)]
struct Counts {
    exported: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    dropped: AtomicU64,
    waiting: AtomicU64,
}

enum Message {
    Span(Box<Record>),
    /// All before it is to be exported now.
    Flush(SyncSender<()>),
}

pub(crate) struct Exporter {
    pub(crate) sampler: Sampler,
    queue: SyncSender<Message>,
    counts: Arc<Counts>,
}

impl Exporter {
    pub(crate) fn start(config: Config) -> std::io::Result<Arc<Self>> {
        let (queue, spans) = sync_channel(usize::try_from(TRACE_SPANS_WAITING_MAX).unwrap_or(usize::MAX));
        let counts = Arc::<Counts>::default();
        let exporter = Arc::new(Self { sampler: config.sampler, queue, counts: counts.clone() });
        let client = Client::new(config, counts);
        std::thread::Builder::new().name("trace-exporter".to_owned()).spawn(move || run(&spans, client))?;
        Ok(exporter)
    }

    /// Takes a span, or counts it as gone: nobody waits for a collector.
    pub(crate) fn take(&self, span: Record) {
        self.counts.waiting.fetch_add(1, Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(Message::Span(Box::new(span)))
        {
            self.counts.waiting.fetch_sub(1, Relaxed);
            self.counts.dropped.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn flush(&self, patience: Duration) {
        let (done, flushed) = sync_channel(1);
        let until = Instant::now() + patience;
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(again)) = self.queue.try_send(message) {
            if Instant::now() > until {
                return;
            }
            message = again;
            std::thread::sleep(Duration::from_millis(5));
        }
        // Whatever comes, or nothing in time: then what is left is lost.
        let _ = flushed.recv_timeout(until.saturating_duration_since(Instant::now()));
    }

    pub(crate) fn figures(&self) -> Figures {
        let Counts { exported, failed, rejected, dropped, waiting } = &*self.counts;
        let [exported, failed, rejected, dropped, waiting] =
            [exported, failed, rejected, dropped, waiting].map(|one| one.load(Relaxed));
        Figures { exported, failed, rejected, dropped, waiting }
    }
}

/// Exports until nobody can end a span any more.
fn run(spans: &Receiver<Message>, mut client: Client) {
    let mut batch = Vec::new();
    let mut until = Instant::now() + LINGER;
    loop {
        let wait = until.saturating_duration_since(Instant::now());
        let (flushed, is_over) = match spans.recv_timeout(wait) {
            Ok(Message::Span(span)) => {
                batch.push(*span);
                (None, false)
            }
            Ok(Message::Flush(done)) => (Some(done), false),
            Err(RecvTimeoutError::Timeout) => (None, false),
            Err(RecvTimeoutError::Disconnected) => (None, true),
        };
        if batch.len() >= BATCH_SPANS || flushed.is_some() || is_over || Instant::now() >= until {
            client.send(&std::mem::take(&mut batch));
            until = Instant::now() + LINGER;
        }
        if let Some(done) = flushed {
            // Who asked may have gone.
            let _ = done.try_send(());
        }
        if is_over {
            return;
        }
    }
}

struct Client {
    agent: Agent,
    config: Config,
    counts: Arc<Counts>,
    warned: Option<Instant>,
}

impl Client {
    fn new(config: Config, counts: Arc<Counts>) -> Self {
        let roots = config.roots.as_ref().map_or(RootCerts::WebPki, |roots| {
            let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
            RootCerts::new_with_certs(&roots)
        });
        let tls = TlsConfig::builder().root_certs(roots).build();
        let agent = Agent::config_builder().timeout_global(Some(config.timeout)).proxy(None).tls_config(tls);
        let agent = agent.build().into();
        Self { agent, config, counts, warned: None }
    }

    fn send(&mut self, batch: &[Record]) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        self.counts.waiting.fetch_sub(count, Relaxed);
        let (content_type, body) = match self.config.protocol {
            Protocol::Protobuf => ("application/x-protobuf", proto::body(&self.config.resource, batch)),
            Protocol::Json => ("application/json", json::body(&self.config.resource, batch).to_string().into_bytes()),
        };
        let mut request = self.agent.post(&self.config.url).content_type(content_type);
        for (name, value) in &self.config.headers {
            request = request.header(name, value);
        }
        match request.send(body) {
            Ok(answer) => self.taken(count, answer),
            Err(error) => {
                self.counts.failed.fetch_add(count, Relaxed);
                if self.may_warn() {
                    let url = self.config.url.as_str();
                    tracing::warn!(url, error = error.to_string(), "traces do not arrive at their collector");
                }
            }
        }
    }

    /// What a collector rejects of an export that it has taken stays so: it is not sent again.
    fn taken(&mut self, count: u64, mut answer: Response<Body>) {
        let content_type = answer.body().mime_type().unwrap_or_default().to_owned();
        // An answer that cannot be read says nothing of spans; its status has said that they were taken.
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().unwrap_or_default();
        let is_json = match content_type.as_str() {
            "application/json" => true,
            "application/x-protobuf" => false,
            _ => self.config.protocol == Protocol::Json,
        };
        let PartialSuccess { rejected, message } =
            if is_json { PartialSuccess::of_json(&body) } else { PartialSuccess::of_protobuf(&body) };
        let rejected = rejected.min(count);
        self.counts.exported.fetch_add(count - rejected, Relaxed);
        self.counts.rejected.fetch_add(rejected, Relaxed);
        if (rejected > 0 || !message.is_empty()) && self.may_warn() {
            let url = self.config.url.as_str();
            tracing::warn!(url, rejected, message, "the collector does not take all of an export, or warns");
        }
    }

    /// Whether it was said long ago that something is wrong.
    fn may_warn(&mut self) -> bool {
        let may = self.warned.is_none_or(|last| last.elapsed() >= WARN_EVERY);
        if may {
            self.warned = Some(Instant::now());
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;
    use crate::span::Tracer;
    use std::net::TcpListener;

    fn tracer_to(port: u16) -> Tracer {
        let endpoint = format!("http://127.0.0.1:{port}");
        let env = |name: &str| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| endpoint.clone());
        Tracer::start(Config::from_env(env).expect("followed")).expect("started")
    }

    #[test]
    fn nobody_waits_for_a_collector_that_does_not_answer() {
        // It listens, and never takes anything.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let tracer = tracer_to(listener.local_addr().expect("an address").port());
        let more = 3 * BATCH_SPANS as u64;
        for _ in 0..TRACE_SPANS_WAITING_MAX + more {
            drop(tracer.begin(Kind::Internal, None, || "work".to_owned()));
        }
        let figures = tracer.figures();
        assert!(figures.dropped > 0 && figures.dropped <= more, "{figures:?}");
        assert_eq!(figures.exported, 0);
        tracer.flush(Duration::from_millis(20));
    }

    #[test]
    fn what_cannot_be_sent_is_counted() {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let tracer = tracer_to(port);
        drop(tracer.begin(Kind::Internal, None, || "work".to_owned()));
        tracer.flush(Duration::from_secs(30));
        let figures = tracer.figures();
        assert_eq!(figures, Figures { failed: 1, ..Figures::default() });
    }
}
