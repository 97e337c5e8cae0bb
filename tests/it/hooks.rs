//! Record hooks: before a change they alter or refuse it, whoever makes it; after it they are told, once.

use serde_json::{Value, json};
use std::time::Duration;
use tests::example::example_of;
use tests::{Client, Daemon, Start, Suite, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);
const HEAD: &str = "
schema: schema.json
roles: [{name: den.user, billable: false, grants: [den.use]}]
";
const SCHEMA: &str = r#"{"collections": [
  {"name": "den_things", "unique": [["no"]], "fields": [{"name": "no", "type": "integer"}, {"name": "seen", "type": "string"}, {"name": "n", "type": "integer"}]},
  {"name": "den_told", "fields": [{"name": "what", "type": "string"}, {"name": "attempt", "type": "integer"}, {"name": "turn", "type": "integer"}]},
  {"name": "den_loops", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const CODE: &str = r#"
const mark = (word) => (e) => { e.record.seen = `${e.record.seen ?? ""}${word}`; };
$app.onRecord("before", "create", "den_things", mark("c"));
$app.onRecord("before", "create", "den_things", async (e) => { await null; mark("d")(e); });
$app.onRecord("before", "update", "den_things", (e) => { e.record.seen = `${e.previous.seen}u`; });
$app.onRecord("before", "create", "den_things", (e) => {
  if (e.record.n === 13) throw new AppError("UNLUCKY", "not thirteen", { status: 418, details: { n: 13 } });
  if (e.record.n === 14) e.record.n = "many";
  if (e.record.n === 15) e.record.id = "other";
  if (e.record.n === 16) $app.dao().saveRecord("den_told", { what: `made ${$app.dao().countRecords("den_things", {})}` });
});
$app.onRecord("before", "delete", "den_things", (e) => {
  if (e.record.n === 7) throw new AppError("KEPT", "seven stays", { status: 409 });
});
for (const operation of ["create", "update", "delete"]) {
  $app.onRecord("after", operation, "den_things", (e) => {
    if (e.record.n === 99 && e.attempt < 3) throw new Error("not yet");
    $app.dao().saveRecord("den_told", { what: `${e.operation} ${e.record.no} ${e.record.n} ${e.previous?.n ?? "-"} ${e.actor === "" ? "nobody" : "somebody"}`, turn: $app.dao().countRecords("den_told", {}), attempt: e.attempt });
  });
}
$app.onRecord("before", "create", "den_loops", (e) => { $app.dao().saveRecord("den_loops", { n: e.record.n + 1 }); });
$app.onRecord("after", "update", "den_loops", (e) => { $app.dao().saveRecord("den_loops", { id: e.record.id, n: e.record.n + 1 }); });
$app.routerAdd("POST", "/api/den/things", (e) => {
  const ids = e.body.map((thing) => $app.dao().saveRecord("den_things", thing).id);
  return $app.dao().findRecordsByIds("den_things", ids);
});
$app.routerAdd("POST", "/api/den/caught", (e) => {
  try { $app.dao().saveRecord("den_things", e.body); } catch (error) { return { code: error.code, left: $app.dao().countRecords("den_things", {}) }; }
});
$app.routerAdd("POST", "/api/den/sums", (e) => $app.dao().addToRecords("den_things", e.body, ["n"]));
$app.routerAdd("POST", "/api/den/brief", (e) => $app.dao().deleteRecord("den_things", $app.dao().saveRecord("den_things", { no: 50 }).id));
$app.routerAdd("POST", "/api/den/loop", (e) => $app.dao().saveRecord("den_loops", { n: 0 }));
$app.routerAdd("GET", "/api/den/told", () => $app.dao().findRecordsByFilter("den_told", {}, { sort: "turn" }));
"#;
const EAR: &str = r#"
$app.onRecord("after", "create", "den_things", function heard(e) { $app.dao().saveRecord("ear_heard", { n: e.record.n }); });
$app.routerAdd("GET", "/api/ear/heard", () => $app.dao().countRecords("ear_heard", {}));
"#;
const HEARD: &str = r#"{"collections": [{"name": "ear_heard", "fields": [{"name": "n", "type": "integer"}]}]}"#;

fn den() -> Daemon {
    let ear = "schema: schema.json\npermissions: [records:own, 'records:read:den_things']\nroles: [{name: ear.user, billable: false, grants: [ear.use]}]\n";
    let suite = Suite::new().plugin("den", HEAD, CODE).file("den/schema.json", SCHEMA);
    Start::suite(suite.plugin("ear", ear, EAR).file("ear/schema.json", HEARD)).run()
}

fn records(of: &str) -> String {
    format!("/api/collections/{of}/records")
}

fn told(client: &Client) -> Vec<String> {
    let all = client.get("/api/den/told").expect_status(200).data().clone();
    all.as_array().into_iter().flatten().filter_map(|one| one["what"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_example_of_the_page_does_as_the_page_says() {
    let folder = example_of("hooks.md");
    let daemon = Start::dev(folder.path()).run();
    let client = daemon.client();
    let orders = records("shop_orders");
    let made = client.post(&orders, &json!({"customer": "A", "total": 12_000, "size": "tiny"})).expect_status(201).body;
    assert_eq!(made["size"], "large");
    client.post(&orders, &json!({"customer": "A", "total": -1})).expect_error(422, "TOTAL_NEGATIVE");
    let id = made["id"].as_str().expect("an id");
    client.post(&format!("/api/shop/orders/{id}/pay"), &json!({})).expect_status(200);
    client.delete(&format!("{orders}/{id}")).expect_error(409, "ORDER_PAID");
    let trail = || client.get(&records("shop_trail")).expect_status(200).body["items"][0]["what"].clone();
    let what = wait_until(PATIENCE, || Some(trail()).filter(Value::is_string));
    assert_eq!(what, json!(format!("{id}: open -> paid")));
}

#[test]
fn a_hook_before_a_change_alters_or_refuses_it_whoever_makes_it() {
    let daemon = den();
    let client = daemon.client();
    let things = records("den_things");
    // By a verb, and by a client: in both the hooks are called in their order.
    let by_verb = client.post("/api/den/things", &json!([{"no": 1, "n": 1}])).expect_status(200).data()[0].clone();
    let by_rest = client.post(&things, &json!({"no": 2, "n": 2})).expect_status(201).body;
    assert_eq!((&by_verb["seen"], &by_rest["seen"]), (&json!("cd"), &json!("cd")));
    let at = |record: &Value| format!("{things}/{}", record["id"].as_str().expect("an id"));
    assert_eq!(client.get(&at(&by_rest)).expect_status(200).body, by_rest, "what was answered is what is stored");
    let changed = client.patch(&at(&by_rest), &json!({"n": 7})).expect_status(200).body;
    assert_eq!((&changed["seen"], &changed["revision"]), (&json!("cdu"), &json!(2)));
    // Refused: with the hook's own words, and nothing is left.
    let refused = client.post(&things, &json!({"no": 3, "n": 13})).expect_status(418);
    assert_eq!((refused.code(), &refused.body["details"]["n"]), ("UNLUCKY", &json!(13)));
    client.post("/api/den/things", &json!([{"no": 4, "n": 1}, {"no": 5, "n": 13}])).expect_error(418, "UNLUCKY");
    client.delete(&at(&by_rest)).expect_error(409, "KEPT");
    client.delete(&at(&by_verb)).expect_status(204);
    // A handler may catch what a hook throws and go on without the change.
    let caught = client.post("/api/den/caught", &json!({"no": 6, "n": 13})).expect_status(200);
    assert_eq!(caught.data(), &json!({"code": "UNLUCKY", "left": 1}));
    // A sum is a change like any other.
    client.post("/api/den/sums", &json!([{"id": by_rest["id"], "n": 3}])).expect_status(200);
    assert_eq!(client.get(&at(&by_rest)).body["seen"], "cduu");
}

#[test]
fn what_a_hook_leaves_behind_must_be_a_record() {
    let daemon = den();
    let client = daemon.client();
    let things = records("den_things");
    client.post(&things, &json!({"no": 1, "n": 14})).expect_error(422, "RECORD_INVALID");
    let other = client.post(&things, &json!({"no": 1, "n": 15})).expect_status(500);
    assert!(other.text.contains("changed the id of e.record"), "{}", other.text);
    assert_eq!(client.get(&things).body["items"], json!([]));
}

#[test]
fn a_batch_is_one_unit_of_work_with_what_its_hooks_do() {
    let daemon = den();
    let client = daemon.client();
    let batch = |operations: Value| {
        client.post(&format!("{}/batch", records("den_things")), &json!({"operations": operations}))
    };
    let make = |no: u64, n: u64| json!({"op": "create", "record": {"no": no, "n": n}});
    batch(json!([make(1, 16), make(2, 13)])).expect_error(418, "UNLUCKY");
    assert!(told(&client).is_empty(), "what a hook saved went with the batch");
    let both = batch(json!([make(1, 16), make(2, 16)])).expect_status(200);
    // The second hook sees the record that the first was called for.
    let counts = wait_until(PATIENCE, || Some(told(&client)).filter(|all| all.len() == 4));
    assert!(counts.contains(&"made 0".to_owned()) && counts.contains(&"made 1".to_owned()), "{counts:?}");
    let id = both.body["items"][0]["id"].clone();
    let twice = json!([{"op": "update", "id": id, "record": {"n": 1}}, {"op": "delete", "id": id}]);
    batch(twice).expect_error(422, "BODY_INVALID");
}

#[test]
fn a_hook_after_a_change_is_told_once_and_in_order_also_over_a_kill() {
    let mut daemon = den();
    let client = daemon.client();
    let things = records("den_things");
    let made = client.post(&things, &json!({"no": 1, "n": 99})).expect_status(201).body;
    let at = format!("{things}/{}", made["id"].as_str().expect("an id"));
    client.patch(&at, &json!({"n": 5})).expect_status(200);
    client.delete(&at).expect_status(204);
    // Made and gone within one unit of work: nobody is told.
    client.post("/api/den/brief", &json!({})).expect_status(200);
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let client = daemon.client();
    let all = wait_until(PATIENCE, || Some(told(&client)).filter(|all| all.len() == 3));
    assert_eq!(all, ["create 1 99 - somebody", "update 1 5 99 somebody", "delete 1 5 - somebody"]);
    assert_eq!(wait_until(PATIENCE, || client.get("/api/ear/heard").data().as_u64().filter(|n| *n > 0)), 1);
    // The log says that something changed, and not what: records have rules of their own.
    let log = client.get("/api/events?topic=jobs.den.on-record.den_things").expect_status(200);
    let data = &log.body[0]["data"];
    assert_eq!((&data["operation"], data.get("record"), data.get("previous")), (&json!("create"), None, None));
}

#[test]
fn hooks_that_set_themselves_off_meet_a_limit() {
    let daemon = den();
    let client = daemon.client();
    let deep = client.post("/api/den/loop", &json!({})).expect_status(500);
    assert!(deep.code() == "HOOK_DEPTH" && deep.text.contains("RECORD_HOOK_DEPTH_MAX"), "{}", deep.text);
    assert_eq!(client.get(&records("den_loops")).body["items"], json!([]));
    let suite = Suite::new().plugin(
        "den",
        HEAD,
        &CODE.replace("\"before\", \"create\", \"den_loops\"", "\"before\", \"delete\", \"den_loops\""),
    );
    let daemon = Start::suite(suite.file("den/schema.json", SCHEMA)).run();
    let client = daemon.client();
    let made = client.post(&records("den_loops"), &json!({"n": 0})).expect_status(201).body;
    let at = format!("{}/{}", records("den_loops"), made["id"].as_str().expect("an id"));
    client.patch(&at, &json!({"n": 1})).expect_status(200);
    let letters = wait_until(PATIENCE, || {
        let letters: Value = serde_json::from_str(&daemon.command(&["dead", "list", "--json"]).out).expect("JSON");
        Some(letters).filter(|letters| letters.as_array().is_some_and(|all| !all.is_empty()))
    });
    assert!(letters[0]["reason"].as_str().is_some_and(|why| why.contains("HOP_LIMIT")), "{letters}");
    assert!(client.get(&at).body["n"].as_u64().is_some_and(|n| n > 10));
}

#[test]
fn a_hook_that_may_not_be_is_refused_by_name_and_place() {
    let refused = |code: &str, why: &[&str]| {
        let suite = Suite::new().plugin("den", HEAD, code).file("den/schema.json", SCHEMA);
        let suite = suite.plugin("ear", "", "$app.routerAdd('GET', '/api/ear/on', () => 1);");
        // The rules that would find it before are off, to see what the daemon does by itself.
        let daemon = Start::suite(suite.settings("rules: {TL113: off, TL316: off}\n")).run();
        let plugins = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
        let den = plugins.as_array().into_iter().flatten().find(|plugin| plugin["slug"] == "den").cloned();
        let reason = den.as_ref().and_then(|den| den["reason"].as_str()).unwrap_or_default().to_owned();
        assert!(why.iter().all(|why| reason.contains(why)), "{code}: {reason}");
    };
    refused(
        "\n$app.onRecord('before', 'create', 'ear_things', (e) => {});",
        &[
            "PERMISSION_DENIED",
            "$app.onRecord: den may not have a hook before changes of `ear_things`",
            "src/main.js:2",
        ],
    );
    refused(
        "$app.onRecord('after', 'create', 'ear_things', (e) => {});",
        &["PERMISSION_DENIED", "records:read:ear_things", "src/main.js:1"],
    );
    refused(
        "$app.onRecord('during', 'create', 'den_things', (e) => {});",
        &["argument 1 of $app.onRecord", "src/main.js:1"],
    );
    refused(
        "$app.onRecord('before', 'drop', 'den_things', (e) => {});",
        &["argument 2", "\"delete\"", "src/main.js:1"],
    );
    refused("$app.onRecord('before', 'create', 'den_things', 7);", &["must be a function", "src/main.js:1"]);
}
