use crate::client::{parse, request};
use crate::world::World;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn answers_come_in_order_and_bad_lines_do_not_end_the_stream() {
    let world = World::open().await;
    let body = "{\"entity\":\"E\",\"n\":1}\n\nnot json\n{\"n\":2}\n{\"entity\":\"E\",\"n\":3}";
    let answer = world.send("POST", "/api/ap/import", &world.guest, "", body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let lines = answer.lines();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], json!({"entity": "E", "n": 1}));
    assert_eq!((&lines[1]["status"], &lines[1]["error"]["code"]), (&json!(400), &json!("BODY_NOT_JSON")));
    assert_eq!((&lines[2]["status"], &lines[2]["error"]["code"]), (&json!(422), &json!("BODY_INVALID")));
    assert_eq!(lines[3], json!({"entity": "E", "n": 3}));
}

#[tokio::test]
async fn many_lines_stay_within_the_window() {
    let world = World::open().await;
    let mut body = String::new();
    for n in 0..5_000 {
        writeln!(body, "{{\"entity\":\"E\",\"n\":{n}}}").expect("a line");
    }
    let answer = world.send("POST", "/api/ap/import", &world.guest, "", &body).await;
    let numbers: Vec<u64> = answer.lines().iter().filter_map(|line| line["n"].as_u64()).collect();
    assert_eq!(numbers, (0..5_000).collect::<Vec<_>>());
    let most = world.host.most_in_flight.load(Ordering::SeqCst) as u64;
    assert!(most <= contract_model::limits::NDJSON_WINDOW_MAX, "{most} lines were in flight");
}

#[tokio::test]
async fn an_answer_comes_while_the_body_is_still_being_sent() {
    let world = World::open().await;
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    let head = String::from_utf8(request("POST", "/api/ap/import", &world.guest, "", "")).expect("a head");
    let head = head.replace("content-length: 0", "transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(b"15\r\n{\"entity\":\"E\",\"n\":7}\n\r\n").await.expect("sent");
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"n\":7") {
        assert!(stream.read_buf(&mut seen).await.expect("read") > 0, "closed: {}", String::from_utf8_lossy(&seen));
    }
    stream.write_all(b"0\r\n\r\n").await.expect("sent");
    stream.read_to_end(&mut seen).await.expect("read");
    assert_eq!(parse(&seen).lines().len(), 1);
}
