//! Bad input gets an error that names the thing, the place and the way out.

use serde_json::json;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::daemon::{Ran, run};
use tests::{Start, Suite, binary};

const ROLES: &str = "roles: [{name: probe.user, billable: false, grants: [probe.use]}]\n";
const PING: &str = "$app.routerAdd(\"GET\", \"/api/probe/ping\", () => \"pong\");\n";
const ECHO: &str = r#"
$app.routerAdd("POST", "/api/probe/echo", { request: "echo.json" }, (e) => e.body);
"#;
const ECHO_SCHEMA: &str = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["amount"], "additionalProperties": false, "properties": {"amount": {"type": "integer"}}}"#;

#[test]
fn an_unknown_key_of_a_manifest_is_named() {
    let suite = Suite::new().plugin("probe", &format!("{ROLES}publishs: []\n"), PING);
    refused(&suite, 1, &["probe/plugin.yaml", "publishs", "publishes"]);
}

#[test]
fn broken_yaml_is_placed() {
    let suite = Suite::new().plugin("probe", &format!("{ROLES}topics: [unclosed\n"), PING);
    refused(&suite, 1, &["probe/plugin.yaml", "TL101"]);
}

#[test]
fn broken_javascript_is_placed() {
    let suite = Suite::new().plugin("probe", ROLES, "const x = ;\n");
    refused(&suite, 1, &["probe/src/main.js:1:", "TL704"]);
}

#[test]
fn a_schema_that_does_not_compile_is_named() {
    let topic = "topics:\n  probe.note.made: {kind: event, version: 1.0.0, schema: note.json, visibility: public}\n\
                 publishes: [probe.note.made]\n";
    let code = "$app.routerAdd(\"POST\", \"/api/probe/n\", () => $app.realtime().publish(\"probe.note.made\", {}));\n";
    let suite = Suite::new().plugin("probe", &format!("{ROLES}{topic}"), code);
    refused(&suite.file("probe/note.json", "{\"type\": \"objekt\"}"), 1, &["note.json", "objekt"]);
}

#[test]
fn a_newer_core_is_asked_for() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let path = suite.path().join("probe/plugin.yaml");
    let text = std::fs::read_to_string(path).expect("the manifest");
    let suite = suite.file("probe/plugin.yaml", &text.replace("min_core: 0.1.0", "min_core: 99.0.0"));
    refused(&suite, 1, &["probe", "99.0.0"]);
}

#[test]
fn a_suite_that_is_not_there_is_a_usage_error() {
    let ran = dev(Path::new("no/such/suite"), &[]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains("no/such/suite"), "{}", ran.err);
}

#[test]
fn a_body_that_is_not_json_or_breaks_its_schema_is_refused() {
    let suite = Suite::new().plugin("probe", ROLES, ECHO).file("probe/echo.json", ECHO_SCHEMA);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    let json = [("content-type", "application/json")];
    let broken = client.send("POST", "/api/probe/echo", &json, Some("{\"amount\": ")).expect("an answer");
    broken.expect_error(400, "BODY_NOT_JSON");
    let absent = client.send("POST", "/api/probe/echo", &json, None).expect("an answer");
    assert!(absent.text.contains("no body"), "{}", absent.text);
    absent.expect_error(422, "BODY_INVALID");
    for body in [json!({"amount": 1.5}), json!({"amount": "1"}), json!({}), json!({"amount": 1, "more": 1})] {
        let answer = client.post("/api/probe/echo", &body);
        assert_eq!(answer.code(), "BODY_INVALID", "{body}: {}", answer.text);
        assert!((400..500).contains(&answer.status));
    }
    assert_eq!(*client.post("/api/probe/echo", &json!({"amount": 1})).expect_status(200).data(), json!({"amount": 1}));
}

const TWICE: &str = r#"
$app.routerAdd("POST", "/api/probe/any", (e) => e.body);
$app.routerAdd("POST", "/api/probe/lines", { stream: "ndjson" }, (e) => e.body);
$app.routerAdd("POST", "/api/probe/notes", () => $app.realtime().publish("probe.note.made", {}));
$app.onEvent("probe.note.made", function hear() {});
"#;
const TWICE_MORE: &str = "
schema: schema.json
topics:
  probe.note.made: {kind: event, version: 1.0.0, visibility: public}
publishes: [probe.note.made]
consumes: [probe.note.made]
roles: [{name: probe.user, billable: false, grants: [probe.use]}]
";
const NOTES: &str = r#"{"collections": [{"name": "probe_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;

