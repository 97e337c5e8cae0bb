//! A disk that takes nothing for a while: what finds no room to wait is refused by name, and what waits is done.

use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use tests::report::say;
use tests::{Start, Suite, wait_until};

const MANIFEST: &str = "
schema: schema.json
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
struct Dam<'p>(&'p Path);

impl<'p> Dam<'p> {
    fn raised(path: &'p Path) -> Self {
        std::fs::write(path, "").expect("written");
        Self(path)
    }
}

impl Drop for Dam<'_> {
    fn drop(&mut self) {
        drop(std::fs::remove_file(self.0));
    }
}

#[test]
fn a_verb_that_finds_the_stores_queue_full_is_refused_by_name_and_may_come_again() {
    let home = tempfile::tempdir().expect("a folder");
    let (source, library, dam) = (home.path().join("stall.c"), home.path().join("stall.so"), home.path().join("dam"));
    std::fs::write(&source, include_str!("stall.c")).expect("written");
    let built = match Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output() {
        Ok(built) => built,
        Err(error) => return say(&format!("skipped: no C compiler: {error}")),
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let suite = Suite::new().plugin("silo", MANIFEST, CODE).file("silo/schema.json", SCHEMA);
    let daemon = Start::suite(suite).env("LD_PRELOAD", &library).env("TRUNKLINE_DAM", &dam).run();
    let limits = json!({ "memory_bytes": 1 << 30, "bytes_out": 32 << 20 });
    daemon.admin().patch("/api/_admin/plugins/silo/limits", &limits).expect_status(200);
    let fill = |of: u64| daemon.client().post("/api/silo/fill", &json!({ "of": of, "records": RECORDS }));
    let refusals = "trunkline_refused_total{code=\"OVERLOADED\",limit=\"STORE_QUEUE_BYTES_MAX\"}";
    let dam = Dam::raised(&dam);
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
