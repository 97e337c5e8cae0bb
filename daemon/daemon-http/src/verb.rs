//! Verbs: the routes that plugins mount under `/api/<slug>/`.

use crate::api::{Api, now_ms};
use crate::auth::{self, Admin, Token};
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::headers::{idempotency_key, lines, trace};
use crate::json::{self, Text};
use crate::meter::Served;
use crate::ndjson::{self, Lines};
use crate::query;
use crate::reply;
use crate::room::Share;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use contract_model::{ErrorCode, ids::ulid, limits};
use contract_schema::Violation;
use daemon_host::{ReplyBody, Route, VerbReply, VerbRequest};
use serde_json::{Value, json};
use std::sync::Arc;

/// First segments below `/api/` that are the daemon's own.
const OWN: [&str; 7] = ["events", "realtime", "collections", "auth", "docs", "openapi.json", "asyncapi.json"];

/// Serves what no fixed route takes: a verb, or nothing at all.
pub(crate) async fn serve(State(api): State<Api>, request: Request) -> Response {
    if !is_verb_path(request.uri().path()) {
        return ApiError::no_route(request.uri().path()).into_response();
    }
    let request_id = ulid(now_ms(), rand::random());
    let mut served = None;
    let answered = call(&api, request, &request_id, &mut served).await;
    let mut response = answered.unwrap_or_else(|error| error.envelope());
    if let Some(route) = served {
        response.extensions_mut().insert(Served::Verb(route));
    }
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn call(api: &Api, request: Request, request_id: &str, served: &mut Option<Arc<Route>>) -> ApiResult<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let found =
        api.table().find(&parts.method, path).map_err(|error| of_idle(api, &parts.headers, path).unwrap_or(error))?;
    *served = Some(Arc::clone(&found.route));
    let caller = auth::admit(api, &parts.headers, &found.route)?;
    demand_key(&found.route, &parts.headers)?;
    // What a verb did is answered whatever room there is, so it is not called while there is none.
    api.answers.open()?;
    let mut call = VerbRequest {
        tenant: caller.tenant,
        identity: caller.identity,
        route: found.route,
        params: found.params,
        query: query::free(&parts.uri),
        headers: lines(&parts.headers),
        body: Value::Null,
        request_id: request_id.to_owned(),
        trace: trace(&parts.headers),
    };
    if call.route.options.stream.as_deref() == Some("ndjson") {
        let token = Token::if_given(&parts.headers)?;
        return Ok(ndjson::answer(api, Calls { api: api.clone(), token, template: call }, body));
    }
    let max = call.route.options.body_bytes_max.unwrap_or(limits::HTTP_BODY_BYTES_MAX);
    let max = max.min(limits::ROUTE_BODY_BYTES_MAX);
    let mut received = body::read(api, body, max).await?;
    let is_empty = received.is_empty();
    if !is_empty {
        call.body = received.json()?;
    }
    check(&call.route, &call.body, Text::Body).map_err(|error| if is_empty { no_body(error) } else { error })?;
    Ok(reply::verb(api.backend.submit(call).await?))
}

/// The calls that the lines of one body are.
struct Calls {
    api: Api,
    /// None on a route that takes callers without.
    token: Option<Token>,
    template: VerbRequest,
}

impl Lines for Calls {
    const WINDOW_MAX: u64 = limits::NDJSON_WINDOW_MAX;

    fn answer_bytes(&self) -> u64 {
        64 * 1024
    }

    fn goes_on(&self) -> ApiResult<()> {
        self.token.as_ref().map_or(Ok(()), |token| token.holds(&self.api))
    }

    fn submit(&self, line: &[u8], of: Text, share: &mut Share) -> ApiResult<ndjson::Answer> {
        let body = json::read(line, of, share)?;
        check(&self.template.route, &body, of)?;
        let reply = self.api.backend.submit(VerbRequest { body, ..self.template.clone() });
        Ok(Box::pin(async move { Ok(as_line(reply.await?)) }))
    }
}

fn as_line(reply: VerbReply) -> Vec<u8> {
    let body = match reply.body {
        ReplyBody::Text(text) => ReplyBody::Json(json!({"status": reply.status, "text": text})),
        body => body,
    };
    ndjson::text(&body)
}

/// Checks a body, or a line of one, against the schema its route declares.
fn check(route: &Arc<Route>, body: &Value, of: Text) -> ApiResult<()> {
    let Some(schema) = &route.request else { return Ok(()) };
    let Err(violations) = schema.validate(body) else { return Ok(()) };
    let first = violations.first().map_or_else(String::new, ToString::to_string);
    let more = match violations.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Err(ApiError::new(ErrorCode::BodyInvalid, format!("{of} breaks the route's schema: {first}{more}"))
        .with_details(json!({"violations": violations.iter().map(violation).collect::<Vec<_>>()})))
}

/// An absent body is checked as null, which is not what its sender sees.
fn no_body(error: ApiError) -> ApiError {
    ApiError { message: "the request has no body, and the route's schema asks for one".to_owned(), ..error }
}

fn violation(violation: &Violation) -> Value {
    json!({"pointer": violation.pointer, "message": violation.message})
}

pub(crate) fn is_verb_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/") else { return false };
    let first = rest.split('/').next().unwrap_or_default();
    !first.is_empty() && !first.starts_with('_') && !OWN.contains(&first)
}

/// Why nothing is served below a path, where that is because its plugin does not run. What keeps it from running is told to
/// an administrator only.
fn of_idle(api: &Api, headers: &HeaderMap, path: &str) -> Option<ApiError> {
    let slug = path.strip_prefix("/api/")?.split('/').next()?;
    let plugin = api.backend.plugins().into_iter().find(|plugin| plugin.slug == slug)?;
    let refusal = if Admin::of(api, headers).is_ok() { plugin.refusal_of_admin() } else { plugin.refusal() };
    refusal.map(ApiError::from)
}

fn demand_key(route: &Route, headers: &HeaderMap) -> ApiResult<()> {
    if route.options.idempotent != Some(true) {
        return Ok(());
    }
    match idempotency_key(headers)? {
        Some(_) => Ok(()),
        None => Err(query::invalid("this route needs the header `Idempotency-Key`".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_own_paths_are_no_verbs() {
        assert!(is_verb_path("/api/gl/journals"));
        for own in ["/api/events/x/y/z", "/api/_admin/no", "/api/", "/api", "/x", "/"] {
            assert!(!is_verb_path(own), "{own}");
        }
    }
}
