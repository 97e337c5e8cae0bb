//! Where a report goes: `--out FORMAT[=FILE]`.

use checker_report::{Color, Format, Report};
use contract_graph::Suite;
use std::path::PathBuf;

/// One `--out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sink {
    pub(crate) format: Format,
    /// None for standard output.
    pub(crate) file: Option<PathBuf>,
}

/// Reads `FORMAT` or `FORMAT=FILE`.
pub(crate) fn parse_sink(text: &str) -> Result<Sink, String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err(format!("`{text}` names no file")),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let names: Vec<&str> = Format::ALL.iter().map(|(name, _)| *name).collect();
    let format = Format::parse(name).ok_or_else(|| format!("no format `{name}`; there are {}", names.join(", ")))?;
    Ok(Sink { format, file })
}

/// Renders a report over the texts of its suite.
pub fn render(suite: &Suite, report: &Report, format: Format, color: Color) -> String {
    format.render(report, &|file| suite.text(file), color)
}
