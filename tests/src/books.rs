//! The two example books: reads them, imports them, and compares what the daemon then says with what engines of
//! others computed.

use crate::binary;
use crate::client::{Answer, Client};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One entity's chart of accounts, journals and expected balances.
#[derive(Debug)]
pub struct Book {
    /// The company.
    pub entity: String,
    /// Its chart of accounts, as `accounts/import` takes it.
    pub accounts: Vec<Value>,
    /// Its journals in file order, as `journals` takes them.
    pub journals: Vec<Value>,
    /// What three accounting engines computed from them.
    pub expected: Value,
}

/// The folder of the small books that the tests use.
#[must_use]
pub fn fixtures() -> PathBuf {
    binary::workspace().join("tests").join("fixtures")
}

impl Book {
    /// Reads `<folder>/<entity>`.
    pub fn read(folder: &Path, entity: &str) -> Result<Self> {
        let folder = folder.join(entity);
        let accounts: Vec<Value> = serde_json::from_str(&read(&folder.join("accounts.json"))?)?;
        let accounts = accounts.iter().map(account).collect();
        let journals = lines(&folder.join("journals.jsonl"))?;
        let expected = serde_json::from_str(&read(&folder.join("expected.json"))?)?;
        Ok(Self { entity: entity.to_owned(), accounts, journals, expected })
    }

    /// Makes the entity, its chart of accounts, and periods over all months of its journals.
    pub fn prepare(&self, client: &Client) -> Result<()> {
        let entity = json!({
            "entity": self.entity, "name": self.entity, "functionalCurrency": "USD", "currencies": self.currencies(),
        });
        succeed(&client.try_post("/api/gl/entities", &entity)?)?;
        let accounts = json!({"entity": self.entity, "accounts": self.accounts});
        succeed(&client.try_post("/api/gl/accounts/import", &accounts)?)?;
        let months = self.months();
        let periods = json!({"entity": self.entity, "from": months.first(), "to": months.last()});
        succeed(&client.try_post("/api/gl/periods/open", &periods)?)
    }

    /// Imports all journals through the streaming route; gives how many it posted.
    pub fn import(&self, client: &Client) -> Result<usize> {
        let mut body = self.journals.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        body.push('\n');
        let headers = [("content-type", "application/x-ndjson")];
        let answer = client.send("POST", "/api/gl/journals/import", &headers, Some(&body))?;
        ensure!(answer.status == 200, "import answers {}: {}", answer.status, answer.text);
        let replies: Vec<Value> = answer.text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        ensure!(replies.len() == self.journals.len(), "{} replies to {} lines", replies.len(), self.journals.len());
        for (journal, reply) in self.journals.iter().zip(&replies) {
            ensure!(reply["topic"] == "gl.journal.posted", "{} was not posted: {reply}", journal["idempotencyKey"]);
            ensure!(reply["idempotencyKey"] == journal["idempotencyKey"], "replies out of order at {reply}");
        }
        Ok(replies.len())
    }

    /// Every difference between what the daemon says of this entity and what is expected; empty when all agrees.
    pub fn differences(&self, client: &Client) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.compare_trial_balance(client, &mut found)?;
        self.compare_month_ends(client, &mut found)?;
        self.compare_statements(client, &mut found)?;
        compare(&mut found, "chain", &self.chain_length(client)?, &json!(self.journals.len()));
        Ok(found)
    }

    fn chain_length(&self, client: &Client) -> Result<Value> {
        let answer = ask(client, &format!("/api/gl/chain/verify?entity={}", self.entity))?;
        ensure!(answer["ok"] == true, "the chain of {} is broken: {answer}", self.entity);
        Ok(answer["length"].clone())
    }

    fn compare_trial_balance(&self, client: &Client, found: &mut Vec<String>) -> Result<()> {
        let got = ask(client, &format!("/api/gl/trial-balance?entity={}", self.entity))?;
        let rows = got["rows"].as_array().context("a trial balance has rows")?;
        compare(found, "sha256", &got["sha256"], &self.expected["trialBalanceSha256"]);
        compare(found, "sha256 over the rows", &json!(sha256(rows)), &self.expected["trialBalanceSha256"]);
        let wanted = self.expected["trialBalance"].as_array().context("an expected trial balance")?;
        let wanted: BTreeMap<_, _> = wanted.iter().map(row).collect();
        let rows: BTreeMap<_, _> = rows.iter().map(row).collect();
        for key in wanted.keys().chain(rows.keys()).collect::<BTreeSet<_>>() {
            let (got, want) = (json!(rows.get(key)), json!(wanted.get(key)));
            compare(found, &format!("{} {}", key.0, key.1), &got, &want);
        }
        Ok(())
    }

    fn compare_month_ends(&self, client: &Client, found: &mut Vec<String>) -> Result<()> {
        let months = self.expected["monthEndBalances"].as_object().context("expected month ends")?;
        for (month, wanted) in months {
            let path = format!("/api/gl/trial-balance?entity={}&asOf={}", self.entity, last_day(month)?);
            let got = by_currency(&ask(client, &path)?["rows"]);
            compare(found, &format!("end of {month}"), &got, &without_zeros(wanted));
        }
        Ok(())
    }

    /// Income statements and the balance sheet, where the expectations hold them.
    fn compare_statements(&self, client: &Client, found: &mut Vec<String>) -> Result<()> {
        for (year, wanted) in self.expected["incomeStatementByYear"].as_object().into_iter().flatten() {
            let range = format!("entity={}&from={year}-01-01&to={year}-12-31", self.entity);
            let got = ask(client, &format!("/api/gl/income-statement?{range}"))?;
            for figure in ["income", "expense", "net"] {
                compare(found, &format!("{year} {figure}"), &got["totals"]["USD"][figure], &wanted[figure]);
            }
        }
        if self.expected["balanceSheet"].is_object() {
            let last = self.expected["last"].as_str().context("the last day")?;
            let got = ask(client, &format!("/api/gl/balance-sheet?entity={}&asOf={last}", self.entity))?;
            compare(found, "balance sheet", &got["totals"], &self.expected["balanceSheet"]);
        }
        Ok(())
    }

    fn currencies(&self) -> Vec<Value> {
        let lines = self.journals.iter().filter_map(|journal| journal["lines"].as_array()).flatten();
        let pairs: BTreeMap<_, _> = lines.map(|line| (line["currency"].to_string(), line)).collect();
        pairs.values().map(|line| json!({"code": line["currency"], "scale": line["scale"]})).collect()
    }

    fn months(&self) -> BTreeSet<&str> {
        self.journals.iter().filter_map(|journal| journal["period"].as_str()).collect()
    }
}

