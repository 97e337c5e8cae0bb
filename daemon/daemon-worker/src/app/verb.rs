//! The argument of a route's handler.

use super::options::{duration, known};
use super::{freeze, object, of_this_call, text};
use crate::called::misuse;
use crate::host::{Call, host};
use crate::stack;
use crate::value::{Builder, from_js};
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsString, JsValue, js_string};
use contract_model::limits::OUTCOME_WAIT_MS_MAX;
use daemon_frame::{Auth, Body, VerbCall};
use serde_json::Value;

/// Waits for an outcome that name no timeout, in milliseconds.
const OUTCOME_WAIT_MS: u64 = 30_000;

/// The functions that all verb events share. They speak of the call that runs, and of no earlier one.
pub(super) fn prototype(context: &mut Context) -> JsResult<JsObject> {
    let prototype = object(
        "e",
        &[
            ("header", 1, header),
            ("json", 2, json),
            ("text", 2, plain),
            ("setStatus", 1, set_status),
            ("outcome", 2, outcome),
        ],
        context,
    )?;
    freeze(&prototype, context)?;
    Ok(prototype)
}

/// `e` of a verb. Its values are copies, so a handler may do with them what it likes.
pub(crate) fn verb_object(call: &VerbCall, tenant: &str, context: &mut Context) -> JsResult<JsValue> {
    let host = host(context);
    let prototype = host.objects.get().map(|objects| objects.verb_prototype.clone());
    let prototype = prototype.ok_or_else(|| misuse("the globals are not there yet"))?;
    let auth = auth_object(&call.auth, tenant, context);
    Ok(Builder::with_prototype(prototype, context)
        .with(js_string!("auth"), auth)
        .with_fields(js_string!("params"), &call.params)
        .with_fields(js_string!("query"), &call.query)
        .with_json(js_string!("body"), &call.body)
        .with_text(js_string!("requestId"), &call.request_id)
        .with_text(js_string!("tenant"), tenant)
        .build()
        .into())
}

fn auth_object(auth: &Auth, tenant: &str, context: &mut Context) -> JsObject {
    let email = auth.email.as_deref().map_or(JsValue::null(), |email| JsString::from(email).into());
    Builder::new(context)
        .with(js_string!("email"), email)
        .with_text(js_string!("id"), &auth.id)
        .with_texts(js_string!("roles"), &auth.roles)
        .with_text(js_string!("tenant"), tenant)
        .build()
}

fn header(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    of_this_call(this, context)?;
    let name = text(args, 0, "the name of a header")?.to_ascii_lowercase();
    let header = |call: &mut Call| call.headers.get(&name).map(|value| JsValue::from(JsString::from(value)));
    Ok(host(context).with_call("e.header", header)?.unwrap_or(JsValue::null()))
}

fn json(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    of_this_call(this, context)?;
    let status = status(args)?;
    let value = from_js(args.get_or_undefined(1), "the answer", context)?;
    answer("e.json", status, Body::Json(value), context)
}

fn plain(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    of_this_call(this, context)?;
    let status = status(args)?;
    let text = text(args, 1, "the answer of e.text(status, text)")?;
    answer("e.text", status, Body::Text(text), context)
}

fn set_status(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    of_this_call(this, context)?;
    let status = status(args)?;
    host(context).with_call("e.setStatus", |call| call.status = status)?;
    Ok(JsValue::undefined())
}

/// `e.outcome(handle, {ok, error, timeout})`: the answer waits for the outcome of a published request.
fn outcome(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    of_this_call(this, context)?;
    let handle = args.get_or_undefined(0).as_object();
    let handle = handle.ok_or_else(|| misuse("e.outcome takes what $app.request or publish gave"))?;
    let event = handle.get(js_string!("id"), context)?.as_string().map(|id| id.to_std_string_lossy());
    let event = event.ok_or_else(|| misuse("e.outcome takes what $app.request or publish gave"))?;
    let own_timeout = handle.get(js_string!("timeout"), context)?.as_number().map(|ms| ms.max(0.0));
    let options = known(args.get_or_undefined(1), "outcome options", &["ok", "error", "timeout"], context)?;
    let code = |name: &str, otherwise: u16| match options.get(name) {
        None | Some(Value::Null) => Ok(otherwise),
        Some(value) => u64_status(value.as_f64(), name),
    };
    let (ok, error) = (code("ok", 200)?, code("error", 422)?);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number that is not negative")]
    let timeout = duration(options.get("timeout"), "timeout")?.or(own_timeout.map(|ms| ms as u64));
    let timeout_ms = timeout.unwrap_or(OUTCOME_WAIT_MS).min(OUTCOME_WAIT_MS_MAX);
    answer("e.outcome", 0, Body::Outcome { event, ok, error, timeout_ms }, context)
}

/// Answers, once: a second answer would quietly take the place of the first.
fn answer(what: &'static str, status: u16, body: Body, context: &mut Context) -> JsResult<JsValue> {
    let place = stack::caller(context);
    let before = host(context).with_call(what, |call| {
        if call.body.is_some() {
            return call.answered.clone();
        }
        if status != 0 {
            call.status = status;
        }
        call.body = Some(body);
        call.answered = Some((what, place));
        None
    })?;
    match before {
        None => Ok(JsValue::undefined()),
        Some((before, place)) => {
            let at = place.map(|at| format!(" at {}:{}:{}", at.file, at.line, at.column)).unwrap_or_default();
            Err(misuse(format!(
                "{what}: the answer was given already, by {before}{at}; `return` where the handler answers"
            )))
        }
    }
}

fn status(args: &[JsValue]) -> JsResult<u16> {
    u64_status(args.get_or_undefined(0).as_number(), "the status")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "guarded by the range")]
fn u64_status(status: Option<f64>, what: &str) -> JsResult<u16> {
    match status {
        Some(status) if (200.0..600.0).contains(&status) && status.fract() == 0.0 => Ok(status as u16),
        _ => Err(misuse(format!("{what} must be an HTTP status from 200 to 599"))),
    }
}
