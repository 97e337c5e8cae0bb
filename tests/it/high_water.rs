//! A store that has come to the size that its operator allows: what makes it larger is refused by name before there is no
//! room at all, and all that makes it smaller, or only reads it, goes on.

use serde_json::{Value, json};
use std::cell::Cell;
use std::time::Duration;
use tests::client::{Answer, cloud_event};
use tests::report::say;
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  loft.crate.came: {kind: event, version: 1.0.0, visibility: public, schema: any.json, retry: {attempts: 1}}
consumes: [loft.crate.came]
roles: [{name: loft.user, billable: false, grants: [loft.use]}]
";
const CODE: &str = r#"
$app.onEvent("loft.crate.came", function unpack(e) { if (e.payload.broken) throw new Error("broken"); });
$app.routerAdd("POST", "/api/loft/crates", (e) => $app.dao().saveRecord("loft_crates", { n: e.body.n, text: "x".repeat(900_000) }).id);
$app.routerAdd("GET", "/api/loft/count", () => $app.dao().countRecords("loft_crates", {}));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "loft_crates", "indexes": [["n"]],
  "fields": [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]}]}"#;
const BYTES_MAX: u64 = 64 << 20;
const EVENTS: u64 = 40;
/// Of 900,000 bytes each, so that those of two tenants come to more than there may be.
const OF_ANOTHER: u64 = 25;
const CRATES_MAX: u64 = 80;
const PATIENCE: Duration = Duration::from_mins(1);

fn bring(client: &Client, n: u64) -> Answer {
    client.post("/api/loft/crates", &json!({ "n": n }))
}

fn count(client: &Client) -> u64 {
    client.get("/api/loft/count").expect_status(200).data().as_u64().expect("a count")
}

fn publish(client: &Client, id: &str, broken: bool) -> Answer {
    client.publish(&cloud_event(id, "loft.crate.came", &json!({ "broken": broken })))
}

/// Refused by name, early, and with a word on when to come back.
fn refused(answer: &Answer) {
    answer.expect_error(507, "STORE_FULL");
    assert!(answer.text.contains("STORE_HIGH_WATER_PERCENT"), "{}", answer.text);
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|wait| wait >= 1), "{answer:?}");
}

