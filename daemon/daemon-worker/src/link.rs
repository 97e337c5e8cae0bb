//! The connection to the parent: one frame at a time, and questions that wait for their answer.

use crate::refusal::{Halt, refusal, with_status};
use contract_model::ErrorCode;
use contract_model::limits::FRAME_BYTES_MAX;
use daemon_frame::{Answer, Ask, Asked, FrameError, FromWorker, LogLine, ToWorker, encode, read_frame, write_frame};
use std::cell::{Cell, RefCell};
use std::io::{BufReader, Write as _};
use std::os::unix::net::UnixStream;

/// The worker's end of the socket pair.
#[derive(Debug)]
pub(crate) struct Link {
    reader: RefCell<BufReader<UnixStream>>,
    writer: UnixStream,
    gone: Cell<bool>,
    /// Heap after the last collection within a call.
    collected_at: Cell<u64>,
}

/// A call whose heap has grown by so much since the last collection is collected at its next question.
const GROWN_BYTES: u64 = 32 * 1024 * 1024;

impl Link {
    pub(crate) fn new(stream: UnixStream) -> std::io::Result<Self> {
        let writer = stream.try_clone()?;
        let reader = RefCell::new(BufReader::with_capacity(64 * 1024, stream));
        Ok(Self { reader, writer, gone: Cell::new(false), collected_at: Cell::new(0) })
    }

    /// The next frame of the parent.
    pub(crate) fn read(&self) -> Result<ToWorker, FrameError> {
        read_frame(&mut *self.reader.borrow_mut())
    }

    pub(crate) fn write(&self, frame: &FromWorker) -> Result<(), FrameError> {
        write_frame(&mut &self.writer, frame)
    }

    /// Writes a frame, unless it is longer than `most`.
    pub(crate) fn write_within(&self, frame: &FromWorker, most: u64) -> Result<(), FrameError> {
        let bytes = encode(frame)?;
        let length = bytes.len() as u64;
        if length > most.saturating_add(4) {
            return Err(FrameError::TooLong(length - 4));
        }
        Ok((&self.writer).write_all(&bytes)?)
    }

    /// Whether the parent has gone away while a handler ran.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.get()
    }

    /// Tells the parent which hook runs now. A parent that is gone is met at the next question, or at the end.
    pub(crate) fn tell(&self, place: u16) {
        let _ = self.write(&FromWorker::At(place));
    }

    /// Tells the parent what the modules log while they load; it may not live to hear more.
    pub(crate) fn say(&self, line: LogLine) {
        let _ = self.write(&FromWorker::Said(line));
    }

    /// Asks the parent and waits. But for what is told, frames are strictly question and answer, so anything else ends the worker.
    pub(crate) fn ask(&self, ask: Ask) -> Result<Asked, Halt> {
        self.collect_if_far_grown();
        match self.write(&FromWorker::Ask(ask)) {
            Ok(()) => {}
            Err(FrameError::TooLong(bytes)) => return Err(too_long(bytes)),
            Err(_) => return Err(self.lost()),
        }
        match self.read() {
            Ok(ToWorker::Answer(Answer(answer))) => Ok(answer.map_err(with_status)?),
            _ => Err(self.lost()),
        }
    }

    /// The engine counts its objects and not what they hold, so a long call that reads page after page would
    /// meet the cap with garbage. It waits here anyway.
    fn collect_if_far_grown(&self) {
        let used = crate::alloc::used();
        if used < self.collected_at.get() {
            self.collected_at.set(used);
        }
        if used > self.collected_at.get() + GROWN_BYTES {
            boa_gc::force_collect();
            self.collected_at.set(crate::alloc::used());
        }
    }

    /// The parent answered with something that does not fit the question.
    pub(crate) fn lost(&self) -> Halt {
        self.gone.set(true);
        Halt::Gone
    }
}

fn too_long(bytes: u64) -> Halt {
    let message =
        format!("the question has {bytes} bytes, at most {FRAME_BYTES_MAX} are allowed; ask for less at once");
    refusal(ErrorCode::Overloaded, message).into()
}
