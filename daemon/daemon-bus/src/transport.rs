//! The seam between delivery and whatever keeps events: the embedded store now, `PostgreSQL` with NATS later.
//!
//! An implementation is right when it passes [`crate::conformance`]. The methods give futures, for past one machine each
//! of them is a round trip; where there is none they are ready at once.

use crate::subscription::StoredRetry;
use contract_model::{Event, EventHead, Sequence, SubscriptionId, TenantId, TopicPattern};
use std::future::Future;

/// What is stored together or not at all: the part of a unit of work that delivery has to do with. It completes one
/// delivery at most, by `handled` or by a dead letter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// Whose events these are; none for bookkeeping alone.
    pub tenant: Option<TenantId>,
    /// To be appended to the log in this order (the outbox); each is given the next sequence.
    pub events: Vec<Event>,
    /// The delivery that this completes (the inbox). It is accepted once.
    pub handled: Option<(SubscriptionId, Sequence)>,
    /// What the bus wants remembered.
    pub notes: Vec<Note>,
}

impl Commit {
    /// The last event that it takes for granted: one that is handled, or noted something of.
    pub fn last_known(&self) -> Sequence {
        let noted = self.notes.iter().map(|note| match note {
            Note::Retry(_, sequence, ..) | Note::DeadLetter(_, sequence, _) | Note::Cursor(_, sequence) => *sequence,
        });
        noted.chain(self.handled.iter().map(|(_, sequence)| *sequence)).max().unwrap_or_default()
    }
}

/// Something that the bus wants remembered; see the effects of the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// This event is tried again. Replaces an earlier note of it, and goes away with the event's mark.
    Retry(SubscriptionId, Sequence, u32, u64),
    /// This event is given up after so many tries: it counts as handled, and is listed.
    DeadLetter(SubscriptionId, Sequence, u32),
    /// Everything up to here is handled; marks up to here may be forgotten.
    Cursor(SubscriptionId, Sequence),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It stands; the sequences of its events. Readers see it at once; it is safe when `synced` says so.
    Done(Vec<Sequence>),
    /// Its delivery was completed before; nothing of it was stored.
    AlreadyHandled,
    /// Its tenant has an event of such an id; nothing of it was stored.
    EventExists,
}

/// What to read of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageWanted {
    /// For whom: what it has handled is left out, and what is not above its cursor.
    pub subscription: SubscriptionId,
    /// Topics that it hears.
    pub patterns: Vec<TopicPattern>,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only events after this position.
    pub after: Sequence,
    /// At most so many, at least 1.
    pub limit: usize,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In order of the log.
    pub heads: Vec<EventHead>,
    /// The log was looked through up to here, at least to the last of `heads`.
    pub through: Sequence,
    /// Whether the log goes on after `through`.
    pub more: bool,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Everything up to here is handled.
    pub cursor: Sequence,
    /// What is to be tried again, in order.
    pub retries: Vec<StoredRetry>,
    /// What was given up, in order.
    pub dead: Vec<Sequence>,
}

/// It cannot do what it was asked now; nothing was changed, or it is not known whether it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError(pub String);

impl std::fmt::Display for TransportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TransportError {}

/// What answers later.
pub trait Later<T>: Future<Output = Result<T, TransportError>> + Send {}

impl<T, F: Future<Output = Result<T, TransportError>> + Send> Later<T> for F {}

/// Keeps the log, and what was handled of it.
pub trait Transport: Send + Sync {
    /// Stores all of it or nothing, after everything that was committed before. Fails where it takes for granted an event
    /// that is not in the log.
    fn commit(&self, commit: Commit) -> impl Later<Committed>;
    /// Ends when everything committed before the call survives the death of process and machine.
    fn synced(&self) -> impl Later<()>;
    /// The last event of the log.
    fn log_end(&self) -> impl Later<Sequence>;
    /// The event at a position.
    fn event(&self, sequence: Sequence) -> impl Later<Option<Event>>;
    /// Events that a subscription has still to handle.
    fn page(&self, wanted: PageWanted) -> impl Later<Page>;
    /// Where a subscription stands; one that is not known stands before the first event.
    fn standing(&self, subscription: SubscriptionId) -> impl Later<Standing>;
}
