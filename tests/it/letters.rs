//! Very many dead letters: listed in pages, taken so many at a time, and moved with their handler's name.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tests::{Client, Daemon, Start, Suite, wait_until};

pub(crate) const MANIFEST: &str = "
topics:
  attic.box.stored: {kind: event, version: 1.0.0, schema: any.json, ttl: 1ms, retry: {attempts: 1, then: dead-letter}}
publishes: [attic.box.stored]
consumes: [attic.box.stored]
roles: [{name: attic.user, billable: false, grants: [attic.use]}]
";
pub(crate) const CODE: &str = r#"
$app.onEvent("attic.box.stored", function carry(e) { throw new Error("heavy"); });
$app.routerAdd("POST", "/api/attic/many", (e) => {
  for (let n = 0; n < e.body.count; n += 1) $app.realtime().publish("attic.box.stored", { n }, { delay: "2ms" });
});
"#;
/// More than one request takes (`DEAD_LETTERS_TAKEN_MAX`), and than one unit moves to another name.
const LETTERS: usize = 10_001;
const PAGE: usize = 1_000;
/// What a subscription holds in memory.
const WINDOW: usize = 1_024;
/// How long a retry waits for room.
const ROOM_WITHIN: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_mins(2);

/// All pages of dead letters from a path on.
fn pages(admin: &Client, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(at) = path {
        let answer = admin.get(&at).expect_status(200);
        let link = answer.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        path = link.map(str::to_owned);
        pages.push(answer.body.as_array().expect("a list").clone());
        assert!(pages.len() < 100, "the pages come to no end");
    }
    pages
}

fn attic(code: &str, data: &std::path::Path) -> Daemon {
    Start::suite(Suite::new().plugin("attic", MANIFEST, code)).data(data).run()
}

/// A body in chunks, which announces no length.
fn in_chunks(client: &Client, path: &str, body: &str) -> (u16, String) {
    let address = client.url().strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address).expect("the daemon listens");
    let (token, length) = (client.token(), body.len());
    let head = format!("POST {path} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {token}\r\nconnection: close\r\n");
    let chunks = if length == 0 { "0\r\n\r\n".to_owned() } else { format!("{length:x}\r\n{body}\r\n0\r\n\r\n") };
    write!(stream, "{head}transfer-encoding: chunked\r\n\r\n{chunks}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), answer)
}