fn letters(daemon: &Daemon) -> Vec<String> {
    let listed: Value = serde_json::from_str(&daemon.command(&["dead", "list", "--json"]).out).expect("JSON");
    let ids = listed.as_array().expect("a list").iter().map(|letter| letter["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

#[test]
fn past_the_high_water_mark_growth_is_refused_by_name_and_everything_else_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = Suite::new().plugin("loft", MANIFEST, CODE).file("loft/schema.json", SCHEMA);
    let start = Start::suite(suite).data(&home.path().join("data"));
    let mut daemon = start.arg("--store-max").arg("64MiB").arg("--retain").arg("1ms").run();
    let made = daemon.admin().post("/api/_admin/tenants", &json!({ "tenant": "other" })).expect_status(201).body;
    let (client, other) = (daemon.client(), daemon.client().with_token(made["token"].as_str().expect("a token")));
    let limits = daemon.admin().get("/api/_admin/limits").expect_status(200).body;
    let limit = limits.as_array().expect("a list").iter().find(|limit| limit["name"] == "STORE_BYTES_MAX");
    assert_eq!(limit.expect("the limit")["value"], json!(BYTES_MAX));

    let users = "/api/_admin/tenants/demo/users";
    daemon.admin().post(users, &json!({"user": "ann", "roles": ["loft.user"]})).expect_status(201);
    let issued = daemon.admin().post(&format!("{users}/ann/tokens"), &json!({"ttl": "1h"})).expect_status(201).body;
    publish(&client, "broken-1", true).expect_status(202);
    publish(&client, "broken-2", true).expect_status(202);
    (0..EVENTS).for_each(|n| drop(publish(&client, &format!("e{n}"), false).expect_status(202)));
    wait_until(PATIENCE, || (letters(&daemon).len() == 2).then_some(()));
    (0..OF_ANOTHER).for_each(|n| drop(bring(&other, n).expect_status(200)));
    let crates = (0..CRATES_MAX).find(|n| {
        let answer = bring(&client, *n);
        if answer.status != 200 {
            refused(&answer);
        }
        answer.status != 200
    });
    let crates = crates.expect("it never comes to its size");
    // A refusal has what is in the log counted anew, so a little may still be brought before it is refused for good.
    let brought = Cell::new(crates);
    wait_until(PATIENCE, || {
        let was_taken = bring(&client, brought.get()).status == 200;
        brought.set(brought.get() + u64::from(was_taken));
        (!was_taken && daemon.metric("trunkline_store_log_bytes") == 0).then_some(())
    });
    let brought = brought.get();

    // What grows it is refused, wherever it comes from.
    refused(&bring(&client, brought));
    refused(&bring(&other, OF_ANOTHER));
    refused(&publish(&client, "late", false));
    refused(&client.post("/api/collections/loft_crates/records", &json!({ "n": 1 })));
    refused(&daemon.admin().post("/api/_admin/tenants", &json!({ "tenant": "third" })));
    let label = "trunkline_refused_total{code=\"STORE_FULL\",limit=\"STORE_HIGH_WATER_PERCENT\"}";
    assert!(daemon.metric(label) >= 6, "{}", daemon.metric(label));
    let (used, mark) = (daemon.metric("trunkline_store_used_bytes"), daemon.metric("trunkline_store_high_water_bytes"));
    assert_eq!(mark, BYTES_MAX / 100 * 80);
    assert!(used < BYTES_MAX, "{used} bytes are used");

    // Rights are not given, and are taken as ever.
    let ann = client.with_token(issued["token"].as_str().expect("a token"));
    assert_eq!(count(&ann), brought);
    refused(&daemon.admin().post(&format!("{users}/ann/grant"), &json!({"roles": ["loft.user"]})));
    refused(&daemon.admin().post(&format!("{users}/ann/tokens"), &json!({"ttl": "1h"})));
    let without = daemon.admin().post(&format!("{users}/ann/revoke"), &json!({"roles": ["loft.user"]}));
    assert_eq!(without.expect_status(200).body["roles"], json!([]));
    let id = json!({"tokens": [issued["id"]]});
    daemon.admin().post(&format!("{users}/ann/revoke"), &id).expect_status(200);
    ann.get("/api/loft/count").expect_error(401, "UNAUTHENTICATED");

    // What was taken before is known, and everything is read.
    publish(&client, "e1", false).expect_status(200);
    assert_eq!((count(&client), count(&other)), (brought, OF_ANOTHER));
    client.get("/api/events/e1").expect_status(200);
    // A letter is dropped, another one retried to its end, which is a letter again.
    let ids = letters(&daemon);
    assert_eq!(daemon.command(&["dead", "drop", &ids[0]]).exit, Some(0));
    assert_eq!(daemon.command(&["dead", "retry", &ids[1]]).exit, Some(0));
    wait_until(PATIENCE, || (letters(&daemon) == ids[1..]).then_some(()));
    // What was handled is compacted, and a record is deleted.
    let compacted = daemon.admin().post("/api/_admin/store/compact", &json!({})).expect_status(200).body;
    assert!(compacted["compacted"].as_u64().is_some_and(|events| events >= EVENTS), "{compacted}");
    let listed = client.get("/api/collections/loft_crates/records?limit=1&sort=n").expect_status(200).body;
    let first = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    client.delete(&format!("/api/collections/loft_crates/records/{first}")).expect_status(204);
    assert_eq!(count(&client), brought - 1);

    // It starts as it is, and goes on by itself when there is room.
    daemon.restart().expect("it starts full");
    let (client, token) = (daemon.client(), other.token().to_owned());
    let other = client.with_token(&token);
    assert_eq!((count(&client), count(&other)), (brought - 1, OF_ANOTHER));
    let erased = daemon.command(&["store", "erase-tenant", "other", "--yes"]);
    assert_eq!(erased.exit, Some(0), "{}", erased.err);
    wait_until(PATIENCE, || (bring(&client, brought).status == 200).then_some(()));
    publish(&client, "late", false).expect_status(202);
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!(report["ok"], json!(true), "{report}");
    say(&format!("refused at {brought} and {OF_ANOTHER} crates, {used} of {mark} bytes used in the map"));
}

#[test]
fn a_size_that_is_none_is_refused_before_anything_is_made() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    for wrong in ["1MiB", "64MB", "17TiB", "much"] {
        let suite = Suite::new().plugin("loft", MANIFEST, CODE).file("loft/schema.json", SCHEMA);
        let Err(error) = Start::suite(suite).data(&data).arg("--store-max").arg(wrong).try_run() else {
            panic!("{wrong} is taken")
        };
        let said = format!("{error:#}");
        assert!(said.contains("--store-max") && said.contains("MiB"), "{wrong}: {said}");
        assert!(!data.exists(), "{wrong}");
    }
}
