//! Stores as format 1 wrote them, with as much in them as a test wants.

use super::super::*;
use super::{copied, open};
use crate::StoreError;
use crate::chain::{Link, chain_key};
use crate::disk::Disk;
use crate::disk::rewrite::Rewrite;
use crate::eventlog::{decode, encode, log_key};
use crate::folder::read_format;
use crate::head::{Head, head_key, head_value, read_head};
use crate::key::{Keyspace, closing_u64};
use crate::seal::SEAL_BYTES;
use crate::small::meta_key;
use crate::vault::Vault;
use crate::view::UNNOTED_THROUGH;
use ciborium::Value as Cbor;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

pub(super) const EVENTS: u64 = 20_000;
pub(super) const RECORDS: u64 = 5_000;
/// Events of one unit.
const AT_ONCE: u64 = 500;
/// The parts of an event that format 1 began without: its time to live, and its link.
const LATER_PARTS: [usize; 2] = [14, 17];
const ALL: usize = usize::MAX;

/// A map that the large store and whatever its upgrade leaves in it fit into many times.
pub(super) fn large_options() -> Options {
    Options { map_bytes: 1 << 30, ..Options::default() }
}

/// Every entry of a store at rest.
pub(super) fn entries(folder: &Path) -> Vec<(Keyspace, Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    look(folder, |map| {
        for keyspace in Keyspace::ALL {
            entries.extend(map.after(keyspace, &[], ALL)?.into_iter().map(|(key, value)| (keyspace, key, value)));
        }
        Ok(())
    });
    entries
}

pub(super) fn look<T>(folder: &Path, look: impl FnOnce(&mut Rewrite<'_>) -> Result<T, StoreError>) -> T {
    let disk = Disk::open(folder, large_options().map_bytes, Vault::default()).expect("disk");
    disk.rewrite(look).expect("looked")
}

/// Writes a store at rest as format 1 would have: the events up to this one as it began, those after it as it ended.
pub(super) fn write_as_format_1(folder: &Path, began_with: u64) {
    look(folder, |map| {
        let mut chains = BTreeMap::<_, Link>::new();
        for (key, value) in map.after(Keyspace::Log, &[], ALL)? {
            let sequence = closing_u64(&key).map(Sequence).expect("a sequence");
            let event = decode(sequence, &value).expect("an event");
            let mut encoded = encode(&event);
            if sequence.0 <= began_with {
                map.put(&log_key(sequence), &as_it_began(&encoded[SEAL_BYTES..]))?;
            } else {
                let chain = chains.entry(event.tenant).or_default();
                *chain = chain.close(&mut encoded);
                map.put_in_place(&log_key(sequence), encoded)?;
            }
        }
        let head = map.get(&head_key())?.as_deref().and_then(read_head).expect("a head");
        let link = map.get(&log_key(head.sequence))?.map_or_else(Link::default, |last| Link::of(&last));
        let value = head_value(Head { link, ..head });
        map.put(&head_key(), if chains.is_empty() { &value[..16] } else { &value })?;
        for number in 1.. {
            let key = chain_key(number);
            let Some(id) = tenant_of(map, number)? else { break };
            match chains.get(&id) {
                Some(link) => map.put(&key, &link.0)?,
                None => map.remove(&key)?,
            }
        }
        map.remove(&meta_key(UNNOTED_THROUGH))
    });
    let id = read_format(folder).expect("format").expect("a note").store;
    std::fs::write(folder.join("store.format"), format!("format 1\nstore {id}\n")).expect("written");
    // It names an event by a link that it did not have then.
    drop(std::fs::remove_file(folder.join("store.anchor")));
}

fn tenant_of(map: &Rewrite<'_>, number: u32) -> Result<Option<contract_model::TenantId>, StoreError> {
    let key = crate::registry::tenant_key(number);
    let row = map.get(&key)?.map(|row| crate::small::decode_small(Keyspace::Meta, &key[1..], &row));
    row.transpose().map(|row: Option<crate::tenant::TenantRow>| row.map(|row| row.id))
}

fn as_it_began(event: &[u8]) -> Vec<u8> {
    let Ok(Cbor::Array(parts)) = ciborium::from_reader(event) else { panic!("a list") };
    let kept = parts.into_iter().enumerate().filter(|(at, _)| !LATER_PARTS.contains(at)).map(|(_, part)| part);
    let mut out = Vec::new();
    ciborium::into_writer(&Cbor::Array(kept.collect()), &mut out).expect("encoded");
    out
}

/// A store of this version with many events and records of several tenants, at rest; made once, and copied by whoever
/// changes it.
pub(super) fn large() -> &'static Path {
    static LARGE: OnceLock<TempDir> = OnceLock::new();
    LARGE.get_or_init(made).path()
}

fn made() -> TempDir {
    let bench = Bench::with(large_options());
    let [other, third] = ["other", "third"].map(|id| bench.store.create_tenant(&tenant_id(id), id).expect("tenant"));
    let tenants = [bench.tenant.clone(), other, third];
    for unit in 0..EVENTS / AT_ONCE {
        let events = (unit * AT_ONCE..(unit + 1) * AT_ONCE).map(|n| {
            let mut new = event(&format!("e{n}"), ["ap.bill.approved", "ap.bill.voided"][(n % 2) as usize]);
            new.event.payload = json!({"n": n, "text": "bill ".repeat(200)});
            new.event.idempotency_key = Some(format!("key-{n}"));
            new.event.correlation = format!("story-{}", n / 10);
            new
        });
        let share = RECORDS * AT_ONCE / EVENTS;
        let writes = (unit * share..(unit + 1) * share)
            .map(|n| put(&format!("b{n}"), 0, &json!({"number": n.to_string(), "status": "open", "total": n})));
        let scope = Scope::Tenant(tenants[usize::try_from(unit).expect("small") % tenants.len()].clone());
        bench.settle(Unit {
            events: events.collect(),
            writes: writes.collect(),
            ..Unit::new(scope, 1_700_000_000_000)
        });
    }
    super::super::damage::closed(bench)
}

/// What this writes of an upgraded fixture is the fixture.
#[test]
fn the_writer_of_format_1_writes_what_it_wrote_then() {
    for (name, _) in super::FIXTURES {
        let folder = copied(&super::fixture(name));
        let before = entries(folder.path());
        drop(open(folder.path()).expect("upgraded"));
        assert!(entries(folder.path()) != before, "{name}: nothing was upgraded");
        write_as_format_1(folder.path(), 3);
        assert!(entries(folder.path()) == before, "{name}");
    }
}
