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

fn tokens_of(daemon: &Daemon, tenant: &str) -> Vec<String> {
    let listed = ran(daemon, &["tokens", "--tenant", tenant, "--json"]);
    assert!(!listed.contains("tl_") && !listed.contains("hash"), "{listed}");
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let ids = listed.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str());
    ids.map(str::to_owned).collect()
}

#[test]
fn every_token_of_a_tenant_is_listed_and_ends_by_its_id() {
    let daemon = desk();
    let admin = daemon.admin();
    let make = |path: &str, body: Value| {
        let made = admin.post(path, &body).expect_status(201).body;
        let [token, id] = ["token", "id"].map(|field| made[field].as_str().expect("both are given").to_owned());
        (daemon.client().with_token(&token), id)
    };
    let (first, of_first) = make("/api/_admin/tenants", json!({"tenant": "branch"}));
    let path = "/api/_admin/tenants/branch/tokens";
    let (program, of_program) = make(path, json!({"roles": ["desk.reader"], "ttl": "1h"}));
    make(path, json!({"roles": ["desk.reader"], "ttl": "1ms"}));
    ran(&daemon, &["create", "--tenant", "branch", "eve", "--role", "desk.reader"]);
    let eve = daemon.client().with_token(ran(&daemon, &["token", "--tenant", "branch", "eve"]).trim());
    let listed = tokens_of(&daemon, "branch");
    assert!(listed.len() == 3 && listed.contains(&of_first) && listed.contains(&of_program), "{listed:?}");
    let told = ran(&daemon, &["tokens", "--tenant", "branch"]);
    assert!(told.contains("  eve  the roles of its user  until ") && told.contains("  desk.reader  until "), "{told}");

    refused(&daemon, &["revoke-token", "--tenant", "demo", &of_program], &format!("there is no token `{of_program}`"));
    program.get("/api/desk/me").expect_status(200);
    let ended = ran(&daemon, &["revoke-token", "--tenant", "branch", &of_program]);
    assert_eq!(ended, format!("token {of_program} is revoked\n"));
    program.get("/api/desk/me").expect_error(401, "UNAUTHENTICATED");
    let revoke = format!("{path}/{of_first}/revoke");
    for client in [&eve, &daemon.client()] {
        client.get(path).expect_error(403, "FORBIDDEN");
        client.post(&revoke, &json!({})).expect_error(403, "FORBIDDEN");
    }
    first.get("/api/desk/me").expect_status(200);
    admin.post(&revoke, &json!({})).expect_status(200);
    first.get("/api/desk/me").expect_error(401, "UNAUTHENTICATED");
    admin.post(&revoke, &json!({})).expect_status(200);
    eve.get("/api/desk/me").expect_status(200);
    assert_eq!(tokens_of(&daemon, "branch").len(), 1);

    let noted = admin.get("/api/_admin/audit?tenant=branch&limit=2").expect_status(200).body;
    for (note, id) in noted.as_array().expect("notes").iter().zip([of_first, of_program]) {
        assert_eq!((&note["what"], &note["names"]), (&json!("tokens.revoked"), &json!([id])), "{noted}");
        assert!(note["user"].as_str().is_some_and(|user| user.starts_with("service-")), "{noted}");
        assert!(note["by"].as_str().is_some_and(|by| by.starts_with("admin (")), "{noted}");
    }
}

