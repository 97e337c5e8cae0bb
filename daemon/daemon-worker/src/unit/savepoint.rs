//! What a call of the API takes back when it throws: its own changes, and those that record hooks made in its course.
//!
//! A call that changes several things opens a savepoint first. While one is open, each change notes what it was laid
//! over; who opens none pays nothing. What was read stays: it was read, and the host validates it.

use super::{Key, Pending, Unit, is_new};
use crate::refusal::Halt;
use daemon_frame::Reserved;

/// Where a unit stood.
#[derive(Debug)]
#[must_use = "a savepoint is kept or gone back to"]
pub(crate) struct Savepoint {
    changes: usize,
    events: usize,
    continuations: usize,
}

/// How one change is taken back. Changes are taken back in the reverse of their order, so places are those of then.
#[derive(Debug)]
pub(super) enum Undo {
    /// Takes out the write that came last.
    Added,
    /// Puts the write of this place back.
    Replaced(usize, Pending),
    /// Puts a write back at this place.
    Removed(usize, Box<(Key, Pending)>),
    /// Takes out the reservation that came last.
    Reserved,
    /// Puts the reservation of this place back.
    Ended(usize, Box<Reserved>),
}

/// The changes since the outermost savepoint.
#[derive(Debug, Default)]
pub(super) struct Savepoints {
    open: u32,
    changes: Vec<Undo>,
}

impl Savepoints {
    /// Notes a change, if anybody may want it taken back.
    pub(super) fn note(&mut self, change: impl FnOnce() -> Undo) {
        if self.open > 0 {
            self.changes.push(change());
        }
    }
}

impl Unit {
    /// Opens a savepoint. They end in the reverse of the order in which they were opened.
    pub(crate) fn savepoint(&mut self) -> Savepoint {
        self.savepoints.open += 1;
        Savepoint {
            changes: self.savepoints.changes.len(),
            events: self.events.len(),
            continuations: self.continuations.len(),
        }
    }

    /// Ends a savepoint and keeps what was changed since.
    pub(crate) fn keep(&mut self, savepoint: &Savepoint) {
        self.close(savepoint.changes);
    }

    /// Ends a savepoint and takes back what was changed since.
    pub(crate) fn go_back_to(&mut self, savepoint: &Savepoint) {
        let Savepoint { changes, events, continuations } = *savepoint;
        while self.savepoints.changes.len() > changes
            && let Some(change) = self.savepoints.changes.pop()
        {
            self.take_back(change);
        }
        for event in self.events.drain(events.min(self.events.len())..) {
            if let Some(key) = event.idempotency_key {
                self.published.remove(&(event.topic, key));
            }
        }
        self.continuations.truncate(continuations);
        self.close(changes);
    }

    /// Makes several changes, or none where one of them is refused.
    pub(super) fn all_or_nothing<T>(&mut self, changes: impl FnOnce(&mut Self) -> Result<T, Halt>) -> Result<T, Halt> {
        let savepoint = self.savepoint();
        let done = changes(self);
        if done.is_ok() {
            self.keep(&savepoint);
        } else {
            self.go_back_to(&savepoint);
        }
        done
    }

    fn close(&mut self, noted_before: usize) {
        self.savepoints.open = self.savepoints.open.saturating_sub(1);
        if self.savepoints.open == 0 {
            debug_assert_eq!(noted_before, 0, "the outermost savepoint has noted all changes");
            self.savepoints.changes.clear();
        }
    }

