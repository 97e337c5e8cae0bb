//! `POST /api/_tx/reserve`, `release` and `confirm`: amounts of a record's field that are taken for a time.

use crate::admin::read;
use crate::api::Api;
use crate::auth::Member;
use crate::error::{ApiError, ApiResult};
use crate::reply;
use axum::extract::{Request, State};
use axum::response::Response;
use contract_model::limits::{IDEMPOTENCY_KEY_BYTES_MAX, RESERVATION_MS, RESERVATION_MS_MAX};
use contract_model::reservation::State as End;
use contract_model::{ErrorCode, Millis};
use daemon_host::{RecordCaller, ReserveRequest};
use serde::Deserialize;

/// The greatest integer that a JavaScript number holds together with all below it.
const AMOUNT_MAX: u64 = 9_007_199_254_740_991;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    resource: String,
    amount: u64,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    ttl: Option<Millis>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
}

/// 201 with the reservation, the same under the same key; 409 where there is not enough.
pub(crate) async fn reserve(State(api): State<Api>, member: Member, request: Request) -> ApiResult<Response> {
    let Wanted { resource, amount, key, ttl } = read(&api, request).await?;
    let wanted = ReserveRequest { resource, amount, key, ttl_ms: ttl.map_or(RESERVATION_MS, |ttl| ttl.0) };
    if !(1..=AMOUNT_MAX).contains(&wanted.amount) {
        return Err(invalid(format!("`amount` must be from 1 to {AMOUNT_MAX}")));
    }
    if !(1..=RESERVATION_MS_MAX).contains(&wanted.ttl_ms) {
        return Err(invalid(format!("`ttl` must be from 1 ms to {RESERVATION_MS_MAX} ms (RESERVATION_MS_MAX)")));
    }
    if wanted.key.as_ref().is_some_and(|key| key.is_empty() || key.len() as u64 > IDEMPOTENCY_KEY_BYTES_MAX) {
        return Err(invalid(format!("`key` must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes")));
    }
    Ok(reply::json(201, &api.backend.reserve(caller(member), wanted).await?))
}

/// Gives back what is held.
pub(crate) async fn release(State(api): State<Api>, member: Member, request: Request) -> ApiResult<Response> {
    end(&api, member, request, End::Released).await
}

/// Takes what is held for good.
pub(crate) async fn confirm(State(api): State<Api>, member: Member, request: Request) -> ApiResult<Response> {
    end(&api, member, request, End::Confirmed).await
}

async fn end(api: &Api, member: Member, request: Request, end: End) -> ApiResult<Response> {
    let Named { id } = read(api, request).await?;
    Ok(reply::json(200, &api.backend.end_reservation(caller(member), id, end).await?))
}

fn caller(member: Member) -> RecordCaller {
    RecordCaller { tenant: member.tenant, identity: member.identity, trace: member.trace, room: None }
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::BodyInvalid, message)
}
