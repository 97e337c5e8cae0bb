//! Who may do what with records over REST: roles by default, the collection's rules where it has some.

use serde_json::json;
use tests::{Client, Daemon, Start, Suite};

const MANIFEST: &str = "schema: schema.json\nroles: [{name: desk.agent, billable: false, grants: [desk.use]}, {name: desk.boss, billable: false, grants: [desk.use]}]\n";
const SCHEMA: &str = r#"{"collections": [
  {"name": "desk_plain", "fields": [{"name": "text", "type": "string"}]},
  {"name": "desk_tickets", "fields": [
    {"name": "owner", "type": "string", "required": true},
    {"name": "state", "type": "select", "values": ["open", "closed"], "default": "open"},
    {"name": "secret", "type": "reference", "ref": {"collection": "desk_secrets"}}],
    "rules": {
      "list": "owner = @request.auth.id || @request.auth.roles ~ 'desk.boss'",
      "view": "owner = @request.auth.id || @request.auth.roles ~ 'desk.boss' || state = 'closed'",
      "create": "owner = @request.auth.id && @request.body.state != 'closed'",
      "update": "owner = @request.auth.id && state = 'open'",
      "delete": ""}},
  {"name": "desk_secrets", "fields": [{"name": "text", "type": "string"}, {"name": "reader", "type": "string"}],
    "rules": {"view": "reader = @request.auth.id", "list": "@request.auth.roles ~ 'desk.boss'"}},
  {"name": "desk_letters", "fields": [{"name": "receiver", "type": "string"}, {"name": "text", "type": "string"}],
    "rules": {
      "list": "receiver = @request.auth.email", "view": "receiver = @request.auth.email",
      "create": "@request.auth.roles ~ 'desk.boss'", "update": "@request.body.receiver = @request.auth.email",
      "delete": "@request.auth.email = null"}}
]}"#;
const TICKETS: &str = "/api/collections/desk_tickets/records";

struct Desk {
    daemon: Daemon,
    ann: Client,
    bob: Client,
    boss: Client,
    guest: Client,
}

