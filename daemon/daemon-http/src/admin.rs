//! The operator's interface: tenants, tokens, plugins, dead letters, limits, facts, the store.

use crate::api::{Api, now_ms};
use crate::auth::Admin;
use crate::body;
use crate::error::{ApiError, ApiResult};
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::response::Response;
use contract_model::filter::{Filter, Query};
use contract_model::{ErrorCode, Millis, TenantId, ids::ulid, limits};
use daemon_access::{SCOPE_EVENTS_PUBLISH, TokenRequest};
use daemon_store::{Erased, VerifyReport};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

const FIRST_TOKEN_TTL: Millis = Millis(90 * 24 * 3_600_000);
const BODY_BYTES_MAX: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    tenant: TenantId,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    roles: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    ttl: Millis,
    #[serde(default)]
    user: Option<String>,
}

/// Makes a tenant, with a token of a first user who holds every role of the suite.
pub(crate) async fn create_tenant(State(api): State<Api>, admin: Admin, request: Request) -> ApiResult<Response> {
    let new: NewTenant = read(&api, request).await?;
    if api.access.tenant(&new.tenant).is_some() {
        let message = format!("there is already a tenant `{}`", new.tenant);
        return Err(ApiError::new(ErrorCode::RecordNotUnique, message));
    }
    let name = new.name.as_deref().unwrap_or(new.tenant.as_str());
    let first = TokenRequest {
        tenant: Some(new.tenant.clone()),
        user: service(),
        roles: known_roles(&api),
        scopes: vec![SCOPE_EVENTS_PUBLISH.to_owned()],
        ttl: FIRST_TOKEN_TTL,
    };
    let issued = api.access.create_tenant_by(&admin.by, &new.tenant, name, first)?;
    api.backend.tenant_made(&new.tenant).await?;
    Ok(reply::json(201, &json!({"tenant": new.tenant, "token": issued.token, "id": issued.id})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    confirm: String,
}

/// Erases a tenant, if its name is said twice, and answers when nothing of it is left.
pub(crate) async fn erase_tenant(
    State(api): State<Api>,
    admin: Admin,
    Segment(tenant): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let Confirmed { confirm } = read(&api, request).await?;
    let known = known(&api, &tenant)?;
    if confirm != tenant {
        let message = format!("nothing was erased: `confirm` must be the tenant's name, `{tenant}`");
        return Err(ApiError::new(ErrorCode::BodyInvalid, message));
    }
    // It is brought to its end also where its client does not wait for that.
    let erased = tokio::spawn(erase(api, admin.by, known)).await;
    let erased = erased.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))??;
    Ok(reply::json(200, &erased))
}

async fn erase(api: Api, by: String, tenant: TenantId) -> ApiResult<Erased> {
    let (access, of) = (api.access.clone(), tenant.clone());
    let erased = tokio::task::spawn_blocking(move || access.erase_tenant(&by, &of)).await;
    let erased = erased.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))??;
    // Nothing of it is left on disk, whatever becomes of what is kept beside.
    if let Err(error) = api.backend.tenant_erased(&tenant).await {
        let error = error.line();
        tracing::error!(tenant = tenant.as_str(), error, "what an erased tenant held up goes on at the next start");
    }
    Ok(erased)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explain {
    tenant: TenantId,
    collection: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    sort: String,
    limit: Option<u64>,
}

/// Runs a query over a tenant's records and says how it was answered, without giving any of them.
pub(crate) async fn explain(State(api): State<Api>, _: Admin, request: Request) -> ApiResult<Response> {
    let Explain { tenant, collection, filter, sort, limit } = read(&api, request).await?;
    let known = api.access.tenant(&tenant);
    let known = known.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no tenant `{tenant}`")))?;
    let filter = Filter::parse(&filter, &Map::new());
    let filter = filter.map_err(|error| ApiError::new(ErrorCode::FilterInvalid, error.to_string()))?;
    let sort = sort.split(',').filter(|field| !field.is_empty()).map(|field| match field.strip_prefix('-') {
        Some(field) => (field.to_owned(), true),
        None => (field.to_owned(), false),
    });
    let query = Query { filter, sort: sort.collect(), limit, cursor: None };
    // It may look at the whole collection, which is no work for a thread of the server.
    let run = tokio::task::spawn_blocking(move || api.store.view()?.explain(&known.into(), &collection, &query)).await;
    Ok(reply::json(200, &run.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))??))
}

/// Compacts what was handled and kept long enough.
pub(crate) async fn compact(State(api): State<Api>, _: Admin) -> ApiResult<Response> {
    Ok(reply::json(200, &api.backend.compact().await?))
}

