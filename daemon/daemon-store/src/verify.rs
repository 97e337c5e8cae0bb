//! Walking the whole store: every checksum, the log's sequence, and that entries and records agree.

use crate::disk::Disk;
use crate::error::StoreError;
use crate::key::{Keyspace, closing_u64, prefix_end};
use crate::layers::{Layers, Overlay};
use crate::record::{collection_prefix, decode, id_of};
use crate::registry::{Declared, Registry};
use crate::store::read_layers;
use contract_model::Sequence;
use serde::{Deserialize, Serialize};
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
/// Damage to the file's own pages can end the process that meets it, so this is the work of a process of its own.
pub fn verify_folder(folder: &Path) -> Result<VerifyReport, StoreError> {
    crate::layout::check(folder)?;
    let disk = Disk::open_beside(folder)?;
    let txn = disk.read()?;
    let empty = Overlay::new();
    let layers = Layers { young: &empty, old: &empty, disk: &disk, txn: &txn };
    let stored = read_layers(&layers)?;
    verify(&layers, &stored.registry, stored.head.sequence)
}

pub(crate) fn verify(layers: &Layers<'_>, registry: &Registry, head: Sequence) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport::default();
    for keyspace in Keyspace::ALL {
        walk(layers, registry, keyspace, &mut report)?;
    }
    if report.events != head.0 {
        report.add(format!("the log holds {} events, its head says {head}", report.events));
    }
    for declared in registry.collections() {
        for tenant in registry.scope_numbers() {
            check_entries(layers, declared, tenant, &mut report)?;
        }
    }
    Ok(report)
}

fn walk(
    layers: &Layers<'_>,
    registry: &Registry,
    keyspace: Keyspace,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let mut expected = 1;
    for entry in layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
        report.entries += 1;
        let (key, value) = match entry {
            Ok(entry) => entry,
            Err(StoreError::Damaged { what }) => {
                report.add(format!("{what} does not match its checksum"));
                expected += u64::from(keyspace == Keyspace::Log);
                report.events += u64::from(keyspace == Keyspace::Log);
                continue;
            }
            Err(other) => return Err(other),
        };
        match keyspace {
            Keyspace::Documents => {
                report.records += 1;
                if id_of(key).and_then(|id| decode(id, value)).is_none() {
                    report.add(format!("{} cannot be read", registry.describe(keyspace, key)));
                }
            }
            Keyspace::Log => {
                report.events += 1;
                let sequence = closing_u64(key).unwrap_or_default();
                if sequence != expected {
                    report.add(format!("the log goes from event {} to event {sequence}", expected - 1));
                }
                expected = sequence + 1;
                if crate::eventlog::decode(Sequence(sequence), value).is_none() {
                    report.add(format!("event {sequence} cannot be read"));
                }
            }
            _ => {}
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
        let Some((id, record)) = id_of(key).and_then(|id| Some((id, decode(id, value)?))) else { continue };
        let indexes = declared.indexes.iter().map(|set| set.index_keys(tenant, &record.fields, id));
        let uniques = declared.uniques.iter().map(|set| Vec::from_iter(set.unique_key(tenant, &record.fields)));
        for (count, keys) in expected.iter_mut().zip(indexes.chain(uniques)) {
            *count += keys.len() as u64;
            if !keys.iter().all(|key| layers.has(key).unwrap_or(true)) {
                report.add(format!("record `{id}` of `{name}` is missing from an index"));
            }
        }
    }
    let indexes = declared.indexes.iter().map(|set| set.index_prefix(tenant));
    let prefixes = indexes.chain(declared.uniques.iter().map(|set| set.unique_prefix(tenant)));
    for (expected, prefix) in expected.into_iter().zip(prefixes) {
        let low = prefix.into_bytes();
        let found = layers.scan(&low, &prefix_end(&low), false)?.count() as u64;
        if found != expected {
            report.add(format!("an index of `{name}` has {found} entries where its records call for {expected}"));
        }
    }
    Ok(())
}
