//! A transport in memory: the reference of what the checks ask, and the same with one flaw, which they must find.

use super::Site;
use crate::subscription::StoredRetry;
use crate::transport::{Commit, Committed, Later, Note, Page, PageWanted, Standing, Transport, TransportError};
use contract_model::{Event, EventHead, Sequence, SubscriptionId};
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one of them does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A crash loses the marks of what was handled.
    ForgetsMarks,
    /// A crash loses what was synced last.
    ForgetsEvents,
    /// A commit that is refused leaves its events.
    KeepsRefused,
    /// An id may be taken again.
    TakesIdsTwice,
    /// A delivery may be completed again.
    HandlesTwice,
    /// A page shows other tenants.
    MixesTenants,
    /// A full page is taken for the last.
    StopsEarly,
    /// Marks under a cursor are forgotten, and the cursor not looked at.
    ForgetsPassed,
    /// A mark leaves the event's retry.
    KeepsRetries,
    /// What was handled stays handled, whatever is wished.
    RefusesWishes,
    /// A wish is taken for a first delivery that is tried again.
    TakesWishesForNew,
    /// A cursor may be put back.
    PutsCursorsBack,
    /// What is said of an event that is not there is kept.
    TakesAnything,
    /// Pages do not say when an event is due.
    ForgetsDelays,
    /// What was given up is not handled.
    OffersTheDead,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::ForgetsMarks,
        Self::ForgetsEvents,
        Self::KeepsRefused,
        Self::TakesIdsTwice,
        Self::HandlesTwice,
        Self::MixesTenants,
        Self::StopsEarly,
        Self::ForgetsPassed,
        Self::KeepsRetries,
        Self::RefusesWishes,
        Self::TakesWishesForNew,
        Self::PutsCursorsBack,
        Self::TakesAnything,
        Self::ForgetsDelays,
        Self::OffersTheDead,
    ];
}

/// A log in memory. What is committed is synced.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    flaw: Option<Flaw>,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<Event>,
    standing: BTreeMap<SubscriptionId, Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    cursor: Sequence,
    marks: BTreeSet<Sequence>,
    retries: BTreeMap<Sequence, (u32, u64)>,
    dead: BTreeMap<Sequence, u32>,
}

impl Memory {
    /// An empty one that does nothing wrong, or this.
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self { state: Arc::default(), flaw }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_handled(&self, kept: Option<&Kept>, sequence: Sequence) -> bool {
        let passed = |kept: &Kept| self.flaw != Some(Flaw::ForgetsPassed) && sequence <= kept.cursor;
        kept.is_some_and(|kept| passed(kept) || kept.marks.contains(&sequence))
    }

    /// What is to be tried again may be completed once more, though it was handled.
    fn is_closed(&self, kept: Option<&Kept>, sequence: Sequence) -> bool {
        let is_wished = kept.is_some_and(|kept| kept.retries.contains_key(&sequence));
        self.is_handled(kept, sequence) && (!is_wished || self.flaw == Some(Flaw::RefusesWishes))
    }

    fn crash(&self) {
        let mut state = self.state();
        match self.flaw {
            Some(Flaw::ForgetsMarks) => state.standing.values_mut().for_each(|kept| kept.marks.clear()),
            Some(Flaw::ForgetsEvents) => drop(state.log.pop()),
            _ => {}
        }
    }

    fn decide(&self, commit: Commit) -> Result<Committed, TransportError> {
        let mut state = self.state();
        let end = Sequence(state.log.len() as u64);
        if self.flaw != Some(Flaw::TakesAnything) && commit.last_known() > end {
            return Err(TransportError(format!("the log ends at {end}")));
        }
        if let Some((subscription, sequence)) = &commit.handled
            && self.flaw != Some(Flaw::HandlesTwice)
            && self.is_closed(state.standing.get(subscription), *sequence)
        {
            if self.flaw == Some(Flaw::KeepsRefused) {
                append(&mut state.log, commit.events);
            }
            return Ok(Committed::AlreadyHandled);
        }
        let is_taken = |event: &Event| state.log.iter().any(|one| one.id == event.id && one.tenant == event.tenant);
        if self.flaw != Some(Flaw::TakesIdsTwice) && commit.events.iter().any(is_taken) {
            return Ok(Committed::EventExists);
        }
        let sequences = append(&mut state.log, commit.events);
        if let Some((subscription, sequence)) = commit.handled {
            let kept = state.standing.entry(subscription).or_default();
            kept.marks.insert(sequence);
            if self.flaw != Some(Flaw::KeepsRetries) {
                kept.retries.remove(&sequence);
            }
        }
        for note in commit.notes {
            state.note(note, self.flaw);
        }
        Ok(Committed::Done(sequences))
    }

