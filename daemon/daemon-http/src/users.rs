//! Users of tenants: their roles, all tokens, and what was noted of changes.

use crate::admin::{known, known_roles, read};
use crate::api::Api;
use crate::auth::Admin;
use crate::error::{ApiError, ApiResult};
use crate::query::Params;
use crate::reply;
use axum::extract::{Path as Segment, Request, State};
use axum::http::Uri;
use axum::response::Response;
use contract_model::{ErrorCode, Millis};
use daemon_access::{Tokens, User};
use serde::Deserialize;
use serde_json::json;

/// Most notes that are given at once, and how many without a word.
const NOTES_MAX: u64 = 1_000;
const NOTES_USUAL: u64 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    user: String,
    email: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Granted {
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    tokens: Vec<String>,
    #[serde(default)]
    all_tokens: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    ttl: Millis,
    #[serde(default)]
    scopes: Vec<String>,
}

/// Makes a user of a tenant.
pub(crate) async fn create(
    State(api): State<Api>,
    admin: Admin,
    Segment(tenant): Segment<String>,
    request: Request,
) -> ApiResult<Response> {
    let tenant = known(&api, &tenant)?;
    let NewUser { user, email, roles } = read(&api, request).await?;
    ensure_taught(&api, &roles)?;
    let made = api.access.create_member(&admin.by, &tenant, &User { id: user, email }, roles)?;
    Ok(reply::json(201, &made))
}

/// Lists the users of a tenant.
pub(crate) async fn list(State(api): State<Api>, _: Admin, Segment(tenant): Segment<String>) -> ApiResult<Response> {
    Ok(reply::json(200, &api.access.members(&known(&api, &tenant)?)?))
}

/// Gives a user roles.
pub(crate) async fn grant(
    State(api): State<Api>,
    admin: Admin,
    Segment((tenant, user)): Segment<(String, String)>,
    request: Request,
) -> ApiResult<Response> {
    let tenant = known(&api, &tenant)?;
    let Granted { roles } = read(&api, request).await?;
    ensure_taught(&api, &roles)?;
    Ok(reply::json(200, &api.access.grant(&admin.by, &tenant, &user, &roles)?))
}

/// Takes roles from a user, or ends tokens.
pub(crate) async fn revoke(
    State(api): State<Api>,
    admin: Admin,
    Segment((tenant, user)): Segment<(String, String)>,
    request: Request,
) -> ApiResult<Response> {
    let tenant = known(&api, &tenant)?;
    let Revoked { roles, tokens, all_tokens } = read(&api, request).await?;
    if roles.is_empty() && tokens.is_empty() && !all_tokens {
        let message = "nothing was revoked: name `roles`, `tokens`, or `all_tokens`";
        return Err(ApiError::new(ErrorCode::BodyInvalid, message));
    }
    let tokens = if all_tokens { Tokens::All } else { Tokens::These(tokens) };
    Ok(reply::json(200, &api.access.revoke_from(&admin.by, &tenant, &user, &roles, &tokens)?))
}

/// Makes a token that holds the roles of its user; its text is shown this once.
pub(crate) async fn issue(
    State(api): State<Api>,
    admin: Admin,
    Segment((tenant, user)): Segment<(String, String)>,
    request: Request,
) -> ApiResult<Response> {
    let tenant = known(&api, &tenant)?;
    let NewToken { ttl, scopes } = read(&api, request).await?;
    let issued = api.access.issue_to_member(&admin.by, &tenant, &user, scopes, ttl)?;
    Ok(reply::json(201, &json!({"token": issued.token, "id": issued.id, "user": user})))
}

/// Lists the tokens of a tenant that hold, whoever they speak for.
pub(crate) async fn tokens(State(api): State<Api>, _: Admin, Segment(tenant): Segment<String>) -> ApiResult<Response> {
    Ok(reply::json(200, &api.access.tokens(Some(&known(&api, &tenant)?))?))
}

/// Ends a token of a tenant, whoever it speaks for.
pub(crate) async fn revoke_token(
    State(api): State<Api>,
    admin: Admin,
    Segment((tenant, id)): Segment<(String, String)>,
) -> ApiResult<Response> {
    let tenant = known(&api, &tenant)?;
    api.access.revoke(&admin.by, Some(&tenant), std::slice::from_ref(&id))?;
    Ok(reply::json(200, &json!({"id": id, "revoked": true})))
}

/// Who changed whose rights, the newest first.
pub(crate) async fn audit(State(api): State<Api>, _: Admin, uri: Uri) -> ApiResult<Response> {
    let params = Params::of(&uri, &["tenant", "limit"])?;
    let tenant = params.tenant("tenant")?;
    let limit = params.number("limit", NOTES_MAX)?.unwrap_or(NOTES_USUAL);
    Ok(reply::json(200, &api.access.audit(tenant.as_ref(), limit)?))
}

fn ensure_taught(api: &Api, roles: &[String]) -> ApiResult<()> {
    let known = known_roles(api);
    match roles.iter().find(|role| !known.contains(role)) {
        None => Ok(()),
        Some(role) => {
            let message = format!("no plugin teaches the role `{role}`; there are {}", known.join(", "));
            Err(ApiError::new(ErrorCode::BodyInvalid, message))
        }
    }
}
