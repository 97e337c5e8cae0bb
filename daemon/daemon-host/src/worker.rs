//! One worker process: spawned, spoken to, and killed when it will not end.

use crate::api::HostError;
use crate::spoken;
use contract_model::limits::{FRAME_BYTES_MAX, LOAD_CPU_MS, LOAD_DEADLINE_MS};
use contract_model::{ErrorCode, plugin_limit};
use daemon_frame::{Answer, Ask, Done, Failure, FromWorker, Item, Registered, Run, ToWorker};
use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// Exit code of a worker whose heap reached its cap.
pub const EXIT_MEMORY: i32 = 86;

/// How to start a worker: the host appends `--fd 0 <slug>`, and the socket is the child's standard input.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The program, normally the daemon's own binary.
    pub program: PathBuf,
    /// Its leading arguments, such as `worker`.
    pub args: Vec<OsString>,
}

/// Why a worker is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorkerEnd {
    /// It ran past a deadline and was killed.
    Deadline(Duration),
    /// It computed longer than a call may, and was killed.
    Cpu(Duration),
    /// Its heap reached the cap.
    Memory,
    /// It died by itself; the text says how and what it last wrote.
    Crashed(String),
    /// Somebody outside killed it.
    KilledFromOutside,
    /// The daemon's own code failed over it.
    Abandoned,
    /// It could not be started or broke the protocol.
    Unusable(String),
}

impl WorkerEnd {
    /// Whether the plugin is to blame.
    pub(crate) fn is_plugins_fault(&self) -> bool {
        !matches!(self, Self::KilledFromOutside | Self::Abandoned)
    }

    /// The limit that was met, if it was one.
    pub(crate) fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Deadline(_) => Some(plugin_limit::WALL_MS),
            Self::Cpu(_) => Some(plugin_limit::CPU_MS),
            Self::Memory => Some(plugin_limit::MEMORY_BYTES),
            Self::Crashed(_) | Self::KilledFromOutside | Self::Abandoned | Self::Unusable(_) => None,
        }
    }

    /// Code and message for whoever waited. `what` is the handler that ran, if one did.
    pub(crate) fn describe(&self, slug: &str, what: Option<&str>) -> (ErrorCode, String) {
        let it = what.unwrap_or("it");
        let within = what.map_or(String::new(), |what| format!(" in {what}"));
        match self {
            Self::Deadline(limit) => (
                ErrorCode::PluginDeadline,
                format!(
                    "a worker of plugin `{slug}` was killed: {it} ran longer than its deadline of {} ms",
                    limit.as_millis()
                ),
            ),
            Self::Cpu(limit) => (
                ErrorCode::PluginDeadline,
                format!(
                    "a worker of plugin `{slug}` was killed: {it} computed longer than the {} ms that a call may",
                    limit.as_millis()
                ),
            ),
            Self::Memory => (
                ErrorCode::PluginMemory,
                format!(
                    "a worker of plugin `{slug}` ended: {it} asked for more memory than it may have (`trunkline plugin limits {slug}` tells how much)"
                ),
            ),
            Self::Crashed(how) => {
                (ErrorCode::PluginCrashed, format!("a worker of plugin `{slug}` ended{within}: {how}"))
            }
            Self::KilledFromOutside => (
                ErrorCode::PluginCrashed,
                format!("a worker of plugin `{slug}` was killed from outside{within}; try again"),
            ),
            Self::Abandoned => (
                ErrorCode::Internal,
                format!("the daemon failed over a worker of plugin `{slug}`{within}; its log says where"),
            ),
            Self::Unusable(why) => {
                (ErrorCode::PluginCrashed, format!("a worker of plugin `{slug}` is unusable{within}: {why}"))
            }
        }
    }
}

/// Why a plugin could not be loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// Its own code or declarations.
    Plugin(Box<Failure>),
    /// Its worker.
    Worker(WorkerEnd),
}

/// What the running handlers ask for and give.
pub(crate) trait Session: Send {
    /// Answers a question of the running item, which must have ended by `until`.
    fn ask(&mut self, ask: Ask, until: Instant) -> impl Future<Output = Answer> + Send;
    /// Takes note of which hook runs now, by its place, where the running item runs several.
    fn at(&mut self, place: u16) {
        let _ = place;
    }
    /// Takes the result of an item.
    fn done(&mut self, done: Done);
    /// Wall time that item `index` may take.
    fn deadline(&self, index: usize) -> Duration;
    /// Processor time that an item may take.
    fn cpu(&self) -> Duration;
}

/// What is left to an item.
struct Allotted {
    began: Instant,
    wall: Duration,
    cpu: Duration,
}

