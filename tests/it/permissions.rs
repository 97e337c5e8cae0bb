//! What a manifest does not ask for under `permissions` is refused at the call, named and counted.

use serde_json::json;
use tests::{Daemon, Start, Suite};

const MANIFEST: &str = "
manifest: 1
slug: probe
name: Probe
version: 1.0.0
entry: src/main.js
schema: schema.json
topics:
  probe.note.made: {kind: event, version: 1.0.0, schema: note.json, visibility: public}
publishes: [probe.note.made]
roles: [{name: probe.user, billable: false, grants: [probe.use]}]
";
const CODE: &str = r#"
$app.routerAdd("POST", "/api/probe/publish", (e) => $app.realtime().publish("probe.note.made", e.body));
$app.routerAdd("POST", "/api/probe/save", (e) => $app.dao().saveRecord("probe_notes", { text: "a" }));
$app.routerAdd("GET", "/api/probe/notes", () => $app.dao().findRecordsByFilter("probe_notes", {}));
"#;
const SUBSCRIBE: &str = "$app.onEvent(\"probe.note.made\", function seen() {});\n";
const SCHEMA: &str = r#"{"collections": [{"name": "probe_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
const NOTE: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["id"], "properties": {"id": {"type": "string"}}}"#;

#[test]
fn what_was_not_asked_for_is_refused_named_and_counted() {
    let daemon = probe("permissions: []\n", CODE);
    let client = daemon.client();
    let refusals = [
        (client.post("/api/probe/publish", &json!({"id": "1"})), "events:publish"),
        (client.post("/api/probe/save", &json!({})), "records:own"),
        (client.get("/api/probe/notes"), "records:own"),
    ];
    for (answer, permission) in &refusals {
        answer.expect_error(500, "PERMISSION_DENIED");
        assert!(answer.text.contains(permission), "the permission is named: {}", answer.text);
        assert!(answer.text.contains("src/main.js"), "the place is named: {}", answer.text);
    }
    let plugins = daemon.admin().get("/api/_admin/plugins").body;
    assert_eq!(plugins[0]["permission_denied"], refusals.len(), "{plugins}");
}

#[test]
fn each_permission_opens_its_own_call_and_no_other() {
    let daemon = probe("permissions: [records:own]\n", CODE);
    let client = daemon.client();
    client.post("/api/probe/save", &json!({})).expect_status(200);
    client.get("/api/probe/notes").expect_status(200);
    client.post("/api/probe/publish", &json!({"id": "1"})).expect_error(500, "PERMISSION_DENIED");
}

#[test]
fn without_the_key_a_plugin_has_its_records_and_its_events() {
    let daemon = probe("", &format!("{CODE}{SUBSCRIBE}"));
    let client = daemon.client();
    client.post("/api/probe/save", &json!({})).expect_status(200);
    client.get("/api/probe/notes").expect_status(200);
    client.post("/api/probe/publish", &json!({"id": "1"})).expect_status(200);
}

