//! The connection to the parent: one frame at a time, and questions that wait for their answer.

use crate::refusal::{Halt, refusal};
use contract_model::ErrorCode;
use contract_model::limits::FRAME_BYTES_MAX;
use daemon_frame::{Answer, Ask, Asked, FrameError, FromWorker, ToWorker, read_frame, write_frame};
use std::cell::{Cell, RefCell};
use std::io::BufReader;
use std::os::unix::net::UnixStream;

/// The worker's end of the socket pair.
#[derive(Debug)]
pub(crate) struct Link {
    reader: RefCell<BufReader<UnixStream>>,
    writer: UnixStream,
    gone: Cell<bool>,
}

impl Link {
    pub(crate) fn new(stream: UnixStream) -> std::io::Result<Self> {
        let writer = stream.try_clone()?;
        let reader = RefCell::new(BufReader::with_capacity(64 * 1024, stream));
        Ok(Self { reader, writer, gone: Cell::new(false) })
    }

    /// The next frame of the parent.
    pub(crate) fn read(&self) -> Result<ToWorker, FrameError> {
        read_frame(&mut *self.reader.borrow_mut())
    }

    pub(crate) fn write(&self, frame: &FromWorker) -> Result<(), FrameError> {
        write_frame(&mut &self.writer, frame)
    }

    /// Whether the parent has gone away while a handler ran.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.get()
    }

    /// Asks the parent and waits. Frames are strictly question and answer, so anything else ends the worker.
    pub(crate) fn ask(&self, ask: Ask) -> Result<Asked, Halt> {
        match self.write(&FromWorker::Ask(ask)) {
            Ok(()) => {}
            Err(FrameError::TooLong(bytes)) => return Err(too_long(bytes)),
            Err(_) => return Err(self.lost()),
        }
        match self.read() {
            Ok(ToWorker::Answer(Answer(answer))) => Ok(answer?),
            _ => Err(self.lost()),
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
