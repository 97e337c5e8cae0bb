//! Traces of what the daemon does: spans, put in order by the W3C trace context that events carry, and exported over
//! OTLP/HTTP, in protobuf or JSON.
//!
//! Off unless the environment names where they go; then a span is nothing, and costs as much. A span that has ended goes
//! into a queue with a bound, from which one thread of its own takes it: whoever does the work never waits for a
//! collector, and what finds no room is counted and gone. Reading order: `context`, `config`, `span`, `proto`,
//! `json`, `answer`, `export`.

mod answer;
mod config;
mod context;
mod export;
mod json;
mod proto;
mod record;
mod span;

pub use config::{Config, ConfigError};
pub use context::TraceContext;
pub use export::Figures;
pub use record::Kind;
pub use span::{Span, Tracer};
