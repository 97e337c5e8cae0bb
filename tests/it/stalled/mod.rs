//! A disk that takes nothing for a while: what finds no room to wait is refused by name, and what waits is done.

mod letters;

use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use tests::client::cloud_event;
use tests::lines::Lines;
use tests::report::say;
use tests::{Daemon, Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
topics:
  silo.grain.came: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
roles: [{name: silo.user, billable: false, grants: [silo.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "silo_grains", "fields": [{"name": "of", "type": "integer"}, {"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("POST", "/api/silo/fill", { timeout: "60s" }, (e) => {
  for (let n = 0; n < e.body.records; n += 1) $app.dao().saveRecord("silo_grains", { of: e.body.of, text: "x".repeat(1_000_000) });
});
$app.routerAdd("GET", "/api/silo/count", () => $app.dao().countRecords("silo_grains", {}));
"#;
const RECORDS: u64 = 16;
/// Of a million bytes each: more than `STORE_QUEUE_BYTES_MAX` together.
const CALLS: u64 = 22;
const PATIENCE: Duration = Duration::from_mins(1);

/// Nothing reaches the disk while it stands; also where the test fails it is opened, or nobody would be answered.
struct Dam(PathBuf);

impl Dam {
    fn raised(path: PathBuf) -> Self {
        std::fs::write(&path, "").expect("written");
        Self(path)
    }
}

impl Drop for Dam {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// A daemon and the path of its dam; none where there is no compiler.
fn stalling(suite: Suite, args: &[&str]) -> Option<(Daemon, PathBuf)> {
    let home = suite.path().to_path_buf();
    let (source, library, dam) = (home.join("stall.c"), home.join("stall.so"), home.join("dam"));
    std::fs::write(&source, include_str!("stall.c")).expect("written");
    let built = match Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output() {
        Ok(built) => built,
        Err(error) => {
            say(&format!("skipped: no C compiler: {error}"));
            return None;
        }
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let start = Start::suite(suite).env("LD_PRELOAD", &library).env("TRUNKLINE_DAM", &dam);
    Some((args.iter().fold(start, |start, arg| start.arg(arg)).run(), dam))
}

#[test]
fn a_verb_that_finds_the_stores_queue_full_is_refused_by_name_and_may_come_again() {
    let suite = Suite::new().plugin("silo", MANIFEST, CODE).file("silo/schema.json", SCHEMA);
    let Some((daemon, dam)) = stalling(suite, &[]) else { return };
    let limits = json!({ "memory_bytes": 1 << 30, "bytes_out": 32 << 20 });
    daemon.admin().patch("/api/_admin/plugins/silo/limits", &limits).expect_status(200);
    let fill = |of: u64| daemon.client().post("/api/silo/fill", &json!({ "of": of, "records": RECORDS }));
    let refusals = "trunkline_refused_total{code=\"OVERLOADED\",limit=\"STORE_QUEUE_BYTES_MAX\"}";
    let dam = Dam::raised(dam);
    let refused = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for of in 0..CALLS {
            let (fill, refused) = (&fill, &refused);
            scope.spawn(move || {
                let answer = fill(of);
                if answer.status != 200 {
                    refused.lock().expect("nobody has panicked").push((of, answer));
                }
            });
        }
        let _opens = dam;
        // Whoever is refused is told at once, while the others wait for the disk.
        wait_until(PATIENCE, || (!refused.lock().expect("nobody has panicked").is_empty()).then_some(()));
    });
    let refused = refused.into_inner().expect("nobody has panicked");
    for (of, answer) in &refused {
        answer.expect_error(503, "OVERLOADED");
        assert!(answer.text.contains("STORE_QUEUE_BYTES_MAX"), "{of}: {}", answer.text);
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|wait| wait >= 1), "{of}: {answer:?}");
    }
    assert_eq!(daemon.metric(refusals), refused.len() as u64);
    let count = || daemon.client().get("/api/silo/count").expect_status(200).data().as_u64();
    assert_eq!(count(), Some((CALLS - refused.len() as u64) * RECORDS), "nothing of what was refused is there");
    for (of, _) in &refused {
        fill(*of).expect_status(200);
    }
    assert_eq!(count(), Some(CALLS * RECORDS));
}

#[test]
fn no_line_of_a_body_is_answered_before_the_disk_has_taken_its_event() {
    /// More than may be under way.
    const LINES: u64 = 3_000;
    let suite = Suite::new().plugin("silo", MANIFEST, CODE).file("silo/schema.json", SCHEMA);
    let Some((daemon, dam)) = stalling(suite, &[]) else { return };
    let mut lines = Lines::open(&daemon.client(), "");
    let grain = |n: u64| cloud_event(&format!("grain-{n}"), "silo.grain.came", &json!({ "n": n })).to_string();
    assert!(lines.send(&[grain(0)]));
    assert_eq!(lines.next()["id"], "grain-0");
    let dam = Dam::raised(dam);
    assert!(lines.send(&(1..LINES).map(grain).collect::<Vec<_>>()));
    assert_eq!(lines.next_within(Duration::from_millis(700)), None, "answered before it was on disk");
    let waiting = daemon.metric("trunkline_store_queue_units");
    let window = contract_model::limits::EVENT_LINES_WINDOW_MAX;
    assert!(
        (2..=window + 1).contains(&waiting),
        "{waiting} events wait for the disk, of which {window} may be under way"
    );
    drop(dam);
    for n in 1..LINES {
        assert_eq!(lines.next()["id"], format!("grain-{n}"));
    }
}
