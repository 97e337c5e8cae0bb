//! Writes a suite as large as the checker must bear and prints how long it takes and how right it is.
//!
//!     cargo run --release -p tests --bin check-load [-- --plugins N] [--rounds N] [--threads N] [--out DIR] [--facts-only yes]
//!
//! Exits with 1 where the checker missed or invented anything.

use anyhow::{Context as _, Result, bail};
use checker_cli::{Options, check, load_suite_with};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::load::{Score, write};

/// How many of the wrong deeds are shown.
const SHOWN_MAX: usize = 10;

struct Arguments {
    plugins: usize,
    rounds: usize,
    threads: Option<usize>,
    out: Option<PathBuf>,
    /// Whether the rules are left out, to look at the reading alone.
    facts_only: bool,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print(&format!("check-load: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments> {
    let mut out = Arguments { plugins: 500, rounds: 5, threads: None, out: None, facts_only: false };
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().context("a value after the flag")?;
        match flag.as_str() {
            "--plugins" => out.plugins = value.parse()?,
            "--rounds" => out.rounds = value.parse()?,
            "--threads" => out.threads = Some(value.parse()?),
            "--out" => out.out = Some(PathBuf::from(value)),
            "--facts-only" => out.facts_only = value == "yes",
            _ => bail!("usage: check-load [--plugins N] [--rounds N] [--threads N] [--out DIR] [--facts-only yes]"),
        }
    }
    Ok(out)
}

fn run(arguments: &Arguments) -> Result<bool> {
    let scratch = tempfile::tempdir()?;
    let folder = arguments.out.as_deref().unwrap_or_else(|| scratch.path());
    let (sized, truth) = write(folder, arguments.plugins)?;
    print(&format!(
        "{} plugins, {} modules, {} lines, {} bytes",
        arguments.plugins, sized.files, sized.lines, sized.bytes
    ));
    let mut times = Vec::new();
    let mut score = Score::default();
    for _ in 0..arguments.rounds.max(1) {
        let start = Instant::now();
        let suite = load_suite_with(folder, arguments.threads)?;
        let read = start.elapsed();
        let judged = (!arguments.facts_only).then(|| check(&suite, &Options::on(tests::mutation::texts::TODAY)));
        times.push((start.elapsed(), read, judged.map_or(0, |report| report.findings.len())));
        score = Score::of(suite.plugins.iter(), &truth);
    }
    times.sort_unstable();
    let (whole, read, findings) = times[times.len() / 2];
    print(&format!(
        "check: median {} (reading and facts {}), fastest {}, slowest {}; {findings} findings",
        shown(whole),
        shown(read),
        shown(times[0].0),
        shown(times[times.len() - 1].0)
    ));
    print(&format!(
        "topics: {} true, {} found, precision {:.4}, recall {:.4}; calls nobody can know: {}, listed {}",
        truth.deeds.len(),
        score.found,
        score.precision(),
        score.recall(),
        truth.open,
        score.open
    ));
    for (what, deeds) in [("missed", &score.missed), ("invented", &score.invented)] {
        for (slug, verb, topic) in deeds.iter().take(SHOWN_MAX) {
            print(&format!("{what}: {slug} {verb} {topic}"));
        }
    }
    Ok(score.missed.is_empty() && score.invented.is_empty() && score.open == truth.open)
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn print(text: &str) {
    // A closed pipe ends the printing, not the run.
    drop(writeln!(std::io::stdout(), "{text}"));
}