    fn read(&self, wanted: &PageWanted) -> Page {
        let state = self.state();
        let kept = state.standing.get(&wanted.subscription);
        let wants = |event: &&Event| {
            let of_tenant = wanted.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant);
            event.sequence > wanted.after
                && (of_tenant || self.flaw == Some(Flaw::MixesTenants))
                && wanted.patterns.iter().any(|pattern| pattern.matches(event.topic.as_str()))
                && !self.is_handled(kept, event.sequence)
        };
        let head = |event: &Event| {
            let head = event.head();
            EventHead { due_ms: head.due_ms.filter(|_| self.flaw != Some(Flaw::ForgetsDelays)), ..head }
        };
        let heads: Vec<EventHead> = state.log.iter().filter(wants).take(wanted.limit).map(head).collect();
        let is_full = heads.len() == wanted.limit;
        let end = Sequence(state.log.len() as u64).max(wanted.after);
        let through = heads.last().filter(|_| is_full).map_or(end, |head| head.sequence);
        Page { heads, through, more: is_full && self.flaw != Some(Flaw::StopsEarly) }
    }

    fn stands(&self, subscription: &SubscriptionId) -> Standing {
        let state = self.state();
        let Some(kept) = state.standing.get(subscription) else { return Standing::default() };
        let retry = |(sequence, (attempt, due_ms)): (&Sequence, &(u32, u64))| {
            let head = state.log.get(place(*sequence))?.head();
            let again = self.is_handled(Some(kept), *sequence) && self.flaw != Some(Flaw::TakesWishesForNew);
            Some(StoredRetry { head, attempt: *attempt, due_ms: *due_ms, again })
        };
        Standing {
            cursor: kept.cursor,
            retries: kept.retries.iter().filter_map(retry).collect(),
            dead: kept.dead.keys().copied().collect(),
        }
    }
}

impl State {
    fn note(&mut self, note: Note, flaw: Option<Flaw>) {
        match note {
            Note::Retry(subscription, sequence, attempt, due_ms) => {
                self.standing.entry(subscription).or_default().retries.insert(sequence, (attempt, due_ms));
            }
            Note::DeadLetter(subscription, sequence, attempts) => {
                let kept = self.standing.entry(subscription).or_default();
                kept.retries.remove(&sequence);
                if flaw != Some(Flaw::OffersTheDead) {
                    kept.marks.insert(sequence);
                }
                kept.dead.insert(sequence, attempts);
            }
            Note::Cursor(subscription, through) => {
                let kept = self.standing.entry(subscription).or_default();
                kept.cursor = if flaw == Some(Flaw::PutsCursorsBack) { through } else { kept.cursor.max(through) };
                kept.marks.retain(|sequence| *sequence > through);
            }
        }
    }
}

fn append(log: &mut Vec<Event>, events: Vec<Event>) -> Vec<Sequence> {
    let first = log.len() as u64 + 1;
    let numbered = (first..).zip(events).map(|(number, event)| Event { sequence: Sequence(number), ..event });
    log.extend(numbered);
    (first..=log.len() as u64).map(Sequence).collect()
}

fn place(sequence: Sequence) -> usize {
    usize::try_from(sequence.0).unwrap_or(usize::MAX).wrapping_sub(1)
}

impl Transport for Memory {
    fn commit(&self, commit: Commit) -> impl Later<Committed> {
        ready(self.decide(commit))
    }
    fn synced(&self) -> impl Later<()> {
        ready(Ok(()))
    }
    fn log_end(&self) -> impl Later<Sequence> {
        ready(Ok(Sequence(self.state().log.len() as u64)))
    }
    fn event(&self, sequence: Sequence) -> impl Later<Option<Event>> {
        ready(Ok(self.state().log.get(place(sequence)).cloned()))
    }
    fn page(&self, wanted: PageWanted) -> impl Later<Page> {
        ready(Ok(self.read(&wanted)))
    }
    fn standing(&self, subscription: SubscriptionId) -> impl Later<Standing> {
        ready(Ok(self.stands(&subscription)))
    }
}

/// Opens logs in memory.
#[derive(Debug)]
pub struct MemorySite(Memory);

impl MemorySite {
    /// Of logs with this flaw, or none.
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self(Memory::new(flaw))
    }
}

impl Site for MemorySite {
    type Opened = Memory;

    fn fresh(&mut self) -> Memory {
        self.0 = Memory::new(self.0.flaw);
        self.0.clone()
    }

    fn reopen(&mut self) -> Memory {
        self.0.crash();
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::examine;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Nothing here waits, so one look is enough.
    fn verdict(flaw: Option<Flaw>) -> Result<usize, String> {
        let mut site = MemorySite::new(flaw);
        match pin!(examine(&mut site)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => verdict,
            Poll::Pending => Err("it waits".to_owned()),
        }
    }

    #[test]
    fn the_reference_passes() {
        assert_eq!(verdict(None), Ok(17));
    }

    #[test]
    fn every_flaw_is_found() {
        let unseen: Vec<Flaw> = Flaw::ALL.into_iter().filter(|flaw| verdict(Some(*flaw)).is_ok()).collect();
        assert_eq!(unseen, []);
        let why = verdict(Some(Flaw::HandlesTwice)).expect_err("a flaw");
        assert!(why.starts_with("a_delivery_is_completed_once: the second time"), "{why}");
    }
}
