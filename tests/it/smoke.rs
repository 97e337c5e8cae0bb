//! The story of the README: a bill, its approval, the journal it becomes, and what the books then say.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::client::cloud_event;
use tests::{Client, Daemon, Start, binary};

const ENTITY: &str = "STORY";
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_bill_becomes_a_journal_and_its_story_can_be_read() {
    let daemon = Start::dev(&binary::ledger_example()).run();
    let client = daemon.client();
    prepare(&client);
    let id = approved_bill(&client);

    let bill = wait_for(&client, &format!("/api/ap/bills/{id}"), |bill| bill["journalId"].is_string());
    let journal_id = bill["journalId"].as_str().expect("a journal id");
    let journal = client.get(&format!("/api/gl/journals/{journal_id}")).expect_status(200);
    assert_eq!(journal.data()["source"]["plugin"], "ap", "{}", journal.text);

    let balance = client.get(&format!("/api/gl/trial-balance?entity={ENTITY}")).expect_status(200);
    assert_eq!(balance_of(balance.data(), "Expenses:Rent"), 12_000);
    assert_eq!(balance_of(balance.data(), "Liabilities:Payables"), -12_000);
    read_the_story(&daemon);
}

#[test]
fn what_was_acknowledged_is_there_after_an_orderly_stop() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut daemon = Start::dev(&binary::ledger_example()).data(folder.path()).run();
    prepare(&daemon.client());
    let id = approved_bill(&daemon.client());
    assert!(daemon.stop().expect("the daemon stops").success());
    daemon.restart().expect("the daemon starts again");
    wait_for(&daemon.client(), &format!("/api/ap/bills/{id}"), |bill| bill["journalId"].is_string());
}

#[test]
fn over_the_bus_a_client_posts_only_as_its_roles_allow() {
    let daemon = Start::dev(&binary::ledger_example()).run();
    prepare(&daemon.client());
    let token = json!({"roles": ["gl.viewer"], "scopes": ["events:publish"], "ttl": "1h"});
    let token = daemon.admin().post("/api/_admin/tenants/demo/tokens", &token).expect_status(201);
    let viewer = daemon.client().with_token(token.body["token"].as_str().expect("a token"));
    let posting = |id: &str| {
        json!({"idempotencyKey": format!("{ENTITY}/gl/manual/{id}/post"), "entity": ENTITY, "date": "2026-02-01",
            "memo": "forged", "source": {"plugin": "gl", "docType": "manual", "docId": id}, "lines": [
                {"line": 1, "account": "Expenses:Rent", "currency": "EUR", "scale": 2, "debit": 1, "credit": 0},
                {"line": 2, "account": "Expenses:Rent", "currency": "EUR", "scale": 2, "debit": 0, "credit": 1}]})
    };
    let outcome = |client: &Client, id: &str| {
        client.publish(&cloud_event(id, "gl.journal.post.request", &posting(id))).expect_status(202);
        client.get(&format!("/api/events/{id}/outcome?wait=10s")).expect_status(200).body
    };
    let refused = outcome(&viewer, "viewer-1");
    assert_eq!((&refused["status"], &refused["reply"]["data"]["code"]), (&json!("error"), &json!("NOT_ALLOWED")));
    assert_eq!(outcome(&daemon.client(), "poster-1")["status"], "ok");
}

fn prepare(client: &Client) {
    let currencies = json!([{"code": "EUR", "scale": 2}]);
    let entity = json!({"entity": ENTITY, "name": "Story", "functionalCurrency": "EUR", "currencies": currencies});
    client.post("/api/gl/entities", &entity).expect_status(201);
    let expense = json!({"code": "Expenses:Rent", "name": "Rent", "type": "expense", "normalSide": "debit",
        "postable": true});
    let payables = json!({"code": "Liabilities:Payables", "name": "Payables", "type": "liability",
        "normalSide": "credit", "postable": true, "controlFor": "ap"});
    let accounts = json!({"entity": ENTITY, "accounts": [expense, payables]});
    assert!(client.post("/api/gl/accounts/import", &accounts).status < 300);
    let months = json!({"entity": ENTITY, "from": "2026-01", "to": "2026-12"});
    assert!(client.post("/api/gl/periods/open", &months).status < 300);
    let supplier = json!({"entity": ENTITY, "supplier": "LANDLORD", "name": "Landlord"});
    assert!(client.post("/api/ap/suppliers", &supplier).status < 300);
}

fn approved_bill(client: &Client) -> String {
    let lines = json!([{"account": "Expenses:Rent", "net": 12_000}]);
    let bill = json!({"entity": ENTITY, "billId": "B-1", "supplier": "LANDLORD", "date": "2026-03-01",
        "currency": "EUR", "payablesAccount": "Liabilities:Payables", "lines": lines});
    let entered = client.post("/api/ap/bills", &bill).expect_status(201);
    let id = entered.data()["id"].as_str().expect("a bill has an id").replace('/', "%2F");
    client.post(&format!("/api/ap/bills/{id}/approve"), &json!({})).expect_status(200);
    id
}

/// The story leads from the verb's event to the reply and what the reply caused, as a tree.
fn read_the_story(daemon: &Daemon) {
    let list = daemon.command(&["events", "list", "--json"]);
    assert_eq!(list.exit, Some(0), "{}", list.err);
    let events: Value = serde_json::from_str(&list.out).expect("events list --json prints JSON");
    let events = events.as_array().expect("a list of events");
    let of = |topic: &str| events.iter().find(|event| event["type"] == topic).cloned().unwrap_or_default();
    let (request, posted) = (of("gl.journal.post.request"), of("gl.journal.posted"));
    assert_eq!(posted["causationid"], request["id"], "the reply names its request as its cause");
    assert_eq!(posted["correlationid"], request["correlationid"], "both belong to one story");
    assert_eq!(request["specversion"], "1.0");
    assert_eq!(request["tenantid"], "demo");

    let shown = daemon.command(&["events", "show", request["id"].as_str().expect("an id")]);
    assert_eq!(shown.exit, Some(0), "{}", shown.err);
    let place = |topic: &str| shown.out.find(topic).unwrap_or_else(|| panic!("no {topic} in:\n{}", shown.out));
    assert!(place("gl.journal.post.request") < place("gl.journal.posted"));
}

fn balance_of(trial_balance: &Value, account: &str) -> i64 {
    let rows = trial_balance["rows"].as_array().into_iter().flatten();
    rows.filter(|row| row["account"] == account).filter_map(|row| row["balance"].as_i64()).sum()
}

#[track_caller]
fn wait_for(client: &Client, path: &str, ready: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.get(path).expect_status(200);
        if ready(answer.data()) {
            return answer.data().clone();
        }
        assert!(Instant::now() < deadline, "GET {path} still answers {}", answer.text);
        std::thread::sleep(Duration::from_millis(20));
    }
}
