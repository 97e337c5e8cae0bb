//! `$app.log`, `$app.log.info` and its sisters, and `console`.

use super::{define_fixed, freeze, native, object};
use crate::called::{self, Function};
use crate::fault::{capped, message_of};
use crate::host::host;
use crate::value::{from_js, shown};
use boa_engine::{
    Context, JsArgs, JsObject, JsResult, JsString, JsValue, NativeFunction, object::FunctionObjectBuilder,
};
use daemon_frame::LogLine;
use serde_json::{Value, json};

const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
const MESSAGE_BYTES_MAX: usize = 4 * 1024;
const FIELDS_BYTES_MAX: usize = 16 * 1024;

pub(super) fn function(context: &mut Context) -> JsResult<JsObject> {
    let log = native(Function { of: "$app", name: "log" }, 3, log, context);
    for (at, level) in LEVELS.into_iter().enumerate() {
        let function = NativeFunction::from_copy_closure(move |_, args, context| {
            let function = Function { of: "$app.log", name: LEVELS[at] };
            called::run(function, || line(LEVELS[at], args.get_or_undefined(0), args.get_or_undefined(1), context))
        });
        let function: JsObject =
            FunctionObjectBuilder::new(context.realm(), function).name(JsString::from(level)).length(2).build().into();
        freeze(&function, context)?;
        define_fixed(&log, level, function, context)?;
    }
    freeze(&log, context)?;
    Ok(log)
}

pub(super) fn console(context: &mut Context) -> JsResult<JsObject> {
    let console = object(
        "console",
        &[
            ("log", 1, |_, args, context| Ok(spoken("info", args, context))),
            ("info", 1, |_, args, context| Ok(spoken("info", args, context))),
            ("debug", 1, |_, args, context| Ok(spoken("debug", args, context))),
            ("warn", 1, |_, args, context| Ok(spoken("warn", args, context))),
            ("error", 1, |_, args, context| Ok(spoken("error", args, context))),
        ],
        context,
    )?;
    freeze(&console, context)?;
    Ok(console)
}

/// `$app.log(level, message, fields)`; with one argument it is a message of level info.
fn log(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    if args.len() < 2 {
        return line("info", args.get_or_undefined(0), &JsValue::undefined(), context);
    }
    let level = args[0].as_string().map(|level| level.to_std_string_lossy()).unwrap_or_default();
    let level = LEVELS.into_iter().find(|known| *known == level).unwrap_or("info");
    line(level, args.get_or_undefined(1), args.get_or_undefined(2), context)
}

fn spoken(level: &str, args: &[JsValue], context: &mut Context) -> JsValue {
    let words: Vec<String> = args.iter().map(|arg| words(arg, context)).collect();
    push(level, &words.join(" "), Value::Null, context);
    JsValue::undefined()
}

fn line(level: &str, message: &JsValue, fields: &JsValue, context: &mut Context) -> JsResult<JsValue> {
    let message = words(message, context);
    let fields = match from_js(fields, "fields", context) {
        Ok(fields) => fields,
        Err(error) if error.as_engine().is_some() => return Err(error),
        // A log line must not break what it tells of.
        Err(error) => json!({"unreadable": message_of(&error, context)}),
    };
    push(level, &message, fields, context);
    Ok(JsValue::undefined())
}

fn words(value: &JsValue, context: &mut Context) -> String {
    if let Some(text) = value.as_string() {
        return text.to_std_string_lossy();
    }
    if !value.is_object() {
        return shown(value);
    }
    match from_js(value, "value", context) {
        Ok(json) => json.to_string(),
        Err(error) => format!("({})", message_of(&error, context)),
    }
}

/// Keeps the line, or counts it where there are too many. Lines of a load have no call to go to, and are told at once.
fn push(level: &str, message: &str, fields: Value, context: &mut Context) {
    let host = host(context);
    let lines_max = host.load.budget.log_lines_max;
    let large = fields.to_string().len() > FIELDS_BYTES_MAX;
    let fields = if large { json!({"unreadable": "more than 16 KiB of fields"}) } else { fields };
    let line = LogLine { level: level.to_owned(), message: capped(message, MESSAGE_BYTES_MAX), fields };
    if host.is_loading() {
        return host.say(line);
    }
    let _ = host.with_call("$app.log", |call| {
        if (call.logs.len() as u64) < lines_max {
            call.logs.push(line);
        } else {
            call.logs_dropped += 1;
        }
    });
}
