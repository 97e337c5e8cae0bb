//! Who is refused by a function of the API is told which, and where the author's code calls it: in the exception, the
//! log, dead letters and tests. A client that can mend it is told what, and nothing of the plugin's source.

use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use tests::daemon::run;
use tests::{Client, Daemon, Start, Suite, binary, wait_until};

const HEAD: &str = "schema: schema.json
topics:
  tell.thing.made: {kind: event, version: 1.0.0, schema: made.json, visibility: public, retry: {attempts: 1}}
publishes: [tell.thing.made]
consumes: [tell.thing.made]
permissions: [events:publish, events:subscribe, records:own, jobs]
roles: [{name: tell.user, billable: false, grants: [tell.use]}]
";
const SCHEMA: &str = r#"{"collections": [{"name": "tell_notes", "fields": [{"name": "n", "type": "integer"}]}]}"#;
const MADE: &str = r#"{"type": "object", "properties": {"no": {"type": "integer"}}}"#;
const CODE: &str = r#"const dao = $app.dao();
const calls = {
  save: (body) => dao.saveRecord("tell_notes", { n: body.n }),
  find: (body) => dao.findRecordById("tell_notes", body.id ?? "none"),
  publish: (body) => $app.realtime().publish("tell.thing.made", { no: body.no }),
  bug: () => null.n,
};
for (const [name, call] of Object.entries(calls)) {
  $app.routerAdd("POST", `/api/tell/${name}`, (e) => call(e.body));
}
$app.routerAdd("POST", "/api/tell/caught/{name}", (e) => {
  try { calls[e.params.name](e.body); } catch (error) { return { code: error.code, function: error.function }; }
});
$app.routerAdd("POST", "/api/tell/own", () => { throw new AppError("TELL_NOT", "no", { status: 422 }); });
$app.onEvent("tell.thing.made", function note(e) { calls[e.payload.no === 1 ? "save" : "find"]({ n: "one" }); });
$jobs.register("later", { attempts: 1 }, ({ args }) => calls.publish(args));
$app.routerAdd("POST", "/api/tell/later", (e) => $jobs.enqueue("later", e.body));
"#;
const TESTS: &str = r#"
test("a note is saved", (app) => {
  expect(app.call("POST", "/api/tell/save", { body: { n: "one" } }).status).toBe(200);
});
"#;
/// What each call is refused with: its code, the function, and the line of the call.
const REFUSED: [(&str, u16, &str, &str, u32); 3] = [
    ("save", 422, "RECORD_INVALID", "$app.dao().saveRecord", 3),
    ("find", 404, "RECORD_NOT_FOUND", "$app.dao().findRecordById", 4),
    ("publish", 422, "PAYLOAD_INVALID", "$app.realtime().publish", 5),
];

/// What none of the calls can do with.
fn wrong() -> Value {
    json!({"n": "x", "no": "many"})
}

fn suite() -> Suite {
    let suite = Suite::new().plugin("tell", HEAD, CODE).file("tell/schema.json", SCHEMA);
    suite.file("tell/made.json", MADE).file("tell/tests/notes.test.js", TESTS)
}

fn tell() -> (Daemon, Client) {
    let daemon = Start::suite(suite()).run();
    let client = daemon.client();
    (daemon, client)
}

/// Lines of the log with all of these parts.
fn lines(daemon: &Daemon, parts: &[&str]) -> usize {
    daemon.log().lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
}

#[test]
fn the_exception_names_the_function_that_refused() {
    let (_daemon, client) = tell();
    for (name, _, code, function, _) in REFUSED {
        let caught = client.post(&format!("/api/tell/caught/{name}"), &wrong()).expect_status(200);
        assert_eq!(*caught.data(), json!({"code": code, "function": function}));
    }
}

#[test]
fn the_log_names_function_and_place_of_what_a_client_is_told_without() {
    let (daemon, client) = tell();
    for (name, status, code, function, line) in REFUSED {
        let path = format!("/api/tell/{name}");
        for _ in 0..3 {
            let answer = client.post(&path, &wrong());
            answer.expect_error(status, code);
            let error = &answer.body["error"];
            let told = [error["message"].to_string(), error["details"].to_string()].concat();
            // What a plugin publishes is its author's to mend, so that client is told where.
            let is_the_authors = code == "PAYLOAD_INVALID";
            for part in ["src/main.js", function] {
                assert_eq!(told.contains(part), is_the_authors, "{part}: {told}");
            }
        }
        let (place, verb) =
            (format!(", refused by {function} at src/main.js:{line}:"), format!("the verb POST {path}"));
        let told = lines(&daemon, &["handler failed", code, &place, &verb]);
        assert_eq!(told, 1, "a place is told once: {}", daemon.log());
    }
    // A fault of the plugin's is told each time, and its own word to its client never.
    for _ in 0..3 {
        client.post("/api/tell/bug", &json!({})).expect_error(500, "PLUGIN_ERROR");
        client.post("/api/tell/own", &json!({})).expect_error(422, "TELL_NOT");
    }
    assert_eq!(lines(&daemon, &["handler failed", "PLUGIN_ERROR: TypeError", "at src/main.js:6:"]), 3);
    assert_eq!(lines(&daemon, &["TELL_NOT"]), 0);
}

