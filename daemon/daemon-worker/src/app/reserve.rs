//! `$app.reserve`, `$app.release` and `$app.confirm`: amounts that are taken for a time.

use super::options::{duration, known, optional_text};
use super::{settle, text};
use crate::called::misuse;
use crate::host::host;
use crate::throw::throw;
use crate::unit::Held;
use crate::value::{Builder, SAFE_INTEGER_MAX};
use boa_engine::{Context, JsArgs, JsResult, JsValue, js_string};
use contract_model::event::rfc3339;
use contract_model::limits::{IDEMPOTENCY_KEY_BYTES_MAX, RESERVATION_MS, RESERVATION_MS_MAX};
use contract_model::reservation::{Reservation, Resource, State, id_under};
use contract_model::{ErrorCode, Permission};

const USAGE: &str = "$app.reserve(\"<collection>/<record id>/<integer field>\", amount, {ttl, key})";

/// Takes an amount out of a record's field. Gives `{id, state, expires, duplicate}`.
pub(super) fn reserve(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let given = text(args, 0, "the resource of $app.reserve")?;
    let resource = Resource::parse(&given).map_err(|error| misuse(format!("{error}: {USAGE}")))?;
    let amount = amount(args.get_or_undefined(1))?;
    let options = known(args.get_or_undefined(2), "reserve options", &["ttl", "key"], context)?;
    let ttl_ms = duration(options.get("ttl"), "ttl")?.unwrap_or(RESERVATION_MS);
    if !(1..=RESERVATION_MS_MAX).contains(&ttl_ms) {
        return Err(misuse(format!("ttl must be from 1 ms to {RESERVATION_MS_MAX} ms (RESERVATION_MS_MAX)")));
    }
    let key = optional_text(options.get("key"), "key")?;
    if key.as_ref().is_some_and(|key| key.is_empty() || key.len() as u64 > IDEMPOTENCY_KEY_BYTES_MAX) {
        return Err(misuse(format!("key must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes")));
    }
    let host = host(context);
    host.demand(&Permission::OwnRecords, "reserve of its records").map_err(|error| throw(&error, context))?;
    let Some(collection) = host.own_collection(&resource.collection) else {
        let message = format!("{} may not reserve of `{}`: it does not own it", host.load.slug, resource.collection);
        return Err(throw(&host.denied(ErrorCode::PermissionDenied, message), context));
    };
    let (now_ms, made_up) =
        host.with_call("$app.reserve", |call| (call.context.now_ms, call.entropy.id(call.context.now_ms)))?;
    let id = key.map_or(made_up, |key| id_under(&host.load.slug, &key));
    let wanted = Reservation {
        plugin: host.load.slug.clone(),
        resource: given,
        amount,
        state: State::Held,
        expires: now_ms + ttl_ms,
    };
    let held = host.with_unit("$app.reserve", |unit, asker| unit.reserve(&collection, &resource, id, wanted, asker));
    let held = settle(held, context)?;
    Ok(held_object(&held, context))
}

pub(super) fn release(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    end(args, State::Released, "$app.release(id)", context)
}

pub(super) fn confirm(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    end(args, State::Confirmed, "$app.confirm(id)", context)
}

/// Takes a reservation's id, or what `$app.reserve` gave.
fn end(args: &[JsValue], end: State, usage: &str, context: &mut Context) -> JsResult<JsValue> {
    let given = args.get_or_undefined(0).clone();
    let id = match given.as_object() {
        Some(object) => object.get(js_string!("id"), context)?,
        None => given,
    };
    let id = id.as_string().map(|id| id.to_std_string_lossy());
    let id =
        id.ok_or_else(|| misuse(format!("a reservation's id must be a text, or what $app.reserve gave: {usage}")))?;
    let host = host(context);
    host.demand(&Permission::OwnRecords, "reserve of its records").map_err(|error| throw(&error, context))?;
    let ended =
        host.with_unit(usage, |unit, asker| unit.end_reservation(|name| host.own_collection(name), &id, end, asker));
    let ended = settle(ended, context)?;
    Ok(held_object(&ended, context))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "guarded")]
fn amount(value: &JsValue) -> JsResult<u64> {
    match value.as_number() {
        Some(amount) if amount.fract() == 0.0 && amount >= 1.0 && amount <= SAFE_INTEGER_MAX as f64 => {
            Ok(amount as u64)
        }
        _ => Err(misuse(format!("argument 2, the amount, must be a whole number from 1: {USAGE}"))),
    }
}

fn held_object(held: &Held, context: &mut Context) -> JsValue {
    Builder::new(context)
        .with_text(js_string!("id"), &held.id)
        .with_text(js_string!("resource"), &held.reservation.resource)
        .with(js_string!("amount"), held.reservation.amount)
        .with_text(js_string!("state"), held.reservation.state.as_str())
        .with_text(js_string!("expires"), &rfc3339(held.reservation.expires))
        .with(js_string!("duplicate"), held.duplicate)
        .build()
        .into()
}
