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
