//! Fetches of plugins: what a call asks of hosts outside, once for all its runs.

use crate::api::HostError;
use crate::capability::with_status;
use crate::host::Inner;
use crate::plugin::Plugin;
use crate::task::Task;
use crate::traces;
use contract_model::canonical::{canonical_sha256, sha256_hex};
use contract_model::limits::FETCHES_PER_CALL_MAX;
use contract_model::{ErrorCode, Permission};
use daemon_fetch::{Answer, Bounds, FetchError, Request, StandIn, is_public};
use daemon_frame::{Asked, FetchAnswer, FetchAsked};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// What a call has asked, so that it gets the same answer when it runs again.
#[derive(Default)]
pub(crate) struct Fetched {
    /// By the question's hash, and how often it was asked before in one run.
    answers: HashMap<(String, u32), FetchAnswer>,
    /// How often each question was asked in this run.
    asked: HashMap<String, u32>,
}

impl Fetched {
    /// The call runs, for the first time or again.
    pub(crate) fn begin_again(&mut self) {
        self.asked.clear();
    }

    /// How often this run has asked, whether it was answered or not.
    fn count(&self) -> u64 {
        self.asked.values().copied().map(u64::from).sum()
    }

    /// Which asking of this question in this run this is.
    fn turn(&mut self, question: &str) -> u32 {
        let count = self.asked.entry(question.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// Asks a host outside for a running call, or gives the answer that an earlier run of the call was given.
pub(crate) async fn fetch(
    inner: &Inner,
    plugin: &Plugin,
    task: &mut Task,
    asked: FetchAsked,
    until: Instant,
) -> Result<Asked, HostError> {
    let question = canonical_sha256(&json!([asked.method, asked.url, asked.headers, asked.body]));
    let turn = task.fetched.turn(&question);
    if let Some(answer) = task.fetched.answers.get(&(question.clone(), turn)) {
        return Ok(Asked::Fetched(Box::new(answer.clone())));
    }
    if task.fetched.count() > FETCHES_PER_CALL_MAX {
        let text = format!(
            "one call may fetch at most {FETCHES_PER_CALL_MAX} times (FETCHES_PER_CALL_MAX); spread it over jobs"
        );
        return Err(with_status(HostError::new(ErrorCode::Overloaded, text)));
    }
    let key = sha256_hex(format!("{}\n{}\n{question}\n{turn}", plugin.slug(), task.origin()).as_bytes());
    let host = Url::parse(&asked.url).ok();
    let host = host.as_ref().and_then(Url::host_str);
    let mut span = traces::fetch(&inner.tracer, task.trace().as_deref(), &asked.method, host);
    let answered = ask(inner, plugin, asked, &key[..32], until).await;
    plugin.meter.fetched(answered.is_ok());
    match &answered {
        Ok(answer) => span.set("http.response.status_code", || answer.status.to_string()),
        Err(error) => span.fail(|| error.to_string()),
    }
    drop(span);
    let answer = answered.map_err(|error| with_status(told(plugin, error)))?;
    task.fetched.answers.insert((question, turn), answer.clone());
    Ok(Asked::Fetched(Box::new(answer)))
}

async fn ask(
    inner: &Inner,
    plugin: &Plugin,
    asked: FetchAsked,
    key: &str,
    until: Instant,
) -> Result<FetchAnswer, FetchError> {
    // The call must be left time to say what has become of it.
    let left = until.saturating_duration_since(Instant::now()).mul_f64(0.9);
    let wait = asked.timeout_ms.map_or(left, |ms| Duration::from_millis(ms).min(left));
    let request = request(plugin, asked, key)?;
    let hosts = plugin.manifest.granted().into_iter().filter_map(|permission| match permission {
        Permission::Net(host) => Some(host),
        _ => None,
    });
    let hosts: Vec<String> = hosts.collect();
    let outside = inner.stage.as_ref().map(|stage| &stage.outside);
    let answer = outside.map(|outside| |request: &Request| outside.answer(plugin.slug(), request));
    let stand_in = answer.as_ref().map(|answer| answer as &StandIn<'_>);
    let may_reach = if inner.private_net { |_| true } else { is_public };
    let bounds = Bounds { hosts: &hosts, may_reach, stand_in };
    daemon_fetch::fetch(&bounds, &request, Instant::now() + wait).await.map(text)
}

fn request(plugin: &Plugin, asked: FetchAsked, key: &str) -> Result<Request, FetchError> {
    let invalid = |why: String| FetchError::Invalid(format!("the address of a fetch: {why}"));
    let url = Url::parse(&asked.url).map_err(|error| invalid(format!("`{}` is none: {error}", asked.url)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(format!("it begins with https://, not with {}:", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it holds a password; write the header `authorization`".to_owned()));
    }
    let mut headers = asked.headers;
    if !headers.iter().any(|(name, _)| name == "user-agent") {
        let agent = format!("trunkline/{} ({})", env!("CARGO_PKG_VERSION"), plugin.slug());
        headers.push(("user-agent".to_owned(), agent));
    }
    if asked.idempotency_key.is_some() || !matches!(asked.method.as_str(), "GET" | "HEAD") {
        let key = asked.idempotency_key.unwrap_or_else(|| key.to_owned());
        headers.push(("idempotency-key".to_owned(), key));
    }
    Ok(Request { method: asked.method, url, headers, body: asked.body, attempts: asked.attempts })
}

fn text(answer: Answer) -> FetchAnswer {
    FetchAnswer { status: answer.status, headers: answer.headers, body: String::from_utf8(answer.body).ok() }
}

fn told(plugin: &Plugin, error: FetchError) -> HostError {
    let slug = plugin.slug();
    match error {
        FetchError::NotGranted(origin) => {
            let text = format!(
                "plugin `{slug}` may not ask {origin}: its plugin.yaml lists no `net:` permission for it; `net:host` is \
                 https on port 443, `net:host:port` any other, and http too"
            );
            plugin.denied(text)
        }
        FetchError::NotPublic { host, address } => {
            plugin.count_denied(1);
            let text = format!(
                "plugin `{slug}` may not ask `{host}`: {address} is not public; an operator may start the daemon with \
                 `--allow-private-net`"
            );
            HostError::new(ErrorCode::FetchAddressRefused, text).of_plugin(slug)
        }
        FetchError::Invalid(why) => HostError::new(ErrorCode::PluginError, why).of_plugin(slug),
        FetchError::Failed(_) | FetchError::Redirect(_) => HostError::new(ErrorCode::FetchFailed, error.to_string()),
        FetchError::TooLarge(_) => HostError::new(ErrorCode::FetchTooLarge, error.to_string()),
        FetchError::Unexpected(_) => HostError::new(ErrorCode::FetchUnexpected, error.to_string()).of_plugin(slug),
        FetchError::Timeout(_) => HostError::new(ErrorCode::FetchTimeout, error.to_string()),
    }
}
