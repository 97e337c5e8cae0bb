//! The file with the findings that a suite is known to have.

use anyhow::{Context, ensure};
use checker_rules::Baseline;
use std::path::Path;

/// Its name in a suite's folder.
pub(super) const FILE: &str = "contracts.baseline";
/// The largest one that is read, in MiB.
const MIB_MAX: u64 = 32;

/// Reads a baseline. Findings about it name it relative to the suite, where it lies in there.
pub(super) fn read(file: &Path, suite: &Path) -> anyhow::Result<Baseline> {
    let shown = file.display();
    ensure!(file.exists(), "there is no baseline `{shown}`; `{}` makes one", making(file, suite));
    let cannot = || format!("cannot read the baseline `{shown}`");
    let size = file.metadata().with_context(cannot)?;
    ensure!(size.is_file(), "the baseline `{shown}` is no file");
    ensure!(size.len() <= MIB_MAX << 20, "the baseline `{shown}` is larger than {MIB_MAX} MiB");
    let text = std::fs::read_to_string(file).with_context(cannot)?;
    Baseline::parse(&name(file, suite), &text).with_context(|| format!("`{shown}` is no baseline"))
}

/// The command that makes a baseline.
fn making(file: &Path, suite: &Path) -> String {
    let update = format!("baseline {} --update", suite.display());
    if file == suite.join(FILE) { update } else { format!("{update} --file {}", file.display()) }
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
