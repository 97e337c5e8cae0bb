//! Backups and exports, as they are written by a process of their own.

use crate::api::{Api, now_ms};
use crate::auth::Admin;
use crate::error::{ApiError, ApiResult};
use crate::meter::ReadMeter;
use crate::query::Params;
use crate::reply;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use bytes::Bytes;
use contract_model::limits::STORE_READ_MS_MAX;
use contract_model::{ErrorCode, TenantId};
use futures_util::stream;
use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

const PART_BYTES: usize = 64 * 1024;
const BACKUP: &str = "application/vnd.trunkline.backup";
const LINES: &str = "application/x-ndjson";
/// How long an answer waits for its first part, so that what fails at its beginning is refused by status and code.
const FIRST_WITHIN: Duration = Duration::from_secs(1);
/// How long a client may take to read why a stream ends before the connection is broken off.
const PARTING: Duration = Duration::from_secs(1);
/// What is kept of what the reader of the store says when it fails.
const LAST_WORDS_BYTES_MAX: u64 = 16 * 1024;

/// What is streamed.
#[derive(Debug, Clone, Copy)]
enum What {
    Backup,
    Export,
}

/// Streams a backup of the newest commit. One that breaks off says why at its end and is no backup, which its reader sees.
pub(crate) async fn get(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let command = api.store_tools.as_ref().map(|tools| within(&uri, &tools.back_up)).transpose()?;
    stream_of(&api, command, None, What::Backup).await
}

/// Streams what belongs to a tenant, as lines of JSON of which the last one sums up the others, or says why it breaks off.
pub(crate) async fn export(
    State(api): State<Api>,
    _: Admin,
    uri: Uri,
    Path(tenant): Path<String>,
) -> ApiResult<Response> {
    let known = TenantId::new(&tenant).ok().and_then(|tenant| api.access.tenant(&tenant));
    let known = known.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no tenant `{tenant}`")))?;
    let command = api.store_tools.as_ref().map(|tools| within(&uri, &tools.export)).transpose()?;
    stream_of(&api, command, Some(known.id().as_str()), What::Export).await
}

/// The command with the time that it may take, if the request says one.
fn within(uri: &Uri, command: &[OsString]) -> ApiResult<Vec<OsString>> {
    let mut command = command.to_vec();
    let given = Params::of(uri, &["within"])?.duration("within", Duration::from_millis(STORE_READ_MS_MAX))?;
    if !given.is_zero() {
        command.extend(["--within".into(), format!("{}ms", given.as_millis()).into()]);
    }
    Ok(command)
}

async fn stream_of(api: &Api, command: Option<Vec<OsString>>, more: Option<&str>, what: What) -> ApiResult<Response> {
    let mut running = Running::start(api, &command.unwrap_or_default(), more, what)?;
    let first = running.first().await.map_err(|broken| ApiError::new(broken.code, broken.why))?;
    let media_type = match what {
        What::Backup => BACKUP,
        What::Export => LINES,
    };
    let parts = stream::try_unfold((Some(first), running), |(first, mut running)| async move {
        let part = match first {
            Some(first) => Some(first),
            None => running.part_or_parting().await?,
        };
        Ok::<_, io::Error>(part.map(|part| (part, (None, running))))
    });
    Ok(reply::body(200, media_type, Body::from_stream(parts)))
}

/// Why a stream ends too early.
#[derive(Debug)]
struct Broken {
    code: ErrorCode,
    why: String,
}

/// The process that writes, and what it has written.
struct Running {
    api: Api,
    what: What,
    child: Child,
    out: ChildStdout,
    /// By what it is told to end.
    ends: Option<ChildStdin>,
    /// What it says when it fails.
    said: JoinHandle<String>,
    stopping: watch::Receiver<bool>,
    is_through: bool,
}

