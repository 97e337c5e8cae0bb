//! The bus as its owner sees it.

use crate::effect::Effect;
use crate::input::Input;
use crate::subscription::SubscriptionId;

/// All subscriptions and what they hold.
#[derive(Debug)]
pub struct Bus {}

/// How one subscription stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Events held in memory, in flight or not.
    pub pending: usize,
    /// Events handed out and not answered.
    pub in_flight: usize,
    /// Lanes that wait for a retry.
    pub retrying: usize,
    /// Events that wait for their due time.
    pub delayed: usize,
    /// Lanes that wait for an operator.
    pub parked: usize,
    /// Whether more waits in the log.
    pub behind: bool,
}

impl Bus {
    /// A bus without subscriptions. The seed decides the jitter of retries.
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        Self {}
    }

    /// Takes one input and gives what is to be done, in order. `now_ms` is milliseconds since 1970.
    pub fn step(&mut self, now_ms: u64, input: Input) -> Vec<Effect> {
        let _ = (now_ms, input);
        Vec::new()
    }

    /// How a subscription stands, if there is one of this name.
    pub fn gauges(&self, id: &SubscriptionId) -> Option<Gauges> {
        let _ = id;
        None
    }
}
