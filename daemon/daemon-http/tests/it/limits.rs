//! Ugly requests: none is answered 500, each with the status of its limit.

use crate::client::{parse, raw, request};
use crate::world::{PATIENCE, World};
use daemon_http::ServerConfig;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn ugly_requests_get_their_status() {
    let world = World::open().await;
    let clerk = world.clerk.as_str();
    let post = |path: &str, body: &str| request("POST", path, clerk, "", body);
    let get = |path: &str| request("GET", path, clerk, "", "");
    let bill = "/api/ap/bills";
    let deep = format!("{{\"entity\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    let table: Vec<(&str, Vec<u8>, u16)> = vec![
        ("no HTTP", b"\x00\x01\x02\r\n\r\n".to_vec(), 400),
        ("no host is fine", b"GET /healthz HTTP/1.0\r\n\r\n".to_vec(), 200),
        ("not JSON", post(bill, "{"), 400),
        ("not UTF-8", [request("POST", bill, clerk, "", "{\"entity\":\"??\"}")].concat().into_iter().map(|b| if b == b'?' { 0xff } else { b }).collect(), 400),
        ("too deep", post(bill, &deep), 400),
        ("no body", post(bill, ""), 422),
        ("wrong shape", post(bill, "[]"), 422),
        ("huge number", post(bill, "{\"entity\":1e999}"), 400),
        ("announced too large", format!("POST {bill} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {clerk}\r\ncontent-length: 99999999\r\n\r\n").into_bytes(), 413),
        ("too large in fact", post(bill, &" ".repeat(2 * 1024 * 1024 + 1)), 413),
        ("as large as may be", post(bill, &format!("{{\"entity\":\"E\"}}{}", " ".repeat(2 * 1024 * 1024 - 14))), 200),
        ("chunks that lie", format!("POST {bill} HTTP/1.1\r\nhost: t\r\nconnection: close\r\nauthorization: Bearer {clerk}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n").into_bytes(), 400),
        ("two lengths", format!("POST {bill} HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{{}}").into_bytes(), 400),
        ("long target", get(&format!("/api/ap/bills/{}", "x".repeat(9_000))), 414),
        ("long header", request("GET", "/api/ap/bills/1", clerk, &format!("x-long: {}\r\n", "y".repeat(33_000)), ""), 431),
        ("many headers", request("GET", "/api/ap/bills/1", clerk, &"x-a: b\r\n".repeat(200), ""), 431),
        ("token not ASCII", b"GET /api/ap/bills/1 HTTP/1.1\r\nhost: t\r\nconnection: close\r\nauthorization: Bearer \xff\r\n\r\n".to_vec(), 401),
        ("two tokens", request("GET", "/api/ap/bills/1", clerk, &format!("authorization: Bearer {clerk}\r\n"), ""), 401),
        ("another scheme", request("GET", "/api/ap/bills/1", "", "authorization: Basic eDp5\r\n", ""), 401),
        ("path not UTF-8", get("/api/ap/bills/%ff"), 400),
        ("path with dots", get("/api/../etc/passwd"), 404),
        ("nothing there", get("/"), 404),
        ("unknown admin path", get("/api/_admin/nope"), 404),
        ("admin for a member", get("/api/_admin/plugins"), 403),
        ("trace", request("TRACE", "/api/ap/bills/1", clerk, "", ""), 405),
        ("options", request("OPTIONS", "/api/ap/bills/1", clerk, "", ""), 405),
        ("odd method", request("FROB", "/api/events", clerk, "", ""), 405),
        ("limit not a number", get("/api/events?limit=many"), 400),
        ("limit too large", get("/api/events?limit=1001"), 400),
        ("unknown parameter", get("/api/events?colour=red"), 400),
        ("bad topic", get("/api/events?topic=A%20B"), 400),
        ("event id not UTF-8", get("/api/events/%ff"), 400),
        ("event id odd", get("/api/events/%00"), 404),
        ("bad wait", get("/api/events/x/outcome?wait=forever"), 400),
        ("event not JSON", post("/api/events", "{"), 400),
        ("event a list", post("/api/events", "[]"), 422),
        ("event without type", post("/api/events", "{}"), 422),
        ("event of odd type", post("/api/events", "{\"type\":7}"), 422),
        ("event of an unknown topic", post("/api/events", "{\"type\":\"A B\"}"), 422),
        ("event with odd id", post("/api/events", "{\"type\":\"a.b\",\"id\":\"a b\"}"), 422),
        ("event of another version", post("/api/events", "{\"specversion\":\"0.3\",\"type\":\"a.b\"}"), 422),
        ("event as bytes", post("/api/events", "{\"type\":\"a.b\",\"data_base64\":\"AA==\"}"), 422),
        ("odd prefer", request("POST", "/api/events", clerk, "prefer: wait=long\r\n", "{\"type\":\"a.b\"}"), 400),
        ("dead letter for a member", request("DELETE", "/api/_admin/dead-letters/x", clerk, "", ""), 403),
        ("unknown dead letter", request("DELETE", "/api/_admin/dead-letters/x", &world.admin, "", ""), 404),
        ("tenant not JSON", request("POST", "/api/_admin/tenants", &world.admin, "", "x"), 400),
        ("token for no tenant", request("POST", "/api/_admin/tenants/none/tokens", &world.admin, "", "{\"roles\":[],\"ttl\":\"1h\"}"), 404),
    ];
    for (name, bytes, want) in table {
        let answer = raw(world.address, &bytes).await;
        assert_eq!(answer.status, want, "{name}: {}", String::from_utf8_lossy(&answer.body));
    }
}

/// Most clients send all of a body before they look for an answer.
#[tokio::test]
async fn who_sends_a_body_that_is_too_large_to_its_end_reads_why() {
    let world = World::open().await;
    let bytes = request("POST", "/api/ap/bills", &world.clerk, "", &" ".repeat(12 * 1024 * 1024));
    for _ in 0..5 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(&bytes).await.expect("all of it is taken");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        assert_eq!(parse(&answer).status, 413);
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_refused_in_time() {
    let world = World::open().await;
    let mut bytes = request("POST", "/api/ap/bills", &world.clerk, "", "{\"entity\":\"E\"}");
    bytes.truncate(bytes.len() - 3);
    let start = Instant::now();
    let answer = raw(world.address, &bytes).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "timeout"));
    assert!(start.elapsed() >= PATIENCE);
}

#[tokio::test]
async fn a_header_that_stalls_is_closed_in_time() {
    let world = World::open().await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhos").await.expect("sent");
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is still open");
    assert!([0, 408].contains(&parse(&rest).status));
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so() {
    let world = World::open_with(ServerConfig { connections_max: 1, ..ServerConfig::default() }).await;
    let mut held = TcpStream::connect(world.address).await.expect("a connection");
    held.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("sent");
    let mut first = [0; 12];
    held.read_exact(&mut first).await.expect("an answer");
    let mut second = TcpStream::connect(world.address).await.expect("a connection");
    let mut told = Vec::new();
    second.read_to_end(&mut told).await.expect("an answer");
    let answer = parse(&told);
    assert_eq!((answer.status, answer.code().as_str(), answer.header("retry-after")), (503, "OVERLOADED", Some("1")));
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_a_stop_closes_it() {
    let world = World::open().await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    for _ in 0..3 {
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: t\r\n\r\n").await.expect("sent");
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("ready\"}") {
            assert!(stream.read_buf(&mut seen).await.expect("read") > 0);
        }
    }
    world.stop.send_replace(true);
    assert_eq!(world.served.await.expect("served"), 0);
}
