//! References between records: what a unit refers to is there when it is decided, and what it deletes takes along,
//! lets go of, or is held by the records that refer to it.
//!
//! Everything is judged against the newest decided state, as the unit leaves it. So of a deletion and a save that
//! refers to it at the same time, whichever is decided second is refused by name.

use crate::decide::Stage;
use crate::error::{Refused, StoreError};
use crate::key::prefix_end;
use crate::layers::Layers;
use crate::prepare::PreparedWrite;
use crate::record::{collection_prefix, decode, document_key, encode, header, id_of, remove_automatic};
use crate::registry::{Declared, Referrer, Registry};
use crate::touched::{Gone, Made};
use contract_model::RecordId;
use contract_model::collection::OnDelete;
use contract_model::limits::CASCADE_RECORDS_MAX;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields to be emptied, by collection and record.
type Emptied = BTreeMap<(String, String), Vec<String>>;

impl Stage<'_> {
    /// Follows every deletion to the records that refer to what is deleted, then makes sure that all that is referred
    /// to is there.
    pub(crate) fn settle_references(&mut self) -> Result<(), Refused> {
        let emptied = self.follow_deletions()?;
        for at in 0..self.references.deleted.len() {
            self.refuse_if_held(&self.references.deleted[at])?;
        }
        for ((collection, id), fields) in emptied {
            self.empty(&collection, &id, &fields)?;
        }
        self.references.made.iter().try_for_each(|made| self.refuse_if_missing(made))
    }

    /// Deletes what goes along, and gives the references that are to be emptied.
    fn follow_deletions(&mut self) -> Result<Emptied, Refused> {
        let mut emptied = Emptied::new();
        let mut carried = 0;
        let mut at = 0;
        // What is deleted on the way is followed in its turn.
        while let Some(gone) = self.references.deleted.get(at).cloned() {
            at += 1;
            for referrer in self.registry.referrers(&gone.collection) {
                if referrer.on_delete == OnDelete::Restrict {
                    continue;
                }
                let room = CASCADE_RECORDS_MAX - carried;
                let found = self.referring(referrer, &gone.id, room + 1)?;
                carried += found.len() as u64;
                if carried > CASCADE_RECORDS_MAX {
                    let Gone { collection, id } = gone;
                    let (by, max) = (referrer.collection.clone(), CASCADE_RECORDS_MAX);
                    return Err(Refused::CascadeTooLarge { collection, id, by, max });
                }
                for id in found {
                    if referrer.on_delete == OnDelete::Cascade {
                        self.rewrite(&referrer.collection, &id, None)?;
                    } else {
                        let fields = emptied.entry((referrer.collection.clone(), id)).or_default();
                        fields.push(referrer.field.clone());
                    }
                }
            }
        }
        Ok(emptied)
    }

    fn refuse_if_held(&self, gone: &Gone) -> Result<(), Refused> {
        let referrers = self.registry.referrers(&gone.collection).iter();
        for referrer in referrers.filter(|referrer| referrer.on_delete == OnDelete::Restrict) {
            if let Some(by_id) = self.referring(referrer, &gone.id, 1)?.pop() {
                let Gone { collection, id } = gone.clone();
                let (by, field) = (referrer.collection.clone(), referrer.field.clone());
                return Err(Refused::Referenced { collection, id, by, by_id, field });
            }
        }
        Ok(())
    }

    fn refuse_if_missing(&self, made: &Made) -> Result<(), Refused> {
        let target = self.registry.declared(&made.target);
        let there = |target: &Declared| self.has(&document_key(self.tenant, target.number, &made.target_id));
        if target.map_or(Ok(false), |target| there(target))? {
            return Ok(());
        }
        Err(Refused::ReferenceNotFound {
            collection: made.collection.clone(),
            id: made.id.clone(),
            field: made.field.clone(),
            target: made.target.clone(),
            target_id: made.target_id.clone(),
        })
    }

    /// Records that refer to `id` and that this unit has neither saved nor deleted; at most `max`.
    fn referring(&self, referrer: &Referrer, id: &str, max: u64) -> Result<Vec<String>, StoreError> {
        let declared = self.registry.collection(&referrer.collection)?;
        let broken = || StoreError::damaged(format!("an index of `{}`", referrer.collection));
        let set = declared.reference_index(&referrer.field).ok_or_else(broken)?;
        let low = set.value_prefix(self.tenant, id);
        let mut found = Vec::new();
        for entry in self.layers.scan(&low, &prefix_end(&low), false)? {
            if found.len() as u64 == max {
                break;
            }
            let by = set.entry_id(entry?.0).ok_or_else(broken)?;
            let key = document_key(self.tenant, declared.number, by);
            let is_deleted = self.changes.get(&key).is_some_and(Option::is_none);
            if !is_deleted && !self.references.saved.contains(&key) {
                found.push(by.to_owned());
            }
        }
        Ok(found)
    }

    fn empty(&mut self, collection: &str, id: &str, emptied: &[String]) -> Result<(), Refused> {
        let declared = self.registry.collection(collection)?;
        let key = document_key(self.tenant, declared.number, id);
        if self.changes.get(&key).is_some_and(Option::is_none) {
            // Another of its references has taken it along.
            return Ok(());
        }
        let stored = self.layers.get(&key)?.and_then(|value| decode(id, &value));
        let mut fields = stored.ok_or_else(|| missing(collection, id))?.fields;
        remove_automatic(&mut fields);
        for field in emptied {
            fields.insert(field.clone(), Value::Null);
        }
        self.rewrite(collection, id, Some((encode(&fields), fields)))
    }

    /// Writes or deletes a stored record as it is now, whatever its revision.
    fn rewrite(
        &mut self,
        collection: &str,
        id: &str,
        put: Option<(Vec<u8>, Map<String, Value>)>,
    ) -> Result<(), Refused> {
        let declared = self.registry.collection(collection)?;
        let stored = self.layers.get(&document_key(self.tenant, declared.number, id))?.and_then(|value| header(&value));
        let base_revision = stored.ok_or_else(|| missing(collection, id))?.revision;
        let id = RecordId::new(id).map_err(|_| missing(collection, id))?;
        self.write(PreparedWrite { collection: collection.to_owned(), id, base_revision, put }).map(drop)
    }
}

