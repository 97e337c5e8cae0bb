//! Declaring collections and making tenants: changes of the registry, stored like any other unit.

use crate::error::StoreError;
use crate::key::{Key, Keyspace, prefix_end};
use crate::layers::Layers;
use crate::overlay::Changes;
use crate::record::{collection_prefix, decode, id_of};
use crate::references;
use crate::registry::{Declared, FieldSet, Registry, collection_key, tenant_key};
use crate::seal::{damaged, seal};
use crate::small::encode_small;
use crate::tenant::{Tenant, TenantRow};
use contract_model::TenantId;
use contract_model::collection::{Collection, FieldType, INDEX_FIELDS_MAX};
use contract_model::limits::TENANTS_MAX;

/// The registry with these declarations, and what has to be written for it. Entries of new indexes are made
/// and those of indexes that are gone are removed.
pub(crate) fn declare(
    layers: Layers<'_>,
    registry: &Registry,
    collections: Vec<Collection>,
) -> Result<(Registry, Changes), StoreError> {
    let mut next = registry.clone();
    let mut changes = Changes::new();
    let mut referring = Vec::new();
    for definition in collections {
        check(&definition)?;
        let before = registry.declared(&definition.name).cloned();
        let declared = number(&mut next, before.as_deref(), definition);
        if before.as_deref() == Some(&declared) {
            continue;
        }
        let mut rebuild = Rebuild { layers, tenants: next.scope_numbers(), changes: &mut changes };
        if let Some(before) = &before {
            rebuild.remove_entries(before, &declared)?;
            rebuild.add_entries(before, &declared)?;
        }
        let key = collection_key(&declared.definition.name);
        let sealed = seal(&key, &encode_small(&declared)?);
        changes.insert(key, Some(sealed));
        let known = before.as_ref().map_or_else(Vec::new, |before| before.definition.references().collect());
        let fresh = declared.definition.references().filter(|reference| !known.contains(reference));
        referring.extend(fresh.map(|(field, _)| (declared.definition.name.clone(), field.to_owned())));
        next.add_collection(declared);
    }
    for (collection, field) in referring {
        references::check_stored(layers, &next, &collection, &field)?;
    }
    Ok((next, changes))
}

/// The registry with one more tenant, and what has to be written for it.
pub(crate) fn create_tenant(
    registry: &Registry,
    id: &TenantId,
    name: &str,
) -> Result<(Registry, Changes, Tenant), StoreError> {
    // The events of one that is being erased still name it.
    if registry.owner(id).is_some() {
        return Err(StoreError::TenantExists { tenant: id.to_string() });
    }
    if registry.tenants().count() as u64 >= TENANTS_MAX {
        return Err(StoreError::TenantsFull);
    }
    let mut next = registry.clone();
    let tenant = Tenant::new(TenantRow {
        number: registry.next_tenant_number(),
        id: id.clone(),
        name: name.to_owned(),
        erasure: None,
    });
    let key = tenant_key(tenant.number());
    let sealed = seal(&key, &encode_small(tenant.row())?);
    next.add_tenant(tenant.clone());
    Ok((next, Changes::from([(key, Some(sealed))]), tenant))
}

fn check(definition: &Collection) -> Result<(), StoreError> {
    let wrong = |why: String| StoreError::Declaration { collection: definition.name.clone(), why };
    for set in definition.indexes.iter().chain(&definition.unique) {
        if set.is_empty() || set.len() > INDEX_FIELDS_MAX {
            return Err(wrong(format!("an index needs 1 to {INDEX_FIELDS_MAX} fields")));
        }
    }
    Ok(())
}

/// Gives numbers to what is new and keeps those of what stays.
fn number(next: &mut Registry, before: Option<&Declared>, definition: Collection) -> Declared {
    let mut sets = |known: Option<&Vec<FieldSet>>, wanted: &[Vec<String>], spreads: bool| -> Vec<FieldSet> {
        let mut out: Vec<FieldSet> = Vec::with_capacity(wanted.len());
        for fields in wanted {
            if out.iter().any(|set| &set.fields == fields) {
                continue;
            }
            let spread = fields.iter().position(|field| spreads && is_list(&definition, field));
            let same = |set: &&FieldSet| &set.fields == fields && set.spread == spread && !set.words;
            let kept = known.and_then(|known| known.iter().find(same)).cloned();
            out.push(kept.unwrap_or_else(|| FieldSet {
                number: next.next_number(),
                fields: fields.clone(),
                spread,
                words: false,
            }));
        }
        out
    };
    let mut indexes = sets(before.map(|before| &before.indexes), &wanted_indexes(&definition), true);
    let uniques = sets(before.map(|before| &before.uniques), &definition.unique, false);
    let of_words = full_text(next, before, &definition);
    indexes.extend(of_words);
    let number = before.map_or_else(|| next.next_number(), |before| before.number);
    Declared { number, definition, indexes, uniques }
}

