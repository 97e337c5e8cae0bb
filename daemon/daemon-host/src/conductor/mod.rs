//! The bus at work: feeds the pure state machine and carries out what it says.

mod bookkeeping;
mod deliver;
mod recent;

use crate::api::HostError;
use crate::clock;
use crate::conductor::deliver::Page;
use crate::conductor::recent::Recent;
use crate::destination::Destination;
use crate::host::Inner;
use crate::observed::{Counts, Observed};
use crate::rehearsal::Delivery;
use crate::subscribe::Position;
use crate::task::EventTask;
use contract_model::memory;
use contract_model::{ErrorCode, Event, Sequence, SubscriptionId};
use daemon_bus::{Bus, Effect, Failure, Gauges, Input};
use daemon_store::{Decided, Prepared, ReadSet, Refused, Unit};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Pages of the log read in one go before the rest is read where it holds up nobody.
const PAGES_AT_ONCE: u32 = 4;

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
    recent: Recent,
    observed: Observed,
    wake_at_ms: Option<u64>,
    epoch: u64,
    limits_met: [u64; BusLimit::ALL.len()],
}

/// A limit of subscriptions that is met without anybody being refused: what comes after it waits.
#[derive(Debug, Clone, Copy)]
enum BusLimit {
    ParkedKeys,
    TenantsBehind,
}

impl BusLimit {
    const ALL: [Self; 2] = [Self::ParkedKeys, Self::TenantsBehind];

    fn name(self) -> &'static str {
        match self {
            Self::ParkedKeys => "SUBSCRIPTION_PARKED_KEYS_MAX",
            Self::TenantsBehind => "SUBSCRIPTION_TENANTS_BEHIND_MAX",
        }
    }
}

