//! Answers that wait for clients who do not read have a limit: of one body of lines, of one reader, and of all together.

use crate::client::{Answer, parse, request};
use crate::world::World;
use daemon_http::ServerConfig;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const MIB: u64 = 1024 * 1024;
const TAKEN: &str = "trunkline_http_answers_bytes ";
const REFUSED: &str = "trunkline_refused_total{code=\"OVERLOADED\",limit=\"ANSWERS_MEMORY_BYTES_MAX\"} ";
const PATIENCE: Duration = Duration::from_secs(30);

async fn open(answers_memory_bytes: u64) -> World {
    World::open_as(ServerConfig::default(), |api| {
        api.answers_memory_bytes = answers_memory_bytes;
        api.read_timeout = PATIENCE;
    })
    .await
}

/// The text of an event.
const EVENT: u64 = 1_000_000;

fn fill(world: &World, events: u64) {
    let text = "x".repeat(usize::try_from(EVENT).expect("a size"));
    for n in 0..events {
        world.host.append("demo", "ap.bill.paid", &format!("e{n}"), json!({ "text": text }));
    }
}

async fn figure(world: &World, name: &str) -> u64 {
    let page = world.get("/metrics", &world.admin).await;
    let text = String::from_utf8(page.body).expect("UTF-8");
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
}

