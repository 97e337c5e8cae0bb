//! What the store knows about tenants and collections; immutable, replaced as a whole.

use crate::error::StoreError;
use crate::key::{Key, KeyBuilder, Keyspace};
use crate::order::{push_value, record_values, text_bytes_max, values_end};
use crate::tenant::{Tenant, TenantRow};
use contract_model::TenantId;
use contract_model::collection::{AUTOMATIC_FIELDS, Collection, OnDelete};
use contract_model::filter::words;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub(crate) struct Registry {
    tenants: BTreeMap<TenantId, Tenant>,
    by_number: BTreeMap<u32, Tenant>,
    collections: BTreeMap<String, Arc<Declared>>,
    /// By the name of a collection, the fields of all collections that refer into it.
    referrers: BTreeMap<String, Vec<Referrer>>,
    /// The last number given to a collection, an index or a unique set.
    last_number: u32,
}

/// A declared collection with the numbers its keys go by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Declared {
    pub(crate) number: u32,
    pub(crate) definition: Collection,
    pub(crate) indexes: Vec<FieldSet>,
    pub(crate) uniques: Vec<FieldSet>,
}

/// A field that refers into some collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub(crate) collection: String,
    pub(crate) field: String,
    pub(crate) on_delete: OnDelete,
}

/// The fields of an index or a unique set. A set of other fields gets another number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldSet {
    pub(crate) number: u32,
    pub(crate) fields: Vec<String>,
    /// Position of the field of type list, in an index: a record has an entry for each item of that list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) spread: Option<usize>,
    /// Its one field is a text, and a record has an entry for each different word of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) words: bool,
}

impl Registry {
    pub(crate) fn of(tenants: Vec<TenantRow>, collections: Vec<Declared>) -> Self {
        let mut registry = Self::default();
        for row in tenants {
            registry.add_tenant(Tenant::new(row));
        }
        for declared in collections {
            registry.add_collection(declared);
        }
        registry
    }

    pub(crate) fn add_tenant(&mut self, tenant: Tenant) {
        self.by_number.insert(tenant.number(), tenant.clone());
        if tenant.row().erasure.is_none() {
            self.tenants.insert(tenant.id().clone(), tenant);
        } else if self.tenants.get(tenant.id()).is_some_and(|named| named.number() == tenant.number()) {
            self.tenants.remove(tenant.id());
        }
    }

    pub(crate) fn add_collection(&mut self, declared: Declared) {
        let sets = declared.indexes.iter().chain(&declared.uniques).map(|set| set.number);
        self.last_number = sets.chain([declared.number]).fold(self.last_number, u32::max);
        self.note_references(&declared.definition);
        self.collections.insert(declared.definition.name.clone(), Arc::new(declared));
    }

    fn note_references(&mut self, definition: &Collection) {
        for referrers in self.referrers.values_mut() {
            referrers.retain(|referrer| referrer.collection != definition.name);
        }
        for (field, reference) in definition.references() {
            let (collection, on_delete) = (definition.name.clone(), reference.on_delete);
            let referrer = Referrer { collection, field: field.to_owned(), on_delete };
            self.referrers.entry(reference.collection.clone()).or_default().push(referrer);
        }
    }

    /// The fields that refer into a collection.
    pub(crate) fn referrers(&self, collection: &str) -> &[Referrer] {
        self.referrers.get(collection).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn next_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    pub(crate) fn next_tenant_number(&self) -> u32 {
        self.by_number.last_key_value().map_or(1, |(last, _)| last + 1)
    }

    pub(crate) fn tenant(&self, id: &TenantId) -> Option<&Tenant> {
        self.tenants.get(id)
    }

    pub(crate) fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.values()
    }

    pub(crate) fn tenant_of(&self, number: u32) -> Option<&Tenant> {
        self.by_number.get(&number)
    }

    /// The name of the collection that this number, or one of its indexes, was given to.
    pub(crate) fn collection_of(&self, number: Option<u32>) -> &str {
        let has = |declared: &&Arc<Declared>| {
            let mut sets = declared.indexes.iter().chain(&declared.uniques);
            Some(declared.number) == number || sets.any(|set| Some(set.number) == number)
        };
        self.collections.values().find(has).map_or("(no known collection)", |declared| &declared.definition.name)
    }

    /// The tenant whose name stands in events that are whole: one that is there, or one that is just being erased.
    pub(crate) fn owner(&self, id: &TenantId) -> Option<&Tenant> {
        let going = || self.by_number.values().find(|tenant| tenant.id() == id && tenant.is_being_erased());
        self.tenant(id).or_else(going)
    }

    /// All tenants that there are and were, by number.
    pub(crate) fn tenants_ever(&self) -> impl Iterator<Item = &Tenant> {
        self.by_number.values()
    }

    /// The prefixes of all scopes: the system's and every tenant's that was not erased.
    pub(crate) fn scope_numbers(&self) -> Vec<u32> {
        let there = self.by_number.values().filter(|tenant| tenant.row().erasure.is_none());
        [0].into_iter().chain(there.map(Tenant::number)).collect()
    }

