//! The operator's view of dead letters: list, retry and drop, one or many.

use crate::admin::read;
use crate::api::Api;
use crate::auth::Admin;
use crate::error::ApiResult;
use crate::query::{Params, invalid};
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use daemon_host::{DeadLetterQuery, Retried};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    payload: Option<Value>,
}

/// Lists dead letters, of all tenants or as the query narrows them.
pub(crate) async fn list(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let (query, _) = wanted(&uri)?;
    Ok(reply::json(200, &api.backend.dead_letters(&query)?))
}

/// Offers a dead letter's event to its subscription again, with another payload if the body has one.
pub(crate) async fn retry(
    State(api): State<Api>,
    _: Admin,
    Segment(id): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let has_body = request.headers().get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    let edited: Edited = if has_body { read(&api, request).await? } else { Edited::default() };
    api.backend.retry_dead_letters(&DeadLetterQuery::of(&id), edited.payload).await?;
    Ok(reply::json(200, &json!({"id": id, "state": "pending"})))
}

/// Offers the events of all dead letters again that the query names.
pub(crate) async fn retry_many(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let Retried { count, left } = api.backend.retry_dead_letters(&many(&uri)?, None).await?;
    Ok(reply::json(200, &json!({"count": count, "left": left, "state": "pending"})))
}

/// Gives a dead letter up.
pub(crate) async fn give_up(State(api): State<Api>, _: Admin, Segment(id): Segment<String>) -> ApiResult<Response> {
    api.backend.drop_dead_letters(&DeadLetterQuery::of(&id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Gives all dead letters up that the query names.
pub(crate) async fn give_up_many(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let count = api.backend.drop_dead_letters(&many(&uri)?).await?;
    Ok(reply::json(200, &json!({"count": count, "state": "dropped"})))
}

/// The letters that a query names, and whether it says that it means all.
fn wanted(uri: &Uri) -> ApiResult<(DeadLetterQuery, bool)> {
    let params = Params::of(uri, &["tenant", "topic", "plugin", "code", "all"])?;
    let query = DeadLetterQuery {
        tenant: params.tenant("tenant")?,
        topic: params.patterns("topic")?.into_iter().next(),
        plugin: params.text("plugin").map(str::to_owned),
        code: params.text("code").map(str::to_owned),
        ids: Vec::new(),
    };
    Ok((query, params.text("all") == Some("true")))
}

/// Like [`wanted`], for what cannot be taken back: who means all must say so.
fn many(uri: &Uri) -> ApiResult<DeadLetterQuery> {
    let (query, all) = wanted(uri)?;
    let DeadLetterQuery { tenant, topic, plugin, code, .. } = &query;
    if !all && tenant.is_none() && topic.is_none() && plugin.is_none() && code.is_none() {
        return Err(invalid("name tenant, topic, plugin or code, or say `all=true`".to_owned()));
    }
    Ok(query)
}
