//! Walking the whole store: its pages, every checksum, the log's sequence and chains, and that entries and records
//! agree.

use crate::pin::pin;
mod agree;

use crate::chain::{Link, chain_key, is_linked};
use crate::disk::Beside;
use crate::erase;
use crate::error::StoreError;
use crate::eventlog;
use crate::folder::{format_of, refuse_rekeyed, tables_of, vault_of};
use crate::head::Head;
use crate::inspect::Inspection;
use crate::key::{Keyspace, closing_u64, prefix_end};
use crate::layers::Layers;
use crate::pin::again_if_damaged;
use crate::place::locate;
use crate::reading::{check_anchor, read_in_map, read_layers};
use crate::record::{collection_prefix, decode, document_key, id_of};
use crate::references::dangling;
use crate::registry::{Declared, FieldSet, Registry};
use crate::stub;
use crate::tenant::Tenant;
use crate::vault::StoreKey;
use crate::wal::Bytes;
use agree::Agreement;
use contract_model::Sequence;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The most findings a report lists; the rest is counted.
const FINDINGS_MAX: usize = 1000;

/// What a walk over the whole store found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Entries looked at, over all keyspaces.
    pub entries: u64,
    /// Records among them.
    pub records: u64,
    /// Events among them.
    pub events: u64,
    /// Pages that nothing uses and that are not known to be free: lost room, but no lost content.
    #[serde(default)]
    pub lost_pages: u64,
    /// SHA-256 over all entries, in hexadecimal digits: two stores of the same digest hold the same. Empty where the
    /// walk did not come that far.
    #[serde(default)]
    pub content: String,
    /// What is wrong, one sentence each; at most a thousand.
    pub findings: Vec<String>,
    /// Findings beyond those listed.
    pub more: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// A report of a walk that did not come to its end.
    pub fn broken_off(why: impl Into<String>) -> Self {
        Self { findings: vec![why.into()], ..Self::default() }
    }

    /// What is known of a store when the process that walked it was ended by a signal: that it is damaged, where reading
    /// it raised the signal.
    ///
    /// # Errors
    ///
    /// Somebody ended it from outside, as the kernel does that is out of memory, and nothing is known of the store.
    pub fn of_signal(signal: i32) -> Result<Self, String> {
        const RAISED: [Signal; 5] = [Signal::BUS, Signal::SEGV, Signal::ABORT, Signal::ILL, Signal::FPE];
        if !RAISED.iter().any(|raised| raised.as_raw() == signal) {
            return Err(format!("it was ended by signal {signal} before it was through; try again"));
        }
        let what = format!(
            "a page of the store's file is damaged so badly that reading it ended the reader (signal {signal}); restore a backup"
        );
        Ok(Self::broken_off(what))
    }

    fn of(pages: Inspection) -> Self {
        let mut report = Self { lost_pages: pages.lost_pages, more: pages.more, ..Self::default() };
        pages.damage.into_iter().for_each(|damage| report.add(damage));
        report
    }

    fn add(&mut self, finding: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding.into());
        } else {
            self.more += 1;
        }
    }
}

/// Walks the store in a folder as it lies on disk, also while a daemon uses it, and reports what is wrong with it.
///
/// The pages are looked over by plain reads first. Only if they are sound is the file mapped and read as the daemon
/// reads it; a page that is damaged in between can end the process that meets it, so this is the work of a process of
/// its own.
pub fn verify_folder(folder: &Path, key: Option<&StoreKey>) -> Result<VerifyReport, StoreError> {
    again_if_damaged(|| walk_folder(folder, key))
}

fn walk_folder(folder: &Path, key: Option<&StoreKey>) -> Result<VerifyReport, StoreError> {
    refuse_rekeyed(folder)?;
    let (vault, format) = (vault_of(folder, key)?, format_of(folder)?);
    crate::layout::check(folder)?;
    // A running daemon goes on writing, so the note must be older than what is held against it.
    let note = crate::anchor::read(folder)?;
    // Read before the map: what a writer moves in between is then in both, and not in neither.
    let log = Bytes::read(folder)?;
    let beside = Beside::open(folder)?;
    let (_pinned, commit) = pin(folder, &beside)?;
    let pages = commit.inspect(&vault);
    if !pages.damage.is_empty() {
        return Ok(VerifyReport::of(pages));
    }
    let disk = tables_of(folder, beside, vault, format)?;
    let txn = disk.read()?;
    let in_map = read_in_map(&disk, &txn)?;
    let log = log.recover(&in_map.id.unwrap_or_default(), key, in_map.head.position)?;
    let layers = Layers { recent: &log.recent, moving: &log.moving, disk: &disk, txn: &txn };
    let stored = read_layers(&layers)?;
    check_anchor(folder, note.as_ref(), &layers, stored.head)?;
    verify(pages, layers, &stored.registry, stored.head)
}

