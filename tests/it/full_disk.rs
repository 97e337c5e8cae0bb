//! A disk that is full: what was acknowledged stays, what cannot be kept is refused by name, and it goes on by itself.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tests::client::cloud_event;
use tests::report::say;
use tests::small_disk::SmallDisk;
use tests::{Client, Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  attic.box.wanted: {kind: event, version: 1.0.0, visibility: public, schema: any.json}
roles: [{name: attic.user, billable: false, grants: [attic.use]}]
";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/attic/boxes", (e) =>
  $app.dao().saveRecord("attic_boxes", { n: e.body.n, text: "box ".repeat(e.body.size / 4) }).id);
$app.routerAdd("GET", "/api/attic/boxes", () =>
  $app.dao().findRecordsByFilter("attic_boxes", {}, { sort: "n", limit: 1000 }).map((box) => box.n));
"#;
const SCHEMA: &str = r#"{"collections": [{"name": "attic_boxes", "indexes": [["n"]],
  "fields": [{"name": "n", "type": "integer"}, {"name": "text", "type": "string"}]}]}"#;
/// Where the disk is full: after the log's first file, while it is moved, in its second one, and in between.
const SIZES_KIB: [u64; 10] = [3_000, 5_004, 7_600, 9_004, 10_116, 12_004, 14_508, 17_012, 20_004, 24_044];
const REFUSALS: usize = 5;
const WRITERS: u64 = 2;
const READS: usize = 40;
const POSTS_MAX: u64 = 900;
const PATIENCE: Duration = Duration::from_secs(30);

fn attic() -> Suite {
    Suite::new().plugin("attic", MANIFEST, CODE).file("attic/schema.json", SCHEMA)
}

/// Posts until the disk has refused some; gives the numbers that were acknowledged.
fn fill(client: &Client) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for n in 0..POSTS_MAX {
        // Large ones first, then small ones, so that it becomes full to the last page.
        let size = if refused == 0 { 40_000 } else { 400 };
        let answer = client.post("/api/attic/boxes", &json!({ "n": n, "size": size }));
        if answer.status == 200 {
            acknowledged.push(n);
            continue;
        }
        answer.expect_error(507, "STORE_FULL");
        refused += 1;
        if refused == REFUSALS {
            return acknowledged;
        }
    }
    panic!("{POSTS_MAX} boxes fit")
}

/// Reading goes on, whatever becomes of what others write beside it, which is not looked at.
fn stored(client: &Client) -> Vec<u64> {
    let answer = client.get("/api/attic/boxes").expect_status(200);
    answer.data().as_array().expect("numbers").iter().filter_map(Value::as_u64).filter(|n| *n <= POSTS_MAX).collect()
}

/// Reads by a verb, as records and as one record while others write in vain. Gives how many were refused meanwhile.
fn read_while_writes_fail(daemon: &Daemon, acknowledged: &[u64]) -> u64 {
    let (stop, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let client = daemon.client();
    let listed = || client.get("/api/collections/attic_boxes/records?limit=1&sort=n").expect_status(200).body;
    let first = listed()["items"][0]["id"].as_str().expect("an id").to_owned();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (stop, refused, client) = (&stop, &refused, daemon.client());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let n = POSTS_MAX + 1 + writer;
                    let answer = client.post("/api/attic/boxes", &json!({ "n": n, "size": 40_000 }));
                    // A move of the log may have made a little room.
                    if answer.status != 200 {
                        answer.expect_error(507, "STORE_FULL");
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let ends = StopAtEnd(&stop);
        for _ in 0..READS {
            assert_eq!(stored(&client), acknowledged);
            assert_eq!(listed()["items"][0]["id"], json!(first));
            client.get(&format!("/api/collections/attic_boxes/records/{first}")).expect_status(200);
        }
        drop(ends);
    });
    refused.into_inner()
}

