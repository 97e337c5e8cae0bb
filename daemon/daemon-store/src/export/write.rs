//! Writing an export, beside a daemon that goes on writing or of a store at rest.

use super::{EXPORT_FORM, Export, ExportEnd, ExportHead, ExportKind, ExportLine};
use crate::DeadLetter;
use crate::error::StoreError;
use crate::eventlog;
use crate::key::{Keyspace, closing_u64, prefix_end};
use crate::layers::Layers;
use crate::opening::read_layers;
use crate::record::{collection_prefix, decode, id_of};
use crate::registry::Declared;
use crate::seal::damaged;
use crate::small::{decode_small, store_id_key};
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
    events(layers, tenant, lines)?;
    dead_letters(layers, tenant, lines)?;
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

fn events(layers: &Layers<'_>, tenant: &Tenant, lines: &mut Lines<'_>) -> Result<(), StoreError> {
    for entry in layers.scan(&[Keyspace::Log as u8], &[Keyspace::Log as u8 + 1], false)? {
        let (key, value) = entry?;
        lines.patience.lasts()?;
        if is_stub(&value) {
            continue;
        }
        let event = closing_u64(key).and_then(|sequence| eventlog::decode(Sequence(sequence), &value));
        let event = event.ok_or_else(|| damaged(Keyspace::Log, key))?;
        if event.tenant == *tenant.id() {
            let is_job = event.topic.as_str().starts_with(JOBS);
            lines.line(if is_job { ExportKind::Job } else { ExportKind::Event }, None, &event)?;
        }
    }
    Ok(())
}

fn dead_letters(layers: &Layers<'_>, tenant: &Tenant, lines: &mut Lines<'_>) -> Result<(), StoreError> {
    let keyspace = Keyspace::DeadLetters;
    for entry in layers.scan(&[keyspace as u8], &[keyspace as u8 + 1], false)? {
        let (key, value) = entry?;
        let letter: DeadLetter = decode_small(keyspace, key, &value)?;
        if letter.tenant == *tenant.id() {
            lines.line(ExportKind::DeadLetter, None, &letter)?;
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
