//! JavaScript values as JSON values.

use super::SAFE_INTEGER_MAX;
use crate::refusal::refusal;
use crate::throw::throw;
use boa_engine::builtins::date::Date;
use boa_engine::builtins::object::OrdinaryObject;
use boa_engine::object::IndexPropertyValues;
use boa_engine::object::builtins::JsDate;
use boa_engine::property::PropertyKey;
use boa_engine::string::JsStrVariant;
use boa_engine::{Context, JsError, JsObject, JsResult, JsString, JsValue, JsVariant, js_string};
use contract_model::ErrorCode;
use contract_model::limits::JSON_DEPTH_MAX;
use serde_json::{Map, Number, Value};
use std::fmt;

/// Most values in one value. It bounds arrays that are long but empty, such as `new Array(2 ** 32 - 1)`.
const VALUES_MAX: u32 = 4_000_000;

/// The JSON value of a JavaScript value; `undefined` is null. `what` names the value in errors.
pub(crate) fn from_js(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
    Reader::new(Undefined::Absent).top(value, what, context)
}

/// Like [`from_js`], but the fields of the value itself that are `undefined` become null instead of absent,
/// so that a record can be told to drop a field.
pub(crate) fn from_js_patch(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
    Reader::new(Undefined::NullAtTop).top(value, what, context)
}

/// Like [`from_js`], but what is `undefined` within the value is refused: of a filter less would mean more records.
pub(crate) fn from_js_strict(value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
    Reader::new(Undefined::Refused).top(value, what, context)
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

/// Where a value stands; told only where it is refused.
#[derive(Clone, Copy)]
enum Place<'a> {
    Top(&'static str),
    Field(&'a Place<'a>, &'a JsString),
    Item(&'a Place<'a>, u64),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(what) => f.write_str(what),
            Self::Field(of, name) => write!(f, "{of}.{}", name.to_std_string_lossy()),
            Self::Item(of, at) => write!(f, "{of}[{at}]"),
        }
    }
}

/// The objects around a value, the innermost first.
#[derive(Clone, Copy)]
struct Within<'a> {
    object: &'a JsObject,
    around: Option<&'a Within<'a>>,
    depth: u64,
}

impl Within<'_> {
    fn holds(&self, object: &JsObject) -> bool {
        JsObject::equals(self.object, object) || self.around.is_some_and(|around| around.holds(object))
    }
}

struct Reader {
    undefined: Undefined,
    values: u32,
    /// The prototype that was looked along last, if nothing on the way gives a value another form.
    plain: Option<JsObject>,
}

impl Reader {
    fn new(undefined: Undefined) -> Self {
        Self { undefined, values: 0, plain: None }
    }

    fn top(mut self, value: &JsValue, what: &'static str, context: &mut Context) -> JsResult<Value> {
        Ok(self.read(value, &Place::Top(what), None, context)?.unwrap_or(Value::Null))
    }

