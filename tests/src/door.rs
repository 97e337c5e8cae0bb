//! A door of a host outside: whoever asks there waits until it is opened.

use crate::outside::{Outside, answer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SHUT_MAX: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A host that answers every request with 200, once its door is open.
pub struct Door {
    outside: Outside,
    is_open: Arc<AtomicBool>,
}

impl Door {
    /// A host with its door shut.
    #[must_use]
    pub fn shut() -> Self {
        let is_open = Arc::<AtomicBool>::default();
        let opened = is_open.clone();
        let outside = Outside::of(move |_, _| {
            let begun = Instant::now();
            while !opened.load(Ordering::Acquire) && begun.elapsed() < SHUT_MAX {
                std::thread::sleep(LOOK_EVERY);
            }
            answer("200 OK", "", "")
        });
        Self { outside, is_open }
    }

    /// The port of the host.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.outside.port
    }

    /// Whether somebody has come to it.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !self.outside.seen().is_empty()
    }

    /// Lets in who waits, and all who come.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.open();
    }
}
