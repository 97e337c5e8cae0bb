//! Replays: events of the log are delivered once more to one subscription that has handled them, on an operator's wish.
//! The handler sees `e.replay`. A replay is stored with how far it is, so it goes on after a restart.

use crate::api::HostError;
use crate::chance;
use crate::clock;
use crate::host::{Host, Inner};
use crate::reader::{refused, store_error};
use contract_model::ids::ulid;
use contract_model::limits::{REPLAY_EVENTS_PER_SECOND, REPLAYS_MAX};
use contract_model::{ErrorCode, Event, PluginSlug, Sequence, SubscriptionId, TenantId};
use daemon_bus::Input;
use daemon_store::{EventFilter, EventsPage, EventsWanted, ReadSet, Retry, RetryChange, Scope, Unit, View};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// Where the replays are kept among the daemon's free values.
pub(crate) const KEY: &str = "replays";
/// How often each of them goes on.
const BEAT: Duration = Duration::from_millis(100);
const BEATS_PER_SECOND: u64 = 10;
/// Events looked at in one beat, of which few may be wanted.
const LOOKED_AT: usize = 1_024;

/// From where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayFrom {
    /// This event and those after it.
    Sequence(Sequence),
    /// Events of this time, milliseconds since 1970, and later.
    Time(u64),
}

/// What is to be replayed.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// `plugin/handler`.
    pub subscription: String,
    /// The first.
    pub from: ReplayFrom,
    /// The last; the end of the log without it.
    pub until: Option<Sequence>,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Events a second, at least one.
    pub rate: Option<u32>,
}

/// A replay and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Its id.
    pub id: String,
    /// `plugin/handler`.
    pub subscription: String,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Everything up to here was looked at.
    pub after: Sequence,
    /// The last event.
    pub until: Sequence,
    /// Events a second.
    pub rate: u32,
    /// Events delivered again so far.
    pub events: u64,
}

/// Lets one change the list of replays at a time, and wakes who carries them out.
#[derive(Default)]
pub(crate) struct Replays {
    /// How often they have gone on.
    turn: Mutex<u64>,
    more: Notify,
}

impl Host {
    /// Begins a replay. When this returns it is on disk.
    pub async fn replay(&self, request: ReplayRequest) -> Result<Replay, HostError> {
        let inner = &self.0;
        let subscription = known(inner, &request.subscription)?;
        if let Some(tenant) = &request.tenant {
            inner.tenant(tenant)?;
        }
        if request.rate == Some(0) {
            return Err(HostError::new(ErrorCode::BodyInvalid, "`rate` must be at least 1 event a second"));
        }
        let _turn = inner.replays.turn.lock().await;
        let view = inner.view()?;
        let mut replays = stored(&view)?;
        if replays.len() as u64 >= REPLAYS_MAX {
            let text = format!("{REPLAYS_MAX} replays run already (REPLAYS_MAX); wait for one, or cancel it");
            return Err(HostError::new(ErrorCode::Overloaded, text).retry_after(Duration::from_secs(1)));
        }
        let first = match request.from {
            ReplayFrom::Sequence(first) => first,
            ReplayFrom::Time(time_ms) => first_at(&view, time_ms)?,
        };
        let until = request.until.map_or(view.sequence(), |until| until.min(view.sequence()));
        check_stretch(&request, first, until, view.sequence())?;
        let usual = u32::try_from(REPLAY_EVENTS_PER_SECOND).unwrap_or(1);
        let replay = Replay {
            id: ulid(clock::now_ms(), chance::number()),
            subscription: subscription.as_str().to_owned(),
            tenant: request.tenant,
            after: Sequence(first.0.saturating_sub(1)),
            until,
            rate: request.rate.unwrap_or(usual),
            events: 0,
        };
        replays.push(replay.clone());
        let epoch = inner.store.epoch();
        store(inner, &replays, Vec::new())?;
        inner.synced_since(epoch).await?;
        inner.replays.more.notify_one();
        Ok(replay)
    }

    /// The replays that have not ended.
    pub fn replays(&self) -> Result<Vec<Replay>, HostError> {
        stored(&self.0.view()?)
    }

