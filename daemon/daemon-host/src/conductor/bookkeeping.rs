//! What the bus wants remembered, and the events that it speaks of.

use super::{BusLimit, State};
use crate::clock;
use crate::host::Inner;
use contract_model::{Event, PluginSlug, Sequence, SubscriptionId};
use daemon_bus::Effect;
use daemon_store::{DeadLetter, DeadLetterChange, ReadSet, Retry, RetryChange, Scope, Unit, View};
use std::sync::Arc;

impl Inner {
    /// Stores what the bus wants remembered, in the order it says, while nobody else can step.
    pub(super) fn record(&self, state: &mut State, effects: &[Effect]) {
        state.heed(effects);
        for effect in effects {
            match effect {
                Effect::Retry { subscription, sequence, attempt, due_ms, error } => {
                    // How it is delivered stays as it was, through all its tries.
                    let before = self.look().and_then(|view| view.retry(subscription, *sequence).ok()?);
                    let (replay, payload) = before.map_or((false, None), |before| (before.replay, before.payload));
                    let (sequence, attempts, due_ms) = (*sequence, *attempt, *due_ms);
                    let retry = Retry { sequence, attempts, due_ms, error: error.clone(), replay, payload };
                    self.note(state, |unit| unit.retries.push(RetryChange::Put(subscription.clone(), retry)));
                }
                Effect::DeadLetter { subscription, sequence, attempts, error, parked } => {
                    if let Some(event) = self.known_event(state, *sequence) {
                        self.bury(state, subscription, &event, *attempts, error, *parked);
                    }
                }
                Effect::Cursor { subscription, through } => {
                    self.note(state, |unit| unit.cursors.push((subscription.clone(), *through)));
                }
                Effect::NotParked { subscription, sequence } => {
                    state.meet(BusLimit::ParkedKeys);
                    tracing::warn!(
                        subscription = subscription.as_str(),
                        sequence = sequence.0,
                        "as many keys wait for an operator as may (SUBSCRIPTION_PARKED_KEYS_MAX); its event is tried on"
                    );
                }
                Effect::ReadingWaits { subscription } => {
                    state.meet(BusLimit::TenantsBehind);
                    tracing::warn!(
                        subscription = subscription.as_str(),
                        "as many tenants have left events in the log as may (SUBSCRIPTION_TENANTS_BEHIND_MAX); it is read no further"
                    );
                }
                Effect::Deliver { .. } | Effect::Load { .. } | Effect::Refused { .. } | Effect::Wake { .. } => {}
            }
        }
    }

    /// A view, or none and a word in the log.
    pub(super) fn look(&self) -> Option<View> {
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

    pub(super) fn known_event(&self, state: &State, sequence: Sequence) -> Option<Arc<Event>> {
        if let Some(event) = state.recent.get(sequence) {
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

    /// Stores bookkeeping of the bus: it is not waited for, since losing it costs only a repetition. What a bus says that
    /// has not heard yet of a failed flush is refused, for the events that it speaks of may be others by now.
    fn note(&self, state: &State, change: impl FnOnce(&mut Unit)) {
        let mut unit = Unit::new(Scope::System, clock::now_ms());
        (unit.awaited, unit.must_pass) = (false, true);
        unit.epoch = Some(state.epoch);
        change(&mut unit);
        if let Err(refused) = self.store.decide(unit, ReadSet::default()) {
            tracing::error!(why = refused.to_string(), "bookkeeping of the bus was refused");
        }
    }

    fn version_of(&self, plugin: &str) -> String {
        let pool = PluginSlug::new(plugin).ok().and_then(|slug| self.pool(&slug));
        pool.map_or_else(String::new, |pool| pool.plugin.manifest.version.value.to_string())
    }

    fn bury(
        &self,
        state: &State,
        subscription: &SubscriptionId,
        event: &Event,
        attempts: u32,
        error: &str,
        parked: bool,
    ) {
        if let Some(pool) = PluginSlug::new(subscription.plugin()).ok().and_then(|slug| self.pool(&slug)) {
            pool.plugin.meter.buried();
        }
        // As it was delivered this time it is offered again, if somebody wants that.
        let before = self.look().and_then(|view| view.retry(subscription, event.sequence).ok()?);
        let (replay, payload) = before.map_or((false, None), |before| (before.replay, before.payload));
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
            replay,
            payload,
        };
        tracing::error!(
            subscription = subscription.as_str(),
            event = event.id.as_str(),
            attempts,
            parked,
            "dead letter"
        );
        self.note(state, |unit| {
            unit.retries.push(RetryChange::Clear(subscription.clone(), event.sequence));
            unit.dead_letters.push(DeadLetterChange::Put(Box::new(letter)));
            unit.handled = Some((subscription.clone(), event.sequence));
        });
    }
}
