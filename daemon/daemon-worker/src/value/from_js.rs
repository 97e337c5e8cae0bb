//! JavaScript values as JSON values.

use super::SAFE_INTEGER_MAX;
use crate::fault::throw;
use crate::refusal::refusal;
use boa_engine::builtins::date::Date;
use boa_engine::builtins::object::OrdinaryObject;
use boa_engine::object::IndexPropertyValues;
use boa_engine::object::builtins::JsDate;
use boa_engine::property::PropertyKey;
use boa_engine::string::JsStrVariant;
use boa_engine::{Context, JsObject, JsResult, JsString, JsValue, JsVariant, js_string};
use contract_model::ErrorCode;
use contract_model::limits::JSON_DEPTH_MAX;
use serde_json::{Map, Number, Value};
use std::fmt::Write;

/// Most values in one value. It bounds arrays that are long but empty, such as `new Array(2 ** 32 - 1)`.
const VALUES_MAX: u32 = 4_000_000;

/// The JSON value of a JavaScript value; `undefined` is null. `what` names the value in errors.
pub(crate) fn from_js(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
    Ok(Reader::new(what, Undefined::Absent).read(value, context)?.unwrap_or(Value::Null))
}

/// Like [`from_js`], but the fields of the value itself that are `undefined` become null instead of absent,
/// so that a record can be told to drop a field.
pub(crate) fn from_js_patch(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
    Ok(Reader::new(what, Undefined::NullAtTop).read(value, context)?.unwrap_or(Value::Null))
}

/// Like [`from_js`], but what is `undefined` within the value is refused: of a filter less would mean more records.
pub(crate) fn from_js_strict(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
    Ok(Reader::new(what, Undefined::Refused).read(value, context)?.unwrap_or(Value::Null))
}

/// What `undefined` within a value means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undefined {
    /// A field is not there, an item is null.
    Absent,
    /// The same, but for fields of the value itself, which are null.
    NullAtTop,
    Refused,
}

enum Step {
    Field(JsString),
    Item(u64),
}

struct Reader {
    what: &'static str,
    undefined: Undefined,
    path: Vec<Step>,
    parents: Vec<JsObject>,
    values: u32,
}

impl Reader {
    fn new(what: &'static str, undefined: Undefined) -> Self {
        Self { what, undefined, path: Vec::new(), parents: Vec::new(), values: 0 }
    }

