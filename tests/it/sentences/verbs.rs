//! Verbs, docs/src/reference/functions.md.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Client, Daemon, Start, Suite};

const HEAD: &str = "
schema: schema.json
roles:
  - {name: till.clerk, billable: false, grants: [till.sell]}
  - {name: till.boss, billable: false, grants: [till.sell, till.rule]}
";
const SCHEMA: &str = r#"{"collections": [{"name": "till_sales", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const ASK: &str = r#"{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}"#;
const CODE: &str = r#"
const n = { type: "object", required: ["n"], properties: { n: { type: "integer" } } };
const add = (path, options, run) => $app.routerAdd("POST", `/api/till/${path}`, options, run);
add("schema", { request: n, response: "contracts/ask.json", summary: "Sells one", tags: ["tills"] }, (e) => e.body.n === 7 ? "seven" : e.body);
add("promised", { response: n }, (e) => {
  if (e.body.n === "own") return e.json(200, "seven");
  if (e.body.n === "status") e.setStatus(404);
  else $app.dao().saveRecord("till_sales", { n: 1 });
  return "seven";
});
add("function", {}, () => ({ f: () => 1 }));
add("nobody", {}, (e) => e.outcome({ id: "none" }, { ok: 200 }));
add("file", { request: "contracts/ask.json" }, (e) => e.body);
add("boss", { roles: ["till.boss"] }, () => 1);
add("rule", { grants: ["till.rule"] }, () => 1);
add("either", { roles: ["till.clerk", "till.boss"], grants: ["till.rule", "till.sell"] }, () => 1);
add("open", { public: true }, (e) => e.auth);
add("late", { timeout: "400ms" }, () => { for (;;); });
add("reads", { readOnly: true }, (e) => e.body.writes ? $app.dao().saveRecord("till_sales", { n: 1 }) : $app.dao().countRecords("till_sales", {}));
add("lines", { stream: "ndjson" }, (e) => ({ twice: e.body.n * 2 }));
add("small", { bodyBytesMax: 100 }, (e) => e.body.length);
add("usual", {}, (e) => e.body.length);
add("large", { bodyBytesMax: 12582912 }, (e) => e.body.length);
add("once", { idempotent: true }, () => $app.dao().saveRecord("till_sales", { n: 2 }).id);
add("e/{id}/{rest}", {}, (e) => ({ fields: Object.keys(e), auth: e.auth, params: e.params, query: e.query, body: e.body, requestId: e.requestId, tenant: e.tenant, header: [e.header("X-Own"), e.header("x-own"), e.header("x-none")] }));
add("status", {}, (e) => { e.setStatus(e.body); return 1; });
add("error", {}, (e) => { throw new AppError("TILL_SHUT", "shut", e.body); });
add("text", {}, (e) => e.text(203, "a, b"));
add("undefined", {}, () => undefined);
add("async", {}, async (e) => (await Promise.resolve(e.body)) + 1);
"#;

fn till() -> (Daemon, Client) {
    let suite = Suite::new().plugin("till", HEAD, CODE).file("till/schema.json", SCHEMA);
    let daemon = Start::suite(suite.file("till/contracts/ask.json", ASK)).run();
    let client = daemon.client();
    (daemon, client)
}

fn with_roles(daemon: &Daemon, roles: &Value) -> Client {
    let wanted = json!({"roles": roles, "ttl": "1h"});
    let made = daemon.admin().post("/api/_admin/tenants/demo/tokens", &wanted);
    daemon.client().with_token(made.body["token"].as_str().unwrap_or_else(|| panic!("{}", made.text)))
}

fn post(client: &Client, path: &str, body: &Value) -> tests::Answer {
    client.post(&format!("/api/till/{path}"), body)
}

/// The line of the plugin's source that an error names.
fn line_of(answer: &tests::Answer) -> Option<usize> {
    let details = &answer.body["error"]["details"];
    let line = details["line"].as_u64().filter(|_| details["file"] == "src/main.js");
    line.and_then(|line| usize::try_from(line).ok())
}

/// The line on which a verb is added.
fn registered(path: &str) -> Option<usize> {
    CODE.lines().position(|line| line.starts_with(&format!("add(\"{path}\""))).map(|at| at + 1)
}

