//! `$app` and the other globals, as INTERFACES describes them.

mod capabilities;
mod dao;
mod event;
mod fetch;
mod hooks;
mod jobs;
mod license;
mod log;
mod money;
mod options;
mod outcomes;
mod realtime;
mod reserve;
mod routes;
mod verb;

pub(crate) use capabilities::{link_object, provided_object};
pub(crate) use dao::wanted;
pub(crate) use event::event_object;
pub(crate) use hooks::{changed, make_all};
pub(crate) use jobs::job_object;
pub(crate) use outcomes::outcome_object;
pub(crate) use verb::verb_object;

use crate::called::{self, Function, misuse};
use crate::coerce::coerce;
use crate::fault::app_error_class;
use crate::host::{Host, Objects, host};
use crate::throw::halt;
use crate::value::{from_js, to_js};
use boa_engine::object::{FunctionObjectBuilder, IntegrityLevel};
use boa_engine::property::{Attribute, PropertyDescriptor};
use boa_engine::{
    Context, JsArgs, JsNativeError, JsObject, JsResult, JsString, JsValue, NativeFunction, js_string,
    native_function::NativeFunctionPointer,
};
use contract_model::canonical::{canonical_sha256, sha256_hex};

/// Refuses the functions of an `e` whose call has ended: they would speak for the call that runs, maybe of another tenant.
fn of_this_call(this: &JsValue, context: &mut Context) -> JsResult<()> {
    let host = host(context);
    let (Some(object), Some(objects)) = (this.as_object(), host.objects.get()) else { return Ok(()) };
    let made_as = object.prototype();
    let is_e = |own: &JsObject| made_as.as_ref().is_some_and(|made| JsObject::equals(made, own));
    if !is_e(&objects.event_prototype) && !is_e(&objects.verb_prototype) || host.was_given(&object) {
        return Ok(());
    }
    Err(misuse(
        "its `e` belongs to a call that has ended, or has not begun; use the one that the running handler was given",
    ))
}

/// Puts the globals into a fresh realm. The prelude has run already.
pub(crate) fn install(host: &Host, context: &mut Context) -> JsResult<()> {
    let missing = || JsNativeError::error().with_message("the prelude has not run");
    let app_error = app_error_class(context).ok_or_else(missing)?;
    let prototype = app_error.get(js_string!("prototype"), context)?.as_object().ok_or_else(missing)?;
    let objects = Objects {
        app_error,
        app_error_prototype: prototype,
        verb_prototype: verb::prototype(context)?,
        event_prototype: event::prototype(context)?,
        dao: dao::dao(context)?,
        realtime: realtime::realtime(context)?,
        capability_prototype: capabilities::prototype(context)?,
        answer_prototype: fetch::prototype(context)?,
    };
    if host.objects.set(objects).is_err() {
        return Err(JsNativeError::error().with_message("the globals are there already").into());
    }
    let app = app(host, context)?;
    define_global("$app", app, context)?;
    let jobs = jobs::jobs(context)?;
    define_global("$jobs", jobs, context)?;
    let http = fetch::http(context)?;
    define_global("$http", http, context)?;
    let console = log::console(context)?;
    define_global("console", console, context)?;
    let coerce = native(Function { of: "", name: "coerce" }, 2, coerced, context);
    freeze(&coerce, context)?;
    define_global("coerce", coerce, context)?;
    seed_random(context)
}

fn app(host: &Host, context: &mut Context) -> JsResult<JsObject> {
    let config = to_js(&host.load.config, context);
    deep_freeze(&config, context)?;
    let plugin = to_js(&serde_json::json!({"slug": host.load.slug, "version": host.load.version}), context);
    deep_freeze(&plugin, context)?;
    let log = log::function(context)?;
    let money = money::money(context)?;
    let license = license::license(&host.load.license, context)?;
    let app = object(
        "$app",
        &[
            ("routerAdd", 3, routes::router_add),
            ("onEvent", 2, routes::on_event),
            ("dao", 0, |_, _, context| Ok(objects(context)?.0.into())),
            ("realtime", 0, |_, _, context| Ok(objects(context)?.1.into())),
            ("request", 3, outcomes::request),
            ("onOutcome", 2, outcomes::on_outcome),
            ("onRecord", 4, hooks::on_record),
            ("provide", 2, capabilities::provide),
            ("capability", 2, capabilities::capability),
            ("onAttach", 1, capabilities::on_attach),
            ("onDetach", 1, capabilities::on_detach),
            ("reserve", 3, reserve::reserve),
            ("release", 1, reserve::release),
            ("confirm", 1, reserve::confirm),
            ("now", 0, now),
            ("uuid", 0, uuid),
            ("hash", 1, hash),
            ("sha256", 1, sha256),
        ],
        context,
    )?;
    let members: [(&str, JsValue); 5] = [
        ("config", config),
        ("plugin", plugin),
        ("log", log.into()),
        ("money", money.into()),
        ("license", license.into()),
    ];
    for (name, value) in members {
        define_fixed(&app, name, value, context)?;
    }
    freeze(&app, context)?;
    Ok(app)
}

