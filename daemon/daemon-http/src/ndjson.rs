//! Bodies that stream: newline-delimited JSON in, one answer a line out, in order, both at the same time.
//!
//! A reader task cuts the body into lines and submits them in order; the window between the last line submitted
//! and the last one answered is bounded, and so are the answers that wait for a client which does not read: in lines, in
//! bytes, and with those of all other clients.

use crate::answers::held;
use crate::api::Api;
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::json::Text;
use crate::meter::Refused;
use crate::reply;
use crate::room::Share;
use axum::body::Body;
use axum::response::Response;
use bytes::{Buf, Bytes, BytesMut};
use contract_model::{ErrorCode, limits};
use daemon_host::HostError;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

pub(crate) const MEDIA_TYPE: &str = "application/x-ndjson";
/// How long what a client still sends is taken, where no further line of it is read.
const PARTING: Duration = Duration::from_secs(1);

/// The text of an answer, without its line end, when it is known.
pub(crate) type Answer = BoxFuture<'static, Result<Vec<u8>, HostError>>;

/// The text of an answer.
pub(crate) fn text(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        ApiError::new(ErrorCode::Internal, "the answer cannot be written as JSON").line().to_string().into_bytes()
    })
}

/// What becomes of the lines of a body.
pub(crate) trait Lines: Send + 'static {
    /// Lines that may be submitted and not yet answered.
    const WINDOW_MAX: u64;

    /// For how long an answer is taken before the first one is known, in bytes.
    fn answer_bytes(&self) -> u64;

    /// Asked before each part of the body is looked at: why no further line is taken.
    fn goes_on(&self) -> ApiResult<()> {
        Ok(())
    }

    /// Submits one line. What is to keep the order of the lines has happened when this returns.
    fn submit(&self, line: &[u8], of: Text, share: &mut Share) -> ApiResult<Answer>;
}

/// A line that has been dealt with as far as it can be at once.
enum Line {
    /// With the room that it takes until it is answered.
    Submitted(Answer, Share),
    Refused(ApiError),
}

/// The text of an answer, with its place among those of its body and its share of what all answers take.
struct Answered {
    text: Vec<u8>,
    held: (OwnedSemaphorePermit, Share),
}

/// The places of a body's answers, in bytes, from when their lines are submitted until they are sent. How long an answer
/// will be is not known before; it is taken for as long as the last ones were.
struct Places {
    left: Arc<Semaphore>,
    expected: AtomicU64,
}

impl Places {
    fn new(expected: u64) -> Arc<Self> {
        let left = Arc::new(Semaphore::new(cut(limits::NDJSON_ANSWERS_BYTES_MAX)));
        Arc::new(Self { left, expected: AtomicU64::new(expected) })
    }

    /// A place for the answer to one more line.
    async fn one(&self) -> Result<OwnedSemaphorePermit, Gone> {
        let bytes = self.expected.load(Ordering::Relaxed).clamp(1, limits::NDJSON_ANSWERS_BYTES_MAX);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.left).acquire_many_owned(bytes).await.map_err(|_| Gone)
    }

    /// An answer is so long. What its place has too much is free; what it has too little the next ones take more.
    fn known(&self, place: &mut OwnedSemaphorePermit, bytes: usize) {
        let expected = self.expected.load(Ordering::Relaxed);
        self.expected.store((bytes as u64).max(expected - expected / 8), Ordering::Relaxed);
        drop(place.split(place.num_permits().saturating_sub(bytes)));
    }
}