impl Conductor {
    pub(crate) fn new(seed: u64, epoch: u64) -> Self {
        let state = State {
            bus: Bus::new(seed),
            destinations: HashMap::new(),
            picky: Vec::new(),
            recent: Recent::default(),
            observed: Observed::default(),
            wake_at_ms: None,
            epoch,
            limits_met: [0; BusLimit::ALL.len()],
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

    /// Events that handlers have in hand.
    pub(crate) fn in_flight(&self) -> usize {
        let state = self.state();
        let gauges = state.destinations.keys().filter_map(|id| state.bus.gauges(id));
        gauges.map(|gauges| gauges.in_flight).sum()
    }

    /// What was published and what was handled since the start.
    pub(crate) fn observed(&self) -> (Counts, Counts) {
        self.state().observed.edges()
    }

    /// How all subscriptions stand, by name.
    pub(crate) fn standing(&self) -> Vec<(String, Gauges)> {
        let state = self.state();
        let ids = state.bus.subscriptions();
        ids.filter_map(|id| Some((id.as_str().to_owned(), state.bus.gauges(id)?))).collect()
    }

    /// How often each limit of subscriptions was met since the start.
    pub(crate) fn limits_met(&self) -> Vec<(&'static str, u64)> {
        let state = self.state();
        BusLimit::ALL.iter().map(|limit| (limit.name(), state.limits_met[*limit as usize])).collect()
    }

    /// How a subscription stands, if it is in force.
    pub(crate) fn gauges(&self, subscription: &SubscriptionId) -> Option<Gauges> {
        self.state().bus.gauges(subscription)
    }

    /// Where a subscription's events go.
    pub(crate) fn destination(&self, subscription: &SubscriptionId) -> Option<Destination> {
        self.state().destinations.get(subscription).cloned()
    }

    /// Whether a handler has this event in hand.
    pub(crate) fn is_in_flight(&self, subscription: &SubscriptionId, sequence: Sequence) -> bool {
        self.state().bus.is_in_flight(subscription, sequence)
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
        self.decide_prepared(&mut self.store.prepare(unit)?, reads)
    }

    /// The same for a unit that is encoded already, which is most of the work and needs no lock.
    pub(crate) fn decide_prepared(
        self: &Arc<Self>,
        prepared: &mut Prepared,
        reads: ReadSet,
    ) -> Result<Decided, Refused> {
        let handled = prepared.handled().cloned();
        let (mut effects, mut forgotten) = (Vec::new(), Vec::new());
        let weights: Vec<u64> = prepared.payloads().map(memory::of).collect();
        let mut state = self.conductor.state();
        // Not before: of two steps the later one would be told an earlier time.
        let now = clock::now_ms();
        let decided = self.store.decide_prepared(prepared, reads);
        if !matches!(decided, Ok(_) | Err(Refused::AlreadyHandled)) {
            return decided;
        }
        if let Ok(decided) = &decided {
            for (event, weight) in decided.events.iter().zip(weights) {
                state.recent.keep(event, weight, &mut forgotten);
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
        self.record(&mut state, &effects);
        drop(state);
        drop(forgotten);
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

    /// A flush has failed: what is in flight is void, and the bus reads again what the log says now. What it wanted
    /// remembered before and what it wants from now on are told apart by their epoch, which changes with it.
    pub(crate) fn begin_epoch(self: &Arc<Self>) -> Result<u64, HostError> {
        let mut state = self.conductor.state();
        let view = self.view()?;
        state.epoch = view.epoch();
        state.recent.clear();
        let effects = state.bus.step(clock::now_ms(), Input::Undo { after: view.sequence() });
        state.heed(&effects);
        drop(state);
        self.live.clear();
        self.perform(effects);
        Ok(view.epoch())
    }

    /// Feeds the bus and carries out what it says.
    pub(crate) fn input(self: &Arc<Self>, input: Input) {
        let effects = self.step(input);
        self.perform(effects);
    }

    fn step(&self, input: Input) -> Vec<Effect> {
        let mut state = self.conductor.state();
        let effects = state.bus.step(clock::now_ms(), input);
        self.record(&mut state, &effects);
        effects
    }

    /// Adds a subscription; its events from the cursor on are delivered.
    pub(crate) fn subscribe(self: &Arc<Self>, id: SubscriptionId, destination: Destination, input: Input) {
        self.conductor.state().add(id, destination);
        self.input(input);
    }

    /// A subscription that stands still for its many parked keys begins anew from what is stored now.
    pub(crate) fn begin_halted(self: &Arc<Self>, id: &SubscriptionId, stands: Position) {
        let (cursor, retries, parked) = stands;
        let mut state = self.conductor.state();
        let Some(subscription) = state.bus.halted(id).cloned() else { return };
        let effects = state.bus.step(clock::now_ms(), Input::Subscribe { subscription, cursor, retries, parked });
        self.record(&mut state, &effects);
        drop(state);
        self.perform(effects);
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
        if let Some(stage) = &self.stage {
            let (who, topic, attempt) = (task.subscription.as_str(), task.event.topic.as_str(), task.attempt);
            stage.failed(format!("{who}, told of {topic}, failed at attempt {attempt}: {}", error.line()));
        }
        let stack = error.stack.join("\n");
        let failure = failure_of(error);
        let error = if stack.is_empty() { error.line() } else { format!("{}\n{stack}", error.line()) };
        let (subscription, sequence) = (task.subscription.clone(), task.event.sequence);
        self.input(Input::Failed { subscription, sequence, error, failure });
    }

    /// The event never ran and is as it was.
    pub(crate) fn event_not_run(self: &Arc<Self>, task: &EventTask) {
        self.input(Input::NotRun { subscription: task.subscription.clone(), sequence: task.event.sequence });
    }

    /// Carries out what needs no lock. What was read from the log goes back to the bus from here: a subscription that
    /// catches up reads on as long as others publish, however often that is.
    fn perform(self: &Arc<Self>, effects: Vec<Effect>) {
        let mut left = VecDeque::from(effects);
        let mut pages = 0;
        while let Some(effect) = left.pop_front() {
            match effect {
                Effect::Deliver { subscription, lane, batch, again } => match &self.stage {
                    None => self.deliver(&subscription, &lane.key, batch, again),
                    Some(stage) => stage.deliver(self, Delivery { subscription, lane, batch, again }),
                },
                Effect::Load { subscription, ticket, tenant, after, limit } => {
                    let page = Page { subscription, ticket, tenant, after, limit };
                    // A rehearsal reads at once, for what comes when is part of it.
                    if pages == PAGES_AT_ONCE && self.stage.is_none() {
                        left.push_front(page.wanted());
                        return self.perform_elsewhere(left);
                    }
                    pages += 1;
                    if let Some(loaded) = self.load(page) {
                        left.extend(self.step(loaded));
                    }
                }
                Effect::Wake { .. } => self.conductor.alarm.notify_one(),
                Effect::Refused { subscription, sequence } => {
                    tracing::warn!(
                        subscription = subscription.as_str(),
                        sequence = sequence.0,
                        "no room for a redelivery now"
                    );
                }
                Effect::DeadLetter { sequence, .. } => crate::jobs::go_on(self, sequence),
                Effect::Retry { .. }
                | Effect::Cursor { .. }
                | Effect::NotParked { .. }
                | Effect::ReadingWaits { .. } => {}
            }
        }
    }

    /// Goes on where a long read of the log holds up nobody.
    fn perform_elsewhere(self: &Arc<Self>, effects: VecDeque<Effect>) {
        let inner = Arc::downgrade(self);
        tokio::task::spawn_blocking(move || {
            if let Some(inner) = inner.upgrade() {
                inner.perform(effects.into());
            }
        });
    }

    /// Wakes the bus.
    pub(crate) fn tick(self: &Arc<Self>) {
        let mut state = self.conductor.state();
        let now = clock::now_ms();
        // A wish that somebody had heard of meanwhile is not due, and stays.
        state.wake_at_ms = state.wake_at_ms.filter(|at| *at > now);
        let effects = state.bus.step(now, Input::Tick);
        self.record(&mut state, &effects);
        drop(state);
        self.perform(effects);
    }

    /// Wakes the bus whenever it asked for it, until the host stops.
    pub(crate) async fn keep_time(inner: std::sync::Weak<Self>) {
        let mut before = 0;
        loop {
            let Some(this) = inner.upgrade() else { return };
            let at = this.conductor.wake_at_ms();
            let now = clock::now_ms();
            // Of a clock that was put back the bus must hear, or it would wait until it is that late again.
            let is_back = now < std::mem::replace(&mut before, now);
            if is_back || at.is_some_and(|at| at <= now) {
                this.tick();
                continue;
            }
            let wait = Duration::from_millis(at.map_or(1_000, |at| (at - now).min(1_000)));
            // A second at most, so that a host that is gone is noticed.
            let _ = tokio::time::timeout(wait, this.conductor.alarm.notified()).await;
        }
    }
}

/// What a handler's error is to the bus. What the daemon could not do just now counts as no try. What plugin code threw
/// does, whatever it calls it, and so does a limit of a call that it met; only that the daemon stops is not its doing.
fn failure_of(error: &HostError) -> Failure {
    use ErrorCode as Code;
    match error.code() {
        Some(Code::ShuttingDown) if !error.thrown || error.function.is_some() => Failure::Uncounted,
        _ if error.thrown => Failure::Counted,
        Some(Code::HopLimit) => Failure::Final,
        Some(Code::Conflict | Code::Overloaded | Code::QuotaExceeded | Code::StoreFull) => Failure::Uncounted,
        _ => Failure::Counted,
    }
}

impl State {
    /// Remembers when the bus wants to be woken. In the order of the steps: of two wishes the later one holds, whoever
    /// carries its effects out first.
    fn heed(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Wake { at_ms } = effect {
                self.wake_at_ms = Some(*at_ms);
            }
        }
    }

    fn meet(&mut self, limit: BusLimit) {
        self.limits_met[limit as usize] += 1;
    }

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
}
