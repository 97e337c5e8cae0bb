//! One reader's way through log and tail, whatever it is written on.
//!
//! A reader starts from the log and goes over to the live tail when it has caught up; the sequence of the last
//! event seen decides what is new, so there is neither gap nor repeat where the two meet. The live tail is a ring
//! that never waits for a reader: one who falls behind by more than the limit is cut off, and resumes from the log.

use crate::api::Api;
use crate::auth::{Reader, Token};
use crate::error::{ApiError, ApiResult};
use crate::query::{Params, invalid};
use crate::room::Share;
use async_broadcast::{Receiver, RecvError};
use axum::http::{HeaderMap, Uri};
use contract_model::{ErrorCode, Event, Sequence, TenantId, TopicPattern, limits};
use daemon_host::{EventQuery, EventsPage, HostError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const PAGE: usize = 256;
/// A reader that does not read holds a page and no more.
const PAGE_BYTES: u64 = 64 * 1024;
/// How long a reader waits for room among all answers, and how often it looks.
const ROOM_WAIT: Duration = Duration::from_millis(limits::HTTP_WRITE_MS_MAX);
const ROOM_LOOK: Duration = Duration::from_millis(50);
/// Silence after which a reader is told that there is nothing, so that a dead connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A part of the stream.
pub(super) enum Part {
    /// Events, in order.
    Events(Vec<Arc<Event>>),
    /// Nothing has happened for a while.
    Quiet,
    /// The reader is cut off.
    CutOff(ApiError),
}

/// What one step of a feed asks for.
enum Step {
    Go,
    /// What is ready is to be told.
    Tell,
    Quiet,
    End,
}

/// One reader's way through log and tail.
pub(super) struct Feed {
    api: Api,
    token: Token,
    tenant: Option<TenantId>,
    /// Empty: all topics.
    topics: Vec<TopicPattern>,
    /// The last event that was sent or passed over.
    last: Sequence,
    live: Receiver<Arc<Event>>,
    ready: VecDeque<Arc<Event>>,
    catching_up: bool,
    stopping: watch::Receiver<bool>,
    ended: bool,
}

impl Feed {
    /// Where a reader begins, as the request says.
    pub(super) fn of(api: Api, reader: &Reader, headers: &HeaderMap, uri: &Uri) -> ApiResult<Self> {
        let params = Params::of(uri, &["topics", "last_event_id", "tenant"])?;
        let stopping = api.stopping.subscribe();
        // Before the log is read, or what is published in between would be missed.
        let live = api.backend.tail();
        let resume = resume_after(headers, &params)?;
        let tenant = reader.tenant(params.tenant("tenant")?)?;
        let mut feed = Self {
            token: Token::of(headers)?,
            last: Sequence(0),
            topics: params.patterns("topics")?,
            ready: VecDeque::new(),
            catching_up: resume.is_some(),
            tenant,
            live,
            stopping,
            api,
            ended: false,
        };
        let log_end = feed.api.backend.last_sequence()?;
        if let Some(after) = resume.filter(|after| *after > log_end) {
            return Err(ahead(after, log_end));
        }
        feed.last = resume.unwrap_or(log_end);
        Ok(feed)
    }

    /// The next part of the stream; none at its end.
    pub(super) async fn next(&mut self) -> Option<Part> {
        loop {
            if self.ended {
                return None;
            }
            let step = if self.ready.is_empty() { self.step().await } else { Ok(Step::Tell) };
            // Whose token was taken back or has run out hears no more, whenever the stream began.
            match step.and_then(|step| self.token.holds(&self.api).map(|()| step)) {
                Ok(Step::Go) => {}
                Ok(Step::Tell) => return Some(Part::Events(self.ready.drain(..).collect())),
                Ok(Step::Quiet) => return Some(Part::Quiet),
                Ok(Step::End) => return None,
                Err(error) => {
                    self.ended = true;
                    return Some(Part::CutOff(error));
                }
            }
        }
    }

    async fn step(&mut self) -> ApiResult<Step> {
        self.room().await?;
        Ok(if self.catching_up { self.read_log().await? } else { self.hear().await? })
    }

    /// Waits until there is room among all answers, so that nothing is read which would only wait. Live events are there
    /// for everybody; those of the log are read for this reader.
    async fn room(&self) -> ApiResult<()> {
        let (answers, until) = (&self.api.answers, Instant::now() + ROOM_WAIT);
        loop {
            let room = if self.catching_up { answers.share().fits(PAGE_BYTES) } else { answers.open() };
            if room.is_ok() || *self.stopping.borrow() {
                return Ok(());
            }
            if Instant::now() >= until {
                return room;
            }
            tokio::time::sleep(ROOM_LOOK).await;
        }
    }

    /// The share of a part until it is sent.
    pub(super) fn share(&self, bytes: usize) -> Share {
        let mut share = self.api.answers.share();
        share.take(bytes as u64);
        share
    }

    /// Reads one page of the log; from the last one on the tail goes on.
    async fn read_log(&mut self) -> Result<Step, HostError> {
        if *self.stopping.borrow() {
            return Ok(Step::End);
        }
        let page = self.page()?;
        self.catching_up = page.next.is_some();
        self.turn(page);
        // Others wait for this thread, and the way through a long log is long.
        tokio::task::yield_now().await;
        Ok(Step::Go)
    }

    /// Waits for the next live event.
    async fn hear(&mut self) -> Result<Step, HostError> {
        let event = tokio::select! {
            _ = self.stopping.wait_for(|stopping| *stopping) => return Ok(Step::End),
            heard = tokio::time::timeout(KEEP_ALIVE, self.live.recv_direct()) => heard,
        };
        match event {
            Err(_) => {
                // The log has the last word also where nothing was heard.
                self.catching_up = true;
                Ok(Step::Quiet)
            }
            Ok(Ok(event)) => self.follow(event),
            Ok(Err(RecvError::Overflowed(_))) => self.fell_behind(),
            Ok(Err(RecvError::Closed)) => Ok(Step::End),
        }
    }

    /// Takes a live event. Sequences have no gaps, so one that does not follow the last shows that something
    /// was not heard; then the log tells it.
    fn follow(&mut self, event: Arc<Event>) -> Result<Step, HostError> {
        if event.sequence <= self.last {
            return Ok(Step::Go);
        }
        if event.sequence > self.last.next() {
            let missed = self.page()?;
            if !missed.events.is_empty() || missed.next.is_some() {
                self.catching_up = true;
                self.turn(missed);
                return Ok(Step::Go);
            }
        }
        self.last = event.sequence;
        if self.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant) {
            self.take(vec![event]);
        }
        Ok(Step::Go)
    }

    /// The ring has run over this reader: what it missed comes from the log, unless that is too much.
    fn fell_behind(&mut self) -> Result<Step, HostError> {
        let most = usize::try_from(limits::REALTIME_CLIENT_QUEUE_MAX).unwrap_or(usize::MAX);
        if self.events(most + 1, None)?.events.len() > most {
            let why = "this reader is too slow (REALTIME_CLIENT_QUEUE_MAX); connect again with Last-Event-ID";
            return Err(HostError::new(ErrorCode::Overloaded, why));
        }
        self.catching_up = true;
        Ok(Step::Go)
    }

    /// A page, as long as one reader may hold it.
    fn page(&self) -> Result<EventsPage<Arc<Event>>, HostError> {
        self.events(PAGE, Some(PAGE_BYTES))
    }

    /// Events after the last one, of all topics: a pattern may not keep `last` from going on.
    fn events(&self, limit: usize, bytes: Option<u64>) -> Result<EventsPage<Arc<Event>>, HostError> {
        let tenant = self.tenant.clone();
        self.api.backend.events(EventQuery { tenant, after: self.last, limit, bytes, ..EventQuery::default() })
    }

    /// Takes a page, which may have looked further than to its last event.
    fn turn(&mut self, page: EventsPage<Arc<Event>>) {
        self.take(page.events);
        self.last = page.next.unwrap_or(self.last);
    }

    fn take(&mut self, events: Vec<Arc<Event>>) {
        if let Some(last) = events.last() {
            self.last = last.sequence;
        }
        let topics = &self.topics;
        let wanted = |event: &Arc<Event>| topics.is_empty() || topics.iter().any(|t| t.matches(event.topic.as_str()));
        self.ready.extend(events.into_iter().filter(wanted));
    }
}

/// Nothing that comes would be new to such a reader for a long time, so it would miss it all and not know.
fn ahead(after: Sequence, log_end: Sequence) -> ApiError {
    let message = format!(
        "the reader has seen event {after}, and the log ends at {log_end}: the store was put back to an earlier state, or is another one; begin again without an id, or with one that is there"
    );
    ApiError::new(ErrorCode::CursorAhead, message)
}

/// Where the client left off: the header wins over the parameter, which serves a first connection.
fn resume_after(headers: &HeaderMap, params: &Params) -> ApiResult<Option<Sequence>> {
    let Some(header) = headers.get("last-event-id") else {
        return Ok(params.number("last_event_id", u64::MAX)?.map(Sequence));
    };
    let number = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(|n| Some(Sequence(n))).ok_or_else(|| invalid("`Last-Event-ID` must be an id of this stream".to_owned()))
}
