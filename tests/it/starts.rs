//! A plugin that cannot be started is left out by itself and named; the others are served.

use serde_json::{Value, json};
use tests::{Start, Suite};

const WELL: &str = "
topics:
  well.note.made: {kind: event, version: 1.0.0, schema: note.json, visibility: public}
publishes: [well.note.made]
consumes: [well.note.made]
roles: [{name: well.user, billable: false, grants: [well.use]}]
";
const WELL_CODE: &str = r#"
$app.routerAdd("POST", "/api/well/notes", (e) => $app.realtime().publish("well.note.made", e.body));
$app.onEvent("well.note.made", function seen() {});
"#;
const NOTE: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#;

#[test]
fn a_plugin_that_loops_at_its_top_level_stands_in_nobodys_way() {
    let route = "$app.routerAdd(\"GET\", \"/api/sick/ping\", () => \"pong\");\n";
    left_out(&format!("{route}while (true) {{}}\n"), &["PLUGIN_DEADLINE", "deadline"]);
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
    let suite = Suite::new().plugin("sick", "", code).plugin("well", WELL, WELL_CODE).file("well/note.json", NOTE);
    let mut daemon = Start::suite(suite).run();
    let client = daemon.client();
    client.post("/api/well/notes", &json!({"n": 1})).expect_status(200);
    let sick = client.get("/api/sick/ping");
    sick.expect_error(503, "PLUGIN_UNAVAILABLE");
    let plugins = daemon.admin().get("/api/_admin/plugins").expect_status(200).body;
    let of = |slug: &str| -> Value {
        plugins.as_array().into_iter().flatten().find(|plugin| plugin["slug"] == slug).cloned().unwrap_or_default()
    };
    assert_eq!((&of("well")["state"], &of("sick")["state"]), (&json!("active"), &json!("error")), "{plugins}");
    for part in reasons {
        assert!(of("sick")["reason"].as_str().is_some_and(|reason| reason.contains(part)), "no {part:?}: {plugins}");
        assert!(daemon.log().contains(part), "dev does not say {part:?}: {}", daemon.log());
    }
    assert!(daemon.log().contains("warning: `sick` cannot be started"), "{}", daemon.log());
    assert!(daemon.stop().expect("it stops").success());
}
