//! Asks hosts outside, for plugins that were granted them.
//!
//! A fetch goes to a host that the plugin's manifest names, at an address that anybody may reach: where a name leads
//! to a private address it is refused, and the connection goes to the very address that was looked at, so a name that
//! changes its mind in between changes nothing. Each redirect is looked at in the same way. Reading order: `grant` and
//! `address` say where it may go, `exchange` is one request with its answer, this file repeats and follows.
//!
//! Invariant: every connection of this crate is made by `exchange`, after both have agreed. Where there is a stand-in
//! for the hosts outside, as in a test, it makes none.

mod address;
mod exchange;
mod grant;

pub use address::is_public;
pub use grant::allows;

use contract_model::limits::{FETCH_ATTEMPTS_MAX, FETCH_REDIRECTS_MAX};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

/// Where a plugin's fetches may go.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// The hosts that it was granted, as in `net:` permissions.
    pub hosts: &'a [String],
    /// Which addresses may be reached: [`is_public`] ones, or all where an operator lets plugins reach private ones.
    pub may_reach: fn(IpAddr) -> bool,
    /// Answers in place of all hosts, at once and without a pause between attempts; none where they are to be asked.
    pub stand_in: Option<&'a StandIn<'a>>,
}

/// What answers in place of the hosts outside.
pub type StandIn<'a> = dyn Fn(&Request) -> Result<Answer, FetchError> + Send + Sync + 'a;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Upper-case method.
    pub method: String,
    /// Where.
    pub url: Url,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
    /// How often it is tried at most, from 1.
    pub attempts: u32,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header lines by name in lower case; those of one name are joined by commas.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host is not among those granted.
    #[error("`{0}` is not granted")]
    NotGranted(String),
    /// The host's address is one that not everybody may reach.
    #[error("`{host}` leads to {address}, which is no public address")]
    NotPublic {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// Something in the request cannot be sent.
    #[error("{0}")]
    Invalid(String),
    /// No connection, no encryption or no answer.
    #[error("{0}")]
    Failed(String),
    /// The answer is a redirect that leads nowhere.
    #[error("{0}")]
    Redirect(String),
    /// The answer is too long.
    #[error("the answer is longer than {0} bytes (FETCH_BYTES_MAX)")]
    TooLarge(u64),
    /// Time ran out.
    #[error("no answer within {0} ms")]
    Timeout(u128),
    /// The stand-in knows no answer to this.
    #[error("{0}")]
    Unexpected(String),
}

/// Asks until there is an answer that is worth having, the attempts are used up, or it is `until`.
///
/// Failed connections and the statuses 429, 502, 503 and 504 are tried again, after a pause that doubles, or the one
/// that the answer asks for.
///
/// # Errors
/// Why there is no answer. An answer of any status is one.
pub async fn fetch(bounds: &Bounds<'_>, request: &Request, until: Instant) -> Result<Answer, FetchError> {
    let began = Instant::now();
    let attempts = u64::from(request.attempts).clamp(1, FETCH_ATTEMPTS_MAX);
    let mut attempt = 1;
    loop {
        let outcome = timeout_at(until, follow(bounds, request)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(FetchError::Timeout(began.elapsed().as_millis())));
        let Some(pause) = pause(&outcome, attempt).filter(|_| attempt < attempts) else { return outcome };
        if Instant::now().checked_add(pause).is_none_or(|at| at >= until) {
            return outcome;
        }
        if bounds.stand_in.is_none() {
            sleep(pause).await;
        }
        attempt += 1;
    }
}

/// How long to wait before the next attempt, where it may help.
fn pause(outcome: &Result<Answer, FetchError>, attempt: u64) -> Option<Duration> {
    match outcome {
        Ok(answer) if matches!(answer.status, 429 | 502 | 503 | 504) => {
            Some(asked_for(answer.headers.get("retry-after")?.as_str()).unwrap_or_else(|| backoff(attempt)))
        }
        Err(FetchError::Failed(_)) => Some(backoff(attempt)),
        _ => None,
    }
}

fn backoff(attempt: u64) -> Duration {
    let full = Duration::from_millis(200) * 2_u32.saturating_pow(u32::try_from(attempt - 1).unwrap_or(u32::MAX));
    full.mul_f64(rand::random_range(0.5..1.0))
}

