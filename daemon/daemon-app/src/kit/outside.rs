//! The hosts outside as a test has them: what they answer, and what they were asked.

use super::asked::text;
use super::misuse::misuse;
use daemon_frame::AppError;
use daemon_host::{AskedOutside, Outside, StubAnswer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const STUB: &str = "an answer of app.stub is {status, headers, body}, \"breaks\" or \"silent\"";

/// `app.stub(method, url, ...answers)`.
pub(super) fn stub(outside: &Outside, args: &Map<String, Value>) -> Result<Value, AppError> {
    let answers = args.get("answers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let answers = answers.iter().map(answer).collect::<Result<Vec<_>, String>>();
    let answers = answers.map_err(|why| misuse(&why))?;
    if answers.is_empty() {
        return Err(misuse(&format!("app.stub needs an answer: {STUB}")));
    }
    outside.stub(&text(args, "method")?, &text(args, "url")?, answers).map_err(|why| misuse(&why))?;
    Ok(Value::Null)
}

fn answer(given: &Value) -> Result<StubAnswer, String> {
    let fields = match given {
        Value::String(word) if word == "breaks" => return Ok(StubAnswer::Breaks),
        Value::String(word) if word == "silent" => return Ok(StubAnswer::IsSilent),
        Value::Object(fields) => fields,
        other => return Err(format!("{STUB}, not {other}")),
    };
    if let Some(name) = fields.keys().find(|name| !matches!(name.as_str(), "status" | "headers" | "body")) {
        return Err(format!("{STUB}; it has no `{name}`"));
    }
    let status = fields.get("status").map_or(Some(200), Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok()).filter(|status| (200..=599).contains(status));
    let status = status.ok_or_else(|| format!("{STUB}; status is a number from 200 to 599"))?;
    let mut headers = BTreeMap::new();
    if let Some(given) = fields.get("headers").filter(|given| !given.is_object() && !given.is_null()) {
        return Err(format!("{STUB}; headers must be an object, not {given}"));
    }
    for (name, value) in fields.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().ok_or_else(|| format!("{STUB}; the header `{name}` must be a text"))?;
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let body = match fields.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => {
            headers.entry("content-type".to_owned()).or_insert_with(|| "application/json".to_owned());
            value.to_string()
        }
    };
    Ok(StubAnswer::Answers(status, headers, body))
}

/// `app.fetches(url)`.
pub(super) fn fetches(outside: &Outside, args: &Map<String, Value>) -> Result<Value, AppError> {
    let asked = outside.asked(args.get("url").and_then(Value::as_str)).map_err(|why| misuse(&why))?;
    let shown = asked.into_iter().map(|AskedOutside { plugin, method, url, headers, body, status }| {
        let headers: Map<String, Value> = headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        let body = body.map(|body| serde_json::from_str(&body).unwrap_or(Value::String(body)));
        json!({"plugin": plugin, "method": method, "url": url, "headers": headers, "body": body, "status": status})
    });
    Ok(shown.collect())
}
