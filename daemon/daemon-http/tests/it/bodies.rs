//! All bodies together have a limit, whoever sends them and however they are sent.

use crate::client::{Answer, raw, request};
use crate::world::World;
use daemon_http::ServerConfig;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const MIB: usize = 1024 * 1024;
const BILLS: &str = "/api/ap/bills";

/// Room for three bodies of a megabyte with the values of one of them, and small ones beside them.
async fn narrow() -> World {
    World::open_as(ServerConfig::default(), |api| {
        api.bodies_memory_bytes = 5 * MIB as u64;
        api.read_timeout = Duration::from_secs(5);
    })
    .await
}

fn bill(length: usize) -> String {
    format!("{{\"entity\":\"E\",\"note\":\"{}\"}}", "x".repeat(length))
}

/// One that is not answered before the doors are open.
fn held(length: usize) -> String {
    bill(length).replace("{\"entity\"", "{\"hold\":true,\"entity\"")
}

/// Waits for a figure to have a value.
async fn until(world: &World, figure: &str, is: impl Fn(u64) -> bool) {
    let mut seen = None;
    for _ in 0..1_000 {
        let page = world.get("/metrics", &world.admin).await;
        let text = String::from_utf8(page.body).expect("UTF-8");
        seen = text.lines().find_map(|line| line.strip_prefix(figure)?.trim().parse().ok());
        if is(seen.unwrap_or(0)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{figure} never came to it: {seen:?}");
}

const TAKEN: &str = "trunkline_http_bodies_bytes ";
const REFUSED: &str = "trunkline_refused_total{code=\"OVERLOADED\",limit=\"BODIES_MEMORY_BYTES_MAX\"} ";

#[track_caller]
fn crowded(answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.body);
    let seen = (answer.status, answer.code(), answer.header("retry-after"));
    assert_eq!(seen, (503, "OVERLOADED".to_owned(), Some("1")), "{text}");
    assert!(text.contains("BODIES_MEMORY_BYTES_MAX"), "{text}");
}

fn sent(address: SocketAddr, token: &str, body: &str) -> tokio::task::JoinHandle<Answer> {
    let bytes = request("POST", BILLS, token, "", body);
    tokio::spawn(async move { raw(address, &bytes).await })
}

#[tokio::test]
async fn bodies_that_are_being_answered_leave_no_room_for_one_more() {
    let world = narrow().await;
    let mut waiting = Vec::new();
    for bodies in 1..=3 {
        waiting.push(sent(world.address, &world.clerk, &held(MIB)));
        // Its values have taken the place of its bytes.
        let values = bodies * MIB as u64..bodies * (MIB as u64 + 2_048);
        until(&world, TAKEN, |taken| values.contains(&taken)).await;
    }
    crowded(&world.send("POST", BILLS, &world.clerk, "", &bill(MIB)).await);
    crowded(&world.send("POST", "/api/events", &world.clerk, "", &bill(MIB)).await);
    crowded(&world.send("POST", "/api/collections/ap_bills/records", &world.clerk, "", &bill(MIB)).await);
    let objects = format!("{{\"entity\":\"E\",\"all\":[{}]}}", vec!["{\"a\":0}"; 3_000].join(","));
    crowded(&world.send("POST", BILLS, &world.clerk, "", &objects).await);
    assert_eq!(world.send("POST", BILLS, &world.clerk, "", "{\"entity\":\"E\"}").await.status, 200);
    until(&world, REFUSED, |refused| refused == 4).await;
    world.host.doors.add_permits(100);
    for one in waiting {
        assert_eq!(one.await.expect("an answer").status, 200);
    }
    until(&world, TAKEN, |taken| taken == 0).await;
    assert_eq!(world.send("POST", BILLS, &world.clerk, "", &bill(MIB)).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_being_sent_leave_no_room_for_one_more() {
    let world = narrow().await;
    let whole = request("POST", BILLS, &world.clerk, "", &bill(MIB));
    let mut sending = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(&whole[..whole.len() - 10]).await.expect("sent");
        sending.push(stream);
    }
    until(&world, TAKEN, |taken| taken > 3 * MIB as u64 - 8_192).await;
    crowded(&world.send("POST", BILLS, &world.clerk, "", &bill(MIB)).await);
    let announced = format!(
        "POST {BILLS} HTTP/1.1\r\nhost: t\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        world.clerk,
        2 * MIB
    );
    crowded(&raw(world.address, announced.as_bytes()).await);
    assert_eq!(world.send("POST", BILLS, &world.clerk, "", "{\"entity\":\"E\"}").await.status, 200);
    drop(sending);
    until(&world, TAKEN, |taken| taken == 0).await;
}

#[tokio::test]
async fn lines_that_wait_in_the_window_leave_no_room_for_one_more() {
    let world = narrow().await;
    let lines = vec![held(MIB / 2); 10].join("\n");
    let bytes = request("POST", "/api/ap/import", &world.clerk, "", &lines);
    let address = world.address;
    let answer = tokio::spawn(async move { raw(address, &bytes).await });
    until(&world, TAKEN, |taken| taken > 3 * MIB as u64).await;
    // A refused line is told of in its turn, so nothing shows yet that the rest was read.
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.host.doors.add_permits(1_000);
    let lines = answer.await.expect("an answer").lines();
    let refused = lines.iter().filter(|line| line["error"]["code"] == "OVERLOADED").count();
    let answered = lines.iter().filter(|line| line["entity"] == "E").count();
    assert_eq!((refused + answered, lines.len()), (10, 10));
    assert!(refused > 0, "all were taken");
    until(&world, TAKEN, |taken| taken == 0).await;
    assert!(world.host.most_in_flight.load(Ordering::SeqCst) <= 8, "more lines were in flight than there is room for");
    until(&world, REFUSED, |counted| counted == refused as u64).await;
}
