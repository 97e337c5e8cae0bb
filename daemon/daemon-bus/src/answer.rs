//! What becomes of a delivered event: done, tried again, or dead.

use crate::effect::Effect;
use crate::input::Failure;
use crate::jitter::Jitter;
use crate::lane::Held;
use crate::member::Member;
use crate::subscription::Lane;
use contract_model::manifest::{AfterRetries, RetryPolicy};
use contract_model::{ErrorCode, Sequence};
use std::sync::Arc;

/// The wait of an event that could not be run.
const NOT_RUN_WAIT_MS: u64 = 20;

impl Member {
    /// The event was handled, whoever did it: an answer after a restart of the subscription counts as well.
    pub(crate) fn done(&mut self, now_ms: u64, sequence: Sequence) {
        self.delayed.remove(sequence);
        if let Some(lane) = self.take(sequence) {
            self.settle(now_ms, &lane);
        }
    }

    /// The event comes again without having used up a try. The first of a lane waits a moment, so that a host that
    /// cannot run anything is not asked in a tight loop.
    pub(crate) fn not_run(&mut self, now_ms: u64, sequence: Sequence) {
        if let Some((lane, _)) = self.bring_back(sequence) {
            let front = self.lanes.get_mut(&lane).and_then(|state| state.queue.front_mut());
            if let Some(front) = front.filter(|front| front.sequence == sequence) {
                front.due_ms = now_ms.saturating_add(NOT_RUN_WAIT_MS);
            }
            self.settle(now_ms, &lane);
        }
    }

    /// The handler failed on the event.
    pub(crate) fn failed(
        &mut self,
        now_ms: u64,
        jitter: &mut Jitter,
        sequence: Sequence,
        error: String,
        failure: Failure,
    ) -> Option<Effect> {
        let (lane, held) = self.bring_back(sequence)?;
        let mut policy = self.spec.retry.of(&held.topic);
        policy.attempts = held.attempts_max.unwrap_or(policy.attempts);
        let dead = failure == Failure::Final || (failure == Failure::Counted && held.attempt >= policy.attempts);
        if dead && policy.then == AfterRetries::Park && !self.may_park(&lane) {
            let due_ms = now_ms.saturating_add(jitter.longest_ms(&policy));
            self.try_again(now_ms, &lane, sequence, held.attempt, due_ms);
            return Some(Effect::NotParked { subscription: self.spec.id.clone(), sequence });
        }
        if dead {
            return Some(self.bury(now_ms, &lane, &held, &policy, error));
        }
        let counted = failure == Failure::Counted;
        let wait_ms = if counted { jitter.backoff_ms(&policy, held.attempt) } else { jitter.uncounted_ms(&policy) };
        let (attempt, due_ms) = (held.attempt + u32::from(counted), now_ms.saturating_add(wait_ms));
        self.try_again(now_ms, &lane, sequence, attempt, due_ms);
        counted.then(|| Effect::Retry { subscription: self.spec.id.clone(), sequence, attempt, due_ms, error })
    }

    fn try_again(&mut self, now_ms: u64, lane: &Arc<Lane>, sequence: Sequence, attempt: u32, due_ms: u64) {
        if let Some(held) = self.lanes.get_mut(lane).and_then(|state| state.find(sequence)) {
            (held.attempt, held.due_ms) = (attempt, due_ms);
        }
        self.settle(now_ms, lane);
    }

    fn may_park(&self, lane: &Lane) -> bool {
        self.parked.len() < self.spec.parked_max || self.parked.contains_key(lane)
    }

    fn bury(&mut self, now_ms: u64, lane: &Arc<Lane>, held: &Held, policy: &RetryPolicy, error: String) -> Effect {
        let sequence = held.sequence;
        let parked = policy.then == AfterRetries::Park;
        self.take(sequence);
        if parked {
            self.parked.insert(lane.clone(), sequence);
        }
        self.settle(now_ms, lane);
        Effect::DeadLetter { subscription: self.spec.id.clone(), sequence, attempts: held.attempt, error, parked }
    }

    /// The event's time to live ended before it was handled. Its key goes on, for nothing about it has failed.
    pub(crate) fn expire(&mut self, now_ms: u64, lane: &Arc<Lane>, held: &Held) -> Effect {
        self.take(held.sequence);
        self.settle(now_ms, lane);
        Effect::DeadLetter {
            subscription: self.spec.id.clone(),
            sequence: held.sequence,
            attempts: held.attempt - 1,
            error: format!("{}: the `ttl` of `{}` ended before it was handled", ErrorCode::EventExpired, held.topic),
            parked: false,
        }
    }

    /// An event in flight is in hand again.
    fn bring_back(&mut self, sequence: Sequence) -> Option<(Arc<Lane>, Held)> {
        let (lane, _) = self.held.get(&sequence)?;
        let lane = lane.clone();
        let state = self.lanes.get_mut(&lane)?;
        let held = state.find(sequence).filter(|held| held.out)?;
        held.out = false;
        let held = held.clone();
        state.out -= 1;
        let idle = state.out == 0;
        self.landed(idle);
        Some((lane, held))
    }

    /// Removes an event that is done or dead.
    fn take(&mut self, sequence: Sequence) -> Option<Arc<Lane>> {
        let lane = self.let_go(sequence)?;
        if let Some(loading) = &mut self.loading {
            loading.handled.insert(sequence);
        }
        self.handled_since_cursor += 1;
        let state = self.lanes.get_mut(&lane)?;
        let held = state.remove(sequence)?;
        if held.out {
            state.out -= 1;
            let idle = state.out == 0;
            self.landed(idle);
        }
        Some(lane)
    }

    fn landed(&mut self, lane_is_idle: bool) {
        self.events_out -= 1;
        self.lanes_out -= usize::from(lane_is_idle);
    }
}
