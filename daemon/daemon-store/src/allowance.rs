//! What a question may cost. It is counted in what is read, not in time: the same question of the same store ends the
//! same way on every machine, however busy, and in a unit of work that is run again.

use contract_model::limits::{
    EVENTS_READ_BYTES_MAX, EVENTS_SCANNED_MAX, QUERY_MEMORY_BYTES_MAX, QUERY_READ_BYTES_MAX, QUERY_SCANNED_MAX,
};

/// What one question may cost.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Records that one query may look at in vain.
    pub scanned_max: u64,
    /// Bytes of records and index entries that may be read for one question.
    pub read_bytes_max: u64,
    /// Bytes that what one question finds may take in memory.
    pub memory_bytes_max: u64,
    /// Entries that one page of events, dead letters or jobs looks at.
    pub events_scanned_max: u64,
    /// Bytes that such a page reads.
    pub events_read_bytes_max: u64,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            scanned_max: QUERY_SCANNED_MAX,
            read_bytes_max: QUERY_READ_BYTES_MAX,
            memory_bytes_max: QUERY_MEMORY_BYTES_MAX,
            events_scanned_max: EVENTS_SCANNED_MAX,
            events_read_bytes_max: EVENTS_READ_BYTES_MAX,
        }
    }
}

/// A limit at which a query is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    Scanned,
    ReadBytes,
    Rows,
    Memory,
}

impl GivenUp {
    pub(crate) const ALL: [Self; 4] = [Self::Scanned, Self::ReadBytes, Self::Rows, Self::Memory];

    /// The limit's name.
    pub(crate) const fn limit(self) -> &'static str {
        match self {
            Self::Scanned => "QUERY_SCANNED_MAX",
            Self::ReadBytes => "QUERY_READ_BYTES_MAX",
            Self::Rows => "QUERY_ROWS_MAX",
            Self::Memory => "QUERY_MEMORY_BYTES_MAX",
        }
    }
}

/// Where what a question finds has its place in memory until whoever asked has let it go.
pub trait Room: std::fmt::Debug + Send + Sync {
    /// Takes so much more.
    ///
    /// # Errors
    /// Says in a sentence why there is not so much.
    fn take(&self, bytes: u64) -> Result<(), String>;
}

/// What the parts of one page have cost so far. Who makes a page of several hands it from one to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    entries: u64,
    bytes: u64,
}

impl Spent {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.entries += 1;
        self.bytes += bytes;
    }

    pub(crate) fn cut(self, limits: QueryLimits) -> Option<CutShort> {
        if self.entries >= limits.events_scanned_max {
            return Some(CutShort::Scanned);
        }
        (self.bytes >= limits.events_read_bytes_max).then_some(CutShort::ReadBytes)
    }
}

/// A limit at which a page ends before it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutShort {
    Scanned,
    ReadBytes,
}

impl CutShort {
    pub(crate) const ALL: [Self; 2] = [Self::Scanned, Self::ReadBytes];

    /// The limit's name.
    pub(crate) const fn limit(self) -> &'static str {
        match self {
            Self::Scanned => "EVENTS_SCANNED_MAX",
            Self::ReadBytes => "EVENTS_READ_BYTES_MAX",
        }
    }
}
