//! What the checker says of the ledger suite's wiring is what a daemon sees happen, no more and no less.

use checker_cli::Suite;
use contract_parse::{FactKind, TopicValue};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tests::client::cloud_event;
use tests::report::say;
use tests::{Client, Daemon, Start, binary};

const ENTITY: &str = "TRACE";
const DAY: &str = "2026-03-02";
/// Distinct edges that the drive below makes happen.
const EDGES_MIN: usize = 23;

/// A plugin, what it does with a topic (`publish` or `subscribe`), and the topic.
type Edge = (String, String, String);

#[test]
fn the_static_graph_is_what_happens() {
    let daemon = Start::dev(&binary::ledger_example()).run();
    drive(&daemon.client());
    let observed = settled(&daemon);
    let known = known(&checker_cli::load_suite(&binary::ledger_example()).expect("the suite"));
    let missed: Vec<&Edge> = observed.keys().filter(|edge| !known.contains(*edge)).collect();
    assert!(missed.is_empty(), "the checker does not know {missed:?}");
    let never: Vec<&Edge> = known.iter().filter(|edge| !observed.contains_key(*edge)).collect();
    assert!(never.is_empty(), "the checker says so, and driving everything does not show it: {never:?}");
    say(&format!("{} edges observed, none missed, none too many", observed.len()));
    assert!(observed.len() >= EDGES_MIN, "the drive reached only {:?}", observed.keys());
    counts_are_those_of_the_log(&daemon, &observed);
    the_command_verifies_the_trace(&daemon, observed.len());
}

/// `verify-trace` over what the daemon tells: all of it is explained, and what is not is named.
fn the_command_verifies_the_trace(daemon: &Daemon, edges: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let suite = binary::ledger_example().to_str().expect("UTF-8").to_owned();
    let mut facts = daemon.admin().get("/api/_admin/facts").expect_status(200).body;
    let run = file("run.json", &facts.to_string());
    let whole = daemon.command(&["verify-trace", &run, &suite, "--strict", "--exhaustive"]);
    assert_eq!(whole.exit, Some(0), "{}{}", whole.out, whole.err);
    let counted = format!("edges observed {edges}, missed 0, unresolved 0; of the graph {edges}/{edges} seen");
    assert_eq!(whole.out.trim_end(), counted);
    let published = file("events.json", &daemon.command(&["events", "list", "--json"]).out);
    let of_events = daemon.command(&["verify-trace", &published, &suite]);
    assert_eq!(of_events.exit, Some(0), "{}{}", of_events.out, of_events.err);

    let forged = json!({"kind": "publish", "plugin": "ap", "topic": {"exact": ["gl.journal.posted"]},
        "provenance": "observed"});
    facts["facts"].as_array_mut().expect("facts").push(forged);
    let missed = daemon.command(&["verify-trace", &file("forged.json", &facts.to_string()), &suite]);
    assert_eq!(missed.exit, Some(1), "{}{}", missed.out, missed.err);
    assert!(missed.out.contains("missed: `ap` publishes `gl.journal.posted`"), "{}", missed.out);

    let less = folder.path().join("suite");
    copy_folder(&binary::ledger_example(), &less);
    let module = less.join("gl/src/periods.js");
    let code = std::fs::read_to_string(&module).expect("the module");
    let cut = code.replace("$app.realtime().publish(\"gl.period.closed\", fact(closed));", "");
    assert_ne!(cut, code, "the call is there to be cut");
    std::fs::write(&module, cut).expect("written");
    let missed = daemon.command(&["verify-trace", &run, less.to_str().expect("UTF-8")]);
    assert_eq!(missed.exit, Some(1), "{}{}", missed.out, missed.err);
    let lines: Vec<&str> = missed.out.lines().filter(|line| line.starts_with("missed: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("`gl` publishes `gl.period.closed`"), "{}", missed.out);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let to = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy_folder(&entry, &to);
        } else {
            std::fs::copy(&entry, &to).expect("copied");
        }
    }
}