async fn until(world: &World, name: &str, is: impl Fn(u64) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = figure(world, name).await;
        if is(seen) {
            return;
        }
        assert!(Instant::now() < end, "{name} never came to it: {seen}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The most that waits for clients within a second.
async fn most(world: &World) -> u64 {
    let mut most = 0;
    for _ in 0..50 {
        most = most.max(figure(world, TAKEN).await);
        sleep(Duration::from_millis(20)).await;
    }
    most
}

/// Who asks, and reads when it likes.
struct Lazy {
    reading: OwnedReadHalf,
    sending: JoinHandle<()>,
}

impl Lazy {
    async fn ask(world: &World, request: Vec<u8>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        let (reading, mut writing) = socket.connect(world.address).await.expect("a connection").into_split();
        let sending = tokio::spawn(async move {
            let _ = writing.write_all(&request).await;
            // The other half is read on.
            writing.forget();
        });
        Self { reading, sending }
    }

    /// Lines of a quarter of a megabyte, each answered by itself.
    async fn lines(world: &World, lines: u64) -> Self {
        let mut body = String::new();
        for n in 0..lines {
            let text = "x".repeat(256 * 1024);
            writeln!(body, "{{\"entity\":\"E\",\"n\":{n},\"text\":\"{text}\"}}").expect("a line");
        }
        Self::ask(world, request("POST", "/api/ap/import", &world.clerk, "", &body)).await
    }

    async fn all(mut self) -> Answer {
        let mut answer = Vec::new();
        timeout(PATIENCE, self.reading.read_to_end(&mut answer)).await.expect("in time").expect("read");
        parse(&answer)
    }

    /// What comes until a text has come.
    async fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let looked = seen.len().saturating_sub(text.len());
            let mut bytes = Vec::with_capacity(64 * 1024);
            let read = timeout(PATIENCE, self.reading.read_buf(&mut bytes)).await.expect("in time").expect("read");
            assert!(read > 0, "it ended before `{text}`");
            seen.push_str(std::str::from_utf8(&bytes).expect("ASCII"));
            if seen[looked..].contains(text) {
                return seen;
            }
        }
    }

    fn gone(self) {
        self.sending.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_wait_while_their_answers_are_not_read() {
    const LINES: u64 = 400;
    let world = open(512 * MIB).await;
    let lazy = Lazy::lines(&world, LINES).await;
    until(&world, TAKEN, |taken| taken > 2 * MIB).await;
    // How long answers are is not known before the first ones are.
    let most = most(&world).await;
    assert!(most <= 20 * MIB, "{most} bytes wait for a client that does not read");
    let numbers: Vec<_> = lazy.all().await.lines().iter().filter_map(|line| line["n"].as_u64()).collect();
    assert_eq!(numbers, (0..LINES).collect::<Vec<_>>());
    until(&world, TAKEN, |taken| taken == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_holds_little_of_the_log() {
    const EVENTS: u64 = 30;
    let world = open(512 * MIB).await;
    fill(&world, EVENTS);
    let stream = request("GET", "/api/realtime?last_event_id=0", &world.clerk, "", "");
    let mut lazy = Lazy::ask(&world, stream).await;
    until(&world, TAKEN, |taken| taken > 0).await;
    let most = most(&world).await;
    assert!(most <= 4 * MIB, "{most} bytes wait for a reader that does not read");
    let seen = lazy.until("id: 30\n").await;
    assert_eq!(seen.lines().filter(|line| line.starts_with("id: ")).count() as u64, EVENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_takes_leave_no_room_for_more() {
    // Seven eighths are a page of twenty, which is a little longer than their texts, and less than a page of a reader.
    let world = open((20 * EVENT + 40_000) * 8 / 7).await;
    fill(&world, 20);
    let page = "/api/events?limit=20";
    let lazy = Lazy::ask(&world, request("GET", page, &world.clerk, "", "")).await;
    until(&world, TAKEN, |taken| taken >= 20 * EVENT).await;
    let refused = world.get(page, &world.clerk).await;
    let text = String::from_utf8_lossy(&refused.body).into_owned();
    let told = (refused.status, refused.code(), refused.header("retry-after"));
    assert_eq!(told, (503, "OVERLOADED".to_owned(), Some("1")), "{text}");
    assert!(text.contains("ANSWERS_MEMORY_BYTES_MAX"), "{text}");
    assert_eq!(figure(&world, REFUSED).await, 1);
    // What is small needs no room, and a verb is answered.
    assert_eq!(world.get("/api/events/e3/outcome", &world.stranger).await.status, 404);
    assert_eq!(world.send("POST", "/api/ap/bills", &world.clerk, "", "{\"entity\":\"E\"}").await.status, 200);
    // A reader of the log waits until there is room.
    let stream = request("GET", "/api/realtime?last_event_id=0", &world.clerk, "", "");
    let mut reader = Lazy::ask(&world, stream).await;
    sleep(Duration::from_millis(300)).await;
    let mut seen = vec![0; 1024];
    let read = reader.reading.try_read(&mut seen).expect("its head");
    assert!(!String::from_utf8_lossy(&seen[..read]).contains("id: "), "it was read into a full room");
    assert_eq!(lazy.all().await.json().as_array().map(Vec::len), Some(20));
    reader.until("id: 1\n").await;
    reader.gone();
    until(&world, TAKEN, |taken| taken == 0).await;
    assert_eq!(world.get(page, &world.clerk).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_there_is_no_room_for_what_it_does_no_verb_is_called() {
    let world = open(3 * MIB).await;
    let lazy = Lazy::lines(&world, 400).await;
    until(&world, TAKEN, |taken| taken > 3 * MIB).await;
    let refused = world.send("POST", "/api/ap/bills", &world.clerk, "", "{\"entity\":\"E\"}").await;
    let told = (refused.status, refused.code(), refused.header("retry-after"));
    assert_eq!(told, (503, "OVERLOADED".to_owned(), Some("1")));
    assert!(refused.json()["error"]["message"].as_str().is_some_and(|why| why.contains("ANSWERS_MEMORY_BYTES_MAX")));
    // So is a line, in its turn.
    let event = json!({"specversion": "1.0", "id": "a", "type": "ap.bill.paid"}).to_string();
    let headers = "content-type: application/x-ndjson\r\n";
    let lines = world.send("POST", "/api/events", &world.clerk, headers, &event).await.lines();
    assert_eq!((&lines[0]["error"]["code"], &lines[0]["retry_after"]), (&json!("OVERLOADED"), &json!(1)));
    assert_eq!(world.get("/api/events/a", &world.clerk).await.status, 404);
    lazy.gone();
    until(&world, TAKEN, |taken| taken == 0).await;
    assert_eq!(world.send("POST", "/api/ap/bills", &world.clerk, "", "{\"entity\":\"E\"}").await.status, 200);
}
