//! The event log: publish, list, show, follow a request to its outcome, and the story.

mod lines;

use crate::api::Api;
use crate::auth::{Member, Reader, forbidden};
use crate::body;
use crate::cloudevent;
use crate::error::{ApiError, ApiResult};
use crate::query::{Params, invalid};
use crate::reply;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use contract_model::cloudevent::CloudEvent;
use contract_model::{ErrorCode, Event, EventId, Sequence, TenantId, limits};
use daemon_access::SCOPE_EVENTS_PUBLISH;
use daemon_host::{EventQuery, Outcome, Published};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const LIST_DEFAULT: u64 = 100;
const WAIT_MAX: Duration = Duration::from_millis(limits::OUTCOME_WAIT_MS_MAX);
/// An event's payload and its attributes around it.
const EVENT_BODY_BYTES_MAX: u64 = limits::HTTP_BODY_BYTES_MAX;

/// `POST /api/events`: 202 when stored, 200 when it was there already; with `Prefer: wait=N` the outcome of a request. A
/// body of lines is a stream of events, and each is answered by a line.
pub(crate) async fn publish(State(api): State<Api>, member: Member, request: Request) -> ApiResult<Response> {
    if !member.publishes {
        return Err(forbidden(format!("this needs a token with the scope `{SCOPE_EVENTS_PUBLISH}`")));
    }
    let (parts, body) = request.into_parts();
    let wait = preferred_wait(&parts.headers)?;
    if lines::are_sent(&parts.headers) {
        return lines::answer(&api, member, &parts.headers, wait, body);
    }
    let mut received = body::read(&api, body, EVENT_BODY_BYTES_MAX).await?;
    let value = if received.is_empty() { Value::Null } else { received.json()? };
    let event = cloudevent::read(&member, &parts.headers, value)?;
    let (published, outcome) = match wait {
        Some(wait) => api.backend.request(event, wait).await?,
        None => (api.backend.publish(event).await?, None),
    };
    let response = match outcome {
        Some(outcome) => reply::json(200, &Requested::new(&published, &outcome)),
        None => reply::json(if published.duplicate { 200 } else { 202 }, &published),
    };
    Ok(located(response, &published.id))
}

/// `GET /api/events`: a CloudEvents batch, with the next page as a `Link`. A page that met a limit before it was full has
/// one too, and may be empty.
pub(crate) async fn list(State(api): State<Api>, reader: Reader, uri: Uri) -> ApiResult<Response> {
    let params = Params::of(&uri, &["topic", "correlation", "after", "before", "limit", "order", "tenant"])?;
    let newest_first = match params.text("order") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(invalid("`order` must be asc (oldest first) or desc".to_owned())),
    };
    let limit = params.page(limits::EVENTS_PAGE_MAX, "EVENTS_PAGE_MAX")?.unwrap_or(LIST_DEFAULT);
    let query = EventQuery {
        tenant: reader.tenant(params.tenant("tenant")?)?,
        topic: params.pattern("topic")?,
        correlation: params.text("correlation").map(str::to_owned),
        after: Sequence(params.number("after", u64::MAX)?.unwrap_or(0)),
        before: params.number("before", u64::MAX)?.map(Sequence),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        bytes: None,
        newest_first,
    };
    let page = api.backend.events(query)?;
    let batch: Vec<CloudEvent<'_>> = page.events.iter().map(|event| event.cloudevent()).collect();
    let response = reply::json_as(200, "application/cloudevents-batch+json", &batch);
    let place = if newest_first { "before" } else { "after" };
    Ok(match page.next.filter(|_| limit > 0) {
        Some(next) => reply::linked(response, &uri, place, next),
        None => response,
    })
}

/// `GET /api/events/{id}`.
pub(crate) async fn show(
    State(api): State<Api>,
    reader: Reader,
    Path(id): Path<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let params = Params::of(&uri, &["tenant"])?;
    let (_, event) = find(&api, &reader, params.tenant("tenant")?, &id)?;
    Ok(reply::json_as(200, "application/cloudevents+json", &event.cloudevent()))
}