/// Answers a request whose body is a stream of lines.
pub(crate) fn answer<L: Lines>(api: &Api, to: L, body: Body) -> Response {
    // One more line than the channel holds is in the hands of `collect`.
    let (lines, replies) = mpsc::channel(cut(L::WINDOW_MAX - 1));
    let (out, answered) = mpsc::channel(cut(limits::NDJSON_ANSWERS_MAX));
    let (stopping, places) = (api.stopping.subscribe(), Places::new(to.answer_bytes()));
    tokio::spawn(collect(api.clone(), Arc::clone(&places), replies, out));
    tokio::spawn(Reading { api: api.clone(), to, places, lines, stopping }.run(body));
    let chunks = stream::unfold(answered, |mut answered: mpsc::Receiver<Answered>| async move {
        // Many short lines travel in one chunk.
        let mut ready = Vec::new();
        if answered.recv_many(&mut ready, 256).await == 0 {
            return None;
        }
        let (texts, shares): (Vec<_>, Vec<_>) = ready.into_iter().map(|one| (one.text, one.held)).unzip();
        Some((Ok::<Bytes, Infallible>(held(texts.concat(), shares)), answered))
    });
    reply::body(200, MEDIA_TYPE, Body::from_stream(chunks))
}

fn cut(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Reads lines and submits them.
struct Reading<L> {
    api: Api,
    to: L,
    places: Arc<Places>,
    lines: mpsc::Sender<(Line, OwnedSemaphorePermit)>,
    stopping: watch::Receiver<bool>,
}

/// Nobody takes answers any more.
struct Gone;

impl<L: Lines> Reading<L> {
    /// Until the body ends or breaks, the client goes, or no further line may be taken, which is told as the last answer.
    async fn run(mut self, mut body: Body) {
        if let Ok(Some(why)) = self.read(&mut body).await {
            // Fails only when the client has gone, and then there is nobody to tell.
            let _gone = self.pass(Line::Refused(why)).await;
            body::discard(body, PARTING);
        }
    }

    async fn read(&mut self, body: &mut Body) -> Result<Option<ApiError>, Gone> {
        let mut cutter = Cutter::default();
        // For the line that is still coming.
        let mut share = self.api.bodies.share();
        loop {
            let part = match self.next_part(body).await {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(why) => return Ok(Some(why)),
            };
            cutter.push(&part);
            while let Some(line) = cutter.next() {
                self.submit(line).await?;
            }
            if let Err(crowded) = share.resize(cutter.pending.len() as u64) {
                cutter.skip();
                self.pass(Line::Refused(crowded)).await?;
            }
        }
        if let Some(line) = cutter.last() {
            self.submit(line).await?;
        }
        Ok(None)
    }

    async fn next_part(&mut self, body: &mut Body) -> ApiResult<Option<Bytes>> {
        let part = tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(stops()),
            part = body::next_part(body, self.api.read_timeout) => part,
        };
        self.to.goes_on().and(part)
    }

    /// Passes one line on, waiting for room in the window first, and for its answer's, so that nothing is submitted beyond
    /// it.
    async fn submit(&mut self, line: ApiResult<Numbered>) -> Result<(), Gone> {
        let place = self.places.one().await?;
        let room = self.lines.reserve().await.map_err(|_| Gone)?;
        let mut share = self.api.bodies.share();
        let open = line.and_then(|line| self.api.answers.open().map(|()| line));
        let line = match open.and_then(|(of, line)| self.to.submit(&line, of, &mut share)) {
            Ok(answer) => Line::Submitted(answer, share),
            Err(error) => Line::Refused(error),
        };
        room.send((line, place));
        Ok(())
    }

    /// Passes on what was not submitted.
    async fn pass(&mut self, line: Line) -> Result<(), Gone> {
        let place = self.places.one().await?;
        self.lines.send((line, place)).await.map_err(|_| Gone)
    }
}

fn stops() -> ApiError {
    ApiError::new(ErrorCode::ShuttingDown, "the daemon is stopping; no line after those answered was read")
}

/// Awaits the answers in order and writes each as a line.
async fn collect(
    api: Api,
    places: Arc<Places>,
    mut replies: mpsc::Receiver<(Line, OwnedSemaphorePermit)>,
    out: mpsc::Sender<Answered>,
) {
    while let Some((line, mut place)) = replies.recv().await {
        let mut text = match line {
            Line::Submitted(answer, _share) => {
                answer.await.unwrap_or_else(|error| refused(&api, &ApiError::from(error)))
            }
            Line::Refused(error) => refused(&api, &error),
        };
        text.push(b'\n');
        places.known(&mut place, text.len());
        let mut share = api.answers.share();
        share.take(text.len() as u64);
        if out.send(Answered { text, held: (place, share) }).await.is_err() {
            return;
        }
    }
}

