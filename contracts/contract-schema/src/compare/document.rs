//! A schema as a whole: what its references mean, and whether a value is valid under a part of it.

use crate::Schema;
use serde_json::{Map, Value, json};

/// Where the whole schema stands while a part of it judges a value.
const ROOT: &str = "@root";
/// Keywords whose values are data, in which `$ref` means nothing.
const DATA: &[&str] = &["const", "enum", "default", "examples"];

/// One of the two schemas that are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a> {
    root: &'a Value,
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    pub(super) fn root(self) -> &'a Value {
        self.root
    }

    /// What a reference points at; none for one that is not a plain pointer or anchor of this document.
    pub(super) fn resolve(self, reference: &str) -> Option<&'a Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            let pointer = percent_decoded(fragment)?;
            return self.root.pointer(&pointer).filter(|value| value.is_object() || value.is_boolean());
        }
        anchored(self.root, fragment)
    }

    /// Whether references mean what they say: a schema inside that has an identity of its own changes them.
    pub(super) fn is_plain(self) -> bool {
        !has_identity_within(self.root)
    }

    /// A part of this schema that can judge values by itself; none where it does not compile.
    pub(super) fn judge(self, part: &Map<String, Value>) -> Option<Schema> {
        let mut whole = relocated(&Value::Object(part.clone()));
        let mut root = relocated(self.root);
        for keyword in ["$id", "$schema"] {
            root.as_object_mut().map(|root| root.remove(keyword));
        }
        let fields = whole.as_object_mut()?;
        fields.remove("$id");
        fields.insert("$defs".to_owned(), json!({ ROOT: root }));
        Schema::compile_value(&whole, "part").ok()
    }
}

/// The same schema with its references set for its new place under `$defs`.
fn relocated(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value {
                Value::String(reference) if key == "$ref" && (reference == "#" || reference.starts_with("#/")) => {
                    (key.clone(), Value::from(format!("#/$defs/{ROOT}{}", &reference[1..])))
                }
                value if DATA.contains(&key.as_str()) => (key.clone(), value.clone()),
                value => (key.clone(), relocated(value)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(relocated).collect(),
        scalar => scalar.clone(),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn anchored<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    match schema {
        Value::Object(fields) if fields.get("$anchor").and_then(Value::as_str) == Some(name) => Some(schema),
        Value::Object(fields) => fields.values().find_map(|value| anchored(value, name)),
        Value::Array(items) => items.iter().find_map(|value| anchored(value, name)),
        _ => None,
    }
}

fn has_identity_within(root: &Value) -> bool {
    fn found(schema: &Value) -> bool {
        match schema {
            Value::Object(fields) => fields.get("$id").is_some_and(Value::is_string) || fields.values().any(found),
            Value::Array(items) => items.iter().any(found),
            _ => false,
        }
    }
    match root {
        Value::Object(fields) => fields.values().any(found),
        _ => false,
    }
}
