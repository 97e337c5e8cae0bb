//! `$app.money`: exact amounts in minor units. No binary floating point touches them.

use super::{freeze, object};
use boa_engine::{Context, JsObject, JsResult};

pub(super) fn money(context: &mut Context) -> JsResult<JsObject> {
    let money = object(&[], context)?;
    freeze(&money, context)?;
    Ok(money)
}