/// Walks what the pages hold, if they are sound.
pub(crate) fn verify(
    pages: Inspection,
    layers: Layers<'_>,
    registry: &Registry,
    head: Head,
) -> Result<VerifyReport, StoreError> {
    let sound = pages.damage.is_empty();
    let report = VerifyReport::of(pages);
    if !sound {
        return Ok(report);
    }
    let mut walk = Walk { layers, registry, report, digest: Sha256::new() };
    for keyspace in Keyspace::ALL {
        walk.keyspace(keyspace)?;
    }
    walk.log(head)?;
    let Walk { mut report, digest, .. } = walk;
    report.content = hex::encode(digest.finalize());
    Agreement { layers, registry, report: &mut report, seen: agree::Seen::default() }.check(head)?;
    let is_named_again = |tenant: &&Tenant| registry.owner(tenant.id()).is_some();
    let erased = registry.tenants_ever().filter(|tenant| tenant.is_erased() && !is_named_again(tenant));
    for tenant in erase::left(layers, erased)? {
        report.add(format!("something is left of tenant `{}`, which was erased", tenant.id()));
    }
    for declared in registry.collections() {
        for tenant in registry.scope_numbers() {
            check_entries(&layers, declared, tenant, &mut report)?;
            check_references(layers, registry, declared, tenant, &mut report)?;
        }
    }
    Ok(report)
}

/// A walk over the entries as the daemon reads them.
struct Walk<'a> {
    layers: Layers<'a>,
    registry: &'a Registry,
    report: VerifyReport,
    digest: Sha256,
}

impl Walk<'_> {
    fn keyspace(&mut self, keyspace: Keyspace) -> Result<(), StoreError> {
        let mut stored_key = vec![keyspace as u8];
        for entry in self.layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
            self.report.entries += 1;
            let (key, value) = match entry {
                Ok(entry) => entry,
                Err(StoreError::Damaged { what }) => {
                    self.report.add(format!("{what} does not match its checksum"));
                    continue;
                }
                Err(other) => return Err(other),
            };
            stored_key.truncate(1);
            stored_key.extend_from_slice(key);
            for part in [&stored_key[..], &*value] {
                self.digest.update((part.len() as u64).to_le_bytes());
                self.digest.update(part);
            }
            if !self.layers.get(&stored_key).is_ok_and(|found| found.as_deref() == Some(&*value)) {
                self.find(keyspace, key, "is not found by its key");
            }
            if keyspace == Keyspace::Documents {
                self.report.records += 1;
                if id_of(key).and_then(|id| decode(id, &value)).is_none() {
                    self.find(keyspace, key, "cannot be read");
                }
            }
        }
        Ok(())
    }

    /// The log counts from one without gaps up to its head, and each tenant's events follow from one another.
    fn log(&mut self, head: Head) -> Result<(), StoreError> {
        let mut expected = 1;
        let mut links: BTreeMap<Option<u32>, Link> = BTreeMap::new();
        let mut last = Link::default();
        for entry in self.layers.scan(&[Keyspace::Log as u8], &[Keyspace::Log as u8 + 1], false)? {
            let Ok((key, value)) = entry else { continue };
            self.report.events += 1;
            let sequence = closing_u64(key).unwrap_or_default();
            if sequence != expected {
                self.report.add(format!("the log goes from event {} to event {sequence}", expected - 1));
            }
            expected = sequence + 1;
            let Some(owner) = self.owner(Sequence(sequence), &value) else {
                self.find(Keyspace::Log, key, "cannot be read");
                continue;
            };
            let before = links.get(&owner).copied();
            let follows = match before {
                // Events from before there was a chain have no link.
                None if !is_linked(&value) => continue,
                before => before.unwrap_or_default().follow(stub::digest_of(&value), &value).is_some(),
            };
            if !follows {
                let tenant = owner.and_then(|number| self.registry.tenant_of(number));
                let tenant = tenant.map_or_else(|| "nobody".to_owned(), |tenant| format!("tenant `{}`", tenant.id()));
                self.find(Keyspace::Log, key, &format!("does not follow from the one before it of {tenant}"));
            }
            last = Link::of(&value);
            links.insert(owner, last);
        }
        if self.report.events != head.sequence.0 {
            self.report.add(format!("the log holds {} events, its head says {}", self.report.events, head.sequence));
        }
        if last != head.link {
            self.report.add("the last event is not the one that the log's head names");
        }
        for tenant in self.registry.tenants_ever() {
            let number = tenant.number();
            let noted = self.layers.get(&chain_key(number))?.and_then(|link| Link::read(&link)).unwrap_or_default();
            if links.get(&Some(number)).copied().unwrap_or_default() != noted {
                self.report.add(format!("the last event of tenant `{}` is not the one that was noted", tenant.id()));
            }
        }
        Ok(())
    }

    /// The number of the tenant of an event, or of its stub; none of a tenant that is not known. Nothing if it cannot be
    /// read.
    #[expect(clippy::option_option, reason = "the outer one is about the bytes, the inner one about the tenant")]
    fn owner(&self, sequence: Sequence, value: &[u8]) -> Option<Option<u32>> {
        if let Some(stub) = stub::decode(sequence, value) {
            return Some(Some(stub.tenant));
        }
        let event = eventlog::decode(sequence, value)?;
        Some(self.registry.owner(&event.tenant).map(Tenant::number))
    }

    fn find(&mut self, keyspace: Keyspace, key: &[u8], what: &str) {
        self.report.add(format!("{} {what}", locate(self.registry, keyspace, key)));
    }
}

