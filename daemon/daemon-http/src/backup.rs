//! Backups and exports, as they are written by a process of their own.

use crate::api::{Api, now_ms};
use crate::auth::Admin;
use crate::error::{ApiError, ApiResult};
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
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

const PART_BYTES: usize = 64 * 1024;
const BACKUP: &str = "application/vnd.trunkline.backup";
const LINES: &str = "application/x-ndjson";

/// What became of backups since the daemon started.
#[derive(Debug, Default)]
pub(crate) struct BackupMeter {
    pub(crate) taken: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// When the last one was through, milliseconds since 1970.
    pub(crate) last_ms: AtomicU64,
}

/// Streams a backup of the newest commit. What breaks off has no end and is no backup, which its reader sees.
pub(crate) async fn get(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let command = api.store_tools.as_ref().map(|tools| within(&uri, &tools.back_up)).transpose()?;
    stream_of(&api, command, None, BACKUP, true)
}

/// Streams what belongs to a tenant, as lines of JSON of which the last one sums up the others.
pub(crate) async fn export(
    State(api): State<Api>,
    _: Admin,
    uri: Uri,
    Path(tenant): Path<String>,
) -> ApiResult<Response> {
    let known = TenantId::new(&tenant).ok().and_then(|tenant| api.access.tenant(&tenant));
    let known = known.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no tenant `{tenant}`")))?;
    let command = api.store_tools.as_ref().map(|tools| within(&uri, &tools.export)).transpose()?;
    stream_of(&api, command, Some(known.id().as_str()), LINES, false)
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

fn stream_of(
    api: &Api,
    command: Option<Vec<OsString>>,
    more: Option<&str>,
    media_type: &'static str,
    counts: bool,
) -> ApiResult<Response> {
    let failed = |why: String| ApiError::new(ErrorCode::StoreIo, format!("the store cannot be read: {why}"));
    let command = command.unwrap_or_default();
    let (program, args) = command.split_first().ok_or_else(|| failed("there is no command for it".to_owned()))?;
    let mut command = Command::new(program);
    command.args(args).arg(api.store.folder()).args(more).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().map_err(|error| failed(error.to_string()))?;
    let out = child.stdout.take().ok_or_else(|| failed("it has no output".to_owned()))?;
    let running = Running { api: api.clone(), child, out, counts, is_through: false };
    let parts = stream::try_unfold(running, |mut running| async move {
        let part = running.part().await?;
        Ok::<_, io::Error>(part.map(|part| (part, running)))
    });
    Ok(reply::body(200, media_type, Body::from_stream(parts)))
}

/// The process that writes, and what it has written.
struct Running {
    api: Api,
    child: Child,
    out: ChildStdout,
    /// Whether it is a backup, which is counted.
    counts: bool,
    is_through: bool,
}

impl Running {
    async fn part(&mut self) -> io::Result<Option<Bytes>> {
        let mut part = vec![0; PART_BYTES];
        let length = self.out.read(&mut part).await?;
        if length > 0 {
            part.truncate(length);
            return Ok(Some(part.into()));
        }
        let ended = self.child.wait().await?;
        if !ended.success() {
            return Err(io::Error::other(format!("the reader of the store ended with {ended}")));
        }
        self.is_through = true;
        Ok(None)
    }
}

/// Also where the client has gone in the middle of it.
impl Drop for Running {
    fn drop(&mut self) {
        if !self.counts {
            return;
        }
        let meter = &self.api.backups;
        if self.is_through {
            meter.taken.fetch_add(1, Relaxed);
            meter.last_ms.store(now_ms(), Relaxed);
        } else {
            meter.failed.fetch_add(1, Relaxed);
        }
    }
}