/// Each publication that was counted stands in the log, and nothing else does.
fn counts_are_those_of_the_log(daemon: &Daemon, observed: &BTreeMap<Edge, u64>) {
    let ran = daemon.command(&["events", "list", "--json"]);
    let events: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    let mut logged: BTreeMap<Edge, u64> = BTreeMap::new();
    for event in events.as_array().expect("a list of events") {
        let source = event["source"].as_str().expect("a source");
        if let Some(plugin) = ["gl", "ap", "ar"].into_iter().find(|slug| source == format!("/plugin/{slug}")) {
            let topic = event["type"].as_str().expect("a topic").to_owned();
            *logged.entry((plugin.to_owned(), "publish".to_owned(), topic)).or_default() += 1;
        }
    }
    let published = observed.iter().filter(|((_, kind, _), _)| kind == "publish");
    assert_eq!(published.map(|(edge, count)| (edge.clone(), *count)).collect::<BTreeMap<_, _>>(), logged);
}

/// Makes everything that publishes publish, refusals included.
fn drive(client: &Client) {
    prepare(client);
    document(client, "ap", "bills", "approve", &json!({"billId": "B-1", "supplier": "LANDLORD"}), "Expenses:Rent");
    document(client, "ap", "bills", "approve", &json!({"billId": "B-2", "supplier": "LANDLORD"}), "Expenses:Nowhere");
    document(client, "ar", "invoices", "issue", &json!({"invoiceId": "I-1", "customer": "TENANT"}), "Income:Sales");
    document(client, "ar", "invoices", "issue", &json!({"invoiceId": "I-2", "customer": "TENANT"}), "Income:Nowhere");
    let bill = posted(client, "/api/ap/bills/TRACE.B-1");
    let invoice = posted(client, "/api/ar/invoices/TRACE.I-1");
    let money =
        |document: &str, id: &str| json!({document: id, "amount": 500, "date": DAY, "bankAccount": "Assets:Bank"});
    client.post("/api/ap/payments", &money("billId", "B-1")).expect_status(201);
    client.post("/api/ar/receipts", &money("invoiceId", "I-1")).expect_status(201);
    reverse(client, &bill, &invoice);
    for (verb, body) in [("close", json!({"entity": ENTITY})), ("reopen", json!({"entity": ENTITY, "reason": "late"}))]
    {
        client.post(&format!("/api/gl/periods/2026-12/{verb}"), &body).expect_status(200);
    }
}

pub(crate) fn prepare(client: &Client) {
    let currencies = json!([{"code": "EUR", "scale": 2}]);
    let entity = json!({"entity": ENTITY, "name": "Trace", "functionalCurrency": "EUR", "currencies": currencies});
    client.post("/api/gl/entities", &entity).expect_status(201);
    let account = |code: &str, kind: &str, control: Option<&str>| {
        let mut account = json!({"code": code, "name": code, "type": kind, "postable": true});
        if let Some(plugin) = control {
            account["controlFor"] = plugin.into();
        }
        account
    };
    let accounts = json!([
        account("Expenses:Rent", "expense", None),
        account("Income:Sales", "income", None),
        account("Assets:Bank", "asset", None),
        account("Liabilities:Payables", "liability", Some("ap")),
        account("Assets:Receivables", "asset", Some("ar")),
    ]);
    let accounts = client.post("/api/gl/accounts/import", &json!({"entity": ENTITY, "accounts": accounts}));
    assert!(accounts.status < 300, "{}", accounts.text);
    let periods = client.post("/api/gl/periods/open", &json!({"entity": ENTITY, "from": "2026-01", "to": "2026-12"}));
    assert!(periods.status < 300, "{}", periods.text);
}

/// Enters a bill or an invoice over one line, and sends it to the books.
pub(crate) fn document(client: &Client, plugin: &str, collection: &str, verb: &str, head: &Value, account: &str) {
    let mut body = head.clone();
    body["entity"] = ENTITY.into();
    body["date"] = DAY.into();
    body["currency"] = "EUR".into();
    body["lines"] = json!([{"account": account, "net": 1_000}]);
    let control = if plugin == "ap" {
        ("payablesAccount", "Liabilities:Payables")
    } else {
        ("receivablesAccount", "Assets:Receivables")
    };
    body[control.0] = control.1.into();
    let entered = client.post(&format!("/api/{plugin}/{collection}"), &body).expect_status(201);
    let id = entered.data()["id"].as_str().expect("an id");
    client.post(&format!("/api/{plugin}/{collection}/{id}/{verb}"), &json!({})).expect_status(200);
}

