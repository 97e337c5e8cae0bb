//! `trunkline store stats | verify | export | accept | backup | restore | rekey`.

use crate::backup;
use crate::exit::Failure;
use crate::export;
use crate::key::{self, KeyArgs};
use crate::remote::{Client, Target, segment};
use crate::walk;
use crate::within::WithinArgs;
use anyhow::anyhow;
use contract_model::TenantId;
use daemon_store::{Accepted, accept_older, rekey};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Commands about the store of a running daemon.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum StoreCommand {
    /// Print the store's figures.
    Stats {
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Walk the whole store: pages, checksums, chains, indexes. Exit code 1 if anything is damaged.
    Verify {
        #[command(flatten)]
        target: Target,
        /// Walk the store in this data folder, without asking a daemon.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        key: KeyArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write a backup of the whole store to one file, while the daemon serves. There is a whole backup at the end, or
    /// none.
    Backup {
        #[command(flatten)]
        target: Target,
        /// The file, which must not be there yet; or a folder, in which the backup gets a name of its own.
        #[arg(long, value_name = "FILE|DIR")]
        to: PathBuf,
        /// Back up the store in this data folder, without asking a daemon.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        key: KeyArgs,
        #[command(flatten)]
        within: WithinArgs,
        /// Print as JSON all that it says of itself, with the sums of each keyspace, in the place of a line.
        #[arg(long)]
        json: bool,
    },
    /// Write what belongs to one tenant: records, events, jobs and dead letters as lines of JSON.
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
        /// Export from the store in this data folder, without asking a daemon.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        key: KeyArgs,
        #[command(flatten)]
        within: WithinArgs,
        /// Print as JSON all that it says of itself, in the place of a line.
        #[arg(long)]
        json: bool,
    },
    /// Say how a query over records is answered: by which index, and how many records it looks at.
    Explain {
        #[command(flatten)]
        target: Target,
        /// The collection.
        collection: String,
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// The filter in the expression form, such as `status = 'open' && total > 100`.
        #[arg(long, default_value = "")]
        filter: String,
        /// Fields to sort by, with commas between them; `-` before one sorts it downwards.
        #[arg(long, default_value = "")]
        sort: String,
        /// As many records as the query wants.
        #[arg(long)]
        limit: Option<u64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compact events that were handled and kept as long as is declared, which the daemon does from time to time anyway.
    Compact {
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Erase a tenant: its records, what its events held, and all else that is kept of it. It cannot be undone.
    EraseTenant {
        #[command(flatten)]
        target: Target,
        /// The tenant.
        tenant: TenantId,
        /// Say that this is meant.
        #[arg(long)]
        yes: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Go on with a store whose file was put back to an earlier state, which a start refuses. What was acknowledged
    /// after that state is given up.
    Accept {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Make a data folder of a backup, and walk it from end to end before it can be served.
    Restore {
        /// The backup.
        backup: PathBuf,
        /// The data folder: empty, or not there yet.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[command(flatten)]
        key: KeyArgs,
        /// Put a store that is in the folder aside, into `replaced-1` or the next that is free.
        #[arg(long)]
        replace: bool,
        /// Print as JSON all that is in it, in the place of a line.
        #[arg(long)]
        json: bool,
    },
    /// Encrypt the store in a data folder that no daemon uses, give it another key, or decrypt it. The whole of it is
    /// written anew.
    Rekey {
        /// The data folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[command(flatten)]
        key: KeyArgs,
        /// File with the key that it is to be encrypted with.
        #[arg(long, value_name = "FILE", required_unless_present = "decrypt")]
        to_key_file: Option<PathBuf>,
        /// Leave it without encryption.
        #[arg(long, conflicts_with = "to_key_file")]
        decrypt: bool,
    },
}

/// Runs one of them.
pub(crate) fn run(command: StoreCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        StoreCommand::Stats { target, json } => {
            print(&Client::of(&target)?.call("GET", "/api/_admin/store")?, json, out)
        }
        StoreCommand::Verify { target, data, key, json } => {
            let found = match data {
                Some(folder) => walked(&folder, &key)?,
                None => Client::of(&target)?.call("POST", "/api/_admin/store/verify")?,
            };
            print(&found, json, out)?;
            if found["ok"] == Value::Bool(true) {
                Ok(())
            } else {
                Err(anyhow!("the store is damaged; restore a backup").into())
            }
        }
        StoreCommand::Backup { target, to, data, key, within, json } => {
            let taken = backup::take(&target, data.as_deref(), &key, within, &to)?;
            if json { print(&taken, true, out) } else { Ok(writeln!(out, "{}", backup::line(&taken))?) }
        }
        StoreCommand::Export { target, tenant, to, data, key, within, json } => {
            let taken = export::take(&target, data.as_deref(), &key, within, &tenant, &to)?;
            if json { print(&taken, true, out) } else { Ok(writeln!(out, "{}", export::line(&taken))?) }
        }
        StoreCommand::Explain { target, collection, tenant, filter, sort, limit, json } => {
            let body =
                json!({"tenant": tenant, "collection": collection, "filter": filter, "sort": sort, "limit": limit});
            print(&Client::of(&target)?.post("/api/_admin/store/explain", &body)?, json, out)
        }
        StoreCommand::Compact { target, json } => {
            print(&Client::of(&target)?.call("POST", "/api/_admin/store/compact")?, json, out)
        }
        StoreCommand::EraseTenant { tenant, yes: false, .. } => {
            let why = format!("nothing was erased; say --yes to erase all that is kept of tenant `{tenant}`");
            Err(Failure::usage(anyhow!(why)))
        }
        StoreCommand::EraseTenant { target, tenant, yes: true, json } => {
            let path = format!("/api/_admin/tenants/{}/erase", segment(tenant.as_str()));
            let body = json!({ "confirm": tenant });
            let erased = Client::of(&target)?.post(&path, &body)?;
            if json {
                return print(&erased, true, out);
            }
            let (entries, events) = (&erased["entries"], &erased["events"]);
            Ok(writeln!(
                out,
                "tenant `{tenant}` is erased; entries that are gone: {entries}, events without content: {events}"
            )?)
        }
        StoreCommand::Accept { data, key } => accept(&data, &key, out),
        StoreCommand::Restore { backup, data, key, replace, json } => {
            let restored = backup::put_back(&backup, &key, &data, replace)?;
            if json { print(&restored, true, out) } else { Ok(writeln!(out, "{}", backup::restored_line(&restored))?) }
        }
        StoreCommand::Rekey { data, key, to_key_file, decrypt: _ } => {
            change_key(&data, &key, to_key_file.as_deref(), out)
        }
    }
}

fn accept(folder: &Path, key: &KeyArgs, out: &mut dyn Write) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(anyhow!("there is no data folder {}", folder.display())));
    }
    let Accepted { position, sequence, noted } = accept_older(folder, key.key()?.as_ref()).map_err(Failure::usage)?;
    writeln!(out, "the store in {} goes on from unit {position} with event {sequence}", folder.display())?;
    if let Some((unit, event)) = noted.filter(|noted| *noted != (position, sequence)) {
        writeln!(out, "unit {unit} with event {event} was on disk before; what came between is given up")?;
    }
    Ok(())
}

fn change_key(folder: &Path, from: &KeyArgs, to: Option<&Path>, out: &mut dyn Write) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(anyhow!("there is no data folder {}", folder.display())));
    }
    let to = to.map(key::read).transpose()?;
    let report = rekey(folder, from.key()?.as_ref(), to.as_ref(), &mut |_| ()).map_err(Failure::usage)?;
    let now = to.map_or_else(|| "not encrypted".to_owned(), |key| format!("encrypted with key {}", key.id()));
    writeln!(out, "the store in {} is {now}; {} entries were written anew", folder.display(), report.entries)?;
    Ok(())
}

/// As the daemon answers it.
fn walked(folder: &Path, key: &KeyArgs) -> Result<Value, Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(anyhow!("there is no data folder {}", folder.display())));
    }
    let report = walk::beside(folder, key)?;
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
