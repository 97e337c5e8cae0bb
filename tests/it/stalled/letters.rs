//! Dead letters while the disk takes nothing: none is forgotten for want of room, and what is done with one is done to its
//! end though nobody waits for it.

use super::{CALLS, Dam, PATIENCE, RECORDS, stalling};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Mutex;
use tests::client::cloud_event;
use tests::door::Door;
use tests::leaving::Leaving;
use tests::{Daemon, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  silo.sack.came:
    {kind: event, version: 1.0.0, schema: any.json, visibility: public, retry: {attempts: 1, then: dead-letter}}
  silo.cart.came:
    {kind: event, version: 1.0.0, schema: any.json, visibility: public, key: /key, retry: {attempts: 1, then: park}}
consumes: [silo.sack.came, silo.cart.came]
permissions: [records:own, events:publish, events:subscribe, \"net:127.0.0.1:PORT\"]
roles: [{name: silo.user, billable: false, grants: [silo.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "silo_grains", "fields": [{"name": "text", "type": "string"}]},
  {"name": "silo_stored", "fields": [{"name": "event", "type": "string"}]},
  {"name": "silo_switch", "fields": [{"name": "on", "type": "boolean"}]}]}"#;
const CODE: &str = r#"
const dao = $app.dao();
$app.onEvent("silo.sack.came", { deadline: "60s" }, async function open(e) {
  if (e.payload.waits) await $http.fetch("http://127.0.0.1:PORT/door");
  if (dao.countRecords("silo_switch", {}) === 0) throw new Error("closed");
  dao.saveRecord("silo_stored", { event: e.id });
});
$app.onEvent("silo.cart.came", function unload(e) {
  if (e.payload.broken) throw new Error("broken");
  dao.saveRecord("silo_stored", { event: e.id });
});
$app.routerAdd("POST", "/api/silo/open", () => dao.saveRecord("silo_switch", { on: true }));
$app.routerAdd("GET", "/api/silo/stored", () => dao.findRecordsByFilter("silo_stored", {}, { sort: "created" }).map((one) => one.event));
$app.routerAdd("POST", "/api/silo/fill", { timeout: "60s" }, (e) => {
  for (let n = 0; n < e.body.records; n += 1) dao.saveRecord("silo_grains", { text: "x".repeat(1_000_000) });
});
"#;
const DEAD: &str = "trunkline_events_dead_total{plugin=\"silo\"}";

fn silo(port: u16) -> Suite {
    let port = port.to_string();
    let suite = Suite::new().plugin("silo", &MANIFEST.replace("PORT", &port), &CODE.replace("PORT", &port));
    suite.file("silo/schema.json", SCHEMA)
}

fn publish(daemon: &Daemon, id: &str, topic: &str, data: &Value) {
    daemon.client().publish(&cloud_event(id, topic, data)).expect_status(202);
}

fn letters(daemon: &Daemon) -> Vec<String> {
    let listed = daemon.admin().get("/api/_admin/dead-letters").expect_status(200).body;
    let ids = listed.as_array().expect("a list").iter().map(|letter| letter["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

fn stored(daemon: &Daemon) -> Value {
    daemon.client().get("/api/silo/stored").expect_status(200).data().clone()
}

#[test]
fn a_dead_letter_is_kept_also_where_it_finds_the_stores_queue_full() {
    let door = Door::shut();
    let Some((daemon, dam)) = stalling(silo(door.port()), &["--allow-private-net"]) else { return };
    let limits = json!({ "memory_bytes": 1 << 30, "bytes_out": 32 << 20 });
    daemon.admin().patch("/api/_admin/plugins/silo/limits", &limits).expect_status(200);
    publish(&daemon, "sack", "silo.sack.came", &json!({"waits": true}));
    wait_until(PATIENCE, || door.is_asked().then_some(()));
    let dam = Dam::raised(dam);
    let refused = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CALLS {
            let (daemon, refused) = (&daemon, &refused);
            scope.spawn(move || {
                let answer = daemon.client().post("/api/silo/fill", &json!({ "records": RECORDS }));
                *refused.lock().expect("nobody has panicked") += u64::from(answer.code() == "OVERLOADED");
            });
        }
        let _opens = dam;
        wait_until(PATIENCE, || (*refused.lock().expect("nobody has panicked") > 0).then_some(()));
        // The queue stays as full as it is, and the handler comes to its end.
        door.open();
        wait_until(PATIENCE, || (daemon.metric(DEAD) == 1).then_some(()));
    });
    let letter = wait_until(PATIENCE, || letters(&daemon).pop());
    daemon.client().post("/api/silo/open", &json!({})).expect_status(200);
    assert_eq!(daemon.command(&["dead", "retry", &letter]).exit, Some(0));
    wait_until(PATIENCE, || (stored(&daemon) == json!(["sack"])).then_some(()));
}

/// Sends what is to be done with a letter, leaves once it is decided, and only then lets it reach the disk.
fn done_alone(daemon: &Daemon, dam: &Path, method: &str, path: &str, letter: &str) {
    let dam = Dam::raised(dam.to_path_buf());
    let asked = Leaving::send(&daemon.admin(), method, path, "", &json!({}));
    wait_until(PATIENCE, || (!letters(daemon).iter().any(|one| one == letter)).then_some(()));
    asked.leave();
    drop(dam);
}

#[test]
fn a_letter_is_dropped_to_the_end_though_nobody_waits_for_it() {
    let Some((daemon, dam)) = stalling(silo(1), &[]) else { return };
    publish(&daemon, "first", "silo.cart.came", &json!({"key": "a", "broken": true}));
    publish(&daemon, "second", "silo.cart.came", &json!({"key": "a"}));
    let letter = wait_until(PATIENCE, || letters(&daemon).pop());
    assert_eq!(stored(&daemon), json!([]), "the second waits for what becomes of the first");
    done_alone(&daemon, &dam, "DELETE", &format!("/api/_admin/dead-letters/{letter}"), &letter);
    wait_until(PATIENCE, || (stored(&daemon) == json!(["second"])).then_some(()));
}

#[test]
fn a_letter_is_retried_to_the_end_though_nobody_waits_for_it() {
    let Some((daemon, dam)) = stalling(silo(1), &[]) else { return };
    publish(&daemon, "sack", "silo.sack.came", &json!({}));
    let letter = wait_until(PATIENCE, || letters(&daemon).pop());
    daemon.client().post("/api/silo/open", &json!({})).expect_status(200);
    done_alone(&daemon, &dam, "POST", &format!("/api/_admin/dead-letters/{letter}/retry"), &letter);
    wait_until(PATIENCE, || (stored(&daemon) == json!(["sack"])).then_some(()));
    assert_eq!(letters(&daemon), Vec::<String>::new());
}
