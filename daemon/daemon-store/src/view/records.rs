//! Single records.

use super::View;
use crate::error::StoreError;
use crate::record::{Record, decode, document_key};
use crate::registry::Declared;
use crate::tenant::Scope;

impl View {
    /// Whether the records of a collection have a field of this name, by its declaration.
    pub fn declares(&self, collection: &str, field: &str) -> bool {
        self.registry.declared(collection).is_some_and(|declared| declared.has_field(field))
    }

    /// The record of an id, if there is one.
    pub fn get(&self, scope: &Scope, collection: &str, id: &str) -> Result<Option<Record>, StoreError> {
        let declared = self.registry.collection(collection)?;
        Ok(self.stored(declared, scope.number(), id)?.0)
    }

    /// Records by id, in the order asked, none where there is none.
    pub fn get_many(&self, scope: &Scope, collection: &str, ids: &[&str]) -> Result<Vec<Option<Record>>, StoreError> {
        let declared = self.registry.collection(collection)?;
        let found = ids.iter().map(|id| {
            let record = self.record(declared, scope.number(), id)?;
            record.iter().try_for_each(|record| self.hold_record(collection, record))?;
            Ok(record)
        });
        found.collect()
    }

    /// One of the records that a question asks for, counted with the others.
    pub(super) fn record(&self, declared: &Declared, tenant: u32, id: &str) -> Result<Option<Record>, StoreError> {
        let (record, bytes) = self.stored(declared, tenant, id)?;
        self.charge(&declared.definition.name, bytes)?;
        Ok(record)
    }

    /// A record, and how much was read for it.
    fn stored(&self, declared: &Declared, tenant: u32, id: &str) -> Result<(Option<Record>, usize), StoreError> {
        let key = document_key(tenant, declared.number, id);
        let damaged = || StoreError::damaged(format!("record `{id}` of `{}`", declared.definition.name));
        let value = self.layers().get(&key).map_err(|error| match error {
            StoreError::Damaged { .. } => damaged(),
            other => other,
        })?;
        let bytes = key.len() + value.as_ref().map_or(0, |value| value.len());
        let record = value.map(|value| decode(id, &value).ok_or_else(damaged)).transpose()?;
        self.note_key(key);
        Ok((record, bytes))
    }
}
