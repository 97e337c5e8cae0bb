//! `$http.fetch`: a question to a host outside, before the call has changed anything.

use super::options::{duration, known, optional_text};
use super::{freeze, object, text};
use crate::called::misuse;
use crate::host::host;
use crate::refusal::refusal;
use crate::throw::{halt, throw};
use crate::unit::Answers;
use crate::value::{Builder, from_js, to_js};
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsString, JsValue, js_string};
use contract_model::ErrorCode;
use contract_model::limits::{FETCH_ATTEMPTS_MAX, FETCH_BYTES_MAX};
use daemon_frame::{Ask, Asked, FetchAnswer, FetchAsked};
use serde_json::{Map, Value};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const ATTEMPTS: u32 = 3;

/// Header lines that are the connection's business.
const NOT_SET: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
    "proxy-connection",
    "idempotency-key",
];

pub(super) fn http(context: &mut Context) -> JsResult<JsObject> {
    let http = object("$http", &[("fetch", 2, fetch)], context)?;
    freeze(&http, context)?;
    Ok(http)
}

/// The functions that all answers share. They speak of `this`.
pub(super) fn prototype(context: &mut Context) -> JsResult<JsObject> {
    let prototype = object("answer", &[("text", 0, body_text), ("json", 0, body_json)], context)?;
    freeze(&prototype, context)?;
    Ok(prototype)
}

/// Gives a promise that is settled already: the worker waits for the answer. Whatever goes wrong rejects it, so that
/// `catch` and `Promise.allSettled` see it; a rejection that nobody looks at ends the call. A wrong argument is thrown at
/// once, like any other: an error of the engine's own would lose its place on the way through a promise.
fn fetch(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    match answer_of(args, context) {
        Ok(answer) => Ok(JsPromise::resolve(answer, context)?.into()),
        Err(error) if error.as_opaque().is_some() => Ok(JsPromise::reject(error, context)?.into()),
        Err(error) => Err(error),
    }
}

fn answer_of(args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let asked = asked(args, context)?;
    ensure_may(context)?;
    let answer = host(context).with_unit("$http.fetch", |unit, host| {
        if !unit.changes_nothing() {
            let message = "the call has saved, published, reserved or enqueued something already, which may yet be undone; \
                           fetch first, or leave the fetch to a job ($jobs.enqueue) that runs once this is stored";
            return Err(refusal(ErrorCode::FetchTooLate, message).into());
        }
        match host.ask(Ask::Fetch(Box::new(asked)))? {
            Asked::Fetched(answer) => Ok(answer),
            _ => Err(host.unfit()),
        }
    })?;
    let answer = answer.map_err(|error| halt(error, context))?;
    answer_object(&answer, context)
}

/// What may be undone or run within another's call asks nobody outside.
fn ensure_may(context: &mut Context) -> JsResult<()> {
    let host = host(context);
    host.refuse_in_a_method("ask hosts outside").map_err(|error| throw(&error, context))?;
    if host.hook_depth.get() > 0 {
        let message = "a record hook before a change cannot fetch: the change may yet be undone; a hook after it can";
        return Err(throw(&refusal(ErrorCode::FetchTooLate, message), context));
    }
    Ok(())
}

