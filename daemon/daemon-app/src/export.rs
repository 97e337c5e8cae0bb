//! `trunkline store export`: what belongs to one tenant, as lines of JSON in one file or as a folder of files.

use crate::backup::now_ms;
use crate::exit::Failure;
use crate::key::KeyArgs;
use crate::landing::Place;
use crate::remote::{Client, Target, segment};
use crate::within::WithinArgs;
use anyhow::{Context, anyhow};
use contract_model::TenantId;
use daemon_store::{Export, ExportKind, check_export, export_tenant};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, create_dir_all};
use std::io::{BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};

const COMMAND: &str = "export-tenant";
const MANIFEST: &str = "manifest.json";

/// Writes an export to standard output, for whoever started this process.
pub(crate) fn copy(
    folder: &Path,
    key: &KeyArgs,
    within: WithinArgs,
    tenant: &TenantId,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let written = export_tenant(folder, key.key()?.as_ref(), tenant, now_ms(), within.patience(), out);
    written.map(drop).map_err(|error| anyhow!(error.with_code()).into())
}

/// The command line that writes an export, without folder and tenant.
pub(crate) fn command(key: &KeyArgs) -> anyhow::Result<Vec<std::ffi::OsString>> {
    let program = std::env::current_exe().context("find this program, to read the store with it")?;
    Ok([program.into(), COMMAND.into()].into_iter().chain(key.line()).collect())
}

/// Exports a tenant of a running daemon, or of the store in a folder, and gives what there is of it.
pub(crate) fn take(
    target: &Target,
    data: Option<&Path>,
    key: &KeyArgs,
    within: WithinArgs,
    tenant: &TenantId,
    to: &Path,
) -> Result<Value, Failure> {
    let place = Place::of(to)?;
    let mut draft = place.draft()?;
    if let Some(folder) = data {
        let line = [command(key)?, within.line().to_vec()].concat();
        draft.take_output(&line, &[folder.as_os_str(), tenant.as_str().as_ref()])?;
    } else {
        let path = format!("/api/_admin/tenants/{}/export?within={}", segment(tenant.as_str()), within.within);
        let received = draft.take(Client::of(target)?.download(&path)?)?;
        draft.why_broken(received, |draft| check_export(draft, &mut |_, _, _| Ok(())).map(drop))?;
    }
    let export = check_export(&mut draft.read_again()?, &mut |_, _, _| Ok(()))?;
    let mut told = serde_json::to_value(&export).context("write what the export holds")?;
    let path = if place.is_folder() {
        unfold(&place.folder, &mut draft.read_again()?, &export)?
    } else {
        place.keep(draft, String::new)?
    };
    told["file"] = path.display().to_string().into();
    Ok(told)
}

/// What an export holds, in a line.
pub(crate) fn line(taken: &Value) -> String {
    let text = |name: &str| taken[name].as_str().unwrap_or_default();
    let of = |kind: &str| taken["counts"][kind].as_u64().unwrap_or_default();
    let (file, tenant, sum) = (text("file"), text("tenant"), text("sha256"));
    let (records, events, jobs, dead) = (of("record"), of("event"), of("job"), of("dead-letter"));
    format!(
        "{file}: {records} records, {events} events, {jobs} jobs and {dead} dead letters of tenant `{tenant}`, \
         SHA-256 {sum}"
    )
}

/// Writes the lines into a folder of their own, a file for each of what they are about. It gets its name at the end.
fn unfold(within: &Path, lines: &mut dyn BufRead, export: &Export) -> Result<PathBuf, Failure> {
    let path = within.join(format!("{}-{}", export.head.tenant, export.head.position));
    if path.exists() {
        return Err(Failure::usage(anyhow!("{}: there is such a folder already", path.display())));
    }
    let draft = tempfile::Builder::new().prefix(".export-").tempdir_in(within).context("make a folder")?;
    let mut files = Files { folder: draft.path(), open: BTreeMap::new() };
    check_export(lines, &mut |kind, collection, value| {
        let name = file_of(kind, collection.unwrap_or_default());
        files.add(name, &value).map_err(|error| daemon_store::StoreError::ExportInvalid { why: format!("{error:#}") })
    })?;
    let listed = files.finish()?;
    let mut manifest = serde_json::to_value(export).context("write the manifest")?;
    manifest["files"] = listed.into();
    std::fs::write(draft.path().join(MANIFEST), format!("{manifest:#}\n")).context("write the manifest")?;
    sync(&draft.path().join(MANIFEST))?;
    sync(draft.path())?;
    std::fs::rename(draft.path(), &path).with_context(|| format!("keep the export as {}", path.display()))?;
    // It is at another place now, and stays.
    let _ = draft.keep();
    sync(within)?;
    Ok(path)
}

fn file_of(kind: ExportKind, collection: &str) -> String {
    match kind {
        ExportKind::Record => format!("records/{collection}.ndjson"),
        ExportKind::Collection => "collections.ndjson".to_owned(),
        ExportKind::Job => "jobs.ndjson".to_owned(),
        ExportKind::DeadLetter => "dead-letters.ndjson".to_owned(),
        ExportKind::Event | ExportKind::Head | ExportKind::End | ExportKind::Failed => "events.ndjson".to_owned(),
    }
}

fn sync(path: &Path) -> anyhow::Result<()> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.with_context(|| format!("write {} to disk", path.display()))
}

/// The files of a folder that is being written.
struct Files<'f> {
    folder: &'f Path,
    open: BTreeMap<String, Open>,
}

struct Open {
    file: BufWriter<File>,
    digest: Sha256,
    lines: u64,
    bytes: u64,
}

impl Files<'_> {
    fn add(&mut self, name: String, value: &Value) -> anyhow::Result<()> {
        let open = match self.open.entry(name) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                let path = self.folder.join(free.key());
                create_dir_all(path.parent().unwrap_or(self.folder)).context("make a folder")?;
                let file = BufWriter::new(File::create(&path).with_context(|| format!("make {}", path.display()))?);
                free.insert(Open { file, digest: Sha256::new(), lines: 0, bytes: 0 })
            }
        };
        let line = format!("{value}\n");
        open.digest.update(&line);
        open.lines += 1;
        open.bytes += line.len() as u64;
        open.file.write_all(line.as_bytes()).context("write the export")
    }

    /// Syncs all files and lists them.
    fn finish(self) -> anyhow::Result<Vec<Value>> {
        let list = |(name, open): (String, Open)| {
            let Open { file, digest, lines, bytes } = open;
            let file = file.into_inner().context("write the export")?;
            file.sync_all().context("write the export to disk")?;
            Ok(json!({"file": name, "count": lines, "bytes": bytes, "sha256": hex::encode(digest.finalize())}))
        };
        self.open.into_iter().map(list).collect()
    }
}
