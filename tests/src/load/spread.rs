//! Times of several rounds.

use std::time::Duration;

/// The median of some times, with the fastest and the slowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The one in the middle; of an even number, the later of the two.
    pub median: Duration,
    /// The fastest.
    pub fastest: Duration,
    /// The slowest.
    pub slowest: Duration,
}

impl Spread {
    /// Of these times; all zero where there are none.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        Self { median: at(times.len() / 2), fastest: at(0), slowest: at(times.len().saturating_sub(1)) }
    }

    /// In words.
    pub fn shown(self) -> String {
        let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let Self { median, fastest, slowest } = self;
        format!("median {}, fastest {}, slowest {}", milliseconds(median), milliseconds(fastest), milliseconds(slowest))
    }
}
