//! Room for bodies: what all of them together take in memory, from their first byte until they are answered. And room
//! for answers, until their clients have taken them.
//!
//! One body is bounded by itself. Many at a time are not, and most of what a daemon holds for its clients it holds for
//! their bodies and answers. Whoever finds no room is refused at once, while it is still being read. What is counted are
//! bytes that came and the values that were made of them; announced ones are not, or a client could take room without
//! sending.

use crate::error::{ApiError, ApiResult};
use contract_model::ErrorCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A body that takes no more than this finds room also where larger ones are refused: an eighth is left to such.
const SMALL_BYTES: u64 = 64 * 1024;

/// A room of one daemon.
#[derive(Debug)]
pub(crate) struct Room {
    kind: Kind,
    max: u64,
    taken: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Bodies,
    Answers,
}

/// What one body or answer has of it. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    bytes: u64,
}

impl Room {
    pub(crate) fn of_bodies(max: u64) -> Arc<Self> {
        Arc::new(Self { kind: Kind::Bodies, max, taken: AtomicU64::new(0) })
    }

    pub(crate) fn of_answers(max: u64) -> Arc<Self> {
        Arc::new(Self { kind: Kind::Answers, max, taken: AtomicU64::new(0) })
    }

    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { room: Arc::clone(self), bytes: 0 }
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether anything may still be taken.
    pub(crate) fn open(&self) -> ApiResult<()> {
        if self.taken() < self.max { Ok(()) } else { Err(self.crowded()) }
    }

    /// What those find who may be refused.
    fn most(&self) -> u64 {
        self.max - self.max / 8
    }

    fn crowded(&self) -> ApiError {
        let max = self.max;
        let message = match self.kind {
            Kind::Bodies => format!(
                "the bodies that are being read and answered leave no room for this one: all together may take {max} bytes in memory (BODIES_MEMORY_BYTES_MAX); send it again"
            ),
            Kind::Answers => format!(
                "answers that clients have not taken yet leave no room for this one: all together may take {max} bytes in memory (ANSWERS_MEMORY_BYTES_MAX); ask again"
            ),
        };
        ApiError::new(ErrorCode::Overloaded, message)
    }
}

impl Share {
    /// Takes more, or nothing where there is not so much.
    pub(crate) fn grow(&mut self, by: u64) -> ApiResult<()> {
        self.fits(by)?;
        // Two may see the same room: together they are over the limit by a part of a body, which is no matter.
        self.take(by);
        Ok(())
    }

    /// Takes more, whether there is so much or not: for what is done and cannot be refused any more.
    pub(crate) fn take(&mut self, by: u64) {
        self.room.taken.fetch_add(by, Ordering::Relaxed);
        self.bytes += by;
    }

    /// Another one in the same room.
    pub(crate) fn beside(&self) -> Self {
        self.room.share()
    }

    /// So much it has.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there is room for so much more.
    pub(crate) fn fits(&self, by: u64) -> ApiResult<()> {
        let room = &self.room;
        let most = match room.kind {
            Kind::Bodies if self.bytes + by <= SMALL_BYTES => room.max,
            Kind::Bodies | Kind::Answers => room.most(),
        };
        if room.taken() + by <= most { Ok(()) } else { Err(room.crowded()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn what_was_taken_is_given_back() {
        let room = Room::of_bodies(MIB);
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
        let room = Room::of_bodies(MIB);
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

    #[test]
    fn what_may_be_refused_leaves_room_for_answers_that_may_not() {
        let room = Room::of_answers(MIB);
        let (mut page, mut verb) = (room.share(), room.share());
        page.grow(MIB * 7 / 8).expect("room");
        let refused = page.grow(1).expect_err("no room");
        assert!(refused.message.contains("ANSWERS_MEMORY_BYTES_MAX"), "{}", refused.message);
        room.open().expect("verbs are called");
        verb.take(MIB);
        assert!(room.open().is_err(), "until it is full");
        drop(verb);
        room.open().expect("it was given back");
    }
}
