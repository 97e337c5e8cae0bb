//! Counters of the flusher.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the flusher has done since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Flushes.
    pub batches: u64,
    /// Units of work on disk.
    pub units: u64,
    /// Time of the last flush.
    pub flush_last: Duration,
    /// Time of all flushes together.
    pub flush_total: Duration,
    /// Flushes that failed and were undone.
    pub undone: u64,
    /// Units decided but not yet on disk.
    pub queue_units: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Meter {
    batches: AtomicU64,
    units: AtomicU64,
    flush_last_us: AtomicU64,
    flush_total_us: AtomicU64,
    undone: AtomicU64,
}

impl Meter {
    pub(crate) fn flushed(&self, units: usize, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Relaxed);
        self.units.fetch_add(units as u64, Relaxed);
        self.flush_last_us.store(us, Relaxed);
        self.flush_total_us.fetch_add(us, Relaxed);
    }

    pub(crate) fn undone(&self) {
        self.undone.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, queue_units: u64) -> Metrics {
        Metrics {
            batches: self.batches.load(Relaxed),
            units: self.units.load(Relaxed),
            flush_last: Duration::from_micros(self.flush_last_us.load(Relaxed)),
            flush_total: Duration::from_micros(self.flush_total_us.load(Relaxed)),
            undone: self.undone.load(Relaxed),
            queue_units,
        }
    }
}
