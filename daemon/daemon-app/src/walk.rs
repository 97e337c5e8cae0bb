//! What the daemon starts itself as to look over its own store: `trunkline walk-store FOLDER`.
//!
//! Damage to the pages of the file can end the process that reads them. This process may end; the daemon may not.

use crate::exit::Failure;
use anyhow::Context;
use daemon_store::{VerifyReport, verify_folder};
use std::io::Write;
use std::path::Path;

/// Walks the store and prints the report. What keeps the walk from its end is a finding, too.
pub(crate) fn run(folder: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let report = verify_folder(folder).unwrap_or_else(|error| VerifyReport::broken_off(error.to_string()));
    let text = serde_json::to_string(&report).context("write the report")?;
    Ok(writeln!(out, "{text}")?)
}
