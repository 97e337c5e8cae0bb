//! Room for bodies: what all of them together take in memory, from their first byte until they are answered.
//!
//! One body is bounded by itself. Many at a time are not, and most of what a daemon holds for its clients it holds for
//! their bodies. Whoever finds no room is refused at once, while it is still being read. What is counted are bytes that
//! came and the values that were made of them; announced ones are not, or a client could take room without sending.

use crate::error::{ApiError, ApiResult};
use contract_model::ErrorCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A body that takes no more than this finds room also where larger ones are refused: an eighth is left to such.
const SMALL_BYTES: u64 = 64 * 1024;

/// The room of one daemon.
#[derive(Debug)]
pub(crate) struct Room {
    max: u64,
    taken: AtomicU64,
}

/// What one body has of it. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    bytes: u64,
}

impl Room {
    pub(crate) fn new(max: u64) -> Arc<Self> {
        Arc::new(Self { max, taken: AtomicU64::new(0) })
    }

    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { room: Arc::clone(self), bytes: 0 }
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Takes more, or nothing where there is not so much.
    pub(crate) fn grow(&mut self, by: u64) -> ApiResult<()> {
        self.fits(by)?;
        // Two may see the same room: together they are over the limit by a part of a body, which is no matter.
        self.room.taken.fetch_add(by, Ordering::Relaxed);
        self.bytes += by;
        Ok(())
    }

    /// Whether there is room for so much more.
    pub(crate) fn fits(&self, by: u64) -> ApiResult<()> {
        let max = self.room.max;
        let most = if self.bytes + by <= SMALL_BYTES { max } else { max - max / 8 };
        if self.room.taken() + by <= most { Ok(()) } else { Err(crowded(max)) }
    }

    /// Gives a part back.
    pub(crate) fn shrink(&mut self, by: u64) {
        self.room.taken.fetch_sub(by, Ordering::Relaxed);
        self.bytes -= by;
    }

    /// Has so much and no more.
    pub(crate) fn resize(&mut self, to: u64) -> ApiResult<()> {
        if to > self.bytes {
            return self.grow(to - self.bytes);
        }
        self.shrink(self.bytes - to);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn crowded(max: u64) -> ApiError {
    let message = format!(
        "the bodies that are being read and answered leave no room for this one: all together may take {max} bytes in memory (BODIES_MEMORY_BYTES_MAX); send it again"
    );
    ApiError::new(ErrorCode::Overloaded, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn what_was_taken_is_given_back() {
        let room = Room::new(MIB);
        let mut share = room.share();
        for size in [100, 700_000, 0, 800_000, 7] {
            share.resize(size).expect("room");
            assert_eq!(room.taken(), size);
        }
        assert!(share.resize(2 * MIB).is_err());
        assert_eq!(room.taken(), 7, "who is refused keeps what it had");
        drop(share);
        assert_eq!(room.taken(), 0);
    }

    #[test]
    fn large_bodies_leave_room_for_small_ones() {
        let room = Room::new(MIB);
        let (mut first, mut second) = (room.share(), room.share());
        first.grow(MIB * 7 / 8).expect("room");
        let refused = second.grow(SMALL_BYTES + 1).expect_err("no room");
        assert_eq!((refused.status, refused.retry_after.is_some()), (503, true));
        assert!(refused.message.contains("BODIES_MEMORY_BYTES_MAX"), "{}", refused.message);
        second.grow(SMALL_BYTES).expect("room for a small one");
        assert!(first.grow(1).is_err() && second.grow(1).is_err());
        let mut third = room.share();
        assert!(third.grow(SMALL_BYTES).is_ok() && room.share().grow(1).is_err(), "full is full");
    }
}
