//! The crash-loop breaker of one plugin: pauses it after repeated faults of its own making.

use contract_model::limits::{BREAKER_FAULTS, BREAKER_PAUSE_MS};

const FAULT_WINDOW_MS: u64 = 60_000;

/// Counts faults and decides whether the plugin may be tried. Pure: the caller brings the time.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    faults_ms: Vec<u64>,
    paused_until_ms: Option<u64>,
    probing: bool,
}

/// Whether a plugin may be given work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// As much as there is.
    Open,
    /// One batch, to see whether it works again.
    Probe,
    /// Nothing before this time.
    Paused { until_ms: u64 },
}

impl Breaker {
    /// Whether work may be given now, without taking the probe.
    pub(crate) fn gate(&self, now_ms: u64) -> Gate {
        match self.paused_until_ms {
            None => Gate::Open,
            // A pause that is longer than one is to be ends here: the clock was put back.
            Some(until_ms) if (1..=BREAKER_PAUSE_MS).contains(&until_ms.saturating_sub(now_ms)) => {
                Gate::Paused { until_ms }
            }
            Some(_) if self.probing => Gate::Paused { until_ms: now_ms + BREAKER_PAUSE_MS },
            Some(_) => Gate::Probe,
        }
    }

    /// Work is being given; of a probe there is only one at a time.
    pub(crate) fn taken(&mut self) {
        self.probing = self.paused_until_ms.is_some();
    }

    /// The probe ended without showing anything about the plugin, such as by a kill from outside.
    pub(crate) fn inconclusive(&mut self) {
        self.probing = false;
    }

    /// A call ended without a fault of the worker.
    pub(crate) fn succeeded(&mut self) {
        if self.paused_until_ms.is_some() {
            *self = Self::default();
        }
    }

    /// The worker was killed or died by the plugin's doing. Gives whether this opened the breaker.
    pub(crate) fn failed(&mut self, now_ms: u64) -> bool {
        self.probing = false;
        self.faults_ms.retain(|at| now_ms.abs_diff(*at) < FAULT_WINDOW_MS);
        self.faults_ms.push(now_ms);
        let open = self.paused_until_ms.is_some() || self.faults_ms.len() as u64 >= BREAKER_FAULTS;
        if open {
            self.paused_until_ms = Some(now_ms + BREAKER_PAUSE_MS);
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_repeated_faults_and_closes_after_a_good_probe() {
        let mut breaker = Breaker::default();
        for at in 0..BREAKER_FAULTS - 1 {
            assert!(!breaker.failed(at));
        }
        assert_eq!(breaker.gate(10), Gate::Open);
        assert!(breaker.failed(10));
        assert_eq!(breaker.gate(11), Gate::Paused { until_ms: 10 + BREAKER_PAUSE_MS });
        let later = 10 + BREAKER_PAUSE_MS;
        assert_eq!(breaker.gate(later), Gate::Probe);
        breaker.taken();
        assert!(matches!(breaker.gate(later), Gate::Paused { .. }));
        assert!(breaker.failed(later));
        assert_eq!(breaker.gate(later + BREAKER_PAUSE_MS), Gate::Probe);
        breaker.taken();
        breaker.succeeded();
        assert_eq!(breaker.gate(later + BREAKER_PAUSE_MS), Gate::Open);
    }

    #[test]
    fn a_clock_that_is_put_back_prolongs_no_pause() {
        const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
        let mut breaker = Breaker::default();
        for _ in 0..BREAKER_FAULTS {
            breaker.failed(DAY_MS);
        }
        assert_eq!(breaker.gate(DAY_MS - 1_000), Gate::Probe);
        let mut breaker = Breaker::default();
        for _ in 1..BREAKER_FAULTS {
            breaker.failed(DAY_MS);
        }
        assert!(!breaker.failed(1_000), "a fault of another time counts no more");
    }

    #[test]
    fn old_faults_are_forgotten() {
        let mut breaker = Breaker::default();
        for at in 0..20 {
            assert!(!breaker.failed(at * 20_000));
        }
    }
}
