//! The bus at work: feeds the pure state machine and carries out what it says.

use crate::api::HostError;
use crate::clock;
use crate::destination::Destination;
use crate::host::Inner;
use crate::observed::{Counts, Observed};
use crate::task::{EventTask, Task};
use contract_model::limits::CALL_DEADLINE_MS;
use contract_model::{ErrorCode, Event, EventHead, Millis, PluginSlug, Sequence, SubscriptionId};
use daemon_bus::{Bus, Effect, Failure, Input};
use daemon_store::{
    DeadLetter, DeadLetterChange, Decided, EventFilter, ReadSet, Refused, Retry, RetryChange, Scope, Unit, View,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Events kept in memory after they were decided, so that delivering them reads nothing.
const RECENT_EVENTS_MAX: usize = 4_096;

/// The state machine with what it needs around it.
pub(crate) struct Conductor {
    state: Mutex<State>,
    /// Wakes the timer when an earlier time was set.
    pub(crate) alarm: Notify,
}

struct State {
    bus: Bus,
    destinations: HashMap<SubscriptionId, Destination>,
    /// Those of them that do not want every event.
    picky: Vec<SubscriptionId>,
    recent: BTreeMap<Sequence, Arc<Event>>,
    observed: Observed,
    wake_at_ms: Option<u64>,
    epoch: u64,
}

impl Conductor {
    pub(crate) fn new(seed: u64, epoch: u64) -> Self {
        let state = State {
            bus: Bus::new(seed),
            destinations: HashMap::new(),
            picky: Vec::new(),
            recent: BTreeMap::new(),
            observed: Observed::default(),
            wake_at_ms: None,
            epoch,
        };
        Self { state: Mutex::new(state), alarm: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the bus wants to be woken next.
    pub(crate) fn wake_at_ms(&self) -> Option<u64> {
        self.state().wake_at_ms
    }

    /// A flush has failed: what is in flight is void, and the bus reads again what the log says now.
    pub(crate) fn begin_epoch(&self, epoch: u64) {
        let mut state = self.state();
        state.epoch = epoch;
        state.recent.clear();
    }

    /// What was published and what was handled since the start.
    pub(crate) fn observed(&self) -> (Counts, Counts) {
        self.state().observed.edges()
    }

    /// The subscriptions in force.
    pub(crate) fn destinations(&self) -> Vec<(SubscriptionId, Destination)> {
        let state = self.state();
        let mut all: Vec<_> = state.destinations.iter().map(|(id, to)| (id.clone(), to.clone())).collect();
        all.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        all
    }
}

impl Inner {
    /// Lets the store decide a unit of work, and tells the bus what it appended and finished. Both happen
    /// under one lock, so the bus sees the log in its order.
    pub(crate) fn decide(self: &Arc<Self>, unit: Unit, reads: ReadSet) -> Result<Decided, Refused> {
        let handled = unit.handled.clone();
        let now = clock::now_ms();
        let mut effects = Vec::new();
        let mut state = self.conductor.state();
        let decided = self.store.decide(unit, reads);
        if !matches!(decided, Ok(_) | Err(Refused::AlreadyHandled)) {
            return decided;
        }
        if let Ok(decided) = &decided {
            for event in &decided.events {
                state.remember(event);
                state.observed.published(event);
                let unwanted = state.unwanted(event);
                effects.extend(state.bus.step(now, Input::Appended { head: event.head(), unwanted }));
                self.live.offer(event, decided.position, self.flushes.borrow().position);
            }
        }
        if let Some((subscription, sequence)) = handled {
            self.observe(&mut state, &subscription, sequence);
            effects.extend(state.bus.step(now, Input::Done { subscription, sequence }));
        }
        self.record(&state, &effects);
        drop(state);
        for event in decided.iter().flat_map(|decided| &decided.events) {
            self.waiters.offer(event);
        }
        self.perform(effects);
        decided
    }

    /// Counts an edge. Only where it may be one of several topics does it take a look at the event to know its topic.
    fn observe(&self, state: &mut State, subscription: &SubscriptionId, sequence: Sequence) {
        let Some(to) = state.destinations.get(subscription) else { return };
        if let Some(topic) = to.only_topic() {
            state.observed.handled(to.plugin.as_str(), topic);
            return;
        }
        let plugin = to.plugin.clone();
        if let Some(event) = self.known_event(state, sequence) {
            state.observed.handled(plugin.as_str(), event.topic.as_str());
        }
    }

    /// Feeds the bus and carries out what it says.
    pub(crate) fn input(self: &Arc<Self>, input: Input) {
        let mut state = self.conductor.state();
        let effects = state.bus.step(clock::now_ms(), input);
        self.record(&state, &effects);
        drop(state);
        self.perform(effects);
    }

    /// Adds a subscription; its events from the cursor on are delivered.
    pub(crate) fn subscribe(self: &Arc<Self>, id: SubscriptionId, destination: Destination, input: Input) {
        self.conductor.state().add(id, destination);
        self.input(input);
    }

    /// Takes a subscription out of force; its cursor stays.
    pub(crate) fn unsubscribe(self: &Arc<Self>, id: &SubscriptionId) {
        self.conductor.state().remove(id);
        self.input(Input::Unsubscribe { id: id.clone() });
    }

    /// The handler failed; the bus decides when to try again.
    pub(crate) fn event_failed(self: &Arc<Self>, task: &EventTask, error: &HostError) {
        tracing::warn!(
            subscription = task.subscription.as_str(),
            event = task.event.id.as_str(),
            topic = task.event.topic.as_str(),
            attempt = task.attempt,
            error = error.line(),
            "handler failed"
        );
        let stack = error.stack.join("\n");
        let failure = match error.code() {
            Some(ErrorCode::HopLimit) => Failure::Final,
            Some(ErrorCode::Conflict | ErrorCode::Overloaded | ErrorCode::StoreFull | ErrorCode::ShuttingDown) => {
                Failure::Uncounted
            }
            _ => Failure::Counted,
        };
        let error = if stack.is_empty() { error.line() } else { format!("{}\n{stack}", error.line()) };
        let (subscription, sequence) = (task.subscription.clone(), task.event.sequence);
        self.input(Input::Failed { subscription, sequence, error, failure });
    }

    /// The event never ran and is as it was.
    pub(crate) fn event_not_run(self: &Arc<Self>, task: &EventTask) {
        self.input(Input::NotRun { subscription: task.subscription.clone(), sequence: task.event.sequence });
    }

    /// Stores what the bus wants remembered, in the order it says, while nobody else can step.
    fn record(&self, state: &State, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Retry { subscription, sequence, attempt, due_ms, error } => {
                    let retry =
                        Retry { sequence: *sequence, attempts: *attempt, due_ms: *due_ms, error: error.clone() };
                    self.note(|unit| unit.retries.push(RetryChange::Put(subscription.clone(), retry)));
                }
                Effect::DeadLetter { subscription, sequence, attempts, error, parked } => {
                    if let Some(event) = self.known_event(state, *sequence) {
                        self.bury(subscription, &event, *attempts, error, *parked);
                    }
                }
                Effect::Cursor { subscription, through } => {
                    self.note(|unit| unit.cursors.push((subscription.clone(), *through)));
                }
                Effect::Deliver { .. } | Effect::Load { .. } | Effect::Refused { .. } | Effect::Wake { .. } => {}
            }
        }
    }

    /// Carries out what needs no lock.
    fn perform(self: &Arc<Self>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Deliver { subscription, lane, batch } => self.deliver(&subscription, &lane.key, batch),
                Effect::Load { subscription, ticket, after, limit } => self.load(subscription, ticket, after, limit),
                Effect::Wake { at_ms } => {
                    self.conductor.state().wake_at_ms = Some(at_ms);
                    self.conductor.alarm.notify_one();
                }
                Effect::Refused { subscription, sequence } => {
                    tracing::warn!(
                        subscription = subscription.as_str(),
                        sequence = sequence.0,
                        "no room for a redelivery now"
                    );
                }
                Effect::Retry { .. } | Effect::DeadLetter { .. } | Effect::Cursor { .. } => {}
            }
        }
    }

    /// Wakes the bus whenever it asked for it, until the host stops.
    pub(crate) async fn keep_time(inner: std::sync::Weak<Self>) {
        loop {
            let Some(this) = inner.upgrade() else { return };
            let at = this.conductor.wake_at_ms();
            let now = clock::now_ms();
            if at.is_some_and(|at| at <= now) {
                this.conductor.state().wake_at_ms = None;
                this.input(Input::Tick);
                continue;
            }
            let wait = Duration::from_millis(at.map_or(1_000, |at| (at - now).min(1_000)));
            // A second at most, so that a host that is gone is noticed.
            let _ = tokio::time::timeout(wait, this.conductor.alarm.notified()).await;
        }
    }

    fn deliver(self: &Arc<Self>, subscription: &SubscriptionId, key: &str, batch: Vec<(Sequence, u32)>) {
        let (destination, epoch) = {
            let state = self.conductor.state();
            (state.destinations.get(subscription).cloned(), state.epoch)
        };
        let Some(destination) = destination else { return };
        let cancelled = Arc::new(AtomicBool::new(false));
        for (sequence, attempt) in batch {
            let Some(event) = self.event_at(sequence) else {
                // Undone by a failed flush, which restarts the bus, or damaged: then the lane waits, for
                // passing the event over would lose it.
                self.not_now(subscription, sequence, "STORE_DAMAGED: the event cannot be read");
                continue;
            };
            let Some(route) = destination.route(&event) else {
                self.not_now(subscription, sequence, "PLUGIN_UNAVAILABLE: no handler hears its topic any more");
                continue;
            };
            let task = EventTask {
                subscription: subscription.clone(),
                index: route.index,
                event,
                attempt,
                replay: false,
                deadline: route.deadline,
                epoch,
                cancelled: cancelled.clone(),
            };
            self.hand_over(&destination.plugin, subscription, key, task);
        }
    }

    fn hand_over(self: &Arc<Self>, plugin: &PluginSlug, subscription: &SubscriptionId, key: &str, task: EventTask) {
        // Events of a key share a lane with the verbs of that key; those without one are ordered by subscription.
        let lane = if key.is_empty() { format!("\u{0}{}", subscription.as_str()) } else { key.to_owned() };
        let refused = match self.pool(plugin) {
            Some(pool) => pool.enqueue(Some(lane), Task::event(task)).err(),
            None => {
                return self.not_now(
                    &task.subscription,
                    task.event.sequence,
                    "PLUGIN_UNAVAILABLE: the plugin is not loaded",
                );
            }
        };
        if let Some((task, error)) = refused {
            task.end(self, crate::task::Ended::NotRun(error));
        }
    }

    /// The event must wait through no fault of its own.
    fn not_now(self: &Arc<Self>, subscription: &SubscriptionId, sequence: Sequence, error: &str) {
        let (subscription, error) = (subscription.clone(), error.to_owned());
        self.input(Input::Failed { subscription, sequence, error, failure: Failure::Uncounted });
    }

    /// Reads on in the log for a subscription that has drained what it held in memory.
    fn load(self: &Arc<Self>, subscription: SubscriptionId, ticket: u64, after: Sequence, limit: usize) {
        let destination = self.conductor.state().destinations.get(&subscription).cloned();
        let Some(destination) = destination else { return };
        let Some(view) = self.look() else { return };
        let mut heads: Vec<EventHead> = Vec::new();
        let mut through = after;
        let mut more = true;
        while heads.len() < limit && more {
            let events = match view.events(through, &EventFilter::default(), SCAN_EVENTS) {
                Ok(events) => events,
                Err(error) => {
                    tracing::error!(error = error.to_string(), "the log cannot be read");
                    return self.again_soon(move |inner| inner.load(subscription, ticket, after, limit));
                }
            };
            more = events.len() == SCAN_EVENTS;
            for event in events {
                if heads.len() == limit {
                    more = true;
                    break;
                }
                through = event.sequence;
                let wanted =
                    destination.wants(&event) && !view.inbox_has(&subscription, event.sequence).unwrap_or(false);
                if wanted {
                    heads.push(event.head());
                }
            }
        }
        self.input(Input::Loaded { subscription, ticket, heads, through, more });
    }

    /// Does something after a while; what stands in its way now may have gone by then.
    fn again_soon(self: &Arc<Self>, what: impl FnOnce(Arc<Self>) + Send + 'static) {
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(inner) = inner.upgrade() {
                what(inner);
            }
        });
    }

    /// Offers an event once more to a subscription that had given it up.
    pub(crate) fn redeliver(self: &Arc<Self>, subscription: SubscriptionId, sequence: Sequence) {
        if let Some(event) = self.event_at(sequence) {
            self.input(Input::Redeliver { subscription, head: event.head() });
        }
    }

    /// A view, or none and a word in the log.
    fn look(&self) -> Option<View> {
        self.store
            .view()
            .inspect_err(|error| tracing::error!(error = error.to_string(), "the store cannot be read"))
            .ok()
    }

    /// The event at a position, from memory or from the log.
    pub(crate) fn event_at(&self, sequence: Sequence) -> Option<Arc<Event>> {
        let state = self.conductor.state();
        self.known_event(&state, sequence)
    }

    fn known_event(&self, state: &State, sequence: Sequence) -> Option<Arc<Event>> {
        if let Some(event) = state.recent.get(&sequence) {
            return Some(event.clone());
        }
        match self.look()?.event(sequence) {
            Ok(event) => event.map(Arc::new),
            Err(error) => {
                tracing::error!(sequence = sequence.0, error = error.to_string(), "an event cannot be read");
                None
            }
        }
    }

    /// Stores bookkeeping of the bus: it is not waited for, since losing it costs only a repetition.
    fn note(&self, change: impl FnOnce(&mut Unit)) {
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        unit.awaited = false;
        change(&mut unit);
        if let Err(refused) = self.store.decide(unit, ReadSet::default()) {
            tracing::error!(why = refused.to_string(), "bookkeeping of the bus was refused");
        }
    }

    fn version_of(&self, plugin: &str) -> String {
        let pool = PluginSlug::new(plugin).ok().and_then(|slug| self.pool(&slug));
        pool.map_or_else(String::new, |pool| pool.plugin.manifest.version.value.to_string())
    }

    fn bury(&self, subscription: &SubscriptionId, event: &Event, attempts: u32, error: &str, parked: bool) {
        let mut lines = error.lines().map(str::to_owned);
        let reason = lines.next().unwrap_or_default();
        let code = reason.split(':').next().unwrap_or_default().to_owned();
        let letter = DeadLetter {
            subscription: subscription.clone(),
            sequence: event.sequence,
            tenant: event.tenant.clone(),
            event: event.id.clone(),
            topic: event.topic.clone(),
            attempts,
            code,
            reason,
            stack: lines.collect(),
            version: self.version_of(subscription.plugin()),
            time_ms: clock::now_ms(),
        };
        tracing::error!(
            subscription = subscription.as_str(),
            event = event.id.as_str(),
            attempts,
            parked,
            "dead letter"
        );
        self.note(|unit| {
            unit.retries.push(RetryChange::Clear(subscription.clone(), event.sequence));
            unit.dead_letters.push(DeadLetterChange::Put(Box::new(letter)));
            unit.handled = Some((subscription.clone(), event.sequence));
        });
    }
}

