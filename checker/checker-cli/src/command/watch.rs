//! `watch`: the check again after every save.

use crate::changes::Changes;
use crate::exit::Exit;
use crate::io::Io;
use crate::live::LiveSuite;
use crate::load::LoadError;
use crate::output::{render, render_changes};
use checker_report::{Format, Report};
use checker_rules::Options;
use std::path::PathBuf;
use std::time::Instant;

/// Arguments of `watch`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The first check prints everything, each further one the findings that appeared and those that went. Only the plugin that \
a changed file belongs to is read again. Ends with Ctrl-C.

Examples:
  watch ledger-example")]
pub struct WatchArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// Count what cannot be proved as an error
    #[arg(long)]
    pub strict: bool,
}

pub(super) fn run(args: &WatchArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let folder = args.suite.canonicalize().map_err(|_| LoadError::NotAFolder(args.suite.clone()))?;
    // Watching starts before reading, so that no save falls between the two.
    let changes = Changes::of(&folder)?;
    let started = Instant::now();
    let mut live = LiveSuite::load(&folder)?;
    let mut shown = report(args, &mut live, None, started, io)?;
    while let Some(changed) = changes.next() {
        let started = Instant::now();
        match live.refresh(&changed.paths) {
            Ok(true) => shown = report(args, &mut live, Some(&shown), started, io)?,
            Ok(false) => {}
            // A suite that cannot be read for a moment, as while a branch is changed, is no reason to end.
            Err(error) => writeln!(io.err, "error: {error}")?,
        }
    }
    Ok(Exit::Clean)
}

/// Checks and prints what became of the findings since they were shown; all of them the first time.
fn report(
    args: &WatchArgs,
    live: &mut LiveSuite,
    shown: Option<&Report>,
    started: Instant,
    io: &mut Io<'_>,
) -> anyhow::Result<Report> {
    let options = Options { strict: args.strict, ..Options::on(crate::today()) };
    let report = live.check(&options);
    let took = started.elapsed();
    let text = match shown {
        None => render(live.suite(), &report, Format::Text, io.color),
        Some(shown) => render_changes(live.suite(), &report, shown, io.color),
    };
    write!(io.out, "{text}")?;
    io.out.flush()?;
    writeln!(io.err, "checked in {} ms", took.as_millis())?;
    Ok(report)
}
