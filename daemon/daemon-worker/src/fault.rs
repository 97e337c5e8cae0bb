//! Exceptions caught from plugin code, as a [`Failure`] with its place.

use crate::host::host;
use crate::refusal::refusal;
use crate::stack;
use crate::throw::FUNCTION;
use crate::value::{from_js, shown};
use boa_engine::error::{EngineError, RuntimeLimitError};
use boa_engine::{Context, JsError, JsObject, JsString, JsValue, js_string};
use contract_model::ErrorCode;
use daemon_frame::{AppError, Failure, FaultKind, Position};
use serde_json::Value;

const MESSAGE_BYTES_MAX: usize = 4 * 1024;
const CODE_BYTES_MAX: usize = 128;
const FUNCTION_BYTES_MAX: usize = 128;

/// What a caught exception says to the outside.
pub(crate) fn failure(error: &JsError, context: &mut Context) -> Failure {
    let stack = stack::of(error, context);
    let position = stack::position(&stack);
    let function = function_of(error, context);
    let (kind, mut error) = describe(error, context);
    if let Some(at) = stack.first().and_then(|top| stack::position(std::slice::from_ref(top))) {
        let told = match error.message.as_str() {
            NOT_CALLABLE => called_at(&at, context).map(|name| format!("TypeError: {name} is not a function")),
            NO_OBJECT => reached_at(&at, context),
            _ => None,
        };
        error.message = told.unwrap_or(error.message);
    }
    if let Some(instead) = absent(&error.message) {
        error.message = format!("{}; {instead}", error.message);
    }
    Failure { kind, error, function, position, stack }
}

/// What there is instead of a global that an exception finds missing, where it is one that authors look for.
fn absent(message: &str) -> Option<&'static str> {
    let name = message.strip_prefix("ReferenceError: ")?.strip_suffix(" is not defined")?;
    contract_model::absent::instead(name)
}

/// What the engine says of a call of what is no function, without a name.
const NOT_CALLABLE: &str = "TypeError: not a callable function";
/// What it says where a property is asked of what has none.
const NO_OBJECT: &str = "TypeError: cannot convert 'null' or 'undefined' to object";
const NAME_CHARS_MAX: usize = 80;

/// The line of a place in plugin code, and how many characters of it stand before the place.
fn line_of(at: &Position, context: &Context) -> Option<(Vec<char>, usize)> {
    let load = host(context).load.clone();
    let source = &load.modules.iter().find(|module| module.path == at.file)?.source;
    let line = source.lines().nth(at.line.checked_sub(1)? as usize)?.chars().collect();
    Some((line, at.column.checked_sub(1)? as usize))
}

fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || ['_', '$'].contains(&char)
}

/// The name that ends before a place, with what it is reached through, such as `e.body.order`; empty where an expression
/// stands there that is no name.
fn name_before(line: &[char], end: usize) -> Option<String> {
    let before = line.get(..end)?.iter().rev().take_while(|char| is_of_name(**char) || **char == '.');
    let name: Vec<char> = before.take(NAME_CHARS_MAX).copied().collect();
    let name: String = name.into_iter().rev().collect();
    Some(name.trim_start_matches('.').to_owned())
}

/// What is said where a property is reached through what is null or undefined: `total` in `e.body.order.total`. The
/// place is that of the property or, where it is called, of the bracket behind it: then it may be an argument as well,
/// since functions of the language itself have no place in a stack.
fn reached_at(at: &Position, context: &Context) -> Option<String> {
    let (line, place) = line_of(at, context)?;
    let is_part = |char: &&char| is_of_name(**char);
    let called = line.get(..place)?.iter().rev().take_while(is_part).count();
    let is_call = line.get(place) == Some(&'(');
    let start = if is_call { place - called } else { place };
    let property: String = line.get(start..)?.iter().take_while(is_part).take(NAME_CHARS_MAX).collect();
    let dot = start.checked_sub(1).filter(|dot| line.get(*dot) == Some(&'.'))?;
    let of = Some(name_before(&line, dot)?).filter(|of| !of.is_empty());
    let of = of.map_or_else(|| "what stands before it".to_owned(), |of| format!("`{of}`"));
    let told = if is_call {
        format!("TypeError: cannot call `{property}`: {of}, or what it is given, is null or undefined")
    } else {
        format!("TypeError: cannot reach `{property}`: {of} is null or undefined")
    };
    (!property.is_empty()).then_some(told)
}

/// What stands before the bracket of a call in plugin code, such as `e.jsn` of `e.jsn(200, {})`.
fn called_at(at: &Position, context: &Context) -> Option<String> {
    let (line, bracket) = line_of(at, context)?;
    if line.get(bracket) != Some(&'(') {
        return None;
    }
    name_before(&line, bracket).filter(|name| !name.is_empty() && !name.ends_with('.'))
}

/// A failure that is no exception of plugin code.
pub(crate) fn fault(kind: FaultKind, code: ErrorCode, message: impl Into<String>) -> Failure {
    Failure { kind, error: refusal(code, message), function: None, position: None, stack: Vec::new() }
}