/// Issues a token of a tenant; its text is shown this once.
pub(crate) async fn issue_token(
    State(api): State<Api>,
    admin: Admin,
    Segment(tenant): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let tenant = TenantId::new(&tenant).map_err(|error| ApiError::new(ErrorCode::NotFound, error.to_string()))?;
    let new: NewToken = read(&api, request).await?;
    let known = known_roles(&api);
    if let Some(role) = new.roles.iter().find(|role| !known.contains(role)) {
        let known = known.join(", ");
        return Err(ApiError::new(
            ErrorCode::BodyInvalid,
            format!("no plugin teaches the role `{role}`; there are {known}"),
        ));
    }
    let user = new.user.filter(|user| !user.is_empty()).unwrap_or_else(service);
    let (roles, scopes, ttl) = (new.roles, new.scopes, new.ttl);
    let request = TokenRequest { tenant: Some(tenant), user: user.clone(), roles, scopes, ttl };
    let issued = api.access.issue_token_by(&admin.by, request)?;
    Ok(reply::json(201, &json!({"token": issued.token, "id": issued.id, "user": user})))
}

/// Lists every limit with its value and unit.
pub(crate) async fn limits(State(api): State<Api>, _: Admin) -> Response {
    let value = |limit: &limits::Limit| match limit.name {
        "STORE_BYTES_MAX" => api.store.bytes_max(),
        _ => limit.value,
    };
    let row = |limit: &limits::Limit| json!({"name": limit.name, "value": value(limit), "unit": limit.unit, "code": limit.code, "what": limit.what, "metric": limit.metric});
    reply::json(200, &limits::ALL.iter().map(row).collect::<Vec<Value>>())
}

/// The facts of what is loaded.
pub(crate) async fn facts(State(api): State<Api>, _: Admin) -> Response {
    reply::json(200, &api.backend.facts())
}

/// The store's figures.
pub(crate) async fn store_stats(State(api): State<Api>, _: Admin) -> ApiResult<Response> {
    Ok(reply::json(200, &api.store.stats()?))
}

/// Walks the whole store; answers 200 whether it is sound or not, with what is wrong.
pub(crate) async fn store_verify(State(api): State<Api>, _: Admin) -> ApiResult<Response> {
    let report = match &api.store_tools {
        Some(tools) => walk_beside(&tools.walk, &api.store.folder()).await?,
        None => walk_here(api).await?,
    };
    Ok(reply::json(200, &json!({"ok": report.is_sound(), "report": report})))
}

/// Walks the store in a process of its own, which damage may end and not this one.
async fn walk_beside(command: &[OsString], folder: &Path) -> ApiResult<VerifyReport> {
    let failed = |why: String| ApiError::new(ErrorCode::StoreIo, format!("the walk over the store failed: {why}"));
    let (program, args) = command.split_first().ok_or_else(|| failed("there is no command for it".to_owned()))?;
    let walk = Command::new(program).args(args).arg(folder).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let walk = walk.map_err(|error| failed(error.to_string()))?;
    if let Some(signal) = walk.status.signal() {
        return VerifyReport::of_signal(signal).map_err(failed);
    }
    serde_json::from_slice(&walk.stdout).map_err(|_| failed(String::from_utf8_lossy(&walk.stderr).trim().to_owned()))
}

async fn walk_here(api: Api) -> ApiResult<VerifyReport> {
    let walk = tokio::task::spawn_blocking(move || api.store.verify()).await;
    Ok(walk.map_err(|error| ApiError::new(ErrorCode::Internal, format!("the walk failed: {error}")))??)
}

/// The identity of a token that was made for nobody in particular: its own, so that what it does can be told from
/// what others do.
fn service() -> String {
    format!("service-{}", ulid(now_ms(), rand::random()))
}

/// The tenant of this name.
pub(crate) fn known(api: &Api, tenant: &str) -> ApiResult<TenantId> {
    let known = TenantId::new(tenant).ok().filter(|tenant| api.access.tenant(tenant).is_some());
    known.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no tenant `{tenant}`")))
}

/// The names of all roles that the plugins teach.
pub(crate) fn known_roles(api: &Api) -> Vec<String> {
    api.access.roles().into_iter().map(|(_, role)| role.name).collect()
}

pub(crate) async fn read<T: DeserializeOwned>(api: &Api, request: Request) -> ApiResult<T> {
    fields(body::read(api, request.into_body(), BODY_BYTES_MAX).await?)
}

/// The same of a request that may have no body. Whether it has one shows when it is read: one that comes in chunks
/// announces no length.
pub(crate) async fn read_if_given<T: Default + DeserializeOwned>(api: &Api, request: Request) -> ApiResult<T> {
    let received = body::read(api, request.into_body(), BODY_BYTES_MAX).await?;
    if received.is_empty() { Ok(T::default()) } else { fields(received) }
}

fn fields<T: DeserializeOwned>(mut received: body::Received) -> ApiResult<T> {
    let value: Value = received.json()?;
    // A list would be taken for the fields in their order.
    if !value.is_object() {
        return Err(ApiError::new(ErrorCode::BodyInvalid, "the body must be a JSON object".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| ApiError::new(ErrorCode::BodyInvalid, format!("the body: {error}")))
}