/// Counted like that of a whole request.
fn refused(api: &Api, error: &ApiError) -> Vec<u8> {
    api.meter.refused(Refused::of(&error.code, &error.message));
    error.line().to_string().into_bytes()
}

/// A line that was cut off, and which one it is.
type Numbered = (Text, Bytes);

/// Cuts a stream of bytes into lines. A line over the limit is skipped to its end and reported once.
#[derive(Default)]
struct Cutter {
    pending: BytesMut,
    /// Bytes of `pending` that are known to hold no line end.
    searched: usize,
    skipping: bool,
    /// Lines that have ended, blank ones too.
    ended: u64,
}

impl Cutter {
    fn push(&mut self, part: &[u8]) {
        self.pending.extend_from_slice(part);
    }

    /// The next complete line that is not blank.
    fn next(&mut self) -> Option<ApiResult<Numbered>> {
        loop {
            let Some(at) = self.pending[self.searched..].iter().position(|byte| *byte == b'\n') else {
                self.searched = self.pending.len();
                return self.overlong();
            };
            let line = self.pending.split_to(self.searched + at).freeze();
            self.pending.advance(1);
            self.searched = 0;
            let number = self.number();
            self.ended += 1;
            if std::mem::take(&mut self.skipping) || line.trim_ascii().is_empty() {
                continue;
            }
            return Some(if line.len() > max() { Err(too_long(number)) } else { Ok((number, line)) });
        }
    }

    /// A line that is already too long is dropped before its end has come.
    fn overlong(&mut self) -> Option<ApiResult<Numbered>> {
        if self.pending.len() <= max() && !self.skipping {
            return None;
        }
        let skipped = self.skipping;
        self.skip();
        (!skipped).then(|| Err(too_long(self.number())))
    }

    /// What has come of a line is dropped, and what is still to come of it.
    fn skip(&mut self) {
        self.pending = BytesMut::new();
        self.searched = 0;
        self.skipping = true;
    }

    /// The line after the last line end.
    fn last(&mut self) -> Option<ApiResult<Numbered>> {
        let line = std::mem::take(&mut self.pending).freeze();
        (!self.skipping && !line.trim_ascii().is_empty()).then(|| Ok((self.number(), line)))
    }

    /// The line that comes.
    fn number(&self) -> Text {
        Text::Line(self.ended + 1)
    }
}

fn max() -> usize {
    cut(limits::NDJSON_LINE_BYTES_MAX)
}

fn too_long(line: Text) -> ApiError {
    let max = limits::NDJSON_LINE_BYTES_MAX;
    ApiError::new(ErrorCode::BodyTooLarge, format!("{line} is longer than {max} bytes (NDJSON_LINE_BYTES_MAX)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &[&[u8]], want: &[Result<&str, u16>]) {
        let mut cutter = Cutter::default();
        let mut got = Vec::new();
        for part in parts {
            cutter.push(part);
            got.extend(std::iter::from_fn(|| cutter.next()));
        }
        got.extend(cutter.last());
        let got: Vec<Result<String, u16>> = got
            .into_iter()
            .map(|line| line.map(|(_, l)| String::from_utf8_lossy(&l).into_owned()).map_err(|e| e.status))
            .collect();
        let want: Vec<Result<String, u16>> = want.iter().map(|w| w.map(str::to_owned)).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn lines_are_cut_wherever_the_parts_end() {
        check(&[b"1\n2", b"2\n", b"\n \r\n3"], &[Ok("1"), Ok("22"), Ok("3")]);
        check(&[b""], &[]);
    }

    #[test]
    fn a_line_too_long_is_reported_once_and_the_next_one_is_read() {
        let long = vec![b'x'; max() - 1];
        check(&[&long, b"xx", b"yyy", b"y\n5\n"], &[Err(413), Ok("5")]);
        check(&[b"1\n", &long, b"x\n6\n"], &[Ok("1"), Ok(&format!("{}x", String::from_utf8_lossy(&long))), Ok("6")]);
    }
}