/// Readers of JSON differ on which of two values under one key counts, so neither is taken.
#[test]
fn a_key_that_is_named_twice_is_refused_with_its_place() {
    let suite = Suite::new().plugin("probe", TWICE_MORE, TWICE).file("probe/schema.json", NOTES);
    let daemon = Start::suite(suite).run();
    let (client, admin) = (daemon.client(), daemon.admin());
    let event =
        r#"{"specversion": "1.0", "id": "e1", "source": "/x", "type": "probe.note.made", "data": {"a": 1, "a": 2}}"#;
    let id_twice =
        r#"{"specversion": "1.0", "id": "e1", "source": "/x", "type": "probe.note.made", "id": "e2", "data": {}}"#;
    let reserve = r#"{"resource": "probe_notes/n/x", "amount": 1, "amount": 2, "ttl": "1m"}"#;
    let batch = r#"{"operations": [{"op": "create", "record": {"text": "a", "text": "b"}}]}"#;
    let ce = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "e3"),
        ("ce-source", "/x"),
        ("ce-type", "probe.note.made"),
    ];
    let (json, events) = (&ce[..1], &[("content-type", "application/cloudevents+json")][..]);
    for (who, path, headers, body, pointer, key) in [
        (&client, "/api/probe/any", json, r#"{"amount": 1, "amount": 100}"#, "", "amount"),
        (&client, "/api/probe/any", json, r#"{"l": [{}, {"to": 1, "t\u006f": 2}]}"#, "/l/1", "to"),
        (&client, "/api/collections/probe_notes/records", json, r#"{"text": "a", "text": "b"}"#, "", "text"),
        (&client, "/api/collections/probe_notes/records/batch", json, batch, "/operations/0/record", "text"),
        (&client, "/api/events", events, event, "/data", "a"),
        (&client, "/api/events", events, id_twice, "", "id"),
        (&client, "/api/events", &ce[..], r#"{"a": {"b": 1, "b": 1}}"#, "/a", "b"),
        (&client, "/api/_tx/reserve", json, reserve, "", "amount"),
        (&admin, "/api/_admin/tenants", json, r#"{"tenant": "one", "tenant": "two"}"#, "", "tenant"),
    ] {
        let answer = who.send("POST", path, headers, Some(body)).expect("an answer");
        answer.expect_error(400, "BODY_KEY_REPEATED");
        let details = [&answer.body["details"], &answer.body["error"]["details"]];
        let details = details.into_iter().find(|details| details.is_object());
        let details = details.unwrap_or_else(|| panic!("no details in {}", answer.text));
        assert_eq!((&details["pointer"], &details["key"]), (&json!(pointer), &json!(key)), "{path}: {}", answer.text);
        assert!(answer.text.contains("twice"), "{}", answer.text);
    }
    let lines = client.send("POST", "/api/probe/lines", json, Some("{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n{\"a\": 3}\n"));
    let lines = lines.expect("an answer").text;
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[1].contains("BODY_KEY_REPEATED") && !lines[0].contains("BODY") && !lines[2].contains("BODY"),
        "{lines:?}"
    );
    assert_eq!(client.get("/api/events").body, json!([]), "nothing of an event that was refused is kept");
    assert_eq!(client.get("/api/collections/probe_notes/records").body["items"], json!([]));
}

#[test]
fn routes_methods_and_tokens_that_are_wrong_are_named() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let daemon = Start::suite(suite).run();
    let client = daemon.client();
    client.get("/api/probe/nowhere").expect_error(404, "NOT_FOUND");
    client.post("/api/probe/ping", &json!({})).expect_error(405, "METHOD_NOT_ALLOWED");
    client.with_token("wrong").get("/api/probe/ping").expect_error(401, "UNAUTHENTICATED");
    client.with_token("").get("/api/probe/ping").expect_error(401, "UNAUTHENTICATED");
    assert_eq!(client.get("/api/_admin/plugins").status, 403, "a tenant's token administers nothing");
}

#[test]
fn a_port_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let ran = dev(suite.path(), &["--ephemeral", "--listen", &address]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains(&address), "the address is named: {}", ran.err);
}

#[test]
fn a_data_folder_in_use_is_named_and_left_alone() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let daemon = Start::dev(suite.path()).run();
    let folder = daemon.data().display().to_string();
    let ran = dev(suite.path(), &["--listen", "127.0.0.1:0", "--data", &folder]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains(&folder), "the folder is named: {}", ran.err);
    daemon.client().get("/api/probe/ping").expect_status(200);
}

#[test]
fn a_data_folder_of_a_newer_version_is_named_and_left_alone() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(suite.path()).data(folder.path()).run();
    assert!(daemon.stop().expect("the daemon stops").success());
    let (note, text) = format_note(folder.path());
    std::fs::write(&note, text.replacen("format ", "format 9", 1)).expect("the note is writable");
    let named = folder.path().display().to_string();
    let ran = dev(suite.path(), &["--listen", "127.0.0.1:0", "--data", &named]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains(&named) && ran.err.contains("newer"), "{}", ran.err);
    // Nor is it called damaged: nothing is known of it.
    let ran = tests::daemon::run(Command::new(binary::trunkline()).args(["store", "verify", "--data", &named]));
    assert_eq!((ran.exit, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains(&named) && ran.err.contains("newer") && !ran.err.contains("damaged"), "{}", ran.err);

    std::fs::write(&note, text).expect("the note is writable");
    daemon.restart().expect("with its own version the folder is as it was");
}

