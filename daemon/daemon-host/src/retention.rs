//! Retention: what was handled and kept as long as its topic's contract, or the daemon's setting, wants is compacted.
//!
//! Who has a place in the log and has not handled an event keeps it: also a plugin that is disabled or gone, whose place
//! says that it may come back. So does a dead letter. Of topics for which nothing is declared all events are kept.

use crate::api::HostError;
use crate::clock;
use crate::destination::Destination;
use crate::host::{Host, Inner};
use crate::reader::{refused, store_error};
use contract_model::{Event, Sequence, SubscriptionId, TopicName};
use daemon_store::{EventFilter, Refused, Scope, Standing, Unit, View};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;
use std::time::Duration;

/// How often it is looked for what may go.
const EVERY: Duration = Duration::from_mins(1);
/// Events that are looked at, and at most compacted, in one unit.
const LOOKED_AT: usize = 256;

/// What a pass over the log came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Compaction {
    /// Events that were looked at.
    pub looked_at: u64,
    /// Those that were compacted.
    pub compacted: u64,
    /// Those that were kept long enough, but not handled by everybody.
    pub unhandled: u64,
}

/// Compacts from time to time, until the host is gone.
pub(crate) async fn run(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = pass(&inner).await {
            tracing::error!(error = error.line(), "what was kept long enough could not be compacted");
        }
    }
}

impl Host {
    /// Compacts now what may be compacted, and says what that was when it is on disk.
    pub async fn compact(&self) -> Result<Compaction, HostError> {
        let epoch = self.0.store.epoch();
        let done = pass(&self.0).await?;
        self.0.synced_since(epoch).await?;
        Ok(done)
    }
}

async fn pass(inner: &Inner) -> Result<Compaction, HostError> {
    let mut done = Compaction::default();
    if !inner.contracts().retains_for_a_time() && inner.retain_ms.is_none() {
        return Ok(done);
    }
    let mut after = Sequence(0);
    while let Some(last) = step(inner, after, &mut done)? {
        after = last;
        // Others come first.
        tokio::task::yield_now().await;
    }
    Ok(done)
}

/// Looks at the next events, and gives the last of them; nothing at the end.
fn step(inner: &Inner, after: Sequence, done: &mut Compaction) -> Result<Option<Sequence>, HostError> {
    let failed = |error| store_error(&error);
    let view = inner.view()?;
    let events = view.events(after, &EventFilter::default(), LOOKED_AT).map_err(failed)?;
    let Some(last) = events.last().map(|event| event.sequence) else { return Ok(None) };
    let judge = Judge::new(inner, &view)?;
    let mut unit = Unit::new(Scope::System, judge.now_ms);
    unit.awaited = false;
    for event in &events {
        done.looked_at += 1;
        if !judge.is_old(event) {
            continue;
        }
        if judge.is_handled(event)? {
            unit.compacted.push(event.sequence);
        } else {
            done.unhandled += 1;
        }
    }
    drop(judge);
    let count = unit.compacted.len() as u64;
    if count > 0 {
        match inner.store.decide(unit, view.into_reads()) {
            Ok(_) => done.compacted += count,
            // An operator wants one of them delivered once more, at this very moment: the next pass looks again.
            Err(Refused::Conflict { .. }) => {}
            Err(other) => return Err(refused(&other)),
        }
    }
    Ok(Some(last))
}

/// What is known of everybody who has a place in the log.
struct Judge<'a> {
    inner: &'a Inner,
    view: &'a View,
    now_ms: u64,
    standings: Vec<Standing>,
    in_force: BTreeMap<String, Destination>,
    dead: BTreeSet<Sequence>,
}

impl<'a> Judge<'a> {
    fn new(inner: &'a Inner, view: &'a View) -> Result<Self, HostError> {
        let failed = |error| store_error(&error);
        let standings = view.standings().map_err(failed)?;
        let dead = view.dead_letters(None, usize::MAX).map_err(failed)?;
        let dead = dead.into_iter().map(|letter| letter.sequence).collect();
        let in_force = inner.conductor.destinations().into_iter();
        let in_force = in_force.map(|(id, to)| (id.as_str().to_owned(), to)).collect();
        Ok(Self { inner, view, now_ms: clock::now_ms(), standings, in_force, dead })
    }

    /// Whether it was kept as long as is declared for its topic.
    fn is_old(&self, event: &Event) -> bool {
        let retain_ms = self.inner.retain_ms(&event.topic);
        let since = event.due_ms.unwrap_or(event.time_ms).max(event.time_ms);
        retain_ms.is_some_and(|retain_ms| since.saturating_add(retain_ms) <= self.now_ms)
    }

    /// Whether nobody has anything to do with it any more.
    fn is_handled(&self, event: &Event) -> Result<bool, HostError> {
        if self.dead.contains(&event.sequence) {
            return Ok(false);
        }
        for Standing { subscription, cursor } in &self.standings {
            let is_done = match subscription {
                Some(subscription) => self.is_done(subscription, event)?,
                // Of a name too long for its key only the place is known.
                None => event.sequence <= *cursor,
            };
            if !is_done {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_done(&self, subscription: &SubscriptionId, event: &Event) -> Result<bool, HostError> {
        if self.in_force.get(subscription.as_str()).is_some_and(|to| !to.wants(event)) {
            // It would pass over it. An operator may have wished for it all the same.
            let wished = self.view.retry(subscription, event.sequence).map_err(|error| store_error(&error))?;
            return Ok(wished.is_none());
        }
        self.view.is_handled(subscription, event.sequence).map_err(|error| store_error(&error))
    }
}

impl Inner {
    /// How long handled events of a topic are kept; none for ever.
    fn retain_ms(&self, topic: &TopicName) -> Option<u64> {
        let contracts = self.contracts();
        let declared = contracts.topic(topic).and_then(|topic| topic.retain);
        declared.map(|retain| retain.0).or(self.retain_ms)
    }
}