impl Running {
    fn start(api: &Api, command: &[OsString], more: Option<&str>, what: What) -> ApiResult<Self> {
        let failed = |why: String| ApiError::new(ErrorCode::StoreIo, format!("the store cannot be read: {why}"));
        let (program, args) = command.split_first().ok_or_else(|| failed("there is no command for it".to_owned()))?;
        let mut command = Command::new(program);
        command.args(args).arg(api.store.folder()).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| failed(error.to_string()))?;
        let out = child.stdout.take().ok_or_else(|| failed("it has no output".to_owned()))?;
        let (ends, words) = (child.stdin.take(), child.stderr.take());
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            if let Some(words) = words {
                // What cannot be read of it was not said.
                let _ = words.take(LAST_WORDS_BYTES_MAX).read_to_end(&mut said).await;
            }
            String::from_utf8_lossy(&said).trim().to_owned()
        });
        let stopping = api.stopping.subscribe();
        Ok(Self { api: api.clone(), what, child, out, ends, said, stopping, is_through: false })
    }

    /// What it writes at first: as much as there is within some patience.
    async fn first(&mut self) -> Result<Bytes, Broken> {
        let (mut first, until) = (Vec::new(), Instant::now() + FIRST_WITHIN);
        while first.len() < PART_BYTES {
            match timeout_at(until, self.part()).await {
                Ok(part) => match part? {
                    Some(part) => first.extend_from_slice(&part),
                    None => break,
                },
                Err(_) => break,
            }
        }
        Ok(first.into())
    }

    /// The next part. A client that is told by a connection that breaks off has read by then why it does.
    async fn part_or_parting(&mut self) -> io::Result<Option<Bytes>> {
        match self.part().await {
            Ok(part) => Ok(part),
            Err(broken) => {
                tokio::time::sleep(PARTING).await;
                Err(io::Error::other(broken.why))
            }
        }
    }

    async fn part(&mut self) -> Result<Option<Bytes>, Broken> {
        let mut part = vec![0; PART_BYTES];
        let lost = |error: io::Error| Broken { code: ErrorCode::StoreIo, why: format!("its reader is lost: {error}") };
        let length = loop {
            tokio::select! {
                biased;
                () = told(&mut self.stopping), if self.ends.is_some() => self.tell_to_end().await,
                length = self.out.read(&mut part) => break length.map_err(lost)?,
            }
        };
        if length > 0 {
            part.truncate(length);
            return Ok(Some(part.into()));
        }
        let ended = self.child.wait().await.map_err(lost)?;
        if !ended.success() {
            return Err(self.broken(ended).await);
        }
        self.is_through = true;
        Ok(None)
    }

    /// The reader then says so at the end of what it writes.
    async fn tell_to_end(&mut self) {
        if let Some(mut ends) = self.ends.take() {
            // Whoever cannot be told has ended.
            let _ = ends.write_all(b"stop\n").await;
        }
    }

    /// Counts and logs why it ended.
    async fn broken(&mut self, ended: ExitStatus) -> Broken {
        let said = (&mut self.said).await.unwrap_or_default();
        let said = said.trim_start_matches("error: ");
        let by_code = said.split_once(": ").and_then(|(code, why)| Some((ErrorCode::parse(code)?, why.to_owned())));
        let (code, why) = by_code.unwrap_or_else(|| {
            let why =
                if said.is_empty() { format!("the reader of the store ended with {ended}") } else { said.to_owned() };
            (ErrorCode::StoreIo, why)
        });
        if code == ErrorCode::StoreReadTooLong {
            self.meter().too_long.fetch_add(1, Relaxed);
        }
        tracing::warn!(what = ?self.what, code = code.as_str(), why, "the store was not read to its end");
        Broken { code, why }
    }

    fn meter(&self) -> &ReadMeter {
        match self.what {
            What::Backup => &self.api.backups,
            What::Export => &self.api.exports,
        }
    }
}

/// Waits until the daemon is stopping.
async fn told(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

/// Also where the client has gone in the middle of it.
impl Drop for Running {
    fn drop(&mut self) {
        let meter = self.meter();
        if self.is_through {
            meter.taken.fetch_add(1, Relaxed);
            meter.last_ms.store(now_ms(), Relaxed);
        } else {
            meter.failed.fetch_add(1, Relaxed);
        }
    }
}