fn asked(args: &[JsValue], context: &mut Context) -> JsResult<FetchAsked> {
    const KEYS: [&str; 6] = ["method", "headers", "body", "timeout", "attempts", "idempotencyKey"];
    let url = text(args, 0, "the address of $http.fetch(url, options)")?;
    let mut options = known(args.get_or_undefined(1), "fetch options", &KEYS, context)?;
    let method = optional_text(options.get("method"), "method")?.unwrap_or_else(|| "GET".to_owned());
    let method = method.to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        return Err(misuse(format!("the method of a fetch must be one of {}", METHODS.join(", "))));
    }
    let mut headers = headers(options.remove("headers").unwrap_or_default())?;
    let body = body(options.remove("body"), &method, &mut headers)?;
    if body.as_ref().is_some_and(|body| body.len() as u64 > FETCH_BYTES_MAX) {
        let message = format!("the body of a fetch has at most {FETCH_BYTES_MAX} bytes (FETCH_BYTES_MAX)");
        return Err(throw(&refusal(ErrorCode::FetchTooLarge, message), context));
    }
    Ok(FetchAsked {
        method,
        url,
        headers,
        body,
        timeout_ms: duration(options.get("timeout"), "timeout")?,
        attempts: attempts(&options)?,
        idempotency_key: optional_text(options.get("idempotencyKey"), "idempotencyKey")?,
    })
}

fn attempts(options: &Map<String, Value>) -> JsResult<u32> {
    let Some(given) = options.get("attempts").filter(|given| !given.is_null()) else { return Ok(ATTEMPTS) };
    let count = given.as_u64().filter(|count| (1..=FETCH_ATTEMPTS_MAX).contains(count));
    let count = count.and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| misuse(format!("attempts must be a whole number from 1 to {FETCH_ATTEMPTS_MAX}")))
}

fn headers(given: Value) -> JsResult<Vec<(String, String)>> {
    let given = match given {
        Value::Null => Map::new(),
        Value::Object(given) => given,
        _ => return Err(misuse("headers must be an object of texts")),
    };
    let header = |(name, value): (String, Value)| {
        let name = name.to_ascii_lowercase();
        if NOT_SET.contains(&name.as_str()) {
            return Err(misuse(format!("the header {name} is not the plugin's to set")));
        }
        let value = optional_text(Some(&value), "the value of a header")?;
        Ok((name, value.unwrap_or_default()))
    };
    given.into_iter().map(header).collect()
}

/// A text as it is; any other value as JSON.
fn body(given: Option<Value>, method: &str, headers: &mut Vec<(String, String)>) -> JsResult<Option<String>> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(None) };
    if matches!(method, "GET" | "HEAD") {
        return Err(misuse(format!("a fetch with method {method} has no body")));
    }
    Ok(Some(match given {
        Value::String(text) => text,
        value => {
            if !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            value.to_string()
        }
    }))
}

fn answer_object(answer: &FetchAnswer, context: &mut Context) -> JsResult<JsValue> {
    let prototype = host(context).objects.get().map(|objects| objects.answer_prototype.clone());
    let prototype = prototype.ok_or_else(|| misuse("the globals are not there yet"))?;
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let headers = to_js(&Value::Object(headers), context);
    let body = answer.body.as_deref().map_or(JsValue::null(), |body| JsString::from(body).into());
    Ok(Builder::with_prototype(prototype, context)
        .with(js_string!("status"), answer.status)
        .with(js_string!("ok"), (200..300).contains(&answer.status))
        .with(js_string!("headers"), headers)
        .with(js_string!("body"), body)
        .build()
        .into())
}

fn body_of(this: &JsValue, context: &mut Context) -> JsResult<String> {
    const USAGE: &str = "call it on what $http.fetch(url) gives";
    let this = this.as_object().ok_or_else(|| misuse(USAGE))?;
    match from_js(&this.get(js_string!("body"), context)?, "the body", context)? {
        Value::String(text) => Ok(text),
        Value::Null => {
            let message = "the body of the answer is no text in UTF-8";
            Err(throw(&refusal(ErrorCode::ValueUnsupported, message), context))
        }
        _ => Err(misuse(USAGE)),
    }
}

fn body_text(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    Ok(JsString::from(body_of(this, context)?).into())
}

/// Whole numbers beyond 2^53-1 become bigints, as everywhere.
fn body_json(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let value: Value = serde_json::from_str(&body_of(this, context)?)
        .map_err(|error| misuse(format!("the body of the answer is no JSON: {error}")))?;
    Ok(to_js(&value, context))
}