#[test]
fn subscribing_without_the_permission_stops_the_plugin_at_its_start() {
    let suite = suite("permissions: [events:publish]\n", &format!("{CODE}{SUBSCRIBE}"));
    let text = match Start::suite(suite).try_run() {
        Err(error) => format!("{error:#}"),
        Ok(_) => panic!("the daemon started"),
    };
    for part in ["PERMISSION_DENIED", "events:subscribe", "src/main.js:5"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn the_checker_finds_it_before_the_daemon_does() {
    let suite = suite("permissions: []\n", CODE).settings("");
    let ran = tests::daemon::run(std::process::Command::new(tests::binary::trunkline()).arg("check").arg(suite.path()));
    assert_eq!(ran.exit, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("TL113") && ran.out.contains("events:publish"), "{}", ran.out);
}

#[test]
fn jobs_hooks_and_other_plugins_records_need_their_own_permissions() {
    let own = r#"{"collections": [{"name": "own_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
    let role = |slug: &str| format!("roles: [{{name: {slug}.user, billable: false, grants: [{slug}.use]}}]\n");
    let keeper = format!("schema: schema.json\n{}", role("own"));
    let reader = |permissions: &str| format!("permissions: {permissions}\n{}", role("peek"));
    let read = r#"
$app.routerAdd("GET", "/api/peek/notes", () => $app.dao().countRecords("own_notes", {}));
$app.routerAdd("POST", "/api/peek/notes", () => $app.dao().saveRecord("own_notes", { text: "x" }));
$app.routerAdd("POST", "/api/peek/reserve", () => $app.reserve("own_notes/a/text", 1));"#;
    let suite = |permissions: &str, code: &str| {
        let suite = Suite::new().plugin("own", &keeper, "$app.routerAdd('GET', '/api/own/on', () => 1);");
        let suite = suite.file("own/schema.json", own).plugin("peek", &reader(permissions), code);
        suite.settings("rules: {TL113: off}\n")
    };
    let daemon = Start::suite(suite("[records:own]", read)).run();
    let denied = daemon.client().get("/api/peek/notes");
    denied.expect_error(500, "PERMISSION_DENIED");
    assert!(denied.text.contains("records:read:own_notes"), "{}", denied.text);
    daemon.client().post("/api/peek/reserve", &json!({})).expect_error(500, "PERMISSION_DENIED");
    let metrics = daemon.admin().get("/metrics").text;
    assert!(metrics.contains(r#"trunkline_permission_denied_total{plugin="peek"} 2"#), "{metrics}");
    let daemon = Start::suite(suite("['records:read:own_notes']", read)).run();
    assert_eq!(daemon.client().get("/api/peek/notes").expect_status(200).data(), 0);
    daemon.client().post("/api/peek/notes", &json!({})).expect_error(500, "PERMISSION_DENIED");
    // What loads with the plugin stops it, and names the permission and the line.
    for (code, permission) in [
        ("\n$jobs.register('x', () => {});", "`jobs`"),
        ("\n$jobs.cron('x', '0 5 * * *', () => {});", "`jobs`"),
        ("\n$app.onRecord('after', 'create', 'own_notes', () => {});", "`records:read:own_notes`"),
    ] {
        let daemon = Start::suite(suite("[]", code)).run();
        let plugins = daemon.admin().get("/api/_admin/plugins").body;
        let peek = plugins.as_array().into_iter().flatten().find(|plugin| plugin["slug"] == "peek").cloned();
        let reason = peek.and_then(|peek| peek["reason"].as_str().map(str::to_owned)).unwrap_or_default();
        assert!(reason.contains(permission) && reason.contains("src/main.js:2"), "{code}: {reason}");
        let checked = suite("[]", code).settings("");
        let checked = check(&checked);
        assert!(checked.contains("TL113") && checked.contains(permission), "{checked}");
    }
    let checked = check(&suite("[records:own]", read).settings(""));
    for part in [
        "`peek` reads records of `own_notes` here, but its `permissions` do not list `records:read:own_notes`",
        "peek/src/main.js:2:48",
        "`peek` writes records of `own_notes` here, which only its owner `own` may",
        "peek/src/main.js:3:49",
        "peek/src/main.js:4:51",
        "publish an event or ask with a request, and let the owner change its own records",
    ] {
        assert!(checked.contains(part), "no {part} in\n{checked}");
    }
    let checked = check(&suite("['records:read:own_notes']", read).settings(""));
    assert!(!checked.contains("main.js:2:") && checked.contains("findings 2/0/0"), "{checked}");
    let odd = check(&suite("['records:all']", read));
    assert!(odd.contains("`records:all` is not a permission: there are records:own"), "{odd}");
}

/// What the checker says of a suite that it does not accept.
fn check(suite: &Suite) -> String {
    let ran = tests::daemon::run(std::process::Command::new(tests::binary::trunkline()).arg("check").arg(suite.path()));
    assert_eq!(ran.exit, Some(1), "{}{}", ran.out, ran.err);
    ran.out
}

fn probe(permissions: &str, code: &str) -> Daemon {
    Start::suite(suite(permissions, code)).run()
}

/// The rule that would find it before is off, to see what the daemon does by itself.
fn suite(permissions: &str, code: &str) -> Suite {
    let suite = Suite::new().plugin("probe", "", code).settings("rules: {TL113: off}\n");
    let consumes = if code.contains("onEvent") { "consumes: [probe.note.made]\n" } else { "" };
    let suite = suite.file("probe/plugin.yaml", &format!("{MANIFEST}{consumes}{permissions}"));
    suite.file("probe/schema.json", SCHEMA).file("probe/note.json", NOTE)
}
