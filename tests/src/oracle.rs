//! Judges a ledger after crashes: everything acknowledged is there, once, numbered without gaps, in balance.

use crate::books::ask;
use crate::client::Client;
use crate::intents::Fate;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: usize = 500;

/// One posting as the ledger lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Its idempotency key.
    pub key: String,
    /// Its number, which ends in a counter.
    pub journal_no: String,
    /// Its place in the entity's hash chain.
    pub chain_seq: u64,
}

/// Reads the postings of an entity that come after a place in its chain.
pub fn stored_after(client: &Client, entity: &str, after: u64) -> Result<Vec<Posting>> {
    let mut postings: Vec<Posting> = Vec::new();
    loop {
        let after = postings.last().map_or(after, |last| last.chain_seq);
        let page = ask(client, &format!("/api/gl/journals?entity={entity}&after={after}&limit={PAGE}"))?;
        let page = page["journals"].as_array().context("a list of journals")?;
        if page.is_empty() {
            return Ok(postings);
        }
        for journal in page {
            postings.push(posting(journal)?);
        }
    }
}

/// Everything that is wrong with the postings, given what the driver knows; empty when all is well.
#[must_use]
pub fn violations(postings: &[Posting], fates: &BTreeMap<String, Fate>) -> Vec<String> {
    let mut found = Vec::new();
    let mut keys = BTreeSet::new();
    for posting in postings {
        if !keys.insert(posting.key.as_str()) {
            found.push(format!("{} is posted twice", posting.key));
        }
        match fates.get(&posting.key) {
            None => found.push(format!("{} is posted but was never sent", posting.key)),
            Some(Fate::Refused) => found.push(format!("{} is posted but was refused", posting.key)),
            Some(Fate::Unknown | Fate::Acknowledged) => {}
        }
    }
    let acknowledged = fates.iter().filter(|(_, fate)| **fate == Fate::Acknowledged);
    let lost = acknowledged.filter(|(key, _)| !keys.contains(key.as_str()));
    found.extend(lost.map(|(key, _)| format!("{key} was acknowledged and is lost")));
    found.extend(gaps(postings));
    found
}

/// What is wrong with an entity's balances and chain, when `count` journals of `amount` are posted.
pub fn imbalances(client: &Client, entity: &str, count: usize, amount: i64) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let rows = ask(client, &format!("/api/gl/trial-balance?entity={entity}"))?;
    let total = |side: &str| -> i64 {
        rows["rows"].as_array().into_iter().flatten().filter_map(|row| row[side].as_i64()).sum()
    };
    let expected = amount * i64::try_from(count).context("a count of postings")?;
    for side in ["debitTurnover", "creditTurnover"] {
        if total(side) != expected {
            found.push(format!("{side} is {}, and {count} postings make {expected}", total(side)));
        }
    }
    let chain = ask(client, &format!("/api/gl/chain/verify?entity={entity}"))?;
    if chain["ok"] != true || chain["length"].as_u64() != u64::try_from(count).ok() {
        found.push(format!("the chain of {count} postings verifies as {chain}"));
    }
    Ok(found)
}

/// Counters run 1, 2, 3 … in the chain and within each series of journal numbers.
fn gaps(postings: &[Posting]) -> Vec<String> {
    let mut found = Vec::new();
    let mut series: BTreeMap<&str, u64> = BTreeMap::new();
    for (expected, posting) in (1u64..).zip(postings) {
        if posting.chain_seq != expected {
            found.push(format!("place {expected} of the chain holds {}", posting.chain_seq));
        }
        let (name, counter) = split_counter(&posting.journal_no);
        let last = series.entry(name).or_default();
        if counter != Some(*last + 1) {
            found.push(format!("number {} follows counter {last}", posting.journal_no));
        }
        *last = counter.unwrap_or(*last);
    }
    found
}

fn split_counter(number: &str) -> (&str, Option<u64>) {
    let name = number.trim_end_matches(|letter: char| letter.is_ascii_digit());
    (name, number[name.len()..].parse().ok())
}

fn posting(journal: &Value) -> Result<Posting> {
    let text =
        |field: &str| journal[field].as_str().map(str::to_owned).with_context(|| format!("{field} in {journal}"));
    let chain_seq = journal["chainSeq"].as_u64().with_context(|| format!("chainSeq in {journal}"))?;
    Ok(Posting { key: text("idempotencyKey")?, journal_no: text("journalNo")?, chain_seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> (Vec<Posting>, BTreeMap<String, Fate>) {
        let posting = |n: u64| Posting { key: format!("k{n}"), journal_no: format!("GEN-2026-{n:06}"), chain_seq: n };
        let fates = (1..=4).map(|n| (format!("k{n}"), if n == 4 { Fate::Unknown } else { Fate::Acknowledged }));
        ((1..=3).map(posting).collect(), fates.collect())
    }

    #[track_caller]
    fn check_fails(change: impl FnOnce(&mut Vec<Posting>), words: &str) {
        let (mut postings, fates) = sound();
        change(&mut postings);
        let found = violations(&postings, &fates).join("; ");
        assert!(found.contains(words), "expected {words:?} in {found:?}");
    }

    #[test]
    fn a_sound_ledger_passes_whether_the_unknown_is_stored_or_not() {
        let (mut postings, fates) = sound();
        assert_eq!(violations(&postings, &fates), [""; 0]);
        postings.push(Posting { key: "k4".into(), journal_no: "GEN-2026-000004".into(), chain_seq: 4 });
        assert_eq!(violations(&postings, &fates), [""; 0]);
    }

    #[test]
    fn a_lost_posting_is_seen() {
        check_fails(|postings| drop(postings.pop()), "k3 was acknowledged and is lost");
    }

    #[test]
    fn a_doubled_posting_is_seen() {
        check_fails(
            |postings| {
                let again = Posting { chain_seq: 4, journal_no: "GEN-2026-000004".into(), ..postings[0].clone() };
                postings.push(again);
            },
            "k1 is posted twice",
        );
    }

    #[test]
    fn a_gap_is_seen() {
        check_fails(|postings| postings[2].journal_no = "GEN-2026-000004".into(), "follows counter 2");
        check_fails(|postings| postings[1].chain_seq = 3, "place 2 of the chain holds 3");
    }

    #[test]
    fn a_posting_out_of_nowhere_is_seen() {
        check_fails(|postings| postings[0].key = "else".into(), "else is posted but was never sent");
    }
}
