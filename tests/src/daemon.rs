//! Starts, kills and restarts the real daemon.

use crate::binary;
use crate::client::Client;
use crate::report::say;
use crate::suite::Suite;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const READY_SECONDS_MAX: u64 = 60;
/// Plugins that loop while they load may compute for seconds each, one after another on a busy machine.
const COMPLETE_SECONDS_MAX: u64 = 240;
const STOP_SECONDS_MAX: u64 = 20;
const POLL: Duration = Duration::from_millis(2);
const LOG_LINES_SHOWN: usize = 80;

/// How to start a daemon.
pub struct Start {
    suite: PathBuf,
    data: Option<PathBuf>,
    watch: bool,
    early: bool,
    args: Vec<String>,
    environment: Vec<(String, OsString)>,
    kept: Option<Suite>,
}

impl Start {
    /// `trunkline dev` of a suite, on a data folder of its own that is removed at the end.
    #[must_use]
    pub fn dev(suite: &Path) -> Self {
        Self {
            suite: suite.to_path_buf(),
            data: None,
            watch: false,
            early: false,
            args: Vec::new(),
            environment: Vec::new(),
            kept: None,
        }
    }

    /// `trunkline dev` of a small suite that lives as long as the daemon.
    #[must_use]
    pub fn suite(suite: Suite) -> Self {
        Self { kept: Some(suite), ..Self::dev(Path::new("")) }
    }

    fn folder(&self) -> &Path {
        self.kept.as_ref().map_or(self.suite.as_path(), Suite::path)
    }

    /// Uses a data folder that outlives the daemon.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_path_buf());
        self
    }

    /// Adds an argument to the command line.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((variable.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Reloads plugins when their files change.
    #[must_use]
    pub fn watching(mut self) -> Self {
        self.watch = true;
        self
    }

    /// Does not wait for plugins that are still starting when the daemon is ready.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// Starts the daemon and waits until it serves requests.
    #[must_use]
    #[track_caller]
    pub fn run(self) -> Daemon {
        self.try_run().expect("the daemon starts")
    }

    /// Starts the daemon and waits until it serves requests, or has ended.
    pub fn try_run(self) -> Result<Daemon> {
        let home = tempfile::Builder::new().prefix("daemon-").tempdir().context("make a temporary folder")?;
        let data = self.data.clone().unwrap_or_else(|| home.path().join("data"));
        let mut daemon = Daemon { home, data, start: self, child: None, ready: Ready::default() };
        daemon.launch()?;
        Ok(daemon)
    }
}

#[derive(Default)]
struct Ready {
    url: String,
    token: String,
    admin_token: String,
}

/// A running daemon. Dropping it kills it; a failing test prints the end of its log.
pub struct Daemon {
    home: tempfile::TempDir,
    data: PathBuf,
    start: Start,
    child: Option<Child>,
    ready: Ready,
}

