//! The suite: read and checked before anything else happens.

use crate::exit::{FAILED, Failure};
use checker_cli::{Format, KeptAnalyses, LiveSuite, LoadError, Options, Status, Suite};
use contract_parse::ParsedPlugin;
use daemon_host::SuiteTerms;
use std::io::Write;
use std::path::Path;

/// A suite that the checker accepts.
#[derive(Clone)]
pub(super) struct Loaded {
    /// Its display name.
    pub(super) name: String,
    /// Its folder's name, for the data folder.
    pub(super) folder_name: String,
    /// Its plugins.
    pub(super) plugins: Vec<ParsedPlugin>,
    /// What it says beside them.
    pub(super) terms: SuiteTerms,
}

/// Reads and checks the suite. Findings go to `err`; with errors among them nothing is started.
pub(super) fn load(
    path: &Path,
    analyses: Option<&KeptAnalyses>,
    err: &mut dyn Write,
) -> Result<(Loaded, LiveSuite), Failure> {
    let mut live = match analyses {
        Some(analyses) => LiveSuite::load_recalling(path, analyses),
        None => LiveSuite::load(path),
    }
    .map_err(|error| match error {
        LoadError::NotAFolder(_) => Failure::usage(error),
        other => other.into(),
    })?;
    let (passes, findings) = judge(&mut live);
    err.write_all(findings.as_bytes())?;
    if !passes {
        writeln!(err, "error: the suite `{}` is not started; repair what is named above", path.display())?;
        return Err(Failure::told(FAILED));
    }
    Ok((loaded(live.suite(), path), live))
}

/// Checks a suite: whether it passes, and its findings as text.
pub(super) fn judge(live: &mut LiveSuite) -> (bool, String) {
    let report = live.check(&Options::on(checker_cli::today()));
    let nothing = report.findings.is_empty();
    let text = if nothing {
        String::new()
    } else {
        checker_cli::render(live.suite(), &report, Format::Text, checker_cli::color(&std::io::stderr()))
    };
    (report.status == Status::Pass, text)
}

/// What of a suite is served.
pub(super) fn loaded(suite: &Suite, path: &Path) -> Loaded {
    let folder_name = folder_name(path);
    Loaded {
        name: suite.manifest.name.clone().unwrap_or_else(|| folder_name.clone()),
        folder_name,
        plugins: suite.plugins.clone(),
        terms: SuiteTerms::from(&suite.manifest),
    }
}

/// `.` and `..` have no name of their own, so the path is resolved first.
pub(super) fn folder_name(path: &Path) -> String {
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    resolved.file_name().map_or_else(|| "suite".to_owned(), |name| name.to_string_lossy().into_owned())
}
