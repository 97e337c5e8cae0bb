//! The suite: read and checked before anything else happens.

use crate::exit::{FAILED, Failure};
use crate::logs;
use checker_cli::{Color, Format, LoadError, Options, Status};
use contract_model::TopicPattern;
use contract_parse::ParsedPlugin;
use std::io::Write;
use std::path::Path;

/// A suite that the checker accepts.
pub(super) struct Loaded {
    /// Its display name.
    pub(super) name: String,
    /// Its folder's name, for the data folder.
    pub(super) folder_name: String,
    /// Its plugins.
    pub(super) plugins: Vec<ParsedPlugin>,
    /// Topics that enter from outside.
    pub(super) external: Vec<TopicPattern>,
}

/// Reads and checks the suite. Findings go to `err`; with errors among them nothing is started.
pub(super) fn load(path: &Path, err: &mut dyn Write) -> Result<Loaded, Failure> {
    let suite = checker_cli::load_suite(path).map_err(|error| match error {
        LoadError::NotAFolder(_) => Failure::usage(error),
        other => other.into(),
    })?;
    let today = jiff::Zoned::now().date();
    let report = checker_cli::check(&suite, &Options::on(today));
    if !report.findings.is_empty() {
        err.write_all(checker_cli::render(&suite, &report, Format::Text, color()).as_bytes())?;
    }
    if report.status != Status::Pass {
        writeln!(err, "error: the suite `{}` is not started; repair what is named above", path.display())?;
        return Err(Failure::told(FAILED));
    }
    let folder_name = folder_name(path);
    Ok(Loaded {
        name: suite.manifest.name.unwrap_or_else(|| folder_name.clone()),
        folder_name,
        plugins: suite.plugins,
        external: suite.manifest.external.into_iter().map(|entry| entry.value.topic).collect(),
    })
}

fn color() -> Color {
    if logs::shows_colours(&std::io::stderr()) { Color::Always } else { Color::Never }
}

/// `.` and `..` have no name of their own, so the path is resolved first.
fn folder_name(path: &Path) -> String {
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    resolved.file_name().map_or_else(|| "suite".to_owned(), |name| name.to_string_lossy().into_owned())
}
