//! One file of tests in a worker of its own.

use super::bed::Bed;
use super::coverage::Coverage;
use super::misuse::misuse;
use super::patience::Patience;
use super::report::{Told, Verdict};
use super::run::{BEGINS_MS, Run};
use crate::exit::Failure;
use anyhow::{Context, anyhow};
use daemon_frame::{
    Answer, Ask, Asked, Call, Context as CallContext, Done, Draft, Ended, FrameError, FromWorker, Item, LogLine,
    TestDeclared, ToWorker, read_frame, write_frame,
};
use std::io::{ErrorKind, Write};
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
        let sent = worker.stream.write_all(&frame).map_err(FrameError::from);
        let mut said = Vec::new();
        let mut next = sent.and_then(|()| read_frame(&mut worker.stream));
        while let Ok(FromWorker::Said(line)) = &next {
            said.push(written(line));
            next = read_frame(&mut worker.stream);
        }
        let failed = |why: Verdict| failed(why).with(Vec::new(), said);
        match next {
            Ok(FromWorker::Ready(registered)) => Ok(Self { worker, tests: registered.tests }),
            Ok(FromWorker::LoadFailed(failure)) => Err(failed(Verdict::Failed(Box::new(failure)))),
            Ok(_) => Err(failed(Verdict::broken("its worker spoke out of turn"))),
            Err(error) => Err(failed(Verdict::broken(&worker.epitaph(&error)))),
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
            let (verdict, logs) = match bed.begin(test.config.clone()) {
                Ok(()) => self.worker.test(index, &mut bed),
                Err(error) => (Verdict::refused(error), Vec::new()),
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
        let mut patience = Patience::default();
        let mut next = write_frame(&mut self.stream, &run);
        loop {
            match next.and_then(|()| read_frame(&mut self.stream)) {
                Ok(FromWorker::Ask(ask)) => {
                    let answer = answer(ask, bed, &mut patience);
                    if patience.is_gone() {
                        let why = "it went on asking after it was told that it had no end (TEST_ENDLESS)";
                        return (Verdict::Lost(why.to_owned()), Vec::new());
                    }
                    next = write_frame(&mut self.stream, &ToWorker::Answer(answer));
                }
                Ok(FromWorker::Done(done)) => return ended(*done),
                Ok(_) => return (Verdict::Lost("its worker spoke out of turn".to_owned()), Vec::new()),
                Err(error) => return (Verdict::Lost(self.epitaph(&error)), Vec::new()),
            }
        }
    }

    /// Why there is no answer: it is silent, or it has ended.
    fn epitaph(&mut self, error: &FrameError) -> String {
        if is_silence(error) {
            return format!("it ran for {} s without an end", SILENCE_MAX.as_secs());
        }
        if let FrameError::TooLong(_) | FrameError::Malformed(_) = error {
            return format!("its worker spoke out of turn: {error}");
        }
        // Who has closed the connection is about to be gone.
        match self.child.wait() {
            Ok(status) if status.code() == Some(daemon_worker::EXIT_MEMORY) => {
                "it asked for more memory than a worker may have".to_owned()
            }
            Ok(status) => format!("its worker ended: {status}"),
            Err(error) => format!("its worker ended: {error}"),
        }
    }
}

/// Whether a read ran into its time.
fn is_silence(error: &FrameError) -> bool {
    matches!(error, FrameError::Io(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn answer(ask: Ask, bed: &mut Bed<'_>, patience: &mut Patience) -> Answer {
    let Ask::Rehearse { what, args } = ask else { return Answer(Err(misuse(instead(&ask)))) };
    let answered = bed.ask(&what, args).map(Asked::Rehearsed);
    Answer(patience.asked(&what, bed.state()).and(answered))
}

/// What a test calls instead of what is there for plugins.
fn instead(ask: &Ask) -> &'static str {
    match ask {
        Ask::Fetch(_) => {
            "a test asks no host outside: app.stub says what the plugin's fetches are answered, app.fetches what was asked"
        }
        Ask::Known { .. } => "a test publishes with app.publish; jobs are enqueued by a verb that app.call calls",
        Ask::Call { .. } | Ask::Providers { .. } => {
            "a test uses no capability itself: app.call calls a verb that does, app.publish wakes a handler that does"
        }
        _ => "a test reads records with app.record and app.records, and stores them with app.save",
    }
}

fn written(line: &LogLine) -> String {
    let fields = if line.fields.is_null() { String::new() } else { format!(" {}", line.fields) };
    format!("{}: {}{fields}", line.level, line.message)
}

fn ended(done: Done) -> (Verdict, Vec<String>) {
    let logs = done.logs.iter().map(written);
    let verdict = match done.ended {
        // It was never done, and the test may rely on it.
        Ended::Returned { draft, .. } if draft != Draft::default() => Verdict::refused(misuse(
            "what the test itself published, enqueued or stored was not done: a test acts through app.publish, app.save and app.call",
        )),
        Ended::Returned { .. } => Verdict::Passed,
        Ended::Threw(failure) => Verdict::Failed(Box::new(failure)),
    };
    (verdict, logs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told where a worker does this while it is waited for.
    fn told(does: &str) -> String {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        ours.set_read_timeout(Some(Duration::from_millis(50))).expect("a time limit");
        let mut command = Command::new("sh");
        command.args(["-c", does]).stdin(Stdio::from(OwnedFd::from(theirs)));
        let mut worker = Worker { child: command.spawn().expect("starts"), stream: ours };
        // What holds the other end is the command's too.
        drop(command);
        let error = read_frame::<FromWorker>(&mut worker.stream).expect_err("says nothing");
        worker.epitaph(&error)
    }

    #[test]
    fn who_is_silent_and_who_has_ended_is_told_apart() {
        assert_eq!(told("sleep 5"), "it ran for 30 s without an end");
        let late = format!("exec 0<&-; sleep 0.3; exit {}", daemon_worker::EXIT_MEMORY);
        assert_eq!(told(&late), "it asked for more memory than a worker may have");
        assert_eq!(told("exec 0<&-; sleep 0.3; kill -KILL $$"), "its worker ended: signal: 9 (SIGKILL)");
    }
}
