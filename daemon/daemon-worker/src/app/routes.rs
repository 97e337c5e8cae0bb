//! `$app.routerAdd` and `$app.onEvent`: what the entry module registers.

use super::options::{declared, duration};
use super::realtime::keep_promise;
use super::text;
use crate::called::misuse;
use crate::host::{Handler, host};
use crate::refusal::refusal;
use crate::stack;
use crate::throw::throw;
use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsValue, js_string};
use contract_model::filter::Filter;
use contract_model::limits::ROUTE_BODY_BYTES_MAX;
use contract_model::{ErrorCode, Permission, TopicPattern};
use daemon_frame::{Position, RouteDeclared, RouteOptions, SubscriptionDeclared, SubscriptionOptions};
use serde_json::Value;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

pub(super) fn router_add(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$app.routerAdd", context)?;
    let method = text(args, 0, "the method of a route")?.to_ascii_uppercase();
    let path = text(args, 1, "the path of a route")?;
    let (options, run) = tail(args, 2, "$app.routerAdd(method, path, [options], handler)")?;
    let (options, prefetch) = take_prefetch(&options, context)?;
    let slug = host(context).load.slug.clone();
    if let Err(why) = check_route(&method, &path, &slug) {
        return Err(throw(&refusal(ErrorCode::PluginInvalid, format!("route {method} {path}: {why}")), context));
    }
    let options: RouteOptions = declared(&options, "route options", context)?;
    if options.body_bytes_max.is_some_and(|bytes| !(1..=ROUTE_BODY_BYTES_MAX).contains(&bytes)) {
        let message = format!(
            "route {method} {path}: bodyBytesMax is a number from 1 to {ROUTE_BODY_BYTES_MAX} bytes (ROUTE_BODY_BYTES_MAX)"
        );
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    duration(options.timeout.as_deref().map(Value::from).as_ref(), "timeout")?;
    if let Some(key) = options.key.as_ref().filter(|key| !key.starts_with('/')) {
        let message =
            format!("route {method} {path}: key {key:?} is no JSON pointer into the body, such as \"/{key}\"");
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    let at = called_at(context);
    let host = host(context);
    let mut registered = host.registered.borrow_mut();
    if registered.routes.iter().any(|route| route.method == method && route.path == path) {
        drop(registered);
        return Err(throw(&refusal(ErrorCode::PluginInvalid, format!("{method} {path} is added twice")), context));
    }
    registered.routes.push(RouteDeclared { method, path, options, at });
    host.handlers.borrow_mut().routes.push(Handler { run, prefetch });
    Ok(JsValue::undefined())
}

pub(super) fn on_event(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$app.onEvent", context)?;
    let topic = text(args, 0, "the topic of a subscription")?;
    let (options, run) = tail(args, 1, "$app.onEvent(topic, [options], handler)")?;
    let (options, prefetch) = take_prefetch(&options, context)?;
    let pattern = match TopicPattern::new(&topic) {
        Ok(pattern) => pattern,
        Err(error) => return Err(throw(&refusal(ErrorCode::PluginInvalid, error.to_string()), context)),
    };
    host(context).demand(&Permission::Subscribe, "subscribe").map_err(|error| throw(&error, context))?;
    if !host(context).may_consume(&pattern) {
        let message = format!("`{topic}` cannot be subscribed to: add it under `consumes` in plugin.yaml");
        return Err(throw(&refusal(ErrorCode::TopicUndeclared, message), context));
    }
    let load = host(context).load.clone();
    keep_promise(load.promised_consumes.as_ref(), &topic, "subscribed to", context)?;
    let options: SubscriptionOptions = declared(&options, "subscription options", context)?;
    duration(options.deadline.as_deref().map(Value::from).as_ref(), "deadline")?;
    if options.concurrency == Some(0) {
        let message = format!("concurrency of the subscription to {topic} must be at least 1");
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    if let Some(Err(error)) = options.when.as_deref().map(Filter::parse_over_payload) {
        let message = format!("options.when of the subscription to {topic}: {error}");
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    let name = handler_name(&options, &run, &topic, context)?;
    let at = called_at(context);
    let host = host(context);
    let mut registered = host.registered.borrow_mut();
    if registered.subscriptions.iter().any(|one| one.name == name && one.topic == topic) {
        drop(registered);
        let message = format!("{topic} has two handlers named {name}: give one of them options.name");
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    registered.subscriptions.push(SubscriptionDeclared { topic, name, options, at });
    host.handlers.borrow_mut().subscriptions.push(Handler { run, prefetch });
    Ok(JsValue::undefined())
}

pub(super) fn ensure_loading(what: &str, context: &Context) -> JsResult<()> {
    if host(context).is_loading() {
        Ok(())
    } else {
        Err(misuse(format!("{what} is called at the top level of a module, not inside a handler")))
    }
}

/// Where a module registers something. Of a helper that registers, the line that calls it says which one it is.
pub(super) fn called_at(context: &mut Context) -> Option<Position> {
    stack::here(context).pop()
}

/// The optional options and the handler, which follow on so many arguments.
pub(super) fn tail(args: &[JsValue], before: usize, usage: &str) -> JsResult<(JsValue, JsObject)> {
    let last = args.iter().rposition(|arg| !arg.is_undefined()).unwrap_or(0);
    let handler = args.get_or_undefined(last).as_callable();
    let handler = handler.ok_or_else(|| misuse(format!("the handler must be a function: {usage}")))?;
    match last.checked_sub(before) {
        Some(0) => Ok((JsValue::undefined(), handler)),
        Some(1) => Ok((args.get_or_undefined(before).clone(), handler)),
        _ => Err(misuse(format!("wrong number of arguments: {usage}"))),
    }
}

/// The options of a registration with a yes for the function under `prefetch`, and that function.
fn take_prefetch(options: &JsValue, context: &mut Context) -> JsResult<(JsValue, Option<JsObject>)> {
    let name = PropertyKey::from(js_string!("prefetch"));
    let Some(given) = options.as_object() else { return Ok((options.clone(), None)) };
    let prefetch = given.get(name.clone(), context)?;
    if prefetch.is_undefined() {
        return Ok((options.clone(), None));
    }
    let wanted =
        "options.prefetch must be a function that gives {collection: [id, …], …} for what the handler is given";
    let prefetch = prefetch.as_callable().ok_or_else(|| misuse(wanted))?;
    let rest = JsObject::with_object_proto(context.intrinsics());
    for key in given.own_property_keys(context)? {
        let value = if key == name { JsValue::from(true) } else { given.get(key.clone(), context)? };
        rest.set(key, value, true, context)?;
    }
    Ok((rest.into(), Some(prefetch)))
}

fn check_route(method: &str, path: &str, slug: &str) -> Result<(), String> {
    if !METHODS.contains(&method) {
        return Err(format!("the method must be one of {}", METHODS.join(", ")));
    }
    let below = path.strip_prefix("/api/").and_then(|rest| rest.strip_prefix(slug));
    let segments = match below {
        Some("") => return Ok(()),
        Some(rest) if rest.starts_with('/') => &rest[1..],
        _ => return Err(format!("the path of a route starts with /api/{slug}/")),
    };
    segments.split('/').try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), String> {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
    let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if word(inner.unwrap_or(segment)) {
        return Ok(());
    }
    Err(format!("`{segment}` is not a segment: write letters, digits and - _ . ~, or a parameter such as {{id}}"))
}

/// A handler's identity, which its cursor goes by: `options.name`, else the function's name, else the topic.
fn handler_name(
    options: &SubscriptionOptions,
    handler: &JsObject,
    topic: &str,
    context: &mut Context,
) -> JsResult<String> {
    let own = handler.get(js_string!("name"), context)?.as_string().map(|name| name.to_std_string_lossy());
    let given = options.name.clone().filter(|name| !name.is_empty());
    Ok(given.or(own.filter(|name| !name.is_empty())).unwrap_or_else(|| topic.to_owned()))
}
