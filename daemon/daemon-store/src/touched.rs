//! What a unit does that concerns references between records.

use crate::key::Key;
use crate::registry::Registry;
use contract_model::collection::Collection;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a unit does that concerns references.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) made: Vec<Made>,
    /// Keys of the records that the unit itself saves: what it says of them stands.
    pub(crate) saved: BTreeSet<Key>,
    pub(crate) deleted: Vec<Gone>,
}

/// A reference that a saved record holds.
pub(crate) struct Made {
    pub(crate) collection: String,
    pub(crate) id: String,
    pub(crate) field: String,
    pub(crate) target: String,
    pub(crate) target_id: String,
}

/// A record that is deleted and may be referred to.
#[derive(Clone)]
pub(crate) struct Gone {
    pub(crate) collection: String,
    pub(crate) id: String,
}

impl Touched {
    pub(crate) fn saved(&mut self, definition: &Collection, key: &Key, id: &str, fields: &Map<String, Value>) {
        let mut refers = false;
        for (field, reference) in definition.references() {
            refers = true;
            let Some(target_id) = fields.get(field).and_then(Value::as_str) else { continue };
            self.made.push(Made {
                collection: definition.name.clone(),
                id: id.to_owned(),
                field: field.to_owned(),
                target: reference.collection.clone(),
                target_id: target_id.to_owned(),
            });
        }
        if refers {
            self.saved.insert(key.clone());
        }
    }

    pub(crate) fn deleted(&mut self, registry: &Registry, collection: &str, id: &str) {
        if !registry.referrers(collection).is_empty() {
            self.deleted.push(Gone { collection: collection.to_owned(), id: id.to_owned() });
        }
    }
}
