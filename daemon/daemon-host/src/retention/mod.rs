//! Retention: what was kept as long as its topic's contract, or the daemon's setting, wants and is owed to nobody any
//! more is compacted. Nobody's who says nothing: of topics for which nothing is declared all events are kept.
//!
//! What is owed stands in [`owed`] alone; how far it was looked, so that a pass costs what has newly come of age, in
//! [`progress`].

mod owed;
mod progress;
#[cfg(test)]
mod tests;

use crate::api::HostError;
use crate::clock;
use crate::destination::Destination;
use crate::host::{Host, Inner};
use crate::reader::{refused, store_error};
use contract_model::{Event, Sequence, SubscriptionId, TopicName};
use daemon_store::{ReadSet, Refused, Scope, Store, Unit, View};
pub use owed::Claim;
use owed::Owed;
use progress::{Progress, Stretch};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How often it is looked for what may go.
const EVERY: Duration = Duration::from_mins(1);
/// Events that are looked at, and at most compacted, in one unit.
const LOOKED_AT: usize = 256;

/// What a pass came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Compaction {
    /// Events that were looked at.
    pub looked_at: u64,
    /// Those that were compacted.
    pub compacted: u64,
    /// Those that were kept long enough and are still owed, by what for.
    pub owed: BTreeMap<Claim, u64>,
}

/// What passes came to since the start.
#[derive(Debug, Default)]
pub(crate) struct RetentionMeter {
    /// One pass at a time.
    turn: tokio::sync::Mutex<()>,
    looked_at: AtomicU64,
    owed: [AtomicU64; Claim::ALL.len()],
}

impl RetentionMeter {
    fn add(&self, done: &Compaction) {
        self.looked_at.fetch_add(done.looked_at, Relaxed);
        for (claim, count) in &done.owed {
            self.owed[*claim as usize].fetch_add(*count, Relaxed);
        }
    }

    /// Events that were looked at, and how often one was still owed, by what for.
    pub(crate) fn read(&self) -> (u64, Vec<(&'static str, u64)>) {
        let owed = Claim::ALL.map(|claim| (claim.name(), self.owed[claim as usize].load(Relaxed)));
        (self.looked_at.load(Relaxed), owed.to_vec())
    }
}

/// Compacts from time to time, until the host is gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = pass(&inner, Which::Due).await {
            tracing::error!(error = error.line(), "what was kept long enough could not be compacted");
        }
    }
}

impl Host {
    /// Compacts now whatever may be compacted, and says what that was when it is on disk.
    pub async fn compact(&self) -> Result<Compaction, HostError> {
        let epoch = self.0.store.epoch();
        let done = pass(&self.0, Which::All).await?;
        self.0.synced_since(epoch).await?;
        Ok(done)
    }
}

/// Which of the events that were owed when they were looked at last are looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Those whose time has come.
    Due,
    All,
}

async fn pass(inner: &Inner, which: Which) -> Result<Compaction, HostError> {
    let mut done = Compaction::default();
    if !inner.contracts().retains_for_a_time() && inner.retain_ms.is_none() {
        return Ok(done);
    }
    let _turn = inner.retention.turn.lock().await;
    let topics = inner.view()?.topics().map_err(|error| store_error(&error))?;
    for topic in topics {
        let Some(mut walk) = Walk::begin(&inner.terms(), &topic, which)? else { continue };
        while walk.step(&inner.terms(), &mut done)? {
            // Others come first.
            tokio::task::yield_now().await;
        }
        walk.end(&inner.terms())?;
    }
    inner.retention.add(&done);
    Ok(done)
}

impl Inner {
    fn terms(&self) -> Terms<'_> {
        let in_force = self.conductor.destinations().into_iter().collect();
        let contracts = self.contracts();
        let retain_ms = self.retain_ms;
        let (kept, asked) = (contracts.clone(), contracts);
        Terms {
            store: &self.store,
            now_ms: clock::now_ms(),
            in_force,
            retain_ms: Box::new(move |topic| {
                kept.topic(topic).and_then(|topic| topic.retain).map(|retain| retain.0).or(retain_ms)
            }),
            timeout_ms: Box::new(move |topic| {
                let topic = asked.topic(topic).filter(|topic| topic.replies.is_some())?;
                topic.timeout.map(|timeout| timeout.0)
            }),
        }
    }
}

/// A time in milliseconds that a topic's contract may name.
type OfTopic = Box<dyn Fn(&TopicName) -> Option<u64> + Send>;

/// What a pass goes by at one moment.
struct Terms<'a> {
    store: &'a Store,
    now_ms: u64,
    in_force: BTreeMap<SubscriptionId, Destination>,
    /// How long events of a topic are kept; none for ever.
    retain_ms: OfTopic,
    /// How long the outcome of a request of a topic is awaited.
    timeout_ms: OfTopic,
}

