//! A plugin can hurt only itself, and is told what it did wrong and where.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Client, Daemon, Start, Suite, process};

const ROLES: &str = "roles: [{name: SLUG.user, billable: false, grants: [SLUG.use]}]\n";
/// How long a paused plugin is left alone at most before a call is let through as a probe.
const PROBE_WITHIN: Duration = Duration::from_secs(2);
/// A killed worker is replaced at the next call; the rest is the machine's.
const REPLACED_WITHIN: Duration = Duration::from_secs(2);

const WILD: &str = r#"import { thrower } from "./deep/thrower.js";
$app.routerAdd("GET", "/api/wild/loop", { timeout: "500ms" }, () => { while (true) {} });
// What is to end at a cap is given so much time that it does on any machine.
$app.routerAdd("GET", "/api/wild/memory", { timeout: "60s" }, () => "x".repeat(2 ** 32).length);
$app.routerAdd("GET", "/api/wild/doubled", { timeout: "60s" }, () => { let s = "x"; while (s.length < 2 ** 32 - 1) s += s; return s.length; });
$app.routerAdd("GET", "/api/wild/hoard", { timeout: "60s" }, () => { const all = []; for (;;) all.push("x".repeat(1000000) + all.length); });
$app.routerAdd("GET", "/api/wild/recursion", { timeout: "60s" }, () => { const f = (n) => f(n + 1) + 1; return f(0); });
$app.routerAdd("GET", "/api/wild/throw", () => thrower(7));
$app.routerAdd("GET", "/api/wild/fine", () => "fine");
$app.routerAdd("GET", "/api/wild/teapot", () => { throw new AppError("TEAPOT", "short and stout", { status: 418 }); });
"#;
const FOREVER: &str = "$app.routerAdd(\"GET\", \"/api/wild/loop\", { timeout: \"60s\" }, () => { for (;;); });\n";
const THROWER: &str =
    "// The error stands in line 3.\nexport function thrower(n) {\n  throw new TypeError(`bad ${n}`);\n}\n";
const TYPED: &str = r#"import { Unit, double } from "./double.ts";
interface Answer { readonly twice: number, unit: Unit }
$app.routerAdd("GET", "/api/typed/double", (e: any): Answer => ({ twice: double(Number(e.query.n)), unit: Unit.Cent }));
$app.routerAdd("GET", "/api/typed/throw", (): never => {
  const none = undefined as unknown as { x: number };
  throw new Error(`typed ${none?.x}`);
});
"#;
const DOUBLE: &str =
    "export const enum Unit { Cent = 'ct' }\nexport function double(n: number): number {\n  return n * 2;\n}\n";

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let (daemon, client) = wild();
    let begun = Instant::now();
    client.get("/api/wild/loop").expect_error(504, "PLUGIN_DEADLINE");
    assert!(begun.elapsed() < Duration::from_secs(5), "the deadline of 500 ms took {:?}", begun.elapsed());
    others_are_unharmed(&daemon);
    client.get("/api/wild/fine").expect_status(200);
}

#[test]
fn memory_beyond_the_cap_is_named() {
    let (daemon, client) = wild();
    client.get("/api/wild/hoard").expect_error(503, "PLUGIN_MEMORY");
    others_are_unharmed(&daemon);
    client.get("/api/wild/fine").expect_status(200);
}

/// The language refuses to repeat a text so often, and the cap stops one that grows to that length.
#[test]
fn a_string_of_four_gigabytes_hurts_nobody() {
    let (daemon, client) = wild();
    let refused = client.get("/api/wild/memory");
    assert!(refused.text.contains("RangeError"), "{}", refused.text);
    refused.expect_error(500, "PLUGIN_ERROR");
    client.get("/api/wild/doubled").expect_error(503, "PLUGIN_MEMORY");
    others_are_unharmed(&daemon);
    client.get("/api/wild/fine").expect_status(200);
}

#[test]
fn endless_recursion_is_the_plugins_own_error_and_costs_no_worker() {
    let (daemon, client) = wild();
    let before = process::workers(daemon.pid(), "wild");
    let answer = client.get("/api/wild/recursion");
    assert!(answer.text.contains("src/main.js:"), "no position: {}", answer.text);
    answer.expect_error(500, "PLUGIN_ERROR");
    others_are_unharmed(&daemon);
    client.get("/api/wild/fine").expect_status(200);
    assert_eq!(process::workers(daemon.pid(), "wild"), before);
}

