//! `POST /api/events` with a body of lines.

use crate::client::{Answer, parse, request};
use crate::world::World;
use contract_model::limits::NDJSON_LINE_BYTES_MAX;
use daemon_http::Backend;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LINES: &str = "content-type: application/x-ndjson\r\n";

fn event(id: &str) -> String {
    json!({"specversion": "1.0", "id": id, "type": "ap.bill.paid", "data": {"id": id}}).to_string()
}

fn codes(answer: &Answer) -> Vec<Value> {
    answer.lines().iter().map(|line| line.pointer("/error/code").unwrap_or(&line["id"]).clone()).collect()
}

/// A body that is sent a piece at a time.
struct Sending {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Sending {
    async fn open(world: &World, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        let head = String::from_utf8(request("POST", path, &world.clerk, headers, "")).expect("a head");
        let head = head.replace("content-length: 0", "transfer-encoding: chunked");
        stream.write_all(head.as_bytes()).await.expect("sent");
        Self { stream, seen: Vec::new() }
    }

    async fn send(&mut self, line: &str) {
        let chunk = format!("{:x}\r\n{line}\n\r\n", line.len() + 1);
        self.stream.write_all(chunk.as_bytes()).await.expect("sent");
    }

    async fn until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_buf(&mut self.seen)).await;
            let read = read.expect("in time").expect("read");
            assert!(read > 0, "closed before `{text}`: {}", String::from_utf8_lossy(&self.seen));
        }
    }

    /// All that was answered, when the server has ended it.
    async fn ended(mut self) -> Answer {
        let rest = tokio::time::timeout(Duration::from_secs(5), self.stream.read_to_end(&mut self.seen)).await;
        rest.expect("in time").expect("read");
        parse(&self.seen)
    }
}