#[test]
fn a_damaged_data_folder_is_named_and_left_alone() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(suite.path()).data(folder.path()).run();
    assert!(daemon.stop().expect("the daemon stops").success());
    let file = folder.path().join("data.mdb");
    let length = usize::try_from(std::fs::metadata(&file).expect("the store's file").len()).expect("a length");
    std::fs::write(&file, "noise ".repeat(length / 6)).expect("the file is writable");
    let named = folder.path().display().to_string();
    let ran = dev(suite.path(), &["--listen", "127.0.0.1:0", "--data", &named]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains(&named) && ran.err.contains("damaged"), "{}", ran.err);
    assert!(std::fs::read(&file).expect("the store's file").starts_with(b"noise "), "the file was changed");
}

#[test]
fn damaged_tokens_are_named_with_the_way_out() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(suite.path()).data(folder.path()).run();
    assert!(daemon.stop().expect("the daemon stops").success());
    let tokens = folder.path().join("dev.json");
    std::fs::write(&tokens, "{").expect("the file is writable");
    let named = folder.path().display().to_string();
    let ran = dev(suite.path(), &["--listen", "127.0.0.1:0", "--data", &named]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains("dev.json") && ran.err.contains("remove"), "{}", ran.err);
    std::fs::remove_file(tokens).expect("the way out can be taken");
    daemon.restart().expect("the daemon starts with new tokens");
}

#[test]
fn an_address_of_another_machine_is_named_once() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let ran = dev(suite.path(), &["--ephemeral", "--listen", "192.0.2.1:80"]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert_eq!(ran.err.matches("os error").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("192.0.2.1:80") && ran.err.contains("--listen"), "{}", ran.err);
}

#[test]
fn an_address_may_be_a_name_and_nonsense_is_shown_what_one_looks_like() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    for nonsense in ["nonsense", "127.0.0.1", "127.0.0.1:99999", "localhost:http"] {
        let ran = dev(suite.path(), &["--ephemeral", "--listen", nonsense]);
        assert_eq!(ran.exit, Some(2), "{}", ran.err);
        assert!(ran.err.contains(nonsense) && ran.err.contains("127.0.0.1:8095"), "{}", ran.err);
    }
    let listener = TcpListener::bind("localhost:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let ran = dev(suite.path(), &["--ephemeral", "--listen", &format!("localhost:{port}")]);
    assert!(ran.err.contains("is in use"), "a name is understood: {}", ran.err);
}

#[test]
fn a_file_that_is_not_there_is_named_with_its_reason_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = run(Command::new(binary::trunkline())
        .args(["store", "restore", "no/such.backup", "--data"])
        .arg(folder.path().join("data")));
    assert!(ran.exit == Some(2) && ran.err.contains("no/such.backup"), "{:?}: {}", ran.exit, ran.err);
    assert_eq!(ran.err.matches("os error").count(), 1, "{}", ran.err);
}

#[test]
fn a_file_is_no_data_folder() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let file = suite.path().join("suite.yaml").display().to_string();
    let ran = dev(suite.path(), &["--listen", "127.0.0.1:0", "--data", &file]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains(&file) && ran.err.contains("it is a file"), "{}", ran.err);
}

#[test]
fn a_ready_file_that_cannot_be_written_is_named() {
    let suite = Suite::new().plugin("probe", ROLES, PING);
    let ran = dev(suite.path(), &["--ephemeral", "--listen", "127.0.0.1:0", "--ready-file", "no/such/folder/ready"]);
    assert_eq!(ran.exit, Some(2), "{}", ran.err);
    assert!(ran.err.contains("no/such/folder/ready") && ran.err.contains("--ready-file"), "{}", ran.err);
}

/// The small file in which a data folder says its format.
fn format_note(folder: &Path) -> (PathBuf, String) {
    let files = std::fs::read_dir(folder).expect("a data folder").flatten().map(|entry| entry.path());
    let mut texts = files.filter_map(|file| Some((file.clone(), std::fs::read_to_string(file).ok()?)));
    texts.find(|(_, text)| text.starts_with("format ")).expect("a data folder says its format")
}

#[track_caller]
fn refused(suite: &Suite, exit: i32, words: &[&str]) {
    let ran = dev(suite.path(), &["--ephemeral", "--listen", "127.0.0.1:0"]);
    let said = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.exit, Some(exit), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in:\n{said}");
    }
}

fn dev(suite: &Path, args: &[&str]) -> Ran {
    run(Command::new(binary::trunkline()).arg("dev").arg(suite).arg("--no-watch").args(args))
}
