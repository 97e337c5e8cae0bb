//! Real books: what the ledger says of them is what three accounting engines said.

use serde_json::json;
use std::process::Command;
use tests::books::{Book, fixtures};
use tests::report::say;
use tests::{Client, Daemon, Start, binary};

#[test]
fn a_trading_company_agrees_with_the_engines() {
    let (_daemon, client, book) = imported("CB7");
    agree(&client, &book);
}

#[test]
fn three_currencies_agree_with_the_engines() {
    let (_daemon, client, book) = imported("BX42");
    agree(&client, &book);
}

#[test]
fn an_import_repeated_posts_nothing_again() {
    let (_daemon, client, book) = imported("CB7");
    let again = book.import(&client).expect("the import answers");
    assert_eq!(again, book.journals.len());
    agree(&client, &book);
}

#[test]
fn the_next_journals_of_a_chain_are_found_without_those_before_them() {
    let (daemon, _, book) = imported("CB7");
    let page = |after: usize| {
        let filter = format!("entity = 'CB7' && chainSeq > {after}");
        let query =
            json!({"tenant": "demo", "collection": "gl_journals", "filter": filter, "sort": "chainSeq", "limit": 5});
        daemon.admin().post("/api/_admin/store/explain", &query).expect_status(200).body
    };
    let (first, middle) = (page(0), page(book.journals.len() / 2));
    assert_eq!((&first["given"], &first["gives_order"]), (&json!(5), &json!(true)), "{first}");
    assert!(first["scanned"].as_u64().is_some_and(|scanned| scanned < 10), "{first}");
    assert_eq!(first, middle);
}

#[test]
fn a_wrong_expectation_is_a_difference() {
    let (_daemon, client, mut book) = imported("CB7");
    book.expected["trialBalance"][0]["balance"] = 1.into();
    let found = book.differences(&client).expect("the ledger reports");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn hledger_reads_the_export_and_finds_the_same_balances() {
    if Command::new("hledger").arg("--version").output().is_err() {
        say("skipped: hledger is not installed (`apt-get install hledger`)");
        return;
    }
    let (_daemon, client, book) = imported("BX42");
    let export = client.get(&format!("/api/gl/export?entity={}&format=hledger", book.entity)).expect_status(200);
    let file = tempfile::NamedTempFile::with_suffix(".journal").expect("a temporary file");
    std::fs::write(file.path(), &export.text).expect("a temporary file is writable");
    let mut hledger = Command::new("hledger");
    hledger.env("LC_ALL", "C.UTF-8").arg("-f").arg(file.path()).args(["balance", "--flat", "--no-total", "-O", "csv"]);
    let ran = tests::daemon::run(&mut hledger);
    assert_eq!(ran.exit, Some(0), "hledger refuses the export: {}", ran.err);
    compare_with_hledger(&ran.out, &book);
}

/// Each line is `"account","amount currency, amount currency"`; zero balances are left out.
fn compare_with_hledger(csv: &str, book: &Book) {
    let rows = book.expected["trialBalance"].as_array().expect("rows").iter();
    let non_zero = rows.filter(|row| row["balance"] != 0);
    let mut checked = 0;
    for row in non_zero {
        let account = format!("\"{}\",", row["account"].as_str().expect("an account"));
        let line = csv.lines().find(|line| line.starts_with(&account));
        let line = line.unwrap_or_else(|| panic!("hledger has no {account}"));
        let digits: String = line[account.len()..].chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
        let scaled = row["balance"].as_i64().expect("a balance").to_string();
        assert!(digits.contains(&scaled), "{account} {scaled} against {line}");
        checked += 1;
    }
    assert!(checked > 30, "only {checked} balances compared");
}

fn imported(entity: &str) -> (Daemon, Client, Book) {
    let book = Book::read(&fixtures(), entity).expect("the fixture is readable");
    let daemon = Start::dev(&binary::ledger_example()).run();
    let client = daemon.client();
    book.prepare(&client).expect("the entity is made");
    let posted = book.import(&client).expect("the journals are imported");
    say(&format!("{entity}: {posted} journals imported"));
    (daemon, client, book)
}

#[track_caller]
fn agree(client: &Client, book: &Book) {
    let found = book.differences(client).expect("the ledger reports");
    assert!(found.is_empty(), "{} differences: {:#?}", found.len(), &found[..found.len().min(20)]);
}
