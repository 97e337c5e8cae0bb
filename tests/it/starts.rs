//! A plugin that cannot be started is left out by itself and named; the others are served.

use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tests::{Client, Daemon, Start, Suite, process};

const PATIENCE: Duration = Duration::from_mins(1);
const LOOPS: &str = "$app.routerAdd('GET', '/api/sick/ping', () => 'pong');\nwhile (true) {}\n";

const WELL: &str = "
topics:
  well.note.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [well.note.made]
consumes: [well.note.made]
roles: [{name: well.user, billable: false, grants: [well.use]}]
";
const WELL_CODE: &str = r#"
$app.routerAdd("POST", "/api/well/notes", (e) => $app.realtime().publish("well.note.made", e.body));
$app.onEvent("well.note.made", function seen() {});
"#;

#[test]
fn a_plugin_that_loops_at_its_top_level_stands_in_nobodys_way() {
    left_out(LOOPS, &["PLUGIN_DEADLINE", "computed longer than the 3000 ms"]);
}

/// The others are served while it still loads, and the reload of another neither waits for it nor starts it once more.
#[test]
fn a_plugin_that_is_long_in_starting_is_waited_for_by_nobody() {
    let suite = Suite::new().plugin("sick", "", LOOPS).plugin("well", WELL, WELL_CODE);
    let mut daemon = Start::suite(suite).early().run();
    let client = daemon.client();
    client.post("/api/well/notes", &json!({"n": 1})).expect_status(200);
    let state = || state(&daemon, "sick").0;
    assert!(daemon.log().contains("`sick` is still starting"), "{}", daemon.log());
    // On a machine that is busy enough the loop may be given up between two questions.
    let early = client.get("/api/sick/ping");
    let listed = daemon.command(&["plugin", "list"]).out;
    if state() == "starting" {
        early.expect_error(503, "PLUGIN_STARTING");
        assert_eq!(early.header("retry-after"), "1");
        assert!(listed.contains("sick  1.0.0  starting"), "{listed}");
    }
    tests::wait_until(PATIENCE, || (state() == "error").then_some(()));
    client.get("/api/sick/ping").expect_error(503, "PLUGIN_UNAVAILABLE");
    let told = || daemon.log().matches("warning: `sick` cannot be started").count();
    // The daemon knows before its terminal does.
    tests::wait_until(PATIENCE, || (told() > 0).then_some(()));
    assert_eq!(told(), 1, "{}", daemon.log());
    assert!(daemon.stop().expect("it stops").success());
}

/// It is slow, and it comes up: then it serves, and hears what was published from its first start on.
#[test]
fn a_plugin_that_comes_late_joins() {
    let slow = "let sum = 0; for (let i = 0; i < 12_000_000; i++) sum += i;\n";
    let code = format!(
        "{slow}$app.routerAdd('GET', '/api/late/on', () => 1);\n$app.onEvent('well.note.made', function heard(e) {{ $app.dao().saveRecord('late_heard', {{n: e.payload.n}}); }});\n$app.routerAdd('GET', '/api/late/heard', () => $app.dao().countRecords('late_heard', {{}}));"
    );
    let more = "schema: schema.json\nconsumes: [well.note.made]\nroles: [{name: late.user, billable: false, grants: [late.use]}]\n";
    let schema = r#"{"collections": [{"name": "late_heard", "fields": [{"name": "n", "type": "integer"}]}]}"#;
    let suite = Suite::new().plugin("late", more, &code).file("late/schema.json", schema);
    let suite = suite.plugin("well", WELL, WELL_CODE);
    let mut daemon = Start::suite(suite).early().run();
    let active = |daemon: &Daemon| {
        tests::wait_until(PATIENCE, || (state(daemon, "late").0 == "active").then_some(()));
    };
    active(&daemon);
    let client = daemon.client();
    client.get("/api/late/on").expect_status(200);
    client.post("/api/well/notes", &json!({"n": 1})).expect_status(200);
    let heard = |client: &Client, n: u64| {
        tests::wait_until(PATIENCE, || (client.get("/api/late/heard").data() == &json!(n)).then_some(()));
    };
    heard(&client, 1);
    daemon.restart().expect("it starts again");
    let client = daemon.client();
    client.post("/api/well/notes", &json!({"n": 2})).expect_status(200);
    active(&daemon);
    heard(&client, 2);
}

#[test]
fn a_plugin_that_throws_at_its_top_level_is_placed() {
    left_out("const limits = $app.config.missing;\nlimits.of.nothing;\n", &["PLUGIN_ERROR", "src/main.js:2:"]);
}

#[test]
fn a_plugin_that_asks_for_too_much_memory_at_its_top_level_is_left_out() {
    left_out("const all = []; while (true) all.push(\"x\".repeat(1 << 20) + all.length);\n", &["PLUGIN_MEMORY"]);
}

#[track_caller]
fn left_out(code: &str, reasons: &[&str]) {
    let suite = Suite::new().plugin("sick", "", code).plugin("well", WELL, WELL_CODE);
    let mut daemon = Start::suite(suite).run();
    let client = daemon.client();
    client.post("/api/well/notes", &json!({"n": 1})).expect_status(200);
    let sick = client.get("/api/sick/ping");
    sick.expect_error(503, "PLUGIN_UNAVAILABLE");
    assert_eq!(state(&daemon, "well").0, "active");
    let (sick, reason) = state(&daemon, "sick");
    assert_eq!(sick, "error", "{reason}");
    for part in reasons {
        assert!(reason.contains(part), "no {part:?}: {reason}");
        assert!(daemon.log().contains(part), "dev does not say {part:?}: {}", daemon.log());
    }
    assert!(daemon.log().contains("warning: `sick` cannot be started"), "{}", daemon.log());
    assert!(daemon.stop().expect("it stops").success());
}

