//! `check --locked`: whether the lock is what the sources give.

use crate::io::Io;
use crate::lock::Lock;
use anyhow::{Context, ensure};
use contract_graph::Suite;
use similar::TextDiff;
use std::path::Path;

/// Lines of the difference that are shown.
const LINES_MAX: usize = 40;

/// Whether the lock in this file is what the suite gives; where not, the difference goes to `err`. A lock that is only
/// written in another way is the same. `writing` is the command that writes it.
pub(super) fn holds(suite: &Suite, file: &Path, writing: &str, io: &mut Io<'_>) -> anyhow::Result<bool> {
    let shown = file.display();
    ensure!(file.exists(), "there is no lock `{shown}`; `{writing}` makes one");
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the lock `{shown}`"))?;
    let written = Lock::parse(&text).with_context(|| format!("`{shown}` is no lock"))?.text()?;
    let given = Lock::of(suite).text()?;
    if written == given {
        return Ok(true);
    }
    let diff = TextDiff::from_lines(&written, &given).unified_diff().header("the lock", "the sources").to_string();
    for line in diff.lines().take(LINES_MAX) {
        writeln!(io.err, "{line}")?;
    }
    if let Some(more) = diff.lines().count().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        writeln!(io.err, "and {more} more lines")?;
    }
    writeln!(io.err, "error: `{shown}` is not what the sources give; `{writing}` writes it anew")?;
    Ok(false)
}
