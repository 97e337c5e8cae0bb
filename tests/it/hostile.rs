//! Scripts that mean harm: each is stopped, named, and leaves the plugins beside it alone.

use serde_json::json;
use std::process::Command;
use tests::daemon::run;
use tests::{Client, Daemon, Start, Suite, binary};

const ROLES: &str = "schema: schema.json\nroles: [{name: foul.user, billable: false, grants: [foul.use]}]\n";
const SCHEMA: &str = r#"{"collections": [{"name": "foul_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
const BODY: &str = "$app.routerAdd(\"POST\", \"/api/foul/body\", () => ({ polluted: ({}).polluted ?? null }));\n";
const CALM: &str = "$app.routerAdd(\"GET\", \"/api/calm/ping\", () => \"pong\");\n";
const CALM_MANIFEST: &str = "schema: schema.json\nroles: [{name: calm.user, billable: false, grants: [calm.use]}]\n";
const CALM_SCHEMA: &str =
    r#"{"collections": [{"name": "calm_secrets", "fields": [{"name": "text", "type": "string"}]}]}"#;

#[test]
fn loops_outside_the_call_stack_end() {
    check(
        "const spin = () => Promise.resolve().then(spin);",
        &[
            ("() => { spin(); }", 500, "PLUGIN_ERROR", "promise jobs"),
            ("async () => { for (;;) await null; }", 500, "PLUGIN_ERROR", "promise jobs"),
        ],
    );
    check(
        "",
        &[
            ("() => /^(a+)+$/.test(\"a\".repeat(40) + \"!\")", 504, "PLUGIN_DEADLINE", "500 ms"),
            ("() => { throw { get message() { for (;;) {} } }; }", 504, "PLUGIN_DEADLINE", "500 ms"),
        ],
    );
    check("", &[("() => new Promise(() => {})", 500, "PLUGIN_ERROR", "never settled")]);
}

#[test]
fn whatever_is_thrown_becomes_an_answer() {
    check(
        "",
        &[
            ("() => { throw \"words\"; }", 500, "PLUGIN_ERROR", "words"),
            ("() => { throw undefined; }", 500, "PLUGIN_ERROR", "undefined"),
            ("() => { throw null; }", 500, "PLUGIN_ERROR", "null"),
            ("() => { throw 42; }", 500, "PLUGIN_ERROR", "42"),
            ("() => { throw Symbol(\"s\"); }", 500, "PLUGIN_ERROR", "Symbol(s)"),
            ("() => { throw new Proxy({}, { get() { throw 1; } }); }", 500, "PLUGIN_ERROR", "src/main.js:"),
            ("() => { throw new AppError(\"ODD\", \"m\", { status: 200 }); }", 500, "ODD", "m"),
            ("() => { throw new Error(\"y\".repeat(500000)); }", 500, "PLUGIN_ERROR", "yyy"),
            ("async () => { await null; throw new Error(\"late\"); }", 500, "PLUGIN_ERROR", "src/main.js:"),
        ],
    );
}

#[test]
fn values_without_an_exact_form_are_refused_by_name() {
    check(
        "",
        &[
            ("() => ({ a: NaN })", 500, "VALUE_UNSUPPORTED", "NaN"),
            ("() => ({ a: 2n ** 70n })", 500, "VALUE_UNSUPPORTED", "64 bits"),
            ("() => () => 1", 500, "VALUE_UNSUPPORTED", "function"),
            ("() => new Map()", 500, "VALUE_UNSUPPORTED", "Map"),
            ("() => { const o = {}; o.o = o; return o; }", 500, "VALUE_UNSUPPORTED", "cycle"),
            (
                "() => { let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o; }",
                500,
                "VALUE_UNSUPPORTED",
                "64",
            ),
            ("() => \"\\ud800\"", 500, "VALUE_UNSUPPORTED", "surrogate"),
        ],
    );
}

#[test]
fn a_message_of_a_hundred_megabytes_meets_the_cap() {
    check("", &[("() => \"z\".repeat(100 * 1024 * 1024)", 503, "PLUGIN_MEMORY", "128 MiB")]);
}

#[test]
fn code_made_from_text_is_refused() {
    check(
        "const g = globalThis; const name = (...parts) => parts.join(\"\");",
        &[
            ("() => g[name(\"ev\", \"al\")](\"1\")", 500, "PLUGIN_ERROR", "EvalError"),
            ("() => (() => {})[name(\"con\", \"structor\")](\"return 1\")()", 500, "PLUGIN_ERROR", "EvalError"),
        ],
    );
}

