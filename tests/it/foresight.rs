//! A verb that reads the record its path names gets it along with the call, and nobody can tell but by the questions.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
roles: [{name: seer.user, billable: false, grants: [seer.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "seer_items", "fields": [{"name": "n", "type": "integer"},
  {"name": "note", "type": "string"}]}]}"#;
const CODE: &str = r#"
const dao = $app.dao();
const readOnly = { readOnly: true };
$app.routerAdd("GET", "/api/seer/items/{id}", readOnly, (e) => dao.findRecordById("seer_items", e.params.id).n);
$app.routerAdd("GET", "/api/seer/lists/{id}", readOnly, (e) => dao.findRecordsByIds("seer_items", [e.params.id])[0]?.n ?? null);
$app.routerAdd("GET", "/api/seer/maybe/{id}", readOnly, (e) =>
  e.query.want ? dao.findRecordById("seer_items", e.params.id).n : "unwanted");
$app.routerAdd("GET", "/api/seer/two/{id}", readOnly, (e) => {
  const one = dao.findRecordById("seer_items", e.params.id).n;
  return [one, dao.countRecords("seer_items", { n: one }), dao.findRecordById("seer_items", e.params.id).n];
});
$app.routerAdd("PUT", "/api/seer/items/{id}", (e) => dao.saveRecord("seer_items", { id: e.params.id, ...e.body }).n);
$app.routerAdd("POST", "/api/seer/items/{id}/add", (e) => {
  const item = dao.findRecordById("seer_items", e.params.id);
  return dao.saveRecord("seer_items", { ...item, n: item.n + 1 }).n;
});
"#;

fn seer() -> (Daemon, Client) {
    let suite = Suite::new().plugin("seer", MANIFEST, CODE).file("seer/schema.json", SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

fn put(client: &Client, id: &str, n: u64) {
    client.json("PUT", &format!("/api/seer/items/{id}"), &[], &json!({"n": n})).expect_status(200);
}

fn get(client: &Client, path: &str) -> Value {
    client.get(&format!("/api/seer/{path}")).expect_status(200).data().clone()
}

fn questions(daemon: &Daemon) -> u64 {
    daemon.metric("trunkline_plugin_questions_total{plugin=\"seer\",tenant=\"demo\"}")
}

fn records_read(daemon: &Daemon) -> u64 {
    daemon.metric("trunkline_plugin_records_read_total{plugin=\"seer\",tenant=\"demo\"}")
}

#[test]
fn who_asked_for_what_its_path_names_need_not_ask_again() {
    let (daemon, client) = seer();
    for id in ["a", "b"] {
        put(&client, id, 1);
    }
    for kind in ["items", "lists"] {
        assert_eq!(get(&client, &format!("{kind}/a")), 1);
        let (asked, read) = (questions(&daemon), records_read(&daemon));
        for id in ["a", "b", "a"] {
            assert_eq!(get(&client, &format!("{kind}/{id}")), 1);
        }
        assert_eq!(questions(&daemon), asked, "{kind}: nothing more was asked");
        assert_eq!(records_read(&daemon), read + 3, "{kind}: what came with a call is counted as read");
    }
}

#[test]
fn what_comes_with_a_call_is_as_new_as_what_is_asked_for() {
    let (_daemon, client) = seer();
    for n in 0..20 {
        put(&client, "a", n);
        assert_eq!(get(&client, "items/a"), n);
        assert_eq!(get(&client, "two/a"), json!([n, 1, n]), "all of it is one snapshot");
    }
    client.get("/api/seer/items/none").expect_error(404, "RECORD_NOT_FOUND");
    assert_eq!(get(&client, "lists/none"), Value::Null);
}

/// What calls of one run bring along is read in one snapshot, which each of them that asks on asks again.
#[test]
fn calls_that_travel_together_each_see_one_snapshot() {
    let (_daemon, client) = seer();
    put(&client, "a", 0);
    get(&client, "two/a");
    let done = AtomicBool::new(false);
    let read = || {
        for _ in 0..60 {
            let seen = get(&client, "two/a");
            assert_eq!(seen, json!([seen[0], 1, seen[0]]), "all of it is one snapshot");
        }
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
        scope.spawn(|| {
            let mut n = 0;
            while !done.load(Relaxed) {
                n += 1;
                put(&client, "a", n);
            }
        });
        let ended: Vec<bool> = readers.into_iter().map(|reader| reader.join().is_ok()).collect();
        done.store(true, Relaxed);
        assert!(!ended.contains(&false), "every call saw one snapshot");
    });
}

#[test]
fn a_route_that_seldom_wants_it_asks_again() {
    let (daemon, client) = seer();
    put(&client, "a", 1);
    get(&client, "maybe/a?want=1");
    let asked = questions(&daemon);
    get(&client, "maybe/a?want=1");
    assert_eq!(questions(&daemon), asked);
    for _ in 0..8 {
        assert_eq!(get(&client, "maybe/a"), "unwanted");
    }
    get(&client, "maybe/a?want=1");
    assert_eq!(questions(&daemon), asked + 1, "after eight calls in vain it is not foreseen any more");
}

#[test]
fn a_large_record_is_asked_for() {
    let (daemon, client) = seer();
    put(&client, "a", 1);
    get(&client, "items/a");
    let large = json!({"n": 2, "note": "x".repeat(100_000)});
    client.json("PUT", "/api/seer/items/b", &[], &large).expect_status(200);
    let asked = questions(&daemon);
    for _ in 0..3 {
        assert_eq!(get(&client, "items/b"), 2);
    }
    assert_eq!(questions(&daemon), asked + 3, "what all calls of a run want must fit into their worker");
}

/// A snapshot that is taken before the work begins would meet every change in between.
#[test]
fn verbs_that_may_write_ask() {
    let (daemon, client) = seer();
    put(&client, "a", 0);
    let asked = questions(&daemon);
    for n in 1..=5 {
        let added = client.post("/api/seer/items/a/add", &json!({})).expect_status(200);
        assert_eq!(added.data(), n);
    }
    assert_eq!(questions(&daemon), asked + 5);
}

#[test]
fn each_tenant_sees_its_own() {
    let (daemon, client) = seer();
    put(&client, "a", 1);
    get(&client, "items/a");
    get(&client, "items/a");
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "acme"})).expect_status(201);
    let other = client.with_token(made.body["token"].as_str().expect("a token"));
    other.get("/api/seer/items/a").expect_error(404, "RECORD_NOT_FOUND");
    put(&other, "a", 7);
    assert_eq!((get(&other, "items/a"), get(&client, "items/a")), (json!(7), json!(1)));
}