    /// None for `undefined`.
    fn read(&mut self, value: &JsValue, context: &mut Context) -> JsResult<Option<Value>> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(self.unsupported("more than 4,000,000 values", context));
        }
        Ok(Some(match value.variant() {
            JsVariant::Undefined if self.undefined == Undefined::Refused && !self.path.is_empty() => {
                return Err(self.undefined_within(context));
            }
            JsVariant::Undefined => return Ok(None),
            JsVariant::Null => Value::Null,
            JsVariant::Boolean(flag) => Value::Bool(flag),
            JsVariant::Integer32(integer) => Value::from(integer),
            JsVariant::Float64(float) => self.float(float, context)?,
            JsVariant::String(text) => Value::String(self.text(&text, context)?),
            JsVariant::BigInt(integer) => {
                let integer = integer.as_inner();
                match i64::try_from(integer).map(Value::from).or_else(|_| u64::try_from(integer).map(Value::from)) {
                    Ok(value) => value,
                    Err(_) => return Err(self.unsupported("a BigInt beyond 64 bits", context)),
                }
            }
            JsVariant::Symbol(_) => return Err(self.unsupported("a symbol", context)),
            JsVariant::Object(object) => return self.object(&object, context),
        }))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "guarded by the safe range")]
    fn float(&self, float: f64, context: &mut Context) -> JsResult<Value> {
        if float.fract() == 0.0 && float.abs() <= SAFE_INTEGER_MAX as f64 {
            return Ok(Value::from(float as i64));
        }
        match Number::from_f64(float) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(self.unsupported(if float.is_nan() { "NaN" } else { "an infinite number" }, context)),
        }
    }

    fn text(&self, text: &JsString, context: &mut Context) -> JsResult<String> {
        plain_text(text).ok_or_else(|| self.unsupported("a text with half a surrogate pair", context))
    }

    fn object(&mut self, object: &JsObject, context: &mut Context) -> JsResult<Option<Value>> {
        if object.is_callable() {
            return Err(self.unsupported("a function", context));
        }
        if self.parents.len() as u64 >= JSON_DEPTH_MAX {
            return Err(self.unsupported("more than 64 levels of nesting", context));
        }
        if self.parents.iter().any(|parent| JsObject::equals(parent, object)) {
            return Err(self.unsupported("a cycle", context));
        }
        if object.is::<Date>() {
            return self.date(object, context).map(Some);
        }
        self.parents.push(object.clone());
        let result = self.composite(object, context);
        self.parents.pop();
        result
    }

    fn date(&self, date: &JsObject, context: &mut Context) -> JsResult<Value> {
        match JsDate::from_object(date.clone()).and_then(|date| date.to_iso_string(context)) {
            Ok(text) => Ok(Value::String(text.as_string().as_ref().and_then(plain_text).unwrap_or_default())),
            Err(_) => Err(self.unsupported("an invalid Date", context)),
        }
    }

    fn composite(&mut self, object: &JsObject, context: &mut Context) -> JsResult<Option<Value>> {
        if may_have(object, &js_string!("toJSON").into()) {
            let to_json = object.get(js_string!("toJSON"), context)?;
            if let Some(to_json) = to_json.as_callable() {
                let given = to_json.call(&object.clone().into(), &[], context)?;
                return self.read_given(&given, context);
            }
        }
        if object.is_array() {
            return self.array(object, context).map(Some);
        }
        if !object.is::<OrdinaryObject>() {
            let what = class_name(object, context);
            return Err(self.unsupported(&what, context));
        }
        self.fields(object, context).map(|map| Some(Value::Object(map)))
    }

    /// What `toJSON()` gave is taken as it is, even if it has a `toJSON` of its own or is the object itself.
    fn read_given(&mut self, given: &JsValue, context: &mut Context) -> JsResult<Option<Value>> {
        let Some(object) = given.as_object() else { return self.read(given, context) };
        if self.parents.len() as u64 >= JSON_DEPTH_MAX {
            return Err(self.unsupported("more than 64 levels of nesting", context));
        }
        if object.is_array() {
            return self.array(&object, context).map(Some);
        }
        if object.is::<OrdinaryObject>() {
            return self.fields(&object, context).map(|map| Some(Value::Object(map)));
        }
        let what = class_name(&object, context);
        Err(self.unsupported(&what, context))
    }

    fn array(&mut self, array: &JsObject, context: &mut Context) -> JsResult<Value> {
        let length = array.get(js_string!("length"), context)?.to_length(context)?;
        let mut dense = dense(array, length).map(Vec::into_iter);
        let mut items = Vec::with_capacity(usize::try_from(length.min(1_024)).unwrap_or(0));
        for at in 0..length {
            let item = match dense.as_mut().and_then(Iterator::next) {
                Some(item) => item,
                None => array.get(at, context)?,
            };
            self.path.push(Step::Item(at));
            items.push(self.read(&item, context)?.unwrap_or(Value::Null));
            self.path.pop();
        }
        Ok(Value::Array(items))
    }

    fn fields(&mut self, object: &JsObject, context: &mut Context) -> JsResult<Map<String, Value>> {
        let keep_undefined = self.undefined == Undefined::NullAtTop && self.parents.len() <= 1;
        let mut map = Map::new();
        for key in own_keys(object) {
            let Some(value) = enumerable(object, &key, context)? else { continue };
            let name = match key {
                PropertyKey::String(name) => name,
                PropertyKey::Index(index) => JsString::from(index.get().to_string()),
                PropertyKey::Symbol(_) => continue,
            };
            self.path.push(Step::Field(name.clone()));
            let value = self.read(&value, context)?.or(keep_undefined.then_some(Value::Null));
            if let Some(value) = value {
                map.insert(self.text(&name, context)?, value);
            }
            self.path.pop();
        }
        Ok(map)
    }

    fn unsupported(&self, what: &str, context: &mut Context) -> boa_engine::JsError {
        let hint = if what == "a Promise" { ": put `await` before the call that gives it" } else { "" };
        let message = format!("{} is {what}, which has no exact form outside the worker{hint}", self.place());
        throw(&refusal(ErrorCode::ValueUnsupported, message), context)
    }

    fn undefined_within(&self, context: &mut Context) -> boa_engine::JsError {
        let message = format!("{} is undefined; write null for what is not set, or leave it out", self.place());
        throw(&refusal(ErrorCode::ValueUnsupported, message), context)
    }

    /// Where the value stands that is being read.
    fn place(&self) -> String {
        let mut place = String::from(self.what);
        for step in &self.path {
            let _ = match step {
                Step::Field(name) => write!(place, ".{}", name.to_std_string_lossy()),
                Step::Item(at) => write!(place, "[{at}]"),
            };
        }
        place
    }
}

