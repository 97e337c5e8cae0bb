//! Users of a tenant: roles that are given and taken, tokens that are shown once and end at once, and the audit.

use serde_json::{Value, json};
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "
roles:
  - {name: desk.reader, billable: false, grants: [desk.read]}
  - {name: desk.writer, billable: true, grants: [desk.read, desk.write]}
";
const CODE: &str = r#"
$app.routerAdd("GET", "/api/desk/me", { roles: ["desk.reader"] }, (e) => e.auth);
$app.routerAdd("GET", "/api/desk/write", { roles: ["desk.writer"] }, () => 1);
"#;

fn desk() -> Daemon {
    Start::suite(Suite::new().plugin("desk", MANIFEST, CODE)).run()
}

fn ran(daemon: &Daemon, args: &[&str]) -> String {
    let ran = daemon.command(&[&["user"], args].concat());
    assert_eq!(ran.exit, Some(0), "{args:?}: {}{}", ran.out, ran.err);
    ran.out
}

fn refused(daemon: &Daemon, args: &[&str], says: &str) {
    let ran = daemon.command(&[&["user"], args].concat());
    assert!(ran.exit != Some(0) && ran.err.contains(says), "{args:?}: {:?} {}", ran.exit, ran.err);
}

fn token(daemon: &Daemon, args: &[&str]) -> Client {
    daemon.client().with_token(ran(daemon, &[&["token", "--tenant", "demo"], args].concat()).trim())
}

#[test]
fn roles_are_given_and_taken_at_once_and_outlive_a_kill() {
    let mut daemon = desk();
    let made =
        ran(&daemon, &["create", "--tenant", "demo", "ann", "--email", "ann@example.test", "--role", "desk.reader"]);
    assert_eq!(made, "ann  ann@example.test  desk.reader\n");
    let ann = token(&daemon, &["ann"]);
    let me = ann.get("/api/desk/me").expect_status(200).data().clone();
    assert_eq!(me, json!({"id": "ann", "email": "ann@example.test", "tenant": "demo", "roles": ["desk.reader"]}));
    ann.get("/api/desk/write").expect_error(403, "FORBIDDEN");
    assert_eq!(
        ran(&daemon, &["grant", "--tenant", "demo", "ann", "desk.writer"]).lines().next(),
        Some("ann  ann@example.test  desk.reader, desk.writer")
    );
    ann.get("/api/desk/write").expect_status(200);
    ran(&daemon, &["revoke", "--tenant", "demo", "ann", "desk.reader"]);
    ann.get("/api/desk/me").expect_error(403, "FORBIDDEN");
    daemon.kill();
    daemon.restart().expect("the daemon starts again");
    let ann = daemon.client().with_token(ann.token());
    ann.get("/api/desk/write").expect_status(200);
    ann.get("/api/desk/me").expect_error(403, "FORBIDDEN");
}

#[test]
fn tokens_are_shown_once_and_end_at_once() {
    let daemon = desk();
    ran(&daemon, &["create", "--tenant", "demo", "bob", "--role", "desk.reader"]);
    let (first, second) =
        (token(&daemon, &["bob"]), token(&daemon, &["bob", "--ttl", "1h", "--scope", "events:publish"]));
    let listed = ran(&daemon, &["list", "--tenant", "demo", "--json"]);
    assert!(!listed.contains(first.token()) && !listed.contains("hash"), "{listed}");
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let ids: Vec<&str> =
        listed[0]["tokens"].as_array().expect("tokens").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), 2);
    let of_first =
        listed[0]["tokens"].as_array().expect("tokens").iter().find(|one| one["scopes"] == json!([])).expect("it");
    let id = of_first["id"].as_str().expect("an id");
    first.get("/api/desk/me").expect_status(200);
    ran(&daemon, &["revoke", "--tenant", "demo", "bob", "--id", id]);
    first.get("/api/desk/me").expect_error(401, "UNAUTHENTICATED");
    second.get("/api/desk/me").expect_status(200);
    assert_eq!(ran(&daemon, &["revoke", "--tenant", "demo", "bob", "--all-tokens"]), "bob  desk.reader\n");
    second.get("/api/desk/me").expect_error(401, "UNAUTHENTICATED");
    for file in std::fs::read_dir(daemon.data()).expect("the data folder") {
        let stored = std::fs::read(file.expect("a file").path()).unwrap_or_default();
        for one in [first.token(), second.token()] {
            assert!(!stored.windows(one.len()).any(|window| window == one.as_bytes()), "a token lies in the store");
        }
    }
}

#[test]
fn every_change_of_rights_is_noted_with_who_made_it() {
    let daemon = desk();
    daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "other"})).expect_status(201);
    ran(&daemon, &["create", "--tenant", "other", "eve", "--role", "desk.reader"]);
    token_of_other(&daemon);
    ran(&daemon, &["grant", "--tenant", "other", "eve", "desk.writer"]);
    ran(&daemon, &["revoke", "--tenant", "other", "eve", "desk.reader", "--all-tokens"]);
    let noted = daemon.admin().get("/api/_admin/audit?tenant=other").expect_status(200).body;
    let what: Vec<&str> = noted.as_array().expect("notes").iter().filter_map(|one| one["what"].as_str()).collect();
    assert_eq!(
        what,
        [
            "roles.revoked",
            "tokens.revoked",
            "roles.granted",
            "token.issued",
            "user.created",
            "token.issued",
            "tenant.created"
        ]
    );
    assert_eq!((&noted[0]["user"], &noted[0]["names"]), (&json!("eve"), &json!(["desk.reader"])));
    assert!(noted[0]["by"].as_str().is_some_and(|by| by.starts_with("admin (")), "{noted}");
    let all = daemon.admin().get("/api/_admin/audit?limit=1").expect_status(200).body;
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    daemon.client().get("/api/_admin/audit").expect_error(403, "FORBIDDEN");
}

fn token_of_other(daemon: &Daemon) {
    ran(daemon, &["token", "--tenant", "other", "eve"]);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let daemon = desk();
    ran(&daemon, &["create", "--tenant", "demo", "ann"]);
    refused(&daemon, &["create", "--tenant", "demo", "ann"], "has a user `ann` already");
    refused(
        &daemon,
        &["create", "--tenant", "demo", "kim", "--role", "desk.king"],
        "there are desk.reader, desk.writer",
    );
    refused(&daemon, &["create", "--tenant", "nowhere", "ann"], "there is no tenant `nowhere`");
    refused(&daemon, &["grant", "--tenant", "demo", "nobody", "desk.reader"], "has no user `nobody`");
    refused(&daemon, &["revoke", "--tenant", "demo", "ann"], "nothing to revoke");
    refused(&daemon, &["revoke", "--tenant", "demo", "ann", "--id", "x"], "there is no token `x`");
    refused(&daemon, &["token", "--tenant", "demo", "ann", "--scope", "admin"], "scope `admin`");
    refused(
        &daemon,
        &["token", "--tenant", "demo", "ann", "--scope", "events:publsh"],
        "there is no scope `events:publsh`; a tenant's tokens may hold `events:publish`",
    );
    refused(&daemon, &["token", "--tenant", "demo", "ann", "--ttl", "soon"], "BODY_INVALID");
    let client = daemon.client();
    for path in ["users", "users/ann/grant", "users/ann/revoke", "users/ann/tokens"] {
        client.post(&format!("/api/_admin/tenants/demo/{path}"), &json!({})).expect_error(403, "FORBIDDEN");
    }
}
