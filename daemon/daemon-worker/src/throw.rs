//! Exceptions that the host throws: an `AppError` for each refusal.

use crate::called;
use crate::host::host;
use crate::refusal::Halt;
use crate::value::to_js;
use boa_engine::error::PanicError;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsError, JsNativeError, JsString};
use contract_model::ErrorCode;
use contract_model::code::Fault;
use daemon_frame::AppError;

/// The exception that a plugin sees for a refusal: an `AppError` it can catch and read.
pub(crate) fn throw(error: &AppError, context: &mut Context) -> JsError {
    let Some(class) = host(context).app_error() else {
        return JsNativeError::error().with_message(format!("{}: {}", error.code, error.message)).into();
    };
    let options = to_js(&serde_json::json!({"status": error.status, "details": error.details}), context);
    let code = JsString::from(error.code.as_str()).into();
    let message = if is_misuse(&error.code) { called::named(error.message.clone()) } else { error.message.clone() };
    let message = JsString::from(message).into();
    let made = class.construct(&[code, message, options], None, context).and_then(|error| {
        if let Some(function) = called::running() {
            let name = JsString::from(function.to_string());
            let property = PropertyDescriptor::builder().value(name).writable(true).enumerable(false);
            error.define_property_or_throw(JsString::from(FUNCTION), property.configurable(true), context)?;
        }
        Ok(error)
    });
    made.map_or_else(|error| error, |error| JsError::from_opaque(error.into()))
}

/// The property of an `AppError` of the host that says which function of the API refused. The message says it, too, where
/// nobody but the author reads that.
pub(crate) const FUNCTION: &str = "function";

/// The exception of a halt; one that nothing can catch where the parent is gone.
pub(crate) fn halt(halt: Halt, context: &mut Context) -> JsError {
    match halt {
        Halt::Refused(error) => throw(&error, context),
        Halt::Gone => PanicError::new("the parent is gone").into(),
    }
}

/// Whether a refusal is the author's to mend and nobody else's: then its message names the function. What is said of
/// records and payloads is for whoever sent them, too, and what another plugin did wrong is that one's.
fn is_misuse(code: &str) -> bool {
    use ErrorCode::{FilterInvalid, PluginCrashed, PluginDeadline, PluginError, PluginMemory};
    match ErrorCode::parse(code) {
        Some(FilterInvalid) => true,
        Some(PluginError | PluginDeadline | PluginMemory | PluginCrashed) | None => false,
        Some(code) => code.fault() == Fault::Plugin,
    }
}