#[test]
fn a_dead_letter_names_function_and_place() {
    let (daemon, client) = tell();
    for no in [1, 2] {
        client.post("/api/tell/publish", &json!({"no": no})).expect_status(200);
    }
    client.post("/api/tell/later", &wrong()).expect_status(200);
    let letters = wait_until(Duration::from_mins(1), || {
        let letters: Value = serde_json::from_str(&daemon.command(&["dead", "list", "--json"]).out).ok()?;
        letters.as_array().filter(|letters| letters.len() == 3).cloned()
    });
    for (_, _, code, function, line) in REFUSED {
        let place = format!(", refused by {function} at src/main.js:{line}:");
        let is_it =
            |letter: &Value| letter["reason"].as_str().is_some_and(|why| why.starts_with(code) && why.contains(&place));
        assert!(letters.iter().any(is_it), "no {code}{place}: {letters:?}");
    }
}

#[test]
fn a_test_that_fails_names_function_and_place_of_what_was_refused() {
    let ran = run(Command::new(binary::trunkline()).arg("test").arg(suite().path()));
    assert_eq!(ran.exit, Some(1));
    let said = "the verb POST /api/tell/save failed: RECORD_INVALID: tell_notes: ";
    let place = ", refused by $app.dao().saveRecord at src/main.js:3:";
    assert!(ran.out.lines().any(|line| line.contains(said) && line.contains(place)), "{}", ran.out);
}

const SLIPS: &str = r#"const dao = $app.dao();
const slip = (name, run) => $app.routerAdd("POST", `/api/slip/${name}`, run);
const later = async () => ({ n: 1 });
slip("topic", () => $app.realtime().publish("slip.thing.maid", {}));
slip("job", () => $jobs.enqueue("remnd"));
slip("written", () => dao.saveRecord("slip_note", {}));
slip("read", () => dao.findRecordsByFilter("slip_note", {}));
slip("awaited", () => ({ got: later() }));
slip("property", (e) => e.body.order.total);
slip("method", (e) => (e.body.order).sum());
slip("called", (e) => e.body.lines()[0].n);
slip("global", () => Object.keys(null));
$jobs.register("remind", () => 0);
"#;

/// What an author gets wrong most often is told with what was probably meant, or with what there is, and in the log.
#[test]
fn the_usual_slips_are_told_with_the_way_out() {
    let head = "schema: schema.json
topics: {slip.thing.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}}
publishes: [slip.thing.made]
permissions: [events:publish, records:own, jobs]
roles: [{name: slip.user, billable: false, grants: [slip.use]}]
";
    let schema = SCHEMA.replace("tell_notes", "slip_notes");
    let suite = Suite::new().plugin("slip", head, SLIPS).file("slip/schema.json", &schema);
    let off =
        "rules: {TL106: off, TL201: off, TL202: off, TL304: off, TL409: off, TL301: off, TL303: off, TL316: off}\n";
    let daemon = Start::suite(suite.settings(off)).run();
    let client = daemon.client();
    for (name, line, said) in [
        ("topic", 4, "`slip.thing.maid` cannot be published: did you mean `slip.thing.made`?"),
        ("job", 5, "slip has no job `remnd`: did you mean `remind`?"),
        (
            "written",
            6,
            "may not write to `slip_note`: a plugin writes only the collections of its own schema, slip_notes",
        ),
        ("read", 7, "may not read `slip_note`: its schema has no such collection, only slip_notes"),
        (
            "awaited",
            8,
            "the return value.got is a Promise, which has no exact form outside the worker: put `await` before",
        ),
        ("property", 9, "TypeError: cannot reach `total`: `e.body.order` is null or undefined"),
        (
            "method",
            10,
            "TypeError: cannot call `sum`: what stands before it, or what it is given, is null or undefined",
        ),
        ("called", 11, "TypeError: e.body.lines is not a function"),
        ("global", 12, "TypeError: cannot call `keys`: `Object`, or what it is given, is null or undefined"),
    ] {
        let answer = client.post(&format!("/api/slip/{name}"), &json!({})).expect_status(500);
        let error = &answer.body["error"];
        assert!(error["message"].as_str().is_some_and(|message| message.contains(said)), "{name}: {}", answer.text);
        assert_eq!(
            (&error["details"]["line"], &error["details"]["file"]),
            (&json!(line), &json!("src/main.js")),
            "{name}"
        );
        let (verb, place) = (format!("the verb POST /api/slip/{name}"), format!("at src/main.js:{line}:"));
        assert_eq!(lines(&daemon, &["handler failed", &verb, &place]), 1, "{name}: {}", daemon.log());
    }
}
