//! The host's one look at the wall clock, and the clock of a rehearsal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the clock of a rehearsal stands; 0 where time goes by. A process rehearses one thing at a time.
static STANDS_AT_MS: AtomicU64 = AtomicU64::new(0);

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    match STANDS_AT_MS.load(Ordering::Relaxed) {
        0 => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
        standing => standing,
    }
}

/// From now on the clock stands there.
pub(crate) fn stand_at(now_ms: u64) {
    STANDS_AT_MS.store(now_ms.max(1), Ordering::Relaxed);
}
