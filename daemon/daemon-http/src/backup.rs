//! `GET /api/_admin/store/backup`: a backup as it is written by a process of its own.

use crate::api::{Api, now_ms};
use crate::auth::Admin;
use crate::error::{ApiError, ApiResult};
use crate::reply;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use contract_model::ErrorCode;
use futures_util::stream;
use std::io;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

const PART_BYTES: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/vnd.trunkline.backup";

/// What became of backups since the daemon started.
#[derive(Debug, Default)]
pub(crate) struct BackupMeter {
    pub(crate) taken: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// When the last one was through, milliseconds since 1970.
    pub(crate) last_ms: AtomicU64,
}

/// Streams a backup of the newest commit. What breaks off has no end and is no backup, which its reader sees.
pub(crate) async fn get(State(api): State<Api>, _: Admin) -> ApiResult<Response> {
    let failed = |why: String| ApiError::new(ErrorCode::StoreIo, format!("the backup cannot be made: {why}"));
    let command = api.store_tools.as_ref().map(|tools| &tools.back_up);
    let (program, args) =
        command.and_then(|command| command.split_first()).ok_or_else(|| failed("there is no command for it".into()))?;
    let mut command = Command::new(program);
    command.args(args).arg(api.store.folder()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let out = child.stdout.take().ok_or_else(|| failed("it has no output".into()))?;
    let running = Running { api: api.clone(), child, out, is_through: false };
    let parts = stream::try_unfold(running, |mut running| async move {
        let part = running.part().await?;
        Ok::<_, io::Error>(part.map(|part| (part, running)))
    });
    Ok(reply::body(200, MEDIA_TYPE, Body::from_stream(parts)))
}

/// The process that writes, and what it has written.
struct Running {
    api: Api,
    child: Child,
    out: ChildStdout,
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
            return Err(io::Error::other(format!("whoever writes the backup ended with {ended}")));
        }
        self.is_through = true;
        Ok(None)
    }
}

/// Also where the client has gone in the middle of it.
impl Drop for Running {
    fn drop(&mut self) {
        let meter = &self.api.backups;
        if self.is_through {
            meter.taken.fetch_add(1, Relaxed);
            meter.last_ms.store(now_ms(), Relaxed);
        } else {
            meter.failed.fetch_add(1, Relaxed);
        }
    }
}
