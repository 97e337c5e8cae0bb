//! `$app.provide` and `$app.capability`: functions that one plugin offers to others, and who hears of their coming and
//! going.

use super::options::{known, optional_text};
use super::routes::{called_at, ensure_loading};
use super::{freeze, object, settle, text};
use crate::called::misuse;
use crate::host::host;
use crate::refusal::refusal;
use crate::throw::throw;
use crate::unit::Answers;
use crate::value::{Builder, from_js, to_js};
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsArgs, JsObject, JsResult, JsString, JsValue, js_string};
use contract_model::ErrorCode;
use daemon_frame::{Ask, Asked, LinkRun, ProvideDeclared, ProvidedCall};

const PROVIDE: &str = "$app.provide(name, {method: function})";

/// Offers the methods of a capability that plugin.yaml lists under `capabilities.provides`.
pub(super) fn provide(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    ensure_loading("$app.provide", context)?;
    let name = text(args, 0, "the name of a capability")?;
    let methods = methods(args.get_or_undefined(1), context)?;
    let host = host(context);
    if !host.load.provides.contains(&name) {
        let message = format!(
            "{} cannot provide `{name}`: add `{{name: {name}, version: …}}` under `capabilities.provides` in plugin.yaml",
            host.load.slug
        );
        return Err(throw(&refusal(ErrorCode::CapabilityUndeclared, message), context));
    }
    let at = called_at(context);
    let mut registered = host.registered.borrow_mut();
    if registered.provides.iter().any(|one| one.name == name) {
        drop(registered);
        let message = format!("$app.provide({name:?}) is called twice; give all its methods at once");
        return Err(throw(&refusal(ErrorCode::PluginInvalid, message), context));
    }
    let (names, functions) = methods.into_iter().unzip();
    registered.provides.push(ProvideDeclared { name, methods: names, at });
    host.handlers.borrow_mut().provides.push(functions);
    Ok(JsValue::undefined())
}

/// The functions of an object, by name.
fn methods(given: &JsValue, context: &mut Context) -> JsResult<Vec<(String, JsObject)>> {
    let object = given.as_object().filter(|object| !object.is_callable() && !object.is_array());
    let object = object.ok_or_else(|| misuse(format!("the methods must be an object of functions: {PROVIDE}")))?;
    let mut methods = Vec::new();
    for key in object.own_property_keys(context)? {
        let name = key.to_string();
        let function = object.get(key, context)?.as_callable();
        let function = function.ok_or_else(|| misuse(format!("the method {name} must be a function: {PROVIDE}")))?;
        methods.push((name, function));
    }
    if methods.is_empty() {
        return Err(misuse(format!("a capability has at least one method: {PROVIDE}")));
    }
    Ok(methods)
}

/// The functions of a capability as its users have it. They speak of `this`.
pub(super) fn prototype(context: &mut Context) -> JsResult<JsObject> {
    let prototype = object("$app.capability()", &[("call", 2, call), ("providers", 0, providers)], context)?;
    freeze(&prototype, context)?;
    Ok(prototype)
}

/// A capability that plugin.yaml lists under `capabilities.consumes`.
pub(super) fn capability(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text(args, 0, "the name of a capability")?;
    let options = known(args.get_or_undefined(1), "capability options", &["provider"], context)?;
    let provider = optional_text(options.get("provider"), "provider")?;
    ensure_declared(&name, context)?;
    let prototype = host(context).objects.get().map(|objects| objects.capability_prototype.clone());
    let prototype = prototype.ok_or_else(|| misuse("the globals are not there yet"))?;
    let provider = provider.map_or(JsValue::null(), |slug| JsString::from(slug).into());
    let capability = Builder::with_prototype(prototype, context)
        .with_text(js_string!("name"), &name)
        .with(js_string!("provider"), provider)
        .build();
    freeze(&capability, context)?;
    Ok(capability.into())
}

fn ensure_declared(name: &str, context: &mut Context) -> JsResult<()> {
    let host = host(context);
    if host.load.uses.iter().any(|used| used == name) {
        return Ok(());
    }
    let message = format!(
        "{} may not use the capability `{name}`: add `{{name: {name}}}` under `capabilities.consumes` in plugin.yaml",
        host.load.slug
    );
    Err(throw(&host.denied(ErrorCode::CapabilityUndeclared, message), context))
}

