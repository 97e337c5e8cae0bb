//! The file with the findings that a suite is known to have.

use anyhow::{Context, ensure};
use checker_rules::Baseline;
use std::path::Path;

/// Its name in a suite's folder.
pub(super) const FILE: &str = "contracts.baseline";
/// The largest one that is read, in bytes.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Reads a baseline. Findings about it name it relative to the suite, where it lies in there.
pub(super) fn read(file: &Path, suite: &Path) -> anyhow::Result<Baseline> {
    let shown = file.display();
    ensure!(file.exists(), "there is no baseline `{shown}`; `baseline --update --file {shown}` makes one");
    let cannot = || format!("cannot read the baseline `{shown}`");
    let size = file.metadata().with_context(cannot)?;
    ensure!(
        size.is_file() && size.len() <= BYTES_MAX,
        "the baseline `{shown}` is no file of at most {BYTES_MAX} bytes"
    );
    let text = std::fs::read_to_string(file).with_context(cannot)?;
    Baseline::parse(&name(file, suite), &text).with_context(|| format!("`{shown}` is no baseline"))
}

/// What findings call the file: its path in the suite with forward slashes, else its path as given.
pub(super) fn name(file: &Path, suite: &Path) -> String {
    let within = || {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().ok()?;
        let within = folder.strip_prefix(suite.canonicalize().ok()?).ok()?.join(file.file_name()?);
        Some(within.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
    };
    within().unwrap_or_else(|| file.to_string_lossy().into_owned())
}