#[tokio::test]
async fn each_line_is_an_event_and_is_answered_in_order() {
    let world = World::open().await;
    let events = [event("a"), "no JSON".to_owned(), String::new(), event("b"), "7".to_owned(), event("a")];
    let answer = world.send("POST", "/api/events", &world.clerk, LINES, &events.join("\n")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let lines = answer.lines();
    assert_eq!(codes(&answer), ["a", "BODY_NOT_JSON", "b", "BODY_INVALID", "a"]);
    assert_eq!(lines[0], json!({"id": "a", "sequence": 1, "duplicate": false}));
    assert_eq!(lines[1]["status"], 400);
    assert_eq!((&lines[2]["sequence"], &lines[4]["duplicate"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn a_refusal_names_its_line_and_not_the_body() {
    let world = World::open().await;
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let told = async |path: &str, lines: &[&str]| {
        let answers = world.send("POST", path, &world.clerk, LINES, &lines.join("\n")).await.lines();
        let message = |line: &Value| line["error"]["message"].as_str().unwrap_or_default().to_owned();
        answers.iter().map(message).collect::<Vec<_>>()
    };
    let long = format!("\"{}\"", "x".repeat(usize::try_from(NDJSON_LINE_BYTES_MAX).expect("a size")));
    let (good, twice) = (event("a"), r#"{"type": "ap.bill.paid", "type": "x"}"#);
    let bad = [&good, "", "no JSON", twice, &deep, "7", "[]", r#"{"id": "b"}"#, &long, "{"];
    assert_eq!(
        told("/api/events", &bad).await,
        [
            "",
            "line 3 is not valid JSON: expected ident at column 2",
            "line 4 has the key `type` twice, the second time before column 37; leave one of them out",
            "line 5 nests deeper than 64 levels (JSON_DEPTH_MAX), at column 65",
            "line 6 must be a CloudEvent: a JSON object with `type` and `data`",
            "line 7 must be one CloudEvent, not a list; send each on a line of its own",
            "line 8: `type` must name the topic",
            "line 9 is longer than 1048576 bytes (NDJSON_LINE_BYTES_MAX)",
            "line 10 is not valid JSON: EOF while parsing an object at column 1",
        ]
    );
    let told = told("/api/ap/import", &["{\"entity\": \"E\"}", "\r", "{}"]).await;
    assert!(told[1].starts_with("line 3 breaks the route's schema: "), "{told:?}");
    let whole = world.send("POST", "/api/events", &world.clerk, "", "no JSON").await.json();
    assert_eq!(whole["detail"], "the body is not valid JSON: expected ident at line 1 column 2");
}

#[tokio::test]
async fn an_event_is_answered_while_more_are_to_come() {
    let world = World::open().await;
    let mut sending = Sending::open(&world, "/api/events", LINES).await;
    for id in ["a", "b", "c"] {
        sending.send(&event(id)).await;
        sending.until(&format!("\"id\":\"{id}\"")).await;
    }
    sending.stream.write_all(b"0\r\n\r\n").await.expect("sent");
    assert_eq!(sending.ended().await.lines().len(), 3);
}

#[tokio::test]
async fn with_a_wait_each_line_is_answered_by_its_outcome() {
    let world = World::open().await;
    let headers = format!("{LINES}prefer: wait=2\r\n");
    let body = [event("a"), event("b")].join("\n");
    let lines = world.send("POST", "/api/events", &world.clerk, &headers, &body).await.lines();
    let told: Vec<_> = lines.iter().map(|line| (&line["id"], &line["status"], &line["reply"]["id"])).collect();
    let (a, b, ok) = (json!("a"), json!("b"), json!("ok"));
    assert_eq!(told, [(&a, &ok, &a), (&b, &ok, &b)]);
}

#[tokio::test]
async fn the_trace_of_an_event_goes_before_that_of_its_request() {
    let world = World::open().await;
    let (own, of_request) = (format!("00-{:032x}-{:016x}-01", 1, 2), format!("00-{:032x}-{:016x}-01", 3, 4));
    let traced = json!({"id": "a", "type": "ap.bill.paid", "traceparent": own}).to_string();
    let headers = format!("{LINES}traceparent: {of_request}\r\n");
    world.send("POST", "/api/events", &world.clerk, &headers, &[traced, event("b")].join("\n")).await;
    let trace =
        async |id: &str| world.get(&format!("/api/events/{id}"), &world.clerk).await.json()["traceparent"].clone();
    assert_eq!((trace("a").await, trace("b").await), (json!(own), json!(of_request)));
}

#[tokio::test]
async fn who_may_not_publish_sends_no_lines() {
    let world = World::open().await;
    assert_eq!(world.send("POST", "/api/events", &world.guest, LINES, &event("a")).await.status, 403);
    assert_eq!(world.send("POST", "/api/events", "", LINES, &event("a")).await.status, 401);
    assert_eq!(world.host.last_sequence().expect("the end").0, 0);
}

#[tokio::test]
async fn a_list_and_headers_of_an_event_are_no_lines() {
    let world = World::open().await;
    let list = format!("[{}]", event("a"));
    let answer = world.send("POST", "/api/events", &world.clerk, "", &list).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "BODY_INVALID"));
    assert!(answer.json()["detail"].as_str().is_some_and(|text| text.contains("application/x-ndjson")));
    let headers = format!("{LINES}ce-type: ap.bill.paid\r\n");
    let answer = world.send("POST", "/api/events", &world.clerk, &headers, "{}").await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["detail"].as_str().is_some_and(|text| text.contains("`ce-` headers")));
}

const BOTH: [(&str, &str); 2] =
    [("/api/events", "{\"type\":\"ap.bill.paid\",\"id\":\"ID\"}"), ("/api/ap/import", "{\"entity\":\"ID\"}")];

#[tokio::test]
async fn a_token_that_is_taken_back_ends_the_stream() {
    for (path, line) in BOTH {
        let world = World::open().await;
        let mut sending = Sending::open(&world, path, LINES).await;
        sending.send(&line.replace("ID", "seen")).await;
        sending.until("\"seen\"").await;
        world.revoke_all();
        sending.send(&line.replace("ID", "late")).await;
        let answer = sending.ended().await;
        assert_eq!(
            answer.lines()[1..].iter().map(|line| &line["error"]["code"]).collect::<Vec<_>>(),
            ["UNAUTHENTICATED"],
            "{path}"
        );
        assert!(world.host.last_sequence().expect("the end").0 < 2, "{path}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_stream_after_what_was_sent_is_answered() {
    for (path, line) in BOTH {
        let world = World::open().await;
        let mut sending = Sending::open(&world, path, LINES).await;
        sending.send(&line.replace("ID", "seen")).await;
        sending.until("\"seen\"").await;
        world.stop.send_replace(true);
        let lines = sending.ended().await.lines();
        let told = (&lines[1]["status"], &lines[1]["error"]["code"], &lines[1]["retry_after"]);
        assert_eq!((lines.len(), told), (2, (&json!(503), &json!("SHUTTING_DOWN"), &json!(1))), "{path}");
        let cut = tokio::time::timeout(Duration::from_secs(4), world.served).await.expect("in time");
        assert_eq!(cut.expect("served"), 0, "{path}");
    }
}