    /// None for `undefined`.
    fn read(
        &mut self,
        value: &JsValue,
        place: &Place<'_>,
        within: Option<&Within<'_>>,
        context: &mut Context,
    ) -> JsResult<Option<Value>> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(unsupported(place, "more than 4,000,000 values", context));
        }
        Ok(Some(match value.variant() {
            JsVariant::Undefined if self.undefined == Undefined::Refused && !matches!(place, Place::Top(_)) => {
                return Err(undefined_within(place, context));
            }
            JsVariant::Undefined => return Ok(None),
            JsVariant::Null => Value::Null,
            JsVariant::Boolean(flag) => Value::Bool(flag),
            JsVariant::Integer32(integer) => Value::from(integer),
            JsVariant::Float64(float) => number(float, place, context)?,
            JsVariant::String(text) => Value::String(written(&text, place, context)?),
            JsVariant::BigInt(integer) => {
                let integer = integer.as_inner();
                match i64::try_from(integer).map(Value::from).or_else(|_| u64::try_from(integer).map(Value::from)) {
                    Ok(value) => value,
                    Err(_) => return Err(unsupported(place, "a BigInt beyond 64 bits", context)),
                }
            }
            JsVariant::Symbol(_) => return Err(unsupported(place, "a symbol", context)),
            JsVariant::Object(object) => return self.object(&object, place, within, context),
        }))
    }

    fn object(
        &mut self,
        object: &JsObject,
        place: &Place<'_>,
        within: Option<&Within<'_>>,
        context: &mut Context,
    ) -> JsResult<Option<Value>> {
        if object.is_callable() {
            return Err(unsupported(place, "a function", context));
        }
        let depth = within.map_or(0, |within| within.depth);
        if depth >= JSON_DEPTH_MAX {
            return Err(unsupported(place, "more than 64 levels of nesting", context));
        }
        if within.is_some_and(|within| within.holds(object)) {
            return Err(unsupported(place, "a cycle", context));
        }
        if object.is::<Date>() {
            return date(object, place, context).map(Some);
        }
        self.composite(object, place, &Within { object, around: within, depth: depth + 1 }, context)
    }

    fn composite(
        &mut self,
        object: &JsObject,
        place: &Place<'_>,
        inside: &Within<'_>,
        context: &mut Context,
    ) -> JsResult<Option<Value>> {
        if self.may_have_a_form(object) {
            let to_json = object.get(js_string!("toJSON"), context)?;
            if let Some(to_json) = to_json.as_callable() {
                let given = to_json.call(&object.clone().into(), &[], context)?;
                self.plain = None;
                return self.read_given(&given, place, inside, context);
            }
        }
        if object.is_array() {
            return self.array(object, place, inside, context).map(Some);
        }
        if !object.is::<OrdinaryObject>() {
            let what = class_name(object, context);
            return Err(unsupported(place, &what, context));
        }
        self.fields(object, place, inside, context).map(|map| Some(Value::Object(map)))
    }

    /// What `toJSON()` gave is taken as it is, even if it has a `toJSON` of its own or is the object itself.
    fn read_given(
        &mut self,
        given: &JsValue,
        place: &Place<'_>,
        inside: &Within<'_>,
        context: &mut Context,
    ) -> JsResult<Option<Value>> {
        let Some(object) = given.as_object() else { return self.read(given, place, Some(inside), context) };
        if inside.depth >= JSON_DEPTH_MAX {
            return Err(unsupported(place, "more than 64 levels of nesting", context));
        }
        if object.is_array() {
            return self.array(&object, place, inside, context).map(Some);
        }
        if object.is::<OrdinaryObject>() {
            return self.fields(&object, place, inside, context).map(|map| Some(Value::Object(map)));
        }
        let what = class_name(&object, context);
        Err(unsupported(place, &what, context))
    }

    /// Whether a value may say its own form. Most are plain objects and arrays, where looking along their prototypes tells
    /// at a fraction of what asking the engine costs, and most have the same prototype as the one before.
    fn may_have_a_form(&mut self, object: &JsObject) -> bool {
        let key = PropertyKey::from(js_string!("toJSON"));
        if may_have_itself(object, &key) {
            return true;
        }
        let Some(prototype) = object.prototype() else { return false };
        if self.plain.as_ref().is_some_and(|plain| JsObject::equals(plain, &prototype)) {
            return false;
        }
        let mut next = Some(prototype.clone());
        while let Some(object) = next {
            if may_have_itself(&object, &key) {
                return true;
            }
            next = object.prototype();
        }
        self.plain = Some(prototype);
        false
    }

    fn array(
        &mut self,
        array: &JsObject,
        place: &Place<'_>,
        inside: &Within<'_>,
        context: &mut Context,
    ) -> JsResult<Value> {
        let length = array.get(js_string!("length"), context)?.to_length(context)?;
        let mut dense = dense(array, length).map(Vec::into_iter);
        let mut items = Vec::with_capacity(usize::try_from(length.min(1_024)).unwrap_or(0));
        for at in 0..length {
            let item = match dense.as_mut().and_then(Iterator::next) {
                Some(item) => item,
                None => array.get(at, context)?,
            };
            let item = self.read(&item, &Place::Item(place, at), Some(inside), context)?;
            items.push(item.unwrap_or(Value::Null));
        }
        Ok(Value::Array(items))
    }

    fn fields(
        &mut self,
        object: &JsObject,
        place: &Place<'_>,
        inside: &Within<'_>,
        context: &mut Context,
    ) -> JsResult<Map<String, Value>> {
        let keep_undefined = self.undefined == Undefined::NullAtTop && inside.depth <= 1;
        let mut map = Map::new();
        for key in own_keys(object) {
            let Some(value) = self.enumerable(object, &key, context)? else { continue };
            let name = match key {
                PropertyKey::String(name) => name,
                PropertyKey::Index(index) => JsString::from(index.get().to_string()),
                PropertyKey::Symbol(_) => continue,
            };
            let place = Place::Field(place, &name);
            let value = self.read(&value, &place, Some(inside), context)?;
            if let Some(value) = value.or(keep_undefined.then_some(Value::Null)) {
                map.insert(written(&name, &place, context)?, value);
            }
        }
        Ok(map)
    }

    /// The value of an own property if it is enumerable; a getter is called once.
    fn enumerable(&mut self, object: &JsObject, key: &PropertyKey, context: &mut Context) -> JsResult<Option<JsValue>> {
        let Some(property) = object.borrow().properties().get(key) else { return Ok(None) };
        if property.enumerable() != Some(true) {
            return Ok(None);
        }
        if let Some(value) = property.value() {
            return Ok(Some(value.clone()));
        }
        // What it runs may give prototypes a form.
        self.plain = None;
        object.get(key.clone(), context).map(Some)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "guarded by the safe range")]
