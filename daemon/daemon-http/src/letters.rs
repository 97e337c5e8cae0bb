//! The operator's view of dead letters: list, retry and drop, one or many.

use crate::admin::read_if_given;
use crate::api::Api;
use crate::auth::Admin;
use crate::error::ApiResult;
use crate::query::{Params, invalid};
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use contract_model::{PluginSlug, limits};
use daemon_host::{DeadLetterQuery, Taken};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    payload: Option<Value>,
}

/// Lists dead letters, of all tenants or as the query narrows them, with the next page as a `Link` where there is one.
pub(crate) async fn list(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let params = Params::of(&uri, &["tenant", "topic", "plugin", "code", "all", "after", "limit"])?;
    let limit = params.page(limits::DEAD_LETTERS_PAGE_MAX, "DEAD_LETTERS_PAGE_MAX")?;
    let limit = limit.unwrap_or(limits::DEAD_LETTERS_PAGE_MAX);
    let page = api.backend.dead_letters(&query(&params)?, usize::try_from(limit).unwrap_or(usize::MAX))?;
    let response = reply::json(200, &page.letters);
    Ok(match page.next.filter(|_| limit > 0) {
        Some(next) => reply::linked(response, &uri, "after", next),
        None => response,
    })
}

/// Shows a dead letter.
pub(crate) async fn show(State(api): State<Api>, _: Admin, Segment(id): Segment<String>) -> ApiResult<Response> {
    Ok(reply::json(200, &api.backend.dead_letter(&id)?))
}

/// Offers a dead letter's event to its subscription again, with another payload if the body has one.
pub(crate) async fn retry(
    State(api): State<Api>,
    _: Admin,
    Segment(id): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let edited: Edited = read_if_given(&api, request).await?;
    api.backend.retry_dead_letter(&id, edited.payload).await?;
    Ok(reply::json(200, &json!({"id": id, "state": "pending"})))
}

/// Offers the events of all dead letters again that the query names; of very many the first, and says where to go on.
pub(crate) async fn retry_many(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let Taken { count, left, next } = api.backend.retry_dead_letters(&many(&uri)?).await?;
    Ok(reply::json(200, &json!({"count": count, "left": left, "next": next, "state": "pending"})))
}

/// Gives a dead letter up.
pub(crate) async fn give_up(State(api): State<Api>, _: Admin, Segment(id): Segment<String>) -> ApiResult<Response> {
    api.backend.drop_dead_letter(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Gives all dead letters up that the query names; of very many the first, and says where to go on.
pub(crate) async fn give_up_many(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let Taken { count, next, .. } = api.backend.drop_dead_letters(&many(&uri)?).await?;
    Ok(reply::json(200, &json!({"count": count, "next": next, "state": "dropped"})))
}

/// The letters that a query names.
fn query(params: &Params) -> ApiResult<DeadLetterQuery> {
    let plugin = params.text("plugin").map(PluginSlug::new).transpose();
    Ok(DeadLetterQuery {
        tenant: params.tenant("tenant")?,
        topic: params.pattern("topic")?,
        plugin: plugin.map_err(|error| invalid(error.to_string()))?,
        code: params.text("code").map(str::to_owned),
        after: params.text("after").map(str::to_owned),
    })
}

/// Like [`query`], for what cannot be taken back: who means all must say so.
fn many(uri: &Uri) -> ApiResult<DeadLetterQuery> {
    let params = Params::of(uri, &["tenant", "topic", "plugin", "code", "after", "all"])?;
    let wanted = query(&params)?;
    let DeadLetterQuery { tenant, topic, plugin, code, .. } = &wanted;
    let all = params.text("all") == Some("true");
    if !all && tenant.is_none() && topic.is_none() && plugin.is_none() && code.is_none() {
        return Err(invalid("name tenant, topic, plugin or code, or say `all=true`".to_owned()));
    }
    Ok(wanted)
}