/// Waits until a document has its journal; gives the journal's id.
pub(crate) fn posted(client: &Client, path: &str) -> String {
    for _ in 0..200 {
        let answer = client.get(path).expect_status(200);
        if let Some(journal) = answer.data()["journalId"].as_str() {
            return journal.to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{path} was never posted");
}

/// Over the bus each plugin's journal, which only the plugin it came from hears of, and one that does not exist.
fn reverse(client: &Client, bill: &str, invoice: &str) {
    for (id, journal) in [("trace-1", bill), ("trace-2", invoice), ("trace-3", "j000000000000000000000000")] {
        let request = json!({"idempotencyKey": id, "entity": ENTITY, "journalId": journal, "reason": "a trial"});
        client.publish(&cloud_event(id, "gl.journal.reverse.request", &request)).expect_status(202);
        client.get(&format!("/api/events/{id}/outcome?wait=10s")).expect_status(200);
    }
    let manual = json!({"idempotencyKey": "TRACE/gl/manual/M-1/post", "entity": ENTITY, "date": DAY, "memo": "manual",
        "source": {"plugin": "gl", "docType": "manual", "docId": "M-1"}, "lines": [
            {"line": 1, "account": "Expenses:Rent", "currency": "EUR", "scale": 2, "debit": 1, "credit": 0},
            {"line": 2, "account": "Income:Sales", "currency": "EUR", "scale": 2, "debit": 0, "credit": 1}]});
    let manual = client.post("/api/gl/journals", &manual).expect_status(201);
    let id = manual.data()["journalId"].as_str().expect("a journal").to_owned();
    let body = json!({"idempotencyKey": "trace-4", "entity": ENTITY, "reason": "a trial"});
    let reversed = client.post(&format!("/api/gl/journals/{id}/reverse"), &body);
    assert!(reversed.status < 300, "{}", reversed.text);
}

/// The edges that have happened, with how often, once no more come.
fn settled(daemon: &Daemon) -> BTreeMap<Edge, u64> {
    let mut last = BTreeMap::new();
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(200));
        let now = observed(&daemon.admin().get("/api/_admin/facts").expect_status(200).body);
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("events go on and on");
}

fn observed(facts: &Value) -> BTreeMap<Edge, u64> {
    let facts = facts["facts"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let edge = |fact: &Value| {
        assert!(fact["location"]["line"].as_u64() > Some(0), "{fact} has no place");
        let edge = (text(&fact["plugin"]), text(&fact["kind"]), text(&fact["topic"]["exact"][0]));
        (edge, fact["count"].as_u64().expect("a count"))
    };
    facts.filter(|fact| fact["provenance"] == "observed").map(edge).collect()
}

/// The edges that the checker reads from the code; a reply publishes the topics that its request names.
fn known(suite: &Suite) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    for view in suite.views() {
        for fact in &view.parsed.facts {
            let Some(TopicValue::Exact(topics)) = &fact.topic else { continue };
            let mut add = |kind: &str, topic: &str| {
                edges.insert((view.slug().to_owned(), kind.to_owned(), topic.to_owned()));
            };
            for topic in topics {
                match fact.kind {
                    FactKind::Publish | FactKind::Request => add("publish", topic),
                    FactKind::Subscribe => add("subscribe", topic),
                    FactKind::Reply => {
                        let replies =
                            suite.contract(topic).and_then(|owned| owned.contract.replies.clone()).expect("replies");
                        let ok = fact.detail.get("outcome").is_some_and(|outcome| outcome == "ok");
                        let reply = if ok { Some(replies.ok) } else { replies.error };
                        if let Some(reply) = reply {
                            add("publish", reply.value.as_str());
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    edges
}