/// `Retry-After`: seconds, or a date.
fn asked_for(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

/// One attempt, through all redirects.
async fn follow(bounds: &Bounds<'_>, request: &Request) -> Result<Answer, FetchError> {
    let mut request = request.clone();
    for _ in 0..=FETCH_REDIRECTS_MAX {
        let answer = match bounds.stand_in {
            None => exchange::exchange(bounds, &request).await?,
            Some(answer) => exchange::message(bounds, &request).and_then(|_| answer(&request))?,
        };
        match redirected(&request, &answer)? {
            Some(next) => request = next,
            None => return Ok(answer),
        }
    }
    Err(FetchError::Redirect(format!("more than {FETCH_REDIRECTS_MAX} redirects (FETCH_REDIRECTS_MAX)")))
}

/// The request that an answer sends on to, if it does.
fn redirected(request: &Request, answer: &Answer) -> Result<Option<Request>, FetchError> {
    let Some(to) = answer.headers.get("location").filter(|_| matches!(answer.status, 301 | 302 | 303 | 307 | 308))
    else {
        return Ok(None);
    };
    let url = request.url.join(to).map_err(|error| FetchError::Redirect(format!("a redirect to `{to}`: {error}")))?;
    let mut next = Request { url, ..request.clone() };
    let keeps_method = matches!(answer.status, 307 | 308) || matches!(request.method.as_str(), "GET" | "HEAD");
    if !keeps_method {
        "GET".clone_into(&mut next.method);
        next.body = None;
        next.headers.retain(|(name, _)| !name.starts_with("content-"));
    }
    // Who is asked now was not given these.
    if next.url.origin() != request.url.origin() {
        next.headers.retain(|(name, _)| !matches!(name.as_str(), "authorization" | "cookie" | "idempotency-key"));
    }
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> Request {
        let pairs = [("authorization", "secret"), ("content-type", "text/plain"), ("accept", "*/*")];
        let headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let url = Url::parse("https://api.example.test/a/b").expect("a URL");
        Request { method: method.to_owned(), url, headers, body: Some("x".to_owned()), attempts: 1 }
    }

    fn to(status: u16, place: &str) -> Answer {
        let headers = BTreeMap::from([("location".to_owned(), place.to_owned())]);
        Answer { status, headers, body: Vec::new() }
    }

    #[test]
    fn a_redirect_takes_along_what_its_kind_and_its_place_allow() {
        let next = redirected(&request("POST"), &to(307, "../c")).expect("fine").expect("a redirect");
        assert_eq!((next.url.as_str(), next.method.as_str()), ("https://api.example.test/c", "POST"));
        assert_eq!((next.headers.len(), next.body.as_deref()), (3, Some("x")));
        let next = redirected(&request("POST"), &to(303, "/d")).expect("fine").expect("a redirect");
        assert_eq!((next.method.as_str(), next.body), ("GET", None));
        assert!(next.headers.iter().all(|(name, _)| name != "content-type"));
        let next = redirected(&request("GET"), &to(302, "https://other.test/")).expect("fine").expect("a redirect");
        assert!(next.headers.iter().all(|(name, _)| name != "authorization"), "{next:?}");
        assert!(redirected(&request("GET"), &to(200, "/d")).expect("fine").is_none());
    }

    #[test]
    fn what_may_help_is_tried_again_when_the_answer_says() {
        let busy = |after: &str| {
            let headers = BTreeMap::from([("retry-after".to_owned(), after.to_owned())]);
            Ok(Answer { status: 503, headers, body: Vec::new() })
        };
        assert_eq!(pause(&busy("3"), 1), Some(Duration::from_secs(3)));
        assert_eq!(pause(&busy("Wed, 21 Oct 2015 07:28:00 GMT"), 1), Some(Duration::ZERO));
        let third = pause(&Err(FetchError::Failed(String::new())), 3).expect("again");
        assert!((Duration::from_millis(400)..Duration::from_millis(800)).contains(&third), "{third:?}");
        for outcome in [Ok(to(404, "")), Err(FetchError::TooLarge(1)), Err(FetchError::NotGranted(String::new()))] {
            assert_eq!(pause(&outcome, 1), None);
        }
    }

    /// A host on the loopback interface that sends on to another, of which the plugin was granted both.
    #[tokio::test]
    async fn a_redirect_to_an_address_that_may_not_be_reached_is_refused_after_the_first_was_asked() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let [open, closed] = [2, 1].map(|last| IpAddr::from([127, 0, 0, last]));
        let may_reach = |address: IpAddr| address == IpAddr::from([127, 0, 0, 2]);
        let near = tokio::net::TcpListener::bind((open, 0)).await.expect("a port");
        let far = tokio::net::TcpListener::bind((closed, 0)).await.expect("a port");
        let [near_port, far_port] = [&near, &far].map(|one| one.local_addr().expect("an address").port());
        let sends_on = tokio::spawn(async move {
            let (mut stream, _) = near.accept().await.expect("is asked");
            let _ = stream.read(&mut [0; 1024]).await.expect("a request");
            let head =
                format!("HTTP/1.1 302 Found\r\nlocation: http://localhost:{far_port}/\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await.expect("answers");
        });
        let hosts = [format!("127.0.0.2:{near_port}"), format!("localhost:{far_port}")];
        let bounds = Bounds { hosts: &hosts, may_reach, stand_in: None };
        let url = Url::parse(&format!("http://127.0.0.2:{near_port}/")).expect("a URL");
        let request = Request { url, body: None, ..request("GET") };
        let refused = fetch(&bounds, &request, Instant::now() + Duration::from_secs(30)).await.expect_err("refused");
        assert!(matches!(&refused, FetchError::NotPublic { host, .. } if host == "localhost"), "{refused}");
        sends_on.await.expect("the first one was asked");
        let nobody = tokio::time::timeout(Duration::from_millis(100), far.accept()).await;
        assert!(nobody.is_err(), "the second one was asked");
    }
}
