//! The operator's view of jobs: list, show, run now, cancel.

use crate::admin::read;
use crate::api::Api;
use crate::auth::Admin;
use crate::error::ApiResult;
use crate::query::{Params, invalid};
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::http::Uri;
use axum::response::Response;
use contract_model::{TenantId, limits};
use daemon_host::{JobQuery, JobState};
use serde::Deserialize;
use serde_json::{Value, json};

const LISTED: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunNow {
    name: String,
    tenant: Option<TenantId>,
    #[serde(default)]
    args: Value,
}

/// Lists jobs that are not over and those that failed, or those in the state asked for, with the next page as a `Link`
/// where there is one.
pub(crate) async fn list(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let params = Params::of(&uri, &["tenant", "state", "name", "after", "limit"])?;
    let limit = params.page(limits::JOBS_PAGE_MAX, "JOBS_PAGE_MAX")?.and_then(|limit| usize::try_from(limit).ok());
    let query = JobQuery {
        tenant: params.tenant("tenant")?,
        state: params.text("state").map(JobState::parse).transpose().map_err(invalid)?,
        name: params.text("name").map(str::to_owned),
        after: params.text("after").map(str::to_owned),
        limit: limit.unwrap_or(LISTED),
    };
    let page = api.backend.jobs(&query)?;
    let response = reply::json(200, &page.jobs);
    Ok(match page.next {
        Some(next) => reply::linked(response, &uri, "after", next),
        None => response,
    })
}

/// Lists schedules.
pub(crate) async fn schedules(State(api): State<Api>, _: Admin) -> Response {
    reply::json(200, &api.backend.schedules())
}

/// Shows a job.
pub(crate) async fn show(
    State(api): State<Api>,
    _: Admin,
    Segment(id): Segment<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let tenant = Params::of(&uri, &["tenant"])?.tenant("tenant")?;
    Ok(reply::json(200, &api.backend.job(&id, tenant.as_ref())?))
}

/// Enqueues a job for now: for one tenant, or for each.
pub(crate) async fn run_now(State(api): State<Api>, _: Admin, request: Request) -> ApiResult<Response> {
    let wanted: RunNow = read(&api, request).await?;
    let ids = api.backend.run_job_now(&wanted.name, wanted.tenant.as_ref(), wanted.args).await?;
    Ok(reply::json(202, &json!({"name": wanted.name, "ids": ids})))
}

/// Ends a job that has not ended.
pub(crate) async fn cancel(
    State(api): State<Api>,
    _: Admin,
    Segment(id): Segment<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let tenant = Params::of(&uri, &["tenant"])?.tenant("tenant")?;
    api.backend.cancel_job(&id, tenant.as_ref()).await?;
    Ok(reply::json(200, &json!({"id": id, "state": "cancelled"})))
}
