//! Events kept in memory after they were decided, so that delivering them reads nothing. The log has all of them.

use contract_model::limits::{RECENT_EVENTS_BYTES_MAX, RECENT_EVENTS_MAX};
use contract_model::{Event, Sequence};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The last events, as many and as heavy as may be.
#[derive(Default)]
pub(super) struct Recent {
    /// Each with its weight in bytes.
    events: BTreeMap<Sequence, (Arc<Event>, u64)>,
    weight: u64,
}

impl Recent {
    pub(super) fn get(&self, sequence: Sequence) -> Option<&Arc<Event>> {
        self.events.get(&sequence).map(|(event, _)| event)
    }

    /// Keeps an event, and adds those to `forgotten` that have to make room for it: letting go of them takes a while, and
    /// needs no lock. One that would leave no room for any other is not kept.
    pub(super) fn keep(&mut self, event: &Arc<Event>, weight: u64, forgotten: &mut Vec<Arc<Event>>) {
        if weight > RECENT_EVENTS_BYTES_MAX {
            return;
        }
        self.weight += weight;
        // After an undo an event may have the place of one that is gone.
        if let Some((event, weight)) = self.events.insert(event.sequence, (event.clone(), weight)) {
            self.weight -= weight;
            forgotten.push(event);
        }
        while self.events.len() as u64 > RECENT_EVENTS_MAX || self.weight > RECENT_EVENTS_BYTES_MAX {
            let Some((_, (event, weight))) = self.events.pop_first() else { break };
            self.weight -= weight;
            forgotten.push(event);
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_model::{EventId, TenantId, TopicName};

    fn event(sequence: u64) -> Arc<Event> {
        Arc::new(Event {
            id: EventId::new(&format!("e{sequence}")).expect("id"),
            sequence: Sequence(sequence),
            topic: TopicName::new("a.b").expect("topic"),
            tenant: TenantId::new("demo").expect("tenant"),
            publisher: String::new(),
            actor: String::new(),
            roles: Vec::new(),
            time_ms: 0,
            correlation: String::new(),
            causation: None,
            hops: 0,
            key: String::new(),
            idempotency_key: None,
            trace: None,
            due_ms: None,
            expires_ms: None,
            headers: serde_json::Map::new(),
            payload: serde_json::Value::Null,
        })
    }

    #[test]
    fn what_is_kept_is_bounded_by_number_and_by_weight() {
        let (mut recent, mut forgotten) = (Recent::default(), Vec::new());
        for sequence in 1..=RECENT_EVENTS_MAX + 2 {
            recent.keep(&event(sequence), 1, &mut forgotten);
        }
        let gone = |forgotten: &[Arc<Event>]| forgotten.iter().map(|event| event.sequence.0).collect::<Vec<_>>();
        assert_eq!(gone(&forgotten), [1, 2]);
        forgotten.clear();
        recent.keep(&event(10_000), RECENT_EVENTS_BYTES_MAX - 5, &mut forgotten);
        assert_eq!((recent.events.len(), recent.weight), (6, RECENT_EVENTS_BYTES_MAX));
        assert!(recent.get(Sequence(10_000)).is_some() && recent.get(Sequence(3)).is_none());
        recent.keep(&event(10_001), RECENT_EVENTS_BYTES_MAX + 1, &mut forgotten);
        assert!(recent.get(Sequence(10_001)).is_none(), "it is too heavy");
        assert_eq!((recent.events.len(), recent.weight), (6, RECENT_EVENTS_BYTES_MAX), "and costs no other its place");
        recent.keep(&event(10_000), 7, &mut forgotten);
        assert_eq!(
            (recent.events.len(), recent.weight),
            (6, 5 + 7),
            "what has its place now is weighed, and only that"
        );
    }
}