fn number(float: f64, place: &Place<'_>, context: &mut Context) -> JsResult<Value> {
    if float.fract() == 0.0 && float.abs() <= SAFE_INTEGER_MAX as f64 {
        return Ok(Value::from(float as i64));
    }
    match Number::from_f64(float) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(unsupported(place, if float.is_nan() { "NaN" } else { "an infinite number" }, context)),
    }
}

fn written(text: &JsString, place: &Place<'_>, context: &mut Context) -> JsResult<String> {
    plain_text(text).ok_or_else(|| unsupported(place, "a text with half a surrogate pair", context))
}

fn date(date: &JsObject, place: &Place<'_>, context: &mut Context) -> JsResult<Value> {
    match JsDate::from_object(date.clone()).and_then(|date| date.to_iso_string(context)) {
        Ok(text) => Ok(Value::String(text.as_string().as_ref().and_then(plain_text).unwrap_or_default())),
        Err(_) => Err(unsupported(place, "an invalid Date", context)),
    }
}

fn unsupported(place: &Place<'_>, what: &str, context: &mut Context) -> JsError {
    let hint = if what == "a Promise" { ": put `await` before the call that gives it" } else { "" };
    let message = format!("{place} is {what}, which has no exact form outside the worker{hint}");
    throw(&refusal(ErrorCode::ValueUnsupported, message), context)
}

fn undefined_within(place: &Place<'_>, context: &mut Context) -> JsError {
    let message = format!("{place} is undefined; write null for what is not set, or leave it out");
    throw(&refusal(ErrorCode::ValueUnsupported, message), context)
}

/// Whether it may have an own property of this name.
fn may_have_itself(object: &JsObject, key: &PropertyKey) -> bool {
    !(object.is::<OrdinaryObject>() || object.is_array()) || object.borrow().properties().contains_key(key)
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

/// Those that are numbers come first, in their order.
fn own_keys(object: &JsObject) -> Vec<PropertyKey> {
    let object = object.borrow();
    let named = object.shape().keys();
    let mut indices: Vec<u32> = object.properties().index_property_keys().collect();
    if indices.is_empty() {
        return named;
    }
    indices.sort_unstable();
    indices.into_iter().map(PropertyKey::from).chain(named).collect()
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
