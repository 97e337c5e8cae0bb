//! The daemon under measurement: a child process of this very program on a folder of its own.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running daemon.
pub(super) struct Daemon {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) ready_after: Duration,
}

impl Daemon {
    /// Starts `trunkline dev SUITE` with its data in `folder`.
    pub(super) fn start(suite: &Path, folder: &Path) -> Result<Self> {
        let ready = folder.join("ready.json");
        if ready.exists() {
            std::fs::remove_file(&ready)?;
        }
        let start = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("dev")
            .arg(suite)
            .args(["--listen", "127.0.0.1:0", "--no-watch", "--data"])
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .context("start the daemon")?;
        while !ready.exists() {
            if let Some(status) = child.try_wait()? {
                bail!("the daemon ended before it was ready: {status}");
            }
            if start.elapsed() > READY_WITHIN {
                child.kill()?;
                bail!("the daemon was not ready within {} s", READY_WITHIN.as_secs());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let ready_after = start.elapsed();
        let facts: Value = serde_json::from_slice(&std::fs::read(&ready)?)?;
        let text = |pointer: &str| {
            facts
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .with_context(|| format!("{pointer} in the ready-file"))
        };
        let address = text("/url")?.trim_start_matches("http://").parse()?;
        Ok(Self { child, address, token: text("/tenants/demo/token")?, ready_after })
    }

    /// Resident memory of the daemon process, in MiB.
    pub(super) fn resident_mib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
        let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kib / 1024)
    }

    /// Ends it as a power cut would: without a word.
    pub(super) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already gone after `kill`; otherwise it must not outlive the measurement.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
