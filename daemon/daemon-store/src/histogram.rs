//! Counting how often something took how long, or was how large, without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of times, in microseconds: from a tenth of a millisecond to five seconds.
const TIMES_US: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000,
];
/// Upper bounds of counts.
const COUNTS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];
const US_PER_SECOND: f64 = 1e6;

/// How often values fell between fixed bounds. Values are whole: microseconds, or things counted.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One a bound, and one for what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    /// How many make one of the unit that is told.
    per_unit: f64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    /// Upper bounds in the unit of the values, each with how many lie up to it and above the one before; the last
    /// bound is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// All values together.
    pub sum: f64,
    /// How many there were.
    pub count: u64,
}

impl Histogram {
    /// For times; they are told in seconds.
    pub fn of_times() -> Self {
        Self::new(TIMES_US, US_PER_SECOND)
    }

    /// For counts.
    pub fn of_counts() -> Self {
        Self::new(COUNTS, 1.0)
    }

    fn new(bounds: &'static [u64], per_unit: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0), per_unit }
    }

    /// Counts a time.
    pub fn took(&self, time: Duration) {
        self.add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts a value.
    pub fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// What was counted so far.
    #[expect(clippy::cast_precision_loss, reason = "sums and bounds are told as the doubles of the exposition format")]
    pub fn read(&self) -> Distribution {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / self.per_unit).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.counts.iter().map(|count| count.load(Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        Distribution { buckets, sum: self.sum.load(Relaxed) as f64 / self.per_unit, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_up_to_their_bounds() {
        let sizes = Histogram::of_counts();
        for value in [1, 2, 3, 4, 5_000] {
            sizes.add(value);
        }
        let read = sizes.read();
        assert_eq!((read.count, read.sum), (5, 5_010.0));
        assert_eq!(read.buckets[..3], [(1.0, 1), (2.0, 1), (4.0, 2)]);
        assert_eq!(read.buckets.last(), Some(&(f64::INFINITY, 1)));
        let times = Histogram::of_times();
        times.took(Duration::from_micros(100));
        assert_eq!(times.read().buckets[0], (0.0001, 1));
    }
}
