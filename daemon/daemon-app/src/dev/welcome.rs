//! What `dev` says when it is ready: where it is, and lines to paste.

use crate::dev::folder::DataFolder;
use crate::dev::tokens::DevFile;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The suite's own words, with the lines worth pasting first.
const FILE: &str = "welcome.txt";

/// What there is to say.
pub(super) struct Facts<'a> {
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    pub(super) folder: &'a DataFolder,
    pub(super) dev: &'a DevFile,
    pub(super) suite: &'a Path,
    pub(super) ready_after: Duration,
}

/// Prints the welcome.
pub(super) fn print(out: &mut dyn Write, facts: &Facts<'_>) -> io::Result<()> {
    let Facts { name, url, folder, dev, suite, ready_after } = facts;
    let program = program();
    let kept = if folder.is_ephemeral() { "removed at the end" } else { "kept; remove the folder to start afresh" };
    writeln!(out, "{name} serves {url} (ready after {} ms)", ready_after.as_millis())?;
    writeln!(out, "Data: {} ({kept})\n", folder.path().display())?;
    writeln!(out, "In another terminal, paste this first:\n")?;
    writeln!(out, "  export TRUNKLINE_URL={url} TRUNKLINE_TOKEN={}", dev.demo_token())?;
    writeln!(out, "  call() {{ curl -sS -H \"authorization: Bearer $TRUNKLINE_TOKEN\" \"$@\"; echo; }}\n")?;
    // A suite without words of its own still has its description and its events.
    if let Ok(text) = std::fs::read_to_string(suite.join(FILE)) {
        writeln!(out, "{}\n", text.trim_end())?;
    }
    writeln!(out, "What is served, what has happened, and what happens now:\n")?;
    writeln!(out, "  call $TRUNKLINE_URL/api/openapi.json")?;
    writeln!(out, "  {program} events list")?;
    writeln!(out, "  {program} events tail\n")?;
    writeln!(out, "For the operator's commands, such as `{program} dead list`:\n")?;
    writeln!(out, "  export TRUNKLINE_TOKEN={}\n", dev.admin_token())?;
    writeln!(out, "Ctrl-C stops the daemon; a second one does not wait for open requests.")?;
    out.flush()
}

/// This program as it can be typed here.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("trunkline"));
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(&path).display().to_string()
}
