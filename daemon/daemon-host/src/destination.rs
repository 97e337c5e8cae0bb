//! Where a subscription's events go.

use contract_model::filter::Filter;
use contract_model::limits::CALL_DEADLINE_MS;
use contract_model::{Event, Millis, PluginSlug, TopicPattern};
use std::sync::Arc;
use std::time::Duration;

/// A subscription's handlers. One name may be given to several topics: it is one subscription then, with one cursor.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) plugin: PluginSlug,
    pub(crate) routes: Arc<[Route]>,
    /// Whether the handlers are a group, which shares its events: each goes to one of those that want it, in turn.
    pub(crate) is_group: bool,
}

/// A function that the plugin registered, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    /// Among its subscriptions.
    Subscription(u32),
    /// Among its jobs.
    Job(u32),
    /// Among those that go on with an outcome.
    Outcome(u32),
    /// None of the plugin's: the daemon ends a reservation of its records.
    Reservation,
    /// All its record hooks after changes of a collection.
    Hooks,
}

/// What one registration asks for.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) handler: Handler,
    pub(crate) pattern: TopicPattern,
    /// Which events of the pattern it wants; none is all of them.
    pub(crate) when: Option<Filter>,
    pub(crate) deadline: Duration,
}

impl Route {
    fn hears(&self, event: &Event) -> bool {
        self.pattern.matches(event.topic.as_str())
    }

    fn wants(&self, event: &Event) -> bool {
        self.hears(event) && self.when.as_ref().is_none_or(|when| when.matches(&event.payload))
    }
}

impl Destination {
    /// Whether an event's topic is among those that it hears.
    pub(crate) fn hears(&self, event: &Event) -> bool {
        self.routes.iter().any(|route| route.hears(event))
    }

    /// Whether an event is for one of its handlers.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.routes.iter().any(|route| route.wants(event))
    }

    /// The handler of an event: the first that wants it, or, where an operator wants it delivered all the same, the
    /// first that hears its topic.
    pub(crate) fn route(&self, event: &Event) -> Option<&Route> {
        let wants = || self.routes.iter().filter(|route| route.wants(event));
        // By its place in the log, so that another try goes to the same one.
        let turn = if self.is_group { event.sequence.0.checked_rem(wants().count() as u64).unwrap_or(0) } else { 0 };
        let wants = wants().nth(usize::try_from(turn).unwrap_or(0));
        wants.or_else(|| self.routes.iter().find(|route| route.hears(event)))
    }

    /// Whether it passes over some of what it hears.
    pub(crate) fn is_picky(&self) -> bool {
        self.routes.iter().any(|route| route.when.is_some())
    }

    /// The one topic that it hears, where it is one.
    pub(crate) fn only_topic(&self) -> Option<&str> {
        match &*self.routes {
            [route] if !route.pattern.as_str().contains('*') => Some(route.pattern.as_str()),
            _ => None,
        }
    }
}

/// Wall time of a handler: its own option, else the default.
pub(crate) fn deadline(option: Option<&str>) -> Duration {
    option.and_then(|text| Millis::parse(text).ok()).map_or(Duration::from_millis(CALL_DEADLINE_MS), Millis::to_std)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_model::{EventId, Sequence, TenantId, TopicName};
    use serde_json::{Value, json};

    fn event(topic: &str, payload: Value) -> Event {
        Event {
            id: EventId::new("e1").expect("id"),
            sequence: Sequence(1),
            topic: TopicName::new(topic).expect("topic"),
            tenant: TenantId::new("demo").expect("tenant"),
            publisher: "daemon".to_owned(),
            actor: String::new(),
            roles: Vec::new(),
            time_ms: 0,
            correlation: "e1".to_owned(),
            causation: None,
            hops: 0,
            key: String::new(),
            idempotency_key: None,
            trace: None,
            due_ms: None,
            expires_ms: None,
            headers: serde_json::Map::new(),
            payload,
        }
    }

    fn route(index: u32, pattern: &str, when: Option<&str>) -> Route {
        let when = when.map(|when| Filter::parse_over_payload(when).expect("a filter"));
        Route {
            handler: Handler::Subscription(index),
            pattern: TopicPattern::new(pattern).expect("a pattern"),
            when,
            deadline: Duration::ZERO,
        }
    }

    fn number(route: &Route) -> u32 {
        let Handler::Subscription(index) = route.handler else { panic!("no subscription") };
        index
    }

    #[test]
    fn each_event_goes_to_the_first_handler_that_wants_it() {
        let routes = [route(3, "gl.a", Some("by = 'ap'")), route(4, "gl.*", None), route(5, "ap.a", Some("n > 1"))];
        let plugin = PluginSlug::new("ap").expect("a slug");
        let to = Destination { plugin, routes: routes.into(), is_group: false };
        let index = |event: &Event| to.route(event).map(number);
        assert_eq!(index(&event("gl.a", json!({"by": "ap"}))), Some(3));
        assert_eq!(index(&event("gl.a", json!({"by": "ar"}))), Some(4));
        assert_eq!(index(&event("gl.b", json!({}))), Some(4));
        assert_eq!(index(&event("fa.a", json!({}))), None);
        let unwanted = event("ap.a", json!({"n": 1}));
        assert!(to.hears(&unwanted) && !to.wants(&unwanted) && to.is_picky());
        assert_eq!(index(&unwanted), Some(5), "an operator may want it delivered all the same");
        assert_eq!(to.only_topic(), None);
    }

    #[test]
    fn a_group_takes_turns_among_those_that_want_the_event() {
        let routes = [route(0, "gl.a", None), route(1, "gl.a", Some("n > 1")), route(2, "gl.*", None)];
        let plugin = PluginSlug::new("ap").expect("a slug");
        let to = Destination { plugin, routes: routes.into(), is_group: true };
        let index = |sequence, n| {
            let event = Event { sequence: Sequence(sequence), ..event("gl.a", json!({ "n": n })) };
            to.route(&event).map(number)
        };
        assert_eq!((0..6).filter_map(|at| index(at, 2)).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        assert_eq!((0..4).filter_map(|at| index(at, 1)).collect::<Vec<_>>(), [0, 2, 0, 2]);
    }
}
