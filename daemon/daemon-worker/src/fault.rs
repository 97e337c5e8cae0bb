//! Exceptions: thrown by the host as `AppError`, and caught from plugin code as a [`Failure`] with its place.

use crate::called;
use crate::host::host;
use crate::refusal::{Halt, refusal};
use crate::stack;
use crate::value::{from_js, to_js};
use boa_engine::error::{EngineError, PanicError, RuntimeLimitError};
use boa_engine::{Context, JsError, JsNativeError, JsObject, JsString, JsValue, js_string};
use contract_model::ErrorCode;
use contract_model::code::Fault;
use daemon_frame::{AppError, Failure, FaultKind, Position};
use serde_json::Value;

const MESSAGE_BYTES_MAX: usize = 4 * 1024;
const CODE_BYTES_MAX: usize = 128;

/// The exception that a plugin sees for a refusal: an `AppError` it can catch and read.
pub(crate) fn throw(error: &AppError, context: &mut Context) -> JsError {
    let Some(class) = host(context).app_error() else {
        return JsNativeError::error().with_message(format!("{}: {}", error.code, error.message)).into();
    };
    let options = to_js(&serde_json::json!({"status": error.status, "details": error.details}), context);
    let code = JsString::from(error.code.as_str()).into();
    let message = if is_misuse(&error.code) { called::named(error.message.clone()) } else { error.message.clone() };
    let message = JsString::from(message).into();
    match class.construct(&[code, message, options], None, context) {
        Ok(object) => JsError::from_opaque(object.into()),
        Err(error) => error,
    }
}

/// The exception of a halt; one that nothing can catch where the parent is gone.
pub(crate) fn halt(halt: Halt, context: &mut Context) -> JsError {
    match halt {
        Halt::Refused(error) => throw(&error, context),
        Halt::Gone => PanicError::new("the parent is gone").into(),
    }
}

/// Whether a refusal is the author's to mend and nobody else's: then it names the function. What is said of records and
/// payloads is for whoever sent them, too, and what another plugin did wrong is that one's.
fn is_misuse(code: &str) -> bool {
    use ErrorCode::{FilterInvalid, PluginCrashed, PluginDeadline, PluginError, PluginMemory};
    match ErrorCode::parse(code) {
        Some(FilterInvalid) => true,
        Some(PluginError | PluginDeadline | PluginMemory | PluginCrashed) | None => false,
        Some(code) => code.fault() == Fault::Plugin,
    }
}

/// A wrong use of the API, with the function's name: a plain `TypeError`, since no program should go by it.
pub(crate) fn misuse(message: impl Into<String>) -> JsError {
    JsNativeError::typ().with_message(called::named(message.into())).into()
}

/// What a caught exception says to the outside.
pub(crate) fn failure(error: &JsError, context: &mut Context) -> Failure {
    let stack = stack::of(error);
    let position = stack::position(&stack);
    let (kind, mut error) = describe(error, context);
    if error.message == NOT_CALLABLE
        && let Some(at) = stack.first().and_then(|top| stack::position(std::slice::from_ref(top)))
        && let Some(name) = called_at(&at, context)
    {
        error.message = format!("TypeError: {name} is not a function");
    }
    Failure { kind, error, position, stack }
}

/// What the engine says of a call of what is no function, without a name.
const NOT_CALLABLE: &str = "TypeError: not a callable function";
const NAME_CHARS_MAX: usize = 80;

/// What stands before the bracket of a call in plugin code, such as `e.jsn` of `e.jsn(200, {})`.
fn called_at(at: &Position, context: &Context) -> Option<String> {
    let load = host(context).load.clone();
    let source = &load.modules.iter().find(|module| module.path == at.file)?.source;
    let line: Vec<char> = source.lines().nth(at.line.checked_sub(1)? as usize)?.chars().collect();
    let bracket = at.column.checked_sub(1)? as usize;
    if line.get(bracket) != Some(&'(') {
        return None;
    }
    let is_of_name = |char: &&char| char.is_alphanumeric() || ['_', '$', '.'].contains(char);
    let name: Vec<char> = line[..bracket].iter().rev().take_while(is_of_name).take(NAME_CHARS_MAX).copied().collect();
    let name: String = name.into_iter().rev().collect();
    let name = name.trim_start_matches('.');
    (!name.is_empty() && !name.ends_with('.')).then(|| name.to_owned())
}

/// A failure that is no exception of plugin code.
pub(crate) fn fault(kind: FaultKind, code: ErrorCode, message: impl Into<String>) -> Failure {
    Failure { kind, error: refusal(code, message), position: None, stack: Vec::new() }
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
    match from_js(value, "value", context) {
        Ok(json) if value.is_object() => format!("thrown: {json}"),
        _ => format!("thrown: {}", value.display()),
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

/// JavaScript of the host's own that is simpler there than here. Runs once in a fresh realm.
pub(crate) const PRELUDE: &str = include_str!("prelude.js");

/// The name under which the prelude stands in stacks, which leave it out.
pub(crate) const PRELUDE_PATH: &str = "trunkline:prelude";

/// The `AppError` class of a context whose prelude has run.
pub(crate) fn app_error_class(context: &mut Context) -> Option<JsObject> {
    context.global_object().get(js_string!("AppError"), context).ok()?.as_object()
}
