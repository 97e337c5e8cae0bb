//! Quotas: list, set.

use crate::admin::read;
use crate::api::Api;
use crate::auth::Admin;
use crate::error::ApiResult;
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewQuota {
    /// None takes what was set back.
    value: Option<u64>,
    /// The tenant or plugin it is for.
    of: Option<String>,
}

/// Lists the quotas in force.
pub(crate) async fn list(State(api): State<Api>, _: Admin) -> Response {
    reply::json(200, &api.backend.quotas())
}

/// Sets one.
pub(crate) async fn set(
    State(api): State<Api>,
    _: Admin,
    Segment(name): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let NewQuota { value, of } = read(&api, request).await?;
    api.backend.set_quota(name, of, value).await?;
    Ok(reply::json(200, &api.backend.quotas()))
}
