//! Counters of the flusher.

use crate::allowance::{CutShort, GivenUp};
use crate::histogram::{Distribution, Histogram};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the flusher has done since the store was opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Flushes.
    pub batches: u64,
    /// Units of work on disk.
    pub units: u64,
    /// Time of the last flush.
    pub flush_last: Duration,
    /// Time of all flushes together.
    pub flush_total: Duration,
    /// Flushes by their time in seconds.
    pub flush_seconds: Distribution,
    /// Flushes by the units that they brought to disk.
    pub batch_units: Distribution,
    /// Flushes that failed and were undone.
    pub undone: u64,
    /// Units decided but not yet on disk.
    pub queue_units: u64,
    /// Moves from the log into the map, by their time in seconds.
    pub move_seconds: Distribution,
    /// Entries moved into the map.
    pub moved_entries: u64,
    /// Bytes of the log that are not in the map yet.
    pub log_bytes: u64,
    /// Events that were compacted or erased.
    pub compacted: u64,
    /// Queries that were given up, by the limit that they met.
    pub queries_given_up: [(&'static str, u64); GivenUp::ALL.len()],
    /// Pages of events that ended before they were full, by the limit that they met.
    pub pages_cut_short: [(&'static str, u64); CutShort::ALL.len()],
}

#[derive(Debug)]
pub(crate) struct Meter {
    units: AtomicU64,
    flush_last_us: AtomicU64,
    flush_total_us: AtomicU64,
    flush_seconds: Histogram,
    batch_units: Histogram,
    undone: AtomicU64,
    move_seconds: Histogram,
    moved_entries: AtomicU64,
    compacted: AtomicU64,
    queries_given_up: [AtomicU64; GivenUp::ALL.len()],
    pages_cut_short: [AtomicU64; CutShort::ALL.len()],
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            units: AtomicU64::default(),
            flush_last_us: AtomicU64::default(),
            flush_total_us: AtomicU64::default(),
            flush_seconds: Histogram::of_times(),
            batch_units: Histogram::of_counts(),
            undone: AtomicU64::default(),
            move_seconds: Histogram::of_times(),
            moved_entries: AtomicU64::default(),
            compacted: AtomicU64::default(),
            queries_given_up: Default::default(),
            pages_cut_short: Default::default(),
        }
    }
}

impl Meter {
    pub(crate) fn flushed(&self, units: usize, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.units.fetch_add(units as u64, Relaxed);
        self.flush_last_us.store(us, Relaxed);
        self.flush_total_us.fetch_add(us, Relaxed);
        self.flush_seconds.took(took);
        self.batch_units.add(units as u64);
    }

    pub(crate) fn undone(&self) {
        self.undone.fetch_add(1, Relaxed);
    }

    pub(crate) fn compacted(&self, events: u64) {
        self.compacted.fetch_add(events, Relaxed);
    }

    pub(crate) fn gave_up(&self, at: GivenUp) {
        self.queries_given_up[at as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn cut_short(&self, at: CutShort) {
        self.pages_cut_short[at as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn moved(&self, entries: usize, took: Duration) {
        self.moved_entries.fetch_add(entries as u64, Relaxed);
        self.move_seconds.took(took);
    }

    pub(crate) fn read(&self, queue_units: u64, log_bytes: u64) -> Metrics {
        let batch_units = self.batch_units.read();
        Metrics {
            batches: batch_units.count,
            units: self.units.load(Relaxed),
            flush_last: Duration::from_micros(self.flush_last_us.load(Relaxed)),
            flush_total: Duration::from_micros(self.flush_total_us.load(Relaxed)),
            flush_seconds: self.flush_seconds.read(),
            batch_units,
            undone: self.undone.load(Relaxed),
            queue_units,
            move_seconds: self.move_seconds.read(),
            moved_entries: self.moved_entries.load(Relaxed),
            log_bytes,
            compacted: self.compacted.load(Relaxed),
            queries_given_up: GivenUp::ALL.map(|at| (at.limit(), self.queries_given_up[at as usize].load(Relaxed))),
            pages_cut_short: CutShort::ALL.map(|at| (at.limit(), self.pages_cut_short[at as usize].load(Relaxed))),
        }
    }
}