#[test]
fn what_is_not_the_plugins_is_refused_however_it_is_asked_for() {
    let read = "() => $app.dao().findRecordsByFilter([\"calm\", \"secrets\"].join(\"_\"), {})";
    let write = "() => $app.dao().saveRecord([\"calm\", \"secrets\"].join(\"_\"), { text: \"mine\" })";
    check(
        "",
        &[
            (read, 500, "PERMISSION_DENIED", "calm_secrets"),
            (write, 500, "PERMISSION_DENIED", "calm_secrets"),
            ("() => { $app.dao = () => \"owned\"; }", 500, "PLUGIN_ERROR", "TypeError"),
        ],
    );
}

#[test]
fn a_body_cannot_pollute_a_prototype() {
    let (_daemon, client) = foul("", &[]);
    let body = json!({"__proto__": {"polluted": true}, "constructor": 1});
    assert_eq!(*client.post("/api/foul/body", &body).expect_status(200).data(), json!({"polluted": null}));
}

#[test]
fn a_polluted_prototype_stays_in_its_own_worker_and_opens_nothing() {
    let pollute =
        "() => { Object.prototype.toJSON = () => \"owned\"; Array.prototype.includes = () => true; return 1; }";
    let read = "() => $app.dao().findRecordById([\"calm\", \"secrets\"].join(\"_\"), \"x\")";
    let (daemon, client) = foul("", &[(pollute, "5s"), (read, "5s")]);
    client.get("/api/foul/0").expect_status(200);
    client.get("/api/foul/1").expect_error(500, "PERMISSION_DENIED");
    unharmed(&daemon);
}

#[test]
fn a_plugin_that_never_loads_is_named_and_the_start_ends() {
    let suite = Suite::new().plugin("foul", ROLES, "while (true) {}\n").file("foul/schema.json", SCHEMA);
    let mut dev = Command::new(binary::trunkline());
    dev.arg("dev").arg(suite.path()).args(["--ephemeral", "--no-watch", "--listen", "127.0.0.1:0"]);
    let ran = run(&mut dev);
    assert_eq!(ran.exit, Some(1), "{}", ran.err);
    assert!(ran.err.contains("`foul`") && ran.err.contains("PLUGIN_DEADLINE"), "{}", ran.err);
}

/// Calls each handler once; its answer has this status, this code, and names this.
#[track_caller]
fn check(head: &str, cases: &[(&str, u16, &str, &str)]) {
    // Only what must meet its deadline has a short one, so that a slow machine gives no other answer.
    let patience = |code: &str| if code == "PLUGIN_DEADLINE" { "500ms" } else { "30s" };
    let handlers: Vec<(&str, &str)> = cases.iter().map(|case| (case.0, patience(case.2))).collect();
    let (daemon, client) = foul(head, &handlers);
    for (index, (handler, status, code, named)) in cases.iter().enumerate() {
        let answer = client.get(&format!("/api/foul/{index}"));
        assert_eq!((answer.status, answer.code()), (*status, *code), "{handler}: {}", answer.text);
        assert!(answer.text.contains(named), "{handler}: no {named:?} in {}", answer.text);
        assert!(answer.text.len() < 16 * 1024, "{handler}: an answer of {} bytes", answer.text.len());
        unharmed(&daemon);
    }
    client.post("/api/foul/body", &json!({})).expect_status(200);
}

/// A plugin with one route a handler, beside a calm one.
fn foul(head: &str, handlers: &[(&str, &str)]) -> (Daemon, Client) {
    let route = |(index, (handler, timeout)): (usize, &(&str, &str))| {
        format!("$app.routerAdd(\"GET\", \"/api/foul/{index}\", {{ timeout: \"{timeout}\" }}, {handler});\n")
    };
    let routes: String = handlers.iter().enumerate().map(route).collect();
    let code = format!("{head}\n{routes}{BODY}");
    let suite = Suite::new().plugin("foul", ROLES, &code).file("foul/schema.json", SCHEMA);
    let suite = suite.plugin("calm", CALM_MANIFEST, CALM).file("calm/schema.json", CALM_SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    (daemon, client)
}

#[track_caller]
fn unharmed(daemon: &Daemon) {
    assert_eq!(*daemon.client().get("/api/calm/ping").expect_status(200).data(), json!("pong"));
}
