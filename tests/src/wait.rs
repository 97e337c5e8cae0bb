//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// Looks again and again until there is something to see, and gives it.
#[track_caller]
pub fn wait_until<T>(patience: Duration, look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < patience, "it did not come within {patience:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a count has reached its goal, however long that takes, as long as it grows within `patience` again and
/// again: a slow machine is no fault of what is counted.
#[track_caller]
pub fn wait_for_growth(patience: Duration, goal: u64, count: impl Fn() -> u64) {
    let (mut most, mut grew) = (0, Instant::now());
    loop {
        let now = count();
        if now >= goal {
            return;
        }
        if now > most {
            (most, grew) = (now, Instant::now());
        }
        assert!(grew.elapsed() < patience, "it stood at {now} of {goal} for {patience:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