/// Whether a property may be there. Most values are plain objects and arrays, where looking along their prototypes tells
/// at a fraction of what asking the engine costs.
fn may_have(object: &JsObject, key: &PropertyKey) -> bool {
    let mut next = Some(object.clone());
    while let Some(object) = next {
        if !(object.is::<OrdinaryObject>() || object.is_array()) || object.borrow().properties().contains_key(key) {
            return true;
        }
        next = object.prototype();
    }
    false
}

/// The items of an array that lie in a row, without a hole and without a getter.
fn dense(array: &JsObject, length: u64) -> Option<Vec<JsValue>> {
    let array = array.borrow();
    let items: Vec<JsValue> = match array.properties().index_property_values() {
        IndexPropertyValues::DenseI32(items) => items.map(|item| JsValue::from(*item)).collect(),
        IndexPropertyValues::DenseF64(items) => items.map(|item| JsValue::from(*item)).collect(),
        IndexPropertyValues::DenseElement(items) => items.cloned().collect(),
        _ => return None,
    };
    (items.len() as u64 == length).then_some(items)
}

fn own_keys(object: &JsObject) -> Vec<PropertyKey> {
    let object = object.borrow();
    let properties = object.properties();
    let mut indices: Vec<u32> = properties.index_property_keys().collect();
    indices.sort_unstable();
    let mut keys: Vec<PropertyKey> = indices.into_iter().map(PropertyKey::from).collect();
    keys.extend(object.shape().keys());
    keys
}

/// The value of an own property if it is enumerable; a getter is called once.
fn enumerable(object: &JsObject, key: &PropertyKey, context: &mut Context) -> JsResult<Option<JsValue>> {
    let Some(property) = object.borrow().properties().get(key) else { return Ok(None) };
    if property.enumerable() != Some(true) {
        return Ok(None);
    }
    match property.value() {
        Some(value) => Ok(Some(value.clone())),
        None => object.get(key.clone(), context).map(Some),
    }
}

/// The text, unless it holds half a surrogate pair.
fn plain_text(text: &JsString) -> Option<String> {
    match text.as_str().variant() {
        JsStrVariant::Latin1(bytes) if bytes.is_ascii() => String::from_utf8(bytes.to_vec()).ok(),
        JsStrVariant::Latin1(bytes) => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        JsStrVariant::Utf16(units) => String::from_utf16(units).ok(),
    }
}

fn class_name(object: &JsObject, context: &mut Context) -> String {
    let name = object
        .get(js_string!("constructor"), context)
        .ok()
        .and_then(|constructor| constructor.as_object())
        .and_then(|constructor| constructor.get(js_string!("name"), context).ok())
        .and_then(|name| name.as_string())
        .map(|name| name.to_std_string_lossy())
        .filter(|name| !name.is_empty());
    name.map_or_else(|| "an exotic object".to_owned(), |name| format!("a {name}"))
}