/// The indexes over the words of texts.
fn full_text(next: &mut Registry, before: Option<&Declared>, definition: &Collection) -> Vec<FieldSet> {
    let mut out: Vec<FieldSet> = Vec::with_capacity(definition.full_text.len());
    for field in &definition.full_text {
        let same = |set: &&FieldSet| set.words && set.fields == [field.clone()];
        if out.iter().any(|set| same(&set)) {
            continue;
        }
        let kept = before.and_then(|before| before.indexes.iter().find(same)).cloned();
        let fresh = || FieldSet { number: next.next_number(), fields: vec![field.clone()], spread: None, words: true };
        out.push(kept.unwrap_or_else(fresh));
    }
    out
}

/// The declared indexes, and one for each reference that none of them begins with.
fn wanted_indexes(definition: &Collection) -> Vec<Vec<String>> {
    let mut wanted = definition.indexes.clone();
    for (field, _) in definition.references() {
        let serves = |set: &Vec<String>| {
            set.first().is_some_and(|first| first == field) && !set.iter().any(|name| is_list(definition, name))
        };
        if !wanted.iter().any(serves) {
            wanted.push(vec![field.to_owned()]);
        }
    }
    wanted
}

fn is_list(definition: &Collection, name: &str) -> bool {
    definition.fields.iter().any(|field| field.name == name && field.kind == FieldType::List)
}

struct Rebuild<'a> {
    layers: Layers<'a>,
    tenants: Vec<u32>,
    changes: &'a mut Changes,
}

impl Rebuild<'_> {
    fn remove_entries(&mut self, before: &Declared, now: &Declared) -> Result<(), StoreError> {
        for tenant in self.tenants.clone() {
            for set in before.indexes.iter().filter(|set| !now.indexes.contains(set)) {
                self.remove(Keyspace::Index, &set.index_prefix(tenant).into_bytes())?;
            }
            for set in before.uniques.iter().filter(|set| !now.uniques.contains(set)) {
                self.remove(Keyspace::Unique, &set.unique_prefix(tenant).into_bytes())?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, keyspace: Keyspace, low: &[u8]) -> Result<(), StoreError> {
        for entry in self.layers.scan(low, &prefix_end(low), false)? {
            let key: Key = [&[keyspace as u8], entry?.0].concat().into();
            self.changes.insert(key, None);
        }
        Ok(())
    }

    fn add_entries(&mut self, before: &Declared, now: &Declared) -> Result<(), StoreError> {
        let indexes: Vec<&FieldSet> = now.indexes.iter().filter(|set| !before.indexes.contains(set)).collect();
        let uniques: Vec<&FieldSet> = now.uniques.iter().filter(|set| !before.uniques.contains(set)).collect();
        if indexes.is_empty() && uniques.is_empty() {
            return Ok(());
        }
        for tenant in self.tenants.clone() {
            let low = collection_prefix(tenant, now.number);
            for entry in self.layers.scan(&low, &prefix_end(&low), false)? {
                let (key, value) = entry?;
                let broken = || damaged(Keyspace::Documents, key);
                let id = id_of(key).ok_or_else(broken)?;
                let record = decode(id, &value).ok_or_else(broken)?;
                for key in indexes.iter().flat_map(|set| set.index_keys(tenant, &record.fields, id)) {
                    self.put(key, &[]);
                }
                for set in &uniques {
                    self.add_unique(now, set, tenant, &record)?;
                }
            }
        }
        Ok(())
    }

    fn add_unique(
        &mut self,
        now: &Declared,
        set: &FieldSet,
        tenant: u32,
        record: &crate::record::Record,
    ) -> Result<(), StoreError> {
        let Some(key) = set.unique_key(tenant, &record.fields) else { return Ok(()) };
        if self.changes.contains_key(&key) {
            let why = format!("record `{}` has the same {} as another one", record.id(), set.fields.join(" + "));
            return Err(StoreError::Declaration { collection: now.definition.name.clone(), why });
        }
        self.put(key, record.id().as_bytes());
        Ok(())
    }

    fn put(&mut self, key: Key, value: &[u8]) {
        let sealed = seal(&key, value);
        self.changes.insert(key, Some(sealed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erase;
    use crate::tenant::Erasure;
    use contract_model::ErrorCode;

    #[test]
    fn there_are_so_many_tenants_and_no_more_until_one_is_erased() {
        let id = |number: u32| TenantId::new(&format!("t{number}")).expect("a tenant");
        let row = |number| TenantRow { number, id: id(number), name: String::new(), erasure: None };
        let most = u32::try_from(TENANTS_MAX).expect("a number");
        let full = Registry::of((1..=most).map(row).collect(), Vec::new());
        let refused = create_tenant(&full, &id(most + 1), "").expect_err("one too many");
        assert_eq!(refused.code(), ErrorCode::TenantsFull, "{refused}");
        let going = full.tenant(&id(7)).expect("a tenant");
        let erased = Erasure { began_ms: 1, ended_ms: Some(2) };
        let (room, _) = erase::mark(&full, going, erased).expect("marked");
        let (next, _, made) = create_tenant(&room, &id(most + 1), "").expect("room for one");
        assert_eq!(made.number(), most + 1);
        assert!(create_tenant(&next, &id(most + 2), "").is_err());
    }
}
