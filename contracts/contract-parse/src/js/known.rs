//! What is known of a plugin before its code is read: its manifest and its settings.

use super::strings::Strings;
use super::value::Value;
use contract_model::Manifest;
use std::collections::{BTreeMap, BTreeSet};

/// What the host objects hold that a manifest decides.
#[derive(Default)]
pub(crate) struct Known {
    slug: String,
    version: String,
    /// The texts that each setting may have, where there are only so many.
    settings: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    pub(crate) fn of(manifest: &Manifest, texts: &BTreeMap<String, String>) -> Self {
        let schema = manifest.config.as_ref().and_then(|path| texts.get(&path.value));
        let schema = schema.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        Self {
            slug: manifest.slug.value.to_string(),
            version: manifest.version.value.to_string(),
            settings: schema.map(|schema| settings(&schema)).unwrap_or_default(),
        }
    }

    /// A key of `$app.config`: one of its declared values. The operator may leave it out, so it is never taken to
    /// be there for certain.
    pub(crate) fn config<'a>(&self, key: &str) -> Value<'a> {
        match self.settings.get(key) {
            Some(texts) => Value::Text(Strings::Exact(texts.clone())).join(Value::Nullish),
            None => Value::unknown(&format!("the setting `{key}` has no `enum` in the schema of the settings")),
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

/// The settings with finitely many values: those with `enum` or `const`.
fn settings(schema: &serde_json::Value) -> BTreeMap<String, BTreeSet<String>> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    let values = |property: &serde_json::Value| -> Option<BTreeSet<String>> {
        let listed = property.get("enum").and_then(serde_json::Value::as_array).cloned();
        let listed = listed.or_else(|| property.get("const").map(|only| vec![only.clone()]))?;
        let texts: Option<BTreeSet<String>> = listed.iter().map(|one| one.as_str().map(str::to_owned)).collect();
        texts.filter(|texts| !texts.is_empty())
    };
    let found = properties.into_iter().flatten().filter_map(|(key, property)| Some((key.clone(), values(property)?)));
    found.collect()
}
