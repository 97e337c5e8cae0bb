//! One file of tests in a worker of its own.

use super::bed::Bed;
use super::coverage::Coverage;
use super::misuse::misuse;
use super::report::{Told, Verdict};
use super::run::{BEGINS_MS, Run};
use crate::exit::Failure;
use anyhow::{Context, anyhow};
use daemon_frame::{
    Answer, Ask, Asked, Call, Context as CallContext, Done, Ended, FromWorker, Item, TestDeclared, ToWorker,
    read_frame, write_frame,
};
use serde_json::Value;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a test may run without a question; then its worker is killed.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// A loaded file.
pub(super) struct TestFile {
    worker: Worker,
    tests: Vec<TestDeclared>,
}

/// A worker process; it ends with this.
struct Worker {
    child: Child,
    stream: UnixStream,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl TestFile {
    /// Loads a file; one that cannot be loaded is a failed test of the file's name.
    pub(super) fn load(run: &Run<'_>) -> Result<Self, Told> {
        let failed = |why: Verdict| Told::new(run, "(loading)", why);
        let frame = daemon_host::file_of_tests(&run.suite.plugins, run.slug, run.file)
            .map_err(|error| failed(Verdict::broken(&error.line())))?;
        let mut worker = Worker::start(run.slug).map_err(|error| failed(Verdict::broken(&format!("{error:#}"))))?;
        let sent = worker.stream.write_all(&frame).map_err(daemon_frame::FrameError::from);
        match sent.and_then(|()| read_frame(&mut worker.stream)) {
            Ok(FromWorker::Ready(registered)) => Ok(Self { worker, tests: registered.tests }),
            Ok(FromWorker::LoadFailed(failure)) => Err(failed(Verdict::Failed(Box::new(failure)))),
            Ok(_) => Err(failed(Verdict::broken("its worker spoke out of turn"))),
            Err(error) => Err(failed(Verdict::broken(&format!("its worker ended while it was loading: {error}")))),
        }
    }

    /// Runs the tests that are wanted, in the order in which they stand.
    pub(super) fn run(
        &mut self,
        run: &Run<'_>,
        wanted: impl Fn(&str) -> bool,
        coverage: &mut Coverage,
    ) -> Result<Vec<Told>, Failure> {
        let mut told = Vec::new();
        for (index, test) in (0_u32..).zip(self.tests.clone()).filter(|(_, test)| wanted(&test.name)) {
            let mut bed = Bed::make(run, &test.with)?;
            let config = test.config.clone();
            let configured = if config.is_empty() { Ok(Value::Null) } else { bed.configure(run.slug, config) };
            let (verdict, logs) = match configured {
                Ok(_) => self.worker.test(index, &mut bed),
                Err(error) => (Verdict::broken(&error.message), Vec::new()),
            };
            let troubles = bed.troubles();
            coverage.add(bed.reached());
            bed.end();
            let lost = matches!(verdict, Verdict::Lost(_));
            told.push(Told::new(run, &test.name, verdict).with(troubles, logs));
            if lost {
                // The next test gets a worker of its own; the file has loaded before.
                match Self::load(run) {
                    Ok(again) => self.worker = again.worker,
                    Err(failure) => {
                        told.push(failure);
                        break;
                    }
                }
            }
        }
        Ok(told)
    }
}

impl Worker {
    fn start(slug: &str) -> anyhow::Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("make a socket pair")?;
        let program = std::env::current_exe().context("find this program, to start workers from it")?;
        let mut command = Command::new(program);
        command.args(["worker", "--fd", "0", slug]).env_clear();
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::null());
        ours.set_read_timeout(Some(SILENCE_MAX)).context("set a time limit")?;
        let child = command.spawn().map_err(|error| anyhow!("a worker cannot be started: {error}"))?;
        Ok(Self { child, stream: ours })
    }

    /// Runs one test to its end: how it went, and what it logged.
    fn test(&mut self, index: u32, bed: &mut Bed<'_>) -> (Verdict, Vec<String>) {
        let context = CallContext {
            tenant: bed.tenant().as_str().to_owned(),
            actor: "test".to_owned(),
            now_ms: BEGINS_MS,
            entropy: [7; 16],
            correlation: "test".to_owned(),
        };
        let item = Item { lane: None, context, call: Call::Test(index) };
        let run = ToWorker::Run(daemon_frame::Run { items: vec![item] });
        let mut next = write_frame(&mut self.stream, &run);
        loop {
            match next.and_then(|()| read_frame(&mut self.stream)) {
                Ok(FromWorker::Ask(ask)) => {
                    next = write_frame(&mut self.stream, &ToWorker::Answer(answer(ask, bed)));
                }
                Ok(FromWorker::Done(done)) => return ended(*done),
                Ok(_) => return (Verdict::Lost("its worker spoke out of turn".to_owned()), Vec::new()),
                Err(error) => return (Verdict::Lost(self.epitaph(&error)), Vec::new()),
            }
        }
    }

    /// Why there is no answer: it is silent, or it has ended.
    fn epitaph(&mut self, error: &daemon_frame::FrameError) -> String {
        match self.child.try_wait() {
            Ok(Some(status)) if status.code() == Some(daemon_worker::EXIT_MEMORY) => {
                "it asked for more memory than a worker may have".to_owned()
            }
            Ok(Some(status)) => format!("its worker ended: {status}"),
            _ => format!("it ran for {} s without an end ({error})", SILENCE_MAX.as_secs()),
        }
    }
}

fn answer(ask: Ask, bed: &mut Bed<'_>) -> Answer {
    let Ask::Rehearse { what, args } = ask else {
        return Answer(Err(misuse("a test reads records with app.record and app.records")));
    };
    Answer(bed.ask(&what, args).map(Asked::Rehearsed))
}

fn ended(done: Done) -> (Verdict, Vec<String>) {
    let logs = done.logs.iter().map(|line| {
        let fields = if line.fields.is_null() { String::new() } else { format!(" {}", line.fields) };
        format!("{}: {}{fields}", line.level, line.message)
    });
    let verdict = match done.ended {
        Ended::Returned { .. } => Verdict::Passed,
        Ended::Threw(failure) => Verdict::Failed(Box::new(failure)),
    };
    (verdict, logs.collect())
}
