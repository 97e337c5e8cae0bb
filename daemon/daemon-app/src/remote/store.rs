//! `trunkline store stats | verify`.

use crate::exit::Failure;
use crate::remote::{Client, Target};
use crate::walk;
use anyhow::anyhow;
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
    }
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
