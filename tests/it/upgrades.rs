//! A data folder that an older version wrote: it is served, and everything in it is as it was.

use serde_json::json;
use std::path::Path;
use tests::{Start, Suite, binary};

const MANIFEST: &str = "
schema: schema.json
topics:
  ap.bill.approved: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [ap.bill.approved]
roles: [{name: ap.clerk, billable: false, grants: [ap.read]}]
";
const CODE: &str = r#"
$app.routerAdd("GET", "/api/ap/open", () => $app.dao().findRecordsByFilter("ap_bills", { status: "open" }, { sort: "total" }));
$app.routerAdd("POST", "/api/ap/approve", () => $app.realtime().publish("ap.bill.approved", {}, { idempotencyKey: "key-first-0" }));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "ap_bills", "unique": [["number"]], "indexes": [["status", "total"]],
  "fields": [{"name": "number", "type": "string"}, {"name": "status", "type": "string"}, {"name": "total", "type": "integer"}]}]}"#;

fn copied(name: &str, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    let from = binary::workspace().join("tests/fixtures/stores").join(name);
    for file in std::fs::read_dir(from).expect("the fixture") {
        let path = file.expect("a file").path();
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
    }
}

#[test]
fn a_folder_of_format_1_is_upgraded_and_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    copied("format-1-last", &data);
    let suite = Suite::new().plugin("ap", MANIFEST, CODE).file("ap/schema.json", SCHEMA);
    let mut daemon = Start::suite(suite).data(&data).run();
    let format = std::fs::read_to_string(data.join("store.format")).expect("the format");
    let stats = daemon.admin().get("/api/_admin/store").expect_status(200).body;
    assert!(format.starts_with(&format!("format {}\n", stats["format"])), "{format}: {stats}");
    assert_ne!(stats["format"], json!(1));

    let bills = daemon.client().get("/api/ap/open").expect_status(200);
    let numbers: Vec<_> = bills.data().as_array().expect("a list").iter().map(|bill| bill["number"].clone()).collect();
    assert_eq!(numbers, ["first-0", "last-0", "first-2", "last-2"], "those of tenant demo, by the index");
    let events = daemon.client().get("/api/events?limit=100").expect_status(200).body;
    let events = events["items"].as_array().or_else(|| events.as_array()).expect("events").clone();
    let ids: Vec<_> = events.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["e-first-0", "e-first-2", "e-last-0", "e-last-2"]);
    // What was used as an idempotency key then is used now: the payload is another one.
    daemon.client().post("/api/ap/approve", &json!({})).expect_status(409);

    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!((&report["ok"], &report["report"]["events"]), (&json!(true), &json!(6)), "{report}");
    assert!(daemon.stop().expect("it stops").success());
}
