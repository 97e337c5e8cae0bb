//! The unit of work: what is to happen, all of it or nothing.

use crate::answer::{NewAnswer, OldAnswer};
use crate::delivery::{DeadLetter, Retry};
use crate::error::StoreError;
use crate::tenant::Scope;
use contract_model::{Event, RecordId, Sequence, SubscriptionId};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use tokio::sync::oneshot;

/// Writes, events and delivery states that are stored together or not at all.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Whose records are written and in whose name events are published.
    pub scope: Scope,
    /// Milliseconds since 1970; `created` and `updated` of the records.
    pub time_ms: u64,
    /// The epoch in which the cause of this unit (such as the event it handles) was seen, if it has one.
    /// A unit whose cause has been undone since is refused as a conflict.
    pub epoch: Option<u64>,
    /// Record writes.
    pub writes: Vec<Write>,
    /// Events to publish, in order.
    pub events: Vec<NewEvent>,
    /// Which of `events` is the reply to the event that this unit handles: it is noted with it, if it is the first one.
    pub replied: Option<usize>,
    /// The delivery that this unit completes; it is accepted once.
    pub handled: Option<(SubscriptionId, Sequence)>,
    /// Deliveries to try again later, or no longer.
    pub retries: Vec<RetryChange>,
    /// Deliveries given up, or taken up again.
    pub dead_letters: Vec<DeadLetterChange>,
    /// Subscriptions whose cursor moves: everything up to the sequence is done, and its inbox marks go.
    pub cursors: Vec<(SubscriptionId, Sequence)>,
    /// Subscriptions that go on under another name, old and new: the cursor, marks, retries and dead letters move.
    pub renamed: Vec<(SubscriptionId, SubscriptionId)>,
    /// The answer that this unit gives under its caller's key; refused as a conflict where there is one already.
    pub answer: Option<NewAnswer>,
    /// Answers that were kept long enough.
    pub forgotten: Vec<OldAnswer>,
    /// Events that were handled and kept long enough: only their place in the chain and what they are known by remains.
    pub compacted: Vec<Sequence>,
    /// Events of the log that somebody will need because of this unit; refused as a conflict where one was compacted.
    pub needed: Vec<Sequence>,
    /// Free values of the daemon by key; `None` removes one.
    pub meta: Vec<(String, Option<Value>)>,
    /// It passes where the store has come to its high-water mark, as what only deletes does, and where its queue is full.
    /// For what takes rights away and must not wait for room, for what the bus has to remember of what it let go of, and for
    /// nothing else.
    pub must_pass: bool,
    /// Whether somebody waits for it to be synced. What nobody waits for may lie for [`STORE_LINGER`] and goes to
    /// the disk with what comes meanwhile.
    ///
    /// [`STORE_LINGER`]: crate::STORE_LINGER
    pub awaited: bool,
}

impl Unit {
    /// An empty unit.
    pub fn new(scope: impl Into<Scope>, time_ms: u64) -> Self {
        Self {
            scope: scope.into(),
            time_ms,
            epoch: None,
            writes: Vec::new(),
            events: Vec::new(),
            replied: None,
            handled: None,
            retries: Vec::new(),
            dead_letters: Vec::new(),
            cursors: Vec::new(),
            renamed: Vec::new(),
            answer: None,
            forgotten: Vec::new(),
            compacted: Vec::new(),
            needed: Vec::new(),
            meta: Vec::new(),
            must_pass: false,
            awaited: true,
        }
    }

    /// The last event that it takes for granted: one that a delivery is noted of.
    pub(crate) fn last_known(&self) -> Sequence {
        let retries = self.retries.iter().map(|change| match change {
            RetryChange::Put(_, Retry { sequence, .. }) | RetryChange::Clear(_, sequence) => *sequence,
        });
        let letters = self.dead_letters.iter().map(|change| match change {
            DeadLetterChange::Put(letter) => letter.sequence,
            DeadLetterChange::Remove(_, sequence) => *sequence,
        });
        let marks = self.handled.iter().chain(&self.cursors).map(|(_, sequence)| *sequence);
        marks.chain(retries).chain(letters).max().unwrap_or_default()
    }

    /// Whether the unit makes the store larger for good, and need not pass where that has no room.
    pub(crate) fn grows(&self) -> bool {
        let is_put = |write: &Write| matches!(write, Write::Put { .. });
        !self.must_pass && (!self.events.is_empty() || self.answer.is_some() || self.writes.iter().any(is_put))
    }
}

/// A record write.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Stores a record.
    Put {
        /// The collection.
        collection: String,
        /// The record.
        id: RecordId,
        /// Its declared fields. Automatic fields (`id`, `created`, `updated`, `revision`) in it are ignored.
        record: Map<String, Value>,
        /// The revision that this write follows on; 0 where the record must not exist yet.
        base_revision: u64,
    },
    /// Deletes a record.
    Delete {
        /// The collection.
        collection: String,
        /// The record.
        id: RecordId,
        /// The revision that this write follows on.
        base_revision: u64,
    },
}

/// An event to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The event; its sequence is assigned, its tenant is that of the unit's scope.
    pub event: Event,
    /// SHA-256 of the payload's canonical JSON, kept with the idempotency key.
    pub payload_hash: String,
    /// Where its idempotency key is taken only as long as this subscription has not handled the event under it.
    pub unique_until: Option<SubscriptionId>,
}

/// A change to the deliveries that are to be tried again.
#[derive(Debug, Clone, PartialEq)]
pub enum RetryChange {
    /// Try again at the retry's time.
    Put(SubscriptionId, Retry),
    /// There is nothing to try again.
    Clear(SubscriptionId, Sequence),
}

/// A change to the dead letters.
#[derive(Debug, Clone, PartialEq)]
pub enum DeadLetterChange {
    /// The delivery is given up.
    Put(Box<DeadLetter>),
    /// The dead letter is gone: retried or dropped.
    Remove(SubscriptionId, Sequence),
}

/// What became of an accepted unit. Later units see it at once; it is safe when `synced` says so.
#[derive(Debug)]
pub struct Decided {
    /// Its place among all units; grows, with gaps.
    pub position: u64,
    /// The epoch it was accepted in.
    pub epoch: u64,
    /// Its events with their sequences.
    pub events: Vec<Arc<Event>>,
    /// The revision each write led to, in order; 0 for a deletion.
    pub revisions: Vec<u64>,
    /// Resolves when the unit is on disk, or when it was undone because it could not be put there.
    pub synced: Synced,
}

/// Resolves when a unit is on disk.
#[derive(Debug)]
pub struct Synced(pub(crate) oneshot::Receiver<Result<(), StoreError>>);

impl Future for Synced {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|sent| sent.unwrap_or(Err(StoreError::Closed)))
    }
}

impl Synced {
    /// Blocks the thread until the unit is on disk. Works inside and outside a tokio runtime.
    pub fn wait(mut self) -> Result<(), StoreError> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
