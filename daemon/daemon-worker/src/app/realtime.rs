//! `$app.realtime().publish` and `$app.request`.

use super::options::{duration, known, optional_text};
use super::{freeze, meant, object, settle, text};
use crate::called::misuse;
use crate::host::host;
use crate::refusal::{Halt, refusal};
use crate::stack;
use crate::throw::{halt, throw};
use crate::unit::{Outgoing, Published, contract_key};
use crate::value::{Builder, from_js};
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsValue, js_string};
use contract_model::{ErrorCode, Permission};
use daemon_frame::Promised;
use serde_json::{Map, Value};

pub(super) fn realtime(context: &mut Context) -> JsResult<JsObject> {
    let realtime = object("$app.realtime()", &[("publish", 3, publish)], context)?;
    freeze(&realtime, context)?;
    Ok(realtime)
}

fn publish(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let keys = ["key", "delay", "idempotencyKey", "headers"];
    let options = known(args.get_or_undefined(2), "publish options", &keys, context)?;
    let event = outgoing(args, options, context)?;
    let published = publish_event(event, context)?;
    Ok(published_object(&published, context))
}

/// Publishes within the running call's unit of work, if the manifest declares the topic.
pub(super) fn publish_event(mut event: Outgoing, context: &mut Context) -> JsResult<Published> {
    let host = host(context);
    host.demand(&Permission::Publish, "publish").map_err(|error| throw(&error, context))?;
    if !host.may_publish(&event.topic) {
        let topics = host.load.publishes.keys().map(String::as_str);
        let way_out =
            meant(&event.topic, topics).unwrap_or_else(|| "add it under `publishes` in plugin.yaml".to_owned());
        let message = format!("`{}` cannot be published: {way_out}", event.topic);
        return Err(throw(&host.denied(ErrorCode::TopicUndeclared, message), context));
    }
    // A reply's topic comes from the request's contract, not from the code.
    if !event.reply {
        keep_promise(host.load.promised_publishes.as_ref(), &event.topic, "published", context)?;
    }
    if let Some(facts) = host.load.publishes.get(&event.topic) {
        let checked = host.schemas.check(&event.topic, facts, &event.payload);
        checked.map_err(|error| halt(error, context))?;
    }
    // A reply belongs to its own request, so the same answer to another request is no duplicate.
    if event.idempotency_key.is_none()
        && !event.reply
        && let Some(facts) = host.load.publishes.get(&event.topic)
    {
        let key = contract_key(&event.topic, &facts.idempotency, &event.payload);
        event.idempotency_key = key.map_err(|error| halt(error, context))?;
    }
    let outcome = host.with_unit("publishing", |unit, asker| unit.publish(event, asker));
    settle(outcome, context)
}

/// Refuses a topic that the call has not promised. Where the call stands is only asked for where something is promised.
pub(super) fn keep_promise(
    promised: Option<&Promised>,
    topic: &str,
    what: &str,
    context: &mut Context,
) -> JsResult<()> {
    let Some(promised) = promised else { return Ok(()) };
    let kept = promised.keep(topic, what, &stack::here(context));
    kept.map_err(|message| throw(&refusal(ErrorCode::TopicUnpromised, message), context))
}

pub(super) fn outgoing(args: &[JsValue], mut options: Map<String, Value>, context: &mut Context) -> JsResult<Outgoing> {
    let topic = text(args, 0, "the topic")?;
    let payload = from_js(args.get_or_undefined(1), "payload", context)?;
    let headers = match options.remove("headers").unwrap_or_default() {
        Value::Null => Map::new(),
        Value::Object(headers) => headers,
        _ => return Err(misuse("headers must be an object")),
    };
    Ok(Outgoing {
        topic,
        payload,
        key: optional_text(options.get("key"), "key")?,
        idempotency_key: optional_text(options.get("idempotencyKey"), "idempotencyKey")?,
        delay_ms: duration(options.get("delay"), "delay")?.unwrap_or(0),
        headers,
        reply: false,
        same_by_key: false,
    })
}

pub(super) fn published_object(published: &Published, context: &mut Context) -> JsValue {
    Builder::new(context)
        .with_text(js_string!("id"), &published.id)
        .with(js_string!("duplicate"), published.duplicate)
        .build()
        .into()
}

/// Publishes the reply to the event that is handled.
pub(super) fn reply(payload: &JsValue, good: bool, context: &mut Context) -> JsResult<JsValue> {
    let host = host(context);
    let name = if good { "e.reply" } else { "e.reject" };
    let request = host.with_call(name, |call| call.topic.clone())?;
    let topic = match reply_topic(&host.load.replies, request.as_deref(), good) {
        Ok(topic) => topic,
        Err(error) => return Err(halt(error, context)),
    };
    let answered = host.with_call(name, |call| call.unit.is_answered().then(|| call.answered.clone()))?;
    if let Some(answered) = answered {
        let text = format!("{name}: this request is answered; a handler calls e.reply or e.reject, once");
        let first = answered.and_then(|(before, place)| Some((before, place?)));
        let first = first.map(|(before, at)| format!(", and did by {before} at {}:{}:{}", at.file, at.line, at.column));
        return Err(misuse(text + &first.unwrap_or_default()));
    }
    let place = stack::caller(context);
    let payload = from_js(payload, "payload", context)?;
    let published = publish_event(Outgoing { topic, payload, reply: true, ..Outgoing::default() }, context)?;
    host.with_call(name, |call| call.answered = Some((name, place)))?;
    Ok(published_object(&published, context))
}

type Replies = std::collections::BTreeMap<String, (String, Option<String>)>;

fn reply_topic(replies: &Replies, request: Option<&str>, good: bool) -> Result<String, Halt> {
    let undeclared = |why: String| Halt::new(ErrorCode::TopicUndeclared, why);
    let request = request.ok_or_else(|| undeclared("only an event can be replied to".to_owned()))?;
    let Some((ok, error)) = replies.get(request) else {
        return Err(undeclared(format!("`{request}` is no request topic, so it has no reply")));
    };
    if good {
        return Ok(ok.clone());
    }
    error.clone().ok_or_else(|| undeclared(format!("`{request}` declares no error reply, so it cannot be rejected")))
}
