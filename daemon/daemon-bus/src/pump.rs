//! What a subscription does by itself after each input: timers, reading on, delivering, its cursor.

use crate::effect::Effect;
use crate::lane::Phase;
use crate::member::{Loading, Member};
use contract_model::{EventHead, Sequence};
use std::collections::BTreeSet;

/// A cursor is given out after so many handled events ...
const CURSOR_EVENTS: u32 = 256;
/// ... or so long after the first that it does not cover, so that a quiet subscription costs no write an event ...
const CURSOR_IDLE_MS: u64 = 1_000;
/// ... or when the log has gone on by so many events that others hear.
const CURSOR_LAG: u64 = 4_096;

impl Member {
    pub(crate) fn pump(&mut self, now_ms: u64, log_end: Sequence, next_ticket: &mut u64, effects: &mut Vec<Effect>) {
        if self.halted {
            self.wake_ms = None;
            return;
        }
        self.wake_lanes(now_ms);
        self.release_delayed(now_ms);
        self.deliver(now_ms, effects);
        // After delivering, which takes away what has expired: where that was all, nothing else would make it read on.
        self.load(next_ticket, effects);
        self.give_cursor(now_ms, log_end, effects);
        self.wake_ms = self.next_wake();
    }

    /// The answer to `Load`. A page from before the reading was moved back is not used: what it leaves out counts.
    pub(crate) fn loaded(
        &mut self,
        now_ms: u64,
        log_end: Sequence,
        ticket: u64,
        heads: Vec<EventHead>,
        through: Sequence,
        more: bool,
    ) {
        let Some(loading) = self.loading.take_if(|loading| loading.ticket == ticket) else { return };
        let after = match &loading.tenant {
            Some(tenant) => self.shares.left(tenant).map(before),
            None => Some(self.through),
        };
        if after.is_none_or(|after| after < loading.after) {
            return;
        }
        if let Some(tenant) = &loading.tenant {
            // Those that came meanwhile were left, too, until it is read as far as they are.
            let is_through = !more && through >= self.looked_through(log_end);
            self.shares.read_on(tenant, (!is_through).then(|| through.next()));
        } else {
            self.through = self.through.max(through);
            self.live |= !more && self.through >= log_end;
        }
        for head in heads {
            let is_open = head.sequence > loading.after && !loading.handled.contains(&head.sequence);
            if is_open && !self.offer(now_ms, head) {
                break;
            }
        }
    }

    /// A new event at the log's end that the subscription hears.
    pub(crate) fn appended(&mut self, now_ms: u64, head: EventHead) {
        if self.live && head.sequence > self.through {
            self.offer(now_ms, head);
        }
    }

    fn wake_lanes(&mut self, now_ms: u64) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let lane = entry.get().clone();
            self.settle(now_ms, &lane);
        }
    }

    fn release_delayed(&mut self, now_ms: u64) {
        while self.held.len() < self.spec.window
            && let Some((head, again)) = self.delayed.pop_due(now_ms)
        {
            if again {
                self.redeliver(now_ms, head);
            } else {
                self.offer(now_ms, head);
            }
        }
        let due = self.delayed.left.filter(|(_, due)| *due <= now_ms && self.held.len() < self.spec.window);
        if let Some((first, _)) = due {
            self.delayed.left = None;
            self.read_again_from(first);
        }
    }

    /// Reads on: ahead, where it has not come to the log's end, or for a tenant that has left something and has room
    /// again; by turns where it is both. Reading ahead takes no regard of room, for who has none is passed over, as long
    /// as no more tenants are than may be.
    fn load(&mut self, next_ticket: &mut u64, effects: &mut Vec<Effect>) {
        if self.loading.is_some() {
            return;
        }
        let crowded = !self.live && self.shares.is_crowded();
        if crowded && !self.reading_waits {
            effects.push(Effect::ReadingWaits { subscription: self.spec.id.clone() });
        }
        self.reading_waits = crowded;
        let for_tenant = self.shares.next().filter(|_| self.live || crowded || self.read_ahead_last);
        self.read_ahead_last = for_tenant.is_none();
        let (tenant, after, limit) = match for_tenant {
            Some((tenant, first, limit)) => (Some(tenant), before(first), limit),
            None if self.live || crowded => return,
            None => (None, self.through, self.spec.window.max(1)),
        };
        let ticket = *next_ticket;
        *next_ticket += 1;
        self.loading = Some(Loading { ticket, tenant: tenant.clone(), after, handled: BTreeSet::new() });
        effects.push(Effect::Load { subscription: self.spec.id.clone(), ticket, tenant, after, limit });
    }

    fn deliver(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        let lanes_max = self.spec.concurrency.map_or(usize::MAX, |count| count.max(1) as usize);
        while self.lanes_out < lanes_max
            && let Some(lane) = self.ready.pop()
        {
            let Some(state) = self.lanes.get_mut(&lane) else { continue };
            if state.queue.front().is_none_or(|front| front.due_ms > now_ms) {
                // Its events were answered, or others put before them, while it stood in line.
                state.phase = Phase::Resting;
                self.settle(now_ms, &lane);
                continue;
            }
            if let Some(held) = state.expired_front(now_ms) {
                state.phase = Phase::Resting;
                effects.push(self.expire(now_ms, &lane, &held));
                continue;
            }
            let again = state.queue.front().is_some_and(|front| front.again || front.attempt > 1);
            let batch = state.take_batch(now_ms);
            self.lanes_out += 1;
            self.events_out += batch.len();
            effects.push(Effect::Deliver { subscription: self.spec.id.clone(), lane, batch, again });
        }
    }

    fn give_cursor(&mut self, now_ms: u64, log_end: Sequence, effects: &mut Vec<Effect>) {
        let through = self.done_through(log_end);
        if through <= self.cursor {
            self.cursor_due_ms = None;
            return;
        }
        let handled = self.handled_since_cursor;
        let far = handled >= CURSOR_EVENTS || through.0 - self.cursor.0 >= CURSOR_LAG;
        let due_ms = *self.cursor_due_ms.get_or_insert(now_ms.saturating_add(CURSOR_IDLE_MS));
        if far || due_ms <= now_ms {
            self.cursor = through;
            self.handled_since_cursor = 0;
            self.cursor_due_ms = None;
            effects.push(Effect::Cursor { subscription: self.spec.id.clone(), through });
        }
    }

    fn next_wake(&self) -> Option<u64> {
        let retry = self.waiting.first_key_value().map(|((due, _), _)| *due);
        let room = self.held.len() < self.spec.window;
        let delayed = self.delayed.next_due().filter(|_| room);
        retry.into_iter().chain(delayed).chain(self.cursor_due_ms).min()
    }
}

fn before(sequence: Sequence) -> Sequence {
    Sequence(sequence.0.saturating_sub(1))
}