    fn take_back(&mut self, change: Undo) {
        match change {
            Undo::Added => drop(self.writes.pop()),
            Undo::Replaced(place, before) => {
                if let Some((_, pending)) = self.writes.get_index_mut(place) {
                    *pending = before;
                }
            }
            Undo::Removed(place, write) => {
                let (key, pending) = *write;
                self.writes.shift_insert(place, key, pending);
            }
            Undo::Reserved => {
                let taken = self.reservations.pop();
                self.ends -= u64::from(taken.is_some_and(|(_, reserved)| is_new(&reserved)));
            }
            Undo::Ended(place, before) => {
                if let Some((_, reserved)) = self.reservations.get_index_mut(place) {
                    *reserved = *before;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests::empty_load;
    use crate::unit::{Answers, Outgoing};
    use contract_model::reservation::{Reservation, State};
    use daemon_frame::{Ask, Asked, Continuation, Known};
    use serde_json::{Value, json};

    /// Knows of nothing.
    struct Nobody(u64);

    impl Answers for Nobody {
        fn ask(&mut self, _: Ask) -> Result<Asked, Halt> {
            Ok(Asked::Known(Known::New))
        }

        fn unfit(&mut self) -> Halt {
            Halt::Gone
        }

        fn new_id(&mut self) -> String {
            self.0 += 1;
            format!("id-{}", self.0)
        }

        fn now_ms(&self) -> u64 {
            0
        }
    }

    /// Numbers that look like chance and are the same each time.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    /// Changes one of a few things, so that things are changed again and again.
    fn change(unit: &mut Unit, nobody: &mut Nobody, chance: &mut Chance) {
        let which = chance.below(6).to_string();
        let key = ("c".to_owned(), which.clone());
        match chance.below(6) {
            0 | 1 => {
                let record = Some(json!({"n": chance.below(1_000)}).into());
                unit.put(key, Pending { record, base_revision: 0 }).expect("there is room");
            }
            2 => unit.forget(key),
            3 => {
                let state = if chance.below(2) == 0 { State::Held } else { State::Released };
                let (plugin, resource) = ("p".to_owned(), "c/r/n".to_owned());
                let reservation = Reservation { plugin, resource, amount: chance.below(9), state, expires: 1 };
                let base_revision = chance.below(2);
                let reserved = Reserved { id: which.clone(), reservation, base_revision };
                unit.put_reservation(which, reserved).expect("there is room");
            }
            4 => {
                let idempotency_key = Some(which);
                let event = Outgoing { topic: "a.b".to_owned(), idempotency_key, ..Outgoing::default() };
                unit.publish(event, nobody).expect("it is the same or new");
            }
            _ => {
                let (topic, name, context) = ("a.b".to_owned(), "n".to_owned(), Value::Null);
                unit.go_on_with(Continuation { request: which, topic, name, context, timeout_ms: None });
            }
        }
    }

    /// Changes, and savepoints in them that are kept or gone back to, down to some depth.
    fn changes(unit: &mut Unit, nobody: &mut Nobody, chance: &mut Chance, depth: u32) {
        for _ in 0..chance.below(8) {
            if depth == 0 || chance.below(4) > 0 {
                change(unit, nobody, chance);
                continue;
            }
            let savepoint = unit.savepoint();
            changes(unit, nobody, chance, depth - 1);
            if chance.below(2) == 0 { unit.keep(&savepoint) } else { unit.go_back_to(&savepoint) }
        }
    }

    #[test]
    fn who_goes_back_to_a_savepoint_finds_everything_as_it_was() {
        let mut undone = 0;
        for seed in 0..2_000 {
            let mut budget = empty_load().budget;
            (budget.events_max, budget.records_max) = (1_000, 1_000);
            let (mut unit, mut nobody, mut chance) = (Unit::new(budget, None), Nobody(0), Chance(seed));
            changes(&mut unit, &mut nobody, &mut chance, 2);
            let seen = |unit: &Unit| {
                let mut published: Vec<_> = unit.published.clone().into_iter().collect();
                published.sort();
                format!(
                    "{:?} {:?} {:?} {:?} {} {published:?}",
                    unit.writes, unit.events, unit.continuations, unit.reservations, unit.ends
                )
            };
            let before = seen(&unit);
            let savepoint = unit.savepoint();
            changes(&mut unit, &mut nobody, &mut chance, 2);
            undone += u32::from(seen(&unit) != before);
            unit.go_back_to(&savepoint);
            assert_eq!(seen(&unit), before, "seed {seed}");
            assert!(unit.savepoints.changes.is_empty() && unit.savepoints.open == 0);
        }
        assert!(undone > 1_000, "most of them had something to take back: {undone}");
    }
}
