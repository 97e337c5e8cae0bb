//! The ways to the candidates of a query, each from where the page before ended.

use super::find::{Search, Visit};
use super::plan::{Order, Source, index_place, lower, raise};
use crate::error::StoreError;
use crate::key::{Keyspace, after, prefix_end};
use crate::order::values_end;
use crate::record::{decode, document_key, id_of};
use crate::registry::FieldSet;
use crate::seal::damaged;
use serde_json::Value;

/// Some entries of an index. All of them have the same values of the first `fixed` fields.
struct Entries<'a> {
    set: &'a FieldSet,
    fixed: usize,
    low: Vec<u8>,
    high: Vec<u8>,
}

/// Where the page before ended: the key up to the id, and the id.
type Place<'a> = (Vec<u8>, &'a str);

impl Search<'_> {
    /// Visits every match behind the cursor and notes what was looked at. With an order it starts at the cursor, which
    /// only makes sense where the source gives the query's order.
    pub(super) fn walk(
        &self,
        source: &Source<'_>,
        order: Option<Order>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        match source {
            Source::Ids(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                for id in ids {
                    if let Some(record) = self.view.record(self.declared, self.tenant, id)? {
                        let _ = self.offer(record, visit)?;
                    }
                }
                Ok(())
            }
            Source::Unique { key, .. } => {
                self.view.note_key(key.clone());
                let Some(value) = self.view.layers().get(key)? else { return Ok(()) };
                let id = std::str::from_utf8(&value).map_err(|_| damaged(Keyspace::Unique, &key[1..]))?;
                let record = self.view.record(self.declared, self.tenant, id)?;
                let record = record.ok_or_else(|| damaged(Keyspace::Unique, &key[1..]))?;
                self.offer(record, visit).map(drop)
            }
            Source::Index { set, prefix, fixed, low, high, .. } => {
                let entries = Entries { set, fixed: *fixed, low: low.clone(), high: high.clone() };
                let place = order.and_then(|_| self.place(set, prefix, *fixed));
                match order {
                    Some(Order::ValuesDownwards) => self.walk_groups(entries, place.as_ref(), visit),
                    _ => self.walk_index(entries, order == Some(Order::Downwards), place.as_ref(), visit),
                }
            }
            Source::Documents { low, high, .. } => {
                let (mut low, mut high) = (low.clone(), high.clone());
                let reverse = order == Some(Order::Downwards);
                if order.is_some() {
                    self.seek_document(reverse, &mut low, &mut high);
                }
                self.walk_documents(low, high, reverse, visit)
            }
        }
    }

    fn walk_index(
        &self,
        mut entries: Entries<'_>,
        reverse: bool,
        place: Option<&Place<'_>>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        if let Some((place, id)) = place {
            let last = [place, id.as_bytes()].concat();
            if reverse { lower(&mut entries.high, last) } else { raise(&mut entries.low, after(&last)) }
        }
        match self.visit_entries(&entries, reverse, visit)? {
            Some(key) if reverse => entries.low = key,
            Some(key) => entries.high = after(&key),
            None => {}
        }
        self.view.note_range(entries.low, entries.high);
        Ok(())
    }

    /// Values downwards, and of equal ones the ids upwards: the last group is found from behind and walked from its front,
    /// then the one before it.
    fn walk_groups(
        &self,
        entries: Entries<'_>,
        place: Option<&Place<'_>>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let Entries { set, fixed, mut low, mut high } = entries;
        if let Some((place, _)) = place {
            lower(&mut high, prefix_end(place));
        }
        let top = high.clone();
        while let Some(last) = self.view.layers().scan(&low, &high, true)?.keys().next() {
            let last = last?;
            let (end, _) = ends(set, fixed, last)?;
            let group = [&[Keyspace::Index as u8], &last[..end]].concat();
            let mut start = group.clone();
            raise(&mut start, low.clone());
            if let Some((_, id)) = place.filter(|(place, _)| *place == group) {
                raise(&mut start, after(&[&group, id.as_bytes()].concat()));
            }
            let entries = Entries { set, fixed, low: start, high };
            let ended = self.visit_entries(&entries, false, visit)?.is_some();
            high = group;
            if ended {
                raise(&mut low, high);
                break;
            }
        }
        self.view.note_range(low, top);
        Ok(())
    }

    /// Gives the key at which the visit ended, if it did before the entries.
    fn visit_entries(
        &self,
        entries: &Entries<'_>,
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Entries { set, fixed, low, high } = entries;
        for entry in self.view.layers().scan(low, high, reverse)? {
            let (key, _) = entry?;
            self.view.charge(&self.declared.definition.name, key.len())?;
            let (end, inexact) = ends(set, *fixed, key)?;
            self.inexact.set(self.inexact.get() || inexact);
            let broken = || damaged(Keyspace::Index, key);
            let id = std::str::from_utf8(&key[end..]).map_err(|_| broken())?;
            let record = self.view.record(self.declared, self.tenant, id)?.ok_or_else(broken)?;
            if self.offer(record, visit)?.is_break() {
                return Ok(Some([&[Keyspace::Index as u8], key].concat()));
            }
        }
        Ok(None)
    }

    fn walk_documents(
        &self,
        mut low: Vec<u8>,
        mut high: Vec<u8>,
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        for entry in self.view.layers().scan(&low, &high, reverse)? {
            let (key, value) = entry.map_err(|error| self.name_damage(error))?;
            self.view.charge(&self.declared.definition.name, key.len() + value.len())?;
            let record = id_of(key).and_then(|id| decode(id, &value));
            let record = record.ok_or_else(|| damaged(Keyspace::Documents, key))?;
            if self.offer(record, visit)?.is_break() {
                let key = [&[Keyspace::Documents as u8], key].concat();
                if reverse {
                    low = key;
                } else {
                    high = after(&key);
                }
                break;
            }
        }
        self.view.note_range(low, high);
        Ok(())
    }

    fn place(&self, set: &FieldSet, prefix: &[u8], fixed: usize) -> Option<Place<'_>> {
        let pivot = self.pivot.as_ref()?;
        let place = index_place(set, prefix, fixed, pivot)?;
        Some((place.into_bytes(), pivot.get("id").and_then(Value::as_str).unwrap_or_default()))
    }

    fn seek_document(&self, reverse: bool, low: &mut Vec<u8>, high: &mut Vec<u8>) {
        let Some(id) = self.pivot.as_ref().and_then(|pivot| pivot.get("id")).and_then(Value::as_str) else { return };
        let key = document_key(self.tenant, self.declared.number, id);
        if reverse { lower(high, key.to_vec()) } else { raise(low, after(&key)) }
    }

    fn name_damage(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Damaged { what } => {
                StoreError::damaged(format!("a record of `{}` ({what})", self.declared.definition.name))
            }
            other => other,
        }
    }
}

/// Where the values of an index entry (without keyspace byte) end, and whether one behind the fixed ones only sorts by
/// its beginning.
fn ends(set: &FieldSet, fixed: usize, key: &[u8]) -> Result<(usize, bool), StoreError> {
    let of = |values: &[u8]| {
        let (start, _) = values_end(values, fixed)?;
        let (len, inexact) = values_end(&values[start..], set.fields.len() - fixed)?;
        Some((8 + start + len, inexact))
    };
    key.get(8..).and_then(of).ok_or_else(|| damaged(Keyspace::Index, key))
}
