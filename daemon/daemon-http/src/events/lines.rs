//! Events as the lines of one body: published in order, each answered when it is on disk.
//!
//! A client that waits for each answer before it sends the next event waits for a flush every time, and one that opens
//! many connections pays for a request an event. Lines cost neither: what came meanwhile goes to disk with one flush.

use super::Requested;
use crate::api::Api;
use crate::auth::{Member, Token};
use crate::cloudevent;
use crate::error::ApiResult;
use crate::json::{self, Text};
use crate::ndjson::{self, Lines};
use crate::query::invalid;
use crate::room::Share;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use contract_model::limits;
use daemon_host::HostError;
use std::time::Duration;

const MEDIA_TYPES: [&str; 2] = [ndjson::MEDIA_TYPE, "application/ndjson"];

/// Whether the body is one event a line.
pub(super) fn are_sent(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    MEDIA_TYPES.iter().any(|lines| media_type.eq_ignore_ascii_case(lines))
}

/// Answers a stream of events. With a wait each line is answered by the outcome of its request.
pub(super) fn answer(
    api: &Api,
    member: Member,
    headers: &HeaderMap,
    wait: Option<Duration>,
    body: Body,
) -> ApiResult<Response> {
    if headers.contains_key("ce-type") {
        let message = "the events of a stream have their attributes in their lines; leave out the `ce-` headers";
        return Err(invalid(message.to_owned()));
    }
    if headers.contains_key("idempotency-key") {
        let message =
            "each event of a stream has a key of its own, its attribute `idempotencykey`; leave out the header";
        return Err(invalid(message.to_owned()));
    }
    let token = Token::of(headers)?;
    Ok(ndjson::answer(api, Events { api: api.clone(), member, token, wait }, body))
}

struct Events {
    api: Api,
    member: Member,
    token: Token,
    wait: Option<Duration>,
}

impl Lines for Events {
    const WINDOW_MAX: u64 = limits::EVENT_LINES_WINDOW_MAX;

    /// A reply is as long as its author likes; that an event is on disk is told in a few words.
    fn answer_bytes(&self) -> u64 {
        if self.wait.is_some() { 64 * 1024 } else { 512 }
    }

    fn goes_on(&self) -> ApiResult<()> {
        self.token.holds(&self.api)
    }

    fn submit(&self, line: &[u8], of: Text, share: &mut Share) -> ApiResult<ndjson::Answer> {
        let event = cloudevent::read_line(&self.member, json::read(line, of, share)?, of)?;
        let refused = move |mut why: HostError| {
            why.error.message = format!("{of}: {}", why.error.message);
            why
        };
        let Some(wait) = self.wait else {
            let published = self.api.backend.publish(event);
            return Ok(Box::pin(async move { Ok(ndjson::text(&published.await.map_err(refused)?)) }));
        };
        let outcome = self.api.backend.request(event, wait);
        Ok(Box::pin(async move {
            let (published, outcome) = outcome.await.map_err(refused)?;
            Ok(outcome.map_or_else(
                || ndjson::text(&published),
                |outcome| ndjson::text(&Requested::new(&published, &outcome)),
            ))
        }))
    }
}
