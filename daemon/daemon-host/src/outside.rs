//! What stands for the hosts outside in a rehearsal: the answers that a test gives, and what was asked.

use daemon_fetch::{Answer, FetchError, Request};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Stands for the hosts outside. It outlives a crash of the daemon, as they do.
#[derive(Debug, Default)]
pub struct Outside(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    stubs: Vec<Stub>,
    asked: Vec<AskedOutside>,
}

#[derive(Debug)]
struct Stub {
    method: String,
    url: Url,
    /// The last one stays.
    answers: VecDeque<StubAnswer>,
}

/// What a host answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StubAnswer {
    /// Status, header lines by name in lower case, and body.
    Answers(u16, BTreeMap<String, String>, String),
    /// No answer comes in time.
    IsSilent,
    /// The connection breaks.
    Breaks,
}

/// One attempt at a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedOutside {
    /// Who asked.
    pub plugin: String,
    /// Upper-case method.
    pub method: String,
    /// Where.
    pub url: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
    /// The answer's status; none where there is no answer.
    pub status: Option<u16>,
}

impl Outside {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers what is asked with this method of this address from now on, one answer after another; the last one
    /// stays. `{name}` in the path is any segment; an address without a query stands for every query.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn stub(&self, method: &str, url: &str, answers: Vec<StubAnswer>) -> Result<(), String> {
        let parsed = Url::parse(url).map_err(|error| format!("`{url}` is no address: {error}"))?;
        let (method, answers) = (method.to_ascii_uppercase(), answers.into());
        self.state().stubs.push(Stub { method, url: parsed, answers });
        Ok(())
    }

    /// What was asked of an address that fits, or of all without one, in order.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn asked(&self, url: Option<&str>) -> Result<Vec<AskedOutside>, String> {
        let wanted = url.map(|url| Url::parse(url).map_err(|error| format!("`{url}` is no address: {error}")));
        let wanted = wanted.transpose()?;
        let fits = |one: &&AskedOutside| {
            wanted.as_ref().is_none_or(|wanted| Url::parse(&one.url).is_ok_and(|url| leads_to(wanted, &url)))
        };
        Ok(self.state().asked.iter().filter(fits).cloned().collect())
    }

    /// Answers in place of the host that a plugin asks.
    pub(crate) fn answer(&self, plugin: &str, request: &Request) -> Result<Answer, FetchError> {
        let mut state = self.state();
        let fits = |stub: &&mut Stub| stub.method == request.method && leads_to(&stub.url, &request.url);
        let found = state.stubs.iter_mut().rev().find(fits);
        let answered = found.map_or_else(|| Err(unexpected(request)), Stub::next);
        state.asked.push(AskedOutside {
            plugin: plugin.to_owned(),
            method: request.method.clone(),
            url: request.url.to_string(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            status: answered.as_ref().ok().map(|answer| answer.status),
        });
        answered
    }
}

fn unexpected(request: &Request) -> FetchError {
    let (method, url) = (&request.method, &request.url);
    let way_out = format!("app.stub(\"{method}\", \"{url}\", {{...}}) gives one");
    FetchError::Unexpected(format!("the test has no answer for {method} {url}; {way_out}"))
}

impl Stub {
    fn next(&mut self) -> Result<Answer, FetchError> {
        let next = if self.answers.len() > 1 { self.answers.pop_front() } else { self.answers.front().cloned() };
        match next {
            Some(StubAnswer::Answers(status, headers, body)) => Ok(Answer { status, headers, body: body.into_bytes() }),
            Some(StubAnswer::Breaks) | None => Err(FetchError::Failed("the test breaks the connection".to_owned())),
            Some(StubAnswer::IsSilent) => Err(FetchError::Timeout(0)),
        }
    }
}

/// Whether an address is one that a test has named.
fn leads_to(named: &Url, url: &Url) -> bool {
    let is_any = |segment: &str| {
        // The braces as they stand in a parsed address.
        segment.strip_prefix("%7B").is_some_and(|rest| rest.ends_with("%7D"))
    };
    let segments = |url: &Url| url.path().split('/').map(str::to_owned).collect::<Vec<_>>();
    let (own, asked) = (segments(named), segments(url));
    let is_path = own.len() == asked.len()
        && own.iter().zip(&asked).all(|(own, asked)| own == asked || (is_any(own) && !asked.is_empty()));
    named.origin() == url.origin() && is_path && (named.query().is_none() || named.query() == url.query())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_with_any_segment_and_any_query() {
        let fits =
            |named: &str, url: &str| leads_to(&Url::parse(named).expect("a URL"), &Url::parse(url).expect("a URL"));
        assert!(fits("https://a.test/x/{id}/y", "https://a.test:443/x/1/y?q=2"));
        assert!(fits("https://a.test/x?q=2", "https://a.test/x?q=2"));
        for (named, url) in [
            ("https://a.test/x?q=2", "https://a.test/x?q=3"),
            ("https://a.test/x?q=2", "https://a.test/x"),
            ("https://a.test/x/{id}", "https://a.test/x/"),
            ("https://a.test/x/{id}", "https://a.test/x/1/2"),
            ("https://a.test/x", "http://a.test/x"),
            ("https://a.test/x", "https://a.test:444/x"),
            ("https://a.test/x", "https://b.test/x"),
        ] {
            assert!(!fits(named, url), "{named} {url}");
        }
    }
}
