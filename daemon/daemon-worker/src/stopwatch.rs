//! What calls have computed.

use rustix::time::{ClockId, clock_gettime};

/// Processor time by laps, of which each call is one. Asking the kernel for it takes as long as a small handler does, so
/// between two calls of a run it is asked once, and only for this thread: no other one of a worker computes anything.
pub(crate) struct Stopwatch {
    process_us: u64,
    thread_us: u64,
}

impl Stopwatch {
    /// The process has loaded its plugin.
    pub(crate) fn start() -> Self {
        Self { process_us: read(ClockId::ProcessCPUTime), thread_us: read(ClockId::ThreadCPUTime) }
    }

    /// What was computed since the last lap ended, and by the process in all, in microseconds.
    pub(crate) fn lap(&mut self) -> (u64, u64) {
        let thread_us = read(ClockId::ThreadCPUTime);
        let lap_us = thread_us.saturating_sub(self.thread_us);
        self.thread_us = thread_us;
        self.process_us += lap_us;
        (lap_us, self.process_us)
    }
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    #[test]
    fn a_lap_is_what_was_computed_in_it() {
        let mut stopwatch = Stopwatch::start();
        let (_, before_us) = stopwatch.lap();
        std::thread::sleep(Duration::from_millis(30));
        let (asleep_us, _) = stopwatch.lap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(30) {
            black_box(begun);
        }
        let (awake_us, after_us) = stopwatch.lap();
        assert!(asleep_us < awake_us, "{asleep_us} us asleep, {awake_us} us awake");
        assert_eq!(after_us - before_us, asleep_us + awake_us);
    }
}