/// A live worker process of one plugin.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    stream: UnixStream,
    buffer: Vec<u8>,
    /// Processor time that it had used when it last handed something back, as it says; microseconds.
    cpu_us: u64,
    last_words: Arc<Mutex<String>>,
    /// Hears all that it writes to standard error, and ends when nobody can write there any more.
    listener: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a process and loads the plugin into it.
    pub(crate) async fn start(
        command: &WorkerCommand,
        slug: &str,
        load: &[u8],
    ) -> Result<(Self, Registered), LoadError> {
        let mut worker = Self::spawn(command, slug).map_err(|error| {
            LoadError::Worker(WorkerEnd::Unusable(format!("{} cannot be started: {error}", command.program.display())))
        })?;
        let (wall, cpu) = (Duration::from_millis(LOAD_DEADLINE_MS), Duration::from_millis(LOAD_CPU_MS));
        let time = Allotted { began: Instant::now(), wall, cpu };
        let mut frame = worker.step(load, &time).await.map_err(LoadError::Worker)?;
        let mut said = 0;
        while let FromWorker::Said(line) = &frame {
            // The worker counts them; here it holds even if the worker was subverted.
            said += 1;
            if said > LOAD_LINES_MAX {
                return Err(LoadError::Worker(worker.out_of_turn().await));
            }
            spoken::line(slug, line);
            frame = worker.step(&[], &time).await.map_err(LoadError::Worker)?;
        }
        match frame {
            FromWorker::Ready(registered) => {
                // What loading took is no call's.
                worker.cpu_us = worker.pid().map_or(0, computed_us);
                Ok((worker, registered))
            }
            FromWorker::LoadFailed(failure) => Err(LoadError::Plugin(Box::new(failure))),
            FromWorker::Said(_) | FromWorker::Ask(_) | FromWorker::At(_) | FromWorker::Done(_) => {
                Err(LoadError::Worker(worker.out_of_turn().await))
            }
        }
    }

    fn spawn(command: &WorkerCommand, slug: &str) -> std::io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = Command::new(&command.program)
            .args(&command.args)
            .args(["--fd", "0", slug])
            .env_clear()
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let last_words = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take();
        let listener = stderr.map(|stderr| tokio::spawn(listen(stderr, last_words.clone(), slug.to_owned())));
        Ok(Self { child, stream: UnixStream::from_std(ours)?, buffer: Vec::new(), cpu_us: 0, last_words, listener })
    }

    /// The process id, while it lives.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Runs items one after another until all are done, one has failed, or the worker is no more.
    pub(crate) async fn run(&mut self, items: Vec<Item>, session: &mut impl Session) -> Result<(), WorkerEnd> {
        let count = items.len();
        let frame = encode(&ToWorker::Run(Run { items }))?;
        if !self.buffer.is_empty() {
            return Err(self.out_of_turn().await);
        }
        let mut index = 0;
        let mut time = Allotted { began: Instant::now(), wall: session.deadline(0), cpu: session.cpu() };
        let mut outgoing = Some(frame);
        while index < count {
            let bytes = outgoing.take();
            match self.step(bytes.as_deref().unwrap_or_default(), &time).await? {
                FromWorker::Ask(ask) => {
                    outgoing = Some(answer_frame(session.ask(ask, time.began + time.wall).await)?);
                }
                FromWorker::At(place) => session.at(place),
                FromWorker::Done(done) if done.item as usize != index => {
                    let text = format!("it answered for item {} of its run while {index} was running", done.item);
                    return Err(self.kill(WorkerEnd::Unusable(text)).await);
                }
                FromWorker::Done(done) => {
                    let threw = matches!(done.ended, daemon_frame::Ended::Threw(_));
                    self.cpu_us = done.usage.cpu_total_us;
                    session.done(*done);
                    index = if threw { count } else { index + 1 };
                    time.wall = session.deadline(index.min(count - 1));
                    time.began = Instant::now();
                }
                FromWorker::Said(_) | FromWorker::Ready(_) | FromWorker::LoadFailed(_) => {
                    return Err(self.out_of_turn().await);
                }
            }
        }
        Ok(())
    }

    /// The next frame of an item that still has time; none is asked how long it has computed before it can have
    /// computed too long.
    async fn step(&mut self, frame: &[u8], time: &Allotted) -> Result<FromWorker, WorkerEnd> {
        let (pid, before_us) = (self.pid(), self.cpu_us);
        let deadline = time.began + time.wall;
        let mut look = time.began + time.cpu;
        let ended = {
            let mut exchange = pin!(self.exchange(frame));
            loop {
                match timeout_at(deadline.min(look), &mut exchange).await {
                    Ok(frame) => break Ok(frame),
                    Err(_) if Instant::now() >= deadline => break Err(WorkerEnd::Deadline(time.wall)),
                    Err(_) => {
                        let used = Duration::from_micros(pid.map_or(0, computed_us).saturating_sub(before_us));
                        match time.cpu.checked_sub(used).filter(|left| !left.is_zero()) {
                            Some(left) => look = Instant::now() + left.max(CPU_GRAIN),
                            None => break Err(WorkerEnd::Cpu(time.cpu)),
                        }
                    }
                }
            }
        };
        match ended {
            Ok(Ok(frame)) => Ok(frame),
            Ok(Err(error)) => Err(self.autopsy(&error).await),
            Err(end) => Err(self.kill(end).await),
        }
    }

    /// Writes a frame, if there is one, and reads the next.
    async fn exchange(&mut self, frame: &[u8]) -> std::io::Result<FromWorker> {
        if !frame.is_empty() {
            self.stream.write_all(frame).await?;
        }
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn buffered(&mut self) -> std::io::Result<Option<FromWorker>> {
        let Some(head) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length as u64 > FRAME_BYTES_MAX {
            return Err(std::io::Error::other(format!(
                "a frame of {length} bytes is over the limit of {FRAME_BYTES_MAX}"
            )));
        }
        let Some(bytes) = self.buffer.get(4..4 + length) else {
            self.buffer.reserve(4 + length - self.buffer.len());
            return Ok(None);
        };
        let mut frame = daemon_frame::decode(bytes).map_err(std::io::Error::other)?;
        if let FromWorker::Done(done) = &mut frame {
            done.usage.bytes_out = length as u64;
        }
        self.buffer.drain(..4 + length);
        Ok(Some(frame))
    }

    /// Ends it where nothing runs in it, and waits until the process is gone.
    pub(crate) async fn end(mut self) {
        // Gone already, if it ended by itself.
        let _ = self.child.kill().await;
    }

    async fn kill(&mut self, end: WorkerEnd) -> WorkerEnd {
        // The process may have ended by itself in this very moment; either way it is gone afterwards.
        let _ = self.child.kill().await;
        end
    }

    async fn out_of_turn(&mut self) -> WorkerEnd {
        self.kill(WorkerEnd::Unusable("it spoke out of turn".to_owned())).await
    }

    /// Finds out how a worker ended whose connection broke.
    async fn autopsy(&mut self, error: &std::io::Error) -> WorkerEnd {
        let grace = Instant::now() + Duration::from_millis(500);
        let status = timeout_at(grace, self.child.wait()).await;
        match status {
            Ok(Ok(status)) => {
                // What it wrote may still lie in the pipe. Something it has started may keep that open.
                if let Some(listener) = &mut self.listener {
                    let _ = timeout_at(grace, listener).await;
                }
                let words = self.last_words.lock().map(|words| words.clone()).unwrap_or_default();
                judge(status, &words)
            }
            _ => self.kill(WorkerEnd::Unusable(error.to_string())).await,
        }
    }
}

