//! `check`: the gate.

use crate::exit::Exit;
use crate::io::Io;
use crate::load::load_suite_with;
use crate::output::{Sink, parse_sink, render};
use anyhow::Context;
use checker_report::{Color, Format};
use checker_rules::{FailOn, Options};
use jiff::civil::Date;
use std::path::PathBuf;

/// Arguments of `check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// The suite's folder
    #[arg(default_value = ".")]
    pub suite: PathBuf,
    /// Write this format (text, json), to a file if one is given; may be repeated
    #[arg(long = "out", value_name = "FORMAT[=FILE]", value_parser = parse_sink)]
    out: Vec<Sink>,
    /// Count what cannot be proved as an error
    #[arg(long)]
    pub strict: bool,
    /// The least severity that fails the check
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: Floor,
    /// Fail on warnings too
    #[arg(long)]
    pub deny_warnings: bool,
    /// The day against which exceptions expire, YYYY-MM-DD; today if not given
    #[arg(long, value_name = "DATE")]
    pub today: Option<Date>,
    /// How many threads read and parse; as many as there are cores if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
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
        let today = self.today.unwrap_or_else(|| jiff::Zoned::now().date());
        Options { strict: self.strict, fail_on: self.floor(), ..Options::on(today) }
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

    fn sinks(&self) -> Vec<Sink> {
        match self.out.as_slice() {
            [] => vec![Sink { format: Format::Text, file: None }],
            sinks => sinks.to_vec(),
        }
    }
}

pub(super) fn run(args: &CheckArgs, io: &mut Io<'_>) -> anyhow::Result<Exit> {
    let suite = load_suite_with(&args.suite, args.threads.map(usize::from))?;
    let report = checker_rules::check(&suite, &args.options());
    for sink in args.sinks() {
        match sink.file {
            None => io.out.write_all(render(&suite, &report, sink.format, io.color).as_bytes())?,
            Some(file) => {
                let text = render(&suite, &report, sink.format, Color::Never);
                std::fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
            }
        }
    }
    io.out.flush()?;
    Ok(report.status.into())
}
