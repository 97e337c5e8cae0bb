//! Erasing a tenant: its records, its events' content, and whatever else is kept of it.
//!
//! First the tenant is marked, in a unit of its own: from then on nobody reaches it. Then it is emptied, a bounded piece
//! a unit, in an order in which no entry is ever left that speaks of one that is gone. Of its events the stubs remain,
//! so that the log has no gap and its chain is followed as before. At last the mark says when it was through: that is
//! the tombstone. Wherever this ends, the mark is there, and it is gone on with.

use crate::answer;
use crate::delivery::DeadLetter;
use crate::error::StoreError;
use crate::eventlog::{self, log_key, story_key, topic_prefix};
use crate::key::{Key, KeyBuilder, Keyspace, closing_u64, prefix_end};
use crate::layers::{Changes, Layers};
use crate::registry::{Registry, tenant_key};
use crate::seal::{damaged, seal};
use crate::small::{decode_small, encode_small, read_sequence, tenant_meta_prefix};
use crate::stub;
use crate::tenant::{Erasure, Tenant, TenantRow};
use contract_model::{Sequence, TenantId};
use serde::Serialize;
use std::sync::Arc;

/// Entries that are erased in one unit.
const BATCH_ENTRIES: usize = 512;
/// What is erased by its prefix alone.
const PREFIXED: [Keyspace; 4] = [Keyspace::Idempotency, Keyspace::Documents, Keyspace::Index, Keyspace::Unique];

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The tenant.
    pub tenant: TenantId,
    /// Entries that are gone, without events.
    pub entries: u64,
    /// Events of which only their place in the chain is left.
    pub events: u64,
}

/// The registry with this mark on a tenant, and what has to be written for it.
pub(crate) fn mark(registry: &Registry, tenant: &Tenant, erasure: Erasure) -> Result<(Registry, Changes), StoreError> {
    let mut next = registry.clone();
    let row = TenantRow { erasure: Some(erasure), name: String::new(), ..tenant.row().clone() };
    let key = tenant_key(row.number);
    let sealed = seal(&key, &encode_small(&row)?);
    next.add_tenant(Tenant::new(row));
    Ok((next, Changes::from([(key, Some(sealed))])))
}

/// A piece of what is to be erased.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) changes: Changes,
    pub(crate) entries: u64,
    pub(crate) events: u64,
}

/// The next piece; nothing where nothing is left.
pub(crate) fn next(layers: Layers<'_>, tenant: &Tenant) -> Result<Piece, StoreError> {
    let mut piece = Piece::default();
    let number = tenant.number();
    piece.deliveries(&layers, tenant)?;
    piece.answers(&layers, number)?;
    for keyspace in PREFIXED {
        piece.prefixed(&layers, keyspace, &KeyBuilder::new(keyspace).u32(number).into_bytes())?;
    }
    piece.prefixed(&layers, Keyspace::Meta, &tenant_meta_prefix(tenant.id()))?;
    let of_answers = KeyBuilder::new(Keyspace::Answers).raw(answer::BY_KEY).u32(number).into_bytes();
    piece.prefixed(&layers, Keyspace::Answers, &of_answers)?;
    piece.events(&layers, number)?;
    Ok(piece)
}

/// Whether a stored event, or its stub, is a tenant's.
fn is_of(tenant: &Tenant, sequence: Sequence, stored: &[u8]) -> bool {
    match stub::decode(sequence, stored) {
        Some(stub) => stub.tenant == tenant.number(),
        None => eventlog::decode(sequence, stored).is_some_and(|event| event.tenant == *tenant.id()),
    }
}

impl Piece {
    fn room(&self) -> usize {
        BATCH_ENTRIES.saturating_sub(self.changes.len())
    }

    fn remove(&mut self, key: Key) {
        self.entries += u64::from(self.changes.insert(key, None).is_none());
    }

    /// Deliveries that wait for another try, and those that were given up.
    fn deliveries(&mut self, layers: &Layers<'_>, tenant: &Tenant) -> Result<(), StoreError> {
        for keyspace in [Keyspace::Retries, Keyspace::DeadLetters] {
            for entry in layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
                if self.room() == 0 {
                    return Ok(());
                }
                let (key, value) = entry?;
                let is_its_own = if keyspace == Keyspace::DeadLetters {
                    decode_small::<DeadLetter>(keyspace, key, &value)?.tenant == *tenant.id()
                } else {
                    let sequence = Sequence(closing_u64(key).ok_or_else(|| damaged(keyspace, key))?);
                    layers.get(&log_key(sequence))?.is_some_and(|event| is_of(tenant, sequence, &event))
                };
                if is_its_own {
                    self.remove([&[keyspace as u8], key].concat().into());
                }
            }
        }
        Ok(())
    }

    /// The entries by time, which are found among those of all tenants; those by key come after them.
    fn answers(&mut self, layers: &Layers<'_>, number: u32) -> Result<(), StoreError> {
        let low = KeyBuilder::new(Keyspace::Answers).raw(answer::BY_TIME).into_bytes();
        for entry in layers.scan(&low, &prefix_end(&low), false)? {
            if self.room() == 0 {
                return Ok(());
            }
            let (key, _) = entry?;
            if answer::tenant_of(key) == Some(number) {
                self.remove([&[Keyspace::Answers as u8], key].concat().into());
            }
        }
        Ok(())
    }

    fn prefixed(&mut self, layers: &Layers<'_>, keyspace: Keyspace, low: &[u8]) -> Result<(), StoreError> {
        for entry in layers.scan(low, &prefix_end(low), false)?.take(self.room()) {
            self.remove([&[keyspace as u8], entry?.0].concat().into());
        }
        Ok(())
    }

    /// Events, each with all ways in which it is found.
    fn events(&mut self, layers: &Layers<'_>, number: u32) -> Result<(), StoreError> {
        let low = KeyBuilder::new(Keyspace::EventId).u32(number).into_bytes();
        for entry in layers.scan(&low, &prefix_end(&low), false)?.take(self.room()) {
            let (key, value) = entry?;
            let sequence = read_sequence(Keyspace::EventId, key, &value)?;
            let by_sequence = log_key(sequence);
            let stored = layers.get(&by_sequence)?.ok_or_else(|| damaged(Keyspace::EventId, key))?;
            if let Some(event) = eventlog::decode(sequence, &stored) {
                self.changes.insert(topic_prefix(event.topic.as_str()).u64(sequence.0).finish(), None);
                self.changes.insert(story_key(number, &event.correlation, sequence), None);
            }
            let sealed = seal(&by_sequence, &stub::erased(number, &stored));
            self.changes.insert(Arc::clone(&by_sequence), Some(sealed));
            self.changes.insert([&[Keyspace::EventId as u8], key].concat().into(), None);
            self.events += 1;
        }
        Ok(())
    }
}
