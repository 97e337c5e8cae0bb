//! One subscription at work: what it holds, and where it stands in the log.

use crate::delayed::Delayed;
use crate::lane::{Held, LaneState, Phase};
use crate::line::Line;
use crate::share::Shares;
use crate::subscription::{Lane, ParkedLane, StoredRetry, Subscription};
use contract_model::{EventHead, Sequence, TenantId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Due at any time, so also by a clock that is put back.
const AS_SOON_AS_THERE_IS_ROOM_MS: u64 = 0;

/// A page of the log that was asked for.
#[derive(Debug)]
pub(crate) struct Loading {
    pub(crate) ticket: u64,
    /// Only this tenant's events.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) after: Sequence,
    /// Handled since: the page may have been read before that and must not bring them back.
    pub(crate) handled: BTreeSet<Sequence>,
}

/// A subscription's state. Everything is bounded by the window, but for parked lanes and tenants that lag, which have
/// limits of their own.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is on or off by itself")]
pub(crate) struct Member {
    pub(crate) spec: Subscription,
    /// Looked up, never walked: order comes from the other fields.
    pub(crate) lanes: HashMap<Arc<Lane>, LaneState>,
    /// Every held event, and whether it was redelivered.
    pub(crate) held: BTreeMap<Sequence, (Arc<Lane>, bool)>,
    /// Whose they are, and which tenants have left events in the log.
    pub(crate) shares: Shares,
    /// Lanes in the line for delivery.
    pub(crate) ready: Line,
    /// Lanes whose first event waits for its next try.
    pub(crate) waiting: BTreeMap<(u64, Sequence), Arc<Lane>>,
    pub(crate) delayed: Delayed,
    /// Where lanes have left events in the log.
    pub(crate) spills: BTreeSet<Sequence>,
    /// Lanes that wait for an operator, and the dead letter that parked each.
    pub(crate) parked: BTreeMap<Arc<Lane>, Sequence>,
    /// It began with more parked lanes than may be, so which lanes may go on is not known: nothing is delivered.
    pub(crate) halted: bool,
    /// Reading ahead waits for a tenant that lags.
    pub(crate) reading_waits: bool,
    pub(crate) lanes_out: usize,
    pub(crate) events_out: usize,
    /// Everything up to here was looked at: it is handled, or held, or known to be left in the log.
    pub(crate) through: Sequence,
    /// Whether new events come from the log's end as they are appended.
    pub(crate) live: bool,
    pub(crate) loading: Option<Loading>,
    /// Whether the log was read last from `through` on, not for one tenant.
    pub(crate) read_ahead_last: bool,
    /// The last cursor given out.
    pub(crate) cursor: Sequence,
    pub(crate) handled_since_cursor: u32,
    pub(crate) cursor_due_ms: Option<u64>,
    /// When it wants to be looked at again.
    pub(crate) wake_ms: Option<u64>,
}

impl Member {
    pub(crate) fn new(spec: Subscription, cursor: Sequence) -> Self {
        Self {
            shares: Shares::new(spec.window, spec.tenants_behind_max),
            spec,
            lanes: HashMap::new(),
            held: BTreeMap::new(),
            ready: Line::default(),
            waiting: BTreeMap::new(),
            delayed: Delayed::default(),
            spills: BTreeSet::new(),
            parked: BTreeMap::new(),
            halted: false,
            reading_waits: false,
            lanes_out: 0,
            events_out: 0,
            through: cursor,
            live: false,
            loading: None,
            read_ahead_last: false,
            cursor,
            handled_since_cursor: 0,
            cursor_due_ms: None,
            wake_ms: None,
        }
    }

    /// Takes up what was stored before a restart. Retries stand in the window from the start: everything before
    /// them in their lane is done, or else they would not have been tried.
    pub(crate) fn restore(&mut self, now_ms: u64, retries: Vec<StoredRetry>, parked: Vec<ParkedLane>) {
        for ParkedLane { lane, by } in parked {
            if self.parked.len() >= self.spec.parked_max && !self.parked.contains_key(&lane) {
                self.halted = true;
                break;
            }
            self.parked.insert(Arc::new(lane), by);
        }
        // Wishes that nobody has tried yet take the room that the others leave.
        let (wishes, tried): (Vec<_>, Vec<_>) =
            retries.into_iter().partition(|retry| retry.again && retry.attempt <= 1);
        for StoredRetry { head, attempt, due_ms, again } in tried.into_iter().chain(wishes) {
            let is_wish = again && attempt <= 1;
            if is_wish && self.held.len() >= self.spec.window {
                self.delayed.keep(head, AS_SOON_AS_THERE_IS_ROOM_MS, true, self.spec.window);
                continue;
            }
            // By another clock it may have been noted for a day that is far off.
            let longest_ms = now_ms.saturating_add(self.spec.retry.of(&head.topic).cap.0);
            self.insert(now_ms, head, attempt.max(1), due_ms.min(longest_ms), again);
        }
    }

    /// An event read from the log or just appended. Where its tenant has left others in the log, it is left there too.
    /// Gives false where it is to be read again, and with it all that comes after.
    pub(crate) fn offer(&mut self, now_ms: u64, head: EventHead) -> bool {
        if self.holds(head.sequence) || self.shares.has_left(&head.tenant, head.sequence) {
            return true;
        }
        match head.due_ms.filter(|due| *due > now_ms) {
            Some(due_ms) => self.delayed.keep(head, due_ms, false, self.spec.window),
            None => self.join_lane(now_ms, head),
        }
    }

    /// An event whose time has come goes to the end of its lane, or stays in the log: where the lane's others are, or
    /// because its tenant has no room now.
    fn join_lane(&mut self, now_ms: u64, head: EventHead) -> bool {
        let lane = Lane { tenant: head.tenant.clone(), key: head.key.clone() };
        if !self.shares.has_room(&lane.tenant) && !self.stays_in_log(&lane) {
            self.spill_waiting();
        }
        if self.stays_in_log(&lane) {
            self.note_spill(&lane, head.sequence);
        } else if self.shares.has_room(&lane.tenant) {
            self.insert(now_ms, head, 1, 0, false);
        } else {
            return self.leave(&lane.tenant, head.sequence);
        }
        true
    }

    /// A tenant's events from this one on are left in the log. Where too many tenants have done that, reading goes back
    /// to before this one and waits there; gives false then.
    fn leave(&mut self, tenant: &TenantId, from: Sequence) -> bool {
        let may = self.shares.may_leave(tenant);
        if may {
            self.shares.leave(tenant, from);
        } else {
            self.read_again_from(from);
        }
        may
    }

    fn stays_in_log(&self, lane: &Lane) -> bool {
        self.parked.contains_key(lane) || self.lanes.get(lane).is_some_and(|state| state.spilled.is_some())
    }

    /// An event that nobody has handled yet need wait for its time no longer. It is as new as before, and the cursor may
    /// not pass it: also where it was left in the log, or is not read yet.
    pub(crate) fn hurry(&mut self, now_ms: u64, head: EventHead) {
        self.delayed.remove(head.sequence);
        if self.holds(head.sequence) {
            return;
        }
        let head = EventHead { due_ms: None, ..head };
        if self.held.len() < self.spec.window {
            self.insert(now_ms, head, 1, 0, false);
        } else {
            self.delayed.keep(head, AS_SOON_AS_THERE_IS_ROOM_MS, false, self.spec.window);
        }
    }

    /// An event that an operator wants delivered again. Gives false when there is no room.
    pub(crate) fn redeliver(&mut self, now_ms: u64, head: EventHead) -> bool {
        if self.holds(head.sequence) {
            return true;
        }
        let lane = Lane { tenant: head.tenant.clone(), key: head.key.clone() };
        if self.held.len() >= self.spec.window {
            return self.delayed.keep(head, AS_SOON_AS_THERE_IS_ROOM_MS, true, self.spec.window);
        }
        if self.parked.get(&lane) == Some(&head.sequence) {
            self.parked.remove(&lane);
        }
        self.insert(now_ms, head, 1, 0, true);
        true
    }

    pub(crate) fn unpark(&mut self, now_ms: u64, lane: Lane) {
        if self.parked.remove(&lane).is_some() {
            self.settle(now_ms, &Arc::new(lane));
        }
    }

    pub(crate) fn unpark_all_of(&mut self, now_ms: u64, tenant: &TenantId) {
        let lanes: Vec<_> = self.parked.keys().filter(|lane| lane.tenant == *tenant).cloned().collect();
        for lane in lanes {
            self.parked.remove(&lane);
            self.settle(now_ms, &lane);
        }
    }

    pub(crate) fn insert(&mut self, now_ms: u64, head: EventHead, attempt: u32, due_ms: u64, again: bool) {
        let EventHead { sequence, tenant, topic, key, expires_ms, priority, attempts_max, .. } = head;
        let lane = Lane { tenant, key };
        let lane = match self.lanes.get_key_value(&lane) {
            Some((known, _)) => known.clone(),
            None => Arc::new(lane),
        };
        if self.held.insert(sequence, (lane.clone(), again)).is_none() {
            self.shares.took(&lane.tenant);
        }
        let state = self.lanes.entry(lane.clone()).or_default();
        state.insert(Held { sequence, topic, attempt, due_ms, expires_ms, priority, attempts_max, again, out: false });
        self.settle(now_ms, &lane);
    }

    /// Puts a lane where it belongs now: in line, at a timer, or away.
    pub(crate) fn settle(&mut self, now_ms: u64, lane: &Arc<Lane>) {
        let Some(state) = self.lanes.get_mut(lane) else { return };
        if state.out > 0 {
            return;
        }
        match state.phase {
            Phase::Ready => return,
            Phase::Waiting(due_ms, sequence) => drop(self.waiting.remove(&(due_ms, sequence))),
            Phase::Resting | Phase::Out => {}
        }
        state.phase = Phase::Resting;
        if self.parked.contains_key(lane) {
            self.spill(lane, false);
            return;
        }
        match state.queue.front() {
            Some(front) if front.due_ms > now_ms => {
                state.phase = Phase::Waiting(front.due_ms, front.sequence);
                self.waiting.insert((front.due_ms, front.sequence), lane.clone());
            }
            Some(front) => {
                let priority = front.priority;
                state.phase = Phase::Ready;
                self.ready.push(priority, lane.clone());
            }
            None => {
                let spilled = state.spilled;
                self.lanes.remove(lane);
                if let Some(first) = spilled {
                    self.spills.remove(&first);
                    self.leave(&lane.tenant, first);
                }
            }
        }
    }

    /// The clock was put back by so much.
    pub(crate) fn put_back(&mut self, by_ms: u64) {
        self.cursor_due_ms = self.cursor_due_ms.map(|due| due.saturating_sub(by_ms));
        for (sequence, (lane, _)) in &self.held {
            if let Some(held) = self.lanes.get_mut(lane).and_then(|state| state.find(*sequence)) {
                held.due_ms = held.due_ms.saturating_sub(by_ms);
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        for ((due_ms, sequence), lane) in waiting {
            let due_ms = due_ms.saturating_sub(by_ms);
            if let Some(state) = self.lanes.get_mut(&lane) {
                state.phase = Phase::Waiting(due_ms, sequence);
                self.waiting.insert((due_ms, sequence), lane);
            }
        }
    }

    /// Moves the place of reading back before an event that was left in the log.
    pub(crate) fn read_again_from(&mut self, first: Sequence) {
        let before = Sequence(first.0.saturating_sub(1));
        self.through = if self.live { before } else { self.through.min(before) };
        self.live = false;
    }

    /// Makes room by leaving in the log what waits behind failing events, so that they hold back nobody else.
    pub(crate) fn spill_waiting(&mut self) {
        let lanes: Vec<Arc<Lane>> = self.waiting.values().cloned().collect();
        for lane in lanes {
            self.spill(&lane, true);
        }
    }

    pub(crate) fn spill(&mut self, lane: &Arc<Lane>, keep_first: bool) {
        let dropped = self.lanes.get_mut(lane).map(|state| state.spill(keep_first)).unwrap_or_default();
        for sequence in &dropped {
            self.let_go(*sequence);
        }
        if let Some(first) = dropped.first() {
            self.note_spill(lane, *first);
        }
    }

    pub(crate) fn note_spill(&mut self, lane: &Lane, sequence: Sequence) {
        let state = match self.lanes.get_mut(lane) {
            Some(state) => state,
            None => self.lanes.entry(Arc::new(lane.clone())).or_default(),
        };
        match state.spilled {
            Some(first) if first <= sequence => return,
            Some(first) => drop(self.spills.remove(&first)),
            None => {}
        }
        state.spilled = Some(sequence);
        self.spills.insert(sequence);
    }

    /// Holds an event no longer. Gives its lane.
    pub(crate) fn let_go(&mut self, sequence: Sequence) -> Option<Arc<Lane>> {
        let (lane, _) = self.held.remove(&sequence)?;
        self.shares.gave(&lane.tenant);
        Some(lane)
    }

    /// Whether there is more in the log than it has looked at or holds.
    pub(crate) fn is_behind(&self) -> bool {
        !self.live || self.shares.first_left().is_some()
    }

    pub(crate) fn is_out(&self, sequence: Sequence) -> bool {
        let lane = self.held.get(&sequence).and_then(|(lane, _)| self.lanes.get(lane));
        lane.is_some_and(|lane| lane.queue.iter().any(|held| held.sequence == sequence && held.out))
    }

    fn holds(&self, sequence: Sequence) -> bool {
        self.held.contains_key(&sequence) || self.delayed.contains(sequence)
    }

    /// Forgets everything but the parked lanes: the log and the marks tell the rest again.
    pub(crate) fn undo(&mut self) {
        let parked = std::mem::take(&mut self.parked);
        let (halted, wake_ms) = (self.halted, self.wake_ms);
        *self = Self { parked, halted, wake_ms, ..Self::new(self.spec.clone(), Sequence(0)) };
    }

    /// Everything up to here was looked at.
    pub(crate) fn looked_through(&self, log_end: Sequence) -> Sequence {
        if self.live { self.through.max(log_end) } else { self.through }
    }

    /// Everything up to here is done.
    pub(crate) fn done_through(&self, log_end: Sequence) -> Sequence {
        let held = self.held.iter().find(|(_, (_, again))| !again).map(|(sequence, _)| *sequence);
        let read = self.looked_through(log_end);
        let left = self.spills.first().copied().into_iter().chain(self.shares.first_left());
        let open = held.into_iter().chain(self.delayed.first()).chain(left).min();
        open.map_or(read, |first| read.min(Sequence(first.0.saturating_sub(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_model::{PluginSlug, SubscriptionId, TopicName};

    fn head(sequence: u64, due_ms: Option<u64>) -> EventHead {
        EventHead {
            sequence: Sequence(sequence),
            tenant: TenantId::new("demo").expect("a tenant"),
            topic: TopicName::new("jobs.a").expect("a topic"),
            key: format!("k{sequence}"),
            due_ms,
            expires_ms: None,
            priority: 0,
            attempts_max: None,
        }
    }

    fn member(window: usize) -> Member {
        let id = SubscriptionId::new(&PluginSlug::new("shop").expect("a slug"), "b");
        let spec = Subscription { window, ..Subscription::new(id, Vec::new()) };
        Member { live: true, through: Sequence(10), ..Member::new(spec, Sequence(0)) }
    }

    #[test]
    fn the_cursor_does_not_pass_an_event_that_need_wait_no_longer_until_it_is_handled() {
        let end = Sequence(10);
        let mut left_in_the_log = member(8);
        left_in_the_log.hurry(0, head(5, Some(99)));
        assert_eq!(left_in_the_log.done_through(end), Sequence(4));
        left_in_the_log.let_go(Sequence(5));
        assert_eq!(left_in_the_log.done_through(end), end);

        let mut without_room = member(1);
        without_room.hurry(0, head(3, None));
        without_room.hurry(0, head(5, Some(99)));
        without_room.let_go(Sequence(3));
        assert_eq!(without_room.done_through(end), Sequence(4));
        let due = without_room.delayed.pop_due(1).map(|(head, again)| (head.sequence, head.due_ms, again));
        assert_eq!(due, Some((Sequence(5), None, false)), "it joins its lane as soon as there is room");
    }

    #[test]
    fn what_is_delivered_again_holds_the_cursor_for_nobody() {
        let mut member = member(8);
        assert!(member.redeliver(0, head(5, None)));
        assert_eq!(member.done_through(Sequence(10)), Sequence(10));
    }
}