/// Also where a read has failed, or the writers would never end.
struct StopAtEnd<'s>(&'s AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn on_a_full_disk_nothing_acknowledged_is_lost_and_it_goes_on_by_itself() {
    let (mut points, mut refused) = (0, 0);
    for kib in SIZES_KIB {
        let Some(disk) = SmallDisk::new(kib) else { return };
        let mut daemon: Daemon = Start::suite(attic()).data(&disk.data()).run();
        let wanted = |id: &str| daemon.client().publish(&cloud_event(id, "attic.box.wanted", &json!({ "of": id })));
        let first = wanted("first").expect_status(202).body;
        let acknowledged = fill(&daemon.client());
        // What was taken before is told so, and what is new is refused.
        let again = wanted("first").expect_status(200).body;
        assert_eq!((&again["id"], &again["sequence"]), (&first["id"], &first["sequence"]), "{again}");
        let answer = wanted("second");
        answer.expect_error(507, "STORE_FULL");
        let place = disk.data().display().to_string();
        assert!(!answer.text.contains(&place), "its clients are told where the daemon keeps its data: {}", answer.text);
        assert_eq!(stored(&daemon.client()), acknowledged, "{kib} KiB: read while it is full");
        refused += read_while_writes_fail(&daemon, &acknowledged);
        daemon.kill();
        daemon.restart().expect("it starts on a full disk");
        assert_eq!(stored(&daemon.client()), acknowledged, "{kib} KiB: after a kill");
        disk.make_room();
        let one_more = json!({ "n": POSTS_MAX, "size": 40_000 });
        wait_until(PATIENCE, || (daemon.client().post("/api/attic/boxes", &one_more).status == 200).then_some(()));
        let all: Vec<u64> = acknowledged.iter().copied().chain([POSTS_MAX]).collect();
        assert_eq!(stored(&daemon.client()), all);
        assert!(daemon.stop().expect("it stops").success());
        verify(&disk.data());
        points += 1;
    }
    say(&format!("{points} disks were full, each at another point; {refused} posts were refused beside reads"));
    assert!(refused > 100, "{refused}: too few posts were refused while others read");
}

/// What the checker found is kept for the next start alone, so a start goes on without it.
#[test]
fn a_start_goes_on_where_there_is_no_room_to_keep_what_was_found_in_the_code() {
    let Some(disk) = SmallDisk::new(8_000) else { return };
    let mut daemon: Daemon = Start::suite(attic()).data(&disk.data()).run();
    let kept = disk.data().join("analyses");
    wait_until(PATIENCE, || kept.exists().then_some(()));
    assert!(daemon.stop().expect("it stops").success());
    std::fs::remove_dir_all(&kept).expect("removed");
    let filler = disk.path().join("filler");
    let mut file = std::fs::File::create(&filler).expect("a file");
    while std::io::Write::write(&mut file, &[7; 4_096]).is_ok_and(|written| written > 0) {}
    daemon.restart().expect("it starts on a full disk");
    daemon.client().get("/api/attic/boxes").expect_status(200);
    wait_until(PATIENCE, || daemon.log().contains("the next start looks again").then_some(()));
    assert_eq!(std::fs::read_dir(&kept).into_iter().flatten().count(), 0, "a part of a file was left");
    drop(file);
    std::fs::remove_file(&filler).expect("removed");
    let post = || daemon.client().post("/api/attic/boxes", &json!({ "n": 1, "size": 400 }));
    wait_until(PATIENCE, || (post().status == 200).then_some(()));
    assert!(daemon.stop().expect("it stops").success());
    daemon.restart().expect("it starts again");
    wait_until(PATIENCE, || (std::fs::read_dir(&kept).into_iter().flatten().count() == 1).then_some(()));
}

fn verify(data: &Path) {
    let mut command = Command::new(tests::binary::trunkline());
    let ran = tests::daemon::run(command.args(["store", "verify", "--data"]).arg(data));
    assert_eq!(ran.exit, Some(0), "{} {}", ran.out, ran.err);
}