impl Terms<'_> {
    fn view(&self) -> Result<View, HostError> {
        self.store.view().map_err(|error| store_error(&error))
    }

    /// Whether an event was kept as long as is declared for its topic.
    fn is_old(&self, event: &Event) -> bool {
        let since = event.due_ms.unwrap_or(event.time_ms).max(event.time_ms);
        (self.retain_ms)(&event.topic).is_some_and(|retain_ms| since.saturating_add(retain_ms) <= self.now_ms)
    }

    /// Whether an event and, as far as clocks go, all after it of its topic are too young. One that is to come later than
    /// it was published, or that comes from a clock that was ahead, says nothing of those after it.
    fn is_young(&self, event: &Event) -> bool {
        let is_over = |retain_ms: u64| event.time_ms.saturating_add(retain_ms) <= self.now_ms;
        event.time_ms <= self.now_ms && (self.retain_ms)(&event.topic).is_some_and(|retain_ms| !is_over(retain_ms))
    }
}

/// A walk over what has come of age of one topic.
struct Walk {
    topic: TopicName,
    /// The epoch in which it began.
    epoch: u64,
    before: Progress,
    /// What is left to be walked.
    stretches: Vec<Stretch>,
    after: Progress,
}

impl Walk {
    fn begin(terms: &Terms<'_>, topic: &TopicName, which: Which) -> Result<Option<Self>, HostError> {
        if (terms.retain_ms)(topic).is_none() {
            return Ok(None);
        }
        let view = terms.view()?;
        let before = Progress::read(&view, topic)?;
        let (mut stretches, after) = before.look(terms.now_ms, view.sequence(), which);
        stretches.reverse();
        Ok(Some(Self { topic: topic.clone(), epoch: view.epoch(), before, stretches, after }))
    }

    /// Looks at some events; false at the end.
    fn step(&mut self, terms: &Terms<'_>, done: &mut Compaction) -> Result<bool, HostError> {
        let Some(stretch) = self.stretches.last_mut() else { return Ok(false) };
        let view = terms.view()?;
        let wanted = |event: &Event| stretch.was_seen() || !terms.is_young(event);
        let events = view.events_of_topic_while(&self.topic, stretch.rest(), LOOKED_AT, wanted);
        let events = events.map_err(|error| store_error(&error))?;
        done.looked_at += events.len() as u64;
        let kept = compact(terms, view, &events, done)?;
        let last = events.last().map(|event| event.sequence);
        stretch.walked(last, kept.first().copied().zip(kept.last().copied()));
        if events.len() < LOOKED_AT
            && let Some(walked) = self.stretches.pop()
        {
            self.after.add(walked, terms.now_ms);
        }
        Ok(true)
    }

    /// Notes how far it came, if that is news.
    fn end(self, terms: &Terms<'_>) -> Result<(), HostError> {
        let after = self.after.settled();
        if after == self.before {
            return Ok(());
        }
        let mut unit = Unit::new(Scope::System, terms.now_ms);
        (unit.awaited, unit.epoch) = (false, Some(self.epoch));
        unit.meta.push(after.entry(&self.topic));
        match terms.store.decide(unit, ReadSet::none()) {
            // A flush has failed, and what was compacted may be there again: the next pass looks at all of it.
            Ok(_) | Err(Refused::Conflict { .. }) => Ok(()),
            Err(other) => Err(refused(&other)),
        }
    }
}

/// Compacts those of a topic's events that are old enough and owed to nobody, and gives the others.
fn compact(terms: &Terms<'_>, view: View, events: &[Event], done: &mut Compaction) -> Result<Vec<Sequence>, HostError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(Vec::new()) };
    let owed = Owed::gather(terms, &view, first.sequence, last.sequence)?;
    let mut unit = Unit::new(Scope::System, terms.now_ms);
    unit.awaited = false;
    let mut kept = Vec::new();
    for event in events {
        if !terms.is_old(event) {
            kept.push(event.sequence);
        } else if let Some(claim) = owed.claim(event)? {
            *done.owed.entry(claim).or_default() += 1;
            kept.push(event.sequence);
        } else {
            unit.compacted.push(event.sequence);
        }
    }
    drop(owed);
    let count = unit.compacted.len() as u64;
    if count == 0 {
        return Ok(kept);
    }
    match terms.store.decide(unit, view.into_reads()) {
        Ok(_) => done.compacted += count,
        // Somebody came to need one of them at this very moment: they are looked at again.
        Err(Refused::Conflict { .. }) => return Ok(events.iter().map(|event| event.sequence).collect()),
        Err(other) => return Err(refused(&other)),
    }
    Ok(kept)
}