#[test]
fn the_tokens_of_a_dev_file_that_was_removed_end_at_the_next_start() {
    let mut daemon = desk();
    ran(&daemon, &["create", "--tenant", "demo", "kim", "--role", "desk.reader"]);
    let (kim, admin, demo) = (token(&daemon, &["kim"]), daemon.admin(), daemon.client());
    // A suite that gained a role goes on with the token that it had.
    let manifest = daemon.suite().join("desk/plugin.yaml");
    let before = std::fs::read_to_string(&manifest).expect("the manifest");
    let more = format!("{before}  - {{name: desk.boss, billable: false, grants: [desk.all]}}\n");
    std::fs::write(&manifest, more).expect("written");
    daemon.restart().expect("the daemon starts again");
    assert_eq!(daemon.client().token(), demo.token());
    let me = daemon.client().get("/api/desk/me").expect_status(200);
    assert!(me.data()["roles"].as_array().is_some_and(|roles| roles.contains(&json!("desk.boss"))), "{}", me.text);

    daemon.kill();
    std::fs::remove_file(daemon.data().join("dev.json")).expect("removed");
    daemon.restart().expect("the daemon starts again");
    let old = |client: &Client| daemon.client().with_token(client.token());
    old(&admin).get("/api/_admin/audit").expect_error(401, "UNAUTHENTICATED");
    old(&demo).get("/api/desk/me").expect_error(401, "UNAUTHENTICATED");
    daemon.client().get("/api/desk/me").expect_status(200);
    old(&kim).get("/api/desk/me").expect_status(200);
    let noted = daemon.admin().get("/api/_admin/audit?limit=2").expect_status(200).body;
    for (note, user) in noted.as_array().expect("notes").iter().zip(["demo", "admin"]) {
        let said = [&note["what"], &note["by"], &note["user"]];
        assert_eq!(said, [&json!("tokens.revoked"), &json!("dev"), &json!(user)], "{noted}");
    }
}

#[test]
fn the_note_of_very_many_tokens_that_end_gives_the_first_of_them_and_their_number() {
    let daemon = desk();
    ran(&daemon, &["create", "--tenant", "demo", "bob", "--role", "desk.reader"]);
    let issue = |ttl: &str| daemon.admin().post("/api/_admin/tenants/demo/users/bob/tokens", &json!({"ttl": ttl}));
    for _ in 0..120 {
        issue("1h").expect_status(201);
    }
    issue("1ms").expect_status(201);
    std::thread::sleep(std::time::Duration::from_millis(5));
    let listed: Value = serde_json::from_str(&ran(&daemon, &["list", "--tenant", "demo", "--json"])).expect("JSON");
    assert_eq!(listed[0]["tokens"].as_array().map(Vec::len), Some(120), "one that ran out is no more");
    assert_eq!(ran(&daemon, &["revoke", "--tenant", "demo", "bob", "--all-tokens"]), "bob  desk.reader\n");
    let noted = daemon.admin().get("/api/_admin/audit?limit=1").expect_status(200).body;
    assert_eq!((&noted[0]["what"], &noted[0]["count"]), (&json!("tokens.revoked"), &json!(120)), "{noted}");
    assert_eq!(noted[0]["names"].as_array().map(Vec::len), Some(100));
}

#[test]
fn a_mail_address_belongs_to_the_user_of_one_tenant_and_goes_with_it() {
    let daemon = desk();
    for tenant in ["acme", "branch", "third"] {
        daemon.admin().post("/api/_admin/tenants", &json!({ "tenant": tenant })).expect_status(201);
    }
    let create = |tenant: &str, more: &[&str]| ran(&daemon, &[&["create", "--tenant", tenant, "ann"], more].concat());
    let role = ["--role", "desk.reader"];
    create("acme", &[&["--email", "ann@acme.test"], role.as_slice()].concat());
    assert_eq!(create("branch", &role), "ann  desk.reader\n", "the address is another tenant's");
    create("third", &["--email", "ann@third.test"]);
    let follows = ran(&daemon, &["token", "--tenant", "acme", "ann"]);
    let fixed = json!({"roles": ["desk.reader"], "user": "ann", "ttl": "1h"});
    let fixed = daemon.admin().post("/api/_admin/tenants/acme/tokens", &fixed).expect_status(201).body;
    for token in [follows.trim(), fixed["token"].as_str().expect("a token")] {
        let me = daemon.client().with_token(token).get("/api/desk/me").expect_status(200);
        assert_eq!(me.data()["email"], "ann@acme.test");
    }
    assert!(ran(&daemon, &["list", "--tenant", "acme"]).starts_with("ann  ann@acme.test  desk.reader\n"));
    for tenant in ["acme", "third"] {
        assert_eq!(daemon.command(&["store", "erase-tenant", tenant, "--yes"]).exit, Some(0));
    }
    daemon.admin().post("/api/_admin/tenants", &json!({"tenant": "acme"})).expect_status(201);
    assert_eq!(create("acme", &[]), "ann  no roles\n", "the address outlived its tenant");
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
