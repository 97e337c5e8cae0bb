//! Events on their way to handlers: live from memory, and read back from the log.

use crate::api::HostError;
use crate::destination::Handler;
use crate::embedded::read_page;
use crate::host::Inner;
use crate::jobs;
use crate::reader::store_error;
use crate::reservations;
use crate::task::{Ended, EventTask, Task};
use crate::traces;
use contract_model::{Event, PluginSlug, Sequence, SubscriptionId, TenantId};
use daemon_bus::transport::{Page as Read, PageWanted};
use daemon_bus::{Effect, Failure, Input};
use daemon_store::Retry;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What the bus wants to read of the log.
pub(super) struct Page {
    pub(super) subscription: SubscriptionId,
    pub(super) ticket: u64,
    /// Only this tenant's events.
    pub(super) tenant: Option<TenantId>,
    pub(super) after: Sequence,
    pub(super) limit: usize,
}

impl Page {
    /// The wish that it came from.
    pub(super) fn wanted(self) -> Effect {
        let Self { subscription, ticket, tenant, after, limit } = self;
        Effect::Load { subscription, ticket, tenant, after, limit }
    }
}

impl Inner {
    pub(crate) fn deliver(
        self: &Arc<Self>,
        subscription: &SubscriptionId,
        key: &str,
        batch: Vec<(Sequence, u32)>,
        again: bool,
    ) {
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
            let wished = if again { self.as_wished(subscription, event) } else { Ok((event, false)) };
            let Ok((event, replay)) = wished.inspect_err(|error| self.cannot_read(subscription, sequence, error))
            else {
                continue;
            };
            let Some(route) = destination.route(&event) else {
                self.not_now(subscription, sequence, "PLUGIN_UNAVAILABLE: no handler hears its topic any more");
                continue;
            };
            if route.handler == Handler::Reservation {
                reservations::fall_due(self, subscription.clone(), event, epoch);
                continue;
            }
            let outcome = match route.handler {
                Handler::Outcome(_) => jobs::verdict_of(self, &event).map(|verdict| Some(Box::new(verdict))),
                Handler::Subscription(_) | Handler::Job(_) | Handler::Hooks | Handler::Reservation => Ok(None),
            };
            let Ok(outcome) = outcome.inspect_err(|error| self.cannot_read(subscription, sequence, error)) else {
                continue;
            };
            let span = traces::delivery(&self.tracer, &event, subscription.as_str(), attempt);
            let task = EventTask {
                span,
                subscription: subscription.clone(),
                handler: route.handler,
                outcome,
                event,
                attempt,
                replay,
                deadline: route.deadline,
                epoch,
                cancelled: cancelled.clone(),
            };
            self.hand_over(&destination.plugin, subscription, key, task);
        }
    }

    /// The event as an operator wants it delivered, and whether it was handled before.
    fn as_wished(&self, subscription: &SubscriptionId, event: Arc<Event>) -> Result<(Arc<Event>, bool), HostError> {
        let retry = self.view()?.retry(subscription, event.sequence).map_err(|error| store_error(&error))?;
        Ok(match retry {
            Some(Retry { replay, payload: Some(payload), .. }) => {
                (Arc::new(Event { payload, ..Event::clone(&event) }), replay)
            }
            Some(retry) => (event, retry.replay),
            None => (event, false),
        })
    }

    /// How an event is to be delivered cannot be read. It waits, for delivering it otherwise would be wrong.
    fn cannot_read(self: &Arc<Self>, subscription: &SubscriptionId, sequence: Sequence, error: &HostError) {
        tracing::error!(subscription = subscription.as_str(), sequence = sequence.0, error = error.line(), "it waits");
        self.not_now(subscription, sequence, &error.line());
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
            task.end(self, Ended::NotRun(error));
        }
    }

    /// The event must wait through no fault of its own.
    fn not_now(self: &Arc<Self>, subscription: &SubscriptionId, sequence: Sequence, error: &str) {
        let (subscription, error) = (subscription.clone(), error.to_owned());
        self.input(Input::Failed { subscription, sequence, error, failure: Failure::Uncounted });
    }

    /// Reads on in the log for a subscription that has drained what it held in memory.
    pub(super) fn load(self: &Arc<Self>, page: Page) -> Option<Input> {
        let (destination, known) = {
            let state = self.conductor.state();
            (state.destinations.get(&page.subscription).cloned(), state.bus.log_end())
        };
        let destination = destination?;
        // Where the log ends before what the bus knows of, a flush has failed: it hears of that soon, and asks anew.
        let Some(view) = self.look().filter(|view| view.sequence() >= known) else {
            self.load_later(page);
            return None;
        };
        let wanted = PageWanted {
            subscription: page.subscription.clone(),
            patterns: destination.routes.iter().map(|route| route.pattern.clone()).collect(),
            tenant: page.tenant.clone(),
            after: page.after,
            limit: page.limit,
        };
        let tenant = page.tenant.as_ref().and_then(|tenant| self.store.tenant(tenant));
        let read =
            read_page(&view, tenant, &wanted, |event| destination.wants(event), |event| jobs::head_of(self, event));
        match read {
            Ok(Read { heads, through, more }) => {
                Some(Input::Loaded { subscription: page.subscription, ticket: page.ticket, heads, through, more })
            }
            Err(error) => {
                tracing::error!(error = error.to_string(), "the log cannot be read");
                self.load_later(page);
                None
            }
        }
    }

    /// Reads after a while; what stands in its way now may have gone by then.
    fn load_later(self: &Arc<Self>, page: Page) {
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(inner) = inner.upgrade() {
                inner.perform(vec![page.wanted()]);
            }
        });
    }

    /// Offers an event once more to a subscription that had given it up.
    pub(crate) fn redeliver(self: &Arc<Self>, subscription: SubscriptionId, sequence: Sequence) {
        if let Some(event) = self.event_at(sequence) {
            self.input(Input::Redeliver { subscription, head: event.head() });
        }
    }
}
