//! Commands that talk to a running daemon over HTTP.

pub(crate) mod dead;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod plugins;
mod printer;
pub(crate) mod store;
mod stream;
mod tree;
pub(crate) mod users;

use crate::exit::Failure;
use anyhow::{Context, anyhow};
use serde_json::Value;
use std::io::Read;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Request, Response, Uri};

/// The longest wait for a connection and for an answer that does not stream.
const ANSWER_WITHIN: Duration = Duration::from_secs(70);
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Which daemon, as whom.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// The daemon.
    #[arg(long, env = "TRUNKLINE_URL", default_value = "http://127.0.0.1:8095")]
    url: String,
    /// A token; the admin token sees all tenants.
    #[arg(long, env = "TRUNKLINE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// What a command may be narrowed to, and how it prints.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct View {
    /// Only this tenant; for the admin token.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A daemon that is spoken to.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: String,
}

impl Client {
    /// A client of the daemon that the arguments name.
    pub(crate) fn of(target: &Target) -> Result<Self, Failure> {
        let token = target.token.as_deref().ok_or_else(|| {
            Failure::usage(anyhow!("no token: give one with --token or TRUNKLINE_TOKEN; `trunkline dev` prints two"))
        })?;
        let scheme = target.url.parse().ok().and_then(|url: Uri| url.scheme_str().map(str::to_owned));
        if !scheme.is_some_and(|scheme| scheme == "http" || scheme == "https") {
            return Err(Failure::usage(anyhow!(
                "`{}` is no daemon's address; give one such as http://127.0.0.1:8095 with --url or TRUNKLINE_URL",
                target.url
            )));
        }
        Ok(Self::new(&target.url, token))
    }

    /// A client with this token.
    pub(crate) fn new(url: &str, token: &str) -> Self {
        // An error status is an answer with a reason in it, not a failure of the transport.
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { agent, url: url.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// Sends a request and gives status and JSON of the answer.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<(u16, Value)> {
        let answer = self.open(method, path, body, &[], Some(ANSWER_WITHIN))?;
        read(path, answer)
    }

    /// Asks for a page, and gives it with the path of the next one.
    pub(crate) fn page(&self, path: &str) -> anyhow::Result<(Value, Option<String>)> {
        let answer = self.open("GET", path, None, &[], Some(ANSWER_WITHIN))?;
        let link = answer.headers().get("link").and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")).map(str::to_owned);
        match read(path, answer)? {
            (200..300, page) => Ok((page, next)),
            (status, answer) => Err(refusal(status, &answer)),
        }
    }

    /// Sends a request that must succeed.
    pub(crate) fn call(&self, method: &str, path: &str) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, path, None)?;
        if (200..300).contains(&status) { Ok(answer) } else { Err(refusal(status, &answer)) }
    }

    /// Sends a body that must be taken.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.change("POST", path, Some(body))
    }

    /// Sends what must be taken, with a body or without.
    pub(crate) fn change(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, path, body)?;
        if (200..300).contains(&status) { Ok(answer) } else { Err(refusal(status, &answer)) }
    }

    /// Asks for something large and gives its bytes as they come.
    pub(crate) fn download(&self, path: &str) -> anyhow::Result<impl Read + use<>> {
        let mut answer = self.open("GET", path, None, &[], None)?;
        let status = answer.status().as_u16();
        if status != 200 {
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            return Err(refusal(status, &serde_json::from_str(&text).unwrap_or(Value::String(text))));
        }
        Ok(answer.into_body().into_with_config().limit(u64::MAX).reader())
    }

    fn open(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
        within: Option<Duration>,
    ) -> anyhow::Result<Response<ureq::Body>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body.to_string())?;
                self.run(request, within)
            }
            None => self.run(request.body(())?, within),
        };
        sent.map_err(|error| self.unreachable(&error))
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        request: Request<B>,
        within: Option<Duration>,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request).timeout_global(within).build())
    }

    fn unreachable(&self, error: &ureq::Error) -> anyhow::Error {
        anyhow!(
            "no daemon answers at {}: {error}; start one with `trunkline dev SUITE`, or name another with --url",
            self.url
        )
    }
}

/// Status and JSON of an answer.
fn read(path: &str, mut answer: Response<ureq::Body>) -> anyhow::Result<(u16, Value)> {
    let status = answer.status().as_u16();
    let mut text = String::new();
    let reader = answer.body_mut().as_reader();
    reader.take(ANSWER_BYTES_MAX).read_to_string(&mut text).with_context(|| format!("read the answer of {path}"))?;
    // Not every answer is JSON: a proxy's error page is not.
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// What the daemon said when it refused.
fn refusal(status: u16, answer: &Value) -> anyhow::Error {
    let code = answer["code"].as_str().unwrap_or("no code");
    let detail = answer["detail"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    anyhow!("the daemon refused ({status} {code}): {detail}")
}

/// A query of the parameters that are given.
fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            out.append_pair(name, value);
        }
    }
    let text = out.finish();
    if text.is_empty() { text } else { format!("?{text}") }
}

/// A parameter in the query of a path.
fn parameter(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// An id as a path segment.
pub(crate) fn segment(id: &str) -> String {
    // Slashes and the like would lead to another path.
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A text field of an answer; empty where there is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
