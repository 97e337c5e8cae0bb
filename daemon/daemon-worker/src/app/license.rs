//! `$app.license`: what the plugin's licence allows. Until one is bound it is the free plan.

use super::{define_fixed, freeze, object, text};
use crate::host::host;
use boa_engine::{Context, JsResult, JsString, JsValue};
use daemon_frame::License;

pub(super) fn license(license: &License, context: &mut Context) -> JsResult<boa_engine::JsObject> {
    let object = object("$app.license", &[("quota", 1, quota), ("has", 1, has)], context)?;
    define_fixed(&object, "plan", JsString::from(license.plan.as_str()), context)?;
    define_fixed(&object, "seats", license.seats, context)?;
    freeze(&object, context)?;
    Ok(object)
}

/// How much of a thing the licence allows; none of what it does not speak of.
fn quota(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text(args, 0, "argument 1 of $app.license.quota, the name of a quota,")?;
    Ok(host(context).load.license.quotas.get(&name).copied().unwrap_or(0).into())
}

fn has(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let name = text(args, 0, "argument 1 of $app.license.has, the name of a feature,")?;
    Ok(host(context).load.license.features.contains(&name).into())
}
