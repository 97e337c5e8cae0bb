//! What is exported of a span.

use crate::context::TraceContext;
use std::time::SystemTime;

/// What part in a call or a message a span has, numbered as in OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// None: work within.
    Internal = 1,
    /// Answers a client.
    Server = 2,
    /// Asks a server.
    Client = 3,
    /// Publishes a message.
    Producer = 4,
    /// Handles a message.
    Consumer = 5,
}

/// A span as it is exported.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) context: TraceContext,
    pub(crate) parent: Option<u64>,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) began: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) attributes: Vec<(&'static str, String)>,
    pub(crate) error: Option<String>,
}