/// As many lines as a plugin's `log_lines` may be set to, and the one that says that there were more.
const LOAD_LINES_MAX: u32 = 10_001;

/// The kernel counts processor time of others in steps of this length.
const CPU_GRAIN: Duration = Duration::from_millis(10);

/// Processor time that a process has used, in microseconds; 0 where it is gone.
fn computed_us(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program stands in parentheses and may hold blanks; what follows is counted from its end.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

fn judge(status: ExitStatus, last_words: &str) -> WorkerEnd {
    use std::os::unix::process::ExitStatusExt;
    let said = last_words.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let words = if said.is_empty() { String::new() } else { format!(": {said}") };
    match (status.code(), status.signal()) {
        (Some(EXIT_MEMORY), _) => WorkerEnd::Memory,
        (Some(code), _) => WorkerEnd::Crashed(format!("exit code {code}{words}")),
        (None, Some(9)) => WorkerEnd::KilledFromOutside,
        (None, Some(11)) => WorkerEnd::Crashed(format!("native stack overflow or bad memory access (SIGSEGV){words}")),
        (None, Some(signal)) => WorkerEnd::Crashed(format!("signal {signal}{words}")),
        (None, None) => WorkerEnd::Crashed(format!("{status}{words}")),
    }
}

/// An answer as a frame. One that is too long for a frame is refused by name: what it asked for was too much.
fn answer_frame(answer: Answer) -> Result<Vec<u8>, WorkerEnd> {
    match daemon_frame::encode(&ToWorker::Answer(answer)) {
        Err(daemon_frame::FrameError::TooLong(length)) => {
            let text = format!(
                "the answer has {length} bytes, and one may have {FRAME_BYTES_MAX} (FRAME_BYTES_MAX); ask for fewer records \
                 at a time (`limit`, `cursor`), or for fewer of their fields"
            );
            let error = HostError::new(ErrorCode::QueryTooLarge, text).error;
            encode(&ToWorker::Answer(Answer(Err(error))))
        }
        encoded => encoded.map_err(|error| WorkerEnd::Unusable(error.to_string())),
    }
}

fn encode(frame: &ToWorker) -> Result<Vec<u8>, WorkerEnd> {
    daemon_frame::encode(frame).map_err(|error| WorkerEnd::Unusable(error.to_string()))
}

/// Keeps the last of what a worker writes to standard error, for the report of its end. It may write without end, and
/// without an end of line.
async fn listen(mut stderr: tokio::process::ChildStderr, last_words: Arc<Mutex<String>>, slug: String) {
    const WORDS_BYTES_MAX: usize = 2_000;
    let mut piece = [0; 1_024];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let text = String::from_utf8_lossy(&piece[..length]);
        tracing::debug!(plugin = slug, text = text.as_ref(), "worker wrote");
        if let Ok(mut words) = last_words.lock() {
            words.push_str(&text);
            let mut cut = words.len().saturating_sub(WORDS_BYTES_MAX);
            while !words.is_char_boundary(cut) {
                cut += 1;
            }
            words.drain(..cut);
        }
    }
}

#[cfg(test)]
mod tests;
