//! The live events over a web socket: the same as server-sent, with the same token, and resumable.

use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite};
use tungstenite::client::IntoClientRequest;
use tungstenite::error::Error;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(30);
/// A stream that is told of nothing looks at the log with its next sign of life, after a quarter of a minute.
const PROMPT: Duration = Duration::from_secs(10);
const HEAD: &str = "
topics:
  bell.rung.loud: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
  bell.rung.soft: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [bell.rung.loud, bell.rung.soft]
roles: [{name: bell.user, billable: false, grants: [bell.use]}]
";

fn bell() -> Daemon {
    let code = r#"
$app.routerAdd("POST", "/api/bell/ring", (e) => {
  /** @topics bell.rung.loud bell.rung.soft */
  $app.realtime().publish(e.body.topic, { n: e.body.n });
});"#;
    Start::suite(Suite::new().plugin("bell", HEAD, code)).run()
}

type Socket = WebSocket<TcpStream>;

fn open(client: &Client, token: &str, query: &str) -> Result<Socket, u16> {
    let address = client.url().strip_prefix("http://").expect("a plain address");
    let mut request = format!("ws://{address}/api/realtime/ws{query}").into_client_request().expect("a request");
    if !token.is_empty() {
        let bearer = format!("Bearer {token}").parse().expect("a header");
        request.headers_mut().insert("authorization", bearer);
    }
    let stream = TcpStream::connect(address).expect("the daemon listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    match tungstenite::client(request, stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(Error::Http(answer))) => Err(answer.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// The next event, past pings.
fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.read().expect("a message") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) => {}
            other => panic!("{other}"),
        }
    }
}

fn ring(client: &Client, topic: &str, n: u64) {
    client.post("/api/bell/ring", &json!({"topic": topic, "n": n})).expect_status(200);
}

#[test]
fn a_socket_gives_what_the_stream_gives_and_goes_on_after_a_restart() {
    let mut daemon = bell();
    let client = daemon.client();
    let mut socket = open(&client, client.token(), "?topics=bell.rung.loud").expect("it opens");
    ring(&client, "bell.rung.soft", 1);
    let rung = Instant::now();
    ring(&client, "bell.rung.loud", 2);
    let first = next(&mut socket);
    assert!(rung.elapsed() < PROMPT, "it comes when it is on disk, not with a later look at the log");
    assert_eq!((&first["event"], &first["data"]["data"]["n"]), (&json!("bell.rung.loud"), &json!(2)));
    let by_stream = client.stream("/api/realtime?topics=bell.**&last_event_id=0", None).expect("a stream").nth(1);
    let by_stream = by_stream.expect("a message").expect("a message");
    assert_eq!((json!(by_stream.id), by_stream.data), (first["id"].clone(), first["data"].clone()));
    drop(socket);
    ring(&client, "bell.rung.loud", 3);
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let client = daemon.client();
    let query = format!("?topics=bell.rung.*&last_event_id={}", first["id"].as_str().expect("an id"));
    let mut socket = open(&client, client.token(), &query).expect("it opens");
    assert_eq!(next(&mut socket)["data"]["data"]["n"], 3);
    ring(&client, "bell.rung.soft", 4);
    assert_eq!(next(&mut socket)["data"]["data"]["n"], 4);
}

#[test]
fn a_socket_needs_a_token_and_shows_no_other_tenants_events() {
    let daemon = bell();
    let client = daemon.client();
    let admin = daemon.admin();
    assert_eq!(open(&client, "", "").err(), Some(401));
    assert_eq!(open(&client, "tl_nonsense", "").err(), Some(401));
    assert_eq!(open(&client, client.token(), "?tenant=other").err(), Some(403));
    assert_eq!(open(&client, client.token(), "?topics=No").err(), Some(400));
    assert_eq!(open(&client, client.token(), "?colour=red").err(), Some(400));
    // The route exists, and is no plain one.
    client.get("/api/realtime/ws").expect_error(400, "QUERY_INVALID");
    let other = admin.post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201).body;
    let other = client.with_token(other["token"].as_str().expect("a token"));
    let mut mine = open(&client, client.token(), "").expect("it opens");
    let mut theirs = open(&client, other.token(), "").expect("it opens");
    let mut all = open(&client, admin.token(), "?topics=bell.**").expect("it opens");
    ring(&client, "bell.rung.loud", 1);
    ring(&other, "bell.rung.loud", 2);
    assert_eq!(next(&mut mine)["data"]["data"]["n"], 1);
    assert_eq!(next(&mut theirs)["data"]["data"]["n"], 2);
    assert_eq!(
        (next(&mut all)["data"]["tenantid"].clone(), next(&mut all)["data"]["tenantid"].clone()),
        (json!("demo"), json!("other"))
    );
    client.publish(&cloud_event("e-1", "bell.rung.soft", &json!({"n": 3}))).expect_status(202);
    assert_eq!(next(&mut mine)["data"]["id"], "e-1");
}

#[test]
fn a_client_that_talks_is_closed_and_so_is_everybody_at_the_end() {
    let mut daemon = bell();
    let client = daemon.client();
    let mut talker = open(&client, client.token(), "").expect("it opens");
    talker.send(Message::text("hello")).expect("it is sent");
    assert_eq!(closed(&mut talker), 1003);
    let mut waiting = open(&client, client.token(), "").expect("it opens");
    waiting.send(Message::Ping("x".into())).expect("it is sent");
    assert!(matches!(waiting.read(), Ok(Message::Pong(_))), "a ping is answered");
    assert!(daemon.stop().expect("it stops").success());
    assert_eq!(closed(&mut waiting), 1001);
}

#[test]
fn a_clients_close_is_answered_by_a_close() {
    let daemon = bell();
    let client = daemon.client();
    let mut socket = open(&client, client.token(), "").expect("it opens");
    ring(&client, "bell.rung.loud", 1);
    assert_eq!(next(&mut socket)["data"]["data"]["n"], 1);
    let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(frame)).expect("it is sent");
    assert_eq!(closed(&mut socket), 1000);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)), "the connection ends after it");
}

fn closed(socket: &mut Socket) -> u16 {
    match socket.read().expect("a message") {
        Message::Close(Some(frame)) => frame.code.into(),
        other => panic!("{other}"),
    }
}
