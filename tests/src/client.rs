//! A blocking HTTP client that keeps connections and treats no status as an error.

use crate::stream::Messages;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const REQUEST_SECONDS_MAX: u64 = 60;

/// One HTTP answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
    /// Whether the daemon says that it gives an earlier answer again.
    pub replayed: bool,
    /// The media type of the body, empty when it names none.
    pub content_type: String,
    /// The header lines, by their names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Answer {
    /// The error code, whether in a verb's envelope or in a problem document.
    #[must_use]
    pub fn code(&self) -> &str {
        let enveloped = self.body["error"]["code"].as_str();
        enveloped.or_else(|| self.body["code"].as_str()).unwrap_or_default()
    }

    /// A header line; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// What a verb returned, out of its envelope.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// Panics with the whole answer unless the status is the expected one.
    #[expect(clippy::return_self_not_must_use, reason = "often the status is all that a test asks for")]
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected answer: {}", self.text);
        self
    }

    /// Panics with the whole answer unless status and error code are the expected ones.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "unexpected answer: {}", self.text);
    }
}

/// Talks to one daemon with one token. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
}

impl Client {
    /// A client for the daemon at `url`, which has no trailing slash.
    #[must_use]
    pub fn new(url: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .max_idle_connections_per_host(32)
            .build();
        Self { agent: config.into(), url: url.to_owned(), token: token.to_owned() }
    }

    /// The same daemon with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The token it speaks with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The daemon's address, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request; fails only when no whole answer came.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Result<Answer> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_owned())?),
            None => self.agent.run(request.body(())?),
        };
        read(answer.with_context(|| format!("{method} {path}"))?)
    }

    /// Opens a stream of server-sent events, resumed after the message that `last` names.
    pub fn stream(&self, path: &str, last: Option<&str>) -> Result<Messages> {
        let mut request = ureq::http::Request::builder().uri(format!("{}{path}", self.url));
        request = request.header("authorization", format!("Bearer {}", self.token));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = self.agent.run(request.body(())?).with_context(|| format!("GET {path}"))?;
        anyhow::ensure!(answer.status() == 200, "GET {path} answers {}", answer.status());
        Ok(Messages::new(Box::new(answer.into_body().into_reader())))
    }

    /// GET; panics when no answer came.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).expect("the daemon answers")
    }

    /// POST of a JSON body; panics when no answer came.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).expect("the daemon answers")
    }

    /// POST of a JSON body.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send("POST", path, &[("content-type", "application/json")], Some(&body.to_string()))
    }

    /// Any method with a JSON body and further headers; panics when no answer came.
    #[track_caller]
    pub fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(method, path, &headers, Some(&body.to_string())).expect("the daemon answers")
    }

    /// PATCH of a JSON body; panics when no answer came.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json("PATCH", path, &[], body)
    }

    /// DELETE; panics when no answer came.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).expect("the daemon answers")
    }

    /// POST of an event as a structured `CloudEvent` that waits up to `seconds` for its outcome.
    pub fn try_request(&self, event: &Value, seconds: u64) -> Result<Answer> {
        let wait = format!("wait={seconds}");
        let headers = [("content-type", "application/cloudevents+json"), ("prefer", wait.as_str())];
        self.send("POST", "/api/events", &headers, Some(&event.to_string()))
    }

    /// POST of an event as a structured `CloudEvent`; panics when no answer came.
    #[track_caller]
    pub fn publish(&self, event: &Value) -> Answer {
        let headers = [("content-type", "application/cloudevents+json")];
        self.send("POST", "/api/events", &headers, Some(&event.to_string())).expect("the daemon answers")
    }
}

/// A structured `CloudEvent` as a client sends it.
#[must_use]
pub fn cloud_event(id: &str, topic: &str, data: &Value) -> Value {
    serde_json::json!({
        "specversion": "1.0", "id": id, "source": "/tests", "type": topic,
        "datacontenttype": "application/json", "data": data,
    })
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let status = answer.status().as_u16();
    let lines =
        answer.headers().iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let headers: BTreeMap<String, String> = lines.collect();
    let content_type = headers.get("content-type").cloned().unwrap_or_default();
    let replayed = headers.get("idempotency-replayed").is_some_and(|value| value == "true");
    let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().context("read the answer's body")?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Answer { status, text, body, replayed, content_type, headers })
}
