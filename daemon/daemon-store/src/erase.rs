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
use crate::key::{Key, KeyBuilder, Keyspace, after, closing_u64, prefix_end};
use crate::layers::Layers;
use crate::overlay::Changes;
use crate::registry::{Registry, tenant_key};
use crate::seal::{damaged, seal};
use crate::small::{decode_small, encode_small, read_sequence, tenant_meta_prefix};
use crate::stub;
use crate::tenant::{Erasure, Tenant, TenantRow};
use contract_model::{Sequence, TenantId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Entries that are erased in one unit.
const BATCH_ENTRIES: usize = 512;
/// Entries of other tenants that one unit looks at among those that are not found by tenant, while nobody else decides.
const BATCH_LOOKED_AT: usize = 4096;
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

/// How far an erasure has come with the entries that lie among those of all tenants, so that each is looked at once and
/// not once for every piece.
#[derive(Default)]
pub(crate) struct Sweep {
    ranges_done: usize,
    after: Option<Vec<u8>>,
    pub(crate) looked_at: usize,
}

impl Sweep {
    /// What is left of the range that it is in.
    fn range(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (low, high) = shared_ranges().into_iter().nth(self.ranges_done)?;
        Some((self.after.as_deref().map_or(low, after), high))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.range().is_none()
    }
}

/// Deliveries that wait for another try, those that were given up, and kept answers by time. Answers by key come after
/// them.
fn shared_ranges() -> [(Vec<u8>, Vec<u8>); 3] {
    let whole = |keyspace: Keyspace| (vec![keyspace as u8], vec![keyspace as u8 + 1]);
    let answers = KeyBuilder::new(Keyspace::Answers).raw(answer::BY_TIME).into_bytes();
    let end = prefix_end(&answers);
    [whole(Keyspace::Retries), whole(Keyspace::DeadLetters), (answers, end)]
}

/// The next piece. Nothing is left where it is empty and the sweep is over.
pub(crate) fn next(layers: Layers<'_>, tenant: &Tenant, sweep: &mut Sweep) -> Result<Piece, StoreError> {
    let mut piece = Piece::default();
    piece.shared(&layers, tenant, sweep)?;
    if sweep.is_over() {
        piece.own(&layers, tenant)?;
    }
    Ok(piece)
}

/// Those of these tenants of whom something is left. An entry that cannot be read tells nobody; that it cannot is told
/// elsewhere.
pub(crate) fn left<'t>(
    layers: Layers<'_>,
    tenants: impl Iterator<Item = &'t Tenant>,
) -> Result<Vec<&'t Tenant>, StoreError> {
    let mut owners = BTreeSet::new();
    for (low, high) in shared_ranges() {
        for entry in layers.scan(&low, &high, false)? {
            let owner = entry.and_then(|(key, value)| owner(&layers, Keyspace::of(&low), key, &value));
            owners.extend(owner.ok().flatten());
        }
    }
    let mut left = Vec::new();
    for tenant in tenants {
        let mut piece = Piece::default();
        piece.own(&layers, tenant)?;
        if !piece.changes.is_empty() || owners.iter().any(|owner| owner.is(tenant)) {
            left.push(tenant);
        }
    }
    Ok(left)
}

/// Whose an entry is, as far as it says itself.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Number(u32),
    Name(TenantId),
}

impl Owner {
    fn is(&self, tenant: &Tenant) -> bool {
        match self {
            Self::Number(number) => *number == tenant.number(),
            Self::Name(name) => name == tenant.id(),
        }
    }
}

/// Whose an entry is that lies among those of all tenants.
fn owner(layers: &Layers<'_>, keyspace: Keyspace, key: &[u8], value: &[u8]) -> Result<Option<Owner>, StoreError> {
    match keyspace {
        Keyspace::DeadLetters => Ok(Some(Owner::Name(decode_small::<DeadLetter>(keyspace, key, value)?.tenant))),
        Keyspace::Answers => Ok(answer::tenant_of(key).map(Owner::Number)),
        _ => {
            let sequence = Sequence(closing_u64(key).ok_or_else(|| damaged(keyspace, key))?);
            let stored = layers.get(&log_key(sequence))?;
            Ok(stored.and_then(|stored| match stub::decode(sequence, &stored) {
                Some(stub) => Some(Owner::Number(stub.tenant)),
                None => eventlog::decode(sequence, &stored).map(|event| Owner::Name(event.tenant)),
            }))
        }
    }
}

impl Piece {
    fn room(&self) -> usize {
        BATCH_ENTRIES.saturating_sub(self.changes.len())
    }

    fn remove(&mut self, key: Key) {
        self.entries += u64::from(self.changes.insert(key, None).is_none());
    }

    /// What is found only among the entries of all tenants, from where the sweep is.
    fn shared(&mut self, layers: &Layers<'_>, tenant: &Tenant, sweep: &mut Sweep) -> Result<(), StoreError> {
        let most = sweep.looked_at + BATCH_LOOKED_AT;
        while let Some((low, high)) = sweep.range() {
            let keyspace = Keyspace::of(&low);
            for entry in layers.scan(&low, &high, false)? {
                if self.room() == 0 || sweep.looked_at == most {
                    return Ok(());
                }
                let (key, value) = entry?;
                let whole = [&[keyspace as u8], key].concat();
                if owner(layers, keyspace, key, &value)?.is_some_and(|owner| owner.is(tenant)) {
                    self.remove(whole.as_slice().into());
                }
                sweep.looked_at += 1;
                sweep.after = Some(whole);
            }
            sweep.ranges_done += 1;
            sweep.after = None;
        }
        Ok(())
    }

    /// What is found by the tenant.
    fn own(&mut self, layers: &Layers<'_>, tenant: &Tenant) -> Result<(), StoreError> {
        let number = tenant.number();
        for keyspace in PREFIXED {
            self.prefixed(layers, keyspace, &KeyBuilder::new(keyspace).u32(number).into_bytes())?;
        }
        self.prefixed(layers, Keyspace::Meta, &tenant_meta_prefix(tenant.id()))?;
        let answers = KeyBuilder::new(Keyspace::Answers).raw(answer::BY_KEY).u32(number).into_bytes();
        self.prefixed(layers, Keyspace::Answers, &answers)?;
        self.events(layers, number)
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
