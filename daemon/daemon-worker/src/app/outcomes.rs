//! `$app.request` and `$app.onOutcome`: a question to another plugin, and going on when it is answered.

use super::options::{duration, known, optional_text};
use super::realtime::{outgoing, publish_event, published_object};
use super::routes::{called_at, ensure_loading, tail};
use super::text;
use crate::host::host;
use crate::refusal::refusal;
use crate::throw::throw;
use crate::value::Builder;
use boa_engine::{Context, JsArgs, JsResult, JsValue, js_string};
use contract_model::{ErrorCode, PluginSlug, job};
use daemon_frame::{Continuation, OutcomeDeclared, OutcomeRun};

/// Registers a handler that goes on when the outcome of a request is known.
pub(super) fn on_outcome(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$app.onOutcome", context)?;
    let name = text(args, 0, "the name of a continuation")?;
    let (_, handler) = tail(args, 1, "$app.onOutcome(name, handler)")?;
    let host = host(context);
    let topic = PluginSlug::new(&host.load.slug).and_then(|slug| job::outcome_topic(&slug, &name));
    if let Err(error) = topic {
        return Err(throw(&refusal(ErrorCode::PluginInvalid, format!("$app.onOutcome: {error}")), context));
    }
    let at = called_at(context);
    let mut registered = host.registered.borrow_mut();
    if registered.outcomes.iter().any(|known| known.name == name) {
        drop(registered);
        let message = format!("$app.onOutcome({name:?}) is registered twice");
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    registered.outcomes.push(OutcomeDeclared { name, at });
    host.handlers.borrow_mut().outcomes.push(handler);
    Ok(JsValue::undefined())
}

/// Publishes a request. The handle goes into `e.outcome`; with `continue` the outcome comes as a call of its own.
pub(super) fn request(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let keys = ["timeout", "key", "idempotencyKey", "headers", "continue", "context"];
    let mut options = known(args.get_or_undefined(2), "request options", &keys, context)?;
    let timeout_ms = duration(options.remove("timeout").as_ref(), "timeout")?;
    let goes_on = optional_text(options.remove("continue").as_ref(), "continue")?;
    let kept = options.remove("context").unwrap_or_default();
    let event = outgoing(args, options, context)?;
    let topic = event.topic.clone();
    if let Some(name) = &goes_on {
        ensure_outcome(name, context)?;
    }
    let published = publish_event(event, context)?;
    if let Some(name) = goes_on {
        let request = published.id.clone();
        let continuation = Continuation { request, topic, name, context: kept, timeout_ms };
        host(context).with_call("$app.request", |call| call.unit.go_on_with(continuation))?;
    }
    let handle = published_object(&published, context);
    if let (Some(ms), Some(object)) = (timeout_ms, handle.as_object()) {
        object.set(js_string!("timeout"), ms, true, context)?;
    }
    Ok(handle)
}

/// Refuses to continue where nothing is registered that could.
fn ensure_outcome(name: &str, context: &mut Context) -> JsResult<()> {
    let host = host(context);
    if host.registered.borrow().outcomes.iter().any(|known| known.name == name) {
        return Ok(());
    }
    let message = format!("{} cannot continue with `{name}`: add $app.onOutcome({name:?}, handler)", host.load.slug);
    Err(throw(&refusal(ErrorCode::OutcomeUnknown, message), context))
}

/// The argument of a handler that goes on.
pub(crate) fn outcome_object(run: &OutcomeRun, call: &daemon_frame::Context, context: &mut Context) -> JsValue {
    Builder::new(context)
        .with_text(js_string!("outcome"), &run.outcome)
        .with_json(js_string!("payload"), &run.payload)
        .with_json(js_string!("context"), &run.context)
        .with_text(js_string!("id"), &run.request)
        .with(js_string!("attempt"), run.attempt)
        .with_text(js_string!("tenant"), &call.tenant)
        .with_text(js_string!("correlationId"), &call.correlation)
        .build()
        .into()
}
