//! What one call of a plugin may use. An operator sets other values for a plugin, up to a ceiling.

use crate::code::ErrorCode;
use crate::limits;

/// One limit of a plugin's calls.
#[derive(Debug, Clone, Copy)]
pub struct PluginLimit {
    /// Its name, as operators set it and as metrics call it.
    pub name: &'static str,
    /// The value in force unless an operator sets another.
    pub usual: u64,
    /// The highest value that an operator can set.
    pub ceiling: u64,
    /// Its unit.
    pub unit: &'static str,
    /// What a call is told that meets it.
    pub code: ErrorCode,
    /// What it bounds.
    pub what: &'static str,
}

const MINUTES_5_MS: u64 = 5 * 60 * 1000;

macro_rules! plugin_limits {
    ($($constant:ident $name:literal = $usual:expr, up to $ceiling:expr, $unit:literal, $code:ident, $what:literal;)*) => {
        $(#[doc = $what] pub const $constant: &str = $name;)*
        /// All limits of a plugin's calls.
        pub const ALL: &[PluginLimit] = &[$(PluginLimit {
            name: $name, usual: $usual, ceiling: $ceiling, unit: $unit, code: ErrorCode::$code, what: $what,
        },)*];
    };
}

plugin_limits! {
    WALL_MS "wall_ms" = MINUTES_5_MS, up to MINUTES_5_MS, "ms", PluginDeadline, "The time of a call, whatever its handler asks for with `timeout` or `deadline`; one that asks for nothing has `CALL_DEADLINE_MS`.";
    CPU_MS "cpu_ms" = 60_000, up to MINUTES_5_MS, "ms", PluginDeadline, "The time that a call's worker computes; what it waits is not counted.";
    MEMORY_BYTES "memory_bytes" = limits::WORKER_MEMORY_BYTES_MAX, up to 1024 * 1024 * 1024, "bytes", PluginMemory, "The heap of a worker process.";
    EVENTS "events" = limits::EVENTS_PER_UNIT_MAX, up to 10_000, "events", Overloaded, "Events that a call publishes.";
    RECORDS "records" = limits::RECORDS_PER_UNIT_MAX, up to 100_000, "records", Overloaded, "Records that a call changes.";
    RECORDS_READ "records_read" = 1_000_000, up to 10_000_000, "records", Overloaded, "Records that a call is given to read.";
    BYTES_OUT "bytes_out" = limits::FRAME_BYTES_MAX, up to limits::FRAME_BYTES_MAX, "bytes", Overloaded, "What a call hands back: its answer, records, events and log lines.";
    LOG_LINES "log_lines" = limits::LOG_LINES_PER_CALL_MAX, up to 10_000, "lines", PluginError, "Log lines of a call that are kept; the rest is counted.";
}

/// The limit of a name.
pub fn find(name: &str) -> Option<&'static PluginLimit> {
    ALL.iter().find(|limit| limit.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_usual_value_is_over_its_ceiling() {
        for limit in ALL {
            assert!((1..=limit.ceiling).contains(&limit.usual), "{}", limit.name);
            assert_eq!(find(limit.name).map(|found| found.what), Some(limit.what));
        }
    }
}