/// What an exception says.
pub(crate) fn message_of(error: &JsError, context: &mut Context) -> String {
    describe(error, context).1.message
}

fn describe(error: &JsError, context: &mut Context) -> (FaultKind, AppError) {
    if let Some(engine) = error.as_engine() {
        return (FaultKind::Limit, refusal(ErrorCode::PluginError, limit_text(engine, context)));
    }
    if let Some(native) = error.as_native() {
        let text = format!("{}: {}", native.kind(), native.message());
        return (FaultKind::Exception, refusal(ErrorCode::PluginError, capped(&text, MESSAGE_BYTES_MAX)));
    }
    let value = error.as_opaque().cloned().unwrap_or_default();
    match value.as_object() {
        Some(object) if is_app_error(&object, context) => (FaultKind::App, app_error(&object, context)),
        Some(object) => {
            let text = error_text(&object, context).unwrap_or_else(|| described(&value, context));
            (FaultKind::Exception, refusal(ErrorCode::PluginError, capped(&text, MESSAGE_BYTES_MAX)))
        }
        None => {
            let text = described(&value, context);
            (FaultKind::Exception, refusal(ErrorCode::PluginError, capped(&text, MESSAGE_BYTES_MAX)))
        }
    }
}

fn limit_text(engine: &EngineError, context: &Context) -> String {
    let limits = context.runtime_limits();
    match engine {
        EngineError::RuntimeLimit(RuntimeLimitError::Recursion) => {
            format!("more than {} nested calls", limits.recursion_limit())
        }
        EngineError::RuntimeLimit(RuntimeLimitError::StackSize) => "nested calls hold too many values".to_owned(),
        other => other.to_string(),
    }
}

fn is_app_error(object: &JsObject, context: &Context) -> bool {
    let Some(prototype) = host(context).app_error_prototype() else { return false };
    let mut at = object.prototype();
    while let Some(object) = at {
        if JsObject::equals(&object, &prototype) {
            return true;
        }
        at = object.prototype();
    }
    false
}

/// The function of the API that an `AppError` comes from.
fn function_of(error: &JsError, context: &mut Context) -> Option<String> {
    let object = error.as_opaque()?.as_object().filter(|object| is_app_error(object, context))?;
    let name = text_of(&object, FUNCTION, context)?;
    Some(capped(&name, FUNCTION_BYTES_MAX))
}

/// Reads a thrown `AppError`. The plugin may have changed its properties, so nothing of them is believed.
fn app_error(object: &JsObject, context: &mut Context) -> AppError {
    let code = text_of(object, "code", context).filter(|code| !code.is_empty());
    let message = text_of(object, "message", context).unwrap_or_default();
    let status = property(object, "status", context).and_then(|status| status.as_number()).unwrap_or(500.0);
    let details = property(object, "details", context)
        .and_then(|details| from_js(&details, "details", context).ok())
        .unwrap_or(Value::Null);
    AppError {
        code: capped(&code.unwrap_or_else(|| ErrorCode::PluginError.as_str().to_owned()), CODE_BYTES_MAX),
        message: capped(&message, MESSAGE_BYTES_MAX),
        status: answerable(status),
        details,
    }
}

/// A status outside 400-599 is no error, so it becomes 500.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "guarded by the range")]
fn answerable(status: f64) -> u16 {
    if (400.0..600.0).contains(&status) && status.fract() == 0.0 { status as u16 } else { 500 }
}

/// `TypeError: message` of an Error object, also of one made by a class of the plugin.
fn error_text(object: &JsObject, context: &mut Context) -> Option<String> {
    let message = text_of(object, "message", context)?;
    let name = text_of(object, "name", context).unwrap_or_else(|| "Error".to_owned());
    Some(if message.is_empty() { name } else { format!("{name}: {message}") })
}

fn described(value: &JsValue, context: &mut Context) -> String {
    if let Some(text) = value.as_string() {
        return format!("thrown: {}", text.to_std_string_lossy());
    }
    if !value.is_object() {
        return format!("thrown: {}", shown(value));
    }
    match from_js(value, "value", context) {
        Ok(json) => format!("thrown: {json}"),
        // Not what the refusal says: a `toJSON` may have thrown, and what that threw again.
        Err(_) => format!("thrown: {}", shown(value)),
    }
}

fn property(object: &JsObject, name: &str, context: &mut Context) -> Option<JsValue> {
    object.get(JsString::from(name), context).ok()
}

fn text_of(object: &JsObject, name: &str, context: &mut Context) -> Option<String> {
    property(object, name, context)?.as_string().map(|text| text.to_std_string_lossy())
}

/// The text, cut at a character boundary.
pub(crate) fn capped(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The `AppError` class of a context whose prelude has run.
pub(crate) fn app_error_class(context: &mut Context) -> Option<JsObject> {
    context.global_object().get(js_string!("AppError"), context).ok()?.as_object()
}
