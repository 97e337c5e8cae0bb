//! What a file of tests sees besides the surface: `test`, `expect`, and a rehearsal that it drives by questions.

use crate::called::misuse;
use crate::host::host;
use crate::prelude::PRELUDE_PATH;
use crate::throw::halt;
use crate::value::{from_js, to_js};
use boa_engine::object::FunctionObjectBuilder;
use boa_engine::{
    Context, JsArgs, JsObject, JsResult, JsString, JsValue, NativeFunction, Source,
    native_function::NativeFunctionPointer,
};
use daemon_frame::{Ask, Asked, TestDeclared};
use serde_json::{Map, Value};
use std::path::Path;

/// JavaScript of the kit's own. It stands below the prelude's name, so that stacks leave it out.
const KIT: &str = include_str!("kit.js");

/// Puts the kit into a realm.
pub(crate) fn install(context: &mut Context) -> JsResult<()> {
    let path = format!("{PRELUDE_PATH}/kit.js");
    let kit = context.eval(Source::from_bytes(KIT).with_path(Path::new(&path)))?;
    let kit = kit.as_callable().ok_or_else(|| misuse("the kit is no function"))?;
    let arguments = [native("register", 3, register, context), native("ask", 2, ask, context)];
    kit.call(&JsValue::undefined(), &arguments.map(JsValue::from), context).map(drop)
}

fn native(name: &str, length: usize, function: NativeFunctionPointer, context: &mut Context) -> JsObject {
    let function = NativeFunction::from_fn_ptr(function);
    FunctionObjectBuilder::new(context.realm(), function).name(JsString::from(name)).length(length).build().into()
}

fn register(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let host = host(context);
    if !host.is_loading() {
        return Err(misuse("test is called at the top level of a module, not inside of a test"));
    }
    let name = args.get_or_undefined(0).as_string().map(|name| name.to_std_string_lossy());
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| misuse("the name of a test must be a text"))?;
    let options = from_js(args.get_or_undefined(1), "options of a test", context)?;
    let (with, config) = given(options).map_err(misuse)?;
    let run = args.get_or_undefined(2).as_callable();
    let run = run.ok_or_else(|| misuse("test takes a name, perhaps options, and a function"))?;
    if host.registered.borrow().tests.iter().any(|other| other.name == name) {
        return Err(misuse(format!("two tests are named {name:?}")));
    }
    host.registered.borrow_mut().tests.push(TestDeclared { name, with, config });
    host.handlers.borrow_mut().tests.push(run);
    Ok(JsValue::undefined())
}

/// The slugs and the settings of `{with: ["gl"], config: {currency: "EUR"}}`.
fn given(options: Value) -> Result<(Vec<String>, Map<String, Value>), String> {
    let Value::Object(mut options) = options else { return Err("options of a test must be an object".to_owned()) };
    if let Some(key) = options.keys().find(|key| !matches!(key.as_str(), "with" | "config")) {
        return Err(format!("a test has no option `{key}`; known are with, config"));
    }
    let with = match options.remove("with") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(slugs)) if slugs.iter().all(Value::is_string) => {
            slugs.iter().filter_map(|slug| slug.as_str().map(str::to_owned)).collect()
        }
        Some(_) => return Err("with must be an array of slugs".to_owned()),
    };
    let config = match options.remove("config") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(settings)) => settings,
        Some(_) => return Err("config must be an object with settings of the plugin".to_owned()),
    };
    Ok((with, config))
}

/// Has something done in the rehearsal and gives what came of it.
fn ask(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = args.get_or_undefined(0).as_string().map(|what| what.to_std_string_lossy()).unwrap_or_default();
    let args = from_js(args.get_or_undefined(1), "arguments", context)?;
    let host = host(context);
    host.with_call(&format!("{what} of a test"), |_| ())?;
    match host.link.ask(Ask::Rehearse { what, args }) {
        Ok(Asked::Rehearsed(value)) => Ok(to_js(&value, context)),
        Ok(_) => Err(halt(host.link.lost(), context)),
        Err(refused) => Err(halt(refused, context)),
    }
}
