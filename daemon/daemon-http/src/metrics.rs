//! `GET /metrics`: what is counted, in the text format that Prometheus reads.
//!
//! Every label comes from a closed set: routes as they are mounted, plugins, topics, codes, limits. What a client makes
//! up is never one, so the number of series does not grow with traffic.

mod figures;
mod plain;

use crate::api::Api;
use crate::auth::Admin;
use crate::error::ApiResult;
use crate::meter::Served;
use crate::reply;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use contract_model::ErrorCode;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the figures to the administrator; under `dev` on a loopback address to anyone there.
pub(crate) async fn get(State(api): State<Api>, request: Request) -> ApiResult<Response> {
    let (parts, _) = request.into_parts();
    if !api.open_metrics {
        Admin::of(&api, &parts.headers)?;
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(figures::Figures::of(&api)?));
    let mut out = String::new();
    text::encode(&mut out, &registry).map_err(|error| {
        crate::error::ApiError::new(ErrorCode::Internal, format!("the figures cannot be written: {error}"))
    })?;
    let accepts = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, page) =
        if accepts.contains("application/openmetrics-text") { (OPEN_METRICS, out) } else { (PLAIN, plain::of(&out)) };
    Ok(reply::body(200, media_type, Body::from(page)))
}

/// Notes in the answer of a fixed route which one it was.
pub(crate) async fn note_route(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(Served::Fixed(path));
    }
    response
}
