//! What is known of a plugin before its code is read: its manifest and its settings.

use super::form::Form;
use super::strings::Strings;
use super::value::{Shape, Value};
use contract_model::{Manifest, TextSet};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the host objects hold that a manifest decides.
#[derive(Default)]
pub(crate) struct Known {
    slug: String,
    version: String,
    /// What the schema of the settings says of each.
    settings: serde_json::Map<String, Json>,
    /// The form of writing a topic that is not followed.
    without: Option<Form>,
}

impl Known {
    pub(crate) fn of(manifest: &Manifest, texts: &BTreeMap<String, String>, without: Option<Form>) -> Self {
        let schema = manifest.config.as_ref().and_then(|path| texts.get(&path.value));
        let schema = schema.and_then(|text| serde_json::from_str::<Json>(text).ok());
        Self {
            slug: manifest.slug.value.to_string(),
            version: manifest.version.value.to_string(),
            settings: schema.as_ref().and_then(properties).cloned().unwrap_or_default(),
            without,
        }
    }

    /// Whether a form of writing a topic is not followed.
    pub(crate) fn lacks(&self, form: Form) -> bool {
        self.without == Some(form)
    }

    /// A key of `$app.config`: one of its declared values. The operator may leave it out, so it is never taken to
    /// be there for certain.
    pub(crate) fn config<'a>(&self, key: &str) -> Value<'a> {
        match self.settings.get(key).filter(|_| !self.lacks(Form::Settings)) {
            Some(schema) => setting(key, schema).join(Value::Nullish),
            None => free(key),
        }
    }

    /// A key of `$app.plugin`.
    pub(crate) fn plugin<'a>(&self, key: &str) -> Value<'a> {
        match key {
            "slug" => Value::text(&self.slug),
            "version" => Value::text(&self.version),
            _ => Value::unknown(&format!("`$app.plugin.{key}` is known only when the plugin runs")),
        }
    }
}

fn properties(schema: &Json) -> Option<&serde_json::Map<String, Json>> {
    schema.get("properties")?.as_object()
}

/// What a setting may be: one of finitely many texts where it has `enum` or `const`, an object or a list of such.
fn setting<'a>(name: &str, schema: &Json) -> Value<'a> {
    if let Some(texts) = texts(schema) {
        return Value::Text(Strings::of(texts));
    }
    if let Some(properties) = properties(schema) {
        let field =
            |(key, schema)| (String::clone(key), setting(&format!("{name}.{key}"), schema).join(Value::Nullish));
        let fields = properties.iter().map(field).collect();
        return Value::Object(Rc::new(Shape { fields, ..Shape::default() }));
    }
    match schema.get("items") {
        Some(items) => setting(&format!("{name}[]"), items).many(),
        None => free(name),
    }
}

fn free<'a>(name: &str) -> Value<'a> {
    Value::unknown(&format!("the setting `{name}` has no `enum` in the schema of the settings"))
}

fn texts(schema: &Json) -> Option<TextSet> {
    let listed = schema.get("enum").and_then(Json::as_array).map(Vec::as_slice);
    let listed = listed.or_else(|| schema.get("const").map(std::slice::from_ref))?;
    let texts: Option<TextSet> = listed.iter().map(|one| one.as_str().map(str::to_owned)).collect();
    texts.filter(|texts| !texts.is_empty())
}