#[test]
fn a_payload_that_comes_in_chunks_is_taken_for_the_retry() {
    let code = r#"
$app.onEvent("attic.box.stored", function carry(e) {
  if (e.payload.n !== 7) throw new Error(`heavy ${e.payload.n}`);
});
$app.routerAdd("POST", "/api/attic/one", () => { $app.realtime().publish("attic.box.stored", { n: 1 }); });"#;
    let data = tempfile::tempdir().expect("a folder");
    let daemon = attic(code, data.path());
    let admin = daemon.admin();
    daemon.client().post("/api/attic/one", &json!({})).expect_status(200);
    let letters = || admin.get("/api/_admin/dead-letters").expect_status(200).body;
    let dead = "trunkline_events_dead_total{plugin=\"attic\"}";
    wait_until(PATIENCE, || (daemon.metric(dead) == 1).then_some(()));
    let letter = letters()[0]["id"].as_str().expect("a letter").to_owned();
    let path = format!("/api/_admin/dead-letters/{letter}/retry");

    let (status, answer) = in_chunks(&admin, &path, "garbage{{{");
    assert!(status == 400 && answer.contains("BODY_NOT_JSON"), "{answer}");
    let (status, answer) = in_chunks(&admin, &path, r#"{"payload": {"n": 7}, "other": 1}"#);
    assert!(status == 422 && answer.contains("BODY_INVALID"), "{answer}");
    assert_eq!(daemon.metric(dead), 1, "what was refused delivers nothing");
    // An empty one is none: the event is offered as it was.
    assert_eq!(in_chunks(&admin, &path, "").0, 200);
    wait_until(PATIENCE, || (daemon.metric(dead) == 2).then_some(()));
    let (status, answer) = in_chunks(&admin, &path, r#"{"payload": {"n": 7}}"#);
    assert_eq!(status, 200, "{answer}");
    wait_until(PATIENCE, || (letters() == json!([])).then_some(()));
    assert_eq!(daemon.metric(dead), 2, "the given payload was delivered");
}

#[test]
fn very_many_dead_letters_are_listed_moved_and_given_up_in_parts() {
    let data = tempfile::tempdir().expect("a folder");
    let mut daemon = attic(CODE, data.path());
    for count in [PAGE; LETTERS / PAGE].into_iter().chain([LETTERS % PAGE]) {
        daemon.client().post("/api/attic/many", &json!({ "count": count })).expect_status(200);
    }
    let kept = "trunkline_store_entries{keyspace=\"dead-letters\"}";
    wait_until(PATIENCE, || (daemon.metric(kept) == LETTERS as u64).then_some(()));
    let all = pages(&daemon.admin(), "/api/_admin/dead-letters");
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [[PAGE; LETTERS / PAGE].as_slice(), &[1]].concat());
    let first = all[0][0]["id"].as_str().expect("an id").to_owned();

    // Who is away is given as many as it can hold when it is back, and nobody waits for it meanwhile.
    daemon.admin().post("/api/_admin/plugins/attic/disable", &json!({})).expect_status(200);
    let begun = Instant::now();
    let retried = daemon.admin().post("/api/_admin/dead-letters/retry?all=true", &json!({})).expect_status(200).body;
    assert_eq!((&retried["count"], &retried["left"]), (&json!(WINDOW), &json!(LETTERS - 1 - WINDOW)), "{retried}");
    assert!(begun.elapsed() < ROOM_WITHIN, "it waited for room that does not come: {:?}", begun.elapsed());
    daemon.admin().post("/api/_admin/plugins/attic/enable", &json!({})).expect_status(200);
    let dead = "trunkline_events_dead_total{plugin=\"attic\"}";
    wait_until(PATIENCE, || (daemon.metric(dead) >= WINDOW as u64).then_some(()));
    wait_until(PATIENCE, || (daemon.metric(kept) == LETTERS as u64).then_some(()));
    daemon.stop().expect("it stops");

    // More than one unit moves goes along with the new name.
    let renamed = CODE.replace("function carry", "{ formerly: 'carry' }, function lift");
    let daemon = attic(&renamed, data.path());
    let ids = |pages: Vec<Vec<Value>>| -> Vec<String> {
        pages.concat().iter().filter_map(|letter| letter["id"].as_str().map(str::to_owned)).collect()
    };
    let moved: Vec<String> = ids(all).into_iter().map(|id| id.replace("attic.carry:", "attic.lift:")).collect();
    assert_eq!(ids(pages(&daemon.admin(), "/api/_admin/dead-letters?limit=999&plugin=attic")), moved);
    let path = |id: &str| format!("/api/_admin/dead-letters/{id}");
    daemon.admin().get(&path(&first)).expect_error(404, "NOT_FOUND");
    let shown = daemon.command(&["dead", "show", &first]);
    assert!(shown.exit == Some(1) && shown.err.contains("`trunkline dead list` lists them"), "{}", shown.err);
    assert_eq!(daemon.admin().get(&path(&moved[0])).expect_status(200).body["id"], json!(moved[0]));
    let last = daemon.command(&["dead", "list", "--after", &moved[LETTERS - 3], "--limit", "1"]);
    assert!(last.out.lines().count() == 1 && last.out.starts_with(&moved[LETTERS - 2]), "{}{}", last.out, last.err);

    // One request takes so many, and says where the next one goes on. The command asks on.
    let dropped = daemon.admin().delete("/api/_admin/dead-letters?all=true").expect_status(200).body;
    assert_eq!((&dropped["count"], &dropped["next"]), (&json!(LETTERS - 1), &json!(moved[LETTERS - 2])));
    assert!(daemon.command(&["dead", "drop", "--all"]).out.contains("1 given up"));
    assert_eq!(daemon.command(&["dead", "list"]).out, "no dead letters\n");
}

/// Waits for its time in memory, so that a subscription has no room.
const CROWD_DELAY: &str = "25s";
const CROWD: &str = r#"
$app.onEvent("attic.box.stored", function carry(e) { if (!e.payload.light) throw new Error("heavy"); });
$app.routerAdd("POST", "/api/attic/crowd", (e) => {
  for (let n = 0; n < e.body.count; n += 1) $app.realtime().publish("attic.box.stored", { light: true }, { delay: DELAY });
});
$app.routerAdd("POST", "/api/attic/one", () => $app.realtime().publish("attic.box.stored", {}));
"#;

#[test]
fn a_letter_whose_subscription_has_no_room_stays_as_it_is_until_there_is() {
    let manifest = MANIFEST.replace("ttl: 1ms, ", "");
    let code = CROWD.replace("DELAY", &format!("{CROWD_DELAY:?}"));
    let mut daemon = Start::suite(Suite::new().plugin("attic", &manifest, &code)).run();
    daemon.client().post("/api/attic/one", &json!({})).expect_status(200);
    let list = |daemon: &Daemon| daemon.admin().get("/api/_admin/dead-letters").expect_status(200).body;
    let before = wait_until(PATIENCE, || Some(list(&daemon)).filter(|letters| letters[0].is_object()));
    for count in [WINDOW / 2; 2] {
        daemon.client().post("/api/attic/crowd", &json!({ "count": count })).expect_status(200);
    }
    let id = before[0]["id"].as_str().expect("an id");
    let path = format!("/api/_admin/dead-letters/{id}/retry");
    let payload = json!({"payload": {"light": true}});
    let begun = Instant::now();
    let refused = daemon.admin().post(&path, &payload);
    refused.expect_error(503, "OVERLOADED");
    assert!(
        refused.text.contains("SUBSCRIPTION_WINDOW_MAX") && refused.header("retry-after") == "1",
        "{}",
        refused.text
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "it was not refused early: {:?}", begun.elapsed());
    let told = daemon.command(&["dead", "retry", id]);
    assert!(told.exit == Some(1) && told.err.contains("OVERLOADED"), "{}", told.err);
    assert_eq!(list(&daemon), before);
    assert_eq!(daemon.metric(r#"trunkline_store_entries{keyspace="retries"}"#), 0);
    let counted = r#"trunkline_refused_total{code="OVERLOADED",limit="SUBSCRIPTION_WINDOW_MAX"}"#;
    assert_eq!(daemon.metric(counted), 2);
    // Nothing of it is kept over a kill, either; and when there is room again it is taken.
    daemon.restart().expect("it starts again");
    assert_eq!(list(&daemon), before);
    wait_until(PATIENCE, || (daemon.admin().post(&path, &payload).status < 300).then_some(()));
    let handled = r#"trunkline_events_handled_total{plugin="attic",topic="attic.box.stored"}"#;
    wait_until(PATIENCE, || (daemon.metric(handled) == 1 + WINDOW as u64).then_some(()));
    assert_eq!(list(&daemon), json!([]));
}

#[test]
fn what_is_no_place_no_plugin_or_too_much_is_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let daemon = attic(CODE, data.path());
    for (query, part) in [
        ("after=carry", "`carry` is no dead letter's id, as `plugin.handler:sequence`"),
        ("limit=1001", "DEAD_LETTERS_PAGE_MAX"),
        ("plugin=No", "No"),
        ("topic=attic.a,attic.b", "`topic` takes one topic or pattern"),
    ] {
        let answer = daemon.admin().get(&format!("/api/_admin/dead-letters?{query}"));
        answer.expect_error(400, "QUERY_INVALID");
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{}", answer.body);
    }
    daemon.admin().delete("/api/_admin/dead-letters/nothing").expect_error(404, "NOT_FOUND");
    daemon.admin().post("/api/_admin/dead-letters/attic.carry:9/retry", &json!({})).expect_error(404, "NOT_FOUND");
}
