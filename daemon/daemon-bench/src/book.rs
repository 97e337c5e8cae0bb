//! The book that journals are posted to: one read from a folder, or a made one of the same build as BX42.
//!
//! A book has so many journals and a measurement posts more, so it is posted again and again, each lap under
//! idempotency keys of its own.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Chart of accounts and journals of one entity.
pub(crate) struct Book {
    pub(crate) entity: String,
    pub(crate) accounts: Vec<Value>,
    journals: Vec<Value>,
}

impl Book {
    /// Reads `accounts.json` and `journals.jsonl`; the folder is named after the entity.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("--book: read {}", path.display()))
        };
        let accounts = serde_json::from_str(&read("accounts.json")?).context("--book: accounts.json")?;
        let lines = read("journals.jsonl")?;
        let journals: Vec<Value> =
            lines.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("--book: journals.jsonl")?;
        let entity = journals.first().and_then(|first| first["entity"].as_str());
        let entity = entity.context("--book: journals.jsonl holds no journal with an entity")?.to_owned();
        Ok(Self { entity, accounts, journals })
    }

    /// Sixty accounts over five years; half of the journals meet in one account, a quarter in another, as in BX42.
    pub(crate) fn made() -> Self {
        let account = |n: u64| json!({"code": format!("A{n:02}"), "name": format!("Account {n}"), "type": "asset", "normalSide": "debit", "postable": true});
        let entity = "BENCH".to_owned();
        Self { accounts: (0..60).map(account).collect(), journals: (0..1_920).map(made).collect(), entity }
    }

    /// The payload of the posting with this number.
    pub(crate) fn posting(&self, number: u64) -> Value {
        let lap = number / self.journals.len() as u64;
        let mut posting = self.template(number).clone();
        let key = format!("{}/{lap}", posting["idempotencyKey"].as_str().unwrap_or_default());
        posting["idempotencyKey"] = key.into();
        posting
    }

    /// The sha over the trial balance after so many postings, in any order.
    pub(crate) fn trial_balance_sha(&self, postings: u64) -> String {
        let mut balances: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for number in 0..postings {
            for line in self.template(number)["lines"].as_array().into_iter().flatten() {
                let text = |field: &str| line[field].as_str().unwrap_or_default();
                let amount = |field: &str| line[field].as_i64().unwrap_or_default();
                *balances.entry((text("account"), text("currency"))).or_default() += amount("debit") - amount("credit");
            }
        }
        let mut hasher = Sha256::new();
        for ((account, currency), balance) in balances.into_iter().filter(|(_, balance)| *balance != 0) {
            hasher.update(format!("{account}|{currency}|{balance}\n"));
        }
        hex::encode(hasher.finalize())
    }

    /// The months that journals fall into, in order.
    pub(crate) fn months(&self) -> Vec<String> {
        let dates = self.journals.iter().filter_map(|journal| journal["date"].as_str()?.get(..7));
        dates.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
    }

    /// The currencies of its lines as `{code, scale}`.
    pub(crate) fn currencies(&self) -> Vec<Value> {
        let lines = self.journals.iter().filter_map(|journal| journal["lines"].as_array()).flatten();
        let scales: BTreeMap<_, _> = lines.map(|line| (line["currency"].as_str(), &line["scale"])).collect();
        scales.into_iter().map(|(code, scale)| json!({"code": code, "scale": scale})).collect()
    }

    fn template(&self, number: u64) -> &Value {
        let at = usize::try_from(number % self.journals.len() as u64).unwrap_or_default();
        &self.journals[at]
    }
}

/// A journal of three lines.
fn made(number: u64) -> Value {
    let account = |place: u64| format!("A{:02}", 2 + (number * 7 + place) % 58);
    let hot = match number % 4 {
        0 | 1 => "A00".to_owned(),
        2 => "A01".to_owned(),
        _ => account(23),
    };
    let line = |line: u64, account: String, debit: u64, credit: u64| json!({"line": line, "account": account, "currency": "USD", "scale": 2, "debit": debit, "credit": credit});
    let (net, tax) = (1_000 + number * 31 % 9_000, 1 + number % 200);
    let (year, month, day) = (2019 + number / 384, 1 + number / 32 % 12, 1 + number % 28);
    json!({
        "idempotencyKey": format!("BENCH/ap/bill/{number:06}/post"),
        "entity": "BENCH",
        "date": format!("{year}-{month:02}-{day:02}"),
        "period": format!("{year}-{month:02}"),
        "memo": format!("Supplier {} | Delivery {number}", number % 40),
        "source": {"plugin": "ap", "docType": "bill", "docId": format!("AP-bill-{number:06}")},
        "lines": [line(1, account(0), net, 0), line(2, account(11), tax, 0), line(3, hot, 0, net + tax)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_made_journal_balances_on_distinct_accounts() {
        let book = Book::made();
        for journal in &book.journals {
            let lines = journal["lines"].as_array().expect("lines");
            let sum = |field: &str| lines.iter().filter_map(|line| line[field].as_u64()).sum::<u64>();
            assert_eq!(sum("debit"), sum("credit"), "{journal}");
            let accounts: BTreeSet<&str> = lines.iter().filter_map(|line| line["account"].as_str()).collect();
            assert_eq!(accounts.len(), 3, "{journal}");
        }
        assert_eq!(book.months().len(), 60);
    }

    #[test]
    fn a_second_lap_has_keys_of_its_own() {
        let book = Book::made();
        let lap = book.journals.len() as u64;
        let (first, second) = (book.posting(5), book.posting(5 + lap));
        assert_ne!(first["idempotencyKey"], second["idempotencyKey"]);
        assert_eq!(first["lines"], second["lines"]);
    }

    #[test]
    fn the_sha_is_over_the_balances_that_are_not_zero() {
        let line = |account: &str, debit: i64, credit: i64| json!({"account": account, "currency": "USD", "scale": 2, "debit": debit, "credit": credit});
        let journal = |lines: Vec<Value>| json!({"idempotencyKey": "k", "date": "2019-01-01", "lines": lines});
        let journals =
            vec![journal(vec![line("a", 5, 0), line("b", 0, 5)]), journal(vec![line("b", 5, 0), line("c", 0, 5)])];
        let book = Book { entity: "E".to_owned(), accounts: Vec::new(), journals };
        let wanted = hex::encode(Sha256::digest("a|USD|5\nc|USD|-5\n"));
        assert_eq!(book.trial_balance_sha(2), wanted);
    }
}