/// How a plugin is, and why it is not active.
#[track_caller]
fn state(daemon: &Daemon, slug: &str) -> (String, String) {
    let plugins = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    let plugin = plugins.as_array().into_iter().flatten().find(|plugin| plugin["slug"] == slug);
    let text = |field: &str| plugin.and_then(|plugin| plugin[field].as_str()).unwrap_or_default().to_owned();
    (text("state"), text("reason"))
}

/// `till` calls `rates` at the end of what it does on an event: a stop lets it end before `rates` does, although `rates`
/// comes first in the order of the alphabet and in that of starts.
#[test]
fn who_is_called_outlives_who_calls() {
    let rates = "capabilities: {provides: [{name: rates.of, version: 1.0.0}]}\n";
    let till = "schema: schema.json\ntopics:\n  till.sale.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}\npublishes: [till.sale.made]\nconsumes: [till.sale.made]\ncapabilities: {consumes: [{name: rates.of, range: \"^1\"}]}\nroles: [{name: till.user, billable: false, grants: [till.use]}]\n";
    let schema = r#"{"collections": [{"name": "till_sold", "fields": [{"name": "by", "type": "string"}, {"name": "attempt", "type": "integer"}, {"name": "rate", "type": "integer"}]}]}"#;
    let code = |by: &str, turns: u32| {
        format!(
            r#"
$app.onEvent("till.sale.made", {{ deadline: "30s" }}, function sell(e) {{
  let sum = 0;
  for (let i = 0; i < {turns}; i++) sum += i;
  const rate = $app.capability("rates.of").call("today", {{}});
  $app.dao().saveRecord("till_sold", {{ by: "{by}", attempt: e.attempt, rate }});
}});
$app.routerAdd("POST", "/api/till/sell", () => $app.realtime().publish("till.sale.made", {{}}));
$app.routerAdd("GET", "/api/till/sold", () => $app.dao().findRecordsByFilter("till_sold", {{}}));
"#
        )
    };
    let suite = Suite::new()
        .plugin("rates", rates, "$app.provide('rates.of', { today: () => 7 });")
        .plugin("till", till, &code("first", 20_000_000))
        .file("till/schema.json", schema);
    let mut daemon = Start::suite(suite).run();
    let client = daemon.client();
    client.post("/api/till/sell", &json!({})).expect_status(200);
    let running = || {
        let metrics = daemon.admin().get("/metrics").expect_status(200).text;
        metrics.lines().any(|line| {
            line.starts_with("trunkline_subscription")
                && line.contains("till/sell")
                && line.contains("in-flight")
                && !line.ends_with(" 0")
        })
    };
    tests::wait_until(PATIENCE, || running().then_some(()));
    assert!(daemon.stop().expect("it stops").success());
    std::fs::write(daemon.suite().join("till/src/main.js"), code("second", 1)).expect("the suite is writable");
    daemon.restart().expect("it starts again");
    let client = daemon.client();
    let sold = tests::wait_until(PATIENCE, || {
        let all = client.get("/api/till/sold").expect_status(200).data().as_array().cloned().unwrap_or_default();
        all.into_iter().next()
    });
    assert_eq!((&sold["by"], &sold["attempt"], &sold["rate"]), (&json!("first"), &json!(1), &json!(7)), "{sold}");
}

/// None of a daemon's files are a worker's, and the lock on its folder least of all.
#[test]
fn a_daemon_is_started_again_at_once_while_workers_of_the_one_before_are_still_there() {
    let suite = Suite::new().plugin("well", WELL, WELL_CODE);
    let mut daemon = Start::suite(suite).run();
    for round in 0..5 {
        daemon.client().post("/api/well/notes", &json!({"n": round})).expect_status(200);
        let workers = process::all_workers(daemon.pid());
        assert!(!workers.is_empty());
        for worker in &workers {
            process::halt(*worker);
        }
        daemon.restart().expect("started again at once");
        workers.into_iter().for_each(process::kill);
    }
}

/// What a start found in the code of plugins is kept for the next, which refuses what has changed for the worse since.
#[test]
fn a_start_recalls_what_the_last_one_found_and_looks_again_at_what_has_changed() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let suite = Suite::new().plugin("well", WELL, WELL_CODE);
    let module = suite.path().join("well/src/main.js");
    let mut daemon = Start::suite(suite).data(data.path()).run();
    let kept = || {
        let files = std::fs::read_dir(data.path().join("analyses")).into_iter().flatten();
        let paths = files.map(|entry| entry.expect("an entry").path());
        let whole = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        let read = |path: PathBuf| std::io::Result::Ok((std::fs::metadata(&path)?.modified()?, std::fs::read(path)?));
        whole.map(|path| read(path).expect("a file that stays")).collect::<Vec<_>>()
    };
    let written = tests::wait_until(PATIENCE, || Some(kept()).filter(|files| files.len() == 1));
    daemon.stop().expect("it stops");
    daemon.restart().expect("it starts again");
    daemon.client().post("/api/well/notes", &json!({"n": 1})).expect_status(200);
    daemon.stop().expect("it stops");
    assert!(kept() == written, "what is recalled is not written again");

    let wrong = WELL_CODE.replace("well.note.made\", function", "well.note.maed\", function");
    std::fs::write(&module, wrong).expect("written");
    let refused = daemon.restart().expect_err("its subscription hangs loose").to_string();
    assert!(refused.contains("well.note.maed"), "{refused}");
    std::fs::write(&module, WELL_CODE).expect("written");
    daemon.restart().expect("it starts again");
}