/// Events read from the log at once.
const SCAN_EVENTS: usize = 1_024;

impl State {
    fn add(&mut self, id: SubscriptionId, destination: Destination) {
        self.remove(&id);
        if destination.is_picky() {
            self.picky.push(id.clone());
        }
        self.destinations.insert(id, destination);
    }

    fn remove(&mut self, id: &SubscriptionId) {
        self.destinations.remove(id);
        self.picky.retain(|known| known != id);
    }

    /// The subscriptions that hear an event's topic and pass this event over.
    fn unwanted(&self, event: &Event) -> Vec<SubscriptionId> {
        let passes_over =
            |id: &&SubscriptionId| self.destinations.get(*id).is_some_and(|to| to.hears(event) && !to.wants(event));
        self.picky.iter().filter(passes_over).cloned().collect()
    }

    fn remember(&mut self, event: &Arc<Event>) {
        self.recent.insert(event.sequence, event.clone());
        while self.recent.len() > RECENT_EVENTS_MAX {
            self.recent.pop_first();
        }
    }
}

/// Wall time of a handler: its own option, else the default.
pub(crate) fn deadline(option: Option<&str>) -> Duration {
    option.and_then(|text| Millis::parse(text).ok()).map_or(Duration::from_millis(CALL_DEADLINE_MS), Millis::to_std)
}