/// Calls a method of the capability with the unit of work's snapshot, and gives what it gave.
fn call(this: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (capability, provider) = of(this, context)?;
    let method = text(args, 0, "the method of a capability")?;
    let input = from_js(args.get_or_undefined(1), "input", context)?;
    let ask = Ask::Call { capability, method, input, provider };
    let answer = host(context).with_unit("capability().call", |_, host| match host.ask(ask)? {
        Asked::Called(value) => Ok(value),
        _ => Err(host.unfit()),
    });
    let value = settle(answer, context)?;
    Ok(to_js(&value, context))
}

/// Who provides the capability now, in the order in which they are chosen.
fn providers(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (capability, _) = of(this, context)?;
    let answer =
        host(context).with_unit("capability().providers", |_, host| match host.ask(Ask::Providers { capability })? {
            Asked::Providers(all) => Ok(all),
            _ => Err(host.unfit()),
        });
    let all = settle(answer, context)?;
    let provider = |(plugin, version): &(String, String), context: &mut Context| {
        let built = Builder::new(context).with_text(js_string!("plugin"), plugin);
        JsValue::from(built.with_text(js_string!("version"), version).build())
    };
    let all: Vec<JsValue> = all.iter().map(|one| provider(one, context)).collect();
    Ok(JsArray::from_iter(all, context).into())
}

/// Name and wanted provider of the capability that a function was called on. Both may be forged, so the name is
/// looked at again; the host does the same.
fn of(this: &JsValue, context: &mut Context) -> JsResult<(String, Option<String>)> {
    const USAGE: &str = "call it on what $app.capability(name) gives: $app.capability(name).call(method, input)";
    let this = this.as_object().ok_or_else(|| misuse(USAGE))?;
    let name = this.get(js_string!("name"), context)?.as_string().map(|name| name.to_std_string_lossy());
    let name = name.ok_or_else(|| misuse(USAGE))?;
    ensure_declared(&name, context)?;
    let provider = this.get(js_string!("provider"), context)?;
    Ok((name, provider.as_string().map(|slug| slug.to_std_string_lossy())))
}

/// Hears of providers that come.
pub(super) fn on_attach(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let handler = news("$app.onAttach", args, context)?;
    let (host, at) = (host(context), called_at(context));
    host.registered.borrow_mut().attaches.push(at);
    host.handlers.borrow_mut().attaches.push(handler);
    Ok(JsValue::undefined())
}

/// Hears of providers before they leave. What it throws keeps them.
pub(super) fn on_detach(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let handler = news("$app.onDetach", args, context)?;
    let (host, at) = (host(context), called_at(context));
    host.registered.borrow_mut().detaches.push(at);
    host.handlers.borrow_mut().detaches.push(handler);
    Ok(JsValue::undefined())
}

fn news(what: &str, args: &[JsValue], context: &mut Context) -> JsResult<JsObject> {
    ensure_loading(what, context)?;
    let handler = args.get_or_undefined(0).as_callable();
    let handler = handler.ok_or_else(|| misuse(format!("the handler must be a function: {what}(handler)")))?;
    if host(context).load.uses.is_empty() {
        let message = format!("{what} hears of nobody: plugin.yaml lists nothing under `capabilities.consumes`");
        return Err(throw(&refusal(ErrorCode::CapabilityUndeclared, message), context));
    }
    Ok(handler)
}

/// The second argument of a method: who calls.
pub(crate) fn provided_object(run: &ProvidedCall, call: &daemon_frame::Context, context: &mut Context) -> JsValue {
    Builder::new(context)
        .with_text(js_string!("caller"), &run.caller)
        .with_text(js_string!("actor"), &call.actor)
        .with_text(js_string!("tenant"), &call.tenant)
        .with_text(js_string!("correlationId"), &call.correlation)
        .build()
        .into()
}

/// The argument of a function that hears of a provider.
pub(crate) fn link_object(run: &LinkRun, call: &daemon_frame::Context, context: &mut Context) -> JsValue {
    let reason = if run.attaches { JsValue::null() } else { JsString::from(run.reason.as_str()).into() };
    Builder::new(context)
        .with_text(js_string!("capability"), &run.capability)
        .with_text(js_string!("provider"), &run.provider)
        .with_text(js_string!("version"), &run.version)
        .with(js_string!("reason"), reason)
        .with_text(js_string!("tenant"), &call.tenant)
        .build()
        .into()
}