/// `GET /api/events/{id}/outcome?wait=5s`.
pub(crate) async fn outcome(
    State(api): State<Api>,
    reader: Reader,
    Path(id): Path<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let params = Params::of(&uri, &["wait", "tenant"])?;
    let wait = params.duration("wait", WAIT_MAX)?;
    let (tenant, _) = find(&api, &reader, params.tenant("tenant")?, &id)?;
    let outcome = api.backend.outcome(&tenant, &id, wait).await?;
    Ok(reply::json(200, &Told::from(&outcome)))
}

/// `GET /api/events/{id}/story`: the steps at the start of the story, each with what it caused. Of a long story a page:
/// `next` says after which position the next one begins, and so does a `Link`.
pub(crate) async fn story(
    State(api): State<Api>,
    reader: Reader,
    Path(id): Path<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let params = Params::of(&uri, &["after", "limit", "tenant"])?;
    let after = Sequence(params.number("after", u64::MAX)?.unwrap_or(0));
    let limit = params.page(limits::STORY_PAGE_MAX, "STORY_PAGE_MAX")?.unwrap_or(limits::STORY_PAGE_MAX).max(1);
    let (tenant, event) = find(&api, &reader, params.tenant("tenant")?, &id)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = api.backend.story(&tenant, &id, after, limit)?.ok_or_else(|| unknown(&id))?;
    let response =
        reply::json(200, &json!({"correlationid": event.correlation, "story": page.roots, "next": page.next}));
    Ok(match page.next {
        Some(next) => reply::linked(response, &uri, "after", next),
        None => response,
    })
}

/// The event and its tenant. The admin may leave the tenant out as long as only one has an event of this id.
fn find(api: &Api, reader: &Reader, asked: Option<TenantId>, id: &str) -> ApiResult<(TenantId, Arc<Event>)> {
    EventId::new(id).map_err(|error| ApiError::new(ErrorCode::NotFound, error.to_string()))?;
    let tenants = match reader.tenant(asked)? {
        Some(tenant) => vec![tenant],
        None => api.access.tenants(),
    };
    let mut found = None;
    for tenant in tenants {
        let Some(event) = api.backend.event(&tenant, id)? else { continue };
        if found.replace((tenant, event)).is_some() {
            return Err(invalid(format!("several tenants have an event `{id}`; name one with `tenant`")));
        }
    }
    found.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no event `{id}`"))
}

/// `Prefer: wait=N` in seconds; other preferences are not ours to honour and are passed over.
fn preferred_wait(headers: &HeaderMap) -> ApiResult<Option<Duration>> {
    let lines = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let wait = lines.flat_map(|line| line.split([',', ';'])).find_map(|part| part.trim().strip_prefix("wait="));
    let Some(text) = wait else { return Ok(None) };
    let seconds: u64 = text
        .trim_matches('"')
        .parse()
        .map_err(|_| invalid("`Prefer: wait=N` takes a whole number of seconds".to_owned()))?;
    Ok(Some(Duration::from_secs(seconds).min(WAIT_MAX)))
}

/// What became of a request. Fields are in the order of their names, as in all answers.
#[derive(Serialize)]
struct Told<'a> {
    reply: Option<CloudEvent<'a>>,
    status: &'static str,
}

impl<'a> From<&'a Outcome> for Told<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let (status, reply) = match outcome {
            Outcome::Ok(event) => ("ok", Some(event)),
            Outcome::Error(event) => ("error", Some(event)),
            Outcome::Pending => ("pending", None),
            Outcome::Timeout => ("timeout", None),
            Outcome::NoResponder => ("no_responder", None),
        };
        Self { reply: reply.map(|event| event.cloudevent()), status }
    }
}

/// A request that was published, with what became of it.
#[derive(Serialize)]
struct Requested<'a> {
    duplicate: bool,
    id: &'a str,
    reply: Option<CloudEvent<'a>>,
    sequence: Sequence,
    status: &'static str,
}

impl<'a> Requested<'a> {
    fn new(published: &'a Published, outcome: &'a Outcome) -> Self {
        let Told { reply, status } = outcome.into();
        let Published { id, sequence, duplicate } = published;
        Self { duplicate: *duplicate, id, reply, sequence: *sequence, status }
    }
}

fn located(mut response: Response, id: &str) -> Response {
    if let Ok(place) = HeaderValue::from_str(&format!("/api/events/{}", reply::path_segment(id))) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}