/// Every reference leads to a record.
fn check_references(
    layers: Layers<'_>,
    registry: &Registry,
    declared: &Declared,
    tenant: u32,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let name = &declared.definition.name;
    for (field, reference) in declared.definition.references() {
        let Some(target) = registry.declared(&reference.collection) else { continue };
        for (id, to) in dangling(layers, declared, tenant, field, target, FINDINGS_MAX)? {
            let into = &reference.collection;
            report.add(format!(
                "record `{id}` of `{name}` refers in `{field}` to `{to}` of `{into}`, which is not there"
            ));
        }
    }
    Ok(())
}

/// Every record has exactly the entries its collection's indexes call for.
fn check_entries(
    layers: &Layers<'_>,
    declared: &Declared,
    tenant: u32,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let name = &declared.definition.name;
    let mut expected = vec![0_u64; declared.indexes.len() + declared.uniques.len()];
    let low = collection_prefix(tenant, declared.number);
    for entry in layers.scan(&low, &prefix_end(&low), false)? {
        let Ok((key, value)) = entry else { continue };
        let Some((id, record)) = id_of(key).and_then(|id| Some((id, decode(id, &value)?))) else { continue };
        let indexes = declared.indexes.iter().map(|set| set.index_keys(tenant, &record.fields, id));
        let uniques = declared.uniques.iter().map(|set| Vec::from_iter(set.unique_key(tenant, &record.fields)));
        for (count, keys) in expected.iter_mut().zip(indexes.chain(uniques)) {
            *count += keys.len() as u64;
            if !keys.iter().all(|key| layers.has(key).unwrap_or(true)) {
                report.add(format!("record `{id}` of `{name}` is missing from an index"));
            }
        }
    }
    let indexes = declared.indexes.iter().map(|set| (set, set.index_prefix(tenant)));
    let uniques = declared.uniques.iter().map(|set| (set, set.unique_prefix(tenant)));
    for (expected, (set, prefix)) in expected.into_iter().zip(indexes.chain(uniques)) {
        let low = prefix.into_bytes();
        let found = layers.scan(&low, &prefix_end(&low), false)?.count() as u64;
        if found != expected {
            report.add(format!("an index of `{name}` has {found} entries where its records call for {expected}"));
            strays(layers, declared, tenant, set, &low, report)?;
        }
    }
    Ok(())
}

/// Names the entries of an index, or of a unique set, whose record is not there or is not as they say.
fn strays(
    layers: &Layers<'_>,
    declared: &Declared,
    tenant: u32,
    set: &FieldSet,
    low: &[u8],
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let name = &declared.definition.name;
    for entry in layers.scan(low, &prefix_end(low), false)? {
        let Ok((key, value)) = entry else { continue };
        let id = if low[0] == Keyspace::Unique as u8 { std::str::from_utf8(&value).ok() } else { set.entry_id(key) };
        let Some(id) = id else { continue };
        let stored = layers.get(&document_key(tenant, declared.number, id)).ok().flatten();
        let record = stored.and_then(|stored| decode(id, &stored));
        let calls_for = record.is_some_and(|record| {
            let index = set.index_keys(tenant, &record.fields, id).into_iter();
            index.chain(set.unique_key(tenant, &record.fields)).any(|wanted| wanted[0] == low[0] && wanted[1..] == *key)
        });
        if !calls_for {
            let fields = set.fields.join(" + ");
            report.add(format!("an entry in the index {fields} of `{name}` stands for record `{id}`, which is not so"));
        }
    }
    Ok(())
}
