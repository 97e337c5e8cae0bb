//! A program under measurement: a child process of its own, its log in a file, ended with this value.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(30);
const TELL_OF_LOG: usize = 2_000;

/// A running program.
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    end: Signal,
}

impl Program {
    /// Starts it with its log at `<home>/<name>.log`. `end` is the signal that ends it as a crash would.
    pub(crate) fn start(name: &str, mut command: Command, home: &Path, end: Signal) -> Result<Self> {
        let log = home.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log, end })
    }

    /// Waits until `ready` gives something. Fails with the end of the log where the program ends or is too slow.
    pub(crate) fn wait<T>(&mut self, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = ready() {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready: {status}; its log ends: {}", self.name, self.last_words());
            }
            if start.elapsed() > READY_WITHIN {
                let seconds = READY_WITHIN.as_secs();
                bail!("{} was not ready within {seconds} s; its log ends: {}", self.name, self.last_words());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Resident memory in MiB: of the process, and of it together with all its children. Together they hold what each
    /// holds alone, and once the most that one of them shares: they run the same program, whose pages are there once.
    pub(crate) fn resident(&self) -> Result<(f64, f64)> {
        let own = Memory::of(self.child.id())?;
        let mut all = Memory { ..own };
        for child in children(self.child.id()).into_iter().filter_map(|pid| Memory::of(pid).ok()) {
            all.private += child.private;
            all.shared = all.shared.max(child.shared);
        }
        Ok((own.private + own.shared, all.private + all.shared))
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let from = text.char_indices().rev().nth(TELL_OF_LOG).map_or(0, |(at, _)| at);
        text[from..].trim().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone, if it ended by itself; in no case may it outlive the measurement.
        let _ = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).map(|pid| kill_process(pid, self.end));
        let _ = self.child.wait();
    }
}

/// What a process has in memory, in MiB.
struct Memory {
    private: f64,
    /// Pages that other processes have, too.
    shared: f64,
}

impl Memory {
    /// The sums of `proc_pid_smaps(5)` over all that the process maps.
    fn of(pid: u32) -> Result<Self> {
        let sums = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let of = |what: &str| -> f64 {
            let lines = sums.lines().filter(|line| line.starts_with(what));
            lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum::<f64>() / 1024.0
        };
        Ok(Self { private: of("Private_"), shared: of("Shared_") })
    }
}

/// All processes below one. Each thread lists those that it started.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let own: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect();
    own.iter().copied().chain(own.iter().flat_map(|pid| children(*pid))).collect()
}
