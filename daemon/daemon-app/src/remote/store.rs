//! `trunkline store stats | verify | export | accept | backup | restore`.

use crate::backup;
use crate::exit::Failure;
use crate::export;
use crate::remote::{Client, Target};
use crate::walk;
use anyhow::anyhow;
use contract_model::TenantId;
use daemon_store::{Accepted, accept_older};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Commands about the store of a running daemon.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum StoreCommand {
    /// Prints the store's figures.
    Stats {
        #[command(flatten)]
        target: Target,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Walks the whole store: pages, checksums, chains, indexes. Exit code 1 if anything is damaged.
    Verify {
        #[command(flatten)]
        target: Target,
        /// Walks the store in this data folder, without asking a daemon.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes a backup of the whole store to one file, while the daemon serves. There is a whole backup at the end, or
    /// none.
    Backup {
        #[command(flatten)]
        target: Target,
        /// The file, which must not be there yet; or a folder, in which the backup gets a name of its own.
        #[arg(long, value_name = "FILE|DIR")]
        to: PathBuf,
        /// Backs up the store in this data folder, without asking a daemon.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes what belongs to one tenant: records, events, jobs and dead letters as lines of JSON.
    Export {
        #[command(flatten)]
        target: Target,
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// One file, which must not be there yet; or a folder, in which a folder is made with a file for each collection
        /// and a manifest.
        #[arg(long, value_name = "FILE|DIR")]
        to: PathBuf,
        /// Exports from the store in this data folder, without asking a daemon.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Goes on with a store whose file was put back to an earlier state, which a start refuses. What was acknowledged
    /// after that state is given up.
    Accept {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Makes a data folder of a backup, and walks it from end to end before it can be served.
    Restore {
        /// The backup.
        backup: PathBuf,
        /// The data folder: empty, or not there yet.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Puts a store that is in the folder aside, into `replaced-1` or the next that is free.
        #[arg(long)]
        replace: bool,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs one of them.
pub(crate) fn run(command: StoreCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        StoreCommand::Stats { target, json } => {
            print(&Client::of(&target)?.call("GET", "/api/_admin/store")?, json, out)
        }
        StoreCommand::Verify { target, data, json } => {
            let found = match data {
                Some(folder) => walked(&folder)?,
                None => Client::of(&target)?.call("POST", "/api/_admin/store/verify")?,
            };
            print(&found, json, out)?;
            if found["ok"] == Value::Bool(true) {
                Ok(())
            } else {
                Err(anyhow!("the store is damaged; restore a backup").into())
            }
        }
        StoreCommand::Backup { target, to, data, json } => {
            print(&backup::take(&target, data.as_deref(), &to)?, json, out)
        }
        StoreCommand::Export { target, tenant, to, data, json } => {
            print(&export::take(&target, data.as_deref(), &tenant, &to)?, json, out)
        }
        StoreCommand::Accept { data } => accept(&data, out),
        StoreCommand::Restore { backup, data, replace, json } => {
            print(&backup::put_back(&backup, &data, replace)?, json, out)
        }
    }
}

fn accept(folder: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(anyhow!("there is no data folder {}", folder.display())));
    }
    let Accepted { position, sequence, noted } = accept_older(folder).map_err(Failure::usage)?;
    writeln!(out, "the store in {} goes on from unit {position} with event {sequence}", folder.display())?;
    if let Some((unit, event)) = noted.filter(|noted| *noted != (position, sequence)) {
        writeln!(out, "unit {unit} with event {event} was on disk before; what came between is given up")?;
    }
    Ok(())
}

/// As the daemon answers it.
fn walked(folder: &Path) -> Result<Value, Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(anyhow!("there is no data folder {}", folder.display())));
    }
    let report = walk::beside(folder)?;
    Ok(json!({"ok": report.is_sound(), "report": report}))
}

fn print(figures: &Value, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        return Ok(writeln!(out, "{figures:#}")?);
    }
    lines("", figures, out)
}

/// One line a figure; what lies within another is named after both, and a list has a line an item.
fn lines(name: &str, value: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(field, value)| {
            let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
            lines(&name, value, out)
        }),
        Value::Array(items) => items.iter().try_for_each(|item| lines(name, item, out)),
        Value::String(text) => Ok(writeln!(out, "{name:<24}  {text}")?),
        other => Ok(writeln!(out, "{name:<24}  {other}")?),
    }
}
