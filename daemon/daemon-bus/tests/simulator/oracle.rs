//! What a store would hold, and what must be true of it at every moment.

use contract_model::{EventHead, Sequence};
use daemon_bus::{Gauges, Lane, ParkedLane, StoredRetry, Subscription};
use std::collections::{BTreeMap, BTreeSet};

/// What the store keeps for one subscription. Cloned at each flush: the clone is what a crash leaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(crate) cursor: Sequence,
    /// Handled: done or dead.
    pub(crate) marks: BTreeSet<Sequence>,
    pub(crate) effects: BTreeMap<Sequence, u32>,
    pub(crate) retries: BTreeMap<Sequence, (u32, u64)>,
    pub(crate) dead: BTreeMap<Sequence, u32>,
    pub(crate) parked: BTreeMap<Lane, Sequence>,
    /// Counted failures of each event since it was first offered or redelivered.
    pub(crate) failures: BTreeMap<Sequence, u32>,
}

/// One event of the log.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) head: EventHead,
    pub(crate) poison: bool,
}

pub(crate) fn lane_of(head: &EventHead) -> Lane {
    Lane { tenant: head.tenant.clone(), key: head.key.clone() }
}

/// Whether a subscription wants an event: one of the three passes over every third of those that it hears.
pub(crate) fn wants(spec: &Subscription, head: &EventHead) -> bool {
    spec.hears(&head.topic) && (spec.id.handler() != "h1" || !head.sequence.0.is_multiple_of(3))
}

impl Kept {
    pub(crate) fn retries(&self, log: &[Logged]) -> Vec<StoredRetry> {
        self.retries
            .iter()
            .map(|(sequence, (attempt, due_ms))| StoredRetry {
                head: at(log, *sequence).head.clone(),
                attempt: *attempt,
                due_ms: *due_ms,
                again: *sequence <= self.cursor || self.marks.contains(sequence),
            })
            .collect()
    }

    pub(crate) fn parked(&self) -> Vec<ParkedLane> {
        self.parked.iter().map(|(lane, by)| ParkedLane { lane: lane.clone(), by: *by }).collect()
    }

    /// An event is being tried: nothing before it in its lane may be open, nor the lane parked.
    pub(crate) fn check_try(&self, spec: &Subscription, log: &[Logged], sequence: Sequence) -> Result<(), String> {
        let head = &at(log, sequence).head;
        if !wants(spec, head) {
            return Err(format!("{}: event {sequence} was tried, which it passes over", spec.id));
        }
        if head.due_ms.is_some() || self.dead.contains_key(&sequence) {
            return Ok(());
        }
        if self.parked.contains_key(&lane_of(head)) {
            return Err(format!("{}: event {sequence} was tried in a parked lane", spec.id));
        }
        let overtaken =
            log.iter().map(|logged| &logged.head).take_while(|other| other.sequence < sequence).find(|other| {
                other.due_ms.is_none()
                    && other.key == head.key
                    && other.tenant == head.tenant
                    && wants(spec, other)
                    && !self.marks.contains(&other.sequence)
            });
        match overtaken {
            Some(other) => Err(format!("{}: event {sequence} overtook event {}", spec.id, other.sequence)),
            None => Ok(()),
        }
    }

    /// An event is handed out: its time to live is not over, unless an operator wants it all the same.
    pub(crate) fn check_alive(&self, log: &[Logged], sequence: Sequence, now_ms: u64) -> Result<(), String> {
        let over = at(log, sequence).head.expires_ms.is_some_and(|expires| expires <= now_ms);
        if over && !self.dead.contains_key(&sequence) {
            return Err(format!("event {sequence} was handed out after its time to live"));
        }
        Ok(())
    }

    pub(crate) fn check_cursor(&self, spec: &Subscription, log: &[Logged], through: Sequence) -> Result<(), String> {
        let open = log
            .iter()
            .map(|logged| &logged.head)
            .take_while(|head| head.sequence <= through)
            .find(|head| wants(spec, head) && head.sequence > self.cursor && !self.marks.contains(&head.sequence));
        if through.0 > log.len() as u64 {
            return Err(format!("{}: cursor {through} is past the log's end {}", spec.id, log.len()));
        }
        open.map_or(Ok(()), |head| Err(format!("{}: cursor {through} passed open event {}", spec.id, head.sequence)))
    }

    /// A dead letter comes after exactly as many failures as the contract grants.
    pub(crate) fn check_dead(&self, sequence: Sequence, attempts: u32, granted: u32, last: bool) -> Result<(), String> {
        let failed = self.failures.get(&sequence).copied().unwrap_or(0);
        let all_used = if last { failed <= granted } else { failed == granted };
        if all_used && failed == attempts {
            Ok(())
        } else {
            Err(format!("event {sequence} is dead after {failed} failures, said {attempts}, granted {granted}"))
        }
    }

    /// All faults are over and all has come to rest: nothing is lost and nothing waits.
    pub(crate) fn check_rest(&self, spec: &Subscription, log: &[Logged], gauges: Gauges) -> Result<(), String> {
        for logged in log.iter().filter(|logged| wants(spec, &logged.head)) {
            let sequence = logged.head.sequence;
            let effects = self.effects.get(&sequence).copied().unwrap_or(0);
            let wanted = u32::from(!self.dead.contains_key(&sequence));
            if !self.marks.contains(&sequence) || effects != wanted {
                return Err(format!("{}: event {sequence} has {effects} effects, not {wanted}; {gauges:?}", spec.id));
            }
            if logged.poison && wanted == 1 {
                return Err(format!("{}: poison {sequence} was handled", spec.id));
            }
        }
        // What it does not hear may lie above: a quiet subscription's cursor moves only now and then.
        let heard = log.iter().map(|logged| &logged.head).filter(|head| wants(spec, head));
        let last = heard.map(|head| head.sequence).max().unwrap_or_default();
        if self.cursor < last {
            return Err(format!("{}: cursor rests at {} before {last}", spec.id, self.cursor));
        }
        if gauges == Gauges::default() { Ok(()) } else { Err(format!("{}: at rest, but {gauges:?}", spec.id)) }
    }
}

pub(crate) fn at(log: &[Logged], sequence: Sequence) -> &Logged {
    &log[usize::try_from(sequence.0 - 1).expect("a position")]
}