    pub(crate) fn declared(&self, name: &str) -> Option<&Arc<Declared>> {
        self.collections.get(name)
    }

    pub(crate) fn collection(&self, name: &str) -> Result<&Arc<Declared>, StoreError> {
        self.declared(name).ok_or_else(|| StoreError::CollectionUnknown { collection: name.to_owned() })
    }

    pub(crate) fn collections(&self) -> impl Iterator<Item = &Arc<Declared>> {
        self.collections.values()
    }

    /// Names a key for people, for conflicts and damage.
    pub(crate) fn describe(&self, keyspace: Keyspace, key: &[u8]) -> String {
        let number = key.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let declared = self.collections.values().find(|declared| Some(declared.number) == number);
        match (keyspace, declared) {
            (Keyspace::Documents, Some(declared)) => {
                let id = String::from_utf8_lossy(key.get(8..).unwrap_or_default());
                format!("record `{id}` of `{}`", declared.definition.name)
            }
            _ => format!("an entry of keyspace `{}`", keyspace.name()),
        }
    }
}

impl Declared {
    /// Whether index keys need fields that are not among the declared ones.
    pub(crate) fn indexes_automatic_fields(&self) -> bool {
        let mut fields = self.indexes.iter().chain(&self.uniques).flat_map(|set| &set.fields);
        fields.any(|field| AUTOMATIC_FIELDS.contains(&field.as_str()))
    }

    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.definition.has_field(name)
    }

    /// The index by which the records are found that refer to something in this field. There is one for each
    /// reference, declared or not.
    pub(crate) fn reference_index(&self, field: &str) -> Option<&FieldSet> {
        self.indexes.iter().find(|set| set.begins_with(field))
    }
}

impl FieldSet {
    /// Whether the entries of one value of this field lie together.
    pub(crate) fn begins_with(&self, field: &str) -> bool {
        self.spread.is_none() && !self.words && self.fields.first().is_some_and(|first| first == field)
    }

    /// What the entries begin with whose first field has this value.
    pub(crate) fn value_prefix(&self, tenant: u32, value: &str) -> Vec<u8> {
        let mut prefix = self.index_prefix(tenant).into_bytes();
        push_value(&mut prefix, &Value::from(value), text_bytes_max(self.fields.len()));
        prefix
    }

    /// The id of the record that an entry (without its keyspace byte) stands for.
    pub(crate) fn entry_id<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        let values = key.get(8..)?;
        let (end, _) = values_end(values, self.fields.len())?;
        std::str::from_utf8(&values[end..]).ok()
    }

    pub(crate) fn index_prefix(&self, tenant: u32) -> KeyBuilder {
        KeyBuilder::new(Keyspace::Index).u32(tenant).u32(self.number)
    }

    fn word_keys(&self, tenant: u32, record: &Map<String, Value>, id: &str) -> Vec<Key> {
        let text = self.fields.first().and_then(|field| record.get(field)).and_then(Value::as_str).unwrap_or_default();
        let key = |word: &String| {
            KeyBuilder::new(Keyspace::Index).raw(&self.value_prefix(tenant, word)[1..]).raw(id.as_bytes())
        };
        words(text).iter().map(|word| key(word).finish()).collect()
    }

    /// The keys of a record in an index: one, or one for each different item of its list.
    pub(crate) fn index_keys(&self, tenant: u32, record: &Map<String, Value>, id: &str) -> Vec<Key> {
        if self.words {
            return self.word_keys(tenant, record, id);
        }
        let spread = self.spread.and_then(|at| record.get(&self.fields[at])).and_then(Value::as_array);
        let key = |item: Option<&Value>| {
            let values = record_values(&self.fields, record, self.spread.zip(item));
            self.index_prefix(tenant).raw(&values).raw(id.as_bytes()).finish()
        };
        match spread {
            None => vec![key(self.spread.map(|_| &Value::Null))],
            Some(items) if items.is_empty() => vec![key(Some(&Value::Null))],
            Some(items) => {
                let mut keys: Vec<Key> = items.iter().map(|item| key(Some(item))).collect();
                keys.sort_unstable();
                keys.dedup();
                keys
            }
        }
    }

    pub(crate) fn unique_prefix(&self, tenant: u32) -> KeyBuilder {
        KeyBuilder::new(Keyspace::Unique).u32(tenant).u32(self.number)
    }

    /// The key of a record in a unique set; none if one of its values is null, which is never a duplicate.
    pub(crate) fn unique_key(&self, tenant: u32, record: &Map<String, Value>) -> Option<Key> {
        let null = self.fields.iter().any(|field| record.get(field).is_none_or(Value::is_null));
        (!null).then(|| self.unique_prefix(tenant).raw(&record_values(&self.fields, record, None)).finish())
    }
}

pub(crate) fn tenant_key(number: u32) -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"t").u32(number).finish()
}

pub(crate) fn collection_key(name: &str) -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"c").text(name).finish()
}
