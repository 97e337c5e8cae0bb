//! Values in messages, for people: never more than a few lines, whatever a plugin holds against them.

use super::from_js;
use boa_engine::builtins::error::Error;
use boa_engine::{Context, JsValue, js_string};
use std::fmt::{self, Write};

const SHOWN_BYTES_MAX: usize = 4 * 1024;

/// A value that has no form outside, in a message: a primitive as it is written, of an object only what it is.
pub(crate) fn shown(value: &JsValue) -> String {
    match value.as_object() {
        Some(object) if object.is_callable() => "a function".to_owned(),
        Some(object) if object.is_array() => "an array".to_owned(),
        Some(_) => "an object".to_owned(),
        None => {
            let mut text = Start(String::new());
            // The rest of what is too long is not written.
            let _ = write!(text, "{}", value.display());
            text.0
        }
    }
}

/// Whether the engine may be had to write a value out: it goes as deep into one as that is, on its native stack.
pub(crate) fn shows_at_all(value: &JsValue, context: &mut Context) -> bool {
    let Some(object) = value.as_object() else { return true };
    if !object.is::<Error>() {
        return from_js(value, "value", context).is_ok();
    }
    [js_string!("name"), js_string!("message")].into_iter().all(|part| {
        let part = object.get(part, context);
        part.is_ok_and(|part| !part.is_object())
    })
}

/// Keeps the beginning of what is written.
struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = SHOWN_BYTES_MAX.saturating_sub(self.0.len());
        let end = text.floor_char_boundary(room);
        self.0.push_str(text.get(..end).unwrap_or_default());
        if end == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