    /// Ends a replay; what it has offered already is delivered.
    pub async fn cancel_replay(&self, id: &str) -> Result<(), HostError> {
        let inner = &self.0;
        let _turn = inner.replays.turn.lock().await;
        let mut replays = stored(&inner.view()?)?;
        let before = replays.len();
        replays.retain(|replay| replay.id != id);
        if replays.len() == before {
            let text = format!("there is no replay `{id}`, or it has ended");
            return Err(HostError::new(ErrorCode::NotFound, text));
        }
        let epoch = inner.store.epoch();
        store(inner, &replays, Vec::new())?;
        inner.synced_since(epoch).await
    }
}

/// Carries replays out until the host stops.
pub(crate) async fn run(inner: Weak<Inner>) {
    loop {
        let Some(this) = inner.upgrade() else { return };
        let is_idle = match beat(&this).await {
            Ok(left) => left == 0,
            Err(error) => {
                tracing::error!(error = error.line(), "a replay cannot go on now");
                false
            }
        };
        if is_idle {
            // A second at most, so that a host that is gone is noticed.
            let _ = tokio::time::timeout(Duration::from_secs(1), this.replays.more.notified()).await;
        } else {
            drop(this);
            tokio::time::sleep(BEAT).await;
        }
    }
}

/// Takes every replay a step further; gives how many have not ended.
async fn beat(inner: &Arc<Inner>) -> Result<usize, HostError> {
    let mut beats = inner.replays.turn.lock().await;
    let view = inner.view()?;
    let mut replays = stored(&view)?;
    if replays.is_empty() {
        return Ok(0);
    }
    *beats += 1;
    let mut offered = Vec::new();
    for replay in &mut replays {
        let mut next = replay.clone();
        match step(inner, &view, &mut next, *beats) {
            Ok(events) => {
                offered.extend(events);
                *replay = next;
            }
            // What stands in the way of one holds up no other.
            Err(error) => tracing::error!(replay = replay.id, error = error.line(), "it cannot go on now"),
        }
    }
    replays.retain(|replay| replay.after < replay.until);
    let wishes = offered.iter().map(|(subscription, event)| (subscription.clone(), wish(event))).collect();
    store(inner, &replays, wishes)?;
    for (subscription, event) in offered {
        inner.input(Input::Redeliver { subscription, head: event.head() });
    }
    Ok(replays.len())
}

/// How many events of so many a second are due in a beat. In some beats there are none where they are few.
fn due(rate: u32, beat: u64) -> usize {
    let by = |beats: u64| u64::from(rate) * beats / BEATS_PER_SECOND;
    let beat = beat % BEATS_PER_SECOND;
    usize::try_from(by(beat + 1) - by(beat)).unwrap_or(usize::MAX)
}

/// Refuses a stretch of the log with nothing in it: who asks for one has another log in mind.
fn check_stretch(
    request: &ReplayRequest,
    first: Sequence,
    until: Sequence,
    log_end: Sequence,
) -> Result<(), HostError> {
    let text = match request.from {
        _ if first <= until => return Ok(()),
        ReplayFrom::Time(_) if first > log_end => "there is no event of that time or later".to_owned(),
        ReplayFrom::Sequence(_) if first > log_end => format!("`from` is {first}, and the log ends at {log_end}"),
        _ => format!("`until` is {until}, before the first event, {first}"),
    };
    Err(HostError::new(ErrorCode::BodyInvalid, text))
}

/// The next events of a replay: those that its subscription wants and has handled. What it has not handled yet comes to
/// it anyway, and what it has given up is a dead letter's to say.
fn step(inner: &Inner, view: &View, replay: &mut Replay, beat: u64) -> Result<Vec<(SubscriptionId, Event)>, HostError> {
    let subscription = SubscriptionId::from(replay.subscription.clone());
    let (Some(to), Some(gauges)) = (inner.conductor.destination(&subscription), inner.conductor.gauges(&subscription))
    else {
        return Ok(Vec::new());
    };
    // Room is left for what is new.
    let room = window() / 2;
    let most = due(replay.rate, beat).min(room.saturating_sub(gauges.pending));
    let failed = |error| store_error(&error);
    let mut taken = Vec::new();
    let tenant = replay.tenant.as_ref().map(|id| inner.store.tenant(id));
    if tenant == Some(None) {
        // It was erased meanwhile, and its events with it.
        replay.after = replay.until;
        return Ok(taken);
    }
    if most == 0 {
        return Ok(taken);
    }
    let wanted = EventsWanted {
        filter: EventFilter { tenant: tenant.flatten(), topic: None },
        after: replay.after,
        before: Some(replay.until.next()),
        limit: LOOKED_AT,
        ..EventsWanted::default()
    };
    let EventsPage { events, next } = view.events_on(&wanted).map_err(failed)?;
    for event in events {
        if taken.len() == most {
            replay.events += taken.len() as u64;
            return Ok(taken);
        }
        replay.after = event.sequence;
        if to.wants(&event)
            && view.is_handled(&subscription, event.sequence).map_err(failed)?
            && view.dead_letter(&subscription, event.sequence).map_err(failed)?.is_none()
        {
            taken.push((subscription.clone(), event));
        }
    }
    replay.after = next.unwrap_or(replay.until);
    replay.events += taken.len() as u64;
    Ok(taken)
}