#[test]
fn a_killed_worker_is_replaced() {
    let (daemon, client) = wild();
    client.get("/api/wild/fine").expect_status(200);
    let workers = process::workers(daemon.pid(), "wild");
    assert!(!workers.is_empty(), "the plugin runs in a child process named after it");
    for worker in &workers {
        process::kill(*worker);
    }
    within(REPLACED_WITHIN, || client.get("/api/wild/fine").status == 200);
    let replaced = process::workers(daemon.pid(), "wild");
    assert!(workers.iter().all(|old| !replaced.contains(old)), "{workers:?} became {replaced:?}");
}

/// A worker that computes never sees that its connection was closed: only the kernel tells it that its parent is gone.
#[test]
fn a_worker_that_computes_ends_with_its_daemon() {
    let suite = Suite::new().plugin("wild", &ROLES.replace("SLUG", "wild"), FOREVER);
    let mut daemon = Start::suite(suite).run();
    let client = daemon.client();
    let call = std::thread::spawn(move || drop(client.send("GET", "/api/wild/loop", &[], None)));
    let pid = daemon.pid();
    let busy = tests::wait_until(Duration::from_mins(1), || {
        let workers = process::workers(pid, "wild");
        workers.into_iter().find(|worker| process::computed(*worker) > Duration::from_millis(300))
    });
    daemon.kill();
    // Its own deadline would come a minute later.
    tests::wait_until(Duration::from_secs(20), || (!process::lives(busy)).then_some(()));
    call.join().expect("the call ends");
}

#[test]
fn the_breaker_opens_and_probes_again() {
    let (daemon, client) = wild();
    let opened = (0..20).any(|_| client.get("/api/wild/loop").code() == "PLUGIN_UNAVAILABLE");
    assert!(opened, "the breaker never opened");
    client.get("/api/wild/fine").expect_error(503, "PLUGIN_UNAVAILABLE");
    others_are_unharmed(&daemon);
    std::thread::sleep(PROBE_WITHIN);
    client.get("/api/wild/fine").expect_status(200);
}

#[test]
fn an_exception_names_file_line_column_and_stack() {
    let (_daemon, client) = wild();
    let answer = client.get("/api/wild/throw").expect_status(500);
    assert_eq!(answer.code(), "PLUGIN_ERROR");
    assert!(answer.text.contains("bad 7"), "{}", answer.text);
    assert!(answer.text.contains("src/deep/thrower.js:3:"), "no position: {}", answer.text);
    assert!(answer.text.contains("src/main.js:"), "no stack: {}", answer.text);
}

#[test]
fn a_plugin_answers_with_its_own_error() {
    let (_daemon, client) = wild();
    let answer = client.get("/api/wild/teapot").expect_status(418);
    let error = json!({"code": "TEAPOT", "message": "short and stout", "details": null});
    assert_eq!(answer.body["error"], error, "the place in the source is nothing to the caller");
}

#[test]
fn a_typescript_plugin_of_several_modules_runs_and_fails_in_its_own_lines() {
    let manifest = ROLES.replace("SLUG", "typed");
    let suite = Suite::new().plugin("typed", &manifest, "").file("typed/src/double.ts", DOUBLE);
    let suite = suite.file("typed/src/main.ts", TYPED);
    let text = std::fs::read_to_string(suite.path().join("typed/plugin.yaml")).expect("the manifest");
    let suite = suite.file("typed/plugin.yaml", &text.replace("src/main.js", "src/main.ts"));
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    let doubled = client.get("/api/typed/double?n=21").expect_status(200);
    assert_eq!(*doubled.data(), json!({"twice": 42, "unit": "ct"}));
    let failed = client.get("/api/typed/throw").expect_status(500);
    assert!(failed.text.contains("src/main.ts:6:"), "{}", failed.text);
}

fn wild() -> (Daemon, Client) {
    let suite = Suite::new()
        .plugin("wild", &ROLES.replace("SLUG", "wild"), WILD)
        .file("wild/src/deep/thrower.js", THROWER)
        .plugin(
            "calm",
            &ROLES.replace("SLUG", "calm"),
            "$app.routerAdd(\"GET\", \"/api/calm/ping\", () => \"pong\");\n",
        );
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

#[track_caller]
fn others_are_unharmed(daemon: &Daemon) {
    let client = daemon.client();
    assert_eq!(*client.get("/api/calm/ping").expect_status(200).data(), json!("pong"));
    client.get("/readyz").expect_status(200);
}

#[track_caller]
fn within(limit: Duration, done: impl Fn() -> bool) {
    let deadline = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < deadline, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
