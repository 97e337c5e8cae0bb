//! Where a report goes: `--out FORMAT[=FILE]`.

use crate::io::Io;
use crate::wiring::wiring;
use anyhow::Context;
use checker_report::{Color, Format, Report, RuleCard, Sheet, Wiring};
use checker_rules::REGISTRY;
use contract_graph::Suite;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where the book is served unless `--docs-url` says otherwise.
pub(crate) const DOCS: &str = "https://trunkline.example/";

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
    let format = Format::parse(name).ok_or_else(|| format!("no format `{name}`; there are {}", formats()))?;
    Ok(Sink { format, file })
}

fn formats() -> String {
    let names: Vec<&str> = Format::ALL.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// What the formats show around a report.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The suite's folder as the repository names it.
    pub(crate) root: String,
    /// Where the book is served.
    pub(crate) docs: String,
}

/// Renders a report over the texts of its suite.
pub fn render(suite: &Suite, report: &Report, format: Format, color: Color) -> String {
    let (rules, wiring, docs) = (rule_cards(), wiring_for(suite, format), DOCS);
    let texts = |file: &str| suite.text(file);
    format.render(&Sheet { report, texts: &texts, rules: &rules, wiring: &wiring, root: "", docs, color })
}

/// Renders for people what became of the findings since an earlier report.
pub fn render_changes(suite: &Suite, report: &Report, before: &Report, color: Color) -> String {
    let texts = |file: &str| suite.text(file);
    let (rules, wiring) = (Vec::new(), Wiring::default());
    let sheet = Sheet { report, texts: &texts, rules: &rules, wiring: &wiring, root: "", docs: DOCS, color };
    checker_report::text::render_changes(&sheet, before)
}

/// Writes a report to every sink, in their order.
pub(crate) fn write(
    suite: &Suite,
    report: &Report,
    sinks: &[Sink],
    around: &Surroundings,
    io: &mut Io<'_>,
) -> anyhow::Result<()> {
    // Neither shows what rules are about, and taking their pages apart takes longer than a small suite's rules do.
    let is_plain = |sink: &Sink| matches!(sink.format, Format::Json | Format::Text);
    let rules = if sinks.iter().all(is_plain) { Vec::new() } else { rule_cards() };
    for Sink { format, file } in sinks {
        let wiring = wiring_for(suite, *format);
        let texts = |file: &str| suite.text(file);
        let color = if file.is_none() { io.color } else { Color::Never };
        let (root, docs) = (around.root.as_str(), around.docs.as_str());
        let sheet = Sheet { report, texts: &texts, rules: &rules, wiring: &wiring, root, docs, color };
        match file {
            None => write_as(&sheet, *format, &mut *io.out)?,
            Some(file) => {
                let created = std::fs::File::create(file).map(BufWriter::new);
                let written = created.and_then(|mut out| {
                    write_as(&sheet, *format, &mut out)?;
                    out.flush()
                });
                written.with_context(|| format!("cannot write `{}`", file.display()))?;
            }
        }
        if *format == Format::Github {
            summarise(&Format::Md.render(&sheet))?;
        }
    }
    io.out.flush()?;
    Ok(())
}

fn write_as(sheet: &Sheet<'_>, format: Format, out: &mut dyn Write) -> std::io::Result<()> {
    match format {
        Format::Json => checker_report::json::write(sheet.report, out),
        Format::Text => checker_report::text::write(sheet, out),
        other => out.write_all(other.render(sheet).as_bytes()),
    }
}

/// Only these formats show the wiring, and it takes a while to collect.
fn wiring_for(suite: &Suite, format: Format) -> Wiring {
    match format {
        Format::Junit | Format::Html => wiring(suite),
        _ => Wiring::default(),
    }
}

/// Adds the whole report to the page of a GitHub job, where there is one; annotations alone would lose findings.
fn summarise(text: &str) -> anyhow::Result<()> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return Ok(()) };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&file);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write the job's summary `{}`", Path::new(&file).display()))
}

/// Every rule as the formats show it.
fn rule_cards() -> Vec<RuleCard> {
    let card = |rule: &checker_rules::Rule| {
        let doc = rule.doc();
        let summary = doc.summary().replace('\n', " ");
        RuleCard { id: rule.id, name: rule.name, severity: rule.severity, summary, what: doc.what, fix: doc.fix }
    };
    REGISTRY.iter().map(card).collect()
}

/// The suite's folder relative to `root`, else to the repository that it lies in, else to the current folder; empty
/// where it lies in neither of these. With forward slashes.
///
/// # Errors
/// Where a root is given and the suite does not lie in it: paths that begin elsewhere would point nowhere.
pub(crate) fn root_of(suite: &Path, root: Option<&Path>) -> anyhow::Result<String> {
    let folder = suite.canonicalize().with_context(|| format!("cannot read `{}`", suite.display()))?;
    let Some(root) = root else {
        let repository = folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
        let root = repository.or_else(|| std::env::current_dir().ok()?.canonicalize().ok());
        return Ok(root.and_then(|root| within(&folder, &root)).unwrap_or_default());
    };
    root.canonicalize().ok().and_then(|root| within(&folder, &root)).with_context(|| {
        let (root, suite) = (root.display(), suite.display());
        format!("the root `{root}` does not hold the suite `{suite}`; name a folder above the suite, or the suite")
    })
}

fn within(folder: &Path, root: &Path) -> Option<String> {
    let parts: Vec<_> = folder.strip_prefix(root).ok()?.iter().map(|part| part.to_string_lossy()).collect();
    Some(parts.join("/"))
}