/// The sha over the non-zero rows of a trial balance.
///
/// `rows` are sorted by account, then currency, as bytes; each gives the line `account|currency|balance\n`.
#[must_use]
pub fn sha256(rows: &[Value]) -> String {
    let mut keyed: Vec<_> = rows.iter().map(row).collect();
    keyed.sort();
    let non_zero = keyed.iter().filter(|(_, figures)| figures[0] != 0);
    let mut hasher = Sha256::new();
    for ((account, currency), figures) in non_zero {
        hasher.update(format!("{account}|{currency}|{}\n", figures[0]));
    }
    hex::encode(hasher.finalize())
}

/// Reads a file of one JSON value a line.
pub fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = read(path)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("{}: {line}", path.display()))).collect()
}

/// GET of a verb's data.
pub fn ask(client: &Client, path: &str) -> Result<Value> {
    let answer = client.send("GET", path, &[], None)?;
    ensure!(answer.status == 200, "GET {path} answers {}: {}", answer.status, answer.text);
    Ok(answer.data().clone())
}

/// The files carry when an account was opened, which the import route does not take.
fn account(source: &Value) -> Value {
    let mut account = source.clone();
    if let Some(fields) = account.as_object_mut() {
        fields.remove("openedOn");
    }
    account
}

fn succeed(answer: &Answer) -> Result<()> {
    ensure!((200..300).contains(&answer.status), "answered {}: {}", answer.status, answer.text);
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

/// Account and currency; balance, turnover in debit, turnover in credit.
fn row(row: &Value) -> ((String, String), [i64; 3]) {
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let figure = |field: &str| row[field].as_i64().unwrap_or(i64::MIN);
    let figures = [figure("balance"), figure("debitTurnover"), figure("creditTurnover")];
    ((text("account"), text("currency")), figures)
}

fn by_currency(rows: &Value) -> Value {
    let mut balances: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for ((account, currency), figures) in rows.as_array().into_iter().flatten().map(row) {
        if figures[0] != 0 {
            balances.entry(currency).or_default().insert(account, figures[0]);
        }
    }
    json!(balances)
}

fn without_zeros(balances: &Value) -> Value {
    let mut kept: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
    for (currency, accounts) in balances.as_object().into_iter().flatten() {
        for (account, balance) in accounts.as_object().into_iter().flatten().filter(|(_, balance)| **balance != 0) {
            kept.entry(currency).or_default().insert(account, balance);
        }
    }
    json!(kept)
}

fn last_day(month: &str) -> Result<String> {
    let (year, number) = month.split_once('-').with_context(|| format!("{month} is not a month"))?;
    let year: u32 = year.parse()?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match number {
        "02" if leap => 29,
        "02" => 28,
        "04" | "06" | "09" | "11" => 30,
        _ => 31,
    };
    Ok(format!("{month}-{days}"))
}

fn compare(found: &mut Vec<String>, what: &str, got: &Value, want: &Value) {
    if got != want {
        found.push(format!("{what}: got {got}, expected {want}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sha_of_the_expected_rows_is_the_expected_sha() {
        for entity in ["CB7", "BX42"] {
            let book = Book::read(&fixtures(), entity).expect("the fixture is readable");
            let rows = book.expected["trialBalance"].as_array().expect("rows");
            assert_eq!(json!(sha256(rows)), book.expected["trialBalanceSha256"], "{entity}");
        }
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        let ends = ["2019-02", "2020-02", "2100-02", "2019-04", "2019-12"].map(|month| last_day(month).expect("a day"));
        assert_eq!(ends, ["2019-02-28", "2020-02-29", "2100-02-28", "2019-04-30", "2019-12-31"]);
    }
}
