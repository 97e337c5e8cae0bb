//! The operator's view of plugins: list, show, settings, enable, disable.

use crate::admin::read;
use crate::api::Api;
use crate::auth::Admin;
use crate::error::{ApiError, ApiResult};
use crate::query::{Params, invalid};
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::http::Uri;
use axum::response::Response;
use contract_model::ErrorCode;
use daemon_host::Wish;
use serde_json::{Map, Value};

/// Lists the plugins.
pub(crate) async fn list(State(api): State<Api>, _: Admin) -> Response {
    reply::json(200, &api.backend.plugins())
}

/// Shows one.
pub(crate) async fn show(State(api): State<Api>, _: Admin, Segment(slug): Segment<String>) -> ApiResult<Response> {
    let found = api.backend.plugins().into_iter().find(|plugin| plugin.slug == slug);
    let found = found.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no plugin `{slug}`")))?;
    Ok(reply::json(200, &found))
}

/// The settings of a plugin and their schema.
pub(crate) async fn settings(State(api): State<Api>, _: Admin, Segment(slug): Segment<String>) -> ApiResult<Response> {
    Ok(reply::json(200, &api.backend.settings(&slug)?))
}

/// Gives a plugin these settings and no others.
pub(crate) async fn replace(
    State(api): State<Api>,
    _: Admin,
    Segment(slug): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let settings: Map<String, Value> = read(&api, request).await?;
    wish(&api, slug, Wish::Replace(settings)).await
}

/// Changes some settings of a plugin; null takes one back to its default.
pub(crate) async fn change(
    State(api): State<Api>,
    _: Admin,
    Segment(slug): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let settings: Map<String, Value> = read(&api, request).await?;
    wish(&api, slug, Wish::Change(settings)).await
}

/// The limits of a plugin's calls, and how near they have come to them.
pub(crate) async fn limits(State(api): State<Api>, _: Admin, Segment(slug): Segment<String>) -> ApiResult<Response> {
    Ok(reply::json(200, &api.backend.limits(&slug)?))
}

/// Changes some limits of a plugin's calls; null takes one back to its default.
pub(crate) async fn limit(
    State(api): State<Api>,
    _: Admin,
    Segment(slug): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let changes: Map<String, Value> = read(&api, request).await?;
    api.backend.wish(slug.clone(), Wish::Limit(changes)).await?;
    Ok(reply::json(200, &api.backend.limits(&slug)?))
}

/// Lets a plugin run.
pub(crate) async fn enable(State(api): State<Api>, _: Admin, Segment(slug): Segment<String>) -> ApiResult<Response> {
    wish(&api, slug, Wish::Enable).await
}

/// Stops a plugin; its data stays, and so does what comes for it. With `force=true` no other plugin can keep it.
pub(crate) async fn disable(
    State(api): State<Api>,
    _: Admin,
    Segment(slug): Segment<String>,
    uri: Uri,
) -> ApiResult<Response> {
    let force = match Params::of(&uri, &["force"])?.text("force") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("`force` is `true` or `false`".to_owned())),
    };
    wish(&api, slug, Wish::Disable { force }).await
}

async fn wish(api: &Api, slug: String, wish: Wish) -> ApiResult<Response> {
    Ok(reply::json(200, &api.backend.wish(slug, wish).await?))
}