/// An index names a record that is not there.
fn missing(collection: &str, id: &str) -> StoreError {
    StoreError::damaged(format!("record `{id}` of `{collection}`"))
}

/// Refuses a declaration by which stored records would refer to what is not there.
pub(crate) fn check_stored(
    layers: Layers<'_>,
    registry: &Registry,
    collection: &str,
    field: &str,
) -> Result<(), StoreError> {
    let declared = registry.collection(collection)?;
    let wrong = |why: String| StoreError::Declaration { collection: collection.to_owned(), why };
    let target = declared.definition.references().find(|(name, _)| *name == field).map(|(_, to)| &to.collection);
    let Some(target) = target else { return Ok(()) };
    let Some(to) = registry.declared(target) else {
        return Err(wrong(format!("field `{field}` refers to `{target}`, which nobody declares")));
    };
    for tenant in registry.scope_numbers() {
        let dangling = dangling(layers, declared, tenant, field, to, 1)?;
        if let Some((id, target_id)) = dangling.first() {
            return Err(wrong(format!(
                "record `{id}` refers in `{field}` to `{target_id}` of `{target}`, which is not there; mend the record first"
            )));
        }
    }
    Ok(())
}

/// Stored records of a tenant whose reference leads nowhere, each with what it names; at most `max`.
pub(crate) fn dangling(
    layers: Layers<'_>,
    declared: &Declared,
    tenant: u32,
    field: &str,
    target: &Declared,
    max: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    let low = collection_prefix(tenant, declared.number);
    let mut found = Vec::new();
    for entry in layers.scan(&low, &prefix_end(&low), false)? {
        // What cannot be read is found by those who look for damage.
        let Ok((key, value)) = entry else { continue };
        let Some((id, record)) = id_of(key).and_then(|id| Some((id, decode(id, &value)?))) else { continue };
        let Some(target_id) = record.fields.get(field).and_then(Value::as_str) else { continue };
        if found.len() < max && !layers.has(&document_key(tenant, target.number, target_id))? {
            found.push((id.to_owned(), target_id.to_owned()));
        }
    }
    Ok(found)
}
