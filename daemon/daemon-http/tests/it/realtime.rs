use crate::client::request;
use crate::world::World;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Reader {
    stream: TcpStream,
    seen: String,
}

impl Reader {
    async fn open(world: &World, path: &str, token: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(&request("GET", path, token, headers, "")).await.expect("sent");
        let mut reader = Self { stream, seen: String::new() };
        reader.until("retry: ").await;
        reader
    }

    async fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let mut bytes = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_buf(&mut bytes)).await;
            assert!(read.expect("in time").expect("read") > 0, "closed before `{text}`: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn ids(&self) -> Vec<&str> {
        self.seen.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
    }
}

#[tokio::test]
async fn a_reader_resumes_from_the_log_and_goes_on_live_without_gap_or_repeat() {
    let world = World::open().await;
    for id in ["a", "b", "c"] {
        world.host.append("demo", "ap.bill.paid", id, json!({}));
    }
    let mut reader = Reader::open(&world, "/api/realtime", &world.clerk, "last-event-id: 1\r\n").await;
    reader.until("id: 3\n").await;
    world.host.append("other", "ap.bill.paid", "x", json!({}));
    world.host.append("demo", "ap.bill.paid", "d", json!({}));
    reader.until("id: 5\n").await;
    assert_eq!(reader.ids(), ["2", "3", "5"]);
}

#[tokio::test]
async fn topics_narrow_the_stream_and_a_new_reader_starts_now() {
    let world = World::open().await;
    world.host.append("demo", "ap.bill.paid", "before", json!({}));
    let mut reader = Reader::open(&world, "/api/realtime?topics=gl.*.*,ap.x.y", &world.clerk, "").await;
    world.host.append("demo", "ap.bill.paid", "not-asked-for", json!({}));
    world.host.append("demo", "gl.journal.posted", "asked-for", json!({}));
    reader.until("id: 3\n").await;
    assert_eq!(reader.ids(), ["3"]);
    assert!(reader.seen.contains("event: gl.journal.posted\ndata: {"));
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_told_and_cut_off() {
    let world = World::open().await;
    let mut reader = Reader::open(&world, "/api/realtime", &world.clerk, "").await;
    // In one go, so that the reader has no turn in between.
    for n in 0..3_000 {
        world.host.append("demo", "ap.bill.paid", &format!("e{n}"), json!({}));
    }
    reader.until("event: error\n").await;
    assert!(reader.seen.contains("OVERLOADED"));
}

#[tokio::test]
async fn a_reader_whose_token_was_taken_back_hears_no_more() {
    let world = World::open().await;
    let mut reader = Reader::open(&world, "/api/realtime", &world.clerk, "").await;
    world.host.append("demo", "ap.bill.paid", "heard", json!({}));
    reader.until("id: 1\n").await;
    world.revoke_all();
    world.host.append("demo", "ap.bill.paid", "secret", json!({}));
    reader.until("event: error\n").await;
    let mut rest = String::new();
    reader.stream.read_to_string(&mut rest).await.expect("an orderly end");
    let all = reader.seen + &rest;
    assert!(all.contains("UNAUTHENTICATED") && !all.contains("secret"), "{all}");
}

#[tokio::test]
async fn streams_end_when_the_daemon_stops() {
    let world = World::open().await;
    let mut reader = Reader::open(&world, "/api/realtime", &world.clerk, "").await;
    world.stop.send_replace(true);
    let cut = tokio::time::timeout(Duration::from_secs(4), world.served).await.expect("in time").expect("served");
    assert_eq!(cut, 0);
    let mut rest = Vec::new();
    reader.stream.read_to_end(&mut rest).await.expect("an orderly end");
}

#[tokio::test]
async fn a_wrong_resume_point_is_refused() {
    let world = World::open().await;
    let answer = world.send("GET", "/api/realtime", &world.clerk, "last-event-id: x\r\n", "").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "QUERY_INVALID"));
    assert_eq!(world.get("/api/realtime?topics=BAD", &world.clerk).await.status, 400);
}
