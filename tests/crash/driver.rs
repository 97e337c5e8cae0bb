//! Four clients that post journals without end and note what they meant and what they heard.

use anyhow::Result;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tests::client::{Answer, Client, cloud_event};
use tests::intents::{Fate, Intents};

pub(crate) const ENTITY: &str = "KILL";
pub(crate) const AMOUNT: i64 = 1_000;
pub(crate) const CLIENTS: usize = 4;
const OUTCOME_SECONDS_MAX: u64 = 30;
const PAUSE: Duration = Duration::from_millis(1);

/// Makes the entity, two accounts and one open month.
pub(crate) fn prepare(client: &Client) {
    let currencies = json!([{"code": "EUR", "scale": 2}]);
    let entity = json!({"entity": ENTITY, "name": ENTITY, "functionalCurrency": "EUR", "currencies": currencies});
    client.post("/api/gl/entities", &entity).expect_status(201);
    let account = |code: &str, kind: &str, side: &str| json!({"code": code, "name": code, "type": kind, "normalSide": side, "postable": true});
    let accounts = [account("Assets:Cash", "asset", "debit"), account("Income:Sales", "income", "credit")];
    let answer = client.post("/api/gl/accounts/import", &json!({"entity": ENTITY, "accounts": accounts}));
    assert!(answer.status < 300, "accounts: {}", answer.text);
    let months = json!({"entity": ENTITY, "from": "2026-01", "to": "2026-01"});
    assert!(client.post("/api/gl/periods/open", &months).status < 300);
}

/// The driver's view of the daemon: its client while it runs, and whether to go on.
pub(crate) struct Load<'a> {
    client: RwLock<Option<Client>>,
    stop: AtomicBool,
    next: AtomicU64,
    series: &'a str,
    intents: &'a Intents,
}

impl<'a> Load<'a> {
    pub(crate) fn new(intents: &'a Intents) -> Self {
        Self::in_series(intents, "manual")
    }

    /// Keys of another series than before, so that a second load makes new journals.
    pub(crate) fn in_series(intents: &'a Intents, series: &'a str) -> Self {
        Self { client: RwLock::new(None), stop: AtomicBool::new(false), next: AtomicU64::new(1), series, intents }
    }

    /// Points the clients at a daemon, or at none while it is down.
    pub(crate) fn aim(&self, client: Option<Client>) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Posts until told to stop. Every second key whose fate is unknown is sent again at once, as a client would;
    /// the others wait for the end, when they are long old.
    pub(crate) fn post_without_end(&self, by_event: bool) {
        let mut pending: Option<String> = None;
        while !self.stop.load(Ordering::Relaxed) {
            let Some(client) = self.client.read().unwrap_or_else(PoisonError::into_inner).clone() else {
                std::thread::sleep(PAUSE);
                continue;
            };
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let key = pending.take().unwrap_or_else(|| format!("{ENTITY}/gl/{}/{number}/post", self.series));
            let fate = self.post(&client, &key, by_event);
            if fate == Fate::Unknown {
                std::thread::sleep(PAUSE);
                pending = number.is_multiple_of(2).then_some(key);
            }
        }
    }

    /// Sends every key of unknown fate once more, and gives how many there were.
    pub(crate) fn resend_unknown(&self, client: &Client) -> usize {
        let keys = self.intents.keys(Fate::Unknown);
        for key in &keys {
            assert_eq!(self.post(client, key, false), Fate::Acknowledged, "{key} is still not posted when sent again");
        }
        keys.len()
    }

    fn post(&self, client: &Client, key: &str, by_event: bool) -> Fate {
        self.intents.begin(key).expect("the intent log is writable");
        let answer = if by_event { request(client, key) } else { client.try_post("/api/gl/journals", &journal(key)) };
        let fate = answer.map_or(Fate::Unknown, |answer| fate(&answer));
        self.intents.end(key, fate).expect("the intent log is writable");
        fate
    }
}

fn request(client: &Client, key: &str) -> Result<Answer> {
    client.try_request(&cloud_event(key, "gl.journal.post.request", &journal(key)), OUTCOME_SECONDS_MAX)
}

/// Only a journal that was posted is acknowledged; a server that cannot say leaves the fate unknown.
fn fate(answer: &Answer) -> Fate {
    let posted = answer.data()["journalId"].is_string() || answer.body["reply"]["type"] == "gl.journal.posted";
    match answer.status {
        200 | 201 if posted => Fate::Acknowledged,
        200..=299 | 429 | 500..=599 => Fate::Unknown,
        _ => Fate::Refused,
    }
}

fn journal(key: &str) -> Value {
    json!({
        "idempotencyKey": key, "entity": ENTITY, "postingDate": "2026-01-15", "memo": key,
        "source": {"plugin": "gl", "docType": "manual", "docId": key},
        "lines": [
            {"line": 1, "account": "Assets:Cash", "currency": "EUR", "scale": 2, "debit": AMOUNT, "credit": 0},
            {"line": 2, "account": "Income:Sales", "currency": "EUR", "scale": 2, "debit": 0, "credit": AMOUNT},
        ],
    })
}
