//! What a fresh tenant starts with: a plugin that does not run holds up nobody else's seed.

use serde_json::json;
use std::time::Duration;
use tests::{Daemon, Start, Suite};

const PATIENCE: Duration = Duration::from_mins(2);
const SCHEMA: &str = r#"{"collections": [{"name": "SLUG_seeds", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const MORE: &str = "schema: schema.json\nroles: [{name: SLUG.user, billable: false, grants: [SLUG.use]}]\n";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/SLUG/seeds", (e) => $app.dao().saveRecord("SLUG_seeds", e.body));
$app.routerAdd("GET", "/api/SLUG/seeds", () => $app.dao().findRecordsByFilter("SLUG_seeds", {}, { sort: "created,n" }).map(({ n }) => n));
"#;
const SEED: &str = r#"[
  {"method": "POST", "path": "/api/sick/seeds", "body": {"n": 1}},
  {"method": "POST", "path": "/api/well/seeds", "body": {"n": 2}},
  {"method": "POST", "path": "/api/sick/seeds", "body": {"n": 3}}
]"#;

/// Its steps wait, and are sent in their order as soon as somebody has mended it.
#[test]
fn what_can_be_seeded_is_and_the_rest_when_its_plugin_runs() {
    let looping = format!("{}while (true) {{}}\n", of("sick", CODE));
    let suite = with(with(Suite::new(), "sick", &looping), "well", &of("well", CODE)).file("seed.json", SEED);
    let mut daemon = Start::suite(suite).watching().early().run();
    assert_eq!(seeds(&daemon, "well"), json!([2]));
    let log = daemon.log();
    assert!(log.contains("2 steps of `seed.json` wait for `sick`, which does not run; the rest is seeded"), "{log}");

    std::fs::write(daemon.suite().join("sick/src/main.js"), of("sick", CODE)).expect("the suite is writable");
    tests::wait_until(PATIENCE, || daemon.log().contains("all of `seed.json` is seeded now").then_some(()));
    assert_eq!((seeds(&daemon, "sick"), seeds(&daemon, "well")), (json!([1, 3]), json!([2])));

    daemon.restart().expect("it starts again");
    assert_eq!((seeds(&daemon, "sick"), seeds(&daemon, "well")), (json!([1, 3]), json!([2])));
    assert!(daemon.stop().expect("it stops").success());
}

/// A start on the same data goes on where the one before stopped.
#[test]
fn a_seed_that_waited_is_sent_by_the_next_start() {
    let throwing = format!("{}throw new Error('not yet');\n", of("sick", CODE));
    let suite = with(with(Suite::new(), "sick", &throwing), "well", &of("well", CODE)).file("seed.json", SEED);
    let mut daemon = Start::suite(suite).run();
    assert_eq!(seeds(&daemon, "well"), json!([2]));
    std::fs::write(daemon.suite().join("sick/src/main.js"), of("sick", CODE)).expect("the suite is writable");
    daemon.restart().expect("it starts again");
    assert_eq!((seeds(&daemon, "sick"), seeds(&daemon, "well")), (json!([1, 3]), json!([2])));
}

fn with(suite: Suite, slug: &str, code: &str) -> Suite {
    suite.plugin(slug, &of(slug, MORE), code).file(&format!("{slug}/schema.json"), &of(slug, SCHEMA))
}

fn of(slug: &str, text: &str) -> String {
    text.replace("SLUG", slug)
}

#[track_caller]
fn seeds(daemon: &Daemon, slug: &str) -> serde_json::Value {
    daemon.client().get(&format!("/api/{slug}/seeds")).expect_status(200).data().clone()
}