fn desk() -> Desk {
    let suite = Suite::new().plugin("desk", MANIFEST, "").file("desk/schema.json", SCHEMA);
    let other = "schema: schema.json\nroles: [{name: side.user, billable: false, grants: [side.use]}]\n";
    let suite = suite.plugin("side", other, "").file("side/schema.json", r#"{"collections": []}"#);
    let daemon = Start::suite(suite).run();
    let user = |name: &str, roles: &[&str]| {
        let body = json!({"roles": roles, "ttl": "1h", "user": name});
        let made = daemon.admin().post("/api/_admin/tenants/demo/tokens", &body).expect_status(201);
        daemon.client().with_token(made.body["token"].as_str().expect("a token"))
    };
    let (ann, bob) = (user("ann", &["desk.agent"]), user("bob", &["desk.agent"]));
    let (boss, guest) = (user("eve", &["desk.boss"]), user("tom", &["side.user"]));
    Desk { daemon, ann, bob, boss, guest }
}

fn at(id: &str) -> String {
    format!("{TICKETS}/{id}")
}

fn ids(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("{TICKETS}?{query}")).expect_status(200).body;
    let items = list["items"].as_array().expect("items").iter();
    items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_caller_without_a_mail_address_is_the_receiver_of_nothing() {
    let Desk { daemon, ann, boss, .. } = &desk();
    let letters = "/api/collections/desk_letters/records";
    let kim = json!({"user": "kim", "email": "kim@example.test", "roles": ["desk.agent"]});
    daemon.admin().post("/api/_admin/tenants/demo/users", &kim).expect_status(201);
    let kim =
        daemon.admin().post("/api/_admin/tenants/demo/users/kim/tokens", &json!({"ttl": "1h"})).expect_status(201);
    let kim = ann.with_token(kim.body["token"].as_str().expect("a token"));
    for letter in [json!({"id": "l-open"}), json!({"id": "l-kim", "receiver": "kim@example.test"})] {
        boss.post(letters, &letter).expect_status(201);
    }
    let (open, to_kim) = (format!("{letters}/l-open"), format!("{letters}/l-kim"));
    for letter in [&open, &to_kim] {
        let refused = ann.get(letter);
        assert!(matches!(refused.status, 403 | 404), "{}", refused.text);
        assert_eq!(ann.patch(letter, &json!({"text": "mine"})).status / 100, 4);
    }
    ann.get(letters).expect_error(403, "FORBIDDEN");
    kim.get(&to_kim).expect_status(200);
    kim.get(&open).expect_error(404, "RECORD_NOT_FOUND");
    let listed = kim.get(letters).expect_status(200).body;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    // Whether there is an address can be asked.
    assert_eq!(kim.delete(&to_kim).status, 403);
    assert_ne!(ann.delete(&open).status, 403);
}

#[test]
fn without_rules_a_collection_is_open_to_who_holds_a_role_of_its_plugin() {
    let Desk { ann, boss, guest, .. } = &desk();
    let plain = "/api/collections/desk_plain/records";
    ann.post(plain, &json!({"id": "p", "text": "x"})).expect_status(201);
    boss.patch(&format!("{plain}/p"), &json!({"text": "y"})).expect_status(200);
    let refused = guest.get(plain);
    refused.expect_error(403, "FORBIDDEN");
    assert!(refused.text.contains("desk.agent, desk.boss"), "it says which roles: {}", refused.text);
    for answer in [
        guest.get(&format!("{plain}/p")),
        guest.get(&format!("{plain}/ghost")),
        guest.post(plain, &json!({"text": "z"})),
        guest.patch(&format!("{plain}/p"), &json!({"text": "z"})),
        guest.delete(&format!("{plain}/p")),
        guest.post(&format!("{plain}/batch"), &json!({"operations": [{"op": "delete", "id": "p"}]})),
    ] {
        answer.expect_error(403, "FORBIDDEN");
    }
    assert_eq!(ann.get(&format!("{plain}/p")).body["text"], "y");
}

#[test]
fn rules_decide_by_record_caller_and_body() {
    let Desk { ann, bob, boss, guest, .. } = &desk();
    ann.post(TICKETS, &json!({"id": "a1", "owner": "ann"})).expect_status(201);
    ann.post(TICKETS, &json!({"id": "b1", "owner": "bob"})).expect_error(403, "FORBIDDEN");
    ann.post(TICKETS, &json!({"id": "a2", "owner": "ann", "state": "closed"})).expect_error(403, "FORBIDDEN");
    bob.post(TICKETS, &json!({"id": "b1", "owner": "bob"})).expect_status(201);
    // The rule alone decides; a role of the plugin is not asked for where it does not ask.
    guest.post(TICKETS, &json!({"id": "t1", "owner": "tom"})).expect_status(201);

    assert_eq!(ids(ann, ""), ["a1"]);
    assert_eq!(ids(guest, ""), ["t1"]);
    assert_eq!(ids(boss, ""), ["a1", "b1", "t1"]);
    assert_eq!(ids(ann, "filter=owner%3D'bob'||id!%3D''"), ["a1"], "a filter cannot widen a rule");
    assert_eq!(ann.get(&format!("{TICKETS}?count=true&limit=0")).body["count"], 1);

    bob.get(&at("a1")).expect_error(404, "RECORD_NOT_FOUND");
    bob.patch(&at("a1"), &json!({"state": "closed"})).expect_error(404, "RECORD_NOT_FOUND");
    boss.get(&at("a1")).expect_status(200);
    boss.patch(&at("a1"), &json!({"state": "closed"})).expect_error(403, "FORBIDDEN");
    ann.patch(&at("a1"), &json!({"state": "closed"})).expect_status(200);
    ann.patch(&at("a1"), &json!({"state": "open"})).expect_error(403, "FORBIDDEN");
    bob.get(&at("a1")).expect_status(200);
    for client in [ann, boss] {
        client.delete(&at("a1")).expect_error(403, "FORBIDDEN");
    }
    let batch = json!({"operations": [{"op": "create", "record": {"owner": "bob"}}, {"op": "update", "id": "a1", "record": {}}]});
    bob.post(&format!("{TICKETS}/batch"), &batch).expect_error(403, "FORBIDDEN");
    assert_eq!(ids(bob, ""), ["b1"]);
}

#[test]
fn an_expanded_reference_shows_no_more_than_its_own_rule() {
    let Desk { ann, bob, boss, .. } = &desk();
    let secrets = "/api/collections/desk_secrets/records";
    for (id, reader) in [("s1", "ann"), ("s2", "nobody")] {
        ann.post(secrets, &json!({"id": id, "text": "x", "reader": reader})).expect_status(201);
        let ticket = json!({"id": format!("with-{id}"), "owner": "ann", "secret": id});
        ann.post(TICKETS, &ticket).expect_status(201);
    }
    let page = ann.get(&format!("{TICKETS}?expand=secret&sort=id")).expect_status(200).body;
    assert_eq!(page["items"][0]["expand"]["secret"]["text"], "x");
    assert_eq!((&page["items"][1]["secret"], &page["items"][1]["expand"]), (&json!("s2"), &json!({})));
    ann.get(secrets).expect_error(403, "FORBIDDEN");
    assert_eq!(boss.get(secrets).expect_status(200).body["items"].as_array().map(Vec::len), Some(2));
    bob.get(&format!("{secrets}/s1")).expect_error(404, "RECORD_NOT_FOUND");
}

#[test]
fn a_rule_that_cannot_be_read_is_refused_by_the_check() {
    let check = |rule: &str| {
        let schema = json!({"collections": [{"name": "desk_a", "fields": [], "rules": {"list": rule}}]});
        let suite =
            Suite::new().plugin("desk", "schema: schema.json\n", "").file("desk/schema.json", &schema.to_string());
        let mut command = std::process::Command::new(tests::binary::trunkline());
        tests::daemon::run(command.arg("check").arg(suite.path()))
    };
    for (rule, said) in [
        ("owner = @request.auth.id", "rule `list` names the unknown field `owner`"),
        ("id = @request.user.id", "expected one of @request.auth.id"),
        ("id = ", "the filter is wrong at character 6"),
    ] {
        let checked = check(rule);
        assert_eq!(checked.exit, Some(1), "{rule}: {}", checked.out);
        assert!(checked.out.contains(said), "{rule}: {}", checked.out);
    }
    assert_eq!(check("id != '' && @request.auth.tenant = 'demo'").exit, Some(0));
}

#[test]
fn the_books_of_the_example_are_read_over_rest_and_never_written() {
    let daemon = Start::dev(&tests::binary::ledger_example()).run();
    let client = daemon.client();
    let document = client.get("/api/openapi.json").expect_status(200).body;
    let paths = document["paths"].as_object().expect("paths").keys();
    let collections: Vec<&String> = paths.filter(|path| path.ends_with("/records")).collect();
    assert!(collections.len() > 8, "{collections:?}");
    for path in collections {
        let page = client.get(&format!("{path}?limit=1")).expect_status(200).body;
        client.post(path, &json!({})).expect_error(403, "FORBIDDEN");
        let Some(id) = page["items"][0]["id"].as_str() else { continue };
        let record = format!("{path}/{}", id.replace('/', "%2F"));
        client.get(&record).expect_status(200);
        for answer in [client.patch(&record, &json!({})), client.delete(&record)] {
            assert!(["FORBIDDEN", "RECORD_APPEND_ONLY"].contains(&answer.code()), "{record}: {}", answer.text);
        }
    }
}
