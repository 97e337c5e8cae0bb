//! The ready-file: where the daemon is, and with which tokens it is spoken to.

use crate::dev::tokens::{DEMO, DevFile, write_private};
use crate::exit::Failure;
use anyhow::anyhow;
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;

/// Writes the file in one step, readable by its owner only: there are tokens in it.
pub(super) fn write(path: &Path, url: &str, dev: &DevFile) -> Result<(), Failure> {
    let facts = json!({
        "url": url,
        "admin_token": dev.admin_token(),
        "tenants": {DEMO: {"token": dev.demo_token()}},
        "pid": std::process::id(),
    });
    write_private(path, &format!("{facts:#}\n")).map_err(|error| {
        let path = path.display();
        Failure::usage(anyhow!("the ready-file `{path}` cannot be written: {error}; name another with --ready-file"))
    })
}

/// Takes the file away: nobody is ready any more.
pub(super) fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        // A folder of that name was there before, and is why the file could not be written.
        Err(error) if ![ErrorKind::NotFound, ErrorKind::IsADirectory].contains(&error.kind()) => {
            tracing::warn!(%error, path = %path.display(), "the ready-file cannot be removed");
        }
        _ => {}
    }
}