impl Daemon {
    /// A client of tenant `demo` that holds every role of the suite.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.ready.url, &self.ready.token)
    }

    /// A client for the administration routes.
    #[must_use]
    pub fn admin(&self) -> Client {
        Client::new(&self.ready.url, &self.ready.admin_token)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the daemon runs").id()
    }

    /// The folder of the suite that it serves.
    #[must_use]
    pub fn suite(&self) -> &Path {
        self.start.folder()
    }

    /// Saves a file of the suite in one step, so that who watches never sees half of it.
    pub fn save(&self, path: &str, text: &str) {
        let (draft, path) = (self.suite().join(".draft"), self.suite().join(path));
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("the suite's folder is writable");
        std::fs::write(&draft, text).expect("the suite's folder is writable");
        std::fs::rename(&draft, &path).expect("the suite's folder is writable");
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything that the daemon has printed so far, over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The value of a sample of `/metrics`, named with its labels.
    #[must_use]
    #[track_caller]
    pub fn metric(&self, sample: &str) -> u64 {
        let metrics = self.admin().get("/metrics").text;
        let value = metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {sample} in {metrics}"))
    }

    /// Runs a command of the binary against this daemon, as its administrator.
    #[must_use]
    #[track_caller]
    pub fn command(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(binary::trunkline());
        command.args(args).env("TRUNKLINE_URL", &self.ready.url).env("TRUNKLINE_TOKEN", &self.ready.admin_token);
        run(&mut command)
    }

    /// Starts a command of the binary against this daemon, as its administrator, with its output at hand.
    #[must_use]
    #[track_caller]
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = Command::new(binary::trunkline());
        command.args(args).env("TRUNKLINE_URL", &self.ready.url).env("TRUNKLINE_TOKEN", &self.ready.admin_token);
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the binary starts")
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// SIGTERM, and waits for an orderly end.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the daemon does not run")?;
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).context("a process id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).context("send SIGTERM")?;
        let deadline = Instant::now() + Duration::from_secs(STOP_SECONDS_MAX);
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().context("look at the daemon")? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        drop(child.kill());
        bail!("the daemon did not stop within {STOP_SECONDS_MAX} s")
    }

    /// Waits until the daemon ends by itself.
    pub fn ended(&mut self) -> Result<ExitStatus> {
        let child = self.child.as_mut().context("the daemon does not run")?;
        let deadline = Instant::now() + Duration::from_secs(STOP_SECONDS_MAX);
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().context("look at the daemon")? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        bail!("the daemon did not end within {STOP_SECONDS_MAX} s")
    }

    /// Starts again on the same data; gives the time from spawn to the first request served.
    pub fn restart(&mut self) -> Result<Duration> {
        self.kill();
        self.launch()
    }

    fn launch(&mut self) -> Result<Duration> {
        let ready_file = self.home.path().join("ready.json");
        drop(std::fs::remove_file(&ready_file));
        let log =
            OpenOptions::new().create(true).append(true).open(self.log_path()).context("open the daemon's log")?;
        let binary = binary::trunkline();
        let begun = Instant::now();
        self.child = Some(self.command_line(binary, &ready_file, log)?.spawn().context("start the daemon")?);
        let deadline = begun + Duration::from_secs(READY_SECONDS_MAX);
        while Instant::now() < deadline {
            if let Some(ready) = read_ready(&ready_file) {
                self.ready = ready;
                self.wait_until_ready(deadline)?;
                let ready_after = begun.elapsed();
                if !self.start.early {
                    self.wait_until_complete()?;
                }
                return Ok(ready_after);
            }
            self.fail_if_ended()?;
            std::thread::sleep(POLL);
        }
        bail!("no ready-file within {READY_SECONDS_MAX} s\n{}", self.log_end())
    }

    fn command_line(&self, binary: &Path, ready_file: &Path, log: File) -> Result<Command> {
        let mut command = Command::new(binary);
        command.arg("dev").arg(self.start.folder()).args(["--listen", "127.0.0.1:0"]);
        command.arg("--data").arg(&self.data).arg("--ready-file").arg(ready_file).args(&self.start.args);
        command.envs(self.start.environment.iter().map(|(variable, value)| (variable, value)));
        if !self.start.watch {
            command.arg("--no-watch");
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().context("share the log")?).stderr(log);
        Ok(command)
    }

    fn wait_until_ready(&mut self, deadline: Instant) -> Result<()> {
        let client = self.client();
        while Instant::now() < deadline {
            if client.send("GET", "/readyz", &[], None).is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            self.fail_if_ended()?;
            std::thread::sleep(POLL);
        }
        bail!("/readyz did not answer 200 within {READY_SECONDS_MAX} s\n{}", self.log_end())
    }

    /// On a machine that is busy with other tests a plugin may be late, and what a test is about is seldom that.
    fn wait_until_complete(&mut self) -> Result<()> {
        let admin = self.admin();
        let deadline = Instant::now() + Duration::from_secs(COMPLETE_SECONDS_MAX);
        while Instant::now() < deadline {
            let plugins = admin.send("GET", "/api/_admin/plugins", &[], None).context("list the plugins")?.body;
            if plugins.as_array().into_iter().flatten().all(|plugin| plugin["state"] != "starting") {
                return Ok(());
            }
            self.fail_if_ended()?;
            std::thread::sleep(POLL);
        }
        bail!("plugins are still starting after {COMPLETE_SECONDS_MAX} s\n{}", self.log_end())
    }

    fn fail_if_ended(&mut self) -> Result<()> {
        let child = self.child.as_mut().context("the daemon was not started")?;
        match child.try_wait().context("look at the daemon")? {
            Some(status) => bail!("the daemon ended before it was ready: {status}\n{}", self.log_end()),
            None => Ok(()),
        }
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("daemon.log")
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            say(&format!("--- end of the daemon's log ---\n{}\n---", self.log_end()));
        }
    }
}

fn read_ready(path: &Path) -> Option<Ready> {
    let file: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Ready {
        url: text(&file["url"])?,
        token: text(&file["tenants"]["demo"]["token"])?,
        admin_token: text(&file["admin_token"])?,
    })
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub exit: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command to its end, without colours.
#[must_use]
#[track_caller]
pub fn run(command: &mut Command) -> Ran {
    let output = command.env("NO_COLOR", "1").stdin(Stdio::null()).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { exit: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