fn window() -> usize {
    usize::try_from(contract_model::limits::SUBSCRIPTION_WINDOW_MAX).unwrap_or(usize::MAX)
}

/// Lets a handled event be handled once more.
fn wish(event: &Event) -> Retry {
    let error = String::new();
    Retry { sequence: event.sequence, attempts: 1, due_ms: clock::now_ms(), error, replay: true, payload: None }
}

/// The replays that have not ended.
pub(crate) fn stored(view: &View) -> Result<Vec<Replay>, HostError> {
    let value = view.meta(KEY).map_err(|error| store_error(&error))?;
    let unreadable =
        |error| HostError::new(ErrorCode::Internal, format!("the list of replays cannot be read: {error}"));
    value.map_or(Ok(Vec::new()), serde_json::from_value).map_err(unreadable)
}

/// One unit: how far the replays are, and what they offer.
fn store(inner: &Inner, replays: &[Replay], wishes: Vec<(SubscriptionId, Retry)>) -> Result<(), HostError> {
    let mut unit = Unit::new(Scope::System, clock::now_ms());
    unit.meta.push((KEY.to_owned(), (!replays.is_empty()).then(|| json!(replays))));
    unit.retries.extend(wishes.into_iter().map(|(subscription, retry)| RetryChange::Put(subscription, retry)));
    inner.store.decide(unit, ReadSet::default()).map(drop).map_err(|error| refused(&error))
}

/// A subscription that is in force, or the names of those of its plugin.
fn known(inner: &Inner, name: &str) -> Result<SubscriptionId, HostError> {
    let plugin = name.split('/').next().unwrap_or_default();
    let of_plugin = |id: &SubscriptionId| PluginSlug::new(plugin).is_ok_and(|slug| id.plugin() == slug.as_str());
    let mut names = Vec::new();
    for (id, _) in inner.conductor.destinations() {
        if id.as_str() == name {
            return Ok(id);
        }
        if of_plugin(&id) || plugin.is_empty() {
            names.push(id.as_str().to_owned());
        }
    }
    let there = if names.is_empty() {
        "no plugin of that name hears anything".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    Err(HostError::new(
        ErrorCode::NotFound,
        format!("there is no subscription `{name}`, written plugin/handler; {there}"),
    ))
}

/// The first event of this time or later. Times rise with the log, but for clocks that were set back.
fn first_at(view: &View, time_ms: u64) -> Result<Sequence, HostError> {
    let failed = |error| store_error(&error);
    let topics = view.topics().map_err(failed)?;
    let (mut low, mut high) = (1, view.sequence().0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        // Of those that were compacted no time is known, so the next one that is there is looked at.
        let next = view.next_event(&topics, Sequence(middle - 1)).map_err(failed)?;
        match next.filter(|event| event.time_ms < time_ms) {
            Some(event) => low = event.sequence.0 + 1,
            None => high = middle,
        }
    }
    Ok(Sequence(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_beats_gives_as_many_events_as_were_said() {
        for rate in [1, 2, 9, 10, 11, 200, 1_000_003, u32::MAX] {
            for start in [0, 7] {
                let second: usize = (start..start + BEATS_PER_SECOND).map(|beat| due(rate, beat)).sum();
                assert_eq!(second, rate as usize, "{rate} from beat {start}");
            }
        }
    }
}
