//! The state as a stack of layers: a unit being decided, decided units, units being moved into the map, the map.

use crate::disk::Disk;
use crate::error::StoreError;
use crate::key::{KEY_BYTES_MAX, Key, Keyspace};
use crate::overlay::{Overlay, ReadTxn, Stored};
use crate::seal::Sealed;
use crate::vault::{Value, Vault};
use std::ops::Bound;

/// Reads through the layers, upper ones first.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    pub(crate) recent: &'a Overlay,
    pub(crate) moving: &'a Overlay,
    pub(crate) disk: &'a Disk,
    pub(crate) txn: &'a ReadTxn,
}

type Entry<'a> = (&'a [u8], Option<Stored<'a>>);

impl<'a> Layers<'a> {
    /// The value under a key (with keyspace byte), checked. Under a key that is too long for LMDB nothing is stored:
    /// who looks for a record may say any id.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Value<'a>>, StoreError> {
        if key.len() > KEY_BYTES_MAX + 1 {
            return Ok(None);
        }
        let keyspace = Keyspace::of(key);
        let stored = match self.recent.get(key).or_else(|| self.moving.get(key)) {
            Some(written) => written.as_deref().map(Stored::Above),
            None => self.disk.get(self.txn, keyspace, &key[1..])?.map(Stored::InMap),
        };
        stored.map(|stored| stored.read(&self.disk.vault, keyspace, &key[1..])).transpose()
    }

    pub(crate) fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.get(key).map(|value| value.is_some())
    }

    /// The entries from `low` up to, without, `high` (both with the same keyspace byte), or in reverse.
    pub(crate) fn scan(&self, low: &[u8], high: &[u8], reverse: bool) -> Result<Scan<'a>, StoreError> {
        let keyspace = Keyspace::of(low);
        let mut sources = Vec::with_capacity(3);
        if low < high {
            for overlay in [self.recent, self.moving] {
                if !overlay.is_empty() {
                    sources.push(Source::new(overlay_entries(overlay, low, high, reverse)));
                }
            }
            // The end may be the beginning of the next keyspace, which on disk is another database's.
            let end = if high[0] == low[0] { Bound::Excluded(&high[1..]) } else { Bound::Unbounded };
            sources.push(Source::new(self.disk.entries(self.txn, keyspace, &low[1..], end, reverse)?));
        }
        Ok(Scan { vault: &self.disk.vault, keyspace, sources, reverse })
    }
}

type Entries<'a> = Box<dyn Iterator<Item = Result<Entry<'a>, StoreError>> + 'a>;

fn overlay_entries<'a>(overlay: &'a Overlay, low: &[u8], high: &[u8], reverse: bool) -> Entries<'a> {
    let range = overlay.range::<_, [u8]>((Bound::Included(low), Bound::Excluded(high)));
    let entry = |(key, value): (&'a Key, &'a Option<Sealed>)| Ok((&key[1..], value.as_deref().map(Stored::Above)));
    if reverse { Box::new(range.rev().map(entry)) } else { Box::new(range.map(entry)) }
}

struct Source<'a> {
    entries: Entries<'a>,
    next: Option<Result<Entry<'a>, StoreError>>,
}

impl<'a> Source<'a> {
    fn new(mut entries: Entries<'a>) -> Self {
        let next = entries.next();
        Self { entries, next }
    }

    fn take(&mut self) -> Option<Result<Entry<'a>, StoreError>> {
        std::mem::replace(&mut self.next, self.entries.next())
    }

    fn key(&self) -> Option<&'a [u8]> {
        match &self.next {
            Some(Ok((key, _))) => Some(key),
            _ => None,
        }
    }
}

/// Entries of all layers in one order: keys without keyspace byte, and checked values.
pub(crate) struct Scan<'a> {
    vault: &'a Vault,
    keyspace: Keyspace,
    /// Upper layers first.
    sources: Vec<Source<'a>>,
    reverse: bool,
}

impl<'a> Scan<'a> {
    fn first_key(&self) -> Option<&'a [u8]> {
        let keys = self.sources.iter().filter_map(Source::key);
        if self.reverse { keys.max() } else { keys.min() }
    }

    /// Takes the next entry of every layer that has this key; the uppermost one counts.
    fn take_key(&mut self, key: &[u8]) -> Option<Result<Entry<'a>, StoreError>> {
        let mut taken = None;
        for source in &mut self.sources {
            if source.key() == Some(key) {
                let entry = source.take();
                taken = taken.or(entry);
            }
        }
        taken
    }
}

impl<'a> Scan<'a> {
    /// The keys alone: their values are not read, so that nothing is said of them either.
    pub(crate) fn keys(mut self) -> impl Iterator<Item = Result<&'a [u8], StoreError>> {
        std::iter::from_fn(move || self.next_stored()).map(|entry| entry.map(|(key, _)| key))
    }

    fn next_stored(&mut self) -> Option<Result<(&'a [u8], Stored<'a>), StoreError>> {
        loop {
            if let Some(failed) = self.sources.iter_mut().find(|source| matches!(source.next, Some(Err(_)))) {
                let error = failed.take().and_then(Result::err);
                self.sources.clear();
                return error.map(Err);
            }
            let key = self.first_key()?;
            if let Some(Ok((key, Some(stored)))) = self.take_key(key) {
                return Some(Ok((key, stored)));
            }
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Result<(&'a [u8], Value<'a>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let stored = self.next_stored()?;
        Some(stored.and_then(|(key, stored)| Ok((key, stored.read(self.vault, self.keyspace, key)?))))
    }
}
