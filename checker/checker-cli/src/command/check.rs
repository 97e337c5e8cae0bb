//! `check`: the gate.

use super::{known, locked, parse_day};
use crate::base::{State, load_state, parse_state};
use crate::exit::Exit;
use crate::io::Io;
use crate::load::{load_suite_with, with_threads};
use crate::lock::Lock;
use crate::output::{DOCS, Sink, Surroundings, parse_sink, root_of, write};
use anyhow::Context;
use checker_report::{Format, Status};
use checker_rules::{Against, Baseline, FailOn, Gate, Options, RecordedEvent};
use contract_graph::Suite;
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// Arguments of `check`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  check
  check ledger-example --strict
  check suite --out github --out sarif=wiring.sarif --out junit=wiring.xml --out md=wiring.md
  check suite --base git:origin/main --fail-on-new
  check suite --baseline suite/contracts.baseline
  check suite --locked")]
pub struct CheckArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// Write this format (text, json, sarif, junit, github, gitlab, md, html), to a file if one is given; may be repeated
    #[arg(long = "out", value_name = "FORMAT[=FILE]", value_parser = parse_sink)]
    out: Vec<Sink>,
    /// Compare with the suite as it was: a revision of git, or a folder
    #[arg(long, value_name = "git:REV|DIR", value_parser = parse_state)]
    base: Option<State>,
    /// Fail only on findings that neither the base nor the baseline has
    #[arg(long)]
    fail_on_new: bool,
    /// A file of findings that are known, as `baseline --update` writes it; only others fail the check
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Hold the schemas against recorded events, one CloudEvent a line
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Where the check passes, write what was agreed on; SUITE/contracts.lock if no file is given
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    write_lock: Option<String>,
    /// Fail where the lock is not what the sources give; SUITE/contracts.lock if no file is given
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "write_lock")]
    locked: Option<String>,
    /// Count what cannot be proved as an error
    #[arg(long)]
    pub strict: bool,
    /// The least severity that fails the check
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: Floor,
    /// Fail on warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// The day against which exceptions expire, YYYY-MM-DD; today in UTC if not given
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    pub today: Option<Date>,
    /// How many threads read and parse; as many as there are cores if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// What paths in sarif, junit, github, gitlab and md are relative to; the repository if not given
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Where this book is served, for links to the pages of rules
    #[arg(long, value_name = "URL", default_value = DOCS, value_parser = parse_url)]
    docs_url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Floor {
    Error,
    Warn,
    Info,
    Never,
}

impl CheckArgs {
    /// How the suite is to be judged.
    pub fn options(&self) -> Options {
        let today = self.today.unwrap_or_else(crate::today);
        let gate = Gate { floor: self.floor(), only_new: self.fail_on_new || self.baseline.is_some() };
        Options { strict: self.strict, gate, ..Options::on(today) }
    }

    fn floor(&self) -> FailOn {
        match self.fail_on {
            Floor::Error if self.deny_warnings => FailOn::Warn,
            Floor::Error => FailOn::Error,
            Floor::Warn => FailOn::Warn,
            Floor::Info => FailOn::Info,
            Floor::Never => FailOn::Never,
        }
    }

    fn recorded(&self) -> anyhow::Result<Vec<RecordedEvent>> {
        let Some(file) = &self.replay else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        RecordedEvent::read_all(&text).map_err(|why| anyhow::anyhow!("`{}` {why}", file.display()))
    }

    fn known(&self) -> anyhow::Result<Option<Baseline>> {
        self.baseline.as_deref().map(|file| known::read(file, &self.suite)).transpose()
    }

    fn lock_file(&self, file: Option<&str>) -> Option<PathBuf> {
        let file = file?;
        Some(if file.is_empty() { self.suite.join(crate::lock::FILE) } else { PathBuf::from(file) })
    }

    fn surroundings(&self) -> anyhow::Result<Surroundings> {
        let docs = format!("{}/", self.docs_url.trim_end_matches('/'));
        Ok(Surroundings { root: root_of(&self.suite, self.root.as_deref())?, docs })
    }

    fn sinks(&self) -> anyhow::Result<Vec<Sink>> {
        if self.out.is_empty() {
            return Ok(vec![Sink { format: Format::Text, file: None }]);
        }
        let files: Vec<_> = self.out.iter().filter_map(|sink| sink.file.as_deref()).collect();
        let again = files.iter().enumerate().find(|(at, file)| files[..*at].contains(file));
        if let Some((_, file)) = again {
            anyhow::bail!("two formats cannot go to one file, and `{}` is given twice", file.display());
        }
        Ok(self.out.clone())
    }

    /// The command that writes a lock.
    fn writing(&self, lock: &Path) -> String {
        let suite = self.suite.display();
        if lock == self.suite.join(crate::lock::FILE) {
            format!("check {suite} --write-lock")
        } else {
            format!("check {suite} --write-lock={}", lock.display())
        }
    }

    fn write_lock(&self, suite: &Suite, status: Status, io: &mut Io<'_>) -> anyhow::Result<()> {
        let Some(file) = self.lock_file(self.write_lock.as_deref()) else { return Ok(()) };
        let shown = file.display();
        if status != Status::Pass {
            writeln!(io.err, "`{shown}` is not written: a lock is what a suite that passes agreed on")?;
            return Ok(());
        }
        let text = Lock::of(suite).text()?;
        std::fs::write(&file, text).with_context(|| format!("cannot write `{shown}`"))
    }
}

/// Reads the address that links begin with.
fn parse_url(text: &str) -> Result<String, String> {
    let is_url = ["https://", "http://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if is_url { Ok(text.to_owned()) } else { Err("an address begins with https:// or http://".to_owned()) }
}

pub(super) fn run(args: &CheckArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let threads = args.threads.map(usize::from);
    let sinks = args.sinks()?;
    let suite = load_suite_with(&args.suite, threads)?;
    let surroundings = args.surroundings()?;
    let base = args.base.as_ref().map(|base| load_state(base, &args.suite, threads)).transpose()?;
    let recorded = args.recorded()?;
    let against = Against { base: base.as_ref(), recorded: &recorded };
    let options = Options { baseline: args.known()?, ..args.options() };
    let report = with_threads(threads, || checker_rules::check_against(&suite, &against, &options))?;
    write(&suite, &report, &sinks, &surroundings, io)?;
    args.write_lock(&suite, report.status, io)?;
    let is_locked = match args.lock_file(args.locked.as_deref()).filter(|_| report.status != Status::Incomplete) {
        Some(file) => locked::holds(&suite, &file, &args.writing(&file), io)?,
        None => true,
    };
    let exit = if is_locked { report.status.into() } else { Exit::Findings };
    // The program ends here, and the system takes back at once what giving back piece by piece takes a while for.
    std::mem::forget((suite, base, report));
    Ok(exit)
}
