//! `trunkline test`: the tests of plugins, each in a rehearsal of its own.
//!
//! The tests run in a worker process, as all plugin code does; what they want done comes as questions, and `bed`
//! answers them with the real host, store and HTTP interface. Only the clock, chance and deliveries are played with.
//! Reading order: `chosen` finds the tests, `file` runs one file of them, `bed` is the rehearsal, `asked` and `outside`
//! what a test asks of it, `patience` how long it may, `coverage` says what was reached, `report` writes it down.

mod arguments;
mod asked;
mod bed;
mod chosen;
mod coverage;
mod file;
mod misuse;
mod outside;
mod patience;
mod report;
mod run;

use crate::exit::{FAILED, Failure};
use crate::used::table;
use anyhow::{Context, anyhow};

use chosen::Chosen;
use coverage::Coverage;
use file::TestFile;
use report::{Report, Shape};
use run::{Run, Suite};
use std::io::Write;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  trunkline test ledger-example
  trunkline test ledger-example/ap --filter refused
  trunkline test . --out junit=tests.xml --out text

Tests are the files tests/*.test.js and tests/*.test.ts of a plugin. Each test has a store of its own and a clock that \
stands still; the same tests give the same bytes. Exit codes: 0 all passed; 1 a test failed or a file cannot be loaded; \
2 wrong usage, or no test fits.";

/// Arguments of `test`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct TestArgs {
    /// A suite, or one plugin of it.
    #[arg(default_value = ".", value_name = "SUITE|PLUGIN")]
    folder: PathBuf,
    /// Only tests whose name or file contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// text, json or junit; with =FILE it is written there. May be given several times.
    #[arg(long, value_name = "FORMAT[=FILE]")]
    out: Vec<Shape>,
    /// Also show what a call of each handler used at most, with times and memory; on standard error, as it differs from run to run.
    #[arg(long)]
    used: bool,
}

pub(crate) fn run(args: &TestArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let chosen = Chosen::find(&args.folder)?;
    let suite = Suite::of(&chosen.suite);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let mut report = Report::default();
    // Of a file that cannot be loaded nobody knows what its tests are called.
    let mut unread = Vec::new();
    for (slug, files) in &chosen.files {
        let mut coverage = Coverage::of(&chosen.suite, slug);
        for file in files {
            let wanted =
                |name: &str| args.filter.as_ref().is_none_or(|text| name.contains(text) || file.contains(text));
            let run = Run { suite: &suite, runtime: &runtime, slug, file };
            match TestFile::load(&run) {
                Ok(mut tests) => report.tests.extend(tests.run(&run, wanted, &mut coverage)?),
                Err(failure) if wanted("") => report.tests.push(failure),
                Err(failure) => unread.push(failure),
            }
        }
        report.coverage.push(coverage);
    }
    if report.tests.is_empty() {
        report.tests = unread;
    }
    if report.tests.is_empty() {
        return nothing(args, err);
    }
    let shapes = if args.out.is_empty() { &[Shape::text()][..] } else { &args.out };
    for shape in shapes {
        shape.write(&report, out)?;
    }
    if args.used {
        let plugins = report.coverage.iter();
        let handlers = plugins.flat_map(|one| one.measured.iter().map(|(name, most)| (&*one.plugin, &**name, most)));
        write!(err, "{}", table("in any test", handlers))?;
    }
    if report.failed() > 0 { Err(Failure::told(FAILED)) } else { Ok(()) }
}

/// That there is no test is only worth a word, unless some were asked for.
fn nothing(args: &TestArgs, err: &mut dyn Write) -> Result<(), Failure> {
    if let Some(text) = &args.filter {
        return Err(Failure::usage(anyhow!("no test of `{}` has `{text}` in its name or file", args.folder.display())));
    }
    Ok(writeln!(err, "no tests: a plugin's are its files tests/*.test.js and tests/*.test.ts")?)
}
