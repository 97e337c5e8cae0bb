//! The stream of good and bad ledger messages, sent by many publishers at once.
//!
//! The expected reply of a message depends on what came before it: on earlier messages with its idempotency key, and
//! on the closing of periods. So a closing waits for all before it, and messages of one key stay with one publisher.
//! Everything else may overtake.

use crate::books;
use crate::client::{Answer, Client, cloud_event};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;

const OUTCOME_SECONDS_MAX: u64 = 60;

/// How a journal reaches the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /api/gl/journals`.
    Verb,
    /// `POST /api/events` with `gl.journal.post.request`, then its outcome.
    Event,
}

/// What one run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Messages that were answered.
    pub answered: usize,
    /// Messages whose answer was not the expected one, with both.
    pub wrong: Vec<String>,
}

/// Reads the messages of a file.
pub fn read(path: &Path) -> Result<Vec<Value>> {
    books::lines(path)
}

/// Sends all messages with `publishers` threads.
#[must_use]
pub fn run(client: &Client, messages: &[Value], publishers: usize, route: Route) -> Outcome {
    let mut outcome = Outcome::default();
    for segment in segments(messages) {
        let shares = shares(segment, publishers);
        let parts = std::thread::scope(|scope| {
            let threads: Vec<_> =
                shares.iter().map(|share| scope.spawn(move || send_all(client, share, route))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a publisher ends")).collect::<Vec<_>>()
        });
        for part in parts {
            outcome.answered += part.answered;
            outcome.wrong.extend(part.wrong);
        }
    }
    outcome
}

/// Cuts the stream before and after each closing, which thereby stands alone.
fn segments(messages: &[Value]) -> Vec<&[Value]> {
    let mut cuts = vec![0];
    for (index, message) in messages.iter().enumerate() {
        if message["op"] != "post" {
            cuts.extend([index, index + 1]);
        }
    }
    cuts.push(messages.len());
    cuts.windows(2).map(|pair| &messages[pair[0]..pair[1]]).filter(|segment| !segment.is_empty()).collect()
}

fn shares(segment: &[Value], publishers: usize) -> Vec<Vec<&Value>> {
    let mut shares = vec![Vec::new(); publishers];
    for message in segment {
        shares[share_of(message, publishers)].push(message);
    }
    shares
}

/// Bad variants of a journal carry its key with one more part, so the key's stem decides.
fn share_of(message: &Value, publishers: usize) -> usize {
    let key = message["payload"]["idempotencyKey"].as_str().unwrap_or_default();
    let stem: Vec<&str> = key.split('/').take(4).collect();
    let mut hasher = DefaultHasher::new();
    stem.hash(&mut hasher);
    usize::try_from(hasher.finish() % publishers as u64).unwrap_or(0)
}

fn send_all(client: &Client, messages: &[&Value], route: Route) -> Outcome {
    let mut outcome = Outcome::default();
    for message in messages {
        match send(client, message, route) {
            Ok(reply) => {
                outcome.answered += 1;
                outcome.wrong.extend(difference(message, &reply));
            }
            Err(error) => outcome.wrong.push(format!("message {}: {error:#}", message["n"])),
        }
    }
    outcome
}

/// What came back, in the words of the stream's expectations.
fn send(client: &Client, message: &Value, route: Route) -> Result<Value> {
    if message["op"] == "period.close" {
        return close(client, &message["payload"]);
    }
    match route {
        Route::Verb => post(client, message),
        Route::Event => request(client, message),
    }
}

fn close(client: &Client, payload: &Value) -> Result<Value> {
    let period = payload["period"].as_str().context("a closing names its period")?;
    let answer = client.try_post(&format!("/api/gl/periods/{period}/close"), &json!({"entity": payload["entity"]}))?;
    let topic = if answer.status == 200 { json!("gl.period.closed") } else { json!(answer.text) };
    Ok(json!({"topic": topic}))
}

fn post(client: &Client, message: &Value) -> Result<Value> {
    let mut payload = message["payload"].clone();
    payload["eventId"] = message["eventId"].clone();
    let answer = client.try_post("/api/gl/journals", &payload)?;
    Ok(match answer.status {
        200 | 201 => posted(&answer),
        409 | 422 => json!({"topic": "gl.journal.rejected", "code": answer.code()}),
        status => json!({"status": status, "body": answer.text}),
    })
}

fn posted(answer: &Answer) -> Value {
    let duplicate = &answer.data()["duplicate"];
    let agrees = *duplicate == json!(answer.status == 200);
    let topic = if agrees { "gl.journal.posted" } else { "status and duplicate disagree" };
    json!({"topic": topic, "duplicate": duplicate})
}

/// A redelivered event has one reply, so `duplicate` tells only of a new event with a known key.
fn request(client: &Client, message: &Value) -> Result<Value> {
    let id = message["eventId"].as_str().context("a message names its event")?;
    let event = cloud_event(id, "gl.journal.post.request", &message["payload"]);
    let answer = client.try_request(&event, OUTCOME_SECONDS_MAX)?;
    let reply = &answer.body["reply"];
    Ok(json!({
        "topic": reply["type"], "code": reply["data"]["code"], "duplicate": reply["data"]["duplicate"],
        "redelivered": answer.body["duplicate"], "status": answer.body["status"],
    }))
}

fn difference(message: &Value, reply: &Value) -> Option<String> {
    let expect = &message["expect"];
    let topic = reply["topic"] == expect["topic"];
    let code = expect["code"].is_null() || reply["code"] == expect["code"];
    let duplicate =
        expect["duplicate"].is_null() || reply["duplicate"] == expect["duplicate"] || reply["redelivered"] == true;
    let wrong = !(topic && code && duplicate);
    wrong.then(|| format!("message {}: got {reply}, expected {expect}", message["n"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(op: &str, key: &str) -> Value {
        json!({"op": op, "payload": {"idempotencyKey": key}})
    }

    #[test]
    fn a_closing_stands_alone() {
        let stream = [message("post", "a"), message("post", "b"), message("period.close", ""), message("post", "c")];
        let lengths: Vec<usize> = segments(&stream).into_iter().map(<[Value]>::len).collect();
        assert_eq!(lengths, [2, 1, 1]);
    }

    #[test]
    fn a_journal_and_its_bad_variant_share_a_publisher() {
        let good = message("post", "E/ap/bill/1/post");
        let bad = message("post", "E/ap/bill/1/post/bad7");
        assert_eq!(share_of(&good, 16), share_of(&bad, 16));
    }

    #[test]
    fn a_wrong_code_is_a_difference() {
        let sent = json!({"n": 1, "expect": {"topic": "gl.journal.rejected", "code": "UNBALANCED"}});
        let right = json!({"topic": "gl.journal.rejected", "code": "UNBALANCED"});
        let wrong = json!({"topic": "gl.journal.rejected", "code": "INVALID_LINE"});
        assert_eq!(difference(&sent, &right), None);
        assert!(difference(&sent, &wrong).is_some());
    }
}