#[test]
fn each_option_of_a_verb_does_what_the_table_says() {
    let (daemon, client) = till();
    for path in ["schema", "file"] {
        post(&client, path, &json!({"n": 1})).expect_status(200);
        post(&client, path, &json!({"n": "one"})).expect_error(422, "BODY_INVALID");
    }
    let broken = post(&client, "schema", &json!({"n": 7}));
    broken.expect_error(500, "PLUGIN_ERROR");
    let place = &broken.body["error"]["details"]["violations"][0];
    assert_eq!(place["pointer"], "", "{}", broken.text);
    let message = broken.body["error"]["message"].as_str().expect("a message");
    assert!(message.contains("the answer of POST /api/till/schema breaks the response schema"), "{message}");
    assert_eq!(line_of(&broken), registered("schema"), "{}", broken.text);
    for path in ["function", "nobody"] {
        let refused = post(&client, path, &json!({}));
        assert_eq!((refused.status, line_of(&refused)), (500, registered(path)), "{}", refused.text);
    }
    // What such a call has changed is not kept, and what it answers of itself is not the data.
    post(&client, "promised", &json!({"n": "data"})).expect_error(500, "PLUGIN_ERROR");
    assert_eq!(post(&client, "reads", &json!({})).expect_status(200).data(), &json!(0));
    post(&client, "promised", &json!({"n": "status"})).expect_status(404);
    post(&client, "promised", &json!({"n": "own"})).expect_status(200);
    let described =
        client.get("/api/openapi.json").expect_status(200).body["paths"]["/api/till/schema"]["post"].clone();
    assert_eq!((&described["summary"], &described["tags"]), (&json!("Sells one"), &json!(["tills"])));
    let ask: Value = serde_json::from_str(ASK).expect("JSON");
    let answer = &described["responses"]["2XX"]["content"]["application/json"]["schema"]["properties"]["data"];
    assert_eq!((answer, &described["requestBody"]["content"]["application/json"]["schema"]), (&ask, &ask));
    // Who may.
    let (clerk, boss) = (with_roles(&daemon, &json!(["till.clerk"])), with_roles(&daemon, &json!(["till.boss"])));
    for (path, may) in [("boss", 403), ("rule", 403), ("either", 200), ("usual", 200)] {
        assert_eq!(post(&clerk, path, &json!("x")).status, may, "{path}");
        assert_eq!(post(&boss, path, &json!("x")).status, 200, "{path}");
        assert_eq!(post(&client.with_token(""), path, &json!("x")).status, 401, "{path}");
    }
    let stranger = post(&client.with_token(""), "open", &json!({})).expect_status(200);
    assert_eq!(stranger.data()["roles"], json!([]), "{}", stranger.text);
    assert_eq!(post(&boss, "open", &json!({})).data()["roles"], json!(["till.boss"]));
    post(&client, "late", &json!({})).expect_error(504, "PLUGIN_DEADLINE");
    let refused = post(&client, "reads", &json!({"writes": true}));
    refused.expect_error(500, "PERMISSION_DENIED");
    assert!(refused.text.contains("POST /api/till/reads is declared `readOnly`"), "{}", refused.text);
    assert_eq!(line_of(&refused), registered("reads"), "{}", refused.text);
    assert_eq!(post(&client, "reads", &json!({})).expect_status(200).data(), 0);
    let lines = client.send(
        "POST",
        "/api/till/lines",
        &[("content-type", "application/x-ndjson")],
        Some("{\"n\": 1}\n{\"n\": 2}\n"),
    );
    assert_eq!(lines.expect("it answers").text, "{\"twice\":2}\n{\"twice\":4}\n");
    // How long a body may be: two more bytes are its quotes.
    let long = |bytes: usize| json!("x".repeat(bytes - 2));
    for (path, most) in [("small", 100), ("usual", 2 << 20), ("large", 12 << 20)] {
        assert_eq!(post(&client, path, &long(most)).expect_status(200).data(), most - 2, "{path}");
        post(&client, path, &long(most + 1)).expect_error(413, "BODY_TOO_LARGE");
    }
    let once = |key: &str| client.json("POST", "/api/till/once", &[("idempotency-key", key)], &json!({}));
    assert_eq!(post(&client, "once", &json!({})).status, 400);
    let first = once("k").expect_status(200);
    let again = once("k").expect_status(200);
    assert_eq!((first.data(), first.replayed, again.replayed), (again.data(), false, true));
    assert_ne!(once("l").data(), first.data());
}

#[test]
fn the_argument_of_a_verb_and_its_answer_are_what_the_page_says() {
    let (_daemon, client) = till();
    let headers = [("content-type", "application/json"), ("x-own", "7")];
    let answer = client.send("POST", "/api/till/e/a%2Fb/c?q=1&q=2&s=%20", &headers, Some("[1]")).expect("it answers");
    let answer = answer.expect_status(200);
    let e = answer.data();
    let names = |value: &Value| -> BTreeSet<String> {
        value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let wanted = ["auth", "params", "query", "body", "requestId", "tenant"];
    assert_eq!(names(&e["fields"]), wanted.map(str::to_owned).into());
    let auth: Vec<&String> = e["auth"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    assert_eq!(auth, ["email", "id", "roles", "tenant"]);
    assert_eq!(e["auth"]["tenant"], e["tenant"]);
    assert_eq!(e["params"], json!({"id": "a/b", "rest": "c"}));
    assert_eq!((&e["query"], &e["body"]), (&json!({"q": ["1", "2"], "s": " "}), &json!([1])));
    assert_eq!(e["requestId"], answer.header("x-request-id"));
    assert_eq!(e["header"], json!(["7", "7", null]));
    assert_eq!(
        post(&client, "status", &json!(299)).expect_status(299).body,
        json!({"success": true, "data": 1, "error": null})
    );
    for status in [json!(99), json!(600), json!("200"), json!(200.5)] {
        post(&client, "status", &status).expect_error(500, "PLUGIN_ERROR");
    }
    // The plugin's own error, with a status of errors.
    for (options, status) in [
        (json!(null), 500),
        (json!({"status": 423}), 423),
        (json!({"status": 200}), 500),
        (json!({"status": 700}), 500),
    ] {
        let refused = post(&client, "error", &options);
        refused.expect_error(status, "TILL_SHUT");
        assert_eq!((&refused.body["success"], &refused.body["data"]), (&json!(false), &Value::Null));
    }
    let details = json!({"details": {"until": [8, null]}, "status": 409});
    assert_eq!(post(&client, "error", &details).body["error"]["details"], details["details"]);
    let text = post(&client, "text", &json!({})).expect_status(203);
    assert_eq!((text.text.as_str(), text.content_type.split(';').next()), ("a, b", Some("text/plain")));
    assert_eq!(post(&client, "undefined", &json!({})).expect_status(200).body["data"], Value::Null);
    assert_eq!(post(&client, "async", &json!(1)).expect_status(200).data(), 2);
}
