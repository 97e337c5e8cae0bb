//! Writing an export, beside a daemon that goes on writing or of a store at rest.

use super::{EXPORT_FORM, Export, ExportEnd, ExportHead, ExportKind, ExportLine};
use crate::DeadLetter;
use crate::error::StoreError;
use crate::eventlog::{self, log_key};
use crate::key::{KeyBuilder, Keyspace, closing_u64, prefix_end};
use crate::layers::Layers;
use crate::reading::read_layers;
use crate::record::{collection_prefix, decode, id_of};
use crate::registry::Declared;
use crate::seal::damaged;
use crate::small::{decode_small, read_sequence, store_id_key};
use crate::snapshot::{Patience, Snapshot};
use crate::stub::is_stub;
use crate::tenant::Tenant;
use crate::vault::StoreKey;
use contract_model::{Sequence, TenantId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// The topics of jobs begin with this.
const JOBS: &str = "jobs.";

/// Writes what belongs to a tenant as of one moment, also while a daemon uses the folder. If it cannot go on, a last
/// line says why. It is ended when its patience is over. A page that is damaged in between can end the process that meets it.
pub fn export_tenant(
    folder: &Path,
    key: Option<&StoreKey>,
    tenant: &TenantId,
    now_ms: u64,
    patience: impl Into<Patience>,
    out: &mut dyn Write,
) -> Result<Export, StoreError> {
    let patience = patience.into();
    let mut lines = Lines { out, patience, digest: Sha256::new(), end: ExportEnd::default() };
    let written =
        Snapshot::beside(folder, key).and_then(|snapshot| write(&snapshot.layers(), tenant, now_ms, &mut lines));
    if let Err(error) = &written {
        // The reader of a pipe sees why it ends; if that cannot be told either, it has no end.
        let _ = lines.line(ExportKind::Failed, None, &error.with_code());
    }
    lines.out.flush().map_err(failed)?;
    written
}

fn failed(error: std::io::Error) -> StoreError {
    StoreError::io("write the export", error)
}

fn write(layers: &Layers<'_>, tenant: &TenantId, now_ms: u64, lines: &mut Lines<'_>) -> Result<Export, StoreError> {
    let stored = read_layers(layers)?;
    let unknown = || StoreError::TenantUnknown { tenant: tenant.to_string() };
    let tenant = stored.registry.tenant(tenant).ok_or_else(unknown)?;
    let head = ExportHead {
        export: EXPORT_FORM,
        store: String::from_utf8_lossy(&layers.get(&store_id_key())?.unwrap_or_default()).into_owned(),
        tenant: tenant.id().clone(),
        name: tenant.name().to_owned(),
        made_ms: now_ms,
        position: stored.head.position,
        sequence: stored.head.sequence.0,
    };
    lines.line(ExportKind::Head, None, &head)?;
    for declared in stored.registry.collections() {
        records(layers, tenant, declared, lines)?;
    }
    let sequences = sequences(layers, tenant)?;
    events(layers, &sequences, lines)?;
    dead_letters(layers, &sequences, lines)?;
    let mut end = lines.end.clone();
    end.sha256 = hex::encode(lines.digest.clone().finalize());
    lines.line(ExportKind::End, None, &end)?;
    Ok(Export { head, end })
}

fn records(layers: &Layers<'_>, tenant: &Tenant, declared: &Declared, lines: &mut Lines<'_>) -> Result<(), StoreError> {
    let name = &declared.definition.name;
    let low = collection_prefix(tenant.number(), declared.number);
    for (n, entry) in layers.scan(&low, &prefix_end(&low), false)?.enumerate() {
        let (key, value) = entry?;
        lines.patience.lasts()?;
        if n == 0 {
            lines.line(ExportKind::Collection, None, &declared.definition)?;
        }
        let record = id_of(key).and_then(|id| decode(id, &value)).ok_or_else(|| damaged(Keyspace::Documents, key))?;
        lines.line(ExportKind::Record, Some(name), &record.fields)?;
    }
    Ok(())
}

/// The tenant's places in the log, in order: what others hold between them is not read.
fn sequences(layers: &Layers<'_>, tenant: &Tenant) -> Result<Vec<Sequence>, StoreError> {
    let low = KeyBuilder::new(Keyspace::EventId).u32(tenant.number()).into_bytes();
    let entries = layers.scan(&low, &prefix_end(&low), false)?;
    let read = entries.map(|entry| entry.and_then(|(key, value)| read_sequence(Keyspace::EventId, key, &value)));
    let mut sequences: Vec<Sequence> = read.collect::<Result<_, _>>()?;
    sequences.sort_unstable();
    Ok(sequences)
}

fn events(layers: &Layers<'_>, sequences: &[Sequence], lines: &mut Lines<'_>) -> Result<(), StoreError> {
    for sequence in sequences {
        lines.patience.lasts()?;
        let key = log_key(*sequence);
        let stored = layers.get(&key)?.ok_or_else(|| damaged(Keyspace::Log, &key[1..]))?;
        if !is_stub(&stored) {
            let event = eventlog::decode(*sequence, &stored).ok_or_else(|| damaged(Keyspace::Log, &key[1..]))?;
            let is_job = event.topic.as_str().starts_with(JOBS);
            lines.line(if is_job { ExportKind::Job } else { ExportKind::Event }, None, &event)?;
        }
    }
    Ok(())
}

/// They lie among those of all tenants; of which event one is, its key says.
fn dead_letters(layers: &Layers<'_>, sequences: &[Sequence], lines: &mut Lines<'_>) -> Result<(), StoreError> {
    let keyspace = Keyspace::DeadLetters;
    for key in layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)?.keys() {
        let key = key?;
        lines.patience.lasts()?;
        let sequence = Sequence(closing_u64(key).ok_or_else(|| damaged(keyspace, key))?);
        if sequences.binary_search(&sequence).is_ok() {
            let value = layers.get(&[&[keyspace as u8], key].concat())?.ok_or_else(|| damaged(keyspace, key))?;
            lines.line(ExportKind::DeadLetter, None, &decode_small::<DeadLetter>(keyspace, key, &value)?)?;
        }
    }
    Ok(())
}

struct Lines<'w> {
    out: &'w mut dyn Write,
    patience: Patience,
    digest: Sha256,
    end: ExportEnd,
}

impl Lines<'_> {
    fn line<T: Serialize>(&mut self, kind: ExportKind, of: Option<&str>, value: &T) -> Result<(), StoreError> {
        let line = ExportLine { kind, collection: of.map(str::to_owned), value };
        let mut bytes = serde_json::to_vec(&line).map_err(|e| StoreError::io("write the export", e))?;
        bytes.push(b'\n');
        self.digest.update(&bytes);
        *self.end.counts.entry(kind).or_default() += 1;
        self.out.write_all(&bytes).map_err(failed)
    }
}
