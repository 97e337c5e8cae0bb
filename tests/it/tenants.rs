//! A token opens its own tenant and what its roles allow, and nothing of any other tenant.

use serde_json::json;
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
schema: schema.json
topics:
  desk.note.made: {kind: event, version: 1.0.0, schema: any.json, visibility: public}
publishes: [desk.note.made]
consumes: [desk.note.made]
roles:
  - {name: desk.reader, billable: false, grants: [desk.read]}
  - {name: desk.writer, billable: true, grants: [desk.read, desk.write]}
";
const SCHEMA: &str = r#"{"collections": [{"name": "desk_notes", "fields": [{"name": "text", "type": "string"}]}]}"#;
const CODE: &str = r#"
$app.routerAdd("GET", "/api/desk/notes", { grants: ["desk.read"] }, () => $app.dao().findRecordsByFilter("desk_notes", {}));
$app.routerAdd("GET", "/api/desk/notes/{id}", { grants: ["desk.read"] }, (e) => $app.dao().findRecordById("desk_notes", e.params.id));
$app.routerAdd("POST", "/api/desk/notes", { roles: ["desk.writer"] }, (e) => {
  const note = $app.dao().saveRecord("desk_notes", e.body);
  $app.realtime().publish("desk.note.made", { id: note.id });
  return note;
});
$app.routerAdd("GET", "/api/desk/me", (e) => ({ ...e.auth, asked: e.header("x-tenant") }));
$app.routerAdd("GET", "/api/desk/open", { public: true }, (e) => e.auth);
$app.onEvent("desk.note.made", function seen() {});
"#;

#[test]
fn a_second_tenant_sees_nothing_of_the_first() {
    let daemon = desk();
    let (first, second) = (daemon.client(), tenant(&daemon, "second"));
    first.post("/api/desk/notes", &json!({"id": "n1", "text": "ours"})).expect_status(200);
    first.publish(&cloud_event("e1", "desk.note.made", &json!({}))).expect_status(202);

    assert_eq!(*second.get("/api/desk/notes").expect_status(200).data(), json!([]));
    second.get("/api/desk/notes/n1").expect_error(404, "RECORD_NOT_FOUND");
    assert_eq!(second.get("/api/events").expect_status(200).body, json!([]));
    assert_eq!(second.get("/api/events?correlation=e1").expect_status(200).body, json!([]));
    second.get("/api/events?tenant=demo").expect_error(403, "FORBIDDEN");
    for path in ["/api/events/e1", "/api/events/e1/story", "/api/events/e1/outcome"] {
        second.get(path).expect_error(404, "NOT_FOUND");
    }

    second.post("/api/desk/notes", &json!({"id": "n1", "text": "theirs"})).expect_status(200);
    second.publish(&cloud_event("e1", "desk.note.made", &json!({"other": true}))).expect_status(202);
    assert_eq!(first.get("/api/desk/notes/n1").data()["text"], "ours");
    assert_eq!(first.get("/api/events/e1").body["data"], json!({}));
}

#[test]
fn what_is_said_to_be_stored_is_what_is_stored() {
    let daemon = desk();
    let client = daemon.client();
    let said = client.post("/api/desk/notes", &json!({"id": "n1", "text": "ours"})).expect_status(200);
    assert_eq!(client.get("/api/desk/notes/n1").expect_status(200).data(), said.data());
}

#[test]
fn no_header_or_body_names_another_tenant_or_publisher() {
    let daemon = desk();
    let second = tenant(&daemon, "second");
    let me = second.send("GET", "/api/desk/me", &[("x-tenant", "demo")], None).expect("an answer");
    assert_eq!((&me.data()["tenant"], &me.data()["asked"]), (&json!("second"), &json!("demo")));
    let mut forged = cloud_event("f1", "desk.note.made", &json!({}));
    for (name, value) in [("source", "/plugin/desk"), ("tenantid", "demo"), ("actor", "root"), ("sequence", "1")] {
        forged[name] = json!(value);
    }
    second.publish(&forged).expect_status(202);
    let stored = second.get("/api/events/f1").expect_status(200).body;
    assert_eq!(stored["tenantid"], "second", "{stored}");
    assert!(stored["source"].as_str().is_some_and(|source| source.starts_with("/rest/")), "{stored}");
    assert_ne!(stored["actor"], "root", "{stored}");
    assert!(stored.get("partitionkey").is_none(), "an empty attribute is no CloudEvent: {stored}");
    daemon.client().get("/api/events/f1").expect_error(404, "NOT_FOUND");
}

