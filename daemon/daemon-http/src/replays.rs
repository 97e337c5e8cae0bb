//! Replays: begin, list, cancel.

use crate::admin::read;
use crate::api::Api;
use crate::auth::Admin;
use crate::error::{ApiError, ApiResult};
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use contract_model::event::parse_rfc3339;
use contract_model::{ErrorCode, Sequence, TenantId};
use daemon_host::{ReplayFrom, ReplayRequest};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewReplay {
    subscription: String,
    from: Value,
    until: Option<Sequence>,
    tenant: Option<TenantId>,
    rate: Option<u32>,
}

/// Begins a replay.
pub(crate) async fn begin(State(api): State<Api>, _: Admin, request: Request) -> ApiResult<Response> {
    let NewReplay { subscription, from, until, tenant, rate } = read(&api, request).await?;
    let from = match &from {
        Value::Number(sequence) => sequence.as_u64().map(|sequence| ReplayFrom::Sequence(Sequence(sequence))),
        Value::String(time) => parse_rfc3339(time).map(ReplayFrom::Time),
        _ => None,
    };
    let from = from.ok_or_else(|| {
        let message = "`from` must be a sequence, or a time such as \"2026-11-01T00:00:00Z\"";
        ApiError::new(ErrorCode::BodyInvalid, message)
    })?;
    let replay = api.backend.replay(ReplayRequest { subscription, from, until, tenant, rate }).await?;
    Ok(reply::json(202, &replay))
}

/// Lists those that have not ended.
pub(crate) async fn list(State(api): State<Api>, _: Admin) -> ApiResult<Response> {
    Ok(reply::json(200, &api.backend.replays()?))
}

/// Ends one.
pub(crate) async fn cancel(State(api): State<Api>, _: Admin, Segment(id): Segment<String>) -> ApiResult<Response> {
    api.backend.cancel_replay(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
