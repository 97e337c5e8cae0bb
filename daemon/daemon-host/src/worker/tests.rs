//! Workers that have been taken over: a shell script of `tests/hostile/frames` in the place of each, which says to its
//! parent what it likes.

use super::*;
use daemon_frame::{AppError, Ended, Registered, Response, Usage};
use std::ffi::OsString;
use std::fmt::Write as _;

/// A case by its file's name: the script, and how the parent must see it end.
struct Case {
    name: String,
    expected: String,
    script: String,
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile/frames");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the catalogue").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().map(|path| case(path)).collect()
}

fn case(path: &std::path::Path) -> Case {
    let script = std::fs::read_to_string(path).expect("the case is readable");
    let expected = script.lines().find_map(|line| line.strip_prefix("# expect: "));
    let expected = expected.unwrap_or_else(|| panic!("{} expects nothing", path.display())).to_owned();
    Case { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), expected, script }
}

/// What a script finds at hand: its socket is standard input.
const TOOLS: &str = r#"
exec 3>&0
say() { printf "$1" >&3; }
hear() { length=$(head -c 4 <&0 | od -An -tu4 | tr -d ' '); head -c "$length" <&0 >/dev/null; }
"#;

/// The script with frames that it may say as they are, or in pieces.
fn command(script: &str) -> WorkerCommand {
    let done = |item| {
        let ended = Ended::Returned {
            draft: daemon_frame::Draft::default(),
            response: Some(Response { status: 200, body: daemon_frame::Body::Data(1.into()) }),
        };
        FromWorker::Done(Box::new(Done {
            item,
            ended,
            relied: Vec::new(),
            hooks: Vec::new(),
            logs: Vec::new(),
            logs_dropped: 0,
            usage: Usage::default(),
        }))
    };
    let ask = FromWorker::Ask(Ask::Get { collection: "calm_secrets".to_owned(), id: "x".to_owned() });
    let frames = [FromWorker::Ready(Registered::default()), done(0), done(7), ask, FromWorker::At(7)];
    let names = ["READY", "DONE", "DONE_OF_ANOTHER", "ASK", "AT"];
    let mut head = String::new();
    for (name, frame) in names.iter().zip(&frames) {
        let bytes = daemon_frame::encode(frame).expect("encodes");
        let octal: String = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\{byte:03o}");
            text
        });
        let _ = writeln!(head, "{name}='{octal}'");
    }
    let args = ["-c", &format!("{head}{TOOLS}{script}"), "sh"];
    WorkerCommand { program: "/bin/sh".into(), args: args.map(OsString::from).to_vec() }
}

/// A handler that nobody waits for.
struct Patience {
    done: usize,
    asked: usize,
    deadline: Duration,
}

/// What must meet its deadline has a short one; everything else a long one, so that a busy machine gives no other answer.
fn deadline(expected: &str) -> Duration {
    if expected == ErrorCode::PluginDeadline.as_str() { Duration::from_millis(700) } else { Duration::from_mins(1) }
}

impl Session for Patience {
    async fn ask(&mut self, _: Ask, _: Instant) -> Answer {
        self.asked += 1;
        let code = ErrorCode::PermissionDenied.as_str().to_owned();
        Answer(Err(AppError { code, message: String::new(), status: 500, details: serde_json::Value::Null }))
    }

    fn done(&mut self, _: Done) {
        self.done += 1;
    }

    fn deadline(&self, _: usize) -> Duration {
        self.deadline
    }

    fn cpu(&self) -> Duration {
        Duration::from_mins(1)
    }
}

fn item() -> Item {
    let context = daemon_frame::Context {
        tenant: "demo".to_owned(),
        actor: String::new(),
        now_ms: 0,
        entropy: [0; 16],
        correlation: String::new(),
    };
    Item { lane: None, context, call: daemon_frame::Call::Test(0) }
}

/// Loads a script and gives it two runs; how it ended, or that it did not.
async fn run(script: &str, deadline: Duration) -> String {
    let mut worker = match Worker::start(&command(script), "foul", &[4, 0, 0, 0, 0, 0, 0, 0]).await {
        Ok((worker, _)) => worker,
        Err(LoadError::Worker(end)) => return format!("at load: {}", told(&end)),
        Err(LoadError::Plugin(failure)) => return format!("at load: {}", failure.error.message),
    };
    let pid = worker.pid();
    for _ in 0..2 {
        let mut session = Patience { done: 0, asked: 0, deadline };
        if let Err(end) = worker.run(vec![item()], &mut session).await {
            let gone = pid.is_none_or(|pid| !std::path::Path::new("/proc").join(pid.to_string()).exists());
            assert!(gone, "a worker that has ended is gone");
            return told(&end);
        }
        assert_eq!(session.done, 1);
    }
    "served".to_owned()
}

fn told(end: &WorkerEnd) -> String {
    let (code, text) = end.describe("foul", None);
    format!("{} {text}", code.as_str())
}

/// They may still lie in the pipe when it has ended, and something it has started may keep that open.
#[tokio::test]
async fn the_last_words_of_a_worker_are_heard_to_their_end() {
    for (left_behind, rounds) in [("", 20), ("sleep 20 <&- 3<&- & ", 1)] {
        let script =
            format!("{left_behind}head -c 60000 /dev/zero | tr '\\0' x >&2; echo 'and so it ended' >&2; exit 3");
        for round in 0..rounds {
            let told = run(&script, Duration::from_mins(1)).await;
            assert!(told.contains("exit code 3: ") && told.ends_with("and so it ended"), "round {round}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_worker_says_ends_at_most_itself() {
    let cases = cases();
    let runs = cases.iter().map(|case| {
        tokio::spawn({
            let (script, deadline) = (case.script.clone(), deadline(&case.expected));
            async move { run(&script, deadline).await }
        })
    });
    let runs: Vec<_> = runs.collect();
    let mut wrong = Vec::new();
    for (case, run) in cases.iter().zip(runs) {
        let told = run.await.expect("the parent does not panic");
        if !told.contains(&case.expected) {
            wrong.push(format!("{}: {told}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cases.len() >= 15, "only {} cases were found", cases.len());
}