#[test]
fn a_token_does_what_its_roles_and_scopes_allow() {
    let daemon = desk();
    drop(tenant(&daemon, "second"));
    let reader = token(&daemon, r#"{"roles": ["desk.reader"], "ttl": "1h"}"#);
    reader.get("/api/desk/notes").expect_status(200);
    reader.post("/api/desk/notes", &json!({"text": "x"})).expect_error(403, "FORBIDDEN");
    reader.publish(&cloud_event("e1", "desk.note.made", &json!({}))).expect_error(403, "FORBIDDEN");
    reader.get("/api/_admin/plugins").expect_error(403, "FORBIDDEN");
    let publisher = token(&daemon, r#"{"roles": [], "scopes": ["events:publish"], "ttl": "1h"}"#);
    publisher.publish(&cloud_event("e1", "desk.note.made", &json!({}))).expect_status(202);
    publisher.get("/api/desk/notes").expect_error(403, "FORBIDDEN");

    let expired = token(&daemon, r#"{"roles": ["desk.reader"], "ttl": "1ms"}"#);
    std::thread::sleep(std::time::Duration::from_millis(5));
    expired.get("/api/desk/notes").expect_error(401, "UNAUTHENTICATED");
    let nobody = reader.with_token("");
    nobody.get("/api/desk/notes").expect_error(401, "UNAUTHENTICATED");
    let open = nobody.get("/api/desk/open").expect_status(200);
    assert_eq!(open.data()["roles"], json!([]), "{}", open.text);
    daemon.admin().get("/api/desk/notes").expect_error(403, "FORBIDDEN");
}

#[test]
fn tenants_and_tokens_that_cannot_be_made_are_refused() {
    let daemon = desk();
    let admin = daemon.admin();
    admin.post("/api/_admin/tenants", &json!({"tenant": "demo"})).expect_error(409, "RECORD_NOT_UNIQUE");
    admin.post("/api/_admin/tenants", &json!({"tenant": "Not A Name"})).expect_error(422, "BODY_INVALID");
    let tokens = |tenant: &str, role: &str, ttl: &str| {
        admin.post(&format!("/api/_admin/tenants/{tenant}/tokens"), &json!({"roles": [role], "ttl": ttl}))
    };
    tokens("nowhere", "desk.reader", "1h").expect_error(404, "NOT_FOUND");
    tokens("demo", "desk.reader", "soon").expect_error(422, "BODY_INVALID");
    let unknown = tokens("demo", "desk.king", "1h");
    assert!(unknown.text.contains("desk.king") && unknown.text.contains("desk.writer"), "{}", unknown.text);
    unknown.expect_error(422, "BODY_INVALID");
}

fn desk() -> Daemon {
    let suite = Suite::new().plugin("desk", MANIFEST, CODE);
    Start::suite(suite.file("desk/schema.json", SCHEMA)).run()
}

/// A client that holds every role in a new tenant.
fn tenant(daemon: &Daemon, name: &str) -> Client {
    let made = daemon.admin().post("/api/_admin/tenants", &json!({"tenant": name})).expect_status(201);
    daemon.client().with_token(made.body["token"].as_str().expect("a token"))
}

fn token(daemon: &Daemon, body: &str) -> Client {
    let body = serde_json::from_str(body).expect("JSON");
    let made = daemon.admin().post("/api/_admin/tenants/second/tokens", &body).expect_status(201);
    daemon.client().with_token(made.body["token"].as_str().expect("a token"))
}