fn objects(context: &mut Context) -> JsResult<(JsObject, JsObject)> {
    let host = host(context);
    let objects = host.objects.get().ok_or_else(|| misuse("the globals are not there yet"))?;
    Ok((objects.dao.clone(), objects.realtime.clone()))
}

fn now(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    host(context).with_call("$app.now()", |call| JsValue::from(call.context.now_ms))
}

fn uuid(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let id = host(context).with_call("$app.uuid()", |call| call.entropy.uuid(call.context.now_ms))?;
    Ok(JsString::from(id).into())
}

fn hash(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let value = from_js(args.get_or_undefined(0), "value", context)?;
    Ok(JsString::from(canonical_sha256(&value)).into())
}

/// What of a payload has a shape, and what has not.
fn coerced(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let payload = from_js(args.get_or_undefined(0), "payload", context)?;
    let shape = from_js(args.get_or_undefined(1), "shape", context)?;
    let fitted = coerce(&payload, &shape).map_err(misuse)?;
    Ok(to_js(&fitted, context))
}

/// SHA-256 of a text's UTF-8 bytes, lower-case hexadecimal.
fn sha256(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    if !args.get_or_undefined(0).is_string() {
        return Err(misuse("$app.sha256 takes a text; $app.hash takes any value"));
    }
    let text = from_js(args.get_or_undefined(0), "text", context)?;
    Ok(JsString::from(sha256_hex(text.as_str().unwrap_or_default().as_bytes())).into())
}

fn seed_random(context: &mut Context) -> JsResult<()> {
    let math = context.global_object().get(js_string!("Math"), context)?;
    let math = math.as_object().ok_or_else(|| misuse("there is no Math"))?;
    let random =
        native(Function { of: "Math", name: "random" }, 0, |_, _, context| Ok(host(context).random().into()), context);
    define_fixed(&math, "random", random, context)
}

/// A function of the API.
fn native(function: Function, length: usize, body: NativeFunctionPointer, context: &mut Context) -> JsObject {
    let body = NativeFunction::from_copy_closure(move |this, args, context| {
        called::run(function, || body(this, args, context))
    });
    let name = JsString::from(function.name);
    FunctionObjectBuilder::new(context.realm(), body).name(name).length(length).build().into()
}

/// A plain object of functions of the API, its functions frozen; not yet frozen itself. `of` is how plugin code writes it.
fn object(
    of: &'static str,
    functions: &[(&'static str, usize, NativeFunctionPointer)],
    context: &mut Context,
) -> JsResult<JsObject> {
    let object = JsObject::with_object_proto(context.intrinsics());
    for (name, length, body) in functions {
        let function = native(Function { of, name }, *length, *body, context);
        freeze(&function, context)?;
        define_fixed(&object, name, function, context)?;
    }
    Ok(object)
}

fn define_fixed(object: &JsObject, name: &str, value: impl Into<JsValue>, context: &mut Context) -> JsResult<()> {
    let property = PropertyDescriptor::builder().value(value).writable(false).enumerable(true).configurable(false);
    object.define_property_or_throw(JsString::from(name), property, context).map(|_| ())
}

fn define_global(name: &str, object: JsObject, context: &mut Context) -> JsResult<()> {
    context.register_global_property(JsString::from(name), object, Attribute::empty())
}

fn freeze(object: &JsObject, context: &mut Context) -> JsResult<()> {
    object.set_integrity_level(IntegrityLevel::Frozen, context).map(|_| ())
}

fn deep_freeze(value: &JsValue, context: &mut Context) -> JsResult<()> {
    let Some(object) = value.as_object() else { return Ok(()) };
    for key in object.own_property_keys(context)? {
        let value = object.get(key, context)?;
        deep_freeze(&value, context)?;
    }
    freeze(&object, context)
}

/// Asks for what was probably meant, where a name is near one of those that there are.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let limit = 2.min(name.len() / 3);
    let near = known.map(|known| (strsim::osa_distance(name, known), known)).filter(|(distance, _)| *distance <= limit);
    near.min().map(|(_, known)| format!("did you mean `{known}`?"))
}

/// A required text argument.
fn text(args: &[JsValue], at: usize, what: &str) -> JsResult<String> {
    match args.get_or_undefined(at).as_string() {
        Some(text) => Ok(text.to_std_string_lossy()),
        None => Err(misuse(format!("{what} must be a text"))),
    }
}

/// Turns the outcome of work on the unit into a JavaScript result.
fn settle<T>(outcome: JsResult<Result<T, crate::refusal::Halt>>, context: &mut Context) -> JsResult<T> {
    outcome?.map_err(|error| halt(error, context))
}
