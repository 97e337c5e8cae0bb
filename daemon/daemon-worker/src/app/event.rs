//! The argument of a subscription's handler.

use super::{freeze, object, of_this_call, realtime};
use crate::called::misuse;
use crate::host::host;
use crate::value::Builder;
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsValue, js_string};
use contract_model::event::rfc3339;
use daemon_frame::EventDelivery;

/// The functions that all events share. They speak of the event that is handled, and of no earlier one.
pub(super) fn prototype(context: &mut Context) -> JsResult<JsObject> {
    let prototype = object(
        "e",
        &[
            ("reply", 1, |this, args, context| answer(this, args, true, context)),
            ("reject", 1, |this, args, context| answer(this, args, false, context)),
        ],
        context,
    )?;
    freeze(&prototype, context)?;
    Ok(prototype)
}

fn answer(this: &JsValue, args: &[JsValue], ok: bool, context: &mut Context) -> JsResult<JsValue> {
    of_this_call(this, context)?;
    realtime::reply(args.get_or_undefined(0), ok, context)
}

/// `e` of an event. Its values are copies, so a handler may do with them what it likes.
pub(crate) fn event_object(
    event: &EventDelivery,
    call: &daemon_frame::Context,
    context: &mut Context,
) -> JsResult<JsValue> {
    let host = host(context);
    let prototype = host.objects.get().map(|objects| objects.event_prototype.clone());
    let prototype = prototype.ok_or_else(|| misuse("the globals are not there yet"))?;
    Ok(Builder::with_prototype(prototype, context)
        .with_text(js_string!("topic"), &event.topic)
        .with_json(js_string!("payload"), &event.payload)
        .with_text(js_string!("id"), &event.id)
        .with_text(js_string!("tenant"), &call.tenant)
        .with(js_string!("attempt"), event.attempt)
        .with_text(js_string!("correlationId"), &call.correlation)
        .with(js_string!("replay"), event.replay)
        .with_text(js_string!("publisher"), &event.publisher)
        .with_texts(js_string!("roles"), &event.roles)
        .with(js_string!("sequence"), event.sequence)
        .with_text(js_string!("time"), &rfc3339(event.time_ms))
        .with_fields(js_string!("headers"), &event.headers)
        .build()
        .into())
}
