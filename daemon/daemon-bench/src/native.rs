//! This program's bus with a handler in Rust: a child process of this very binary, asked line by line.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Native {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Native {
    /// Starts on a folder; what an earlier one left there is found again.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("native-handler").arg(folder.join("data")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("start the native handler")?;
        let asks = child.stdin.take().context("its input")?;
        let answers = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Self { child, asks, answers })
    }

    /// Publishes so many events; gives the seconds that it took until they were on disk.
    pub(crate) fn publish(&mut self, count: u64) -> Result<f64> {
        self.seconds(&format!("publish {count}"))
    }

    /// Has so many events delivered, handled and acknowledged; gives the seconds until that was on disk.
    pub(crate) fn deliver(&mut self, count: u64) -> Result<f64> {
        self.seconds(&format!("deliver {count}"))
    }

    /// What is there: events in the log, how many of them are not handled, and the memory of its own.
    pub(crate) fn state(&mut self) -> Result<State> {
        let state = self.ask("state")?;
        let number = |name: &str| state[name].as_u64().with_context(|| format!("`{name}` of {state}"));
        let own_mib = state["own_mib"].as_f64().with_context(|| format!("`own_mib` of {state}"))?;
        Ok(State { end: number("end")?, open: number("open")?, own_mib })
    }

    fn seconds(&mut self, asked: &str) -> Result<f64> {
        self.ask(asked)?["seconds"].as_f64().with_context(|| format!("the seconds of `{asked}`"))
    }

    fn ask(&mut self, asked: &str) -> Result<Value> {
        writeln!(self.asks, "{asked}").with_context(|| format!("ask the native handler to {asked}"))?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the native handler ended when asked to {asked}: {}", self.child.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }
}

/// SIGKILL, as a crash would end it.
impl Drop for Native {
    fn drop(&mut self) {
        // Already gone, if it ended by itself; in no case may it outlive the measurement.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct State {
    pub(crate) end: u64,
    pub(crate) open: u64,
    pub(crate) own_mib: f64,
}
