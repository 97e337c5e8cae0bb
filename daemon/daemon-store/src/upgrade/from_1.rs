//! Format 1 to 2: every event gets its link in its tenant's chain.
//!
//! Format 1 began without a chain and without a time to live of events; later stores of that format hold events of all
//! forms side by side. Format 2 also has a log beside the map, which a store of format 1 does without until it is opened.

use super::{Step, head};
use crate::chain::{Link, chain_key};
use crate::disk::rewrite::Rewrite;
use crate::error::StoreError;
use crate::eventlog::{decode, encode, is_linked, log_key};
use crate::key::{Keyspace, closing_u64};
use crate::seal::{SEAL_BYTES, damaged};
use crate::small::decode_small;
use crate::state::{Head, head_key, head_value};
use crate::tenant::TenantRow;
use contract_model::{Sequence, TenantId};
use std::collections::BTreeMap;

pub(super) const STEP: Step = Step { from: 1, does: "links every event to the one before it of its tenant", run };

/// Events that are read at once.
const CHUNK: usize = 512;

/// The end of a tenant's chain: as it was stored, and as it is now.
#[derive(Default)]
struct Chain {
    before: Link,
    now: Link,
}

fn run(map: &mut Rewrite<'_>) -> Result<(), StoreError> {
    let mut chains: BTreeMap<TenantId, Chain> = BTreeMap::new();
    let mut last = Link::default();
    let mut at = Vec::new();
    loop {
        let events = map.after(Keyspace::Log, &at, CHUNK)?;
        let Some((key, _)) = events.last() else { break };
        at.clone_from(key);
        for (key, value) in &events {
            last = link(map, key, value, &mut chains)?;
        }
    }
    for (tenant, number) in tenants(map)? {
        if let Some(chain) = chains.get(&tenant) {
            map.put(&chain_key(number), &chain.now.0)?;
        }
    }
    match head(map)? {
        Some(head) => map.put(&head_key(), &head_value(Head { link: last, ..head })),
        None => Ok(()),
    }
}

/// Writes an event as it is written now. What was linked before must have followed from the one before it.
fn link(
    map: &mut Rewrite<'_>,
    key: &[u8],
    value: &[u8],
    chains: &mut BTreeMap<TenantId, Chain>,
) -> Result<Link, StoreError> {
    let sequence = closing_u64(key).map(Sequence).ok_or_else(|| damaged(Keyspace::Log, key))?;
    let event = decode(sequence, value).ok_or_else(|| damaged(Keyspace::Log, key))?;
    let mut encoded = encode(&event);
    let Chain { before, now } = chains.entry(event.tenant).or_default();
    if is_linked(value) && before.follow(value).is_none() {
        return Err(StoreError::damaged(format!(
            "the event log (event {sequence} does not follow from the one before it)"
        )));
    }
    *before = Link::of(value);
    *now = now.close(&mut encoded);
    if encoded[SEAL_BYTES..] != *value {
        map.put_in_place(&log_key(sequence), encoded)?;
    }
    Ok(*now)
}

fn tenants(map: &Rewrite<'_>) -> Result<Vec<(TenantId, u32)>, StoreError> {
    let mut tenants = Vec::new();
    let mut at = b"t".to_vec();
    loop {
        let rows = map.after(Keyspace::Meta, &at, CHUNK)?;
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
