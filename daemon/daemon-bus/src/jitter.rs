//! Waits between tries.

use contract_model::manifest::RetryPolicy;

/// The least wait before a try that did not count, so that a paused plugin is not asked in a tight loop.
const UNCOUNTED_WAIT_MS_MIN: u64 = 50;

/// A seeded generator (`SplitMix64`), so that a step depends on nothing but its inputs.
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The wait before the next try after `attempt` tries: exponential, capped, with full jitter.
    pub(crate) fn backoff_ms(&mut self, policy: &RetryPolicy, attempt: u32) -> u64 {
        let doublings = attempt.saturating_sub(1).min(40);
        let ceiling = policy.backoff.0.saturating_mul(1 << doublings).min(policy.cap.0).max(1);
        1 + self.below(ceiling)
    }

    /// The wait before the same try again.
    pub(crate) fn uncounted_ms(&mut self, policy: &RetryPolicy) -> u64 {
        let ceiling = policy.backoff.0.min(policy.cap.0).max(UNCOUNTED_WAIT_MS_MIN);
        ceiling / 2 + self.below(ceiling / 2 + 1)
    }

    /// The wait of what is tried on after its tries are used up.
    pub(crate) fn longest_ms(&mut self, policy: &RetryPolicy) -> u64 {
        let ceiling = policy.cap.0.max(UNCOUNTED_WAIT_MS_MIN);
        ceiling / 2 + self.below(ceiling / 2 + 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_cap_and_are_never_zero() {
        let policy = RetryPolicy::default();
        let mut jitter = Jitter::new(7);
        for attempt in 1..60 {
            let ceiling = (200_u64 << (attempt - 1).min(20)).min(300_000);
            let wait = jitter.backoff_ms(&policy, attempt);
            assert!((1..=ceiling).contains(&wait), "try {attempt}: {wait}");
            assert!((100..=200).contains(&jitter.uncounted_ms(&policy)));
        }
    }
}
