//! JSON values as fresh JavaScript values.

use super::SAFE_INTEGER_MAX;
use boa_engine::builtins::object::OrdinaryObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsBigInt, JsObject, JsString, JsValue};
use hashbrown::HashMap;
use serde_json::{Map, Number, Value};
use std::cell::RefCell;

/// A JavaScript copy of a value.
pub(crate) fn to_js(value: &Value, context: &mut Context) -> JsValue {
    match value {
        Value::Null => JsValue::null(),
        Value::Bool(flag) => JsValue::from(*flag),
        Value::Number(number) => number_to_js(number),
        Value::String(text) => JsString::from(text.as_str()).into(),
        Value::Array(items) => {
            let items: Vec<JsValue> = items.iter().map(|item| to_js(item, context)).collect();
            JsArray::from_iter(items, context).into()
        }
        Value::Object(map) => map_to_js(map, context).into(),
    }
}

/// A JavaScript copy of a record with no more than these fields and its id.
pub(crate) fn to_js_fields(record: &Value, fields: &[String], context: &mut Context) -> JsValue {
    let mut builder = Builder::new(context);
    for name in std::iter::once("id").chain(fields.iter().map(String::as_str).filter(|name| *name != "id")) {
        if let Some(value) = record.get(name) {
            let value = to_js(value, builder.context);
            builder = builder.with(property_key(name), value);
        }
    }
    builder.build().into()
}

fn number_to_js(number: &Number) -> JsValue {
    if let Some(integer) = number.as_i64() {
        if (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&integer) {
            return JsValue::from(integer);
        }
        return JsBigInt::new(integer).into();
    }
    match number.as_u64() {
        Some(integer) => JsBigInt::new(integer).into(),
        None => JsValue::rational(number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn map_to_js(map: &Map<String, Value>, context: &mut Context) -> JsObject {
    let mut builder = Builder::new(context);
    for (key, value) in map {
        let value = to_js(value, builder.context);
        builder = builder.with(property_key(key), value);
    }
    builder.build()
}

/// Most field names that are kept; a plugin that makes names of data would fill memory with them.
const KEPT_KEYS_MAX: usize = 2_048;
/// Longest field name that is kept, in bytes.
const KEPT_KEY_BYTES_MAX: usize = 64;

thread_local! {
    /// Field names that came before, so that they are neither built nor classified again.
    static KEPT_KEYS: RefCell<HashMap<Box<str>, PropertyKey>> = RefCell::default();
}

fn property_key(name: &str) -> PropertyKey {
    KEPT_KEYS.with_borrow_mut(|kept| {
        if let Some(key) = kept.get(name) {
            return key.clone();
        }
        let key = PropertyKey::from(JsString::from(name));
        if kept.len() < KEPT_KEYS_MAX && name.len() <= KEPT_KEY_BYTES_MAX {
            kept.insert(name.into(), key.clone());
        }
        key
    })
}

/// Builds a plain object property by property. Objects built alike share a shape, which the engine's caches use.
pub(crate) struct Builder<'a> {
    object: JsObject,
    /// For making the values in between.
    pub(crate) context: &'a mut Context,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(context: &'a mut Context) -> Self {
        let prototype = context.intrinsics().constructors().object().prototype();
        Self::with_prototype(prototype, context)
    }

    pub(crate) fn with_prototype(prototype: JsObject, context: &'a mut Context) -> Self {
        let object = JsObject::new(context.root_shape(), prototype, OrdinaryObject).upcast();
        Self { object, context }
    }

    /// Sets an own property, whatever prototypes have under that name (`__proto__` too).
    pub(crate) fn with(self, key: impl Into<PropertyKey>, value: impl Into<JsValue>) -> Self {
        let property = PropertyDescriptor::builder().value(value).writable(true).enumerable(true).configurable(true);
        self.object.insert_property(key, property);
        self
    }

    pub(crate) fn with_json(self, key: impl Into<PropertyKey>, value: &Value) -> Self {
        let value = to_js(value, self.context);
        self.with(key, value)
    }

    pub(crate) fn with_fields(self, key: impl Into<PropertyKey>, fields: &Map<String, Value>) -> Self {
        let value = map_to_js(fields, self.context);
        self.with(key, value)
    }

    pub(crate) fn with_texts(self, key: impl Into<PropertyKey>, texts: &[String]) -> Self {
        let texts: Vec<JsValue> = texts.iter().map(|text| JsString::from(text.as_str()).into()).collect();
        let value = JsArray::from_iter(texts, self.context);
        self.with(key, value)
    }

    pub(crate) fn with_text(self, key: impl Into<PropertyKey>, text: &str) -> Self {
        self.with(key, JsString::from(text))
    }

    pub(crate) fn build(self) -> JsObject {
        self.object
    }
}
