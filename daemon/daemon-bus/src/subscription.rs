//! What a subscription is, as whoever makes one says it.

use contract_model::limits::{SUBSCRIPTION_PARKED_KEYS_MAX, SUBSCRIPTION_TENANTS_BEHIND_MAX, SUBSCRIPTION_WINDOW_MAX};
use contract_model::manifest::RetryPolicy;
use contract_model::{EventHead, Sequence, SubscriptionId, TenantId, TopicName, TopicPattern};

/// What is delivered in order: the events of one key of one tenant, within one subscription.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The tenant.
    pub tenant: TenantId,
    /// The contract's key.
    pub key: String,
}

/// The retry policies of the topics that a subscription hears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetryRules {
    /// The first pattern that matches the topic decides.
    pub rules: Vec<(TopicPattern, RetryPolicy)>,
    /// For topics that no pattern matches.
    pub otherwise: RetryPolicy,
}

impl RetryRules {
    /// The policy of one topic.
    pub fn of(&self, topic: &TopicName) -> RetryPolicy {
        self.rules
            .iter()
            .find(|(pattern, _)| pattern.matches(topic.as_str()))
            .map_or(self.otherwise, |(_, policy)| *policy)
    }
}

/// A durable wish of a handler to be told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name.
    pub id: SubscriptionId,
    /// An event is delivered when any of these matches its topic.
    pub patterns: Vec<TopicPattern>,
    /// Higher is served first within a step.
    pub priority: i32,
    /// Most lanes in flight at once; none leaves it to the host.
    pub concurrency: Option<u32>,
    /// How failing events are tried again.
    pub retry: RetryRules,
    /// Most events held in memory, and again as many waiting for their due time. Of those held each tenant may have a fair
    /// part; there is always one part more than tenants, for who comes next.
    pub window: usize,
    /// Most lanes that wait for an operator. An event that would park one more is tried on instead, until there is room.
    pub parked_max: usize,
    /// Most tenants that have left events in the log. An event of one more is where reading ahead stops until one of
    /// them has been read on.
    pub tenants_behind_max: usize,
}

impl Subscription {
    /// A subscription with the usual settings.
    pub fn new(id: SubscriptionId, patterns: Vec<TopicPattern>) -> Self {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            id,
            patterns,
            priority: 0,
            concurrency: None,
            retry: RetryRules::default(),
            window: size(SUBSCRIPTION_WINDOW_MAX),
            parked_max: size(SUBSCRIPTION_PARKED_KEYS_MAX),
            tenants_behind_max: size(SUBSCRIPTION_TENANTS_BEHIND_MAX),
        }
    }

    /// Whether it hears a topic.
    pub fn hears(&self, topic: &TopicName) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(topic.as_str()))
    }
}

/// A retry that was persisted (see [`crate::Effect::Retry`]) and is given back after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRetry {
    /// The event.
    pub head: EventHead,
    /// The number of the try that comes next, from 1.
    pub attempt: u32,
    /// When it comes, milliseconds since 1970.
    pub due_ms: u64,
    /// Whether it was handled or given up before and an operator wants it delivered again: reading the log does not find it.
    pub again: bool,
}

/// A lane that waits for an operator, given back after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedLane {
    /// The lane.
    pub lane: Lane,
    /// The dead letter that parked it.
    pub by: Sequence,
}
