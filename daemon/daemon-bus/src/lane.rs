//! One lane: the events of one key in order, of which the first may be failing.

use contract_model::limits::LANE_BATCH_MAX;
use contract_model::{Sequence, TopicName};
use std::collections::VecDeque;

/// An event held in memory.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) sequence: Sequence,
    pub(crate) topic: TopicName,
    /// The number of the try that comes next or is in flight.
    pub(crate) attempt: u32,
    /// Not tried before this time.
    pub(crate) due_ms: u64,
    /// Not delivered from this time on; what an operator wants delivered again is not held to it.
    pub(crate) expires_ms: Option<u64>,
    /// Of the lanes that wait, the one whose first event has the highest is served first.
    pub(crate) priority: i32,
    /// All tries together, where this one has a number of its own.
    pub(crate) attempts_max: Option<u32>,
    /// Redelivered: reading the log does not find it, so it may not be dropped and read again.
    pub(crate) again: bool,
    /// Handed out and not answered.
    pub(crate) out: bool,
}

impl Held {
    /// Whether its time to live is over.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        !self.again && self.expires_ms.is_some_and(|expires| expires <= now_ms)
    }
}

/// What a lane is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing yet, or waiting for an operator.
    #[default]
    Resting,
    /// In the line for delivery.
    Ready,
    /// A batch is in flight.
    Out,
    /// Its first event waits for the next try; the timer's place.
    Waiting(u64, Sequence),
}

/// A lane that holds something or has left events in the log. Others are not kept.
#[derive(Debug, Default)]
pub(crate) struct LaneState {
    pub(crate) queue: VecDeque<Held>,
    pub(crate) phase: Phase,
    /// Events handed out and not answered.
    pub(crate) out: usize,
    /// The first event left in the log for lack of room; later ones are left too until it is read again.
    pub(crate) spilled: Option<Sequence>,
}

impl LaneState {
    /// Puts an event in its place. Redelivered and delayed ones may be older than what waits already.
    pub(crate) fn insert(&mut self, held: Held) {
        let at = self.queue.partition_point(|other| other.sequence < held.sequence);
        self.queue.insert(at, held);
    }

    pub(crate) fn find(&mut self, sequence: Sequence) -> Option<&mut Held> {
        let at = self.queue.binary_search_by_key(&sequence, |held| held.sequence).ok()?;
        self.queue.get_mut(at)
    }

    pub(crate) fn remove(&mut self, sequence: Sequence) -> Option<Held> {
        let at = self.queue.binary_search_by_key(&sequence, |held| held.sequence).ok()?;
        self.queue.remove(at)
    }

    /// The first event, if its time to live is over.
    pub(crate) fn expired_front(&self, now_ms: u64) -> Option<Held> {
        self.queue.front().filter(|front| front.is_expired(now_ms)).cloned()
    }

    /// Marks the next batch as handed out and gives it. What was tried before travels alone, so that an event
    /// that kills its worker takes no others with it.
    pub(crate) fn take_batch(&mut self, now_ms: u64) -> Vec<(Sequence, u32)> {
        let fresh =
            |held: &&mut Held| held.attempt == 1 && held.due_ms <= now_ms && !held.again && !held.is_expired(now_ms);
        let count = self.queue.iter_mut().take(usize::try_from(LANE_BATCH_MAX).unwrap_or(1)).take_while(fresh).count();
        let batch: Vec<_> = self
            .queue
            .iter_mut()
            .take(count.max(1))
            .map(|held| {
                held.out = true;
                (held.sequence, held.attempt)
            })
            .collect();
        self.out = batch.len();
        self.phase = Phase::Out;
        batch
    }

    /// Drops what can be read again from the log: all but the first event and those with a history.
    pub(crate) fn spill(&mut self, keep_first: bool) -> Vec<Sequence> {
        let first = self.queue.front().filter(|_| keep_first).map(|held| held.sequence);
        let mut dropped = Vec::new();
        self.queue.retain(|held| {
            let keep = Some(held.sequence) == first || held.again || held.attempt > 1 || held.out;
            if !keep {
                dropped.push(held.sequence);
            }
            keep
        });
        dropped
    }
}
