//! Who calls: bearer tokens, and what a route asks of the caller.

use crate::api::{Api, now_ms};
use crate::error::{ApiError, ApiResult};
use crate::headers::trace;
use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request};
use contract_model::{ErrorCode, TenantId};
use daemon_access::{Caller, SCOPE_EVENTS_PUBLISH};
use daemon_host::{Identity, Route};
use std::sync::Arc;

/// A caller who belongs to a tenant. The tenant comes from the token, never from a header or a body.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) tenant: TenantId,
    pub(crate) identity: Identity,
    /// Whether the token may publish events from outside.
    pub(crate) publishes: bool,
    /// W3C `traceparent`, if the client sent one.
    pub(crate) trace: Option<String>,
}

/// The holder of the admin token.
pub(crate) struct Admin {
    /// Who it is, for the audit: the user, and the id of the token.
    pub(crate) by: String,
}

/// Anyone with a valid token: a member sees the own tenant, the admin all of them.
pub(crate) struct Reader {
    tenant: Option<TenantId>,
}

impl Reader {
    /// The tenant to read: the member's own, or the one that the admin names, if any.
    pub(crate) fn tenant(&self, asked: Option<TenantId>) -> ApiResult<Option<TenantId>> {
        match (&self.tenant, asked) {
            (None, asked) => Ok(asked),
            (Some(own), Some(asked)) if *own != asked => {
                Err(forbidden(format!("this token belongs to another tenant than `{asked}`")))
            }
            (Some(own), _) => Ok(Some(own.clone())),
        }
    }
}

impl FromRequestParts<Api> for Member {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut request::Parts, api: &Api) -> ApiResult<Self> {
        let caller = caller(api, &parts.headers)?;
        Ok(Self { trace: trace(&parts.headers), ..member(&caller)? })
    }
}

impl FromRequestParts<Api> for Admin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut request::Parts, api: &Api) -> ApiResult<Self> {
        Self::of(api, &parts.headers)
    }
}

impl Admin {
    /// The holder of the admin token, if that is who calls.
    pub(crate) fn of(api: &Api, headers: &HeaderMap) -> ApiResult<Self> {
        let caller = caller(api, headers)?;
        let by = format!("{} ({})", caller.user, caller.token);
        if caller.admin { Ok(Self { by }) } else { Err(forbidden("this needs the admin token")) }
    }
}

impl FromRequestParts<Api> for Reader {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut request::Parts, api: &Api) -> ApiResult<Self> {
        let caller = caller(api, &parts.headers)?;
        if caller.tenant.is_none() && !caller.admin {
            return Err(forbidden("this token belongs to no tenant"));
        }
        Ok(Self { tenant: caller.tenant.as_ref().map(|tenant| tenant.id().clone()) })
    }
}

/// The caller of a plugin's route, if the route admits them.
pub(crate) fn admit(api: &Api, headers: &HeaderMap, route: &Route) -> ApiResult<Member> {
    if route.options.public == Some(true) {
        if !headers.contains_key(header::AUTHORIZATION) {
            return anyone(api);
        }
        let caller = caller(api, headers)?;
        return member(&caller);
    }
    let caller = caller(api, headers)?;
    let member = member(&caller)?;
    let needed = &route.options.roles;
    if !needed.is_empty() && !caller.holds_any(needed) {
        return Err(forbidden(format!("this needs one of the roles {}", needed.join(", "))));
    }
    let needed = &route.options.grants;
    if !needed.is_empty() && !needed.iter().any(|grant| api.access.may(&caller, grant)) {
        return Err(forbidden(format!("this needs a role that grants one of {}", needed.join(", "))));
    }
    Ok(member)
}

/// A caller without a token, on a route that takes them.
fn anyone(api: &Api) -> ApiResult<Member> {
    let Some(tenant) = api.public_tenant.clone() else {
        let why = "this daemon has no tenant for callers without a token; send `Authorization: Bearer TOKEN`";
        return Err(ApiError::new(ErrorCode::Unauthenticated, why));
    };
    let identity = Identity { user: "anonymous".to_owned(), email: None, roles: Vec::new() };
    Ok(Member { tenant, identity, publishes: false, trace: None })
}

fn member(caller: &Caller) -> ApiResult<Member> {
    let Some(tenant) = &caller.tenant else {
        return Err(forbidden("the admin token belongs to no tenant; use a token of the tenant"));
    };
    let identity = Identity { user: caller.user.clone(), email: caller.email.clone(), roles: caller.roles.clone() };
    let publishes = caller.has_scope(SCOPE_EVENTS_PUBLISH);
    Ok(Member { tenant: tenant.id().clone(), identity, publishes, trace: None })
}

fn caller(api: &Api, headers: &HeaderMap) -> ApiResult<Arc<Caller>> {
    let token = bearer(headers)?;
    Ok(api.access.verify(token, now_ms())?)
}

/// A token that was good when a stream began. Streams may last for days, and end when it holds no more.
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn of(headers: &HeaderMap) -> ApiResult<Self> {
        bearer(headers).map(|token| Self(token.to_owned()))
    }

    pub(crate) fn if_given(headers: &HeaderMap) -> ApiResult<Option<Self>> {
        if headers.contains_key(header::AUTHORIZATION) { Self::of(headers).map(Some) } else { Ok(None) }
    }

    /// Why it holds no more.
    pub(crate) fn holds(&self, api: &Api) -> ApiResult<()> {
        Ok(api.access.verify(&self.0, now_ms()).map(drop)?)
    }
}

fn bearer(headers: &HeaderMap) -> ApiResult<&str> {
    let refuse = |why: &str| ApiError::new(ErrorCode::Unauthenticated, why);
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let given = all.next().ok_or_else(|| refuse("send `Authorization: Bearer TOKEN`"))?;
    if all.next().is_some() {
        return Err(refuse("there are several Authorization headers; send one"));
    }
    let text = given.to_str().map_err(|_| refuse("the Authorization header is not ASCII"))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        _ => Err(refuse("the Authorization header must be `Bearer TOKEN`")),
    }
}

pub(crate) fn forbidden(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Forbidden, message)
}
