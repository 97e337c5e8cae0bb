//! A data folder that an older version wrote: it is served, and everything in it is as it was.

use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tests::small_disk::SmallDisk;
use tests::{Daemon, Start, Suite, binary};

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

const BANK: &str = "
topics:
  bank.pay.request: {kind: request, version: 1.0.0, schema: any.json, visibility: public,
    replies: {ok: bank.pay.done, error: bank.pay.refused}}
  bank.pay.done: {kind: reply, version: 1.0.0, schema: any.json}
  bank.pay.refused: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [bank.pay.done, bank.pay.refused]
consumes: [bank.pay.request]
roles: [{name: bank.user, billable: false, grants: [bank.use]}]
";
const PAY: &str = r#"$app.onEvent("bank.pay.request", function pay(e) {
  if (e.payload.amount > 0) { e.reply({ paid: e.payload.amount }); } else { e.reject({ why: "no amount" }); }
});"#;

fn told(daemon: &Daemon) {
    let outcome = |id: &str| {
        let told = daemon.client().get(&format!("/api/events/{id}/outcome?wait=0s")).expect_status(200).body;
        (told["status"].clone(), told["reply"]["data"].clone())
    };
    let refused = (json!("error"), json!({"why": "no amount"}));
    assert_eq!([outcome("r-paid"), outcome("r-refused")], [(json!("ok"), json!({"paid": 7})), refused]);
}

/// Before an upgrade, from which there is no way back, a folder is backed up by whatever version is at hand.
#[test]
fn what_is_restored_of_an_older_folder_is_upgraded_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [older, restored, file] = ["older", "restored", "file"].map(|name| folder.path().join(name));
    copied("format-3", &older);
    let store =
        |args: [&std::ffi::OsStr; 5]| tests::daemon::run(Command::new(binary::trunkline()).arg("store").args(args));
    let made = store(["backup".as_ref(), "--data".as_ref(), older.as_ref(), "--to".as_ref(), file.as_ref()]);
    assert_eq!(made.exit, Some(0), "{}", made.err);
    let done = store(["restore".as_ref(), file.as_ref(), "--data".as_ref(), restored.as_ref(), "--json".as_ref()]);
    assert_eq!(done.exit, Some(0), "{}", done.err);
    told(&Start::suite(Suite::new().plugin("bank", BANK, PAY)).data(&restored).run());
}

/// Replies of before format 4 are looked for in the story of their request; those of since then are noted with it.
#[test]
fn outcomes_of_before_an_upgrade_are_told_after_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    copied("format-3", &data);
    let mut daemon = Start::suite(Suite::new().plugin("bank", BANK, PAY)).data(&data).run();
    told(&daemon);
    let request = json!({"specversion": "1.0", "source": "/test", "id": "r-new", "type": "bank.pay.request",
        "data": {"amount": 1}});
    let headers = [("content-type", "application/cloudevents+json"), ("prefer", "wait=60")];
    daemon.client().json("POST", "/api/events", &headers, &request).expect_status(200);
    daemon.restart().expect("it starts again");
    told(&daemon);
    let new = daemon.client().get("/api/events/r-new/outcome?wait=0s").expect_status(200).body;
    assert_eq!((&new["status"], &new["reply"]["data"]), (&json!("ok"), &json!({"paid": 1})), "{new}");
    let report = daemon.admin().post("/api/_admin/store/verify", &json!({})).expect_status(200).body;
    assert_eq!((&report["ok"], &report["report"]["events"]), (&json!(true), &json!(6)), "{report}");
}

fn payables() -> Start {
    Start::suite(Suite::new().plugin("ap", MANIFEST, CODE).file("ap/schema.json", SCHEMA))
}

#[test]
fn a_folder_of_format_1_is_upgraded_and_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    copied("format-1-last", &data);
    serves_what_was_there(&data);
}

/// Free room of the disk at the start, a page more each time: none for the table of readers, none for the format file,
/// and too little for what comes after the steps.
const FREE_BYTES_MAX: u64 = 98_304;
const PAGE: u64 = 4_096;

#[test]
fn an_upgrade_that_finds_the_disk_full_is_made_when_there_is_room() {
    let mut refusals = Vec::new();
    for free in (0..=FREE_BYTES_MAX / PAGE).map(|pages| pages * PAGE) {
        let Some(disk) = SmallDisk::new(4_000) else { return };
        copied("format-1-last", &disk.data());
        let filler = disk.path().join("filler");
        let mut file = std::fs::File::create(&filler).expect("a file");
        while file.write(&[7; 4_096]).is_ok_and(|written| written > 0) {}
        let length = file.metadata().expect("its length").len();
        file.set_len(length - free).expect("a little room");
        if let Err(error) = payables().data(&disk.data()).try_run() {
            let said = format!("{error:#}");
            assert!(said.contains("bytes left") || said.contains("No space left"), "{free}: {said}");
            refusals.push(said);
        }
        disk.make_room();
        serves_what_was_there(&disk.data());
    }
    for place in ["make its table of readers", "write store.format", "bytes left"] {
        assert!(refusals.iter().any(|said| said.contains(place)), "no start ended at `{place}`: {refusals:#?}");
    }
}

fn serves_what_was_there(data: &Path) {
    let mut daemon = payables().data(data).run();
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
