//! `baseline`: the findings that are known, as a file that only new ones fail against.

use super::shape::Shape;
use super::{known, parse_day};
use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite_with;
use anyhow::{Context, bail};
use checker_report::{Baseline as State, Diagnostic, Known, Report, Severity, Status};
use checker_rules::{Baseline, Options};
use contract_model::Location;
use jiff::civil::Date;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `baseline`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Without --update, --prune or --check it says how the suite and the file differ, and ends with 0.

Examples:
  baseline suite --update                             once: what is there today is known
  check suite --baseline suite/contracts.baseline     in the pipeline: fails on new findings only
  baseline suite --prune                              after repairs: takes out what is gone
  baseline suite --check                              fails where --update would change the file")]
pub struct BaselineArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// The file; SUITE/contracts.baseline if not given
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write the file anew: every open finding of today is known
    #[arg(long, conflicts_with_all = ["prune", "check"])]
    update: bool,
    /// Take out what is gone; what is new stays new, and so do comments
    #[arg(long, conflicts_with = "check")]
    prune: bool,
    /// End with 1 where the file is not what --update would write
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    shape: Shape,
    /// The day against which exceptions expire, YYYY-MM-DD; today in UTC if not given
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    today: Option<Date>,
    /// How many threads read and parse; as many as there are cores if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

/// How a suite and its baseline differ: the document `trunkline.baseline/1`.
#[derive(Serialize)]
struct Difference<'a> {
    schema: &'static str,
    file: &'a str,
    /// Findings that the file has and the suite has too.
    known: usize,
    new: Vec<New<'a>>,
    gone: Vec<Gone<'a>>,
    /// Whether the file was written.
    written: bool,
}

#[derive(Serialize)]
struct New<'a> {
    fingerprint: &'a str,
    rule: &'a str,
    severity: Severity,
    plugin: &'a str,
    topic: Option<&'a str>,
    message: &'a str,
    location: &'a Location,
}

#[derive(Serialize)]
struct Gone<'a> {
    fingerprint: &'a str,
    rule: &'a str,
    hint: &'a str,
}

pub(super) fn run(args: &BaselineArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let file = args.file.clone().unwrap_or_else(|| args.suite.join(known::FILE));
    let suite = load_suite_with(&args.suite, args.threads.map(usize::from))?;
    // Only --update makes a file: a wrong path must not look like a suite that knows nothing.
    let before = if args.update && !file.exists() {
        Baseline { file: known::name(&file, &args.suite), entries: Vec::new() }
    } else {
        known::read(&file, &args.suite)?
    };
    let today = args.today.unwrap_or_else(crate::today);
    let options = Options { baseline: Some(before.clone()), ..Options::on(today) };
    let report = checker_rules::check(&suite, &options);
    if report.status == Status::Incomplete {
        bail!(Incomplete(before.file));
    }
    let after = after(args, &file, &before, &report)?;
    if let Some(after) = &after {
        std::fs::write(&file, after).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    let difference = Difference::of(&before, &report, after.is_some());
    let text = args.shape.of(&difference, Difference::text)?;
    io.out.write_all(text.as_bytes())?;
    let differs = !difference.new.is_empty() || !difference.gone.is_empty();
    Ok(if args.check && differs { Exit::Findings } else { Exit::Clean })
}

/// A suite of which something could not be read gives no baseline: what was not looked at would count as gone.
#[derive(Debug, thiserror::Error)]
#[error("something of the suite could not be read, so nobody knows what `{0}` should hold; `check` says what")]
pub(super) struct Incomplete(String);

/// The file's new text.
fn after(args: &BaselineArgs, file: &Path, before: &Baseline, report: &Report) -> anyhow::Result<Option<String>> {
    if args.update {
        return Ok(Some(Baseline::of(report, &before.file).text()));
    }
    if !args.prune {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok(Some(Baseline::text_without(&text, report.absent.as_deref().unwrap_or_default())))
}

impl<'a> Difference<'a> {
    fn of(before: &'a Baseline, report: &'a Report, written: bool) -> Self {
        let mut gone: Vec<Gone<'_>> = report.absent.iter().flatten().map(gone).collect();
        gone.sort_by_key(|gone| before.entries.iter().position(|entry| entry.fingerprint == gone.fingerprint));
        let open = report.found().filter(|one| one.suppressed.is_none() && one.baseline == State::New);
        // What is gone is listed as such, not once more as the finding about the file.
        let new = open.filter(|one| one.rule != "TL905").map(new).collect();
        let known = before.entries.len() - gone.len();
        Self { schema: "trunkline.baseline/1", file: &before.file, known, new, gone, written }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for New { rule, location: at, message, .. } in &self.new {
            // Writing into a String does not fail.
            let _ = writeln!(out, "+ {rule} {}:{}:{} {message}", at.file, at.line, at.column);
        }
        for Gone { hint, .. } in &self.gone {
            let _ = writeln!(out, "- {hint}");
        }
        let Self { file, known, .. } = self;
        let (new, gone) = (self.new.len(), self.gone.len());
        let written = if self.written { ", written" } else { "" };
        let _ = writeln!(out, "{file}: {known} known, {new} new, {gone} gone{written}");
        out
    }
}

fn new(finding: &Diagnostic) -> New<'_> {
    let Diagnostic { fingerprint, rule, severity, plugin, topic, message, location, .. } = finding;
    New { fingerprint, rule, severity: *severity, plugin, topic: topic.as_deref(), message, location }
}

fn gone(known: &Known) -> Gone<'_> {
    Gone { fingerprint: &known.fingerprint, rule: &known.rule, hint: &known.hint }
}
