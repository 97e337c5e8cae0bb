//! Whoever hears that a worker was killed is told what it ran, and where the author's code registers that.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Answer, Client, Daemon, Start, Suite, wait_until};

const HEAD: &str = "schema: schema.json
topics:
  hurt.thing.made: {kind: event, version: 1.0.0, schema: any.json, retry: {attempts: 1}}
publishes: [hurt.thing.made]
consumes: [hurt.thing.made]
permissions: [events:publish, events:subscribe, records:own, jobs]
roles: [{name: hurt.user, billable: false, grants: [hurt.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "hurt_notes", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const VERBS: &str = r#"const forever = () => { for (;;); };
const hoard = () => { const all = []; for (;;) all.push("x".repeat(1000000) + all.length); };

$app.routerAdd("GET", "/api/hurt/loop", { timeout: "400ms" }, forever);
$app.routerAdd("GET", "/api/hurt/hoard", { timeout: "30s" }, hoard);
$app.onEvent("hurt.thing.made", { name: "slow", deadline: "400ms" }, forever);
$jobs.register("grind", { attempts: 1, deadline: "30s" }, hoard);
$app.routerAdd("POST", "/api/hurt/publish", () => $app.realtime().publish("hurt.thing.made", {}));
$app.routerAdd("POST", "/api/hurt/enqueue", () => $jobs.enqueue("grind", {}));
"#;
const HOOKS: &str = r#"const forever = () => { for (;;); };
$app.onRecord("before", "update", "hurt_notes", forever);
$app.onRecord("before", "create", "hurt_notes", ({ record }) => record.n === 1 && forever());
$app.onRecord("after", "create", "hurt_notes", forever);
$app.onEvent("hurt.thing.made", { name: "quick" }, () => 0);
$app.routerAdd("POST", "/api/hurt/publish", () => $app.realtime().publish("hurt.thing.made", {}));
"#;
const SEVERAL: &str = r#"const forever = () => { for (;;); };
const none = () => 0;
$app.onRecord("before", "create", "hurt_notes", none);
$app.onRecord("before", "create", "hurt_notes", async ({ record }) => { await null; if (record.n === 1) forever(); });
$app.onRecord("before", "create", "hurt_notes", none);
$app.onRecord("after", "create", "hurt_notes", none);
$app.onRecord("after", "create", "hurt_notes", forever);
$app.onEvent("hurt.thing.made", { name: "quick" }, () => 0);
$app.routerAdd("POST", "/api/hurt/publish", () => $app.realtime().publish("hurt.thing.made", {}));
"#;
const OUTCOME: &str = r#"const forever = () => { for (;;); };
$app.onOutcome("asked", forever);
$app.onOutcome("hoarded", () => { const all = []; for (;;) all.push("x".repeat(1000000) + all.length); });
$app.onEvent("hurt.thing.made", { name: "quick" }, () => 0);
$app.routerAdd("POST", "/api/hurt/publish", () => $app.realtime().publish("hurt.thing.made", {}));
$app.routerAdd("POST", "/api/hurt/ask", (e) => $app.request("hurt.thing.asked", {}, { continue: e.body.name }));
"#;
const ASKED: &str =
    "  hurt.thing.asked: {kind: request, version: 1.0.0, schema: any.json, replies: {ok: hurt.thing.told}}
  hurt.thing.told: {kind: reply, version: 1.0.0, schema: any.json}
publishes: [hurt.thing.asked, hurt.thing.made]
";
const LIB: &str = r#"
$app.provide("lib.it", {
  fine: () => 1,
  slow: () => { for (;;); },
});
"#;
const USER: &str = r#"
$app.routerAdd("GET", "/api/user/call", () => $app.capability("lib.it").call("slow"));
"#;

#[test]
fn a_verb_an_event_and_a_job_that_are_killed_are_named_with_their_place() {
    let (daemon, client) = hurt(VERBS, "wall_ms: 30000, cpu_ms: 30000");
    let answer = client.get("/api/hurt/loop");
    is_told(&answer, 504, "PLUGIN_DEADLINE", "the verb GET /api/hurt/loop ran longer than its deadline of 400 ms", 4);
    let answer = client.get("/api/hurt/hoard");
    is_told(&answer, 503, "PLUGIN_MEMORY", "the verb GET /api/hurt/hoard asked for more memory", 5);
    client.post("/api/hurt/publish", &json!({})).expect_status(200);
    client.post("/api/hurt/enqueue", &json!({})).expect_status(200);
    for (topic, reason) in [
        (
            "hurt.thing.made",
            "PLUGIN_DEADLINE: a worker of plugin `hurt` was killed: the subscription slow to hurt.thing.made ran longer than its deadline of 400 ms at src/main.js:6:",
        ),
        (
            "jobs.hurt.grind",
            "PLUGIN_MEMORY: a worker of plugin `hurt` ended: the job grind asked for more memory than it may have (`trunkline plugin limits hurt` tells how much) at src/main.js:7:",
        ),
    ] {
        let letter = dead(&daemon, topic);
        assert!(letter["reason"].as_str().is_some_and(|told| told.starts_with(reason)), "{letter}");
    }
    let log = daemon.log();
    for (what, line) in [
        ("the verb GET /api/hurt/loop", 4),
        ("the verb GET /api/hurt/hoard", 5),
        ("the subscription slow to hurt.thing.made", 6),
        ("the job grind", 7),
    ] {
        let place = format!("at src/main.js:{line}:");
        let is_it = |one: &str| one.contains("worker lost") && one.contains(what) && one.contains(&place);
        assert!(log.lines().any(is_it), "{what} is not in the log:\n{log}");
    }
}

#[test]
fn a_record_hook_that_is_killed_is_named_with_its_place() {
    let (daemon, client) = hurt(HOOKS, "wall_ms: 400");
    let notes = "/api/collections/hurt_notes/records";
    let answer = client.post(notes, &json!({"n": 1}));
    is_told(&answer, 504, "PLUGIN_DEADLINE", "the record hook before create hurt_notes ran longer", 3);
    client.post(notes, &json!({"n": 2})).expect_status(201);
    is_logged(&daemon, "the record hook after create hurt_notes ran longer", 4);
}

#[test]
fn which_of_several_record_hooks_is_killed_is_told() {
    let (daemon, client) = hurt(SEVERAL, "wall_ms: 400");
    let notes = "/api/collections/hurt_notes/records";
    let answer = client.post(notes, &json!({"n": 1}));
    is_told(&answer, 504, "PLUGIN_DEADLINE", "the record hook before create hurt_notes ran longer", 4);
    client.post(notes, &json!({"n": 2})).expect_status(201);
    is_logged(&daemon, "the record hook after create hurt_notes ran longer", 7);
}

/// Whoever goes on with an outcome is tried again as an event's handler is, and a dead letter says where it stands.
#[test]
fn a_continuation_that_is_killed_is_named_with_its_place() {
    let head = HEAD.replace("publishes: [hurt.thing.made]\n", ASKED);
    let suite = Suite::new().plugin("hurt", &head, OUTCOME).file("hurt/schema.json", SCHEMA);
    let suite = suite.settings("rules: {TL401: off, TL407: off}\nlimits:\n  hurt: {wall_ms: 30000, cpu_ms: 300}\n");
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    for (name, what, line) in [
        ("asked", "the continuation asked computed longer than the 300 ms that a call may", 2),
        ("hoarded", "the continuation hoarded", 3),
    ] {
        client.post("/api/hurt/ask", &json!({"name": name})).expect_status(200);
        is_logged(&daemon, what, line);
        let is_attempt = |one: &str| {
            one.contains("handler failed") && one.contains(what) && one.contains(&format!("at src/main.js:{line}:"))
        };
        wait_until(Duration::from_mins(1), || daemon.log().lines().any(is_attempt).then_some(()));
    }
}

#[test]
fn hooks_of_a_link_that_are_killed_are_named_with_their_place() {
    let provides = "capabilities: {provides: [{name: lib.it, version: 1.0.0}]}\n";
    let consumes = "capabilities: {consumes: [{name: lib.it, optional: true}]}\n\
         roles: [{name: user.user, billable: false, grants: [user.use]}]\n";
    let start = |attach: &str| {
        let user = format!(
            "$app.onAttach(() => 0);\n$app.onDetach(() => {{ for (;;); }});\n{attach}\n\
             $app.routerAdd('GET', '/api/user/call', () => $app.capability('lib.it').call('fine'));\n"
        );
        let suite = Suite::new().plugin("lib", provides, LIB).plugin("user", consumes, &user);
        Start::suite(suite.settings("limits:\n  user: {wall_ms: 400}\n")).run()
    };
    let daemon = start("$app.onAttach(() => { for (;;); });");
    is_logged(&daemon, "one of 2 attach hooks ran longer than its deadline of 400 ms", 3);
    let daemon = start("");
    assert_eq!(daemon.command(&["plugin", "disable", "lib"]).exit, Some(0), "who has no time keeps nobody");
    is_logged(&daemon, "the detach hook ran longer than its deadline of 400 ms", 2);
    let leaves = |one: &str| one.contains("a provider leaves all the same") && one.contains(" at src/main.js:2:");
    wait_until(Duration::from_mins(1), || daemon.log().lines().any(leaves).then_some(()));
}

#[test]
fn who_calls_a_method_that_is_killed_is_told_which_it_was() {
    let provides = "capabilities: {provides: [{name: lib.it, version: 1.0.0}]}\n";
    let consumes = "capabilities: {consumes: [{name: lib.it}]}\n\
         roles: [{name: user.user, billable: false, grants: [user.use]}]\n";
    let suite = Suite::new().plugin("lib", provides, LIB).plugin("user", consumes, USER);
    let daemon = Start::suite(suite.settings("limits:\n  user: {wall_ms: 900}\n")).run();
    let answer = daemon.client().get("/api/user/call");
    answer.expect_error(504, "PLUGIN_DEADLINE");
    let said = "a worker of plugin `lib` was killed: the method lib.it.slow ran longer than its deadline of ";
    assert!(answer.text.contains(said) && answer.text.contains(" at src/main.js:2:"), "{}", answer.text);
}

fn hurt(code: &str, limits: &str) -> (Daemon, Client) {
    let suite = Suite::new().plugin("hurt", HEAD, code).file("hurt/schema.json", SCHEMA);
    let daemon = Start::suite(suite.settings(&format!("limits:\n  hurt: {{{limits}}}\n"))).run();
    let client = daemon.client();
    (daemon, client)
}

#[track_caller]
fn is_told(answer: &Answer, status: u16, code: &str, words: &str, line: u32) {
    answer.expect_error(status, code);
    let error = if answer.body["error"].is_object() { &answer.body["error"] } else { &answer.body };
    assert!(answer.text.contains(words), "{}", answer.text);
    let details = &error["details"];
    let place = [&details["plugin"], &details["file"], &details["line"]];
    assert_eq!(place, [&json!("hurt"), &json!("src/main.js"), &json!(line)], "{}", answer.text);
}

/// The log tells of a lost worker what ran and where that is registered.
#[track_caller]
fn is_logged(daemon: &Daemon, what: &str, line: u32) {
    let place = format!(" at src/main.js:{line}:");
    let is_it = |one: &str| one.contains("worker lost") && one.contains(what) && one.contains(&place);
    wait_until(Duration::from_mins(1), || daemon.log().lines().any(is_it).then_some(()));
}

#[track_caller]
fn dead(daemon: &Daemon, topic: &str) -> Value {
    wait_until(Duration::from_mins(1), || {
        let letters: Value = serde_json::from_str(&daemon.command(&["dead", "list", "--json"]).out).ok()?;
        let is_it = |one: &&Value| one["topic"].as_str().is_some_and(|it| it.starts_with(topic));
        letters.as_array()?.iter().find(is_it).cloned()
    })
}
