//! Format 1 to 2: every event gets its link in its tenant's chain.
//!
//! Format 1 began without a chain and without a time to live of events; later stores of that format hold events of all
//! forms side by side. Format 2 also has a log beside the map, which a store of format 1 does without until it is opened.

use super::{Slice, Step, head};
use crate::chain::{Link, chain_key, is_linked};
use crate::disk::rewrite::{Pair, Rewrite};
use crate::error::StoreError;
use crate::eventlog::{decode, encode, log_key};
use crate::head::{Head, head_key, head_value};
use crate::key::{Key, KeyBuilder, Keyspace, closing_u64};
use crate::seal::{SEAL_BYTES, damaged};
use crate::small::{decode_small, encode_small};
use crate::stub::digest_of;
use crate::tenant::TenantRow;
use contract_model::{Event, Sequence, TenantId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const STEP: Step =
    Step { from: 1, does: "links every event to the one before it of its tenant", check, slice };

/// Bytes of events that are read at once, and rewritten in one commit.
pub(crate) const SLICE_BYTES: usize = 4 * 1024 * 1024;
/// Tenants that are read at once.
const TENANTS: usize = 512;

/// How far the step is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The last event that is linked.
    pub(crate) through: Sequence,
    last: Link,
    chains: BTreeMap<TenantId, Chain>,
}

/// The end of a tenant's chain: as it was stored, and as it is now.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Chain {
    before: Link,
    now: Link,
}

fn check(map: &Rewrite<'_>) -> Result<(), StoreError> {
    if Place::read(map)?.is_some() {
        return Ok(());
    }
    let mut place = Place::default();
    loop {
        let events = place.next(map)?;
        if events.is_empty() {
            return Ok(());
        }
        for (key, value) in &events {
            place.follow(key, value)?;
        }
    }
}

fn slice(map: &mut Rewrite<'_>) -> Result<Slice, StoreError> {
    let mut place = Place::read(map)?.unwrap_or_default();
    for (key, value) in place.next(map)? {
        place.link(map, &key, &value)?;
    }
    let head = head(map)?;
    if head.is_some_and(|head| head.sequence > place.through) {
        map.put(&place_key(), &encode_small(&place)?)?;
        return Ok(Slice::More);
    }
    for (tenant, number) in tenants(map)? {
        if let Some(chain) = place.chains.get(&tenant) {
            map.put(&chain_key(number), &chain.now.0)?;
        }
    }
    if let Some(head) = head {
        map.put(&head_key(), &head_value(Head { link: place.last, ..head }))?;
    }
    map.remove(&place_key())?;
    Ok(Slice::Last)
}

fn place_key() -> Key {
    KeyBuilder::new(Keyspace::Meta).raw(b"u").finish()
}

impl Place {
    /// Where the step was when it was ended; nowhere if it has yet to begin.
    pub(crate) fn read(map: &Rewrite<'_>) -> Result<Option<Self>, StoreError> {
        let key = place_key();
        map.get(&key)?.map(|value| decode_small(Keyspace::Meta, &key[1..], &value)).transpose()
    }

    fn next(&self, map: &Rewrite<'_>) -> Result<Vec<Pair>, StoreError> {
        map.page(Keyspace::Log, &log_key(self.through)[1..], SLICE_BYTES)
    }

    /// Takes the next event as it is stored. What was linked before must have followed from the one before it.
    fn follow(&mut self, key: &[u8], value: &[u8]) -> Result<Event, StoreError> {
        let sequence = closing_u64(key).map(Sequence).ok_or_else(|| damaged(Keyspace::Log, key))?;
        let event = decode(sequence, value).ok_or_else(|| damaged(Keyspace::Log, key))?;
        let chain = self.chains.entry(event.tenant.clone()).or_default();
        if is_linked(value) && chain.before.follow(digest_of(value), value).is_none() {
            return Err(StoreError::damaged(format!(
                "the event log (event {sequence} does not follow from the one before it)"
            )));
        }
        chain.before = Link::of(value);
        self.through = sequence;
        Ok(event)
    }

    /// Takes the next event, and writes it as it is written now.
    fn link(&mut self, map: &mut Rewrite<'_>, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let event = self.follow(key, value)?;
        let mut encoded = encode(&event);
        let chain = self.chains.entry(event.tenant).or_default();
        chain.now = chain.now.close(&mut encoded);
        self.last = chain.now;
        if encoded[SEAL_BYTES..] == *value {
            return Ok(());
        }
        map.put_in_place(&log_key(event.sequence), encoded)
    }
}

fn tenants(map: &Rewrite<'_>) -> Result<Vec<(TenantId, u32)>, StoreError> {
    let mut tenants = Vec::new();
    let mut at = b"t".to_vec();
    loop {
        let rows = map.after(Keyspace::Meta, &at, TENANTS)?;
        for (key, value) in &rows {
            if !key.starts_with(b"t") {
                return Ok(tenants);
            }
            let row: TenantRow = decode_small(Keyspace::Meta, key, value)?;
            tenants.push((row.id, row.number));
        }
        let Some((key, _)) = rows.last() else { return Ok(tenants) };
        at.clone_from(key);
    }
}
