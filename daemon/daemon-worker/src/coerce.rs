//! `coerce`: what of a payload has a wanted shape, and a list of what has not. Pure; values are never converted.

use serde_json::{Map, Value, json};

/// Why a shape is none, for people.
pub(crate) type Wrong = String;

/// What is wanted of a value.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Any,
    Text,
    Integer,
    Number,
    Boolean,
    Object,
    List,
    /// A list of such.
    Each(Box<Shape>),
    Fields(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: String,
    shape: Shape,
    /// Whether it may be missing.
    optional: bool,
}

/// Names of types in shapes; each may end with `?`, for what may be missing.
const TYPES: [(&str, Shape); 7] = [
    ("string", Shape::Text),
    ("integer", Shape::Integer),
    ("number", Shape::Number),
    ("boolean", Shape::Boolean),
    ("object", Shape::Object),
    ("array", Shape::List),
    ("any", Shape::Any),
];

/// Fits a payload to a shape: `{"value", "misfits": [{"path", "want", "got"}]}`. The path is a JSON pointer (RFC 6901).
/// A field or item that does not fit is left out of the value; a payload that is altogether something else gives null.
pub(crate) fn coerce(payload: &Value, shape: &Value) -> Result<Value, Wrong> {
    let (shape, _) = Shape::read(shape, "")?;
    let mut misfits = Vec::new();
    let value = shape.fit(payload, "", &mut misfits);
    Ok(json!({ "value": value, "misfits": misfits }))
}

impl Shape {
    /// A shape as plugins write it, and whether what has it may be missing.
    fn read(written: &Value, path: &str) -> Result<(Self, bool), Wrong> {
        match written {
            Value::String(name) => {
                let (bare, optional) = name.strip_suffix('?').map_or((name.as_str(), false), |bare| (bare, true));
                let known = TYPES.into_iter().find(|(known, _)| *known == bare);
                known.map(|(_, shape)| (shape, optional)).ok_or_else(|| wrong(path, &format!("is `{name}`")))
            }
            Value::Array(items) => match items.as_slice() {
                [item] => Ok((Self::Each(Box::new(Self::read(item, &format!("{path}/0"))?.0)), false)),
                _ => {
                    Err(wrong(path, &format!("is an array of {} shapes and not of the one of its items", items.len())))
                }
            },
            Value::Object(fields) => {
                let read = |(name, written): (&String, &Value)| {
                    let (shape, optional) = Self::read(written, &below(path, name))?;
                    Ok(Field { name: name.clone(), shape, optional })
                };
                Ok((Self::Fields(fields.iter().map(read).collect::<Result<_, Wrong>>()?), false))
            }
            _ => Err(wrong(path, &format!("is {}", kind(written)))),
        }
    }

    /// What of a value has the shape.
    fn fit(&self, value: &Value, path: &str, misfits: &mut Vec<Value>) -> Option<Value> {
        match (self, value) {
            (Self::Fields(fields), Value::Object(given)) => {
                let fitting =
                    fields.iter().filter_map(|field| Some((field.name.clone(), field.fit(given, path, misfits)?)));
                Some(Value::Object(fitting.collect()))
            }
            (Self::Each(shape), Value::Array(items)) => {
                let fit = |(at, item): (usize, &Value)| shape.fit(item, &format!("{path}/{at}"), misfits);
                Some(Value::Array(items.iter().enumerate().filter_map(fit).collect()))
            }
            (Self::Any, _)
            | (Self::Text, Value::String(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Object, Value::Object(_))
            | (Self::List, Value::Array(_)) => Some(value.clone()),
            (Self::Integer, Value::Number(number)) if !number.is_f64() => Some(value.clone()),
            _ => {
                misfits.push(misfit(path, self, kind(value)));
                None
            }
        }
    }

    /// As it is called in a misfit.
    fn name(&self) -> &'static str {
        match self {
            Self::Fields(_) => "object",
            Self::Each(_) => "array",
            plain => TYPES.iter().find(|(_, shape)| shape == plain).map_or("any", |(name, _)| name),
        }
    }
}

impl Field {
    fn fit(&self, given: &Map<String, Value>, path: &str, misfits: &mut Vec<Value>) -> Option<Value> {
        let path = below(path, &self.name);
        match given.get(&self.name) {
            Some(value) => self.shape.fit(value, &path, misfits),
            None if self.optional => None,
            None => {
                misfits.push(misfit(&path, &self.shape, "nothing"));
                None
            }
        }
    }
}

fn misfit(path: &str, want: &Shape, got: &str) -> Value {
    json!({ "path": path, "want": want.name(), "got": got })
}

fn below(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn wrong(path: &str, found: &str) -> Wrong {
    let place = if path.is_empty() { "the shape".to_owned() } else { format!("the shape at {path}") };
    let types = TYPES.map(|(name, _)| name).join(", ");
    format!(
        "{place} {found}; a shape is a type ({types}; with `?` what may be missing), an object of fields or [shape]"
    )
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_given_and_the_rest_is_listed_with_its_place() {
        let shape = json!({
            "no": "string", "total": "integer", "rate": "number", "open": "boolean?", "note": "string?",
            "lines": [{"account": "string", "amount": "integer"}], "tags": ["string"], "extra": "any", "a/b": "array",
        });
        let payload = json!({
            "no": 7, "total": 12.5, "rate": 3, "open": "yes", "more": true, "extra": null,
            "lines": [{"account": "1000", "amount": 5}, {"account": null}, "x"], "tags": ["a", 1, "b"],
        });
        let fitted = coerce(&payload, &shape).expect("a shape");
        let value = json!({
            "rate": 3, "extra": null, "tags": ["a", "b"], "lines": [{"account": "1000", "amount": 5}, {}],
        });
        assert_eq!(fitted["value"], value);
        let misfits: Vec<String> = fitted["misfits"].as_array().expect("a list").iter().map(told).collect();
        let mut expected = [
            "/no: string for integer",
            "/total: integer for number",
            "/open: boolean for string",
            "/lines/1/account: string for null",
            "/lines/1/amount: integer for nothing",
            "/lines/2: object for string",
            "/tags/1: string for integer",
            "/a~1b: array for nothing",
        ];
        let mut misfits: Vec<&str> = misfits.iter().map(String::as_str).collect();
        misfits.sort_unstable();
        expected.sort_unstable();
        assert_eq!(misfits, expected);
    }

    fn told(misfit: &Value) -> String {
        let text = |name: &str| misfit[name].as_str().unwrap_or_default().to_owned();
        format!("{}: {} for {}", text("path"), text("want"), text("got"))
    }

    #[test]
    fn a_payload_of_another_kind_is_one_misfit() {
        for payload in [json!(null), json!([1]), json!("text"), json!(1)] {
            let fitted = coerce(&payload, &json!({"no": "string"})).expect("a shape");
            assert_eq!(fitted["value"], Value::Null);
            assert_eq!(fitted["misfits"].as_array().map(Vec::len), Some(1), "{fitted}");
        }
        assert_eq!(coerce(&json!({"a": 1}), &json!({})), Ok(json!({"value": {}, "misfits": []})));
    }

    #[test]
    fn what_is_no_shape_is_refused_with_its_place() {
        for (shape, place) in [
            (json!({"a": {"b": "strng"}}), "the shape at /a/b is `strng`"),
            (json!({"a": ["string", "string"]}), "the shape at /a is an array of 2 shapes"),
            (json!(7), "the shape is integer"),
            (json!(null), "the shape is null"),
        ] {
            let wrong = coerce(&json!({}), &shape).expect_err("no shape");
            assert!(wrong.starts_with(place), "{wrong}");
        }
    }
}
