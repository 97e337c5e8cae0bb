//! One side of a comparison: something that can be started on a folder, again on the same one, and asked.

use crate::load::{self, Make, Round, Sending};
use crate::program::Program;
use crate::request::{Ask, Connection, Request, Target};
use anyhow::{Context, Result};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lines of one write, which both sides' buffers hold.
const ASKED_AT_ONCE: usize = 256;
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A way to start a server on a folder; what an earlier one left there is found again.
pub(crate) type Start = Box<dyn Fn(&Path) -> Result<Server>>;

/// What can be started, and its name with version as the table gives it.
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) start: Start,
}

/// A running server; dropping it ends it without a word, as a crash would.
pub(crate) struct Server {
    pub(crate) program: Program,
    /// What the server itself needs beside it, such as the process that holds a handler.
    pub(crate) _beside: Option<Program>,
    pub(crate) target: Target,
    /// Where it is asked what it holds; another port than the target's with some.
    pub(crate) judge: Target,
    /// From the start of the process until it served.
    pub(crate) ready_after: Duration,
}

/// A side with what it needs to have done first, and what must hold at the end.
pub(crate) struct Entrant {
    pub(crate) side: Side,
    pub(crate) prepare: Vec<Request>,
    /// Given how many writes were acknowledged: what a server started anew must answer.
    pub(crate) proof: Box<dyn Fn(u64) -> Vec<Request>>,
}

/// An entrant whose server runs.
pub(crate) struct Running<'a> {
    entrant: &'a Entrant,
    home: PathBuf,
    server: Server,
    written: Arc<AtomicU64>,
    /// Connections between rounds.
    open: Vec<Connection>,
}

impl<'a> Running<'a> {
    pub(crate) async fn start(entrant: &'a Entrant, home: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&home)?;
        let server = (entrant.side.start)(&home).with_context(|| entrant.side.name.clone())?;
        ask(&server.target, &entrant.prepare).await.with_context(|| format!("prepare {}", entrant.side.name))?;
        Ok(Self { entrant, home, server, written: Arc::default(), open: Vec::new() })
    }

    /// Another kind of connection may be wanted next.
    pub(crate) fn hang_up(&mut self) {
        self.open.clear();
    }

    /// One round of load.
    pub(crate) async fn round(&mut self, make: &Make, sending: Sending, length: Duration) -> Result<Round> {
        let entrant = self.entrant;
        let name = || entrant.side.name.clone();
        let numbers = if sending.writes { self.written.clone() } else { Arc::default() };
        let mut open = Vec::new();
        for _ in 0..sending.connections {
            let connection = match self.open.pop() {
                Some(connection) => connection.again(&self.server.target).await,
                None => Connection::open(&self.server.target, sending.lines).await,
            };
            open.push(connection.with_context(name)?);
        }
        let round = load::run(&mut open, sending.window, make, &numbers, length).await.with_context(name)?;
        self.open.extend(open);
        Ok(round)
    }

    /// Ends the server, starts it again, and asks whether all that was acknowledged is there.
    pub(crate) async fn prove(self, patience: Duration) -> Result<()> {
        let Self { entrant, home, server, written, .. } = self;
        drop(server);
        let again = (entrant.side.start)(&home).with_context(|| format!("start {} again", entrant.side.name))?;
        let proof = (entrant.proof)(written.load(Ordering::Relaxed));
        let asked = Instant::now();
        loop {
            match ask(&again.judge, &proof).await {
                // A server may serve before all of it has recovered; what is lost stays lost however long one waits.
                Err(_) if asked.elapsed() < patience => tokio::time::sleep(ASK_AGAIN_AFTER).await,
                done => return done.with_context(|| format!("{} after a kill", entrant.side.name)),
            }
        }
    }
}

/// Events are asked for many at a time, all else one after another.
async fn ask(target: &Target, requests: &[Request]) -> Result<()> {
    if requests.iter().all(|request| matches!(request.ask, Ask::Line(_))) && !requests.is_empty() {
        let mut connection = Connection::open(target, Some("")).await?;
        for some in requests.chunks(ASKED_AT_ONCE) {
            connection.write(some).await?;
            for request in some {
                connection.answer(request).await?;
            }
        }
        return Ok(());
    }
    let mut connection = Connection::open(target, None).await?;
    for request in requests {
        connection.send(request).await?;
    }
    Ok(())
}

/// A port of the loopback that nobody holds at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether a GET of this address is answered with success.
pub(crate) fn answers(url: &str) -> bool {
    ureq::get(url).call().is_ok()
}
