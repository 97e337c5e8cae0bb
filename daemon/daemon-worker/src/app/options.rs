//! Option objects of the API, read strictly: a key that is not known is a mistake.

use crate::called::misuse;
use crate::refusal::refusal;
use crate::throw::throw;
use crate::value::from_js;
use boa_engine::{Context, JsResult, JsValue};
use contract_model::{ErrorCode, Millis};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Options as a map; absent and null are the empty one.
pub(super) fn options(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Map<String, Value>> {
    match from_js(value, what, context)? {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(misuse(format!("{what} must be an object"))),
    }
}

/// Options of which only these keys are known.
pub(super) fn known(
    value: &JsValue,
    what: &'static str,
    keys: &[&str],
    context: &mut Context,
) -> JsResult<Map<String, Value>> {
    let map = options(value, what, context)?;
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(misuse(format!("{what} has no `{key}`; known are {}", keys.join(", ")))),
        None => Ok(map),
    }
}

/// Options of a registration, as the frame declares them.
pub(super) fn declared<T: DeserializeOwned>(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<T> {
    let map = options(value, what, context)?;
    declared_in(&map, what, context)
}

/// Options of a registration that were looked at before.
pub(super) fn declared_in<T: DeserializeOwned>(
    map: &Map<String, Value>,
    what: &'static str,
    context: &mut Context,
) -> JsResult<T> {
    let error = match serde_json::from_value(Value::Object(map.clone())) {
        Ok(options) => return Ok(options),
        Err(error) => plain(&error.to_string()),
    };
    // It speaks of a value; whoever wrote it looks for its name.
    let alone = |name: &String, value: &Value| Value::Object(Map::from_iter([(name.clone(), value.clone())]));
    let wrong = map.iter().find(|(name, value)| serde_json::from_value::<T>(alone(name, value)).is_err());
    let message = match wrong.filter(|_| !error.starts_with("unknown field")) {
        Some((name, _)) => format!("{what}: {name}: {error}"),
        None => format!("{what}: {error}"),
    };
    Err(throw(&refusal(ErrorCode::PluginInvalid, message), context))
}

/// An error with what was expected and what was found in words that are not those of Rust.
fn plain(error: &str) -> String {
    let told = error.strip_prefix("invalid type: ").or_else(|| error.strip_prefix("invalid value: "));
    let Some((found, wanted)) = told.and_then(|told| told.rsplit_once(", expected ")) else { return error.to_owned() };
    let wanted = match wanted {
        "u16" | "u32" | "u64" => "a whole number from 0",
        "i32" | "i64" => "a whole number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        "a string" => "a text",
        _ => wanted,
    };
    let found = match found {
        "sequence" => "a list",
        "map" => "an object",
        _ => ["string ", "integer ", "floating point ", "boolean "]
            .into_iter()
            .find_map(|kind| found.strip_prefix(kind))
            .map_or(found, |value| value.trim_matches('`')),
    };
    format!("expected {wanted}, found {found}")
}

/// A duration: `"2s"`, or a number of milliseconds.
pub(super) fn duration(value: Option<&Value>, what: &str) -> JsResult<Option<u64>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            Millis::parse(text).map(|it| Some(it.0)).map_err(|error| misuse(format!("{what}: {error}")))
        }
        Some(number) => match number.as_u64() {
            Some(ms) => Ok(Some(ms)),
            None => Err(misuse(format!("{what} must be a duration such as \"2s\", or milliseconds"))),
        },
    }
}

/// An optional text; numbers count as text.
pub(super) fn optional_text(value: Option<&Value>, what: &str) -> JsResult<Option<String>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(misuse(format!("{what} must be a text"))),
    }
}
