//! Workers as processes: this test binary starts itself again as one.

use crate::harness::{Parent, handler, load, verb};
use daemon_frame::{FromWorker, Item, Run, ToWorker, read_frame, write_frame};
use serde_json::json;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

#[global_allocator]
static ALLOC: daemon_worker::CappedAlloc = daemon_worker::CappedAlloc::new();

const MARK: &str = "TRUNKLINE_TEST_WORKER";

/// Not a test of its own: the worker process of the tests below, with its socket as standard input.
#[test]
fn worker_process() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let code = daemon_worker::main(daemon_worker::stream_on_stdin().expect("the socket"));
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

const PROBE: &str = "TRUNKLINE_TEST_PROBE";

/// Not a test of its own: native code that tries what no script can ask for, as one that has broken out would.
#[test]
fn probe_process() {
    if std::env::var_os(PROBE).is_none() {
        return;
    }
    daemon_worker::confine(&load("").budget).expect("is confined");
    let denied = |error: std::io::Error| error.raw_os_error() == Some(1);
    let said = [
        ("open", std::fs::File::open("/proc/self/status").err().is_some_and(denied)),
        ("list", std::fs::read_dir("/").err().is_some_and(denied)),
        ("stat", std::fs::metadata("/etc/hosts").err().is_some_and(denied)),
        ("connect", std::net::TcpStream::connect("127.0.0.1:9").err().is_some_and(denied)),
        ("listen", std::net::UdpSocket::bind("127.0.0.1:0").err().is_some_and(denied)),
        ("start", Command::new("/bin/true").status().is_err()),
        ("thread", std::thread::Builder::new().spawn(|| ()).is_err()),
        ("signal", rustix::process::test_kill_process(rustix::process::getpid()).is_err()),
        ("move", std::env::set_current_dir("/").err().is_some_and(denied)),
        ("computes", (0..1_000).map(|n| vec![n; 100]).map(|v| v.len()).sum::<usize>() == 100_000),
    ];
    let failed: Vec<&str> = said.iter().filter(|(_, held)| !held).map(|(what, _)| *what).collect();
    // Standard error is the pipe of the test that started this.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("probed {failed:?}").as_bytes());
    std::process::exit(i32::try_from(failed.len()).unwrap_or(99));
}

#[test]
fn the_kernel_refuses_what_is_not_computing() {
    let probe = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "confined::probe_process", "--nocapture", "--test-threads=1"])
        .env(PROBE, "1")
        .stdin(Stdio::null())
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&probe.stderr);
    assert!(said.contains("probed []"), "{said} {:?}", probe.status);
    assert_eq!(probe.status.code(), Some(0), "{said}");
}

struct Process {
    child: Child,
    stream: UnixStream,
}

impl Process {
    fn start(source: &str) -> Self {
        let (here, there) = UnixStream::pair().expect("socket pair");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "confined::worker_process", "--nocapture", "--test-threads=1"])
            .env(MARK, "1")
            .stdin(Stdio::from(OwnedFd::from(there)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut process = Self { child, stream: here };
        write_frame(&mut process.stream, &ToWorker::Load(Box::new(load(source)))).expect("writes");
        let ready: FromWorker = read_frame(&mut process.stream).expect("reads");
        assert!(matches!(ready, FromWorker::Ready(_)), "{ready:?}");
        process
    }

    fn send(&mut self, body: serde_json::Value) {
        let context = daemon_frame::Context {
            tenant: "demo".to_owned(),
            actor: "user-1".to_owned(),
            now_ms: 0,
            entropy: [0; 16],
            correlation: String::new(),
        };
        let run = Run { items: vec![Item { lane: None, context, call: verb(body) }] };
        write_frame(&mut self.stream, &ToWorker::Run(run)).expect("writes");
    }

    fn read(&mut self) -> FromWorker {
        read_frame(&mut self.stream).expect("reads")
    }

    /// How it ended, and what it last said.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.stream);
        let mut said = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("reads");
        (self.child.wait().expect("ends").code(), said)
    }
}

#[test]
fn a_plugin_that_asks_for_too_much_memory_ends_with_its_own_code() {
    for body in [
        "'x'.repeat(2 ** 30)",
        "let s = 'x'; for (;;) s += s;",
        "const all = []; for (;;) all.push({n: all.length});",
        "let a = [1]; for (;;) a = a.concat(a);",
        "new Array(2 ** 32 - 1).fill(0)",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, 'v' + i);",
    ] {
        let mut process = Process::start(&handler(&format!("if (e.body) {{ {body} }} return 1;")));
        process.send(json!(false));
        let FromWorker::Done(done) = process.read() else { panic!() };
        assert!(done.usage.heap_bytes > 0);
        process.send(json!(true));
        let (code, said) = process.end();
        assert_eq!(code, Some(daemon_worker::EXIT_MEMORY), "{body}: {said}");
        assert!(said.contains("more memory than its budget"), "{body}: {said}");
    }
}

#[test]
fn a_confined_worker_works_and_ends_with_its_parent() {
    let mut process = Process::start(&handler("return e.body + 1;"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.child.id())).expect("limits");
    let limit =
        |name: &str| limits.lines().find(|line| line.starts_with(name)).map(|line| line[26..46].trim().to_owned());
    assert_eq!(limit("Max file size").as_deref(), Some("0"));
    assert_eq!(limit("Max core file size").as_deref(), Some("0"));
    assert_eq!(limit("Max open files").as_deref(), Some("16"));
    assert_eq!(limit("Max processes").as_deref(), Some("0"));
    let addresses = limit("Max address space").and_then(|bytes| bytes.parse::<u64>().ok()).expect("it is bounded");
    assert!(addresses < 4 << 30, "{addresses}");
    // The test framework has a thread of its own; what counts is the one that runs JavaScript.
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.child.id())).expect("tasks");
    let statuses: Vec<String> =
        tasks.map(|task| std::fs::read_to_string(task.expect("task").path().join("status")).expect("status")).collect();
    let javascript = statuses.iter().find(|status| status.starts_with("Name:\tjavascript")).expect("the thread");
    assert!(javascript.contains("NoNewPrivs:\t1"), "{javascript}");
    // Every thread is under the filter, not only the one that runs JavaScript.
    assert!(statuses.iter().all(|status| status.contains("Seccomp:\t2")), "{statuses:?}");
    process.send(json!(1));
    assert!(matches!(process.read(), FromWorker::Done(_)));
    assert_eq!(process.end().0, Some(0));
}

#[test]
fn memory_is_given_back_between_calls() {
    let mut process =
        Process::start(&handler("const a = []; for (let i = 0; i < 2000; i++) a.push({i}); return a.length;"));
    let mut heap = Vec::new();
    for _ in 0..150 {
        process.send(json!(null));
        let FromWorker::Done(done) = process.read() else { panic!() };
        heap.push(done.usage.heap_bytes);
    }
    assert!(heap.iter().all(|bytes| *bytes < 40 << 20), "{:?}", heap.iter().max());
    assert_eq!(process.end().0, Some(0));
}

#[test]
fn in_a_thread_nothing_is_confined() {
    let mut parent = Parent::of(&handler("return 1;"));
    assert_eq!(parent.data(json!(null)), json!(1));
    assert!(std::fs::File::open("/proc/self/limits").is_ok());
}
