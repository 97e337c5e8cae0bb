//! The story of an event: everything of its correlation as a tree of causes.

use crate::api::{HostError, StoryNode, StoryPage};
use crate::host::{Host, Inner};
use crate::reader::store_error;
use contract_model::{Event, Sequence, SubscriptionId, TenantId};
use daemon_store::{EventFilter, EventsPage, EventsWanted, View};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl Host {
    /// A page of the trees that an event's story consists of, of at most `limit` events after a position.
    pub fn story(
        &self,
        tenant: &TenantId,
        id: &str,
        after: Sequence,
        limit: usize,
    ) -> Result<Option<StoryPage>, HostError> {
        let Some(event) = self.event(tenant, id)? else { return Ok(None) };
        let filter = EventFilter { tenant: Some(self.0.tenant(tenant)?), topic: None };
        let correlation = Some(event.correlation.clone());
        let wanted = EventsWanted { filter, correlation, after, limit, ..EventsWanted::default() };
        let view = self.0.view()?;
        let EventsPage { events, next } = view.events_page(&wanted).map_err(|error| store_error(&error))?;
        let ids: HashSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
        let is_root = |event: &&Event| event.causation.as_deref().is_none_or(|cause| !ids.contains(cause));
        let teller = Teller { inner: &self.0, view: &view, caused: by_cause(&events) };
        let roots = events.iter().filter(is_root).map(|event| teller.node(event)).collect::<Result<_, _>>()?;
        Ok(Some(StoryPage { roots, next }))
    }
}

struct Teller<'a> {
    inner: &'a Arc<Inner>,
    view: &'a View,
    /// What each event caused, by its id and in the order of the log.
    caused: HashMap<&'a str, Vec<&'a Event>>,
}

fn by_cause(events: &[Event]) -> HashMap<&str, Vec<&Event>> {
    let mut caused: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in events {
        if let Some(cause) = event.causation.as_deref() {
            caused.entry(cause).or_default().push(event);
        }
    }
    caused
}

impl Teller<'_> {
    fn node(&self, event: &Event) -> Result<StoryNode, HostError> {
        // Causes lie before their effects in the log, so this ends.
        let caused = self.caused.get(event.id.as_str()).into_iter().flatten();
        let caused = caused.filter(|other| other.sequence > event.sequence);
        Ok(StoryNode {
            event: event.to_cloudevent(),
            deliveries: self.deliveries(event)?,
            children: caused.map(|other| self.node(other)).collect::<Result<_, _>>()?,
        })
    }

    fn deliveries(&self, event: &Event) -> Result<Vec<Value>, HostError> {
        let destinations = self.inner.conductor.destinations();
        let hearing = destinations.into_iter().filter(|(_, to)| to.wants(event));
        hearing.map(|(id, _)| self.delivery(id.as_str(), &id, event)).collect()
    }

    fn delivery(&self, name: &str, id: &SubscriptionId, event: &Event) -> Result<Value, HostError> {
        let stored = |error: daemon_store::StoreError| store_error(&error);
        if let Some(letter) = self.view.dead_letter(id, event.sequence).map_err(stored)? {
            return Ok(
                json!({"subscription": name, "state": "dead", "attempts": letter.attempts, "error": letter.reason}),
            );
        }
        if let Some(retry) = self.view.retry(id, event.sequence).map_err(stored)? {
            return Ok(
                json!({"subscription": name, "state": "retrying", "attempts": retry.attempts, "error": retry.error}),
            );
        }
        let done = self.view.inbox_has(id, event.sequence).map_err(stored)?;
        Ok(json!({"subscription": name, "state": if done { "done" } else { "pending" }}))
    }
}
