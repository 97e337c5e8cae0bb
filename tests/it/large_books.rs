//! Books of the largest journals and documents are read by workers that could not hold them at once.

use serde_json::{Value, json};
use std::time::Duration;
use tests::wait::wait_until;
use tests::{Client, Daemon, Start, binary};

const JOURNALS: usize = 32;
const BILLS: usize = 60;
const LINES: usize = 1000;
const MEMORY_BYTES: u64 = 40 << 20;

#[test]
fn books_of_the_largest_journals_can_be_read() {
    let (_daemon, client) = with_books();
    let mut lines = vec![json!({"account": "1000", "currency": "EUR", "debit": 1}); LINES - 1];
    lines.push(json!({"account": "3000", "currency": "EUR", "credit": LINES - 1}));
    for n in 0..JOURNALS {
        let journal =
            json!({"idempotencyKey": n.to_string(), "entity": "BIG", "postingDate": "2026-04-10", "lines": lines});
        client.post("/api/gl/journals", &journal).expect_status(201);
    }
    let read = |path: &str| client.get(&format!("/api/gl/{path}")).expect_status(200).data().clone();
    let whole = read("chain/verify?entity=BIG");
    assert_eq!((&whole["ok"], &whole["through"]), (&json!(true), &json!(JOURNALS)));
    assert_eq!(read("chain/verify?entity=BIG&after=3&limit=20")["through"], json!(23));
    let balances = read("trial-balance?entity=BIG&asOf=2026-04-15");
    assert_eq!(balances["rows"][0]["balance"], json!(JOURNALS * (LINES - 1)));
    let ledger = read("ledger/1000?entity=BIG&from=2026-04-05&limit=5000");
    assert_eq!((rows(&ledger["rows"]), &ledger["complete"]), (5000, &json!(false)));
    assert_eq!(read("ledger/1000?entity=BIG&from=2026-04-11")["opening"][0]["balance"], json!(JOURNALS * (LINES - 1)));
    assert_eq!(pages(JOURNALS, |after| read(&format!("journals?entity=BIG&limit=500&after={after}"))), [10, 10, 10, 2]);
}

#[test]
fn books_that_are_too_large_for_one_export_are_taken_in_parts() {
    let (daemon, client) = with_books();
    daemon.admin().patch("/api/_admin/plugins/gl/limits", &json!({ "memory_bytes": 128 << 20 })).expect_status(200);
    let memo = "m".repeat(1000);
    let mut lines = vec![json!({"account": "1000", "currency": "EUR", "debit": 1}); LINES - 1];
    lines.push(json!({"account": "3000", "currency": "EUR", "credit": LINES - 1}));
    for n in 0..9 {
        let journal = json!({"idempotencyKey": n.to_string(), "entity": "BIG", "postingDate": "2026-04-10", "memo": memo, "lines": lines});
        client.post("/api/gl/journals", &journal).expect_status(201);
    }
    let export = |query: &str| client.get(&format!("/api/gl/export?entity=BIG&format=csv{query}"));
    let refused = export("").expect_status(422);
    refused.expect_error(422, "EXPORT_TOO_LARGE");
    assert!(refused.text.contains("take them in parts, by `limit` and `after`"), "{}", refused.text);
    let last = |text: &str| text.lines().last().and_then(|line| line.split(',').next()).map(str::to_owned);
    let first = export("&limit=100").expect_status(200);
    let rest = export("&limit=100&after=8").expect_status(200);
    assert_eq!((last(&first.text).as_deref(), last(&rest.text).as_deref()), (Some("8"), Some("9")));
    assert_eq!(first.text.lines().count() + rest.text.lines().count(), 1 + 9 * LINES);
}

#[test]
fn bills_of_the_most_lines_can_be_listed_and_aged() {
    let (_daemon, client) = with_books();
    let lines = vec![json!({"account": "6200", "net": 1}); 400];
    for n in 0..BILLS {
        let bill = json!({
            "entity": "BIG", "billId": format!("B-{n}"), "supplier": "S", "date": "2026-04-10", "currency": "EUR", "lines": lines,
        });
        client.post("/api/ap/bills", &bill).expect_status(201);
        client.post(&format!("/api/ap/bills/BIG.B-{n}/approve"), &json!({})).expect_status(200);
    }
    let owed = wait_until(Duration::from_mins(1), || {
        let aging = client.get("/api/ap/aging?entity=BIG&asOf=2026-04-10").expect_status(200);
        let owed = aging.data()["totals"]["EUR"]["total"].as_u64()?;
        (owed == (BILLS * 400) as u64).then_some(owed)
    });
    assert_eq!(owed, 24_000);
    let list = |cursor: &str| {
        client.get(&format!("/api/ap/bills?entity=BIG&limit=1000&cursor={cursor}")).expect_status(200).data().clone()
    };
    let first = list("");
    let rest = list(first["next"].as_str().expect("a cursor"));
    assert_eq!((rows(&first["bills"]), rows(&rest["bills"]), &rest["next"]), (40, 20, &Value::Null));
}

fn rows(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

/// How many journals each page has, until all have come.
fn pages(all: usize, read: impl Fn(u64) -> Value) -> Vec<usize> {
    let (mut counts, mut after) = (Vec::new(), 0);
    while counts.iter().sum::<usize>() < all {
        let page = read(after);
        counts.push(rows(&page["journals"]));
        after = page["next"].as_u64().expect("a page that is not the last names the next");
    }
    counts
}

fn with_books() -> (Daemon, Client) {
    let daemon = Start::dev(&binary::ledger_example()).run();
    for slug in ["gl", "ap"] {
        let limits = json!({ "memory_bytes": MEMORY_BYTES });
        daemon.admin().patch(&format!("/api/_admin/plugins/{slug}/limits"), &limits).expect_status(200);
    }
    let client = daemon.client();
    let account = |code: &str, kind: &str| json!({"code": code, "name": code, "type": kind});
    let payables = json!({"code": "2000", "name": "Payables", "type": "liability", "controlFor": "ap"});
    let accounts = [account("1000", "asset"), payables, account("3000", "equity"), account("6200", "expense")];
    client
        .post("/api/gl/entities", &json!({"entity": "BIG", "name": "Big", "functionalCurrency": "EUR"}))
        .expect_status(201);
    client.post("/api/gl/accounts/import", &json!({"entity": "BIG", "accounts": accounts})).expect_status(200);
    client
        .post("/api/gl/periods/open", &json!({"entity": "BIG", "from": "2026-01", "to": "2026-12"}))
        .expect_status(201);
    (daemon, client)
}
